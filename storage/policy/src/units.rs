//! Times and amounts as people write them in a file: `10m`, `25M`.
//!
//! Used by whatever reads or explains a profiles file or a file of expectations. What always holds: what [`show_seconds`] writes,
//! [`seconds`] reads as the same.

use serde::Deserialize;

/// A year: longer is a mistake, or should be `device`.
const SECONDS_MAX: i64 = 366 * 24 * 3600;
/// Letters of times with their seconds, longest first.
const TIMES: [(char, i64); 4] = [('d', 24 * 3600), ('h', 3600), ('m', 60), ('s', 1)];
/// Letters of amounts with their octets.
const AMOUNTS: [(char, u64); 3] = [('G', 1 << 30), ('M', 1 << 20), ('K', 1 << 10)];

/// A time such as `90s`, `30m`, `12h` or `7d`, in seconds.
#[derive(Deserialize, Clone, Copy)]
#[serde(try_from = "String")]
pub(crate) struct Seconds(pub(crate) i64);

impl TryFrom<String> for Seconds {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        seconds(&text).map(Self)
    }
}

/// An amount such as `500K` or `25M`, in octets.
#[derive(Deserialize, Clone, Copy)]
#[serde(try_from = "String")]
pub(crate) struct Bytes(pub(crate) u64);

impl TryFrom<String> for Bytes {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let bad = || format!("`{text}` is not an amount of octets such as \"500K\", \"25M\" or \"1G\"");
        let last = text.chars().last().ok_or_else(bad)?.to_ascii_uppercase();
        let (digits, unit) = match AMOUNTS.iter().find(|(letter, _)| *letter == last) {
            Some((_, unit)) => (&text[..text.len() - 1], *unit),
            None => (text.as_str(), 1),
        };
        match whole_number(digits).and_then(|number| u64::from(number).checked_mul(unit)) {
            None | Some(0) => Err(bad()),
            Some(bytes) => Ok(Self(bytes)),
        }
    }
}

/// The seconds of a text such as `10m`: at least one, at most a year.
pub(crate) fn seconds(text: &str) -> Result<i64, String> {
    let bad = || format!("`{text}` is not a time such as \"90s\", \"30m\", \"12h\" or \"7d\" (at most 366d)");
    let last = text.chars().last().ok_or_else(bad)?;
    let (_, unit) = TIMES.iter().find(|(letter, _)| *letter == last).ok_or_else(bad)?;
    let count = whole_number(&text[..text.len() - 1]).ok_or_else(bad)?;
    match i64::from(count) * unit {
        seconds @ 1..=SECONDS_MAX => Ok(seconds),
        _ => Err(bad()),
    }
}

/// Seconds in the largest unit that says them exactly.
pub(crate) fn show_seconds(seconds: i64) -> String {
    let fits = |unit: i64| seconds != 0 && seconds % unit == 0;
    match TIMES.iter().find(|(_, unit)| fits(*unit)) {
        Some((letter, unit)) => format!("{}{letter}", seconds / unit),
        None => format!("{seconds}s"),
    }
}

/// Digits only: `parse` alone would take a sign.
fn whole_number(digits: &str) -> Option<u32> {
    digits.bytes().all(|digit| digit.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}
