//! What an organizer's change means: what is stored, and who is told what (RFC 6638 section 3.2.1, RFC 5546 section 3.2).

use super::compare;
use super::compose::{Composer, public, renamed};
use super::object::{Agent, Object, Part, agent, is_forced, participation};
use super::reply::ANSWERED;
use super::{Change, Fault, Message, Method};
use crate::edit::{Edits, with_param};
use crate::tree::{Entry, Tree};
use std::collections::{BTreeMap, BTreeSet};

/// What is stored: sequences grown and participations asked anew where it takes place at another time, no `SCHEDULE-FORCE-SEND`.
pub(super) fn stored(change: &Change<'_>, old: Option<&Object<'_>>, new: &Object<'_>) -> Vec<u8> {
    let mut edits = Edits::of(new.octets);
    for part in &new.parts {
        let before = old.and_then(|old| old.part(part.id.as_deref()));
        let is_moved = old.is_some_and(|old| moves(old, part));
        if is_moved {
            grow(part, before.map_or_else(|| old.and_then(Object::main).map_or(0, Part::sequence), Part::sequence), &mut edits);
        }
        for entry in part.node.properties.iter().filter(|entry| entry.is("ATTENDEE")) {
            let was = before.and_then(|before| before.attendee(&super::address::user_of(entry)));
            let line = attendee_line(change, entry, was, is_moved);
            if line != entry.text() {
                edits.replace(entry.range.clone(), &line);
            }
        }
    }
    edits.apply()
}

/// Does it take place at another time than before?
fn moves(old: &Object<'_>, part: &Part<'_>) -> bool {
    match old.part(part.id.as_deref()) {
        Some(before) => compare::times(before) != compare::times(part),
        // An override that is new: of an instance that was elsewhere.
        None => old.main().is_some() && !part.is_in_its_place(),
    }
}

/// RFC 5546 section 2.1.4: a SEQUENCE above the one before; the client's own if it is.
fn grow(part: &Part<'_>, before: u64, edits: &mut Edits<'_>) {
    if part.sequence() > before {
        return;
    }
    let line = format!("SEQUENCE:{}", before.saturating_add(1));
    match part.node.property("SEQUENCE") {
        Some(entry) => edits.replace(entry.range.clone(), &line),
        None => edits.insert(part.node.begin.end, &line),
    }
}

fn attendee_line(change: &Change<'_>, entry: &Entry<'_>, was: Option<&Entry<'_>>, is_moved: bool) -> String {
    let mut line = entry.text().to_owned();
    if entry.param("SCHEDULE-FORCE-SEND").is_some() {
        line = with_param(&line, "SCHEDULE-FORCE-SEND", None);
    }
    let (Some(was), false) = (was, change.me.are(entry)) else { return line };
    let (now, before) = (participation(entry), participation(was));
    if is_moved && agent(entry) == Agent::Server {
        // RFC 6638 section 3.2.8. An answer that the client changes in the same step is its own affair.
        if now == before && now != "NEEDS-ACTION" {
            line = with_param(&line, "PARTSTAT", Some("NEEDS-ACTION"));
        }
        return with_param(&line, ANSWERED, None);
    }
    if change.merges && now != before {
        // What the client could not know of (RFC 6638 section 3.2.10).
        line = with_param(&line, "PARTSTAT", Some(&before));
    }
    for name in ["SCHEDULE-STATUS", ANSWERED] {
        // Programs drop what they do not know.
        if entry.param(name).is_none()
            && let Some(value) = was.param(name)
        {
            line = with_param(&line, name, Some(value));
        }
    }
    line
}

/// The instances that somebody takes part in.
#[derive(Default)]
struct Share<'t> {
    main: Option<Part<'t>>,
    overrides: BTreeMap<String, Part<'t>>,
    /// Overridden without them, while they take part in the rest.
    without: BTreeMap<String, Part<'t>>,
}

impl<'t> Share<'t> {
    fn of(object: Option<&Object<'t>>, user: &str) -> Self {
        let mut share = Self::default();
        let Some(object) = object else { return share };
        share.main = object.main().filter(|main| main.attendee(user).is_some()).cloned();
        for part in &object.parts {
            let Some(id) = part.id.clone() else { continue };
            if part.attendee(user).is_some() {
                share.overrides.insert(id, part.clone());
            } else if share.main.is_some() {
                share.without.insert(id, part.clone());
            }
        }
        share
    }

    fn is_empty(&self) -> bool {
        self.main.is_none() && self.overrides.is_empty()
    }

    fn parts(&self) -> impl Iterator<Item = &Part<'t>> {
        self.main.iter().chain(self.overrides.values())
    }

    fn entry(&self, user: &str) -> Option<&'t Entry<'t>> {
        self.parts().find_map(|part| part.attendee(user))
    }
}

