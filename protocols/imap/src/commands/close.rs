//! CLOSE. RFC 9051 section 6.4.1.

use super::expunge::deleted;
use crate::reply::{Done, Reply};
use crate::state::{Mode, State};
use crate::view::Expunges;
use crate::wire::{Wire, encode};
use octroi_gate::{Expunge, Refusal};
use octroi_model::Rights;

/// CLOSE: expunges without telling, where that is permitted, and closes in any case.
// RFC 4314 section 4: without the right, CLOSE succeeds and removes nothing.
pub(crate) async fn close(wire: &mut Wire, state: &mut State) -> Done {
    let selected = state.selected()?;
    let may = selected.mode == Mode::Select && selected.mailbox.rights().contains(Rights::EXPUNGE | Rights::DELETE_ITEMS);
    let uids = deleted(selected, None);
    let mut reply = Reply::ok("Closed");
    if may && !uids.is_empty() {
        if wire.enabled.qresync {
            selected.announce(wire, Expunges::Told).await?;
        }
        let done = match selected.session.open(&selected.mailbox, Expunge).await {
            Ok(mailbox) => mailbox.expunge(&uids).await,
            Err(refusal) => Err(refusal),
        };
        match done {
            // RFC 7162 section 3.2.9. What others have done meanwhile is not told any more, so it must be above the modseq.
            Ok(()) if wire.enabled.qresync => {
                selected.refresh().await?;
                reply = reply.with(encode::highest_modseq(selected.sight.told_but_for(&uids)));
            }
            Ok(()) | Err(Refusal::Forbidden(_) | Refusal::Missing) => {}
            // A client takes OK to mean that the deleted messages are gone.
            Err(refusal) => return Err(refusal.into()),
        }
    }
    state.leave_mailbox();
    Ok(reply)
}
