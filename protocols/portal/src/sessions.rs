//! Who is signed in: a table from the hash of a cookie's value to what that visitor may go on with.
//!
//! Used by `pages` through `visit`. What always holds: the value itself is not kept, so the memory of the server holds nothing that could be sent
//! as a cookie; an entry ends when it was idle for too long and at the latest after its lifetime; the table is bounded; a value is
//! never used again after [`Sessions::rotate`], so whoever planted or saw the one before a step up has nothing.

use crate::config::PortalConfig;
use data_encoding::HEXLOWER;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Random bytes of a cookie's value.
const ID_BYTES: usize = 32;

/// A cookie's value: 256 random bits in hex.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct VisitId(String);

impl VisitId {
    /// A new one; `None` when the system has no randomness to give.
    pub(crate) fn new() -> Option<Self> {
        let mut bytes = [0; ID_BYTES];
        getrandom::fill(&mut bytes).ok()?;
        Some(Self(HEXLOWER.encode(&bytes)))
    }

    /// From a cookie, if it has the form of one of ours.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let ours = text.len() == 2 * ID_BYTES && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        ours.then(|| Self(text.to_owned()))
    }

    /// As it stands in the cookie.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    fn digest(&self) -> [u8; 32] {
        *blake3::hash(self.0.as_bytes()).as_bytes()
    }
}

/// There is no room for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full;

/// The table, of `T` for each visitor.
pub(crate) struct Sessions<T> {
    config: Arc<PortalConfig>,
    entries: Mutex<HashMap<[u8; 32], Entry<T>>>,
}

struct Entry<T> {
    began: Instant,
    touched: Instant,
    /// It may not live longer than this.
    lifetime: Duration,
    value: T,
}

impl<T> Sessions<T> {
    /// Empty.
    pub(crate) fn new(config: Arc<PortalConfig>) -> Self {
        Self { config, entries: Mutex::new(HashMap::new()) }
    }

    /// Begin an entry that may live for `lifetime`, under a new value.
    pub(crate) fn begin(&self, value: T, lifetime: Duration) -> Result<VisitId, Full> {
        let id = VisitId::new().ok_or(Full)?;
        let mut entries = self.lock();
        // What is over goes each time: it may hold an open session for documents, which counts among its account's.
        entries.retain(|_, entry| self.is_live(entry));
        if entries.len() >= self.config.sessions_max {
            return Err(Full);
        }
        let now = Instant::now();
        entries.insert(id.digest(), Entry { began: now, touched: now, lifetime, value });
        Ok(id)
    }

    /// Look at an entry, which counts as use of it.
    pub(crate) fn with<R>(&self, id: &VisitId, look: impl FnOnce(&mut T) -> R) -> Option<R> {
        let mut entries = self.lock();
        let key = id.digest();
        let entry = entries.get_mut(&key)?;
        if !self.is_live(entry) {
            entries.remove(&key);
            return None;
        }
        entry.touched = Instant::now();
        Some(look(&mut entry.value))
    }

    /// Put an entry under a new value. Its age goes on.
    pub(crate) fn rotate(&self, id: &VisitId) -> Option<VisitId> {
        let new = VisitId::new()?;
        let mut entries = self.lock();
        let entry = entries.remove(&id.digest())?;
        if !self.is_live(&entry) {
            return None;
        }
        entries.insert(new.digest(), entry);
        Some(new)
    }

    /// End an entry and take what it held.
    pub(crate) fn end(&self, id: &VisitId) -> Option<T> {
        let entry = self.lock().remove(&id.digest())?;
        self.is_live(&entry).then_some(entry.value)
    }

    fn is_live(&self, entry: &Entry<T>) -> bool {
        entry.touched.elapsed() < self.config.idle && entry.began.elapsed() < entry.lifetime
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 32], Entry<T>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn sessions(idle: Duration, sessions_max: usize) -> Sessions<u32> {
        Sessions::new(Arc::new(PortalConfig { idle, sessions_max, ..PortalConfig::default() }))
    }

    #[test]
    fn a_rotated_value_opens_nothing() {
        let sessions = sessions(Duration::from_mins(1), 10);
        let old = sessions.begin(7, Duration::from_mins(1)).unwrap();
        let new = sessions.rotate(&old).unwrap();
        assert!(sessions.with(&old, |_| ()).is_none());
        assert_eq!(sessions.with(&new, |value| *value), Some(7));
        assert!(sessions.rotate(&old).is_none());
        assert_eq!(sessions.end(&new), Some(7));
        assert!(sessions.with(&new, |_| ()).is_none());
    }

    #[test]
    fn idle_and_old_entries_end() {
        let idle = sessions(Duration::from_millis(30), 10);
        let id = idle.begin(1, Duration::from_mins(1)).unwrap();
        std::thread::sleep(Duration::from_millis(40));
        assert!(idle.with(&id, |_| ()).is_none());
        let old = sessions(Duration::from_mins(1), 10);
        let id = old.begin(1, Duration::from_millis(30)).unwrap();
        std::thread::sleep(Duration::from_millis(40));
        assert!(old.rotate(&id).is_none());
    }

    #[test]
    fn the_table_is_bounded_and_makes_room_for_the_living() {
        let sessions = sessions(Duration::from_mins(1), 2);
        let short = sessions.begin(1, Duration::from_millis(20)).unwrap();
        sessions.begin(2, Duration::from_mins(1)).unwrap();
        assert!(sessions.begin(3, Duration::from_mins(1)).is_err());
        std::thread::sleep(Duration::from_millis(30));
        assert!(sessions.begin(3, Duration::from_mins(1)).is_ok());
        assert!(sessions.with(&short, |_| ()).is_none());
    }

    #[test]
    fn only_our_own_form_is_a_cookie() {
        let id = VisitId::new().unwrap();
        assert!(VisitId::parse(id.as_str()).is_some_and(|parsed| parsed == id));
        for bad in ["", "abc", &id.as_str().to_uppercase().replace(['0', '1'], "A"), &format!("{}0", id.as_str())] {
            assert!(VisitId::parse(bad).is_none(), "{bad}");
        }
    }
}
