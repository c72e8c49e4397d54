//! Acts on a calendar object that others may hear of: put, replace, remove. One commit holds the object, what is written into others'
//! calendars and inboxes, and the mail to who is elsewhere; it is planned anew when one of those has moved.

use super::busy::SeenCalendars;
use super::codec::Manner;
use super::homes;
use super::plan::{Desk, Settled};
use crate::When;
use crate::acts::describing::kept_over;
use crate::acts::file::{arrived, dated, document, summed};
use crate::attachments::Attached;
use crate::content::Content;
use crate::dropping::is_drop;
use crate::granted::{File, Folder, Granted};
use crate::kept::beside;
use crate::kept::object::ObjectFacts;
use crate::kept::versions::expunge;
use crate::purpose::{Bind, Rewrite, Unlink};
use crate::refusal::Refusal;
use crate::reserved::Deed;
use crate::session::Session;
use crate::tree::Node;
use octroi_engine::{Batch, Body, BodyIndex, Expect, hash_of};
use octroi_model::{CollectionKind, Etag, Hash, Item, Name, UidSet, UnixTime};

/// How often it is tried because somebody's calendar has moved meanwhile. Each time somebody else has got something done, such as one of
/// many who book one room at once.
const TRIES_MAX: usize = 50;

/// What was stored of a calendar object.
#[derive(Debug, Clone)]
pub struct PutObject {
    /// The strong entity tag of what is stored.
    pub etag: Etag,
    /// What is stored is what was sent.
    pub as_sent: bool,
    /// The Schedule-Tag, of a meeting.
    pub schedule_tag: Option<String>,
}

/// A calendar object on its way in: kept for every try, so that what was sent is hashed and packed once.
struct Sent {
    hash: Hash,
    bytes: u64,
    /// Its content, with which each batch begins.
    alone: Batch,
    body: BodyIndex,
    modified: Option<UnixTime>,
    sums: Option<String>,
    beside: Vec<(String, String)>,
    facts: Option<ObjectFacts>,
    attached: Attached,
}

/// What one try stores.
struct Stored {
    bytes: u64,
    hash: Hash,
    put: PutObject,
}

impl Sent {
    fn of(content: Content) -> Self {
        let (hash, bytes) = (content.body.hash(), content.bytes());
        let mut alone = Batch::new();
        let body = alone.body(content.body);
        let Content { modified, sums, beside, facts, attaching, .. } = content;
        let attached = Attached::of(attaching, &mut alone);
        Self { hash, bytes, alone, body, modified, sums, beside, facts, attached }
    }

    /// Add to the batch what hangs on it.
    async fn attach(&self, at: (&Session, &Node), batch: &mut Batch) -> Result<(), Refusal> {
        let uid = self.facts.as_ref().map_or("", |facts| facts.uid.as_str());
        self.attached.lay(at.0.gate(), at.1.owner, uid, batch).await
    }

    /// Add to a batch that began with [`Sent::alone`] what is stored, as `item`. `left`: the item in whose place it comes.
    fn lay(&self, settled: &Settled, at: (&Session, &Node), left: Option<&Item>, item: Item, batch: &mut Batch) -> Result<Stored, Refusal> {
        let (session, node) = at;
        let (body, hash, bytes) = match &settled.other {
            None => (self.body, self.hash, self.bytes),
            Some(other) => {
                let body = Body::document(other);
                let (hash, bytes) = (body.hash(), body.bytes());
                (batch.body(body), hash, bytes)
            }
        };
        let as_sent = settled.other.is_none();
        let sums = self.sums.as_deref().filter(|_| as_sent);
        let properties = summed(arrived(session, node.owner, left.unwrap_or(&item)).as_deref(), sums, &self.beside);
        // What a client says of it holds for what is stored: its times and its UID are the same.
        let properties = ObjectFacts::beside(properties.as_deref(), self.facts.as_ref());
        let schedule_tag = settled.scheduled.then(|| tag_of(hash));
        let uid = settled.uid.as_deref().filter(|_| self.facts.is_none());
        let notes = [(beside::UID, uid), (beside::SCHEDULE_TAG, schedule_tag.as_deref())];
        let item = dated(Item { properties: beside::with(properties.as_deref(), &notes), ..item }, self.modified);
        batch.put(node.real()?.id, item, body);
        Ok(Stored { bytes, hash, put: PutObject { etag: Etag::of(hash), as_sent, schedule_tag } })
    }
}

