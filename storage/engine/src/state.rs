//! What everybody sees: accounts, collections with their heads, the views that are loaded, and what the index has not got yet.
//!
//! Changed by the committer after a sync, and by recovery; read by everyone under a short lock. [`State::apply`] is the one meaning
//! of a [`Change`]: it takes stamped changes only and needs nothing but what is here.

use crate::annotations::Kept;
use crate::change::Change;
use crate::companion::Companion;
use crate::journal::Position;
use crate::locks::Locks;
use crate::quota::Quotas;
use crate::trail::Trail;
use crate::view::{View, ViewBuilder};
use octroi_model::{
    Account, AccountId, Alias, AliasId, Annotated, Annotations, AppPassword, AppPasswordId, AuditLine, AuditVia, Collection, CollectionId,
    Confirmation, Factors, Group, GroupId, Head, Lock, LockId, ModSeq, Name, Narrowing, QuotaLimit, QuotaRoot, ScramKeys, Tombstone,
    TotpState,
};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// About what an item takes in memory; see [`crate::Options::view_items_max`].
const ITEM_BYTES: u64 = 250;

/// The published state.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) accounts: HashMap<AccountId, Arc<Account>>,
    /// By [`octroi_model::Address::key`].
    pub(crate) account_keys: BTreeMap<String, AccountId>,
    pub(crate) app_passwords: HashMap<AppPasswordId, Arc<AppPassword>>,
    pub(crate) public_ids: HashMap<String, AppPasswordId>,
    pub(crate) confirmations: HashMap<AppPasswordId, HashMap<String, Confirmation>>,
    pub(crate) narrowings: HashMap<AppPasswordId, Arc<Narrowing>>,
    /// Of each account by visible id, so that a log-in finds all of one account's in one step, however many they are.
    pub(crate) scram: HashMap<AccountId, Arc<BTreeMap<String, Arc<ScramKeys>>>>,
    pub(crate) factors: HashMap<AccountId, Arc<Factors>>,
    pub(crate) groups: BTreeMap<GroupId, Arc<Group>>,
    pub(crate) aliases: BTreeMap<AliasId, Arc<Alias>>,
    /// By [`octroi_model::AliasName::key`].
    pub(crate) alias_keys: HashMap<String, AliasId>,
    pub(crate) locks: Locks,
    pub(crate) trail: Trail,
    pub(crate) collections: HashMap<CollectionId, Arc<Collection>>,
    /// Those that have an ACL of their own: there are few, and every tree that somebody sees begins with them.
    pub(crate) with_acl: BTreeSet<CollectionId>,
    pub(crate) children: HashMap<CollectionId, BTreeMap<Name, CollectionId>>,
    pub(crate) homes: HashMap<AccountId, BTreeMap<Name, CollectionId>>,
    pub(crate) quotas: Quotas,
    pub(crate) annotations: Kept,
    pub(crate) views: HashMap<CollectionId, Loaded>,
    /// Items of all views in memory.
    view_items: u64,
    /// Bytes of what is kept beside views.
    companion_bytes: Arc<AtomicU64>,
    /// Committed and not known to be in the index, oldest first; in front of that what a load under way may still need.
    backlog: VecDeque<Entry>,
    /// How many of the backlog are in the index.
    written: usize,
    /// Of those that are not.
    pub(crate) backlog_changes: u64,
    pub(crate) backlog_bytes: u64,
    /// What the index has at least.
    pub(crate) projected: Position,
    /// The backlog goes on from here.
    covered: Position,
    /// Where the index was when each load under way began.
    loads: BTreeMap<u64, Position>,
    clock: AtomicU64,
}

/// A view in memory.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) view: Arc<View>,
    /// When it was last asked for, by [`State`]'s clock.
    pub(crate) used: AtomicU64,
    /// Commits under way that need it.
    pub(crate) pins: AtomicUsize,
}

/// [`Loaded::used`] of a view that nobody has asked for yet; the clock starts behind it.
const UNSEEN: u64 = 0;
/// Items of a view that is kept up although nobody has asked for it: an import of a large mailbox needs no more memory than one of a small.
const UNSEEN_ITEMS_MAX: u64 = 50_000;

