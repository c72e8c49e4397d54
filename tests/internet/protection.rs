//! TLS between servers: opportunistic, MTA-STS, DANE, REQUIRETLS; and hosts that put words into each other's mouths.

use super::{submission, submit};
use crate::support::internet::{Host, Internet, Manner, Say};
use crate::support::server::configured;
use crate::support::{Server, eventually, message, unique};

const RETRY: &str = "retry = [\"1s\"]\n";

fn arrives(host: &Host, secured: bool) {
    eventually("a message", || host.received().first().cloned());
    eventually("it to be counted", || (host.secured() == usize::from(secured)).then_some(()));
}

/// Tried and put off, and nothing of it told.
fn stays(server: &Server, host: &Host, why: &str) {
    eventually("an attempt", || (server.log().matches("queued message tried").count() > 0 && server.log().contains(why)).then_some(()));
    assert!(host.received().is_empty() && !host.lines().iter().any(|line| line.starts_with("MAIL")));
}

#[test]
fn tls_is_taken_whoever_vouches_for_it_and_done_without_where_it_fails() {
    let internet = Internet::start();
    let (own, _) = Internet::self_signed(&["something.else"]);
    let host = internet.domain("own.example", Manner::tls(own.clone()));
    let refusing = Manner { whim: Manner::says("STARTTLS", "454 4.7.0 not now\r\n").whim, ..Manner::tls(own) };
    let clear = internet.domain("clear.example", refusing);
    let server = configured(&internet.settings());
    submit(&server, "a@own.example", &unique("own"));
    submit(&server, "a@clear.example", &unique("clear"));
    arrives(&host, true);
    arrives(&clear, false);
}

/// CVE-2021-38371.
#[test]
fn replies_before_the_handshake_are_believed_by_nobody() {
    let internet = Internet::start();
    let (own, _) = Internet::self_signed(&["mx.b.example"]);
    let injecting = Manner { whim: Manner::says("STARTTLS", "220 go\r\n250 mx\r\n").whim, ..Manner::tls(own) };
    let host = internet.domain("b.example", injecting);
    let server = configured(&internet.settings());
    submit(&server, "a@b.example", &unique("injected"));
    stays(&server, &host, "stood before the TLS handshake");
}

#[test]
fn an_endless_reply_is_cut_off() {
    let internet = Internet::start();
    let long: &'static str = "250-mx\r\n".repeat(1000).leak();
    let host = internet.domain("b.example", Manner::by(move |line| line.starts_with("EHLO").then_some(Say::This(long))));
    let server = configured(&internet.settings());
    submit(&server, "a@b.example", &unique("endless"));
    stays(&server, &host, "a reply without end");
}

#[test]
fn a_policy_by_mta_sts_is_kept_to() {
    let internet = Internet::start();
    let policy = |mx: &str| format!("version: STSv1\r\nmode: enforce\r\nmx: {mx}\r\nmax_age: 86400\r\n");
    let domain = |origin: &str, config, patterns: &str| {
        let host = internet.host(Manner { tls: config, ..Manner::default() });
        internet.zone_with_policy(origin, &format!("@ MX 10 mx\nmx A {}", host.ip()), &policy(patterns));
        host
    };
    let good = domain("good.example", Some(internet.certified(&["mx.good.example"]).0), "mx.good.example");
    let wild = domain("wild.example", Some(internet.certified(&["mx.wild.example"]).0), "*.wild.example");
    let wrong_name = domain("name.example", Some(internet.certified(&["mx.other.example"]).0), "mx.name.example");
    let nobody = domain("own.example", Some(Internet::self_signed(&["mx.own.example"]).0), "mx.own.example");
    let clear = domain("clear.example", None, "mx.clear.example");
    let another = domain("another.example", Some(internet.certified(&["mx.another.example"]).0), "mx2.another.example");
    let server = configured(&format!("{}{RETRY}", internet.settings()));
    for name in ["good", "wild", "name", "own", "clear", "another"] {
        submit(&server, &format!("a@{name}.example"), &unique("sts"));
    }
    arrives(&good, true);
    arrives(&wild, true);
    stays(&server, &clear, "it offers no TLS");
    stays(&server, &another, "is no host of the domain by its MTA-STS policy");
    for host in [wrong_name, nobody] {
        stays(&server, &host, "certificate");
    }
}

