//! The write-ahead logs of the SQLite files: emptied when nothing else is to be done, as they keep the length that they once had.

use sqlx::{AssertSqlSafe, SqliteConnection};
use std::path::Path;
use std::time::Duration;

/// How long who finds a file locked waits for it.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(30);
/// How long nothing must have come before a log is emptied: that costs two syncs.
pub(crate) const QUIET: Duration = Duration::from_secs(2);
/// A log that is no longer stays as it is.
const LOG_BYTES_MAX: u64 = 1 << 20;

/// Is the log of this file so long that it should be emptied?
pub(crate) fn is_long(path: &Path) -> bool {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    std::fs::metadata(name).is_ok_and(|log| log.len() > LOG_BYTES_MAX)
}

/// Move what the log has into the file and cut it off; `false` if that could not be done now, because somebody reads.
pub(crate) async fn empty(writer: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    // Nobody is waited for: what wants to be written then would wait too.
    sqlx::query("PRAGMA busy_timeout = 0").execute(&mut *writer).await?;
    let is_busy = sqlx::query_scalar::<_, i64>("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut *writer).await;
    sqlx::query(AssertSqlSafe(format!("PRAGMA busy_timeout = {}", BUSY_TIMEOUT.as_millis()))).execute(&mut *writer).await?;
    Ok(is_busy? == 0)
}
