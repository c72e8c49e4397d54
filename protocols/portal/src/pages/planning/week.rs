//! A week of people's busy times: its hours, who is busy when, which times are free for everybody, and the event that takes one of them.
//!
//! Called by the page; without I/O. Times are in the zone where the server stands, as everywhere in the portal.

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan, Zoned};
use octroi_ical::edit::fold;
use octroi_ical::{Busy, Window, escaped, utc_text};
use octroi_model::Address;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::ops::Range;

/// The hours of a day that are shown, and in which meetings are proposed.
pub(crate) const HOURS: Range<i8> = 8..19;
/// Days of a week on which meetings are proposed.
const WORKDAYS: i8 = 5;
/// Times that are proposed of one day, and in all.
const PROPOSED: (usize, usize) = (4, 16);
/// What is written as it is in a `mailto:` (RFC 6068 section 2).
const IN_MAILTO: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'@').remove(b'+');

/// Somebody who is looked at, with their busy times if these may be known.
pub(crate) struct Colleague {
    pub address: Address,
    pub busy: Option<Vec<Busy>>,
}

impl Colleague {
    /// Are they known to be busy at some moment of that time?
    pub(crate) fn is_busy(&self, time: &Window) -> bool {
        self.busy.as_ref().is_some_and(|busy| busy.iter().any(|(_, start, end)| *start < time.end && time.start < *end))
    }
}

/// A week from Monday.
#[derive(Debug, Clone)]
pub(crate) struct Week {
    pub monday: Date,
    pub zone: TimeZone,
}

impl Week {
    /// The week of a day as a URL names it; this week if it names none between 2000 and 2100.
    pub(crate) fn of(day: &str, now: Timestamp, zone: TimeZone) -> Self {
        let known = day.parse::<Date>().ok().filter(|day| (date(2000, 1, 10)..date(2100, 1, 1)).contains(day));
        let day = known.unwrap_or_else(|| now.to_zoned(zone.clone()).date());
        Self { monday: day.saturating_sub(i64::from(day.weekday().to_monday_zero_offset()).days()), zone }
    }

    /// The day that is so many days after Monday.
    pub(crate) fn day(&self, after: i8) -> Date {
        self.monday.saturating_add(i64::from(after).days())
    }

    fn at(&self, day: i8, hour: i8, minute: i8) -> Option<Zoned> {
        self.day(day).at(hour, minute, 0, 0).to_zoned(self.zone.clone()).ok()
    }

    /// All of it.
    pub(crate) fn window(&self) -> Option<Window> {
        Some(Window { start: self.at(0, 0, 0)?.timestamp(), end: self.at(7, 0, 0)?.timestamp() })
    }

    /// An hour of it.
    pub(crate) fn hour(&self, day: i8, hour: i8) -> Option<Window> {
        Some(Window { start: self.at(day, hour, 0)?.timestamp(), end: self.at(day, hour + 1, 0)?.timestamp() })
    }

    /// What its time zone is called.
    pub(crate) fn zone_name(&self) -> String {
        let offset = self.at(0, 12, 0).map(|noon| noon.strftime("UTC%:z").to_string()).unwrap_or_default();
        match self.zone.iana_name() {
            Some(name) => format!("{name} ({offset})"),
            None => offset,
        }
    }

    /// Times of that many minutes after `now` when nobody is known to be busy: on the hour and half past it, none over another, within the hours
    /// of a working day.
    pub(crate) fn free(&self, colleagues: &[Colleague], minutes: i64, now: Timestamp) -> Vec<Window> {
        let mut found = Vec::new();
        for day in 0..WORKDAYS {
            let Some(closes) = self.at(day, HOURS.end, 0).map(|at| at.timestamp()) else { continue };
            let (mut of_day, mut from) = (0, now);
            for (hour, minute) in HOURS.flat_map(|hour| [(hour, 0), (hour, 30)]) {
                let Some(time) = self.at(day, hour, minute).and_then(|at| lasting(at.timestamp(), minutes)) else { continue };
                let fits = time.start >= from && time.end <= closes && of_day < PROPOSED.0 && found.len() < PROPOSED.1;
                if fits && !colleagues.iter().any(|colleague| colleague.is_busy(&time)) {
                    (of_day, from) = (of_day + 1, time.end);
                    found.push(time);
                }
            }
        }
        found
    }
}

/// That many minutes from there.
pub(crate) fn lasting(start: Timestamp, minutes: i64) -> Option<Window> {
    Some(Window { start, end: start.checked_add(SignedDuration::from_mins(minutes)).ok()? })
}

