//! Doing what was found to be needed.
//!
//! In an order that can be interrupted anywhere and begun anew: damaged octets are aside, on disk, before anything is written anew; what says
//! that batches are lost is in the journal before the place where they were is given up.

use super::correct::Corrections;
use super::look::Found;
use super::{Fate, Hole, Salvaged};
use crate::compact::{Rewrite, Slice};
use crate::disk::{Disk, DiskFile};
use crate::journal::{
    Group, Journal, Kind, Runs, SEGMENT_HEADER_BYTES, Segment, SegmentHeader, WriteFault, Written, big_name, number_of, segment_name,
};
use crate::options::{OpenError, Options};
use crate::recovery::UNFINISHED;
use octroi_model::UnixTime;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// Octets copied at a time.
const COPY_BYTES: u64 = 1 << 20;

pub(super) fn apply(disk: &Arc<dyn Disk>, aside: &dyn Disk, found: &Found, options: &Options) -> Result<(), OpenError> {
    let Found { salvaged, large, corrections, torn, .. } = found;
    for one in salvaged {
        set_aside(&**disk, aside, one)?;
    }
    for number in large {
        let file = disk.open(&big_name(*number))?;
        copy(&*file, 0, file.bytes()?, aside, &big_name(*number))?;
    }
    aside.sync_dir()?;
    let kept = salvaged.iter().filter(|one| !matches!(one.fate, Fate::Dropped));
    let last = kept.clone().next_back();
    // The end first: the corrections stand behind it.
    for one in salvaged.iter().filter(|one| matches!(one.fate, Fate::Dropped)) {
        disk.remove(&one.name())?;
        disk.sync_dir()?;
    }
    if let Some(last) = last {
        settle(disk, last)?;
    }
    // Behind what is appended it would look as if it were part of the chain.
    if let Some(torn) = torn {
        disk.remove(&segment_name(*torn))?;
        disk.sync_dir()?;
    }
    if let Some(corrections) = corrections {
        write(disk, last, corrections, options)?;
    }
    for one in kept.rev().skip(1) {
        settle(disk, one)?;
    }
    for number in large {
        disk.remove(&big_name(*number))?;
    }
    Ok(disk.sync_dir()?)
}

/// Copy what will not be kept.
fn set_aside(disk: &dyn Disk, aside: &dyn Disk, one: &Salvaged) -> io::Result<()> {
    match &one.fate {
        Fate::Rewritten(holes) => {
            let file = disk.open(&one.name())?;
            let mut header = [0; SEGMENT_HEADER_BYTES as usize];
            file.read_at(&mut header, 0)?;
            if header[..] != one.header.encode() {
                copy(&*file, 0, SEGMENT_HEADER_BYTES, aside, &format!("{}.header", one.name()))?;
            }
            let segment = opened(disk, one)?;
            for Hole { start, end } in holes {
                let target = new_file(aside, &format!("{}.{start}-{end}", one.name()))?;
                let mut at = *start;
                let mut octets = Vec::new();
                while at < *end {
                    // Of a compacted segment a piece may lie in several places.
                    let bytes = segment.together(at).min(*end - at).min(COPY_BYTES);
                    if bytes == 0 {
                        let next = segment.next(at);
                        if next <= at {
                            break;
                        }
                        at = next;
                        continue;
                    }
                    octets.resize(bytes as usize, 0);
                    segment.read_at(&mut octets, at)?;
                    target.write_at(&octets, at - start)?;
                    at += bytes;
                }
                target.sync()?;
            }
            Ok(())
        }
        Fate::Lost { there: true } | Fate::Dropped => {
            let file = disk.open(&one.name())?;
            copy(&*file, 0, file.bytes()?, aside, &one.name())
        }
        Fate::Stays | Fate::Cut | Fate::Lost { there: false } => Ok(()),
    }
}

fn copy(file: &dyn DiskFile, from: u64, until: u64, aside: &dyn Disk, name: &str) -> io::Result<()> {
    let target = new_file(aside, name)?;
    let mut at = from;
    let mut octets = Vec::new();
    while at < until {
        octets.resize((until - at).min(COPY_BYTES) as usize, 0);
        file.read_at(&mut octets, at)?;
        target.write_at(&octets, at - from)?;
        at += octets.len() as u64;
    }
    target.sync()
}

