//! Acts on a mailbox: look, read, add, copy, move, replace, expunge. `flagging.rs` has STORE.
//!
//! Called by the IMAP commands of the same names. Flags are words of bits; keywords get their bit from the mailbox's own table, so they
//! are translated whenever messages go from one mailbox to another.

use crate::content::{Content, Upload};
use crate::granted::{FoundNode, Granted, Mailbox, Object};
use crate::purpose::{Append, Expunge, MoveAway, Purpose, Select, Status};
use crate::refusal::Refusal;
use crate::reserved::Deed;
use octroi_engine::{Batch, Change, Companion, Expect, Found, Part, Receipt, Sought, View};
use octroi_model::{
    Collection, CollectionId, ContentRef, Flags, Hash, Head, Item, KEYWORDS_MAX, ModSeq, Rights, Uid, UidSet, UidValidity, UnixTime,
};
use std::collections::BTreeSet;
use std::ops::Deref;
use std::sync::Arc;
use tokio::sync::watch;

/// Longest keyword, in bytes.
pub const KEYWORD_BYTES_MAX: usize = 128;

/// What STATUS tells.
#[derive(Debug, Clone, Copy)]
pub struct MailboxStatus {
    /// Which collection it is, whatever it is called: MAILBOXID of RFC 8474. Never used again for another.
    pub id: CollectionId,
    /// Counters.
    pub head: Head,
    /// UIDVALIDITY.
    pub uid_validity: UidValidity,
    /// Messages that no session was told of yet (RFC 3501's RECENT).
    pub recent: u32,
}

/// A message that is to be added.
#[derive(Debug)]
pub struct Draft {
    /// Its octets.
    pub content: Content,
    /// System flags.
    pub flags: Flags,
    /// Keywords.
    pub keywords: Vec<String>,
    /// INTERNALDATE.
    pub date: UnixTime,
}

/// APPENDUID of RFC 4315.
#[derive(Debug, Clone)]
pub struct Appended {
    /// UIDVALIDITY of the mailbox.
    pub uid_validity: UidValidity,
    /// In the order of the drafts.
    pub uids: Vec<Uid>,
}

/// COPYUID of RFC 4315.
#[derive(Debug, Clone)]
pub struct Copied {
    /// UIDVALIDITY of the target.
    pub uid_validity: UidValidity,
    /// Uids in the source, ascending.
    pub from: Vec<Uid>,
    /// Uids in the target, in the same order.
    pub to: Vec<Uid>,
}

impl<P: Purpose<Mailbox>> Granted<Mailbox, P> {
    /// Which collection it is; for comparing only.
    pub fn collection_id(&self) -> CollectionId {
        self.at.0.real().map_or(CollectionId(0), |c| c.id)
    }

    fn duplicate(&self) -> Result<Self, Refusal> {
        Ok(Self::new(self.session.clone(), FoundNode(self.at.0.clone()), self.rights(), self.renew()?))
    }
}

impl Granted<Mailbox, Status> {
    /// Counters as they are now.
    pub fn status(&self) -> Result<MailboxStatus, Refusal> {
        self.renew()?;
        let collection = self.collection()?;
        let marks = &self.session.gate().0.recent;
        let recent = collection.head.uid_next.0.saturating_sub(marks.peek(collection.id).0);
        Ok(MailboxStatus {
            id: collection.id,
            head: collection.head,
            uid_validity: collection.uid_validity,
            recent: recent.min(collection.head.items),
        })
    }
}

/// A snapshot of a mailbox under a grant to read it.
#[derive(Clone)]
pub struct MailboxView {
    view: Arc<View>,
    grant: Arc<Granted<Mailbox, Select>>,
}

impl Deref for MailboxView {
    type Target = View;
    fn deref(&self) -> &View {
        &self.view
    }
}

