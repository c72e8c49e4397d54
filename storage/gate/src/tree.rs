//! The tree that a session sees: its own collections by their names, those of others below `Shared`.
//!
//! Mail and documents are trees: `INBOX`, `Actes/2026`, `Shared/<owner>/…`. Calendars and address books are one flat level in which
//! shared ones are called `<name>~<owner>`: clients want every calendar in the one home set of the user.

use crate::gate::SYSTEM;
use crate::invites;
use crate::kept::{Shelf, is_kept_aside, original_name};
use crate::people::DIRECTORY;
use crate::refusal::Refusal;
use crate::reserved::Deed;
use crate::session::Session;
use octroi_engine::Engine;
use octroi_model::{AccountId, Address, Collection, CollectionId, CollectionKind, Head, Name, Path, Rights, SpecialUse, UidValidity};
use octroi_policy::Area;
use std::collections::BTreeSet;
use std::sync::Arc;

/// First segment of everybody else's collections.
pub const SHARED: &str = "Shared";
/// Between a shared calendar's name and its owner.
const SHARED_MARK: char = '~';
/// Collections looked at for one answer: an account's tree is limited to fewer, so this is reached only by many large shares.
const VISITS_MAX: usize = 50_000;

/// A place in the tree that a session sees.
#[derive(Clone)]
pub(crate) struct Node {
    /// `None`: a virtual folder. To be had through [`Node::real`].
    collection: Option<Arc<Collection>>,
    pub(crate) area: Area,
    /// As the session names it.
    pub(crate) path: Path,
    /// As the owner names it: what the rules of a profile are matched with.
    pub(crate) inner_path: String,
    /// Nothing here may be seen but the way to something below.
    pub(crate) passage: bool,
    pub(crate) owner: AccountId,
    /// Among the documents, or among what is kept of them.
    pub(crate) shelf: Shelf,
    /// Of a collection of versions only those of this document.
    pub(crate) versions_of: Option<Name>,
}

impl Node {
    /// For the audit trail.
    pub(crate) fn subject(&self) -> String {
        format!("{}/{}", self.area.name(), self.path.join("/"))
    }

    /// The collection, unless nothing but the way through it may be seen.
    pub(crate) fn real(&self) -> Result<&Arc<Collection>, Refusal> {
        self.collection.as_ref().filter(|_| !self.passage).ok_or(Refusal::Missing)
    }

    /// The top of a tree, whose inner path is empty.
    fn top(collection: Option<Arc<Collection>>, area: Area, path: Path, owner: AccountId) -> Self {
        let (inner_path, passage, shelf, versions_of) = (String::new(), false, Shelf::Live, None);
        Self { collection, area, path, inner_path, passage, owner, shelf, versions_of }
    }

    /// The same place, with the collection as it is now.
    pub(crate) fn with(&self, collection: Arc<Collection>) -> Self {
        Self { collection: Some(collection), ..self.clone() }
    }

    /// The organisation's directory, among a person's address books.
    pub(crate) fn directory(book: Arc<Collection>) -> Option<Self> {
        let path = Path::from_names(vec![Name::new(DIRECTORY).ok()?]).ok()?;
        Some(Self { inner_path: DIRECTORY.to_owned(), ..Self::top(Some(book), Area::Contacts, path, SYSTEM) })
    }

    fn below(&self, child: &Arc<Collection>) -> Option<Self> {
        let path = self.path.child(child.name.clone()).ok()?;
        // The rules for a folder hold for its versions, and for what was removed from it.
        let (inner_path, shelf) = match (child.kind, self.shelf) {
            (CollectionKind::Trash, Shelf::Live) if !self.path.names().is_empty() => return None,
            (CollectionKind::Trash, Shelf::Live) => (String::new(), Shelf::Trash),
            // Nobody's to look into: what is in it is read by way of what it hangs on.
            (CollectionKind::Attachments, _) => return None,
            (CollectionKind::Versions, _) => (self.inner_path.clone(), Shelf::Versions),
            (_, Shelf::Trash) => (joined(&self.inner_path, &original_name(child)), Shelf::Trash),
            (_, shelf) => (joined(&self.inner_path, &child.name), shelf),
        };
        let (collection, owner) = (Some(child.clone()), child.owner);
        Some(Self { collection, area: self.area, path, inner_path, passage: false, owner, shelf, versions_of: None })
    }

