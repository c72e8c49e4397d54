//! How many recipients an account has written to within the last hour, for the limit of its profile.
//!
//! In memory: a restart begins anew, which a sender cannot bring about. Counted in minutes, so the window moves by a minute at a time.

use octroi_model::AccountId;
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The window.
const HOUR: Duration = Duration::from_hours(1);
/// What is counted together.
const SLICE: Duration = Duration::from_mins(1);

/// Recipients by account.
#[derive(Default)]
pub(crate) struct Rates(Mutex<HashMap<AccountId, VecDeque<(Instant, u32)>>>);

impl Rates {
    /// Count one more recipient, unless there were `max` within the last hour.
    pub(crate) fn count(&self, account: AccountId, max: u32) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let slices = all.entry(account).or_default();
        while slices.front().is_some_and(|(since, _)| since.elapsed() >= HOUR) {
            slices.pop_front();
        }
        if slices.iter().map(|(_, count)| *count).sum::<u32>() >= max {
            return false;
        }
        match slices.back_mut().filter(|(since, _)| since.elapsed() < SLICE) {
            Some((_, count)) => *count += 1,
            None => slices.push_back((Instant::now(), 1)),
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_holds_for_each_account() {
        let rates = Rates::default();
        let (one, other) = (AccountId(1), AccountId(2));
        assert!((0..3).all(|_| rates.count(one, 3)));
        assert!(!rates.count(one, 3));
        assert!(rates.count(other, 3));
        assert!(rates.count(one, 4));
    }
}
