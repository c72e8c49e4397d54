//! Managed attachments (RFC 8607): contents that hang on calendar objects, kept once and read by who may read an object that carries them.
//!
//! Called by CalDAV. They are items of a collection ([`CollectionKind::Attachments`]) at the top of the calendars of whom the object's calendar is,
//! so that they count in that quota; no area has it, so no rule and no path opens it. The gate cannot read objects: of those with a UID that is
//! noted beside the attachment it asks the codec whether they carry its number. So whoever lets an object into a calendar must see to it that it
//! carries no number that its sender may not read: `dav` for what is put, the codec for what comes by mail. What always holds: an attachment and the
//! object that carries it come in one commit; its rights are those of that object, asked again with each read; what no object of anybody's carries
//! any more goes with the hourly sweep, so that neither a copy in somebody else's calendar nor one that was moved loses it.

use crate::acts::file::document;
use crate::admin::Admin;
use crate::content::{Content, Upload};
use crate::gate::{Gate, new_collection};
use crate::granted::{File, FileAt, FolderAt, FoundItem, Granted};
use crate::kept::{almanac, beside};
use crate::purpose::{Read, Rewrite};
use crate::refusal::Refusal;
use crate::scheduling::MailedAttachment;
use crate::session::Session;
use crate::tree;
use octroi_engine::{Batch, BodyIndex, Change, Engine, Expect, Part, View};
use octroi_model::{AccountId, Collection, CollectionId, CollectionKind, Head, Item, Name, Rights, Uid, UidSet, UnixTime};
use octroi_policy::Area;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The name of the collection that holds them.
const NAMES: [&str; 2] = [".attachments", ".octroi-attachments"];
/// Note beside one: UIDs of the objects that it was attached to, a line each.
const UIDS: &str = "attached-to";
/// Property of a store: numbers that its account had before it was brought back from a backup, in hexadecimal.
const FORMERLY: &str = "formerly";
/// UIDs of objects that one attachment can be in.
const UIDS_MAX: usize = 50;
/// Random octets of a number.
const RANDOM_BYTES: usize = 16;
/// What is younger is not swept: its object may be on its way.
const GRACE: i64 = 3600;

/// An attachment on its way in.
#[derive(Debug)]
pub struct NewAttachment {
    /// Its number, of [`Granted::new_attachment`].
    pub id: Name,
    /// Its octets.
    pub content: Content,
    /// `Content-Type`.
    pub media_type: String,
    /// What people call it.
    pub file_name: String,
    /// Its octets once more, if it may go along with mail ([`Granted::mailed_bytes_max`]).
    pub copy: Option<Vec<u8>>,
}

/// What comes with an object: an attachment, and those that are known already and that it did not carry before.
#[derive(Debug, Default)]
pub(crate) struct Attaching {
    new: Option<Box<NewAttachment>>,
    known: Vec<Name>,
}

impl Attaching {
    pub(crate) fn is_empty(&self) -> bool {
        self.new.is_none() && self.known.is_empty()
    }

    /// What is new, for mail that goes with the commit.
    pub(crate) fn copy(&self) -> Option<Arc<MailedAttachment>> {
        let new = self.new.as_ref()?;
        let (id, file_name, media_type) = (new.id.to_string(), new.file_name.clone(), new.media_type.clone());
        Some(Arc::new(MailedAttachment { id, file_name, media_type, octets: new.copy.clone()? }))
    }
}

impl Content {
    /// An object that carries this attachment from now on: both are stored, or neither.
    #[must_use]
    pub fn attaching(mut self, new: NewAttachment) -> Self {
        self.attaching.new = Some(Box::new(new));
        self
    }

    /// An object that carries attachments which it did not carry before, and which [`Session::may_attach`] lets it carry.
    #[must_use]
    pub fn attached(mut self, known: Vec<Name>) -> Self {
        self.attaching.known = known;
        self
    }
}

/// The same, with its content in the batch that every try begins with.
pub(crate) struct Attached {
    new: Option<(Name, String, String, BodyIndex)>,
    known: Vec<Name>,
    /// Octets that come.
    pub(crate) bytes: u64,
}

impl Attached {
    pub(crate) fn of(attaching: Attaching, alone: &mut Batch) -> Self {
        let bytes = attaching.new.as_ref().map_or(0, |new| new.content.bytes());
        let laid = |new: Box<NewAttachment>| (new.id, new.media_type, new.file_name, alone.body(new.content.body));
        Self { new: attaching.new.map(laid), known: attaching.known, bytes }
    }

