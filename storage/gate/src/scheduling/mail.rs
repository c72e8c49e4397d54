//! Meetings by mail: what somebody elsewhere has answered, or asks one of ours (RFC 6047).
//!
//! Called by SMTP once such a mail is in the mailbox. An answer is written into the organizer's object, and what the organizer says of a
//! meeting that somebody has already into theirs. A meeting that is new comes into the inbox and no further: nobody outside can put something
//! into a calendar.

use super::codec::Telling;
use super::plan::{Table, deliver};
use crate::audit::Line;
use crate::gate::Gate;
use crate::refusal::Refusal;
use octroi_engine::Batch;
use octroi_model::{Address, AuditVia, Outcome};

/// How often it is tried because a calendar has moved meanwhile.
const TRIES_MAX: usize = 8;
/// People behind the recipients of one mail.
const PEOPLE_MAX: usize = 200;

impl Gate {
    /// Take in what a mail says of a meeting, which is certainly from `author`; for so many of the people behind `to` something came of it.
    pub async fn meeting_by_mail(&self, author: &Address, to: &[Address], octets: &[u8]) -> Result<usize, Refusal> {
        let Some(codec) = self.0.scheduling.get() else { return Ok(0) };
        let Some((uid, method)) = codec.message(octets) else { return Ok(0) };
        let mut people = Vec::new();
        for address in to.iter().filter(|address| self.is_local_domain(address.domain())) {
            let Ok(reached) = self.reach(address, None) else { continue };
            people.extend(reached.ours.into_iter().map(|one| one.account).filter(|account| !people.contains(account)).collect::<Vec<_>>());
            if people.len() > PEOPLE_MAX {
                return Err(Refusal::Limit("people of one meeting"));
            }
        }
        let telling = Telling { method, to: String::new(), octets: octets.to_vec(), matters: true };
        let mut taken = 0;
        for account in people.into_iter().filter_map(|account| self.engine().account(account)) {
            let from = author.to_string();
            for _ in 0..TRIES_MAX {
                let (mut table, mut batch) = (Table::default(), Batch::new());
                deliver(self, &**codec, (&account, &uid, Some(&from)), &telling, &mut table, &mut batch).await?;
                table.lay(&**codec, &mut batch);
                if batch.is_empty() {
                    break;
                }
                batch.push(line(&format!("{method} of {uid} by {author} to {}", account.address)));
                match self.engine().commit(batch).await.map_err(Refusal::from) {
                    Ok(_) => {
                        taken += 1;
                        break;
                    }
                    Err(Refusal::Precondition | Refusal::Exists | Refusal::Missing) => {}
                    Err(refusal) => return Err(refusal),
                }
            }
        }
        Ok(taken)
    }
}

fn line(subject: &str) -> octroi_engine::Change {
    let via = AuditVia::default();
    Line { account: None, act: "schedule", subject, peer: "mail", outcome: Outcome::Done, reason: "", via }.into_change()
}
