//! Brings the index up to the journal, behind the commits.

use crate::index::Index;
use crate::shared::Shared;
use crate::state::Entry;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Changes in one transaction: large ones are cheap, but too large a one keeps a checkpoint waiting.
const CHANGES_MAX: usize = 16_384;
/// How long changes gather before they are written: one transaction for many is cheaper.
const GATHER: Duration = Duration::from_millis(25);
/// After so many failures in a row the store takes no further commit: the backlog must not grow without end.
const FAILURES_MAX: u32 = 10;

/// Work until told to stop and nothing is left to do.
pub(crate) async fn run(shared: Arc<Shared>, index: Arc<Index>) {
    let mut failures = 0;
    loop {
        match step(&shared, &index).await {
            Ok(0) if shared.stopping.load(Ordering::Acquire) => return,
            Ok(0) => {
                failures = 0;
                shared.work.notified().await;
                if !shared.stopping.load(Ordering::Acquire) {
                    tokio::time::sleep(GATHER).await;
                }
            }
            Ok(_) => failures = 0,
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

/// Write one run of the backlog; returns how many batches it was.
pub(crate) async fn step(shared: &Shared, index: &Index) -> Result<usize, sqlx::Error> {
    let entries = oldest(&shared.state().backlog);
    if entries.is_empty() {
        return Ok(0);
    }
    index.project(&entries, shared.next_id.load(Ordering::Relaxed)).await?;
    shared.state_mut().forget(entries.len());
    shared.room_made();
    Ok(entries.len())
}

fn oldest(backlog: &std::collections::VecDeque<Entry>) -> Vec<Entry> {
    let mut changes = 0;
    let fits = |entry: &&Entry| {
        let room = changes < CHANGES_MAX;
        changes += entry.changes.len();
        room
    };
    backlog.iter().take_while(fits).cloned().collect()
}
