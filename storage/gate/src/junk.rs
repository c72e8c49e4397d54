//! Mail that is delivered but not believed: it goes to the Junk mailbox (RFC 6154 section 2) of each recipient instead of their INBOX.

use crate::envelope::{Envelope, Internet};
use crate::gate::Gate;
use crate::tree;
use octroi_model::{CollectionId, CollectionKind, SpecialUse};
use octroi_policy::Area;

impl Envelope<Internet> {
    /// Deliver to the Junk mailboxes of those who have one, and to the INBOX of the others.
    pub fn file_as_junk(&mut self) {
        self.refile(Gate::junk_beside);
    }
}

impl Gate {
    /// The Junk mailbox of the owner of an INBOX.
    fn junk_beside(&self, inbox: CollectionId) -> Option<CollectionId> {
        let owner = self.engine().collection(inbox)?.owner;
        let home = tree::home(self.engine(), owner, Area::Mail)?;
        let is_junk = |special_use| special_use == Some(SpecialUse::Junk);
        let children = self.engine().children(home.id);
        // It is at the top nearly always, and looking further takes time that grows with the tree.
        let top = children.into_iter().find(|mailbox| is_junk(mailbox.special_use));
        let junk = top.or_else(|| tree::subtree(self.engine(), &home).into_iter().find(|mailbox| is_junk(mailbox.special_use)))?;
        (junk.kind == CollectionKind::Mailbox).then_some(junk.id)
    }
}
