//! UNSELECT: CLOSE without expunging. RFC 3691.

use crate::reply::{Done, Reply};
use crate::state::State;

/// UNSELECT.
pub(crate) fn unselect(state: &mut State) -> Done {
    state.selected()?;
    state.leave_mailbox();
    Ok(Reply::ok("Closed"))
}
