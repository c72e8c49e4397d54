//! Signatures of our own, and the records that go with them.

use super::dns::Data;
use super::{DOMAIN, FakeDns, found, octets_of, octroi, peer, submitted, world};
use crate::support::process::run;
use crate::support::sink::{Mood, Sink};
use crate::support::smtp::Smtp;
use crate::support::{Server, eventually, message, unique};
use serde_json::Value;
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;

/// The records of all keys, as `octroi dkim show` lists them.
fn records(server: &Server) -> BTreeMap<String, String> {
    let said = octroi(server, &["dkim", "show"]).good();
    let line = |line: &str| line.strip_prefix("  ")?.split_once('\t').map(|(name, text)| (format!("{name}.{DOMAIN}"), text.to_owned()));
    said.lines().filter_map(line).collect()
}

/// The other implementation finds both signatures good; the message as it is kept.
fn verified(server: &Server, subject: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("records.json");
    std::fs::write(&file, serde_json::to_string(&records(server)).unwrap()).unwrap();
    let kept = found(server, server.user(2), "INBOX", subject);
    let said = peer(&["verify", file.to_str().unwrap()], &kept);
    assert!(said.contains("2 signatures verified"), "{said}");
    kept
}

/// By an alias and by a filter: the other implementation finds the chain whole, and in it what we noted; a chain that was there goes on.
#[test]
fn what_is_forwarded_is_sealed() {
    let sink = Sink::start(Mood::Kind);
    let (server, dns) = world(&format!("[outbound]\nsmarthost = \"127.0.0.1:{}\"\n", sink.port()));
    octroi(&server, &["dkim", "generate", "--now"]).good();
    let alias = format!("away@{DOMAIN}");
    octroi(&server, &["alias", "add", &alias, "alias@elsewhere.example", "--outside"]).good();
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("main.sieve");
    std::fs::write(&script, "redirect \"filter@elsewhere.example\";\n").unwrap();
    let person = &server.user(1).address;
    octroi(&server, &["sieve", "put", person, "main", script.to_str().unwrap()]).good();
    octroi(&server, &["sieve", "activate", person, "main"]).good();

    dns.txt("them.example", "v=spf1 ip4:127.0.0.1 -all");
    let large = "0123456789  abcdef \r\n".repeat(100_000);
    let text = |subject: &str, body: &str| {
        format!("From: Jo <jo@them.example>\r\nTo: {person}\r\nSubject: {subject}\r\nMessage-ID: <{subject}@them.example>\r\n\r\n{body}")
    };
    let signed: Value = serde_json::from_str(&peer(&["sign", "them.example"], text("chain", "x\r\n").as_bytes())).unwrap();
    let mut known = records(&server);
    for (name, record) in signed["records"].as_object().unwrap() {
        dns.txt(name, record.as_str().unwrap());
        known.insert(name.clone(), record.as_str().unwrap().to_owned());
    }
    let file = folder.path().join("records.json");
    std::fs::write(&file, serde_json::to_string(&known).unwrap()).unwrap();
    let chained = String::from_utf8(octets_of(signed["messages"]["arc"].as_str().unwrap())).unwrap();
    for (message, sets) in [(text("plain", "Hello\r\n\r\n"), 1), (text("large", &large), 1), (text("none", ""), 1), (chained, 2)] {
        for (to, expected) in [(&alias, "alias@"), (person, "filter@")] {
            let before = sink.received().len();
            let mut smtp = Smtp::connect(&server, "smtp");
            assert_eq!(smtp.try_send("jo@them.example", to, &message).unwrap().code, 250);
            let came = eventually("it to leave", || sink.received().get(before).cloned());
            assert!(came.to[0].starts_with(expected), "{:?}", came.to);
            let kept = String::from_utf8_lossy(&came.data).into_owned();
            let said = peer(&["arc", file.to_str().unwrap()], &came.data);
            assert!(said.starts_with(&format!("pass {sets} ")), "{said}: {kept:.4000}");
            assert!(
                kept.contains(&format!("ARC-Authentication-Results: i={sets}; localhost;")) && kept.contains("spf=pass"),
                "{kept:.4000}"
            );
        }
    }
}

