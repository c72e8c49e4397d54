//! CREATE. RFC 9051 section 6.3.4, with special uses (RFC 6154) and MAILBOXID (RFC 8474).

use crate::object_id::mailbox_id;
use crate::reply::{Done, Fault, Reply, bad_name};
use crate::wire::mailbox::MailboxName;
use imap_codec::imap_types::response::{Code, CodeOther};
use octroi_gate::{CreateMailbox, MailboxAt, NewMailboxAt, Session, Status};
use octroi_model::SpecialUse;

/// CREATE.
pub(crate) async fn create(session: &Session, mailbox: &MailboxName, uses: &[String]) -> Done {
    let path = mailbox.new_path().ok_or_else(bad_name)?;
    let special_use = special_use(uses)?;
    let place = session.open(NewMailboxAt(path.clone()), CreateMailbox).await?;
    place.create(special_use).await?;
    let reply = Reply::ok("Created");
    // Who may make it may not always look at it.
    let Ok(made) = session.open(MailboxAt(path), Status).await else { return Ok(reply) };
    let code = format!("MAILBOXID ({})", mailbox_id(made.collection_id()));
    Ok(reply.with(Code::Other(CodeOther::unvalidated(code.into_bytes()))))
}

/// The use that was asked for.
// RFC 6154 section 3: USEATTR, where it cannot be had.
fn special_use(uses: &[String]) -> Result<Option<SpecialUse>, Fault> {
    let known = |wanted: &String| SpecialUse::ALL.into_iter().find(|(_, name)| name[1..].eq_ignore_ascii_case(wanted)).map(|(one, _)| one);
    match uses {
        [] => Ok(None),
        [one] => known(one).map(Some).ok_or_else(|| Reply::no("USEATTR", "There is no such special use here").into()),
        _ => Err(Reply::no("USEATTR", "A mailbox has one special use").into()),
    }
}
