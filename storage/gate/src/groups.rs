//! Groups of accounts: made and changed by administration, named in ACLs.

use crate::admin::Admin;
use crate::refusal::Refusal;
use octroi_engine::{Batch, Change};
use octroi_model::{Address, Group, GroupId, LeadsTo};
use std::sync::Arc;

/// Members of one group.
const MEMBERS_MAX: usize = 10_000;

impl Admin {
    /// All groups by age.
    pub fn groups(&self) -> Vec<Arc<Group>> {
        self.engine().groups()
    }

    /// The members of a group that are (still) there, by address.
    pub fn members(&self, group: &Group) -> Vec<Address> {
        let mut found: Vec<Address> = group.members.iter().filter_map(|id| Some(self.engine().account(*id)?.address.clone())).collect();
        found.sort_by_key(Address::key);
        found
    }

    /// Make a group, empty.
    pub async fn add_group(&self, name: &str) -> Result<(), Refusal> {
        if !Group::is_name(name) {
            return Err(Refusal::Unsupported);
        }
        if self.group(name).is_ok() {
            return Err(Refusal::Exists);
        }
        let group = Group { id: GroupId(self.engine().new_id()), name: name.to_owned(), members: Vec::new() };
        self.change(Change::SetGroup(group)).await?;
        self.note("group add", name, "").await;
        Ok(())
    }

    /// Put somebody into a group, or take them out.
    pub async fn set_member(&self, name: &str, who: &Address, is_member: bool) -> Result<(), Refusal> {
        let mut group = (*self.group(name)?).clone();
        let account = self.account(who)?.id;
        group.members.retain(|member| *member != account);
        if is_member {
            group.members.push(account);
            group.members.sort_unstable();
        }
        if group.members.len() > MEMBERS_MAX {
            return Err(Refusal::Limit("members of one group"));
        }
        self.change(Change::SetGroup(group)).await?;
        self.note(if is_member { "group join" } else { "group leave" }, name, &who.to_string()).await;
        Ok(())
    }

    /// Remove a group with its address; what was shared with it is shared with nobody.
    pub async fn remove_group(&self, name: &str) -> Result<(), Refusal> {
        let group = self.group(name)?;
        let _turn = self.gate.0.addresses.lock().await;
        let mut batch = Batch::new();
        for alias in self.engine().aliases() {
            if matches!(alias.leads_to, LeadsTo::Group { group: of, .. } if of == group.id) {
                batch.push(Change::RemoveAlias(alias.id));
            }
        }
        batch.push(Change::RemoveGroup(group.id));
        self.engine().commit(batch).await?;
        self.note("group remove", name, "").await;
        Ok(())
    }

    fn group(&self, name: &str) -> Result<Arc<Group>, Refusal> {
        self.groups().into_iter().find(|group| group.name == name).ok_or(Refusal::Missing)
    }

    async fn change(&self, change: Change) -> Result<(), Refusal> {
        let mut batch = Batch::new();
        batch.push(change);
        self.engine().commit(batch).await?;
        Ok(())
    }
}
