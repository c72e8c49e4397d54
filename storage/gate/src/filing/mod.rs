//! Delivery: one commit for all recipients, with what their filters file, send on, answer and remember.
//!
//! Called by envelopes at the end of a message. SMTP and LMTP have asked for the [`Filter`]s before, run them (nothing in `storage/` knows
//! Sieve), and hand back what each wants as [`Judged`]. Who has none gets it into the mailbox that the envelope knows. A full mailbox that
//! was named puts it off; one behind the address of a group or alias is left out, which the sender is told ([`Report`]). It is decided here whether it may be: a filter files only into its owner's
//! mailboxes, where those who had a hand in it could ([`crate::filters`]); it sends as [`Envelope<crate::MemberEnvelope>`] would let its
//! owner, counted in their recipients of an hour; it does nothing that is a reserved action. What may not be, or fails, puts the message
//! into the INBOX, with a line in the audit trail, and the owner is told once. Nothing is lost.
//!
//! Known limit: a mailbox that a filter makes is one that only the commit makes, so a message that is refused makes none.
//!
//! | file | what |
//! |---|---|
//! | `decide` | what each filter may |
//! | `delivery` | the commit |
//! | `tell` | who hears of what was refused or left out |
//! | `memory` | whom a filter has answered |
//! | `target` | the mailbox that a filter names |

mod decide;
mod delivery;
mod memory;
mod target;
mod tell;

use crate::addressing::Delivery as Addressee;
use crate::content::Content;
use crate::envelope::{Envelope, Place, ReturnPath};
use crate::filters::{self, ACTIVE, Warrant};
use crate::gate::Gate;
use crate::narrowed::Folders;
use crate::queue::RecipientTerms;
use crate::refusal::Refusal;
use delivery::Delivery;
use octroi_model::{Account, Address, CollectionId, Item, Name, Narrowing, Rights, Service};
use octroi_policy::{Act, Area, Circumstances, Facts, Profile};
use std::sync::Arc;

/// The active script of one of our people whom a message reaches.
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
    /// What the filters of those of ours whom it reaches want with it, as far as they were run.
    pub judged: Vec<Judged>,
}

impl Sending {
    /// Into the mailboxes of those of ours whom it reaches.
    pub fn plain(to: Address, content: Content) -> Self {
        Self { to, content, judged: Vec::new() }
    }
}

/// What came of a filter.
#[derive(Debug)]
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

/// A message at its end.
pub struct Finished<'r> {
    /// The message.
    pub content: Content,
    /// What the recipients' filters want.
    pub judged: Vec<Judged>,
    /// What the sender is told in the same commit.
    pub report: Option<&'r Report<'r>>,
}

/// Makes what the sender is told of each recipient (RFC 3461). Asked anew when something else becomes of the message.
pub type Report<'r> = dyn Fn(&[Arrival<'_>]) -> Vec<Sending> + Send + Sync + 'r;

impl From<Content> for Finished<'_> {
    fn from(content: Content) -> Self {
        Self { content, judged: Vec::new(), report: None }
    }
}

/// What becomes of a message for one of the recipients that were named.
#[derive(Debug, Clone, Copy)]
pub struct Arrival<'e> {
    /// As it was named.
    pub to: &'e Address,
    /// What was asked for.
    pub terms: &'e RecipientTerms,
    /// What becomes of it.
    pub fate: Fate,
}

/// What becomes of a message on its way to one recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is with the one person whom the address leads to.
    Delivered,
    /// It goes on to the one elsewhere whom the address leads to, under the terms that were asked for.
    Onward,
    /// It is with, or on its way to, all of several whom the address leads to.
    Expanded,
    /// Not with all of them: of some the mailbox is full.
    InPart,
    /// It is with nobody.
    Full,
}

