//! Putting messages that were kept elsewhere into somebody's mailboxes, many in one commit.
//!
//! Called by the administrator's import only. It adds, and reads nobody's mail: of what is there already it looks at the hashes, to tell
//! what an import that was interrupted has done.

use crate::acts::mailbox::{Draft, KEYWORD_BYTES_MAX, known_keywords, message};
use crate::admin::Admin;
use crate::content::Upload;
use crate::gate::{Gate, new_collection};
use crate::refusal::Refusal;
use crate::tree;
use octroi_engine::{Batch, Change};
use octroi_model::{Account, Address, Collection, CollectionId, CollectionKind, Flags, Hash, Item, KEYWORDS_MAX, Name, Path, SpecialUse};
use octroi_policy::Area;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// What becomes of a message whose octets are in the mailbox already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Present {
    /// It is added once more.
    AddAgain,
    /// It is left out, as often as it is there: so a second run adds just what the first one did not.
    LeaveOut,
}

/// A mailbox that is being filled.
pub struct Import {
    gate: Gate,
    mailbox: CollectionId,
    /// How often each content was in the mailbox at the beginning and was not met again since; `None` for [`Present::AddAgain`].
    there: Option<HashMap<Hash, u32>>,
    subject: String,
    added: u64,
}

/// What one call added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Imported {
    /// Messages that are on disk now.
    pub added: u64,
    /// Messages that were there already and left out.
    pub present: u64,
    /// Keywords that found no room in the mailbox's table or are not valid: the messages came without them.
    pub keywords_lost: u64,
}

impl Admin {
    /// Open a mailbox for an import; it is made, with those above it, and subscribed to when it is not there. When there is none with the
    /// first name of `into`, the account's mailbox for `special_use` takes its place.
    pub async fn import(&self, owner: &Address, into: &Path, special_use: Option<SpecialUse>, present: Present) -> Result<Import, Refusal> {
        let account = self.account(owner)?;
        let mailbox = match self.mailbox(&account, into, special_use)? {
            Ok(found) => found,
            Err((above, missing)) => self.make_mailboxes(&account, &above, missing).await?,
        };
        let there = match present {
            Present::AddAgain => None,
            Present::LeaveOut => Some(self.contents(mailbox).await?),
        };
        Ok(Import { gate: self.gate.clone(), mailbox, there, subject: format!("{owner} {}", into.join("/")), added: 0 })
    }

    /// Take a message of an import in pieces, when it is too large to be held.
    pub async fn upload(&self) -> Result<Upload, Refusal> {
        Upload::begin(&self.gate).await
    }

    /// The mailbox, or the last one above it that is there and the names below that.
    #[allow(clippy::type_complexity)]
    fn mailbox<'a>(
        &self,
        account: &Account,
        into: &'a Path,
        special_use: Option<SpecialUse>,
    ) -> Result<Result<CollectionId, (Arc<Collection>, &'a [Name])>, Refusal> {
        let engine = self.gate.engine();
        let mut at = tree::home(engine, account.id, Area::Mail).ok_or(Refusal::Missing)?;
        // The home holds no messages.
        if into.names().is_empty() {
            return Err(Refusal::Missing);
        }
        for (depth, name) in into.names().iter().enumerate() {
            let special = || engine.children(at.id).into_iter().find(|c| special_use.is_some() && c.special_use == special_use);
            match tree::child(engine, &at, name).or_else(|| special().filter(|_| depth == 0)) {
                Some(below) => at = below,
                None => return Ok(Err((at, &into.names()[depth..]))),
            }
        }
        Ok(Ok(at.id))
    }

    async fn make_mailboxes(&self, account: &Account, above: &Arc<Collection>, missing: &[Name]) -> Result<CollectionId, Refusal> {
        let engine = self.gate.engine();
        let home = tree::home(engine, account.id, Area::Mail).ok_or(Refusal::Missing)?;
        if tree::subtree(engine, &home).len() + missing.len() > self.gate.0.limits.collections_max {
            return Err(Refusal::Limit("mailboxes of one account"));
        }
        let mut batch = Batch::new();
        let (mut parent, mut subscribed) = (above.id, self.name_of(above));
        for name in missing {
            let collection = new_collection(engine, Some(parent), name.clone(), CollectionKind::Mailbox, account.id);
            parent = collection.id;
            batch.push(Change::CreateCollection { collection, parent_head: None });
            subscribed.push(name.to_string());
            // Most programs show only what is subscribed to.
            batch.push(Change::Subscribe { account: account.id, mailbox: subscribed.join("/"), subscribed: true });
        }
        engine.commit(batch).await?;
        Ok(parent)
    }

    /// The names from the home down to a mailbox.
    fn name_of(&self, mailbox: &Arc<Collection>) -> Vec<String> {
        let mut names = Vec::new();
        let mut at = Some(mailbox.clone());
        while let Some(collection) = at.filter(|c| c.kind == CollectionKind::Mailbox) {
            names.insert(0, collection.name.to_string());
            at = collection.parent.and_then(|parent| self.gate.engine().collection(parent));
        }
        names
    }

    async fn contents(&self, mailbox: CollectionId) -> Result<HashMap<Hash, u32>, Refusal> {
        let view = self.gate.engine().view(mailbox).await?;
        let mut there = HashMap::with_capacity(view.len());
        for item in view.items() {
            *there.entry(item.hash).or_insert(0) += 1;
        }
        Ok(there)
    }
}

