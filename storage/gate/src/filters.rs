//! Filters: an account's Sieve scripts, several by name and at most one of them active.
//!
//! Called by ManageSieve, the portal and the administration; `filing` looks for the active one at delivery. A script is an item of the account's own
//! collection of [`CollectionKind::Scripts`], so it is durable, counted in the quota, backed up and compacted as everything is; the flag
//! `\Flagged` marks the active one, and `\Answered` one whose owner was told that it fails. What a script says is not looked at here.
//!
//! What always holds: a script acts for its owner when nobody is there, so beside it stands a [`Warrant`] of whoever put it and of whoever
//! made it active: from which zone, how surely, narrowed to what. It may do what both of them might do, by the rules of the moment, and
//! nothing that is a reserved action. Every change has its audit line in the commit that makes it.

use crate::admin::Admin;
use crate::audit::Line;
use crate::gate::{Gate, new_collection};
use crate::refusal::Refusal;
use crate::session::Session;
use octroi_engine::{Batch, Body, Change, CommitError, Engine, Expect, Part, View};
use octroi_model::{
    Account, AccountId, Address, AuditVia, Collection, CollectionId, CollectionKind, Flags, Head, Item, ModSeq, Name, Outcome, Rights,
    Service, UidSet, UnixTime,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Name of the limit on how many scripts an account has.
pub const SCRIPTS: &str = "scripts";
/// Name of the limit on how large one is.
pub const SCRIPT_BYTES: &str = "octets of a script";

/// Marks the active script.
pub(crate) const ACTIVE: Flags = Flags::FLAGGED;
/// Marks a script whose owner was told that it fails.
pub(crate) const TOLD: Flags = Flags::ANSWERED;
/// The name of the collection.
const HOME: &str = "sieve";
/// The name of the one beside it, in which stands who was answered.
const ANSWERED: &str = "answered";
/// How often a change is tried that somebody else's came before.
const TRIES_MAX: usize = 4;

/// A script of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptFacts {
    /// Its name.
    pub name: String,
    /// Octets.
    pub bytes: u64,
    /// It is the one that runs.
    pub active: bool,
}

/// What somebody might do who had a hand in a script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Warrant {
    pub(crate) zone: String,
    /// By its name.
    pub(crate) strength: String,
    /// What the credential was narrowed to.
    pub(crate) rights: Rights,
    pub(crate) folders: Vec<(String, Rights)>,
    /// The credential may be used to send.
    pub(crate) sends: bool,
}

/// What came of a script that was to come back.
pub(crate) enum Returned {
    /// It is there again.
    Added,
    /// It was there.
    Present,
    /// Another has its name.
    Taken,
    /// Something changed meanwhile.
    Moved,
}

/// Who changes scripts.
pub(crate) struct Hand<'a> {
    pub(crate) gate: &'a Gate,
    pub(crate) account: Arc<Account>,
    pub(crate) warrant: Warrant,
    /// For the audit trail.
    pub(crate) peer: String,
    pub(crate) via: AuditVia,
}

