//! Who hears of what was refused to a filter or whom a message has left out, once it has happened.

use super::Filter;
use super::decide::Refused;
use super::delivery::{Delivery, Plan};
use crate::audit::Line;
use crate::errand::Notice;
use crate::filters::TOLD;
use octroi_engine::{Batch, Change, Expect};
use octroi_model::{AccountId, AuditVia, FlagEdit, Head, ModSeq, Outcome, UidSet};

impl<Kind: Sync> Delivery<'_, Kind> {
    pub(super) async fn tell(&self, plan: Plan) {
        self.tell_left_out().await;
        let Plan { ran, mut refused, .. } = plan;
        for at in ran {
            let share = &self.shares[at];
            let mut failure = share.failure.clone();
            let own = refused.extract_if(.., |(of, _)| *of == at).map(|(_, refused)| refused).collect::<Vec<_>>();
            for Refused { act, subject, why } in share.refused.iter().chain(&own) {
                self.note(share.filter.account.id, act, subject, "filter", why).await;
                failure.get_or_insert_with(|| format!("{subject}: {why}"));
            }
            if let Some(why) = failure {
                self.tell_owner(&share.filter, why).await;
            }
        }
    }

    /// Full mailboxes behind an address that leads to others as well.
    async fn tell_left_out(&self) {
        let full: Vec<_> = self.envelope.deliveries().iter().filter(|one| self.is_full(one.inbox)).collect();
        for (to, place) in self.envelope.recipients().iter().zip(&self.envelope.places) {
            let of_it = full.iter().copied().filter(|one| place.inboxes.contains(&one.inbox));
            for left_out in place.full.iter().chain(of_it) {
                let reason = format!("{to} leads there too, but the mailbox is full");
                self.note(left_out.account, "deliver", &left_out.to.to_string(), "", &reason).await;
            }
        }
    }

    async fn note(&self, account: AccountId, act: &str, subject: &str, peer: &str, reason: &str) {
        let (account, outcome, via) = (Some(account), Outcome::Refused, AuditVia::default());
        self.gate.audit(Line { account, act, subject, peer, outcome, reason, via }).await;
    }

    /// Once for each version of a script; who is told is remembered beside it.
    async fn tell_owner(&self, filter: &Filter, why: String) {
        if filter.item.flags.contains(TOLD) {
            return;
        }
        let Filter { home, item, .. } = filter;
        let mut batch = Batch::new();
        batch.expect(Expect::Unchanged { collection: *home, uid: item.uid, modseq: item.modseq });
        let uids = UidSet::from_uids([item.uid]);
        batch.push(Change::Flag { collection: *home, uids, edit: FlagEdit::add(TOLD), modseq: ModSeq(0), head: Head::default() });
        // Somebody else has told them, or the script is another one by now.
        if self.gate.engine().commit(batch).await.is_err() {
            return;
        }
        tracing::info!(owner = %filter.owner(), script = filter.name(), why, "a filter failed");
        self.gate.0.outbox.notice(filter.owner(), Notice::FilterFailed { script: filter.name().to_owned(), why });
    }
}
