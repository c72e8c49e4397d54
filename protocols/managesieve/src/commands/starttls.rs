//! STARTTLS. RFC 5804 section 2.2. The handshake follows the reply, in `connection`; it is refused when anything stands behind the command,
//! and nothing that was said before it counts afterwards.

use crate::connection::Fault;
use crate::wire::{Reply, Wire};
use octroi_gate::Session;
use octroi_net::Acceptor;

/// What the handshake is to be done with.
pub(crate) fn starttls(wire: &Wire, session: Option<&Session>) -> Result<Acceptor, Fault> {
    if wire.connection.is_tls() || session.is_some() {
        return Err(Reply::no("TLS is on already").into());
    }
    wire.connection.starttls_acceptor().ok_or_else(|| Reply::no("TLS is not offered here").into())
}
