//! Times as scheduling compares them: which instance a RECURRENCE-ID or EXDATE means, however it is written.

use super::compose::renamed;
use crate::recur::ExpansionLimits;
use crate::span::span;
use crate::tree::{Entry, Tree};
use crate::value::{Moment, utc_text};
use crate::zone::{by_name, instant_in};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// What a property with one time says.
pub(crate) fn key(entry: &Entry<'_>) -> String {
    key_of(entry, entry.value())
}

/// One of the times of a property. The same instant is the same text where its zone is known by name.
pub(super) fn key_of(entry: &Entry<'_>, value: &str) -> String {
    let value = value.trim();
    match Moment::of(value, entry.param("TZID"), entry.param("VALUE")) {
        Ok(Moment::Utc(instant)) => utc_text(instant),
        Ok(Moment::Zoned(local, zone)) => match by_name(&zone) {
            Some(zone) => utc_text(instant_in(local, &zone)),
            None => value.to_ascii_uppercase(),
        },
        _ => value.to_ascii_uppercase(),
    }
}

/// Is nothing of an object still to come at this DTSTAMP?
pub(super) fn is_over(tree: &Tree<'_>, now: &str) -> bool {
    let Ok(Moment::Utc(now)) = Moment::of(now, None, None) else { return false };
    span(tree, &TimeZone::UTC, &ExpansionLimits { instances: 1_000, steps: 100_000 }).last.is_some_and(|last| last < now.as_second())
}

/// As people read it.
pub(super) fn for_people(entry: &Entry<'_>) -> String {
    match Moment::read(entry) {
        Ok(Moment::Date(date)) => date.to_string(),
        Ok(Moment::Floating(local)) => local.strftime("%Y-%m-%d %H:%M").to_string(),
        Ok(Moment::Utc(instant)) => instant.strftime("%Y-%m-%d %H:%M UTC").to_string(),
        Ok(Moment::Zoned(local, zone)) => format!("{} ({zone})", local.strftime("%Y-%m-%d %H:%M")),
        Err(_) => entry.value().to_owned(),
    }
}

/// The end of an instance that begins at `at`, in a series that begins at `start` and ends at `end`: as far behind.
pub(super) fn shifted(start: &Entry<'_>, end: &Entry<'_>, at: &Entry<'_>) -> Option<String> {
    let read = |entry: &Entry<'_>| Moment::read(entry).ok();
    let (from, to, at_time) = (read(start)?, read(end)?, read(at)?);
    let shifted: DateTime = at_time.local().checked_add(from.local().duration_until(to.local())).ok()?;
    Some(renamed(at, &end.name().to_ascii_uppercase(), &at_time.with_local(shifted).value()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tree;

    #[test]
    fn the_same_instant_in_several_writings() {
        let octets = b"BEGIN:X\r\nA;TZID=Europe/Paris:20261207T100000\r\nA:20261207T090000Z\r\nA;VALUE=DATE:20261207\r\nA;TZID=Mars:20261207T100000\r\n\
            A:20261207t100000\r\nEND:X\r\n";
        let tree = Tree::read(octets).unwrap();
        let keys: Vec<_> = tree.components[0].properties.iter().map(key).collect();
        assert_eq!(keys, ["20261207T090000Z", "20261207T090000Z", "20261207", "20261207T100000", "20261207T100000"]);
    }
}
