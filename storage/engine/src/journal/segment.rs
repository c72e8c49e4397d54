//! Segment files: their names, their headers, and which of them there are.
//!
//! Each header names the segment before it and how long that one was when it was closed, so a lost or shortened file is noticed.

use super::frame::number;
use crate::disk::{Disk, DiskFile};
use crate::options::OpenError;
use std::io;
use std::sync::Arc;

/// Bytes in front of the first frame.
pub(crate) const SEGMENT_HEADER_BYTES: u64 = 80;
const MAGIC: [u8; 8] = *b"OCTROIJ\n";
/// Moves when an old program could no longer read what is written.
const VERSION: u32 = 1;

/// A place in the journal: what lies before it is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Position {
    pub(crate) segment: u64,
    pub(crate) offset: u64,
}

/// A segment file that is there.
#[derive(Debug, Clone)]
pub(crate) struct Segment {
    pub(crate) number: u64,
    /// The segment before it, 0 for none.
    pub(crate) previous: u64,
    /// How long that one was when it was closed.
    pub(crate) previous_bytes: u64,
    /// Key of its frames' checksums.
    pub(crate) key: [u8; 32],
    pub(crate) file: Arc<dyn DiskFile>,
    /// Length of the file.
    pub(crate) bytes: u64,
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

impl Segment {
    /// Make a segment file; durable when this returns.
    pub(crate) fn create(disk: &dyn Disk, number: u64, previous: u64, previous_bytes: u64) -> io::Result<Self> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(|error| io::Error::other(error.to_string()))?;
        let file = disk.create(&segment_name(number))?;
        file.write_at(&Self::header(number, previous, previous_bytes, &key), 0)?;
        file.sync()?;
        disk.sync_dir()?;
        Ok(Self { number, previous, previous_bytes, key, file, bytes: SEGMENT_HEADER_BYTES })
    }

    fn header(number: u64, previous: u64, previous_bytes: u64, key: &[u8; 32]) -> Vec<u8> {
        let mut header = MAGIC.to_vec();
        header.extend(VERSION.to_le_bytes());
        header.extend([0; 4]);
        header.extend(number.to_le_bytes());
        header.extend(previous.to_le_bytes());
        header.extend(previous_bytes.to_le_bytes());
        header.extend(key);
        let sum = blake3::hash(&header);
        header.extend(&sum.as_bytes()[..8]);
        header
    }

    /// Open a segment; `None` if its header does not check.
    fn open(disk: &dyn Disk, at: u64) -> Result<Option<Self>, OpenError> {
        let fault = |error: io::Error| OpenError::Io(format!("{}: {error}", segment_name(at)));
        let file = disk.open(&segment_name(at)).map_err(fault)?;
        let bytes = file.bytes().map_err(fault)?;
        let mut header = [0; SEGMENT_HEADER_BYTES as usize];
        if bytes < SEGMENT_HEADER_BYTES {
            return Ok(None);
        }
        file.read_at(&mut header, 0).map_err(fault)?;
        if header[..8] != MAGIC || header[72..] != blake3::hash(&header[..72]).as_bytes()[..8] || number(&header[16..24]) != at {
            if bytes > SEGMENT_HEADER_BYTES {
                // The header was synced before the first frame was written: this is no torn creation.
                return Err(OpenError::Corrupt { file: segment_name(at), offset: 0, what: "the segment header does not check".into() });
            }
            return Ok(None);
        }
        if number(&header[8..12]) != u64::from(VERSION) {
            return Err(OpenError::Version(segment_name(at)));
        }
        let mut key = [0; 32];
        key.copy_from_slice(&header[40..72]);
        Ok(Some(Self { number: at, previous: number(&header[24..32]), previous_bytes: number(&header[32..40]), key, file, bytes }))
    }
}

/// What segment files there are.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    /// By number, each following the one before it.
    pub(crate) segments: Vec<Segment>,
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
        let (previous, previous_bytes) = survey.segments.last().map_or((0, 0), |last| (last.number, last.bytes));
        if segment.previous != previous {
            return Err(OpenError::Missing(segment_name(segment.previous)));
        }
        if segment.previous_bytes != previous_bytes {
            let offset = previous_bytes.min(segment.previous_bytes);
            let what = format!("it had {} bytes when it was closed", segment.previous_bytes);
            return Err(OpenError::Corrupt { file: segment_name(previous), offset, what });
        }
        survey.segments.push(segment);
    }
    Ok(survey)
}
