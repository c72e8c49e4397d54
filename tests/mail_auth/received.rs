//! Mail from elsewhere.

use super::{found, octets_of, peer, piped, results, sent, world};
use crate::support::imap::Imap;
use crate::support::smtp::Smtp;
use crate::support::{Server, unique};
use serde_json::Value;
use std::process::Command;

fn message(domain: &str, subject: &str, body: &str) -> String {
    format!(
        "From: Jo <jo@{domain}>\r\nTo: u1@bench.test\r\nSubject: {subject}\r\nDate: Mon, 02 Nov 2026 08:00:00 +0100\r\n\
         Message-ID: <{subject}@{domain}>\r\nX-Folded: a\r\n\t b  \r\n   c\r\n\r\n{body}"
    )
}

fn delivered(server: &Server, from: &str, message: &[u8], subject: &str) -> Vec<u8> {
    let reply = sent(server, from, message);
    assert_eq!(reply.code, 250, "{}", reply.text);
    found(server, server.user(1), "INBOX", subject)
}

fn result_of<'a>(results: &'a [(String, String, Value)], method: &str) -> &'a str {
    results.iter().find(|(found, ..)| found == method).map_or("not there", |(_, result, _)| result.as_str())
}

/// Bodies of every awkward form, and one that does not stay in memory; over all ways to make them canonical.
#[test]
fn signatures_and_seals_of_others_are_verified() {
    let (server, dns) = world("arc_trusted = [\"them.example\"]\n");
    dns.txt("_dmarc.them.example", "v=DMARC1; p=reject").txt("_dmarc.strict.example", "v=DMARC1; p=reject");
    let large = "0123456789 abcdef\r\n".repeat(100_000);
    let bodies = ["Hello\r\n", "", "\r\n\r\n", "a  b \t\r\n\r\n c \r\n\r\n\r\n", "Gr\u{fc}\u{df}e \r\n.\r\n..x\r\n", &large];
    for (number, body) in bodies.into_iter().enumerate() {
        // Names of its own: the resolver remembers answers.
        let domain = format!("d{number}.them.example");
        dns.txt(&domain, "v=spf1 ip4:127.0.0.1 -all");
        let signed: Value = serde_json::from_str(&peer(&["sign", &domain], message(&domain, "SUBJECT", body).as_bytes())).unwrap();
        for (name, text) in signed["records"].as_object().unwrap() {
            dns.txt(name, text.as_str().unwrap());
        }
        let messages = signed["messages"].as_object().unwrap();
        assert_eq!(messages.len(), 7);
        for (how, text) in messages {
            let text = octets_of(text.as_str().unwrap());
            // Subjects are signed, so they all are the same: each message is the newest.
            assert_eq!(sent(&server, &format!("jo@{domain}"), &text).code, 250, "{how}, {body:.20}");
            let mut imap = Imap::login(&server, server.user(1));
            let count = imap.ok("SELECT INBOX").exists().unwrap();
            imap.ok(&format!("FETCH {count} (UID)"));
            let uid = imap.search_subject("SUBJECT").last().copied().unwrap();
            let kept = imap.body(uid);
            assert!(kept.ends_with(body.as_bytes()), "{how}");
            let results = results(&kept);
            let (dkim, arc, dmarc) = match how.as_str() {
                "arc" => ("pass", "pass", "pass"),
                "arc of a list" => ("none", "pass", "fail"),
                _ => ("pass", "not there", "pass"),
            };
            let found = ["spf", "dkim", "arc", "dmarc"].map(|method| result_of(&results[1..], method));
            let spf = result_of(&results[2..], "spf");
            assert_eq!((spf, found[1], found[2], found[3]), ("pass", dkim, arc, dmarc), "{how}, {body:.20}: {results:?}");
        }
    }
    // Nobody's seal outweighs the author's wish but that of those who are believed.
    let signed: Value = serde_json::from_str(&peer(&["sign", "evil.example"], message("evil.example", "x", "x\r\n").as_bytes())).unwrap();
    for (name, text) in signed["records"].as_object().unwrap() {
        dns.txt(name, text.as_str().unwrap());
    }
    let reply = sent(&server, "x@evil.example", &octets_of(signed["messages"]["arc of a list"].as_str().unwrap()));
    assert!(reply.code == 550 && reply.text.starts_with("5.7.1 strict.example"), "{reply:?}");
}

