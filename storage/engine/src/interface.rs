//! The interface of a storage engine: all that the gate asks for.
//!
//! [`crate::Embedded`] implements it with a journal on local disk. A second engine over PostgreSQL and an object store can implement it
//! without touching the gate: commits become transactions, bodies go to the object store before the transaction, the directory look-ups
//! are served from a cache that announcements keep fresh. Nothing here checks rights: only the gate may name an engine.

use crate::backup::{BackupError, BackupReport, BackupRequest, Past, Progress};
use crate::body::Body;
use crate::change::{Batch, Receipt};
use crate::news::News;
use crate::search::{Found, SearchProgress, Sought};
use crate::trail::Trail;
use crate::view::View;
use octroi_model::{
    Account, AccountId, Alias, Annotated, Annotations, AppPassword, AppPasswordId, AuditLine, AuditQuery, Collection, CollectionId,
    Confirmation, ContentRef, Factors, Group, GroupId, Lock, LockId, LockToken, ModSeq, Name, Narrowing, Quota, QuotaRoot, ScramKeys, Uid,
    UnixTime,
};
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::{Notify, watch};

/// A boxed future: keeps the trait usable behind `Arc<dyn Engine>`.
pub type Promise<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Why a batch was not committed. Nothing of it happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommitError {
    /// Rights moved since the grant: decide again and ask again.
    Stale,
    /// The [`crate::Expect`] at this index did not hold.
    Expectation(usize),
    /// A collection, item or account that the batch names is not there (any more).
    Gone,
    /// A name or address is taken.
    Exists,
    /// A collection that still has children was to be removed, or a move would make a collection its own descendant.
    NotEmpty,
    /// A second-factor code was used before.
    Replayed,
    /// What would be changed is locked, and whoever asks does not have this lock.
    Locked(LockId),
    /// What would be locked is, or something in it.
    Conflict(LockId),
    /// More would be in these trees than may be, in ascending order.
    OverQuota(Vec<QuotaRoot>),
    /// A counter or table is full: uids, keywords, properties.
    Full,
    /// The disk is full. Nothing was written; once there is room, commits go on.
    NoSpace,
    /// The disk refused. After a failed sync the engine takes no further commit: what is on disk is no longer known.
    Storage(String),
}

impl fmt::Display for CommitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stale => f.write_str("rights have changed"),
            Self::Expectation(at) => write!(f, "expectation {at} does not hold"),
            Self::Gone => f.write_str("it is gone"),
            Self::Exists => f.write_str("the name is taken"),
            Self::NotEmpty => f.write_str("it is not empty"),
            Self::Replayed => f.write_str("the code was used before"),
            Self::Locked(id) => write!(f, "lock {id} is in the way"),
            Self::Conflict(id) => write!(f, "lock {id} lets no other be"),
            Self::OverQuota(_) => f.write_str("a quota would be exceeded"),
            Self::Full => f.write_str("a table is full"),
            Self::NoSpace => f.write_str("the disk is full"),
            Self::Storage(why) => write!(f, "storage failed: {why}"),
        }
    }
}

impl std::error::Error for CommitError {}

/// Why something could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadError {
    /// Not there (any more).
    Gone,
    /// What the disk holds of it does not check. Only this one content is concerned.
    Damaged(String),
    /// The disk refused.
    Storage(String),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone => f.write_str("it is gone"),
            Self::Damaged(why) => write!(f, "it is damaged: {why}"),
            Self::Storage(why) => write!(f, "storage failed: {why}"),
        }
    }
}

impl std::error::Error for ReadError {}

/// Which run of a content to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
// `offset` and `bytes` are explained where they stand.
#[allow(missing_docs)]
pub enum Part {
    /// The derived facts.
    Facts,
    /// The header with its empty line.
    Header,
    /// All that was sent: header and body.
    Whole,
    /// `bytes` octets of the whole from `offset`; cheap on large contents, which are stored raw.
    Range { offset: u64, bytes: u64 },
}

