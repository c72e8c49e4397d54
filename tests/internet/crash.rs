//! `kill -9` while mail leaves: what was acknowledged arrives, whatever the moment, and hardly anything twice.

use super::submission;
use crate::support::internet::{Host, Internet, Manner};
use crate::support::server::configured;
use crate::support::{Server, eventually, message, unique};
use std::collections::HashMap;
use std::thread;
use std::time::Duration;

/// Rounds that `./test` makes, and `./test --full`.
const ROUNDS: u64 = 4;
const ROUNDS_FULL: u64 = 40;
/// Messages that can be under way to one destination, each of which a crash may double.
const UNDER_WAY: usize = 10;

#[test]
fn nothing_is_lost_by_a_crash() {
    kill_again_and_again(ROUNDS);
}

#[test]
#[ignore = "slow: ./test --full"]
fn nothing_is_lost_by_many_crashes() {
    kill_again_and_again(ROUNDS_FULL);
}

fn kill_again_and_again(rounds: u64) {
    let internet = Internet::start();
    let (one, two) =
        (internet.domain("one.example", Manner::default()), internet.domain("two.example", Manner::default().offering("CHUNKING")));
    let mut server = configured(&internet.settings());
    let mut acknowledged = Vec::new();
    for round in 0..rounds {
        acknowledged.extend(load_and_kill(&server, Duration::from_millis(200 + round * 311 % 900)));
        server = server.killed_and_started_again();
    }
    assert!(acknowledged.len() > rounds as usize * 5, "only {} messages were taken", acknowledged.len());
    for (host, name) in [(&one, "one"), (&two, "two")] {
        let expected: Vec<&String> = acknowledged.iter().filter(|(to, _)| *to == name).map(|(_, subject)| subject).collect();
        eventually("everything that was acknowledged", || {
            let counts = counted(host);
            expected.iter().all(|subject| counts.contains_key(*subject)).then_some(())
        });
        let counts = counted(host);
        let doubled: usize = expected.iter().map(|subject| counts[*subject] - 1).sum();
        assert!(doubled <= rounds as usize * UNDER_WAY, "{doubled} of {} came more than once", expected.len());
    }
}

/// Submit until the server is gone; what it has acknowledged.
fn load_and_kill(server: &Server, pause: Duration) -> Vec<(&'static str, String)> {
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let from = server.user(1);
            let mut smtp = submission(server, from);
            let mut acknowledged = Vec::new();
            for name in ["one", "two"].into_iter().cycle() {
                let (subject, to) = (unique("crash"), format!("a@{name}.example"));
                match smtp.try_send(&from.address, &to, &message(&from.address, &to, &subject)) {
                    Ok(reply) if reply.code == 250 => acknowledged.push((name, subject)),
                    _ => break,
                }
            }
            acknowledged
        });
        thread::sleep(pause);
        server.kill();
        writer.join().unwrap()
    })
}

/// How often each subject came.
fn counted(host: &Host) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    for received in host.received() {
        let text = String::from_utf8_lossy(&received.data).into_owned();
        if let Some(subject) = text.lines().find_map(|line| line.strip_prefix("Subject: ")) {
            *counts.entry(subject.to_owned()).or_default() += 1;
        }
    }
    counts
}
