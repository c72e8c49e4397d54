//! Rights on a collection: the letters of RFC 4314 section 2.1, and three digits of our own, which it leaves to servers; used alike
//! for mail, calendars and documents.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::{BitAnd, BitOr};

/// A set of RFC 4314 rights.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Rights(u16);

impl Rights {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// `l`: may know that it exists.
    pub const LOOKUP: Self = Self(1);
    /// `r`: may read the items (DAV:read).
    pub const READ: Self = Self(1 << 1);
    /// `s`: may keep `\Seen` across sessions.
    pub const SEEN: Self = Self(1 << 2);
    /// `w`: may change flags other than `\Seen` and `\Deleted`; may replace a file's content (DAV:write-content).
    pub const WRITE: Self = Self(1 << 3);
    /// `i`: may add items (DAV:bind).
    pub const INSERT: Self = Self(1 << 4);
    /// `p`: may send mail to the submission address of the mailbox.
    pub const POST: Self = Self(1 << 5);
    /// `k`: may create collections in it.
    pub const CREATE: Self = Self(1 << 6);
    /// `x`: may delete or rename the collection itself.
    pub const DELETE_COLLECTION: Self = Self(1 << 7);
    /// `t`: may set and clear `\Deleted`.
    pub const DELETE_ITEMS: Self = Self(1 << 8);
    /// `e`: may expunge (DAV:unbind).
    pub const EXPUNGE: Self = Self(1 << 9);
    /// `a`: may change the ACL.
    pub const ADMIN: Self = Self(1 << 10);
    /// `0`: may move items away to another collection of the same owner, without the right to destroy them.
    pub const MOVE_AWAY: Self = Self(1 << 11);
    /// `1`: sees when somebody is busy and nothing else (RFC 4791 section 6.1.1, CALDAV:read-free-busy).
    pub const FREE_BUSY: Self = Self(1 << 12);
    /// `2`: on somebody's INBOX: may send as that person.
    pub const SEND_AS: Self = Self(1 << 13);
    /// Every right.
    pub const ALL: Self = Self((1 << 14) - 1);
    /// Every single right with its letter, in the order of RFC 4314 section 2.1, then the digits.
    pub const LETTERS: [(Self, char); 14] = [
        (Self::LOOKUP, 'l'),
        (Self::READ, 'r'),
        (Self::SEEN, 's'),
        (Self::WRITE, 'w'),
        (Self::INSERT, 'i'),
        (Self::POST, 'p'),
        (Self::CREATE, 'k'),
        (Self::DELETE_COLLECTION, 'x'),
        (Self::DELETE_ITEMS, 't'),
        (Self::EXPUNGE, 'e'),
        (Self::ADMIN, 'a'),
        (Self::MOVE_AWAY, '0'),
        (Self::FREE_BUSY, '1'),
        (Self::SEND_AS, '2'),
    ];

    /// Parse letters such as `lrs`. `None` at a letter that is not one of [`Self::LETTERS`].
    pub fn parse(letters: &str) -> Option<Self> {
        let mut rights = Self::NONE;
        for letter in letters.chars() {
            rights = rights | Self::LETTERS.iter().find(|(_, c)| *c == letter)?.0;
        }
        Some(rights)
    }

    /// All of `needed` are here.
    pub const fn contains(self, needed: Self) -> bool {
        self.0 & needed.0 == needed.0
    }

    /// At least one of `any` is here.
    pub const fn intersects(self, any: Self) -> bool {
        self.0 & any.0 != 0
    }

    /// `const` form of `|`, for tables.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The rights of `self` that are not in `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The set with what it brings along: who reads a calendar sees when its owner is busy, and who may destroy may move away.
    #[must_use]
    pub const fn implied(self) -> Self {
        let mut all = self;
        if self.contains(Self::READ) {
            all = all.or(Self::FREE_BUSY);
        }
        if self.contains(Self::DELETE_ITEMS.or(Self::EXPUNGE)) {
            all = all.or(Self::MOVE_AWAY);
        }
        all
    }

    /// The set with what must go when it is taken away, lest it come back under another letter: `1` with `r`, `0` with `t` or `e`.
    #[must_use]
    pub const fn taken_along(self) -> Self {
        let mut all = self;
        if self.contains(Self::READ) {
            all = all.or(Self::FREE_BUSY);
        }
        if self.intersects(Self::DELETE_ITEMS.or(Self::EXPUNGE)) {
            all = all.or(Self::MOVE_AWAY);
        }
        all
    }

    /// Each single right of the set.
    pub fn singles(self) -> impl Iterator<Item = Self> {
        Self::LETTERS.into_iter().map(|(r, _)| r).filter(move |r| self.contains(*r))
    }
}

impl BitOr for Rights {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        self.or(other)
    }
}

impl BitAnd for Rights {
    type Output = Self;
    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl fmt::Display for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Self::LETTERS.iter().filter(|(r, _)| self.contains(*r)).try_for_each(|(_, c)| write!(f, "{c}"))
    }
}

impl fmt::Debug for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rights({self})")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn letters_go_both_ways() {
        assert_eq!(Rights::parse("lrswipkxtea012"), Some(Rights::ALL));
        assert_eq!(Rights::ALL.to_string(), "lrswipkxtea012");
        assert_eq!(Rights::parse("lz"), None);
        assert_eq!(Rights::parse("3"), None);
    }

    /// What was written before there were digits means what it meant.
    #[test]
    fn the_eleven_letters_stay_the_eleven() {
        let eleven = Rights::parse("lrswipkxtea").unwrap();
        assert_eq!(eleven.to_string(), "lrswipkxtea");
        assert_eq!(eleven.singles().count(), 11);
        assert_eq!(Rights::ALL.without(eleven).to_string(), "012");
    }

    #[test]
    fn some_rights_bring_others_along() {
        for (given, implied, taken) in [
            ("", "", ""),
            ("l", "l", "l"),
            ("lr", "lr1", "lr1"),
            ("t", "t", "t0"),
            ("e", "e", "e0"),
            ("te", "te0", "te0"),
            ("012", "012", "012"),
            ("lrswipkxtea", "lrswipkxtea01", "lrswipkxtea01"),
        ] {
            let given = Rights::parse(given).unwrap();
            assert_eq!(given.implied().to_string(), implied, "{given}");
            assert_eq!(given.taken_along().to_string(), taken, "{given}");
        }
    }
}
