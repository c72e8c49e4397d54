//! Mail for other domains, in a fake internet on loopback: MX records, hosts that are dead, busy, slow or hostile.

mod arrivals;
mod crash;
mod peers;
mod protection;
mod smarthost;
mod steering;

use crate::support::imap::Imap;
use crate::support::internet::{Internet, Manner, Say};
use crate::support::server::configured;
use crate::support::smtp::Smtp;
use crate::support::wire::Wire;
use crate::support::{Person, Server, eventually, message, unique};

pub(crate) fn submission(server: &Server, from: &Person) -> Smtp {
    let mut smtp = Smtp { wire: Wire::tls(server.address("submissions"), server.certificate()) };
    smtp.reply().unwrap();
    smtp.expect("EHLO client.test", 250);
    let plain = crate::support::http::base64(format!("\0{}\0{}", from.address, from.app_password).as_bytes());
    smtp.expect(&format!("AUTH PLAIN {plain}"), 235);
    smtp
}

pub(crate) fn submit(server: &Server, to: &str, subject: &str) {
    let from = server.user(1);
    let reply = submission(server, from).try_send(&from.address, to, &message(&from.address, to, subject)).unwrap();
    assert_eq!(reply.code, 250, "{}", reply.text);
}

#[test]
fn mail_goes_to_the_first_host_that_can_be_reached() {
    let internet = Internet::start();
    let (first, second) = (internet.host(Manner::default()), internet.host(Manner::default()));
    // Nobody listens at the best one.
    let records =
        format!("@ MX 5 dead\n@ MX 20 two\n@ MX 10 one\ndead A {}\none A {}\ntwo A {}", internet.address(), first.ip(), second.ip());
    internet.zone("b.example", &records);
    let server = configured(&internet.settings());
    let subject = unique("mx");
    submit(&server, "someone@b.example", &subject);
    let received = eventually("a message at the second best host", || first.received().first().cloned());
    assert!(String::from_utf8_lossy(&received.data).contains(&subject));
    assert!(second.received().is_empty());
}

/// What our author is told, once they are.
pub(crate) fn bounce(server: &Server, about: &str) -> String {
    let mut imap = Imap::login(server, server.user(1));
    eventually("a bounce", || {
        imap.ok("SELECT INBOX");
        let reply = imap.ok(&format!("UID SEARCH BODY {about}"));
        let uid = reply.lines().iter().find_map(|l| l.strip_prefix("* SEARCH ")?.split(' ').next()?.parse().ok())?;
        Some(String::from_utf8_lossy(&imap.body(uid)).into_owned())
    })
}

#[test]
fn who_takes_no_mail_is_told_of_at_once() {
    let internet = Internet::start();
    internet.zone("null.example", "@ MX 0 .");
    internet.zone("empty.example", "@ MX 10 nowhere");
    let _host = internet.domain("choosy.example", Manner::says("RCPT TO:<NOBODY", "550 5.1.1 nobody here\r\n"));
    let server = configured(&internet.settings());
    for (to, told) in
        [("a@null.example", "5.1.10"), ("a@empty.example", "5.4.4"), ("a@missing.example", "5.1.2"), ("nobody@choosy.example", "5.1.1")]
    {
        submit(&server, to, &unique("refused"));
        let bounce = bounce(&server, to);
        assert!(bounce.contains(&format!("Status: {told}")), "{to}: {bounce}");
    }
}

/// What cannot be known now, or is put off, stays in the queue and says so in the log.
#[test]
fn trouble_of_now_is_no_refusal() {
    let internet = Internet::start();
    internet.zone("broken.example", "@ MX 10 mx");
    internet.broken("broken.example", true);
    let hung = internet.domain("hung.example", Manner::by(|line| line.starts_with("MAIL").then_some(Say::Hang)));
    let grey = internet.domain("grey.example", Manner::says("RCPT", "451 4.7.1 greylisted\r\n"));
    let server = configured(&internet.settings());
    for domain in ["broken", "hung", "grey"] {
        submit(&server, &format!("a@{domain}.example"), &unique("put-off"));
    }
    eventually("all to be tried", || (server.log().matches("queued message tried").count() >= 2 && hung.connections() > 0).then_some(()));
    assert!(server.log().contains("greylisted") && grey.received().is_empty());
}

