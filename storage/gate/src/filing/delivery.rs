//! The one commit of a filtered delivery: decided, planned from the state as it is, and planned anew when that has moved.

use super::memory::Memory;
use super::target::{self, Made, Wanted};
use super::{Filed, Filter, Judged, Sending, Told};
use crate::acts::mailbox::message;
use crate::addressing::Reached;
use crate::audit::Line;
use crate::content::Content;
use crate::envelope::{Onward, ReturnPath};
use crate::errand::Notice;
use crate::filters::TOLD;
use crate::gate::Gate;
use crate::queue::{self, QueueEntry, QueueRecipient, RecipientTerms, Terms};
use crate::refusal::Refusal;
use octroi_engine::{Batch, BodyIndex, Change, CommitError, Expect};
use octroi_model::{Address, AuditVia, CollectionId, FlagEdit, Flags, Head, Item, ModSeq, Outcome, QuotaRoot, UidSet, UnixTime};

/// How often a delivery is planned anew because rights, mailboxes or memories have moved meanwhile.
const PLANS_MAX: usize = 16;

/// What a filter wants, as far as it is decided once and for all.
enum Step {
    File { mailbox: Option<String>, create: bool, flags: Vec<String> },
    Send { from: Option<Address>, to: Address, body: BodyIndex, bytes: u64, memory: Option<Memory>, or_keep: bool },
}

impl Step {
    fn keep() -> Self {
        Self::File { mailbox: None, create: false, flags: Vec::new() }
    }
}

/// One recipient's part.
struct Share {
    filter: Filter,
    steps: Vec<Step>,
    /// What the owner is to be told.
    failure: Option<String>,
    /// What was refused at once.
    refused: Vec<Refused>,
}

/// For the audit trail, once the message is delivered.
struct Refused {
    act: &'static str,
    subject: String,
    why: String,
}

/// A delivery under way.
pub(super) struct Delivery<'e> {
    gate: &'e Gate,
    inboxes: Vec<CollectionId>,
    onward: Onward,
    whole: Batch,
    message: BodyIndex,
    shares: Vec<Share>,
    /// Quotas that were found to be full.
    full: Vec<QuotaRoot>,
    /// A full mailbox keeps the message from nobody else.
    pub(super) for_each: bool,
}

/// What a plan comes to: a batch, and what was refused in it, by share.
struct Plan {
    batch: Batch,
    refused: Vec<(usize, Refused)>,
}

/// Deciding.
impl<'e> Delivery<'e> {
    pub(super) async fn new(
        gate: &'e Gate,
        inboxes: Vec<CollectionId>,
        from: ReturnPath,
        onward: Onward,
        content: Content,
        judged: Vec<Judged>,
    ) -> Result<Self, Refusal> {
        let mut whole = Batch::new();
        let message = whole.body(content.body);
        let mut delivery = Self { gate, inboxes, onward, whole, message, shares: Vec::new(), full: Vec::new(), for_each: false };
        for judged in judged {
            let share = delivery.decide(judged, &from).await?;
            delivery.shares.push(share);
        }
        Ok(delivery)
    }

    /// Whom a filter may send to is decided once, since it is counted.
    async fn decide(&mut self, judged: Judged, original: &ReturnPath) -> Result<Share, Refusal> {
        let Judged { filter, told, failure } = judged;
        let mut share = Share { filter, steps: Vec::new(), failure, refused: Vec::new() };
        if share.failure.is_some() {
            share.steps.push(Step::keep());
            return Ok(share);
        }
        for told in told {
            match told {
                Told::File { mailbox, create, flags } => share.steps.push(Step::File { mailbox, create, flags }),
                Told::Forward(Sending { to, .. }) if to.key() == share.filter.owner().key() => share.steps.push(Step::keep()),
                Told::Forward(sending) => self.forward(&mut share, sending, original),
                Told::Answer { sending, seconds, handle } => self.answer(&mut share, sending, seconds, &handle).await?,
                Told::Report(sending) => {
                    let step = self.courtesy(sending, None);
                    share.steps.push(step);
                }
            }
        }
        Ok(share)
    }