impl Loaded {
    fn is_unseen(&self) -> bool {
        self.used.load(Ordering::Relaxed) == UNSEEN
    }
}

/// A committed batch.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// Where its frame ends.
    pub(crate) end: Position,
    pub(crate) changes: Arc<[Change]>,
    /// Records as they are after it.
    pub(crate) sides: Arc<[Side]>,
    /// About how much memory it takes.
    pub(crate) bytes: u64,
}

/// What a change made of records that it does not carry itself.
#[derive(Debug, Clone)]
pub(crate) enum Side {
    Collection(Arc<Collection>),
    CollectionGone(CollectionId),
    Head(CollectionId, Head),
    Tombstone(CollectionId, Tombstone),
    Account(Arc<Account>),
    AccountGone(AccountId),
    AppPassword(Arc<AppPassword>),
    AppPasswordGone(AppPasswordId),
    Quota(QuotaRoot, Option<QuotaLimit>),
    /// A record of its own kind beside an account or an app password, or a group; `None`: gone.
    Record(Record),
    /// `None`: there are none.
    Annotations(Annotated, Option<Arc<Annotations>>),
    Line(Arc<AuditLine>),
}

/// What is kept as one record under a number.
#[derive(Debug, Clone)]
pub(crate) enum Record {
    Narrowing(AppPasswordId, Option<Arc<Narrowing>>),
    Scram(AppPasswordId, Option<Arc<ScramKeys>>),
    Factors(AccountId, Option<Arc<Factors>>),
    Group(GroupId, Option<Arc<Group>>),
    Alias(AliasId, Option<Arc<Alias>>),
    Lock(LockId, Option<Arc<Lock>>),
}

/// What came of applying changes.
#[derive(Debug, Default)]
pub(crate) struct Applied {
    pub(crate) sides: Vec<Side>,
    /// Collections whose modseq moved.
    pub(crate) touched: Vec<(CollectionId, ModSeq)>,
    pub(crate) gone: Vec<CollectionId>,
}

impl State {
    /// Apply one stamped change.
    pub(crate) fn apply(&mut self, change: &Change, applied: &mut Applied) {
        match change {
            Change::CreateCollection { .. } | Change::RenameCollection { .. } | Change::RemoveCollection { .. } => {
                self.apply_tree(change, applied);
            }
            Change::SetAcl { collection, acl } => {
                self.alter(*collection, applied, |c| c.acl.clone_from(acl));
                self.with_acl.remove(collection);
                self.with_acl.extend(acl.iter().filter(|_| self.collections.contains_key(collection)).map(|_| *collection));
            }
            Change::SetSpecialUse { collection, special_use } => self.alter(*collection, applied, |c| c.special_use = *special_use),
            Change::SetProperty { collection, name, value, head } => {
                self.alter(*collection, applied, |c| {
                    c.properties.retain(|(n, _)| n != name);
                    c.properties.extend(value.iter().map(|value| (name.clone(), value.clone())));
                });
                self.move_head(*collection, *head, applied);
            }
            Change::AddKeyword { collection, keyword } => {
                if keyword_index(&self.collections, *collection, keyword).is_none() {
                    self.alter(*collection, applied, |c| c.keywords.push(keyword.clone()));
                    if let Some(view) = self.view_mut(*collection) {
                        Arc::make_mut(&mut view.keywords).push(keyword.clone());
                    }
                }
            }
            Change::Put { collection, head, .. } | Change::Flag { collection, head, .. } | Change::Expunge { collection, head, .. } => {
                self.set_head(*collection, *head, applied);
                if let Change::Expunge { uids, .. } = change {
                    self.unlock_items(*collection, uids, applied);
                }
                if let Some(view) = self.view_mut(*collection) {
                    let before = view.counted();
                    apply_items(view, change);
                    let after = view.counted();
                    self.view_items = (self.view_items + after).saturating_sub(before);
                    if after > UNSEEN_ITEMS_MAX && self.views.get(collection).is_some_and(Loaded::is_unseen) {
                        self.remove_view(*collection);
                    }
                }
            }
            Change::Confirm(confirmation) => {
                let of = self.confirmations.entry(confirmation.app_password).or_default();
                of.insert(confirmation.network.clone(), confirmation.clone());
            }
            Change::Unconfirm { app_password, network } => {
                self.confirmations.get_mut(app_password).and_then(|of| of.remove(network));
            }
            Change::Audit(entry) => {
                let line = self.trail.next(entry, &AuditVia::default());
                self.log(line, applied);
            }
            Change::Log(line) => self.log(line.clone(), applied),
            Change::SetQuota { root, limit } => self.set_quota(*root, *limit, applied),
            Change::Annotate { of, entries } => self.annotate(*of, entries, applied),
            _ => self.apply_account(change, applied),
        }
    }

