//! What the validators make of whole objects: `fixtures/ical`, hostile ones, and properties of all octets.

#![allow(clippy::unwrap_used)]

use octroi_ical::limits::{DEPTH_MAX, LINES_MAX, OBJECT_BYTES_MAX, PARAMS_MAX};
use octroi_ical::{CardVersion, ComponentKind, Invalid, LineFault, Lines, Precondition, validate_calendar, validate_card};
use proptest::prelude::*;
use std::path::PathBuf;
use std::time::{Duration, Instant};

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/ical"))
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(name)).unwrap()
}

fn fixtures() -> Vec<(String, Vec<u8>)> {
    let files = std::fs::read_dir(folder()).unwrap().map(Result::unwrap).filter(|entry| entry.file_type().unwrap().is_file());
    let names = files.map(|entry| entry.file_name().into_string().unwrap()).filter(|name| !name.starts_with('.'));
    let all: Vec<_> = names.map(|name| (name.clone(), fixture(&name))).collect();
    assert!(all.len() > 20);
    all
}

#[test]
fn good_calendars_say_what_they_are() {
    for (name, kind, uid, start, summary) in [
        ("event.ics", ComponentKind::Event, "controle-17@douane.example", Some("20260424T090000"), Some("Contrôle au poste 4\\, quai sud")),
        ("recurring-override-first.ics", ComponentKind::Event, "point@douane.example", Some("20260424T090000"), Some("Point hebdomadaire")),
        ("override-only.ics", ComponentKind::Event, "point@douane.example", Some("20260508T140000"), Some("Point hebdomadaire (reporté)")),
        ("todo.ics", ComponentKind::Todo, "tache-3@douane.example", None, Some("Rendre le rapport")),
        ("journal.ics", ComponentKind::Journal, "journal-1@douane.example", Some("20260414"), Some("Notes de la visite")),
        ("freebusy.ics", ComponentKind::FreeBusy, "libre-1@douane.example", Some("20260424T000000Z"), None),
        (
            "bare-lf-lower-case.ics",
            ComponentKind::Event,
            "controle-17@douane.example",
            Some("20260424T090000"),
            Some("Contrôle au poste 4\\, quai sud"),
        ),
        (
            "fold-inside-character.ics",
            ComponentKind::Event,
            "controle-17@douane.example",
            Some("20260424T090000"),
            Some("Contrôle au poste 4\\, quai sud"),
        ),
    ] {
        let facts = validate_calendar(&fixture(name)).unwrap_or_else(|invalid| panic!("{name}: {invalid}"));
        assert_eq!((facts.component, facts.uid.as_str()), (kind, uid), "{name}");
        assert_eq!(facts.dtstart.map(|property| property.value).as_deref(), start, "{name}");
        assert_eq!(facts.summary.map(|property| property.value).as_deref(), summary, "{name}");
    }
    let dtend = validate_calendar(&fixture("event.ics")).unwrap().dtend.unwrap();
    assert_eq!((dtend.params[0].name.as_str(), dtend.params[0].values[0].as_str()), ("TZID", "Europe/Paris"));
}

#[test]
fn bad_calendars_are_refused_for_their_reason() {
    for (name, invalid, precondition) in [
        ("bad-method.ics", Invalid::Method, Precondition::ValidObject),
        ("bad-two-uids.ics", Invalid::SeveralUids, Precondition::ValidObject),
        ("bad-two-kinds.ics", Invalid::SeveralKinds, Precondition::ValidObject),
        ("bad-two-calendars.ics", Invalid::NotOne("VCALENDAR"), Precondition::ValidObject),
        ("bad-only-timezone.ics", Invalid::NoComponent, Precondition::ValidObject),
        ("bad-no-uid.ics", Invalid::Missing("UID"), Precondition::ValidObject),
        ("bad-version-1.ics", Invalid::Version, Precondition::SupportedData),
        ("bad-unbalanced.ics", Invalid::Unbalanced { number: 19 }, Precondition::ValidData),
        ("bad-control.ics", Invalid::Line { number: 9, fault: LineFault::Control }, Precondition::ValidData),
        ("bad-poll.ics", Invalid::UnknownComponent("VPOLL".to_owned()), Precondition::SupportedComponent),
    ] {
        let found = validate_calendar(&fixture(name)).unwrap_err();
        assert_eq!((&found, found.precondition()), (&invalid, precondition), "{name}: {found}");
    }
    assert_eq!(validate_calendar(&fixture("bad-cut.ics")).unwrap_err().precondition(), Precondition::ValidData);
    assert_eq!(validate_calendar(b""), Err(Invalid::NotOne("VCALENDAR")));
    assert_eq!(validate_calendar(b"X:y\r\n"), Err(Invalid::Outside { number: 1 }));
    assert_eq!(validate_calendar(b"BEGIN:VCALENDAR\r\n"), Err(Invalid::Open("VCALENDAR".to_owned())));
    assert_eq!(validate_calendar(b"END:VCALENDAR\r\n"), Err(Invalid::Unbalanced { number: 1 }));
    assert_eq!(validate_calendar(&fixture("contact-v4.vcf")), Err(Invalid::NotOne("VCALENDAR")));
}

