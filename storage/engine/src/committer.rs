//! The one that writes: takes all batches that wait, validates and stamps them, writes them with one sync, publishes, answers.
//!
//! Runs on a thread of its own, fed through a bounded channel; a batch that comes alone is committed by who asks for it. What holds: nothing
//! is published or answered before it is synced; after a failed write or sync nothing is written again.

use crate::body::Body;
use crate::change::{Batch, Change, Receipt};
use crate::compact;
use crate::draft::{Draft, Stop};
use crate::interface::CommitError;
use crate::journal::{Group, Journal, Kind, Position, WriteFault, Written};
use crate::shared::Shared;
use crate::stamp::Stamper;
use crate::state::{Applied, Entry};
use octroi_model::{CollectionId, ContentRef, UnixTime};
use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tokio::sync::{mpsc, oneshot};

/// Batches on their way to the committer; who comes later waits.
const QUEUE_BATCHES: usize = 1024;
/// A batch that is committed by who asks for it brings no more octets than this,
const HERE_BYTES_MAX: u64 = 128 << 10;
/// and no more changes.
const HERE_CHANGES_MAX: usize = 64;
/// Batches that wait for the next group without anyone waiting for them.
const LATER_MAX: usize = 256;
/// About what a change takes in memory beside its encoded form.
const CHANGE_BYTES: u64 = 400;

/// What the committer is asked.
#[derive(Debug)]
pub(crate) enum Message {
    /// Commit and answer.
    Commit(Batch, oneshot::Sender<Answer>),
    /// Commit with the next group.
    Later(Batch),
    /// Commit what waits for the next group.
    Flush,
    /// Answer with the number of the segment that is appended to, once all that was stamped before this is published; go on in a new one
    /// before, if that is asked for.
    Turn { roll: bool, reply: oneshot::Sender<u64> },
    /// Commit what was asked for before this, then end.
    Stop,
}

/// What to do after a group.
enum Then {
    GoOn,
    Turn { roll: bool, reply: oneshot::Sender<u64> },
    Stop,
}

/// What became of a batch.
#[derive(Debug)]
pub(crate) enum Answer {
    Done(Result<Receipt, CommitError>),
    /// Load this view, then ask again.
    NotLoaded(Batch, CollectionId),
}

struct Submission {
    batch: Batch,
    reply: Option<oneshot::Sender<Answer>>,
}

impl Submission {
    fn answer(self, result: Result<Receipt, CommitError>) {
        match self.reply {
            // Who asked may have gone away; the batch is committed all the same.
            Some(reply) => drop(reply.send(Answer::Done(result))),
            None => {
                if let Err(error) = result {
                    tracing::warn!(%error, "a batch that nobody waits for was not committed");
                }
            }
        }
    }
}

/// A batch that will be on disk.
struct Accepted {
    submission: Submission,
    changes: Vec<Change>,
    end: Position,
    bytes: u64,
}

/// Validates, writes and publishes groups; one at a time.
pub(crate) struct Core {
    shared: Arc<Shared>,
    journal: Journal,
    /// What waits for the next group.
    later: Vec<Batch>,
}

/// The committer's thread.
pub(crate) struct Committer {
    shared: Arc<Shared>,
    core: Arc<Mutex<Core>>,
    messages: mpsc::Receiver<Message>,
}

/// The way to the committer.
#[derive(Debug)]
pub(crate) struct Submitter {
    shared: Arc<Shared>,
    core: Arc<Mutex<Core>>,
    messages: mpsc::Sender<Message>,
}

/// A committer that is not running yet, and the way to it.
pub(crate) fn committer(shared: Arc<Shared>, journal: Journal) -> (Committer, Submitter) {
    let (sender, messages) = mpsc::channel(QUEUE_BATCHES);
    let core = Arc::new(Mutex::new(Core { shared: shared.clone(), journal, later: Vec::new() }));
    (Committer { shared: shared.clone(), core: core.clone(), messages }, Submitter { shared, core, messages: sender })
}

impl Submitter {
    /// Hand a message over; `Err` when the committer has ended.
    pub(crate) async fn send(&self, message: Message) -> Result<(), Closed> {
        hand_over(&self.shared, &self.messages, message).await
    }

