//! What requests say of meetings, and what answers tell of them (RFC 6638 sections 3.2.10, 8).
//!
//! Called by PUT, DELETE, GET and PROPFIND on calendar objects. The gate decides and does; nothing of a meeting is understood here.

use crate::call::Call;
use crate::path::Target;
use crate::refusal::Fault;
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue};
use octroi_gate::{Area, Manner, schedule_tag};
use octroi_model::Item;

/// RFC 6638 section 8.2.
pub(crate) const SCHEDULE_TAG: HeaderName = HeaderName::from_static("schedule-tag");
const IF_SCHEDULE_TAG_MATCH: HeaderName = HeaderName::from_static("if-schedule-tag-match");
const SCHEDULE_REPLY: HeaderName = HeaderName::from_static("schedule-reply");

/// Hold `If-Schedule-Tag-Match` against what is there; how the change is to be taken.
pub(crate) fn manner(call: &Call, current: Option<&Item>) -> Result<Manner, Fault> {
    let replies = call.headers.get(SCHEDULE_REPLY).is_none_or(|value| !value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"F"));
    let asked = tag_asked(&call.headers);
    let matches = match (&asked, current) {
        (None, _) => true,
        (Some(asked), Some(item)) => *asked == schedule_tag(item),
        (Some(_), None) => false,
    };
    if !matches {
        return Err(Fault::precondition());
    }
    Ok(Manner { merges: asked.is_some(), replies })
}

/// The tag that a request insists on. Apple's clients send an empty one, which says nothing.
fn tag_asked(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(IF_SCHEDULE_TAG_MATCH)?.to_str().ok()?.trim();
    let tag = value.trim_matches('"');
    (!tag.is_empty()).then(|| tag.to_owned())
}

/// May an answer about this say where somebody's meetings are kept?
pub(crate) fn are_places_told(target: &Target) -> bool {
    match target {
        Target::Principal(_) | Target::Principals | Target::Root | Target::DavRoot => true,
        Target::Place(place) => place.area == Area::Calendars && place.path.names().len() <= 1,
        _ => false,
    }
}

/// Tell the Schedule-Tag.
pub(crate) fn tell(tag: Option<&str>, response: &mut Response) {
    if let Some(value) = tag.and_then(|tag| HeaderValue::from_str(&format!("\"{tag}\"")).ok()) {
        response.headers_mut().insert(SCHEDULE_TAG, value);
    }
}

/// The Schedule-Tag of what is told of an item, if it is a meeting.
pub(crate) fn tag_of(item: &Item, area: Area) -> Option<String> {
    (area == Area::Calendars && octroi_gate::is_meeting(item)).then(|| schedule_tag(item))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_tag_asks_nothing() {
        for (sent, asked) in [("\"a-b\"", Some("a-b")), ("", None), ("\"\"", None), ("  ", None)] {
            let headers = HeaderMap::from_iter([(IF_SCHEDULE_TAG_MATCH, HeaderValue::from_str(sent).unwrap())]);
            assert_eq!(tag_asked(&headers).as_deref(), asked, "{sent}");
        }
    }
}
