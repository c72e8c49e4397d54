//! Times as scheduling compares them: which instance a RECURRENCE-ID or EXDATE means.

use crate::tree::Entry;

/// What a property with one time says.
pub(super) fn key(entry: &Entry<'_>) -> String {
    key_of(entry, entry.value())
}

/// One of the times of a property.
pub(super) fn key_of(entry: &Entry<'_>, value: &str) -> String {
    let value = value.trim().to_ascii_uppercase();
    let _ = entry;
    value
}

/// The end of an instance that begins at `at`, in a series that begins at `start` and ends at `end`: as far behind.
pub(super) fn shifted(start: &Entry<'_>, end: &Entry<'_>, at: &Entry<'_>) -> Option<String> {
    let (from, to, at_time) = (civil(start.value())?, civil(end.value())?, civil(at.value())?);
    let shifted = at_time.checked_add(from.duration_until(to)).ok()?;
    let is_date = end.value().trim().len() == 8;
    let is_utc = at.value().trim().ends_with(['Z', 'z']);
    let text = if is_date { shifted.strftime("%Y%m%d").to_string() } else { shifted.strftime("%Y%m%dT%H%M%S").to_string() };
    Some(super::compose::renamed(at, &end.name().to_ascii_uppercase(), &if is_utc { text + "Z" } else { text }))
}

/// A DATE or DATE-TIME as a clock on the wall shows it.
fn civil(value: &str) -> Option<jiff::civil::DateTime> {
    let value = value.trim().trim_end_matches(['Z', 'z']);
    let number = |range: std::ops::Range<usize>| value.get(range)?.parse::<i16>().ok();
    let small = |range: std::ops::Range<usize>| value.get(range)?.parse::<i8>().ok();
    let (hour, minute, second) = match value.len() {
        8 => (0, 0, 0),
        15 if value.as_bytes()[8].eq_ignore_ascii_case(&b'T') => (small(9..11)?, small(11..13)?, small(13..15)?.min(59)),
        _ => return None,
    };
    jiff::civil::DateTime::new(number(0..4)?, small(4..6)?, small(6..8)?, hour, minute, second, 0).ok()
}
