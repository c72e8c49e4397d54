//! Logging in to submit mail: by certificate, with a confirmation that takes its time, and with what must not get in.

#![allow(clippy::unwrap_used)]

/// The client's side of SCRAM.
#[path = "../../../sasl/src/tests/client.rs"]
mod client;
mod scram;
/// The same world as IMAP's tests have: one gate, one authority, clients under TLS.
#[path = "../../../imap/tests/logins/support.rs"]
mod support;

use data_encoding::BASE64;
use octroi_gate::Limits;
use octroi_smtp::{Kind, SmtpConfig};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::{ANA, BEN, Client, EVE, Identity, MAIN, World, code, other_than};

/// The one answer to whatever is wrong.
const WRONG: &str = "535 5.7.8 Authentication credentials invalid";
/// As many as may be kept waiting of one account.
const HELD_MAX: usize = 8;

async fn listen(world: &World) -> SocketAddr {
    let config = Arc::new(SmtpConfig::default());
    world.listen(move |connection, gate, shutdown| octroi_smtp::serve(Kind::Submission, connection, gate, config.clone(), shutdown)).await
}

/// Connected and greeted; with the line of EHLO that tells the mechanisms.
async fn greeted(world: &World, at: SocketAddr, shown: Option<&Identity>) -> (Client, String) {
    let mut client = world.connect(at, shown).await;
    client.line().await;
    client.send("EHLO client.test\r\n").await;
    let mechanisms = client.until("250-AUTH ").await;
    client.until("250 ").await;
    (client, mechanisms)
}

/// The answer to one command on a connection of its own.
async fn answer(world: &World, at: SocketAddr, shown: Option<&Identity>, command: &str) -> String {
    let (mut client, _) = greeted(world, at, shown).await;
    client.send(&format!("{command}\r\n")).await;
    client.line().await
}

fn plain(asked: &str, user: &str, secret: &str) -> String {
    format!("AUTH PLAIN {}", BASE64.encode(format!("{asked}\0{user}\0{secret}").as_bytes()))
}

fn external(asked: &str) -> String {
    format!("AUTH EXTERNAL {}", if asked.is_empty() { "=".to_owned() } else { BASE64.encode(asked.as_bytes()) })
}

fn patient() -> Limits {
    Limits { confirm_wait: Duration::from_secs(50), ..Limits::default() }
}

#[tokio::test]
async fn external_is_offered_to_certificates_only_and_opens_its_owners_account() {
    let world = World::new(&Limits::default()).await;
    let at = listen(&world).await;
    let card = world.register(ANA).await;
    assert_eq!(greeted(&world, at, None).await.1, "250-AUTH PLAIN LOGIN SCRAM-SHA-256");
    assert_eq!(answer(&world, at, None, &external("")).await, "504 5.5.4 Mechanism not offered");

    let (mut client, mechanisms) = greeted(&world, at, Some(&card)).await;
    assert_eq!(mechanisms, "250-AUTH PLAIN LOGIN SCRAM-SHA-256 EXTERNAL");
    for (say, hear) in [
        ("AUTH EXTERNAL", "334 "),
        ("*", "501 5.7.0 Cancelled"),
        ("AUTH EXTERNAL", "334 "),
        ("=", "235 2.7.0 Authentication successful"),
        ("MAIL FROM:<ben@octroi.example>", "550 5.7.1 You may not send as that address"),
        ("MAIL FROM:<ana@octroi.example>", "250 2.1.0 Sender accepted"),
    ] {
        client.send(&format!("{say}\r\n")).await;
        assert_eq!(client.line().await, hear, "{say}");
    }
}

/// CVE-2023-27582 and CVE-2026-27858: an app password and a certificate open the account that they are of, whatever the client asks for.
#[tokio::test]
async fn no_credential_opens_another_account_whatever_the_authorisation_identity() {
    let world = World::new(&Limits::default()).await;
    let at = listen(&world).await;
    let (card, unknown, secret) = (world.register(ANA).await, world.issue(), world.mint(ANA).await);
    for (asked, opens) in [
        ("", true),
        (ANA, true),
        ("ANA@octroi.example", true),
        (BEN, false),
        ("postmaster@octroi.example", false),
        ("*", false),
        ("ana", false),
    ] {
        for command in [plain(asked, ANA, &secret), external(asked)] {
            let said = answer(&world, at, Some(&card), &command).await;
            assert!(if opens { said.starts_with("235 ") } else { said == WRONG }, "{asked:?}: {command}: {said}");
        }
        assert_eq!(answer(&world, at, Some(&card), &plain(asked, ANA, MAIN)).await, WRONG, "{asked:?}: the main password");
        assert_eq!(answer(&world, at, Some(&unknown), &external(asked)).await, WRONG, "{asked:?}: nobody has registered that one");
        assert_eq!(answer(&world, at, Some(&card), &plain(asked, BEN, &secret)).await, WRONG, "{asked:?}: somebody else's password");
    }
}

