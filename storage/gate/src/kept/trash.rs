//! The trash: what was removed from somebody's documents, by whomever, under the path from which it was removed.
//!
//! `.trash` and the *bins* in it, one for each folder that something was removed from, are collections of [`CollectionKind::Trash`]. A document
//! lies in its bin as an item, a folder as what it was, with all that is in it. Of two with the same name the later one gets the time into it.

use crate::admin::Admin;
use crate::gate::{Gate, new_collection};
use crate::kept::room::{self, Kept};
use crate::kept::{Shelf, beside, is_passing, marked, original_name, stamp};
use crate::refusal::Refusal;
use crate::tree::{self, Node};
use octroi_engine::{Batch, Change, Engine, Expect};
use octroi_model::{AccountId, Address, Collection, CollectionId, CollectionKind, Flags, Head, Item, ModSeq, Name, Path, Uid, UnixTime};
use octroi_policy::Area;
use std::sync::Arc;

/// The trash at the top of somebody's documents.
pub const TRASH: &str = ".trash";
/// The property of a folder in it: when it was removed, by which account, and how it was called.
pub(crate) const REMOVED: &str = "removed";
/// The property of a bin whose name was taken by something that was removed: how the folder is called that it is for.
pub(crate) const NAME: &str = "name";
/// Properties of one collection, as the engine has it: one that has them all is not noted when it was removed, and stays until it is taken out.
const PROPERTIES_MAX: usize = 64;
/// Names tried for one thing.
const NAMES_MAX: usize = 100;
/// Things that go in one commit when a trash is emptied.
const TOGETHER: usize = 200;

/// Something in somebody's trash.
#[derive(Debug, Clone)]
pub struct TrashLine {
    /// Where it is in the trash.
    pub path: Path,
    /// Where it was, as its owner named it.
    pub from: Path,
    /// When it was removed.
    pub at: Option<UnixTime>,
    /// By whom, if they still have an account.
    pub by: Option<Address>,
    /// Octets, with all in it.
    pub bytes: u64,
    /// A folder.
    pub folder: bool,
}

/// When and by whom a folder was removed, and how it was called.
pub(crate) fn removed(folder: &Collection) -> Option<(UnixTime, AccountId, Name)> {
    let mut words = folder.property(REMOVED)?.splitn(3, ' ');
    let (at, by, name) = (words.next()?, words.next()?, words.next()?);
    Some((UnixTime(at.parse().ok()?), AccountId(by.parse().ok()?), Name::new(name).ok()?))
}

/// Where something goes, and whether it is made in this batch.
struct Bin {
    id: CollectionId,
    fresh: bool,
}

/// Add to the batch that the document is kept; its removal is the caller's. `false`: it is not kept.
pub(crate) async fn keep_file(gate: &Gate, node: &Node, item: &Item, by: AccountId, batch: &mut Batch) -> Result<bool, Refusal> {
    let Some(name) = item.name.as_ref().filter(|name| is_kept_in_trash(gate, node) && item.bytes() > 0 && !is_passing(name)) else {
        return Ok(false);
    };
    let Some(bin) = bin_for(gate, node.owner, &names(&node.inner_path)?, item.bytes(), batch).await? else { return Ok(false) };
    let called = free_name(gate.engine(), &bin, name).await?;
    let by = by.0.to_string();
    let original = (called != *name).then_some(name.as_str());
    let properties = beside::with(item.properties.as_deref(), &[(beside::BY, Some(&by)), (beside::NAME, original)]);
    let kept = Item { uid: Uid(0), modseq: ModSeq(0), flags: Flags::NONE, name: Some(called), properties, ..item.clone() };
    batch.push(Change::Put { collection: bin.id, item: kept, head: Head::default() });
    Ok(true)
}

/// Add to the batch that a folder goes into the trash with all that is in it. `false`: it is not kept, and to be removed.
pub(crate) async fn keep_folder(
    gate: &Gate,
    node: &Node,
    top: &Arc<Collection>,
    by: AccountId,
    batch: &mut Batch,
) -> Result<bool, Refusal> {
    let parts = tree::subtree(gate.engine(), top);
    let bytes: u64 = parts.iter().map(|part| part.head.bytes).sum();
    if !is_kept_in_trash(gate, node) || bytes == 0 || is_passing(&top.name) {
        return Ok(false);
    }
    // Whoever makes and removes folders in a loop fills no more than their own trash.
    let room = gate.0.limits.collections_max.checked_sub(parts.len());
    let Some(room) = room else { return Ok(false) };
    room::shrink_folders(gate.engine(), node.owner, room, batch).await?;
    let mut path = names(&node.inner_path)?;
    path.pop();
    let Some(bin) = bin_for(gate, node.owner, &path, bytes, batch).await? else { return Ok(false) };
    let name = free_name(gate.engine(), &bin, &top.name).await?;
    batch.push(Change::RenameCollection {
        collection: top.id,
        parent: bin.id,
        name,
        old_parent_head: Head::default(),
        new_parent_head: Head::default(),
    });
    if top.properties.len() < PROPERTIES_MAX {
        let value = format!("{} {} {}", UnixTime::now().0, by.0, top.name);
        batch.push(Change::SetProperty { collection: top.id, name: REMOVED.into(), value: Some(value.into()), head: Head::default() });
    }
    Ok(true)
}

