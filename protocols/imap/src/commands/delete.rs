//! DELETE. RFC 9051 section 6.3.5.

use crate::reply::{Done, Reply, bad_name};
use crate::state::State;
use crate::wire::mailbox::MailboxName;
use crate::wire::{Wire, encode};
use octroi_gate::{DeleteMailbox, MailboxAt};

/// DELETE. If it is the selected mailbox, no mailbox is selected afterwards.
pub(crate) async fn delete(wire: &mut Wire, state: &mut State, mailbox: &MailboxName) -> Done {
    let path = mailbox.path().ok_or_else(bad_name)?;
    let doomed = state.session()?.open(MailboxAt(path), DeleteMailbox).await?;
    doomed.delete().await?;
    if let State::Selected(selected) = state
        && selected.mailbox.collection_id() == doomed.collection_id()
    {
        // RFC 9051 section 7.1 (CLOSED).
        wire.untagged(encode::code("CLOSED"), "The selected mailbox was deleted").await?;
        state.leave_mailbox();
    }
    Ok(Reply::ok("Deleted"))
}
