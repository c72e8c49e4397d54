//! Sees that no destination gets too many connections at once, and that one that cannot be reached does not hold up the others.

use super::resolve::Hop;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

/// Destinations that are remembered before those of no use any more are forgotten.
const KNOWN_MAX: usize = 1024;
/// How long an entry waits for its turn: longer, and entries for one slow destination would take all the places.
const WAIT: Duration = Duration::from_secs(2);
/// How long a destination of which no host could be reached is not tried again, by any entry. Shorter than the first retry.
const DOWN: Duration = Duration::from_secs(30);

/// Who is being talked to.
pub(super) struct Turns {
    per_destination_max: usize,
    known: Mutex<HashMap<Hop, Destination>>,
}

#[derive(Default)]
struct Destination {
    /// Lives as long as somebody has a turn or waits for one.
    turns: Weak<Semaphore>,
    /// Until when it is taken for unreachable, and why.
    down: Option<(Instant, String)>,
}

/// The right to talk to a destination; given back when dropped.
#[derive(Debug)]
pub(super) struct Turn {
    _permit: OwnedSemaphorePermit,
}

/// Why there is no turn.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoTurn {
    /// Others have them all.
    Busy,
    /// It could not be reached just now; what was said.
    Down(String),
}

impl Turns {
    pub(super) fn new(per_destination_max: usize) -> Self {
        Self { per_destination_max: per_destination_max.max(1), known: Mutex::default() }
    }

    /// Wait for a turn, not long.
    pub(super) async fn wait(&self, hop: &Hop) -> Result<Turn, NoTurn> {
        let turns = self.semaphore(hop)?;
        let permit = timeout(WAIT, turns.acquire_owned()).await;
        let Ok(Ok(permit)) = permit else { return Err(NoTurn::Busy) };
        // It may have gone down while we waited.
        self.semaphore(hop).map(|_| Turn { _permit: permit })
    }

    /// No host of the destination could be reached.
    pub(super) fn down(&self, hop: &Hop, why: &str) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(hop.clone()).or_default().down = Some((Instant::now() + DOWN, why.to_owned()));
    }

    fn semaphore(&self, hop: &Hop) -> Result<Arc<Semaphore>, NoTurn> {
        let now = Instant::now();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KNOWN_MAX {
            known.retain(|_, destination| destination.turns.strong_count() > 0 || destination.is_down(now).is_some());
        }
        let destination = known.entry(hop.clone()).or_default();
        if let Some(why) = destination.is_down(now) {
            return Err(NoTurn::Down(why.to_owned()));
        }
        Ok(destination.turns.upgrade().unwrap_or_else(|| {
            let turns = Arc::new(Semaphore::new(self.per_destination_max));
            destination.turns = Arc::downgrade(&turns);
            turns
        }))
    }
}

impl Destination {
    fn is_down(&self, now: Instant) -> Option<&str> {
        self.down.as_ref().filter(|(until, _)| now < *until).map(|(_, why)| why.as_str())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn hop(name: &str) -> Hop {
        Hop::Domain(name.to_owned())
    }

    #[tokio::test(start_paused = true)]
    async fn turns_are_limited_per_destination_and_come_back() {
        let turns = Turns::new(2);
        let first = turns.wait(&hop("a")).await.unwrap();
        let _second = turns.wait(&hop("a")).await.unwrap();
        assert_eq!(turns.wait(&hop("a")).await.unwrap_err(), NoTurn::Busy);
        assert!(turns.wait(&hop("b")).await.is_ok(), "another destination is free");
        drop(first);
        assert!(turns.wait(&hop("a")).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_down_is_left_alone_for_a_while() {
        let turns = Turns::new(1);
        turns.down(&hop("a"), "no route");
        assert_eq!(turns.wait(&hop("a")).await.unwrap_err(), NoTurn::Down("no route".to_owned()));
        assert!(turns.wait(&hop("b")).await.is_ok());
        tokio::time::advance(DOWN).await;
        assert!(turns.wait(&hop("a")).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn destinations_are_forgotten() {
        let turns = Turns::new(1);
        for number in 0..KNOWN_MAX * 2 {
            drop(turns.wait(&hop(&number.to_string())).await.unwrap());
        }
        assert!(turns.known.lock().unwrap().len() <= KNOWN_MAX);
    }
}
