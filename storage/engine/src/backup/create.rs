//! Making a snapshot while the store works.
//!
//! The committer is not held up and compaction hardly: a file is opened, then copied from the open descriptor. What makes the copies one
//! snapshot is the order: files that are closed are opened first, the position of the journal's end is looked up then, and what came in
//! between is copied up to just there. So whatever compaction has given back of a file that was copied was not needed at that position any
//! more. Where that cannot be said, all is looked at once more.

use super::manifest::{BESIDE, Manifest, Of, PART, Piece, PieceName, Stored, moment};
use super::progress::{Progress, Unit};
use super::shelf::Shelf;
use super::target::Target;
use super::{BackupError, BackupReport};
use crate::change::Change;
use crate::disk::{Disk, DiskFile};
use crate::index::Index;
use crate::journal::{Kind, Position, Reread, Segment, Step, Walk, number_of, segment_name};
use crate::shared::Shared;
use crate::stage::IN_MEMORY_BYTES_MAX;
use octroi_model::UnixTime;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io;
use std::sync::Arc;
use std::time::Instant;

/// Octets copied at a time; the memory that a backup takes.
const STEP_BYTES: u64 = 1 << 20;
/// Octets written between two syncs: a sync of more would keep those of the journal waiting.
const SYNC_BYTES: u64 = 16 << 20;
/// A step is followed by a pause of this part of its time, in which the disk is for others.
const PAUSE_PART: u32 = 4;
/// Octets compared at each end to see that a copy is of this file and not of one of the same number in another store. At the beginning
/// stands the segment's key, at the end of a large content the checksums of all its pieces, if it is below a gibibyte.
const COMPARED_BYTES: u64 = 64 << 10;
/// Pieces that the last segment's copy may have; with more it is copied whole again, so that a restore need not open hundreds of files.
const PIECES_MAX: usize = 16;
/// Looks at all files before it is given up: each is short, as what was copied before is not copied again.
const ROUNDS_MAX: u32 = 20;
/// Of those, the first, in which only files are copied that are closed: where more is written than can be copied, that would never end.
const CLOSED_ROUNDS_MAX: u32 = 4;

/// By how much the clock may have been put back since the newest snapshot: snapshots are ordered by their time.
const CLOCK_BACK_SECONDS_MAX: i64 = 86_400;

/// What is taken along of the data folder: name and octets.
pub(crate) type Beside = Vec<(String, Vec<u8>)>;

/// Make a snapshot of an open store.
pub(crate) async fn create(
    shared: &Arc<Shared>,
    index: &Index,
    target: Target,
    beside: Beside,
    reminder: String,
    progress: Arc<Progress>,
) -> Result<BackupReport, BackupError> {
    let source = shared.disk.clone();
    let mut copier = tokio::task::spawn_blocking(move || Copier::new(source, target, progress)).await??;
    for round in 0..ROUNDS_MAX {
        // Large files that changes after this refer to are found in the journal.
        let from = shared.state().projected;
        let large = index.large_segments().await?;
        let (back, copied) = tokio::task::spawn_blocking(move || {
            let copied = copier.closed(&large);
            (copier, copied)
        })
        .await?;
        copier = back;
        if copied? > 0 && round < CLOSED_ROUNDS_MAX {
            // It took its time: there may be more by now.
            continue;
        }
        let (end, time) = (shared.state().end(), UnixTime::now());
        let (back, whole) = tokio::task::spawn_blocking(move || {
            let whole = copier.tail(from, end);
            (copier, whole)
        })
        .await?;
        copier = back;
        if whole? {
            return tokio::task::spawn_blocking(move || copier.publish(time, end, beside, reminder)).await?;
        }
    }
    Err(BackupError::Failed("files were replaced all the time while they were copied".into()))
}

struct Copier {
    source: Arc<dyn Disk>,
    target: Target,
    progress: Arc<Progress>,
    /// Copies that are there, whole.
    have: BTreeSet<PieceName>,
    /// Those of the newest snapshot, if it is one of this journal: nobody needs to look at them again.
    trusted: HashSet<String>,
    /// When the newest snapshot was made.
    newest: UnixTime,
    /// Segments that have been looked at and were closed then.
    closed: BTreeSet<u64>,
    /// What goes into the manifest, by name.
    stored: BTreeMap<String, Stored>,
    report: BackupReport,
}

