//! DNS answers for those who send and judge mail: one resolver, so one cache.
//!
//! Made once by the program and handed to whoever looks something up.

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use std::net::SocketAddr;
use std::sync::Arc;

/// Where answers are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DnsConfig {
    /// Name servers that look names up for us; none for those of the system (`/etc/resolv.conf`).
    pub servers: Vec<SocketAddr>,
}

/// Looks names up and keeps the answers as long as they say. Cheap to clone.
#[derive(Clone)]
pub struct Resolver {
    inner: Arc<Result<TokioResolver, String>>,
}

impl Resolver {
    /// A resolver. That the system has no usable settings is told by each look-up, so that a server without DNS can still relay.
    pub fn new(config: &DnsConfig) -> Self {
        Self { inner: Arc::new(build(config).map_err(|error| error.to_string())) }
    }

    /// The resolver underneath, or why there is none.
    pub fn hickory(&self) -> Result<&TokioResolver, &str> {
        self.inner.as_ref().as_ref().map_err(String::as_str)
    }
}

fn build(config: &DnsConfig) -> Result<TokioResolver, NetError> {
    if config.servers.is_empty() {
        return TokioResolver::builder_tokio()?.build();
    }
    let servers = config.servers.iter().map(|server| {
        let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
            connection.port = server.port();
            connection
        });
        NameServerConfig::new(server.ip(), true, connections.to_vec())
    });
    let servers = ResolverConfig::from_name_servers(servers.collect());
    TokioResolver::builder_with_config(servers, TokioRuntimeProvider::default()).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_resolver_over_given_servers_needs_nothing_of_the_system() {
        let config = DnsConfig { servers: vec![SocketAddr::from(([127, 0, 0, 1], 1))] };
        assert!(Resolver::new(&config).hickory().is_ok());
    }
}
