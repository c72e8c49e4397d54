//! Slows guessing: wrong log-ins are counted per network, and each further one from there waits longer.
//!
//! Counts *distinct* wrong secrets, so a phone that repeats one old password is not punished, and never locks an account:
//! anybody could lock anybody else out that way.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Networks remembered; the oldest are forgotten first.
const NETWORKS_MAX: usize = 10_000;
/// Distinct wrong secrets remembered per network.
const SECRETS_MAX: usize = 64;
/// After this long without a wrong try a network starts anew.
const FORGET_AFTER: Duration = Duration::from_mins(10);
/// Distinct wrong secrets that are free.
const FREE_TRIES: usize = 5;
/// Longest wait.
const WAIT_MAX: Duration = Duration::from_secs(4);

#[derive(Default)]
pub(crate) struct Throttle {
    networks: Mutex<HashMap<String, Failures>>,
}

struct Failures {
    secrets: HashSet<u64>,
    last: Instant,
}

impl Throttle {
    /// How long a try from `peer` has to wait now.
    pub(crate) fn wait(&self, peer: IpAddr) -> Duration {
        let networks = self.networks.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let tries = networks.get(&network(peer)).filter(|f| f.last.elapsed() < FORGET_AFTER).map_or(0, |f| f.secrets.len());
        match tries.checked_sub(FREE_TRIES) {
            Some(over) => Duration::from_millis(250 << over.min(5)).min(WAIT_MAX),
            None => Duration::ZERO,
        }
    }

    /// A wrong secret came from `peer`; `fingerprint` tells secrets apart without keeping them.
    pub(crate) fn failed(&self, peer: IpAddr, fingerprint: u64) {
        let mut networks = self.networks.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if networks.len() >= NETWORKS_MAX {
            networks.retain(|_, f| f.last.elapsed() < FORGET_AFTER);
            if networks.len() >= NETWORKS_MAX {
                let oldest = networks.iter().min_by_key(|(_, f)| f.last).map(|(n, _)| n.clone());
                oldest.map(|n| networks.remove(&n));
            }
        }
        let failures = networks.entry(network(peer)).or_insert_with(|| Failures { secrets: HashSet::new(), last: Instant::now() });
        if failures.last.elapsed() >= FORGET_AFTER {
            failures.secrets.clear();
        }
        failures.last = Instant::now();
        if failures.secrets.len() < SECRETS_MAX {
            failures.secrets.insert(fingerprint);
        }
    }
}

/// The network of a peer: one IPv4 address, one IPv6 /64 (what one customer is given).
pub(crate) fn network(peer: IpAddr) -> String {
    match peer.to_canonical() {
        IpAddr::V4(v4) => format!("{v4}/32"),
        IpAddr::V6(v6) => {
            let s = v6.segments();
            format!("{:x}:{:x}:{:x}:{:x}::/64", s[0], s[1], s[2], s[3])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_distinct_secrets_count() {
        let throttle = Throttle::default();
        let peer: IpAddr = [192, 0, 2, 1].into();
        for _ in 0..100 {
            throttle.failed(peer, 1);
        }
        assert_eq!(throttle.wait(peer), Duration::ZERO);
        for secret in 2..20 {
            throttle.failed(peer, secret);
        }
        assert_eq!(throttle.wait(peer), WAIT_MAX);
        assert_eq!(throttle.wait([192, 0, 2, 2].into()), Duration::ZERO);
    }
}
