//! An object, a null and a message about it: what becomes of the object can be read, nothing else of it has moved, and a message that comes
//! twice is as one that came once.
#![no_main]

use octroi_ical::itip::{
    Addresses, Change, Member, Method, Received, address_key, change, newly_asked, receive, uid_of, with_members, with_statuses,
};
use octroi_ical::{Node, Tree, validate_calendar};

libfuzzer_sys::fuzz_target!(|input: &[u8]| check(input));

/// Who asks, and one whom they ask.
const PEOPLE: [&str; 2] = ["lea@a.example", "paul@a.example"];
const NOW: &str = "20261130T080000Z";
/// Components that are scheduled.
const SCHEDULED: [&str; 2] = ["VEVENT", "VTODO"];

fn check(input: &[u8]) {
    let Some(at) = input.iter().position(|octet| *octet == 0) else { return alone(input) };
    let (object, message) = (&input[..at], &input[at + 1..]);
    for who in PEOPLE {
        let me = Addresses::of([who]);
        // Nothing in a store was not looked at before.
        let existing = validate_calendar(object).is_ok().then_some(object);
        for from in [None, Some(address_key(PEOPLE[0])), Some(address_key(PEOPLE[1]))] {
            let Received::Stored { octets, .. } = receive(existing, message, &me, from.as_deref()) else { continue };
            assert!(Tree::read(&octets).is_ok(), "{}", String::from_utf8_lossy(&octets));
            if let Some(object) = existing {
                assert_eq!(uid_of(&octets).map(|(uid, _)| uid), uid_of(object).map(|(uid, _)| uid));
                untouched(object, message, &octets);
            }
            if is_of_several(message) || existing.is_some_and(is_of_several) {
                continue;
            }
            if let Received::Stored { octets: again, .. } = receive(Some(&octets), message, &me, from.as_deref()) {
                assert_eq!(String::from_utf8_lossy(&again), String::from_utf8_lossy(&octets), "twice is not once");
            }
        }
        stepped(existing, message, &me);
    }
}

/// Does somebody take part in something twice, or is one instance there twice? Which of two is meant cannot be known.
fn is_of_several(octets: &[u8]) -> bool {
    let Ok(tree) = Tree::read(octets) else { return true };
    // Within ten days, as one instant can be written in many zones.
    let instance = |part: &Node<'_>| part.value("RECURRENCE-ID").map(|value| value.chars().take(7).collect::<String>());
    let doubled = |parts: Vec<Option<String>>| (1..parts.len()).any(|n| parts[..n].contains(&parts[n]));
    tree.components.iter().any(|node| doubled(parts(node).into_iter().map(instance).collect()))
        || tree.components.iter().flat_map(|node| &node.components).any(|part| {
            let mut people: Vec<String> =
                part.all("ATTENDEE").map(|entry| address_key(entry.param("EMAIL").unwrap_or_else(|| entry.value()))).collect();
            people.sort();
            let all = people.len();
            people.dedup();
            people.len() < all
        })
}

/// A step from one state to the other: whatever is stored and sent can be read, and of who asks it reaches who is asked.
fn stepped(old: Option<&[u8]>, new: &[u8], me: &Addresses) {
    if validate_calendar(new).is_err() {
        return;
    }
    for (old, new) in [(old, Some(new)), (None, Some(new)), (Some(new), None)] {
        grouped(old, new, me);
        let Ok(outgoing) = change(&Change { old, new, me, now: NOW, merges: true, replies: true }) else { continue };
        if let Some(stored) = &outgoing.stored {
            assert!(Tree::read(stored).is_ok(), "{}", String::from_utf8_lossy(stored));
            let statuses: Vec<_> = outgoing.messages.iter().map(|message| (message.to.clone(), "1.2".to_owned())).collect();
            let told = with_statuses(stored, &statuses);
            assert_eq!(with_statuses(&told, &statuses), told);
        }
        for message in outgoing.messages {
            assert_eq!(uid_of(&message.octets).and_then(|(_, method)| method).as_deref(), Some(message.method.name()));
            let to = Addresses::of([message.to.as_str()]);
            if message.method == Method::Request
                && let Received::Stored { octets, .. } = receive(None, &message.octets, &to, None)
            {
                assert_eq!(uid_of(&octets).and_then(|(_, method)| method), None);
            }
        }
    }
}

