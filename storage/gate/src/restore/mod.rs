//! Giving an account back what it once had, from a backup that was opened as of a moment.
//!
//! Called by the administration only. What holds: nothing that is there is written over or removed. A message is missing if the target has
//! fewer of the same content than the source had; anything with a name is missing if the name is free. So a restore that was interrupted is
//! gone on with by asking for it again. Access lists are not brought back: what is restored is its owner's alone, or as its parent is.
//! Scripts come back with everything else of the account (`scripts`), and not with one folder; what hung on calendar objects comes back with the
//! objects that carry it (`hung`).

mod hung;
mod scripts;

use crate::acts::folder::DISPLAY_NAME;
use crate::admin::{Admin, NewAccount};
use crate::gate::new_collection;
use crate::refusal::Refusal;
use crate::tree::{self, home_kind};
use octroi_engine::{BackupError, Batch, Body, Change, CommitError, Engine, Expect, Part, Past, Progress, ReadError, Unit};
use octroi_model::{
    Account, Address, Collection, CollectionId, CollectionKind, ContentRef, Flags, Hash, Item, ModSeq, Name, Path, SpecialUse, Uid,
    UnixTime,
};
use octroi_policy::Area;
use std::collections::HashMap;
use std::sync::Arc;

/// Items looked at together.
const PAGE_ITEMS: u32 = 200;
/// Octets of contents in one commit; what is larger than a step goes alone. Bounds the memory.
const COMMIT_BYTES: u64 = 4 << 20;
/// Contents above this are brought over in pieces of it.
const STEP_BYTES: u64 = 1 << 20;
/// Times that a page is tried again because somebody took a name in between.
const TRIES_MAX: u32 = 10;
/// Deepest tree that is followed.
const DEPTH_MAX: usize = 64;

/// What to bring back, and where to.
#[derive(Debug, Clone)]
pub struct RestoreOrder {
    /// Whose.
    pub account: Address,
    /// A collection and all below it; `None` is everything of the account.
    pub place: Option<(Area, Path)>,
    /// A collection of this name holds it, made if it is not there; `None` puts it where it was.
    pub into: Option<Name>,
    /// Make the account if it is gone, without credentials.
    pub create: bool,
}

/// What was brought back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Restored {
    /// Collections that were made.
    pub collections: u64,
    /// Items that were added.
    pub items: u64,
    /// Items that were there already.
    pub present: u64,
    /// Items whose name something else has now.
    pub taken: u64,
    /// What is no longer in the backup, or damaged there, one sentence each; at most [`LOST_MAX`].
    pub lost: Vec<String>,
    /// The account was made.
    pub account_made: bool,
}

/// Lost items that are listed.
pub const LOST_MAX: usize = 1000;

/// One collection of the past and where it goes.
struct Pair {
    source: Arc<Collection>,
    area: Area,
    /// Names from the home down, in the target; none is the home itself.
    path: Vec<Name>,
}

/// What a collection lacks.
struct Lacking {
    /// How many of each content there are that no item of the source has been matched with yet, of messages.
    spare: HashMap<Hash, u32>,
}

impl Admin {
    /// Bring back what an account had.
    pub async fn restore(&self, past: &Past, order: &RestoreOrder, progress: &Progress) -> Result<Restored, BackupError> {
        let mut restored = Restored::default();
        restored.lost.extend(past.faults().iter().take(LOST_MAX).map(|fault| format!("what the journal said at a place: {fault}")));
        let then = past.account_by_key(&order.account.key());
        let then = then.ok_or_else(|| failed(format!("{} was not there at that moment", order.account)))?;
        let mut pairs = Vec::new();
        for (area, _) in Area::ALL {
            if order.place.as_ref().is_none_or(|(asked, _)| *asked == area) {
                collect(past, &then, area, order, &mut pairs)?;
            }
        }
        let account = self.account_for(&then, order, &mut restored).await?;
        let hung = pairs.iter().any(|pair| pair.area == Area::Calendars).then(|| hung::source(past, then.id)).flatten();
        let sources = pairs.iter().map(|pair| &pair.source).chain(&hung);
        progress.begin("restoring", Unit::Items, sources.map(|source| u64::from(source.head.items)).sum());
        let work = Work { engine: self.engine(), past, progress, order, account: &account, collections_max: self.collections_max() };
        for pair in &pairs {
            work.collection(pair, &mut restored).await?;
        }
        if let Some(source) = &hung {
            self.attachments_back(&work, source, then.id, &mut restored).await?;
        }
        if order.place.is_none() {
            self.scripts_back(past, then.id, &account, order.into.as_ref(), &mut restored).await?;
        }
        let subject = order.account.to_string();
        self.note("backup restore", &subject, &format!("{} items from {}", restored.items, past.snapshot())).await;
        Ok(restored)
    }

