//! What compaction remembers of segments: a table beside the others that follows no position of the journal.
//!
//! Whatever is not there, after the index was made anew for instance, is found out again or taken for the worst case.

use super::Index;
use octroi_model::UnixTime;
use sqlx::{Connection, Row};
use std::collections::BTreeMap;

const TABLE: &str =
    "CREATE TABLE IF NOT EXISTS segments (number INTEGER PRIMARY KEY, generation INTEGER NOT NULL, body_bytes INTEGER NOT NULL,
    bodies INTEGER NOT NULL, clean_at INTEGER NOT NULL) STRICT";

/// What is known of a closed segment as it was left by its last compaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentRow {
    pub(crate) generation: u32,
    /// Bytes of its bodies' frames.
    pub(crate) body_bytes: u64,
    pub(crate) bodies: u64,
    /// When it was last known to hold nothing that is not needed; before it could be looked at, when its first batch was committed.
    pub(crate) clean_at: UnixTime,
}

/// The row that says when the last pass ended, in `clean_at`.
pub(crate) const LAST_PASS: u64 = 0;

impl Index {
    /// All rows.
    pub(crate) async fn segments(&self) -> Result<BTreeMap<u64, SegmentRow>, sqlx::Error> {
        let mut writer = self.writer().await?;
        sqlx::query(TABLE).execute(&mut *writer).await?;
        let rows = sqlx::query("SELECT number, generation, body_bytes, bodies, clean_at FROM segments").fetch_all(&mut *writer).await?;
        let row = |row: &sqlx::sqlite::SqliteRow| {
            let known = SegmentRow {
                generation: row.try_get(1)?,
                body_bytes: row.try_get::<i64, _>(2)? as u64,
                bodies: row.try_get::<i64, _>(3)? as u64,
                clean_at: UnixTime(row.try_get(4)?),
            };
            Ok((row.try_get::<i64, _>(0)? as u64, known))
        };
        rows.iter().map(row).collect()
    }

    /// Put rows in, or in the place of those that are there.
    pub(crate) async fn remember_segments(&self, rows: &[(u64, SegmentRow)]) -> Result<(), sqlx::Error> {
        let mut writer = self.writer().await?;
        let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::query(TABLE).execute(&mut *transaction).await?;
        for (number, row) in rows {
            sqlx::query("INSERT OR REPLACE INTO segments (number, generation, body_bytes, bodies, clean_at) VALUES ($1, $2, $3, $4, $5)")
                .bind(*number as i64)
                .bind(row.generation)
                .bind(row.body_bytes as i64)
                .bind(row.bodies as i64)
                .bind(row.clean_at.0)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await
    }

    /// Bytes of its files.
    pub(crate) fn bytes(&self) -> u64 {
        let bytes = |ending: &str| {
            let mut name = self.path.as_os_str().to_owned();
            name.push(ending);
            std::fs::metadata(name).map_or(0, |metadata| metadata.len())
        };
        ["", "-wal", "-shm"].into_iter().map(bytes).sum()
    }
}
