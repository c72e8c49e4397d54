//! What stands round every page, and the headers that every answer of the portal has.
//!
//! A page is made by [`crate::visitor::Visitor::page`] or [`crate::visitor::Person::page`] from a [`Page`] and its content. What always
//! holds: no script runs but one of our own files that a page names; nothing is loaded from elsewhere; no answer stays in a cache.

use crate::language::Language;
use crate::pages::{Audience, PLACES, Place, devices};
use crate::request::set_cookie;
use crate::sessions::VisitId;
use crate::texts::frame::Frame;
use crate::visitor::{Person, Visitor};
use axum::body::Body;
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY, SET_COOKIE};
use http::{HeaderValue, StatusCode};
use maud::{DOCTYPE, Markup, html};
use std::borrow::Cow;
use std::sync::LazyLock;

/// No script at all, no frame, forms to ourselves only.
const POLICY: &str = "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
/// The same, with scripts that are files of ours.
const POLICY_WITH_SCRIPT: &str =
    "default-src 'none'; script-src 'self'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

const STYLE: &str = include_str!("style.css");
/// Where the style is. The hash makes browsers load it anew when it changes.
static STYLE_URL: LazyLock<String> =
    LazyLock::new(|| format!("/portal/style.css?{}", &blake3::hash(STYLE.as_bytes()).to_hex().as_str()[..16]));

const PASSKEY: &str = include_str!("passkey.js");
/// Where the script for passkeys is, for the pages that name it.
pub(crate) static PASSKEY_URL: LazyLock<String> =
    LazyLock::new(|| format!("/portal/passkey.js?{}", &blake3::hash(PASSKEY.as_bytes()).to_hex().as_str()[..16]));

/// A page, but for its content.
pub(crate) struct Page<'a> {
    pub status: StatusCode,
    /// Where in the navigation it belongs.
    pub place: &'a Place,
    pub title: &'a str,
    pub notice: Notice,
    /// Where one comes back to after another language was chosen; without it there is no choice.
    pub back: Option<&'a str>,
    /// URL of the one script that the page runs.
    pub script: Option<&'a str>,
}

impl<'a> Page<'a> {
    /// The page of a place.
    pub(crate) fn of(place: &'a Place, language: Language) -> Self {
        let title = (place.title)(language);
        Self { status: StatusCode::OK, place, title, notice: Notice::None, back: Some(place.path), script: None }
    }
}

/// What a page says before its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Notice {
    None,
    Done(&'static str),
    /// What is wrong, and the `id` of the field in which.
    Fault(Cow<'static, str>, Option<&'static str>),
}

impl Notice {
    /// Something is wrong, with no field in particular.
    pub(crate) fn fault(text: impl Into<Cow<'static, str>>) -> Self {
        Self::Fault(text.into(), None)
    }

    /// Something is wrong with the field of that `id`.
    pub(crate) fn field(text: impl Into<Cow<'static, str>>, id: &'static str) -> Self {
        Self::Fault(text.into(), Some(id))
    }

    /// What is wrong with that field.
    pub(crate) fn of_field(&self, id: &str) -> Option<&str> {
        match self {
            Self::Fault(text, Some(field)) if *field == id => Some(text),
            _ => None,
        }
    }
}

/// The whole page.
pub(crate) fn page(visitor: &Visitor, person: Option<&Person>, page: &Page<'_>, content: &Markup) -> Response {
    let language = visitor.language;
    let texts = Frame::of(language);
    let organisation = &visitor.portal.gate.organisation().name;
    let said = || person.and_then(|person| person.with(|signed_in| signed_in.notice.take())).flatten();
    let said = if page.notice == Notice::None { said().map(|said| said.notice(language)) } else { None };
    let whole = html! {
        (DOCTYPE)
        html lang=(language.tag()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (page.title) " – " (organisation) }
                link rel="stylesheet" href=(*STYLE_URL);
                @if let Some(script) = page.script { script src=(script) defer {} }
            }
            body {
                a.skip href="#content" { (texts.skip) }
                header.top { div.inner {
                    p.organisation { a href="/portal/" { strong { (organisation) } " " span { (texts.portal) } } }
                    div.tools {
                        @if let Some(person) = person { (who(person)) }
                        @if let Some(back) = page.back { (languages(visitor, back)) }
                    }
                } }
                div.columns {
                    nav aria-label=(texts.pages) { (places(page.place, person, language)) }
                    main id="content" tabindex="-1" {
                        (say(said.as_ref().unwrap_or(&page.notice), texts))
                        h1 { (page.title) }
                        (content)
                    }
                }
                @if let Some(support) = &visitor.portal.config.support { footer { p { (support) } } }
            }
        }
    };
    let mut response = Response::new(Body::from(whole.into_string()));
    *response.status_mut() = page.status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    protect(&mut response, visitor.cookie(), if page.script.is_some() { POLICY_WITH_SCRIPT } else { POLICY });
    response
}

fn who(person: &Person) -> Markup {
    let texts = Frame::of(person.language());
    html! {
        p.who { span { (texts.signed_in_as) } " " strong { (person.session.address()) } }
        (person.form("/portal/sign-out", texts.sign_out, &Markup::default()))
    }
}

fn languages(visitor: &Visitor, back: &str) -> Markup {
    let texts = Frame::of(visitor.language);
    html! {
        form method="post" action="/portal/language" {
            (visitor.token())
            input type="hidden" name="back" value=(back);
            div.languages role="group" aria-label=(texts.language) {
                @for language in Language::ALL {
                    button type="submit" name="language" value=(language.tag()) lang=(language.tag())
                        aria-pressed=(if language == visitor.language { "true" } else { "false" }) { (language.name()) }
                }
            }
        }
    }
}

