//! From a domain to the hosts that take its mail, with their addresses and what TLS they must speak: fixed routes, the smarthost, or DNS
//! with DANE (RFC 7672) and MTA-STS (RFC 8461).

use super::client::Host;
use super::dane::Association;
use super::mx::{Exchange, Exchanges, order};
use super::sessions::Breach;
use super::sts::{self, Mode, Policies, Policy};
use super::tls::HostTls;
use crate::config::{HostPort, OutboundTls, QueueConfig};
use crate::stamp::chance;
use hickory_resolver::proto::rr::{RData, RecordType};
use octroi_dns::{Answer, NoAnswer, Resolver};
use octroi_reports::cleaned;
use octroi_reports::tls::{self, PolicyKind, ResultType};
use std::net::{AddrParseError, IpAddr, SocketAddr};
use std::sync::Arc;

/// Addresses of one host that are tried, of each kind.
const ADDRESSES_MAX: usize = 2;
/// TLSA records of one host that a report names.
const TLSA_MAX: usize = 16;

/// Where a recipient's mail goes next.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Hop {
    /// A fixed host.
    Relay(HostPort),
    /// The hosts of this domain.
    Domain(String),
    /// This server.
    Here,
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

/// The hosts of a hop.
#[derive(Debug, Clone)]
pub(crate) struct Route {
    /// In the order in which to try them; not empty.
    pub(crate) hosts: Vec<Host>,
    /// Why some hosts of the domain are not among them.
    pub(crate) left_out: Option<String>,
}

/// What of a domain's wishes is heeded.
struct Heeds {
    mx_is_proven: bool,
    sts: Option<Arc<Policy>>,
    /// Nothing.
    tls_optional: bool,
}

/// Looks hosts up.
pub(crate) struct Hosts {
    resolver: Resolver,
    policies: Policies,
}

/// Addresses of a host.
struct Found {
    ips: Vec<IpAddr>,
    is_proven: bool,
}

impl Hosts {
    pub(crate) fn new(resolver: Resolver, policies: Policies) -> Self {
        Self { resolver, policies }
    }

    /// The hosts of a hop; with `tls_optional` whatever the domain says of TLS with them (RFC 8689 section 4). Where its own words and
    /// what is found contradict one another is put into `breaches`, whatever comes of it.
    pub(crate) async fn of(
        &self,
        hop: &Hop,
        own: &str,
        config: &QueueConfig,
        tls_optional: bool,
        breaches: &mut Vec<Breach>,
    ) -> Result<Route, Unroutable> {
        match hop {
            Hop::Relay(relay) => relay_hosts(relay, config).await,
            Hop::Here => Err(Unroutable::Failed("554 5.3.5 this server is not elsewhere".to_owned())),
            Hop::Domain(domain) => match literal(domain) {
                Some(Ok(ip)) if is_reachable(ip, config) => {
                    Ok(Route { hosts: vec![host(domain, SocketAddr::new(ip, config.port))], left_out: None })
                }
                Some(_) => Err(Unroutable::Failed("550 5.1.2 no such address literal".to_owned())),
                None => self.domain_hosts(domain, own, config, tls_optional, breaches).await,
            },
        }
    }

    async fn domain_hosts(
        &self,
        domain: &str,
        own: &str,
        config: &QueueConfig,
        tls_optional: bool,
        breaches: &mut Vec<Breach>,
    ) -> Result<Route, Unroutable> {
        let (records, is_proven) = self.exchanges(domain).await?;
        let names = match order(records, domain, own, chance()) {
            Exchanges::Hosts(names) => names,
            // RFC 7505 section 4.1.
            Exchanges::Null => return Err(Unroutable::Failed("556 5.1.10 the domain takes no mail".to_owned())),
            Exchanges::Ourselves => return Err(Unroutable::Failed("554 5.4.6 the domain's mail comes back to us".to_owned())),
        };
        let asks = config.mta_sts && !tls_optional;
        let told = if asks { self.policies.of(domain, &self.resolver, config).await } else { sts::Told::default() };
        breaches.extend(told.fault.map(unfetched));
        let heeds = Heeds { mx_is_proven: is_proven, sts: told.policy, tls_optional };
        let mut hosts = Vec::new();
        let mut left_out = None;
        for name in names.iter().take(config.hosts_max) {
            match self.one_host(name, &heeds, config, breaches).await {
                Ok(found) => hosts.extend(found),
                Err(why) => left_out = Some(why),
            }
        }
        match (hosts.is_empty(), left_out) {
            (false, left_out) => Ok(Route { hosts, left_out }),
            (true, Some(why)) => Err(Unroutable::Later(why)),
            // RFC 5321 section 5.1: MX records that lead nowhere are an error.
            (true, None) => Err(Unroutable::Failed(format!("550 5.4.4 no host of {domain} has an address"))),
        }
    }

