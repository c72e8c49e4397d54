//! When components are: the tables of RFC 4791 section 9.9, overrides, exceptions, and what the index keeps of them.

#![allow(clippy::unwrap_used)]

mod support;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use octroi_ical::{ExpansionLimits, TooMany, Tree, Window, occurrences, occurs, span};
use proptest::prelude::*;
use support::{at, window};

fn object(inside: &str) -> String {
    format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{inside}END:VCALENDAR\r\n")
}

fn event(inside: &str) -> String {
    object(&format!("BEGIN:VEVENT\r\nUID:a\r\n{inside}END:VEVENT\r\n"))
}

fn paris() -> TimeZone {
    TimeZone::get("Europe/Paris").unwrap()
}

/// Starts and ends in UTC, and which component; of a day the time is left out.
fn found(text: &str, window: &Window) -> Vec<String> {
    let tree = Tree::read(text.as_bytes()).unwrap();
    let shown = |instant: Timestamp| instant.strftime("%m%dT%H%M").to_string();
    let found = occurrences(&tree, &paris(), window, &ExpansionLimits::default()).unwrap();
    // What is in a window is in the span as well.
    let span = span(&tree, &TimeZone::UTC, &ExpansionLimits::default());
    for occurrence in &found {
        assert!(span.first.is_none_or(|first| first <= occurrence.start.as_second()), "{span:?} {occurrence:?}");
        assert!(span.last.is_none_or(|last| last >= occurrence.end.as_second()), "{span:?} {occurrence:?}");
        assert!(span.may_be_in(window));
    }
    let of_component =
        |occurrence: &octroi_ical::Occurrence| format!("{}/{} {}", shown(occurrence.start), shown(occurrence.end), occurrence.component);
    found.iter().map(of_component).collect()
}

fn is_in(text: &str, start: &str, end: &str) -> bool {
    let tree = Tree::read(text.as_bytes()).unwrap();
    let kind = ["VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY"].into_iter().find(|kind| text.contains(kind)).unwrap();
    let found = occurs(&tree, kind, &TimeZone::UTC, &window(start, end), &ExpansionLimits::default()).unwrap();
    assert_eq!(found, !occurrences(&tree, &TimeZone::UTC, &window(start, end), &ExpansionLimits::default()).unwrap().is_empty());
    assert!(!found || span(&tree, &TimeZone::UTC, &ExpansionLimits::default()).may_be_in(&window(start, end)));
    found
}

const DAY: (&str, &str) = ("20260410T000000Z", "20260411T000000Z");

#[test]
fn the_table_of_events() {
    for (inside, expected) in [
        ("DTSTART:20260409T230000Z\r\nDTEND:20260410T000000Z\r\n", false),
        ("DTSTART:20260409T230000Z\r\nDTEND:20260410T000001Z\r\n", true),
        ("DTSTART:20260411T000000Z\r\nDTEND:20260411T010000Z\r\n", false),
        ("DTSTART:20260409T230000Z\r\nDURATION:PT1H\r\n", false),
        ("DTSTART:20260409T230000Z\r\nDURATION:PT2H\r\n", true),
        ("DTSTART:20260410T000000Z\r\nDURATION:PT0S\r\n", true),
        ("DTSTART:20260411T000000Z\r\nDURATION:PT0S\r\n", false),
        ("DTSTART:20260410T000000Z\r\n", true),
        ("DTSTART:20260409T235959Z\r\n", false),
        ("DTSTART;VALUE=DATE:20260410\r\n", true),
        ("DTSTART;VALUE=DATE:20260409\r\n", false),
        ("DTSTART;VALUE=DATE:20260408\r\nDTEND;VALUE=DATE:20260410\r\n", false),
        ("DTSTART;VALUE=DATE:20260408\r\nDTEND;VALUE=DATE:20260411\r\n", true),
        // Sloppy ones: ends before it begins, ends as it begins, and nowhere.
        ("DTSTART:20260410T120000Z\r\nDTEND:20260410T110000Z\r\n", true),
        ("DTSTART:20260410T000000Z\r\nDTEND:20260410T000000Z\r\n", true),
        ("SUMMARY:x\r\n", false),
    ] {
        assert_eq!(is_in(&event(inside), DAY.0, DAY.1), expected, "{inside}");
    }
}

