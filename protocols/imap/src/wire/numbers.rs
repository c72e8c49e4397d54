//! Sequence sets: from `1:*,7` to ranges of positions in a view. Called by every command that takes a set.
//!
//! A set stays a list of ranges all the way: `1:4294967295` costs one entry, whatever the mailbox holds.

use crate::view::Snapshot;
use crate::wire::grammar::returns::Page;
use crate::wire::grammar::scan::Set;
use crate::wire::grammar::search::Key;
use imap_codec::imap_types::core::Vec1;
use imap_codec::imap_types::sequence::{SeqOrUid, Sequence, SequenceSet};
use octroi_model::{Uid, UidSet};
use std::num::NonZeroU32;
use std::ops::Range;

/// Ascending, disjoint, not empty ranges of positions from 0.
pub(crate) type Positions = Vec<Range<usize>>;

/// A message number that is not in use.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct OutOfRange;

/// The positions of message numbers.
// RFC 9051 section 9 (seq-number): a number that is not in use is answered with BAD. Only `*` in an empty mailbox is let pass,
// because clients ask for `1:*` without looking.
pub(crate) fn of_numbers(set: &SequenceSet, length: usize) -> Result<Positions, OutOfRange> {
    if length == 0 {
        return if set.0.as_ref().iter().all(has_star) { Ok(Vec::new()) } else { Err(OutOfRange) };
    }
    let ranges = ends(set, length as u32).map(|(a, b)| {
        let (low, high) = (a.min(b) as usize, a.max(b) as usize);
        if high > length { Err(OutOfRange) } else { Ok(low - 1..high) }
    });
    Ok(merged(ranges.collect::<Result<_, _>>()?))
}

fn has_star(sequence: &Sequence) -> bool {
    matches!(
        sequence,
        Sequence::Single(SeqOrUid::Asterisk) | Sequence::Range(SeqOrUid::Asterisk, _) | Sequence::Range(_, SeqOrUid::Asterisk)
    )
}

/// The positions of message numbers, those not in use left out: in SEARCH they just match nothing.
pub(crate) fn of_numbers_in_use(set: &SequenceSet, length: usize) -> Positions {
    let ranges = ends(set, length as u32).map(|(a, b)| (a.min(b).max(1) as usize - 1)..(a.max(b) as usize).min(length));
    merged(ranges.filter(|range| range.start < range.end).collect())
}

/// The positions of uids; those that are not there are left out (RFC 9051 section 6.4.9).
pub(crate) fn of_uids<S: Snapshot>(set: &SequenceSet, view: &S) -> Positions {
    let Some(last) = view.length().checked_sub(1).and_then(|last| view.uid_at(last)) else { return Vec::new() };
    let ranges = ends(set, last.0).map(|(a, b)| {
        let (low, high) = (a.min(b), a.max(b));
        view.lower_bound(Uid(low))..high.checked_add(1).map_or(view.length(), |after| view.lower_bound(Uid(after)))
    });
    merged(ranges.filter(|range| range.start < range.end).collect())
}

/// The uids that a set means, there or not, `*` being `last`.
pub(crate) fn ranges_of(set: &SequenceSet, last: Uid) -> UidSet {
    UidSet::from_ranges(ends(set, last.0).map(|(a, b)| (Uid(a), Uid(b))))
}

/// The positions of uids that were found before, as far as they are still there.
pub(crate) fn of_saved<S: Snapshot>(saved: &UidSet, view: &S) -> Positions {
    let after = |last: Uid| last.0.checked_add(1).map_or(view.length(), |after| view.lower_bound(Uid(after)));
    merged(saved.ranges().map(|(from, to)| view.lower_bound(from)..after(to)).filter(|range| range.start < range.end).collect())
}

/// The positions that a key by itself lets pass; nothing of keys about anything else.
pub(crate) fn of_key<S: Snapshot>(key: &Key, view: &S, saved: &UidSet) -> Option<Positions> {
    let run = |run: Range<usize>| if run.is_empty() { Vec::new() } else { std::iter::once(run).collect() };
    Some(match key {
        Key::Numbers(Set::Listed(set)) => of_numbers_in_use(set, view.length()),
        Key::Uids(Set::Listed(set)) => of_uids(set, view),
        Key::Numbers(Set::Saved) | Key::Uids(Set::Saved) => of_saved(saved, view),
        // RFC 9738 section 3.2.
        Key::UidAfter(uid) => run(uid.checked_add(1).map_or(view.length(), |next| view.lower_bound(Uid(next)))..view.length()),
        Key::UidBefore(uid) => run(0..view.lower_bound(Uid(*uid))),
        _ => return None,
    })
}

