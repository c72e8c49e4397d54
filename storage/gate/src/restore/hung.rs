//! What hung on calendar objects (RFC 8607), brought back once the objects are.
//!
//! What holds: what some object carries now and is nowhere any more comes back under its number, so that the lines in the objects mean what they
//! meant; nothing else does. The number says in whose account it was: if that account was made anew, and so has another number itself, that is
//! noted where its attachments lie.

use super::{PAGE_ITEMS, Restored, Work, failed};
use crate::admin::Admin;
use crate::attachments;
use crate::refusal::Refusal;
use octroi_engine::{BackupError, Past};
use octroi_model::{AccountId, Collection, CollectionKind, Uid};
use std::sync::Arc;

/// Where the attachments of the account of that number were then.
pub(super) fn source(past: &Past, then: AccountId) -> Option<Arc<Collection>> {
    let home = past.homes(then).into_iter().find(|home| home.kind == CollectionKind::CalendarHome)?;
    past.children(home.id).into_iter().find(|child| child.kind == CollectionKind::Attachments)
}

impl Admin {
    /// Bring back of them what is missed.
    pub(super) async fn attachments_back(
        &self,
        work: &Work<'_>,
        source: &Arc<Collection>,
        then: AccountId,
        restored: &mut Restored,
    ) -> Result<(), BackupError> {
        let refused = |refusal: Refusal| failed(format!("what hung on events: {refusal}"));
        let mut after = Uid(0);
        loop {
            let page = work.past.items(source.id, after, PAGE_ITEMS).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.uid;
            let mut missing = Vec::new();
            for item in page {
                let Some(id) = &item.name else { continue };
                if attachments::is_there(work.engine, id).await.map_err(refused)? {
                    restored.present += 1;
                    work.progress.step(1)?;
                } else if attachments::is_carried(&self.gate, work.account.id, &item).await.map_err(refused)? {
                    missing.push(item);
                } else {
                    work.progress.step(1)?;
                }
            }
            if !missing.is_empty() {
                let target = attachments::store_after(work.engine, work.account.id, (then, source)).await.map_err(refused)?;
                work.items(source, target, &[], missing, restored).await?;
            }
        }
    }
}
