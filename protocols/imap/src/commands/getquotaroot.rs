//! GETQUOTAROOT. RFC 9208 section 4.1.2: the quota roots of a mailbox, also of one that is still to be made.
//!
//! What others share counts for their own quotas, which are not told.

use super::getquota::{on_wire as root_on_wire, tell};
use crate::reply::{Done, Reply, bad_name};
use crate::wire::Wire;
use crate::wire::mailbox::{on_wire, path_of};
use imap_codec::imap_types::mailbox::Mailbox;
use imap_codec::imap_types::response::Data;
use octroi_gate::Session;

/// GETQUOTAROOT.
pub(crate) async fn getquotaroot(wire: &mut Wire, session: &Session, mailbox: &Mailbox<'_>) -> Done {
    let path = path_of(mailbox).ok_or_else(bad_name)?;
    let quotas = session.mail_quotas(&path)?;
    let roots = quotas.iter().map(|(name, _)| root_on_wire(name)).collect();
    wire.data(Data::QuotaRoot { mailbox: on_wire(&path.join("/")), roots }).await?;
    for (name, quota) in &quotas {
        tell(wire, name, quota).await?;
    }
    Ok(Reply::ok("Done"))
}
