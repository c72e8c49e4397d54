//! When somebody can be asked at all: VAVAILABILITY with its AVAILABLE (RFC 7953), made into busy times.
//!
//! Called by `busy`, by rooms, and by what checks an object. What always holds: a component speaks for its own period and for nothing else; of two
//! with different priorities the higher one speaks (section 4); of two with the same, what either makes available is free, and else the stricter type
//! counts (section 5); what is added up is bounded by [`ExpansionLimits`] as every expansion is.

use crate::busy::{Busy, FbType};
use crate::calendar::check_values;
use crate::invalid::{Invalid, NotAvailable};
use crate::occurrences::{Window, calendar, visit_groups};
use crate::recur::{Budget, ExpansionLimits, TooMany};
use crate::tree::{Node, Tree};
use crate::value::{Length, Moment};
use crate::zone::Zones;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::ops::ControlFlow;

/// Its name in an object.
pub(crate) const VAVAILABILITY: &str = "VAVAILABILITY";
/// And that of what is in it.
const AVAILABLE: &str = "AVAILABLE";
/// PRIORITY of what says none, behind all that do.
const LAST: u8 = 10;

type Span = (Timestamp, Timestamp);

/// One VAVAILABILITY within a window.
#[derive(Debug, Clone)]
pub(crate) struct Layer {
    /// From 1, the highest, to [`LAST`].
    rank: u8,
    /// What the rest of its period is.
    kind: FbType,
    period: Span,
    /// Sorted, none over another.
    available: Vec<Span>,
}

impl Layer {
    /// Times that it holds.
    pub(crate) fn weight(&self) -> usize {
        1 + self.available.len()
    }
}

/// From when until when a VAVAILABILITY speaks: without DTSTART from ever on, without an end for ever (section 3.1).
pub(crate) fn period(node: &Node<'_>, zones: &Zones) -> Span {
    let read = |name: &str| node.property(name).and_then(|entry| Moment::read(entry).ok());
    let begins = read("DTSTART");
    let start = begins.as_ref().map_or(Timestamp::MIN, |begins| zones.instant(begins));
    let length = node.property("DURATION").and_then(|entry| Length::of(entry.value()).ok());
    let end = match (read("DTEND"), length, &begins) {
        (Some(end), _, _) => zones.instant(&end),
        (None, Some(length), Some(begins)) => length.after(start, &zones.zone(begins)),
        _ => Timestamp::MAX,
    };
    (start, end.max(start))
}

/// The zones of an object for its VAVAILABILITY. They may not float, and programs write floating times all the same: taken in the one zone that
/// the object has, if it has one, and else as all of it is.
fn zones_of(tree: &Tree<'_>, floating: &TimeZone) -> Zones {
    let zones = Zones::of(tree, floating);
    let mut own = calendar(tree).into_iter().flat_map(|calendar| calendar.named("VTIMEZONE")).filter_map(|node| node.value("TZID"));
    match (own.next().and_then(|tzid| zones.named(tzid)), own.next()) {
        (Some(zone), None) => Zones::of(tree, &zone),
        _ => zones,
    }
}

/// What the VAVAILABILITY components of an object say of a window.
pub(crate) fn layers(tree: &Tree<'_>, floating: &TimeZone, window: &Window, limits: &ExpansionLimits) -> Result<Vec<Layer>, TooMany> {
    let mut found = Vec::new();
    let nodes: Vec<&Node<'_>> = calendar(tree).into_iter().flat_map(|calendar| calendar.named(VAVAILABILITY)).collect();
    if nodes.is_empty() {
        return Ok(found);
    }
    let (zones, mut budget, mut left) = (zones_of(tree, floating), Budget::new(limits), limits.instances);
    for node in nodes {
        let (start, end) = period(node, &zones);
        let within = Window { start: start.max(window.start), end: end.min(window.end) };
        if within.start >= within.end {
            continue;
        }
        let mut available = Vec::new();
        visit_groups(node, &zones, &within, &mut budget, &mut |occurrence| {
            left = left.checked_sub(1).ok_or(TooMany::Instances)?;
            // Outside its VAVAILABILITY it says nothing.
            let span = (occurrence.start.max(within.start), occurrence.end.min(within.end));
            if span.0 < span.1 {
                available.push(span);
            }
            Ok(ControlFlow::<()>::Continue(()))
        })?;
        found.push(Layer { rank: rank(node), kind: kind(node), period: (within.start, within.end), available: united(available) });
    }
    Ok(found)
}

/// PRIORITY (RFC 5545 section 3.8.1.9): 1 is the highest, 9 the lowest, and 0 none.
fn rank(node: &Node<'_>) -> u8 {
    let said = node.value("PRIORITY").and_then(|value| value.trim().parse::<u8>().ok());
    said.filter(|rank| (1..LAST).contains(rank)).unwrap_or(LAST)
}

/// BUSYTYPE (section 3.2).
fn kind(node: &Node<'_>) -> FbType {
    node.value("BUSYTYPE").and_then(|value| FbType::from_name(value.trim())).unwrap_or(FbType::Unavailable)
}

/// When nobody is to ask because of these, sorted (section 4).
pub(crate) fn unavailable(layers: &[Layer]) -> Vec<Busy> {
    let mut result: Vec<Told> = Vec::new();
    for rank in 1..=LAST {
        let same: Vec<&Layer> = layers.iter().filter(|layer| layer.rank == rank).collect();
        if !same.is_empty() {
            let taken: Vec<Span> = result.iter().map(|(_, span)| *span).collect();
            let below = outside(&together(&same), &taken);
            result.extend(below);
            result.sort_unstable_by_key(|(_, span)| *span);
        }
    }
    let busy = result.into_iter().filter_map(|(kind, (start, end))| Some((kind?, start, end)));
    crate::busy::merged(busy.collect())
}

