//! The gate itself: made once by the composition, cloned into every listener.
//!
//! It can log somebody in, open an envelope for the internet, and nothing else. What administers the server ([`crate::Admin`]) and what
//! empties the queue ([`crate::Queue`]) are handed out once, by [`Gate::open`], to the composition only.

use crate::addressing::same_domain;
use crate::admin::Admin;
use crate::errand::{Errands, Outbox, errands};
use crate::factors::Attempts;
use crate::kept::claims::Claims;
use crate::kept::versions::VersionPolicy;
use crate::key::DataKey;
use crate::live::Live;
use crate::publishing::Visits;
use crate::push::{Own, Pushes, Registering};
use crate::queue::Queue;
use crate::rates::Rates;
use crate::subscriptions::Subscribing;
use crate::throttle::Throttle;
use crate::waiting::Waiting;
use octroi_engine::{Batch, Change, Engine};
use octroi_model::{
    AccountId, Address, Collection, CollectionId, CollectionKind, Head, Language, ModSeq, Name, QuotaLimit, ScramKeys, UidValidity,
    UnixTime,
};
use octroi_policy::Policy;
use std::sync::{Arc, RwLock};
use std::time::Duration;
use webauthn_rs::Webauthn;

/// Owner of what belongs to nobody: the queue.
pub(crate) const SYSTEM: AccountId = AccountId(0);

/// Who runs this server.
#[derive(Debug, Clone)]
pub struct Organisation {
    /// For people.
    pub name: String,
    /// The host's name, as in the greeting and in trace headers.
    pub hostname: String,
    /// Domains whose mail is ours, in lower case.
    pub domains: Vec<String>,
    /// Who gets the mail for `postmaster` and `abuse` of our domains where no such account exists (RFC 5321 section 4.5.1, RFC 2142).
    pub postmaster: Option<Address>,
    /// Where the portal is, for refusals that send people there.
    pub portal_url: String,
}

