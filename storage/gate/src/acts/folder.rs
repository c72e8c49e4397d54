//! Acts on a collection of documents, events or cards: list, synchronise, add, make, copy, move, remove.

use crate::acts::describing::{check_all, seen_by};
use crate::acts::file::{TRIES_MAX, arrived, dated, document, marks_in, summed};
use crate::acts::in_the_way::InTheWay;
use crate::acts::own::without_own;
use crate::acts::sharing::in_force;
use crate::content::{Content, Upload};
use crate::dropping::{is_drop, is_own};
use crate::gate::new_collection;
use crate::granted::{File, Folder, Granted};
use crate::kept::Shelf;
use crate::kept::object::ObjectFacts;
use crate::kept::trash::{self, REMOVED, TRASH, as_it_was, forget};
use crate::kept::versions::{self, VERSIONS, WrittenOver, document_of};
use crate::purpose::{Bind, Depart, List, MakeFolder, Purpose, Read, RemoveFolder, Rewrite, Unlink};
use crate::push::PushFacts;
use crate::quota::FolderQuota;
use crate::refusal::Refusal;
use crate::reserved::Deed;
use crate::scheduling::{SchedulingFault, is_meeting};
use crate::sight::{self, Sight};
use crate::subscriptions::{SUBSCRIBED, SubscriptionFacts};
use crate::tree::{self, Node};
use octroi_engine::{Batch, Change, Engine, Expect, Sought, View, Within};
use octroi_model::{
    Address, Collection, CollectionId, CollectionKind, Etag, Flags, Hash, Head, Item, ModSeq, Name, Outcome, PATH_DEPTH_MAX, Path, Rights,
    Uid, UnixTime,
};
use octroi_policy::{Act, Area};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// Parts of one COPY or DELETE of a tree: it is one commit, held in memory.
const TREE_PARTS_MAX: usize = 100_000;
/// Folders that one answer names because they may not be removed.
const REFUSING_MAX: usize = 1_000;
/// The live property that holds the name for people.
pub const DISPLAY_NAME: &str = "displayname";

/// What there is to say about a folder.
#[derive(Debug, Clone)]
pub struct FolderFacts {
    /// What it holds.
    pub kind: CollectionKind,
    /// Rights in force.
    pub rights: Rights,
    /// False: a virtual folder, or one that only leads to something below.
    pub real: bool,
    /// `DAV:displayname`, if one was set.
    pub display_name: Option<String>,
    /// When it was made.
    pub created: UnixTime,
    /// Counters.
    pub head: Head,
    /// Properties that a client set, as the session sees them: a sharee may have some of their own.
    pub properties: Vec<(Arc<str>, Arc<str>)>,
    /// Whose it is.
    pub owner: Address,
    /// The collection's number, part of its sync token; 0 for what is not real.
    pub sync_id: u64,
    /// The tightest quota above it; told to the owner only.
    pub quota: Option<FolderQuota>,
    /// It is a calendar of one's own, and others have rights on it.
    pub is_shared: bool,
    /// How programs register to be told when it changes, if the session may.
    pub push: Option<PushFacts>,
    /// From where it is fetched, if it is and this is its owner's session.
    pub subscription: Option<SubscriptionFacts>,
}

/// Something in a folder.
#[derive(Debug, Clone)]
pub struct Member {
    /// Its URL segment.
    pub name: Name,
    /// What it is.
    pub is: MemberIs,
    /// When it last changed, in the folder's counting.
    pub modseq: ModSeq,
}

/// An item or a folder.
#[derive(Debug, Clone)]
pub enum MemberIs {
    /// A document, event or card.
    Item(Item),
    /// A folder, calendar or address book.
    Folder(FolderFacts),
}

/// What a folder held at one moment: the items are those of the shared view, and a number each.
pub struct Listing {
    view: Option<Arc<View>>,
    /// Positions of the items, by name.
    order: Vec<u32>,
    folders: Vec<Member>,
    sight: Sight,
}

