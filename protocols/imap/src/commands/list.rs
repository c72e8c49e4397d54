//! LIST, with RFC 5258, special uses (RFC 6154), STATUS (RFC 5819), MYRIGHTS (RFC 8440) and METADATA (RFC 9590). RFC 9051 section 6.3.9.
//!
//! A subscribed name that one may not see is answered as one that does not exist.

use super::getmetadata;
use super::status;
use crate::reply::{Done, End, Fault, Reply};
use crate::state::State;
use crate::wire::Wire;
use crate::wire::grammar::acl::letters;
use crate::wire::grammar::mailboxes::{List, StatusItem, Telling};
use crate::wire::grammar::scan::astring;
use crate::wire::mailbox::{SEPARATOR, on_wire};
use crate::wire::pattern::Pattern;
use octroi_gate::{Area, Entry, SHARED, Session};
use octroi_model::{Rights, SpecialUse};
use std::collections::{BTreeMap, BTreeSet};

/// LIST.
pub(crate) async fn list(wire: &mut Wire, state: &mut State, list: &List) -> Done {
    if list.tell.status.contains(&StatusItem::HighestModSeq) {
        state.enable_condstore(wire).await?;
    }
    let session = state.session()?;
    let Some(reference) = list.reference.text() else { return Ok(Reply::ok("No such name")) };
    let wildcards: Vec<&str> = list.patterns.iter().filter_map(|pattern| pattern.text()).collect();
    if !list.is_extended && wildcards == [""] {
        send_root(wire, reference).await?;
        return Ok(Reply::ok("Done"));
    }
    let patterns: Vec<Pattern> =
        wildcards.iter().filter(|one| !one.is_empty()).map(|wildcard| Pattern::new(&format!("{reference}{wildcard}"))).collect();
    let found = Tree::look(session, list).await;
    for (name, shown) in found.matching(list, &patterns) {
        let told = shown.attributes.join(" ");
        let above = shown.above.map(|what| format!(" (\"CHILDINFO\" ({what}))")).unwrap_or_default();
        let line = format!("* LIST ({told}) \"{SEPARATOR}\" {}{above}\r\n", on_wire(name, wire.enabled.utf8()));
        wire.raw(line.as_bytes()).await?;
        if let Some(entry) = found.entries.get(name).filter(|entry| opens(entry)) {
            more(wire, session, entry, list).await?;
        }
    }
    Ok(Reply::ok("Done"))
}

/// The response about one mailbox, with all its attributes; nothing if it is not to be seen. SELECT's.
// RFC 9051 section 6.3.2.
pub(super) async fn line_of(wire: &Wire, session: &Session, name: &str) -> Option<String> {
    let list = List { tell: Telling { subscribed: true, ..Telling::default() }, ..List::default() };
    let tree = Tree::look(session, &list).await;
    let shown = tree.shown(name, &list, &BTreeSet::new())?;
    Some(format!("* LIST ({}) \"{SEPARATOR}\" {}\r\n", shown.attributes.join(" "), on_wire(name, wire.enabled.utf8())))
}

/// What else was asked of a mailbox that can be opened. One that has gone meanwhile has nothing.
async fn more(wire: &mut Wire, session: &Session, entry: &Entry, list: &List) -> Result<(), Fault> {
    if !list.tell.status.is_empty()
        && let Ok(line) = status::line(wire, session, entry.path.clone(), &list.tell.status).await
    {
        wire.raw(line.as_bytes()).await?;
    }
    let name = on_wire(&entry.path.join("/"), wire.enabled.utf8());
    if list.tell.my_rights {
        wire.raw(format!("* MYRIGHTS {name} {}\r\n", astring(&letters(entry.rights))).as_bytes()).await?;
    }
    if !list.tell.metadata.is_empty()
        && let Ok(all) = getmetadata::of_mailbox(session, entry.path.clone()).await
    {
        wire.raw(&getmetadata::response(&name, &list.tell.metadata, &all)).await?;
    }
    Ok(())
}

/// The names that there are.
struct Tree {
    entries: BTreeMap<String, Entry>,
    subscriptions: BTreeSet<String>,
}

/// What to show of a name.
struct Shown {
    attributes: Vec<&'static str>,
    /// What is below it and was selected, as CHILDINFO names it.
    above: Option<&'static str>,
}

impl Tree {
    async fn look(session: &Session, list: &List) -> Self {
        let entries = session.tree(Area::Mail).await.into_iter().map(|entry| (entry.path.join("/"), entry)).collect();
        let asks = list.select.subscribed || list.tell.subscribed;
        let subscriptions = if asks { session.subscriptions().into_iter().collect() } else { BTreeSet::new() };
        Self::new(entries, subscriptions)
    }

