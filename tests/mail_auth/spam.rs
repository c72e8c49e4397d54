//! What others think of mail: lists, rspamd, and what it learns.

use super::dns::Data;
use super::{FakeDns, found, sent, world};
use crate::support::imap::Imap;
use crate::support::server::watch;
use crate::support::smtp::Smtp;
use crate::support::{Server, eventually, free_ports, message, unique};
use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// For the real one to start.
const START_MAX: Duration = Duration::from_mins(5);
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
    let [closed] = free_ports();
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

/// Debian's rspamd, in a folder of its own; it ends with the test.
struct Real {
    child: Child,
    _watchdog: Child,
    folder: TempDir,
    judge: u16,
    learn: u16,
}

impl Real {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [judge, learn] = free_ports();
        let at = folder.path().display();
        // Its DNS never answers: only what it finds in the message itself counts.
        let text = format!(
            "options {{ pidfile = \"{at}/pid\"; tempdir = \"{at}\"; filters = \"\"; hs_cache_dir = \"{at}\"; control_socket = \"{at}/control mode=0600\";\n\
             dns {{ nameserver = [\"127.0.0.1:9\"]; timeout = 0.1s; retransmits = 1; }} }}\n\
             logging {{ type = \"console\"; level = \"info\"; }}\nactions {{ reject = 15; add_header = 6; greylist = 4; }}\n\
             worker \"normal\" {{ bind_socket = \"127.0.0.1:{judge}\"; count = 1; }}\n\
             worker \"controller\" {{ bind_socket = \"127.0.0.1:{learn}\"; count = 1; password = \"secret\"; secure_ip = []; }}\n"
        );
        let config = folder.path().join("rspamd.conf");
        std::fs::write(&config, text).unwrap();
        let log = File::create(folder.path().join("log")).unwrap();
        let mut command = Command::new("rspamd");
        command.args(["-f", "--insecure", "-c"]).arg(&config).stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let child = command.spawn().unwrap();
        let watchdog = watch(&child, None);
        let real = Self { child, _watchdog: watchdog, folder, judge, learn };
        // Its first start compiles what it looks for.
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", judge)).is_err() {
            assert!(start.elapsed() < START_MAX, "it does not start: {}", real.log());
            std::thread::sleep(Duration::from_millis(200));
        }
        real
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        // It takes its workers along.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

#[test]
#[ignore = "needs rspamd: ./test --full"]
fn the_real_rspamd_judges_and_learns() {
    const GTUBE: &str = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X";
    let real = Real::start();
    let (server, _dns) = world(&format!(
        "[spam]\nrspamd = \"127.0.0.1:{}\"\nrspamd_learn = \"127.0.0.1:{}\"\nrspamd_password = \"secret\"\nwait_seconds = 60\n",
        real.judge, real.learn
    ));
    let person = server.user(1);
    let (spam, ham) = (unique("gtube"), unique("ham"));
    let refused = sent(&server, THEM, (message(THEM, &person.address, &spam) + GTUBE + "\r\n").as_bytes());
    assert_eq!(refused.code, 554, "{refused:?}: {}", real.log());
    assert_eq!(reply(&server, &ham).code, 250);
    assert!(String::from_utf8(found(&server, person, "INBOX", &ham)).unwrap().contains("X-Spam-Status: No, score="));
    let mut imap = Imap::login(&server, person);
    imap.ok("SELECT INBOX");
    let uid = imap.search_subject(&ham)[0];
    imap.ok(&format!("UID MOVE {uid} Junk"));
    eventually("it to be asked to learn", || {
        real.log().contains("/learnspam").then_some(()).or_else(|| real.log().contains("learned message as spam").then_some(()))
    });
    assert!(!server.log().contains("did not learn"), "{}", server.log());
}
