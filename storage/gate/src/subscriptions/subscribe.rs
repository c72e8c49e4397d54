//! Subscribing, and what one's own subscriptions say. Ended is one by removing its calendar.

use super::record::{Record, place};
use super::{SUBSCRIBED, SubscriptionFault, is_subscribed};
use crate::acts::describing::check_all;
use crate::gate::{Gate, new_collection};
use crate::granted::{Folder, Granted};
use crate::purpose::MakeFolder;
use crate::refusal::Refusal;
use crate::scheduling::TRANSPARENCY;
use crate::session::Session;
use crate::tree::Node;
use octroi_engine::{Batch, Change, Expect};
use octroi_model::{CollectionKind, Name, Outcome, UnixTime};
use std::sync::{Arc, OnceLock};
use tokio::sync::{Mutex, Notify};
use zeroize::Zeroizing;

/// Name of the limit on how many one person has.
pub const SUBSCRIPTIONS: &str = "subscriptions of one account";

/// Nobody is busy because of what others write about the world (RFC 6638 section 9.1); its owner can say otherwise.
const TRANSPARENT: &str =
    r#"<C:schedule-calendar-transp xmlns:C="urn:ietf:params:xml:ns:caldav"><C:transparent/></C:schedule-calendar-transp>"#;

/// What somebody wants to have.
pub struct SubscriptionWish {
    /// Where it is. Not to be logged: it may be all that keeps the calendar secret.
    pub url: Zeroizing<String>,
    /// Its events may ring.
    pub alarms: bool,
}

/// What there is to say of a subscription to whose it is.
#[derive(Clone)]
pub struct SubscriptionFacts {
    /// Where it is. Not to be logged.
    pub url: Zeroizing<String>,
    /// Its events may ring.
    pub alarms: bool,
    /// When it was last asked for.
    pub tried: Option<UnixTime>,
    /// When something came last.
    pub fetched: Option<UnixTime>,
    /// Why the last fetch brought nothing, if it did not.
    pub fault: Option<SubscriptionFault>,
    /// Objects that were left out.
    pub left_out: u32,
}

impl std::fmt::Debug for SubscriptionFacts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SubscriptionFacts").field("fetched", &self.fetched).field("fault", &self.fault).finish_non_exhaustive()
    }
}

/// What knows the URLs that could be fetched.
type Reaches = Box<dyn Fn(&str) -> bool + Send + Sync>;

/// What the gate holds for subscriptions.
#[derive(Default)]
pub(crate) struct Subscribing {
    /// Nobody can subscribe before somebody fetches.
    pub(super) reaches: OnceLock<Reaches>,
    /// One at a time, so that nobody has more than they may.
    turn: Mutex<()>,
    pub(super) begun: Notify,
}

impl Gate {
    /// Is anything fetched here?
    pub(crate) fn fetches(&self) -> bool {
        self.0.subscribing.reaches.get().is_some()
    }
}

impl Session {
    /// May it subscribe to calendars of the web, from here?
    pub fn may_subscribe(&self) -> bool {
        let policy = self.gate().policy();
        let allows = self.with_circumstances(|who| policy.profile(who.profile).is_some_and(|profile| profile.subscribes_from(who.zone)));
        self.gate().fetches() && allows.unwrap_or(false)
    }

    /// That of a calendar, if it is one of one's own.
    pub(crate) fn subscription_of(&self, node: &Node) -> Option<SubscriptionFacts> {
        let collection = node.real().ok().filter(|collection| collection.owner == self.account() && is_subscribed(collection))?;
        let record = Record::at(self.gate(), place(collection.id, self.account()))?;
        let policy = self.gate().policy();
        let profile = self.gate().engine().account(self.account())?.profile.clone();
        let allowed = policy.profile(&profile).is_some_and(octroi_policy::Profile::subscribes);
        Some(SubscriptionFacts {
            url: Zeroizing::new(record.url.clone()),
            alarms: record.alarms,
            tried: record.tried.map(UnixTime),
            fetched: record.fetched.map(UnixTime),
            fault: if allowed { record.fault } else { Some(SubscriptionFault::NotAllowed) },
            left_out: record.left_out,
        })
    }
}

impl Granted<Folder, MakeFolder> {
    /// Make a calendar that is fetched from the web. [`Refusal::SubscribeNotAllowed`]: the profile does not let one; [`Refusal::SourceNotAllowed`]:
    /// nothing is fetched from there.
    pub async fn subscribe(&self, name: &Name, wish: &SubscriptionWish, properties: Vec<(Arc<str>, Arc<str>)>) -> Result<(), Refusal> {
        let (session, gate) = (&self.session, self.session.gate());
        let subject = crate::tree::joined(&self.node().subject(), name);
        if !session.may_subscribe() || self.node().owner != session.account() {
            session.audit("subscribe", &subject, Outcome::Refused, "the profile does not let one").await;
            return Err(Refusal::SubscribeNotAllowed);
        }
        let reaches = gate.0.subscribing.reaches.get().ok_or(Refusal::SourceNotAllowed)?;
        if wish.url.len() > gate.0.limits.subscription_url_bytes_max || !reaches(&wish.url) {
            return Err(Refusal::SourceNotAllowed);
        }
        check_all(&gate.0.limits, &properties)?;
        let parent = self.place_for(name, CollectionKind::Calendar)?;
        let _turn = gate.0.subscribing.turn.lock().await;
        if gate.engine().children(parent.id).iter().filter(|child| is_subscribed(child)).count() >= gate.0.limits.subscriptions_max {
            return Err(Refusal::Limit(SUBSCRIPTIONS));
        }
        let mut collection = new_collection(self.engine(), Some(parent.id), name.clone(), CollectionKind::Calendar, parent.owner);
        collection.properties = properties;
        for (name, text) in [(SUBSCRIBED, ""), (TRANSPARENCY, TRANSPARENT)] {
            if collection.property(name).is_none() {
                collection.properties.push((Arc::from(name), Arc::from(text)));
            }
        }
        let of = place(collection.id, session.account());
        let mut batch = Batch::new();
        batch.expect(Expect::Absent { collection: parent.id, name: name.clone() });
        batch.push(Change::CreateCollection { collection, parent_head: None });
        Record::new(&wish.url, wish.alarms).keep(gate, of, &mut batch)?;
        let peer = session.peer().to_string();
        batch.push(session.line("subscribe", &subject, &peer, Outcome::Done, host_of(&wish.url)).into_change());
        self.commit(batch).await?;
        gate.0.subscribing.begun.notify_one();
        Ok(())
    }
}

/// What may be said of a URL: the host, without anything that could be a secret.
pub(crate) fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or("");
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_url_only_the_host_is_said() {
        for (url, host) in [
            ("https://cal.example:8443/secret.ics?token=x", "cal.example:8443"),
            ("webcal://a:b@cal.example?x", "cal.example"),
            ("cal.example#x", "cal.example"),
        ] {
            assert_eq!(host_of(url), host);
        }
    }
}
