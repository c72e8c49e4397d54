//! Literal memory and MIME bombs: what a thousand hostile connections, and a handful of hostile messages, cost the server.

use crate::support::imap::Imap;
use crate::support::process::run;
use crate::support::server::{DOMAIN, configured};
use crate::support::wire::Wire;
use crate::support::{PATIENCE, Server};
use std::time::{Duration, Instant};

const KIB: usize = 1024;
/// Hostile connections that do not log in; so many have a peer's address each.
const VISITORS: usize = 800;
const VISITORS_PER_PEER: usize = 200;
/// Hostile connections of one account that does.
const MEMBERS: usize = 200;
/// The limits under which all of it happens. Those of time are long, so that nobody leaves before memory is looked at.
const LIMITS: &str = "[limits.connections]\nconnections_per_peer_max = 200\n\
     [limits.gate]\nsessions_per_account_max = 200\nlog_ins_per_minute_max = 10000\n[limits.imap]\nlogin_seconds = 600\n";
/// Octets that a connection may hold before log-in: a command, whose buffer may have doubled; what was read at once; both ends of TLS.
const VISITOR_BYTES: usize = 2 * 16 * KIB + 16 * KIB + 2 * 17 * KIB;
/// After log-in: a larger command.
const MEMBER_BYTES: usize = 2 * 256 * KIB + 64 * KIB + 16 * KIB + 2 * 17 * KIB;
/// What else may grow meanwhile.
const SLACK_BYTES: usize = 32 * KIB * KIB;

/// Resident memory of the server in octets.
fn resident(server: &Server) -> usize {
    let statm = std::fs::read_to_string(format!("/proc/{}/statm", server.id())).unwrap();
    let pages: usize = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4 * KIB
}

/// This process and the server that it will start may have sockets enough.
fn allow_sockets() {
    run("prlimit", &["--pid", &std::process::id().to_string(), "--nofile=4096:"]).good();
}

/// All of them at the same time, by several threads.
fn connect(count: usize, make: impl Fn(usize) -> Wire + Sync) -> Vec<Wire> {
    const THREADS: usize = 4;
    let make = &make;
    std::thread::scope(|scope| {
        let parts = (0..THREADS).map(|part| scope.spawn(move || (part..count).step_by(THREADS).map(make).collect::<Vec<_>>()));
        parts.collect::<Vec<_>>().into_iter().flat_map(|part| part.join().unwrap()).collect()
    })
}

/// Somebody who says as much as is taken before log-in, and never comes to an end.
fn visitor(server: &Server, number: usize) -> Wire {
    let source = format!("127.0.3.{}", 1 + number / VISITORS_PER_PEER);
    let mut wire = Wire::tls_from(&source, server.address("imaps"), server.certificate()).unwrap();
    assert!(wire.line().starts_with("* OK"));
    let said = match number % 3 {
        // Literals up to the limit of a command, the last one not whole.
        0 => format!("a LOGIN {{4096+}}\r\n{0} {{4096+}}\r\n{0} {{4096+}}\r\n{0} {{3000+}}\r\n{1}", "x".repeat(4096), "x".repeat(2999)),
        // A line up to its limit without an end.
        1 => format!("a LOGIN {}", "x".repeat(8 * KIB - 100)),
        // A literal behind a line that is as long.
        _ => format!("a LOGIN {} {{4096+}}\r\n{}", "x".repeat(8 * KIB - 100), "x".repeat(4095)),
    };
    wire.send(said);
    wire
}

/// Somebody who logs in, and then does the same with the larger limits.
fn member(server: &Server, number: usize) -> Wire {
    let source = format!("127.0.4.{}", 1 + number / 100);
    let person = &server.people()[0];
    let mut wire = Wire::tls_from(&source, server.address("imaps"), server.certificate()).unwrap();
    wire.line();
    wire.send(format!("a LOGIN {} {}\r\n", person.address, person.app_password));
    while !wire.line().starts_with("a OK") {}
    let literal = "x".repeat(64 * KIB - 100);
    wire.send(format!(
        "b SEARCH TEXT {{{0}+}}\r\n{literal} TEXT {{{0}+}}\r\n{literal} TEXT {{{0}+}}\r\n{literal} TEXT {{60000+}}\r\n",
        literal.len()
    ));
    wire.send("x".repeat(59_999));
    wire
}

/// They are all still there: nothing was said to them, and nothing was closed.
fn all_wait(wires: &mut [Wire]) {
    for wire in wires {
        wire.set_patience(Duration::from_millis(1));
        let heard = wire.try_line();
        assert!(heard.is_err(), "a hostile connection was let go: {heard:?}");
    }
}

