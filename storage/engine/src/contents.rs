//! Reading contents back from the segments.
//!
//! Called by [`crate::Engine::read`] and by check. Every run is checked against its checksum and has the length that it should have, or it
//! is an error, never handed out. What lies where: three runs beside each other in the journal (`body.rs`), or octets in a file of their own
//! with the facts in front of them (`large.rs`).

use crate::body::{RUN_SUM_BYTES, run_bytes};
use crate::compact::frame_bytes;
use crate::disk::{Disk, DiskFile};
use crate::interface::{Part, ReadError};
use crate::journal::{FRAME_HEADER_BYTES, Segment, big_name, segment_name};
use crate::large;
use crate::options::OpenError;
use octroi_model::{ContentRef, Encoding};
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

/// Segment files kept open for reading; each is a file descriptor.
const OPEN_FILES_MAX: usize = 256;
/// Runs above this many octets are not asked for without waiting: copying them takes its time too.
const CACHED_BYTES_MAX: u64 = 256 << 10;

/// Open segments.
#[derive(Debug)]
pub(crate) struct Contents {
    disk: Arc<dyn Disk>,
    open: Mutex<OpenFiles>,
}

#[derive(Debug, Default)]
struct OpenFiles {
    files: HashMap<u64, (Opened, u64)>,
    clock: u64,
}

/// Where a content lies.
#[derive(Debug, Clone)]
enum Opened {
    /// Among others in the journal.
    Journal(Arc<Segment>),
    /// In a file of its own.
    Big(Arc<dyn DiskFile>),
}

/// May reading wait for the disk?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wait {
    Yes,
    No,
}

impl Contents {
    pub(crate) fn new(disk: Arc<dyn Disk>) -> Self {
        Self { disk, open: Mutex::default() }
    }

    /// One part of one content.
    pub(crate) fn read(&self, content: &ContentRef, part: Part) -> Result<Vec<u8>, ReadError> {
        match self.read_as(content, part, Wait::Yes)? {
            Some(octets) => Ok(octets),
            None => Err(ReadError::Storage("a read that may wait did not".into())),
        }
    }

    /// The same, if it needs no waiting for the disk and is small: may be called where nothing may block.
    pub(crate) fn read_cached(&self, content: &ContentRef, part: Part) -> Result<Option<Vec<u8>>, ReadError> {
        let stored = u64::from(content.facts_stored) + u64::from(content.header_stored) + content.body_stored;
        if stored > CACHED_BYTES_MAX { Ok(None) } else { self.read_as(content, part, Wait::No) }
    }

    fn read_as(&self, content: &ContentRef, part: Part, wait: Wait) -> Result<Option<Vec<u8>>, ReadError> {
        let opened = match (self.cached_file(content.segment), wait) {
            (Some(opened), _) => opened,
            (None, Wait::No) => return Ok(None),
            (None, Wait::Yes) => self.file(content.segment)?,
        };
        let read = match &opened {
            Opened::Journal(segment) => small(segment, content, part, wait),
            Opened::Big(file) if wait == Wait::Yes => alone(&**file, content, part).map(Some),
            Opened::Big(_) => Ok(None),
        };
        read.map_err(|error| match error {
            ReadError::Damaged(why) => {
                ReadError::Damaged(format!("segment {:016x}, content at byte {}: {why}", content.segment, content.offset))
            }
            other => other,
        })
    }

    /// Where the files are.
    pub(crate) fn disk(&self) -> &dyn Disk {
        &*self.disk
    }

    /// Is this content there, as far as can be said without reading it? What cannot be looked at now is not said to be gone.
    pub(crate) fn holds(&self, content: &ContentRef) -> bool {
        // What has no octets and no place is in no file.
        if content.segment == 0 && content.bytes() == 0 {
            return true;
        }
        let opened = match self.cached_file(content.segment) {
            Some(opened) => Ok(opened),
            None => self.file(content.segment),
        };
        match opened {
            Ok(Opened::Journal(segment)) => {
                segment.runs.is_none()
                    || content
                        .offset
                        .checked_sub(FRAME_HEADER_BYTES as u64)
                        .is_some_and(|start| segment.together(start) >= frame_bytes(content))
            }
            Ok(Opened::Big(_)) => true,
            Err(error) => error != ReadError::Gone,
        }
    }

