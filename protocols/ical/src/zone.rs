//! Time zones of an object: what a TZID means.
//!
//! Called by what makes instants of moments. A TZID is, in this order: an IANA name, also behind a prefix such as `/example.org/Tzfile/`; a name of
//! Windows; what its VTIMEZONE says to be (`X-LIC-LOCATION`, RFC 7808's `TZID-ALIAS-OF`); the rules of its VTIMEZONE; an offset such as `GMT+02:00`;
//! else nothing, and its times float. So where IANA knows the zone, IANA's rules count and not those in the object, which are of the day on which some
//! program was built: a law that has changed since moves the meeting as people expect, and for all members of an object alike. RFC 7809 means it so too.
//!
//! IANA's rules come from the system, and what it lacks (all, on a machine without tzdata; the old names, where the distribution has split them off)
//! from the copy in this program.

mod rules;
mod windows;

use crate::recur::Budget;
use crate::tree::{Node, Tree};
use crate::value::Moment;
use jiff::civil::DateTime;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, tz::Offset};
use std::collections::HashMap;
use std::sync::OnceLock;

/// Longest name that is looked up, in octets; IANA's are below 40.
const NAME_BYTES_MAX: usize = 255;
/// Time zones of one object that are read.
const ZONES_MAX: usize = 64;

/// What the TZIDs of an object mean.
#[derive(Debug, Clone)]
pub struct Zones {
    floating: TimeZone,
    /// Those with a VTIMEZONE in the object, by TZID.
    own: HashMap<String, TimeZone>,
}

impl Zones {
    /// Those of an object, with the zone in which its floating times and its days are taken.
    pub fn of(tree: &Tree<'_>, floating: &TimeZone) -> Self {
        let calendars = tree.components.iter().filter(|node| node.name == "VCALENDAR");
        let nodes = calendars.flat_map(|calendar| calendar.named("VTIMEZONE")).take(ZONES_MAX);
        let (mut own, mut budget) = (HashMap::new(), Budget::new(&rules::LIMITS));
        for node in nodes {
            if let Some(tzid) = node.value("TZID").map(str::trim)
                && let Some(zone) = by_name(tzid).or_else(|| described(node, &mut budget))
            {
                own.entry(tzid.to_owned()).or_insert(zone);
            }
        }
        Self { floating: floating.clone(), own }
    }

    /// The zone of a TZID, if it means one.
    pub fn named(&self, tzid: &str) -> Option<TimeZone> {
        let tzid = tzid.trim();
        self.own.get(tzid).cloned().or_else(|| by_name(tzid)).or_else(|| by_offset(tzid))
    }

    /// The zone in which a moment is written.
    pub fn zone(&self, moment: &Moment) -> TimeZone {
        match moment {
            Moment::Utc(_) => TimeZone::UTC,
            Moment::Zoned(_, tzid) => self.named(tzid).unwrap_or_else(|| self.floating.clone()),
            Moment::Date(_) | Moment::Floating(_) => self.floating.clone(),
        }
    }

    /// The instant of a moment.
    pub fn instant(&self, moment: &Moment) -> Timestamp {
        match moment {
            Moment::Utc(instant) => *instant,
            other => instant_in(other.local(), &self.zone(other)),
        }
    }

    /// The zone of floating times.
    pub fn floating(&self) -> &TimeZone {
        &self.floating
    }
}

/// The instant of a local time. RFC 5545 section 3.3.5: one that there is twice is the first, one that there is not has the offset from before the
/// gap. Beyond what instants can be it is the last or the first one.
pub fn instant_in(local: DateTime, zone: &TimeZone) -> Timestamp {
    // jiff's "compatible" is the same rule.
    zone.to_timestamp(local).unwrap_or(if local.year() > 0 { Timestamp::MAX } else { Timestamp::MIN })
}

/// What a VTIMEZONE is, without its own TZID.
fn described(node: &Node<'_>, budget: &mut Budget) -> Option<TimeZone> {
    let alias = ["X-LIC-LOCATION", "TZID-ALIAS-OF"].into_iter().filter_map(|name| node.value(name)).find_map(|name| iana(name.trim()));
    alias.or_else(|| rules::zone_of(node, budget))
}

/// The zone of a name that is known without an object: for `calendar-timezone-id` as well (RFC 7809).
pub fn by_name(name: &str) -> Option<TimeZone> {
    let name = name.trim().trim_matches('"');
    if name.is_empty() || name.len() > NAME_BYTES_MAX {
        return None;
    }
    iana(name).or_else(|| behind_prefix(name)).or_else(|| of_windows(name))
}

/// The last one, two or three parts of a path, the longest that is a zone.
fn behind_prefix(name: &str) -> Option<TimeZone> {
    let slashes: Vec<usize> = name.match_indices('/').map(|(at, _)| at).collect();
    let last = slashes.len().saturating_sub(3);
    slashes[last..].iter().find_map(|at| iana(&name[at + 1..]))
}

