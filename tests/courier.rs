//! Notices in people's own mailboxes, of what happened over the protocols.

use crate::support::imap::Imap;
use crate::support::process::run;
use crate::support::{Person, Server, eventually};

/// The newest notice with that in its subject, its soft line breaks taken out.
fn notice(server: &Server, person: &Person, subject: &str) -> String {
    let mut imap = Imap::login(server, person);
    eventually("a notice", || {
        imap.ok("SELECT INBOX");
        let uid = *imap.search_subject(subject).last()?;
        Some(String::from_utf8_lossy(&imap.body(uid)).replace("=\r\n", ""))
    })
}

fn complete(text: &str, parts: &[&str]) {
    let always = ["Auto-Submitted: auto-generated", "Return-Path: <>", "postmaster@douane.example", "Quand : ", "When: ", "/portal/"];
    for part in always.iter().chain(parts) {
        assert!(text.contains(part), "{part} is missing in:\n{text}");
    }
}

/// From a network that was not confirmed: the owner reads of it at the office.
#[test]
fn a_log_in_that_waits_is_told() {
    let server = Server::demo();
    let operator = server.with_profile("operator");
    let user = format!("{}:{}", operator.address, operator.app_password);
    let (certificate, url) = (server.certificate().to_str().unwrap(), server.url(&operator.files));
    let resolve = format!("localhost:{}:127.0.0.1", server.port("https"));
    let from = ["--silent", "--cacert", certificate, "--interface", "127.1.0.9", "--resolve", &resolve, "--user", &user];
    let asked = ["--user-agent", "Phone/1.0", "-X", "PROPFIND", "-H", "Depth: 0", "--write-out", "%{http_code}", &url];
    let status = run("curl", &[&from[..], &asked[..]].concat()).good();
    assert!(status.ends_with("503"), "{status}");
    let text = notice(&server, operator, "A log-in waits for you");
    complete(&text, &["127.1.0.9", "Phone/1.0", "demo", "files", "confirm the device"]);
    assert!(!text.contains(&operator.app_password));
}

/// Five wrong codes lock the factor, and its owner hears of it.
#[test]
fn a_locked_factor_is_told() {
    let server = Server::demo();
    let agent = server.with_profile("agent");
    for guess in 0..5 {
        // At the office the code is not asked for, so the log-in opens all the same; the guess counts.
        let _ = Imap::try_login(&server, &agent.address, &format!("{} {:06}", agent.app_password, 100_000 + guess));
    }
    let text = notice(&server, agent, "Second factor locked");
    complete(&text, &["authenticator app", "Locked until"]);
}