    /// The segment was replaced: look at the new file.
    pub(crate) fn forget(&self, segment: u64) {
        self.lock().files.remove(&segment);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, OpenFiles> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cached_file(&self, segment: u64) -> Option<Opened> {
        let mut open = self.lock();
        open.clock += 1;
        let now = open.clock;
        let (file, used) = open.files.get_mut(&segment)?;
        *used = now;
        Some(file.clone())
    }

    fn file(&self, number: u64) -> Result<Opened, ReadError> {
        // Opened under the lock: otherwise a file that is being replaced could be taken in after it was forgotten.
        let mut open = self.lock();
        let opened = match Segment::open_whole(&*self.disk, number) {
            Ok(segment) => Opened::Journal(Arc::new(segment)),
            Err(OpenError::Io(_)) => match self.disk.open(&big_name(number)) {
                Ok(file) => Opened::Big(file),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(ReadError::Gone),
                Err(error) => return Err(ReadError::Storage(format!("{}: {error}", big_name(number)))),
            },
            Err(error) => return Err(ReadError::Damaged(format!("{}: {error}", segment_name(number)))),
        };
        if open.files.len() >= OPEN_FILES_MAX
            && let Some(oldest) = open.files.iter().min_by_key(|(_, (_, used))| *used).map(|(number, _)| *number)
        {
            open.files.remove(&oldest);
        }
        let now = open.clock;
        open.files.insert(number, (opened.clone(), now));
        Ok(opened)
    }
}

/// A content that lies in the journal.
fn small(segment: &Segment, content: &ContentRef, part: Part, wait: Wait) -> Result<Option<Vec<u8>>, ReadError> {
    let facts_at = content.offset;
    let header_at = facts_at + run_bytes(content.facts_stored.into());
    let body_at = header_at + run_bytes(content.header_stored.into());
    let (header_stored, header_bytes) = (u64::from(content.header_stored), u64::from(content.header_bytes));
    let body = || read_run(segment, body_at, content.body_stored, wait);
    Ok(match part {
        Part::Facts => read_run(segment, facts_at, content.facts_stored.into(), wait)?,
        Part::Header => match read_run(segment, header_at, header_stored, wait)? {
            Some(stored) => Some(unpack(stored, header_bytes, content.encoding)?),
            None => None,
        },
        Part::Whole => {
            let Some(mut stored) = fill(segment, header_at, run_bytes(header_stored) + run_bytes(content.body_stored), wait)? else {
                return Ok(None);
            };
            let mut body = stored.split_off(run_bytes(header_stored) as usize);
            checked(&mut stored)?;
            checked(&mut body)?;
            let mut whole = unpack(stored, header_bytes, content.encoding)?;
            if whole.is_empty() {
                Some(unpack(body, content.body_bytes, content.encoding)?)
            } else {
                whole.extend(unpack(body, content.body_bytes, content.encoding)?);
                Some(whole)
            }
        }
        Part::Range { offset, bytes } => {
            let (octets, start) = if offset >= header_bytes {
                let Some(stored) = body()? else { return Ok(None) };
                (unpack(stored, content.body_bytes, content.encoding)?, offset - header_bytes)
            } else {
                let Some(whole) = small(segment, content, Part::Whole, wait)? else { return Ok(None) };
                (whole, offset)
            };
            let from = start.min(octets.len() as u64) as usize;
            let to = start.saturating_add(bytes).min(octets.len() as u64) as usize;
            Some(octets[from..to].to_vec())
        }
    })
}

/// A content that has a file of its own.
fn alone(file: &dyn DiskFile, content: &ContentRef, part: Part) -> Result<Vec<u8>, ReadError> {
    match part {
        Part::Facts => large::read_facts(file, content),
        Part::Header => large::read_octets(file, content, 0, content.header_bytes.into()),
        Part::Whole => large::read_octets(file, content, 0, content.bytes()),
        Part::Range { offset, bytes } => {
            let from = offset.min(content.bytes());
            large::read_octets(file, content, from, bytes.min(content.bytes() - from))
        }
    }
}

/// A run and its checksum.
fn read_run(segment: &Segment, offset: u64, bytes: u64, wait: Wait) -> Result<Option<Vec<u8>>, ReadError> {
    let Some(mut stored) = fill(segment, offset, run_bytes(bytes), wait)? else { return Ok(None) };
    checked(&mut stored)?;
    Ok(Some(stored))
}

fn fill(segment: &Segment, offset: u64, bytes: u64, wait: Wait) -> Result<Option<Vec<u8>>, ReadError> {
    // Look before asking for the memory: a reference that is wrong must not take it all.
    if bytes > 1 << 20 && offset.saturating_add(bytes) > segment.file.bytes().map_err(storage)? {
        return Err(ReadError::Damaged("it lies beyond the end of its segment".into()));
    }
    let mut octets = vec![0; bytes as usize];
    let there = match wait {
        Wait::Yes => segment.read_at(&mut octets, offset).map(|()| true),
        Wait::No => segment.read_cached(&mut octets, offset),
    };
    Ok(there.map_err(storage)?.then_some(octets))
}

/// Take the checksum off a run, if it is right.
fn checked(stored: &mut Vec<u8>) -> Result<(), ReadError> {
    if stored.is_empty() {
        return Ok(());
    }
    let sum = stored.split_off(stored.len().saturating_sub(RUN_SUM_BYTES));
    if crc32fast::hash(stored).to_le_bytes() != *sum {
        return Err(ReadError::Damaged("its checksum is wrong".into()));
    }
    Ok(())
}

/// What a failed read means.
// By value, as `map_err` hands it over.
#[allow(clippy::needless_pass_by_value)]
pub(crate) fn storage(error: io::Error) -> ReadError {
    match error.kind() {
        // It was given back after nothing referred to it any more.
        io::ErrorKind::NotFound => ReadError::Gone,
        io::ErrorKind::UnexpectedEof => ReadError::Damaged("its file ends before it".into()),
        _ => ReadError::Storage(error.to_string()),
    }
}

/// Decompress; what comes out is exactly `bytes` long or it is an error. A run that did not shrink was stored as it came.
fn unpack(stored: Vec<u8>, bytes: u64, encoding: Encoding) -> Result<Vec<u8>, ReadError> {
    if stored.len() as u64 == bytes {
        return Ok(stored);
    }
    if encoding == Encoding::Raw {
        return Err(ReadError::Damaged(format!("it has {} bytes, not {bytes}", stored.len())));
    }
    crate::pack::unpack(&stored, bytes as usize).map_err(|error| ReadError::Damaged(format!("it does not decompress: {error}")))
}
