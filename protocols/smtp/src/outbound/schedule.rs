//! When an entry is tried again. Pure.

use octroi_model::UnixTime;
use std::time::Duration;

/// Waiting time after the attempt number `attempts` (from 1), a fifth more or less by `chance`.
pub(crate) fn delay(retry: &[Duration], attempts: u32, chance: u64) -> Duration {
    let index = (attempts.max(1) as usize - 1).min(retry.len().saturating_sub(1));
    let base = retry.get(index).copied().unwrap_or(Duration::from_mins(30));
    // 80 % to 120 %, in steps of a thousandth.
    base.mul_f64((800 + chance % 401) as f64 / 1000.0)
}

/// `now` and so much later; at least a second.
pub(crate) fn after(now: UnixTime, delay: Duration) -> UnixTime {
    UnixTime(now.0.saturating_add(i64::try_from(delay.as_secs()).unwrap_or(i64::MAX).max(1)))
}

/// Has an entry that came at `queued` been tried long enough?
pub(crate) fn expired(queued: UnixTime, now: UnixTime, expiry: Duration) -> bool {
    now.0.saturating_sub(queued.0) >= i64::try_from(expiry.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_grows_and_the_last_step_repeats() {
        let retry = [60, 300, 900].map(Duration::from_secs);
        // 200 is the middle of the jitter.
        assert_eq!(delay(&retry, 1, 200), Duration::from_mins(1));
        assert_eq!(delay(&retry, 2, 200), Duration::from_mins(5));
        assert_eq!(delay(&retry, 3, 200), Duration::from_mins(15));
        assert_eq!(delay(&retry, 99, 200), Duration::from_mins(15));
        assert_eq!(delay(&retry, 0, 200), Duration::from_mins(1));
        assert_eq!(delay(&[], 1, 200), Duration::from_mins(30));
    }

    #[test]
    fn jitter_stays_within_a_fifth() {
        let retry = [Duration::from_secs(1000)];
        for chance in (0..10_000).chain([u64::MAX]) {
            let waited = delay(&retry, 1, chance).as_secs();
            assert!((800..=1200).contains(&waited), "{waited}");
        }
    }

    #[test]
    fn an_entry_expires_at_its_day() {
        let day = Duration::from_hours(24);
        assert!(!expired(UnixTime(0), UnixTime(86_399), day));
        assert!(expired(UnixTime(0), UnixTime(86_400), day));
        assert!(!expired(UnixTime(100), UnixTime(0), day), "the clock went back");
    }
}