impl std::fmt::Debug for Filter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Filter").field("owner", &self.account.address).field("name", &self.name()).finish_non_exhaustive()
    }
}

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

    /// Is that an address of the owner's: their account's, with any detail, or an alias that leads to nobody else?
    pub fn is_owner(&self, address: &Address) -> bool {
        address.key() == self.account.address.key() || self.gate.leads_alone(address, self.account.id)
    }

    /// May there be filters of others of ours, whom a message of the owner's reaches at that address? Cheap.
    pub fn may_pass_filters(&self, to: &Address) -> bool {
        let engine = self.gate.engine();
        let has_scripts = |one: &Addressee| filters::home(engine, one.account).is_some_and(|home| home.head.items > 0);
        self.reached(to).iter().any(has_scripts)
    }

    /// These filters.
    pub async fn passed(&self, to: &Address) -> Result<Vec<Filter>, Refusal> {
        self.gate.filters(&self.reached(to)).await
    }

    fn reached(&self, to: &Address) -> Vec<Addressee> {
        if !self.gate.is_local_domain(to.domain()) {
            return Vec::new();
        }
        self.gate.reach(to, Some(self.account.id)).map(|reached| reached.ours).unwrap_or_default()
    }

    /// What those who had a hand in it may do in a place of the owner's mail.
    fn rights(&self, path: &str) -> Rights {
        let each = self.warrants.iter().map(|warrant| warrant.rights_at(&self.gate, &self.account, Area::Mail, path));
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
    /// What whoever it is of might do with a collection of the account's own.
    pub(crate) fn rights_at(&self, gate: &Gate, account: &Account, area: Area, path: &str) -> Rights {
        let narrowing = Narrowing { folders: self.folders.clone(), ..Narrowing::default() };
        let scope = Folders::of(&narrowing).leave(self.rights, &format!("{}/{path}", area.name()));
        let decided = self.circumstances(account, |who| {
            let Circumstances { profile, zone, strength, .. } = *who;
            let facts = Facts { profile, zone, strength, own: true, area, path, acl: Rights::ALL, scope };
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

impl Gate {
    /// The filters of those of our people who have one. Costs nothing that could be measured for those who have none.
    async fn filters(&self, of: &[Addressee]) -> Result<Vec<Filter>, Refusal> {
        let engine = self.engine();
        let mut found: Vec<Filter> = Vec::new();
        for Addressee { account, to, inbox } in of {
            let Some(account) = engine.account(*account) else { continue };
            let Some(home) = filters::home(engine, account.id).filter(|home| home.head.items > 0) else { continue };
            let view = engine.view(home.id).await?;
            let Some(item) = view.items().find(|item| item.flags.contains(ACTIVE)).cloned() else { continue };
            let script = filters::read(engine, &item).await?;
            let warrants = filters::warrants(&item);
            found.push(Filter { gate: self.clone(), account, warrants, inbox: *inbox, home: home.id, item, script, to: to.clone() });
        }
        Ok(found)
    }
}

impl<Kind> Envelope<Kind> {
    /// The filters of those recipients who have one.
    pub async fn filters(&self) -> Result<Vec<Filter>, Refusal> {
        self.gate.filters(self.deliveries()).await
    }

    /// The recipients that a filter answers for, by their number in [`Envelope::recipients`]: those that lead to its owner and to nobody else.
    pub fn recipients_of(&self, filter: &Filter) -> Vec<usize> {
        let alone = |place: &Place| place.leaves == 0 && place.full.is_empty() && place.inboxes == [filter.inbox];
        self.places.iter().enumerate().filter(|(_, place)| alone(place)).map(|(at, _)| at).collect()
    }
}

/// Deliver and queue, in one commit; on disk when this returns. `from` is the return path as it came, `forwarded` the one of what leaves.
/// Unless it is for `each`, a full mailbox that was named puts it off for all.
pub(crate) async fn deliver<Kind: Sync>(
    envelope: &Envelope<Kind>,
    from: ReturnPath,
    forwarded: Option<&Address>,
    message: Finished<'_>,
    each: bool,
) -> Result<Filed, Refusal> {
    let queued = envelope.queued(forwarded)?;
    Delivery::new(envelope, &from, message).await?.commit(&queued, each).await
}
