//! Whom one can share with: accounts, groups and profiles by name, for who edits an ACL.
//!
//! Called by `dav` for principals. What always holds: an account is named only to whom the organisation's directory shows it
//! ([`crate::people`]), or who may share with single accounts at all, and of these only one that they could write to as well; of it nothing
//! is told but address and name. To everybody else there is nobody.

use crate::acts::sharing::{Identifier, find_grantee, sharee};
use crate::refusal::Refusal;
use crate::session::Session;
use octroi_model::{Account, Address, Group};
use octroi_policy::{Act, Sharee};
use std::sync::Arc;

/// Somebody who can stand in an ACL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// How an ACL names them.
    pub who: Identifier,
    /// For people; may be empty.
    pub display_name: String,
}

impl Session {
    /// May the session share with whoever is named so, as far as its profile says? Whether there is somebody of that name is not asked.
    pub fn may_share_with(&self, who: &Identifier) -> Result<bool, Refusal> {
        let permitted = self.permits(&Act::Share { with: sharee(who) })?.is_ok();
        Ok(permitted && if let Identifier::Account(address) = who { self.may_write_to(address)? } else { true })
    }

    /// May the session share with single accounts, as far as its profile says?
    pub fn may_share(&self) -> bool {
        let own = Identifier::Account(self.address().clone());
        self.permits(&Act::Share { with: sharee(&own) }).is_ok_and(|permitted| permitted.is_ok())
    }

    /// Who is named so, if the session may share with them; one's own groups in any case.
    pub fn principal(&self, who: &Identifier) -> Result<Option<Principal>, Refusal> {
        let own_group = matches!(who, Identifier::Group(name) if self.memberships().contains(name));
        let listed = match who {
            Identifier::Account(address) => {
                self.gate().engine().account_by_key(&address.key()).is_some_and(|account| self.is_shown(&account.profile))
            }
            Identifier::Group(_) => self.is_shown_groups() && find_grantee(self.gate(), who).is_ok(),
            _ => false,
        };
        if !own_group && !listed && (!self.may_share_with(who)? || find_grantee(self.gate(), who).is_err()) {
            return Ok(None);
        }
        Ok(match who {
            Identifier::Anyone => None,
            Identifier::Account(address) => self.gate().engine().account_by_key(&address.key()).as_deref().map(principal_of),
            Identifier::Group(name) | Identifier::Profile(name) => Some(Principal { who: who.clone(), display_name: name.clone() }),
        })
    }

    /// Accounts and groups that fit, by address and name; at most `count_max`. All are looked at: there is no index over names.
    pub fn principals(&self, count_max: usize, fits: impl Fn(&Principal) -> bool) -> Result<Vec<Principal>, Refusal> {
        let engine = self.gate().engine();
        let mut found = Vec::new();
        let shares = self.permits(&Act::Share { with: Sharee::Account })?.is_ok();
        for account in engine.accounts() {
            if found.len() >= count_max {
                break;
            }
            let principal = principal_of(&account);
            if fits(&principal) && (self.is_shown(&account.profile) || (shares && self.may_write_to(&account.address)?)) {
                found.push(principal);
            }
        }
        for group in engine.groups() {
            let principal = Principal { who: Identifier::Group(group.name.clone()), display_name: group.name.clone() };
            if found.len() < count_max && fits(&principal) && (self.is_shown_groups() || self.may_share_with(&principal.who)?) {
                found.push(principal);
            }
        }
        Ok(found)
    }

    /// The groups that the account is in.
    pub fn memberships(&self) -> Vec<String> {
        let groups = self.gate().engine().groups();
        groups.iter().filter(|group| group.members.contains(&self.account())).map(|group| group.name.clone()).collect()
    }

    /// Members of a group that the account is in, by address, at most `count_max`, of whom it may be told. [`Refusal::Missing`]: it is in no such group.
    pub fn colleagues(&self, group: &str, count_max: usize) -> Result<Vec<Address>, Refusal> {
        let engine = self.gate().engine();
        let mine = |group: &Arc<Group>| group.members.contains(&self.account());
        let group = engine.groups().into_iter().filter(mine).find(|known| known.name == group).ok_or(Refusal::Missing)?;
        let mut found = Vec::new();
        for member in group.members.iter().filter_map(|member| engine.account(*member)) {
            if found.len() >= count_max {
                break;
            }
            if self.is_told_of(&member)? {
                found.push(member.address.clone());
            }
        }
        found.sort_by_key(Address::key);
        Ok(found)
    }

    /// May this session be told that somebody is in a group? Oneself, whom it would be told of by name anyway, and who lets it see when they
    /// are busy.
    pub(crate) fn is_told_of(&self, member: &Account) -> Result<bool, Refusal> {
        let who = Identifier::Account(member.address.clone());
        Ok(member.id == self.account() || self.principal(&who)?.is_some() || self.sees_busy(member.id))
    }

    fn may_write_to(&self, address: &Address) -> Result<bool, Refusal> {
        let ours = self.gate().is_local_domain(address.domain());
        Ok(self.permits(&Act::Send { domain: address.domain(), ours })?.is_ok())
    }
}

fn principal_of(account: &Account) -> Principal {
    Principal { who: Identifier::Account(account.address.clone()), display_name: account.display_name.clone() }
}
