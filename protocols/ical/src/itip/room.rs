//! Rooms and what else is booked: they come when they are free (RFC 5546 section 2.1.1 leaves to them how they answer).

use super::address::Addresses;
use super::compose::{Composer, public};
use super::object::Object;
use crate::busy::{Busy, busy, merged, unavailable_of};
use crate::edit::{Edits, with_param};
use crate::occurrences::Window;
use crate::recur::ExpansionLimits;
use crate::tree::Tree;
use crate::value::{Moment, utc_text};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// How far ahead a room can be booked, in seconds. What begins beyond is declined; of a series nobody looks at what is.
const AHEAD: i64 = 5 * 366 * 86_400;
/// Instances that are compared; who asks for more is declined.
const LIMITS: ExpansionLimits = ExpansionLimits { instances: 2_000, steps: 500_000 };
/// The same of its opening hours, which recur every day of those years.
const HOURS: ExpansionLimits = ExpansionLimits { instances: 12_000, ..LIMITS };

/// What a room answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Its own object, with the answer in it.
    pub object: Vec<u8>,
    /// The answer.
    pub reply: Vec<u8>,
    /// It comes.
    pub accepted: bool,
}

/// The window that is looked at, in seconds since 1970, at this DTSTAMP.
pub fn window(now: &str) -> Option<(i64, i64)> {
    let Ok(Moment::Utc(now)) = Moment::of(now, None, None) else { return None };
    Some((now.as_second(), now.as_second() + AHEAD))
}

/// Whether a room comes: not if any of it overlaps something of the `others` that it is asked to. `object` is its own, after the message.
pub fn decide(object: &[u8], me: &Addresses, others: &[Vec<u8>], now: &str) -> Option<Decision> {
    let (start, end) = window(now)?;
    let window = Window { start: Timestamp::from_second(start).ok()?, end: Timestamp::from_second(end).ok()? };
    let tree = Tree::read(object).ok()?;
    let asked = Object::of(&tree)?;
    let opaque = opaque(&tree, &asked);
    let wanted = Tree::read(&opaque).ok().and_then(|tree| times(&tree, &window)).filter(|wanted| !wanted.is_empty());
    let free = wanted.is_some_and(|wanted| is_free(&wanted, me, others));
    let answer = if free { "ACCEPTED" } else { "DECLINED" };
    let stamp = utc_text(Timestamp::from_second(start).ok()?);
    let mut composer = Composer::new(&asked, "REPLY", &stamp);
    let mut edits = Edits::of(object);
    for part in &asked.parts {
        let Some(mine) = part.of_mine(me) else { continue };
        let line = with_param(&with_param(mine.text(), "PARTSTAT", Some(answer)), "RSVP", None);
        let told = with_param(&with_param(&public(mine), "PARTSTAT", Some(answer)), "RSVP", None);
        edits.replace(mine.range.clone(), &line);
        composer.brief(part, None, part.sequence(), &[told, "REQUEST-STATUS:2.0;Success".to_owned()]);
    }
    if edits.is_empty() {
        return None;
    }
    let reply = composer.done();
    Some(Decision { object: edits.apply(), reply, accepted: free })
}

/// What cannot be looked at takes all the time there is.
fn is_free(wanted: &[Busy], me: &Addresses, others: &[Vec<u8>]) -> bool {
    let (Some(start), Some(end)) = (wanted.iter().map(|(_, start, _)| *start).min(), wanted.iter().map(|(_, _, end)| *end).max()) else {
        return false;
    };
    let window = Window { start, end };
    // RFC 7953: outside its hours it is nobody's.
    let open = unavailable_of(others, &window, &HOURS).is_ok_and(|closed| !overlap(wanted, &closed));
    open && others.iter().all(|other| {
        let Ok(tree) = Tree::read(other) else { return true };
        is_declined(&tree, me) || times(&tree, &window).is_some_and(|taken| !overlap(wanted, &merged(taken)))
    })
}

/// The object as the room has it: in it one sits, whether the organizer's time counts as busy or not.
fn opaque(tree: &Tree<'_>, asked: &Object<'_>) -> Vec<u8> {
    let mut edits = Edits::of(tree.octets);
    for entry in asked.parts.iter().flat_map(|part| part.node.all("TRANSP")) {
        edits.remove(entry.range.clone());
    }
    edits.apply()
}

/// Nothing if there is too much to look at.
fn times(tree: &Tree<'_>, window: &Window) -> Option<Vec<Busy>> {
    busy(tree, &TimeZone::UTC, window, &LIMITS).ok()
}

fn is_declined(tree: &Tree<'_>, me: &Addresses) -> bool {
    let declined = |part: &super::object::Part<'_>| part.of_mine(me).is_some_and(|mine| super::object::participation(mine) == "DECLINED");
    Object::of(tree).is_some_and(|object| object.parts.iter().all(declined))
}

/// Both in the order of their beginnings.
fn overlap(wanted: &[Busy], taken: &[Busy]) -> bool {
    wanted.iter().any(|(_, start, end)| taken.iter().any(|(_, from, to)| from < end && to > start))
}
