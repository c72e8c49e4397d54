//! The store as it was at a moment: a snapshot's journal replayed into an index of its own.
//!
//! Used by verify, and by the gate to give somebody back what was lost. What it takes is bounded: accounts and collections are in memory,
//! items in the index, which lies in a scratch folder and goes with the [`Past`].

use super::BackupError;
use super::manifest::{Manifest, moment};
use super::progress::{Progress, Unit};
use super::shelf::Shelf;
use super::target::Target;
use super::verify::VerifyReport;
use crate::contents::Contents;
use crate::disk::Disk;
use crate::index::{Index, Restored};
use crate::interface::{Part, ReadError};
use crate::journal::{Kind, Position, Segment, Step, Walk, committed_at, find_frame, segment_name, survey};
use crate::recovery::Replay;
use octroi_model::{Account, AccountId, Collection, CollectionId, ContentRef, Item, Uid, UnixTime};
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::runtime::Handle;

/// Changes that a replay holds before it writes them to the index.
const REPLAY_CHANGES_MAX: u64 = 16_384;

/// A folder for an index that nobody else may read; removed when this is dropped.
#[derive(Debug)]
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// Make one in `folder`.
    pub(crate) fn new(folder: &Path) -> Result<Self, BackupError> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!("{SCRATCH}{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = folder.join(name);
        // It must be new: in a folder that everybody can write to, one that is there may be somebody else's.
        let made = DirBuilder::new().mode(0o700).create(&path);
        made.map_err(|error| BackupError::Failed(format!("cannot make {}: {error}", path.display())))?;
        Ok(Self(path))
    }
}

/// How names of scratch folders begin.
const SCRATCH: &str = "octroi-backup-scratch-";

/// Remove what a process that was killed left behind in its data folder.
pub(crate) fn remove_scratch(folder: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(SCRATCH) {
            std::fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, folder = %self.0.display(), "a scratch folder was not removed");
        }
    }
}

/// A state and an index made from a journal.
pub(crate) struct Rebuilt {
    pub(crate) replay: Replay,
    pub(crate) index: Index,
    /// Damage that was passed over.
    faults: Vec<String>,
}

impl Rebuilt {
    pub(crate) async fn open(scratch: &Scratch) -> Result<Self, BackupError> {
        Ok(Self {
            replay: Replay::new(Restored::default()),
            index: Index::open(&scratch.0.join("index.sqlite")).await?,
            faults: Vec::new(),
        })
    }

    pub(crate) async fn close(&self) {
        self.index.close().await;
    }

    /// Replay all of a snapshot, checking every frame. The report says what is wrong.
    pub(crate) async fn check(
        mut self,
        disk: Arc<Shelf>,
        end: Position,
        progress: Arc<Progress>,
        mut report: VerifyReport,
    ) -> Result<(Self, VerifyReport), BackupError> {
        let runtime = Handle::current();
        let work = move || {
            // Reading must not hold up who else has tasks here, so all of it is done on a thread for that.
            let outcome = runtime.block_on(self.frames_of(&*disk, end, &progress, &mut report));
            (self, outcome.map(|()| report))
        };
        let (back, outcome) = tokio::task::spawn_blocking(work).await?;
        back.or_close(outcome).await
    }

    /// Replay up to and including the batch that ends at `until`.
    async fn replay(mut self, disk: Arc<Shelf>, until: Position, progress: Arc<Progress>) -> Result<Self, BackupError> {
        let runtime = Handle::current();
        let work = move || {
            let outcome = runtime.block_on(self.batches_of(&*disk, until, &progress));
            (self, outcome)
        };
        let (back, outcome) = tokio::task::spawn_blocking(work).await?;
        back.or_close(outcome).await.map(|(back, ())| back)
    }

    async fn or_close<T>(self, outcome: Result<T, BackupError>) -> Result<(Self, T), BackupError> {
        match outcome {
            Ok(done) => Ok((self, done)),
            Err(error) => {
                self.close().await;
                Err(error)
            }
        }
    }

    /// See [`Rebuilt::check`]. What stands behind damage is used.
    async fn frames_of(
        &mut self,
        disk: &dyn Disk,
        end: Position,
        progress: &Progress,
        report: &mut VerifyReport,
    ) -> Result<(), BackupError> {
        let segments = match survey(disk) {
            Ok(survey) => survey.segments,
            Err(error) => {
                report.faults.push(error.to_string());
                return Ok(());
            }
        };
        progress.begin("reading the journal", Unit::Bytes, segments.iter().map(|known| known.file_bytes).sum());
        for number in segments.iter().map(|known| known.header.number) {
            let segment = Segment::open_whole(disk, number)?;
            let mut walk = Walk::new(&segment, 0);
            let mut payload = Vec::new();
            loop {
                let step = match walk.step(&mut payload) {
                    Ok(step) => step,
                    Err(error) => {
                        report.faults.push(format!("{}: {error}", segment_name(number)));
                        break;
                    }
                };
                match step {
                    Step::Frame { kind, start, end } => {
                        report.frames += 1;
                        progress.step(end - start)?;
                        let position = Position { segment: number, offset: end };
                        if kind == Kind::Batch
                            && let Err(error) = self.batch(&payload, position).await
                        {
                            let name = segment_name(number);
                            report.faults.push(format!("{name}: the batch at byte {start} cannot be used: {error}"));
                        }
                    }
                    Step::End => break,
                    Step::Bad { start, end } => {
                        report.faults.push(pass(&mut walk, &segment, start, end)?);
                    }
                }
            }
        }
        self.replay.project(&self.index).await?;
        let reached = self.replay.state.end();
        if reached != end {
            let (meant, name) = (end.offset, segment_name(end.segment));
            report.faults.push(format!(
                "the journal ends at byte {} of {}, not at byte {meant} of {name}",
                reached.offset,
                segment_name(reached.segment)
            ));
        }
        Ok(())
    }

