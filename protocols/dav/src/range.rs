//! The `Range` header (RFC 9110 section 14.2), for GET.

/// Which octets a GET is to answer with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// All: there is no range, or none that we serve.
    Whole,
    /// Some, 206. Never empty, never beyond the end.
    Part {
        /// The first.
        offset: u64,
        /// How many.
        bytes: u64,
    },
    /// None of them exists: 416.
    Unsatisfiable,
}

/// What `range` wants of a content of `length` octets. Several ranges are answered with the whole, which RFC 9110 section 14.2 permits: no
/// DAV client sends them, and many small overlapping ones are an attack.
pub(crate) fn wanted(range: &str, length: u64) -> Wanted {
    let Some((unit, set)) = range.split_once('=') else { return Wanted::Whole };
    if !unit.trim().eq_ignore_ascii_case("bytes") || set.contains(',') {
        return Wanted::Whole;
    }
    let Some((first, last)) = set.trim().split_once('-') else { return Wanted::Whole };
    match (number(first), number(last)) {
        (Some(Digits::None), Some(Digits::Value(suffix))) => {
            let bytes = suffix.min(length);
            if bytes == 0 { Wanted::Unsatisfiable } else { Wanted::Part { offset: length - bytes, bytes } }
        }
        (Some(Digits::Value(first)), Some(Digits::None)) => from(first, u64::MAX, length),
        (Some(Digits::Value(first)), Some(Digits::Value(last))) if first <= last => from(first, last, length),
        _ => Wanted::Whole,
    }
}

fn from(first: u64, last: u64, length: u64) -> Wanted {
    if first >= length {
        return Wanted::Unsatisfiable;
    }
    let last = last.min(length - 1);
    Wanted::Part { offset: first, bytes: last - first + 1 }
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

    #[test]
    fn the_three_forms() {
        assert_eq!(wanted("bytes=0-499", 1000), Wanted::Part { offset: 0, bytes: 500 });
        assert_eq!(wanted("bytes=500-", 1000), Wanted::Part { offset: 500, bytes: 500 });
        assert_eq!(wanted("bytes=-300", 1000), Wanted::Part { offset: 700, bytes: 300 });
        assert_eq!(wanted("bytes=-3000", 1000), Wanted::Part { offset: 0, bytes: 1000 });
        assert_eq!(wanted("bytes=999-99999999999999999999999", 1000), Wanted::Part { offset: 999, bytes: 1 });
    }

    #[test]
    fn what_cannot_be_had_and_what_is_not_a_range() {
        for none in ["bytes=1000-", "bytes=1000-2000", "bytes=-0"] {
            assert_eq!(wanted(none, 1000), Wanted::Unsatisfiable, "{none}");
        }
        assert_eq!(wanted("bytes=-5", 0), Wanted::Unsatisfiable);
        for whole in ["", "bytes", "bytes=", "bytes=-", "bytes=5-4", "bytes=a-b", "bytes=+1-2", "lines=1-2", "bytes=0-1,5-6"] {
            assert_eq!(wanted(whole, 1000), Wanted::Whole, "{whole}");
        }
    }

    proptest! {
        #[test]
        fn a_part_is_never_empty_nor_beyond_the_end(range in "bytes=[0-9]{0,21}-[0-9]{0,21}", length in 0u64..2000) {
            if let Wanted::Part { offset, bytes } = wanted(&range, length) {
                prop_assert!(bytes > 0 && offset + bytes <= length);
            }
        }
    }
}