    /// The versions of one document, below a collection of versions.
    pub(crate) fn versions_of(&self, document: &Name) -> Option<Self> {
        let fits = self.shelf == Shelf::Versions && self.versions_of.is_none();
        let path = self.path.child(document.clone()).ok().filter(|_| fits)?;
        Some(Self { path, versions_of: Some(document.clone()), ..self.clone() })
    }

    /// Is the child found by its name only, and listed nowhere?
    fn hides(&self, child: &Collection) -> bool {
        matches!(child.kind, CollectionKind::Versions | CollectionKind::Inbox | CollectionKind::Outbox)
            || child.kind == CollectionKind::Trash && self.shelf == Shelf::Live
    }
}

/// A collection that a session may know of.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Which collection it is, whatever it is called (RFC 8474: MAILBOXID); 0 for what is not real.
    pub id: CollectionId,
    /// As the session names it.
    pub path: Path,
    /// What it holds.
    pub kind: CollectionKind,
    /// Rights in force.
    pub rights: Rights,
    /// False: only the way to something below; it cannot be selected.
    pub real: bool,
    /// RFC 6154.
    pub special_use: Option<SpecialUse>,
    /// There is something below that the session may know of.
    pub children: bool,
    /// Counters, if the items may be read.
    pub head: Option<Head>,
    /// UIDVALIDITY; 0 for what is not real.
    pub uid_validity: UidValidity,
}

/// The kind of an area's home collection.
pub(crate) fn home_kind(area: Area) -> CollectionKind {
    match area {
        Area::Mail => CollectionKind::MailHome,
        Area::Calendars => CollectionKind::CalendarHome,
        Area::Contacts => CollectionKind::AddressbookHome,
        Area::Files => CollectionKind::Folder,
    }
}

/// An account's home collection of an area.
pub(crate) fn home(engine: &dyn Engine, owner: AccountId, area: Area) -> Option<Arc<Collection>> {
    engine.homes(owner).into_iter().find(|c| c.kind == home_kind(area))
}

/// The child of that name; `INBOX` in any case at the top of the mailboxes (RFC 9051 section 5.1).
pub(crate) fn child(engine: &dyn Engine, parent: &Collection, name: &Name) -> Option<Arc<Collection>> {
    if parent.kind == CollectionKind::MailHome && name.as_str().eq_ignore_ascii_case("INBOX") {
        return engine.child(parent.id, &Name::new("INBOX").ok()?);
    }
    engine.child(parent.id, name)
}

fn is_flat(area: Area) -> bool {
    matches!(area, Area::Calendars | Area::Contacts)
}

impl Session {
    /// Every collection of an area that the session may know of, its own and shared ones, by path.
    pub async fn tree(&self, area: Area) -> Vec<Entry> {
        let mut entries = Vec::new();
        let mut visits = VISITS_MAX;
        if let Some(home) = self.home_node(area) {
            self.walk(&home, &mut entries, &mut visits);
        }
        let own = entries.len();
        for owner in self.sharers() {
            if let Some(shared) = self.sharer_node(area, owner) {
                self.walk(&shared, &mut entries, &mut visits);
            }
        }
        if !is_flat(area) && entries.len() > own {
            add_virtual_parents(area, own, &mut entries);
        }
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        entries
    }

    /// Append the visible collections at and below `node`; returns whether there was one. A home itself is no entry.
    fn walk(&self, node: &Node, into: &mut Vec<Entry>, visits: &mut usize) -> bool {
        let Some(collection) = &node.collection else { return false };
        if *visits == 0 {
            return false;
        }
        *visits -= 1;
        let at = into.len();
        let mut any = false;
        for child in self.gate().engine().children(collection.id) {
            if let Some(below) = self.child_node(node, &child).filter(|_| !node.hides(&child)) {
                any |= self.walk(&below, into, visits);
            }
        }
        let Ok(rights) = self.rights_of(node) else { return false };
        let visible = rights.contains(Rights::LOOKUP);
        if collection.parent.is_none() {
            return any;
        }
        if visible || any {
            let shown = if visible { rights } else { Rights::NONE };
            into.insert(at, entry(node, collection, shown, any));
        }
        visible || any
    }

    /// The node at a path, whatever the rights on it.
    pub(crate) fn resolve(&self, area: Area, path: &Path) -> Option<Node> {
        let home = self.home_node(area)?;
        let names = path.names();
        let mut node = match names {
            [] => return Some(self.with_passage(home)),
            [first, ..] if is_flat(area) => return if names.len() == 1 { self.flat_node(&home, first) } else { None },
            [first] if first.as_str() == SHARED => return self.shared_top(area),
            [first, owner, ..] if first.as_str() == SHARED => self.sharer_node(area, self.sharer(owner)?)?,
            _ => home,
        };
        let skip = node.path.names().len();
        for name in &names[skip..] {
            node = match child(self.gate().engine(), node.collection.as_ref()?, name) {
                Some(next) if node.versions_of.is_none() => node.below(&next)?,
                _ => node.versions_of(name)?,
            };
        }
        Some(self.with_passage(node))
    }

