//! The "busy" object: what somebody sees of another's event who may only know that there is one.
//!
//! Called for those who may see free/busy times only, and for private and confidential events. What always holds: the result is written anew from what
//! was understood, never copied, so nothing passes that is not named here: times, recurrence, TRANSP and STATUS of events, and the rules of the time
//! zones. No text of the owner's: no alarms, people, places, attachments, categories, custom properties or parameters, and time zones are called by their
//! IANA names or numbered, since some programs put host names into a TZID. The UID is whatever the caller says: UIDs carry host names and addresses, and would show that two people are at the same meeting. Tasks and journals take no
//! time and are not shown.

use crate::busy::FbType;
use crate::edit::fold;
use crate::occurrences::calendar;
use crate::recur::Rule;
use crate::tree::{Entry, Node, Tree};
use crate::value::{Length, Moment, Period, PeriodEnd, offset};
use crate::zone::{by_name, by_offset};
use std::collections::HashSet;

/// CLASS (RFC 5545 section 3.8.1.3), from the least strict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// PUBLIC, and without a CLASS.
    Public,
    /// CONFIDENTIAL.
    Confidential,
    /// PRIVATE, and whatever is not known: RFC 5545 wants it treated so.
    Private,
}

/// The strictest class of the components of an object: what an instance must hide, the series would tell.
pub fn class(tree: &Tree<'_>) -> Class {
    let classes = tree.components.iter().flat_map(|calendar| &calendar.components).filter_map(|node| node.value("CLASS"));
    let read = |value: &str| match value.trim().to_ascii_uppercase().as_str() {
        "" | "PUBLIC" => Class::Public,
        "CONFIDENTIAL" => Class::Confidential,
        _ => Class::Private,
    };
    classes.map(read).max().unwrap_or(Class::Public)
}

/// The busy object with that UID; `None` when there is nothing to show.
pub fn stripped(tree: &Tree<'_>, uid: &str) -> Option<Vec<u8>> {
    let calendar = calendar(tree)?;
    let mut out = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Octroi//Calendar//EN\r\n".to_vec();
    let names = Names::of(calendar);
    let mut written = HashSet::new();
    for node in calendar.named("VTIMEZONE") {
        if let Some(name) = node.value("TZID").and_then(|tzid| names.name(tzid))
            && written.insert(name.clone())
        {
            zone(node, &name, &mut out);
        }
    }
    let mut shown = false;
    for node in &calendar.components {
        match node.name.as_str() {
            "VEVENT" if node.property("DTSTART").is_some_and(|entry| Moment::read(entry).is_ok()) => event(node, uid, &names, &mut out),
            "VFREEBUSY" => free_busy(node, uid, &names, &mut out),
            _ => continue,
        }
        shown = true;
    }
    out.extend(b"END:VCALENDAR\r\n");
    shown.then_some(out)
}

/// What the time zones of an object are called in what is shown.
#[derive(Default)]
struct Names {
    /// The TZIDs of its own zones.
    own: Vec<String>,
}

impl Names {
    fn of(calendar: &Node<'_>) -> Self {
        let own = calendar.named("VTIMEZONE").filter_map(|node| node.value("TZID")).map(|tzid| tzid.trim().to_owned());
        Self { own: own.collect() }
    }

    /// `None`: it means nothing, so its times float.
    fn name(&self, tzid: &str) -> Option<String> {
        let tzid = tzid.trim();
        if let Some(zone) = by_name(tzid) {
            return zone.iana_name().map(str::to_owned);
        }
        if let Some(at) = self.own.iter().position(|own| own == tzid) {
            return Some(format!("Zone-{}", at + 1));
        }
        // Nothing but an offset is in it.
        by_offset(tzid).map(|_| tzid.to_owned())
    }

    fn read(&self, entry: &Entry<'_>) -> Option<Moment> {
        Some(match Moment::read(entry).ok()? {
            Moment::Zoned(local, tzid) => self.name(&tzid).map_or(Moment::Floating(local), |name| Moment::Zoned(local, name)),
            other => other,
        })
    }
}

fn event(node: &Node<'_>, uid: &str, names: &Names, out: &mut Vec<u8>) {
    out.extend(b"BEGIN:VEVENT\r\n");
    out.extend(fold(&format!("UID:{uid}")));
    for entry in node.properties.iter().filter(|entry| counts(node, entry)) {
        if let Some(line) = event_line(entry, names) {
            out.extend(fold(&line));
        }
    }
    out.extend(b"CLASS:PRIVATE\r\nEND:VEVENT\r\n");
}

/// Of a time that a component has once the first counts, as everywhere here: objects from before two were refused may have more.
fn counts(node: &Node<'_>, entry: &Entry<'_>) -> bool {
    let is_single = ["DTSTAMP", "DTSTART", "DTEND", "DURATION", "RECURRENCE-ID"].iter().any(|name| entry.is(name));
    !is_single || node.property(entry.name()).is_some_and(|first| first.range == entry.range)
}