/// Both say that they are the object: which of them an answer is about cannot be known.
#[test]
fn two_main_components_of_one_uid_are_refused() {
    let object = |kind: &str, second: &str| {
        let part = |lines: &str| format!("BEGIN:{kind}\r\n{lines}UID:a\r\nDTSTART:20260105T090000Z\r\nEND:{kind}\r\n");
        validate_calendar(format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{}{}END:VCALENDAR\r\n", part(""), part(second)).as_bytes())
    };
    for kind in ["VEVENT", "VTODO", "VJOURNAL"] {
        let invalid = object(kind, "").unwrap_err();
        assert_eq!((&invalid, invalid.precondition()), (&Invalid::TwoMain { number: 8 }, Precondition::ValidObject));
        assert!(invalid.to_string().contains("line 8"), "{invalid}");
        assert!(object(kind, "RECURRENCE-ID:20260112T090000Z\r\n").is_ok());
    }
}

#[test]
fn times_must_be_understood() {
    let with = |inside: &str| {
        validate_calendar(
            format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:a\r\n{inside}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n").as_bytes(),
        )
    };
    for (inside, told) in [
        ("DTSTART:tomorrow", "DTSTART on line 5 is not understood: it has no valid date or date with time"),
        ("X:y\r\nrrule:FREQ=DAILY;INTERVAL=0", "RRULE on line 6 is not understood: INTERVAL has a value that it cannot have"),
        ("EXDATE:20260401T090000Z,x", "EXDATE on line 5 is not understood: it has no valid date or date with time"),
        ("RDATE;VALUE=PERIOD:20260401T090000Z/x", "RDATE on line 5 is not understood: it has no valid period"),
        ("DURATION:1H", "DURATION on line 5 is not understood: it has no valid duration"),
    ] {
        let invalid = with(inside).unwrap_err();
        assert_eq!((invalid.to_string().as_str(), invalid.precondition()), (told, Precondition::ValidData));
    }
    // What real programs send: exceptions without a value, a rule without one, an alarm whose trigger is nonsense.
    for inside in
        ["EXDATE:", "RRULE:", "DTSTART:20260401", "BEGIN:VALARM\r\nTRIGGER:never\r\nEND:VALARM", "DTSTART;TZID=Nowhere:20260401T090000"]
    {
        assert!(with(inside).is_ok(), "{inside}");
    }
}

#[test]
fn cards_say_what_they_are() {
    let facts = validate_card(&fixture("contact-v3.vcf")).unwrap();
    assert_eq!((facts.version, facts.full_name.as_str()), (CardVersion::V3, "Léa Martin"));
    let facts = validate_card(&fixture("contact-v4.vcf")).unwrap();
    assert_eq!((facts.version, facts.full_name.as_str()), (CardVersion::V4, "Paul Moreau"));
    assert_eq!(facts.uid, "urn:uuid:4f1c2a77-0417-4c11-9d3a-2f6d1b1c0002");
    assert_eq!(validate_card(&fixture("group-v3.vcf")).unwrap().uid, "groupe-nord@douane.example");
    for (name, invalid) in [
        ("bad-two-cards.vcf", Invalid::NotOne("VCARD")),
        ("bad-nested.vcf", Invalid::NotOne("VCARD")),
        ("bad-no-uid.vcf", Invalid::Missing("UID")),
        ("bad-no-name.vcf", Invalid::Missing("FN")),
        ("bad-version-2.vcf", Invalid::Version),
        ("event.ics", Invalid::NotOne("VCARD")),
    ] {
        assert_eq!(validate_card(&fixture(name)), Err(invalid), "{name}");
    }
}

/// A fuzzer's card said that it was of both versions: it was taken as of the last, and converted as of the first.
#[test]
fn a_card_of_two_versions_is_of_none() {
    let card = |versions: &str| validate_card(format!("BEGIN:VCARD\r\n{versions}UID:a\r\nFN:b\r\nEND:VCARD\r\n").as_bytes());
    assert_eq!(card("VERSION:3.0\r\nVERSION:4.0\r\n"), Err(Invalid::Version));
    assert_eq!(card("VERSION:4.0\r\nVERSION:4.0\r\n").unwrap().version, CardVersion::V4);
}

#[test]
fn hostile_objects_are_refused_in_time() {
    let begun = Instant::now();
    let open = |depth: usize| "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n".to_owned() + &"BEGIN:X\r\n".repeat(depth);
    assert_eq!(validate_calendar(open(DEPTH_MAX).as_bytes()), Err(Invalid::TooDeep));
    assert_eq!(validate_calendar(open(100_000).as_bytes()), Err(Invalid::TooDeep));
    assert_eq!(validate_calendar("\r\n".repeat(LINES_MAX + 1).as_bytes()), Err(Invalid::TooLarge));
    assert_eq!(validate_calendar(&vec![b'\n'; OBJECT_BYTES_MAX + 1]), Err(Invalid::TooLarge));
    let line = |head: &str, repeated: &str| format!("BEGIN:VCARD\r\n{head}{}", repeated.repeat(8 * 1024 * 1024 / repeated.len()));
    for (head, repeated) in
        [("X:", "y"), ("X:", "\r\n "), ("X;", "a;"), ("X;a=", "b,"), ("X;a=\"", "b"), ("", ";"), ("", ":\r\n"), ("", "a.")]
    {
        assert!(validate_card(line(head, repeated).as_bytes()).is_err(), "{head}{repeated}");
    }
    let params = format!("BEGIN:VCARD\r\nX{}:y\r\n", ";a=b".repeat(PARAMS_MAX + 1));
    assert_eq!(validate_card(params.as_bytes()), Err(Invalid::Line { number: 2, fault: LineFault::TooMany }));
    let uid = format!("BEGIN:VCARD\r\nUID:{}\r\nEND:VCARD\r\n", "x".repeat(100_000));
    assert_eq!(validate_card(uid.as_bytes()), Err(Invalid::LongUid));
    assert!(begun.elapsed() < Duration::from_secs(20), "took {:?}", begun.elapsed());
}

#[test]
fn every_cut_of_a_fixture_is_judged_without_a_panic() {
    for (_, octets) in fixtures() {
        for end in 0..octets.len() {
            let _ = validate_calendar(&octets[..end]);
            let _ = validate_card(&octets[..end]);
        }
    }
}

/// A line taken out or written twice must never turn a bad object into a panic, nor the lines into other octets.
fn edited(octets: &[u8], edits: &[(usize, u8)]) -> Vec<u8> {
    let mut lines: Vec<&[u8]> = Lines::new(octets).map(|line| line.raw).collect();
    for &(at, kind) in edits {
        let at = at % lines.len().max(1);
        match kind % 3 {
            _ if lines.is_empty() => {}
            0 => drop(lines.remove(at)),
            1 => lines.insert(at, lines[at]),
            _ => lines.swap(0, at),
        }
    }
    lines.concat()
}

proptest! {
    #[test]
    fn any_octets_are_judged(octets in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = (validate_calendar(&octets), validate_card(&octets));
    }

    #[test]
    fn any_rearranged_object_is_judged(which in any::<proptest::sample::Index>(), edits in proptest::collection::vec((any::<usize>(), any::<u8>()), 0..6)) {
        let all = fixtures();
        let octets = edited(&which.get(&all).1, &edits);
        prop_assert_eq!(Lines::new(&octets).map(|line| line.raw).collect::<Vec<_>>().concat(), octets.clone());
        if let Ok(facts) = validate_calendar(&octets) {
            prop_assert!(!facts.uid.is_empty());
        }
        if let Ok(facts) = validate_card(&octets) {
            prop_assert!(!facts.uid.is_empty() && !facts.full_name.is_empty());
        }
    }
}
