//! `[dns]`: where names are looked up.

use octroi_dns::DnsConfig;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// Where names are looked up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Dns {
    /// Name servers (`address:port`) that look names up for us. Without any, those of the system.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) servers: Vec<SocketAddr>,
}

impl Dns {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// What the resolver takes.
    pub(crate) fn resolver(&self) -> DnsConfig {
        DnsConfig { servers: self.servers.clone() }
    }
}
