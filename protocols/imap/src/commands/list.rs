//! LIST, with special uses (RFC 6154) and children (RFC 3348). RFC 9051 section 6.3.9.

use crate::reply::{Done, End, Reply};
use crate::wire::Wire;
use crate::wire::decode::ListScope;
use crate::wire::mailbox::{self, SEPARATOR};
use crate::wire::pattern::Pattern;
use imap_codec::imap_types::core::{Atom, QuotedChar};
use imap_codec::imap_types::flag::FlagNameAttribute;
use imap_codec::imap_types::mailbox::{ListMailbox, Mailbox};
use imap_codec::imap_types::response::Data;
use octroi_gate::{Area, Entry, SHARED, Session};
use octroi_model::{Rights, SpecialUse};

/// LIST.
pub(crate) async fn list(
    wire: &mut Wire,
    session: &Session,
    reference: &Mailbox<'_>,
    wildcard: &ListMailbox<'_>,
    scope: ListScope,
) -> Done {
    let (Some(reference), Some(wildcard)) = (mailbox::name_of(reference), mailbox::pattern_of(wildcard)) else {
        return Ok(Reply::ok("No such name"));
    };
    if wildcard.is_empty() {
        send_root(wire, &reference).await?;
        return Ok(Reply::ok("Done"));
    }
    let pattern = Pattern::new(&format!("{reference}{wildcard}"));
    for entry in session.tree(Area::Mail).await {
        let name = entry.path.join("/");
        let is_wanted = scope == ListScope::All || entry.special_use.is_some();
        let Some(attributes) = attributes(&entry).filter(|_| is_wanted && pattern.matches(&name)) else { continue };
        wire.data(Data::List { items: attributes, delimiter: separator(), mailbox: mailbox::on_wire(&name) }).await?;
    }
    Ok(Reply::ok("Done"))
}

/// An empty pattern asks for the separator and the root of the reference.
async fn send_root(wire: &mut Wire, reference: &str) -> Result<(), End> {
    let is_shared = reference.strip_prefix(SHARED).is_some_and(|rest| rest.starts_with(SEPARATOR));
    let root = if is_shared { format!("{SHARED}{SEPARATOR}") } else { String::new() };
    let items = vec![FlagNameAttribute::Noselect];
    wire.data(Data::List { items, delimiter: separator(), mailbox: mailbox::on_wire(&root) }).await
}

/// What to show of an entry; nothing to hide it.
fn attributes(entry: &Entry) -> Option<Vec<FlagNameAttribute<'static>>> {
    // A mailbox that is listed but cannot be opened makes some clients drop the account: shown only as the way to what is below it.
    let opens = entry.real && entry.rights.contains(Rights::READ);
    if !opens && !entry.children {
        return None;
    }
    let unreal: &[&'static str] = if opens { &[] } else { &["NonExistent"] };
    let children = if entry.children { "HasChildren" } else { "HasNoChildren" };
    let special = entry.special_use.filter(|_| opens).and_then(|wanted| SpecialUse::ALL.into_iter().find(|(used, _)| *used == wanted));
    let special = special.map(|(_, name)| name.trim_start_matches('\\'));
    let named = unreal.iter().copied().chain([children]).chain(special);
    let mut items: Vec<_> = named.filter_map(|name| Atom::try_from(name).ok()).map(FlagNameAttribute::from).collect();
    if !opens {
        items.insert(0, FlagNameAttribute::Noselect);
    }
    Some(items)
}

/// The separator as the responses name it.
pub(crate) fn separator() -> Option<QuotedChar> {
    QuotedChar::try_from(SEPARATOR).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use octroi_model::{CollectionKind, Path, UidValidity};

    fn shown(real: bool, rights: &str, children: bool, special_use: Option<SpecialUse>) -> Option<String> {
        let rights = Rights::parse(rights).unwrap();
        let path = Path::parse("a", '/').unwrap();
        let entry =
            Entry { path, kind: CollectionKind::Mailbox, rights, real, special_use, children, head: None, uid_validity: UidValidity(1) };
        let names = attributes(&entry)?.iter().map(ToString::to_string).collect::<Vec<_>>();
        Some(names.join(" "))
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
