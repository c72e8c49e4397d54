//! Large contents on their way in: a segment file of their own, written as the octets come.
//!
//! Used through [`crate::Stage`]. A staged file that no committed change refers to is removed: at once when it is dropped, after a crash by
//! recovery. `large.rs` says what such a file looks like.

use crate::body::Body;
use crate::compact::Staged;
use crate::disk::{Disk, DiskFile, is_full};
use crate::interface::{CommitError, Describe, Promise, Stage};
use crate::journal::big_name;
use crate::lane::Lane;
use crate::large::{BIG_HEADER_BYTES, OCTETS_OFFSET, PieceSums, big_header};
use crate::pages::{Buffers, Lent};
use octroi_model::{ContentRef, Encoding, Hash};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

/// Contents up to this size stay in memory and go through the journal.
pub(crate) const IN_MEMORY_BYTES_MAX: usize = 1 << 20;
/// Largest content that is read back to be described whole; of a larger one `describe` sees the beginning.
pub const DESCRIBED_BYTES_MAX: u64 = 64 << 20;
/// Octets of a head that is given last.
pub const HEAD_BYTES_MAX: usize = 256 << 10;
/// Large contents being described at the same time: each is in memory meanwhile.
const DESCRIBED_AT_ONCE: usize = 4;
/// Contents up to this size are described, hashed and compressed on the session's own task: that takes about as long as handing them to
/// another thread.
const DESCRIBED_HERE_BYTES_MAX: usize = 32 << 10;
/// Octets collected before they are written. While they are, and are summed up, the next are collected.
const WRITE_BYTES: usize = 1 << 19;
/// Buffers of so many: one that is collected into, the others being written or summed up, or waiting for it.
const BUFFERS: usize = 6;
/// From which octet on they are written past the system's cache: what is shorter (a letter, a picture) is often read again soon. What is longer
/// would push out of memory what others read, and a processor would be busy with copying it; what describes it reads it from the disk.
const PAST_CACHE_FROM: u64 = 8 << 20;
/// Octets after which the disk is asked to keep what it has: it works while more comes, and little is left to wait for at the end.
const SYNC_BYTES: u64 = 16 << 20;

static DESCRIBING: Semaphore = Semaphore::const_new(DESCRIBED_AT_ONCE);

/// A finished file that waits for its commit; removed when dropped before that.
#[derive(Debug)]
pub(crate) struct StagedFile {
    disk: Arc<dyn Disk>,
    number: u64,
    /// Says to a pass that erases that this file is needed, for as long as a batch could bring it.
    registry: Arc<Staged>,
    kept: AtomicBool,
    /// Where to remove it: who drops it may be the committer, which must not wait.
    runtime: Handle,
}

impl StagedFile {
    /// A batch that refers to it is about to be written: from now on only recovery may remove it.
    pub(crate) fn keep(&self) {
        self.kept.store(true, Ordering::Release);
    }
}

impl Drop for StagedFile {
    fn drop(&mut self) {
        self.registry.remove(self.number);
        if self.kept.load(Ordering::Acquire) {
            return;
        }
        let (disk, name) = (self.disk.clone(), big_name(self.number));
        // What is left behind when this fails is removed by the next recovery.
        let remove = move || drop(disk.remove(&name));
        // Unlinking gigabytes takes its time.
        drop(self.runtime.spawn_blocking(remove));
    }
}

/// The embedded engine's stage.
#[derive(Debug)]
pub(crate) struct Staging {
    disk: Arc<dyn Disk>,
    numbers: Arc<AtomicU64>,
    registry: Arc<Staged>,
    /// The first octets, up to [`IN_MEMORY_BYTES_MAX`].
    first: Vec<u8>,
    /// Octets that are not in `first` and not on their way to the file.
    pending: Option<Lent>,
    buffers: Buffers,
    /// What goes in front of all of them; `None` if nothing will.
    head: Option<Vec<u8>>,
    spill: Spill,
}

