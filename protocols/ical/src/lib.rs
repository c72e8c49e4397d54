//! iCalendar and vCard: lossless lines, and what they mean.
//!
//! Called by CalDAV, CardDAV and SMTP. The octets that came are the octets that are kept: [`Tree`] says what they are and where, `edit` exchanges single
//! lines, and everything else here answers questions about them or writes something new beside them. Without I/O. CRLF is expected at the end of lines
//! and a bare LF is understood; what an object can make us do is bounded by [`limits`] and [`ExpansionLimits`], and nothing panics on one.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod alarms;
mod attach;
mod availability;
mod busy;
mod calendar;
mod card;
mod content;
mod convert;
pub mod edit;
mod expand;
mod extent;
mod feed;
mod invalid;
pub mod itip;
pub mod limits;
mod lines;
mod occurrences;
mod own;
mod parts;
mod pick;
mod recur;
mod span;
mod strip;
mod tree;
mod value;
mod zone;

pub use alarms::{Alarm, alarms};
pub use attach::{
    AttachFault, AttachLine, Mailed, ManagedAttachment, mailed, managed_attachments, unmanaged, with_attachment, with_other_attachment,
    with_true_sizes, without_attachment,
};
pub use availability::validate_availability;
pub use busy::{Busy, BusyTimes, FbType, busy, busy_of, limit_freebusy_set, merged, requested, write_free_busy};
pub use calendar::{CalendarFacts, ComponentKind, Property, calendar_facts, validate_calendar};
pub use card::{CardFacts, CardVersion, card_facts, validate_card};
pub use content::{ContentLine, LineFault, OwnedParam, Param};
pub use convert::convert;
pub use expand::{expand, limit_recurrence_set};
pub use feed::{Feed, FeedObject, feed};
pub use invalid::{Invalid, NotAvailable, Precondition, Unreadable};
pub use lines::{Line, Lines, text_of};
pub use occurrences::{Occurrence, Window, occurrences, occurs};
pub use own::{Parted, parted, with_own};
pub use parts::{Component, components};
pub use pick::{Pick, PickProperty, pick};
pub use recur::{ByDay, ExpansionLimits, Frequency, Rule, RuleFault, TooMany};
pub use span::{Span, span};
pub use strip::{Class, class, stripped};
pub use tree::{Entry, Node, Tree};
pub use value::{Length, Moment, Period, PeriodEnd, ValueFault, escaped, offset, parts, unescaped, utc_text};
pub use zone::{Zones, by_name, instant_in};
