//! The journal: numbered segment files of checked frames, only ever appended to. It is the truth; everything else can be made from it.
//!
//! Written by the committer alone, read by recovery and by check. What holds: a batch is there whole or not at all, and nothing
//! before the start of a group of frames can be missing without being noticed.

mod frame;
mod runs;
mod segment;
mod walk;
mod writer;

pub(crate) use frame::{Kind, Reread, Written, number};
pub(crate) use segment::{Position, Segment, Survey, big_name, number_of, segment_name, survey};
pub(crate) use walk::{Step, Walk, find_frame, is_blank};
pub(crate) use writer::{Group, Journal, WriteFault};
