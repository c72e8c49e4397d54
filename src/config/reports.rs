//! `[reports]`: what other servers are told of their mail and their TLS, and where they tell us of ours.

use crate::config::Config;
use octroi_model::Address;
use octroi_reports::{ReportLimits, ReportSettings};
use serde::{Deserialize, Serialize};

/// What other servers are told once a day, and where they tell us. `docs/mail-authentication.md` says why the defaults are what they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Reports {
    /// Domains that ask for it hear how TLS with their hosts went.
    pub(crate) tls: bool,
    /// Domains that ask for it hear who sends in their name.
    pub(crate) dmarc: bool,
    /// Whom these reports are from; without it `postmaster` at the first domain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<Address>,
    /// Whom to ask about them: an address or a URL; without it the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) contact: Option<String>,
    /// Where others send theirs about us; `octroi dns` prints it. Without it `postmaster` at each domain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) receive: Option<Address>,
}

impl Default for Reports {
    fn default() -> Self {
        Self { tls: true, dmarc: false, from: None, contact: None, receive: None }
    }
}

impl Reports {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Where others send what they have to say of this domain.
    pub(crate) fn address_for(&self, domain: &str) -> String {
        self.receive.as_ref().map_or_else(|| format!("postmaster@{}", domain.trim_end_matches('.')), ToString::to_string)
    }

    /// Whom reports are from.
    pub(crate) fn sender(&self, config: &Config) -> Result<Address, String> {
        let domain = config.domains.first().unwrap_or(&config.hostname);
        let from = self.from.clone().map_or_else(|| Address::new("postmaster", domain), Ok);
        let from = from.map_err(|e| format!("`reports.from`: {e}"))?;
        // Who gets it believes it by its signature, and we sign for our domains only.
        if config.domains.iter().any(|domain| octroi_model::domain_key(domain) == octroi_model::domain_key(from.domain())) {
            Ok(from)
        } else {
            Err(format!("`reports.from`: {} is none of `domains`", from.domain()))
        }
    }

    /// What is counted and taken in.
    pub(crate) fn settings(&self, config: &Config) -> Result<ReportSettings, String> {
        let address = |domain: &String| self.address_for(domain).parse::<Address>().map_err(|e| format!("`reports.receive`: {e}"));
        let mut receive = config.domains.iter().map(address).collect::<Result<Vec<_>, _>>()?;
        receive.dedup();
        let limits = config.limits.reports.over(ReportLimits::default());
        Ok(ReportSettings { tls: self.tls, dmarc: self.dmarc, receive, limits })
    }
}
