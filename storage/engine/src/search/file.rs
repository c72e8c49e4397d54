//! `search.sqlite`: blocks as they are kept, and how far they go. Deleting it is always safe.
//!
//! Written by the follower alone, one transaction for blocks and the position of the journal that they reach: it may be behind, never
//! wrong. Every blob has a checksum, as SQLite has none: rot is noticed, and the whole is made anew.

use super::block::{Encoded, EncodedSection, Key, Section};
use crate::journal::Position;
use crate::log;
use crate::pack::{pack, unpack};
use octroi_model::AccountId;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row, SqliteConnection};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::Mutex;

/// Moved when the tables, the tokens or what is written in a block change: a file of another version is made anew.
const VERSION: i64 = 4;
/// Octets of a row of postings: what is read at least.
const CHUNK_BYTES: usize = 64 << 10;
/// More cannot be in a row: all that may be merged into a block. A length that is rotten must not ask for memory.
const UNPACKED_BYTES_MAX: usize = 256 << 20;
/// Bits of a row's number that count chunks within a section.
const CHUNK_BITS: u32 = 20;
/// Page cache of the writer in KiB (negative, says SQLite).
const CACHE_KIB: &str = "-1024";
/// The same of each connection that reads: the way to a row; dictionaries are kept elsewhere, and positions are read once.
const READER_CACHE_KIB: &str = "-256";
/// Large values lie on pages of their own; larger pages make fewer.
const PAGE_BYTES: u32 = 16 << 10;
/// Rows named in one statement.
const ROWS_AT_ONCE: usize = 256;

const TABLES: &[&str] = &[
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE blocks (block INTEGER PRIMARY KEY, account INTEGER NOT NULL, bytes INTEGER NOT NULL, sum INTEGER NOT NULL,
        keys BLOB NOT NULL) STRICT",
    "CREATE INDEX blocks_of ON blocks (account)",
    "CREATE TABLE terms (place INTEGER PRIMARY KEY, bytes INTEGER NOT NULL, sum INTEGER NOT NULL, octets BLOB NOT NULL) STRICT",
    "CREATE TABLE postings (place INTEGER PRIMARY KEY, bytes INTEGER NOT NULL, sum INTEGER NOT NULL, octets BLOB NOT NULL) STRICT",
];

/// How far the file goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Reached {
    /// All that the journal has up to here was taken in, except for what `is_whole` says.
    pub(crate) position: Position,
    /// What was there before the file was made has been taken in as well.
    pub(crate) is_whole: bool,
    /// If not, the last mailbox of which it has, by its number.
    pub(crate) mailbox: u64,
}

/// A block as it is listed.
#[derive(Debug, Clone)]
pub(crate) struct Listed {
    pub(crate) block: u64,
    pub(crate) bytes: u64,
    pub(crate) keys: Vec<Key>,
}

/// What one transaction does.
#[derive(Debug, Default)]
pub(crate) struct Writing {
    pub(crate) added: Vec<(u64, AccountId, Encoded)>,
    pub(crate) removed: Vec<u64>,
    pub(crate) reached: Reached,
}

/// The file.
#[derive(Debug)]
pub(crate) struct SearchFile {
    path: PathBuf,
    options: SqliteConnectOptions,
    /// Made when it is needed.
    writer: Mutex<Option<SqliteConnection>>,
    readers: SqlitePool,
}

impl SearchFile {
    /// Open the file; one that is not there, of another version or unusable is made anew, empty.
    pub(crate) async fn open(path: &Path) -> Result<Self, sqlx::Error> {
        match Self::try_open(path).await {
            Ok(Some(file)) => return Ok(file),
            Ok(None) => tracing::info!("the search index is of another version: making it anew"),
            Err(error) => tracing::warn!(%error, "the search index cannot be used: making it anew"),
        }
        crate::index::Index::remove(path)?;
        Self::try_open(path).await?.ok_or_else(|| sqlx::Error::Protocol("its version is not what was just written".into()))
    }

