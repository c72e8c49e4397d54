//! Levels that rise with what somebody does and fall with time: a leaky bucket for each, bounded in number. Pure but for the lock.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Seconds of the minute that limits are for.
const MINUTE: f64 = 60.0;
/// When the table is full the lowest of so many go: looking at all must not happen with each one that comes.
const FORGOTTEN_SHARE: usize = 8;

/// The levels by whom.
#[derive(Debug)]
pub(super) struct Levels<K> {
    entries: Mutex<HashMap<K, Level>>,
    entries_max: usize,
}

#[derive(Debug, Clone, Copy)]
struct Level {
    height: f64,
    /// What it loses in a second.
    fall: f64,
    at: Instant,
}

impl Level {
    fn height_at(&self, now: Instant) -> f64 {
        (self.height - now.saturating_duration_since(self.at).as_secs_f64() * self.fall).max(0.0)
    }
}

impl<K: Hash + Eq + Copy> Levels<K> {
    pub(super) fn new(entries_max: usize) -> Self {
        Self { entries: Mutex::default(), entries_max }
    }

    /// One more, unless there were `per_minute_max` in about a minute. What is refused is not counted.
    pub(super) fn take(&self, key: K, per_minute_max: u32, now: Instant) -> bool {
        let max = f64::from(per_minute_max);
        self.alter(key, max / MINUTE, now, |height| if height + 1.0 > max { None } else { Some(height + 1.0) }).is_some()
    }

    /// One more, whatever there was; the level now.
    pub(super) fn add(&self, key: K, fall: f64, now: Instant) -> f64 {
        self.alter(key, fall, now, |height| Some(height + 1.0)).unwrap_or_default()
    }

    /// The highest, in thousandths, at most so many.
    pub(super) fn heights(&self, most: usize, now: Instant) -> Vec<(K, u32)> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let whole = |level: &Level| (level.height_at(now) * 1000.0).clamp(0.0, f64::from(u32::MAX));
        // Clamped: it is a `u32`.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let mut all: Vec<(K, u32)> =
            entries.iter().map(|(key, level)| (*key, whole(level) as u32)).filter(|(_, height)| *height > 0).collect();
        all.sort_unstable_by_key(|(_, height)| std::cmp::Reverse(*height));
        all.truncate(most);
        all
    }

    /// Somebody had come up to that height then, and has come down by so much a second since; without that, all of it in a minute.
    pub(super) fn put(&self, key: K, height: f64, fall: Option<f64>, at: Instant) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() < self.entries_max {
            entries.insert(key, Level { height, fall: fall.unwrap_or(height / MINUTE), at });
        }
    }

    fn alter(&self, key: K, fall: f64, now: Instant, with: impl Fn(f64) -> Option<f64>) -> Option<f64> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let before = entries.get(&key).map_or(0.0, |level| level.height_at(now));
        let height = with(before)?;
        if !entries.contains_key(&key) && entries.len() >= self.entries_max {
            self.forget(&mut entries, now);
        }
        entries.insert(key, Level { height, fall, at: now });
        Some(height)
    }

    /// Those that have come down, or else the lowest.
    fn forget(&self, entries: &mut HashMap<K, Level>, now: Instant) {
        entries.retain(|_, level| level.height_at(now) > 0.0);
        let left = self.entries_max - self.entries_max / FORGOTTEN_SHARE;
        if entries.len() <= left {
            return;
        }
        let mut all: Vec<(K, f64)> = entries.iter().map(|(key, level)| (*key, level.height_at(now))).collect();
        all.sort_unstable_by(|(_, one), (_, other)| one.total_cmp(other));
        for (key, _) in &all[..all.len() - left] {
            entries.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_level_falls_with_time() {
        let levels = Levels::new(10);
        let now = Instant::now();
        assert!((0..60).all(|_| levels.take(1, 60, now)));
        assert!(!levels.take(1, 60, now));
        assert!(levels.take(2, 60, now));
        let later = now + Duration::from_millis(2100);
        assert!(levels.take(1, 60, later) && levels.take(1, 60, later) && !levels.take(1, 60, later));
        assert!((0..60).all(|_| levels.take(1, 60, now + Duration::from_mins(2))));
    }

    #[test]
    fn many_do_not_grow_the_table_and_the_worst_stay() {
        let levels = Levels::new(80);
        let now = Instant::now();
        for _ in 0..5 {
            levels.add(0, 0.1, now);
        }
        for other in 1..10_000 {
            levels.add(other, 0.1, now);
            assert!(levels.entries.lock().is_ok_and(|entries| entries.len() <= 80));
        }
        assert!(levels.add(0, 0.1, now) > 5.0);
    }
}
