//! WebDAV-Push (draft-bitfire-webdav-push-00): programs register to be woken when a collection changes.
//!
//! POST of a `push-register` to a collection registers, DELETE of the URL in `Location` ends it, and `Push-Dont-Notify` says of which
//! registrations a request's changes are the program's own. Who sends the messages asks here for their text. Every collection that can be listed is
//! watched on one level: what is asked for beyond is taken for that, as the draft wants it.
//!
//! Lenient where programs in use are: the key may be called `subscription-public-key`, as in an earlier version of the draft; and who names no
//! trigger at all, as `DAVx5` did for years, wants to hear of contents.

use crate::call::{Call, Found, find, is_own};
use crate::methods::options;
use crate::names::{DAV, PUSH};
use crate::path::{Place, RegistrationAt, Target, registration_href};
use crate::precondition::{http_date, parse_date};
use crate::property::{SyncState, sync_token};
use crate::refusal::{Answer, Fault, empty};
use crate::xml::{Element, Xml};
use http::header::{EXPIRES, LOCATION};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use octroi_gate::{PushFacts, PushWish, Refusal, Session};
use octroi_model::ModSeq;
use octroi_webpush::Recipient;
use zeroize::Zeroizing;

/// Registrations that one `Push-Dont-Notify` names.
const QUIET_MAX: usize = 32;
/// Octets of the header that are looked at.
const QUIET_BYTES_MAX: usize = 8 * 1024;

const NOT_AVAILABLE: Fault = Fault::Rule(StatusCode::FORBIDDEN, "WP:push-not-available");
const INVALID: Fault = Fault::Rule(StatusCode::FORBIDDEN, "WP:invalid-subscription");
const NO_TRIGGER: Fault = Fault::Rule(StatusCode::FORBIDDEN, "WP:no-supported-trigger");

/// Does the request's root ask for a registration?
pub(crate) fn is_registration(request: &Element) -> bool {
    request.is(PUSH, "push-register")
}

/// POST of a `push-register`.
pub(crate) async fn register(call: Call, place: &Place, request: &Element) -> Answer {
    let href = call.href();
    let folder = match find(&call.session, place).await {
        Ok(Found::Folder(folder)) => folder,
        // Who may not list it may not be told that it changed.
        Ok(Found::File(_)) | Err(Refusal::Forbidden(_)) => return Err(NOT_AVAILABLE),
        Err(refusal) => return Err(Fault::Gate(refusal, href)),
    };
    if folder.facts().push.is_none() {
        return Err(NOT_AVAILABLE);
    }
    let wish = read(request)?;
    let made = match folder.register_push(&wish).await {
        Ok(made) => made,
        Err(Refusal::Unsupported) => return Err(INVALID),
        Err(refusal) => return Err(Fault::Gate(refusal, href)),
    };
    let mut response = empty(StatusCode::NO_CONTENT);
    // Programs keep the whole URL.
    let location = format!("https://{}{}", call.host().unwrap_or_default(), registration_href(call.session.address(), &made.id));
    for (name, value) in [(LOCATION, location), (EXPIRES, http_date(made.expires))] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    Ok(response)
}

/// A request about a registration: it can be ended, and nothing else.
pub(crate) async fn handle(method: &Method, call: &Call, at: &RegistrationAt) -> Answer {
    match method.as_str() {
        "OPTIONS" => Ok(options::answer(&call.target, allowed(), call.session.offers_push())),
        "DELETE" => {
            call.session.end_push(at.id.as_str()).await.map_err(Fault::about(&call.href()))?;
            Ok(empty(StatusCode::NO_CONTENT))
        }
        _ => Err(Fault::NotAllowed(allowed())),
    }
}

fn allowed() -> HeaderValue {
    HeaderValue::from_static("OPTIONS, DELETE")
}

