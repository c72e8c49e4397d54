//! `octroi check`: reads everything and says what is wrong.
//!
//! Called through [`crate::Engine::check`]. The journal is replayed from its beginning into an index of its own, which is then compared
//! with the live one; every content is read and hashed. Works while the server runs.

use crate::contents::Contents;
use crate::index::{Index, Restored};
use crate::interface::{CheckReport, Part, ReadError, Step as Progress, Watcher};
use crate::journal::{Kind, Position, Segment, Step, Walk, find_frame, segment_name, survey};
use crate::recovery::Replay;
use crate::shared::Shared;
use octroi_model::{CollectionId, Hash, Item, Uid};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Faults reported; a store that is damaged all over needs no longer list.
const FAULTS_MAX: usize = 1000;
/// Items read from the index at a time.
const ITEMS_AT_A_TIME: u32 = 1000;
/// How often to look whether the index has caught up.
const CATCH_UP: Duration = Duration::from_millis(5);
/// Octets of a large content hashed at a time.
const PIECE_BYTES: u64 = 1 << 20;

/// Check the whole store. `path` is where the second index may lie for as long as it takes.
pub(crate) async fn check(shared: &Arc<Shared>, index: &Index, path: &Path, watcher: &Watcher) -> Result<CheckReport, ReadError> {
    let storage = |error: String| ReadError::Storage(error);
    Index::remove(path).map_err(|error| storage(error.to_string()))?;
    let fresh = Index::open(path).await.map_err(|error| storage(error.to_string()))?;
    let mut checking = Checking { report: CheckReport::default(), replay: Replay::new(Restored::default()), watcher: watcher.clone() };
    let outcome = checking.all(shared, index, &fresh, path).await;
    fresh.close().await;
    Index::remove(path).map_err(|error| storage(error.to_string()))?;
    outcome?;
    Ok(checking.report)
}

struct Checking {
    report: CheckReport,
    replay: Replay,
    watcher: Watcher,
}

impl Checking {
    async fn all(&mut self, shared: &Arc<Shared>, index: &Index, fresh: &Index, path: &Path) -> Result<(), ReadError> {
        let storage = |error: String| ReadError::Storage(error);
        // Most of the journal first, then the rest, up to where the index is looked at: a long look would let its log grow.
        let projected = caught_up(shared).await?;
        let done = self.replay_until(shared, fresh, Position::default(), projected).await?;
        let held = index.hold(path).await.map_err(|error| storage(error.to_string()))?;
        self.replay_until(shared, fresh, done, held.position()).await?;
        let faults = held.compare().await.map_err(|error| storage(error.to_string()))?;
        self.faults(faults);
        let miscounted = shared.state().miscounted_quotas();
        self.faults(miscounted.iter().map(|root| format!("quota of {root:?}: what is used is not the sum of what is there")).collect());
        self.contents(shared, fresh).await
    }

    fn faults(&mut self, faults: Vec<String>) {
        for fault in faults {
            self.fault(fault);
        }
    }

    fn fault(&mut self, fault: String) {
        if self.report.faults.len() < FAULTS_MAX {
            self.report.faults.push(fault);
        }
    }

    /// Replay the journal from one position to another; returns where it ended.
    async fn replay_until(&mut self, shared: &Shared, fresh: &Index, from: Position, until: Position) -> Result<Position, ReadError> {
        let segments = match survey(&*shared.disk) {
            // One that is just being made has nothing in it that is meant here.
            Ok(survey) => survey.segments,
            Err(error) => {
                self.fault(error.to_string());
                return Ok(until);
            }
        };
        let all = segments.len() as u64;
        let numbers = segments.iter().map(|known| known.header.number);
        for number in numbers.filter(|number| (from.segment..=until.segment).contains(number)) {
            let segment = match Segment::open_whole(&*shared.disk, number) {
                Ok(segment) => segment,
                Err(error) => {
                    self.fault(error.to_string());
                    continue;
                }
            };
            let start = if number == from.segment { from.offset } else { 0 };
            let end = if number == until.segment { until.offset } else { segment.bytes };
            self.report.segments += u64::from(start == 0);
            self.walk(&segment, start, end, fresh).await?;
            (self.watcher)(Progress { what: "segments read", done: self.report.segments, all });
        }
        self.replay.project(fresh).await.map_err(|error| ReadError::Storage(error.to_string()))?;
        Ok(until)
    }

