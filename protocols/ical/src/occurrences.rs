//! When the components of an object are: what time-range filters, expansion, free/busy and the index ask.
//!
//! Called with an object that may be anybody's: a whole calendar or one event. What always holds: overlap is by the tables of RFC 4791 section 9.9; the
//! work is bounded by [`ExpansionLimits`]; nothing panics.
//!
//! An override (RECURRENCE-ID) takes the place of the instance that it names; with `RANGE=THISANDFUTURE` those after it move and last as it does, until
//! the next such override. One that names an instance that is not there is an occurrence all the same, as it is all that an attendee of one instance
//! has.

use crate::availability::{self, VAVAILABILITY};
use crate::extent::Extent;
use crate::recur::days;
use crate::recur::{Budget, ExpansionLimits, Instance, Keys, Series, TooMany};
use crate::tree::{Node, Tree};
use crate::value::{Moment, Period, PeriodEnd};
use crate::zone::{Zones, instant_in};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::collections::HashMap;
use std::ops::ControlFlow;

/// A time range: its start included, its end not. Open ends are [`Timestamp::MIN`] and [`Timestamp::MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// From here.
    pub start: Timestamp,
    /// Until here.
    pub end: Timestamp,
}

impl Window {
    /// All of time.
    pub const ALL: Self = Self { start: Timestamp::MIN, end: Timestamp::MAX };
}

/// One time at which a component is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occurrence {
    /// Of a recurring component: which of its instances, in the form of its DTSTART. Of an override, its RECURRENCE-ID as sent.
    pub recurrence_id: Option<Moment>,
    /// When it begins. A task without any time is all of time.
    pub start: Timestamp,
    /// When it ends; the start, for what takes no time.
    pub end: Timestamp,
    /// Which of the VCALENDAR's components says so.
    pub component: usize,
    /// The start as the component writes it (of a task that recurs by its DUE, that); `None` of other tasks without DTSTART, and of free/busy times.
    pub begins: Option<Moment>,
}

/// The occurrences that overlap a window, in the order of their starts. Of VEVENT, VTODO, VJOURNAL, VFREEBUSY and VAVAILABILITY; `floating` is the zone for
/// floating times and days.
pub fn occurrences(tree: &Tree<'_>, floating: &TimeZone, window: &Window, limits: &ExpansionLimits) -> Result<Vec<Occurrence>, TooMany> {
    let mut found = Vec::new();
    let zones = Zones::of(tree, floating);
    visit(tree, &zones, window, limits, &mut |occurrence| {
        if found.len() == limits.instances {
            return Err(TooMany::Instances);
        }
        found.push(occurrence);
        Ok(ControlFlow::<()>::Continue(()))
    })?;
    found.sort_by_key(|occurrence| (occurrence.start, occurrence.component));
    Ok(found)
}

