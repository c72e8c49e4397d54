//! RENAME. RFC 9051 section 6.3.6.

use crate::reply::{Done, Reply, bad_name};
use crate::wire::mailbox::{new_path_of, path_of};
use imap_codec::imap_types::mailbox::Mailbox;
use octroi_gate::{CreateMailbox, MailboxAt, NewMailboxAt, RenameMailbox, Session};

/// RENAME.
pub(crate) async fn rename(session: &Session, from: &Mailbox<'_>, to: &Mailbox<'_>) -> Done {
    let from = path_of(from).ok_or_else(bad_name)?;
    let to = new_path_of(to).ok_or_else(bad_name)?;
    let mailbox = session.open(MailboxAt(from), RenameMailbox).await?;
    let place = session.open(NewMailboxAt(to), CreateMailbox).await?;
    mailbox.rename(&place).await?;
    Ok(Reply::ok("Renamed"))
}
