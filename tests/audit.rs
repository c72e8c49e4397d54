//! The audit trail as an auditor gets it: shown, walked, exported, and found altered.

use crate::admin::{mint, octroi};
use crate::support::imap::Imap;
use crate::support::process::run;
use crate::support::server::{OCTROI, configured, last_word};
use crate::support::{Server, eventually};
use serde_json::Value;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

/// More than one portion of an export.
const LINES: usize = 2_100;

fn export(server: &Server, after: &str) -> Vec<Value> {
    let said = octroi(server, &["audit", "export", "--after", after]).good();
    said.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}"))).collect()
}

#[test]
fn the_trail_is_shown_walked_and_exported() {
    let server = configured("");
    let person = server.user(1).clone();
    let mut imap = Imap::login(&server, &person);
    imap.ok("SELECT INBOX");
    let (_, id) = mint(&server, &person.address, "imap");
    assert!(Imap::try_login(&server, &person.address, "wrong").is_err());
    eventually("the refusal in the trail", || octroi(&server, &["audit"]).good().contains("refused").then_some(()));

    // Show: all, of one account, and the page before a line.
    let shown = octroi(&server, &["audit", "show", "--lines", "500"]).good();
    assert!(shown.contains("app-password mint") && shown.contains(&id) && shown.contains("log-in"), "{shown}");
    let own = octroi(&server, &["audit", "show", "--account", &person.address]).good();
    assert!(own.lines().count() > 0 && own.lines().all(|line| line.contains(&person.address)), "{own}");
    octroi(&server, &["audit", "show", "--account", "nobody@bench.test"]).bad();
    let number = |line: &str| line.split(' ').next().unwrap().parse::<u64>().unwrap();
    let before = octroi(&server, &["audit", "show", "--before", "4", "--lines", "2"]).good();
    assert_eq!(before.lines().map(number).collect::<Vec<_>>(), [3, 2], "{before}");

    // Verify: the end is printed, and a line of before is found the same.
    let end = last_word(&octroi(&server, &["audit", "verify"]).good());
    mint(&server, &person.address, "imap");
    eventually("the trail to go on", || {
        let said = octroi(&server, &["audit", "verify", "--expect", &end]).good();
        assert!(said.contains("as expected"), "{said}");
        (last_word(&said) != end).then_some(())
    });
    let (at, link) = end.split_once(':').unwrap();
    let at: u64 = at.parse().unwrap();
    let turned = format!("{at}:{}{}", if link.starts_with('0') { "1" } else { "0" }, &link[1..]);
    octroi(&server, &["audit", "verify", "--expect", &turned]).bad();
    octroi(&server, &["audit", "verify", "--expect", &format!("100000:{link}")]).bad();
    octroi(&server, &["audit", "verify", "--expect", "nonsense"]).bad();

    // Export: every line once, in order, the one of before among them.
    let lines = export(&server, "0");
    let numbers: Vec<u64> = lines.iter().map(|line| line["number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
    let line = lines.iter().find(|line| line["number"] == at).unwrap();
    assert_eq!(line["link"], link);
    assert!(lines.iter().any(|line| line["act"] == "app-password mint" && line["subject"].as_str().unwrap().contains(&id)));
    let logged = lines.iter().find(|line| line["who"] == person.address.as_str() && line["act"] == "log-in").unwrap();
    assert!(logged["zone"].as_str().is_some_and(|zone| !zone.is_empty()), "{logged}");
    assert_eq!(export(&server, "2")[0]["number"], 3);
}

/// More than one portion, and from a store that nobody serves.
#[test]
fn a_long_trail_is_exported_without_a_server_too() {
    let mut server = configured("");
    let person = server.user(1).clone();
    let config = server.config().to_owned();
    // An act of administration is one line. By the socket itself: a thousand commands would take too long.
    let act = format!("{{\"do\":\"share\",\"owner\":\"{}\",\"path\":\"mail/INBOX\",\"with\":[]}}\n", person.address);
    for _ in 0..LINES {
        let mut socket = UnixStream::connect(server.data().join("admin.sock")).unwrap();
        socket.write_all(act.as_bytes()).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        assert_eq!(answer.trim(), "\"done\"");
    }
    let end = eventually("all of it in the trail", || {
        let end = last_word(&octroi(&server, &["audit", "verify"]).good());
        (end.split(':').next()?.parse::<usize>().ok()? >= LINES).then_some(end)
    });
    assert!(server.stop());
    let said = run(OCTROI, &["audit", "verify", "--expect", &end, "--config", &config]).good();
    assert!(said.contains("as expected"), "{said}");
    let lines = run(OCTROI, &["audit", "export", "--config", &config]).good();
    let numbers: Vec<u64> = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["number"].as_u64().unwrap()).collect();
    assert!(numbers.len() > LINES);
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
}