    fn apply_tree(&mut self, change: &Change, applied: &mut Applied) {
        match change {
            Change::CreateCollection { collection, parent_head } => {
                self.insert_collection(Arc::new(collection.clone()));
                self.cover(vec![collection.id]);
                // Its view is known, and kept up from here on: nothing need be read when it is first opened. (One that a repair makes anew
                // has items already.)
                if collection.head.items == 0 {
                    self.insert_view(ViewBuilder::new(collection).finish(Vec::new(), ModSeq(0)));
                }
                if let (Some(parent), Some(head)) = (collection.parent, parent_head) {
                    self.move_head(parent, *head, applied);
                }
                applied.sides.push(Side::Collection(Arc::new(collection.clone())));
                applied.touched.push((collection.id, collection.head.modseq));
            }
            Change::RenameCollection { collection, parent, name, old_parent_head, new_parent_head } => {
                let Some(old) = self.collections.get(collection).cloned() else { return };
                self.unlock_tree(*collection, applied);
                if let Some(old_parent) = old.parent {
                    self.move_head(old_parent, *old_parent_head, applied);
                    self.bury(old_parent, &old.name, old_parent_head.modseq, applied);
                }
                self.move_head(*parent, *new_parent_head, applied);
                self.remove_collection(*collection);
                let bound = new_parent_head.modseq;
                let new = Arc::new(Collection { parent: Some(*parent), name: name.clone(), bound, ..(*old).clone() });
                self.insert_collection(new.clone());
                self.cover(vec![*collection]);
                applied.sides.push(Side::Collection(new));
            }
            Change::RemoveCollection { collection, parent_head } => {
                let Some(old) = self.remove_collection(*collection) else { return };
                self.uncover(&old, applied);
                self.unlock_at(*collection, applied);
                self.forget_annotations_at(*collection, old.owner, applied);
                if let (Some(parent), Some(head)) = (old.parent, parent_head) {
                    self.move_head(parent, *head, applied);
                    self.bury(parent, &old.name, head.modseq, applied);
                }
                self.remove_view(*collection);
                self.children.remove(collection);
                applied.sides.push(Side::CollectionGone(*collection));
                applied.gone.push(*collection);
            }
            _ => {}
        }
    }

