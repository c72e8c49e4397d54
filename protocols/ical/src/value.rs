//! Values of properties: dates and times, durations, periods, texts (RFC 5545 section 3.3, RFC 6350 section 4).
//!
//! Called by all that understands what a property says. A moment is kept as it was written; `Zones` makes an instant of it. Lenient where programs
//! are: see `docs/calendars.md`.

use crate::tree::Entry;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use std::borrow::Cow;
use std::fmt;

/// A DATE or a DATE-TIME in one of its three forms (RFC 5545 sections 3.3.4 and 3.3.5).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Moment {
    /// A day.
    Date(Date),
    /// A local time, wherever one is.
    Floating(DateTime),
    /// An instant.
    Utc(Timestamp),
    /// A local time where the TZID says.
    Zoned(DateTime, String),
}

/// Why a value is not of its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueFault {
    /// Neither a DATE nor a DATE-TIME.
    Moment,
    /// No DURATION.
    Duration,
    /// No PERIOD.
    Period,
    /// A whole number was expected.
    Number,
    /// No UTC-OFFSET.
    Offset,
}

impl fmt::Display for ValueFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Moment => "it has no valid date or date with time",
            Self::Duration => "it has no valid duration",
            Self::Period => "it has no valid period",
            Self::Number => "it has no valid number",
            Self::Offset => "it has no valid offset from UTC",
        })
    }
}

impl std::error::Error for ValueFault {}

impl Moment {
    /// The value of a property that has one.
    pub fn read(entry: &Entry<'_>) -> Result<Self, ValueFault> {
        Self::of(entry.value(), entry.param("TZID"), entry.param("VALUE"))
    }

    /// The values of a property that lists them, such as EXDATE.
    pub fn list(entry: &Entry<'_>) -> Result<Vec<Self>, ValueFault> {
        let (tzid, kind) = (entry.param("TZID"), entry.param("VALUE"));
        entry.value().split(',').map(|value| Self::of(value, tzid, kind)).collect()
    }

    /// From a value with its TZID and VALUE parameters.
    pub fn of(value: &str, tzid: Option<&str>, kind: Option<&str>) -> Result<Self, ValueFault> {
        let value = value.trim();
        let (day, rest) = value.split_at_checked(8).ok_or(ValueFault::Moment)?;
        let date = date(day).ok_or(ValueFault::Moment)?;
        // Some programs forget `VALUE=DATE`, and some write a time behind it: the day is what they mean.
        if rest.is_empty() || kind.is_some_and(|kind| kind.eq_ignore_ascii_case("DATE")) {
            return Ok(Self::Date(date));
        }
        let (time, utc) = match rest.strip_suffix(['Z', 'z']) {
            Some(rest) => (rest, true),
            None => (rest, false),
        };
        let time = time.strip_prefix(['T', 't']).and_then(time_of_day).ok_or(ValueFault::Moment)?;
        let local = date.to_datetime(time);
        if utc {
            // A TZID beside it (RFC 5545 section 3.2.19 forbids it) says nothing more.
            return Ok(Self::Utc(instant(local)));
        }
        Ok(match tzid {
            Some(tzid) if !tzid.trim().is_empty() => Self::Zoned(local, tzid.trim().to_owned()),
            _ => Self::Floating(local),
        })
    }

    /// Whether it is a day without a time.
    pub fn is_date(&self) -> bool {
        matches!(self, Self::Date(_))
    }

    /// What is written, as a local time: midnight of a day; in UTC for an instant.
    pub fn local(&self) -> DateTime {
        match self {
            Self::Date(date) => date.to_datetime(Time::midnight()),
            Self::Floating(local) | Self::Zoned(local, _) => *local,
            Self::Utc(instant) => TimeZone::UTC.to_datetime(*instant),
        }
    }

    /// The same form with another local time (in UTC for an instant).
    #[must_use]
    pub fn with_local(&self, local: DateTime) -> Self {
        match self {
            Self::Date(_) => Self::Date(local.date()),
            Self::Floating(_) => Self::Floating(local),
            Self::Zoned(_, tzid) => Self::Zoned(local, tzid.clone()),
            Self::Utc(_) => Self::Utc(instant(local)),
        }
    }

