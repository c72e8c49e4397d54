//! `\Recent` (RFC 3501 section 2.3.2): the first session told of a message sees it as recent, the others do not.
//!
//! Kept in memory only: after a restart no old message is recent, which the RFC allows. Bounded by the number of mailboxes.

use octroi_model::{CollectionId, Uid};
use std::collections::HashMap;
use std::sync::Mutex;

#[derive(Default)]
pub(crate) struct RecentMarks(Mutex<HashMap<CollectionId, Uid>>);

impl RecentMarks {
    /// Claim everything below `uid_next` for the caller; messages with a uid of at least the returned one were nobody's before.
    pub(crate) fn claim(&self, mailbox: CollectionId, uid_next: Uid) -> Uid {
        let mut marks = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mark = marks.entry(mailbox).or_insert(uid_next);
        let from = *mark;
        *mark = uid_next.max(from);
        from
    }

    /// Where the next claim would begin.
    pub(crate) fn peek(&self, mailbox: CollectionId) -> Option<Uid> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get(&mailbox).copied()
    }
}