    fn apply_account(&mut self, change: &Change, applied: &mut Applied) {
        match change {
            Change::CreateAccount(account) => {
                let account = Arc::new(account.clone());
                self.insert_account(account.clone());
                applied.sides.push(Side::Account(account));
            }
            Change::RemoveAccount(id) => {
                let Some(account) = self.accounts.remove(id) else { return };
                self.forget_annotations_of(*id, applied);
                self.unlock_of(*id, applied);
                self.set_quota(QuotaRoot::Account(*id), None, applied);
                self.account_keys.remove(&account.address.key());
                self.homes.remove(id);
                let theirs: Vec<_> = self.app_passwords.values().filter(|p| p.account == *id).map(|p| p.id).collect();
                for app_password in theirs {
                    self.remove_app_password(app_password, applied);
                }
                if self.factors.remove(id).is_some() {
                    applied.sides.push(Side::Record(Record::Factors(*id, None)));
                }
                applied.sides.push(Side::AccountGone(*id));
            }
            Change::SetPassword { account, password_hash } => {
                self.alter_account(*account, applied, |a| a.password_hash.clone_from(password_hash));
            }
            Change::SetTotp { account, sealed_secret } => self.alter_account(*account, applied, |a| {
                a.totp = sealed_secret.clone().map(|sealed_secret| TotpState { sealed_secret, last_step: 0 });
            }),
            Change::UseTotpStep { account, step } => self.alter_account(*account, applied, |a| {
                if let Some(totp) = &mut a.totp {
                    totp.last_step = *step;
                }
            }),
            Change::SetProfile { account, profile, remote_access } => self.alter_account(*account, applied, |a| {
                a.profile.clone_from(profile);
                a.remote_access = *remote_access;
            }),
            Change::Subscribe { account, mailbox, subscribed } => self.alter_account(*account, applied, |a| {
                a.subscriptions.retain(|name| name != mailbox);
                a.subscriptions.extend(subscribed.then(|| mailbox.clone()));
            }),
            Change::Mint(app_password) => {
                let app_password = Arc::new(app_password.clone());
                self.insert_app_password(app_password.clone());
                applied.sides.push(Side::AppPassword(app_password));
            }
            Change::Revoke(id) => self.remove_app_password(*id, applied),
            Change::Used { id, last_use } => {
                if let Some(app_password) = self.app_passwords.get_mut(id) {
                    Arc::make_mut(app_password).last_used = Some(last_use.clone());
                    applied.sides.push(Side::AppPassword(app_password.clone()));
                }
            }
            _ => self.apply_record(change, applied),
        }
    }

    /// Records beside accounts and app passwords, and groups.
    fn apply_record(&mut self, change: &Change, applied: &mut Applied) {
        match change {
            Change::Narrow { id, to } => {
                let to = Arc::new(to.clone());
                self.narrowings.insert(*id, to.clone());
                applied.sides.push(Side::Record(Record::Narrowing(*id, Some(to))));
            }
            Change::KeepScram { id, keys } => {
                let keys = Arc::new(keys.clone());
                self.insert_scram(*id, keys.clone());
                applied.sides.push(Side::Record(Record::Scram(*id, Some(keys))));
            }
            Change::SetFactors { account, factors } => {
                let factors = Arc::new(factors.clone());
                self.factors.insert(*account, factors.clone());
                applied.sides.push(Side::Record(Record::Factors(*account, Some(factors))));
            }
            Change::SetGroup(group) => {
                let group = Arc::new(group.clone());
                self.groups.insert(group.id, group.clone());
                applied.sides.push(Side::Record(Record::Group(group.id, Some(group))));
            }
            Change::RemoveGroup(id) => {
                self.groups.remove(id);
                applied.sides.push(Side::Record(Record::Group(*id, None)));
            }
            Change::SetAlias(alias) => {
                let alias = Arc::new(alias.clone());
                self.insert_alias(alias.clone());
                applied.sides.push(Side::Record(Record::Alias(alias.id, Some(alias))));
            }
            Change::RemoveAlias(id) => {
                self.remove_alias(*id);
                applied.sides.push(Side::Record(Record::Alias(*id, None)));
            }
            Change::Lock(_) | Change::RefreshLock { .. } | Change::Unlock(_) => self.apply_lock(change, applied),
            _ => {}
        }
    }

    /// Take an alias in, in place of what it was before.
    pub(crate) fn insert_alias(&mut self, alias: Arc<Alias>) {
        self.remove_alias(alias.id);
        self.alias_keys.insert(alias.name.key(), alias.id);
        self.aliases.insert(alias.id, alias);
    }

    fn remove_alias(&mut self, id: AliasId) {
        if let Some(old) = self.aliases.remove(&id) {
            let key = old.name.key();
            // Where changes are lost, another one may stand under its key.
            if self.alias_keys.get(&key) == Some(&id) {
                self.alias_keys.remove(&key);
            }
        }
    }

    /// Take a collection in under its parent or as a home.
    pub(crate) fn insert_collection(&mut self, collection: Arc<Collection>) {
        let siblings = match collection.parent {
            Some(parent) => self.children.entry(parent).or_default(),
            None => self.homes.entry(collection.owner).or_default(),
        };
        siblings.insert(collection.name.clone(), collection.id);
        if collection.acl.is_some() {
            self.with_acl.insert(collection.id);
        }
        self.collections.insert(collection.id, collection);
    }

