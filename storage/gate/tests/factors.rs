//! Second factors: each counts once, each kind is locked by itself, and nothing but the portal with a fresh one changes any.

#![allow(clippy::unwrap_used)]

mod support;

use octroi_gate::{Errand, Login, Notice, PortalSession, RECOVERY_CODES, Refusal, SignIn, code_at};
use octroi_model::{Reach, Service, Services, UnixTime};
use support::{OFFICE, OWNER, SUBJECT, World, address, open};

const MAIN: &str = "Quay-Lantern-4821";
const OUTSIDE: std::net::IpAddr = std::net::IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));

async fn signed_in(world: &World, who: &str) -> PortalSession {
    match world.gate.sign_in(who, MAIN, OFFICE).await {
        SignIn::Open(portal) => portal,
        _ => panic!("not signed in"),
    }
}

/// Somebody with an authenticator, and its secret.
async fn enrolled(world: &World, who: &str) -> (PortalSession, String) {
    let portal = signed_in(world, who).await;
    let enrolment = portal.begin_totp().await.unwrap();
    let secret = enrolment.secret_base32.to_string();
    portal.confirm_totp(enrolment, &code_at(&secret, UnixTime::now().0 - 30).unwrap()).await.unwrap();
    (portal, secret)
}

fn wrong(secret: &str, number: usize) -> String {
    let near: Vec<String> = (-3..4).map(|step| code_at(secret, UnixTime::now().0 + 30 * step).unwrap()).collect();
    (0..).map(|n| format!("{:06}", 111_111 + n * 7)).filter(|code| !near.contains(code)).nth(number).unwrap()
}

async fn next_code(world: &World) -> String {
    loop {
        match world.errands.lock().await.next().await.unwrap() {
            Errand::Code { code, .. } => return code.to_string(),
            Errand::Notice { .. } | Errand::Judged(_) => {}
        }
    }
}

async fn next_notice(world: &World) -> Notice {
    loop {
        if let Errand::Notice { notice, .. } = world.errands.lock().await.next().await.unwrap() {
            return notice;
        }
    }
}

#[tokio::test]
async fn five_wrong_codes_lock_the_factor_and_not_the_account() {
    let world = World::new().await;
    let (portal, secret) = enrolled(&world, SUBJECT).await;
    let app_password = world.mint(SUBJECT, Services::ALL).await;
    for number in 0..5 {
        assert_eq!(portal.step_up(&wrong(&secret, number)).await.err(), Some(Refusal::InvalidCode));
    }
    let right = code_at(&secret, UnixTime::now().0).unwrap();
    assert!(matches!(portal.step_up(&right).await.err(), Some(Refusal::FactorLocked(1..=60))), "a sixth is not looked at");
    let SignIn::NeedsCode(pending) = world.gate.sign_in(SUBJECT, MAIN, OFFICE).await else { panic!("the account is locked") };
    assert!(matches!(pending.finish(&right).await.err(), Some(Refusal::FactorLocked(_))), "over the other way in, too");
    let with_code = format!("{app_password} {right}");
    assert!(matches!(world.login(SUBJECT, &with_code, Service::Imap, OUTSIDE).await, Login::Refused), "and over every protocol");
    open(world.login(SUBJECT, &app_password, Service::Imap, OFFICE).await);
    assert!(world.lines().await.iter().any(|line| line.entry.act == "second factor lock"));
    let mut seen = Vec::new();
    while !seen.iter().any(|notice| matches!(notice, Notice::FactorLocked { kind: "totp", .. })) {
        seen.push(next_notice(&world).await);
    }
}

#[tokio::test]
async fn a_stale_code_that_is_sent_again_and_again_locks_nothing() {
    let world = World::new().await;
    let (portal, secret) = enrolled(&world, SUBJECT).await;
    let stale = wrong(&secret, 0);
    for _ in 0..20 {
        assert_eq!(portal.step_up(&stale).await.err(), Some(Refusal::InvalidCode));
    }
    portal.step_up(&code_at(&secret, UnixTime::now().0).unwrap()).await.unwrap();
}

#[tokio::test]
async fn a_recovery_code_counts_once_and_is_the_last_resort() {
    let world = World::new().await;
    let (portal, _) = enrolled(&world, SUBJECT).await;
    let codes = portal.make_recovery_codes(portal.fresh().unwrap()).await.unwrap();
    assert_eq!(codes.len(), RECOVERY_CODES);
    let pending = || async {
        match world.gate.sign_in(SUBJECT, MAIN, OFFICE).await {
            SignIn::NeedsCode(pending) => pending,
            _ => panic!("no second factor is asked for"),
        }
    };
    let mut tries = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let (pending, code) = (pending().await, codes[0].to_uppercase());
        tries.spawn(async move { pending.finish(&code).await.is_ok() });
    }
    assert_eq!(tries.join_all().await.into_iter().filter(|passed| *passed).count(), 1, "of 16 at once one passes");
    assert_eq!(portal.factors().unwrap().recovery_left, RECOVERY_CODES - 1);
    pending().await.finish(&codes[1]).await.unwrap();
    let fresh = pending().await.finish(&codes[2]).await.unwrap();
    fresh.make_recovery_codes(fresh.fresh().unwrap()).await.unwrap();
    assert!(pending().await.finish(&codes[3]).await.is_err(), "new codes end the old ones");
}

