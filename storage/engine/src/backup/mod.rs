//! Backups: a folder with copies of the journal's files, and a manifest for each moment at which they were made.
//!
//! Called through [`crate::Engine::backup`] and [`crate::Engine::past`] by the gate's administration, and by the commands that need no
//! store. What holds: a file of a backup is written under another name, synced, and only then takes its own; nothing is ever written over;
//! a manifest comes last. So a backup that was interrupted leaves the snapshots before it as they were, and is gone on with by making it
//! again. Snapshots share the files that they have in common. Layout of the folder:
//!
//! - `files/`: copies, or pieces of them; the name says of what, from where to where, and what it hashes to ([`manifest::PieceName`]).
//! - `snapshots/`: one manifest each ([`manifest::Manifest`]), named by its moment.
//! - `lock`: held while something is written to the folder.

mod create;
mod manifest;
mod past;
mod progress;
mod restore;
mod shelf;
mod target;
mod verify;

pub use past::Past;
pub use progress::{Look, Progress, Unit};
pub use restore::{RestoreReport, restore};
pub use target::{PruneReport, Snapshot, list, prune};
pub use verify::{VerifyReport, verify};

pub(crate) use create::create;
pub(crate) use past::remove_scratch;
#[cfg(test)]
pub(crate) use restore::journal_into;
pub(crate) use target::Target;
#[cfg(test)]
pub(crate) use verify::verify_on;

use crate::interface::ReadError;
use crate::options::OpenError;
use std::fmt;
use std::path::PathBuf;

/// What goes into a backup, and where.
#[derive(Debug, Clone)]
pub struct BackupRequest {
    /// The backup's folder, made if it is not there.
    pub folder: PathBuf,
    /// Names of small files of the data folder that are taken along.
    pub beside: Vec<String>,
    /// What the administrator must keep himself, in words, for the manifest.
    pub reminder: String,
}

/// What a backup did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BackupReport {
    /// Name of the snapshot.
    pub snapshot: String,
    /// Files that were copied now, pieces of files counted.
    pub copied_files: u64,
    /// Octets of them.
    pub copied_bytes: u64,
    /// Octets of the whole snapshot.
    pub bytes: u64,
    /// What is not in it and is needed as well.
    pub reminder: String,
}

/// Why something with a backup was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BackupError {
    /// It was told to stop.
    Stopped,
    /// Something else is writing to the same backup.
    Busy,
    /// The folder holds no (such) snapshot.
    NoSnapshot(String),
    /// The moment is not within the journal that is kept; what is.
    Moment(String),
    /// The folder to restore into is not empty.
    NotEmpty(String),
    /// What the backup holds is not what it should be.
    Damaged(String),
    /// The operating system or the store refused.
    Failed(String),
}

impl fmt::Display for BackupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped => f.write_str("it was interrupted"),
            Self::Busy => f.write_str("something else is writing to this backup"),
            Self::NoSnapshot(why) | Self::Moment(why) | Self::NotEmpty(why) | Self::Failed(why) => f.write_str(why),
            Self::Damaged(why) => write!(f, "the backup is damaged: {why}"),
        }
    }
}

impl std::error::Error for BackupError {}

impl From<std::io::Error> for BackupError {
    fn from(error: std::io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<sqlx::Error> for BackupError {
    fn from(error: sqlx::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<tokio::task::JoinError> for BackupError {
    fn from(error: tokio::task::JoinError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<OpenError> for BackupError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Io(_) | OpenError::Index(_) | OpenError::Locked => Self::Failed(error.to_string()),
            _ => Self::Damaged(error.to_string()),
        }
    }
}

impl From<ReadError> for BackupError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Storage(why) => Self::Failed(why),
            other => Self::Damaged(other.to_string()),
        }
    }
}