impl MailboxView {
    /// Parts of messages by their position in this snapshot. Ask for about a mebibyte at a time.
    pub async fn read(&self, parts: &[(usize, Part)]) -> Result<Vec<Vec<u8>>, Refusal> {
        self.grant.renew()?;
        let wanted: Option<Vec<(ContentRef, Part)>> = parts.iter().map(|(at, part)| Some((self.view.at(*at)?.content, *part))).collect();
        Ok(self.grant.engine().read(wanted.ok_or(Refusal::Missing)?).await?)
    }

    /// What was derived from the messages' contents and is kept beside them for everybody who may read the mailbox.
    pub fn companion(&self) -> Result<&Companion, Refusal> {
        self.grant.renew()?;
        Ok(self.view.companion())
    }

    /// What the search index knows of the messages of this snapshot, by their position.
    pub async fn find(&self, sought: Vec<Sought>) -> Result<Found, Refusal> {
        self.grant.renew()?;
        Ok(self.grant.engine().find(self.view.clone(), sought).await)
    }
}

impl Granted<Mailbox, Select> {
    /// The messages as they are now.
    pub async fn view(&self) -> Result<MailboxView, Refusal> {
        let grant = Arc::new(self.duplicate()?);
        let view = self.engine().view(self.collection_id()).await?;
        Ok(MailboxView { view, grant })
    }

    /// Wakes on every change.
    pub fn watch(&self) -> watch::Receiver<ModSeq> {
        self.engine().watch(self.collection_id())
    }

    /// Messages with a uid of at least this are `\Recent` in the calling session, and in no later one.
    pub fn claim_recent(&self) -> Uid {
        let next = self.collection().map_or(Uid(1), |c| c.head.uid_next);
        self.session.gate().0.recent.claim(self.collection_id(), next)
    }
}

impl Granted<Mailbox, Append> {
    /// Take a message in pieces.
    pub async fn upload(&self) -> Result<Upload, Refusal> {
        self.renew()?;
        Upload::begin(self.session.gate()).await
    }

    /// Add messages: all or none. Flags are set as far as the rights go. RFC 4314 section 4.
    pub async fn append(&self, drafts: Vec<Draft>) -> Result<Appended, Refusal> {
        let (batch, deed) = self.additions(drafts).await?;
        let receipt = self.commit_deeds(batch, &[deed]).await?;
        self.appended(&receipt)
    }

    /// Put a message in the place of another one, which may be in another mailbox: it appears and the old one goes in one commit, or
    /// nothing happens. A quota counts what it is more. Refused when the old one is not there (any more). RFC 8508.
    pub async fn replace(&self, draft: Draft, source: &Granted<Mailbox, Expunge>, uid: Uid) -> Result<Appended, Refusal> {
        let collection = source.collection_id();
        // The content may have taken long to come: refused without giving keywords their bits, if it is known to be in vain.
        self.engine().view(collection).await?.by_uid(uid).ok_or(Refusal::Missing)?;
        let (mut batch, deed) = self.additions(vec![draft]).await?;
        // Whatever its flags are by now: it has to be there.
        batch.expect(Expect::Unchanged { collection, uid, modseq: ModSeq(u64::MAX) });
        let uids = UidSet::from_uids([uid]);
        batch.push(Change::Expunge { collection, uids, modseq: ModSeq(0), head: Head::default() });
        let renew = || {
            source.renew()?;
            self.renew()
        };
        let receipt = self.session.commit_deeds(self.engine(), batch, &[deed], renew).await?;
        self.appended(&receipt)
    }

    async fn additions(&self, drafts: Vec<Draft>) -> Result<(Batch, Deed), Refusal> {
        let allowed = permitted(self.rights());
        let mut batch = Batch::new();
        let mut deed = Deed::adds(self.node(), drafts.iter().map(|draft| draft.content.body.hash()));
        for draft in drafts {
            let keywords: Vec<&str> = draft.keywords.iter().map(String::as_str).collect();
            let bits = if keywords.is_empty() || !allowed.contains(Flags::all_keywords()) {
                Flags::NONE
            } else {
                deed = deed.keywords(draft.keywords.iter().cloned());
                ensure_keywords(self, self.collection_id(), &keywords).await?
            };
            let body = batch.body(draft.content.body);
            let item = Item { flags: (draft.flags | bits).and(allowed), ..message(draft.date) };
            batch.put(self.collection_id(), item, body);
        }
        Ok((batch, deed))
    }

