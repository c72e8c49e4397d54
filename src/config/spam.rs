//! `[spam]`: what others think of mail, and what is made of it.

use super::mail_auth::Becomes;
use super::outbound::host_port;
use octroi_smtp::{Rspamd, SpamConfig};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;
use zeroize::Zeroizing;

/// What others think of mail to port 25. Nobody is asked by default. What `inbound.trusted` brings is not asked about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Spam {
    /// Lists of addresses in the DNS.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) dnsbl: Vec<Dnsbl>,
    /// Where rspamd judges: `host:port` of its normal worker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rspamd: Option<String>,
    /// Where rspamd learns from people who move mail into and out of Junk: `host:port` of its controller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rspamd_learn: Option<String>,
    /// The controller's password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rspamd_password: Option<Password>,
    /// What becomes of mail that rspamd would reject: `note`, `junk` or `refuse`.
    pub(crate) reject: Becomes,
    /// What becomes of mail that rspamd would mark.
    pub(crate) mark: Becomes,
    /// Mail that rspamd would put off is put off (451).
    pub(crate) put_off: bool,
    /// How long one of them is waited for; mail is taken as it is when there is no answer.
    pub(crate) wait_seconds: u64,
}

/// A list of addresses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Dnsbl {
    /// Its zone, such as `zen.spamhaus.org`.
    pub(crate) zone: String,
    /// What becomes of mail from addresses that it lists.
    pub(crate) becomes: Becomes,
}

/// A password that is not printed by accident.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Password(String);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

impl Default for Spam {
    fn default() -> Self {
        Self {
            dnsbl: Vec::new(),
            rspamd: None,
            rspamd_learn: None,
            rspamd_password: None,
            reject: Becomes::Refuse,
            mark: Becomes::Junk,
            put_off: true,
            wait_seconds: 10,
        }
    }
}

impl Spam {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Who judges and learns.
    pub(crate) fn rspamd(&self) -> Result<Option<Rspamd>, String> {
        if !(1..=120).contains(&self.wait_seconds) {
            return Err(format!("`spam.wait_seconds` is 1 to 120, not {}", self.wait_seconds));
        }
        let learn = self.rspamd_learn.as_deref().map(host_port).transpose().map_err(|e| format!("`spam.rspamd_learn`: {e}"))?;
        let Some(judge) = &self.rspamd else {
            return if learn.is_none() { Ok(None) } else { Err("`spam.rspamd_learn` needs `spam.rspamd`".to_owned()) };
        };
        let judge = host_port(judge).map_err(|e| format!("`spam.rspamd`: {e}"))?;
        let password = self.rspamd_password.as_ref().map(|password| Zeroizing::new(password.0.clone()));
        Rspamd::new(judge, learn, password, Duration::from_secs(self.wait_seconds)).map(Some)
    }

    /// What the hooks take; `None` if nobody is asked.
    pub(crate) fn hooks(&self) -> Result<Option<SpamConfig>, String> {
        let rspamd = self.rspamd()?;
        let mut dnsbl = Vec::new();
        for list in &self.dnsbl {
            if octroi_model::Address::new("postmaster", &list.zone).is_err() {
                return Err(format!("`spam.dnsbl`: `{}` is not a zone", list.zone));
            }
            dnsbl.push((list.zone.to_lowercase(), list.becomes.into()));
        }
        if dnsbl.is_empty() && rspamd.is_none() {
            return Ok(None);
        }
        let dnsbl_wait = Duration::from_secs(self.wait_seconds);
        Ok(Some(SpamConfig { dnsbl, dnsbl_wait, rspamd, reject: self.reject.into(), mark: self.mark.into(), put_off: self.put_off }))
    }
}
