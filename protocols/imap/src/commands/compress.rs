//! COMPRESS. RFC 4978. What follows the answer is compressed both ways; that is done in `connection`, once the answer is written.
//!
//! Only after log-in: before it, a peer without a name could make us hold a compressor, and a client would pack its password together
//! with other text, whose length then tells of it. `docs/security.md` says what is left after it.

use crate::config::ImapConfig;
use crate::reply::{Fault, Reply};
use crate::wire::Wire;
use imap_codec::imap_types::extensions::compress::CompressionAlgorithm;
use octroi_gate::Session;
use octroi_net::DeflateSlot;

/// The slot that compression is to be started with.
pub(crate) fn compress(
    wire: &Wire,
    _logged_in: &Session,
    algorithm: &CompressionAlgorithm,
    config: &ImapConfig,
) -> Result<DeflateSlot, Fault> {
    match algorithm {
        CompressionAlgorithm::Deflate => {}
        // The type is open to later ones.
        _ => return Err(Reply::no("CANNOT", "DEFLATE is the only one").into()),
    }
    if wire.connection.is_deflated() {
        // RFC 4978 section 3.
        return Err(Reply::no("COMPRESSIONACTIVE", "The connection is compressed already").into());
    }
    // RFC 5530 section 3: the client goes on without.
    config.deflate.take().ok_or_else(|| Reply::no("LIMIT", "Too many connections are compressed").into())
}
