//! Any octets as an object: read or refused, its ranges cover it, and whatever is made of it is an object again.
#![no_main]

use jiff::Timestamp;
use jiff::tz::TimeZone;
use octroi_ical::{
    CardVersion, ExpansionLimits, Lines, Node, Pick, Tree, Window, alarms, busy, card_facts, components, convert, expand, feed,
    limit_freebusy_set, limit_recurrence_set, occurrences, occurs, parted, pick, span, stripped, text_of, validate_calendar, validate_card,
    with_own,
};

libfuzzer_sys::fuzz_target!(|input: &[u8]| check(input));

/// Small, so that what is over a limit is met.
const LIMITS: ExpansionLimits = ExpansionLimits { instances: 40, steps: 20_000 };

fn check(octets: &[u8]) {
    assert_eq!(Lines::new(octets).map(|line| line.raw.len()).sum::<usize>(), octets.len());
    let _ = (components(octets), text_of(octets), validate_card(octets), feed(octets, true));
    if let Ok(cut) = feed(octets, false) {
        assert!(cut.objects.iter().all(|object| !object.uid.is_empty() && object.octets.ends_with(b"END:VCALENDAR\r\n")));
    }
    let Ok(tree) = Tree::read(octets) else {
        assert!(validate_calendar(octets).is_err());
        return;
    };
    for node in &tree.components {
        covered(&tree, node);
    }
    for version in [CardVersion::V3, CardVersion::V4] {
        let other = convert(&tree, version);
        if card_facts(&tree).is_ok() {
            assert_eq!(validate_card(&other).map(|facts| facts.version), Ok(version));
        }
    }
    extracts(&tree);
}

/// BEGIN, what is inside, END: in this order, and nothing but blank lines between.
fn covered(tree: &Tree<'_>, node: &Node<'_>) {
    let mut ranges: Vec<_> = node.properties.iter().map(|entry| entry.range.clone()).collect();
    ranges.extend(node.components.iter().map(|node| node.range.clone()));
    ranges.extend([node.begin.clone(), node.end.clone()]);
    ranges.sort_by_key(|range| range.start);
    let mut at = node.range.start;
    for range in ranges {
        assert!(at <= range.start && tree.octets[at..range.start].trim_ascii().is_empty());
        at = range.end;
    }
    assert_eq!(at, node.range.end);
    for entry in &node.properties {
        assert!(entry.text().ends_with(entry.value()) && entry.line().name == entry.name());
    }
    for node in &node.components {
        covered(tree, node);
    }
}

fn extracts(tree: &Tree<'_>) {
    let zone = TimeZone::get("Europe/Paris").unwrap_or(TimeZone::UTC);
    let window = Window { start: Timestamp::UNIX_EPOCH, end: Timestamp::from_second(1_800_000_000).unwrap_or(Timestamp::MAX) };
    let span = span(tree, &TimeZone::UTC, &LIMITS);
    if let Ok(found) = occurrences(tree, &zone, &window, &LIMITS) {
        assert!(found.is_empty() || span.may_be_in(&window), "{span:?}");
        assert!(found.iter().all(|occurrence| occurrence.start <= occurrence.end));
        assert!(found.len() <= LIMITS.instances);
        for kind in ["VEVENT", "VTODO"] {
            let calendar = tree.components.iter().find(|node| node.name == "VCALENDAR");
            let any =
                found.iter().any(|occurrence| calendar.is_some_and(|calendar| calendar.components[occurrence.component].name == kind));
            assert_eq!(occurs(tree, kind, &zone, &window, &LIMITS), Ok(any));
        }
    }
    let _ = (alarms(tree, &zone, &window, &LIMITS), busy(tree, &zone, &window, &LIMITS));
    let all = Pick { name: "VCALENDAR".to_owned(), properties: None, components: None };
    let mut made = vec![pick(tree, &all), limit_recurrence_set(tree, &zone, &window), limit_freebusy_set(tree, &window)];
    let mine = parted(None, tree);
    assert!(parted(Some(tree), tree).object.is_none());
    made.extend([with_own(tree, &mine.own), mine.object.unwrap_or_default()]);
    made.extend(expand(tree, &zone, &window, &LIMITS));
    made.extend(stripped(tree, "uid"));
    for octets in made {
        assert!(Tree::read(&octets).is_ok(), "{}", String::from_utf8_lossy(&octets));
    }
}
