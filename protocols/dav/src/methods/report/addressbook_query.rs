//! `addressbook-query` (RFC 6352 section 8.6): the cards of an address book that a filter lets through, sent while they are found.

use crate::caldav::{Floating, strip};
use crate::call::Call;
use crate::carddav::Filter;
use crate::methods::propfind::{Listing, Parent};
use crate::methods::report::batches::{Candidate, batches};
use crate::methods::report::data::Data;
use crate::methods::report::scope::Scope;
use crate::multistatus::{Stopped, Stream, Wanted, status_only, streamed, too_many};
use crate::names::CARDDAV;
use crate::path::{Place, file_href};
use crate::refusal::{Answer, Fault};
use crate::xml::Element;
use http::StatusCode;
use jiff::tz::TimeZone;
use octroi_gate::{Area, Member};
use octroi_ical::Tree;

/// `addressbook-query`.
pub(crate) async fn addressbook_query(call: Call, place: &Place, request: &Element) -> Answer {
    if place.area != Area::Contacts {
        return Err(Fault::Rule(StatusCode::FORBIDDEN, "D:supported-report"));
    }
    let bad = || Fault::Status(StatusCode::BAD_REQUEST, "A query has a filter.");
    let filter = Filter::read(request.child(CARDDAV, "filter").ok_or_else(bad)?)?;
    let wanted = Wanted::of_report(request, &call.headers)?;
    let data = Data::read(request, Area::Contacts)?;
    let limit = limit(request)?.unwrap_or(usize::MAX).min(call.config.query_results_max);
    let floating = Floating { zone: TimeZone::UTC, limits: call.config.expansion() };
    let scope = Scope::of(&call, place).await?;
    let query = Query { listing: Listing::of(&call, place, wanted), filter, data, floating, limit, href: call.href() };
    Ok(streamed(move |stream| query.send(stream, scope)))
}

/// RFC 6352 section 10.6.
fn limit(request: &Element) -> Result<Option<usize>, Fault> {
    let Some(limit) = request.child(CARDDAV, "limit") else { return Ok(None) };
    let count = limit.child(CARDDAV, "nresults").and_then(|count| count.trimmed().parse().ok());
    count.map(Some).ok_or(Fault::Status(StatusCode::BAD_REQUEST, "The limit cannot be read."))
}

struct Query {
    listing: Listing,
    filter: Filter,
    data: Option<Data>,
    floating: Floating,
    limit: usize,
    href: String,
}

impl Query {
    async fn send(mut self, mut stream: Stream, scope: Scope) -> Result<Stream, Stopped> {
        let mut left = self.limit;
        for (path, folder) in scope.folders {
            let members: Vec<Member> = match &scope.only {
                Some(name) => folder.members().await.map_err(|_| Stopped::Failed)?.into_iter().filter(|m| m.name == *name).collect(),
                None => folder.members().await.map_err(|_| Stopped::Failed)?,
            };
            let candidates = members.into_iter().filter_map(|member| Candidate::of(&member)).collect();
            self.listing.path = path;
            let parent = self.listing.parent(folder).await;
            if !self.folder(&mut stream, candidates, &parent, &mut left).await? {
                too_many(&self.href, &mut stream.xml);
                break;
            }
        }
        Ok(stream)
    }

    /// One address book; `false` if there is more than may be told.
    async fn folder(&self, stream: &mut Stream, candidates: Vec<Candidate>, parent: &Parent, left: &mut usize) -> Result<bool, Stopped> {
        for batch in batches(&candidates) {
            for (item, octets) in parent.folder.read_items(&batch, strip).await.map_err(|_| Stopped::Failed)? {
                let Some(name) = item.name.clone() else { continue };
                let href = file_href(Area::Contacts, &self.listing.viewer.address, &self.listing.path, &name);
                let Ok(octets) = octets else {
                    // One that is damaged must not keep the client from the others.
                    status_only(&href, "HTTP/1.1 500 Internal Server Error", &mut stream.xml);
                    continue;
                };
                if !Tree::read(&octets).is_ok_and(|tree| self.filter.fits(&tree)) {
                    continue;
                }
                if *left == 0 {
                    return Ok(false);
                }
                *left -= 1;
                // Cards have no times.
                let told = self.data.as_ref().map(|data| (data.name(), data.of(&octets, &self.floating)));
                match &told {
                    Some((name, Ok(data))) => self.listing.item(&href, &item, parent, Some((name, data)), &mut stream.xml),
                    _ => self.listing.item(&href, &item, parent, None, &mut stream.xml),
                }
                stream.breathe().await?;
            }
        }
        Ok(true)
    }
}