/// The uids as a command would name them; nothing if there are none.
pub(crate) fn listed(uids: &UidSet) -> Option<Set> {
    let number = |uid: Uid| NonZeroU32::new(uid.0).map(SeqOrUid::Value);
    let ranges = uids.ranges().filter_map(|(from, to)| Some(Sequence::Range(number(from)?, number(to)?)));
    Vec1::try_from(ranges.collect::<Vec<_>>()).ok().map(|ranges| Set::Listed(SequenceSet(ranges)))
}

/// How many there are.
pub(crate) fn count(positions: &Positions) -> usize {
    positions.iter().map(ExactSizeIterator::len).sum()
}

/// So many of the highest.
pub(crate) fn highest(positions: &Positions, many: usize) -> Positions {
    let mut left = many;
    let mut highest: Positions = positions
        .iter()
        .rev()
        .map_while(|range| {
            let taken = range.len().min(left);
            left -= taken;
            (taken > 0).then(|| range.end - taken..range.end)
        })
        .collect();
    highest.reverse();
    highest
}

/// Those that are in both.
pub(crate) fn both(one: &Positions, other: &Positions) -> Positions {
    let (mut one, mut other) = (one.iter().peekable(), other.iter().peekable());
    let mut both = Vec::new();
    while let (Some(first), Some(second)) = (one.peek(), other.peek()) {
        let shared = first.start.max(second.start)..first.end.min(second.end);
        if !shared.is_empty() {
            both.push(shared);
        }
        if first.end < second.end {
            one.next()
        } else {
            other.next()
        };
    }
    both
}

/// One after the other, upwards or downwards.
pub(crate) fn each(positions: &Positions, is_downwards: bool) -> Box<dyn Iterator<Item = usize> + Send + '_> {
    if is_downwards {
        Box::new(positions.iter().rev().flat_map(|range| range.clone().rev()))
    } else {
        Box::new(positions.iter().cloned().flatten())
    }
}

/// Those of the positions that stand on that page of them.
pub(crate) fn of_page(positions: &Positions, page: Page) -> Positions {
    let wanted = page.range(count(positions));
    let mut before = 0;
    let within = positions.iter().map(|range| {
        let skipped = wanted.start.saturating_sub(before).min(range.len());
        let until = wanted.end.saturating_sub(before).min(range.len());
        before += range.len();
        range.start + skipped..range.start + until
    });
    within.filter(|range| range.start < range.end).collect()
}

/// The uids at these positions, as ranges: between two neighbours of a view there is no uid that the view could not see.
pub(crate) fn uids_at<S: Snapshot>(positions: &[Range<usize>], view: &S) -> UidSet {
    UidSet::from_ranges(positions.iter().filter_map(|range| Some((view.uid_at(range.start)?, view.uid_at(range.end.checked_sub(1)?)?))))
}

/// First and last of each run that goes up by one, in the order of the numbers.
pub(crate) fn runs(numbers: impl IntoIterator<Item = u32>) -> impl Iterator<Item = (u32, u32)> {
    let mut numbers = numbers.into_iter().peekable();
    std::iter::from_fn(move || {
        let first = numbers.next()?;
        let mut last = first;
        while let Some(next) = numbers.next_if(|next| last.checked_add(1) == Some(*next)) {
            last = next;
        }
        Some((first, last))
    })
}

/// Both ends of each range in their written order, `*` being `last`.
fn ends(set: &SequenceSet, last: u32) -> impl Iterator<Item = (u32, u32)> + '_ {
    let number = move |end: &SeqOrUid| match end {
        SeqOrUid::Value(value) => value.get(),
        SeqOrUid::Asterisk => last,
    };
    set.0.as_ref().iter().map(move |sequence| match sequence {
        Sequence::Single(end) => (number(end), number(end)),
        Sequence::Range(from, to) => (number(from), number(to)),
    })
}

/// Overlapping and adjoining ranges become one, so that no message is answered twice.
fn merged(mut ranges: Vec<Range<usize>>) -> Positions {
    ranges.sort_unstable_by_key(|range| range.start);
    let mut out: Positions = Vec::with_capacity(ranges.len());
    for range in ranges {
        match out.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => out.push(range),
        }
    }
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::single_range_in_vec_init)]
mod tests {
    use super::*;
    use crate::view::testing::Sample;
    use crate::wire::grammar::scan::Scanner;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn set(text: &str) -> SequenceSet {
        text.parse().unwrap()
    }

