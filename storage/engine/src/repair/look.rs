//! Looking at a damaged store without changing it.

use super::correct::{Corrections, correct};
use super::{Fate, Hole, LISTED_MAX, RepairReport, Salvaged};
use crate::check;
use crate::contents::Contents;
use crate::disk::Disk;
use crate::index::{Index, Restored};
use crate::journal::{
    FRAME_HEADER_BYTES, Head, Kind, Position, Reread, SEGMENT_HEADER_BYTES, Segment, SegmentHeader, Step, Walk, big_name, find_frame,
    is_blank, number_of, segment_name,
};
use crate::options::OpenError;
use crate::recovery::{Replay, later_group};
use octroi_model::{CollectionId, ContentRef, Hash, Item, UnixTime};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) report: RepairReport,
    /// By number, in the order of the chain.
    pub(super) salvaged: Vec<Salvaged>,
    /// Files of large contents that do not check and go aside.
    pub(super) large: BTreeSet<u64>,
    pub(super) corrections: Option<Corrections>,
    /// Bytes in which batches may have been that are lost.
    pub(super) lost_bytes: u64,
    /// A last segment whose making was torn.
    pub(super) torn: Option<u64>,
    /// Where the journal went at least.
    known: Position,
    /// Collections that were removed, as far as is known.
    pub(super) removed: BTreeSet<CollectionId>,
    /// When the last batch before was committed.
    last_at: Option<UnixTime>,
    /// A batch is lost since then.
    gap: bool,
}

impl Found {
    pub(super) fn damage(&mut self, sentence: String) {
        if self.report.damaged.len() < LISTED_MAX {
            self.report.damaged.push(sentence);
        }
    }

    pub(super) fn loss(&mut self, sentence: String) {
        if self.report.lost.len() < LISTED_MAX {
            self.report.lost.push(sentence);
        }
    }
}

/// Look at everything; `index` is an empty one, to put together what is left. What lies before `known` was once in the journal.
pub(super) async fn look(disk: &Arc<dyn Disk>, index: &Index, known: Position) -> Result<Found, OpenError> {
    let mut found = Found { known, ..Found::default() };
    (found.salvaged, found.torn) = chain(&**disk)?;
    let mut replay = Replay::new(Restored::default());
    let count = found.salvaged.len();
    for at in 0..count {
        let mut one = std::mem::replace(&mut found.salvaged[at], placeholder(0, 0, 0, 0));
        let is_last = at + 1 == count;
        one_segment(&**disk, &mut one, is_last, &mut found, &mut replay, index).await?;
        found.salvaged[at] = one;
    }
    // The chain ends where there is something.
    if found.salvaged.last().is_some_and(|last| matches!(last.fate, Fate::Lost { there: true })) {
        found.salvaged[count - 1].fate = Fate::Dropped;
    }
    replay.project(index).await?;
    if found.salvaged.last().map_or(0, |last| last.header.number) < known.segment {
        found.damage(format!("{}: it is missing", segment_name(known.segment)));
        found.lost_bytes += known.offset;
        found.gap = true;
    }
    if found.gap {
        found.loss(lost_between(found.last_at, None));
    }
    let contents = Contents::new(disk.clone());
    correct(&mut found, &replay, index, &contents).await?;
    Ok(found)
}

fn placeholder(number: u64, previous: u64, previous_bytes: u64, bytes: u64) -> Salvaged {
    let header = SegmentHeader { number, previous, previous_bytes, generation: 0, key: [0; 32] };
    Salvaged { header, looked_bytes: 0, bytes, fate: Fate::Lost { there: false } }
}

/// The segments that are there, and those that the others say were there.
fn chain(disk: &dyn Disk) -> Result<(Vec<Salvaged>, Option<u64>), OpenError> {
    let mut numbers: Vec<u64> = disk.list()?.iter().filter_map(|name| number_of(name, ".seg")).collect();
    numbers.sort_unstable();
    let mut chain: Vec<Salvaged> = Vec::new();
    for (at, number) in numbers.iter().enumerate() {
        let is_last = at + 1 == numbers.len();
        let (previous, previous_bytes) = chain.last().map_or((0, 0), |last| (last.header.number, last.bytes));
        let opened = match Segment::open(disk, *number) {
            // A torn creation: opening removes it.
            Ok(None) if is_last => return Ok((chain, Some(*number))),
            Ok(opened) => opened,
            Err(OpenError::Corrupt { .. }) => None,
            Err(error) => return Err(error),
        };
        let Some(segment) = opened else {
            let bytes = disk.open(&segment_name(*number))?.bytes()?;
            let mut lost = placeholder(*number, previous, previous_bytes, bytes);
            if let Some(header) = header_with_key(disk, &lost.header)? {
                lost.header = header;
                (lost.looked_bytes, lost.fate) = (bytes, Fate::Rewritten(Vec::new()));
            } else {
                lost.fate = Fate::Lost { there: true };
            }
            chain.push(lost);
            continue;
        };
        let mut header = segment.header;
        let mut fate = Fate::Stays;
        if header.previous < previous {
            // Another one says that it follows what stands before this one: the order of the numbers is right.
            (header.previous, header.previous_bytes) = (previous, previous_bytes);
            fate = Fate::Rewritten(Vec::new());
        } else if header.previous != previous {
            // What it says was there is not.
            chain.push(placeholder(header.previous, previous, previous_bytes, header.previous_bytes));
        }
        if let Some(last) = chain.last_mut() {
            // It knows best how long that one was.
            last.bytes = header.previous_bytes;
        }
        let bytes = segment.bytes;
        chain.push(Salvaged { header, looked_bytes: bytes, bytes, fate });
    }
    Ok((chain, None))
}

