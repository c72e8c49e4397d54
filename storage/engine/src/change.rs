//! The one language of change: whatever alters anything is a [`Change`].
//!
//! Written to the journal with postcard, applied to the published state, the views and the index, announced to whoever waits.
//! Called by the gate (which asks) and by the engine (which stamps and applies). Variants and fields are only appended: the
//! journal is read back by later versions.

use octroi_model::{
    Account, AccountId, Acl, Alias, AliasId, Annotated, AnnotationEdit, AppPassword, AppPasswordId, AuditEntry, AuditLine, Collection,
    CollectionId, Confirmation, Factors, FlagEdit, Group, GroupId, Hash, Head, Item, LastUse, Lock, LockId, ModSeq, Name, Narrowing,
    QuotaLimit, QuotaRoot, ScramKeys, SpecialUse, Uid, UidSet, UnixTime,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

use crate::body::Body;

/// Something that happened, or that is asked for. Fields marked *stamped* are set by the committer; what the asker puts there is ignored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
// The fields are what the variant's sentence says; repeating it on each would hide what matters.
#[allow(missing_docs)]
pub enum Change {
    /// A collection appears. Its id comes from [`crate::Engine::new_id`], its owner is there or is account 0, which stands for nobody.
    /// `bound`, `head` and `parent_head` are stamped, and a UIDVALIDITY of 0.
    CreateCollection { collection: Collection, parent_head: Option<Head> },
    /// A collection gets another name or parent. `old_parent_head` and `new_parent_head` are stamped (equal when the parent stays).
    RenameCollection { collection: CollectionId, parent: CollectionId, name: Name, old_parent_head: Head, new_parent_head: Head },
    /// A collection and all its items go. It must have no child collection left. Leaves a tombstone in the parent; `parent_head` is
    /// stamped.
    RemoveCollection { collection: CollectionId, parent_head: Option<Head> },
    /// The ACL changes. Moves the rights generation.
    SetAcl { collection: CollectionId, acl: Option<Acl> },
    /// A live property of a collection is set or (`None`) removed. `head` is stamped: the ctag moves.
    SetProperty { collection: CollectionId, name: Arc<str>, value: Option<Arc<str>>, head: Head },
    /// RFC 6154 use of a mailbox.
    SetSpecialUse { collection: CollectionId, special_use: Option<SpecialUse> },
    /// A keyword takes the next free bit of the collection's table; nothing happens if it is there already.
    AddKeyword { collection: CollectionId, keyword: Arc<str> },
    /// An item appears, or, when it has a name that is taken by an item, replaces that item and keeps its uid and `saved`. Stamped: uid,
    /// modseq, saved and, when the request carries a body, `item.content` and `item.hash`; `head`. In a mailbox its name is dropped.
    Put { collection: CollectionId, item: Item, head: Head },
    /// Flags change. Stamped: `uids` is cut down to those that exist and really change; `modseq`, `head`.
    Flag { collection: CollectionId, uids: UidSet, edit: FlagEdit, modseq: ModSeq, head: Head },
    /// Items go, leaving tombstones. Stamped: `uids` is cut down to those that exist; `modseq`, `head`.
    Expunge { collection: CollectionId, uids: UidSet, modseq: ModSeq, head: Head },
    /// An account appears. Its id comes from [`crate::Engine::new_id`]; its address must be free.
    CreateAccount(Account),
    /// An account goes with its app passwords. Its collections must be gone already ([`crate::CommitError::NotEmpty`]). Moves the rights
    /// generation.
    RemoveAccount(AccountId),
    /// Another main password (PHC string).
    SetPassword { account: AccountId, password_hash: Option<String> },
    /// Another second factor; `None` removes it.
    SetTotp { account: AccountId, sealed_secret: Option<Vec<u8>> },
    /// A TOTP time step was used. Refused with [`crate::CommitError::Replayed`] unless it is later than the last one.
    UseTotpStep { account: AccountId, step: u64 },
    /// Another profile, or remote access granted or withdrawn. Moves the rights generation.
    SetProfile { account: AccountId, profile: String, remote_access: bool },
    /// LSUB's list gains or loses a name.
    Subscribe { account: AccountId, mailbox: String, subscribed: bool },
    /// An app password is made. Its id comes from [`crate::Engine::new_id`].
    Mint(AppPassword),
    /// An app password ends. Moves the rights generation.
    Revoke(AppPasswordId),
    /// An app password was used.
    Used { id: AppPasswordId, last_use: LastUse },
    /// A second factor was given for an app password from a network. Moves the rights generation: sessions become stronger by it.
    Confirm(Confirmation),
    /// A line for the audit trail, from before lines were linked. Nobody asks for it any more.
    Audit(AuditEntry),
    /// What a tree may hold is set, or (`None`) no longer limited. What is there already may be more. Goes with its account or collection.
    SetQuota { root: QuotaRoot, limit: Option<QuotaLimit> },
    /// What an app password was narrowed to, in the batch that mints it; or what its client calls itself.
    Narrow { id: AppPasswordId, to: Narrowing },
    /// An app password has to be confirmed anew from a network. Moves the rights generation.
    Unconfirm { app_password: AppPasswordId, network: String },
    /// All second factors of an account but TOTP, as they are from now on. See [`Expect::Factors`].
    SetFactors { account: AccountId, factors: Factors },
    /// A group appears or is replaced. Moves the rights generation.
    SetGroup(Group),
    /// A group goes. Moves the rights generation.
    RemoveGroup(GroupId),
    /// A line for the audit trail. `number` and `link` are stamped.
    Log(AuditLine),
    /// Annotations are set or (`None`) removed, by name. No counter of the mailbox moves: its messages are as they were. Go with their
    /// collection and with their account.
    Annotate { of: Annotated, entries: Vec<AnnotationEdit> },
    /// What an app password is proven by over SCRAM: in the batch that mints it, or later for one that was minted without.
    KeepScram { id: AppPasswordId, keys: ScramKeys },
    /// An address that is no account's appears or is replaced. Its id comes from [`crate::Engine::new_id`]; the gate sees to it that its
    /// key is nobody else's.
    SetAlias(Alias),
    /// Such an address goes.
    RemoveAlias(AliasId),
    /// Something is locked. Its id comes from [`crate::Engine::new_id`]. The uid of an item is stamped, by its name: the batch may put it.
    /// Refused with [`crate::CommitError::Conflict`] where another lock does not let it be.
    Lock(Lock),
    /// A lock that stands binds until another moment.
    RefreshLock { id: LockId, expires: UnixTime },
    /// A lock goes. Those of what is removed or moved away go with it, without this.
    Unlock(LockId),
}

impl Change {
    /// The collection whose items or counters it alters, if one.
    pub fn collection(&self) -> Option<CollectionId> {
        match self {
            Self::CreateCollection { collection, .. } => Some(collection.id),
            Self::RenameCollection { collection, .. }
            | Self::RemoveCollection { collection, .. }
            | Self::SetAcl { collection, .. }
            | Self::SetProperty { collection, .. }
            | Self::SetSpecialUse { collection, .. }
            | Self::AddKeyword { collection, .. }
            | Self::Put { collection, .. }
            | Self::Flag { collection, .. }
            | Self::Expunge { collection, .. } => Some(*collection),
            _ => None,
        }
    }

    /// It alters who may do what: grants given before it are decided again.
    pub fn moves_rights(&self) -> bool {
        matches!(
            self,
            Self::SetAcl { .. }
                | Self::RemoveAccount(_)
                | Self::SetProfile { .. }
                | Self::Revoke(_)
                | Self::RenameCollection { .. }
                | Self::RemoveCollection { .. }
                | Self::Confirm(_)
                | Self::Unconfirm { .. }
                | Self::SetGroup(_)
                | Self::RemoveGroup(_)
        )
    }
}

/// What must hold at the moment of the commit, checked in the same step that applies it.
#[derive(Debug, Clone, PartialEq)]
// As for `Change`: the sentences say what the fields are.
#[allow(missing_docs)]
pub enum Expect {
    /// No rights have changed since they were looked at ([`crate::Engine::generation`]).
    Generation(u64),
    /// No item or child collection of that name.
    Absent { collection: CollectionId, name: Name },
    /// An item of that name, whatever it is.
    Present { collection: CollectionId, name: Name },
    /// An item of that name with just this content.
    Content { collection: CollectionId, name: Name, hash: Hash },
    /// The item is there and has not changed since it had this modseq.
    Unchanged { collection: CollectionId, uid: Uid, modseq: ModSeq },
    /// None of these items that are there has changed since the collection had this modseq.
    UnchangedSince { collection: CollectionId, uids: UidSet, modseq: ModSeq },
    /// Nothing at all has changed in the collection since it had this modseq: nothing came, changed or went.
    Still { collection: CollectionId, modseq: ModSeq },
    /// The account's second factors are those of this version.
    Factors { account: AccountId, version: u64 },
    /// The lock stands.
    Locked(LockId),
    /// What changes a collection's own properties may be done, as far as locks go: for changes that are not held against them by
    /// themselves, such as of its ACL.
    Unlocked(CollectionId),
    /// The collection is there, with no item and no collection in it.
    Empty { collection: CollectionId },
}

/// Changes that happen together or not at all. What is expected is judged on the state before the batch; each change sees those before
/// it in the batch. Cloning shares the bodies, so that a batch refused as stale can be asked for again.
#[derive(Debug, Default, Clone)]
pub struct Batch {
    pub(crate) holding: Holding,
    pub(crate) expects: Vec<Expect>,
    pub(crate) changes: Vec<(Change, Option<usize>)>,
    pub(crate) bodies: Vec<Arc<Body>>,
}

/// The locks that do not bind a batch.
#[derive(Debug, Clone)]
pub(crate) enum Holding {
    /// Those that whoever asks has.
    These(Vec<LockId>),
    /// Any.
    All,
}

impl Default for Holding {
    fn default() -> Self {
        Self::These(Vec::new())
    }
}

/// Names a body that a batch holds, so that several items can share it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyIndex(usize);

impl Batch {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Refuse the whole batch unless this holds.
    pub fn expect(&mut self, expect: Expect) -> &mut Self {
        self.expects.push(expect);
        self
    }

    /// Who asks has these locks: what they cover can be changed. Each has to stand.
    pub fn hold(&mut self, locks: &[LockId]) -> &mut Self {
        self.holding = Holding::These(locks.to_vec());
        self.expects.extend(locks.iter().map(|id| Expect::Locked(*id)));
        self
    }

    /// No lock binds this batch: for what must not be kept from happening, as the removal of an account.
    pub fn over_locks(&mut self) -> &mut Self {
        self.holding = Holding::All;
        self
    }

    /// Add a change without a new body.
    pub fn push(&mut self, change: Change) -> &mut Self {
        self.changes.push((change, None));
        self
    }

    /// Hold a body, once, for any number of [`Batch::put`]s.
    pub fn body(&mut self, body: Body) -> BodyIndex {
        self.bodies.push(Arc::new(body));
        BodyIndex(self.bodies.len() - 1)
    }

    /// Add an item whose content is `body`.
    pub fn put(&mut self, collection: CollectionId, item: Item, body: BodyIndex) -> &mut Self {
        self.changes.push((Change::Put { collection, item, head: Head::default() }, Some(body.0)));
        self
    }

    /// Nothing to do?
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

/// What a commit made of a batch: the changes as stamped, in the order in which they were asked for.
#[derive(Debug, Clone)]
pub struct Receipt {
    /// Stamped changes: uids, modseqs and heads are those that are on disk.
    pub changes: Arc<[Change]>,
}
