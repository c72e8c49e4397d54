//! MOVE (RFC 4918 section 9.9): it appears there and goes here in one commit.

use crate::call::{Call, Depth, file_at, folder_at, may_be_file, may_be_folder};
use crate::methods::delete::refused;
use crate::methods::destination::Destination;
use crate::precondition::Current;
use crate::refusal::{Answer, Fault};
use http::StatusCode;
use octroi_gate::{Depart, File, Folder, Granted, Refusal, RemoveFolder};

/// MOVE.
pub(crate) async fn r#move(call: Call) -> Answer {
    let source = call.place()?;
    let destination = Destination::of(&call, &source)?;
    if may_be_file(&source)
        && let Some(at) = file_at(&source)
    {
        match call.session.open(at, Depart).await {
            Ok(file) => return move_file(&call, &file, &destination).await,
            Err(Refusal::Missing) => {}
            Err(refusal) => return Err(Fault::Gate(refusal, call.href())),
        }
    }
    if !may_be_folder(&source) {
        return Err(Fault::missing());
    }
    let folder = call.session.open(folder_at(&source), RemoveFolder).await.map_err(Fault::about(&call.href()))?;
    move_folder(&call, &folder, &destination).await
}

async fn move_file(call: &Call, file: &Granted<File, Depart>, destination: &Destination) -> Answer {
    let etag = file.item().etag();
    call.check_write(Current::document(&etag, file.item().date)).await?;
    let (parent, over) = destination.ready_for_file(call, file.item()).await?;
    destination.answer(call, parent.move_file(file, &destination.name, &over).await, over.is_there()).await
}

async fn move_folder(call: &Call, folder: &Granted<Folder, RemoveFolder>, destination: &Destination) -> Answer {
    // RFC 4918 section 9.9.2: a collection moves whole.
    if !matches!(call.depth()?, None | Some(Depth::Infinity)) {
        return Err(Fault::Status(StatusCode::BAD_REQUEST, "A collection is moved with all in it."));
    }
    call.check_write(Current::collection()).await?;
    let (parent, over) = destination.ready_for_folder(call).await?;
    match parent.move_folder(folder, &destination.name, &over).await {
        Err(Refusal::Forbidden(lacking)) => refused(call, &call.place()?, folder, lacking),
        outcome => destination.answer(call, outcome, over.is_there()).await,
    }
}
