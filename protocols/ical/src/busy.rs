//! When somebody is busy (RFC 4791 section 7.10), and writing it down as VFREEBUSY.

use crate::availability::{self, Layer};
use crate::edit::fold;
use crate::occurrences::{Window, calendar, visit};
use crate::recur::{ExpansionLimits, TooMany};
use crate::tree::{Node, Tree};
use crate::value::{Moment, Period, PeriodEnd, utc_text};
use crate::zone::Zones;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::ops::ControlFlow;

/// FBTYPE (RFC 5545 section 3.2.9); FREE is what nothing is said of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FbType {
    /// BUSY.
    Busy,
    /// BUSY-UNAVAILABLE.
    Unavailable,
    /// BUSY-TENTATIVE.
    Tentative,
}

impl FbType {
    /// The word on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Busy => "BUSY",
            Self::Unavailable => "BUSY-UNAVAILABLE",
            Self::Tentative => "BUSY-TENTATIVE",
        }
    }

    /// From its word. RFC 5545 section 3.2.9: what is not known is busy; `None` is FREE.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        match name.to_ascii_uppercase().as_str() {
            "FREE" => None,
            "BUSY-UNAVAILABLE" => Some(Self::Unavailable),
            "BUSY-TENTATIVE" => Some(Self::Tentative),
            _ => Some(Self::Busy),
        }
    }
}

/// A stretch of time in which somebody is busy: type, start and end.
pub type Busy = (FbType, Timestamp, Timestamp);

/// When somebody is busy within a window by all of their objects: taken one after the other, added up at the end.
#[derive(Debug)]
pub struct BusyTimes {
    window: Window,
    limits: ExpansionLimits,
    /// Times that are held at most.
    most: usize,
    busy: Vec<Busy>,
    layers: Vec<Layer>,
}

impl BusyTimes {
    /// Nothing yet. `limits` are for each object, `most` is for all of them.
    pub fn within(window: Window, limits: ExpansionLimits, most: usize) -> Self {
        Self { window, limits, most, busy: Vec::new(), layers: Vec::new() }
    }

    /// Take an object; `floating` is the zone of its floating times and days.
    pub fn take(&mut self, tree: &Tree<'_>, floating: &TimeZone) -> Result<(), TooMany> {
        self.busy.extend(busy(tree, floating, &self.window, &self.limits)?);
        self.layers.extend(availability::layers(tree, floating, &self.window, &self.limits)?);
        if self.busy.len() > self.most {
            self.busy = merged(std::mem::take(&mut self.busy));
        }
        let held = self.busy.len() + self.layers.iter().map(Layer::weight).sum::<usize>();
        if held > self.most { Err(TooMany::Instances) } else { Ok(()) }
    }

    /// All of them, merged. Where events make busy they stand over what availability says (RFC 7953 section 5).
    pub fn done(self) -> Vec<Busy> {
        let mut all = merged(self.busy);
        let unavailable = availability::unavailable(&self.layers);
        if !unavailable.is_empty() {
            let beneath = availability::beneath(&unavailable, &all);
            all.extend(beneath);
            all = merged(all);
        }
        all
    }
}

/// When all of these objects make somebody busy within a window, merged; what is no object takes no time.
pub fn busy_of(objects: &[Vec<u8>], window: &Window, limits: &ExpansionLimits) -> Result<Vec<Busy>, TooMany> {
    let mut times = BusyTimes::within(*window, *limits, limits.instances);
    for tree in objects.iter().filter_map(|object| Tree::read(object).ok()) {
        times.take(&tree, &TimeZone::UTC)?;
    }
    Ok(times.done())
}

/// When nobody is to ask, by the VAVAILABILITY of these objects alone.
pub(crate) fn unavailable_of(objects: &[Vec<u8>], window: &Window, limits: &ExpansionLimits) -> Result<Vec<Busy>, TooMany> {
    let mut layers = Vec::new();
    for tree in objects.iter().filter_map(|object| Tree::read(object).ok()) {
        layers.extend(availability::layers(&tree, &TimeZone::UTC, window, limits)?);
        if layers.iter().map(Layer::weight).sum::<usize>() > limits.instances {
            return Err(TooMany::Instances);
        }
    }
    Ok(availability::unavailable(&layers))
}

