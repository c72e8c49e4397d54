//! Acts on many calendar objects or cards of one collection at once: finding them, and reading them together.
//!
//! Called by the reports of CalDAV and CardDAV. What always holds: who names an item gets what is in the collection under that number now, as the
//! session sees it ([`crate::sight`]).

use crate::acts::file::READ_BYTES_MAX;
use crate::dropping::{is_drop, is_own};
use crate::granted::{Folder, Granted};
use crate::kept::almanac::{self, Candidate, Sought};
use crate::kept::object::{ObjectFacts, ObjectKind, ObjectTraits};
use crate::purpose::{List, Purpose, SeeBusy};
use crate::refusal::Refusal;
use crate::sight::{Seen, Sight, Strip};
use octroi_engine::{Part, ReadError, View};
use octroi_model::{ContentRef, Item, ModSeq, Name, Uid};
use octroi_policy::Area;
use std::sync::Arc;

/// Objects that are read together: each is a run on the disk.
const TOGETHER_MAX: usize = 256;

/// How many of objects of these sizes are read together: at least one, if there is one.
pub fn fitting(sizes: impl Iterator<Item = u64>) -> usize {
    let mut bytes = 0;
    let fits = |size: &u64| {
        let before = bytes;
        bytes += size;
        before == 0 || bytes <= READ_BYTES_MAX
    };
    sizes.take(TOGETHER_MAX).take_while(fits).count()
}

/// An item with its octets; [`Refusal::Damaged`] if what is stored of this one does not check.
pub type Whole = (Item, Result<Vec<u8>, Refusal>);

/// A view with how the session sees it.
struct Looked {
    view: Arc<View>,
    sight: Sight,
    /// Only what one has put there oneself is there.
    drops: bool,
}

impl Granted<Folder, List> {
    async fn look(&self) -> Result<Looked, Refusal> {
        self.renew()?;
        let view = self.engine().view(self.node().real()?.id).await?;
        let drops = is_drop(self.node(), &self.session, self.session.rights_of(self.node())?);
        Ok(Looked { view, sight: Sight::of(self.node(), &self.session)?, drops })
    }

    /// The octets of these of its items that are still there, in their order; of those that are not seen as they are kept what `strip` makes. All are in memory at once: ask
    /// for as many as have a mebibyte.
    pub async fn read_items(&self, uids: &[Uid], strip: Strip) -> Result<Vec<Whole>, Refusal> {
        let looked = self.look().await?;
        let there = uids.iter().filter_map(|uid| looked.view.by_uid(*uid));
        let there: Vec<(&Item, Seen<'_>)> = there.filter_map(|item| Some((item, looked.see(&self.session, item)?))).collect();
        let contents: Vec<ContentRef> = there.iter().map(|(real, _)| real.content).collect();
        let mut whole = Vec::with_capacity(there.len());
        for ((real, seen), octets) in there.into_iter().zip(self.contents(&contents).await?) {
            match (seen, octets) {
                (Seen::Made(seen, shown), Ok(octets)) => whole.extend(strip(&octets, &shown).map(|octets| (seen, Ok(octets)))),
                (Seen::Made(seen, _), octets) => whole.push((seen, octets)),
                (Seen::AsItIs(_), octets) => whole.push((real.clone(), octets)),
            }
        }
        Ok(whole)
    }

    /// What the item with this number is called, if it is still there.
    pub async fn name_of(&self, uid: Uid) -> Result<Option<Name>, Refusal> {
        let looked = self.look().await?;
        let seen = looked.view.by_uid(uid).and_then(|item| looked.see(&self.session, item));
        Ok(seen.and_then(|seen| seen.into_item().name))
    }

    /// The items of these names, as they are now.
    pub async fn find_items(&self, names: &[Name]) -> Result<Vec<Option<Item>>, Refusal> {
        let looked = self.look().await?;
        let see = |name: &Name| Some(looked.see(&self.session, looked.sight.find(&looked.view, name)?)?.into_item());
        Ok(names.iter().map(see).collect())
    }

    /// Its objects that may be what is sought, found without reading any of them.
    pub async fn candidates(&self, sought: &Sought) -> Result<Vec<Candidate>, Refusal> {
        let sight = Sight::of(self.node(), &self.session)?;
        let wanted = sought.traits;
        // Whether it rings is each sharee's own.
        let sought = if sight.is_own() { Sought { traits: wanted.without(ObjectTraits::ALARMS), ..*sought } } else { *sought };
        let (view, found) = self.newest(|view| almanac::candidates(view, &sought)).await?;
        let see = |one: Candidate| match sight.see(&view, &one.item)? {
            Seen::AsItIs(_) => one.known.is_none_or(|known| known.traits.contains(wanted)).then_some(one),
            // Of its alarms and the like nothing is known.
            Seen::Made(item, _) => Some(Candidate { item, known: None }),
        };
        Ok(if matches!(sight, Sight::Clear) { found } else { found.into_iter().filter_map(see).collect() })
    }

    /// Have so many of its objects at most described of which nothing is known: they were put before there were notes. `describe` gets their
    /// octets; nothing is changed for anybody by it but that they are found. Are there more?
    pub async fn describe_unknown(&self, count: usize, describe: impl Fn(&[u8]) -> Option<ObjectFacts>) -> Result<bool, Refusal> {
        self.renew()?;
        let (view, unknown) = self.newest(|view| almanac::unknown(view, count)).await?;
        let mut facts: Vec<(Uid, ModSeq, ObjectFacts)> = Vec::with_capacity(unknown.len());
        for item in &unknown {
            let octets = self.contents(&[item.content]).await?.pop().and_then(Result::ok);
            // Of one that cannot be read or understood nothing is known for good: it is its owner's alone.
            let nothing =
                || ObjectFacts { kind: ObjectKind::Event, uid: String::new(), first: None, last: None, traits: ObjectTraits::PRIVATE };
            facts.push((item.uid, item.modseq, octets.and_then(|octets| describe(&octets)).unwrap_or_else(nothing)));
        }
        almanac::learn(&view, facts);
        Ok(unknown.len() == count)
    }
}

impl Looked {
    fn see<'v>(&self, session: &crate::Session, item: &'v Item) -> Option<Seen<'v>> {
        if self.drops && !is_own(item, session) {
            return None;
        }
        self.sight.see(&self.view, item)
    }
}

