//! Whom a filter has answered lately (RFC 5230 section 4.2): items of a collection, named by a hash of the answer and the person, dated when
//! they may be answered again. Durable with the answer itself, so a restart answers nobody twice.

use super::Filter;
use crate::acts::mailbox::message;
use crate::filters;
use crate::refusal::Refusal;
use octroi_engine::{Batch, Body, Change, Engine, Expect, View};
use octroi_model::{Address, CollectionId, Head, Item, ModSeq, Name, UidSet, UnixTime};
use std::sync::Arc;

/// Whom one account remembers to have answered; when there are more, nobody new is answered.
const ANSWERED_MAX: usize = 2_000;
/// Memories that one delivery clears away.
const FORGOTTEN_AT_ONCE: usize = 64;

/// Somebody who is not to be answered again for some time.
pub(super) struct Memory {
    name: Name,
    seconds: u64,
}

impl Memory {
    /// Nothing to remember when they may be answered each time (RFC 6131 section 2).
    pub(super) fn new(handle: &str, to: &Address, seconds: u64) -> Option<Self> {
        let hash = blake3::hash(format!("{handle}\0{}", to.key()).as_bytes());
        let name = Name::new(hash.to_hex().as_str()).ok()?;
        (seconds > 0).then_some(Self { name, seconds })
    }

    /// Were they answered? Spares a decision; [`Memory::keep`] makes sure.
    pub(super) async fn is_kept(&self, filter: &Filter, engine: &dyn Engine) -> Result<bool, Refusal> {
        let now = UnixTime::now();
        let Some((_, view)) = open(filter, engine).await? else { return Ok(false) };
        Ok(view.by_name(&self.name).is_some_and(|item| item.date > now))
    }

    /// Add it to the batch with the answer; false if they must not be answered.
    pub(super) async fn keep(&self, filter: &Filter, engine: &dyn Engine, batch: &mut Batch) -> Result<bool, Refusal> {
        let now = UnixTime::now();
        let Some((collection, view)) = open(filter, engine).await? else { return Ok(false) };
        match view.by_name(&self.name) {
            Some(item) if item.date > now => return Ok(false),
            Some(item) => _ = batch.expect(Expect::Unchanged { collection, uid: item.uid, modseq: item.modseq }),
            None => _ = batch.expect(Expect::Absent { collection, name: self.name.clone() }),
        }
        let is_over = |item: &&Item| item.date <= now && item.name.as_ref() != Some(&self.name);
        let over: Vec<&Item> = view.items().filter(is_over).take(FORGOTTEN_AT_ONCE).collect();
        if view.len() >= ANSWERED_MAX + over.len() {
            tracing::warn!(owner = %filter.owner(), "an answer was not sent: too many people were answered lately");
            return Ok(false);
        }
        if !over.is_empty() {
            let uids = UidSet::from_uids(over.iter().map(|item| item.uid));
            batch.push(Change::Expunge { collection, uids, modseq: ModSeq(0), head: Head::default() });
        }
        let until = UnixTime(now.0.saturating_add(i64::try_from(self.seconds).unwrap_or(i64::MAX)));
        let nothing = batch.body(Body::document(b""));
        batch.put(collection, Item { name: Some(self.name.clone()), ..message(until) }, nothing);
        Ok(true)
    }
}

async fn open(filter: &Filter, engine: &dyn Engine) -> Result<Option<(CollectionId, Arc<View>)>, Refusal> {
    let Some(collection) = filters::answered(engine, filter.account.id) else { return Ok(None) };
    Ok(Some((collection.id, engine.view(collection.id).await?)))
}
