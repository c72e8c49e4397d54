//! A session: an open log-in on one protocol. It holds no data, only the way to ask for grants.
//!
//! Held by a connection (and cached for a minute by HTTP). Whether it still stands is asked before each command ([`Session::check`]):
//! a revoked credential, a changed profile or a lapsed confirmation ends it there, and [`Session::ended`] wakes who is idle.

use crate::gate::{Gate, Line};
use crate::granted::{Granted, Locates, Object};
use crate::login::Channel;
use crate::purpose::Purpose;
use crate::refusal::Refusal;
use crate::tree::Node;
use octroi_engine::{Batch, Change};
use octroi_model::{Account, AccountId, Address, AppPassword, Collection, CollectionId, Grantee, Outcome, Rights, Service};
use octroi_policy::{Admission, Area, Facts, Strength};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How long a standing is believed without asking again: strength lapses with time, not only by changes.
const STANDING_HOLDS: Duration = Duration::from_secs(30);
/// Longest chain of parents: deeper trees cannot be made.
pub(crate) const ANCESTORS_MAX: usize = octroi_model::PATH_DEPTH_MAX + 2;
/// Names on one account's LSUB list.
const SUBSCRIPTIONS_MAX: usize = 5_000;

/// An open log-in. Cheap to clone; the clones are one session.
#[derive(Clone)]
pub struct Session(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) gate: Gate,
    account: AccountId,
    address: Address,
    display_name: String,
    via: Channel,
    public_id: String,
    standing: Mutex<Standing>,
}

/// What was true when it was last looked at.
struct Standing {
    generation: u64,
    looked: Instant,
    strength: Strength,
    zone: String,
    account: Arc<Account>,
    app_password: Arc<AppPassword>,
    rights: HashMap<CollectionId, Rights>,
}

pub(crate) struct Opening {
    pub(crate) account: Arc<Account>,
    pub(crate) app_password: Arc<AppPassword>,
    pub(crate) via: Channel,
    pub(crate) strength: Strength,
}

impl Session {
    pub(crate) fn new(gate: Gate, opening: Opening) -> Self {
        let zone = gate.policy().zone_of(opening.via.peer).to_owned();
        // Generation 0 is never current, so the first check looks.
        let standing = Standing {
            generation: 0,
            looked: Instant::now(),
            strength: opening.strength,
            zone,
            account: opening.account.clone(),
            app_password: opening.app_password.clone(),
            rights: HashMap::new(),
        };
        Self(Arc::new(Inner {
            gate,
            account: opening.account.id,
            address: opening.account.address.clone(),
            display_name: opening.account.display_name.clone(),
            public_id: opening.app_password.public_id.clone(),
            via: opening.via,
            standing: Mutex::new(standing),
        }))
    }

    /// Whose session it is.
    pub fn account(&self) -> AccountId {
        self.0.account
    }

    /// The account's address.
    pub fn address(&self) -> &Address {
        &self.0.address
    }

    /// The account's name for people; may be empty.
    pub fn display_name(&self) -> &str {
        &self.0.display_name
    }

    /// Over which protocol.
    pub fn service(&self) -> Service {
        self.0.via.service
    }

    /// Does it still stand? To be asked before each command.
    pub async fn check(&self) -> Result<(), Refusal> {
        self.standing().map(|_| ())
    }

    /// Resolves when the session no longer stands.
    pub async fn ended(&self) {
        let mut moves = self.0.gate.engine().watch_generation();
        while self.standing().is_ok() {
            // Time alone ends some sessions, so look now and then even when nothing moves.
            let _ = tokio::time::timeout(STANDING_HOLDS, moves.changed()).await;
        }
    }

    /// Wakes when rights have moved, so that whoever is idle on something looks whether they may still see it.
    pub fn watch_rights(&self) -> watch::Receiver<u64> {
        self.0.gate.engine().watch_generation()
    }

    /// The one decision: may this be done to that? Refusals of what exists are audited.
    pub async fn open<O: Object, P: Purpose<O>>(&self, at: impl Locates<O>, _purpose: P) -> Result<Granted<O, P>, Refusal> {
        let generation = self.0.gate.engine().generation();
        let at = at.locate(self).await?;
        let node = O::node(&at);
        let rights = self.rights_of(node)?;
        if let Err(refusal) = crate::granted::verdict::<O, P>(rights) {
            let subject = format!("{} {}", P::NAME, node.subject());
            self.audit("open", &subject, Outcome::Refused, &format!("held {rights}, needs {}", P::NEEDS)).await;
            return Err(refusal);
        }
        Ok(Granted::new(self.clone(), at, rights, generation))
    }

    /// LSUB's list: mailbox names in UTF-8 with `/` between the levels.
    pub fn subscriptions(&self) -> Vec<String> {
        self.0.gate.engine().account(self.0.account).map(|a| a.subscriptions.clone()).unwrap_or_default()
    }

