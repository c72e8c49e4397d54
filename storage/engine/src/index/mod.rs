//! The index: an SQLite file that follows the journal, for what is not in memory. Deleting it is always safe.
//!
//! Written by the projector, read when a view is loaded, at open and by check. What holds: the position of the journal that it has
//! reached is stored in the transaction that reached it, so it may be behind but is never wrong.

mod annotations;
mod blocks;
mod compare;
mod load;
mod project;
mod quotas;
mod schema;
mod segments;

use crate::log;
use crate::options::OpenError;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::{MappedMutexGuard, Mutex, MutexGuard};

pub(crate) use load::Restored;
pub(crate) use segments::{LAST_PASS, SegmentRow};

/// Connections that read, and no more than there are processors, but two: each takes a thread and some hundred KiB. Views are loaded one after the
/// other when more are asked for at once.
const READERS_MAX: usize = 4;
/// Rows that SQLite's thread may be ahead of who reads them: each hand-over costs more than a row.
const ROWS_AHEAD: usize = 1024;
/// Pages in the write-ahead log before they are moved into the file, 4 KiB each.
const CHECKPOINT_PAGES: &str = "8000";
/// Page cache of the writer in KiB (negative, says SQLite): what one transaction touches. Beyond that the operating system has the pages too.
const CACHE_KIB: &str = "-1024";
/// The same of each connection that reads, which goes through a mailbox once and keeps the result elsewhere.
const READER_CACHE_KIB: &str = "-256";

/// How many connections read one of our files at the same time.
pub(crate) fn readers() -> u32 {
    std::thread::available_parallelism().map_or(READERS_MAX, NonZero::get).clamp(2, READERS_MAX) as u32
}

/// The index.
#[derive(Debug)]
pub(crate) struct Index {
    path: PathBuf,
    /// Of the connection that writes.
    options: SqliteConnectOptions,
    /// Taken by whoever must keep the index from moving.
    writer: Mutex<Option<SqliteConnection>>,
    readers: SqlitePool,
}

/// Moved when the tables change: an index of another version is made anew from the journal.
const VERSION: i64 = 4;

impl Index {
    /// Open the index; one that is not there, of another version or unusable is made anew, empty.
    pub(crate) async fn open(path: &Path) -> Result<Self, OpenError> {
        match Self::try_open(path).await {
            Ok(Some(index)) => return Ok(index),
            Ok(None) => tracing::info!("the index is of another version: making it anew from the journal"),
            Err(error) => tracing::warn!(%error, "the index cannot be used: making it anew from the journal"),
        }
        Self::remove(path)?;
        match Self::try_open(path).await {
            Ok(Some(index)) => Ok(index),
            Ok(None) => Err(OpenError::Index("its version is not what was just written".into())),
            Err(error) => Err(OpenError::Index(error.to_string())),
        }
    }

    /// Remove the index's files.
    pub(crate) fn remove(path: &Path) -> std::io::Result<()> {
        for ending in ["", "-wal", "-shm"] {
            let mut name = path.as_os_str().to_owned();
            name.push(ending);
            match std::fs::remove_file(&name) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    async fn try_open(path: &Path) -> Result<Option<Self>, sqlx::Error> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(Duration::from_secs(30))
            .row_buffer_size(ROWS_AHEAD)
            .disable_statement_logging();
        let writing = options.clone().pragma("wal_autocheckpoint", CHECKPOINT_PAGES).pragma("cache_size", CACHE_KIB);
        let mut writer = writing.connect().await?;
        if !schema::prepare(&mut writer, VERSION).await? {
            writer.close().await?;
            return Ok(None);
        }
        let readers = SqlitePoolOptions::new()
            .max_connections(readers())
            // A connection to a file does not go away; asking first would double the cost of each read.
            .test_before_acquire(false)
            .connect_lazy_with(options.create_if_missing(false).pragma("cache_size", READER_CACHE_KIB));
        Ok(Some(Self { path: path.to_owned(), options: writing, writer: Mutex::new(Some(writer)), readers }))
    }

    /// The one connection that writes.
    async fn writer(&self) -> Result<MappedMutexGuard<'_, SqliteConnection>, sqlx::Error> {
        MutexGuard::try_map(self.writer.lock().await, Option::as_mut).map_err(|_| sqlx::Error::PoolClosed)
    }

    /// Nothing is to be done: empty the write-ahead log into the file if it is long, and give back what is cached.
    pub(crate) async fn rest(&self) -> Result<(), sqlx::Error> {
        let mut writer = self.writer().await?;
        if log::is_long(&self.path) {
            log::empty(&mut writer).await?;
        }
        log::shrink(&mut writer).await
    }

    /// Write over another connection from here on, after a write that failed: SQLite may have ended the transaction by itself, as it does
    /// when the disk is full, and the driver would then never begin another one.
    pub(crate) async fn renew_writer(&self) {
        let mut writer = self.writer.lock().await;
        if writer.is_some() {
            match self.options.connect().await {
                Ok(renewed) => *writer = Some(renewed),
                Err(error) => tracing::warn!(%error, "the index was not opened again"),
            }
        }
    }

    /// Close; SQLite then moves the write-ahead log into the file.
    pub(crate) async fn close(&self) {
        self.readers.close().await;
        if let Some(writer) = self.writer.lock().await.take()
            && let Err(error) = writer.close().await
        {
            tracing::warn!(%error, "the index was not closed properly");
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::change::Change;
    use crate::journal::Position;
    use crate::state::{Entry, Side};
    use octroi_model::{AuditEntry, AuditLine, AuditVia, Outcome, UnixTime};
    use std::sync::Arc;

    /// A full disk ended SQLite's transaction behind the driver's back: no later one could begin, and after ten of them the store took no
    /// further commit, long after there was room again.
    #[tokio::test]
    async fn writing_goes_on_once_there_is_room() {
        let dir = tempfile::tempdir().unwrap();
        let index = Index::open(&dir.path().join("index.sqlite")).await.unwrap();
        let line = AuditEntry {
            at: UnixTime(1),
            account: None,
            act: "x".repeat(10_000),
            subject: String::new(),
            peer: String::new(),
            outcome: Outcome::Done,
            reason: String::new(),
        };
        let lines = (1..=500).map(|number| {
            let (entry, via) = (line.clone(), AuditVia::default());
            Side::Line(Arc::new(AuditLine { number, link: [0; 32], entry, via }))
        });
        let end = Position { segment: 1, offset: 99 };
        let entries = [Entry { end, changes: Vec::<Change>::new().into(), sides: lines.collect(), bytes: 0 }];
        sqlx::query("PRAGMA max_page_count = 200").execute(&mut *index.writer().await.unwrap()).await.unwrap();
        let error = index.project(&entries, 1).await.unwrap_err();
        assert!(crate::projector::is_full(&error), "{error}");
        index.renew_writer().await;
        index.project(&entries, 1).await.unwrap();
        assert_eq!(index.restore().await.unwrap().position, end);
        index.close().await;
        index.renew_writer().await;
        assert!(index.project(&entries, 1).await.is_err(), "what is closed stays closed");
    }
}
