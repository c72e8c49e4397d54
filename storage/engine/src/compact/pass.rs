//! One pass over the store, step by step: measure, scan, remove, write anew.
//!
//! Each step is short, so that whoever drives it can rest between two, stop, or be closed. Dropped at any point, it leaves nothing behind but
//! what it has finished.

use super::measure::{LIVE_MAX, Live, Scan, first_batch_at, measure};
use super::{Rewrite, Rewritten, Slice, step};
use crate::check::caught_up;
use crate::committer::Turns;
use crate::contents::storage;
use crate::index::{Index, LAST_PASS, SegmentRow};
use crate::interface::{Compacted, ReadError, SegmentStat, Step};
use crate::journal::{Known, Segment, big_name, number_of, segment_name, survey};
use crate::shared::Shared;
use octroi_model::UnixTime;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io;
use std::sync::Arc;
use tokio::sync::OwnedMutexGuard;

/// How to do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct How {
    /// Write anew whatever holds anything that is not needed, and the segment that is open too.
    pub(crate) all: bool,
    /// What of the time to work; the rest is rest.
    pub(crate) share_percent: u32,
}

/// A segment of the pass.
#[derive(Debug)]
struct Closed {
    known: Known,
    row: Option<SegmentRow>,
    /// Bytes of bodies that are referred to, once a scan has told.
    live_bytes: Option<u64>,
    /// Why it is left alone.
    damaged: Option<String>,
    is_open: bool,
}

impl Closed {
    fn dead_bytes(&self) -> Option<u64> {
        Some(self.row?.body_bytes.saturating_sub(self.live_bytes?))
    }
}

#[derive(Debug)]
enum Stage {
    /// Look into segments that nothing is remembered of.
    Measure(Vec<u64>),
    Scan,
    /// Files of large contents that nothing referred to.
    Large(Vec<u64>),
    /// Segments to write anew, the next one last.
    Choose(Vec<(u64, Live)>),
    Rewrite(Vec<(u64, Live)>, u64, Arc<HashSet<u64>>, Box<Rewrite>),
    Done,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Pass {
    shared: Arc<Shared>,
    index: Arc<Index>,
    how: How,
    /// Only look.
    dry: bool,
    started: UnixTime,
    stage: Stage,
    segments: BTreeMap<u64, Closed>,
    /// Files of large contents by number, with their bytes.
    large: BTreeMap<u64, u64>,
    large_live: BTreeSet<u64>,
    scan: Scan,
    first_scan: bool,
    looked_at: u64,
    items: u64,
    entries_max: usize,
    done: Compacted,
    /// None if it only looks.
    turn: Option<Arc<Turn>>,
}

/// The right to change files, held by the pass and by whatever it has handed to another thread: a pass that is dropped is over when that is.
#[derive(Debug)]
struct Turn {
    shared: Arc<Shared>,
    _guard: OwnedMutexGuard<()>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.shared.erasing.end();
    }
}

impl Pass {
    /// Begin: from now on references are noted, and all that was committed before is in the index.
    pub(crate) async fn begin(shared: &Arc<Shared>, index: &Arc<Index>, committer: &Turns, how: How) -> Result<Self, ReadError> {
        unless_closing(shared, Self::begin_now(shared, index, committer, how)).await
    }

    async fn begin_now(shared: &Arc<Shared>, index: &Arc<Index>, committer: &Turns, how: How) -> Result<Self, ReadError> {
        let mut pass = Self::new(shared, index, how, false).await?;
        let roll = pass.wants_new_segment(turn(committer, false).await?).await?;
        let open = turn(committer, roll).await?;
        pass.look_around(open).await?;
        let numbers = pass.segments.keys().chain(pass.large.keys()).copied();
        shared.erasing.begin(numbers);
        // What was stamped before that is published when this is answered.
        turn(committer, false).await?;
        caught_up(shared).await?;
        Ok(pass)
    }

    /// Begin one that only looks.
    pub(crate) async fn look(shared: &Arc<Shared>, index: &Arc<Index>) -> Result<Self, ReadError> {
        unless_closing(shared, Self::look_now(shared, index)).await
    }

