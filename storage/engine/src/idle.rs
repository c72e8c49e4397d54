//! Gives back the memory of views that nobody looks at.
//!
//! The budget for views alone would let them grow up to it and stay there: a server of many mailboxes that are opened once a day would
//! keep them all. So a view that nobody has asked for in [`crate::Options::view_idle`] is dropped, and is read anew when it is needed.

use crate::shared::Shared;
use std::sync::Weak;
use std::time::Duration;

/// Until the store is gone. What is dropped has been idle for at least once the time, and for less than twice.
pub(crate) async fn run(shared: Weak<Shared>, idle: Duration) {
    if idle.is_zero() {
        return;
    }
    let mut since = None;
    loop {
        let Some(now) = shared.upgrade().map(|shared| shared.state().now()) else { return };
        if let Some(since) = since.replace(now) {
            let Some(shared) = shared.upgrade() else { return };
            // A statement of its own: the lock is free again when the views are dropped.
            let gone = shared.state_mut().rest(since);
            if !gone.is_empty() {
                tracing::debug!(views = gone.len(), "views that nobody looks at were dropped");
            }
        }
        tokio::time::sleep(idle).await;
    }
}