    async fn try_open(path: &Path) -> Result<Option<Self>, sqlx::Error> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .page_size(PAGE_BYTES)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(Duration::from_secs(30))
            .pragma("cache_size", CACHE_KIB)
            // What is deleted must not stay behind in free pages.
            .pragma("secure_delete", "ON")
            .disable_statement_logging();
        let mut writer = options.clone().connect().await?;
        if !prepare(&mut writer).await? {
            writer.close().await?;
            return Ok(None);
        }
        let readers = SqlitePoolOptions::new()
            .max_connections(crate::index::readers())
            .test_before_acquire(false)
            .connect_lazy_with(options.clone().create_if_missing(false).read_only(true).pragma("cache_size", READER_CACHE_KIB));
        Ok(Some(Self { path: path.to_owned(), options: options.create_if_missing(false), writer: Mutex::new(Some(writer)), readers }))
    }

    /// Close it; nothing can be read or written any more.
    pub(crate) async fn close(&self) {
        self.readers.close().await;
        if let Some(writer) = self.writer.lock().await.take()
            && let Err(error) = writer.close().await
        {
            tracing::warn!(%error, "the search index was not closed properly");
        }
    }

    /// Remove it, after it was closed.
    pub(crate) fn remove(&self) -> std::io::Result<()> {
        crate::index::Index::remove(&self.path)
    }

    /// How far it goes.
    pub(crate) async fn reached(&self) -> Result<Reached, sqlx::Error> {
        let rows = sqlx::query("SELECT key, value FROM meta").fetch_all(&self.readers).await?;
        let mut meta = BTreeMap::new();
        for row in rows {
            meta.insert(row.try_get::<String, _>(0)?, row.try_get::<i64, _>(1)? as u64);
        }
        let of = |key| meta.get(key).copied().unwrap_or(0);
        Ok(Reached {
            position: Position { segment: of("segment"), offset: of("offset") },
            is_whole: of("is_whole") == 1,
            mailbox: of("mailbox"),
        })
    }

    /// The largest number of a block.
    pub(crate) async fn last_block(&self) -> Result<u64, sqlx::Error> {
        let last: Option<i64> = sqlx::query_scalar("SELECT max(block) FROM blocks").fetch_one(&self.readers).await?;
        Ok(last.unwrap_or(0) as u64)
    }

    /// The accounts that have blocks.
    pub(crate) async fn accounts(&self) -> Result<Vec<AccountId>, sqlx::Error> {
        let accounts: Vec<i64> = sqlx::query_scalar("SELECT DISTINCT account FROM blocks").fetch_all(&self.readers).await?;
        Ok(accounts.into_iter().map(|account| AccountId(account as u64)).collect())
    }

    /// The blocks of an account.
    pub(crate) async fn blocks(&self, account: AccountId) -> Result<Vec<Listed>, sqlx::Error> {
        let rows = sqlx::query("SELECT block, bytes, sum, keys FROM blocks WHERE account = $1 ORDER BY block")
            .bind(account.0 as i64)
            .fetch_all(&self.readers)
            .await?;
        let listed = |row: &SqliteRow| {
            let octets = checked(row, 2, 3)?;
            let keys = octets.chunks_exact(size_of::<Key>()).filter_map(|key| Key::try_from(key).ok()).collect();
            Ok(Listed { block: row.try_get::<i64, _>(0)? as u64, bytes: row.try_get::<i64, _>(1)? as u64, keys })
        };
        rows.iter().map(listed).collect()
    }

    /// The dictionary of a section.
    pub(crate) async fn terms(&self, block: u64, section: Section) -> Result<Vec<u8>, sqlx::Error> {
        let sql = "SELECT bytes, sum, octets FROM terms WHERE place = $1";
        unpacked(&sqlx::query(sql).bind(place(block, section)).fetch_one(&self.readers).await?, 0)
    }

    /// Postings at these places of a section, in their order.
    pub(crate) async fn postings(&self, block: u64, section: Section, ranges: &[Range<u64>]) -> Result<Vec<Vec<u8>>, sqlx::Error> {
        let chunks = |range: &Range<u64>| range.start / CHUNK_BYTES as u64..range.end.div_ceil(CHUNK_BYTES as u64);
        let mut wanted: Vec<i64> = ranges.iter().flat_map(chunks).map(|chunk| chunk_place(block, section, chunk)).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let mut rows: BTreeMap<i64, Vec<u8>> = BTreeMap::new();
        for places in wanted.chunks(ROWS_AT_ONCE) {
            let list = places.iter().map(i64::to_string).collect::<Vec<_>>().join(",");
            // Nothing but numbers.
            let sql = format!("SELECT place, bytes, sum, octets FROM postings WHERE place IN ({list})");
            for row in sqlx::query(AssertSqlSafe(sql)).persistent(false).fetch_all(&self.readers).await? {
                rows.insert(row.try_get(0)?, unpacked(&row, 1)?);
            }
        }
        let cut = |range: &Range<u64>| {
            let mut octets = Vec::with_capacity((range.end - range.start) as usize);
            for chunk in chunks(range) {
                let row = rows.get(&chunk_place(block, section, chunk)).ok_or(sqlx::Error::RowNotFound)?;
                let base = chunk * CHUNK_BYTES as u64;
                let from = range.start.saturating_sub(base) as usize;
                let to = (range.end - base).min(CHUNK_BYTES as u64) as usize;
                octets.extend_from_slice(row.get(from..to).ok_or(sqlx::Error::RowNotFound)?);
            }
            Ok(octets)
        };
        ranges.iter().map(cut).collect()
    }

    /// A whole block.
    pub(crate) async fn load(&self, block: u64, keys: Vec<Key>) -> Result<Encoded, sqlx::Error> {
        let mut sections: [EncodedSection; 2] = Default::default();
        for section in Section::ALL {
            let terms = self.terms(block, section).await?;
            let (from, to) = (chunk_place(block, section, 0), chunk_place(block, section, (1 << CHUNK_BITS) - 1));
            let rows = sqlx::query("SELECT bytes, sum, octets FROM postings WHERE place BETWEEN $1 AND $2 ORDER BY place")
                .bind(from)
                .bind(to)
                .fetch_all(&self.readers)
                .await?;
            let mut postings = Vec::new();
            for row in &rows {
                postings.extend(unpacked(row, 0)?);
            }
            sections[section as usize] = EncodedSection { terms, postings };
        }
        Ok(Encoded { keys, sections })
    }

    /// Does its write-ahead log take more room than it should when there is nothing to do?
    pub(crate) fn has_long_log(&self) -> bool {
        log::is_long(&self.path)
    }

    /// Empty the write-ahead log into the file, so that what was deleted is in neither. Not while others read: then it is done later.
    pub(crate) async fn checkpoint(&self) -> Result<(), sqlx::Error> {
        let mut writer = self.writer.lock().await;
        let Some(writer) = writer.as_mut() else { return Ok(()) };
        if !log::empty(writer).await? {
            tracing::debug!("the log of the search index was not emptied: somebody reads");
        }
        Ok(())
    }

    /// Give back what is cached.
    pub(crate) async fn shrink(&self) -> Result<(), sqlx::Error> {
        match self.writer.lock().await.as_mut() {
            Some(writer) => log::shrink(writer).await,
            None => Ok(()),
        }
    }

    /// Do all of it, or nothing.
    pub(crate) async fn write(&self, writing: &Writing) -> Result<(), sqlx::Error> {
        let mut kept = self.writer.lock().await;
        if self.readers.is_closed() {
            return Err(sqlx::Error::PoolClosed);
        }
        // After a failure it is another one: SQLite may have ended the transaction by itself, which the driver does not know.
        let mut writer = match kept.take() {
            Some(writer) => writer,
            None => self.options.connect().await?,
        };
        Self::write_with(&mut writer, writing).await?;
        *kept = Some(writer);
        Ok(())
    }

    async fn write_with(writer: &mut SqliteConnection, writing: &Writing) -> Result<(), sqlx::Error> {
        let mut transaction = Connection::begin_with(writer, "BEGIN IMMEDIATE").await?;
        for block in &writing.removed {
            sqlx::query("DELETE FROM blocks WHERE block = $1").bind(*block as i64).execute(&mut *transaction).await?;
            for section in Section::ALL {
                sqlx::query("DELETE FROM terms WHERE place = $1").bind(place(*block, section)).execute(&mut *transaction).await?;
                sqlx::query("DELETE FROM postings WHERE place BETWEEN $1 AND $2")
                    .bind(chunk_place(*block, section, 0))
                    .bind(chunk_place(*block, section, (1 << CHUNK_BITS) - 1))
                    .execute(&mut *transaction)
                    .await?;
            }
        }
        for (block, account, encoded) in &writing.added {
            insert(&mut transaction, *block, *account, encoded).await?;
        }
        let Reached { position, is_whole, mailbox } = writing.reached;
        for (key, value) in
            [("segment", position.segment), ("offset", position.offset), ("is_whole", u64::from(is_whole)), ("mailbox", mailbox)]
        {
            sqlx::query("INSERT OR REPLACE INTO meta (key, value) VALUES ($1, $2)")
                .bind(key)
                .bind(value as i64)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await
    }
}

