//! STATUS. RFC 9051 section 6.3.11.

use super::getquota::STORAGE_UNIT;
use crate::reply::{Done, Reply, bad_name};
use crate::wire::Wire;
use crate::wire::mailbox::{on_wire, path_of};
use imap_codec::imap_types::mailbox::Mailbox;
use imap_codec::imap_types::response::Data;
use imap_codec::imap_types::status::{StatusDataItem, StatusDataItemName};
use octroi_gate::{MailboxAt, MailboxStatus, Session, Status};
use std::borrow::Cow;
use std::num::NonZeroU32;

/// STATUS.
pub(crate) async fn status(wire: &mut Wire, session: &Session, mailbox: Mailbox<'_>, names: &[StatusDataItemName]) -> Done {
    let path = path_of(&mailbox).ok_or_else(bad_name)?;
    if names.is_empty() {
        return Err(Reply::bad("The command's arguments are not understood").into());
    }
    let name = path.join("/");
    let mailbox = session.open(MailboxAt(path), Status).await?;
    let status = mailbox.status()?;
    // The one that needs the messages themselves.
    let deleted_bytes = if names.contains(&StatusDataItemName::DeletedStorage) { mailbox.deleted_bytes().await? } else { 0 };
    let items: Vec<StatusDataItem> = names.iter().map(|name| value(name, &status, deleted_bytes)).collect();
    wire.data(Data::Status { mailbox: on_wire(&name), items: Cow::Owned(items) }).await?;
    Ok(Reply::ok("Done"))
}

fn value(name: &StatusDataItemName, status: &MailboxStatus, deleted_bytes: u64) -> StatusDataItem {
    let head = &status.head;
    // Both are at least 1; a 0 could only be a fault of ours.
    let not_zero = |number: u32| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
    match name {
        StatusDataItemName::Messages => StatusDataItem::Messages(head.items),
        StatusDataItemName::Recent => StatusDataItem::Recent(status.recent),
        StatusDataItemName::UidNext => StatusDataItem::UidNext(not_zero(head.uid_next.0)),
        StatusDataItemName::UidValidity => StatusDataItem::UidValidity(not_zero(status.uid_validity.0)),
        StatusDataItemName::Unseen => StatusDataItem::Unseen(head.unseen),
        StatusDataItemName::Deleted => StatusDataItem::Deleted(head.deleted),
        // RFC 9208 section 5.1: goes with STORAGE, and is told in its unit.
        StatusDataItemName::DeletedStorage => StatusDataItem::DeletedStorage(deleted_bytes.div_ceil(STORAGE_UNIT)),
    }
}
