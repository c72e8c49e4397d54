//! POST to the outbox: when are these people free? (RFC 6638 section 5)
//!
//! Called by `post`. The gate says of whose calendars one may know that; what their objects say of busy times is read here and nothing else of
//! them leaves.

use crate::call::{Call, folder_at};
use crate::path::Place;
use crate::refusal::{Answer, Fault, xml_response};
use crate::xml::Xml;
use http::StatusCode;
use jiff::Timestamp;
use octroi_gate::{List, Refusal};
use octroi_ical::itip::{Addresses, Question};
use octroi_ical::{Busy, Window, busy_of};
use octroi_model::{Address, CollectionKind};

/// Seconds that a question may be about.
const SPAN_MAX: i64 = 400 * 86_400;
/// Octets of a question.
const QUESTION_BYTES_MAX: u64 = 64 * 1024;

/// Is it the outbox?
pub(crate) async fn is_one(call: &Call, place: &Place) -> bool {
    call.session.open(folder_at(place), List).await.is_ok_and(|folder| folder.facts().kind == CollectionKind::Outbox)
}

/// Answer a question.
pub(crate) async fn ask(mut call: Call) -> Answer {
    let octets = call.small_body(QUESTION_BYTES_MAX, Fault::Rule(StatusCode::FORBIDDEN, "C:max-resource-size")).await?;
    let question = Question::read(&octets).ok_or(Fault::Rule(StatusCode::FORBIDDEN, "C:valid-scheduling-message"))?;
    let (start, end) = (question.window.start.as_second(), question.window.end.as_second());
    if end - start > SPAN_MAX {
        return Err(Fault::Rule(StatusCode::FORBIDDEN, "C:valid-scheduling-message"));
    }
    let places = call.session.scheduling_places().await.map_err(Fault::about(&call.href()))?.ok_or_else(Fault::missing)?;
    // RFC 6638 section 5.1: one asks for oneself.
    if !question.is_from(&Addresses::of(places.addresses.iter().map(String::as_str))) {
        return Err(Fault::Rule(StatusCode::FORBIDDEN, "C:valid-organizer"));
    }
    let mut xml = Xml::document("C:schedule-response");
    for (at, (written, key)) in question.people.iter().enumerate() {
        let found = busy_times(&call, key, (start, end), question.window).await?;
        xml.open("C:response").open("C:recipient").text("D:href", written).close("C:recipient");
        xml.text("C:request-status", status(&found));
        if let Ok(times) = &found {
            let answer = question.answer(at, times, Timestamp::now());
            xml.text("C:calendar-data", &String::from_utf8_lossy(&answer));
        }
        xml.close("C:response");
    }
    xml.close("C:schedule-response");
    Ok(xml_response(StatusCode::OK, xml))
}

/// RFC 5546 section 3.6.
fn status(found: &Result<Vec<Busy>, Refusal>) -> &'static str {
    match found {
        Ok(_) => "2.0;Success",
        Err(Refusal::Forbidden(_)) => "3.8;No authority",
        Err(Refusal::Limit(_)) => "5.1;Too much to look at",
        Err(_) => "3.7;Invalid calendar user",
    }
}

async fn busy_times(call: &Call, key: &str, seconds: (i64, i64), window: Window) -> Result<Result<Vec<Busy>, Refusal>, Fault> {
    let Ok(address) = key.parse::<Address>() else { return Ok(Err(Refusal::UnknownRecipient)) };
    let objects = match call.session.busy_objects(&address, seconds).await {
        Ok(objects) => objects,
        Err(refusal @ (Refusal::Ended | Refusal::Unavailable)) => return Err(Fault::Gate(refusal, call.href())),
        Err(refusal) => return Ok(Err(refusal)),
    };
    Ok(busy_of(&objects, &window, &call.config.expansion()).map_err(|_| Refusal::Limit("instances")))
}
