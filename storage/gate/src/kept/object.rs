//! What a calendar object or card says of itself, noted beside it when it is put: enough to find it by time or by UID without reading it.
//!
//! The gate does not look into contents: who sends one describes it ([`crate::Content::described`]). It goes wherever the item goes.

use super::beside::{self, noted};
use octroi_model::Item;
use std::fmt::Write as _;

/// Name of the note.
pub(crate) const OBJECT: &str = "object";

/// What an object is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectKind {
    /// VEVENT.
    Event,
    /// VTODO.
    Todo,
    /// VJOURNAL.
    Journal,
    /// VFREEBUSY.
    FreeBusy,
    /// VAVAILABILITY.
    Availability,
    /// VCARD.
    Card,
}

const KINDS: [(ObjectKind, char); 6] = [
    (ObjectKind::Event, 'E'),
    (ObjectKind::Todo, 'T'),
    (ObjectKind::Journal, 'J'),
    (ObjectKind::FreeBusy, 'F'),
    (ObjectKind::Availability, 'A'),
    (ObjectKind::Card, 'C'),
];

/// What else there is to know of an object, as a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ObjectTraits(u8);

impl ObjectTraits {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// It has one occurrence, which is there from the first to the last second and at no other time.
    pub const EXACT: Self = Self(1);
    /// It rings.
    pub const ALARMS: Self = Self(1 << 1);
    /// It is its owner's alone to read: `CLASS` is neither left out nor PUBLIC.
    pub const PRIVATE: Self = Self(1 << 2);
    /// Nobody is busy because of it.
    pub const FREE: Self = Self(1 << 3);
    /// There is more than one occurrence.
    pub const RECURS: Self = Self(1 << 4);

    const LETTERS: [(Self, char); 5] =
        [(Self::EXACT, 'x'), (Self::ALARMS, 'a'), (Self::PRIVATE, 'p'), (Self::FREE, 'f'), (Self::RECURS, 'r')];

    /// Both sets.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// These without `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// All of `other` are here.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// What an object says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectFacts {
    /// What it is made of.
    pub kind: ObjectKind,
    /// Its UID.
    pub uid: String,
    /// Second since 1970 before which nothing of it is; `None`: it has no such.
    pub first: Option<i64>,
    /// Second since 1970 after which nothing of it is; `None`: it has no such.
    pub last: Option<i64>,
    /// What else.
    pub traits: ObjectTraits,
}

impl ObjectFacts {
    /// As it is noted: kind, traits, both times, UID.
    pub(crate) fn text(&self) -> String {
        let kind = KINDS.iter().find(|(kind, _)| *kind == self.kind).map_or('E', |(_, letter)| *letter);
        let mut text = String::from(kind);
        text.extend(ObjectTraits::LETTERS.iter().filter(|(one, _)| self.traits.contains(*one)).map(|(_, letter)| *letter));
        for time in [self.first, self.last] {
            match time {
                Some(second) => drop(write!(text, " {second}")),
                None => text.push_str(" *"),
            }
        }
        text.push(' ');
        text.push_str(&self.uid);
        text
    }

    /// Read [`ObjectFacts::text`] back.
    fn parse(text: &str) -> Option<Self> {
        let mut words = text.splitn(4, ' ');
        let mut letters = words.next()?.chars();
        let kind = letters.next()?;
        let kind = KINDS.iter().find(|(_, letter)| *letter == kind)?.0;
        let traits = |sum: ObjectTraits, letter| {
            let one = ObjectTraits::LETTERS.iter().find(|(_, known)| *known == letter).map_or(ObjectTraits::NONE, |(one, _)| *one);
            sum.or(one)
        };
        let traits = letters.fold(ObjectTraits::NONE, traits);
        let mut time = || match words.next()? {
            "*" => Some(None),
            second => second.parse().ok().map(Some),
        };
        let (first, last) = (time()?, time()?);
        Some(Self { kind, uid: words.next()?.to_owned(), first, last, traits })
    }

    /// What is noted beside an item; `None` if nothing is.
    pub(crate) fn of(item: &Item) -> Option<Self> {
        Self::parse(noted(item, OBJECT)?)
    }

    /// The item's properties with the note, or (`None`) without.
    pub(crate) fn beside(properties: Option<&[u8]>, facts: Option<&Self>) -> Option<std::sync::Arc<[u8]>> {
        if facts.is_none() && properties.is_none() {
            return None;
        }
        beside::with(properties, &[(OBJECT, facts.map(Self::text).as_deref())])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_noted_is_read_back() {
        for facts in [
            ObjectFacts {
                kind: ObjectKind::Event,
                uid: "a b  c".to_owned(),
                first: Some(-5),
                last: Some(7),
                traits: ObjectTraits::EXACT.or(ObjectTraits::PRIVATE),
            },
            ObjectFacts { kind: ObjectKind::Card, uid: String::new(), first: None, last: None, traits: ObjectTraits::NONE },
            ObjectFacts { kind: ObjectKind::Todo, uid: "x".to_owned(), first: Some(0), last: None, traits: ObjectTraits::RECURS },
        ] {
            assert_eq!(ObjectFacts::parse(&facts.text()), Some(facts));
        }
        for odd in ["", "E", "Q 1 2 x", "E 1 x y", "E 1 2"] {
            assert_eq!(ObjectFacts::parse(odd), None, "{odd}");
        }
    }
}
