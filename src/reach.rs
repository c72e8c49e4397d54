//! Where the server goes because somebody else named a URL: push services and calendars of the web.
//!
//! What people and their programs name must not make us talk to our own inner services. What always holds: what is connected to is one of the
//! addresses that were judged here, so a name that leads elsewhere a moment later leads nowhere.

use hickory_resolver::proto::rr::{RData, RecordType};
use http::Uri;
use octroi_dns::Resolver;
use octroi_net::Networks;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Knows which addresses may be asked.
#[derive(Clone)]
pub(crate) struct Reach {
    resolver: Resolver,
    /// Inner addresses that may be.
    inner: Networks,
}

impl Reach {
    pub(crate) fn new(resolver: Resolver, inner: Networks) -> Self {
        Self { resolver, inner }
    }

    /// Could something be asked at that URL, as far as it can be told without asking anybody?
    pub(crate) fn could_be(&self, uri: &Uri) -> bool {
        host(uri).is_some_and(|host| host.parse().map_or(true, |ip| self.may_ask(ip)))
    }

    fn may_ask(&self, ip: IpAddr) -> bool {
        is_global(ip) || self.inner.contains(ip)
    }

    /// All addresses of the host that may be asked; an error if there is none.
    pub(crate) async fn addresses(&self, uri: &Uri) -> Result<Vec<SocketAddr>, String> {
        let host = host(uri).ok_or("it names no host")?;
        let mut ips: Vec<IpAddr> = host.parse().into_iter().collect();
        if ips.is_empty() {
            for kind in [RecordType::AAAA, RecordType::A] {
                if let Ok(answer) = self.resolver.look_up(host, kind).await {
                    ips.extend(answer.records.iter().filter_map(RData::ip_addr));
                }
            }
        }
        ips.retain(|ip| self.may_ask(*ip));
        if ips.is_empty() {
            return Err("it has no address that may be asked".to_owned());
        }
        let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("http") { 80 } else { 443 });
        Ok(ips.into_iter().map(|ip| SocketAddr::new(ip, port)).collect())
    }
}

fn host(uri: &Uri) -> Option<&str> {
    Some(uri.host()?.trim_start_matches('[').trim_end_matches(']')).filter(|host| !host.is_empty())
}

/// Is it an address of the internet, and nothing that only exists in networks of one's own or is for special use? RFC 6890.
fn is_global(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(v4) => is_global_v4(v4),
        IpAddr::V6(v6) => is_global_v6(v6),
    }
}

fn is_global_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let special = ip.is_private() || ip.is_loopback() || ip.is_link_local() || ip.is_documentation();
    // This network, shared by a provider's customers, of protocols, for measurements, multicast and all above.
    !(special || a == 0 || (a == 100 && b & 0xc0 == 64) || (a == 192 && b == 0 && c == 0) || (a == 198 && b & 0xfe == 18) || a >= 224)
}

fn is_global_v6(ip: Ipv6Addr) -> bool {
    let segments = ip.segments();
    let inside = |high: u16, low: u16| is_global_v4(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)));
    match segments {
        // Translated to IPv4 (RFC 6052), and 6to4.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => inside(high, low),
        // Teredo, benchmarks, documentation.
        [0x2001, 0 | 2 | 0xdb8, ..] => false,
        // Of all others only what is given out to networks.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn inner_addresses_are_known_in_every_dress() {
        for inner in [
            "127.0.0.1",
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "192.0.0.8",
            "192.0.2.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "::ffff:10.0.0.1",
            "::10.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "2002:a00:1::1",
        ] {
            assert!(!is_global(inner.parse().unwrap()), "{inner}");
        }
        for outer in ["8.8.8.8", "100.128.0.1", "172.32.0.1", "192.0.1.1", "198.20.0.1", "2a00:1450::1", "2001:4860::1", "64:ff9b::808:808"]
        {
            assert!(is_global(outer.parse().unwrap()), "{outer}");
        }
    }
}
