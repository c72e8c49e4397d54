//! When somebody can be asked (RFC 7953): the examples of the standard, what cannot be understood, and its section 4 against a model that looks at
//! every hour by itself.

#![allow(clippy::unwrap_used)]

use jiff::{Timestamp, ToSpan};
use octroi_ical::{
    Busy, ComponentKind, ExpansionLimits, FbType, Precondition, TooMany, Tree, Window, busy_of, occurs, span, validate_availability,
    validate_calendar,
};
use proptest::prelude::*;
use std::fmt::Write as _;

fn object(body: &str) -> Vec<u8> {
    format!("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//x//y//EN\n{body}END:VCALENDAR\n").replace('\n', "\r\n").into_bytes()
}

/// One VAVAILABILITY with these lines.
fn says(lines: &str) -> Vec<u8> {
    object(&format!("BEGIN:VAVAILABILITY\nUID:a@example.com\nDTSTAMP:20111005T133225Z\n{lines}END:VAVAILABILITY\n"))
}

fn part(uid: &str, lines: &str) -> String {
    format!("BEGIN:AVAILABLE\nUID:{uid}\nDTSTAMP:20111005T133225Z\n{lines}END:AVAILABLE\n")
}

fn window(start: &str, end: &str) -> Window {
    Window { start: start.parse().unwrap(), end: end.parse().unwrap() }
}

fn told(objects: &[Vec<u8>], window: &Window) -> Vec<String> {
    let name = |(kind, start, end): &Busy| format!("{} {start} {end}", kind.name());
    busy_of(objects, window, &ExpansionLimits::default()).unwrap().iter().map(name).collect()
}

/// A week in those zones, as the appendices write them.
fn week(zone: &str, day: &str, hours: (u8, u8)) -> String {
    let (from, to) = hours;
    part(
        "week",
        &format!("DTSTART;TZID={zone}:{day}T{from:02}0000\nDTEND;TZID={zone}:{day}T{to:02}0000\nRRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR\n"),
    )
}

fn meeting(zone: &str, day: &str) -> Vec<u8> {
    object(&format!(
        "BEGIN:VEVENT\nDTSTAMP:20111113T044111Z\nDTSTART;TZID={zone}:{day}T120000\nDURATION:PT2H\nSUMMARY:Meeting\nUID:meeting\nEND:VEVENT\n"
    ))
}

/// The rows of section 5.1 that are the answer: what each two hours of a day are in Montreal.
fn row(objects: &[Vec<u8>], day: &str) -> String {
    let midnight = day.parse::<jiff::civil::Date>().unwrap().in_tz("America/Montreal").unwrap();
    let slot = |hour: i8| {
        let start = midnight.datetime().with().hour(hour).build().unwrap().in_tz("America/Montreal").unwrap().timestamp();
        match busy_of(objects, &Window { start, end: start + 2.hours() }, &ExpansionLimits::default()).unwrap().as_slice() {
            [] => 'F',
            [(FbType::Busy, ..)] => 'B',
            [(FbType::Unavailable, ..)] => 'U',
            other => panic!("{other:?}"),
        }
    };
    (0..12).map(|at| slot(at * 2)).collect()
}

/// Appendix A. The 6th of November 2011, for which section 5.1.1 draws its row, was a Sunday, so the row is asked of the Monday, with the meeting
/// then; of the Sunday itself the same rules make another.
#[test]
fn the_simple_example_of_rfc_7953_section_5() {
    let hours = says(&format!("DTSTART;TZID=America/Montreal:20111002T000000\n{}", week("America/Montreal", "20111002", (8, 18))));
    let monday = [hours.clone(), meeting("America/Montreal", "20111107")];
    assert_eq!(row(&monday, "2011-11-07"), "UUUUFFBFFUUU");
    assert_eq!(row(&[hours.clone(), meeting("America/Montreal", "20111106")], "2011-11-06"), "UUUUUUBUUUUU");
    // Eight o'clock stays eight o'clock when clocks change, and before its beginning nothing is said.
    let before = window("2011-10-01T00:00:00Z", "2011-10-03T13:00:00Z");
    assert_eq!(
        told(std::slice::from_ref(&hours), &before),
        ["BUSY-UNAVAILABLE 2011-10-02T04:00:00Z 2011-10-02T12:00:00Z", "BUSY-UNAVAILABLE 2011-10-02T22:00:00Z 2011-10-03T12:00:00Z"]
    );
}