/// What `octroi check` found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// Segment files read.
    pub segments: u64,
    /// Journal frames whose checksum was right.
    pub frames: u64,
    /// Items whose content was read and hashed.
    pub items: u64,
    /// What is wrong, one sentence each; empty when all is well.
    pub faults: Vec<String>,
}

/// How far something long has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// What is counted.
    pub what: &'static str,
    /// So many are done.
    pub done: u64,
    /// Of so many, as far as is known.
    pub all: u64,
}

/// Hears of each step of something long; must not block.
pub type Watcher = Arc<dyn Fn(Step) + Send + Sync>;

/// What a compaction gave back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compacted {
    /// Segments written anew.
    pub segments: u64,
    /// Segments that were to be written anew.
    pub planned: u64,
    /// Files of large contents removed.
    pub large: u64,
    /// Bytes of all these files before.
    pub bytes_before: u64,
    /// Bytes of them now.
    pub bytes_after: u64,
    /// What was left as it is, and why; one sentence each.
    pub skipped: Vec<String>,
}

/// A segment of the journal, as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentStat {
    /// Number in its name.
    pub number: u64,
    /// How often it was compacted.
    pub compacted: u32,
    /// Bytes of its file.
    pub file_bytes: u64,
    /// Bytes that were written to it in all.
    pub written_bytes: u64,
    /// Bytes of contents that nothing refers to any more; `None` if it is damaged.
    pub dead_bytes: Option<u64>,
    /// It is still written to.
    pub is_open: bool,
}

/// What the store consists of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoreStat {
    /// The journal.
    pub segments: Vec<SegmentStat>,
    /// Large contents, each a file of its own: how many, and their bytes.
    pub large: (u64, u64),
    /// The same of those that nothing refers to any more.
    pub large_dead: (u64, u64),
    /// Bytes of the index.
    pub index_bytes: u64,
    /// Collections whose items are in memory.
    pub views: u64,
    /// Their items.
    pub view_items: u64,
    /// Above so many, views that nobody looks at are dropped.
    pub view_items_max: u64,
    /// Changes that are in the journal and not in the index yet.
    pub behind_changes: u64,
    /// When space was last looked for to its end.
    pub compacted_at: Option<octroi_model::UnixTime>,
}

/// Takes a content in pieces, for what may be large; dropping it throws the pieces away.
pub trait Stage: Send {
    /// Add octets. They go to disk as they come once there are more than fit in memory comfortably.
    fn write<'a>(&'a mut self, octets: &'a [u8]) -> Promise<'a, Result<(), CommitError>>;
    /// A head will be given at the end, so nothing is summed up before. To be said before the first octets.
    fn expect_head(&mut self);
    /// What goes in front of all that is written, because it is known last; at most [`crate::HEAD_BYTES_MAX`].
    fn head(&mut self, octets: Vec<u8>);
    /// The octets that were written, while all of them are in memory.
    fn in_memory(&self) -> Option<&[u8]>;
    /// All octets were written: make them durable (if they are in a file) and hand them over. `describe` is called with the octets; of a
    /// content above [`crate::DESCRIBED_BYTES_MAX`] with its first mebibyte. A document has nothing to describe.
    fn finish(self: Box<Self>, describe: Option<Describe>) -> Promise<'static, Result<Body, CommitError>>;
}

/// Derives `(facts, header_bytes)` from octets; see [`Stage::finish`].
pub type Describe = Box<dyn FnOnce(&[u8]) -> (Vec<u8>, usize) + Send>;

/// Which past to open.
#[derive(Debug, Clone)]
pub struct PastRequest {
    /// The backup's folder.
    pub folder: PathBuf,
    /// Name of a snapshot.
    pub snapshot: Option<String>,
    /// A moment.
    pub at: Option<UnixTime>,
}

