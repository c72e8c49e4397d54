//! Registrations: made, made anew and ended by whoever wants to be told.

use super::due::Seen;
use super::record::{Record, annotation, id_of, new_token, parse_id};
use super::{PREFIX, PUSH_REGISTRATIONS};
use crate::dropping::is_drop;
use crate::gate::Gate;
use crate::granted::{Folder, Granted};
use crate::kept::Shelf;
use crate::purpose::List;
use crate::refusal::Refusal;
use crate::session::Session;
use crate::subscriptions::host_of;
use crate::tree::Node;
use data_encoding::BASE64URL_NOPAD;
use octroi_engine::{Batch, Change, CommitError};
use octroi_model::{AccountId, Annotated, AnnotationEdit, CollectionId, CollectionKind, Outcome, Rights, UnixTime};
use std::sync::{Arc, OnceLock};
use tokio::sync::{Mutex, mpsc};
use zeroize::Zeroizing;

/// How long a registration lasts: the draft wants at least three days.
const SECONDS_MIN: i64 = 3 * 86_400;
const SECONDS_MAX: i64 = 30 * 86_400;
/// For who does not say.
const SECONDS: i64 = 7 * 86_400;
/// Octets of a topic: enough that nobody guesses one.
const TOPIC_BYTES: usize = 16;
/// Registrations that nobody looks after yet; of what comes beyond, the next look at all of them hears.
const BEGUN_MAX: usize = 1024;

/// What a program wants to be told, and where.
pub struct PushWish {
    /// Where messages go: the push resource, by which the registration is known.
    pub endpoint: String,
    /// The program's public key and its secret, in base64url (RFC 8291 section 2.1).
    pub public_key: String,
    /// See there.
    pub auth_secret: Zeroizing<String>,
    /// It wants to hear when what is in the collection changes.
    pub contents: bool,
    /// And when what is said about the collection does.
    pub properties: bool,
    /// Until when; `None`: whatever is usual here.
    pub expires: Option<UnixTime>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushRegistration {
    /// By which it is ended, and told from others: the last segment of its URL.
    pub id: String,
    /// Until when it lasts.
    pub expires: UnixTime,
}

/// What programs need to know to register at a collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushFacts {
    /// Names the collection in messages, whatever its path is.
    pub topic: String,
    /// By which push services know this server (RFC 8292), in base64url.
    pub public_key: Arc<str>,
}

/// What the program that sends has said.
pub(super) struct Offer {
    pub(super) public_key: Arc<str>,
    /// Could something be sent to that URL?
    pub(super) reaches: Box<dyn Fn(&str) -> bool + Send + Sync>,
}

/// What the gate holds for registrations.
pub(crate) struct Registering {
    /// Nothing can be registered before somebody sends.
    pub(super) offer: OnceLock<Offer>,
    /// One at a time, so that one program is not registered twice.
    turn: Mutex<()>,
    begun: mpsc::Sender<(CollectionId, Seen)>,
}

impl Registering {
    pub(crate) fn new() -> (Self, mpsc::Receiver<(CollectionId, Seen)>) {
        let (begun, receiver) = mpsc::channel(BEGUN_MAX);
        (Self { offer: OnceLock::new(), turn: Mutex::default(), begun }, receiver)
    }
}

impl Gate {
    /// Can programs register to be told of changes?
    pub fn offers_push(&self) -> bool {
        self.0.registering.offer.get().is_some()
    }

    /// What names a collection in messages.
    pub(super) fn push_topic(&self, collection: CollectionId) -> String {
        let hash = self.0.key.hash_topic(&collection.0.to_le_bytes());
        BASE64URL_NOPAD.encode(&hash.as_bytes()[..TOPIC_BYTES])
    }
}

impl Session {
    /// Can programs register to be told of changes?
    pub fn offers_push(&self) -> bool {
        self.gate().offers_push()
    }

    /// For who may list a collection that can be watched; `None`: it cannot, or nobody sends.
    pub(crate) fn push_facts(&self, node: &Node, rights: Rights) -> Option<PushFacts> {
        let offer = self.gate().0.registering.offer.get()?;
        let collection = node.real().ok().filter(|_| node.shelf == Shelf::Live)?;
        let kinds = [
            CollectionKind::Calendar,
            CollectionKind::Addressbook,
            CollectionKind::Folder,
            CollectionKind::CalendarHome,
            CollectionKind::AddressbookHome,
        ];
        // Who drops things into a folder is not told what others put there, nor when.
        let hears = rights.contains(Rights::LOOKUP | Rights::READ) && !is_drop(node, self, rights);
        let fits = hears && kinds.contains(&collection.kind);
        fits.then(|| PushFacts { topic: self.gate().push_topic(collection.id), public_key: offer.public_key.clone() })
    }

