//! Acts on one document, event or card.

use crate::acts::describing::kept_over;
use crate::content::{Content, Upload};
use crate::granted::{File, Granted};
use crate::kept::object::ObjectFacts;
use crate::kept::versions::{self, WrittenOver};
use crate::kept::{beside, trash};
use crate::purpose::{Depart, Mark, Purpose, Read, Rewrite, Unlink};
use crate::refusal::Refusal;
use crate::reserved::Deed;
use crate::session::Session;
use crate::sight::{Shown, Strip};
use octroi_engine::{Batch, Change, Expect, Part};
use octroi_model::{AccountId, Collection, CollectionId, Etag, FlagEdit, Head, Item, ModSeq, Name, Rights, UidSet, UnixTime};
use std::sync::Arc;

/// Most octets of one read.
pub const READ_BYTES_MAX: u64 = 1 << 20;
/// How often a change is tried again because something beside what it is about changed meanwhile.
pub(crate) const TRIES_MAX: usize = 8;
/// Longest `Content-Type`, in bytes.
const MEDIA_TYPE_BYTES_MAX: usize = 255;

/// Does a write insist on what the grant saw?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Whatever it is now.
    Anyhow,
    /// Only if it is still what [`Granted::item`] says.
    Unchanged,
}

impl<P: Purpose<File>> Granted<File, P> {
    /// The item as it was found, and as it is seen.
    pub fn item(&self) -> &Item {
        &self.at.item
    }

    /// The item as it is kept, of which another is seen where one has things of one's own in it.
    pub(crate) fn real(&self) -> &Item {
        match self.at.made.as_deref() {
            Some((real, Shown::Own(_))) => real,
            _ => &self.at.item,
        }
    }

    /// The number of the collection that it is in, part of that one's sync token.
    pub fn folder_sync_id(&self) -> Result<u64, Refusal> {
        Ok(self.folder_id()?.0)
    }

    pub(crate) fn folder_id(&self) -> Result<CollectionId, Refusal> {
        Ok(self.at.folder.real()?.id)
    }

    pub(crate) fn name(&self) -> Result<&Name, Refusal> {
        self.at.item.name.as_ref().ok_or(Refusal::Missing)
    }

    pub(crate) fn expectation(&self, when: When) -> Result<Expect, Refusal> {
        let collection = self.folder_id()?;
        Ok(match when {
            When::Anyhow => Expect::Present { collection, name: self.name()?.clone() },
            When::Unchanged => Expect::Unchanged { collection, uid: self.at.item.uid, modseq: self.at.item.modseq },
        })
    }
}

impl Granted<File, Read> {
    /// Octets from `offset`: at most [`READ_BYTES_MAX`], fewer at the end.
    pub async fn read(&self, offset: u64, bytes: u64) -> Result<Vec<u8>, Refusal> {
        self.renew()?;
        if !self.is_as_kept() {
            return Err(Refusal::Forbidden(Rights::READ));
        }
        let left = self.at.item.bytes().saturating_sub(offset);
        let part = Part::Range { offset, bytes: bytes.min(left).min(READ_BYTES_MAX) };
        let parts = self.engine().read(vec![(self.at.item.content, part)]).await?;
        Ok(parts.into_iter().next().unwrap_or_default())
    }

    /// All of it, for what is known to be small: it is in memory at once.
    pub async fn read_whole(&self) -> Result<Vec<u8>, Refusal> {
        let mut octets = Vec::new();
        while (octets.len() as u64) < self.at.item.bytes() {
            let piece = self.read(octets.len() as u64, READ_BYTES_MAX).await?;
            if piece.is_empty() {
                return Err(Refusal::Unavailable);
            }
            octets.extend_from_slice(&piece);
        }
        Ok(octets)
    }
}

impl<P: Purpose<File>> Granted<File, P> {
    /// Is nothing to be seen of it but when its owner is busy?
    pub fn is_veiled(&self) -> bool {
        matches!(self.at.made.as_deref(), Some((_, Shown::Busy(_))))
    }

    /// Are the octets that are seen those that are kept? If not, [`Granted::read_made`] is the way to them.
    pub fn is_as_kept(&self) -> bool {
        self.at.made.is_none()
    }
}

impl Granted<File, Read> {
    /// What is seen of it, if it is not seen as it is kept; empty if that is nothing.
    pub async fn read_made(&self, strip: Strip) -> Result<Vec<u8>, Refusal> {
        self.renew()?;
        let (real, shown) = self.at.made.as_deref().ok_or(Refusal::Unsupported)?;
        let parts = self.engine().read(vec![(real.content, Part::Whole)]).await?;
        Ok(parts.first().and_then(|octets| strip(octets, shown)).unwrap_or_default())
    }
}

impl Granted<File, Rewrite> {
    /// Take the new content in pieces.
    pub async fn upload(&self) -> Result<Upload, Refusal> {
        self.renew()?;
        Upload::begin(self.session.gate()).await
    }

