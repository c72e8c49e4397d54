//! The audit trail: in words, walked, and in portions for export.
//!
//! Called by `handle`.

use super::handle::{Handler, parse, say, time};
use super::protocol::{AuditLineOut, Reply};
use octroi_model::{AccountId, AuditFrom, AuditLine, AuditQuery};
use std::collections::HashMap;
use std::fmt::Write as _;

/// Most lines in one answer.
const LINES_MAX: usize = 10_000;
/// Lines of one portion, of at most 2 KiB each.
const PORTION: usize = 1_000;

impl Handler {
    pub(super) async fn audit(&self, lines: usize, account: Option<&str>, before: Option<u64>) -> Result<Reply, String> {
        let account = account.map(|address| self.account_id(address)).transpose()?;
        let from = before.map_or(AuditFrom::Newest, AuditFrom::Before);
        let found = self.query(AuditQuery { account, from, lines_max: lines.min(LINES_MAX) }).await?;
        let mut text = String::new();
        for line in self.lines(found) {
            // Into a string: this does not fail.
            let _ =
                write!(text, "{}  {}  {}  {}  ", line.number, line.at, line.outcome, line.who.or(line.account).as_deref().unwrap_or("-"));
            let _ = write!(text, "{}  {}", line.act, line.subject);
            for (what, value) in [("from", line.peer), ("zone", line.zone), ("with", line.credential), ("client", line.client)] {
                if !value.is_empty() {
                    let _ = write!(text, "  {what} {value}");
                }
            }
            let _ = writeln!(text, "  {}", line.reason);
        }
        Ok(Reply::Text(text))
    }

    /// Walk the chain to its end, and see that a line that was seen before is the same.
    pub(super) async fn audit_verify(&self, expect: Option<(u64, String)>) -> Result<Reply, String> {
        let walked = self.admin.verify_audit().await.map_err(|r| say(r, "audit trail"))?;
        let end = walked.map_err(|fault| format!("the audit trail is damaged: {fault}"))?;
        if let Some((number, link)) = expect {
            let before = number.checked_sub(1).ok_or("lines are counted from 1")?;
            let found = self.query(AuditQuery { account: None, from: AuditFrom::After(before), lines_max: 1 }).await?;
            match found.first() {
                Some(line) if line.number == number && hex(&line.link).eq_ignore_ascii_case(&link) => {}
                Some(line) if line.number == number => {
                    return Err(format!("line {number} is another one than was expected: its link is {}", hex(&line.link)));
                }
                _ => return Err(format!("there is no line {number} any more: the trail ends at line {}", end.number)),
            }
        }
        Ok(Reply::AuditEnd { number: end.number, link: hex(&end.link) })
    }

    pub(super) async fn audit_lines(&self, after: u64) -> Result<Reply, String> {
        let found = self.query(AuditQuery { account: None, from: AuditFrom::After(after), lines_max: PORTION }).await?;
        Ok(Reply::AuditLines(self.lines(found)))
    }

    async fn query(&self, wanted: AuditQuery) -> Result<Vec<AuditLine>, String> {
        self.admin.audit(wanted).await.map_err(|r| say(r, "audit trail"))
    }

    fn account_id(&self, address: &str) -> Result<AccountId, String> {
        let key = parse(address)?.key();
        let accounts = self.admin.accounts();
        accounts
            .iter()
            .find(|account| account.address.key() == key)
            .map(|account| account.id)
            .ok_or_else(|| "there is no such account".to_owned())
    }

    fn lines(&self, found: Vec<AuditLine>) -> Vec<AuditLineOut> {
        let addresses: HashMap<AccountId, String> = self.admin.accounts().iter().map(|a| (a.id, a.address.to_string())).collect();
        let line = |line: AuditLine| AuditLineOut {
            number: line.number,
            at: time(line.entry.at),
            outcome: format!("{:?}", line.entry.outcome).to_lowercase(),
            who: line.entry.account.and_then(|id| addresses.get(&id).cloned()),
            account: line.entry.account.map(|id| id.to_string()),
            act: line.entry.act,
            subject: line.entry.subject,
            peer: line.entry.peer,
            zone: line.via.zone,
            credential: line.via.credential,
            client: line.via.client,
            reason: line.entry.reason,
            link: hex(&line.link),
        };
        found.into_iter().map(line).collect()
    }
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
