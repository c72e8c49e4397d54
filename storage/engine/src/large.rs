//! The file of a large content: a header, the facts, the octets, a checksum for each piece of them.
//!
//! Written by staging as the octets come, read piece by piece. Layout: the header at 0; the octets from [`OCTETS_OFFSET`], or from somewhat
//! before if their head was given last; the facts right in front of them (a hole before that) because they are only known when the octets
//! have gone by; a CRC-32 per [`PIECE_BYTES`] behind them.

use crate::contents::storage;
use crate::disk::DiskFile;
use crate::interface::ReadError;
use crate::journal::number;
use octroi_model::ContentRef;

/// Where the octets that came first begin. Head and facts are smaller than that, unless someone tries hard; then no facts are kept, and
/// readers derive them anew.
pub(crate) const OCTETS_OFFSET: u64 = 1 << 20;
/// Bytes of the file's header.
pub(crate) const BIG_HEADER_BYTES: usize = 40;
/// Octets that one checksum is of: a range is read with what is left of the pieces at its ends.
const PIECE_BYTES: u64 = 64 << 10;
const SUM_BYTES: u64 = 4;
const MAGIC: [u8; 8] = *b"OCTROIB\n";

/// Header of the file: says which it is, and the checksum of its facts.
pub(crate) fn big_header(number: u64, facts: &[u8]) -> [u8; BIG_HEADER_BYTES] {
    let mut header = [0; BIG_HEADER_BYTES];
    header[..8].copy_from_slice(&MAGIC);
    header[8..16].copy_from_slice(&number.to_le_bytes());
    header[16..24].copy_from_slice(&(facts.len() as u64).to_le_bytes());
    header[24..28].copy_from_slice(&crc32fast::hash(facts).to_le_bytes());
    let sum = blake3::hash(&header[..32]);
    header[32..].copy_from_slice(&sum.as_bytes()[..8]);
    header
}

/// Checksums of octets that go by.
#[derive(Debug, Default)]
pub(crate) struct PieceSums {
    sums: Vec<u8>,
    piece: crc32fast::Hasher,
    piece_bytes: u64,
}

impl PieceSums {
    /// More octets.
    pub(crate) fn update(&mut self, mut octets: &[u8]) {
        while !octets.is_empty() {
            let room = (PIECE_BYTES - self.piece_bytes) as usize;
            let (now, later) = octets.split_at(room.min(octets.len()));
            self.piece.update(now);
            self.piece_bytes += now.len() as u64;
            octets = later;
            if self.piece_bytes == PIECE_BYTES {
                self.end_piece();
            }
        }
    }

    /// What goes behind the octets.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        if self.piece_bytes > 0 {
            self.end_piece();
        }
        self.sums
    }

    fn end_piece(&mut self) {
        self.sums.extend(std::mem::take(&mut self.piece).finalize().to_le_bytes());
        self.piece_bytes = 0;
    }
}

/// The facts, if they and the header check.
pub(crate) fn read_facts(file: &dyn DiskFile, content: &ContentRef) -> Result<Vec<u8>, ReadError> {
    octets_start(content)?;
    let mut header = [0; BIG_HEADER_BYTES];
    file.read_at(&mut header, 0).map_err(storage)?;
    let mut facts = vec![0; content.facts_stored as usize];
    file.read_at(&mut facts, content.offset).map_err(storage)?;
    if header != big_header(content.segment, &facts) {
        return Err(ReadError::Damaged("its facts do not check".into()));
    }
    Ok(facts)
}

/// Where the octets begin: right behind the facts.
fn octets_start(content: &ContentRef) -> Result<u64, ReadError> {
    let start = content.offset.checked_add(u64::from(content.facts_stored));
    match start.filter(|start| content.offset >= BIG_HEADER_BYTES as u64 && *start <= OCTETS_OFFSET) {
        Some(start) => Ok(start),
        None => Err(ReadError::Damaged("its facts do not stand in front of its octets".into())),
    }
}

/// `bytes` octets from `from`, which lie within the content.
pub(crate) fn read_octets(file: &dyn DiskFile, content: &ContentRef, from: u64, bytes: u64) -> Result<Vec<u8>, ReadError> {
    let (all, begin) = (content.bytes(), octets_start(content)?);
    if u64::from(content.header_stored) + content.body_stored != all || file.bytes().map_err(storage)? < begin + all {
        return Err(ReadError::Damaged(format!("its file does not hold {all} octets")));
    }
    if bytes == 0 {
        return Ok(Vec::new());
    }
    let first = from / PIECE_BYTES;
    let last = (from + bytes - 1) / PIECE_BYTES;
    let start = first * PIECE_BYTES;
    let end = ((last + 1) * PIECE_BYTES).min(all);
    let mut octets = vec![0; (end - start) as usize];
    file.read_at(&mut octets, begin + start).map_err(storage)?;
    let mut sums = vec![0; ((last - first + 1) * SUM_BYTES) as usize];
    file.read_at(&mut sums, begin + all + first * SUM_BYTES).map_err(storage)?;
    for (piece, sum) in octets.chunks(PIECE_BYTES as usize).zip(sums.chunks_exact(SUM_BYTES as usize)) {
        if u64::from(crc32fast::hash(piece)) != number(sum) {
            return Err(ReadError::Damaged("a checksum is wrong".into()));
        }
    }
    octets.truncate((from - start + bytes) as usize);
    octets.drain(..(from - start) as usize);
    Ok(octets)
}
