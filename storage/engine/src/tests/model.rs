//! A store as simple as can be, to compare the real one with: what an act means is written down here a second time.

use super::world::{collection, create, expunge, flag, item, name};
use crate::{Batch, Body, Change, CommitError, Embedded, Engine, Part, Past};
use octroi_model::{AccountId, CollectionId, CollectionKind, FlagEdit, Flags, Head, ModSeq, QuotaUsage, Uid, UidSet};
use std::collections::{BTreeMap, BTreeSet};

/// Something to do. Collections are named by id; acts on one that is not there are refused by both stores.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    Create {
        id: u64,
        parent: Option<u64>,
        name: String,
        mailbox: bool,
    },
    Remove {
        id: u64,
    },
    Rename {
        id: u64,
        parent: u64,
        name: String,
    },
    Put {
        id: u64,
        name: Option<String>,
        flags: u64,
        octets: Vec<u8>,
    },
    /// What lies between these uids goes from one collection to the other: copied, then expunged.
    Move {
        from: u64,
        to: u64,
        low: u32,
        high: u32,
    },
    Flag {
        id: u64,
        low: u32,
        high: u32,
        edit: FlagEdit,
    },
    Expunge {
        id: u64,
        uids: BTreeSet<u32>,
    },
    Keyword {
        id: u64,
        keyword: String,
    },
    Property {
        id: u64,
        name: String,
        value: Option<String>,
    },
}

/// Ids are not used again: what an act calls 3 is the collection that was last made as 3.
#[derive(Debug, Clone)]
pub(crate) struct Ids {
    real: BTreeMap<u64, u64>,
    next: u64,
}

impl Ids {
    pub(crate) fn new(next: u64) -> Self {
        Self { real: BTreeMap::new(), next }
    }

    /// The acts with the ids that are meant.
    pub(crate) fn translate(&mut self, model: &Model, acts: &mut [Act]) {
        let mut removed = BTreeSet::new();
        for act in acts {
            match act {
                Act::Create { id, parent, .. } => {
                    let real = self.real.get(id).copied().filter(|real| model.collections.contains_key(real) && !removed.contains(real));
                    if real.is_none() {
                        self.real.insert(*id, self.next);
                        self.next += 1;
                    }
                    *id = self.one(*id);
                    *parent = parent.map(|parent| self.one(parent));
                }
                Act::Remove { id } => {
                    *id = self.one(*id);
                    removed.insert(*id);
                }
                Act::Rename { id, parent, .. } => (*id, *parent) = (self.one(*id), self.one(*parent)),
                Act::Move { from, to, .. } => (*from, *to) = (self.one(*from), self.one(*to)),
                Act::Put { id, .. }
                | Act::Flag { id, .. }
                | Act::Expunge { id, .. }
                | Act::Keyword { id, .. }
                | Act::Property { id, .. } => *id = self.one(*id),
            }
        }
    }

    fn one(&self, id: u64) -> u64 {
        self.real.get(&id).copied().unwrap_or(id)
    }
}