/// Who is told what of the step from `old` to `new`, the latter as it is stored. `forced`: whom the client wants to be asked in any case.
pub(super) fn messages(change: &Change<'_>, old: Option<&Object<'_>>, new: Option<&Object<'_>>, forced: &BTreeSet<String>) -> Vec<Message> {
    let users: BTreeSet<String> = old.iter().chain(&new).flat_map(|object| object.users()).collect();
    let mut messages = Vec::new();
    for user in users.iter().filter(|user| !change.me.contains(user)) {
        let (was, is) = (Share::of(old, user), Share::of(new, user));
        let entry = is.entry(user).or_else(|| was.entry(user));
        // RFC 6638 section 3.2.1.1: nothing is sent by us to those.
        let Some(entry) = entry.filter(|entry| agent(entry) == Agent::Server) else { continue };
        let teller = Teller { change, user, entry, was: &was, is: &is, old, new };
        teller.tell(forced.contains(user), &mut messages);
    }
    messages
}

/// Whom the client wants to be asked in any case.
pub(super) fn forced(new: &Object<'_>) -> BTreeSet<String> {
    let entries = new.parts.iter().flat_map(|part| part.node.all("ATTENDEE"));
    entries.filter(|entry| is_forced(entry, "REQUEST")).map(super::address::user_of).collect()
}

struct Teller<'s, 't> {
    change: &'s Change<'s>,
    user: &'s str,
    entry: &'s Entry<'t>,
    was: &'s Share<'t>,
    is: &'s Share<'t>,
    old: Option<&'s Object<'t>>,
    new: Option<&'s Object<'t>>,
}