#[derive(Debug)]
enum Spill {
    /// There is no file.
    None,
    /// What was collected is on its way to the file.
    Going(Box<Going>),
    /// Writing failed or was given up half-way.
    Broken,
}

/// The two ways that each buffer goes at the same time.
#[derive(Debug)]
struct Going {
    file: Lane<SpillFile>,
    /// Of all octets, as they come; `None` while what goes in front of them is not known.
    sums: Option<Lane<Sums>>,
}

#[derive(Debug)]
struct SpillFile {
    file: Arc<dyn DiskFile>,
    staged: StagedFile,
    /// Octets that have come, without the head.
    bytes: u64,
    /// How many of the octets the last sync was begun for, and the sync.
    sync_begun: u64,
    syncing: Option<JoinHandle<io::Result<()>>>,
}

/// What is summed up of the octets.
#[derive(Debug, Default)]
struct Sums {
    hasher: blake3::Hasher,
    pieces: PieceSums,
}

impl Sums {
    fn update(&mut self, octets: &[u8]) {
        self.hasher.update(octets);
        self.pieces.update(octets);
    }
}

impl Staging {
    pub(crate) fn new(disk: Arc<dyn Disk>, numbers: Arc<AtomicU64>, registry: Arc<Staged>) -> Self {
        let buffers = Buffers::new(BUFFERS, WRITE_BYTES);
        Self { disk, numbers, registry, first: Vec::new(), pending: None, buffers, head: None, spill: Spill::None }
    }

    /// Is all that has come in `first`?
    fn is_in_memory(&self) -> bool {
        matches!(self.spill, Spill::None) && self.pending.is_none()
    }

    /// Send what is pending on its way to the file, made if it is not there.
    async fn flush(&mut self) -> Result<(), CommitError> {
        let Some(pending) = self.pending.take() else { return Ok(()) };
        let going = match std::mem::replace(&mut self.spill, Spill::Broken) {
            Spill::None => self.begin().await?,
            Spill::Going(going) if going.file.has_failed() => return going.end().await.map(drop),
            Spill::Going(going) => going,
            Spill::Broken => return Err(broken()),
        };
        let filled = Arc::new(pending);
        if let Some(sums) = &going.sums {
            sums.push(filled.clone());
        }
        going.file.push(filled);
        self.spill = Spill::Going(going);
        Ok(())
    }

    /// The file, with the first octets in it.
    async fn begin(&mut self) -> Result<Box<Going>, CommitError> {
        let (disk, number) = (self.disk.clone(), self.numbers.fetch_add(1, Ordering::Relaxed));
        let (first, registry) = (std::mem::take(&mut self.first), self.registry.clone());
        let mut sums = self.head.is_none().then(Sums::default);
        let begin = move || {
            if let Some(sums) = &mut sums {
                sums.update(&first);
            }
            Ok((SpillFile::begin(disk, number, registry, &first)?, sums, first))
        };
        let (file, sums, first) = joined(tokio::task::spawn_blocking(begin).await)?;
        self.first = first;
        let sum_up = |sums: &mut Sums, octets: &[u8]| {
            sums.update(octets);
            Ok(())
        };
        Ok(Box::new(Going { file: Lane::new(file, SpillFile::write), sums: sums.map(|sums| Lane::new(sums, sum_up)) }))
    }

    /// The file and its sums, once all that was sent to it has arrived; `None` if there is none.
    async fn settled(&mut self) -> Result<Option<(SpillFile, Option<Sums>)>, CommitError> {
        match std::mem::replace(&mut self.spill, Spill::Broken) {
            Spill::None => Ok(None),
            Spill::Going(going) => going.end().await.map(Some),
            Spill::Broken => Err(broken()),
        }
    }
}