    /// The value as it stands behind the colon.
    pub fn value(&self) -> String {
        let local = self.local();
        match self {
            Self::Date(_) => date_text(local.date()),
            Self::Utc(_) => local_text(local) + "Z",
            Self::Floating(_) | Self::Zoned(..) => local_text(local),
        }
    }

    /// Its parameters and value: `;TZID=Europe/Paris:20260424T090000`.
    pub fn written(&self) -> String {
        match self {
            Self::Date(_) => format!(";VALUE=DATE:{}", self.value()),
            Self::Zoned(_, tzid) if tzid.contains([',', ';', ':']) => format!(";TZID=\"{tzid}\":{}", self.value()),
            Self::Zoned(_, tzid) => format!(";TZID={tzid}:{}", self.value()),
            Self::Floating(_) | Self::Utc(_) => format!(":{}", self.value()),
        }
    }
}

fn digits(text: &str) -> Option<i32> {
    if text.bytes().all(|octet| octet.is_ascii_digit()) { text.parse().ok() } else { None }
}

fn date(text: &str) -> Option<Date> {
    if text.len() != 8 || !text.is_ascii() {
        return None;
    }
    let (year, month, day) = (digits(&text[..4])?, digits(&text[4..6])?, digits(&text[6..])?);
    // The year 0 is none, and before it neither.
    if year == 0 {
        return None;
    }
    Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

fn time_of_day(text: &str) -> Option<Time> {
    if text.len() != 6 || !text.is_ascii() {
        return None;
    }
    // RFC 5545 section 3.3.12: who cannot tell a leap second takes 59.
    let (hour, minute, second) = (digits(&text[..2])?, digits(&text[2..4])?, digits(&text[4..])?);
    let second = if second == 60 { 59 } else { second };
    Time::new(i8::try_from(hour).ok()?, i8::try_from(minute).ok()?, i8::try_from(second).ok()?, 0).ok()
}

fn date_text(date: Date) -> String {
    format!("{:04}{:02}{:02}", date.year(), date.month(), date.day())
}

fn local_text(local: DateTime) -> String {
    format!("{}T{:02}{:02}{:02}", date_text(local.date()), local.hour(), local.minute(), local.second())
}

/// A local time in UTC as an instant. The last day of the year 9999 is written for "never", and is one more than an instant can be: then the last one
/// of whole seconds, as there are no parts of a second here.
fn instant(local: DateTime) -> Timestamp {
    TimeZone::UTC.to_timestamp(local).or_else(|_| Timestamp::from_second(Timestamp::MAX.as_second())).unwrap_or(Timestamp::MAX)
}

/// An instant as a DATE-TIME in UTC.
pub fn utc_text(instant: Timestamp) -> String {
    Moment::Utc(instant).value()
}

/// A DURATION: days last from midnight to midnight, whatever the clocks do between; seconds are exact (RFC 5545 section 3.3.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Length {
    /// Weeks count as seven.
    pub days: i32,
    /// Hours, minutes and seconds; of the same sign as the days.
    pub seconds: i64,
}

/// Longest part of a duration: ten thousand years, in days and in seconds.
const DAYS_MAX: i64 = 3_660_000;
const SECONDS_MAX: i64 = DAYS_MAX * 86_400;

impl Length {
    /// From a value.
    pub fn of(value: &str) -> Result<Self, ValueFault> {
        Self::parse(value.trim()).ok_or(ValueFault::Duration)
    }