impl Granted<Folder, SeeBusy> {
    /// Show `read` every event that may make its owner busy between two seconds since 1970, one after another, until it has enough. What it
    /// makes of them is to say no more than when that is.
    pub async fn busy(&self, window: (i64, i64), mut read: impl FnMut(&[u8]) -> bool) -> Result<(), Refusal> {
        if self.node().area != Area::Calendars {
            return Ok(());
        }
        let sought = Sought { window: Some(window), ..Sought::default() };
        let (_, found) = self.newest(|view| almanac::candidates(view, &sought)).await?;
        let mut left: &[Item] = &found.into_iter().filter(Candidate::may_be_busy).map(|one| one.item).collect::<Vec<_>>();
        while !left.is_empty() {
            let (group, rest) = left.split_at(fitting(left.iter().map(Item::bytes)));
            self.renew()?;
            let contents: Vec<ContentRef> = group.iter().map(|item| item.content).collect();
            // Whoever is busy at a time that cannot be read is not told to be free: the log says what is damaged.
            for octets in self.contents(&contents).await? {
                if !read(&octets?) {
                    return Ok(());
                }
            }
            left = rest;
        }
        Ok(())
    }
}

impl<P: Purpose<Folder>> Granted<Folder, P> {
    /// Ask a view that nothing newer has been seen of.
    async fn newest<T>(&self, ask: impl Fn(&View) -> Option<T>) -> Result<(Arc<View>, T), Refusal> {
        self.renew()?;
        almanac::newest(self.engine(), self.node().real()?.id, ask).await
    }

    /// One that is damaged must not keep anybody from the others.
    async fn contents(&self, of: &[ContentRef]) -> Result<Vec<Result<Vec<u8>, Refusal>>, Refusal> {
        match self.engine().read(of.iter().map(|content| (*content, Part::Whole)).collect()).await {
            Ok(contents) => return Ok(contents.into_iter().map(Ok).collect()),
            Err(ReadError::Damaged(_)) => {}
            Err(other) => return Err(other.into()),
        }
        let mut whole = Vec::with_capacity(of.len());
        for content in of {
            match self.engine().read(vec![(*content, Part::Whole)]).await.map(|mut parts| parts.pop().unwrap_or_default()) {
                Ok(octets) => whole.push(Ok(octets)),
                Err(damaged @ ReadError::Damaged(_)) => whole.push(Err(damaged.into())),
                Err(other) => return Err(other.into()),
            }
        }
        Ok(whole)
    }
}
