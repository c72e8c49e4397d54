//! What others are told of their mail and their TLS.

use super::{reports, second_opinion};
use crate::internet::submit;
use crate::support::internet::{Host, Internet, Manner};
use crate::support::process::run;
use crate::support::server::{OCTROI, configured};
use crate::support::smtp::Smtp;
use crate::support::{Server, eventually, message, unique};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

/// Headers and bodies.
type Posted = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

/// A web server that keeps what is posted to it.
fn web(address: SocketAddr, config: Arc<ServerConfig>) -> (u16, Posted) {
    let listener = TcpListener::bind(address).unwrap();
    let port = listener.local_addr().unwrap().port();
    let posted = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&posted);
    std::thread::spawn(move || {
        for tcp in listener.incoming().flatten() {
            let mut stream = BufReader::new(StreamOwned::new(ServerConnection::new(config.clone()).unwrap(), tcp));
            let (mut head, mut length) = (String::new(), 0);
            while !head.ends_with("\r\n\r\n") && stream.read_line(&mut head).unwrap_or(0) > 0 {}
            for line in head.lines() {
                if let Some((name, value)) = line.split_once(": ").filter(|(name, _)| name.eq_ignore_ascii_case("content-length")) {
                    length = value.parse().unwrap_or_else(|_| panic!("{name}"));
                }
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).unwrap();
            stream.get_mut().write_all(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n").unwrap();
            stream.get_mut().flush().unwrap();
            kept.lock().unwrap().push((head, body));
        }
    });
    (port, posted)
}

/// The only report that came to a host, as its octets and as the other side sees it.
fn report(host: &Host, kind: &str, domain: &str) -> (Vec<u8>, Value) {
    let marked = format!("Report Domain: {domain}");
    let received = eventually(&format!("a report about {domain}"), || {
        host.received().into_iter().find(|one| String::from_utf8_lossy(&one.data).replace("\r\n", "").contains(&marked))
    });
    assert_eq!(received.from, "", "from nobody");
    let seen = second_opinion(kind, domain, &received.data);
    (received.data, seen)
}

fn delivered(host: &Host) {
    eventually("a message", || host.received().first().cloned());
}

fn sent(server: &Server, expected: &str) {
    assert_eq!(reports(server, &["send", "--today"]).good().trim(), expected);
}

fn policy_of<'a>(report: &'a Value, kind: &str) -> &'a Value {
    let policies = report["policies"].as_array().unwrap();
    policies.iter().find(|one| one["policy"]["policy-type"] == kind).unwrap_or_else(|| panic!("no {kind} in {report}"))
}

