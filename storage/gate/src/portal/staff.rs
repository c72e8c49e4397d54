//! What the portal shows to staff: the audit trail to auditors, accounts and rules to administrators. Neither opens anybody's mailbox.

use super::{PortalSession, Stepped};
use crate::explain::Question;
use crate::refusal::Refusal;
use octroi_engine::{Batch, Change, Trail};
use octroi_model::{Account, Address, AuditFrom, AuditLine, AuditQuery, Outcome, Services};
use std::net::IpAddr;
use std::sync::Arc;

/// Somebody whose profile reads the audit trail.
pub struct Auditor(PortalSession);

/// Somebody whose profile administers.
pub struct Administrator(PortalSession);

/// A profile as in force, for people.
#[derive(Debug, Clone)]
pub struct ProfileFacts {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The services it has from somewhere.
    pub services: Services,
    /// How many accounts have it.
    pub accounts: usize,
}

impl PortalSession {
    /// For whom the profile lets read the audit trail.
    pub fn auditor(&self) -> Option<Auditor> {
        let policy = self.gate.policy();
        policy.profile(&self.profile()).is_some_and(octroi_policy::Profile::audit).then(|| Auditor(self.clone()))
    }

    /// For whom the profile lets administer.
    pub fn administrator(&self) -> Option<Administrator> {
        let policy = self.gate.policy();
        policy.profile(&self.profile()).is_some_and(octroi_policy::Profile::administer).then(|| Administrator(self.clone()))
    }
}

impl Auditor {
    /// Lines of the trail.
    pub async fn lines(&self, from: AuditFrom, of: Option<&Address>, lines_max: usize) -> Result<Vec<AuditLine>, Refusal> {
        self.0.check().await?;
        let engine = self.0.gate.engine();
        let account = match of {
            None => None,
            Some(address) => Some(engine.account_by_key(&address.key()).ok_or(Refusal::UnknownRecipient)?.id),
        };
        Ok(engine.audit(AuditQuery { account, from, lines_max }).await?)
    }

    /// Walk the whole chain; its end, or the first fault.
    pub async fn verify(&self) -> Result<Result<Trail, String>, Refusal> {
        self.0.check().await?;
        let found = self.0.gate.verify_audit().await?;
        self.0.note("audit verify", "", Outcome::Done, found.as_ref().err().map_or("", String::as_str)).await;
        Ok(found)
    }

    /// The address of an account, if it is (still) there.
    pub fn address_of(&self, account: octroi_model::AccountId) -> Option<Address> {
        self.0.gate.engine().account(account).map(|account| account.address.clone())
    }
}

impl Administrator {
    /// All accounts by address.
    pub fn accounts(&self) -> Vec<Arc<Account>> {
        self.0.gate.all_accounts()
    }

    /// Has the account a second factor?
    pub fn has_second_factor(&self, account: &Account) -> bool {
        crate::factors::has_any(account, &self.0.gate.engine().factors(account.id))
    }

    /// The profiles in force.
    pub fn profiles(&self) -> Vec<ProfileFacts> {
        let policy = self.0.gate.policy();
        let accounts = self.accounts();
        let facts = |name: &str| {
            let profile = policy.profile(name)?;
            Some(ProfileFacts {
                name: name.to_owned(),
                description: profile.description().to_owned(),
                services: profile.services(),
                accounts: accounts.iter().filter(|account| account.profile == name).count(),
            })
        };
        policy.names().filter_map(facts).collect()
    }

    /// The zones in force.
    pub fn zones(&self) -> Vec<String> {
        self.0.gate.policy().zones().map(str::to_owned).collect()
    }

    /// The zone of an address.
    pub fn zone_of(&self, address: IpAddr) -> String {
        self.0.gate.zone_named(address)
    }

    /// Grant or withdraw remote access, or give another profile.
    pub async fn set_profile(&self, proof: Stepped, who: &Address, profile: &str, remote_access: bool) -> Result<(), Refusal> {
        self.0.proven(&proof)?;
        let gate = &self.0.gate;
        let account = gate.engine().account_by_key(&who.key()).ok_or(Refusal::UnknownRecipient)?;
        if gate.policy().profile(profile).is_none() {
            return Err(Refusal::Missing);
        }
        let mut batch = Batch::new();
        batch.push(Change::SetProfile { account: account.id, profile: profile.to_owned(), remote_access });
        gate.engine().commit(batch).await?;
        self.0.note("account profile", &who.to_string(), Outcome::Done, &format!("{profile}, remote access {remote_access}")).await;
        Ok(())
    }

    /// Why somebody may or may not do something.
    pub async fn explain(&self, question: &Question<'_>) -> Result<String, Refusal> {
        self.0.check().await?;
        self.0.gate.explain(question)
    }
}