    fn appended(&self, receipt: &Receipt) -> Result<Appended, Refusal> {
        Ok(Appended { uid_validity: self.collection()?.uid_validity, uids: put_uids(&receipt.changes, self.collection_id()) })
    }

    /// Copy messages of a snapshot here: all or none. Those that went meanwhile are still in the snapshot and are copied.
    pub async fn copy_from(&self, source: &MailboxView, uids: &UidSet) -> Result<Copied, Refusal> {
        let (batch, from, deed) = self.copies(&source.view, uids).await?;
        if from.is_empty() {
            return Ok(Copied { uid_validity: self.collection()?.uid_validity, from, to: Vec::new() });
        }
        let renew = || {
            source.grant.renew()?;
            self.renew()
        };
        let receipt = self.session.commit_deeds(self.engine(), batch, &[deed], renew).await?;
        self.copied(&receipt.changes, from)
    }

    /// Move messages here: they appear and go in one commit. RFC 6851. Who may not destroy them where they are moves them within the
    /// trees of their owner only.
    pub async fn move_from(&self, source: &Granted<Mailbox, MoveAway>, uids: &UidSet) -> Result<Copied, Refusal> {
        let destroys = Rights::DELETE_ITEMS | Rights::EXPUNGE;
        if source.node().owner != self.node().owner && !source.rights().contains(destroys) {
            return Err(Refusal::Forbidden(destroys.without(source.rights())));
        }
        let view = self.engine().view(source.collection_id()).await?;
        let (mut batch, from, deed) = self.copies(&view, uids).await?;
        if from.is_empty() {
            return Ok(Copied { uid_validity: self.collection()?.uid_validity, from, to: Vec::new() });
        }
        let collection = source.collection_id();
        for uid in &from {
            let modseq = view.by_uid(*uid).map_or(ModSeq(0), |item| item.modseq);
            batch.expect(Expect::Unchanged { collection, uid: *uid, modseq });
        }
        let going = UidSet::from_uids(from.iter().copied());
        batch.push(Change::Expunge { collection, uids: going, modseq: ModSeq(0), head: Head::default() });
        let renew = || {
            source.renew()?;
            self.renew()
        };
        let receipt = self.session.commit_deeds(self.engine(), batch, &[deed], renew).await?;
        self.judged_by(source.collection_id(), &view, &from);
        self.copied(&receipt.changes, from)
    }

    async fn copies(&self, view: &View, uids: &UidSet) -> Result<(Batch, Vec<Uid>, Deed), Refusal> {
        let allowed = permitted(self.rights());
        let chosen: Vec<&Item> = items_of(view, uids).collect();
        let used: BTreeSet<usize> = chosen.iter().flat_map(|item| item.flags.keyword_indexes()).collect();
        let names: Vec<Arc<str>> = used.iter().filter_map(|i| view.keywords().get(*i).cloned()).collect();
        let mut deed = Deed::adds(self.node(), chosen.iter().map(|item| item.hash));
        if !names.is_empty() && allowed.contains(Flags::all_keywords()) {
            deed = deed.keywords(names.iter().map(ToString::to_string));
            ensure_keywords(self, self.collection_id(), &names.iter().map(|n| &**n).collect::<Vec<_>>()).await?;
        }
        let target = self.collection()?;
        let mut batch = Batch::new();
        let mut from = Vec::with_capacity(chosen.len());
        for item in chosen {
            let flags = translate(item.flags, view.keywords(), &target).and(allowed);
            let copy = Item { flags, content: item.content, hash: item.hash, ..message(item.date) };
            batch.push(Change::Put { collection: target.id, item: copy, head: Head::default() });
            from.push(item.uid);
        }
        Ok((batch, from, deed))
    }

