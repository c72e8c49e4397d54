//! CREATE. RFC 9051 section 6.3.4.

use crate::reply::{Done, Reply, bad_name};
use crate::wire::mailbox::MailboxName;
use octroi_gate::{CreateMailbox, NewMailboxAt, Session};

/// CREATE.
pub(crate) async fn create(session: &Session, mailbox: &MailboxName) -> Done {
    let path = mailbox.new_path().ok_or_else(bad_name)?;
    let place = session.open(NewMailboxAt(path), CreateMailbox).await?;
    place.create(None).await?;
    Ok(Reply::ok("Created"))
}
