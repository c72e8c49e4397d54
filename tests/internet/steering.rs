//! `octroi queue`, reports that were asked for, and later delivery.

use super::{bounce, submission, submit};
use crate::support::imap::Imap;
use crate::support::internet::{Internet, Manner};
use crate::support::process::run;
use crate::support::server::{OCTROI, configured};
use crate::support::{Server, eventually, message, unique};
use serde_json::Value;

fn queue(server: &Server, arguments: &[&str]) -> String {
    run(OCTROI, &[&["queue"], arguments, &["--config", server.config()]].concat()).good()
}

fn listed(server: &Server) -> Vec<Value> {
    queue(server, &["list", "--json"]).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn the_queue_is_shown_and_steered() {
    let internet = Internet::start();
    internet.zone("b.example", &format!("@ MX 10 mx\nmx A {}", internet.address()));
    let server = configured(&internet.settings());
    for _ in 0..3 {
        submit(&server, "a@b.example", &unique("steered"));
    }
    let all = eventually("an attempt", || {
        let all = listed(&server);
        all.iter().any(|one| one["recipients"][0]["last_error"] != "").then_some(all)
    });
    let ids: Vec<String> = all.iter().map(|one| one["id"].to_string()).collect();
    assert_eq!(ids.len(), 3);
    assert!(queue(&server, &["show", &ids[0]]).contains("a@b.example"));
    assert_eq!(queue(&server, &["hold", &ids[0]]).trim(), "1 message");
    assert_eq!(queue(&server, &["drop", &ids[1]]).trim(), "1 message");
    assert_eq!(listed(&server).iter().map(|one| one["held"] == true).collect::<Vec<_>>(), [true, false]);
    // The host is there now.
    let host = internet.domain("b.example", Manner::default());
    std::thread::sleep(std::time::Duration::from_secs(2));
    assert_eq!(queue(&server, &["retry", "--domain", "B.example"]).trim(), "2 messages");
    eventually("what is not held", || (host.received().len() == 1).then_some(()));
    eventually("what is held to be alone", || (listed(&server).len() == 1).then_some(()));
    assert_eq!(queue(&server, &["release", "--all"]).trim(), "1 message");
    eventually("what was held", || (host.received().len() == 2).then_some(()));
    eventually("the queue to be empty", || listed(&server).is_empty().then_some(()));
    assert!(!run(OCTROI, &["queue", "drop", &ids[1], "--config", server.config()]).ok);
    let trail = run(OCTROI, &["audit", "--config", server.config()]).good();
    for act in ["queue hold", "queue drop", "queue retry", "queue release"] {
        assert!(trail.contains(act), "{act} is missing in {trail}");
    }
}

#[test]
fn reports_are_sent_as_they_were_asked_for() {
    let internet = Internet::start();
    let plain = internet.domain("plain.example", Manner::default());
    let aware = internet.domain("aware.example", Manner::default().offering("DSN"));
    let server = configured(&internet.settings());
    let (from, other) = (server.user(1), server.user(2));
    let mut smtp = submission(&server, from);
    smtp.expect(&format!("MAIL FROM:<{}> RET=HDRS ENVID=Q+2B1", from.address), 250);
    smtp.expect("RCPT TO:<a@plain.example> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;orig+2B@plain.example", 250);
    smtp.expect("RCPT TO:<a@aware.example> NOTIFY=SUCCESS", 250);
    smtp.expect(&format!("RCPT TO:<{}> NOTIFY=SUCCESS", other.address), 250);
    smtp.expect("DATA", 354);
    smtp.wire.send(format!("{}.\r\n", message(&from.address, "a@plain.example", "asked")).as_bytes());
    assert_eq!(smtp.reply().unwrap().code, 250);
    eventually("both", || (plain.received().len() == 1 && aware.received().len() == 1).then_some(()));
    // Passed on to who knows what it means, told to the sender of who does not.
    assert!(aware.lines().iter().any(|line| line.contains(" RET=HDRS ENVID=Q+2B1")), "{:?}", aware.lines());
    assert!(aware.lines().iter().any(|line| line == "RCPT TO:<a@aware.example> NOTIFY=SUCCESS"), "{:?}", aware.lines());
    let told = bounce(&server, "passed");
    for part in ["Action: relayed", "Original-Envelope-Id: Q+1", "Original-Recipient: rfc822; orig+@plain.example"] {
        assert!(told.contains(part), "{part} is missing in {told}");
    }
    let arrived = bounce(&server, &other.address);
    assert!(arrived.contains("Action: delivered"), "{arrived}");
}

#[test]
fn a_delay_is_told_of_and_never_to_nobody() {
    let internet = Internet::start();
    let _host = internet.domain("b.example", Manner::says("RCPT", "451 4.2.0 not today\r\n"));
    let server = configured(&format!("{}retry = [\"1s\"]\ndelay_notice = \"2s\"\n", internet.settings()));
    submit(&server, "a@b.example", &unique("delayed"));
    let told = bounce(&server, "a@b.example");
    assert!(told.contains("Action: delayed") && told.contains("not today") && told.contains("Will-Retry-Until: "), "{told}");
    std::thread::sleep(std::time::Duration::from_secs(5));
    let mut imap = Imap::login(&server, server.user(1));
    assert!(imap.ok("SELECT INBOX").text().contains("* 1 EXISTS"), "told once");
}

/// RFC 4865, also for who is one of us.
#[test]
fn a_message_is_held_until_its_time() {
    let internet = Internet::start();
    let host = internet.domain("b.example", Manner::default());
    let server = configured(&internet.settings());
    let (from, other) = (server.user(1), server.user(2));
    let mut smtp = submission(&server, from);
    smtp.expect(&format!("MAIL FROM:<{}> HOLDFOR=4", from.address), 250);
    smtp.expect("RCPT TO:<a@b.example>", 250);
    smtp.expect(&format!("RCPT TO:<{}>", other.address), 250);
    smtp.expect("DATA", 354);
    let subject = unique("held");
    smtp.wire.send(format!("{}.\r\n", message(&from.address, "a@b.example", &subject)).as_bytes());
    assert_eq!(smtp.reply().unwrap().code, 250);
    let start = std::time::Instant::now();
    let mut imap = Imap::login(&server, other);
    assert!(host.received().is_empty() && imap.ok("SELECT INBOX").text().contains("* 0 EXISTS"));
    eventually("it to leave", || (host.received().len() == 1).then_some(()));
    assert!(start.elapsed() > std::time::Duration::from_secs(2));
    eventually("it to arrive here", || {
        imap.ok("SELECT INBOX");
        (imap.search_subject(&subject).len() == 1).then_some(())
    });
    smtp.expect(&format!("MAIL FROM:<{}> HOLDFOR=99999999", from.address), 501);
}