    async fn account_for(&self, then: &Account, order: &RestoreOrder, restored: &mut Restored) -> Result<Arc<Account>, BackupError> {
        let key = order.account.key();
        if self.engine().account_by_key(&key).is_none() {
            if !order.create {
                return Err(failed(format!("there is no account {}; --create makes it", order.account)));
            }
            let new = NewAccount {
                address: &then.address,
                display_name: &then.display_name,
                profile: &then.profile,
                password: None,
                remote_access: then.remote_access,
            };
            self.add_account(new).await.map_err(|refusal| match refusal {
                Refusal::Missing => failed(format!("there is no profile `{}`, which {} had", then.profile, then.address)),
                other => failed(format!("{} cannot be made: {other}", then.address)),
            })?;
            restored.account_made = true;
        }
        self.engine().account_by_key(&key).ok_or_else(|| failed(format!("there is no account {}", order.account)))
    }
}

/// The collections of an area that are asked for, each after the one that holds it.
fn collect(past: &Past, then: &Account, area: Area, order: &RestoreOrder, pairs: &mut Vec<Pair>) -> Result<(), BackupError> {
    let home = past.homes(then.id).into_iter().find(|collection| collection.kind == home_kind(area));
    let Some(home) = home else { return Ok(()) };
    let (mut at, mut names) = (home, Vec::new());
    if let Some((_, path)) = &order.place {
        for name in path.names() {
            let same = |found: &Name| found == name || (at.kind == CollectionKind::MailHome && is_inbox(name) && is_inbox(found));
            let child = past.children(at.id).into_iter().find(|child| same(&child.name));
            at = child.ok_or_else(|| failed(format!("there was no {}/{} at that moment", area.name(), path.join("/"))))?;
            names.push(at.name.clone());
        }
    }
    let mut todo = vec![(at, names)];
    while let Some((collection, names)) = todo.pop() {
        if names.len() > DEPTH_MAX {
            return Err(failed(format!("{} is nested too deeply", names.iter().map(Name::as_str).collect::<Vec<_>>().join("/"))));
        }
        for child in past.children(collection.id).into_iter().filter(|child| comes_back(child.kind, order)) {
            let mut below = names.clone();
            below.push(child.name.clone());
            todo.push((child, below));
        }
        // A home that holds no items of its own is where it is anyway.
        if !names.is_empty() || area == Area::Files {
            pairs.push(Pair { path: target_path(area, &names, order.into.as_ref())?, source: collection, area });
        }
    }
    Ok(())
}

/// What was thrown away then, or was another version, is not what was there. What hung on objects comes with them. An inbox of meetings is none in
/// another place.
fn comes_back(kind: CollectionKind, order: &RestoreOrder) -> bool {
    match kind {
        CollectionKind::Attachments => false,
        CollectionKind::Inbox | CollectionKind::Outbox => order.into.is_none(),
        kind => !crate::kept::is_kept_aside(kind),
    }
}

