//! Messages: what is sent to somebody about an object (RFC 5546). Lines are taken over as they stand, but for what only a server and its
//! client tell one another.

use super::object::{Object, Part};
use crate::edit::{fold, line_of, with_param};
use crate::tree::{Entry, Node};

/// Parameters that are in no message (RFC 6638 sections 7.1 to 7.3), and our note of when somebody answered.
const PRIVATE: [&str; 4] = ["SCHEDULE-AGENT", "SCHEDULE-STATUS", "SCHEDULE-FORCE-SEND", super::reply::ANSWERED];
/// What a CANCEL or REPLY tells of an instance, so that people know which it is.
const TELLING: [&str; 9] = ["UID", "ORGANIZER", "DTSTART", "DTEND", "DURATION", "DUE", "SUMMARY", "LOCATION", "RECURRENCE-ID"];

/// A message under way.
pub(super) struct Composer<'t> {
    now: &'t str,
    out: Vec<u8>,
    zones: Vec<&'t Node<'t>>,
    octets: &'t [u8],
    body: Vec<u8>,
}

impl<'t> Composer<'t> {
    /// `now`: a DTSTAMP.
    pub(super) fn new(object: &Object<'t>, method: &str, now: &'t str) -> Self {
        let mut out = Vec::new();
        out.extend(fold("BEGIN:VCALENDAR"));
        for name in ["VERSION", "PRODID", "CALSCALE"] {
            match (object.calendar.property(name), name) {
                (Some(entry), _) => out.extend(fold(entry.text())),
                (None, "VERSION") => out.extend(fold("VERSION:2.0")),
                (None, "PRODID") => out.extend(fold("PRODID:-//Octroi//Octroi//EN")),
                (None, _) => {}
            }
        }
        out.extend(fold(&line_of("METHOD", &[], method)));
        let zones = object.calendar.named("VTIMEZONE").collect();
        Self { now, out, zones, octets: object.octets, body: Vec::new() }
    }

    fn line(&mut self, line: &str) {
        self.body.extend(fold(line));
    }

    /// A whole component, without the alarms, which are nobody else's; with these lines at its end.
    pub(super) fn whole(&mut self, part: &Part<'_>, more: &[String]) {
        self.line(&format!("BEGIN:{}", part.node.name));
        let mut stamped = false;
        for entry in &part.node.properties {
            if entry.is("DTSTAMP") {
                stamped = true;
                self.line(&format!("DTSTAMP:{}", self.now));
            } else if entry.is("ORGANIZER") || entry.is("ATTENDEE") {
                self.line(&public(entry));
            } else {
                self.line(entry.text());
            }
        }
        if !stamped {
            self.line(&format!("DTSTAMP:{}", self.now));
        }
        for line in more {
            self.line(line);
        }
        for node in part.node.components.iter().filter(|node| node.name != "VALARM") {
            self.body.extend_from_slice(&self.octets[node.range.clone()]);
        }
        self.line(&format!("END:{}", part.node.name));
    }

    /// What tells which instance it is, and these lines. `instance`: when the part is the main one and one instance of it is meant, the
    /// lines that say which.
    pub(super) fn brief(&mut self, part: &Part<'_>, instance: Option<&[String; 2]>, sequence: u64, more: &[String]) {
        self.line(&format!("BEGIN:{}", part.node.name));
        let of_instance = instance.is_some();
        for entry in part.node.properties.iter().filter(|entry| TELLING.iter().any(|name| entry.is(name))) {
            let is_time = entry.is("DTSTART") || entry.is("DTEND") || entry.is("DURATION") || entry.is("DUE");
            if entry.is("ORGANIZER") {
                self.line(&public(entry));
            } else if !(of_instance && is_time) {
                self.line(entry.text());
            }
        }
        for line in instance.into_iter().flatten() {
            self.line(line);
        }
        self.line(&format!("DTSTAMP:{}", self.now));
        self.line(&format!("SEQUENCE:{sequence}"));
        for line in more {
            self.line(line);
        }
        self.line(&format!("END:{}", part.node.name));
    }

    /// The message, with the time zones that it names.
    pub(super) fn done(self) -> Vec<u8> {
        let Self { mut out, zones, octets, body, .. } = self;
        let text = String::from_utf8_lossy(&body).replace("\r\n ", "");
        for zone in zones {
            let is_named = |tzid: &str| text.contains(&format!("TZID={tzid}")) || text.contains(&format!("TZID=\"{tzid}"));
            if zone.value("TZID").is_none_or(|tzid| is_named(tzid.trim())) {
                out.extend_from_slice(&octets[zone.range.clone()]);
            }
        }
        out.extend_from_slice(&body);
        out.extend(fold("END:VCALENDAR"));
        out
    }
}

/// An ORGANIZER or ATTENDEE as others see it.
pub(super) fn public(entry: &Entry<'_>) -> String {
    PRIVATE.iter().fold(entry.text().to_owned(), |line, name| if line.contains(name) { with_param(&line, name, None) } else { line })
}

/// A line with another name and this value, and the same parameters: an EXDATE as a RECURRENCE-ID, say.
pub(super) fn renamed(entry: &Entry<'_>, name: &str, value: &str) -> String {
    let text = entry.text();
    let head = &text[..text.len() - entry.value().len()];
    let params = head.find([';', ':']).map_or(":", |at| &head[at..]);
    let line = format!("{name}{params}{}", value.trim());
    if line.to_ascii_uppercase().contains("RANGE=") { with_param(&line, "RANGE", None) } else { line }
}
