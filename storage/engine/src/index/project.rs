//! Writing the index: a run of committed batches in one transaction, in statements that take many rows.

use super::Index;
use super::blocks::Blocks;
use crate::change::Change;
use crate::journal::Position;
use crate::state::{Entry, Record, Side};
use crate::view::TOMBSTONES_MAX;
use octroi_model::{
    Account, AccountId, Annotated, Annotations, AppPassword, AppPasswordId, AuditLine, Collection, CollectionId, Head, QuotaLimit,
    QuotaRoot, UnixTime,
};
use serde::Serialize;
use sqlx::{Connection, QueryBuilder, Sqlite, SqliteConnection};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Row counts of the statements that take many rows: few different ones, so that each stays prepared.
const ROWS: [usize; 4] = [256, 32, 4, 1];

/// [`Record`]s by kind in the table.
pub(super) const NARROWING: i64 = 0;
pub(super) const FACTORS: i64 = 1;
pub(super) const GROUP: i64 = 2;
pub(super) const SCRAM: i64 = 3;
pub(super) const ALIAS: i64 = 4;
pub(super) const LOCK: i64 = 5;

impl Index {
    /// Apply `entries`, which follow what the index has.
    pub(crate) async fn project(&self, entries: &[Entry], next_id: u64) -> Result<(), sqlx::Error> {
        let Some(last) = entries.last() else { return Ok(()) };
        let mut writer = self.writer().await?;
        let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await?;
        let mut writing = Writing::new(&mut transaction);
        for entry in entries {
            for change in entry.changes.iter() {
                writing.change(change);
            }
            for side in entry.sides.iter() {
                writing.side(side);
            }
        }
        writing.finish(last.end, next_id).await?;
        transaction.commit().await
    }
}

/// A transaction under way. Blocks of items are changed in the order of the changes; of all else only the last counts.
struct Writing<'a> {
    connection: &'a mut SqliteConnection,
    blocks: Blocks<'a>,
    heads: BTreeMap<CollectionId, Head>,
    collections: BTreeMap<CollectionId, Option<Arc<Collection>>>,
    accounts: BTreeMap<AccountId, Option<Arc<Account>>>,
    app_passwords: BTreeMap<AppPasswordId, Option<Arc<AppPassword>>>,
    /// `None`: has to be confirmed anew.
    confirmations: BTreeMap<(AppPasswordId, String), Option<UnixTime>>,
    records: BTreeMap<(i64, u64), Record>,
    quotas: BTreeMap<QuotaRoot, Option<QuotaLimit>>,
    annotations: BTreeMap<Annotated, Option<Arc<Annotations>>>,
    audit: Vec<Arc<AuditLine>>,
}

impl<'a> Writing<'a> {
    fn new(connection: &'a mut SqliteConnection) -> Self {
        Self {
            connection,
            blocks: Blocks::default(),
            heads: BTreeMap::new(),
            collections: BTreeMap::new(),
            accounts: BTreeMap::new(),
            app_passwords: BTreeMap::new(),
            confirmations: BTreeMap::new(),
            records: BTreeMap::new(),
            quotas: BTreeMap::new(),
            annotations: BTreeMap::new(),
            audit: Vec::new(),
        }
    }

    fn change(&mut self, change: &'a Change) {
        match change {
            Change::Put { collection, head, .. } | Change::Flag { collection, head, .. } | Change::Expunge { collection, head, .. } => {
                self.head(*collection, *head);
                self.blocks.push(change);
            }
            Change::Confirm(confirmation) => {
                self.confirmations.insert((confirmation.app_password, confirmation.network.clone()), Some(confirmation.at));
            }
            // Of several about one network the last counts.
            Change::Unconfirm { app_password, network } => {
                self.confirmations.insert((*app_password, network.clone()), None);
            }
            // All others are told by what they leave beside them.
            _ => {}
        }
    }