/// Add to the batch that a folder that comes out of the trash is as it was.
pub(crate) fn forget(folder: &Collection, batch: &mut Batch) {
    if folder.property(REMOVED).is_some() {
        batch.push(Change::SetProperty { collection: folder.id, name: REMOVED.into(), value: None, head: Head::default() });
    }
}

/// Is there a trash for what is at this place?
fn is_kept_in_trash(gate: &Gate, node: &Node) -> bool {
    gate.0.limits.trash_days > 0 && node.area == Area::Files && node.shelf == Shelf::Live
}

/// The segments of a path as its owner names it.
fn names(inner_path: &str) -> Result<Vec<Name>, Refusal> {
    let segments = inner_path.split('/').filter(|segment| !segment.is_empty());
    segments.map(Name::new).collect::<Result<_, _>>().map_err(|_| Refusal::Unsupported)
}

/// The bin for a folder, made with all above it where it is missing. `None`: it does not take so much.
async fn bin_for(gate: &Gate, owner: AccountId, path: &[Name], bytes: u64, batch: &mut Batch) -> Result<Option<Bin>, Refusal> {
    let (engine, bytes_max) = (gate.engine(), gate.0.limits.trash_bytes_max);
    if bytes_max > 0 && (bytes > bytes_max || !room::shrink_trash(engine, owner, bytes_max - bytes, batch).await?) {
        return Ok(None);
    }
    let home = tree::home(engine, owner, Area::Files).ok_or(Refusal::Missing)?;
    let top = Name::new(TRASH).map_err(|_| Refusal::Unsupported)?;
    let mut bin = match engine.child(home.id, &top) {
        Some(trash) if trash.kind == CollectionKind::Trash => Bin { id: trash.id, fresh: false },
        // Somebody's own folder of that name.
        Some(_) => return Ok(None),
        None => {
            let mut trash = new_collection(engine, Some(home.id), top, CollectionKind::Trash, owner);
            // Whoever all documents are shared with: not this.
            trash.acl = Some(Vec::new());
            make(trash, batch)
        }
    };
    for name in path {
        let is_it = |below: &Arc<Collection>| below.kind == CollectionKind::Trash && original_name(below) == *name;
        let there = if bin.fresh { None } else { engine.children(bin.id).into_iter().find(is_it) };
        bin = if let Some(below) = there {
            Bin { id: below.id, fresh: false }
        } else {
            let called = free_name(engine, &bin, name).await?;
            let mut below = new_collection(engine, Some(bin.id), called.clone(), CollectionKind::Trash, owner);
            if called != *name {
                below.properties.push((NAME.into(), name.as_str().into()));
            }
            make(below, batch)
        };
    }
    Ok(Some(bin))
}

fn make(collection: Collection, batch: &mut Batch) -> Bin {
    let id = collection.id;
    batch.push(Change::CreateCollection { collection, parent_head: None });
    Bin { id, fresh: true }
}

/// The name itself, or one with the time in it.
async fn free_name(engine: &dyn Engine, bin: &Bin, name: &Name) -> Result<Name, Refusal> {
    if bin.fresh {
        return Ok(name.clone());
    }
    let view = engine.view(bin.id).await?;
    let is_free = |name: &Name| view.by_name(name).is_none() && engine.child(bin.id, name).is_none();
    if is_free(name) {
        return Ok(name.clone());
    }
    let time = stamp(UnixTime::now());
    let mut marks = (1..NAMES_MAX).map(|number| if number == 1 { time.clone() } else { format!("{time}-{number}") });
    marks.find_map(|mark| marked(name, &mark).filter(is_free)).ok_or(Refusal::Unavailable)
}

impl Admin {
    /// What is in somebody's trash, the oldest first.
    pub async fn trash(&self, owner: &Address) -> Result<Vec<TrashLine>, Refusal> {
        let account = self.account(owner)?;
        let engine = self.gate.engine();
        let mut lines = Vec::new();
        for kept in room::entries(engine, account.id).await?.iter().filter(|kept| kept.in_trash) {
            let by = kept.by.and_then(|id| engine.account(id)).map(|account| account.address.clone());
            let (at, bytes, folder) = (kept.at, kept.bytes, kept.is_folder());
            lines.push(TrashLine { path: kept.path.clone(), from: kept.from.clone(), at, by, bytes, folder });
        }
        Ok(lines)
    }