    fn forward(&mut self, share: &mut Share, sending: Sending, original: &ReturnPath) {
        let Sending { to, content } = sending;
        let is_nobody = self.gate.is_local_domain(to.domain()) && self.gate.reach(&to, Some(share.filter.account.id)).is_err();
        let may = if is_nobody {
            Err("there is no such recipient here".to_owned())
        } else if self.onward.stays && !self.gate.is_local_domain(to.domain()) {
            Err("the message cannot be sent to other servers as it is".to_owned())
        } else {
            share.filter.send_to(&to)
        };
        match may {
            Ok(()) => {
                let bytes = content.bytes();
                let body = self.whole.body(content.body);
                share.steps.push(Step::Send { from: self.gate.forwarding_path(original), to, body, bytes, memory: None, or_keep: true });
            }
            Err(why) => {
                share.refused.push(Refused { act: "filter forward", subject: to.to_string(), why });
                share.steps.push(Step::keep());
            }
        }
    }

    async fn answer(&mut self, share: &mut Share, sending: Sending, seconds: u64, handle: &str) -> Result<(), Refusal> {
        let memory = Memory::new(handle, &sending.to, seconds);
        // Who was answered counts no second time among the recipients of an hour.
        if let Some(memory) = &memory
            && memory.is_kept(&share.filter, self.gate.engine()).await?
        {
            return Ok(());
        }
        match share.filter.send_to(&sending.to) {
            Ok(()) => {
                let step = self.courtesy(sending, memory);
                share.steps.push(step);
            }
            Err(why) => share.refused.push(Refused { act: "filter answer", subject: sending.to.to_string(), why }),
        }
        Ok(())
    }

    fn courtesy(&mut self, sending: Sending, memory: Option<Memory>) -> Step {
        let Sending { to, content } = sending;
        let bytes = content.bytes();
        Step::Send { from: None, to, body: self.whole.body(content.body), bytes, memory, or_keep: false }
    }
}

