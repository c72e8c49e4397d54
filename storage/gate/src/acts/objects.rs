//! Acts on many calendar objects or cards of one collection at once: reading them together.
//!
//! Called by the reports of CalDAV and CardDAV. What always holds: who names an item gets what is in the collection under that number now.

use crate::acts::file::TRIES_MAX;
use crate::dropping::{is_drop, is_own};
use crate::granted::{Folder, Granted};
use crate::kept::almanac::{self, Candidate, Sought};
use crate::kept::object::ObjectFacts;
use crate::purpose::List;
use crate::refusal::Refusal;
use octroi_engine::{Part, ReadError, View};
use octroi_model::{Item, Name, Uid};

/// An item with its octets; [`Refusal::Damaged`] if what is stored of this one does not check.
pub type Whole = (Item, Result<Vec<u8>, Refusal>);

impl Granted<Folder, List> {
    /// The octets of these of its items that are still there, in their order. All are in memory at once: ask for as many as have a mebibyte.
    pub async fn read_items(&self, uids: &[Uid]) -> Result<Vec<Whole>, Refusal> {
        self.renew()?;
        let view = self.engine().view(self.node().real()?.id).await?;
        let drops = is_drop(self.node(), &self.session, self.session.rights_of(self.node())?);
        let there = uids.iter().filter_map(|uid| view.by_uid(*uid)).filter(|item| !drops || is_own(item, &self.session));
        let items: Vec<Item> = there.cloned().collect();
        match self.engine().read(items.iter().map(|item| (item.content, Part::Whole)).collect()).await {
            Ok(contents) => Ok(items.into_iter().zip(contents.into_iter().map(Ok)).collect()),
            Err(ReadError::Damaged(_)) => self.one_by_one(items).await,
            Err(other) => Err(other.into()),
        }
    }

    /// The items of these names, as they are now.
    pub async fn find_items(&self, names: &[Name]) -> Result<Vec<Option<Item>>, Refusal> {
        self.renew()?;
        let view = self.engine().view(self.node().real()?.id).await?;
        let drops = is_drop(self.node(), &self.session, self.session.rights_of(self.node())?);
        let find = |name: &Name| view.by_name(name).filter(|item| !drops || is_own(item, &self.session)).cloned();
        Ok(names.iter().map(find).collect())
    }

    /// What the item with this number is called, if it is still there.
    pub async fn name_of(&self, uid: Uid) -> Result<Option<Name>, Refusal> {
        self.renew()?;
        let view = self.engine().view(self.node().real()?.id).await?;
        let drops = is_drop(self.node(), &self.session, self.session.rights_of(self.node())?);
        Ok(view.by_uid(uid).filter(|item| !drops || is_own(item, &self.session)).and_then(|item| item.name.clone()))
    }

    /// Its objects that may be what is sought, found without reading any of them.
    pub async fn candidates(&self, sought: &Sought) -> Result<Vec<Candidate>, Refusal> {
        self.newest(|view| almanac::candidates(view, sought)).await
    }

    /// So many of its objects at most of which nothing is known: they were put before there were notes.
    pub async fn undescribed(&self, count: usize) -> Result<Vec<Item>, Refusal> {
        self.newest(|view| almanac::unknown(view, count)).await
    }

    /// Remember what such objects say of themselves. Nothing is changed for anybody by it, but that they are found.
    pub async fn learn(&self, facts: Vec<(Item, ObjectFacts)>) -> Result<(), Refusal> {
        self.renew()?;
        let view = self.engine().view(self.node().real()?.id).await?;
        almanac::learn(&view, facts.into_iter().map(|(item, facts)| (item.uid, item.modseq, facts)).collect());
        Ok(())
    }

    /// Ask a view that nothing newer has been seen of.
    async fn newest<T>(&self, ask: impl Fn(&View) -> Option<T>) -> Result<T, Refusal> {
        self.renew()?;
        let collection = self.node().real()?.id;
        for _ in 0..TRIES_MAX {
            if let Some(answer) = ask(&*self.engine().view(collection).await?) {
                return Ok(answer);
            }
        }
        Err(Refusal::Unavailable)
    }

    /// One that is damaged must not keep anybody from the others.
    async fn one_by_one(&self, items: Vec<Item>) -> Result<Vec<Whole>, Refusal> {
        let mut whole = Vec::with_capacity(items.len());
        for item in items {
            match self.engine().read(vec![(item.content, Part::Whole)]).await.map(|mut parts| parts.pop().unwrap_or_default()) {
                Ok(octets) => whole.push((item, Ok(octets))),
                Err(damaged @ ReadError::Damaged(_)) => whole.push((item, Err(damaged.into()))),
                Err(other) => return Err(other.into()),
            }
        }
        Ok(whole)
    }
}
