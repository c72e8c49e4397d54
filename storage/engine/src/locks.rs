//! Write locks (RFC 4918 sections 6 and 7): kept, and held against every batch.
//!
//! What always holds: the committer judges each change of a batch by the locks that stand at that moment, so no writer can slip by,
//! whatever it asked before; a batch is bound by all locks but those that it says it has. Where a lock is on an item it is known by the
//! item's uid, so it stays when the item's content is replaced and goes with the item. Nothing here looks at mailboxes: nobody locks them.

use crate::change::Change;
use crate::draft::{Draft, Stop};
use crate::interface::CommitError;
use crate::stamp::Stamper;
use crate::state::{Applied, Record, Side, State};
use octroi_model::{
    AccountId, Collection, CollectionId, CollectionKind, Lock, LockId, LockRoot, LockScope, LockToken, LockedItem, Uid, UidSet, UnixTime,
};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// An item that is to come has this uid in [`crate::Engine::locks_over`] and here.
const TO_COME: Uid = Uid(0);

/// All locks.
#[derive(Debug, Default)]
pub(crate) struct Locks {
    all: BTreeMap<LockId, Arc<Lock>>,
    /// By the collection of their root, in the order of their making.
    at: HashMap<CollectionId, Vec<LockId>>,
    tokens: HashMap<LockToken, LockId>,
}

impl Locks {
    /// By age.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Lock>> {
        self.all.values()
    }

    pub(crate) fn get(&self, id: LockId) -> Option<&Arc<Lock>> {
        self.all.get(&id)
    }

    pub(crate) fn by_token(&self, token: LockToken) -> Option<&Arc<Lock>> {
        self.all.get(self.tokens.get(&token)?)
    }

    /// On a collection or its items.
    pub(crate) fn at(&self, collection: CollectionId) -> impl Iterator<Item = &Arc<Lock>> {
        self.at.get(&collection).into_iter().flatten().filter_map(|id| self.all.get(id))
    }

    /// Take one in, in place of what it was before.
    pub(crate) fn insert(&mut self, lock: Arc<Lock>) {
        self.remove(lock.id);
        let at = self.at.entry(lock.root.collection).or_default();
        // By age, wherever it comes from.
        at.insert(at.partition_point(|id| *id < lock.id), lock.id);
        self.tokens.insert(lock.token, lock.id);
        self.all.insert(lock.id, lock);
    }

    fn remove(&mut self, id: LockId) -> Option<Arc<Lock>> {
        let old = self.all.remove(&id)?;
        self.tokens.remove(&old.token);
        if let Some(at) = self.at.get_mut(&old.root.collection) {
            at.retain(|known| *known != id);
            if at.is_empty() {
                self.at.remove(&old.root.collection);
            }
        }
        Some(old)
    }
}

impl State {
    /// One of the changes of a lock, as it was judged.
    pub(crate) fn apply_lock(&mut self, change: &Change, applied: &mut Applied) {
        match change {
            Change::Lock(lock) => self.keep_lock(Arc::new(lock.clone()), applied),
            Change::RefreshLock { id, expires } => {
                // Where changes are lost, it may not be there.
                let Some(lock) = self.locks.get(*id) else { return };
                self.keep_lock(Arc::new(Lock { expires: *expires, ..(**lock).clone() }), applied);
            }
            Change::Unlock(id) => self.drop_lock(*id, applied),
            _ => {}
        }
    }

    fn keep_lock(&mut self, lock: Arc<Lock>, applied: &mut Applied) {
        self.locks.insert(lock.clone());
        applied.sides.push(Side::Record(Record::Lock(lock.id, Some(lock))));
    }

    fn drop_lock(&mut self, id: LockId, applied: &mut Applied) {
        if self.locks.remove(id).is_some() {
            applied.sides.push(Side::Record(Record::Lock(id, None)));
        }
    }

    fn drop_locks(&mut self, gone: Vec<LockId>, applied: &mut Applied) {
        for id in gone {
            self.drop_lock(id, applied);
        }
    }

    /// These items are gone.
    pub(crate) fn unlock_items(&mut self, collection: CollectionId, uids: &UidSet, applied: &mut Applied) {
        let on_them = |lock: &&Arc<Lock>| lock.root.item.as_ref().is_some_and(|item| uids.contains(item.uid));
        let gone = self.locks.at(collection).filter(on_them).map(|lock| lock.id).collect();
        self.drop_locks(gone, applied);
    }

    /// A collection is gone.
    pub(crate) fn unlock_at(&mut self, collection: CollectionId, applied: &mut Applied) {
        let gone = self.locks.at(collection).map(|lock| lock.id).collect();
        self.drop_locks(gone, applied);
    }