/// Where nothing is scheduled nothing is attached either.
fn is_alone(content: &Content) -> Result<(), Refusal> {
    if content.attaching.is_empty() { Ok(()) } else { Err(Refusal::Unsupported) }
}

fn tag_of(hash: Hash) -> String {
    Etag::of(hash).to_string().trim_matches('"').to_owned()
}

impl Granted<Folder, Bind> {
    /// Add a calendar object that others may hear of; as [`Granted::put`].
    pub async fn put_object(
        &self,
        name: &Name,
        octets: &[u8],
        content: Content,
        media_type: Option<&str>,
        manner: Manner,
    ) -> Result<PutObject, Refusal> {
        self.put_while(name, octets, content, media_type, (manner, &SeenCalendars::default())).await
    }

    /// Add one that is decided on by what others' calendars hold: [`Refusal::Precondition`], and nothing is done, once one of those that
    /// were `seen` is another.
    pub async fn book_object(
        &self,
        name: &Name,
        octets: &[u8],
        content: Content,
        media_type: Option<&str>,
        seen: &SeenCalendars,
    ) -> Result<PutObject, Refusal> {
        self.put_while(name, octets, content, media_type, (Manner::default(), seen)).await
    }

    async fn put_while(
        &self,
        name: &Name,
        octets: &[u8],
        content: Content,
        media_type: Option<&str>,
        (manner, seen): (Manner, &SeenCalendars),
    ) -> Result<PutObject, Refusal> {
        let collection = self.holds_items(name)?;
        let Some(mut desk) = Desk::open(&self.session, self.node(), self.rights(), manner) else {
            is_alone(&content)?;
            let etag = self.put(name, content, media_type).await?;
            return Ok(PutObject { etag, as_sent: true, schedule_tag: None });
        };
        let sent = Sent::of(content);
        let _claim = self.session.claim(collection, sent.facts.as_ref(), &[]).await?;
        for _ in 0..TRIES_MAX {
            let mut batch = sent.alone.clone();
            batch.expect(Expect::Absent { collection, name: name.clone() });
            seen.expect(&mut batch);
            let settled = desk.plan(None, Some(octets), (collection, name), &mut batch).await?;
            let item = document(name.clone(), media_type)?;
            let Stored { bytes, hash, put } = sent.lay(&settled, (&self.session, self.node()), None, item, &mut batch)?;
            sent.attach((&self.session, self.node()), &mut batch).await?;
            let deed = Deed::adds(self.node(), [hash]);
            match self.session.commit_making_room(collection, (bytes, 1), batch, &[deed], || self.renew()).await {
                Err(Refusal::Precondition) if is_drop(self.node(), &self.session, self.rights()) => return Err(Refusal::Exists),
                Err(Refusal::Precondition | Refusal::Exists | Refusal::Missing) => {
                    if !seen.hold(self.engine()) || self.engine().view(collection).await?.by_name(name).is_some() {
                        return Err(Refusal::Precondition);
                    }
                    // Somebody else's calendar has moved.
                }
                other => return other.map(|_| put),
            }
        }
        Err(Refusal::Unavailable)
    }
}