    fn parse(value: &str) -> Option<Self> {
        let (value, sign) = match value.strip_prefix('-') {
            Some(value) => (value, -1),
            None => (value.strip_prefix('+').unwrap_or(value), 1),
        };
        let mut rest = value.strip_prefix(['P', 'p'])?;
        let (mut days, mut seconds, mut in_time, mut parts) = (0_i64, 0_i64, false, 0);
        while !rest.is_empty() {
            if let Some(time) = rest.strip_prefix(['T', 't'])
                && !in_time
            {
                in_time = true;
                rest = time;
                continue;
            }
            let end = rest.find(|character: char| !character.is_ascii_digit())?;
            // More digits than eleven are beyond the limit anyway.
            let amount: i64 = rest.get(..end).filter(|digits| digits.len() <= 11)?.parse().ok()?;
            let unit = rest[end..].chars().next()?.to_ascii_uppercase();
            match (unit, in_time) {
                ('W', false) => days += amount * 7,
                ('D', false) => days += amount,
                ('H', true) => seconds += amount * 3600,
                ('M', true) => seconds += amount * 60,
                ('S', true) => seconds += amount,
                _ => return None,
            }
            parts += 1;
            // The unit is one octet: the patterns above are ASCII.
            rest = &rest[end + 1..];
            if days > DAYS_MAX || seconds > SECONDS_MAX {
                return None;
            }
        }
        (parts > 0).then(|| Self { days: sign * i32::try_from(days).unwrap_or(0), seconds: i64::from(sign) * seconds })
    }

    /// The instant that is so much after an instant, in a zone.
    pub fn after(self, instant: Timestamp, zone: &TimeZone) -> Timestamp {
        let bound = if self.days < 0 || self.seconds < 0 { Timestamp::MIN } else { Timestamp::MAX };
        let mut end = instant;
        if self.days != 0 {
            let local = zone.to_datetime(instant).checked_add(jiff::Span::new().days(i64::from(self.days)));
            let Some(moved) = local.ok().and_then(|local| zone.to_timestamp(local).ok()) else { return bound };
            end = moved;
        }
        end.checked_add(jiff::SignedDuration::from_secs(self.seconds)).unwrap_or(bound)
    }

    /// Whether nothing passes.
    pub fn is_zero(self) -> bool {
        self.days == 0 && self.seconds == 0
    }
}

impl fmt::Display for Length {
    /// As a value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.days < 0 || self.seconds < 0 { "-" } else { "" };
        match (self.days.unsigned_abs(), self.seconds.unsigned_abs()) {
            (days, 0) if days > 0 => write!(f, "{sign}P{days}D"),
            (0, seconds) => write!(f, "{sign}PT{seconds}S"),
            (days, seconds) => write!(f, "{sign}P{days}DT{seconds}S"),
        }
    }
}

/// A PERIOD (RFC 5545 section 3.3.9).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Period {
    /// When it begins.
    pub start: Moment,
    /// When it ends.
    pub end: PeriodEnd,
}

/// How the end of a period is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PeriodEnd {
    /// As a moment.
    At(Moment),
    /// As a duration.
    After(Length),
}

impl Period {
    /// From a value with its TZID.
    pub fn of(value: &str, tzid: Option<&str>) -> Result<Self, ValueFault> {
        let (start, end) = value.trim().split_once('/').ok_or(ValueFault::Period)?;
        let start = Moment::of(start, tzid, None).map_err(|_| ValueFault::Period)?;
        let end = if end.trim_start().starts_with(['P', 'p', '+', '-']) {
            PeriodEnd::After(Length::of(end).map_err(|_| ValueFault::Period)?)
        } else {
            PeriodEnd::At(Moment::of(end, tzid, None).map_err(|_| ValueFault::Period)?)
        };
        Ok(Self { start, end })
    }
}

/// A UTC-OFFSET in seconds (RFC 5545 section 3.3.14).
pub fn offset(value: &str) -> Result<i32, ValueFault> {
    let value = value.trim();
    let (sign, rest) = match value.as_bytes().first() {
        Some(b'-') => (-1, &value[1..]),
        Some(b'+') => (1, &value[1..]),
        // Some programs leave the plus out.
        _ => (1, value),
    };
    if !rest.is_ascii() || !matches!(rest.len(), 4 | 6) {
        return Err(ValueFault::Offset);
    }
    let part = |from: usize| rest.get(from..from + 2).map_or(Some(0), digits).ok_or(ValueFault::Offset);
    let (hours, minutes, seconds) = (part(0)?, part(2)?, part(4)?);
    if hours > 24 || minutes > 59 || seconds > 59 {
        return Err(ValueFault::Offset);
    }
    Ok(sign * (hours * 3600 + minutes * 60 + seconds))
}

