//! Items: a message, an event, a card, a file or a queued message; one type for all.

use crate::{ContentRef, Etag, Flags, Hash, ModSeq, Name, Uid, UnixTime};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The first octet of [`Item::properties`] that count as octets of the item.
pub const COUNTED: u8 = 0xC1;

/// An item of a collection as the journal, the index and the views hold it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// Stable within the collection; ascending in the order of arrival.
    pub uid: Uid,
    /// When it last changed.
    pub modseq: ModSeq,
    /// System flags and keyword bits.
    pub flags: Flags,
    /// INTERNALDATE of a message (RFC 9051 section 2.3.3); last modification of a document.
    pub date: UnixTime,
    /// When it came into this collection.
    pub saved: UnixTime,
    /// Its last URL segment; messages have none.
    pub name: Option<Name>,
    /// `Content-Type` as it was sent; messages have none.
    pub media_type: Option<Arc<str>>,
    /// What its protocol keeps beside it (the envelope of a queued message, the properties of a document); at most 64 KiB.
    pub properties: Option<Arc<[u8]>>,
    /// Where the octets are.
    pub content: ContentRef,
    /// What they hash to.
    pub hash: Hash,
}

impl Item {
    /// The strong entity tag of the content.
    pub fn etag(&self) -> Etag {
        Etag::of(self.hash)
    }
    /// Octets of the content, RFC822.SIZE of a message.
    pub fn bytes(&self) -> u64 {
        self.content.bytes()
    }
    /// Octets that count for its collection and its quotas: the content's, and those of properties that say so by their first octet
    /// ([`COUNTED`]). Known from the item alone, so one that was stored when properties did not count goes out of the sum as it came in.
    pub fn counted(&self) -> u64 {
        let beside = self.properties.as_ref().filter(|properties| properties.first() == Some(&COUNTED));
        self.bytes() + beside.map_or(0, |properties| properties.len() as u64)
    }
}

/// What remains of an item (or of a child collection) that is gone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tombstone {
    /// Uid it had; 0 for a child collection.
    pub uid: Uid,
    /// The collection's modseq at which it went.
    pub modseq: ModSeq,
    /// Name it had, if it had one.
    pub name: Option<Name>,
}