    fn new(mut entries: BTreeMap<String, Entry>, subscriptions: BTreeSet<String>) -> Self {
        // What may be known of and not be opened is not shown, so it is nobody's child; else its parents would be ways to nothing.
        // From the last to the first: what is below a name stands behind it.
        let mut parents: BTreeSet<String> = BTreeSet::new();
        for (name, entry) in entries.iter_mut().rev() {
            entry.children = parents.contains(name);
            if let Some((parent, _)) = name.rsplit_once(SEPARATOR).filter(|_| opens(entry) || entry.children) {
                parents.insert(parent.to_owned());
            }
        }
        Self { entries, subscriptions }
    }

    /// The names to show, in their order.
    fn matching<'a>(&'a self, list: &List, patterns: &[Pattern]) -> Vec<(&'a str, Shown)> {
        let mut names: BTreeSet<&str> = self.entries.keys().map(String::as_str).collect();
        if list.select.subscribed {
            names.extend(self.subscriptions.iter().map(String::as_str));
            if list.select.recursive {
                // RFC 5258 section 3.1: who leads to what is subscribed need not be there either.
                names.extend(self.subscriptions.iter().flat_map(|name| name.match_indices(SEPARATOR).map(|(at, _)| &name[..at])));
            }
        }
        let covered = names.iter().filter(|name| patterns.iter().any(|pattern| pattern.matches(name)));
        covered.filter_map(|name| Some((*name, self.shown(name, list, &names)?))).collect()
    }

    fn is_selected(&self, name: &str, list: &List) -> bool {
        let select = list.select;
        (!select.subscribed || self.subscriptions.contains(name))
            && (!select.special_use || self.entries.get(name).is_some_and(|entry| opens(entry) && entry.special_use.is_some()))
    }

    fn shown(&self, name: &str, list: &List, names: &BTreeSet<&str>) -> Option<Shown> {
        let entry = self.entries.get(name).and_then(attributes);
        let is_there = entry.is_some();
        let above = list.select.recursive.then(|| self.selected_below(name, list, names)).flatten();
        let is_selected = self.is_selected(name, list);
        // RFC 5258 section 3.4: a name that does not exist is told when it is subscribed.
        let is_shown = if is_there { is_selected } else { is_selected && list.select.subscribed };
        if !is_shown && above.is_none() {
            return None;
        }
        let mut attributes = entry.unwrap_or_else(|| vec!["\\NonExistent"]);
        if list.tell.subscribed && self.subscriptions.contains(name) {
            attributes.push("\\Subscribed");
        }
        Some(Shown { attributes, above })
    }

    // RFC 5258 section 3.5.
    fn selected_below(&self, name: &str, list: &List, names: &BTreeSet<&str>) -> Option<&'static str> {
        let below = format!("{name}{SEPARATOR}");
        let mut below = names.range(below.as_str()..).take_while(|one| one.starts_with(&below));
        let is_any = below.any(|one| self.is_selected(one, list) && (list.select.subscribed || self.entries.contains_key(*one)));
        is_any.then_some(match (list.select.subscribed, list.select.special_use) {
            (true, true) => "\"SUBSCRIBED\" \"SPECIAL-USE\"",
            (true, false) => "\"SUBSCRIBED\"",
            (false, _) => "\"SPECIAL-USE\"",
        })
    }
}

/// An empty pattern asks for the separator and the root of the reference.
async fn send_root(wire: &mut Wire, reference: &str) -> Result<(), End> {
    let is_shared = reference.strip_prefix(SHARED).is_some_and(|rest| rest.starts_with(SEPARATOR));
    let root = if is_shared { format!("{SHARED}{SEPARATOR}") } else { String::new() };
    let line = format!("* LIST (\\Noselect) \"{SEPARATOR}\" {}\r\n", on_wire(&root, wire.enabled.utf8()));
    wire.raw(line.as_bytes()).await
}

/// May its messages be read?
fn opens(entry: &Entry) -> bool {
    entry.real && entry.rights.contains(Rights::READ)
}

