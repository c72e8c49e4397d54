//! The audit trail, in words.
//!
//! Called by `handle`.

use super::handle::{Handler, say, time};
use super::protocol::Reply;
use octroi_model::{AuditFrom, AuditQuery};
use std::fmt::Write as _;

/// Most lines in one answer.
const AUDIT_LINES_MAX: usize = 10_000;

impl Handler {
    pub(super) async fn audit(&self, lines: usize) -> Result<Reply, String> {
        let wanted = AuditQuery { account: None, from: AuditFrom::Newest, lines_max: lines.min(AUDIT_LINES_MAX) };
        let entries = self.admin.audit(wanted).await.map_err(|r| say(r, "the audit trail"))?;
        let accounts = self.admin.accounts();
        let mut text = String::new();
        for line in entries {
            let entry = line.entry;
            let who = entry.account.map_or_else(
                || "-".to_owned(),
                |id| accounts.iter().find(|a| a.id == id).map_or_else(|| format!("account {id}"), |a| a.address.to_string()),
            );
            let _ = writeln!(
                text,
                "{}  {:?}  {who}  {}  {}  from {}  {}",
                time(entry.at),
                entry.outcome,
                entry.act,
                entry.subject,
                entry.peer,
                entry.reason
            );
        }
        Ok(Reply::Text(text))
    }
}