/// A file of the journal's folder, open.
struct Source {
    of: Of,
    generation: u32,
    file: Arc<dyn DiskFile>,
    bytes: u64,
}

impl Copier {
    fn new(source: Arc<dyn Disk>, target: Target, progress: Arc<Progress>) -> Result<Self, BackupError> {
        target.remove_parts()?;
        let have: BTreeSet<PieceName> = target.files.list()?.iter().filter_map(|name| PieceName::decode(name)).collect();
        let mut copier = Self {
            source,
            target,
            progress,
            have,
            trusted: HashSet::new(),
            newest: UnixTime(0),
            closed: BTreeSet::new(),
            stored: BTreeMap::new(),
            report: BackupReport::default(),
        };
        if let Some(newest) = copier.target.names()?.pop() {
            // One that cannot be read is for verify to report; without it there is more to compare.
            if let Ok(manifest) = copier.target.manifest(&newest) {
                copier.newest = manifest.time;
                if manifest.time.0 > UnixTime::now().0 + CLOCK_BACK_SECONDS_MAX {
                    let time = moment(manifest.time);
                    return Err(BackupError::Failed(format!(
                        "the newest snapshot says that it is of {time}: is this clock right, or was that one?"
                    )));
                }
                copier.trust(&manifest)?;
            }
        }
        Ok(copier)
    }

    /// Do not look again at files of the newest snapshot, if it is one of this journal.
    fn trust(&mut self, newest: &Manifest) -> Result<(), BackupError> {
        if self.continues(newest)? {
            let there: HashSet<String> = self.have.iter().map(PieceName::encode).collect();
            self.trusted = newest.pieces().map(|piece| piece.file.clone()).filter(|file| there.contains(file)).collect();
        }
        Ok(())
    }

    /// Is this the journal that the snapshot was made of? It is not when a store was restored from an older one and went on from there.
    fn continues(&self, manifest: &Manifest) -> Result<bool, BackupError> {
        let number = manifest.position().segment;
        let name = segment_name(number);
        let Some(stored) = manifest.journal.iter().find(|stored| stored.name == name) else { return Ok(false) };
        let Some(Source { file, generation, .. }) = self.open(Of::Segment(number))? else { return Ok(false) };
        // The key is new with each segment that is made, and stays when it is compacted.
        let shelf = Shelf::new(self.target.files.clone(), manifest);
        let Ok(copied) = Segment::open_whole(&shelf, number) else { return Ok(false) };
        if copied.header.key != Segment::open_whole(&*self.source, number)?.header.key {
            return Ok(false);
        }
        let mut from = 0;
        for piece in stored.pieces.iter().filter(|_| copied.header.generation == generation) {
            let Some(copy) = PieceName::decode(&piece.file) else { return Ok(false) };
            if !self.is_copy(&copy, &*file, from)? {
                return Ok(false);
            }
            from += piece.bytes;
        }
        Ok(true)
    }

    /// Look at everything that no longer changes, and copy what is not there yet. Returns how many files that was.
    fn closed(&mut self, large: &[u64]) -> Result<u64, BackupError> {
        let mut missing = Vec::new();
        let segments = self.segments()?;
        // The one with the largest number is being written to.
        let closed = segments.iter().take(segments.len().saturating_sub(1));
        let big = large.iter().filter(|number| !segments.contains(number));
        for of in closed.map(|number| Of::Segment(*number)).chain(big.map(|number| Of::Big(*number))) {
            self.progress.step(0)?;
            // A large file that is not there has gone with the last item that referred to it.
            let Some(source) = self.open(of)? else { continue };
            if let Of::Segment(number) = of {
                self.closed.insert(number);
            }
            match self.find(&source)? {
                Some(piece) => self.store(of, vec![piece]),
                None => missing.push((of, source.bytes)),
            }
        }
        self.progress.begin("copying", Unit::Bytes, missing.iter().map(|(_, bytes)| bytes).sum());
        for (of, _) in &missing {
            let Some(source) = self.open(*of)? else { continue };
            let piece = self.copy(&source, 0, source.bytes)?;
            self.store(*of, vec![piece]);
        }
        Ok(missing.len() as u64)
    }

