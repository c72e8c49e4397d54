//! Opening a store: what the index knew, brought up to the end of the journal.
//!
//! What holds afterwards: every batch that was ever acknowledged is there, none is there in part, and all that is there is synced.

use crate::change::Change;
use crate::disk::Disk;
use crate::index::{Index, Restored};
use crate::journal::{
    Journal, Kind, Position, Reread, Segment, Step, Survey, Walk, big_name, find_frame, is_blank, number_of, segment_name, survey,
};
use crate::options::{OpenError, Options};
use crate::state::{Applied, Entry, State};
use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// Changes that replay holds before it writes them to the index.
const REPLAY_CHANGES_MAX: u64 = 16_384;

/// Items of views that replay keeps in memory.
const REPLAY_VIEW_ITEMS_MAX: u64 = 100_000;

/// A store brought up to date.
pub(crate) struct Recovered {
    pub(crate) state: State,
    pub(crate) journal: Journal,
    pub(crate) numbers: Arc<AtomicU64>,
    pub(crate) next_id: u64,
}

/// Bring everything up to the end of the journal.
pub(crate) async fn recover(disk: Arc<dyn Disk>, index: &Index, options: &Options) -> Result<Recovered, OpenError> {
    remove_unfinished(&*disk)?;
    let Survey { segments, unfinished } = survey(&*disk)?;
    if let Some(unfinished) = unfinished {
        disk.remove(&segment_name(unfinished))?;
        disk.sync_dir()?;
    }
    let restored = index.restore().await?;
    let from = restored.position;
    if from.segment != 0 && !segments.iter().any(|segment| segment.header.number == from.segment) {
        return Err(OpenError::Missing(segment_name(from.segment)));
    }
    let mut replay = Replay::new(restored);
    let mut torn = false;
    let mut last = None;
    let count = segments.len();
    for (at, known) in segments.iter().enumerate().filter(|(_, known)| known.header.number >= from.segment) {
        let is_last = at + 1 == count;
        let mut segment = Segment::open_whole(&*disk, known.header.number)?;
        if is_last {
            // What survived a crash of this process alone may still be in the cache of the operating system only: the index must not get
            // it, and nobody see it, before it is synced.
            segment.file.sync()?;
            disk.sync_dir()?;
        }
        let end = replay.segment(&segment, is_last, index).await?;
        if end < segment.bytes {
            // Nulls are what was written ahead.
            torn = !is_blank(&segment, end)?;
            if torn {
                let (file, bytes) = (segment_name(segment.number()), segment.bytes);
                tracing::warn!(file, end, bytes, "cutting off what was never acknowledged");
            }
            segment.file.truncate(end)?;
            // Before the next segment is there: it says how long this one is.
            segment.file.sync()?;
            segment.bytes = end;
        }
        last = Some(segment);
    }
    replay.project(index).await?;
    let highest = remove_orphans(&*disk, index).await?.max(last.as_ref().map_or(0, Segment::number));
    let numbers = Arc::new(AtomicU64::new(highest + 1));
    let journal = Journal::resume(disk, last, torn, numbers.clone(), options.segment_bytes_max)?;
    Ok(Recovered { state: replay.state, journal, numbers, next_id: replay.next_id })
}

/// Ending of files that take their name when they are whole.
pub(crate) const UNFINISHED: &str = ".new";

/// Files that were being written when the power went; nothing refers to them.
fn remove_unfinished(disk: &dyn Disk) -> io::Result<()> {
    let names: Vec<String> = disk.list()?.into_iter().filter(|name| name.ends_with(UNFINISHED)).collect();
    for name in &names {
        disk.remove(name)?;
    }
    if names.is_empty() { Ok(()) } else { disk.sync_dir() }
}

/// Applies the journal to a state, and to an index in portions.
pub(crate) struct Replay {
    pub(crate) state: State,
    pub(crate) next_id: u64,
    applied: Applied,
}

impl Replay {
    pub(crate) fn new(restored: Restored) -> Self {
        let mut state = State::default();
        state.set_projected(restored.position);
        restored.accounts.into_iter().for_each(|account| state.insert_account(Arc::new(account)));
        restored.app_passwords.into_iter().for_each(|password| state.insert_app_password(Arc::new(password)));
        restored.collections.into_iter().for_each(|collection| state.insert_collection(Arc::new(collection)));
        restored.narrowings.into_iter().for_each(|(id, narrowing)| drop(state.narrowings.insert(id, Arc::new(narrowing))));
        restored.scram.into_iter().for_each(|(id, keys)| state.insert_scram(id, Arc::new(keys)));
        restored.factors.into_iter().for_each(|(id, factors)| drop(state.factors.insert(id, Arc::new(factors))));
        restored.groups.into_iter().for_each(|group| drop(state.groups.insert(group.id, Arc::new(group))));
        restored.aliases.into_iter().for_each(|alias| state.insert_alias(Arc::new(alias)));
        restored.locks.into_iter().for_each(|lock| state.locks.insert(Arc::new(lock)));
        restored.annotations.into_iter().for_each(|(of, set)| state.restore_annotations(of, set));
        state.trail = restored.trail;
        restored.quotas.into_iter().for_each(|(root, limit)| state.set_quota(root, Some(limit), &mut Applied::default()));
        for confirmation in restored.confirmations {
            let of = state.confirmations.entry(confirmation.app_password).or_default();
            of.insert(confirmation.network.clone(), confirmation);
        }
        Self { state, next_id: restored.next_id.max(1), applied: Applied::default() }
    }

