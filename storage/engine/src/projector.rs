//! Brings the index up to the journal, behind the commits.

use crate::index::Index;
use crate::log;
use crate::shared::Shared;
use crate::state::{Entry, State};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Changes in one transaction: large ones are cheap, but too large a one keeps a checkpoint waiting.
const CHANGES_MAX: usize = 16_384;
/// How long changes gather before they are written, in so many looks: a transaction for many changes writes each page once. Nobody waits
/// for this: views take what is not in the index from the backlog.
const GATHER: (Duration, u32) = (Duration::from_millis(20), 12);
/// After so many failures in a row the store takes no further commit: the backlog must not grow without end.
const FAILURES_MAX: u32 = 10;

/// How long the index waits for room on the disk before it tries again.
const FULL_PAUSE: Duration = Duration::from_secs(1);
/// SQLITE_FULL.
const SQLITE_FULL: &str = "13";

/// Work until told to stop and nothing is left to do.
pub(crate) async fn run(shared: Arc<Shared>, index: Arc<Index>) {
    let mut failures = 0;
    loop {
        match step(&shared, &index).await {
            Ok(0) if shared.stopping.load(Ordering::Acquire) => return,
            Ok(0) => {
                failures = 0;
                log::news(&shared.work, index.rest()).await;
                gather(&shared).await;
            }
            Ok(_) => failures = 0,
            Err(error) if is_full(&error) => {
                // Nothing is wrong but the want of room. The journal has none either, so the backlog does not grow meanwhile.
                tracing::error!("the disk is full: the index waits");
                tokio::time::sleep(FULL_PAUSE).await;
                if shared.stopping.load(Ordering::Acquire) {
                    return;
                }
            }
            Err(error) => {
                failures += 1;
                tracing::error!(%error, failures, "the index was not written");
                if failures >= FAILURES_MAX {
                    shared.fail(format!("the index cannot be written: {error}"));
                    return;
                }
                tokio::time::sleep(Duration::from_millis(100) * failures).await;
            }
        }
    }
}

/// Is it that the disk is full?
pub(crate) fn is_full(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(sqlx::error::DatabaseError::code).is_some_and(|code| code == SQLITE_FULL)
}

/// Wait until there is enough for a large transaction, or someone waits, or it has been long enough.
async fn gather(shared: &Shared) {
    for _ in 0..GATHER.1 {
        let (changes, bytes) = {
            let state = shared.state();
            (state.backlog_changes, state.backlog_bytes)
        };
        let enough = changes >= CHANGES_MAX as u64
            || changes >= shared.options.backlog_changes_max / 2
            || bytes >= shared.options.backlog_bytes_max / 2;
        if enough || shared.hurry.load(Ordering::Acquire) || shared.stopping.load(Ordering::Acquire) {
            return;
        }
        tokio::time::sleep(GATHER.0).await;
    }
}

/// Write one run of the backlog; returns how many batches it was.
pub(crate) async fn step(shared: &Shared, index: &Index) -> Result<usize, sqlx::Error> {
    let entries = oldest(&shared.state());
    if entries.is_empty() {
        return Ok(0);
    }
    let written = index.project(&entries, shared.next_id.load(Ordering::Relaxed)).await;
    if written.is_err() {
        index.renew_writer().await;
    }
    written?;
    shared.state_mut().forget(entries.len());
    shared.room_made();
    Ok(entries.len())
}

fn oldest(state: &State) -> Vec<Entry> {
    let mut changes = 0;
    let fits = |entry: &&Entry| {
        let room = changes < CHANGES_MAX;
        changes += entry.changes.len();
        room
    };
    state.unwritten().take_while(fits).cloned().collect()
}
