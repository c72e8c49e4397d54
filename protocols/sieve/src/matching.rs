//! Comparators (RFC 4790) with the match types of RFC 5228 section 2.7.1. Every comparison says what it costs before it is made.

use crate::script::Comparator;
use memchr::memmem;
use octroi_mime::collation_key;
use std::borrow::Cow;
use std::cmp::Ordering;

/// What is left of what a run may look at.
#[derive(Debug)]
pub(crate) struct Budget(u64);

/// It is used up.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Exhausted;

impl Budget {
    pub(crate) fn new(bytes: u64) -> Self {
        Self(bytes)
    }

    pub(crate) fn spend(&mut self, bytes: usize) -> Result<(), Exhausted> {
        self.0 = self.0.checked_sub(bytes as u64).ok_or(Exhausted)?;
        Ok(())
    }
}

/// A text in the form in which the comparator sees it.
fn folded(text: &str, comparator: Comparator) -> Cow<'_, str> {
    match comparator {
        Comparator::AsciiCasemap if text.bytes().any(|b| b.is_ascii_uppercase()) => Cow::Owned(text.to_ascii_lowercase()),
        Comparator::Octet | Comparator::AsciiNumeric | Comparator::AsciiCasemap => Cow::Borrowed(text),
        Comparator::UnicodeCasemap => collation_key(text),
    }
}

/// How two texts are ordered.
pub(crate) fn compare(left: &str, right: &str, comparator: Comparator, budget: &mut Budget) -> Result<Ordering, Exhausted> {
    budget.spend(left.len() + right.len())?;
    Ok(match comparator {
        Comparator::AsciiNumeric => numeric(left).cmp(&numeric(right)),
        _ => folded(left, comparator).as_bytes().cmp(folded(right, comparator).as_bytes()),
    })
}

/// RFC 4790 section 9.1.1: digits at the beginning, as a number however long; without any it is infinite. Ordered as numbers are.
fn numeric(text: &str) -> (bool, usize, &[u8]) {
    let end = text.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(text.len());
    let digits = text[..end].trim_start_matches('0').as_bytes();
    if end == 0 { (true, 0, b"") } else { (false, digits.len(), digits) }
}

/// Is `part` somewhere in `text`?
pub(crate) fn contains(text: &str, part: &str, comparator: Comparator, budget: &mut Budget) -> Result<bool, Exhausted> {
    budget.spend(text.len() + part.len())?;
    Ok(memmem::find(folded(text, comparator).as_bytes(), folded(part, comparator).as_bytes()).is_some())
}

/// Does `text` fit a pattern of `*`, `?` and `\`? Gives what each wildcard stood for, as little as possible each from the left
/// (RFC 5229 section 3.2).
pub(crate) fn matches(text: &str, pattern: &str, comparator: Comparator, budget: &mut Budget) -> Result<Option<Vec<String>>, Exhausted> {
    budget.spend(text.len() + pattern.len())?;
    let subject = Subject::new(text, comparator);
    let segments = segments(pattern, comparator);
    let mut found = Vec::new();
    let Some((first, rest)) = segments.split_first() else { return Ok(None) };
    let Some(mut at) = first.fits(&subject, 0, &mut found, budget)? else { return Ok(None) };
    let Some((last, middle)) = rest.split_last() else {
        return Ok((at == subject.folded.len()).then_some(found));
    };
    for segment in middle {
        let Some((start, end, inner)) = segment.find(&subject, at, budget)? else { return Ok(None) };
        found.push(subject.original(at, start).to_owned());
        found.extend(inner);
        at = end;
    }
    let Some(start) = last.start_at_end(&subject, at) else { return Ok(None) };
    let mut inner = Vec::new();
    if last.fits(&subject, start, &mut inner, budget)? != Some(subject.folded.len()) {
        return Ok(None);
    }
    found.push(subject.original(at, start).to_owned());
    found.extend(inner);
    Ok(Some(found))
}

/// A text, folded, that knows where each of its characters came from.
struct Subject<'t> {
    text: &'t str,
    folded: Cow<'t, str>,
    /// For each octet of what is folded, and its end, where it comes from; `None`: the same place.
    places: Option<Vec<usize>>,
}

impl<'t> Subject<'t> {
    fn new(text: &'t str, comparator: Comparator) -> Self {
        if comparator != Comparator::UnicodeCasemap || text.is_ascii() {
            return Self { text, folded: folded(text, comparator), places: None };
        }
        // Character by character, so that what a wildcard stood for can be told.
        let (mut folded, mut places) = (String::with_capacity(text.len()), Vec::with_capacity(text.len() + 1));
        let mut buffer = [0; 4];
        for (at, c) in text.char_indices() {
            folded.push_str(&collation_key(c.encode_utf8(&mut buffer)));
            places.resize(folded.len(), at);
        }
        places.push(text.len());
        Self { text, folded: Cow::Owned(folded), places: Some(places) }
    }

