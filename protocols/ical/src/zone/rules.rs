//! The rules of a VTIMEZONE (RFC 5545 section 3.6.5), for zones that IANA does not know.
//!
//! Its changes between two years are written down as TZif (RFC 9636), which jiff reads: so there is one kind of zone everywhere else. Before the first
//! change holds the offset that it came from, after the last the offset that it went to.

use crate::recur::{Budget, End, ExpansionLimits, Rule, Times, days};
use crate::tree::Node;
use crate::value::{Moment, Period, offset};
use jiff::tz::{Offset, TimeZone};

/// What all the zones of one object may cost. The rules of one take some ten thousand steps.
pub(super) const LIMITS: ExpansionLimits = ExpansionLimits { instances: 2_000, steps: 100_000 };
/// STANDARD and DAYLIGHT components of one zone. Zones with all their history have some dozens.
const OBSERVANCES_MAX: usize = 300;
/// The years in which changes of rules are looked for: no custom zone is older, and by the last the rules will be others.
const YEARS: (i32, i32) = (1970, 2100);

/// A change of the clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Onset {
    /// In seconds since 1970.
    instant: i64,
    from: i32,
    to: i32,
    daylight: bool,
}

/// The zone of a VTIMEZONE; `None` when it has no rules that can be understood, or too many.
pub(super) fn zone_of(node: &Node<'_>, budget: &mut Budget) -> Option<TimeZone> {
    let mut onsets = Vec::new();
    let observances = node.components.iter().filter(|node| matches!(node.name.as_str(), "STANDARD" | "DAYLIGHT"));
    for observance in observances.take(OBSERVANCES_MAX) {
        take_onsets(observance, &mut onsets, budget)?;
    }
    onsets.sort_unstable();
    onsets.dedup_by_key(|onset| onset.instant);
    let first = onsets.first()?;
    if onsets.iter().all(|onset| onset.from == first.to && onset.to == first.to) {
        return Offset::from_seconds(first.to).ok().map(TimeZone::fixed);
    }
    TimeZone::tzif("VTIMEZONE", &tzif(&onsets)?).ok()
}

fn take_onsets(observance: &Node<'_>, onsets: &mut Vec<Onset>, budget: &mut Budget) -> Option<()> {
    let (from, to) = (offset(observance.value("TZOFFSETFROM")?).ok()?, offset(observance.value("TZOFFSETTO")?).ok()?);
    let start = Moment::read(observance.property("DTSTART")?).ok()?;
    // Local to the offset that was before, whatever it is written as.
    let start = Moment::Floating(start.local());
    let before = Offset::from_seconds(from).ok()?.to_time_zone();
    let daylight = observance.name == "DAYLIGHT";
    let mut take = |local: i64| {
        onsets.push(Onset { instant: local - i64::from(from), from, to, daylight });
        (onsets.len() <= LIMITS.instances).then_some(())
    };
    take(days::seconds(start.local()))?;
    for entry in observance.all("RDATE") {
        for value in entry.value().split(',') {
            let moment = Moment::of(value, None, None).or_else(|_| Period::of(value, None).map(|period| period.start)).ok()?;
            match moment {
                Moment::Utc(instant) => take(instant.as_second() + i64::from(from))?,
                other => take(days::seconds(other.local()))?,
            }
        }
    }
    for entry in observance.all("RRULE") {
        let rule: Rule = entry.value().parse().ok()?;
        // UNTIL is an instant here (RFC 5545 section 3.6.5), by the clock from before the change.
        let end = match &rule.until {
            Some(Moment::Utc(instant)) => End { local: days::seconds(before.to_datetime(*instant)), instant: None },
            _ => rule.end(&start, &before),
        };
        let window = (i64::from(days::number(YEARS.0, 1, 1)) * days::DAY, i64::from(days::number(YEARS.1, 1, 1)) * days::DAY);
        let mut times = Times::new(&rule, &start, window, end, budget).ok()?;
        while let Some(local) = times.next(budget).ok()? {
            take(local)?;
        }
    }
    Some(())
}

/// RFC 9636 section 3, version 2.
fn tzif(onsets: &[Onset]) -> Option<Vec<u8>> {
    // The first is what holds before the first change.
    let mut types: Vec<(i32, bool)> = vec![(onsets.first()?.from, false)];
    let mut of_onsets = Vec::with_capacity(onsets.len());
    for onset in onsets {
        let wanted = (onset.to, onset.daylight);
        let at = types.iter().position(|kind| *kind == wanted).unwrap_or_else(|| {
            types.push(wanted);
            types.len() - 1
        });
        of_onsets.push(u8::try_from(at).ok()?);
    }
    let mut out = Vec::new();
    // The old part, which who knows the new one skips.
    head(&mut out, 0, 1);
    out.extend([0; 7]);
    head(&mut out, u32::try_from(onsets.len()).ok()?, u32::try_from(types.len()).ok()?);
    out.extend(onsets.iter().flat_map(|onset| onset.instant.to_be_bytes()));
    out.extend(of_onsets);
    for (seconds, daylight) in types {
        out.extend(seconds.to_be_bytes());
        out.extend([u8::from(daylight), 0]);
    }
    // The one name, which is empty, and the rule for the time after, of which there is none.
    out.extend(b"\0\n\n");
    Some(out)
}

