//! zstd frames in memory, for whatever is kept packed: contents in the journal, blocks of the search index.

use std::cell::RefCell;
use std::io;

/// zstd's fastest useful level: delivery must not wait for better ratios.
const ZSTD_LEVEL: i32 = 1;

thread_local! {
    /// A context is some hundred KiB; making one takes longer than packing a message.
    static COMPRESSOR: RefCell<Option<zstd::bulk::Compressor<'static>>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<zstd::bulk::Decompressor<'static>>> = const { RefCell::new(None) };
}

/// One frame; `None` when that would not be shorter.
pub(crate) fn pack(octets: &[u8]) -> Option<Vec<u8>> {
    COMPRESSOR.with_borrow_mut(|compressor| {
        if compressor.is_none() {
            *compressor = zstd::bulk::Compressor::new(ZSTD_LEVEL).ok();
        }
        compressor.as_mut()?.compress(octets).ok().filter(|packed| packed.len() < octets.len())
    })
}

/// What is in a frame: exactly `bytes` octets, or it is an error.
pub(crate) fn unpack(packed: &[u8], bytes: usize) -> io::Result<Vec<u8>> {
    let octets = DECOMPRESSOR.with_borrow_mut(|decompressor| {
        if decompressor.is_none() {
            *decompressor = Some(zstd::bulk::Decompressor::new()?);
        }
        match decompressor {
            Some(decompressor) => decompressor.decompress(packed, bytes),
            None => Err(io::Error::other("no decompressor")),
        }
    })?;
    if octets.len() != bytes {
        return Err(io::Error::other(format!("there are {} bytes, not {bytes}", octets.len())));
    }
    Ok(octets)
}
