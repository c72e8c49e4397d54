//! `\Recent` (RFC 3501 section 2.3.2): the first session told of a message sees it as recent, the others do not.
//!
//! Kept in memory only: after a restart no old message is recent, which the RFC allows. Bounded by the number of mailboxes.

use octroi_engine::Engine;
use octroi_model::{CollectionId, CollectionKind, Uid};
use std::collections::HashMap;
use std::sync::Mutex;

/// Up to which uid the messages of each mailbox have been claimed; all of a mailbox that is not listed are free.
pub(crate) struct RecentMarks(Mutex<HashMap<CollectionId, Uid>>);

impl RecentMarks {
    /// What is there now belongs to nobody any more.
    pub(crate) fn from_now_on(engine: &dyn Engine) -> Self {
        let homes = engine.accounts().into_iter().flat_map(|account| engine.homes(account.id));
        let mailboxes = homes.filter(|c| c.kind == CollectionKind::MailHome).flat_map(|home| crate::tree::subtree(engine, &home));
        Self(Mutex::new(mailboxes.map(|c| (c.id, c.head.uid_next)).collect()))
    }

    /// Claim everything below `uid_next` for the caller; messages with a uid of at least the returned one were nobody's before.
    pub(crate) fn claim(&self, mailbox: CollectionId, uid_next: Uid) -> Uid {
        let mut marks = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mark = marks.entry(mailbox).or_insert(Uid(1));
        let from = *mark;
        *mark = uid_next.max(from);
        from
    }

    /// Where the next claim would begin.
    pub(crate) fn peek(&self, mailbox: CollectionId) -> Uid {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get(&mailbox).copied().unwrap_or(Uid(1))
    }
}