    /// For who must know what the committer has done, and must not keep it from ending.
    pub(crate) fn turns(&self) -> Turns {
        Turns { shared: self.shared.clone(), messages: self.messages.downgrade() }
    }

    /// Commit a batch. Alone and on a quick disk it is done here and now: handing over to another thread and being woken by it takes as
    /// long as a sync, and blocking for that long harms nobody. As soon as there are several they share the committer's syncs.
    pub(crate) async fn commit(&self, batch: Batch) -> Result<Answer, Closed> {
        let (reply, answer) = oneshot::channel();
        let submission = Submission { batch, reply: Some(reply) };
        if let Some(submission) = self.commit_here(submission) {
            let Submission { batch, reply: Some(reply) } = submission else { return Err(Closed) };
            self.send(Message::Commit(batch, reply)).await?;
        }
        answer.await.map_err(|_| Closed)
    }

    /// Returns the submission if it must go to the thread.
    fn commit_here(&self, submission: Submission) -> Option<Submission> {
        let bytes: u64 = submission.batch.bodies.iter().map(|body| body.stored.len() as u64).sum();
        let is_small = bytes <= HERE_BYTES_MAX && submission.batch.changes.len() <= HERE_CHANGES_MAX;
        let is_quick = self.shared.sync_micros.load(Ordering::Relaxed) < self.shared.options.alone_micros_max;
        if !is_small || !is_quick || self.shared.queued.load(Ordering::Acquire) > 0 || !self.shared.has_room() {
            return Some(submission);
        }
        let Ok(mut core) = self.core.try_lock() else { return Some(submission) };
        if core.shared.closed.load(Ordering::Acquire) {
            return Some(submission);
        }
        let mut group = core.take_later();
        group.push(submission);
        core.commit(group);
        None
    }
}

/// A way to the committer that does not keep it from ending.
#[derive(Debug, Clone)]
pub(crate) struct Turns {
    shared: Arc<Shared>,
    messages: mpsc::WeakSender<Message>,
}

impl Turns {
    /// Wait until the committer has published what it stamped before this; which segment it appends to. With `roll`, a new one.
    pub(crate) async fn turn(&self, roll: bool) -> Result<u64, Closed> {
        let (reply, answer) = oneshot::channel();
        let messages = self.messages.upgrade().ok_or(Closed)?;
        hand_over(&self.shared, &messages, Message::Turn { roll, reply }).await?;
        answer.await.map_err(|_| Closed)
    }
}

async fn hand_over(shared: &Shared, messages: &mpsc::Sender<Message>, message: Message) -> Result<(), Closed> {
    let permit = messages.reserve().await.map_err(|_| Closed)?;
    // Counted once it is sure to be sent, and before that is seen.
    shared.queued.fetch_add(1, Ordering::AcqRel);
    permit.send(message);
    Ok(())
}

/// The committer has ended.
#[derive(Debug)]
pub(crate) struct Closed;

impl Committer {
    /// Work until the channel is closed or told to stop.
    pub(crate) fn run(mut self) {
        let mut going = true;
        while going && let Some(first) = self.messages.blocking_recv() {
            self.shared.wait_for_room();
            let core = self.core.clone();
            let mut core = core.lock().unwrap_or_else(PoisonError::into_inner);
            let (group, then) = self.gather(first, &mut core.later);
            if !group.is_empty() {
                core.commit(group);
            }
            match then {
                Then::GoOn => {}
                Then::Turn { roll, reply } => {
                    if roll {
                        core.roll();
                    }
                    let _ = reply.send(core.journal.open_segment());
                }
                Then::Stop => going = false,
            }
        }
        self.core.lock().unwrap_or_else(PoisonError::into_inner).end();
    }

