//! Delivery as filters say: one commit for all recipients, with what is filed, sent on, answered and remembered.
//!
//! Called by SMTP and LMTP at the end of a message. They ask for the [`Filter`]s of an envelope, run them (nothing in `storage/` knows
//! Sieve), and hand back what each wants as [`Judged`]. Here it is decided whether it may be: a filter files only into its owner's
//! mailboxes, where those who had a hand in it could ([`crate::filters`]); it sends as [`Envelope<crate::MemberEnvelope>`] would let its
//! owner, counted in their recipients of an hour; it does nothing that is a reserved action. What may not be, or fails, puts the message
//! into the INBOX, with a line in the audit trail, and the owner is told once. Nothing is lost.
//!
//! Known limits: what is sent on to one of our people goes to their INBOX without their filter; a mailbox that a filter makes is one that
//! only the commit makes, so a message that is refused makes none.

mod delivery;
mod memory;
mod target;

use crate::addressing::Delivery as Addressee;
use crate::content::Content;
use crate::envelope::{Envelope, Internet, Member, Place, ReturnPath};
use crate::filters::{self, ACTIVE, Warrant};
use crate::gate::Gate;
use crate::narrowed::Folders;
use crate::refusal::Refusal;
use delivery::Delivery;
use octroi_model::{Account, Address, CollectionId, Item, Name, Narrowing, Rights, Service};
use octroi_policy::{Act, Area, Circumstances, Facts, Profile};
use std::collections::HashSet;
use std::sync::Arc;

/// The active script of a recipient.
pub struct Filter {
    gate: Gate,
    account: Arc<Account>,
    warrants: Vec<Warrant>,
    inbox: CollectionId,
    home: CollectionId,
    item: Item,
    script: Vec<u8>,
    to: Address,
}

/// What a filter wants.
#[derive(Debug)]
pub enum Told {
    /// Put into a mailbox of the owner's; `None` is the INBOX.
    File {
        /// Its name, with `/` between the levels.
        mailbox: Option<String>,
        /// Make it when it is not there.
        create: bool,
        /// Flags and keywords as in IMAP.
        flags: Vec<String>,
    },
    /// Send on, from the return path of the original.
    Forward(Sending),
    /// Answer, from `<>`, unless that person was answered lately.
    Answer {
        /// The answer.
        sending: Sending,
        /// For so many seconds they are not answered again; 0: they are.
        seconds: u64,
        /// Tells this answer from another one of the same person.
        handle: String,
    },
    /// Tell the sender, from `<>`, that the owner does not take the message.
    Report(Sending),
}

/// A message that is to go to somebody.
#[derive(Debug)]
pub struct Sending {
    /// Whom.
    pub to: Address,
    /// What.
    pub content: Content,
}

/// What came of a filter.
pub struct Judged {
    /// Which.
    pub filter: Filter,
    /// What it wants; nothing at all: the message is discarded.
    pub told: Vec<Told>,
    /// Why it could not be run; the message goes into the INBOX then.
    pub failure: Option<String>,
}

/// An outcome for each recipient, in the order of [`Envelope::recipients`].
pub type Filed = Vec<Result<(), Refusal>>;

impl Filter {
    /// Whose it is.
    pub fn owner(&self) -> &Address {
        &self.account.address
    }

    /// The owner's name for people; may be empty.
    pub fn owner_name(&self) -> &str {
        &self.account.display_name
    }

    /// By which address the owner is reached at last, with its `+detail`.
    pub fn to(&self) -> &Address {
        &self.to
    }

    /// The script's name.
    pub fn name(&self) -> &str {
        self.item.name.as_ref().map_or("", Name::as_str)
    }

    /// The script.
    pub fn script(&self) -> &[u8] {
        &self.script
    }

    /// Is there a mailbox of that name, into which it may file?
    pub fn mailbox_exists(&self, mailbox: &str) -> bool {
        target::exists(self, mailbox)
    }

    /// May the owner's answer be from this address? Only from their own.
    pub fn may_answer_as(&self, from: &Address) -> bool {
        from.key() == self.account.address.key()
    }

    /// What those who had a hand in it may do in a place of the owner's mail.
    fn rights(&self, path: &str) -> Rights {
        let each = self.warrants.iter().map(|warrant| warrant.rights_at(&self.gate, &self.account, path));
        each.reduce(|one, other| one & other).unwrap_or_default()
    }

    /// May it be sent to them, by everybody who had a hand in it? Counts as a recipient of the owner's if so.
    fn send_to(&self, to: &Address) -> Result<(), String> {
        let policy = self.gate.policy();
        let profile = policy.profile(&self.account.profile).ok_or_else(|| octroi_policy::NotPermitted::UnknownProfile.to_string())?;
        let act = Act::Send { domain: to.domain(), ours: self.gate.is_local_domain(to.domain()) };
        if self.warrants.is_empty() {
            return Err("nobody is known who put it there".to_owned());
        }
        for warrant in &self.warrants {
            let remote = profile.is_remote(&warrant.zone) && !self.account.remote_access;
            if !warrant.sends || remote || !profile.uses(Service::Submission, &warrant.zone) {
                return Err(format!("whoever put it there from `{}` may not send", warrant.zone));
            }
            let decided = warrant.circumstances(&self.account, |who| octroi_policy::permit(&policy, who, &act));
            decided.ok_or_else(|| "it is not known how sure their log-in was".to_owned())?.map_err(|why| why.to_string())?;
        }
        if let Some(max) = Profile::recipients_per_hour(profile)
            && !self.gate.0.rates.count(self.account.id, max)
        {
            return Err(crate::RECIPIENTS_PER_HOUR.to_owned());
        }
        Ok(())
    }
}