/// Limits that the gate itself holds, and what a new account gets.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Recipients of one envelope.
    pub recipients_max: usize,
    /// Collections in one account's tree.
    pub collections_max: usize,
    /// App passwords of one account.
    pub app_passwords_max: usize,
    /// Scripts of one account.
    pub scripts_max: usize,
    /// Octets of one script.
    pub script_bytes_max: u64,
    /// Locks in all: they are held in memory.
    pub locks_max: usize,
    /// Locks of one account.
    pub locks_per_account_max: usize,
    /// Octets of what a client says of itself with a lock.
    pub lock_owner_bytes_max: usize,
    /// How long a lock binds for who does not say.
    pub lock_time: Duration,
    /// How long at most.
    pub lock_time_max: Duration,
    /// Properties of one document or collection that clients set; the store takes at most 64 of a collection.
    pub properties_max: usize,
    /// Octets of the name and the XML of one of them; the store takes at most 16 KiB of a collection's, and 8 KiB of a sharee's own.
    pub property_bytes_max: usize,
    /// Octets of all of one document or collection: they are held in memory while their collection is. The store takes at most 60 KiB.
    pub properties_bytes_max: usize,
    /// How many versions of documents are kept where no folder says otherwise.
    pub versions: VersionPolicy,
    /// Days for which the trash keeps what was removed; 0: there is none.
    pub trash_days: u32,
    /// Octets that one account's trash keeps; 0: as many as the quota allows.
    pub trash_bytes_max: u64,
    /// Uploads in parts that one account has under way.
    pub uploads_max: usize,
    /// People whom one change of a meeting is told to.
    pub attendees_max: usize,
    /// Messages that a scheduling inbox keeps; the oldest goes first.
    pub inbox_items_max: usize,
    /// Octets of attachments that go along with one mail about a meeting.
    pub mailed_attachments_bytes_max: u64,
    /// The same of all mails about one change.
    pub mailed_attachments_total_bytes_max: u64,
    /// Invitations and answers about shared calendars that others have put with one account; the store takes at most 100.
    pub sharing_notices_max: u32,
    /// After which an upload is given up that nothing is added to.
    pub upload_idle: Duration,
    /// Registrations for push: of one account at one collection, of one account, and of all; each collection that has one is listened to.
    pub push_per_collection_max: u32,
    /// See there.
    pub push_per_account_max: u32,
    /// See there.
    pub push_max: u32,
    /// Octets of the URL that push messages go to.
    pub push_endpoint_bytes_max: u32,
    /// Calendars of the web that one account has, and octets of the URL of one.
    pub subscriptions_max: usize,
    /// See there.
    pub subscription_url_bytes_max: usize,
    /// Secret links to calendars that one account has, and visits by one of them in a minute.
    pub published_max: usize,
    /// See there.
    pub published_visits_per_minute_max: u32,
    /// The quota that a new account gets.
    pub account_quota: Option<QuotaLimit>,
    /// In which a new account's mailboxes are named.
    pub language: Language,
    /// How long a log-in waits for its owner's confirmation in the portal.
    pub confirm_wait: Duration,
    /// Sessions of one account at the same time, over all protocols.
    pub sessions_per_account_max: usize,
    /// Log-ins of one account in a minute whose app password is right.
    pub log_ins_per_minute_max: u32,
    /// The program can send codes to numbers: a command or webhook is configured.
    pub sends_to_numbers: bool,
    /// The program has somebody learn from what people move into Junk and out of it.
    pub learns: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            recipients_max: crate::RECIPIENTS_MAX,
            collections_max: 10_000,
            app_passwords_max: 100,
            scripts_max: 32,
            script_bytes_max: 64 * 1024,
            locks_max: 10_000,
            locks_per_account_max: 1_000,
            lock_owner_bytes_max: 4096,
            lock_time: Duration::from_hours(1),
            lock_time_max: Duration::from_hours(24),
            properties_max: 64,
            property_bytes_max: 8 * 1024,
            properties_bytes_max: 16 * 1024,
            versions: VersionPolicy::default(),
            trash_days: 30,
            trash_bytes_max: 0,
            uploads_max: 32,
            attendees_max: 500,
            inbox_items_max: 1_000,
            mailed_attachments_bytes_max: 10 << 20,
            mailed_attachments_total_bytes_max: 50 << 20,
            sharing_notices_max: 50,
            upload_idle: Duration::from_hours(24),
            push_per_collection_max: 16,
            push_per_account_max: 500,
            push_max: 20_000,
            push_endpoint_bytes_max: 2048,
            subscriptions_max: 20,
            subscription_url_bytes_max: 2048,
            published_max: 20,
            published_visits_per_minute_max: 60,
            account_quota: None,
            language: Language::English,
            confirm_wait: Duration::from_secs(20),
            sessions_per_account_max: 200,
            log_ins_per_minute_max: 600,
            sends_to_numbers: false,
            learns: false,
        }
    }
}

pub(crate) struct Inner {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) policy: RwLock<Arc<Policy>>,
    pub(crate) organisation: Organisation,
    pub(crate) limits: Limits,
    pub(crate) key: DataKey,
    /// Looked at in place of keys that somebody does not have.
    pub(crate) decoy: ScramKeys,
    pub(crate) throttle: Throttle,
    pub(crate) recent: crate::recent::RecentMarks,
    pub(crate) attempts: Attempts,
    pub(crate) waiting: Waiting,
    pub(crate) claims: Claims,
    pub(crate) live: Arc<Live>,
    pub(crate) rates: Rates,
    /// Whose turn it is to change who has which address.
    pub(crate) addresses: tokio::sync::Mutex<()>,
    pub(crate) outbox: Outbox,
    pub(crate) registering: Registering,
    pub(crate) own: Own,
    pub(crate) subscribing: Subscribing,
    pub(crate) visits: Visits,
    pub(crate) passkeys: Option<Webauthn>,
    /// What knows calendar objects, if meetings are scheduled here.
    pub(crate) scheduling: std::sync::OnceLock<Arc<dyn crate::scheduling::SchedulingCodec>>,
    /// Sign-outs from everywhere so far, for portal sessions.
    pub(crate) sign_outs: std::sync::Mutex<std::collections::HashMap<AccountId, u64>>,
}

/// The only way to the data. Cheap to clone.
#[derive(Clone)]
pub struct Gate(pub(crate) Arc<Inner>);

