//! What reports give instead of an object: expanded, limited, picked, stripped; alarms and free/busy times.

#![allow(clippy::unwrap_used)]

mod support;

use jiff::tz::TimeZone;
use octroi_ical::{
    Busy, Class, ExpansionLimits, FbType, Pick, PickProperty, TooMany, Tree, Window, alarms, busy, class, expand, limit_freebusy_set,
    limit_recurrence_set, merged, pick, requested, stripped, validate_calendar, write_free_busy,
};
use proptest::prelude::*;
use support::{at, window};

fn tree(text: &str) -> Tree<'_> {
    Tree::read(text.as_bytes()).unwrap()
}

fn limits() -> ExpansionLimits {
    ExpansionLimits::default()
}

/// RFC 4791 appendix B, `abcd2.ics`, in short.
const SERIES: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Example Corp.//CalDAV Client//EN\r\n\
    BEGIN:VTIMEZONE\r\nTZID:US/Eastern\r\nBEGIN:STANDARD\r\nDTSTART:20001026T020000\r\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\r\nTZNAME:EST\r\n\
    TZOFFSETFROM:-0400\r\nTZOFFSETTO:-0500\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n\
    BEGIN:VEVENT\r\nDTSTAMP:20060206T001121Z\r\nDTSTART;TZID=US/Eastern:20060102T120000\r\nDURATION:PT1H\r\nRRULE:FREQ=DAILY;COUNT=5\r\n\
    SUMMARY:Event #2\r\nUID:00959BC664CA650E933C892C@example.com\r\nEND:VEVENT\r\n\
    BEGIN:VEVENT\r\nDTSTAMP:20060206T001121Z\r\nDTSTART;TZID=US/Eastern:20060104T140000\r\nDURATION:PT1H\r\n\
    RECURRENCE-ID;TZID=US/Eastern:20060104T120000\r\nSUMMARY:Event #2 bis\r\nUID:00959BC664CA650E933C892C@example.com\r\nEND:VEVENT\r\n\
    BEGIN:VEVENT\r\nDTSTAMP:20060206T001121Z\r\nDTSTART;TZID=US/Eastern:20060106T140000\r\nDURATION:PT1H\r\n\
    RECURRENCE-ID;TZID=US/Eastern:20060106T120000\r\nSUMMARY:Event #2 bis bis\r\nUID:00959BC664CA650E933C892C@example.com\r\nEND:VEVENT\r\n\
    END:VCALENDAR\r\n";

#[test]
fn the_expansion_of_rfc_4791() {
    // Section 7.8.3.
    let expanded = expand(&tree(SERIES), &TimeZone::UTC, &window("20060103T000000Z", "20060105T000000Z"), &limits()).unwrap();
    let expected = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Example Corp.//CalDAV Client//EN\r\n\
        BEGIN:VEVENT\r\nDTSTAMP:20060206T001121Z\r\nDTSTART:20060103T170000Z\r\nDURATION:PT1H\r\nSUMMARY:Event #2\r\n\
        UID:00959BC664CA650E933C892C@example.com\r\nRECURRENCE-ID:20060103T170000Z\r\nEND:VEVENT\r\n\
        BEGIN:VEVENT\r\nDTSTAMP:20060206T001121Z\r\nDTSTART:20060104T190000Z\r\nDURATION:PT1H\r\nSUMMARY:Event #2 bis\r\n\
        UID:00959BC664CA650E933C892C@example.com\r\nRECURRENCE-ID:20060104T170000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    assert_eq!(String::from_utf8(expanded).unwrap(), expected);
}