/// Appendix B, with the meeting on the day that section 5.1.2 asks for: the appendix has it two weeks later.
#[test]
fn the_further_example_of_section_5() {
    let base = format!("DTSTART;TZID=America/Montreal:20111002T000000\n{}", week("America/Montreal", "20111002", (8, 18)));
    let denver = format!(
        "DTSTART;TZID=America/Denver:20111023T000000\nDTEND;TZID=America/Denver:20111030T000000\nPRIORITY:1\n{}",
        week("America/Denver", "20111023", (8, 18))
    );
    let objects = [says(&base), says(&denver), meeting("America/Denver", "20111024")];
    assert_eq!(row(&objects, "2011-10-24"), "UUUUUFFBFFUU");
    assert_eq!(row(&objects, "2011-10-31"), "UUUUFFFFFUUU", "back in Montreal");
}

#[test]
fn an_event_stands_over_it_and_a_tentative_one_beside_it() {
    let closed = says("DTSTART:20260301T000000Z\nDTEND:20260302T000000Z\n");
    let event = |uid: &str, times: &str, more: &str| {
        object(&format!("BEGIN:VEVENT\nUID:{uid}\nDTSTAMP:20260101T000000Z\n{times}{more}END:VEVENT\n"))
    };
    let sure = event("s", "DTSTART:20260301T060000Z\nDTEND:20260301T080000Z\n", "");
    let maybe = event("m", "DTSTART:20260301T100000Z\nDTEND:20260301T110000Z\n", "STATUS:TENTATIVE\n");
    assert_eq!(
        told(&[closed, sure, maybe], &window("2026-03-01T00:00:00Z", "2026-03-03T00:00:00Z")),
        [
            "BUSY-UNAVAILABLE 2026-03-01T00:00:00Z 2026-03-01T06:00:00Z",
            "BUSY 2026-03-01T06:00:00Z 2026-03-01T08:00:00Z",
            "BUSY-UNAVAILABLE 2026-03-01T08:00:00Z 2026-03-02T00:00:00Z",
            "BUSY-TENTATIVE 2026-03-01T10:00:00Z 2026-03-01T11:00:00Z",
        ]
    );
}

#[test]
fn the_travelling_worker_of_section_3() {
    let (montreal, denver) = ("America/Montreal", "America/Denver");
    let objects = [
        says(&format!(
            "DTSTART;TZID={montreal}:20111002T000000\nDTEND;TZID={montreal}:20111023T030000\n{}",
            week(montreal, "20111002", (9, 17))
        )),
        says(&format!("DTSTART;TZID={denver}:20111023T000000\nDTEND;TZID={denver}:20111030T000000\n{}", week(denver, "20111023", (9, 17)))),
        says(&format!("DTSTART;TZID={montreal}:20111030T030000\n{}", week(montreal, "20111030", (9, 17)))),
    ];
    let free_at = |hour: &str| {
        let start: Timestamp = hour.parse().unwrap();
        told(&objects, &Window { start, end: start + 1.hour() }).is_empty()
    };
    // Nine in Montreal is 13:00 and in Denver 15:00 UTC.
    assert!(free_at("2011-10-17T13:00:00Z") && !free_at("2011-10-17T21:00:00Z"));
    assert!(!free_at("2011-10-24T14:00:00Z") && free_at("2011-10-24T22:00:00Z"));
    assert!(free_at("2011-11-02T13:00:00Z") && !free_at("2011-11-02T21:00:00Z"));
    assert!(!free_at("2011-11-05T15:00:00Z"), "a Saturday");
}

