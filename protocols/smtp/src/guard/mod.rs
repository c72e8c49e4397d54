//! What is asked of strangers on port 25, over all their connections: how many, how much, how often they guess, and whether they wait for
//! their turn.
//!
//! Called by the session and by MAIL and RCPT. Strangers are counted by network (IPv4 /24, IPv6 /64) and, within it, by sender: a sender
//! alone could be anybody's claim, and somebody else's mail would be kept out by it. Networks of ours (`trusted`) are asked nothing. All of
//! it is in memory and bounded; what a restart must not make forgotten is kept by the program ([`kept`]).

mod greylist;
mod kept;
mod levels;

use crate::config::StrangerLimits;
use crate::wire::{Reply, ReversePath};
use greylist::Greylist;
use levels::Levels;
use octroi_model::Address;
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Networks and senders that are remembered, each a few dozen octets.
const COUNTED_MAX: usize = 65_536;
/// What a network guesses wrong is forgotten one by one, each after so many seconds.
const GUESS_SECONDS: f64 = 30.0;

/// The tables; all sessions share them. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Guard(Arc<Tables>);

#[derive(Debug)]
struct Tables {
    connections: Levels<IpAddr>,
    messages: Levels<IpAddr>,
    recipients: Levels<IpAddr>,
    sender_messages: Levels<u64>,
    sender_recipients: Levels<u64>,
    guesses: Levels<IpAddr>,
    reports: Levels<IpAddr>,
    greylist: Mutex<Greylist>,
    receptions: AtomicUsize,
    /// By chance, so that nobody can choose senders that are counted as one.
    key: [u8; 32],
}

impl Default for Tables {
    fn default() -> Self {
        Self {
            connections: Levels::new(COUNTED_MAX),
            messages: Levels::new(COUNTED_MAX),
            recipients: Levels::new(COUNTED_MAX),
            sender_messages: Levels::new(COUNTED_MAX),
            sender_recipients: Levels::new(COUNTED_MAX),
            guesses: Levels::new(COUNTED_MAX),
            reports: Levels::new(COUNTED_MAX),
            greylist: Mutex::default(),
            receptions: AtomicUsize::new(0),
            key: random_key(),
        }
    }
}

/// How a network stands that has just named somebody who is not here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Guessing {
    /// A typing error now and then.
    Seldom,
    /// Often: it is answered late.
    Often,
    /// So often that it is looking for addresses.
    TooOften,
}

/// One message under way; counted until it is dropped.
#[derive(Debug)]
pub(crate) struct Reception(Arc<Tables>);

