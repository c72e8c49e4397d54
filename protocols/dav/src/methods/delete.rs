//! DELETE: a document, or a collection with all in it (RFC 4918 section 9.6), all or nothing.

use crate::call::{Call, Depth, file_at, folder_at, may_be_file, may_be_folder};
use crate::invitation;
use crate::multistatus::whole;
use crate::path::{Place, folder_href};
use crate::precondition::{Current, insists_on_unchanged};
use crate::privilege::needed;
use crate::refusal::write_needed;
use crate::refusal::{Answer, Fault, empty};
use crate::schedule;
use http::StatusCode;
use octroi_gate::{Folder, Granted, Refusal, RemoveFolder, Unlink, When};
use octroi_model::Rights;

/// DELETE.
pub(crate) async fn delete(call: Call) -> Answer {
    let place = call.place()?;
    let href = call.href();
    if may_be_file(&place)
        && let Some(at) = file_at(&place)
    {
        match call.session.open(at, Unlink).await {
            Ok(file) => {
                let etag = file.item().etag();
                call.check_write(Current::document(&etag, file.item().date)).await?;
                let when = if insists_on_unchanged(&call.headers) { When::Unchanged } else { When::Anyhow };
                let manner = schedule::manner(&call, Some(file.item()))?;
                file.remove_object(when, manner).await.map_err(Fault::about(&href))?;
                return Ok(empty(StatusCode::NO_CONTENT));
            }
            Err(Refusal::Missing) => {}
            Err(refusal) => return Err(Fault::Gate(refusal, href)),
        }
    }
    if !may_be_folder(&place) {
        return Err(Fault::missing());
    }
    // RFC 4918 section 9.6.1: no other depth makes sense.
    if !matches!(call.depth()?, None | Some(Depth::Infinity)) {
        return Err(Fault::Status(StatusCode::BAD_REQUEST, "A collection is removed with all in it."));
    }
    if invitation::decline(&call, &place).await?.is_some() {
        return Ok(empty(StatusCode::NO_CONTENT));
    }
    let folder = call.session.open(folder_at(&place), RemoveFolder).await.map_err(Fault::about(&href))?;
    call.check_write(Current::collection()).await?;
    match folder.remove().await {
        Err(Refusal::Forbidden(lacking)) => refused(&call, &place, &folder, lacking),
        other => other.map(|()| empty(StatusCode::NO_CONTENT)).map_err(Fault::about(&href)),
    }
}

/// A folder that cannot go because of others in it: these are named, and nothing of it was done (RFC 4918 section 9.6.1 would have what can go
/// go; half a folder is of no use to anybody). Used by MOVE too.
pub(crate) fn refused(call: &Call, place: &Place, folder: &Granted<Folder, RemoveFolder>, lacking: Rights) -> Answer {
    let members = folder.refusing().map_err(Fault::about(&call.href()))?;
    if members.is_empty() {
        return Err(Fault::Gate(Refusal::Forbidden(lacking), call.href()));
    }
    Ok(whole(|xml| {
        for (path, lacking) in &members {
            let href = folder_href(place.area, call.session.address(), path);
            xml.open("D:response").text("D:href", &href).text("D:status", "HTTP/1.1 403 Forbidden").open("D:error");
            write_needed(&href, needed(*lacking), xml);
            xml.close("D:error").text("D:responsedescription", "It may not be removed, so nothing was done.").close("D:response");
        }
    }))
}
