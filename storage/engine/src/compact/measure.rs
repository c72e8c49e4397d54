//! What is in a segment, and which of it is still referred to.

use crate::body::run_bytes;
use crate::index::Index;
use crate::journal::{FRAME_HEADER_BYTES, Head, Kind, Segment, Walk};
use octroi_model::{CollectionId, ContentRef, Uid, UnixTime};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io;

/// Contents whose references one scan of the index gathers, at about 20 bytes each. With more, the scan keeps to the segments with the
/// smallest numbers, and the index is scanned again for the others.
pub(crate) const LIVE_MAX: usize = 2_000_000;
/// Items read from the index at a time.
const ITEMS_AT_A_TIME: u32 = 1000;

/// What a walk over the frames of a segment told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Measured {
    /// Bytes of its bodies' frames.
    pub(crate) body_bytes: u64,
    pub(crate) bodies: u64,
    /// When its first batch was committed.
    pub(crate) first_at: UnixTime,
}

/// Look at the headers of all frames; `Err(offset)` inside if one does not check.
pub(crate) fn measure(segment: &Segment) -> io::Result<Result<Measured, u64>> {
    let mut measured = Measured::default();
    let mut walk = Walk::new(segment, 0);
    let mut dated = false;
    loop {
        match walk.head()? {
            Head::End => return Ok(Ok(measured)),
            Head::Bad { start } => return Ok(Err(start)),
            Head::Frame { kind: Kind::Body, start, end } => {
                measured.body_bytes += end - start;
                measured.bodies += 1;
                walk.skip_to(end);
            }
            Head::Frame { kind: Kind::Batch, start, end } => {
                if !dated {
                    match batch_time(segment, start, end)? {
                        Some(at) => measured.first_at = at,
                        None => return Ok(Err(start)),
                    }
                    dated = true;
                }
                walk.skip_to(end);
            }
        }
    }
}

/// When the first batch of a segment was committed, if it has one.
pub(crate) fn first_batch_at(segment: &Segment) -> io::Result<Option<UnixTime>> {
    let mut walk = Walk::new(segment, 0);
    loop {
        match walk.head()? {
            Head::Frame { kind: Kind::Batch, start, end } => return batch_time(segment, start, end),
            Head::Frame { end, .. } => walk.skip_to(end),
            Head::End | Head::Bad { .. } => return Ok(None),
        }
    }
}

/// A batch begins with its time.
fn batch_time(segment: &Segment, start: u64, end: u64) -> io::Result<Option<UnixTime>> {
    let from = start + FRAME_HEADER_BYTES as u64;
    // A number of 64 bits takes at most ten octets.
    let mut octets = vec![0; (end - from).min(10) as usize];
    segment.read_at(&mut octets, from)?;
    Ok(postcard::take_from_bytes(&octets).ok().map(|(at, _)| at))
}

/// Bytes that a content takes in its segment, with the frame's header.
pub(crate) fn frame_bytes(content: &ContentRef) -> u64 {
    FRAME_HEADER_BYTES as u64
        + run_bytes(content.facts_stored.into())
        + run_bytes(content.header_stored.into())
        + run_bytes(content.body_stored)
}

/// What items refer to in a segment.
#[derive(Debug, Default)]
pub(crate) struct Live {
    pub(crate) offsets: HashSet<u64>,
    pub(crate) bytes: u64,
}

/// A scan of the index, page by page.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    /// Segments that are looked for and not given up for this scan.
    wanted: BTreeSet<u64>,
    /// Files of large contents that are looked for.
    large: BTreeSet<u64>,
    pub(crate) live: BTreeMap<u64, Live>,
    pub(crate) large_live: BTreeSet<u64>,
    entries: usize,
    after: (CollectionId, Uid),
    /// Segments that did not fit and need another scan.
    pub(crate) left: BTreeSet<u64>,
}

impl Scan {
    pub(crate) fn new(wanted: BTreeSet<u64>, large: BTreeSet<u64>) -> Self {
        Self { wanted, large, ..Self::default() }
    }

    /// Look at more items; returns how many they were, `None` when all have been looked at.
    pub(crate) async fn page(&mut self, index: &Index, entries_max: usize) -> Result<Option<u64>, sqlx::Error> {
        let items = index.items_after(self.after, ITEMS_AT_A_TIME).await?;
        let Some((collection, last)) = items.last() else { return Ok(None) };
        self.after = (*collection, last.uid);
        for (_, item) in &items {
            self.item(&item.content, entries_max);
        }
        Ok(Some(items.len() as u64))
    }

    fn item(&mut self, content: &ContentRef, entries_max: usize) {
        if self.large.contains(&content.segment) {
            self.large_live.insert(content.segment);
        } else if self.wanted.contains(&content.segment) {
            let live = self.live.entry(content.segment).or_default();
            if live.offsets.insert(content.offset) {
                live.bytes += frame_bytes(content);
                self.entries += 1;
            }
            // One segment is always taken, however many contents it has.
            while self.entries > entries_max && self.wanted.len() > 1 {
                let Some(last) = self.wanted.pop_last() else { break };
                self.entries -= self.live.remove(&last).map_or(0, |live| live.offsets.len());
                self.left.insert(last);
            }
        }
    }

    /// Segments of which all that lives is known now.
    pub(crate) fn known(&self) -> impl Iterator<Item = u64> {
        self.wanted.iter().copied()
    }

    /// All that items refer to in a segment.
    pub(crate) fn take(&mut self, number: u64) -> Live {
        self.live.remove(&number).unwrap_or_default()
    }
}
