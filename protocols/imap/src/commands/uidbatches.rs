//! UIDBATCHES: uids that split the open mailbox into batches of messages. RFC 10022.

use crate::reply::{Done, Reply};
use crate::state::Selected;
use crate::view::Snapshot;
use crate::wire::grammar::batches::Batches;
use crate::wire::{Wire, encode};
use imap_codec::imap_types::core::Tag;
use octroi_model::Uid;

/// Messages of a batch, at least.
// RFC 10022 section 3.1.3.2: so that nobody makes message numbers of it.
const SIZE_MIN: u32 = 500;
/// Messages that a range of batches may span.
// RFC 10022 section 3.1.5.
const SPAN_MAX: u64 = 100_000;
/// Commands that are remembered of an open mailbox.
const ASKED_MAX: usize = 256;

/// What was asked of an open mailbox, and what it was like then.
#[derive(Debug, Default)]
pub(crate) struct AskedBatches(Vec<(Batches, Counts)>);

/// How a mailbox changes, as far as its batches do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Counts {
    messages: u64,
    next: u32,
}

impl AskedBatches {
    /// May this be asked? What was answered before is answered again only when the mailbox has changed by more than half a batch.
    // RFC 10022 section 3.1.1.
    fn admit(&mut self, batches: Batches, now: Counts) -> bool {
        let half = u64::from(batches.size.get() / 2);
        let is_same = |(asked, then): &(Batches, Counts)| *asked == batches && !then.has_changed(now, half);
        if self.0.iter().any(is_same) {
            return false;
        }
        self.0.retain(|(asked, _)| *asked != batches);
        if self.0.len() >= ASKED_MAX {
            self.0.remove(0);
        }
        self.0.push((batches, now));
        true
    }
}

impl Counts {
    fn has_changed(self, now: Self, half: u64) -> bool {
        let came = u64::from(now.next.saturating_sub(self.next));
        let went = (self.messages + came).saturating_sub(now.messages);
        came > half || went > half
    }
}

/// UIDBATCHES.
pub(crate) async fn uidbatches(wire: &mut Wire, selected: &mut Selected, batches: Batches, tag: &Tag<'_>) -> Done {
    let size = batches.size.get();
    if size < SIZE_MIN {
        return Err(Reply::no("TOOFEW", format!("A batch has at least {SIZE_MIN} messages")).into());
    }
    if let Some((from, to)) = batches.range {
        if from > to {
            return Err(Reply::bad("The batches are in the wrong order").with(encode::code("CLIENTBUG")).into());
        }
        if u64::from(to.get() - from.get() + 1) * u64::from(size) > SPAN_MAX {
            return Err(Reply::no("TOOMANY", format!("A range of batches spans at most {SPAN_MAX} messages")).into());
        }
    }
    let shown = selected.sight.shown();
    let now = Counts { messages: shown.length() as u64, next: shown.head().uid_next.0 };
    if !selected.asked_batches.admit(batches, now) {
        return Err(Reply::no("LIMIT", "That was answered already, and the mailbox has hardly changed since").into());
    }
    let ranges: Vec<String> = ranges(shown, Uid(now.next), batches).map(|(high, low)| format!("{high}:{low}")).collect();
    let space = if ranges.is_empty() { "" } else { " " };
    wire.raw(format!("* UIDBATCHES (TAG \"{}\"){space}{}\r\n", tag.as_ref(), ranges.join(",")).as_bytes()).await?;
    Ok(Reply::ok("Done"))
}

