//! SPF, iprev and DMARC: what they say and what becomes of the message.

use super::dns::Data;
use super::{World, signed};
use crate::Treatment::{Junk, Note, Refuse};
use crate::{MailAuthConfig, Reason, Treatment};
use octroi_reports::dmarc::{Disposition, Override};
use std::time::{Duration, Instant};

const FROM_THEM: &[u8] = b"From: Jo <jo@them.example>\r\nTo: lea@ours.example\r\nSubject: x\r\n\r\nHello\r\n";

fn world() -> World {
    let world = World::new(MailAuthConfig::default());
    world.dns.txt("them.example", "v=spf1 ip4:192.0.2.0/24 -all");
    world
}

fn from(addresses: &str) -> Vec<u8> {
    format!("From: {addresses}\r\nSubject: x\r\n\r\nHello\r\n").into_bytes()
}

#[tokio::test]
async fn spf_says_what_the_record_says() {
    let world = world();
    world
        .dns
        .txt("soft.example", "v=spf1 ~all")
        .txt("neutral.example", "v=spf1 ?all")
        .txt("broken.example", "v=spf1 all:x")
        .txt("included.example", "v=spf1 include:them.example -all")
        .txt("redirected.example", "v=spf1 redirect=them.example")
        .txt("loop.example", "v=spf1 include:loop.example -all")
        .txt("two.example", "some text")
        .txt("two.example", "v=spf1 a -all")
        .ip("two.example", "198.51.100.7")
        .txt("mx.example", "v=spf1 mx/31 -all")
        .add("mx.example", Data::Mx(10, "mail.mx.example".to_owned()))
        .ip("mail.mx.example", "198.51.100.6")
        .add("dead.example", Data::Silence)
        .txt("six.example", "v=spf1 ip6:2001:db8::/32 -all");
    for (peer, domain, expected) in [
        ("192.0.2.1", "them.example", "pass"),
        ("198.51.100.7", "them.example", "fail"),
        ("192.0.2.1", "sub.them.example", "none"),
        ("192.0.2.1", "soft.example", "softfail"),
        ("192.0.2.1", "neutral.example", "neutral"),
        ("192.0.2.1", "broken.example", "permerror"),
        ("192.0.2.1", "included.example", "pass"),
        ("198.51.100.7", "included.example", "fail"),
        ("192.0.2.1", "redirected.example", "pass"),
        ("198.51.100.7", "redirected.example", "fail"),
        ("192.0.2.1", "loop.example", "permerror"),
        ("198.51.100.7", "two.example", "pass"),
        ("198.51.100.7", "mx.example", "pass"),
        ("198.51.100.8", "mx.example", "fail"),
        ("2001:db8::9", "six.example", "pass"),
        ("2001:db9::9", "six.example", "fail"),
        ("192.0.2.1", "nowhere.example", "none"),
    ] {
        let verdict = world.verdict(peer, &format!("a@{domain}"), FROM_THEM).await;
        assert!(
            verdict.field.contains(&format!("\tspf={expected} ")) && verdict.field.contains("smtp.mailfrom=a@"),
            "{domain}: {}",
            verdict.field
        );
        assert_eq!(verdict.treatment, Treatment::Note, "{domain}");
    }
}

#[tokio::test]
async fn a_null_return_path_is_checked_by_its_greeting() {
    let world = world();
    world.dns.txt("out.them.example", "v=spf1 ip4:192.0.2.1 -all").txt("_dmarc.them.example", "v=DMARC1; p=reject");
    let verdict = world.verdict("192.0.2.1", "", FROM_THEM).await;
    assert!(verdict.field.contains("spf=pass") && verdict.field.contains("smtp.helo=out.them.example"), "{}", verdict.field);
    assert!(!verdict.field.contains("smtp.mailfrom"), "{}", verdict.field);
    // RFC 7208 section 2.4: the greeting is the sender, and relaxed alignment reaches it.
    assert!(verdict.field.contains("dmarc=pass"), "{}", verdict.field);
    assert_eq!(world.verdict("192.0.2.9", "", FROM_THEM).await.treatment, Treatment::Refuse);
}

#[tokio::test]
async fn the_name_of_an_address_must_lead_back_to_it() {
    let world = world();
    world
        .dns
        .add("1.2.0.192.in-addr.arpa", Data::Ptr("out.them.example".to_owned()))
        .ip("out.them.example", "192.0.2.1")
        .add("2.2.0.192.in-addr.arpa", Data::Ptr("out.them.example".to_owned()));
    for (peer, expected) in [("192.0.2.1", "iprev=pass"), ("192.0.2.2", "iprev=fail"), ("192.0.2.3", "iprev=permerror")] {
        let verdict = world.verdict(peer, "a@them.example", FROM_THEM).await;
        assert!(verdict.field.contains(expected) && verdict.field.contains(&format!("policy.iprev={peer}")), "{}", verdict.field);
    }
}