    /// Put a name on LSUB's list or take it off. RFC 3501 section 6.3.6: it need not exist.
    pub async fn subscribe(&self, mailbox: &str, on: bool) -> Result<(), Refusal> {
        self.check().await?;
        if mailbox.len() > 1024 || (on && self.subscriptions().len() >= SUBSCRIPTIONS_MAX) {
            return Err(Refusal::Limit("subscriptions"));
        }
        let mut batch = Batch::new();
        batch.push(Change::Subscribe { account: self.0.account, mailbox: mailbox.to_owned(), subscribed: on });
        self.0.gate.engine().commit(batch).await?;
        Ok(())
    }

    pub(crate) fn gate(&self) -> &Gate {
        &self.0.gate
    }

    /// Rights in force on a node: computed once per collection and generation.
    pub(crate) fn rights_of(&self, node: &Node) -> Result<Rights, Refusal> {
        let mut standing = self.standing()?;
        // A credential for calendars opens no mail, whatever the rules say.
        if serves(self.0.via.service) != Some(node.area) {
            return Ok(Rights::NONE);
        }
        // What is only passed through can be listed, nothing more.
        if node.passage {
            return Ok(Rights::LOOKUP | Rights::READ);
        }
        let Ok(collection) = node.real() else { return Ok(Rights::NONE) };
        if let Some(rights) = standing.rights.get(&collection.id) {
            return Ok(*rights);
        }
        let own = collection.owner == self.0.account;
        let facts = Facts {
            profile: &standing.account.profile,
            zone: &standing.zone,
            strength: standing.strength,
            own,
            area: node.area,
            path: &node.inner_path,
            acl: if own { Rights::ALL } else { granted_by_acl(&self.0.gate, collection, self.0.account, &standing.account.profile) },
            scope: standing.app_password.rights,
        };
        let rights = octroi_policy::effective(&self.0.gate.policy(), &facts);
        standing.rights.insert(collection.id, rights);
        Ok(rights)
    }

    /// The standing, looked at again when rights moved or time passed.
    fn standing(&self) -> Result<MutexGuard<'_, Standing>, Refusal> {
        let gate = &self.0.gate;
        let mut standing = self.0.standing.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let generation = gate.engine().generation();
        if standing.generation == generation && standing.looked.elapsed() < STANDING_HOLDS {
            return Ok(standing);
        }
        let account = gate.engine().account(self.0.account).ok_or(Refusal::Ended)?;
        let app_password = gate.engine().app_password(&self.0.public_id).filter(|a| a.account == account.id).ok_or(Refusal::Ended)?;
        let policy = gate.policy();
        let evidence = gate.evidence(&policy, &account, &app_password, &self.0.via);
        let Admission::Open(strength) = octroi_policy::admit(&policy, &account.profile, &evidence) else {
            return Err(Refusal::Ended);
        };
        let zone = policy.zone_of(self.0.via.peer).to_owned();
        *standing = Standing { generation, looked: Instant::now(), strength, zone, account, app_password, rights: HashMap::new() };
        Ok(standing)
    }

    /// Profile of the account, as it stands.
    pub(crate) fn profile(&self) -> Result<String, Refusal> {
        Ok(self.standing()?.account.profile.clone())
    }

    pub(crate) async fn audit(&self, act: &str, subject: &str, outcome: Outcome, reason: &str) {
        let peer = self.0.via.peer.to_string();
        self.0.gate.audit(Line { account: Some(self.0.account), act, subject, peer: &peer, outcome, reason }).await;
    }
}

/// The one area that a service opens.
fn serves(service: Service) -> Option<Area> {
    match service {
        Service::Imap => Some(Area::Mail),
        Service::Caldav => Some(Area::Calendars),
        Service::Carddav => Some(Area::Contacts),
        Service::Files => Some(Area::Files),
        Service::Submission => None,
    }
}

/// What the nearest ACL up the tree grants an account.
pub(crate) fn granted_by_acl(gate: &Gate, collection: &Arc<Collection>, account: AccountId, profile: &str) -> Rights {
    let mut at = collection.clone();
    for _ in 0..ANCESTORS_MAX {
        if let Some(acl) = &at.acl {
            let names_us = |grantee: &Grantee| match grantee {
                Grantee::Account(id) => *id == account,
                Grantee::Profile(name) => name == profile,
                Grantee::Anyone => true,
            };
            return acl.iter().filter(|(grantee, _)| names_us(grantee)).fold(Rights::NONE, |sum, (_, rights)| sum | *rights);
        }
        match at.parent.and_then(|id| gate.engine().collection(id)) {
            Some(parent) => at = parent,
            None => break,
        }
    }
    Rights::NONE
}