/// The header of a segment whose header does not check, if its key is whole: then a frame checks. Only of one that was never compacted.
fn header_with_key(disk: &dyn Disk, known: &SegmentHeader) -> Result<Option<SegmentHeader>, OpenError> {
    let file = disk.open(&segment_name(known.number))?;
    let mut octets = [0; SEGMENT_HEADER_BYTES as usize];
    let bytes = file.bytes()?;
    if bytes < SEGMENT_HEADER_BYTES {
        return Ok(None);
    }
    file.read_at(&mut octets, 0)?;
    let mut header = known.clone();
    header.key.copy_from_slice(&octets[40..72]);
    let segment = Segment { header: header.clone(), file, bytes, runs: None };
    Ok(find_frame(&segment, SEGMENT_HEADER_BYTES)?.filter(|(offset, _)| *offset == SEGMENT_HEADER_BYTES).map(|_| header))
}

/// Look at the frames of one segment, and replay its batches.
async fn one_segment(
    disk: &dyn Disk,
    one: &mut Salvaged,
    is_last: bool,
    found: &mut Found,
    replay: &mut Replay,
    index: &Index,
) -> Result<(), OpenError> {
    if let Fate::Lost { there } = one.fate {
        found.damage(format!("{}: {}", one.name(), if there { "nothing in it can be read" } else { "it is missing" }));
        found.lost_bytes += one.bytes;
        found.gap = true;
        return Ok(());
    }
    let mut rewritten = matches!(one.fate, Fate::Rewritten(_));
    if rewritten {
        found.damage(format!("{}: its header does not check", one.name()));
    }
    let mut segment = match Segment::open(disk, one.header.number) {
        Ok(Some(segment)) => segment,
        _ => Segment { header: one.header.clone(), file: disk.open(&one.name())?, bytes: one.looked_bytes, runs: None },
    };
    if !is_last && one.looked_bytes != one.bytes {
        let (there, said) = (one.looked_bytes, one.bytes);
        found.damage(format!("{}: it has {there} bytes and had {said} when it was closed", one.name()));
        found.lost_bytes += said.saturating_sub(there);
        found.gap |= said > there;
        rewritten = true;
        segment.bytes = there.min(said);
        one.looked_bytes = segment.bytes;
    }
    if is_last && found.known.segment == segment.number() && found.known.offset > segment.bytes {
        found.damage(format!("{}: it ends at byte {}, before what the index has got from it", one.name(), segment.bytes));
        found.lost_bytes += found.known.offset - segment.bytes;
        found.gap = true;
    }
    let holes = frames(&segment, one, is_last, found, replay, index).await?;
    if rewritten || !holes.is_empty() {
        one.fate = Fate::Rewritten(holes);
    }
    Ok(())
}

