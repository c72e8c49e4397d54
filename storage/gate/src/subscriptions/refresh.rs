//! What is to be fetched, and what comes of it: for the program that does.
//!
//! Objects are told apart by their UIDs and compared by what the program says of them, so a calendar that is given anew each time with another
//! time stamp changes nothing for the programs that synchronise. What came is put before what has gone is removed.

use super::record::{Record, place};
use super::{RECORD, SUBSCRIBED, SubscriptionFault, is_subscribed};
use crate::acts::file::document;
use crate::admin::Admin;
use crate::kept::beside;
use crate::kept::object::ObjectFacts;
use crate::kept::versions::expunge;
use crate::refusal::Refusal;
use data_encoding::HEXLOWER;
use octroi_engine::{Batch, Body};
use octroi_model::{Annotated, CollectionId, Item, Name, UidSet, UnixTime};
use std::collections::BTreeSet;
use zeroize::Zeroizing;

/// Objects of one commit: others wait no longer for it than for one large write.
const TOGETHER: usize = 200;
/// Octets of an object's name that come from its UID.
const NAME_BYTES: usize = 16;
/// Octets of what a server says of the calendar that it gave: more is not kept.
const VALIDATOR_BYTES_MAX: usize = 512;
/// What the program compares an object by, among the notes beside it.
const SAME: &str = "same";

/// A calendar that is to be fetched.
pub struct DueSubscription {
    of: Annotated,
    /// Its collection, for the log.
    pub collection: CollectionId,
    /// Where it is. Not to be logged.
    pub url: Zeroizing<String>,
    /// Its events may ring.
    pub alarms: bool,
    /// By which the server there knows what it gave last: the entity tag, and when it was changed.
    pub etag: Option<String>,
    /// See there.
    pub modified: Option<String>,
    /// Fetches in a row that brought nothing.
    pub failures: u32,
}

/// An object of a calendar that was fetched.
pub struct FetchedObject {
    /// Its UID.
    pub uid: String,
    /// All of it.
    pub octets: Vec<u8>,
    /// What it says of itself.
    pub facts: ObjectFacts,
    /// As it is kept.
    pub media_type: String,
    /// What is another when it is another.
    pub same: String,
}

/// A calendar that was fetched.
pub struct Fetched {
    /// No two have the same UID.
    pub objects: Vec<FetchedObject>,
    /// How many were left out, as nobody could understand them.
    pub left_out: u32,
    /// By which the server there knows it.
    pub etag: Option<String>,
    /// See there.
    pub modified: Option<String>,
}

/// What came of a fetch.
pub enum Refreshed {
    /// It is what it was.
    Same,
    /// This is to be there, and nothing else.
    Whole(Fetched),
    /// Nothing came; what was there stays.
    Fault(SubscriptionFault),
}

impl Admin {
    /// People whose profiles let them may subscribe from now on: `reaches` knows the URLs that could be fetched.
    pub fn offer_subscriptions(&self, reaches: impl Fn(&str) -> bool + Send + Sync + 'static) {
        if self.gate.0.subscribing.reaches.set(Box::new(reaches)).is_err() {
            tracing::error!("subscriptions were offered twice");
        }
    }

    /// Until somebody has subscribed.
    pub async fn subscription_begun(&self) {
        self.gate.0.subscribing.begun.notified().await;
    }

    /// The calendars that are to be fetched by now, those that have waited longest first. Those of people whose profiles do not let them have any
    /// (any more) are left as they are.
    pub fn due_subscriptions(&self, now: UnixTime) -> Vec<DueSubscription> {
        let (engine, policy) = (self.gate.engine(), self.gate.policy());
        let mut due = Vec::new();
        for of in engine.annotated(None, RECORD) {
            let Some(collection) = of.collection.and_then(|id| engine.collection(id)).filter(|one| is_subscribed(one)) else { continue };
            let owner = engine.account(collection.owner).filter(|owner| of.account == Some(owner.id));
            let lets = owner.is_some_and(|owner| policy.profile(&owner.profile).is_some_and(octroi_policy::Profile::subscribes));
            if let Some(record) = Record::at(&self.gate, of).filter(|record| lets && record.due <= now.0) {
                let subscription = DueSubscription {
                    of,
                    collection: collection.id,
                    url: Zeroizing::new(record.url.clone()),
                    alarms: record.alarms,
                    etag: record.etag.clone(),
                    modified: record.modified.clone(),
                    failures: record.failures,
                };
                due.push((record.due, subscription));
            }
        }
        due.sort_by_key(|(at, _)| *at);
        due.into_iter().map(|(_, subscription)| subscription).collect()
    }