/// CVE-2026-27856: with a wrong password, whether a code comes along, and which, changes neither the words nor the time.
#[tokio::test]
async fn a_code_does_not_tell_whether_the_password_was_right() {
    let world = World::new(&Limits { confirm_wait: Duration::ZERO, ..Limits::default() }).await;
    let at = listen(&world).await;
    let (right, factor) = (world.mint(EVE).await, world.enrol(EVE).await);
    let wrong = other_than(&right);
    let mut quickest = Vec::new();
    for secret in [wrong.clone(), format!("{wrong} {}", code(&factor)), format!("{wrong} 000000"), format!("{right} 00000a")] {
        let mut took = Vec::new();
        for _ in 0..3 {
            let begun = Instant::now();
            assert_eq!(answer(&world, at, None, &plain("", EVE, &secret)).await, WRONG, "{secret}");
            took.push(begun.elapsed());
        }
        quickest.extend(took.into_iter().min());
    }
    // Far below what waiting for a confirmation, or a hash made for slowness, would take.
    let (least, most) = (quickest.iter().min().unwrap(), quickest.iter().max().unwrap());
    assert!(most.abs_diff(*least) < Duration::from_millis(200), "{quickest:?}");
    assert!(answer(&world, at, None, &plain("", EVE, &format!("{right} {}", code(&factor)))).await.starts_with("235 "));
}

/// A program that goes on with an old password for hours neither locks its owner out nor slows them down, from the same network.
#[tokio::test]
async fn a_program_that_repeats_an_old_password_keeps_nobody_out() {
    let world = World::new(&Limits::default()).await;
    let at = listen(&world).await;
    let (old, new) = (world.mint(ANA).await, world.mint(ANA).await);
    let id = world.admin.app_passwords(&support::address(ANA)).unwrap()[0].record.public_id.clone();
    world.admin.revoke_app_password(&id).await.unwrap();
    for _ in 0..200 {
        assert_eq!(answer(&world, at, None, &plain("", ANA, &old)).await, WRONG);
    }
    let begun = Instant::now();
    assert!(answer(&world, at, None, &plain("", ANA, &new)).await.starts_with("235 "));
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
}

/// Too many sessions of one account: later, not wrong; and the connection is closed, as the words say.
#[tokio::test]
async fn a_crowded_account_is_put_off() {
    let world = World::new(&Limits { sessions_per_account_max: 1, ..Limits::default() }).await;
    let at = listen(&world).await;
    let secret = world.mint(ANA).await;
    let (mut first, _) = greeted(&world, at, None).await;
    first.send(&format!("{}\r\n", plain("", ANA, &secret))).await;
    assert!(first.line().await.starts_with("235 "));
    let (mut second, _) = greeted(&world, at, None).await;
    second.send(&format!("{}\r\n", plain("", ANA, &secret))).await;
    assert!(second.line().await.starts_with("421 4.7.0 Too many connections or log-ins"));
    assert_eq!(second.line().await, "", "closed");
    first.hang_up().await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(answer(&world, at, None, &plain("", ANA, &secret)).await.starts_with("235 "));
}

#[tokio::test]
async fn a_confirmation_opens_the_log_in_that_waits() {
    let world = World::new(&patient()).await;
    let at = listen(&world).await;
    let (secret, factor) = (world.mint(EVE).await, world.enrol(EVE).await);
    let (mut client, _) = greeted(&world, at, None).await;
    client.send(&format!("{}\r\n", plain("", EVE, &secret))).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    // Confirms this network for that app password.
    assert!(answer(&world, at, None, &plain("", EVE, &format!("{secret} {}", code(&factor)))).await.starts_with("235 "));
    assert!(client.line().await.starts_with("235 "));
}

#[tokio::test]
async fn who_hangs_up_does_not_go_on_waiting_and_a_shutdown_ends_the_wait() {
    let world = World::new(&patient()).await;
    let at = listen(&world).await;
    let wait = plain("", EVE, &world.mint(EVE).await);
    let mut clients = Vec::new();
    for _ in 0..HELD_MAX {
        let (mut client, _) = greeted(&world, at, None).await;
        client.send(&format!("{wait}\r\n")).await;
        clients.push(client);
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    // No more than those are kept waiting.
    assert!(answer(&world, at, None, &wait).await.starts_with("454 4.7.0 Confirm this device first: "));
    for client in clients {
        client.hang_up().await;
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    // Their places are free: this one waits, until the server goes down.
    let (mut next, _) = greeted(&world, at, None).await;
    next.send(&format!("{wait}\r\n")).await;
    assert!(tokio::time::timeout(Duration::from_secs(1), next.line()).await.is_err());
    world.shutdown.trigger();
    let begun = Instant::now();
    assert_eq!(next.line().await, "421 4.3.2 Shutting down, closing connection");
    assert!(begun.elapsed() < Duration::from_secs(5));
}