    #[test]
    fn numbers_in_use_only() {
        assert_eq!(of_numbers(&set("2,4:*,3"), 5), Ok(vec![1..5]));
        assert_eq!(of_numbers(&set("*:4"), 5), Ok(vec![3..5]));
        assert_eq!(of_numbers(&set("1:6"), 5), Err(OutOfRange));
        assert_eq!(of_numbers(&set("1:*"), 0), Ok(vec![]));
        assert_eq!(of_numbers(&set("1"), 0), Err(OutOfRange));
        assert_eq!(of_numbers_in_use(&set("4:4294967295,1"), 5), vec![0..1, 3..5]);
        assert!(of_numbers_in_use(&set("1:*"), 0).is_empty());
    }

    #[test]
    fn star_is_the_last_uid_whatever_stands_beside_it() {
        // RFC 9051 section 6.4.9: `559:*` includes the last message even when 559 is above it.
        let view = Sample::of(&[3, 7, 8]);
        assert_eq!(of_uids(&set("559:*"), &view), vec![2..3]);
        assert_eq!(of_uids(&set("1:4294967295"), &view), vec![0..3]);
        assert!(of_uids(&set("4:6"), &view).is_empty());
        assert!(of_uids(&set("1:*"), &Sample::of(&[])).is_empty());
        assert_eq!(uids_at(&[0..2], &view).ranges().collect::<Vec<_>>(), [(Uid(3), Uid(7))]);
    }

    #[test]
    fn of_what_was_saved_only_what_is_left() {
        let saved = UidSet::from_uids([3, 5, 7, u32::MAX].map(Uid));
        assert_eq!(of_saved(&saved, &Sample::of(&[3, 5, 6, 7])), vec![0..2, 3..4]);
        assert_eq!(of_saved(&saved, &Sample::of(&[1, 5, 8])), vec![1..2]);
        assert!(of_saved(&UidSet::default(), &Sample::of(&[1])).is_empty());
    }

    proptest! {
        #[test]
        fn a_page_is_a_part_of_the_list(
            positions in proptest::collection::btree_set(0usize..40, 0..20), from in 1usize..25, to in 1usize..25, is_from_end: bool,
        ) {
            let ranges = merged(positions.iter().map(|at| *at..at + 1).collect());
            let sign = if is_from_end { "-" } else { "" };
            let page = Page::read(&mut Scanner::new(format!("{sign}{from}:{sign}{to}").as_bytes(), false)).unwrap();
            let mut listed: Vec<usize> = positions.into_iter().collect();
            if is_from_end {
                listed.reverse();
            }
            let mut expected: Vec<usize> = listed.into_iter().skip(from.min(to) - 1).take(from.abs_diff(to) + 1).collect();
            expected.sort_unstable();
            prop_assert_eq!(of_page(&ranges, page).into_iter().flatten().collect::<Vec<_>>(), expected);
        }

        #[test]
        fn the_same_as_counting(uids in proptest::collection::btree_set(1u32..40, 0..20), asked in proptest::collection::vec((1u32..45, 1u32..45), 1..6)) {
            let uids: Vec<u32> = uids.into_iter().collect();
            let view = Sample::of(&uids);
            let text = asked.iter().map(|(a, b)| format!("{a}:{b}")).collect::<Vec<_>>().join(",");
            let wanted = |n: u32| asked.iter().any(|(a, b)| (*a.min(b)..=*a.max(b)).contains(&n));
            let flat = |positions: Positions| positions.into_iter().flatten().collect::<Vec<_>>();
            let by_uid: Vec<usize> = (0..uids.len()).filter(|i| wanted(uids[*i])).collect();
            prop_assert_eq!(flat(of_uids(&set(&text), &view)), by_uid.clone());
            let by_number: Vec<usize> = (0..uids.len()).filter(|i| wanted(*i as u32 + 1)).collect();
            prop_assert_eq!(flat(of_numbers_in_use(&set(&text), uids.len())), by_number);
            let back = uids_at(&of_uids(&set(&text), &view), &view);
            let named: BTreeSet<u32> = uids.iter().copied().filter(|uid| back.contains(Uid(*uid))).collect();
            prop_assert_eq!(named, by_uid.iter().map(|i| uids[*i]).collect::<BTreeSet<_>>());
        }
    }
}