impl Listing {
    /// All by name.
    pub fn members(&self) -> impl Iterator<Item = Member> + '_ {
        let item = |at: &u32| {
            let view = self.view.as_ref()?;
            item_member(&self.sight.see(view, view.at(*at as usize)?)?.into_item())
        };
        let mut items = self.order.iter().filter_map(item).peekable();
        let mut folders = self.folders.iter().peekable();
        std::iter::from_fn(move || match (items.peek(), folders.peek()) {
            (Some(item), Some(folder)) if folder.name < item.name => folders.next().cloned(),
            (Some(_), _) => items.next(),
            (None, _) => folders.next().cloned(),
        })
    }
}

/// The positions of a view's items, by name, of those that are wanted.
fn by_name(view: &View, wanted: impl Fn(&Item) -> bool) -> Vec<u32> {
    let items = view.items().enumerate().filter(|(_, item)| wanted(item));
    let mut named: Vec<(&Name, usize)> = items.filter_map(|(at, item)| Some((item.name.as_ref()?, at))).collect();
    named.sort_unstable();
    named.into_iter().filter_map(|(_, at)| u32::try_from(at).ok()).collect()
}

/// What changed in a folder.
#[derive(Debug, Clone)]
pub struct Changes {
    /// Ask from here next time.
    pub token: ModSeq,
    /// New or changed.
    pub changed: Vec<Member>,
    /// Gone.
    pub removed: Vec<Name>,
}

impl Granted<Folder, List> {
    /// About the folder itself, as it is now.
    pub fn facts(&self) -> FolderFacts {
        self.facts_of(self.node(), self.rights())
    }

    /// The collection's number, part of its sync token; 0 for a virtual folder.
    pub fn sync_id(&self) -> u64 {
        self.node().real().map_or(0, |c| sight::sync_id(self.node(), &self.session, c.id))
    }

    /// The keywords that an item of it has, as [`Granted::marks`] tells those of one that was opened.
    pub fn marks_of(&self, item: &Item) -> Vec<String> {
        self.collection().map_or(Vec::new(), |collection| marks_in(&collection, item))
    }

    /// May all of it be taken out at once? Asked before the first octet of a copy goes out, and audited whatever the answer.
    pub async fn export(&self) -> Result<(), Refusal> {
        self.renew()?;
        let subject = self.node().subject();
        if let Err(why) = self.session.permits(&Act::Export)? {
            self.session.audit("export", &subject, Outcome::Refused, &why.to_string()).await;
            return Err(Refusal::ExportNotAllowed);
        }
        self.session.audit("export", &subject, Outcome::Done, "").await;
        Ok(())
    }

    /// Items and folders directly in it that the session may know of, by name.
    pub async fn members(&self) -> Result<Vec<Member>, Refusal> {
        Ok(self.listing().await?.members().collect())
    }

    /// The same one by one: what the folder held at this moment.
    pub async fn listing(&self) -> Result<Listing, Refusal> {
        self.renew()?;
        if self.node().shelf == Shelf::Versions {
            return self.versions().await;
        }
        let drops = is_drop(self.node(), &self.session, self.session.rights_of(self.node())?);
        let view = match self.node().real() {
            Ok(collection) => Some(self.engine().view(collection.id).await?),
            Err(_) => None,
        };
        let sight = Sight::of(self.node(), &self.session)?;
        let is_seen = |view: &View, item: &Item| (!drops || is_own(item, &self.session)) && sight.see(view, item).is_some();
        let order = view.as_ref().map_or(Vec::new(), |view| by_name(view, |item| is_seen(view, item)));
        Ok(Listing { view, order, folders: self.folders()?, sight })
    }

    /// The folders directly in it that the session may know of, by name. What is kept of documents has none of its own.
    pub fn folders(&self) -> Result<Vec<Member>, Refusal> {
        self.renew()?;
        // Nor has who drops made those that are there.
        if self.node().shelf == Shelf::Versions || is_drop(self.node(), &self.session, self.session.rights_of(self.node())?) {
            return Ok(Vec::new());
        }
        let below = self.session.children_of(self.node());
        let mut folders: Vec<Member> = below.iter().filter_map(|node| self.folder_member(node)).collect();
        folders.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(folders)
    }