    /// The node of a collection, whatever the rights on it; `None` for what lies beside the documents.
    pub(crate) fn resolve_collection(&self, collection: &Arc<Collection>) -> Option<Node> {
        let engine = self.gate().engine();
        if collection.owner == SYSTEM {
            return self.directory_node().filter(|node| node.real().is_ok_and(|real| real.id == collection.id));
        }
        let (area, inner) = place(engine, collection)?;
        let own = collection.owner == self.account();
        let path = if own { inner } else { shared_path(engine, area, collection.owner, &inner)? };
        self.resolve(area, &path).filter(|node| node.real().is_ok_and(|real| real.id == collection.id))
    }

    /// Collections directly below a node that the session may know of.
    pub(crate) fn children_of(&self, node: &Node) -> Vec<Node> {
        let mut found = Vec::new();
        if let Some(collection) = &node.collection {
            for child in self.gate().engine().children(collection.id).iter().filter(|child| !node.hides(child)) {
                found.extend(self.child_node(node, child).map(|n| self.with_passage(n)));
            }
        }
        let top = node.path.names().is_empty();
        if top && is_flat(node.area) {
            let declined =
                if node.area == Area::Calendars { invites::declined(self.gate().engine(), self.account()) } else { BTreeSet::new() };
            for owner in self.sharers() {
                let Some(home) = self.sharer_node(node.area, owner) else { continue };
                let Some(collection) = home.collection.clone() else { continue };
                let shared = self.gate().engine().children(collection.id);
                found.extend(shared.iter().filter(|c| !declined.contains(&c.id)).filter_map(|c| self.child_node(&home, c)));
            }
            let named_so =
                |found: &[Node]| found.iter().any(|node| node.path.names().first().is_some_and(|name| name.as_str() == DIRECTORY));
            if node.area == Area::Contacts && !named_so(&found) {
                found.extend(self.directory_node());
            }
        } else if top {
            found.extend(self.shared_top(node.area));
        } else if node.collection.is_none() {
            found.extend(self.sharers().into_iter().filter_map(|o| self.sharer_node(node.area, o)).map(|n| self.with_passage(n)));
        }
        found.retain(|n| n.passage || self.rights_of(n).is_ok_and(|r| r.contains(Rights::LOOKUP)));
        found
    }

    /// A child of a node, under the name that the session knows it by.
    pub(crate) fn child_node(&self, node: &Node, child: &Arc<Collection>) -> Option<Node> {
        let mut below = node.below(child)?;
        if is_flat(node.area) && child.owner != self.account() {
            let owner = self.gate().engine().account(child.owner)?;
            below.path = Path::from_names(vec![Name::new(&format!("{}{SHARED_MARK}{}", child.name, owner.address.key())).ok()?]).ok()?;
        }
        Some(below)
    }

    /// The top of one's own tree of an area.
    pub(crate) fn own_home(&self, area: Area) -> Option<Node> {
        self.home_node(area)
    }

    /// The top of somebody else's.
    pub(crate) fn home_of(&self, area: Area, owner: AccountId) -> Option<Node> {
        self.sharer_node(area, owner)
    }

    fn home_node(&self, area: Area) -> Option<Node> {
        let collection = home(self.gate().engine(), self.account(), area)?;
        let owner = collection.owner;
        Some(Node::top(Some(collection), area, Path::top(), owner))
    }

    fn flat_node(&self, home: &Node, name: &Name) -> Option<Node> {
        let engine = self.gate().engine();
        if let Some(own) = engine.child(home.collection.as_ref()?.id, name) {
            return home.below(&own);
        }
        if home.area == Area::Contacts && name.as_str() == DIRECTORY {
            return self.directory_node();
        }
        let (inner, owner) = name.as_str().rsplit_once(SHARED_MARK)?;
        let shared = self.sharer_node(home.area, self.sharer(&Name::new(owner).ok()?)?)?;
        let collection = engine.child(shared.collection.as_ref()?.id, &Name::new(inner).ok()?)?;
        if invites::is_declined(engine, self.account(), collection.id) {
            return None;
        }
        self.child_node(&shared, &collection)
    }

