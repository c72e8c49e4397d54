//! RENAME. RFC 9051 section 6.3.6.

use crate::reply::{Done, Reply, bad_name};
use crate::wire::mailbox::MailboxName;
use octroi_gate::{CreateMailbox, MailboxAt, NewMailboxAt, RenameMailbox, Session};

/// RENAME.
pub(crate) async fn rename(session: &Session, from: &MailboxName, to: &MailboxName) -> Done {
    let from = from.path().ok_or_else(bad_name)?;
    let to = to.new_path().ok_or_else(bad_name)?;
    let mailbox = session.open(MailboxAt(from), RenameMailbox).await?;
    let place = session.open(NewMailboxAt(to), CreateMailbox).await?;
    mailbox.rename(&place).await?;
    Ok(Reply::ok("Renamed"))
}
