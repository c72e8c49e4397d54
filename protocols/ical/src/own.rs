//! What each person has of their own in an object that several see: alarms, and whether it takes their time (caldav-sharing-03, "Per-user
//! Calendar Data").
//!
//! Called by CalDAV for objects in a calendar of somebody else's. One text holds what is somebody's own: a component `OWN` for each component of the
//! object that they have something for, with `KEY` (which instance; the main one has none), TRANSP if it is another than the object's, and the alarms. A
//! component without one is taken as the main one. What is shown and what is stored are both edited by lines, so everything else stays as it was written.

use crate::edit::{Edits, fold};
use crate::itip::moment;
use crate::tree::{Entry, Node, Tree};
use std::collections::BTreeSet;

/// Components that can ring.
const KINDS: [&str; 2] = ["VEVENT", "VTODO"];
/// What programs note beside alarms: Thunderbird when one was put off and seen, Apple's that one came by itself.
const NOTES: [&str; 3] = ["X-MOZ-LASTACK", "X-MOZ-SNOOZE-TIME", "X-APPLE-DEFAULT-ALARM"];
/// What programs set whenever they write, whatever they have changed.
const PASSING: [&str; 5] = ["DTSTAMP", "LAST-MODIFIED", "CREATED", "SEQUENCE", "X-MOZ-GENERATION"];

/// An object that was sent, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parted {
    /// What all have of it, with what its owner has of their own; `None`: nothing of that is changed.
    pub object: Option<Vec<u8>>,
    /// What is the sender's own; empty if that is nothing.
    pub own: String,
}

/// One component, as far as it is about what is somebody's own.
struct Part<'t> {
    node: &'t Node<'t>,
    key: Option<String>,
}

impl<'t> Part<'t> {
    fn all(tree: &'t Tree<'t>) -> Vec<Self> {
        let calendars = tree.components.iter().filter(|node| node.name == "VCALENDAR");
        let nodes = calendars.flat_map(|calendar| &calendar.components).filter(|node| KINDS.contains(&&*node.name));
        nodes.map(|node| Self { node, key: node.property("RECURRENCE-ID").map(moment::key) }).collect()
    }

    fn notes(&self) -> impl Iterator<Item = &'t Entry<'t>> {
        self.node.properties.iter().filter(|entry| is_note(entry))
    }

    fn alarms(&self) -> impl Iterator<Item = &'t Node<'t>> {
        self.node.components.iter().filter(|node| node.name == "VALARM")
    }

    /// RFC 5545 section 3.8.2.7: it takes time if nothing else is said.
    fn is_transparent(&self) -> bool {
        self.node.value("TRANSP").is_some_and(|value| value.trim().eq_ignore_ascii_case("TRANSPARENT"))
    }

    /// Where a property comes, and where a component.
    fn places(&self) -> (usize, usize) {
        let end = self.node.end.start;
        (self.node.components.first().map_or(end, |first| first.range.start), end)
    }
}

/// What somebody has for one component, as octets of whole lines.
#[derive(Debug, Default, PartialEq, Eq)]
struct Mine {
    transparent: Option<bool>,
    notes: Vec<u8>,
    alarms: Vec<u8>,
}

impl Mine {
    /// Written anew, as a line may be folded within a character.
    fn of(part: &Part<'_>) -> Self {
        let mut mine = Self::default();
        part.notes().for_each(|entry| mine.notes.extend(fold(entry.text())));
        part.alarms().for_each(|node| write(node, &mut mine.alarms));
        mine
    }

    fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    fn write(&self, key: Option<&str>, out: &mut Vec<u8>) {
        out.extend_from_slice(b"BEGIN:OWN\r\n");
        if let Some(key) = key {
            out.extend_from_slice(format!("KEY:{key}\r\n").as_bytes());
        }
        if let Some(transparent) = self.transparent {
            out.extend_from_slice(format!("{}\r\n", transparency(transparent)).as_bytes());
        }
        out.extend_from_slice(&self.notes);
        out.extend_from_slice(&self.alarms);
        out.extend_from_slice(b"END:OWN\r\n");
    }
}

fn transparency(transparent: bool) -> &'static str {
    if transparent { "TRANSP:TRANSPARENT" } else { "TRANSP:OPAQUE" }
}

fn write(node: &Node<'_>, out: &mut Vec<u8>) {
    out.extend(fold(&format!("BEGIN:{}", node.name)));
    node.properties.iter().for_each(|entry| out.extend(fold(entry.text())));
    node.components.iter().for_each(|inner| write(inner, out));
    out.extend(fold(&format!("END:{}", node.name)));
}

