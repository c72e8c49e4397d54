//! Rules against RFC 5545's own examples (section 3.8.5.3), and what hostile ones cost.

#![allow(clippy::unwrap_used)]

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use octroi_ical::{ExpansionLimits, Moment, Rule, TooMany};
use std::time::{Duration, Instant};

const START: &str = "1997-09-02T09:00:00";

fn times_of(start: &str, rule: &str, to: &str) -> Vec<DateTime> {
    let zone = TimeZone::get("America/New_York").unwrap();
    let start = Moment::Zoned(start.parse().unwrap(), "America/New_York".to_owned());
    let rule: Rule = rule.parse().unwrap_or_else(|fault| panic!("{rule}: {fault}"));
    rule.times(&start, &zone, "0001-01-01T00:00:00".parse().unwrap(), to.parse().unwrap(), &ExpansionLimits::default()).unwrap()
}

/// Month and day of each.
fn days(start: &str, rule: &str, to: &str) -> String {
    let shown = |time: DateTime| format!("{}-{}", time.month(), time.day());
    times_of(start, rule, to).into_iter().map(shown).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_examples_of_rfc_5545() {
    // tidy: table
    for (start, rule, to, expected) in [
        (START, "FREQ=DAILY;COUNT=10", "9999-12-31T00:00:00", "9-2 9-3 9-4 9-5 9-6 9-7 9-8 9-9 9-10 9-11"),
        (START, "FREQ=DAILY;INTERVAL=10;COUNT=5", "9999-12-31T00:00:00", "9-2 9-12 9-22 10-2 10-12"),
        (START, "FREQ=WEEKLY;COUNT=10", "9999-12-31T00:00:00", "9-2 9-9 9-16 9-23 9-30 10-7 10-14 10-21 10-28 11-4"),
        (
            START,
            "FREQ=WEEKLY;INTERVAL=2;WKST=SU",
            "1998-02-18T00:00:00",
            "9-2 9-16 9-30 10-14 10-28 11-11 11-25 12-9 12-23 1-6 1-20 2-3 2-17",
        ),
        (
            START,
            "FREQ=WEEKLY;UNTIL=19971007T000000Z;WKST=SU;BYDAY=TU,TH",
            "9999-12-31T00:00:00",
            "9-2 9-4 9-9 9-11 9-16 9-18 9-23 9-25 9-30 10-2",
        ),
        (
            "1997-09-01T09:00:00",
            "FREQ=WEEKLY;INTERVAL=2;UNTIL=19971224T000000Z;WKST=SU;BYDAY=MO,WE,FR",
            "1997-10-04T00:00:00",
            "9-1 9-3 9-5 9-15 9-17 9-19 9-29 10-1 10-3",
        ),
        (START, "FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH", "9999-12-31T00:00:00", "9-2 9-4 9-16 9-18 9-30 10-2 10-14 10-16"),
        ("1997-09-05T09:00:00", "FREQ=MONTHLY;COUNT=10;BYDAY=1FR", "9999-12-31T00:00:00", "9-5 10-3 11-7 12-5 1-2 2-6 3-6 4-3 5-1 6-5"),
        ("1997-09-05T09:00:00", "FREQ=MONTHLY;UNTIL=19971224T000000Z;BYDAY=1FR", "9999-12-31T00:00:00", "9-5 10-3 11-7 12-5"),
        (
            "1997-09-07T09:00:00",
            "FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU",
            "9999-12-31T00:00:00",
            "9-7 9-28 11-2 11-30 1-4 1-25 3-1 3-29 5-3 5-31",
        ),
        ("1997-09-22T09:00:00", "FREQ=MONTHLY;COUNT=6;BYDAY=-2MO", "9999-12-31T00:00:00", "9-22 10-20 11-17 12-22 1-19 2-16"),
        ("1997-09-28T09:00:00", "FREQ=MONTHLY;BYMONTHDAY=-3", "1998-03-01T00:00:00", "9-28 10-29 11-28 12-29 1-29 2-26"),
        (START, "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=2,15", "9999-12-31T00:00:00", "9-2 9-15 10-2 10-15 11-2 11-15 12-2 12-15 1-2 1-15"),
        (
            "1997-09-30T09:00:00",
            "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1",
            "9999-12-31T00:00:00",
            "9-30 10-1 10-31 11-1 11-30 12-1 12-31 1-1 1-31 2-1",
        ),
        (
            "1997-09-10T09:00:00",
            "FREQ=MONTHLY;INTERVAL=18;COUNT=10;BYMONTHDAY=10,11,12,13,14,15",
            "9999-12-31T00:00:00",
            "9-10 9-11 9-12 9-13 9-14 9-15 3-10 3-11 3-12 3-13",
        ),
        (START, "FREQ=MONTHLY;INTERVAL=2;BYDAY=TU", "1997-12-01T00:00:00", "9-2 9-9 9-16 9-23 9-30 11-4 11-11 11-18 11-25"),
        (
            "1997-06-10T09:00:00",
            "FREQ=YEARLY;COUNT=10;BYMONTH=6,7",
            "9999-12-31T00:00:00",
            "6-10 7-10 6-10 7-10 6-10 7-10 6-10 7-10 6-10 7-10",
        ),
        ("1997-03-10T09:00:00", "FREQ=YEARLY;INTERVAL=2;COUNT=4;BYMONTH=1,2,3", "9999-12-31T00:00:00", "3-10 1-10 2-10 3-10"),
        (
            "1997-01-01T09:00:00",
            "FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200",
            "9999-12-31T00:00:00",
            "1-1 4-10 7-19 1-1 4-9 7-18 1-1 4-10 7-19 1-1",
        ),
        ("1997-05-19T09:00:00", "FREQ=YEARLY;BYDAY=20MO", "2000-01-01T00:00:00", "5-19 5-18 5-17"),
        ("1997-05-12T09:00:00", "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", "2000-01-01T00:00:00", "5-12 5-11 5-17"),
        ("1997-03-13T09:00:00", "FREQ=YEARLY;BYMONTH=3;BYDAY=TH", "1998-12-31T00:00:00", "3-13 3-20 3-27 3-5 3-12 3-19 3-26"),
        (
            "1997-09-13T09:00:00",
            "FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13",
            "1998-03-01T00:00:00",
            "9-13 10-11 11-8 12-13 1-10 2-7",
        ),
        (
            "1996-11-05T09:00:00",
            "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8",
            "2005-01-01T00:00:00",
            "11-5 11-7 11-2",
        ),
        ("1997-09-04T09:00:00", "FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3", "9999-12-31T00:00:00", "9-4 10-7 11-6"),
        (
            "1997-09-29T09:00:00",
            "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2",
            "1998-03-31T00:00:00",
            "9-29 10-30 11-27 12-30 1-29 2-26 3-30",
        ),
        ("1997-08-05T09:00:00", "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO", "9999-12-31T00:00:00", "8-5 8-10 8-19 8-24"),
        ("1997-08-05T09:00:00", "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU", "9999-12-31T00:00:00", "8-5 8-17 8-19 8-31"),
        ("2007-01-15T09:00:00", "FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5", "9999-12-31T00:00:00", "1-15 1-30 2-15 3-15 3-30"),
    ] {
        assert_eq!(days(start, rule, to), expected, "{rule}");
    }
}

#[test]
fn the_examples_within_a_day() {
    let times = |rule: &str, to: &str| {
        times_of(START, rule, to).into_iter().map(|time| format!("{}:{:02}", time.hour(), time.minute())).collect::<Vec<_>>().join(" ")
    };
    // RFC 5545 writes the end as 17:00 in UTC and means 17:00 in New York.
    assert_eq!(times("FREQ=HOURLY;INTERVAL=3;UNTIL=19970902T210000Z", "9999-12-31T00:00:00"), "9:00 12:00 15:00");
    assert_eq!(times("FREQ=MINUTELY;INTERVAL=15;COUNT=6", "9999-12-31T00:00:00"), "9:00 9:15 9:30 9:45 10:00 10:15");
    assert_eq!(times("FREQ=MINUTELY;INTERVAL=90;COUNT=4", "9999-12-31T00:00:00"), "9:00 10:30 12:00 13:30");
    for rule in ["FREQ=DAILY;BYHOUR=9,10,11,12,13,14,15,16;BYMINUTE=0,20,40", "FREQ=MINUTELY;INTERVAL=20;BYHOUR=9,10,11,12,13,14,15,16"] {
        assert_eq!(times_of(START, rule, "1997-09-04T00:00:00").len(), 48, "{rule}");
    }
}

#[test]
fn a_window_far_from_the_start_costs_the_window() {
    let begun = Instant::now();
    let zone = TimeZone::UTC;
    let start = Moment::Floating("0001-01-01T00:00:00".parse().unwrap());
    let few = ExpansionLimits { instances: 4, steps: 1_000 };
    for (rule, found) in [
        ("FREQ=DAILY", 1),
        ("FREQ=SECONDLY;INTERVAL=43200", 2),
        ("FREQ=HOURLY;INTERVAL=6", 4),
        ("FREQ=MINUTELY;INTERVAL=720;COUNT=4294967295", 2),
        ("FREQ=SECONDLY;BYHOUR=3;BYMINUTE=4;BYSECOND=5", 1),
        ("FREQ=SECONDLY;BYMONTH=7", 0),
        ("FREQ=WEEKLY;COUNT=1000000;BYDAY=MO,TU,WE,TH,FR,SA,SU", 1),
    ] {
        let rule: Rule = rule.parse().unwrap();
        let times =
            rule.times(&start, &zone, "2026-06-30T00:00:00".parse().unwrap(), "2026-06-30T23:59:59".parse().unwrap(), &few).unwrap();
        assert_eq!(times.len(), found, "{rule:?}");
    }
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[test]
fn hostile_rules_end() {
    let begun = Instant::now();
    let all = |max: i32| (0..max).map(|number| number.to_string()).collect::<Vec<_>>().join(",");
    let start = Moment::Floating("1970-01-01T00:00:00".parse().unwrap());
    let every_second = format!("FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYHOUR={};BYMINUTE={};BYSECOND={}", all(24), all(60), all(60));
    for (rule, expected) in [
        ("FREQ=SECONDLY", Err(TooMany::Instances)),
        (every_second.as_str(), Err(TooMany::Instances)),
        (&format!("{every_second};BYSETPOS=-1"), Err(TooMany::Steps)),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", Ok(1)),
        ("FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30;BYHOUR=1;BYSECOND=7", Ok(1)),
        ("FREQ=MINUTELY;INTERVAL=1440;BYHOUR=1", Ok(1)),
        ("FREQ=DAILY;BYWEEKNO=53;BYMONTH=6", Ok(1)),
        ("FREQ=YEARLY;INTERVAL=100000000;BYMONTHDAY=1", Ok(12)),
        ("FREQ=SECONDLY;INTERVAL=100000000;COUNT=3;BYSETPOS=2", Ok(1)),
        ("FREQ=MONTHLY;INTERVAL=100000000", Ok(1)),
        ("FREQ=WEEKLY;INTERVAL=100000000", Ok(1)),
    ] {
        let rule: Rule = rule.parse().unwrap();
        let limits = ExpansionLimits { instances: 10_000, steps: 2_000_000 };
        let found = rule.times(&start, &TimeZone::UTC, DateTime::MIN, DateTime::MAX, &limits);
        assert_eq!(found.map(|times| times.len()), expected, "{rule:?}");
    }
    assert!(begun.elapsed() < Duration::from_secs(20), "took {:?}", begun.elapsed());
}

#[test]
fn until_in_every_form() {
    let last = |start: &Moment, until: &str| {
        let rule: Rule = format!("FREQ=DAILY;UNTIL={until}").parse().unwrap();
        let paris = TimeZone::get("Europe/Paris").unwrap();
        let times = rule.times(start, &paris, DateTime::MIN, DateTime::MAX, &ExpansionLimits::default()).unwrap();
        times.last().unwrap().day()
    };
    let local: DateTime = "2026-03-01T23:30:00".parse().unwrap();
    let zoned = Moment::Zoned(local, "Europe/Paris".to_owned());
    // As RFC 5545 has it: in UTC for a start with a zone, else like the start.
    assert_eq!((last(&zoned, "20260310T223000Z"), last(&zoned, "20260310T222959Z")), (10, 9));
    assert_eq!(last(&Moment::Date(local.date()), "20260310"), 10);
    assert_eq!((last(&Moment::Floating(local), "20260310T233000"), last(&Moment::Floating(local), "20260310T232959")), (10, 9));
    // As programs also write it.
    assert_eq!((last(&zoned, "20260310T233000"), last(&zoned, "20260310")), (10, 10));
    assert_eq!((last(&Moment::Floating(local), "20260310"), last(&Moment::Floating(local), "20260310T233000Z")), (10, 10));
    assert_eq!(last(&Moment::Date(local.date()), "20260310T120000Z"), 10);
    // Before the start: the start remains.
    assert_eq!(last(&zoned, "20250101T000000Z"), 1);
}

/// As much as a rule can hold: its lists are as long as they may be, and still the budget is what it costs.
#[test]
fn long_lists_cost_no_more() {
    let begun = Instant::now();
    let list = |from: i32, to: i32, what: &str| {
        (from..=to).filter(|number| *number != 0).map(|number| format!("{number}{what}")).collect::<Vec<_>>().join(",")
    };
    let days: Vec<String> = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"].iter().map(|day| list(-53, 53, day)).collect();
    let start = Moment::Floating("1970-01-01T00:00:00".parse().unwrap());
    for rule in [
        format!("FREQ=YEARLY;BYDAY={};BYYEARDAY={};BYWEEKNO={};BYSETPOS=366", days.join(","), list(-366, 366, ""), list(-53, 53, "")),
        format!("FREQ=DAILY;BYYEARDAY={};BYSETPOS={}", list(-366, 366, ""), list(2, 366, "")),
        format!("FREQ=SECONDLY;BYSECOND={};BYDAY=MO;BYSETPOS={}", list(1, 59, ""), list(2, 366, "")),
    ] {
        let rule: Rule = rule.parse().unwrap();
        let limits = ExpansionLimits { instances: 100_000, steps: 2_000_000 };
        assert_eq!(rule.times(&start, &TimeZone::UTC, DateTime::MIN, DateTime::MAX, &limits), Err(TooMany::Steps));
    }
    assert!(begun.elapsed() < Duration::from_secs(20), "took {:?}", begun.elapsed());
}
