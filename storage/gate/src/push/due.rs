//! Who is to be told what, and may be: for the one who sends.

use super::PREFIX;
use super::record::Record;
use super::register::Offer;
use crate::gate::Gate;
use crate::granted::{Folder, verdict};
use crate::login::Credential;
use crate::purpose::List;
use crate::session::{Opening, Session};
use data_encoding::BASE64URL_NOPAD;
use octroi_engine::{Batch, Change, Engine};
use octroi_model::{AccountId, Annotated, AnnotationEdit, Collection, CollectionId, ModSeq, UnixTime};
use octroi_policy::Strength;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use tokio::sync::{mpsc, watch};
use zeroize::Zeroizing;

/// Octets of what lets a push service put a later message in the place of an earlier one (RFC 8030 section 5.4: 32 letters at most).
const REPLACES_BYTES: usize = 24;

/// Says who is to be told. Handed to the program once, by [`Gate::open`].
pub struct Pushes {
    gate: Gate,
    begun: mpsc::Receiver<(CollectionId, Seen)>,
}

/// The same for each task that looks after a collection. Cheap to clone.
#[derive(Clone)]
pub struct PushLook(Gate);

/// How much of a collection was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    modseq: ModSeq,
    /// What was said about it then.
    said: u64,
}

/// Something to tell one program.
#[derive(Clone)]
pub struct Push {
    of: Annotated,
    name: Arc<str>,
    /// Where to.
    pub endpoint: String,
    /// The program's public key, in base64url.
    pub public_key: String,
    /// Its secret, likewise. Not to be logged.
    pub auth_secret: Zeroizing<String>,
    /// What names the collection to the program.
    pub topic: String,
    /// What lets the service put this in the place of an earlier message: no two programs have the same.
    pub replaces: String,
    /// What is in the collection has changed: number and counter of its sync token; number 0 for a home, whose token says more than that.
    pub contents: Option<(u64, ModSeq)>,
    /// What is said about it has changed.
    pub properties: bool,
}

impl Seen {
    /// All of a collection as it is.
    pub(super) fn of(collection: &Collection) -> Self {
        let mut hasher = DefaultHasher::new();
        collection.properties.hash(&mut hasher);
        Self { modseq: collection.head.modseq, said: hasher.finish() }
    }
}

impl Pushes {
    pub(crate) fn new(gate: Gate, begun: mpsc::Receiver<(CollectionId, Seen)>) -> Self {
        Self { gate, begun }
    }

    /// Programs may register from now on: messages are signed with the key pair that has this public key, and `reaches` knows the URLs to which
    /// something could be sent.
    pub fn offer(&self, public_key: &str, reaches: impl Fn(&str) -> bool + Send + Sync + 'static) {
        let offer = Offer { public_key: Arc::from(public_key), reaches: Box::new(reaches) };
        if self.gate.0.registering.offer.set(offer).is_err() {
            tracing::error!("push was offered twice");
        }
    }

    /// For the tasks.
    pub fn look(&self) -> PushLook {
        PushLook(self.gate.clone())
    }

    /// The next collection at which a program has registered, as it was before.
    pub async fn begun(&mut self) -> Option<(CollectionId, Seen)> {
        self.begun.recv().await
    }
}

impl PushLook {
    /// Every collection at which a program is registered, as it is.
    pub fn all(&self) -> Vec<(CollectionId, Seen)> {
        let mut all: Vec<CollectionId> = self.engine().annotated(None, PREFIX).into_iter().filter_map(|of| of.collection).collect();
        all.dedup();
        all.into_iter().filter_map(|id| Some((id, Seen::of(&*self.engine().collection(id)?)))).collect()
    }

    /// Is a program registered at it?
    pub fn is_watched(&self, collection: CollectionId) -> bool {
        !self.engine().annotated(Some(collection), PREFIX).is_empty()
    }

    /// Wakes when the collection changes; its other end is gone when the collection is.
    pub fn watch(&self, collection: CollectionId) -> watch::Receiver<ModSeq> {
        self.engine().watch(collection)
    }

    /// What is to be told of what changed since `seen`, which is brought up to now. What a program changed itself, what it did not ask for, and
    /// what its log-in may not see now is left out.
    pub async fn due(&self, id: CollectionId, seen: &mut Seen) -> Vec<Push> {
        let Some(collection) = self.engine().collection(id) else { return Vec::new() };
        let (before, now) = (*seen, Seen::of(&collection));
        *seen = now;
        if before == now {
            return Vec::new();
        }
        let properties = before.said != now.said;
        let contents = !properties || self.has_other_members(&collection, before.modseq).await;
        let mut due = Vec::new();
        for of in self.engine().annotated(Some(id), PREFIX) {
            for (name, sealed) in &*self.engine().annotations(of) {
                if !name.starts_with(PREFIX) || self.gate().0.own.covers(&(id, name.clone()), before.modseq, now.modseq) {
                    continue;
                }
                let Some(record) = self.standing(of, sealed) else { continue };
                let (contents, properties) = (contents && record.contents, properties && record.properties);
                if (contents || properties) && self.may_hear(of, &record) {
                    let number = if collection.parent.is_none() { 0 } else { id.0 };
                    let contents = contents.then_some((number, now.modseq));
                    due.push(self.push(of, name, &record, contents, properties));
                }
            }
        }
        due
    }

