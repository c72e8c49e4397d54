//! Groups that are asked to a meeting by their address: who is in one, as far as the one who asks may know.
//!
//! Called by `plan` before a change is looked at. What always holds: nobody is named to somebody whom the directory does not show them, as
//! `crate::directory` decides it; a group that may not be known is like one that is not there. A group is looked into when it is asked, and
//! not again: who joins later is not asked by that.

use super::plan::{ATTENDEES, Desk};
use crate::refusal::Refusal;
use crate::session::Session;
use octroi_model::{AccountId, Address, AliasName, Group, LeadsTo};
use octroi_policy::Act;
use std::collections::HashSet;
use std::sync::Arc;

/// Somebody in a group that is asked.
#[derive(Debug, Clone)]
pub struct GroupMember {
    /// The account's own address.
    pub address: String,
    /// For people; may be empty.
    pub name: String,
}

impl Session {
    /// The group that is asked by that address on behalf of `organizer`, if it may be asked and is known to who asks. An account of that
    /// address goes before.
    fn group_asked(&self, address: &Address, organizer: AccountId) -> Result<Option<Arc<Group>>, Refusal> {
        let engine = self.gate().engine();
        let key = AliasName::Address(address.clone()).key();
        let alias = if engine.account_by_key(&key).is_some() { None } else { engine.alias(&key) };
        let Some(LeadsTo::Group { group, members_only }) = alias.map(|alias| alias.leads_to.clone()) else { return Ok(None) };
        let Some(group) = engine.group(group) else { return Ok(None) };
        let is_open = !members_only || group.members.contains(&organizer);
        let is_known = self.is_shown_groups() || group.members.contains(&self.account());
        let may_write = self.permits(&Act::Send { domain: address.domain(), ours: true })?.is_ok();
        Ok(Some(group).filter(|_| is_open && is_known && may_write))
    }
}

impl Desk<'_> {
    /// The groups among those who are asked, each with who is in it; but for who is asked by an address of their own as well.
    pub(super) fn groups_asked(&self, keys: &[String]) -> Result<Vec<(String, Vec<GroupMember>)>, Refusal> {
        let gate = self.session().gate();
        let (mut groups, mut alone) = (Vec::new(), HashSet::new());
        for key in keys {
            let members = self.members_asked(key)?;
            if !members.is_empty() {
                groups.push((key.clone(), members));
                continue;
            }
            let address = key.parse::<Address>().ok().filter(|address| gate.is_local_domain(address.domain()));
            let reached = address.and_then(|address| gate.reach(&address, Some(self.owner_id())).ok());
            alone.extend(
                reached.into_iter().filter(|reached| reached.ours.len() == 1).flat_map(|reached| reached.ours).map(|one| one.account),
            );
        }
        let named = |account: AccountId| gate.engine().account(account).map(|account| account.address.to_string());
        let alone: HashSet<String> = alone.into_iter().filter_map(named).collect();
        for (_, members) in &mut groups {
            members.retain(|member| !alone.contains(&member.address));
        }
        Ok(groups)
    }

    /// Who is asked by an address that is a group's; nothing if it is none that may be asked.
    pub(super) fn members_asked(&self, key: &str) -> Result<Vec<GroupMember>, Refusal> {
        let Ok(address) = key.parse::<Address>() else { return Ok(Vec::new()) };
        let (session, gate) = (self.session(), self.session().gate());
        if !gate.is_local_domain(address.domain()) {
            return Ok(Vec::new());
        }
        let Some(group) = session.group_asked(&address, self.owner_id())? else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for account in group.members.iter().filter_map(|member| gate.engine().account(*member)) {
            if account.id == self.owner_id() || !session.is_told_of(&account)? {
                continue;
            }
            // The attendees of one object are bounded, and so is the work of looking for them.
            if found.len() >= gate.0.limits.attendees_max {
                return Err(Refusal::Limit(ATTENDEES));
            }
            found.push(GroupMember { address: account.address.to_string(), name: account.display_name.clone() });
        }
        Ok(found)
    }
}
