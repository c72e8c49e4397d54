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
