//! What a query looks through: by the URL and `Depth`, the collections that hold objects, or one object in one. Called by both queries.

use crate::call::{Call, Depth, Found, find};
use crate::path::Place;
use crate::refusal::Fault;
use octroi_gate::{Folder, FolderAt, Granted, List, MemberIs};
use octroi_model::{Name, Path, Rights};

/// These collections, or one object in one.
pub(crate) struct Scope {
    pub folders: Vec<(Path, Granted<Folder, List>)>,
    pub only: Option<Name>,
}

impl Scope {
    /// Who says nothing of the depth means the objects in it: older programs forget it.
    pub(crate) async fn of(call: &Call, place: &Place) -> Result<Self, Fault> {
        let about = call.href();
        let open = async |path: &Path| call.session.open(FolderAt { area: place.area, path: path.clone() }, List).await;
        let folder = match find(&call.session, place).await.map_err(Fault::about(&about))? {
            Found::File(_) => {
                let (path, name) = place.path.split_last().ok_or_else(Fault::missing)?;
                let folder = open(&path).await.map_err(Fault::about(&about))?;
                return Ok(Self { only: Some(name.clone()), folders: vec![(path, folder)] });
            }
            Found::Folder(folder) => folder,
        };
        let depth = call.depth()?.unwrap_or(Depth::One);
        let is_home = place.path.names().is_empty();
        let mut folders = Vec::new();
        match depth {
            Depth::One | Depth::Infinity if !is_home => folders.push((place.path.clone(), folder)),
            Depth::Infinity => {
                for member in folder.members().await.map_err(Fault::about(&about))? {
                    let MemberIs::Folder(facts) = &member.is else { continue };
                    let Ok(path) = place.path.child(member.name.clone()) else { continue };
                    // What may not be read is not looked through, and asking for it would only be audited.
                    if facts.real && facts.rights.contains(Rights::READ) {
                        folders.extend(open(&path).await.ok().map(|folder| (path, folder)));
                    }
                }
            }
            _ => {}
        }
        Ok(Self { folders, only: None })
    }
}