    /// Copy what was committed since, up to `end`. `false` if something was compacted or removed in between: then it cannot be said
    /// whether it still held all that was there at `end`.
    fn tail(&mut self, from: Position, end: Position) -> Result<bool, BackupError> {
        let segments = self.segments()?;
        let new: Vec<u64> = segments.iter().copied().filter(|number| *number <= end.segment && !self.closed.contains(number)).collect();
        for number in new {
            let Some(source) = self.open(Of::Segment(number))? else { return Ok(false) };
            if source.generation > 0 {
                return Ok(false);
            }
            let bytes = if number == end.segment { end.offset } else { source.bytes };
            let pieces = self.pieces(&Source { bytes, ..source }, number == end.segment)?;
            self.store(Of::Segment(number), pieces);
        }
        for number in self.large_between(from, end)? {
            let of = Of::Big(number);
            if segments.contains(&number) || self.stored.contains_key(&of.name()) {
                continue;
            }
            let Some(source) = self.open(of)? else { return Ok(false) };
            let piece = match self.find(&source)? {
                Some(piece) => piece,
                None => self.copy(&source, 0, source.bytes)?,
            };
            self.store(of, vec![piece]);
        }
        Ok(true)
    }

    /// The copy of a segment that is not compacted, in as many pieces as it has grown by; in one if it will not grow any more.
    fn pieces(&mut self, source: &Source, grows: bool) -> Result<Vec<Piece>, BackupError> {
        let mut pieces = Vec::new();
        let mut at = 0;
        while at < source.bytes {
            let fits = |name: &&PieceName| {
                (name.of, name.generation, name.from) == (source.of, 0, at)
                    && name.to > at
                    && name.to <= source.bytes
                    && (grows || name.to == source.bytes)
            };
            let mut found = None;
            for name in self.have.iter().rev().filter(fits) {
                if self.is_copy(name, &*source.file, at)? {
                    found = Some(name);
                    break;
                }
            }
            let Some(name) = found else { break };
            pieces.push(name.piece());
            at = name.to;
        }
        if at < source.bytes {
            if !grows || pieces.len() >= PIECES_MAX {
                pieces.clear();
                at = 0;
            }
            self.progress.begin("copying", Unit::Bytes, source.bytes - at);
            pieces.push(self.copy(source, at, source.bytes)?);
        }
        Ok(pieces)
    }

    /// Large files that changes between two positions of the journal refer to.
    fn large_between(&self, from: Position, end: Position) -> Result<BTreeSet<u64>, BackupError> {
        let mut large = BTreeSet::new();
        let mut payload = Vec::new();
        for number in self.segments()?.into_iter().filter(|number| (from.segment..=end.segment).contains(number)) {
            let segment = Segment::open_whole(&*self.source, number)?;
            let mut walk = Walk::new(&segment, if number == from.segment { from.offset } else { 0 });
            let until = if number == end.segment { end.offset } else { segment.bytes };
            while walk.offset() < until {
                match walk.step(&mut payload)? {
                    Step::Frame { kind: Kind::Body, .. } => {}
                    Step::Frame { kind: Kind::Batch, .. } => {
                        let batch: Reread = postcard::from_bytes(&payload).map_err(|error| BackupError::Failed(error.to_string()))?;
                        large.extend(batch.changes.iter().filter_map(large_of));
                    }
                    Step::End => break,
                    Step::Bad { start, .. } => {
                        return Err(BackupError::Failed(format!("{}: the frame at byte {start} does not check", segment_name(number))));
                    }
                }
                self.progress.step(0)?;
            }
        }
        Ok(large)
    }

    fn publish(mut self, time: UnixTime, end: Position, beside: Beside, reminder: String) -> Result<BackupReport, BackupError> {
        let mut taken = Vec::new();
        for (name, octets) in beside {
            let blake3 = blake3::hash(&octets).to_hex().to_string();
            let piece = Piece { file: format!("{blake3}{BESIDE}"), bytes: octets.len() as u64, blake3 };
            if self.target.files.open(&piece.file).and_then(|file| file.bytes()).ok() != Some(piece.bytes) {
                let part = format!("beside{PART}");
                let file = self.target.files.create(&part)?;
                file.write_at(&octets, 0)?;
                file.sync()?;
                self.target.files.rename(&part, &piece.file)?;
                self.target.files.sync_dir()?;
            }
            taken.push(Stored { name, pieces: vec![piece] });
        }
        // Renames of an earlier attempt, too, must be durable before something refers to them.
        self.target.files.sync_dir()?;
        self.progress.step(0)?;
        // A clock that was put back a little must not make an older snapshot the newest.
        let time = time.max(self.newest);
        let journal = std::mem::take(&mut self.stored).into_values().collect();
        let manifest = Manifest::new(time, end, journal, taken, reminder);
        self.report.reminder.clone_from(&manifest.reminder);
        self.report.bytes = manifest.bytes();
        self.report.snapshot = self.target.publish(&manifest)?;
        tracing::info!(snapshot = self.report.snapshot, at = moment(time), copied = self.report.copied_bytes, "a backup was made");
        Ok(self.report)
    }

