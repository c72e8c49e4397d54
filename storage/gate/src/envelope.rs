//! Envelopes: who may send what to whom. An open relay has no code path: only [`Envelope<Member>`] can hold a recipient elsewhere.
//!
//! Called by SMTP and LMTP. One commit delivers to every recipient and queues what leaves; when it returns, the message is on disk.

use crate::acts::mailbox::message;
use crate::content::{Content, Upload};
use crate::gate::Gate;
use crate::queue::{QueueEntry, QueueRecipient, RecipientState};
use crate::refusal::Refusal;
use crate::session::Session;
use crate::tree;
use octroi_engine::{Batch, CommitError};
use octroi_model::{Account, Address, CollectionId, CollectionKind, Item, Name, Outcome, Path, Rights, Service, UnixTime};
use octroi_policy::{Act, Area, Profile};
use std::net::IpAddr;
use std::sync::Arc;

/// Recipients of one envelope. RFC 5321 section 4.5.3.1.8 wants at least 100.
pub const RECIPIENTS_MAX: usize = 100;
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
    from: ReturnPath,
    peer: IpAddr,
}

/// From one of our people: reaches whom the profile allows.
pub struct Member {
    session: Session,
    from: Address,
}

/// A message's envelope under way.
pub struct Envelope<Kind> {
    gate: Gate,
    kind: Kind,
    recipients: Vec<Address>,
    inboxes: Vec<CollectionId>,
    remote: Vec<Address>,
    /// The inbox of each recipient, if it is one of our people.
    places: Vec<Option<CollectionId>>,
    /// Octets that were announced; 0 for nobody knows.
    announced: u64,
}

impl Gate {
    /// An envelope for mail from outside.
    pub fn inbound(&self, from: ReturnPath, peer: IpAddr) -> Envelope<Internet> {
        Envelope::new(self.clone(), Internet { from, peer })
    }

    /// The INBOX of one of our people.
    fn inbox(&self, address: &Address) -> Option<CollectionId> {
        let account = self.engine().account_by_key(&address.key()).or_else(|| self.postmaster(address))?;
        let home = tree::home(self.engine(), account.id, Area::Mail)?;
        let inbox = self.engine().child(home.id, &Name::new("INBOX").ok()?)?;
        (inbox.kind == CollectionKind::Mailbox).then_some(inbox.id)
    }
}

