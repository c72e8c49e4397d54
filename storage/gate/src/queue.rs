//! The outbound queue: messages that wait to leave, as items of one collection.
//!
//! Handed to the queue runner, and to the courier for messages of the server itself. What was tried is recorded durably after each
//! attempt, so that a restart tries nobody twice who was reached already.

use crate::acts::mailbox::message;
use crate::content::Content;
use crate::envelope::ReturnPath;
use crate::gate::{Gate, SYSTEM};
use crate::refusal::Refusal;
use octroi_engine::{Batch, Change, Expect, Part};
use octroi_model::{Address, CollectionId, CollectionKind, Head, Item, ModSeq, Uid, UidSet, UnixTime};
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use tokio::sync::watch;

/// Longest record of the last error, in bytes.
const ERROR_BYTES_MAX: usize = 1024;

/// A queued message's envelope and history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueEntry {
    /// Return path; `None` is `<>`.
    pub from: Option<Address>,
    /// Everybody it is for, whatever became of them.
    pub recipients: Vec<QueueRecipient>,
    /// When it came.
    pub queued: UnixTime,
    /// When to try next.
    pub next_try: UnixTime,
    /// How often it was tried.
    pub attempts: u32,
    /// What the last failed attempt said.
    pub last_error: String,
}

/// One recipient of a queued message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueRecipient {
    /// Who.
    pub address: Address,
    /// How it stands.
    pub state: RecipientState,
}

/// How a recipient stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RecipientState {
    /// To be tried.
    Waiting,
    /// The other side took it.
    Delivered,
    /// It will not be: the other side's reply or our reason.
    Failed(String),
}

impl QueueEntry {
    pub(crate) fn encode(&self) -> Result<Vec<u8>, Refusal> {
        let mut entry = self.clone();
        let mut end = entry.last_error.len().min(ERROR_BYTES_MAX);
        while !entry.last_error.is_char_boundary(end) {
            end -= 1;
        }
        entry.last_error.truncate(end);
        postcard::to_stdvec(&entry).map_err(|_| Refusal::Limit("queue entry"))
    }
}

/// A queued message.
#[derive(Debug, Clone)]
pub struct Queued {
    /// Envelope and history.
    pub entry: QueueEntry,
    /// Octets of the message.
    pub bytes: u64,
    item: Item,
}

/// The queue. Cheap to clone.
#[derive(Clone)]
pub struct Queue {
    gate: Gate,
    collection: CollectionId,
}

/// The queue's collection.
pub(crate) fn collection(gate: &Gate) -> Option<CollectionId> {
    gate.engine().homes(SYSTEM).iter().find(|c| c.kind == CollectionKind::Queue).map(|c| c.id)
}

impl Queue {
    pub(crate) fn new(gate: Gate, collection: CollectionId) -> Self {
        Self { gate, collection }
    }

    /// Entries whose time has come, the longest waiting first.
    pub async fn due(&self, now: UnixTime, limit: usize) -> Result<Vec<Queued>, Refusal> {
        let mut due = self.all().await?;
        due.retain(|queued| queued.entry.next_try <= now);
        due.sort_by_key(|queued| queued.entry.next_try);
        due.truncate(limit);
        Ok(due)
    }

    /// When the next entry's time comes.
    pub async fn next_try(&self) -> Option<UnixTime> {
        self.all().await.ok()?.iter().map(|queued| queued.entry.next_try).min()
    }

    /// Wakes when something is queued or changed.
    pub fn watch(&self) -> watch::Receiver<ModSeq> {
        self.gate.engine().watch(self.collection)
    }

    /// Octets of the message from `offset`, at most [`crate::READ_BYTES_MAX`].
    pub async fn read(&self, queued: &Queued, offset: u64, bytes: u64) -> Result<Vec<u8>, Refusal> {
        let left = queued.bytes.saturating_sub(offset);
        let part = Part::Range { offset, bytes: bytes.min(left).min(crate::READ_BYTES_MAX) };
        let parts = self.gate.engine().read(vec![(queued.item.content, part)]).await?;
        Ok(parts.into_iter().next().unwrap_or_default())
    }

    /// Record what became of an attempt. [`Refusal::Precondition`] if somebody else changed the entry.
    pub async fn update(&self, queued: &Queued, entry: QueueEntry) -> Result<Queued, Refusal> {
        let item = Item { properties: Some(Arc::from(entry.encode()?)), ..queued.item.clone() };
        let mut batch = self.if_unchanged(queued);
        batch.push(Change::Put { collection: self.collection, item, head: Head::default() });
        batch.push(self.removal(queued.item.uid));
        let receipt = self.gate.engine().commit(batch).await?;
        let put = receipt.changes.iter().find_map(|change| match change {
            Change::Put { item, .. } => Some(item.clone()),
            _ => None,
        });
        Ok(Queued { entry, bytes: queued.bytes, item: put.ok_or(Refusal::Unavailable)? })
    }

    /// Nothing is left to try.
    pub async fn done(&self, queued: &Queued) -> Result<(), Refusal> {
        let mut batch = self.if_unchanged(queued);
        batch.push(self.removal(queued.item.uid));
        self.gate.engine().commit(batch).await?;
        Ok(())
    }

    /// Tell one of our people: from `<>`, so that nothing answers it.
    pub async fn bounce(&self, to: &Address, content: Content) -> Result<(), Refusal> {
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
        let recipients = vec![QueueRecipient { address: to.clone(), state: RecipientState::Waiting }];
        let entry = QueueEntry { from: None, recipients, queued: now, next_try: now, attempts: 0, last_error: String::new() };
        let item = Item { properties: Some(Arc::from(entry.encode()?)), ..message(now) };
        let mut batch = Batch::new();
        let body = batch.body(content.body);
        batch.put(self.collection, item, body);
        self.gate.engine().commit(batch).await?;
        Ok(())
    }

    async fn all(&self) -> Result<Vec<Queued>, Refusal> {
        let view = self.gate.engine().view(self.collection).await?;
        Ok(view
            .items()
            .filter_map(|item| {
                let entry = postcard::from_bytes(item.properties.as_deref()?).ok();
                if entry.is_none() {
                    tracing::error!(uid = item.uid.0, "a queue entry cannot be read");
                }
                Some(Queued { entry: entry?, bytes: item.bytes(), item: item.clone() })
            })
            .collect())
    }

    fn if_unchanged(&self, queued: &Queued) -> Batch {
        let mut batch = Batch::new();
        batch.expect(Expect::Unchanged { collection: self.collection, uid: queued.item.uid, modseq: queued.item.modseq });
        batch
    }

    fn removal(&self, uid: Uid) -> Change {
        Change::Expunge { collection: self.collection, uids: UidSet::from_uids([uid]), modseq: ModSeq(0), head: Head::default() }
    }
}
