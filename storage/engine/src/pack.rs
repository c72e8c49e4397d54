//! zstd frames in memory, for whatever is kept packed: contents in the journal, blocks of the search index.

use std::io;
use std::sync::{LazyLock, Mutex, PoisonError};

/// zstd's fastest useful level: delivery must not wait for better ratios.
const ZSTD_LEVEL: i32 = 1;

/// Contexts that nobody uses just now. One is some hundred KiB, and making one takes longer than packing a message; one for each thread that
/// ever packs would be many times what processors can use at once.
struct Contexts<T>(Mutex<Vec<T>>);

/// Contexts that are kept: a thread can be interrupted with one in its hands, so there are more than processors.
static CONTEXTS_MAX: LazyLock<usize> = LazyLock::new(|| std::thread::available_parallelism().map_or(2, |processors| processors.get() * 2));

static COMPRESSORS: Contexts<zstd::bulk::Compressor<'static>> = Contexts(Mutex::new(Vec::new()));
static DECOMPRESSORS: Contexts<zstd::bulk::Decompressor<'static>> = Contexts(Mutex::new(Vec::new()));

impl<T> Contexts<T> {
    /// What `with` makes of a context that is its own meanwhile.
    fn with<R>(&self, new: impl FnOnce() -> io::Result<T>, with: impl FnOnce(&mut T) -> R) -> io::Result<R> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut context = kept.map_or_else(new, Ok)?;
        let done = with(&mut context);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < *CONTEXTS_MAX {
            kept.push(context);
        }
        Ok(done)
    }
}

/// One frame; `None` when that would not be shorter.
pub(crate) fn pack(octets: &[u8]) -> Option<Vec<u8>> {
    let packed = COMPRESSORS.with(|| zstd::bulk::Compressor::new(ZSTD_LEVEL), |compressor| compressor.compress(octets));
    packed.ok()?.ok().filter(|packed| packed.len() < octets.len())
}

/// What is in a frame: exactly `bytes` octets, or it is an error.
pub(crate) fn unpack(packed: &[u8], bytes: usize) -> io::Result<Vec<u8>> {
    let octets = DECOMPRESSORS.with(zstd::bulk::Decompressor::new, |decompressor| decompressor.decompress(packed, bytes))??;
    if octets.len() != bytes {
        return Err(io::Error::other(format!("there are {} bytes, not {bytes}", octets.len())));
    }
    Ok(octets)
}
