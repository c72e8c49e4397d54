//! `[dns]`: where names are looked up.

use octroi_dns::DnsConfig;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Where names are looked up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Dns {
    /// Name servers (`address:port`) that look names up for us. Without any, those of the system.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) servers: Vec<SocketAddr>,
    /// Answers are to prove themselves (DNSSEC), and what they say of certificates counts for mail that leaves (DANE). The name servers must
    /// pass on what is needed for that.
    #[serde(default)]
    pub(crate) dnssec: bool,
    /// A file of DNSKEY records from which all proof begins, instead of the keys of the root. Relative to the configuration file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) trust_anchors: Option<PathBuf>,
}

impl Dns {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// What the resolver takes.
    pub(crate) fn resolver(&self) -> Result<DnsConfig, String> {
        let read =
            |file: &PathBuf| std::fs::read_to_string(file).map_err(|e| format!("`dns.trust_anchors`: cannot read {}: {e}", file.display()));
        let trust_anchors = self.trust_anchors.as_ref().map(read).transpose()?;
        let config = DnsConfig { servers: self.servers.clone(), dnssec: self.dnssec, trust_anchors };
        config.check().map_err(|e| format!("`dns.trust_anchors`: {e}"))?;
        Ok(config)
    }
}
