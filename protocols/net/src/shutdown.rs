//! One signal for all to end, and a way to wait until they have.
//!
//! The program triggers it; listeners stop accepting; handlers watch [`Shutdown::triggered`] while they wait for input.

use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// A signal that is given once. Clones are the same signal.
#[derive(Debug, Clone)]
pub struct Shutdown(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    triggered: watch::Sender<bool>,
    /// How many [`Hold`]s exist.
    holds: watch::Sender<usize>,
}

/// As long as this lives, [`Shutdown::ended`] waits. Every connection that [`crate::serve`] opens holds one.
#[derive(Debug)]
pub struct Hold(Arc<Inner>);

impl Shutdown {
    /// A signal not yet given.
    pub fn new() -> Self {
        Self(Arc::new(Inner { triggered: watch::Sender::new(false), holds: watch::Sender::new(0) }))
    }

    /// Give the signal. Further calls do nothing.
    pub fn trigger(&self) {
        self.0.triggered.send_replace(true);
    }

    /// Has the signal been given?
    pub fn is_triggered(&self) -> bool {
        *self.0.triggered.borrow()
    }

    /// Returns once the signal has been given; may be dropped and called again at any time.
    pub async fn triggered(&self) {
        // The sender is in `self`, so this cannot fail before it is triggered.
        let _ = self.0.triggered.subscribe().wait_for(|triggered| *triggered).await;
    }

    /// Make [`Shutdown::ended`] wait for the caller too.
    #[must_use]
    pub fn hold(&self) -> Hold {
        self.0.holds.send_modify(|holds| *holds += 1);
        Hold(self.0.clone())
    }

    /// Wait, at most for `within`, until nobody holds on any more. `false`: some still do.
    pub async fn ended(&self, within: Duration) -> bool {
        let mut holds = self.0.holds.subscribe();
        tokio::time::timeout(within, holds.wait_for(|holds| *holds == 0)).await.is_ok()
    }
}

impl Default for Shutdown {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.holds.send_modify(|holds| *holds -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_holds_is_waited_for() {
        let shutdown = Shutdown::new();
        let hold = shutdown.hold();
        assert!(!shutdown.is_triggered());
        shutdown.clone().trigger();
        shutdown.triggered().await;
        assert!(!shutdown.ended(Duration::from_millis(20)).await);
        drop(hold);
        assert!(shutdown.ended(Duration::from_millis(20)).await);
    }
}
