//! A rule and, on a line before it, its start: read or refused, its times are in order, and a window finds what all has in it.
#![no_main]

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use octroi_ical::{ExpansionLimits, Moment, Rule};

libfuzzer_sys::fuzz_target!(|input: &[u8]| check(&String::from_utf8_lossy(input)));

const LIMITS: ExpansionLimits = ExpansionLimits { instances: 200, steps: 100_000 };

fn check(input: &str) {
    let (start, rule) = input.split_once('\n').unwrap_or(("20260401T090000", input));
    let (Ok(start), Ok(rule)) = (Moment::of(start, Some("Europe/Paris"), None), rule.trim().parse::<Rule>()) else { return };
    let zone = TimeZone::get("Europe/Paris").unwrap_or(TimeZone::UTC);
    let first = start.local();
    let Ok(all) = rule.times(&start, &zone, DateTime::MIN, DateTime::MAX, &LIMITS) else {
        // What has no end has a beginning, unless that takes too long to find.
        let _ = rule.times(&start, &zone, first, first, &LIMITS);
        return;
    };
    assert_eq!(all.first(), Some(&first));
    assert!(all.is_sorted_by(|one, other| one < other), "{all:?}");
    assert!(rule.count.is_none_or(|count| all.len() as u64 <= u64::from(count)));
    let (from, to) = (all[all.len() / 3], all[all.len() * 2 / 3]);
    if let Ok(window) = rule.times(&start, &zone, from, to, &LIMITS) {
        let expected: Vec<_> = all.iter().copied().filter(|time| (from..=to).contains(time)).collect();
        assert_eq!(window, expected, "{rule:?}");
    }
}
