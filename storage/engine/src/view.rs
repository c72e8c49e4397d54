//! An open collection: an immutable snapshot in chunks, shared by all who look at it and replaced piecewise by changes.
//!
//! Made by the engine when a collection is first looked at; held by sessions as `Arc<View>`. A change copies the chunk it touches
//! (at most [`CHUNK_ITEMS_MAX`] items) and only when somebody still holds the old one. Who looks at a mailbox holds it as it was at its last
//! command, so a chunk that changes is in memory once for each of them: that is why chunks are small where mailboxes are.

use crate::companion::Companion;
use octroi_model::{Collection, CollectionId, FlagEdit, Head, Item, ModSeq, Name, Tombstone, Uid, UidSet, UidValidity};
use std::collections::HashMap;
use std::sync::Arc;

/// Items per chunk of a small collection: copying one costs 2.5 KiB, which the allocator has a size for.
pub(crate) const CHUNK_ITEMS_MIN: usize = 14;
/// Items per chunk of a large one: every change copies the list of chunks while somebody holds the view, so that must be short too.
const CHUNK_ITEMS_MAX: usize = 256;
/// Chunks from which on they are made larger.
const CHUNKS: usize = 256;

/// Items per chunk in a collection of so many.
fn chunk_items(items: usize) -> usize {
    (items / CHUNKS).clamp(CHUNK_ITEMS_MIN, CHUNK_ITEMS_MAX)
}
/// Tombstones kept per collection. Who was away for longer gets `None` from [`View::vanished_since`] and synchronises anew.
pub const TOMBSTONES_MAX: usize = 65_536;

/// The items of a collection at one moment.
#[derive(Debug, Clone)]
pub struct View {
    pub(crate) collection: CollectionId,
    pub(crate) uid_validity: UidValidity,
    pub(crate) head: Head,
    pub(crate) keywords: Arc<Vec<Arc<str>>>,
    /// Ascending by uid; no chunk is empty.
    pub(crate) chunks: Vec<Arc<Vec<Item>>>,
    /// Sequence number (from 0) of the first item of each chunk.
    pub(crate) starts: Vec<u32>,
    /// Of each chunk a modseq that none of its items is above: who asks for changes passes over the chunks that have none. It is not lowered
    /// when items go.
    newest: Vec<ModSeq>,
    /// Empty for mailboxes: messages have no name.
    pub(crate) names: Names,
    /// Ascending by modseq.
    pub(crate) tombstones: Arc<Vec<Tombstone>>,
    /// Tombstones at or below this modseq have been forgotten.
    pub(crate) forgotten: ModSeq,
    /// The same for all snapshots of this view.
    pub(crate) companion: Arc<Companion>,
}

impl View {
    /// Whose items these are.
    pub fn collection(&self) -> CollectionId {
        self.collection
    }
    /// UIDVALIDITY.
    pub fn uid_validity(&self) -> UidValidity {
        self.uid_validity
    }
    /// The counters that go with the items.
    pub fn head(&self) -> Head {
        self.head
    }
    /// Keywords in the order of their bits.
    pub fn keywords(&self) -> &[Arc<str>] {
        &self.keywords
    }
    /// What somebody keeps beside the items.
    pub fn companion(&self) -> &Companion {
        &self.companion
    }
    /// Number of items.
    pub fn len(&self) -> usize {
        self.head.items as usize
    }
    /// What it counts against the memory for views: an empty one takes some too.
    pub(crate) fn counted(&self) -> u64 {
        u64::from(self.head.items) + 1
    }
    /// No items?
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }
    /// All items, ascending by uid.
    pub fn items(&self) -> impl DoubleEndedIterator<Item = &Item> {
        self.chunks.iter().flat_map(|chunk| chunk.iter())
    }
    /// The item at a position from 0.
    pub fn at(&self, position: usize) -> Option<&Item> {
        let chunk = self.starts.partition_point(|start| *start as usize <= position).checked_sub(1)?;
        self.chunks[chunk].get(position - self.starts[chunk] as usize)
    }
    /// The position from 0 of the first item whose uid is `uid` or larger; the length when there is none.
    pub fn lower_bound(&self, uid: Uid) -> usize {
        let chunk = self.chunks.partition_point(|chunk| chunk.last().is_some_and(|last| last.uid < uid));
        match self.chunks.get(chunk) {
            Some(items) => self.starts[chunk] as usize + items.partition_point(|item| item.uid < uid),
            None => self.len(),
        }
    }
    /// The item with this uid.
    pub fn by_uid(&self, uid: Uid) -> Option<&Item> {
        self.at(self.lower_bound(uid)).filter(|item| item.uid == uid)
    }
    /// The item of this name.
    pub fn by_name(&self, name: &Name) -> Option<&Item> {
        self.by_uid(self.names.find(name)?)
    }
    /// Items changed after `modseq`, ascending by uid.
    pub fn changed_since(&self, modseq: ModSeq) -> impl Iterator<Item = &Item> {
        self.changed_chunks(modseq).flat_map(|chunk| chunk.iter()).filter(move |item| item.modseq > modseq)
    }
    /// Those that may have an item that changed after `modseq`.
    pub(crate) fn changed_chunks(&self, modseq: ModSeq) -> impl Iterator<Item = &Arc<Vec<Item>>> {
        self.chunks.iter().zip(&self.newest).filter(move |(_, newest)| **newest > modseq).map(|(chunk, _)| chunk)
    }
    /// What went after `modseq`; `None` if that is too long ago to know.
    pub fn vanished_since(&self, modseq: ModSeq) -> Option<&[Tombstone]> {
        if modseq < self.forgotten {
            return None;
        }
        let from = self.tombstones.partition_point(|tombstone| tombstone.modseq <= modseq);
        Some(&self.tombstones[from..])
    }
}

