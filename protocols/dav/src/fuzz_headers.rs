//! The headers and paths of DAV requests for the fuzz target `dav_headers`: read and judged, with no store behind them.

use crate::call::{conditions, depth};
use crate::locks::timeout;
use crate::path::{Place, Target, folder_href};
use crate::precondition::{self, Current, ResourceState, if_holds};
use crate::range::{Wanted, wanted};
use http::{HeaderMap, HeaderName, HeaderValue};
use octroi_model::{Etag, Hash, LockToken, UnixTime};

/// What a header can name at most, however it is written: 32 lists of 32 conditions.
const TOKENS_MAX: usize = 1024;

/// Lines of `name: value`, and of paths or URLs. What holds, or this panics: nothing panics; a path that names a place names the same when it
/// is written anew, and climbs nowhere; a condition and its contrary are not both true of a resource that can be looked at; what `If` names
/// is bounded; ranges are within what there is, and apart.
pub fn fuzz_headers(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let mut headers = HeaderMap::new();
    for line in text.lines() {
        path(line);
        if let Some((name, value)) = line.split_once(':')
            && let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.trim().as_bytes()), HeaderValue::from_str(value.trim()))
        {
            value.to_str().ok().into_iter().for_each(path);
            headers.append(name, value);
        }
    }
    let etag = Etag::of(Hash([7; 32]));
    for current in [Current::nothing(), Current::collection(), Current::document(&etag, UnixTime(1_700_000_000))] {
        let _ = precondition::for_read(&headers, current);
        let _ = precondition::for_write(&headers, current);
        let _ = precondition::range_is_of(&headers, current);
    }
    let _ = (depth(&headers), timeout(&headers), precondition::insists_on_new(&headers), precondition::insists_on_unchanged(&headers));
    if let Some(range) = headers.get("range").and_then(|value| value.to_str().ok()) {
        // No document is longer than the last.
        for length in [0, 1, 1000, 1 << 62] {
            if let Wanted::Parts(parts) = wanted(range, length) {
                let inside = parts.iter().all(|part| part.bytes > 0 && part.offset + part.bytes <= length);
                let apart = parts.windows(2).all(|pair| pair[0].offset + pair[0].bytes < pair[1].offset);
                assert!(inside && apart && !parts.is_empty(), "{range} of {length}: {parts:?}");
            }
        }
    }
    if let Some(token) = headers.get("lock-token").and_then(|value| value.to_str().ok()).and_then(LockToken::parse) {
        assert_eq!(LockToken::parse(&token.to_string()), Some(token));
    }
    conditional(&headers, etag);
}

fn conditional(headers: &HeaderMap, etag: Etag) {
    let Ok(Some(mut header)) = conditions(headers) else { return };
    let tokens: Vec<LockToken> = header.tokens().filter_map(LockToken::parse).collect();
    assert!(tokens.len() <= TOKENS_MAX, "{} tokens", tokens.len());
    let state = ResourceState { etag: Some(etag), tokens };
    let _ = if_holds(&header, |_| None);
    // Of one list with one condition the contrary is known.
    header.0.truncate(1);
    header.0[0].conditions.truncate(1);
    let holds = if_holds(&header, |_| Some(&state));
    header.0[0].conditions[0].not ^= true;
    assert_ne!(holds, if_holds(&header, |_| Some(&state)), "{header:?}");
}

fn path(text: &str) {
    let Ok((Target::Place(place), _)) = Target::parse_reference(text) else { return };
    assert!(place.path.names().iter().all(|name| !matches!(name.as_str(), "" | "." | "..") && !name.as_str().contains('/')), "{text}");
    if let Ok(address) = place.address.parse() {
        let again = Target::parse(&folder_href(place.area, &address, &place.path));
        let wanted = Place { slash: true, address: address.to_string(), ..place };
        assert_eq!(again, Ok(Target::Place(wanted)), "{text}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Pieces of header lines and paths, most of them whole.
    const PIECES: &str = "(If: |Range: bytes=|Timeout: |Depth: |Destination: |Lock-Token: |If-Match: |If-Range: |\n|\\(|\\)|\\(Not |<|>|\\[\"x\"\\]|W/|\
        <DAV:no-lock>|<urn:uuid:f81d4fae-7dec-41d0-a765-00a0c91e6bf6>|https://|/dav/files/lea@a.example/|/|%2e|%2F|%c3%a9|\\.|,|-|[0-9]|Second-|Infinite|é|\"| ){0,24}";

    proptest! {
        #[test]
        fn hostile_headers_are_read_or_refused(text in PIECES) {
            fuzz_headers(text.as_bytes());
        }
    }
}