    /// Which of these texts (as collation keys) the content of each of its documents has, by uid, as far as the search index knows it.
    pub async fn containing(&self, texts: &[String]) -> Result<HashMap<Uid, Vec<Option<bool>>>, Refusal> {
        self.renew()?;
        let Ok(collection) = self.node().real() else { return Ok(HashMap::new()) };
        let view = self.engine().view(collection.id).await?;
        let sought = texts.iter().map(|text| Sought { within: Within::Body, text: text.clone() }).collect();
        let found = self.engine().find(view.clone(), sought).await;
        let answers = |position| (0..texts.len()).map(|text| found.answer(text, position)).collect();
        Ok(view.items().enumerate().map(|(position, item)| (item.uid, answers(position))).collect())
    }

    /// What changed after `since`; everything when there is none. An unknown or too old token is [`Refusal::Precondition`]. RFC 6578.
    pub async fn changes(&self, since: Option<ModSeq>) -> Result<Changes, Refusal> {
        self.renew()?;
        let collection = self.node().real()?.clone();
        // What is gone has no author any more that could be asked for.
        let drops = is_drop(self.node(), &self.session, self.session.rights_of(self.node())?);
        if drops || self.node().shelf == Shelf::Versions {
            return Err(Refusal::Unsupported);
        }
        let view = self.engine().view(collection.id).await?;
        let from = since.unwrap_or(ModSeq(0));
        if from > view.head().modseq {
            return Err(Refusal::Precondition);
        }
        let sight = Sight::of(self.node(), &self.session)?;
        let mut changed = Vec::new();
        let mut removed = BTreeSet::new();
        for item in view.changed_since(from) {
            match sight.see(&view, item) {
                Some(seen) => changed.extend(item_member(&seen.into_item())),
                // It may have been seen before.
                None if since.is_some() => removed.extend(sight.hidden(item)),
                None => {}
            }
        }
        // What others share has counters of its own, so it is listed but not synchronised.
        let mut folders = self.session.children_of(self.node());
        folders.retain(|node| node.real().is_ok_and(|child| child.parent == Some(collection.id)));
        let folders: Vec<Member> = folders.iter().filter_map(|node| self.folder_member(node)).collect();
        let present: BTreeSet<&Name> = folders.iter().map(|f| &f.name).collect();
        if since.is_some() {
            for tombstone in view.vanished_since(from).ok_or(Refusal::Precondition)? {
                removed.extend(sight.gone(tombstone).filter(|n| sight.find(&view, n).is_none() && !present.contains(n)));
            }
        }
        changed.extend(folders.into_iter().filter(|f| since.is_none() || f.modseq > from));
        changed.sort_by_key(|m| m.modseq);
        Ok(Changes { token: view.head().modseq, changed, removed: removed.into_iter().collect() })
    }

    /// Of a collection of versions: a folder for each document, and in that its versions.
    async fn versions(&self) -> Result<Listing, Refusal> {
        let view = self.engine().view(self.node().real()?.id).await?;
        if let Some(document) = &self.node().versions_of {
            let order = by_name(&view, |item| document_of(item).as_ref() == Some(document));
            return Ok(Listing { view: Some(view), order, folders: Vec::new(), sight: Sight::Clear });
        }
        let documents: BTreeSet<Name> = view.items().filter_map(document_of).collect();
        let folders = documents.iter().filter_map(|document| self.folder_member(&self.node().versions_of(document)?)).collect();
        Ok(Listing { view: None, order: Vec::new(), folders, sight: Sight::Clear })
    }

    fn folder_member(&self, node: &Node) -> Option<Member> {
        let name = node.path.names().last()?.clone();
        let modseq = node.real().map_or(ModSeq(0), |c| c.bound);
        let rights = self.session.rights_of(node).ok()?;
        Some(Member { name, is: MemberIs::Folder(self.facts_of(node, rights)), modseq })
    }

