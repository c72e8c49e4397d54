//! The rules: what a batch must meet to be committed, and what the committer writes into it.
//!
//! Called by the committer for one batch after the other. A stamped change says all that applying it needs.

use crate::body::Body;
use crate::change::{Batch, Change, Expect, Holding};
use crate::draft::{Draft, Edit, Facts, Stop};
use crate::interface::CommitError;
use crate::trail::Trail;
use octroi_model::{
    AccountId, AppPassword, Collection, CollectionId, CollectionKind, FlagEdit, Flags, Head, Item, KEYWORDS_MAX, ModSeq, Name, QuotaRoot,
    TotpState, Uid, UidSet, UidValidity, UnixTime,
};
use std::sync::Arc;

/// Live properties of a collection: they are held in memory for every collection.
const PROPERTIES_MAX: usize = 64;
/// Bytes of the name and value of one.
const PROPERTY_BYTES_MAX: usize = 16 * 1024;
/// Bytes of all of one collection.
const PROPERTIES_BYTES_MAX: usize = 64 * 1024;
/// Bytes of an item's own properties ([`Item::properties`]).
const ITEM_PROPERTIES_BYTES_MAX: usize = 65_536;
/// Owner of what belongs to nobody, such as the outbound queue.
const SYSTEM: AccountId = AccountId(0);

/// Judges and stamps batches.
#[derive(Debug)]
pub(crate) struct Stamper<'a> {
    pub(crate) draft: Draft<'a>,
    pub(crate) now: UnixTime,
}

impl<'a> Stamper<'a> {
    pub(crate) fn new(draft: Draft<'a>, now: UnixTime) -> Self {
        Self { draft, now }
    }

    /// Stamp a batch, laying it over the draft; nothing of it stays when it is refused. `generation` is the published one.
    pub(crate) fn stamp(&mut self, batch: &Batch, generation: u64) -> Result<Vec<Change>, Stop> {
        match self.stamp_all(batch, generation) {
            Ok(changes) => {
                self.draft.keep_batch();
                Ok(changes)
            }
            Err(stop) => {
                self.draft.drop_batch();
                Err(stop)
            }
        }
    }

    fn stamp_all(&mut self, batch: &Batch, generation: u64) -> Result<Vec<Change>, Stop> {
        for (at, expect) in batch.expects.iter().enumerate() {
            self.expect(at, expect, (generation, &batch.holding))?;
        }
        let mut stamped = Vec::with_capacity(batch.changes.len());
        for (change, body) in &batch.changes {
            let body = match body {
                // A number from another batch.
                Some(index) => Some(&**batch.bodies.get(*index).ok_or(CommitError::Gone)?),
                None => None,
            };
            self.draft.batch.generation_moves += u64::from(change.moves_rights());
            if let Holding::These(held) = &batch.holding {
                self.judge_locks(change, held)?;
            }
            stamped.push(self.change(change, body)?);
        }
        self.draft.judge_quotas()?;
        Ok(stamped)
    }

    fn expect(&self, at: usize, expect: &Expect, (generation, holding): (u64, &Holding)) -> Result<(), Stop> {
        let holds = match expect {
            Expect::Generation(granted) => {
                if *granted != generation + self.draft.generation_moves() {
                    return Err(CommitError::Stale.into());
                }
                true
            }
            Expect::Absent { collection, name } => {
                self.draft.collection(*collection)?;
                self.draft.child(*collection, name).is_none() && self.item_named(*collection, name)?.is_none()
            }
            Expect::Present { collection, name } => {
                self.draft.collection(*collection)?;
                self.item_named(*collection, name)?.is_some()
            }
            Expect::Content { collection, name, hash } => {
                self.draft.collection(*collection)?;
                self.item_named(*collection, name)?.is_some_and(|item| item.hash == *hash)
            }
            Expect::Unchanged { collection, uid, modseq } => {
                self.draft.collection(*collection)?;
                self.draft.item(*collection, *uid)?.is_some_and(|item| item.modseq <= *modseq)
            }
            Expect::UnchangedSince { collection, uids, modseq } => {
                self.draft.collection(*collection)?;
                self.draft.items(*collection, uids)?.iter().all(|item| item.modseq <= *modseq)
            }
            Expect::Still { collection, modseq } => self.draft.head(*collection)?.modseq == *modseq,
            Expect::Factors { account, version } => self.draft.factors_version(*account) == *version,
            Expect::Locked(id) => self.draft.lock(*id).is_some_and(|lock| lock.stands(self.now)),
            Expect::Unlocked(collection) => match holding {
                Holding::These(held) => self.judge_content((*collection, None), held).map(|()| true)?,
                Holding::All => true,
            },
            Expect::Empty { collection } => self.draft.head(*collection)?.items == 0 && !self.draft.has_children(*collection),
        };
        if holds { Ok(()) } else { Err(CommitError::Expectation(at).into()) }
    }

