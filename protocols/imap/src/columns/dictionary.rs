//! Texts that a mailbox's messages repeat, such as who writes to it: each is kept once and has a number.

use super::make_room;
use hashbrown::HashTable;
use std::hash::{BuildHasher, RandomState};

/// Octet strings, numbered from 0 in the order in which they came. What nothing refers to any more stays.
#[derive(Debug, Clone, Default)]
pub(super) struct Dictionary {
    octets: Vec<u8>,
    /// Where each ends; together they have far less than four gigabytes.
    ends: Vec<u32>,
    numbers: HashTable<u32>,
    /// Strangers choose what is kept here, so the table's order must not be theirs.
    hasher: RandomState,
}

impl Dictionary {
    /// The number of these octets.
    pub(super) fn number(&mut self, octets: &[u8]) -> u32 {
        let Self { octets: kept, ends, numbers, hasher } = self;
        if let Some(number) = numbers.find(hasher.hash_one(octets), |number| entry(kept, ends, *number) == octets) {
            return *number;
        }
        make_room(kept, octets.len());
        make_room(ends, 1);
        kept.extend_from_slice(octets);
        ends.push(kept.len() as u32);
        let number = ends.len() as u32 - 1;
        numbers.insert_unique(hasher.hash_one(octets), number, |number| hasher.hash_one(entry(kept, ends, *number)));
        number
    }

    /// The octets of a number that was given out.
    pub(super) fn get(&self, number: u32) -> &[u8] {
        entry(&self.octets, &self.ends, number)
    }

    /// All of them, one behind the other.
    pub(super) fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// Where each ends in [`Dictionary::octets`].
    pub(super) fn ends(&self) -> &[u32] {
        &self.ends
    }

    /// How many there are: all numbers are below.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// About how many bytes of memory this takes.
    pub(super) fn bytes(&self) -> usize {
        // A table keeps up to half of its places free.
        self.octets.len() + self.ends.len() * 3 * size_of::<u32>()
    }
}

fn entry<'a>(octets: &'a [u8], ends: &[u32], number: u32) -> &'a [u8] {
    let number = number as usize;
    let start = number.checked_sub(1).map_or(0, |before| ends[before]);
    &octets[start as usize..ends[number] as usize]
}
