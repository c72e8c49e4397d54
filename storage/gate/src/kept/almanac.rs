//! What a calendar holds and when, by time and by UID: derived from what is noted beside its items, so that no content is read to find some.
//!
//! Kept beside the collection's view for as long as that is in memory, and brought up to it by what changed since. Objects that were put before
//! there were notes are named as such until somebody who can read them has described them; then that is remembered here.

use super::object::{ObjectFacts, ObjectKind, ObjectTraits};
use crate::acts::file::TRIES_MAX;
use crate::refusal::Refusal;
use octroi_engine::{Engine, View};
use octroi_model::{CollectionId, Item, ModSeq, Uid};
use std::collections::{BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

/// Seconds. What lasts longer, or recurs over a longer time, is looked at whatever the window; there are few.
const SHORT: i64 = 40 * 86_400;
/// Memory that one item takes here, about.
const ITEM_BYTES: u64 = 160;

/// What is sought.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sought {
    /// Of this kind only.
    pub kind: Option<ObjectKind>,
    /// Only what may be between these two seconds since 1970.
    pub window: Option<(i64, i64)>,
    /// Only with all of these.
    pub traits: ObjectTraits,
}

/// An item that may be what is sought.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// As it is now.
    pub item: Item,
    /// What is known of it; `None`: nothing, and only its content tells.
    pub known: Option<Brief>,
}

impl Candidate {
    /// May it make somebody busy? Errs on the side of yes.
    pub(crate) fn may_be_busy(&self) -> bool {
        self.known.is_none_or(|known| {
            let takes_time = matches!(known.kind, ObjectKind::Event | ObjectKind::FreeBusy | ObjectKind::Availability);
            takes_time && !known.traits.contains(ObjectTraits::FREE)
        })
    }
}

/// What is known of an item, but for its UID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Brief {
    /// What it is made of.
    pub kind: ObjectKind,
    /// As [`ObjectFacts::first`], with the beginning of time for none.
    pub first: i64,
    /// As [`ObjectFacts::last`], with the end of time for none.
    pub last: i64,
    /// What else.
    pub traits: ObjectTraits,
}

impl Brief {
    fn of(facts: &ObjectFacts) -> Self {
        let (first, last) = (facts.first.unwrap_or(i64::MIN), facts.last.unwrap_or(i64::MAX));
        Self { kind: facts.kind, first, last, traits: facts.traits }
    }

    /// May something of it be in the window? Errs on the side of yes.
    fn may_touch(&self, (start, end): (i64, i64)) -> bool {
        self.first <= end && self.last >= start
    }

    fn is_short(&self) -> bool {
        self.last.checked_sub(self.first).is_some_and(|span| (0..=SHORT).contains(&span))
    }
}

/// One for each collection.
#[derive(Default)]
pub(crate) struct Almanac(Mutex<Pages>);

#[derive(Default)]
struct Pages {
    /// Up to where it was brought.
    read: Option<ModSeq>,
    items: HashMap<Uid, (Brief, u64)>,
    /// Those that do not last long, by when they begin.
    short: BTreeSet<(i64, Uid)>,
    long: BTreeSet<Uid>,
    /// By what stands for their UIDs.
    uids: BTreeSet<(u64, Uid)>,
    /// Nothing is noted beside them.
    unknown: BTreeSet<Uid>,
    /// What was learned of those beside which nothing is noted.
    learned: HashMap<Uid, (ModSeq, ObjectFacts)>,
}

/// What stands for a UID; two may have the same.
fn key_of(uid: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    uid.hash(&mut hasher);
    hasher.finish()
}

impl Almanac {
    /// Ask it as it is for the view; `None` if it is ahead already: then the view is an old one.
    fn ask<T>(&self, view: &View, ask: impl FnOnce(&mut Pages) -> T) -> Option<T> {
        let mut pages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if pages.read.is_some_and(|read| read > view.head().modseq) {
            return None;
        }
        pages.bring_up_to(view);
        Some(ask(&mut pages))
    }

    /// Memory that it takes, about.
    fn bytes(&self) -> u64 {
        let pages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (pages.items.len() + pages.unknown.len() + 2 * pages.learned.len()) as u64 * ITEM_BYTES
    }
}

/// Ask the almanac of a view's collection; `None` if the view is not the newest.
fn ask<T>(view: &View, question: impl FnOnce(&mut Pages) -> T) -> Option<T> {
    let almanac = view.companion().get_or_insert(Almanac::default);
    let before = almanac.bytes();
    let answer = almanac.ask(view, question);
    let after = almanac.bytes();
    if before != after || before == 0 {
        view.companion().weigh(&almanac, after);
    }
    answer
}

/// Ask a view that nothing newer has been seen of; [`Refusal::Unavailable`] if there always is.
pub(crate) async fn newest<T>(
    engine: &dyn Engine,
    collection: CollectionId,
    ask: impl Fn(&View) -> Option<T>,
) -> Result<(Arc<View>, T), Refusal> {
    for _ in 0..TRIES_MAX {
        let view = engine.view(collection).await?;
        if let Some(answer) = ask(&view) {
            return Ok((view, answer));
        }
    }
    Err(Refusal::Unavailable)
}

