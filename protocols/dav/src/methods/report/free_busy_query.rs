//! `free-busy-query` (RFC 4791 section 7.10): when the owner of a calendar is busy, for who may know that and perhaps nothing else.

use crate::caldav::{self, TimeRange};
use crate::call::{Call, Depth, folder_at};
use crate::names::CALDAV;
use crate::path::Place;
use crate::refusal::{Answer, Fault, empty};
use crate::xml::Element;
use axum::body::Body;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use jiff::Timestamp;
use octroi_gate::{Area, Folder, FolderAt, Granted, List, MemberIs, SeeBusy};
use octroi_ical::{BusyTimes, Tree, Window, write_free_busy};
use octroi_model::Rights;

/// `free-busy-query`.
pub(crate) async fn free_busy_query(call: &Call, place: &Place, request: &Element) -> Answer {
    if place.area != Area::Calendars {
        return Err(Fault::Rule(StatusCode::FORBIDDEN, "D:supported-report"));
    }
    let bad = || Fault::Status(StatusCode::BAD_REQUEST, "A time-range with a start and an end is needed.");
    let range = TimeRange::read_whole(request.child(CALDAV, "time-range").ok_or_else(bad)?)?;
    let window = Window::from(range);
    let about = call.href();
    let mut times = BusyTimes::within(window, call.config.expansion(), call.config.query_results_max);
    for folder in folders(call, place).await? {
        let zone = match call.session.open(FolderAt { area: place.area, path: folder.path().clone() }, List).await {
            Ok(list) => caldav::of_collection(&list.facts()),
            // Who may not know of the calendar does not know its zone.
            Err(_) => jiff::tz::TimeZone::UTC,
        };
        let mut fits = true;
        let read = |octets: &[u8]| {
            // What cannot be understood was not put as it is: nothing is known of when it is.
            fits = Tree::read(octets).map_or(true, |tree| times.take(&tree, &zone).is_ok());
            fits
        };
        folder.busy((range.start.as_second(), range.end.as_second()), read).await.map_err(Fault::about(&about))?;
        if !fits {
            return Err(Fault::Rule(StatusCode::INSUFFICIENT_STORAGE, "D:number-of-matches-within-limits"));
        }
    }
    // RFC 7953 section 7.2.3: with what the calendars say of when their owner can be asked.
    let octets = write_free_busy(&window, &times.done(), &[], Timestamp::now(), None);
    let mut response = empty(StatusCode::OK);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/calendar; charset=utf-8"));
    *response.body_mut() = Body::from(octets);
    Ok(response)
}

/// The calendars that count: the one of the URL, or those in the home, of which some may not.
async fn folders(call: &Call, place: &Place) -> Result<Vec<Granted<Folder, SeeBusy>>, Fault> {
    let about = call.href();
    if !place.path.names().is_empty() {
        return Ok(vec![call.session.open(folder_at(place), SeeBusy).await.map_err(Fault::about(&about))?]);
    }
    let home = call.session.open(folder_at(place), List).await.map_err(Fault::about(&about))?;
    let mut folders = Vec::new();
    if call.depth()?.is_some_and(|depth| depth == Depth::Zero) {
        return Ok(folders);
    }
    for member in home.members().await.map_err(Fault::about(&about))? {
        let MemberIs::Folder(facts) = &member.is else { continue };
        let Ok(path) = place.path.child(member.name.clone()) else { continue };
        if facts.real && facts.rights.contains(Rights::FREE_BUSY) && facts.owner == *call.session.address() {
            folders.extend(call.session.open(FolderAt { area: place.area, path }, SeeBusy).await.ok());
        }
    }
    Ok(folders)
}
