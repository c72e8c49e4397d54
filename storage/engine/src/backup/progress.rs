//! How far a long piece of work is, and whether it should stop: shared between who works and who watches.

use super::BackupError;
use crate::interface::{Step, Watcher};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// See the module.
#[derive(Debug, Default)]
pub struct Progress {
    stopped: AtomicBool,
    done: AtomicU64,
    phase: Mutex<Option<(&'static str, Unit, u64)>>,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Octets.
    Bytes,
    /// Messages, events, cards, documents.
    Items,
}

/// How far it is at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// What is being done, for people.
    pub what: &'static str,
    /// What is counted.
    pub unit: Unit,
    /// How many are done.
    pub done: u64,
    /// Of how many.
    pub total: u64,
}

impl Progress {
    /// Have the work end at its next step.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
    }

    /// How far it is; `None` before it has begun.
    pub fn look(&self) -> Option<Look> {
        let (what, unit, total) = (*self.phase.lock().unwrap_or_else(PoisonError::into_inner))?;
        Some(Look { what, unit, done: self.done.load(Ordering::Relaxed), total })
    }

    /// The next part of the work begins.
    pub fn begin(&self, what: &'static str, unit: Unit, total: u64) {
        let mut phase = self.phase.lock().unwrap_or_else(PoisonError::into_inner);
        self.done.store(0, Ordering::Relaxed);
        *phase = Some((what, unit, total));
    }

    /// Hears the steps of work that tells them.
    pub fn watcher(self: &Arc<Self>) -> Watcher {
        let progress = self.clone();
        Arc::new(move |step: Step| {
            let mut phase = progress.phase.lock().unwrap_or_else(PoisonError::into_inner);
            progress.done.store(step.done, Ordering::Relaxed);
            *phase = Some((step.what, Unit::Items, step.all));
        })
    }

    /// Should it end?
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// So many more are done. `Err` when the work is to stop.
    pub fn step(&self, done: u64) -> Result<(), BackupError> {
        self.done.fetch_add(done, Ordering::Relaxed);
        if self.is_stopped() { Err(BackupError::Stopped) } else { Ok(()) }
    }
}
