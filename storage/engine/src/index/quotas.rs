//! The table of quotas: the limits alone, because what is used of them is added up from the heads.

use octroi_model::{AccountId, CollectionId, QuotaLimit, QuotaRoot};
use sqlx::{Row, SqliteConnection};
use std::collections::BTreeMap;

pub(super) async fn read(connection: &mut SqliteConnection) -> Result<Vec<(QuotaRoot, QuotaLimit)>, sqlx::Error> {
    let rows = sqlx::query("SELECT root, kind, bytes, items FROM quotas").fetch_all(connection).await?;
    let quota = |row: &sqlx::sqlite::SqliteRow| {
        let id = row.try_get::<i64, _>(0)? as u64;
        let root = if row.try_get::<i64, _>(1)? == 0 { QuotaRoot::Account(AccountId(id)) } else { QuotaRoot::Collection(CollectionId(id)) };
        let items = row.try_get::<Option<i64>, _>(3)?.map(|items| items as u64);
        Ok((root, QuotaLimit { bytes: row.try_get::<i64, _>(2)? as u64, items }))
    };
    rows.iter().map(quota).collect()
}

pub(super) async fn write(connection: &mut SqliteConnection, quotas: &BTreeMap<QuotaRoot, Option<QuotaLimit>>) -> Result<(), sqlx::Error> {
    for (root, limit) in quotas {
        let (kind, id) = match root {
            QuotaRoot::Account(id) => (0, id.0),
            QuotaRoot::Collection(id) => (1, id.0),
        };
        let query = match limit {
            Some(_) => sqlx::query("INSERT OR REPLACE INTO quotas (root, kind, bytes, items) VALUES ($1, $2, $3, $4)"),
            None => sqlx::query("DELETE FROM quotas WHERE root = $1 AND kind = $2"),
        };
        let mut query = query.bind(id as i64).bind(kind);
        if let Some(limit) = limit {
            query = query.bind(limit.bytes as i64).bind(limit.items.map(|items| items as i64));
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}