    fn facts_of(&self, node: &Node, rights: Rights) -> FolderFacts {
        let now = node.real().ok().and_then(|c| self.engine().collection(c.id));
        let properties = now.as_ref().map_or(Vec::new(), |c| seen_by(self.engine(), c, self.session.account()));
        // How much others have put there is not told to who drops.
        let counts = !is_drop(node, &self.session, rights);
        let owner = self.engine().account(node.owner).map_or_else(|| self.session.address().clone(), |a| a.address.clone());
        FolderFacts {
            kind: now.as_ref().map_or(tree::home_kind(node.area), |c| c.kind),
            rights: sight::told(node, &self.session, rights),
            real: now.is_some(),
            display_name: properties.iter().find(|(name, _)| &**name == DISPLAY_NAME).map(|(_, text)| text.to_string()),
            created: now.as_ref().map_or(UnixTime(0), |c| c.created),
            head: now.as_ref().filter(|_| counts).map_or(Head::default(), |c| c.head),
            sync_id: now.as_ref().map_or(0, |c| sight::sync_id(node, &self.session, c.id)),
            properties,
            quota: now.as_ref().and_then(|c| self.session.quota_of(c)),
            push: self.session.push_facts(node, rights),
            subscription: self.session.subscription_of(node),
            is_shared: node.owner == self.session.account() && now.is_some_and(|c| is_shared(self.engine(), &c)),
            owner,
        }
    }
}

impl Granted<Folder, Bind> {
    /// Take a content in pieces.
    pub async fn upload(&self) -> Result<Upload, Refusal> {
        self.renew()?;
        Upload::begin(self.session.gate()).await
    }

    /// Add an item. [`Refusal::Precondition`] if something of that name has appeared.
    pub async fn put(&self, name: &Name, content: Content, media_type: Option<&str>) -> Result<Etag, Refusal> {
        let collection = self.holds_items(name)?;
        let (etag, bytes) = (content.etag(), content.bytes());
        let deed = Deed::adds(self.node(), [content.body.hash()]);
        let _claim = self.session.claim(collection, content.facts.as_ref(), &[]).await?;
        let mut batch = Batch::new();
        batch.expect(Expect::Absent { collection, name: name.clone() });
        let item = dated(document(name.clone(), media_type)?, content.modified);
        let properties = summed(arrived(&self.session, self.node().owner, &item).as_deref(), content.sums.as_deref(), &content.beside);
        let properties = ObjectFacts::beside(properties.as_deref(), content.facts.as_ref());
        content.settle(&mut batch);
        let body = batch.body(content.body);
        let item = Item { properties, ..item };
        let bytes = bytes + item.counted();
        batch.put(collection, item, body);
        match self.session.commit_making_room(collection, (bytes, 1), batch, &[deed], || self.renew()).await {
            // To who drops it is not there, and cannot be replaced.
            Err(Refusal::Precondition) if is_drop(self.node(), &self.session, self.rights()) => Err(Refusal::Exists),
            other => other.map(|_| etag),
        }
    }

    /// Copy an item here; the content is shared, not written again.
    pub async fn copy_file(&self, source: &Granted<File, Read>, name: &Name, over: &InTheWay<Rewrite>) -> Result<(), Refusal> {
        is_no_message(source)?;
        // RFC 6638 section 3.2.4.1.
        if is_meeting(source.item()) && source.node().owner == self.node().owner {
            return Err(Refusal::Scheduling(SchedulingFault::NotUnique));
        }
        if source.is_veiled() {
            return Err(Refusal::Forbidden(Rights::READ));
        }
        let properties = arrived(&self.session, self.node().owner, source.real());
        let item = Item { properties: without_own(properties.as_deref()), ..source.real().clone() };
        self.arrive(source, &item, name, over, None).await
    }

    /// Move an item here: it appears and goes in one commit. Who may not destroy it where it is moves it within its owner's tree only.
    pub async fn move_file(&self, source: &Granted<File, Depart>, name: &Name, over: &InTheWay<Rewrite>) -> Result<(), Refusal> {
        if source.folder_id()? == self.node().real()?.id && source.name()? == name {
            return Err(Refusal::Unsupported);
        }
        is_no_message(source)?;
        if source.node().owner != self.node().owner && !source.rights().contains(Rights::EXPUNGE) {
            return Err(Refusal::Forbidden(Rights::EXPUNGE));
        }
        let properties = as_it_was(source.real());
        let properties = if source.node().owner == self.node().owner { properties } else { without_own(properties.as_deref()) };
        let item = Item { properties, ..source.real().clone() };
        let leaving = (source.expectation(crate::When::Unchanged)?, source.removal()?);
        self.arrive(source, &item, name, over, Some(leaving)).await
    }

