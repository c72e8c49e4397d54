//! LISTRIGHTS. RFC 4314 section 3.4.
//!
//! It looks nobody up: the answer tells what the asker could grant, and is the same whether or not there is anybody of that name.

use super::setacl::named;
use crate::reply::{Done, Reply, bad_name};
use crate::wire::acl::{astring, grantable, letters};
use crate::wire::mailbox::path_of;
use crate::wire::{Wire, utf7};
use imap_codec::imap_types::mailbox::Mailbox;
use octroi_gate::{Identifier, MailboxAt, Session, ShareMailbox};
use octroi_model::Rights;

/// LISTRIGHTS.
pub(crate) async fn listrights(wire: &mut Wire, session: &Session, mailbox: &Mailbox<'_>, identifier: &str) -> Done {
    let path = path_of(mailbox).ok_or_else(bad_name)?;
    let who = named(identifier)?;
    let name = astring(&utf7::encode(&path.join("/")));
    let facts = session.open(MailboxAt(path), ShareMailbox).await?.acl()?;
    let is_owner = matches!(&who, Identifier::Account(address) if address.key() == facts.owner.key());
    // RFC 4314 section 3.7: first what is always there, then what can be granted.
    let rights = if is_owner { letters(Rights::ALL) } else { format!("\"\"{}", grantable(facts.grantable)) };
    wire.raw(format!("* LISTRIGHTS {name} {} {rights}\r\n", astring(identifier)).as_bytes()).await?;
    Ok(Reply::ok("Done"))
}
