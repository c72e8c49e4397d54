//! PUT: a document's octets to disk as they come; a calendar object or card checked first (RFC 4918 section 9.7, RFC 4791 section 5.3.2).
//!
//! All that can be refused without the body is refused before it is read: a client that waits for `100 Continue` never sends it.

use crate::call::{Call, folder_at, may_be_file, parent_of};
use crate::object;
use crate::path::Place;
use crate::precondition::{Current, insists_on_new, insists_on_unchanged};
use crate::refusal::{Answer, Fault, empty};
use crate::rights::{Kind, allow};
use http::header::{CONTENT_RANGE, CONTENT_TYPE, ETAG};
use http::{HeaderValue, StatusCode};
use octroi_gate::{Area, Bind, Content, File, FileAt, FolderAt, Granted, List, Refusal, Rewrite, Upload, When};
use octroi_model::{Etag, Name, Rights};

/// PUT.
pub(crate) async fn put(mut call: Call) -> Answer {
    let place = call.place()?;
    if !may_be_file(&place) {
        // A collection, a home, or too deep for an object.
        return Err(misplaced(&call, &place).await);
    }
    if call.headers.contains_key(CONTENT_RANGE) {
        // RFC 9110 section 14.5: taken for a whole, a part would destroy the rest.
        return Err(Fault::Status(StatusCode::BAD_REQUEST, "A part of a document cannot be put."));
    }
    let (parent, folder, name) = parent_of(&place)?;
    let at = FileAt { area: place.area, folder, name: name.clone() };
    match call.session.open(at, Rewrite).await {
        Ok(existing) => replace(call, &place, parent, existing).await,
        Err(Refusal::Missing) => {
            if place.area == Area::Files && call.session.open(folder_at(&place), List).await.is_ok() {
                return Err(Fault::NotAllowed(allow(Kind::Folder, Rights::READ)));
            }
            call.check_write(Current::nothing()).await?;
            let bind = match call.session.open(parent.clone(), Bind).await {
                Ok(bind) => bind,
                Err(Refusal::Missing) => return Err(Fault::no_parent()),
                Err(refusal) => return Err(Fault::Gate(refusal, call.href())),
            };
            let about = call.href();
            let (content, media_type) = match place.area {
                Area::Files => {
                    check_announced(&call)?;
                    bind.room_for(call.announced_bytes().unwrap_or(0)).map_err(Fault::about(&about))?;
                    let upload = bind.upload().await.map_err(Fault::about(&about))?;
                    receive(&mut call, upload).await?
                }
                _ => receive_object(&mut call, &place, parent).await?,
            };
            let etag = match bind.put(&name, content, media_type.as_deref()).await {
                Ok(etag) => etag,
                // Somebody else made it meanwhile. Who did not insist on making it gets it replaced by asking again.
                Err(Refusal::Precondition) if !insists_on_new(&call.headers) => return Err(Fault::Gate(Refusal::Unavailable, about)),
                Err(refusal) => return Err(Fault::Gate(refusal, about)),
            };
            Ok(stored(StatusCode::CREATED, &etag))
        }
        Err(Refusal::Forbidden(lacking)) if place.area == Area::Files => fill(call, parent, &name, lacking).await,
        Err(refusal) => Err(Fault::Gate(refusal, call.href())),
    }
}

/// Who may add and not write over: the empty document that their own lock has made.
async fn fill(mut call: Call, parent: FolderAt, name: &Name, lacking: Rights) -> Answer {
    let about = call.href();
    let refused = || Fault::Gate(Refusal::Forbidden(lacking), about.clone());
    let bind = call.session.open(parent, Bind).await.map_err(|_| refused())?;
    let (made, _) = bind.made(name).await.map_err(Fault::about(&about))?.ok_or_else(refused)?;
    call.check_write(Current::document(&made.etag(), made.date)).await?;
    check_announced(&call)?;
    bind.room_for(call.announced_bytes().unwrap_or(0)).map_err(Fault::about(&about))?;
    let upload = bind.upload().await.map_err(Fault::about(&about))?;
    let (content, media_type) = receive(&mut call, upload).await?;
    let etag = bind.fill(name, content, media_type.as_deref()).await.map_err(Fault::about(&about))?;
    Ok(stored(StatusCode::NO_CONTENT, &etag))
}

