//! The `Range` header (RFC 9110 section 14.2), for GET of documents. Called by `dav` and `portal`.

/// Ranges that are looked at; a header with more is answered with the whole, which RFC 9110 section 14.2 permits: it is an attack.
const RANGES_MAX: usize = 64;
/// Octets between two ranges that cost less to send along than the head of a part of its own (RFC 9110 section 15.3.7.2).
const GAP_BYTES: u64 = 96;

/// Some octets. Never none, never beyond the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// The first.
    pub offset: u64,
    /// How many.
    pub bytes: u64,
}

/// Which octets a GET is to answer with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// All: there is no range, or none that we serve.
    Whole,
    /// Some, 206: in ascending order, apart from one another, at least one.
    Parts(Vec<Part>),
    /// None of them exists: 416.
    Unsatisfiable,
}

/// What `range` wants of a content of `length` octets. What overlaps or nearly touches is sent once.
pub fn wanted(range: &str, length: u64) -> Wanted {
    let Some((unit, set)) = range.split_once('=') else { return Wanted::Whole };
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return Wanted::Whole;
    }
    let mut parts = Vec::new();
    // RFC 9110 section 5.6.1.2: empty elements of a list count for nothing.
    for (count, spec) in set.split(',').map(str::trim).filter(|spec| !spec.is_empty()).enumerate() {
        match one(spec, length) {
            Some(part) if count < RANGES_MAX => parts.extend(Some(part).filter(|part| part.bytes > 0)),
            // RFC 9110 section 14.2: one that cannot be read spoils the header.
            _ => return Wanted::Whole,
        }
    }
    if set.split(',').all(|spec| spec.trim().is_empty()) {
        return Wanted::Whole;
    }
    let parts = apart(parts);
    if parts.is_empty() { Wanted::Unsatisfiable } else { Wanted::Parts(parts) }
}

/// One range, of no octets if there is nothing of it; `None` if it cannot be read.
fn one(spec: &str, length: u64) -> Option<Part> {
    let (first, last) = spec.split_once('-')?;
    match (number(first)?, number(last)?) {
        (Digits::None, Digits::Value(suffix)) => {
            let bytes = suffix.min(length);
            Some(Part { offset: length - bytes, bytes })
        }
        (Digits::Value(first), Digits::None) => Some(from(first, u64::MAX, length)),
        (Digits::Value(first), Digits::Value(last)) if first <= last => Some(from(first, last, length)),
        _ => None,
    }
}

fn from(first: u64, last: u64, length: u64) -> Part {
    let end = last.saturating_add(1).min(length);
    Part { offset: first, bytes: end.saturating_sub(first) }
}

/// In ascending order, with those that overlap or nearly touch made one: so no octet is sent twice, and all together are no more than the
/// whole with its gaps.
fn apart(mut parts: Vec<Part>) -> Vec<Part> {
    parts.sort_unstable_by_key(|part| part.offset);
    let mut merged: Vec<Part> = Vec::new();
    for part in parts {
        let end = part.offset + part.bytes;
        match merged.last_mut() {
            Some(last) if part.offset <= last.offset + last.bytes + GAP_BYTES => last.bytes = last.bytes.max(end - last.offset),
            _ => merged.push(part),
        }
    }
    merged
}

enum Digits {
    None,
    Value(u64),
}

/// Digits only; more than fit mean "beyond any end". `None` for anything else.
fn number(text: &str) -> Option<Digits> {
    if text.is_empty() {
        return Some(Digits::None);
    }
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(Digits::Value(text.parse().unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parts(parts: &[(u64, u64)]) -> Wanted {
        Wanted::Parts(parts.iter().map(|(offset, bytes)| Part { offset: *offset, bytes: *bytes }).collect())
    }

    #[test]
    fn the_three_forms() {
        assert_eq!(wanted("bytes=0-499", 1000), parts(&[(0, 500)]));
        assert_eq!(wanted("bytes=500-", 1000), parts(&[(500, 500)]));
        assert_eq!(wanted("bytes=-300", 1000), parts(&[(700, 300)]));
        assert_eq!(wanted("bytes=-3000", 1000), parts(&[(0, 1000)]));
        assert_eq!(wanted("bytes=999-99999999999999999999999", 1000), parts(&[(999, 1)]));
    }

    #[test]
    fn several_are_put_in_order_and_joined_where_they_touch() {
        assert_eq!(wanted("bytes=0-0,-1", 1000), parts(&[(0, 1), (999, 1)]));
        assert_eq!(wanted("bytes=500-699, 0-9 ,600-799,,", 1000), parts(&[(0, 10), (500, 300)]));
        assert_eq!(wanted("bytes=0-9,20-29", 1000), parts(&[(0, 30)]));
        assert_eq!(wanted("bytes=5000-,0-9", 1000), parts(&[(0, 10)]));
        assert_eq!(wanted("bytes=5000-,6000-7000", 1000), Wanted::Unsatisfiable);
        assert_eq!(wanted("bytes=0-9,x", 1000), Wanted::Whole);
        let many = |count: usize| format!("bytes={}", vec!["0-"; count].join(","));
        assert_eq!(wanted(&many(RANGES_MAX), 1000), parts(&[(0, 1000)]));
        assert_eq!(wanted(&many(RANGES_MAX + 1), 1000), Wanted::Whole);
    }

    #[test]
    fn what_cannot_be_had_and_what_is_not_a_range() {
        for none in ["bytes=1000-", "bytes=1000-2000", "bytes=-0"] {
            assert_eq!(wanted(none, 1000), Wanted::Unsatisfiable, "{none}");
        }
        assert_eq!(wanted("bytes=-5", 0), Wanted::Unsatisfiable);
        assert_eq!(wanted("bytes=0-", 0), Wanted::Unsatisfiable);
        for whole in ["", "bytes", "bytes=", "bytes=,", "bytes=-", "bytes=5-4", "bytes=a-b", "bytes=+1-2", "lines=1-2"] {
            assert_eq!(wanted(whole, 1000), Wanted::Whole, "{whole}");
        }
    }

    proptest! {
        #[test]
        fn parts_are_apart_and_never_empty_nor_beyond_the_end(
            ranges in proptest::collection::vec("[0-9]{0,4}-[0-9]{0,21}", 1..8), length in 0u64..2000,
        ) {
            if let Wanted::Parts(parts) = wanted(&format!("bytes={}", ranges.join(",")), length) {
                prop_assert!(!parts.is_empty());
                let mut end = 0;
                for part in parts {
                    prop_assert!(part.bytes > 0 && part.offset >= end && part.offset + part.bytes <= length);
                    end = part.offset + part.bytes + 1;
                }
            }
        }
    }
}
