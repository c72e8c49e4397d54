//! Identifiers and counters. Every id is its own type; ids are never reused, also not after removal.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
        pub struct $name(pub $inner);
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number!(
    /// An account: a person, a group or a shared owner of collections.
    AccountId(u64)
);
number!(
    /// A collection: mailbox, calendar, address book or folder. Never reused, so a cache keyed by it cannot be confused.
    CollectionId(u64)
);
number!(
    /// The journal's number of an app password (not the visible id that stands in front of its secret).
    AppPasswordId(u64)
);
number!(
    /// A second factor of an account; never reused.
    FactorId(u64)
);
number!(
    /// A group of accounts; never reused, so an old share cannot come to mean another group.
    GroupId(u64)
);
number!(
    /// An address of ours that is no account's; never reused.
    AliasId(u64)
);
number!(
    /// A write lock; never reused.
    LockId(u64)
);
number!(
    /// The unique identifier of an item within its collection (RFC 9051 section 2.3.1.1). 0 means "not assigned yet".
    Uid(u32)
);
number!(
    /// UIDVALIDITY of a collection (RFC 9051 section 2.3.1.1).
    UidValidity(u32)
);
number!(
    /// The modification sequence of a collection or item (RFC 7162 section 3.1); also the sync token of RFC 6578.
    ModSeq(u64)
);
number!(
    /// Seconds since 1970-01-01T00:00:00Z.
    UnixTime(i64)
);

impl UnixTime {
    /// The wall clock, now.
    pub fn now() -> Self {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Self(since.map_or(0, |d| d.as_secs() as i64))
    }
}

impl Uid {
    /// The next uid; saturates at the largest, where the committer refuses.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl ModSeq {
    /// The next modification sequence.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}
