//! Memory does not grow with the work done: who makes the same changes again and again to mailboxes that stay as they are needs, after a
//! while, no more than before.

use crate::support::imap::Imap;
use crate::support::{Server, message};
use std::time::Duration;

const SESSIONS: usize = 8;
/// Accounts that they share.
const PEOPLE: usize = 3;
/// Messages that each session adds and removes in a round.
const MESSAGES: usize = 60;
const ROUNDS: usize = 12;
const ROUNDS_SHORT: usize = 2;
/// KiB that it may still grow by from the middle third to the last: caches that fill up, pieces that the allocator cannot give back.
const GROWTH_KIB: u64 = 8 << 10;

/// Memory of the process in KiB that is no file's.
fn resident(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// What a mailbox lives through, which leaves it as it was.
fn round(imap: &mut Imap, session: usize, round: usize) {
    imap.ok("SELECT INBOX");
    for number in 0..MESSAGES {
        let word = format!("plateau{session}x{round}x{number}");
        let text = message("a@outside.test", "b@outside.test", &word) + &"Line after line of it.\r\n".repeat(200);
        assert!(imap.try_append("INBOX", "", text.as_bytes()).unwrap().is_ok());
        let found = imap.ok(&format!("UID SEARCH SUBJECT {word}"));
        let uid = found.lines().iter().find_map(|line| line.strip_prefix("* SEARCH ").map(str::to_owned)).expect("it was just put there");
        imap.ok(&format!("UID FETCH {uid} (FLAGS ENVELOPE BODY.PEEK[])"));
        imap.ok(&format!("UID STORE {uid} +FLAGS (\\Seen \\Deleted)"));
        if number % 10 == 9 {
            imap.ok(&format!("UID EXPUNGE {uid}"));
            imap.ok("UID SEARCH BODY line SEEN");
        }
    }
    imap.ok("UID SEARCH DELETED");
    imap.ok("EXPUNGE");
    imap.ok("UNSELECT");
}

fn rounds(count: usize) -> Vec<u64> {
    let server = Server::demo();
    let mut sessions: Vec<_> = (0..SESSIONS).map(|n| Imap::login(&server, server.user(1 + n % PEOPLE))).collect();
    let measure = |number| {
        std::thread::scope(|scope| {
            for (n, imap) in sessions.iter_mut().enumerate() {
                scope.spawn(move || round(imap, n, number));
            }
        });
        // A little more than the time after which a server that has nothing to do tidies up.
        std::thread::sleep(Duration::from_secs(5));
        resident(&server)
    };
    (0..count).map(measure).collect()
}

#[test]
fn the_same_work_again_and_again_is_done() {
    assert!(rounds(ROUNDS_SHORT).iter().all(|kib| *kib > 1000));
}

#[test]
#[ignore = "takes minutes: ./test --full"]
fn memory_reaches_a_plateau() {
    let kib = rounds(ROUNDS);
    println!("RssAnon after each round, KiB: {kib:?}");
    let highest = |part: &[u64]| part.iter().copied().max().unwrap();
    let (middle, last) = (highest(&kib[ROUNDS / 3..2 * ROUNDS / 3]), highest(&kib[2 * ROUNDS / 3..]));
    assert!(last <= middle + GROWTH_KIB, "it goes on growing: {kib:?}");
}
