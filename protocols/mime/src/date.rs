//! The `Date:` field: RFC 5322 dates with the obsolete forms. Called by the facts and by IMAP SEARCH.

/// When a message says that it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SentDate {
    /// Seconds since 1970-01-01 00:00 UTC.
    pub unix: i64,
    /// The calendar day that was written, in days since 1970-01-01, whatever the zone: RFC 9051 section 6.4.4 has
    /// SENTON and its like disregard time and zone.
    pub day: i32,
}

/// A date in seconds since 1970; nothing when it is not one.
pub fn parse_date(raw: &[u8]) -> Option<i64> {
    sent_date(raw).map(|date| date.unix)
}

/// A date as an instant and as a calendar day; nothing when it is not one.
// RFC 5322 section 3.3, obsolete forms of section 4.3.
pub fn sent_date(raw: &[u8]) -> Option<SentDate> {
    let text = without_comments(&raw[..raw.len().min(DATE_BYTES_MAX)]);
    let mut words = text.split(|c: char| c.is_ascii_whitespace() || c == ',').filter(|word| !word.is_empty()).peekable();
    words.next_if(|word| word.starts_with(|c: char| c.is_ascii_alphabetic()));
    let day = digits(words.next()?, 2)?;
    let month = month(words.next()?)?;
    let year = year(words.next()?)?;
    let time = words.next().unwrap_or("0:0");
    let mut parts = time.splitn(3, ':');
    let hour = digits(parts.next()?, 2)?;
    let minute = digits(parts.next()?, 2)?;
    let second = parts.next().map_or(Some(0), |second| digits(second, 2))?;
    if !(1..=days_in(year, month)).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let days = days_from_civil(year, month, day);
    let offset = zone(words.next().unwrap_or("-0000"));
    let seconds = i64::from(hour * 3600 + minute * 60 + second.min(59));
    Some(SentDate { unix: i64::from(days) * 86_400 + seconds - offset, day: days })
}

/// Days since 1970-01-01 of a day of the Gregorian calendar.
pub(crate) fn days_from_civil(year: i32, month: i32, day: i32) -> i32 {
    // Years begin in March here, so that the leap day is the last of its year; an era is 400 years.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

fn without_comments(raw: &[u8]) -> String {
    let mut depth = 0_usize;
    let mut text = String::with_capacity(raw.len());
    for &b in raw {
        match b {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            _ if depth == 0 && b.is_ascii() => text.push(char::from(b)),
            _ => {}
        }
    }
    text
}

/// A number of at most so many digits and at least one.
fn digits(word: &str, width_max: usize) -> Option<i32> {
    let is_number = word.len() <= width_max && word.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| word.parse().ok()).flatten()
}

fn month(word: &str) -> Option<i32> {
    let name = word.get(..3)?.to_ascii_lowercase();
    let months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    months.iter().zip(1..).find(|(month, _)| **month == name).map(|(_, number)| number)
}

fn year(word: &str) -> Option<i32> {
    let year = digits(word, 4)?;
    // RFC 5322 section 4.3: two digits are 1950 to 2049, three count from 1900.
    Some(match (word.len(), year) {
        (2, 0..=49) => 2000 + year,
        (2 | 3, _) => 1900 + year,
        _ => year,
    })
}

fn days_in(year: i32, month: i32) -> i32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Seconds east of UTC; what is unknown counts as UTC (RFC 5322 section 4.3).
fn zone(word: &str) -> i64 {
    let number = |sign: i64, rest: &str| {
        let Some(value) = digits(rest, 4).filter(|_| rest.len() == 4) else { return 0 };
        let (hours, minutes) = (i64::from(value / 100), i64::from(value % 100));
        if hours < 24 && minutes < 60 { sign * (hours * 3600 + minutes * 60) } else { 0 }
    };
    if let Some(rest) = word.strip_prefix('+') {
        return number(1, rest);
    }
    if let Some(rest) = word.strip_prefix('-') {
        return number(-1, rest);
    }
    let hours = match word.to_ascii_uppercase().as_str() {
        "EDT" => -4,
        "EST" | "CDT" => -5,
        "CST" | "MDT" => -6,
        "MST" | "PDT" => -7,
        "PST" => -8,
        _ => 0,
    };
    hours * 3600
}

/// A date takes some forty octets; comments may stand in it.
const DATE_BYTES_MAX: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn date(text: &str) -> Option<(i64, i32)> {
        sent_date(text.as_bytes()).map(|date| (date.unix, date.day))
    }

    #[test]
    fn dates_of_the_rfc_and_their_obsolete_forms() {
        // RFC 5322 appendix A.1.1, A.5, A.6.2.
        assert_eq!(date("Fri, 21 Nov 1997 09:55:06 -0600"), Some((880_127_706, 10_186)));
        assert_eq!(
            date("Thu,\r\n      13\r\n        Feb\r\n          1969\r\n      23:32\r\n               -0330 (Newfoundland Time)"),
            Some((-27_723_480, -322))
        );
        assert_eq!(date("21 Nov 97 09:55:06 GMT"), Some((880_106_106, 10_186)));
        assert_eq!(date("Tue, 1 Jul 2003 10:52:37 +0200"), Some((1_057_049_557, 12_234)));
        assert_eq!(date("29 Feb 2024 00:00 EST"), Some((1_709_182_800, 19_782)));
        assert_eq!(date("1 Jan 2000"), Some((946_684_800, 10_957)));
        assert_eq!(date("1 Jan 100 00:00:60 Z"), Some((946_684_859, 10_957)));
    }

    #[test]
    fn what_is_no_date_is_none() {
        for bad in [
            "",
            "yesterday",
            "32 Jan 2000",
            "29 Feb 2023 1:1",
            "1 Foo 2000",
            "1 Jan 2000 24:00",
            "1 Jan 2000 12",
            "1 Jan 20000",
            "1 J\u{e9}n 2000",
            "+1 Jan 2000",
        ] {
            assert_eq!(date(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn days_follow_one_another(year in 1..9999_i32, month in 1..=12_i32) {
            let (next_year, next_month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
            prop_assert_eq!(days_from_civil(year, month, days_in(year, month)) + 1, days_from_civil(next_year, next_month, 1));
        }

        #[test]
        fn no_text_panics(raw in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = sent_date(&raw);
        }
    }
}
