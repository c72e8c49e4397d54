//! Bringing a client that was away up to date: what changed and what went since a modseq. RFC 7162.
//!
//! Called by SELECT and FETCH. What always holds: the answer is about one snapshot, the one that the client counts in afterwards; what
//! has been forgotten because it is too long ago is made up for by naming every uid that the client may know and that is not there.

use crate::reply::End;
use crate::state::{By, Selected};
use crate::view::Snapshot;
use crate::wire::Wire;
use crate::wire::fetch::write_vanished;
use crate::wire::grammar::opening::Remembered;
use crate::wire::grammar::scan::Set;
use crate::wire::numbers::{Positions, ranges_of};
use octroi_gate::MailboxView;
use octroi_model::{ModSeq, Uid, UidSet};

/// Answer SELECT's QRESYNC parameter.
// RFC 7162 section 3.2.5: nothing is told to who remembers another mailbox.
pub(crate) async fn catch_up(wire: &mut Wire, selected: &Selected, remembered: &Remembered) -> Result<(), End> {
    let view = selected.sight.shown();
    if view.uid_validity().0 != remembered.uid_validity {
        return Ok(());
    }
    let everything = || UidSet::from_ranges([(Uid(1), last(view))]);
    let uids = remembered.uids.clone().unwrap_or_else(everything);
    tell_vanished(wire, view, remembered.modseq, &uids).await?;
    let mut out = Vec::new();
    for uid in view.uids_changed_since(remembered.modseq).into_iter().filter(|uid| uids.contains(*uid)) {
        if let Some(position) = selected.sight.position(uid) {
            selected.write_flags(&mut out, position, By::Uid);
        }
        wire.raw_if_many(&mut out).await?;
    }
    wire.raw(&out).await
}

/// `VANISHED (EARLIER)` with those of the uids that went since.
pub(crate) async fn tell_vanished(wire: &mut Wire, view: &MailboxView, since: ModSeq, uids: &UidSet) -> Result<(), End> {
    let mut out = Vec::new();
    write_vanished(&mut out, true, &vanished(view, last(view), since, uids));
    wire.raw(&out).await
}

/// The uids that a set may mean, those that are no longer there too.
pub(crate) fn listed(set: &Set, view: &MailboxView) -> UidSet {
    match set {
        Set::Listed(set) => ranges_of(set, last(view)),
        // What was found was there.
        Set::Saved => UidSet::default(),
    }
}

/// Of these positions, those whose messages have changed since.
pub(crate) fn changed_since(selected: &Selected, positions: &Positions, since: ModSeq) -> Positions {
    let mut changed = Positions::new();
    for position in positions.iter().cloned().flatten() {
        if selected.sight.item(position).is_none_or(|item| item.modseq <= since) {
            continue;
        }
        match changed.last_mut() {
            Some(last) if last.end == position => last.end += 1,
            _ => changed.push(position..position + 1),
        }
    }
    changed
}

/// The last uid that was given here.
fn last(view: &MailboxView) -> Uid {
    Uid(view.head().uid_next.0.saturating_sub(1))
}

/// Of these uids, those that went since.
fn vanished<S: Snapshot>(view: &S, last: Uid, since: ModSeq, uids: &UidSet) -> UidSet {
    if let Some(gone) = view.uids_gone_since(since) {
        return UidSet::from_uids(gone.into_iter().filter(|uid| uids.contains(*uid)));
    }
    let mut gaps = Vec::new();
    for (low, high) in uids.ranges() {
        let (mut next, high) = (low.0.max(1), high.0.min(last.0));
        let mut position = view.lower_bound(Uid(next));
        while next <= high {
            let there = view.uid_at(position).map_or(u32::MAX, |uid| uid.0);
            if there > next {
                gaps.push((Uid(next), Uid((there - 1).min(high))));
            }
            let Some(after) = there.checked_add(1) else { break };
            next = after;
            position += 1;
        }
    }
    UidSet::from_ranges(gaps)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::testing::Sample;
    use proptest::prelude::*;
    use std::collections::BTreeSet;
    use std::sync::Arc;

    proptest! {
        #[test]
        fn what_went_is_named_remembered_or_not(
            there in proptest::collection::btree_set(1u32..40, 0..20),
            asked in proptest::collection::vec((1u32..60, 1u32..60), 0..4),
            forgets: bool,
        ) {
            let uids: Vec<u32> = there.iter().copied().collect();
            let gone = (1..45).filter(|uid| !there.contains(uid)).map(|uid| (uid, 2)).collect();
            let view = Sample { forgets, gone: Arc::new(gone), ..Sample::of(&uids) };
            let asked = UidSet::from_ranges(asked.into_iter().map(|(from, to)| (Uid(from), Uid(to))));
            let told = vanished(&view, Uid(44), ModSeq(1), &asked);
            for uid in 1..60 {
                let wanted = uid < 45 && asked.contains(Uid(uid)) && !there.contains(&uid);
                prop_assert_eq!(told.contains(Uid(uid)), wanted, "{}", uid);
            }
        }
    }

    #[test]
    fn the_largest_sets_cost_no_time() {
        let view = Sample { forgets: true, ..Sample::of(&[u32::MAX - 1]) };
        let all = UidSet::from_ranges([(Uid(1), Uid(u32::MAX))]);
        let told = vanished(&view, Uid(u32::MAX - 1), ModSeq(1), &all);
        assert_eq!(told.ranges().collect::<BTreeSet<_>>(), BTreeSet::from([(Uid(1), Uid(u32::MAX - 2))]));
    }
}
