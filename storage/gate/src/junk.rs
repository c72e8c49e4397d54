//! Junk (RFC 6154 section 2): mail that is delivered but not believed goes there instead of to the INBOX, and what people move there or take
//! out again teaches whoever judges mail.

use crate::envelope::{Envelope, Internet};
use crate::gate::Gate;
use crate::granted::{Granted, Mailbox};
use crate::purpose::Append;
use crate::tree;
use octroi_engine::View;
use octroi_model::{CollectionId, CollectionKind, SpecialUse, Uid};
use octroi_policy::Area;

impl Envelope<Internet> {
    /// Deliver to the Junk mailboxes of those who have one, and to the INBOX of the others.
    pub fn file_as_junk(&mut self) {
        self.refile(Gate::junk_beside);
    }
}

impl Granted<Mailbox, Append> {
    /// Who moves mail of their own into their Junk mailbox, or out of it to where it is kept, has judged it: whoever learns is told.
    pub(crate) fn judged_by(&self, source: CollectionId, view: &View, uids: &[Uid]) {
        let gate = self.session.gate();
        if !gate.0.limits.learns {
            return;
        }
        let of = |id: CollectionId| gate.engine().collection(id).filter(|mailbox| mailbox.owner == self.session.account());
        let (Some(from), Some(to)) = (of(source), of(self.collection_id())) else { return };
        let spam = match (from.special_use, to.special_use) {
            (Some(SpecialUse::Junk), Some(SpecialUse::Junk | SpecialUse::Trash)) => return,
            (_, Some(SpecialUse::Junk)) => true,
            (Some(SpecialUse::Junk), _) => false,
            _ => return,
        };
        let items = uids.iter().filter_map(|uid| view.by_uid(*uid));
        gate.0.outbox.judged(gate, spam, items.map(|item| &item.content));
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