    /// `Shared`, if there is anything in it.
    fn shared_top(&self, area: Area) -> Option<Node> {
        let path = Path::from_names(vec![Name::new(SHARED).ok()?]).ok()?;
        let home = self.home_node(area)?;
        self.leads_to_shares(&home).then(|| Node { passage: true, ..Node::top(None, area, path, self.account()) })
    }

    /// Another owner's home of an area, under the name that the session knows it by.
    fn sharer_node(&self, area: Area, owner: AccountId) -> Option<Node> {
        let engine = self.gate().engine();
        let collection = home(engine, owner, area)?;
        let address = engine.account(owner)?.address.key();
        let path = Path::from_names(vec![Name::new(SHARED).ok()?, Name::new(&address).ok()?]).ok()?;
        Some(Node::top(Some(collection), area, path, owner))
    }

    fn sharer(&self, owner: &Name) -> Option<AccountId> {
        let key = owner.as_str().parse::<Address>().ok()?.key();
        self.gate().engine().account_by_key(&key).map(|a| a.id).filter(|id| *id != self.account())
    }

    /// Who else owns a collection with an ACL.
    fn sharers(&self) -> BTreeSet<AccountId> {
        self.gate().engine().shared().iter().map(|c| c.owner).filter(|o| *o != self.account()).collect()
    }

    /// Mark a node that may not be known itself but leads to something that may.
    fn with_passage(&self, mut node: Node) -> Node {
        let hidden = !self.rights_of(&node).is_ok_and(|r| r.contains(Rights::LOOKUP));
        if hidden && (self.leads_somewhere(&node) || self.leads_to_shares(&node)) {
            node.passage = true;
        }
        node
    }

    /// The top of one's own tree leads to what others share, also for who has nothing of their own.
    fn leads_to_shares(&self, node: &Node) -> bool {
        node.path.names().is_empty()
            && (self.sharers().into_iter().filter_map(|o| self.sharer_node(node.area, o)).any(|n| self.leads_somewhere(&n))
                || (node.area == Area::Contacts && self.directory_node().is_some_and(|n| self.leads_somewhere(&n))))
    }

    fn leads_somewhere(&self, node: &Node) -> bool {
        self.any_visible(node, &mut { VISITS_MAX })
    }

    /// Is there a collection at or below `node` that the session may know of? Stops at the first.
    fn any_visible(&self, node: &Node, visits: &mut usize) -> bool {
        let Some(collection) = &node.collection else { return false };
        if *visits == 0 {
            return false;
        }
        *visits -= 1;
        self.rights_of(node).is_ok_and(|rights| rights.contains(Rights::LOOKUP))
            || self
                .gate()
                .engine()
                .children(collection.id)
                .iter()
                .filter(|c| !node.hides(c))
                .filter_map(|c| self.child_node(node, c))
                .any(|n| self.any_visible(&n, visits))
    }
}

fn add_virtual_parents(area: Area, own: usize, entries: &mut Vec<Entry>) {
    let known: BTreeSet<Path> = entries.iter().map(|e| e.path.clone()).collect();
    let mut parents = BTreeSet::new();
    for entry in &entries[own..] {
        for length in 1..entry.path.names().len() {
            if let Ok(parent) = Path::from_names(entry.path.names()[..length].to_vec())
                && !known.contains(&parent)
            {
                parents.insert(parent);
            }
        }
    }
    entries.extend(parents.into_iter().map(|path| Entry {
        id: CollectionId(0),
        path,
        kind: home_kind(area),
        rights: Rights::NONE,
        real: false,
        special_use: None,
        children: true,
        head: None,
        uid_validity: UidValidity(0),
    }));
}

fn entry(node: &Node, collection: &Arc<Collection>, rights: Rights, children: bool) -> Entry {
    let real = rights.contains(Rights::LOOKUP);
    Entry {
        id: if real { collection.id } else { CollectionId(0) },
        path: node.path.clone(),
        kind: collection.kind,
        rights,
        real,
        special_use: collection.special_use.filter(|_| real),
        children,
        head: rights.contains(Rights::READ).then_some(collection.head),
        uid_validity: if real { collection.uid_validity } else { UidValidity(0) },
    }
}

