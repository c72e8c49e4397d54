//! One's own trash as one's own session sees and uses it: the same acts as over WebDAV, under the same rights.
//!
//! Called for the portal. What always holds: a thing is told to whom may list where it lies, and put back by whom may take it from there and add
//! it where it was, so that what is reserved stays reserved.

use crate::granted::{FileAt, FolderAt};
use crate::kept::room;
use crate::kept::trash::{TRASH, TrashLine};
use crate::purpose::{Bind, Depart, List, MakeFolder, RemoveFolder, Unlink};
use crate::refusal::Refusal;
use crate::session::Session;
use crate::{InTheWay, When};
use octroi_model::{CollectionKind, Name, Path, Rights};
use octroi_policy::Area;
use std::collections::HashMap;

impl Session {
    /// What is in one's own trash, the newest first, as far as it may be seen from here.
    pub async fn trash(&self) -> Result<Vec<TrashLine>, Refusal> {
        const LISTS: Rights = Rights::LOOKUP.or(Rights::READ);
        self.check().await?;
        let engine = self.gate().engine();
        let mut seen: HashMap<Path, bool> = HashMap::new();
        let mut lines = Vec::new();
        for kept in room::entries(engine, self.account()).await?.into_iter().rev().filter(|kept| kept.in_trash) {
            let Some((above, _)) = kept.path.split_last() else { continue };
            let within = if kept.is_folder() { kept.path.clone() } else { above };
            let may = if let Some(may) = seen.get(&within) {
                *may
            } else {
                let node = self.resolve(Area::Files, &in_trash(&within)?);
                let may = node.is_some_and(|node| self.rights_of(&node).is_ok_and(|rights| rights.contains(LISTS)));
                seen.insert(within, may);
                may
            };
            if may {
                let by = kept.by.and_then(|id| engine.account(id)).map(|account| account.address.clone());
                let (at, bytes, folder) = (kept.at, kept.bytes, kept.is_folder());
                lines.push(TrashLine { path: kept.path, from: kept.from, at, by, bytes, folder });
            }
        }
        Ok(lines)
    }

    /// Put something back where it was, with the folders above it that are missing. [`Refusal::Exists`] if there is something. Returns where
    /// it is now.
    pub async fn put_back(&self, path: &Path) -> Result<Path, Refusal> {
        let line = self.trash().await?.into_iter().find(|line| line.path == *path).ok_or(Refusal::Missing)?;
        let (above, name) = line.from.split_last().ok_or(Refusal::Missing)?;
        self.make_way(&above).await?;
        let into = FolderAt { area: Area::Files, path: above };
        let moved = if line.folder {
            let from = self.open(FolderAt { area: Area::Files, path: in_trash(path)? }, RemoveFolder).await?;
            self.open(into, MakeFolder).await?.move_folder(&from, name, &InTheWay::Nothing).await
        } else {
            let from = self.open(file_in_trash(path)?, Depart).await?;
            self.open(into, Bind).await?.move_file(&from, name, &InTheWay::Nothing).await
        };
        match moved {
            Err(Refusal::Precondition) => Err(Refusal::Exists),
            other => other.map(|()| line.from.clone()),
        }
    }

    /// Remove something from one's own trash for good.
    pub async fn remove_for_good(&self, path: &Path) -> Result<(), Refusal> {
        let line = self.trash().await?.into_iter().find(|line| line.path == *path).ok_or(Refusal::Missing)?;
        if line.folder {
            self.open(FolderAt { area: Area::Files, path: in_trash(path)? }, RemoveFolder).await?.remove().await
        } else {
            self.open(file_in_trash(path)?, Unlink).await?.remove(When::Unchanged).await
        }
    }

    /// The folders of a path, made where they are missing.
    async fn make_way(&self, path: &Path) -> Result<(), Refusal> {
        let names = path.names();
        for length in 1..=names.len() {
            let to = |length: usize| Path::from_names(names[..length].to_vec()).map_err(|_| Refusal::Unsupported);
            let at = FolderAt { area: Area::Files, path: to(length)? };
            if !matches!(self.open(at, List).await, Err(Refusal::Missing)) {
                continue;
            }
            let parent = self.open(FolderAt { area: Area::Files, path: to(length - 1)? }, MakeFolder).await?;
            match parent.make(&names[length - 1], CollectionKind::Folder, Vec::new()).await {
                // A document, or a folder that cannot be seen: it is in the way.
                Err(Refusal::Precondition) => return Err(Refusal::Exists),
                other => other?,
            }
        }
        Ok(())
    }
}

/// A path below the trash, from the top of the documents.
fn in_trash(path: &Path) -> Result<Path, Refusal> {
    let trash = Name::new(TRASH).map_err(|_| Refusal::Unsupported)?;
    Path::from_names([&[trash], path.names()].concat()).map_err(|_| Refusal::Unsupported)
}

fn file_in_trash(path: &Path) -> Result<FileAt, Refusal> {
    let path = in_trash(path)?;
    let (folder, name) = path.split_last().ok_or(Refusal::Missing)?;
    Ok(FileAt { area: Area::Files, folder, name: name.clone() })
}
