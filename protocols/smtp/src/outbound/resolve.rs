//! From a domain to the hosts that take its mail, with their addresses: fixed routes, the smarthost, or DNS.

use super::client::Host;
use super::mx::{Exchange, Exchanges, order};
use crate::config::{HostPort, OutboundTls, QueueConfig};
use crate::stamp::chance;
use hickory_resolver::TokioResolver;
use hickory_resolver::net::NetError;
use hickory_resolver::proto::rr::RData;
use octroi_dns::Resolver;
use std::net::{AddrParseError, IpAddr, SocketAddr};

/// Addresses of one host that are tried.
const ADDRESSES_MAX: usize = 4;

/// Where a recipient's mail goes next.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Hop {
    /// A fixed host.
    Relay(HostPort),
    /// The hosts of this domain.
    Domain(String),
}

/// Why nobody takes the mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unroutable {
    /// Nobody can say at the moment.
    Later(String),
    /// Nobody will.
    Failed(String),
}

/// The next hop for a domain.
pub(crate) fn hop(domain: &str, config: &QueueConfig) -> Hop {
    match config.routes.get(domain).or(config.smarthost.as_ref()) {
        Some(relay) => Hop::Relay(relay.clone()),
        None => Hop::Domain(domain.to_owned()),
    }
}

/// Looks hosts up.
pub(crate) struct Hosts {
    resolver: Resolver,
}

impl Hosts {
    pub(crate) fn new(resolver: Resolver) -> Self {
        Self { resolver }
    }

    /// The hosts of a hop in the order in which to try them; not empty.
    pub(crate) async fn of(&self, hop: &Hop, own: &str, config: &QueueConfig) -> Result<Vec<Host>, Unroutable> {
        match hop {
            Hop::Relay(relay) => relay_hosts(relay, config.relay_tls).await,
            Hop::Domain(domain) => match literal(domain) {
                Some(Ok(ip)) if is_reachable(ip, config) => Ok(vec![host(domain, SocketAddr::new(ip, config.port))]),
                Some(_) => Err(Unroutable::Failed("550 5.1.2 no such address literal".to_owned())),
                None => self.domain_hosts(domain, own, config).await,
            },
        }
    }

    async fn domain_hosts(&self, domain: &str, own: &str, config: &QueueConfig) -> Result<Vec<Host>, Unroutable> {
        let resolver = self.resolver.hickory();
        let resolver = resolver.map_err(|error| Unroutable::Later(format!("451 4.4.3 no DNS: {error}")))?;
        let names = match order(exchanges(resolver, domain).await?, domain, own, chance()) {
            Exchanges::Hosts(names) => names,
            // RFC 7505 section 4.1.
            Exchanges::Null => return Err(Unroutable::Failed("556 5.1.10 the domain takes no mail".to_owned())),
            Exchanges::Ourselves => return Err(Unroutable::Failed("554 5.4.6 the domain's mail comes back to us".to_owned())),
        };
        let mut hosts = Vec::new();
        let mut unknown_yet = None;
        for name in names.iter().take(config.hosts_max) {
            match resolver.lookup_ip(absolute(name)).await {
                Ok(addresses) => {
                    let usable = addresses.iter().filter(|&ip| is_reachable(ip, config)).take(ADDRESSES_MAX);
                    hosts.extend(usable.map(|ip| host(name, SocketAddr::new(ip, config.port))));
                }
                Err(error) if error.is_no_records_found() => {}
                Err(error) => unknown_yet = Some(format!("451 4.4.3 {name}: {error}")),
            }
        }
        match (hosts.is_empty(), unknown_yet) {
            (false, _) => Ok(hosts),
            (true, Some(why)) => Err(Unroutable::Later(why)),
            // RFC 5321 section 5.1: MX records that lead nowhere are an error.
            (true, None) => Err(Unroutable::Failed(format!("550 5.4.4 no host of {domain} has an address"))),
        }
    }
}

/// The MX records of a domain; none when it exists without.
async fn exchanges(resolver: &TokioResolver, domain: &str) -> Result<Vec<Exchange>, Unroutable> {
    match resolver.mx_lookup(absolute(domain)).await {
        Ok(found) => {
            let records = found.answers().iter().filter_map(|record| match &record.data {
                RData::MX(mx) => Some(Exchange { preference: mx.preference, host: mx.exchange.to_ascii() }),
                _ => None,
            });
            Ok(records.collect())
        }
        Err(error) if error.is_nx_domain() => Err(Unroutable::Failed(format!("550 5.1.2 the domain {domain} does not exist"))),
        Err(error) if error.is_no_records_found() => Ok(Vec::new()),
        Err(NetError::Proto(error)) => Err(Unroutable::Failed(format!("550 5.1.2 {domain} is no domain: {error}"))),
        Err(error) => Err(Unroutable::Later(format!("451 4.4.3 {domain}: {error}"))),
    }
}

