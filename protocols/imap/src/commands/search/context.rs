//! Searches whose changes are told as they happen: `RETURN (UPDATE)` of RFC 5267. Kept with the open mailbox; SEARCH and SORT begin them,
//! CANCELUPDATE ends them, and whenever changes of the mailbox are told they are followed.
//!
//! What always holds: a client that applies what it is told has what the same search would find now, in the same order; only messages that
//! changed are looked at again. What goes is told before its EXPUNGE, what comes after its EXISTS.

use super::answer::{Answer, number};
use super::matching::{Ground, Progress, matching};
use crate::commands::sort::{Criterion, in_order};
use crate::reply::{End, Fault};
use crate::state::{By, Selected};
use crate::view::{Expunges, Sight, Snapshot};
use crate::wire::Wire;
use crate::wire::fetch::write_set;
use crate::wire::grammar::scan::Set;
use crate::wire::grammar::search::{Key, Program};
use crate::wire::numbers::runs;
use imap_codec::imap_types::core::Tag;
use octroi_gate::MailboxView;
use octroi_model::{ModSeq, Uid, UidSet};

/// Such searches of one session.
const CONTEXTS_MAX: usize = 8;
/// Messages that one of them may have found, at four octets each.
const MESSAGES_MAX: usize = 100_000;

/// All of an open mailbox.
#[derive(Debug, Default)]
pub(crate) struct Contexts {
    all: Vec<Context>,
    /// Changes up to here have been looked at.
    seen: ModSeq,
}

#[derive(Debug)]
struct Context {
    tag: Tag<'static>,
    by: By,
    /// Begins with a key that lets only those pass that `$` stands for: the changed ones.
    program: Program,
    criteria: Option<Vec<Criterion>>,
    /// In the order of the answer, as the client has them.
    uids: Vec<Uid>,
}

impl Contexts {
    /// End those with these tags; false, and nothing done, when there is none of one of them.
    pub(crate) fn cancel(&mut self, tags: &[String]) -> bool {
        let is_there = |tag: &String| self.all.iter().any(|context| context.tag.as_ref() == tag);
        let are_there = tags.iter().all(is_there);
        if are_there {
            self.all.retain(|context| !tags.iter().any(|tag| context.tag.as_ref() == tag));
        }
        are_there
    }

    /// Tell of what is about to be told as expunged.
    // RFC 5267 section 4.3: REMOVEFROM comes before EXPUNGE, since it may count in message numbers.
    pub(crate) fn leave(&mut self, out: &mut Vec<u8>, sight: &Sight<MailboxView>, expunges: Expunges) {
        let (shown, current) = (sight.shown(), sight.current());
        if self.all.is_empty() || expunges == Expunges::Held || shown.highest_modseq() == current.highest_modseq() {
            return;
        }
        let gone = current.uids_gone_since(shown.highest_modseq()).map(UidSet::from_uids);
        if gone.as_ref().is_some_and(UidSet::is_empty) {
            return;
        }
        let is_gone = |uid: Uid| gone.as_ref().is_none_or(|gone| gone.contains(uid)) && current.by_uid(uid).is_none();
        for context in &mut self.all {
            context.remove(out, shown, is_gone);
        }
    }
}

impl Context {
    fn number(&self, shown: &MailboxView, uid: Uid) -> Option<u32> {
        number(shown, shown.lower_bound(uid), self.by)
    }

    /// Take those out, and tell it.
    fn remove(&mut self, out: &mut Vec<u8>, shown: &MailboxView, is_out: impl Fn(Uid) -> bool) {
        // From the last to the first, so that each place is still the one that the client has.
        let places = self.uids.iter().enumerate().rev().filter(|(_, uid)| is_out(**uid));
        let removed: Vec<(usize, u32)> = places.filter_map(|(at, uid)| Some((at + 1, self.number(shown, *uid)?))).collect();
        self.uids.retain(|uid| !is_out(*uid));
        self.write(out, "REMOVEFROM", removed);
    }

    /// Take the list that has more in it, and tell what is new.
    fn insert(&mut self, out: &mut Vec<u8>, shown: &MailboxView, with: Vec<Uid>, is_new: impl Fn(Uid) -> bool) {
        let places = with.iter().enumerate().filter(|(_, uid)| is_new(**uid));
        let added = places.filter_map(|(at, uid)| Some((at + 1, self.number(shown, *uid)?))).collect();
        self.uids = with;
        self.write(out, "ADDTO", added);
    }

    // RFC 5267 section 4.3: places are told of what is sorted only; what is not stands in the order of the mailbox.
    fn write(&self, out: &mut Vec<u8>, word: &str, mut changes: Vec<(usize, u32)>) {
        if changes.is_empty() {
            return;
        }
        let by = if self.by == By::Uid { " UID" } else { "" };
        out.extend_from_slice(format!("* ESEARCH (TAG \"{}\"){by} {word} (", self.tag.as_ref()).as_bytes());
        if self.criteria.is_some() {
            let pairs: Vec<String> = changes.iter().map(|(place, number)| format!("{place} {number}")).collect();
            out.extend_from_slice(pairs.join(" ").as_bytes());
        } else {
            changes.sort_unstable_by_key(|(_, number)| *number);
            out.extend_from_slice(b"0 ");
            write_set(out, runs(changes.into_iter().map(|(_, number)| number)));
        }
        out.extend_from_slice(b")\r\n");
    }

