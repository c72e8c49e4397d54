//! The plan of one change of a meeting: what is stored, and what everybody else's calendar and inbox get in the same commit.
//!
//! It is on the server's authority that something comes into somebody else's calendar, so it is bounded: only what the codec has made of a
//! change that the sender could make, to people whom the sender's profile lets them write to, so many at once. Who is elsewhere gets mail,
//! which lies in the queue with the same commit.

use super::busy::SeenCalendars;
use super::codec::{Invitation, MailedAttachment, Manner, ObjectChange, Outgoing, Received, SchedulingCodec, Sender, Telling};
use super::homes::{self, Found};
use crate::acts::file::document;
use crate::gate::Gate;
use crate::kept::beside;
use crate::kept::object::ObjectFacts;
use crate::kept::versions::expunge;
use crate::queue::{self, QueueEntry, QueueRecipient, RecipientTerms, Terms};
use crate::refusal::Refusal;
use crate::session::Session;
use crate::tree::{self, Node};
use octroi_engine::{Batch, Body, Expect};
use octroi_model::{Account, AccountId, Address, Collection, CollectionId, CollectionKind, Item, Name, Outcome, Rights, UidSet, UnixTime};
use octroi_policy::{Act, Area, MeetsAs, Profile};
use std::collections::HashMap;
use std::sync::Arc;

/// Name of the limit on whom one change is told to.
pub const ATTENDEES: &str = "attendees";

/// What becomes of a message: RFC 6638 section 3.2.9.
mod status {
    /// It is on its way, by mail.
    pub(super) const SENT: &str = "1.1";
    /// It is with them.
    pub(super) const DELIVERED: &str = "1.2";
    /// There is no such person.
    pub(super) const UNKNOWN: &str = "3.7";
    /// The sender may not.
    pub(super) const FORBIDDEN: &str = "3.8";
    /// They have no room, or what they have is locked.
    pub(super) const FAILED: &str = "5.1";
}

/// Where a message goes.
#[derive(Clone)]
pub(super) enum Way {
    Here(Arc<Account>),
    Mail(Address),
    /// It is a group's address: who is in it is told by themselves.
    Group,
    Nowhere(&'static str),
}

/// What an object comes to.
pub(super) struct Settled {
    /// What is stored, if that is not what was sent.
    pub other: Option<Vec<u8>>,
    pub uid: Option<String>,
    /// It is a meeting with others.
    pub scheduled: bool,
}

/// A change of a meeting under way: kept over several tries.
pub(super) struct Desk<'s> {
    session: &'s Session,
    codec: Arc<dyn SchedulingCodec>,
    owner: Arc<Account>,
    /// Looked up once there is a meeting.
    me: Option<Vec<String>>,
    manner: Manner,
    /// May speak for the owner.
    speaks: bool,
    ways: HashMap<String, Way>,
    /// What hangs on meetings, as far as it was read for mail.
    pub(super) attachments: Vec<Arc<MailedAttachment>>,
    /// Octets of those in one mail.
    pub(super) mailed_bytes_max: u64,
}

impl<'s> Desk<'s> {
    /// For who acts on a calendar with these rights; `None` where nothing is scheduled.
    pub(super) fn open(session: &'s Session, node: &Node, rights: Rights, manner: Manner) -> Option<Self> {
        let gate = session.gate();
        let codec = gate.0.scheduling.get()?.clone();
        if node.area != Area::Calendars {
            return None;
        }
        let owner = gate.engine().account(node.owner)?;
        let speaks = owner.id == session.account() || rights.contains(Rights::SEND_AS);
        Some(Self { session, codec, me: None, owner, manner, speaks, ways: HashMap::new(), attachments: Vec::new(), mailed_bytes_max: 0 })
    }

