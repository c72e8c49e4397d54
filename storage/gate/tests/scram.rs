//! Log-in with a proof of an app password: all that a log-in with the app password itself goes through.

#![allow(clippy::unwrap_used)]

mod support;

use octroi_engine::{Batch, Change, Embedded, Engine, Options};
use octroi_gate::{Channel, Credentials, DataKey, Gate, Limits, Login, Organisation, Scope, ScramFault};
use octroi_model::{AppPassword, AppPasswordId, Outcome, Rights, Service, Services, UnixTime};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use support::{OFFICE, OWNER, SUBJECT, World, address, open, policy, scram};

const MAIN: &str = "Quay-Lantern-4821";
const OUTSIDE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));

/// A network of the office from which nothing wrong has come yet, so that nothing has to wait.
fn fresh() -> IpAddr {
    static NETWORKS: AtomicU32 = AtomicU32::new(0x0A20_0000);
    IpAddr::V4(NETWORKS.fetch_add(1, Ordering::Relaxed).into())
}

async fn login(world: &World, who: &str, secret: &str, service: Service, peer: IpAddr) -> Login {
    scram::login(&world.gate, who, secret, Channel::new(service, peer)).await
}

#[tokio::test]
async fn each_app_password_of_its_owner_opens_and_nothing_else_does() {
    let world = World::new().await;
    let mut secrets = Vec::new();
    for _ in 0..3 {
        secrets.push(world.mint(OWNER, Services::ALL).await);
    }
    let others = world.mint(SUBJECT, Services::ALL).await;
    for secret in &secrets {
        for who in [OWNER, "Owner@OCTROI.example"] {
            open(login(&world, who, secret, Service::Imap, fresh()).await);
        }
        for who in [SUBJECT, "nobody@octroi.example", "owner", ""] {
            assert!(matches!(login(&world, who, secret, Service::Imap, fresh()).await, Login::Refused), "{who}");
        }
        let (id, bare) = secret.split_once('-').unwrap();
        for wrong in [bare, id, &format!("{secret} "), &format!("{secret} 123456"), ""] {
            assert!(matches!(login(&world, OWNER, wrong, Service::Imap, fresh()).await, Login::Refused), "{wrong:?}");
        }
    }
    for wrong in [MAIN, &others] {
        assert!(matches!(login(&world, OWNER, wrong, Service::Imap, fresh()).await, Login::Refused));
    }
    world.admin.revoke_app_password(secrets[1].split('-').next().unwrap()).await.unwrap();
    assert!(matches!(login(&world, OWNER, &secrets[1], Service::Imap, fresh()).await, Login::Refused));
    open(login(&world, OWNER, &secrets[2], Service::Imap, fresh()).await);
    world.admin.remove_account(&address(OWNER)).await.unwrap();
    assert!(matches!(login(&world, OWNER, &secrets[2], Service::Imap, fresh()).await, Login::Refused));
}

#[tokio::test]
async fn services_and_expiry_narrow_it() {
    let world = World::new().await;
    let secret = world.mint(OWNER, Services::NONE.with(Service::Imap)).await;
    open(login(&world, OWNER, &secret, Service::Imap, OFFICE).await);
    assert!(matches!(login(&world, OWNER, &secret, Service::Submission, OFFICE).await, Login::Refused));
    let scope = Scope { expires: Some(UnixTime(UnixTime::now().0 - 1)), ..Scope::of(Services::ALL) };
    let expired = world.admin.mint_app_password(&address(OWNER), scope, "old").await.unwrap().secret.to_string();
    assert!(matches!(login(&world, OWNER, &expired, Service::Imap, OFFICE).await, Login::Refused));
    let scope = Scope { zones: vec!["office".to_owned()], ..Scope::of(Services::ALL) };
    let zoned = world.admin.mint_app_password(&address(OWNER), scope, "office").await.unwrap().secret.to_string();
    open(login(&world, OWNER, &zoned, Service::Imap, OFFICE).await);
    assert!(matches!(login(&world, OWNER, &zoned, Service::Imap, OUTSIDE).await, Login::Refused));
}

/// SCRAM carries no code: where one is wanted the log-in waits for the owner's word, and passes once the network is confirmed.
#[tokio::test]
async fn outside_the_office_it_waits_for_the_owner() {
    let world = World::new().await;
    let secret = world.mint(SUBJECT, Services::ALL).await;
    let totp = world.admin.enrol_totp(&address(SUBJECT)).await.unwrap();
    assert!(matches!(login(&world, SUBJECT, &secret, Service::Imap, OUTSIDE).await, Login::NeedsSecondFactor(_)));
    let code = octroi_gate::code_at(&totp.secret_base32, UnixTime::now().0).unwrap();
    open(world.login(SUBJECT, &format!("{secret} {code}"), Service::Imap, OUTSIDE).await);
    open(login(&world, SUBJECT, &secret, Service::Imap, OUTSIDE).await);
}

