//! UNAUTHENTICATE. RFC 8437: the log-in ends, and the connection stays for another.

use crate::reply::{Done, Reply};
use crate::state::{State, Visitor};
use crate::wire::{Trust, Wire};

/// UNAUTHENTICATE: nothing of the session is left, and nothing that it had enabled.
pub(crate) fn unauthenticate(wire: &mut Wire, state: &mut State) -> Done {
    state.session()?;
    // RFC 8437 section 4.1: compression would have to end right behind the command, and what a client has sent behind that cannot be told
    // from what it has compressed. So it is not offered while there is any (section 3: BAD then).
    if wire.connection.is_deflated() {
        return Err(Reply::bad("Not while the connection is compressed").into());
    }
    *state = State::NotAuthenticated(Visitor::default());
    wire.enabled = crate::wire::Enabled::default();
    // RFC 8437 section 3: what was offered to a member is not what is offered now.
    Ok(Reply::ok("Logged out; log in again").with(super::capability::code(wire, Trust::Anyone)))
}
