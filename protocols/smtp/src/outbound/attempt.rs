//! One attempt at one queue entry: all destinations that are left, their outcomes recorded, the author told what failed.
//!
//! What always holds: a delivered recipient is on disk as such before its entry is touched again; a failed one is recorded only
//! after its author was told, so that a crash may tell twice but never not at all.

use super::client::{Errand, Fault, Host, Outcome, Source, deliver};
use super::resolve::{Hop, Unroutable, hop};
use super::schedule;
use super::turns::NoTurn;
use super::{Runner, UNDER_WAY};
use crate::config::OutboundTls;
use crate::dsn::{Report, compose};
use crate::stamp::{chance, unique_id};
use octroi_gate::{Content, Queue, QueueEntry, Queued, RecipientState, Refusal};
use octroi_model::{Address, UnixTime};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::{debug, info, warn};

/// Octets of a message in which its header is looked for.
const HEAD_BYTES: u64 = 256 * 1024;
/// Recipients of one transaction (RFC 5321 section 4.5.3.1.8: a host need not take more).
const RECIPIENTS_MAX: usize = 100;
/// When to try again if something of our own failed.
const OWN_FAULT_DELAY: Duration = Duration::from_mins(5);
/// When to try again if its turn did not come.
const UNTRIED_DELAY: Duration = Duration::from_secs(30);

/// Recipients that go to the same place, by their position in the entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Destination {
    hop: Hop,
    positions: Vec<usize>,
}

/// A queued message as the client reads it.
struct Stored {
    queue: Queue,
    queued: Queued,
}

impl Source for Stored {
    async fn read(&self, offset: u64, bytes: u64) -> Result<Vec<u8>, Refusal> {
        self.queue.read(&self.queued, offset, bytes).await
    }
}

/// Work on an entry. It is leased already: its next try on disk is after any attempt's end.
pub(super) async fn run(runner: Arc<Runner>, queued: Queued) {
    let mut outcomes: Vec<Option<Outcome>> = vec![None; queued.entry.recipients.len()];
    let queued = work(&runner, queued, &mut outcomes).await;
    let Some(queued) = queued else { return };
    if let Err(refused) = settle(&runner, &queued, &outcomes).await {
        // The lease stands, so it is tried again later.
        warn!(%refused, "what became of a queued message could not be recorded");
    }
}

/// Try every destination and note the outcomes. `None`: the entry is not ours any more.
async fn work(runner: &Arc<Runner>, mut queued: Queued, outcomes: &mut [Option<Outcome>]) -> Option<Queued> {
    let utf8_header = match runner.queue.read(&queued, 0, HEAD_BYTES).await {
        Ok(head) => !head[..octroi_mime::header_length(&head)].is_ascii(),
        Err(refused) => {
            warn!(%refused, "a queued message cannot be read");
            return Some(queued);
        }
    };
    let stored = Arc::new(Stored { queue: runner.queue.clone(), queued: queued.clone() });
    // All destinations share the time of the attempt, so that its lease outlasts it.
    let deadline = Instant::now() + runner.config.queue.attempt;
    let mut left = destinations(&queued.entry, &runner.config.queue).into_iter();
    let mut under_way = JoinSet::new();
    loop {
        while under_way.len() < runner.config.queue.destinations_max.max(1) {
            let Some(destination) = left.next() else { break };
            under_way.spawn(attempt(runner.clone(), stored.clone(), destination, utf8_header, deadline));
        }
        let Some(done) = under_way.join_next().await else { break };
        let Ok((destination, results)) = done else { continue };
        for (&position, result) in destination.positions.iter().zip(results) {
            outcomes[position] = Some(result);
        }
        let more = !under_way.is_empty() || left.len() > 0;
        if more && destination.positions.iter().any(|&position| outcomes[position] == Some(Outcome::Delivered)) {
            queued = record_delivered(runner, queued, outcomes).await?;
        }
    }
    Some(queued)
}

