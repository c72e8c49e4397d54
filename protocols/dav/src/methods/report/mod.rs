//! REPORT (RFC 3253 section 3.6): one file for each report, named as on the wire.

mod addressbook_query;
mod batches;
mod calendar_query;
mod data;
mod expand_property;
mod free_busy_query;
mod multiget;
mod principals;
mod scope;
mod sync_collection;
mod version_tree;

use crate::call::{Call, find};
use crate::names::{CALDAV, CALENDARSERVER, CARDDAV, DAV};
use crate::path::Target;
use crate::refusal::{Answer, Fault};
use crate::xml::parse;
use http::StatusCode;
use octroi_gate::Area;

/// REPORT.
pub(crate) async fn report(mut call: Call) -> Answer {
    let body = call.xml_body().await?;
    let request = parse(&body)?;
    let name = (request.name.namespace.as_str(), request.name.local.as_str());
    if name == (CALENDARSERVER, "calendarserver-principal-search") {
        return principals::attendee_search(&call, &request);
    }
    if let (DAV, "principal-property-search" | "principal-search-property-set" | "principal-match") = name {
        if let Target::Place(place) = &call.target {
            // They are asked of any resource, but of nothing there is no answer.
            find(&call.session, place).await.map_err(Fault::about(&call.href()))?;
        }
        return match name.1 {
            "principal-property-search" => principals::property_search(&call, &request),
            "principal-match" => principals::principal_match(&call, &request).await,
            _ => Ok(principals::searchable()),
        };
    }
    if name == (DAV, "expand-property") {
        return expand_property::expand_property(&call, &request).await;
    }
    let place = call.place()?;
    match name {
        (DAV, "acl-principal-prop-set") => principals::acl_principals(&call, &place, &request).await,
        (DAV, "version-tree") => version_tree::version_tree(&call, &place, &request).await,
        (DAV, "sync-collection") => sync_collection::sync_collection(call, &place, &request).await,
        (CALDAV, "calendar-query") => calendar_query::calendar_query(call, &place, &request).await,
        (CALDAV, "free-busy-query") => free_busy_query::free_busy_query(&call, &place, &request).await,
        (CALDAV, "calendar-multiget") => multiget::multiget(call, &place, &request, Area::Calendars).await,
        (CARDDAV, "addressbook-query") => addressbook_query::addressbook_query(call, &place, &request).await,
        (CARDDAV, "addressbook-multiget") => multiget::multiget(call, &place, &request, Area::Contacts).await,
        // RFC 3253 section 3.6
        _ => Err(Fault::Rule(StatusCode::FORBIDDEN, "D:supported-report")),
    }
}

/// What reads bodies here, for the fuzz target.
#[cfg(feature = "fuzzing")]
pub(crate) fn fuzzed(request: &crate::xml::Element) {
    expand_property::fuzzed(request);
}
