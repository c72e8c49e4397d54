//! A worker: the messages for one destination, one after another, over one connection for as long as that serves.
//!
//! What always holds: what became of a message is recorded before the next one is taken.

use super::Runner;
use super::client::{Dialogue, Fault, Host, Outcome, TlsFault};
use super::lanes::{InHand, Place};
use super::resolve::{Hop, Unroutable};
use super::sessions::Counted;
use super::settle::{self, Event};
use super::tls::{HostTls, Secured};
use super::transact::{Errand, PIECE_BYTES, Sent, Source};
use octroi_gate::{Queue, QueueRecipient, Queued, Refusal, ReturnPath};
use octroi_model::UnixTime;
use smtp_proto::EXT_REQUIRE_TLS;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;
use tracing::{debug, warn};

/// When to look again at a message that cannot be read or whose outcome could not be recorded.
const OWN_FAULT_DELAY: i64 = 300;

/// A queued message as the client reads it: its beginning is held, the rest is read when it is needed.
struct Message<'a> {
    queue: &'a Queue,
    queued: &'a Queued,
    beginning: Vec<u8>,
}

impl Source for Message<'_> {
    async fn read(&self, offset: u64, bytes: u64) -> Result<Vec<u8>, Refusal> {
        let held = usize::try_from(offset).ok().and_then(|from| self.beginning.get(from..)).filter(|held| !held.is_empty());
        match held {
            Some(held) => Ok(held[..held.len().min(usize::try_from(bytes).unwrap_or(usize::MAX))].to_vec()),
            None => self.queue.read(self.queued, offset, bytes).await,
        }
    }
}

/// Work in a lane until nothing is left to do there.
pub(super) async fn run(runner: Arc<Runner>, place: Place) {
    let mut line: Option<Dialogue> = None;
    loop {
        let idle = if line.is_some() { runner.config.queue.connection_idle } else { Duration::ZERO };
        let taken = tokio::select! {
            biased;
            () = runner.shutdown.triggered() => None,
            taken = place.take_within(idle) => taken,
        };
        let Some(in_hand) = taken else { break };
        let left = one(&runner, &place, &in_hand, &mut line).await;
        // Laid down before it is filed: who finds it in somebody's hands leaves it to them.
        let id = in_hand.id;
        drop(in_hand);
        match left {
            Ok(Some(queued)) => runner.file(&queued),
            Ok(None) => {}
            Err(refused) => {
                warn!(%refused, %id, "a queued message could not be worked on, or what became of it could not be recorded");
                let now = UnixTime::now().0;
                runner.lanes.file(&place.hop, id, now + OWN_FAULT_DELAY, 0, now);
            }
        }
    }
    if let Some(line) = line {
        tokio::spawn(line.quit());
    }
}

/// One message. The entry as it is then, if it is still there.
async fn one(runner: &Runner, place: &Place, taken: &InHand, line: &mut Option<Dialogue>) -> Result<Option<Queued>, Refusal> {
    let Some(queued) = runner.queue.get(taken.id).await? else { return Ok(None) };
    let now = UnixTime::now();
    let is_ours = |recipient: &QueueRecipient| recipient.is_waiting() && runner.hop(recipient.address.domain()) == place.hop;
    let recipients = queued.entry.recipients.iter().enumerate();
    let positions: Vec<usize> =
        recipients.filter(|(_, one)| is_ours(one) && one.next_try <= now).take(super::transact::RECIPIENTS_MAX).map(|(at, _)| at).collect();
    if positions.is_empty() || queued.entry.held {
        return Ok(Some(queued));
    }
    let beginning = runner.queue.read(&queued, 0, PIECE_BYTES).await?;
    let header = &beginning[..octroi_mime::header_length(&beginning)];
    let utf8_header = !header.is_ascii();
    // RFC 8689 section 4: who asks for TLS at MAIL is not overruled by a header.
    let tls_optional = !queued.entry.terms.require_tls && waives_tls(header);
    let message = Message { queue: &runner.queue, queued: &queued, beginning };
    let to: Vec<&QueueRecipient> = positions.iter().map(|&position| &queued.entry.recipients[position]).collect();
    let entry = &queued.entry;
    let (from, terms, bytes) = (entry.from.as_ref(), &entry.terms, queued.bytes);
    let errand = Errand { from, to: &to, terms, bytes, utf8_header, tls_optional, source: &message, now };
    let sent = tokio::select! {
        sent = tokio::time::timeout(runner.config.queue.attempt, hand_over(runner, place, &errand, line)) => {
            sent.unwrap_or_else(|_| for_all(&errand, &Outcome::Later("451 4.4.1 the attempt took too long".to_owned())))
        }
        // It was no attempt, and is tried again after the next start.
        () = runner.cut_off() => return Ok(None),
    };
    let events: Vec<(usize, Event)> = positions.into_iter().zip(sent.outcomes.iter().cloned().map(Event::Tried)).collect();
    settle::settle(runner, &queued, &events, Some(&sent)).await
}

