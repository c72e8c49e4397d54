//! One-time codes: replayed, raced, guessed.

use super::{Member, PROFILES, member};
use crate::support::Server;
use crate::support::http::base64;
use crate::support::prepared::prepared;
use crate::support::wire::Wire;
use octroi_gate::code_at;
use octroi_model::UnixTime;
use std::sync::Barrier;

/// Where no code is asked for.
const OFFICE: &str = "127.0.0.9";
/// Log-ins at the same moment.
const AT_ONCE: usize = 64;

/// How a log-in ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    Open,
    /// As a wrong secret.
    Refused,
    /// The code was missing: come again.
    Later,
}

const PROTOCOLS: [&str; 3] = ["imaps", "submissions", "https"];

/// A connection that waits for its log-in.
struct Door<'a> {
    wire: Wire,
    protocol: &'static str,
    member: &'a Member,
}

impl<'a> Door<'a> {
    fn at(server: &Server, source: &str, protocol: &'static str, member: &'a Member) -> Self {
        let address = format!("127.0.0.1:{}", server.port(protocol));
        let mut wire = Wire::tls_from(source, &address, server.certificate()).unwrap();
        if protocol != "https" {
            wire.line();
        }
        if protocol == "submissions" {
            wire.send("EHLO client.test\r\n");
            while !wire.line().starts_with("250 ") {}
        }
        Self { wire, protocol, member }
    }

    fn log_in(mut self, secret: &str) -> Ended {
        let user = &self.member.address;
        let basic = base64(format!("{user}:{secret}").as_bytes());
        let plain = base64(format!("\0{user}\0{secret}").as_bytes());
        let (line, open, later) = match self.protocol {
            "imaps" => (format!("a LOGIN {user} \"{secret}\"\r\n"), "a OK", "a NO [UNAVAILABLE]"),
            "submissions" => (format!("AUTH PLAIN {plain}\r\n"), "235", "454"),
            _ => (
                format!("PROPFIND /dav/files/{user}/ HTTP/1.1\r\nHost: localhost\r\nDepth: 0\r\nAuthorization: Basic {basic}\r\n\r\n"),
                "HTTP/1.1 207",
                "HTTP/1.1 503",
            ),
        };
        self.wire.send(line);
        let said = self.wire.line();
        match said {
            said if said.starts_with(open) => Ended::Open,
            said if said.starts_with(later) => Ended::Later,
            _ => Ended::Refused,
        }
    }
}

fn code(member: &Member, seconds: i64) -> String {
    code_at(&member.totp, UnixTime::now().0 + seconds).unwrap()
}

/// Codes that are no code of this time or near it.
fn wrong_codes(member: &Member) -> impl Iterator<Item = String> {
    let right: Vec<String> = (-10..=10).map(|step| code(member, step * 30)).collect();
    (100_000..).map(|number: u32| number.to_string()).filter(move |wrong| !right.contains(wrong))
}

/// The race: a code is used on many connections, protocols and networks before any of them has noted it as used.
#[test]
fn of_64_parallel_log_ins_with_one_code_exactly_one_passes_over_all_protocols() {
    let (server, member) = prepared(PROFILES, async |admin| member(&admin, "racer").await);
    let with_code = format!("{} {}", member.secret, code(&member, 0));
    let barrier = Barrier::new(AT_ONCE);
    let ended: Vec<(&str, Ended)> = std::thread::scope(|scope| {
        let tries: Vec<_> = (0..AT_ONCE)
            .map(|number| {
                let (server, member, barrier, with_code) = (&server, &member, &barrier, &with_code);
                let protocol = PROTOCOLS[number % PROTOCOLS.len()];
                scope.spawn(move || {
                    let door = Door::at(server, &format!("127.1.{number}.9"), protocol, member);
                    barrier.wait();
                    (protocol, door.log_in(with_code))
                })
            })
            .collect();
        tries.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert_eq!(ended.iter().filter(|(_, ended)| *ended == Ended::Open).count(), 1, "{ended:?}");
    // Nor later, from yet another network, on any of them.
    for protocol in PROTOCOLS {
        assert_eq!(Door::at(&server, "127.2.0.9", protocol, &member).log_in(&with_code), Ended::Refused, "{protocol}");
    }
    // And the code was not what opens: without one, whoever passed is the only one to be known.
    assert_eq!(Door::at(&server, "127.2.0.10", "https", &member).log_in(&member.secret), Ended::Later);
}

/// Guessing: the fifth wrong code closes the factor for a while, and nothing else.
#[test]
fn five_wrong_codes_lock_the_factor_and_not_the_account() {
    let (server, member) = prepared(PROFILES, async |admin| member(&admin, "guessed").await);
    for (number, wrong) in wrong_codes(&member).take(5).enumerate() {
        let protocol = PROTOCOLS[number % PROTOCOLS.len()];
        let with_wrong = format!("{} {wrong}", member.secret);
        assert_eq!(Door::at(&server, &format!("127.1.{number}.9"), protocol, &member).log_in(&with_wrong), Ended::Refused);
    }
    for protocol in PROTOCOLS {
        let with_code = format!("{} {}", member.secret, code(&member, 0));
        let tried = Door::at(&server, "127.2.0.9", protocol, &member).log_in(&with_code);
        assert_eq!(tried, Ended::Refused, "{protocol}: the right code comes too late");
        // Where the app password is enough it still is, and what is new still waits for a confirmation.
        assert_eq!(Door::at(&server, OFFICE, protocol, &member).log_in(&member.secret), Ended::Open, "{protocol}");
    }
    assert_eq!(Door::at(&server, "127.2.0.9", "https", &member).log_in(&member.secret), Ended::Later);
}

/// A program keeps what it was given, and sends the same code for hours: that is no guessing.
#[test]
fn a_repeated_stale_code_locks_nothing() {
    let (server, (once, used)) = prepared(PROFILES, async |admin| (member(&admin, "repeats").await, member(&admin, "replays").await));
    let wrong = format!("{} {}", once.secret, wrong_codes(&once).next().unwrap());
    for number in 0..12 {
        assert_eq!(Door::at(&server, &format!("127.1.{number}.9"), PROTOCOLS[number % 3], &once).log_in(&wrong), Ended::Refused);
    }
    let right = format!("{} {}", once.secret, code(&once, 0));
    assert_eq!(Door::at(&server, "127.2.0.9", "imaps", &once).log_in(&right), Ended::Open, "one wrong code, twelve times, is one try");

    let first = format!("{} {}", used.secret, code(&used, 0));
    assert_eq!(Door::at(&server, "127.1.0.9", "imaps", &used).log_in(&first), Ended::Open);
    for number in 1..12 {
        let replayed = Door::at(&server, &format!("127.1.{number}.9"), PROTOCOLS[number % 3], &used).log_in(&first);
        assert_eq!(replayed, Ended::Refused, "a code counts once");
    }
    // The next code is good a little before its time.
    let next = format!("{} {}", used.secret, code(&used, 30));
    assert_eq!(Door::at(&server, "127.2.0.9", "imaps", &used).log_in(&next), Ended::Open, "replaying locks nothing");
}
