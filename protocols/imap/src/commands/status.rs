//! STATUS. RFC 9051 section 6.3.11.

use super::getquota::STORAGE_UNIT;
use crate::object_id::mailbox_id;
use crate::reply::{Done, Reply, bad_name};
use crate::state::State;
use crate::wire::Wire;
use crate::wire::grammar::mailboxes::StatusItem;
use crate::wire::mailbox::{MailboxName, on_wire};
use octroi_gate::{MailboxAt, MailboxStatus, Refusal, Session, Status};
use octroi_model::Path;

/// STATUS.
pub(crate) async fn status(wire: &mut Wire, state: &mut State, mailbox: &MailboxName, items: &[StatusItem]) -> Done {
    let path = mailbox.path().ok_or_else(bad_name)?;
    // RFC 7162 section 3.1: who asks for it is told modseqs from now on.
    if items.contains(&StatusItem::HighestModSeq) {
        state.enable_condstore(wire).await?;
    }
    let line = line(wire, state.session()?, path, items).await?;
    wire.raw(line.as_bytes()).await?;
    Ok(Reply::ok("Done"))
}

/// The response. LIST's too.
pub(super) async fn line(wire: &Wire, session: &Session, path: Path, items: &[StatusItem]) -> Result<String, Refusal> {
    let name = on_wire(&path.join("/"), wire.enabled.utf8());
    let mailbox = session.open(MailboxAt(path), Status).await?;
    let status = mailbox.status()?;
    // The one that needs the messages themselves.
    let deleted_bytes = if items.contains(&StatusItem::DeletedStorage) { mailbox.deleted_bytes().await? } else { 0 };
    let items: Vec<String> = items.iter().map(|item| value(*item, &status, deleted_bytes, wire.append_bytes_max())).collect();
    Ok(format!("* STATUS {name} ({})\r\n", items.join(" ")))
}

/// An item with its value.
fn value(item: StatusItem, status: &MailboxStatus, deleted_bytes: u64, append_bytes_max: u64) -> String {
    let head = &status.head;
    match item {
        StatusItem::Messages => format!("MESSAGES {}", head.items),
        StatusItem::Recent => format!("RECENT {}", status.recent),
        StatusItem::UidNext => format!("UIDNEXT {}", head.uid_next.0),
        StatusItem::UidValidity => format!("UIDVALIDITY {}", status.uid_validity.0),
        StatusItem::Unseen => format!("UNSEEN {}", head.unseen),
        StatusItem::Deleted => format!("DELETED {}", head.deleted),
        // RFC 9208 section 5.1: goes with STORAGE, and is told in its unit.
        StatusItem::DeletedStorage => format!("DELETED-STORAGE {}", deleted_bytes.div_ceil(STORAGE_UNIT)),
        StatusItem::Size => format!("SIZE {}", head.bytes),
        StatusItem::HighestModSeq => format!("HIGHESTMODSEQ {}", head.modseq.0.max(1)),
        StatusItem::MailboxId => format!("MAILBOXID ({})", mailbox_id(status.id)),
        StatusItem::AppendLimit => format!("APPENDLIMIT {append_bytes_max}"),
    }
}