/// What is to change.
enum Wish<'w> {
    Put {
        home: CollectionId,
        name: Name,
        script: &'w [u8],
    },
    /// `None`: none is active.
    Activate(Option<&'w str>),
    Rename {
        from: &'w str,
        to: Name,
    },
    Delete(&'w str),
}

/// Scripts, as the owner's programs manage them.
impl Session {
    /// All by name.
    pub async fn scripts(&self) -> Result<Vec<ScriptFacts>, Refusal> {
        self.hand().await?.list().await
    }

    /// The octets of one.
    pub async fn script(&self, name: &str) -> Result<Vec<u8>, Refusal> {
        self.hand().await?.read(name).await
    }

    /// Would a script of so many octets be taken? The commit decides.
    pub async fn room_for_script(&self, name: &str, bytes: u64) -> Result<(), Refusal> {
        self.hand().await?.room(name, bytes).await
    }

    /// Keep a script, in the place of one of that name, which stays active if it was. On disk when this returns.
    pub async fn put_script(&self, name: &str, script: &[u8]) -> Result<(), Refusal> {
        self.hand().await?.put(name, script).await
    }

    /// Make one the script that runs, or (`None`) none.
    pub async fn activate_script(&self, name: Option<&str>) -> Result<(), Refusal> {
        self.hand().await?.activate(name).await
    }

    /// Give one another name; it stays active if it was.
    pub async fn rename_script(&self, from: &str, to: &str) -> Result<(), Refusal> {
        self.hand().await?.rename(from, to).await
    }

    /// Remove one that is not active ([`Refusal::Unsupported`] if it is; RFC 5804 section 2.10).
    pub async fn delete_script(&self, name: &str) -> Result<(), Refusal> {
        self.hand().await?.delete(name).await
    }

    async fn hand(&self) -> Result<Hand<'_>, Refusal> {
        self.check().await?;
        if self.service() != Service::Sieve {
            return Err(Refusal::Unsupported);
        }
        let account = self.gate().engine().account(self.account()).ok_or(Refusal::Ended)?;
        let peer = self.peer().to_string();
        let via = self.line("", "", "", Outcome::Done, "").via;
        Ok(Hand { gate: self.gate(), account, warrant: self.warrant()?, peer, via })
    }
}

/// Scripts, as the administration manages them on somebody's behalf: they may do what their owner may from this machine.
impl Admin {
    /// All by name.
    pub async fn scripts(&self, owner: &Address) -> Result<Vec<ScriptFacts>, Refusal> {
        self.hand(owner)?.list().await
    }

    /// The octets of one.
    pub async fn script(&self, owner: &Address, name: &str) -> Result<Vec<u8>, Refusal> {
        self.hand(owner)?.read(name).await
    }

    /// As [`Session::put_script`].
    pub async fn put_script(&self, owner: &Address, name: &str, script: &[u8]) -> Result<(), Refusal> {
        self.hand(owner)?.put(name, script).await
    }

    /// As [`Session::activate_script`].
    pub async fn activate_script(&self, owner: &Address, name: Option<&str>) -> Result<(), Refusal> {
        self.hand(owner)?.activate(name).await
    }

    /// As [`Session::delete_script`].
    pub async fn delete_script(&self, owner: &Address, name: &str) -> Result<(), Refusal> {
        self.hand(owner)?.delete(name).await
    }

    /// Keep a script as it was, under a name that is free, with those who had a hand in it. Active only if it was, that is wanted, and none is.
    pub(crate) async fn return_script(
        &self,
        account: &Arc<Account>,
        name: &Name,
        was: &Item,
        script: &[u8],
        may_be_active: bool,
    ) -> Result<Returned, Refusal> {
        let hand = self.hand(&account.address)?;
        let home = hand.make_home().await?;
        let view = hand.engine().view(home.id).await?;
        if let Some(there) = view.by_name(name) {
            return Ok(if there.hash == was.hash { Returned::Present } else { Returned::Taken });
        }
        hand.room(name.as_str(), script.len() as u64).await?;
        let is_active = may_be_active && was.flags.contains(ACTIVE) && !view.items().any(|item| item.flags.contains(ACTIVE));
        let mut batch = Batch::new();
        batch.expect(Expect::Absent { collection: home.id, name: name.clone() });
        let uids = UidSet::from_uids(view.items().map(|item| item.uid));
        batch.expect(Expect::UnchangedSince { collection: home.id, uids, modseq: home.head.modseq });
        let body = batch.body(Body::document(script));
        let (flags, properties) = (if is_active { ACTIVE } else { Flags::NONE }, was.properties.clone());
        let item = Item { name: Some(name.clone()), flags, properties, ..crate::acts::mailbox::message(UnixTime::now()) };
        batch.put(home.id, item, body);
        batch.push(hand.line("filter put", name.as_str(), "from a backup"));
        match hand.engine().commit(batch).await {
            Ok(_) => Ok(Returned::Added),
            Err(CommitError::Expectation(_)) => Ok(Returned::Moved),
            Err(other) => Err(other.into()),
        }
    }

