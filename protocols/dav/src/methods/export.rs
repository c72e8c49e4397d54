//! `GET` with `?export`: all of a calendar as one iCalendar stream, all of an address book as one run of cards.
//!
//! Called by `get`. What always holds: the profile's action *export* was decided and audited before the first octet; one object is in memory
//! at a time; components and cards are the octets that were put; a right that is withdrawn meanwhile breaks the answer off visibly.

use crate::caldav::{HEAD, Merged, TAIL};
use crate::call::Call;
use crate::object::read_all;
use crate::path::{Place, encode};
use crate::refusal::{Answer, Fault};
use axum::response::Response;
use bytes::Bytes;
use http::HeaderValue;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use octroi_gate::{Area, FileAt, Folder, Granted, List, Member, MemberIs, Read, Refusal, Session};
use octroi_http::{Gone, Sink, produce};
use octroi_model::{CollectionKind, Path};

/// Does the request ask for an export, and is this something that has one?
pub(super) fn is_asked(call: &Call, folder: &Granted<Folder, List>) -> bool {
    let exported = matches!(folder.facts().kind, CollectionKind::Calendar | CollectionKind::Addressbook);
    exported && call.uri.query().is_some_and(|query| query.split('&').any(|part| part == "export" || part.starts_with("export=")))
}

/// The answer.
pub(super) async fn export(call: &Call, place: &Place, folder: &Granted<Folder, List>) -> Answer {
    let about = call.href();
    folder.export().await.map_err(Fault::about(&about))?;
    let members = folder.members().await.map_err(Fault::about(&about))?;
    let (media_type, extension) =
        if place.area == Area::Calendars { ("text/calendar; charset=utf-8", "ics") } else { ("text/vcard; charset=utf-8", "vcf") };
    let export = Export { session: call.session.clone(), area: place.area, folder: place.path.clone(), merged: Merged::default() };
    let mut response = Response::new(produce(None, |sink| export.send(members, sink)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    // RFC 6266 section 4.3: the extended form carries any name.
    let name = place.path.names().last().map_or("export", |name| name.as_str());
    let disposition = format!("attachment; filename=\"export.{extension}\"; filename*=UTF-8''{}.{extension}", encode(name));
    headers.insert(CONTENT_DISPOSITION, HeaderValue::from_str(&disposition).unwrap_or_else(|_| HeaderValue::from_static("attachment")));
    Ok(response)
}

struct Export {
    session: Session,
    area: Area,
    folder: Path,
    merged: Merged,
}

impl Export {
    async fn send(mut self, members: Vec<Member>, sink: Sink) {
        if self.all(members, &sink).await.is_err_and(|stopped| stopped) {
            sink.fail().await;
        }
    }

    /// `Err(true)`: something could not be read; `Err(false)`: the client has gone.
    async fn all(&mut self, members: Vec<Member>, sink: &Sink) -> Result<(), bool> {
        let calendar = self.area == Area::Calendars;
        let gone = |_: Gone| false;
        if calendar {
            sink.send(Bytes::from_static(HEAD)).await.map_err(gone)?;
        }
        for member in members.into_iter().filter(|member| matches!(member.is, MemberIs::Item(_))) {
            let at = FileAt { area: self.area, folder: self.folder.clone(), name: member.name };
            let octets = match self.session.open(at, Read).await {
                Ok(file) => read_all(&file).await.map_err(|_| true)?,
                // Gone since it was listed. All of the calendar would look so if the right to know of it were withdrawn: asked at the end.
                Err(Refusal::Missing) => continue,
                Err(_) => return Err(true),
            };
            let piece = if calendar { self.merged.components(&octets) } else { ended(&octets) };
            sink.send(Bytes::from(piece)).await.map_err(gone)?;
        }
        let at = octroi_gate::FolderAt { area: self.area, path: self.folder.clone() };
        self.session.open(at, List).await.map_err(|_| true)?;
        if calendar {
            sink.send(Bytes::from_static(TAIL)).await.map_err(gone)?;
        }
        Ok(())
    }
}

/// A card whose last line has its end, and which does not begin with a byte order mark: another stands before it.
fn ended(card: &[u8]) -> Vec<u8> {
    let mut card = card.strip_prefix(b"\xef\xbb\xbf").unwrap_or(card).to_vec();
    if !card.ends_with(b"\n") {
        card.extend_from_slice(b"\r\n");
    }
    card
}
