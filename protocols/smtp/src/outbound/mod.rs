//! The outbound queue's runner: takes entries whose time has come and tries to hand them over.
//!
//! Started once by the program. What always holds: one attempt at a time per entry, because an entry is leased on disk (its next try
//! set behind the longest attempt) before it is worked on; so a crash delays it by that lease and loses nothing.
//!
//! | module | |
//! |---|---|
//! | `attempt` | one entry: destinations, outcomes, what is recorded |
//! | `client` | one transaction with one host |
//! | `answer` | the other side's replies |
//! | `resolve`, `mx` | which hosts, in which order |
//! | `schedule` | when again |
//! | `tls` | TLS settings |

mod answer;
mod attempt;
mod client;
mod mx;
mod resolve;
mod schedule;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
mod tls;

use crate::config::SmtpConfig;
use client::Manners;
use octroi_gate::{Gate, Queue, QueueEntry, Queued, Refusal};
use octroi_model::UnixTime;
use octroi_net::Shutdown;
use resolve::{Hop, Hosts};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tracing::{error, warn};

/// What a lease lasts longer than the longest attempt: for recording it.
const LEASE_MARGIN: Duration = Duration::from_mins(1);
/// How long the queue is left alone after it was looked at: our own records wake us too.
const REST: Duration = Duration::from_millis(100);
/// Destinations whose turn-takers are remembered before unused ones are forgotten.
const TURNS_MAX: usize = 1024;

/// What all attempts share.
pub(crate) struct Runner {
    queue: Queue,
    gate: Gate,
    config: Arc<SmtpConfig>,
    shutdown: Shutdown,
    manners: Manners,
    hosts: Hosts,
    turns: Turns,
}

/// Run the queue until `shutdown`; returns when the attempts under way have ended or were cut off.
pub(crate) async fn run(queue: Queue, gate: Gate, config: Arc<SmtpConfig>, shutdown: Shutdown) {
    let tls = match tls::TlsConfigs::new() {
        Ok(tls) => tls,
        Err(error) => return error!(%error, "no TLS for outbound mail, the queue stands still"),
    };
    let manners = Manners { hostname: gate.organisation().hostname.clone(), timeouts: config.client_timeouts.clone(), tls };
    let turns = Turns { per_destination_max: config.queue.per_destination_max.max(1), known: Mutex::default() };
    let _hold = shutdown.hold();
    let runner = Arc::new(Runner { queue, gate, config, shutdown, manners, hosts: Hosts::default(), turns });
    let mut attempts = JoinSet::new();
    let mut changed = runner.queue.watch();
    while !runner.shutdown.is_triggered() {
        changed.mark_unchanged();
        start_due(&runner, &mut attempts).await;
        tokio::select! {
            () = runner.shutdown.triggered() => break,
            () = tokio::time::sleep(REST) => {}
        }
        tokio::select! {
            () = runner.shutdown.triggered() => break,
            // An error means that the engine is gone, and so soon are we.
            result = changed.changed() => if result.is_err() { break },
            Some(_) = attempts.join_next() => {}
            () = until_next(&runner) => {}
        }
    }
    while attempts.join_next().await.is_some() {}
}

/// Lease and start what is due, as far as there is room.
async fn start_due(runner: &Arc<Runner>, attempts: &mut JoinSet<()>) {
    while attempts.try_join_next().is_some() {}
    let room = runner.config.queue.entries_max.max(1).saturating_sub(attempts.len());
    if room == 0 {
        return;
    }
    let due = match runner.queue.due(UnixTime::now(), room).await {
        Ok(due) => due,
        Err(refused) => return warn!(%refused, "the queue cannot be read"),
    };
    // Together, so that they share their commits.
    let mut leases = JoinSet::new();
    for queued in due {
        leases.spawn(lease(runner.clone(), queued));
    }
    while let Some(leased) = leases.join_next().await {
        if let Ok(Some(queued)) = leased {
            attempts.spawn(attempt::run(runner.clone(), queued));
        }
    }
}

/// Take an entry for this attempt.
async fn lease(runner: Arc<Runner>, queued: Queued) -> Option<Queued> {
    let next_try = schedule::after(UnixTime::now(), runner.lease());
    let entry = QueueEntry { attempts: queued.entry.attempts.saturating_add(1), next_try, ..queued.entry.clone() };
    match runner.queue.update(&queued, entry).await {
        Ok(queued) => Some(queued),
        // Taken already.
        Err(Refusal::Precondition | Refusal::Missing) => None,
        Err(refused) => {
            warn!(%refused, "a queue entry could not be leased");
            None
        }
    }
}

/// Until the next entry's time has come.
async fn until_next(runner: &Runner) {
    let poll = runner.config.queue.poll;
    let wait = match runner.queue.next_try().await {
        Some(next) => Duration::from_secs(u64::try_from(next.0.saturating_sub(UnixTime::now().0)).unwrap_or(0)).min(poll),
        None => poll,
    };
    // Not quicker than the clock that it is compared with.
    tokio::time::sleep(wait.max(Duration::from_secs(1))).await;
}

impl Runner {
    /// Longer than an attempt can last.
    fn lease(&self) -> Duration {
        self.config.queue.attempt + LEASE_MARGIN
    }

    /// Returns when attempts must end, so that the program can.
    async fn cut_off(&self) {
        self.shutdown.triggered().await;
        tokio::time::sleep(self.config.queue.shutdown_grace).await;
    }
}

/// Sees that no destination gets too many connections at once.
struct Turns {
    per_destination_max: usize,
    known: Mutex<HashMap<Hop, Weak<Semaphore>>>,
}

impl Turns {
    /// Wait for a turn; it ends when what is returned is dropped.
    async fn wait(&self, hop: &Hop) -> Option<(OwnedSemaphorePermit, Arc<Semaphore>)> {
        let semaphore = self.semaphore(hop);
        Some((semaphore.clone().acquire_owned().await.ok()?, semaphore))
    }

    fn semaphore(&self, hop: &Hop) -> Arc<Semaphore> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(semaphore) = known.get(hop).and_then(Weak::upgrade) {
            return semaphore;
        }
        if known.len() >= TURNS_MAX {
            known.retain(|_, semaphore| semaphore.strong_count() > 0);
        }
        let semaphore = Arc::new(Semaphore::new(self.per_destination_max));
        known.insert(hop.clone(), Arc::downgrade(&semaphore));
        semaphore
    }
}