/// Mail and documents go below a collection; calendars and address books stand beside one another, under longer names.
fn target_path(area: Area, names: &[Name], into: Option<&Name>) -> Result<Vec<Name>, BackupError> {
    let Some(into) = into else { return Ok(names.to_vec()) };
    let path = match area {
        Area::Mail | Area::Files => std::iter::once(into).chain(names).cloned().collect(),
        Area::Calendars | Area::Contacts => {
            let inner = names.iter().map(Name::as_str).collect::<Vec<_>>().join(" ");
            vec![Name::new(&format!("{into} {inner}")).map_err(|error| failed(format!("{into} {inner}: {error}")))?]
        }
    };
    let checked = Path::from_names(path).map_err(|error| failed(format!("a folder below {into}: {error}")))?;
    Ok(checked.names().to_vec())
}

fn is_inbox(name: &Name) -> bool {
    name.as_str().eq_ignore_ascii_case("INBOX")
}

struct Work<'a> {
    engine: &'a dyn Engine,
    past: &'a Past,
    progress: &'a Progress,
    order: &'a RestoreOrder,
    account: &'a Account,
    collections_max: usize,
}

impl Work<'_> {
    async fn collection(&self, pair: &Pair, restored: &mut Restored) -> Result<(), BackupError> {
        let target = self.target(pair, restored).await?;
        if pair.source.head.items == 0 {
            return Ok(());
        }
        let bits = self.keywords(&pair.source, target).await?;
        let mut lacking = self.lacking(target).await?;
        let mut after = Uid(0);
        loop {
            let page = self.past.items(pair.source.id, after, PAGE_ITEMS).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.uid;
            let mut missing = Vec::new();
            for item in page {
                if item.name.is_none() && lacking.take(item.hash) {
                    restored.present += 1;
                    self.progress.step(1)?;
                } else {
                    missing.push(item);
                }
            }
            self.items(&pair.source, target, &bits, missing, restored).await?;
        }
    }

    /// The collection that the items go to, made with all above it that is missing.
    async fn target(&self, pair: &Pair, restored: &mut Restored) -> Result<CollectionId, BackupError> {
        let gone = || failed(format!("{} has no {}", self.account.address, pair.area.name()));
        let home = tree::home(self.engine, self.account.id, pair.area).ok_or_else(gone)?;
        let is_alone = matches!(pair.source.kind, CollectionKind::Inbox | CollectionKind::Outbox);
        // There is one, whatever it is called.
        if is_alone && let Some(there) = self.engine.children(home.id).into_iter().find(|child| child.kind == pair.source.kind) {
            return Ok(there.id);
        }
        let mut at = home.clone();
        for (depth, name) in pair.path.iter().enumerate() {
            if let Some(child) = tree::child(self.engine, &at, name) {
                at = child;
                continue;
            }
            if tree::subtree(self.engine, &home).len() >= self.collections_max {
                return Err(failed(format!("{} has as many collections as it may", self.account.address)));
            }
            let last = depth + 1 == pair.path.len();
            let kind = match pair.area {
                Area::Mail => CollectionKind::Mailbox,
                Area::Calendars if is_alone => pair.source.kind,
                Area::Calendars => CollectionKind::Calendar,
                Area::Contacts => CollectionKind::Addressbook,
                Area::Files => CollectionKind::Folder,
            };
            let mut collection = new_collection(self.engine, Some(at.id), name.clone(), kind, self.account.id);
            // The top of what is restored as a whole is new, and nothing of the past.
            if last && pair.source.parent.is_some() {
                self.dress(&pair.source, &home, &mut collection);
            }
            let id = collection.id;
            let mut batch = Batch::new();
            batch.push(Change::CreateCollection { collection, parent_head: None });
            match self.engine.commit(batch).await {
                Ok(_) => restored.collections += 1,
                // Somebody made one just now, or a document has the name.
                Err(CommitError::Exists) => {
                    let there = tree::child(self.engine, &at, name);
                    at = there.ok_or_else(|| failed(format!("the name {name} is taken by something else")))?;
                    continue;
                }
                Err(error) => return Err(committed(&error)),
            }
            at = self.engine.collection(id).ok_or_else(gone)?;
        }
        Ok(at.id)
    }

    /// What a collection that is made anew takes over from the one it was.
    fn dress(&self, source: &Collection, home: &Arc<Collection>, collection: &mut Collection) {
        collection.properties.clone_from(&source.properties);
        if let Some(into) = &self.order.into {
            // Programs show this name, and must not show two of the same. As XML it would go before.
            collection.properties.retain(|(name, _)| &**name != "{DAV:}displayname");
            for (_, value) in collection.properties.iter_mut().filter(|(name, _)| &**name == DISPLAY_NAME) {
                *value = format!("{into} {value}").into();
            }
        } else {
            let used = |wanted: SpecialUse| tree::subtree(self.engine, home).iter().any(|c| c.special_use == Some(wanted));
            collection.special_use = source.special_use.filter(|wanted| !used(*wanted));
        }
    }

    /// For each keyword of the source, the bit that it has in the target; `None` when there is no room for it.
    async fn keywords(&self, source: &Collection, target: CollectionId) -> Result<Vec<Option<Flags>>, BackupError> {
        let mut bits = Vec::new();
        for keyword in &source.keywords {
            let mut batch = Batch::new();
            batch.push(Change::AddKeyword { collection: target, keyword: keyword.clone() });
            match self.engine.commit(batch).await {
                Ok(_) | Err(CommitError::Full) => {}
                Err(error) => return Err(committed(&error)),
            }
            let there = self.engine.collection(target);
            let index = there.and_then(|c| c.keywords.iter().position(|k| k.eq_ignore_ascii_case(keyword)));
            bits.push(index.and_then(Flags::keyword));
        }
        Ok(bits)
    }

    async fn lacking(&self, target: CollectionId) -> Result<Lacking, BackupError> {
        let view = self.engine.view(target).await?;
        let mut spare = HashMap::new();
        for item in view.items().filter(|item| item.name.is_none()) {
            *spare.entry(item.hash).or_default() += 1;
        }
        Ok(Lacking { spare })
    }

    /// Add items, as many in a commit as its size allows.
    async fn items(
        &self,
        source: &Collection,
        target: CollectionId,
        bits: &[Option<Flags>],
        missing: Vec<Item>,
        restored: &mut Restored,
    ) -> Result<(), BackupError> {
        let mut together = Vec::new();
        let mut bytes = 0;
        for item in missing {
            if !together.is_empty() && bytes + item.bytes() > COMMIT_BYTES {
                self.commit(source, target, bits, &together, restored).await?;
                together.clear();
                bytes = 0;
            }
            bytes += item.bytes();
            together.push(item);
        }
        self.commit(source, target, bits, &together, restored).await
    }

    async fn commit(
        &self,
        source: &Collection,
        target: CollectionId,
        bits: &[Option<Flags>],
        items: &[Item],
        restored: &mut Restored,
    ) -> Result<(), BackupError> {
        for _ in 0..TRIES_MAX {
            let mut now = Restored::default();
            let view = self.engine.view(target).await?;
            let mut batch = Batch::new();
            for item in items {
                if let Some(name) = &item.name {
                    if let Some(there) = view.by_name(name) {
                        if there.hash == item.hash {
                            now.present += 1;
                        } else {
                            now.taken += 1;
                        }
                        continue;
                    }
                    if self.engine.child(target, name).is_some() {
                        now.taken += 1;
                        continue;
                    }
                    batch.expect(Expect::Absent { collection: target, name: name.clone() });
                }
                match self.body(item).await? {
                    Ok(body) => {
                        let body = batch.body(body);
                        batch.put(target, fresh(item, bits), body);
                        now.items += 1;
                    }
                    Err(why) => now.lost.push(format!("{}: {}: {why}", source.name, described(item))),
                }
            }
            if !batch.is_empty() {
                match self.engine.commit(batch).await {
                    Ok(_) => {}
                    // Somebody took one of the names.
                    Err(CommitError::Expectation(_) | CommitError::Exists) => continue,
                    Err(error) => return Err(committed(&error)),
                }
            }
            restored.items += now.items;
            restored.present += now.present;
            restored.taken += now.taken;
            let room = LOST_MAX.saturating_sub(restored.lost.len());
            restored.lost.extend(now.lost.into_iter().take(room));
            return self.progress.step(items.len() as u64);
        }
        Err(failed(format!("{} changes too quickly", source.name)))
    }

    /// The content as the backup has it; the inner error says why this one item cannot be had.
    async fn body(&self, item: &Item) -> Result<Result<Body, String>, BackupError> {
        let body = if item.bytes() > STEP_BYTES { self.large(&item.content).await } else { self.small(&item.content).await };
        match body {
            Ok(body) if body.hash() == item.hash => Ok(Ok(body)),
            Ok(_) => Ok(Err("its content does not have its hash".to_owned())),
            Err(Fault::Read(ReadError::Gone)) => Ok(Err("its content had been given back when the backup was made".to_owned())),
            Err(Fault::Read(ReadError::Damaged(why))) => Ok(Err(why)),
            Err(Fault::Read(ReadError::Storage(why))) => Err(failed(why)),
            Err(Fault::Commit(error)) => Err(committed(&error)),
            Err(Fault::Stopped(error)) => Err(error),
        }
    }

    async fn facts(&self, content: &ContentRef) -> Result<Vec<u8>, Fault> {
        if content.facts_stored == 0 { Ok(Vec::new()) } else { Ok(self.past.read(*content, Part::Facts).await?) }
    }

    async fn small(&self, content: &ContentRef) -> Result<Body, Fault> {
        let facts = self.facts(content).await?;
        let octets = self.past.read(*content, Part::Whole).await?;
        let header_bytes = content.header_bytes as usize;
        let made = tokio::task::spawn_blocking(move || Body::message(&facts, &octets, header_bytes)).await;
        made.map_err(|error| Fault::Read(ReadError::Storage(error.to_string())))
    }

    async fn large(&self, content: &ContentRef) -> Result<Body, Fault> {
        let mut stage = self.engine.stage().await?;
        let mut offset = 0;
        while offset < content.bytes() {
            let octets = self.past.read(*content, Part::Range { offset, bytes: STEP_BYTES }).await?;
            stage.write(&octets).await?;
            offset += STEP_BYTES;
            self.progress.step(0).map_err(Fault::Stopped)?;
        }
        let (facts, header_bytes) = (self.facts(content).await?, content.header_bytes as usize);
        if facts.is_empty() && header_bytes == 0 {
            return Ok(stage.finish(None).await?);
        }
        Ok(stage.finish(Some(Box::new(move |_| (facts, header_bytes)))).await?)
    }
}