    fn side(&mut self, side: &Side) {
        match side {
            Side::Collection(collection) => {
                self.head(collection.id, collection.head);
                self.collections.insert(collection.id, Some(collection.clone()));
            }
            Side::CollectionGone(id) => {
                self.collections.insert(*id, None);
            }
            Side::Head(id, head) => self.head(*id, *head),
            Side::Tombstone(id, tombstone) => self.blocks.bury(*id, tombstone),
            Side::Account(account) => {
                self.accounts.insert(account.id, Some(account.clone()));
            }
            Side::AccountGone(id) => {
                self.accounts.insert(*id, None);
            }
            Side::AppPassword(app_password) => {
                self.app_passwords.insert(app_password.id, Some(app_password.clone()));
            }
            Side::AppPasswordGone(id) => {
                self.app_passwords.insert(*id, None);
            }
            Side::Quota(root, limit) => {
                self.quotas.insert(*root, *limit);
            }
            Side::Record(record) => {
                self.records.insert(record.key(), record.clone());
            }
            Side::Annotations(of, set) => {
                self.annotations.insert(*of, set.clone());
            }
            Side::Line(line) => self.audit.push(line.clone()),
        }
    }

    /// Heads come out of order, from changes and from what lies beside them; the later one has the larger modseq.
    fn head(&mut self, id: CollectionId, head: Head) {
        let known = self.heads.entry(id).or_insert(head);
        if known.modseq < head.modseq {
            *known = head;
        }
    }

    async fn finish(mut self, end: Position, next_id: u64) -> Result<(), sqlx::Error> {
        let buried: BTreeSet<CollectionId> = self.blocks.write(self.connection).await?;
        self.write_records().await?;
        self.write_heads().await?;
        for id in buried {
            self.prune_tombstones(id.0 as i64).await?;
        }
        let gone: Vec<_> = self.collections.iter().filter(|(_, record)| record.is_none()).map(|(id, _)| id.0 as i64).collect();
        for id in gone {
            for sql in [
                "DELETE FROM item_blocks WHERE collection = $1",
                "DELETE FROM large WHERE collection = $1",
                "DELETE FROM tombstones WHERE collection = $1",
                "DELETE FROM forgotten WHERE collection = $1",
                "DELETE FROM heads WHERE collection = $1",
            ] {
                sqlx::query(sql).bind(id).execute(&mut *self.connection).await?;
            }
        }
        for (key, value) in [("segment", end.segment), ("offset", end.offset), ("next_id", next_id)] {
            let sql = "INSERT OR REPLACE INTO meta (key, value) VALUES ($1, $2)";
            sqlx::query(sql).bind(key).bind(value as i64).execute(&mut *self.connection).await?;
        }
        Ok(())
    }

    async fn write_records(&mut self) -> Result<(), sqlx::Error> {
        for (id, collection) in &self.collections {
            let sql = ("INSERT OR REPLACE INTO collections (id, record) VALUES ($1, $2)", "DELETE FROM collections WHERE id = $1");
            write_record(self.connection, sql, id.0, collection.as_deref()).await?;
        }
        for (id, account) in &self.accounts {
            let sql = ("INSERT OR REPLACE INTO accounts (id, record) VALUES ($1, $2)", "DELETE FROM accounts WHERE id = $1");
            write_record(self.connection, sql, id.0, account.as_deref()).await?;
        }
        for (id, app_password) in &self.app_passwords {
            let sql = ("INSERT OR REPLACE INTO app_passwords (id, record) VALUES ($1, $2)", "DELETE FROM app_passwords WHERE id = $1");
            write_record(self.connection, sql, id.0, app_password.as_deref()).await?;
        }
        for ((app_password, network), at) in &self.confirmations {
            let sql = match at {
                Some(_) => "INSERT OR REPLACE INTO confirmations (app_password, network, at) VALUES ($1, $2, $3)",
                None => "DELETE FROM confirmations WHERE app_password = $1 AND network = $2",
            };
            let query = sqlx::query(sql).bind(app_password.0 as i64).bind(network);
            let query = if let Some(at) = at { query.bind(at.0) } else { query };
            query.execute(&mut *self.connection).await?;
        }
        for ((kind, id), record) in &self.records {
            let query = match record.bytes()? {
                Some(bytes) => {
                    let sql = "INSERT OR REPLACE INTO records (kind, id, record) VALUES ($1, $2, $3)";
                    sqlx::query(sql).bind(kind).bind(*id as i64).bind(bytes)
                }
                None => sqlx::query("DELETE FROM records WHERE kind = $1 AND id = $2").bind(kind).bind(*id as i64),
            };
            query.execute(&mut *self.connection).await?;
        }
        for id in self.app_passwords.iter().filter(|(_, record)| record.is_none()).map(|(id, _)| id.0 as i64) {
            sqlx::query("DELETE FROM confirmations WHERE app_password = $1").bind(id).execute(&mut *self.connection).await?;
        }
        super::quotas::write(self.connection, &self.quotas).await?;
        super::annotations::write(self.connection, &self.annotations).await?;
        for line in &self.audit {
            let query = sqlx::query("INSERT INTO audit (line, account, record) VALUES ($1, $2, $3)").bind(line.number as i64);
            let query = query.bind(line.entry.account.map(|id| id.0 as i64)).bind(bytes(line)?);
            query.execute(&mut *self.connection).await?;
        }
        Ok(())
    }

