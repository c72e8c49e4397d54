//! Mail to other domains leaves through the queue: to a sink on loopback that stands for the rest of the world.

use crate::support::imap::Imap;
use crate::support::process::run;
use crate::support::server::{OCTROI, configured};
use crate::support::sink::{Mood, Received, Sink};
use crate::support::smtp::Smtp;
use crate::support::wire::Wire;
use crate::support::{Person, Server, eventually, message, unique};
use std::time::Duration;

fn smarthost(port: u16) -> String {
    format!("[outbound]\nsmarthost = \"127.0.0.1:{port}\"\n")
}

/// A server whose mail for other domains all goes to the sink.
fn with_sink(mood: Mood) -> (Server, Sink) {
    let sink = Sink::start(mood);
    let server = configured(&smarthost(sink.port()));
    (server, sink)
}

fn submit(server: &Server, from: &Person, to: &str, text: &str) {
    let mut smtp = Smtp { wire: Wire::tls(server.address("submissions"), server.certificate()) };
    smtp.reply().unwrap();
    smtp.expect("EHLO client.test", 250);
    let plain = crate::support::http::base64(format!("\0{}\0{}", from.address, from.app_password).as_bytes());
    smtp.expect(&format!("AUTH PLAIN {plain}"), 235);
    let reply = smtp.try_send(&from.address, to, text).unwrap();
    assert_eq!(reply.code, 250, "{}", reply.text);
}

fn first(sink: &Sink) -> Received {
    eventually("a message in the sink", || sink.received().first().cloned())
}

#[test]
fn a_message_to_another_domain_leaves() {
    let (server, sink) = with_sink(Mood::Kind);
    let from = server.user(1);
    let subject = unique("leaves");
    let text = format!("{}.a line with a dot\r\n..two\r\n", message(&from.address, "someone@elsewhere.test", &subject));
    let address = format!("localhost:{}", server.port("submissions"));
    let header = format!("Subject: {subject}");
    let arguments = ["--server", &address, "--tls-on-connect", "--auth-user", &from.address, "--auth-password", &from.app_password];
    let more = ["--from", &from.address, "--to", "someone@elsewhere.test", "--header", &header, "--body", "By swaks."];
    run("swaks", &[&arguments[..], &more[..]].concat()).good();
    let received = first(&sink);
    assert_eq!((received.from.as_str(), received.to.as_slice()), (from.address.as_str(), &["someone@elsewhere.test".to_owned()][..]));
    assert!(String::from_utf8_lossy(&received.data).contains(&header));

    submit(&server, from, "someone@elsewhere.test", &text.replace("\r\n.", "\r\n.."));
    let received = eventually("the second message", || sink.received().get(1).cloned());
    let data = String::from_utf8(received.data).unwrap();
    // Every leading dot is stuffed, and no CR or LF stands alone: nobody can take a line of ours for the end of data.
    assert!(data.contains("\r\n..a line with a dot\r\n...two\r\n"), "{data:?}");
    assert!(!data.replace("\r\n", "").contains(['\r', '\n']), "{data:?}");
}

#[test]
fn a_refused_message_comes_back_as_a_bounce() {
    let (server, sink) = with_sink(Mood::Unwilling);
    let from = server.user(1);
    let subject = unique("bounced");
    submit(&server, from, "someone@elsewhere.test", &message(&from.address, "someone@elsewhere.test", &subject));
    let mut imap = Imap::login(&server, from);
    let bounce = eventually("a bounce", || {
        imap.ok("SELECT INBOX");
        let reply = imap.ok("UID SEARCH BODY someone@elsewhere.test");
        let uid = reply.lines().iter().find_map(|l| l.strip_prefix("* SEARCH ")?.split(' ').next()?.parse().ok())?;
        Some(String::from_utf8_lossy(&imap.body(uid)).into_owned())
    });
    // RFC 3464: a report that programs can read, from nobody, so that it cannot bounce itself.
    for part in [
        "Return-Path: <>",
        "multipart/report",
        "message/delivery-status",
        "Final-Recipient: rfc822; someone@elsewhere.test",
        "5.1.1",
        "never heard of",
        &subject,
    ] {
        assert!(bounce.to_lowercase().contains(&part.to_lowercase()), "{part} is missing in:\n{bounce}");
    }
    assert!(sink.received().is_empty());
}

/// What was queued when the server was killed still leaves after the next start, and what a busy peer put off is tried again.
#[test]
fn the_queue_outlives_a_crash() {
    let sink = Sink::start(Mood::BusyAtFirst);
    let server = configured(&smarthost(sink.port()));
    let from = server.user(1).clone();
    let subject = unique("survivor");
    submit(&server, &from, "someone@elsewhere.test", &message(&from.address, "someone@elsewhere.test", &subject));
    eventually("the first attempt", || (!sink.is_busy()).then_some(()));
    // Long enough for the outcome of the attempt to be written down; if it is not, the message leaves later, which is no loss.
    std::thread::sleep(Duration::from_millis(500));
    let mut server = server.killed_and_started_again();
    // The second attempt comes a minute after the first.
    let received = std::iter::repeat_with(|| {
        std::thread::sleep(Duration::from_millis(500));
        sink.received().first().cloned()
    });
    let received = received.take(400).flatten().next().expect("the message leaves after the restart");
    assert!(String::from_utf8_lossy(&received.data).contains(&subject));
    let config = server.config().to_owned();
    assert!(server.stop());
    run(OCTROI, &["check", "--config", &config]).good();
}