#[test]
fn the_table_of_tasks() {
    let (start, due) = ("DTSTART:20260409T120000Z\r\n", "DUE:20260410T120000Z\r\n");
    for (inside, from, to, expected) in [
        // DTSTART and DURATION: from the start to the end, both ends included.
        (format!("{start}DURATION:P1D\r\n"), "20260410T120000Z", "20260412T000000Z", true),
        (format!("{start}DURATION:P1D\r\n"), "20260410T120001Z", "20260412T000000Z", false),
        (format!("{start}DURATION:P1D\r\n"), "20260401T000000Z", "20260409T120000Z", false),
        // DTSTART and DUE.
        (format!("{start}{due}"), "20260410T115959Z", "20260412T000000Z", true),
        (format!("{start}{due}"), "20260410T120000Z", "20260412T000000Z", false),
        // DTSTART only.
        (start.to_owned(), "20260409T120000Z", "20260412T000000Z", true),
        (start.to_owned(), "20260409T120001Z", "20260412T000000Z", false),
        // DUE only.
        (due.to_owned(), "20260401T000000Z", "20260410T120000Z", true),
        (due.to_owned(), "20260410T120000Z", "20260412T000000Z", false),
        // Neither: when it was made and when done.
        ("COMPLETED:20260410T120000Z\r\nCREATED:20260401T000000Z\r\n".to_owned(), "20260405T000000Z", "20260406T000000Z", true),
        ("COMPLETED:20260410T120000Z\r\nCREATED:20260401T000000Z\r\n".to_owned(), "20260410T120001Z", "20260412T000000Z", false),
        ("COMPLETED:20260410T120000Z\r\n".to_owned(), "20260410T120000Z", "20260412T000000Z", true),
        ("COMPLETED:20260410T120000Z\r\n".to_owned(), "20260411T000000Z", "20260412T000000Z", false),
        ("CREATED:20260410T120000Z\r\n".to_owned(), "20300101T000000Z", "20300102T000000Z", true),
        ("CREATED:20260410T120000Z\r\n".to_owned(), "20260101T000000Z", "20260410T120000Z", false),
        ("SUMMARY:x\r\n".to_owned(), "20000101T000000Z", "20000102T000000Z", true),
    ] {
        let text = object(&format!("BEGIN:VTODO\r\nUID:a\r\n{inside}END:VTODO\r\n"));
        assert_eq!(is_in(&text, from, to), expected, "{inside} {from} {to}");
    }
}

#[test]
fn tasks_recur_by_their_due() {
    let text = object("BEGIN:VTODO\r\nUID:a\r\nDUE;TZID=Europe/Paris:20260327T180000\r\nRRULE:FREQ=DAILY\r\nEND:VTODO\r\n");
    assert_eq!(found(&text, &window("20260328T000000Z", "20260330T000000Z")), ["0328T1700/0328T1700 0", "0329T1600/0329T1600 0"]);
    assert!(is_in(&text, "20260401T000000Z", "20260401T160000Z") && !is_in(&text, "20260401T160000Z", "20260401T235959Z"));
}

