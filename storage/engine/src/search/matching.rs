//! Which documents of a block contain a text.
//!
//! Called by `find.rs` for each block. A phrase is looked up token by token: the dictionary says which terms fit each, and positions
//! that follow one another say where the phrase stands. The answer is that of looking into the text, or that one has to look.

use super::block::{Section, field_term};
use super::postings::documents;
use super::terms::Terms;
use super::tokens::{Fit, Phrase, phrase};
use std::ops::Range;

/// Where a text is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Within {
    /// In a line of the header, `name: value`.
    Header,
    /// In the value of a field of this name, in lower case.
    Field(String),
    /// In a piece of the body.
    Body,
}

/// A text that is looked for, as its collation key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sought {
    /// Where.
    pub within: Within,
    /// The text; empty means that there is such a line, field or body at all.
    pub text: String,
}

/// Is it there? `None`: one has to look.
pub(crate) type Verdict = Option<bool>;

/// What is looked for, as terms.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) section: Section,
    phrase: Phrase,
    /// The term of the field that it must be in.
    field: Option<Vec<u8>>,
}

/// Reads postings: those at each of the ranges.
pub(crate) type Fetch<'a, E> = &'a mut dyn FnMut(Section, &[Range<u64>]) -> Result<Vec<Vec<u8>>, E>;

/// A token of a document and the document: the number in the upper half, the position in the lower.
type Place = u64;

impl Plan {
    /// `None` when terms can say nothing about it.
    pub(crate) fn new(sought: &Sought) -> Option<Self> {
        let (section, field) = match &sought.within {
            Within::Header => (Section::Header, None),
            Within::Field(name) => (Section::Header, Some(field_term(name))),
            Within::Body => (Section::Body, None),
        };
        Some(Self { section, phrase: phrase(&sought.text)?, field })
    }

    /// The answer for each document of a block.
    pub(crate) fn search<E>(&self, terms: &Terms, document_count: usize, fetch: Fetch<'_, E>) -> Result<Vec<Verdict>, E> {
        let mut verdicts = vec![Some(false); document_count];
        let mut say = |document: u32, verdict: Verdict| {
            if let Some(said) = verdicts.get_mut(document as usize)
                && *said != Some(true)
            {
                *said = verdict;
            }
        };
        let certain = if self.phrase.is_certain { Some(true) } else { None };
        match (&self.phrase.tokens[..], &self.field) {
            ([], None) if self.section == Section::Body => (0..document_count).for_each(|document| say(document as u32, Some(true))),
            ([], field) => {
                let term = field.clone().unwrap_or_else(|| field_term(""));
                for octets in fetch(self.section, &terms.find(&term, Fit::Exact))? {
                    documents(&octets).for_each(|(document, _)| say(document, Some(true)));
                }
            }
            // Where in the document is of no interest.
            ([(token, fit)], None) => {
                for octets in fetch(self.section, &terms.find(token.as_bytes(), *fit))? {
                    documents(&octets).for_each(|(document, _)| say(document, certain));
                }
            }
            (_, None) => self.places(terms, fetch)?.into_iter().for_each(|place| say((place >> 32) as u32, certain)),
            (_, Some(field)) => {
                let places = self.places(terms, fetch)?;
                if !places.is_empty() {
                    let lines = all_places(&fetch(self.section, &terms.find(&field_term(""), Fit::Exact))?);
                    let borders = all_places(&fetch(self.section, &terms.find(field, Fit::Exact))?);
                    for place in places {
                        match in_value(place, &lines, &borders) {
                            InValue::Yes => say((place >> 32) as u32, certain),
                            InValue::Perhaps => say((place >> 32) as u32, None),
                            InValue::No => {}
                        }
                    }
                }
            }
        }
        Ok(verdicts)
    }

    /// Where the phrase stands: the places of its first token, ascending.
    fn places<E>(&self, terms: &Terms, fetch: Fetch<'_, E>) -> Result<Vec<Place>, E> {
        let mut tokens = Vec::with_capacity(self.phrase.tokens.len());
        for (at, (token, fit)) in self.phrase.tokens.iter().enumerate() {
            let ranges = terms.find(token.as_bytes(), *fit);
            if ranges.is_empty() {
                return Ok(Vec::new());
            }
            let bytes: u64 = ranges.iter().map(|range| range.end - range.start).sum();
            tokens.push((bytes, at as u32, ranges));
        }
        // The rarest first: the others need be read only where it stands.
        tokens.sort_unstable_by_key(|(bytes, at, _)| (*bytes, *at));
        let mut places: Option<Vec<Place>> = None;
        for (_, at, ranges) in tokens {
            let postings = fetch(self.section, &ranges)?;
            places = Some(match places {
                None => {
                    let mut places = all_places(&postings);
                    places.retain(|place| *place as u32 >= at);
                    for place in &mut places {
                        *place -= u64::from(at);
                    }
                    places
                }
                Some(places) => followed(places, &postings, at),
            });
            if places.as_ref().is_some_and(Vec::is_empty) {
                break;
            }
        }
        Ok(places.unwrap_or_default())
    }
}

