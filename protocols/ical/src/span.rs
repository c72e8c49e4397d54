//! From when until when an object can matter: what an index keeps, so that a time range is answered without reading everything.

use crate::availability::{self, VAVAILABILITY};
use crate::extent::Extent;
use crate::occurrences::{Window, calendar, free_busy, groups, single};
use crate::recur::{Budget, ExpansionLimits, Series, days};
use crate::tree::{Node, Tree};
use crate::value::Moment;
use crate::zone::{Zones, instant_in};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// The first and the last second at which an object can be in a time range, in seconds since 1970. It is never too narrow, whatever the zone for
/// floating times and days, and wider than need be where that is cheaper. `first` behind `last`: it is in none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// `None`: from ever on.
    pub first: Option<i64>,
    /// `None`: for ever.
    pub last: Option<i64>,
    /// Whether there may be more than one occurrence.
    pub recurs: bool,
}

/// The zones of the world are so far apart, in seconds: from twelve hours behind to fourteen before.
const ZONES_APART: i64 = 26 * 3600;

impl Span {
    const NEVER: Self = Self { first: Some(i64::MAX), last: Some(i64::MIN), recurs: false };

    fn take(&mut self, start: Timestamp, end: Timestamp, pad: i64) {
        let first = (start != Timestamp::MIN).then(|| start.as_second().saturating_sub(pad));
        let last = (end != Timestamp::MAX).then(|| end.as_second().saturating_add(pad));
        self.first = self.first.zip(first).map(|(one, other)| one.min(other));
        self.last = self.last.zip(last).map(|(one, other)| one.max(other));
    }

    /// Whether the object can be in a window: if not, it need not be read.
    pub fn may_be_in(&self, window: &Window) -> bool {
        self.first.is_none_or(|first| first <= window.end.as_second()) && self.last.is_none_or(|last| last >= window.start.as_second())
    }
}

/// The span of an object. Of a series whose end is too hard to find, `last` is `None`.
pub fn span(tree: &Tree<'_>, floating: &TimeZone, limits: &ExpansionLimits) -> Span {
    let mut span = Span::NEVER;
    let Some(calendar) = calendar(tree) else { return span };
    let zones = Zones::of(tree, floating);
    let mut budget = Budget::new(limits);
    for node in calendar.named("VFREEBUSY") {
        for (start, end) in free_busy(node, &zones, &Window::ALL) {
            span.take(start, end, pad(node, &zones));
        }
    }
    for node in calendar.named(VAVAILABILITY) {
        let (start, end) = availability::period(node, &zones);
        span.take(start, end, pad(node, &zones));
    }
    for group in groups(calendar) {
        span.recurs |= !group.overrides.is_empty();
        for at in &group.overrides {
            take_single(&mut span, &calendar.components[*at], *at, &zones);
        }
        if let Some(at) = group.main {
            let node = &calendar.components[at];
            match Series::of(node, &zones) {
                Some(series) => take_series(&mut span, &series, node, &group.overrides, calendar, &zones, &mut budget),
                None => take_single(&mut span, node, at, &zones),
            }
        }
    }
    span
}

/// How far its times can move with the zone for floating ones.
fn pad(node: &Node<'_>, zones: &Zones) -> i64 {
    let floats = |moment: Moment| match moment {
        Moment::Date(_) | Moment::Floating(_) => true,
        Moment::Zoned(_, tzid) => zones.named(&tzid).is_none(),
        Moment::Utc(_) => false,
    };
    let entries = ["DTSTART", "DTEND", "DUE"].into_iter().filter_map(|name| node.property(name));
    let any = entries.filter_map(|entry| Moment::read(entry).ok()).any(floats);
    if any { ZONES_APART } else { 0 }
}

fn take_single(span: &mut Span, node: &Node<'_>, at: usize, zones: &Zones) {
    if let Some(occurrence) = single(node, at, zones, &Window::ALL) {
        span.take(occurrence.start, occurrence.end, pad(node, zones));
    }
}

fn take_series(
    span: &mut Span,
    series: &Series,
    node: &Node<'_>,
    overrides: &[usize],
    calendar: &Node<'_>,
    zones: &Zones,
    budget: &mut Budget,
) {
    span.recurs |= series.recurs();
    let extent = Extent::of(node, &series.start, zones);
    // What overrides move and prolong of all that follows, at most; a day for clocks that change in between.
    let (mut pad, mut longest) = (pad(node, zones), extent.longest().max(series.longest()));
    for node in overrides.iter().map(|at| &calendar.components[*at]).filter(|node| changes_all(node)) {
        let read = |name: &str| node.property(name).and_then(|entry| Moment::read(entry).ok());
        if let (Some(named), Some(begins)) = (read("RECURRENCE-ID"), read("DTSTART")) {
            let moved = zones.instant(&begins).as_second() - series.instant(&named, zones).as_second();
            pad = pad.max(moved.abs().saturating_add(days::DAY));
            longest = longest.max(Extent::of(node, &begins, zones).longest());
        }
    }
    let first = instant_in(days::local(series.first()), &series.zone);
    let end = match series.last(budget) {
        // A day more for the same reason.
        Some(last) if span.recurs => plus(instant_in(days::local(last), &series.zone), longest.saturating_add(days::DAY)),
        Some(_) => extent.end(first, &series.zone),
        None => Timestamp::MAX,
    };
    span.take(first, end, pad);
}

fn changes_all(node: &Node<'_>) -> bool {
    let range = node.property("RECURRENCE-ID").and_then(|entry| entry.param("RANGE"));
    range.is_some_and(|range| range.eq_ignore_ascii_case("THISANDFUTURE"))
}

fn plus(instant: Timestamp, seconds: i64) -> Timestamp {
    instant.checked_add(jiff::SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}