/// Several messages over one connection, and not many connections to one destination.
#[test]
fn connections_are_used_again() {
    let internet = Internet::start();
    let host = internet.domain("b.example", Manner::default().offering("CHUNKING"));
    let server = configured(&internet.settings());
    let from = server.user(1);
    let mut smtp = submission(&server, from);
    for number in 0..30 {
        let reply = smtp.try_send(&from.address, "a@b.example", &message(&from.address, "a@b.example", &format!("n{number}"))).unwrap();
        assert_eq!(reply.code, 250, "{}", reply.text);
    }
    eventually("all of them", || (host.received().len() == 30).then_some(()));
    assert!(host.connections() <= 12 && host.most_open() <= 10, "{} connections, {} at once", host.connections(), host.most_open());
    assert!(host.lines().iter().any(|line| line.starts_with("BDAT ")));
}

/// One destination that says nothing must hold up neither another message nor another recipient of the same.
#[test]
fn a_slow_destination_holds_up_nobody_else() {
    let internet = Internet::start();
    let slow = internet.domain("slow.example", Manner::by(|line| line.is_empty().then_some(Say::Hang)));
    let quick = internet.domain("quick.example", Manner::default());
    let late = internet.domain("late.example", Manner::by(|line| (line == ".").then_some(Say::Late(std::time::Duration::from_secs(1)))));
    let server = configured(&internet.settings());
    let from = server.user(1);
    let mut smtp = submission(&server, from);
    for number in 0..20 {
        smtp.expect(&format!("MAIL FROM:<{}>", from.address), 250);
        smtp.expect("RCPT TO:<a@slow.example>", 250);
        smtp.expect("RCPT TO:<a@quick.example>", 250);
        smtp.expect("RCPT TO:<a@late.example>", 250);
        smtp.expect("DATA", 354);
        smtp.wire.send(format!("{}.\r\n", message(&from.address, "a@quick.example", &format!("n{number}"))).as_bytes());
        assert_eq!(smtp.reply().unwrap().code, 250);
    }
    eventually("all of the quick ones", || (quick.received().len() == 20).then_some(()));
    eventually("all of the late ones", || (late.received().len() == 20).then_some(()));
    assert!(slow.most_open() <= 10 && slow.received().is_empty());
}

/// What a host puts off is tried again, by itself.
#[test]
fn greylisting_is_waited_for() {
    let internet = Internet::start();
    let seen = std::sync::atomic::AtomicUsize::new(0);
    let host = internet.domain(
        "grey.example",
        Manner::by(move |line| {
            let first = line.starts_with("RCPT TO:<B@") && seen.fetch_add(1, std::sync::atomic::Ordering::AcqRel) == 0;
            first.then_some(Say::This("451 4.7.1 come again\r\n"))
        }),
    );
    let server = configured(&format!("{}retry = [\"2s\"]\n", internet.settings()));
    let from = server.user(1);
    let mut smtp = submission(&server, from);
    smtp.expect(&format!("MAIL FROM:<{}>", from.address), 250);
    smtp.expect("RCPT TO:<a@grey.example>", 250);
    smtp.expect("RCPT TO:<b@grey.example>", 250);
    smtp.expect("DATA", 354);
    smtp.wire.send(format!("{}.\r\n", message(&from.address, "a@grey.example", "grey")).as_bytes());
    assert_eq!(smtp.reply().unwrap().code, 250);
    let received = eventually("both", || Some(host.received()).filter(|all| all.len() == 2));
    assert_eq!(
        (received[0].to.as_slice(), received[1].to.as_slice()),
        (&["a@grey.example".to_owned()][..], &["b@grey.example".to_owned()][..])
    );
}