    /// See [`Rebuilt::replay`].
    async fn batches_of(&mut self, disk: &dyn Disk, until: Position, progress: &Progress) -> Result<(), BackupError> {
        let mut payload = Vec::new();
        for number in segments(disk, until)? {
            let segment = Segment::open_whole(disk, number)?;
            let mut walk = Walk::new(&segment, 0);
            loop {
                let from = walk.offset();
                match batch(&mut walk, &segment, &mut payload, &mut self.faults)? {
                    Some((_, end)) if end > until => break,
                    Some((_, end)) => {
                        self.batch(&payload, end).await?;
                        progress.step(walk.offset() - from)?;
                    }
                    None => break,
                }
            }
        }
        Ok(self.replay.project(&self.index).await?)
    }

    async fn batch(&mut self, payload: &[u8], end: Position) -> Result<(), BackupError> {
        self.replay.batch(payload, end).map_err(|error| BackupError::Damaged(error.to_string()))?;
        if self.replay.state.backlog_changes > REPLAY_CHANGES_MAX {
            self.replay.project(&self.index).await?;
        }
        Ok(())
    }
}

/// Numbers of the segments up to a position.
fn segments(disk: &dyn Disk, until: Position) -> Result<Vec<u64>, BackupError> {
    let numbers = survey(disk)?.segments.into_iter().map(|known| known.header.number);
    Ok(numbers.filter(|number| *number <= until.segment).collect())
}

/// The next batch of a segment: its payload, when it was committed, and where it ends. Contents are passed over unread, and so is damage,
/// which is added to `faults`: from a backup that is damaged, one wants what it still has.
fn batch(
    walk: &mut Walk<'_>,
    segment: &Segment,
    payload: &mut Vec<u8>,
    faults: &mut Vec<String>,
) -> Result<Option<(UnixTime, Position)>, BackupError> {
    loop {
        match walk.next_batch(payload)? {
            Step::Frame { end, start, .. } => match committed_at(payload) {
                Ok(at) => return Ok(Some((at, Position { segment: segment.number(), offset: end }))),
                Err(error) => faults.push(format!("{}: the batch at byte {start}: {error}", segment_name(segment.number()))),
            },
            Step::End => return Ok(None),
            Step::Bad { start, end } => faults.push(pass(walk, segment, start, end)?),
        }
    }
}

/// Go on behind a frame that does not check; says which it was.
fn pass(walk: &mut Walk<'_>, segment: &Segment, start: u64, end: Option<u64>) -> Result<String, BackupError> {
    let next = match end {
        Some(end) => Some(end),
        None => find_frame(segment, start + 1)?.map(|(offset, _)| offset),
    };
    walk.skip_to(next.unwrap_or(segment.bytes));
    Ok(format!("{}: the frame at byte {start} does not check", segment_name(segment.number())))
}

/// The store as it was. See the module.
pub struct Past {
    rebuilt: Rebuilt,
    contents: Arc<Contents>,
    snapshot: String,
    time: UnixTime,
    /// Last, so that it goes after what lies in it.
    _scratch: Scratch,
}

impl Past {
    /// Replay the backup in `folder` up to the last batch that was committed at `at` or before, or all of a snapshot (the newest, unless one
    /// is named).
    pub async fn open(
        folder: &Path,
        snapshot: Option<&str>,
        at: Option<UnixTime>,
        scratch: &Path,
        progress: &Arc<Progress>,
    ) -> Result<Self, BackupError> {
        Self::open_on(&Target::look(folder)?, snapshot, at, scratch, progress).await
    }