/// Who was reached must not be tried again after a crash, however long the others take.
async fn record_delivered(runner: &Runner, queued: Queued, outcomes: &[Option<Outcome>]) -> Option<Queued> {
    let mut entry = queued.entry.clone();
    for (recipient, outcome) in entry.recipients.iter_mut().zip(outcomes) {
        if *outcome == Some(Outcome::Delivered) {
            recipient.state = RecipientState::Delivered;
        }
    }
    match runner.queue.update(&queued, entry).await {
        Ok(queued) => Some(queued),
        Err(Refusal::Unavailable) => Some(queued),
        Err(refused) => {
            warn!(%refused, "a queue entry was changed by somebody else");
            None
        }
    }
}

/// The waiting recipients, by next hop.
pub(super) fn destinations(entry: &QueueEntry, config: &crate::config::QueueConfig) -> Vec<Destination> {
    let mut destinations: Vec<Destination> = Vec::new();
    for (position, recipient) in entry.recipients.iter().enumerate() {
        if recipient.state != RecipientState::Waiting {
            continue;
        }
        let hop = hop(recipient.address.domain(), config);
        match destinations.iter_mut().find(|known| known.hop == hop && known.positions.len() < RECIPIENTS_MAX) {
            Some(known) => known.positions.push(position),
            None => destinations.push(Destination { hop, positions: vec![position] }),
        }
    }
    destinations
}

/// One destination, until `deadline`, waiting for its turn included.
async fn attempt(
    runner: Arc<Runner>,
    stored: Arc<Stored>,
    destination: Destination,
    utf8_header: bool,
    deadline: Instant,
) -> (Destination, Vec<Outcome>) {
    let entry = &stored.queued.entry;
    let to: Vec<Address> = destination.positions.iter().map(|&position| entry.recipients[position].address.clone()).collect();
    let all = |outcome: Outcome| vec![outcome; to.len()];
    let errand = Errand { from: entry.from.as_ref(), to: &to, bytes: stored.queued.bytes, utf8_header, source: &*stored };
    let outcomes = tokio::select! {
        outcomes = tokio::time::timeout_at(deadline, hand_over(&runner, &destination.hop, &errand)) => {
            outcomes.unwrap_or_else(|_| all(Outcome::Later("451 4.4.1 the attempt took too long".to_owned())))
        }
        () = runner.cut_off() => all(Outcome::Untried),
    };
    (destination, outcomes)
}

async fn hand_over<S: Source>(runner: &Runner, hop: &Hop, errand: &Errand<'_, S>) -> Vec<Outcome> {
    let all = |outcome: Outcome| vec![outcome; errand.to.len()];
    let _turn = match runner.turns.wait(hop).await {
        Ok(turn) => turn,
        Err(NoTurn::Busy) => return all(Outcome::Untried),
        Err(NoTurn::Down(why)) => return all(Outcome::Later(why)),
    };
    let hosts = match runner.hosts.of(hop, runner.gate.organisation().hostname.as_str(), &runner.config.queue).await {
        Ok(hosts) => hosts,
        Err(Unroutable::Later(why)) => return all(Outcome::Later(why)),
        Err(Unroutable::Failed(why)) => return all(Outcome::Failed(why)),
    };
    let mut last = String::new();
    for host in &hosts {
        match try_host(runner, host, errand).await {
            Ok(outcomes) => return outcomes,
            Err(Fault::All(outcome)) => return all(outcome),
            Err(Fault::NextHost(why) | Fault::Tls(why)) => {
                debug!(host = host.name, address = %host.address, why, "the next host is tried");
                last = format!("{}: {why}", host.name);
            }
        }
    }
    runner.turns.down(hop, &last);
    all(Outcome::Later(last))
}

/// With TLS if there is any; without, where that is allowed and TLS fails.
async fn try_host<S: Source>(runner: &Runner, host: &Host, errand: &Errand<'_, S>) -> Result<Vec<Outcome>, Fault> {
    match deliver(host, errand, &runner.manners, true).await {
        Err(Fault::Tls(why)) if host.tls == OutboundTls::Opportunistic => {
            debug!(host = host.name, why, "TLS failed");
            deliver(host, errand, &runner.manners, false).await
        }
        result => result,
    }
}