/// What a `push-register` asks for.
fn read(request: &Element) -> Result<PushWish, Fault> {
    let subscription = only(request, "subscription").and_then(|of| only(of, "web-push-subscription")).ok_or(INVALID)?;
    let endpoint = only(subscription, "push-resource").ok_or(INVALID)?.trimmed().to_owned();
    let key = only(subscription, "client-public-key").or_else(|| only(subscription, "subscription-public-key")).ok_or(INVALID)?;
    let auth_secret = Zeroizing::new(only(subscription, "auth-secret").ok_or(INVALID)?.trimmed().to_owned());
    let encoding = only(subscription, "content-encoding").is_none_or(|encoding| encoding.trimmed() == "aes128gcm");
    if !encoding || key.attribute("type").is_some_and(|of| of != "p256dh") || Recipient::read(key.trimmed(), &auth_secret).is_err() {
        return Err(INVALID);
    }
    let (contents, properties) = match request.child(PUSH, "trigger") {
        None => (true, false),
        Some(trigger) => (trigger.child(PUSH, "content-update").is_some(), trigger.child(PUSH, "property-update").is_some()),
    };
    if !contents && !properties {
        return Err(NO_TRIGGER);
    }
    let expires = match request.child(PUSH, "expires") {
        None => None,
        Some(at) => Some(parse_date(at.trimmed()).ok_or(Fault::Status(StatusCode::BAD_REQUEST, "expires is a date as HTTP writes it."))?),
    };
    Ok(PushWish { endpoint, public_key: key.trimmed().to_owned(), auth_secret, contents, properties, expires })
}

/// The one child of that name.
fn only<'a>(parent: &'a Element, name: &str) -> Option<&'a Element> {
    let mut found = parent.children.iter().filter(|child| child.is(PUSH, name));
    found.next().filter(|_| found.next().is_none())
}

pub(crate) fn write_transports(facts: &PushFacts, xml: &mut Xml) {
    xml.open("WP:web-push");
    xml.text_with("WP:vapid-public-key", &[("type", "p256ecdsa")], &facts.public_key);
    xml.close("WP:web-push");
}

pub(crate) fn write_triggers(xml: &mut Xml) {
    xml.open("WP:content-update").text("D:sync-level", "1").close("WP:content-update");
    xml.open("WP:property-update").text("D:depth", "0").close("WP:property-update");
}

/// The text of a push message: what names the collection, number and counter of its sync token if what is in it has changed, and whether what
/// is said about it has. Number 0: its token is left out, which the draft allows.
pub fn push_message(topic: &str, contents: Option<(u64, ModSeq)>, properties: bool) -> String {
    let mut xml = Xml::piece();
    xml.open_with("WP:push-message", &[("xmlns:WP", PUSH), ("xmlns:D", DAV)]).text("WP:topic", topic);
    if let Some((id, modseq)) = contents {
        xml.open("WP:content-update");
        if id != 0 {
            xml.text("D:sync-token", &sync_token(SyncState { id, modseq }));
        }
        xml.close("WP:content-update");
    }
    if properties {
        xml.empty("WP:property-update");
    }
    xml.close("WP:push-message");
    xml.into_string()
}

