//! Dates on the wire. Called by FETCH INTERNALDATE, APPEND and SEARCH.

use imap_codec::imap_types::datetime::{DateTime, NaiveDate};
use octroi_model::UnixTime;

pub(super) const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const SECONDS_PER_DAY: i64 = 86_400;
/// 0000-01-01 and 9999-12-31, which is all that four digits can say (RFC 9051 section 9, date-year).
const YEARS: (i64, i64) = (-62_167_219_200, 253_402_300_799);

/// An instant as INTERNALDATE, in UTC: the zone that an APPEND named is not kept.
pub(crate) fn write_internal(out: &mut Vec<u8>, date: UnixTime) {
    let seconds = date.0.clamp(YEARS.0, YEARS.1);
    let (year, month, day) = civil(seconds.div_euclid(SECONDS_PER_DAY));
    let time = seconds.rem_euclid(SECONDS_PER_DAY);
    let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60);
    let month = MONTHS[month as usize];
    out.extend_from_slice(format!("\"{day:02}-{month}-{year:04} {hour:02}:{minute:02}:{second:02} +0000\"").as_bytes());
}

/// Year, month from 0 and day from 1 of a day counted from 1970-01-01.
fn civil(days: i64) -> (i64, i64, i64) {
    // Years begin in March here, so that the leap day is the last of its year; an era is 400 years.
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let (month, day) = ((march_month + 2) % 12, day_of_year - (153 * march_month + 2) / 5 + 1);
    (era * 400 + year_of_era + i64::from(month < 2), month, day)
}

/// The instant of an APPEND's date.
pub(crate) fn instant_of(date: &DateTime) -> UnixTime {
    UnixTime(date.as_ref().timestamp())
}

/// A day of SEARCH, in days since 1970-01-01.
pub(crate) fn day_of(date: &NaiveDate) -> i64 {
    date.as_ref().and_hms_opt(0, 0, 0).map_or(0, |midnight| midnight.and_utc().timestamp().div_euclid(SECONDS_PER_DAY))
}

/// The day of an instant as [`write_internal`] shows it, in days since 1970-01-01.
pub(crate) fn internal_day(date: UnixTime) -> i64 {
    date.0.div_euclid(SECONDS_PER_DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(seconds: i64) -> String {
        let mut out = Vec::new();
        write_internal(&mut out, UnixTime(seconds));
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn instants_are_written_in_utc() {
        assert_eq!(written(0), "\"01-Jan-1970 00:00:00 +0000\"");
        assert_eq!(written(-1), "\"31-Dec-1969 23:59:59 +0000\"");
        assert_eq!(written(837_596_665), "\"17-Jul-1996 09:44:25 +0000\"");
        assert_eq!(written(i64::MAX), "\"31-Dec-9999 23:59:59 +0000\"");
        assert_eq!(written(i64::MIN), "\"01-Jan-0000 00:00:00 +0000\"");
        assert_eq!(internal_day(UnixTime(-1)), -1);
    }
}
