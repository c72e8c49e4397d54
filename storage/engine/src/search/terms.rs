//! The dictionary of one section of a block: its terms in one run of octets, so that looking for a part of a term is one sweep over it.
//!
//! An entry is `0xff`, the term, `0xfe`, and how long its postings are, in octal digits `0xf6` to `0xfd`. None of these octets occurs
//! in UTF-8, so no term or needle can look like them. Entries ascend by term; their postings lie in the same order.

use super::tokens::Fit;
use memchr::{memchr, memmem, memrchr};
use std::ops::Range;

const BEGIN: u8 = 0xff;
const END: u8 = 0xfe;
const DIGIT: u8 = 0xf6;
/// First octet of a term that is no text: where header fields are.
pub(crate) const MARK: u8 = 0xf5;
/// Octets of dictionary between the places whose postings' offset is kept in memory.
const SAMPLE_BYTES: usize = 1024;

/// Put an entry behind the others.
pub(crate) fn push_entry(out: &mut Vec<u8>, term: &[u8], postings_bytes: usize) {
    out.push(BEGIN);
    out.extend_from_slice(term);
    out.push(END);
    let mut left = postings_bytes;
    while left > 0 {
        out.push(DIGIT + (left & 7) as u8);
        left >>= 3;
    }
}

/// An entry of a dictionary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry<'a> {
    pub(crate) term: &'a [u8],
    /// Its postings, as offsets in the section's.
    pub(crate) postings: Range<u64>,
}

/// A dictionary ready for use.
#[derive(Debug, Default)]
pub(crate) struct Terms {
    octets: Vec<u8>,
    /// Where some entries begin, and where their postings do; ascending.
    samples: Vec<(usize, u64)>,
}

impl Terms {
    pub(crate) fn new(octets: Vec<u8>) -> Self {
        let mut samples = Vec::with_capacity(octets.len() / SAMPLE_BYTES + 1);
        let mut walk = Walk { octets: &octets, at: 0, offset: 0 };
        loop {
            if samples.last().is_none_or(|(at, _)| walk.at >= at + SAMPLE_BYTES) {
                samples.push((walk.at, walk.offset));
            }
            if walk.next().is_none() {
                break;
            }
        }
        Self { octets, samples }
    }

    /// Octets of memory.
    pub(crate) fn bytes(&self) -> u64 {
        (self.octets.len() + self.samples.len() * 16) as u64
    }

    /// All entries.
    pub(crate) fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        Walk { octets: &self.octets, at: 0, offset: 0 }
    }

    /// Postings of the terms that fit.
    pub(crate) fn find(&self, needle: &[u8], fit: Fit) -> Vec<Range<u64>> {
        let mut pattern = Vec::with_capacity(needle.len() + 2);
        if matches!(fit, Fit::Exact | Fit::Prefix) {
            pattern.push(BEGIN);
        }
        pattern.extend_from_slice(needle);
        if matches!(fit, Fit::Exact | Fit::Suffix) {
            pattern.push(END);
        }
        let finder = memmem::Finder::new(&pattern);
        let mut found = Vec::new();
        let mut walk = Walk { octets: &self.octets, at: 0, offset: 0 };
        let mut from = 0;
        while let Some(hit) = finder.find(&self.octets[from..]) {
            let until = (from + hit + 1).min(self.octets.len());
            let Some(begin) = memrchr(BEGIN, &self.octets[..until]) else { break };
            let sample = self.samples.partition_point(|(at, _)| *at <= begin).checked_sub(1).map(|at| self.samples[at]);
            if let Some((at, offset)) = sample
                && at > walk.at
            {
                (walk.at, walk.offset) = (at, offset);
            }
            while walk.at < begin && walk.next().is_some() {}
            let Some(entry) = walk.next() else { break };
            if entry.term.first() != Some(&MARK) || needle.first() == Some(&MARK) {
                found.push(entry.postings);
            }
            from = walk.at;
        }
        found
    }
}

struct Walk<'a> {
    octets: &'a [u8],
    at: usize,
    offset: u64,
}

impl<'a> Iterator for Walk<'a> {
    type Item = Entry<'a>;
    fn next(&mut self) -> Option<Entry<'a>> {
        let rest = self.octets.get(self.at + 1..)?;
        let end = memchr(END, rest)?;
        let digits = rest[end + 1..].iter().take_while(|octet| (DIGIT..END).contains(octet)).count();
        let bytes = rest[end + 1..=end + digits].iter().rev().fold(0u64, |sum, digit| (sum << 3) | u64::from(digit - DIGIT));
        let start = self.offset;
        self.at += 1 + end + 1 + digits;
        self.offset += bytes;
        Some(Entry { term: &rest[..end], postings: start..self.offset })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_found_by_any_part() {
        let mut octets = Vec::new();
        let all: [(&[u8], usize); 6] =
            [(b"a", 1), (b"ab", 0), (b"bab", 4096), (b"caba", 7), ("\u{e9}t\u{e9}".as_bytes(), 8), (b"\xf5ab", 9)];
        let mut starts = Vec::new();
        let mut sum = 0;
        for (term, bytes) in all {
            push_entry(&mut octets, term, bytes);
            starts.push(sum..sum + bytes as u64);
            sum += bytes as u64;
        }
        let terms = Terms::new(octets);
        let find = |needle: &[u8], fit| -> Vec<usize> {
            terms.find(needle, fit).iter().filter_map(|range| starts.iter().position(|start| start == range)).collect()
        };
        assert_eq!(find(b"ab", Fit::Inside), [1, 2, 3]);
        assert_eq!(find(b"ab", Fit::Exact), [1]);
        assert_eq!(find(b"ab", Fit::Suffix), [1, 2]);
        assert_eq!(find(b"ab", Fit::Prefix), [1]);
        assert_eq!(find("\u{e9}".as_bytes(), Fit::Suffix), [4]);
        assert_eq!(find(b"\xf5ab", Fit::Exact), [5]);
        assert_eq!(find(b"zz", Fit::Inside), [0usize; 0]);
        assert_eq!(terms.entries().map(|entry| entry.term.to_vec()).collect::<Vec<_>>(), all.map(|(term, _)| term.to_vec()));
        assert!(Terms::new(Vec::new()).find(b"a", Fit::Inside).is_empty());
    }

    #[test]
    fn samples_lead_to_the_same_places() {
        let mut octets = Vec::new();
        for number in 0..5000usize {
            push_entry(&mut octets, format!("{number:05}").as_bytes(), number % 100);
        }
        let terms = Terms::new(octets);
        assert!(terms.samples.len() > 10);
        for entry in terms.entries().step_by(37) {
            assert_eq!(terms.find(entry.term, Fit::Exact), std::slice::from_ref(&entry.postings));
        }
        assert_eq!(terms.find(b"99", Fit::Suffix).len(), 50);
        assert_eq!(terms.find(b"", Fit::Inside).len(), 5000);
    }
}