    /// Put something from somebody's trash back where it was, or elsewhere, with the folders above it that are missing.
    /// [`Refusal::Exists`] if there is something. Returns where it is now.
    pub async fn restore_from_trash(&self, owner: &Address, path: &Path, to: Option<&Path>) -> Result<Path, Refusal> {
        let account = self.account(owner)?;
        let engine = self.gate.engine();
        let entries = room::entries(engine, account.id).await?;
        let kept = entries.iter().find(|kept| kept.in_trash && kept.path == *path).ok_or(Refusal::Missing)?;
        let to = to.unwrap_or(&kept.from);
        let (above, name) = to.split_last().ok_or(Refusal::Exists)?;
        if name.as_str() == super::versions::VERSIONS || to.names()[0].as_str() == TRASH {
            return Err(Refusal::Unsupported);
        }
        let mut batch = Batch::new();
        let into = folder_for(engine, account.id, &above, &mut batch)?;
        if !into.fresh {
            batch.expect(Expect::Absent { collection: into.id, name: name.clone() });
        }
        let into = into.id;
        self.take_out(kept, into, name, &mut batch).await?;
        match engine.commit(batch).await.map_err(Refusal::from) {
            Err(Refusal::Precondition) => return Err(Refusal::Exists),
            other => other?,
        };
        self.note("trash restore", &format!("{owner} {}", path.join("/")), &to.join("/")).await;
        Ok(to.clone())
    }

    async fn take_out(&self, kept: &Kept, into: CollectionId, name: &Name, batch: &mut Batch) -> Result<(), Refusal> {
        let engine = self.gate.engine();
        match &kept.what {
            room::What::Item { collection, uid } => {
                let view = engine.view(*collection).await?;
                let item = view.by_uid(*uid).ok_or(Refusal::Missing)?;
                let item = Item { uid: Uid(0), modseq: ModSeq(0), name: Some(name.clone()), properties: as_it_was(item), ..item.clone() };
                batch.push(Change::Put { collection: into, item, head: Head::default() });
                batch.expect(Expect::Unchanged {
                    collection: *collection,
                    uid: *uid,
                    modseq: view.by_uid(*uid).map_or(ModSeq(0), |i| i.modseq),
                });
                kept.remove(batch);
            }
            room::What::Folder(parts) => {
                let top = parts.first().and_then(|id| engine.collection(*id)).ok_or(Refusal::Missing)?;
                let (collection, name) = (top.id, name.clone());
                let (old_parent_head, new_parent_head) = (Head::default(), Head::default());
                batch.push(Change::RenameCollection { collection, parent: into, name, old_parent_head, new_parent_head });
                forget(&top, batch);
            }
        }
        Ok(())
    }

    /// Remove for good what was put into somebody's trash before a moment. Returns how many things went.
    pub async fn empty_trash(&self, owner: &Address, before: UnixTime) -> Result<usize, Refusal> {
        let account = self.account(owner)?;
        let engine = self.gate.engine();
        let entries = room::entries(engine, account.id).await?;
        let old: Vec<&Kept> = entries.iter().filter(|kept| kept.in_trash && kept.at.is_none_or(|at| at < before)).collect();
        for together in old.chunks(TOGETHER) {
            let mut batch = Batch::new();
            for kept in together {
                kept.remove(&mut batch);
            }
            engine.commit(batch).await?;
        }
        self.note("trash empty", &owner.to_string(), &format!("{} things", old.len())).await;
        Ok(old.len())
    }
}

/// What is beside a document that comes out of the trash.
pub(crate) fn as_it_was(item: &Item) -> Option<Arc<[u8]>> {
    beside::with(item.properties.as_deref(), &[(beside::BY, None), (beside::NAME, None)])
}

/// A folder of somebody's, made with all above it where it is missing.
fn folder_for(engine: &dyn Engine, owner: AccountId, path: &Path, batch: &mut Batch) -> Result<Bin, Refusal> {
    let (mut at, mut fresh) = (tree::home(engine, owner, Area::Files).ok_or(Refusal::Missing)?.id, false);
    for name in path.names() {
        match engine.child(at, name).filter(|_| !fresh) {
            Some(child) if child.kind == CollectionKind::Folder => at = child.id,
            Some(_) => return Err(Refusal::Unsupported),
            None => {
                let folder = new_collection(engine, Some(at), name.clone(), CollectionKind::Folder, owner);
                at = folder.id;
                fresh = true;
                batch.push(Change::CreateCollection { collection: folder, parent_head: None });
            }
        }
    }
    Ok(Bin { id: at, fresh })
}
