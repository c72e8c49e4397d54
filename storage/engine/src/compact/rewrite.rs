//! Writing a segment anew with only a part of its frames, beside the old file and then in its place.
//!
//! Used by compaction and by repair. What is kept is copied octet by octet, checked on the way, and keeps its offsets; until the new file has
//! taken the name, the old one is what counts. The new one is synced before, so after a crash there is one or the other, whole.

use crate::disk::{Disk, DiskFile};
use crate::journal::{FRAME_HEADER_BYTES, Head, Kind, Runs, SEGMENT_HEADER_BYTES, Segment, SegmentHeader, Walk, segment_name};
use crate::recovery::UNFINISHED;
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

/// Octets looked at in one slice of work.
pub(crate) const SLICE_BYTES: u64 = 1 << 20;
/// Octets written between two syncs: a sync of all at once would keep the disk from the committer for long.
const SYNC_BYTES: u64 = 8 << 20;

/// A segment that is being written anew; dropped before it is finished, it leaves nothing behind.
#[derive(Debug)]
pub(crate) struct Rewrite {
    disk: Arc<dyn Disk>,
    segment: Segment,
    header: Vec<u8>,
    name: String,
    file: Arc<dyn DiskFile>,
    runs: Runs,
    /// How far the segment has been looked at.
    at: u64,
    synced: u64,
    holes: BTreeMap<u64, u64>,
    /// Bytes of the bodies that were kept, with their headers.
    body_bytes: u64,
    bodies: u64,
    renamed: bool,
}

/// What a slice came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Slice {
    More,
    /// All of the segment has been looked at.
    Whole,
    /// The frame at this offset does not check.
    Damaged(u64),
}

/// What a segment looks like that was written anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rewritten {
    pub(crate) generation: u32,
    pub(crate) file_bytes: u64,
    pub(crate) body_bytes: u64,
    pub(crate) bodies: u64,
}

impl Rewrite {
    /// Begin the new file.
    pub(crate) fn begin(disk: Arc<dyn Disk>, segment: Segment) -> io::Result<Self> {
        let name = format!("{}{UNFINISHED}", segment_name(segment.number()));
        let generation = segment.header.generation.checked_add(1).ok_or_else(|| io::Error::other("compacted too often"))?;
        let header = SegmentHeader { generation, ..segment.header.clone() }.encode();
        let file = match disk.create(&name) {
            // Of a pass that could not remove it.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => disk.remove(&name).and_then(|()| disk.create(&name)),
            other => other,
        }?;
        let runs = Runs::new(segment.bytes);
        let at = SEGMENT_HEADER_BYTES;
        let rewrite = Self {
            disk,
            segment,
            header,
            name,
            file,
            runs,
            at,
            synced: 0,
            holes: BTreeMap::new(),
            body_bytes: 0,
            bodies: 0,
            renamed: false,
        };
        rewrite.file.write_at(&rewrite.header, 0)?;
        Ok(rewrite)
    }

    /// Look at about [`SLICE_BYTES`] more; `keep` says of a body, by where its payload begins, whether it stays.
    pub(crate) fn slice(&mut self, keep: impl Fn(u64) -> bool) -> io::Result<Slice> {
        let place = self.runs.end();
        let (mut kept, mut looked) = (Vec::new(), 0);
        let mut outcome = Slice::More;
        let mut walk = Walk::new(&self.segment, self.at);
        while looked < SLICE_BYTES {
            if let Some(end) = self.holes.get(&self.segment.next(walk.offset())) {
                walk.skip_to(*end);
                continue;
            }
            let (kind, start, end) = match walk.head()? {
                Head::Frame { kind, start, end } => (kind, start, end),
                Head::End => {
                    outcome = Slice::Whole;
                    break;
                }
                Head::Bad { start } => {
                    outcome = Slice::Damaged(start);
                    break;
                }
            };
            let bytes = end - start;
            if kind == Kind::Body && !keep(start + FRAME_HEADER_BYTES as u64) {
                // As if it were a small read: what is not copied costs little.
                looked += FRAME_HEADER_BYTES as u64;
            } else {
                if !walk.copy(start, end, &mut kept)? {
                    outcome = Slice::Damaged(start);
                    break;
                }
                self.runs.keep(start, bytes);
                looked += bytes;
                if kind == Kind::Body {
                    self.body_bytes += bytes;
                    self.bodies += 1;
                }
            }
            walk.skip_to(end);
        }
        self.at = walk.offset();
        if !kept.is_empty() {
            self.file.write_at(&kept, place)?;
        }
        if self.runs.end() - self.synced >= SYNC_BYTES {
            self.file.sync()?;
            self.synced = self.runs.end();
        }
        Ok(outcome)
    }

    /// Leave out these pieces too, by where they begin and end, whatever stands there.
    pub(crate) fn leave_out(&mut self, holes: BTreeMap<u64, u64>) {
        self.holes = holes;
    }

    /// As [`Rewrite::seal`], of a segment that was longer than what is left of it.
    pub(crate) fn seal_as(&mut self, bytes: u64) -> io::Result<()> {
        self.runs.bytes = bytes;
        self.seal()
    }

    /// Put the list of what is kept behind it, and make all of it durable. Nothing has changed yet.
    pub(crate) fn seal(&mut self) -> io::Result<()> {
        self.file.write_at(&self.runs.encode(&self.header), self.runs.end())?;
        self.file.sync()
    }

    /// Take the old file's place. An error after that leaves either of them, and both are good.
    pub(crate) fn swap(mut self) -> io::Result<Rewritten> {
        let file_bytes = self.file.bytes()?;
        self.disk.rename(&self.name, &segment_name(self.segment.number()))?;
        self.renamed = true;
        self.disk.sync_dir()?;
        let generation = self.segment.header.generation + 1;
        Ok(Rewritten { generation, file_bytes, body_bytes: self.body_bytes, bodies: self.bodies })
    }
}

impl Drop for Rewrite {
    fn drop(&mut self) {
        if !self.renamed {
            // What is left behind when this fails is removed by the next recovery, or by the next pass.
            let _ = self.disk.remove(&self.name);
        }
    }
}
