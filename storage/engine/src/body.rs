//! Contents on their way to the journal: compressed and hashed on the session's own task, before the committer sees them.
//!
//! Small ones travel in the batch; large ones are streamed to a segment of their own ([`crate::Engine::stage`]) and synced there first.

use crate::pack::{is_dense, pack};
use octroi_model::{ContentRef, Encoding, Hash};

/// A content ready to be committed.
#[derive(Debug)]
pub struct Body {
    /// Its lengths and encoding; segment and offset are set when it is written.
    pub(crate) content: ContentRef,
    pub(crate) hash: Hash,
    /// Facts, header and body as they are stored, one after the other, each with its checksum behind it ([`push_run`]); empty when it lies
    /// in its own segment already.
    pub(crate) stored: Vec<u8>,
    /// CRC of `stored`, made here so that the committer need not.
    pub(crate) crc: u32,
    /// It lies in `content.segment` already; removed again when this is dropped without a commit.
    pub(crate) staged: Option<crate::stage::StagedFile>,
}

/// What a content of these octets hashes to.
pub fn hash_of(octets: &[u8]) -> Hash {
    Hash(*blake3::hash(octets).as_bytes())
}

/// Runs below this many bytes do not shrink enough to pay for making a frame: most headers.
const ZSTD_BYTES_MIN: usize = 1024;

impl Body {
    /// A message: `facts` are what its codec derived from it, `header_bytes` says where the header ends in `octets`.
    pub fn message(facts: &[u8], octets: &[u8], header_bytes: usize) -> Self {
        let (header, body) = octets.split_at(header_bytes.min(octets.len()));
        Self::assemble(facts, header, body, hash_of(octets))
    }

    /// A document.
    pub fn document(octets: &[u8]) -> Self {
        Self::assemble(&[], &[], octets, hash_of(octets))
    }

    /// BLAKE3 of the octets.
    pub fn hash(&self) -> Hash {
        self.hash
    }

    /// Octets as they were sent.
    pub fn bytes(&self) -> u64 {
        self.content.bytes()
    }

    fn assemble(facts: &[u8], header: &[u8], body: &[u8], hash: Hash) -> Self {
        let mut stored = Vec::with_capacity(facts.len() + header.len() + body.len() + 3 * RUN_SUM_BYTES);
        push_run(&mut stored, facts);
        let (packed_header, packed_body) = (compress(header), compress(body));
        let encoding = if packed_header.is_some() || packed_body.is_some() { Encoding::Zstd } else { Encoding::Raw };
        let stored_header = packed_header.as_deref().unwrap_or(header);
        let stored_body = packed_body.as_deref().unwrap_or(body);
        push_run(&mut stored, stored_header);
        push_run(&mut stored, stored_body);
        let content = ContentRef {
            segment: 0,
            offset: 0,
            facts_stored: facts.len() as u32,
            header_stored: stored_header.len() as u32,
            body_stored: stored_body.len() as u64,
            header_bytes: header.len() as u32,
            body_bytes: body.len() as u64,
            encoding,
        };
        let crc = crc32fast::hash(&stored);
        Self { content, hash, stored, crc, staged: None }
    }
}

/// Bytes of the checksum behind each run of a content.
pub(crate) const RUN_SUM_BYTES: usize = 4;

/// Add a run with its CRC-32, so that each can be read and checked alone. An empty run is nothing at all.
fn push_run(stored: &mut Vec<u8>, run: &[u8]) {
    if !run.is_empty() {
        stored.extend_from_slice(run);
        stored.extend_from_slice(&crc32fast::hash(run).to_le_bytes());
    }
}

/// Bytes that a run of this length takes with its checksum.
pub(crate) fn run_bytes(stored: u64) -> u64 {
    if stored == 0 { 0 } else { stored + RUN_SUM_BYTES as u64 }
}

/// A stored run that is as long as what was sent is what was sent.
fn compress(octets: &[u8]) -> Option<Vec<u8>> {
    if octets.len() < ZSTD_BYTES_MIN || is_dense(octets) { None } else { pack(octets) }
}
