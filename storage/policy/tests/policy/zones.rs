//! Where a connection comes from.

use crate::SAMPLE;
use octroi_policy::{Origin, Policy};
use std::sync::Arc;

fn zone<'p>(policy: &'p Policy, address: &str, authorities: &[&str]) -> &'p str {
    let authorities: Vec<Arc<str>> = authorities.iter().map(|name| Arc::from(*name)).collect();
    policy.zone_of(&Origin { address: address.parse().unwrap(), authorities: &authorities })
}

#[test]
fn the_most_specific_network_wins_wherever_it_stands() {
    let policy = Policy::parse(SAMPLE).unwrap();
    for (address, name) in [
        ("10.1.2.3", "office"),
        ("10.20.0.1", "secured"),
        ("10.21.0.1", "office"),
        ("127.0.0.1", "office"),
        ("127.0.2.9", "secured"),
        ("127.1.0.1", "anywhere"),
        ("::1", "office"),
        ("::2", "anywhere"),
        ("192.0.2.1", "anywhere"),
        // The same machine, as a socket for both families reports it.
        ("::ffff:10.20.0.1", "secured"),
    ] {
        assert_eq!(zone(&policy, address, &[]), name, "{address}");
    }
}

const POSTS: &str = "
[zone.office]
networks = [\"10.0.0.0/8\"]
[zone.guarded]
networks = [\"10.20.0.0/16\"]
client_ca = \"guarded.pem\"
[zone.guarded-room]
networks = [\"10.20.1.0/24\"]
client_ca = \"room.pem\"
[zone.travel]
client_ca = \"/etc/octroi/travel.pem\"
";

#[test]
fn a_zone_with_an_authority_is_entered_with_its_certificate_only() {
    let policy = Policy::parse(POSTS).unwrap();
    for (address, authorities, name) in [
        // Network and certificate.
        ("10.20.0.1", &["guarded"][..], "guarded"),
        ("::ffff:10.20.0.1", &["guarded"], "guarded"),
        // The network alone is the wider zone that has no authority; the certificate alone is nothing.
        ("10.20.0.1", &[], "office"),
        ("10.1.0.1", &["guarded"], "office"),
        ("192.0.2.1", &["guarded"], "anywhere"),
        // A zone without networks: the certificate from everywhere, before the networks.
        ("192.0.2.1", &["travel"], "travel"),
        ("10.1.0.1", &["travel"], "travel"),
        ("10.1.0.1", &["guarded", "travel"], "travel"),
        // The most specific network of those whose authority vouches.
        ("10.20.1.1", &["guarded", "guarded-room", "travel"], "guarded-room"),
        ("10.20.1.1", &["guarded", "travel"], "guarded"),
        ("10.20.0.1", &["guarded-room", "travel"], "travel"),
        // A name that is no zone, or a zone that has no authority, vouches for nothing.
        ("192.0.2.1", &["office", "moon", "anywhere"], "anywhere"),
    ] {
        assert_eq!(zone(&policy, address, authorities), name, "{address} {authorities:?}");
    }
}

#[test]
fn authorities_are_told_as_written() {
    let policy = Policy::parse(POSTS).unwrap();
    let told: Vec<_> = policy.client_authorities().collect();
    assert_eq!(told, [("guarded", "guarded.pem"), ("guarded-room", "room.pem"), ("travel", "/etc/octroi/travel.pem")]);
    assert_eq!(policy.zones().collect::<Vec<_>>(), ["anywhere", "guarded", "guarded-room", "office", "travel"]);
    assert_eq!(Policy::parse(SAMPLE).unwrap().client_authorities().count(), 0);
}

/// The same network with and without a certificate is two zones.
#[test]
fn a_certificate_tells_two_zones_on_one_network_apart() {
    let text = "[zone.a]\nnetworks = [\"10.0.0.0/8\"]\n[zone.b]\nnetworks = [\"10.0.0.0/8\"]\nclient_ca = \"b.pem\"";
    let policy = Policy::parse(text).unwrap();
    assert_eq!((zone(&policy, "10.0.0.1", &[]), zone(&policy, "10.0.0.1", &["b"])), ("a", "b"));
}