    fn hand(&self, owner: &Address) -> Result<Hand<'_>, Refusal> {
        let account = self.account(owner)?;
        let warrant = Warrant {
            zone: self.gate.zone_named(std::net::Ipv4Addr::LOCALHOST.into()),
            strength: octroi_policy::Strength::Confirmed.to_string(),
            rights: Rights::ALL,
            folders: Vec::new(),
            sends: true,
        };
        Ok(Hand { gate: &self.gate, account, warrant, peer: "admin".to_owned(), via: AuditVia::default() })
    }
}

/// The collection that holds an account's scripts, if it ever had one.
pub(crate) fn home(engine: &dyn Engine, account: AccountId) -> Option<Arc<Collection>> {
    home_named(engine, account, HOME)
}

/// Is it one that holds scripts?
pub(crate) fn is_home(collection: &Collection) -> bool {
    collection.kind == CollectionKind::Scripts && collection.name.as_str() == HOME
}

fn home_named(engine: &dyn Engine, account: AccountId, name: &str) -> Option<Arc<Collection>> {
    engine.homes(account).into_iter().find(|collection| collection.kind == CollectionKind::Scripts && collection.name.as_str() == name)
}

/// The collection that holds who was answered.
pub(crate) fn answered(engine: &dyn Engine, account: AccountId) -> Option<Arc<Collection>> {
    home_named(engine, account, ANSWERED)
}

/// Who had a hand in a script; nobody if that cannot be read, and then it may nothing.
pub(crate) fn warrants(item: &Item) -> Vec<Warrant> {
    item.properties.as_deref().and_then(|octets| postcard::from_bytes(octets).ok()).unwrap_or_default()
}

