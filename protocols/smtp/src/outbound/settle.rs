//! What becomes of an entry after an attempt or with time, and who is told.
//!
//! What always holds: a failure is recorded only after its author was told, so that a crash may tell twice but never not at all; nothing is
//! told to `<>` (RFC 5321 section 6.1), nor to anybody more often than may be within an hour.

use super::Runner;
use super::client::Outcome;
use super::schedule;
use super::transact::Sent;
use crate::config::QueueConfig;
use crate::dsn::{Concerned, News, Report, compose};
use crate::stamp::{chance, unique_id};
use octroi_gate::{Content, Notify, QueueEntry, Queued, RecipientState, Refusal, Ret, Verdict};
use octroi_model::UnixTime;
use std::time::Duration;
use tracing::{info, warn};

/// Octets of a message in which its header is looked for.
const HEAD_BYTES: u64 = 256 * 1024;
/// Octets of a message that go back whole.
const WHOLE_BYTES_MAX: u64 = 1024 * 1024;
/// When to try again if something of our own failed.
const OWN_FAULT_DELAY: Duration = Duration::from_mins(5);
/// What is said of who was never tried.
const UNTRIED: &str = "451 4.4.7 it could not be tried";

/// What has happened to a recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Event {
    /// An attempt.
    Tried(Outcome),
    /// Time has passed.
    Aged,
}

/// Positions of those of whom there is something to tell.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ToTell {
    pub(super) failed: Vec<usize>,
    pub(super) delayed: Vec<usize>,
    pub(super) succeeded: Vec<usize>,
}

/// Time has passed: tell of delays, give up what has waited too long. The entry as it is then, if it is still there.
pub(super) async fn aged(runner: &Runner, queued: Queued) -> Result<Option<Queued>, Refusal> {
    if queued.entry.held {
        return Ok(Some(queued));
    }
    let (now, config) = (UnixTime::now(), &runner.config.queue);
    let waiting = queued.entry.recipients.iter().enumerate().filter(|(_, recipient)| recipient.is_waiting());
    // Who is being tried just now is dealt with then.
    let free = waiting.filter(|(_, recipient)| !runner.lanes.is_in_hand(queued.id, &runner.hop(recipient.address.domain())));
    let events: Vec<(usize, Event)> = free.map(|(position, _)| (position, Event::Aged)).collect();
    if apply(&mut queued.entry.clone(), &events, None, now, config, 0) == ToTell::default() {
        return Ok(Some(queued));
    }
    settle(runner, &queued, &events, None).await
}

/// Record what happened, once those are told who are to be. The entry as it is then, if it is still there.
pub(super) async fn settle(
    runner: &Runner,
    queued: &Queued,
    events: &[(usize, Event)],
    sent: Option<&Sent>,
) -> Result<Option<Queued>, Refusal> {
    let (now, config, chance) = (UnixTime::now(), &runner.config.queue, chance());
    let mut after = queued.entry.clone();
    let to_tell = apply(&mut after, events, sent, now, config, chance);
    let untold = match tell(runner, queued, &after, &to_tell, sent, now).await {
        Ok(()) => false,
        Err(refused) => {
            warn!(%refused, "a notification could not be delivered, it is tried again");
            true
        }
    };
    let changed = runner
        .queue
        .change(queued.id, |entry| {
            let to_tell = apply(entry, events, sent, now, config, chance);
            if untold {
                for position in to_tell.failed {
                    let recipient = &mut entry.recipients[position];
                    recipient.state = RecipientState::Waiting;
                    recipient.next_try = schedule::after(now, OWN_FAULT_DELAY);
                }
            }
            if entry.waiting().next().is_none() { Verdict::Remove } else { Verdict::Keep }
        })
        .await?;
    let (waiting, failed) = (changed.as_ref().map_or(0, |left| left.entry.waiting().count()), to_tell.failed.len());
    let last_error = events.iter().rev().find_map(|(position, _)| Some(&after.recipients.get(*position)?.last_error)).map_or("", |e| e);
    info!(id = %queued.id, tried = events.len(), waiting, failed, last_error, "queued message tried");
    Ok(changed)
}