    async fn look_now(shared: &Arc<Shared>, index: &Arc<Index>) -> Result<Self, ReadError> {
        let mut pass = Self::new(shared, index, How { all: false, share_percent: 100 }, true).await?;
        let end = shared.state().end();
        pass.look_around(end.segment).await?;
        if end.segment > 0 {
            let segment = opened(shared, end.segment).await?;
            let file_bytes = segment.file.bytes().map_err(storage)?;
            let known = Known { header: segment.header, bytes: end.offset, file_bytes };
            pass.segments.insert(end.segment, Closed { known, row: None, live_bytes: None, damaged: None, is_open: true });
            pass.begin_measuring();
        }
        caught_up(shared).await?;
        Ok(pass)
    }

    async fn new(shared: &Arc<Shared>, index: &Arc<Index>, how: How, dry: bool) -> Result<Self, ReadError> {
        // Who only looks need not wait for who writes: a file that is replaced meanwhile is the old one or the new one.
        let turn = if dry {
            None
        } else {
            let guard = shared.compacting.turn.clone().lock_owned().await;
            Some(Arc::new(Turn { shared: shared.clone(), _guard: guard }))
        };
        Ok(Self {
            shared: shared.clone(),
            index: index.clone(),
            how,
            dry,
            started: UnixTime::now(),
            stage: Stage::Done,
            segments: BTreeMap::new(),
            large: BTreeMap::new(),
            large_live: BTreeSet::new(),
            scan: Scan::default(),
            first_scan: true,
            looked_at: 0,
            items: shared.state().collections.values().map(|collection| u64::from(collection.head.items)).sum(),
            entries_max: LIVE_MAX,
            done: Compacted::default(),
            turn,
        })
    }

    /// A scan that gathers fewer references at a time.
    #[cfg(test)]
    pub(crate) fn with_entries_max(mut self, entries_max: usize) -> Self {
        self.entries_max = entries_max;
        self
    }

    /// The segment that is appended to holds bodies that must be looked at too: all, or old ones.
    async fn wants_new_segment(&self, open: u64) -> Result<bool, ReadError> {
        let end = self.shared.state().end();
        if end.segment != open {
            return Ok(false);
        }
        let mut segment = opened(&self.shared, open).await?;
        segment.bytes = end.offset;
        let all = self.how.all;
        // Half of the time, so that there is the other half in which it is closed and can be written anew.
        let before = self.started.0 - self.shared.options.erase_after.as_secs() as i64 / 2;
        blocking(move || {
            let old = all || first_batch_at(&segment)?.is_some_and(|at| at.0 <= before);
            Ok(old && measure(&segment)?.is_ok_and(|measured| measured.bodies > 0))
        })
        .await
    }

    /// Which files there are that could be given back in whole or in part: segments before `open`, and large contents.
    async fn look_around(&mut self, open: u64) -> Result<(), ReadError> {
        let rows = self.index.segments().await.map_err(index_fault)?;
        let (disk, staged) = (self.shared.disk.clone(), self.shared.erasing.staged.clone());
        let (segments, large) = blocking(move || {
            let segments = survey(&*disk).map_err(io::Error::other)?.segments;
            let mut large = BTreeMap::new();
            // First the names, then who needs them: what is made in between is not among them.
            let numbers: Vec<u64> = disk.list()?.iter().filter_map(|name| number_of(name, ".big")).collect();
            for number in numbers.into_iter().filter(|number| !staged.contains(*number)) {
                match disk.open(&big_name(number)) {
                    Ok(file) => drop(large.insert(number, file.bytes()?)),
                    // Its stage was dropped meanwhile.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => return Err(error),
                }
            }
            Ok((segments, large))
        })
        .await?;
        self.large = large;
        for known in segments.into_iter().filter(|known| known.header.number < open) {
            let row = rows.get(&known.header.number).filter(|row| row.generation == known.header.generation).copied();
            let number = known.header.number;
            self.segments.insert(number, Closed { known, row, live_bytes: None, damaged: None, is_open: false });
        }
        self.begin_measuring();
        Ok(())
    }

    fn begin_measuring(&mut self) {
        self.stage = Stage::Measure(self.segments.iter().filter(|(_, closed)| closed.row.is_none()).map(|(number, _)| *number).collect());
    }