/// Parts of a table of names: who changes one name of a view that others hold copies one part.
const NAME_PARTS: usize = 64;

/// Uids by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    /// None, or [`NAME_PARTS`].
    parts: Vec<Arc<HashMap<Name, Uid>>>,
}

impl Names {
    fn find(&self, name: &Name) -> Option<Uid> {
        self.parts.get(Self::part(name))?.get(name).copied()
    }

    fn insert(&mut self, name: Name, uid: Uid) {
        if self.parts.is_empty() {
            self.parts.resize_with(NAME_PARTS, Arc::default);
        }
        Arc::make_mut(&mut self.parts[Self::part(&name)]).insert(name, uid);
    }

    fn remove(&mut self, name: &Name) {
        if let Some(part) = self.parts.get_mut(Self::part(name)) {
            Arc::make_mut(part).remove(name);
        }
    }

    fn part(name: &Name) -> usize {
        crc32fast::hash(name.as_str().as_bytes()) as usize % NAME_PARTS
    }
}

/// Makes a view of what the index holds, block by block, so that nothing is in memory twice.
#[derive(Debug)]
pub(crate) struct ViewBuilder(View);

impl ViewBuilder {
    /// Nothing yet.
    pub(crate) fn new(collection: &Collection) -> Self {
        Self(View {
            collection: collection.id,
            uid_validity: collection.uid_validity,
            head: collection.head,
            keywords: Arc::new(collection.keywords.clone()),
            chunks: Vec::with_capacity(collection.head.items as usize / chunk_items(collection.head.items as usize) + 1),
            starts: Vec::new(),
            newest: Vec::new(),
            names: Names::default(),
            tombstones: Arc::default(),
            forgotten: ModSeq(0),
            companion: Arc::default(),
        })
    }

    /// Items with larger uids than all so far, ascending.
    pub(crate) fn extend(&mut self, items: Vec<Item>) {
        for item in &items {
            if let Some(name) = &item.name {
                self.0.names.insert(name.clone(), item.uid);
            }
        }
        let items_max = chunk_items(self.0.len());
        let mut items = items.into_iter();
        while items.len() > 0 {
            if self.0.chunks.last().is_none_or(|last| last.len() >= items_max) {
                self.0.chunks.push(Arc::default());
                self.0.newest.push(ModSeq::default());
            }
            let (Some(last), Some(newest)) = (self.0.chunks.last_mut(), self.0.newest.last_mut()) else { return };
            let last = Arc::make_mut(last);
            let some = items.len().min(items_max - last.len());
            last.reserve_exact(some);
            last.extend(items.by_ref().take(some).inspect(|item| *newest = item.modseq.max(*newest)));
        }
    }

    /// Tombstones ascending by modseq; those at or below `forgotten` are not known.
    pub(crate) fn finish(mut self, tombstones: Vec<Tombstone>, forgotten: ModSeq) -> View {
        self.0.tombstones = Arc::new(tombstones);
        self.0.forgotten = forgotten;
        self.0.number_chunks(0);
        self.0
    }
}

/// What the engine does to views.
impl View {
    /// An item appears or takes the place of the one with its uid.
    pub(crate) fn put(&mut self, item: &Item, head: Head) {
        self.head = head;
        if let Some(name) = &item.name {
            self.names.insert(name.clone(), item.uid);
        }
        let at = self.chunks.partition_point(|chunk| chunk.last().is_some_and(|last| last.uid < item.uid));
        if let Some(chunk) = self.chunks.get_mut(at) {
            let chunk = Arc::make_mut(chunk);
            match chunk.binary_search_by_key(&item.uid, |item| item.uid) {
                Ok(index) => chunk[index] = item.clone(),
                // New uids are the largest; only a damaged journal leads here.
                Err(index) => chunk.insert(index, item.clone()),
            }
            self.raise_newest(at, item.modseq);
            self.number_chunks(at);
            return;
        }
        let items_max = chunk_items(self.len());
        if let Some(chunk) = self.chunks.last_mut().filter(|chunk| chunk.len() < items_max) {
            let chunk = Arc::make_mut(chunk);
            if chunk.len() == chunk.capacity() {
                // A quarter more: most mailboxes are small, and doubling would keep as much empty as there is.
                chunk.reserve_exact((chunk.len() / 4).clamp(1, items_max - chunk.len()));
            }
            chunk.push(item.clone());
            self.raise_newest(at - 1, item.modseq);
            return;
        }
        self.starts.push(self.chunks.last().map_or(0, |last| self.starts[at - 1] + last.len() as u32));
        self.chunks.push(Arc::new(vec![item.clone()]));
        self.newest.push(item.modseq);
    }

