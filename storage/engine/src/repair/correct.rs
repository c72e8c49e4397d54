//! What follows from the damage: which items are lost, and what the counters must be.

use super::look::{Found, Readable};
use crate::change::Change;
use crate::contents::Contents;
use crate::index::Index;
use crate::options::OpenError;
use crate::recovery::Replay;
use crate::state::State;
use octroi_model::{
    AccountId, Collection, CollectionId, CollectionKind, Flags, Head, Item, ModSeq, Name, Uid, UidSet, UidValidity, UnixTime,
};
use std::collections::{BTreeMap, HashMap};

/// Items read from the index at a time.
const ITEMS_AT_A_TIME: u32 = 1000;
/// A change takes more bytes than this: so many modseqs at most were given out in the bytes that are lost.
const CHANGE_BYTES_MIN: u64 = 4;
/// An item takes more bytes than this in a batch: so many uids.
const ITEM_BYTES_MIN: u64 = 32;
/// Where counters are wrong and it is not known how many changes are missing, at least so many are taken to be.
const MISSING_MIN: u64 = 10_000;

/// The batch that makes the rest agree.
#[derive(Debug)]
pub(super) struct Corrections {
    pub(super) changes: Vec<Change>,
    pub(super) next_id: u64,
}

/// What the items of a collection add up to.
#[derive(Debug, Default)]
struct Sum {
    head: Head,
    uid_max: u32,
    modseq_max: u64,
    names: bool,
    doomed: Vec<Uid>,
}

impl Sum {
    fn add(&mut self, item: &Item) {
        self.head.items += 1;
        self.head.unseen += u32::from(!item.flags.contains(Flags::SEEN));
        self.head.deleted += u32::from(item.flags.contains(Flags::DELETED));
        self.head.bytes += item.counted();
    }
}

/// Find out what must be corrected, and say so in the report.
pub(super) async fn correct(found: &mut Found, replay: &Replay, index: &Index, contents: &Contents) -> Result<(), OpenError> {
    let state = &replay.state;
    let mut sums: BTreeMap<CollectionId, Sum> = BTreeMap::new();
    let salvaged = std::mem::take(&mut found.salvaged);
    let mut readable = Readable::new(&salvaged, contents);
    let mut after = (CollectionId(0), Uid(0));
    let mut names: HashMap<Name, Item> = HashMap::new();
    loop {
        let items = index.items_after(after, ITEMS_AT_A_TIME).await?;
        let Some((collection, last)) = items.last() else { break };
        let next = (*collection, last.uid);
        for (collection, item) in items {
            if !sums.contains_key(&collection) {
                names.clear();
            }
            let sum = sums.entry(collection).or_default();
            sum.uid_max = sum.uid_max.max(item.uid.0);
            sum.modseq_max = sum.modseq_max.max(item.modseq.0);
            if !readable.check(&item) {
                if !found.removed.contains(&collection) {
                    found.loss(format!("{}: its content is lost", describe(state, collection, &item)));
                }
                sum.doomed.push(item.uid);
                continue;
            }
            sum.names |= item.name.is_some();
            sum.add(&item);
            // Of two of one name the younger one is meant: what removed the other is lost.
            if let Some(name) = item.name.clone()
                && let Some(older) = names.insert(name, item.clone())
            {
                found.loss(format!("{}: it was replaced or removed by a change that is lost", describe(state, collection, &older)));
                sum.doomed.push(older.uid);
                let mut without = Sum::default();
                without.add(&older);
                sum.head.items -= 1;
                sum.head.unseen -= without.head.unseen;
                sum.head.deleted -= without.head.deleted;
                sum.head.bytes -= without.head.bytes;
            }
        }
        after = next;
    }
    found.large = readable.bad_large(contents.disk())?;
    drop(readable);
    found.salvaged = salvaged;
    for number in found.large.clone() {
        found.damage(format!("{}: it does not check", crate::journal::big_name(number)));
    }
    let mut correcting = Correcting { state, sums: &mut sums, changes: Vec::new(), lost_bytes: found.lost_bytes };
    correcting.trees(found);
    correcting.heads(found);
    let changes = correcting.changes;
    if !changes.is_empty() {
        let next_id = replay.next_id + found.lost_bytes / ITEM_BYTES_MIN;
        found.corrections = Some(Corrections { changes, next_id });
    }
    Ok(())
}