#[tokio::test]
async fn dmarc_is_obeyed() {
    let world = world();
    world
        .dns
        .txt("other.example", "v=spf1 ip4:192.0.2.0/24 -all")
        .txt("_dmarc.them.example", "v=DMARC1; p=reject; sp=quarantine")
        .txt("_dmarc.watched.example", "v=DMARC1; p=none; rua=mailto:a@watched.example")
        .txt("_dmarc.strict.example", "v=DMARC1; p=quarantine; aspf=s; adkim=s")
        .txt("sub.strict.example", "v=spf1 ip4:192.0.2.0/24 -all")
        .txt("sub.them.example", "v=spf1 ip4:192.0.2.0/24 -all")
        .ip("other.them.example", "192.0.2.1")
        .txt("_dmarc.broken.example", "v=DMARC1; p=");

    for (peer, sender, author, result, treatment) in [
        ("192.0.2.1", "a@them.example", "jo@them.example", "pass", Note),
        // The organisation's domain is enough, unless it asks for more.
        ("192.0.2.1", "a@sub.them.example", "jo@them.example", "pass", Note),
        ("192.0.2.1", "a@them.example", "jo@sub.them.example", "pass", Note),
        ("192.0.2.1", "a@sub.strict.example", "jo@strict.example", "fail", Junk),
        // Passing for another domain proves nothing.
        ("192.0.2.1", "a@other.example", "jo@them.example", "fail", Refuse),
        ("198.51.100.7", "a@them.example", "jo@them.example", "fail", Refuse),
        ("198.51.100.7", "a@them.example", "jo@other.them.example", "fail", Junk),
        ("198.51.100.7", "a@watched.example", "jo@watched.example", "fail", Note),
        ("198.51.100.7", "a@nobody.example", "jo@nobody.example", "none", Note),
        ("198.51.100.7", "a@broken.example", "jo@broken.example", "none", Note),
    ] {
        let verdict = world.verdict(peer, sender, &from(author)).await;
        assert!(verdict.field.contains(&format!("dmarc={result}")), "{sender} {author}: {}", verdict.field);
        assert_eq!(verdict.treatment, treatment, "{sender} {author}: {}", verdict.field);
        assert_eq!(verdict.reason.is_some(), treatment != Note);
    }
    assert_eq!(world.verdict("198.51.100.7", "a@them.example", FROM_THEM).await.reason, Some(Reason::Dmarc("them.example".to_owned())));
}

#[tokio::test]
async fn every_author_is_held_to_the_policy() {
    let world = world();
    world
        .dns
        .txt("_dmarc.them.example", "v=DMARC1; p=reject")
        .txt("evil.example", "v=spf1 +all")
        .txt("_dmarc.evil.example", "v=DMARC1; p=none");
    for authors in [
        "jo@them.example, x@evil.example",
        "x@evil.example, jo@them.example",
        "x@evil.example\r\nFrom: jo@them.example",
        "x@evil.example\r\nfrom : jo@them.example",
        "group: jo@THEM.example;, x@evil.example",
        "x@evil.example\r\n\t,\r\n jo@them.example",
    ] {
        let verdict = world.verdict("198.51.100.7", "x@evil.example", &from(authors)).await;
        assert_eq!(verdict.treatment, Treatment::Refuse, "{authors:?}: {}", verdict.field);
        assert!(verdict.field.contains("dmarc=pass header.from=evil.example"), "{}", verdict.field);
    }
    let many = (0..9).map(|n| format!("a@d{n}.example")).collect::<Vec<_>>().join(", ");
    let verdict = world.verdict("198.51.100.7", "x@evil.example", &from(&many)).await;
    assert_eq!((verdict.treatment, verdict.reason), (Treatment::Refuse, Some(Reason::Authors)));
    // No author, no policy; and what only looks like an address is none.
    for authors in ["", "undisclosed:;", "\"jo@them.example\" <x@evil.example>"] {
        assert_eq!(world.verdict("198.51.100.7", "x@evil.example", &from(authors)).await.treatment, Treatment::Note, "{authors}");
    }
}

#[tokio::test]
async fn the_treatment_is_the_administrators() {
    for (fail, expected) in [(Treatment::Note, Treatment::Note), (Treatment::Junk, Treatment::Junk), (Treatment::Refuse, Treatment::Refuse)]
    {
        let config = MailAuthConfig {
            spf_fail: fail,
            dmarc_reject: Treatment::Note,
            dmarc_quarantine: Treatment::Note,
            ..MailAuthConfig::default()
        };
        let world = World::new(config);
        world.dns.txt("them.example", "v=spf1 -all").txt("_dmarc.them.example", "v=DMARC1; p=reject");
        assert_eq!(world.verdict("192.0.2.1", "a@them.example", FROM_THEM).await.treatment, expected);
        // A signature by the author outweighs it: that is how forwarded mail comes.
        let message = signed(&world.dns, FROM_THEM);
        let verdict = world.verdict("192.0.2.1", "a@them.example", &message).await;
        assert_eq!(verdict.treatment, Treatment::Note, "{}", verdict.field);
    }
}

