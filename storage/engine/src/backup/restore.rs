//! `octroi backup restore --to`: a whole store from a snapshot, into an empty data folder.
//!
//! The journal is put into a folder with another name, which takes its own when all of it is there, hashed and synced: a store that is there
//! in part is never opened by mistake.

use super::BackupError;
use super::manifest::{Piece, Stored};
use super::progress::{Progress, Unit};
use super::target::Target;
use crate::disk::{Disk, RealDisk};
use crate::journal::{Segment, number_of, survey};
use octroi_model::UnixTime;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

/// The journal while it is not whole.
const UNFINISHED: &str = "journal.restoring";
/// Octets copied at a time.
const STEP_BYTES: u64 = 1 << 20;

/// What a restore did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoreReport {
    /// Name of the snapshot.
    pub snapshot: String,
    /// The moment that it is of.
    pub time: UnixTime,
    /// Files written.
    pub files: u64,
    /// Octets of them.
    pub bytes: u64,
    /// Files of the data folder that were in the backup.
    pub beside: Vec<String>,
    /// What is not in it and is needed as well.
    pub reminder: String,
}

/// Put a snapshot (the newest, unless one is named) into `data`, which is empty or not there.
pub fn restore(folder: &Path, snapshot: Option<&str>, data: &Path, progress: &Progress) -> Result<RestoreReport, BackupError> {
    let target = Target::look(folder)?;
    let (snapshot, manifest) = target.choose(snapshot)?;
    let named = |what: &Path, error: io::Error| BackupError::Failed(format!("cannot use {}: {error}", what.display()));
    DirBuilder::new().recursive(true).mode(0o700).create(data).map_err(|error| named(data, error))?;
    let unfinished = data.join(UNFINISHED);
    for entry in fs::read_dir(data).map_err(|error| named(data, error))? {
        if entry?.file_name() != UNFINISHED {
            return Err(BackupError::NotEmpty(format!("{} is not empty: a store is restored into an empty folder", data.display())));
        }
    }
    // What an interrupted restore left.
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished)?;
    }
    DirBuilder::new().mode(0o700).create(&unfinished).map_err(|error| named(&unfinished, error))?;
    let journal = RealDisk::open(&unfinished)?;
    progress.begin("restoring", Unit::Bytes, manifest.bytes());
    journal_into(&target, &manifest.journal, &journal, progress)?;
    fs::rename(&unfinished, data.join("journal"))?;
    let beside = RealDisk::open(data)?;
    for stored in &manifest.beside {
        file_into(&target, stored, &beside, progress)?;
    }
    File::open(data)?.sync_all()?;
    if let Some(parent) = data.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        File::open(parent)?.sync_all()?;
    }
    Ok(RestoreReport {
        snapshot,
        time: manifest.time,
        files: (manifest.journal.len() + manifest.beside.len()) as u64,
        bytes: manifest.bytes(),
        beside: manifest.beside.iter().map(|stored| stored.name.clone()).collect(),
        reminder: manifest.reminder.clone(),
    })
}

/// The files of a journal, and a new segment behind them: what the store writes from now on is told by its key from what the store that
/// was backed up wrote there later.
pub(crate) fn journal_into(target: &Target, files: &[Stored], journal: &dyn Disk, progress: &Progress) -> Result<(), BackupError> {
    for stored in files {
        file_into(target, stored, journal, progress)?;
    }
    journal.sync_dir()?;
    if let Some(last) = survey(journal)?.segments.last() {
        let used = files.iter().filter_map(|stored| number_of(&stored.name, ".seg").or_else(|| number_of(&stored.name, ".big"))).max();
        Segment::create(journal, used.unwrap_or(last.header.number) + 1, last.header.number, last.bytes)?;
    }
    Ok(())
}

fn file_into(target: &Target, stored: &Stored, into: &dyn Disk, progress: &Progress) -> Result<(), BackupError> {
    let out = into.create(&stored.name)?;
    let mut offset = 0;
    for piece in &stored.pieces {
        piece_into(target, piece, &*out, offset, progress)?;
        offset += piece.bytes;
    }
    out.sync()?;
    Ok(())
}

fn piece_into(
    target: &Target,
    piece: &Piece,
    out: &dyn crate::disk::DiskFile,
    offset: u64,
    progress: &Progress,
) -> Result<(), BackupError> {
    let damaged = |why: &str| BackupError::Damaged(format!("file {}: {why}", piece.file));
    let file = target.files.open(&piece.file).map_err(|error| damaged(&error.to_string()))?;
    if file.bytes()? != piece.bytes {
        return Err(damaged("it does not have its length"));
    }
    let mut hasher = blake3::Hasher::new();
    let mut buffer = Vec::new();
    let mut at = 0;
    while at < piece.bytes {
        buffer.resize((piece.bytes - at).min(STEP_BYTES) as usize, 0);
        file.read_at(&mut buffer, at).map_err(|error| damaged(&error.to_string()))?;
        hasher.update(&buffer);
        out.write_at(&buffer, offset + at)?;
        at += buffer.len() as u64;
        progress.step(buffer.len() as u64)?;
    }
    if hasher.finalize().to_hex().as_str() == piece.blake3 { Ok(()) } else { Err(damaged("it does not have its hash")) }
}
