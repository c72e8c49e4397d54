//! `[mail_auth]`: what is made of who mail claims to be from.

use octroi_mailauth::{MailAuthConfig, Treatment};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// For how long others remember the policy: RFC 8461 section 3.2 recommends weeks.
const MTA_STS_AGE_SECONDS: u64 = 14 * 86_400;

/// What is made of who mail claims to be from. `docs/mail-authentication.md` says why the defaults are what they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct MailAuth {
    /// Check mail from other servers: SPF, DKIM, ARC, DMARC.
    pub(crate) check: bool,
    /// What becomes of mail whose sender's domain does not send from there: `note`, `junk` or `refuse`.
    pub(crate) spf_fail: Becomes,
    /// What becomes of mail that its author's domain disowns with `p=reject`.
    pub(crate) dmarc_reject: Becomes,
    /// The same with `p=quarantine`.
    pub(crate) dmarc_quarantine: Becomes,
    /// Domains of forwarders and mailing lists whose ARC seals are believed.
    pub(crate) arc_trusted: Vec<String>,
    /// Seal (ARC) what we forward of others' mail, if we have DKIM keys.
    pub(crate) arc: bool,
    /// How long the DNS is waited for; what it has not said by then refuses nothing.
    pub(crate) dns_seconds: u64,
    /// Signatures of one message that are looked at.
    pub(crate) signatures_max: usize,
    /// What other servers are told of TLS with us (MTA-STS): `off`, `testing` or `enforce`. The certificate must be one that everybody trusts.
    pub(crate) mta_sts: MtaSts,
}

/// What is asked of servers that send to us (RFC 8461 section 5).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MtaSts {
    /// Nothing is asked.
    #[default]
    Off,
    /// They report what would fail.
    Testing,
    /// They send over TLS that is right, or not at all.
    Enforce,
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
            spf_fail: defaults.spf_fail.into(),
            dmarc_reject: defaults.dmarc_reject.into(),
            dmarc_quarantine: defaults.dmarc_quarantine.into(),
            arc_trusted: defaults.arc_trusted,
            arc: defaults.seals,
            dns_seconds: defaults.wait.as_secs(),
            signatures_max: defaults.signatures_max,
            mta_sts: MtaSts::Off,
        }
    }
}

impl MailAuth {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// The policy that others are told (RFC 8461 section 3.2).
    pub(crate) fn mta_sts_policy(&self, hostname: &str) -> Option<String> {
        let mode = match self.mta_sts {
            MtaSts::Off => return None,
            MtaSts::Testing => "testing",
            MtaSts::Enforce => "enforce",
        };
        Some(format!("version: STSv1\r\nmode: {mode}\r\nmx: {hostname}\r\nmax_age: {MTA_STS_AGE_SECONDS}\r\n"))
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
            seals: self.arc,
            wait: Duration::from_secs(self.dns_seconds),
            signatures_max: self.signatures_max,
        })
    }
}
