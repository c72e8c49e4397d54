//! A column of collation keys, and each row's place in their order.

use super::dictionary::Dictionary;
use super::make_room;
use std::ops::Index;
use std::sync::OnceLock;

/// Per row a key.
#[derive(Debug, Clone, Default)]
pub(super) struct Keys {
    distinct: Dictionary,
    /// The key of each row.
    rows: Vec<u32>,
    /// The order of the keys that there were when it was last asked for: new ones are few, and sorting takes up what is sorted.
    sorted: Vec<u32>,
    ranked: OnceLock<Ranked>,
}

#[derive(Debug, Clone)]
struct Ranked {
    sorted: Vec<u32>,
    /// By key.
    ranks: Vec<u32>,
}

/// Each row's place in the order of the keys; equal keys have the same.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ranks<'a> {
    ranks: &'a [u32],
    rows: &'a [u32],
}

impl Ranks<'_> {
    /// How many places there are: all are below.
    pub(crate) fn count(&self) -> usize {
        self.ranks.len()
    }
}

impl Index<usize> for Ranks<'_> {
    type Output = u32;

    fn index(&self, row: usize) -> &u32 {
        &self.ranks[self.rows[row] as usize]
    }
}

impl Keys {
    pub(super) fn push(&mut self, key: &str) {
        let known = self.distinct.len();
        let number = self.distinct.number(key.as_bytes());
        if self.distinct.len() > known
            && let Some(ranked) = self.ranked.take()
        {
            self.sorted = ranked.sorted;
        }
        make_room(&mut self.rows, 1);
        self.rows.push(number);
    }

    pub(super) fn is_empty(&self, row: usize) -> bool {
        self.distinct.get(self.rows[row]).is_empty()
    }

    pub(super) fn ranks(&self) -> Ranks<'_> {
        Ranks { ranks: &self.ranked.get_or_init(|| self.rank()).ranks, rows: &self.rows }
    }

    fn rank(&self) -> Ranked {
        let numbers = self.sorted.iter().copied().chain(self.sorted.len() as u32..self.distinct.len() as u32);
        // Most keys differ in their first octets, which are at hand here.
        let mut order: Vec<(u64, u32)> = numbers.map(|number| (prefix(self.distinct.get(number)), number)).collect();
        order.sort_by(|(one_prefix, one), (other_prefix, other)| {
            one_prefix.cmp(other_prefix).then_with(|| self.distinct.get(*one).cmp(self.distinct.get(*other)))
        });
        let mut ranks = vec![0; order.len()];
        for (rank, (_, number)) in order.iter().enumerate() {
            ranks[*number as usize] = rank as u32;
        }
        Ranked { sorted: order.into_iter().map(|(_, number)| number).collect(), ranks }
    }

    pub(super) fn bytes(&self) -> usize {
        self.distinct.bytes() + (self.rows.len() + 2 * self.distinct.len()) * size_of::<u32>()
    }
}

/// The first octets as a number that has their order; what is shorter counts as filled up with zeros.
fn prefix(key: &[u8]) -> u64 {
    let mut octets = [0; 8];
    let length = key.len().min(8);
    octets[..length].copy_from_slice(&key[..length]);
    u64::from_be_bytes(octets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ranks_have_the_order_of_the_keys(words in proptest::collection::vec("[ab\0]{0,12}", 0..40), cut in 0_usize..40) {
            let mut keys = Keys::default();
            for (at, word) in words.iter().enumerate() {
                // Asking in between must not change what is answered in the end.
                if at == cut {
                    prop_assert!(keys.ranks().count() <= at);
                }
                keys.push(word);
            }
            let ranks = keys.ranks();
            for (one, word) in words.iter().enumerate() {
                prop_assert_eq!(keys.is_empty(one), word.is_empty());
                for (other, with) in words.iter().enumerate() {
                    prop_assert_eq!(ranks[one].cmp(&ranks[other]), word.as_bytes().cmp(with.as_bytes()));
                }
            }
        }
    }
}
