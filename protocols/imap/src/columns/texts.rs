//! A column of texts, as their collation keys: those that differ are one run of octets, searched in one pass.

use super::dictionary::Dictionary;
use super::make_room;
use memchr::memmem::Finder;

/// Behind each text. No UTF-8 has it, so nothing that is looked for reaches over it.
const END: u8 = 0xff;

/// Per row the texts of one field, none when the field is not there.
#[derive(Debug, Clone, Default)]
pub(super) struct Texts {
    runs: Dictionary,
    /// The run of each row.
    rows: Vec<u32>,
    /// Rows of which this column says nothing, ascending.
    unknown: Vec<u32>,
}

/// A set of rows.
#[derive(Debug, Clone)]
pub(crate) struct Bits(Vec<u64>);

impl Bits {
    /// None of so many.
    pub(super) fn new(rows: usize) -> Self {
        Self(vec![0; rows.div_ceil(64)])
    }

    pub(super) fn set(&mut self, row: usize) {
        self.0[row / 64] |= 1 << (row % 64);
    }

    pub(super) fn contains(&self, row: usize) -> bool {
        self.0[row / 64] >> (row % 64) & 1 == 1
    }
}

/// A row's texts as one run, as [`Texts::push`] takes it.
pub(super) fn joined<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<u8> {
    let mut octets = Vec::new();
    for text in texts {
        octets.extend_from_slice(text.as_bytes());
        octets.push(END);
    }
    octets
}

impl Texts {
    /// The next row; nothing when it is not known.
    pub(super) fn push(&mut self, joined: Option<&[u8]>) {
        if joined.is_none() {
            self.unknown.push(self.rows.len() as u32);
        }
        let run = self.runs.number(joined.unwrap_or_default());
        make_room(&mut self.rows, 1);
        self.rows.push(run);
    }

    pub(super) fn unknown(&self) -> &[u32] {
        &self.unknown
    }

    /// The rows that have a text with the needle in it. The empty needle is in every text.
    pub(super) fn with(&self, needle: &[u8]) -> Bits {
        let runs = self.runs_with(needle);
        let mut found = Bits::new(self.rows.len());
        for (row, run) in self.rows.iter().enumerate() {
            if runs.contains(*run as usize) {
                found.set(row);
            }
        }
        found
    }

    fn runs_with(&self, needle: &[u8]) -> Bits {
        let (octets, ends) = (self.runs.octets(), self.runs.ends());
        let mut found = Bits::new(ends.len());
        if needle.is_empty() {
            let mut start = 0;
            for (run, end) in ends.iter().enumerate() {
                if start < *end {
                    found.set(run);
                }
                start = *end;
            }
            return found;
        }
        let finder = Finder::new(needle);
        let (mut at, mut run) = (0, 0);
        while let Some(next) = finder.find(&octets[at..]) {
            run += ends[run..].iter().take_while(|end| **end as usize <= at + next).count();
            found.set(run);
            // Once is enough.
            at = ends[run] as usize;
        }
        found
    }

    pub(super) fn bytes(&self) -> usize {
        self.runs.bytes() + self.rows.len() * size_of::<u32>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rows_with(rows: &[Option<Vec<String>>], needle: &str) -> Vec<usize> {
        let mut texts = Texts::default();
        for row in rows {
            texts.push(row.as_ref().map(|texts| joined(texts.iter().map(String::as_str))).as_deref());
        }
        let found = texts.with(needle.as_bytes());
        (0..rows.len()).filter(|row| found.contains(*row)).collect()
    }

    proptest! {
        #[test]
        fn one_pass_finds_what_each_text_has(
            rows in proptest::collection::vec(proptest::option::of(proptest::collection::vec("[abé]{0,4}", 0..3)), 0..80),
            needle in "[abé]{0,2}",
        ) {
            let has = |row: &Option<Vec<String>>| row.as_ref().is_some_and(|texts| texts.iter().any(|text| text.contains(&needle)));
            let expected: Vec<usize> = (0..rows.len()).filter(|at| has(&rows[*at])).collect();
            prop_assert_eq!(rows_with(&rows, &needle), expected);
        }
    }
}
