//! Where mail for an address of ours goes: accounts, aliases, groups, roles, and what is left of a domain.
//!
//! Called by envelopes, and by the administration, which keeps the aliases (`keep`). What always holds: an address is followed once
//! however often it is led to, so nothing goes round; a mailbox is reached once; somebody outside is reached only where the administrator
//! wrote so. In the order in which they are looked for: an account, an alias, a role, and last what catches the rest of the domain.
//!
//! A `+detail` chooses nothing: it is there for the owner's script to look at.

mod keep;
mod srs;

pub use keep::AliasLine;
pub use srs::SrsFault;
pub(crate) use srs::SrsKey;

use crate::envelope::ReturnPath;
use crate::gate::Gate;
use crate::refusal::Refusal;
use crate::tree;
use octroi_model::{Account, AccountId, Address, AliasName, CollectionId, CollectionKind, LeadsTo, Name, UnixTime, domain_key};
use octroi_policy::{Area, Profile};
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

/// Addresses that are followed for one recipient: more is a mistake, and would keep the others waiting.
const FOLLOWED_MAX: usize = 20_000;

/// One of our people whom a recipient's address leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Whose mailbox.
    pub account: AccountId,
    /// By which address they are reached at last, with its `+detail`: what was written to, or where an alias led.
    pub to: Address,
    pub(crate) inbox: CollectionId,
}

/// Everybody whom an address leads to.
#[derive(Debug, Default)]
pub(crate) struct Reached {
    pub(crate) ours: Vec<Delivery>,
    pub(crate) outside: Vec<Address>,
    /// A group on the way takes mail of its members only.
    closed: bool,
}

/// What an address of ours is, before it is followed.
enum Known {
    Account(Arc<Account>),
    Leads(LeadsTo),
}

impl Gate {
    /// Follow an address of ours. `poster` is who writes, where that is certain.
    pub(crate) fn reach(&self, to: &Address, poster: Option<AccountId>) -> Result<Reached, Refusal> {
        let first = self.addressed(to).or_else(|| self.rest_of(to.domain())).ok_or(Refusal::UnknownRecipient)?;
        let reached = self.follow(to, first, poster)?;
        match reached {
            Reached { closed: true, ref ours, ref outside } if ours.is_empty() && outside.is_empty() => Err(Refusal::NotMember),
            Reached { ref ours, ref outside, .. } if ours.is_empty() && outside.is_empty() => Err(Refusal::UnknownRecipient),
            reached => Ok(reached),
        }
    }

    fn follow(&self, to: &Address, first: Known, poster: Option<AccountId>) -> Result<Reached, Refusal> {
        let mut reached = Reached::default();
        let mut inboxes = BTreeSet::new();
        let mut followed = BTreeSet::from([to.key()]);
        let mut waiting = VecDeque::from([(to.clone(), first)]);
        while let Some((address, known)) = waiting.pop_front() {
            match known {
                Known::Account(account) => {
                    if let Some(inbox) = self.inbox_of(account.id).filter(|inbox| inboxes.insert(*inbox)) {
                        reached.ours.push(Delivery { account: account.id, to: address, inbox });
                    }
                }
                Known::Leads(LeadsTo::Group { group, members_only }) => {
                    let Some(group) = self.engine().group(group) else { continue };
                    if members_only && !poster.is_some_and(|poster| group.members.contains(&poster)) {
                        reached.closed = true;
                        continue;
                    }
                    let members = group.members.iter().filter_map(|member| self.engine().account(*member));
                    waiting.extend(members.map(|member| (member.address.clone(), Known::Account(member))));
                }
                Known::Leads(LeadsTo::Addresses(addresses)) => {
                    for next in addresses.into_iter().filter(|next| followed.insert(next.key())) {
                        match self.addressed(&next) {
                            Some(known) => waiting.push_back((next, known)),
                            // Somebody of ours who is gone.
                            None if self.is_local_domain(next.domain()) => {}
                            None => reached.outside.push(next),
                        }
                    }
                }
            }
            if followed.len() + inboxes.len() + waiting.len() > FOLLOWED_MAX {
                return Err(Refusal::Limit("recipients behind one address"));
            }
        }
        Ok(reached)
    }