#[test]
fn the_tables_of_journals_and_free_busy_times() {
    for (name, inside, expected) in [
        ("VJOURNAL", "DTSTART:20260410T000000Z\r\n", true),
        ("VJOURNAL", "DTSTART:20260411T000000Z\r\n", false),
        ("VJOURNAL", "DTSTART;VALUE=DATE:20260410\r\n", true),
        ("VJOURNAL", "SUMMARY:x\r\n", false),
        ("VFREEBUSY", "DTSTART:20260409T000000Z\r\nDTEND:20260410T000000Z\r\n", true),
        ("VFREEBUSY", "DTSTART:20260411T000000Z\r\nDTEND:20260412T000000Z\r\n", false),
        ("VFREEBUSY", "DTSTART:20260410T120000Z\r\nDTEND:20060410T000000Z\r\n", true),
        ("VFREEBUSY", "FREEBUSY:20260409T230000Z/PT1H,20260410T230000Z/20260411T230000Z\r\n", true),
        ("VFREEBUSY", "FREEBUSY:20260409T230000Z/PT1H\r\n", false),
        ("VFREEBUSY", "COMMENT:x\r\n", false),
    ] {
        assert_eq!(is_in(&object(&format!("BEGIN:{name}\r\nUID:a\r\n{inside}END:{name}\r\n")), DAY.0, DAY.1), expected, "{name} {inside}");
    }
}

#[test]
fn days_are_those_of_the_zone_that_was_given() {
    let text = event("DTSTART;VALUE=DATE:20260329\r\nRRULE:FREQ=DAILY;COUNT=2\r\n");
    // The day on which the clocks change has 23 hours in Paris.
    assert_eq!(found(&text, &Window::ALL), ["0328T2300/0329T2200 0", "0329T2200/0330T2200 0"]);
}

#[test]
fn times_stay_on_the_clock() {
    let zoned = |rest: &str| event(&format!("DTSTART;TZID=Europe/Paris:20260328T023000\r\n{rest}RRULE:FREQ=DAILY;COUNT=3\r\n"));
    // RFC 5545 section 3.3.5: 2:30 does not exist on the 29th and is taken with the offset from before. An end means the same seconds each day.
    let expected = ["0328T0130/0328T0230 0", "0329T0130/0329T0230 0", "0330T0030/0330T0130 0"];
    assert_eq!(found(&zoned("DTEND;TZID=Europe/Paris:20260328T033000\r\n"), &Window::ALL), expected);
    assert_eq!(found(&zoned("DURATION:PT1H\r\n"), &Window::ALL), expected);
    let days = found(&zoned("DURATION:P1D\r\n"), &Window::ALL);
    assert_eq!(days, ["0328T0130/0329T0130 0", "0329T0130/0330T0130 0", "0330T0030/0331T0030 0"]);
    // Every hour: the one that there is not falls together with the next.
    let hourly = event("DTSTART;TZID=Europe/Paris:20260329T010000\r\nRRULE:FREQ=HOURLY;COUNT=4\r\n");
    assert_eq!(found(&hourly, &Window::ALL), ["0329T0000/0329T0000 0", "0329T0100/0329T0100 0", "0329T0200/0329T0200 0"]);
    // The hour that there is twice is the first of them.
    let fold = event("DTSTART;TZID=Europe/Paris:20261024T023000\r\nRRULE:FREQ=DAILY;COUNT=2\r\n");
    assert_eq!(found(&fold, &Window::ALL), ["1024T0030/1024T0030 0", "1025T0030/1025T0030 0"]);
}