/// Go over all frames; returns the pieces that do not check.
async fn frames(
    segment: &Segment,
    one: &mut Salvaged,
    is_last: bool,
    found: &mut Found,
    replay: &mut Replay,
    index: &Index,
) -> Result<Vec<Hole>, OpenError> {
    let (mut walk, mut payload, mut holes) = (Walk::new(segment, 0), Vec::new(), Vec::new());
    let mut whole_until = SEGMENT_HEADER_BYTES;
    loop {
        let (start, end, kind) = match walk.step(&mut payload)? {
            Step::Frame { kind: Kind::Body, .. } => continue,
            Step::Frame { kind: Kind::Batch, start, end } => {
                if batch(&payload, Position { segment: segment.number(), offset: end }, found, replay) {
                    whole_until = end;
                    replay.project_if_many(index).await?;
                    continue;
                }
                (start, end, Some(Kind::Batch))
            }
            Step::End => break,
            Step::Bad { start, end } => {
                let here = Position { segment: segment.number(), offset: start };
                if is_last && here >= found.known && !later_group(segment, start)? {
                    break;
                }
                let kind = match walk.head()? {
                    Head::Frame { kind, .. } => Some(kind),
                    Head::End | Head::Bad { .. } => None,
                };
                let end = match end {
                    Some(end) => end,
                    None => find_frame(segment, start + 1)?.map_or(segment.bytes, |(offset, _)| offset),
                };
                (start, end, kind)
            }
        };
        let what = match kind {
            Some(Kind::Body) => "a content does not check",
            Some(Kind::Batch) => "a batch of changes does not check",
            None => "what stands there is no frame",
        };
        found.damage(format!("{}: {what}, bytes {start} to {end}", one.name()));
        if kind != Some(Kind::Body) {
            found.lost_bytes += end - start;
            found.gap = true;
        }
        holes.push(Hole { start, end });
        walk.skip_to(end);
    }
    if is_last && whole_until < segment.bytes && segment.runs.is_none() {
        // What was never acknowledged, or was written ahead: opening would cut it off.
        one.bytes = whole_until.max(holes.last().map_or(0, |hole| hole.end));
        one.looked_bytes = one.bytes;
        if one.bytes < segment.bytes && !is_blank(segment, one.bytes)? {
            tracing::info!(segment = one.name(), "its end was never acknowledged");
        }
        if matches!(one.fate, Fate::Stays) {
            one.fate = Fate::Cut;
        }
    }
    Ok(holes)
}

/// Replay a batch; `false` if it cannot be understood.
fn batch(payload: &[u8], end: Position, found: &mut Found, replay: &mut Replay) -> bool {
    let Ok(Reread { at, changes, .. }) = postcard::from_bytes::<Reread>(payload) else { return false };
    if replay.batch(payload, end).is_err() {
        return false;
    }
    if std::mem::take(&mut found.gap) {
        let sentence = lost_between(found.last_at, Some(at));
        found.loss(sentence);
    }
    found.last_at = Some(at);
    for change in &changes {
        if let crate::Change::RemoveCollection { collection, .. } = change {
            found.removed.insert(*collection);
        }
    }
    true
}

fn lost_between(from: Option<UnixTime>, until: Option<UnixTime>) -> String {
    let time = |at: Option<UnixTime>, none: &str| at.map_or_else(|| none.to_owned(), |at| format!("@{}", at.0));
    format!("changes that nobody can name any more, between {} and {}", time(from, "the beginning"), time(until, "the end"))
}

/// Can the content of an item be read, once all is done?
pub(super) struct Readable<'a> {
    pub(super) contents: &'a Contents,
    holes: BTreeMap<u64, &'a Salvaged>,
    large: BTreeMap<u64, bool>,
}

impl<'a> Readable<'a> {
    pub(super) fn new(salvaged: &'a [Salvaged], contents: &'a Contents) -> Self {
        Self { contents, holes: salvaged.iter().map(|one| (one.header.number, one)).collect(), large: BTreeMap::new() }
    }

    /// Small ones are there unless a frame was bad; large ones are read.
    pub(super) fn check(&mut self, item: &Item) -> bool {
        let content = &item.content;
        if content.segment == 0 && content.bytes() == 0 && item.hash == Hash::default() {
            return true;
        }
        match self.holes.get(&content.segment) {
            // An old one may be back, where what replaced it is lost, and may have been given back long ago.
            Some(salvaged) => in_segment(salvaged, content) && self.contents.holds(content),
            None => *self.large.entry(content.segment).or_insert_with(|| check::content(self.contents, item).is_ok()),
        }
    }

    /// Large contents that were looked at and are damaged.
    pub(super) fn bad_large(&self, disk: &dyn Disk) -> Result<BTreeSet<u64>, OpenError> {
        let names = disk.list()?;
        Ok(self.large.iter().filter(|(number, good)| !**good && names.contains(&big_name(**number))).map(|(number, _)| *number).collect())
    }
}

fn in_segment(salvaged: &Salvaged, content: &ContentRef) -> bool {
    let Some(start) = content.offset.checked_sub(FRAME_HEADER_BYTES as u64) else { return false };
    let end = start.saturating_add(crate::compact::frame_bytes(content));
    match &salvaged.fate {
        Fate::Lost { .. } | Fate::Dropped => false,
        Fate::Stays | Fate::Cut => end <= salvaged.looked_bytes,
        Fate::Rewritten(holes) => end <= salvaged.looked_bytes && holes.iter().all(|hole| hole.end <= start || end <= hole.start),
    }
}
