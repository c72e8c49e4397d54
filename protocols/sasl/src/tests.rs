//! Exchanges before a real gate.

mod client;

use crate::{Exchange, Finished, Mechanism};
use client::ScramClient;
use octroi_engine::{Embedded, Options};
use octroi_gate::{Admin, Channel, DataKey, Gate, Limits, Login, NewAccount, Opened, Organisation, Policy, Scope};
use octroi_model::{AuditFrom, AuditQuery, Service, Services};
use octroi_net::Bindings;
use std::net::IpAddr;
use std::time::Duration;

const ANA: &str = "ana@octroi.example";
const BEN: &str = "ben@octroi.example";
const PROFILES: &str = r#"
[profile.plain]
[profile.plain.services]
imap = ["*"]
[profile.plain.second_factor]
"*" = "enrolment"
"#;

struct World {
    gate: Gate,
    admin: Admin,
    secret: String,
    _folder: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let engine = Embedded::open(folder.path(), Options::default()).await.unwrap();
        let organisation = Organisation {
            name: "Test".to_owned(),
            hostname: "mail.octroi.example".to_owned(),
            domains: vec!["octroi.example".to_owned()],
            postmaster: None,
            portal_url: "https://portal.octroi.example/".to_owned(),
        };
        let policy = Policy::parse(PROFILES).unwrap();
        let opened = Gate::open(engine, organisation, policy, Limits::default(), DataKey::from_bytes(&[3; 32])).await;
        let Opened { gate, admin, .. } = opened.unwrap();
        for who in [ANA, BEN] {
            let address = who.parse().unwrap();
            let new = NewAccount { address: &address, display_name: "", profile: "plain", password: None, remote_access: true };
            admin.add_account(new).await.unwrap();
        }
        let scope = Scope::of(Services::NONE.with(Service::Imap));
        let secret = admin.mint_app_password(&ANA.parse().unwrap(), scope, "test").await.unwrap().secret.to_string();
        Self { gate, admin, secret, _folder: folder }
    }

    /// From a network of its own, so that nothing waits for what was wrong before.
    fn via() -> Channel {
        static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0x0A00_0000);
        let peer = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Channel::new(Service::Imap, IpAddr::V4(peer.into()))
    }

    /// Both messages of a client; in, if the server was right too.
    async fn enters(&self, mechanism: Mechanism, bindings: &Bindings, client: &ScramClient) -> bool {
        let via = Self::via();
        let begun = Exchange::begin(&self.gate, &via, mechanism, bindings, client.first().as_bytes()).await;
        let Some((exchange, server_first)) = begun else { return false };
        let (last, expected) = client.last(&server_first);
        let Finished { login, server_final } = exchange.finish(&self.gate, via, last.as_bytes()).await;
        let open = matches!(login, Login::Open(_));
        assert_eq!(server_final, open.then_some(expected));
        open
    }
}

fn bindings() -> Bindings {
    Bindings { exporter: Some([1; 32]), server_end_point: Some(vec![2; 48].into()) }
}

#[tokio::test]
async fn a_proof_opens_bound_or_not() {
    let world = World::new().await;
    let client = || ScramClient::new(ANA, &world.secret);
    assert!(world.enters(Mechanism::ScramSha256, &Bindings::default(), &client()).await);
    assert!(world.enters(Mechanism::ScramSha256, &bindings(), &client()).await);
    assert!(world.enters(Mechanism::ScramSha256, &Bindings::default(), &client().bound("y,,", b"")).await);
    let plus = Mechanism::ScramSha256Plus;
    assert!(world.enters(plus, &bindings(), &client().bound("p=tls-exporter,,", &[1; 32])).await);
    assert!(world.enters(plus, &bindings(), &client().bound("p=tls-server-end-point,,", &[2; 48])).await);
    for wrong in [ScramClient::new(ANA, "wrong"), ScramClient::new(BEN, &world.secret), ScramClient::new("nobody@octroi.example", "x")] {
        assert!(!world.enters(Mechanism::ScramSha256, &bindings(), &wrong).await);
    }
}

