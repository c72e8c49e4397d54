//! Questions to the DNS, over the house's one resolver and its cache.

use mail_auth::MessageAuthenticator;
use octroi_dns::Resolver;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Asks; `None` where this machine has no DNS at all.
#[derive(Clone)]
pub(crate) struct Lookups(Option<Arc<MessageAuthenticator>>);

impl Lookups {
    pub(crate) fn new(resolver: &Resolver) -> Self {
        match resolver.hickory() {
            // Cloning shares its connections and its cache, which is bounded.
            Ok(resolver) => Self(Some(Arc::new(MessageAuthenticator(resolver.clone())))),
            Err(error) => {
                tracing::warn!(%error, "no DNS: senders cannot be checked");
                Self(None)
            }
        }
    }

    /// The checks' own face of it.
    pub(crate) fn checks(&self) -> Option<&MessageAuthenticator> {
        self.0.as_deref()
    }

    /// Ask for these texts all at once, so that who wants them one after the other later finds them in the cache.
    pub(crate) fn ahead(&self, names: BTreeSet<String>) -> JoinSet<()> {
        let mut asked = JoinSet::new();
        for name in names {
            if let Some(checks) = self.0.clone() {
                asked.spawn(async move {
                    // Only the cache is of interest.
                    checks.txt_raw_lookup(name.as_str()).await.ok();
                });
            }
        }
        asked
    }
}

/// The outcome, or `None` when it did not come in time.
pub(crate) async fn until<T>(deadline: Instant, work: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout_at(deadline, work).await.ok()
}

/// So long from now.
pub(crate) fn deadline(wait: Duration) -> Instant {
    Instant::now() + wait
}
