//! The write-ahead logs of the SQLite files: emptied when nothing else is to be done, as they keep the length that they once had.

use sqlx::SqliteConnection;
use std::path::Path;
use std::time::Duration;
use tokio::sync::Notify;

/// How long nothing must have come before a log is emptied: that costs two syncs.
const QUIET: Duration = Duration::from_secs(2);
/// A log that is no longer stays as it is.
const LOG_BYTES_MAX: u64 = 1 << 20;

/// Is the log of this file so long that it should be emptied?
pub(crate) fn is_long(path: &Path) -> bool {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    std::fs::metadata(name).is_ok_and(|log| log.len() > LOG_BYTES_MAX)
}

/// Move what the log has into the file and cut it off, once nobody reads; `false` if somebody read for as long as the connection waits.
pub(crate) async fn empty(writer: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    let is_busy: i64 = sqlx::query_scalar("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(writer).await?;
    Ok(is_busy == 0)
}

/// Let go of the pages in memory: who works next reads those that it needs.
pub(crate) async fn shrink(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    sqlx::query("PRAGMA shrink_memory").execute(connection).await.map(|_| ())
}

/// Wait for news; when there are none for a while, do `tidy`, and then wait on.
pub(crate) async fn news(news: &Notify, tidy: impl Future<Output = Result<(), sqlx::Error>>) {
    if tokio::time::timeout(QUIET, news.notified()).await.is_ok() {
        return;
    }
    if let Err(error) = tidy.await {
        tracing::warn!(%error, "a database was not tidied up");
    }
    news.notified().await;
}