/// Somebody between sees another channel on each side, or has taken PLUS off the list.
#[tokio::test]
async fn somebody_between_is_noticed() {
    let world = World::new().await;
    let client = |header: &str, value: &[u8]| ScramClient::new(ANA, &world.secret).bound(header, value);
    let (plain, plus, both) = (Mechanism::ScramSha256, Mechanism::ScramSha256Plus, bindings());
    for (mechanism, bindings, client) in [
        (plus, &both, client("p=tls-exporter,,", &[9; 32])),
        (plus, &both, client("p=tls-exporter,,", &[2; 48])),
        (plus, &both, client("p=tls-exporter,,", b"")),
        (plus, &both, client("p=tls-unique,,", &[1; 32])),
        (plus, &both, client("p=tls-exporter,,", &[1; 31])),
        (plus, &both, client("n,,", b"")),
        (plus, &both, client("y,,", b"")),
        (plain, &both, client("y,,", b"")),
        (plain, &both, client("p=tls-exporter,,", &[1; 32])),
        (plain, &both, client("n,,", &[1; 32])),
        (plus, &Bindings { exporter: None, ..bindings() }, client("p=tls-exporter,,", &[1; 32])),
        (plus, &Bindings { server_end_point: None, ..bindings() }, client("p=tls-server-end-point,,", &[2; 48])),
    ] {
        assert!(!world.enters(mechanism, bindings, &client).await, "{mechanism:?} {}", client.header);
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    let lines = world.admin.audit(AuditQuery { account: None, from: AuditFrom::After(0), lines_max: 100 }).await.unwrap();
    let noted = |what: &str| lines.iter().filter(|line| line.entry.reason.contains(what)).count();
    assert_eq!((noted("another channel"), noted("no channel binding is offered")), (5, 1));
}

#[tokio::test]
async fn nobody_acts_for_somebody_else() {
    let world = World::new().await;
    for (header, in_) in [("n,,", true), ("n,a=Ana@octroi.example,", true), ("n,a=ben@octroi.example,", false), ("n,a=*,", false)] {
        let client = ScramClient::new(ANA, &world.secret).bound(header, b"");
        assert_eq!(world.enters(Mechanism::ScramSha256, &bindings(), &client).await, in_, "{header}");
    }
}

#[tokio::test]
async fn a_proof_counts_in_its_own_exchange_only() {
    let world = World::new().await;
    let client = ScramClient::new(ANA, &world.secret);
    let begin = async || {
        let begun = Exchange::begin(&world.gate, &World::via(), Mechanism::ScramSha256, &bindings(), client.first().as_bytes()).await;
        begun.unwrap()
    };
    let ((one, to_one), (other, to_other)) = (begin().await, begin().await);
    assert_ne!(to_one, to_other, "each has a nonce of its own");
    let (last, _) = client.last(&to_one);
    for wrong in
        [last.replace(",r=", ",r=x"), last.replace("biws", "eSws"), last.replace(",p=", ",m=1,p="), format!("{last},"), String::new()]
    {
        let finished = begin().await.0.finish(&world.gate, World::via(), wrong.as_bytes()).await;
        assert!(matches!(finished.login, Login::Refused) && finished.server_final.is_none(), "{wrong}");
    }
    let heard = other.finish(&world.gate, World::via(), last.as_bytes()).await;
    assert!(matches!(heard.login, Login::Refused), "what was heard once opens nothing");
    assert!(matches!(one.finish(&world.gate, World::via(), last.as_bytes()).await.login, Login::Open(_)));
}

#[tokio::test]
async fn messages_have_limits() {
    let world = World::new().await;
    let begins = |first: Vec<u8>| {
        let gate = world.gate.clone();
        async move { Exchange::begin(&gate, &World::via(), Mechanism::ScramSha256, &bindings(), &first).await.is_some() }
    };
    let first = ScramClient::new(ANA, "").first();
    assert!(begins(first.clone().into_bytes()).await);
    let padded = |octets: usize| format!("{first},z={}", "x".repeat(octets - first.len() - 3)).into_bytes();
    assert!(begins(padded(crate::MESSAGE_BYTES_MAX)).await);
    assert!(!begins(padded(crate::MESSAGE_BYTES_MAX + 1)).await);
    for broken in [&b""[..], b"n,,n=\xff,r=x", b"\0", b"n,,m=1,n=a,r=x"] {
        assert!(!begins(broken.to_vec()).await);
    }
}
