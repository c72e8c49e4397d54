//! GETACL. RFC 4314 section 3.3.

use crate::reply::{Done, Reply, bad_name};
use crate::wire::acl::{astring, letters};
use crate::wire::mailbox::path_of;
use crate::wire::{Wire, utf7};
use imap_codec::imap_types::mailbox::Mailbox;
use octroi_gate::{Identifier, MailboxAt, Session, ShareMailbox};
use octroi_model::Rights;

/// GETACL. The owner, who stands in no list and has every right, comes first.
pub(crate) async fn getacl(wire: &mut Wire, session: &Session, mailbox: &Mailbox<'_>) -> Done {
    let path = path_of(mailbox).ok_or_else(bad_name)?;
    let name = astring(&utf7::encode(&path.join("/")));
    let facts = session.open(MailboxAt(path), ShareMailbox).await?.acl()?;
    let owner = Identifier::Account(facts.owner);
    let others = facts.entries.iter().filter(|(who, _)| *who != owner).map(|(who, rights)| (who, *rights));
    // RFC 4314 section 3.6.
    let entries = std::iter::once((&owner, Rights::ALL)).chain(others);
    let told: String = entries.map(|(who, rights)| format!(" {} {}", astring(&who.to_string()), astring(&letters(rights)))).collect();
    wire.raw(format!("* ACL {name}{told}\r\n").as_bytes()).await?;
    Ok(Reply::ok("Done"))
}
