//! A document on its way out: always to be saved, never shown as a page of the portal.
//!
//! What always holds: whatever somebody put there runs nowhere. It is an attachment of no type that a browser has a use for (so it is no script,
//! style or frame of any page either), and if it were shown all the same, it would be in a sandbox of an origin of its own.

use axum::body::Body;
use axum::response::Response;
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    IF_RANGE, RANGE,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use octroi_gate::{File, Granted, Read};
use octroi_http::range::{Part, Wanted, wanted};
use octroi_http::{encode_segment, produce, send_document};

/// Nothing loads, nothing runs, no origin.
pub(super) const POLICY: &str = "default-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'; sandbox";

/// The document, as the client takes it; or the run of it that a browser goes on with after its connection broke.
pub(crate) fn give(file: Granted<File, Read>, asked: &HeaderMap) -> Response {
    let length = file.item().bytes();
    let name = file.item().name.as_ref().map(ToString::to_string).unwrap_or_default();
    let etag = HeaderValue::from_str(&file.item().etag().to_string()).ok();
    // RFC 9110 section 13.1.5: of something else by now the whole is sent.
    let same = asked.get(IF_RANGE).is_none_or(|of| Some(of) == etag.as_ref());
    let range = asked.get(RANGE).filter(|_| same).and_then(|value| value.to_str().ok());
    let (status, run, tells) = match range.map_or(Wanted::Whole, |range| wanted(range, length)) {
        Wanted::Parts(parts) if parts.len() == 1 => {
            let Part { offset, bytes } = parts[0];
            (StatusCode::PARTIAL_CONTENT, parts[0], Some(format!("bytes {offset}-{}/{length}", offset + bytes - 1)))
        }
        Wanted::Unsatisfiable => (StatusCode::RANGE_NOT_SATISFIABLE, Part { offset: 0, bytes: 0 }, Some(format!("bytes */{length}"))),
        // Several at once are nothing that a browser asks for.
        _ => (StatusCode::OK, Part { offset: 0, bytes: length }, None),
    };
    let body = if run.bytes == 0 {
        Body::empty()
    } else {
        produce(Some(run.bytes), async move |sink| {
            let _ = send_document(&file, run.offset, run.bytes, &sink).await;
        })
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(run.bytes));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(CONTENT_DISPOSITION, disposition(&name));
    headers.extend(etag.map(|etag| (ETAG, etag)));
    headers.extend(tells.and_then(|text| Some((CONTENT_RANGE, HeaderValue::from_str(&text).ok()?))));
    response
}

/// RFC 6266 section 4: the name in ASCII for old programs, and whole (RFC 8187) for the others.
pub(super) fn disposition(name: &str) -> HeaderValue {
    let plain = |c: char| if c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '%' | '/') || c == ' ' { c } else { '_' };
    let ascii: String = name.chars().map(plain).collect();
    // `@` is no character of such a value, and everything else that is left as it is stands in RFC 8187 section 3.2.1.
    let whole = encode_segment(name).replace('@', "%40");
    let value = format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{whole}");
    HeaderValue::from_str(&value).unwrap_or(HeaderValue::from_static("attachment"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_end_their_header() {
        for (name, value) in [
            ("a.txt", "attachment; filename=\"a.txt\"; filename*=UTF-8''a.txt"),
            ("été \"1\"\\;.pdf", "attachment; filename=\"_t_ _1__;.pdf\"; filename*=UTF-8''%C3%A9t%C3%A9%20%221%22%5C%3B.pdf"),
            ("lea@a%.txt", "attachment; filename=\"lea@a_.txt\"; filename*=UTF-8''lea%40a%25.txt"),
        ] {
            assert_eq!(disposition(name).to_str().unwrap(), value);
        }
    }
}