impl<'t> Teller<'_, 't> {
    fn tell(&self, forced: bool, messages: &mut Vec<Message>) {
        match (self.was.is_empty(), self.is.is_empty()) {
            (true, true) => {}
            (false, true) => messages.extend(self.cancel_all()),
            (true, false) => messages.extend(self.request_all(true)),
            (false, false) if forced => messages.extend(self.request_all(true)),
            (false, false) => self.differences(messages),
        }
    }

    fn differences(&self, messages: &mut Vec<Message>) {
        let (Some(was), Some(is)) = (&self.was.main, &self.is.main) else {
            return match (&self.was.main, &self.is.main) {
                // Of the whole series only some instances are left to them.
                (Some(_), None) => messages.extend(self.cancel_all().into_iter().chain(self.request_all(true))),
                (None, Some(_)) => messages.extend(self.request_all(true)),
                _ => {
                    let gone = self.was.overrides.iter().filter(|(id, _)| !self.is.overrides.contains_key(*id));
                    let gone: Vec<_> = gone.map(|(_, part)| (part.clone(), None)).collect();
                    messages.extend(self.cancel(&gone));
                    messages.extend(self.request_changed());
                }
            };
        };
        if is.is_cancelled() && !was.is_cancelled() {
            return messages.extend(self.cancel_all());
        }
        let excluded: BTreeSet<String> = is.excluded().into_iter().map(|(id, _, _)| id).collect();
        // An instance that is there again, alone or without its override, is told with the rest.
        let back = was.excluded().iter().any(|(id, _, _)| !excluded.contains(id) && !self.is.overrides.contains_key(id));
        let back = back
            || self
                .was
                .without
                .keys()
                .any(|id| !self.is.without.contains_key(id) && !self.is.overrides.contains_key(id) && !excluded.contains(id));
        let plain = |id: &String| !self.is.overrides.contains_key(id) && !self.is.without.contains_key(id) && !excluded.contains(id);
        let matters = compare::matter(was) != compare::matter(is) || back || self.was.overrides.keys().any(plain);
        if matters || compare::people(was) != compare::people(is) {
            messages.extend(self.request_all(matters));
            return;
        }
        messages.extend(self.cancel(&self.lost(was, is)));
        messages.extend(self.request_changed());
    }

    /// Instances that they no longer take part in, while the rest goes on: each with the lines that say which it is where no override does.
    fn lost(&self, was: &Part<'t>, is: &Part<'t>) -> Vec<(Part<'t>, Option<[String; 2]>)> {
        let mut lost = Vec::new();
        for (id, entry, value) in is.excluded() {
            if was.excludes(&id) || self.was.without.contains_key(&id) {
                continue;
            }
            match self.was.overrides.get(&id) {
                Some(part) => lost.push((part.clone(), None)),
                None => lost.push((was.clone(), Some([renamed(entry, "RECURRENCE-ID", value), renamed(entry, "DTSTART", value)]))),
            }
        }
        for (id, part) in &self.is.without {
            if !self.was.without.contains_key(id) && !was.excludes(id) {
                lost.push((self.was.overrides.get(id).unwrap_or(part).clone(), None));
            }
        }
        let newly_off = |part: &&Part<'_>| {
            part.is_cancelled() && !part.id.as_ref().and_then(|id| self.was.overrides.get(id)).is_some_and(Part::is_cancelled)
        };
        lost.extend(self.is.overrides.values().filter(newly_off).map(|part| (part.clone(), None)));
        lost
    }

    /// Overrides that are new or say something else.
    fn request_changed(&self) -> Option<Message> {
        let changed = |part: &&Part<'t>| {
            let was = part.id.as_ref().and_then(|id| self.was.overrides.get(id));
            !part.is_cancelled()
                && was.is_none_or(|was| compare::matter(was) != compare::matter(part) || compare::people(was) != compare::people(part))
        };
        let changed: Vec<&Part<'t>> = self.is.overrides.values().filter(changed).collect();
        if changed.is_empty() {
            return None;
        }
        let mut composer = Composer::new(self.new?, "REQUEST", self.change.now);
        for part in &changed {
            composer.whole(part, &[]);
        }
        Some(self.message(Method::Request, composer.done(), true))
    }

    /// All that they take part in; what they do not is taken out of it.
    fn request_all(&self, matters: bool) -> Option<Message> {
        if self.is.main.as_ref().is_some_and(Part::is_cancelled) {
            return None;
        }
        let mut composer = Composer::new(self.new?, "REQUEST", self.change.now);
        if let Some(main) = &self.is.main {
            let without = self.is.without.values().filter_map(|part| part.node.property("RECURRENCE-ID"));
            let lines: Vec<String> = without.map(|entry| renamed(entry, "EXDATE", entry.value())).collect();
            composer.whole(main, &lines);
        }
        for part in self.is.overrides.values() {
            composer.whole(part, &[]);
        }
        Some(self.message(Method::Request, composer.done(), matters))
    }

    fn cancel_all(&self) -> Option<Message> {
        if self.was.parts().all(Part::is_cancelled) {
            return None;
        }
        match &self.was.main {
            Some(main) => self.cancel(&[(main.clone(), None)]),
            None => self.cancel(&self.was.overrides.values().map(|part| (part.clone(), None)).collect::<Vec<_>>()),
        }
    }

    fn cancel(&self, lost: &[(Part<'t>, Option<[String; 2]>)]) -> Option<Message> {
        if lost.is_empty() {
            return None;
        }
        let mut composer = Composer::new(self.old?, "CANCEL", self.change.now);
        for (part, instance) in lost {
            let now = self.new.and_then(|new| new.part_for(part.id.as_deref())).map_or(0, Part::sequence);
            let more = [public(self.entry), "STATUS:CANCELLED".to_owned()];
            // RFC 5546 section 3.2.5: the sequence grows.
            composer.brief(part, instance.as_ref(), now.max(part.sequence() + 1), &more);
        }
        Some(self.message(Method::Cancel, composer.done(), true))
    }

    fn message(&self, method: Method, octets: Vec<u8>, matters: bool) -> Message {
        Message { method, to: self.user.to_owned(), octets, matters }
    }
}

/// May the organizer do this? The organizer of what others were asked to stays the same.
pub(super) fn check(change: &Change<'_>, old: Option<&Object<'_>>, new: Option<&Object<'_>>) -> Result<(), Fault> {
    let is_mine = |object: &Object<'_>| object.organizer().is_some_and(|entry| change.me.are(entry));
    match (old, new) {
        (Some(old), Some(new)) if is_mine(old) && new.organizer().is_some() && !is_mine(new) => Err(Fault::Organizer),
        _ => Ok(()),
    }
}

/// A stored object with what became of the messages written beside each attendee.
pub fn with_statuses(octets: &[u8], statuses: &[(String, String)]) -> Vec<u8> {
    let Ok(tree) = Tree::read(octets) else { return octets.to_vec() };
    let Some(object) = Object::of(&tree) else { return octets.to_vec() };
    let mut edits = Edits::of(octets);
    for entry in object.parts.iter().flat_map(|part| &part.node.properties).filter(|entry| entry.is("ATTENDEE") || entry.is("ORGANIZER")) {
        let user = super::address::user_of(entry);
        if let Some((_, status)) = statuses.iter().find(|(known, _)| *known == user)
            && entry.param("SCHEDULE-STATUS") != Some(status)
            && agent(entry) == Agent::Server
        {
            edits.replace(entry.range.clone(), &with_param(entry.text(), "SCHEDULE-STATUS", Some(status)));
        }
    }
    edits.apply()
}
