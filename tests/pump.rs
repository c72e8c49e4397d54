//! A mail server elsewhere that never gives up, and this one killed again and again: each message that was answered with 250 is in every
//! mailbox that it was for at least once, and twice only where the answer was lost.

use crate::admin::octroi;
use crate::support::imap::Imap;
use crate::support::server::DOMAIN;
use crate::support::smtp::Smtp;
use crate::support::{Person, Server, message, unique};
use std::collections::BTreeMap;
use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// How often it is killed in `./test`, and in `./test --full`.
const KILLS: u64 = 4;
const KILLS_FULL: u64 = 40;
/// Connections of the sender.
const SENDERS: usize = 4;

/// What the sender knows of one message.
#[derive(Default)]
struct Sent {
    /// It was answered with 250.
    acknowledged: bool,
    /// Times that the whole of it was on its way and no answer came.
    unanswered: usize,
}

/// Send one message until it is taken.
fn pump_one(address: &Mutex<String>, stop: &AtomicBool, to: &str, subject: &str) -> Sent {
    let mut sent = Sent::default();
    while !stop.load(Ordering::Relaxed) && !sent.acknowledged {
        let now = address.lock().unwrap().clone();
        if now.is_empty() {
            thread::sleep(Duration::from_millis(20));
            continue;
        }
        let mut on_its_way = false;
        match attempt(&now, to, subject, &mut on_its_way) {
            Ok(250) => sent.acknowledged = true,
            // Somebody else's server may have got the port of one that was killed; it knows no such address.
            Ok(_) if *address.lock().unwrap() != now => {}
            Ok(code) => assert!((400..500).contains(&code), "{subject} was refused with {code}"),
            Err(_) => {
                sent.unanswered += usize::from(on_its_way);
                thread::sleep(Duration::from_millis(20));
            }
        }
    }
    sent
}

fn attempt(address: &str, to: &str, subject: &str, on_its_way: &mut bool) -> io::Result<u16> {
    let mut smtp = Smtp::try_connect(address, false)?;
    for command in ["MAIL FROM:<pump@outside.test>".to_owned(), format!("RCPT TO:<{to}>"), "DATA".to_owned()] {
        let code = smtp.try_command(&command)?.code;
        if code >= 400 {
            return Ok(code);
        }
    }
    *on_its_way = true;
    smtp.wire.try_send(format!("{}.\r\n", message("pump@outside.test", to, subject)).as_bytes())?;
    Ok(smtp.reply()?.code)
}

/// How often each subject is there.
fn subjects(server: &Server, person: &Person) -> BTreeMap<String, usize> {
    let mut imap = Imap::login(server, person);
    imap.ok("SELECT INBOX");
    let mut counts = BTreeMap::new();
    for line in imap.ok("UID FETCH 1:* (BODY.PEEK[HEADER.FIELDS (SUBJECT)])").lines() {
        if let Some(subject) = line.split("Subject: ").nth(1).and_then(|rest| rest.split("\r\n").next()) {
            *counts.entry(subject.to_owned()).or_default() += 1;
        }
    }
    counts
}

struct StopWhenDropped<'a>(&'a AtomicBool);

impl Drop for StopWhenDropped<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn pump(kills: u64) {
    let folder = tempfile::Builder::new().prefix("octroi-pump-").tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::demo_on(&data);
    let both = format!("{}@{DOMAIN}", unique("both"));
    octroi(&server, &["alias", "add", &both, &format!("u1@{DOMAIN}"), &format!("u2@{DOMAIN}")]).good();
    let address = Mutex::new(server.address("smtp").to_owned());
    let stop = AtomicBool::new(false);
    let mut sent: BTreeMap<String, Sent> = BTreeMap::new();
    let server = thread::scope(|scope| {
        let senders: Vec<_> = (0..SENDERS)
            .map(|_| {
                scope.spawn(|| {
                    let mut sent = Vec::new();
                    while !stop.load(Ordering::Relaxed) {
                        let subject = unique("pump");
                        let outcome = pump_one(&address, &stop, &both, &subject);
                        sent.push((subject, outcome));
                    }
                    sent
                })
            })
            .collect();
        // Whatever becomes of this thread, the senders end.
        let _stop = StopWhenDropped(&stop);
        let mut server = Some(server);
        for kill in 0..kills {
            // Odd lengths, so that the kill meets another moment each time.
            thread::sleep(Duration::from_millis(400 + kill * 217 % 700));
            address.lock().unwrap().clear();
            // Dropping it waits until it is gone: the next one needs the folder.
            server.take().unwrap().kill();
            let started = Server::demo_on(&data);
            started.address("smtp").clone_into(&mut address.lock().unwrap());
            server = Some(started);
        }
        thread::sleep(Duration::from_millis(500));
        stop.store(true, Ordering::Relaxed);
        sent.extend(senders.into_iter().flat_map(|sender| sender.join().unwrap()));
        server.unwrap()
    });
    let acknowledged = sent.values().filter(|sent| sent.acknowledged).count();
    let mut doubled = 0;
    for number in 1..=2 {
        let there = subjects(&server, server.user(number));
        for (subject, sent) in &sent {
            let count = there.get(subject).copied().unwrap_or_default();
            assert!(count > 0 || !sent.acknowledged, "u{number}: {subject} was acknowledged and is lost");
            let most = usize::from(sent.acknowledged) + sent.unanswered;
            assert!(count <= most, "u{number}: {subject} is there {count} times, and {most} attempts could have been taken");
            doubled += usize::from(count > 1);
        }
    }
    eprintln!("{kills} kills, {acknowledged} messages acknowledged, {doubled} there twice because the answer was lost");
    // A server that takes nothing would pass all of the above.
    assert!(acknowledged as u64 > kills, "only {acknowledged} messages were taken");
}

#[test]
fn what_was_answered_is_delivered() {
    pump(KILLS);
}

#[test]
#[ignore = "takes minutes: ./test --full"]
fn what_was_answered_is_delivered_many_times() {
    pump(KILLS_FULL);
}
