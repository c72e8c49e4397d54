//! Appending to the journal: one write and one sync per group of batches.

use super::frame::{FRAME_HEADER_BYTES, Frame, Kind};
use super::segment::{SEGMENT_HEADER_BYTES, Segment, segment_name};
use crate::disk::{Disk, is_full};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Memory kept for the next group; a larger buffer is given back.
const BUFFER_KEPT_BYTES: usize = 32 << 20;
/// Nulls written ahead of the end: a sync of what overwrites them need not wait for the file system to note a new length, which is a fifth
/// to a quarter of its time.
const AHEAD_BYTES: u64 = 1 << 20;
/// Groups above this many bytes are appended as they are: writing ahead would double the work and save nothing that shows. Documents of 16 KiB
/// from eight connections stay below: a sync that has to note a new length goes to the disk twice.
const AHEAD_GROUP_BYTES_MAX: usize = 160 << 10;

/// The end of the journal, held by the committer.
#[derive(Debug)]
pub(crate) struct Journal {
    disk: Arc<dyn Disk>,
    segment: Segment,
    /// Length of its file: what lies behind `segment.bytes` is nulls.
    ahead: u64,
    /// Gives numbers to new segments, shared with staging.
    numbers: Arc<AtomicU64>,
    segment_bytes_max: u64,
    buffer: Vec<u8>,
}

/// Frames that will be written together.
#[derive(Debug)]
pub(crate) struct Group<'a> {
    journal: &'a mut Journal,
    start: u64,
}

impl Journal {
    /// Go on at the end of `last` if it has room; else in a new segment.
    pub(crate) fn resume(
        disk: Arc<dyn Disk>,
        last: Option<Segment>,
        torn: bool,
        numbers: Arc<AtomicU64>,
        segment_bytes_max: u64,
    ) -> io::Result<Self> {
        let segment = match last {
            // Nor behind what was compacted: that file has its list at the end.
            Some(last) if !torn && last.bytes < segment_bytes_max && last.runs.is_none() => last,
            // Never append behind a tear: what comes later would look as if it stood on synced ground.
            Some(last) => Segment::create(&*disk, numbers.fetch_add(1, Ordering::Relaxed), last.number(), last.bytes)?,
            None => Segment::create(&*disk, numbers.fetch_add(1, Ordering::Relaxed), 0, 0)?,
        };
        let ahead = segment.bytes;
        Ok(Self { disk, segment, ahead, numbers, segment_bytes_max, buffer: Vec::new() })
    }

    /// Cut off what was written ahead. Needed before another segment follows, which says how long this one is.
    pub(crate) fn trim(&mut self) -> io::Result<()> {
        if self.ahead > self.segment.bytes {
            self.segment.file.truncate(self.segment.bytes)?;
            self.segment.file.sync()?;
            self.ahead = self.segment.bytes;
        }
        Ok(())
    }

    /// Number of the segment that is appended to: all before it are closed.
    pub(crate) fn open_segment(&self) -> u64 {
        self.segment.number()
    }

    /// Close this segment and go on in a new one, unless there is nothing in it.
    pub(crate) fn roll(&mut self) -> Result<(), WriteFault> {
        if self.segment.bytes <= SEGMENT_HEADER_BYTES {
            return Ok(());
        }
        self.trim().map_err(WriteFault::Broken)?;
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        self.segment = Segment::create(&*self.disk, number, self.segment.number(), self.segment.bytes).map_err(|error| {
            // A file that was begun must be gone before another one follows this segment.
            let taken_back = || self.disk.remove(&segment_name(number)).and_then(|()| self.disk.sync_dir());
            WriteFault::of(error, taken_back)
        })?;
        self.ahead = self.segment.bytes;
        Ok(())
    }

    /// Begin a group, in a new segment if this one is full.
    pub(crate) fn group(&mut self) -> Result<Group<'_>, WriteFault> {
        if self.segment.bytes >= self.segment_bytes_max {
            self.roll()?;
        }
        self.buffer.clear();
        self.buffer.shrink_to(BUFFER_KEPT_BYTES);
        let start = self.segment.bytes;
        Ok(Group { journal: self, start })
    }
}

impl Group<'_> {
    /// Number of the segment that it goes to.
    pub(crate) fn segment(&self) -> u64 {
        self.journal.segment.number()
    }

    /// Where the next frame will stand.
    pub(crate) fn offset(&self) -> u64 {
        self.start + self.journal.buffer.len() as u64
    }

    /// Add a frame; `crc` is that of the payload. Returns where the payload will lie.
    pub(crate) fn add(&mut self, kind: Kind, payload: &[u8], crc: u32) -> u64 {
        let offset = self.offset();
        let frame = Frame { kind, payload_bytes: payload.len() as u64, group_start: self.start, crc };
        let header = frame.seal(&self.journal.segment.header.key, offset);
        self.journal.buffer.extend_from_slice(&header);
        self.journal.buffer.extend_from_slice(payload);
        offset + FRAME_HEADER_BYTES as u64
    }

    /// Write and sync all of it. After [`WriteFault::Broken`] nobody knows what is on disk: the caller must not write again.
    pub(crate) fn write(self) -> Result<(), WriteFault> {
        let Journal { segment, ahead, buffer, segment_bytes_max, .. } = self.journal;
        let start = self.start;
        let end = start + buffer.len() as u64;
        if end > *ahead && buffer.len() <= AHEAD_GROUP_BYTES_MAX && end < *segment_bytes_max {
            let nulls = vec![0; AHEAD_BYTES.min(*segment_bytes_max) as usize];
            // Whether they fit shows when the group itself is written; some of them may be there even if not all are.
            let _ = segment.file.write_at(&nulls, *ahead);
            *ahead += nulls.len() as u64;
        }
        segment.file.write_at(buffer, start).map_err(|error| {
            *ahead = start;
            // Synced, so that no part of this group can come back after a crash.
            WriteFault::of(error, || segment.file.truncate(start).and_then(|()| segment.file.sync()))
        })?;
        segment.file.sync().map_err(WriteFault::Broken)?;
        segment.bytes = end;
        *ahead = end.max(*ahead);
        Ok(())
    }
}

/// Why a group was not written.
#[derive(Debug)]
pub(crate) enum WriteFault {
    /// There was no room, and what was begun has been taken back: the journal ends where it ended before.
    NoSpace,
    /// What is on disk is not known any more.
    Broken(io::Error),
}

impl WriteFault {
    fn of(error: io::Error, take_back: impl FnOnce() -> io::Result<()>) -> Self {
        if !is_full(&error) {
            return Self::Broken(error);
        }
        match take_back() {
            Ok(()) => Self::NoSpace,
            Err(worse) => Self::Broken(worse),
        }
    }
}
