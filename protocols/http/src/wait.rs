//! Log-ins that wait for their owner's confirmation: one wait for a credential and a client, however many requests came at once.
//!
//! Used by `credentials` only. A file manager opens half a dozen connections and sends the same credential on each. The first waits at the
//! gate, which keeps a few waits for an account; the others wait for the first and get its answer. What always holds: when the one that
//! waits at the gate hangs up, another takes its place; a wait that nobody is left for is forgotten; beyond [`REQUESTS_MAX`] the answer
//! comes at once.

use crate::cache::Key;
use octroi_gate::Refusal;
use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::OnceCell;

/// Requests with the same credential that wait together: browsers and file managers send six at once.
const REQUESTS_MAX: usize = 12;

type Outcome<S> = Arc<OnceCell<Result<S, Refusal>>>;

/// The waits that go on.
pub(crate) struct Waits<S>(Mutex<HashMap<Key, Outcome<S>>>);

impl<S: Clone> Waits<S> {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self(Mutex::new(HashMap::new()))
    }

    /// The outcome of the wait that goes on for `key`; if there is none, or who waited has gone, it is `wait` itself.
    pub(crate) async fn join<F: Future<Output = Result<S, Refusal>>>(&self, key: Key, wait: impl FnOnce() -> F) -> Result<S, Refusal> {
        let seat = self.sit(key).ok_or(Refusal::Unconfirmed)?;
        seat.outcome.get_or_init(wait).await.clone()
    }

    fn sit(&self, key: Key) -> Option<Seat<'_, S>> {
        let mut waits = self.lock();
        let outcome = waits.entry(key).or_default();
        // One of the counted is the table's.
        let seat = (Arc::strong_count(outcome) <= REQUESTS_MAX).then(|| outcome.clone())?;
        Some(Seat { waits: self, key, outcome: seat })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Outcome<S>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One request that waits. Its end is also that of a request whose client hung up.
struct Seat<'a, S: Clone> {
    waits: &'a Waits<S>,
    key: Key,
    outcome: Outcome<S>,
}

impl<S: Clone> Drop for Seat<'_, S> {
    fn drop(&mut self) {
        let mut waits = self.waits.lock();
        // The table's and ours: nobody else is left.
        if Arc::strong_count(&self.outcome) == 2 {
            waits.remove(&self.key);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    const KEY: Key = [1; 32];
    const LONG: Duration = Duration::from_millis(100);

    #[tokio::test]
    async fn a_burst_is_one_wait_and_all_get_its_outcome() {
        let (waits, begun) = (Waits::<u32>::new(), AtomicUsize::new(0));
        let wait = || async {
            begun.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(LONG).await;
            Ok(7)
        };
        let join = || waits.join(KEY, wait);
        let answers = tokio::join!(join(), join(), join(), join(), join(), join());
        assert_eq!(answers, (Ok(7), Ok(7), Ok(7), Ok(7), Ok(7), Ok(7)));
        assert_eq!(begun.load(Ordering::Relaxed), 1);
        assert!(waits.lock().is_empty());
        // Another credential has a wait of its own.
        let (one, other) = tokio::join!(waits.join(KEY, wait), waits.join([2; 32], wait));
        assert_eq!((one, other, begun.load(Ordering::Relaxed)), (Ok(7), Ok(7), 3));
    }

    #[tokio::test]
    async fn another_takes_the_place_of_who_hangs_up() {
        let waits = Waits::<u32>::new();
        let slow = || async {
            tokio::time::sleep(LONG).await;
            Ok(1)
        };
        let quick = || async { Ok(2) };
        let (first, second) = tokio::join!(tokio::time::timeout(Duration::from_millis(20), waits.join(KEY, slow)), waits.join(KEY, quick));
        assert!(first.is_err());
        assert_eq!(second, Ok(2));
        assert!(waits.lock().is_empty());
    }

    #[tokio::test]
    async fn beyond_the_bound_the_answer_comes_at_once() {
        let waits = Waits::<u32>::new();
        let seats: Vec<_> = (0..REQUESTS_MAX).map(|_| waits.sit(KEY).unwrap()).collect();
        assert_eq!(waits.join(KEY, || async { Ok(1) }).await, Err(Refusal::Unconfirmed));
        drop(seats);
        assert!(waits.lock().is_empty());
    }
}