    /// Do the next step; `false` when there is none left.
    pub(crate) async fn step(&mut self) -> Result<bool, ReadError> {
        if self.shared.compacting.is_ending() {
            return Err(closing());
        }
        if let Some(why) = self.shared.failure() {
            return Err(ReadError::Storage(why.clone()));
        }
        self.stage = match std::mem::replace(&mut self.stage, Stage::Done) {
            Stage::Measure(todo) => self.measure(todo).await?,
            Stage::Scan => self.scan().await?,
            Stage::Large(todo) => self.remove_large(todo).await?,
            Stage::Choose(todo) => self.begin_rewrite(todo).await?,
            Stage::Rewrite(todo, number, live, rewrite) => self.rewrite(todo, number, live, rewrite).await?,
            Stage::Done => return Ok(false),
        };
        Ok(true)
    }

    async fn measure(&mut self, mut todo: Vec<u64>) -> Result<Stage, ReadError> {
        let Some(number) = todo.pop() else {
            let wanted = self.segments.iter().filter(|(_, closed)| closed.row.is_some()).map(|(number, _)| *number).collect();
            self.scan = Scan::new(wanted, self.large.keys().copied().collect());
            return Ok(Stage::Scan);
        };
        let Some(closed) = self.segments.get_mut(&number) else { return Ok(Stage::Measure(todo)) };
        let mut segment = opened(&self.shared, number).await?;
        if closed.is_open {
            segment.bytes = closed.known.bytes;
        }
        let generation = segment.header.generation;
        match blocking(move || measure(&segment)).await? {
            Ok(found) => {
                let clean_at = found.first_at;
                closed.row = Some(SegmentRow { generation, body_bytes: found.body_bytes, bodies: found.bodies, clean_at });
            }
            Err(offset) => closed.damaged = Some(left_alone(number, offset)),
        }
        Ok(Stage::Measure(todo))
    }

    async fn scan(&mut self) -> Result<Stage, ReadError> {
        if let Some(seen) = self.scan.page(&self.index, self.entries_max).await.map_err(index_fault)? {
            self.looked_at += if self.first_scan { seen } else { 0 };
            return Ok(Stage::Scan);
        }
        if self.first_scan {
            self.sweep_search().await;
            self.large_live = std::mem::take(&mut self.scan.large_live);
        }
        let todo = self.choose().await?;
        if std::mem::take(&mut self.first_scan) && !self.dry {
            let dead = self.large.keys().filter(|number| !self.large_live.contains(number)).copied().collect();
            // They need no room, and may make some; then what gives back the most.
            self.scan.live = todo.into_iter().collect();
            return Ok(Stage::Large(dead));
        }
        Ok(if self.dry { self.next_scan() } else { Stage::Choose(todo) })
    }

    /// The words of what was deleted are to go as well as its octets.
    async fn sweep_search(&self) {
        let Some(search) = self.shared.search.as_ref().filter(|_| !self.dry) else { return };
        match search.sweep().await {
            Ok(documents) => tracing::debug!(documents, "removed from the search index"),
            Err(error) => tracing::warn!(%error, "the search index was not swept"),
        }
    }

    /// What must be written anew of the segments that were scanned.
    async fn choose(&mut self) -> Result<Vec<(u64, Live)>, ReadError> {
        let (mut todo, mut rows) = (Vec::new(), Vec::new());
        let options = self.shared.options.clone();
        // So much earlier that it is done in time, even if the next look is late.
        let margin = options.compact_interval.as_secs() as i64 * 2;
        let known: Vec<u64> = self.scan.known().collect();
        for number in known {
            let live = self.scan.take(number);
            let Some(closed) = self.segments.get_mut(&number) else { continue };
            let Some(mut row) = closed.row else { continue };
            closed.live_bytes = Some(live.bytes);
            let dead = row.body_bytes.saturating_sub(live.bytes);
            if dead == 0 {
                row.clean_at = self.started;
            }
            if !closed.is_open {
                rows.push((number, row));
            }
            closed.row = Some(row);
            let mostly_dead =
                u128::from(dead) * 100 > u128::from(closed.known.file_bytes) * u128::from(100 - options.live_min_percent.min(100));
            let too_old = row.clean_at.0 + options.erase_after.as_secs() as i64 - margin <= self.started.0;
            if dead > 0 && (self.how.all || mostly_dead || too_old) {
                todo.push((number, live));
            }
        }
        if !self.dry {
            self.index.remember_segments(&rows).await.map_err(index_fault)?;
        }
        todo.sort_unstable_by_key(|(_, live)| std::cmp::Reverse(live.bytes));
        self.done.planned += todo.len() as u64;
        Ok(todo)
    }

