//! CREATE. RFC 9051 section 6.3.4, with special uses (RFC 6154) and MAILBOXID (RFC 8474).

use crate::object_id::mailbox_id;
use crate::reply::{Done, Fault, Reply, bad_name};
use crate::wire::encode;
use crate::wire::mailbox::MailboxName;
use octroi_gate::{CreateMailbox, NewMailboxAt, Refusal, Session};
use octroi_model::SpecialUse;

/// CREATE.
pub(crate) async fn create(session: &Session, mailbox: &MailboxName, uses: &[String]) -> Done {
    let path = mailbox.new_path().ok_or_else(bad_name)?;
    let special_use = special_use(uses)?;
    let place = session.open(NewMailboxAt(path), CreateMailbox).await?;
    let made = place.create(special_use).await.map_err(|refusal| match refusal {
        Refusal::Unsupported if special_use.is_some() => Reply::no("USEATTR", "Only one's own mailboxes can be given a special use").into(),
        other => Fault::Refused(other),
    })?;
    // RFC 8474 section 4.1.
    Ok(Reply::ok("Created").with(encode::code(format!("MAILBOXID ({})", mailbox_id(made)))))
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