    /// Look at those that changed, and tell what comes and goes.
    async fn follow(&mut self, wire: &mut Wire, sight: &Sight<MailboxView>, changed: &UidSet) -> Result<Vec<u8>, Fault> {
        let shown = sight.shown();
        let ground = Ground { sight, recent: None, saved: Some(changed) };
        let found = matching(ground, &self.program, &mut Progress::new(wire, &self.tag)).await?;
        let matched = UidSet::from_uids(found.iter().filter_map(|position| shown.uid_at(*position)));
        let mut out = Vec::new();
        self.remove(&mut out, shown, |uid| changed.contains(uid) && !matched.contains(uid));
        let had = UidSet::from_uids(self.uids.iter().copied().filter(|uid| changed.contains(*uid)));
        let is_new = |uid: Uid| matched.contains(uid) && !had.contains(uid);
        let new = found.into_iter().filter(|position| shown.uid_at(*position).is_some_and(is_new));
        let mut positions: Vec<usize> = new.chain(self.uids.iter().map(|uid| shown.lower_bound(*uid))).collect();
        positions.sort_unstable();
        if let Some(criteria) = &self.criteria {
            positions = in_order(shown, positions, criteria).await?;
        }
        let with = positions.into_iter().filter_map(|position| shown.uid_at(position)).collect();
        self.insert(&mut out, shown, with, is_new);
        Ok(out)
    }
}

impl Selected {
    /// From here on tell how what was found changes, if the client wants that. Called by SEARCH and SORT when they have answered.
    pub(crate) fn keep_updated(
        &mut self,
        out: &mut Vec<u8>,
        program: &Program,
        criteria: Option<Vec<Criterion>>,
        answer: &Answer<'_>,
        found: &[usize],
    ) {
        if !answer.returns.as_ref().is_some_and(|returns| returns.update) {
            return;
        }
        let all = &mut self.contexts.all;
        let is_like_another = all.iter().any(|context| context.tag.as_ref() == answer.tag.as_ref());
        // What numbers, `\Recent` and age say changes without a change of the message.
        let is_unsteady = program.names_messages() || program.names_age() || program.names_recent();
        if is_like_another || is_unsteady || all.len() >= CONTEXTS_MAX || found.len() > MESSAGES_MAX {
            return refuse(out, answer.tag);
        }
        if all.is_empty() {
            self.contexts.seen = self.sight.shown().highest_modseq();
        }
        let keys = [Key::Uids(Set::Saved)].into_iter().chain(program.keys.iter().cloned()).collect();
        all.push(Context {
            tag: Tag::unvalidated(answer.tag.as_ref().to_owned()),
            by: answer.by,
            program: Program { charset: program.charset.clone(), keys },
            criteria,
            uids: found.iter().filter_map(|position| self.sight.shown().uid_at(*position)).collect(),
        });
    }
}

// RFC 5267 section 4.3.1 (NOUPDATE).
fn refuse(out: &mut Vec<u8>, tag: &Tag<'_>) {
    out.extend_from_slice(format!("* NO [NOUPDATE \"{}\"] This search is not updated\r\n", tag.as_ref()).as_bytes());
}

/// After changes were told: what they mean for the searches that are updated. One that cannot be followed ends.
pub(crate) async fn follow(selected: &mut Selected, wire: &mut Wire) -> Result<(), End> {
    let Contexts { all, seen } = std::mem::take(&mut selected.contexts);
    if all.is_empty() {
        return Ok(());
    }
    let (shown, current) = (selected.sight.shown(), selected.sight.current());
    let is_shown = |uid: &Uid| selected.sight.position(*uid).is_some();
    let changed = UidSet::from_uids(current.uids_changed_since(seen).into_iter().filter(is_shown));
    // While expunges are held back, what has come is not told either: it is looked at again then.
    let is_all_told = shown.highest_modseq() == current.highest_modseq();
    let mut contexts = Contexts { all: Vec::with_capacity(all.len()), seen: if is_all_told { current.highest_modseq() } else { seen } };
    for mut context in all {
        let mut out = Vec::new();
        let mut goes_on = true;
        if !changed.is_empty() {
            match context.follow(wire, &selected.sight, &changed).await {
                Ok(told) => out = told,
                Err(Fault::End(end)) => return Err(end),
                Err(Fault::Reply(_) | Fault::Refused(_)) => goes_on = false,
            }
        }
        if goes_on && context.uids.len() <= MESSAGES_MAX {
            contexts.all.push(context);
        } else {
            refuse(&mut out, &context.tag);
        }
        wire.raw(&out).await?;
    }
    selected.contexts = contexts;
    Ok(())
}