impl Drop for Reception {
    fn drop(&mut self) {
        self.0.receptions.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Guard {
    /// One more connection.
    pub(crate) fn connection(&self, peer: IpAddr, limits: &StrangerLimits) -> Result<(), Reply> {
        let max = limits.network_connections_per_minute_max;
        if self.0.connections.take(network(peer), max, Instant::now()) {
            return Ok(());
        }
        Err(Reply::new(421, "4.7.0", "Too many connections from your network, try again later"))
    }

    /// One more message.
    pub(crate) fn message(&self, peer: IpAddr, from: &ReversePath, limits: &StrangerLimits) -> Result<(), Reply> {
        let now = Instant::now();
        if !self.0.messages.take(network(peer), limits.network_messages_per_minute_max, now) {
            return Err(Reply::new(450, "4.7.1", "Too many messages from your network, try again later"));
        }
        let of_sender = || self.0.sender_messages.take(self.sender(peer, from), limits.sender_messages_per_minute_max, now);
        // Notifications have no sender in common.
        if *from != ReversePath::Null && !of_sender() {
            return Err(Reply::new(450, "4.7.1", "Too many messages of this sender, try again later"));
        }
        Ok(())
    }

    /// One more recipient.
    pub(crate) fn recipient(&self, peer: IpAddr, from: &ReversePath, limits: &StrangerLimits) -> Result<(), Reply> {
        let now = Instant::now();
        if !self.0.recipients.take(network(peer), limits.network_recipients_per_minute_max, now) {
            return Err(Reply::new(450, "4.7.1", "Too many recipients from your network, try again later"));
        }
        let of_sender = || self.0.sender_recipients.take(self.sender(peer, from), limits.sender_recipients_per_minute_max, now);
        if *from != ReversePath::Null && !of_sender() {
            return Err(Reply::new(450, "4.7.1", "Too many recipients of this sender, try again later"));
        }
        Ok(())
    }

    /// Put a stranger off who has not written to this recipient before; who comes again after a while is a mail server.
    pub(crate) fn greylisted(&self, peer: IpAddr, from: &ReversePath, to: &Address, limits: &StrangerLimits) -> Result<(), Reply> {
        let Some(delay) = limits.greylist else { return Ok(()) };
        let domain = match from {
            ReversePath::Null => String::new(),
            ReversePath::Mailbox(address) => address.domain().to_owned(),
        };
        let sender = match from {
            ReversePath::Null => String::new(),
            ReversePath::Mailbox(address) => address.key(),
        };
        let triplet = self.hash(network(peer), &sender, &to.key());
        // Of a whole domain: what no address is.
        let pair = self.hash(network(peer), &format!("@{domain}"), "");
        let mut greylist = self.0.greylist.lock().unwrap_or_else(PoisonError::into_inner);
        if greylist.passes(triplet, pair, delay, Instant::now()) {
            return Ok(());
        }
        // RFC 6647 section 4: temporary, and at RCPT.
        Err(Reply::new(450, "4.7.1", "Greylisted, try again in some minutes"))
    }

    /// One more recipient that is not here.
    pub(crate) fn guessed(&self, peer: IpAddr, limits: &StrangerLimits) -> Guessing {
        let level = self.0.guesses.add(network(peer), 1.0 / GUESS_SECONDS, Instant::now());
        if level > f64::from(limits.network_unknown_recipients_max) {
            Guessing::TooOften
        } else if level > f64::from(limits.network_unknown_recipients_quick) {
            Guessing::Often
        } else {
            Guessing::Seldom
        }
    }

    /// One more report to the sender of a message, whoever that is: nobody shall have us write to others.
    pub(crate) fn report(&self, peer: IpAddr, limits: &StrangerLimits) -> bool {
        self.0.reports.take(network(peer), limits.network_reports_per_minute_max, Instant::now())
    }

    /// Room for one more message under way, whoever brings it: each may take memory until it is on disk.
    pub(crate) fn reception(&self, max: usize) -> Option<Reception> {
        // Dropped again, and so not counted, if it is one too many.
        let before = self.0.receptions.fetch_add(1, Ordering::AcqRel);
        let reception = Reception(self.0.clone());
        (before < max).then_some(reception)
    }

    fn sender(&self, peer: IpAddr, from: &ReversePath) -> u64 {
        match from {
            ReversePath::Null => self.hash(network(peer), "", ""),
            ReversePath::Mailbox(address) => self.hash(network(peer), &address.key(), ""),
        }
    }

    fn hash(&self, network: IpAddr, one: &str, other: &str) -> u64 {
        let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &self.0.key));
        for part in [&network.to_string(), one, other] {
            context.update(part.as_bytes());
            context.update(b"\0");
        }
        let tag = context.sign();
        tag.as_ref().iter().take(8).fold(0, |number, octet| number << 8 | u64::from(*octet))
    }
}

/// Without randomness it is one that can be guessed: then senders could be chosen that are counted as one, and no more.
fn random_key() -> [u8; 32] {
    let mut key = [0; 32];
    if SystemRandom::new().fill(&mut key).is_err() {
        tracing::error!("no randomness for what is known of strangers");
    }
    key
}