struct Correcting<'a> {
    state: &'a State,
    sums: &'a mut BTreeMap<CollectionId, Sum>,
    changes: Vec<Change>,
    lost_bytes: u64,
}

impl Correcting<'_> {
    /// Collections that something is in and whose making is lost; collections that stand where another one stands.
    fn trees(&mut self, found: &mut Found) {
        let known = &self.state.collections;
        let mut missing: BTreeMap<CollectionId, (CollectionKind, AccountId)> = BTreeMap::new();
        for (id, sum) in &*self.sums {
            if !known.contains_key(id) {
                missing.insert(*id, (if sum.names { CollectionKind::Folder } else { CollectionKind::Mailbox }, AccountId(0)));
            }
        }
        for collection in known.values() {
            if let Some(parent) = collection.parent.filter(|parent| !known.contains_key(parent)) {
                missing.insert(parent, (collection.kind, collection.owner));
            }
        }
        for (id, (kind, owner)) in missing {
            let Ok(name) = Name::new(&format!("recovered-{id}")) else { continue };
            let collection =
                recovered(id, name, kind, owner, self.head(id, Head { uid_next: Uid(1), modseq: ModSeq(1), ..Head::default() }));
            self.changes.push(Change::CreateCollection { collection, parent_head: None });
            if found.removed.contains(&id) {
                self.changes.push(Change::RemoveCollection { collection: id, parent_head: None });
                self.sums.remove(&id);
            } else {
                found.loss(format!("the making of collection {id}: what is in it is kept as `recovered-{id}`"));
            }
        }
        let mut hidden: Vec<_> = known.values().filter(|collection| self.stands_at(collection) != Some(collection.id)).cloned().collect();
        hidden.sort_unstable_by_key(|collection| collection.id);
        for collection in hidden {
            let (Some(parent), Ok(name)) = (collection.parent, Name::new(&format!("{}-recovered-{}", collection.name, collection.id)))
            else {
                continue;
            };
            found.loss(format!("what removed or renamed `{}`: it is there again as `{name}`", path(self.state, collection.id)));
            let parent_head = self.head(parent, self.state.collections.get(&parent).map_or(Head::default(), |parent| parent.head));
            let (old_parent_head, new_parent_head) = (parent_head, parent_head);
            self.changes.push(Change::RenameCollection { collection: collection.id, parent, name, old_parent_head, new_parent_head });
        }
    }

    fn stands_at(&self, collection: &Collection) -> Option<CollectionId> {
        let siblings = match collection.parent {
            Some(parent) => self.state.children.get(&parent)?,
            None => self.state.homes.get(&collection.owner)?,
        };
        siblings.get(&collection.name).copied()
    }

    /// Counters as they must be, after what they were.
    fn head(&self, id: CollectionId, was: Head) -> Head {
        let nothing = Sum::default();
        let sum = self.sums.get(&id).unwrap_or(&nothing);
        let wrong = (sum.head.items, sum.head.unseen, sum.head.deleted) != (was.items, was.unseen, was.deleted) && sum.doomed.is_empty();
        let sure = self.lost_bytes == 0 && !wrong;
        let missing = |bytes_min: u64| if sure { 0 } else { (self.lost_bytes / bytes_min).max(MISSING_MIN) };
        // A uid must stay that can be given out.
        let uid_next = u64::from(was.uid_next.0.max(sum.uid_max.saturating_add(1))) + missing(ITEM_BYTES_MIN);
        Head {
            uid_next: Uid(u32::try_from(uid_next).unwrap_or(u32::MAX).min(u32::MAX - 1).max(was.uid_next.0)),
            modseq: ModSeq(was.modseq.0.max(sum.modseq_max) + 1 + missing(CHANGE_BYTES_MIN)),
            ..sum.head
        }
    }

    /// An expunge of what is lost, of nothing perhaps, says what the counters are.
    fn heads(&mut self, found: &mut Found) {
        let mut all: Vec<_> = self.state.collections.values().cloned().collect();
        all.sort_unstable_by_key(|collection| collection.id);
        for collection in all {
            let (id, was) = (collection.id, collection.head);
            let head = self.head(id, was);
            let sum = self.sums.entry(id).or_default();
            let same = (head.items, head.unseen, head.deleted, head.bytes) == (was.items, was.unseen, was.deleted, was.bytes);
            let behind = was.uid_next.0 <= sum.uid_max || was.modseq.0 < sum.modseq_max;
            if self.lost_bytes == 0 && same && !behind && sum.doomed.is_empty() {
                continue;
            }
            if !same || !sum.doomed.is_empty() {
                let gone = sum.doomed.len();
                let place = path(self.state, id);
                found.report.remedies.push(format!("{place}: {} items are left, {gone} that cannot be read are removed", head.items));
            }
            let uids = UidSet::from_uids(std::mem::take(&mut sum.doomed));
            self.changes.push(Change::Expunge { collection: id, uids, modseq: head.modseq, head });
        }
        // Those that were made anew have their items' counters; what is lost in them must go too.
        let made = self.changes.iter().filter_map(|change| match change {
            Change::CreateCollection { collection, .. } => Some((collection.id, collection.head)),
            _ => None,
        });
        let made: Vec<_> = made.collect();
        for (id, head) in made {
            let Some(sum) = self.sums.get_mut(&id).filter(|sum| !sum.doomed.is_empty()) else { continue };
            let head = Head { modseq: head.modseq.next(), ..head };
            let uids = UidSet::from_uids(std::mem::take(&mut sum.doomed));
            self.changes.push(Change::Expunge { collection: id, uids, modseq: head.modseq, head });
        }
        if self.lost_bytes > 0 {
            found.report.remedies.push("uids and modseqs go on above all that can have been given out".to_owned());
        }
    }
}

