//! How a session sees the events of somebody else's calendar: as they are, or veiled, with nothing left but when their owner is busy.
//!
//! Called wherever items of a collection are handed out. What always holds: of a veiled item no octet, property or keyword leaves the gate but
//! through the function of a codec that is handed in ([`Strip`]); its entity tag is one of its own; nothing can be done with it but to look; what
//! makes nobody busy is not there. Veiled are
//!
//! * all events for who may see busy times (`1`) and know of the calendar (`l`), and may not read it; they have names of their own too, as
//!   programs call events by their UIDs;
//! * what is not public (`CLASS`) for everybody but the owner and who put it, also in a calendar that they may read or write.
//!
//! And what is neither is seen by a sharee with their own alarms in the place of its owner's ([`crate::acts::own`]): with an entity tag of its own as well.

use crate::acts::own::note;
use crate::granted::{FoundItem, FoundNode};
use crate::kept::almanac;
use crate::kept::beside;
use crate::kept::object::{ObjectFacts, ObjectKind, ObjectTraits};
use crate::refusal::Refusal;
use crate::session::Session;
use crate::subscriptions;
use crate::tree::Node;
use octroi_engine::{View, hash_of};
use octroi_model::{AccountId, CollectionId, CollectionKind, ContentRef, Flags, Hash, Item, Name, Rights, Tombstone, Uid};
use octroi_policy::Area;

/// How an object is shown to who does not see it as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// Only when its owner is busy, under this UID.
    Busy(String),
    /// With this of one's own, as a codec wrote it, in the place of what its owner has; empty if one has nothing.
    Own(String),
}

/// Makes of an event what is shown of it; `None` if there is nothing.
pub type Strip = fn(&[u8], &Shown) -> Option<Vec<u8>>;

/// What one has of a veiled item.
const VEILED: Rights = Rights::LOOKUP.or(Rights::READ).or(Rights::FREE_BUSY);
/// Before the number of an item, in the name that it has behind a veil.
const PREFIX: &str = "busy-";
const SUFFIX: &str = ".ics";

/// How one session sees one collection.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Sight {
    /// As it is.
    Clear,
    /// Somebody else's calendar.
    Shared { viewer: AccountId, collection: CollectionId, is_veiled: bool, is_own: bool },
}

/// An item as a session sees it.
pub(crate) enum Seen<'v> {
    AsItIs(&'v Item),
    Made(Item, Shown),
}

impl Seen<'_> {
    pub(crate) fn into_item(self) -> Item {
        match self {
            Self::AsItIs(item) => item.clone(),
            Self::Made(item, _) => item,
        }
    }

    /// Is it seen with all that it says?
    pub(crate) fn is_whole(&self) -> bool {
        matches!(self, Self::AsItIs(_) | Self::Made(_, Shown::Own(_)))
    }
}

impl Sight {
    /// Of a node, with the rights in force on it.
    pub(crate) fn of(node: &Node, session: &Session) -> Result<Self, Refusal> {
        if node.area != Area::Calendars || node.owner == session.account() {
            return Ok(Self::Clear);
        }
        let Ok(collection) = node.real() else { return Ok(Self::Clear) };
        let rights = session.rights_of(node)?;
        let (is_veiled, is_own) = (is_veiled(node, session, rights), keeps_own(node, session, rights));
        Ok(Self::Shared { viewer: session.account(), collection: collection.id, is_veiled, is_own })
    }

    /// Does the viewer have things of their own in its objects?
    pub(crate) fn is_own(self) -> bool {
        matches!(self, Self::Shared { is_own: true, .. })
    }

    /// Are all of its events veiled?
    pub(crate) fn is_veiled(self) -> bool {
        matches!(self, Self::Shared { is_veiled: true, .. })
    }

    /// An item as it is seen; `None` if it is not. One of which nothing is known is veiled.
    pub(crate) fn see<'v>(self, view: &View, item: &'v Item) -> Option<Seen<'v>> {
        let Self::Shared { viewer, is_veiled, is_own, .. } = self else { return Some(Seen::AsItIs(item)) };
        let facts = ObjectFacts::of(item).or_else(|| almanac::learned(view, item));
        let is_public = facts.as_ref().is_some_and(|facts| !facts.traits.contains(ObjectTraits::PRIVATE));
        if !is_veiled && (is_public || beside::account(item, beside::AUTHOR) == Some(viewer)) {
            return Some(facts.filter(|_| is_own).and_then(|facts| own(item, &facts, viewer)).unwrap_or(Seen::AsItIs(item)));
        }
        let shows = facts.is_none_or(|facts| matches!(facts.kind, ObjectKind::Event | ObjectKind::FreeBusy));
        shows.then(|| Seen::Made(self.veiled(item), Shown::Busy(self.uid(item))))
    }

    fn veiled(self, item: &Item) -> Item {
        let name = if self.is_veiled() { veiled_name(item.uid).or_else(|| item.name.clone()) } else { item.name.clone() };
        // Another tag than that of the octets, and another each time they are.
        let mut hash = Hash(item.hash.0.map(|octet| !octet));
        hash.0.rotate_left(5);
        Item { name, properties: None, flags: Flags::NONE, content: ContentRef::default(), hash, ..item.clone() }
    }

    /// The item of this name, as it is in the store.
    pub(crate) fn find<'v>(self, view: &'v View, name: &Name) -> Option<&'v Item> {
        if self.is_veiled() { view.by_uid(uid_of(name)?) } else { view.by_name(name) }
    }

    /// The name of an item that is not seen, if it once was.
    pub(crate) fn hidden(self, item: &Item) -> Option<Name> {
        if self.is_veiled() { veiled_name(item.uid) } else { item.name.clone() }
    }

    /// As what something that is gone was known.
    pub(crate) fn gone(self, tombstone: &Tombstone) -> Option<Name> {
        if self.is_veiled() { veiled_name(tombstone.uid) } else { tombstone.name.clone() }
    }

    /// The UID that a veiled item is given.
    fn uid(self, item: &Item) -> String {
        let collection = if let Self::Shared { collection, .. } = self { collection.0 } else { 0 };
        format!("busy-{collection}-{}@octroi.invalid", item.uid.0)
    }
}

