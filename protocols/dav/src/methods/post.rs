//! POST: a registration for push (`push`), an invitation or an answer to one (`invitation`), a question when others are free (`outbox`),
//! attachments of a calendar object (`attach`), or to a collection's `add-member` URL (RFC 5995): the server names the new document.
//!
//! The name is what `Slug` asks for (RFC 5023 section 9.7) as far as it can be one and is free; otherwise one of the server's own. From there on
//! it is PUT of something that may not be there yet.

use crate::call::{Call, Found, find};
use crate::invitation;
use crate::methods::{attach, options, outbox, put};
use crate::path::{Place, Target, file_href};
use crate::property::ADD_MEMBER;
use crate::push;
use crate::refusal::{Answer, Fault};
use crate::xml::parse;
use http::header::{CONTENT_TYPE, IF_MATCH, IF_NONE_MATCH, LOCATION};
use http::{HeaderMap, HeaderValue, StatusCode};
use octroi_gate::{Area, Refusal};
use octroi_model::{Name, UnixTime};
use percent_encoding::percent_decode_str;
use std::sync::atomic::{AtomicU64, Ordering};

/// Names that are tried before it is given up.
const TRIES_MAX: u64 = 20;
/// Bytes of a name that a client asks for.
const SLUG_BYTES_MAX: usize = 200;

/// POST.
pub(crate) async fn post(call: Call) -> Answer {
    let is_add = call.uri.query() == Some(ADD_MEMBER);
    let Target::Place(place) = call.target.clone() else { return Err(Fault::NotAllowed(options::allowed(&call).await?)) };
    if place.area == Area::Calendars && attach::is_asked(call.uri.query()) {
        return attach::act(call, &place).await;
    }
    if !is_add && is_xml(&call.headers) {
        return of_xml(call, &place).await;
    }
    if !is_add && place.area == Area::Calendars && outbox::is_one(&call, &place).await {
        return outbox::ask(call).await;
    }
    if !is_add || place.area != Area::Files {
        return Err(Fault::NotAllowed(options::allowed(&call).await?));
    }
    match find(&call.session, &place).await {
        // Who may add need not be able to look.
        Ok(Found::Folder(_)) | Err(Refusal::Forbidden(_)) => {}
        Ok(Found::File(_)) => return Err(Fault::NotAllowed(options::allowed(&call).await?)),
        Err(refusal) => return Err(Fault::Gate(refusal, call.href())),
    }
    call.check_if(None).await?;
    for number in 0..TRIES_MAX {
        let name = name(&call, number)?;
        let path = place.path.child(name.clone()).map_err(|_| Fault::Status(StatusCode::FORBIDDEN, "It would be too deep."))?;
        let member = Place { path, slash: false, ..place.clone() };
        if matches!(find(&call.session, &member).await, Err(Refusal::Missing)) {
            let location = file_href(place.area, call.session.address(), &place.path, &name);
            return add(call, member, &location).await;
        }
    }
    Err(Fault::Gate(Refusal::Unavailable, call.href()))
}

/// Could the body be XML that asks for something?
fn is_xml(headers: &HeaderMap) -> bool {
    let sent = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = sent.map(|value| value.split(';').next().unwrap_or("").trim().to_ascii_lowercase());
    matches!(essence.as_deref(), Some("application/xml" | "text/xml" | "application/davsharing+xml"))
}

/// What the root of the body asks for.
async fn of_xml(mut call: Call, place: &Place) -> Answer {
    let body = call.xml_body().await?;
    let request = parse(&body)?;
    if push::is_registration(&request) {
        push::register(call, place, &request).await
    } else if invitation::is_share(&request) {
        invitation::share(call, place, &request).await
    } else if invitation::is_reply(&request) {
        invitation::reply(call, place, &request).await
    } else {
        Err(Fault::NotAllowed(options::allowed(&call).await?))
    }
}

async fn add(mut call: Call, member: Place, location: &str) -> Answer {
    call.target = Target::Place(member);
    call.uri = location.parse().map_err(|_| Fault::Status(StatusCode::BAD_REQUEST, "The name cannot be written."))?;
    // What was said of the collection is said of nothing new.
    for header in [IF_MATCH, IF_NONE_MATCH] {
        call.headers.remove(header);
    }
    call.headers.remove("if");
    call.headers.insert(IF_NONE_MATCH, HeaderValue::from_static("*"));
    let mut response = put::put(call).await?;
    if let Ok(location) = HeaderValue::from_str(location) {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

/// The name for the n-th try.
fn name(call: &Call, number: u64) -> Result<Name, Fault> {
    let slug = call.headers.get("slug").and_then(|value| value.to_str().ok()).and_then(slug);
    let text = match (slug, number) {
        (Some(slug), 0) => slug,
        (Some(slug), _) => match slug.rsplit_once('.') {
            Some((stem, extension)) if !stem.is_empty() => format!("{stem} ({}).{extension}", number + 1),
            _ => format!("{slug} ({})", number + 1),
        },
        (None, _) => {
            static COUNT: AtomicU64 = AtomicU64::new(0);
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            format!("{:x}-{count:x}{}", UnixTime::now().0, extension(call.header(&CONTENT_TYPE)))
        }
    };
    Name::new(&text).map_err(|_| Fault::Status(StatusCode::BAD_REQUEST, "The Slug cannot be a name."))
}

/// What a client wants it to be called, as far as it can be.
fn slug(sent: &str) -> Option<String> {
    let text = percent_decode_str(sent.trim()).decode_utf8().ok()?;
    let text: String = text.chars().filter(|c| !c.is_control() && !matches!(c, '/' | '\\')).collect();
    let text = text.trim_matches([' ', '.']);
    (!text.is_empty() && text.len() <= SLUG_BYTES_MAX && Name::new(text).is_ok()).then(|| text.to_owned())
}

/// So that it opens in the right program.
fn extension(media_type: Option<&str>) -> &'static str {
    match media_type.map(|sent| sent.split(';').next().unwrap_or("").trim()) {
        Some("text/plain") => ".txt",
        Some("text/html") => ".html",
        Some("text/csv") => ".csv",
        Some("application/pdf") => ".pdf",
        Some("application/xml" | "text/xml") => ".xml",
        Some("application/json") => ".json",
        Some("image/png") => ".png",
        Some("image/jpeg") => ".jpg",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_becomes_a_name_or_nothing() {
        assert_eq!(slug("The Beach at S%C3%A8te.jpg").as_deref(), Some("The Beach at Sète.jpg"));
        assert_eq!(slug("../../etc/passwd").as_deref(), Some("etcpasswd"));
        for none in ["", "  ", "%ff", "...", "%00"] {
            assert_eq!(slug(none), None, "{none}");
        }
        assert_eq!(slug(&"x".repeat(SLUG_BYTES_MAX + 1)), None);
    }
}