#[test]
fn of_two_the_higher_priority_speaks_and_equals_are_one() {
    let day = "DTSTART:20260127T000000Z\nDTEND:20260128T000000Z\n";
    let open = part("o", "DTSTART:20260127T090000Z\nDTEND:20260127T170000Z\n");
    let all = window("2026-01-26T00:00:00Z", "2026-01-29T00:00:00Z");
    let low = says(&format!("{day}PRIORITY:0\n{open}"));
    let high = says(&format!("{day}PRIORITY:1\nBUSYTYPE:BUSY\n"));
    assert_eq!(told(&[low.clone(), high], &all), ["BUSY 2026-01-27T00:00:00Z 2026-01-28T00:00:00Z"]);
    // Open for two hours more, in a time of its own.
    let more = says(&format!(
        "DTSTART:20260127T180000Z\nDURATION:PT3H\nPRIORITY:5\n{}",
        part("m", "DTSTART:20260127T100000Z\nDTEND:20260127T200000Z\n")
    ));
    assert_eq!(
        told(&[low, more], &all),
        [
            "BUSY-UNAVAILABLE 2026-01-27T00:00:00Z 2026-01-27T09:00:00Z",
            "BUSY-UNAVAILABLE 2026-01-27T17:00:00Z 2026-01-27T18:00:00Z",
            "BUSY-UNAVAILABLE 2026-01-27T20:00:00Z 2026-01-28T00:00:00Z",
        ]
    );
    let maybe = says(&format!("{day}PRIORITY:5\nBUSYTYPE:BUSY-TENTATIVE\n"));
    let closed = says(&format!("{day}PRIORITY:5\n"));
    assert_eq!(told(&[maybe.clone(), closed], &all), ["BUSY-UNAVAILABLE 2026-01-27T00:00:00Z 2026-01-28T00:00:00Z"]);
    // What one of equals has as available is free: section 5 marks it after all that is busy.
    let open = says(&format!("{day}PRIORITY:5\n{open}"));
    assert_eq!(
        told(&[maybe, open], &all),
        ["BUSY-UNAVAILABLE 2026-01-27T00:00:00Z 2026-01-27T09:00:00Z", "BUSY-UNAVAILABLE 2026-01-27T17:00:00Z 2026-01-28T00:00:00Z",]
    );
}

#[test]
fn an_instance_can_be_another() {
    let week =
        part("slot", "DTSTART:20260202T090000Z\nDTEND:20260202T170000Z\nRRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR\nEXDATE:20260210T090000Z\n");
    let short = part("slot", "RECURRENCE-ID:20260209T090000Z\nDTSTART:20260209T090000Z\nDTEND:20260209T120000Z\n");
    let hours = says(&format!("DTSTART:20260202T000000Z\nDTEND:20260216T000000Z\n{week}{short}"));
    assert_eq!(
        told(&[hours], &window("2026-02-09T08:00:00Z", "2026-02-11T10:00:00Z")),
        ["BUSY-UNAVAILABLE 2026-02-09T08:00:00Z 2026-02-09T09:00:00Z", "BUSY-UNAVAILABLE 2026-02-09T12:00:00Z 2026-02-11T09:00:00Z",]
    );
}

#[test]
fn what_a_browser_writes_floats_in_its_only_zone_and_has_no_uid() {
    let zone = "BEGIN:VTIMEZONE\nTZID:Europe/Paris\nEND:VTIMEZONE\n";
    let hours = "BEGIN:VAVAILABILITY\nBEGIN:AVAILABLE\nDTSTART:19700101T090000\nDTEND:19700101T180000\nRRULE:FREQ=DAILY\nEND:AVAILABLE\nEND:VAVAILABILITY\n";
    let octets = object(&format!("{zone}{hours}"));
    assert_eq!(validate_availability(&octets), Ok(()));
    assert!(validate_calendar(&octets).is_err(), "in a calendar it has a UID");
    let day = window("2026-07-01T00:00:00Z", "2026-07-02T00:00:00Z");
    assert_eq!(told(&[octets], &day)[0], "BUSY-UNAVAILABLE 2026-07-01T00:00:00Z 2026-07-01T07:00:00Z");
    assert_eq!(told(&[object(hours)], &day)[0], "BUSY-UNAVAILABLE 2026-07-01T00:00:00Z 2026-07-01T09:00:00Z");
}

