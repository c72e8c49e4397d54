//! The one commit of a delivery: planned from the state as it is, and planned anew when that has moved.

use super::decide::{Letter, Refused, Share, Step};
use super::target::{self, Made, Wanted};
use super::{Fate, Filed, Filter, Finished, Report, Sending};
use crate::acts::mailbox::message;
use crate::addressing::Reached;
use crate::envelope::{Envelope, Onward, ReturnPath};
use crate::gate::Gate;
use crate::queue::{self, QueueEntry, QueueRecipient, RecipientTerms, Terms};
use crate::refusal::Refusal;
use octroi_engine::{Batch, BodyIndex, CommitError, Expect};
use octroi_model::{AccountId, Address, CollectionId, Flags, Item, QuotaRoot, UnixTime};
use std::collections::HashMap;

/// How often a delivery is planned anew because rights, mailboxes or memories have moved meanwhile.
const PLANS_MAX: usize = 16;

/// A delivery under way.
pub(super) struct Delivery<'e, Kind> {
    pub(super) envelope: &'e Envelope<Kind>,
    pub(super) gate: &'e Gate,
    pub(super) onward: Onward,
    /// All contents.
    pub(super) whole: Batch,
    message: BodyIndex,
    /// Of the recipients, and of those to whom these send on.
    pub(super) shares: Vec<Share>,
    /// The shares of the recipients, by the mailbox that the message would go to.
    own: HashMap<CollectionId, usize>,
    report: Option<&'e Report<'e>>,
    /// Quotas that were found to be full.
    full: Vec<QuotaRoot>,
}

/// What a plan comes to: a batch, which shares have a part in it, and what was refused in it, by share.
#[derive(Default)]
pub(super) struct Plan {
    batch: Batch,
    pub(super) ran: Vec<usize>,
    pub(super) refused: Vec<(usize, Refused)>,
}

impl<'e, Kind: Sync> Delivery<'e, Kind> {
    pub(super) async fn new(envelope: &'e Envelope<Kind>, from: &ReturnPath, message: Finished<'e>) -> Result<Self, Refusal> {
        let Finished { content, judged, report } = message;
        let mut whole = Batch::new();
        let message = whole.body(content.body);
        let (gate, onward) = (&envelope.gate, envelope.onward());
        let (shares, own, full) = (Vec::new(), HashMap::new(), Vec::new());
        let mut delivery = Self { envelope, gate, onward, whole, message, shares, own, report, full };
        for judged in judged {
            let inbox = judged.filter.inbox;
            let at = delivery.decide(judged, message, from).await?;
            delivery.own.insert(inbox, at);
        }
        Ok(delivery)
    }

    /// All or none, unless it is for each. `queued`: what leaves with the same commit.
    pub(super) async fn commit(mut self, queued: &[(CollectionId, Item)], each: bool) -> Result<Filed, Refusal> {
        for _ in 0..PLANS_MAX {
            let arrivals = self.envelope.arrivals(|inbox| self.is_full(inbox));
            let full = arrivals.iter().filter(|arrival| arrival.fate == Fate::Full).count();
            if full > 0 && !each {
                return Err(Refusal::OverQuota);
            }
            let filed = arrivals.iter().map(|arrival| if arrival.fate == Fate::Full { Err(Refusal::OverQuota) } else { Ok(()) }).collect();
            if full == arrivals.len() {
                return Ok(filed);
            }
            let reports = self.report.map(|report| report(&arrivals)).unwrap_or_default();
            let mut plan = self.plan(queued, reports).await?;
            let batch = std::mem::take(&mut plan.batch);
            let done = if batch.is_empty() { Ok(()) } else { self.gate.engine().commit(batch).await.map(|_| ()) };
            match done {
                Ok(()) => {
                    self.tell(plan).await;
                    return Ok(filed);
                }
                // An account was removed between RCPT and DATA: the peer tries again and is told at RCPT.
                Err(CommitError::Gone) if self.shares.is_empty() => return Err(Refusal::Unavailable),
                // A mailbox came or went, rights moved, or somebody else answered.
                Err(CommitError::Stale | CommitError::Expectation(_) | CommitError::Exists | CommitError::Gone) => {}
                // If they are known, a quota was lifted meanwhile.
                Err(CommitError::OverQuota(full)) if full.iter().all(|root| self.full.contains(root)) => return Err(Refusal::Unavailable),
                Err(CommitError::OverQuota(full)) => self.full.extend(full),
                Err(other) => return Err(other.into()),
            }
        }
        Err(Refusal::Unavailable)
    }