/// An item as it is seen by who has things of their own in it, or has its owner's taken out; `None`: as it is.
fn own<'v>(item: &Item, facts: &ObjectFacts, viewer: AccountId) -> Option<Seen<'v>> {
    let text = beside::noted(item, &note(viewer)).unwrap_or_default();
    if text.is_empty() && !facts.traits.contains(ObjectTraits::ALARMS) {
        return None;
    }
    // Another tag than that of what is kept, and another whenever either is.
    let hash = hash_of(&[item.hash.0.as_slice(), text.as_bytes()].concat());
    let properties = beside::with(item.properties.as_deref(), &[(beside::MADE, Some("own"))]);
    Some(Seen::Made(Item { hash, properties, ..item.clone() }, Shown::Own(text.to_owned())))
}

/// Does the session have things of its own in the objects of this calendar? Not who may speak for its owner: they set the owner's alarms.
pub(crate) fn keeps_own(node: &Node, session: &Session, rights: Rights) -> bool {
    let is_shared = node.area == Area::Calendars && node.owner != session.account();
    is_shared && !rights.contains(Rights::SEND_AS) && node.real().is_ok_and(|one| one.kind == CollectionKind::Calendar)
}

fn veiled_name(uid: Uid) -> Option<Name> {
    Name::new(&format!("{PREFIX}{}{SUFFIX}", uid.0)).ok()
}

fn uid_of(name: &Name) -> Option<Uid> {
    let digits = name.as_str().strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?;
    let uid = Uid(digits.parse().ok()?);
    (veiled_name(uid).as_ref() == Some(name)).then_some(uid)
}

/// Is this somebody else's calendar of which one may only see when its owner is busy?
fn is_veiled(node: &Node, session: &Session, rights: Rights) -> bool {
    let may = rights.contains(Rights::LOOKUP | Rights::FREE_BUSY) && !rights.contains(Rights::READ);
    may && node.area == Area::Calendars && node.owner != session.account()
}

/// A veiled calendar can be listed.
pub(crate) fn on_folder(at: &FoundNode, session: &Session, rights: Rights) -> Rights {
    if is_veiled(&at.0, session, rights) { rights | Rights::READ } else { crate::dropping::on_folder(at, session, rights) }
}

/// A veiled item can be read by who reads the calendar or its veil, and nothing else.
pub(crate) fn on_file(at: &FoundItem, session: &Session, rights: Rights) -> Rights {
    if !matches!(at.made.as_deref(), Some((_, Shown::Busy(_)))) {
        return subscriptions::on_file(at, crate::dropping::on_file(at, session, rights));
    }
    let may = rights.contains(Rights::LOOKUP) && rights.intersects(Rights::READ | Rights::FREE_BUSY);
    if may { VEILED } else { rights & Rights::LOOKUP }
}

/// The rights that are told of a node: who sees a veiled calendar reads what is to be seen of it.
pub(crate) fn told(node: &Node, session: &Session, rights: Rights) -> Rights {
    subscriptions::told(node, if is_veiled(node, session, rights) { rights | Rights::READ } else { rights })
}

/// The number of a collection in sync tokens: behind a veil its events have other names, so a token of before says nothing there.
pub(crate) fn sync_id(node: &Node, session: &Session, id: CollectionId) -> u64 {
    let is_veiled = Sight::of(node, session).is_ok_and(Sight::is_veiled);
    if is_veiled { id.0 | 1 << 63 } else { id.0 }
}

/// What a found item is, behind its veil if it has one.
pub(crate) fn found(session: &Session, folder: Node, view: &View, name: &Name) -> Result<FoundItem, Refusal> {
    let sight = Sight::of(&folder, session)?;
    let real = sight.find(view, name).ok_or(Refusal::Missing)?;
    Ok(match sight.see(view, real).ok_or(Refusal::Missing)? {
        Seen::AsItIs(item) => FoundItem { folder, item: item.clone(), made: None },
        Seen::Made(item, shown) => FoundItem { folder, made: Some(Box::new((real.clone(), shown))), item },
    })
}
