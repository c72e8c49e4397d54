//! What is known of a queued message: its envelope, under which terms it travels, and how each recipient stands.

use crate::refusal::Refusal;
use octroi_model::{Address, UnixTime};
use serde::{Deserialize, Serialize};

/// First octet of a stored entry: another one is of another version of the program. None before this one was ever published, so none is read.
const VERSION: u8 = 2;
/// What an item can hold beside its content is 64 KiB; the engine refuses more.
const ENTRY_BYTES_MAX: usize = 60 * 1024;
/// Longest record of a reply or reason in bytes; the shorter ones where an entry has very many recipients.
const ERROR_BYTES_MAX: [usize; 3] = [512, 100, 0];

/// A queued message's envelope and history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueEntry {
    /// Return path; `None` is `<>`.
    pub from: Option<Address>,
    /// What was asked for with MAIL.
    pub terms: Terms,
    /// When it came.
    pub queued: UnixTime,
    /// An administrator has put it aside: nobody is tried, and it does not expire.
    pub held: bool,
    /// Everybody it is for, whatever became of them.
    pub recipients: Vec<QueueRecipient>,
}

/// One recipient of a queued message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueRecipient {
    /// Who.
    pub address: Address,
    /// What was asked for with RCPT.
    pub terms: RecipientTerms,
    /// How it stands.
    pub state: RecipientState,
    /// When to try next.
    pub next_try: UnixTime,
    /// How often it was tried.
    pub attempts: u32,
    /// What the last failed attempt said.
    pub last_error: String,
    /// The sender was told that it takes longer.
    pub delay_told: bool,
}

/// How a recipient stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RecipientState {
    /// To be tried.
    Waiting,
    /// The other side took it.
    Delivered,
    /// It will not be: the other side's reply or our reason.
    Failed(String),
}

/// What a message's sender asked for (MAIL parameters).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// How much of the message comes back with a failure (RFC 3461 section 4.3).
    pub ret: Option<Ret>,
    /// ENVID as it came, in xtext (RFC 3461 section 4.4).
    pub envid: Option<String>,
    /// Over authenticated TLS or not at all (RFC 8689).
    pub require_tls: bool,
    /// Until when it is of use (RFC 2852).
    pub deliver_by: Option<DeliverBy>,
    /// Not to be tried before (RFC 4865).
    pub not_before: Option<UnixTime>,
    /// From -9 to 9; the higher goes first (RFC 6710).
    pub priority: i8,
    /// SMTPUTF8 was asked for (RFC 6531).
    pub utf8: bool,
}

/// RFC 3461 section 4.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ret {
    /// The whole message.
    Full,
    /// Its header.
    Headers,
}

/// RFC 2852 section 4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliverBy {
    /// The latest time.
    pub at: UnixTime,
    /// What becomes of it then: it fails (mode R), or the sender is told of the delay (mode N).
    pub fails: bool,
    /// Relays to hosts that do not know of this are to be told, too.
    pub trace: bool,
}

/// What was asked for with RCPT (RFC 3461 section 4.1 and 4.2).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecipientTerms {
    /// Of what the sender is to be told.
    pub notify: Notify,
    /// ORCPT as it came: type and xtext.
    pub orcpt: Option<String>,
}

/// RFC 3461 section 4.1: of what the sender is to be told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notify(pub u8);

impl Notify {
    /// Of nothing.
    pub const NEVER: Self = Self(1);
    /// That it has arrived.
    pub const SUCCESS: Self = Self(2);
    /// That it will not.
    pub const FAILURE: Self = Self(4);
    /// That it takes longer.
    pub const DELAY: Self = Self(8);

    /// Nothing was said: of failures, and of delays.
    pub fn is_default(self) -> bool {
        self.0 == 0
    }

    /// Both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// All but this; of nothing if nothing else was wanted.
    #[must_use]
    pub fn without(self, what: Self) -> Self {
        if self.is_default() { self } else { Some(Self(self.0 & !what.0)).filter(|left| !left.is_default()).unwrap_or(Self::NEVER) }
    }