/// What is said of a time: a type, or that it is free.
type Told = (Option<FbType>, Span);

/// What components of one priority say together, sorted, none over another. Section 5 marks the periods of all of them as busy, by the strictest
/// type, before it marks what any of them has as available.
fn together(layers: &[&Layer]) -> Vec<Told> {
    const FREE: usize = 0;
    const SAYS: [Option<FbType>; 4] = [None, Some(FbType::Busy), Some(FbType::Unavailable), Some(FbType::Tentative)];
    let place = |kind: FbType| SAYS.iter().position(|says| *says == Some(kind)).unwrap_or(FREE);
    let mut edges: Vec<(Timestamp, usize, i64)> = Vec::new();
    let mut mark = |place: usize, (start, end): Span| edges.extend([(start, place, 1), (end, place, -1)]);
    for layer in layers {
        for span in &layer.available {
            mark(FREE, *span);
        }
        for (_, span) in outside(&[(None, layer.period)], &layer.available) {
            mark(place(layer.kind), span);
        }
    }
    edges.sort_unstable();
    let (mut counts, mut since, mut told) = ([0_i64; SAYS.len()], Timestamp::MIN, Vec::new());
    for (at, place, step) in edges {
        if since < at
            && let Some(first) = counts.iter().position(|count| *count > 0)
        {
            told.push((SAYS[first], (since, at)));
        }
        counts[place] += step;
        since = at;
    }
    told
}

/// The parts of sorted times that are in none of some others, which are sorted as well.
fn outside(told: &[Told], holes: &[Span]) -> Vec<Told> {
    let (mut found, mut first) = (Vec::new(), 0);
    for (kind, (start, end)) in told {
        let mut at = *start;
        while holes.get(first).is_some_and(|hole| hole.1 <= at) {
            first += 1;
        }
        for (from, to) in holes[first..].iter().take_while(|hole| hole.0 < *end) {
            if at < *from {
                found.push((*kind, (at, *from)));
            }
            at = at.max(*to);
        }
        if at < *end {
            found.push((*kind, (at, *end)));
        }
    }
    found
}

/// Sorted, and what touches is one.
fn united(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_unstable();
    let mut out: Vec<Span> = Vec::with_capacity(spans.len());
    for (start, end) in spans {
        match out.last_mut() {
            Some((_, until)) if *until >= start => *until = (*until).max(end),
            _ => out.push((start, end)),
        }
    }
    out
}

/// Times when nobody is to ask, without those when somebody is busy: events come over it (section 5), and their type is what is told.
pub(crate) fn beneath(unavailable: &[Busy], busy: &[Busy]) -> Vec<Busy> {
    let taken = united(busy.iter().filter(|(kind, ..)| *kind == FbType::Busy).map(|(_, start, end)| (*start, *end)).collect());
    let mut told: Vec<Told> = unavailable.iter().map(|(kind, start, end)| (Some(*kind), (*start, *end))).collect();
    told.sort_unstable_by_key(|(_, span)| *span);
    outside(&told, &taken).into_iter().filter_map(|(kind, (start, end))| Some((kind?, start, end))).collect()
}

/// Is it what a person says of when they can be asked (section 7.2.4): one VAVAILABILITY, time zones and nothing else? Unlike an object in a
/// calendar it may lack its UID, as what browsers write does.
pub fn validate_availability(octets: &[u8]) -> Result<(), Invalid> {
    let tree = Tree::read(octets)?;
    let calendar = tree.only("VCALENDAR")?;
    if calendar.property("METHOD").is_some() {
        return Err(Invalid::Method);
    }
    if calendar.value("VERSION").is_none_or(|version| version.trim() != "2.0") {
        return Err(Invalid::Version);
    }
    let mut others = calendar.components.iter().filter(|node| node.name != "VTIMEZONE");
    match (others.next(), others.next()) {
        (Some(node), None) if node.name == VAVAILABILITY => check(node, &tree),
        _ => Err(Invalid::NotOne(VAVAILABILITY)),
    }
}

/// Can it be understood (section 3.1)? What cannot would make somebody unavailable, or available, when nobody meant it. An AVAILABLE without an end
/// may be, and takes no time.
pub(crate) fn check(node: &Node<'_>, tree: &Tree<'_>) -> Result<(), Invalid> {
    let zones = zones_of(tree, &TimeZone::UTC);
    check_times(node, &zones)?;
    for part in node.named(AVAILABLE) {
        check_times(part, &zones)?;
        if part.property("DTSTART").is_none() {
            return Err(Invalid::Missing("DTSTART"));
        }
    }
    Ok(())
}

fn check_times(node: &Node<'_>, zones: &Zones) -> Result<(), Invalid> {
    check_values(node)?;
    let entry = |name: &str| node.property(name);
    let read = |name: &str| entry(name).and_then(|entry| Moment::read(entry).ok());
    let wrong = |name: &str, why| Err(Invalid::Availability { number: entry(name).map_or(0, |entry| entry.number), why });
    for name in ["DTSTART", "DTEND"] {
        if read(name).is_some_and(|moment| moment.is_date()) {
            return wrong(name, NotAvailable::Day);
        }
    }
    if entry("DURATION").is_some() && entry("DTEND").is_some() {
        return wrong("DURATION", NotAvailable::TwoEnds);
    }
    if entry("DURATION").is_some() && entry("DTSTART").is_none() {
        return wrong("DURATION", NotAvailable::NoStart);
    }
    if let (Some(start), Some(end)) = (read("DTSTART"), read("DTEND"))
        // Section 7.2.2: equal to or after the start.
        && zones.instant(&end) < zones.instant(&start)
    {
        return wrong("DTEND", NotAvailable::Backwards);
    }
    Ok(())
}
