//! PROPPATCH: what people and programs keep beside a document or a collection, as texts by name.
//!
//! Called by `dav`. What always holds: one request is one commit, over properties, times and keywords alike; the content and so the entity
//! tag stay as they are, the modseq moves; what is kept is limited in number and octets. The gate does not look into the texts. Beside a
//! collection that somebody else shares, a sharee keeps what is their own view of it ([`Personalise`]): it goes with either.

use crate::acts::file::{TRIES_MAX, When};
use crate::acts::mailbox::{ensure_keywords, known_keywords};
use crate::gate::Limits;
use crate::granted::{File, Folder, Granted};
use crate::kept::beside::{self, properties_of};
use crate::purpose::{Describe, DescribeFolder, Personalise, Purpose};
use crate::refusal::Refusal;
use crate::reserved::Deed;
use octroi_engine::{Batch, Change, Engine, Expect};
use octroi_model::{AccountId, Annotated, AnnotationEdit, Collection, FlagEdit, Head, Item, UnixTime};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Name of the limit on what is kept beside one resource.
pub const PROPERTIES: &str = "properties of one resource";

/// Where a sharee's own view of a collection is kept among the annotations.
const OWN_VIEW: &str = "/private/dav/";
/// What says something of the octets, and is wrong when others take their place: Windows' own idea of when they were written.
const OF_THE_CONTENT: &[&str] = &["{urn:schemas-microsoft-com:}Win32LastModifiedTime"];

/// What becomes of a property: its name, and its text or (`None`) that it goes.
pub type PropertyEdit = (String, Option<String>);

/// What becomes of a document, event or card beside its content.
#[derive(Debug, Clone, Default)]
pub struct Description {
    /// Properties in the order in which they are set and removed.
    pub properties: Vec<PropertyEdit>,
    /// When it was last modified.
    pub modified: Option<UnixTime>,
    /// `Content-Type`.
    pub media_type: Option<String>,
    /// Keywords set and cleared.
    pub marks: Vec<(String, bool)>,
}

/// What stays beside an item whose content is replaced.
pub(crate) fn kept_over(item: &Item) -> Option<Arc<[u8]>> {
    let mut texts = beside::texts(item.properties.as_deref());
    texts.retain(|name, _| !OF_THE_CONTENT.contains(name));
    beside::encode(&texts)
}

/// Is it more than may be kept beside one resource? Who is above a limit may still take away.
fn check<'a>(limits: &Limits, before: usize, texts: impl Iterator<Item = (&'a str, &'a str)>) -> Result<(), Refusal> {
    let (mut count, mut bytes) = (0, 0);
    for (name, text) in texts {
        if name.len() + text.len() > limits.property_bytes_max {
            return Err(Refusal::Limit(PROPERTIES));
        }
        count += 1;
        bytes += name.len() + text.len();
    }
    if count > before && count > limits.properties_max || bytes > limits.properties_bytes_max {
        return Err(Refusal::Limit(PROPERTIES));
    }
    Ok(())
}

/// The same for a collection that is to be made.
pub(crate) fn check_all(limits: &Limits, properties: &[(Arc<str>, Arc<str>)]) -> Result<(), Refusal> {
    check(limits, 0, properties.iter().map(|(name, text)| (&**name, &**text)))
}

impl Granted<File, Describe> {
    /// All of it or nothing. The content is that which was seen: [`Refusal::Precondition`] if it is another by now.
    pub async fn describe(&self, description: &Description) -> Result<(), Refusal> {
        let collection = self.folder_id()?;
        let named = |on| description.marks.iter().filter(move |(_, set)| *set == on).map(|(keyword, _)| keyword.as_str());
        let added = ensure_keywords(self, collection, &named(true).collect::<Vec<_>>()).await?;
        let removed = known_keywords(&*self.collection()?, &named(false).collect::<Vec<_>>());
        let marks = description.marks.iter().map(|(keyword, _)| keyword.clone());
        let deed = Deed::marks(self.node(), marks).about([self.real().hash]);
        let deeds: &[Deed] = if description.marks.is_empty() { &[] } else { &[deed] };
        for _ in 0..TRIES_MAX {
            self.renew()?;
            let view = self.engine().view(collection).await?;
            let now = view.by_name(self.name()?).ok_or(Refusal::Missing)?;
            if now.hash != self.real().hash || now.uid != self.real().uid {
                return Err(Refusal::Precondition);
            }
            let mut item = described(now, description, &self.session.gate().0.limits)?;
            item.flags = FlagEdit::remove(removed).apply(FlagEdit::add(added).apply(item.flags));
            if item == *now {
                return Ok(());
            }
            let mut batch = Batch::new();
            batch.expect(Expect::Unchanged { collection, uid: now.uid, modseq: now.modseq });
            batch.push(Change::Put { collection, item, head: Head::default() });
            match self.commit_deeds(batch, deeds).await {
                // Not if it is a lock that has ended.
                Err(Refusal::Precondition) if self.is_changed(now, When::Anyhow).await? => {}
                other => return other.map(|_| ()),
            }
        }
        Err(Refusal::Unavailable)
    }
}

