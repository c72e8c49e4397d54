//! Reading contents back from the segments.
//!
//! Called on blocking tasks by [`crate::Engine::read`] and by check. What does not have the length it should have is an error, never
//! handed out.

use crate::disk::{Disk, DiskFile};
use crate::interface::{Part, ReadError};
use crate::journal::{big_name, segment_name};
use octroi_model::{ContentRef, Encoding};
use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

/// Segment files kept open for reading; each is a file descriptor.
const OPEN_FILES_MAX: usize = 256;

thread_local! {
    /// As with compression, the context costs more than its use.
    static DECOMPRESSOR: RefCell<Option<zstd::bulk::Decompressor<'static>>> = const { RefCell::new(None) };
}

/// Open segments.
#[derive(Debug)]
pub(crate) struct Contents {
    disk: Arc<dyn Disk>,
    open: Mutex<OpenFiles>,
}

#[derive(Debug, Default)]
struct OpenFiles {
    files: HashMap<u64, (Arc<dyn DiskFile>, u64)>,
    clock: u64,
}

impl Contents {
    pub(crate) fn new(disk: Arc<dyn Disk>) -> Self {
        Self { disk, open: Mutex::default() }
    }

    /// One part of one content.
    pub(crate) fn read(&self, content: &ContentRef, part: Part) -> Result<Vec<u8>, ReadError> {
        let file = self.file(content.segment)?;
        let facts_at = content.offset;
        let header_at = facts_at + u64::from(content.facts_stored);
        let body_at = header_at + u64::from(content.header_stored);
        match (part, content.encoding) {
            (Part::Facts, _) => run(&*file, facts_at, u64::from(content.facts_stored)),
            (Part::Header, Encoding::Raw) => {
                same(u64::from(content.header_stored), u64::from(content.header_bytes))?;
                run(&*file, header_at, u64::from(content.header_stored))
            }
            (Part::Header, Encoding::Zstd) => {
                unpack(&run(&*file, header_at, u64::from(content.header_stored))?, content.header_bytes.into())
            }
            (Part::Whole, Encoding::Raw) => {
                same(u64::from(content.header_stored) + content.body_stored, content.bytes())?;
                run(&*file, header_at, content.bytes())
            }
            (Part::Whole, Encoding::Zstd) => {
                let stored = run(&*file, header_at, u64::from(content.header_stored) + content.body_stored)?;
                let (header, body) = stored.split_at(content.header_stored as usize);
                let mut whole = unpack(header, content.header_bytes.into())?;
                whole.extend(unpack(body, content.body_bytes)?);
                Ok(whole)
            }
            (Part::Range { offset, bytes }, Encoding::Raw) => {
                same(u64::from(content.header_stored) + content.body_stored, content.bytes())?;
                let from = offset.min(content.bytes());
                run(&*file, header_at + from, bytes.min(content.bytes() - from))
            }
            (Part::Range { offset, bytes }, Encoding::Zstd) => {
                let header_bytes = u64::from(content.header_bytes);
                let (octets, start) = if offset >= header_bytes {
                    (unpack(&run(&*file, body_at, content.body_stored)?, content.body_bytes)?, offset - header_bytes)
                } else {
                    (self.read(content, Part::Whole)?, offset)
                };
                let from = start.min(octets.len() as u64) as usize;
                let to = start.saturating_add(bytes).min(octets.len() as u64) as usize;
                Ok(octets[from..to].to_vec())
            }
        }
    }

    /// The file of a segment, from the cache if it is there.
    pub(crate) fn file(&self, segment: u64) -> Result<Arc<dyn DiskFile>, ReadError> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.clock += 1;
        let now = open.clock;
        if let Some((file, used)) = open.files.get_mut(&segment) {
            *used = now;
            return Ok(file.clone());
        }
        let opened = match self.disk.open(&segment_name(segment)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.disk.open(&big_name(segment)),
            opened => opened,
        };
        let file = opened.map_err(|error| ReadError::Storage(format!("segment {segment:016x}: {error}")))?;
        if open.files.len() >= OPEN_FILES_MAX
            && let Some(oldest) = open.files.iter().min_by_key(|(_, (_, used))| *used).map(|(number, _)| *number)
        {
            open.files.remove(&oldest);
        }
        open.files.insert(segment, (file.clone(), now));
        Ok(file)
    }
}

fn run(file: &dyn DiskFile, offset: u64, bytes: u64) -> Result<Vec<u8>, ReadError> {
    let storage = |error: io::Error| ReadError::Storage(error.to_string());
    // Look before asking for the memory: a reference that is wrong must not take it all.
    if bytes > 1 << 20 && offset.saturating_add(bytes) > file.bytes().map_err(storage)? {
        return Err(ReadError::Storage("a content lies beyond the end of its segment".into()));
    }
    let mut octets = vec![0; bytes as usize];
    file.read_at(&mut octets, offset).map_err(storage)?;
    Ok(octets)
}

/// Decompress; what comes out is exactly `bytes` long or it is an error. A run that did not shrink was stored as it came.
fn unpack(stored: &[u8], bytes: u64) -> Result<Vec<u8>, ReadError> {
    if stored.len() as u64 == bytes {
        return Ok(stored.to_vec());
    }
    let octets = DECOMPRESSOR.with_borrow_mut(|decompressor| {
        if decompressor.is_none() {
            *decompressor = Some(zstd::bulk::Decompressor::new()?);
        }
        match decompressor {
            Some(decompressor) => decompressor.decompress(stored, bytes as usize),
            None => Err(io::Error::other("no decompressor")),
        }
    });
    let octets = octets.map_err(|error| ReadError::Storage(format!("a content does not decompress: {error}")))?;
    same(octets.len() as u64, bytes)?;
    Ok(octets)
}

fn same(found: u64, meant: u64) -> Result<(), ReadError> {
    if found == meant { Ok(()) } else { Err(ReadError::Storage(format!("a content has {found} bytes, not {meant}"))) }
}
