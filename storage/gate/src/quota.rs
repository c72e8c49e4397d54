//! Quotas: set and listed by the administration, told to the owner, asked by envelopes.
//!
//! The engine counts and refuses; nothing here decides whether something fits but for the hints that are given before the octets come.

use crate::admin::Admin;
use crate::gate::Gate;
use crate::granted::{File, Folder, Granted, Mailbox};
use crate::purpose::{Append, Bind, Rewrite, Status};
use crate::refusal::Refusal;
use crate::session::{ANCESTORS_MAX, Session};
use crate::tree::SHARED;
use octroi_engine::{Batch, Change};
use octroi_model::{Address, Collection, CollectionId, Flags, Item, Path, Quota, QuotaLimit, QuotaRoot, Rights};
use octroi_policy::Area;

/// What RFC 4331 tells of a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FolderQuota {
    /// Octets that are there, in the whole tree that the limit is for.
    pub used: u64,
    /// Octets that may still come.
    pub available: u64,
}

/// A quota as the administration names it.
#[derive(Debug, Clone)]
pub struct QuotaLine {
    /// Whose.
    pub owner: Address,
    /// Of which collection and all below it; `None` for all that the account has.
    pub at: Option<(Area, Path)>,
    /// Limit and usage.
    pub quota: Quota,
}

impl Gate {
    /// Would a message of about so many octets fit there at the moment?
    pub(crate) fn has_room(&self, collection: CollectionId, bytes: u64) -> bool {
        self.engine().quotas_above(collection).iter().all(|quota| quota.has_room_for(bytes))
    }

    /// Area and path of a collection, as its owner names it.
    fn place(&self, collection: &Collection) -> Option<(Area, Path)> {
        let area = Area::of(collection.kind)?;
        let mut names = Vec::new();
        let (mut name, mut parent) = (collection.name.clone(), collection.parent);
        for _ in 0..ANCESTORS_MAX {
            // A home's own name is its area.
            let Some(id) = parent else { break };
            names.push(name);
            let above = self.engine().collection(id)?;
            (name, parent) = (above.name.clone(), above.parent);
        }
        names.reverse();
        Some((area, Path::from_names(names).ok()?))
    }
}

impl Granted<Folder, Bind> {
    /// Refuse a content by its announced size, before it comes. The commit decides.
    pub fn room_for(&self, bytes: u64) -> Result<(), Refusal> {
        let collection = self.node().real()?.id;
        if self.session.gate().has_room_among_documents(collection, bytes) { Ok(()) } else { Err(Refusal::OverQuota) }
    }
}

impl Granted<File, Rewrite> {
    /// As for what is new, but for the room that the old content gives back.
    pub fn room_for(&self, bytes: u64) -> Result<(), Refusal> {
        let more = bytes.saturating_sub(self.item().bytes());
        if self.session.gate().has_room_for_change(self.folder_id()?, more) { Ok(()) } else { Err(Refusal::OverQuota) }
    }
}

impl Granted<Mailbox, Append> {
    /// As for a folder.
    pub fn room_for(&self, bytes: u64) -> Result<(), Refusal> {
        if self.session.gate().has_room(self.collection_id(), bytes) { Ok(()) } else { Err(Refusal::OverQuota) }
    }
}

impl Granted<Mailbox, Status> {
    /// Octets of the messages with `\\Deleted`: what expunging would give back (RFC 9208 section 5.1).
    pub async fn deleted_bytes(&self) -> Result<u64, Refusal> {
        self.renew()?;
        let view = self.engine().view(self.collection_id()).await?;
        Ok(view.items().filter(|item| item.flags.contains(Flags::DELETED)).map(Item::bytes).sum())
    }
}

impl Session {
    /// The quotas that a mailbox counts for, or would if it were made, by their name; those of somebody else's are not told.
    pub fn mail_quotas(&self, mailbox: &Path) -> Result<Vec<(String, Quota)>, Refusal> {
        let names = mailbox.names();
        for length in (0..=names.len()).rev() {
            let prefix = Path::from_names(names[..length].to_vec()).map_err(|_| Refusal::Missing)?;
            let Some(node) = self.resolve(Area::Mail, &prefix) else { continue };
            let Ok(collection) = node.real() else { continue };
            if !self.rights_of(&node)?.contains(Rights::LOOKUP) && length > 0 {
                continue;
            }
            if length == 0 && names.first().is_some_and(|first| first.as_str() == SHARED) {
                break;
            }
            if collection.owner != self.account() {
                return Ok(Vec::new());
            }
            let quotas = self.gate().engine().quotas_above(collection.id).into_iter();
            return Ok(quotas.filter_map(|quota| Some((self.quota_name(&quota)?, quota))).collect());
        }
        Err(Refusal::Missing)
    }

