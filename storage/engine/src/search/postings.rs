//! Postings: in which documents of a block a term stands, and at which tokens of each.
//!
//! For each document, ascending: how far its number is from the one before (the first from 0), how many octets its positions take, and
//! the positions, each as its distance from the one before. All are numbers of seven bits an octet, the lowest first.

/// Add a number.
pub(crate) fn push_number(out: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Take a number off the front. What does not end is cut off: postings are checked before they are read.
#[inline]
fn take_number(octets: &mut &[u8]) -> Option<u32> {
    let (first, rest) = octets.split_first()?;
    *octets = rest;
    if *first < 0x80 {
        return Some(u32::from(*first));
    }
    let mut number = u32::from(first & 0x7f);
    for shift in (7..35).step_by(7) {
        let (next, rest) = octets.split_first()?;
        *octets = rest;
        number |= u32::from(next & 0x7f) << shift;
        if *next < 0x80 {
            return Some(number);
        }
    }
    None
}

/// One term's postings while they are written.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    pub(crate) octets: Vec<u8>,
    document: u32,
}

impl Writer {
    /// Add a document, larger than those before, with its positions as they are written.
    pub(crate) fn document(&mut self, document: u32, positions: &[u8]) {
        push_number(&mut self.octets, document - self.document);
        push_number(&mut self.octets, positions.len() as u32);
        self.octets.extend_from_slice(positions);
        self.document = document;
    }
}

/// One term's postings, document by document.
#[derive(Debug, Clone)]
pub(crate) struct Documents<'a> {
    octets: &'a [u8],
    document: u32,
}

/// The documents of a term.
pub(crate) fn documents(octets: &[u8]) -> Documents<'_> {
    Documents { octets, document: 0 }
}

impl<'a> Iterator for Documents<'a> {
    type Item = (u32, Positions<'a>);
    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.document = self.document.wrapping_add(take_number(&mut self.octets)?);
        let length = take_number(&mut self.octets)? as usize;
        let (positions, rest) = self.octets.split_at_checked(length)?;
        self.octets = rest;
        Some((self.document, Positions { octets: positions, position: 0 }))
    }
}

/// The positions of a term in one document.
#[derive(Debug, Clone)]
pub(crate) struct Positions<'a> {
    /// As they are written, before any was taken.
    pub(crate) octets: &'a [u8],
    position: u32,
}

impl Iterator for Positions<'_> {
    type Item = u32;
    #[inline]
    fn next(&mut self) -> Option<u32> {
        self.position = self.position.wrapping_add(take_number(&mut self.octets)?);
        Some(self.position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    proptest! {
        #[test]
        fn postings_come_back(
            all in proptest::collection::btree_map(0u32..1 << 31, proptest::collection::btree_set(any::<u32>(), 1..9), 0..9)
        ) {
            let mut writer = Writer::default();
            for (document, positions) in &all {
                let mut octets = Vec::new();
                let mut last = 0;
                for position in positions {
                    push_number(&mut octets, position - last);
                    last = *position;
                }
                writer.document(*document, &octets);
            }
            let back: BTreeMap<u32, BTreeSet<u32>> =
                documents(&writer.octets).map(|(document, positions)| (document, positions.collect())).collect();
            prop_assert_eq!(back, all);
        }

        #[test]
        fn any_octets_are_read_without_harm(octets: Vec<u8>) {
            for (_, positions) in documents(&octets) {
                positions.count();
            }
        }
    }
}
