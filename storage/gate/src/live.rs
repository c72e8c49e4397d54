//! Who is logged in just now: for the list in the portal, for *sign out everywhere*, and for the limits of one account.
//!
//! Each open session holds a [`Place`] and leaves the list when it is dropped. What is here is lost with a restart, as the sessions are.

use octroi_model::{AccountId, Service, UnixTime};
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// An open session, for people.
#[derive(Debug, Clone)]
pub struct LiveSession {
    /// Over which service.
    pub service: Service,
    /// From where.
    pub peer: IpAddr,
    /// From which zone.
    pub zone: String,
    /// What the client calls itself.
    pub client: Option<String>,
    /// The owner's name of the app password.
    pub label: String,
    /// The app password's visible id.
    pub public_id: String,
    /// Since when.
    pub since: UnixTime,
}

/// The open sessions of all accounts.
#[derive(Default)]
pub(crate) struct Live(Mutex<HashMap<AccountId, Sessions>>);

#[derive(Default)]
struct Sessions {
    next: u64,
    open: BTreeMap<u64, (LiveSession, Arc<AtomicBool>)>,
    /// Log-ins of this minute.
    minute: Option<(Instant, u32)>,
}

/// A session's place in the list.
pub(crate) struct Place {
    live: Arc<Live>,
    account: AccountId,
    number: u64,
    signed_out: Arc<AtomicBool>,
}

/// There is no room for another session or log-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Crowded;

impl Live {
    /// A log-in begins: too many in one minute are put off.
    pub(crate) fn count(&self, account: AccountId, per_minute_max: u32) -> Result<(), Crowded> {
        let mut all = self.lock();
        let sessions = all.entry(account).or_default();
        let (since, count) = sessions.minute.filter(|(since, _)| since.elapsed() < Duration::from_mins(1)).unwrap_or((Instant::now(), 0));
        if count >= per_minute_max {
            return Err(Crowded);
        }
        sessions.minute = Some((since, count + 1));
        Ok(())
    }

    /// A session opens.
    pub(crate) fn enter(self: &Arc<Self>, account: AccountId, session: LiveSession, sessions_max: usize) -> Result<Place, Crowded> {
        let mut all = self.lock();
        let sessions = all.entry(account).or_default();
        if sessions.open.len() >= sessions_max {
            return Err(Crowded);
        }
        let number = sessions.next;
        sessions.next += 1;
        let signed_out = Arc::new(AtomicBool::new(false));
        sessions.open.insert(number, (session, signed_out.clone()));
        Ok(Place { live: self.clone(), account, number, signed_out })
    }

    /// A place for what acts on an account's behalf when nobody is logged in: not in the list, and not counted.
    pub(crate) fn aside(self: &Arc<Self>, account: AccountId) -> Place {
        Place { live: self.clone(), account, number: u64::MAX, signed_out: Arc::default() }
    }

    /// The open sessions of an account, the oldest first.
    pub(crate) fn of(&self, account: AccountId) -> Vec<LiveSession> {
        self.lock().get(&account).map(|sessions| sessions.open.values().map(|(session, _)| session.clone()).collect()).unwrap_or_default()
    }

    /// End all sessions of an account; they notice when the generation moves.
    pub(crate) fn sign_out(&self, account: AccountId) {
        if let Some(sessions) = self.lock().get(&account) {
            sessions.open.values().for_each(|(_, signed_out)| signed_out.store(true, Ordering::Release));
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<AccountId, Sessions>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Was the session ended from elsewhere?
    pub(crate) fn is_signed_out(&self) -> bool {
        self.signed_out.load(Ordering::Acquire)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut all = self.live.lock();
        if let Some(sessions) = all.get_mut(&self.account) {
            sessions.open.remove(&self.number);
            let idle = sessions.minute.is_none_or(|(since, _)| since.elapsed() >= Duration::from_mins(1));
            if sessions.open.is_empty() && idle {
                all.remove(&self.account);
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn session() -> LiveSession {
        LiveSession {
            service: Service::Imap,
            peer: [192, 0, 2, 1].into(),
            zone: "anywhere".into(),
            client: None,
            label: "phone".into(),
            public_id: "abc".into(),
            since: UnixTime(0),
        }
    }

    #[test]
    fn one_account_is_limited_and_others_are_not() {
        let live = Arc::new(Live::default());
        let (one, other) = (AccountId(1), AccountId(2));
        let first = live.enter(one, session(), 2).unwrap();
        let second = live.enter(one, session(), 2).unwrap();
        assert!(live.enter(one, session(), 2).is_err());
        assert!(live.enter(other, session(), 2).is_ok());
        drop(first);
        assert_eq!(live.of(one).len(), 1);
        let third = live.enter(one, session(), 2).unwrap();
        live.sign_out(one);
        assert!(second.is_signed_out() && third.is_signed_out());
        assert!((0..3).all(|_| live.count(one, 3).is_ok()));
        assert!(live.count(one, 3).is_err() && live.count(other, 3).is_ok());
    }
}
