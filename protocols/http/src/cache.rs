//! Log-ins of the last minute: clients send their password with every request, and a mount of documents makes hundreds.
//!
//! Used by `credentials` only. What always holds: an entry is found only by the very same credential, service, address and certificate of
//! the client, keyed with a random key of this process, so that two credentials are never confused (CVE-2025-30189) and the table holds no password
//! hash worth stealing; whoever takes an entry asks the session whether it is still good before using it.

use crate::client::Client;
use octroi_gate::Session;
use octroi_model::Service;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Log-ins kept at most; about 1 KiB each.
const ENTRIES_MAX: usize = 4096;
/// How long one is kept.
const KEEP: Duration = Duration::from_mins(1);

/// Under which a log-in is found again.
pub(crate) type Key = [u8; 32];

/// The table.
pub(crate) struct LoginCache<S = Session> {
    key: [u8; 32],
    entries: Mutex<HashMap<Key, (Instant, S)>>,
}

impl<S: Clone> LoginCache<S> {
    /// Empty, with a new random key. Without randomness nothing is ever found again, which is only slower.
    pub(crate) fn new() -> Self {
        let mut key = [0; 32];
        let random = getrandom::fill(&mut key).is_ok();
        if !random {
            tracing::error!("no randomness: log-ins are not cached");
        }
        Self { key, entries: Mutex::new(HashMap::new()) }
    }

    /// The key of a credential as it is presented here, from there.
    pub(crate) fn key(&self, user: &str, secret: &str, service: Service, client: &Client) -> Key {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        let address = client.addr.to_string();
        // Who vouches for a certificate may change while it stays the same.
        let certificate = client.certificate.iter();
        let vouched = certificate.flat_map(|c| std::iter::once(&c.der[..]).chain(c.authorities.iter().map(|name| name.as_bytes())));
        // Lengths first: no two different credentials run together to the same octets.
        for part in [user.as_bytes(), secret.as_bytes(), service.name().as_bytes(), address.as_bytes()].into_iter().chain(vouched) {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        *hasher.finalize().as_bytes()
    }

    /// The log-in of that key, if it is recent. Ask it whether it is still good.
    pub(crate) fn find(&self, key: &Key) -> Option<S> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.get(key).filter(|(at, _)| at.elapsed() < KEEP).map(|(_, session)| session.clone())
    }

    /// Remember a log-in.
    pub(crate) fn put(&self, key: Key, session: S) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= ENTRIES_MAX {
            entries.retain(|_, (at, _)| at.elapsed() < KEEP);
        }
        if entries.len() >= ENTRIES_MAX
            && let Some(oldest) = entries.iter().min_by_key(|(_, (at, _))| *at).map(|(key, _)| *key)
        {
            entries.remove(&oldest);
        }
        entries.insert(key, (Instant::now(), session));
    }

    /// Forget a log-in that is no longer good.
    pub(crate) fn forget(&self, key: &Key) {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use octroi_net::PeerCertificate;
    use std::sync::Arc;

    #[test]
    fn only_the_same_credential_service_and_client_find_an_entry() {
        let cache = LoginCache::<u32>::new();
        let certificate = |zone: &str| Some(Arc::new(PeerCertificate { authorities: vec![zone.into()], der: vec![1, 2, 3] }));
        let client = |addr: &str, certificate| Client { addr: addr.parse().unwrap(), certificate };
        let here = &client("192.0.2.1", certificate("secured"));
        let key = cache.key("lea@a.example", "secret", Service::Files, here);
        cache.put(key, 7);
        assert_eq!(cache.find(&key), Some(7));
        for other in [
            cache.key("lea@a.exampl", "esecret", Service::Files, here),
            cache.key("lea@a.example", "secret2", Service::Files, here),
            cache.key("lea@a.example", "secret", Service::Caldav, here),
            cache.key("lea@a.example", "secret", Service::Files, &client("192.0.2.2", certificate("secured"))),
            cache.key("lea@a.example", "secret", Service::Files, &client("192.0.2.1", certificate("home"))),
            cache.key("lea@a.example", "secret", Service::Files, &client("192.0.2.1", None)),
            LoginCache::<u32>::new().key("lea@a.example", "secret", Service::Files, here),
        ] {
            assert_eq!(cache.find(&other), None);
        }
        cache.forget(&key);
        assert_eq!(cache.find(&key), None);
    }

    #[test]
    fn the_table_stays_within_its_bound() {
        let cache = LoginCache::<usize>::new();
        for n in 0..ENTRIES_MAX + 50 {
            let mut key = [0; 32];
            key[..8].copy_from_slice(&n.to_le_bytes());
            cache.put(key, n);
        }
        assert_eq!(cache.entries.lock().unwrap().len(), ENTRIES_MAX);
    }
}