#[tokio::test]
async fn a_dead_dns_refuses_nothing_and_holds_up_nobody() {
    let wait = Duration::from_millis(700);
    let world = World::new(MailAuthConfig { wait, spf_fail: Treatment::Refuse, ..MailAuthConfig::default() });
    let message = signed(&world.dns, FROM_THEM);
    for name in [
        "them.example",
        "out.them.example",
        "_dmarc.them.example",
        "1.2.0.192.in-addr.arpa",
        "r20261129._domainkey.them.example",
        "e20261129._domainkey.them.example",
    ] {
        world.dns.clear(name).add(name, Data::Silence);
    }
    let begun = Instant::now();
    let verdict = world.verdict("192.0.2.1", "a@them.example", &message).await;
    assert!(begun.elapsed() < wait * 8, "{:?}", begun.elapsed());
    assert_eq!(verdict.treatment, Treatment::Note);
    for expected in ["iprev=temperror", "spf=temperror", "dkim=temperror", "dmarc=temperror"] {
        assert!(verdict.field.contains(expected), "{}", verdict.field);
    }
}

#[tokio::test]
async fn nothing_that_a_sender_says_adds_a_line() {
    let world = world();
    let sender = crate::Sender {
        peer: "192.0.2.1".parse().unwrap(),
        hello: "a;\r\n\tdmarc=pass".to_owned(),
        from: format!("\"x;\r\nInjected: 1 dkim=pass{}\"@them.example", "y".repeat(2000)),
    };
    let mut checks = world.authenticator.message(b"From: \"a\r\n b\"@them.example\r\nDKIM-Signature: v=1; d=x\r\n\r\n");
    checks.body(b"");
    let verdict = checks.finish(world.authenticator.sender(sender)).await;
    let lines: Vec<&str> = verdict.field.strip_suffix("\r\n").unwrap().split("\r\n").collect();
    assert!(lines[0].starts_with("Authentication-Results: mx.ours.example;"), "{lines:?}");
    assert!(lines[1..].iter().all(|line| line.starts_with('\t') && line.len() < 998), "{lines:?}");
    assert!(!verdict.field.contains("\n\tdmarc=pass") && !verdict.field.contains("\nInjected"), "{lines:?}");
}

/// A line of a report says what was found and what became of it, also where that is not what the domain asks for.
#[tokio::test]
async fn authors_domains_are_told_what_was_found() {
    let world = World::new(MailAuthConfig { dmarc_quarantine: Treatment::Note, ..MailAuthConfig::default() });
    let rua = "rua=mailto:r@them.example";
    world
        .dns
        .txt("them.example", "v=spf1 ip4:192.0.2.0/24 -all")
        .txt("_dmarc.them.example", &format!("v=DMARC1; p=reject; {rua}"))
        .txt("_dmarc.careful.example", &format!("v=DMARC1; p=quarantine; {rua}"))
        .txt("_dmarc.trying.example", &format!("v=DMARC1; p=quarantine; t=y; {rua}"))
        .txt("_dmarc.silent.example", "v=DMARC1; p=reject");
    for (peer, author, expected) in [
        ("192.0.2.1", "them.example", Some((Disposition::Pass, true, None))),
        ("::ffff:198.51.100.7", "them.example", Some((Disposition::Reject, false, None))),
        ("192.0.2.1", "careful.example", Some((Disposition::None, false, Some(Override::LocalPolicy)))),
        ("192.0.2.1", "trying.example", Some((Disposition::None, false, Some(Override::PolicyTestMode)))),
        ("192.0.2.1", "silent.example", None),
        ("192.0.2.1", "nothing.example", None),
    ] {
        let verdict = world.verdict(peer, "a@THEM.example", &from(&format!("a@{author}"))).await;
        let found = verdict.seen.iter().map(|(domain, row)| (domain.as_str(), (row.disposition, row.spf_aligned, row.overridden)));
        assert_eq!(found.collect::<Vec<_>>(), expected.map(|expected| (author, expected)).into_iter().collect::<Vec<_>>(), "{author}");
        assert_eq!(verdict.authentic, expected.is_some_and(|(disposition, ..)| disposition == Disposition::Pass), "{author}");
        for (_, row) in verdict.seen {
            assert_eq!((row.header_from.as_str(), row.envelope_from.as_str()), (author, "them.example"));
            assert!(row.source.is_ipv4() && row.dkim.is_empty());
        }
    }
    let signed = world.verdict("198.51.100.7", "", &signed(&world.dns, FROM_THEM)).await;
    let (_, row) = &signed.seen[0];
    let dkim: Vec<_> = row.dkim.iter().map(|seen| (seen.domain.as_str(), seen.result.as_str())).collect();
    assert_eq!((row.disposition, row.dkim_aligned, row.spf_aligned), (Disposition::Pass, true, false));
    assert_eq!(dkim, [("them.example", "pass"); 2]);
    assert_eq!((row.envelope_from.as_str(), row.spf.as_ref().unwrap().domain.as_str()), ("", "out.them.example"));
}
