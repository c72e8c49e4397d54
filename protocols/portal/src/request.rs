//! The visitor's cookie, and whether their own page sent a form. Used by `visitor`.
//!
//! Every visitor has a cookie with a random value, before signing in too, so that the sign-in form is protected like any other: a
//! form's token is a keyed hash of that value, which another site can neither read nor compute.

use crate::form::Form;
use crate::pages::files;
use crate::sessions::VisitId;
use axum::extract::Request;
use data_encoding::HEXLOWER;
use http::header::{COOKIE, HOST, ORIGIN};
use http::{HeaderMap, HeaderValue, Uri};
use http_body_util::{BodyExt, Limited};

/// The cookie's name. The prefix makes browsers insist on `Secure`, `Path=/` and no `Domain`, so no other host can plant it.
const COOKIE_NAME: &str = "__Host-octroi";

/// Octets of a path of documents that one comes back to.
const FILES_PATH_BYTES_MAX: usize = 2048;

/// The key of form tokens; new with each start.
pub(crate) struct TokenKey([u8; 32]);

impl TokenKey {
    /// A random key.
    pub(crate) fn new() -> Self {
        let mut key = [0; 32];
        if getrandom::fill(&mut key).is_err() {
            tracing::error!("no randomness: nobody can sign in to the portal");
        }
        Self(key)
    }

    /// The token for the forms of one visitor.
    pub(crate) fn token(&self, id: &VisitId) -> String {
        HEXLOWER.encode(blake3::keyed_hash(&self.0, id.as_str().as_bytes()).as_bytes())
    }

    /// Is it that visitor's? Takes as long for any wrong one.
    pub(crate) fn accepts(&self, id: &VisitId, token: &str) -> bool {
        let mut sent = [0; 32];
        let decoded = token.len() == 64 && HEXLOWER.decode_mut(token.as_bytes(), &mut sent).is_ok();
        decoded && blake3::keyed_hash(&self.0, id.as_str().as_bytes()) == blake3::Hash::from_bytes(sent)
    }
}

/// A form that the visitor's own page did not send, or that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stale;

/// The form of a POST by the visitor with that cookie, if their own page sent it, of at most so many octets.
pub(crate) async fn form(key: &TokenKey, id: Option<&VisitId>, request: Request, bytes_max: usize) -> Result<Form, Stale> {
    let (parts, body) = request.into_parts();
    if !is_same_origin(&parts.headers, &parts.uri) {
        return Err(Stale);
    }
    let body = Limited::new(body, bytes_max).collect().await.map_err(|_| Stale)?.to_bytes();
    let form = Form::parse(&body).ok_or(Stale)?;
    match id {
        Some(id) if key.accepts(id, form.get("token")) => Ok(form),
        _ => Err(Stale),
    }
}

/// Our cookie. Two of that name: neither is believed.
pub(crate) fn cookie(headers: &HeaderMap) -> Option<VisitId> {
    let pairs = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(';'));
    let mut ours = pairs.filter_map(|pair| pair.trim().split_once('=')).filter(|(name, _)| *name == COOKIE_NAME);
    let (_, value) = ours.next()?;
    if ours.next().is_some() { None } else { VisitId::parse(value) }
}

/// The header that gives a visitor their cookie. Lax rather than Strict: who follows a link to the portal from a mail is still signed in.
pub(crate) fn set_cookie(id: &VisitId) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(&format!("{COOKIE_NAME}={}; Path=/; Secure; HttpOnly; SameSite=Lax", id.as_str())).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The header that takes it away.
pub(crate) fn clear_cookie() -> HeaderValue {
    HeaderValue::from_static("__Host-octroi=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0")
}

/// Browsers say where a form comes from; what says nothing is no browser and has no cookie to abuse.
pub(crate) fn is_same_origin(headers: &HeaderMap, uri: &Uri) -> bool {
    if headers.get("sec-fetch-site").is_some_and(|site| !matches!(site.as_bytes(), b"same-origin" | b"none")) {
        return false;
    }
    let Some(origin) = headers.get(ORIGIN) else { return true };
    let host = uri.authority().map(http::uri::Authority::as_str).or_else(|| headers.get(HOST)?.to_str().ok());
    let origin_host = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    matches!((origin_host, host), (Some(origin), Some(host)) if origin.eq_ignore_ascii_case(host))
}

