//! What is left of a segment that was compacted: which parts of it stand where in the file that took its place.
//!
//! A compacted segment keeps the offsets that it had. Whatever refers into it (contents, positions, the checksums of frames) stays as it
//! is, and only reading translates. Layout of the file: the segment header, the parts that are kept, one behind the other, the list of
//! parts, a footer. Written once and renamed into place, never changed.

use super::frame::number;
use super::segment::SEGMENT_HEADER_BYTES;
use crate::disk::DiskFile;
use std::io;

/// Bytes of an entry in the list of parts: logical offset, place in the file, length.
const RUN_BYTES: usize = 24;
/// Bytes behind the list.
const FOOTER_BYTES: usize = 40;
const FOOTER_MAGIC: [u8; 8] = *b"OCTROIC\n";

/// A part that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    /// Where it stood in the segment as it was written.
    pub(crate) offset: u64,
    /// Where it stands in the file.
    pub(crate) place: u64,
    pub(crate) bytes: u64,
}

/// The parts of a compacted segment, ascending, none touching the next.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Runs {
    runs: Vec<Run>,
    /// Length of the segment as it was written.
    pub(crate) bytes: u64,
}

impl Runs {
    /// None yet, of a segment that was so long.
    pub(crate) fn new(bytes: u64) -> Self {
        Self { runs: Vec::new(), bytes }
    }

    /// Keep `bytes` octets from `offset`, which is behind all that is kept so far. Returns where they go in the file.
    pub(crate) fn keep(&mut self, offset: u64, bytes: u64) -> u64 {
        let end = self.end();
        match self.runs.last_mut() {
            Some(last) if last.offset + last.bytes == offset => last.bytes += bytes,
            _ => self.runs.push(Run { offset, place: end, bytes }),
        }
        end
    }

    /// Where the next part would go.
    pub(crate) fn end(&self) -> u64 {
        self.runs.last().map_or(SEGMENT_HEADER_BYTES, |last| last.place + last.bytes)
    }

    /// Where in the file the octet at `offset` stands, and how many follow it there; `None` if it was given back.
    pub(crate) fn find(&self, offset: u64) -> Option<(u64, u64)> {
        let after = self.runs.partition_point(|run| run.offset <= offset);
        let run = self.runs[..after].last()?;
        let into = offset - run.offset;
        (into < run.bytes).then(|| (run.place + into, run.bytes - into))
    }

    /// `offset` if it is kept, else where the next part begins, else the end.
    pub(crate) fn next(&self, offset: u64) -> u64 {
        if self.find(offset).is_some() {
            return offset;
        }
        let after = self.runs.partition_point(|run| run.offset <= offset);
        self.runs.get(after).map_or(self.bytes, |run| run.offset)
    }

    /// The list and the footer, as they stand behind the parts. `header` is the segment's.
    pub(crate) fn encode(&self, header: &[u8]) -> Vec<u8> {
        let mut octets = Vec::with_capacity(self.runs.len() * RUN_BYTES + FOOTER_BYTES);
        for run in &self.runs {
            for value in [run.offset, run.place, run.bytes] {
                octets.extend(value.to_le_bytes());
            }
        }
        let crc = crc32fast::hash(&octets);
        let at = octets.len();
        octets.extend(FOOTER_MAGIC);
        octets.extend(self.bytes.to_le_bytes());
        octets.extend((self.runs.len() as u64).to_le_bytes());
        octets.extend(u64::from(crc).to_le_bytes());
        let sum = footer_sum(header, &octets[at..]);
        octets.extend(sum);
        octets
    }

    /// Read the list of a compacted segment; `None` if it does not check.
    pub(crate) fn read(file: &dyn DiskFile, header: &[u8]) -> io::Result<Option<Self>> {
        let length = file.bytes()?;
        let Some(footer_at) = length.checked_sub(FOOTER_BYTES as u64).filter(|at| *at >= SEGMENT_HEADER_BYTES) else { return Ok(None) };
        let mut footer = [0; FOOTER_BYTES];
        file.read_at(&mut footer, footer_at)?;
        let (fields, sum) = footer.split_at(FOOTER_BYTES - 8);
        if fields[..8] != FOOTER_MAGIC || sum != footer_sum(header, fields) {
            return Ok(None);
        }
        let (bytes, count, crc) = (number(&fields[8..16]), number(&fields[16..24]), number(&fields[24..32]));
        let list_bytes = count.checked_mul(RUN_BYTES as u64).filter(|bytes| *bytes <= footer_at - SEGMENT_HEADER_BYTES);
        let Some(list_bytes) = list_bytes else { return Ok(None) };
        let mut list = vec![0; list_bytes as usize];
        file.read_at(&mut list, footer_at - list_bytes)?;
        if u64::from(crc32fast::hash(&list)) != crc {
            return Ok(None);
        }
        let run = |entry: &[u8]| Run { offset: number(&entry[..8]), place: number(&entry[8..16]), bytes: number(&entry[16..]) };
        Ok(Some(Self { runs: list.chunks_exact(RUN_BYTES).map(run).collect(), bytes }))
    }
}

fn footer_sum(header: &[u8], fields: &[u8]) -> [u8; 8] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(header).update(fields);
    let mut sum = [0; 8];
    sum.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_kept_is_found_and_the_rest_is_not(parts in proptest::collection::vec((1u64..50, any::<bool>()), 0..40)) {
            let mut runs = Runs::new(0);
            let (mut offset, mut place) = (SEGMENT_HEADER_BYTES, SEGMENT_HEADER_BYTES);
            let mut meant = Vec::new();
            for (bytes, kept) in parts {
                if kept {
                    prop_assert_eq!(runs.keep(offset, bytes), place);
                    meant.extend((0..bytes).map(|at| Some(place + at)));
                    place += bytes;
                } else {
                    meant.extend((0..bytes).map(|_| None));
                }
                offset += bytes;
            }
            runs.bytes = offset;
            for (offset, place) in (SEGMENT_HEADER_BYTES..).zip(&meant) {
                prop_assert_eq!(runs.find(offset).map(|(place, _)| place), *place);
                let next = meant[(offset - SEGMENT_HEADER_BYTES) as usize..].iter().position(Option::is_some);
                prop_assert_eq!(runs.next(offset), next.map_or(runs.bytes, |next| offset + next as u64));
            }
        }
    }
}
