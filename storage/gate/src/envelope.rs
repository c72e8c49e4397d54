//! Envelopes: who may send what to whom. An open relay has no code path: only [`Envelope<Member>`] takes a recipient elsewhere. One from the
//! internet leaves us again only where an address of ours leads outside by the administrator's word, or where a notification comes back to a
//! return path that was made here for that ([`crate::addressing`]).
//!
//! Called by SMTP and LMTP. One commit ([`crate::filing`]) delivers to every recipient and queues what leaves; when it returns, the message is
//! on disk.

use crate::addressing::{Delivery, Reached};
use crate::content::Upload;
use crate::filing::{self, Arrival, Fate, Filed, Finished};
use crate::gate::Gate;
use crate::queue::{Notify, QueueEntry, QueueRecipient, RecipientTerms, Terms};
use crate::refusal::Refusal;
use crate::session::Session;
use crate::tree;
use octroi_model::{Account, AccountId, Address, CollectionId, Item, Outcome, Path, Rights, Service, UnixTime};
use octroi_policy::{Act, Area, Profile};
use std::collections::HashSet;
use std::net::IpAddr;

/// Recipients of one envelope. RFC 5321 section 4.5.3.1.8 wants at least 100; each is a record in the commit, and the body is there once.
pub const RECIPIENTS_MAX: usize = 1000;
/// Mailboxes that one envelope reaches, with those behind aliases and groups.
const DELIVERIES_MAX: usize = 20_000;
/// Recipients elsewhere in one entry of the queue: an entry has a size, and each further try of one of them writes it anew.
const QUEUED_TOGETHER: usize = 100;
/// Name of the limit on whom one profile writes to within an hour.
pub const RECIPIENTS_PER_HOUR: &str = "recipients per hour";
/// Octets that the trace fields add to a message on its way in, about; a mailbox with less room than that is full.
const TRACE_BYTES: u64 = 1024;

/// RFC 5321's reverse-path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReturnPath {
    /// `<>`: a notification, which must never be answered.
    Null,
    /// Where notifications go.
    Address(Address),
}

/// From the internet (or a front server over LMTP): reaches our people only.
pub struct Internet {
    pub(crate) from: ReturnPath,
    peer: IpAddr,
}

/// From one of our people: reaches whom the profile allows.
pub struct Member {
    pub(crate) session: Session,
    pub(crate) from: Address,
}

/// A message's envelope under way.
pub struct Envelope<Kind> {
    pub(crate) gate: Gate,
    pub(crate) kind: Kind,
    recipients: Vec<Address>,
    /// One for each mailbox.
    deliveries: Vec<Delivery>,
    inboxes: HashSet<CollectionId>,
    remote: Vec<(Address, RecipientTerms)>,
    /// Who is in `remote`.
    known_remote: HashSet<Address>,
    /// Where each recipient leads to.
    pub(crate) places: Vec<Place>,
    /// Octets that were announced; 0 for nobody knows.
    announced: u64,
    /// What other servers cannot be trusted to take.
    stays: bool,
    /// What was asked for with MAIL.
    terms: Terms,
}

/// What holds for a message that one of its recipients sends on.
pub(crate) struct Onward {
    /// Other servers cannot be trusted to take it.
    pub(crate) stays: bool,
    pub(crate) terms: Terms,
}

/// Where a recipient leads to.
#[derive(Default)]
pub(crate) struct Place {
    pub(crate) inboxes: Vec<CollectionId>,
    /// To so many elsewhere.
    pub(crate) leaves: usize,
    /// What was asked for with RCPT.
    terms: RecipientTerms,
    /// Whom it leads to as well, but whose mailbox was full already when the recipient was named.
    pub(crate) full: Vec<Delivery>,
}

impl Place {
    /// Somebody elsewhere, who waits for it or is told by others.
    fn elsewhere(terms: RecipientTerms) -> Self {
        Self { leaves: 1, terms, ..Self::default() }
    }

    /// What becomes of the message on its way there, if it goes into the mailboxes that are not full.
    fn fate(&self, is_full: impl Fn(CollectionId) -> bool) -> Fate {
        let full = self.inboxes.iter().filter(|inbox| is_full(**inbox)).count();
        match (self.inboxes.len() - full, self.leaves) {
            (0, 0) => Fate::Full,
            _ if full + self.full.len() > 0 => Fate::InPart,
            (1, 0) => Fate::Delivered,
            (0, 1) => Fate::Onward,
            _ => Fate::Expanded,
        }
    }
}

impl Gate {
    /// An envelope for mail from outside.
    pub fn inbound(&self, from: ReturnPath, peer: IpAddr) -> Envelope<Internet> {
        Envelope::new(self.clone(), Internet { from, peer })
    }
}

