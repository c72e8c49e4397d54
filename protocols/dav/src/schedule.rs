//! What requests say of meetings, and what answers tell of them (RFC 6638 sections 3.2.10, 8).
//!
//! Called by PUT, DELETE, GET and PROPFIND on calendar objects, and by PROPPATCH on an inbox. The gate decides and does; nothing of a meeting is understood here.

use crate::call::{Call, folder_at, is_own};
use crate::instruction::{Act, Verdict};
use crate::names::{CALDAV, DAV};
use crate::path::{Place, Target};
use crate::refusal::Fault;
use crate::xml::Element;
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue};
use octroi_gate::{Area, DEFAULT_CALENDAR, List, Manner, schedule_tag};
use octroi_model::{CollectionKind, Item};

/// RFC 6638 section 8.2.
pub(crate) const SCHEDULE_TAG: HeaderName = HeaderName::from_static("schedule-tag");
const IF_SCHEDULE_TAG_MATCH: HeaderName = HeaderName::from_static("if-schedule-tag-match");
/// Section 9.2: it is no calendar of one's own for events.
const DEFAULT_BROKEN: &str = "C:valid-schedule-default-calendar-URL";
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

/// Is it where one is told of meetings?
pub(crate) async fn is_inbox(call: &Call, place: &Place) -> bool {
    place.area == Area::Calendars
        && place.path.names().len() == 1
        && call.session.open(folder_at(place), List).await.is_ok_and(|folder| folder.facts().kind == CollectionKind::Inbox)
}

/// What comes of another calendar for what is new, said of an inbox (RFC 6638 section 9.2); `None`: it is about something else. Taken away,
/// the oldest counts again.
pub(crate) fn judge_default(call: &Call, act: Act, property: &Element) -> Option<Verdict> {
    if !property.is(CALDAV, "schedule-default-calendar-URL") {
        return None;
    }
    if act == Act::Remove {
        return Some(Verdict::Change(vec![(DEFAULT_CALENDAR.to_owned(), None)]));
    }
    let hrefs: Vec<&Element> = property.children.iter().filter(|child| child.is(DAV, "href")).collect();
    let [href] = hrefs.as_slice() else { return Some(Verdict::Broken(DEFAULT_BROKEN)) };
    let calendar = match call.target_of(href.trimmed()) {
        Some(Target::Place(place)) if place.area == Area::Calendars && is_own(&call.session, &place.address) => {
            call.session.calendar_for_meetings(&place.path)
        }
        _ => None,
    };
    Some(calendar.map_or(Verdict::Broken(DEFAULT_BROKEN), |number| Verdict::Change(vec![(DEFAULT_CALENDAR.to_owned(), Some(number))])))
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
