//! GETQUOTAROOT. RFC 9208 section 4.1.2: the quota roots of a mailbox, also of one that is still to be made.
//!
//! What others share counts for their own quotas, which are not told.

use super::getquota::tell;
use crate::reply::{Done, Reply, bad_name};
use crate::wire::Wire;
use crate::wire::mailbox::{MailboxName, on_wire};
use octroi_gate::Session;

/// GETQUOTAROOT.
pub(crate) async fn getquotaroot(wire: &mut Wire, session: &Session, mailbox: &MailboxName) -> Done {
    let path = mailbox.path().ok_or_else(bad_name)?;
    let quotas = session.mail_quotas(&path)?;
    let roots: String = quotas.iter().map(|(name, _)| format!(" {}", on_wire(name, wire.enabled.utf8()))).collect();
    let line = format!("* QUOTAROOT {}{roots}\r\n", on_wire(&path.join("/"), wire.enabled.utf8()));
    wire.raw(line.as_bytes()).await?;
    for (name, quota) in &quotas {
        tell(wire, name, quota).await?;
    }
    Ok(Reply::ok("Done"))
}