impl Going {
    /// Wait until all is written and summed up.
    async fn end(self) -> Result<(SpillFile, Option<Sums>), CommitError> {
        let file = self.file.end().await.map_err(|e| failed(&e))?;
        let sums = match self.sums {
            Some(sums) => Some(sums.end().await.map_err(|e| failed(&e))?),
            None => None,
        };
        Ok((file, sums))
    }
}

impl Stage for Staging {
    fn write<'a>(&'a mut self, mut octets: &'a [u8]) -> Promise<'a, Result<(), CommitError>> {
        Box::pin(async move {
            if self.is_in_memory() {
                let room = IN_MEMORY_BYTES_MAX - self.first.len();
                let (now, later) = octets.split_at(room.min(octets.len()));
                self.first.extend_from_slice(now);
                octets = later;
            }
            while !octets.is_empty() {
                let pending = match &mut self.pending {
                    Some(pending) => pending,
                    none => none.insert(self.buffers.empty().await),
                };
                octets = pending.fill(octets);
                if pending.is_full() {
                    self.flush().await?;
                }
            }
            Ok(())
        })
    }

    fn expect_head(&mut self) {
        self.head = Some(Vec::new());
    }

    fn in_memory(&self) -> Option<&[u8]> {
        self.is_in_memory().then_some(&self.first)
    }

    fn head(&mut self, octets: Vec<u8>) {
        self.head = Some(octets);
    }

    fn finish(mut self: Box<Self>, describe: Option<Describe>) -> Promise<'static, Result<Body, CommitError>> {
        Box::pin(async move {
            if self.head.as_ref().is_some_and(|head| head.len() > HEAD_BYTES_MAX) {
                return Err(CommitError::Storage("a head is too long".into()));
            }
            self.flush().await?;
            let head = self.head.take().unwrap_or_default();
            let first = std::mem::take(&mut self.first);
            let first = if head.is_empty() { first } else { [head.as_slice(), &first].concat() };
            let Some((mut spill, sums)) = self.settled().await? else {
                if first.len() <= DESCRIBED_HERE_BYTES_MAX {
                    return Ok(body(&first, describe));
                }
                return joined(tokio::task::spawn_blocking(move || Ok(body(&first, describe))).await);
            };
            // Waited for here: a thread that waits for another's work could keep it from being done.
            if let Some(syncing) = spill.syncing.take() {
                joined(syncing.await)?;
            }
            let _turn = if describe.is_some() { DESCRIBING.acquire().await.ok() } else { None };
            let finish = move || {
                let (facts, header_bytes) = match describe {
                    None => (Vec::new(), 0),
                    Some(describe) if spill.bytes > DESCRIBED_BYTES_MAX => describe(&first),
                    Some(describe) => describe(&spill.read_back(&head)?),
                };
                spill.finish(sums, &head, &facts, header_bytes)
            };
            joined(tokio::task::spawn_blocking(finish).await)
        })
    }
}

/// Of octets that are all in memory.
fn body(octets: &[u8], describe: Option<Describe>) -> Body {
    let (facts, header_bytes) = describe.map_or((Vec::new(), 0), |describe| describe(octets));
    Body::message(&facts, octets, header_bytes)
}

impl SpillFile {
    /// A new file with what came first.
    fn begin(disk: Arc<dyn Disk>, number: u64, registry: Arc<Staged>, first: &[u8]) -> io::Result<Self> {
        registry.add(number);
        let file = disk.create(&big_name(number)).inspect_err(|_| registry.remove(number))?;
        let staged = StagedFile { disk, number, registry, kept: AtomicBool::new(false), runtime: Handle::current() };
        let mut spill = Self { file, staged, bytes: 0, sync_begun: 0, syncing: None };
        spill.append(first)?;
        Ok(spill)
    }

    fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        self.append(octets)?;
        self.sync_meanwhile()
    }

    /// Begin to sync what is there, if it is much and no sync is under way.
    fn sync_meanwhile(&mut self) -> io::Result<()> {
        if self.bytes - self.sync_begun < SYNC_BYTES || self.syncing.as_ref().is_some_and(|job| !job.is_finished()) {
            return Ok(());
        }
        let runtime = self.staged.runtime.clone();
        if let Some(done) = self.syncing.take() {
            // What a sync could not keep, the next would not tell of.
            runtime.block_on(done).map_err(io::Error::other)??;
        }
        let file = self.file.clone();
        self.syncing = Some(runtime.spawn_blocking(move || file.sync()));
        self.sync_begun = self.bytes;
        Ok(())
    }

    fn append(&mut self, octets: &[u8]) -> io::Result<()> {
        let offset = OCTETS_OFFSET + self.bytes;
        if self.bytes < PAST_CACHE_FROM {
            self.file.write_at(octets, offset)?;
        } else {
            self.file.write_past_cache(octets, offset)?;
        }
        self.bytes += octets.len() as u64;
        Ok(())
    }

    fn read_back(&self, head: &[u8]) -> io::Result<Vec<u8>> {
        let mut octets = vec![0; head.len() + usize::try_from(self.bytes).map_err(io::Error::other)?];
        octets[..head.len()].copy_from_slice(head);
        self.file.read_at(&mut octets[head.len()..], OCTETS_OFFSET)?;
        Ok(octets)
    }

    /// Sum up the head and, in pieces, what was written.
    fn sum_up(&self, head: &[u8]) -> io::Result<Sums> {
        let mut sums = Sums::default();
        sums.update(head);
        let mut piece = vec![0; WRITE_BYTES];
        let mut done = 0;
        while done < self.bytes {
            let piece = &mut piece[..(self.bytes - done).min(WRITE_BYTES as u64) as usize];
            self.file.read_at(piece, OCTETS_OFFSET + done)?;
            sums.update(piece);
            done += piece.len() as u64;
        }
        Ok(sums)
    }

    /// With the sums of all octets, or those are taken of what was written.
    fn finish(self, sums: Option<Sums>, head: &[u8], facts: &[u8], header_bytes: usize) -> io::Result<Body> {
        let sums = match sums {
            Some(sums) => sums,
            None => self.sum_up(head)?,
        };
        // The head goes right in front of what has come, and the facts in front of that.
        let (start, bytes) = (OCTETS_OFFSET - head.len() as u64, self.bytes + head.len() as u64);
        let facts = if facts.len() as u64 > start - BIG_HEADER_BYTES as u64 { &[] } else { facts };
        // A header is far below 4 GiB, as its reader looks into a mebibyte of it.
        let header_bytes = u32::try_from((header_bytes as u64).min(bytes)).unwrap_or(0);
        let offset = start - facts.len() as u64;
        self.file.write_at(&[facts, head].concat(), offset)?;
        self.file.write_at(&sums.pieces.finish(), start + bytes)?;
        self.file.write_at(&big_header(self.staged.number, facts), 0)?;
        self.file.sync()?;
        self.staged.disk.sync_dir()?;
        let body_bytes = bytes - u64::from(header_bytes);
        let content = ContentRef {
            segment: self.staged.number,
            offset,
            facts_stored: facts.len() as u32,
            header_stored: header_bytes,
            body_stored: body_bytes,
            header_bytes,
            body_bytes,
            encoding: Encoding::Raw,
        };
        let hash = Hash(*sums.hasher.finalize().as_bytes());
        Ok(Body { content, hash, stored: Vec::new(), crc: 0, staged: Some(self.staged) })
    }
}

fn joined<T>(outcome: Result<io::Result<T>, tokio::task::JoinError>) -> Result<T, CommitError> {
    outcome.map_err(io::Error::other).flatten().map_err(|e| failed(&e))
}

fn failed(error: &io::Error) -> CommitError {
    if is_full(error) { CommitError::NoSpace } else { CommitError::Storage(error.to_string()) }
}

fn broken() -> CommitError {
    CommitError::Storage("staging failed before".into())
}