fn described(now: &Item, description: &Description, limits: &Limits) -> Result<Item, Refusal> {
    let count = properties_of(now).len();
    let mut texts = beside::texts(now.properties.as_deref());
    for (name, text) in &description.properties {
        match text {
            Some(text) => texts.insert(name, text),
            None => texts.remove(name.as_str()),
        };
    }
    if !description.properties.is_empty() {
        check(limits, count, texts.iter().filter(|(name, _)| beside::is_of_clients(name)).map(|(name, text)| (*name, *text)))?;
    }
    let mut item = Item { properties: beside::encode(&texts), ..now.clone() };
    if let Some(modified) = description.modified {
        item.date = modified;
    }
    if let Some(media_type) = &description.media_type {
        item.media_type = super::file::media_type(Some(media_type))?;
    }
    Ok(item)
}

impl Granted<Folder, DescribeFolder> {
    /// Set and remove properties of a collection for all who see it, and in the `own` view of one that somebody else owns: all or none.
    pub async fn describe(&self, properties: &[PropertyEdit], own: &[PropertyEdit]) -> Result<(), Refusal> {
        self.renew()?;
        let collection = self.collection()?;
        let mut texts: BTreeMap<&str, &str> = collection.properties.iter().map(|(name, text)| (&**name, &**text)).collect();
        let mut batch = Batch::new();
        for (name, text) in properties {
            match text {
                Some(text) => texts.insert(name, text),
                None => texts.remove(name.as_str()),
            };
            let value = text.as_deref().map(Arc::from);
            batch.push(Change::SetProperty { collection: collection.id, name: Arc::from(name.as_str()), value, head: Head::default() });
        }
        check(&self.session.gate().0.limits, collection.properties.len(), texts.into_iter())?;
        if !own.is_empty() {
            batch.push(own_view(self, own)?);
        }
        if batch.is_empty() {
            return Ok(());
        }
        self.commit(batch).await.map(|_| ()).map_err(told)
    }
}

impl Granted<Folder, Personalise> {
    /// Is it somebody else's, so that there is a view of one's own to be had?
    pub fn is_shared(&self) -> bool {
        self.node().owner != self.session.account()
    }

    /// Set and remove properties of a collection that somebody else owns, as one sees it oneself: all or none. Removed, the owner's shows.
    pub async fn personalise(&self, properties: &[PropertyEdit]) -> Result<(), Refusal> {
        self.renew()?;
        let mut batch = Batch::new();
        batch.push(own_view(self, properties)?);
        self.commit(batch).await.map(|_| ()).map_err(told)
    }
}

fn own_view<P: Purpose<Folder>>(granted: &Granted<Folder, P>, properties: &[PropertyEdit]) -> Result<Change, Refusal> {
    let account = granted.session.account();
    if granted.node().owner == account {
        return Err(Refusal::Unsupported);
    }
    let entry = |(name, text): &PropertyEdit| -> AnnotationEdit {
        (Arc::from(format!("{OWN_VIEW}{name}")), text.as_ref().map(|text| Arc::from(text.as_bytes())))
    };
    let of = Annotated { collection: Some(granted.collection()?.id), account: Some(account) };
    Ok(Change::Annotate { of, entries: properties.iter().map(entry).collect() })
}

/// The store has limits of its own, for what it keeps in memory.
fn told(refusal: Refusal) -> Refusal {
    if refusal == octroi_engine::CommitError::Full.into() { Refusal::Limit(PROPERTIES) } else { refusal }
}

/// The properties of a collection as an account sees them: the owner's, under what a sharee keeps of their own.
pub(crate) fn seen_by(engine: &dyn Engine, collection: &Collection, account: AccountId) -> Vec<(Arc<str>, Arc<str>)> {
    let mut properties = collection.properties.clone();
    if collection.owner == account {
        return properties;
    }
    let own = engine.annotations(Annotated { collection: Some(collection.id), account: Some(account) });
    let own = own.iter().filter_map(|(name, text)| Some((name.strip_prefix(OWN_VIEW)?, std::str::from_utf8(text).ok()?)));
    for (name, text) in own {
        properties.retain(|(known, _)| &**known != name);
        properties.push((Arc::from(name), Arc::from(text)));
    }
    properties
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_back_and_nothing_else_is() {
        let mut item = crate::acts::file::document(octroi_model::Name::new("a").unwrap(), None).unwrap();
        assert!(properties_of(&item).is_empty() && beside::encode(&BTreeMap::new()).is_none());
        let texts = BTreeMap::from([("{urn:x}a", "<a/>"), (OF_THE_CONTENT[0], "x")]);
        item.properties = beside::encode(&texts);
        assert_eq!(properties_of(&item).into_iter().collect::<BTreeMap<_, _>>(), texts);
        item.properties = kept_over(&item);
        assert_eq!(properties_of(&item), [("{urn:x}a", "<a/>")]);
        for odd in [&[][..], &[1], &[1, 200, 1], &[9, 1, 1, b'a', 1, b'b']] {
            item.properties = Some(odd.into());
            assert!(properties_of(&item).is_empty());
        }
    }

    #[test]
    fn one_all_and_their_number_are_limited() {
        let limits = Limits { properties_max: 2, property_bytes_max: 10, properties_bytes_max: 16, ..Limits::default() };
        let fits = |before, texts: &[(&str, &str)]| check(&limits, before, texts.iter().copied()).is_ok();
        assert!(fits(0, &[("a", "123456789"), ("b", "12345")]) && !fits(0, &[("a", "1234567890")]));
        assert!(!fits(0, &[("a", "123456789"), ("b", "123456")]));
        assert!(!fits(0, &[("a", ""), ("b", ""), ("c", "")]) && fits(3, &[("a", ""), ("b", ""), ("c", "")]));
    }
}
