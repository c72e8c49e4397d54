//! Quotas: how much a tree of collections may hold (RFC 9208's quota roots and resources, RFC 4331).
//!
//! Kept and counted by the engine, set by the administration, told by IMAP and DAV.

use crate::{AccountId, CollectionId, Head};
use serde::{Deserialize, Serialize};

/// What a limit is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum QuotaRoot {
    /// All that an account has: what lies in its homes and below them.
    Account(AccountId),
    /// A collection and all below it.
    Collection(CollectionId),
}

/// How much may be there. A content that is in two places counts twice (RFC 9208 section 5.1: what a COPY makes counts).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotaLimit {
    /// Octets of all items.
    pub bytes: u64,
    /// Number of items; `None` for any.
    pub items: Option<u64>,
}

/// How much is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QuotaUsage {
    /// Octets of all items.
    pub bytes: u64,
    /// Number of items.
    pub items: u64,
}

/// A limit with what is used of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Of what.
    pub root: QuotaRoot,
    /// How much may be there.
    pub limit: QuotaLimit,
    /// How much is there; more than the limit if that was set afterwards.
    pub used: QuotaUsage,
}

impl QuotaUsage {
    /// With the items of one more collection.
    #[must_use]
    pub fn plus(self, more: Self) -> Self {
        Self { bytes: self.bytes.saturating_add(more.bytes), items: self.items.saturating_add(more.items) }
    }

    /// Without these. Saturates: a counter that damage made too small must not bring the server down.
    #[must_use]
    pub fn minus(self, less: Self) -> Self {
        Self { bytes: self.bytes.saturating_sub(less.bytes), items: self.items.saturating_sub(less.items) }
    }
}

impl From<Head> for QuotaUsage {
    fn from(head: Head) -> Self {
        Self { bytes: head.bytes, items: u64::from(head.items) }
    }
}

impl QuotaLimit {
    /// May usage go from `before` to `after`? What does not grow always may: who is over the limit must be able to make room.
    pub fn allows(&self, before: QuotaUsage, after: QuotaUsage) -> bool {
        let bytes = after.bytes <= before.bytes || after.bytes <= self.bytes;
        let items = after.items <= before.items || self.items.is_none_or(|max| after.items <= max);
        bytes && items
    }
}

impl Quota {
    /// Is there room for one more item of so many octets?
    pub fn has_room_for(&self, bytes: u64) -> bool {
        self.limit.allows(self.used, self.used.plus(QuotaUsage { bytes, items: 1 }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_grow_is_allowed_above_the_limit() {
        let limit = QuotaLimit { bytes: 10, items: Some(2) };
        let usage = |bytes, items| QuotaUsage { bytes, items };
        assert!(limit.allows(usage(4, 1), usage(10, 2)));
        assert!(!limit.allows(usage(4, 1), usage(11, 2)));
        assert!(!limit.allows(usage(4, 2), usage(4, 3)));
        assert!(limit.allows(usage(40, 9), usage(30, 9)));
        assert!(!limit.allows(usage(40, 1), usage(41, 1)));
        // Fewer octets do not pay for more items.
        assert!(!limit.allows(usage(40, 9), usage(30, 10)));
    }
}
