//! Why an object is not taken. Called by the validators; DAV maps [`Precondition`] to its own words.

use crate::content::LineFault;
use crate::recur::RuleFault;
use crate::value::ValueFault;
use std::fmt;

/// What is wrong with an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Invalid {
    /// More octets than [`crate::limits::OBJECT_BYTES_MAX`] or lines than [`crate::limits::LINES_MAX`].
    TooLarge,
    /// Components deeper inside one another than [`crate::limits::DEPTH_MAX`].
    TooDeep,
    /// A line that is no content line; its number counts logical lines from 1.
    Line {
        /// Which one.
        number: usize,
        /// What is wrong with it.
        fault: LineFault,
    },
    /// A property outside any component.
    Outside {
        /// On which logical line.
        number: usize,
    },
    /// An END that ends nothing or something else.
    Unbalanced {
        /// On which logical line.
        number: usize,
    },
    /// A BEGIN without its END.
    Open(String),
    /// Not exactly one object of the wanted kind.
    NotOne(&'static str),
    /// No VERSION, or one that is not served here.
    Version,
    /// A METHOD: RFC 4791 section 4.1 has stored objects without.
    Method,
    /// Nothing but time zones.
    NoComponent,
    /// A component that cannot be the content of a calendar object.
    UnknownComponent(String),
    /// Components of two kinds.
    SeveralKinds,
    /// A required property is missing or empty.
    Missing(&'static str),
    /// Components with different UIDs.
    SeveralUids,
    /// Two components without a RECURRENCE-ID, of which each says that it is the object.
    TwoMain {
        /// The UID of the second, on which logical line.
        number: usize,
    },
    /// A UID longer than [`crate::limits::UID_BYTES_MAX`].
    LongUid,
    /// A property that says when a component is, and cannot be understood.
    Value {
        /// On which logical line.
        number: usize,
        /// Which property.
        name: String,
        /// What is wrong with it.
        fault: Unreadable,
    },
    /// A property that says when a component is, and another of that name that says something else.
    Twice {
        /// On which logical line the second is.
        number: usize,
        /// Which property.
        name: String,
    },
    /// A VAVAILABILITY or AVAILABLE whose times are none that RFC 7953 section 3.1 has.
    Availability {
        /// On which logical line.
        number: usize,
        /// What is wrong with it.
        why: NotAvailable,
    },
}

/// What is wrong with the times of a VAVAILABILITY or AVAILABLE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotAvailable {
    /// A day, where only a time will do.
    Day,
    /// DTEND and DURATION.
    TwoEnds,
    /// DURATION without DTSTART.
    NoStart,
    /// It ends before it begins.
    Backwards,
}

impl fmt::Display for NotAvailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Day => "availability is told in times, not in days",
            Self::TwoEnds => "there is a DTEND as well",
            Self::NoStart => "there is no DTSTART from which it lasts",
            Self::Backwards => "it ends before it begins",
        })
    }
}

/// Why a value cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unreadable {
    /// It is not of its type.
    Value(ValueFault),
    /// It is no recurrence rule.
    Rule(RuleFault),
}

/// Which precondition of RFC 4791 section 5.3.2.1 or RFC 6352 section 6.3.2.1 an object fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precondition {
    /// `max-resource-size`.
    MaxResourceSize,
    /// `supported-calendar-data`, `supported-address-data`.
    SupportedData,
    /// `valid-calendar-data`, `valid-address-data`.
    ValidData,
    /// `valid-calendar-object-resource`; an address object has no such, `valid-address-data` stands for it.
    ValidObject,
    /// `supported-calendar-component`.
    SupportedComponent,
}

impl Invalid {
    /// The precondition to answer with.
    pub fn precondition(&self) -> Precondition {
        match self {
            Self::TooLarge => Precondition::MaxResourceSize,
            Self::Version => Precondition::SupportedData,
            Self::TooDeep
            | Self::Line { .. }
            | Self::Outside { .. }
            | Self::Unbalanced { .. }
            | Self::Open(_)
            | Self::Value { .. }
            | Self::Twice { .. }
            | Self::Availability { .. } => Precondition::ValidData,
            Self::UnknownComponent(_) => Precondition::SupportedComponent,
            Self::NotOne(_)
            | Self::Method
            | Self::NoComponent
            | Self::SeveralKinds
            | Self::Missing(_)
            | Self::SeveralUids
            | Self::TwoMain { .. }
            | Self::LongUid => Precondition::ValidObject,
        }
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => f.write_str("the object is too large"),
            Self::TooDeep => f.write_str("components are nested too deeply"),
            Self::Line { number, fault } => write!(f, "line {number} is not a content line: {fault}"),
            Self::Outside { number } => write!(f, "line {number} is outside any component"),
            Self::Unbalanced { number } => write!(f, "END on line {number} does not match its BEGIN"),
            Self::Open(name) => write!(f, "{name} is not ended"),
            Self::NotOne(name) => write!(f, "there must be exactly one {name}"),
            Self::Version => f.write_str("VERSION is missing or not supported"),
            Self::Method => f.write_str("a stored calendar object has no METHOD"),
            Self::NoComponent => f.write_str("the calendar object has no component"),
            Self::UnknownComponent(name) => write!(f, "a calendar object cannot consist of {name}"),
            Self::SeveralKinds => f.write_str("a calendar object has components of one kind only"),
            Self::Missing(name) => write!(f, "{name} is missing"),
            Self::SeveralUids => f.write_str("all components of a calendar object have the same UID"),
            Self::TwoMain { number } => {
                write!(f, "the UID on line {number} is that of another component, and neither has a RECURRENCE-ID")
            }
            Self::LongUid => f.write_str("the UID is too long"),
            Self::Value { number, name, fault: Unreadable::Value(fault) } => {
                write!(f, "{name} on line {number} is not understood: {fault}")
            }
            Self::Value { number, name, fault: Unreadable::Rule(fault) } => write!(f, "{name} on line {number} is not understood: {fault}"),
            Self::Twice { number, name } => write!(f, "{name} on line {number} is not what {name} says before it"),
            Self::Availability { number, why } => write!(f, "line {number}: {why}"),
        }
    }
}

impl std::error::Error for Invalid {}