impl Hand<'_> {
    fn engine(&self) -> &dyn Engine {
        self.gate.engine()
    }

    async fn view(&self) -> Result<Option<(Arc<Collection>, Arc<View>)>, Refusal> {
        let Some(home) = home(self.engine(), self.account.id) else { return Ok(None) };
        let view = self.engine().view(home.id).await?;
        Ok(Some((home, view)))
    }

    /// A script that is there.
    async fn find(&self, name: &str) -> Result<(Arc<Collection>, Arc<View>, Item), Refusal> {
        let name = Name::new(name).map_err(|_| Refusal::Missing)?;
        let (home, view) = self.view().await?.ok_or(Refusal::Missing)?;
        let item = view.by_name(&name).cloned().ok_or(Refusal::Missing)?;
        Ok((home, view, item))
    }

    pub(crate) async fn list(&self) -> Result<Vec<ScriptFacts>, Refusal> {
        let Some((_, view)) = self.view().await? else { return Ok(Vec::new()) };
        let facts = |item: &Item| {
            let name = item.name.as_ref()?.to_string();
            Some(ScriptFacts { name, bytes: item.bytes(), active: item.flags.contains(ACTIVE) })
        };
        let mut found: Vec<ScriptFacts> = view.items().filter_map(facts).collect();
        found.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(found)
    }

    pub(crate) async fn read(&self, name: &str) -> Result<Vec<u8>, Refusal> {
        let (_, _, item) = self.find(name).await?;
        read(self.engine(), &item).await
    }

    async fn room(&self, name: &str, bytes: u64) -> Result<(), Refusal> {
        let limits = &self.gate.0.limits;
        if bytes > limits.script_bytes_max {
            return Err(Refusal::Limit(SCRIPT_BYTES));
        }
        let name = Name::new(name).map_err(|_| Refusal::Precondition)?;
        let Some((home, view)) = self.view().await? else { return Ok(()) };
        if view.by_name(&name).is_none() && view.len() >= limits.scripts_max {
            return Err(Refusal::Limit(SCRIPTS));
        }
        if self.gate.has_room(home.id, bytes) { Ok(()) } else { Err(Refusal::OverQuota) }
    }

    pub(crate) async fn put(&self, name: &str, script: &[u8]) -> Result<(), Refusal> {
        self.room(name, script.len() as u64).await?;
        let name = Name::new(name).map_err(|_| Refusal::Precondition)?;
        let home = self.make_home().await?;
        self.commit(&Wish::Put { home: home.id, name, script }).await
    }

    pub(crate) async fn activate(&self, name: Option<&str>) -> Result<(), Refusal> {
        if let Some(name) = name {
            self.find(name).await?;
        }
        self.commit(&Wish::Activate(name)).await
    }

    async fn rename(&self, from: &str, to: &str) -> Result<(), Refusal> {
        let to = Name::new(to).map_err(|_| Refusal::Precondition)?;
        self.commit(&Wish::Rename { from, to }).await
    }

    pub(crate) async fn delete(&self, name: &str) -> Result<(), Refusal> {
        self.commit(&Wish::Delete(name)).await
    }

    /// What a wish comes to, with the scripts as they are.
    async fn batch(&self, wish: &Wish<'_>) -> Result<Batch, Refusal> {
        match wish {
            Wish::Put { home, name, script } => self.putting(*home, name, script).await,
            Wish::Activate(name) => self.activating(*name).await,
            Wish::Rename { from, to } => self.renaming(from, to).await,
            Wish::Delete(name) => self.deleting(name).await,
        }
    }

    async fn putting(&self, home: CollectionId, name: &Name, script: &[u8]) -> Result<Batch, Refusal> {
        let view = self.engine().view(home).await?;
        let mut batch = Batch::new();
        let mut flags = Flags::NONE;
        match view.by_name(name) {
            Some(old) => {
                flags = old.flags.and(ACTIVE);
                batch.expect(Expect::Unchanged { collection: home, uid: old.uid, modseq: old.modseq });
            }
            None => _ = batch.expect(Expect::Absent { collection: home, name: name.clone() }),
        }
        let body = batch.body(Body::document(script));
        let properties = Some(encode(std::slice::from_ref(&self.warrant))?);
        let item = Item { name: Some(name.clone()), flags, properties, ..crate::acts::mailbox::message(UnixTime::now()) };
        batch.put(home, item, body);
        batch.push(self.line("filter put", name.as_str(), &format!("{} octets", script.len())));
        Ok(batch)
    }

    async fn activating(&self, name: Option<&str>) -> Result<Batch, Refusal> {
        let mut batch = Batch::new();
        let Some((home, view)) = self.view().await? else { return Ok(batch) };
        let is_named = |item: &Item| name.is_some() && item.name.as_ref().map(Name::as_str) == name;
        for item in view.items().filter(|item| is_named(item) != item.flags.contains(ACTIVE)) {
            batch.expect(Expect::Unchanged { collection: home.id, uid: item.uid, modseq: item.modseq });
            let (flags, properties) = if is_named(item) {
                let mut warrants = warrants(item);
                // Whoever put it, and now this one; who had made it active before does not count any more.
                warrants.truncate(1);
                warrants.push(self.warrant.clone());
                ((item.flags | ACTIVE).without(TOLD), Some(encode(&warrants)?))
            } else {
                (item.flags.without(ACTIVE), item.properties.clone())
            };
            let item = Item { flags, properties, ..item.clone() };
            batch.push(Change::Put { collection: home.id, item, head: Head::default() });
        }
        if !batch.is_empty() {
            let act = if name.is_some() { "filter activate" } else { "filter deactivate" };
            batch.push(self.line(act, name.unwrap_or_default(), ""));
        }
        Ok(batch)
    }

    async fn renaming(&self, from: &str, to: &Name) -> Result<Batch, Refusal> {
        let (home, view, item) = self.find(from).await?;
        if view.by_name(to).is_some() {
            return Err(Refusal::Exists);
        }
        let mut batch = Batch::new();
        batch.expect(Expect::Unchanged { collection: home.id, uid: item.uid, modseq: item.modseq });
        batch.expect(Expect::Absent { collection: home.id, name: to.clone() });
        let uids = UidSet::from_uids([item.uid]);
        batch.push(Change::Expunge { collection: home.id, uids, modseq: ModSeq(0), head: Head::default() });
        let item = Item { name: Some(to.clone()), ..item };
        batch.push(Change::Put { collection: home.id, item, head: Head::default() });
        batch.push(self.line("filter rename", &format!("{from} to {to}"), ""));
        Ok(batch)
    }

    async fn deleting(&self, name: &str) -> Result<Batch, Refusal> {
        let (home, _, item) = self.find(name).await?;
        if item.flags.contains(ACTIVE) {
            return Err(Refusal::Unsupported);
        }
        let mut batch = Batch::new();
        batch.expect(Expect::Unchanged { collection: home.id, uid: item.uid, modseq: item.modseq });
        let uids = UidSet::from_uids([item.uid]);
        batch.push(Change::Expunge { collection: home.id, uids, modseq: ModSeq(0), head: Head::default() });
        batch.push(self.line("filter delete", name, ""));
        Ok(batch)
    }

    /// Commit what is made of the scripts as they are, as often as somebody else's change comes before.
    async fn commit(&self, wish: &Wish<'_>) -> Result<(), Refusal> {
        for _ in 0..TRIES_MAX {
            let batch = self.batch(wish).await?;
            if batch.is_empty() {
                return Ok(());
            }
            match self.engine().commit(batch).await {
                Err(CommitError::Expectation(_)) => {}
                other => return Ok(other.map(|_| ())?),
            }
        }
        Err(Refusal::Unavailable)
    }

    /// The collection, made with the one beside it when the account has none yet.
    async fn make_home(&self) -> Result<Arc<Collection>, Refusal> {
        for _ in 0..TRIES_MAX {
            if let Some(home) = home(self.engine(), self.account.id) {
                return Ok(home);
            }
            let name = |text| Name::new(text).map_err(|_| Refusal::Unavailable);
            let home = new_collection(self.engine(), None, name(HOME)?, CollectionKind::Scripts, self.account.id);
            let answered = new_collection(self.engine(), None, name(ANSWERED)?, CollectionKind::Scripts, self.account.id);
            let mut batch = Batch::new();
            batch.push(Change::CreateCollection { collection: home, parent_head: None });
            batch.push(Change::CreateCollection { collection: answered, parent_head: None });
            match self.engine().commit(batch).await {
                // Somebody was quicker.
                Ok(_) | Err(CommitError::Exists) => {}
                Err(other) => return Err(other.into()),
            }
        }
        Err(Refusal::Unavailable)
    }

    fn line(&self, act: &str, name: &str, reason: &str) -> Change {
        let subject = format!("{} {name}", self.account.address);
        let account = Some(self.account.id);
        Line { account, act, subject: &subject, peer: &self.peer, outcome: Outcome::Done, reason, via: self.via.clone() }.into_change()
    }
}

fn encode(warrants: &[Warrant]) -> Result<Arc<[u8]>, Refusal> {
    postcard::to_stdvec(warrants).map(Arc::from).map_err(|_| Refusal::Limit("warrants of a script"))
}

/// The octets of a script.
pub(crate) async fn read(engine: &dyn Engine, item: &Item) -> Result<Vec<u8>, Refusal> {
    let parts = engine.read(vec![(item.content, Part::Range { offset: 0, bytes: item.bytes() })]).await?;
    Ok(parts.into_iter().next().unwrap_or_default())
}
