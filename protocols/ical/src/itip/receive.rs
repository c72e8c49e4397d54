//! What a message means to whom it reaches: REQUEST and CANCEL on an attendee's object (RFC 5546 sections 2.1.5, 3.2.2, 3.2.5).
//!
//! What is the attendee's own stays: alarms, whether the time counts as busy, what programs note, and the answer as long as it is about the
//! same time. Of each component the newer wins, by SEQUENCE and then DTSTAMP.

use super::address::{Addresses, user_of};
use super::compare;
use super::compose::renamed;
use super::object::{Object, Part, participation};
use super::{Received, reply};
use crate::edit::{Edits, with_param};
use crate::tree::{Entry, Tree};

/// Properties that are the attendee's own, beside `X-`.
const THEIRS: [&str; 6] = ["TRANSP", "CREATED", "COLOR", "PERCENT-COMPLETE", "COMPLETED", "CATEGORIES"];

/// Take a message in. `existing`: what the receiver has of that UID; `from`: who it is from, if that is known.
pub fn receive(existing: Option<&[u8]>, message: &[u8], me: &Addresses, from: Option<&str>) -> Received {
    let Ok(message_tree) = Tree::read(message) else { return Received::Ignored("it cannot be read") };
    let Some(sent) = Object::of(&message_tree) else { return Received::Ignored("nothing in it can be scheduled") };
    let tree = existing.and_then(|octets| Tree::read(octets).ok());
    let mine = tree.as_ref().and_then(Object::of);
    if mine.as_ref().is_some_and(|mine| mine.uid() != sent.uid()) {
        return Received::Ignored("it is about something else");
    }
    match (sent.method().as_deref(), &mine) {
        (Some("REPLY"), Some(mine)) => reply::take(mine, &sent, me, from),
        (Some("REPLY"), None) => Received::Ignored("there is nothing that it answers"),
        (Some("REQUEST"), mine) => request(mine.as_ref(), &sent, me, from),
        (Some("CANCEL"), Some(mine)) => cancel(mine, &sent, me, from),
        (Some("CANCEL"), None) => Received::Ignored("there is nothing to cancel"),
        (Some("REFRESH"), Some(_)) => Received::Refresh,
        _ => Received::Ignored("it is for a person to read"),
    }
}

/// Is it from the organizer of what is there, and am I not that?
fn may_tell(mine: Option<&Object<'_>>, sent: &Object<'_>, me: &Addresses, from: Option<&str>) -> bool {
    let Some(organizer) = sent.organizer().map(user_of) else { return false };
    let same = mine.is_none_or(|mine| mine.organizer().map(user_of).as_ref() == Some(&organizer));
    same && from.is_none_or(|from| from == organizer) && !me.contains(&organizer)
}

fn request(mine: Option<&Object<'_>>, sent: &Object<'_>, me: &Addresses, from: Option<&str>) -> Received {
    if !may_tell(mine, sent, me, from) {
        return Received::Ignored("it is not from the organizer");
    }
    if !sent.parts.iter().any(|part| part.of_mine(me).is_some()) {
        return Received::Ignored("it is for somebody else");
    }
    let Some(mine) = mine else { return Received::Stored { octets: as_object(sent), keeps_tag: false } };
    let mut edits = Edits::of(mine.octets);
    zones(mine, sent, &mut edits);
    let mut newer = false;
    for part in &sent.parts {
        match mine.part(part.id.as_deref()) {
            Some(before) if is_older(part, before) => {}
            Some(before) => {
                newer = true;
                merge(before, part, me, &mut edits);
            }
            None => {
                newer = true;
                let whole = with_own(part, mine.main(), me, sent, mine.octets);
                let after = mine.parts.last().map_or(mine.calendar.end.start, |last| last.node.range.end);
                edits.insert_octets(after, &whole);
            }
        }
    }
    if !newer {
        return Received::Ignored("a newer one is there");
    }
    if sent.main().is_some() {
        // It is the whole series, so what is not in it is no more.
        for part in mine.parts.iter().filter(|part| sent.part(part.id.as_deref()).is_none()) {
            edits.remove(part.node.range.clone());
        }
    }
    let octets = edits.apply();
    let keeps_tag = keeps_tag(mine.octets, &octets);
    Received::Stored { octets, keeps_tag }
}

fn is_older(part: &Part<'_>, than: &Part<'_>) -> bool {
    (part.sequence(), part.stamp()) < (than.sequence(), than.stamp())
}

/// The message as an object: without its METHOD, else octet for octet.
fn as_object(sent: &Object<'_>) -> Vec<u8> {
    let mut edits = Edits::of(sent.octets);
    for entry in sent.calendar.all("METHOD") {
        edits.remove(entry.range.clone());
    }
    edits.apply()
}

/// Time zones that are not there yet.
fn zones(mine: &Object<'_>, sent: &Object<'_>, edits: &mut Edits<'_>) {
    let at = mine.parts.first().map_or(mine.calendar.end.start, |part| part.node.range.start);
    for zone in sent.calendar.named("VTIMEZONE") {
        let known = |other: &&crate::tree::Node<'_>| other.value("TZID").map(str::trim) == zone.value("TZID").map(str::trim);
        if !mine.calendar.named("VTIMEZONE").any(|other| known(&other)) {
            edits.insert_octets(at, &sent.octets[zone.range.clone()]);
        }
    }
}