    /// May this still be sent, just now?
    pub fn still(&self, push: &Push) -> bool {
        let set = self.engine().annotations(push.of);
        let record = set.get(&push.name).and_then(|sealed| self.standing(push.of, sealed));
        record.is_some_and(|record| record.endpoint == push.endpoint && self.may_hear(push.of, &record))
    }

    /// The service says that nobody listens there any more.
    pub async fn end(&self, push: &Push) {
        self.remove(push.of, vec![(push.name.clone(), None)]).await;
    }

    /// Take out the registrations whose time is over, or whose app password is gone. Returns how many.
    pub async fn sweep(&self) -> u64 {
        let mut gone = 0;
        for of in self.engine().annotated(None, PREFIX) {
            let set = self.engine().annotations(of);
            let over = |(name, sealed): (&Arc<str>, &Arc<[u8]>)| {
                (name.starts_with(PREFIX) && self.standing(of, sealed).is_none()).then(|| (name.clone(), None))
            };
            let entries: Vec<AnnotationEdit> = set.iter().filter_map(over).collect();
            if !entries.is_empty() {
                gone += entries.len() as u64;
                self.remove(of, entries).await;
            }
        }
        gone
    }

    async fn remove(&self, of: Annotated, entries: Vec<AnnotationEdit>) {
        let mut batch = Batch::new();
        batch.push(Change::Annotate { of, entries });
        if let Err(error) = self.engine().commit(batch).await {
            tracing::warn!(%error, "a push registration could not be removed");
        }
    }

    /// Did members come, change or go? Of what is too long ago it is not known, and said.
    async fn has_other_members(&self, collection: &Collection, since: ModSeq) -> bool {
        let Ok(view) = self.engine().view(collection.id).await else { return true };
        view.changed_since(since).next().is_some()
            || view.vanished_since(since).is_none_or(|gone| !gone.is_empty())
            || self.engine().children(collection.id).iter().any(|child| child.bound > since)
    }

    /// What is kept, unless it is over or its app password is gone.
    fn standing(&self, of: Annotated, sealed: &[u8]) -> Option<Record> {
        let record = Record::open(sealed, &self.gate().0.key)?;
        let now = UnixTime::now();
        let app_password = self.engine().app_password(&record.public_id)?;
        let lasts = app_password.expires.is_none_or(|at| at > now);
        (Some(app_password.account) == of.account && lasts && !record.is_over(now)).then_some(record)
    }

    /// Could the log-in that registered list the collection, if it came again just now?
    fn may_hear(&self, of: Annotated, record: &Record) -> bool {
        self.reader(of, record).is_some()
    }

    fn reader(&self, of: Annotated, record: &Record) -> Option<()> {
        let engine = self.engine();
        let account = engine.account(of.account?)?;
        let app_password = engine.app_password(&record.public_id).filter(|of| of.account == account.id)?;
        let narrowing = engine.narrowing(app_password.id);
        let place = self.gate().0.live.aside(account.id);
        let credential = Credential { account, app_password, narrowing };
        // The session finds out by itself what the log-in amounts to now.
        let opening = Opening { credential, via: record.channel(), strength: Strength::AppPassword, at_portal: None, place };
        let session = Session::new(self.gate().clone(), opening);
        let node = session.resolve_collection(&engine.collection(of.collection?)?)?;
        let rights = session.rights_of(&node).ok()?;
        verdict::<Folder, List>(rights).ok()
    }

    fn push(&self, of: Annotated, name: &Arc<str>, record: &Record, contents: Option<(u64, ModSeq)>, properties: bool) -> Push {
        let id = of.collection.unwrap_or(CollectionId(0));
        let said = format!("{id:?} {name} {} {properties}", contents.is_some());
        let replaces = BASE64URL_NOPAD.encode(&self.gate().0.key.hash_topic(said.as_bytes()).as_bytes()[..REPLACES_BYTES]);
        Push {
            of,
            name: name.clone(),
            endpoint: record.endpoint.clone(),
            public_key: record.public_key.clone(),
            auth_secret: Zeroizing::new(record.auth_secret.clone()),
            topic: self.gate().push_topic(id),
            replaces,
            contents,
            properties,
        }
    }

    fn gate(&self) -> &Gate {
        &self.0
    }

    fn engine(&self) -> &dyn Engine {
        self.0.engine()
    }
}

impl Push {
    /// Which registration it is for, among those of its collection.
    pub fn key(&self) -> (AccountId, Arc<str>) {
        (self.of.account.unwrap_or(AccountId(0)), self.name.clone())
    }

    /// With what an earlier one that was not sent would have told, too.
    #[must_use]
    pub fn after(mut self, earlier: &Self) -> Self {
        self.contents = self.contents.or(earlier.contents);
        self.properties |= earlier.properties;
        self
    }
}