/// All places of some terms, ascending.
fn all_places(postings: &[Vec<u8>]) -> Vec<Place> {
    let mut places = Vec::with_capacity(postings.iter().map(Vec::len).sum());
    for octets in postings {
        for (document, positions) in documents(octets) {
            let upper = u64::from(document) << 32;
            places.extend(positions.map(|position| upper | u64::from(position)));
        }
    }
    if postings.len() > 1 {
        places.sort_unstable();
        places.dedup();
    }
    places
}

/// Those places that have one of the terms so many tokens behind.
fn followed(mut places: Vec<Place>, postings: &[Vec<u8>], behind: u32) -> Vec<Place> {
    let mut kept = vec![false; places.len()];
    for octets in postings {
        let mut at = 0;
        for (document, positions) in documents(octets) {
            while at < places.len() && (places[at] >> 32) as u32 != document {
                if (places[at] >> 32) as u32 > document {
                    break;
                }
                at += 1;
            }
            if at == places.len() {
                break;
            }
            if (places[at] >> 32) as u32 > document {
                continue;
            }
            for position in positions {
                let wanted = u64::from(document) << 32 | u64::from(position);
                while at < places.len() && places[at] + u64::from(behind) < wanted {
                    at += 1;
                }
                if at < places.len() && places[at] + u64::from(behind) == wanted {
                    kept[at] = true;
                }
            }
        }
    }
    let mut kept = kept.into_iter();
    places.retain(|_| kept.next().unwrap_or(false));
    places
}

enum InValue {
    Yes,
    /// It begins in the token that name and value share.
    Perhaps,
    No,
}

/// Does a place lie in the value of a field? `lines` is where all lines begin, `borders` the last token of the names in question.
fn in_value(place: Place, lines: &[Place], borders: &[Place]) -> InValue {
    let line = lines.partition_point(|line| *line <= place);
    let Some(begin) = line.checked_sub(1).map(|line| lines[line]) else { return InValue::No };
    let end = lines.get(line).copied().unwrap_or(Place::MAX);
    match borders.get(borders.partition_point(|border| *border < begin)) {
        Some(border) if *border < end && *border < place => InValue::Yes,
        Some(border) if *border < end && *border == place => InValue::Perhaps,
        _ => InValue::No,
    }
}

#[cfg(test)]
mod tests {
    use super::super::block::{Builder, Encoded, Piece, merge};
    use super::*;
    use proptest::prelude::*;
    use std::convert::Infallible;

    /// A document as it is scanned: fields as `(name, value)`, and the pieces of the body.
    #[derive(Debug, Clone)]
    struct Document {
        fields: Vec<(String, String)>,
        body: Vec<String>,
    }

    impl Document {
        fn contains(&self, sought: &Sought) -> bool {
            let text = &sought.text;
            match &sought.within {
                Within::Header => self.fields.iter().any(|(name, value)| format!("{name}: {value}").contains(text)),
                Within::Field(field) => self.fields.iter().any(|(name, value)| name == field && value.contains(text)),
                Within::Body => text.is_empty() || self.body.iter().any(|piece| piece.contains(text)),
            }
        }

        fn add(&self, builder: &mut Builder, number: usize) {
            let mut adding = builder.begin();
            for (name, value) in &self.fields {
                adding.piece(Piece::Field { name: Some(name), line: &format!("{name}: {value}"), value_at: name.len() + 2 });
            }
            for piece in &self.body {
                adding.piece(Piece::Body(piece));
            }
            assert!(adding.finish(key(number)));
        }
    }

    fn key(number: usize) -> [u8; 16] {
        (number as u128).to_le_bytes()
    }

    fn search(block: &Encoded, sought: &Sought) -> Vec<Verdict> {
        let Some(plan) = Plan::new(sought) else { return vec![None; block.keys.len()] };
        let section = &block.sections[plan.section as usize];
        let terms = Terms::new(section.terms.clone());
        let mut fetch = |_, ranges: &[Range<u64>]| -> Result<Vec<Vec<u8>>, Infallible> {
            Ok(ranges.iter().map(|range| section.postings[range.start as usize..range.end as usize].to_vec()).collect())
        };
        plan.search(&terms, block.keys.len(), &mut fetch).unwrap()
    }

    /// Few letters and many separators, so that needles are found and borders are met.
    fn text(length: usize) -> impl Strategy<Value = String> {
        let parts = proptest::sample::select(
            &[
                "a", "b", "ab", "ss", "\u{3c3}", "\u{e9}", "e\u{301}", "i\u{307}", "7", " ", " ", " ", "  ", ", ", "\r\n", "<", "@", "-",
                "—", ": ", "\u{a0}", "漢字",
            ][..],
        );
        proptest::collection::vec(parts, 0..length).prop_map(|parts| parts.concat())
    }

