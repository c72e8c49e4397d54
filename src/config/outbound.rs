//! `[outbound]`: where mail for other domains goes.

use octroi_smtp::{HostPort, OutboundTls, SmtpConfig};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where mail for other domains goes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Outbound {
    /// All of it goes to this `host:port` instead of the MX of its domain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) smarthost: Option<String>,
    /// Next hops (`host:port`) of single domains; they go before the smarthost.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) routes: BTreeMap<String, String>,
    /// The smarthost and the routes must speak TLS with a valid certificate.
    #[serde(default)]
    pub(crate) relay_tls_required: bool,
    /// The port of the hosts that DNS names; 25 everywhere but in private networks and tests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) port: Option<u16>,
    /// DNS may lead to this machine and to link-local addresses: for private networks and tests.
    #[serde(default)]
    pub(crate) private_addresses: bool,
}

impl Outbound {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// With these settings instead of the queue's own.
    pub(crate) fn over(&self, mut settings: SmtpConfig) -> Result<SmtpConfig, String> {
        settings.queue.smarthost = self.smarthost.as_deref().map(host_port).transpose()?;
        for (domain, hop) in &self.routes {
            settings.queue.routes.insert(domain.to_lowercase(), host_port(hop)?);
        }
        if self.relay_tls_required {
            settings.queue.relay_tls = OutboundTls::Verified;
        }
        settings.queue.port = self.port.unwrap_or(settings.queue.port);
        settings.queue.private_addresses = self.private_addresses;
        Ok(settings)
    }
}

/// `host:port`, the host perhaps an IPv6 address in brackets.
fn host_port(text: &str) -> Result<HostPort, String> {
    let fail = || format!("`{text}` is not host:port");
    let (host, port) = text.rsplit_once(':').ok_or_else(fail)?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let port = port.parse().map_err(|_| fail())?;
    if host.is_empty() { Err(fail()) } else { Ok(HostPort { host: host.to_owned(), port }) }
}