    async fn plan(&self, queued: &[(CollectionId, Item)], reports: Vec<Sending>) -> Result<Plan, Refusal> {
        let mut plan = Plan { batch: self.whole.clone(), ..Plan::default() };
        if !self.shares.is_empty() {
            plan.batch.expect(Expect::Generation(self.gate.engine().generation()));
        }
        for one in self.envelope.deliveries().iter().filter(|one| !self.is_full(one.inbox)) {
            match self.own.get(&one.inbox) {
                Some(at) => self.share(*at, &mut plan).await?,
                None => _ = plan.batch.put(one.inbox, message(UnixTime::now()), self.message),
            }
        }
        for (queue, item) in queued {
            plan.batch.put(*queue, item.clone(), self.message);
        }
        for sending in reports {
            let letter = Letter::of_ours(&mut plan.batch, sending);
            // Who has no room for it has none: the message itself has arrived.
            if let Some(reached) = self.reached(None, &letter) {
                self.send(&letter, reached, &mut plan).await?;
            }
        }
        Ok(plan)
    }

    async fn share(&self, at: usize, plan: &mut Plan) -> Result<(), Refusal> {
        let Share { filter, message: octets, steps, .. } = &self.shares[at];
        plan.ran.push(at);
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
                Step::Send { letter, memory, or_keep } => {
                    let reached = self.reached(Some(filter.account.id), letter);
                    if reached.is_none() && *or_keep {
                        let (subject, why) = (letter.to.to_string(), "there is no room for it".to_owned());
                        plan.refused.push((at, Refused { act: "filter forward", subject, why }));
                        place(filter.inbox, Flags::NONE);
                    }
                    let Some(reached) = reached else { continue };
                    // Answered meanwhile.
                    if let Some(memory) = memory
                        && !memory.keep(filter, self.gate.engine(), &mut plan.batch).await?
                    {
                        continue;
                    }
                    self.send(letter, reached, plan).await?;
                }
            }
        }
        for (collection, flags) in places {
            plan.batch.put(collection, Item { flags, ..message(UnixTime::now()) }, *octets);
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

    /// The mailboxes and the people elsewhere that a letter reaches; `None` if there are none, or none with room.
    fn reached(&self, poster: Option<AccountId>, letter: &Letter) -> Option<(Vec<CollectionId>, Vec<Address>)> {
        if !self.gate.is_local_domain(letter.to.domain()) {
            return Some((Vec::new(), vec![letter.to.clone()]));
        }
        let Reached { ours, outside, .. } = self.gate.reach(&letter.to, poster).ok()?;
        let has_room = |inbox: &CollectionId| self.gate.has_room(*inbox, letter.bytes) && !self.is_full(*inbox);
        let inboxes: Vec<CollectionId> = ours.into_iter().map(|one| one.inbox).filter(has_room).collect();
        let leaves = if self.onward.stays { Vec::new() } else { outside };
        (!inboxes.is_empty() || !leaves.is_empty()).then_some((inboxes, leaves))
    }

    /// Into the queue and to our people, as their filters say.
    async fn send(&self, letter: &Letter, reached: (Vec<CollectionId>, Vec<Address>), plan: &mut Plan) -> Result<(), Refusal> {
        let (inboxes, leaves) = reached;
        for inbox in inboxes {
            match letter.shares.iter().find(|at| self.shares[**at].filter.inbox == inbox) {
                Some(at) => Box::pin(self.share(*at, plan)).await?,
                None => _ = plan.batch.put(inbox, message(UnixTime::now()), letter.body),
            }
        }
        if !leaves.is_empty() {
            let collection = queue::collection(self.gate).ok_or(Refusal::Unavailable)?;
            let entry = leaving(letter.from.clone(), self.onward.terms.clone(), leaves);
            plan.batch.put(collection, queue::item(self.gate, &entry)?, letter.body);
        }
        Ok(())
    }

    pub(super) fn is_full(&self, collection: CollectionId) -> bool {
        !self.full.is_empty() && self.gate.engine().quotas_above(collection).iter().any(|quota| self.full.contains(&quota.root))
    }
}

/// The entry of the queue for a message that a filter sends.
fn leaving(from: Option<Address>, terms: Terms, to: Vec<Address>) -> QueueEntry {
    let now = UnixTime::now();
    let recipients = to.into_iter().map(|address| QueueRecipient::new(address, RecipientTerms::default(), now)).collect();
    QueueEntry { from, terms, queued: now, held: false, recipients }
}
