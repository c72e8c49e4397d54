//! Acts on a calendar object that others may hear of: put, replace, remove. One commit holds the object, what is written into others'
//! calendars and inboxes, and the mail to who is elsewhere; it is planned anew when one of those has moved.

use super::codec::Manner;
use super::homes;
use super::plan::{Desk, Settled};
use crate::When;
use crate::acts::describing::kept_over;
use crate::acts::file::{TRIES_MAX, arrived, dated, document, summed};
use crate::content::Content;
use crate::dropping::is_drop;
use crate::granted::{File, Folder, Granted};
use crate::kept::beside;
use crate::kept::object::ObjectFacts;
use crate::kept::versions::expunge;
use crate::purpose::{Bind, Rewrite, Unlink};
use crate::refusal::Refusal;
use crate::reserved::Deed;
use octroi_engine::{Batch, Body, Expect};
use octroi_model::{CollectionKind, Etag, Hash, Item, Name, UidSet};
use std::sync::Arc;

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

impl PutObject {
    fn of(settled: &Settled, sent: &[u8], hash: Hash, tag: Option<String>) -> Self {
        Self { etag: Etag::of(hash), as_sent: settled.stored == sent, schedule_tag: tag }
    }
}

/// What is beside an object whose content is new. What a client says of it holds for what is stored: its times and its UID are the same.
fn noted(properties: Option<&[u8]>, settled: &Settled, hash: Hash, facts: Option<&ObjectFacts>) -> (Option<Arc<[u8]>>, Option<String>) {
    let tag = settled.scheduled.then(|| tag_of(hash));
    let uid = settled.uid.as_deref().filter(|_| facts.is_none());
    let properties = ObjectFacts::beside(properties, facts);
    (beside::with(properties.as_deref(), &[(beside::UID, uid), (beside::SCHEDULE_TAG, tag.as_deref())]), tag)
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
        let collection = self.holds_items(name)?;
        let Some(mut desk) = Desk::open(&self.session, self.node(), self.rights(), manner) else {
            let etag = self.put(name, content, media_type).await?;
            return Ok(PutObject { etag, as_sent: true, schedule_tag: None });
        };
        let _claim = self.session.claim(collection, content.facts.as_ref(), &[]).await?;
        for _ in 0..TRIES_MAX {
            let mut batch = Batch::new();
            batch.expect(Expect::Absent { collection, name: name.clone() });
            let settled = desk.plan(None, Some(octets), (collection, name), &mut batch).await?;
            let body = Body::document(&settled.stored);
            let (hash, bytes) = (body.hash(), body.bytes());
            let item = dated(document(name.clone(), media_type)?, content.modified);
            let sums = content.sums.as_deref().filter(|_| settled.stored == octets);
            let properties = summed(arrived(&self.session, self.node().owner, &item).as_deref(), sums, &content.beside);
            let (properties, tag) = noted(properties.as_deref(), &settled, hash, content.facts.as_ref());
            let body = batch.body(body);
            batch.put(collection, Item { properties, ..item }, body);
            let deed = Deed::adds(self.node(), [hash]);
            match self.session.commit_making_room(collection, (bytes, 1), batch, &[deed], || self.renew()).await {
                Err(Refusal::Precondition) if is_drop(self.node(), &self.session, self.rights()) => return Err(Refusal::Exists),
                Err(Refusal::Precondition | Refusal::Exists | Refusal::Missing) => {
                    if self.engine().view(collection).await?.by_name(name).is_some() {
                        return Err(Refusal::Precondition);
                    }
                    // Somebody else's calendar has moved.
                }
                other => return other.map(|_| PutObject::of(&settled, octets, hash, tag)),
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
            let etag = self.replace(content, media_type, when).await?;
            return Ok(PutObject { etag, as_sent: true, schedule_tag: None });
        };
        let collection = self.folder_id()?;
        let name = self.name()?.clone();
        let before = ObjectFacts::of(self.item());
        if before.zip(content.facts.as_ref()).is_some_and(|(before, facts)| before.uid != facts.uid) {
            return Err(Refusal::UidTaken(self.item().uid));
        }
        let _claim = self.session.claim(collection, content.facts.as_ref(), &[self.item().uid]).await?;
        for _ in 0..TRIES_MAX {
            let now = self.now(when).await?;
            let old = homes::read(self.engine(), &now).await?;
            let mut batch = Batch::new();
            batch.expect(Expect::Unchanged { collection, uid: now.uid, modseq: now.modseq });
            let settled = desk.plan(Some(&old), Some(octets), (collection, &name), &mut batch).await?;
            let body = Body::document(&settled.stored);
            let (hash, more) = (body.hash(), body.bytes().saturating_sub(now.bytes()));
            let left = Item { properties: kept_over(&now), ..now.clone() };
            let sums = content.sums.as_deref().filter(|_| settled.stored == octets);
            let properties = summed(arrived(&self.session, self.node().owner, &left).as_deref(), sums, &content.beside);
            let (properties, tag) = noted(properties.as_deref(), &settled, hash, content.facts.as_ref());
            let item = Item { properties, ..dated(document(name.clone(), media_type)?, content.modified) };
            let body = batch.body(body);
            batch.put(collection, item, body);
            let deed = Deed::adds(self.node(), [hash]).keywords(self.marks().await?);
            match self.session.commit_making_room(collection, (more, 0), batch, &[deed], || self.renew()).await {
                Err(Refusal::Precondition) => self.is_to_be_tried(&now, when).await?,
                Err(Refusal::Exists | Refusal::Missing) => {}
                other => return other.map(|_| PutObject::of(&settled, octets, hash, tag)),
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
pub(super) fn tag_of_octets(octets: &[u8]) -> String {
    tag_of(Body::document(octets).hash())
}
