//! DKIM and ARC: ours by their implementation, theirs by ours, and what must not pass.

use super::{World, keys, signed};
use crate::{KeyFault, KeySet, Keyring, MailAuthConfig, Signing, Standing};
use data_encoding::BASE64;
use mail_auth::common::crypto::Ed25519Key;
use mail_auth::common::headers::HeaderWriter;
use mail_auth::dkim::DkimSigner;
use proptest::prelude::*;

fn world() -> World {
    World::new(MailAuthConfig::default())
}

const HEAD: &str = "Received: by us\r\nFrom: Jo\r\n\t<jo@them.example>\r\nTo: lea@ours.example\r\nSubject:  a  folded\r\n   subject \r\nDate: Sun, 29 Nov 2026 19:00:00 +0000\r\n\
                    Message-ID: <1@them.example>\r\n\r\n";

/// Bodies with every awkward end.
const BODIES: [&str; 12] = [
    "",
    "\r\n",
    "\r\n\r\n\r\n",
    "x",
    "x\r\n",
    "x\r\n\r\n\r\n",
    " \t\r\n",
    "a  b\t c \t\r\n\r\n d \r\n",
    "Grüße\r\n",
    ".\r\n..\r\n",
    "x \r\n \r\n\t\r\n",
    "\r\n\r\nx",
];

#[tokio::test]
async fn both_signatures_pass_however_the_body_is_cut() {
    let world = world();
    for body in BODIES {
        let message = signed(&world.dns, format!("{HEAD}{body}").as_bytes());
        for piece in [1, 2, 3, 4096] {
            let verdict = world.verdict_in("192.0.2.1", "a@them.example", &message, piece).await;
            assert_eq!(verdict.field.matches("dkim=pass").count(), 2, "{body:?} in {piece}: {}", verdict.field);
            assert!(verdict.field.contains("header.d=them.example header.s=r20261129"), "{}", verdict.field);
        }
    }
}

#[tokio::test]
async fn what_was_altered_does_not_pass() {
    let world = world();
    let message = String::from_utf8(signed(&world.dns, format!("{HEAD}a body\r\n").as_bytes())).unwrap();
    let altered: [(&str, &str); 7] = [
        ("a body", "A body"),
        ("\r\nFrom: Jo", "\r\nFrom: evil@evil.example\r\nFrom: Jo"),
        ("\r\nTo: lea@", "\r\nTo: eve@"),
        ("\r\nTo: lea@", "\r\nTo: x@x.example\r\nTo: lea@"),
        ("\r\nDate:", "\r\nSubject: another\r\nDate:"),
        ("\r\nDate:", "\r\nReply-To: evil@evil.example\r\nDate:"),
        ("\r\nDate:", "\r\nContent-Type: text/html\r\nDate:"),
    ];
    for (from, to) in altered {
        let verdict = world.verdict("192.0.2.1", "a@them.example", message.replacen(from, to, 1).as_bytes()).await;
        assert!(!verdict.field.contains("dkim=pass"), "{to:?}: {}", verdict.field);
    }
    // Trace fields are everybody's, and folding is nobody's business.
    for (from, to) in [("Received: by us", "Received: by them\r\nReceived: by us"), ("a  folded\r\n   subject", "a folded\r\n subject")] {
        let verdict = world.verdict("192.0.2.1", "a@them.example", message.replacen(from, to, 1).as_bytes()).await;
        assert_eq!(verdict.field.matches("dkim=pass").count(), 2, "{to:?}: {}", verdict.field);
    }
}

#[tokio::test]
async fn weak_signatures_prove_nothing() {
    let world = world();
    let message = String::from_utf8(signed(&world.dns, format!("{HEAD}a body\r\n").as_bytes())).unwrap();
    for (from, to) in [("a=rsa-sha256", "a=rsa-sha1"), ("c=relaxed/relaxed; d=", "c=relaxed/relaxed; l=1; d="), ("v=1;", "v=2;")] {
        let verdict = world.verdict("192.0.2.1", "a@them.example", message.replace(from, to).as_bytes()).await;
        assert!(!verdict.field.contains("dkim=pass header.d=them.example header.s=r"), "{to:?}: {}", verdict.field);
    }
    // RFC 8301 section 3.2: an RSA key of less than 1024 bits.
    let short = "v=DKIM1; k=rsa; p=MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAKZfs7fpIOFjrqVoBMy8FVzV2Lri3lDCmi+wBdzwfGVuKUZPz01JNlqWPrHmuRUQXuZlHSpXqkUlrRPR9w4fE9sCAwEAAQ==";
    world.dns.clear("r20261129._domainkey.them.example").txt("r20261129._domainkey.them.example", short);
    let another = World::over(&world.dns, MailAuthConfig::default());
    let verdict = another.verdict("192.0.2.1", "a@them.example", message.as_bytes()).await;
    assert!(verdict.field.contains("dkim=fail") && verdict.field.matches("dkim=pass").count() == 1, "{}", verdict.field);
}

