//! UNSUBSCRIBE. RFC 9051 section 6.3.8.

use crate::reply::{Done, Reply, bad_name};
use crate::wire::mailbox::path_of;
use imap_codec::imap_types::mailbox::Mailbox;
use octroi_gate::Session;

/// UNSUBSCRIBE.
pub(crate) async fn unsubscribe(session: &Session, mailbox: &Mailbox<'_>) -> Done {
    let path = path_of(mailbox).ok_or_else(bad_name)?;
    session.subscribe(&path.join("/"), false).await?;
    Ok(Reply::ok("Done"))
}