impl Session {
    /// An envelope from one of our people. Only as an address of their own.
    pub async fn submit(&self, from: &Address) -> Result<Envelope<Member>, Refusal> {
        self.check().await?;
        if self.service() != Service::Submission {
            return Err(Refusal::Unsupported);
        }
        if let Err(refusal) = self.may_send_as(from) {
            self.audit("send as", &from.to_string(), Outcome::Refused, "neither their own nor one they may send as").await;
            return Err(refusal);
        }
        Ok(Envelope::new(self.gate().clone(), Member { session: self.clone(), from: from.clone() }))
    }

    /// As oneself, also by an alias that leads to nobody else; as somebody else if the profile lets one, and, where it is somebody of ours,
    /// they do too: with the right to send as them on their INBOX.
    fn may_send_as(&self, from: &Address) -> Result<(), Refusal> {
        if from.key() == self.address().key() || self.gate().leads_alone(from, self.account()) {
            return Ok(());
        }
        let address = from.to_string();
        if !self.gate().is_local_domain(from.domain()) || self.permits(&Act::SendAs { address: &address })?.is_err() {
            return Err(Refusal::NotSender);
        }
        match self.gate().engine().account_by_key(&from.key()) {
            Some(owner) if !self.may_send_for(&owner)? => Err(Refusal::NotSender),
            _ => Ok(()),
        }
    }

    fn may_send_for(&self, owner: &Account) -> Result<bool, Refusal> {
        let text = format!("{}/{}/INBOX", tree::SHARED, owner.address.key());
        let place = Path::parse(&text, '/').map_err(|_| Refusal::NotSender)?;
        let inbox = self.resolve(Area::Mail, &place).ok_or(Refusal::NotSender)?;
        Ok(self.rights_beyond(&inbox)?.contains(Rights::SEND_AS))
    }
}

impl<Kind> Envelope<Kind> {
    fn new(gate: Gate, kind: Kind) -> Self {
        Self {
            gate,
            kind,
            recipients: Vec::new(),
            deliveries: Vec::new(),
            inboxes: HashSet::new(),
            remote: Vec::new(),
            known_remote: HashSet::new(),
            places: Vec::new(),
            announced: 0,
            stays: false,
            terms: Terms::default(),
        }
    }

    /// The message will have about so many octets, so who has no room for them is refused as a recipient.
    #[must_use]
    pub fn announce(mut self, bytes: u64) -> Self {
        self.announced = bytes;
        self
    }

    /// What holds for a message wherever it is sent on to.
    pub(crate) fn onward(&self) -> Onward {
        Onward { stays: self.stays, terms: Terms { require_tls: self.terms.require_tls, utf8: self.terms.utf8, ..Terms::default() } }
    }

    /// What leaves travels under these terms.
    #[must_use]
    pub fn under(mut self, terms: Terms) -> Self {
        self.terms = terms;
        self
    }

    /// The message cannot be sent to other servers as it is: whoever is elsewhere is refused as a recipient.
    #[must_use]
    pub fn staying(mut self) -> Self {
        self.stays = true;
        self
    }

    /// Who was accepted so far.
    pub fn recipients(&self) -> &[Address] {
        &self.recipients
    }

    /// Take the message in pieces; its trace fields and what was found out about it are given last ([`Upload::head`]).
    pub async fn upload(&self) -> Result<Upload, Refusal> {
        Upload::begin_below_head(&self.gate).await
    }

    /// Deliver elsewhere than was meant at first, where `elsewhere` knows a place.
    pub(crate) fn refile(&mut self, elsewhere: impl Fn(&Gate, CollectionId) -> Option<CollectionId>) {
        let mailboxes = self.deliveries.iter_mut().map(|one| &mut one.inbox);
        for inbox in mailboxes.chain(self.places.iter_mut().flat_map(|place| &mut place.inboxes)) {
            *inbox = elsewhere(&self.gate, *inbox).unwrap_or(*inbox);
        }
        self.inboxes = self.deliveries.iter().map(|one| one.inbox).collect();
    }

    fn room(&self) -> Result<(), Refusal> {
        if self.recipients.len() >= self.gate.0.limits.recipients_max { Err(Refusal::Limit("recipients")) } else { Ok(()) }
    }

    /// The mailboxes that the message goes to, each once, with the address by which it is reached.
    pub fn deliveries(&self) -> &[Delivery] {
        &self.deliveries
    }

    /// Does the message go to other servers too?
    pub fn leaves(&self) -> bool {
        !self.remote.is_empty()
    }

