//! What sessions do and how often, and the numbers that choose.
//!
//! Used by `session.rs`. The shares are those of people who read more than they write: most commands look, one in eight flags, a few in a
//! hundred add or remove. As many messages leave an INBOX (moved, expunged) as are appended to it.

/// A kind of command, as its times are gathered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Login,
    Open,
    FetchFlags,
    FetchNew,
    FetchHeaders,
    FetchEnvelope,
    FetchBody,
    Store,
    SearchFlags,
    SearchSubject,
    SearchDate,
    Status,
    List,
    Noop,
    Select,
    Append,
    Copy,
    Move,
    Expunge,
    Idle,
}

/// Out of a thousand. `FetchNew` is not drawn: it follows when a mailbox has grown, as mail programs do.
const SHARES: [(Kind, u32); 16] = [
    (Kind::FetchFlags, 140),
    (Kind::FetchHeaders, 100),
    (Kind::FetchEnvelope, 90),
    (Kind::FetchBody, 170),
    (Kind::Store, 130),
    (Kind::SearchFlags, 40),
    (Kind::SearchSubject, 30),
    (Kind::SearchDate, 20),
    (Kind::Status, 90),
    (Kind::List, 20),
    (Kind::Noop, 70),
    (Kind::Select, 20),
    (Kind::Append, 30),
    (Kind::Copy, 10),
    (Kind::Move, 15),
    (Kind::Expunge, 15),
];

/// `Idle` has what the table leaves of a thousand.
const WHOLE: u32 = 1000;

impl Kind {
    pub(crate) fn draw(random: &mut Random) -> Self {
        let mut at = random.below(WHOLE as usize) as u32;
        for (kind, share) in SHARES {
            if at < share {
                return kind;
            }
            at -= share;
        }
        Self::Idle
    }

    /// Whether it belongs to the mix; the other kinds are of its preparation.
    pub(crate) fn is_work(self) -> bool {
        !matches!(self, Self::Login | Self::Open)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Login => "LOGIN (all sessions at once, before)",
            Self::Open => "SELECT and all flags (before)",
            Self::FetchFlags => "FETCH flags of a range",
            Self::FetchNew => "UID FETCH what is new",
            Self::FetchHeaders => "FETCH header fields of a range",
            Self::FetchEnvelope => "FETCH ENVELOPE of a range",
            Self::FetchBody => "UID FETCH a whole message",
            Self::Store => "UID STORE \\Seen",
            Self::SearchFlags => "SEARCH by flags",
            Self::SearchSubject => "SEARCH by subject",
            Self::SearchDate => "SEARCH by date",
            Self::Status => "STATUS",
            Self::List => "LIST",
            Self::Noop => "NOOP",
            Self::Select => "SELECT, then all flags",
            Self::Append => "APPEND 10 KiB",
            Self::Copy => "UID COPY",
            Self::Move => "UID MOVE",
            Self::Expunge => "UID STORE \\Deleted, EXPUNGE",
            Self::Idle => "IDLE and DONE",
        }
    }
}

/// SplitMix64: the same numbers for the same seed, everywhere.
#[derive(Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is not 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    pub(crate) fn of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }
}
