//! `calendar-multiget` and `addressbook-multiget` (RFC 4791 section 7.9, RFC 6352 section 8.7): named objects with their data.
//!
//! Each object is read as it is sent, one at a time. The data are the octets that were put; what XML cannot carry is replaced, as no format could
//! carry it here.

use crate::call::{Call, Found, find, is_own};
use crate::methods::propfind::viewer;
use crate::multistatus::{Stopped, Stream, Wanted, describe, status_only, streamed};
use crate::names::{CALDAV, CARDDAV, DAV};
use crate::object::read_all;
use crate::path::{Place, Target};
use crate::property::{Subject, Viewer};
use crate::refusal::{Answer, Fault};
use crate::xml::{Element, ElementName, Xml};
use octroi_gate::{Area, File, Granted, Read, Refusal, Session};
use octroi_model::Path;

/// What the two reports differ in.
pub(crate) struct Kind {
    area: Area,
    namespace: &'static str,
    data: &'static str,
    tag: &'static str,
}

/// Calendar objects.
pub(crate) const CALENDAR: Kind = Kind { area: Area::Calendars, namespace: CALDAV, data: "calendar-data", tag: "C:calendar-data" };
/// Cards.
pub(crate) const ADDRESSBOOK: Kind = Kind { area: Area::Contacts, namespace: CARDDAV, data: "address-data", tag: "CARD:address-data" };

/// Both reports.
pub(crate) async fn multiget(call: Call, place: &Place, request: &Element, kind: &'static Kind) -> Answer {
    if place.area != kind.area {
        return Err(Fault::Rule(http::StatusCode::FORBIDDEN, "D:supported-report"));
    }
    // It must be there and readable, even if each object is asked for by itself.
    find(&call.session, place).await.map_err(Fault::about(&call.href()))?;
    let wanted = Wanted::of_prop(request, &call.headers)?;
    let hrefs = request.children.iter().filter(|child| child.is(DAV, "href")).map(|href| href.trimmed().to_owned()).collect();
    let reading = Reading { session: call.session.clone(), viewer: viewer(&call), wanted, top: place.path.clone(), kind };
    Ok(streamed(move |stream| reading.send(stream, hrefs)))
}

struct Reading {
    session: Session,
    viewer: Viewer,
    wanted: Wanted,
    /// The collection of the request.
    top: Path,
    kind: &'static Kind,
}

impl Reading {
    async fn send(self, mut stream: Stream, hrefs: Vec<String>) -> Result<Stream, Stopped> {
        for href in hrefs {
            self.one(&href, &mut stream.xml).await?;
            stream.breathe().await?;
        }
        Ok(stream)
    }

    async fn one(&self, href: &str, xml: &mut Xml) -> Result<(), Stopped> {
        match self.open(href).await {
            Ok(file) => self.object(href, &file, xml).await,
            Err(Refusal::Unavailable | Refusal::Ended) => Err(Stopped::Failed),
            Err(Refusal::Forbidden(_)) => {
                status_only(href, "HTTP/1.1 403 Forbidden", xml);
                Ok(())
            }
            Err(_) => {
                status_only(href, "HTTP/1.1 404 Not Found", xml);
                Ok(())
            }
        }
    }

    /// The object of an href, if it is in the collection that was asked.
    async fn open(&self, href: &str) -> Result<Granted<File, Read>, Refusal> {
        let Ok((Target::Place(place), _)) = Target::parse_reference(href) else { return Err(Refusal::Missing) };
        let inside = place.area == self.kind.area && place.path.names().starts_with(self.top.names());
        if !inside || !is_own(&self.session, &place.address) {
            return Err(Refusal::Missing);
        }
        match find(&self.session, &place).await? {
            Found::File(file) => Ok(file),
            Found::Folder(_) => Err(Refusal::Missing),
        }
    }

    async fn object(&self, href: &str, file: &Granted<File, Read>, xml: &mut Xml) -> Result<(), Stopped> {
        let Ok(locks) = file.locks() else { return Err(Stopped::Failed) };
        let subject = Subject::File {
            item: file.item(),
            area: self.kind.area,
            rights: file.rights(),
            owner: None,
            marks: &[],
            acl: None,
            folder: "",
            locks: &locks,
        };
        if !self.wanted.asks(self.kind.namespace, self.kind.data) {
            describe(href, &subject, &self.wanted, &self.viewer, None, xml);
            return Ok(());
        }
        let octets = match read_all(file).await {
            Ok(octets) => octets,
            // One that is damaged must not keep the client from the others.
            Err(Refusal::Damaged) => {
                status_only(href, "HTTP/1.1 500 Internal Server Error", xml);
                return Ok(());
            }
            Err(_) => return Err(Stopped::Failed),
        };
        let mut data = Xml::piece();
        data.text(self.kind.tag, &String::from_utf8_lossy(&octets));
        let name = ElementName { namespace: self.kind.namespace.to_owned(), local: self.kind.data.to_owned() };
        describe(href, &subject, &self.wanted, &self.viewer, Some((&name, &data)), xml);
        Ok(())
    }
}