    fn change(&mut self, change: &Change, body: Option<&Body>) -> Result<Change, Stop> {
        match change {
            Change::CreateCollection { collection, .. } => self.create_collection(collection),
            Change::RenameCollection { collection, parent, name, .. } => self.rename_collection(*collection, *parent, name),
            Change::RemoveCollection { collection, .. } => self.remove_collection(*collection),
            Change::SetAcl { collection, .. } | Change::SetSpecialUse { collection, .. } => {
                self.draft.collection(*collection)?;
                Ok(change.clone())
            }
            Change::SetProperty { collection, name, value, .. } => self.set_property(*collection, name, value.as_ref()),
            Change::AddKeyword { collection, keyword } => self.add_keyword(*collection, keyword, change),
            Change::Put { collection, item, .. } => self.put(*collection, item, body),
            Change::Flag { collection, uids, edit, .. } => self.flag(*collection, uids, *edit),
            Change::Expunge { collection, uids, .. } => self.expunge(*collection, uids),
            _ => self.account_change(change),
        }
    }

    fn create_collection(&mut self, asked: &Collection) -> Result<Change, Stop> {
        if self.draft.collection(asked.id).is_ok() {
            return Err(CommitError::Exists.into());
        }
        if asked.owner != SYSTEM {
            self.draft.account(asked.owner)?;
        }
        let mut collection = asked.clone();
        collection.head = Head { uid_next: Uid(1), modseq: ModSeq(1), ..Head::default() };
        if collection.uid_validity == UidValidity(0) {
            // RFC 9051 section 2.3.1.1: never 0, and larger for a mailbox made anew under an old name; ids only grow.
            collection.uid_validity = UidValidity((collection.id.0 as u32).max(1));
        }
        let mut parent_head = None;
        if let Some(parent) = collection.parent {
            self.check_free(parent, &collection.name)?;
            let head = self.bump(parent)?;
            collection.bound = head.modseq;
            parent_head = Some(head);
            self.draft.batch.children.insert((parent, collection.name.clone()), Some(collection.id));
        } else {
            if self.draft.home(collection.owner, &collection.name).is_some() {
                return Err(CommitError::Exists.into());
            }
            collection.bound = ModSeq(1);
            self.draft.batch.homes.insert((collection.owner, collection.name.clone()), Some(collection.id));
        }
        self.draft.batch.heads.insert(collection.id, collection.head);
        self.draft.batch.collections.insert(collection.id, Some(Arc::new(collection.clone())));
        self.draft.reshape();
        Ok(Change::CreateCollection { collection, parent_head })
    }

    fn rename_collection(&mut self, id: CollectionId, parent: CollectionId, name: &Name) -> Result<Change, Stop> {
        let old = self.draft.collection(id)?.clone();
        // The top of somebody's tree stays where it is.
        let old_parent = old.parent.ok_or(CommitError::NotEmpty)?;
        let mut above = Some(parent);
        while let Some(at) = above {
            if at == id {
                return Err(CommitError::NotEmpty.into());
            }
            above = self.draft.collection(at)?.parent;
        }
        if (old_parent, &old.name) != (parent, name) {
            self.check_free(parent, name)?;
        }
        self.draft.unlock_tree(id)?;
        let roots = self.draft.roots_above(id)?;
        let old_parent_head = self.bump(old_parent)?;
        let new_parent_head = if parent == old_parent { old_parent_head } else { self.bump(parent)? };
        self.draft.batch.children.insert((old_parent, old.name.clone()), None);
        self.draft.batch.children.insert((parent, name.clone()), Some(id));
        let new = Collection { parent: Some(parent), name: name.clone(), bound: new_parent_head.modseq, ..(*old).clone() };
        self.draft.batch.collections.insert(id, Some(Arc::new(new)));
        self.draft.reshape();
        self.draft.count_moved(id, &roots)?;
        Ok(Change::RenameCollection { collection: id, parent, name: name.clone(), old_parent_head, new_parent_head })
    }