#[test]
fn dates_are_added_and_taken_away() {
    let text = event(
        "DTSTART;TZID=Europe/Paris:20260401T090000\r\nDURATION:PT1H\r\nRRULE:FREQ=DAILY;COUNT=5\r\n\
         EXDATE;TZID=Europe/Paris:20260402T090000,20260403T090000\r\nEXDATE:20260404T070000Z\r\nEXDATE:nonsense\r\n\
         RDATE;TZID=America/New_York:20260410T090000\r\nRDATE;VALUE=PERIOD:20260411T100000Z/PT3H,20260412T100000Z/20260412T103000Z\r\n\
         RDATE;VALUE=DATE:20260413\r\nRDATE;TZID=Europe/Paris:20260401T090000\r\n",
    );
    let expected = [
        "0401T0700/0401T0800 0",
        "0405T0700/0405T0800 0",
        "0410T1300/0410T1400 0",
        "0411T1000/0411T1300 0",
        "0412T1000/0412T1030 0",
        "0413T0700/0413T0800 0",
    ];
    assert_eq!(found(&text, &Window::ALL), expected);
    // A day takes away all of that day (Exchange), of a series of days a time does too.
    let text = event("DTSTART:20260401T090000Z\r\nRRULE:FREQ=DAILY;COUNT=3\r\nEXDATE;VALUE=DATE:20260402\r\n");
    assert_eq!(found(&text, &Window::ALL).len(), 2);
    let text = event("DTSTART;VALUE=DATE:20260401\r\nRRULE:FREQ=DAILY;COUNT=3\r\nEXDATE:20260402T000000\r\n");
    assert_eq!(found(&text, &Window::ALL).len(), 2);
    // The start can be an exception; EXRULE of RFC 2445.
    let text = event("DTSTART:20260401T090000Z\r\nRRULE:FREQ=DAILY;COUNT=6\r\nEXRULE:FREQ=DAILY;INTERVAL=2\r\n");
    assert_eq!(found(&text, &Window::ALL), ["0402T0900/0402T0900 0", "0404T0900/0404T0900 0", "0406T0900/0406T0900 0"]);
}

const SERIES: &str =
    "BEGIN:VEVENT\r\nUID:a\r\nDTSTART;TZID=Europe/Paris:20260401T090000\r\nDURATION:PT1H\r\nRRULE:FREQ=DAILY;COUNT=6\r\nEND:VEVENT\r\n";

#[test]
fn overrides_take_the_place_of_instances() {
    let text = object(&format!(
        "BEGIN:VEVENT\r\nUID:a\r\nRECURRENCE-ID:20260403T070000Z\r\nDTSTART:20260420T100000Z\r\nDTEND:20260420T120000Z\r\nEND:VEVENT\r\n{SERIES}"
    ));
    let all = found(&text, &Window::ALL);
    assert_eq!(all.len(), 6);
    assert_eq!(all[5], "0420T1000/0420T1200 0");
    assert!(!all.iter().any(|line| line.starts_with("0403")));
    // Where it went it is found, where it was it is not.
    assert_eq!(found(&text, &window("20260420T000000Z", "20260421T000000Z")).len(), 1);
    assert_eq!(found(&text, &window("20260403T000000Z", "20260404T000000Z")), Vec::<String>::new());
    // All that somebody has who is invited to one instance.
    let alone = event("RECURRENCE-ID:20260403T070000Z\r\nDTSTART:20260403T100000Z\r\n");
    assert_eq!(found(&alone, &Window::ALL), ["0403T1000/0403T1000 0"]);
    // Of another event.
    let other = text.replacen("UID:a", "UID:b", 1);
    assert_eq!(found(&other, &Window::ALL).len(), 7);
}

#[test]
fn this_and_all_that_follow() {
    let change = |id: &str, start: &str, rest: &str| {
        format!(
            "BEGIN:VEVENT\r\nUID:a\r\nRECURRENCE-ID;RANGE=THISANDFUTURE:{id}\r\nDTSTART;TZID=Europe/Paris:{start}\r\n{rest}END:VEVENT\r\n"
        )
    };
    let text = object(&format!(
        "{SERIES}{}{}",
        change("20260405T070000Z", "20260406T120000", "DURATION:PT30M\r\n"),
        change("20260403T070000Z", "20260403T080000", "DURATION:PT2H\r\n")
    ));
    let expected = [
        "0401T0700/0401T0800 0",
        "0402T0700/0402T0800 0",
        "0403T0600/0403T0800 2",
        "0404T0600/0404T0800 2",
        "0406T1000/0406T1030 1",
        "0407T1000/0407T1030 1",
    ];
    assert_eq!(found(&text, &Window::ALL), expected);
    // The last one lies a day behind where the rule put it.
    assert_eq!(found(&text, &window("20260407T100000Z", "20260407T101500Z")), ["0407T1000/0407T1030 1"]);
}