    /// Keep what came of a fetch, and fetch it again after so many seconds; `None`: the subscription has ended meanwhile.
    pub async fn settle_subscription(&self, due: &DueSubscription, refreshed: Refreshed, again: i64) -> Result<Option<Settled>, Refusal> {
        let Some(mut record) = Record::at(&self.gate, due.of).filter(|record| record.url == *due.url) else { return Ok(None) };
        let now = UnixTime::now().0;
        let mut settled = Settled::default();
        let fault = match refreshed {
            Refreshed::Same => None,
            Refreshed::Fault(fault) => Some(fault),
            Refreshed::Whole(fetched) => {
                let validator = |text: Option<String>| text.filter(|text| text.len() <= VALIDATOR_BYTES_MAX);
                let (etag, modified, left_out) = (validator(fetched.etag), validator(fetched.modified), fetched.left_out);
                match self.fill_subscription(due.collection, fetched.objects).await {
                    Ok(changed) => {
                        (record.etag, record.modified, record.left_out) = (etag, modified, left_out);
                        settled.changed = changed;
                        None
                    }
                    Err(Refusal::OverQuota) => Some(SubscriptionFault::OverQuota),
                    Err(Refusal::Missing) => return Ok(None),
                    Err(refusal) => return Err(refusal),
                }
            }
        };
        (record.tried, record.due, record.fault) = (Some(now), now.saturating_add(again), fault);
        if fault.is_none() {
            (record.fetched, record.failures) = (Some(now), 0);
        } else {
            record.failures = record.failures.saturating_add(1);
        }
        settled.fault = fault;
        let mut batch = Batch::new();
        record.keep(&self.gate, place(due.collection, due.of.account.unwrap_or(crate::gate::SYSTEM)), &mut batch)?;
        match self.gate.engine().commit(batch).await.map_err(Refusal::from) {
            Ok(_) => Ok(Some(settled)),
            Err(Refusal::Missing) => Ok(None),
            Err(refusal) => Err(refusal),
        }
    }

    /// Make a calendar hold these objects. What is as it was is not touched.
    async fn fill_subscription(&self, calendar: CollectionId, objects: Vec<FetchedObject>) -> Result<usize, Refusal> {
        let engine = self.gate.engine();
        engine.collection(calendar).filter(|one| one.property(SUBSCRIBED).is_some()).ok_or(Refusal::Missing)?;
        let view = engine.view(calendar).await?;
        let mut wanted = BTreeSet::new();
        let mut fresh = Vec::new();
        for object in objects {
            let name = name_of(&object.uid)?;
            let is_same = |item: &Item| beside::noted(item, SAME) == Some(object.same.as_str());
            if !view.by_name(&name).is_some_and(is_same) && !wanted.contains(&name) {
                fresh.push((name.clone(), object));
            }
            wanted.insert(name);
        }
        let mut changed = fresh.len();
        while !fresh.is_empty() {
            let mut batch = Batch::new();
            for (name, object) in fresh.drain(..fresh.len().min(TOGETHER)) {
                let described = ObjectFacts::beside(None, Some(&object.facts));
                let properties = beside::with(described.as_deref(), &[(SAME, Some(&object.same))]);
                let body = batch.body(Body::document(&object.octets));
                batch.put(calendar, Item { properties, ..document(name, Some(&object.media_type))? }, body);
            }
            engine.commit(batch).await?;
        }
        let is_gone = |item: &&Item| item.name.as_ref().is_none_or(|name| !wanted.contains(name));
        let gone = UidSet::from_uids(view.items().filter(is_gone).map(|item| item.uid));
        if !gone.is_empty() {
            changed += gone.len() as usize;
            let mut batch = Batch::new();
            batch.push(expunge(calendar, gone));
            engine.commit(batch).await?;
        }
        Ok(changed)
    }
}

/// What was settled.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Settled {
    /// Objects that came, changed or went.
    pub changed: usize,
    /// Why nothing came, if nothing did.
    pub fault: Option<SubscriptionFault>,
}

/// The name that an object has for as long as it has its UID.
fn name_of(uid: &str) -> Result<Name, Refusal> {
    let hash = blake3::hash(uid.as_bytes());
    Name::new(&format!("{}.ics", HEXLOWER.encode(&hash.as_bytes()[..NAME_BYTES]))).map_err(|_| Refusal::Unsupported)
}