    pub(super) fn session(&self) -> &'s Session {
        self.session
    }

    pub(super) fn codec(&self) -> &dyn SchedulingCodec {
        &*self.codec
    }

    pub(super) fn owner_id(&self) -> AccountId {
        self.owner.id
    }

    fn gate(&self) -> &'s Gate {
        self.session.gate()
    }

    /// What a change means and brings about; the latter is added to the batch. `at`: where the object is.
    pub(super) async fn plan(
        &mut self,
        old: Option<&[u8]>,
        new: Option<&[u8]>,
        at: (CollectionId, &Name),
        batch: &mut Batch,
    ) -> Result<Settled, Refusal> {
        // Most objects are nobody else's affair, and cost no more than this look.
        if !old.into_iter().chain(new).any(names_an_organizer) {
            return Ok(Settled { other: None, uid: None, scheduled: false });
        }
        let me = self.me.take().unwrap_or_else(|| self.gate().addresses_of(&self.owner));
        let settled = self.settle(ObjectChange { old, new, me: &me, manner: self.manner }, at, batch).await;
        self.me = Some(me);
        settled
    }

    async fn settle(&mut self, change: ObjectChange<'_>, at: (CollectionId, &Name), batch: &mut Batch) -> Result<Settled, Refusal> {
        let ObjectChange { old, new, me, .. } = change;
        let groups = self.groups_asked(&self.codec.newly_asked(&change))?;
        let grouped = self.codec.with_members(&change, &groups);
        let change = ObjectChange { new: grouped.as_deref().or(new), ..change };
        let mut outgoing = self.codec.change(&change).map_err(Refusal::Scheduling)?;
        if let Some(marked) = self.codec.with_sender(&change, self.sender(&outgoing.messages)) {
            outgoing = self.codec.change(&ObjectChange { new: Some(&marked), ..change }).map_err(Refusal::Scheduling)?;
        }
        let Outgoing { scheduled, stored, messages } = outgoing;
        let mut stored = stored.unwrap_or_default();
        let uid = new.or(old).and_then(|octets| self.codec.uid(octets));
        if let (true, None, Some(uid)) = (scheduled, old, &uid) {
            self.is_unique(uid, at, batch).await?;
        }
        if messages.len() > self.gate().0.limits.attendees_max {
            return Err(Refusal::Limit(ATTENDEES));
        }
        if !messages.is_empty() && !self.speaks {
            // RFC 6638 section 6.2: who may write in a calendar may not for that reason speak for whose it is.
            self.session.audit("schedule", &self.owner.address.to_string(), Outcome::Refused, "may not speak for the owner").await;
            return Err(Refusal::Forbidden(Rights::SEND_AS));
        }
        self.share_out(&messages).await?;
        let mut table = Table::default();
        let mut statuses = Vec::new();
        for telling in &messages {
            let status = self.tell(telling, uid.as_deref().unwrap_or_default(), &mut table, batch).await?;
            statuses.push((telling.to.clone(), status.to_owned()));
        }
        if !statuses.is_empty() {
            self.log(&messages, uid.as_deref().unwrap_or_default(), batch);
            stored = if new.is_some() { self.codec.with_statuses(&stored, &statuses) } else { stored };
        }
        // Rooms have answered already.
        for answer in std::mem::take(&mut table.answers) {
            if let Received::Stored { octets, .. } = self.codec.receive(Some(&stored), &answer, me, None) {
                stored = octets;
            }
        }
        table.lay(&*self.codec, batch);
        let other = Some(stored).filter(|stored| new.is_some_and(|new| new != stored));
        Ok(Settled { other, uid, scheduled })
    }

    /// Who sends these.
    fn sender(&self, messages: &[Telling]) -> Sender<'s> {
        match messages {
            [] => Sender::Nobody,
            _ if self.owner.id == self.session.account() => Sender::Themselves,
            _ => Sender::Delegate(self.session.address()),
        }
    }

    /// RFC 6638 section 3.2.4.1.
    async fn is_unique(&self, uid: &str, at: (CollectionId, &Name), batch: &mut Batch) -> Result<(), Refusal> {
        let found = homes::find(self.gate().engine(), &*self.codec, self.owner.id, uid).await?;
        let elsewhere = |found: &Found| (found.collection, found.item.name.as_ref()) != (at.0, Some(at.1));
        match found {
            Ok(found) if elsewhere(&found) => Err(Refusal::Scheduling(super::SchedulingFault::NotUnique)),
            Ok(_) => Ok(()),
            // Nor may an invitation bring it meanwhile.
            Err(seen) => {
                seen.expect(batch);
                Ok(())
            }
        }
    }

    async fn tell(&mut self, telling: &Telling, uid: &str, table: &mut Table, batch: &mut Batch) -> Result<&'static str, Refusal> {
        match self.way(telling).await? {
            Way::Nowhere(why) => Ok(why),
            Way::Group => Ok(status::DELIVERED),
            Way::Mail(to) if telling.matters => {
                let attachments = self.mailed(telling).await?;
                self.mail((telling, &attachments), &to, batch)
            }
            Way::Mail(_) => Ok(status::SENT),
            Way::Here(account) => {
                let status = deliver(self.gate(), &*self.codec, (&account, uid, None), telling, table, batch).await?;
                if telling.method == "REQUEST" && self.is_booked(&account) {
                    self.book(&account, table, batch).await?;
                }
                Ok(status)
            }
        }
    }

    /// Does it answer by whether it is free?
    fn is_booked(&self, account: &Account) -> bool {
        let policy = self.gate().policy();
        policy.profile(&account.profile).is_some_and(|profile| profile.meets_as() != MeetsAs::Person)
    }

    /// Have a room answer what it was just asked.
    async fn book(&self, room: &Account, table: &mut Table, batch: &mut Batch) -> Result<(), Refusal> {
        let gate = self.gate();
        let Some(laid) = table.laid.get_mut(&room.id).filter(|laid| laid.changed) else { return Ok(()) };
        let but = (laid.collection, laid.item.uid);
        let others = super::busy::bookings(gate.engine(), room.id, self.codec.booking_window(), but, batch).await?;
        if let Some((object, reply)) = self.codec.decide(&laid.octets, &gate.addresses_of(room), &others) {
            laid.become_new(object, false);
            table.answers.push(reply);
        }
        Ok(())
    }

    /// Decided once, however often the commit is tried.
    pub(super) async fn way(&mut self, telling: &Telling) -> Result<Way, Refusal> {
        if let Some(way) = self.ways.get(&telling.to) {
            return Ok(way.clone());
        }
        let way = self.find_way(telling).await?;
        self.ways.insert(telling.to.clone(), way.clone());
        Ok(way)
    }

    async fn find_way(&self, telling: &Telling) -> Result<Way, Refusal> {
        let Ok(to) = telling.to.parse::<Address>() else { return Ok(Way::Nowhere(status::UNKNOWN)) };
        let (gate, session) = (self.gate(), self.session);
        let ours = gate.is_local_domain(to.domain());
        // Who may write to somebody may invite them.
        if let Err(why) = session.permits(&Act::Send { domain: to.domain(), ours })? {
            session.audit("schedule", &to.to_string(), Outcome::Refused, &why.to_string()).await;
            return Ok(Way::Nowhere(status::FORBIDDEN));
        }
        if ours {
            if !self.members_asked(&telling.to)?.is_empty() {
                return Ok(Way::Group);
            }
            let alone = gate.reach(&to, Some(self.owner.id)).ok().filter(|reached| reached.outside.is_empty());
            let account = alone.and_then(|reached| match reached.ours.as_slice() {
                [only] => gate.engine().account(only.account),
                _ => None,
            });
            return Ok(account.filter(|account| account.id != self.owner.id).map_or(Way::Nowhere(status::UNKNOWN), Way::Here));
        }
        let hourly = session.with_circumstances(|who| gate.policy().profile(who.profile).and_then(Profile::recipients_per_hour))?;
        if telling.matters
            && let Some(max) = hourly
            && !gate.0.rates.count(session.account(), max)
        {
            session.audit("schedule", &to.to_string(), Outcome::Refused, crate::RECIPIENTS_PER_HOUR).await;
            return Ok(Way::Nowhere(status::FORBIDDEN));
        }
        Ok(Way::Mail(to))
    }

    fn mail(
        &self,
        (telling, attachments): (&Telling, &[Arc<MailedAttachment>]),
        to: &Address,
        batch: &mut Batch,
    ) -> Result<&'static str, Refusal> {
        let invitation = Invitation { from: &self.owner.address, from_name: &self.owner.display_name, to, telling, attachments };
        let Some(content) = self.codec.mail(&invitation) else { return Ok(status::FAILED) };
        let queue = queue::collection(self.gate()).ok_or(Refusal::Unavailable)?;
        let now = UnixTime::now();
        let recipients = vec![QueueRecipient::new(to.clone(), RecipientTerms::default(), now)];
        let from = Some(self.owner.address.clone());
        let entry = QueueEntry { from, terms: Terms::default(), queued: now, held: false, recipients };
        let item = queue::item(self.gate(), &entry)?;
        let body = batch.body(content.body);
        batch.put(queue, item, body);
        Ok(status::SENT)
    }

    fn log(&self, messages: &[Telling], uid: &str, batch: &mut Batch) {
        let peer = self.session.peer().to_string();
        let first = messages.first().map_or("", |telling| telling.to.as_str());
        let others = messages.len().saturating_sub(1);
        let more = if others == 0 { String::new() } else { format!(" and {others} more") };
        let method = messages.first().map_or("", |telling| telling.method);
        let subject = format!("{method} of {uid} by {} to {first}{more}", self.owner.address);
        batch.push(self.session.line("schedule", &subject, &peer, Outcome::Done, "").into_change());
    }
}

