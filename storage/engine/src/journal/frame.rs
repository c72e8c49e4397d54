//! Frames: what a segment is made of. Each has a header with a keyed checksum of itself and a CRC of its payload.
//!
//! The key is random per segment and the offset is part of what is summed, so a stale, copied or planted frame never checks.

use crate::change::Change;
use octroi_model::UnixTime;
use serde::{Deserialize, Serialize};

/// Bytes in front of each payload.
pub(crate) const FRAME_HEADER_BYTES: usize = 36;
/// First bytes of a frame: what a search for frames behind damage looks for.
pub(crate) const FRAME_MAGIC: [u8; 4] = [0xf6, b'O', b'c', b'J'];
const SUMMED_BYTES: usize = 28;

/// What a payload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The stored bytes of a content.
    Body = 1,
    /// A [`Written`] batch; the bodies it brings stand in front of it.
    Batch = 2,
}

/// A frame's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) kind: Kind,
    pub(crate) payload_bytes: u64,
    /// Where the group that it was written with begins: all before that was synced when it was written.
    pub(crate) group_start: u64,
    pub(crate) crc: u32,
}

impl Frame {
    /// This header as it stands at `offset`.
    pub(crate) fn seal(self, key: &[u8; 32], offset: u64) -> [u8; FRAME_HEADER_BYTES] {
        let mut header = [0; FRAME_HEADER_BYTES];
        header[..4].copy_from_slice(&FRAME_MAGIC);
        header[4] = self.kind as u8;
        header[8..16].copy_from_slice(&self.payload_bytes.to_le_bytes());
        header[16..24].copy_from_slice(&self.group_start.to_le_bytes());
        header[24..28].copy_from_slice(&self.crc.to_le_bytes());
        let sum = Self::sum(&header, key, offset);
        header[SUMMED_BYTES..].copy_from_slice(&sum);
        header
    }

    /// The header at `offset`, if that is what it is.
    pub(crate) fn open(header: &[u8; FRAME_HEADER_BYTES], key: &[u8; 32], offset: u64) -> Option<Self> {
        if header[..4] != FRAME_MAGIC || header[SUMMED_BYTES..] != Self::sum(header, key, offset) {
            return None;
        }
        let kind = match header[4] {
            1 => Kind::Body,
            2 => Kind::Batch,
            _ => return None,
        };
        Some(Self {
            kind,
            payload_bytes: number(&header[8..16]),
            group_start: number(&header[16..24]),
            crc: number(&header[24..28]) as u32,
        })
    }

    fn sum(header: &[u8; FRAME_HEADER_BYTES], key: &[u8; 32], offset: u64) -> [u8; 8] {
        let mut summed = [0; SUMMED_BYTES + 8];
        summed[..SUMMED_BYTES].copy_from_slice(&header[..SUMMED_BYTES]);
        summed[SUMMED_BYTES..].copy_from_slice(&offset.to_le_bytes());
        let mut sum = [0; 8];
        sum.copy_from_slice(&blake3::keyed_hash(key, &summed).as_bytes()[..8]);
        sum
    }
}

/// Up to eight bytes, little end first.
pub(crate) fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |sum, byte| (sum << 8) | u64::from(*byte))
}

/// The payload of a batch frame, to write.
#[derive(Serialize)]
pub(crate) struct Written<'a> {
    /// When it was committed, by the clock of this machine: a restore to a moment looks at it.
    pub(crate) at: UnixTime,
    /// No collection, account or app password has this id or a larger one.
    pub(crate) next_id: u64,
    pub(crate) changes: &'a [Change],
}

/// The payload of a batch frame, read back.
#[derive(Deserialize)]
pub(crate) struct Reread {
    pub(crate) at: UnixTime,
    pub(crate) next_id: u64,
    pub(crate) changes: Vec<Change>,
}

/// When the batch with this payload was committed.
pub(crate) fn committed_at(payload: &[u8]) -> Result<UnixTime, postcard::Error> {
    postcard::from_bytes(payload).map(|Reread { at, .. }| at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_frame_checks_only_where_it_was_written(payload: Vec<u8>, group in 0u64..1 << 40, offset in 0u64..1 << 40, key: [u8; 32]) {
            let frame = Frame { kind: Kind::Body, payload_bytes: payload.len() as u64, group_start: group, crc: crc32fast::hash(&payload) };
            let header = frame.seal(&key, offset);
            prop_assert_eq!(Frame::open(&header, &key, offset), Some(frame));
            prop_assert!(Frame::open(&header, &key, offset + 1).is_none());
            prop_assert!(Frame::open(&header, &[key[0] ^ 1; 32], offset).is_none());
        }

        #[test]
        fn a_flipped_bit_is_noticed(bit in 0usize..FRAME_HEADER_BYTES * 8) {
            let mut header = Frame { kind: Kind::Batch, payload_bytes: 7, group_start: 80, crc: 1 }.seal(&[7; 32], 99);
            header[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(Frame::open(&header, &[7; 32], 99).is_none());
        }
    }
}
