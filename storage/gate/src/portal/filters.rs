//! An account's filters in the portal: the same scripts as over ManageSieve, under the same rules.
//!
//! What always holds: they are there for whose profile lets them keep filters from where they are, and no further than that; a change needs a
//! fresh second factor, for a script acts when nobody is there. It acts as from a confirmed program: what asks for a factor of just now is
//! never a filter's.

use super::{PortalSession, Stepped};
use crate::filters::{Hand, ScriptFacts, Warrant};
use crate::refusal::Refusal;
use octroi_model::{Account, Address, AuditVia, Rights, Service};
use octroi_policy::{Act, Circumstances, Strength};
use std::sync::Arc;

impl PortalSession {
    /// May this person keep filters from here?
    pub fn may_filter(&self) -> bool {
        self.hand().is_ok()
    }

    /// All scripts by name.
    pub async fn scripts(&self) -> Result<Vec<ScriptFacts>, Refusal> {
        self.hand()?.list().await
    }

    /// The octets of one.
    pub async fn script(&self, name: &str) -> Result<Vec<u8>, Refusal> {
        self.hand()?.read(name).await
    }

    /// Keep a script, in the place of one of that name, which stays active if it was. On disk when this returns.
    pub async fn put_script(&self, proof: &Stepped, name: &str, script: &[u8]) -> Result<(), Refusal> {
        self.proven(proof)?;
        self.hand()?.put(name, script).await
    }

    /// Make one the script that runs, or (`None`) none.
    pub async fn activate_script(&self, proof: &Stepped, name: Option<&str>) -> Result<(), Refusal> {
        self.proven(proof)?;
        self.hand()?.activate(name).await
    }

    /// Remove one that is not active ([`Refusal::Unsupported`] if it is).
    pub async fn delete_script(&self, proof: &Stepped, name: &str) -> Result<(), Refusal> {
        self.proven(proof)?;
        self.hand()?.delete(name).await
    }

    /// Would a filter that is put from here send to that address, as the rules are now? When mail comes, they are asked again.
    pub fn filter_may_send(&self, to: &Address) -> Result<bool, Refusal> {
        let account = self.account()?;
        let policy = self.gate.policy();
        let zone = self.zone();
        let uses = policy.profile(&account.profile).is_some_and(|profile| profile.uses(Service::Submission, &zone));
        let who = Circumstances { profile: &account.profile, zone: &zone, strength: Strength::Confirmed, second_factor_age: None };
        let act = Act::Send { domain: to.domain(), ours: self.gate.is_local_domain(to.domain()) };
        Ok(uses && octroi_policy::permit(&policy, &who, &act).is_ok())
    }

    /// Is that an address of this person's own?
    pub fn is_own_address(&self, address: &Address) -> bool {
        address.key() == self.address.key() || self.gate.leads_alone(address, self.account)
    }

    fn hand(&self) -> Result<Hand<'_>, Refusal> {
        let account = self.account()?;
        let zone = self.zone();
        if !self.keeps_filters(&account, &zone) {
            return Err(Refusal::Unsupported);
        }
        let strength = Strength::Confirmed.to_string();
        let warrant = Warrant { zone: zone.clone(), strength, rights: Rights::ALL, folders: Vec::new(), sends: true };
        let via = AuditVia { zone, client: "portal".to_owned(), ..AuditVia::default() };
        Ok(Hand { gate: &self.gate, account, warrant, peer: self.peer.to_string(), via })
    }

    /// As ManageSieve would let them in.
    fn keeps_filters(&self, account: &Arc<Account>, zone: &str) -> bool {
        let policy = self.gate.policy();
        policy
            .profile(&account.profile)
            .is_some_and(|profile| profile.uses(Service::Sieve, zone) && (account.remote_access || !profile.is_remote(zone)))
    }

    fn zone(&self) -> String {
        self.gate.zone_named(self.peer)
    }
}
