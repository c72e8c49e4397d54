//! REPORT (RFC 3253 section 3.6): one file for each report, named as on the wire.

mod multiget;
mod sync_collection;

use crate::call::Call;
use crate::names::{CALDAV, CARDDAV, DAV};
use crate::refusal::{Answer, Fault};
use crate::xml::parse;
use http::StatusCode;

/// REPORT.
pub(crate) async fn report(mut call: Call) -> Answer {
    let place = call.place()?;
    let body = call.xml_body().await?;
    let request = parse(&body)?;
    match (request.name.namespace.as_str(), request.name.local.as_str()) {
        (DAV, "sync-collection") => sync_collection::sync_collection(call, &place, &request).await,
        (CALDAV, "calendar-multiget") => multiget::multiget(call, &place, &request, &multiget::CALENDAR).await,
        (CARDDAV, "addressbook-multiget") => multiget::multiget(call, &place, &request, &multiget::ADDRESSBOOK).await,
        // RFC 3253 section 3.6
        _ => Err(Fault::Rule(StatusCode::FORBIDDEN, "D:supported-report")),
    }
}
