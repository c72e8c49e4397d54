//! `[mail_auth]`: what is made of who mail claims to be from.

use octroi_mailauth::{MailAuthConfig, Treatment};
use octroi_net::Networks;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What is made of who mail claims to be from. `docs/mail-authentication.md` says why the defaults are what they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct MailAuth {
    /// Check mail from other servers: SPF, DKIM, ARC, DMARC.
    pub(crate) check: bool,
    /// Addresses or networks whose mail is not checked, because it is not theirs: front servers, scanners, this machine.
    pub(crate) unchecked: Vec<String>,
    /// What becomes of mail whose sender's domain does not send from there: `note`, `junk` or `refuse`.
    pub(crate) spf_fail: Becomes,
    /// What becomes of mail that its author's domain disowns with `p=reject`.
    pub(crate) dmarc_reject: Becomes,
    /// The same with `p=quarantine`.
    pub(crate) dmarc_quarantine: Becomes,
    /// Domains of forwarders and mailing lists whose ARC seals are believed.
    pub(crate) arc_trusted: Vec<String>,
    /// How long the DNS is waited for; what it has not said by then refuses nothing.
    pub(crate) dns_seconds: u64,
    /// Signatures of one message that are looked at.
    pub(crate) signatures_max: usize,
}

/// What becomes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Becomes {
    /// It is delivered, and what was found out stands in its header.
    Note,
    /// It goes to the Junk mailbox.
    Junk,
    /// It is refused.
    Refuse,
}

impl From<Becomes> for Treatment {
    fn from(becomes: Becomes) -> Self {
        match becomes {
            Becomes::Note => Self::Note,
            Becomes::Junk => Self::Junk,
            Becomes::Refuse => Self::Refuse,
        }
    }
}

impl From<Treatment> for Becomes {
    fn from(treatment: Treatment) -> Self {
        match treatment {
            Treatment::Note => Self::Note,
            Treatment::Junk => Self::Junk,
            Treatment::Refuse => Self::Refuse,
        }
    }
}

impl Default for MailAuth {
    fn default() -> Self {
        let defaults = MailAuthConfig::default();
        Self {
            check: true,
            unchecked: vec!["127.0.0.0/8".to_owned(), "::1".to_owned()],
            spf_fail: defaults.spf_fail.into(),
            dmarc_reject: defaults.dmarc_reject.into(),
            dmarc_quarantine: defaults.dmarc_quarantine.into(),
            arc_trusted: defaults.arc_trusted,
            dns_seconds: defaults.wait.as_secs(),
            signatures_max: defaults.signatures_max,
        }
    }
}

impl MailAuth {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Whose mail is not checked.
    pub(crate) fn networks(&self) -> Result<Networks, String> {
        Networks::parse(&self.unchecked).map_err(|e| format!("`mail_auth.unchecked`: {e}"))
    }

    /// What the checks take.
    pub(crate) fn checks(&self) -> Result<MailAuthConfig, String> {
        if !(1..=60).contains(&self.dns_seconds) {
            return Err(format!("`mail_auth.dns_seconds` is 1 to 60, not {}", self.dns_seconds));
        }
        if !(1..=50).contains(&self.signatures_max) {
            return Err(format!("`mail_auth.signatures_max` is 1 to 50, not {}", self.signatures_max));
        }
        Ok(MailAuthConfig {
            spf_fail: self.spf_fail.into(),
            dmarc_reject: self.dmarc_reject.into(),
            dmarc_quarantine: self.dmarc_quarantine.into(),
            arc_trusted: self.arc_trusted.iter().map(|domain| domain.to_lowercase()).collect(),
            wait: Duration::from_secs(self.dns_seconds),
            signatures_max: self.signatures_max,
        })
    }
}