    /// Add to the batch what is to be kept for the object with that UID in a calendar of that owner's.
    pub(crate) async fn lay(&self, gate: &Gate, owner: AccountId, uid: &str, batch: &mut Batch) -> Result<(), Refusal> {
        let engine = gate.engine();
        if let Some((id, media_type, file_name, body)) = &self.new {
            let into = match store(engine, owner) {
                Some(store) => store.id,
                None => make_store(engine, owner, batch)?,
            };
            let properties = beside::with(None, &[(beside::NAME, Some(file_name)), (UIDS, Some(uid))]);
            batch.put(into, Item { properties, ..document(id.clone(), Some(media_type))? }, *body);
        }
        for id in &self.known {
            let (collection, item) = find(engine, id).await?.ok_or(Refusal::Missing)?;
            let uids = uids_of(&item);
            // It must not be swept away meanwhile.
            batch.expect(Expect::Unchanged { collection, uid: item.uid, modseq: item.modseq });
            if uids.contains(&uid) {
                continue;
            }
            if uids.len() >= UIDS_MAX {
                return Err(Refusal::Limit("objects of one attachment"));
            }
            let uids = [&uids[..], &[uid]].concat().join("\n");
            let properties = beside::with(item.properties.as_deref(), &[(UIDS, Some(&uids))]);
            batch.push(Change::Put { collection, item: Item { properties, ..item }, head: Head::default() });
        }
        Ok(())
    }
}

/// A calendar may have its name, so it takes the first that is free.
fn make_store(engine: &dyn Engine, owner: AccountId, batch: &mut Batch) -> Result<CollectionId, Refusal> {
    make_store_with(engine, owner, None, batch)
}

fn make_store_with(engine: &dyn Engine, owner: AccountId, formerly: Option<&str>, batch: &mut Batch) -> Result<CollectionId, Refusal> {
    let home = tree::home(engine, owner, Area::Calendars).ok_or(Refusal::Missing)?;
    let names = NAMES.into_iter().filter_map(|name| Name::new(name).ok());
    let name = names.into_iter().find(|name| engine.child(home.id, name).is_none()).ok_or(Refusal::Exists)?;
    let mut store = new_collection(engine, Some(home.id), name.clone(), CollectionKind::Attachments, owner);
    store.properties.extend(formerly.map(|numbers| (FORMERLY.into(), numbers.into())));
    let id = store.id;
    batch.expect(Expect::Absent { collection: home.id, name });
    batch.push(Change::CreateCollection { collection: store, parent_head: None });
    Ok(id)
}

fn store(engine: &dyn Engine, owner: AccountId) -> Option<Arc<Collection>> {
    let home = tree::home(engine, owner, Area::Calendars)?;
    engine.children(home.id).into_iter().find(|child| child.kind == CollectionKind::Attachments)
}

/// Where an attachment of that number is: in the account that the number says, or in what was made of that account.
fn store_of(engine: &dyn Engine, id: &Name) -> Option<Arc<Collection>> {
    let owner = owner_of(id)?;
    if engine.account(owner).is_some() {
        return store(engine, owner);
    }
    let was_theirs = |store: &Arc<Collection>| formerly(store).any(|number| number == owner);
    engine.accounts().into_iter().filter_map(|account| store(engine, account.id)).find(was_theirs)
}

/// The numbers that the account of a store had before it was made anew.
fn formerly(store: &Collection) -> impl Iterator<Item = AccountId> {
    let numbers = store.property(FORMERLY).map_or("", |numbers| &**numbers).split_ascii_whitespace();
    numbers.filter_map(|number| u64::from_str_radix(number, 16).ok()).map(AccountId)
}

/// The store of an account that had the number `then` when it had the store `source`, made if there is none.
pub(crate) async fn store_after(
    engine: &dyn Engine,
    owner: AccountId,
    (then, source): (AccountId, &Collection),
) -> Result<CollectionId, Refusal> {
    let there = store(engine, owner);
    let before: BTreeSet<AccountId> = there.iter().flat_map(|store| formerly(store)).collect();
    let mut numbers = before.clone();
    numbers.extend(formerly(source).chain([then]).filter(|number| *number != owner));
    let noted = numbers.iter().map(|number| format!("{:x}", number.0)).collect::<Vec<_>>().join(" ");
    let mut batch = Batch::new();
    let id = match there {
        Some(store) if numbers == before => return Ok(store.id),
        Some(store) => {
            let (name, value) = (FORMERLY.into(), Some(noted.into()));
            batch.push(Change::SetProperty { collection: store.id, name, value, head: Head::default() });
            store.id
        }
        None => make_store_with(engine, owner, Some(&noted).filter(|noted| !noted.is_empty()).map(String::as_str), &mut batch)?,
    };
    engine.commit(batch).await?;
    Ok(id)
}

