//! What is known of strangers, as octets that outlive a restart: whom greylisting has seen, and who has been guessing.
//!
//! The program writes them into a file now and then and at its end, and reads them at its start. What always holds: nothing depends on
//! them, so octets that are of another version, cut, altered or from the future are as none; what they can bring is bounded. They hold
//! networks, and senders and recipients only as hashes under a key that is there too, so that the same ones are known again.

use super::greylist::Greylist;
use super::levels::Levels;
use super::{GUESS_SECONDS, Guard, Tables};
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// What it is, and its version.
const MAGIC: &[u8] = b"octroi guard 1\n";
/// Octets of the sum at the end.
const SUM_BYTES: usize = 32;
/// Levels of each kind: the highest.
const LEVELS_MAX: usize = 10_000;

#[derive(Serialize, Deserialize)]
struct Kept {
    key: [u8; 32],
    /// Seconds since 1970 when this was written; ages are counted from here.
    at: u64,
    /// What waits and what is good, with its age in seconds.
    waiting: Vec<(u64, u32)>,
    good: Vec<(u64, u32)>,
    /// By network, in thousandths.
    guesses: Vec<(IpAddr, u32)>,
    messages: Vec<(IpAddr, u32)>,
    recipients: Vec<(IpAddr, u32)>,
}

impl Guard {
    /// More octets than all full tables make; more are none of ours.
    pub const KEPT_BYTES_MAX: usize = 16 << 20;

    /// As octets.
    pub fn kept(&self) -> Vec<u8> {
        let tables = &self.0;
        let now = Instant::now();
        let (waiting, good) = tables.greylist.lock().unwrap_or_else(PoisonError::into_inner).ages(now);
        let kept = Kept {
            key: tables.key,
            at: unix_seconds(),
            waiting,
            good,
            guesses: tables.guesses.heights(LEVELS_MAX, now),
            messages: tables.messages.heights(LEVELS_MAX, now),
            recipients: tables.recipients.heights(LEVELS_MAX, now),
        };
        let mut octets = postcard::to_extend(&kept, MAGIC.to_vec()).unwrap_or_default();
        let sum = digest(&SHA256, &octets);
        octets.extend_from_slice(sum.as_ref());
        octets
    }

    /// From what was kept; `None` if that is nothing that can be used.
    pub fn from_kept(octets: &[u8]) -> Option<Self> {
        if octets.len() > Self::KEPT_BYTES_MAX {
            return None;
        }
        let (whole, sum) = octets.split_at_checked(octets.len().checked_sub(SUM_BYTES)?)?;
        if digest(&SHA256, whole).as_ref() != sum {
            return None;
        }
        let kept: Kept = postcard::from_bytes(whole.strip_prefix(MAGIC)?).ok()?;
        // A clock that was put back: nothing is younger than it was.
        let away = Duration::from_secs(unix_seconds().saturating_sub(kept.at));
        let now = Instant::now();
        let tables = Tables { key: kept.key, ..Tables::default() };
        *tables.greylist.lock().unwrap_or_else(PoisonError::into_inner) = Greylist::of_ages(&kept.waiting, &kept.good, away, now);
        // Limits may be other ones now: whoever counts next says how fast it falls.
        for (levels, heights, fall) in [
            (&tables.guesses, kept.guesses, Some(1.0 / GUESS_SECONDS)),
            (&tables.messages, kept.messages, None),
            (&tables.recipients, kept.recipients, None),
        ] {
            restore(levels, heights, fall, away, now);
        }
        Some(Self(Arc::new(tables)))
    }
}

fn restore(levels: &Levels<IpAddr>, heights: Vec<(IpAddr, u32)>, fall: Option<f64>, away: Duration, now: Instant) {
    let since = now.checked_sub(away).unwrap_or(now);
    for (network, height) in heights.into_iter().take(LEVELS_MAX) {
        levels.put(network, f64::from(height) / 1000.0, fall, since);
    }
}

fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::config::StrangerLimits;
    use crate::guard::Guessing;
    use crate::wire::ReversePath;
    use proptest::prelude::*;

    fn known() -> (Guard, StrangerLimits, IpAddr) {
        let limits = StrangerLimits {
            greylist: Some(Duration::ZERO),
            network_unknown_recipients_quick: 2,
            network_unknown_recipients_max: 4,
            network_messages_per_minute_max: 5,
            ..StrangerLimits::default()
        };
        (Guard::default(), limits, "192.0.2.1".parse().unwrap())
    }

    #[test]
    fn who_was_known_is_known_after_a_restart() {
        let (guard, limits, peer) = known();
        let (from, to) = (ReversePath::Mailbox("a@x.example".parse().unwrap()), "lea@octroi.example".parse().unwrap());
        let other = "198.51.100.1".parse().unwrap();
        guard.greylisted(peer, &from, &to, &limits).unwrap_err();
        guard.greylisted(peer, &from, &to, &limits).unwrap();
        guard.greylisted(other, &from, &to, &limits).unwrap_err();
        for _ in 0..5 {
            guard.guessed(peer, &limits);
            guard.message(peer, &from, &limits).unwrap();
        }
        let again = Guard::from_kept(&guard.kept()).unwrap();
        again.greylisted(peer, &ReversePath::Mailbox("b@x.example".parse().unwrap()), &to, &limits).unwrap();
        again.greylisted(other, &from, &to, &limits).unwrap();
        again.greylisted("203.0.113.1".parse().unwrap(), &from, &to, &limits).unwrap_err();
        assert_eq!(again.guessed(peer, &limits), Guessing::TooOften);
        again.message(peer, &from, &limits).unwrap_err();
        again.message(other, &from, &limits).unwrap();
    }

    #[test]
    fn what_is_no_such_thing_is_none() {
        let (guard, limits, peer) = known();
        guard.guessed(peer, &limits);
        let octets = guard.kept();
        assert!(Guard::from_kept(&octets).is_some());
        for at in 0..octets.len() {
            let mut altered = octets.clone();
            altered[at] ^= 1;
            assert!(Guard::from_kept(&altered).is_none(), "at {at}");
            assert!(Guard::from_kept(&octets[..at]).is_none(), "cut at {at}");
        }
        assert!(Guard::from_kept(&vec![0; Guard::KEPT_BYTES_MAX + 1]).is_none());
    }

    #[test]
    fn however_much_is_known_it_can_be_read_again() {
        let guard = Guard::default();
        let limits = StrangerLimits { greylist: Some(Duration::from_mins(1)), ..StrangerLimits::default() };
        let to = "lea@octroi.example".parse().unwrap();
        for number in 0..30_000_u32 {
            let peer = IpAddr::V4(std::net::Ipv4Addr::from_bits(number << 8));
            let _ = guard.greylisted(peer, &ReversePath::Null, &to, &limits);
            guard.guessed(peer, &limits);
        }
        let octets = guard.kept();
        assert!(octets.len() < Guard::KEPT_BYTES_MAX / 4, "{}", octets.len());
        assert!(Guard::from_kept(&octets).is_some());
    }

    proptest! {
        #[test]
        fn no_octets_harm(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut whole = [MAGIC, &octets].concat();
            let sum = digest(&SHA256, &whole);
            whole.extend_from_slice(sum.as_ref());
            if let Some(guard) = Guard::from_kept(&whole) {
                guard.kept();
            }
        }
    }
}