#[test]
fn in_a_calendar_it_is_an_object_that_is_found_by_its_time() {
    let bounded = says("DTSTART:20260114T000000Z\nDTEND:20260116T000000Z\n");
    assert_eq!(validate_calendar(&bounded).unwrap().component, ComponentKind::Availability);
    let utc = jiff::tz::TimeZone::UTC;
    let is_in = |octets: &[u8], start: &str, end: &str| {
        let (tree, window) = (Tree::read(octets).unwrap(), window(start, end));
        let found = occurs(&tree, "VAVAILABILITY", &utc, &window, &ExpansionLimits::default()).unwrap();
        assert!(!found || span(&tree, &utc, &ExpansionLimits::default()).may_be_in(&window));
        found
    };
    assert!(is_in(&bounded, "2026-01-15T00:00:00Z", "2026-01-16T00:00:00Z"));
    assert!(!is_in(&bounded, "2026-01-16T00:00:00Z", "2026-01-17T00:00:00Z"));
    assert!(is_in(&says("DTSTART:20260110T000000Z\n"), "2030-01-15T00:00:00Z", "2030-01-16T00:00:00Z"));
    assert!(is_in(&says("DTEND:20260110T000000Z\n"), "1980-01-15T00:00:00Z", "1980-01-16T00:00:00Z"));
    assert!(!is_in(&says("DTEND:20260110T000000Z\n"), "2026-01-15T00:00:00Z", "2026-01-16T00:00:00Z"));
    assert!(is_in(&says(""), "2026-01-15T00:00:00Z", "2026-01-16T00:00:00Z"));
}

#[test]
fn what_cannot_be_understood_is_not_taken() {
    for (lines, why) in [
        ("DTSTART;VALUE=DATE:20260101\n", "days"),
        ("DTSTART:20260101T000000Z\nDTEND:20261231T000000Z\nDURATION:P1D\n", "DTEND as well"),
        ("DURATION:P7D\n", "no DTSTART"),
        ("DTSTART:20261231T000000Z\nDTEND:20260101T000000Z\n", "before it begins"),
        ("DTSTART:soon\n", "not understood"),
        ("BEGIN:AVAILABLE\nUID:x\nEND:AVAILABLE\n", "DTSTART is missing"),
        ("BEGIN:AVAILABLE\nUID:x\nDTSTART:20260101T000000Z\nDURATION:PT1H\nRRULE:FREQ=SOMETIMES\nEND:AVAILABLE\n", "not understood"),
    ] {
        let octets = says(lines);
        let invalid = validate_calendar(&octets).unwrap_err();
        assert!(invalid.to_string().contains(why), "{lines}: {invalid}");
        assert_eq!(validate_availability(&octets), Err(invalid));
    }
    let two = "BEGIN:VAVAILABILITY\nUID:1\nEND:VAVAILABILITY\n";
    for other in [object(""), object(&two.repeat(2)), object(&two.replace("VAVAILABILITY", "VEVENT"))] {
        assert_eq!(validate_availability(&other).unwrap_err().precondition(), Precondition::ValidObject);
    }
    let old = String::from_utf8(says("")).unwrap().replace("VERSION:2.0", "VERSION:1.0");
    assert_eq!(validate_availability(old.as_bytes()).unwrap_err().precondition(), Precondition::SupportedData);
}

/// Section 3.1 lets an AVAILABLE have no end, section 7.2.2 lets a VAVAILABILITY end when it begins: neither takes any time.
#[test]
fn what_takes_no_time_is_taken_and_says_nothing() {
    let day = window("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z");
    let endless = says(&part("x", "DTSTART:20260101T100000Z\nRRULE:FREQ=DAILY\n"));
    let never = says("DTSTART:20260101T100000Z\nDTEND:20260101T100000Z\n");
    for octets in [&endless, &never] {
        assert!(validate_calendar(octets).is_ok() && validate_availability(octets).is_ok());
    }
    assert_eq!(told(&[endless], &day), ["BUSY-UNAVAILABLE 2026-01-01T00:00:00Z 2026-01-02T00:00:00Z"]);
    assert!(told(&[never], &day).is_empty());
}

