//! Identifiers that stay whatever becomes of a name (RFC 8474). Called by STATUS, SELECT, CREATE, FETCH and SEARCH.

use octroi_model::CollectionId;

/// Of a mailbox, whatever it is called.
// RFC 8474 section 4: letters, digits, `-` and `_`.
pub(crate) fn mailbox_id(id: CollectionId) -> String {
    format!("F{}", id.0)
}
