//! Dates as RFC 5260 takes them apart. Pure arithmetic over the Gregorian calendar; the server's own zone is UTC.

use crate::script::DatePart;

/// A moment in a zone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    /// Seconds since 1970 in UTC.
    unix: i64,
    /// Minutes east of UTC.
    offset: i32,
}

const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
/// Modified Julian Day of 1970-01-01.
const JULIAN_OF_EPOCH: i64 = 40_587;
/// Beyond the year 9999 nothing is written any more.
const UNIX_MAX: i64 = 253_402_300_799;

impl Moment {
    pub(crate) fn new(unix: i64, offset: i32) -> Self {
        Self { unix: unix.clamp(-UNIX_MAX / 4, UNIX_MAX), offset }
    }

    /// RFC 5260 section 4.2.
    pub(crate) fn part(self, part: DatePart) -> String {
        let local = self.unix + i64::from(self.offset) * 60;
        let (days, seconds) = (local.div_euclid(86_400), local.rem_euclid(86_400));
        let (year, month, day) = civil(days);
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        let weekday = (days + 4).rem_euclid(7);
        let date = format!("{year:04}-{month:02}-{day:02}");
        let time = format!("{hour:02}:{minute:02}:{second:02}");
        match part {
            DatePart::Year => format!("{year:04}"),
            DatePart::Month => format!("{month:02}"),
            DatePart::Day => format!("{day:02}"),
            DatePart::Date => date,
            DatePart::Julian => (days + JULIAN_OF_EPOCH).to_string(),
            DatePart::Hour => format!("{hour:02}"),
            DatePart::Minute => format!("{minute:02}"),
            DatePart::Second => format!("{second:02}"),
            DatePart::Time => time,
            // RFC 3339 section 5.6.
            DatePart::Iso8601 => format!("{date}T{time}{}", zone(self.offset, ":")),
            DatePart::Std11 => {
                let (name, month) = (DAYS[weekday as usize], MONTHS[(month - 1) as usize]);
                format!("{name}, {day:02} {month} {year:04} {time} {}", zone(self.offset, ""))
            }
            DatePart::Zone => zone(self.offset, ""),
            DatePart::Weekday => weekday.to_string(),
        }
    }
}

impl DatePart {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "year" => Self::Year,
            "month" => Self::Month,
            "day" => Self::Day,
            "date" => Self::Date,
            "julian" => Self::Julian,
            "hour" => Self::Hour,
            "minute" => Self::Minute,
            "second" => Self::Second,
            "time" => Self::Time,
            "iso8601" => Self::Iso8601,
            "std11" => Self::Std11,
            "zone" => Self::Zone,
            "weekday" => Self::Weekday,
            _ => return None,
        })
    }
}

fn zone(offset: i32, between: &str) -> String {
    let sign = if offset < 0 { '-' } else { '+' };
    format!("{sign}{:02}{between}{:02}", offset.abs() / 60, offset.abs() % 60)
}

/// `+hhmm` or `-hhmm` in minutes.
pub(crate) fn offset(text: &str) -> Option<i32> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'+' => (1, &text[1..]),
        b'-' => (-1, &text[1..]),
        _ => return None,
    };
    if digits.len() != 4 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes): (i32, i32) = (digits[..2].parse().ok()?, digits[2..].parse().ok()?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

/// The zone that a date of a header was written in.
pub(crate) fn written_offset(raw: &str) -> i32 {
    let is_zone = |word: &&str| word.len() == 5 && word.starts_with(['+', '-']);
    raw.split_ascii_whitespace().find(is_zone).and_then(offset).unwrap_or(0)
}

/// Year, month and day of a number of days since 1970-01-01.
fn civil(days: i64) -> (i64, i64, i64) {
    // Years begin in March here, so that the leap day is the last of its year; an era is 400 years.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_moment() {
        let moment = Moment::new(1_700_000_000, 120);
        for (part, value) in [
            (DatePart::Year, "2023"),
            (DatePart::Month, "11"),
            (DatePart::Day, "15"),
            (DatePart::Date, "2023-11-15"),
            (DatePart::Julian, "60263"),
            (DatePart::Hour, "00"),
            (DatePart::Minute, "13"),
            (DatePart::Second, "20"),
            (DatePart::Time, "00:13:20"),
            (DatePart::Iso8601, "2023-11-15T00:13:20+02:00"),
            (DatePart::Std11, "Wed, 15 Nov 2023 00:13:20 +0200"),
            (DatePart::Zone, "+0200"),
            (DatePart::Weekday, "3"),
        ] {
            assert_eq!(moment.part(part), value, "{part:?}");
        }
        assert_eq!(Moment::new(951_782_400, 0).part(DatePart::Date), "2000-02-29");
        assert_eq!(Moment::new(-1, 0).part(DatePart::Std11), "Wed, 31 Dec 1969 23:59:59 +0000");
        assert_eq!(Moment::new(i64::MAX, 0).part(DatePart::Year), "9999");
        assert_eq!(Moment::new(0, -330).part(DatePart::Zone), "-0530");
    }

    #[test]
    fn zones() {
        assert_eq!(offset("-0330"), Some(-210));
        assert_eq!(offset("+2400"), None);
        assert_eq!(offset("0200"), None);
        assert_eq!(offset("+02é"), None);
        assert_eq!(written_offset("Fri, 21 Nov 1997 09:55:06 -0600 (CST)"), -360);
        assert_eq!(written_offset("21 Nov 1997 09:55:06 GMT"), 0);
    }
}
