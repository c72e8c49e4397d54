//! A certificate from an authority, asked for and renewed while the server runs (RFC 8555, RFC 8737, RFC 9773).
//!
//! Started once by the server if the configuration has `[acme]`. `order` is one conversation with the authority, `kept` the files in the data
//! folder. What always holds: the server shows what it has (at first a self-made certificate) until there is something better; what the
//! authority gave is on disk before it is shown; after a failure it is left alone for a while, longer each time.

mod kept;
mod order;

pub(crate) use kept::Kept;

use crate::config::{Acme, Config};
use crate::tls::Acceptors;
use octroi_net::{Challenges, Shutdown};
use std::path::PathBuf;
use std::time::Duration;
use tracing::{info, warn};

/// After the first failure; twice as long after each further one.
const RETRY: Duration = Duration::from_mins(5);
/// The longest wait after a failure. Authorities count failures by the hour.
const RETRY_MAX: Duration = Duration::from_hours(12);
/// How often it is looked whether the certificate is to be renewed: an authority may call one back at any time.
const LOOK: Duration = Duration::from_hours(6);

/// Keeps the certificate fresh.
pub(crate) struct Keeper {
    acme: Acme,
    hostname: String,
    data: PathBuf,
    challenges: Challenges,
    acceptors: Acceptors,
}

impl Keeper {
    /// For a configuration with `[acme]`; `challenges` are those of the HTTPS listener.
    pub(crate) fn new(config: &Config, challenges: Challenges, acceptors: Acceptors) -> Option<Self> {
        let acme = config.acme.clone()?;
        Some(Self { acme, hostname: config.hostname.clone(), data: config.data.clone(), challenges, acceptors })
    }

    /// Until `shutdown`.
    pub(crate) async fn run(self, shutdown: Shutdown) {
        let mut failures = 0;
        loop {
            let rest = match self.look().await {
                Ok(()) => {
                    failures = 0;
                    LOOK
                }
                Err(why) => {
                    let rest = RETRY.saturating_mul(1 << failures).min(RETRY_MAX);
                    failures = (failures + 1).min(16);
                    warn!(%why, again_in_seconds = rest.as_secs(), "no certificate from the authority");
                    rest
                }
            };
            tokio::select! {
                () = shutdown.triggered() => return,
                () = tokio::time::sleep(rest) => {}
            }
        }
    }

    /// Renew if it is time.
    async fn look(&self) -> Result<(), String> {
        let names = self.acme.names(&self.hostname);
        let kept = Kept::of(&self.data);
        let account = order::account(&self.acme, &kept).await?;
        if kept.certificate(&names)?.is_some() && !order::is_due(&account, &kept).await? {
            return Ok(());
        }
        let issued = order::issue(&account, &names, &self.challenges).await?;
        kept.keep(&issued)?;
        // Read back: what is shown is what the next start will find.
        let certificate = kept.certificate(&names)?.ok_or("the authority gave a certificate for other names")?;
        self.acceptors.renew(&certificate)?;
        info!(names = names.join(" "), "a new certificate from the authority is shown");
        Ok(())
    }
}
