//! A line of instances and an object: what is attached to it, exchanged and taken off can be read, and nothing else of it has moved.
#![no_main]

use octroi_ical::{
    AttachLine, ExpansionLimits, Tree, managed_attachments, unmanaged, validate_calendar, with_attachment, with_other_attachment,
    with_true_sizes, without_attachment,
};

libfuzzer_sys::fuzz_target!(|input: &[u8]| check(input));

const LIMITS: ExpansionLimits = ExpansionLimits { instances: 200, steps: 100_000 };
const ONE: AttachLine<'static> =
    AttachLine { id: "7-0a", uri: "https://a.example/a%20b", media_type: "text/plain", file_name: "a; \"b\", é^\n.txt", bytes: 1 };
const OTHER: AttachLine<'static> =
    AttachLine { id: "7-0b", uri: "https://a.example/b", media_type: "application/pdf", file_name: "", bytes: u64::MAX };

fn check(input: &[u8]) {
    let Some(at) = input.iter().position(|octet| *octet == b'\n') else { return };
    let (line, object) = (String::from_utf8_lossy(&input[..at]), &input[at + 1..]);
    let instances: Option<Vec<String>> = (!line.is_empty()).then(|| line.split(',').map(str::to_owned).collect());
    let instances = instances.as_deref();
    let Ok(tree) = Tree::read(object) else { return };
    let carried = managed_attachments(&tree);
    for one in &carried {
        if let Ok(without) = without_attachment(&tree, instances, &one.id, &LIMITS) {
            same(object, &without);
            let all = without_attachment(&tree, None, &one.id, &LIMITS);
            assert!(all.is_ok_and(|octets| carried_by(&octets).iter().all(|id| *id != one.id)), "{line}");
        }
    }
    if let Some(sized) = with_true_sizes(&tree, |_| Some(7)) {
        same(object, &sized);
        let again = read(&sized);
        assert!(managed_attachments(&again).iter().map(|one| (&one.id, &one.uri)).eq(carried.iter().map(|one| (&one.id, &one.uri))));
        assert!(with_true_sizes(&again, |_| Some(7)).is_none(), "{}", text(&sized));
    }
    if let Some(plain) = unmanaged(object) {
        same(object, &plain);
        assert!(carried_by(&plain).is_empty() && unmanaged(&plain).is_none());
    }
    if carried.iter().any(|one| one.id == ONE.id || one.id == OTHER.id) {
        return;
    }
    if let Ok(with) = with_attachment(&tree, None, &ONE, &LIMITS) {
        same(object, &with);
        there_and_back(&with);
        let tree = read(&with);
        assert_eq!(text(&without_attachment(&tree, None, ONE.id, &LIMITS).unwrap_or_default()), text(object), "octet for octet");
    }
    if let Ok(with) = with_attachment(&tree, instances, &ONE, &LIMITS) {
        same(object, &with);
        kept(object, &with);
        there_and_back(&with);
        // What each instance got each can lose.
        let tree = read(&with);
        assert!(
            without_attachment(&tree, instances, ONE.id, &LIMITS).is_ok_and(|octets| carried_by(&octets).iter().all(|id| id != ONE.id))
        );
    }
}

/// Another in its place, and that one again.
fn there_and_back(with: &[u8]) {
    let other = with_other_attachment(&read(with), ONE.id, &OTHER).unwrap_or_default();
    assert!(carried_by(&other).contains(&OTHER.id.to_owned()) && !carried_by(&other).contains(&ONE.id.to_owned()));
    assert_eq!(text(&with_other_attachment(&read(&other), OTHER.id, &ONE).unwrap_or_default()), text(with));
}

/// It can be read, and is an object if it was one.
fn same(before: &[u8], after: &[u8]) {
    let facts = |octets: &[u8]| validate_calendar(octets).map(|facts| (facts.component, facts.uid)).ok();
    let was = facts(before);
    assert!(was.is_none() || facts(after) == was, "{}", text(after));
    let _ = read(after);
}

/// All lines of what was there, in their order.
fn kept(before: &[u8], after: &[u8]) {
    let mut rest = after.split_inclusive(|octet| *octet == b'\n');
    // The last one may have had no end.
    let lines = before.split_inclusive(|octet| *octet == b'\n').filter(|line| line.ends_with(b"\n"));
    for line in lines {
        assert!(rest.any(|other| other == line), "{:?} in {}", text(line), text(after));
    }
}

fn carried_by(octets: &[u8]) -> Vec<String> {
    managed_attachments(&read(octets)).into_iter().map(|one| one.id).collect()
}

fn read(octets: &[u8]) -> Tree<'_> {
    Tree::read(octets).unwrap_or_else(|fault| panic!("{fault}: {}", text(octets)))
}

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}
