//! Annotations of mailboxes and of the server: what each account may keep of them, and what is kept.
//!
//! Held in memory for all, so they are limited in the commit: by entries and octets at one place, and by octets of one account over all.
//! Private ones count for their account, shared ones for the mailbox's owner.

use crate::draft::{Draft, Stop};
use crate::interface::CommitError;
use crate::state::{Applied, Side, State};
use octroi_model::{AccountId, Annotated, AnnotationEdit, Annotations, CollectionId};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Annotations at one place for one account, or shared.
pub const ANNOTATIONS_MAX: usize = 100;
/// Octets of one value.
pub const ANNOTATION_BYTES_MAX: usize = 8 * 1024;
/// Octets of one name.
pub const ANNOTATION_NAME_BYTES_MAX: usize = 255;
/// Octets of all names and values that count for one account, with [`ENTRY_BYTES`] for each.
pub const ANNOTATIONS_BYTES_MAX: u64 = 1 << 20;
/// About what an entry takes beside its octets.
const ENTRY_BYTES: usize = 64;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    sets: BTreeMap<Annotated, Arc<Annotations>>,
    /// By the account that they count for.
    bytes: HashMap<AccountId, u64>,
}

impl Kept {
    /// What is at a place; nothing if there is nothing.
    pub(crate) fn at(&self, of: Annotated) -> Arc<Annotations> {
        self.sets.get(&of).cloned().unwrap_or_default()
    }

    /// The places with a private annotation whose name begins so: at one collection, or all.
    pub(crate) fn named(&self, collection: Option<CollectionId>, beginning: &str) -> Vec<Annotated> {
        let at = |account| Annotated { collection, account };
        let ends = (at(Some(AccountId(0))), at(Some(AccountId(u64::MAX))));
        let range = if collection.is_some() { self.sets.range(ends.0..=ends.1) } else { self.sets.range(..) };
        let has = |set: &Annotations| set.keys().any(|name| name.starts_with(beginning));
        range.filter(|(of, set)| of.account.is_some() && has(set)).map(|(of, _)| *of).collect()
    }

    /// Replace what is at a place; an empty set takes it away.
    fn replace(&mut self, of: Annotated, payer: AccountId, set: Arc<Annotations>) {
        let bytes = self.bytes.entry(payer).or_default();
        *bytes = bytes.saturating_sub(self.sets.get(&of).map_or(0, |before| bytes_of(before))) + bytes_of(&set);
        if *bytes == 0 {
            self.bytes.remove(&payer);
        }
        if set.is_empty() {
            self.sets.remove(&of);
        } else {
            self.sets.insert(of, set);
        }
    }
}

impl State {
    /// What the index has.
    pub(crate) fn restore_annotations(&mut self, of: Annotated, set: Annotations) {
        if let Some(payer) = self.payer(of) {
            self.annotations.replace(of, payer, Arc::new(set));
        }
    }

    /// Set and take away, as it was judged.
    pub(crate) fn annotate(&mut self, of: Annotated, entries: &[AnnotationEdit], applied: &mut Applied) {
        // Where changes are lost, what is annotated may be too.
        let Some(payer) = self.payer(of) else { return };
        let set = Arc::new(with(&self.annotations.at(of), entries));
        self.annotations.replace(of, payer, set.clone());
        applied.sides.push(Side::Annotations(of, Some(set).filter(|set| !set.is_empty())));
    }

    /// A collection of this owner is gone, and all its annotations with it.
    pub(crate) fn forget_annotations_at(&mut self, id: CollectionId, owner: AccountId, applied: &mut Applied) {
        let at = |account| Annotated { collection: Some(id), account };
        let range = at(None)..=at(Some(AccountId(u64::MAX)));
        let gone: Vec<Annotated> = self.annotations.sets.range(range).map(|(of, _)| *of).collect();
        for of in gone {
            self.annotations.replace(of, of.account.unwrap_or(owner), Arc::default());
            applied.sides.push(Side::Annotations(of, None));
        }
    }

