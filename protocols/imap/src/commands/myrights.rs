//! MYRIGHTS. RFC 4314 section 3.5.

use crate::reply::{Done, Reply, bad_name};
use crate::wire::acl::{astring, letters};
use crate::wire::mailbox::path_of;
use crate::wire::{Wire, utf7};
use imap_codec::imap_types::mailbox::Mailbox;
use octroi_gate::{Area, MailboxAt, Refusal, Session, Status};
use octroi_model::{Path, Rights};

/// MYRIGHTS: what is in force, of the ACL, the profile and the credential together.
pub(crate) async fn myrights(wire: &mut Wire, session: &Session, mailbox: &Mailbox<'_>) -> Done {
    let path = path_of(mailbox).ok_or_else(bad_name)?;
    let name = astring(&utf7::encode(&path.join("/")));
    let rights = rights_on(session, path).await?;
    wire.raw(format!("* MYRIGHTS {name} {}\r\n", astring(&letters(rights))).as_bytes()).await?;
    Ok(Reply::ok("Done"))
}

/// Without `l` there is no such mailbox.
// RFC 4314 section 4: any of the rights is enough; section 6: nothing may tell that it exists to whom lacks `l`.
async fn rights_on(session: &Session, path: Path) -> Result<Rights, Refusal> {
    match session.open(MailboxAt(path.clone()), Status).await {
        Ok(mailbox) => Ok(mailbox.rights()),
        // Listed, and not to be read: no purpose needs `l` alone, so it is looked for in the list.
        Err(Refusal::Forbidden(_)) => {
            let tree = session.tree(Area::Mail).await;
            let entry = tree.iter().find(|entry| entry.path == path && entry.rights.contains(Rights::LOOKUP));
            entry.map(|entry| entry.rights).ok_or(Refusal::Missing)
        }
        Err(other) => Err(other),
    }
}