/// The highest and the lowest uid of each batch. They adjoin, from the last uid that was given out down to 1.
// RFC 10022 section 3.1.4: uids that are not there may be named, and 1 says which batch is the last.
fn ranges<S: Snapshot>(view: &S, next: Uid, Batches { size, range }: Batches) -> impl Iterator<Item = (u32, u32)> {
    let (size, length) = (size.get() as usize, view.length());
    let count = length.div_ceil(size);
    let first_of = move |batch: usize| if batch >= count { 1 } else { view.uid_at(length - batch * size).map_or(1, |uid| uid.0) };
    let (from, to) = range.map_or((1, count), |(from, to)| (from.get() as usize, (to.get() as usize).min(count)));
    (from..=to).map(move |batch| {
        let high = if batch == 1 { next.0 } else { first_of(batch - 1) };
        (high - 1, first_of(batch))
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::view::testing::Sample;
    use proptest::prelude::*;
    use std::num::NonZeroU32;

    fn batches(size: u32, range: Option<(u32, u32)>) -> Batches {
        let number = |number| NonZeroU32::new(number).unwrap();
        Batches { size: number(size), range: range.map(|(from, to)| (number(from), number(to))) }
    }

    fn of(count: u32, size: u32, range: Option<(u32, u32)>) -> Vec<(u32, u32)> {
        let uids: Vec<u32> = (1..=count).map(|number| number * 10).collect();
        ranges(&Sample::of(&uids), Uid(count * 10 + 6), batches(size, range)).collect()
    }

    // RFC 10022 sections 3.1.1 to 3.1.6, with uids that are ten times the number.
    #[test]
    fn the_examples_of_the_rfc() {
        assert_eq!(of(6_823, 2_000, None), [(68_235, 48_240), (48_239, 28_240), (28_239, 8_240), (8_239, 1)]);
        assert_eq!(of(7_000, 2_000, Some((1, 5))).len(), 4);
        assert_eq!(of(7_000, 2_000, Some((6, 8))), []);
        assert_eq!(of(0, 2_000, None), []);
        assert_eq!(of(7, 2_000, None), [(75, 1)]);
        assert_eq!(of(2_000, 2_000, None), [(20_005, 1)]);
        // Numbers 82000:80001 and 62000:60001.
        let some = of(100_000, 2_000, Some((10, 20)));
        assert_eq!((some.len(), some[0], some[10]), (11, (820_009, 800_010), (620_009, 600_010)));
    }

    #[test]
    fn what_was_answered_is_not_asked_again_for_nothing() {
        let mut asked = AskedBatches::default();
        let counts = |messages, next| Counts { messages, next };
        assert!(asked.admit(batches(500, None), counts(1_000, 2_000)));
        assert!(!asked.admit(batches(500, None), counts(1_000, 2_000)));
        assert!(asked.admit(batches(500, Some((1, 2))), counts(1_000, 2_000)) && asked.admit(batches(600, None), counts(1_000, 2_000)));
        // 250 came and 250 went: not more than half a batch.
        assert!(!asked.admit(batches(500, None), counts(1_000, 2_250)));
        assert!(asked.admit(batches(500, None), counts(1_251, 2_251)));
        assert!(!asked.admit(batches(500, None), counts(1_001, 2_251)));
        assert!(asked.admit(batches(500, None), counts(1_000, 2_251)));
    }

    proptest! {
        /// The batches have all messages, none twice, and all but the last are full.
        #[test]
        fn batches_are_all_of_the_mailbox(gaps in proptest::collection::vec(1u32..4, 0..60), size in 1u32..9) {
            let uids: Vec<u32> = gaps.iter().scan(0, |last, gap| { *last += gap; Some(*last) }).collect();
            let next = uids.last().map_or(1, |last| last + 3);
            let all: Vec<(u32, u32)> = ranges(&Sample::of(&uids), Uid(next), batches(size, None)).collect();
            let counts: Vec<usize> = all.iter().map(|(high, low)| uids.iter().filter(|uid| (low..=high).contains(uid)).count()).collect();
            prop_assert_eq!(counts.iter().sum::<usize>(), uids.len());
            prop_assert!(counts.iter().rev().skip(1).all(|count| *count == size as usize));
            prop_assert!(all.windows(2).all(|pair| pair[0].1 == pair[1].0 + 1));
            prop_assert_eq!(all.last().map(|last| last.1), (!uids.is_empty()).then_some(1));
        }
    }
}
