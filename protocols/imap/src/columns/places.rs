//! From the positions of a snapshot to the rows of its columns, and what columns say of a position.

use super::texts::Bits;
use std::sync::Arc;

const NO_ROW: u32 = u32::MAX;

/// The row of each position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Places {
    /// Every position is its own row, and there are so many.
    Same(usize),
    /// As listed; [`NO_ROW`] where there is none.
    Listed(Vec<u32>),
}

impl Places {
    /// From the uids of the rows and of the positions, both ascending.
    pub(super) fn new(rows: &[u32], positions: impl Iterator<Item = u32>) -> Self {
        let mut places = Vec::with_capacity(rows.len());
        let mut row = 0;
        let mut is_same = true;
        for uid in positions {
            row += rows[row..].iter().take_while(|at| **at < uid).count();
            let place = if rows.get(row) == Some(&uid) { row as u32 } else { NO_ROW };
            is_same &= place as usize == places.len();
            places.push(place);
        }
        if is_same { Self::Same(places.len()) } else { Self::Listed(places) }
    }

    /// The row of a position, if it has one.
    pub(crate) fn row(&self, position: usize) -> Option<usize> {
        match self {
            Self::Same(length) => (position < *length).then_some(position),
            Self::Listed(places) => places.get(position).filter(|row| **row != NO_ROW).map(|row| *row as usize),
        }
    }
}

/// What columns say of messages: yes, no or nothing.
#[derive(Debug, Clone)]
pub(crate) struct Verdicts {
    places: Arc<Places>,
    yes: Bits,
    /// Ascending.
    unknown: Vec<u32>,
}

impl Verdicts {
    pub(super) fn new(places: Arc<Places>, yes: Bits, unknown: Vec<u32>) -> Self {
        Self { places, yes, unknown }
    }

    /// Does the message at this position match? Nothing when the columns do not know.
    pub(crate) fn at(&self, position: usize) -> Option<bool> {
        let row = self.places.row(position)?;
        if !self.unknown.is_empty() && self.unknown.binary_search(&(row as u32)).is_ok() {
            return None;
        }
        Some(self.yes.contains(row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn every_position_finds_its_row(
            rows in proptest::collection::btree_set(1_u32..60, 0..40),
            positions in proptest::collection::btree_set(1_u32..60, 0..40),
            same: bool,
        ) {
            let rows: Vec<u32> = rows.into_iter().collect();
            let positions: BTreeSet<u32> = if same { rows.iter().copied().collect() } else { positions };
            let places = Places::new(&rows, positions.iter().copied());
            prop_assert!(!same || places == Places::Same(rows.len()));
            for (position, uid) in positions.iter().enumerate() {
                prop_assert_eq!(places.row(position), rows.iter().position(|row| row == uid));
            }
            prop_assert_eq!(places.row(positions.len()), None);
        }
    }
}
