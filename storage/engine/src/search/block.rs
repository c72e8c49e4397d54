//! A block: the documents of one account that were taken in together, with their terms. Immutable; several are merged into one.
//!
//! Made by the follower in memory ([`Builder`], [`merge`]), written and read by `file.rs`, searched by `matching.rs`. A block has two
//! sections, as asking for the header and asking for the body are two questions: each a dictionary and its postings.

use super::postings::{Writer, documents, push_number};
use super::terms::{Entry, MARK, Terms, push_entry};
use super::tokens::tokens;
use octroi_model::Hash;
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap};

/// Folded octets of text of one document, each of which may be a token that takes eight in memory meanwhile. What has more is not taken in, and scanned whenever it is asked for.
const DOCUMENT_TEXT_BYTES_MAX: usize = 8 << 20;

/// Which document: the first half of its content's hash, which nobody can make two contents share.
pub(crate) type Key = [u8; 16];

/// The key of a content.
pub(crate) fn key_of(hash: &Hash) -> Key {
    let mut key = [0; 16];
    key.copy_from_slice(&hash.0[..16]);
    key
}

/// The parts that are searched separately.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    Header = 0,
    Body = 1,
}

impl Section {
    pub(crate) const ALL: [Self; 2] = [Self::Header, Self::Body];
}

/// A piece of a document's text, as its collation key: what compares equal is equal.
#[derive(Debug, Clone, Copy)]
pub enum Piece<'a> {
    /// A field of the header as one line.
    Field {
        /// Its name in lower case; `None` if it is not UTF-8.
        name: Option<&'a str>,
        /// `name: value`.
        line: &'a str,
        /// Where in the line the value begins; larger than 0.
        value_at: usize,
    },
    /// Text of the body. Nothing is found across two pieces.
    Body(&'a str),
}

/// A block as it is written.
#[derive(Debug, Default)]
pub(crate) struct Encoded {
    pub(crate) keys: Vec<Key>,
    /// By [`Section`].
    pub(crate) sections: [EncodedSection; 2],
}

/// A section as it is written.
#[derive(Debug, Default, Clone)]
pub(crate) struct EncodedSection {
    pub(crate) terms: Vec<u8>,
    pub(crate) postings: Vec<u8>,
}

impl Encoded {
    /// Octets of all of it.
    pub(crate) fn bytes(&self) -> u64 {
        let sections = self.sections.iter().map(|section| section.terms.len() + section.postings.len()).sum::<usize>();
        (sections + self.keys.len() * size_of::<Key>()) as u64
    }
}

/// The term that says where fields of a name are; with an empty name, where all lines begin.
pub(crate) fn field_term(name: &str) -> Vec<u8> {
    let mut term = vec![MARK];
    term.extend_from_slice(name.as_bytes());
    term
}

/// A block that is being made.
#[derive(Debug, Default)]
pub(crate) struct Builder {
    keys: Vec<Key>,
    sections: [SectionBuilder; 2],
}

#[derive(Debug, Default)]
struct SectionBuilder {
    numbers: HashMap<Box<[u8]>, u32>,
    /// By number.
    postings: Vec<Writer>,
    /// Of the document that is being added: the number of a term above the position of one of its tokens.
    found: Vec<u64>,
    position: u32,
    term: Vec<u8>,
}

/// Adds one document to a [`Builder`].
#[derive(Debug)]
pub(crate) struct Adding<'a> {
    builder: &'a mut Builder,
    text_bytes: usize,
}

impl Builder {
    /// Begin a document; unless it is finished, it is not there.
    pub(crate) fn begin(&mut self) -> Adding<'_> {
        for section in &mut self.sections {
            section.found.clear();
            section.position = 0;
        }
        Adding { builder: self, text_bytes: 0 }
    }

    /// As it is written.
    pub(crate) fn encode(self) -> Encoded {
        Encoded { keys: self.keys, sections: self.sections.map(SectionBuilder::encode) }
    }
}

impl Adding<'_> {
    /// Add a piece of it.
    pub(crate) fn piece(&mut self, piece: Piece<'_>) {
        let text = match piece {
            Piece::Field { line, .. } => line,
            Piece::Body(text) => text,
        };
        self.text_bytes = self.text_bytes.saturating_add(text.len());
        if self.text_bytes > DOCUMENT_TEXT_BYTES_MAX {
            return;
        }
        let [header, body] = &mut self.builder.sections;
        match piece {
            Piece::Field { name, line, value_at } => header.line(name, line, value_at),
            Piece::Body(text) => body.text(text),
        }
    }

    /// That was all of it. `false` if it is too much, and left out.
    pub(crate) fn finish(self, key: Key) -> bool {
        if self.text_bytes > DOCUMENT_TEXT_BYTES_MAX {
            return false;
        }
        let document = self.builder.keys.len() as u32;
        self.builder.keys.push(key);
        for section in &mut self.builder.sections {
            section.close(document);
        }
        true
    }
}