    /// RFC 4791 section 5.3.2.1: an object does not become one with another UID.
    pub(crate) fn keeps_uid(&self, facts: Option<&ObjectFacts>) -> Result<(), Refusal> {
        let before = ObjectFacts::of(self.item());
        let is_other = before.zip(facts).is_some_and(|(before, facts)| before.uid != facts.uid);
        if is_other { Err(Refusal::UidTaken(self.item().uid)) } else { Ok(()) }
    }

    /// Put another content in its place. An interrupted one leaves the old.
    pub async fn replace(&self, content: Content, media_type: Option<&str>, when: When) -> Result<Etag, Refusal> {
        let etag = content.etag();
        let (hash, bytes) = (content.body.hash(), content.bytes());
        // Another content has none of the marks that the one before was given.
        let deed = Deed::adds(self.node(), [hash]).keywords(self.marks().await?);
        let (collection, by) = (self.folder_id()?, self.session.account());
        let mut body_alone = Batch::new();
        content.settle(&mut body_alone);
        let (modified, sums, beside, facts) = (content.modified, content.sums, content.beside, content.facts);
        let body = body_alone.body(content.body);
        self.keeps_uid(facts.as_ref())?;
        let _claim = self.session.claim(collection, facts.as_ref(), &[self.item().uid]).await?;
        let mut keeps = true;
        for _ in 0..TRIES_MAX {
            let now = self.now(when).await?;
            let mut batch = body_alone.clone();
            batch.expect(Expect::Unchanged { collection, uid: now.uid, modseq: now.modseq });
            if keeps {
                let over = WrittenOver { folder: &*self.collection()?, old: &now, new: hash, by };
                versions::keep(self.session.gate(), over, &mut batch).await?;
            }
            // What clients keep beside it stays, as it is by now: the content may have been long on its way.
            let left = Item { properties: kept_over(&now), ..now.clone() };
            let properties = summed(arrived(&self.session, self.node().owner, &left).as_deref(), sums.as_deref(), &beside);
            let properties = ObjectFacts::beside(properties.as_deref(), facts.as_ref());
            let item = Item { properties, ..dated(document(self.name()?.clone(), media_type)?, modified) };
            // It has no content yet.
            let bytes = bytes + item.counted();
            batch.put(collection, item, body);
            let more = (if keeps { bytes } else { bytes.saturating_sub(now.counted()) }, u64::from(keeps));
            let renew = || self.renew();
            match self.session.commit_making_room(collection, more, batch, std::slice::from_ref(&deed), renew).await {
                Err(Refusal::Precondition) if self.is_changed(&now, when).await? => {}
                // Somebody else has made or removed what keeps the versions.
                Err(Refusal::Exists | Refusal::Missing) => {}
                // A document never has to wait for its history.
                Err(Refusal::OverQuota) if keeps => keeps = false,
                other => return other.map(|_| etag),
            }
        }
        Err(Refusal::Unavailable)
    }
}

impl<P: Purpose<File>> Granted<File, P> {
    /// Is it another by now than it was just before, and is that no matter?
    pub(crate) async fn is_changed(&self, before: &Item, when: When) -> Result<bool, Refusal> {
        let now = self.now(when).await?;
        Ok((now.uid, now.modseq) != (before.uid, before.modseq))
    }

    /// Whether an act is to be tried again that was refused because something has moved: not if what it insists on is another by now.
    pub(crate) async fn is_to_be_tried(&self, before: &Item, when: When) -> Result<(), Refusal> {
        let there = self.engine().view(self.folder_id()?).await?.by_name(self.name()?).cloned().ok_or(Refusal::Precondition)?;
        let same = (there.uid, there.modseq) == (before.uid, before.modseq);
        if same || when == When::Anyhow { Ok(()) } else { Err(Refusal::Precondition) }
    }

    /// The item that an act is about: as it was found if it insists on that, or as it is now. [`Refusal::Precondition`] if there is none.
    pub(crate) async fn now(&self, when: When) -> Result<Item, Refusal> {
        match when {
            When::Unchanged => Ok(self.real().clone()),
            When::Anyhow => {
                let view = self.engine().view(self.folder_id()?).await?;
                view.by_name(self.name()?).cloned().ok_or(Refusal::Precondition)
            }
        }
    }
}

