//! Appending to the journal: one write and one sync per group of batches.

use super::frame::{FRAME_HEADER_BYTES, Frame, Kind};
use super::segment::{SEGMENT_HEADER_BYTES, Segment};
use crate::disk::Disk;
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
    pub(crate) fn group(&mut self) -> io::Result<Group<'_>> {
        if self.segment.bytes >= self.segment_bytes_max && self.segment.bytes > SEGMENT_HEADER_BYTES {
            let number = self.numbers.fetch_add(1, Ordering::Relaxed);
            self.segment = Segment::create(&*self.disk, number, self.segment.number, self.segment.bytes)?;
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

    /// Write and sync all of it. After an error nobody knows what is on disk: the caller must not write again.
    pub(crate) fn write(self) -> io::Result<()> {
        let Journal { segment, buffer, .. } = self.journal;
        segment.file.write_at(buffer, self.start)?;
        segment.file.sync()?;
        segment.bytes = self.start + buffer.len() as u64;
        Ok(())
    }
}