/// A group that is asked: its people come in, and no second time.
fn grouped(old: Option<&[u8]>, new: Option<&[u8]>, me: &Addresses) {
    let Some(new) = new else { return };
    let people = PEOPLE.map(|address| Member { address: address.to_owned(), name: "M, \"m\"".to_owned() });
    let groups: Vec<_> = newly_asked(old, new, me).into_iter().map(|group| (group, people.to_vec())).collect();
    let stored = with_members(old, new, &groups, me);
    assert!(Tree::read(&stored).is_ok(), "{}", String::from_utf8_lossy(&stored));
    assert_eq!(with_members(old, &stored, &groups, me), with_members(Some(&stored), &stored, &groups, me));
}

/// One object alone, as it is put and as it goes.
fn alone(object: &[u8]) {
    for who in PEOPLE {
        stepped(None, object, &Addresses::of([who]));
    }
}

/// What a message has no business with is there as it was: the calendar's own lines, other components, alarms and what programs note for
/// themselves; and of an answer everything but who takes part.
fn untouched(before: &[u8], message: &[u8], after: &[u8]) {
    let (Ok(old), Ok(new)) = (Tree::read(before), Tree::read(after)) else { return };
    let [was, is] = [&old, &new].map(|tree| tree.components.iter().find(|node| node.name == "VCALENDAR"));
    let (Some(was), Some(is)) = (was, is) else { return };
    assert_eq!(lines(before, was, |_| true), lines(after, is, |_| true));
    let others = |octets: &[u8], node: &Node<'_>, wanted: &dyn Fn(&str) -> bool| -> Vec<Vec<u8>> {
        node.components.iter().filter(|one| wanted(&one.name)).map(|one| octets[one.range.clone()].to_vec()).collect()
    };
    let is_other = |name: &str| !SCHEDULED.contains(&name);
    assert!(is_within(&others(before, was, &is_other), &others(after, is, &is_other)));
    let is_answer = uid_of(message).and_then(|(_, method)| method).as_deref() == Some("REPLY");
    let key = |node: &Node<'_>| node.value("RECURRENCE-ID").map(str::to_owned);
    let (mine, theirs) = (parts(was), parts(is));
    for part in &mine {
        let same = |one: &&&Node<'_>| key(one) == key(part);
        // Two that are one another's double cannot be told apart.
        let (1, 1) = (mine.iter().filter(same).count(), theirs.iter().filter(same).count()) else { continue };
        let Some(now) = theirs.iter().find(same) else { continue };
        let all = |_: &str| true;
        assert!(is_within(&others(before, part, &|name| name == "VALARM"), &others(after, now, &all)));
        let is_kept = |name: &str| name.starts_with("X-") || is_answer && name != "ATTENDEE";
        assert!(is_within(&lines(before, part, is_kept), &lines(after, now, is_kept)));
    }
}

/// What is scheduled in it.
fn parts<'n, 't>(node: &'n Node<'t>) -> Vec<&'n Node<'t>> {
    node.components.iter().filter(|one| SCHEDULED.contains(&&*one.name)).collect()
}

/// The octets of the properties of these names.
fn lines(octets: &[u8], node: &Node<'_>, wanted: impl Fn(&str) -> bool) -> Vec<Vec<u8>> {
    let wanted = node.properties.iter().filter(|entry| wanted(&entry.name().to_ascii_uppercase()));
    wanted.map(|entry| octets[entry.range.clone()].to_vec()).collect()
}

/// All of these, in their order.
fn is_within(some: &[Vec<u8>], all: &[Vec<u8>]) -> bool {
    let mut rest = all.iter();
    some.iter().all(|one| rest.any(|other| other == one))
}
