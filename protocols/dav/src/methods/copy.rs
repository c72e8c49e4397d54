//! COPY (RFC 4918 section 9.8): the content is shared, not written again.

use crate::call::{Call, Found, find};
use crate::methods::destination::{Destination, is_deep};
use crate::precondition::Current;
use crate::refusal::{Answer, Fault};
use octroi_gate::{File, Folder, Granted, List, Read};

/// COPY.
pub(crate) async fn copy(call: Call) -> Answer {
    let source = call.place()?;
    let destination = Destination::of(&call, &source)?;
    match find(&call.session, &source).await.map_err(Fault::about(&call.href()))? {
        Found::File(file) => copy_file(&call, &file, &destination).await,
        Found::Folder(folder) => copy_folder(&call, &folder, &destination).await,
    }
}

async fn copy_file(call: &Call, file: &Granted<File, Read>, destination: &Destination) -> Answer {
    let etag = file.item().etag();
    call.check_write(Current::document(&etag, file.item().date)).await?;
    let (parent, over) = destination.ready_for_file(call, file.item()).await?;
    destination.answer(call, parent.copy_file(file, &destination.name, &over).await, over.is_there()).await
}

async fn copy_folder(call: &Call, folder: &Granted<Folder, List>, destination: &Destination) -> Answer {
    let deep = is_deep(call)?;
    call.check_write(Current::collection()).await?;
    let (parent, over) = destination.ready_for_folder(call).await?;
    destination.answer(call, parent.copy_folder(folder, &destination.name, deep, &over).await, over.is_there()).await
}