/// A signature that is right in all else, over a part of the body: whoever has the message could add to it.
#[tokio::test]
async fn a_signature_over_a_part_of_the_body_proves_nothing() {
    let world = world();
    let key = Ed25519Key::from_pkcs8_der(&Ed25519Key::generate_pkcs8().unwrap()).unwrap();
    world.dns.txt("part._domainkey.them.example", &format!("v=DKIM1; k=ed25519; p={}", BASE64.encode(&key.public_key())));
    let mut signer = DkimSigner::from_key(key).domain("them.example").selector("part").headers(["From", "To"]);
    let message = format!("{HEAD}a body\r\n");
    for (partial, expected) in [(false, "dkim=pass"), (true, "dkim=neutral (signature length")] {
        signer = signer.body_length(partial);
        let field = signer.sign(message.as_bytes()).unwrap().to_header();
        assert_eq!(field.contains("l="), partial, "{field}");
        let verdict = world.verdict("192.0.2.1", "a@them.example", (field + &message).as_bytes()).await;
        assert!(verdict.field.contains(expected), "{}", verdict.field);
    }
}

#[tokio::test]
async fn only_so_many_signatures_are_looked_at() {
    let world = world();
    let message = signed(&world.dns, format!("{HEAD}a body\r\n").as_bytes());
    let mut many = b"DKIM-Signature: v=1; a=rsa-sha256; d=x.example; s=s; h=from; bh=AAAA; b=AAAA\r\n".repeat(100);
    many.extend_from_slice(&message);
    let verdict = world.verdict("192.0.2.1", "a@them.example", &many).await;
    assert_eq!(verdict.field.matches("dkim=").count(), 8, "{}", verdict.field);
}

#[tokio::test]
async fn the_nearest_of_our_domains_signs_and_nobody_for_strangers() {
    let keyring = Keyring::new(["ours.example", "dept.ours.example", "xn--bcher-kva.example"]);
    keyring.replace(&keys()).unwrap();
    for (author, expected) in [
        ("a@ours.example", Some("d=ours.example;")),
        ("a@OURS.example", Some("d=ours.example;")),
        ("a@mail.ours.example", Some("d=ours.example;")),
        ("a@x.dept.ours.example", Some("d=dept.ours.example;")),
        ("a@bücher.example", Some("d=xn--bcher-kva.example;")),
        ("a@notours.example", None),
        ("a@example", None),
    ] {
        let fields = Signing::whole(&keyring, format!("From: {author}\r\n\r\nx\r\n").as_bytes()).unwrap();
        assert_eq!(fields.matches(expected.unwrap_or("DKIM")).count(), if expected.is_some() { 2 } else { 0 }, "{author}: {fields}");
    }
    assert!(Signing::begin(&Keyring::new(["ours.example"]), b"From: a@ours.example\r\n\r\n").is_none());
    assert!(Signing::begin(&keyring, b"Subject: no author\r\n\r\n").is_none());
}

#[test]
fn keys_come_and_go_in_two_steps() {
    let mut set = keys();
    let first = set.active().unwrap().records();
    assert!(
        first[0].value.starts_with("v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A")
            && first[1].value.starts_with("v=DKIM1; k=ed25519; p=")
    );
    assert_eq!(set.switch(5), Err(KeyFault::NoneWaiting));
    let second = set.active().unwrap().clone();
    set.add(second.clone()).unwrap();
    assert_eq!(set.add(second), Err(KeyFault::Waiting));
    set.switch(100).unwrap();
    assert_eq!(set.pairs().iter().map(crate::KeyPair::standing).collect::<Vec<_>>(), [Standing::Retired { since: 100 }, Standing::Active]);
    let octets = set.encode().unwrap();
    let mut again = KeySet::decode(&octets).unwrap();
    assert_eq!(again.pairs()[1].records(), first);
    Keyring::new(["x.example"]).replace(&again).unwrap();
    assert!(!again.prune(200, 100) && again.prune(201, 100) && again.pairs().len() == 1);
    assert_eq!(KeySet::decode(&octets[1..]).err(), Some(KeyFault::Damaged));
    assert_eq!(KeySet::decode(&octets[..octets.len() - 9]).err(), Some(KeyFault::Damaged));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_header_is_survived(head in proptest::collection::vec(prop_oneof![
        Just("DKIM-Signature:".to_owned()), Just("ARC-Seal:".to_owned()), Just("ARC-Message-Signature:".to_owned()), Just("ARC-Authentication-Results:".to_owned()),
        Just("From:".to_owned()), Just("\r\n".to_owned()), Just(" i=1; a=rsa-sha256; cv=none; d=x.example; s=s; b=AAAA; bh=AAAA; h=from:from".to_owned()),
        Just("; l=99999999999999999999".to_owned()), Just("\"".to_owned()), Just("<a@b>".to_owned()), Just(" (".to_owned()), "[ -~]{0,12}", "\\PC{0,4}",
    ], 0..24)) {
        let head = head.concat() + "\r\n\r\n";
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let resolver = octroi_dns::Resolver::new(&octroi_dns::DnsConfig { servers: vec!["127.0.0.1:9".parse().unwrap()], ..octroi_dns::DnsConfig::default() });
            let config = MailAuthConfig { wait: std::time::Duration::ZERO, ..MailAuthConfig::default() };
            let authenticator = crate::Authenticator::new(&resolver, "us", config);
            let sender = crate::Sender { peer: "192.0.2.1".parse().unwrap(), hello: "x".to_owned(), from: String::new() };
            let mut checks = authenticator.message(head.as_bytes());
            checks.body(b"x\r\n");
            let verdict = checks.finish(authenticator.sender(sender)).await;
            assert!(verdict.field.contains("spf="), "the checks failed: {}", verdict.field);
        });
    }
}
