//! How often each address was told something within the hour: reports on mail must not become a flood of their own.
//!
//! Shared by the sessions and the queue. Bounded: beyond that many addresses in one hour nobody new is counted, so that no crowd of them
//! keeps a report from somebody who waits for it.

use octroi_model::UnixTime;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Addresses of which it is remembered what they were told.
const TOLD_MAX: usize = 10_000;

/// See the module. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Told(Arc<Mutex<HashMap<String, (i64, u32)>>>);

impl Told {
    /// One more, unless there were `most` within this hour.
    pub(crate) fn may_tell(&self, to: &str, most: u32, now: UnixTime) -> bool {
        let hour = now.0 / 3600;
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= TOLD_MAX && !counts.contains_key(to) {
            counts.retain(|_, (at, _)| *at == hour);
            if counts.len() >= TOLD_MAX {
                return most > 0;
            }
        }
        let (at, count) = counts.entry(to.to_owned()).or_insert((hour, 0));
        if *at != hour {
            (*at, *count) = (hour, 0);
        }
        *count += 1;
        *count <= most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_told_too_much_and_no_crowd_grows_the_table() {
        let told = Told::default();
        let (now, later) = (UnixTime(7200), UnixTime(3 * 3600));
        assert!((0..3).all(|_| told.may_tell("a@b.example", 3, now)));
        assert!(!told.may_tell("a@b.example", 3, now));
        assert!(told.may_tell("a@b.example", 3, later), "an hour later");
        assert!((0..2 * TOLD_MAX).all(|number| told.may_tell(&format!("{number}@b.example"), 1, later)));
        assert!(told.0.lock().is_ok_and(|counts| counts.len() <= TOLD_MAX));
    }
}