    /// One of the session's own quotas on mail, by the name that [`Session::mail_quotas`] gives it.
    pub fn mail_quota(&self, name: &str) -> Result<Quota, Refusal> {
        let own = |quota: &Quota| match quota.root {
            QuotaRoot::Account(id) => id == self.account(),
            QuotaRoot::Collection(id) => self
                .gate()
                .engine()
                .collection(id)
                .is_some_and(|collection| collection.owner == self.account() && Area::of(collection.kind) == Some(Area::Mail)),
        };
        let mut quotas = self.gate().engine().quotas().into_iter();
        quotas.find(|quota| own(quota) && self.quota_name(quota).is_some_and(|known| known == name)).ok_or(Refusal::Missing)
    }

    /// As `octroi quota list` shows it: the address for all that the account has, else area and path.
    fn quota_name(&self, quota: &Quota) -> Option<String> {
        match quota.root {
            QuotaRoot::Account(_) => Some(self.address().to_string()),
            QuotaRoot::Collection(id) => {
                let (area, path) = self.gate().place(&*self.gate().engine().collection(id)?)?;
                Some(format!("{}/{}", area.name(), path.join("/")).trim_end_matches('/').to_owned())
            }
        }
    }

    /// Whoever may only look into a shared folder learns nothing of how much else its owner has.
    pub(crate) fn quota_of(&self, collection: &Collection) -> Option<FolderQuota> {
        if collection.owner != self.account() {
            return None;
        }
        let told = |quota: Quota| FolderQuota { used: quota.used.bytes, available: quota.limit.bytes.saturating_sub(quota.used.bytes) };
        self.gate().engine().quotas_above(collection.id).into_iter().map(told).min_by_key(|quota| quota.available)
    }
}

impl Admin {
    /// Limit an account, or a collection of it with all below; `None` for no limit. What is there already may be more.
    pub async fn set_quota(&self, owner: &Address, at: Option<(Area, &Path)>, limit: Option<QuotaLimit>) -> Result<(), Refusal> {
        let root = match at {
            None => QuotaRoot::Account(self.account(owner)?.id),
            Some((area, path)) => QuotaRoot::Collection(self.find(owner, area, path)?.id),
        };
        if limit.is_none() && !self.gate.engine().quotas().iter().any(|quota| quota.root == root) {
            return Err(Refusal::Missing);
        }
        let mut batch = Batch::new();
        batch.push(Change::SetQuota { root, limit });
        self.gate.engine().commit(batch).await?;
        let place = at.map_or_else(String::new, |(area, path)| format!(" {}/{}", area.name(), path.join("/")));
        let said = limit.map_or_else(|| "none".to_owned(), |limit| format!("{} octets, items {:?}", limit.bytes, limit.items));
        self.note("quota", &format!("{owner}{place}"), &said).await;
        Ok(())
    }

    /// The quotas that are set, by owner; of one account if it is named.
    pub fn quotas(&self, owner: Option<&Address>) -> Result<Vec<QuotaLine>, Refusal> {
        let only = owner.map(|owner| self.account(owner)).transpose()?.map(|account| account.id);
        let engine = self.gate.engine();
        let mut lines = Vec::new();
        for quota in engine.quotas() {
            // What goes meanwhile is left out.
            let (id, at) = match quota.root {
                QuotaRoot::Account(id) => (id, None),
                QuotaRoot::Collection(id) => {
                    let Some(collection) = engine.collection(id) else { continue };
                    let Some(place) = self.gate.place(&collection) else { continue };
                    (collection.owner, Some(place))
                }
            };
            let Some(account) = engine.account(id) else { continue };
            if only.is_none_or(|only| only == id) {
                lines.push(QuotaLine { owner: account.address.clone(), at, quota });
            }
        }
        lines.sort_by_key(|line| (line.owner.key(), line.at.as_ref().map(|(area, path)| format!("{}/{}", area.name(), path.join("/")))));
        Ok(lines)
    }
}