/// Whoever stands between and takes the record away does not take the policy away.
#[test]
fn a_policy_outlives_its_record_and_a_restart() {
    let internet = Internet::start();
    let host = internet.host(Manner::tls(internet.certified(&["mx.b.example"]).0));
    let records = format!("@ MX 10 mx\nmx A {}", host.ip());
    internet.zone_with_policy("b.example", &records, "version: STSv1\nmode: enforce\nmx: mx.b.example\nmax_age: 86400\n");
    let server = configured(&format!("{}{RETRY}", internet.settings()));
    submit(&server, "a@b.example", &unique("first"));
    arrives(&host, true);
    let server = server.killed_and_started_again();
    let liar = internet.host(Manner::default());
    internet.zone("b.example", &format!("@ MX 10 mx\nmx A {}", liar.ip()));
    std::thread::sleep(std::time::Duration::from_secs(2));
    submit(&server, "a@b.example", &unique("second"));
    stays(&server, &liar, "it offers no TLS");
}

#[test]
fn dane_is_kept_to_and_a_forged_zone_is_nobody() {
    let internet = Internet::start();
    let domain = |origin: &str, fits: bool, offers: bool| {
        let (config, shown) = Internet::self_signed(&["whatever.example"]);
        let (_, other) = Internet::self_signed(&["whatever.example"]);
        let host = internet.host(Manner { tls: offers.then_some(config), ..Manner::default() });
        let tlsa = internet.tlsa("mx", if fits { &shown } else { &other });
        (host.ip(), format!("@ MX 10 mx\nmx A {}\n{tlsa}", host.ip()), origin.to_owned(), host)
    };
    let (_, records, origin, good) = domain("good.example", true, true);
    internet.signed_zone(&origin, &records);
    let (_, records, origin, bad) = domain("bad.example", false, true);
    internet.signed_zone(&origin, &records);
    let (_, records, origin, stripped) = domain("stripped.example", true, false);
    internet.signed_zone(&origin, &records);
    let (_, records, origin, forged) = domain("forged.example", true, true);
    internet.bogus_zone(&origin, &records);
    // Without signatures what it says of certificates counts for nothing.
    let (_, records, origin, plain) = domain("plain.example", false, true);
    internet.zone(&origin, &records);
    let server = configured(&format!("{}{RETRY}", internet.settings_with_dnssec()));
    for name in ["good", "bad", "stripped", "forged", "plain"] {
        submit(&server, &format!("a@{name}.example"), &unique("dane"));
    }
    arrives(&good, true);
    arrives(&plain, true);
    stays(&server, &bad, "certificate");
    stays(&server, &stripped, "it offers no TLS");
    stays(&server, &forged, "451 4.4.3 forged.example");
    assert_eq!(forged.connections(), 0);
}

/// RFC 7672 section 3.1.2: a record for the domain's own authority, which the host shows behind its certificate.
#[test]
fn an_authority_of_the_domains_own_vouches_for_its_hosts() {
    let internet = Internet::start();
    let domain = |origin: &str, config| {
        let host = internet.host(Manner::tls(config));
        internet.signed_zone(origin, &format!("@ MX 10 mx\nmx A {}\n{}", host.ip(), internet.tlsa_of_authority("mx")));
        host
    };
    let good = domain("good.example", internet.chained(&["mx.good.example"]));
    let name = domain("name.example", internet.chained(&["mx.other.example"]));
    let alone = domain("alone.example", internet.certified(&["mx.alone.example"]).0);
    let another = domain("another.example", Internet::start().chained(&["mx.another.example"]));
    let server = configured(&format!("{}{RETRY}", internet.settings_with_dnssec()));
    for name in ["good", "name", "alone", "another"] {
        submit(&server, &format!("a@{name}.example"), &unique("dane-ta"));
    }
    arrives(&good, true);
    for host in [name, alone, another] {
        eventually("an attempt", || (host.connections() > 0).then_some(()));
        stays(&server, &host, "certificate");
    }
}