    /// Take an account in.
    pub(crate) fn insert_account(&mut self, account: Arc<Account>) {
        self.account_keys.insert(account.address.key(), account.id);
        self.accounts.insert(account.id, account);
    }

    /// Take an app password in.
    pub(crate) fn insert_app_password(&mut self, app_password: Arc<AppPassword>) {
        self.public_ids.insert(app_password.public_id.clone(), app_password.id);
        self.app_passwords.insert(app_password.id, app_password);
    }

    /// Add what was committed to what the index still has to get.
    pub(crate) fn remember(&mut self, entry: Entry) {
        self.backlog_changes += entry.changes.len() as u64;
        self.backlog_bytes += entry.bytes;
        self.backlog.push_back(entry);
    }

    /// What the index has not got, oldest first.
    pub(crate) fn unwritten(&self) -> impl Iterator<Item = &Entry> {
        self.backlog.range(self.written..)
    }

    /// The index has got the next `entries` of the backlog.
    pub(crate) fn forget(&mut self, entries: usize) {
        for entry in self.backlog.range(self.written..self.written + entries) {
            self.backlog_changes -= entry.changes.len() as u64;
            self.backlog_bytes -= entry.bytes;
            self.projected = entry.end;
        }
        self.written += entries;
        self.trim();
    }

    /// The index has reached this position, as it says itself.
    pub(crate) fn set_projected(&mut self, position: Position) {
        (self.projected, self.covered) = (position, position);
    }

    /// A load begins: until it ends, nothing that it may need leaves the backlog. Otherwise a large view could never be loaded while others
    /// write.
    pub(crate) fn begin_load(&mut self) -> u64 {
        let load = self.clock.fetch_add(1, Ordering::Relaxed);
        self.loads.insert(load, self.projected);
        load
    }

    /// A load has ended.
    pub(crate) fn end_load(&mut self, load: u64) {
        self.loads.remove(&load);
        self.trim();
    }

    fn trim(&mut self) {
        let needed = self.loads.values().min().copied().unwrap_or(self.projected);
        while self.written > 0 && self.backlog.front().is_some_and(|entry| entry.end <= needed) {
            self.covered = self.backlog.pop_front().map_or(self.covered, |entry| entry.end);
            self.written -= 1;
        }
    }

    /// Where the last committed batch ends.
    pub(crate) fn end(&self) -> Position {
        self.backlog.back().map_or(self.projected, |entry| entry.end)
    }