    fn original(&self, from: usize, to: usize) -> &'t str {
        let place = |at: usize| self.places.as_ref().map_or(at, |places| places[at]);
        self.text.get(place(from)..place(to)).unwrap_or_default()
    }

    /// The end of the character at `at`; nothing at the end.
    fn character_end(&self, at: usize) -> Option<usize> {
        let c = self.folded[at..].chars().next()?;
        let mut end = at + c.len_utf8();
        // One character of the text may be several when folded.
        if let Some(places) = &self.places {
            while end < self.folded.len() && places[end] == places[at] {
                end += 1;
            }
        }
        Some(end)
    }
}

/// What stands between two `*`.
struct Segment(Vec<Atom>);

enum Atom {
    /// Folded, not empty.
    Literal(String),
    /// `?`
    One,
}

impl Segment {
    /// Does the subject go on like this? Gives the end, and appends what each `?` was.
    fn fits(&self, subject: &Subject<'_>, from: usize, found: &mut Vec<String>, budget: &mut Budget) -> Result<Option<usize>, Exhausted> {
        let mut at = from;
        for atom in &self.0 {
            match atom {
                Atom::Literal(text) => {
                    budget.spend(text.len().min(16))?;
                    if !subject.folded.as_bytes()[at..].starts_with(text.as_bytes()) {
                        return Ok(None);
                    }
                    at += text.len();
                }
                Atom::One => {
                    budget.spend(1)?;
                    let Some(end) = subject.character_end(at) else { return Ok(None) };
                    found.push(subject.original(at, end).to_owned());
                    at = end;
                }
            }
        }
        Ok(Some(at))
    }

    /// The first place at or behind `from` where it fits.
    #[allow(clippy::type_complexity)]
    fn find(&self, subject: &Subject<'_>, from: usize, budget: &mut Budget) -> Result<Option<(usize, usize, Vec<String>)>, Exhausted> {
        match self.0.as_slice() {
            // `**`
            [] => return Ok(Some((from, from, Vec::new()))),
            [Atom::Literal(text)] => {
                budget.spend(subject.folded.len() - from)?;
                let at = memmem::find(&subject.folded.as_bytes()[from..], text.as_bytes());
                return Ok(at.map(|at| (from + at, from + at + text.len(), Vec::new())));
            }
            _ => {}
        }
        let mut start = from;
        loop {
            let mut inner = Vec::new();
            if let Some(end) = self.fits(subject, start, &mut inner, budget)? {
                return Ok(Some((start, end, inner)));
            }
            budget.spend(inner.iter().map(String::len).sum::<usize>() + 1)?;
            match subject.character_end(start) {
                Some(next) => start = next,
                None => return Ok(None),
            }
        }
    }

    /// Where it has to begin, not before `from`, to end with the subject.
    fn start_at_end(&self, subject: &Subject<'_>, from: usize) -> Option<usize> {
        let mut at = subject.folded.len();
        for atom in self.0.iter().rev() {
            at = match atom {
                Atom::Literal(text) => at.checked_sub(text.len())?,
                Atom::One => {
                    let mut start = subject.folded.get(..at)?.char_indices().next_back()?.0;
                    if let Some(places) = &subject.places {
                        while start > 0 && places[start - 1] == places[start] {
                            start -= 1;
                        }
                    }
                    start
                }
            };
        }
        (at >= from && subject.folded.is_char_boundary(at)).then_some(at)
    }
}

