//! Where scheduling keeps and finds things in somebody's calendars: inbox and outbox, the calendar for what is new, an object by its UID.

use super::busy::SeenCalendars;
use super::codec::SchedulingCodec;
use crate::gate::{Gate, new_collection};
use crate::kept::{almanac, beside};
use crate::refusal::Refusal;
use crate::session::Session;
use crate::subscriptions::is_subscribed;
use crate::tree;
use octroi_engine::{Batch, Change, Engine, Expect, Part};
use octroi_model::{Account, AccountId, Collection, CollectionId, CollectionKind, Item, LeadsTo, Name, Path};
use octroi_policy::Area;
use std::sync::Arc;

/// The property of the inbox that names the calendar for what is new, by its number, so that a rename changes nothing (RFC 6638 section
/// 9.2).
pub const DEFAULT_CALENDAR: &str = "schedule-default-calendar";
/// The property of a calendar that names the components that it takes; without it all.
const COMPONENTS: &str = "supported-calendar-component-set";
/// The property of the inbox that says when its owner can be asked (RFC 7953 section 7.2.4): the calendar object as it is, not as XML.
pub const AVAILABILITY: &str = "calendar-availability";
/// The property of a calendar that says whether it makes busy, as clients set it (RFC 6638 section 9.1).
pub(crate) const TRANSPARENCY: &str = "{urn:ietf:params:xml:ns:caldav}schedule-calendar-transp";
/// Contents that are read together in search of a UID.
const READ_AT_ONCE: usize = 64;
/// Objects of before UIDs were noted that are read in search of one.
const UNKNOWN_MAX: usize = 5_000;
/// How often inbox and outbox are made before giving up: each time somebody else may have made one.
const TRIES_MAX: usize = 4;

/// An object in somebody's calendars.
#[derive(Clone)]
pub(super) struct Found {
    pub collection: CollectionId,
    pub item: Item,
}

impl Gate {
    /// Under which addresses others write to somebody: their own, and aliases that lead to nobody else.
    pub(crate) fn addresses_of(&self, account: &Account) -> Vec<String> {
        let mut all = vec![account.address.to_string()];
        for alias in self.engine().aliases() {
            if let (octroi_model::AliasName::Address(address), LeadsTo::Addresses(_)) = (&alias.name, &alias.leads_to)
                && self.leads_alone(address, account.id)
            {
                all.push(address.to_string());
            }
        }
        all
    }
}

/// The collection of that kind below the top of somebody's calendars.
pub(super) fn of_kind(engine: &dyn Engine, home: &Collection, kind: CollectionKind) -> Option<Arc<Collection>> {
    engine.children(home.id).into_iter().find(|child| child.kind == kind)
}

/// The same, made in the batch if it is not there. A calendar may have its name, so it takes the first that is free.
pub(super) fn ensure(engine: &dyn Engine, home: &Collection, kind: CollectionKind, batch: &mut Batch) -> Result<CollectionId, Refusal> {
    if let Some(there) = of_kind(engine, home, kind) {
        return Ok(there.id);
    }
    let names = if kind == CollectionKind::Inbox {
        ["inbox", "scheduling-inbox", "octroi-inbox"]
    } else {
        ["outbox", "scheduling-outbox", "octroi-outbox"]
    };
    let free = names.into_iter().filter_map(|name| Name::new(name).ok()).find(|name| engine.child(home.id, name).is_none());
    let name = free.ok_or(Refusal::Exists)?;
    let collection = new_collection(engine, Some(home.id), name.clone(), kind, home.owner);
    let id = collection.id;
    batch.expect(Expect::Absent { collection: home.id, name });
    batch.push(Change::CreateCollection { collection, parent_head: None });
    Ok(id)
}

/// When somebody can be asked, as they said it beside their inbox.
pub(super) fn availability(engine: &dyn Engine, home: &Collection) -> Option<Vec<u8>> {
    Some(of_kind(engine, home, CollectionKind::Inbox)?.property(AVAILABILITY)?.as_bytes().to_vec())
}

/// Is it a calendar whose events are its owner's doing? What is fetched from the web is not, whatever UIDs are in it.
fn is_ones_own(child: &Collection) -> bool {
    child.kind == CollectionKind::Calendar && !is_subscribed(child)
}

/// Can meetings go into it?
pub(super) fn takes_meetings(calendar: &Collection) -> bool {
    let takes_events = calendar.property(COMPONENTS).is_none_or(|names| names.split(',').any(|name| name.eq_ignore_ascii_case("VEVENT")));
    is_ones_own(calendar) && takes_events
}