#[tokio::test]
async fn a_device_gets_its_code_and_counts_once_it_is_proven() {
    let world = World::new().await;
    let portal = signed_in(&world, SUBJECT).await;
    let here = Reach::Mail(address(OWNER));
    assert_eq!(portal.begin_device(here).err(), Some(Refusal::Unsupported), "a mailbox here would be both factors in one");
    let begun = portal.begin_device(Reach::Mail("me@elsewhere.example".parse().unwrap())).unwrap();
    assert!(!portal.has_second_factor());
    let code = next_code(&world).await;
    portal.confirm_device_enrolment(&begun, &code).await.unwrap();
    assert!(portal.has_second_factor());
    let SignIn::NeedsCode(pending) = world.gate.sign_in(SUBJECT, MAIN, OFFICE).await else { panic!("no second factor is asked for") };
    assert!(pending.finish(&code).await.is_err(), "the code was for enrolling");
    pending.send_code(pending.factors().devices[0].id).unwrap();
    let code = next_code(&world).await;
    let other = pending.clone();
    pending.finish(&code).await.unwrap();
    assert!(other.finish(&code).await.is_err(), "a code counts once");
    for _ in 0..10 {
        let _ = other.send_code(other.factors().devices[0].id);
    }
    assert!(matches!(other.send_code(other.factors().devices[0].id), Err(Refusal::Limit(_))), "nobody floods a telephone");
}

#[tokio::test]
async fn a_forgotten_password_is_set_anew_by_device_and_factor_and_tells_nothing() {
    let world = World::new().await;
    let (portal, secret) = enrolled(&world, SUBJECT).await;
    let begun = portal.begin_device(Reach::Message("+33 6 12 34 56 78".to_owned())).unwrap();
    portal.confirm_device_enrolment(&begun, &next_code(&world).await).await.unwrap();
    world.gate.forgot_password("nobody@octroi.example", OUTSIDE).await;
    world.gate.forgot_password(SUBJECT, OUTSIDE).await;
    let code = next_code(&world).await;
    let new = "Harbour-Signal-93x";
    let reset = |code: &str, other: &str, new: &str| {
        let (gate, code, other, new) = (world.gate.clone(), code.to_owned(), other.to_owned(), new.to_owned());
        async move { gate.reset_password(SUBJECT, &code, &other, &new, OUTSIDE).await }
    };
    let nobody = world.gate.reset_password("nobody@octroi.example", &code, "123456", new, OUTSIDE).await;
    assert_eq!(reset("00000000", "123456", new).await, nobody, "who has no account is answered alike");
    assert!(matches!(reset(&code, "", "short").await, Err(Refusal::Password(_))));
    assert_eq!(reset(&code, "", new).await, Err(Refusal::InvalidCode), "the authenticator is asked for as well");
    world.gate.forgot_password(SUBJECT, OUTSIDE).await;
    let code = next_code(&world).await;
    reset(&code, &code_at(&secret, UnixTime::now().0).unwrap(), new).await.unwrap();
    assert_eq!(portal.check().await, Err(Refusal::Ended), "whoever was signed in is not any more");
    assert!(matches!(world.gate.sign_in(SUBJECT, new, OFFICE).await, SignIn::NeedsCode(_)), "and nobody is signed in by it");
}

#[tokio::test]
async fn factors_change_with_a_fresh_one_only() {
    let world = World::new().await;
    let (portal, secret) = enrolled(&world, SUBJECT).await;
    let SignIn::NeedsCode(pending) = world.gate.sign_in(SUBJECT, MAIN, OFFICE).await else { panic!("no second factor is asked for") };
    assert!(pending.factors().totp);
    let later = pending.finish(&code_at(&secret, UnixTime::now().0).unwrap()).await.unwrap();
    later.remove_totp(later.fresh().unwrap()).await.unwrap();
    assert!(!portal.has_second_factor());
    assert!(portal.begin_passkey_enrolment("key").unwrap().options.contains("challenge"));
    let begun = portal.begin_passkey_enrolment("key").unwrap();
    assert_eq!(portal.finish_passkey_enrolment(begun, "{}").await, Err(Refusal::InvalidCode));
}
