//! DNS answers for those who send and judge mail: one resolver, so one cache.
//!
//! Made once by the program and handed to whoever looks something up.

mod look_up;

pub use look_up::{Answer, NoAnswer};

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::dnssec::TrustAnchors;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// Where answers are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DnsConfig {
    /// Name servers that look names up for us; none for those of the system (`/etc/resolv.conf`).
    pub servers: Vec<SocketAddr>,
    /// Answers are to prove themselves (DNSSEC). The name servers must pass on what is needed for that.
    pub dnssec: bool,
    /// Keys from which chains of signatures begin, as DNSKEY records of a zone file; `None` for those of the real root.
    pub trust_anchors: Option<String>,
}

impl DnsConfig {
    /// Can it be used?
    pub fn check(&self) -> Result<(), String> {
        self.anchors().map(|_| ())
    }

    fn anchors(&self) -> Result<TrustAnchors, String> {
        match &self.trust_anchors {
            None => Ok(TrustAnchors::default()),
            Some(text) => text.parse().map_err(|error| format!("trust anchors: {error}")),
        }
    }
}

/// Looks names up and keeps the answers as long as they say. Cheap to clone.
#[derive(Clone)]
pub struct Resolver {
    inner: Arc<Result<TokioResolver, String>>,
    validating: Option<Arc<Result<TokioResolver, String>>>,
}

impl Resolver {
    /// A resolver. That the system has no usable settings is told by each look-up, so that a server without DNS can still relay.
    pub fn new(config: &DnsConfig) -> Self {
        let validating = config.dnssec.then(|| Arc::new(config.anchors().and_then(|anchors| build(config, Some(anchors)))));
        Self { inner: Arc::new(build(config, None)), validating }
    }

    /// The one that asks for proofs, if it is to.
    pub(crate) fn validating(&self) -> Option<&TokioResolver> {
        self.validating.as_ref()?.as_ref().as_ref().ok()
    }

    /// Are answers asked for their proofs?
    pub fn has_dnssec(&self) -> bool {
        self.validating().is_some()
    }

    /// The resolver underneath, or why there is none.
    pub fn hickory(&self) -> Result<&TokioResolver, &str> {
        self.inner.as_ref().as_ref().map_err(String::as_str)
    }
}

fn build(config: &DnsConfig, anchors: Option<TrustAnchors>) -> Result<TokioResolver, String> {
    let mut builder = if config.servers.is_empty() {
        TokioResolver::builder_tokio().map_err(|error| error.to_string())?
    } else {
        let servers = config.servers.iter().map(|server| {
            let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
                connection.port = server.port();
                connection
            });
            NameServerConfig::new(server.ip(), true, connections.to_vec())
        });
        let servers = ResolverConfig::from_name_servers(servers.collect());
        TokioResolver::builder_with_config(servers, TokioRuntimeProvider::default())
    };
    if let Some(anchors) = anchors {
        builder = builder.with_trust_anchor(Arc::new(anchors));
    }
    builder.build().map_err(|error| error.to_string())
}

/// Not this machine and not everybody: what others write into the DNS must not make us talk to our own inner services.
pub fn is_public(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(v4) => !(v4.is_loopback() || v4.is_unspecified() || v4.is_link_local() || v4.is_multicast() || v4.is_broadcast()),
        IpAddr::V6(v6) => !(v6.is_loopback() || v6.is_unspecified() || v6.is_unicast_link_local() || v6.is_multicast()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn inner_addresses_are_not_reached_through_dns() {
        for inner in ["127.0.0.1", "0.0.0.0", "169.254.169.254", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "::ffff:127.0.0.1"]
        {
            assert!(!is_public(inner.parse().unwrap()), "{inner}");
        }
        for outer in ["192.0.2.1", "10.0.0.1", "2001:db8::1"] {
            assert!(is_public(outer.parse().unwrap()), "{outer}");
        }
    }

    #[tokio::test]
    async fn a_resolver_over_given_servers_needs_nothing_of_the_system() {
        let config = DnsConfig { servers: vec![SocketAddr::from(([127, 0, 0, 1], 1))], ..DnsConfig::default() };
        assert!(Resolver::new(&config).hickory().is_ok());
    }
}
