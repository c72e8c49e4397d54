//! ENABLE. RFC 5161: names that are not known are passed over, and nothing we offer needs enabling yet.

use crate::reply::{Done, Reply};
use crate::wire::Wire;
use imap_codec::imap_types::response::Data;
use octroi_gate::Session;

/// ENABLE.
pub(crate) async fn enable(wire: &mut Wire, _: &Session) -> Done {
    wire.data(Data::Enabled { capabilities: Vec::new() }).await?;
    Ok(Reply::ok("Done"))
}
