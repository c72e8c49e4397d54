//! AUTHENTICATE SCRAM-SHA-256 and SCRAM-SHA-256-PLUS, and LOGIN as a SASL mechanism.

use crate::client::ScramClient;
use crate::support::{ANA, BEN, Client, EVE, MAIN, World, code};
use crate::{WRONG, greeted, listen};
use data_encoding::BASE64;
use octroi_gate::Limits;
use octroi_imap::ImapConfig;
use std::time::Duration;

/// The text behind a `+`, decoded.
async fn challenge(client: &mut Client) -> Result<String, String> {
    let line = client.line().await;
    let text = line.strip_prefix("+ ").ok_or_else(|| line.trim_start_matches("a ").to_owned())?;
    Ok(String::from_utf8(BASE64.decode(text.as_bytes()).unwrap()).unwrap())
}

/// All of an exchange; the tagged answer, without the tag.
async fn exchange(client: &mut Client, mechanism: &str, scram: &ScramClient) -> String {
    let first = BASE64.encode(scram.first().as_bytes());
    client.send(&format!("a AUTHENTICATE {mechanism} {first}\r\n")).await;
    let server_first = match challenge(client).await {
        Ok(text) => text,
        Err(answer) => return answer,
    };
    let (last, expected) = scram.last(&server_first);
    client.send(&format!("{}\r\n", BASE64.encode(last.as_bytes()))).await;
    match challenge(client).await {
        Ok(text) => assert_eq!(text, expected),
        Err(answer) => return answer,
    }
    client.send("\r\n").await;
    client.until("a ").await.trim_start_matches("a ").to_owned()
}

#[tokio::test]
async fn a_proof_opens_and_binds() {
    let world = World::new(&Limits::default()).await;
    let at = listen(&world, ImapConfig::default()).await;
    let secret = world.mint(ANA).await;
    let (mut client, greeting) = greeted(&world, at, None).await;
    assert!(greeting.contains(" AUTH=PLAIN AUTH=LOGIN AUTH=SCRAM-SHA-256-PLUS AUTH=SCRAM-SHA-256]"), "{greeting}");
    assert!(exchange(&mut client, "SCRAM-SHA-256", &ScramClient::new(ANA, &secret)).await.starts_with("OK "));
    client.send("b SELECT INBOX\r\n").await;
    assert!(client.until("b ").await.starts_with("b OK "));

    for (name, value) in [("tls-exporter", None), ("tls-server-end-point", Some(world.server_end_point()))] {
        let (mut client, _) = greeted(&world, at, None).await;
        let value = value.unwrap_or_else(|| client.exporter());
        let bound = ScramClient::new(ANA, &secret).bound(&format!("p={name},,"), &value);
        let said = exchange(&mut client, "scram-sha-256-plus", &bound).await;
        assert!(said.starts_with("OK "), "{name}: {said}");
        // The value of this connection is none of another.
        let (mut other, _) = greeted(&world, at, None).await;
        let said = exchange(&mut other, "SCRAM-SHA-256-PLUS", &bound).await;
        assert_eq!(said.starts_with("OK "), name == "tls-server-end-point", "{said}");
    }
}

/// The matrix of authorisation identities has a row more for each mechanism.
#[tokio::test]
async fn a_proof_opens_no_other_account() {
    let world = World::new(&Limits::default()).await;
    let at = listen(&world, ImapConfig::default()).await;
    let secret = world.mint(ANA).await;
    for mechanism in ["SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"] {
        let said = async |identity: &str, user: &str, password: &str| {
            let (mut client, _) = greeted(&world, at, None).await;
            let client_says = ScramClient::new(user, password);
            let scram = match mechanism {
                "SCRAM-SHA-256" => client_says.bound(&format!("n,{identity},"), b""),
                _ => client_says.bound(&format!("p=tls-exporter,{identity},"), &client.exporter()),
            };
            exchange(&mut client, mechanism, &scram).await
        };
        for (asked, opens) in [(ANA, true), ("ANA@octroi.example", true), (BEN, false), ("*", false), ("ana", false)] {
            let said = said(&format!("a={asked}"), ANA, &secret).await;
            assert!(if opens { said.starts_with("OK ") } else { said == WRONG }, "{asked:?} {mechanism}: {said}");
        }
        for (user, password) in [(ANA, MAIN), (BEN, &*secret), ("nobody@octroi.example", &*secret)] {
            assert_eq!(said("", user, password).await, WRONG, "{mechanism} {user}");
        }
    }
}