/// The /24 or /64 of an address.
fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V4(v4) => Ipv4Addr::from_bits(v4.to_bits() & (u32::MAX << 8)).into(),
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64)).into(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn sender(text: &str) -> ReversePath {
        ReversePath::Mailbox(text.parse().unwrap())
    }

    fn limits() -> StrangerLimits {
        StrangerLimits {
            network_connections_per_minute_max: 3,
            network_messages_per_minute_max: 5,
            network_recipients_per_minute_max: 5,
            sender_messages_per_minute_max: 2,
            sender_recipients_per_minute_max: 2,
            network_unknown_recipients_quick: 2,
            network_unknown_recipients_max: 4,
            ..StrangerLimits::default()
        }
    }

    #[test]
    fn a_network_is_counted_as_one_and_apart_from_others() {
        let (guard, limits) = (Guard::default(), limits());
        for last in 1..4 {
            guard.connection(ip(&format!("192.0.2.{last}")), &limits).unwrap();
        }
        assert_eq!(guard.connection(ip("::ffff:192.0.2.9"), &limits).unwrap_err().code(), 421);
        guard.connection(ip("192.0.3.1"), &limits).unwrap();
        assert_eq!(network(ip("2001:db8::1")), network(ip("2001:db8::ffff:0:0:2")));
    }

    #[test]
    fn a_sender_is_counted_within_its_network() {
        let (guard, limits) = (Guard::default(), limits());
        let (here, there) = (ip("192.0.2.1"), ip("198.51.100.1"));
        for _ in 0..2 {
            guard.message(here, &sender("a@x.example"), &limits).unwrap();
            guard.recipient(here, &sender("a@x.example"), &limits).unwrap();
        }
        assert_eq!(guard.message(here, &sender("A@X.example"), &limits).unwrap_err().code(), 450);
        assert_eq!(guard.recipient(here, &sender("a@x.example"), &limits).unwrap_err().code(), 450);
        // Whoever claims to be them elsewhere does not keep them out, nor the other way round.
        guard.message(there, &sender("a@x.example"), &limits).unwrap();
        guard.message(here, &ReversePath::Null, &limits).unwrap();
        guard.message(here, &ReversePath::Null, &limits).unwrap();
        assert_eq!(guard.message(here, &sender("b@x.example"), &limits).unwrap_err().code(), 450, "the network's own limit");
    }

    #[test]
    fn guessing_is_noticed_over_connections() {
        let (guard, limits) = (Guard::default(), limits());
        let all: Vec<Guessing> = (1..7).map(|last| guard.guessed(ip(&format!("192.0.2.{last}")), &limits)).collect();
        assert_eq!(all[..2], [Guessing::Seldom; 2]);
        assert_eq!(all[2..4], [Guessing::Often; 2]);
        assert_eq!(all[4..], [Guessing::TooOften; 2]);
        assert_eq!(guard.guessed(ip("198.51.100.1"), &limits), Guessing::Seldom);
    }

    #[test]
    fn greylisting_is_off_by_default_and_knows_who_came_again() {
        let guard = Guard::default();
        let (peer, to) = (ip("192.0.2.1"), "lea@octroi.example".parse().unwrap());
        guard.greylisted(peer, &sender("a@x.example"), &to, &StrangerLimits::default()).unwrap();
        let limits = StrangerLimits { greylist: Some(Duration::ZERO), ..StrangerLimits::default() };
        let first = guard.greylisted(peer, &sender("a@x.example"), &to, &limits).unwrap_err();
        assert_eq!(first.code(), 450);
        guard.greylisted(peer, &sender("a@x.example"), &to, &limits).unwrap();
        // The server is known now, for all of that domain.
        guard.greylisted(peer, &sender("b@x.example"), &"leo@octroi.example".parse().unwrap(), &limits).unwrap();
        guard.greylisted(peer, &sender("b@y.example"), &to, &limits).unwrap_err();
    }

    #[test]
    fn receptions_are_counted_while_they_last() {
        let guard = Guard::default();
        let (first, second) = (guard.reception(2).unwrap(), guard.reception(2).unwrap());
        assert!(guard.reception(2).is_none());
        drop(first);
        let third = guard.reception(2).unwrap();
        assert!(guard.reception(2).is_none());
        drop((second, third));
        assert!(guard.reception(1).is_some());
    }
}