/// A TEXT as people read it: escapes undone (RFC 5545 section 3.3.11).
pub fn unescaped(value: &str) -> Cow<'_, str> {
    if !value.contains('\\') {
        return Cow::Borrowed(value);
    }
    let mut out = String::with_capacity(value.len());
    let mut characters = value.chars();
    while let Some(character) = characters.next() {
        match (character, if character == '\\' { characters.next() } else { None }) {
            ('\\', Some('n' | 'N')) => out.push('\n'),
            ('\\', Some(escaped @ (',' | ';' | '\\' | ':' | '"'))) => out.push(escaped),
            // An escape that is none: both characters are meant.
            ('\\', Some(other)) => out.extend(['\\', other]),
            (character, _) => out.push(character),
        }
    }
    Cow::Owned(out)
}

/// A TEXT as it stands behind the colon. Control characters, which it cannot carry, become spaces.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\n' => out.push_str("\\n"),
            '\r' if characters.peek() == Some(&'\n') => {}
            '\\' | ',' | ';' => out.extend(['\\', character]),
            '\t' => out.push('\t'),
            control if control.is_ascii_control() => out.push(' '),
            other => out.push(other),
        }
    }
    out
}

/// The parts of a list or of a structured value, split where the mark stands unescaped; escapes are left as they are.
pub fn parts(value: &str, mark: char) -> impl Iterator<Item = &str> {
    let mut is_escaped = false;
    value.split(move |character| {
        let splits = character == mark && !is_escaped;
        is_escaped = character == '\\' && !is_escaped;
        splits
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn moments_have_four_forms() {
        let of = |value, tzid, kind| Moment::of(value, tzid, kind).map(|moment| moment.written());
        assert_eq!(of("19970714", None, Some("DATE")).unwrap(), ";VALUE=DATE:19970714");
        assert_eq!(of("19970714", None, None).unwrap(), ";VALUE=DATE:19970714");
        assert_eq!(of("20260101T000000", None, Some("DATE")).unwrap(), ";VALUE=DATE:20260101");
        assert_eq!(of("19980118T230000", None, None).unwrap(), ":19980118T230000");
        assert_eq!(of("19980119t070000z", Some("Europe/Paris"), None).unwrap(), ":19980119T070000Z");
        assert_eq!(of(" 19980119T020000 ", Some("America/New_York"), Some("DATE-TIME")).unwrap(), ";TZID=America/New_York:19980119T020000");
        assert_eq!(of("19970630T235960Z", None, None).unwrap(), ":19970630T235959Z");
        // Beyond what an instant can be: the last one, without parts of a second.
        assert_eq!(of("99991231T235959Z", None, None).unwrap(), ":99991230T220000Z");
        assert_eq!(Moment::of("99991231T235959Z", None, None).unwrap().local().subsec_nanosecond(), 0);
        for bad in [
            "",
            "1997071",
            "19970732",
            "00000101",
            "1997-07-14",
            "19970714T",
            "19970714T2500",
            "19970714T250000",
            "19970714T000000X",
            "é9970714",
            "+9970714",
        ] {
            assert_eq!(of(bad, None, None), Err(ValueFault::Moment), "{bad}");
        }
        let quoted = Moment::Zoned(DateTime::constant(2026, 1, 2, 3, 4, 5, 0), "a:b".to_owned());
        assert_eq!(quoted.written(), ";TZID=\"a:b\":20260102T030405");
    }

    #[test]
    fn lengths() {
        for (text, days, seconds) in
            [("P15DT5H0M20S", 15, 18_020), ("P7W", 49, 0), ("-PT15M", 0, -900), ("+P1D", 1, 0), ("PT0S", 0, 0), ("p1wt1h", 7, 3600)]
        {
            let length = Length::of(text).unwrap();
            assert_eq!((length, Length::of(&length.to_string())), (Length { days, seconds }, Ok(length)), "{text}");
        }
        for bad in ["", "P", "PT", "1D", "P1", "P1H", "PT1D", "P1X", "P99999999999D", "PT1HT1M", "P1\u{e9}"] {
            assert_eq!(Length::of(bad), Err(ValueFault::Duration), "{bad}");
        }
    }

    #[test]
    fn a_day_is_not_twenty_four_hours() {
        let Ok(paris) = TimeZone::get("Europe/Paris") else { return };
        let before: Timestamp = "2026-03-28T08:00:00Z".parse().unwrap();
        assert_eq!(Length::of("P1D").unwrap().after(before, &paris).to_string(), "2026-03-29T07:00:00Z");
        assert_eq!(Length::of("PT24H").unwrap().after(before, &paris).to_string(), "2026-03-29T08:00:00Z");
        assert_eq!(Length::of("P3660000D").unwrap().after(before, &paris), Timestamp::MAX);
        assert_eq!(Length::of("-PT87840000H").unwrap().after(Timestamp::MIN, &paris), Timestamp::MIN);
    }

    #[test]
    fn periods_and_offsets() {
        let period = Period::of("19970101T180000Z/PT5H30M", None).unwrap();
        assert_eq!(period.end, PeriodEnd::After(Length { days: 0, seconds: 19_800 }));
        let period = Period::of("19970101T180000Z/19970102T070000Z", None).unwrap();
        assert!(matches!(period.end, PeriodEnd::At(Moment::Utc(_))));
        assert_eq!(Period::of("19970101T180000Z", None), Err(ValueFault::Period));
        assert_eq!((offset("-0500"), offset("+0100"), offset("-003456")), (Ok(-18_000), Ok(3600), Ok(-2096)));
        assert_eq!(offset("0200"), Ok(7200));
        for bad in ["", "+", "+01", "+01:0", "+2560", "é000"] {
            assert_eq!(offset(bad), Err(ValueFault::Offset), "{bad}");
        }
    }

    #[test]
    fn texts() {
        assert_eq!(unescaped("Project XYZ Final Review\\nRoom - 3B\\, \\;\\\\\\x"), "Project XYZ Final Review\nRoom - 3B, ;\\\\x");
        assert_eq!(escaped("a\r\nb;c,d\\\u{7}"), "a\\nb\\;c\\,d\\\\ ");
        assert_eq!(parts("a\\,b,c\\\\,d", ',').collect::<Vec<_>>(), ["a\\,b", "c\\\\", "d"]);
    }

    proptest! {
        #[test]
        fn what_is_escaped_comes_back(text in "[^\r\\x00-\\x08\\x0b-\\x1f\\x7f]{0,40}") {
            let escaped = escaped(&text);
            prop_assert_eq!(unescaped(&escaped), text.as_str());
            prop_assert_eq!(parts(&escaped, ',').count(), 1);
        }

        #[test]
        fn no_value_panics(value in "[0-9TZPWDHMS+/,é -]{0,24}") {
            let _ = (Moment::of(&value, None, None), Length::of(&value), Period::of(&value, None), offset(&value));
        }

        #[test]
        fn a_moment_is_written_as_it_was(year in 1..9999_i16, month in 1..=12_i8, day in 1..=28_i8, second in 0..86_399_i32) {
            let local = DateTime::new(year, month, day, (second / 3600) as i8, (second / 60 % 60) as i8, (second % 60) as i8, 0).unwrap();
            for moment in [Moment::Date(local.date()), Moment::Floating(local), Moment::Zoned(local, "X".to_owned()), Moment::Utc(TimeZone::UTC.to_timestamp(local).unwrap())] {
                let tzid = if let Moment::Zoned(..) = moment { Some("X") } else { None };
                prop_assert_eq!(Moment::of(&moment.value(), tzid, None), Ok(moment));
            }
        }
    }
}
