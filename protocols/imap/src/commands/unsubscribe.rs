//! UNSUBSCRIBE. RFC 9051 section 6.3.8.

use crate::reply::{Done, Reply, bad_name};
use crate::wire::mailbox::MailboxName;
use octroi_gate::Session;

/// UNSUBSCRIBE.
pub(crate) async fn unsubscribe(session: &Session, mailbox: &MailboxName) -> Done {
    let path = mailbox.path().ok_or_else(bad_name)?;
    session.subscribe(&path.join("/"), false).await?;
    Ok(Reply::ok("Done"))
}