    /// An account, an alias or a role of that very address.
    fn addressed(&self, address: &Address) -> Option<Known> {
        if !self.is_local_domain(address.domain()) {
            return None;
        }
        let key = address.key();
        let engine = self.engine();
        let account = engine.account_by_key(&key).map(Known::Account);
        account.or_else(|| Some(Known::Leads(engine.alias(&key)?.leads_to.clone()))).or_else(|| self.role(address))
    }

    /// What catches the rest of a domain, if the administrator wanted that.
    fn rest_of(&self, domain: &str) -> Option<Known> {
        let alias = self.engine().alias(&AliasName::Rest(domain.to_owned()).key())?;
        Some(Known::Leads(alias.leads_to.clone()))
    }

    /// RFC 5321 section 4.5.1, RFC 2142: `postmaster` and `abuse` of every domain of ours reach somebody, as long as there is anybody.
    fn role(&self, address: &Address) -> Option<Known> {
        if !["postmaster", "abuse"].iter().any(|role| address.key().split_once('@').is_some_and(|(local, _)| local == *role)) {
            return None;
        }
        let engine = self.engine();
        if let Some(named) = &self.organisation().postmaster {
            let key = named.key();
            let known = engine.account_by_key(&key).map(Known::Account);
            let known = known.or_else(|| Some(Known::Leads(engine.alias(&key)?.leads_to.clone())));
            if known.is_some() {
                return known;
            }
        }
        let (accounts, policy) = (engine.accounts(), self.policy());
        let administers = |account: &&Arc<Account>| policy.profile(&account.profile).is_some_and(Profile::administer);
        accounts.iter().find(administers).or_else(|| accounts.first()).cloned().map(Known::Account)
    }

    fn inbox_of(&self, account: AccountId) -> Option<CollectionId> {
        let home = tree::home(self.engine(), account, Area::Mail)?;
        let inbox = self.engine().child(home.id, &Name::new("INBOX").ok()?)?;
        (inbox.kind == CollectionKind::Mailbox).then_some(inbox.id)
    }

    /// The return path under which a message of whoever it is leaves us again, because it is forwarded (SRS): `None` is `<>`, which is also
    /// for those whose rewritten address would be too long to be one.
    pub fn forwarding_path(&self, from: &ReturnPath) -> Option<Address> {
        let ReturnPath::Address(from) = from else { return None };
        if self.is_local_domain(from.domain()) {
            return Some(from.clone());
        }
        let domain = self.organisation().domains.first()?;
        self.0.key.srs().forward(from, domain, UnixTime::now())
    }

    /// To whom a notification goes on that came back to a return path of [`Gate::forwarding_path`]. `None`: it looks like no such path.
    pub fn forwarded_from(&self, to: &Address) -> Option<Result<Address, SrsFault>> {
        self.0.key.srs().back(to, UnixTime::now())
    }
}

impl Gate {
    /// An alias or role that leads to this person and nobody else is as good as their own address. What catches the rest of a domain is not:
    /// it would give them every address that somebody may get later.
    pub(crate) fn leads_alone(&self, address: &Address, to: AccountId) -> bool {
        if self.engine().account_by_key(&address.key()).is_some() {
            return false;
        }
        let first = match self.addressed(address) {
            None => return false,
            Some(Known::Account(role)) => return role.id == to,
            Some(first) => first,
        };
        self.follow(address, first, Some(to)).is_ok_and(|reached| {
            let only = matches!(reached.ours.as_slice(), [only] if only.account == to);
            only && reached.outside.is_empty() && !reached.closed
        })
    }

    /// Does mail for that address leave us, for somebody at least?
    pub fn leads_outside(&self, to: &Address) -> bool {
        !self.is_local_domain(to.domain()) || self.reach(to, None).is_ok_and(|reached| !reached.outside.is_empty())
    }
}

/// The same domain, however it is written?
pub(crate) fn same_domain(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other) || domain_key(one) == domain_key(other)
}
