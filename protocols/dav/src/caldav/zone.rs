//! The zone of floating times and of days: what the request says, what the calendar says, or UTC (RFC 4791 sections 5.2.2 and 9.8, RFC 7809).

use crate::names::CALDAV;
use crate::property::kept_text;
use crate::refusal::Fault;
use crate::xml::Element;
use http::StatusCode;
use jiff::tz::TimeZone;
use octroi_gate::FolderFacts;
use octroi_ical::{Tree, Zones, by_name};

/// Octets of a time zone that is read.
const ZONE_BYTES_MAX: usize = 64 * 1024;

/// What a request says, if it does.
pub(crate) fn of_request(request: &Element) -> Result<Option<TimeZone>, Fault> {
    if let Some(id) = request.child(CALDAV, "timezone-id") {
        // RFC 7809 section 5.1
        return by_name(id.trimmed()).map(Some).ok_or(Fault::Rule(StatusCode::FORBIDDEN, "C:valid-timezone"));
    }
    let Some(zone) = request.child(CALDAV, "timezone") else { return Ok(None) };
    of_text(&zone.text).map(Some).ok_or(Fault::Rule(StatusCode::FORBIDDEN, "C:valid-calendar-data"))
}

/// What a calendar says; UTC if it says nothing that can be read.
pub(crate) fn of_collection(facts: &FolderFacts) -> TimeZone {
    let named = kept_text(facts, CALDAV, "calendar-timezone-id").and_then(|id| by_name(id.trim()));
    let told = || kept_text(facts, CALDAV, "calendar-timezone").and_then(|text| of_text(&text));
    named.or_else(told).unwrap_or(TimeZone::UTC)
}

/// The zone in a calendar that has one.
pub(crate) fn of_text(text: &str) -> Option<TimeZone> {
    if text.len() > ZONE_BYTES_MAX {
        return None;
    }
    let text = text.trim();
    let tree = Tree::read(text.as_bytes()).ok()?;
    let mut zones = tree.components.iter().filter(|node| node.name == "VCALENDAR").flat_map(|calendar| calendar.named("VTIMEZONE"));
    let (zone, None) = (zones.next()?, zones.next()) else { return None };
    Zones::of(&tree, &TimeZone::UTC).named(zone.value("TZID")?.trim())
}