    /// One commit of what arrives and, if it moves, of its going where it was. What was in its place is kept, unless only its going makes room.
    async fn arrive<P: Purpose<File>>(
        &self,
        source: &Granted<File, P>,
        item: &Item,
        name: &Name,
        over: &InTheWay<Rewrite>,
        leaving: Option<(Expect, Change)>,
    ) -> Result<(), Refusal> {
        let deed = self.arriving(source.real(), over).await?;
        let into = self.holds_items(name)?;
        let mut replaced: Vec<Uid> = Vec::new();
        if let InTheWay::File(there) = over {
            replaced.push(there.item().uid);
        }
        if leaving.is_some() && source.folder_id()? == into {
            replaced.push(source.item().uid);
        }
        let _claim = self.session.claim(into, ObjectFacts::of(item).as_ref(), &replaced).await?;
        let attempt = async |keeps| {
            let mut batch = self.arrival(item, name, over, keeps).await?;
            if let Some((expect, removal)) = &leaving {
                batch.expect(expect.clone());
                batch.push(removal.clone());
            }
            let renew = || self.renew_with(source, over);
            self.session.commit_making_room(into, (item.bytes(), 1), batch, std::slice::from_ref(&deed), renew).await
        };
        match attempt(true).await {
            Err(Refusal::OverQuota) if over.is_there() => attempt(false).await?,
            other => other?,
        };
        Ok(())
    }

    /// What an arrival is: something is added, and what was in its place loses its marks.
    async fn arriving(&self, item: &Item, over: &InTheWay<Rewrite>) -> Result<Deed, Refusal> {
        let lost = match over {
            InTheWay::File(file) => file.marks().await?,
            _ => Vec::new(),
        };
        Ok(Deed::adds(self.node(), [item.hash]).keywords(lost))
    }

    /// What comes, in the place of what is there: that is kept as a version, if it is to be.
    async fn arrival(&self, item: &Item, name: &Name, over: &InTheWay<Rewrite>, keeps: bool) -> Result<Batch, Refusal> {
        let collection = self.holds_items(name)?;
        let mut batch = Batch::new();
        over.clear(collection, name, keeps, &mut batch).await?;
        if let InTheWay::File(there) = over
            && keeps
        {
            let folder = self.collection()?;
            let over = WrittenOver { folder: &folder, old: there.real(), new: item.hash, by: self.session.account() };
            versions::keep(self.session.gate(), over, &mut batch).await?;
        }
        let media_type = item.media_type.as_deref();
        // RFC 4918 sections 9.8.2 and 9.9.1: what clients keep beside it comes along.
        let properties = item.properties.clone();
        let copy = Item { date: item.date, properties, content: item.content, hash: item.hash, ..document(name.clone(), media_type)? };
        batch.push(Change::Put { collection, item: copy, head: Head::default() });
        Ok(batch)
    }

    fn renew_with<P: Purpose<File>>(&self, source: &Granted<File, P>, over: &InTheWay<Rewrite>) -> Result<u64, Refusal> {
        source.renew()?;
        over.renew()?;
        self.renew()
    }

    /// Homes of calendars and address books hold collections only (RFC 4791 section 5.2), and so does what is virtual.
    pub(crate) fn holds_items(&self, name: &Name) -> Result<CollectionId, Refusal> {
        let collection = self.node().real()?;
        self.takes_name(name)?;
        match collection.kind {
            CollectionKind::Folder | CollectionKind::Calendar | CollectionKind::Addressbook => Ok(collection.id),
            _ => Err(Refusal::Unsupported),
        }
    }
}

impl Granted<Folder, MakeFolder> {
    /// Make a folder, calendar or address book.
    pub async fn make(&self, name: &Name, kind: CollectionKind, properties: Vec<(Arc<str>, Arc<str>)>) -> Result<(), Refusal> {
        check_all(&self.session.gate().0.limits, &properties)?;
        let parent = self.place_for(name, kind)?;
        let mut collection = new_collection(self.engine(), Some(parent.id), name.clone(), kind, parent.owner);
        collection.properties = properties;
        let mut batch = Batch::new();
        batch.expect(Expect::Absent { collection: parent.id, name: name.clone() });
        batch.push(Change::CreateCollection { collection, parent_head: None });
        self.commit(batch).await?;
        if kind == CollectionKind::Calendar && self.node().owner == self.session.account() {
            // It is there, and whoever asks for it is not to be told otherwise: its owner sees in its ACL who has it.
            let path = self.path().names().iter().chain([name]).cloned().collect();
            let path = Path::from_names(path).map_err(|_| Refusal::Unsupported)?;
            if let Err(refusal) = self.session.share_with_named(&path).await {
                tracing::warn!(?refusal, "a new calendar is not shared with who stands for its owner");
            }
        }
        Ok(())
    }

