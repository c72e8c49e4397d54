//! Logging in to keep filters: by app password, by proof, by certificate, with a confirmation that takes its time, and with what must not get
//! in.

#![allow(clippy::unwrap_used)]

/// The client's side of SCRAM.
#[path = "../../../sasl/src/tests/client.rs"]
mod client;
/// The same world as IMAP's tests have: one gate, one authority, clients under TLS.
#[path = "../../../imap/tests/logins/support.rs"]
mod support;

use client::ScramClient;
use data_encoding::BASE64;
use octroi_gate::{Limits, Scope};
use octroi_managesieve::ManageSieveConfig;
use octroi_model::{Service, Services};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use support::{ANA, BEN, Client, EVE, Identity, MAIN, World, address, code};

/// The one answer to whatever is wrong.
const WRONG: &str = "NO \"The user name or the password is wrong\"";

async fn listen(world: &World) -> SocketAddr {
    let config = Arc::new(ManageSieveConfig { login_failures_max: 100, ..ManageSieveConfig::default() });
    world.listen(move |connection, gate, shutdown| octroi_managesieve::serve(connection, gate, config.clone(), shutdown)).await
}

/// Connected; with the line that tells the mechanisms.
async fn greeted(world: &World, at: SocketAddr, shown: Option<&Identity>) -> (Client, String) {
    let mut client = world.connect(at, shown).await;
    let mechanisms = client.until("\"SASL\" ").await;
    client.until("OK").await;
    (client, mechanisms)
}

async fn answer(client: &mut Client, command: &str) -> String {
    client.send(&format!("{command}\r\n")).await;
    client.line().await
}

fn plain(asked: &str, user: &str, secret: &str) -> String {
    format!("AUTHENTICATE \"PLAIN\" \"{}\"", BASE64.encode(format!("{asked}\0{user}\0{secret}").as_bytes()))
}

fn external(asked: &str) -> String {
    format!("AUTHENTICATE \"EXTERNAL\" \"{}\"", BASE64.encode(asked.as_bytes()))
}

/// All of an exchange; the answer, its proof looked at.
async fn exchange(client: &mut Client, mechanism: &str, scram: &ScramClient) -> String {
    let first = BASE64.encode(scram.first().as_bytes());
    let line = answer(client, &format!("AUTHENTICATE \"{mechanism}\" \"{first}\"")).await;
    let Some(challenge) = line.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else { return line };
    let server_first = String::from_utf8(BASE64.decode(challenge.as_bytes()).unwrap()).unwrap();
    let (last, expected) = scram.last(&server_first);
    // As a literal, for a change.
    let last = BASE64.encode(last.as_bytes());
    let line = answer(client, &format!("{{{}+}}\r\n{last}", last.len())).await;
    let proof = format!("OK (SASL \"{}\")", BASE64.encode(expected.as_bytes()));
    assert!(line.starts_with("NO") || line.starts_with(&proof), "{line}");
    line
}

#[tokio::test]
async fn a_proof_opens_and_binds() {
    let world = World::new(&Limits::default()).await;
    let at = listen(&world).await;
    let secret = world.mint(ANA).await;
    let (mut client, mechanisms) = greeted(&world, at, None).await;
    assert_eq!(mechanisms, "\"SASL\" \"PLAIN SCRAM-SHA-256-PLUS SCRAM-SHA-256\"");
    assert!(exchange(&mut client, "SCRAM-SHA-256", &ScramClient::new(ANA, &secret)).await.starts_with("OK "));
    assert!(answer(&mut client, "LISTSCRIPTS").await.starts_with("OK"));
    for (name, value) in [("tls-exporter", None), ("tls-server-end-point", Some(world.server_end_point()))] {
        let (mut client, _) = greeted(&world, at, None).await;
        let value = value.unwrap_or_else(|| client.exporter());
        let bound = ScramClient::new(ANA, &secret).bound(&format!("p={name},,"), &value);
        assert!(exchange(&mut client, "scram-sha-256-plus", &bound).await.starts_with("OK "), "{name}");
    }
    let (mut client, _) = greeted(&world, at, None).await;
    for (user, password) in [(ANA, MAIN), (BEN, &*secret), ("nobody@octroi.example", &*secret)] {
        assert_eq!(exchange(&mut client, "SCRAM-SHA-256", &ScramClient::new(user, password)).await, WRONG, "{user}");
    }
    // Given up at each step, nobody is logged in.
    assert_eq!(answer(&mut client, "AUTHENTICATE \"SCRAM-SHA-256\"").await, "\"\"");
    assert_eq!(answer(&mut client, "\"*\"").await, "NO \"Given up\"");
    assert_eq!(answer(&mut client, "AUTHENTICATE \"SCRAM-SHA-256\" \"biws\"").await, WRONG);
    assert!(answer(&mut client, "LISTSCRIPTS").await.starts_with("NO"));
}

