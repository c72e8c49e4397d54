//! The state as it will be: the published state with the batches of the present group laid over it.
//!
//! Used by the committer to validate and stamp a batch against all that will be on disk before it. A batch that is refused leaves
//! nothing behind; nothing here is seen by anyone else.

use crate::annotations::AnnotationLayer;
use crate::interface::CommitError;
use crate::quota::QuotaLayer;
use crate::state::State;
use crate::trail::Trail;
use crate::view::View;
use octroi_model::{
    Account, AccountId, AppPassword, AppPasswordId, Collection, CollectionId, Factors, FlagEdit, Flags, Hash, Head, Item, Lock, LockId,
    ModSeq, Name, Uid, UidSet, UnixTime,
};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Why a batch was not stamped.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// It must not be committed.
    Refused(CommitError),
    /// It cannot be judged before this collection's view is in memory.
    NotLoaded(CollectionId),
}

impl From<CommitError> for Stop {
    fn from(error: CommitError) -> Self {
        Self::Refused(error)
    }
}

/// What differs from what lies below; `None` for what is gone.
#[derive(Debug, Default)]
pub(crate) struct Layer {
    pub(crate) collections: HashMap<CollectionId, Option<Arc<Collection>>>,
    pub(crate) heads: HashMap<CollectionId, Head>,
    pub(crate) children: HashMap<(CollectionId, Name), Option<CollectionId>>,
    pub(crate) homes: HashMap<(AccountId, Name), Option<CollectionId>>,
    /// Items that appear or are replaced.
    pub(crate) items: BTreeMap<(CollectionId, Uid), Box<Item>>,
    /// What happens to sets of items, in this order. Never laid out item by item: a STORE of a whole mailbox is one of these.
    pub(crate) edits: HashMap<CollectionId, Vec<Edit>>,
    pub(crate) names: HashMap<(CollectionId, Name), Option<Uid>>,
    pub(crate) accounts: HashMap<AccountId, Option<Arc<Account>>>,
    pub(crate) account_keys: HashMap<String, Option<AccountId>>,
    pub(crate) app_passwords: HashMap<AppPasswordId, Option<Arc<AppPassword>>>,
    pub(crate) public_ids: HashMap<String, Option<AppPasswordId>>,
    pub(crate) factors: HashMap<AccountId, Option<Arc<Factors>>>,
    pub(crate) locks: BTreeMap<LockId, Option<Arc<Lock>>>,
    /// The end of the audit trail, if it has moved.
    pub(crate) trail: Option<Trail>,
    pub(crate) generation_moves: u64,
    pub(crate) quotas: QuotaLayer,
    pub(crate) annotations: AnnotationLayer,
}

/// What becomes of a set of items.
#[derive(Debug)]
pub(crate) enum Edit {
    Flags(UidSet, FlagEdit, ModSeq),
    Gone(UidSet),
}

/// What is asked about an item.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    pub(crate) uid: Uid,
    pub(crate) modseq: ModSeq,
    pub(crate) flags: Flags,
    pub(crate) saved: UnixTime,
    pub(crate) name: Option<Name>,
    pub(crate) bytes: u64,
    pub(crate) hash: Hash,
}

impl Facts {
    fn of(item: &Item) -> Self {
        Self {
            uid: item.uid,
            modseq: item.modseq,
            flags: item.flags,
            saved: item.saved,
            name: item.name.clone(),
            bytes: item.counted(),
            hash: item.hash,
        }
    }
}

/// The published state with two layers: the accepted batches of the group, and the batch that is looked at.
#[derive(Debug)]
pub(crate) struct Draft<'a> {
    pub(crate) base: &'a State,
    pub(crate) group: Layer,
    pub(crate) batch: Layer,
}

/// The first layer that says something about `$key`, else the published answer.
macro_rules! layered {
    ($draft:ident . $map:ident [$key:expr], $base:expr) => {
        match $draft.batch.$map.get($key).or_else(|| $draft.group.$map.get($key)) {
            Some(answer) => answer.as_ref(),
            None => $base,
        }
    };
}

impl<'a> Draft<'a> {
    pub(crate) fn new(base: &'a State) -> Self {
        Self { base, group: Layer::default(), batch: Layer::default() }
    }