/// A meeting as its organizer puts it (RFC 5545 section 3.6.1). The text is all that is not our own.
pub(crate) fn event(uid: &str, time: &Window, subject: &str, organizer: &Address, others: &[&Address]) -> Vec<u8> {
    let mut lines = vec![
        "BEGIN:VCALENDAR".to_owned(),
        "VERSION:2.0".to_owned(),
        "PRODID:-//Octroi//Planning//EN".to_owned(),
        "BEGIN:VEVENT".to_owned(),
        format!("UID:{uid}"),
        format!("DTSTAMP:{}", utc_text(Timestamp::now())),
        format!("DTSTART:{}", utc_text(time.start)),
        format!("DTEND:{}", utc_text(time.end)),
        format!("SUMMARY:{}", escaped(subject)),
    ];
    if !others.is_empty() {
        lines.push(format!("ORGANIZER:{}", mailto(organizer)));
        lines.push(format!("ATTENDEE;PARTSTAT=ACCEPTED:{}", mailto(organizer)));
        lines.extend(others.iter().map(|other| format!("ATTENDEE;RSVP=TRUE;PARTSTAT=NEEDS-ACTION:{}", mailto(other))));
    }
    lines.extend(["END:VEVENT".to_owned(), "END:VCALENDAR".to_owned()]);
    lines.iter().flat_map(|line| fold(line)).collect()
}

fn mailto(address: &Address) -> String {
    format!("mailto:{}", utf8_percent_encode(&address.to_string(), IN_MAILTO))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use octroi_ical::{ExpansionLimits, FbType, busy_of, validate_calendar};

    fn paris() -> TimeZone {
        octroi_ical::by_name("Europe/Paris").unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn colleague(times: Option<&[(&str, &str)]>) -> Colleague {
        let busy = times.map(|times| times.iter().map(|(start, end)| (FbType::Busy, at(start), at(end))).collect());
        Colleague { address: "a@b.example".parse().unwrap(), busy }
    }

    #[test]
    fn a_week_begins_on_monday_whatever_day_names_it() {
        let now = at("2026-11-29T23:30:00Z");
        let monday = |day: &str| Week::of(day, now, paris()).monday.to_string();
        assert_eq!(monday("2031-01-08"), "2031-01-06");
        assert_eq!(monday(""), "2026-11-30", "where the server stands it is Monday");
        for bad in ["x", "9999-12-31", "-009999-01-01", "1999-01-01", "2026-02-30"] {
            assert_eq!(monday(bad), "2026-11-30", "{bad}");
        }
        // The week in which the clocks are set forward has an hour less.
        let window = Week::of("2027-03-28", now, paris()).window().unwrap();
        assert_eq!(window.end.as_second() - window.start.as_second(), (7 * 24 - 1) * 3600);
    }

    #[test]
    fn proposed_is_what_is_free_for_all_who_are_known() {
        let week = Week::of("2031-01-06", at("2026-11-30T00:00:00Z"), paris());
        let busy = [("2031-01-06T07:15:00Z", "2031-01-06T16:00:00Z"), ("2031-01-06T16:30:00Z", "2031-01-11T00:00:00Z")];
        let colleagues = [colleague(Some(&busy)), colleague(None), colleague(Some(&[]))];
        let free = |minutes, now: &str| -> Vec<String> {
            week.free(&colleagues, minutes, at(now)).iter().map(|time| time.start.to_string()).collect()
        };
        assert_eq!(free(30, "2026-11-30T00:00:00Z"), ["2031-01-06T16:00:00Z"]);
        assert!(free(60, "2026-11-30T00:00:00Z").is_empty());
        assert!(free(30, "2031-01-06T16:00:01Z").is_empty(), "what has begun is over");
        let all = week.free(&[], 60, at("2026-11-30T00:00:00Z"));
        assert_eq!(all.len(), PROPOSED.1);
        assert!(all.windows(2).all(|pair| pair[0].end <= pair[1].start));
    }

    #[test]
    fn an_event_holds_what_was_written_as_text_and_nothing_else() {
        let time = lasting(at("2031-01-06T08:00:00Z"), 60).unwrap();
        let lea: Address = "lea@douane.example".parse().unwrap();
        let others: Vec<Address> =
            ["paul+x@douane.example", "o'hara%41@douane.example"].iter().filter_map(|text| text.parse().ok()).collect();
        let evil = format!("Point; a,b\r\nATTENDEE:mailto:x@y.example\\n{}", "é".repeat(90));
        let octets = event("u-1", &time, &evil, &lea, &others.iter().collect::<Vec<_>>());
        let text = String::from_utf8(octets.clone()).unwrap();
        assert_eq!(validate_calendar(&octets).unwrap().uid, "u-1", "{text}");
        assert_eq!(text.matches("\r\nATTENDEE").count(), 1 + others.len(), "{text}");
        assert!(text.lines().all(|line| line.len() <= 75), "{text}");
        assert!(text.contains("paul+x@douane.example") && !text.contains("%41"), "{text}");
        let busy = busy_of(&[octets], &time, &ExpansionLimits::default()).unwrap();
        assert_eq!(busy, [(FbType::Busy, time.start, time.end)]);
        assert!(!String::from_utf8(event("u", &time, "x", &lea, &[])).unwrap().contains("ORGANIZER"));
    }
}
