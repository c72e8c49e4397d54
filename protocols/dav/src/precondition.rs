//! Conditional requests: RFC 9110 section 13 and the WebDAV `If` header (RFC 4918 section 10.4).
//!
//! Called by every method that reads or changes, before it acts. Writes carry the outcome on to the gate ([`octroi_gate::When`]), which holds it
//! until the commit.

use crate::if_header::{IfHeader, IfState};
use http::header::{IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE};
use http::{HeaderMap, HeaderName};
use octroi_model::{Etag, LockToken, UnixTime};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What is at the URL now.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Current<'a> {
    /// Something.
    pub exists: bool,
    /// Its entity tag, if it has one: collections do not.
    pub etag: Option<&'a Etag>,
    /// When it was last modified.
    pub modified: Option<UnixTime>,
}

impl<'a> Current<'a> {
    /// Nothing.
    pub(crate) fn nothing() -> Self {
        Self::default()
    }

    /// A collection.
    pub(crate) fn collection() -> Self {
        Self { exists: true, ..Self::default() }
    }

    /// A document.
    pub(crate) fn document(etag: &'a Etag, modified: UnixTime) -> Self {
        Self { exists: true, etag: Some(etag), modified: Some(modified) }
    }
}

/// What the headers say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Do it.
    Go,
    /// 304: the client has it.
    NotModified,
    /// 412.
    Failed,
}

/// For GET and HEAD: RFC 9110 section 13.2.2.
pub(crate) fn for_read(headers: &HeaderMap, current: Current<'_>) -> Verdict {
    if !unchanged_as_asked(headers, current) {
        return Verdict::Failed;
    }
    if let Some(matched) = header_matches(headers, &IF_NONE_MATCH, current, Comparison::Weak) {
        return if matched { Verdict::NotModified } else { Verdict::Go };
    }
    match (date(headers, &IF_MODIFIED_SINCE), current.modified) {
        (Some(since), Some(modified)) if modified.0 <= since.0 => Verdict::NotModified,
        _ => Verdict::Go,
    }
}

/// For all that changes something: `true` if it may be done.
pub(crate) fn for_write(headers: &HeaderMap, current: Current<'_>) -> bool {
    // RFC 9110 section 13.1.2: for anything but GET and HEAD a match fails.
    unchanged_as_asked(headers, current) && header_matches(headers, &IF_NONE_MATCH, current, Comparison::Weak) != Some(true)
}

/// Does the request insist that what it replaces is what the client knows?
pub(crate) fn insists_on_unchanged(headers: &HeaderMap) -> bool {
    [IF_MATCH, IF_UNMODIFIED_SINCE, HeaderName::from_static("if")].iter().any(|name| headers.contains_key(name))
}

/// Does the request insist that there is nothing yet? (`If-None-Match: *`)
pub(crate) fn insists_on_new(headers: &HeaderMap) -> bool {
    headers.get_all(IF_NONE_MATCH).iter().any(|value| value.as_bytes().trim_ascii() == b"*")
}

/// May a `Range` be obeyed? RFC 9110 section 13.1.5: only if what the client has a part of is what we have.
pub(crate) fn range_is_of(headers: &HeaderMap, current: Current<'_>) -> bool {
    let Some(value) = headers.get(IF_RANGE) else { return true };
    let Ok(text) = value.to_str() else { return false };
    if let Some(tag) = text.trim().strip_prefix('"').and_then(|t| t.strip_suffix('"')) {
        return current.etag.is_some_and(|etag| etag.as_str() == tag);
    }
    matches!((parse_date(text), current.modified), (Some(at), Some(modified)) if at == modified)
}

/// If-Match, or without it If-Unmodified-Since.
fn unchanged_as_asked(headers: &HeaderMap, current: Current<'_>) -> bool {
    if let Some(matched) = header_matches(headers, &IF_MATCH, current, Comparison::Strong) {
        return matched;
    }
    match (date(headers, &IF_UNMODIFIED_SINCE), current.modified) {
        (Some(since), Some(modified)) => modified.0 <= since.0,
        _ => true,
    }
}

/// RFC 9110 section 8.8.3.2.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Strong,
    Weak,
}

/// Does a list of entity tags match? `None`: the header is absent. A header that cannot be read matches nothing.
fn header_matches(headers: &HeaderMap, name: &HeaderName, current: Current<'_>, comparison: Comparison) -> Option<bool> {
    let mut values = headers.get_all(name).iter().peekable();
    values.peek()?;
    Some(values.filter_map(|value| value.to_str().ok()).any(|value| list_matches(value, current, comparison)))
}

fn list_matches(list: &str, current: Current<'_>, comparison: Comparison) -> bool {
    if list.trim() == "*" {
        return current.exists;
    }
    let Some(etag) = current.etag else { return false };
    let mut rest = list.trim();
    // A comma can stand in a tag, so the list is not split at commas.
    while !rest.is_empty() {
        let (weak, after) = rest.strip_prefix("W/").map_or((false, rest), |after| (true, after));
        let Some((tag, after)) = after.strip_prefix('"').and_then(|after| after.split_once('"')) else { return false };
        if tag == etag.as_str() && !(weak && comparison == Comparison::Strong) {
            return true;
        }
        rest = after.trim_start().trim_start_matches(',').trim_start();
    }
    false
}

fn date(headers: &HeaderMap, name: &HeaderName) -> Option<UnixTime> {
    parse_date(headers.get(name)?.to_str().ok()?)
}