#[test]
fn days_and_floating_times_are_not_made_utc() {
    let text = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:a\r\nDTSTART;VALUE=DATE:20260401\r\nDTEND;VALUE=DATE:20260403\r\nRRULE:FREQ=WEEKLY\r\nEND:VEVENT\r\n\
        BEGIN:VEVENT\r\nUID:b\r\nDTSTART:20260409T090000\r\nDTEND:20260409T100000\r\nEND:VEVENT\r\n\
        BEGIN:VTODO\r\nUID:c\r\nDUE;TZID=Europe/Paris:20260409T090000\r\nX-AT;TZID=Europe/Paris:20260409T090000\r\nEND:VTODO\r\n\
        BEGIN:VTODO\r\nUID:d\r\nDUE;TZID=Europe/Paris:20260402T100000\r\nRRULE:FREQ=WEEKLY\r\nEND:VTODO\r\nEND:VCALENDAR";
    let tokyo = TimeZone::get("Asia/Tokyo").unwrap();
    let expanded = expand(&tree(text), &tokyo, &window("20260408T000000Z", "20260410T000000Z"), &limits()).unwrap();
    let expected = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:a\r\nDTSTART;VALUE=DATE:20260408\r\nDTEND;VALUE=DATE:20260410\r\n\
        RECURRENCE-ID;VALUE=DATE:20260408\r\nEND:VEVENT\r\n\
        BEGIN:VEVENT\r\nUID:b\r\nDTSTART:20260409T090000\r\nDTEND:20260409T100000\r\nEND:VEVENT\r\n\
        BEGIN:VTODO\r\nUID:c\r\nDUE:20260409T070000Z\r\nX-AT:20260409T070000Z\r\nEND:VTODO\r\n\
        BEGIN:VTODO\r\nUID:d\r\nDUE:20260409T080000Z\r\nRECURRENCE-ID:20260409T080000Z\r\nEND:VTODO\r\nEND:VCALENDAR";
    assert_eq!(String::from_utf8(expanded).unwrap(), expected);
}

#[test]
fn an_expansion_is_no_amplifier() {
    let large = format!(
        "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:a\r\nDTSTART:20260401T000000Z\r\nRRULE:FREQ=HOURLY\r\nDESCRIPTION:{}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
        "x".repeat(100_000)
    );
    let year = window("20260401T000000Z", "20270401T000000Z");
    assert_eq!(expand(&tree(&large), &TimeZone::UTC, &year, &limits()), Err(TooMany::Octets));
    let few = ExpansionLimits { instances: 100, ..limits() };
    assert_eq!(expand(&tree(&large), &TimeZone::UTC, &year, &few), Err(TooMany::Instances));
}

#[test]
fn overrides_outside_the_window_are_left_out() {
    // RFC 4791 section 7.8.2.
    let limited = |from, to| String::from_utf8(limit_recurrence_set(&tree(SERIES), &TimeZone::UTC, &window(from, to))).unwrap();
    let text = limited("20060103T000000Z", "20060105T000000Z");
    assert!(
        text.contains("Event #2 bis\r\n")
            && !text.contains("bis bis")
            && text.contains("RRULE:FREQ=DAILY;COUNT=5")
            && text.contains("VTIMEZONE")
    );
    assert_eq!(limited("20060104T173000Z", "20060104T180000Z"), text);
    assert_eq!(limited("20060101T000000Z", "20060201T000000Z"), SERIES);
    let after = SERIES.replace("RECURRENCE-ID;TZID", "RECURRENCE-ID;RANGE=THISANDFUTURE;TZID");
    let kept = limit_recurrence_set(&tree(&after), &TimeZone::UTC, &window("20070101T000000Z", "20070102T000000Z"));
    assert_eq!(kept, after.as_bytes());
}

#[test]
fn free_busy_times_outside_the_window_are_left_out() {
    let text = "BEGIN:VCALENDAR\r\nBEGIN:VFREEBUSY\r\nUID:a\r\nFREEBUSY;X=y;FBTYPE=BUSY:20060102T100000Z/PT1H,20060103T100000Z/\r\n 20060103T120000Z\r\n\
        FREEBUSY:20060105T100000Z/PT1H\r\nEND:VFREEBUSY\r\nEND:VCALENDAR\r\n";
    let limited = limit_freebusy_set(&tree(text), &window("20060103T110000Z", "20060104T000000Z"));
    let expected = "BEGIN:VCALENDAR\r\nBEGIN:VFREEBUSY\r\nUID:a\r\nFREEBUSY;X=y;FBTYPE=BUSY:20060103T100000Z/20060103T120000Z\r\nEND:VFREEBUSY\r\nEND:VCALENDAR\r\n";
    assert_eq!(String::from_utf8(limited).unwrap(), expected);
    assert_eq!(limit_freebusy_set(&tree(text), &Window::ALL), text.as_bytes());
}