    /// All that waits, up to the limits of a group; and what to do afterwards.
    fn gather(&mut self, first: Message, later: &mut Vec<Batch>) -> (Vec<Submission>, Then) {
        let mut group = Vec::new();
        let (mut bytes, mut flush, mut then) = (0, false, Then::GoOn);
        let mut next = Some(first);
        while let Some(message) = next {
            self.shared.queued.fetch_sub(1, Ordering::AcqRel);
            match message {
                Message::Commit(batch, reply) => {
                    bytes += batch.bodies.iter().map(|body| body.stored.len() as u64).sum::<u64>();
                    // In the order in which one task asked: what waited comes first.
                    group.extend(later.drain(..).map(|batch| Submission { batch, reply: None }));
                    group.push(Submission { batch, reply: Some(reply) });
                }
                Message::Later(batch) => {
                    later.push(batch);
                    flush |= later.len() >= LATER_MAX;
                }
                Message::Flush => flush = true,
                Message::Turn { roll, reply } => {
                    then = Then::Turn { roll, reply };
                    break;
                }
                Message::Stop => {
                    then = Then::Stop;
                    break;
                }
            }
            if group.len() >= self.shared.options.group_batches_max || bytes >= self.shared.options.group_bytes_max {
                break;
            }
            next = self.messages.try_recv().ok();
        }
        if flush || matches!(then, Then::Stop) || !group.is_empty() {
            group.extend(later.drain(..).map(|batch| Submission { batch, reply: None }));
        }
        (group, then)
    }
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core").finish_non_exhaustive()
    }
}

impl Core {
    fn take_later(&mut self) -> Vec<Submission> {
        self.later.drain(..).map(|batch| Submission { batch, reply: None }).collect()
    }

    fn roll(&mut self) {
        if self.shared.failure().is_some() {
            return;
        }
        if let Err(WriteFault::Broken(error)) = self.journal.roll() {
            self.shared.fail(error.to_string());
        }
    }

    /// Nothing is committed after this.
    fn end(&mut self) {
        let last = self.take_later();
        self.commit(last);
        self.shared.closed.store(true, Ordering::Release);
        if self.shared.failure().is_none()
            && let Err(error) = self.journal.trim()
        {
            // The next who opens does it.
            tracing::warn!(%error, "what was written ahead was not cut off");
        }
    }

    fn commit(&mut self, group: Vec<Submission>) {
        if let Some(why) = self.shared.failure() {
            for submission in group {
                submission.answer(Err(CommitError::Storage(why.clone())));
            }
            return;
        }
        let (mut accepted, refused) = self.stamp(group);
        if !accepted.is_empty() {
            if let Err(fault) = self.write(&mut accepted) {
                let error = match fault {
                    WriteFault::NoSpace => CommitError::NoSpace,
                    WriteFault::Broken(error) => {
                        self.shared.fail(error.to_string());
                        CommitError::Storage(error.to_string())
                    }
                };
                let all = accepted.into_iter().map(|accepted| accepted.submission).chain(refused.into_iter().map(|(s, _)| s));
                for submission in all {
                    submission.answer(Err(error.clone()));
                }
                return;
            }
            self.publish(accepted);
        }
        // Only now: a refusal may rest on a batch of the same group.
        for (submission, error) in refused {
            submission.answer(Err(error));
        }
    }

    fn stamp(&self, group: Vec<Submission>) -> (Vec<Accepted>, Vec<(Submission, CommitError)>) {
        let (mut accepted, mut refused, mut returned) = (Vec::with_capacity(group.len()), Vec::new(), Vec::new());
        let group: Vec<_> = group.into_iter().map(|submission| (self.refers_well(&submission.batch), submission)).collect();
        let state = self.shared.state();
        let mut stamper = Stamper::new(Draft::new(&state), UnixTime::now());
        for (refers_well, submission) in group {
            if !refers_well {
                refused.push((submission, CommitError::Gone));
                continue;
            }
            let generation = *self.shared.generation.borrow();
            match stamper.stamp(&submission.batch, generation) {
                Ok(changes) => accepted.push(Accepted { submission, changes, end: Position::default(), bytes: 0 }),
                Err(Stop::Refused(error)) => refused.push((submission, error)),
                Err(Stop::NotLoaded(collection)) => returned.push((submission, collection)),
            }
        }
        drop(state);
        for (Submission { batch, reply }, collection) in returned {
            if let Some(reply) = reply {
                drop(reply.send(Answer::NotLoaded(batch, collection)));
            } else {
                tracing::error!(%collection, "a batch that nobody waits for needs a view");
            }
        }
        (accepted, refused)
    }

    /// Are the contents there that a batch refers to without bringing them? From here on they stay, for this batch.
    fn refers_well(&self, batch: &Batch) -> bool {
        batch.changes.iter().all(|change| match change {
            (Change::Put { item, .. }, None) => self.shared.erasing.refer(&item.content, &self.shared.contents),
            _ => true,
        })
    }

