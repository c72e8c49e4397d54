//! A session: an open log-in on one protocol. It holds no data, only the way to ask for grants.
//!
//! Held by a connection (and cached for a minute by HTTP). Whether it still stands is asked before each command ([`Session::check`]):
//! a revoked credential, a changed profile or a lapsed confirmation ends it there, and [`Session::ended`] wakes who is idle.

use crate::acts::locking::Held;
use crate::acts::sharing::in_force;
use crate::audit::Line;
use crate::channel::Channel;
use crate::filters::Warrant;
use crate::gate::Gate;
use crate::granted::{Granted, Locates, Object};
use crate::live::Place;
use crate::login::Credential;
use crate::narrowed::Folders;
use crate::portal::SignedIn;
use crate::purpose::Purpose;
use crate::push::Quiet;
use crate::refusal::Refusal;
use crate::tree::Node;
use octroi_engine::{Batch, Change};
use octroi_model::{AccountId, Address, Collection, CollectionId, Grantee, Outcome, Rights, Service, UnixTime};
use octroi_policy::{Admission, Area, Circumstances, Facts, Strength};
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
pub struct Session(pub(crate) Arc<Inner>, pub(crate) Held, pub(crate) Quiet);

pub(crate) struct Inner {
    pub(crate) gate: Gate,
    account: AccountId,
    address: Address,
    display_name: String,
    via: Channel,
    public_id: String,
    /// It stands on somebody being signed in to the portal, not on an app password.
    at_portal: Option<SignedIn>,
    place: Place,
    standing: Mutex<Standing>,
}

/// What was true when it was last looked at.
struct Standing {
    generation: u64,
    /// To be looked at again then, though nothing has moved.
    until: Instant,
    strength: Strength,
    zone: String,
    credential: Credential,
    folders: Folders,
    confirmed_at: Option<UnixTime>,
    rights: HashMap<CollectionId, Rights>,
}

pub(crate) struct Opening {
    pub(crate) credential: Credential,
    pub(crate) via: Channel,
    pub(crate) strength: Strength,
    pub(crate) at_portal: Option<SignedIn>,
    pub(crate) place: Place,
}

impl Inner {
    /// Visible id of the app password.
    pub(crate) fn public_id(&self) -> &str {
        &self.public_id
    }

    /// How it came.
    pub(crate) fn via(&self) -> &Channel {
        &self.via
    }
}

impl Session {
    pub(crate) fn new(gate: Gate, opening: Opening) -> Self {
        let Opening { credential, via, strength, at_portal, place } = opening;
        let zone = gate.policy().zone_of(&via.origin()).to_owned();
        // Generation 0 is never current, so the first check looks.
        let standing = Standing {
            generation: 0,
            until: Instant::now(),
            strength,
            zone,
            credential: credential.clone(),
            folders: Folders::default(),
            confirmed_at: None,
            rights: HashMap::new(),
        };
        Self(
            Arc::new(Inner {
                gate,
                account: credential.account.id,
                address: credential.account.address.clone(),
                display_name: credential.account.display_name.clone(),
                public_id: credential.app_password.public_id.clone(),
                via,
                at_portal,
                place,
                standing: Mutex::new(standing),
            }),
            Held::default(),
            Quiet::default(),
        )
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
        self.check_now()
    }

    pub(crate) fn check_now(&self) -> Result<(), Refusal> {
        self.standing().map(|_| ())
    }

