//! What the audit trail records.

use crate::{AccountId, UnixTime};
use serde::{Deserialize, Serialize};

/// How an audited act ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It was done.
    Done,
    /// It was refused.
    Refused,
}

/// One line of the audit trail. Holds names and addresses, never a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// When.
    pub at: UnixTime,
    /// On whose account, if one was known.
    pub account: Option<AccountId>,
    /// What was tried: `log-in`, `open`, `app-password mint`, …
    pub act: String,
    /// On what: a service, a path, an address; at most 512 bytes.
    pub subject: String,
    /// From where: the peer's address, or `admin` for the admin socket.
    pub peer: String,
    /// How it ended.
    pub outcome: Outcome,
    /// The rule or reason, for people; at most 512 bytes.
    pub reason: String,
}

/// How an audited act came about, beside who and from where.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AuditVia {
    /// Visible id of the credential, if one was used.
    pub credential: String,
    /// Zone of the peer.
    pub zone: String,
    /// What the client calls itself; at most 128 bytes.
    pub client: String,
}

/// A line as it is kept: numbered, and linked to all before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditLine {
    /// Counted from 1, without gaps.
    pub number: u64,
    /// BLAKE3 over the link of the line before (32 null bytes before the first), the number (8 bytes, little endian), the entry and how
    /// it came about (both in postcard): altering or removing a line changes every later link.
    pub link: [u8; 32],
    /// What happened.
    pub entry: AuditEntry,
    /// How it came about.
    pub via: AuditVia,
}

/// Which lines of the audit trail are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditQuery {
    /// Only what concerns this account.
    pub account: Option<AccountId>,
    /// From where on.
    pub from: AuditFrom,
    /// At most so many.
    pub lines_max: usize,
}

/// From where on, and in which direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditFrom {
    /// The newest first.
    Newest,
    /// Those before this number, the newest first.
    Before(u64),
    /// Those after this number, the oldest first.
    After(u64),
}
