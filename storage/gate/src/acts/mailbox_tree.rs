//! Acts on the tree of mailboxes: CREATE, DELETE, RENAME.

use crate::gate::new_collection;
use crate::granted::{FoundPlace, Granted, Mailbox, NewMailbox};
use crate::purpose::{CreateMailbox, DeleteMailbox, RenameMailbox};
use crate::refusal::Refusal;
use crate::reserved::Deed;
use crate::tree;
use octroi_engine::{Batch, Change};
use octroi_model::{Collection, CollectionId, CollectionKind, Head, Item, ModSeq, Rights, SpecialUse, Uid, UidSet};

impl Granted<NewMailbox, CreateMailbox> {
    /// Make the mailbox, and those above it that are missing (RFC 9051 section 6.3.4). Returns which collection it is. What a mailbox is
    /// to its owner is not for others to say: a special use is refused them as unsupported.
    pub async fn create(&self, special_use: Option<SpecialUse>) -> Result<CollectionId, Refusal> {
        if special_use.is_some() && self.at.parent.owner != self.session.account() {
            return Err(Refusal::Unsupported);
        }
        let mut batch = Batch::new();
        let made = self.add_chain(&mut batch, self.at.names.len(), special_use)?;
        self.commit(batch).await?;
        Ok(made)
    }

    /// Where it will be, as its owner names it.
    fn new_path(&self) -> String {
        self.at.names.iter().fold(self.at.parent.inner_path.clone(), |path, name| tree::joined(&path, name))
    }

    /// Append the making of the first `count` missing mailboxes to a batch; returns the last one's id, or the parent's when there is none.
    fn add_chain(&self, batch: &mut Batch, count: usize, special_use: Option<SpecialUse>) -> Result<CollectionId, Refusal> {
        let FoundPlace { parent, names } = &self.at;
        let top = parent.real()?;
        let engine = self.engine();
        let home = tree::home(engine, top.owner, parent.area).ok_or(Refusal::Missing)?;
        if tree::subtree(engine, &home).len() + count > self.session.gate().0.limits.collections_max {
            return Err(Refusal::Limit("mailboxes of one account"));
        }
        let mut above = top.id;
        for (at, name) in names[..count].iter().enumerate() {
            let mut collection = new_collection(engine, Some(above), name.clone(), CollectionKind::Mailbox, top.owner);
            if at + 1 == names.len() {
                collection.special_use = special_use;
            }
            above = collection.id;
            batch.push(Change::CreateCollection { collection, parent_head: None });
        }
        Ok(above)
    }
}

impl Granted<Mailbox, DeleteMailbox> {
    /// Remove the mailbox with its messages. One that has mailboxes below it is refused, and so is INBOX (RFC 9051 section 6.3.5).
    pub async fn delete(&self) -> Result<(), Refusal> {
        let collection = self.collection()?;
        if is_inbox(self.engine(), &collection) {
            return Err(Refusal::Forbidden(Rights::DELETE_COLLECTION));
        }
        if !self.engine().children(collection.id).is_empty() {
            return Err(Refusal::NotEmpty);
        }
        let mut batch = Batch::new();
        batch.push(Change::RemoveCollection { collection: collection.id, parent_head: None });
        self.commit(batch).await?;
        Ok(())
    }
}

impl Granted<Mailbox, RenameMailbox> {
    /// Give the mailbox another name or place; those below it move along. Of INBOX only the messages move (RFC 9051 section 6.3.6).
    pub async fn rename(&self, to: &Granted<NewMailbox, CreateMailbox>) -> Result<(), Refusal> {
        let collection = self.collection()?;
        let place = &to.at;
        let parent = place.parent.real()?;
        if parent.owner != collection.owner || tree::is_within(self.engine(), parent.id, collection.id) {
            return Err(Refusal::Unsupported);
        }
        if is_inbox(self.engine(), &collection) {
            return self.move_inbox(&collection, to).await;
        }
        let (name, above) = place.names.split_last().ok_or(Refusal::Missing)?;
        let mut batch = Batch::new();
        let parent = to.add_chain(&mut batch, above.len(), None)?;
        batch.push(Change::RenameCollection {
            collection: collection.id,
            parent,
            name: name.clone(),
            old_parent_head: Head::default(),
            new_parent_head: Head::default(),
        });
        let deeds = tree::arriving(self.engine(), place.parent.area, &to.new_path(), &collection);
        self.commit_both(to, batch, &deeds).await
    }

    async fn move_inbox(&self, inbox: &Collection, to: &Granted<NewMailbox, CreateMailbox>) -> Result<(), Refusal> {
        // Taking every message away is expunging them.
        if !self.rights().contains(Rights::READ | Rights::EXPUNGE | Rights::DELETE_ITEMS) {
            return Err(Refusal::Forbidden((Rights::READ | Rights::EXPUNGE | Rights::DELETE_ITEMS).without(self.rights())));
        }
        let view = self.engine().view(inbox.id).await?;
        let mut batch = Batch::new();
        let target = to.add_chain(&mut batch, to.at.names.len(), None)?;
        for keyword in view.keywords() {
            batch.push(Change::AddKeyword { collection: target, keyword: keyword.clone() });
        }
        for item in view.items() {
            let moved = Item { uid: Uid(0), modseq: ModSeq(0), ..item.clone() };
            batch.push(Change::Put { collection: target, item: moved, head: Head::default() });
        }
        let going = UidSet::from_uids(view.items().map(|item| item.uid));
        batch.push(Change::Expunge { collection: inbox.id, uids: going, modseq: ModSeq(0), head: Head::default() });
        let keywords = view.keywords().iter().map(ToString::to_string);
        let hashes = view.items().map(|item| item.hash);
        let deed = Deed::at(to.at.parent.area, to.new_path(), true).keywords(keywords).about(hashes);
        self.commit_both(to, batch, &[deed]).await
    }

    async fn commit_both(&self, to: &Granted<NewMailbox, CreateMailbox>, batch: Batch, deeds: &[Deed]) -> Result<(), Refusal> {
        let renew = || {
            to.renew()?;
            self.renew()
        };
        self.session.commit_deeds(self.engine(), batch, deeds, renew).await?;
        Ok(())
    }
}

fn is_inbox(engine: &dyn octroi_engine::Engine, collection: &Collection) -> bool {
    let at_top = collection.parent.and_then(|p| engine.collection(p)).is_some_and(|p| p.kind == CollectionKind::MailHome);
    at_top && collection.name.as_str() == "INBOX"
}
