//! What is kept aside, as a list by age, and making room of it: documents come first, so the oldest of it goes when a quota is short.

use crate::gate::Gate;
use crate::kept::trash::{TRASH, removed};
use crate::kept::versions::expunge;
use crate::kept::{beside, original_name};
use crate::refusal::Refusal;
use crate::tree;
use octroi_engine::{Batch, Change, Engine};
use octroi_model::{
    AccountId, Collection, CollectionId, CollectionKind, Item, Name, Path, Quota, QuotaRoot, QuotaUsage, Uid, UidSet, UnixTime,
};
use octroi_policy::Area;
use std::sync::Arc;

/// Something that is kept, and can go by itself.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    /// Since when; not known of a folder that had no room for a note.
    pub(crate) at: Option<UnixTime>,
    pub(crate) by: Option<AccountId>,
    pub(crate) bytes: u64,
    /// In the trash; a version otherwise.
    pub(crate) in_trash: bool,
    /// Where it lies, below the trash; of versions nothing.
    pub(crate) path: Path,
    /// Where it was.
    pub(crate) from: Path,
    /// The collection that it is in.
    pub(crate) within: CollectionId,
    pub(crate) what: What,
}

/// What it is.
#[derive(Debug, Clone)]
pub(crate) enum What {
    Item {
        collection: CollectionId,
        uid: Uid,
    },
    /// A folder and every collection below it, parents first.
    Folder(Vec<CollectionId>),
}

impl Kept {
    pub(crate) fn is_folder(&self) -> bool {
        matches!(self.what, What::Folder(_))
    }

    /// Add to the batch that it is gone.
    pub(crate) fn remove(&self, batch: &mut Batch) {
        match &self.what {
            What::Item { collection, uid } => {
                batch.push(expunge(*collection, UidSet::from_uids([*uid])));
            }
            What::Folder(parts) => {
                for part in parts.iter().rev() {
                    batch.push(Change::RemoveCollection { collection: *part, parent_head: None });
                }
            }
        }
    }
}

/// All that is kept of somebody's documents, the oldest first.
pub(crate) async fn entries(engine: &dyn Engine, owner: AccountId) -> Result<Vec<Kept>, Refusal> {
    let mut found = Vec::new();
    let Some(home) = tree::home(engine, owner, Area::Files) else { return Ok(found) };
    let mut waiting = vec![(home, Path::top(), Path::top())];
    while let Some((collection, path, from)) = waiting.pop() {
        let in_trash = collection.kind == CollectionKind::Trash;
        if in_trash || collection.kind == CollectionKind::Versions {
            let view = engine.view(collection.id).await?;
            found.extend(view.items().filter_map(|item| item_entry(&collection, item, &path, &from)));
        }
        for child in engine.children(collection.id) {
            let top = child.name.as_str() == TRASH && child.kind == CollectionKind::Trash && !in_trash;
            let below = if top { Some((Path::top(), Path::top())) } else { both(&path, &from, &child) };
            let Some((path, from)) = below else { continue };
            if in_trash && child.kind != CollectionKind::Trash {
                found.push(folder_entry(engine, &child, path, from));
            } else {
                waiting.push((child, path, from));
            }
        }
    }
    found.sort_by_key(|kept| kept.at.map_or(i64::MAX, |at| at.0));
    Ok(found)
}

fn both(path: &Path, from: &Path, child: &Collection) -> Option<(Path, Path)> {
    Some((path.child(child.name.clone()).ok()?, from.child(original_name(child)).ok()?))
}

fn item_entry(collection: &Collection, item: &Item, path: &Path, from: &Path) -> Option<Kept> {
    let name = item.name.clone()?;
    let original = beside::noted(item, beside::NAME).and_then(|text| Name::new(text).ok()).unwrap_or_else(|| name.clone());
    Some(Kept {
        at: Some(item.saved),
        by: beside::account(item, beside::BY),
        bytes: item.bytes(),
        in_trash: collection.kind == CollectionKind::Trash,
        path: path.child(name).ok()?,
        from: from.child(original).ok()?,
        within: collection.id,
        what: What::Item { collection: collection.id, uid: item.uid },
    })
}

fn folder_entry(engine: &dyn Engine, folder: &Arc<Collection>, path: Path, from: Path) -> Kept {
    let parts = tree::subtree(engine, folder);
    let noted = removed(folder);
    Kept {
        at: noted.as_ref().map(|(at, _, _)| *at),
        by: noted.map(|(_, by, _)| by),
        bytes: parts.iter().map(|part| part.head.bytes).sum(),
        in_trash: true,
        path,
        from,
        within: folder.id,
        what: What::Folder(parts.iter().map(|part| part.id).collect()),
    }
}

