//! Quotas: what each tree may hold and holds, exact at every moment.
//!
//! Counted by [`State`] from the heads as changes are applied, and by [`Draft`] for the batches that are not applied yet, which the
//! committer judges. What holds: a quota's usage is the sum of the heads in its tree. Usage is not written anywhere: at open it is
//! added up once from the heads that the index has, and the journal's replay goes on from there.

use crate::draft::{Draft, Layer};
use crate::interface::CommitError;
use crate::state::{Applied, Side, State};
use octroi_model::{Collection, CollectionId, Head, Quota, QuotaLimit, QuotaRoot, QuotaUsage};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// The limits, and where they apply.
#[derive(Debug, Default)]
pub(crate) struct Quotas {
    roots: HashMap<QuotaRoot, (QuotaLimit, QuotaUsage)>,
    /// The roots at and above each collection that has any: a collection without costs one look-up. Shared by a tree.
    above: HashMap<CollectionId, Arc<[QuotaRoot]>>,
}

impl Quotas {
    /// By root.
    pub(crate) fn all(&self) -> Vec<Quota> {
        let mut all: Vec<_> = self.roots.keys().filter_map(|root| self.quota(*root)).collect();
        all.sort_unstable_by_key(|quota| quota.root);
        all
    }

    /// Those that a collection's items count for.
    pub(crate) fn above(&self, id: CollectionId) -> Vec<Quota> {
        self.roots_above(id).iter().filter_map(|root| self.quota(*root)).collect()
    }

    /// A head has moved.
    pub(crate) fn count(&mut self, id: CollectionId, before: Head, after: Head) {
        if (before.items, before.bytes) == (after.items, after.bytes) {
            return;
        }
        if let Some(above) = self.above.get(&id) {
            for root in above.iter() {
                if let Some((_, used)) = self.roots.get_mut(root) {
                    *used = used.plus(after.into()).minus(before.into());
                }
            }
        }
    }

    fn quota(&self, root: QuotaRoot) -> Option<Quota> {
        self.roots.get(&root).map(|(limit, used)| Quota { root, limit: *limit, used: *used })
    }

    fn roots_above(&self, id: CollectionId) -> &[QuotaRoot] {
        self.above.get(&id).map_or(&[], |roots| roots)
    }

    /// Other roots are above a collection now.
    fn replace(&mut self, id: CollectionId, head: Head, now: Arc<[QuotaRoot]>) {
        self.count(id, head, Head::default());
        if now.is_empty() {
            self.above.remove(&id);
        } else {
            self.above.insert(id, now);
            self.count(id, Head::default(), head);
        }
    }
}

impl State {
    /// Set or remove a limit.
    pub(crate) fn set_quota(&mut self, root: QuotaRoot, limit: Option<QuotaLimit>, applied: &mut Applied) {
        let known = match limit {
            Some(limit) => {
                let known = self.quotas.roots.get(&root).map(|(_, used)| *used);
                self.quotas.roots.insert(root, (limit, known.unwrap_or_default()));
                known.is_some()
            }
            None if self.quotas.roots.remove(&root).is_none() => return,
            None => false,
        };
        if !known {
            self.cover(match root {
                QuotaRoot::Account(id) => self.homes.get(&id).into_iter().flat_map(|names| names.values().copied()).collect(),
                QuotaRoot::Collection(id) => vec![id],
            });
        }
        applied.sides.push(Side::Quota(root, limit));
    }

    /// Find anew which roots are above these collections and all below them, and count accordingly.
    pub(crate) fn cover(&mut self, mut tops: Vec<CollectionId>) {
        if self.quotas.roots.is_empty() && self.quotas.above.is_empty() {
            return;
        }
        while let Some(id) = tops.pop() {
            let Some(collection) = self.collections.get(&id) else { continue };
            let now = self.roots_of(collection);
            self.quotas.replace(id, collection.head, now);
            tops.extend(self.children.get(&id).into_iter().flat_map(|names| names.values()));
        }
    }

    /// A collection is gone, with its own quota if it had one.
    pub(crate) fn uncover(&mut self, gone: &Collection, applied: &mut Applied) {
        self.quotas.replace(gone.id, gone.head, Arc::new([]));
        self.set_quota(QuotaRoot::Collection(gone.id), None, applied);
    }