    /// End a registration of one's own; [`Refusal::Missing`] if there is none of that name.
    pub async fn end_push(&self, id: &str) -> Result<(), Refusal> {
        self.check().await?;
        let (collection, token) = parse_id(id).ok_or(Refusal::Missing)?;
        let of = Annotated { collection: Some(collection), account: Some(self.account()) };
        let name = annotation(token);
        let engine = self.gate().engine();
        let set = engine.annotations(of);
        let sealed = set.get(&name).ok_or(Refusal::Missing)?;
        let is_over = Record::open(sealed, &self.gate().0.key).is_none_or(|record| record.is_over(UnixTime::now()));
        let mut batch = Batch::new();
        batch.push(Change::Annotate { of, entries: vec![(name, None)] });
        let peer = self.peer().to_string();
        batch.push(self.line("push end", id, &peer, Outcome::Done, "").into_change());
        engine.commit(batch).await?;
        if is_over { Err(Refusal::Missing) } else { Ok(()) }
    }
}

impl Granted<Folder, List> {
    /// Have somebody told when the collection changes. A registration of the same account for the same endpoint is made anew.
    /// [`Refusal::Unsupported`]: nothing can be sent to that endpoint, or the collection cannot be watched.
    pub async fn register_push(&self, wish: &PushWish) -> Result<PushRegistration, Refusal> {
        self.renew()?;
        let (session, gate) = (&self.session, self.session.gate());
        session.push_facts(self.node(), session.rights_of(self.node())?).ok_or(Refusal::Unsupported)?;
        let offer = gate.0.registering.offer.get().ok_or(Refusal::Unsupported)?;
        if wish.endpoint.len() > gate.0.limits.push_endpoint_bytes_max as usize || !(offer.reaches)(&wish.endpoint) {
            return Err(Refusal::Unsupported);
        }
        let _turn = gate.0.registering.turn.lock().await;
        let collection = self.collection()?;
        let of = Annotated { collection: Some(collection.id), account: Some(session.account()) };
        let now = UnixTime::now();
        let standing = Standing::at(gate, of, &wish.endpoint, now);
        if standing.same.is_none() {
            standing.check_room(gate, session.account())?;
        }
        let token = standing.same.map_or_else(new_token, Ok)?;
        let asked = wish.expires.map_or(SECONDS, |at| at.0.saturating_sub(now.0));
        let expires = UnixTime(now.0.saturating_add(asked.clamp(SECONDS_MIN, SECONDS_MAX)));
        let record = Record::new(wish, expires, session.0.public_id(), session.0.via());
        let mut entries = standing.over;
        entries.push((annotation(&token), Some(Arc::from(record.sealed(&gate.0.key)?))));
        // From before it is there, so that nothing is missed.
        let seen = Seen::of(&collection);
        let mut batch = Batch::new();
        batch.push(Change::Annotate { of, entries });
        let (subject, peer) = (self.node().subject(), session.peer().to_string());
        batch.push(session.line("push register", &subject, &peer, Outcome::Done, host_of(&wish.endpoint)).into_change());
        self.commit(batch).await.map_err(
            |refusal| {
                if refusal == CommitError::Full.into() { Refusal::Limit(PUSH_REGISTRATIONS) } else { refusal }
            },
        )?;
        if gate.0.registering.begun.try_send((collection.id, seen)).is_err() {
            tracing::warn!("a push registration is looked after later: too many begin");
        }
        Ok(PushRegistration { id: id_of(collection.id, &token), expires })
    }
}

/// An account's registrations at a collection.
struct Standing {
    /// The name of the one for the same endpoint.
    same: Option<String>,
    others: usize,
    /// What is to go.
    over: Vec<AnnotationEdit>,
}

impl Standing {
    fn at(gate: &Gate, of: Annotated, endpoint: &str, now: UnixTime) -> Self {
        let mut standing = Self { same: None, others: 0, over: Vec::new() };
        for (name, sealed) in &*gate.engine().annotations(of) {
            let Some(token) = name.strip_prefix(PREFIX) else { continue };
            match Record::open(sealed, &gate.0.key).filter(|record| !record.is_over(now)) {
                None => standing.over.push((name.clone(), None)),
                Some(record) if record.endpoint == endpoint => standing.same = Some(token.to_owned()),
                Some(_) => standing.others += 1,
            }
        }
        standing
    }

    /// May there be another?
    fn check_room(&self, gate: &Gate, account: AccountId) -> Result<(), Refusal> {
        let limits = &gate.0.limits;
        let (mut all, mut own) = (0, 0);
        for of in gate.engine().annotated(None, PREFIX) {
            let count = gate.engine().annotations(of).keys().filter(|name| name.starts_with(PREFIX)).count();
            all += count;
            own += if of.account == Some(account) { count } else { 0 };
        }
        let below = |count: usize, max: u32| count < max as usize;
        let room =
            below(self.others, limits.push_per_collection_max) && below(own, limits.push_per_account_max) && below(all, limits.push_max);
        if room { Ok(()) } else { Err(Refusal::Limit(PUSH_REGISTRATIONS)) }
    }
}