/// See the module.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Model {
    pub(crate) collections: BTreeMap<u64, Shelf>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Shelf {
    parent: Option<u64>,
    name: String,
    mailbox: bool,
    pub(crate) items: BTreeMap<u32, Thing>,
    uid_next: u32,
    modseq: u64,
    gone: Vec<(u32, u64, Option<String>)>,
    keywords: Vec<String>,
    properties: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Thing {
    flags: u64,
    modseq: u64,
    name: Option<String>,
    octets: Vec<u8>,
}

impl Model {
    /// Do all or nothing.
    pub(crate) fn act(&mut self, acts: &[Act]) -> Result<(), CommitError> {
        let mut next = self.clone();
        for act in acts {
            next.one(act)?;
        }
        *self = next;
        Ok(())
    }

    fn at(&mut self, id: u64) -> Result<&mut Shelf, CommitError> {
        self.collections.get_mut(&id).ok_or(CommitError::Gone)
    }

    fn child(&self, parent: Option<u64>, name: &str) -> Option<u64> {
        self.collections.iter().find(|(_, c)| c.parent == parent && c.name == name).map(|(id, _)| *id)
    }

    fn is_free(&mut self, parent: u64, name: &str) -> Result<(), CommitError> {
        let taken = self.child(Some(parent), name).is_some();
        if taken | self.at(parent)?.items.values().any(|t| t.name.as_deref() == Some(name)) { Err(CommitError::Exists) } else { Ok(()) }
    }

    // tidy: table
    fn one(&mut self, act: &Act) -> Result<(), CommitError> {
        match act {
            Act::Create { id, parent, name, mailbox } => {
                if self.collections.contains_key(id) {
                    return Err(CommitError::Exists);
                }
                match parent {
                    Some(parent) => {
                        self.is_free(*parent, name)?;
                        self.at(*parent)?.modseq += 1;
                    }
                    None if self.child(None, name).is_some() => return Err(CommitError::Exists),
                    None => {}
                }
                let new = Shelf {
                    parent: *parent,
                    name: name.clone(),
                    mailbox: *mailbox,
                    items: BTreeMap::new(),
                    uid_next: 1,
                    modseq: 1,
                    gone: vec![],
                    keywords: vec![],
                    properties: BTreeMap::new(),
                };
                self.collections.insert(*id, new);
            }
            Act::Remove { id } => {
                self.at(*id)?;
                if self.collections.values().any(|c| c.parent == Some(*id)) {
                    return Err(CommitError::NotEmpty);
                }
                let old = self.collections.remove(id).unwrap();
                if let Some(parent) = old.parent {
                    self.bury_child(parent, old.name)?;
                }
            }
            Act::Rename { id, parent, name } => self.rename(*id, *parent, name)?,
            Act::Put { id, name, flags, octets } => self.put(*id, name.clone(), *flags, octets.clone())?,
            Act::Move { from, to, low, high } => {
                let moved: Vec<_> = self.at(*from)?.items.range(low..=high).map(|(uid, t)| (*uid, t.clone())).collect();
                for (_, thing) in &moved {
                    self.put(*to, thing.name.clone(), thing.flags, thing.octets.clone())?;
                }
                let uids: BTreeSet<u32> = moved.iter().map(|(uid, _)| *uid).collect();
                self.one(&Act::Expunge { id: *from, uids })?;
            }
            Act::Flag { id, low, high, edit } => {
                let c = self.at(*id)?;
                let modseq = c.modseq + 1;
                for thing in c.items.range_mut(low..=high).map(|(_, t)| t) {
                    let flags = edit.apply(Flags(thing.flags)).0;
                    if flags != thing.flags {
                        (thing.flags, thing.modseq) = (flags, modseq);
                        c.modseq = modseq;
                    }
                }
            }
            Act::Expunge { id, uids } => {
                let c = self.at(*id)?;
                let modseq = c.modseq + 1;
                for uid in uids {
                    if let Some(thing) = c.items.remove(uid) {
                        c.gone.push((*uid, modseq, thing.name));
                        c.modseq = modseq;
                    }
                }
            }
            Act::Keyword { id, keyword } => {
                let c = self.at(*id)?;
                if !c.keywords.iter().any(|k| k.eq_ignore_ascii_case(keyword)) {
                    c.keywords.push(keyword.clone());
                }
            }
            Act::Property { id, name, value } => {
                let c = self.at(*id)?;
                c.modseq += 1;
                match value {
                    Some(value) => drop(c.properties.insert(name.clone(), value.clone())),
                    None => drop(c.properties.remove(name)),
                }
            }
        }
        Ok(())
    }

    fn bury_child(&mut self, parent: u64, name: String) -> Result<(), CommitError> {
        let parent = self.at(parent)?;
        parent.modseq += 1;
        parent.gone.push((0, parent.modseq, Some(name)));
        Ok(())
    }

    fn rename(&mut self, id: u64, parent: u64, name: &str) -> Result<(), CommitError> {
        let old = self.at(id)?.clone();
        let old_parent = old.parent.ok_or(CommitError::NotEmpty)?;
        let mut above = Some(parent);
        while let Some(at) = above {
            if at == id {
                return Err(CommitError::NotEmpty);
            }
            above = self.at(at)?.parent;
        }
        if (old_parent, &*old.name) != (parent, name) {
            self.is_free(parent, name)?;
        }
        self.bury_child(old_parent, old.name)?;
        if parent != old_parent {
            self.at(parent)?.modseq += 1;
        }
        let moved = self.at(id)?;
        (moved.parent, moved.name) = (Some(parent), name.to_owned());
        Ok(())
    }

    fn put(&mut self, id: u64, name: Option<String>, flags: u64, octets: Vec<u8>) -> Result<(), CommitError> {
        let name = name.filter(|_| self.collections.get(&id).is_some_and(|c| !c.mailbox));
        if let Some(name) = &name
            && self.child(Some(id), name).is_some()
        {
            return Err(CommitError::Exists);
        }
        let c = self.at(id)?;
        c.modseq += 1;
        let known = c.items.iter().find(|(_, t)| name.is_some() && t.name == name).map(|(uid, _)| *uid);
        let uid = known.unwrap_or(c.uid_next);
        c.uid_next = c.uid_next.max(uid + 1);
        c.items.insert(uid, Thing { flags, modseq: c.modseq, name, octets });
        Ok(())
    }

    /// Octets and items of a tree, or of everything.
    pub(crate) fn usage(&self, top: Option<u64>) -> QuotaUsage {
        let mut sum = QuotaUsage::default();
        for (id, shelf) in &self.collections {
            let mut at = Some(*id);
            while at.is_some() && at != top {
                at = at.and_then(|at| self.collections[&at].parent);
            }
            if at == top {
                sum = sum.plus(shelf.head().into());
            }
        }
        sum
    }

    /// What differs from the real store.
    pub(crate) async fn compare(&self, engine: &Embedded) -> Result<(), String> {
        let mut known = BTreeSet::new();
        let mut todo = engine.homes(AccountId(0));
        while let Some(collection) = todo.pop() {
            known.insert(collection.id.0);
            todo.extend(engine.children(collection.id));
        }
        let meant: BTreeSet<u64> = self.collections.keys().copied().collect();
        if known != meant {
            return Err(format!("collections {known:?}, not {meant:?}"));
        }
        for (id, c) in &self.collections {
            c.compare(*id, engine).await?;
        }
        Ok(())
    }
}

impl Model {
    /// What differs from a backup that was opened as it was at a moment.
    pub(crate) async fn compare_past(&self, past: &Past) -> Result<(), String> {
        let mut todo = past.homes(AccountId(0));
        let mut known = BTreeSet::new();
        while let Some(collection) = todo.pop() {
            known.insert(collection.id.0);
            todo.extend(past.children(collection.id));
            let shelf = self.collections.get(&collection.id.0).ok_or(format!("collection {} was not there", collection.id))?;
            if collection.head != shelf.head() || collection.name.as_str() != shelf.name {
                return Err(format!("collection {}: {:?}", collection.id, collection.head));
            }
            let mut things = BTreeMap::new();
            let mut after = Uid(0);
            loop {
                let items = past.items(collection.id, after, 3).await.map_err(|error| error.to_string())?;
                let Some(last) = items.last() else { break };
                after = last.uid;
                for item in items {
                    let octets = past.read(item.content, Part::Whole).await.map_err(|error| error.to_string())?;
                    let name = item.name.as_ref().map(ToString::to_string);
                    things.insert(item.uid.0, Thing { flags: item.flags.0, modseq: item.modseq.0, name, octets });
                }
            }
            if things != shelf.items {
                return Err(format!("items of collection {}", collection.id));
            }
        }
        let meant: BTreeSet<u64> = self.collections.keys().copied().collect();
        if known == meant { Ok(()) } else { Err(format!("collections {known:?}, not {meant:?}")) }
    }
}

impl Shelf {
    fn head(&self) -> Head {
        let things = || self.items.values();
        Head {
            uid_next: Uid(self.uid_next),
            modseq: ModSeq(self.modseq),
            items: self.items.len() as u32,
            unseen: things().filter(|t| t.flags & 1 == 0).count() as u32,
            deleted: things().filter(|t| t.flags & 8 != 0).count() as u32,
            bytes: things().map(|t| t.octets.len() as u64).sum(),
        }
    }

    pub(crate) async fn compare(&self, id: u64, engine: &Embedded) -> Result<(), String> {
        let same = |what: &str, same: bool| if same { Ok(()) } else { Err(format!("{what} of collection {id}")) };
        let real = engine.collection(CollectionId(id)).ok_or("collection")?;
        let view = engine.view(CollectionId(id)).await.map_err(|error| error.to_string())?;
        if real.head != self.head() || view.head() != self.head() {
            return Err(format!("head of collection {id}: {:?} and {:?}, not {:?}", real.head, view.head(), self.head()));
        }
        same("name", real.name.as_str() == self.name && real.parent.map(|p| p.0) == self.parent)?;
        same("keywords", real.keywords.iter().map(|k| &**k).eq(self.keywords.iter().map(String::as_str)))?;
        same("keywords of view", view.keywords() == real.keywords)?;
        let properties: BTreeMap<String, String> = real.properties.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect();
        same("properties", properties == self.properties)?;
        let parts = view.items().map(|item| (item.content, Part::Whole)).collect();
        let octets = engine.read(parts).await.map_err(|error| error.to_string())?;
        let things = view.items().zip(octets).map(|(item, octets)| {
            let name = item.name.as_ref().map(ToString::to_string);
            (item.uid.0, Thing { flags: item.flags.0, modseq: item.modseq.0, name, octets })
        });
        let things: BTreeMap<u32, Thing> = things.collect();
        if things != self.items {
            let uids = |items: &BTreeMap<u32, Thing>| items.iter().map(|(u, t)| (*u, t.flags, t.modseq)).collect::<Vec<_>>();
            return Err(format!("items of collection {id}: {:?}, not {:?}", uids(&things), uids(&self.items)));
        }
        for (at, (uid, thing)) in self.items.iter().enumerate() {
            same("position", view.at(at).is_some_and(|i| i.uid.0 == *uid) && view.lower_bound(Uid(*uid)) == at)?;
            let by_name = thing.name.as_ref().map(|n| view.by_name(&name(n)).map(|i| i.uid.0));
            same("name of item", by_name.is_none_or(|found| found == Some(*uid)))?;
        }
        let gone = view.vanished_since(ModSeq(0)).ok_or("tombstones")?;
        let gone: Vec<_> = gone.iter().map(|t| (t.uid.0, t.modseq.0, t.name.as_ref().map(ToString::to_string))).collect();
        if gone != self.gone {
            return Err(format!("tombstones of collection {id}: {gone:?}, not {:?}", self.gone));
        }
        Ok(())
    }
}

/// The acts as a batch. Moves look at the real store for the items that they copy.
pub(crate) async fn batch(engine: &Embedded, acts: &[Act]) -> Batch {
    let mut batch = Batch::new();
    for act in acts {
        match act {
            Act::Create { id, parent, name, mailbox } => {
                let kind = if *mailbox { CollectionKind::Mailbox } else { CollectionKind::Folder };
                batch.push(create(collection(*id, *parent, name, kind)));
            }
            Act::Remove { id } => {
                batch.push(Change::RemoveCollection { collection: CollectionId(*id), parent_head: None });
            }
            Act::Rename { id, parent, name: text } => {
                let (collection, parent, name) = (CollectionId(*id), CollectionId(*parent), name(text));
                let (old_parent_head, new_parent_head) = (Head::default(), Head::default());
                batch.push(Change::RenameCollection { collection, parent, name, old_parent_head, new_parent_head });
            }
            Act::Put { id, name, flags, octets } => {
                let body = batch.body(Body::document(octets));
                batch.put(CollectionId(*id), item(Flags(*flags), name.as_deref()), body);
            }
            Act::Move { from, to, low, high } => {
                let Ok(view) = engine.view(CollectionId(*from)).await else {
                    batch.push(expunge(*from, UidSet::default()));
                    continue;
                };
                let moved: Vec<_> = view.items().filter(|item| (*low..=*high).contains(&item.uid.0)).cloned().collect();
                for item in &moved {
                    let (collection, item) = (CollectionId(*to), item.clone());
                    batch.push(Change::Put { collection, item, head: Head::default() });
                }
                batch.push(expunge(*from, UidSet::from_uids(moved.iter().map(|item| item.uid))));
            }
            Act::Flag { id, low, high, edit } => {
                batch.push(flag(*id, UidSet::from_ranges([(Uid(*low), Uid(*high))]), *edit));
            }
            Act::Expunge { id, uids } => {
                batch.push(expunge(*id, UidSet::from_uids(uids.iter().copied().map(Uid))));
            }
            Act::Keyword { id, keyword } => {
                batch.push(Change::AddKeyword { collection: CollectionId(*id), keyword: keyword.as_str().into() });
            }
            Act::Property { id, name, value } => {
                let (name, value) = (name.as_str().into(), value.as_deref().map(Into::into));
                batch.push(Change::SetProperty { collection: CollectionId(*id), name, value, head: Head::default() });
            }
        }
    }
    batch
}
