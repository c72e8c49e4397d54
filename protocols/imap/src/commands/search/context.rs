//! Searches whose changes are told as they happen: `RETURN (UPDATE)` of RFC 5267. Kept with the open mailbox; SEARCH and SORT begin them,
//! CANCELUPDATE ends them, and whenever changes of the mailbox are told they are followed.
//!
//! Numbers and `$` stand for the messages that they named when the search was begun (RFC 5267 section 4.3).
//!
//! What always holds: a client that applies what it is told has what the same search would find now, in the same order; only messages that
//! changed are looked at again. What goes is told before its EXPUNGE, what comes after its EXISTS.

use super::answer::{Answer, number};
use super::matching::{Ground, matching};
use crate::commands::fetch::fetch_unasked;
use crate::commands::sort::{Criterion, in_order};
use crate::progress::Progress;
use crate::reply::{End, Fault, Reply};
use crate::state::{By, Selected};
use crate::view::{Expunges, Sight, Snapshot};
use crate::wire::Wire;
use crate::wire::fetch::write_set;
use crate::wire::grammar::messages::Item as Asked;
use crate::wire::grammar::scan::Set;
use crate::wire::grammar::search::{Key, Program};
use crate::wire::numbers::{self, listed, runs};
use imap_codec::imap_types::core::{Tag, Vec1};
use imap_codec::imap_types::search::SearchKey;
use imap_codec::imap_types::sequence::{SeqOrUid, Sequence, SequenceSet};
use octroi_gate::MailboxView;
use octroi_model::{ModSeq, Uid, UidSet};
use std::num::NonZeroU32;

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
    /// The first uid that was not given out then.
    next: Uid,
}

#[derive(Debug)]
struct Context {
    tag: Tag<'static>,
    by: By,
    /// Of which mailbox, where the answer said so.
    about: String,
    /// What to tell of messages that are new.
    items: Vec<Asked>,
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

    /// Is a search with this tag updated?
    fn has(&self, tag: &Tag<'_>) -> bool {
        self.all.iter().any(|context| context.tag.as_ref() == tag.as_ref())
    }

    /// From here on no message numbers.
    // RFC 9586 section 3.
    pub(crate) fn name_by_uid(&mut self) {
        self.all.iter_mut().for_each(|context| context.by = By::Uid);
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
        out.extend_from_slice(format!("* ESEARCH (TAG \"{}\"{}){by} {word} (", self.tag.as_ref(), self.about).as_bytes());
        if self.criteria.is_some() {
            write_places(out, &changes);
        } else {
            changes.sort_unstable_by_key(|(_, number)| *number);
            out.extend_from_slice(b"0 ");
            write_set(out, runs(changes.into_iter().map(|(_, number)| number)));
        }
        out.extend_from_slice(b")\r\n");
    }

    /// Look at those that changed, and tell what comes and goes; returns that, and the uids that are new in the list.
    async fn follow(&mut self, wire: &mut Wire, sight: &Sight<MailboxView>, changed: &UidSet) -> Result<(Vec<u8>, UidSet), Fault> {
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
        let new = UidSet::from_uids(matched.ranges().flat_map(|(from, to)| from.0..=to.0).map(Uid).filter(|uid| is_new(*uid)));
        self.insert(&mut out, shown, with, is_new);
        Ok((out, new))
    }
}

/// Places in the list with what stands there: neighbours together.
// RFC 5267 section 4.3.3: the shortest is preferred.
fn write_places(out: &mut Vec<u8>, changes: &[(usize, u32)]) {
    for (at, run) in changes.chunk_by(|one, next| one.0 + 1 == next.0).enumerate() {
        if at > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(format!("{} ", run[0].0).as_bytes());
        write_set(out, runs(run.iter().map(|(_, number)| *number)));
    }
}

/// The keys with the messages in them that they name now; nothing if what they mean changes without a change of a message.
fn fixed(keys: &[Key], view: &MailboxView, saved: &UidSet) -> Option<Vec<Key>> {
    keys.iter().map(|key| fixed_key(key, view, saved)).collect()
}

fn fixed_key(key: &Key, view: &MailboxView, saved: &UidSet) -> Option<Key> {
    let one = |key: &Key| fixed_key(key, view, saved);
    Some(match key {
        Key::All(keys) => Key::All(fixed(keys, view, saved)?),
        Key::Or(both) => Key::Or(Box::new((one(&both.0)?, one(&both.1)?))),
        Key::Not(key) => Key::Not(Box::new(one(key)?)),
        Key::Fuzzy(key) => Key::Fuzzy(Box::new(one(key)?)),
        Key::Numbers(_) | Key::Uids(Set::Saved) => {
            let positions = numbers::of_key(key, view, saved)?;
            match listed(&numbers::uids_at(&positions, view)) {
                Some(set) => Key::Uids(set),
                None => Key::Not(Box::new(Key::Leaf(SearchKey::All))),
            }
        }
        Key::Uids(Set::Listed(set)) => Key::Uids(Set::Listed(open_ended(set, view)?)),
        Key::Older(_) | Key::Younger(_) | Key::Leaf(SearchKey::Recent | SearchKey::New | SearchKey::Old) => return None,
        other => other.clone(),
    })
}