impl Gate {
    /// Who answers for `postmaster` and `abuse`.
    fn postmaster(&self, address: &Address) -> Option<Arc<Account>> {
        let role = ["postmaster", "abuse"].iter().any(|role| address.local().eq_ignore_ascii_case(role));
        let who = self.organisation().postmaster.as_ref().filter(|_| role)?;
        self.engine().account_by_key(&who.key())
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

    /// As oneself; as somebody else if the profile lets one, and, where it is somebody of ours, they do too: with the right to send as
    /// them on their INBOX.
    fn may_send_as(&self, from: &Address) -> Result<(), Refusal> {
        if from.key() == self.address().key() {
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
        Self { gate, kind, recipients: Vec::new(), inboxes: Vec::new(), remote: Vec::new(), places: Vec::new(), announced: 0 }
    }

    /// The message will have about so many octets, so who has no room for them is refused as a recipient.
    #[must_use]
    pub fn announce(mut self, bytes: u64) -> Self {
        self.announced = bytes;
        self
    }

    /// Who was accepted so far.
    pub fn recipients(&self) -> &[Address] {
        &self.recipients
    }

    /// Take the message in pieces.
    pub async fn upload(&self) -> Result<Upload, Refusal> {
        Upload::begin(&self.gate).await
    }

    fn room(&self) -> Result<(), Refusal> {
        if self.recipients.len() >= self.gate.0.limits.recipients_max { Err(Refusal::Limit("recipients")) } else { Ok(()) }
    }

    fn add_local(&mut self, to: &Address) -> Result<(), Refusal> {
        let inbox = self.gate.inbox(to).ok_or(Refusal::UnknownRecipient)?;
        if !self.gate.has_room(inbox, self.announced + TRACE_BYTES) {
            return Err(Refusal::OverQuota);
        }
        // The same person twice is one delivery.
        if !self.inboxes.contains(&inbox) {
            self.inboxes.push(inbox);
        }
        self.recipients.push(to.clone());
        self.places.push(Some(inbox));
        Ok(())
    }

    /// Everything in one commit.
    async fn commit(self, content: Content, queue: Option<(CollectionId, Item)>) -> Result<(), Refusal> {
        let mut batch = Batch::new();
        let body = batch.body(content.body);
        for inbox in &self.inboxes {
            batch.put(*inbox, message(UnixTime::now()), body);
        }
        if let Some((queue, item)) = queue {
            batch.put(queue, item, body);
        }
        match self.gate.engine().commit(batch).await {
            // An account was removed between RCPT and DATA: the peer tries again and is told at RCPT.
            Err(CommitError::Gone) => Err(Refusal::Unavailable),
            other => Ok(other.map(|_| ())?),
        }
    }
}

impl Envelope<Internet> {
    /// Add a recipient: one of our people, or refused.
    pub async fn add(&mut self, to: &Address) -> Result<(), Refusal> {
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
        self.add_local(to)
    }

    /// Deliver to everybody who was accepted: all or none. On disk when this returns.
    pub async fn deliver(self, content: Content) -> Result<(), Refusal> {
        self.commit(content, None).await
    }

    /// Deliver to everybody who has room for it, as LMTP can say: an outcome for each of [`Envelope::recipients`]. On disk when this returns.
    pub async fn deliver_each(self, content: Content) -> Result<Vec<Result<(), Refusal>>, Refusal> {
        let mut whole = Batch::new();
        let body = whole.body(content.body);
        let mut left = self.inboxes.clone();
        let engine = self.gate.engine();
        while !left.is_empty() {
            let mut batch = whole.clone();
            for inbox in &left {
                batch.put(*inbox, message(UnixTime::now()), body);
            }
            match engine.commit(batch).await {
                Ok(_) => break,
                Err(CommitError::Gone) => return Err(Refusal::Unavailable),
                Err(CommitError::OverQuota(full)) => {
                    let asked = left.len();
                    left.retain(|inbox| !engine.quotas_above(*inbox).iter().any(|quota| full.contains(&quota.root)));
                    if left.len() == asked {
                        // The quota was lifted meanwhile.
                        return Err(Refusal::Unavailable);
                    }
                }
                Err(other) => return Err(other.into()),
            }
        }
        let outcome = |place: &Option<CollectionId>| {
            if place.is_some_and(|inbox| left.contains(&inbox)) { Ok(()) } else { Err(Refusal::OverQuota) }
        };
        Ok(self.places.iter().map(outcome).collect())
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
        self.room()?;
        let ours = self.gate.is_local_domain(to.domain());
        let session = &self.kind.session;
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
        if ours {
            return self.add_local(to);
        }
        if !self.remote.contains(to) {
            self.remote.push(to.clone());
        }
        self.recipients.push(to.clone());
        self.places.push(None);
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

    /// Deliver to our people and queue for the others, in one commit. On disk when this returns.
    pub async fn send(self, content: Content) -> Result<(), Refusal> {
        self.kind.session.check().await?;
        let queue = if self.remote.is_empty() { None } else { Some(self.queued()?) };
        self.commit(content, queue).await
    }

    fn queued(&self) -> Result<(CollectionId, Item), Refusal> {
        let queue = crate::queue::collection(&self.gate).ok_or(Refusal::Unavailable)?;
        let now = UnixTime::now();
        let recipients =
            self.remote.iter().map(|address| QueueRecipient { address: address.clone(), state: RecipientState::Waiting }).collect();
        let entry = QueueEntry {
            from: Some(self.kind.from.clone()),
            recipients,
            queued: now,
            next_try: now,
            attempts: 0,
            last_error: String::new(),
        };
        Ok((queue, Item { properties: Some(Arc::from(entry.encode()?)), ..message(now) }))
    }
}