/// A path of the portal that came in a form, to go to afterwards. Nothing that a browser could take for another host or for more
/// than a path passes.
pub(crate) fn own_path(path: &str) -> Option<&str> {
    let rest = path.strip_prefix("/portal/")?;
    // Names of documents are of all kinds: such a path is ours if it is written as we write it.
    if rest.starts_with("files/") {
        return (path.len() <= FILES_PATH_BYTES_MAX && files::At::of(path).is_some_and(|at| at.href() == path)).then_some(path);
    }
    let plain =
        rest.len() <= 100 && !path.contains("//") && rest.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'/'));
    plain.then_some(path)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::form::FORM_BYTES_MAX;
    use axum::body::Body;

    fn post(id: &VisitId, body: String, more: &[(&str, &str)]) -> Request {
        let mut request = Request::post("/portal/sign-in").header("host", "mail.example:8443");
        request = request.header("cookie", format!("a=b; {COOKIE_NAME}={}", id.as_str()));
        for (name, value) in more {
            request = request.header(*name, *value);
        }
        request.body(Body::from(body)).unwrap()
    }

    async fn accepted(key: &TokenKey, request: Request) -> bool {
        let id = cookie(request.headers());
        form(key, id.as_ref(), request, FORM_BYTES_MAX).await.is_ok()
    }

    #[tokio::test]
    async fn only_the_visitors_own_page_can_post() {
        let key = TokenKey::new();
        let id = VisitId::new().unwrap();
        let token = key.token(&id);
        let good = format!("token={token}");
        assert!(accepted(&key, post(&id, good.clone(), &[])).await);
        assert!(
            accepted(&key, post(&id, good.clone(), &[("origin", "https://mail.example:8443"), ("sec-fetch-site", "same-origin")])).await
        );
        assert!(!accepted(&key, post(&id, good.clone(), &[("origin", "https://evil.example")])).await);
        assert!(!accepted(&key, post(&id, good.clone(), &[("origin", "null")])).await);
        assert!(!accepted(&key, post(&id, good.clone(), &[("sec-fetch-site", "cross-site")])).await);
        assert!(!accepted(&key, post(&id, String::new(), &[])).await);
        assert!(!accepted(&key, post(&VisitId::new().unwrap(), good.clone(), &[])).await);
        assert!(!accepted(&TokenKey::new(), post(&id, good.clone(), &[])).await);
        assert!(!accepted(&key, post(&id, format!("{good}&x={}", "y".repeat(FORM_BYTES_MAX)), &[])).await);
        // A second cookie of the name: which is the visitor's?
        assert!(!accepted(&key, post(&id, good, &[("cookie", &format!("{COOKIE_NAME}={}", "0".repeat(64)))])).await);
    }

    #[test]
    fn a_redirect_stays_in_the_portal() {
        for good in ["/portal/", "/portal/help", "/portal/second-factor/confirm"] {
            assert_eq!(own_path(good), Some(good));
        }
        for good in ["/portal/files/", "/portal/files/a%20b/", "/portal/files/%C3%A9/x.txt"] {
            assert_eq!(own_path(good), Some(good));
        }
        let long = format!("/portal/{}", "a".repeat(101));
        for bad in [
            "",
            "/",
            "//evil.example/portal/",
            "https://evil.example/",
            "/portal/../dav/",
            "/portal//evil",
            "/portal/a\r\nb",
            "/portal/?a",
            "/portal/files/../dav/",
            "/portal/files/%2e%2e/dav/",
            "/portal/files/a b",
            "/portal/files/a%2Fb",
            "/portal/files//evil.example",
            "/portal/files/\\evil",
            &long,
        ] {
            assert_eq!(own_path(bad), None, "{bad}");
        }
    }
}