/// Uids with `*` as all that are to come; nothing where it means whichever message happens to be the last.
fn open_ended(set: &SequenceSet, view: &MailboxView) -> Option<SequenceSet> {
    let last = view.length().checked_sub(1).and_then(|last| view.uid_at(last)).map_or(0, |uid| uid.0);
    let end = SeqOrUid::Value(NonZeroU32::MAX);
    let open = |sequence: &Sequence| match sequence {
        Sequence::Range(SeqOrUid::Value(from), SeqOrUid::Asterisk) | Sequence::Range(SeqOrUid::Asterisk, SeqOrUid::Value(from)) => {
            (from.get() <= last).then_some(Sequence::Range(SeqOrUid::Value(*from), end))
        }
        Sequence::Single(SeqOrUid::Asterisk) | Sequence::Range(SeqOrUid::Asterisk, SeqOrUid::Asterisk) => None,
        Sequence::Single(_) | Sequence::Range(..) => Some(sequence.clone()),
    };
    let opened = set.0.as_ref().iter().map(open).collect::<Option<Vec<_>>>()?;
    Vec1::try_from(opened).ok().map(SequenceSet)
}

impl Selected {
    /// Refuse a search that is to be updated under a tag that another one has.
    // RFC 5267 section 4.3: it has no effect then.
    pub(crate) fn admit_update(&self, answer: &Answer<'_>) -> Result<(), Fault> {
        if answer.updates().is_some() && self.contexts.has(answer.tag) {
            return Err(Reply::bad("A search with this tag is updated already").into());
        }
        Ok(())
    }

    /// From here on tell how what was found changes, if the client wants that. Called by SEARCH, SORT and ESEARCH when they have answered;
    /// `about` as in their answer.
    pub(crate) fn keep_updated(
        &mut self,
        out: &mut Vec<u8>,
        (program, criteria): (&Program, Option<Vec<Criterion>>),
        answer: &Answer<'_>,
        about: &str,
        found: &[usize],
    ) {
        let Some(items) = answer.updates() else { return };
        let view = self.sight.shown();
        let keys = fixed(&program.keys, view, &self.saved);
        let is_room = self.contexts.all.len() < CONTEXTS_MAX && found.len() <= MESSAGES_MAX;
        let Some(keys) = keys.filter(|_| is_room) else { return refuse(out, answer.tag) };
        if self.contexts.all.is_empty() {
            self.contexts.seen = view.highest_modseq();
            self.contexts.next = view.head().uid_next;
        }
        let keys = [Key::Uids(Set::Saved)].into_iter().chain(keys).collect();
        let context = Context {
            tag: Tag::unvalidated(answer.tag.as_ref().to_owned()),
            by: answer.by,
            about: about.to_owned(),
            items: items.to_vec(),
            program: Program { charset: program.charset.clone(), keys },
            criteria,
            uids: found.iter().filter_map(|position| view.uid_at(*position)).collect(),
        };
        self.contexts.all.push(context);
    }
}

// RFC 5267 section 4.3.1 (NOUPDATE).
pub(crate) fn refuse(out: &mut Vec<u8>, tag: &Tag<'_>) {
    out.extend_from_slice(format!("* NO [NOUPDATE \"{}\"] This search is not updated\r\n", tag.as_ref()).as_bytes());
}

/// After changes were told: what they mean for the searches that are updated. One that cannot be followed ends.
pub(crate) async fn follow(selected: &mut Selected, wire: &mut Wire) -> Result<(), End> {
    let Contexts { all, seen, next } = std::mem::take(&mut selected.contexts);
    if all.is_empty() {
        return Ok(());
    }
    let (shown, current) = (selected.sight.shown(), selected.sight.current());
    let is_shown = |uid: &Uid| selected.sight.position(*uid).is_some();
    let changed = UidSet::from_uids(current.uids_changed_since(seen).into_iter().filter(is_shown));
    // While expunges are held back, what has come is not told either: it is looked at again then.
    let is_all_told = shown.highest_modseq() == current.highest_modseq();
    let looked = if is_all_told { (current.highest_modseq(), current.head().uid_next) } else { (seen, next) };
    let mut contexts = Contexts { all: Vec::with_capacity(all.len()), seen: looked.0, next: looked.1 };
    for mut context in all {
        let mut told = (Vec::new(), UidSet::default());
        let mut goes_on = true;
        if !changed.is_empty() {
            match context.follow(wire, &selected.sight, &changed).await {
                Ok(news) => told = news,
                Err(Fault::End(end)) => return Err(end),
                Err(Fault::Reply(_) | Fault::Refused(_)) => goes_on = false,
            }
        }
        let (mut out, new) = told;
        show(wire, selected, &context.items, &new, next).await?;
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

/// Tell what was asked for of messages that have just come.
// RFC 5465 section 7: between EXISTS and ESEARCH, and not of those that only changed.
async fn show(wire: &mut Wire, selected: &mut Selected, items: &[Asked], new: &UidSet, next: Uid) -> Result<(), End> {
    let came = UidSet::from_ranges(new.ranges().filter(|(_, to)| *to >= next).map(|(from, to)| (from.max(next), to)));
    let Some(set) = listed(&came).filter(|_| !items.is_empty()) else { return Ok(()) };
    // It may come by here again, since it tells what has changed first: nothing has.
    match Box::pin(fetch_unasked(wire, selected, &set, items)).await {
        Err(Fault::End(end)) => Err(end),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 5267 section 4.3.3.
    #[test]
    fn neighbours_are_told_together() {
        let written = |changes: &[(usize, u32)]| {
            let mut out = Vec::new();
            write_places(&mut out, changes);
            String::from_utf8_lossy(&out).into_owned()
        };
        assert_eq!(written(&[(1, 2731), (2, 2732), (3, 2733)]), "1 2731:2733");
        assert_eq!(written(&[(1, 9), (2, 3), (3, 4), (7, 5)]), "1 9,3:4 7 5");
        // What goes is told from the last place to the first.
        assert_eq!(written(&[(4, 7), (3, 6)]), "4 7 3 6");
    }
}