    /// An address of ours: everybody it leads to. `poster` is who writes, if that is certain.
    async fn add_local(&mut self, to: &Address, poster: Option<AccountId>, terms: RecipientTerms) -> Result<(), Refusal> {
        let Reached { ours, outside, .. } = self.gate.reach(to, poster)?;
        let bytes = self.announced + TRACE_BYTES;
        // One full mailbox must not keep a message from a whole group; the sender is told when it has arrived.
        let (roomy, full): (Vec<Delivery>, Vec<Delivery>) = ours.into_iter().partition(|one| self.gate.has_room(one.inbox, bytes));
        if roomy.is_empty() && outside.is_empty() {
            return Err(Refusal::OverQuota);
        }
        self.may_leave(outside.is_empty())?;
        if self.deliveries.len() + roomy.len() > DELIVERIES_MAX {
            return Err(Refusal::Limit("recipients"));
        }
        let onward = if roomy.len() + outside.len() > 1 { expanded(&terms) } else { terms.clone() };
        let (inboxes, leaves) = (roomy.iter().map(|one| one.inbox).collect(), outside.len());
        self.places.push(Place { inboxes, leaves, terms, full });
        // The same person twice is one delivery.
        self.deliveries.extend(roomy.into_iter().filter(|one| self.inboxes.insert(one.inbox)));
        for one in outside {
            self.add_remote(one, onward.clone());
        }
        self.recipients.push(to.clone());
        Ok(())
    }

    fn may_leave(&self, reaches_nobody_elsewhere: bool) -> Result<(), Refusal> {
        if self.stays && !reaches_nobody_elsewhere { Err(Refusal::Unconvertible) } else { Ok(()) }
    }

    fn add_remote(&mut self, to: Address, terms: RecipientTerms) {
        if self.known_remote.insert(to.clone()) {
            self.remote.push((to, terms));
        }
    }

    /// May there be something to tell the sender when it has arrived: because that was asked for, or somebody behind an address has no room?
    pub fn may_report(&self) -> bool {
        let leads_to_several = |place: &Place| place.inboxes.len() + place.leaves + place.full.len() > 1;
        self.places.iter().any(|place| leads_to_several(place) || place.terms.notify.wants(Notify::SUCCESS))
    }

    /// What becomes of the message for each of [`Envelope::recipients`], if it goes into the mailboxes that are not full.
    pub(crate) fn arrivals(&self, is_full: impl Fn(CollectionId) -> bool) -> Vec<Arrival<'_>> {
        let each = self.recipients.iter().zip(&self.places);
        each.map(|(to, place)| Arrival { to, terms: &place.terms, fate: place.fate(&is_full) }).collect()
    }

    /// What leaves the house, if anything does, under the return path `from`.
    pub(crate) fn queued(&self, from: Option<&Address>) -> Result<Vec<(CollectionId, Item)>, Refusal> {
        if self.remote.is_empty() {
            return Ok(Vec::new());
        }
        let queue = crate::queue::collection(&self.gate).ok_or(Refusal::Unavailable)?;
        let now = UnixTime::now();
        let first = self.terms.not_before.map_or(now, |at| at.max(now));
        let entry = |some: &[(Address, RecipientTerms)]| {
            let recipients = some.iter().map(|(address, terms)| QueueRecipient::new(address.clone(), terms.clone(), first)).collect();
            let entry = QueueEntry { from: from.cloned(), terms: self.terms.clone(), queued: now, held: false, recipients };
            Ok((queue, crate::queue::item(&self.gate, &entry)?))
        };
        self.remote.chunks(QUEUED_TOGETHER).map(entry).collect()
    }
}

impl Envelope<Internet> {
    /// Add a recipient: one of our people, or refused.
    pub async fn add(&mut self, to: &Address) -> Result<(), Refusal> {
        self.add_under(to, RecipientTerms::default()).await
    }

    /// The same under these terms.
    pub async fn add_under(&mut self, to: &Address, terms: RecipientTerms) -> Result<(), Refusal> {
        self.room()?;
        if !self.gate.is_local_domain(to.domain()) {
            let (peer, from) = (self.kind.peer.to_string(), self.sender_text());
            let line = crate::audit::Line {
                account: None,
                act: "relay",
                subject: &format!("{from} to {to}"),
                peer: &peer,
                outcome: Outcome::Refused,
                reason: "neither sender nor recipient is ours",
                via: octroi_model::AuditVia::default(),
            };
            self.gate.audit(line).await;
            return Err(Refusal::NotRelay);
        }
        match self.gate.forwarded_from(to) {
            None => self.add_local(to, None, terms).await,
            Some(Ok(first)) => self.add_returning(to, first, terms).await,
            Some(Err(_)) => Err(Refusal::UnknownRecipient),
        }
    }