async fn insert(connection: &mut SqliteConnection, block: u64, account: AccountId, encoded: &Encoded) -> Result<(), sqlx::Error> {
    let keys = encoded.keys.concat();
    sqlx::query("INSERT INTO blocks (block, account, bytes, sum, keys) VALUES ($1, $2, $3, $4, $5)")
        .bind(block as i64)
        .bind(account.0 as i64)
        .bind(encoded.bytes() as i64)
        .bind(i64::from(crc32fast::hash(&keys)))
        .bind(keys)
        .execute(&mut *connection)
        .await?;
    for section in Section::ALL {
        let EncodedSection { terms, postings } = &encoded.sections[section as usize];
        insert_packed(connection, "INSERT INTO terms VALUES ($1, $2, $3, $4)", place(block, section), terms).await?;
        for (chunk, octets) in (0..).zip(postings.chunks(CHUNK_BYTES)) {
            let place = chunk_place(block, section, chunk);
            insert_packed(connection, "INSERT INTO postings VALUES ($1, $2, $3, $4)", place, octets).await?;
        }
    }
    Ok(())
}

/// Packed if that is shorter.
async fn insert_packed(connection: &mut SqliteConnection, sql: &'static str, place: i64, octets: &[u8]) -> Result<(), sqlx::Error> {
    let packed = pack(octets);
    let stored = packed.as_deref().unwrap_or(octets);
    sqlx::query(sql)
        .bind(place)
        .bind(octets.len() as i64)
        .bind(i64::from(crc32fast::hash(stored)))
        .bind(stored)
        .execute(connection)
        .await
        .map(|_| ())
}