fn places(current: &Place, person: Option<&Person>, language: Language) -> Markup {
    let session = person.map(|person| &person.session);
    let shown = PLACES.into_iter().filter(|place| match place.audience {
        Audience::Everybody => true,
        Audience::SignedIn => session.is_some(),
        Audience::SignedOut => session.is_none(),
        Audience::Documents => session.is_some_and(octroi_gate::PortalSession::has_documents),
        Audience::Calendars => session.is_some_and(octroi_gate::PortalSession::has_calendars),
        Audience::Auditors => session.is_some_and(|session| session.auditor().is_some()),
        Audience::Administrators => session.is_some_and(|session| session.administrator().is_some()),
    });
    let waiting = session.map_or(0, |session| session.waiting().len());
    html! {
        details {
            summary { (Frame::of(language).menu) @if waiting > 0 { " " (badge(waiting, language)) } }
            ul {
                @for place in shown {
                    li { a href=(place.path) aria-current=[(place.path == current.path).then_some("page")] {
                        ((place.title)(language))
                        @if waiting > 0 && place.path == devices::PLACE.path { " " (badge(waiting, language)) }
                    } }
                }
            }
        }
    }
}

/// How many log-ins wait: a number that is seen, with what it counts for those who hear it.
fn badge(waiting: usize, language: Language) -> Markup {
    html! { span.badge { (waiting) span.heard { " " (Frame::of(language).waiting) } } }
}

fn say(notice: &Notice, texts: &Frame) -> Markup {
    match notice {
        Notice::None => html! {},
        Notice::Done(text) => html! { p.notice role="status" { strong { (texts.done) } " " (text) } },
        Notice::Fault(text, None) => html! { p.fault role="alert" { strong { (texts.fault) } " " (text) } },
        Notice::Fault(text, Some(field)) => {
            html! { p.fault role="alert" { strong { (texts.fault) } " " a href={ "#" (field) } { (text) } } }
        }
    }
}

/// After a form was taken: to a page that can be loaded again (RFC 9110 section 15.4.4).
pub(crate) fn see_other(to: &str, cookie: Option<&VisitId>) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    // Paths are our own, so this always is a header's value; the first page is one in any case.
    response.headers_mut().insert(LOCATION, HeaderValue::from_str(to).unwrap_or(HeaderValue::from_static("/portal/")));
    protect(&mut response, cookie, POLICY);
    response
}

/// The style sheet.
pub(crate) async fn style() -> Response {
    file(STYLE, "text/css; charset=utf-8")
}

/// The script for passkeys.
pub(crate) async fn passkey() -> Response {
    file(PASSKEY, "text/javascript; charset=utf-8")
}

fn file(text: &'static str, kind: &'static str) -> Response {
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000"));
    response
}

fn protect(response: &mut Response, cookie: Option<&VisitId>, policy: &'static str) {
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    // With `no-referrer` browsers would send our own forms with `Origin: null`, as if they came from elsewhere.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    // A secret that is shown once must not lie in a cache.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(cookie) = cookie.and_then(set_cookie) {
        headers.insert(SET_COOKIE, cookie);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    /// The colours of one scheme, as the style names them.
    fn colours(scheme: &str) -> HashMap<&str, [f64; 3]> {
        let named = scheme.lines().filter_map(|line| line.trim().strip_prefix("--")?.trim_end_matches(';').split_once(": #"));
        let part = |hex: &str, at: usize| {
            let value = f64::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap()) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        named.map(|(name, hex)| (name, [part(hex, 0), part(hex, 2), part(hex, 4)])).collect()
    }

    /// Contrast as the W3C's accessibility guidelines (WCAG 2) count it: 4.5 for text, 3 for what is seen round fields.
    #[test]
    fn colours_are_told_apart_in_light_and_dark() {
        let (light, dark) = STYLE.split_once("prefers-color-scheme: dark").unwrap();
        for scheme in [light, dark] {
            let colours = colours(scheme);
            let luminance =
                |name: &str| colours[name].iter().zip([0.2126, 0.7152, 0.0722]).map(|(part, weight)| part * weight).sum::<f64>();
            let contrast = |one: &str, other: &str| {
                let (one, other) = (luminance(one), luminance(other));
                (one.max(other) + 0.05) / (one.min(other) + 0.05)
            };
            for ground in ["surface", "ground", "accent-faint", "good-faint", "bad-faint"] {
                assert!(contrast("text", ground) >= 4.5, "text on {ground}");
            }
            let pairs = [
                ("quiet", "surface"),
                ("quiet", "ground"),
                ("quiet", "accent-faint"),
                ("accent", "surface"),
                ("accent", "accent-faint"),
                ("on-accent", "accent"),
            ];
            for (text, ground) in pairs.into_iter().chain([("on-accent", "accent-strong"), ("bad", "surface"), ("bad", "bad-faint")]) {
                assert!(contrast(text, ground) >= 4.5, "{text} on {ground}: {}", contrast(text, ground));
            }
            for edge in ["edge", "focus", "bad", "good"] {
                assert!(contrast(edge, "surface") >= 3.0, "{edge}: {}", contrast(edge, "surface"));
            }
        }
    }

    #[test]
    fn only_a_page_that_names_a_script_may_run_one() {
        assert!(!POLICY.contains("script") && POLICY_WITH_SCRIPT.contains("script-src 'self';"));
        assert_eq!(POLICY_WITH_SCRIPT.replace("script-src 'self'; ", ""), POLICY);
        assert!(!POLICY_WITH_SCRIPT.contains("unsafe"));
    }
}