#[test]
fn parts_are_picked() {
    let property = |name: &str, novalue| PickProperty { name: name.to_owned(), novalue };
    let wanted = Pick {
        name: "VCALENDAR".to_owned(),
        properties: Some(vec![property("VERSION", false)]),
        components: Some(vec![
            Pick {
                name: "VEVENT".to_owned(),
                properties: Some(vec![property("uid", false), property("SUMMARY", true), property("DTSTART", true)]),
                components: Some(Vec::new()),
            },
            Pick { name: "VTODO".to_owned(), properties: None, components: None },
        ]),
    };
    let text = "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\nBEGIN:VTIMEZONE\nTZID:z\nEND:VTIMEZONE\nBEGIN:VEVENT\nUID:a\n b\nSUMMARY;LANGUAGE=fr:secret\n\
        DTSTART;TZID=z:20260401T000000\nLOCATION:x\nBEGIN:VALARM\nEND:VALARM\nEND:VEVENT\nBEGIN:VTODO\nX:y\nBEGIN:VALARM\nEND:VALARM\nEND:VTODO\nEND:VCALENDAR";
    let expected = "BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\nUID:a\n b\nSUMMARY;LANGUAGE=fr:\r\nDTSTART;TZID=z:\r\nEND:VEVENT\n\
        BEGIN:VTODO\nX:y\nBEGIN:VALARM\nEND:VALARM\nEND:VTODO\nEND:VCALENDAR\r\n";
    assert_eq!(String::from_utf8(pick(&tree(text), &wanted)).unwrap(), expected);
    let all = Pick { name: "VCALENDAR".to_owned(), properties: None, components: None };
    assert_eq!(pick(&tree(SERIES), &all), SERIES.as_bytes());
    assert!(pick(&tree("BEGIN:VCARD\r\nEND:VCARD\r\n"), &all).is_empty());
}

fn rings(inside: &str, from: &str, to: &str) -> Vec<String> {
    let text = format!("BEGIN:VCALENDAR\r\n{inside}END:VCALENDAR\r\n");
    let found = alarms(&tree(&text), &TimeZone::UTC, &window(from, to), &limits()).unwrap();
    found.iter().map(|alarm| format!("{}/{}/{}", alarm.at.strftime("%m%dT%H%M"), alarm.component, alarm.alarm)).collect()
}

