//! What other servers are told of mail that arrives: reports that they asked for (RFC 3461), and a member of a group who has no room.

use crate::support::internet::{Host, Internet, Manner};
use crate::support::process::run;
use crate::support::server::{DOMAIN, OCTROI, configured};
use crate::support::smtp::Smtp;
use crate::support::{Server, eventually, message, unique};

const AUTHOR: &str = "author@b.example";

fn octroi(server: &Server, arguments: &[&str]) {
    run(OCTROI, &[arguments, &["--config", server.config()]].concat()).good();
}

/// From the author, with these parameters of MAIL and for these recipients with theirs.
fn sent(server: &Server, parameters: &str, to: &[&str], subject: &str, bytes: usize) {
    let mut smtp = Smtp::connect(server, "smtp");
    smtp.expect(&format!("MAIL FROM:<{AUTHOR}> {parameters}"), 250);
    for to in to {
        let (address, parameters) = to.split_once(' ').unwrap_or((to, ""));
        smtp.expect(&format!("RCPT TO:<{address}> {parameters}"), 250);
    }
    smtp.expect("DATA", 354);
    let line = format!("{}\r\n", "x".repeat(70));
    let text = message(AUTHOR, DOMAIN, subject) + &line.repeat(bytes / line.len());
    smtp.wire.send(format!("{text}.\r\n").as_bytes());
    assert_eq!(smtp.reply().unwrap().code, 250);
}

/// The report about that to the author.
fn told(host: &Host, about: &str) -> String {
    eventually("a report", || {
        let all = host.received().into_iter().filter(|message| message.from.is_empty() && message.to == [AUTHOR]);
        all.map(|message| String::from_utf8_lossy(&message.data).into_owned()).find(|text| text.contains(about))
    })
}

#[test]
fn another_server_is_told_that_its_message_arrived_if_it_asked() {
    let internet = Internet::start();
    let host = internet.domain("b.example", Manner::default());
    let away = internet.domain("away.example", Manner::default().offering("DSN"));
    let server = configured(&internet.settings());
    let (one, forwarded, both) = (&server.user(1).address, format!("forwarded@{DOMAIN}"), format!("both@{DOMAIN}"));
    octroi(&server, &["alias", "add", &forwarded, "them@away.example", "--outside"]);
    octroi(&server, &["alias", "add", &both, one, "others@away.example", "--outside"]);
    let subject = unique("arrived");
    let to = [
        format!("{one} NOTIFY=SUCCESS ORCPT=rfc822;first+2B1@b.example"),
        format!("{} NOTIFY=FAILURE", server.user(2).address),
        format!("{forwarded} NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;second@b.example"),
        format!("{both} NOTIFY=SUCCESS"),
    ];
    sent(&server, "RET=HDRS ENVID=Q1", &to.iter().map(String::as_str).collect::<Vec<_>>(), &subject, 0);
    let delivered = told(&host, "Action: delivered");
    for part in ["Original-Recipient: rfc822; first+1@b.example", "Original-Envelope-Id: Q1", &format!("Final-Recipient: rfc822; {one}")] {
        assert!(delivered.contains(part), "{part} is missing in {delivered}");
    }
    assert!(delivered.contains(&subject) && !delivered.contains(&server.user(2).address), "{delivered}");
    let expanded = told(&host, "Action: expanded");
    assert!(expanded.contains(&both) && !expanded.contains("away.example"), "{expanded}");
    // What goes on takes along what was asked for; of several each tells of failures only.
    eventually("both to be forwarded", || away.received().iter().any(|message| message.to.len() == 2).then_some(()));
    let lines = away.lines();
    let has = |line: &str| lines.iter().any(|one| one == line);
    assert!(has("RCPT TO:<them@away.example> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;second@b.example"), "{lines:?}");
    assert!(has("RCPT TO:<others@away.example> NOTIFY=NEVER"), "{lines:?}");
    assert!(lines.iter().any(|line| line.starts_with("MAIL FROM:<SRS0=") && line.ends_with(" RET=HDRS ENVID=Q1")), "{lines:?}");
    // Nothing to nobody.
    let mut smtp = Smtp::connect(&server, "smtp");
    smtp.expect("MAIL FROM:<>", 250);
    smtp.expect(&format!("RCPT TO:<{one}> NOTIFY=SUCCESS"), 250);
    smtp.expect("DATA", 354);
    smtp.wire.send(format!("{}.\r\n", message("", one, &unique("null"))).as_bytes());
    assert_eq!(smtp.reply().unwrap().code, 250);
    assert_eq!(host.received().len(), 2);
}

#[test]
fn of_a_full_mailbox_behind_a_group_the_sender_is_told_under_the_groups_name() {
    let internet = Internet::start();
    let host = internet.domain("b.example", Manner::default());
    let server = configured(&internet.settings());
    let (roomy, full, team) = (&server.user(1).address, &server.user(2).address, format!("team@{DOMAIN}"));
    octroi(&server, &["group", "add", "team"]);
    for member in [roomy, full] {
        octroi(&server, &["group", "join", "team", member]);
    }
    octroi(&server, &["group", "address", "team", &team]);
    octroi(&server, &["quota", "set", full, "20K"]);
    let subject = unique("team");
    sent(&server, "", &[&team], &subject, 40_000);
    let report = told(&host, "Action: failed");
    for part in [&format!("Final-Recipient: rfc822; {team}"), "Status: 5.2.2", &subject] {
        assert!(report.contains(part), "{part} is missing in {report}");
    }
    assert!(!report.contains(full) && !report.contains(roomy), "{report}");
    let mut imap = crate::support::imap::Imap::login(&server, server.user(1));
    imap.ok("SELECT INBOX");
    assert_eq!(imap.search_subject(&subject).len(), 1);
    // Whoever asked to be told of nothing is told of nothing.
    sent(&server, "", &[&format!("{team} NOTIFY=NEVER")], &unique("never"), 40_000);
    assert_eq!(host.received().len(), 1);
}