/// Is there an ORGANIZER in it? Without one nothing is scheduled.
fn names_an_organizer(octets: &[u8]) -> bool {
    const NAME: &[u8] = b"ORGANIZER";
    octets.windows(NAME.len()).any(|window| window.eq_ignore_ascii_case(NAME))
}

/// What others' calendars are to hold: one state each, however many messages made it.
#[derive(Default)]
pub(super) struct Table {
    laid: HashMap<AccountId, Laid>,
    /// What rooms have answered.
    answers: Vec<Vec<u8>>,
}

/// What is beside an item, with what its octets say of themselves.
fn described(codec: &dyn SchedulingCodec, octets: &[u8], properties: Option<&[u8]>) -> Option<Arc<[u8]>> {
    ObjectFacts::beside(properties, codec.describe(octets).as_ref())
}

struct Laid {
    collection: CollectionId,
    item: Item,
    octets: Vec<u8>,
    expect: Expect,
    changed: bool,
}

impl Table {
    /// Into the batch; each described as it is by then, so that nobody has to read it to find it.
    pub(super) fn lay(self, codec: &dyn SchedulingCodec, batch: &mut Batch) {
        for laid in self.laid.into_values().filter(|laid| laid.changed) {
            batch.expect(laid.expect);
            let properties = described(codec, &laid.octets, laid.item.properties.as_deref());
            let body = batch.body(Body::document(&laid.octets));
            batch.put(laid.collection, Item { properties, ..laid.item }, body);
        }
    }
}

