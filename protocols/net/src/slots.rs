//! How many connections there may be, in all and from one peer.
//!
//! A peer is an IPv4 address or an IPv6 /64: one household or host has a whole /64 to choose addresses from.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// The counters of one listener.
#[derive(Debug)]
pub(crate) struct Slots {
    total_max: usize,
    per_peer_max: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    total: usize,
    peers: HashMap<IpAddr, usize>,
}

/// The right to one connection; given back when dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    slots: Arc<Slots>,
    key: IpAddr,
}

impl Slots {
    pub(crate) fn new(total_max: usize, per_peer_max: usize) -> Arc<Self> {
        Arc::new(Self { total_max, per_peer_max, taken: Mutex::default() })
    }

    /// A slot for a connection from `address`, if one is free.
    pub(crate) fn take(self: &Arc<Self>, address: IpAddr) -> Option<Slot> {
        let key = peer_key(address);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let of_peer = taken.peers.get(&key).copied().unwrap_or(0);
        if taken.total >= self.total_max || of_peer >= self.per_peer_max {
            return None;
        }
        taken.total += 1;
        taken.peers.insert(key, of_peer + 1);
        Some(Slot { slots: self.clone(), key })
    }
}

impl Slot {
    /// The slot counted for `address` instead, if that peer has one free: a proxy has told for whom it connects.
    pub(crate) fn move_to(mut self, address: IpAddr) -> Option<Self> {
        let key = peer_key(address);
        if key != self.key {
            let mut taken = self.slots.taken.lock().unwrap_or_else(PoisonError::into_inner);
            let of_peer = taken.peers.get(&key).copied().unwrap_or(0);
            if of_peer >= self.slots.per_peer_max {
                // Unlocked before the slot is dropped, which locks.
                drop(taken);
                return None;
            }
            taken.leave(self.key);
            taken.peers.insert(key, of_peer + 1);
            drop(taken);
            self.key = key;
        }
        Some(self)
    }
}

impl Taken {
    /// One less of that peer.
    fn leave(&mut self, key: IpAddr) {
        match self.peers.get_mut(&key) {
            Some(count) if *count > 1 => *count -= 1,
            // The entry goes with its last connection, so that the map cannot be grown by visiting.
            _ => _ = self.peers.remove(&key),
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut taken = self.slots.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.total -= 1;
        taken.leave(self.key);
    }
}

/// The address by which a peer is counted.
fn peer_key(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.into(),
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64)).into(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_peer_is_an_ipv4_address_or_an_ipv6_64() {
        assert_eq!(peer_key(ip("192.0.2.1")), peer_key(ip("::ffff:192.0.2.1")));
        assert_ne!(peer_key(ip("192.0.2.1")), peer_key(ip("192.0.2.2")));
        assert_eq!(peer_key(ip("2001:db8::1")), peer_key(ip("2001:db8::ffff:0:0:2")));
        assert_ne!(peer_key(ip("2001:db8::1")), peer_key(ip("2001:db8:0:1::1")));
    }

    #[test]
    fn both_limits_hold_and_slots_come_back() {
        let slots = Slots::new(3, 2);
        let a = slots.take(ip("192.0.2.1")).unwrap();
        let _b = slots.take(ip("192.0.2.1")).unwrap();
        assert!(slots.take(ip("192.0.2.1")).is_none(), "per peer");
        let _c = slots.take(ip("192.0.2.2")).unwrap();
        assert!(slots.take(ip("192.0.2.3")).is_none(), "in all");
        drop(a);
        let d = slots.take(ip("192.0.2.3")).unwrap();
        drop(d);
        assert_eq!(slots.taken.lock().unwrap().peers.len(), 2, "nobody is remembered after leaving");
    }

    #[test]
    fn a_slot_goes_over_to_whom_the_proxy_names() {
        let slots = Slots::new(4, 2);
        let proxy = ip("10.0.0.5");
        let peer = ip("192.0.2.1");
        let first = slots.take(proxy).unwrap().move_to(peer).unwrap();
        let _second = slots.take(proxy).unwrap().move_to(peer).unwrap();
        assert!(slots.take(proxy).unwrap().move_to(peer).is_none(), "the peer's limit, not the proxy's");
        let _third = slots.take(proxy).unwrap().move_to(proxy).unwrap();
        let _fourth = slots.take(proxy).unwrap();
        assert!(slots.take(proxy).is_none(), "in all");
        drop(first);
        assert!(slots.take(proxy).is_none(), "the proxy's own two");
        let taken = slots.taken.lock().unwrap();
        assert_eq!((taken.total, taken.peers[&proxy], taken.peers[&peer]), (3, 2, 1));
    }
}
