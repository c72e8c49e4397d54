//! Several objects as one iCalendar stream: for exports and for calendars that are published.
//!
//! Components are the octets that were put; a time zone that several objects have is sent once.

use octroi_ical::components;
use std::collections::HashSet;

/// What stands before the first object.
pub(crate) const HEAD: &[u8] = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Octroi//Export//EN\r\n";
/// And after the last.
pub(crate) const TAIL: &[u8] = b"END:VCALENDAR\r\n";

/// Time zones that are remembered as sent; of more than these some come twice, which is allowed.
const ZONES_MAX: usize = 4096;
/// Longest name of a time zone that is remembered, in bytes.
const ZONE_BYTES_MAX: usize = 256;

/// A stream that is being made.
#[derive(Default)]
pub(crate) struct Merged {
    /// Those that were sent.
    zones: HashSet<String>,
}

impl Merged {
    /// The components of an object, without the time zones that were sent already.
    pub(crate) fn components(&mut self, octets: &[u8]) -> Vec<u8> {
        let mut piece = Vec::with_capacity(octets.len());
        for component in components(octets) {
            if component.tzid.is_some_and(|zone| !self.is_new(zone)) {
                continue;
            }
            piece.extend_from_slice(component.octets);
            if !component.octets.ends_with(b"\n") {
                piece.extend_from_slice(b"\r\n");
            }
        }
        piece
    }

    fn is_new(&mut self, zone: String) -> bool {
        let remembered = zone.len() <= ZONE_BYTES_MAX && self.zones.len() < ZONES_MAX;
        if remembered { self.zones.insert(zone) } else { !self.zones.contains(&zone) }
    }
}
