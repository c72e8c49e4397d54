//! Reading the index: all that is kept in memory at open, the items of one collection, the last lines of the audit.

use super::Index;
use super::blocks::{self, Graves};
use super::project::{ALIAS, FACTORS, GROUP, LOCK, NARROWING, SCRAM};
use crate::journal::Position;
use crate::trail::Trail;
use crate::view::{View, ViewBuilder};
use octroi_model::{
    Account, AccountId, Alias, Annotated, Annotations, AppPassword, AppPasswordId, AuditFrom, AuditLine, AuditQuery, Collection,
    CollectionId, Confirmation, Factors, Group, Head, Item, Lock, ModSeq, Narrowing, QuotaLimit, QuotaRoot, ScramKeys, Uid, UnixTime,
};
use serde::de::DeserializeOwned;
use sqlx::sqlite::{SqliteConnectOptions, SqliteRow};
use sqlx::{ConnectOptions, Connection, Row, SqliteConnection};
use std::collections::HashMap;
use std::path::Path;

const NEWEST_LINES: &str = "SELECT record FROM audit WHERE line < $1 AND ($2 IS NULL OR account = $2) ORDER BY line DESC LIMIT $3";
const OLDEST_LINES: &str = "SELECT record FROM audit WHERE line > $1 AND ($2 IS NULL OR account = $2) ORDER BY line LIMIT $3";

/// What the index knew when it was opened.
#[derive(Debug, Default)]
pub(crate) struct Restored {
    pub(crate) position: Position,
    pub(crate) next_id: u64,
    pub(crate) accounts: Vec<Account>,
    pub(crate) app_passwords: Vec<AppPassword>,
    pub(crate) confirmations: Vec<Confirmation>,
    pub(crate) narrowings: Vec<(AppPasswordId, Narrowing)>,
    pub(crate) scram: Vec<(AppPasswordId, ScramKeys)>,
    pub(crate) factors: Vec<(AccountId, Factors)>,
    pub(crate) groups: Vec<Group>,
    pub(crate) aliases: Vec<Alias>,
    pub(crate) locks: Vec<Lock>,
    pub(crate) trail: Trail,
    pub(crate) collections: Vec<Collection>,
    pub(crate) quotas: Vec<(QuotaRoot, QuotaLimit)>,
    pub(crate) annotations: Vec<(Annotated, Annotations)>,
}

impl Index {
    /// All but items, tombstones and audit.
    pub(crate) async fn restore(&self) -> Result<Restored, sqlx::Error> {
        let mut writer = self.writer().await?;
        let mut restored = Restored { position: position(&mut writer).await?, ..Restored::default() };
        restored.next_id = meta(&mut writer, "next_id").await?;
        restored.accounts = records(&mut writer, "SELECT record FROM accounts").await?;
        restored.app_passwords = records(&mut writer, "SELECT record FROM app_passwords").await?;
        for row in sqlx::query("SELECT app_password, network, at FROM confirmations").fetch_all(&mut *writer).await? {
            restored.confirmations.push(Confirmation {
                app_password: AppPasswordId(row.try_get::<i64, _>(0)? as u64),
                network: row.try_get(1)?,
                at: UnixTime(row.try_get(2)?),
            });
        }
        for row in sqlx::query("SELECT kind, id, record FROM records").fetch_all(&mut *writer).await? {
            let id = row.try_get::<i64, _>(1)? as u64;
            match row.try_get::<i64, _>(0)? {
                NARROWING => restored.narrowings.push((AppPasswordId(id), record(&row, 2)?)),
                SCRAM => restored.scram.push((AppPasswordId(id), record(&row, 2)?)),
                FACTORS => restored.factors.push((AccountId(id), record(&row, 2)?)),
                GROUP => restored.groups.push(record(&row, 2)?),
                ALIAS => restored.aliases.push(record(&row, 2)?),
                LOCK => restored.locks.push(record(&row, 2)?),
                kind => return Err(sqlx::Error::Decode(format!("a record of kind {kind}").into())),
            }
        }
        let last = sqlx::query("SELECT record FROM audit ORDER BY line DESC LIMIT 1").fetch_optional(&mut *writer).await?;
        restored.trail = last.map(|row| record::<AuditLine>(&row, 0)).transpose()?.map_or(Trail::default(), |line| Trail::at(&line));
        restored.quotas = super::quotas::read(&mut writer).await?;
        restored.annotations = super::annotations::read(&mut writer).await?;
        let heads = heads(&mut writer).await?;
        restored.collections = records(&mut writer, "SELECT record FROM collections").await?;
        for collection in &mut restored.collections {
            if let Some(head) = heads.get(&collection.id) {
                collection.head = *head;
            }
        }
        Ok(restored)
    }

    /// The position that the index at `path` has reached, if it can be read; the file stays as it is.
    pub(crate) async fn peek(path: &Path) -> Option<Position> {
        let options = SqliteConnectOptions::new().filename(path).read_only(true).disable_statement_logging();
        let mut connection = options.connect().await.ok()?;
        let position = position(&mut connection).await.ok();
        let _ = connection.close().await;
        position
    }