    fn document() -> impl Strategy<Value = Document> {
        let name = proptest::sample::select(&["a", "b", "a-b", "-", "ab"][..]).prop_map(str::to_owned);
        let value = text(8).prop_map(|value| value.trim().to_owned());
        let fields = proptest::collection::vec((name, value), 0..4);
        (fields, proptest::collection::vec(text(12), 0..4)).prop_map(|(fields, body)| Document { fields, body })
    }

    fn within() -> impl Strategy<Value = Within> {
        prop_oneof![
            Just(Within::Header),
            Just(Within::Body),
            proptest::sample::select(&["a", "a-b", "-", "none"][..]).prop_map(|name| Within::Field(name.to_owned()))
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        /// What the index says is what scanning says, whatever stands at the borders; only a space at an end, and the border between a
        /// name and its value, leave it open.
        #[test]
        fn answers_are_those_of_scanning(
            documents in proptest::collection::vec(document(), 1..6),
            within in within(),
            needle in text(5),
            cut: usize,
            length in 0usize..12,
            drop: u8,
        ) {
            // Needles out of the documents themselves, cut anywhere, besides those made up.
            let lines = |d: &Document| d.fields.iter().map(|(n, v)| format!("{n}: {v}")).collect::<String>();
            let chars: Vec<char> = documents.iter().map(|d| d.body.concat() + &lines(d)).collect::<String>().chars().collect();
            let from = if chars.is_empty() { 0 } else { cut % chars.len() };
            let own: String = chars[from..(from + length).min(chars.len())].iter().collect();
            let mut blocks: Vec<Encoded> = Vec::new();
            for (at, half) in documents.chunks(2).enumerate() {
                let mut builder = Builder::default();
                // One that is begun and not finished leaves nothing behind.
                builder.begin().piece(Piece::Body("a b"));
                half.iter().enumerate().for_each(|(number, document)| document.add(&mut builder, at * 2 + number));
                blocks.push(builder.encode());
            }
            let merged = merge(blocks, &|key| *key != u128::from(drop).to_le_bytes());
            for text in [needle, own] {
                let sought = Sought { within: within.clone(), text };
                for (key, verdict) in merged.keys.iter().zip(search(&merged, &sought)) {
                    let document = &documents[u128::from_le_bytes(*key) as usize];
                    let truth = document.contains(&sought);
                    if let Some(verdict) = verdict {
                        prop_assert_eq!(verdict, truth, "{:?} in {:?}", sought, document);
                        continue;
                    }
                    let edge = sought.text.starts_with(' ') || sought.text.ends_with(' ');
                    let border = matches!(sought.within, Within::Field(_));
                    prop_assert!(edge || border, "{:?} in {:?} was left open", sought, document);
                }
            }
            prop_assert_eq!(merged.keys.len(), documents.len() - usize::from(usize::from(drop) < documents.len()));
        }
    }

    #[test]
    fn ordinary_needles_are_answered() {
        let documents = [
            Document {
                fields: vec![("subject".into(), "quota embargo".into()), ("from".into(), "<a@b.example>".into())],
                body: vec!["the quota, embargo".into(), "tail".into()],
            },
            Document { fields: vec![("subject".into(), "other".into())], body: vec!["quotas and a quota embargoed".into()] },
        ];
        let mut builder = Builder::default();
        documents.iter().enumerate().for_each(|(number, document)| document.add(&mut builder, number));
        let block = builder.encode();
        let ask = |within: &Within, text: &str| search(&block, &Sought { within: within.clone(), text: text.into() });
        let field = |name: &str| Within::Field(name.into());
        assert_eq!(ask(&Within::Body, "quota embargo"), [Some(false), Some(true)]);
        assert_eq!(ask(&Within::Header, "quota embargo"), [Some(true), Some(false)]);
        assert_eq!(ask(&Within::Header, "subject: quota"), [Some(true), Some(false)]);
        assert_eq!(ask(&field("subject"), "subject"), [Some(false), Some(false)]);
        assert_eq!(ask(&field("subject"), "ota em"), [Some(true), Some(false)]);
        assert_eq!(ask(&field("from"), "b.exam"), [Some(true), Some(false)]);
        assert_eq!(ask(&field("from"), "<a"), [None, Some(false)]);
        assert_eq!(ask(&field("from"), ""), [Some(true), Some(false)]);
        assert_eq!(ask(&Within::Body, "embargo tail"), [Some(false), Some(false)]);
        assert_eq!(ask(&Within::Body, "quota "), [None, None]);
        assert_eq!(ask(&Within::Body, ""), [Some(true), Some(true)]);
    }
}