impl Granted<File, Rewrite> {
    /// Put another content in the place of a calendar object, which others may hear of; as [`Granted::replace`].
    pub async fn replace_object(
        &self,
        octets: &[u8],
        content: Content,
        media_type: Option<&str>,
        when: When,
        manner: Manner,
    ) -> Result<PutObject, Refusal> {
        // What was told to somebody is not theirs to change.
        if self.collection()?.kind == CollectionKind::Inbox {
            return Err(Refusal::Unsupported);
        }
        let Some(mut desk) = Desk::open(&self.session, self.node(), self.rights(), manner) else {
            is_alone(&content)?;
            let etag = self.replace(content, media_type, when).await?;
            return Ok(PutObject { etag, as_sent: true, schedule_tag: None });
        };
        let collection = self.folder_id()?;
        let name = self.name()?.clone();
        desk.attachments.extend(content.attaching.copy());
        let sent = Sent::of(content);
        self.keeps_uid(sent.facts.as_ref())?;
        let _claim = self.session.claim(collection, sent.facts.as_ref(), &[self.item().uid]).await?;
        for _ in 0..TRIES_MAX {
            let now = self.now(when).await?;
            let old = homes::read(self.engine(), &now).await?;
            let mut batch = sent.alone.clone();
            batch.expect(Expect::Unchanged { collection, uid: now.uid, modseq: now.modseq });
            let settled = desk.plan(Some(&old), Some(octets), (collection, &name), &mut batch).await?;
            let left = Item { properties: kept_over(&now), ..now.clone() };
            let item = document(name.clone(), media_type)?;
            let Stored { bytes, hash, put } = sent.lay(&settled, (&self.session, self.node()), Some(&left), item, &mut batch)?;
            sent.attach((&self.session, self.node()), &mut batch).await?;
            let more = bytes.saturating_sub(now.bytes()) + sent.attached.bytes;
            let deed = Deed::adds(self.node(), [hash]).keywords(self.marks().await?);
            match self.session.commit_making_room(collection, (more, 0), batch, &[deed], || self.renew()).await {
                Err(Refusal::Precondition) => self.is_to_be_tried(&now, when).await?,
                Err(Refusal::Exists | Refusal::Missing) => {}
                other => return other.map(|_| put),
            }
        }
        Err(Refusal::Unavailable)
    }
}

impl Granted<File, Unlink> {
    /// Remove a calendar object, which others may hear of; as [`Granted::remove`].
    pub async fn remove_object(&self, when: When, manner: Manner) -> Result<(), Refusal> {
        let is_message = self.collection()?.kind == CollectionKind::Inbox;
        let desk = Desk::open(&self.session, self.node(), self.rights(), manner).filter(|_| !is_message);
        let Some(mut desk) = desk else { return self.remove(when).await };
        let collection = self.folder_id()?;
        let name = self.name()?.clone();
        for _ in 0..TRIES_MAX {
            let now = self.now(when).await?;
            let old = homes::read(self.engine(), &now).await?;
            let mut batch = Batch::new();
            batch.expect(Expect::Unchanged { collection, uid: now.uid, modseq: now.modseq });
            desk.plan(Some(&old), None, (collection, &name), &mut batch).await?;
            self.keep(&now, &mut batch).await?;
            batch.push(expunge(collection, UidSet::from_uids([now.uid])));
            match self.commit(batch).await {
                Err(Refusal::Precondition) => self.is_to_be_tried(&now, when).await?,
                Err(Refusal::Exists | Refusal::Missing) => {}
                other => return other.map(|_| ()),
            }
        }
        Err(Refusal::Unavailable)
    }
}

/// The Schedule-Tag of an object as it is kept, without quotes: of one from before tags were noted its entity tag.
pub fn schedule_tag(item: &Item) -> String {
    beside::noted(item, beside::SCHEDULE_TAG).map_or_else(|| tag_of(item.hash), str::to_owned)
}

/// Is it a meeting, of others with its owner?
pub fn is_meeting(item: &Item) -> bool {
    beside::noted(item, beside::SCHEDULE_TAG).is_some()
}

/// The tag of new octets.
pub(super) fn fresh_tag(octets: &[u8]) -> String {
    tag_of(hash_of(octets))
}