    fn copied(&self, changes: &[Change], from: Vec<Uid>) -> Result<Copied, Refusal> {
        Ok(Copied { uid_validity: self.collection()?.uid_validity, from, to: put_uids(changes, self.collection_id()) })
    }
}

impl Granted<Mailbox, Expunge> {
    /// Remove just these uids, as far as they exist.
    pub async fn expunge(&self, uids: &UidSet) -> Result<(), Refusal> {
        let mut batch = Batch::new();
        batch.push(Change::Expunge { collection: self.collection_id(), uids: uids.clone(), modseq: ModSeq(0), head: Head::default() });
        self.commit(batch).await?;
        Ok(())
    }
}

/// RFC 4314 section 4: `s` for `\Seen`, `t` for `\Deleted`, `w` for all others.
pub(crate) fn permitted(rights: Rights) -> Flags {
    let mut flags = Flags::NONE;
    if rights.contains(Rights::SEEN) {
        flags = flags | Flags::SEEN;
    }
    if rights.contains(Rights::DELETE_ITEMS) {
        flags = flags | Flags::DELETED;
    }
    if rights.contains(Rights::WRITE) {
        flags = flags | Flags::ANSWERED | Flags::FLAGGED | Flags::DRAFT | Flags::all_keywords();
    }
    flags
}

/// A message without flags; the committer fills the rest in.
pub(crate) fn message(date: UnixTime) -> Item {
    Item {
        uid: Uid(0),
        modseq: ModSeq(0),
        flags: Flags::NONE,
        date,
        saved: UnixTime::now(),
        name: None,
        media_type: None,
        properties: None,
        content: ContentRef::default(),
        hash: Hash::default(),
    }
}

pub(crate) fn items_of<'a>(view: &'a View, uids: &'a UidSet) -> impl Iterator<Item = &'a Item> {
    uids.ranges()
        .flat_map(move |(low, high)| (view.lower_bound(low)..view.len()).map_while(move |at| view.at(at).filter(|i| i.uid <= high)))
}

fn put_uids(changes: &[Change], into: CollectionId) -> Vec<Uid> {
    changes
        .iter()
        .filter_map(|change| match change {
            Change::Put { collection, item, .. } if *collection == into => Some(item.uid),
            _ => None,
        })
        .collect()
}

pub(crate) fn known_keywords(collection: &Collection, keywords: &[&str]) -> Flags {
    keywords
        .iter()
        .filter_map(|k| collection.keywords.iter().position(|known| known.eq_ignore_ascii_case(k)))
        .filter_map(Flags::keyword)
        .fold(Flags::NONE, |sum, bit| sum | bit)
}

fn translate(flags: Flags, keywords: &[Arc<str>], target: &Collection) -> Flags {
    let names: Vec<&str> = flags.keyword_indexes().filter_map(|i| keywords.get(i)).map(|k| &**k).collect();
    flags.without(Flags::all_keywords()) | known_keywords(target, &names)
}

/// Give every keyword a bit in the collection's table. Keywords are compared without case (RFC 9051 section 2.3.2).
pub(crate) async fn ensure_keywords<O: Object, P: Purpose<O>>(
    grant: &Granted<O, P>,
    id: CollectionId,
    keywords: &[&str],
) -> Result<Flags, Refusal> {
    let known = grant.collection()?;
    let new: Vec<&&str> = keywords.iter().filter(|k| !known.keywords.iter().any(|have| have.eq_ignore_ascii_case(k))).collect();
    if !new.is_empty() {
        let fits = known.keywords.len() + new.len() <= KEYWORDS_MAX;
        if !fits || new.iter().any(|k| k.is_empty() || k.len() > KEYWORD_BYTES_MAX || k.chars().any(|c| c.is_control() || c == ' ')) {
            return Err(Refusal::Limit("keywords"));
        }
        let mut batch = Batch::new();
        for keyword in new {
            batch.push(Change::AddKeyword { collection: id, keyword: Arc::from(*keyword) });
        }
        grant.commit(batch).await?;
    }
    Ok(known_keywords(&*grant.collection()?, keywords))
}