/// A pattern cut at its `*`; there is always one segment more than there are of them.
fn segments(pattern: &str, comparator: Comparator) -> Vec<Segment> {
    let mut all = vec![Segment(Vec::new())];
    let mut literal = String::new();
    let end = |literal: &mut String, all: &mut Vec<Segment>| {
        if !literal.is_empty()
            && let Some(last) = all.last_mut()
        {
            last.0.push(Atom::Literal(folded(literal, comparator).into_owned()));
            literal.clear();
        }
    };
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            '*' => {
                end(&mut literal, &mut all);
                all.push(Segment(Vec::new()));
            }
            '?' => {
                end(&mut literal, &mut all);
                if let Some(last) = all.last_mut() {
                    last.0.push(Atom::One);
                }
            }
            // RFC 5228 section 2.7.1: an escape makes a wildcard a character.
            '\\' => literal.push(chars.next().unwrap_or('\\')),
            c => literal.push(c),
        }
    }
    end(&mut literal, &mut all);
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn matched(text: &str, pattern: &str) -> Option<Vec<String>> {
        matches(text, pattern, Comparator::AsciiCasemap, &mut Budget::new(1 << 20)).unwrap()
    }

    #[test]
    fn wildcards_take_as_little_as_they_can() {
        let some = |found: &[&str]| Some(found.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
        assert_eq!(matched("frop@example.com", "*@*.*"), some(&["frop", "example", "com"]));
        assert_eq!(matched("[acme-users] [fwd] version 1.0 is out", "[*] *"), some(&["acme-users", "[fwd] version 1.0 is out"]));
        assert_eq!(matched("abc", "a?c"), some(&["b"]));
        assert_eq!(matched("aéc", "A?C"), some(&["é"]));
        assert_eq!(matched("ac", "a?c"), None);
        assert_eq!(matched("a*c", "a\\*c"), some(&[]));
        assert_eq!(matched("abc", "a\\*c"), None);
        assert_eq!(matched("", "*"), some(&[""]));
        assert_eq!(matched("", ""), some(&[]));
        assert_eq!(matched("x", ""), None);
        assert_eq!(matched("aXbXc", "*X*"), some(&["a", "bXc"]));
        assert_eq!(matched("frop.......frop.........frop....", "?*frop*"), some(&["f", "rop.......", ".........frop...."]));
        assert_eq!(matched("aab", "*?b"), some(&["a", "a"]));
        assert_eq!(matched("ab", "a*?b"), None);
    }

    #[test]
    fn what_was_matched_is_told_as_it_was_written() {
        let matched = |text, pattern| matches(text, pattern, Comparator::UnicodeCasemap, &mut Budget::new(1 << 20)).unwrap();
        assert_eq!(matched("Été à Lyon", "été * ?yon"), Some(vec!["à".to_owned(), "L".to_owned()]));
        assert_eq!(matched("ÉTÉ", "é?é"), Some(vec!["T".to_owned()]));
        assert_eq!(matched("ｆéﬀ", "*?"), Some(vec!["ｆé".to_owned(), "ﬀ".to_owned()]));
    }

    #[test]
    fn numbers_are_compared_however_long() {
        let compared = |a, b| compare(a, b, Comparator::AsciiNumeric, &mut Budget::new(1 << 20)).unwrap();
        assert_eq!(compared("0010", "10"), Ordering::Equal);
        assert_eq!(compared("9", "10"), Ordering::Less);
        assert_eq!(compared("100000000000000000000000000000000000000001", "100000000000000000000000000000000000000000"), Ordering::Greater);
        assert_eq!(compared("5 stars", "5"), Ordering::Equal);
        assert_eq!(compared("", "999"), Ordering::Greater);
        assert_eq!(compared("x", ""), Ordering::Equal);
    }

    #[test]
    fn a_pattern_made_to_take_long_is_given_up() {
        let (text, pattern) = ("a".repeat(20_000), "*?a?a?a?a?a?a?a?a?b".repeat(20));
        assert_eq!(matches(&text, &pattern, Comparator::Octet, &mut Budget::new(100_000)), Err(Exhausted));
    }

    /// As the definition says it, without regard to time.
    fn simple(text: &[char], pattern: &[char]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some(('*', rest)) => (0..=text.len()).any(|at| simple(&text[at..], rest)),
            Some(('?', rest)) => !text.is_empty() && simple(&text[1..], rest),
            Some((c, rest)) => text.first() == Some(c) && simple(&text[1..], rest),
        }
    }

    proptest! {
        #[test]
        fn matching_is_what_its_definition_says(text in "[abé]{0,10}", pattern in "[abé*?]{0,8}") {
            let (characters, wild): (Vec<char>, Vec<char>) = (text.chars().collect(), pattern.chars().collect());
            for comparator in [Comparator::Octet, Comparator::AsciiCasemap, Comparator::UnicodeCasemap] {
                let found = matches(&text, &pattern, comparator, &mut Budget::new(1 << 20)).unwrap();
                prop_assert_eq!(found.is_some(), simple(&characters, &wild));
                if let Some(found) = found {
                    // Put together again, it is the text.
                    let mut values = found.into_iter();
                    let again: String = pattern.chars().map(|c| if c == '*' || c == '?' { values.next().unwrap() } else { c.to_string() }).collect();
                    prop_assert_eq!(&again, &text);
                    prop_assert!(values.next().is_none());
                }
            }
        }
    }
}