/// Committing.
impl Delivery<'_> {
    /// All or none, unless it is for each. `queued`: what leaves with the same commit.
    pub(super) async fn commit(mut self, queued: Vec<(CollectionId, Item)>) -> Result<Filed, Refusal> {
        let mut filed: Filed = vec![Ok(()); self.inboxes.len()];
        let engine = self.gate.engine();
        for _ in 0..PLANS_MAX {
            let Plan { batch, refused } = self.plan(&filed, &queued).await?;
            if batch.is_empty() {
                self.tell(refused).await;
                return Ok(filed);
            }
            match engine.commit(batch).await {
                Ok(_) => {
                    self.tell(refused).await;
                    return Ok(filed);
                }
                // A mailbox came or went, rights moved, or somebody else answered.
                Err(CommitError::Stale | CommitError::Expectation(_) | CommitError::Exists | CommitError::Gone) => {}
                Err(CommitError::OverQuota(full)) => {
                    if full.iter().all(|root| self.full.contains(root)) {
                        return Err(Refusal::Unavailable);
                    }
                    self.full.extend(full);
                    for (inbox, outcome) in self.inboxes.iter().zip(&mut filed) {
                        if self.is_full(*inbox) {
                            *outcome = Err(Refusal::OverQuota);
                        }
                    }
                    if filed.iter().any(Result::is_err) && !self.for_each {
                        return Ok(filed);
                    }
                }
                Err(other) => return Err(other.into()),
            }
        }
        Err(Refusal::Unavailable)
    }

    async fn plan(&self, filed: &Filed, queued: &[(CollectionId, Item)]) -> Result<Plan, Refusal> {
        let mut plan = Plan { batch: self.whole.clone(), refused: Vec::new() };
        plan.batch.expect(Expect::Generation(self.gate.engine().generation()));
        for (inbox, _) in self.inboxes.iter().zip(filed).filter(|(_, outcome)| outcome.is_ok()) {
            match self.shares.iter().position(|share| share.filter.inbox == *inbox) {
                Some(at) => self.share(at, &mut plan).await?,
                None => _ = plan.batch.put(*inbox, message(UnixTime::now()), self.message),
            }
        }
        for (queue, item) in queued {
            plan.batch.put(*queue, item.clone(), self.message);
        }
        Ok(plan)
    }

    async fn share(&self, at: usize, plan: &mut Plan) -> Result<(), Refusal> {
        let Share { filter, steps, .. } = &self.shares[at];
        let mut made = Made::default();
        let mut places: Vec<(CollectionId, Flags)> = Vec::new();
        let mut place = |collection: CollectionId, flags: Flags| match places.iter_mut().find(|(known, _)| *known == collection) {
            Some((_, known)) => *known = *known | flags,
            None => places.push((collection, flags)),
        };
        for step in steps {
            match step {
                Step::File { mailbox, create, flags } => {
                    let wanted = Wanted { mailbox: mailbox.as_deref(), create: *create, flags };
                    match self.target(filter, wanted, plan, &mut made).await {
                        Ok((collection, flags)) => place(collection, flags),
                        Err(why) => {
                            let subject = mailbox.clone().unwrap_or_else(|| "INBOX".to_owned());
                            plan.refused.push((at, Refused { act: "filter file", subject, why }));
                            place(filter.inbox, Flags::NONE);
                        }
                    }
                }
                Step::Send { or_keep, to, .. } => {
                    let sent = self.send(filter, step, plan).await?;
                    if !sent && *or_keep {
                        let why = "there is no room for it".to_owned();
                        plan.refused.push((at, Refused { act: "filter forward", subject: to.to_string(), why }));
                        place(filter.inbox, Flags::NONE);
                    }
                }
            }
        }
        for (collection, flags) in places {
            plan.batch.put(collection, Item { flags, ..message(UnixTime::now()) }, self.message);
        }
        Ok(())
    }

    async fn target(&self, filter: &Filter, wanted: Wanted<'_>, plan: &mut Plan, made: &mut Made) -> Result<(CollectionId, Flags), String> {
        let found = target::target(filter, wanted, &mut plan.batch, made).await?;
        // A folder may have a quota of its own.
        if found.collection != filter.inbox && self.is_full(found.collection) {
            return Err("there is no room for it".to_owned());
        }
        Ok((found.collection, found.flags))
    }

    /// Into the queue, or to one of our people; false if they have no room, or were answered meanwhile.
    async fn send(&self, filter: &Filter, step: &Step, plan: &mut Plan) -> Result<bool, Refusal> {
        let Step::Send { from, to, body, bytes, memory, .. } = step else { return Ok(false) };
        let engine = self.gate.engine();
        let mut leaves = Vec::new();
        let mut inboxes = Vec::new();
        if self.gate.is_local_domain(to.domain()) {
            let Ok(Reached { ours, outside, .. }) = self.gate.reach(to, Some(filter.account.id)) else { return Ok(false) };
            let has_room = |inbox: &CollectionId| self.gate.has_room(*inbox, *bytes) && !self.is_full(*inbox);
            inboxes.extend(ours.into_iter().map(|one| one.inbox).filter(has_room));
            leaves = if self.onward.stays { Vec::new() } else { outside };
        } else {
            leaves.push(to.clone());
        }
        if inboxes.is_empty() && leaves.is_empty() {
            return Ok(false);
        }
        if let Some(memory) = memory
            && !memory.keep(filter, engine, &mut plan.batch).await?
        {
            return Ok(false);
        }
        for inbox in inboxes {
            plan.batch.put(inbox, message(UnixTime::now()), *body);
        }
        if !leaves.is_empty() {
            let collection = queue::collection(self.gate).ok_or(Refusal::Unavailable)?;
            plan.batch.put(collection, queue::item(self.gate, &leaving(from.clone(), self.onward.terms.clone(), leaves))?, *body);
        }
        Ok(true)
    }

    fn is_full(&self, collection: CollectionId) -> bool {
        !self.full.is_empty() && self.gate.engine().quotas_above(collection).iter().any(|quota| self.full.contains(&quota.root))
    }
}

/// Telling, once it has happened.
impl Delivery<'_> {
    async fn tell(&self, mut refused: Vec<(usize, Refused)>) {
        for (at, share) in self.shares.iter().enumerate() {
            let mut failure = share.failure.clone();
            let own = refused.extract_if(.., |(of, _)| *of == at).map(|(_, refused)| refused).collect::<Vec<_>>();
            for Refused { act, subject, why } in share.refused.iter().chain(&own) {
                self.note(&share.filter, act, subject, why).await;
                failure.get_or_insert_with(|| format!("{subject}: {why}"));
            }
            if let Some(why) = failure {
                self.tell_owner(&share.filter, why).await;
            }
        }
    }

    async fn note(&self, filter: &Filter, act: &str, subject: &str, reason: &str) {
        let line = Line {
            account: Some(filter.account.id),
            act,
            subject,
            peer: "filter",
            outcome: Outcome::Refused,
            reason,
            via: AuditVia::default(),
        };
        self.gate.audit(line).await;
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

/// The entry of the queue for a message that a filter sends.
fn leaving(from: Option<Address>, terms: Terms, to: Vec<Address>) -> QueueEntry {
    let now = UnixTime::now();
    let recipients = to.into_iter().map(|address| QueueRecipient::new(address, RecipientTerms::default(), now)).collect();
    QueueEntry { from, terms, queued: now, held: false, recipients }
}
