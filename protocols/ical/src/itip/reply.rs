//! A REPLY on the organizer's object (RFC 5546 section 3.2.3): the answer of one attendee, to all of it or to one instance.

use super::address::{Addresses, user_of};
use super::compose::renamed;
use super::object::{Object, Part, participation};
use super::receive::keeps_tag;
use super::{Received, moment};
use crate::edit::{Edits, fold, with_param};
use crate::tree::Entry;

/// Beside an attendee: the DTSTAMP of the last answer, as answers by mail overtake one another.
pub(super) const ANSWERED: &str = "X-OCTROI-ANSWERED";
/// What a rule has an instance does not have.
const OF_SERIES: [&str; 5] = ["RRULE", "RDATE", "EXDATE", "EXRULE", "RECURRENCE-ID"];

/// Write the answers into the object.
pub(super) fn take(mine: &Object<'_>, sent: &Object<'_>, me: &Addresses, from: Option<&str>) -> Received {
    if !mine.organizer().is_some_and(|entry| me.are(entry)) {
        return Received::Ignored("it is not for the organizer");
    }
    let mut edits = Edits::of(mine.octets);
    for part in &sent.parts {
        // Exactly one who answers (RFC 5546 section 3.2.3); whoever else is named is a delegate.
        let answers = part.node.properties.iter().filter(|entry| entry.is("ATTENDEE"));
        let answer = match from {
            Some(from) => answers.into_iter().find(|entry| user_of(entry) == from),
            None => answers.into_iter().next(),
        };
        let Some(answer) = answer else { return Received::Ignored("it is not from whom it says") };
        if let Err(why) = one(mine, part, answer, &mut edits) {
            return Received::Ignored(why);
        }
    }
    if edits.is_empty() {
        return Received::Ignored("it says nothing new");
    }
    let octets = edits.apply();
    let keeps_tag = keeps_tag(mine.octets, &octets);
    Received::Stored { octets, keeps_tag }
}

fn one(mine: &Object<'_>, part: &Part<'_>, answer: &Entry<'_>, edits: &mut Edits<'_>) -> Result<(), &'static str> {
    let user = user_of(answer);
    let status = status_of(part);
    match (mine.part(part.id.as_deref()), mine.main()) {
        (Some(own), _) => {
            let entry = own.attendee(&user).ok_or("it is from somebody who was not asked")?;
            is_current(own, part, entry)?;
            let line = answered(entry, answer, part, &status);
            if line != entry.text() {
                edits.replace(entry.range.clone(), &line);
            }
            Ok(())
        }
        (None, Some(main)) => {
            let entry = main.attendee(&user).ok_or("it is from somebody who was not asked")?;
            is_current(main, part, entry)?;
            if participation(entry) == participation(answer) {
                return Ok(());
            }
            let at = part.node.property("RECURRENCE-ID").ok_or("it names no instance")?;
            if main.excludes(part.id.as_deref().unwrap_or_default()) || !recurs(main) {
                return Err("there is no such instance");
            }
            let octets = instance(main, at, entry, &answered(entry, answer, part, &status)).ok_or("there is no such instance")?;
            edits.insert_octets(main.node.range.end, &octets);
            Ok(())
        }
        (None, None) => Err("there is no such instance"),
    }
}

fn recurs(main: &Part<'_>) -> bool {
    main.node.property("RRULE").is_some() || main.node.property("RDATE").is_some()
}

fn is_current(own: &Part<'_>, part: &Part<'_>, entry: &Entry<'_>) -> Result<(), &'static str> {
    if part.sequence() < own.sequence() {
        return Err("it answers what has changed since");
    }
    match entry.param(ANSWERED) {
        Some(last) if part.stamp() < last => Err("a newer answer is there"),
        _ => Ok(()),
    }
}

/// RFC 6638 section 7.3, from REQUEST-STATUS.
fn status_of(part: &Part<'_>) -> String {
    let status = part.node.value("REQUEST-STATUS").and_then(|value| value.split(';').next()).map_or("", str::trim);
    let is_code = !status.is_empty() && status.len() <= 8 && status.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if is_code { status.to_owned() } else { "2.0".to_owned() }
}

fn answered(entry: &Entry<'_>, answer: &Entry<'_>, part: &Part<'_>, status: &str) -> String {
    let mut line = with_param(entry.text(), "PARTSTAT", Some(&participation(answer)));
    line = with_param(&line, "RSVP", None);
    if let Some(to) = answer.param("DELEGATED-TO") {
        line = with_param(&line, "DELEGATED-TO", Some(to));
    }
    line = with_param(&line, "SCHEDULE-STATUS", Some(status));
    with_param(&line, ANSWERED, Some(part.stamp()).filter(|stamp| !stamp.is_empty()))
}

/// An override for one instance, which is the series' but for one answer.
fn instance(main: &Part<'_>, at: &Entry<'_>, entry: &Entry<'_>, answer: &str) -> Option<Vec<u8>> {
    let start = main.node.property("DTSTART")?;
    // Of the kind that the series is: a day or a time.
    if start.value().trim().len().min(9) != at.value().trim().len().min(9) {
        return None;
    }
    let mut out = fold(&format!("BEGIN:{}", main.node.name));
    for property in &main.node.properties {
        let line = match property {
            property if OF_SERIES.iter().any(|name| property.is(name)) => continue,
            property if property.is("DTSTART") => renamed(at, "DTSTART", at.value()),
            property if property.is("DTEND") || property.is("DUE") => moment::shifted(start, property, at)?,
            property if property.range == entry.range => answer.to_owned(),
            property => property.text().to_owned(),
        };
        out.extend(fold(&line));
        if property.is("UID") {
            out.extend(fold(&renamed(at, "RECURRENCE-ID", at.value())));
        }
    }
    out.extend(fold(&format!("END:{}", main.node.name)));
    Some(out)
}
