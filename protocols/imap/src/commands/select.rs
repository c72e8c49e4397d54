//! SELECT and EXAMINE, which differ in what may be done afterwards only. RFC 9051 sections 6.3.2 and 6.3.3.

use super::list;
use crate::columns::fill_later;
use crate::object_id::mailbox_id;
use crate::reply::{Done, Reply, bad_name, uid_required};
use crate::resync;
use crate::state::{Mode, Selected, State};
use crate::wire::grammar::opening::Opening;
use crate::wire::mailbox::{MailboxName, SEPARATOR, on_wire};
use crate::wire::{Wire, encode};
use imap_codec::imap_types::response::Code;
use octroi_gate::{MailboxAt, Select};
use octroi_model::{Flags, Rights};

/// SELECT, EXAMINE.
pub(crate) async fn select(wire: &mut Wire, state: &mut State, mailbox: &MailboxName, mode: Mode, how: &Opening) -> Done {
    let path = mailbox.path();
    let session = state.session()?.clone();
    if let Some(remembered) = &how.resync {
        // RFC 7162 section 3.2.5.
        if !wire.enabled.qresync {
            return Err(Reply::bad("Enable QRESYNC first").into());
        }
        // RFC 9586 section 3.8.
        if remembered.has_numbers && wire.enabled.uid_only {
            return Err(uid_required());
        }
    }
    // RFC 9051 section 6.3.2: the old mailbox is closed first, also when the new one cannot be opened.
    if matches!(state, State::Selected(_)) {
        wire.untagged(encode::code("CLOSED"), "The previous mailbox is closed").await?;
        state.leave_mailbox();
    }
    let path = path.ok_or_else(bad_name)?;
    let name = path.join("/");
    let mailbox = session.open(MailboxAt(path), Select).await?;
    wire.enabled.condstore |= how.condstore;
    let mut selected = Selected::open(&session, mailbox, mode, wire.enabled).await?;
    describe(wire, &mut selected).await?;
    if wire.enabled.rev2 {
        // RFC 9051 section 6.3.2: always. What an ACL hides from lists and lets one open all the same has no attributes.
        let line = list::line_of(wire, &session, &name).await;
        let line = line.unwrap_or_else(|| format!("* LIST () \"{SEPARATOR}\" {}\r\n", on_wire(&name, wire.enabled.utf8())));
        wire.raw(line.as_bytes()).await?;
    }
    if let Some(remembered) = &how.resync {
        resync::catch_up(wire, &selected, remembered).await?;
    }
    fill_later(selected.sight.shown());
    let reply =
        if is_read_only(&selected) { Reply::ok("Opened to look").with(Code::ReadOnly) } else { Reply::ok("Opened").with(Code::ReadWrite) };
    *state = State::Selected(Box::new(selected));
    Ok(reply)
}

async fn describe(wire: &mut Wire, selected: &mut Selected) -> Result<(), crate::reply::End> {
    selected.send_flags(wire).await?;
    selected.send_counts(wire).await?;
    let view = selected.sight.shown();
    // Of IMAP4rev1 only, and a message number.
    let tells_unseen = !wire.enabled.rev2 && !wire.enabled.uid_only;
    if tells_unseen && let Some(first) = view.items().position(|item| !item.flags.contains(Flags::SEEN)) {
        let code = Code::unseen(first as u32 + 1).unwrap_or(Code::Parse);
        wire.untagged(code, "The first message not seen").await?;
    }
    selected.send_permanent_flags(wire).await?;
    let view = selected.sight.shown();
    let next = Code::uidnext(view.head().uid_next.0.max(1)).unwrap_or(Code::Parse);
    let validity = Code::uidvalidity(view.uid_validity().0.max(1)).unwrap_or(Code::Parse);
    // RFC 8474 section 4.
    let id = encode::code(format!("MAILBOXID ({})", mailbox_id(selected.mailbox.collection_id())));
    wire.untagged(id, "The mailbox, whatever it is called").await?;
    wire.untagged(next, "The next uid").await?;
    wire.untagged(validity, "Uids are valid").await?;
    // RFC 7162 section 3.1.2.1.
    wire.untagged(encode::highest_modseq(selected.sight.told()), "The highest modseq").await
}

/// Nothing can be changed here, and it is to be called so.
// RFC 4314 section 5.2: none of the rights to insert, to expunge and to change flags.
fn is_read_only(selected: &Selected) -> bool {
    let changes = Rights::INSERT | Rights::EXPUNGE | Rights::SEEN | Rights::WRITE | Rights::DELETE_ITEMS;
    // Python's imaplib raises on READ-ONLY when it did not ask for it: profiles say which.
    selected.mode == Mode::Examine || !(selected.mailbox.rights().intersects(changes) || selected.session.is_mild_about_read_only())
}
