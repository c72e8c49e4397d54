//! Lists of addresses in the DNS (RFC 5782).

use hickory_resolver::proto::rr::RData;
use octroi_dns::Resolver;
use octroi_mailauth::Treatment;
use std::net::IpAddr;
use std::time::Duration;
use tokio::task::JoinSet;
use tracing::warn;

/// An address that is being looked up. Dropping it ends that.
pub(crate) struct Listing(JoinSet<Option<(String, Treatment)>>);

impl Listing {
    pub(crate) fn begin(resolver: &Resolver, peer: IpAddr, zones: &[(String, Treatment)], wait: Duration) -> Self {
        let mut asked = JoinSet::new();
        for (zone, treatment) in zones.iter().cloned() {
            let (resolver, name) = (resolver.clone(), format!("{}.{}.", reversed(peer), zone.trim_end_matches('.')));
            asked.spawn(async move {
                match tokio::time::timeout(wait, is_listed(&resolver, &name)).await {
                    Ok(Ok(listed)) => listed.then_some((zone, treatment)),
                    Ok(Err(error)) => {
                        warn!(zone, error, "a list of addresses gives no answer");
                        None
                    }
                    Err(_) => {
                        warn!(zone, "a list of addresses takes too long");
                        None
                    }
                }
            });
        }
        Self(asked)
    }

    /// The zones that list it, in alphabetical order.
    pub(crate) async fn found(self) -> Vec<(String, Treatment)> {
        let mut found: Vec<(String, Treatment)> = self.0.join_all().await.into_iter().flatten().collect();
        found.sort_by(|one, other| one.0.cmp(&other.0));
        found
    }
}

async fn is_listed(resolver: &Resolver, name: &str) -> Result<bool, String> {
    match resolver.hickory()?.ipv4_lookup(name).await {
        // RFC 5782 section 2.1: an answer is within 127/8. A zone that was given up, and whose name now leads to a web page, lists nobody. In
        // 127.255/16 a well-known list says that it does not answer who asks.
        Ok(found) => Ok(found.answers().iter().any(|record| match &record.data {
            RData::A(a) => a.0.octets()[0] == 127 && a.0.octets()[1] != 255,
            _ => false,
        })),
        Err(error) if error.is_no_records_found() => Ok(false),
        Err(error) => Err(error.to_string()),
    }
}

/// RFC 5782 sections 2.1 and 2.4.
fn reversed(peer: IpAddr) -> String {
    match peer.to_canonical() {
        IpAddr::V4(ip) => {
            let [a, b, c, d] = ip.octets();
            format!("{d}.{c}.{b}.{a}")
        }
        IpAddr::V6(ip) => {
            let digits = ip.octets().iter().rev().map(|octet| format!("{:x}.{:x}", octet & 15, octet >> 4)).collect::<Vec<_>>();
            digits.join(".")
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_turned_round() {
        assert_eq!(reversed("192.0.2.99".parse().unwrap()), "99.2.0.192");
        assert_eq!(reversed("::ffff:192.0.2.99".parse().unwrap()), "99.2.0.192");
        // RFC 5782 section 2.4.
        let six = "2001:db8:1:2:3:4:567:89ab".parse().unwrap();
        assert_eq!(reversed(six), "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2");
    }
}
