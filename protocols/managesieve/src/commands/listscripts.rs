//! LISTSCRIPTS. RFC 5804 section 2.7.

use crate::connection::Done;
use crate::wire::{Reply, Wire, quoted};
use octroi_gate::Session;

/// LISTSCRIPTS.
pub(crate) async fn listscripts(wire: &mut Wire, session: &Session) -> Done {
    for script in session.scripts().await? {
        let mut line = quoted(&script.name);
        line.extend_from_slice(if script.active { b" ACTIVE\r\n" } else { b"\r\n" });
        wire.raw(&line).await?;
    }
    Ok(Reply::ok("Listed"))
}
