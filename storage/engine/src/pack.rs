//! zstd frames in memory, for whatever is kept packed: contents in the journal, blocks of the search index.

use std::io;
use std::sync::{LazyLock, Mutex, PoisonError};

/// zstd's fastest useful level: delivery must not wait for better ratios.
const ZSTD_LEVEL: i32 = 1;

/// Runs from this length on are looked at before they are packed: below, packing costs no more than looking.
const LOOK_BYTES_MIN: usize = 8 * 1024;
/// Octets that are looked at: so many pieces of so many, spread over the run.
const LOOK_PIECES: usize = 4;
const LOOK_PIECE_BYTES: usize = 256;

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

/// Will packing give nothing, as far as a look at a thousand of the octets tells? Pictures, archives and what is encrypted use all octets
/// alike: then two that are drawn have the same value once in 256, and much more often in whatever shrinks. Trying would take longer than all
/// else that is done with a document. What repeats itself and uses all octets alike is taken for one of them.
pub(crate) fn is_dense(octets: &[u8]) -> bool {
    if octets.len() < LOOK_BYTES_MIN {
        return false;
    }
    let mut counts = [0u32; 256];
    for piece in 0..LOOK_PIECES {
        let at = (octets.len() - LOOK_PIECE_BYTES) / (LOOK_PIECES - 1) * piece;
        for octet in &octets[at..at + LOOK_PIECE_BYTES] {
            counts[usize::from(*octet)] += 1;
        }
    }
    let drawn = (LOOK_PIECES * LOOK_PIECE_BYTES) as u32;
    let pairs: u32 = counts.iter().map(|count| count * count.saturating_sub(1)).sum();
    // A quarter above what chance gives, which chance itself does not reach: eleven of its deviations.
    u64::from(pairs) * 256 * 4 < u64::from(drawn) * u64::from(drawn - 1) * 5
}

/// What is in a frame: exactly `bytes` octets, or it is an error.
pub(crate) fn unpack(packed: &[u8], bytes: usize) -> io::Result<Vec<u8>> {
    let octets = DECOMPRESSORS.with(zstd::bulk::Decompressor::new, |decompressor| decompressor.decompress(packed, bytes))??;
    if octets.len() != bytes {
        return Err(io::Error::other(format!("there are {} bytes, not {bytes}", octets.len())));
    }
    Ok(octets)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// As good as random, and the same each time.
    fn noise(bytes: usize, seed: u8) -> Vec<u8> {
        let mut octets = vec![0; bytes];
        blake3::Hasher::new().update(&[seed]).finalize_xof().fill(&mut octets);
        octets
    }

    #[test]
    fn what_does_not_shrink_is_dense_and_what_does_is_not() {
        for seed in 0..200 {
            let octets = noise(LOOK_BYTES_MIN + usize::from(seed) * 331, seed);
            assert!(is_dense(&octets), "{seed}");
            // Base64, in lines.
            let text: Vec<u8> =
                octets.iter().enumerate().map(|(at, octet)| if at % 77 == 76 { b'\n' } else { b'0' + octet % 64 }).collect();
            assert!(!is_dense(&text) && pack(&text).unwrap().len() < text.len() * 9 / 10);
            // Samples of sound: every other octet says little.
            let sound: Vec<u8> = octets.iter().enumerate().map(|(at, octet)| if at % 2 == 0 { *octet } else { octet % 8 }).collect();
            assert!(!is_dense(&sound));
        }
        // A packed frame is dense itself.
        let words: Vec<u8> =
            (0..200_000u32).flat_map(|number| format!("{} ", number.wrapping_mul(2_654_435_761) % 9_973).into_bytes()).collect();
        assert!(!is_dense(&words) && is_dense(&pack(&words).unwrap()));
        assert!(!is_dense(&noise(LOOK_BYTES_MIN - 1, 0)) && !is_dense(&[]));
    }
}
