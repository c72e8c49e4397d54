//! How long a component lasts, and when that overlaps a window: the tables of RFC 4791 section 9.9.

use crate::occurrences::Window;
use crate::tree::Node;
use crate::value::{Length, Moment};
use crate::zone::Zones;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// What a component with DTSTART says about its end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extent {
    lasts: Lasts,
    rule: Overlap,
}

#[derive(Debug, Clone, Copy)]
enum Lasts {
    /// RFC 5545 section 3.8.5.3: an end that was given as a moment means the same seconds for every instance …
    Seconds(i64),
    /// … and a duration, or an end that is a day, the same days.
    Length(Length),
}

/// Which row of the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Overlap {
    /// Events and journals.
    Event,
    /// Tasks with DTSTART only.
    TodoStart,
    /// Tasks with DTSTART and DURATION.
    TodoDuration,
    /// Tasks with DTSTART and DUE.
    TodoDue,
    /// Tasks with DUE, by which they recur.
    DueOnly,
}

impl Extent {
    /// Of a component with that start.
    pub(crate) fn of(node: &Node<'_>, start: &Moment, zones: &Zones) -> Self {
        let is_todo = node.name == "VTODO";
        if is_todo && node.property("DTSTART").is_none() {
            return Self { lasts: Lasts::Seconds(0), rule: Overlap::DueOnly };
        }
        // A journal takes no time whatever it says.
        let end = match node.name.as_str() {
            "VTODO" => node.property("DUE"),
            "VEVENT" | "AVAILABLE" => node.property("DTEND"),
            _ => None,
        };
        let end = end.and_then(|entry| Moment::read(entry).ok());
        let duration = node.property("DURATION").filter(|_| node.name != "VJOURNAL").and_then(|entry| Length::of(entry.value()).ok());
        let (lasts, rule) = match (end, duration) {
            (Some(end), _) if start.is_date() && end.is_date() => {
                let days = end.local().date().since(start.local().date()).map_or(0, |span| span.get_days());
                (Lasts::Length(Length { days, seconds: 0 }), Overlap::TodoDue)
            }
            (Some(end), _) => {
                // An end without a zone, beside a start with one, is in the start's.
                let end = match (&end, start) {
                    (Moment::Floating(local), Moment::Zoned(_, tzid)) => Moment::Zoned(*local, tzid.clone()),
                    _ => end,
                };
                (Lasts::Seconds(zones.instant(&end).as_second() - zones.instant(start).as_second()), Overlap::TodoDue)
            }
            (None, Some(length)) => (Lasts::Length(length), Overlap::TodoDuration),
            // RFC 4791 section 9.9: a day without an end lasts that day.
            (None, None) if start.is_date() && !is_todo => (Lasts::Length(Length { days: 1, seconds: 0 }), Overlap::TodoStart),
            (None, None) => (Lasts::Seconds(0), Overlap::TodoStart),
        };
        Self { lasts, rule: if is_todo { rule } else { Overlap::Event } }
    }

    /// When an instance ends that begins then. Never before it begins, whatever the object says.
    pub(crate) fn end(&self, start: Timestamp, zone: &TimeZone) -> Timestamp {
        let end = match self.lasts {
            Lasts::Seconds(seconds) => Length { days: 0, seconds }.after(start, zone),
            Lasts::Length(length) => length.after(start, zone),
        };
        end.max(start)
    }

    /// No instance lasts longer, in seconds.
    pub(crate) fn longest(&self) -> i64 {
        match self.lasts {
            Lasts::Seconds(seconds) => seconds.max(0),
            Lasts::Length(length) => (i64::from(length.days) * 86_400 + length.seconds).max(0),
        }
    }

    /// Whether an instance is in a window.
    pub(crate) fn overlaps(&self, start: Timestamp, end: Timestamp, window: &Window) -> bool {
        let begins = window.end > start;
        match self.rule {
            Overlap::Event if end > start => window.start < end && begins,
            Overlap::Event | Overlap::TodoStart => window.start <= start && begins,
            Overlap::DueOnly => window.start < end && window.end >= end,
            Overlap::TodoDuration => window.start <= end && (begins || window.end >= end),
            Overlap::TodoDue => (window.start < end || window.start <= start) && (begins || window.end >= end),
        }
    }
}