    /// The batch was accepted: what follows sees it.
    pub(crate) fn keep_batch(&mut self) {
        let Layer {
            collections,
            heads,
            children,
            homes,
            items,
            edits,
            names,
            accounts,
            account_keys,
            app_passwords,
            public_ids,
            factors,
            locks,
            trail,
            generation_moves,
            quotas,
            annotations,
        } = &mut self.batch;
        self.group.collections.extend(collections.drain());
        self.group.heads.extend(heads.drain());
        self.group.children.extend(children.drain());
        self.group.homes.extend(homes.drain());
        self.group.names.extend(names.drain());
        self.group.accounts.extend(accounts.drain());
        self.group.account_keys.extend(account_keys.drain());
        self.group.app_passwords.extend(app_passwords.drain());
        self.group.public_ids.extend(public_ids.drain());
        self.group.factors.extend(factors.drain());
        self.group.locks.append(locks);
        self.group.trail = trail.take().or(self.group.trail.take());
        self.group.generation_moves += std::mem::take(generation_moves);
        self.group.quotas.take_in(quotas);
        self.group.annotations.take_in(annotations);
        // A layer's own items have its edits already, so the order is: what is below, edits, items.
        for (id, later) in edits.drain() {
            for edit in &later {
                edit.apply_to(id, &mut self.group.items);
            }
            self.group.edits.entry(id).or_default().extend(later);
        }
        self.group.items.append(items);
    }

    /// The batch was refused: forget it.
    pub(crate) fn drop_batch(&mut self) {
        self.batch = Layer::default();
    }

    pub(crate) fn generation_moves(&self) -> u64 {
        self.group.generation_moves
    }

    pub(crate) fn collection(&self, id: CollectionId) -> Result<&Arc<Collection>, CommitError> {
        layered!(self.collections[&id], self.base.collections.get(&id)).ok_or(CommitError::Gone)
    }

    pub(crate) fn head(&self, id: CollectionId) -> Result<Head, CommitError> {
        let collection = self.collection(id)?;
        let head = self.batch.heads.get(&id).or_else(|| self.group.heads.get(&id));
        // A record in a layer has the head of when it was laid; heads that moved are beside it.
        Ok(head.copied().or_else(|| Some(self.base.collections.get(&id)?.head)).unwrap_or(collection.head))
    }

    pub(crate) fn child(&self, parent: CollectionId, name: &Name) -> Option<CollectionId> {
        layered!(self.children[&(parent, name.clone())], self.base.children.get(&parent).and_then(|names| names.get(name))).copied()
    }

    pub(crate) fn home(&self, owner: AccountId, name: &Name) -> Option<CollectionId> {
        layered!(self.homes[&(owner, name.clone())], self.base.homes.get(&owner).and_then(|names| names.get(name))).copied()
    }

    pub(crate) fn has_children(&self, parent: CollectionId) -> bool {
        let published = self.base.children.get(&parent).into_iter().flatten().map(|(name, _)| name);
        let drafted = [&self.group, &self.batch].into_iter().flat_map(|layer| layer.children.keys());
        published.chain(drafted.filter(|(of, _)| *of == parent).map(|(_, name)| name)).any(|name| self.child(parent, name).is_some())
    }

    /// Has this account a collection?
    pub(crate) fn owns_any(&self, owner: AccountId) -> bool {
        let drafted = [&self.group, &self.batch].into_iter().flat_map(|layer| layer.collections.keys());
        self.base.collections.keys().chain(drafted).any(|id| self.collection(*id).is_ok_and(|c| c.owner == owner))
    }

    pub(crate) fn account(&self, id: AccountId) -> Result<&Arc<Account>, CommitError> {
        layered!(self.accounts[&id], self.base.accounts.get(&id)).ok_or(CommitError::Gone)
    }

    pub(crate) fn account_by_key(&self, key: &str) -> Option<AccountId> {
        layered!(self.account_keys[key], self.base.account_keys.get(key)).copied()
    }

    pub(crate) fn app_password(&self, id: AppPasswordId) -> Result<&Arc<AppPassword>, CommitError> {
        layered!(self.app_passwords[&id], self.base.app_passwords.get(&id)).ok_or(CommitError::Gone)
    }

    pub(crate) fn app_password_by_public_id(&self, id: &str) -> Option<AppPasswordId> {
        layered!(self.public_ids[id], self.base.public_ids.get(id)).copied()
    }

    /// The app passwords of an account.
    pub(crate) fn app_passwords_of(&self, account: AccountId) -> Vec<Arc<AppPassword>> {
        let drafted = [&self.group, &self.batch].into_iter().flat_map(|layer| layer.app_passwords.keys());
        let mut ids: Vec<_> = self.base.app_passwords.keys().chain(drafted).copied().collect();
        ids.sort_unstable();
        ids.dedup();
        ids.into_iter().filter_map(|id| self.app_password(id).ok().filter(|p| p.account == account).cloned()).collect()
    }

    /// The version of an account's second factors.
    pub(crate) fn factors_version(&self, account: AccountId) -> u64 {
        layered!(self.factors[&account], self.base.factors.get(&account)).map_or(0, |factors| factors.version)
    }