#[test]
fn what_our_people_send_is_signed() {
    let (server, _dns) = world("");
    let people = [server.user(1).address.clone(), server.user(2).address.clone()];
    let unsigned = unique("unsigned");
    assert_eq!(submitted(&server, &message(&people[0], &people[1], &unsigned)), 250);
    assert!(!String::from_utf8_lossy(&found(&server, server.user(2), "INBOX", &unsigned)).contains("DKIM-Signature"));

    octroi(&server, &["dkim", "generate", "--now"]).good();
    let mode = std::fs::metadata(server.data().join("dkim.keys")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let large = "0123456789  abcdef \r\n".repeat(150_000);
    for body in ["Hello\r\n", "", "\r\n\r\n", "a  b \t\r\n\r\n c \r\n\r\n\r\n", "Gr\u{fc}\u{df}e \r\n.\r\n..x\r\n", &large] {
        let subject = unique("signed");
        let header = message(&people[0], &people[1], &subject);
        let header = header.split_once("\r\n\r\n").unwrap().0.replace("Subject: ", "X-Folded: a\r\n\tb\r\nSubject:  ");
        assert_eq!(submitted(&server, &format!("{header}\r\n\r\n{body}")), 250);
        let kept = verified(&server, &subject);
        assert!(kept.starts_with(b"DKIM-Signature: ") && kept.ends_with(body.as_bytes()), "{body:.20}");
    }
    // A field that lacks is added, and what is added is signed.
    let subject = unique("incomplete");
    assert_eq!(submitted(&server, &format!("From: {}\r\nSubject: {subject}\r\n\r\nx\r\n", people[0])), 250);
    verified(&server, &subject);
}

/// RFC 8461 section 3.2.
#[test]
fn other_servers_are_told_of_tls_when_the_administrator_says_so() {
    let policy = |server: &Server| {
        let url = server.url("/.well-known/mta-sts.txt");
        run("curl", &["-s", "-w", "\n%{http_code} %{content_type}", "--cacert", server.certificate().to_str().unwrap(), &url]).good()
    };
    let (server, _dns) = world("");
    assert!(policy(&server).ends_with("\n404 "));
    let (server, _dns) = world("mta_sts = \"enforce\"\n");
    let expected = "version: STSv1\r\nmode: enforce\r\nmx: localhost\r\nmax_age: 1209600\r\n\n200 text/plain; charset=utf-8";
    assert_eq!(policy(&server), expected);
    let zone = octroi(&server, &["dns"]).good();
    assert!(zone.contains("_mta-sts.bench.test.\tTXT\t\"v=STSv1; id="), "{zone}");
}

#[test]
fn keys_are_changed_when_their_records_are_seen() {
    let (server, dns) = world("");
    let people = [server.user(1).address.clone(), server.user(2).address.clone()];
    let publish = |dns: &FakeDns| {
        for (name, text) in records(&server) {
            dns.clear(&name).txt(&name, &text);
        }
    };
    octroi(&server, &["dkim", "generate"]).good();
    assert!(octroi(&server, &["dkim", "generate"]).bad().contains("new keys already"));
    let said = octroi(&server, &["dkim", "rotate"]).bad();
    assert!(said.contains("missing") && said.contains("--now"), "{said}");

    // What is there is told, and what is missing; new keys sign when theirs are there.
    let said = octroi(&server, &["check", "--dns"]).bad();
    assert!(said.contains(&format!("missing  {DOMAIN}. MX")) && said.contains("the DNS is not as it should be"), "{said}");
    publish(&dns);
    dns.add(DOMAIN, Data::Mx(10, "localhost".to_owned()))
        .txt(DOMAIN, "v=spf1 mx -all")
        .txt(&format!("_dmarc.{DOMAIN}"), "v=DMARC1; p=quarantine")
        .ip("localhost", "127.0.0.1");
    let said = octroi(&server, &["check", "--dns"]).good();
    assert!(said.contains("they sign from now on") && said.contains("the DNS is sound"), "{said}");
    let first = unique("first");
    assert_eq!(submitted(&server, &message(&people[0], &people[1], &first)), 250);
    let before = verified(&server, &first);

    // A second pair, in two steps; the first stays listed for what is under way.
    octroi(&server, &["dkim", "rotate"]).good();
    assert!(octroi(&server, &["dkim", "rotate"]).bad().contains("not all there yet"));
    publish(&dns);
    assert!(octroi(&server, &["dkim", "rotate"]).good().contains("signed until"));
    assert_eq!(records(&server).len(), 4);
    let second = unique("second");
    assert_eq!(submitted(&server, &message(&people[0], &people[1], &second)), 250);
    let after = verified(&server, &second);
    let selector = |kept: &[u8]| String::from_utf8_lossy(kept).split("s=r").nth(1).unwrap().split(';').next().unwrap().to_owned();
    assert_ne!(selector(&before), selector(&after));
    verified(&server, &first);

    // They are there after a restart, and a zone file names all of them.
    let server = server.killed_and_started_again();
    let third = unique("third");
    assert_eq!(submitted(&server, &message(&people[0], &people[1], &third)), 250);
    verified(&server, &third);
    let zone = octroi(&server, &["dns"]).good();
    for (name, text) in records(&server) {
        let key = zone.lines().find(|line| line.starts_with(&format!("{name}.\tTXT"))).unwrap_or_else(|| panic!("{name}: {zone}"));
        assert_eq!(key.split('"').skip(1).step_by(2).collect::<String>(), text);
    }
    assert!(zone.contains(&format!("{DOMAIN}.\tMX\t10 localhost.")) && zone.contains("_25._tcp.localhost.\tTLSA\t3 1 1 "), "{zone}");
}
