//! The outbound queue: messages that wait to leave, as items of one collection.
//!
//! Handed to the queue runner, to the courier for messages of the server itself, and to the admin socket, which shows and steers it. What
//! was tried is recorded durably after each attempt, so that a restart tries nobody twice who was reached already. An entry keeps its
//! number for as long as it is there.

mod entry;

pub use entry::{DeliverBy, Notify, QueueEntry, QueueRecipient, RecipientState, RecipientTerms, Ret, Terms};

use crate::acts::mailbox::message;
use crate::audit::Line;
use crate::content::Content;
use crate::envelope::ReturnPath;
use crate::gate::{Gate, SYSTEM};
use crate::refusal::Refusal;
use octroi_engine::{Batch, Change, CommitError, Expect, Part};
use octroi_model::{Address, AuditVia, CollectionId, CollectionKind, Head, Item, ModSeq, Name, Outcome, Uid, UidSet, UnixTime};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// How often an entry is changed anew because somebody else changed it at the same time.
const TRIES: usize = 20;

/// A queued message.
#[derive(Debug, Clone)]
pub struct Queued {
    /// Number of the entry.
    pub id: Uid,
    /// Envelope and history.
    pub entry: QueueEntry,
    /// Octets of the message.
    pub bytes: u64,
    item: Item,
}

/// What becomes of an entry that somebody looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It stays as it is.
    Leave,
    /// As it was changed.
    Keep,
    /// Nothing is left to try.
    Remove,
}

/// The queue. Cheap to clone.
#[derive(Clone)]
pub struct Queue {
    gate: Gate,
    collection: CollectionId,
    /// Entries that somebody other than the runner has changed.
    touched: Arc<Mutex<Vec<Uid>>>,
}

/// The queue's collection.
pub(crate) fn collection(gate: &Gate) -> Option<CollectionId> {
    gate.engine().homes(SYSTEM).iter().find(|c| c.kind == CollectionKind::Queue).map(|c| c.id)
}

/// An entry as it is put into the queue. With a name, so that it keeps its number when it changes.
pub(crate) fn item(gate: &Gate, entry: &QueueEntry) -> Result<Item, Refusal> {
    let name = Name::new(&format!("{:x}", gate.engine().new_id())).map_err(|_| Refusal::Unavailable)?;
    Ok(Item { properties: Some(Arc::from(entry.encode()?)), name: Some(name), ..message(entry.queued) })
}

impl Queue {
    pub(crate) fn new(gate: Gate, collection: CollectionId) -> Self {
        Self { gate, collection, touched: Arc::default() }
    }

    /// Entries after this one, by age, at most so many; and the number to go on after, `None` at the end.
    pub async fn after(&self, id: Uid, limit: usize) -> Result<(Vec<Queued>, Option<Uid>), Refusal> {
        let view = self.gate.engine().view(self.collection).await?;
        let first = view.lower_bound(id.next());
        let items: Vec<&Item> = (first..view.len()).map_while(|at| view.at(at)).take(limit).collect();
        let last = items.last().map(|item| item.uid).filter(|_| items.len() == limit);
        Ok((items.into_iter().filter_map(queued).collect(), last))
    }

    /// Entries of another version of the program, which nothing can be done with here but to discard them; at most so many.
    pub async fn unreadable(&self, limit: usize) -> Result<Vec<Uid>, Refusal> {
        let view = self.gate.engine().view(self.collection).await?;
        Ok(view.items().filter(|item| queued(item).is_none()).map(|item| item.uid).take(limit).collect())
    }

    /// One entry.
    pub async fn get(&self, id: Uid) -> Result<Option<Queued>, Refusal> {
        let view = self.gate.engine().view(self.collection).await?;
        Ok(view.by_uid(id).and_then(queued))
    }

    /// How many there are.
    pub async fn len(&self) -> Result<usize, Refusal> {
        Ok(self.gate.engine().view(self.collection).await?.len())
    }

    /// None?
    pub async fn is_empty(&self) -> Result<bool, Refusal> {
        Ok(self.len().await? == 0)
    }

    /// Wakes when something is queued or changed.
    pub fn watch(&self) -> watch::Receiver<ModSeq> {
        self.gate.engine().watch(self.collection)
    }