#[test]
fn domains_hear_how_tls_with_their_hosts_went() {
    let internet = Internet::start();
    // Where reports go: its own policy asks for TLS that it does not have, which must not keep them from it.
    let desk = internet.host(Manner::default());
    let enforced = |mx: &str| format!("version: STSv1\r\nmode: enforce\r\nmx: {mx}\r\nmax_age: 86400\r\n");
    internet.zone_with_policy("desk.example", &format!("@ MX 10 mx\nmx A {}", desk.ip()), &enforced("mx.desk.example"));
    let (certificate, _) = internet.certified(&["mta.web.example"]);
    let web_ip = internet.address();
    let (web_port, posted) = web(SocketAddr::from((web_ip, 0)), certificate);
    internet.zone("web.example", &format!("mta A {web_ip}"));
    let url = format!("https://mta.web.example:{web_port}/tlsrpt");
    let rua = |to: &str| format!("_smtp._tls TXT \"v=TLSRPTv1; rua={to}\"");
    let with_policy = |origin: &str, manner: Manner, policy: &str, to: &str| {
        let host = internet.host(manner);
        internet.zone_with_policy(origin, &format!("@ MX 10 mx\nmx A {}\n{}", host.ip(), rua(to)), policy);
        host
    };
    let mail = "mailto:tls@desk.example";
    let good = internet.certified(&["mx.good.example"]).0;
    let good = with_policy("good.example", Manner::tls(good), &enforced("mx.good.example"), mail);
    let testing = enforced("mx.testing.example").replace("enforce", "testing");
    let own = Internet::self_signed(&["mx.testing.example"]).0;
    let tested = with_policy("testing.example", Manner::tls(own), &testing, mail);
    let strict = with_policy("strict.example", Manner::default(), &enforced("mx.strict.example"), mail);
    let clear = internet.host(Manner::default());
    internet.zone("clear.example", &format!("@ MX 10 mx\nmx A {}\n{}", clear.ip(), rua(&url)));
    let silent = internet.domain("silent.example", Manner::default());
    let server = configured(&format!("{}retry = [\"1h\"]\n", internet.settings()));
    run(OCTROI, &["dkim", "generate", "--now", "--config", server.config()]).good();
    for name in ["good", "testing", "strict", "clear", "silent"] {
        submit(&server, &format!("a@{name}.example"), &unique("counted"));
    }
    [&good, &tested, &clear, &silent].into_iter().for_each(delivered);
    eventually("the refusal", || server.log().contains("it offers no TLS").then_some(()));
    assert!(strict.received().is_empty());
    // What cannot be asked now is asked again, and nothing is told twice.
    internet.broken("good.example", true);
    sent(&server, "3 sent, 1 that nobody wants, 1 put off");
    internet.broken("good.example", false);
    sent(&server, "1 sent, 0 that nobody wants, 0 put off");

    let (octets, seen) = report(&desk, "tls", "good.example");
    let sts = policy_of(&seen, "sts");
    assert_eq!(sts["summary"]["total-successful-session-count"], 1);
    assert_eq!((&sts["policy"]["mx-host"][0], &sts["policy"]["policy-string"][1]), (&"mx.good.example".into(), &"mode: enforce".into()));
    let text = String::from_utf8_lossy(&octets).into_owned();
    assert!(text.matches("DKIM-Signature: ").count() == 2 && text.contains("d=bench.test"), "{text}");
    // `testing` hears what would fail, and gets its mail.
    let (_, seen) = report(&desk, "tls", "testing.example");
    let failure = &policy_of(&seen, "sts")["failure-details"][0];
    assert_eq!(
        (&failure["result-type"], &failure["receiving-mx-hostname"]),
        (&"certificate-not-trusted".into(), &"mx.testing.example".into())
    );
    assert!(failure["sending-mta-ip"].as_str().unwrap().starts_with("127.") && failure["receiving-ip"] == tested.ip().to_string());
    let (_, seen) = report(&desk, "tls", "strict.example");
    assert_eq!(policy_of(&seen, "sts")["failure-details"][0]["result-type"], "starttls-not-supported");
    assert_eq!(desk.secured(), 0);

    let (head, body) = eventually("what was posted", || posted.lock().unwrap().first().cloned());
    assert!(
        head.starts_with("POST /tlsrpt HTTP/1.1\r\n") && head.to_lowercase().contains("content-type: application/tlsrpt+gzip"),
        "{head}"
    );
    assert_eq!(body[..2], [0x1f, 0x8b]);
    // The reports themselves are not counted, or desk.example would get one for ever.
    eventually("all of them", || (desk.received().len() == 3).then_some(()));
    sent(&server, "0 sent, 0 that nobody wants, 0 put off");
}

/// What stood between us and a domain's own words is told, too.
#[test]
fn dane_and_policies_that_cannot_be_had_are_told_of() {
    let internet = Internet::start();
    let desk = internet.domain("desk.example", Manner::default());
    let rua = "_smtp._tls TXT \"v=TLSRPTv1; rua=mailto:tls@desk.example\"";
    let (config, shown) = Internet::self_signed(&["whatever.example"]);
    let (_, other) = Internet::self_signed(&["whatever.example"]);
    let dane = |origin: &str, certificate| {
        let host = internet.host(Manner::tls(config.clone()));
        internet.signed_zone(origin, &format!("@ MX 10 mx\nmx A {}\n{}\n{rua}", host.ip(), internet.tlsa("mx", certificate)));
        host
    };
    let (fits, _does_not) = (dane("fits.example", &shown), dane("forged.example", &other));
    let lost = internet.host(Manner::default());
    internet.zone("lost.example", &format!("@ MX 10 mx\nmx A {}\n_mta-sts TXT \"v=STSv1; id=1;\"\n{rua}", lost.ip()));
    let server = configured(&format!("{}retry = [\"1h\"]\n", internet.settings_with_dnssec()));
    for name in ["fits", "forged", "lost"] {
        submit(&server, &format!("a@{name}.example"), &unique("counted"));
    }
    [&fits, &lost].into_iter().for_each(delivered);
    eventually("all attempts", || (server.log().matches("queued message tried").count() >= 3).then_some(()));
    sent(&server, "3 sent, 0 that nobody wants, 0 put off");
    let (_, seen) = report(&desk, "tls", "fits.example");
    let tlsa = policy_of(&seen, "tlsa");
    assert_eq!(tlsa["summary"]["total-successful-session-count"], 1);
    assert!(tlsa["policy"]["policy-string"][0].as_str().unwrap().starts_with("3 0 1 "), "{tlsa}");
    let (_, seen) = report(&desk, "tls", "forged.example");
    assert_eq!(policy_of(&seen, "tlsa")["failure-details"][0]["result-type"], "certificate-not-trusted");
    let (_, seen) = report(&desk, "tls", "lost.example");
    assert_eq!(policy_of(&seen, "sts")["failure-details"][0]["result-type"], "sts-policy-fetch-error");
    assert_eq!(policy_of(&seen, "no-policy-found")["failure-details"][0]["result-type"], "starttls-not-supported");
}