    /// The addresses of one host and what TLS it must speak; none if it has no address; or why it cannot be used now.
    async fn one_host(&self, name: &str, heeds: &Heeds, config: &QueueConfig, breaches: &mut Vec<Breach>) -> Result<Vec<Host>, String> {
        let found = self.addresses(name).await?;
        let ips: Vec<IpAddr> = found.ips.iter().copied().filter(|&ip| is_reachable(ip, config)).collect();
        if ips.is_empty() {
            return Ok(Vec::new());
        }
        let proven = heeds.mx_is_proven && found.is_proven;
        // RFC 8461 section 2: DANE goes before MTA-STS, which cannot make good what DANE refuses.
        let by_dane = if proven && !heeds.tls_optional { self.by_dane(name, config, breaches).await? } else { None };
        let sts = heeds.sts.as_deref().filter(|policy| policy.mode != Mode::None);
        let is_enforced = sts.is_some_and(|policy| policy.mode == Mode::Enforce);
        let (tls, policy) = match (by_dane, sts) {
            (Some((tls, policy)), _) => (tls, Some(policy)),
            (None, Some(policy)) if policy.allows(name) => {
                (if is_enforced { HostTls::Verified } else { HostTls::Opportunistic }, Some(policy.reported()))
            }
            (None, Some(policy)) => {
                breaches.push(Breach::of(policy.reported(), ResultType::ValidationFailure, name, "the policy does not name this host"));
                if is_enforced {
                    return Err(format!("451 4.7.5 {name} is no host of the domain by its MTA-STS policy"));
                }
                (HostTls::Opportunistic, None)
            }
            (None, None) => (HostTls::Opportunistic, Some(no_policy())),
        };
        let is_proven = proven || tls == HostTls::Verified;
        let tries = sts.is_some() && policy.is_some() && tls == HostTls::Opportunistic;
        let policy = policy.map(Arc::new);
        let of = |ip| {
            let (tls, policy) = (tls.clone(), policy.clone());
            Host { tls, is_proven, policy, tries, ..host(name, SocketAddr::new(ip, config.port)) }
        };
        Ok(ips.into_iter().map(of).collect())
    }

    /// What TLSA records ask for (RFC 7672 section 2.2), and themselves; `None` where there are none.
    async fn by_dane(
        &self,
        name: &str,
        config: &QueueConfig,
        breaches: &mut Vec<Breach>,
    ) -> Result<Option<(HostTls, tls::Policy)>, String> {
        let reported = |strings| tls::Policy { kind: PolicyKind::Tlsa, strings, mx: vec![name.trim_end_matches('.').to_owned()] };
        let answer = match self.resolver.look_up(&format!("_{}._tcp.{name}", config.port), RecordType::TLSA).await {
            Ok(answer) if answer.is_proven => answer,
            Ok(_) | Err(NoAnswer::NoSuchName | NoAnswer::NoRecords | NoAnswer::NotAName(_)) => return Ok(None),
            // RFC 7672 section 2.1.2: who cannot say whether there are any must not be gone round.
            Err(NoAnswer::Later(why)) => {
                breaches.push(Breach::of(reported(Vec::new()), ResultType::DnssecInvalid, name, "the TLSA records cannot be looked up"));
                return Err(format!("451 4.7.5 TLSA records of {name}: {why}"));
            }
        };
        let associations: Vec<Association> = answer.records.iter().filter_map(association).collect();
        let strings = answer.records.iter().take(TLSA_MAX).map(|record| cleaned(&record.to_string())).collect();
        let tls = if associations.is_empty() { HostTls::Encrypted } else { HostTls::Dane(associations.into()) };
        Ok(Some((tls, reported(strings))))
    }

    /// Addresses of both kinds; none if it has none.
    async fn addresses(&self, name: &str) -> Result<Found, String> {
        let (six, four) = tokio::join!(self.resolver.look_up(name, RecordType::AAAA), self.resolver.look_up(name, RecordType::A));
        let mut found = Found { ips: Vec::new(), is_proven: true };
        let mut unknown_yet = None;
        for answer in [six, four] {
            match answer {
                Ok(Answer { records, is_proven }) => {
                    found.is_proven &= is_proven;
                    found.ips.extend(records.iter().filter_map(address).take(ADDRESSES_MAX));
                }
                Err(NoAnswer::Later(why)) => unknown_yet = Some(format!("451 4.4.3 {name}: {why}")),
                Err(_) => {}
            }
        }
        match unknown_yet {
            Some(why) if found.ips.is_empty() => Err(why),
            _ => Ok(found),
        }
    }

    /// The MX records of a domain, none when it exists without; and whether they prove themselves.
    async fn exchanges(&self, domain: &str) -> Result<(Vec<Exchange>, bool), Unroutable> {
        match self.resolver.look_up(domain, RecordType::MX).await {
            Ok(found) => {
                let records = found.records.iter().filter_map(|record| match record {
                    RData::MX(mx) => Some(Exchange { preference: mx.preference, host: mx.exchange.to_ascii() }),
                    _ => None,
                });
                Ok((records.collect(), found.is_proven))
            }
            Err(NoAnswer::NoSuchName) => Err(Unroutable::Failed(format!("550 5.1.2 the domain {domain} does not exist"))),
            // Then it is the domain itself, whose address has its own proof.
            Err(NoAnswer::NoRecords) => Ok((Vec::new(), self.resolver.has_dnssec())),
            Err(NoAnswer::NotAName(why)) => Err(Unroutable::Failed(format!("550 5.1.2 {domain} is no domain: {why}"))),
            Err(NoAnswer::Later(why)) => Err(Unroutable::Later(format!("451 4.4.3 {domain}: {why}"))),
        }
    }
}

