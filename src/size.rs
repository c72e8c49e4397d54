//! Amounts of octets as people write them: `10G`. Used by the configuration and by the commands that tell of them.

/// Letters by their power of 1024.
const UNITS: [(char, u64); 4] = [('T', 1 << 40), ('G', 1 << 30), ('M', 1 << 20), ('K', 1 << 10)];

/// Octets of a number that may have a letter of [`UNITS`] behind it, in either case.
pub(crate) fn parse(text: &str) -> Result<u64, String> {
    let fail = || format!("`{text}` is not an amount of octets such as 500M or 10G");
    let last = text.chars().last().ok_or_else(fail)?.to_ascii_uppercase();
    let (digits, unit) = match UNITS.iter().find(|(letter, _)| *letter == last) {
        Some((_, unit)) => (&text[..text.len() - 1], *unit),
        None => (text, 1),
    };
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(fail());
    }
    digits.parse::<u64>().ok().and_then(|number| number.checked_mul(unit)).ok_or_else(fail)
}

/// The amount for people: what divides by a unit without it, all else with one decimal.
pub(crate) fn show(bytes: u64) -> String {
    match UNITS.iter().find(|(_, unit)| bytes >= *unit) {
        Some((letter, unit)) if bytes.is_multiple_of(*unit) => format!("{}{letter}", bytes / unit),
        Some((letter, unit)) => format!("{:.1}{letter}", bytes as f64 / *unit as f64),
        None => bytes.to_string(),
    }
}

/// The amount for people, with its unit in words: what a report says.
pub(crate) fn tell(bytes: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} bytes");
    }
    let (mut value, mut unit) = (bytes.saturating_mul(10) / 1024, 0);
    while value >= 10_240 && unit + 1 < units.len() {
        value /= 1024;
        unit += 1;
    }
    format!("{}.{} {}", value / 10, value % 10, units[unit])
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn amounts_go_both_ways() {
        for (text, bytes) in [("0", 0), ("1023", 1023), ("1K", 1024), ("10g", 10 << 30), ("3M", 3 << 20), ("2T", 2 << 40)] {
            assert_eq!(parse(text), Ok(bytes));
        }
        for (bytes, text) in [(1023, "1023"), (10 << 30, "10G"), (1536, "1.5K")] {
            assert_eq!(show(bytes), text);
        }
        for (bytes, text) in [(0, "0 bytes"), (1023, "1023 bytes"), (1536, "1.5 KiB"), (5 << 20, "5.0 MiB"), (3 << 40, "3.0 TiB")] {
            assert_eq!(tell(bytes), text);
        }
        for wrong in ["", "G", "10 G", "-1", "+1", "1.5G", "10GB", "99999999999T", "10€"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
