//! DELETEACL. RFC 4314 section 3.2.

use super::setacl::apply;
use crate::reply::Done;
use crate::wire::mailbox::MailboxName;
use octroi_gate::{AclEdit, Session};

/// DELETEACL. Whose entry was inherited loses it here and not further up.
pub(crate) async fn deleteacl(session: &Session, mailbox: &MailboxName, identifier: &str) -> Done {
    apply(session, mailbox, identifier, AclEdit::Delete).await
}