    /// Where the audit trail ends.
    pub(crate) fn trail(&self) -> Trail {
        self.batch.trail.or(self.group.trail).unwrap_or(self.base.trail)
    }

    /// The published items; `None` when there are none.
    fn published(&self, id: CollectionId) -> Result<Option<&'a View>, Stop> {
        match self.base.collections.get(&id) {
            None => Ok(None),
            Some(collection) if collection.head.items == 0 => Ok(None),
            Some(_) => match self.base.look(id) {
                Some(loaded) => Ok(Some(&loaded.view)),
                None => Err(Stop::NotLoaded(id)),
            },
        }
    }

    /// The item of a name.
    pub(crate) fn item_named(&self, id: CollectionId, name: &Name) -> Result<Option<Facts>, Stop> {
        let key = (id, name.clone());
        let uid = match self.batch.names.get(&key).or_else(|| self.group.names.get(&key)) {
            Some(drafted) => *drafted,
            None => self.published(id)?.and_then(|view| view.by_name(name)).map(|item| item.uid),
        };
        match uid {
            Some(uid) => self.item(id, uid),
            None => Ok(None),
        }
    }

    /// The item of a uid.
    pub(crate) fn item(&self, id: CollectionId, uid: Uid) -> Result<Option<Facts>, Stop> {
        if let Some(item) = self.batch.items.get(&(id, uid)) {
            return Ok(Some(Facts::of(item)));
        }
        if let Some(item) = self.group.items.get(&(id, uid)) {
            return Ok(self.batch.edited(id, Facts::of(item)));
        }
        let published = self.published(id)?.and_then(|view| view.by_uid(uid)).map(Facts::of);
        Ok(published.and_then(|facts| self.group.edited(id, facts)).and_then(|facts| self.batch.edited(id, facts)))
    }

    /// All items with a uid in the set, ascending.
    pub(crate) fn items(&self, id: CollectionId, uids: &UidSet) -> Result<Vec<Facts>, Stop> {
        let mut found = Vec::new();
        if let Some(view) = self.published(id)? {
            for (low, high) in uids.ranges() {
                let from = view.lower_bound(low);
                let published = (from..view.len()).map_while(|at| view.at(at)).take_while(|item| item.uid <= high);
                found.extend(published.map(Facts::of));
            }
        }
        let mut drafted = Vec::new();
        for layer in [&self.group, &self.batch] {
            for (low, high) in uids.ranges().filter(|_| !layer.items.is_empty()) {
                drafted.extend(layer.items.range((id, low)..=(id, high)).map(|((_, uid), _)| *uid));
            }
        }
        if drafted.is_empty() {
            let edited = |facts| self.group.edited(id, facts).and_then(|facts| self.batch.edited(id, facts));
            return Ok(found.into_iter().filter_map(edited).collect());
        }
        let mut all: Vec<Uid> = found.into_iter().map(|facts| facts.uid).chain(drafted).collect();
        all.sort_unstable();
        all.dedup();
        all.into_iter().filter_map(|uid| self.item(id, uid).transpose()).collect()
    }

    /// An item appears, or takes the place of the one with its uid.
    pub(crate) fn lay_item(&mut self, id: CollectionId, item: Item) {
        self.batch.items.insert((id, item.uid), Box::new(item));
    }

    /// Something happens to items that are there.
    pub(crate) fn lay_edit(&mut self, id: CollectionId, edit: Edit) {
        edit.apply_to(id, &mut self.batch.items);
        self.batch.edits.entry(id).or_default().push(edit);
    }
}

impl Layer {
    /// What this layer makes of an item that lies below it.
    fn edited(&self, id: CollectionId, mut facts: Facts) -> Option<Facts> {
        for edit in self.edits.get(&id).into_iter().flatten() {
            match edit {
                Edit::Gone(uids) if uids.contains(facts.uid) => return None,
                Edit::Flags(uids, edit, modseq) if uids.contains(facts.uid) => {
                    facts.flags = edit.apply(facts.flags);
                    facts.modseq = *modseq;
                }
                _ => {}
            }
        }
        Some(facts)
    }
}

impl Edit {
    /// To the items of a layer itself.
    fn apply_to(&self, id: CollectionId, items: &mut BTreeMap<(CollectionId, Uid), Box<Item>>) {
        if items.is_empty() {
            return;
        }
        match self {
            Self::Gone(uids) => items.retain(|(of, uid), _| *of != id || !uids.contains(*uid)),
            Self::Flags(uids, edit, modseq) => {
                for (low, high) in uids.ranges() {
                    for (_, item) in items.range_mut((id, low)..=(id, high)) {
                        item.flags = edit.apply(item.flags);
                        item.modseq = *modseq;
                    }
                }
            }
        }
    }
}
