//! MAILBOXID, EMAILID and THREADID (RFC 8474). Called by STATUS, SELECT, CREATE, FETCH, SEARCH and whatever else tells them.
//!
//! What always holds: the same content has the same EMAILID in every mailbox; messages that go back to the same message share a THREADID.

use octroi_model::{CollectionId, Hash};
use std::fmt::Write;

/// Octets of a hash that an id has.
const ID_BYTES: usize = 16;

/// Of a mailbox, whatever it is called.
pub(crate) fn mailbox_id(id: CollectionId) -> String {
    format!("F{}", id.0)
}

/// Of the message with content of this hash.
pub(crate) fn email_id(hash: &Hash) -> String {
    id('M', &hash.0)
}

/// Of the message whose thread goes back to that message id; a message without one is in no thread.
pub(crate) fn thread_id(root: Option<&[u8]>) -> Option<String> {
    root.map(|root| id('T', blake3::hash(root).as_bytes()))
}

// RFC 8474 section 7 (objectid): letters, digits, `_` and `-`, at most 255 of them.
fn id(kind: char, hash: &[u8; 32]) -> String {
    hash[..ID_BYTES].iter().fold(String::from(kind), |mut id, octet| {
        // Writing into a string cannot fail.
        let _ = write!(id, "{octet:02x}");
        id
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_letters_and_digits() {
        assert_eq!(email_id(&Hash([0xa5; 32])), format!("M{}", "a5".repeat(16)));
        assert_eq!(thread_id(None), None);
        let of = |root: &[u8]| thread_id(Some(root)).unwrap_or_default();
        assert_eq!(of(b"a@x.test"), of(b"a@x.test"));
        assert_ne!(of(b"a@x.test"), of(b"b@x.test"));
        assert_eq!(of(b"a@x.test").len(), 33);
    }
}
