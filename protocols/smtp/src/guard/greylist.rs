//! Greylisting (RFC 6647): whoever is new is put off once; a mail server comes again, most junk does not.
//!
//! What waits and what is known to be good are numbers of 64 bits, hashed by the caller, in two bounded tables.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Of each table.
const ENTRIES_MAX: usize = 100_000;
/// How long coming again counts: a server that tries once a day is still one.
const WAITING_MAX: Duration = Duration::from_hours(36);
/// How long a server stays known that sends nothing: a monthly letter comes in time.
const GOOD_MAX: Duration = Duration::from_hours(36 * 24);
/// When a table is full the oldest of so many go.
const FORGOTTEN_SHARE: usize = 8;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Greylist {
    /// Network, sender and recipient: when they came first.
    waiting: HashMap<u64, Instant>,
    /// Network and domain of the sender: when they came last.
    good: HashMap<u64, Instant>,
}

impl Greylist {
    /// May they in? Who comes again after `delay` may, and is known from then on.
    pub(super) fn passes(&mut self, triplet: u64, pair: u64, delay: Duration, now: Instant) -> bool {
        let is_known = self.good.get(&pair).is_some_and(|last| now.saturating_duration_since(*last) <= GOOD_MAX);
        let waited = self.waiting.get(&triplet).map(|first| now.saturating_duration_since(*first)).filter(|waited| *waited <= WAITING_MAX);
        if is_known || waited.is_some_and(|waited| waited >= delay) {
            self.waiting.remove(&triplet);
            make_room(&mut self.good, pair, GOOD_MAX, now);
            self.good.insert(pair, now);
            return true;
        }
        if waited.is_none() {
            make_room(&mut self.waiting, triplet, WAITING_MAX, now);
            self.waiting.insert(triplet, now);
        }
        false
    }
}

/// Keys with their age in seconds.
type Ages = Vec<(u64, u32)>;

/// Over a restart.
impl Greylist {
    /// What waits and what is good.
    pub(super) fn ages(&self, now: Instant) -> (Ages, Ages) {
        let age = |at: &Instant| u32::try_from(now.saturating_duration_since(*at).as_secs()).unwrap_or(u32::MAX);
        let of = |table: &HashMap<u64, Instant>| table.iter().map(|(key, at)| (*key, age(at))).collect();
        (of(&self.waiting), of(&self.good))
    }

    /// From what was so old `away` ago.
    pub(super) fn of_ages(waiting: &[(u64, u32)], good: &[(u64, u32)], away: Duration, now: Instant) -> Self {
        let since = |age: u32| now.checked_sub(away + Duration::from_secs(u64::from(age)));
        let table = |ages: &[(u64, u32)], age_max: Duration| {
            let known = ages.iter().take(ENTRIES_MAX).filter_map(|(key, age)| Some((*key, since(*age)?)));
            known.filter(|(_, at)| now.saturating_duration_since(*at) <= age_max).collect()
        };
        Self { waiting: table(waiting, WAITING_MAX), good: table(good, GOOD_MAX) }
    }
}

fn make_room(table: &mut HashMap<u64, Instant>, key: u64, age_max: Duration, now: Instant) {
    if table.contains_key(&key) || table.len() < ENTRIES_MAX {
        return;
    }
    table.retain(|_, at| now.saturating_duration_since(*at) <= age_max);
    let left = ENTRIES_MAX - ENTRIES_MAX / FORGOTTEN_SHARE;
    if table.len() > left {
        let mut all: Vec<(u64, Instant)> = table.iter().map(|(key, at)| (*key, *at)).collect();
        all.sort_unstable_by_key(|(_, at)| *at);
        for (key, _) in &all[..all.len() - left] {
            table.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coming_again_counts_after_the_delay_and_for_a_day() {
        let mut list = Greylist::default();
        let (delay, now) = (Duration::from_mins(5), Instant::now());
        assert!(!list.passes(1, 10, delay, now));
        assert!(!list.passes(1, 10, delay, now + Duration::from_mins(4)));
        assert!(list.passes(1, 10, delay, now + Duration::from_mins(5)));
        assert!(list.passes(2, 10, delay, now + Duration::from_mins(6)), "known");
        assert!(!list.passes(3, 11, delay, now));
        assert!(!list.passes(3, 11, delay, now + Duration::from_hours(40)), "too late, so it begins anew");
        assert!(!list.passes(4, 10, delay, now + GOOD_MAX * 2), "unknown again");
    }

    #[test]
    fn tables_are_bounded() {
        let mut list = Greylist::default();
        let now = Instant::now();
        for key in 0..(ENTRIES_MAX as u64 + 10) {
            list.passes(key, key, Duration::from_mins(5), now + Duration::from_millis(key));
        }
        assert!(list.waiting.len() <= ENTRIES_MAX && list.good.is_empty());
        assert!(list.waiting.contains_key(&(ENTRIES_MAX as u64 + 9)) && !list.waiting.contains_key(&0));
    }
}
