//! MYRIGHTS. RFC 4314 section 3.5.

use crate::reply::{Done, Reply, bad_name};
use crate::wire::Wire;
use crate::wire::grammar::acl::letters;
use crate::wire::grammar::scan::astring;
use crate::wire::mailbox::{MailboxName, on_wire};
use octroi_gate::{Area, MailboxAt, Refusal, Session, Status};
use octroi_model::{Path, Rights};

/// MYRIGHTS: what is in force, of the ACL, the profile and the credential together.
pub(crate) async fn myrights(wire: &mut Wire, session: &Session, mailbox: &MailboxName) -> Done {
    let path = mailbox.path().ok_or_else(bad_name)?;
    let name = on_wire(&path.join("/"), wire.enabled.utf8());
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
