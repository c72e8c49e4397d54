//! How far something long is: heard from the engine at every step, told now and then.

use octroi_gate::{Step, Watcher};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Between two lines.
const PAUSE: Duration = Duration::from_secs(1);

/// The newest step.
#[derive(Debug, Clone)]
pub(crate) struct Progress {
    newest: Arc<watch::Sender<Option<Step>>>,
}

impl Default for Progress {
    fn default() -> Self {
        Self { newest: Arc::new(watch::Sender::new(None)) }
    }
}

impl Progress {
    /// Hears every step.
    pub(crate) fn watcher(&self) -> Watcher {
        let newest = self.newest.clone();
        Arc::new(move |step| {
            newest.send_replace(Some(step));
        })
    }

    /// The next line, when it is time for one and something has changed. Can be dropped and asked for again.
    pub(crate) async fn next(&self) -> String {
        loop {
            let mut receiver = self.newest.subscribe();
            tokio::time::sleep(PAUSE).await;
            // The sender is here, so there is always a next one to wait for.
            if receiver.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
            if let Some(step) = *receiver.borrow() {
                return format!("{}: {} of {}", step.what, step.done, step.all);
            }
        }
    }
}
