//! Groups: made, listed.
//!
//! Called by `handle`.

use super::handle::{Handler, say};
use super::protocol::{GroupLine, Reply};
use octroi_gate::Refusal;

impl Handler {
    pub(super) async fn group_add(&self, name: &str) -> Result<Reply, String> {
        match self.admin.add_group(name).await {
            Ok(()) => Ok(Reply::Done),
            Err(Refusal::Exists) => Err(format!("there is a group `{name}` already")),
            Err(Refusal::Unsupported) => Err(format!("`{name}` cannot be the name of a group")),
            Err(refusal) => Err(say(refusal, name)),
        }
    }

    pub(super) fn group_list(&self) -> Reply {
        let members = |group| self.admin.members(group).iter().map(ToString::to_string).collect();
        Reply::Groups(self.admin.groups().iter().map(|group| GroupLine { name: group.name.clone(), members: members(group) }).collect())
    }
}