    /// The flags of all items in `uids` change.
    pub(crate) fn flag(&mut self, uids: &UidSet, edit: FlagEdit, modseq: ModSeq, head: Head) {
        self.head = head;
        for (low, high) in uids.ranges() {
            let first = self.chunks.partition_point(|chunk| chunk.last().is_some_and(|last| last.uid < low));
            for (chunk, newest) in self.chunks[first..].iter_mut().zip(&mut self.newest[first..]) {
                if chunk.first().is_none_or(|item| item.uid > high) {
                    break;
                }
                let from = chunk.partition_point(|item| item.uid < low);
                let to = chunk.partition_point(|item| item.uid <= high);
                if from < to {
                    *newest = modseq.max(*newest);
                    for item in &mut Arc::make_mut(chunk)[from..to] {
                        item.flags = edit.apply(item.flags);
                        item.modseq = modseq;
                    }
                }
            }
        }
    }

    /// All items in `uids` go and leave tombstones.
    pub(crate) fn expunge(&mut self, uids: &UidSet, modseq: ModSeq, head: Head) {
        self.head = head;
        let items_max = chunk_items(self.len());
        let tombstones = Arc::make_mut(&mut self.tombstones);
        if tombstones.len() == tombstones.capacity() {
            // Each who looks at the mailbox holds the list as it was: doubling would keep as much empty for each of them.
            tombstones.reserve_exact(tombstones.len() / 8 + 1);
        }
        let mut kept: Vec<Arc<Vec<Item>>> = Vec::with_capacity(self.chunks.len());
        let mut kept_newest: Vec<ModSeq> = Vec::with_capacity(self.chunks.len());
        let low = uids.ranges().map(|(low, _)| low).min();
        let high = uids.ranges().map(|(_, high)| high).max();
        for (mut chunk, newest) in std::mem::take(&mut self.chunks).into_iter().zip(std::mem::take(&mut self.newest)) {
            // A look at the ends of a chunk spares one at its items: of a large mailbox usually one chunk is concerned.
            let concerned =
                chunk.last().is_some_and(|last| low <= Some(last.uid)) && chunk.first().is_some_and(|first| Some(first.uid) <= high);
            if concerned && chunk.iter().any(|item| uids.contains(item.uid)) {
                for item in chunk.iter().filter(|item| uids.contains(item.uid)) {
                    tombstones.push(Tombstone { uid: item.uid, modseq, name: item.name.clone() });
                    if let Some(name) = &item.name
                        && self.names.find(name) == Some(item.uid)
                    {
                        self.names.remove(name);
                    }
                }
                Arc::make_mut(&mut chunk).retain(|item| !uids.contains(item.uid));
            }
            match kept.last_mut() {
                _ if chunk.is_empty() => {}
                // Small neighbours are joined, or years of expunging would leave a chunk per item.
                Some(last) if last.len() + chunk.len() <= items_max / 2 => {
                    Arc::make_mut(last).extend(chunk.iter().cloned());
                    if let Some(of_last) = kept_newest.last_mut() {
                        *of_last = newest.max(*of_last);
                    }
                }
                _ => {
                    kept.push(chunk);
                    kept_newest.push(newest);
                }
            }
        }
        self.chunks = kept;
        self.newest = kept_newest;
        self.number_chunks(0);
        self.prune_tombstones();
    }

    /// Something that was not an item went, such as a child collection.
    pub(crate) fn bury(&mut self, tombstone: Tombstone) {
        Arc::make_mut(&mut self.tombstones).push(tombstone);
        self.prune_tombstones();
    }

    /// Bring the tombstones into their order and forget the oldest if there are too many.
    pub(crate) fn prune_tombstones(&mut self) {
        if self.tombstones.len() <= TOMBSTONES_MAX {
            return;
        }
        let tombstones = Arc::make_mut(&mut self.tombstones);
        // A quarter at once: this must not run on every expunge.
        let excess = tombstones.len() - TOMBSTONES_MAX * 3 / 4;
        self.forgotten = tombstones[excess - 1].modseq;
        let forgotten = self.forgotten;
        tombstones.retain(|tombstone| tombstone.modseq > forgotten);
    }

    fn raise_newest(&mut self, chunk: usize, modseq: ModSeq) {
        self.newest[chunk] = modseq.max(self.newest[chunk]);
    }

    fn number_chunks(&mut self, from: usize) {
        self.starts.truncate(from);
        let mut next = match from.checked_sub(1) {
            Some(before) => self.starts[before] + self.chunks[before].len() as u32,
            None => 0,
        };
        for chunk in &self.chunks[from..] {
            self.starts.push(next);
            next += chunk.len() as u32;
        }
    }
}