#[test]
fn what_recurs_too_often_is_given_up() {
    let each = says(&part("s", "DTSTART:20000101T000000Z\nDURATION:PT1S\nRRULE:FREQ=SECONDLY;INTERVAL=2\n"));
    let century = window("2000-01-01T00:00:00Z", "2099-01-01T00:00:00Z");
    let limits = ExpansionLimits::default();
    assert!(matches!(busy_of(&[each], &century, &limits), Err(TooMany::Instances | TooMany::Steps)));
    let many: Vec<Vec<u8>> = (0..20).map(|_| says(&part("s", "DTSTART:20000101T000000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY\n"))).collect();
    assert_eq!(busy_of(&many, &window("2000-01-01T00:00:00Z", "2005-01-01T00:00:00Z"), &limits), Err(TooMany::Instances));
}

/// A VAVAILABILITY in hours of one week.
#[derive(Debug, Clone)]
struct Said {
    priority: u8,
    kind: FbType,
    period: (i64, i64),
    available: Vec<(i64, i64)>,
}

const HOURS: i64 = 60;

fn said() -> impl Strategy<Value = Said> {
    let kinds = prop_oneof![Just(FbType::Busy), Just(FbType::Unavailable), Just(FbType::Tentative)];
    let span = || (-5..HOURS, 1..30_i64).prop_map(|(start, hours)| (start, start + hours));
    (0..4_u8, kinds, span(), proptest::collection::vec(span(), 0..4)).prop_map(|(priority, kind, period, available)| Said {
        priority,
        kind,
        period,
        available,
    })
}

fn at(hour: i64) -> Timestamp {
    Timestamp::from_second(1_770_000_000 / 3600 * 3600 + hour * 3600).unwrap()
}

fn written(said: &Said) -> Vec<u8> {
    let time = |hour| octroi_ical::utc_text(at(hour));
    let mut lines = format!(
        "DTSTART:{}\nDTEND:{}\nPRIORITY:{}\nBUSYTYPE:{}\n",
        time(said.period.0),
        time(said.period.1),
        said.priority,
        said.kind.name()
    );
    for (number, (start, end)) in said.available.iter().enumerate() {
        let _ = write!(lines, "{}", part(&number.to_string(), &format!("DTSTART:{}\nDTEND:{}\n", time(*start), time(*end))));
    }
    says(&lines)
}

/// What is said of one hour: the highest priority that says anything; of equals, what is available in one, else the strictest.
fn expected(all: &[Said], hour: i64) -> Option<FbType> {
    let is_in = |span: &(i64, i64)| span.0 <= hour && hour < span.1;
    let speaks: Vec<&Said> = all.iter().filter(|said| is_in(&said.period)).collect();
    let rank = |said: &Said| if said.priority == 0 { 10 } else { said.priority };
    let highest = speaks.iter().map(|said| rank(said)).min()?;
    let same: Vec<&Said> = speaks.into_iter().filter(|said| rank(said) == highest).collect();
    if same.iter().any(|said| said.available.iter().any(is_in)) { None } else { same.into_iter().map(|said| said.kind).min() }
}

proptest! {
    #[test]
    fn every_hour_is_what_section_4_makes_it(all in proptest::collection::vec(said(), 0..6)) {
        let objects: Vec<Vec<u8>> = all.iter().map(written).collect();
        let window = Window { start: at(0), end: at(HOURS) };
        let busy = busy_of(&objects, &window, &ExpansionLimits::default()).unwrap();
        for hour in 0..HOURS {
            let found: Vec<FbType> = busy.iter().filter(|(_, start, end)| *start <= at(hour) && at(hour) < *end).map(|(kind, ..)| *kind).collect();
            prop_assert_eq!(found, expected(&all, hour).into_iter().collect::<Vec<_>>(), "hour {}", hour);
        }
        for (_, start, end) in &busy {
            prop_assert!(window.start <= *start && start < end && *end <= window.end);
        }
    }

    #[test]
    fn nothing_panics(lines in "(BEGIN:AVAILABLE\n|END:AVAILABLE\n|DTSTART:[0-9TZ]{0,17}\n|DTEND;TZID=Europe/Paris:[0-9T]{0,16}\n|DURATION:-?P[0-9]{0,12}D\n|PRIORITY:[0-9-]{0,4}\n|RRULE:FREQ=DAILY\n){0,12}") {
        let octets = says(&lines);
        let _ = validate_availability(&octets);
        let all = Window { start: Timestamp::MIN, end: Timestamp::MAX };
        let _ = busy_of(&[octets], &all, &ExpansionLimits::default());
    }
}