fn of_windows(name: &str) -> Option<TimeZone> {
    let wanted = name.to_ascii_lowercase();
    let at = windows::NAMES.binary_search_by(|(name, _)| name.to_ascii_lowercase().as_str().cmp(&wanted)).ok()?;
    iana(windows::NAMES[at].1)
}

/// From the system, else from the program.
fn iana(name: &str) -> Option<TimeZone> {
    static BUNDLED: OnceLock<TimeZoneDatabase> = OnceLock::new();
    // What a name of IANA's can have; everything else need not be looked for.
    let is_name = name.len() <= NAME_BYTES_MAX && name.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"/_+-".contains(&octet));
    // Files beside the zones: where this machine is, no zone, and zones that count leap seconds.
    let is_other = ["localtime", "posixrules", "factory"].iter().any(|other| name.eq_ignore_ascii_case(other));
    if !is_name || name.is_empty() || is_other || name.get(..6).is_some_and(|prefix| prefix.eq_ignore_ascii_case("right/")) {
        return None;
    }
    let bundled = || BUNDLED.get_or_init(TimeZoneDatabase::bundled).get(name);
    jiff::tz::db().get(name).or_else(|_| bundled()).ok()
}

/// `GMT+02:00`, `UTC-0330`, `+01:00`: what some programs make up.
pub(crate) fn by_offset(name: &str) -> Option<TimeZone> {
    let rest = ["GMT", "UTC"].into_iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name);
    if !rest.starts_with(['+', '-']) {
        return None;
    }
    let digits: String = rest.chars().filter(|character| *character != ':').collect();
    let seconds = crate::value::offset(&digits).ok()?;
    Offset::from_seconds(seconds).ok().map(TimeZone::fixed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name_of(name: &str) -> Option<String> {
        by_name(name).map(|zone| zone.iana_name().unwrap_or_default().to_owned())
    }

    #[test]
    fn names_are_found_behind_what_programs_put_before_them() {
        for (name, zone) in [
            ("Europe/Paris", "Europe/Paris"),
            ("europe/paris", "Europe/Paris"),
            ("\"Europe/Paris\"", "Europe/Paris"),
            ("/freeassociation.sourceforge.net/Tzfile/Europe/Paris", "Europe/Paris"),
            ("/citadel.org/20211207_1/America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"),
            ("/softwarestudio.org/Olson_20011030_5/America/New_York", "America/New_York"),
            ("right/Europe/London", "Europe/London"),
            ("Romance Standard Time", "Europe/Paris"),
            ("w. europe standard time", "Europe/Berlin"),
            ("US/Eastern", "US/Eastern"),
        ] {
            assert_eq!(name_of(name).as_deref(), Some(zone), "{name}");
        }
        assert!(by_name("UTC").is_some());
        for unknown in ["", "Nowhere/City", "../../etc/passwd", "/etc/localtime", "Customized Time Zone", "a\u{e9}", "////", "/"] {
            assert_eq!(name_of(unknown), None, "{unknown}");
        }
        assert_eq!(by_name(&"Europe/".repeat(10_000)), None);
    }

    #[test]
    fn every_name_of_windows_is_sorted_and_known() {
        let lower: Vec<String> = windows::NAMES.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
        assert!(lower.is_sorted());
        for (name, zone) in windows::NAMES {
            // `Etc/UTC` and its like have no name in some copies of the data.
            assert!(by_name(name).is_some(), "{name}: {zone}");
        }
    }

    #[test]
    fn made_up_offsets() {
        let seconds = |name| by_offset(name).and_then(|zone| zone.to_fixed_offset().ok()).map(Offset::seconds);
        assert_eq!((seconds("GMT+02:00"), seconds("UTC-0330"), seconds("+01:00")), (Some(7200), Some(-12_600), Some(3600)));
        assert_eq!((seconds("GMT"), seconds("GMT+2"), seconds("+9900")), (None, None, None));
    }

    #[test]
    fn the_copy_in_the_program_is_enough() {
        let bundled = TimeZoneDatabase::bundled();
        for (name, zone) in windows::NAMES {
            assert!(bundled.get(zone).is_ok(), "{name}: {zone}");
        }
        assert!(bundled.get("US/Eastern").is_ok());
    }

    #[test]
    fn gaps_and_folds_of_rfc_5545() {
        let new_york = by_name("America/New_York").unwrap();
        let at = |text: &str| instant_in(text.parse().unwrap(), &new_york).to_string();
        // Section 3.3.5: 1:30 that there is twice is the first; 2:30 that there is not has the offset from before.
        assert_eq!(at("2007-11-04T01:30:00"), "2007-11-04T05:30:00Z");
        assert_eq!(at("2007-03-11T02:30:00"), "2007-03-11T07:30:00Z");
        assert_eq!(at("9999-12-31T23:00:00"), Timestamp::MAX.to_string());
    }
}
