//! The journal: numbered segment files of checked frames, only ever appended to. It is the truth; everything else can be made from it.
//!
//! Written by the committer alone, read by recovery and by check. What holds: a batch is there whole or not at all, and nothing
//! before the start of a group of frames can be missing without being noticed.

mod frame;
mod runs;
mod segment;
mod walk;
mod writer;

#[cfg(test)]
pub(crate) use frame::Frame;
pub(crate) use frame::{FRAME_HEADER_BYTES, Kind, Reread, Written, committed_at, number};
pub(crate) use runs::Runs;
pub(crate) use segment::{
    Known, Position, SEGMENT_HEADER_BYTES, Segment, SegmentHeader, Survey, big_name, number_of, segment_name, survey,
};
pub(crate) use walk::{Head, Step, Walk, find_frame, is_blank};
pub(crate) use writer::{Group, Journal, WriteFault};
