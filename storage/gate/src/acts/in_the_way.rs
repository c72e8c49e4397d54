//! What lies where something is to arrive: it goes in the commit that brings the new, or stays if that is refused.
//!
//! Called by the acts that copy and move documents and folders.

use crate::granted::{File, Folder, Granted};
use crate::purpose::{Purpose, RemoveFolder, Rewrite, Unlink};
use crate::refusal::Refusal;
use octroi_engine::{Batch, Expect};
use octroi_model::{CollectionId, Name};

/// What is in the way, under the grant to take it away: a document's content is rewritten by a document (`P` is [`Rewrite`]) and removed
/// for a folder ([`Unlink`]).
pub enum InTheWay<P> {
    /// Nothing, and nothing may have come until the commit.
    Nothing,
    /// A document.
    File(Granted<File, P>),
    /// A folder with all below it.
    Folder(Granted<Folder, RemoveFolder>),
}

impl<P: Purpose<File>> InTheWay<P> {
    /// Is there something?
    pub fn is_there(&self) -> bool {
        !matches!(self, Self::Nothing)
    }

    pub(crate) fn renew(&self) -> Result<(), Refusal> {
        match self {
            Self::Nothing => Ok(()),
            Self::File(file) => file.renew().map(|_| ()),
            Self::Folder(folder) => folder.renew().map(|_| ()),
        }
    }

    /// Expect nothing there, or a folder, which is removed (into the trash if what goes is to be kept); a document is the caller's to deal
    /// with.
    async fn clear_but_file(&self, collection: CollectionId, name: &Name, keeps: bool, batch: &mut Batch) -> Result<(), Refusal> {
        match self {
            Self::Nothing => {
                batch.expect(Expect::Absent { collection, name: name.clone() });
            }
            Self::File(file) if file.folder_id()? == collection && file.name()? == name => {}
            Self::File(_) => return Err(Refusal::Unsupported),
            Self::Folder(folder) => {
                let top = folder.collection()?;
                if top.parent != Some(collection) || top.name != *name {
                    return Err(Refusal::Unsupported);
                }
                folder.removal(keeps, batch).await?;
            }
        }
        Ok(())
    }
}

impl InTheWay<Rewrite> {
    /// Make way for a document, which takes the place of one that is there.
    pub(crate) async fn clear(&self, collection: CollectionId, name: &Name, keeps: bool, batch: &mut Batch) -> Result<(), Refusal> {
        self.clear_but_file(collection, name, keeps, batch).await?;
        if let Self::File(file) = self {
            // What is kept of it is what was seen.
            batch.expect(file.expectation(crate::When::Unchanged)?);
        }
        Ok(())
    }
}

impl InTheWay<Unlink> {
    /// Make way for a folder.
    pub(crate) async fn clear(&self, collection: CollectionId, name: &Name, keeps: bool, batch: &mut Batch) -> Result<(), Refusal> {
        self.clear_but_file(collection, name, keeps, batch).await?;
        if let Self::File(file) = self {
            batch.expect(file.expectation(crate::When::Unchanged)?);
            if keeps {
                file.keep(file.real(), batch).await?;
            }
            batch.push(file.removal()?);
        }
        Ok(())
    }
}
