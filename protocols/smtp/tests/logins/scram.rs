//! AUTH SCRAM-SHA-256.

use crate::client::ScramClient;
use crate::support::{ANA, BEN, Client, EVE, MAIN, World};
use crate::{WRONG, greeted, listen};
use data_encoding::BASE64;
use octroi_gate::Limits;
use std::time::Duration;

/// The text behind a 334, decoded.
async fn challenge(client: &mut Client) -> Result<String, String> {
    let line = client.line().await;
    let text = line.strip_prefix("334 ").ok_or_else(|| line.clone())?;
    Ok(String::from_utf8(BASE64.decode(text.as_bytes()).unwrap()).unwrap())
}

/// All of an exchange; the reply that ends it.
async fn exchange(client: &mut Client, mechanism: &str, scram: &ScramClient) -> String {
    client.send(&format!("AUTH {mechanism}\r\n")).await;
    for next in 0..2 {
        let said = match challenge(client).await {
            Ok(text) if next == 0 => {
                assert_eq!(text, "");
                scram.first()
            }
            Ok(server_first) => {
                let (last, expected) = scram.last(&server_first);
                client.send(&format!("{}\r\n", BASE64.encode(last.as_bytes()))).await;
                match challenge(client).await {
                    Ok(text) => assert_eq!(text, expected),
                    Err(reply) => return reply,
                }
                String::new()
            }
            Err(reply) => return reply,
        };
        client.send(&format!("{}\r\n", BASE64.encode(said.as_bytes()))).await;
    }
    client.line().await
}

/// CVE-2023-27582: each mechanism opens the account of the app password, to who names nobody else.
#[tokio::test]
async fn a_proof_opens_its_owners_account_only() {
    let world = World::new(&Limits::default()).await;
    let at = listen(&world).await;
    let secret = world.mint(ANA).await;
    let said = async |identity: &str, user: &str, password: &str| {
        let (mut client, _) = greeted(&world, at, None).await;
        let scram = ScramClient::new(user, password).bound(&format!("n,{identity},"), &[]);
        let said = exchange(&mut client, "SCRAM-SHA-256", &scram).await;
        (said, client)
    };
    for (asked, opens) in [(ANA, true), ("ANA@octroi.example", true), (BEN, false), ("*", false), ("ana", false)] {
        let (said, _) = said(&format!("a={asked}"), ANA, &secret).await;
        assert!(if opens { said.starts_with("235 ") } else { said == WRONG }, "{asked:?}: {said}");
    }
    for (user, password) in [(ANA, MAIN), (BEN, &*secret), ("nobody@octroi.example", &*secret)] {
        assert_eq!(said("", user, password).await.0, WRONG, "{user}");
    }
    let (said, mut client) = said("", ANA, &secret).await;
    assert_eq!(said, "235 2.7.0 Authentication successful");
    client.send("MAIL FROM:<ana@octroi.example>\r\n").await;
    assert_eq!(client.line().await, "250 2.1.0 Sender accepted");
}

#[tokio::test]
async fn a_proof_that_nobody_confirms_is_put_off() {
    let world = World::new(&Limits { confirm_wait: Duration::from_millis(50), ..Limits::default() }).await;
    let at = listen(&world).await;
    let secret = world.mint(EVE).await;
    let (mut client, _) = greeted(&world, at, None).await;
    let said = exchange(&mut client, "SCRAM-SHA-256", &ScramClient::new(EVE, &secret)).await;
    assert!(said.starts_with("454 4.7.0 Confirm this device first: "), "{said}");
    // Put off as often as may be wrong, the connection ends: as with PLAIN.
    exchange(&mut client, "SCRAM-SHA-256", &ScramClient::new(EVE, &secret)).await;
    exchange(&mut client, "SCRAM-SHA-256", &ScramClient::new(EVE, &secret)).await;
    assert!(client.line().await.starts_with("421 4.7.0 Too many failed log-ins"));
}
