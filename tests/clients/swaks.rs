//! swaks, the Swiss army knife for SMTP: submission with an app password, mail from outside, and LMTP.

use crate::support::imap::Imap;
use crate::support::process::{Ran, run};
use crate::support::{Person, Server, eventually, shared, unique};

/// Run swaks against `service`, with `more` arguments.
fn swaks(server: &Server, service: &str, from: &str, to: &str, subject: &str, more: &[&str]) -> Ran {
    let address = format!("localhost:{}", server.port(service));
    let header = format!("Subject: {subject}");
    let mut arguments =
        vec!["--server", &address, "--from", from, "--to", to, "--header", &header, "--body", "Sent by swaks.", "--helo", "client.test"];
    arguments.extend_from_slice(more);
    run("swaks", &arguments)
}

/// The message is in the INBOX.
fn arrived(server: &Server, person: &Person, subject: &str) -> String {
    let mut imap = Imap::login(server, person);
    let uid = eventually(subject, || {
        imap.ok("SELECT INBOX");
        imap.search_subject(subject).first().copied()
    });
    String::from_utf8(imap.body(uid)).unwrap()
}

#[test]
fn submits_over_starttls_and_over_implicit_tls() {
    let server = shared();
    let (from, to) = (server.user(1), server.user(2));
    let certificate = server.certificate().to_str().unwrap();
    for (service, tls) in [("submission", "--tls"), ("submissions", "--tls-on-connect")] {
        let subject = unique("submitted");
        let log = [
            tls,
            "--tls-verify",
            "--tls-ca-path",
            certificate,
            "--auth",
            "PLAIN",
            "--auth-user",
            &from.address,
            "--auth-password",
            &from.app_password,
        ];
        let said = swaks(server, service, &from.address, &to.address, &subject, &log).good();
        assert!(said.contains("235 2.7.0") && said.contains("250 2.0.0"), "{said}");
        let text = arrived(server, to, &subject);
        assert!(text.contains("Sent by swaks.") && text.contains("Received: "), "{text}");
    }
}

#[test]
fn the_people_of_the_demo_can_write_to_one_another() {
    let server = shared();
    let (lead, agent) = (server.with_profile("team-lead"), server.with_profile("agent"));
    let subject = unique("from-the-lead");
    let log = ["--tls-on-connect", "--auth", "LOGIN,PLAIN", "--auth-user", &lead.address, "--auth-password", &lead.app_password];
    swaks(server, "submissions", &lead.address, &agent.address, &subject, &log).good();
    assert!(arrived(server, agent, &subject).contains(&format!("Subject: {subject}")));
}

#[test]
fn a_wrong_secret_submits_nothing() {
    let server = shared();
    let from = server.user(1);
    let wrong = ["--tls", "--auth", "PLAIN", "--auth-user", &from.address, "--auth-password", "wrong-secret"];
    let said = swaks(server, "submission", &from.address, &from.address, &unique("wrong"), &wrong).bad();
    assert!(said.contains("535 5.7.8"), "{said}");
    let said = swaks(server, "submission", &from.address, &from.address, &unique("none"), &["--tls"]).bad();
    assert!(said.contains("530 5.7.0"), "{said}");
}

#[test]
fn mail_from_outside_reaches_who_is_here_and_nobody_else() {
    let server = shared();
    let to = server.user(3);
    let subject = unique("outside");
    swaks(server, "smtp", "someone@outside.test", &to.address, &subject, &[]).good();
    assert!(arrived(server, to, &subject).starts_with("Return-Path: <someone@outside.test>"));
    let subject = unique("outside-tls");
    swaks(server, "smtp", "someone@outside.test", &to.address, &subject, &["--tls"]).good();
    arrived(server, to, &subject);

    let unknown = format!("nobody-here@{}", crate::support::server::DOMAIN);
    let said = swaks(server, "smtp", "someone@outside.test", &unknown, "x", &[]).bad();
    assert!(said.contains("<** 550 5.1.1"), "{said}");
    let said = swaks(server, "smtp", "someone@outside.test", "victim@elsewhere.test", "x", &[]).bad();
    assert!(said.contains("<** 550 5.7.1"), "{said}");
}

#[test]
fn a_front_server_delivers_over_lmtp() {
    let server = shared();
    let (one, two) = (server.user(3), server.user(4));
    let subject = unique("lmtp");
    let to = format!("{},{}", one.address, two.address);
    swaks(server, "lmtp", "someone@outside.test", &to, &subject, &["--protocol", "LMTP"]).good();
    arrived(server, one, &subject);
    arrived(server, two, &subject);
}