/// A storage engine.
pub trait Engine: Send + Sync + 'static {
    /// Commit a batch; resolves when it is on disk and everybody can see it.
    fn commit(&self, batch: Batch) -> Promise<'_, Result<Receipt, CommitError>>;
    /// Commit with the next group or within a tenth of a second, whichever comes first; for audit lines and last uses. Bounded: when too
    /// many wait, the caller waits.
    fn commit_later(&self, batch: Batch) -> Promise<'_, ()>;
    /// Take a content in pieces.
    fn stage(&self) -> Promise<'_, Result<Box<dyn Stage>, CommitError>>;
    /// A number that no collection, account or app password ever had.
    fn new_id(&self) -> u64;

    /// Moves whenever a [`crate::Change`] that [`crate::Change::moves_rights`] is committed, and by [`Engine::move_generation`].
    fn generation(&self) -> u64;
    /// Rights changed outside the journal (the profiles file).
    fn move_generation(&self);
    /// Wakes on every move of the generation.
    fn watch_generation(&self) -> watch::Receiver<u64>;
    /// Wakes on every change of the collection's modseq.
    fn watch(&self, collection: CollectionId) -> watch::Receiver<ModSeq>;

    /// Wakes on these news for as long as it is held. For who then looks at what is there: what comes after this call wakes it.
    fn listen(&self, to: &[News]) -> Arc<Notify>;

    /// An account by id.
    fn account(&self, id: AccountId) -> Option<Arc<Account>>;
    /// An account by [`octroi_model::Address::key`].
    fn account_by_key(&self, key: &str) -> Option<Arc<Account>>;
    /// All accounts by address.
    fn accounts(&self) -> Vec<Arc<Account>>;
    /// An app password by its visible id.
    fn app_password(&self, public_id: &str) -> Option<Arc<AppPassword>>;
    /// An account's app passwords by age.
    fn app_passwords(&self, account: AccountId) -> Vec<Arc<AppPassword>>;
    /// The last confirmation of an app password from a network.
    fn confirmation(&self, app_password: AppPasswordId, network: &str) -> Option<Confirmation>;
    /// All confirmations of an app password, the newest first.
    fn confirmations(&self, app_password: AppPasswordId) -> Vec<Confirmation>;
    /// What an app password was narrowed to.
    fn narrowing(&self, app_password: AppPasswordId) -> Arc<Narrowing>;
    /// What those of an account's app passwords are proven by that can be proven over SCRAM, by visible id. Takes as long whoever it is.
    fn scram_keys(&self, account: AccountId) -> Arc<BTreeMap<String, Arc<ScramKeys>>>;
    /// An account's second factors beside TOTP.
    fn factors(&self, account: AccountId) -> Arc<Factors>;
    /// All addresses that are no account's, by age.
    fn aliases(&self) -> Vec<Arc<Alias>>;
    /// One of them by [`octroi_model::AliasName::key`].
    fn alias(&self, key: &str) -> Option<Arc<Alias>>;
    /// All locks by age, also those that no longer bind.
    fn locks(&self) -> Vec<Arc<Lock>>;
    /// One lock.
    fn lock(&self, id: LockId) -> Option<Arc<Lock>>;
    /// One of them by what clients know it by.
    fn lock_by_token(&self, token: LockToken) -> Option<Arc<Lock>>;
    /// The locks that bind who changes a collection, or an item in it: its own and the deep ones above. A uid that no item has stands for
    /// one that is to come.
    fn locks_over(&self, collection: CollectionId, item: Option<Uid>) -> Vec<Arc<Lock>>;
    /// The locks that bind and are on a collection or its items.
    fn locks_at(&self, collection: CollectionId) -> Vec<Arc<Lock>>;
    /// All groups by age.
    fn groups(&self) -> Vec<Arc<Group>>;
    /// One group.
    fn group(&self, id: GroupId) -> Option<Arc<Group>>;

    /// A collection with its head as last committed.
    fn collection(&self, id: CollectionId) -> Option<Arc<Collection>>;
    /// The collections without a parent of one owner.
    fn homes(&self, owner: AccountId) -> Vec<Arc<Collection>>;
    /// Child collections by name.
    fn children(&self, parent: CollectionId) -> Vec<Arc<Collection>>;
    /// One child collection.
    fn child(&self, parent: CollectionId, name: &Name) -> Option<Arc<Collection>>;
    /// Every quota, by root.
    fn quotas(&self) -> Vec<Quota>;
    /// The quotas that an item of this collection counts for.
    fn quotas_above(&self, collection: CollectionId) -> Vec<Quota>;
    /// Every collection that has an ACL of its own: where shared trees begin.
    fn shared(&self) -> Vec<Arc<Collection>>;

    /// Annotations of a mailbox or of the server.
    fn annotations(&self, of: Annotated) -> Arc<Annotations>;
    /// Where there are private annotations whose name begins so: at one collection, or anywhere, for which every place with any is looked at.
    fn annotated(&self, collection: Option<CollectionId>, beginning: &str) -> Vec<Annotated>;

    /// The items of a collection as they are now: immutable, shared, cheap to hold.
    fn view(&self, collection: CollectionId) -> Promise<'_, Result<Arc<View>, ReadError>>;
    /// Parts of contents, in the order asked for; one blocking task for all of them, so ask in groups of a mebibyte or so.
    fn read(&self, parts: Vec<(ContentRef, Part)>) -> Promise<'_, Result<Vec<Vec<u8>>, ReadError>>;

    /// Look for texts in the items of a view, all at once. Cheap where the search index has them, and never more than that: what it cannot
    /// tell is not known, and the caller scans it.
    fn find(&self, view: Arc<View>, sought: Vec<Sought>) -> Promise<'_, Found>;
    /// How far the search index is; `None` if there is none.
    fn search_progress(&self) -> Option<SearchProgress>;
    /// Make the search index anew; returns when that has begun and can no longer be forgotten.
    fn rebuild_search(&self) -> Promise<'_, Result<(), ReadError>>;
    /// Remove from the search index what no item refers to any more. Returns how many contents these were.
    fn sweep_search(&self) -> Promise<'_, Result<u64, ReadError>>;

    /// Lines of the audit trail.
    fn audit(&self, wanted: AuditQuery) -> Promise<'_, Result<Vec<AuditLine>, ReadError>>;
    /// Where the audit trail ends.
    fn trail(&self) -> Trail;
    /// Read everything and compare: checksums, hashes, index against journal, heads against items.
    fn check(&self) -> Promise<'_, Result<CheckReport, ReadError>>;
    /// The same, telling how far it is.
    fn check_watched(&self, watcher: Watcher) -> Promise<'_, Result<CheckReport, ReadError>>;
    /// Give back the space of what was deleted, now: of segments that are mostly dead or have held something dead for too long, or, if
    /// `all`, of whatever holds anything dead. Dropping the promise ends it at the next step; what is done stays done.
    fn compact(&self, all: bool, watcher: Watcher) -> Promise<'_, Result<Compacted, ReadError>>;
    /// Say what the store consists of; looks at every item in the index.
    fn stat(&self) -> Promise<'_, Result<StoreStat, ReadError>>;
    /// Make a snapshot of everything, with only what is new being copied.
    fn backup(&self, request: BackupRequest, progress: Arc<Progress>) -> Promise<'_, Result<BackupReport, BackupError>>;
    /// Open a backup of this kind of engine as it was: the named snapshot (or the newest), at that moment (or at its end).
    fn past(&self, from: PastRequest, progress: Arc<Progress>) -> Promise<'_, Result<Past, BackupError>>;
    /// Let what is under way end, bring the index up to the journal and close the files.
    fn close(&self) -> Promise<'_, ()>;
}