/// Into somebody's calendar and inbox. `from`: whom it is certainly from, if it is not the server that says so.
pub(super) async fn deliver(
    gate: &Gate,
    codec: &dyn SchedulingCodec,
    (to, uid, from): (&Account, &str, Option<&str>),
    telling: &Telling,
    table: &mut Table,
    batch: &mut Batch,
) -> Result<&'static str, Refusal> {
    let engine = gate.engine();
    let Some(home) = tree::home(engine, to.id, Area::Calendars) else { return Ok(status::UNKNOWN) };
    let mut nowhere = SeenCalendars::default();
    if let std::collections::hash_map::Entry::Vacant(vacant) = table.laid.entry(to.id) {
        match homes::find(engine, codec, to.id, uid).await? {
            Ok(found) => {
                let octets = homes::read(engine, &found.item).await?;
                let expect = Expect::Unchanged { collection: found.collection, uid: found.item.uid, modseq: found.item.modseq };
                vacant.insert(Laid { collection: found.collection, item: found.item, octets, expect, changed: false });
            }
            Err(seen) => nowhere = seen,
        }
    }
    let there = table.laid.get(&to.id);
    let received = codec.receive(there.map(|laid| &*laid.octets), &telling.octets, &gate.addresses_of(to), from);
    if let Received::Stored { octets, keeps_tag } = received {
        let bytes = (octets.len() + telling.octets.len()) as u64;
        if !gate.has_room(home.id, bytes) {
            return Ok(status::FAILED);
        }
        match table.laid.get_mut(&to.id) {
            // Somebody has locked it: they are told, and their copy stays.
            Some(laid) if !engine.locks_over(laid.collection, Some(laid.item.uid)).is_empty() => {}
            Some(laid) => laid.become_new(octets, keeps_tag),
            // What is new and from elsewhere stays in the inbox until somebody answers it.
            None => match homes::default_calendar(engine, &home).filter(|_| from.is_none()) {
                Some(calendar) if engine.locks_over(calendar.id, None).is_empty() => {
                    let laid = Laid::fresh(gate, &calendar, uid, octets)?;
                    // Of two who bring it at once one sees the other's.
                    nowhere.expect(batch);
                    table.laid.insert(to.id, laid);
                }
                _ => {}
            },
        }
    } else if from.is_some() {
        // Mail that does nothing here is mail, and that is all.
        return Ok(status::FAILED);
    }
    if telling.matters {
        post(gate, codec, &home, (telling, uid), batch).await?;
    }
    Ok(status::DELIVERED)
}