    fn store(&mut self, of: Of, pieces: Vec<Piece>) {
        self.stored.insert(of.name(), Stored { name: of.name(), pieces });
    }

    /// Numbers of all segments that are there.
    fn segments(&self) -> Result<BTreeSet<u64>, BackupError> {
        Ok(self.source.list()?.iter().filter_map(|name| number_of(name, ".seg")).collect())
    }

    /// `None` if it is not there.
    fn open(&self, of: Of) -> Result<Option<Source>, BackupError> {
        let file = match self.source.open(&of.name()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        let (file, generation) = match of {
            Of::Big(_) => (file, 0),
            Of::Segment(number) => {
                let segment = Segment::open_whole(&*self.source, number)?;
                (segment.file, segment.header.generation)
            }
        };
        let bytes = file.bytes()?;
        Ok(Some(Source { of, generation, file, bytes }))
    }

    /// The copy of a whole file, if it is there.
    fn find(&self, source: &Source) -> Result<Option<Piece>, BackupError> {
        let first = PieceName { of: source.of, generation: source.generation, from: 0, to: source.bytes, hash: String::new() };
        let alike = |name: &&PieceName| (name.of, name.generation, name.from, name.to) == (first.of, first.generation, 0, first.to);
        for name in self.have.range(first.clone()..).take_while(alike) {
            if self.trusted.contains(&name.encode()) || self.is_copy(name, &*source.file, 0)? {
                return Ok(Some(name.piece()));
            }
        }
        Ok(None)
    }

    /// Has the copy the length that it should have, and does it begin and end like the original at `from`?
    fn is_copy(&self, name: &PieceName, original: &dyn DiskFile, from: u64) -> Result<bool, BackupError> {
        let Ok(copy) = self.target.files.open(&name.encode()) else { return Ok(false) };
        let bytes = name.to - name.from;
        if copy.bytes()? != bytes || original.bytes()? < from + bytes {
            return Ok(false);
        }
        let compared = bytes.min(COMPARED_BYTES);
        let (mut here, mut there) = (vec![0; compared as usize], vec![0; compared as usize]);
        for offset in [0, bytes - compared] {
            original.read_at(&mut here, from + offset)?;
            // A copy that cannot be read is none.
            if copy.read_at(&mut there, offset).is_err() || here != there {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Copy a part of a file.
    fn copy(&mut self, source: &Source, from: u64, to: u64) -> Result<Piece, BackupError> {
        let part = format!("copy{PART}");
        let out = self.target.files.create(&part)?;
        let mut hasher = blake3::Hasher::new();
        let mut buffer = Vec::new();
        let (mut at, mut synced) = (from, from);
        while at < to {
            let begun = Instant::now();
            buffer.resize((to - at).min(STEP_BYTES) as usize, 0);
            source.file.read_at(&mut buffer, at)?;
            hasher.update(&buffer);
            out.write_at(&buffer, at - from)?;
            at += buffer.len() as u64;
            if at - synced >= SYNC_BYTES {
                out.sync()?;
                synced = at;
            }
            self.progress.step(buffer.len() as u64)?;
            if at < to {
                std::thread::sleep(begun.elapsed() / PAUSE_PART);
            }
        }
        out.sync()?;
        let hash = hasher.finalize().to_hex().to_string();
        let name = PieceName { of: source.of, generation: source.generation, from, to, hash };
        self.target.files.rename(&part, &name.encode())?;
        self.target.files.sync_dir()?;
        self.report.copied_files += 1;
        self.report.copied_bytes += to - from;
        let piece = name.piece();
        self.have.insert(name);
        Ok(piece)
    }
}

/// The large file that a change refers to.
fn large_of(change: &Change) -> Option<u64> {
    let Change::Put { item, .. } = change else { return None };
    let stored = u64::from(item.content.header_stored) + item.content.body_stored;
    (stored > IN_MEMORY_BYTES_MAX as u64).then_some(item.content.segment)
}