    /// The roots at and above a collection, from those of its parent.
    fn roots_of(&self, collection: &Collection) -> Arc<[QuotaRoot]> {
        let limited = |root: &QuotaRoot| self.quotas.roots.contains_key(root);
        let above: Arc<[QuotaRoot]> = match collection.parent {
            Some(parent) => self.quotas.above.get(&parent).cloned().unwrap_or_default(),
            None => [QuotaRoot::Account(collection.owner)].into_iter().filter(limited).collect(),
        };
        match Some(QuotaRoot::Collection(collection.id)).filter(limited) {
            Some(own) => above.iter().copied().chain([own]).collect(),
            None => above,
        }
    }

    /// Quotas whose usage is not the sum of the heads in their tree, for check.
    pub(crate) fn miscounted_quotas(&self) -> Vec<QuotaRoot> {
        let mut sums: HashMap<QuotaRoot, QuotaUsage> = HashMap::new();
        for (id, collection) in &self.collections {
            let mut at = collection;
            let mut count = |root| {
                if self.quotas.roots.contains_key(&root) {
                    let sum = sums.entry(root).or_default();
                    *sum = sum.plus(collection.head.into());
                }
            };
            count(QuotaRoot::Collection(*id));
            while let Some(parent) = at.parent {
                count(QuotaRoot::Collection(parent));
                let Some(parent) = self.collections.get(&parent) else { break };
                at = parent;
            }
            count(QuotaRoot::Account(at.owner));
        }
        let differs = |(root, (_, used)): (&QuotaRoot, &(QuotaLimit, QuotaUsage))| {
            (sums.get(root).copied().unwrap_or_default() != *used).then_some(*root)
        };
        self.quotas.roots.iter().filter_map(differs).collect()
    }
}

/// What the batches of a layer make of quotas.
#[derive(Debug, Default)]
pub(crate) struct QuotaLayer {
    limits: HashMap<QuotaRoot, Option<QuotaLimit>>,
    used: HashMap<QuotaRoot, Counted>,
    /// Collections were made or moved, or limits set: the published answer to which roots are above a collection may be wrong.
    reshaped: bool,
}

#[derive(Debug, Clone, Copy)]
struct Counted {
    /// Before the first change of the layer that counts.
    before: QuotaUsage,
    now: QuotaUsage,
}

impl QuotaLayer {
    /// What `batch` says goes before what is known here.
    pub(crate) fn take_in(&mut self, batch: &mut Self) {
        self.limits.extend(batch.limits.drain());
        self.used.extend(batch.used.drain());
        self.reshaped |= std::mem::take(&mut batch.reshaped);
    }
}