#[test]
fn alarms_go_off() {
    let event = |alarm: &str| {
        format!(
            "BEGIN:VEVENT\r\nUID:a\r\nDTSTART;TZID=Europe/Paris:20260328T090000\r\nDURATION:PT2H\r\nRRULE:FREQ=DAILY\r\nBEGIN:VALARM\r\n{alarm}END:VALARM\r\nEND:VEVENT\r\n"
        )
    };
    let day = ("20260329T000000Z", "20260330T000000Z");
    assert_eq!(rings(&event("TRIGGER:-PT15M\r\n"), day.0, day.1), ["0329T0645/0/0"]);
    assert_eq!(rings(&event("TRIGGER;RELATED=END:PT5M\r\n"), day.0, day.1), ["0329T0905/0/0"]);
    assert_eq!(
        rings(&event("TRIGGER:-PT15M\r\nREPEAT:2\r\nDURATION:PT5M\r\n"), day.0, day.1),
        ["0329T0645/0/0", "0329T0650/0/0", "0329T0655/0/0"]
    );
    // A day before: on the clock.
    assert_eq!(rings(&event("TRIGGER:-P1D\r\n"), "20260328T000000Z", "20260329T000000Z"), ["0328T0800/0/0"]);
    // Two weeks before: the event is far outside the window.
    assert_eq!(rings(&event("TRIGGER:-P2W\r\n"), day.0, day.1), ["0329T0700/0/0"]);
    assert_eq!(rings(&event("TRIGGER;VALUE=DATE-TIME:20260329T120000Z\r\n"), day.0, day.1), ["0329T1200/0/0"]);
    // The end of the window is outside, its start is inside.
    assert_eq!(rings(&event("TRIGGER;VALUE=DATE-TIME:20260330T000000Z\r\n"), day.0, day.1), Vec::<String>::new());
    assert_eq!(rings(&event("TRIGGER;VALUE=DATE-TIME:20260329T000000Z\r\n"), day.0, day.1).len(), 1);
    assert_eq!(rings(&event("TRIGGER:soon\r\n"), day.0, day.1), Vec::<String>::new());
    let many = event("TRIGGER:-PT15M\r\nREPEAT:999999999999\r\nDURATION:PT1S\r\n");
    assert_eq!(rings(&many, "20260329T064500Z", "20260329T064510Z").len(), 10);
    // Of a task: relative to its end if it has no start.
    let todo = |related: &str| {
        format!(
            "BEGIN:VTODO\r\nUID:a\r\nDUE:20260329T120000Z\r\nBEGIN:VALARM\r\nTRIGGER;RELATED={related}:-PT1H\r\nEND:VALARM\r\nEND:VTODO\r\n"
        )
    };
    assert_eq!(rings(&todo("END"), day.0, day.1), ["0329T1100/0/0"]);
    assert_eq!(rings(&todo("START"), day.0, day.1), Vec::<String>::new());
}

fn shown(list: &[Busy]) -> Vec<String> {
    list.iter().map(|(kind, start, end)| format!("{} {} {}", kind.name(), start.strftime("%m%dT%H%M"), end.strftime("%m%dT%H%M"))).collect()
}

#[test]
fn who_is_busy() {
    let event = |uid: &str, inside: &str| format!("BEGIN:VEVENT\r\nUID:{uid}\r\n{inside}END:VEVENT\r\n");
    let text = format!(
        "BEGIN:VCALENDAR\r\n{}{}{}{}{}{}BEGIN:VTODO\r\nUID:g\r\nDTSTART:20260401T100000Z\r\nDURATION:PT9H\r\nEND:VTODO\r\n\
         BEGIN:VFREEBUSY\r\nFREEBUSY;FBTYPE=FREE:20260401T150000Z/PT1H\r\nFREEBUSY;FBTYPE=BUSY-UNAVAILABLE:20260401T160000Z/PT1H\r\n\
         FREEBUSY;FBTYPE=X-ELSE:20260401T170000Z/PT1H\r\nEND:VFREEBUSY\r\nEND:VCALENDAR\r\n",
        event("a", "DTSTART:20260331T230000Z\r\nDURATION:PT2H\r\n"),
        event("b", "DTSTART:20260401T010000Z\r\nDURATION:PT1H\r\n"),
        event("c", "DTSTART:20260401T020000Z\r\nDURATION:PT1H\r\nSTATUS:TENTATIVE\r\n"),
        event("d", "DTSTART:20260401T050000Z\r\nDURATION:PT1H\r\nSTATUS:CANCELLED\r\n"),
        event("e", "DTSTART:20260401T060000Z\r\nDURATION:PT1H\r\nTRANSP:TRANSPARENT\r\n"),
        event("f", "DTSTART:20260401T070000Z\r\n"),
    );
    let day = window("20260401T000000Z", "20260402T000000Z");
    let list = merged(busy(&tree(&text), &TimeZone::UTC, &day, &limits()).unwrap());
    let expected = [
        "BUSY 0401T0000 0401T0200",
        "BUSY-TENTATIVE 0401T0200 0401T0300",
        "BUSY-UNAVAILABLE 0401T1600 0401T1700",
        "BUSY 0401T1700 0401T1800",
    ];
    assert_eq!(shown(&list), expected);
    let written = write_free_busy(
        &day,
        &list[..2],
        &["UID:1".to_owned(), "ORGANIZER:mailto:a@b.example".to_owned()],
        at("20260301T000000Z"),
        Some("REPLY"),
    );
    let expected = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Octroi//Calendar//EN\r\nMETHOD:REPLY\r\nBEGIN:VFREEBUSY\r\nUID:1\r\n\
        ORGANIZER:mailto:a@b.example\r\nDTSTAMP:20260301T000000Z\r\nDTSTART:20260401T000000Z\r\nDTEND:20260402T000000Z\r\n\
        FREEBUSY;FBTYPE=BUSY:20260401T000000Z/20260401T020000Z\r\nFREEBUSY;FBTYPE=BUSY-TENTATIVE:20260401T020000Z/20260401T030000Z\r\n\
        END:VFREEBUSY\r\nEND:VCALENDAR\r\n";
    assert_eq!(String::from_utf8(written.clone()).unwrap(), expected);
    let again = Tree::read(&written).unwrap();
    assert_eq!(requested(&again.components[0].components[0]), Some(day));
    assert_eq!(busy(&again, &TimeZone::UTC, &Window::ALL, &limits()).unwrap().first().map(|one| one.0), Some(FbType::Busy));
}

