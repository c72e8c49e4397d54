//! EXPUNGE and UID EXPUNGE. RFC 9051 sections 6.4.3 and 6.4.9.

use crate::message_limit::Partial;
use crate::reply::{Done, Reply};
use crate::state::{By, Selected};
use crate::view::Expunges;
use crate::wire::grammar::scan::Set;
use crate::wire::numbers::uids_at;
use crate::wire::{Wire, encode};
use octroi_gate::Expunge;
use octroi_model::{Flags, UidSet};

/// EXPUNGE; with a set of uids, UID EXPUNGE. The caller tells what went.
pub(crate) async fn expunge(wire: &mut Wire, selected: &mut Selected, set: Option<&Set>) -> Done {
    let within = set.map(|set| selected.positions(set, By::Uid)).transpose()?;
    selected.writable()?;
    let mailbox = selected.session.open(&selected.mailbox, Expunge).await?;
    let within = within.map(|positions| uids_at(&positions, selected.sight.shown()));
    let mut uids = deleted(selected, within.as_ref());
    // RFC 9738 section 3.1: EXPUNGE itself has no limit.
    let partial = within.and_then(|_| wire.message_limit().cut_uids(&mut uids));
    if uids.is_empty() {
        return Ok(Reply::ok("Expunged"));
    }
    mailbox.expunge(&uids).await?;
    let done = gone(wire, selected, Reply::ok("Expunged")).await;
    Partial::told(partial, wire, done).await
}

/// The reply to a command that has removed messages of this mailbox. MOVE's too.
// RFC 7162 sections 3.2.7 and 3.2.8: with the modseq, below which everything has been told.
pub(crate) async fn gone(wire: &mut Wire, selected: &mut Selected, reply: Reply) -> Done {
    if !wire.enabled.qresync {
        return Ok(reply);
    }
    selected.refresh().await?;
    selected.announce(wire, Expunges::Told).await?;
    Ok(reply.with(encode::highest_modseq(selected.sight.told())))
}

/// The messages marked `\Deleted`, of all or of these.
pub(crate) fn deleted(selected: &Selected, within: Option<&UidSet>) -> UidSet {
    let marked = selected.sight.current().items().filter(|item| item.flags.contains(Flags::DELETED));
    UidSet::from_uids(marked.map(|item| item.uid).filter(|uid| within.is_none_or(|set| set.contains(*uid))))
}
