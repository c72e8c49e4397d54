//! How many messages one command may be about: MESSAGELIMIT (RFC 9738), off unless the configuration sets it.
//!
//! Called by the commands that name messages. What always holds: of too many, those with the highest uids are dealt with, from the highest
//! to the lowest, and the answer says how far it went; a command that is all or nothing does nothing; EXPUNGE and CLOSE know no limit.

use crate::reply::{Done, Fault, Reply};
use crate::view::Snapshot;
use crate::wire::grammar::search::{Key, Program};
use crate::wire::numbers::{self, Positions};
use crate::wire::{Wire, encode};
use imap_codec::imap_types::response::{Code, StatusKind};
use octroi_model::{Uid, UidSet};
use std::borrow::Cow;

/// The limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MessageLimit(Option<u32>);

/// A part was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Partial {
    limit: u32,
    /// The lowest uid of it; nothing when there are several mailboxes.
    last: Option<Uid>,
}

impl MessageLimit {
    pub(crate) const NONE: Self = Self(None);

    pub(crate) fn new(messages: Option<u32>) -> Self {
        Self(messages)
    }

    /// As CAPABILITY tells it.
    pub(crate) fn capability(self) -> Option<String> {
        self.0.map(|limit| format!("MESSAGELIMIT={limit}"))
    }

    /// Leave so many of the highest, and say whether there were more.
    pub(crate) fn cut<S: Snapshot>(self, positions: &mut Positions, view: &S) -> Option<Partial> {
        let limit = self.0.filter(|limit| numbers::count(positions) > *limit as usize)?;
        *positions = numbers::highest(positions, limit as usize);
        Some(Partial { limit, last: positions.first().and_then(|range| view.uid_at(range.start)) })
    }

    /// The same of uids, all of which are there.
    pub(crate) fn cut_uids(self, uids: &mut UidSet) -> Option<Partial> {
        let limit = self.0.filter(|limit| uids.len() > u64::from(*limit))?;
        let all = uids.ranges().flat_map(|(from, to)| from.0..=to.0).map(Uid);
        let left: Vec<Uid> = all.skip((uids.len() - u64::from(limit)) as usize).collect();
        let last = left.first().copied();
        *uids = UidSet::from_uids(left);
        Some(Partial { limit, last })
    }

    /// For what is all or nothing.
    pub(crate) fn admit<S: Snapshot>(self, positions: &Positions, view: &S) -> Result<(), Fault> {
        match self.cut(&mut positions.clone(), view) {
            Some(partial) => Err(partial.refusal("Too many messages for one command")),
            None => Ok(()),
        }
    }

    /// For so many messages of which no uid is known.
    pub(crate) fn admit_count(self, count: usize) -> Result<(), Fault> {
        match self.0.filter(|limit| count > *limit as usize) {
            Some(limit) => Err(Partial { limit, last: None }.refusal("Too many messages for one command")),
            None => Ok(()),
        }
    }

    /// A search that looks at no more than this. It is what is looked at that counts, not what is found.
    pub(crate) fn narrow<'a, S: Snapshot>(self, program: &'a Program, view: &S, saved: &UidSet) -> (Cow<'a, Program>, Option<Partial>) {
        let Some(partial) = self.0.and_then(|_| self.cut(&mut looked_at(&program.keys, view, saved), view)) else {
            return (Cow::Borrowed(program), None);
        };
        let mut narrowed = program.clone();
        narrowed.keys.insert(0, Key::UidAfter(partial.last.map_or(0, |last| last.0 - 1)));
        (Cow::Owned(narrowed), Some(partial))
    }
}

impl Partial {
    /// The answer to a command that did a part, or would have.
    // RFC 9738 section 3.1: where there is another code, this one stands in an untagged NO before it.
    pub(crate) async fn told(partial: Option<Self>, wire: &mut Wire, done: Done) -> Done {
        let Some(partial) = partial else { return done };
        match done {
            Ok(reply) if reply.code.is_none() && reply.kind == StatusKind::Ok => {
                Ok(Reply { text: "The messages with the highest uids only".into(), ..reply.with(partial.code()) })
            }
            Err(Fault::End(end)) => Err(Fault::End(end)),
            done => {
                wire.tagged(None, StatusKind::No, Some(partial.code()), "The messages with the highest uids only").await?;
                done
            }
        }
    }

    /// Of several mailboxes.
    pub(crate) fn of_several(self) -> Self {
        Self { last: None, ..self }
    }