/// What [`insert_packed`] wrote, of a row in which its columns begin at `from`.
fn unpacked(row: &SqliteRow, from: usize) -> Result<Vec<u8>, sqlx::Error> {
    let bytes: i64 = row.try_get(from)?;
    let stored = checked(row, from + 1, from + 2)?;
    if bytes == stored.len() as i64 {
        return Ok(stored.to_vec());
    }
    let bytes = usize::try_from(bytes).ok().filter(|bytes| *bytes <= UNPACKED_BYTES_MAX);
    let bytes = bytes.ok_or_else(|| sqlx::Error::Protocol("a length is wrong".into()))?;
    unpack(stored, bytes).map_err(|error| sqlx::Error::Protocol(error.to_string()))
}

async fn prepare(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema").fetch_one(&mut *connection).await?;
    if tables > 0 {
        let found: Option<i64> =
            sqlx::query_scalar("SELECT value FROM meta WHERE key = 'version'").fetch_optional(&mut *connection).await?;
        return Ok(found == Some(VERSION));
    }
    let mut transaction = Connection::begin_with(connection, "BEGIN IMMEDIATE").await?;
    for table in TABLES {
        sqlx::query(*table).execute(&mut *transaction).await?;
    }
    sqlx::query("INSERT INTO meta (key, value) VALUES ('version', $1)").bind(VERSION).execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(true)
}

/// A blob whose checksum is right.
fn checked(row: &SqliteRow, sum: usize, octets: usize) -> Result<&[u8], sqlx::Error> {
    let octets: &[u8] = row.try_get(octets)?;
    let sum: i64 = row.try_get(sum)?;
    if i64::from(crc32fast::hash(octets)) == sum { Ok(octets) } else { Err(sqlx::Error::Protocol("a checksum is wrong".into())) }
}

fn place(block: u64, section: Section) -> i64 {
    (block << 1 | section as u64) as i64
}

fn chunk_place(block: u64, section: Section, chunk: u64) -> i64 {
    ((block << 1 | section as u64) << CHUNK_BITS | chunk) as i64
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// A full disk ended SQLite's transaction behind the driver's back; every later write failed until the file was made anew.
    #[tokio::test]
    async fn writing_goes_on_once_there_is_room() {
        let dir = tempfile::tempdir().unwrap();
        let file = SearchFile::open(&dir.path().join("search.sqlite")).await.unwrap();
        // They do not shrink.
        let mut octets = vec![0; 1 << 20];
        blake3::Hasher::new().finalize_xof().fill(&mut octets);
        let section = EncodedSection { terms: octets.clone(), postings: octets };
        let block = || Encoded { keys: vec![[7; 16]], sections: [section.clone(), section.clone()] };
        let reached = Reached { position: Position { segment: 1, offset: 99 }, is_whole: true, mailbox: 3 };
        sqlx::query("PRAGMA max_page_count = 40").execute(file.writer.lock().await.as_mut().unwrap()).await.unwrap();
        let writing = Writing { added: vec![(1, AccountId(5), block())], removed: vec![], reached };
        let error = file.write(&writing).await.unwrap_err();
        assert!(crate::projector::is_full(&error), "{error}");
        assert_eq!(file.reached().await.unwrap(), Reached::default());
        assert!(file.blocks(AccountId(5)).await.unwrap().is_empty());
        file.write(&writing).await.unwrap();
        assert_eq!(file.reached().await.unwrap(), reached);
        let loaded = file.load(1, vec![[7; 16]]).await.unwrap();
        assert_eq!((&loaded.sections[0].terms, &loaded.sections[1].postings), (&section.terms, &section.postings));
        let ranges = [0..5, 65_530..65_540, 1_048_000..1_048_576];
        let parts = file.postings(1, Section::Body, &ranges).await.unwrap();
        assert!(ranges.iter().zip(parts).all(|(range, part)| part == section.postings[range.start as usize..range.end as usize]));
        file.write(&Writing { added: vec![], removed: vec![1], reached }).await.unwrap();
        assert!(matches!(file.terms(1, Section::Body).await, Err(sqlx::Error::RowNotFound)));
        assert!(file.postings(1, Section::Header, &ranges[..1]).await.is_err());
        file.close().await;
        assert!(matches!(file.write(&writing).await, Err(sqlx::Error::PoolClosed)));
    }
}
