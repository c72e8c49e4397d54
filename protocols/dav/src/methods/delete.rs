//! DELETE: a document, or a collection with all in it (RFC 4918 section 9.6).

use crate::call::{Call, Depth, file_at, folder_at, may_be_file, may_be_folder};
use crate::precondition::{Current, insists_on_unchanged};
use crate::refusal::{Answer, Fault, empty};
use http::StatusCode;
use octroi_gate::{Refusal, RemoveFolder, Unlink, When};

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
                file.remove(when).await.map_err(Fault::about(&href))?;
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
    let folder = call.session.open(folder_at(&place), RemoveFolder).await.map_err(Fault::about(&href))?;
    call.check_write(Current::collection()).await?;
    folder.remove().await.map_err(Fault::about(&href))?;
    Ok(empty(StatusCode::NO_CONTENT))
}