/// In the place of one of that name, which a repair left that was interrupted.
fn new_file(aside: &dyn Disk, name: &str) -> io::Result<Arc<dyn DiskFile>> {
    match aside.remove(name) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => aside.create(name),
    }
}

/// The segment as it is there, under the header that it should have.
fn opened(disk: &dyn Disk, one: &Salvaged) -> io::Result<Segment> {
    match Segment::open(disk, one.header.number) {
        Ok(Some(segment)) => {
            let header = SegmentHeader { generation: segment.header.generation, ..one.header.clone() };
            Ok(Segment { header, bytes: one.looked_bytes, ..segment })
        }
        _ => Ok(Segment { header: one.header.clone(), file: disk.open(&one.name())?, bytes: one.looked_bytes, runs: None }),
    }
}

/// Make of a segment what it shall be.
fn settle(disk: &Arc<dyn Disk>, one: &Salvaged) -> Result<(), OpenError> {
    match &one.fate {
        Fate::Stays | Fate::Dropped => Ok(()),
        Fate::Cut => {
            let file = disk.open(&one.name())?;
            file.truncate(one.bytes)?;
            Ok(file.sync()?)
        }
        Fate::Lost { .. } => Ok(empty(&**disk, one)?),
        Fate::Rewritten(holes) => {
            let mut rewrite = Rewrite::begin(disk.clone(), opened(&**disk, one)?)?;
            rewrite.leave_out(holes.iter().map(|hole| (hole.start, hole.end)).collect());
            loop {
                match rewrite.slice(|_| true)? {
                    Slice::More => {}
                    Slice::Whole => break,
                    Slice::Damaged(offset) => {
                        let what = "it has changed since it was looked at".into();
                        return Err(OpenError::Corrupt { file: one.name(), offset, what });
                    }
                }
            }
            rewrite.seal_as(one.bytes)?;
            rewrite.swap()?;
            Ok(())
        }
    }
}

/// A segment of the right length with nothing in it.
fn empty(disk: &dyn Disk, one: &Salvaged) -> io::Result<()> {
    let name = format!("{}{UNFINISHED}", one.name());
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(|error| io::Error::other(error.to_string()))?;
    let header = SegmentHeader { generation: 1, key, ..one.header.clone() }.encode();
    let file = new_file(disk, &name)?;
    file.write_at(&header, 0)?;
    file.write_at(&Runs::new(one.bytes).encode(&header), SEGMENT_HEADER_BYTES)?;
    file.sync()?;
    disk.rename(&name, &segment_name(one.header.number))?;
    disk.sync_dir()
}

/// Put the batch behind all that is there.
fn write(disk: &Arc<dyn Disk>, last: Option<&Salvaged>, corrections: &Corrections, options: &Options) -> Result<(), OpenError> {
    let number = |name: &String| number_of(name, ".seg").or_else(|| number_of(name, ".big"));
    let highest = disk.list()?.iter().filter_map(number).max().unwrap_or(0);
    let last = match last {
        Some(last) => Some(Segment::open_whole(&**disk, last.header.number)?),
        None => None,
    };
    let numbers = Arc::new(AtomicU64::new(highest + 1));
    // As behind a tear: in a segment of its own.
    let mut journal = Journal::resume(disk.clone(), last, true, numbers, options.segment_bytes_max)?;
    let written = Written { at: UnixTime::now(), next_id: corrections.next_id, changes: &corrections.changes };
    let payload = postcard::to_stdvec(&written).map_err(io::Error::other)?;
    let fault = |fault: WriteFault| match fault {
        WriteFault::NoSpace => OpenError::Io("the disk is full".into()),
        WriteFault::Broken(error) => error.into(),
    };
    let mut group: Group<'_> = journal.group().map_err(fault)?;
    group.add(Kind::Batch, &payload, crc32fast::hash(&payload));
    group.write().map_err(fault)?;
    Ok(journal.trim()?)
}
