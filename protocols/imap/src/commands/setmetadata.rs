//! SETMETADATA. RFC 5464 section 4.3: all of the entries or none.

use crate::reply::{Done, Fault, Reply, bad_name};
use crate::wire::mailbox::MailboxName;
use octroi_gate::{ANNOTATION_BYTES, ANNOTATION_BYTES_MAX, ANNOTATIONS, MailboxAt, Refusal, Session, WriteMetadata, WriteSharedMetadata};

/// SETMETADATA.
pub(crate) async fn setmetadata(session: &Session, mailbox: &MailboxName, entries: Vec<(String, Option<Vec<u8>>)>) -> Done {
    let is_shared = entries.iter().any(|(name, _)| name.to_ascii_lowercase().starts_with("/shared/"));
    let done = if mailbox.text() == Some("") {
        session.annotate_server(entries).await
    } else {
        let at = MailboxAt(mailbox.path().ok_or_else(bad_name)?);
        if is_shared {
            session.open(at, WriteSharedMetadata).await?.annotate(entries).await
        } else {
            session.open(at, WriteMetadata).await?.annotate(entries).await
        }
    };
    done.map_err(refused)?;
    Ok(Reply::ok("Done"))
}

/// The codes that RFC 5464 section 5 has for limits.
fn refused(refusal: Refusal) -> Fault {
    match refusal {
        Refusal::Limit(ANNOTATION_BYTES) => {
            Reply::no(format!("METADATA MAXSIZE {ANNOTATION_BYTES_MAX}"), "The value or the name is too long").into()
        }
        Refusal::Limit(ANNOTATIONS) => Reply::no("METADATA TOOMANY", "There are too many annotations").into(),
        Refusal::Unsupported => Reply::no("CANNOT", "That is not the name of an entry that can be set").into(),
        other => other.into(),
    }
}
