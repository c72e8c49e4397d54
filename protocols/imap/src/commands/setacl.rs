//! SETACL. RFC 4314 section 3.1.

use crate::reply::{Done, Fault, Reply, bad_name};
use crate::wire::grammar::acl::RightsChange;
use crate::wire::mailbox::MailboxName;
use octroi_gate::{AclEdit, Identifier, MailboxAt, Session, ShareMailbox};

/// SETACL. Whom one may share with, and how much of what one has, the gate decides.
pub(crate) async fn setacl(session: &Session, mailbox: &MailboxName, identifier: &str, change: RightsChange) -> Done {
    let edit = match change {
        RightsChange::Replace(rights) => AclEdit::Set(rights),
        RightsChange::Add(rights) => AclEdit::Add(rights),
        RightsChange::Remove(rights) => AclEdit::Remove(rights),
    };
    apply(session, mailbox, identifier, edit).await
}

/// Change one entry. DELETEACL's too.
pub(super) async fn apply(session: &Session, mailbox: &MailboxName, identifier: &str, edit: AclEdit) -> Done {
    let path = mailbox.path().ok_or_else(bad_name)?;
    let who = named(identifier)?;
    let mailbox = session.open(MailboxAt(path), ShareMailbox).await?;
    if matches!(&who, Identifier::Account(address) if address.key() == mailbox.acl()?.owner.key()) {
        return Err(Reply::no("CANNOT", "The owner has every right, which cannot be changed").into());
    }
    mailbox.edit_acl(&who, edit).await?;
    Ok(Reply::ok("Done"))
}

/// Whom an identifier names. LISTRIGHTS' too.
pub(super) fn named(identifier: &str) -> Result<Identifier, Fault> {
    // RFC 4314 section 2: an identifier that begins with `-` would take rights away that others give.
    if identifier.starts_with('-') {
        return Err(Reply::no("CANNOT", "There are no negative rights here: take the rights from whoever gives them").into());
    }
    let unknown = || Reply::no("CANNOT", "Name an address, group:NAME, profile:NAME or anyone");
    Ok(Identifier::parse(identifier).ok_or_else(unknown)?)
}