/// The calendar that new meetings go into: the one that its owner chose, or the oldest that takes them.
pub(super) fn default_calendar(engine: &dyn Engine, home: &Collection) -> Option<Arc<Collection>> {
    let calendars = || engine.children(home.id).into_iter().filter(|child| takes_meetings(child));
    let inbox = of_kind(engine, home, CollectionKind::Inbox);
    let chosen = inbox.and_then(|inbox| inbox.property(DEFAULT_CALENDAR)?.parse().ok()).map(CollectionId);
    calendars().find(|calendar| Some(calendar.id) == chosen).or_else(|| calendars().min_by_key(|calendar| calendar.id))
}

/// The object with that UID in any of somebody's calendars; or where it was looked for in vain, which is to be as it was when one is put there.
pub(super) async fn find(
    engine: &dyn Engine,
    codec: &dyn SchedulingCodec,
    owner: AccountId,
    uid: &str,
) -> Result<Result<Found, SeenCalendars>, Refusal> {
    let mut seen = SeenCalendars::default();
    let Some(home) = tree::home(engine, owner, Area::Calendars) else { return Ok(Err(seen)) };
    let mut unknown: Vec<Found> = Vec::new();
    for calendar in engine.children(home.id).into_iter().filter(|child| is_ones_own(child)) {
        let found = |item: Item| Found { collection: calendar.id, item };
        let (view, known) = almanac::newest(engine, calendar.id, |view| almanac::holders(view, uid)).await?;
        seen.add(calendar.id, view.head().modseq);
        if let Some(item) = known.first().and_then(|holder| view.by_uid(*holder)) {
            return Ok(Ok(found(item.clone())));
        }
        // Nobody has described them yet.
        for item in almanac::unknown(&view, UNKNOWN_MAX.saturating_sub(unknown.len())).unwrap_or_default() {
            match beside::noted(&item, beside::UID) {
                Some(known) if known == uid => return Ok(Ok(found(item))),
                Some(_) => {}
                None => unknown.push(found(item)),
            }
        }
    }
    for some in unknown.chunks(READ_AT_ONCE) {
        let octets = engine.read(some.iter().map(|found| (found.item.content, Part::Whole)).collect()).await?;
        if let Some(at) = octets.iter().position(|octets| codec.uid(octets).as_deref() == Some(uid)) {
            return Ok(Ok(some[at].clone()));
        }
    }
    Ok(Err(seen))
}

/// All octets of an item.
pub(super) async fn read(engine: &dyn Engine, item: &Item) -> Result<Vec<u8>, Refusal> {
    let parts = engine.read(vec![(item.content, Part::Whole)]).await?;
    Ok(parts.into_iter().next().unwrap_or_default())
}

/// Where the parts of somebody's scheduling are, as their own programs name them.
#[derive(Debug, Clone)]
pub struct SchedulingPlaces {
    /// What they were told.
    pub inbox: Path,
    /// Where they ask when others are free.
    pub outbox: Path,
    /// For what is new.
    pub default_calendar: Option<Path>,
    /// Under which addresses others write to them.
    pub addresses: Vec<String>,
}

impl Session {
    /// The number of a calendar of one's own that new meetings can go into, for [`DEFAULT_CALENDAR`]; `None`: there is none at that path.
    pub fn calendar_for_meetings(&self, path: &Path) -> Option<String> {
        let engine = self.gate().engine();
        let home = tree::home(engine, self.account(), Area::Calendars)?;
        let [name] = path.names() else { return None };
        engine.child(home.id, name).filter(|calendar| takes_meetings(calendar)).map(|calendar| calendar.id.0.to_string())
    }

    /// Where scheduling is in one's own calendars, made if it is not there yet. Nothing where there are no meetings, or no calendars.
    pub async fn scheduling_places(&self) -> Result<Option<SchedulingPlaces>, Refusal> {
        let engine = self.gate().engine();
        let Some(home) = tree::home(engine, self.account(), Area::Calendars) else { return Ok(None) };
        if self.gate().0.scheduling.get().is_none() {
            return Ok(None);
        }
        for _ in 0..TRIES_MAX {
            let mut batch = Batch::new();
            for kind in [CollectionKind::Inbox, CollectionKind::Outbox] {
                ensure(engine, &home, kind, &mut batch)?;
            }
            if batch.is_empty() {
                break;
            }
            match engine.commit(batch).await.map_err(Refusal::from) {
                // Somebody else has made one of them: an invitation that came in makes the inbox alone.
                Ok(_) | Err(Refusal::Precondition | Refusal::Exists) => {}
                Err(refusal) => return Err(refusal),
            }
        }
        let path = |collection: Arc<Collection>| Path::from_names(vec![collection.name.clone()]).ok();
        let place = |kind| of_kind(engine, &home, kind).and_then(path);
        let (Some(inbox), Some(outbox)) = (place(CollectionKind::Inbox), place(CollectionKind::Outbox)) else { return Ok(None) };
        let addresses = engine.account(self.account()).map(|account| self.gate().addresses_of(&account)).unwrap_or_default();
        Ok(Some(SchedulingPlaces { inbox, outbox, default_calendar: default_calendar(engine, &home).and_then(path), addresses }))
    }
}