/// A log-in that has to be confirmed waits before we prove ourselves, and says what PLAIN would if nobody confirms it.
#[tokio::test]
async fn a_proof_waits_for_the_owner() {
    let world = World::new(&Limits { confirm_wait: Duration::from_millis(50), ..Limits::default() }).await;
    let at = listen(&world, ImapConfig::default()).await;
    let (secret, factor) = (world.mint(EVE).await, world.enrol(EVE).await);
    let (mut client, _) = greeted(&world, at, None).await;
    let said = exchange(&mut client, "SCRAM-SHA-256", &ScramClient::new(EVE, &secret)).await;
    assert!(said.starts_with("NO [UNAVAILABLE] Confirm this device"), "{said}");
    // A code is no part of a proof; sent once with LOGIN it confirms the network for all.
    let with_code = format!("{secret} {}", code(&factor));
    assert_eq!(exchange(&mut client, "SCRAM-SHA-256", &ScramClient::new(EVE, &with_code)).await, WRONG);
    client.send("a AUTHENTICATE LOGIN\r\n").await;
    assert_eq!(challenge(&mut client).await.unwrap(), "Username:");
    client.send(&format!("{}\r\n", BASE64.encode(EVE.as_bytes()))).await;
    assert_eq!(challenge(&mut client).await.unwrap(), "Password:");
    client.send(&format!("{}\r\n", BASE64.encode(with_code.as_bytes()))).await;
    assert!(client.until("a ").await.starts_with("a OK "));
    let (mut client, _) = greeted(&world, at, None).await;
    assert!(exchange(&mut client, "SCRAM-SHA-256", &ScramClient::new(EVE, &secret)).await.starts_with("OK "));
}

#[tokio::test]
async fn an_exchange_can_be_given_up_at_each_step() {
    let world = World::new(&Limits::default()).await;
    let at = listen(&world, ImapConfig { login_failures_max: 100, ..ImapConfig::default() }).await;
    let secret = world.mint(ANA).await;
    let scram = ScramClient::new(ANA, &secret);
    let (mut client, _) = greeted(&world, at, None).await;
    for (steps, last, answer) in [
        (0, "*", "a BAD Given up"),
        (0, "!", "a BAD The response is not base64"),
        (0, "", &format!("a {WRONG}")),
        (1, "*", "a BAD Given up"),
        (1, "biws", &format!("a {WRONG}")),
        (1, "", &format!("a {WRONG}")),
        (2, "*", "a BAD Given up"),
        (2, "biws", "a BAD Nothing was to follow"),
    ] {
        client.send("a AUTHENTICATE SCRAM-SHA-256\r\n").await;
        assert_eq!(challenge(&mut client).await.unwrap(), "");
        if steps > 0 {
            client.send(&format!("{}\r\n", BASE64.encode(scram.first().as_bytes()))).await;
            let server_first = challenge(&mut client).await.unwrap();
            if steps > 1 {
                client.send(&format!("{}\r\n", BASE64.encode(scram.last(&server_first).0.as_bytes()))).await;
                assert!(challenge(&mut client).await.unwrap().starts_with("v="));
            }
        }
        client.send(&format!("{last}\r\n")).await;
        assert_eq!(client.line().await, answer, "{steps} {last}");
        client.send("b SELECT INBOX\r\n").await;
        assert!(client.until("b ").await.starts_with("b BAD "), "nobody is logged in");
    }
    assert!(exchange(&mut client, "SCRAM-SHA-256", &scram).await.starts_with("OK "));
}