    /// An account is gone, and its private annotations wherever they are.
    pub(crate) fn forget_annotations_of(&mut self, account: AccountId, applied: &mut Applied) {
        let gone: Vec<Annotated> = self.annotations.sets.keys().filter(|of| of.account == Some(account)).copied().collect();
        for of in gone {
            self.annotations.replace(of, account, Arc::default());
            applied.sides.push(Side::Annotations(of, None));
        }
    }

    /// For whom they count; nobody if what they are about is not there.
    fn payer(&self, of: Annotated) -> Option<AccountId> {
        let owner = of.collection.map(|id| self.collections.get(&id).map(|collection| collection.owner));
        match (owner, of.account) {
            (Some(None), _) => None,
            (_, Some(account)) => self.accounts.contains_key(&account).then_some(account),
            (owner, None) => owner.flatten(),
        }
    }
}

/// What the batches of a layer make of annotations.
#[derive(Debug, Default)]
pub(crate) struct AnnotationLayer {
    sets: HashMap<Annotated, Arc<Annotations>>,
    bytes: HashMap<AccountId, u64>,
}

impl AnnotationLayer {
    /// What `batch` says goes before what is known here.
    pub(crate) fn take_in(&mut self, batch: &mut Self) {
        self.sets.extend(batch.sets.drain());
        self.bytes.extend(batch.bytes.drain());
    }
}

impl Draft<'_> {
    /// May these be set? What others of the group freed by removing a collection is not counted yet.
    pub(crate) fn annotate(&mut self, of: Annotated, entries: &[AnnotationEdit]) -> Result<(), Stop> {
        let owner = match of.collection {
            Some(id) => Some(self.collection(id)?.owner),
            None => None,
        };
        // What all share at the server is nobody's to set.
        let payer = of.account.or(owner).ok_or(CommitError::Gone)?;
        if of.account.is_some() {
            self.account(payer)?;
        }
        let known = |layer: &AnnotationLayer| layer.sets.get(&of).cloned();
        let before =
            known(&self.batch.annotations).or_else(|| known(&self.group.annotations)).unwrap_or_else(|| self.base.annotations.at(of));
        let after = with(&before, entries);
        let used = |layer: &AnnotationLayer| layer.bytes.get(&payer).copied();
        let published = || self.base.annotations.bytes.get(&payer).copied().unwrap_or_default();
        let bytes_before = used(&self.batch.annotations).or_else(|| used(&self.group.annotations)).unwrap_or_else(published);
        let bytes = bytes_before.saturating_sub(bytes_of(&before)) + bytes_of(&after);
        let is_large = |(name, value): &AnnotationEdit| {
            name.len() > ANNOTATION_NAME_BYTES_MAX || value.as_ref().is_some_and(|value| value.len() > ANNOTATION_BYTES_MAX)
        };
        let is_more = after.len() > before.len() && after.len() > ANNOTATIONS_MAX;
        // Who is over a limit must be able to make room.
        if entries.iter().any(is_large) || is_more || (bytes > bytes_before && bytes > ANNOTATIONS_BYTES_MAX) {
            return Err(CommitError::Full.into());
        }
        self.batch.annotations.sets.insert(of, Arc::new(after));
        self.batch.annotations.bytes.insert(payer, bytes);
        Ok(())
    }
}

fn with(before: &Annotations, entries: &[AnnotationEdit]) -> Annotations {
    let mut after = before.clone();
    for (name, value) in entries {
        match value {
            Some(value) => drop(after.insert(name.clone(), value.clone())),
            None => drop(after.remove(name)),
        }
    }
    after
}

fn bytes_of(set: &Annotations) -> u64 {
    set.iter().map(|(name, value)| (name.len() + value.len() + ENTRY_BYTES) as u64).sum()
}
