//! GETACL. RFC 4314 section 3.3.

use crate::reply::{Done, Reply, bad_name};
use crate::wire::Wire;
use crate::wire::grammar::acl::letters;
use crate::wire::grammar::scan::astring;
use crate::wire::mailbox::{MailboxName, on_wire};
use octroi_gate::{Identifier, MailboxAt, Session, ShareMailbox};
use octroi_model::Rights;

/// GETACL. The owner, who stands in no list and has every right, comes first.
pub(crate) async fn getacl(wire: &mut Wire, session: &Session, mailbox: &MailboxName) -> Done {
    let path = mailbox.path().ok_or_else(bad_name)?;
    let name = on_wire(&path.join("/"), wire.enabled.utf8());
    let facts = session.open(MailboxAt(path), ShareMailbox).await?.acl()?;
    let owner = Identifier::Account(facts.owner);
    let others = facts.entries.iter().filter(|(who, _)| *who != owner).map(|(who, rights)| (who, *rights));
    // RFC 4314 section 3.6.
    let entries = std::iter::once((&owner, Rights::ALL)).chain(others);
    let told: String = entries.map(|(who, rights)| format!(" {} {}", astring(&who.to_string()), astring(&letters(rights)))).collect();
    wire.raw(format!("* ACL {name}{told}\r\n").as_bytes()).await?;
    Ok(Reply::ok("Done"))
}