/// The session, with the registrations that the request speaks for: URLs of one's own, in quotes or without, or `*` for all of one's own. What
/// others have registered hears of every change.
pub(crate) fn spoken_for(session: Session, headers: &HeaderMap) -> Session {
    let lines: Vec<&str> = headers.get_all("push-dont-notify").iter().filter_map(|value| value.to_str().ok()).collect();
    let named = || lines.iter().flat_map(|line| line.split(',')).map(|url| url.trim().trim_matches('"')).take(QUIET_MAX);
    if lines.is_empty() || lines.iter().map(|line| line.len()).sum::<usize>() > QUIET_BYTES_MAX {
        return session;
    }
    if named().any(|url| url == "*") {
        return session.quiet_for_all();
    }
    let own = |url: &str| match Target::parse_reference(url) {
        Ok((Target::Registration(at), _)) if is_own(&session, &at.address) => Some(at.id.to_string()),
        _ => None,
    };
    let ids: Vec<String> = named().filter_map(own).collect();
    session.quiet(&ids.iter().map(String::as_str).collect::<Vec<_>>())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::xml::parse;
    use octroi_model::UnixTime;

    const KEY: &str = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
    const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";

    /// Endpoint, triggers and end of what is asked for.
    fn asked(request: &str) -> Result<(String, bool, bool, Option<UnixTime>), String> {
        let wish = read(&parse(request.as_bytes()).unwrap()).map_err(|fault| format!("{fault:?}"))?;
        Ok((wish.endpoint.clone(), wish.contents, wish.properties, wish.expires))
    }

    fn request(subscription: &str, rest: &str) -> String {
        format!(
            r#"<push-register xmlns="{PUSH}" xmlns:D="DAV:"><subscription><web-push-subscription>{subscription}</web-push-subscription>
            </subscription>{rest}</push-register>"#
        )
    }

    fn subscription() -> String {
        format!(
            r#"<push-resource> https://up.example.net/x </push-resource><content-encoding>aes128gcm</content-encoding>
            <client-public-key type="p256dh">{KEY}</client-public-key><auth-secret>{AUTH}</auth-secret>"#
        )
    }

    #[test]
    fn the_drafts_example_is_read() {
        let rest = "<trigger><content-update><D:sync-level>infinite</D:sync-level></content-update><property-update><D:depth>0</D:depth>\
            <D:prop><D:displayname/><D:owner/></D:prop></property-update></trigger><expires>Wed, 20 Dec 2023 10:03:31 GMT</expires>";
        let asked = asked(&request(&subscription(), rest)).unwrap();
        assert_eq!(asked, ("https://up.example.net/x".to_owned(), true, true, Some(UnixTime(1_703_066_611))));
    }

    #[test]
    fn triggers_are_those_that_are_named() {
        let with = |rest: &str| asked(&request(&subscription(), rest)).map(|(_, contents, properties, _)| (contents, properties));
        assert_eq!(with("").unwrap(), (true, false));
        assert_eq!(with("<trigger><property-update/></trigger>").unwrap(), (false, true));
        for none in ["<trigger/>", "<trigger><D:content-update/></trigger>"] {
            assert!(with(none).unwrap_err().contains("no-supported-trigger"), "{none}");
        }
        assert!(with("<expires>tomorrow</expires>").unwrap_err().contains("400"));
    }

    #[test]
    fn what_could_not_be_sent_to_is_refused() {
        let older = subscription().replace("client-public-key", "subscription-public-key");
        asked(&request(&older, "")).unwrap();
        for bad in [
            String::new(),
            subscription().replace(AUTH, "AAAA"),
            subscription().replace(KEY, "AAAA"),
            subscription().replace("p256dh", "p384dh"),
            subscription().replace("aes128gcm", "aesgcm"),
            subscription().replace("push-resource", "push-thing"),
            subscription() + "<push-resource>https://other.example/</push-resource>",
            format!("<push-resource>https://up.example.net/x</push-resource><auth-secret>{AUTH}</auth-secret>"),
        ] {
            assert!(asked(&request(&bad, "")).unwrap_err().contains("invalid-subscription"), "{bad}");
        }
        let twice = request(&subscription(), "<subscription/>");
        assert!(asked(&twice).unwrap_err().contains("invalid-subscription"));
    }

    #[test]
    fn a_message_says_what_changed() {
        let message = push_message("O7M1nQ7cKkKTKsoS_j6Z3w", Some((42, ModSeq(7))), true);
        let read = parse(message.as_bytes()).unwrap();
        assert!(read.is(PUSH, "push-message"));
        assert_eq!(read.child(PUSH, "topic").unwrap().trimmed(), "O7M1nQ7cKkKTKsoS_j6Z3w");
        let token = read.child(PUSH, "content-update").unwrap().child(DAV, "sync-token").unwrap();
        assert_eq!(token.trimmed(), sync_token(SyncState { id: 42, modseq: ModSeq(7) }));
        assert!(read.child(PUSH, "property-update").is_some());
        assert!(!push_message("t", None, true).contains("content-update"));
        assert!(message.len() < 500, "a service may take no more than 4096 octets");
    }
}