impl Draft<'_> {
    /// A limit is set or removed.
    pub(crate) fn set_quota(&mut self, root: QuotaRoot, limit: Option<QuotaLimit>) -> Result<(), CommitError> {
        if self.limit(root).is_none() && limit.is_some() {
            let there = self.sum(root)?;
            self.batch.quotas.used.insert(root, Counted { before: there, now: there });
        }
        self.batch.quotas.limits.insert(root, limit);
        self.batch.quotas.reshaped = true;
        Ok(())
    }

    /// A collection or account is gone, and its own limit with it.
    pub(crate) fn forget_quota(&mut self, root: QuotaRoot) {
        if self.limit(root).is_some() {
            self.batch.quotas.limits.insert(root, None);
        }
    }

    /// A head moves in this batch.
    pub(crate) fn count(&mut self, id: CollectionId, before: Head, after: Head) -> Result<(), CommitError> {
        if (before.items, before.bytes) == (after.items, after.bytes) {
            return Ok(());
        }
        for root in self.roots_above(id)?.iter() {
            self.alter_usage(*root, |used| used.plus(after.into()).minus(before.into()));
        }
        Ok(())
    }

    /// A collection appears or moves in the tree.
    pub(crate) fn reshape(&mut self) {
        self.batch.quotas.reshaped = true;
    }

    /// After [`Draft::reshape`]: a tree is not below these roots any more, but where it is now.
    pub(crate) fn count_moved(&mut self, id: CollectionId, before: &[QuotaRoot]) -> Result<(), CommitError> {
        let now = self.roots_above(id)?;
        if before == &*now {
            return Ok(());
        }
        let sum = self.sum(QuotaRoot::Collection(id))?;
        for root in before.iter().filter(|root| !now.contains(root)) {
            self.alter_usage(*root, |used| used.minus(sum));
        }
        for root in now.iter().filter(|root| !before.contains(root)) {
            self.alter_usage(*root, |used| used.plus(sum));
        }
        Ok(())
    }

    /// Is all that the batch adds allowed? Judged at its end and as a whole: what moves within a tree takes no room in it.
    pub(crate) fn judge_quotas(&self) -> Result<(), CommitError> {
        let over = |(root, counted): (&QuotaRoot, &Counted)| {
            self.limit(*root).is_some_and(|limit| !limit.allows(counted.before, counted.now)).then_some(*root)
        };
        let mut over: Vec<_> = self.batch.quotas.used.iter().filter_map(over).collect();
        over.sort_unstable();
        if over.is_empty() { Ok(()) } else { Err(CommitError::OverQuota(over)) }
    }

    fn layers(&self) -> [&Layer; 2] {
        [&self.batch, &self.group]
    }

    fn limit(&self, root: QuotaRoot) -> Option<QuotaLimit> {
        let drafted = self.layers().into_iter().find_map(|layer| layer.quotas.limits.get(&root));
        drafted.copied().unwrap_or_else(|| self.base.quotas.roots.get(&root).map(|(limit, _)| *limit))
    }

    fn alter_usage(&mut self, root: QuotaRoot, with: impl FnOnce(QuotaUsage) -> QuotaUsage) {
        let below = || match self.group.quotas.used.get(&root) {
            Some(counted) => counted.now,
            None => self.base.quotas.roots.get(&root).map_or(QuotaUsage::default(), |(_, used)| *used),
        };
        let counted = self.batch.quotas.used.get(&root).copied().unwrap_or_else(|| {
            let before = below();
            Counted { before, now: before }
        });
        self.batch.quotas.used.insert(root, Counted { now: with(counted.now), ..counted });
    }

    /// The limited roots at and above a collection.
    pub(crate) fn roots_above(&self, id: CollectionId) -> Result<Arc<[QuotaRoot]>, CommitError> {
        if !self.layers().into_iter().any(|layer| layer.quotas.reshaped) {
            return Ok(self.base.quotas.above.get(&id).cloned().unwrap_or_default());
        }
        if self.base.quotas.roots.is_empty() && self.layers().into_iter().all(|layer| layer.quotas.limits.is_empty()) {
            return Ok(Arc::default());
        }
        let mut roots = Vec::new();
        let mut at = self.collection(id)?;
        roots.push(QuotaRoot::Collection(id));
        while let Some(parent) = at.parent {
            roots.push(QuotaRoot::Collection(parent));
            at = self.collection(parent)?;
        }
        roots.push(QuotaRoot::Account(at.owner));
        roots.retain(|root| self.limit(*root).is_some());
        // From the top down, as the published answer is.
        roots.reverse();
        Ok(roots.into())
    }

    /// Add a tree up.
    fn sum(&self, root: QuotaRoot) -> Result<QuotaUsage, CommitError> {
        let mut waiting: Vec<CollectionId> = match root {
            QuotaRoot::Collection(id) => vec![id],
            QuotaRoot::Account(owner) => {
                let published = self.base.homes.get(&owner).into_iter().flat_map(|names| names.keys());
                let drafted = self.layers().into_iter().flat_map(|layer| layer.homes.keys());
                let names: HashSet<_> = published.chain(drafted.filter(|(of, _)| *of == owner).map(|(_, name)| name)).collect();
                names.into_iter().filter_map(|name| self.home(owner, name)).collect()
            }
        };
        let mut sum = QuotaUsage::default();
        while let Some(id) = waiting.pop() {
            sum = sum.plus(self.head(id)?.into());
            let published = self.base.children.get(&id).into_iter().flat_map(|names| names.keys());
            let drafted = self.layers().into_iter().flat_map(|layer| layer.children.keys());
            let names: HashSet<_> = published.chain(drafted.filter(|(of, _)| *of == id).map(|(_, name)| name)).collect();
            waiting.extend(names.into_iter().filter_map(|name| self.child(id, name)));
        }
        Ok(sum)
    }
}