impl Laid {
    fn fresh(gate: &Gate, calendar: &Collection, uid: &str, octets: Vec<u8>) -> Result<Self, Refusal> {
        let name = Name::new(&format!("{:x}.ics", gate.engine().new_id())).map_err(|_| Refusal::Unavailable)?;
        let tag = super::fresh_tag(&octets);
        let properties = beside::with(None, &[(beside::UID, Some(uid)), (beside::SCHEDULE_TAG, Some(&tag))]);
        let item = Item { properties, ..document(name.clone(), Some("text/calendar; charset=utf-8"))? };
        let expect = Expect::Absent { collection: calendar.id, name };
        Ok(Self { collection: calendar.id, item, octets, expect, changed: true })
    }

    fn become_new(&mut self, octets: Vec<u8>, keeps_tag: bool) {
        let tag = if keeps_tag { super::schedule_tag(&self.item) } else { super::fresh_tag(&octets) };
        let properties = beside::with(self.item.properties.as_deref(), &[(beside::SCHEDULE_TAG, Some(&tag))]);
        self.item = Item { properties, date: UnixTime::now(), ..self.item.clone() };
        (self.octets, self.changed) = (octets, true);
    }
}

/// Into the inbox; the oldest goes when it is full.
async fn post(
    gate: &Gate,
    codec: &dyn SchedulingCodec,
    home: &Collection,
    (telling, uid): (&Telling, &str),
    batch: &mut Batch,
) -> Result<(), Refusal> {
    let engine = gate.engine();
    let inbox = homes::ensure(engine, home, CollectionKind::Inbox, batch)?;
    if let Some(there) = engine.collection(inbox).filter(|there| there.head.items as usize >= gate.0.limits.inbox_items_max) {
        let view = engine.view(there.id).await?;
        if let Some(oldest) = view.items().next() {
            batch.push(expunge(inbox, UidSet::from_uids([oldest.uid])));
        }
    }
    let name = Name::new(&format!("{:x}.ics", engine.new_id())).map_err(|_| Refusal::Unavailable)?;
    let media_type = format!("text/calendar; charset=utf-8; method={}", telling.method);
    let noted = beside::with(None, &[(beside::UID, Some(uid))]);
    let properties = described(codec, &telling.octets, noted.as_deref());
    let item = Item { properties, ..document(name, Some(&media_type))? };
    let body = batch.body(Body::document(&telling.octets));
    batch.put(inbox, item, body);
    Ok(())
}
