//! What a program changed itself: of that it need not be woken.
//!
//! A request says for which of its account's registrations it speaks ([`Session::quiet`]); what it commits is noted by the counter that each
//! collection got, so another's change in between is told all the same. Held in memory: after a restart somebody is woken for nothing.

use super::PREFIX;
use super::record::{annotation, parse_id};
use crate::session::Session;
use octroi_engine::{Change, Receipt};
use octroi_model::{Annotated, CollectionId, ModSeq};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Registrations that one request speaks for.
const QUIET_MAX: usize = 32;
/// Registrations with changes that are noted, and changes of each: what comes beyond is told.
const NOTED_MAX: usize = 10_000;
const CHANGES_MAX: usize = 1_000;

/// A registration: where it is, and its name there.
pub(super) type At = (CollectionId, Arc<str>);

/// The registrations that a request speaks for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Quiet(Arc<[At]>);

/// What was changed by whom.
#[derive(Default)]
pub(crate) struct Own(Mutex<HashMap<At, BTreeSet<ModSeq>>>);

impl Session {
    /// The same session, for a request that makes changes of which these registrations of its account are not to be told. What is not the
    /// account's is left out.
    #[must_use]
    pub fn quiet(&self, ids: &[&str]) -> Self {
        let engine = self.gate().engine();
        let own = ids.iter().take(QUIET_MAX).filter_map(|id| {
            let (collection, token) = parse_id(id)?;
            let of = Annotated { collection: Some(collection), account: Some(self.account()) };
            let name = annotation(token);
            engine.annotations(of).contains_key(&name).then_some((collection, name))
        });
        Self(self.0.clone(), self.1.clone(), Quiet(own.collect()))
    }

    /// The same for all registrations of its account.
    #[must_use]
    pub fn quiet_for_all(&self) -> Self {
        let engine = self.gate().engine();
        let mut all = Vec::new();
        for of in engine.annotated(None, PREFIX).into_iter().filter(|of| of.account == Some(self.account())) {
            let Some(collection) = of.collection else { continue };
            let set = engine.annotations(of);
            all.extend(set.keys().filter(|name| name.starts_with(PREFIX)).map(|name| (collection, name.clone())));
        }
        Self(self.0.clone(), self.1.clone(), Quiet(all.into()))
    }

    /// Note what a commit of this session has changed.
    pub(crate) fn note_own(&self, receipt: &Receipt) {
        if !self.2.0.is_empty() {
            let moved = receipt.changes.iter().filter_map(moved);
            self.gate().0.own.note(&self.2, moved);
        }
    }
}

impl Own {
    fn note(&self, quiet: &Quiet, moved: impl Iterator<Item = (CollectionId, ModSeq)>) {
        let mut all = self.lock();
        for (collection, modseq) in moved {
            for at in quiet.0.iter().filter(|(of, _)| *of == collection) {
                if all.len() >= NOTED_MAX && !all.contains_key(at) {
                    continue;
                }
                let noted = all.entry(at.clone()).or_default();
                if noted.len() < CHANGES_MAX {
                    noted.insert(modseq);
                }
            }
        }
    }

    /// Were all changes after `from` and up to `to` the registration's own? They are forgotten.
    pub(super) fn covers(&self, at: &At, from: ModSeq, to: ModSeq) -> bool {
        let mut all = self.lock();
        let Some(noted) = all.get_mut(at) else { return false };
        let later = noted.split_off(&to.next());
        let count = noted.range(from.next()..).count() as u64;
        if later.is_empty() {
            all.remove(at);
        } else {
            *noted = later;
        }
        count > 0 && count == to.0.saturating_sub(from.0)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<At, BTreeSet<ModSeq>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The collection whose counter a change has moved, and to where; not of what went with a collection.
fn moved(change: &Change) -> Option<(CollectionId, ModSeq)> {
    match change {
        Change::Put { collection, head, .. }
        | Change::Flag { collection, head, .. }
        | Change::Expunge { collection, head, .. }
        | Change::SetProperty { collection, head, .. } => Some((*collection, head.modseq)),
        Change::CreateCollection { collection, parent_head } => Some((collection.parent?, parent_head.as_ref()?.modseq)),
        Change::RenameCollection { parent, new_parent_head, .. } => Some((*parent, new_parent_head.modseq)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_wholly_ones_own_is_covered() {
        let own = Own::default();
        let at = |name: &str| (CollectionId(1), Arc::<str>::from(name));
        let quiet = Quiet([at("a")].into());
        let to = |modseqs: &[u64]| own.note(&quiet, modseqs.iter().map(|m| (CollectionId(1), ModSeq(*m))).collect::<Vec<_>>().into_iter());
        to(&[5, 6]);
        own.note(&quiet, std::iter::once((CollectionId(2), ModSeq(7))));
        // Another's in between, before, after; and what comes later is kept.
        assert!(!own.covers(&at("b"), ModSeq(4), ModSeq(6)));
        assert!(own.covers(&at("a"), ModSeq(4), ModSeq(6)));
        assert!(!own.covers(&at("a"), ModSeq(4), ModSeq(6)), "told once");
        to(&[5, 7]);
        assert!(!own.covers(&at("a"), ModSeq(4), ModSeq(6)));
        assert!(own.covers(&at("a"), ModSeq(6), ModSeq(7)));
        to(&[9]);
        assert!(!own.covers(&at("a"), ModSeq(7), ModSeq(9)));
        assert!(!own.covers(&at("a"), ModSeq(9), ModSeq(9)), "nothing is not one's own");
    }

    #[test]
    fn what_is_noted_is_limited() {
        let own = Own::default();
        let at = (CollectionId(1), Arc::<str>::from("a"));
        let quiet = Quiet([at.clone()].into());
        let many = CHANGES_MAX as u64 + 1;
        own.note(&quiet, (1..=many).map(|modseq| (CollectionId(1), ModSeq(modseq))));
        assert!(!own.covers(&at, ModSeq(0), ModSeq(many)));
    }
}
