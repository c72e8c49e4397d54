//! `[inbound]`: how other servers are received on port 25. The numbers are in `[limits.smtp]`.

use octroi_net::Networks;
use octroi_smtp::SmtpConfig;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How other servers are received.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Inbound {
    /// Addresses or networks of which nothing of what follows is asked, nor the limits of networks and senders, and whose mail is not
    /// checked, for it is not theirs: relays and scanners of our own. Without it this machine; an empty list trusts nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) trusted: Option<Vec<String>>,
    /// Milliseconds before the greeting, in which whoever talks is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) greeting_delay_ms: Option<u64>,
    /// Put off who is new.
    #[serde(default)]
    pub(crate) greylist: bool,
    /// For so many seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) greylist_seconds: Option<u64>,
}

/// How long who is new is put off: less than the first pause of most servers' queues.
const GREYLIST_SECONDS: u64 = 60;
/// Longest greeting delay: RFC 5321 section 4.5.3.2.1 has clients wait for 5 minutes, few do.
const GREETING_DELAY_MS_MAX: u64 = 60_000;

impl Inbound {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// With these settings instead of the server's own.
    pub(crate) fn over(&self, mut settings: SmtpConfig) -> Result<SmtpConfig, String> {
        let strangers = &mut settings.strangers;
        if let Some(trusted) = &self.trusted {
            strangers.trusted = Networks::parse(trusted).map_err(|e| format!("`inbound.trusted`: {e}"))?;
        }
        if let Some(delay) = self.greeting_delay_ms {
            if delay > GREETING_DELAY_MS_MAX {
                return Err(format!("`inbound.greeting_delay_ms` is at most {GREETING_DELAY_MS_MAX}"));
            }
            strangers.greeting_delay = Duration::from_millis(delay);
        }
        strangers.greylist = self.greylist.then(|| Duration::from_secs(self.greylist_seconds.unwrap_or(GREYLIST_SECONDS)));
        Ok(settings)
    }
}