/// Is there an attachment of that number?
pub(crate) async fn is_there(engine: &dyn Engine, id: &Name) -> Result<bool, Refusal> {
    Ok(find(engine, id).await?.is_some())
}

/// An attachment by its number.
async fn find(engine: &dyn Engine, id: &Name) -> Result<Option<(CollectionId, Item)>, Refusal> {
    let Some(store) = store_of(engine, id) else { return Ok(None) };
    let view = engine.view(store.id).await?;
    Ok(view.by_name(id).map(|item| (store.id, item.clone())))
}

/// In whose account an attachment of that number was made: theirs whose calendar it was attached in, whoever did it for them.
fn owner_of(id: &Name) -> Option<AccountId> {
    id.as_str().split_once('-').and_then(|(owner, _)| u64::from_str_radix(owner, 16).ok()).map(AccountId)
}

/// Has it the form of a number of ours? Errs on the side of yes.
pub fn is_attachment_id(text: &str) -> bool {
    let is_hex = |text: &str| text.bytes().all(|b| b.is_ascii_hexdigit());
    text.split_once('-').is_some_and(|(owner, random)| is_hex(owner) && random.len() == 2 * RANDOM_BYTES && is_hex(random))
}

fn uids_of(item: &Item) -> Vec<&str> {
    beside::noted(item, UIDS).map_or(Vec::new(), |uids| uids.lines().collect())
}

/// What people call an attachment.
pub fn attachment_name(item: &Item) -> Option<&str> {
    beside::noted(item, beside::NAME)
}

impl Granted<File, Rewrite> {
    /// Octets of attachments that go along with one mail about a meeting.
    pub fn mailed_bytes_max(&self) -> u64 {
        self.session.gate().0.limits.mailed_attachments_bytes_max
    }

    /// A number for a new attachment of this object's, and a place for its octets, of so many as far as is known.
    pub async fn new_attachment(&self, bytes: u64) -> Result<(Name, Upload), Refusal> {
        self.renew()?;
        // The commit decides; this is before anything is sent.
        if !self.session.gate().has_room_for_change(self.folder_id()?, bytes) {
            return Err(Refusal::OverQuota);
        }
        let mut random = [0; RANDOM_BYTES];
        getrandom::fill(&mut random).map_err(|_| Refusal::Unavailable)?;
        let digits: String = random.iter().map(|octet| format!("{octet:02x}")).collect();
        let id = Name::new(&format!("{:x}-{digits}", self.node().owner.0)).map_err(|_| Refusal::Unavailable)?;
        Ok((id, Upload::begin(self.session.gate()).await?))
    }
}

impl Session {
    /// An attachment, for who may read an object that carries it: under the rights to that object. [`Refusal::Missing`] for everybody else.
    pub async fn attachment(&self, id: &Name) -> Result<Granted<File, Read>, Refusal> {
        self.check().await?;
        let engine = self.gate().engine();
        let generation = engine.generation();
        let (_, attachment) = find(engine, id).await?.ok_or(Refusal::Missing)?;
        let top = self.own_home(Area::Calendars).ok_or(Refusal::Missing)?;
        for node in self.children_of(&top) {
            // Asked before, as an open that is refused is noted in the audit trail.
            if node.real().is_err() || !self.rights_of(&node)?.contains(Rights::LOOKUP | Rights::READ) {
                continue;
            }
            for (_, holder) in holders(engine, node.real()?.id, &uids_of(&attachment)).await? {
                let Some(name) = holder.name.clone() else { continue };
                let at = FileAt { area: Area::Calendars, folder: node.path.clone(), name };
                let Ok(object) = self.open(at, Read).await else { continue };
                if !object.is_veiled() && carries(self.gate(), object.real(), id).await? {
                    let at = FoundItem { folder: object.at.folder.clone(), item: attachment, made: None };
                    return Ok(Granted::new(self.clone(), at, object.rights(), generation));
                }
            }
        }
        Err(Refusal::Missing)
    }