    /// A tree gets another place: RFC 4918 section 7.6, locks do not move.
    pub(crate) fn unlock_tree(&mut self, top: CollectionId, applied: &mut Applied) {
        if self.locks.all.is_empty() {
            return;
        }
        let parent = |id: CollectionId| self.collections.get(&id).and_then(|collection| collection.parent);
        let inside: Vec<_> = self.locks.at.keys().copied().filter(|id| is_within(*id, top, parent)).collect();
        for id in inside {
            self.unlock_at(id, applied);
        }
    }

    /// An account is gone, and so are its locks on what is not its own.
    pub(crate) fn unlock_of(&mut self, account: AccountId, applied: &mut Applied) {
        let gone = self.locks.all().filter(|lock| lock.account == account).map(|lock| lock.id).collect();
        self.drop_locks(gone, applied);
    }

    /// See [`crate::Engine::locks_over`].
    pub(crate) fn locks_over(&self, collection: CollectionId, item: Option<Uid>, now: UnixTime) -> Vec<Arc<Lock>> {
        if self.locks.all.is_empty() {
            return Vec::new();
        }
        let mut found = Vec::new();
        let mut at = Some(collection);
        while let Some(id) = at {
            found.extend(self.locks.at(id).filter(|lock| lock.stands(now) && covers(lock, id, (collection, item))).cloned());
            at = self.collections.get(&id).and_then(|collection| collection.parent);
        }
        found
    }
}

/// Is anything in a collection of this kind ever locked? Neither mail nor what was removed or written over.
fn is_locked(kind: CollectionKind) -> bool {
    match kind {
        CollectionKind::Folder
        | CollectionKind::Calendar
        | CollectionKind::CalendarHome
        | CollectionKind::Addressbook
        | CollectionKind::AddressbookHome => true,
        CollectionKind::Mailbox
        | CollectionKind::MailHome
        | CollectionKind::Queue
        | CollectionKind::Scripts
        | CollectionKind::Trash
        | CollectionKind::Versions
        | CollectionKind::Uploads
        | CollectionKind::Inbox
        | CollectionKind::Outbox
        | CollectionKind::Attachments => false,
    }
}

/// Does a lock that is at `id`, which is `collection` or above it, cover the item or the collection itself?
fn covers(lock: &Lock, id: CollectionId, (collection, item): (CollectionId, Option<Uid>)) -> bool {
    match (&lock.root.item, item) {
        // On an item: on that one only.
        (Some(locked), item) => id == collection && item == Some(locked.uid),
        // On a collection: on itself, and if it is deep on all below.
        (None, None) if id == collection => true,
        (None, _) => lock.deep,
    }
}

/// Is `inside` the collection `top`, or below it?
fn is_within(inside: CollectionId, top: CollectionId, parent: impl Fn(CollectionId) -> Option<CollectionId>) -> bool {
    std::iter::successors(Some(inside), |id| parent(*id)).any(|id| id == top)
}

impl Draft<'_> {
    pub(crate) fn lock(&self, id: LockId) -> Option<&Arc<Lock>> {
        match self.batch.locks.get(&id).or_else(|| self.group.locks.get(&id)) {
            Some(drafted) => drafted.as_ref(),
            None => self.base.locks.get(id),
        }
    }

    fn has_locks(&self) -> bool {
        !(self.base.locks.all.is_empty() && self.group.locks.is_empty() && self.batch.locks.is_empty())
    }

    /// The locks on a collection or its items.
    fn locks_at(&self, collection: CollectionId) -> impl Iterator<Item = &Arc<Lock>> {
        let here = move |lock: &&Arc<Lock>| lock.root.collection == collection;
        let published = self.base.locks.at(collection).map(|lock| lock.id);
        let drafted = [&self.group, &self.batch].into_iter().flat_map(|layer| layer.locks.keys().copied());
        let mut ids: Vec<LockId> = published.chain(drafted).collect();
        ids.sort_unstable();
        ids.dedup();
        ids.into_iter().filter_map(|id| self.lock(id)).filter(here)
    }

    /// Every collection that a lock is at.
    fn locked_collections(&self) -> Vec<CollectionId> {
        let drafted = [&self.group, &self.batch].into_iter().flat_map(|layer| layer.locks.values().flatten());
        let mut ids: Vec<_> = self.base.locks.at.keys().copied().chain(drafted.map(|lock| lock.root.collection)).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// Those of them that are a collection or below it.
    fn locked_within(&self, top: CollectionId) -> Vec<CollectionId> {
        let parent = |id| self.collection(id).ok().and_then(|collection| collection.parent);
        let mut ids = self.locked_collections();
        ids.retain(|id| is_within(*id, top, parent));
        ids
    }

    /// The locks at a collection that `which` names are gone.
    pub(crate) fn unlock_at(&mut self, collection: CollectionId, which: impl Fn(&Lock) -> bool) {
        if self.has_locks() {
            let gone: Vec<LockId> = self.locks_at(collection).filter(|lock| which(lock)).map(|lock| lock.id).collect();
            self.batch.locks.extend(gone.into_iter().map(|id| (id, None)));
        }
    }

    /// A tree gets another place. Before it does.
    pub(crate) fn unlock_tree(&mut self, top: CollectionId) -> Result<(), CommitError> {
        self.collection(top)?;
        if self.has_locks() {
            self.locked_within(top).into_iter().for_each(|id| self.unlock_at(id, |_| true));
        }
        Ok(())
    }

    /// An account is gone.
    pub(crate) fn unlock_of(&mut self, account: AccountId) {
        if self.has_locks() {
            self.locked_collections().into_iter().for_each(|id| self.unlock_at(id, |lock| lock.account == account));
        }
    }
}