#[test]
fn instances_say_which_they_are() {
    let text = object(SERIES);
    let tree = Tree::read(text.as_bytes()).unwrap();
    let found = occurrences(&tree, &paris(), &window("20260402T000000Z", "20260403T000000Z"), &ExpansionLimits::default()).unwrap();
    assert_eq!(found[0].recurrence_id.as_ref().unwrap().written(), ";TZID=Europe/Paris:20260402T090000");
    let once = event("DTSTART:20260401T090000Z\r\n");
    let tree = Tree::read(once.as_bytes()).unwrap();
    assert_eq!(occurrences(&tree, &paris(), &Window::ALL, &ExpansionLimits::default()).unwrap()[0].recurrence_id, None);
}

#[test]
fn zones_of_the_object() {
    let own = "BEGIN:VTIMEZONE\r\nTZID:Bureau\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0530\r\nTZOFFSETTO:+0530\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n";
    let event = |tzid: &str| format!("BEGIN:VEVENT\r\nUID:a\r\nDTSTART;TZID={tzid}:20260401T090000\r\nEND:VEVENT\r\n");
    for (tzid, expected) in [
        ("Bureau", "0401T0330"),
        ("Romance Standard Time", "0401T0700"),
        ("/freeassociation.sourceforge.net/Tzfile/Asia/Tokyo", "0401T0000"),
        ("GMT+02:00", "0401T0700"),
        // Nothing that is known: floating.
        ("Nirgendwo", "0401T0700"),
    ] {
        let tzid = if tzid.contains(':') { format!("\"{tzid}\"") } else { tzid.to_owned() };
        assert!(found(&object(&format!("{own}{}", event(&tzid))), &Window::ALL)[0].starts_with(expected), "{tzid}");
    }
    // IANA's rules count, not those in the object.
    let wrong = own.replace("Bureau", "Asia/Tokyo");
    assert!(found(&object(&format!("{wrong}{}", event("Asia/Tokyo"))), &Window::ALL)[0].starts_with("0401T0000"));
}

#[test]
fn what_has_no_end_is_cut() {
    let text = event("DTSTART:20260401T090000Z\r\nRRULE:FREQ=HOURLY\r\n");
    let tree = Tree::read(text.as_bytes()).unwrap();
    let limits = ExpansionLimits { instances: 100, ..ExpansionLimits::default() };
    assert_eq!(occurrences(&tree, &paris(), &Window::ALL, &limits), Err(TooMany::Instances));
    assert_eq!(occurs(&tree, "VEVENT", &paris(), &Window::ALL, &limits), Ok(true));
    let few = ExpansionLimits { steps: 10, ..limits };
    assert_eq!(occurrences(&tree, &paris(), &window("20260401T000000Z", "20260501T000000Z"), &few), Err(TooMany::Steps));
    assert_eq!(found(&text, &window("28260401T000000Z", "28260401T010000Z")).len(), 1);
}

