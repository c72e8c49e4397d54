//! Segment files: their names, their headers, and which of them there are.
//!
//! Each header names the segment before it and how long that one was when it was closed, so a lost or shortened file is noticed.

use super::frame::number;
use super::runs::Runs;
use crate::disk::{Disk, DiskFile};
use crate::options::OpenError;
use std::io;
use std::sync::Arc;

/// Bytes in front of the first frame.
pub(crate) const SEGMENT_HEADER_BYTES: u64 = 80;
const MAGIC: [u8; 8] = *b"OCTROIJ\n";
/// Moves when an old program could no longer read what is written. 1 was never released: its runs had no checksums and its batches no time.
const VERSION: u32 = 2;

/// A place in the journal: what lies before it is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Position {
    pub(crate) segment: u64,
    pub(crate) offset: u64,
}

/// What the header of a segment says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    pub(crate) number: u64,
    /// The segment before it, 0 for none.
    pub(crate) previous: u64,
    /// How long that one was when it was closed.
    pub(crate) previous_bytes: u64,
    /// How often it was compacted; 0: it is as it was written.
    pub(crate) generation: u32,
    /// Key of its frames' checksums.
    pub(crate) key: [u8; 32],
}

/// An open segment.
#[derive(Debug, Clone)]
pub(crate) struct Segment {
    pub(crate) header: SegmentHeader,
    pub(crate) file: Arc<dyn DiskFile>,
    /// Length of the segment as it was written; of the last one, of the file.
    pub(crate) bytes: u64,
    /// What is left of it, if it was compacted.
    pub(crate) runs: Option<Arc<Runs>>,
}

/// File name of a journal segment.
pub(crate) fn segment_name(number: u64) -> String {
    format!("{number:016x}.seg")
}

/// File name of a large content's own segment.
pub(crate) fn big_name(number: u64) -> String {
    format!("{number:016x}.big")
}

/// The number in a file name with this ending.
pub(crate) fn number_of(name: &str, ending: &str) -> Option<u64> {
    let digits = name.strip_suffix(ending)?;
    (digits.len() == 16).then(|| u64::from_str_radix(digits, 16).ok()).flatten()
}

impl SegmentHeader {
    /// As it stands at the beginning of the file.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut header = MAGIC.to_vec();
        header.extend(VERSION.to_le_bytes());
        header.extend(self.generation.to_le_bytes());
        header.extend(self.number.to_le_bytes());
        header.extend(self.previous.to_le_bytes());
        header.extend(self.previous_bytes.to_le_bytes());
        header.extend(self.key);
        let sum = blake3::hash(&header);
        header.extend(&sum.as_bytes()[..8]);
        header
    }

    /// Read it; `None` if it does not check.
    fn decode(header: &[u8; SEGMENT_HEADER_BYTES as usize], at: u64) -> Result<Option<Self>, OpenError> {
        if header[..8] != MAGIC || header[72..] != blake3::hash(&header[..72]).as_bytes()[..8] || number(&header[16..24]) != at {
            return Ok(None);
        }
        if number(&header[8..12]) != u64::from(VERSION) {
            return Err(OpenError::Version(segment_name(at)));
        }
        let mut key = [0; 32];
        key.copy_from_slice(&header[40..72]);
        Ok(Some(Self {
            number: at,
            previous: number(&header[24..32]),
            previous_bytes: number(&header[32..40]),
            generation: number(&header[12..16]) as u32,
            key,
        }))
    }
}

