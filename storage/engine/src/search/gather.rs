//! Finding what is to be taken in: what the journal brought since a position, up to what is published.
//!
//! Contents are not read here but through `Contents`, by what the batches say of them. What does not check is passed over, which the
//! caller is told: mailboxes are then looked through for what is missing.

use super::block::Key;
use super::text::{Kind as Text, is_text};
use crate::change::Change;
use crate::journal::{Kind, Position, Reread, Segment, Step, Walk, find_frame, segment_name, survey};
use crate::options::OpenError;
use crate::shared::Shared;
use octroi_model::{AccountId, CollectionId, ContentRef, Item, Uid};
use std::collections::VecDeque;

/// Messages taken in with one transaction.
const PORTION_MESSAGES: usize = 4096;
/// Octets of messages taken in with one transaction: bounds memory, and what an interruption costs.
const PORTION_BYTES: u64 = 24 << 20;
/// Octets of the journal looked through before the position is noted again.
const PORTION_JOURNAL_BYTES: u64 = 256 << 20;
/// What is larger is not taken in: reading it whole would cost too much memory.
const MESSAGE_BYTES_MAX: u64 = crate::stage::DESCRIBED_BYTES_MAX;

/// A message to take in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    pub(crate) account: AccountId,
    pub(crate) key: Key,
    pub(crate) content: ContentRef,
    pub(crate) is: Text,
    mailbox: CollectionId,
    uid: Uid,
}

/// What is taken in with one transaction.
#[derive(Debug, Default)]
pub(crate) struct Portion {
    pub(crate) wanted: Vec<Wanted>,
    pub(crate) accounts_gone: Vec<AccountId>,
    bytes: u64,
}

impl Portion {
    pub(crate) fn is_full(&self) -> bool {
        self.wanted.len() >= PORTION_MESSAGES || self.bytes >= PORTION_BYTES
    }

    /// Add an item of a mailbox or folder.
    pub(crate) fn add(&mut self, account: AccountId, mailbox: CollectionId, is: Text, item: &Item) {
        if item.bytes() <= MESSAGE_BYTES_MAX && (is == Text::Message || is_text(item)) {
            self.bytes += item.bytes();
            self.wanted.push(Wanted { account, key: is.key(&item.hash), content: item.content, is, mailbox, uid: item.uid });
        }
    }

    fn change(&mut self, shared: &Shared, change: &Change) {
        match change {
            Change::Put { collection, item, .. } => {
                let found = shared.state().collections.get(collection).and_then(|c| Some((c.owner, Text::within(c.kind)?)));
                if let Some((owner, is)) = found {
                    self.add(owner, *collection, is, item);
                }
            }
            // What has gone by now need not be read at all.
            Change::Expunge { collection, uids, .. } => {
                self.wanted.retain(|wanted| wanted.mailbox != *collection || !uids.contains(wanted.uid));
            }
            Change::RemoveAccount(account) => self.accounts_gone.push(*account),
            _ => {}
        }
    }
}

/// Segments from the one that is being read on.
#[derive(Debug, Default)]
pub(crate) struct Ahead {
    numbers: VecDeque<u64>,
    /// The first of them.
    open: Option<Segment>,
    /// The last one there was when they were looked up: it may have grown since.
    last: u64,
}

/// What was found.
#[derive(Debug)]
pub(crate) struct Gathered {
    pub(crate) portion: Portion,
    /// Up to where.
    pub(crate) position: Position,
    /// Something was passed over.
    pub(crate) has_gap: bool,
}

/// Go on from `from`, at most to `end`, until the portion is full.
pub(crate) fn gather(shared: &Shared, ahead: &mut Ahead, from: Position, end: Position) -> Result<Gathered, OpenError> {
    let mut gathered = Gathered { portion: Portion::default(), position: from, has_gap: false };
    let mut looked_through = 0;
    while gathered.position < end && !gathered.portion.is_full() && looked_through < PORTION_JOURNAL_BYTES {
        let before = gathered.position;
        let number = before.segment;
        if ahead.numbers.front() != Some(&number) || (number == ahead.last && number < end.segment) {
            let numbers: Vec<u64> = survey(&*shared.disk)?.segments.iter().map(|known| known.header.number).collect();
            ahead.last = numbers.last().copied().unwrap_or(0);
            ahead.numbers = numbers.into_iter().filter(|there| (number..=end.segment).contains(there)).collect();
            ahead.open = None;
        }
        let Some(first) = ahead.numbers.front().copied() else { return Err(OpenError::Missing(segment_name(number))) };
        if first != number {
            // A store begins with no segment at all.
            gathered.has_gap |= number != 0;
            gathered.position = Position { segment: first, offset: 0 };
            continue;
        }
        let segment = match &mut ahead.open {
            Some(segment) => segment,
            none => none.insert(Segment::open_whole(&*shared.disk, number)?),
        };
        if number == end.segment {
            // Not what the file has, which may not be synced.
            segment.bytes = end.offset;
        }
        let is_done = walk(shared, segment, &mut gathered)?;
        if number == before.segment && gathered.position.segment == number {
            looked_through += gathered.position.offset.saturating_sub(before.offset);
        }
        if is_done && number < end.segment {
            ahead.numbers.pop_front();
            ahead.open = None;
            match ahead.numbers.front().copied() {
                Some(next) => gathered.position = Position { segment: next, offset: 0 },
                None => return Err(OpenError::Missing("the next segment of the journal".into())),
            }
        }
    }
    Ok(gathered)
}

/// Walk to the end of a segment, which is `true`, or until the portion is full.
fn walk(shared: &Shared, segment: &Segment, gathered: &mut Gathered) -> Result<bool, OpenError> {
    let mut walk = Walk::new(segment, gathered.position.offset);
    let mut payload = Vec::new();
    while !gathered.portion.is_full() {
        match walk.step(&mut payload)? {
            Step::Frame { kind: Kind::Body, .. } => {}
            Step::Frame { kind: Kind::Batch, end, .. } => {
                match postcard::from_bytes::<Reread>(&payload) {
                    Ok(batch) => batch.changes.iter().for_each(|change| gathered.portion.change(shared, change)),
                    Err(_) => gathered.has_gap = true,
                }
                gathered.position.offset = end;
            }
            Step::End => {
                gathered.position.offset = segment.bytes;
                return Ok(true);
            }
            Step::Bad { start, end } => {
                gathered.has_gap = true;
                let next = match end {
                    Some(end) => Some(end),
                    None => find_frame(segment, start + 1)?.map(|(offset, _)| offset),
                };
                walk.skip_to(next.unwrap_or(segment.bytes));
            }
        }
    }
    Ok(false)
}
