//! LOGOUT. RFC 9051 section 6.1.3. The dispatch closes the connection after the reply.

use crate::reply::{Done, Reply};
use crate::wire::{Wire, encode};

/// LOGOUT.
pub(crate) async fn logout(wire: &mut Wire) -> Done {
    wire.raw(&encode::bye(None, "Until later")).await?;
    Ok(Reply::ok("Logged out"))
}