fn is_note(entry: &Entry<'_>) -> bool {
    let name = entry.name().to_ascii_uppercase();
    // A snoozed instance of a series has its time behind the name.
    NOTES.iter().any(|note| name.starts_with(note))
}

/// The object as somebody sees it whose own this is: without what its owner has of their own but TRANSP, as far as that is not another for them.
pub fn with_own(object: &Tree<'_>, own: &str) -> Vec<u8> {
    let read = Tree::read(own.as_bytes()).unwrap_or(Tree { octets: b"", components: Vec::new() });
    let record = |key: Option<&str>| read.components.iter().find(|node| node.value("KEY") == key);
    let mut edits = Edits::of(object.octets);
    for part in Part::all(object) {
        let found = record(part.key.as_deref()).or_else(|| record(None));
        let mine = found.map_or_else(Mine::default, |node| {
            let part = Part { node, key: None };
            let transparent = node.property("TRANSP").map(|_| part.is_transparent());
            Mine { transparent, ..Mine::of(&part) }
        });
        exchange(&part, &mine, &mut edits);
    }
    edits.apply()
}

/// Put what is somebody's own in the place of what there is.
fn exchange(part: &Part<'_>, mine: &Mine, edits: &mut Edits<'_>) {
    let (property, component) = part.places();
    let theirs = Mine::of(part);
    if let Some(transparent) = mine.transparent.filter(|transparent| *transparent != part.is_transparent()) {
        for entry in part.node.all("TRANSP") {
            edits.remove(entry.range.clone());
        }
        edits.insert(property, transparency(transparent));
    }
    if theirs.notes != mine.notes {
        part.notes().for_each(|entry| edits.remove(entry.range.clone()));
        edits.insert_octets(property, &mine.notes);
    }
    if theirs.alarms != mine.alarms {
        part.alarms().for_each(|node| edits.remove(node.range.clone()));
        edits.insert_octets(component, &mine.alarms);
    }
}

/// Take apart what somebody sent who has things of their own in it. `there`: the object as its owner has it, if there is one.
///
/// A component that is new has the sender's alarms and nobody else's, and their TRANSP for all; an instance that is new in a series has what the series has.
pub fn parted(there: Option<&Tree<'_>>, sent: &Tree<'_>) -> Parted {
    let parts = there.map(Part::all).unwrap_or_default();
    let counterpart = |key: Option<&str>| parts.iter().find(|part| part.key.as_deref() == key);
    let mut edits = Edits::of(sent.octets);
    let mut mine: Vec<(Option<String>, Mine)> = Vec::new();
    for part in Part::all(sent) {
        let other = counterpart(part.key.as_deref()).or_else(|| counterpart(None));
        let mut theirs = other.map_or_else(Mine::default, Mine::of);
        theirs.transparent = other.map(Part::is_transparent);
        exchange(&part, &theirs, &mut edits);
        let transparent = theirs.transparent.map(|_| part.is_transparent()).filter(|mine| Some(*mine) != theirs.transparent);
        mine.push((part.key.clone(), Mine { transparent, ..Mine::of(&part) }));
    }
    let same = there.is_some_and(|there| outline(there) == outline(sent));
    Parted { object: (!same).then(|| edits.apply()), own: written(&mine) }
}

/// What is the same for an instance as for its series is not written twice.
fn written(mine: &[(Option<String>, Mine)]) -> String {
    let nothing = Mine::default();
    let main = mine.iter().find(|(key, _)| key.is_none()).map_or(&nothing, |(_, mine)| mine);
    let mut out = Vec::new();
    for (key, mine) in mine {
        let is_told = if key.is_none() { !mine.is_nothing() } else { mine != main };
        if is_told {
            mine.write(key.as_deref(), &mut out);
        }
    }
    String::from_utf8(out).unwrap_or_default()
}

/// All that an object says, but for what is somebody's own and what programs set whenever they write.
fn outline(tree: &Tree<'_>) -> BTreeSet<String> {
    let calendars = tree.components.iter().filter(|node| node.name == "VCALENDAR");
    let nodes = calendars.flat_map(|calendar| &calendar.components).filter(|node| node.name != "VTIMEZONE");
    let mut lines = BTreeSet::new();
    for node in nodes {
        let key = node.property("RECURRENCE-ID").map(moment::key).unwrap_or_default();
        outline_of(node, &format!("{}/{key}", node.name), &mut lines);
    }
    lines
}