    /// The parent, if it can hold one more collection of that kind and name.
    pub(crate) fn place_for(&self, name: &Name, kind: CollectionKind) -> Result<Arc<Collection>, Refusal> {
        let parent = self.takes(kind)?;
        self.takes_name(name)?;
        self.room_for(1)?;
        Ok(parent)
    }

    /// Copy a folder here, with all below it that the session may read if `deep`, in the place of what is there: one commit. What it may not
    /// know of is not copied.
    pub async fn copy_folder(
        &self,
        source: &Granted<Folder, List>,
        name: &Name,
        deep: bool,
        over: &InTheWay<Unlink>,
    ) -> Result<(), Refusal> {
        match self.copy_tree(source, name, deep, (over, true)).await {
            // What comes does not wait for what goes to be kept.
            Err(Refusal::OverQuota) if over.is_there() => self.copy_tree(source, name, deep, (over, false)).await,
            other => other,
        }
    }

    async fn copy_tree(
        &self,
        source: &Granted<Folder, List>,
        name: &Name,
        deep: bool,
        (over, keeps): (&InTheWay<Unlink>, bool),
    ) -> Result<(), Refusal> {
        let top = source.node().real()?;
        let parent = self.takes(top.kind)?;
        if tree::is_within(self.engine(), parent.id, top.id) {
            return Err(Refusal::Unsupported);
        }
        self.takes_name(name)?;
        let mut batch = Batch::new();
        over.clear(parent.id, name, keeps, &mut batch).await?;
        let mut parts = 0;
        let mut more = (0, 0);
        let mut deeds = Vec::new();
        let mut waiting = vec![(source.node().clone(), parent.id, self.node().inner_path.clone(), name.clone())];
        while let Some((node, into, above, name)) = waiting.pop() {
            let from = node.real()?;
            let path = tree::joined(&above, &name);
            let mut copy = new_collection(self.engine(), Some(into), name, from.kind, parent.owner);
            copy.properties.clone_from(&from.properties);
            copy.properties.retain(|(name, _)| ![REMOVED, SUBSCRIBED].contains(&&**name));
            let into = copy.id;
            batch.push(Change::CreateCollection { collection: copy, parent_head: None });
            parts += 1;
            if deep {
                let hashes = self.copy_items(&node, into, &mut batch).await?;
                parts += hashes.len();
                more = (more.0 + from.head.bytes, more.1 + hashes.len() as u64);
                if !hashes.is_empty() {
                    deeds.push(Deed::at(self.node().area, path.clone(), true).about(hashes));
                }
                let below = self.session.children_of(&node).into_iter().filter(|n| n.real().is_ok());
                waiting.extend(below.filter_map(|n| n.path.names().last().cloned().map(|name| (n, into, path.clone(), name))));
            }
            if parts > TREE_PARTS_MAX {
                return Err(Refusal::Limit("parts of one copy"));
            }
        }
        self.room_for(parts.min(self.session.gate().0.limits.collections_max))?;
        let renew = || {
            source.renew()?;
            over.renew()?;
            self.renew()
        };
        self.session.commit_making_room(parent.id, more, batch, &deeds, renew).await?;
        Ok(())
    }