#[tokio::test]
async fn wrong_proofs_wait_and_leave_a_line() {
    let world = World::new().await;
    let secret = world.mint(OWNER, Services::ALL).await;
    open(login(&world, OWNER, &secret, Service::Imap, OUTSIDE).await);
    let via = || Channel::new(Service::Imap, OFFICE);
    for fault in [ScramFault::Authorisation, ScramFault::Downgrade, ScramFault::Binding] {
        assert!(matches!(world.gate.refuse_scram(OWNER, &via(), fault).await, Login::Refused));
    }
    for number in 0..6 {
        assert!(matches!(login(&world, OWNER, &format!("wrong-{number}"), Service::Imap, OUTSIDE).await, Login::Refused));
    }
    let begun = Instant::now();
    assert!(matches!(login(&world, OWNER, "wrong-again", Service::Imap, OUTSIDE).await, Login::Refused));
    assert!(begun.elapsed() >= Duration::from_millis(500), "it did not wait: {:?}", begun.elapsed());
    // Who has the right one never waits.
    let begun = Instant::now();
    open(login(&world, OWNER, &secret, Service::Imap, OUTSIDE).await);
    assert!(begun.elapsed() < Duration::from_millis(250));
    let lines = world.lines().await;
    let of = |outcome| lines.iter().filter(|line| line.entry.act == "log-in" && line.entry.outcome == outcome).count();
    assert_eq!((of(Outcome::Done), of(Outcome::Refused)), (2, 10));
    assert!(lines.iter().any(|line| line.entry.reason.contains("channel binding")));
    assert!(!format!("{lines:?}").contains(secret.split_once('-').unwrap().1));
}

#[tokio::test]
async fn the_salt_tells_nothing_of_who_exists() {
    let world = World::new().await;
    let before = world.gate.scram_salt("later@octroi.example");
    let new = octroi_gate::NewAccount {
        address: &address("later@octroi.example"),
        display_name: "",
        profile: "owner",
        password: None,
        remote_access: false,
    };
    world.admin.add_account(new).await.unwrap();
    world.mint("later@octroi.example", Services::ALL).await;
    assert_eq!(world.gate.scram_salt("Later@OCTROI.example"), before);
    let mut all = ["later@octroi.example", OWNER, SUBJECT, "nobody@octroi.example", "no address", ""].map(|who| world.gate.scram_salt(who));
    all.sort_unstable();
    assert!(all.windows(2).all(|two| two[0] != two[1]));
}

/// An app password from before there were keys for proofs cannot be proven until it has been sent once.
#[tokio::test]
async fn an_old_app_password_can_be_proven_after_its_next_log_in() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Embedded::open(folder.path(), Options::default()).await.unwrap();
    let organisation = Organisation {
        name: String::new(),
        hostname: "mail.octroi.example".to_owned(),
        domains: vec!["octroi.example".to_owned()],
        postmaster: None,
        portal_url: "https://portal.octroi.example/".to_owned(),
    };
    let key = DataKey::from_bytes(&[3; 32]);
    let opened = Gate::open(engine.clone(), organisation, policy(Rights::ALL), Limits::default(), key).await.unwrap();
    let (gate, owner) = (opened.gate, address(OWNER));
    let new = octroi_gate::NewAccount { address: &owner, display_name: "", profile: "owner", password: None, remote_access: false };
    opened.admin.add_account(new).await.unwrap();
    let secret = opened.admin.mint_app_password(&owner, Scope::of(Services::ALL), "old").await.unwrap().secret.to_string();
    let account = engine.account_by_key(&owner.key()).unwrap().id;
    let record = engine.app_passwords(account).remove(0);
    let mut batch = Batch::new();
    batch.push(Change::Revoke(record.id));
    batch.push(Change::Mint(AppPassword { id: AppPasswordId(engine.new_id()), ..(*record).clone() }));
    engine.commit(batch).await.unwrap();

    let via = || Channel::new(Service::Imap, OFFICE);
    assert!(matches!(scram::login(&gate, OWNER, &secret, via()).await, Login::Refused));
    open(gate.login(Credentials { user: OWNER, secret: &secret }, via()).await);
    let mut waited = 0;
    while engine.scram_keys(account).is_empty() {
        waited += 1;
        assert!(waited < 200, "still not there after two seconds");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    open(scram::login(&gate, OWNER, &secret, via()).await);
}