fn is_theirs(entry: &Entry<'_>) -> bool {
    THEIRS.iter().any(|name| entry.is(name)) || entry.name().get(..2).is_some_and(|start| start.eq_ignore_ascii_case("X-"))
}

/// Exchange what the organizer says in a component that is there.
fn merge(before: &Part<'_>, part: &Part<'_>, me: &Addresses, edits: &mut Edits<'_>) {
    let same_time = compare::times(before) == compare::times(part);
    let mut lines: Vec<String> = Vec::new();
    for entry in &part.node.properties {
        // What they have of their own is theirs; what they have not comes along.
        if is_theirs(entry) && before.node.property(entry.name()).is_some() {
            continue;
        }
        let mine = before.of_mine(me).filter(|_| same_time && me.are(entry) && entry.is("ATTENDEE"));
        lines.push(mine.map_or_else(|| entry.text().to_owned(), |mine| answered(entry, mine)));
    }
    for entry in &before.node.properties {
        if let Some(at) = lines.iter().position(|line| line == entry.text()) {
            lines.remove(at);
        } else if !is_theirs(entry) {
            edits.remove(entry.range.clone());
        }
    }
    let at = before.node.components.first().map_or(before.node.end.start, |first| first.range.start);
    for line in lines {
        edits.insert(at, &line);
    }
}

/// The organizer's line for me, with my answer in it.
fn answered(entry: &Entry<'_>, mine: &Entry<'_>) -> String {
    let answer = participation(mine);
    if answer == participation(entry) {
        return entry.text().to_owned();
    }
    let line = with_param(entry.text(), "PARTSTAT", Some(&answer));
    if answer == "NEEDS-ACTION" { line } else { with_param(&line, "RSVP", None) }
}

/// A component that is new, with the alarms and notes of the series.
fn with_own(part: &Part<'_>, main: Option<&Part<'_>>, me: &Addresses, sent: &Object<'_>, mine: &[u8]) -> Vec<u8> {
    let octets = &sent.octets[part.node.range.clone()];
    let Some(main) = main else { return octets.to_vec() };
    let mut edits = Edits::of(sent.octets);
    let at = part.node.end.start;
    if let (Some(transparency), None) = (main.node.property("TRANSP"), part.node.property("TRANSP")) {
        edits.insert(at, transparency.text());
    }
    for alarm in main.node.named("VALARM") {
        edits.insert_octets(at, &mine[alarm.range.clone()]);
    }
    if let (Some(entry), Some(answer), true) = (part.of_mine(me), main.of_mine(me), part.is_in_its_place()) {
        edits.replace(entry.range.clone(), &answered(entry, answer));
    }
    edits.remove(0..part.node.range.start);
    edits.remove(part.node.range.end..sent.octets.len());
    edits.apply()
}

fn cancel(mine: &Object<'_>, sent: &Object<'_>, me: &Addresses, from: Option<&str>) -> Received {
    if !may_tell(Some(mine), sent, me, from) {
        return Received::Ignored("it is not from the organizer");
    }
    let mut edits = Edits::of(mine.octets);
    for part in &sent.parts {
        let Some(id) = part.id.as_deref() else {
            for before in mine.parts.iter().filter(|before| part.sequence() >= before.sequence()) {
                call_off(before, part, &mut edits);
            }
            continue;
        };
        match (mine.part(Some(id)), mine.main()) {
            (Some(before), _) if part.sequence() < before.sequence() => {}
            (Some(before), None) => call_off(before, part, &mut edits),
            (before, Some(main)) => {
                if let Some(before) = before {
                    edits.remove(before.node.range.clone());
                }
                // The instance is no more; the rest is as it was.
                if !main.excludes(id)
                    && let Some(entry) = part.node.property("RECURRENCE-ID")
                {
                    edits.insert(main.node.begin.end, &renamed(entry, "EXDATE", entry.value()));
                }
            }
            (None, None) => {}
        }
    }
    if edits.is_empty() {
        return Received::Ignored("there is nothing to cancel");
    }
    Received::Stored { octets: edits.apply(), keeps_tag: false }
}

fn call_off(before: &Part<'_>, part: &Part<'_>, edits: &mut Edits<'_>) {
    let sequence = format!("SEQUENCE:{}", part.sequence());
    for (name, line) in [("STATUS", "STATUS:CANCELLED"), ("SEQUENCE", sequence.as_str())] {
        match before.node.property(name) {
            Some(entry) => edits.replace(entry.range.clone(), line),
            None => edits.insert(before.node.begin.end, line),
        }
    }
}

/// Is all the difference who has answered what? Then a Schedule-Tag stays (RFC 6638 section 3.2.10).
pub(super) fn keeps_tag(old: &[u8], new: &[u8]) -> bool {
    let (Ok(old), Ok(new)) = (Tree::read(old), Tree::read(new)) else { return false };
    let (Some(old), Some(new)) = (Object::of(&old), Object::of(&new)) else { return false };
    let outline = |part: &Part<'_>| (part.id.clone(), compare::outline(part), part.node.components.len());
    old.parts.len() == new.parts.len() && old.parts.iter().map(outline).eq(new.parts.iter().map(outline))
}