impl Lacking {
    /// Is one of this content there? It is not counted again.
    fn take(&mut self, hash: Hash) -> bool {
        match self.spare.get_mut(&hash) {
            Some(count) if *count > 0 => {
                *count -= 1;
                true
            }
            _ => false,
        }
    }
}

/// The item as it is asked for: everything of it that its collection does not give out.
fn fresh(item: &Item, bits: &[Option<Flags>]) -> Item {
    let keywords = item.flags.keyword_indexes().filter_map(|index| bits.get(index).copied().flatten());
    let flags = keywords.fold(item.flags.without(Flags::all_keywords()), |flags, bit| flags | bit);
    Item {
        uid: Uid(0),
        modseq: ModSeq(0),
        flags,
        saved: UnixTime(0),
        content: ContentRef::default(),
        hash: Hash::default(),
        ..item.clone()
    }
}

fn described(item: &Item) -> String {
    item.name.as_ref().map_or_else(|| format!("message {}", item.uid), ToString::to_string)
}

/// What can go wrong with one content.
enum Fault {
    Read(ReadError),
    Commit(CommitError),
    Stopped(BackupError),
}

impl From<ReadError> for Fault {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

impl From<CommitError> for Fault {
    fn from(error: CommitError) -> Self {
        Self::Commit(error)
    }
}

fn failed(why: impl Into<String>) -> BackupError {
    BackupError::Failed(why.into())
}

fn committed(error: &CommitError) -> BackupError {
    failed(format!("the store refused: {error}"))
}
