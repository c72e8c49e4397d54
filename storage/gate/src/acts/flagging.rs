//! STORE: changing flags and keywords of messages, whatever they are or as they were seen.
//!
//! Called by STORE, and by FETCH where it sets `\Seen`. What always holds: a message that changed since it was looked at is never flagged
//! by who asked for that, and each flag goes as far as the rights on the mailbox go.

use crate::acts::mailbox::{ensure_keywords, items_of, known_keywords, permitted};
use crate::granted::{Granted, Mailbox};
use crate::purpose::Store;
use crate::refusal::Refusal;
use crate::reserved::Deed;
use octroi_engine::{Batch, Change, Expect, Receipt, View};
use octroi_model::{FlagEdit, Flags, Head, Item, ModSeq, Rights, UidSet};
use std::collections::BTreeSet;

/// How often a conditional STORE looks again because messages changed under it; each time there is one more that it leaves alone.
const LOOKS_MAX: usize = 32;

/// What a conditional STORE did. RFC 7162 section 3.1.3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conditional {
    /// Left alone, because they had changed since: MODIFIED.
    pub modified: UidSet,
    /// Those whose flags are others now than before.
    pub stored: UidSet,
    /// The modseq of `stored`; of the mailbox, if nothing was stored.
    pub modseq: ModSeq,
}

/// STORE's three forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlagMode {
    /// `+FLAGS`
    Add,
    /// `-FLAGS`
    Remove,
    /// `FLAGS`
    Replace,
}

impl Granted<Mailbox, Store> {
    /// The flags that this session may change here; every keyword bit if keywords may be.
    pub fn permitted(&self) -> Flags {
        permitted(self.rights())
    }

    /// Change flags of those uids that exist, as far as permitted. Refused only when nothing of it is permitted. RFC 4314 section 4.
    pub async fn store(&self, uids: &UidSet, mode: FlagMode, flags: Flags, keywords: &[&str]) -> Result<(), Refusal> {
        let edit = self.permitted_edit(mode, flags, keywords).await?;
        let view = self.engine().view(self.collection_id()).await?;
        let deed = self.marking(&view, uids, mode, keywords);
        self.commit_deeds(self.flagging(uids, edit), &[deed]).await?;
        Ok(())
    }

    /// The same for those uids that have not changed since the mailbox had the modseq `since`; the others are left alone. Judged in the
    /// commit that stores: what somebody else does meanwhile is never overwritten. RFC 7162 section 3.1.3.
    pub async fn store_unchanged_since(
        &self,
        uids: &UidSet,
        mode: FlagMode,
        flags: Flags,
        keywords: &[&str],
        since: ModSeq,
    ) -> Result<Conditional, Refusal> {
        let edit = self.permitted_edit(mode, flags, keywords).await?;
        let collection = self.collection_id();
        for _ in 0..LOOKS_MAX {
            let view = self.engine().view(collection).await?;
            // Every message has a modseq above 0, so with 0 all of them are left alone, as the standard wants.
            let (unchanged, modified): (Vec<&Item>, Vec<&Item>) = items_of(&view, uids).partition(|item| item.modseq <= since);
            let (chosen, modified) = (set_of(&unchanged), set_of(&modified));
            if chosen.is_empty() {
                return Ok(Conditional { modified, stored: UidSet::default(), modseq: view.head().modseq });
            }
            let deed = self.marking(&view, &chosen, mode, keywords);
            let mut batch = self.flagging(&chosen, edit);
            batch.expect(Expect::UnchangedSince { collection, uids: chosen, modseq: since });
            match self.commit_deeds(batch, &[deed]).await {
                Err(Refusal::Precondition) => {}
                Ok(receipt) => {
                    let (stored, modseq) = flagged(&receipt);
                    return Ok(Conditional { modified, stored, modseq });
                }
                Err(refusal) => return Err(refusal),
            }
        }
        Err(Refusal::Unavailable)
    }

    /// What a STORE does to flags here: what is permitted of what is asked for. Gives new keywords their bits.
    async fn permitted_edit(&self, mode: FlagMode, flags: Flags, keywords: &[&str]) -> Result<FlagEdit, Refusal> {
        self.renew()?;
        let allowed = self.permitted();
        let wants_keywords = !keywords.is_empty() && allowed.contains(Flags::all_keywords());
        if mode != FlagMode::Replace
            && flags.and(allowed) == Flags::NONE
            && !wants_keywords
            && (flags != Flags::NONE || !keywords.is_empty())
        {
            return Err(Refusal::Forbidden((Rights::SEEN | Rights::WRITE | Rights::DELETE_ITEMS).without(self.rights())));
        }
        let bits = match (wants_keywords, mode) {
            (false, _) => Flags::NONE,
            // A keyword that the mailbox does not know is on no message.
            (true, FlagMode::Remove) => known_keywords(&*self.collection()?, keywords),
            (true, _) => ensure_keywords(self, self.collection_id(), keywords).await?,
        };
        let all = flags | bits;
        let edit = match mode {
            FlagMode::Add => FlagEdit::add(all),
            FlagMode::Remove => FlagEdit::remove(all),
            FlagMode::Replace => FlagEdit::replace(all),
        };
        Ok(edit.limited_to(allowed))
    }

    fn flagging(&self, uids: &UidSet, edit: FlagEdit) -> Batch {
        let (collection, uids) = (self.collection_id(), uids.clone());
        let mut batch = Batch::new();
        batch.push(Change::Flag { collection, uids, edit, modseq: ModSeq(0), head: Head::default() });
        batch
    }

    /// The keywords that a STORE may set or clear, and on which messages.
    fn marking(&self, view: &View, uids: &UidSet, mode: FlagMode, keywords: &[&str]) -> Deed {
        let replaces = mode == FlagMode::Replace;
        if !self.permitted().contains(Flags::all_keywords()) || (keywords.is_empty() && !replaces) {
            return Deed::default();
        }
        let mut named: BTreeSet<String> = keywords.iter().map(|keyword| (*keyword).to_owned()).collect();
        if replaces {
            let cleared = items_of(view, uids).flat_map(|item| item.flags.keyword_indexes());
            named.extend(cleared.filter_map(|index| view.keywords().get(index)).map(ToString::to_string));
        }
        Deed::marks(self.node(), named).about(items_of(view, uids).map(|item| item.hash))
    }
}

fn set_of(items: &[&Item]) -> UidSet {
    UidSet::from_uids(items.iter().map(|item| item.uid))
}

/// What the one flag change of a batch came to.
fn flagged(receipt: &Receipt) -> (UidSet, ModSeq) {
    let found = receipt.changes.iter().find_map(|change| match change {
        Change::Flag { uids, modseq, .. } => Some((uids.clone(), *modseq)),
        _ => None,
    });
    found.unwrap_or_default()
}
