//! Walking over the frames of a segment, and looking for frames behind damage.

use super::frame::{FRAME_HEADER_BYTES, FRAME_MAGIC, Frame, Kind};
use super::segment::{SEGMENT_HEADER_BYTES, Segment};
use std::io;

/// Bytes read at a time while looking for a frame.
const WINDOW_BYTES: usize = 1 << 20;

/// What the header at the next offset says; the payload is not looked at.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Head {
    /// A frame, from where to where.
    Frame { kind: Kind, start: u64, end: u64 },
    /// The file ends here, between frames.
    End,
    /// No frame header that checks, or a frame that is not there whole.
    Bad { start: u64 },
}

/// Goes from frame to frame.
#[derive(Debug)]
pub(crate) struct Walk<'a> {
    segment: &'a Segment,
    offset: u64,
}

/// What stands at the next offset.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A frame that checks, from where to where; its payload is in the buffer.
    Frame { kind: Kind, start: u64, end: u64 },
    /// The file ends here, between frames.
    End,
    /// No frame that checks. `end` is where it would end, if at least its header does.
    Bad { start: u64, end: Option<u64> },
}

impl<'a> Walk<'a> {
    /// From `offset`, which is between frames, or from the first frame.
    pub(crate) fn new(segment: &'a Segment, offset: u64) -> Self {
        Self { segment, offset: offset.max(SEGMENT_HEADER_BYTES) }
    }

    /// Where the next frame begins.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// Go on at another place.
    pub(crate) fn skip_to(&mut self, offset: u64) {
        self.offset = offset;
    }

    /// What stands at the next offset, without going on.
    pub(crate) fn head(&mut self) -> io::Result<Head> {
        let start = self.segment.next(self.offset);
        self.offset = start;
        if start >= self.segment.bytes {
            return Ok(Head::End);
        }
        let Some(frame) = header_at(self.segment, start)? else { return Ok(Head::Bad { start }) };
        let bytes = frame.payload_bytes.saturating_add(FRAME_HEADER_BYTES as u64);
        if self.segment.together(start) < bytes {
            return Ok(Head::Bad { start });
        }
        Ok(Head::Frame { kind: frame.kind, start, end: start + bytes })
    }

    /// Add the frame from `start` to `end`, header and all, to `into`; `false`, and nothing is added, if it does not check.
    pub(crate) fn copy(&self, start: u64, end: u64, into: &mut Vec<u8>) -> io::Result<bool> {
        let before = into.len();
        into.resize(before + (end - start) as usize, 0);
        self.segment.read_at(&mut into[before..], start)?;
        let checks = into[before..].split_first_chunk::<FRAME_HEADER_BYTES>().is_some_and(|(header, payload)| {
            Frame::open(header, &self.segment.header.key, start)
                .is_some_and(|frame| frame.payload_bytes == payload.len() as u64 && frame.crc == crc32fast::hash(payload))
        });
        if !checks {
            into.truncate(before);
        }
        Ok(checks)
    }

    /// The next batch, its payload in `payload`; contents in front of it are passed over without being read.
    pub(crate) fn next_batch(&mut self, payload: &mut Vec<u8>) -> io::Result<Step> {
        loop {
            let start = self.segment.next(self.offset);
            let header = if start < self.segment.bytes { header_at(self.segment, start)? } else { None };
            let Some(Frame { kind: Kind::Body, payload_bytes, .. }) = header else { return self.step(payload) };
            match (start + FRAME_HEADER_BYTES as u64).checked_add(payload_bytes).filter(|end| *end <= self.segment.bytes) {
                Some(end) => self.offset = end,
                None => return Ok(Step::Bad { start, end: None }),
            }
        }
    }

    /// The next frame, its payload in `payload`.
    pub(crate) fn step(&mut self, payload: &mut Vec<u8>) -> io::Result<Step> {
        let start = self.segment.next(self.offset);
        self.offset = start;
        if start >= self.segment.bytes {
            return Ok(Step::End);
        }
        let Some(frame) = header_at(self.segment, start)? else { return Ok(Step::Bad { start, end: None }) };
        let from = start + FRAME_HEADER_BYTES as u64;
        let Some(end) = from.checked_add(frame.payload_bytes).filter(|end| *end <= self.segment.bytes) else {
            return Ok(Step::Bad { start, end: None });
        };
        if self.segment.together(from) < frame.payload_bytes {
            return Ok(Step::Bad { start, end: None });
        }
        payload.resize(frame.payload_bytes as usize, 0);
        self.segment.read_at(payload, from)?;
        if crc32fast::hash(payload) != frame.crc {
            return Ok(Step::Bad { start, end: Some(end) });
        }
        self.offset = end;
        Ok(Step::Frame { kind: frame.kind, start, end })
    }
}

fn header_at(segment: &Segment, offset: u64) -> io::Result<Option<Frame>> {
    if segment.together(offset) < FRAME_HEADER_BYTES as u64 {
        return Ok(None);
    }
    let mut header = [0; FRAME_HEADER_BYTES];
    segment.read_at(&mut header, offset)?;
    Ok(Frame::open(&header, &segment.header.key, offset))
}

/// The first offset at or after `from` where a frame header checks, and where its group began.
pub(crate) fn find_frame(segment: &Segment, from: u64) -> io::Result<Option<(u64, u64)>> {
    let mut window = Vec::new();
    let mut at = segment.next(from);
    while at < segment.bytes {
        let together = segment.together(at);
        if together < FRAME_HEADER_BYTES as u64 {
            at = segment.next(at + together.max(1));
            continue;
        }
        window.resize(together.min(WINDOW_BYTES as u64) as usize, 0);
        segment.read_at(&mut window, at)?;
        for index in memchr::memchr_iter(FRAME_MAGIC[0], &window) {
            let Some(header) = window.get(index..).and_then(|rest| rest.first_chunk::<FRAME_HEADER_BYTES>()) else { break };
            let offset = at + index as u64;
            if let Some(frame) = Frame::open(header, &segment.header.key, offset) {
                return Ok(Some((offset, frame.group_start)));
            }
        }
        // A header may lie across the end of the window.
        at += (window.len() - FRAME_HEADER_BYTES + 1) as u64;
    }
    Ok(None)
}

/// Is there nothing but nulls from `from` to the end?
pub(crate) fn is_blank(segment: &Segment, from: u64) -> io::Result<bool> {
    let mut window = Vec::new();
    let mut at = from;
    while at < segment.bytes {
        window.resize((segment.bytes - at).min(WINDOW_BYTES as u64) as usize, 0);
        segment.read_at(&mut window, at)?;
        if window.iter().any(|octet| *octet != 0) {
            return Ok(false);
        }
        at += window.len() as u64;
    }
    Ok(true)
}