    /// The same on any disk.
    pub(crate) async fn open_on(
        target: &Target,
        snapshot: Option<&str>,
        at: Option<UnixTime>,
        scratch: &Path,
        progress: &Arc<Progress>,
    ) -> Result<Self, BackupError> {
        let (snapshot, manifest) = match (snapshot, at) {
            (None, Some(at)) => earliest_with(target, at)?,
            _ => target.choose(snapshot)?,
        };
        let shelf = Arc::new(Shelf::new(target.files.clone(), &manifest));
        let until = match at {
            None => manifest.position(),
            Some(at) => {
                let (shelf, manifest, progress) = (shelf.clone(), manifest.clone(), progress.clone());
                tokio::task::spawn_blocking(move || position_at(&*shelf, &manifest, at, &progress)).await??
            }
        };
        let scratch = Scratch::new(scratch)?;
        let rebuilt = Rebuilt::open(&scratch).await?;
        progress.begin("replaying the journal", Unit::Bytes, manifest.journal.iter().flat_map(|s| &s.pieces).map(|p| p.bytes).sum());
        let rebuilt = rebuilt.replay(shelf.clone(), until, progress.clone()).await?;
        let time = at.unwrap_or(manifest.time);
        Ok(Self { rebuilt, contents: Arc::new(Contents::new(shelf)), snapshot, time, _scratch: scratch })
    }

    /// Name of the snapshot that it is read from.
    pub fn snapshot(&self) -> &str {
        &self.snapshot
    }

    /// The moment.
    pub fn time(&self) -> UnixTime {
        self.time
    }

    /// What of the journal does not check: changes are missing that stood there.
    pub fn faults(&self) -> &[String] {
        &self.rebuilt.faults
    }

    /// An account by [`octroi_model::Address::key`].
    pub fn account_by_key(&self, key: &str) -> Option<Arc<Account>> {
        let state = &self.rebuilt.replay.state;
        state.accounts.get(state.account_keys.get(key)?).cloned()
    }

    /// The collections without a parent of one owner.
    pub fn homes(&self, owner: AccountId) -> Vec<Arc<Collection>> {
        let state = &self.rebuilt.replay.state;
        let ids = state.homes.get(&owner).into_iter().flat_map(|names| names.values());
        ids.filter_map(|id| state.collections.get(id).cloned()).collect()
    }

    /// Child collections by name.
    pub fn children(&self, parent: CollectionId) -> Vec<Arc<Collection>> {
        let state = &self.rebuilt.replay.state;
        let ids = state.children.get(&parent).into_iter().flat_map(|names| names.values());
        ids.filter_map(|id| state.collections.get(id).cloned()).collect()
    }

    /// The next items of a collection by uid, at most so many.
    pub async fn items(&self, collection: CollectionId, after: Uid, items_max: u32) -> Result<Vec<Item>, BackupError> {
        let items = self.rebuilt.index.items_after((collection, after), items_max).await?;
        Ok(items.into_iter().filter(|(of, _)| *of == collection).map(|(_, item)| item).collect())
    }

    /// A part of a content. [`ReadError::Gone`] if it had been given back when the snapshot was made.
    pub async fn read(&self, content: ContentRef, part: Part) -> Result<Vec<u8>, ReadError> {
        let contents = self.contents.clone();
        let read = move || contents.read(&content, part);
        tokio::task::spawn_blocking(read).await.map_err(|error| ReadError::Storage(error.to_string()))?
    }

    /// Done with it.
    pub async fn close(self) {
        self.rebuilt.close().await;
    }
}

/// The first snapshot that has all of a moment: the later ones have the same journal, but more of it may have been compacted.
fn earliest_with(target: &Target, at: UnixTime) -> Result<(String, Manifest), BackupError> {
    let mut newest = None;
    for name in target.names()? {
        let manifest = target.manifest(&name)?;
        // In the second in which it was made, more may have been committed after it.
        if manifest.time > at {
            return Ok((name, manifest));
        }
        newest = Some((name, manifest));
    }
    match newest {
        Some((name, manifest)) if manifest.time == at => Ok((name, manifest)),
        Some((_, manifest)) => {
            Err(BackupError::Moment(format!("the newest snapshot is of {}, before {}", moment(manifest.time), moment(at))))
        }
        None => target.choose(None),
    }
}

/// Where the last batch ends that was committed at `at` or before. All are looked at: a clock may have been put back.
fn position_at(disk: &dyn Disk, manifest: &Manifest, at: UnixTime, progress: &Progress) -> Result<Position, BackupError> {
    if at > manifest.time {
        let (time, at) = (moment(manifest.time), moment(at));
        return Err(BackupError::Moment(format!("the snapshot is of {time}, before {at}")));
    }
    let mut last = None;
    let mut oldest = None;
    // They are listed when the journal is replayed.
    let mut seen = Vec::new();
    let mut payload = Vec::new();
    progress.begin("looking for the moment", Unit::Bytes, manifest.journal.iter().flat_map(|s| &s.pieces).map(|p| p.bytes).sum());
    for number in segments(disk, manifest.position())? {
        let segment = Segment::open_whole(disk, number)?;
        let mut walk = Walk::new(&segment, 0);
        let mut from = walk.offset();
        while let Some((committed, end)) = batch(&mut walk, &segment, &mut payload, &mut seen)? {
            oldest.get_or_insert(committed);
            if committed <= at {
                last = Some(end);
            }
            progress.step(walk.offset() - from)?;
            from = walk.offset();
        }
    }
    last.ok_or_else(|| {
        let oldest = oldest.map_or_else(|| "nothing".to_owned(), moment);
        BackupError::Moment(format!("the journal begins at {oldest}, after {}", moment(at)))
    })
}
