//! MOVE and UID MOVE. RFC 6851.

use super::copy::{copyuid, none_left, target};
use super::expunge::gone;
use crate::message_limit::Partial;
use crate::progress::attended;
use crate::reply::{Done, Reply};
use crate::state::{By, Selected};
use crate::wire::Wire;
use crate::wire::grammar::scan::Set;
use crate::wire::mailbox::MailboxName;
use crate::wire::numbers::{Positions, uids_at};
use imap_codec::imap_types::core::Tag;
use octroi_gate::{MoveAway, Refusal};

/// How often a move is tried again when somebody changes flags of the same messages at the same moment.
const TRIES_MAX: usize = 5;

/// MOVE, UID MOVE: the messages appear and go in one step. The caller tells what went.
pub(crate) async fn r#move(wire: &mut Wire, selected: &mut Selected, set: &Set, mailbox: &MailboxName, by: By, tag: &Tag<'_>) -> Done {
    let mut positions = selected.positions(set, by)?;
    // RFC 9738 section 3.1: unlike COPY, it may do a part.
    let partial = wire.message_limit().cut(&mut positions, selected.sight.shown());
    let done = move_at(wire, selected, (&positions, by), mailbox, tag).await;
    Partial::told(partial, wire, done).await
}

async fn move_at(
    wire: &mut Wire,
    selected: &mut Selected,
    (positions, by): (&Positions, By),
    mailbox: &MailboxName,
    tag: &Tag<'_>,
) -> Done {
    selected.writable()?;
    let source = selected.session.open(&selected.mailbox, MoveAway).await?;
    let target = target(&selected.session, mailbox).await?;
    if target.collection_id() == source.collection_id() {
        // RFC 6851 section 3.3 allows it, but the messages would come back as new ones: nobody means that.
        return Err(Reply::no("CANNOT", "The messages are in that mailbox already").into());
    }
    let uids = uids_at(positions, selected.sight.shown());
    if uids.is_empty() {
        return Ok(Reply::ok("No such messages"));
    }
    let mut tries = 1;
    let moved = loop {
        match attended(wire, tag, target.move_from(&source, &uids)).await? {
            Err(Refusal::Precondition) if tries < TRIES_MAX => tries += 1,
            done => break done?,
        }
    };
    let Some(code) = copyuid(&moved) else { return Ok(none_left(by)) };
    // RFC 6851 section 4.3: COPYUID goes before the EXPUNGEs.
    wire.untagged(code, "Moved").await?;
    gone(wire, selected, Reply::ok("Moved")).await
}