fn head(out: &mut Vec<u8>, times: u32, types: u32) {
    out.extend(b"TZif2");
    out.extend([0; 15]);
    for count in [0, 0, 0, times, types, 1_u32] {
        out.extend(count.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Tree;
    use crate::zone::instant_in;
    use proptest::prelude::*;

    fn zone(inside: &str) -> Option<TimeZone> {
        let text = format!("BEGIN:VTIMEZONE\r\nTZID:Own\r\n{inside}END:VTIMEZONE\r\n");
        zone_of(&Tree::read(text.as_bytes()).unwrap().components[0], &mut Budget::new(&LIMITS))
    }

    const NEW_YORK: &str = "BEGIN:DAYLIGHT\r\nDTSTART:19870405T020000\r\nRRULE:FREQ=YEARLY;BYDAY=1SU;BYMONTH=4;UNTIL=20060402T070000Z\r\n\
        TZOFFSETFROM:-0500\r\nTZOFFSETTO:-0400\r\nEND:DAYLIGHT\r\n\
        BEGIN:STANDARD\r\nDTSTART:19671029T020000\r\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10;UNTIL=20061029T060000Z\r\n\
        TZOFFSETFROM:-0400\r\nTZOFFSETTO:-0500\r\nEND:STANDARD\r\n\
        BEGIN:DAYLIGHT\r\nDTSTART:20070311T020000\r\nRRULE:FREQ=YEARLY;BYDAY=2SU;BYMONTH=3\r\nTZOFFSETFROM:-0500\r\nTZOFFSETTO:-0400\r\nEND:DAYLIGHT\r\n\
        BEGIN:STANDARD\r\nDTSTART:20071104T020000\r\nRRULE:FREQ=YEARLY;BYDAY=1SU;BYMONTH=11\r\nTZOFFSETFROM:-0400\r\nTZOFFSETTO:-0500\r\nEND:STANDARD\r\n";

    #[test]
    fn the_rules_of_new_york_are_those_of_iana() {
        let (own, iana) = (zone(NEW_YORK).unwrap(), TimeZone::get("America/New_York").unwrap());
        let mut local: jiff::civil::DateTime = "1988-01-01T01:30:00".parse().unwrap();
        while local.year() < 2037 {
            assert_eq!(instant_in(local, &own), instant_in(local, &iana), "{local}");
            local = local.checked_add(jiff::Span::new().hours(25)).unwrap();
        }
    }

    #[test]
    fn outlook_begins_in_1601() {
        let own = zone(
            "BEGIN:STANDARD\r\nDTSTART:16010101T030000\r\nTZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\nRRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10\r\n\
             END:STANDARD\r\nBEGIN:DAYLIGHT\r\nDTSTART:16010101T020000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\n\
             RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=3\r\nEND:DAYLIGHT\r\n",
        )
        .unwrap();
        let at = |text: &str| instant_in(text.parse().unwrap(), &own).to_string();
        assert_eq!(
            (at("2026-01-15T12:00:00"), at("2026-07-15T12:00:00")),
            ("2026-01-15T11:00:00Z".to_owned(), "2026-07-15T10:00:00Z".to_owned())
        );
    }

    #[test]
    fn what_is_no_zone() {
        let fixed =
            zone("BEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0300\r\nTZOFFSETTO:+0300\r\nEND:STANDARD\r\n").unwrap();
        assert_eq!(fixed.to_fixed_offset().unwrap().seconds(), 10_800);
        assert!(zone("").is_none());
        assert!(zone("BEGIN:STANDARD\r\nTZOFFSETFROM:+0300\r\nTZOFFSETTO:+0300\r\nEND:STANDARD\r\n").is_none());
        let secondly = NEW_YORK.replace("FREQ=YEARLY", "FREQ=SECONDLY");
        assert!(zone(&secondly).is_none());
        let far = "BEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+2400\r\nTZOFFSETTO:+0300\r\nEND:STANDARD\r\n";
        let _ = zone(far);
    }

    proptest! {
        #[test]
        fn no_zone_panics(year in 1..9999, from in "[+-][0-2][0-9][0-5][0-9]", to in "[+-][0-2][0-9][0-5][0-9]", rule in "FREQ=(YEARLY|DAILY|HOURLY);BYMONTH=[1-9];BYDAY=[1-4]SU(;UNTIL=20[0-9]{6}T000000Z|;COUNT=[0-9]{1,9})?") {
            let _ = zone(&format!("BEGIN:STANDARD\r\nDTSTART:{year:04}0101T000000\r\nTZOFFSETFROM:{from}\r\nTZOFFSETTO:{to}\r\nRRULE:{rule}\r\nEND:STANDARD\r\n"));
        }
    }
}