    async fn copy_items(&self, node: &Node, into: CollectionId, batch: &mut Batch) -> Result<Vec<Hash>, Refusal> {
        let rights = self.session.rights_of(node)?;
        if !rights.contains(Rights::READ) {
            return Err(Refusal::Forbidden(Rights::READ));
        }
        let view = self.engine().view(node.real()?.id).await?;
        if !view.is_empty() && !self.rights().contains(Rights::INSERT) {
            return Err(Refusal::Forbidden(Rights::INSERT));
        }
        let sight = Sight::of(node, &self.session)?;
        let seen: Vec<&Item> = view.items().filter(|item| sight.see(&view, item).is_some_and(|seen| seen.is_whole())).collect();
        for item in &seen {
            // A copy has none of the marks that the original was given, as the copy of a single document has none.
            let properties = without_own(arrived(&self.session, self.node().owner, item).as_deref());
            let copy = Item { uid: Uid(0), modseq: ModSeq(0), flags: Flags::NONE, properties, ..(*item).clone() };
            batch.push(Change::Put { collection: into, item: copy, head: Head::default() });
        }
        Ok(seen.iter().map(|item| item.hash).collect())
    }

    /// Move a folder here with all below it, in the place of what is there. Within one owner's tree only.
    pub async fn move_folder(&self, source: &Granted<Folder, RemoveFolder>, name: &Name, over: &InTheWay<Unlink>) -> Result<(), Refusal> {
        let top = source.collection()?;
        let parent = self.takes(top.kind)?;
        if top.parent.is_none() || parent.owner != top.owner || tree::is_within(self.engine(), parent.id, top.id) {
            return Err(Refusal::Unsupported);
        }
        source.may_remove_all()?;
        let depth = self.path().names().len() + 1 + tree_depth(self.engine(), &top);
        if depth > PATH_DEPTH_MAX {
            return Err(Refusal::Limit("depth of the tree"));
        }
        self.takes_name(name)?;
        let mut batch = Batch::new();
        over.clear(parent.id, name, true, &mut batch).await?;
        forget(&top, &mut batch);
        batch.push(Change::RenameCollection {
            collection: top.id,
            parent: parent.id,
            name: name.clone(),
            old_parent_head: Head::default(),
            new_parent_head: Head::default(),
        });
        let renew = || {
            source.renew()?;
            over.renew()?;
            self.renew()
        };
        let path = tree::joined(&self.node().inner_path, name);
        let deeds = tree::arriving(self.engine(), self.node().area, &path, &top);
        self.session.commit_deeds(self.engine(), batch, &deeds, renew).await?;
        Ok(())
    }

    /// The parent, if it can hold a collection of that kind.
    fn takes(&self, kind: CollectionKind) -> Result<Arc<Collection>, Refusal> {
        let parent = self.node().real()?.clone();
        let fits = matches!(
            (parent.kind, kind),
            (CollectionKind::Folder, CollectionKind::Folder)
                | (CollectionKind::CalendarHome, CollectionKind::Calendar)
                | (CollectionKind::AddressbookHome, CollectionKind::Addressbook)
        );
        if !fits {
            return Err(Refusal::Unsupported);
        }
        if self.path().names().len() >= PATH_DEPTH_MAX {
            return Err(Refusal::Limit("depth of the tree"));
        }
        Ok(parent)
    }

    fn room_for(&self, more: usize) -> Result<(), Refusal> {
        let owner = self.node().real()?.owner;
        let home = tree::home(self.engine(), owner, self.node().area).ok_or(Refusal::Missing)?;
        if tree::count(self.engine(), &home) + more > self.session.gate().0.limits.collections_max {
            return Err(Refusal::Limit("folders of one account"));
        }
        Ok(())
    }
}

impl Granted<Folder, RemoveFolder> {
    /// Remove it with all below it, into its owner's trash if that takes it: every part is decided, and it is one commit.
    pub async fn remove(&self) -> Result<(), Refusal> {
        for _ in 0..TRIES_MAX {
            if self.collection()?.parent.is_none() {
                return Err(Refusal::Forbidden(Rights::DELETE_COLLECTION));
            }
            let mut batch = Batch::new();
            self.removal(true, &mut batch).await?;
            match self.commit(batch).await {
                // Somebody else has made or removed what keeps it, or a part of it.
                Err(Refusal::Exists | Refusal::Missing | Refusal::NotEmpty) => {}
                other => return other.map(|_| ()),
            }
        }
        Err(Refusal::Unavailable)
    }