fn recovered(id: CollectionId, name: Name, kind: CollectionKind, owner: AccountId, head: Head) -> Collection {
    Collection {
        id,
        parent: None,
        name,
        kind,
        owner,
        uid_validity: UidValidity((id.0 as u32).max(1)),
        created: UnixTime::now(),
        special_use: None,
        acl: None,
        keywords: Vec::new(),
        properties: Vec::new(),
        bound: ModSeq(1),
        head,
    }
}

/// Whose it is, where, which one, and of when.
fn describe(state: &State, id: CollectionId, item: &Item) -> String {
    let name = item.name.as_ref().map_or_else(|| format!("uid {}", item.uid), |name| format!("`{name}`"));
    format!("{}, {name}, of @{}, {} bytes", path(state, id), item.date.0, item.bytes())
}

/// Account and path of a collection.
fn path(state: &State, id: CollectionId) -> String {
    let mut names = Vec::new();
    let (mut at, mut owner) = (Some(id), None);
    // A damaged tree might have a ring in it.
    while let Some(collection) = at.and_then(|at| state.collections.get(&at)).filter(|_| names.len() < 64) {
        names.push(collection.name.to_string());
        owner = Some(collection.owner);
        at = collection.parent;
    }
    if names.is_empty() {
        names.push(format!("collection {id}"));
    }
    names.reverse();
    let owner = owner.and_then(|owner| state.accounts.get(&owner)).map_or_else(String::new, |account| format!("{} ", account.address));
    format!("{owner}{}", names.join("/"))
}
