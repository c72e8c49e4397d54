//! `calendar-multiget` and `addressbook-multiget` (RFC 4791 section 7.9, RFC 6352 section 8.7): named objects with their data.
//!
//! Objects are read as they are sent, so many together as have a mebibyte. The data are the octets that were put, or the part of them that was asked for; what XML
//! cannot carry is replaced, as no format could carry it here.

use crate::caldav::{self, Floating};
use crate::call::{Call, Found, find, is_own};
use crate::methods::propfind::{Listing, Parent};
use crate::methods::report::data::Data;
use crate::multistatus::{Stopped, Stream, Wanted, status_only, streamed, too_many};
use crate::names::DAV;
use crate::path::{Place, Target};
use crate::refusal::{Answer, Fault};
use crate::xml::{Element, Xml};
use jiff::tz::TimeZone;
use octroi_gate::{Area, FolderAt, List, Refusal, Whole, fitting};
use octroi_ical::ExpansionLimits;
use octroi_model::{Item, Name, Path, Uid};
use std::collections::HashMap;

/// Hrefs that are looked up together.
const GROUP_MAX: usize = 100;

/// Both reports.
pub(crate) async fn multiget(call: Call, place: &Place, request: &Element, area: Area) -> Answer {
    if place.area != area {
        return Err(Fault::Rule(http::StatusCode::FORBIDDEN, "D:supported-report"));
    }
    // It must be there and readable, even if each object is asked for by itself.
    if let Found::Folder(folder) = find(&call.session, place).await.map_err(Fault::about(&call.href()))? {
        caldav::describe_shared(&folder, &call).await.map_err(Fault::about(&call.href()))?;
    }
    let wanted = Wanted::of_report(request, &call.headers)?;
    let data = Data::read(request, area)?;
    let hrefs = request.children.iter().filter(|child| child.is(DAV, "href")).map(|href| href.trimmed().to_owned()).collect();
    let (zone, limits, top) = (caldav::of_request(request)?, call.config.expansion(), place.path.clone());
    let reading = Reading { listing: Listing::of(&call, place, wanted), data, zone, limits, top, opened: HashMap::new() };
    Ok(streamed(move |stream| reading.send(stream, hrefs)))
}

struct Reading {
    listing: Listing,
    data: Option<Data>,
    /// What the request says of floating times.
    zone: Option<TimeZone>,
    limits: ExpansionLimits,
    /// The collection of the request.
    top: Path,
    /// The collections that hrefs led into.
    opened: HashMap<Path, Result<Parent, Refusal>>,
}

impl Reading {
    async fn send(mut self, mut stream: Stream, hrefs: Vec<String>) -> Result<Stream, Stopped> {
        for group in hrefs.chunks(GROUP_MAX) {
            let mut at = 0;
            // Those of one collection, one after another.
            while at < group.len() {
                let folder = self.folder_of(&group[at]).map(|(path, _)| path);
                let together = group[at..].iter().take_while(|href| self.folder_of(href).map(|(path, _)| path) == folder).count();
                let hrefs = &group[at..at + together];
                match folder {
                    Some(path) => self.folder(path, hrefs, &mut stream).await?,
                    None => hrefs.iter().for_each(|href| status_only(href, "HTTP/1.1 404 Not Found", &mut stream.xml)),
                }
                at += together;
                stream.breathe().await?;
            }
        }
        Ok(stream)
    }

    /// Where an href leads, if that is in what was asked.
    fn folder_of(&self, href: &str) -> Option<(Path, Name)> {
        let Ok((Target::Place(place), _)) = Target::parse_reference(href) else { return None };
        let inside = place.area == self.listing.area && place.path.names().starts_with(self.top.names());
        if !inside || !is_own(&self.listing.session, &place.address) || !crate::call::may_be_file(&place) {
            return None;
        }
        let (path, name) = place.path.split_last()?;
        Some((path, name.clone()))
    }

    /// Objects of one collection.
    async fn folder(&mut self, path: Path, hrefs: &[String], stream: &mut Stream) -> Result<(), Stopped> {
        if !self.opened.contains_key(&path) {
            self.listing.path = path.clone();
            let opened = match self.listing.session.open(FolderAt { area: self.listing.area, path: path.clone() }, List).await {
                Ok(folder) => Ok(self.listing.parent(folder).await),
                Err(refusal) => Err(refusal),
            };
            self.opened.insert(path.clone(), opened);
        }
        let parent = match &self.opened[&path] {
            Ok(parent) => parent,
            Err(Refusal::Unavailable | Refusal::Ended) => return Err(Stopped::Failed),
            Err(refusal) => {
                let status = if matches!(refusal, Refusal::Forbidden(_)) { "HTTP/1.1 403 Forbidden" } else { "HTTP/1.1 404 Not Found" };
                for href in hrefs {
                    status_only(href, status, &mut stream.xml);
                }
                return Ok(());
            }
        };
        let zone = self.zone.clone().unwrap_or_else(|| caldav::of_collection(&parent.facts));
        let floating = Floating { zone, limits: self.limits };
        let names: Vec<Name> = hrefs.iter().filter_map(|href| Some(self.folder_of(href)?.1)).collect();
        let found = parent.folder.find_items(&names).await.map_err(|_| Stopped::Failed)?;
        let mut pairs = hrefs.iter().zip(&found).collect::<Vec<_>>().into_iter();
        while !pairs.as_slice().is_empty() {
            let together = fitting(pairs.as_slice().iter().map(|(_, item)| item.as_ref().map_or(0, Item::bytes)));
            let group: Vec<_> = pairs.by_ref().take(together).collect();
            let mut read: HashMap<Uid, Whole> = HashMap::new();
            if self.data.is_some() {
                let uids: Vec<Uid> = group.iter().filter_map(|(_, item)| Some(item.as_ref()?.uid)).collect();
                let whole = parent.folder.read_items(&uids, caldav::strip).await.map_err(|_| Stopped::Failed)?;
                read.extend(whole.into_iter().map(|whole| (whole.0.uid, whole)));
            }
            for (href, item) in group {
                self.one(href, item.as_ref(), &read, (parent, &floating), &mut stream.xml);
                stream.breathe().await?;
            }
        }
        Ok(())
    }

    fn one(&self, href: &str, item: Option<&Item>, read: &HashMap<Uid, Whole>, (parent, floating): (&Parent, &Floating), xml: &mut Xml) {
        let Some(item) = item else { return status_only(href, "HTTP/1.1 404 Not Found", xml) };
        let Some(data) = &self.data else { return self.listing.item(href, item, parent, None, xml) };
        match read.get(&item.uid) {
            Some((item, Ok(octets))) => match data.of(octets, floating) {
                Ok(told) => self.listing.item(href, item, parent, Some((data.name(), &told)), xml),
                // So many instances that they would be no answer.
                Err(_) => too_many(href, xml),
            },
            // One that is damaged must not keep the client from the others.
            Some((_, Err(_))) => status_only(href, "HTTP/1.1 500 Internal Server Error", xml),
            // Gone just now.
            None => status_only(href, "HTTP/1.1 404 Not Found", xml),
        }
    }
}