/// What may be what is sought, in the order in which it came; `None` if the view is not the newest.
pub(crate) fn candidates(view: &View, sought: &Sought) -> Option<Vec<Candidate>> {
    ask(view, |pages| {
        let mut uids: Vec<Uid> = pages.unknown.iter().copied().collect();
        let fits = |uid: &Uid| {
            pages.items.get(uid).is_some_and(|(brief, _)| {
                sought.kind.is_none_or(|kind| kind == brief.kind)
                    && sought.window.is_none_or(|window| brief.may_touch(window))
                    && brief.traits.contains(sought.traits)
            })
        };
        match sought.window {
            None => uids.extend(pages.items.keys().filter(|uid| fits(uid))),
            Some((start, end)) => {
                let begin = (start.saturating_sub(SHORT), Uid(0));
                uids.extend(pages.short.range(begin..=(end, Uid(u32::MAX))).map(|(_, uid)| *uid).filter(|uid| fits(uid)));
                uids.extend(pages.long.iter().copied().filter(|uid| fits(uid)));
            }
        }
        uids.sort_unstable();
        let known = |uid| pages.items.get(&uid).map(|(brief, _)| *brief);
        uids.into_iter().filter_map(|uid| Some(Candidate { item: view.by_uid(uid)?.clone(), known: known(uid) })).collect()
    })
}

/// The items that have this UID: one at most, unless they are old; `None` if the view is not the newest.
pub(crate) fn holders(view: &View, uid: &str) -> Option<Vec<Uid>> {
    ask(view, |pages| {
        let key = key_of(uid);
        let alike = pages.uids.range((key, Uid(0))..=(key, Uid(u32::MAX))).map(|(_, item)| *item);
        let has = |item: &Uid| view.by_uid(*item).and_then(|item| pages.facts(item)).is_some_and(|facts| facts.uid == uid);
        alike.filter(has).collect()
    })
}

/// What was learned of an item beside which nothing is noted.
pub(crate) fn learned(view: &View, item: &Item) -> Option<ObjectFacts> {
    ask(view, |pages| pages.facts(item))?
}

/// Items beside which nothing is noted, so many at most.
pub(crate) fn unknown(view: &View, count: usize) -> Option<Vec<Item>> {
    ask(view, |pages| pages.unknown.iter().take(count).filter_map(|uid| view.by_uid(*uid)).cloned().collect())
}

/// Remember what was found out of items as they were.
pub(crate) fn learn(view: &View, facts: Vec<(Uid, ModSeq, ObjectFacts)>) {
    ask(view, |pages| {
        for (uid, modseq, facts) in facts {
            if pages.unknown.contains(&uid) && view.by_uid(uid).is_some_and(|item| item.modseq == modseq) {
                pages.enter(uid, &facts);
                pages.unknown.remove(&uid);
                pages.learned.insert(uid, (modseq, facts));
            }
        }
    });
}

impl Pages {
    fn bring_up_to(&mut self, view: &View) {
        let now = view.head().modseq;
        if self.read == Some(now) {
            return;
        }
        if let Some((read, vanished)) = self.read.and_then(|read| Some((read, view.vanished_since(read)?))) {
            for tombstone in vanished.iter().filter(|tombstone| tombstone.uid != Uid(0)) {
                self.forget(tombstone.uid);
                self.learned.remove(&tombstone.uid);
            }
            for item in view.changed_since(read) {
                self.forget(item.uid);
                self.add(item);
            }
        } else {
            *self = Self { learned: std::mem::take(&mut self.learned), ..Self::default() };
            view.items().for_each(|item| self.add(item));
        }
        self.read = Some(now);
    }

    fn add(&mut self, item: &Item) {
        match self.facts(item) {
            Some(facts) => self.enter(item.uid, &facts),
            None => drop(self.unknown.insert(item.uid)),
        }
    }

    fn enter(&mut self, uid: Uid, facts: &ObjectFacts) {
        let (brief, key) = (Brief::of(facts), key_of(&facts.uid));
        if brief.is_short() {
            self.short.insert((brief.first, uid))
        } else {
            self.long.insert(uid)
        };
        self.uids.insert((key, uid));
        self.items.insert(uid, (brief, key));
    }

    fn forget(&mut self, uid: Uid) {
        self.unknown.remove(&uid);
        if let Some((brief, key)) = self.items.remove(&uid) {
            self.short.remove(&(brief.first, uid));
            self.long.remove(&uid);
            self.uids.remove(&(key, uid));
        }
    }

    fn facts(&self, item: &Item) -> Option<ObjectFacts> {
        let learned = || self.learned.get(&item.uid).filter(|(modseq, _)| *modseq == item.modseq).map(|(_, facts)| facts.clone());
        ObjectFacts::of(item).or_else(learned)
    }
}
