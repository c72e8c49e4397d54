//! Objects with nulls between them: when nobody can be asked by what they say (RFC 7953) is in order, the same in whatever order they are asked and
//! however often, and the same in two halves as in one whole.
#![no_main]

use jiff::Timestamp;
use octroi_ical::{Busy, ComponentKind, ExpansionLimits, Window, busy_of, validate_availability, validate_calendar};

libfuzzer_sys::fuzz_target!(|input: &[u8]| check(input));

const LIMITS: ExpansionLimits = ExpansionLimits { instances: 500, steps: 50_000 };
/// The last three months of 2026 in seconds, with a change of clocks in them, and a moment between.
const TIMES: [i64; 3] = [1_790_812_800, 1_793_000_123, 1_798_761_600];

fn check(input: &[u8]) {
    let mut objects: Vec<Vec<u8>> = input.split(|octet| *octet == 0).map(<[u8]>::to_vec).collect();
    for octets in &objects {
        let _ = validate_availability(octets);
    }
    // Nothing in a store was not looked at before; what else it says of times others look at.
    let is_one = |octets: &Vec<u8>| {
        validate_calendar(octets).is_ok_and(|facts| facts.component == ComponentKind::Availability) || validate_availability(octets).is_ok()
    };
    objects.retain(is_one);
    let [start, middle, end] = TIMES.map(|second| Timestamp::from_second(second).unwrap_or(Timestamp::MAX));
    let asked = |objects: &[Vec<u8>], start, end| busy_of(objects, &Window { start, end }, &LIMITS).ok();
    let Some(all) = asked(&objects, start, end) else { return };
    for (at, (kind, from, to)) in all.iter().enumerate() {
        assert!(start <= *from && from < to && *to <= end, "{all:?}");
        assert!(all[at + 1..].iter().all(|(_, next, _)| to <= next), "one over another: {all:?}");
        // What touches and is the same is one.
        assert!(all.get(at + 1).is_none_or(|(next, begins, _)| next != kind || begins > to), "{all:?}");
    }
    if let (Some(first), Some(second)) = (asked(&objects, start, middle), asked(&objects, middle, end)) {
        assert_eq!(joined(first, second, middle), all, "in two halves");
    }
    objects.reverse();
    assert_eq!(asked(&objects, start, end).as_ref(), Some(&all), "in another order");
    let twice = [&objects[..], &objects[..]].concat();
    if let Some(again) = asked(&twice, start, end) {
        assert_eq!(again, all, "asked twice");
    }
}

/// Two halves as one: what goes on over the cut is one time.
fn joined(mut first: Vec<Busy>, mut second: Vec<Busy>, cut: Timestamp) -> Vec<Busy> {
    let goes_on = |before: &Busy, behind: &Busy| before.2 == cut && behind.1 == cut && before.0 == behind.0;
    if let (Some(before), Some(behind)) = (first.last().copied(), second.first_mut())
        && goes_on(&before, behind)
    {
        behind.1 = before.1;
        first.pop();
    }
    first.extend(second);
    first
}