fn for_all<S>(errand: &Errand<'_, S>, outcome: &Outcome) -> Sent {
    // Nobody is told of a success by us.
    Sent { outcomes: vec![outcome.clone(); errand.to.len()], dsn: true, host: String::new() }
}

/// Over the open connection, if it serves; else over a new one to the first host that can be reached.
async fn hand_over<S: Source>(runner: &Runner, place: &Place, errand: &Errand<'_, S>, line: &mut Option<Dialogue>) -> Sent {
    if place.hop == Hop::Here {
        return deliver_here(runner, errand).await;
    }
    if let Some(open) = line.take() {
        match over(runner, open, errand, line).await {
            Some(Ok(sent)) => return sent,
            Some(Err(Fault::All(outcome))) => return for_all(errand, &outcome),
            // It has waited for too long, perhaps; a new one tells.
            Some(Err(Fault::NextHost(_) | Fault::Tls(_))) | None => {}
        }
    }
    let own = runner.gate.organisation().hostname.as_str();
    let mut breaches = Vec::new();
    let route = runner.hosts.of(&place.hop, own, &runner.config.queue, errand.tls_optional, &mut breaches).await;
    let counted = counted(runner, place, errand);
    if let Some(counted) = counted {
        counted.breaches(breaches);
    }
    let route = match route {
        Ok(route) => route,
        Err(Unroutable::Later(why)) => {
            place.down(crate::stamp::chance());
            return for_all(errand, &Outcome::Later(why));
        }
        Err(Unroutable::Failed(why)) => return for_all(errand, &Outcome::Failed(why)),
    };
    let mut last = route.left_out.unwrap_or_default();
    let (mut reached, mut unfit) = (false, 0);
    for host in &route.hosts {
        let Some(host) = fit(host, errand.terms.require_tls) else {
            unfit += 1;
            continue;
        };
        let why = match connect(runner, &host, counted).await {
            Ok(open) => {
                reached = true;
                place.up();
                match transact(runner, open, errand, line).await {
                    Ok(sent) => return sent,
                    Err(Fault::All(outcome)) => return for_all(errand, &outcome),
                    Err(Fault::NextHost(why) | Fault::Tls(TlsFault { why, .. })) => why,
                }
            }
            Err(Fault::All(outcome)) => return for_all(errand, &outcome),
            Err(Fault::NextHost(why) | Fault::Tls(TlsFault { why, .. })) => why,
        };
        debug!(host = host.name, address = %host.address, why, "the next host is tried");
        last = format!("{}: {why}", host.name);
    }
    if unfit == route.hosts.len() {
        // RFC 8689 section 4.2.1.
        let why = "550 5.7.30 REQUIRETLS: nothing proves which hosts take the domain's mail";
        return for_all(errand, &Outcome::Failed(why.to_owned()));
    }
    if !reached {
        place.down(crate::stamp::chance());
    }
    for_all(errand, &Outcome::Later(last))
}

/// The host as this message needs it; `None` if it cannot be.
fn fit(host: &Host, require_tls: bool) -> Option<Host> {
    match host.tls {
        HostTls::Opportunistic | HostTls::Encrypted if require_tls => {
            host.is_proven.then(|| Host { tls: HostTls::Verified, ..host.clone() })
        }
        _ => Some(host.clone()),
    }
}

/// With TLS if there is any; without, where that is allowed and TLS fails.
async fn connect(runner: &Runner, host: &Host, counted: Option<Counted<'_>>) -> Result<Dialogue, Fault> {
    let count = |outcome: &Result<Dialogue, Fault>| counted.iter().for_each(|counted| counted.attempt(host, outcome));
    if host.tries && counted.is_some() {
        // What would fail if the policy were in force is what its domain wants to know.
        let outcome = Dialogue::open(&Host { tls: HostTls::Verified, ..host.clone() }, &runner.manners, true).await;
        count(&outcome);
        if !matches!(outcome, Err(Fault::Tls(_))) {
            return outcome;
        }
    }
    let outcome = Dialogue::open(host, &runner.manners, true).await;
    if !host.tries {
        count(&outcome);
    }
    match outcome {
        Err(Fault::Tls(TlsFault { why, .. })) if host.tls == HostTls::Opportunistic && host.login.is_none() => {
            debug!(host = host.name, why, "TLS failed");
            Dialogue::open(host, &runner.manners, false).await
        }
        result => result,
    }
}

