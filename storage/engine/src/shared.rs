//! What the front, the committer and the projector of an embedded engine share.

use crate::compact::{Compacting, Erasing};
use crate::contents::Contents;
use crate::disk::Disk;
use crate::news::Ears;
use crate::options::Options;
use crate::search::Search;
use crate::state::{Applied, State};
use octroi_model::{CollectionId, ModSeq};
use std::collections::HashMap;
use std::fs::File;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;
use tokio::sync::{Notify, watch};

/// Watched collections above which those that nobody watches any more are looked for.
const WATCHERS_SWEEP: usize = 1024;

/// See the module.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) options: Options,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) contents: Contents,
    /// Numbers for new files.
    pub(crate) numbers: Arc<AtomicU64>,
    pub(crate) next_id: AtomicU64,
    pub(crate) generation: watch::Sender<u64>,
    /// Wakes the projector.
    pub(crate) work: Notify,
    /// Follows the journal behind the index; none without somebody who knows the text of messages.
    pub(crate) search: Option<Arc<Search>>,
    pub(crate) stopping: AtomicBool,
    /// The committer has ended.
    pub(crate) closed: AtomicBool,
    /// Messages on their way to the committer's thread.
    pub(crate) queued: AtomicUsize,
    /// How long a write with its sync takes, of late.
    pub(crate) sync_micros: AtomicU64,
    /// Someone waits for the index to catch up.
    pub(crate) hurry: AtomicBool,
    /// What is being erased, and who still needs it.
    pub(crate) erasing: Erasing,
    pub(crate) compacting: Compacting,
    state: RwLock<State>,
    watchers: Mutex<HashMap<CollectionId, watch::Sender<ModSeq>>>,
    pub(crate) ears: Ears,
    /// Why no further commit is taken.
    failure: OnceLock<String>,
    room: (Mutex<()>, Condvar),
    /// Held while anything here can still write; the operating system lets go of it when the process ends.
    pub(crate) lock: Mutex<Option<File>>,
}

impl Shared {
    pub(crate) fn new(
        options: Options,
        disk: Arc<dyn Disk>,
        numbers: Arc<AtomicU64>,
        next_id: u64,
        state: State,
        lock: Option<File>,
        search: Option<Arc<Search>>,
    ) -> Self {
        Self {
            options,
            contents: Contents::new(disk.clone()),
            disk,
            numbers,
            next_id: AtomicU64::new(next_id),
            generation: watch::Sender::new(1),
            work: Notify::new(),
            search,
            stopping: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            queued: AtomicUsize::new(0),
            // Not known yet: the first goes to the thread.
            sync_micros: AtomicU64::new(u64::from(u32::MAX)),
            hurry: AtomicBool::new(false),
            erasing: Erasing::default(),
            compacting: Compacting::default(),
            state: RwLock::new(state),
            watchers: Mutex::default(),
            ears: Ears::default(),
            failure: OnceLock::new(),
            room: (Mutex::new(()), Condvar::new()),
            lock: Mutex::new(lock),
        }
    }

    pub(crate) fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn state_mut(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tell what works behind the commits to stop.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.work.notify_one();
        if let Some(search) = &self.search {
            search.news.notify_one();
        }
    }

    /// Take no further commit. What is on disk is not known any more, so nothing may be built on it.
    pub(crate) fn fail(&self, why: String) {
        tracing::error!(why, "the store takes no further commit");
        let _ = self.failure.set(why);
        self.room.1.notify_all();
    }

    pub(crate) fn failure(&self) -> Option<&String> {
        self.failure.get()
    }

    /// A write with its sync took so long.
    pub(crate) fn synced_in(&self, time: Duration) {
        let now = u64::try_from(time.as_micros()).unwrap_or(u64::MAX).min(u64::from(u32::MAX));
        let before = self.sync_micros.load(Ordering::Relaxed);
        // A slow disk is believed at once, a quick one after a few.
        let mean = if now > before || before == u64::from(u32::MAX) { now } else { (before * 3 + now) / 4 };
        self.sync_micros.store(mean, Ordering::Relaxed);
    }

    /// The index is not too far behind the journal.
    pub(crate) fn has_room(&self) -> bool {
        let state = self.state();
        state.backlog_changes < self.options.backlog_changes_max && state.backlog_bytes < self.options.backlog_bytes_max
    }

    /// Wait until it is not.
    pub(crate) fn wait_for_room(&self) {
        let mut guard = self.lock_room();
        while self.failure().is_none() {
            if self.has_room() {
                return;
            }
            guard = self.room.1.wait_timeout(guard, Duration::from_secs(1)).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The index has moved.
    pub(crate) fn room_made(&self) {
        drop(self.lock_room());
        self.room.1.notify_all();
    }

    fn lock_room(&self) -> MutexGuard<'_, ()> {
        self.room.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn watch(&self, collection: CollectionId) -> watch::Receiver<ModSeq> {
        let mut watchers = self.watchers.lock().unwrap_or_else(PoisonError::into_inner);
        // The state is looked at under the watchers' lock: an announcement that is not in it yet comes later.
        let Some(modseq) = self.state().collections.get(&collection).map(|c| c.head.modseq) else {
            // Nothing will come: the receiver is closed from the start.
            return watch::channel(ModSeq(0)).1;
        };
        if watchers.len() >= WATCHERS_SWEEP && watchers.len().is_power_of_two() {
            watchers.retain(|_, sender| sender.receiver_count() > 0);
        }
        watchers.entry(collection).or_insert_with(|| watch::Sender::new(modseq)).subscribe()
    }

    /// Wake who waits; after the state was published.
    pub(crate) fn announce(&self, applied: &Applied) {
        if applied.touched.is_empty() && applied.gone.is_empty() {
            return;
        }
        let mut watchers = self.watchers.lock().unwrap_or_else(PoisonError::into_inner);
        for (collection, modseq) in &applied.touched {
            if let Some(sender) = watchers.get(collection) {
                if sender.receiver_count() == 0 {
                    watchers.remove(collection);
                } else {
                    sender.send_if_modified(|known| std::mem::replace(known, *modseq) != *modseq);
                }
            }
        }
        for collection in &applied.gone {
            watchers.remove(collection);
        }
    }
}
