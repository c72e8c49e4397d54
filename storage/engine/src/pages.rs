//! A buffer that begins at a page of memory, as a write past the system's cache asks for.
//!
//! Filled and written by staging. What holds: it is never moved, since it never grows beyond what it was made for.

use crate::disk::PAGE_BYTES;

/// Octets up to a number that is fixed when it is made.
#[derive(Debug)]
pub(crate) struct Pages {
    /// What is in front of `start` is nothing.
    octets: Vec<u8>,
    start: usize,
    room: usize,
}

impl Pages {
    /// An empty one with room for `bytes`.
    pub(crate) fn with_room_for(bytes: usize) -> Self {
        let mut octets: Vec<u8> = Vec::with_capacity(bytes + PAGE_BYTES);
        // Where it cannot be said (the interface allows that), it begins anywhere, and is written through the cache.
        let start = Some(octets.as_ptr().align_offset(PAGE_BYTES)).filter(|start| *start < PAGE_BYTES).unwrap_or(0);
        octets.resize(start, 0);
        Self { octets, start, room: bytes }
    }

    /// What is in it.
    pub(crate) fn octets(&self) -> &[u8] {
        &self.octets[self.start..]
    }

    /// Is there no room for more?
    pub(crate) fn is_full(&self) -> bool {
        self.octets().len() == self.room
    }

    /// Take in as many of these as there is room for; what is left of them.
    pub(crate) fn fill<'a>(&mut self, octets: &'a [u8]) -> &'a [u8] {
        let room = self.room - self.octets().len();
        let (now, later) = octets.split_at(room.min(octets.len()));
        self.octets.extend_from_slice(now);
        later
    }

    /// Empty it.
    pub(crate) fn clear(&mut self) {
        self.octets.truncate(self.start);
    }
}