/// Objects as large as they may be, of whatever makes work: they end in time, with an answer or a refusal.
#[test]
fn hostile_objects_end_in_time() {
    let begun = std::time::Instant::now();
    let change = |minute: usize| {
        let (day, hour, minute) = (1 + minute / 1440 % 28, minute / 60 % 24, minute % 60);
        format!(
            "BEGIN:VEVENT\r\nUID:a\r\nRECURRENCE-ID;RANGE=THISANDFUTURE:202604{day:02}T{hour:02}{minute:02}00Z\r\nDTSTART:20260401T000000Z\r\nEND:VEVENT\r\n"
        )
    };
    let minutely = "BEGIN:VEVENT\r\nUID:a\r\nDTSTART:20260401T000000Z\r\nRRULE:FREQ=MINUTELY\r\nEND:VEVENT\r\n";
    let changes: String = (0..5_000).map(change).collect();
    let dates = vec!["20260401T000000Z"; 20_000].join(",");
    let zone = |number: usize, frequency: &str| {
        format!(
            "BEGIN:VTIMEZONE\r\nTZID:z{number}\r\nBEGIN:STANDARD\r\nDTSTART:16010101T000000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\n\
             RRULE:FREQ={frequency}\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
        )
    };
    let zones: String = (0..2_000)
        .map(|number| zone(number, ["YEARLY;BYDAY=300MO,1TU", "DAILY;BYMONTH=2;BYMONTHDAY=30", "SECONDLY"][number % 3]))
        .collect();
    let rules = "RRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30\r\nEXRULE:FREQ=SECONDLY\r\n".repeat(1_000);
    let alarms = "BEGIN:VALARM\r\nTRIGGER:-P3650000D\r\nREPEAT:99999999\r\nDURATION:PT1S\r\nEND:VALARM\r\n".repeat(5_000);
    for text in [
        object(&format!("{minutely}{changes}")),
        event(&format!("DTSTART:20260401T000000Z\r\nRRULE:FREQ=DAILY\r\nEXDATE:{dates}\r\nRDATE:{dates}\r\n")),
        object(&format!("{zones}{minutely}")),
        event(&format!("DTSTART:20260401T000000Z\r\n{rules}")),
        event(&format!("DTSTART:20260401T000000Z\r\nRRULE:FREQ=DAILY\r\n{alarms}")),
        event("DTSTART:20260401T000000Z\r\nDURATION:P3650000D\r\nRRULE:FREQ=HOURLY\r\n"),
    ] {
        let tree = Tree::read(text.as_bytes()).unwrap();
        let limits = ExpansionLimits::default();
        for window in [Window::ALL, window("20260401T000000Z", "20260501T000000Z"), window("29260401T000000Z", "29260501T000000Z")] {
            let _ = occurrences(&tree, &paris(), &window, &limits);
            let _ = occurs(&tree, "VTODO", &paris(), &window, &limits);
            let _ = octroi_ical::alarms(&tree, &paris(), &window, &limits);
            let _ = octroi_ical::limit_recurrence_set(&tree, &paris(), &window);
        }
        let _ = span(&tree, &paris(), &limits);
    }
    assert!(begun.elapsed() < std::time::Duration::from_mins(2), "took {:?}", begun.elapsed());
}

#[test]
fn the_span_of_an_object() {
    let of = |text: &str| {
        let span = span(&Tree::read(text.as_bytes()).unwrap(), &TimeZone::UTC, &ExpansionLimits::default());
        (span.first, span.last, span.recurs)
    };
    let (start, end) = (at("20260401T090000Z").as_second(), at("20260401T100000Z").as_second());
    assert_eq!(of(&event("DTSTART:20260401T090000Z\r\nDTEND:20260401T100000Z\r\n")), (Some(start), Some(end), false));
    assert_eq!(of(&event("DTSTART:20260401T090000Z\r\nRRULE:FREQ=DAILY\r\n")), (Some(start), None, true));
    let (first, last, recurs) = of(&event("DTSTART:20260401T090000Z\r\nRRULE:FREQ=DAILY;UNTIL=20260410T090000Z\r\n"));
    assert!(
        first == Some(start)
            && last > Some(at("20260410T090000Z").as_second())
            && last < Some(at("20260413T000000Z").as_second())
            && recurs
    );
    assert_eq!(of(&object("BEGIN:VTODO\r\nUID:a\r\nEND:VTODO\r\n")), (None, None, false));
    let never = of(&event("SUMMARY:x\r\n"));
    assert!(never.0 > never.1);
    // Floating times and days: whatever the zone.
    let (first, last, _) = of(&event("DTSTART;VALUE=DATE:20260401\r\n"));
    assert!(first < Some(at("20260331T100000Z").as_second()) && last > Some(at("20260402T120000Z").as_second()));
}

