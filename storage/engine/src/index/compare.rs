//! Comparing the index with another one that was made from the same journal, for check.

use super::Index;
use super::blocks::tally;
use super::load::position;
use crate::journal::Position;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row, SqliteConnection};
use std::path::Path;

/// What must be the same in both, as `(what, rows)`; `{}` is one or the other.
const SAME: &[(&str, &str)] = &[
    ("account", "SELECT id, record FROM {}.accounts"),
    ("app password", "SELECT id, record FROM {}.app_passwords"),
    ("confirmation for app password", "SELECT app_password, network, at FROM {}.confirmations"),
    ("quota of account or collection", "SELECT root, kind, bytes, items FROM {}.quotas"),
    ("annotations of collection", "SELECT collection, account, record FROM {}.annotations"),
    ("head of collection", "SELECT collection, uid_next, modseq, items, unseen, deleted, bytes FROM {}.heads"),
    ("item of collection", "SELECT collection, number, record FROM {}.item_blocks"),
    ("large content of collection", "SELECT collection, segment, uid FROM {}.large"),
    // How many were forgotten depends on how many changes went into one transaction.
    (
        "tombstone of collection",
        "SELECT collection, modseq, count, record FROM {}.tombstones t WHERE modseq > max(
            coalesce((SELECT modseq FROM main.forgotten f WHERE f.collection = t.collection), 0),
            coalesce((SELECT modseq FROM fresh.forgotten f WHERE f.collection = t.collection), 0))",
    ),
    ("audit line", "SELECT line, account, record FROM {}.audit"),
    ("record of app password, account, group, alias or lock", "SELECT id, kind, record FROM {}.records"),
];

/// Differences of one kind that are listed.
const LISTED_MAX: usize = 20;

/// The index as it is at one position, whatever is written meanwhile.
pub(crate) struct Held {
    connection: SqliteConnection,
    position: Position,
}

impl Index {
    /// Keep looking at the index as it is now, ready to compare it with the one at `fresh`.
    pub(crate) async fn hold(&self, fresh: &Path) -> Result<Held, sqlx::Error> {
        let options = SqliteConnectOptions::new().filename(&self.path).read_only(true).disable_statement_logging();
        let mut connection = options.connect().await?;
        sqlx::query("ATTACH $1 AS fresh").bind(fresh.to_string_lossy().into_owned()).execute(&mut connection).await?;
        // The first read of a transaction fixes what it sees; of the attached file that is later.
        sqlx::query("BEGIN").execute(&mut connection).await?;
        let position = position(&mut connection).await?;
        Ok(Held { connection, position })
    }
}

impl Held {
    pub(crate) fn position(&self) -> Position {
        self.position
    }

    /// What differs from the other index, and whose head does not agree with its items.
    pub(crate) async fn compare(mut self) -> Result<Vec<String>, sqlx::Error> {
        let mut faults = Vec::new();
        for (what, rows) in SAME {
            for (here, there, fault) in
                [("main", "fresh", "is in the index but not in the journal"), ("fresh", "main", "is in the journal but not in the index")]
            {
                let sql = format!("{} EXCEPT {} LIMIT {LISTED_MAX}", rows.replace("{}", here), rows.replace("{}", there));
                for row in sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut self.connection).await? {
                    faults.push(format!("{what} {}: {fault}", row.try_get::<i64, _>(0)?));
                }
            }
        }
        faults.extend(self.compare_collections().await?);
        faults.extend(self.compare_heads().await?);
        self.connection.close().await?;
        Ok(faults)
    }

    /// Collections whose head says something else than their items.
    async fn compare_heads(&mut self) -> Result<Vec<String>, sqlx::Error> {
        let sums = tally(&mut self.connection).await?;
        let mut faults = Vec::new();
        for (id, head) in super::load::heads(&mut self.connection).await? {
            let sum = sums.get(&id).copied().unwrap_or_default();
            let agrees = (head.items, head.unseen, head.deleted, head.bytes) == (sum.items, sum.unseen, sum.deleted, sum.bytes);
            if (!agrees || head.uid_next <= sum.uid || head.modseq < sum.modseq) && faults.len() < LISTED_MAX {
                faults.push(format!("head of collection {id}: does not agree with the items"));
            }
        }
        Ok(faults)
    }

    /// Records of collections hold a head as well, of some moment or other: they are compared without it.
    async fn compare_collections(&mut self) -> Result<Vec<String>, sqlx::Error> {
        let here = super::load::collections(&mut self.connection, "SELECT record FROM main.collections").await?;
        let there = super::load::collections(&mut self.connection, "SELECT record FROM fresh.collections").await?;
        let mut differing: Vec<_> = here.iter().filter(|(id, c)| there.get(id) != Some(c)).map(|(id, _)| *id).collect();
        differing.extend(there.keys().filter(|id| !here.contains_key(id)));
        differing.sort_unstable();
        Ok(differing.iter().take(LISTED_MAX).map(|id| format!("collection {id}: differs between index and journal")).collect())
    }
}
