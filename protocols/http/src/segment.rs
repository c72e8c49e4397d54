//! Names as segments of a URL's path, and back. Called by `dav` and `portal`.
//!
//! What always holds: a segment is decoded once, so `%2F` is no separator and `%252e` no dot; what comes out is an [`octroi_model::Name`], so
//! nothing climbs.

use octroi_model::Name;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// Everything but the unreserved characters (RFC 3986 section 2.3) and `@`, which stands in every address.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'@');

/// It names nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadSegment;

/// A segment for a URL.
pub fn encode_segment(segment: &str) -> String {
    utf8_percent_encode(segment, SEGMENT).to_string()
}

/// The name that a segment is, still percent-encoded.
pub fn decode_segment(segment: &str) -> Result<Name, BadSegment> {
    let mut bytes = segment.bytes();
    while let Some(byte) = bytes.next() {
        // A stray percent sign is taken as itself by some and refused by others: refused, so that one URL names one thing.
        if byte == b'%' && !(bytes.next().is_some_and(|b| b.is_ascii_hexdigit()) && bytes.next().is_some_and(|b| b.is_ascii_hexdigit())) {
            return Err(BadSegment);
        }
    }
    let text = percent_decode_str(segment).decode_utf8().map_err(|_| BadSegment)?;
    Name::new(&text).map_err(|_| BadSegment)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_could_climb_or_be_two_things_is_no_name() {
        for bad in ["", ".", "..", "%2e%2e", "a%2Fb", "a%00", "%", "%4", "%zz", "%ff", "a/b"] {
            assert_eq!(decode_segment(bad), Err(BadSegment), "{bad}");
        }
        assert_eq!(decode_segment("%252e%252e").unwrap().as_str(), "%2e%2e");
    }

    proptest! {
        #[test]
        fn a_name_comes_back(text in "\\PC{1,60}") {
            if let Ok(name) = Name::new(&text) {
                prop_assert_eq!(decode_segment(&encode_segment(&text)), Ok(name));
            }
        }
    }
}
