//! A snapshot as a folder of the journal's files, to be read like the store's own.

use super::manifest::{Manifest, Piece};
use crate::disk::{Disk, DiskFile};
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

/// See the module. Nothing can be written to it.
#[derive(Debug)]
pub(crate) struct Shelf {
    files: Arc<dyn Disk>,
    entries: BTreeMap<String, Vec<Piece>>,
}

impl Shelf {
    pub(crate) fn new(files: Arc<dyn Disk>, manifest: &Manifest) -> Self {
        let entries = manifest.journal.iter().map(|stored| (stored.name.clone(), stored.pieces.clone())).collect();
        Self { files, entries }
    }
}

/// A file in pieces, which follow one another.
#[derive(Debug)]
struct Pieces {
    /// Where each begins.
    pieces: Vec<(u64, Arc<dyn DiskFile>)>,
    bytes: u64,
}

impl Disk for Shelf {
    fn create(&self, _: &str) -> io::Result<Arc<dyn DiskFile>> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let mut pieces = Vec::new();
        let mut bytes = 0;
        for piece in self.entries.get(name).ok_or(io::ErrorKind::NotFound)? {
            let missing = |error: io::Error| match error.kind() {
                // It is in the manifest: that it is not there is no answer, but a fault.
                io::ErrorKind::NotFound => io::Error::other(format!("{} is missing", piece.file)),
                _ => error,
            };
            let file = self.files.open(&piece.file).map_err(missing)?;
            if file.bytes()? != piece.bytes {
                return Err(io::Error::other(format!("{} does not have {} bytes", piece.file, piece.bytes)));
            }
            pieces.push((bytes, file));
            bytes += piece.bytes;
        }
        Ok(Arc::new(Pieces { pieces, bytes }))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.entries.keys().cloned().collect())
    }

    fn remove(&self, _: &str) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn rename(&self, _: &str, _: &str) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn sync_dir(&self) -> io::Result<()> {
        Ok(())
    }
}

impl DiskFile for Pieces {
    fn write_at(&self, _: &[u8], _: u64) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn read_at(&self, mut into: &mut [u8], offset: u64) -> io::Result<()> {
        if offset.checked_add(into.len() as u64).is_none_or(|end| end > self.bytes) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut at = offset;
        while !into.is_empty() {
            let index = self.pieces.partition_point(|(start, _)| *start <= at);
            let (start, file) = index.checked_sub(1).and_then(|index| self.pieces.get(index)).ok_or(io::ErrorKind::UnexpectedEof)?;
            let end = self.pieces.get(index).map_or(self.bytes, |(next, _)| *next);
            let bytes = (end - at).min(into.len() as u64) as usize;
            let (now, later) = std::mem::take(&mut into).split_at_mut(bytes);
            file.read_at(now, at - start)?;
            at += now.len() as u64;
            into = later;
        }
        Ok(())
    }

    fn read_cached(&self, _: &mut [u8], _: u64) -> io::Result<bool> {
        Ok(false)
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    fn truncate(&self, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn bytes(&self) -> io::Result<u64> {
        Ok(self.bytes)
    }
}