    fn next_scan(&mut self) -> Stage {
        let left = std::mem::take(&mut self.scan.left);
        if left.is_empty() {
            return Stage::Done;
        }
        self.scan = Scan::new(left, BTreeSet::new());
        Stage::Scan
    }

    async fn remove_large(&mut self, mut todo: Vec<u64>) -> Result<Stage, ReadError> {
        let Some(number) = todo.pop() else {
            let disk = self.shared.disk.clone();
            if self.done.large > 0 {
                self.work(move || disk.sync_dir()).await?;
            }
            let mut todo: Vec<_> = std::mem::take(&mut self.scan.live).into_iter().collect();
            todo.sort_unstable_by_key(|(_, live)| std::cmp::Reverse(live.bytes));
            return Ok(Stage::Choose(todo));
        };
        let settled = self.shared.erasing.settle(number, HashSet::new());
        if settled.is_some_and(|live| live.is_empty()) {
            let (still, shared) = (self.still().await?, self.shared.clone());
            let remove = move || {
                let removed = shared.disk.remove(&big_name(number));
                shared.contents.forget(number);
                drop(still);
                removed
            };
            match self.work(remove).await {
                Ok(()) => {
                    self.done.large += 1;
                    self.done.bytes_before += self.large.get(&number).copied().unwrap_or(0);
                }
                Err(ReadError::Gone) => {}
                Err(error) => return Err(error),
            }
        }
        self.shared.erasing.done(number);
        Ok(Stage::Large(todo))
    }

    async fn begin_rewrite(&mut self, mut todo: Vec<(u64, Live)>) -> Result<Stage, ReadError> {
        let Some((number, live)) = todo.pop() else {
            let stage = self.next_scan();
            if matches!(stage, Stage::Done) {
                let row = SegmentRow { generation: 0, body_bytes: 0, bodies: 0, clean_at: UnixTime::now() };
                self.index.remember_segments(&[(LAST_PASS, row)]).await.map_err(index_fault)?;
            }
            return Ok(stage);
        };
        let Some(live) = self.shared.erasing.settle(number, live.offsets) else {
            return Err(ReadError::Storage("too much was copied meanwhile; the next pass begins anew".into()));
        };
        let segment = opened(&self.shared, number).await?;
        let disk = self.shared.disk.clone();
        let rewrite = self.work(move || Rewrite::begin(disk, segment)).await?;
        Ok(Stage::Rewrite(todo, number, live, Box::new(rewrite)))
    }

    async fn rewrite(
        &mut self,
        todo: Vec<(u64, Live)>,
        number: u64,
        live: Arc<HashSet<u64>>,
        mut rewrite: Box<Rewrite>,
    ) -> Result<Stage, ReadError> {
        let kept = live.clone();
        let slice = move || {
            let outcome = rewrite.slice(|offset| kept.contains(&offset))?;
            if outcome == Slice::Whole {
                rewrite.seal()?;
            }
            Ok((outcome, rewrite))
        };
        let (outcome, rewrite) = self.work(slice).await?;
        match outcome {
            Slice::More => return Ok(Stage::Rewrite(todo, number, live, rewrite)),
            Slice::Damaged(offset) => {
                // What is damaged is not made better by moving it: that is for a repair.
                drop(rewrite);
                self.done.skipped.push(left_alone(number, offset));
            }
            Slice::Whole => {
                let (still, shared) = (self.still().await?, self.shared.clone());
                let swap = move || {
                    let swapped = rewrite.swap();
                    shared.contents.forget(number);
                    drop(still);
                    swapped
                };
                let now = self.work(swap).await?;
                self.swapped(number, now).await?;
            }
        }
        self.shared.erasing.done(number);
        Ok(Stage::Choose(todo))
    }