impl SectionBuilder {
    fn text(&mut self, text: &str) {
        for token in tokens(text) {
            let position = self.position;
            self.note(token.text.as_bytes(), position);
            self.position += 1;
        }
        // Tokens of different pieces are not adjacent.
        self.position += 1;
    }

    fn line(&mut self, name: Option<&str>, line: &str, value_at: usize) {
        self.note(&[MARK], self.position);
        let mut border = self.position;
        for token in tokens(line) {
            if token.start < value_at {
                border = self.position;
            }
            self.note(token.text.as_bytes(), self.position);
            self.position += 1;
        }
        if let Some(name) = name {
            self.note(&field_term(name), border);
        }
        self.position += 1;
    }

    fn note(&mut self, term: &[u8], position: u32) {
        let number = self.numbers.get(term).copied().unwrap_or_else(|| {
            let number = self.postings.len() as u32;
            self.numbers.insert(term.into(), number);
            self.postings.push(Writer::default());
            number
        });
        self.found.push(u64::from(number) << 32 | u64::from(position));
    }

    fn close(&mut self, document: u32) {
        self.found.sort_unstable();
        for group in self.found.chunk_by(|one, next| one >> 32 == next >> 32) {
            self.term.clear();
            let mut last = 0;
            for position in group.iter().map(|found| *found as u32) {
                push_number(&mut self.term, position - last);
                last = position;
            }
            self.postings[(group[0] >> 32) as usize].document(document, &self.term);
        }
    }

    fn encode(self) -> EncodedSection {
        let mut terms: Vec<(Box<[u8]>, u32)> = self.numbers.into_iter().collect();
        terms.sort_unstable();
        let mut encoded = EncodedSection::default();
        for (term, number) in terms {
            let postings = &self.postings[number as usize].octets;
            // A term that only documents which were left out have.
            if !postings.is_empty() {
                push_entry(&mut encoded.terms, &term, postings.len());
                encoded.postings.extend_from_slice(postings);
            }
        }
        encoded
    }
}

/// One block of several, without the documents that `keep` does not want; `keep` may be asked about a key more than once.
pub(crate) fn merge(blocks: Vec<Encoded>, keep: &dyn Fn(&Key) -> bool) -> Encoded {
    let mut merged = Encoded::default();
    let mut numbers: Vec<Vec<Option<u32>>> = Vec::with_capacity(blocks.len());
    let mut sections: [Vec<EncodedSection>; 2] = Default::default();
    let mut seen = BTreeSet::new();
    for block in blocks {
        let number = |key: &Key| {
            let stays = keep(key) && seen.insert(*key);
            stays.then(|| {
                merged.keys.push(*key);
                (merged.keys.len() - 1) as u32
            })
        };
        numbers.push(block.keys.iter().map(number).collect());
        let [header, body] = block.sections;
        sections[0].push(header);
        sections[1].push(body);
    }
    let [header, body] = sections;
    merged.sections = [merge_sections(header, &numbers), merge_sections(body, &numbers)];
    merged
}

fn merge_sections(sections: Vec<EncodedSection>, numbers: &[Vec<Option<u32>>]) -> EncodedSection {
    let (dictionaries, postings): (Vec<Terms>, Vec<Vec<u8>>) =
        sections.into_iter().map(|section| (Terms::new(section.terms), section.postings)).unzip();
    // The next entry of each, the least first: a list of all of them took more than the blocks.
    let mut walks: Vec<_> = dictionaries.iter().map(Terms::entries).collect();
    let mut heads: BinaryHeap<_> = walks.iter_mut().enumerate().filter_map(|(block, walk)| Some(head(block, &walk.next()?))).collect();
    let mut merged = EncodedSection::default();
    while let Some(&Reverse((term, ..))) = heads.peek() {
        let mut writer = Writer::default();
        while heads.peek().is_some_and(|least| least.0.0 == term)
            && let Some(Reverse((_, block, start, end))) = heads.pop()
        {
            heads.extend(walks[block].next().map(|entry| head(block, &entry)));
            let octets = postings[block].get(start as usize..end as usize).unwrap_or_default();
            for (document, positions) in documents(octets) {
                if let Some(Some(number)) = numbers[block].get(document as usize) {
                    writer.document(*number, positions.octets);
                }
            }
        }
        if !writer.octets.is_empty() {
            push_entry(&mut merged.terms, term, writer.octets.len());
            merged.postings.extend_from_slice(&writer.octets);
        }
    }
    merged
}

/// By its term, then by its block.
fn head<'a>(block: usize, entry: &Entry<'a>) -> Reverse<(&'a [u8], usize, u64, u64)> {
    Reverse((entry.term, block, entry.postings.start, entry.postings.end))
}