fn event_line(entry: &Entry<'_>, names: &Names) -> Option<String> {
    let name = entry.name().to_ascii_uppercase();
    let word = entry.value().trim().to_ascii_uppercase();
    match name.as_str() {
        "DTSTAMP" | "DTSTART" | "DTEND" => Some(format!("{name}{}", names.read(entry)?.written())),
        "RECURRENCE-ID" => {
            let all = entry.param("RANGE").is_some_and(|range| range.eq_ignore_ascii_case("THISANDFUTURE"));
            let range = if all { ";RANGE=THISANDFUTURE" } else { "" };
            Some(format!("{name}{range}{}", names.read(entry)?.written()))
        }
        "DURATION" => Length::of(entry.value()).is_ok().then(|| format!("{name}:{word}")),
        "RRULE" | "EXRULE" => rule(&word).map(|rule| format!("{name}:{rule}")),
        "EXDATE" | "RDATE" => dates(entry, &name, names),
        "TRANSP" => matches!(word.as_str(), "OPAQUE" | "TRANSPARENT").then(|| format!("{name}:{word}")),
        "STATUS" => matches!(word.as_str(), "TENTATIVE" | "CONFIRMED" | "CANCELLED").then(|| format!("{name}:{word}")),
        _ => None,
    }
}

/// A rule without parts of somebody's own.
fn rule(word: &str) -> Option<String> {
    word.parse::<Rule>().ok()?;
    let parts = word.split(';').map(str::trim).filter(|part| !part.is_empty() && !part.starts_with("X-"));
    Some(parts.collect::<Vec<_>>().join(";"))
}

/// One line for the dates that can be read: they share their TZID and kind.
fn dates(entry: &Entry<'_>, name: &str, names: &Names) -> Option<String> {
    let tzid = entry.param("TZID").and_then(|tzid| names.name(tzid));
    let (tzid, kind) = (tzid.as_deref(), entry.param("VALUE"));
    if kind.is_some_and(|kind| kind.eq_ignore_ascii_case("PERIOD")) {
        let periods: Vec<Period> = entry.value().split(',').filter_map(|value| Period::of(value, tzid).ok()).collect();
        let first = periods.first()?.start.written();
        let params = &first[..first.len() - periods.first()?.start.value().len() - 1];
        let values: Vec<String> = periods.iter().map(period).collect();
        return Some(format!("{name};VALUE=PERIOD{params}:{}", values.join(",")));
    }
    let moments: Vec<Moment> = entry.value().split(',').filter_map(|value| Moment::of(value, tzid, kind).ok()).collect();
    let first = moments.first()?.written();
    let head = &first[..first.len() - moments.first()?.value().len()];
    let same = moments.iter().filter(|moment| moment.is_date() == moments[0].is_date());
    Some(format!("{name}{head}{}", same.map(Moment::value).collect::<Vec<_>>().join(",")))
}

fn period(period: &Period) -> String {
    let end = match &period.end {
        PeriodEnd::At(moment) => moment.value(),
        PeriodEnd::After(length) => length.to_string(),
    };
    format!("{}/{end}", period.start.value())
}

fn free_busy(node: &Node<'_>, uid: &str, names: &Names, out: &mut Vec<u8>) {
    out.extend(b"BEGIN:VFREEBUSY\r\n");
    out.extend(fold(&format!("UID:{uid}")));
    for entry in node.properties.iter().filter(|entry| counts(node, entry)) {
        let name = entry.name().to_ascii_uppercase();
        let line = match name.as_str() {
            "DTSTAMP" | "DTSTART" | "DTEND" => names.read(entry).map(|moment| format!("{name}{}", moment.written())),
            "FREEBUSY" => {
                let periods: Vec<String> =
                    entry.value().split(',').filter_map(|value| Period::of(value, None).ok()).map(|one| period(&one)).collect();
                let kind = entry.param("FBTYPE").map_or(Some(FbType::Busy), FbType::from_name);
                kind.filter(|_| !periods.is_empty()).map(|kind| format!("FREEBUSY;FBTYPE={}:{}", kind.name(), periods.join(",")))
            }
            _ => None,
        };
        if let Some(line) = line {
            out.extend(fold(&line));
        }
    }
    out.extend(b"END:VFREEBUSY\r\n");
}

fn zone(node: &Node<'_>, name: &str, out: &mut Vec<u8>) {
    out.extend(b"BEGIN:VTIMEZONE\r\n");
    out.extend(fold(&format!("TZID:{name}")));
    for node in node.components.iter().filter(|node| matches!(node.name.as_str(), "STANDARD" | "DAYLIGHT")) {
        out.extend(fold(&format!("BEGIN:{}", node.name)));
        for entry in &node.properties {
            let name = entry.name().to_ascii_uppercase();
            let line = match name.as_str() {
                "DTSTART" => Moment::read(entry).ok().map(|moment| format!("{name}:{}", moment.value())),
                "TZOFFSETFROM" | "TZOFFSETTO" => offset(entry.value()).is_ok().then(|| format!("{name}:{}", entry.value().trim())),
                "RRULE" => rule(&entry.value().trim().to_ascii_uppercase()).map(|rule| format!("{name}:{rule}")),
                "RDATE" => dates(entry, &name, &Names::default()),
                _ => None,
            };
            if let Some(line) = line {
                out.extend(fold(&line));
            }
        }
        out.extend(fold(&format!("END:{}", node.name)));
    }
    out.extend(b"END:VTIMEZONE\r\n");
}