impl Import {
    /// Add messages in one commit: all or none of them. On disk when this returns.
    pub async fn append(&mut self, drafts: Vec<Draft>) -> Result<Imported, Refusal> {
        let mut done = Imported::default();
        let given = drafts.len() as u64;
        let drafts: Vec<Draft> = drafts.into_iter().filter(|draft| !self.is_there(draft)).collect();
        done.present = given - drafts.len() as u64;
        if drafts.is_empty() {
            return Ok(done);
        }
        self.make_keywords(&drafts).await?;
        let mailbox = self.gate.engine().collection(self.mailbox).ok_or(Refusal::Missing)?;
        let mut batch = Batch::new();
        for draft in drafts {
            let keywords: Vec<&str> = draft.keywords.iter().map(String::as_str).collect();
            let known = keywords.iter().map(|keyword| known_keywords(&mailbox, &[keyword]));
            let mut flags = draft.flags;
            for bits in known {
                flags = flags | bits;
                done.keywords_lost += u64::from(bits == Flags::NONE);
            }
            let body = batch.body(draft.content.body);
            batch.put(self.mailbox, Item { flags, ..message(draft.date) }, body);
            done.added += 1;
        }
        self.gate.engine().commit(batch).await?;
        self.added += done.added;
        Ok(done)
    }

    /// Leave a line in the audit trail.
    pub async fn finish(self, admin: &Admin) {
        admin.note("import", &self.subject, &format!("{} messages", self.added)).await;
    }

    fn is_there(&mut self, draft: &Draft) -> bool {
        let Some(count) = self.there.as_mut().and_then(|there| there.get_mut(&draft.content.body.hash())) else { return false };
        let found = *count > 0;
        *count = count.saturating_sub(1);
        found
    }

    /// Give each new keyword a bit, as far as the mailbox's table goes: a message without one of its keywords is better than none.
    async fn make_keywords(&self, drafts: &[Draft]) -> Result<(), Refusal> {
        let mailbox = self.gate.engine().collection(self.mailbox).ok_or(Refusal::Missing)?;
        let wanted: BTreeSet<&str> = drafts.iter().flat_map(|draft| draft.keywords.iter().map(String::as_str)).collect();
        let is_valid = |k: &&str| !k.is_empty() && k.len() <= KEYWORD_BYTES_MAX && k.chars().all(|c| c.is_ascii_graphic());
        let new = wanted.into_iter().filter(is_valid).filter(|keyword| known_keywords(&mailbox, &[keyword]) == Flags::NONE);
        let mut batch = Batch::new();
        for keyword in new.take(KEYWORDS_MAX.saturating_sub(mailbox.keywords.len())) {
            batch.push(Change::AddKeyword { collection: self.mailbox, keyword: Arc::from(keyword) });
        }
        if !batch.is_empty() {
            self.gate.engine().commit(batch).await?;
        }
        Ok(())
    }
}