    fn remove_collection(&mut self, id: CollectionId) -> Result<Change, Stop> {
        let old = self.draft.collection(id)?.clone();
        if self.draft.has_children(id) {
            return Err(CommitError::NotEmpty.into());
        }
        self.draft.unlock_at(id, |_| true);
        self.draft.count(id, self.draft.head(id)?, Head::default())?;
        self.draft.forget_quota(QuotaRoot::Collection(id));
        let mut parent_head = None;
        if let Some(parent) = old.parent {
            self.draft.batch.children.insert((parent, old.name.clone()), None);
            parent_head = Some(self.bump(parent)?);
        } else {
            self.draft.batch.homes.insert((old.owner, old.name.clone()), None);
        }
        self.draft.batch.collections.insert(id, None);
        Ok(Change::RemoveCollection { collection: id, parent_head })
    }

    fn set_property(&mut self, id: CollectionId, name: &Arc<str>, value: Option<&Arc<str>>) -> Result<Change, Stop> {
        let mut collection = (**self.draft.collection(id)?).clone();
        collection.properties.retain(|(n, _)| n != name);
        if let Some(value) = value {
            let bytes = name.len() + value.len();
            let all: usize = bytes + collection.properties.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>();
            if collection.properties.len() >= PROPERTIES_MAX || bytes > PROPERTY_BYTES_MAX || all > PROPERTIES_BYTES_MAX {
                return Err(CommitError::Full.into());
            }
            collection.properties.push((name.clone(), value.clone()));
        }
        self.draft.batch.collections.insert(id, Some(Arc::new(collection)));
        let head = self.bump(id)?;
        Ok(Change::SetProperty { collection: id, name: name.clone(), value: value.cloned(), head })
    }

    fn add_keyword(&mut self, id: CollectionId, keyword: &Arc<str>, change: &Change) -> Result<Change, Stop> {
        let collection = self.draft.collection(id)?;
        if !collection.keywords.iter().any(|k| k.eq_ignore_ascii_case(keyword)) {
            if collection.keywords.len() >= KEYWORDS_MAX {
                return Err(CommitError::Full.into());
            }
            let mut collection = (**collection).clone();
            collection.keywords.push(keyword.clone());
            self.draft.batch.collections.insert(id, Some(Arc::new(collection)));
        }
        Ok(change.clone())
    }

    fn put(&mut self, id: CollectionId, asked: &Item, body: Option<&Body>) -> Result<Change, Stop> {
        let mut item = asked.clone();
        if !self.holds_names(id)? {
            item.name = None;
        }
        if let Some(body) = body {
            item.content = body.content;
            item.hash = body.hash;
        }
        if item.properties.as_ref().is_some_and(|p| p.len() > ITEM_PROPERTIES_BYTES_MAX) {
            return Err(CommitError::Full.into());
        }
        let replaced = match &item.name {
            Some(name) if self.draft.child(id, name).is_some() => return Err(CommitError::Exists.into()),
            Some(name) => self.item_named(id, name)?,
            None => None,
        };
        let before = self.draft.head(id)?;
        let mut head = before;
        head.modseq = head.modseq.next();
        item.modseq = head.modseq;
        if let Some(old) = &replaced {
            item.uid = old.uid;
            item.saved = old.saved;
            count_out(&mut head, old.flags, old.bytes);
        } else {
            if head.uid_next == Uid(u32::MAX) || head.items == u32::MAX {
                return Err(CommitError::Full.into());
            }
            item.uid = head.uid_next;
            item.saved = self.now;
            head.uid_next = head.uid_next.next();
        }
        count_in(&mut head, item.flags, item.counted());
        self.draft.count(id, before, head)?;
        self.draft.batch.heads.insert(id, head);
        if let Some(name) = &item.name {
            self.draft.batch.names.insert((id, name.clone()), Some(item.uid));
        }
        self.draft.lay_item(id, item.clone());
        Ok(Change::Put { collection: id, item, head })
    }

