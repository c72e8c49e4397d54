//! What an attendee's change means: whether it may be, and what the organizer is told (RFC 6638 section 3.2.2, RFC 5546 section 3.2.3).

use super::address::user_of;
use super::compare;
use super::compose::{Composer, public, renamed};
use super::object::{Agent, Object, Part, agent, is_forced, participation};
use super::{Change, Fault, Message, Method};
use crate::edit::{Edits, with_param};
use crate::tree::Entry;

/// Is it a change that an attendee may make? RFC 6638 section 3.2.2.1.
pub(super) fn check(change: &Change<'_>, old: &Object<'_>, new: &Object<'_>) -> Result<(), Fault> {
    let refused = Err(Fault::Attendee);
    if old.main().is_some() && new.main().is_none() {
        return refused;
    }
    for part in &new.parts {
        let Some(before) = old.part_for(part.id.as_deref()) else { return refused };
        let (mut was, mut is) = (compare::organizers(before), compare::organizers(part));
        if before.id != part.id {
            // An instance of which the attendee says something of its own: it takes place when it did.
            if !part.is_in_its_place() || part.node.property("RRULE").is_some() {
                return refused;
            }
            (was, is) = (compare::without_times(&was), compare::without_times(&is));
        }
        let mine = |line: &String| !line.starts_with("ATTENDEE") || !line.rsplit_once(':').is_some_and(|_| is_mine(change, part, line));
        was.retain(mine);
        is.retain(mine);
        // RFC 8607 section 3.12.2.
        let attached_anew = compare::managed(before) != compare::managed(part);
        if was != is || attached_anew || part.of_mine(change.me).is_none() && before.of_mine(change.me).is_some() {
            return refused;
        }
    }
    // An override that has gone must have been the attendee's own, or its instance has gone too.
    let lost = |part: &&Part<'_>| {
        let Some(id) = part.id.as_deref() else { return false };
        let excluded = new.main().is_some_and(|main| main.excludes(id));
        new.part(Some(id)).is_none() && !excluded && (old.main().is_none() || !part.is_in_its_place())
    };
    if old.parts.iter().any(|part| lost(&part)) { refused } else { Ok(()) }
}

/// Is this canonical line that of one's own ATTENDEE?
fn is_mine(change: &Change<'_>, part: &Part<'_>, line: &str) -> bool {
    let mine = part.of_mine(change.me).map(user_of);
    mine.is_some_and(|mine| line.ends_with(&format!(":{mine}")))
}

/// As it is stored: without `SCHEDULE-FORCE-SEND`.
pub(super) fn stored(new: &Object<'_>) -> Vec<u8> {
    let mut edits = Edits::of(new.octets);
    for entry in new.parts.iter().flat_map(|part| part.node.all("ORGANIZER")) {
        if entry.param("SCHEDULE-FORCE-SEND").is_some() {
            edits.replace(entry.range.clone(), &with_param(entry.text(), "SCHEDULE-FORCE-SEND", None));
        }
    }
    edits.apply()
}

/// What the organizer is told of a change, if anything. `old` is nothing for an object that is new here.
pub(super) fn reply(change: &Change<'_>, old: Option<&Object<'_>>, new: &Object<'_>) -> Option<Message> {
    let organizer = new.organizer().filter(|entry| agent(entry) == Agent::Server)?;
    let forced = is_forced(organizer, "REPLY");
    if !change.replies {
        return None;
    }
    let mut composer = Composer::new(new, "REPLY", change.now);
    let mut any = false;
    for part in &new.parts {
        let Some(mine) = part.of_mine(change.me) else { continue };
        let before = old.and_then(|old| old.part_for(part.id.as_deref())).and_then(|before| before.of_mine(change.me));
        let was = before.map_or_else(|| "NEEDS-ACTION".to_owned(), participation);
        if forced || was != participation(mine) || delegate(before) != delegate(Some(mine)) {
            any = true;
            composer.brief(part, None, part.sequence(), &answer(part, public(mine)));
        }
    }
    if let (Some(main), Some(old)) = (new.main(), old)
        && let Some(mine) = main.of_mine(change.me)
    {
        for (id, entry, value) in main.excluded() {
            let gone = old.part_for(Some(&id));
            let was_off = gone
                .is_none_or(|gone| gone.is_cancelled() || gone.of_mine(change.me).is_some_and(|mine| participation(mine) == "DECLINED"));
            if old.main().is_some_and(|main| main.excludes(&id)) || was_off {
                continue;
            }
            // RFC 6638 section 3.2.2.1: taking an instance out is declining it.
            any = true;
            let line = with_param(&public(mine), "PARTSTAT", Some("DECLINED"));
            let instance = [renamed(entry, "RECURRENCE-ID", value), renamed(entry, "DTSTART", value)];
            composer.brief(main, Some(&instance), main.sequence(), &answer(main, line));
        }
    }
    any.then(|| message(organizer, composer))
}

/// What the organizer is told when an attendee removes it: that they will not come.
pub(super) fn decline(change: &Change<'_>, old: &Object<'_>) -> Option<Message> {
    let organizer = old.organizer().filter(|entry| agent(entry) == Agent::Server)?;
    // RFC 6638 section 8.1: not if the client says so.
    if !change.replies {
        return None;
    }
    let mut composer = Composer::new(old, "REPLY", change.now);
    let mut any = false;
    for part in old.parts.iter().filter(|part| !part.is_cancelled()) {
        let Some(mine) = part.of_mine(change.me).filter(|mine| participation(mine) != "DECLINED") else { continue };
        any = true;
        composer.brief(part, None, part.sequence(), &answer(part, with_param(&public(mine), "PARTSTAT", Some("DECLINED"))));
    }
    any.then(|| message(organizer, composer))
}

fn answer(part: &Part<'_>, mine: String) -> Vec<String> {
    let comments = part.node.all("COMMENT").map(|entry| entry.text().to_owned());
    let progress = part.node.properties.iter().filter(|entry| entry.is("PERCENT-COMPLETE") || entry.is("COMPLETED"));
    [mine, "REQUEST-STATUS:2.0;Success".to_owned()]
        .into_iter()
        .chain(comments)
        .chain(progress.map(|entry| entry.text().to_owned()))
        .collect()
}

fn delegate(entry: Option<&Entry<'_>>) -> Option<String> {
    entry?.param("DELEGATED-TO").map(super::address::address_key)
}

fn message(organizer: &Entry<'_>, composer: Composer<'_>) -> Message {
    Message { method: Method::Reply, to: user_of(organizer), octets: composer.done(), matters: true }
}
