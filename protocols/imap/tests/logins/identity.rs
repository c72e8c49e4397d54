//! Whom a log-in is for: authorisation identity by kind of credential, and what a code tells of the password.

use crate::support::{ANA, BEN, EVE, MAIN, World, code, other_than};
use crate::{WRONG, answer, listen};
use data_encoding::BASE64;
use octroi_gate::Limits;
use octroi_imap::ImapConfig;
use std::time::{Duration, Instant};

/// CVE-2023-27582 and CVE-2026-27858: an app password and a certificate open the account that they are of, whatever the client asks for; the
/// main password opens none.
#[tokio::test]
async fn no_credential_opens_another_account_whatever_the_authorisation_identity() {
    let world = World::new(&Limits::default()).await;
    let at = listen(&world, ImapConfig::default()).await;
    let (card, secret) = (world.register(ANA).await, world.mint(ANA).await);
    for (asked, opens) in [
        ("", true),
        (ANA, true),
        ("ANA@octroi.example", true),
        (BEN, false),
        ("postmaster@octroi.example", false),
        ("*", false),
        ("ana", false),
    ] {
        let plain = BASE64.encode(format!("{asked}\0{ANA}\0{secret}").as_bytes());
        let external = if asked.is_empty() { "=".to_owned() } else { BASE64.encode(asked.as_bytes()) };
        for command in [format!("AUTHENTICATE PLAIN {plain}"), format!("AUTHENTICATE EXTERNAL {external}")] {
            let said = answer(&world, at, Some(&card), &command).await;
            assert!(if opens { said.starts_with("OK ") } else { said == WRONG }, "{asked:?}: {command}: {said}");
        }
        let main = BASE64.encode(format!("{asked}\0{ANA}\0{MAIN}").as_bytes());
        assert_eq!(answer(&world, at, Some(&card), &format!("AUTHENTICATE PLAIN {main}")).await, WRONG, "{asked:?}: the main password");
        // Nor does the certificate help an app password of somebody else, or a name without any.
        let stolen = BASE64.encode(format!("{asked}\0{BEN}\0{secret}").as_bytes());
        assert_eq!(answer(&world, at, Some(&card), &format!("AUTHENTICATE PLAIN {stolen}")).await, WRONG);
    }
    assert_eq!(answer(&world, at, Some(&card), &format!("LOGIN {ANA} \"\"")).await, WRONG);
}

/// CVE-2026-27856: with a wrong password, whether a code comes along, and which, changes neither the words nor the time.
#[tokio::test]
async fn a_code_does_not_tell_whether_the_password_was_right() {
    let world = World::new(&Limits { confirm_wait: Duration::ZERO, ..Limits::default() }).await;
    let at = listen(&world, ImapConfig::default()).await;
    let (right, factor) = (world.mint(EVE).await, world.enrol(EVE).await);
    let wrong = other_than(&right);
    let mut quickest = Vec::new();
    for secret in [wrong.clone(), format!("{wrong} {}", code(&factor)), format!("{wrong} 000000"), format!("{right} 00000a")] {
        let mut took = Vec::new();
        for _ in 0..3 {
            let begun = Instant::now();
            assert_eq!(answer(&world, at, None, &format!("LOGIN {EVE} \"{secret}\"")).await, WRONG, "{secret}");
            took.push(begun.elapsed());
        }
        quickest.extend(took.into_iter().min());
    }
    // Far below what waiting for a confirmation, or a hash made for slowness, would take.
    let (least, most) = (quickest.iter().min().unwrap(), quickest.iter().max().unwrap());
    assert!(most.abs_diff(*least) < Duration::from_millis(200), "{quickest:?}");
    // The code was not used up by a wrong password.
    assert!(answer(&world, at, None, &format!("LOGIN {EVE} \"{right} {}\"", code(&factor))).await.starts_with("OK "));
}
