//! Answers that every path shares: plain pages for faults, and the headers that keep a browser from running what it is given.

use axum::body::Body;
use axum::response::Response;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, RETRY_AFTER};
use http::header::{STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use std::time::Duration;

/// A short plain-text answer.
pub fn plain(status: StatusCode, text: &str) -> Response {
    let mut response = Response::new(Body::from(format!("{text}\n")));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

/// 503 with `Retry-After`: clients keep what they have stored and ask again.
pub fn retry_later(text: &str, after: Duration) -> Response {
    let mut response = plain(StatusCode::SERVICE_UNAVAILABLE, text);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(after.as_secs().max(1)));
    response
}

/// Is it a person with a browser who asks for a page, rather than a program? Browsers name `text/html` in `Accept`, sync clients do not.
pub fn wants_browser_page(method: &Method, headers: &HeaderMap) -> bool {
    matches!(*method, Method::GET | Method::HEAD) && prefers_html(headers)
}

/// `Accept` names `text/html`.
pub fn prefers_html(headers: &HeaderMap) -> bool {
    headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).any(|value| {
        value.split(',').any(|range| range.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/html")))
    })
}

/// Add what an answer lacks of the security headers. Documents come from the same origin as the portal, so a page among them must not
/// run anything or be framed: the default policy is an empty sandbox.
pub fn secure(headers: &mut HeaderMap, tls: bool) {
    let absent: [(HeaderName, &'static str); 6] = [
        (CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        // What one person may see must not come out of a shared cache for another.
        (CACHE_CONTROL, "private, no-cache"),
    ];
    for (name, value) in absent {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if tls {
        // RFC 6797; no includeSubDomains: other hosts of the organisation are not ours to bind.
        headers.entry(STRICT_TRANSPORT_SECURITY).or_insert(HeaderValue::from_static("max-age=31536000"));
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_told_from_programs() {
        let mut headers = HeaderMap::new();
        assert!(!wants_browser_page(&Method::GET, &headers));
        headers.insert(ACCEPT, "*/*".parse().unwrap());
        assert!(!wants_browser_page(&Method::GET, &headers));
        headers.insert(ACCEPT, "application/xml, text/html;q=0.9".parse().unwrap());
        assert!(wants_browser_page(&Method::GET, &headers));
        assert!(!wants_browser_page(&Method::PUT, &headers));
    }

    #[test]
    fn own_policies_are_kept_and_missing_ones_added() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_SECURITY_POLICY, "default-src 'self'".parse().unwrap());
        secure(&mut headers, true);
        assert_eq!(headers[CONTENT_SECURITY_POLICY], "default-src 'self'");
        assert_eq!(headers[X_FRAME_OPTIONS], "DENY");
        assert!(headers.contains_key(STRICT_TRANSPORT_SECURITY));
    }
}