    async fn write_heads(&mut self) -> Result<(), sqlx::Error> {
        let heads: Vec<_> = std::mem::take(&mut self.heads).into_iter().collect();
        let mut rest = heads.as_slice();
        for rows in ROWS {
            while rest.len() >= rows {
                let (now, later) = rest.split_at(rows);
                rest = later;
                let mut query = QueryBuilder::<Sqlite>::new(
                    "INSERT OR REPLACE INTO heads (collection, uid_next, modseq, items, unseen, deleted, bytes) ",
                );
                query.push_values(now, |mut row, (id, head)| {
                    row.push_bind(id.0 as i64)
                        .push_bind(i64::from(head.uid_next.0))
                        .push_bind(head.modseq.0 as i64)
                        .push_bind(i64::from(head.items))
                        .push_bind(i64::from(head.unseen))
                        .push_bind(i64::from(head.deleted))
                        .push_bind(head.bytes as i64);
                });
                query.build().execute(&mut *self.connection).await?;
            }
        }
        Ok(())
    }

    /// As [`crate::view::View::prune_tombstones`].
    async fn prune_tombstones(&mut self, id: i64) -> Result<(), sqlx::Error> {
        let count: Option<i64> =
            sqlx::query_scalar("SELECT sum(count) FROM tombstones WHERE collection = $1").bind(id).fetch_one(&mut *self.connection).await?;
        let count = count.unwrap_or(0);
        if count <= TOMBSTONES_MAX as i64 {
            return Ok(());
        }
        let excess = count - TOMBSTONES_MAX as i64 * 3 / 4;
        // Up to the row that holds the last of those in excess.
        let forget = "INSERT OR REPLACE INTO forgotten (collection, modseq) SELECT $1, min(modseq) FROM
            (SELECT modseq, sum(count) OVER (ORDER BY modseq, line) AS so_far FROM tombstones WHERE collection = $1)
            WHERE so_far >= $2";
        sqlx::query(forget).bind(id).bind(excess).execute(&mut *self.connection).await?;
        let prune = "DELETE FROM tombstones WHERE collection = $1
            AND modseq <= (SELECT modseq FROM forgotten WHERE collection = $1)";
        sqlx::query(prune).bind(id).execute(&mut *self.connection).await?;
        Ok(())
    }
}

impl Record {
    /// Its place in the table.
    fn key(&self) -> (i64, u64) {
        match self {
            Self::Narrowing(id, _) => (NARROWING, id.0),
            Self::Scram(id, _) => (SCRAM, id.0),
            Self::Factors(id, _) => (FACTORS, id.0),
            Self::Group(id, _) => (GROUP, id.0),
            Self::Alias(id, _) => (ALIAS, id.0),
            Self::Lock(id, _) => (LOCK, id.0),
        }
    }

    fn bytes(&self) -> Result<Option<Vec<u8>>, sqlx::Error> {
        match self {
            Self::Narrowing(_, record) => record.as_deref().map(bytes),
            Self::Scram(_, record) => record.as_deref().map(bytes),
            Self::Factors(_, record) => record.as_deref().map(bytes),
            Self::Group(_, record) => record.as_deref().map(bytes),
            Self::Alias(_, record) => record.as_deref().map(bytes),
            Self::Lock(_, record) => record.as_deref().map(bytes),
        }
        .transpose()
    }
}

/// Write or delete one record, with the statement for each.
async fn write_record<T: Serialize>(
    connection: &mut SqliteConnection,
    (insert, delete): (&'static str, &'static str),
    id: u64,
    record: Option<&T>,
) -> Result<(), sqlx::Error> {
    let query = match record {
        Some(record) => sqlx::query(insert).bind(id as i64).bind(bytes(record)?),
        None => sqlx::query(delete).bind(id as i64),
    };
    query.execute(connection).await?;
    Ok(())
}

pub(super) fn bytes<T: Serialize>(record: &T) -> Result<Vec<u8>, sqlx::Error> {
    postcard::to_stdvec(record).map_err(|error| sqlx::Error::Encode(error.into()))
}