/// Decide what becomes of the entry, tell its author of failures, and record it.
async fn settle(runner: &Runner, queued: &Queued, outcomes: &[Option<Outcome>]) -> Result<(), Refusal> {
    let now = UnixTime::now();
    let queue = &runner.config.queue;
    let mut entry = queued.entry.clone();
    if entry.last_error == UNDER_WAY {
        entry.last_error.clear();
    }
    let expired = schedule::expired(entry.queued, now, queue.expiry);
    let failures = apply(&mut entry, outcomes, expired);
    let put_off = outcomes.iter().any(|outcome| matches!(outcome, Some(Outcome::Later(_))));
    let delay = if runner.shutdown.is_triggered() {
        Duration::ZERO
    } else if outcomes.contains(&Some(Outcome::Untried)) && !put_off {
        // It was no attempt.
        entry.attempts = entry.attempts.saturating_sub(1);
        schedule::delay(&[UNTRIED_DELAY], 1, chance())
    } else {
        schedule::delay(&queue.retry, entry.attempts, chance())
    };
    entry.next_try = schedule::after(now, delay);
    if !failures.is_empty()
        && let Err(refused) = notify(runner, queued, &failures, now).await
    {
        warn!(%refused, "a notification could not be delivered, it is tried again");
        for (address, _) in &failures {
            let failed = entry.recipients.iter_mut().filter(|recipient| recipient.address == *address);
            failed.for_each(|recipient| recipient.state = RecipientState::Waiting);
        }
        entry.next_try = schedule::after(now, OWN_FAULT_DELAY);
    }
    let waiting = entry.recipients.iter().filter(|recipient| recipient.state == RecipientState::Waiting).count();
    info!(attempts = entry.attempts, waiting, failed = failures.len(), last_error = entry.last_error, "queued message tried");
    if waiting == 0 {
        return runner.queue.done(queued).await;
    }
    runner.queue.update(queued, entry).await.map(|_| ())
}

/// Note the outcomes in the entry; returns the recipients that failed just now.
pub(super) fn apply(entry: &mut QueueEntry, outcomes: &[Option<Outcome>], expired: bool) -> Vec<(Address, String)> {
    let mut failures = Vec::new();
    for (recipient, outcome) in entry.recipients.iter_mut().zip(outcomes) {
        if recipient.state != RecipientState::Waiting {
            continue;
        }
        let failed = match outcome {
            Some(Outcome::Delivered) => {
                recipient.state = RecipientState::Delivered;
                continue;
            }
            Some(Outcome::Failed(why)) => Some(why.clone()),
            Some(Outcome::Later(why)) => {
                entry.last_error.clone_from(why);
                expired.then(|| why.clone())
            }
            Some(Outcome::Untried) | None => expired.then(|| "451 4.3.0 it could not be tried".to_owned()),
        };
        if let Some(why) = failed {
            entry.last_error.clone_from(&why);
            recipient.state = RecipientState::Failed(why.clone());
            failures.push((recipient.address.clone(), why));
        }
    }
    failures
}

/// Tell the author, if there is one.
async fn notify(runner: &Runner, queued: &Queued, failures: &[(Address, String)], now: UnixTime) -> Result<(), Refusal> {
    // RFC 5321 section 6.1: never a notification about a notification.
    let Some(author) = &queued.entry.from else {
        info!("a message from <> could not be delivered");
        return Ok(());
    };
    let original = runner.queue.read(queued, 0, HEAD_BYTES).await?;
    let hostname = &runner.gate.organisation().hostname;
    let arrived = queued.entry.queued;
    let octets = compose(&Report { hostname, to: author, failures, arrived, now, id: &unique_id(), original: &original });
    let octets = runner.config.proofs.sign(octets);
    let (facts, header_bytes) = octroi_mime::describe(&octets);
    match runner.queue.bounce(author, Content::message(&facts, &octets, header_bytes)).await {
        // The author is gone, or has no room: there is nobody to tell, and trying the recipients again would not help.
        Err(refused @ (Refusal::UnknownRecipient | Refusal::NotRelay | Refusal::Missing | Refusal::OverQuota)) => {
            warn!(%author, %refused, "a notification has no recipient");
            Ok(())
        }
        result => result,
    }
}
