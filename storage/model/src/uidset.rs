//! Sets of uids as ranges: `1:4294967295` costs one range, not four thousand million entries.

use crate::Uid;
use serde::{Deserialize, Serialize};

/// Ascending, disjoint, non-adjacent ranges of uids, both ends included.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct UidSet(Vec<(u32, u32)>);

impl UidSet {
    /// From ranges in any order, which may overlap; each is put the right way round.
    pub fn from_ranges(ranges: impl IntoIterator<Item = (Uid, Uid)>) -> Self {
        let mut sorted: Vec<(u32, u32)> = ranges.into_iter().map(|(a, b)| (a.0.min(b.0), a.0.max(b.0))).collect();
        sorted.sort_unstable();
        let mut merged: Vec<(u32, u32)> = Vec::with_capacity(sorted.len());
        for (low, high) in sorted {
            match merged.last_mut() {
                Some(last) if low <= last.1.saturating_add(1) => last.1 = last.1.max(high),
                _ => merged.push((low, high)),
            }
        }
        Self(merged)
    }

    /// From single uids in any order.
    pub fn from_uids(uids: impl IntoIterator<Item = Uid>) -> Self {
        Self::from_ranges(uids.into_iter().map(|u| (u, u)))
    }

    /// Is `uid` in one of the ranges?
    pub fn contains(&self, uid: Uid) -> bool {
        let after = self.0.partition_point(|(low, _)| *low <= uid.0);
        after > 0 && self.0[after - 1].1 >= uid.0
    }

    /// The ranges, ascending.
    pub fn ranges(&self) -> impl Iterator<Item = (Uid, Uid)> + '_ {
        self.0.iter().map(|(low, high)| (Uid(*low), Uid(*high)))
    }

    /// No range at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Number of uids in all ranges.
    pub fn len(&self) -> u64 {
        self.0.iter().map(|(low, high)| u64::from(high - low) + 1).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_set_holds_just_what_went_in(uids in proptest::collection::vec(1u32..200, 0..60)) {
            let set = UidSet::from_uids(uids.iter().copied().map(Uid));
            for uid in 0..210 {
                prop_assert_eq!(set.contains(Uid(uid)), uids.contains(&uid));
            }
            let distinct: std::collections::BTreeSet<_> = uids.iter().collect();
            prop_assert_eq!(set.len(), distinct.len() as u64);
        }
    }
}