/// RFC 8460 section 4.3.2.2.
fn unfetched(fault: sts::Unfetched) -> Breach {
    let policy = tls::Policy { kind: PolicyKind::Sts, strings: Vec::new(), mx: Vec::new() };
    Breach { policy, result: fault.result, mx: String::new(), reason: fault.why }
}

/// RFC 8460 section 4.4: hosts are named where a policy names them.
fn no_policy() -> tls::Policy {
    tls::Policy { kind: PolicyKind::NoPolicyFound, strings: Vec::new(), mx: Vec::new() }
}

fn association(record: &RData) -> Option<Association> {
    match record {
        RData::TLSA(tlsa) => Association::of(tlsa),
        _ => None,
    }
}

/// The address in a record.
pub(super) fn address(record: &RData) -> Option<IpAddr> {
    match record {
        RData::A(a) => Some(IpAddr::V4(a.0)),
        RData::AAAA(aaaa) => Some(IpAddr::V6(aaaa.0)),
        _ => None,
    }
}

async fn relay_hosts(relay: &HostPort, config: &QueueConfig) -> Result<Route, Unroutable> {
    // The system's look-up, so that names in /etc/hosts work.
    let found = tokio::net::lookup_host((relay.host.as_str(), relay.port)).await;
    let found = found.map_err(|error| Unroutable::Later(format!("451 4.4.3 {}: {error}", relay.host)))?;
    let tls = match config.relay_tls {
        OutboundTls::Opportunistic => HostTls::Opportunistic,
        OutboundTls::Verified => HostTls::Verified,
    };
    let is_smarthost = config.smarthost.as_ref() == Some(relay);
    let login = config.login.clone().filter(|_| is_smarthost);
    let of = |address| Host {
        name: relay.host.clone(),
        address,
        tls: tls.clone(),
        is_proven: true,
        login: login.clone(),
        policy: None,
        tries: false,
    };
    let hosts: Vec<Host> = found.take(2 * ADDRESSES_MAX).map(of).collect();
    if hosts.is_empty() {
        return Err(Unroutable::Later(format!("451 4.4.4 {} has no address", relay.host)));
    }
    Ok(Route { hosts, left_out: None })
}

fn host(name: &str, address: SocketAddr) -> Host {
    let name = name.to_owned();
    Host { name, address, tls: HostTls::Opportunistic, is_proven: false, login: None, policy: None, tries: false }
}

/// `[192.0.2.1]` or `[IPv6:2001:db8::1]` (RFC 5321 section 4.1.3), and whether it is an address; `None` when it has no brackets.
fn literal(domain: &str) -> Option<Result<IpAddr, AddrParseError>> {
    let inner = domain.strip_prefix('[')?.strip_suffix(']')?;
    match inner.split_at_checked(5) {
        Some((tag, v6)) if tag.eq_ignore_ascii_case("ipv6:") => Some(v6.parse().map(IpAddr::V6)),
        _ => Some(inner.parse().map(IpAddr::V4)),
    }
}

pub(super) fn is_reachable(ip: IpAddr, config: &QueueConfig) -> bool {
    config.private_addresses || octroi_dns::is_public(ip)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use octroi_dns::DnsConfig;

    fn relay(host: &str) -> HostPort {
        HostPort { host: host.to_owned(), port: 2525 }
    }

    fn hosts() -> Hosts {
        Hosts::new(Resolver::new(&DnsConfig::default()), Policies::new(None, std::sync::Arc::new(rustls_config())))
    }

    fn rustls_config() -> rustls::ClientConfig {
        super::super::tls::TlsConfigs::new(&[]).unwrap().verified.as_ref().clone()
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

    #[tokio::test]
    async fn literals_of_this_machine_are_refused() {
        let hop = Hop::Domain("[127.0.0.1]".to_owned());
        let refused = hosts().of(&hop, "own", &QueueConfig::default(), false, &mut Vec::new()).await;
        assert!(matches!(refused, Err(Unroutable::Failed(_))), "{refused:?}");
    }

    #[tokio::test]
    async fn a_relay_is_looked_up_by_the_system() {
        let hop = Hop::Relay(HostPort { host: "127.0.0.1".to_owned(), port: 2525 });
        let hosts = hosts().of(&hop, "own", &QueueConfig::default(), false, &mut Vec::new()).await.unwrap();
        assert_eq!(hosts.hosts[0].address, "127.0.0.1:2525".parse().unwrap());
    }
}
