//! What the fuzz targets have in common: IMAP, SMTP and ManageSieve served in this process to one hostile client after another.
//!
//! Called by the targets in `targets/`, one for each state of a connection. An input is the octets that a client sends in that state,
//! before it hangs up. What always holds, or the target fails: nothing panics, in whatever task; every response is well-formed and none
//! answers a tag that was not sent; answers and memory are bounded by the input; the connection ends; nobody sees what is another's.
//!
//! | file | what |
//! |---|---|
//! | `world` | a store with two accounts in memory, and a log-in |
//! | `dialogue` | one connection under TLS from its first octet to its end |
//! | `responses` | what an IMAP server may say |
//! | `replies` | what an SMTP server may say |
//! | `sieve_replies` | what a ManageSieve server may say |

mod dialogue;
mod replies;
mod responses;
mod sieve_replies;
mod world;

pub use octroi_smtp::Kind;

use dialogue::Protocol;
use std::cell::RefCell;
use world::{MINE, THEIRS, World};

#[global_allocator]
static HEAP: peak_alloc::PeakAlloc = peak_alloc::PeakAlloc;

/// Octets of memory that one connection may take beside a few times its answers: the limits of the configuration add up to less.
const MEMORY_BYTES_MAX: usize = 32 << 20;
/// Octets of answers to a connection that asks nothing.
const ANSWER_BYTES_MAX: usize = 64 << 10;
/// Octets of answers that one octet of a command may ask for: everything that is in a mailbox of [`world`].
const ANSWER_BYTES_PER_OCTET: usize = 64 << 10;

/// In which state the octets reach the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Under TLS, not logged in.
    Visitor,
    /// Logged in.
    Member,
    /// With a mailbox open.
    Selected,
    /// In IDLE.
    Idle,
}

impl State {
    /// What a client says to come there.
    fn prelude(self, world: &World) -> String {
        let login = format!("p1 LOGIN {} {}\r\n", world.user(), world.secret());
        match self {
            Self::Visitor => String::new(),
            Self::Member => login,
            Self::Selected => login + "p2 SELECT INBOX\r\n",
            Self::Idle => login + "p2 SELECT INBOX\r\np3 IDLE\r\n",
        }
    }
}

thread_local! {
    static WORLD: RefCell<Option<World>> = const { RefCell::new(None) };
}

/// One connection that sends these octets in that state.
pub fn imap(state: State, input: &[u8]) {
    // Whoever knows what is hidden may say it.
    if contains(input, MINE) || contains(input, THEIRS) {
        return;
    }
    WORLD.with_borrow_mut(|slot| {
        let world = World::for_next(slot);
        let input = world.filled_in(input);
        let sent = [state.prelude(world).as_bytes(), &input].concat();
        let answers_max = ANSWER_BYTES_MAX + sent.len() * ANSWER_BYTES_PER_OCTET;
        HEAP.reset_peak_usage();
        let before = HEAP.current_usage();
        let answers = world.converse(Protocol::Imap, &sent, answers_max);
        let taken = HEAP.peak_usage().saturating_sub(before);
        assert!(taken < MEMORY_BYTES_MAX + 4 * answers.len(), "{taken} octets of memory for {} octets of input", input.len());
        responses::check(&answers, &sent);
        assert!(!contains(&answers, THEIRS), "somebody else's mailbox was seen");
        let logged_in = contains(&sent, world.secret().as_bytes()) || contains(&sent, world.plain().as_bytes());
        assert!(logged_in || !contains(&answers, MINE), "a mailbox was seen without logging in");
    });
}

/// Octets of replies that one octet of a command may ask for: every command is one short line.
const REPLY_BYTES_PER_OCTET: usize = 512;

/// One connection that sends these octets over SMTP of that kind. Submission is logged in already.
pub fn smtp(kind: Kind, input: &[u8]) {
    if contains(input, MINE) || contains(input, THEIRS) {
        return;
    }
    WORLD.with_borrow_mut(|slot| {
        let world = World::for_next(slot);
        let login = format!("EHLO client.test\r\nAUTH PLAIN {}\r\n", world.plain());
        let prelude = if kind == Kind::Submission { login } else { String::new() };
        let sent = [prelude.as_bytes(), &world.filled_in(input)].concat();
        let answers_max = ANSWER_BYTES_MAX + sent.len() * REPLY_BYTES_PER_OCTET;
        HEAP.reset_peak_usage();
        let before = HEAP.current_usage();
        let answers = world.converse(Protocol::Smtp(kind), &sent, answers_max);
        let taken = HEAP.peak_usage().saturating_sub(before);
        assert!(taken < MEMORY_BYTES_MAX + 4 * answers.len(), "{taken} octets of memory for {} octets of input", input.len());
        replies::check(&answers, &sent);
        // Nobody here may write to anybody elsewhere; who asked is told that it has arrived.
        assert!(!world.anything_leaves(&sent), "a message is queued for another server");
    });
}

/// One connection that sends these octets over ManageSieve, logged in already.
pub fn managesieve(input: &[u8]) {
    if contains(input, MINE) || contains(input, THEIRS) {
        return;
    }
    WORLD.with_borrow_mut(|slot| {
        let world = World::for_next(slot);
        let prelude = format!("AUTHENTICATE \"PLAIN\" \"{}\"\r\n", world.plain());
        let sent = [prelude.as_bytes(), &world.filled_in(input)].concat();
        let answers_max = ANSWER_BYTES_MAX + sent.len() * REPLY_BYTES_PER_OCTET;
        HEAP.reset_peak_usage();
        let before = HEAP.current_usage();
        let answers = world.converse(Protocol::ManageSieve, &sent, answers_max);
        let taken = HEAP.peak_usage().saturating_sub(before);
        assert!(taken < MEMORY_BYTES_MAX + 4 * answers.len(), "{taken} octets of memory for {} octets of input", input.len());
        sieve_replies::check(&answers, &sent);
    });
}

pub(crate) fn contains(octets: &[u8], wanted: &[u8]) -> bool {
    octets.windows(wanted.len()).any(|window| window.eq_ignore_ascii_case(wanted))
}