/// OpenDKIM's tool signs with SHA-1, correctly: RFC 8301 wants that to count for nothing.
#[test]
fn sha_1_proves_nothing_however_well_it_is_made() {
    let (server, dns) = world("");
    dns.txt("open.example", "v=spf1 ip4:127.0.0.1 -all");
    let folder = tempfile::tempdir().unwrap();
    let (key, subject) = (folder.path().join("key.pem"), unique("opendkim"));
    let key = key.to_str().unwrap();
    crate::support::process::run("openssl", &["genrsa", "-traditional", "-out", key, "2048"]).good();
    let public = crate::support::process::run("openssl", &["rsa", "-in", key, "-pubout"]).good();
    let public: String = public.lines().filter(|line| !line.contains(['-', ' '])).collect();
    dns.txt("one._domainkey.open.example", &format!("v=DKIM1; p={public}"));
    let text = message("open.example", &subject, "Hello\r\n");
    let mut command = Command::new("/usr/sbin/opendkim-testmsg");
    command.args(["-C", "-d", "open.example", "-s", "one", "-k", key]);
    let signed = piped(command, text.as_bytes());
    assert!(signed.contains("a=rsa-sha1;"), "{signed}");
    let signed = signed.replace("\r\n", "\n").replace('\n', "\r\n");
    let results = results(&delivered(&server, "jo@open.example", signed.as_bytes(), &subject));
    assert_eq!(result_of(&results, "dkim"), "permerror", "{results:?}");
}

#[test]
fn a_domains_policy_is_obeyed_and_forged_results_go() {
    let (server, dns) = world("");
    dns.txt("evil.example", "v=spf1 ip4:127.0.0.1 -all")
        .txt("_dmarc.strict.example", "v=DMARC1; p=reject")
        .txt("_dmarc.careful.example", "v=DMARC1; p=quarantine");
    let subject = unique("disowned");
    let reply = sent(&server, "x@evil.example", message("strict.example", &subject, "x\r\n").as_bytes());
    assert!(reply.code == 550 && reply.text.starts_with("5.7.1 strict.example asks"), "{reply:?}");

    let forged =
        "Authentication-Results: localhost; dmarc=pass header.from=careful.example\r\nAuthentication-Results: other.example; spf=pass\r\n";
    let text = forged.to_owned() + &message("careful.example", &subject, "x\r\n");
    assert_eq!(sent(&server, "x@evil.example", text.as_bytes()).code, 250);
    let kept = String::from_utf8(found(&server, server.user(1), "Junk", &subject)).unwrap();
    assert!(kept.starts_with("Return-Path: <x@evil.example>\r\nAuthentication-Results: localhost;\r\n\tiprev="), "{kept}");
    assert!(
        kept.matches("Authentication-Results: localhost").count() == 1 && kept.contains("Authentication-Results: other.example"),
        "{kept}"
    );
    assert!(kept.contains("dmarc=fail"), "{kept}");
    let mut imap = Imap::login(&server, server.user(1));
    imap.ok("SELECT INBOX");
    assert!(imap.search_subject(&subject).is_empty());

    // A front server has judged already, and its word stays.
    let mut lmtp = Smtp::connect(&server, "lmtp");
    let again = unique("front");
    let text = forged.to_owned() + &message("strict.example", &again, "x\r\n");
    assert_eq!(lmtp.try_send("x@evil.example", &server.user(1).address, &text).unwrap().code, 250);
    let kept = String::from_utf8(found(&server, server.user(1), "INBOX", &again)).unwrap();
    assert!(kept.contains("Authentication-Results: localhost; dmarc=pass"), "{kept}");
}
