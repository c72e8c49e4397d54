//! What a pass that erases contents and those who commit must know of each other.
//!
//! A copy of a message refers to a content without bringing it. The one whom it was copied from may be expunged meanwhile, so that only a
//! session's old view still knows of the content. While a pass looks for what is still referred to ([`Erasing::begin`]), each such
//! reference is noted ([`Erasing::refer`]); once it is settled what stays ([`Erasing::settle`]), a reference to anything else is refused.
//! The committer asks before it stamps, and a pass that begins waits until what was stamped before is published, so none is missed.

use crate::contents::Contents;
use octroi_model::ContentRef;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// References noted in one pass, about 20 bytes each; with more the pass is given up, and the next one begins anew.
const NOTED_MAX: usize = 1_000_000;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Erasing {
    inner: Mutex<Inner>,
    /// Numbers of files of large contents that no batch on disk need refer to yet.
    pub(crate) staged: Arc<Staged>,
}

#[derive(Debug, Default)]
struct Inner {
    segments: HashMap<u64, Phase>,
    noted: usize,
}

/// What a pass is about to do with a segment, or with the file of a large content.
#[derive(Debug)]
enum Phase {
    /// It looks for what is referred to; these offsets have been since it began.
    Looking(HashSet<u64>),
    /// Only these offsets stay.
    Settled(Arc<HashSet<u64>>),
}

impl Erasing {
    /// A pass begins to look at these files.
    pub(crate) fn begin(&self, numbers: impl Iterator<Item = u64>) {
        let mut inner = self.lock();
        for number in numbers {
            inner.segments.insert(number, Phase::Looking(HashSet::new()));
        }
    }

    /// Somebody is about to refer to a content that is there already; `false` if it must not be, because it is erased or about to be.
    pub(crate) fn refer(&self, content: &ContentRef, contents: &Contents) -> bool {
        let mut inner = self.lock();
        match inner.segments.get_mut(&content.segment) {
            Some(Phase::Looking(noted)) => {
                // An earlier pass may have given it back. Looked at under the lock, so that this one cannot settle meanwhile.
                if !contents.holds(content) {
                    return false;
                }
                let new = noted.insert(content.offset);
                inner.noted += usize::from(new);
                true
            }
            Some(Phase::Settled(live)) => live.contains(&content.offset),
            None => {
                drop(inner);
                contents.holds(content)
            }
        }
    }

    /// Settle what stays of a file: `live`, and what was referred to since the pass began. `None` if that cannot be said any more.
    pub(crate) fn settle(&self, number: u64, mut live: HashSet<u64>) -> Option<Arc<HashSet<u64>>> {
        let mut inner = self.lock();
        if inner.noted > NOTED_MAX {
            return None;
        }
        let phase = inner.segments.get_mut(&number)?;
        let Phase::Looking(noted) = phase else { return None };
        live.extend(noted.drain());
        let live = Arc::new(live);
        *phase = Phase::Settled(live.clone());
        Some(live)
    }

    /// What was settled for this file has happened, or will not happen: from now on the file itself says what is in it.
    pub(crate) fn done(&self, number: u64) {
        self.lock().segments.remove(&number);
    }

    /// The pass is over.
    pub(crate) fn end(&self) {
        *self.lock() = Inner::default();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Files of large contents that are being written, or wait for their commit: nothing refers to them and yet they are needed.
#[derive(Debug, Default)]
pub(crate) struct Staged(Mutex<HashSet<u64>>);

impl Staged {
    /// Before the file is made.
    pub(crate) fn add(&self, number: u64) {
        self.lock().insert(number);
    }

    /// Nobody can commit it any more, or it is committed.
    pub(crate) fn remove(&self, number: u64) {
        self.lock().remove(&number);
    }

    pub(crate) fn contains(&self, number: u64) -> bool {
        self.lock().contains(&number)
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
