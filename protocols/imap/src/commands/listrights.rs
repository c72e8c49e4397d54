//! LISTRIGHTS. RFC 4314 section 3.4.
//!
//! It looks nobody up: the answer tells what the asker could grant, and is the same whether or not there is anybody of that name.

use super::setacl::named;
use crate::reply::{Done, Reply, bad_name};
use crate::wire::Wire;
use crate::wire::grammar::acl::{grantable, letters};
use crate::wire::grammar::scan::astring;
use crate::wire::mailbox::{MailboxName, on_wire};
use octroi_gate::{Identifier, MailboxAt, Session, ShareMailbox};
use octroi_model::Rights;

/// LISTRIGHTS.
pub(crate) async fn listrights(wire: &mut Wire, session: &Session, mailbox: &MailboxName, identifier: &str) -> Done {
    let path = mailbox.path().ok_or_else(bad_name)?;
    let who = named(identifier)?;
    let name = on_wire(&path.join("/"), wire.enabled.utf8());
    let facts = session.open(MailboxAt(path), ShareMailbox).await?.acl()?;
    let is_owner = matches!(&who, Identifier::Account(address) if address.key() == facts.owner.key());
    // RFC 4314 section 3.7: first what is always there, then what can be granted.
    let rights = if is_owner { letters(Rights::ALL) } else { format!("\"\"{}", grantable(facts.grantable)) };
    wire.raw(format!("* LISTRIGHTS {name} {} {rights}\r\n", astring(identifier)).as_bytes()).await?;
    Ok(Reply::ok("Done"))
}