    /// Resolves when the session no longer stands.
    pub async fn ended(&self) {
        let mut moves = self.0.gate.engine().watch_generation();
        while self.standing().is_ok() {
            // Time alone ends some sessions, so look now and then even when nothing moves.
            let until = self.lock().until.into();
            let _ = tokio::time::timeout_at(until, moves.changed()).await;
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
        let held = O::rights(&at, self, rights);
        if let Err(refusal) = crate::granted::verdict::<O, P>(held) {
            let subject = format!("{} {}", P::NAME, node.subject());
            self.audit("open", &subject, Outcome::Refused, &format!("held {rights}, needs {}", P::NEEDS)).await;
            return Err(refusal);
        }
        // Behind a veil that is all there is; who drops is told what the owner grants.
        let told = if node.area == Area::Calendars { held } else { rights };
        Ok(Granted::new(self.clone(), at, told, generation))
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
        // A credential for calendars opens no mail, whatever the rules say.
        if serves(self.0.via.service) != Some(node.area) {
            return self.check_now().map(|()| Rights::NONE);
        }
        self.rights_beyond(node)
    }

    /// The same, whichever area the service opens: for what a submission may do with somebody's INBOX.
    pub(crate) fn rights_beyond(&self, node: &Node) -> Result<Rights, Refusal> {
        let mut standing = self.standing()?;
        // What is only passed through can be listed, nothing more.
        if node.passage {
            return Ok(Rights::LOOKUP | Rights::READ);
        }
        let Ok(collection) = node.real() else { return Ok(Rights::NONE) };
        if let Some(rights) = standing.rights.get(&collection.id) {
            return Ok(*rights);
        }
        if collection.owner == crate::gate::SYSTEM {
            let scope = standing.folders.leave(standing.credential.app_password.rights, &node.subject());
            let rights = self.directory_rights(collection, &standing.credential.account.profile) & scope;
            standing.rights.insert(collection.id, rights);
            return Ok(rights);
        }
        let own = collection.owner == self.0.account;
        let profile = &standing.credential.account.profile;
        let facts = Facts {
            profile,
            zone: &standing.zone,
            strength: standing.strength,
            own,
            area: node.area,
            path: &node.inner_path,
            acl: if own { Rights::ALL } else { granted_by_acl(&self.0.gate, collection, self.0.account, profile) },
            scope: standing.folders.leave(standing.credential.app_password.rights, &node.subject()),
        };
        let rights = node.shelf.leaves(octroi_policy::effective(&self.0.gate.policy(), &facts), own);
        let rights = crate::subscriptions::leaves(collection, rights);
        standing.rights.insert(collection.id, rights);
        Ok(rights)
    }

    /// The standing, looked at again when rights moved or time passed.
    fn standing(&self) -> Result<MutexGuard<'_, Standing>, Refusal> {
        let gate = &self.0.gate;
        let mut standing = self.lock();
        let generation = gate.engine().generation();
        if standing.generation == generation && Instant::now() < standing.until {
            return Ok(standing);
        }
        if self.0.place.is_signed_out() {
            return Err(Refusal::Ended);
        }
        let policy = gate.policy();
        let credential = self.credential()?;
        let (evidence, admission) = match &self.0.at_portal {
            None => {
                let evidence = gate.evidence(&policy, &credential, &self.0.via);
                (evidence.clone(), octroi_policy::admit(&policy, &credential.account.profile, &evidence))
            }
            Some(signed_in) => signed_in.admission(gate, &policy, &credential, &self.0.via),
        };
        let Admission::Open { strength, until } = admission else { return Err(Refusal::Ended) };
        // Time alone makes a log-in weaker, at a moment that is known.
        let left = until.map_or(i64::MAX, |until| until.0 - evidence.now.0).clamp(1, STANDING_HOLDS.as_secs() as i64);
        let (zone, confirmed_at) = (evidence.zone.to_owned(), evidence.confirmed_at);
        let folders = Folders::of(&credential.narrowing);
        let until = Instant::now() + Duration::from_secs(left as u64);
        *standing = Standing { generation, until, strength, zone, credential, folders, confirmed_at, rights: HashMap::new() };
        Ok(standing)
    }

    /// What it stands on, as it is now.
    fn credential(&self) -> Result<Credential, Refusal> {
        let gate = &self.0.gate;
        if let Some(signed_in) = &self.0.at_portal {
            return signed_in.credential(gate, self.0.via.service);
        }
        let account = gate.engine().account(self.0.account).ok_or(Refusal::Ended)?;
        let app_password = gate.engine().app_password(&self.0.public_id).filter(|a| a.account == account.id).ok_or(Refusal::Ended)?;
        let narrowing = gate.engine().narrowing(app_password.id);
        Ok(Credential { account, app_password, narrowing })
    }

