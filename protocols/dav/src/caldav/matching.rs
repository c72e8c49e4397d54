//! Whether an object is what a filter asks for (RFC 4791 sections 9.7 and 9.9).
//!
//! All conditions on a component hold of the same one: a series and each override of it are one each. An object whose occurrences take too long
//! to find is taken to be what is asked for, so that nobody misses it.

use super::filter::{Asked, AskedParameter, AskedProperty, ComponentFilter, Filter, PropertyFilter, TimeRange};
use jiff::tz::TimeZone;
use octroi_ical::{Entry, ExpansionLimits, Moment, Node, Tree, Window, Zones, alarms, occurrences, occurs, unescaped};
use std::collections::BTreeSet;

/// How times without a zone are understood, and how much work an object may make.
#[derive(Debug, Clone)]
pub(crate) struct Floating {
    pub zone: TimeZone,
    pub limits: ExpansionLimits,
}

impl From<TimeRange> for Window {
    fn from(range: TimeRange) -> Self {
        Self { start: range.start, end: range.end }
    }
}

/// Is it?
pub(crate) fn fits(filter: &Filter, tree: &Tree<'_>, floating: &Floating) -> bool {
    let calendar = tree.components.iter().find(|node| node.name == filter.0.name);
    match (&filter.0.asked, calendar) {
        (None, calendar) => calendar.is_none(),
        (Some(_), None) => false,
        (Some(asked), Some(calendar)) => {
            let object = Object { tree, floating, zones: Zones::of(tree, &floating.zone) };
            object.has(asked, calendar, None)
        }
    }
}

struct Object<'a> {
    tree: &'a Tree<'a>,
    floating: &'a Floating,
    zones: Zones,
}

impl Object<'_> {
    /// Does a component have what is asked but for the time? `at`: which it is of the calendar's; `None` for that itself.
    fn has(&self, asked: &Asked, node: &Node<'_>, at: Option<usize>) -> bool {
        asked.properties.iter().all(|property| self.has_property(property, node))
            && asked.components.iter().all(|component| self.has_component(component, node, at))
    }

    fn has_component(&self, filter: &ComponentFilter, around: &Node<'_>, at: Option<usize>) -> bool {
        let mut named = around.components.iter().enumerate().filter(|(_, node)| node.name == filter.name);
        let Some(asked) = &filter.asked else { return named.next().is_none() };
        let is_bare = asked.properties.is_empty() && asked.components.is_empty();
        if let (Some(range), true, None) = (asked.range, is_bare, at) {
            // Found as soon as there is one, in however long a window.
            let (zone, limits) = (&self.floating.zone, &self.floating.limits);
            return occurs(self.tree, &filter.name, zone, &range.into(), limits).unwrap_or(true);
        }
        let within = asked.range.map(|range| self.within(range, &filter.name, at));
        named.any(|(index, node)| {
            within.as_ref().is_none_or(|within| within.has(index)) && self.has(asked, node, at.map_or(Some(index), |_| None))
        })
    }

    /// Which of the components around which alarms there are, or of the calendar's, are in a time range.
    fn within(&self, range: TimeRange, name: &str, at: Option<usize>) -> Within {
        let (zone, window, limits) = (&self.floating.zone, range.into(), &self.floating.limits);
        let found: Option<BTreeSet<usize>> = match at {
            None => occurrences(self.tree, zone, &window, limits).ok().map(|found| found.iter().map(|one| one.component).collect()),
            Some(at) if name == "VALARM" => alarms(self.tree, zone, &window, limits)
                .ok()
                .map(|found| found.iter().filter(|alarm| alarm.component == at).map(|alarm| alarm.alarm).collect()),
            // Nothing else in a component has a time.
            Some(_) => Some(BTreeSet::new()),
        };
        found.map_or(Within::Any, Within::These)
    }

    fn has_property(&self, filter: &PropertyFilter, node: &Node<'_>) -> bool {
        let mut named = node.properties.iter().filter(|entry| entry.is(&filter.name));
        match &filter.asked {
            None => named.next().is_none(),
            Some(asked) => named.any(|entry| self.says(asked, entry)),
        }
    }

    fn says(&self, asked: &AskedProperty, entry: &Entry<'_>) -> bool {
        let in_range = |range: TimeRange| {
            let moments = Moment::list(entry).unwrap_or_default();
            moments.iter().map(|moment| self.zones.instant(moment)).any(|at| range.start <= at && at < range.end)
        };
        asked.range.is_none_or(in_range)
            && asked.text.as_ref().is_none_or(|text| text.fits(&unescaped(entry.value())))
            && (asked.parameters.is_empty() || has_parameters(asked, entry))
    }
}