    /// The answer to a command that does nothing then.
    pub(crate) fn refusal(self, text: &'static str) -> Fault {
        Fault::Reply(Reply { kind: StatusKind::No, code: Some(self.code()), text: text.into() })
    }

    fn code(self) -> Code<'static> {
        let last = self.last.map(|uid| format!(" {}", uid.0)).unwrap_or_default();
        encode::code(format!("MESSAGELIMIT {}{last}", self.limit))
    }
}

/// The messages that a search has to look at: those that all sets let pass which must.
fn looked_at<S: Snapshot>(keys: &[Key], view: &S, saved: &UidSet) -> Positions {
    let all = if view.length() == 0 { Vec::new() } else { std::iter::once(0..view.length()).collect() };
    keys.iter().fold(all, |left, key| match key {
        Key::All(keys) => numbers::both(&left, &looked_at(keys, view, saved)),
        other => match numbers::of_key(other, view, saved) {
            Some(named) => numbers::both(&left, &named),
            None => left,
        },
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::view::testing::Sample;
    use crate::wire::grammar::search::tests::program;

    fn code(partial: Option<Partial>) -> String {
        let text = partial.map(|partial| String::from_utf8(encode::untagged(partial.code(), "x")).unwrap());
        text.map(|text| text.trim_start_matches("* OK [").trim_end_matches("] x\r\n").to_owned()).unwrap_or_default()
    }

    #[test]
    // A list of ranges with one in it is meant.
    #[allow(clippy::single_range_in_vec_init)]
    fn the_highest_are_left() {
        let view = Sample::of(&[10, 20, 30, 40, 50]);
        let cut = |limit, mut positions: Positions| {
            let partial = MessageLimit::new(limit).cut(&mut positions, &view);
            (positions, code(partial))
        };
        assert_eq!(cut(Some(3), vec![0..1, 2..5]), (vec![2..5], "MESSAGELIMIT 3 30".to_owned()));
        assert_eq!(cut(Some(2), vec![0..2, 4..5]), (vec![1..2, 4..5], "MESSAGELIMIT 2 20".to_owned()));
        assert_eq!(cut(Some(4), vec![0..1, 2..5]), (vec![0..1, 2..5], String::new()));
        assert_eq!(cut(None, vec![0..5]).1, "");
        let mut uids = UidSet::from_ranges([(Uid(3), Uid(5)), (Uid(9), Uid(9))]);
        assert_eq!(code(MessageLimit::new(Some(2)).cut_uids(&mut uids)), "MESSAGELIMIT 2 5");
        assert_eq!(uids.ranges().collect::<Vec<_>>(), [(Uid(5), Uid(5)), (Uid(9), Uid(9))]);
        assert!(
            MessageLimit::new(Some(2)).admit(&vec![0..2], &view).is_ok() && MessageLimit::new(Some(2)).admit(&vec![0..3], &view).is_err()
        );
        assert!(MessageLimit::new(Some(2)).admit_count(2).is_ok() && MessageLimit::new(Some(2)).admit_count(3).is_err());
    }

    #[test]
    fn what_a_search_looks_at_counts() {
        let view = Sample::of(&[10, 20, 30, 40, 50]);
        let saved = UidSet::from_uids([Uid(20), Uid(30)]);
        let narrowed = |keys: &str| {
            let program = program(&format!("SEARCH {keys}"));
            let (narrowed, partial) = MessageLimit::new(Some(2)).narrow(&program, &view, &saved);
            assert_eq!(narrowed.keys.len(), program.keys.len() + usize::from(partial.is_some()));
            code(partial)
        };
        for (keys, told) in [
            ("UNSEEN", "MESSAGELIMIT 2 40"),
            ("UID 10:30 UNDELETED", "MESSAGELIMIT 2 20"),
            ("UIDAFTER 30 UNDELETED", ""),
            ("UIDBEFORE 40 BODY x", "MESSAGELIMIT 2 20"),
            ("UIDAFTER 10 UIDBEFORE 40", ""),
            ("1:2 SEEN", ""),
            ("(1:2 SEEN)", ""),
            ("(1:4 SEEN) 2:5", "MESSAGELIMIT 2 30"),
            ("$ SEEN", ""),
            ("NOT 1:4", "MESSAGELIMIT 2 40"),
            ("OR 1 2", "MESSAGELIMIT 2 40"),
        ] {
            assert_eq!(narrowed(keys), told, "{keys}");
        }
    }
}
