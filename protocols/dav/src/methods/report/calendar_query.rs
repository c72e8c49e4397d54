//! `calendar-query` (RFC 4791 section 7.8): the objects of a calendar that a filter lets through, sent while they are found.
//!
//! Which may be is known without reading any; those of which time and kind decide are read only if their data are asked for.

use crate::caldav::{self, Filter, Floating, describe_all, fits};
use crate::call::Call;
use crate::methods::propfind::{Listing, Parent};
use crate::methods::report::data::Data;
use crate::methods::report::scope::Scope;
use crate::multistatus::{Stopped, Stream, Wanted, status_only, streamed, too_many};
use crate::names::CALDAV;
use crate::path::{Place, file_href};
use crate::refusal::{Answer, Fault};
use crate::xml::Element;
use http::StatusCode;
use jiff::tz::TimeZone;
use octroi_gate::{Area, Brief, Candidate, ObjectTraits, SoughtObjects, Whole, fitting};
use octroi_ical::{ExpansionLimits, Tree};
use octroi_model::{Item, Uid};
use std::collections::HashMap;

/// `calendar-query`.
pub(crate) async fn calendar_query(call: Call, place: &Place, request: &Element) -> Answer {
    if place.area != Area::Calendars {
        return Err(Fault::Rule(StatusCode::FORBIDDEN, "D:supported-report"));
    }
    let bad = || Fault::Status(StatusCode::BAD_REQUEST, "A query has a filter.");
    let filter = Filter::read(request.child(CALDAV, "filter").ok_or_else(bad)?)?;
    let wanted = Wanted::of_report(request, &call.headers)?;
    let data = Data::read(request, Area::Calendars)?;
    let zone = caldav::of_request(request)?;
    let scope = Scope::of(&call, place).await?;
    let query = Query {
        sought: sought(&filter),
        listing: Listing::of(&call, place, wanted),
        filter,
        data,
        zone,
        limits: call.config.expansion(),
        left: call.config.query_results_max,
        href: call.href(),
    };
    Ok(streamed(move |stream| query.send(stream, scope)))
}

/// What the almanac is asked for.
fn sought(filter: &Filter) -> SoughtObjects {
    let window = filter.range().map(|range| (range.start.as_second(), range.end.as_second()));
    let traits = if filter.rings() { ObjectTraits::ALARMS } else { ObjectTraits::NONE };
    SoughtObjects { kind: filter.kind().and_then(caldav::kind), window, traits }
}

struct Query {
    listing: Listing,
    filter: Filter,
    sought: SoughtObjects,
    data: Option<Data>,
    /// What the request says of floating times.
    zone: Option<TimeZone>,
    limits: ExpansionLimits,
    /// Objects that may still be told.
    left: usize,
    href: String,
}

impl Query {
    async fn send(mut self, mut stream: Stream, scope: Scope) -> Result<Stream, Stopped> {
        let failed = |_| Stopped::Failed;
        if self.filter.kind().is_some() && self.sought.kind.is_none() {
            // Of such components no object is made.
            return Ok(stream);
        }
        for (path, folder) in scope.folders {
            describe_all(&folder, Area::Calendars, &self.limits).await.map_err(failed)?;
            let mut candidates = folder.candidates(&self.sought).await.map_err(failed)?;
            candidates.retain(|one| scope.only.as_ref().is_none_or(|name| one.item.name.as_ref() == Some(name)));
            self.listing.path = path;
            let parent = self.listing.parent(folder).await;
            let zone = self.zone.clone().unwrap_or_else(|| caldav::of_collection(&parent.facts));
            let floating = Floating { zone, limits: self.limits };
            if !self.folder(&mut stream, candidates, &parent, &floating).await? {
                too_many(&self.href, &mut stream.xml);
                break;
            }
        }
        Ok(stream)
    }

    /// One calendar; `false` if there is more than may be told.
    async fn folder(
        &mut self,
        stream: &mut Stream,
        candidates: Vec<Candidate>,
        parent: &Parent,
        floating: &Floating,
    ) -> Result<bool, Stopped> {
        let judged = candidates.into_iter().map(|one| (self.judge(one.known.as_ref()), one.item));
        let mut left: Vec<(Option<bool>, Item)> = judged.filter(|(verdict, _)| *verdict != Some(false)).collect();
        left.reverse();
        let is_read = |verdict: Option<bool>| self.data.is_some() || verdict.is_none();
        while !left.is_empty() {
            let sizes = left.iter().rev().map(|(verdict, item)| if is_read(*verdict) { item.bytes() } else { 0 });
            let group = left.split_off(left.len() - fitting(sizes));
            let uids: Vec<Uid> = group.iter().rev().filter(|(verdict, _)| is_read(*verdict)).map(|(_, item)| item.uid).collect();
            let mut read: HashMap<Uid, Whole> = HashMap::new();
            if !uids.is_empty() {
                let whole = parent.folder.read_items(&uids, caldav::strip).await.map_err(|_| Stopped::Failed)?;
                read.extend(whole.into_iter().map(|whole| (whole.0.uid, whole)));
            }
            for (verdict, item) in group.into_iter().rev() {
                let (item, octets) = match read.remove(&item.uid) {
                    Some((item, octets)) => (item, Some(octets)),
                    // Gone just now.
                    None if is_read(verdict) => continue,
                    None => (item, None),
                };
                let Some(name) = item.name.clone() else { continue };
                let href = file_href(Area::Calendars, &self.listing.viewer.address, &self.listing.path, &name);
                let Ok(octets) = octets.transpose() else {
                    // One that is damaged must not keep the client from the others.
                    status_only(&href, "HTTP/1.1 500 Internal Server Error", &mut stream.xml);
                    continue;
                };
                if verdict != Some(true) && !self.holds(octets.as_deref().unwrap_or_default(), floating) {
                    continue;
                }
                if self.left == 0 {
                    return Ok(false);
                }
                self.left -= 1;
                self.tell(&href, &item, octets.as_deref(), parent, floating, stream).await?;
            }
        }
        Ok(true)
    }

    /// Is it what is asked for, as far as is known without reading it?
    fn judge(&self, known: Option<&Brief>) -> Option<bool> {
        let known = known?;
        if !self.filter.is_plain() {
            return None;
        }
        match self.sought.window {
            None => Some(true),
            Some((start, end)) if known.traits.contains(ObjectTraits::EXACT) => {
                // RFC 4791 section 9.9: what takes no time is where it begins.
                let is_moment = known.first == known.last && start <= known.first && known.first < end;
                Some(is_moment || (known.first < end && known.last > start))
            }
            Some(_) => None,
        }
    }

    fn holds(&self, octets: &[u8], floating: &Floating) -> bool {
        Tree::read(octets).is_ok_and(|tree| fits(&self.filter, &tree, floating))
    }

    async fn tell(
        &self,
        href: &str,
        item: &Item,
        octets: Option<&[u8]>,
        parent: &Parent,
        floating: &Floating,
        stream: &mut Stream,
    ) -> Result<(), Stopped> {
        match self.data.as_ref().zip(octets).map(|(data, octets)| (data, data.of(octets, floating))) {
            None => self.listing.item(href, item, parent, None, &mut stream.xml),
            Some((data, Ok(told))) => self.listing.item(href, item, parent, Some((data.name(), &told)), &mut stream.xml),
            // So many instances that they would be no answer.
            Some((_, Err(_))) => too_many(href, &mut stream.xml),
        }
        stream.breathe().await
    }
}
