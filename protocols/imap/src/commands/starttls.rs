//! STARTTLS. RFC 9051 section 6.2.1. The handshake follows the reply, in `connection`; it is refused when anything stands behind
//! the command's line, and nothing that was said before it counts afterwards.

use crate::reply::{Fault, Reply};
use crate::wire::Wire;
use octroi_net::Acceptor;

/// What the handshake is to be done with.
pub(crate) fn starttls(wire: &Wire) -> Result<Acceptor, Fault> {
    if wire.connection.is_tls() {
        return Err(Reply::bad("TLS is on already").into());
    }
    wire.connection.starttls_acceptor().ok_or_else(|| Reply::no("CANNOT", "TLS is not offered here").into())
}