fn outline_of(node: &Node<'_>, at: &str, lines: &mut BTreeSet<String>) {
    lines.insert(at.to_owned());
    for entry in &node.properties {
        let is_passed = entry.is("TRANSP") || is_note(entry) || PASSING.iter().any(|name| entry.is(name));
        if !is_passed {
            let line = entry.line();
            let mut params: Vec<String> =
                line.params.iter().map(|p| format!("{}={}", p.name.to_ascii_uppercase(), p.values.join(","))).collect();
            params.sort();
            lines.insert(format!("{at} {};{}:{}", line.name.to_ascii_uppercase(), params.join(";"), line.value.trim()));
        }
    }
    for (index, inner) in node.components.iter().filter(|inner| inner.name != "VALARM").enumerate() {
        outline_of(inner, &format!("{at}/{index}{}", inner.name), lines);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MINE: &str = "BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\n";
    const THEIRS: &str = "BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT1H\r\nEND:VALARM\r\n";

    fn event(lines: &str) -> String {
        format!("BEGIN:VEVENT\r\nUID:a\r\nDTSTART:20260105T090000Z\r\n{lines}END:VEVENT\r\n")
    }

    fn object(components: &[String]) -> String {
        format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{}END:VCALENDAR\r\n", components.concat())
    }

    fn taken(there: Option<&str>, sent: &str) -> (Option<String>, String) {
        let there = there.map(|there| Tree::read(there.as_bytes()).unwrap());
        let parted = parted(there.as_ref(), &Tree::read(sent.as_bytes()).unwrap());
        (parted.object.map(|octets| String::from_utf8(octets).unwrap()), parted.own)
    }

    fn seen(object: &str, own: &str) -> String {
        String::from_utf8(with_own(&Tree::read(object.as_bytes()).unwrap(), own)).unwrap()
    }

    #[test]
    fn alarms_are_each_ones_own_and_transp_until_it_is_another() {
        let there = object(&[event(&format!("TRANSP:TRANSPARENT\r\nSUMMARY:x\r\n{THEIRS}"))]);
        // Who has nothing of their own hears no alarm, and is as busy as its owner.
        assert_eq!(seen(&there, ""), object(&[event("TRANSP:TRANSPARENT\r\nSUMMARY:x\r\n")]));
        let sent = object(&[event(&format!("DTSTAMP:20260101T000000Z\r\nSUMMARY:x\r\nX-MOZ-LASTACK:20260105T085500Z\r\n{MINE}"))]);
        let (changed, own) = taken(Some(&there), &sent);
        assert_eq!(changed, None, "nothing of the object is another");
        let shown = seen(&there, &own);
        assert_eq!(shown, object(&[event(&format!("SUMMARY:x\r\nTRANSP:OPAQUE\r\nX-MOZ-LASTACK:20260105T085500Z\r\n{MINE}"))]));
        assert_eq!(taken(Some(&there), &shown), (None, own), "what is seen says the same");
        assert_eq!(taken(Some(&there), &seen(&there, "")), (None, String::new()));
    }

    #[test]
    fn a_change_for_all_keeps_what_is_the_owners() {
        let there = object(&[event(&format!("SUMMARY:x\r\nTRANSP:TRANSPARENT\r\n{THEIRS}"))]);
        let sent = object(&[event(&format!("SUMMARY:y\r\nTRANSP:OPAQUE\r\n{MINE}"))]);
        let (changed, own) = taken(Some(&there), &sent);
        let changed = changed.unwrap();
        assert!(changed.contains("SUMMARY:y") && changed.contains("-PT1H") && !changed.contains("-PT5M"), "{changed}");
        assert!(changed.contains("TRANSP:TRANSPARENT") && !changed.contains("OPAQUE"), "{changed}");
        let shown = seen(&changed, &own);
        assert!(shown.contains("SUMMARY:y") && shown.contains("-PT5M") && !shown.contains("-PT1H") && shown.contains("OPAQUE"), "{shown}");
        // New: its sender's alarms, and TRANSP for all.
        let (new, own) = taken(None, &object(&[event(&format!("TRANSP:TRANSPARENT\r\n{MINE}"))]));
        assert_eq!(new.unwrap(), object(&[event("TRANSP:TRANSPARENT\r\n")]));
        assert_eq!(own, format!("BEGIN:OWN\r\n{MINE}END:OWN\r\n"));
    }

    #[test]
    fn instances_ring_as_their_series_unless_they_have_their_own() {
        let moved = |lines: &str| event(&format!("RECURRENCE-ID:20260106T090000Z\r\n{lines}"));
        let main = |lines: &str| event(&format!("RRULE:FREQ=DAILY\r\n{lines}"));
        let there = object(&[main(""), moved("SUMMARY:later\r\n")]);
        let (changed, own) = taken(Some(&there), &object(&[main(MINE), moved(&format!("SUMMARY:later\r\n{MINE}"))]));
        assert_eq!((changed, own.matches("BEGIN:OWN").count()), (None, 1), "{own}");
        assert_eq!(seen(&there, &own).matches("VALARM").count(), 4);
        // One that does not ring.
        let (_, own) = taken(Some(&there), &object(&[main(MINE), moved("SUMMARY:later\r\n")]));
        assert_eq!(own.matches("BEGIN:OWN").count(), 2, "{own}");
        assert_eq!(seen(&there, &own).matches("VALARM").count(), 2);
        // An instance that was not there by itself is a change for all.
        let (changed, _) = taken(Some(&object(&[main("")])), &there);
        assert!(changed.is_some());
    }

    /// Old phones fold wherever a line is long enough.
    #[test]
    fn a_line_that_is_folded_within_a_character_is_kept() {
        let alarm = b"BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:d\xc3\r\n \xa9j\r\nEND:VALARM\r\n";
        let (before, after) = ("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:a\r\n", "END:VEVENT\r\nEND:VCALENDAR\r\n");
        let sent = [before.as_bytes(), alarm, after.as_bytes()].concat();
        let there = format!("{before}{after}");
        let there = Tree::read(there.as_bytes()).unwrap();
        let parted = parted(Some(&there), &Tree::read(&sent).unwrap());
        assert_eq!(parted.object, None);
        assert!(String::from_utf8(with_own(&there, &parted.own)).unwrap().contains("DESCRIPTION:d\u{e9}j\r\n"));
    }

    #[test]
    fn whatever_else_is_another_is_a_change() {
        let base = "SUMMARY:x\r\nATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:a@b.example\r\n";
        let there = object(&[event(base)]);
        for other in [
            "SUMMARY:x\r\n",
            "SUMMARY:y\r\n",
            &base.replace("NEEDS-ACTION", "ACCEPTED"),
            &format!("{base}X-ODD:1\r\n"),
            &format!("{base}BEGIN:X-IN\r\nEND:X-IN\r\n"),
        ] {
            assert!(taken(Some(&there), &object(&[event(other)])).0.is_some(), "{other}");
        }
        for same in ["SEQUENCE:2\r\nX-MOZ-GENERATION:4\r\n", "TRANSP:OPAQUE\r\n", "X-MOZ-SNOOZE-TIME-17:20260105T090000Z\r\n"] {
            assert!(taken(Some(&there), &object(&[event(&format!("{base}{same}"))])).0.is_none(), "{same}");
        }
    }

    proptest! {
        #[test]
        fn what_was_sent_is_what_is_seen(owners in 0..3_usize, senders in 0..3_usize, busy in any::<bool>(), mine_busy in any::<bool>(), changes in any::<bool>()) {
            let lines = |alarms: usize, busy: bool, alarm: &str, title: &str| {
                event(&format!("SUMMARY:{title}\r\n{}{}", if busy { "" } else { "TRANSP:TRANSPARENT\r\n" }, alarm.repeat(alarms)))
            };
            let there = object(&[lines(owners, busy, THEIRS, "x")]);
            let sent = object(&[lines(senders, mine_busy, MINE, if changes { "y" } else { "x" })]);
            let (changed, own) = taken(Some(&there), &sent);
            prop_assert_eq!(changed.is_some(), changes);
            let stored = changed.unwrap_or(there);
            prop_assert_eq!(stored.matches("-PT1H").count(), owners);
            let shown = seen(&stored, &own);
            prop_assert_eq!(shown.matches("-PT5M").count(), senders);
            prop_assert_eq!((shown.contains("-PT1H"), stored.contains("-PT5M")), (false, false));
            prop_assert_eq!(shown.contains("TRANSPARENT"), !mine_busy);
            prop_assert_eq!(stored.contains("TRANSPARENT"), !busy);
        }

        #[test]
        fn no_octets_panic(octets in proptest::collection::vec(any::<u8>(), 0..100), own in ".{0,60}") {
            if let Ok(tree) = Tree::read(&octets) {
                let _ = with_own(&tree, &own);
                let _ = parted(Some(&tree), &tree);
            }
        }
    }
}
