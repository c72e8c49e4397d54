//! UIDs that are on their way into a collection: one object of a collection has one (RFC 4791 section 5.3.2.1), whoever puts it when.
//!
//! Called by what puts, copies and moves objects. Who brings one claims its UID first, then looks whether it is there, and gives the claim up
//! when the commit is done and can be seen; so of two who bring the same, one sees the other's.

use super::almanac;
use super::object::ObjectFacts;
use crate::refusal::Refusal;
use crate::session::Session;
use octroi_model::{CollectionId, CollectionKind, Uid};
use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How often it is looked whether somebody else's claim is gone, and how long it is waited between.
const TRIES_MAX: usize = 1000;
const WAIT: Duration = Duration::from_millis(5);

/// Those of a server.
#[derive(Default)]
pub(crate) struct Claims(Mutex<HashSet<(CollectionId, String)>>);

/// One of them; given up when dropped.
pub(crate) struct Claim<'a> {
    claims: &'a Claims,
    key: (CollectionId, String),
}

impl Claims {
    fn take(&self, key: &(CollectionId, String)) -> Option<Claim<'_>> {
        let is_new = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone());
        is_new.then(|| Claim { claims: self, key: key.clone() })
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.claims.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

impl Session {
    /// Claim the UID of an object that is to come into a collection. [`Refusal::UidTaken`] if one of the others has it; `but`: those whose
    /// place it takes.
    pub(crate) async fn claim(&self, into: CollectionId, facts: Option<&ObjectFacts>, but: &[Uid]) -> Result<Option<Claim<'_>>, Refusal> {
        let Some(facts) = facts else { return Ok(None) };
        let engine = self.gate().engine();
        let kind = engine.collection(into).ok_or(Refusal::Missing)?.kind;
        if !matches!(kind, CollectionKind::Calendar | CollectionKind::Addressbook) {
            return Ok(None);
        }
        let key = (into, facts.uid.clone());
        for _ in 0..TRIES_MAX {
            let Some(claim) = self.gate().0.claims.take(&key) else {
                tokio::time::sleep(WAIT).await;
                continue;
            };
            // If another view has been seen since, this one is old.
            let Some(holders) = almanac::holders(&*engine.view(into).await?, &facts.uid) else { continue };
            return match holders.into_iter().find(|holder| !but.contains(holder)) {
                Some(other) => Err(Refusal::UidTaken(other)),
                None => Ok(Some(claim)),
            };
        }
        Err(Refusal::Unavailable)
    }
}