    /// A notification on its way back to whoever sent what we forwarded. Nothing else goes that way: it would make a relay of the path.
    async fn add_returning(&mut self, to: &Address, first: Address, terms: RecipientTerms) -> Result<(), Refusal> {
        if self.kind.from != ReturnPath::Null {
            return Err(Refusal::UnknownRecipient);
        }
        if self.gate.is_local_domain(first.domain()) {
            return self.add_local(&first, None, terms).await;
        }
        self.may_leave(false)?;
        self.add_remote(first, terms.clone());
        self.recipients.push(to.clone());
        self.places.push(Place::elsewhere(terms));
        Ok(())
    }

    /// Deliver to everybody who was accepted, as their filters say: who was named and has no room puts it off for all; who is one of several
    /// behind an address is left out. On disk when this returns.
    pub async fn deliver(self, message: impl Into<Finished<'_>>) -> Result<(), Refusal> {
        filing::deliver(&self, self.kind.from.clone(), self.gate.forwarding_path(&self.kind.from).as_ref(), message.into(), false).await?;
        Ok(())
    }

    /// Deliver to everybody who has room for it, as LMTP can say: an outcome for each of [`Envelope::recipients`]. On disk when this returns.
    pub async fn deliver_each(self, message: impl Into<Finished<'_>>) -> Result<Filed, Refusal> {
        filing::deliver(&self, self.kind.from.clone(), self.gate.forwarding_path(&self.kind.from).as_ref(), message.into(), true).await
    }

    fn sender_text(&self) -> String {
        match &self.kind.from {
            ReturnPath::Null => "<>".to_owned(),
            ReturnPath::Address(address) => address.to_string(),
        }
    }
}

impl Envelope<Member> {
    /// Add a recipient: one of our people, or somebody elsewhere if the profile lets one write there.
    pub async fn add(&mut self, to: &Address) -> Result<(), Refusal> {
        self.add_under(to, RecipientTerms::default()).await
    }

    /// The same under these terms, for who is not one of our people.
    pub async fn add_under(&mut self, to: &Address, terms: RecipientTerms) -> Result<(), Refusal> {
        self.room()?;
        let ours = self.gate.is_local_domain(to.domain());
        let session = &self.kind.session;
        self.may_leave(ours)?;
        if let Err(why) = session.permits(&Act::Send { domain: to.domain(), ours })? {
            session.audit("send to", &to.to_string(), Outcome::Refused, &why.to_string()).await;
            return Err(Refusal::RecipientNotAllowed);
        }
        let hourly = session.with_circumstances(|who| self.gate.policy().profile(who.profile).and_then(Profile::recipients_per_hour))?;
        if let Some(max) = hourly
            && !self.gate.0.rates.count(session.account(), max)
        {
            session.audit("send to", &to.to_string(), Outcome::Refused, "recipients per hour").await;
            return Err(Refusal::Limit(RECIPIENTS_PER_HOUR));
        }
        let poster = session.account();
        if ours && self.terms.not_before.is_none() {
            return self.add_local(to, Some(poster), terms).await;
        }
        if ours {
            // RFC 4865 section 4: what is to come later waits in the queue, whoever it is for.
            let Reached { ours, outside, .. } = self.gate.reach(to, Some(poster))?;
            for one in ours.into_iter().map(|one| one.to).chain(outside) {
                self.add_remote(one, terms.clone());
            }
        } else {
            self.add_remote(to.clone(), terms.clone());
        }
        self.recipients.push(to.clone());
        self.places.push(Place::elsewhere(terms));
        Ok(())
    }

    /// Octets that one attachment may have.
    pub fn attachment_bytes_max(&self) -> Result<Option<u64>, Refusal> {
        let policy = self.gate.policy();
        self.kind.session.with_circumstances(|who| policy.profile(who.profile).and_then(Profile::attachment_bytes_max))
    }

    /// May the header's From be this?
    pub fn may_send_header_from(&self, from: &Address) -> Result<(), Refusal> {
        self.kind.session.may_send_as(from)
    }

    /// Deliver to our people as their filters say and queue for the others, in one commit. On disk when this returns.
    pub async fn send(self, message: impl Into<Finished<'_>>) -> Result<(), Refusal> {
        self.kind.session.check().await?;
        let from = ReturnPath::Address(self.kind.from.clone());
        filing::deliver(&self, from, Some(&self.kind.from), message.into(), false).await?;
        Ok(())
    }
}

/// The terms for each of several behind an address: RFC 3461 section 5.2.7.2 wants no report of success of theirs, for there is one of the
/// address.
fn expanded(terms: &RecipientTerms) -> RecipientTerms {
    RecipientTerms { notify: terms.notify.without(Notify::SUCCESS), orcpt: terms.orcpt.clone() }
}
