//! The tables. Records are postcard, as in the journal; what SQL must look at stands in a column beside them.

use sqlx::SqliteConnection;

const TABLES: &[&str] = &[
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE accounts (id INTEGER PRIMARY KEY, record BLOB NOT NULL) STRICT",
    "CREATE TABLE app_passwords (id INTEGER PRIMARY KEY, record BLOB NOT NULL) STRICT",
    "CREATE TABLE confirmations (app_password INTEGER NOT NULL, network TEXT NOT NULL, at INTEGER NOT NULL,
        PRIMARY KEY (app_password, network)) STRICT, WITHOUT ROWID",
    // Under its number.
    "CREATE TABLE audit (line INTEGER PRIMARY KEY, account INTEGER, record BLOB NOT NULL) STRICT",
    "CREATE INDEX audit_of ON audit (account, line)",
    // Narrowings of app passwords (`kind` 0), second factors of accounts (1), groups (2), what SCRAM proves app passwords by (3),
    // addresses that are no account's (4).
    "CREATE TABLE records (kind INTEGER NOT NULL, id INTEGER NOT NULL, record BLOB NOT NULL, PRIMARY KEY (kind, id)) STRICT, WITHOUT ROWID",
    // The head in a collection's record is not kept up: it is in `heads`.
    "CREATE TABLE collections (id INTEGER PRIMARY KEY, record BLOB NOT NULL) STRICT",
    "CREATE TABLE heads (collection INTEGER PRIMARY KEY, uid_next INTEGER NOT NULL, modseq INTEGER NOT NULL, items INTEGER NOT NULL,
        unseen INTEGER NOT NULL, deleted INTEGER NOT NULL, bytes INTEGER NOT NULL) STRICT",
    // `root` is the id of an account (`kind` 0) or of a collection (1). What is used is counted when the store is opened.
    "CREATE TABLE quotas (root INTEGER NOT NULL, kind INTEGER NOT NULL, bytes INTEGER NOT NULL, items INTEGER,
        PRIMARY KEY (root, kind)) STRICT, WITHOUT ROWID",
    // 0 for the server instead of a collection, and instead of an account for what all share.
    "CREATE TABLE annotations (collection INTEGER NOT NULL, account INTEGER NOT NULL, record BLOB NOT NULL,
        PRIMARY KEY (collection, account)) STRICT, WITHOUT ROWID",
    // Tombstones at or below this modseq have been forgotten.
    "CREATE TABLE forgotten (collection INTEGER PRIMARY KEY, modseq INTEGER NOT NULL) STRICT",
    // The items of a range of uids each.
    "CREATE TABLE item_blocks (collection INTEGER NOT NULL, number INTEGER NOT NULL, record BLOB NOT NULL,
        PRIMARY KEY (collection, number)) STRICT, WITHOUT ROWID",
    // Contents that have a file of their own, and who refers to them.
    "CREATE TABLE large (segment INTEGER NOT NULL, collection INTEGER NOT NULL, uid INTEGER NOT NULL,
        PRIMARY KEY (segment, collection, uid)) STRICT, WITHOUT ROWID",
    "CREATE INDEX large_of ON large (collection)",
    // What one expunge left behind.
    "CREATE TABLE tombstones (line INTEGER PRIMARY KEY, collection INTEGER NOT NULL, modseq INTEGER NOT NULL, count INTEGER NOT NULL,
        record BLOB NOT NULL) STRICT",
    "CREATE INDEX tombstones_of ON tombstones (collection, modseq, count)",
];

/// Make the tables in an empty file; `false` if there are tables of another version.
pub(super) async fn prepare(connection: &mut SqliteConnection, version: i64) -> Result<bool, sqlx::Error> {
    let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema").fetch_one(&mut *connection).await?;
    if tables > 0 {
        let found: Option<i64> =
            sqlx::query_scalar("SELECT value FROM meta WHERE key = 'version'").fetch_optional(&mut *connection).await?;
        return Ok(found == Some(version));
    }
    let mut transaction = sqlx::Connection::begin_with(connection, "BEGIN IMMEDIATE").await?;
    for table in TABLES {
        sqlx::query(*table).execute(&mut *transaction).await?;
    }
    sqlx::query("INSERT INTO meta (key, value) VALUES ('version', $1)").bind(version).execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(true)
}