/// Whether a component of this kind (such as `VEVENT`) is in a window: as soon as one occurrence is found.
pub fn occurs(tree: &Tree<'_>, kind: &str, floating: &TimeZone, window: &Window, limits: &ExpansionLimits) -> Result<bool, TooMany> {
    let Some(calendar) = calendar(tree) else { return Ok(false) };
    let zones = Zones::of(tree, floating);
    let found = visit(tree, &zones, window, limits, &mut |occurrence| {
        let wanted = calendar.components[occurrence.component].name == kind;
        Ok(if wanted { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    Ok(found.is_some())
}

/// The first VCALENDAR.
pub(crate) fn calendar<'t, 'a>(tree: &'t Tree<'a>) -> Option<&'t Node<'a>> {
    tree.components.iter().find(|node| node.name == "VCALENDAR")
}

/// Shows every occurrence in a window, in no special order, until somebody has enough.
pub(crate) fn visit<B>(
    tree: &Tree<'_>,
    zones: &Zones,
    window: &Window,
    limits: &ExpansionLimits,
    visit: &mut impl FnMut(Occurrence) -> Result<ControlFlow<B>, TooMany>,
) -> Result<Option<B>, TooMany> {
    let Some(calendar) = calendar(tree) else { return Ok(None) };
    let mut budget = Budget::new(limits);
    for (at, node) in calendar.components.iter().enumerate().filter(|(_, node)| node.name == "VFREEBUSY") {
        for (start, end) in free_busy(node, zones, window) {
            let occurrence = Occurrence { recurrence_id: None, start, end, component: at, begins: None };
            if let ControlFlow::Break(enough) = visit(occurrence)? {
                return Ok(Some(enough));
            }
        }
    }
    // RFC 7953 section 7.2.2.
    for (at, node) in calendar.components.iter().enumerate().filter(|(_, node)| node.name == VAVAILABILITY) {
        let (start, end) = availability::period(node, zones);
        let occurrence = Occurrence { recurrence_id: None, start, end, component: at, begins: None };
        if window.start < end
            && window.end > start
            && let ControlFlow::Break(enough) = visit(occurrence)?
        {
            return Ok(Some(enough));
        }
    }
    visit_groups(calendar, zones, window, &mut budget, visit)
}

/// The same of what recurs directly in a component: of the AVAILABLE in a VAVAILABILITY too.
pub(crate) fn visit_groups<B>(
    around: &Node<'_>,
    zones: &Zones,
    window: &Window,
    budget: &mut Budget,
    visit: &mut impl FnMut(Occurrence) -> Result<ControlFlow<B>, TooMany>,
) -> Result<Option<B>, TooMany> {
    for group in groups(around) {
        if let Some(enough) = group.visit(around, zones, window, budget, visit)? {
            return Ok(Some(enough));
        }
    }
    Ok(None)
}

/// What is one recurring thing: a component and those that override its instances.
#[derive(Debug, Default)]
pub(crate) struct Group {
    /// The one without RECURRENCE-ID.
    pub(crate) main: Option<usize>,
    pub(crate) overrides: Vec<usize>,
}

/// The groups of a calendar: by kind and UID. Of two main components with one UID, which nobody should have, each is a group.
pub(crate) fn groups(calendar: &Node<'_>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut by_uid: HashMap<(&str, &str), usize> = HashMap::new();
    for (at, node) in calendar.components.iter().enumerate() {
        if !matches!(node.name.as_str(), "VEVENT" | "VTODO" | "VJOURNAL" | "AVAILABLE") {
            continue;
        }
        let key = (node.name.as_str(), node.value("UID").unwrap_or_default().trim());
        let group = *by_uid.entry(key).or_insert_with(|| {
            groups.push(Group::default());
            groups.len() - 1
        });
        if node.property("RECURRENCE-ID").is_some() {
            groups[group].overrides.push(at);
        } else if groups[group].main.is_none() {
            groups[group].main = Some(at);
        } else {
            groups.push(Group { main: Some(at), overrides: Vec::new() });
        }
    }
    groups
}

/// An override with RANGE=THISANDFUTURE: how what follows it differs from the series.
struct Change {
    from: Timestamp,
    component: usize,
    /// Local seconds by which starts move.
    shift: i64,
    extent: Extent,
    zone: TimeZone,
    begins: Moment,
}

impl Group {
    fn visit<B>(
        &self,
        calendar: &Node<'_>,
        zones: &Zones,
        window: &Window,
        budget: &mut Budget,
        visit: &mut impl FnMut(Occurrence) -> Result<ControlFlow<B>, TooMany>,
    ) -> Result<Option<B>, TooMany> {
        for at in &self.overrides {
            budget.take(1)?;
            if let Some(occurrence) = single(&calendar.components[*at], *at, zones, window)
                && let ControlFlow::Break(enough) = visit(occurrence)?
            {
                return Ok(Some(enough));
            }
        }
        let Some(at) = self.main else { return Ok(None) };
        let node = &calendar.components[at];
        let Some(series) = Series::of(node, zones) else {
            // A task without a start does not recur.
            let found = single(node, at, zones, window).map(&mut *visit).transpose()?;
            return Ok(found.and_then(ControlFlow::break_value));
        };
        let (overridden, changes) = self.differing(calendar, zones, &series);
        let extent = Extent::of(node, &series.start, zones);
        let recurs = series.recurs() || !self.overrides.is_empty();
        let range = local_range(&series, &extent, &changes, window);
        series.walk(range, budget, &mut |instance: Instance, budget: &mut Budget| {
            budget.take(1)?;
            if overridden.has(&series, &instance) {
                return Ok(ControlFlow::Continue(()));
            }
            let recurrence_id = recurs.then(|| series.start.with_local(days::local(instance.local)));
            let change = changes[..changes.partition_point(|change| change.from < instance.instant)].last();
            let mut occurrence = if let Some(change) = change {
                change.apply(&instance)
            } else {
                let end = instance.end.unwrap_or_else(|| extent.end(instance.instant, &series.zone));
                let begins = Some(series.start.with_local(days::local(instance.local)));
                Occurrence { recurrence_id: None, start: instance.instant, end, component: at, begins }
            };
            occurrence.recurrence_id = recurrence_id;
            let kind = change.map_or(&extent, |change| &change.extent);
            if !kind.overlaps(occurrence.start, occurrence.end, window) {
                return Ok(ControlFlow::Continue(()));
            }
            visit(occurrence)
        })
    }

    /// The instances that overrides stand for, and what changes all that follow, in their order.
    fn differing(&self, calendar: &Node<'_>, zones: &Zones, series: &Series) -> (Keys, Vec<Change>) {
        let (mut overridden, mut changes) = (Keys::default(), Vec::new());
        for at in &self.overrides {
            let node = &calendar.components[*at];
            let Some(entry) = node.property("RECURRENCE-ID") else { continue };
            let Ok(named) = Moment::read(entry) else { continue };
            overridden.add(series, &named, zones);
            let goes_on = entry.param("RANGE").is_some_and(|range| range.eq_ignore_ascii_case("THISANDFUTURE"));
            let begins = node.property("DTSTART").and_then(|entry| Moment::read(entry).ok());
            if let (true, Some(begins)) = (goes_on, begins) {
                let (from, zone) = (series.instant(&named, zones), zones.zone(&begins));
                let shift = days::seconds(begins.local()) - days::seconds(zone.to_datetime(from));
                let extent = Extent::of(node, &begins, zones);
                changes.push(Change { from, component: *at, shift, extent, zone, begins });
            }
        }
        changes.sort_by_key(|change| change.from);
        (overridden, changes)
    }
}

impl Change {
    fn apply(&self, instance: &Instance) -> Occurrence {
        let local = days::local(days::seconds(self.zone.to_datetime(instance.instant)).saturating_add(self.shift));
        let start = instant_in(local, &self.zone);
        let end = self.extent.end(start, &self.zone);
        Occurrence { recurrence_id: None, start, end, component: self.component, begins: Some(self.begins.with_local(local)) }
    }
}

/// The local seconds of a series between which instances can be in a window: with what they last and move by, and room for clocks that change.
fn local_range(series: &Series, extent: &Extent, changes: &[Change], window: &Window) -> (i64, i64) {
    const ROOM: i64 = 2 * days::DAY;
    let back = changes.iter().map(|change| change.extent.longest().saturating_add(change.shift)).fold(extent.longest(), i64::max);
    let ahead = changes.iter().map(|change| -change.shift).fold(0, i64::max);
    let back = back.max(series.longest());
    let local = |instant: Timestamp| days::seconds(series.zone.to_datetime(instant));
    (local(window.start).saturating_sub(back + ROOM), local(window.end).saturating_add(ahead + ROOM))
}

/// The one occurrence of a component that does not recur by itself, if it is in a window.
pub(crate) fn single(node: &Node<'_>, at: usize, zones: &Zones, window: &Window) -> Option<Occurrence> {
    let recurrence_id = node.property("RECURRENCE-ID").and_then(|entry| Moment::read(entry).ok());
    let read = |name: &str| node.property(name).and_then(|entry| Moment::read(entry).ok());
    if let Some(begins) = read("DTSTART") {
        let (extent, zone) = (Extent::of(node, &begins, zones), zones.zone(&begins));
        let start = zones.instant(&begins);
        let end = extent.end(start, &zone);
        return extent.overlaps(start, end, window).then_some(Occurrence {
            recurrence_id,
            start,
            end,
            component: at,
            begins: Some(begins),
        });
    }
    let (start, end) = undated(node, zones, window)?;
    Some(Occurrence { recurrence_id, start, end, component: at, begins: None })
}

/// RFC 4791 section 9.9, the rows of tasks without DTSTART; an event or journal without it is nowhere.
fn undated(node: &Node<'_>, zones: &Zones, window: &Window) -> Option<(Timestamp, Timestamp)> {
    if node.name != "VTODO" {
        return None;
    }
    let read = |name: &str| node.property(name).and_then(|entry| Moment::read(entry).ok()).map(|moment| zones.instant(&moment));
    match (read("DUE"), read("COMPLETED"), read("CREATED")) {
        (Some(due), _, _) => (window.start < due && window.end >= due).then_some((due, due)),
        (None, Some(completed), Some(created)) => {
            let starts = window.start <= created || window.start <= completed;
            let ends = window.end >= created || window.end >= completed;
            (starts && ends).then(|| (created.min(completed), created.max(completed)))
        }
        (None, Some(completed), None) => (window.start <= completed && window.end >= completed).then_some((completed, completed)),
        (None, None, Some(created)) => (window.end > created).then_some((created, Timestamp::MAX)),
        (None, None, None) => Some((Timestamp::MIN, Timestamp::MAX)),
    }
}

/// RFC 4791 section 9.9, VFREEBUSY.
pub(crate) fn free_busy(node: &Node<'_>, zones: &Zones, window: &Window) -> Vec<(Timestamp, Timestamp)> {
    let read = |name: &str| node.property(name).and_then(|entry| Moment::read(entry).ok()).map(|moment| zones.instant(&moment));
    if let (Some(start), Some(end)) = (read("DTSTART"), read("DTEND")) {
        // Never before it begins, whatever the object says.
        let end = end.max(start);
        return if window.start <= end && window.end > start { vec![(start, end)] } else { Vec::new() };
    }
    let overlapping = |(start, end): &(Timestamp, Timestamp)| window.start < *end && window.end > *start;
    node.all("FREEBUSY").flat_map(|entry| periods(entry.value(), zones)).filter(overlapping).collect()
}

/// The instants of a list of periods; those that cannot be read are left out.
pub(crate) fn periods(value: &str, zones: &Zones) -> Vec<(Timestamp, Timestamp)> {
    let instants = |period: Period| {
        let start = zones.instant(&period.start);
        let end = match period.end {
            PeriodEnd::At(moment) => zones.instant(&moment),
            PeriodEnd::After(length) => length.after(start, &TimeZone::UTC),
        };
        (start, end.max(start))
    };
    value.split(',').filter_map(|value| Period::of(value, None).ok()).map(instants).collect()
}
