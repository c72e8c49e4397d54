//! STATUS. RFC 9051 section 6.3.11.

use super::getquota::STORAGE_UNIT;
use crate::reply::{Done, Reply, bad_name};
use crate::wire::Wire;
use crate::wire::mailbox::{MailboxName, on_wire};
use imap_codec::imap_types::status::StatusDataItemName;
use octroi_gate::{MailboxAt, MailboxStatus, Session, Status};

/// STATUS.
pub(crate) async fn status(wire: &mut Wire, session: &Session, mailbox: &MailboxName, names: &[StatusDataItemName]) -> Done {
    let path = mailbox.path().ok_or_else(bad_name)?;
    let name = path.join("/");
    let mailbox = session.open(MailboxAt(path), Status).await?;
    let status = mailbox.status()?;
    // The one that needs the messages themselves.
    let deleted_bytes = if names.contains(&StatusDataItemName::DeletedStorage) { mailbox.deleted_bytes().await? } else { 0 };
    let items: Vec<String> = names.iter().map(|name| value(name, &status, deleted_bytes)).collect();
    let line = format!("* STATUS {} ({})\r\n", on_wire(&name, wire.enabled.utf8()), items.join(" "));
    wire.raw(line.as_bytes()).await?;
    Ok(Reply::ok("Done"))
}

/// An item with its value.
fn value(name: &StatusDataItemName, status: &MailboxStatus, deleted_bytes: u64) -> String {
    let head = &status.head;
    match name {
        StatusDataItemName::Messages => format!("MESSAGES {}", head.items),
        StatusDataItemName::Recent => format!("RECENT {}", status.recent),
        StatusDataItemName::UidNext => format!("UIDNEXT {}", head.uid_next.0),
        StatusDataItemName::UidValidity => format!("UIDVALIDITY {}", status.uid_validity.0),
        StatusDataItemName::Unseen => format!("UNSEEN {}", head.unseen),
        StatusDataItemName::Deleted => format!("DELETED {}", head.deleted),
        // RFC 9208 section 5.1: goes with STORAGE, and is told in its unit.
        StatusDataItemName::DeletedStorage => format!("DELETED-STORAGE {}", deleted_bytes.div_ceil(STORAGE_UNIT)),
    }
}
