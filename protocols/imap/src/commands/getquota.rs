//! GETQUOTA. RFC 9208 section 4.1.1: usage and limits of one quota root.

use crate::reply::{Done, Reply};
use crate::wire::Wire;
use crate::wire::mailbox::{MailboxName, on_wire};
use imap_codec::imap_types::core::AString;
use octroi_gate::Session;
use octroi_model::Quota;

/// RFC 9208 section 5.1: STORAGE is in units of 1024 octets.
pub(crate) const STORAGE_UNIT: u64 = 1024;

/// GETQUOTA.
pub(crate) async fn getquota(wire: &mut Wire, session: &Session, root: &AString<'_>) -> Done {
    // A name that is not valid is one that no root has.
    let root = MailboxName::read(root.as_ref(), wire.enabled.utf8());
    let name = root.text().ok_or_else(|| Reply::no("NONEXISTENT", "There is no such quota root"))?;
    let quota = session.mail_quota(name).map_err(|_| Reply::no("NONEXISTENT", "There is no such quota root"))?;
    tell(wire, name, &quota).await?;
    Ok(Reply::ok("Done"))
}

/// The QUOTA response. GETQUOTAROOT's too.
pub(crate) async fn tell(wire: &mut Wire, name: &str, quota: &Quota) -> Result<(), crate::reply::End> {
    let storage = format!("STORAGE {} {}", quota.used.bytes.div_ceil(STORAGE_UNIT), quota.limit.bytes / STORAGE_UNIT);
    let messages = quota.limit.items.map(|max| format!(" MESSAGE {} {max}", quota.used.items)).unwrap_or_default();
    let line = format!("* QUOTA {} ({storage}{messages})\r\n", on_wire(name, wire.enabled.utf8()));
    wire.raw(line.as_bytes()).await
}
