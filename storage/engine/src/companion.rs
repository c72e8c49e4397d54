//! What somebody derived from a collection's items and keeps beside its view: one value of any type, with its size.
//!
//! Made with a view, shared by all its successive snapshots, gone with the view when it is dropped from memory. The engine neither reads
//! the value nor knows its type; it counts its size into the memory budget, and drops the value when that is exceeded. So whoever keeps
//! something here must be able to derive it anew at any time, and must itself see to it that it is up to date.

use std::any::Any;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The slot. Meant for one user per kind of collection: a value of another type is replaced.
#[derive(Default)]
pub struct Companion {
    slot: Mutex<Option<Kept>>,
    /// Where the bytes of all companions of a store are added up.
    total: Arc<AtomicU64>,
}

struct Kept {
    value: Arc<dyn Any + Send + Sync>,
    bytes: u64,
    /// Asked for since the last [`Companion::rest`].
    used: bool,
}

impl Companion {
    /// An empty slot whose size counts into `total`.
    pub(crate) fn counted_in(total: Arc<AtomicU64>) -> Self {
        Self { slot: Mutex::default(), total }
    }

    /// The value, or a new one that is kept from now on.
    pub fn get_or_insert<T: Any + Send + Sync>(&self, new: impl FnOnce() -> T) -> Arc<T> {
        let mut slot = self.slot();
        let kept = slot.as_mut().and_then(|kept| {
            kept.used = true;
            kept.value.clone().downcast::<T>().ok()
        });
        kept.unwrap_or_else(|| {
            let value = Arc::new(new());
            self.uncount(slot.replace(Kept { value: value.clone(), bytes: 0, used: true }));
            value
        })
    }

    /// The value has grown or shrunk to so many bytes of memory. Nothing happens when it is kept no longer.
    pub fn weigh<T: Any + Send + Sync>(&self, value: &Arc<T>, bytes: u64) {
        if let Some(kept) = &mut *self.slot()
            && std::ptr::addr_eq(Arc::as_ptr(&kept.value), Arc::as_ptr(value))
        {
            // The difference, which may wrap: so does the sum.
            self.total.fetch_add(bytes.wrapping_sub(kept.bytes), Ordering::Relaxed);
            kept.bytes = bytes;
        }
    }

    /// Bytes of memory that the value takes, as far as its owner said.
    pub(crate) fn bytes(&self) -> u64 {
        self.slot().as_ref().map_or(0, |kept| kept.bytes)
    }

    /// Keep it no longer. Who holds it may go on using it.
    pub(crate) fn clear(&self) {
        self.uncount(self.slot().take());
    }

    /// Keep it no longer if nobody has asked for it since this was called last.
    pub(crate) fn rest(&self) {
        let mut slot = self.slot();
        let unused = slot.take_if(|kept| !std::mem::take(&mut kept.used));
        drop(slot);
        self.uncount(unused);
    }

    fn uncount(&self, kept: Option<Kept>) {
        self.total.fetch_sub(kept.map_or(0, |kept| kept.bytes), Ordering::Relaxed);
    }

    fn slot(&self) -> MutexGuard<'_, Option<Kept>> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Companion {
    fn drop(&mut self) {
        self.clear();
    }
}

impl fmt::Debug for Companion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Companion({} bytes)", self.bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_is_kept_and_weighed() {
        let slot = Companion::default();
        let first = slot.get_or_insert(|| 1_u32);
        let again = slot.get_or_insert(|| 2_u32);
        assert_eq!((*first, *again), (1, 1));
        slot.weigh(&first, 70);
        assert_eq!(slot.bytes(), 70);
        slot.clear();
        assert_eq!(slot.bytes(), 0);
        // What is kept no longer does not count, however long somebody holds it.
        slot.weigh(&first, 70);
        let other = slot.get_or_insert(|| "x");
        slot.weigh(&first, 70);
        assert_eq!((slot.bytes(), *other), (0, "x"));
        slot.weigh(&other, 1);
        assert_eq!(slot.bytes(), 1);
    }
}
