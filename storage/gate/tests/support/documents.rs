//! Documents and folders, as tests name them.

use super::{name, path};
use octroi_gate::{Area, FileAt, FolderAt, MakeFolder, Read, Refusal, Session};
use octroi_model::CollectionKind;

pub(crate) fn folder(at: &str) -> FolderAt {
    FolderAt { area: Area::Files, path: path(at) }
}

pub(crate) fn file(at: &str, it: &str) -> FileAt {
    FileAt { area: Area::Files, folder: path(at), name: name(it) }
}

pub(crate) async fn make(session: &Session, at: &str, it: &str) {
    session.open(folder(at), MakeFolder).await.unwrap().make(&name(it), CollectionKind::Folder, Vec::new()).await.unwrap();
}

pub(crate) async fn read(session: &Session, at: &str, it: &str) -> Result<String, Refusal> {
    let octets = session.open(file(at, it), Read).await?.read(0, 1000).await?;
    Ok(String::from_utf8(octets).unwrap())
}