    /// Add to the batch that it goes, into the trash if it is to be kept and that takes it; refused if a part of it may not.
    pub(crate) async fn removal(&self, keeps: bool, batch: &mut Batch) -> Result<(), Refusal> {
        let parts = self.may_remove_all()?;
        if keeps && trash::keep_folder(self.session.gate(), self.node(), &self.collection()?, self.session.account(), batch).await? {
            return Ok(());
        }
        for part in parts.iter().rev() {
            batch.push(Change::RemoveCollection { collection: part.id, parent_head: None });
        }
        Ok(())
    }

    /// The folders in it that may not be removed, as the session names them, with the rights that lack; none if it is a matter of the folder
    /// itself, or of one that the session may not know of.
    pub fn refusing(&self) -> Result<Vec<(Path, Rights)>, Refusal> {
        let mut refusing = Vec::new();
        let mut waiting = vec![self.node().with(self.collection()?)];
        while let Some(node) = waiting.pop() {
            let collection = node.real()?.clone();
            let rights = self.session.rights_of(&node)?;
            let lacking = to_remove(&collection).without(rights);
            if lacking != Rights::NONE {
                if node.path == *self.path() || !rights.contains(Rights::LOOKUP) || refusing.len() >= REFUSING_MAX {
                    return Ok(Vec::new());
                }
                refusing.push((node.path.clone(), lacking));
            }
            let below = self.engine().children(collection.id).into_iter().filter(|child| child.kind != CollectionKind::Versions);
            waiting.extend(below.filter_map(|child| self.session.child_node(&node, &child)));
        }
        Ok(refusing)
    }

    /// Every collection at and below it, parents first; refused if one of them may not be removed.
    pub(crate) fn may_remove_all(&self) -> Result<Vec<Arc<Collection>>, Refusal> {
        let top = self.collection()?;
        let mut parts = Vec::new();
        let mut waiting = vec![self.node().with(top)];
        while let Some(node) = waiting.pop() {
            let collection = node.real()?.clone();
            let rights = self.session.rights_of(&node)?;
            let needs = to_remove(&collection);
            if !rights.contains(needs) {
                return Err(Refusal::Forbidden(needs.without(rights)));
            }
            parts.push(collection.clone());
            for child in self.engine().children(collection.id) {
                // Versions go with their folder.
                if child.kind == CollectionKind::Versions {
                    parts.push(child);
                } else {
                    waiting.push(self.session.child_node(&node, &child).ok_or(Refusal::Unsupported)?);
                }
            }
            if parts.len() > TREE_PARTS_MAX {
                return Err(Refusal::Limit("parts of one removal"));
            }
        }
        Ok(parts)
    }
}

impl<P> Granted<Folder, P> {
    /// Names of what lies beside the documents cannot be taken.
    fn takes_name(&self, name: &Name) -> Result<(), Refusal> {
        let top = self.node().inner_path.is_empty();
        let ours = name.as_str() == VERSIONS || (top && name.as_str() == TRASH);
        if self.node().area == Area::Files && ours { Err(Refusal::Unsupported) } else { Ok(()) }
    }
}

/// Have others rights on it? It is told of calendars only.
fn is_shared(engine: &dyn Engine, collection: &Arc<Collection>) -> bool {
    collection.kind == CollectionKind::Calendar && !in_force(engine, collection).0.is_empty()
}

/// The rights that removing a collection takes.
fn to_remove(collection: &Collection) -> Rights {
    if collection.head.items > 0 { Rights::DELETE_COLLECTION | Rights::EXPUNGE } else { Rights::DELETE_COLLECTION }
}

/// What somebody was told of a meeting is no object of a calendar.
fn is_no_message<P: Purpose<File>>(source: &Granted<File, P>) -> Result<(), Refusal> {
    if source.node().real()?.kind == CollectionKind::Inbox { Err(Refusal::Unsupported) } else { Ok(()) }
}

fn item_member(item: &Item) -> Option<Member> {
    Some(Member { name: item.name.clone()?, modseq: item.modseq, is: MemberIs::Item(item.clone()) })
}

/// Levels below `top`.
fn tree_depth(engine: &dyn octroi_engine::Engine, top: &Arc<Collection>) -> usize {
    let mut level = vec![top.clone()];
    let mut depth = 0;
    while depth <= PATH_DEPTH_MAX {
        level = level.iter().flat_map(|c| engine.children(c.id)).collect();
        if level.is_empty() {
            break;
        }
        depth += 1;
    }
    depth
}
