//! LIST, with special uses (RFC 6154) and children (RFC 3348). RFC 9051 section 6.3.9.

use crate::reply::{Done, End, Reply};
use crate::wire::Wire;
use crate::wire::grammar::mailboxes::List;
use crate::wire::mailbox::{SEPARATOR, on_wire};
use crate::wire::pattern::Pattern;
use octroi_gate::{Area, Entry, SHARED, Session};
use octroi_model::{Rights, SpecialUse};

/// LIST.
pub(crate) async fn list(wire: &mut Wire, session: &Session, list: &List) -> Done {
    let (Some(reference), Some(wildcard)) = (list.reference.text(), list.pattern.text()) else {
        return Ok(Reply::ok("No such name"));
    };
    if wildcard.is_empty() {
        send_root(wire, reference).await?;
        return Ok(Reply::ok("Done"));
    }
    let pattern = Pattern::new(&format!("{reference}{wildcard}"));
    for entry in session.tree(Area::Mail).await {
        let name = entry.path.join("/");
        let is_wanted = !list.special_use || entry.special_use.is_some();
        let Some(attributes) = attributes(&entry).filter(|_| is_wanted && pattern.matches(&name)) else { continue };
        let line = format!("* LIST ({}) \"{SEPARATOR}\" {}\r\n", attributes.join(" "), on_wire(&name, wire.enabled.utf8()));
        wire.raw(line.as_bytes()).await?;
    }
    Ok(Reply::ok("Done"))
}

/// An empty pattern asks for the separator and the root of the reference.
async fn send_root(wire: &mut Wire, reference: &str) -> Result<(), End> {
    let is_shared = reference.strip_prefix(SHARED).is_some_and(|rest| rest.starts_with(SEPARATOR));
    let root = if is_shared { format!("{SHARED}{SEPARATOR}") } else { String::new() };
    let line = format!("* LIST (\\Noselect) \"{SEPARATOR}\" {}\r\n", on_wire(&root, wire.enabled.utf8()));
    wire.raw(line.as_bytes()).await
}

/// What to show of an entry; nothing to hide it.
fn attributes(entry: &Entry) -> Option<Vec<&'static str>> {
    // A mailbox that is listed but cannot be opened makes some clients drop the account: shown only as the way to what is below it.
    let opens = entry.real && entry.rights.contains(Rights::READ);
    if !opens && !entry.children {
        return None;
    }
    let unreal: &[&'static str] = if opens { &[] } else { &["\\Noselect", "\\NonExistent"] };
    let children = if entry.children { "\\HasChildren" } else { "\\HasNoChildren" };
    let special = entry.special_use.filter(|_| opens).and_then(|wanted| SpecialUse::ALL.into_iter().find(|(used, _)| *used == wanted));
    Some(unreal.iter().copied().chain([children]).chain(special.map(|(_, name)| name)).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use octroi_model::{CollectionId, CollectionKind, Path, UidValidity};

    fn shown(real: bool, rights: &str, children: bool, special_use: Option<SpecialUse>) -> Option<String> {
        let rights = Rights::parse(rights).unwrap();
        let path = Path::parse("a", '/').unwrap();
        let entry = Entry {
            id: CollectionId(1),
            path,
            kind: CollectionKind::Mailbox,
            rights,
            real,
            special_use,
            children,
            head: None,
            uid_validity: UidValidity(1),
        };
        Some(attributes(&entry)?.join(" "))
    }

    #[test]
    fn what_cannot_be_opened_is_only_a_way() {
        assert_eq!(shown(true, "lr", false, Some(SpecialUse::Sent)).unwrap(), "\\HasNoChildren \\Sent");
        assert_eq!(shown(true, "lr", true, None).unwrap(), "\\HasChildren");
        assert_eq!(shown(false, "l", true, None).unwrap(), "\\Noselect \\NonExistent \\HasChildren");
        assert_eq!(shown(true, "li", false, None), None);
        assert_eq!(shown(true, "li", true, Some(SpecialUse::Junk)).unwrap(), "\\Noselect \\NonExistent \\HasChildren");
    }
}