/// Octets that are kept aside below a collection's top and could make room; from the counters alone.
fn bytes_aside(engine: &dyn Engine, owner: AccountId) -> u64 {
    let Some(home) = tree::home(engine, owner, Area::Files) else { return 0 };
    let mut waiting = vec![(home, false)];
    let mut bytes = 0;
    while let Some((collection, aside)) = waiting.pop() {
        let aside = aside || super::is_kept_aside(collection.kind);
        bytes += if aside { collection.head.bytes } else { 0 };
        waiting.extend(engine.children(collection.id).into_iter().map(|child| (child, aside)));
    }
    bytes
}

impl Gate {
    /// Would a new item fit, once everything that is kept aside has made room for it? For hints before the octets come.
    pub(crate) fn has_room_among_documents(&self, collection: CollectionId, bytes: u64) -> bool {
        self.fits(collection, QuotaUsage { bytes, items: 1 })
    }

    /// The same for an item that is to grow by so much.
    pub(crate) fn has_room_for_change(&self, collection: CollectionId, bytes: u64) -> bool {
        self.fits(collection, QuotaUsage { bytes, items: 0 })
    }

    fn fits(&self, collection: CollectionId, more: QuotaUsage) -> bool {
        let engine = self.engine();
        let short = |quota: &Quota| !quota.limit.allows(quota.used, quota.used.plus(more));
        let quotas: Vec<Quota> = engine.quotas_above(collection).into_iter().filter(short).collect();
        let Some(owner) = engine.collection(collection).map(|collection| collection.owner).filter(|_| !quotas.is_empty()) else {
            return quotas.is_empty();
        };
        let aside = bytes_aside(engine, owner);
        quotas.iter().all(|quota| (quota.used.bytes + more.bytes).saturating_sub(quota.limit.bytes) <= aside)
    }
}

/// Add to the batch that of what is kept the oldest goes, until so many octets and items more fit where they are to come. `false`, and nothing
/// added, if all of it is not enough.
pub(crate) async fn make(engine: &dyn Engine, into: CollectionId, more: (u64, u64), batch: &mut Batch) -> Result<bool, Refusal> {
    let owner = engine.collection(into).ok_or(Refusal::Missing)?.owner;
    let mut short: Vec<(QuotaRoot, u64, u64)> = Vec::new();
    for quota in engine.quotas_above(into) {
        let bytes = (quota.used.bytes + more.0).saturating_sub(quota.limit.bytes);
        let items = quota.limit.items.map_or(0, |max| (quota.used.items + more.1).saturating_sub(max));
        if bytes > 0 || items > 0 {
            short.push((quota.root, bytes, items));
        }
    }
    let mut going = Vec::new();
    for kept in entries(engine, owner).await? {
        if short.iter().all(|(_, bytes, items)| *bytes == 0 && *items == 0) {
            break;
        }
        let counts_for = engine.quotas_above(kept.within);
        let mut helps = false;
        for (root, bytes, items) in &mut short {
            if (*bytes > 0 || *items > 0) && counts_for.iter().any(|quota| quota.root == *root) {
                helps = true;
                *bytes = bytes.saturating_sub(kept.bytes);
                *items = items.saturating_sub(1);
            }
        }
        if helps {
            going.push(kept);
        }
    }
    if going.is_empty() || short.iter().any(|(_, bytes, items)| *bytes > 0 || *items > 0) {
        return Ok(false);
    }
    for kept in &going {
        kept.remove(batch);
    }
    Ok(true)
}

/// Add to the batch that the oldest folders in somebody's trash go until there are no more collections in it than these.
pub(crate) async fn shrink_folders(engine: &dyn Engine, owner: AccountId, max: usize, batch: &mut Batch) -> Result<(), Refusal> {
    let top = Name::new(TRASH).ok().and_then(|name| engine.child(tree::home(engine, owner, Area::Files)?.id, &name));
    let mut count = top.map_or(0, |trash| tree::subtree(engine, &trash).len());
    if count <= max {
        return Ok(());
    }
    for kept in entries(engine, owner).await? {
        if let What::Folder(parts) = &kept.what
            && count > max
        {
            count = count.saturating_sub(parts.len());
            kept.remove(batch);
        }
    }
    Ok(())
}

/// Add to the batch that the oldest of somebody's trash goes until it holds no more than so many octets.
pub(crate) async fn shrink_trash(engine: &dyn Engine, owner: AccountId, bytes_max: u64, batch: &mut Batch) -> Result<bool, Refusal> {
    let entries: Vec<Kept> = entries(engine, owner).await?.into_iter().filter(|kept| kept.in_trash).collect();
    let mut bytes: u64 = entries.iter().map(|kept| kept.bytes).sum();
    for kept in &entries {
        if bytes <= bytes_max {
            break;
        }
        bytes = bytes.saturating_sub(kept.bytes);
        kept.remove(batch);
    }
    Ok(bytes <= bytes_max)
}