proptest! {
    /// Whatever window: what a wide one finds and lies in a narrow one, the narrow one finds, and nothing else.
    #[test]
    fn a_window_is_a_part_of_a_wider_one(
        rule in "FREQ=(DAILY|WEEKLY|MONTHLY|HOURLY);INTERVAL=[1-9](;BYDAY=(MO,WE|FR))?(;COUNT=[1-9][0-9]?|;UNTIL=20260[5-9]0[1-9]T000000Z)?",
        start in "2026(03|10)(2[4-9])T0[0-3]3000",
        hours in 0..60_i32,
        from in 0..3_000_i64,
        length in 1..200_i64,
        moved in "2026(03|10)(2[4-9])T0[0-9]3000",
    ) {
        let text = object(&format!(
            "BEGIN:VEVENT\r\nUID:a\r\nDTSTART;TZID=Europe/Paris:{start}\r\nDURATION:PT{hours}H\r\nRRULE:{rule}\r\nEND:VEVENT\r\n\
             BEGIN:VEVENT\r\nUID:a\r\nRECURRENCE-ID;TZID=Europe/Paris;RANGE=THISANDFUTURE:{start}\r\nDTSTART;TZID=Europe/Paris:{moved}\r\nDURATION:PT1H\r\nEND:VEVENT\r\n"
        ));
        let tree = Tree::read(text.as_bytes()).unwrap();
        let begin = at("20260320T000000Z");
        let hour = |number: i64| begin.checked_add(jiff::SignedDuration::from_hours(number)).unwrap();
        let limits = ExpansionLimits::default();
        let wide = occurrences(&tree, &TimeZone::UTC, &Window { start: begin, end: hour(9_000) }, &limits).unwrap();
        let narrow = Window { start: hour(from), end: hour(from + length) };
        let inside = |one: &octroi_ical::Occurrence| {
            if one.end > one.start { narrow.start < one.end && narrow.end > one.start } else { narrow.start <= one.start && narrow.end > one.start }
        };
        let expected: Vec<_> = wide.into_iter().filter(inside).collect();
        prop_assert_eq!(occurrences(&tree, &TimeZone::UTC, &narrow, &limits).unwrap(), expected.clone());
        prop_assert_eq!(occurs(&tree, "VEVENT", &TimeZone::UTC, &narrow, &limits).unwrap(), !expected.is_empty());
        prop_assert!(expected.is_empty() || span(&tree, &TimeZone::UTC, &limits).may_be_in(&narrow));
    }

    #[test]
    fn no_object_panics(lines in proptest::collection::vec("(DTSTART|DTEND|DUE|RDATE|EXDATE|RECURRENCE-ID|COMPLETED|DURATION|FREEBUSY)(;VALUE=DATE|;TZID=X|;TZID=Europe/Paris|;RANGE=THISANDFUTURE)?:[0-9]{4}(0[1-9]|1[0-2])[0-3][0-9](T[0-2][0-9]0000Z?)?(/PT1H)?|RRULE:FREQ=(YEARLY|MONTHLY|DAILY|SECONDLY);BYMONTHDAY=-?[1-9](;COUNT=9)?|END:VEVENT\r\nBEGIN:VEVENT|END:VEVENT\r\nBEGIN:VTODO\r\nEND:VTODO\r\nBEGIN:VEVENT", 0..10)) {
        let text = event(&lines.iter().map(|line| format!("{line}\r\n")).collect::<String>());
        let tree = Tree::read(text.as_bytes()).unwrap();
        let limits = ExpansionLimits { instances: 50, steps: 20_000 };
        for window in [Window::ALL, window("20200101T000000Z", "20270101T000000Z")] {
            let _ = occurrences(&tree, &paris(), &window, &limits);
            let _ = occurs(&tree, "VEVENT", &paris(), &window, &limits);
        }
        let _ = span(&tree, &paris(), &limits);
    }
}