async fn relay_hosts(relay: &HostPort, tls: OutboundTls) -> Result<Vec<Host>, Unroutable> {
    // The system's look-up, so that names in /etc/hosts work.
    let found = tokio::net::lookup_host((relay.host.as_str(), relay.port)).await;
    let found = found.map_err(|error| Unroutable::Later(format!("451 4.4.3 {}: {error}", relay.host)))?;
    let hosts: Vec<Host> = found.take(ADDRESSES_MAX).map(|address| Host { name: relay.host.clone(), address, tls }).collect();
    if hosts.is_empty() { Err(Unroutable::Later(format!("451 4.4.4 {} has no address", relay.host))) } else { Ok(hosts) }
}

fn host(name: &str, address: SocketAddr) -> Host {
    Host { name: name.to_owned(), address, tls: OutboundTls::Opportunistic }
}

/// With the dot that keeps the resolver from trying the search domains of this machine.
fn absolute(name: &str) -> String {
    format!("{}.", name.trim_end_matches('.'))
}

/// `[192.0.2.1]` or `[IPv6:2001:db8::1]` (RFC 5321 section 4.1.3), and whether it is an address; `None` when it has no brackets.
fn literal(domain: &str) -> Option<Result<IpAddr, AddrParseError>> {
    let inner = domain.strip_prefix('[')?.strip_suffix(']')?;
    match inner.split_at_checked(5) {
        Some((tag, v6)) if tag.eq_ignore_ascii_case("ipv6:") => Some(v6.parse().map(IpAddr::V6)),
        _ => Some(inner.parse().map(IpAddr::V4)),
    }
}

fn is_reachable(ip: IpAddr, config: &QueueConfig) -> bool {
    config.private_addresses || is_public(ip)
}

/// Not this machine and not everybody: a domain's MX must not make us talk to our own inner services.
fn is_public(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(v4) => !(v4.is_loopback() || v4.is_unspecified() || v4.is_link_local() || v4.is_multicast() || v4.is_broadcast()),
        IpAddr::V6(v6) => !(v6.is_loopback() || v6.is_unspecified() || v6.is_unicast_link_local() || v6.is_multicast()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use octroi_dns::DnsConfig;

    fn relay(host: &str) -> HostPort {
        HostPort { host: host.to_owned(), port: 2525 }
    }

    #[test]
    fn a_route_goes_before_the_smarthost_and_that_before_dns() {
        let mut config = QueueConfig::default();
        assert_eq!(hop("b.example", &config), Hop::Domain("b.example".to_owned()));
        config.smarthost = Some(relay("smart"));
        assert_eq!(hop("b.example", &config), Hop::Relay(relay("smart")));
        config.routes.insert("b.example".to_owned(), relay("route"));
        assert_eq!(hop("b.example", &config), Hop::Relay(relay("route")));
        assert_eq!(hop("c.example", &config), Hop::Relay(relay("smart")));
    }

    #[test]
    fn literals() {
        assert_eq!(literal("[192.0.2.1]"), Some(Ok("192.0.2.1".parse().unwrap())));
        assert_eq!(literal("[ipv6:2001:db8::1]"), Some(Ok("2001:db8::1".parse().unwrap())));
        assert!(matches!(literal("[x.example]"), Some(Err(_))));
        assert_eq!(literal("x.example"), None);
    }

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
    async fn literals_of_this_machine_are_refused() {
        let hop = Hop::Domain("[127.0.0.1]".to_owned());
        let refused = Hosts::new(Resolver::new(&DnsConfig::default())).of(&hop, "own", &QueueConfig::default()).await;
        assert!(matches!(refused, Err(Unroutable::Failed(_))), "{refused:?}");
    }

    #[tokio::test]
    async fn a_relay_is_looked_up_by_the_system() {
        let hop = Hop::Relay(HostPort { host: "127.0.0.1".to_owned(), port: 2525 });
        let hosts = Hosts::new(Resolver::new(&DnsConfig::default())).of(&hop, "own", &QueueConfig::default()).await.unwrap();
        assert_eq!(hosts[0].address, "127.0.0.1:2525".parse().unwrap());
    }
}
