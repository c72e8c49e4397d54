//! GETSCRIPT. RFC 5804 section 2.9.

use crate::connection::Done;
use crate::wire::{Reply, Wire};
use octroi_gate::Session;

/// GETSCRIPT: as a literal, octet for octet.
pub(crate) async fn getscript(wire: &mut Wire, session: &Session, name: &str) -> Done {
    let script = session.script(name).await?;
    wire.raw(format!("{{{}}}\r\n", script.len()).as_bytes()).await?;
    wire.raw(&script).await?;
    wire.raw(b"\r\n").await?;
    Ok(Reply::ok("Sent"))
}