#[test]
fn a_busy_object_says_nothing_else() {
    let text = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:secret\r\nX-WR-CALNAME:secret\r\n\
        BEGIN:VTIMEZONE\r\nTZID:Secret's own\r\nX-SECRET:secret\r\nTZURL:http://secret\r\nBEGIN:STANDARD\r\nDTSTART:16010101T030000\r\nTZNAME:secret\r\nCOMMENT:secret\r\n\
        TZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10;X-SECRET=1\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n\
        BEGIN:VEVENT\r\nUID:secret\r\nDTSTAMP;X-S=secret:20260101T000000Z\r\nDTSTART;X-S=secret;TZID=Secret's own:20260401T090000\r\nDTEND;TZID=Secret's own:20260401T100000\r\n\
        RRULE:freq=weekly;x-secret=SECRET;COUNT=5\r\nEXDATE;TZID=Secret's own;X-S=secret:20260408T090000,secret\r\nRDATE;VALUE=PERIOD;X-S=secret:20260501T090000Z/PT1H\r\n\
        SUMMARY:secret\r\nDESCRIPTION:secret\r\nLOCATION:secret\r\nATTENDEE:mailto:secret\r\nORGANIZER:mailto:secret\r\nCATEGORIES:secret\r\nURL:http://secret\r\n\
        GEO:1;2\r\nATTACH:secret\r\nX-SECRET:secret\r\nSTATUS:tentative\r\nTRANSP:OPAQUE\r\nCLASS:CONFIDENTIAL\r\nSEQUENCE:7\r\nPRIORITY:1\r\n\
        BEGIN:VALARM\r\nDESCRIPTION:secret\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\nEND:VEVENT\r\n\
        BEGIN:VEVENT\r\nUID:secret\r\nRECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Secret's own:20260415T090000\r\nDTSTART;TZID=Secret's own:20260415T110000\r\nSTATUS:secret\r\nEND:VEVENT\r\n\
        END:VCALENDAR\r\n";
    let out = String::from_utf8(stripped(&tree(text), "x1").unwrap()).unwrap();
    let expected = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Octroi//Calendar//EN\r\n\
        BEGIN:VTIMEZONE\r\nTZID:Zone-1\r\nBEGIN:STANDARD\r\nDTSTART:16010101T030000\r\n\
        TZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n\
        BEGIN:VEVENT\r\nUID:x1\r\nDTSTAMP:20260101T000000Z\r\nDTSTART;TZID=Zone-1:20260401T090000\r\nDTEND;TZID=Zone-1:20260401T100000\r\n\
        RRULE:FREQ=WEEKLY;COUNT=5\r\nEXDATE;TZID=Zone-1:20260408T090000\r\nRDATE;VALUE=PERIOD:20260501T090000Z/PT3600S\r\n\
        STATUS:TENTATIVE\r\nTRANSP:OPAQUE\r\nCLASS:PRIVATE\r\nEND:VEVENT\r\n\
        BEGIN:VEVENT\r\nUID:x1\r\nRECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Zone-1:20260415T090000\r\nDTSTART;TZID=Zone-1:20260415T110000\r\nCLASS:PRIVATE\r\nEND:VEVENT\r\n\
        END:VCALENDAR\r\n";
    assert_eq!(out, expected);
    assert!(validate_calendar(out.as_bytes()).is_ok());
    // The same times make people busy.
    let year = window("20260101T000000Z", "20270101T000000Z");
    let of = |text: &str| busy(&tree(text), &TimeZone::UTC, &year, &limits()).unwrap();
    assert_eq!(of(&out), of(text));
    // Zones by their names, whatever a program calls them, and without one: floating.
    for (tzid, shown) in [
        ("/secret.example/Europe/Paris", ";TZID=Europe/Paris:20260401T090000"),
        ("Romance Standard Time", ";TZID=Europe/Paris:20260401T090000"),
        ("Secret", ":20260401T090000"),
        ("GMT+0200", ";TZID=GMT+0200:20260401T090000"),
    ] {
        let text = format!("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART;TZID={tzid}:20260401T090000\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n");
        let out = String::from_utf8(stripped(&tree(&text), "x").unwrap()).unwrap();
        assert!(out.contains(&format!("DTSTART{shown}\r\n")), "{out}");
    }
    for nothing in ["BEGIN:VCALENDAR\r\nBEGIN:VTODO\r\nUID:a\r\nEND:VTODO\r\nEND:VCALENDAR\r\n", "BEGIN:VCARD\r\nEND:VCARD\r\n"] {
        assert_eq!(stripped(&tree(nothing), "x"), None);
    }
}

