//! Flags of an item as one word: eight system bits, then one bit per keyword of the collection's keyword table.

use serde::{Deserialize, Serialize};
use std::ops::BitOr;

/// Keywords that one collection can hold: the bits left in the word. A full table answers `NO [LIMIT]`.
pub const KEYWORDS_MAX: usize = 56;

/// System flags (RFC 9051 section 2.3.2) in the low eight bits, keywords above them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Flags(pub u64);

impl Flags {
    /// No flag.
    pub const NONE: Self = Self(0);
    /// `\Seen`
    pub const SEEN: Self = Self(1);
    /// `\Answered`
    pub const ANSWERED: Self = Self(1 << 1);
    /// `\Flagged`
    pub const FLAGGED: Self = Self(1 << 2);
    /// `\Deleted`
    pub const DELETED: Self = Self(1 << 3);
    /// `\Draft`
    pub const DRAFT: Self = Self(1 << 4);
    /// All five system flags with their names as on the wire.
    pub const SYSTEM: [(Self, &'static str); 5] = [
        (Self::SEEN, "\\Seen"),
        (Self::ANSWERED, "\\Answered"),
        (Self::FLAGGED, "\\Flagged"),
        (Self::DELETED, "\\Deleted"),
        (Self::DRAFT, "\\Draft"),
    ];
    const KEYWORD_SHIFT: usize = 8;

    /// The bit of the keyword at `index` of the collection's table; `None` at or above [`KEYWORDS_MAX`].
    pub fn keyword(index: usize) -> Option<Self> {
        (index < KEYWORDS_MAX).then(|| Self(1 << (index + Self::KEYWORD_SHIFT)))
    }

    /// The indexes of the keywords that are set, ascending.
    pub fn keyword_indexes(self) -> impl Iterator<Item = usize> {
        (0..KEYWORDS_MAX).filter(move |i| self.0 & (1 << (i + Self::KEYWORD_SHIFT)) != 0)
    }

    /// All of `other` are set here.
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Any of `other` is set here.
    pub fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// The flags of `self` that are not in `other`.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The flags in both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Every keyword bit.
    pub fn all_keywords() -> Self {
        Self(!0 << Self::KEYWORD_SHIFT)
    }
}

impl BitOr for Flags {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// What STORE does to a flag word: first keep only `keep`, then set `set`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlagEdit {
    /// Bits that survive.
    pub keep: Flags,
    /// Bits set afterwards.
    pub set: Flags,
}

impl FlagEdit {
    /// `+FLAGS`
    pub fn add(flags: Flags) -> Self {
        Self { keep: Flags(!0), set: flags }
    }
    /// `-FLAGS`
    pub fn remove(flags: Flags) -> Self {
        Self { keep: Flags(!flags.0), set: Flags::NONE }
    }
    /// `FLAGS`
    pub fn replace(flags: Flags) -> Self {
        Self { keep: Flags::NONE, set: flags }
    }
    /// The same edit, touching only the bits in `permitted` (RFC 4314 section 4: STORE applies the permitted subset).
    #[must_use]
    pub fn limited_to(self, permitted: Flags) -> Self {
        Self { keep: Flags(self.keep.0 | !permitted.0), set: self.set.and(permitted) }
    }
    /// The flag word after the edit.
    pub fn apply(self, flags: Flags) -> Flags {
        flags.and(self.keep) | self.set
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_limited_edit_touches_nothing_else(before: u64, keep: u64, set: u64, permitted: u64) {
            let edit = FlagEdit { keep: Flags(keep), set: Flags(set) }.limited_to(Flags(permitted));
            let after = edit.apply(Flags(before));
            prop_assert_eq!(after.without(Flags(permitted)), Flags(before).without(Flags(permitted)));
        }
    }

    #[test]
    fn keywords_stop_at_the_word_size() {
        assert!(Flags::keyword(KEYWORDS_MAX - 1).is_some());
        assert!(Flags::keyword(KEYWORDS_MAX).is_none());
    }
}
