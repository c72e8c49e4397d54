//! What others think of mail: lists, rspamd, and what it learns.

use super::dns::Data;
use super::{FakeDns, found, sent, world};
use crate::support::imap::Imap;
use crate::support::smtp::Smtp;
use crate::support::{Server, eventually, message, unique};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

const THEM: &str = "jo@them.example";

/// An rspamd that judges by the subject and remembers what it was asked.
struct Stub {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Stub {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stub = Self { port: listener.local_addr().unwrap().port(), asked: Arc::default() };
        let asked = stub.asked.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut octets = Vec::new();
                let mut piece = [0; 4096];
                let is_whole = |octets: &[u8]| {
                    let text = String::from_utf8_lossy(octets).into_owned();
                    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
                    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
                    body.len() >= length.parse().unwrap()
                };
                while !is_whole(&octets) {
                    let count = stream.read(&mut piece).unwrap();
                    assert!(count > 0);
                    octets.extend_from_slice(&piece[..count]);
                }
                let text = String::from_utf8_lossy(&octets).into_owned();
                let action =
                    ["reject", "add header", "soft reject"].into_iter().find(|action| text.contains(&format!("Subject: {action}")));
                let json =
                    format!(r#"{{"action":"{}","score":5,"required_score":15,"symbols":{{"TEST":{{}}}}}}"#, action.unwrap_or("no action"));
                asked.lock().unwrap().push(text);
                let _ = stream.write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{json}", json.len()).as_bytes());
            }
        });
        stub
    }

    fn was_asked(&self, path: &str, subject: &str) -> bool {
        self.asked.lock().unwrap().iter().any(|text| text.starts_with(&format!("POST {path} ")) && text.contains(subject))
    }
}

fn reply(server: &Server, subject: &str) -> crate::support::smtp::Reply {
    let forged = "X-Spam-Status: No, score=-99\r\n".to_owned();
    sent(server, THEM, (forged + &message(THEM, &server.user(1).address, subject)).as_bytes())
}

fn rspamd(stub: &Stub) -> (Server, FakeDns) {
    let port = stub.port;
    world(&format!("[spam]\nrspamd = \"127.0.0.1:{port}\"\nrspamd_learn = \"127.0.0.1:{port}\"\nrspamd_password = \"secret\"\n"))
}

#[test]
fn rspamd_judges_and_learns() {
    let stub = Stub::start();
    let (server, _dns) = rspamd(&stub);
    let person = server.user(1);
    let refused = reply(&server, &unique("reject"));
    assert_eq!((refused.code, refused.text.split(' ').next()), (554, Some("5.7.1")), "{refused:?}");
    assert_eq!(reply(&server, &unique("soft reject")).code, 451);

    let (marked, clean) = (unique("add header"), unique("clean"));
    assert_eq!(reply(&server, &marked).code, 250);
    let kept = String::from_utf8(found(&server, person, "Junk", &marked)).unwrap();
    assert!(kept.contains("X-Spam-Status: Yes, score=5.0 required=15.0\r\n\tTEST\r\n") && !kept.contains("-99"), "{kept}");
    assert_eq!(reply(&server, &clean).code, 250);
    let kept = String::from_utf8(found(&server, person, "INBOX", &clean)).unwrap();
    assert!(kept.contains("X-Spam-Status: No, score=5.0") && !kept.contains("-99"), "{kept}");
    // It sees who brings the message, and what was found out about it.
    let asked = stub.asked.lock().unwrap().last().unwrap().clone();
    for expected in [
        "ip: 127.0.0.1\r\n",
        "helo: client.test\r\n",
        &format!("from: {THEM}\r\n"),
        &format!("rcpt: {}\r\n", person.address),
        "Authentication-Results: localhost;",
    ] {
        assert!(asked.contains(expected), "{expected}: {asked}");
    }

    // Who moves mail judges it. A letter to Trash is no judgement.
    let mut imap = Imap::login(&server, person);
    let mut moved = |from: &str, to: &str, subject: &str| {
        imap.ok(&format!("SELECT {from}"));
        let uid = imap.search_subject(subject)[0];
        imap.ok(&format!("UID MOVE {uid} {to}"));
    };
    moved("INBOX", "Junk", &clean);
    eventually("it to learn spam", || stub.was_asked("/learnspam", &clean).then_some(()));
    moved("Junk", "INBOX", &clean);
    eventually("it to learn ham", || stub.was_asked("/learnham", &clean).then_some(()));
    moved("Junk", "Trash", &marked);
    moved("INBOX", "Archive", &clean);
    moved("Archive", "Junk", &clean);
    eventually("the next", || {
        (stub.asked.lock().unwrap().iter().filter(|text| text.starts_with("POST /learnspam ")).count() == 2).then_some(())
    });
    assert!(!stub.was_asked("/learnham", &marked) && !stub.was_asked("/learnspam", &marked));
    assert!(stub.asked.lock().unwrap().iter().filter(|text| text.starts_with("POST /learn")).all(|text| text.contains("password: secret")));
}

#[test]
fn what_cannot_be_asked_holds_up_nobody() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (server, dns) = world(&format!(
        "dns_seconds = 1\n[spam]\nrspamd = \"127.0.0.1:{closed}\"\nwait_seconds = 1\n[[spam.dnsbl]]\nzone = \"dead.example\"\nbecomes = \"refuse\"\n"
    ));
    dns.add("1.0.0.127.dead.example", Data::Silence);
    let subject = unique("taken");
    assert_eq!(reply(&server, &subject).code, 250);
    found(&server, server.user(1), "INBOX", &subject);
    let log = server.log();
    assert!(log.contains("rspamd gives no answer") && log.contains("takes too long"), "{log}");
}

#[test]
fn lists_of_addresses_are_obeyed() {
    for (becomes, code, mailbox) in [("refuse", 554, ""), ("junk", 250, "Junk"), ("note", 250, "INBOX")] {
        let (server, dns) = world(&format!("[[spam.dnsbl]]\nzone = \"list.example\"\nbecomes = \"{becomes}\"\n"));
        // A list that nobody keeps any more, or that does not answer us, lists nobody.
        dns.ip("1.0.0.127.list.example", "192.0.2.80").ip("1.0.0.127.list.example", "127.255.255.254");
        let subject = unique("unlisted");
        assert_eq!(reply(&server, &subject).code, 250);
        found(&server, server.user(1), "INBOX", &subject);
        let (server, dns) = world(&format!("[[spam.dnsbl]]\nzone = \"list.example\"\nbecomes = \"{becomes}\"\n"));
        dns.ip("1.0.0.127.list.example", "127.0.0.2");
        let subject = unique("listed");
        let reply = reply(&server, &subject);
        assert_eq!(reply.code, code, "{reply:?}");
        if code == 250 {
            assert!(
                String::from_utf8(found(&server, server.user(1), mailbox, &subject)).unwrap().contains("X-Spam-Listed: list.example\r\n")
            );
        }
        // A front server of ours is nobody's stranger.
        let again = unique("front");
        let text = message(THEM, &server.user(1).address, &again);
        assert_eq!(Smtp::connect(&server, "lmtp").try_send(THEM, &server.user(1).address, &text).unwrap().code, 250);
        assert!(!String::from_utf8(found(&server, server.user(1), "INBOX", &again)).unwrap().contains("X-Spam"));
    }
}