#[test]
fn the_strictest_class_counts() {
    let of = |classes: &[&str]| {
        let events: String = classes.iter().map(|class| format!("BEGIN:VEVENT\r\nCLASS:{class}\r\nEND:VEVENT\r\n")).collect();
        class(&tree(&format!("BEGIN:VCALENDAR\r\n{events}END:VCALENDAR\r\n")))
    };
    assert_eq!((of(&[]), of(&["public"]), of(&["PUBLIC", "CONFIDENTIAL"])), (Class::Public, Class::Public, Class::Confidential));
    assert_eq!((of(&["confidential", "Private"]), of(&["X-ONLY-ME"])), (Class::Private, Class::Private));
}

proptest! {
    /// Whatever an event has: what is stripped is a valid object and carries none of the texts.
    #[test]
    fn nothing_passes_the_stripping(lines in proptest::collection::vec(
        "(DTSTART|DTEND|DURATION|RRULE|RDATE|EXDATE|RECURRENCE-ID|STATUS|TRANSP|SUMMARY|X-A|CLASS|DTSTAMP)(;VALUE=PERIOD|;X-B=zqz|;TZID=zqz|;TZID=/zqz/Europe/Paris)?:(20260401T09000[0-9]Z?|20260401T090000Z/PT1H|FREQ=DAILY;X-Q=ZQZ|PT1H|P1DT2H|zqz|,zqz|OPAQUE;zqz)", 0..8))
    {
        let text = format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:zqz\r\nDTSTART:20260401T090000Z\r\n{}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n", lines.join("\r\n"));
        let out = String::from_utf8(stripped(&tree(&text), "x").unwrap()).unwrap();
        prop_assert!(!out.to_ascii_lowercase().contains("zqz"), "{}", out);
        prop_assert!(validate_calendar(out.as_bytes()).is_ok());
        let (from, to) = ("20260101T000000Z", "20260601T000000Z");
        for octets in [expand(&tree(&text), &TimeZone::UTC, &window(from, to), &limits()).unwrap(), limit_recurrence_set(&tree(&text), &TimeZone::UTC, &window(from, to))] {
            prop_assert!(Tree::read(&octets).is_ok());
        }
    }
}