    /// A collection's items and tombstones and the position they are from; `collection` is for all else that a view holds.
    pub(crate) async fn load_view(&self, collection: &Collection) -> Result<(View, Position), sqlx::Error> {
        let mut transaction = self.readers.begin().await?;
        let position = position(&mut transaction).await?;
        let id = collection.id.0 as i64;
        let mut building = ViewBuilder::new(collection);
        let mut rows =
            sqlx::query("SELECT record FROM item_blocks WHERE collection = $1 ORDER BY number").bind(id).fetch(&mut *transaction);
        while let Some(row) = blocks::next(&mut rows).await? {
            building.extend(blocks::decode(row.try_get(0)?)?);
        }
        drop(rows);
        let forgotten: Option<i64> =
            sqlx::query_scalar("SELECT modseq FROM forgotten WHERE collection = $1").bind(id).fetch_optional(&mut *transaction).await?;
        let rows = sqlx::query("SELECT modseq, record FROM tombstones WHERE collection = $1 ORDER BY modseq, line")
            .bind(id)
            .fetch_all(&mut *transaction)
            .await?;
        let mut tombstones = Vec::new();
        for row in rows {
            tombstones.extend(Graves::decode(row.try_get(1)?, ModSeq(row.try_get::<i64, _>(0)? as u64))?);
        }
        transaction.commit().await?;
        Ok((building.finish(tombstones, ModSeq(forgotten.unwrap_or(0) as u64)), position))
    }

    /// Lines of the audit in the order that is asked for, and the position they are from.
    pub(crate) async fn audit(&self, wanted: &AuditQuery) -> Result<(Vec<AuditLine>, Position), sqlx::Error> {
        let mut transaction = self.readers.begin().await?;
        let position = position(&mut transaction).await?;
        let (sql, bound) = match wanted.from {
            AuditFrom::Newest => (NEWEST_LINES, i64::MAX),
            AuditFrom::Before(number) => (NEWEST_LINES, i64::try_from(number).unwrap_or(i64::MAX)),
            AuditFrom::After(number) => (OLDEST_LINES, i64::try_from(number).unwrap_or(i64::MAX)),
        };
        let rows = sqlx::query(sql)
            .bind(bound)
            .bind(wanted.account.map(|id| id.0 as i64))
            .bind(i64::try_from(wanted.lines_max).unwrap_or(i64::MAX))
            .fetch_all(&mut *transaction)
            .await?;
        let lines = rows.iter().map(|row| record(row, 0)).collect::<Result<_, _>>()?;
        transaction.commit().await?;
        Ok((lines, position))
    }

    /// Segments that items' large contents are in.
    pub(crate) async fn large_segments(&self) -> Result<Vec<u64>, sqlx::Error> {
        let mut writer = self.writer().await?;
        let segments: Vec<i64> = sqlx::query_scalar("SELECT DISTINCT segment FROM large").fetch_all(&mut *writer).await?;
        Ok(segments.into_iter().map(|segment| segment as u64).collect())
    }

    /// Items from `(collection, uid)` on, in that order: for check.
    pub(crate) async fn items_after(&self, after: (CollectionId, Uid), items_max: u32) -> Result<Vec<(CollectionId, Item)>, sqlx::Error> {
        let mut items = Vec::new();
        let sql = "SELECT collection, record FROM item_blocks WHERE (collection, number) >= ($1, $2) ORDER BY collection, number";
        let mut rows = sqlx::query(sql).bind(after.0.0 as i64).bind(i64::from(blocks::number(after.1))).fetch(&self.readers);
        while items.len() < items_max as usize
            && let Some(row) = blocks::next(&mut rows).await?
        {
            let collection = CollectionId(row.try_get::<i64, _>(0)? as u64);
            let found = blocks::decode(row.try_get(1)?)?.into_iter().map(|item| (collection, item));
            items.extend(found.filter(|(collection, item)| (*collection, item.uid) > after));
        }
        items.truncate(items_max as usize);
        Ok(items)
    }
}

/// The position that the index has reached.
pub(super) async fn position(connection: &mut SqliteConnection) -> Result<Position, sqlx::Error> {
    Ok(Position { segment: meta(connection, "segment").await?, offset: meta(connection, "offset").await? })
}

async fn meta(connection: &mut SqliteConnection, key: &str) -> Result<u64, sqlx::Error> {
    let value: Option<i64> = sqlx::query_scalar("SELECT value FROM meta WHERE key = $1").bind(key).fetch_optional(connection).await?;
    Ok(value.unwrap_or(0) as u64)
}

async fn records<T: DeserializeOwned>(connection: &mut SqliteConnection, query: &'static str) -> Result<Vec<T>, sqlx::Error> {
    sqlx::query(query).fetch_all(connection).await?.iter().map(|row| record(row, 0)).collect()
}

/// Collections by id, without their heads.
pub(super) async fn collections(
    connection: &mut SqliteConnection,
    query: &'static str,
) -> Result<HashMap<CollectionId, Collection>, sqlx::Error> {
    let all: Vec<Collection> = records(connection, query).await?;
    Ok(all.into_iter().map(|collection| (collection.id, Collection { head: Head::default(), ..collection })).collect())
}

pub(super) fn record<T: DeserializeOwned>(row: &SqliteRow, column: usize) -> Result<T, sqlx::Error> {
    let bytes: &[u8] = row.try_get(column)?;
    postcard::from_bytes(bytes).map_err(|error| sqlx::Error::Decode(error.into()))
}

/// The heads of all collections.
pub(super) async fn heads(connection: &mut SqliteConnection) -> Result<HashMap<CollectionId, Head>, sqlx::Error> {
    let sql = "SELECT collection, uid_next, modseq, items, unseen, deleted, bytes FROM main.heads";
    let rows = sqlx::query(sql).fetch_all(connection).await?;
    rows.iter().map(|row| Ok((CollectionId(row.try_get::<i64, _>(0)? as u64), head(row)?))).collect()
}

fn head(row: &SqliteRow) -> Result<Head, sqlx::Error> {
    Ok(Head {
        uid_next: Uid(row.try_get(1)?),
        modseq: ModSeq(row.try_get::<i64, _>(2)? as u64),
        items: row.try_get(3)?,
        unseen: row.try_get(4)?,
        deleted: row.try_get(5)?,
        bytes: row.try_get::<i64, _>(6)? as u64,
    })
}