    fn flag(&mut self, id: CollectionId, uids: &UidSet, edit: FlagEdit) -> Result<Change, Stop> {
        let mut head = self.draft.head(id)?;
        let moved: Vec<Facts> = self.draft.items(id, uids)?.into_iter().filter(|i| edit.apply(i.flags) != i.flags).collect();
        if !moved.is_empty() {
            head.modseq = head.modseq.next();
        }
        for item in &moved {
            let flags = edit.apply(item.flags);
            count_out(&mut head, item.flags, item.bytes);
            count_in(&mut head, flags, item.bytes);
        }
        self.draft.batch.heads.insert(id, head);
        let uids = UidSet::from_uids(moved.iter().map(|item| item.uid));
        if !moved.is_empty() {
            self.draft.lay_edit(id, Edit::Flags(uids.clone(), edit, head.modseq));
        }
        Ok(Change::Flag { collection: id, uids, edit, modseq: head.modseq, head })
    }

    fn expunge(&mut self, id: CollectionId, uids: &UidSet) -> Result<Change, Stop> {
        let before = self.draft.head(id)?;
        let mut head = before;
        let gone = self.draft.items(id, uids)?;
        if !gone.is_empty() {
            head.modseq = head.modseq.next();
        }
        for item in &gone {
            count_out(&mut head, item.flags, item.bytes);
            if let Some(name) = &item.name {
                self.draft.batch.names.insert((id, name.clone()), None);
            }
        }
        self.draft.count(id, before, head)?;
        self.draft.batch.heads.insert(id, head);
        let uids = UidSet::from_uids(gone.iter().map(|item| item.uid));
        self.draft.unlock_at(id, |lock| lock.root.item.as_ref().is_some_and(|item| uids.contains(item.uid)));
        if !gone.is_empty() {
            self.draft.lay_edit(id, Edit::Gone(uids.clone()));
        }
        Ok(Change::Expunge { collection: id, uids, modseq: head.modseq, head })
    }

    fn account_change(&mut self, change: &Change) -> Result<Change, Stop> {
        match change {
            Change::CreateAccount(account) => {
                let key = account.address.key();
                if self.draft.account(account.id).is_ok() || self.draft.account_by_key(&key).is_some() {
                    return Err(CommitError::Exists.into());
                }
                self.draft.batch.account_keys.insert(key, Some(account.id));
                self.draft.batch.accounts.insert(account.id, Some(Arc::new(account.clone())));
            }
            Change::RemoveAccount(id) => {
                let account = self.draft.account(*id)?.clone();
                if self.draft.owns_any(*id) {
                    return Err(CommitError::NotEmpty.into());
                }
                for app_password in self.draft.app_passwords_of(*id) {
                    self.drop_app_password(&app_password);
                }
                self.draft.batch.account_keys.insert(account.address.key(), None);
                self.draft.batch.accounts.insert(*id, None);
                self.draft.batch.factors.insert(*id, None);
                self.draft.unlock_of(*id);
                self.draft.forget_quota(QuotaRoot::Account(*id));
            }
            Change::SetQuota { root, limit } => {
                match root {
                    QuotaRoot::Account(id) => drop(self.draft.account(*id)?),
                    QuotaRoot::Collection(id) => drop(self.draft.collection(*id)?),
                }
                self.draft.set_quota(*root, *limit)?;
            }
            Change::SetPassword { account, .. } | Change::SetProfile { account, .. } | Change::Subscribe { account, .. } => {
                self.draft.account(*account)?;
            }
            Change::SetTotp { account, sealed_secret } => {
                let totp = sealed_secret.clone().map(|sealed_secret| TotpState { sealed_secret, last_step: 0 });
                self.set_totp(*account, totp)?;
            }
            Change::UseTotpStep { account, step } => {
                let mut totp = self.draft.account(*account)?.totp.clone().ok_or(CommitError::Gone)?;
                // RFC 6238 section 5.2: a code is accepted once.
                if *step <= totp.last_step {
                    return Err(CommitError::Replayed.into());
                }
                totp.last_step = *step;
                self.set_totp(*account, Some(totp))?;
            }
            Change::Mint(app_password) => self.mint(app_password)?,
            Change::Annotate { of, entries } => self.draft.annotate(*of, entries)?,
            Change::SetFactors { .. } | Change::Log(_) | Change::Audit(_) => return self.record_change(change),
            Change::Lock(_) | Change::RefreshLock { .. } | Change::Unlock(_) => return self.lock_change(change),
            Change::Revoke(id) => {
                let app_password = self.draft.app_password(*id)?.clone();
                self.drop_app_password(&app_password);
            }
            Change::Used { id, .. }
            | Change::Narrow { id, .. }
            | Change::KeepScram { id, .. }
            | Change::Unconfirm { app_password: id, .. } => {
                self.draft.app_password(*id)?;
            }
            Change::Confirm(confirmation) => {
                self.draft.app_password(confirmation.app_password)?;
            }
            _ => {}
        }
        Ok(change.clone())
    }

