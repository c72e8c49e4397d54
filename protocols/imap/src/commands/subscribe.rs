//! SUBSCRIBE. RFC 9051 section 6.3.7. The name need not exist, so the answer tells nothing about it.

use crate::reply::{Done, Reply, bad_name};
use crate::wire::mailbox::MailboxName;
use octroi_gate::Session;

/// SUBSCRIBE.
pub(crate) async fn subscribe(session: &Session, mailbox: &MailboxName) -> Done {
    let path = mailbox.path().ok_or_else(bad_name)?;
    session.subscribe(&path.join("/"), true).await?;
    Ok(Reply::ok("Done"))
}
