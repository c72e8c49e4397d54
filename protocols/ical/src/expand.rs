//! An object as reports give it instead of the whole: expanded to its instances (RFC 4791 section 9.6.5), or without the overrides that do not matter
//! (section 9.6.6).

use crate::availability::VAVAILABILITY;
use crate::edit::{Edits, fold};
use crate::extent::Extent;
use crate::limits::EXPANDED_BYTES_MAX;
use crate::occurrences::{Occurrence, Window, calendar, groups, occurrences, single};
use crate::recur::{ExpansionLimits, Series, TooMany};
use crate::tree::{Entry, Node, Tree};
use crate::value::{Length, Moment, utc_text};
use crate::zone::Zones;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A component for each instance within a window, without recurrence properties and time zones, times with a zone in UTC. Days stay days and floating
/// times float. Properties that do not change are the octets that were put.
pub fn expand(tree: &Tree<'_>, floating: &TimeZone, window: &Window, limits: &ExpansionLimits) -> Result<Vec<u8>, TooMany> {
    let Some(calendar) = calendar(tree) else { return Ok(tree.octets.to_vec()) };
    let zones = Zones::of(tree, floating);
    let mut out = tree.octets[calendar.begin.clone()].to_vec();
    for entry in &calendar.properties {
        out.extend_from_slice(&tree.octets[entry.range.clone()]);
    }
    for occurrence in occurrences(tree, floating, window, limits)? {
        let node = &calendar.components[occurrence.component];
        if matches!(node.name.as_str(), "VFREEBUSY" | VAVAILABILITY) {
            out.extend_from_slice(&tree.octets[node.range.clone()]);
        } else {
            Instance { tree, node, zones: &zones, occurrence: &occurrence }.write(&mut out);
        }
        // Many instances of a large event are more than anybody asked for.
        if out.len() > EXPANDED_BYTES_MAX {
            return Err(TooMany::Octets);
        }
    }
    out.extend_from_slice(&tree.octets[calendar.end.clone()]);
    Ok(out)
}

struct Instance<'o> {
    tree: &'o Tree<'o>,
    node: &'o Node<'o>,
    zones: &'o Zones,
    occurrence: &'o Occurrence,
}

impl Instance<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.tree.octets[self.node.begin.clone()]);
        for entry in &self.node.properties {
            self.property(entry, out);
        }
        if let Some(named) = &self.occurrence.recurrence_id {
            let named = self.in_utc(named.clone(), self.zones.instant(named));
            out.extend(fold(&format!("RECURRENCE-ID{}", named.written())));
        }
        for node in &self.node.components {
            out.extend_from_slice(&self.tree.octets[node.range.clone()]);
        }
        out.extend_from_slice(&self.tree.octets[self.node.end.clone()]);
    }

    fn property(&self, entry: &Entry<'_>, out: &mut Vec<u8>) {
        let name = entry.name().to_ascii_uppercase();
        let Occurrence { start, end, begins, .. } = self.occurrence;
        let line = match (name.as_str(), begins) {
            ("RRULE" | "RDATE" | "EXDATE" | "EXRULE" | "RECURRENCE-ID", _) => return,
            ("DTSTART", Some(begins)) => Some(format!("DTSTART{}", self.in_utc(begins.clone(), *start).written())),
            ("DTEND" | "DUE", Some(begins)) => {
                let end = begins.with_local(self.zones.floating().to_datetime(*end));
                Some(format!("{name}{}", self.in_utc(end, self.occurrence.end).written()))
            }
            ("DURATION", Some(begins)) => {
                let said = Length::of(entry.value()).map(|length| length.after(*start, &self.zones.zone(begins)));
                // Other than what it says: an RDATE that is a period.
                (said != Ok(*end)).then(|| format!("DURATION:PT{}S", end.as_second() - start.as_second()))
            }
            _ => match Moment::read(entry) {
                Ok(moment @ Moment::Zoned(..)) if self.zones.named(entry.param("TZID").unwrap_or_default()).is_some() => {
                    Some(format!("{name}:{}", utc_text(self.zones.instant(&moment))))
                }
                _ => None,
            },
        };
        match line {
            Some(line) => out.extend(fold(&line)),
            None => out.extend_from_slice(&self.tree.octets[entry.range.clone()]),
        }
    }

    /// RFC 4791 section 9.6.5: a local time with a zone becomes UTC.
    fn in_utc(&self, moment: Moment, instant: Timestamp) -> Moment {
        match moment {
            Moment::Zoned(_, tzid) if self.zones.named(&tzid).is_some() => Moment::Utc(instant),
            Moment::Zoned(local, _) => Moment::Floating(local),
            Moment::Utc(_) => Moment::Utc(instant),
            other => other,
        }
    }
}

/// RFC 4791 section 9.6.6, `limit-recurrence-set`: the object without the overrides that have nothing to do with the window: neither they nor the
/// instances they stand for are in it, nor do they change what is.
pub fn limit_recurrence_set(tree: &Tree<'_>, floating: &TimeZone, window: &Window) -> Vec<u8> {
    let Some(calendar) = calendar(tree) else { return tree.octets.to_vec() };
    let zones = Zones::of(tree, floating);
    let mut edits = Edits::of(tree.octets);
    for group in groups(calendar) {
        let main = group.main.map(|at| &calendar.components[at]);
        let series = main.and_then(|node| Some((node, Series::of(node, &zones)?)));
        for at in &group.overrides {
            let node = &calendar.components[*at];
            let matters = single(node, *at, &zones, window).is_some()
                || series.as_ref().is_some_and(|(main, series)| stands_in(node, main, series, &zones, window));
            if series.is_some() && !matters {
                edits.remove(node.range.clone());
            }
        }
    }
    edits.apply()
}

/// Whether an override stands for an instance in the window, or changes those behind it.
fn stands_in(node: &Node<'_>, main: &Node<'_>, series: &Series, zones: &Zones, window: &Window) -> bool {
    let Some(entry) = node.property("RECURRENCE-ID") else { return true };
    let Ok(named) = Moment::read(entry) else { return true };
    let start = series.instant(&named, zones);
    if entry.param("RANGE").is_some_and(|range| range.eq_ignore_ascii_case("THISANDFUTURE")) {
        return start < window.end;
    }
    let extent = Extent::of(main, &series.start, zones);
    extent.overlaps(start, extent.end(start, &series.zone), window)
}
