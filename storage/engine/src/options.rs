//! What can be set about the embedded engine, and why it may refuse to open.

use crate::search::Extractor;
use std::fmt;
use std::time::Duration;

/// Limits of the embedded engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// A journal segment that has grown to this many bytes is closed: what a backup copies, what a compaction rewrites at once.
    pub segment_bytes_max: u64,
    /// Items of all views in memory; above it, views that nobody holds are dropped, the longest unused first. An item takes about 250
    /// bytes.
    pub view_items_max: u64,
    /// A view that nobody holds nor has asked for in this time is dropped, however much room there is. Zero: never.
    pub view_idle: Duration,
    /// Changes that may be in the journal and not yet in the index; above it commits wait. Bounds the memory and the time that recovery
    /// takes.
    pub backlog_changes_max: u64,
    /// The same in bytes of memory.
    pub backlog_bytes_max: u64,
    /// Batches committed with one sync: bounds the time that the first of them waits.
    pub group_batches_max: usize,
    /// Bytes of contents committed with one sync.
    pub group_bytes_max: u64,
    /// A batch that comes alone is committed by the task that asks for it when a sync takes fewer microseconds than this: about what handing
    /// over to another thread and being woken by it takes. 0: never.
    pub alone_micros_max: u64,
    /// Knows the text of messages; without it there is no search index, and every search scans.
    pub extractor: Option<Extractor>,
    /// What of the time of one processor, and about what of the disk's, compaction in the background may take, in percent.
    pub compact_share_percent: u32,
    /// A segment is written anew when less than so much of its bytes, in percent, is still needed.
    pub live_min_percent: u32,
    /// What was deleted is in no file any more after this time, whatever it costs.
    pub erase_after: Duration,
    /// Between two looks at what can be given back, unless much was deleted meanwhile. Zero: only when it is asked for.
    pub compact_interval: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            segment_bytes_max: 256 << 20,
            view_items_max: 4_000_000,
            view_idle: Duration::from_mins(10),
            backlog_changes_max: 200_000,
            backlog_bytes_max: 256 << 20,
            group_batches_max: 1024,
            group_bytes_max: 16 << 20,
            alone_micros_max: 400,
            extractor: None,
            compact_share_percent: 10,
            live_min_percent: 50,
            erase_after: Duration::from_hours(30 * 24),
            compact_interval: Duration::from_hours(6),
        }
    }
}

/// Why a data folder was not opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OpenError {
    /// Another process has it open.
    Locked,
    /// The journal is damaged at a place that was once synced: opening would silently lose what was acknowledged.
    Corrupt {
        /// Name of the file in the `journal` folder.
        file: String,
        /// Byte offset of the damage.
        offset: u64,
        /// What is wrong there.
        what: String,
    },
    /// A file that must be there is not.
    Missing(String),
    /// The file has a format that this version does not read: a later one, or one from before the first release.
    Version(String),
    /// The operating system refused.
    Io(String),
    /// The index could not be used, nor made anew.
    Index(String),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Locked => f.write_str("another process has the data folder open"),
            Self::Corrupt { file, offset, what } => write!(f, "journal file {file} is damaged at byte {offset}: {what}"),
            Self::Missing(file) => write!(f, "journal file {file} is missing"),
            Self::Version(file) => write!(f, "{file} has a format that this version of the program does not read"),
            Self::Io(why) => write!(f, "cannot use the data folder: {why}"),
            Self::Index(why) => write!(f, "cannot use the index: {why}"),
        }
    }
}

impl std::error::Error for OpenError {}

impl From<std::io::Error> for OpenError {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error.to_string())
    }
}

impl From<sqlx::Error> for OpenError {
    fn from(error: sqlx::Error) -> Self {
        Self::Index(error.to_string())
    }
}
