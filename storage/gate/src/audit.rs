//! Writing the audit trail: who did what, from where, with what, and how it ended. Never a secret.
//!
//! Every decision that matters adds a line; those of reserved actions stand in the commit that does them, all others follow within a
//! tenth of a second.

use crate::gate::Gate;
use crate::refusal::Refusal;
use octroi_engine::{Batch, Change, Trail};
use octroi_model::{AccountId, AuditEntry, AuditFrom, AuditLine, AuditQuery, AuditVia, Outcome, UnixTime};

/// Longest text in a line, in bytes.
const TEXT_BYTES_MAX: usize = 512;

/// A line before it is cleaned, stamped and linked.
#[derive(Clone)]
pub(crate) struct Line<'a> {
    pub(crate) account: Option<AccountId>,
    pub(crate) act: &'a str,
    pub(crate) subject: &'a str,
    pub(crate) peer: &'a str,
    pub(crate) outcome: Outcome,
    pub(crate) reason: &'a str,
    pub(crate) via: AuditVia,
}

impl Line<'_> {
    /// As a change of the store.
    pub(crate) fn into_change(self) -> Change {
        let cut = |text: &str| clean(text, TEXT_BYTES_MAX);
        let entry = AuditEntry {
            at: UnixTime::now(),
            account: self.account,
            act: cut(self.act),
            subject: cut(self.subject),
            peer: cut(self.peer),
            outcome: self.outcome,
            reason: cut(self.reason),
        };
        Change::Log(AuditLine { number: 0, link: [0; 32], entry, via: self.via })
    }
}

impl Gate {
    /// Add a line to the audit trail.
    pub(crate) async fn audit(&self, line: Line<'_>) {
        let mut batch = Batch::new();
        batch.push(line.into_change());
        self.engine().commit_later(batch).await;
    }
}

/// Lines that are read at once when the chain is walked.
const WALKED_AT_ONCE: usize = 5_000;

impl Gate {
    /// Walk the whole chain; its end, or the first fault.
    pub(crate) async fn verify_audit(&self) -> Result<Result<Trail, String>, Refusal> {
        let mut end = Trail::default();
        loop {
            let wanted = AuditQuery { account: None, from: AuditFrom::After(end.number), lines_max: WALKED_AT_ONCE };
            let lines = self.engine().audit(wanted).await?;
            if lines.is_empty() {
                let whole = self.engine().trail().number <= end.number;
                return Ok(if whole { Ok(end) } else { Err(format!("the last lines are missing, after line {}", end.number)) });
            }
            match octroi_engine::verify_trail(end, &lines) {
                Ok(now) => end = now,
                fault => return Ok(fault),
            }
        }
    }
}

/// A text without control characters, cut to a number of bytes.
pub(crate) fn clean(text: &str, bytes_max: usize) -> String {
    let mut out: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let mut end = out.len().min(bytes_max);
    while !out.is_char_boundary(end) {
        end -= 1;
    }
    out.truncate(end);
    out
}