/// When an object makes its owner busy within a window, cut to the window; neither sorted nor merged. Events count unless they are transparent or
/// cancelled, and stored VFREEBUSY says so itself; tasks and journals take no time. What VAVAILABILITY says is a matter of all of somebody's objects
/// together: [`BusyTimes`].
pub fn busy(tree: &Tree<'_>, floating: &TimeZone, window: &Window, limits: &ExpansionLimits) -> Result<Vec<Busy>, TooMany> {
    let Some(calendar) = calendar(tree) else { return Ok(Vec::new()) };
    let zones = Zones::of(tree, floating);
    let mut found = Vec::new();
    let mut take = |kind: FbType, start: Timestamp, end: Timestamp| -> Result<(), TooMany> {
        let (start, end) = (start.max(window.start), end.min(window.end));
        if start < end {
            if found.len() == limits.instances {
                return Err(TooMany::Instances);
            }
            found.push((kind, start, end));
        }
        Ok(())
    };
    for node in calendar.named("VFREEBUSY") {
        for entry in node.all("FREEBUSY") {
            let Some(kind) = entry.param("FBTYPE").map_or(Some(FbType::Busy), FbType::from_name) else { continue };
            for (start, end) in crate::occurrences::periods(entry.value(), &zones) {
                take(kind, start, end)?;
            }
        }
    }
    let kinds: Vec<Option<FbType>> = calendar.components.iter().map(kind_of).collect();
    visit(tree, &zones, window, limits, &mut |occurrence| {
        if let Some(kind) = kinds[occurrence.component] {
            take(kind, occurrence.start, occurrence.end)?;
        }
        Ok(ControlFlow::<()>::Continue(()))
    })?;
    Ok(found)
}

/// What an event makes its time; `None`: nothing.
fn kind_of(node: &Node<'_>) -> Option<FbType> {
    let is = |name: &str, value: &str| node.value(name).is_some_and(|found| found.trim().eq_ignore_ascii_case(value));
    if node.name != "VEVENT" || is("TRANSP", "TRANSPARENT") || is("STATUS", "CANCELLED") {
        return None;
    }
    Some(if is("STATUS", "TENTATIVE") { FbType::Tentative } else { FbType::Busy })
}

/// Sorted by start; what touches or overlaps and is of one type is one.
pub fn merged(mut list: Vec<Busy>) -> Vec<Busy> {
    list.sort_unstable();
    let mut out: Vec<Busy> = Vec::with_capacity(list.len());
    for (kind, start, end) in list {
        match out.last_mut() {
            Some((last, _, until)) if *last == kind && *until >= start => *until = (*until).max(end),
            _ => out.push((kind, start, end)),
        }
    }
    out.sort_unstable_by_key(|(kind, start, end)| (*start, *end, *kind));
    out
}

/// A VFREEBUSY in its calendar, of merged times. `lines` are further properties of the component, unfolded and as they are to stand, such as
/// `UID:…`, `ORGANIZER:…` and `ATTENDEE:…`; `method` is METHOD, of an answer to a request.
pub fn write_free_busy(window: &Window, list: &[Busy], lines: &[String], stamp: Timestamp, method: Option<&str>) -> Vec<u8> {
    let mut out = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Octroi//Calendar//EN\r\n".to_vec();
    if let Some(method) = method {
        out.extend(fold(&format!("METHOD:{method}")));
    }
    out.extend(b"BEGIN:VFREEBUSY\r\n");
    for line in lines {
        out.extend(fold(line));
    }
    for (name, instant) in [("DTSTAMP", stamp), ("DTSTART", window.start), ("DTEND", window.end)] {
        out.extend(fold(&format!("{name}:{}", utc_text(instant))));
    }
    for (kind, start, end) in list {
        out.extend(fold(&format!("FREEBUSY;FBTYPE={}:{}/{}", kind.name(), utc_text(*start), utc_text(*end))));
    }
    out.extend(b"END:VFREEBUSY\r\nEND:VCALENDAR\r\n");
    out
}

/// RFC 4791 section 9.6.7, `limit-freebusy-set`: an object with only those FREEBUSY values that overlap the window; of everything else each octet.
pub fn limit_freebusy_set(tree: &Tree<'_>, window: &Window) -> Vec<u8> {
    let mut edits = crate::edit::Edits::of(tree.octets);
    let zones = Zones::of(tree, &TimeZone::UTC);
    let nodes = calendar(tree).into_iter().flat_map(|calendar| calendar.named("VFREEBUSY"));
    for entry in nodes.flat_map(|node| node.all("FREEBUSY")) {
        let all: Vec<&str> = entry.value().split(',').collect();
        let kept: Vec<&str> = all.iter().copied().filter(|value| overlaps(value, &zones, window)).collect();
        if kept.is_empty() {
            edits.remove(entry.range.clone());
        } else if kept.len() < all.len() {
            let head = &entry.text()[..entry.text().len() - entry.value().len()];
            edits.replace(entry.range.clone(), &format!("{head}{}", kept.join(",")));
        }
    }
    edits.apply()
}

fn overlaps(value: &str, zones: &Zones, window: &Window) -> bool {
    let Ok(period) = Period::of(value, None) else { return true };
    let start = zones.instant(&period.start);
    let end = match &period.end {
        PeriodEnd::At(moment) => zones.instant(moment),
        PeriodEnd::After(length) => length.after(start, &TimeZone::UTC),
    };
    window.start < end && window.end > start
}

/// The window that a free/busy request names: its DTSTART and DTEND, which are in UTC (RFC 5545 section 3.6.4).
pub fn requested(node: &Node<'_>) -> Option<Window> {
    let read = |name: &str| match node.property(name).map(Moment::read) {
        Some(Ok(Moment::Utc(instant))) => Some(instant),
        _ => None,
    };
    Some(Window { start: read("DTSTART")?, end: read("DTEND")? }).filter(|window| window.start < window.end)
}