    fn lock(&self) -> MutexGuard<'_, Standing> {
        self.0.standing.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Who acts, from where and how surely, for what is decided beyond folders.
    pub(crate) fn with_circumstances<T>(&self, decide: impl FnOnce(&Circumstances<'_>) -> T) -> Result<T, Refusal> {
        let standing = self.standing()?;
        let second_factor_age = standing.confirmed_at.map(|at| UnixTime::now().0.saturating_sub(at.0));
        let Standing { zone, strength, credential, .. } = &*standing;
        Ok(decide(&Circumstances { profile: &credential.account.profile, zone, strength: *strength, second_factor_age }))
    }

    /// What may be done with this session, for what acts on its owner's behalf later.
    pub(crate) fn warrant(&self) -> Result<Warrant, Refusal> {
        let standing = self.standing()?;
        let Standing { zone, strength, credential, .. } = &*standing;
        Ok(Warrant {
            zone: zone.clone(),
            strength: strength.to_string(),
            rights: credential.app_password.rights,
            folders: credential.narrowing.folders.clone(),
            sends: credential.app_password.services.contains(Service::Submission),
        })
    }

    /// A mailbox in which nothing may be changed is to be opened as if it could be, for programs that give up on one that is read-only.
    pub fn is_mild_about_read_only(&self) -> bool {
        let policy = self.0.gate.policy();
        self.with_circumstances(|who| policy.profile(who.profile).is_some_and(octroi_policy::Profile::mild_read_only)).unwrap_or(false)
    }

    /// May something be done that is beyond folders? A refusal is audited by who asks.
    pub(crate) fn permits(&self, act: &octroi_policy::Act<'_>) -> Result<Result<(), octroi_policy::NotPermitted>, Refusal> {
        self.with_circumstances(|who| octroi_policy::permit(&self.0.gate.policy(), who, act))
    }

    /// A line for the audit trail about this session.
    pub(crate) fn line<'a>(&'a self, act: &'a str, subject: &'a str, peer: &'a str, outcome: Outcome, reason: &'a str) -> Line<'a> {
        let via = self.0.gate.audit_via(&self.0.public_id, &self.0.via);
        Line { account: Some(self.0.account), act, subject, peer, outcome, reason, via }
    }

    /// Does it come over a channel like this one?
    pub(crate) fn is_via(&self, via: &Channel) -> bool {
        self.0.via.peer == via.peer && self.0.via.certificate == via.certificate
    }

    pub(crate) fn peer(&self) -> std::net::IpAddr {
        self.0.via.peer
    }

    pub(crate) async fn audit(&self, act: &str, subject: &str, outcome: Outcome, reason: &str) {
        let peer = self.0.via.peer.to_string();
        self.0.gate.audit(self.line(act, subject, &peer, outcome, reason)).await;
    }
}

/// The one area that a service opens.
pub(crate) fn serves(service: Service) -> Option<Area> {
    match service {
        Service::Imap => Some(Area::Mail),
        Service::Caldav => Some(Area::Calendars),
        Service::Carddav => Some(Area::Contacts),
        Service::Files => Some(Area::Files),
        // Filters are nobody's to open but through their own acts (`filters`).
        Service::Submission | Service::Sieve => None,
    }
}

/// What the nearest ACL up the tree grants an account.
pub(crate) fn granted_by_acl(gate: &Gate, collection: &Arc<Collection>, account: AccountId, profile: &str) -> Rights {
    let (acl, _) = in_force(gate.engine(), collection);
    let ours = acl.iter().filter(|(grantee, _)| is_named(gate, grantee, account, profile));
    ours.fold(Rights::NONE, |sum, (_, rights)| sum | *rights)
}

/// Is an entry of an ACL for this account?
pub(crate) fn is_named(gate: &Gate, grantee: &Grantee, account: AccountId, profile: &str) -> bool {
    match grantee {
        Grantee::Account(id) => *id == account,
        Grantee::Profile(name) => name == profile,
        Grantee::Group(id) => gate.engine().group(*id).is_some_and(|group| group.members.contains(&account)),
        Grantee::Anyone => true,
    }
}
