//! Links: made, listed and withdrawn by whose calendar it is.

use super::{PREFIX, Record, link_of, links_of, name_of, place};
use crate::app_password::BASE32;
use crate::granted::{Folder, Granted};
use crate::key::fill_random;
use crate::portal::Stepped;
use crate::purpose::{List, ShareFolder};
use crate::refusal::Refusal;
use crate::session::Session;
use crate::subscriptions::is_subscribed;
use octroi_engine::{Batch, Change};
use octroi_model::{CollectionKind, Outcome, UnixTime};
use std::sync::Arc;
use zeroize::Zeroizing;

/// Name of the limit on how many links one person has.
pub const LINKS: &str = "published links of one account";

/// Octets of a secret.
const SECRET_BYTES: usize = 20;

/// How a calendar is to be published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublishWish {
    /// Nothing but when its owner is busy.
    pub busy_only: bool,
    /// Until when; `None`: until it is withdrawn.
    pub expires: Option<UnixTime>,
}

/// A link that stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// By which it is withdrawn. It opens nothing.
    pub id: String,
    /// See [`PublishWish`].
    pub busy_only: bool,
    /// When it was made.
    pub since: UnixTime,
    /// See [`PublishWish`].
    pub expires: Option<UnixTime>,
}

impl Session {
    /// May it publish calendars of its owner's, from here?
    pub fn may_publish(&self) -> bool {
        let policy = self.gate().policy();
        let allows = self.with_circumstances(|who| policy.profile(who.profile).is_some_and(|profile| profile.publishes_from(who.zone)));
        allows.unwrap_or(false)
    }
}

impl Granted<Folder, List> {
    /// The links of a calendar, the oldest first; none of somebody else's.
    pub fn links(&self) -> Vec<Link> {
        let Ok(collection) = self.node().real() else { return Vec::new() };
        if collection.owner != self.session.account() {
            return Vec::new();
        }
        let (gate, now) = (self.session.gate(), UnixTime::now());
        let set = self.engine().annotations(place(collection));
        let link = |(name, sealed): (&Arc<str>, &Arc<[u8]>)| {
            let record = Record::open(gate, sealed).filter(|record| !record.is_over(now));
            let (id, record) = (name.strip_prefix(PREFIX)?, record?);
            let (since, expires) = (UnixTime(record.since), record.expires.map(UnixTime));
            Some(Link { id: id.to_owned(), busy_only: record.busy_only, since, expires })
        };
        let mut links: Vec<Link> = set.iter().filter_map(link).collect();
        links.sort_by_key(|link| link.since);
        links
    }
}

impl Granted<Folder, ShareFolder> {
    /// Publish a calendar of one's own. The last segment of its URL comes back, for this once. [`Refusal::PublishNotAllowed`]: the profile does not
    /// let one; [`Refusal::Unsupported`]: it is no calendar, or one of the web, which is not one's own to publish. `proof`: everybody may see what comes
    /// of it, so it takes what sharing takes.
    pub async fn publish(&self, proof: &Stepped, wish: PublishWish) -> Result<Zeroizing<String>, Refusal> {
        let (session, gate) = (&self.session, self.session.gate());
        if !proof.is_of(session.account()) {
            return Err(Refusal::InvalidCode);
        }
        let (collection, subject, peer) = (self.collection()?, self.node().subject(), session.peer().to_string());
        if !session.may_publish() || collection.owner != session.account() {
            session.audit("publish", &subject, Outcome::Refused, "the profile does not let one").await;
            return Err(Refusal::PublishNotAllowed);
        }
        if collection.kind != CollectionKind::Calendar || is_subscribed(&collection) {
            return Err(Refusal::Unsupported);
        }
        let _turn = gate.0.visits.turn().await;
        if links_of(self.engine(), session.account()) >= gate.0.limits.published_max {
            return Err(Refusal::Limit(LINKS));
        }
        let mut octets = Zeroizing::new([0u8; SECRET_BYTES]);
        fill_random(&mut *octets).map_err(|error| {
            tracing::error!(%error, "no random bits");
            Refusal::Unavailable
        })?;
        let secret = Zeroizing::new(BASE32.encode(&*octets).to_ascii_lowercase());
        let expires = wish.expires.map(|at| at.0);
        let record = Record { busy_only: wish.busy_only, since: UnixTime::now().0, expires, warrant: session.warrant()? };
        let sealed = serde_json::to_vec(&record).ok().and_then(|text| gate.0.key.seal(&text).ok()).ok_or(Refusal::Unavailable)?;
        let mut batch = Batch::new();
        let entry = (name_of(gate, &secret), Some(Arc::from(sealed)));
        batch.push(Change::Annotate { of: place(&collection), entries: vec![entry] });
        let reason = if wish.busy_only { "busy times" } else { "to be read" };
        batch.push(session.line("publish", &subject, &peer, Outcome::Done, reason).into_change());
        self.commit(batch).await?;
        Ok(Zeroizing::new(link_of(collection.id, &secret)))
    }

    /// Withdraw a link of a calendar of one's own: from the next visit on it is none. Links that are over go with it.
    pub async fn withdraw_link(&self, id: &str) -> Result<(), Refusal> {
        let (session, gate, collection) = (&self.session, self.session.gate(), self.collection()?);
        let set = self.engine().annotations(place(&collection));
        let wanted = format!("{PREFIX}{id}");
        if collection.owner != session.account() || !set.contains_key(wanted.as_str()) {
            return Err(Refusal::Missing);
        }
        let now = UnixTime::now();
        let is_to_go = |name: &str, sealed: &[u8]| {
            name == wanted || name.starts_with(PREFIX) && Record::open(gate, sealed).is_none_or(|record| record.is_over(now))
        };
        let gone = set.iter().filter(|(name, sealed)| is_to_go(name, sealed)).map(|(name, _)| (name.clone(), None)).collect();
        let mut batch = Batch::new();
        batch.push(Change::Annotate { of: place(&collection), entries: gone });
        let (subject, peer) = (self.node().subject(), session.peer().to_string());
        batch.push(session.line("unpublish", &subject, &peer, Outcome::Done, "").into_change());
        self.commit(batch).await?;
        Ok(())
    }
}