/// What to show of an entry; nothing to hide it.
fn attributes(entry: &Entry) -> Option<Vec<&'static str>> {
    // A mailbox that is listed but cannot be opened makes some clients drop the account: shown only as the way to what is below it.
    let opens = opens(entry);
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
    use crate::wire::grammar::mailboxes::Selection;
    use octroi_model::{CollectionId, CollectionKind, Path, UidValidity};

    fn entry(name: &str, real: bool, rights: &str, children: bool, special_use: Option<SpecialUse>) -> Entry {
        let rights = Rights::parse(rights).unwrap();
        Entry {
            id: CollectionId(1),
            path: Path::parse(name, '/').unwrap(),
            kind: CollectionKind::Mailbox,
            rights,
            real,
            special_use,
            children,
            head: None,
            uid_validity: UidValidity(1),
        }
    }

    fn shown(real: bool, rights: &str, children: bool, special_use: Option<SpecialUse>) -> Option<String> {
        Some(attributes(&entry("a", real, rights, children, special_use))?.join(" "))
    }

    /// What is shown of these names, as on the wire behind `* LIST `.
    fn lines(entries: &[Entry], subscriptions: &[&str], select: Selection, pattern: &str) -> Vec<String> {
        let entries = entries.iter().map(|entry| (entry.path.join("/"), entry.clone())).collect();
        let tree = Tree::new(entries, subscriptions.iter().map(ToString::to_string).collect());
        let list = List { select, tell: Telling { subscribed: select.subscribed, ..Telling::default() }, ..List::default() };
        let shown = tree.matching(&list, &[Pattern::new(pattern)]).into_iter();
        shown.map(|(name, shown)| format!("({}) {name} {}", shown.attributes.join(" "), shown.above.unwrap_or("-"))).collect()
    }

    const SUBSCRIBED: Selection = Selection { subscribed: true, special_use: false, recursive: false };
    const RECURSIVE: Selection = Selection { recursive: true, ..SUBSCRIBED };

    #[test]
    fn what_is_subscribed_is_shown_be_it_there_or_not() {
        let tree = [entry("Fruit", true, "lr", true, None), entry("Fruit/Apple", true, "l", false, None)];
        // What may not be opened is told no other than what is not there.
        let wanted = ["(\\NonExistent \\Subscribed) Fruit/Apple -", "(\\NonExistent \\Subscribed) Fruit/Peach -"];
        assert_eq!(lines(&tree, &["Fruit/Apple", "Fruit/Peach"], SUBSCRIBED, "*"), wanted);
    }

    #[test]
    fn parents_are_shown_when_they_are_asked_for() {
        // RFC 5258 section 5, example 9.
        let real = |name, children| entry(name, true, "lr", children, None);
        let tree = [real("eps2", true), real("eps2/mamba", false), real("foo2", true), real("foo2/bar1", false), real("foo2/bar2", false)];
        let subscriptions = ["baz2/bar2", "eps2", "eps2/mamba", "foo2/bar2"];
        let wanted = [
            "(\\NonExistent) baz2 \"SUBSCRIBED\"",
            "(\\HasChildren \\Subscribed) eps2 \"SUBSCRIBED\"",
            "(\\HasChildren) foo2 \"SUBSCRIBED\"",
        ];
        assert_eq!(lines(&tree, &subscriptions, RECURSIVE, "%"), wanted);
        assert_eq!(lines(&tree, &subscriptions, SUBSCRIBED, "%"), ["(\\HasChildren \\Subscribed) eps2 -"]);
        let both = Selection { special_use: true, ..RECURSIVE };
        assert_eq!(lines(&tree, &subscriptions, both, "*"), [""; 0]);
        let used = [real("a", true), entry("a/b", true, "lr", false, Some(SpecialUse::Sent)), real("a/c", false)];
        assert_eq!(lines(&used, &["a/b", "a/c"], both, "%"), ["(\\HasChildren) a \"SUBSCRIBED\" \"SPECIAL-USE\""]);
    }

    /// Who was let know of a mailbox and not read it saw its owner's name, with children that were not there.
    #[test]
    fn what_leads_to_nothing_is_not_shown() {
        let way = |name| entry(name, false, "l", true, None);
        let hidden = [way("Shared"), way("Shared/hugo"), entry("Shared/hugo/a", true, "l", true, None), way("Shared/hugo/a/b")];
        assert_eq!(lines(&hidden, &[], Selection::default(), "*"), [""; 0]);
        let seen =
            [&hidden[..], &[entry("Shared/hugo/a/b/c", true, "lr", false, None), entry("Shared/hugo/d", true, "l", false, None)]].concat();
        let wanted = ["Shared", "Shared/hugo", "Shared/hugo/a", "Shared/hugo/a/b"]
            .map(|name| format!("(\\Noselect \\NonExistent \\HasChildren) {name} -"));
        let shown = lines(&seen, &[], Selection::default(), "*");
        assert_eq!(shown[..4], wanted);
        assert_eq!(shown[4..], ["(\\HasNoChildren) Shared/hugo/a/b/c -"]);
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
