//! The outbound queue's runner: takes what is due and tries to hand it over.
//!
//! Started once by the program. What always holds: nobody is tried twice at the same time, because a message is in one worker's hands per
//! destination and there is one runner per store; what became of an attempt is on disk before the recipient is looked at again. So a crash
//! loses nothing, and repeats at most what no reply was recorded of.
//!
//! | module | |
//! |---|---|
//! | `lanes` | what waits, by destination |
//! | `worker` | one connection's messages, one after another |
//! | `settle` | what becomes of an entry after an attempt or with time, and who is told |
//! | `client`, `login`, `transact` | a connection and a transaction |
//! | `answer` | the other side's replies |
//! | `resolve`, `mx` | which hosts, in which order, and what TLS they must speak |
//! | `sts`, `dane`, `tls` | MTA-STS, DANE, TLS settings |
//! | `sessions` | what others are told of TLS with them |
//! | `schedule` | when again |

mod answer;
mod client;
mod dane;
#[cfg(feature = "fuzzing")]
mod fuzz;
mod lanes;
mod login;
mod mx;
mod resolve;
mod schedule;
mod sessions;
mod settle;
mod sts;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
mod tls;
mod transact;
mod worker;

#[cfg(feature = "fuzzing")]
pub(crate) use fuzz::fuzz;
pub use login::Login;

use crate::config::SmtpConfig;
use client::Manners;
use lanes::Lanes;
use octroi_dns::Resolver;
use octroi_gate::{Gate, Queue, Queued, Refusal};
use octroi_model::{Uid, UnixTime};
use octroi_net::Shutdown;
use resolve::{Hop, Hosts};
use std::sync::Arc;
use std::time::Duration;
use sts::Policies;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};
use tracing::{error, warn};

/// Entries that are looked at together.
const PORTION: usize = 1000;

/// What all workers share.
pub(crate) struct Runner {
    queue: Queue,
    gate: Gate,
    config: Arc<SmtpConfig>,
    shutdown: Shutdown,
    manners: Arc<Manners>,
    hosts: Hosts,
    lanes: Arc<Lanes>,
}

/// Run the queue until `shutdown`; returns when the attempts under way have ended or were cut off.
pub(crate) async fn run(queue: Queue, gate: Gate, resolver: Resolver, config: Arc<SmtpConfig>, shutdown: Shutdown) {
    let tls = match tls::TlsConfigs::new(&config.queue.authorities) {
        Ok(tls) => tls,
        Err(error) => return error!(%error, "no TLS for outbound mail, the queue stands still"),
    };
    let policies = Policies::new(config.queue.mta_sts_folder.clone(), tls.verified.clone());
    let manners = Arc::new(Manners { hostname: gate.organisation().hostname.clone(), timeouts: config.client_timeouts.clone(), tls });
    let lanes = Arc::new(Lanes::new(config.queue.per_destination_max));
    let _hold = shutdown.hold();
    let hosts = Hosts::new(resolver, policies);
    let runner = Arc::new(Runner { queue, gate, config, shutdown, manners, hosts, lanes });
    runner.tell_of_unreadable().await;
    let mut workers = JoinSet::new();
    let sweeping = tokio::spawn(sweep(runner.clone()));
    let mut changed = runner.queue.watch();
    let mut seen = Uid(0);
    while !runner.shutdown.is_triggered() {
        changed.mark_unchanged();
        if let Err(refused) = runner.take_in(&mut seen).await {
            warn!(%refused, "the queue cannot be read");
        }
        runner.lanes.promote(UnixTime::now().0);
        while workers.try_join_next().is_some() {}
        while workers.len() < runner.config.queue.connections_max.max(1) {
            let Some(place) = runner.lanes.place() else { break };
            workers.spawn(worker::run(runner.clone(), place));
        }
        tokio::select! {
            () = runner.shutdown.triggered() => break,
            // An error means that the engine is gone, and so soon are we.
            result = changed.changed() => if result.is_err() { break },
            () = runner.lanes.news.notified() => {}
            Some(_) = workers.join_next() => {}
            () = runner.until_next() => {}
        }
    }
    sweeping.abort();
    while workers.join_next().await.is_some() {}
}