impl Stamper<'_> {
    /// Does a lock that is not held keep this change from being made?
    pub(crate) fn judge_locks(&self, change: &Change, held: &[LockId]) -> Result<(), Stop> {
        if !self.draft.has_locks() {
            return Ok(());
        }
        match change {
            // What is kept aside in a collection is no member of it.
            Change::CreateCollection { collection, .. } if is_locked(collection.kind) => match collection.parent {
                Some(parent) => self.judge_members(parent, held),
                None => Ok(()),
            },
            Change::RemoveCollection { collection, .. } | Change::RenameCollection { collection, .. }
                if self.locked_kind(*collection)?.is_none() =>
            {
                Ok(())
            }
            Change::RenameCollection { collection, parent, .. } => {
                self.judge_all_at(*collection, held)?;
                for id in self.draft.locked_within(*collection) {
                    self.judge_all_at(id, held)?;
                }
                if let Some(old_parent) = self.draft.collection(*collection)?.parent {
                    self.judge_members(old_parent, held)?;
                }
                self.judge_members(*parent, held)
            }
            Change::RemoveCollection { collection, .. } => {
                self.judge_all_at(*collection, held)?;
                self.draft.collection(*collection)?.parent.map_or(Ok(()), |parent| self.judge_members(parent, held))
            }
            Change::SetProperty { collection, .. } => self.judge_content((*collection, None), held),
            Change::Put { collection, item, .. } => {
                if self.locked_kind(*collection)?.is_none() {
                    return Ok(());
                }
                let there = item.name.as_ref().map(|name| self.item_named(*collection, name)).transpose()?.flatten();
                match there {
                    Some(there) => self.judge_content((*collection, Some(there.uid)), held),
                    None => self.judge_members(*collection, held),
                }
            }
            Change::Flag { collection, uids, .. } => self.judge_items(*collection, uids, held),
            Change::Expunge { collection, uids, .. } => {
                if self.locked_kind(*collection)?.is_none() || self.draft.items(*collection, uids)?.is_empty() {
                    return Ok(());
                }
                self.judge_items(*collection, uids, held)?;
                self.judge_members(*collection, held)
            }
            _ => Ok(()),
        }
    }

    /// The collection, if it is of a kind that is ever locked.
    fn locked_kind(&self, id: CollectionId) -> Result<Option<&Arc<Collection>>, CommitError> {
        let collection = self.draft.collection(id)?;
        Ok(is_locked(collection.kind).then_some(collection))
    }

    /// May something be put into a collection, or taken out? RFC 4918 section 7.4: any lock on it says no.
    fn judge_members(&self, id: CollectionId, held: &[LockId]) -> Result<(), Stop> {
        self.judge_content((id, None), held)
    }

    /// May an item's content and properties be changed, or a collection's?
    pub(crate) fn judge_content(&self, of: (CollectionId, Option<Uid>), held: &[LockId]) -> Result<(), Stop> {
        if !self.draft.has_locks() || self.locked_kind(of.0)?.is_none() {
            return Ok(());
        }
        judge(&self.standing_over(of)?, held)
    }

    fn judge_items(&self, id: CollectionId, uids: &UidSet, held: &[LockId]) -> Result<(), Stop> {
        if self.locked_kind(id)?.is_none() {
            return Ok(());
        }
        let locked = self.draft.locks_at(id).filter_map(|lock| lock.root.item.as_ref().map(|item| item.uid));
        let mut locked: Vec<_> = locked.filter(|uid| uids.contains(*uid)).collect();
        locked.sort_unstable();
        locked.dedup();
        // The rest are judged as one. Who shares a lock on an item itself may hold that, and none of those above it.
        if uids.len() > locked.len() as u64 {
            self.judge_content((id, Some(TO_COME)), held)?;
        }
        locked.into_iter().try_for_each(|uid| self.judge_content((id, Some(uid)), held))
    }

    /// May a collection go, with all its items?
    fn judge_all_at(&self, id: CollectionId, held: &[LockId]) -> Result<(), Stop> {
        self.judge_content((id, None), held)?;
        self.judge_content((id, Some(TO_COME)), held)?;
        let mut locked: Vec<_> = self.draft.locks_at(id).filter_map(|lock| lock.root.item.as_ref().map(|item| item.uid)).collect();
        locked.dedup();
        locked.into_iter().try_for_each(|uid| self.judge_content((id, Some(uid)), held))
    }

    /// The locks that cover one thing and stand.
    fn standing_over(&self, (id, item): (CollectionId, Option<Uid>)) -> Result<Vec<&Arc<Lock>>, CommitError> {
        let mut found = Vec::new();
        let mut at = Some(id);
        while let Some(here) = at {
            let over = self.draft.locks_at(here).filter(|lock| lock.stands(self.now) && covers(lock, here, (id, item)));
            found.extend(over);
            at = self.draft.collection(here)?.parent;
        }
        Ok(found)
    }

    /// Lock, keep locked, unlock.
    pub(crate) fn lock_change(&mut self, change: &Change) -> Result<Change, Stop> {
        match change {
            Change::Lock(asked) => {
                let lock = self.new_lock(asked)?;
                self.draft.batch.locks.insert(lock.id, Some(Arc::new(lock.clone())));
                Ok(Change::Lock(lock))
            }
            Change::RefreshLock { id, expires } => {
                let lock = self.draft.lock(*id).filter(|lock| lock.stands(self.now)).ok_or(CommitError::Gone)?;
                let lock = Lock { expires: *expires, ..(**lock).clone() };
                self.draft.batch.locks.insert(*id, Some(Arc::new(lock)));
                Ok(change.clone())
            }
            Change::Unlock(id) => {
                self.draft.lock(*id).ok_or(CommitError::Gone)?;
                self.draft.batch.locks.insert(*id, None);
                Ok(change.clone())
            }
            _ => Err(CommitError::Gone.into()),
        }
    }

    fn new_lock(&self, asked: &Lock) -> Result<Lock, Stop> {
        let id = asked.root.collection;
        self.draft.account(asked.account)?;
        if self.draft.lock(asked.id).is_some() || self.locked_kind(id)?.is_none() {
            return Err(CommitError::Exists.into());
        }
        let item = match &asked.root.item {
            None => None,
            Some(LockedItem { name, .. }) => {
                let there = self.item_named(id, name)?.ok_or(CommitError::Gone)?;
                Some(LockedItem { name: name.clone(), uid: there.uid })
            }
        };
        let of = item.as_ref().map(|item| item.uid);
        self.judge_conflicts(asked.scope, (id, of), asked.deep)?;
        Ok(Lock { root: LockRoot { collection: id, item }, ..asked.clone() })
    }

    /// RFC 4918 section 6.2: an exclusive lock lets no other be, and shared ones each other.
    fn judge_conflicts(&self, scope: LockScope, (id, item): (CollectionId, Option<Uid>), deep: bool) -> Result<(), Stop> {
        let bad = |lock: &&Arc<Lock>| lock.stands(self.now) && (scope == LockScope::Exclusive || lock.scope == LockScope::Exclusive);
        if let Some(lock) = self.standing_over((id, item))?.into_iter().find(bad) {
            return Err(CommitError::Conflict(lock.id).into());
        }
        if deep && item.is_none() {
            let mut within = self.draft.locked_within(id).into_iter().flat_map(|here| self.draft.locks_at(here));
            if let Some(lock) = within.find(bad) {
                return Err(CommitError::Conflict(lock.id).into());
            }
        }
        Ok(())
    }
}

/// Are all of the locks on one thing held? Of shared ones, any that is held will do: who shares it may write (RFC 4918 section 6.2).
fn judge(over: &[&Arc<Lock>], held: &[LockId]) -> Result<(), Stop> {
    let shares = over.iter().any(|lock| lock.scope == LockScope::Shared && held.contains(&lock.id));
    let bound = over.iter().find(|lock| !(held.contains(&lock.id) || (shares && lock.scope == LockScope::Shared)));
    bound.map_or(Ok(()), |lock| Err(CommitError::Locked(lock.id).into()))
}