    async fn walk(&mut self, segment: &Segment, start: u64, end: u64, fresh: &Index) -> Result<(), ReadError> {
        let storage = |error: std::io::Error| ReadError::Storage(error.to_string());
        let mut walk = Walk::new(segment, start);
        let mut payload = Vec::new();
        while walk.offset() < end {
            match walk.step(&mut payload).map_err(storage)? {
                Step::Frame { kind, start, end } => {
                    self.report.frames += 1;
                    let position = Position { segment: segment.number(), offset: end };
                    if kind == Kind::Batch
                        && let Err(error) = self.replay.batch(&payload, position)
                    {
                        self.fault(format!("{}: the batch at byte {start} cannot be understood: {error}", segment_name(segment.number())));
                    }
                    if self.replay.state.backlog_changes > 16_384 {
                        self.replay.project(fresh).await.map_err(|error| ReadError::Storage(error.to_string()))?;
                    }
                }
                Step::End => break,
                Step::Bad { start, end } => {
                    self.fault(format!("{}: the frame at byte {start} does not check", segment_name(segment.number())));
                    let next = match end {
                        Some(end) => Some(end),
                        None => find_frame(segment, start + 1).map_err(storage)?.map(|(offset, _)| offset),
                    };
                    walk.skip_to(next.unwrap_or(segment.bytes));
                }
            }
        }
        Ok(())
    }

    /// Read and hash the content of every item, and add up what heads should say.
    async fn contents(&mut self, shared: &Arc<Shared>, fresh: &Index) -> Result<(), ReadError> {
        let mut after = (CollectionId(0), Uid(0));
        let all = shared.state().collections.values().map(|collection| u64::from(collection.head.items)).sum::<u64>();
        loop {
            let items = fresh.items_after(after, ITEMS_AT_A_TIME).await.map_err(|error| ReadError::Storage(error.to_string()))?;
            let Some((collection, item)) = items.last() else { return Ok(()) };
            after = (*collection, item.uid);
            let shared = shared.clone();
            let read = move || {
                let mut faults = Vec::new();
                for (collection, item) in &items {
                    if let Err(error) = content(&shared.contents, item) {
                        faults.push(format!("item {} of collection {collection}: {error}", item.uid));
                    }
                }
                (items.len() as u64, faults)
            };
            let (read, faults) = tokio::task::spawn_blocking(read).await.map_err(|error| ReadError::Storage(error.to_string()))?;
            self.report.items += read;
            (self.watcher)(Progress { what: "contents read", done: self.report.items, all: all.max(self.report.items) });
            self.faults(faults);
        }
    }
}

/// Wait until the index has all that was committed before this; returns where that is.
pub(crate) async fn caught_up(shared: &Shared) -> Result<Position, ReadError> {
    let end = shared.state().end();
    shared.hurry.store(true, Ordering::Release);
    let _no_more = NoHurry(shared);
    loop {
        let projected = shared.state().projected;
        if projected >= end {
            return Ok(projected);
        }
        if let Some(why) = shared.failure() {
            return Err(ReadError::Storage(why.clone()));
        }
        tokio::time::sleep(CATCH_UP).await;
    }
}

/// Whoever waits for the index may give it up.
struct NoHurry<'a>(&'a Shared);

impl Drop for NoHurry<'_> {
    fn drop(&mut self) {
        self.0.hurry.store(false, Ordering::Release);
    }
}

/// Does the content have the hash that the item says?
pub(crate) fn content(contents: &Contents, item: &Item) -> Result<(), ReadError> {
    let mut hasher = blake3::Hasher::new();
    let large = item.content.bytes() > PIECE_BYTES && item.content.encoding == octroi_model::Encoding::Raw;
    if large {
        let mut offset = 0;
        while offset < item.content.bytes() {
            hasher.update(&contents.read(&item.content, Part::Range { offset, bytes: PIECE_BYTES })?);
            offset += PIECE_BYTES;
        }
    } else {
        hasher.update(&contents.read(&item.content, Part::Whole)?);
    }
    if Hash(*hasher.finalize().as_bytes()) != item.hash {
        return Err(ReadError::Damaged("its content does not have its hash".into()));
    }
    if item.content.facts_stored > 0 { contents.read(&item.content, Part::Facts).map(drop) } else { Ok(()) }
}
