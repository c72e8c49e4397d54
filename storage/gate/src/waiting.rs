//! Log-ins that wait for their owner's confirmation, for the list in the portal.
//!
//! An entry stays a while after the client has given up: the owner reads the notice, confirms, and the client's next try opens. Bounded per
//! account and in all; what does not fit is simply not listed, and the log-in takes the code in-band only.

use octroi_model::{AccountId, Service, UnixTime};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long an entry stays after the last try.
const KEPT_FOR: Duration = Duration::from_mins(15);
/// Entries of one account.
const PER_ACCOUNT_MAX: usize = 20;
/// Entries in all.
const ALL_MAX: usize = 10_000;
/// Log-ins of one account that wait at the same time: each holds a connection.
const HELD_PER_ACCOUNT_MAX: usize = 8;
/// After this time the owner gets another notice about the same device and network.
const NOTICE_EVERY: Duration = Duration::from_hours(1);

/// A log-in that waits, for people.
#[derive(Debug, Clone)]
pub struct WaitingLogIn {
    /// The app password's visible id.
    pub public_id: String,
    /// The owner's name of the app password.
    pub label: String,
    /// The network that is to be confirmed, such as `192.0.2.1/32`.
    pub network: String,
    /// From where.
    pub peer: IpAddr,
    /// From which zone.
    pub zone: String,
    /// Over which service.
    pub service: Service,
    /// What the client calls itself.
    pub client: Option<String>,
    /// When it was last tried.
    pub at: UnixTime,
}

struct Entry {
    account: AccountId,
    log_in: WaitingLogIn,
    tried: Instant,
    noticed: Instant,
    held: usize,
}

/// The list. By app password and network.
#[derive(Default)]
pub(crate) struct Waiting(Mutex<HashMap<(String, String), Entry>>);

/// A connection that is kept waiting.
pub(crate) struct Held<'a> {
    waiting: &'a Waiting,
    key: (String, String),
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if let Some(entry) = self.waiting.lock().get_mut(&self.key) {
            entry.held = entry.held.saturating_sub(1);
        }
    }
}

impl Waiting {
    /// A log-in has to wait. Returns whether its owner should get a notice now.
    pub(crate) fn add(&self, account: AccountId, log_in: WaitingLogIn) -> bool {
        let mut entries = self.lock();
        entries.retain(|_, entry| entry.tried.elapsed() < KEPT_FOR);
        let key = (log_in.public_id.clone(), log_in.network.clone());
        let now = Instant::now();
        if let Some(entry) = entries.get_mut(&key) {
            entry.log_in = log_in;
            entry.tried = now;
            let again = entry.noticed.elapsed() >= NOTICE_EVERY;
            if again {
                entry.noticed = now;
            }
            return again;
        }
        if entries.len() >= ALL_MAX || entries.values().filter(|entry| entry.account == account).count() >= PER_ACCOUNT_MAX {
            return false;
        }
        entries.insert(key, Entry { account, log_in, tried: now, noticed: now, held: 0 });
        true
    }

    /// May another connection of that account be kept waiting? If so, it is counted until what is returned is dropped, which a client that
    /// hangs up brings about as well.
    pub(crate) fn hold(&self, account: AccountId, public_id: &str, network: &str) -> Option<Held<'_>> {
        let mut entries = self.lock();
        let held: usize = entries.values().filter(|entry| entry.account == account).map(|entry| entry.held).sum();
        let key = (public_id.to_owned(), network.to_owned());
        let entry = entries.get_mut(&key).filter(|_| held < HELD_PER_ACCOUNT_MAX)?;
        entry.held += 1;
        Some(Held { waiting: self, key })
    }

    /// It was confirmed, or never will be.
    pub(crate) fn remove(&self, public_id: &str, network: &str) {
        self.lock().remove(&(public_id.to_owned(), network.to_owned()));
    }

    /// Those of an account, the newest first.
    pub(crate) fn of(&self, account: AccountId) -> Vec<WaitingLogIn> {
        let entries = self.lock();
        let mut found: Vec<_> = entries.values().filter(|e| e.account == account && e.tried.elapsed() < KEPT_FOR).collect();
        found.sort_by_key(|entry| std::cmp::Reverse(entry.tried));
        found.into_iter().map(|entry| entry.log_in.clone()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(String, String), Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
