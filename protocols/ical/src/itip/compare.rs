//! What differs between two states of a component, by what that means to others.

use super::address::user_of;
use super::moment;
use super::object::Part;
use crate::tree::Entry;
use std::collections::BTreeSet;

/// What says when something takes place: another value asks everybody anew (RFC 6638 section 3.2.8).
const TIMES: [&str; 7] = ["DTSTART", "DTEND", "DURATION", "DUE", "RRULE", "RDATE", "EXRULE"];
/// What is of no account to others, beside what programs note for themselves (`X-`).
const OWN: [&str; 8] = ["DTSTAMP", "LAST-MODIFIED", "CREATED", "SEQUENCE", "TRANSP", "RECURRENCE-ID", "EXDATE", "COMPLETED"];
/// What belongs to the organizer and no attendee changes (RFC 6638 section 3.2.2.1), beside the times.
const ORGANIZERS: [&str; 9] = ["UID", "ORGANIZER", "SUMMARY", "LOCATION", "GEO", "DESCRIPTION", "URL", "RESOURCES", "STATUS"];
/// Parameters that only a server and its client tell one another, or that change with each answer.
const PASSING: [&str; 5] = ["SCHEDULE-AGENT", "SCHEDULE-STATUS", "SCHEDULE-FORCE-SEND", "PARTSTAT", "RSVP"];

/// A set of lines as they are compared.
pub(super) type Lines = BTreeSet<String>;

/// When it takes place.
pub(super) fn times(part: &Part<'_>) -> Lines {
    lines(part, |entry| TIMES.iter().any(|name| entry.is(name)))
}

/// What others must be told when it changes, but for who takes part.
pub(super) fn matter(part: &Part<'_>) -> Lines {
    lines(part, |entry| !entry.is("ATTENDEE") && !OWN.iter().any(|name| entry.is(name)) && !is_x(entry))
}

/// Who takes part.
pub(super) fn people(part: &Part<'_>) -> Lines {
    lines(part, |entry| entry.is("ATTENDEE"))
}

/// What an attendee leaves as it is. The STATUS of a task is theirs.
pub(super) fn organizers(part: &Part<'_>) -> Lines {
    let is_task = part.node.name == "VTODO";
    lines(part, |entry| {
        let owned = ORGANIZERS.iter().chain(&TIMES).any(|name| entry.is(name)) || entry.is("ATTENDEE");
        owned && !(is_task && entry.is("STATUS"))
    })
}

/// Which attachments a server manages for it.
pub(super) fn managed<'p>(part: &'p Part<'_>) -> BTreeSet<&'p str> {
    part.node.all("ATTACH").filter_map(|entry| entry.param("MANAGED-ID")).collect()
}

/// Without what tells when: of an override that an attendee has made of an instance.
pub(super) fn without_times(lines: &Lines) -> Lines {
    let is_time = |line: &&String| !TIMES.iter().any(|name| line.starts_with(&format!("{name}:")) || line.starts_with(&format!("{name};")));
    lines.iter().filter(is_time).cloned().collect()
}

/// All that is there but who has answered what: what a Schedule-Tag stands for (RFC 6638 section 3.2.10).
pub(super) fn outline(part: &Part<'_>) -> Lines {
    lines(part, |entry| !["DTSTAMP", "LAST-MODIFIED"].iter().any(|name| entry.is(name)))
}

fn lines(part: &Part<'_>, wanted: impl Fn(&Entry<'_>) -> bool) -> Lines {
    part.node.properties.iter().filter(|entry| wanted(entry)).map(canonical).collect()
}

fn is_x(entry: &Entry<'_>) -> bool {
    entry.name().get(..2).is_some_and(|start| start.eq_ignore_ascii_case("X-"))
}

/// A line so that two writings of the same are equal.
fn canonical(entry: &Entry<'_>) -> String {
    let name = entry.name().to_ascii_uppercase();
    if matches!(&*name, "DTSTART" | "DTEND" | "DUE" | "RECURRENCE-ID") {
        return format!("{name}:{}", moment::key(entry));
    }
    let line = entry.line();
    let is_kept = |name: &str| !PASSING.contains(&name) && !name.starts_with("X-");
    let mut params: Vec<(String, String)> = line.params.iter().map(|p| (p.name.to_ascii_uppercase(), p.values.join(","))).collect();
    params.retain(|(name, _)| is_kept(name));
    if matches!(&*name, "ATTENDEE" | "ORGANIZER") {
        // How somebody is called there, who wrote for them, and defaults that are written out or not, tell nobody apart.
        params.retain(|(name, value)| !matches!(&**name, "CN" | "EMAIL" | "LANGUAGE" | "SENT-BY") && !is_default(name, value));
    }
    params.sort();
    let value = match &*name {
        "ATTENDEE" | "ORGANIZER" => user_of(entry),
        // Programs end texts with a blank or not.
        _ => line.value.trim().to_owned(),
    };
    let params = params.iter().fold(String::new(), |all, (name, value)| format!("{all};{name}={value}"));
    format!("{name}{params}:{value}")
}

fn is_default(name: &str, value: &str) -> bool {
    [("ROLE", "REQ-PARTICIPANT"), ("CUTYPE", "INDIVIDUAL")].iter().any(|(n, v)| *n == name && value.eq_ignore_ascii_case(v))
}