    /// A loaded view, marked as used.
    pub(crate) fn look(&self, collection: CollectionId) -> Option<&Loaded> {
        let loaded = self.views.get(&collection)?;
        loaded.used.store(self.clock.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
        Some(loaded)
    }

    /// Publish a view that was read from the index at `position`, brought up to now. `None` if the backlog no longer goes back that far.
    pub(crate) fn adopt(&mut self, mut view: View, position: Position, items_max: u64) -> Option<&Loaded> {
        if position < self.covered {
            return None;
        }
        let id = view.collection;
        for entry in self.backlog.iter().filter(|entry| entry.end > position) {
            catch_up(&mut view, entry);
        }
        if let Some(collection) = self.collections.get(&id) {
            view.head = collection.head;
            view.keywords = Arc::new(collection.keywords.clone());
        }
        // Child collections leave tombstones beside those of the items: bring both into one order.
        Arc::make_mut(&mut view.tombstones).sort_by_key(|tombstone| tombstone.modseq);
        view.prune_tombstones();
        self.evict(items_max.saturating_sub(view.counted()));
        self.insert_view(view);
        self.look(id)
    }

    /// What views and what is kept beside them take of the memory for views, in items.
    fn in_memory(&self) -> u64 {
        self.view_items + self.companion_bytes.load(Ordering::Relaxed) / ITEM_BYTES
    }

    fn insert_view(&mut self, mut view: View) {
        self.remove_view(view.collection);
        view.companion = Arc::new(Companion::counted_in(self.companion_bytes.clone()));
        self.view_items += view.counted();
        self.views.insert(view.collection, Loaded { view: Arc::new(view), used: AtomicU64::new(UNSEEN), pins: AtomicUsize::new(0) });
    }

    fn remove_view(&mut self, id: CollectionId) {
        let counted = self.views.remove(&id).map_or(0, |loaded| loaded.view.counted());
        self.view_items = self.view_items.saturating_sub(counted);
    }

    /// Drop all views that are in memory.
    #[cfg(test)]
    pub(crate) fn forget_views(&mut self) {
        self.views.clear();
        self.view_items = 0;
    }

    fn log(&mut self, line: AuditLine, applied: &mut Applied) {
        self.trail = Trail::at(&line);
        applied.sides.push(Side::Line(Arc::new(line)));
    }

    /// Audit lines committed after `position`, oldest first; `None` if the backlog no longer goes back that far.
    pub(crate) fn lines_after(&self, position: Position) -> Option<Vec<Arc<AuditLine>>> {
        if position < self.covered {
            return None;
        }
        let entries = self.backlog.iter().filter(|entry| entry.end > position);
        let lines = entries.flat_map(|entry| entry.sides.iter()).filter_map(|side| match side {
            Side::Line(line) => Some(line.clone()),
            _ => None,
        });
        Some(lines.collect())
    }

    /// Drop the longest unused views that nobody holds until the rest is small enough; then what is kept beside the views that are held.
    pub(crate) fn evict(&mut self, items_max: u64) {
        if self.in_memory() <= items_max {
            return;
        }
        // An eighth at once: looking at all views must not happen with every delivery.
        let items_max = items_max - items_max / 8;
        let mut idle: Vec<_> = self
            .views
            .iter()
            .filter(|(_, loaded)| loaded.pins.load(Ordering::Relaxed) == 0 && Arc::strong_count(&loaded.view) == 1)
            .map(|(id, loaded)| (loaded.used.load(Ordering::Relaxed), *id))
            .collect();
        idle.sort_unstable();
        for (_, id) in idle {
            if self.in_memory() <= items_max {
                return;
            }
            self.remove_view(id);
        }
        if self.in_memory() > items_max {
            self.views.values().for_each(|loaded| loaded.view.companion.clear());
        }
    }

    /// Now, by the clock that says when a view was last asked for.
    pub(crate) fn now(&self) -> u64 {
        self.clock.load(Ordering::Relaxed)
    }

    /// Take out the views that nobody holds nor has asked for since `since`, and drop what is kept unused beside the others. What comes
    /// back is dropped by the caller, who does not hold the lock any more then.
    pub(crate) fn rest(&mut self, since: u64) -> Vec<Arc<View>> {
        let is_idle = |loaded: &Loaded| {
            let used = loaded.used.load(Ordering::Relaxed);
            used <= since && loaded.pins.load(Ordering::Relaxed) == 0 && Arc::strong_count(&loaded.view) == 1
        };
        let idle: Vec<_> = self.views.extract_if(|_, loaded| is_idle(loaded)).map(|(_, loaded)| loaded.view).collect();
        self.views.shrink_to_fit();
        let counted: u64 = idle.iter().map(|view| view.counted()).sum();
        self.view_items = self.view_items.saturating_sub(counted);
        self.views.values().for_each(|loaded| loaded.view.companion.rest());
        idle
    }

    fn view_mut(&mut self, collection: CollectionId) -> Option<&mut View> {
        Some(Arc::make_mut(&mut self.views.get_mut(&collection)?.view))
    }

    fn alter(&mut self, id: CollectionId, applied: &mut Applied, with: impl FnOnce(&mut Collection)) {
        if let Some(collection) = self.collections.get_mut(&id) {
            with(Arc::make_mut(collection));
            applied.sides.push(Side::Collection(collection.clone()));
        }
    }

    fn alter_account(&mut self, id: AccountId, applied: &mut Applied, with: impl FnOnce(&mut Account)) {
        if let Some(account) = self.accounts.get_mut(&id) {
            with(Arc::make_mut(account));
            applied.sides.push(Side::Account(account.clone()));
        }
    }

    /// The head of a collection whose change does not say so to the index.
    fn move_head(&mut self, id: CollectionId, head: Head, applied: &mut Applied) {
        self.set_head(id, head, applied);
        if let Some(view) = self.view_mut(id) {
            view.head = head;
        }
        applied.sides.push(Side::Head(id, head));
    }

    fn set_head(&mut self, id: CollectionId, head: Head, applied: &mut Applied) {
        if let Some(collection) = self.collections.get_mut(&id) {
            if collection.head.modseq != head.modseq {
                applied.touched.push((id, head.modseq));
            }
            self.quotas.count(id, collection.head, head);
            Arc::make_mut(collection).head = head;
        }
    }

    fn bury(&mut self, parent: CollectionId, name: &Name, modseq: ModSeq, applied: &mut Applied) {
        let tombstone = Tombstone { uid: octroi_model::Uid(0), modseq, name: Some(name.clone()) };
        if let Some(view) = self.view_mut(parent) {
            view.bury(tombstone.clone());
        }
        applied.sides.push(Side::Tombstone(parent, tombstone));
    }

    fn remove_collection(&mut self, id: CollectionId) -> Option<Arc<Collection>> {
        let old = self.collections.remove(&id)?;
        self.with_acl.remove(&id);
        let siblings = match old.parent {
            Some(parent) => self.children.get_mut(&parent),
            None => self.homes.get_mut(&old.owner),
        };
        // Where changes are lost, another one may stand under its name.
        if let Some(siblings) = siblings
            && siblings.get(&old.name) == Some(&id)
        {
            siblings.remove(&old.name);
        }
        Some(old)
    }

    fn remove_app_password(&mut self, id: AppPasswordId, applied: &mut Applied) {
        if let Some(old) = self.app_passwords.remove(&id) {
            self.public_ids.remove(&old.public_id);
            self.confirmations.remove(&id);
            if self.narrowings.remove(&id).is_some() {
                applied.sides.push(Side::Record(Record::Narrowing(id, None)));
            }
            if let Some(of) = self.scram.get_mut(&old.account)
                && Arc::make_mut(of).remove(&old.public_id).is_some()
            {
                if of.is_empty() {
                    self.scram.remove(&old.account);
                }
                applied.sides.push(Side::Record(Record::Scram(id, None)));
            }
            applied.sides.push(Side::AppPasswordGone(id));
        }
    }

    /// The keys of an app password that is there.
    pub(crate) fn insert_scram(&mut self, id: AppPasswordId, keys: Arc<ScramKeys>) {
        if let Some(app_password) = self.app_passwords.get(&id) {
            let of = self.scram.entry(app_password.account).or_default();
            Arc::make_mut(of).insert(app_password.public_id.clone(), keys);
        }
    }
}

/// The place of a keyword in a collection's table. RFC 9051 section 2.3.2: keywords are case-insensitive.
fn keyword_index(collections: &HashMap<CollectionId, Arc<Collection>>, id: CollectionId, keyword: &str) -> Option<usize> {
    collections.get(&id)?.keywords.iter().position(|k| k.eq_ignore_ascii_case(keyword))
}

fn apply_items(view: &mut View, change: &Change) {
    match change {
        Change::Put { item, head, .. } => view.put(item, *head),
        Change::Flag { uids, edit, modseq, head, .. } => view.flag(uids, *edit, *modseq, *head),
        Change::Expunge { uids, modseq, head, .. } => view.expunge(uids, *modseq, *head),
        _ => {}
    }
}

/// Apply to a view what was committed after it was read. Heads and keywords are set by the caller, from the published collection.
fn catch_up(view: &mut View, entry: &Entry) {
    let id = view.collection;
    for change in entry.changes.iter().filter(|change| change.collection() == Some(id)) {
        apply_items(view, change);
    }
    for side in entry.sides.iter() {
        if let Side::Tombstone(collection, tombstone) = side
            && *collection == id
        {
            Arc::make_mut(&mut view.tombstones).push(tombstone.clone());
        }
    }
}
