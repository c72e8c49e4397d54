//! Days as numbers, and local times as seconds: what rules calculate with. Day 0 is 1 January 1970, as if all the world had one local time.

use jiff::civil::{Date, DateTime, Time};

/// Seconds of a day.
pub(crate) const DAY: i64 = 86_400;
/// The last second that a rule can reach: the end of the year 9999.
pub(crate) const LAST: i64 = 253_402_300_799;

/// A day of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Day {
    pub(crate) year: i32,
    /// From 1.
    pub(crate) month: i32,
    /// From 1.
    pub(crate) of_month: i32,
}

/// The number of a day. Years are counted from March, so that the leap day is the last of them; 400 years have 146,097 days.
pub(crate) fn number(year: i32, month: i32, day: i32) -> i32 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The day with a number.
pub(crate) fn day(number: i32) -> Day {
    let shifted = number + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    Day { year: year + era * 400 + i32::from(month <= 2), month, of_month: day }
}

pub(crate) fn is_leap(year: i32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

pub(crate) fn month_days(year: i32, month: i32) -> i32 {
    match month {
        2 => 28 + i32::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

pub(crate) fn year_days(year: i32) -> i32 {
    365 + i32::from(is_leap(year))
}

/// Monday is 0.
pub(crate) fn weekday(number: i32) -> i32 {
    (number + 3).rem_euclid(7)
}

/// Seconds of a local time.
pub(crate) fn seconds(local: DateTime) -> i64 {
    let day = number(i32::from(local.year()), i32::from(local.month()), i32::from(local.day()));
    let time = i64::from(local.hour()) * 3600 + i64::from(local.minute()) * 60 + i64::from(local.second());
    i64::from(day) * DAY + time
}

/// The local time of seconds. Beyond the calendar: its ends.
pub(crate) fn local(seconds: i64) -> DateTime {
    let of_day = seconds.rem_euclid(DAY);
    let Ok(number) = i32::try_from(seconds.div_euclid(DAY)) else { return if seconds < 0 { DateTime::MIN } else { DateTime::MAX } };
    let Day { year, month, of_month } = day(number);
    let date = i16::try_from(year).ok().and_then(|year| Date::new(year, month as i8, of_month as i8).ok());
    let time = Time::new((of_day / 3600) as i8, (of_day / 60 % 60) as i8, (of_day % 60) as i8, 0);
    match (date, time) {
        (Some(date), Ok(time)) => date.to_datetime(time),
        _ if seconds < 0 => DateTime::MIN,
        _ => DateTime::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_the_numbers_of_the_calendar() {
        let mut date = Date::constant(1, 1, 1);
        let first = number(1, 1, 1);
        for (at, step) in (0..40_000).zip((first..).step_by(91)) {
            let Day { year, month, of_month } = day(step);
            assert_eq!((year, month, of_month), (i32::from(date.year()), i32::from(date.month()), i32::from(date.day())), "{at}");
            assert_eq!(number(year, month, of_month), step);
            assert_eq!(weekday(step), i32::from(date.weekday().to_monday_zero_offset()));
            assert_eq!((month_days(year, month), year_days(year)), (i32::from(date.days_in_month()), i32::from(date.days_in_year())));
            date = date.checked_add(jiff::Span::new().days(91)).unwrap();
        }
    }

    #[test]
    fn local_times_come_back() {
        for text in ["1970-01-01T00:00:00", "1969-12-31T23:59:59", "0001-01-01T00:00:00", "9999-12-31T23:59:59", "2024-02-29T12:34:56"] {
            let time: DateTime = text.parse().unwrap();
            assert_eq!(local(seconds(time)), time);
        }
        assert_eq!(seconds("9999-12-31T23:59:59".parse().unwrap()), LAST);
        assert_eq!((local(i64::MAX), local(i64::MIN)), (DateTime::MAX, DateTime::MIN));
    }
}