/// Somebody who only wants to read mail.
#[track_caller]
fn honest(server: &Server) {
    let begun = Instant::now();
    let mut imap = Imap::login(server, &server.people()[1]);
    imap.try_append("INBOX", "", b"Subject: honest\r\n\r\nbody\r\n").unwrap();
    imap.ok("SELECT INBOX");
    let uid = *imap.search_subject("honest").last().unwrap();
    assert_eq!(imap.body(uid), b"Subject: honest\r\n\r\nbody\r\n");
    assert!(begun.elapsed() < PATIENCE / 2, "an honest client waited {:?}", begun.elapsed());
}

/// Literal memory (CVE-2024-34055, CVE-2025-61600): a thousand connections hold the most that they may. The server stays within what its
/// configuration adds up to, others are served meanwhile, and what is over a limit of connections is told so.
#[test]
fn a_thousand_hostile_connections() {
    allow_sockets();
    let server = configured(LIMITS);
    honest(&server);
    let before = resident(&server);
    let mut crowd = connect(VISITORS, |number| visitor(&server, number));
    honest(&server);
    let with_visitors = resident(&server).saturating_sub(before);
    crowd.extend(connect(MEMBERS, |number| member(&server, number)));
    honest(&server);
    let with_all = resident(&server).saturating_sub(before);
    all_wait(&mut crowd);
    eprintln!("resident: {before}, for {VISITORS} visitors {with_visitors} more, for {MEMBERS} members too {with_all} more");
    assert!(with_visitors < VISITORS * VISITOR_BYTES + SLACK_BYTES, "{with_visitors} for {VISITORS} visitors");
    assert!(with_all < VISITORS * VISITOR_BYTES + MEMBERS * MEMBER_BYTES + SLACK_BYTES, "{with_all} for all");

    // One more from a peer that has all it may have.
    let mut over = Wire::tls_from("127.0.3.1", server.address("imaps"), server.certificate()).unwrap();
    assert!(over.line().starts_with("* BYE [LIMIT] "));
    // One more of the account. It is no failed log-in, or a client would throw its password away.
    let person = &server.people()[0];
    let refused = Imap::try_login(&server, &person.address, &person.app_password).err().unwrap();
    assert!(refused.starts_with("NO [LIMIT] "), "{refused}");

    // What goes is given back or used again: the same crowd a second time costs nothing.
    drop(crowd);
    let full = resident(&server);
    crate::support::eventually("room for the account", || Imap::try_login(&server, &person.address, &person.app_password).ok());
    let mut crowd = connect(VISITORS, |number| visitor(&server, number));
    honest(&server);
    all_wait(&mut crowd);
    let again = resident(&server).saturating_sub(full);
    assert!(again < SLACK_BYTES, "{again} more for the second crowd");
}

/// A MIME bomb (CVE-2020-12100, CVE-2024-23184, CVE-2026-26312), from APPEND to FETCH: what it is made of is found out once, under limits,
/// and its structure is small whatever it says.
#[test]
fn mime_bombs() {
    let server = configured("");
    let mut imap = Imap::login(&server, &server.people()[0]);
    imap.ok("SELECT INBOX");
    honest(&server);
    let before = resident(&server);
    let nested: String = (0..10_000).map(|n| format!("Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n")).collect();
    let head = "Content-Type: multipart/mixed; boundary=b\r\n\r\n".to_owned();
    let bombs = [
        nested,
        "Content-Type: message/rfc822\r\nSubject: again\r\n\r\n".repeat(10_000),
        head + &"--b\r\n\r\nx\r\n".repeat(1_000_000) + "--b--\r\n",
        "From: ".to_owned() + &"a@b.example,\r\n ".repeat(500_000) + &format!("c@{DOMAIN}\r\n\r\n"),
        "X: y\r\n".repeat(10 * KIB * KIB / 6) + "\r\nbody",
        "Subject: ".to_owned() + &"=?utf-8?Q?".repeat(KIB * KIB) + "\r\n\r\nbody",
    ];
    for (number, bomb) in bombs.iter().enumerate() {
        let begun = Instant::now();
        let put = imap.try_append("INBOX", "", bomb.as_bytes()).unwrap();
        assert!(put.is_ok(), "{number}: {}", put.text());
        let said = imap.ok(&format!("FETCH {} (ENVELOPE BODY BODYSTRUCTURE RFC822.SIZE)", number + 1)).text();
        assert!(said.contains(&format!("RFC822.SIZE {}", bomb.len())), "{number}");
        assert!(said.len() < 4 * KIB * KIB, "{number}: {} octets of structure", said.len());
        for command in ["SEARCH TEXT zzz", "SORT (SUBJECT FROM) UTF-8 ALL", "THREAD REFERENCES UTF-8 ALL"] {
            imap.ok(command);
        }
        assert!(begun.elapsed() < PATIENCE, "{number}: {:?}", begun.elapsed());
        honest(&server);
    }
    let grown = resident(&server).saturating_sub(before);
    let sent: usize = bombs.iter().map(String::len).sum();
    eprintln!("resident: {before}, after bombs of {sent} octets in all {grown} more");
    assert!(grown < 4 * sent + SLACK_BYTES, "{grown} octets more");
}