/// What bringing a tree to a path is: something is added wherever it holds anything, with the keywords that are in use there.
pub(crate) fn arriving(engine: &dyn Engine, area: Area, path: &str, top: &Arc<Collection>) -> Vec<Deed> {
    let mut deeds = Vec::new();
    let mut waiting = vec![(path.to_owned(), top.clone())];
    while let Some((path, collection)) = waiting.pop() {
        // Versions come along with their folder, and are not put there.
        for child in engine.children(collection.id).into_iter().filter(|child| child.kind != CollectionKind::Versions) {
            waiting.push((joined(&path, &child.name), child));
        }
        if collection.head.items > 0 {
            deeds.push(Deed::at(area, path, true).keywords(collection.keywords.iter().map(ToString::to_string)));
        }
    }
    deeds
}

/// The collection at a path as an account's programs name it, and its path as the owner names it; whatever the rights on it.
pub(crate) fn locate(engine: &dyn Engine, account: AccountId, area: Area, path: &Path) -> Option<(Arc<Collection>, String)> {
    let of = |address: &str| engine.account_by_key(&address.parse::<Address>().ok()?.key()).map(|account| account.id);
    let (owner, names) = match path.names() {
        [one] if is_flat(area) && one.as_str().contains(SHARED_MARK) => {
            let (inner, owner) = one.as_str().rsplit_once(SHARED_MARK)?;
            (of(owner)?, vec![Name::new(inner).ok()?])
        }
        [first, owner, rest @ ..] if !is_flat(area) && first.as_str() == SHARED => (of(owner.as_str())?, rest.to_vec()),
        names => (account, names.to_vec()),
    };
    let at = descend(engine, owner, area, &names)?;
    let inner: Vec<&str> = names.iter().map(Name::as_str).collect();
    Some((at, inner.join("/")))
}

/// Where others see what is at a path of an owner's.
pub(crate) fn shared_path(engine: &dyn Engine, area: Area, owner: AccountId, inner: &Path) -> Option<Path> {
    let address = engine.account(owner)?.address.key();
    if is_flat(area) {
        let [name] = inner.names() else { return None };
        return Path::from_names(vec![Name::new(&format!("{name}{SHARED_MARK}{address}")).ok()?]).ok();
    }
    let mut names = vec![Name::new(SHARED).ok()?, Name::new(&address).ok()?];
    names.extend_from_slice(inner.names());
    Path::from_names(names).ok()
}

/// The collection of an owner at a path as they name it.
pub(crate) fn descend(engine: &dyn Engine, owner: AccountId, area: Area, names: &[Name]) -> Option<Arc<Collection>> {
    names.iter().try_fold(home(engine, owner, area)?, |at, name| child(engine, &at, name))
}

/// The area and the path of a collection as its owner names it; `None` for what lies beside the documents.
pub(crate) fn place(engine: &dyn Engine, collection: &Arc<Collection>) -> Option<(Area, Path)> {
    let area = Area::of(collection.kind)?;
    let mut names = Vec::new();
    let mut at = collection.clone();
    while let Some(parent) = at.parent {
        if is_kept_aside(at.kind) {
            return None;
        }
        names.push(at.name.clone());
        at = engine.collection(parent)?;
    }
    names.reverse();
    Some((area, Path::from_names(names).ok()?))
}

/// A path with one more name.
pub(crate) fn joined(path: &str, name: &Name) -> String {
    if path.is_empty() { name.to_string() } else { format!("{path}/{name}") }
}

/// Every collection at and below `top`, parents first.
pub(crate) fn subtree(engine: &dyn Engine, top: &Arc<Collection>) -> Vec<Arc<Collection>> {
    let mut found = vec![top.clone()];
    let mut at = 0;
    while at < found.len() && found.len() < VISITS_MAX {
        found.extend(engine.children(found[at].id));
        at += 1;
    }
    found
}

/// How many collections are at and below `top`, without what lies beside the documents.
pub(crate) fn count(engine: &dyn Engine, top: &Arc<Collection>) -> usize {
    let (mut waiting, mut count) = (vec![top.clone()], 0);
    while let Some(at) = waiting.pop().filter(|_| count < VISITS_MAX) {
        count += 1;
        waiting.extend(engine.children(at.id).into_iter().filter(|child| !is_kept_aside(child.kind)));
    }
    count
}

/// Is `inside` the collection `top`, or below it?
pub(crate) fn is_within(engine: &dyn Engine, inside: CollectionId, top: CollectionId) -> bool {
    let mut at = Some(inside);
    for _ in 0..crate::session::ANCESTORS_MAX {
        match at {
            None => return false,
            Some(id) if id == top => return true,
            Some(id) => at = engine.collection(id).and_then(|c| c.parent),
        }
    }
    false
}
