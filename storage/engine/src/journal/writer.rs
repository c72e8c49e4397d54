//! Appending to the journal: one write and one sync per group of batches.

use super::frame::{FRAME_HEADER_BYTES, Frame, Kind};
use super::segment::{SEGMENT_HEADER_BYTES, Segment, segment_name};
use crate::disk::{Disk, is_full};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Memory kept for the next group; a larger buffer is given back.
const BUFFER_KEPT_BYTES: usize = 32 << 20;

/// The end of the journal, held by the committer.
#[derive(Debug)]
pub(crate) struct Journal {
    disk: Arc<dyn Disk>,
    segment: Segment,
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
            Some(last) if !torn && last.bytes < segment_bytes_max => last,
            // Never append behind a tear: what comes later would look as if it stood on synced ground.
            Some(last) => Segment::create(&*disk, numbers.fetch_add(1, Ordering::Relaxed), last.number, last.bytes)?,
            None => Segment::create(&*disk, numbers.fetch_add(1, Ordering::Relaxed), 0, 0)?,
        };
        Ok(Self { disk, segment, numbers, segment_bytes_max, buffer: Vec::new() })
    }

    /// Begin a group, in a new segment if this one is full.
    pub(crate) fn group(&mut self) -> Result<Group<'_>, WriteFault> {
        if self.segment.bytes >= self.segment_bytes_max && self.segment.bytes > SEGMENT_HEADER_BYTES {
            let number = self.numbers.fetch_add(1, Ordering::Relaxed);
            self.segment = Segment::create(&*self.disk, number, self.segment.number, self.segment.bytes).map_err(|error| {
                // A file that was begun must be gone before another one follows this segment.
                let taken_back = || self.disk.remove(&segment_name(number)).and_then(|()| self.disk.sync_dir());
                WriteFault::of(error, taken_back)
            })?;
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
        self.journal.segment.number
    }

    /// Where the next frame will stand.
    pub(crate) fn offset(&self) -> u64 {
        self.start + self.journal.buffer.len() as u64
    }

    /// Add a frame; `crc` is that of the payload. Returns where the payload will lie.
    pub(crate) fn add(&mut self, kind: Kind, payload: &[u8], crc: u32) -> u64 {
        let offset = self.offset();
        let frame = Frame { kind, payload_bytes: payload.len() as u64, group_start: self.start, crc };
        let header = frame.seal(&self.journal.segment.key, offset);
        self.journal.buffer.extend_from_slice(&header);
        self.journal.buffer.extend_from_slice(payload);
        offset + FRAME_HEADER_BYTES as u64
    }

    /// Write and sync all of it. After [`WriteFault::Broken`] nobody knows what is on disk: the caller must not write again.
    pub(crate) fn write(self) -> Result<(), WriteFault> {
        let Journal { segment, buffer, .. } = self.journal;
        let start = self.start;
        segment.file.write_at(buffer, start).map_err(|error| {
            // Synced, so that no part of this group can come back after a crash.
            WriteFault::of(error, || segment.file.truncate(start).and_then(|()| segment.file.sync()))
        })?;
        segment.file.sync().map_err(WriteFault::Broken)?;
        segment.bytes = start + buffer.len() as u64;
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
