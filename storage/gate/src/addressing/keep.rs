//! Aliases kept by the administration: added, listed, taken away, each with its line in the audit trail.
//!
//! What always holds: no account has an alias's address, and none is added that leads to itself, however many stand between. One turn at
//! a time changes addresses, accounts' included, so that two cannot be given the same one.

use super::{AliasName, Known};
use crate::admin::Admin;
use crate::refusal::Refusal;
use octroi_engine::{Batch, Change};
use octroi_model::{Address, Alias, AliasId, LeadsTo};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Aliases in all: they are held in memory.
const ALIASES_MAX: usize = 100_000;
/// Addresses that one leads to; for more there are groups.
const TARGETS_MAX: usize = 1000;

/// An alias as the administration names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AliasLine {
    /// What is written to.
    pub name: AliasName,
    /// Where that goes.
    pub to: Vec<Address>,
    /// The group that it is for instead, and whether only members may write.
    pub group: Option<(String, bool)>,
}

impl Admin {
    /// All aliases by name.
    pub fn aliases(&self) -> Vec<AliasLine> {
        let mut lines: Vec<AliasLine> = self.engine().aliases().iter().map(|alias| self.line(alias)).collect();
        lines.sort_by_key(|line| line.name.key());
        lines
    }

    fn line(&self, alias: &Alias) -> AliasLine {
        let name = alias.name.clone();
        match &alias.leads_to {
            LeadsTo::Addresses(to) => AliasLine { name, to: to.clone(), group: None },
            LeadsTo::Group { group, members_only } => {
                let group = self.engine().group(*group).map_or_else(String::new, |group| group.name.clone());
                AliasLine { name, to: Vec::new(), group: Some((group, *members_only)) }
            }
        }
    }

    /// Let an address lead to these, beside those that it leads to already. Addresses that are not ours only if `outside`.
    pub async fn add_alias(&self, name: &AliasName, to: &[Address], outside: bool) -> Result<(), Refusal> {
        let _turn = self.gate.0.addresses.lock().await;
        let before = self.free_or_alias(name)?;
        let mut targets = match before.as_ref().map(|alias| &alias.leads_to) {
            None => Vec::new(),
            Some(LeadsTo::Addresses(targets)) => targets.clone(),
            Some(LeadsTo::Group { .. }) => return Err(Refusal::Exists),
        };
        for target in to {
            match self.gate.addressed(target) {
                Some(known) => self.refuse_loop(name, target, known)?,
                None if self.gate.is_local_domain(target.domain()) => return Err(Refusal::UnknownRecipient),
                None if !outside => return Err(Refusal::RecipientNotAllowed),
                None => {}
            }
            if !targets.iter().any(|known| known.key() == target.key()) {
                targets.push(target.clone());
            }
        }
        if targets.is_empty() {
            return Err(Refusal::Unsupported);
        }
        if targets.len() > TARGETS_MAX {
            return Err(Refusal::Limit("addresses of one alias"));
        }
        let said = listed(to);
        self.keep(before, name, LeadsTo::Addresses(targets)).await?;
        self.note("alias add", &name.to_string(), &said).await;
        Ok(())
    }

    /// Let an address lead no more to these; without any it goes.
    pub async fn remove_alias(&self, name: &AliasName, to: &[Address]) -> Result<(), Refusal> {
        let _turn = self.gate.0.addresses.lock().await;
        let alias = self.engine().alias(&name.key()).ok_or(Refusal::Missing)?;
        let left = match &alias.leads_to {
            LeadsTo::Addresses(targets) if !to.is_empty() => {
                let left: Vec<Address> = targets.iter().filter(|one| !to.iter().any(|gone| gone.key() == one.key())).cloned().collect();
                if left.len() == targets.len() {
                    return Err(Refusal::Missing);
                }
                left
            }
            _ => Vec::new(),
        };
        if left.is_empty() {
            self.commit(vec![Change::RemoveAlias(alias.id)]).await?;
        } else {
            self.keep(Some(alias), name, LeadsTo::Addresses(left)).await?;
        }
        self.note("alias remove", &name.to_string(), &listed(to)).await;
        Ok(())
    }

    /// Give a group an address that all its members are reached by, in place of the one that it had; `None` takes it away.
    pub async fn set_group_address(&self, group: &str, address: Option<&Address>, members_only: bool) -> Result<(), Refusal> {
        let _turn = self.gate.0.addresses.lock().await;
        let group = self.engine().groups().into_iter().find(|known| known.name == group).ok_or(Refusal::Missing)?;
        let leads_to = LeadsTo::Group { group: group.id, members_only };
        let of_group = |alias: &Alias| matches!(alias.leads_to, LeadsTo::Group { group: of, .. } if of == group.id);
        let old: Vec<Arc<Alias>> = self.engine().aliases().into_iter().filter(|alias| of_group(alias)).collect();
        let mut changes: Vec<Change> = old.iter().map(|alias| Change::RemoveAlias(alias.id)).collect();
        if let Some(address) = address {
            let name = AliasName::Address(address.clone());
            match self.free_or_alias(&name)? {
                Some(alias) if !of_group(&alias) => return Err(Refusal::Exists),
                _ => {}
            }
            let id = AliasId(self.engine().new_id());
            changes.push(Change::SetAlias(Alias { id, name, leads_to }));
        } else if old.is_empty() {
            return Err(Refusal::Missing);
        }
        self.commit(changes).await?;
        let said = match address {
            None => "none".to_owned(),
            Some(address) if members_only => format!("{address}, members only"),
            Some(address) => address.to_string(),
        };
        self.note("group address", &group.name, &said).await;
        Ok(())
    }

    /// The alias of that name, if there is one; refused if it is an account's or not of our domains.
    fn free_or_alias(&self, name: &AliasName) -> Result<Option<Arc<Alias>>, Refusal> {
        if !self.gate.is_local_domain(name.domain()) {
            return Err(Refusal::NotRelay);
        }
        if self.engine().account_by_key(&name.key()).is_some() {
            return Err(Refusal::Exists);
        }
        Ok(self.engine().alias(&name.key()))
    }

    /// Does `target`, followed to the end, come back to the alias?
    fn refuse_loop(&self, name: &AliasName, target: &Address, known: Known) -> Result<(), Refusal> {
        let key = name.key();
        let mut seen = BTreeSet::from([target.key()]);
        let mut waiting = vec![(target.key(), known)];
        while let Some((at, known)) = waiting.pop() {
            if at == key {
                return Err(Refusal::Loop);
            }
            if let Known::Leads(LeadsTo::Addresses(addresses)) = known {
                let next = addresses.iter().filter(|next| seen.insert(next.key()));
                waiting.extend(next.filter_map(|next| Some((next.key(), self.gate.addressed(next)?))));
            }
        }
        Ok(())
    }

    async fn keep(&self, before: Option<Arc<Alias>>, name: &AliasName, leads_to: LeadsTo) -> Result<(), Refusal> {
        if before.is_none() && self.engine().aliases().len() >= ALIASES_MAX {
            return Err(Refusal::Limit("aliases"));
        }
        let id = before.map_or_else(|| AliasId(self.engine().new_id()), |alias| alias.id);
        self.commit(vec![Change::SetAlias(Alias { id, name: name.clone(), leads_to })]).await
    }

    async fn commit(&self, changes: Vec<Change>) -> Result<(), Refusal> {
        let mut batch = Batch::new();
        for change in changes {
            batch.push(change);
        }
        self.engine().commit(batch).await?;
        Ok(())
    }
}

fn listed(addresses: &[Address]) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}