    /// Is the sender to be told of that?
    pub fn wants(self, what: Self) -> bool {
        if self.is_default() { what != Self::SUCCESS } else { self.0 & what.0 != 0 }
    }
}

impl QueueRecipient {
    /// To be tried from then on.
    pub fn new(address: Address, terms: RecipientTerms, next_try: UnixTime) -> Self {
        Self { address, terms, state: RecipientState::Waiting, next_try, attempts: 0, last_error: String::new(), delay_told: false }
    }

    /// To be tried.
    pub fn is_waiting(&self) -> bool {
        self.state == RecipientState::Waiting
    }
}

impl QueueEntry {
    /// When the next recipient is to be tried; `None` when none waits.
    pub fn next_try(&self) -> Option<UnixTime> {
        self.waiting().map(|recipient| recipient.next_try).min()
    }

    /// Who is to be tried.
    pub fn waiting(&self) -> impl Iterator<Item = &QueueRecipient> {
        self.recipients.iter().filter(|recipient| recipient.is_waiting())
    }

    pub(crate) fn encode(&self) -> Result<Vec<u8>, Refusal> {
        for bytes_max in ERROR_BYTES_MAX {
            let mut entry = self.clone();
            for recipient in &mut entry.recipients {
                cut(&mut recipient.last_error, bytes_max);
                if let RecipientState::Failed(why) = &mut recipient.state {
                    cut(why, bytes_max);
                }
            }
            let octets = postcard::to_extend(&entry, vec![VERSION]).map_err(|_| Refusal::Limit("queue entry"))?;
            if octets.len() <= ENTRY_BYTES_MAX {
                return Ok(octets);
            }
        }
        Err(Refusal::Limit("queue entry"))
    }

    pub(crate) fn decode(octets: &[u8]) -> Option<Self> {
        let (&version, rest) = octets.split_first()?;
        if version == VERSION { postcard::from_bytes(rest).ok() } else { None }
    }
}

fn cut(text: &mut String, bytes_max: usize) {
    let mut end = text.len().min(bytes_max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn entry(recipients: usize, error: &str) -> QueueEntry {
        let one = QueueRecipient {
            last_error: error.to_owned(),
            ..QueueRecipient::new("someone@elsewhere.example".parse().unwrap(), RecipientTerms::default(), UnixTime(7))
        };
        QueueEntry { from: None, terms: Terms::default(), queued: UnixTime(1), held: false, recipients: vec![one; recipients] }
    }

    #[test]
    fn an_entry_is_what_it_was() {
        let entry = entry(3, "451 later");
        assert_eq!(QueueEntry::decode(&entry.encode().unwrap()).unwrap(), entry);
        assert_eq!(QueueEntry::decode(&[0, 0, 0]), None, "of another version");
    }

    #[test]
    fn what_was_said_is_cut_before_an_entry_is_too_large() {
        let long = "é".repeat(4000);
        let kept = QueueEntry::decode(&entry(1, &long).encode().unwrap()).unwrap();
        assert_eq!(kept.recipients[0].last_error.len(), 512);
        assert!(entry(100, &long).encode().unwrap().len() <= ENTRY_BYTES_MAX);
        assert!(entry(5000, "").encode().is_err());
    }

    #[test]
    fn what_the_sender_wants_to_know() {
        let unsaid = Notify::default();
        assert!(unsaid.wants(Notify::FAILURE) && unsaid.wants(Notify::DELAY) && !unsaid.wants(Notify::SUCCESS));
        assert!(!Notify::NEVER.wants(Notify::FAILURE));
        let both = Notify::SUCCESS.and(Notify::FAILURE);
        assert!(both.wants(Notify::SUCCESS) && both.wants(Notify::FAILURE) && !both.wants(Notify::DELAY));
    }
}