/// Note what happened in the entry; returns of whom there is something to tell.
pub(super) fn apply(
    entry: &mut QueueEntry,
    events: &[(usize, Event)],
    sent: Option<&Sent>,
    now: UnixTime,
    config: &QueueConfig,
    chance: u64,
) -> ToTell {
    let mut to_tell = ToTell::default();
    // What is to come later is as old as the time at which it may be tried.
    let since = entry.terms.not_before.map_or(entry.queued, |at| at.max(entry.queued));
    let by = entry.terms.deliver_by;
    let late = by.is_some_and(|by| by.at <= now);
    let expired = schedule::expired(since, now, config.expiry) || (late && by.is_some_and(|by| by.fails));
    let delayed = late || config.delay_notice.is_some_and(|after| schedule::expired(since, now, after));
    for (position, event) in events {
        let Some(recipient) = entry.recipients.get_mut(*position).filter(|recipient| recipient.is_waiting()) else { continue };
        let failed = match event {
            Event::Tried(Outcome::Delivered) => {
                recipient.state = RecipientState::Delivered;
                if recipient.terms.notify.wants(Notify::SUCCESS) && sent.is_some_and(|sent| !sent.dsn) {
                    to_tell.succeeded.push(*position);
                }
                continue;
            }
            Event::Tried(Outcome::Failed(why)) => Some(why.clone()),
            Event::Tried(Outcome::Later(why)) => {
                recipient.attempts = recipient.attempts.saturating_add(1);
                recipient.next_try = schedule::after(now, schedule::delay(&config.retry, recipient.attempts, chance));
                recipient.last_error.clone_from(why);
                expired.then(|| why.clone())
            }
            Event::Aged if recipient.last_error.is_empty() => expired.then(|| UNTRIED.to_owned()),
            Event::Aged => expired.then(|| recipient.last_error.clone()),
        };
        if let Some(why) = failed {
            recipient.last_error.clone_from(&why);
            recipient.state = RecipientState::Failed(why);
            to_tell.failed.push(*position);
        } else if delayed && !recipient.delay_told {
            recipient.delay_told = true;
            to_tell.delayed.push(*position);
        }
    }
    to_tell
}

/// Tell the author, if there is one.
async fn tell(
    runner: &Runner,
    queued: &Queued,
    after: &QueueEntry,
    to_tell: &ToTell,
    sent: Option<&Sent>,
    now: UnixTime,
) -> Result<(), Refusal> {
    let here = runner.gate.organisation().hostname.as_str();
    let host = sent.map_or("", |sent| sent.host.as_str());
    let success = if host == here { News::Delivered } else { News::Relayed };
    for (news, wish, positions) in [
        (News::Failed, Notify::FAILURE, &to_tell.failed),
        (News::Delayed, Notify::DELAY, &to_tell.delayed),
        (success, Notify::SUCCESS, &to_tell.succeeded),
    ] {
        let concerned = positions.iter().filter_map(|&position| after.recipients.get(position));
        let concerned = concerned.filter(|recipient| recipient.terms.notify.wants(wish)).map(|recipient| Concerned {
            address: &recipient.address,
            orcpt: recipient.terms.orcpt.as_deref(),
            reason: if wish == Notify::SUCCESS { host } else { recipient.last_error.as_str() },
        });
        let concerned: Vec<Concerned<'_>> = concerned.collect();
        if !concerned.is_empty() {
            notify(runner, queued, news, &concerned, now).await?;
        }
    }
    Ok(())
}

async fn notify(runner: &Runner, queued: &Queued, news: News, concerned: &[Concerned<'_>], now: UnixTime) -> Result<(), Refusal> {
    let Some(author) = &queued.entry.from else {
        info!(id = %queued.id, "nobody is told of what becomes of a message from <>");
        return Ok(());
    };
    if !runner.config.told.may_tell(&author.key(), runner.config.queue.notifications_max, now) {
        warn!(%author, "not told, for it is told too much within this hour");
        return Ok(());
    }
    let terms = &queued.entry.terms;
    // RFC 3461 section 4.3; RFC 8689 section 5: what is to be kept secret does not go back over who knows what.
    let whole = news == News::Failed && terms.ret == Some(Ret::Full) && !terms.require_tls && queued.bytes <= WHOLE_BYTES_MAX;
    let original = runner.queue.read(queued, 0, if whole { WHOLE_BYTES_MAX } else { HEAD_BYTES }).await?;
    let expiry = i64::try_from(runner.config.queue.expiry.as_secs()).unwrap_or(i64::MAX);
    let octets = compose(&Report {
        hostname: &runner.gate.organisation().hostname,
        to: author,
        news,
        recipients: concerned,
        envid: terms.envid.as_deref(),
        arrived: queued.entry.queued,
        until: UnixTime(queued.entry.queued.0.saturating_add(expiry)),
        now,
        id: &unique_id(),
        original: &original,
        whole,
    });
    let octets = runner.config.proofs.sign(octets);
    let (facts, header_bytes) = octroi_mime::describe(&octets);
    match runner.queue.notify(author, Content::message(&facts, &octets, header_bytes)).await {
        // The author is gone, or has no room: there is nobody to tell, and trying the recipients again would not help.
        Err(refused @ (Refusal::UnknownRecipient | Refusal::NotRelay | Refusal::Missing | Refusal::OverQuota)) => {
            warn!(%author, %refused, "a notification has no recipient");
            Ok(())
        }
        result => result,
    }
}