/// What is sent to a domain's own hosts is counted, but not what is to arrive whatever TLS does: reports do, and would beget others.
fn counted<'a, S>(runner: &'a Runner, place: &'a Place, errand: &Errand<'_, S>) -> Option<Counted<'a>> {
    let domain = match &place.hop {
        Hop::Domain(domain) if !errand.tls_optional => Some(domain.as_str()),
        _ => None,
    };
    Counted::of(&runner.config.reports, domain)
}

/// RFC 8689 section 3: `TLS-Required: No`.
fn waives_tls(header: &[u8]) -> bool {
    octroi_mime::headers_of(header)
        .any(|field| field.name.eq_ignore_ascii_case(b"TLS-Required") && field.value.trim_ascii().eq_ignore_ascii_case(b"No"))
}

/// The open connection, if it may carry this message.
async fn over<S: Source>(
    runner: &Runner,
    open: Dialogue,
    errand: &Errand<'_, S>,
    line: &mut Option<Dialogue>,
) -> Option<Result<Sent, Fault>> {
    let config = &runner.config.queue;
    let fits = !errand.terms.require_tls || (open.secured == Secured::Verified && open.offers(EXT_REQUIRE_TLS));
    if !fits || !open.is_fresh(config.connection_messages_max, config.connection_age) {
        tokio::spawn(open.quit());
        return None;
    }
    Some(transact(runner, open, errand, line).await)
}

/// A connection that is still good afterwards is kept.
async fn transact<S: Source>(
    runner: &Runner,
    mut open: Dialogue,
    errand: &Errand<'_, S>,
    line: &mut Option<Dialogue>,
) -> Result<Sent, Fault> {
    let sent = open.transact(errand).await;
    let config = &runner.config.queue;
    // What was opened without regard to policies is not for others.
    let is_good = !errand.tls_optional && open.is_fresh(config.connection_messages_max, config.connection_age);
    if open.is_usable() && is_good && open.cleared().await {
        *line = Some(open);
    } else if open.is_usable() {
        tokio::spawn(open.quit());
    }
    sent
}

/// Into mailboxes of ours, what was to come later.
async fn deliver_here<S: Source>(runner: &Runner, errand: &Errand<'_, S>) -> Sent {
    let from = errand.from.map_or(ReturnPath::Null, |from| ReturnPath::Address(from.clone()));
    let mut envelope = runner.gate.inbound(from, IpAddr::V4(Ipv4Addr::LOCALHOST)).announce(errand.bytes);
    let mut outcomes = vec![Outcome::Later("451 4.3.0 it could not be delivered here".to_owned()); errand.to.len()];
    let mut accepted: Vec<usize> = Vec::new();
    for (at, to) in errand.to.iter().enumerate() {
        match envelope.add(&to.address).await {
            Ok(()) => accepted.push(at),
            Err(refused) => outcomes[at] = of_gate(&refused),
        }
    }
    let delivered = async {
        let mut upload = envelope.upload().await?;
        while upload.bytes() < errand.bytes {
            let piece = errand.source.read(upload.bytes(), PIECE_BYTES.min(errand.bytes - upload.bytes())).await?;
            if piece.is_empty() {
                return Err(Refusal::Damaged);
            }
            upload.write(&piece).await?;
        }
        let content = upload.finish_message(octroi_mime::describe).await?;
        envelope.deliver_each(content).await
    };
    if !accepted.is_empty() {
        match delivered.await {
            Ok(results) => {
                for (at, result) in accepted.into_iter().zip(results) {
                    outcomes[at] = result.map_or_else(|refused| of_gate(&refused), |()| Outcome::Delivered);
                }
            }
            Err(refused) => accepted.into_iter().for_each(|at| outcomes[at] = of_gate(&refused)),
        }
    }
    Sent { outcomes, dsn: false, host: runner.gate.organisation().hostname.clone() }
}

fn of_gate(refused: &Refusal) -> Outcome {
    match refused {
        Refusal::UnknownRecipient | Refusal::NotRelay | Refusal::Missing => Outcome::Failed(format!("550 5.1.1 {refused}")),
        Refusal::OverQuota => Outcome::Later(format!("452 4.2.2 {refused}")),
        _ => Outcome::Later(format!("451 4.3.0 {refused}")),
    }
}