impl Warrant {
    fn rights_at(&self, gate: &Gate, account: &Account, path: &str) -> Rights {
        let narrowing = Narrowing { folders: self.folders.clone(), ..Narrowing::default() };
        let scope = Folders::of(&narrowing).leave(self.rights, &format!("{}/{path}", Area::Mail.name()));
        let decided = self.circumstances(account, |who| {
            let Circumstances { profile, zone, strength, .. } = *who;
            let facts = Facts { profile, zone, strength, own: true, area: Area::Mail, path, acl: Rights::ALL, scope };
            octroi_policy::effective(&gate.policy(), &facts)
        });
        decided.unwrap_or_default()
    }

    /// Nothing if the strength has another name by now.
    fn circumstances<T>(&self, account: &Account, decide: impl FnOnce(&Circumstances<'_>) -> T) -> Option<T> {
        let strength = self.strength.parse().ok()?;
        // Nobody is there to give a second factor.
        Some(decide(&Circumstances { profile: &account.profile, zone: &self.zone, strength, second_factor_age: None }))
    }
}

impl<Kind> Envelope<Kind> {
    /// The filters of those recipients who have one. Costs nothing that could be measured for those who have none.
    pub async fn filters(&self) -> Result<Vec<Filter>, Refusal> {
        let engine = self.gate.engine();
        let mut found: Vec<Filter> = Vec::new();
        for Addressee { account, to, inbox } in self.deliveries() {
            let Some(account) = engine.account(*account) else { continue };
            let Some(home) = filters::home(engine, account.id).filter(|home| home.head.items > 0) else { continue };
            let view = engine.view(home.id).await?;
            let Some(item) = view.items().find(|item| item.flags.contains(ACTIVE)).cloned() else { continue };
            let script = filters::read(engine, &item).await?;
            let warrants = filters::warrants(&item);
            found.push(Filter { gate: self.gate.clone(), account, warrants, inbox: *inbox, home: home.id, item, script, to: to.clone() });
        }
        Ok(found)
    }

    /// The recipients that a filter answers for, by their number in [`Envelope::recipients`]: those that lead to its owner and to nobody else.
    pub fn recipients_of(&self, filter: &Filter) -> Vec<usize> {
        let alone = |place: &Place| !place.leaves && place.inboxes == [filter.inbox];
        self.places.iter().enumerate().filter(|(_, place)| alone(place)).map(|(at, _)| at).collect()
    }

    /// The mailboxes that the message goes to where there is no filter.
    fn inboxes(&self) -> Vec<CollectionId> {
        self.deliveries().iter().map(|one| one.inbox).collect()
    }
}

impl Envelope<Internet> {
    /// Deliver to everybody as their filters say: all or none. On disk when this returns.
    pub async fn deliver_filtered(self, content: Content, judged: Vec<Judged>) -> Result<(), Refusal> {
        let queued = self.queued(self.gate.forwarding_path(&self.kind.from).as_ref())?;
        let filed =
            Delivery::new(&self.gate, self.inboxes(), self.kind.from.clone(), self.onward(), content, judged).await?.commit(queued).await?;
        all(&filed)
    }

    /// The same to everybody who has room for it, as LMTP can say.
    pub async fn deliver_each_filtered(self, content: Content, judged: Vec<Judged>) -> Result<Filed, Refusal> {
        let queued = self.queued(self.gate.forwarding_path(&self.kind.from).as_ref())?;
        let inboxes = self.inboxes();
        let mut delivery = Delivery::new(&self.gate, inboxes.clone(), self.kind.from.clone(), self.onward(), content, judged).await?;
        delivery.for_each = true;
        let filed = delivery.commit(queued).await?;
        // Only a quota keeps a message from one mailbox and not from all.
        let left: HashSet<CollectionId> =
            inboxes.into_iter().zip(filed).filter(|(_, outcome)| outcome.is_ok()).map(|(inbox, _)| inbox).collect();
        Ok(self.outcomes(&left))
    }
}

impl Envelope<Member> {
    /// Deliver to our people as their filters say and queue for the others, in one commit. On disk when this returns.
    pub async fn send_filtered(self, content: Content, judged: Vec<Judged>) -> Result<(), Refusal> {
        self.kind.session.check().await?;
        let queued = self.queued(Some(&self.kind.from))?;
        let from = ReturnPath::Address(self.kind.from.clone());
        let filed = Delivery::new(&self.gate, self.inboxes(), from, self.onward(), content, judged).await?.commit(queued).await?;
        all(&filed)
    }
}

fn all(filed: &Filed) -> Result<(), Refusal> {
    filed.iter().find_map(|outcome| outcome.err()).map_or(Ok(()), Err)
}