    /// May an object with that UID carry an attachment from now on that it did not carry before, in this calendar? Its octets if so,
    /// [`Refusal::Missing`] if not. RFC 8607 section 3.12.2: nobody uses again what somebody else has attached; another copy of the same event, such
    /// as an attendee's, has it already.
    pub async fn may_attach(&self, id: &Name, calendar: &FolderAt, uid: &str) -> Result<u64, Refusal> {
        let attachment = self.attachment(id).await?;
        let is_known = || uids_of(attachment.item()).contains(&uid);
        let is_theirs = || {
            self.resolve(calendar.area, &calendar.path)
                .is_some_and(|node| store_of(self.gate().engine(), id).is_some_and(|store| store.owner == node.owner))
        };
        if is_known() || is_theirs() { Ok(attachment.item().bytes()) } else { Err(Refusal::Missing) }
    }
}

/// The objects of a calendar that have one of these UIDs.
async fn holders(engine: &dyn Engine, calendar: CollectionId, uids: &[&str]) -> Result<Vec<(Uid, Item)>, Refusal> {
    let mut found: Vec<(Uid, Item)> = Vec::new();
    for uid in uids {
        let (view, known) = almanac::newest(engine, calendar, |view: &View| almanac::holders(view, uid)).await?;
        found.extend(known.into_iter().filter_map(|item| Some((item, view.by_uid(item)?.clone()))));
        // Of what scheduling has written nothing but the UID is noted until somebody describes it.
        let is_it = |item: &Item| beside::noted(item, beside::UID) == Some(uid);
        let undescribed = almanac::unknown(&view, usize::MAX).unwrap_or_default().into_iter().filter(is_it);
        found.extend(undescribed.map(|item| (item.uid, item)));
    }
    found.sort_unstable_by_key(|(uid, _)| *uid);
    found.dedup_by_key(|(uid, _)| *uid);
    Ok(found)
}

/// Does an object carry the attachment with that number?
async fn carries(gate: &Gate, object: &Item, id: &Name) -> Result<bool, Refusal> {
    let Some(codec) = gate.0.scheduling.get() else { return Ok(false) };
    let read = gate.engine().read(vec![(object.content, Part::Whole)]).await?;
    Ok(read.first().is_some_and(|octets| codec.carries(octets, id.as_str())))
}

impl Admin {
    /// Remove attachments of somebody's that no object carries by `now`. Returns how many went.
    pub(crate) async fn sweep_attachments(&self, owner: AccountId, now: UnixTime) -> Result<usize, Refusal> {
        let engine = self.gate.engine();
        let Some(store) = store(engine, owner).filter(|store| store.head.items > 0) else { return Ok(0) };
        let view = engine.view(store.id).await?;
        let mut gone = 0;
        for item in view.items().filter(|item| item.saved.0 < now.0 - GRACE) {
            if is_carried(&self.gate, owner, item).await? {
                continue;
            }
            let mut batch = Batch::new();
            batch.expect(Expect::Unchanged { collection: store.id, uid: item.uid, modseq: item.modseq });
            let uids = UidSet::from_uids([item.uid]);
            batch.push(crate::kept::versions::expunge(store.id, uids));
            match engine.commit(batch).await.map_err(Refusal::from) {
                Ok(_) => gone += 1,
                // Somebody has put it into another object just now.
                Err(Refusal::Precondition) => {}
                Err(refusal) => return Err(refusal),
            }
        }
        Ok(gone)
    }
}

/// Whoever's calendar it is in: first where it most likely is.
pub(crate) async fn is_carried(gate: &Gate, owner: AccountId, attachment: &Item) -> Result<bool, Refusal> {
    let engine = gate.engine();
    let Some(id) = &attachment.name else { return Ok(false) };
    let others = engine.accounts().into_iter().map(|account| account.id).filter(|other| *other != owner);
    for account in std::iter::once(owner).chain(others) {
        let Some(home) = tree::home(engine, account, Area::Calendars) else { continue };
        for calendar in engine.children(home.id).into_iter().filter(|child| child.kind == CollectionKind::Calendar) {
            for (_, object) in holders(engine, calendar.id, &uids_of(attachment)).await? {
                if carries(gate, &object, id).await? {
                    return Ok(true);
                }
            }
        }
    }
    Ok(false)
}