    /// Records beside accounts, and the audit trail.
    fn record_change(&mut self, change: &Change) -> Result<Change, Stop> {
        match change {
            Change::SetFactors { account, factors } => {
                self.draft.account(*account)?;
                self.draft.batch.factors.insert(*account, Some(Arc::new(factors.clone())));
                Ok(change.clone())
            }
            Change::Log(asked) => {
                let line = self.draft.trail().next(&asked.entry, &asked.via);
                self.draft.batch.trail = Some(Trail::at(&line));
                Ok(Change::Log(line))
            }
            // An unlinked line: from here on only in old journals.
            _ => Err(CommitError::Gone.into()),
        }
    }

    fn set_totp(&mut self, id: AccountId, totp: Option<TotpState>) -> Result<(), CommitError> {
        let mut account = (**self.draft.account(id)?).clone();
        account.totp = totp;
        self.draft.batch.accounts.insert(id, Some(Arc::new(account)));
        Ok(())
    }

    fn mint(&mut self, app_password: &AppPassword) -> Result<(), CommitError> {
        self.draft.account(app_password.account)?;
        if self.draft.app_password(app_password.id).is_ok() || self.draft.app_password_by_public_id(&app_password.public_id).is_some() {
            return Err(CommitError::Exists);
        }
        self.draft.batch.public_ids.insert(app_password.public_id.clone(), Some(app_password.id));
        self.draft.batch.app_passwords.insert(app_password.id, Some(Arc::new(app_password.clone())));
        Ok(())
    }

    fn drop_app_password(&mut self, app_password: &AppPassword) {
        self.draft.batch.public_ids.insert(app_password.public_id.clone(), None);
        self.draft.batch.app_passwords.insert(app_password.id, None);
    }

    /// A name that neither a child collection nor an item of `parent` has.
    fn check_free(&self, parent: CollectionId, name: &Name) -> Result<(), Stop> {
        self.draft.collection(parent)?;
        if self.draft.child(parent, name).is_some() || self.item_named(parent, name)?.is_some() {
            return Err(CommitError::Exists.into());
        }
        Ok(())
    }

    pub(crate) fn item_named(&self, id: CollectionId, name: &Name) -> Result<Option<Facts>, Stop> {
        if self.holds_names(id)? { self.draft.item_named(id, name) } else { Ok(None) }
    }

    /// Messages have no name, so a mailbox need not be loaded to look for one.
    fn holds_names(&self, id: CollectionId) -> Result<bool, CommitError> {
        Ok(!matches!(self.draft.collection(id)?.kind, CollectionKind::Mailbox | CollectionKind::MailHome))
    }

    /// Move a collection's modseq for something that is not an item.
    fn bump(&mut self, id: CollectionId) -> Result<Head, CommitError> {
        let mut head = self.draft.head(id)?;
        head.modseq = head.modseq.next();
        self.draft.batch.heads.insert(id, head);
        Ok(head)
    }
}

fn count_in(head: &mut Head, flags: Flags, bytes: u64) {
    head.items += 1;
    head.unseen += u32::from(!flags.contains(Flags::SEEN));
    head.deleted += u32::from(flags.contains(Flags::DELETED));
    head.bytes += bytes;
}

/// Saturates: a counter that damage made too small must not bring the server down; check reports it.
fn count_out(head: &mut Head, flags: Flags, bytes: u64) {
    head.items = head.items.saturating_sub(1);
    head.unseen = head.unseen.saturating_sub(u32::from(!flags.contains(Flags::SEEN)));
    head.deleted = head.deleted.saturating_sub(u32::from(flags.contains(Flags::DELETED)));
    head.bytes = head.bytes.saturating_sub(bytes);
}
