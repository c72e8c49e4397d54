//! The outbound queue's runner: takes entries whose time has come and tries to hand them over.
//!
//! Started once by the program. What always holds: one attempt at a time per entry, because an entry is leased on disk (its next try
//! set behind the longest attempt) before it is worked on; so a crash loses nothing.
//!
//! | module | |
//! |---|---|
//! | `attempt` | one entry: destinations, outcomes, what is recorded |
//! | `client` | one transaction with one host |
//! | `answer` | the other side's replies |
//! | `resolve`, `mx` | which hosts, in which order |
//! | `schedule` | when again |
//! | `turns` | how many at once per destination |
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
mod turns;

use crate::config::SmtpConfig;
use client::Manners;
use octroi_dns::Resolver;
use octroi_gate::{Gate, Queue, QueueEntry, Queued, Refusal};
use octroi_model::UnixTime;
use octroi_net::Shutdown;
use resolve::Hosts;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tracing::{error, info, warn};
use turns::Turns;

/// What a lease lasts longer than the longest attempt: for recording it.
const LEASE_MARGIN: Duration = Duration::from_mins(1);
/// How long the queue is left alone after it was looked at: our own records wake us too.
const REST: Duration = Duration::from_millis(100);
/// What an entry's last error says while it is leased, so that a lease that outlived its runner is known at the next start.
const UNDER_WAY: &str = "an attempt is under way";

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
pub(crate) async fn run(queue: Queue, gate: Gate, resolver: Resolver, config: Arc<SmtpConfig>, shutdown: Shutdown) {
    let tls = match tls::TlsConfigs::new() {
        Ok(tls) => tls,
        Err(error) => return error!(%error, "no TLS for outbound mail, the queue stands still"),
    };
    let manners = Manners { hostname: gate.organisation().hostname.clone(), timeouts: config.client_timeouts.clone(), tls };
    let turns = Turns::new(config.queue.per_destination_max);
    let _hold = shutdown.hold();
    let runner = Arc::new(Runner { queue, gate, config, shutdown, manners, hosts: Hosts::new(resolver), turns });
    reclaim(&runner).await;
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

/// Entries that were leased when the program ended are due again: there is one runner per store, and it is starting just now.
async fn reclaim(runner: &Runner) {
    let all = match runner.queue.due(UnixTime(i64::MAX), usize::MAX).await {
        Ok(all) => all,
        Err(refused) => return warn!(%refused, "the queue cannot be read"),
    };
    for queued in all.into_iter().filter(|queued| queued.entry.last_error == UNDER_WAY) {
        info!(attempts = queued.entry.attempts, "an attempt was cut off by the last end of the program");
        let entry = QueueEntry { next_try: UnixTime::now(), last_error: String::new(), ..queued.entry.clone() };
        if let Err(refused) = runner.queue.update(&queued, entry).await {
            warn!(%refused, "it is tried again when its lease has ended");
        }
    }
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
    let attempts = queued.entry.attempts.saturating_add(1);
    let entry = QueueEntry { attempts, next_try, last_error: UNDER_WAY.to_owned(), ..queued.entry.clone() };
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
