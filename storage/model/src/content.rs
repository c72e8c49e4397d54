//! Where an item's bytes are, and what they hash to.

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use std::fmt;

/// BLAKE3 of the octets as the client sent them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Hash(pub [u8; 32]);

/// A strong entity tag (RFC 9110 section 8.8.3): the first 16 bytes of the content's hash, in hex, without the quotes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Etag(String);

impl Etag {
    /// The tag of a content.
    pub fn of(hash: Hash) -> Self {
        Self(HEXLOWER.encode(&hash.0[..16]))
    }
    /// What stands between the quotes.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Etag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0)
    }
}

/// How the octets of a content are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Encoding {
    /// As they came: what does not shrink, and large content, so that ranges are read straight from disk.
    #[default]
    Raw,
    /// The header and the body are each one zstd frame.
    Zstd,
}

/// Where a content lies: three adjoining stored runs (facts, header, body) at `offset` of a journal segment. A document has only a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ContentRef {
    /// Number of the segment file.
    pub segment: u64,
    /// Byte offset of the first run in it.
    pub offset: u64,
    /// Stored bytes of the derived facts (envelope and body structure, ready for the wire); never compressed.
    pub facts_stored: u32,
    /// Stored bytes of the message header.
    pub header_stored: u32,
    /// Stored bytes of the rest.
    pub body_stored: u64,
    /// Bytes of the message header as it was sent, including the empty line; 0 for documents.
    pub header_bytes: u32,
    /// Bytes of the rest as it was sent.
    pub body_bytes: u64,
    /// How header and body are stored.
    pub encoding: Encoding,
}

impl ContentRef {
    /// Bytes of the whole content as it was sent.
    pub fn bytes(&self) -> u64 {
        u64::from(self.header_bytes) + self.body_bytes
    }
}