    /// Bodies, then the batch that refers to them, for each; then one write and one sync.
    fn write(&mut self, accepted: &mut [Accepted]) -> Result<(), WriteFault> {
        let ids = accepted.iter().flat_map(|accepted| &accepted.changes).filter_map(created_id);
        self.shared.next_id.fetch_max(ids.max().unwrap_or(0) + 1, Ordering::Relaxed);
        let next_id = self.shared.next_id.load(Ordering::Relaxed);
        let at = UnixTime::now();
        let mut group = self.journal.group()?;
        for Accepted { submission: Submission { batch, .. }, changes, end, bytes } in accepted {
            let mut contents: Vec<Option<ContentRef>> = vec![None; batch.bodies.len()];
            for (change, (_, body)) in changes.iter_mut().zip(&batch.changes) {
                if let (Change::Put { item, .. }, Some(index)) = (change, body) {
                    item.content = *contents[*index].get_or_insert_with(|| place(&batch.bodies[*index], &mut group));
                }
            }
            let payload = postcard::to_stdvec(&Written { at, next_id, changes }).map_err(|e| WriteFault::Broken(io::Error::other(e)))?;
            group.add(Kind::Batch, &payload, crc32fast::hash(&payload));
            *end = Position { segment: group.segment(), offset: group.offset() };
            *bytes = payload.len() as u64 + changes.len() as u64 * CHANGE_BYTES;
        }
        let began = Instant::now();
        group.write()?;
        self.shared.synced_in(began.elapsed());
        Ok(())
    }

    fn publish(&self, accepted: Vec<Accepted>) {
        let mut all = Applied::default();
        let mut answers = Vec::with_capacity(accepted.len());
        let mut state = self.shared.state_mut();
        let (mut moves, mut freed) = (0, 0);
        // Who begins to hear after this looks at the state after this, too.
        let (heard, mut news) = (!self.shared.ears.is_empty(), BTreeSet::new());
        for Accepted { submission, changes, end, bytes } in accepted {
            for change in &changes {
                freed += compact::freed(&state, change);
                if heard {
                    state.news(change, &mut news);
                }
                state.apply(change, &mut all);
                moves += u64::from(change.moves_rights());
            }
            let changes: Arc<[Change]> = changes.into();
            let sides = std::mem::take(&mut all.sides).into();
            state.remember(Entry { end, changes: changes.clone(), sides, bytes });
            answers.push((submission, changes));
        }
        state.evict(self.shared.options.view_items_max);
        if moves > 0 {
            // With the new rights, before anyone can see them: a grant that was decided on the old ones is stale from here on.
            self.shared.generation.send_modify(|generation| *generation += moves);
        }
        drop(state);
        self.shared.work.notify_one();
        if let Some(search) = &self.shared.search {
            search.news.notify_one();
        }
        self.shared.compacting.freed(freed);
        self.shared.announce(&all);
        self.shared.ears.wake(&news);
        for (submission, changes) in answers {
            submission.answer(Ok(Receipt { changes }));
        }
    }
}

/// Where a body lies: in its own file already, or in this group from now on.
fn place(body: &Body, group: &mut Group<'_>) -> ContentRef {
    if let Some(staged) = &body.staged {
        staged.keep();
        return body.content;
    }
    let segment = group.segment();
    ContentRef { segment, offset: group.add(Kind::Body, &body.stored, body.crc), ..body.content }
}

/// The id that a change uses up.
pub(crate) fn created_id(change: &Change) -> Option<u64> {
    match change {
        Change::CreateCollection { collection, .. } => Some(collection.id.0),
        Change::CreateAccount(account) => Some(account.id.0),
        Change::Mint(app_password) => Some(app_password.id.0),
        Change::SetGroup(group) => Some(group.id.0),
        Change::SetAlias(alias) => Some(alias.id.0),
        Change::Lock(lock) => Some(lock.id.0),
        Change::SetFactors { factors, .. } => {
            factors.passkeys.iter().map(|passkey| passkey.id.0).chain(factors.devices.iter().map(|device| device.id.0)).max()
        }
        _ => None,
    }
}