impl Granted<File, Mark> {
    /// Set or clear keywords, as STORE does with those of a message: all or none.
    pub async fn mark(&self, marks: &[(&str, bool)]) -> Result<(), Refusal> {
        let collection = self.folder_id()?;
        let set: Vec<&str> = marks.iter().filter(|(_, on)| *on).map(|(keyword, _)| *keyword).collect();
        let cleared: Vec<&str> = marks.iter().filter(|(_, on)| !*on).map(|(keyword, _)| *keyword).collect();
        let added = super::mailbox::ensure_keywords(self, collection, &set).await?;
        let removed = super::mailbox::known_keywords(&*self.collection()?, &cleared);
        let deed = Deed::marks(self.node(), marks.iter().map(|(keyword, _)| (*keyword).to_owned())).about([self.real().hash]);
        let mut batch = Batch::new();
        batch.expect(self.expectation(When::Unchanged)?);
        for edit in [FlagEdit::add(added), FlagEdit::remove(removed)] {
            let uids = UidSet::from_uids([self.at.item.uid]);
            batch.push(Change::Flag { collection, uids, edit, modseq: ModSeq(0), head: Head::default() });
        }
        self.commit_deeds(batch, &[deed]).await?;
        Ok(())
    }
}

impl<P: Purpose<File>> Granted<File, P> {
    /// The keywords that it has.
    pub async fn marks(&self) -> Result<Vec<String>, Refusal> {
        Ok(marks_in(&*self.collection()?, &self.at.item))
    }
}

/// The keywords of an item, by the table of its collection.
pub(crate) fn marks_in(collection: &Collection, item: &Item) -> Vec<String> {
    item.flags.keyword_indexes().filter_map(|index| collection.keywords.get(index)).map(ToString::to_string).collect()
}

impl Granted<File, Unlink> {
    /// Remove it, into its owner's trash if that takes it.
    pub async fn remove(&self, when: When) -> Result<(), Refusal> {
        let collection = self.folder_id()?;
        for _ in 0..TRIES_MAX {
            let now = self.now(when).await?;
            let mut batch = Batch::new();
            batch.expect(Expect::Unchanged { collection, uid: now.uid, modseq: now.modseq });
            self.keep(&now, &mut batch).await?;
            batch.push(versions::expunge(collection, UidSet::from_uids([now.uid])));
            match self.commit(batch).await {
                Err(Refusal::Precondition) if self.is_changed(&now, when).await? => {}
                // Somebody else has made or removed what keeps it.
                Err(Refusal::Exists | Refusal::Missing) => {}
                other => return other.map(|_| ()),
            }
        }
        Err(Refusal::Unavailable)
    }

    /// Add to the batch that the document goes into the trash, if that takes it; its removal is the caller's.
    pub(crate) async fn keep(&self, item: &Item, batch: &mut Batch) -> Result<(), Refusal> {
        trash::keep_file(self.session.gate(), self.node(), item, self.session.account(), batch).await?;
        Ok(())
    }

    pub(crate) fn removal(&self) -> Result<Change, Refusal> {
        removal(self)
    }
}

impl Granted<File, Depart> {
    pub(crate) fn removal(&self) -> Result<Change, Refusal> {
        removal(self)
    }
}

fn removal<P: Purpose<File>>(granted: &Granted<File, P>) -> Result<Change, Refusal> {
    Ok(versions::expunge(granted.folder_id()?, UidSet::from_uids([granted.at.item.uid])))
}

/// A document without content; the committer fills the rest in.
pub(crate) fn document(name: Name, media_type: Option<&str>) -> Result<Item, Refusal> {
    let base = super::mailbox::message(UnixTime::now());
    Ok(Item { name: Some(name), media_type: self::media_type(media_type)?, ..base })
}

/// A `Content-Type` as it is kept.
pub(crate) fn media_type(sent: Option<&str>) -> Result<Option<Arc<str>>, Refusal> {
    if sent.is_some_and(|m| m.len() > MEDIA_TYPE_BYTES_MAX || m.chars().any(char::is_control)) {
        return Err(Refusal::Limit("length of the media type"));
    }
    Ok(sent.map(Arc::from))
}

/// With the date that came with it, if one did.
pub(crate) fn dated(item: Item, modified: Option<UnixTime>) -> Item {
    Item { date: modified.unwrap_or(item.date), ..item }
}

/// What is beside a document whose content is new: digests of that content, and the properties that came with it.
pub(crate) fn summed(properties: Option<&[u8]>, sums: Option<&str>, came: &[(String, String)]) -> Option<Arc<[u8]>> {
    // One that is empty goes.
    let came = came.iter().map(|(name, text)| (name.as_str(), Some(text.as_str()).filter(|text| !text.is_empty())));
    beside::with(properties, &std::iter::once((beside::SUMS, sums)).chain(came).collect::<Vec<_>>())
}

/// What is beside a document where it arrives: what was, but who put it there if it is not whose folder it is.
pub(crate) fn arrived(session: &Session, owner: AccountId, item: &Item) -> Option<Arc<[u8]>> {
    let author = session.account().0.to_string();
    let author = (session.account() != owner).then_some(author.as_str());
    let notes = [(beside::AUTHOR, author), (beside::BY, None), (beside::NAME, None)];
    beside::with(item.properties.as_deref(), &notes)
}