/// What [`Gate::open`] hands to the composition.
pub struct Opened {
    /// For every listener.
    pub gate: Gate,
    /// For the admin socket only.
    pub admin: Admin,
    /// For the queue runner only.
    pub queue: Queue,
    /// For whoever brings notices and codes to people.
    pub errands: Errands,
    /// For whoever wakes programs.
    pub pushes: Pushes,
}

impl Gate {
    /// Put the gate before an engine.
    pub async fn open(
        engine: Arc<dyn Engine>,
        organisation: Organisation,
        policy: Policy,
        limits: Limits,
        key: DataKey,
    ) -> Result<Opened, crate::Refusal> {
        let queue = match engine.homes(SYSTEM).iter().find(|c| c.kind == CollectionKind::Queue) {
            Some(queue) => queue.id,
            None => create_queue(&*engine).await?,
        };
        let recent = crate::recent::RecentMarks::from_now_on(&*engine);
        let (outbox, errands) = errands();
        let (registering, begun) = Registering::new();
        let passkeys = crate::passkey::relying_party(&organisation.portal_url, &organisation.name);
        let decoy = crate::scram::decoy(&key).map_err(|error| {
            tracing::error!(%error, "no random bits");
            crate::Refusal::Unavailable
        })?;
        let inner = Inner {
            engine,
            policy: RwLock::new(Arc::new(policy)),
            organisation,
            limits,
            key,
            decoy,
            throttle: Throttle::default(),
            recent,
            attempts: Attempts::default(),
            waiting: Waiting::default(),
            claims: Claims::default(),
            live: Arc::default(),
            rates: Rates::default(),
            addresses: tokio::sync::Mutex::default(),
            outbox,
            registering,
            own: Own::default(),
            subscribing: Subscribing::default(),
            visits: Visits::default(),
            passkeys,
            scheduling: std::sync::OnceLock::new(),
            sign_outs: std::sync::Mutex::default(),
        };
        let gate = Self(Arc::new(inner));
        let pushes = Pushes::new(gate.clone(), begun);
        Ok(Opened { admin: Admin::new(gate.clone()), queue: Queue::new(gate.clone(), queue), gate, errands, pushes })
    }

    /// Who runs this server.
    pub fn organisation(&self) -> &Organisation {
        &self.0.organisation
    }

    /// Is mail for this domain ours?
    pub fn is_local_domain(&self, domain: &str) -> bool {
        self.0.organisation.domains.iter().any(|ours| same_domain(ours, domain))
    }

    /// Recipients of one envelope.
    pub fn recipients_max(&self) -> usize {
        self.0.limits.recipients_max
    }

    pub(crate) fn engine(&self) -> &dyn Engine {
        &*self.0.engine
    }

    pub(crate) fn policy(&self) -> Arc<Policy> {
        self.0.policy.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    pub(crate) fn replace_policy(&self, policy: Policy) {
        *self.0.policy.write().unwrap_or_else(std::sync::PoisonError::into_inner) = Arc::new(policy);
        self.0.engine.move_generation();
    }
}

async fn create_queue(engine: &dyn Engine) -> Result<CollectionId, crate::Refusal> {
    // The literal is a valid name.
    let name = Name::new("queue").expect("a plain word is a name");
    let collection = new_collection(engine, None, name, CollectionKind::Queue, SYSTEM);
    let id = collection.id;
    let mut batch = Batch::new();
    batch.push(Change::CreateCollection { collection, parent_head: None });
    engine.commit(batch).await?;
    Ok(id)
}

/// A collection that does not exist yet; the committer stamps what it must.
pub(crate) fn new_collection(
    engine: &dyn Engine,
    parent: Option<CollectionId>,
    name: Name,
    kind: CollectionKind,
    owner: AccountId,
) -> Collection {
    let id = engine.new_id();
    Collection {
        id: CollectionId(id),
        parent,
        name,
        kind,
        owner,
        // Ids are never reused and grow, so a mailbox made anew under an old name has a larger value. RFC 9051 section 2.3.1.1.
        uid_validity: UidValidity(id as u32),
        created: UnixTime::now(),
        special_use: None,
        acl: None,
        keywords: Vec::new(),
        properties: Vec::new(),
        bound: ModSeq(0),
        head: Head::default(),
    }
}