fn has_parameters(asked: &AskedProperty, entry: &Entry<'_>) -> bool {
    let line = entry.line();
    asked.parameters.iter().all(|filter| {
        let mut named = line.params.iter().filter(|parameter| parameter.name.eq_ignore_ascii_case(&filter.name));
        match &filter.asked {
            AskedParameter::Absent => named.next().is_none(),
            AskedParameter::Present => named.next().is_some(),
            AskedParameter::Text(text) => named.any(|parameter| parameter.values.iter().any(|value| text.fits(value))),
        }
    })
}

/// Which components are in a time range.
enum Within {
    These(BTreeSet<usize>),
    /// They cannot all be found.
    Any,
}

impl Within {
    fn has(&self, index: usize) -> bool {
        match self {
            Self::These(these) => these.contains(&index),
            Self::Any => true,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::xml::parse;

    /// A weekly meeting from Monday, 5 January 2026, 9:00 in Paris, of which the second is on Tuesday; half an hour; rings ten minutes before.
    const SERIES: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:a\r\nDTSTAMP:20260101T000000Z\r\n\
        DTSTART;TZID=Europe/Paris:20260105T090000\r\nDURATION:PT30M\r\nRRULE:FREQ=WEEKLY\r\nSUMMARY:Réunion\\, petite\r\n\
        ATTENDEE;PARTSTAT=NEEDS-ACTION;CN=\"Lisa\":mailto:lisa@a.example\r\nATTENDEE;PARTSTAT=ACCEPTED:mailto:paul@a.example\r\n\
        BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT10M\r\nEND:VALARM\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:a\r\nDTSTAMP:20260101T000000Z\r\n\
        RECURRENCE-ID;TZID=Europe/Paris:20260112T090000\r\nDTSTART;TZID=Europe/Paris:20260113T090000\r\nDURATION:PT30M\r\n\
        SUMMARY:Autre\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

    fn is_it(object: &str, inside: &str) -> bool {
        let text = format!(
            r#"<C:filter xmlns:C="urn:ietf:params:xml:ns:caldav"><C:comp-filter name="VCALENDAR">{inside}</C:comp-filter></C:filter>"#
        );
        let filter = Filter::read(&parse(text.as_bytes()).unwrap()).unwrap();
        let zone = octroi_ical::by_name("Europe/Paris").unwrap();
        fits(&filter, &Tree::read(object.as_bytes()).unwrap(), &Floating { zone, limits: ExpansionLimits::default() })
    }

    fn event(inside: &str) -> String {
        format!("<C:comp-filter name='VEVENT'>{inside}</C:comp-filter>")
    }

    fn range(start: &str, end: &str) -> String {
        format!("<C:time-range start='{start}' end='{end}'/>")
    }

    #[test]
    fn times_are_those_of_the_occurrences() {
        for (start, end, fits) in [
            ("20260105T080000Z", "20260105T083000Z", true),
            ("20260105T083000Z", "20260112T080000Z", false),
            // Moved to Tuesday.
            ("20260112T080000Z", "20260112T090000Z", false),
            ("20260113T080000Z", "20260113T090000Z", true),
            // In summer an hour earlier.
            ("20260706T070000Z", "20260706T073000Z", true),
            ("20260706T080000Z", "20260706T083000Z", false),
            ("20251229T000000Z", "20260105T080000Z", false),
        ] {
            assert_eq!(is_it(SERIES, &event(&range(start, end))), fits, "{start}");
        }
        assert!(is_it(SERIES, &event("<C:time-range start='20960101T000000Z'/>")));
        assert!(!is_it(SERIES, &format!("<C:comp-filter name='VTODO'>{}</C:comp-filter>", range("20260105T080000Z", "20260105T083000Z"))));
        assert!(is_it(SERIES, "<C:comp-filter name='VTODO'><C:is-not-defined/></C:comp-filter>"));
        assert!(!is_it(SERIES, &event("<C:is-not-defined/>")));
    }

    #[test]
    fn all_conditions_hold_of_one_component() {
        let called = |name: &str| format!("<C:prop-filter name='SUMMARY'><C:text-match>{name}</C:text-match></C:prop-filter>");
        let moved = range("20260113T000000Z", "20260114T000000Z");
        assert!(is_it(SERIES, &event(&(moved.clone() + &called("autre")))));
        assert!(!is_it(SERIES, &event(&(moved + &called("petite")))));
        assert!(is_it(SERIES, &event(&called("union, petite"))));
        let who = |address: &str, status: &str| {
            format!(
                "<C:prop-filter name='ATTENDEE'><C:text-match>{address}</C:text-match><C:param-filter name='partstat'>\
                <C:text-match collation='i;ascii-casemap'>{status}</C:text-match></C:param-filter></C:prop-filter>"
            )
        };
        assert!(is_it(SERIES, &event(&who("mailto:lisa@A.example", "needs-action"))));
        assert!(!is_it(SERIES, &event(&who("mailto:lisa@a.example", "accepted"))));
        assert!(is_it(SERIES, &event("<C:prop-filter name='LOCATION'><C:is-not-defined/></C:prop-filter>")));
        assert!(!is_it(SERIES, &event("<C:prop-filter name='UID'><C:is-not-defined/></C:prop-filter>")));
        assert!(is_it(
            SERIES,
            &event("<C:prop-filter name='SUMMARY'><C:text-match negate-condition='yes'>petite</C:text-match></C:prop-filter>")
        ));
        let no_cn = "<C:prop-filter name='ATTENDEE'><C:param-filter name='CN'><C:is-not-defined/></C:param-filter></C:prop-filter>";
        assert!(is_it(SERIES, &event(no_cn)));
        let stamped = |start: &str, end: &str| format!("<C:prop-filter name='DTSTAMP'>{}</C:prop-filter>", range(start, end));
        assert!(is_it(SERIES, &event(&stamped("20260101T000000Z", "20260101T000001Z"))));
        assert!(!is_it(SERIES, &event(&stamped("20260101T000001Z", "20260102T000000Z"))));
    }

    #[test]
    fn alarms_ring_when_they_do() {
        let alarm = |start: &str, end: &str| event(&format!("<C:comp-filter name='VALARM'>{}</C:comp-filter>", range(start, end)));
        assert!(is_it(SERIES, &alarm("20260105T075000Z", "20260105T075100Z")));
        assert!(!is_it(SERIES, &alarm("20260105T075100Z", "20260105T080000Z")));
        assert!(is_it(SERIES, &event("<C:comp-filter name='VALARM'/>")));
        assert!(is_it(SERIES, &event("<C:comp-filter name='VALARM'><C:is-not-defined/></C:comp-filter>")), "the override has none");
    }

    #[test]
    fn tasks_by_the_table_of_the_standard_and_floating_times_in_the_zone_that_is_given() {
        let todo = |lines: &str| format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VTODO\r\nUID:t\r\n{lines}END:VTODO\r\nEND:VCALENDAR\r\n");
        let week = format!("<C:comp-filter name='VTODO'>{}</C:comp-filter>", range("20260105T000000Z", "20260112T000000Z"));
        for (lines, fits) in [
            ("", true),
            ("DUE:20260106T000000Z\r\n", true),
            ("DUE:20260113T000000Z\r\n", false),
            ("DTSTART:20260111T235959Z\r\n", true),
            // An hour earlier in UTC than it says.
            ("DTSTART:20260112T003000\r\n", true),
            ("DTSTART:20260112T013000\r\n", false),
        ] {
            assert_eq!(is_it(&todo(lines), &week), fits, "{lines}");
        }
    }
}