/// A time as HTTP writes it.
pub(crate) fn parse_date(text: &str) -> Option<UnixTime> {
    let at = httpdate::parse_http_date(text.trim()).ok()?;
    Some(UnixTime(i64::try_from(at.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()?))
}

/// A time as HTTP writes it; before 1970 is 1970.
pub(crate) fn http_date(at: UnixTime) -> String {
    /// 9999-12-31: HTTP dates have four digits for the year.
    const LATEST: u64 = 253_402_300_799;
    let seconds = u64::try_from(at.0).unwrap_or(0).min(LATEST);
    httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
}

/// What the `If` header compares a resource with.
#[derive(Debug, Clone, Default)]
pub(crate) struct ResourceState {
    /// Its entity tag; nothing and a collection have none.
    pub etag: Option<Etag>,
    /// The locks that cover it.
    pub tokens: Vec<LockToken>,
}

/// Does an `If` header hold? `state_of` gives the state of a tagged resource (`None` as argument: the request's own); of what cannot be found
/// out no condition holds.
pub(crate) fn if_holds<'a>(header: &'a IfHeader, state_of: impl Fn(Option<&'a str>) -> Option<&'a ResourceState>) -> bool {
    header.0.iter().any(|list| {
        let state = state_of(list.resource.as_deref());
        list.conditions.iter().all(|condition| {
            let holds = state.is_some_and(|state| match &condition.state {
                IfState::Token(token) => LockToken::parse(token).is_some_and(|token| state.tokens.contains(&token)),
                IfState::Etag(None) => false,
                IfState::Etag(Some(tag)) => state.etag.as_ref().is_some_and(|etag| etag.as_str() == tag),
            });
            holds != condition.not
        })
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use octroi_model::Hash;

    fn headers(pairs: &[(&'static str, String)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    #[test]
    fn writes() {
        let etag = Etag::of(Hash([7; 32]));
        let there = Current::document(&etag, UnixTime(1_000_000));
        let go = |name: &'static str, value: String, current| for_write(&headers(&[(name, value)]), current);
        assert!(go("if-match", etag.to_string(), there));
        assert!(go("if-match", format!("\"x,y\" , W/\"z\",{etag}"), there));
        assert!(!go("if-match", format!("W/{etag}"), there));
        assert!(!go("if-match", "\"x\"".into(), there));
        assert!(!go("if-match", "garbage".into(), there));
        assert!(go("if-match", "*".into(), there));
        assert!(!go("if-match", "*".into(), Current::nothing()));
        assert!(go("if-none-match", "*".into(), Current::nothing()));
        assert!(!go("if-none-match", "*".into(), there));
        assert!(!go("if-none-match", "*".into(), Current::collection()));
        assert!(!go("if-none-match", format!("W/{etag}"), there));
        assert!(go("if-unmodified-since", http_date(UnixTime(1_000_000)), there));
        assert!(!go("if-unmodified-since", http_date(UnixTime(999_999)), there));
        assert!(insists_on_new(&headers(&[("if-none-match", " * ".into())])));
    }

    #[test]
    fn reads() {
        let etag = Etag::of(Hash([7; 32]));
        let there = Current::document(&etag, UnixTime(1_000_000));
        let read = |pairs: &[(&'static str, String)]| for_read(&headers(pairs), there);
        assert_eq!(read(&[]), Verdict::Go);
        assert_eq!(read(&[("if-none-match", format!("W/{etag}"))]), Verdict::NotModified);
        assert_eq!(read(&[("if-modified-since", http_date(UnixTime(1_000_000)))]), Verdict::NotModified);
        assert_eq!(read(&[("if-modified-since", http_date(UnixTime(999_999)))]), Verdict::Go);
        // If-None-Match goes before If-Modified-Since.
        assert_eq!(read(&[("if-none-match", "\"x\"".into()), ("if-modified-since", http_date(UnixTime(2_000_000)))]), Verdict::Go);
        assert_eq!(read(&[("if-match", "\"x\"".into())]), Verdict::Failed);
        assert!(range_is_of(&headers(&[("if-range", etag.to_string())]), there));
        assert!(!range_is_of(&headers(&[("if-range", format!("W/{etag}"))]), there));
        assert!(range_is_of(&headers(&[("if-range", http_date(UnixTime(1_000_000)))]), there));
        assert!(!range_is_of(&headers(&[("if-range", http_date(UnixTime(1_000_001)))]), there));
    }

    #[test]
    fn if_lists() {
        let etag = Etag::of(Hash([7; 32]));
        let token = LockToken::new([1; 16]);
        let here = ResourceState { etag: Some(etag.clone()), tokens: vec![token] };
        let other = ResourceState::default();
        let holds = |text: &str| {
            let header = crate::if_header::parse(text).unwrap();
            if_holds(&header, |resource| match resource {
                None => Some(&here),
                Some("/other") => Some(&other),
                Some(_) => None,
            })
        };
        assert!(holds(&format!("([{etag}])")));
        assert!(!holds(&format!("([{etag}] <urn:lock>)")));
        assert!(holds(&format!("(<urn:lock>) ([{etag}] Not <DAV:no-lock>)")));
        assert!(!holds(&format!("(Not [{etag}])")));
        assert!(!holds(&format!("</other> ([{etag}])")));
        assert!(holds(&format!("</other> (Not [{etag}])")));
        assert!(holds(&format!("(<{token}> [{etag}])")) && !holds(&format!("(Not <{token}>)")));
        assert!(!holds(&format!("</other> (<{token}>)")) && holds(&format!("</other> (Not <{token}>)")));
        // RFC 4918 section 10.4.8: whatever there is, it is not locked by this.
        assert!(holds("(Not <DAV:no-lock>)") && !holds("(<DAV:no-lock>)"));
        assert!(!holds(&format!("<http://elsewhere/> (<{token}>) ([{etag}])")));
    }

    #[test]
    fn odd_times_are_written_without_panic() {
        assert_eq!(http_date(UnixTime(-5)), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert!(http_date(UnixTime(i64::MAX)).contains("9999"));
    }
}