    /// Replay what the index has not got of a segment; returns where its last whole batch ends.
    async fn segment(&mut self, segment: &Segment, is_last: bool, index: &Index) -> Result<u64, OpenError> {
        let from = if segment.number() == self.state.projected.segment { self.state.projected.offset } else { 0 };
        let corrupt = |offset, what: &str| OpenError::Corrupt { file: segment_name(segment.number()), offset, what: what.into() };
        if from > segment.bytes {
            return Err(corrupt(segment.bytes, "it ends before what the index has already got from it"));
        }
        let mut walk = Walk::new(segment, from);
        let mut whole_until = walk.offset();
        let mut payload = Vec::new();
        loop {
            match walk.step(&mut payload)? {
                Step::Frame { kind: Kind::Body, .. } => {}
                Step::Frame { kind: Kind::Batch, start, end } => {
                    self.batch(&payload, Position { segment: segment.number(), offset: end })
                        .map_err(|error| corrupt(start, &format!("a batch that cannot be understood: {error}")))?;
                    whole_until = end;
                    self.project_if_many(index).await?;
                }
                // What was written anew was whole then, or is what could be saved; its list says so, and it is not appended to.
                Step::End if segment.runs.is_some() => return Ok(segment.bytes),
                Step::End if is_last || whole_until == segment.bytes => return Ok(whole_until),
                Step::End => return Err(corrupt(whole_until, "contents without their batch")),
                Step::Bad { start, .. } if !is_last => return Err(corrupt(start, "a frame does not check")),
                Step::Bad { start, .. } => {
                    // A torn write leaves frames of its own group at most. One of a later group says that this place was once synced.
                    if later_group(segment, start)? {
                        return Err(corrupt(start, "a frame does not check, and later ones do"));
                    }
                    return Ok(whole_until);
                }
            }
        }
    }

    /// Apply one batch as it stands in the journal.
    pub(crate) fn batch(&mut self, payload: &[u8], end: Position) -> Result<(), postcard::Error> {
        let Reread { at: _, next_id, changes } = postcard::from_bytes(payload)?;
        self.next_id = self.next_id.max(next_id);
        for change in &changes {
            self.state.apply(change, &mut self.applied);
        }
        let sides = std::mem::take(&mut self.applied.sides).into();
        self.applied = Applied::default();
        let changes: Arc<[Change]> = changes.into();
        self.state.remember(Entry { end, changes, sides, bytes: payload.len() as u64 });
        Ok(())
    }

    /// Write what was replayed to the index, if it is enough for a large transaction.
    pub(crate) async fn project_if_many(&mut self, index: &Index) -> Result<(), OpenError> {
        if self.state.backlog_changes >= REPLAY_CHANGES_MAX { self.project(index).await } else { Ok(()) }
    }

    /// Write all that was replayed to the index.
    pub(crate) async fn project(&mut self, index: &Index) -> Result<(), OpenError> {
        let entries: Vec<_> = self.state.unwritten().cloned().collect();
        index.project(&entries, self.next_id).await?;
        self.state.forget(entries.len());
        self.state.evict(REPLAY_VIEW_ITEMS_MAX);
        Ok(())
    }
}

/// Is there, behind `bad`, a frame whose group began behind it?
pub(crate) fn later_group(segment: &Segment, bad: u64) -> io::Result<bool> {
    let mut from = bad + 1;
    while let Some((offset, group_start)) = find_frame(segment, from)? {
        if group_start > bad {
            return Ok(true);
        }
        from = offset + 1;
    }
    Ok(false)
}

/// Remove large contents that no item refers to, and see that the others are there. Returns the largest number of such a file.
async fn remove_orphans(disk: &dyn Disk, index: &Index) -> Result<u64, OpenError> {
    let names = disk.list()?;
    let big: HashSet<u64> = names.iter().filter_map(|name| number_of(name, ".big")).collect();
    let known: HashSet<u64> = names.iter().filter_map(|name| number_of(name, ".seg")).chain(big.iter().copied()).collect();
    let used: HashSet<u64> = index.large_segments().await?.into_iter().collect();
    if let Some(missing) = used.difference(&known).min() {
        return Err(OpenError::Missing(big_name(*missing)));
    }
    let mut removed = false;
    for orphan in big.difference(&used) {
        disk.remove(&big_name(*orphan))?;
        removed = true;
    }
    if removed {
        disk.sync_dir()?;
    }
    Ok(big.into_iter().max().unwrap_or(0))
}