/// CVE-2023-27582 and CVE-2026-27858: a credential opens the account that it is of, whatever the client asks for.
#[tokio::test]
async fn no_credential_opens_another_account() {
    let world = World::new(&Limits { log_ins_per_minute_max: 10_000, ..Limits::default() }).await;
    let at = listen(&world).await;
    let (card, unknown, secret) = (world.register(ANA).await, world.issue(), world.mint(ANA).await);
    assert!(greeted(&world, at, Some(&card)).await.1.ends_with(" EXTERNAL\""));
    for (asked, opens) in [("", true), (ANA, true), ("ANA@octroi.example", true), (BEN, false), ("*", false)] {
        for command in [plain(asked, ANA, &secret), external(asked)] {
            let said = answer(&mut greeted(&world, at, Some(&card)).await.0, &command).await;
            assert!(if opens { said.starts_with("OK") } else { said == WRONG }, "{asked:?}: {command}: {said}");
        }
        let (mut stranger, _) = greeted(&world, at, Some(&unknown)).await;
        assert_eq!(answer(&mut stranger, &external(asked)).await, WRONG, "{asked:?}: nobody has registered that one");
        assert_eq!(answer(&mut stranger, &plain(asked, ANA, MAIN)).await, WRONG, "{asked:?}: the main password");
    }
    let (mut client, _) = greeted(&world, at, None).await;
    assert!(answer(&mut client, &external("")).await.starts_with("NO \"That mechanism"));
    // One that opens mail only opens no filters.
    let mail = Scope::of(Services::NONE.with(Service::Imap).with(Service::Submission));
    let narrow = world.admin.mint_app_password(&address(ANA), mail, "mail").await.unwrap().secret.to_string();
    assert_eq!(answer(&mut client, &plain("", ANA, &narrow)).await, WRONG);
    assert_eq!(exchange(&mut client, "SCRAM-SHA-256", &ScramClient::new(ANA, &narrow)).await, WRONG);
}

#[tokio::test]
async fn a_new_device_waits_for_its_owner() {
    let world = World::new(&Limits { confirm_wait: Duration::from_millis(50), ..Limits::default() }).await;
    let at = listen(&world).await;
    let (secret, factor) = (world.mint(EVE).await, world.enrol(EVE).await);
    let (mut client, _) = greeted(&world, at, None).await;
    let said = answer(&mut client, &plain("", EVE, &secret)).await;
    assert!(said.starts_with("NO (TRYLATER) \"Confirm this device"), "{said}");
    let said = answer(&mut client, &plain("", EVE, &format!("{secret} {}", code(&factor)))).await;
    assert!(said.starts_with("OK"), "{said}");
    let (mut client, _) = greeted(&world, at, None).await;
    assert!(answer(&mut client, &plain("", EVE, &secret)).await.starts_with("OK"));
}

/// A credential that is revoked ends its session, idle or not.
#[tokio::test]
async fn a_revoked_credential_ends_its_session() {
    let world = World::new(&Limits::default()).await;
    let at = listen(&world).await;
    let secret = world.mint(ANA).await;
    let (mut client, _) = greeted(&world, at, None).await;
    assert!(answer(&mut client, &plain("", ANA, &secret)).await.starts_with("OK"));
    world.admin.revoke_app_password(secret.split('-').next().unwrap()).await.unwrap();
    assert_eq!(client.line().await, "BYE \"The session has ended\"");
    assert_eq!(client.line().await, "");
}