/// RFC 8461 section 5: what a policy that is being tested would keep back arrives; `reports` holds what its domain is told.
#[test]
fn a_policy_that_is_being_tested_keeps_nothing_back() {
    let internet = Internet::start();
    let domain = |name: &str, config, mx: &str| {
        let host = internet.host(Manner { tls: config, ..Manner::default() });
        let policy = format!("version: STSv1\nmode: testing\nmx: {mx}.{name}.example\nmax_age: 86400\n");
        internet.zone_with_policy(&format!("{name}.example"), &format!("@ MX 10 mx\nmx A {}", host.ip()), &policy);
        host
    };
    let good = domain("good", Some(internet.certified(&["mx.good.example"]).0), "mx");
    let own = domain("own", Some(Internet::self_signed(&["mx.own.example"]).0), "mx");
    let clear = domain("clear", None, "mx");
    let unlisted = domain("unlisted", Some(internet.certified(&["mx.unlisted.example"]).0), "other");
    let server = configured(&format!("{}{RETRY}", internet.settings()));
    for name in ["good", "own", "clear", "unlisted"] {
        submit(&server, &format!("a@{name}.example"), &unique("testing"));
    }
    for (host, secured) in [(&good, true), (&own, true), (&clear, false), (&unlisted, true)] {
        arrives(host, secured);
    }
}

/// RFC 8689: over authenticated TLS from host to host, or back to the sender.
#[test]
fn what_must_be_secret_is_sent_to_who_keeps_it_so() {
    let internet = Internet::start();
    let domain = |origin: &str, aware: bool, proven: bool| {
        let (config, shown) = Internet::self_signed(&["whatever.example"]);
        let manner = Manner::tls(config);
        let host = internet.host(if aware { manner.offering("REQUIRETLS") } else { manner });
        let records = format!("@ MX 10 mx\nmx A {}\n{}", host.ip(), internet.tlsa("mx", &shown));
        if proven {
            internet.signed_zone(origin, &records);
        } else {
            internet.zone(origin, &records);
        }
        host
    };
    let good = domain("good.example", true, true);
    let ignorant = domain("ignorant.example", false, true);
    let unproven = domain("unproven.example", true, false);
    let server = configured(&internet.settings_with_dnssec());
    let from = server.user(1);
    let mut smtp = submission(&server, from);
    for name in ["good", "ignorant", "unproven"] {
        let to = format!("a@{name}.example");
        smtp.expect(&format!("MAIL FROM:<{}> REQUIRETLS", from.address), 250);
        smtp.expect(&format!("RCPT TO:<{to}>"), 250);
        smtp.expect("DATA", 354);
        smtp.wire.send(format!("{}.\r\n", message(&from.address, &to, &unique("secret"))).as_bytes());
        assert_eq!(smtp.reply().unwrap().code, 250);
    }
    arrives(&good, true);
    assert!(good.lines().iter().any(|line| line.starts_with("MAIL") && line.ends_with(" REQUIRETLS")), "{:?}", good.lines());
    for name in ["ignorant", "unproven"] {
        let told = super::bounce(&server, &format!("a@{name}.example"));
        assert!(told.contains("Status: 5.7.30"), "{told}");
    }
    assert!(ignorant.received().is_empty() && unproven.received().is_empty());
}

/// RFC 8689 section 3: who says that a message may be read on its way has it arrive also where TLS is broken; and nobody else's goes along.
#[test]
fn what_may_be_read_on_its_way_arrives_whatever_the_policy_says() {
    let internet = Internet::start();
    let host = internet.host(Manner::default());
    let policy = "version: STSv1\nmode: enforce\nmx: mx.b.example\nmax_age: 86400\n";
    internet.zone_with_policy("b.example", &format!("@ MX 10 mx\nmx A {}", host.ip()), policy);
    let server = configured(&format!("{}{RETRY}", internet.settings()));
    let (from, to) = (server.user(1), "a@b.example");
    let (open, secret) = (unique("open"), unique("secret"));
    let mut smtp = submission(&server, from);
    let text = format!("TLS-Required: No\r\n{}", message(&from.address, to, &open));
    assert_eq!(smtp.try_send(&from.address, to, &text).unwrap().code, 250);
    assert_eq!(smtp.try_send(&from.address, to, &message(&from.address, to, &secret)).unwrap().code, 250);
    arrives(&host, false);
    eventually("an attempt at the other", || server.log().contains("it offers no TLS").then_some(()));
    let received = host.received();
    assert!(received.len() == 1 && String::from_utf8_lossy(&received[0].data).contains(&open), "{received:?}");
}