    async fn swapped(&mut self, number: u64, now: Rewritten) -> Result<(), ReadError> {
        self.done.segments += 1;
        self.done.bytes_after += now.file_bytes;
        self.done.bytes_before += self.segments.get(&number).map_or(0, |closed| closed.known.file_bytes);
        let row = SegmentRow { generation: now.generation, body_bytes: now.body_bytes, bodies: now.bodies, clean_at: self.started };
        self.index.remember_segments(&[(number, row)]).await.map_err(index_fault)
    }

    /// Wait until nobody needs that everything stays.
    async fn still(&self) -> Result<OwnedMutexGuard<()>, ReadError> {
        unless_closing(&self.shared, async { Ok(self.shared.compacting.still.clone().lock_owned().await) }).await
    }

    /// Do something that changes files on a thread where it may wait for the disk.
    async fn work<T: Send + 'static>(&self, work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T, ReadError> {
        let turn = self.turn.clone();
        blocking(move || {
            let outcome = work();
            drop(turn);
            outcome
        })
        .await
    }

    /// How far it is.
    pub(crate) fn progress(&self) -> Step {
        match &self.stage {
            Stage::Measure(todo) => {
                step("segments looked into", (self.segments.len().saturating_sub(todo.len())) as u64, self.segments.len() as u64)
            }
            Stage::Scan => step("items looked at", self.looked_at, self.items.max(self.looked_at)),
            Stage::Large(todo) => step("large contents to remove", self.done.large, self.done.large + todo.len() as u64),
            Stage::Choose(_) | Stage::Rewrite(..) | Stage::Done => {
                step("segments written anew", self.done.segments + self.done.skipped.len() as u64, self.done.planned)
            }
        }
    }

    /// What it came to.
    pub(crate) fn report(&self) -> Compacted {
        let mut done = self.done.clone();
        done.skipped.extend(self.segments.values().filter_map(|closed| closed.damaged.clone()));
        done
    }

    /// What there is, after one that only looked.
    pub(crate) fn segment_stats(&self) -> Vec<SegmentStat> {
        let stat = |(number, closed): (&u64, &Closed)| SegmentStat {
            number: *number,
            compacted: closed.known.header.generation,
            file_bytes: closed.known.file_bytes,
            written_bytes: closed.known.bytes,
            dead_bytes: closed.dead_bytes(),
            is_open: closed.is_open,
        };
        self.segments.iter().map(stat).collect()
    }

    /// Large contents: how many, their bytes, and the same of those that nothing refers to.
    pub(crate) fn large_stats(&self) -> [u64; 4] {
        let dead = || self.large.iter().filter(|(number, _)| !self.large_live.contains(number));
        [self.large.len() as u64, self.large.values().sum(), dead().count() as u64, dead().map(|(_, bytes)| bytes).sum()]
    }
}

/// Give up what only waits when the store closes.
async fn unless_closing<T>(shared: &Shared, waits: impl Future<Output = Result<T, ReadError>>) -> Result<T, ReadError> {
    tokio::select! {
        biased;
        () = shared.compacting.ended() => Err(closing()),
        outcome = waits => outcome,
    }
}

/// Wait until the committer has published what it stamped before this; which segment it appends to.
async fn turn(committer: &Turns, roll: bool) -> Result<u64, ReadError> {
    committer.turn(roll).await.map_err(|_| closing())
}

async fn opened(shared: &Arc<Shared>, number: u64) -> Result<Segment, ReadError> {
    let disk = shared.disk.clone();
    blocking(move || Segment::open_whole(&*disk, number).map_err(io::Error::other)).await
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T, ReadError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| ReadError::Storage(error.to_string()))?.map_err(storage)
}

fn left_alone(number: u64, offset: u64) -> String {
    format!("{}: left as it is, because the frame at byte {offset} does not check", segment_name(number))
}

fn closing() -> ReadError {
    ReadError::Storage("the store is closing".into())
}

// It is handed to `map_err`.
#[allow(clippy::needless_pass_by_value)]
fn index_fault(error: sqlx::Error) -> ReadError {
    ReadError::Storage(error.to_string())
}
