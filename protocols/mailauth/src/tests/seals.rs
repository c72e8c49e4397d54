//! Seals of ours, by their implementation: chains that hold, that break, and that are too long.

use super::{World, keys};
use crate::{Keyring, MailAuthConfig, Sealable, Sealing};
use proptest::prelude::*;

const MESSAGE: &str = "From: Jo <jo@them.example>\r\nTo: lea@ours.example\r\nSubject: a  folded\r\n   subject\r\nDate: Sun, 29 Nov 2026 19:00:00 +0000\r\n\
                       Message-ID: <1@them.example>\r\n\r\nHello \r\n\r\n";

/// The keys of a host of that domain, which the DNS then has.
fn host(world: &World, domain: &str) -> Keyring {
    let keys = keys();
    for record in keys.active().unwrap().records() {
        world.dns.txt(&format!("{}.{domain}", record.name), &record.value);
    }
    let keyring = Keyring::new([domain]);
    keyring.replace(&keys).unwrap();
    keyring
}

/// What the checks leave of a message, and their results.
async fn checked(world: &World, message: &str) -> (Option<Sealable>, String) {
    let verdict = world.verdict("192.0.2.1", "jo@them.example", message.as_bytes()).await;
    (verdict.sealable, verdict.field)
}

async fn forwarded(world: &World, keyring: &Keyring, message: &str) -> String {
    let (sealable, field) = checked(world, message).await;
    sealable.unwrap().seal(keyring, message.as_bytes()).unwrap() + &field + message
}

#[tokio::test]
async fn a_chain_holds_from_host_to_host() {
    let world = World::new(MailAuthConfig::default());
    let mut message = MESSAGE.to_owned();
    for (number, domain) in ["one.example", "two.example", "three.example"].into_iter().enumerate() {
        let keyring = host(&world, domain);
        message = forwarded(&world, &keyring, &message).await;
        let validity = if number == 0 { "cv=none" } else { "cv=pass" };
        assert!(message.starts_with(&format!("ARC-Seal: i={}; a=rsa-sha256;", number + 1)) && message.contains(validity), "{message}");
        let (_, field) = checked(&world, &message).await;
        assert!(field.contains("arc=pass"), "{field}");
        // Its results are what we noted, with the instance before them.
        assert!(message.contains(&format!("ARC-Authentication-Results: i={}; mx.ours.example;\r\n\tiprev=", number + 1)), "{message}");
    }
    // While it comes, in pieces, as over what is all here.
    let keyring = host(&world, "four.example");
    let (sealable, _) = checked(&world, &message).await;
    let end = octroi_mime::header_length(message.as_bytes());
    let mut sealing = Sealing::begin(&keyring, &message.as_bytes()[..end]).unwrap();
    message.as_bytes()[end..].chunks(3).for_each(|octets| sealing.body(octets));
    let fourth = sealing.finish(&sealable.unwrap()).unwrap() + &message;
    assert!(checked(&world, &fourth).await.1.contains("arc=pass"));
    for (from, to) in [("Hello", "Hallo"), ("\r\nSubject: a", "\r\nSubject: [list] a"), ("i=1; mx.ours.example", "i=1; mx.evil.example")] {
        let (sealable, field) = checked(&world, &fourth.replacen(from, to, 1)).await;
        assert!(!field.contains("arc=pass"), "{to:?}: {field}");
        assert!(sealable.is_some(), "{to:?}");
    }
}

#[tokio::test]
async fn a_broken_chain_is_said_to_be_broken_once_and_not_sealed_again() {
    let world = World::new(MailAuthConfig::default());
    let keyring = host(&world, "one.example");
    let broken = forwarded(&world, &keyring, MESSAGE).await.replacen("Hello", "Hallo", 1);
    let told = forwarded(&world, &keyring, &broken).await;
    assert!(told.starts_with("ARC-Seal: i=2;") && told.contains("cv=fail"), "{told}");
    let (sealable, field) = checked(&world, &told).await;
    assert!(sealable.is_none() && field.contains("arc=fail"), "{field}");
}

#[tokio::test]
async fn what_is_not_known_is_not_sealed() {
    let world = World::new(MailAuthConfig::default());
    let keyring = host(&world, "one.example");
    let mut message = MESSAGE.to_owned();
    // As many sets as are looked at (RFC 8617 section 4.2.1 wants ten at least).
    for _ in 0..10 {
        message = forwarded(&world, &keyring, &message).await;
    }
    assert!(checked(&world, &message).await.1.contains("arc=pass"));
    let eleventh = forwarded(&world, &keyring, &message).await;
    assert_eq!(checked(&world, &eleventh).await.0, None, "a chain that is not followed may be a good one");
    let rubbish = MESSAGE.replacen("From:", "ARC-Seal: nonsense\r\nFrom:", 1);
    assert_eq!(checked(&world, &rubbish).await.0, None);
    // The key cannot be looked up now.
    let elsewhere = message.replace("d=one.example", "d=lost.example");
    assert!(checked(&world, &elsewhere).await.0.is_none_or(|sealable| sealable.seal(&keyring, b"\r\n").unwrap().contains("cv=fail")));
    let off = World::over(&world.dns, MailAuthConfig { seals: false, ..MailAuthConfig::default() });
    assert_eq!(checked(&off, MESSAGE).await.0, None);
    let (sealable, _) = checked(&world, MESSAGE).await;
    assert_eq!(sealable.unwrap().seal(&Keyring::new(["one.example"]), MESSAGE.as_bytes()).unwrap(), "", "no key");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn any_header_is_survived(head in "(ARC-Seal:|ARC-Message-Signature:|From:| i=[0-9]{0,3}|;|=|\r\n|\\PC){0,24}") {
        let keyring = Keyring::new(["x.example"]);
        keyring.replace(&keys()).unwrap();
        Sealing::begin(&keyring, head.as_bytes());
    }
}
