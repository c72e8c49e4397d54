//! SASL EXTERNAL (RFC 4422 appendix A): the certificate is the credential.

use crate::support::{ANA, BEN, World};
use crate::{WRONG, answer, greeted, listen};
use data_encoding::BASE64;
use octroi_gate::Limits;
use octroi_imap::ImapConfig;

#[tokio::test]
async fn external_is_offered_to_certificates_only_and_opens_its_owners_account() {
    let world = World::new(&Limits::default()).await;
    let at = listen(&world, ImapConfig::default()).await;
    let card = world.register(ANA).await;

    let (_, greeting) = greeted(&world, at, None).await;
    assert!(greeting.contains("AUTH=PLAIN") && !greeting.contains("AUTH=EXTERNAL"), "{greeting}");
    assert!(answer(&world, at, None, "AUTHENTICATE EXTERNAL =").await.starts_with("NO [CANNOT] "));

    let (mut client, greeting) = greeted(&world, at, Some(&card)).await;
    assert!(greeting.contains(" AUTH=EXTERNAL]"), "{greeting}");
    client.send("a AUTHENTICATE EXTERNAL =\r\n").await;
    let opened = client.until("a ").await;
    assert!(opened.starts_with("a OK ") && !opened.contains("AUTH="), "{opened}");
    client.send("b STATUS INBOX (MESSAGES)\r\n").await;
    assert_eq!(client.line().await, "* STATUS INBOX (MESSAGES 0)");

    // Without an initial response, after the server's turn.
    let (mut client, _) = greeted(&world, at, Some(&card)).await;
    client.send("a AUTHENTICATE external\r\n").await;
    assert_eq!(client.line().await, "+ ");
    client.send("\r\n").await;
    assert!(client.until("a ").await.starts_with("a OK "));
}

/// CVE-2023-27582: whom a client says it is opens nothing.
#[tokio::test]
async fn a_certificate_is_nobody_but_its_owner() {
    let world = World::new(&Limits::default()).await;
    let at = listen(&world, ImapConfig { login_failures_max: 100, ..ImapConfig::default() }).await;
    let (card, unknown) = (world.register(ANA).await, world.issue());
    for (identity, opens) in
        [("", true), (ANA, true), ("ANA@octroi.example", true), (BEN, false), ("nobody@x.example", false), ("ana", false)]
    {
        let response = if identity.is_empty() { "=".to_owned() } else { BASE64.encode(identity.as_bytes()) };
        let said = answer(&world, at, Some(&card), &format!("AUTHENTICATE EXTERNAL {response}")).await;
        assert!(if opens { said.starts_with("OK ") } else { said == WRONG }, "{identity}: {said}");
        let said = answer(&world, at, Some(&unknown), &format!("AUTHENTICATE EXTERNAL {response}")).await;
        assert_eq!(said, WRONG, "{identity}, with a certificate that nobody has registered");
    }
    let nul = BASE64.encode(format!("{ANA}\0").as_bytes());
    assert_eq!(answer(&world, at, Some(&card), &format!("AUTHENTICATE EXTERNAL {nul}")).await, WRONG);

    // Revoked: the next try finds nothing.
    let id = world.admin.app_passwords(&crate::support::address(ANA)).unwrap()[0].record.public_id.clone();
    world.admin.revoke_app_password(&id).await.unwrap();
    assert_eq!(answer(&world, at, Some(&card), "AUTHENTICATE EXTERNAL =").await, WRONG);
}
