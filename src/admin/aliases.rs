//! Addresses that are no account's: aliases, and those of groups.
//!
//! Called by `handle`.

use super::handle::{Handler, parse, say};
use super::protocol::{AliasLine, Reply};
use octroi_gate::Refusal;
use octroi_model::{Address, AliasName};

impl Handler {
    pub(super) async fn alias_add(&self, name: &str, to: &[String], outside: bool) -> Result<Reply, String> {
        let (alias, to) = (alias_name(name)?, addresses(to)?);
        let shown = to.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        match self.admin.add_alias(&alias, &to, outside).await {
            Ok(()) => Ok(Reply::Done),
            Err(Refusal::UnknownRecipient) => Err(format!("not all of these are addresses here: {shown}")),
            Err(Refusal::RecipientNotAllowed) => {
                Err(format!("not all of these are addresses of our domains; --outside lets mail leave: {shown}"))
            }
            Err(Refusal::Loop) => Err(format!("{name} would lead to itself")),
            Err(refusal) => Err(refused(refusal, name)),
        }
    }

    pub(super) async fn alias_remove(&self, name: &str, to: &[String]) -> Result<Reply, String> {
        match self.admin.remove_alias(&alias_name(name)?, &addresses(to)?).await {
            Ok(()) => Ok(Reply::Done),
            Err(Refusal::Missing) => Err(format!("{name} does not lead there")),
            Err(refusal) => Err(say(refusal, name)),
        }
    }

    pub(super) fn alias_list(&self) -> Reply {
        let line = |alias: octroi_gate::AliasLine| {
            let (group, members_only) = alias.group.map_or((None, false), |(name, members_only)| (Some(name), members_only));
            let to = alias.to.iter().map(ToString::to_string).collect();
            AliasLine { name: alias.name.to_string(), to, group, members_only }
        };
        Reply::Aliases(self.admin.aliases().into_iter().map(line).collect())
    }

    pub(super) async fn group_address(&self, group: &str, address: Option<&str>, members_only: bool) -> Result<Reply, String> {
        let parsed = address.map(parse).transpose()?;
        match self.admin.set_group_address(group, parsed.as_ref(), members_only).await {
            Ok(()) => Ok(Reply::Done),
            Err(Refusal::Missing) if address.is_none() => Err(format!("there is no group `{group}`, or it has no address")),
            Err(Refusal::Missing) => Err(format!("there is no group `{group}`")),
            Err(refusal) => Err(refused(refusal, address.unwrap_or(group))),
        }
    }
}

fn refused(refusal: Refusal, name: &str) -> String {
    match refusal {
        Refusal::Exists => format!("{name} is somebody's address already"),
        Refusal::NotRelay => format!("{name} is not of our domains"),
        refusal => say(refusal, name),
    }
}

fn alias_name(text: &str) -> Result<AliasName, String> {
    AliasName::parse(text).ok_or_else(|| format!("`{text}` is neither an address nor `@` and a domain"))
}

fn addresses(texts: &[String]) -> Result<Vec<Address>, String> {
    texts.iter().map(|text| parse(text)).collect()
}