impl Segment {
    /// Make a segment file; durable when this returns.
    pub(crate) fn create(disk: &dyn Disk, number: u64, previous: u64, previous_bytes: u64) -> io::Result<Self> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(|error| io::Error::other(error.to_string()))?;
        let header = SegmentHeader { number, previous, previous_bytes, generation: 0, key };
        let file = disk.create(&segment_name(number))?;
        file.write_at(&header.encode(), 0)?;
        file.sync()?;
        disk.sync_dir()?;
        Ok(Self { header, file, bytes: SEGMENT_HEADER_BYTES, runs: None })
    }

    /// Open a segment; `None` if its header does not check and it may be a torn creation.
    pub(crate) fn open(disk: &dyn Disk, at: u64) -> Result<Option<Self>, OpenError> {
        let fault = |error: io::Error| OpenError::Io(format!("{}: {error}", segment_name(at)));
        let corrupt = |what: &str| OpenError::Corrupt { file: segment_name(at), offset: 0, what: what.into() };
        let file = disk.open(&segment_name(at)).map_err(fault)?;
        let bytes = file.bytes().map_err(fault)?;
        let mut octets = [0; SEGMENT_HEADER_BYTES as usize];
        if bytes < SEGMENT_HEADER_BYTES {
            return Ok(None);
        }
        file.read_at(&mut octets, 0).map_err(fault)?;
        let Some(header) = SegmentHeader::decode(&octets, at)? else {
            // The header was synced before the first frame was written: with frames behind it, this is no torn creation.
            return if bytes > SEGMENT_HEADER_BYTES { Err(corrupt("the segment header does not check")) } else { Ok(None) };
        };
        if header.generation == 0 {
            return Ok(Some(Self { header, file, bytes, runs: None }));
        }
        let runs = Runs::read(&*file, &octets).map_err(fault)?.ok_or_else(|| corrupt("the list of what is left of it does not check"))?;
        Ok(Some(Self { header, file, bytes: runs.bytes, runs: Some(Arc::new(runs)) }))
    }

    /// A segment that must be there.
    pub(crate) fn open_whole(disk: &dyn Disk, at: u64) -> Result<Self, OpenError> {
        let what = "its header does not check".into();
        Self::open(disk, at)?.ok_or_else(|| OpenError::Corrupt { file: segment_name(at), offset: 0, what })
    }

    /// Number in its name.
    pub(crate) fn number(&self) -> u64 {
        self.header.number
    }

    /// Fill `into` from `offset`. What was given back is [`io::ErrorKind::NotFound`].
    pub(crate) fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<()> {
        // Nothing stands nowhere: where it would stand may have been given back.
        if into.is_empty() {
            return Ok(());
        }
        self.file.read_at(into, self.place(into.len() as u64, offset)?)
    }

    /// The same if it needs no waiting for the disk; `false` if it would.
    pub(crate) fn read_cached(&self, into: &mut [u8], offset: u64) -> io::Result<bool> {
        if into.is_empty() {
            return Ok(true);
        }
        self.file.read_cached(into, self.place(into.len() as u64, offset)?)
    }

    /// Where in the file `bytes` octets from `offset` stand.
    fn place(&self, bytes: u64, offset: u64) -> io::Result<u64> {
        match &self.runs {
            None => Ok(offset),
            Some(runs) => match runs.find(offset) {
                Some((place, left)) if left >= bytes => Ok(place),
                _ => Err(io::ErrorKind::NotFound.into()),
            },
        }
    }

    /// `offset`, or where the segment goes on if that was given back.
    pub(crate) fn next(&self, offset: u64) -> u64 {
        self.runs.as_ref().map_or(offset, |runs| runs.next(offset))
    }

    /// How many octets stand together from `offset` on.
    pub(crate) fn together(&self, offset: u64) -> u64 {
        match &self.runs {
            None => self.bytes.saturating_sub(offset),
            Some(runs) => runs.find(offset).map_or(0, |(_, left)| left),
        }
    }
}

/// A segment that is there. Its file is not kept open: a store may have more segments than a process may have files.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) header: SegmentHeader,
    /// As [`Segment::bytes`].
    pub(crate) bytes: u64,
    /// Bytes of its file.
    pub(crate) file_bytes: u64,
}

/// What segment files there are.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    /// By number, each following the one before it.
    pub(crate) segments: Vec<Known>,
    /// Number of a last one whose header is not (yet) there: a torn creation, or one under way.
    pub(crate) unfinished: Option<u64>,
}

/// Look at all segments. A gap, or one whose length is not what the next one says, is an error.
pub(crate) fn survey(disk: &dyn Disk) -> Result<Survey, OpenError> {
    let mut numbers: Vec<u64> = disk.list()?.iter().filter_map(|name| number_of(name, ".seg")).collect();
    numbers.sort_unstable();
    let mut survey = Survey::default();
    for (at, number) in numbers.iter().enumerate() {
        let Some(segment) = Segment::open(disk, *number)? else {
            if at + 1 == numbers.len() {
                survey.unfinished = Some(*number);
                break;
            }
            return Err(OpenError::Corrupt { file: segment_name(*number), offset: 0, what: "its header does not check".into() });
        };
        let (previous, previous_bytes) = survey.segments.last().map_or((0, 0), |last| (last.header.number, last.bytes));
        let header = segment.header;
        if header.previous != previous {
            return Err(OpenError::Missing(segment_name(header.previous)));
        }
        if header.previous_bytes != previous_bytes {
            let offset = previous_bytes.min(header.previous_bytes);
            let what = format!("it had {} bytes when it was closed", header.previous_bytes);
            return Err(OpenError::Corrupt { file: segment_name(previous), offset, what });
        }
        let file_bytes = segment.file.bytes()?;
        survey.segments.push(Known { header, bytes: segment.bytes, file_bytes });
    }
    Ok(survey)
}
