//! Visits: what somebody has who comes with a link and nothing else.

use super::{Record, name_of, parse_link, place};
use crate::acts::objects::fitting;
use crate::gate::{Gate, SYSTEM};
use crate::refusal::Refusal;
use crate::sight::{Seen, Sight, Strip};
use crate::subscriptions::is_subscribed;
use crate::tree;
use octroi_engine::{Part, View};
use octroi_model::{Collection, CollectionId, CollectionKind, ContentRef, Item, Rights, UnixTime};
use octroi_policy::Area;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::MutexGuard;

/// What visits are counted in.
const MINUTE: Duration = Duration::from_mins(1);
/// Links whose visits are counted: of more than these in one minute none is.
const COUNTED_MAX: usize = 100_000;

/// How often each link was used within the last minute. In memory: a restart begins anew, which no visitor can bring about.
#[derive(Default)]
pub(crate) struct Visits {
    counts: Mutex<HashMap<Arc<str>, (Instant, u32)>>,
    turn: tokio::sync::Mutex<()>,
}

impl Visits {
    /// One link is made at a time, so that nobody has more than they may.
    pub(super) async fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    /// Count one more, unless there were `max` within the minute.
    fn count(&self, link: &Arc<str>, max: u32) -> bool {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= COUNTED_MAX {
            counts.retain(|_, (since, _)| since.elapsed() < MINUTE);
            if counts.len() >= COUNTED_MAX {
                return false;
            }
        }
        let (since, count) = counts.entry(link.clone()).or_insert((Instant::now(), 0));
        if since.elapsed() >= MINUTE {
            (*since, *count) = (Instant::now(), 0);
        }
        *count = count.saturating_add(1);
        *count <= max
    }
}

/// A calendar as a visitor has it: as it is at the moment of the visit.
pub struct Published {
    gate: Gate,
    link: String,
    view: Arc<View>,
    sight: Sight,
    collection: CollectionId,
    etag: String,
    /// The next of its objects.
    at: usize,
}

impl Gate {
    /// What a link leads to, for a visitor from there. [`Refusal::Missing`]: nothing, whatever the reason; [`Refusal::Busy`]: too often.
    pub async fn published(&self, link: &str, peer: IpAddr) -> Result<Published, Refusal> {
        tokio::time::sleep(self.0.throttle.wait(peer)).await;
        let Some((name, collection, record)) = self.standing_link(link) else {
            self.count_failure(peer, link);
            return Err(Refusal::Missing);
        };
        if !self.0.visits.count(&name, self.0.limits.published_visits_per_minute_max) {
            return Err(Refusal::Busy);
        }
        let view = self.engine().view(collection.id).await?;
        // Nobody, who has put nothing there and is not its owner.
        let sight = Sight::Shared { viewer: SYSTEM, collection: collection.id, is_veiled: record.busy_only, is_own: false };
        let said = format!("{} {} {}", collection.id.0, view.head().modseq.0, record.busy_only);
        let etag = self.0.key.hash_link(said.as_bytes()).to_hex().as_str()[..32].to_owned();
        Ok(Published { gate: self.clone(), link: link.to_owned(), view, sight, collection: collection.id, etag, at: 0 })
    }

    /// A link's calendar, if its owner might show it to everybody just now.
    fn standing_link(&self, link: &str) -> Option<(Arc<str>, Arc<Collection>, Record)> {
        let (id, secret) = parse_link(link)?;
        let engine = self.engine();
        let name = name_of(self, secret);
        let collection = engine.collection(id).filter(|one| one.kind == CollectionKind::Calendar && !is_subscribed(one))?;
        let record = Record::open(self, engine.annotations(place(&collection)).get(&name)?)?;
        let owner = engine.account(collection.owner)?;
        let policy = self.policy();
        let lets = policy.profile(&owner.profile)?.publishes_from(&record.warrant.zone);
        let (area, path) = tree::place(engine, &collection)?;
        let rights = record.warrant.rights_at(self, &owner, area, &path.join("/"));
        let stands = lets && !record.is_over(UnixTime::now()) && rights.contains(Rights::LOOKUP | Rights::READ | Rights::ADMIN);
        (stands && area == Area::Calendars).then_some((name, collection, record))
    }
}

impl Published {
    /// What is another when the calendar is.
    pub fn etag(&self) -> &str {
        &self.etag
    }

    /// The next of its objects, as the visitor sees them; none when all were there. [`Refusal::Missing`] if the link no longer stands. `strip` makes
    /// of an event what may be seen of it.
    pub async fn next(&mut self, strip: Strip) -> Result<Vec<Vec<u8>>, Refusal> {
        self.gate.standing_link(&self.link).filter(|(_, collection, _)| collection.id == self.collection).ok_or(Refusal::Missing)?;
        let mut octets = Vec::new();
        while octets.is_empty() && self.at < self.view.len() {
            let left = || (self.at..self.view.len()).filter_map(|at| self.view.at(at));
            let count = fitting(left().map(Item::bytes)).max(1);
            let together: Vec<&Item> = left().take(count).collect();
            let contents: Vec<ContentRef> = together.iter().map(|item| item.content).collect();
            let whole = self.gate.engine().read(contents.iter().map(|content| (*content, Part::Whole)).collect()).await?;
            for (item, whole) in together.into_iter().zip(whole) {
                match self.sight.see(&self.view, item) {
                    Some(Seen::AsItIs(_)) => octets.push(whole),
                    Some(Seen::Made(_, shown)) => octets.extend(strip(&whole, &shown)),
                    None => {}
                }
            }
            self.at += count;
        }
        Ok(octets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_link_has_its_visits() {
        let visits = Visits::default();
        let (one, other): (Arc<str>, Arc<str>) = (Arc::from("a"), Arc::from("b"));
        assert!((0..3).all(|_| visits.count(&one, 3)));
        assert!(!visits.count(&one, 3) && visits.count(&other, 3));
    }
}
