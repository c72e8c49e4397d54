//! Giving back the space of what was deleted, so that deleting really deletes.
//!
//! A pass ([`pass::Pass`]) looks at what all items refer to and writes closed segments anew without the contents that nothing refers to;
//! files of large contents that nothing refers to are removed. Every batch stays: they are the history from which the index is made and a
//! moment restored. Offsets stay what they were (`journal/runs.rs`), so nothing that refers into a segment need know.
//!
//! Runs in the background with a bounded share of processor and disk, and when it is asked for ([`crate::Engine::compact`]). What holds:
//! a content that an item refers to, or comes to refer to by a copy of it, is never given back; until the new file has taken the old one's
//! name nothing has happened; a pass that fails or is given up leaves nothing behind.

mod erasing;
mod measure;
mod pass;
mod rewrite;
pub(crate) use erasing::{Erasing, Staged};
pub(crate) use measure::frame_bytes;
pub(crate) use pass::{How, Pass};
pub(crate) use rewrite::{Rewrite, Rewritten, Slice};

use crate::change::Change;
use crate::committer::Turns;
use crate::index::{Index, LAST_PASS};
use crate::interface::{Compacted, ReadError, Step, Watcher};
use crate::shared::Shared;
use crate::state::State;
use octroi_model::UnixTime;
use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, Notify, watch};

/// After so many deleted bytes a pass does not wait for its time.
const FREED_BYTES: u64 = 256 << 20;
/// A store that has just been opened is left alone for so long.
const AFTER_OPENING: Duration = Duration::from_mins(2);
/// Between two passes at the least.
const BETWEEN: Duration = Duration::from_mins(10);
/// Longest rest between two slices of work, however long the last one took.
const REST_MAX: Duration = Duration::from_secs(20);

/// What passes, and who must wait for them, share.
#[derive(Debug)]
pub(crate) struct Compacting {
    /// One pass at a time. Whoever closes the store takes it last.
    pub(crate) turn: Arc<Mutex<()>>,
    /// Held by who needs that no content goes meanwhile (a check, a backup); a pass takes it for each file that it replaces or removes.
    pub(crate) still: Arc<Mutex<()>>,
    ending: watch::Sender<bool>,
    /// How many wait for a pass to end: then it does not rest.
    waiting: watch::Sender<u32>,
    freed: AtomicU64,
    wake: Notify,
}

impl Default for Compacting {
    fn default() -> Self {
        Self {
            turn: Arc::default(),
            still: Arc::default(),
            ending: watch::Sender::new(false),
            waiting: watch::Sender::new(0),
            freed: AtomicU64::new(0),
            wake: Notify::new(),
        }
    }
}

impl Compacting {
    /// So many bytes were deleted.
    pub(crate) fn freed(&self, bytes: u64) {
        if bytes > 0 && self.freed.fetch_add(bytes, Ordering::Relaxed) + bytes >= FREED_BYTES {
            self.wake.notify_one();
        }
    }

    /// The store closes: whatever runs stops at its next step.
    pub(crate) fn end(&self) {
        self.ending.send_replace(true);
    }

    pub(crate) fn is_ending(&self) -> bool {
        *self.ending.borrow()
    }

    /// Resolves when the store closes.
    pub(crate) async fn ended(&self) {
        let _ = self.ending.subscribe().wait_for(|ending| *ending).await;
    }

    /// Until this is dropped, a pass under way does not rest.
    fn wait(&self) -> Waiting<'_> {
        self.waiting.send_modify(|waiting| *waiting += 1);
        Waiting(self)
    }
}

/// See [`Compacting::wait`].
struct Waiting<'a>(&'a Compacting);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.send_modify(|waiting| *waiting -= 1);
    }
}

/// About how many bytes a change deletes, by the state before it.
pub(crate) fn freed(state: &State, change: &Change) -> u64 {
    let (id, after) = match change {
        Change::Expunge { collection, head, .. } | Change::Put { collection, head, .. } => (collection, head.bytes),
        Change::RemoveCollection { collection, .. } => (collection, 0),
        _ => return 0,
    };
    state.collections.get(id).map_or(0, |collection| collection.head.bytes.saturating_sub(after))
}

/// The background: passes whenever it is time, until the store closes.
pub(crate) async fn background(shared: Arc<Shared>, index: Arc<Index>, committer: Turns) {
    let interval = shared.options.compact_interval;
    if interval.is_zero() {
        return;
    }
    let mut wait = AFTER_OPENING.min(interval).max(due_in(&index, interval).await);
    loop {
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = shared.compacting.wake.notified() => {}
            () = shared.compacting.ended() => return,
        }
        let how = How { all: false, share_percent: shared.options.compact_share_percent };
        match run(&shared, &index, &committer, how, None).await {
            Ok(done) if done.segments + done.large > 0 => tracing::info!(?done, "space was given back"),
            Ok(_) => {}
            Err(error) if shared.compacting.is_ending() => tracing::debug!(%error, "the pass was given up"),
            Err(error) => tracing::warn!(%error, "space was not given back"),
        }
        tokio::select! {
            () = tokio::time::sleep(BETWEEN.min(interval)) => {}
            () = shared.compacting.ended() => return,
        }
        wait = interval.saturating_sub(BETWEEN);
    }
}

/// How long until the next pass, by when the last one ended.
async fn due_in(index: &Index, interval: Duration) -> Duration {
    let last = index.segments().await.ok().and_then(|rows| rows.get(&LAST_PASS).map(|row| row.clean_at.0)).unwrap_or(0);
    // A clock that was set back must not put it off for ever.
    let since = UnixTime::now().0.saturating_sub(last).max(0) as u64;
    interval.saturating_sub(Duration::from_secs(since))
}

/// One pass now, at full speed. One that is under way is waited for, and does not rest meanwhile.
pub(crate) async fn now(
    shared: &Arc<Shared>,
    index: &Arc<Index>,
    committer: &Turns,
    all: bool,
    watcher: Watcher,
) -> Result<Compacted, ReadError> {
    let _waiting = shared.compacting.wait();
    run(shared, index, committer, How { all, share_percent: 100 }, Some(watcher)).await
}

/// One pass from beginning to end.
async fn run(
    shared: &Arc<Shared>,
    index: &Arc<Index>,
    committer: &Turns,
    how: How,
    watcher: Option<Watcher>,
) -> Result<Compacted, ReadError> {
    let mut pass = Pass::begin(shared, index, committer, how).await?;
    loop {
        let began = Instant::now();
        let more = pass.step().await?;
        if let Some(watcher) = &watcher {
            watcher(pass.progress());
        }
        if !more {
            shared.compacting.freed.store(0, Ordering::Relaxed);
            return Ok(pass.report());
        }
        rest(shared, how.share_percent, began.elapsed()).await;
    }
}

/// After `worked`, rest for as long as keeps the share.
async fn rest(shared: &Shared, percent: u32, worked: Duration) {
    let percent = percent.clamp(1, 100);
    let rest = (worked * (100 - percent) / percent).min(REST_MAX);
    if rest.is_zero() {
        return tokio::task::yield_now().await;
    }
    let mut waiting = shared.compacting.waiting.subscribe();
    tokio::select! {
        () = tokio::time::sleep(rest) => {}
        () = shared.compacting.ended() => {}
        _ = waiting.wait_for(|waiting| *waiting > 0) => {}
    }
}

/// What a pass is at.
pub(crate) fn step(what: &'static str, done: u64, all: u64) -> Step {
    Step { what, done, all }
}
