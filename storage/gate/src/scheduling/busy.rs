//! When somebody is busy, for who plans a meeting (RFC 6638 section 5): whose calendars that may be known of is decided here, what their
//! objects say is read by who asks.

use super::homes;
use crate::kept::almanac::{self, Candidate, Sought};
use crate::refusal::Refusal;
use crate::session::Session;
use crate::tree::{self, Node};
use octroi_engine::{Batch, Engine, Expect, Part};
use octroi_model::{AccountId, Address, CollectionId, CollectionKind, Item, ModSeq, Rights, Uid};
use octroi_policy::Area;

/// Objects that one answer is made from.
const OBJECTS_MAX: usize = 5_000;
/// Their octets in all: they are in memory together.
const OCTETS_MAX: u64 = 16 * 1024 * 1024;
/// Name of the limit.
const BUSY: &str = "objects of one answer";

/// The calendars that were looked at, as they were: what is decided by them holds as long as nothing in them changes.
#[derive(Debug, Clone, Default)]
pub struct SeenCalendars(Vec<(CollectionId, ModSeq)>);

impl SeenCalendars {
    /// One was looked at.
    pub(super) fn add(&mut self, calendar: CollectionId, modseq: ModSeq) {
        self.0.push((calendar, modseq));
    }

    /// Have a batch refused once one of them is another.
    pub(super) fn expect(&self, batch: &mut Batch) {
        for (collection, modseq) in &self.0 {
            batch.expect(Expect::Still { collection: *collection, modseq: *modseq });
        }
    }

    /// Are they all as they were?
    pub(super) fn hold(&self, engine: &dyn Engine) -> bool {
        let holds = |(id, modseq): &(CollectionId, ModSeq)| engine.collection(*id).is_some_and(|now| now.head.modseq == *modseq);
        self.0.iter().all(holds)
    }
}

/// Everything that somebody's calendars hold within these seconds, but for that item, and when they can be asked at all: for what is decided
/// on the server's authority. It holds as
/// long as nothing comes into them, which the batch expects.
pub(super) async fn bookings(
    engine: &dyn Engine,
    owner: AccountId,
    window: (i64, i64),
    but: (CollectionId, Uid),
    batch: &mut Batch,
) -> Result<Vec<Vec<u8>>, Refusal> {
    let Some(home) = tree::home(engine, owner, Area::Calendars) else { return Ok(Vec::new()) };
    let mut items: Vec<Item> = Vec::new();
    for calendar in engine.children(home.id).into_iter().filter(|child| child.kind == CollectionKind::Calendar) {
        let (found, modseq) = items_within(engine, calendar.id, window).await?;
        items.extend(found.into_iter().filter(|item| (calendar.id, item.uid) != but));
        batch.expect(Expect::Still { collection: calendar.id, modseq });
    }
    let mut octets = read(engine, &items).await?;
    octets.extend(homes::availability(engine, &home));
    Ok(octets)
}

async fn read(engine: &dyn Engine, items: &[Item]) -> Result<Vec<Vec<u8>>, Refusal> {
    if items.len() > OBJECTS_MAX || items.iter().map(Item::bytes).sum::<u64>() > OCTETS_MAX {
        return Err(Refusal::Limit(BUSY));
    }
    Ok(engine.read(items.iter().map(|item| (item.content, Part::Whole)).collect()).await?)
}

/// What may make busy, as it is at that modseq.
async fn items_within(engine: &dyn Engine, calendar: CollectionId, window: (i64, i64)) -> Result<(Vec<Item>, ModSeq), Refusal> {
    let sought = Sought { window: Some(window), ..Sought::default() };
    let (view, found) = almanac::newest(engine, calendar, |view| almanac::candidates(view, &sought)).await?;
    let items = found.into_iter().filter(Candidate::may_be_busy).map(|one| one.item);
    Ok((items.collect(), view.head().modseq))
}

impl Session {
    /// The objects that may make somebody busy between these seconds since 1970, of the calendars of which this session may know that, and what
    /// they say themselves of when they can be asked.
    /// [`Refusal::UnknownRecipient`] if there is nobody of ours with that address, [`Refusal::Forbidden`] if it may know it of none.
    pub async fn busy_objects(&self, whose: &Address, window: (i64, i64)) -> Result<Vec<Vec<u8>>, Refusal> {
        self.busy_objects_seen(whose, window, &mut SeenCalendars::default()).await
    }

    /// The same; the calendars that were looked at are added to `seen`, for [`crate::Granted::book_object`].
    pub async fn busy_objects_seen(&self, whose: &Address, window: (i64, i64), seen: &mut SeenCalendars) -> Result<Vec<Vec<u8>>, Refusal> {
        let account = self.person_at(whose)?;
        let engine = self.gate().engine();
        let mut items: Vec<Item> = Vec::new();
        for calendar in self.busy_calendars(account)? {
            let (found, modseq) = items_within(engine, calendar, window).await?;
            items.extend(found);
            seen.0.push((calendar, modseq));
        }
        let mut octets = read(engine, &items).await?;
        let home = tree::home(engine, account, Area::Calendars);
        octets.extend(home.and_then(|home| homes::availability(engine, &home)));
        Ok(octets)
    }

    /// May it know when somebody is busy?
    pub(crate) fn sees_busy(&self, owner: AccountId) -> bool {
        self.busy_calendars(owner).is_ok()
    }

    fn person_at(&self, whose: &Address) -> Result<AccountId, Refusal> {
        if !self.gate().is_local_domain(whose.domain()) {
            return Err(Refusal::UnknownRecipient);
        }
        match self.gate().reach(whose, Some(self.account()))?.ours.as_slice() {
            [only] => Ok(only.account),
            _ => Err(Refusal::UnknownRecipient),
        }
    }

    /// The calendars of somebody that count and of which this session may know when they make busy.
    fn busy_calendars(&self, owner: AccountId) -> Result<Vec<CollectionId>, Refusal> {
        let engine = self.gate().engine();
        let home = tree::home(engine, owner, Area::Calendars).ok_or(Refusal::UnknownRecipient)?;
        let top = self.node_of_home(owner).ok_or(Refusal::UnknownRecipient)?;
        let calendars = engine.children(home.id).into_iter().filter(|child| child.kind == CollectionKind::Calendar);
        let mut known = false;
        let mut counted = Vec::new();
        for calendar in calendars {
            let Some(node) = self.child_node(&top, &calendar) else { continue };
            if !self.rights_of(&node)?.intersects(Rights::FREE_BUSY.or(Rights::READ)) {
                continue;
            }
            known = true;
            // RFC 6638 section 9.1.
            let is_transparent = calendar.property(homes::TRANSPARENCY).is_some_and(|value| value.contains("transparent"));
            if !is_transparent {
                counted.push(calendar.id);
            }
        }
        if known { Ok(counted) } else { Err(Refusal::Forbidden(Rights::FREE_BUSY)) }
    }

    fn node_of_home(&self, owner: AccountId) -> Option<Node> {
        if owner == self.account() { self.own_home(Area::Calendars) } else { self.home_of(Area::Calendars, owner) }
    }
}