/// Look at everything now and then: what has waited too long fails or is told of, and nothing is forgotten.
async fn sweep(runner: Arc<Runner>) {
    let mut clock = interval(runner.config.queue.poll);
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    clock.tick().await;
    loop {
        clock.tick().await;
        let mut after = Some(Uid(0));
        while let Some(id) = after {
            let (entries, next) = match runner.queue.after(id, PORTION).await {
                Ok(found) => found,
                Err(refused) => {
                    warn!(%refused, "the queue cannot be read");
                    break;
                }
            };
            for queued in entries {
                match settle::aged(&runner, queued).await {
                    Ok(Some(queued)) => runner.file(&queued),
                    Ok(None) => {}
                    Err(refused) => warn!(%refused, "an old queue entry could not be dealt with"),
                }
            }
            after = next;
            // A hundred thousand entries are no reason for anybody else to wait.
            tokio::task::yield_now().await;
        }
    }
}

impl Runner {
    /// Messages that another version has left here are not sent, and would be forgotten otherwise.
    async fn tell_of_unreadable(&self) {
        let Ok(ids) = self.queue.unreadable(PORTION).await else { return };
        if let Some(first) = ids.first() {
            error!(
                messages = ids.len(),
                "messages in the queue are of another version of this program and are not sent: let that version empty its queue, or look at them \
                 with `octroi queue list` and give them up with `octroi queue drop {first}`"
            );
        }
    }

    /// What is new since the last look, and what somebody else has changed.
    async fn take_in(&self, seen: &mut Uid) -> Result<(), Refusal> {
        loop {
            let (entries, next) = self.queue.after(*seen, PORTION).await?;
            for queued in &entries {
                *seen = (*seen).max(queued.id);
                self.file(queued);
            }
            match next {
                Some(id) => *seen = (*seen).max(id),
                None => break,
            }
        }
        let touched = self.queue.touched();
        if !touched.is_empty() {
            self.lanes.forgive();
        }
        for id in touched {
            if let Some(queued) = self.queue.get(id).await? {
                self.file(&queued);
            }
        }
        Ok(())
    }

    /// Put an entry into the lanes of those who wait.
    fn file(&self, queued: &Queued) {
        if queued.entry.held {
            return;
        }
        let now = UnixTime::now().0;
        let mut filed: Vec<(Hop, i64)> = Vec::new();
        for recipient in queued.entry.waiting() {
            let hop = self.hop(recipient.address.domain());
            match filed.iter_mut().find(|(known, _)| *known == hop) {
                Some((_, at)) => *at = (*at).min(recipient.next_try.0),
                None => filed.push((hop, recipient.next_try.0)),
            }
        }
        for (hop, at) in filed {
            self.lanes.file(&hop, queued.id, at, queued.entry.terms.priority, now);
        }
    }

    /// Where mail for a domain goes.
    fn hop(&self, domain: &str) -> Hop {
        if self.gate.is_local_domain(domain) { Hop::Here } else { resolve::hop(domain, &self.config.queue) }
    }

    /// Until the time of something has come.
    async fn until_next(&self) {
        let poll = self.config.queue.poll;
        let wait = self.lanes.next_event().map_or(poll, |next| {
            let seconds = u64::try_from(next.saturating_sub(UnixTime::now().0)).unwrap_or(0);
            Duration::from_secs(seconds).min(poll)
        });
        // Not quicker than the clock that it is compared with.
        tokio::time::sleep(wait.max(Duration::from_secs(1))).await;
    }

    /// Returns when attempts must end, so that the program can.
    async fn cut_off(&self) {
        self.shutdown.triggered().await;
        tokio::time::sleep(self.config.queue.shutdown_grace).await;
    }
}
