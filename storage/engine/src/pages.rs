//! Buffers that begin at a page of memory, as a write past the system's cache asks for.
//!
//! Filled by staging and written in its lanes. What holds: one is never moved, since it never grows beyond what it was made for; and it comes back to
//! its content once the last who holds it lets it go, whatever became of it.

use crate::disk::PAGE_BYTES;
use std::ops::{Deref, DerefMut};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Octets up to a number that is fixed when it is made.
#[derive(Debug, Default)]
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

/// The buffers of one content, so many at most.
#[derive(Debug)]
pub(crate) struct Buffers {
    bytes: usize,
    may_be_made: usize,
    back: UnboundedSender<Pages>,
    free: UnboundedReceiver<Pages>,
}

impl Buffers {
    /// None yet; `most` of `bytes` each.
    pub(crate) fn new(most: usize, bytes: usize) -> Self {
        let (back, free) = unbounded_channel();
        Self { bytes, may_be_made: most, back, free }
    }

    /// An empty one, once there is one.
    pub(crate) async fn empty(&mut self) -> Lent {
        let pages = match self.free.try_recv() {
            Ok(pages) => pages,
            // There is an answer: one way back is our own.
            Err(_) if self.may_be_made == 0 => self.free.recv().await.unwrap_or_default(),
            Err(_) => {
                self.may_be_made -= 1;
                Pages::with_room_for(self.bytes)
            }
        };
        Lent { pages, back: self.back.clone() }
    }
}

/// One of some buffers, which goes back to them when it is dropped.
#[derive(Debug)]
pub(crate) struct Lent {
    pages: Pages,
    back: UnboundedSender<Pages>,
}

impl Deref for Lent {
    type Target = Pages;

    fn deref(&self) -> &Pages {
        &self.pages
    }
}

impl DerefMut for Lent {
    fn deref_mut(&mut self) -> &mut Pages {
        &mut self.pages
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.clear();
        // Nobody waits for it any more where the content was given up.
        let _ = self.back.send(std::mem::take(&mut self.pages));
    }
}
