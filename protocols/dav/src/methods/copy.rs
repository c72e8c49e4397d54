//! COPY (RFC 4918 section 9.8): the content is shared, not written again.

use crate::call::{Call, Found, find};
use crate::methods::destination::{Destination, is_deep, refused_move};
use crate::precondition::Current;
use crate::refusal::{Answer, Fault};
use octroi_gate::{Bind, File, Folder, Granted, List, MakeFolder, Read};

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
    destination.takes_file()?;
    let parent = destination.open_parent(call, Bind).await?;
    let occupant = destination.occupant(call).await?;
    let replaced = occupant.is_there();
    let overwrite = destination.clear_for_file(occupant).await?;
    let copied = parent.copy_file(file, &destination.name, overwrite.as_ref()).await;
    copied.map_err(|refusal| refused_move(refusal, &destination.href))?;
    Ok(destination.done(replaced))
}

async fn copy_folder(call: &Call, folder: &Granted<Folder, List>, destination: &Destination) -> Answer {
    let deep = is_deep(call)?;
    call.check_write(Current::collection()).await?;
    let parent = destination.open_parent(call, MakeFolder).await?;
    let occupant = destination.occupant(call).await?;
    let replaced = occupant.is_there();
    destination.clear_for_folder(call, occupant).await?;
    let copied = parent.copy_folder(folder, &destination.name, deep).await;
    copied.map_err(|refusal| refused_move(refusal, &destination.href))?;
    Ok(destination.done(replaced))
}
