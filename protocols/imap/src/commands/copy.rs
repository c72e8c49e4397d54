//! COPY and UID COPY. RFC 9051 section 6.4.7, with COPYUID (RFC 4315).

use crate::progress::attended;
use crate::refusal::as_target;
use crate::reply::{Done, Fault, Reply, bad_name};
use crate::state::{By, Selected};
use crate::wire::Wire;
use crate::wire::grammar::scan::Set;
use crate::wire::mailbox::MailboxName;
use crate::wire::numbers::{runs, uids_at};
use imap_codec::imap_types::core::{Tag, Vec1};
use imap_codec::imap_types::extensions::uidplus::{UidElement, UidSet as WireUids};
use imap_codec::imap_types::response::Code;
use octroi_gate::{Append, Copied, Granted, Mailbox as MailboxObject, MailboxAt, Session};
use octroi_model::Uid;
use std::num::NonZeroU32;

/// COPY, UID COPY: all of the messages or none.
pub(crate) async fn copy(wire: &mut Wire, selected: &mut Selected, set: &Set, mailbox: &MailboxName, by: By, tag: &Tag<'_>) -> Done {
    let positions = selected.positions(set, by)?;
    wire.message_limit().admit(&positions, selected.sight.shown())?;
    let target = target(&selected.session, mailbox).await?;
    let uids = uids_at(&positions, selected.sight.shown());
    if uids.is_empty() {
        return Ok(Reply::ok("No such messages"));
    }
    let copied = attended(wire, tag, target.copy_from(selected.sight.current(), &uids)).await??;
    Ok(match copyuid(&copied) {
        Some(code) => Reply::ok("Copied").with(code),
        None => none_left(by),
    })
}

/// The reply when all of the messages have been expunged by somebody else. MOVE's too.
// RFC 5530 section 3; RFC 9051 section 6.4.9: a uid that is not there is passed over.
pub(crate) fn none_left(by: By) -> Reply {
    match by {
        By::Number => Reply::no("EXPUNGEISSUED", "Somebody else has expunged them"),
        By::Uid => Reply::ok("No such messages"),
    }
}

/// The mailbox that messages are to go to. MOVE's too.
pub(crate) async fn target(session: &Session, mailbox: &MailboxName) -> Result<Granted<MailboxObject, Append>, Fault> {
    let path = mailbox.path().ok_or_else(bad_name)?;
    session.open(MailboxAt(path), Append).await.map_err(as_target)
}

/// COPYUID, unless nothing was copied. MOVE's too.
pub(crate) fn copyuid(copied: &Copied) -> Option<Code<'static>> {
    let uid_validity = NonZeroU32::new(copied.uid_validity.0)?;
    Some(Code::CopyUid { uid_validity, source: in_ranges(&copied.from)?, destination: in_ranges(&copied.to)? })
}

/// Uids in their order, runs of neighbours as ranges: the two sets of COPYUID correspond element by element.
fn in_ranges(uids: &[Uid]) -> Option<WireUids> {
    let element = |(low, high): (u32, u32)| {
        let (low, high) = (NonZeroU32::new(low)?, NonZeroU32::new(high)?);
        Some(if low == high { UidElement::Single(low) } else { UidElement::Range(low, high) })
    };
    let elements = runs(uids.iter().map(|uid| uid.0)).map(element).collect::<Option<Vec<_>>>()?;
    Vec1::try_from(elements).ok().map(WireUids)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::wire::encode;
    use octroi_model::UidValidity;

    #[test]
    fn both_sets_keep_their_order() {
        let uids = |numbers: &[u32]| numbers.iter().copied().map(Uid).collect();
        let copied = Copied { uid_validity: UidValidity(9), from: uids(&[3, 4, 5, 9]), to: uids(&[20, 21, 22, 23]) };
        assert_eq!(encode::untagged(copyuid(&copied).unwrap(), "x"), b"* OK [COPYUID 9 3:5,9 20:23] x\r\n");
        assert!(copyuid(&Copied { from: vec![], to: vec![], ..copied }).is_none());
    }
}
