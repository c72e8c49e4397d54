//! NAMESPACE. RFC 2342: one's own mailboxes are at the top, those of others below `Shared/`.

use crate::reply::{Done, Reply};
use crate::wire::Wire;
use octroi_gate::Session;

/// NAMESPACE.
pub(crate) async fn namespace(wire: &mut Wire, _: &Session) -> Done {
    wire.raw(b"* NAMESPACE ((\"\" \"/\")) ((\"Shared/\" \"/\")) NIL\r\n").await?;
    Ok(Reply::ok("Done"))
}
