//! Ten sessions on one mailbox, each of another kind of client, do what they like at the same time; at every checkpoint each one's picture
//! of the mailbox, made from what the server said and nothing else, is the mailbox.
//!
//! `picture` is what a client makes of the responses, `player` what it does.

mod picture;
mod player;

use crate::support::imap::Imap;
use crate::support::{shared, unique};
use picture::{Message, messages_of};
use player::{Kind, Player};
use std::thread;
use std::time::{Duration, Instant};

/// Commands of each session between two checkpoints.
const STEPS: usize = 12;
/// The sessions, each with numbers of its own to choose by.
const KINDS: [Kind; 10] = [
    Kind::Plain,
    Kind::Plain,
    Kind::Condstore,
    Kind::Condstore,
    Kind::Qresync,
    Kind::Qresync,
    Kind::UidOnly,
    Kind::Rev2,
    Kind::Idling,
    Kind::Returning,
];

/// What a client that opens the mailbox now sees: all messages in the order of their numbers.
fn fresh_look(imap: &mut Imap, mailbox: &str) -> Vec<Message> {
    imap.ok(&format!("EXAMINE {mailbox}"));
    let reply = imap.ok("UID FETCH 1:* (FLAGS MODSEQ)");
    messages_of(&reply.lines())
}

fn play_for(duration: Duration, seed: u64) {
    let server = shared();
    let mailbox = unique("concert");
    let mut imap = Imap::login(server, server.user(1));
    imap.ok(&format!("CREATE {mailbox}"));
    imap.ok(&format!("CREATE {mailbox}-aside"));
    for _ in 0..8 {
        player::append(&mut imap, &mailbox);
    }
    let numbered = KINDS.into_iter().zip(seed * 100..);
    let mut players: Vec<Player> = numbered.map(|(kind, seed)| Player::new(server, &mailbox, kind, seed)).collect();
    let until = Instant::now() + duration;
    let mut checkpoints = 0;
    while Instant::now() < until {
        thread::scope(|scope| {
            let playing: Vec<_> = players.iter_mut().map(|player| scope.spawn(move || (0..STEPS).for_each(|_| player.step()))).collect();
            // The first that fails says why; the others are waited for.
            let failed: Vec<_> = playing.into_iter().filter_map(|player| player.join().err()).collect();
            assert!(failed.is_empty(), "seed {seed}, checkpoint {checkpoints}: {} sessions failed", failed.len());
        });
        for player in &mut players {
            player.settle();
        }
        let there = fresh_look(&mut imap, &mailbox);
        for player in &players {
            player.compare(&there, seed);
        }
        checkpoints += 1;
    }
    assert!(checkpoints > 3, "only {checkpoints} checkpoints: too slow to show anything");
}

#[test]
fn ten_sessions_see_one_mailbox() {
    play_for(Duration::from_secs(20), 1);
}

#[test]
#[ignore = "takes minutes: ./test --full"]
fn ten_sessions_see_one_mailbox_for_minutes() {
    for seed in 2..6 {
        play_for(Duration::from_mins(1), seed);
    }
}
