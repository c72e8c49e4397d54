//! A column of collation keys, and each row's place in their order.

use super::make_room;
use std::sync::OnceLock;

/// Per row a key.
#[derive(Debug, Clone, Default)]
pub(super) struct Keys {
    octets: Vec<u8>,
    /// Where each row ends; a column has far less than four gigabytes.
    ends: Vec<u32>,
    /// The order of the rows that there were when it was last asked for: new ones are few, and sorting takes up what is sorted.
    sorted: Vec<u32>,
    ranked: OnceLock<Ranked>,
}

#[derive(Debug, Clone)]
struct Ranked {
    sorted: Vec<u32>,
    ranks: Vec<u32>,
}

impl Keys {
    pub(super) fn push(&mut self, key: &str) {
        if let Some(ranked) = self.ranked.take() {
            self.sorted = ranked.sorted;
        }
        make_room(&mut self.octets, key.len());
        make_room(&mut self.ends, 1);
        self.octets.extend_from_slice(key.as_bytes());
        self.ends.push(self.octets.len() as u32);
    }

    fn key(&self, row: usize) -> &[u8] {
        let start = row.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.octets[start as usize..self.ends[row] as usize]
    }

    pub(super) fn is_empty(&self, row: usize) -> bool {
        self.key(row).is_empty()
    }

    /// Each row's place in the order of the keys; equal keys have the same.
    pub(super) fn ranks(&self) -> &[u32] {
        &self.ranked.get_or_init(|| self.rank()).ranks
    }

    fn rank(&self) -> Ranked {
        let rows = self.sorted.iter().copied().chain(self.sorted.len() as u32..self.ends.len() as u32);
        // Most keys differ in their first octets, which are at hand here.
        let mut order: Vec<(u64, u32)> = rows.map(|row| (prefix(self.key(row as usize)), row)).collect();
        order.sort_by(|(one_prefix, one), (other_prefix, other)| {
            one_prefix.cmp(other_prefix).then_with(|| self.key(*one as usize).cmp(self.key(*other as usize)))
        });
        let mut ranks = vec![0; order.len()];
        let mut rank = 0;
        for (at, (_, row)) in order.iter().enumerate() {
            if at > 0 && self.key(order[at - 1].1 as usize) != self.key(*row as usize) {
                rank += 1;
            }
            ranks[*row as usize] = rank;
        }
        Ranked { sorted: order.into_iter().map(|(_, row)| row).collect(), ranks }
    }

    pub(super) fn bytes(&self) -> usize {
        self.octets.len() + self.ends.len() * 3 * size_of::<u32>()
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
                    prop_assert_eq!(keys.ranks().len(), at);
                }
                keys.push(word);
            }
            let ranks = keys.ranks().to_vec();
            for (one, word) in words.iter().enumerate() {
                prop_assert_eq!(keys.is_empty(one), word.is_empty());
                for (other, with) in words.iter().enumerate() {
                    prop_assert_eq!(ranks[one].cmp(&ranks[other]), word.as_bytes().cmp(with.as_bytes()));
                }
            }
        }
    }
}