fn from_outside(server: &Server, path: &str, author: &str) -> u16 {
    let mut smtp = Smtp::connect(server, "smtp");
    smtp.try_send(path, &server.user(1).address, &message(author, &server.user(1).address, &unique("counted"))).unwrap().code
}

#[test]
fn domains_hear_who_sends_in_their_name() {
    let internet = Internet::start();
    let (desk, own) = (internet.host(Manner::default()), internet.host(Manner::default()));
    let zone = |host: &Host, more: &str| format!("@ MX 10 mx\nmx A {}\n{more}", host.ip());
    // One domain allows reports about another, and moves them to an address of its own.
    internet.zone("desk.example", &zone(&desk, "them.example._report._dmarc TXT \"v=DMARC1; rua=mailto:moved@desk.example\""));
    let rua = "rua=mailto:d@desk.example,mailto:own@them.example!1k,mailto:own@them.example!10m";
    let policies = format!("@ TXT \"v=spf1 ip4:127.0.0.0/8 -all\"\n_dmarc TXT \"v=DMARC1; p=reject; sp=quarantine; {rua}\"\nsub TXT x");
    internet.zone("them.example", &zone(&own, &policies));
    // A victim that has not asked for anything.
    internet.zone("evil.example", "_dmarc TXT \"v=DMARC1; p=none; rua=mailto:victim@desk.example\"");
    internet.zone("quiet.example", "_dmarc TXT \"v=DMARC1; p=none\"");
    // Somebody sends in our own name: we hear of it as everybody does.
    internet.zone("bench.test", "_dmarc TXT \"v=DMARC1; p=none; rua=mailto:postmaster@bench.test\"");
    let mut server = configured(&format!("[reports]\ndmarc = true\ntls = false\n[inbound]\ntrusted = []\n{}", internet.settings()));
    assert_eq!(from_outside(&server, "a@them.example", "a@them.example"), 250);
    assert_eq!(from_outside(&server, "b@them.example", "b@them.example"), 250);
    assert_eq!(from_outside(&server, "a@quiet.example", "a@them.example"), 550, "forged");
    assert_eq!(from_outside(&server, "a@quiet.example", "a@sub.them.example"), 250, "forged, and put into Junk");
    assert_eq!(from_outside(&server, "a@evil.example", "a@evil.example"), 250);
    assert_eq!(from_outside(&server, "a@quiet.example", "a@quiet.example"), 250);
    assert_eq!(from_outside(&server, "a@quiet.example", "boss@bench.test"), 250);
    // What is counted is there after the next start.
    assert!(server.stop());
    let server = server.killed_and_started_again();
    sent(&server, "2 sent, 1 that nobody wants, 0 put off");
    let ours: Value = serde_json::from_str(&reports(&server, &["--json"]).good()).unwrap();
    let row = &ours["told"]["dmarc"]["rows"][0];
    assert_eq!(
        (&ours["domain"], &row["envelope_from"], &row["spf_aligned"]),
        (&"bench.test".into(), &"quiet.example".into(), &false.into())
    );

    for host in [&desk, &own] {
        let (_, seen) = report(host, "dmarc", "them.example");
        let published = &seen["policy_published"][0];
        assert_eq!((&published["p"][0], &published["sp"][0]), (&"reject".into(), &"quarantine".into()));
        let mut lines: Vec<String> = Vec::new();
        for record in seen["record"].as_array().unwrap() {
            let row = &record["row"][0];
            let evaluated = &row["policy_evaluated"][0];
            let (from, path) = (&record["identifiers"][0]["header_from"][0], &record["identifiers"][0]["envelope_from"][0]);
            let words = [from, path, &row["source_ip"][0], &row["count"][0], &evaluated["disposition"][0], &evaluated["spf"][0]];
            lines.push(words.iter().map(|word| word.as_str().unwrap()).collect::<Vec<_>>().join(" "));
        }
        lines.sort();
        assert_eq!(
            lines,
            [
                "sub.them.example quiet.example 127.0.0.1 1 quarantine fail",
                "them.example quiet.example 127.0.0.1 1 reject fail",
                "them.example them.example 127.0.0.1 2 pass pass",
            ]
        );
    }
    let to: Vec<String> = desk.received().into_iter().chain(own.received()).flat_map(|one| one.to).collect();
    assert_eq!(to, ["moved@desk.example", "own@them.example"], "not to the victim, and not where it is too large");
    sent(&server, "0 sent, 0 that nobody wants, 0 put off");
}
