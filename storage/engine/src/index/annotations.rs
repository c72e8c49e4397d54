//! The table of annotations: one record for each mailbox and account.

use super::load::record;
use octroi_model::{AccountId, Annotated, Annotations, CollectionId};
use sqlx::{Row, SqliteConnection};
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) async fn read(connection: &mut SqliteConnection) -> Result<Vec<(Annotated, Annotations)>, sqlx::Error> {
    let rows = sqlx::query("SELECT collection, account, record FROM annotations").fetch_all(connection).await?;
    let set = |row: &sqlx::sqlite::SqliteRow| {
        // No id is 0.
        let id = |at| Ok::<_, sqlx::Error>(Some(row.try_get::<i64, _>(at)? as u64).filter(|id| *id != 0));
        Ok((Annotated { collection: id(0)?.map(CollectionId), account: id(1)?.map(AccountId) }, record(row, 2)?))
    };
    rows.iter().map(set).collect()
}

pub(super) async fn write(
    connection: &mut SqliteConnection,
    annotations: &BTreeMap<Annotated, Option<Arc<Annotations>>>,
) -> Result<(), sqlx::Error> {
    for (of, set) in annotations {
        let query = match set {
            Some(_) => sqlx::query("INSERT OR REPLACE INTO annotations (collection, account, record) VALUES ($1, $2, $3)"),
            None => sqlx::query("DELETE FROM annotations WHERE collection = $1 AND account = $2"),
        };
        let (collection, account) = (of.collection.map_or(0, |id| id.0), of.account.map_or(0, |id| id.0));
        let mut query = query.bind(collection as i64).bind(account as i64);
        if let Some(set) = set {
            query = query.bind(super::project::bytes(set)?);
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}