async fn replace(mut call: Call, place: &Place, parent: FolderAt, existing: Granted<File, Rewrite>) -> Answer {
    let etag = existing.item().etag();
    call.check_write(Current::document(&etag, existing.item().date)).await?;
    let about = call.href();
    let (content, media_type) = match place.area {
        Area::Files => {
            check_announced(&call)?;
            let upload = existing.upload().await.map_err(Fault::about(&about))?;
            receive(&mut call, upload).await?
        }
        _ => receive_object(&mut call, place, parent).await?,
    };
    // A client that says nothing of the content must not lose what it said before.
    let media_type = media_type.or_else(|| existing.item().media_type.as_deref().map(str::to_owned));
    let when = if insists_on_unchanged(&call.headers) { When::Unchanged } else { When::Anyhow };
    let etag = existing.replace(content, media_type.as_deref(), when).await.map_err(Fault::about(&about))?;
    Ok(stored(StatusCode::NO_CONTENT, &etag))
}

/// The answer to a PUT on what cannot be a document.
async fn misplaced(call: &Call, place: &Place) -> Fault {
    match crate::call::find(&call.session, place).await {
        Ok(_) => Fault::NotAllowed(allow(if place.path.names().is_empty() { Kind::Home } else { Kind::Folder }, Rights::READ)),
        Err(Refusal::Missing) if place.slash => Fault::Status(StatusCode::CONFLICT, "A document's name does not end with a slash."),
        // RFC 4791 section 4.2: nothing in a home but calendars, nothing in a calendar but objects.
        Err(Refusal::Missing) => Fault::Status(StatusCode::CONFLICT, "Here is no collection that takes it."),
        Err(refusal) => Fault::Gate(refusal, call.href()),
    }
}

/// Refuse a document by its announced size, before it is sent.
fn check_announced(call: &Call) -> Result<(), Fault> {
    // Finder sends in chunks and tells the size here.
    let expected = call.headers.get("x-expected-entity-length").and_then(|value| value.to_str().ok()?.parse().ok());
    if call.announced_bytes().or(expected).is_some_and(|bytes| bytes > call.config.document_bytes_max) {
        return Err(Fault::Status(StatusCode::PAYLOAD_TOO_LARGE, "The document is larger than is taken here."));
    }
    Ok(())
}

/// A document, to disk as it comes.
async fn receive(call: &mut Call, mut upload: Upload) -> Result<(Content, Option<String>), Fault> {
    let about = call.href();
    while let Some(piece) = call.next_piece().await? {
        if upload.bytes() + piece.len() as u64 > call.config.document_bytes_max {
            return Err(Fault::Status(StatusCode::PAYLOAD_TOO_LARGE, "The document is larger than is taken here."));
        }
        upload.write(&piece).await.map_err(Fault::about(&about))?;
    }
    let content = upload.finish_document().await.map_err(Fault::about(&about))?;
    Ok((content, media_type_sent(call)))
}

/// A calendar object or card, in memory while it is checked.
async fn receive_object(call: &mut Call, place: &Place, parent: FolderAt) -> Result<(Content, Option<String>), Fault> {
    let max = call.config.object_bytes_max;
    let about = call.href();
    // Which components the calendar takes. Who may add to it without reading it may add what any calendar takes.
    let facts = match call.session.open(parent, List).await {
        Ok(folder) => Some(folder.facts()),
        Err(Refusal::Forbidden(_)) => None,
        Err(refusal) => return Err(Fault::Gate(refusal, about)),
    };
    let octets = call.small_body(max, object::too_large(place.area)).await?;
    let media_type = object::check(place.area, &octets, media_type_sent(call).as_deref(), facts.as_ref())?;
    Ok((Content::document(&octets), Some(media_type)))
}

/// The request's `Content-Type`, as far as it can be kept.
fn media_type_sent(call: &Call) -> Option<String> {
    /// As the gate takes it.
    const BYTES_MAX: usize = 255;
    let sent = call.header(&CONTENT_TYPE)?.trim();
    // curl says this of everything that it does not know.
    if sent.is_empty() || sent.len() > BYTES_MAX || sent.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return None;
    }
    Some(sent.to_owned())
}

fn stored(status: StatusCode, etag: &Etag) -> axum::response::Response {
    let mut response = empty(status);
    if let Ok(etag) = HeaderValue::from_str(&etag.to_string()) {
        response.headers_mut().insert(ETAG, etag);
    }
    response
}