    /// Entries that were changed since this was asked last, by others than the runner.
    pub fn touched(&self) -> Vec<Uid> {
        std::mem::take(&mut *self.touched.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Octets of the message from `offset`, at most [`crate::READ_BYTES_MAX`].
    pub async fn read(&self, queued: &Queued, offset: u64, bytes: u64) -> Result<Vec<u8>, Refusal> {
        let left = queued.bytes.saturating_sub(offset);
        let part = Part::Range { offset, bytes: bytes.min(left).min(crate::READ_BYTES_MAX) };
        let parts = self.gate.engine().read(vec![(queued.item.content, part)]).await?;
        Ok(parts.into_iter().next().unwrap_or_default())
    }

    /// Change an entry as it is now; `change` is asked again when somebody else changed it meanwhile. On disk when this returns. `None`
    /// when it is not there any more, or was removed.
    pub async fn change(&self, id: Uid, change: impl FnMut(&mut QueueEntry) -> Verdict + Send) -> Result<Option<Queued>, Refusal> {
        self.change_and(id, change, None).await
    }

    async fn change_and(
        &self,
        id: Uid,
        mut change: impl FnMut(&mut QueueEntry) -> Verdict + Send,
        line: Option<Line<'_>>,
    ) -> Result<Option<Queued>, Refusal> {
        for _ in 0..TRIES {
            let Some(queued) = self.get(id).await? else { return Ok(None) };
            let mut entry = queued.entry.clone();
            let mut batch = Batch::new();
            batch.expect(Expect::Unchanged { collection: self.collection, uid: id, modseq: queued.item.modseq });
            let verdict = change(&mut entry);
            match verdict {
                Verdict::Leave => return Ok(Some(queued)),
                Verdict::Keep => {
                    let item = Item { properties: Some(Arc::from(entry.encode()?)), ..queued.item.clone() };
                    batch.push(Change::Put { collection: self.collection, item, head: Head::default() });
                }
                Verdict::Remove => _ = batch.push(self.removal(id)),
            }
            if let Some(line) = line.clone() {
                batch.push(line.into_change());
            }
            match self.gate.engine().commit(batch).await {
                Ok(_) if verdict == Verdict::Remove => return Ok(None),
                Ok(_) => return Ok(Some(Queued { entry, ..queued })),
                Err(CommitError::Expectation(_) | CommitError::Gone) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Refusal::Unavailable)
    }

    /// The same for an administrator: with a line in the audit trail, and the runner hears of it.
    async fn steer(&self, id: Uid, act: &str, change: impl FnMut(&mut QueueEntry) -> Verdict + Send) -> Result<(), Refusal> {
        let queued = self.get(id).await?.ok_or(Refusal::Missing)?;
        let from = queued.entry.from.as_ref().map_or_else(|| "<>".to_owned(), ToString::to_string);
        let line = Line {
            account: None,
            act,
            subject: &format!("{id} from {from}"),
            peer: "admin socket",
            outcome: Outcome::Done,
            reason: "",
            via: AuditVia::default(),
        };
        // Known before it is seen: the commit wakes the runner.
        self.touched.lock().unwrap_or_else(PoisonError::into_inner).push(id);
        self.change_and(id, change, Some(line)).await?;
        Ok(())
    }

    /// Try everybody who waits now.
    pub async fn retry(&self, id: Uid) -> Result<(), Refusal> {
        let now = UnixTime::now();
        let change = |entry: &mut QueueEntry| {
            entry.recipients.iter_mut().filter(|recipient| recipient.is_waiting()).for_each(|recipient| recipient.next_try = now);
            Verdict::Keep
        };
        self.steer(id, "queue retry", change).await
    }

    /// Put it aside, or let it go on: then everybody who waits is tried now.
    pub async fn hold(&self, id: Uid, held: bool) -> Result<(), Refusal> {
        let now = UnixTime::now();
        let change = |entry: &mut QueueEntry| {
            entry.held = held;
            if !held {
                entry.recipients.iter_mut().filter(|recipient| recipient.is_waiting()).for_each(|recipient| recipient.next_try = now);
            }
            Verdict::Keep
        };
        self.steer(id, if held { "queue hold" } else { "queue release" }, change).await
    }

    /// Throw it away. Nobody is told.
    pub async fn discard(&self, id: Uid) -> Result<(), Refusal> {
        let view = self.gate.engine().view(self.collection).await?;
        match view.by_uid(id).filter(|item| queued(item).is_none()) {
            Some(unreadable) => self.discard_unreadable(unreadable).await,
            None => self.steer(id, "queue drop", |_| Verdict::Remove).await,
        }
    }

    async fn discard_unreadable(&self, item: &Item) -> Result<(), Refusal> {
        let subject = format!("{} of another version", item.uid);
        let (outcome, via) = (Outcome::Done, AuditVia::default());
        let line = Line { account: None, act: "queue drop", subject: &subject, peer: "admin socket", outcome, reason: "", via };
        let mut batch = Batch::new();
        batch.expect(Expect::Unchanged { collection: self.collection, uid: item.uid, modseq: item.modseq });
        batch.push(self.removal(item.uid));
        batch.push(line.into_change());
        self.gate.engine().commit(batch).await?;
        Ok(())
    }

    /// Tell somebody what became of a message: from `<>`, so that nothing answers it. On disk when this returns.
    pub async fn notify(&self, to: &Address, content: Content) -> Result<(), Refusal> {
        if !self.gate.is_local_domain(to.domain()) {
            return self.send(to, content).await;
        }
        let mut envelope = self.gate.inbound(ReturnPath::Null, IpAddr::V4(Ipv4Addr::LOCALHOST));
        envelope.add(to).await?;
        envelope.deliver(content).await
    }

    /// Queue a message of the server itself for an address elsewhere, from `<>`: if it cannot be delivered, nobody is told. On disk when
    /// this returns.
    pub async fn send(&self, to: &Address, content: Content) -> Result<(), Refusal> {
        if self.gate.is_local_domain(to.domain()) {
            return Err(Refusal::Unsupported);
        }
        let now = UnixTime::now();
        let recipients = vec![QueueRecipient::new(to.clone(), RecipientTerms::default(), now)];
        let entry = QueueEntry { from: None, terms: Terms::default(), queued: now, held: false, recipients };
        let item = item(&self.gate, &entry)?;
        let mut batch = Batch::new();
        let body = batch.body(content.body);
        batch.put(self.collection, item, body);
        self.gate.engine().commit(batch).await?;
        Ok(())
    }

    fn removal(&self, uid: Uid) -> Change {
        Change::Expunge { collection: self.collection, uids: UidSet::from_uids([uid]), modseq: ModSeq(0), head: Head::default() }
    }
}

fn queued(item: &Item) -> Option<Queued> {
    let entry = QueueEntry::decode(item.properties.as_deref()?)?;
    Some(Queued { id: item.uid, entry, bytes: item.bytes(), item: item.clone() })
}
