//! Address lists of a header: RFC 5322 section 3.4 with groups and the obsolete forms. Called by the envelope and by
//! whoever needs to know the author of a message.
//!
//! One pass over tokens without recursion. Nothing is refused: what is no address is shown as far as it can be read.

use crate::header::unfolded;
use crate::limits::ADDRESSES_MAX;
use octroi_model::Address;

/// An entry of an address list in the order of the field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AddressEntry {
    /// An address.
    Mailbox {
        /// Display name without quotes, still in RFC 2047's encoding.
        name: Option<Vec<u8>>,
        /// Source route of the obsolete syntax.
        route: Option<Vec<u8>>,
        /// Local part without quotes.
        local: Vec<u8>,
        /// Empty when there was no `@`.
        domain: Vec<u8>,
    },
    /// A group begins; its name.
    GroupStart(Vec<u8>),
    /// The group ends.
    GroupEnd,
}

impl AddressEntry {
    /// The address, when it is one that mail could be sent to.
    pub fn address(&self) -> Option<Address> {
        let Self::Mailbox { local, domain, .. } = self else { return None };
        Address::new(std::str::from_utf8(local).ok()?, std::str::from_utf8(domain).ok()?).ok()
    }
}

/// The entries of an address field's raw value, at most [`ADDRESSES_MAX`].
pub fn addresses(raw: &[u8]) -> Vec<AddressEntry> {
    let mut entries = Vec::new();
    read_addresses(raw, ADDRESSES_MAX, &mut entries);
    entries
}

/// Appends the entries of a field until there are so many; a group that was begun is ended in any case.
pub(crate) fn read_addresses(raw: &[u8], entries_max: usize, entries: &mut Vec<AddressEntry>) {
    let text = unfolded(raw);
    let mut reader = Reader { tokens: Tokens { text: &text, at: 0 }, words: Vec::new(), comment: None, in_group: false, entries };
    while reader.entries.len() < entries_max && reader.step() {}
    if reader.in_group {
        reader.entries.push(AddressEntry::GroupEnd);
    }
}

struct Reader<'t, 'e> {
    tokens: Tokens<'t>,
    /// Words and marks since the last separator.
    words: Vec<Word>,
    comment: Option<Vec<u8>>,
    in_group: bool,
    entries: &'e mut Vec<AddressEntry>,
}

impl Reader<'_, '_> {
    /// Takes one token; false at the end.
    fn step(&mut self) -> bool {
        let Some(word) = self.tokens.next() else {
            self.finish_bare();
            return false;
        };
        match word.token {
            Token::Mark(b',') => self.finish_bare(),
            Token::Mark(b';') => {
                self.finish_bare();
                if std::mem::take(&mut self.in_group) {
                    self.entries.push(AddressEntry::GroupEnd);
                }
            }
            Token::Mark(b':') if !self.in_group => {
                self.in_group = true;
                let name = phrase(&self.words);
                self.words.clear();
                self.comment = None;
                self.entries.push(AddressEntry::GroupStart(name));
            }
            Token::Mark(b'<') => self.angle(),
            Token::Mark(b'>') => {}
            Token::Comment => self.comment = Some(word.text),
            _ => self.words.push(word),
        }
        true
    }

    /// An address without angle brackets; a comment is then its name, as it was before RFC 822.
    fn finish_bare(&mut self) {
        let words = std::mem::take(&mut self.words);
        let comment = self.comment.take();
        if words.is_empty() {
            return;
        }
        let (local, domain) = split_spec(&words).unwrap_or_else(|| (phrase(&words), Vec::new()));
        if !local.is_empty() || !domain.is_empty() {
            let name = comment.filter(|text| !text.is_empty());
            self.entries.push(AddressEntry::Mailbox { name, route: None, local, domain });
        }
    }

    /// What follows a `<`, up to the next separator.
    fn angle(&mut self) {
        let name = phrase(&std::mem::take(&mut self.words));
        let mut route = None;
        let mut words: Vec<Word> = Vec::new();
        let mut is_open = true;
        while let Some(word) = self.tokens.next() {
            match word.token {
                Token::Comment => self.comment = Some(word.text),
                // RFC 5322 section 4.4: a route is a list of domains, each after an `@`, before a colon.
                Token::Mark(b':') if is_open && is_mark(words.first(), b'@') => route = Some(joined(&std::mem::take(&mut words))),
                Token::Mark(b',') if is_open && route.is_none() && is_mark(words.first(), b'@') => words.push(word),
                Token::Mark(b'>') => is_open = false,
                // The separator is the caller's to see; so is the next address where one was forgotten.
                Token::Mark(b',' | b';') => {
                    self.tokens.at -= 1;
                    break;
                }
                Token::Mark(b'<') if !is_open => {
                    self.tokens.at -= 1;
                    break;
                }
                _ if is_open => words.push(word),
                _ => {}
            }
        }
        let (local, domain) = split_spec(&words).unwrap_or_else(|| (joined(&words), Vec::new()));
        let comment = self.comment.take();
        let name = Some(name).filter(|name| !name.is_empty()).or(comment).filter(|name| !name.is_empty());
        if !local.is_empty() || !domain.is_empty() || name.is_some() {
            self.entries.push(AddressEntry::Mailbox { name, route, local, domain });
        }
    }
}

fn is_mark(word: Option<&Word>, mark: u8) -> bool {
    word.is_some_and(|word| word.token == Token::Mark(mark))
}

/// Words with single spaces where there was white space.
fn phrase(words: &[Word]) -> Vec<u8> {
    let mut out = Vec::new();
    for word in words {
        if word.is_spaced && !out.is_empty() {
            out.push(b' ');
        }
        out.extend_from_slice(&word.text);
    }
    out
}

/// Words without any space between them.
fn joined(words: &[Word]) -> Vec<u8> {
    words.iter().flat_map(|word| word.text.iter().copied()).collect()
}

/// Local part and domain around the last `@`.
fn split_spec(words: &[Word]) -> Option<(Vec<u8>, Vec<u8>)> {
    let at = words.iter().rposition(|word| word.token == Token::Mark(b'@'))?;
    Some((joined(&words[..at]), joined(&words[at + 1..])))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    /// An atom (dots are part of it), a quoted string or a domain literal.
    Text,
    /// One of `, ; : < > @`.
    Mark(u8),
    Comment,
}

struct Word {
    token: Token,
    /// Without quotes and comment brackets.
    text: Vec<u8>,
    /// Whether white space stood before it.
    is_spaced: bool,
}

struct Tokens<'t> {
    text: &'t [u8],
    at: usize,
}

impl Iterator for Tokens<'_> {
    type Item = Word;
    fn next(&mut self) -> Option<Word> {
        let begun = self.at;
        while self.peek().is_some_and(is_space) {
            self.at += 1;
        }
        let is_spaced = self.at > begun;
        let first = self.peek()?;
        self.at += 1;
        let (token, text) = match first {
            b',' | b';' | b':' | b'<' | b'>' | b'@' => (Token::Mark(first), vec![first]),
            b'"' => (Token::Text, self.until(b'"')),
            b'(' => (Token::Comment, self.comment()),
            b'[' => {
                let mut literal = vec![b'['];
                literal.extend(self.until(b']'));
                literal.push(b']');
                (Token::Text, literal)
            }
            _ => {
                let start = self.at - 1;
                while self.peek().is_some_and(|b| !is_space(b) && !b",;:<>@\"([".contains(&b)) {
                    self.at += 1;
                }
                (Token::Text, self.text[start..self.at].to_vec())
            }
        };
        Some(Word { token, text, is_spaced })
    }
}

impl Tokens<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// Up to and over the closing mark, or to the end; a backslash takes the next octet as it is.
    fn until(&mut self, close: u8) -> Vec<u8> {
        let mut out = Vec::new();
        while let Some(b) = self.peek() {
            self.at += 1;
            match b {
                b'\\' => {
                    out.extend(self.peek());
                    self.at = (self.at + 1).min(self.text.len());
                }
                _ if b == close => break,
                _ => out.push(b),
            }
        }
        out
    }

    /// The rest of a comment; inner ones are part of its text.
    fn comment(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut depth = 0_usize;
        while let Some(b) = self.peek() {
            self.at += 1;
            match b {
                b'\\' => {
                    out.extend(self.peek());
                    self.at = (self.at + 1).min(self.text.len());
                    continue;
                }
                b')' if depth == 0 => break,
                b')' => depth -= 1,
                b'(' => depth += 1,
                _ => {}
            }
            out.push(b);
        }
        out.trim_ascii().to_vec()
    }
}

fn is_space(b: u8) -> bool {
    matches!(b, b' ' | b'\t' | b'\r' | b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// `name <route:local|domain>`, groups as `name{` and `}`.
    fn shown(raw: &str) -> Vec<String> {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let entry = |entry: &AddressEntry| match entry {
            AddressEntry::Mailbox { name, route, local, domain } => {
                let name = name.as_ref().map(|name| text(name) + " ").unwrap_or_default();
                let route = route.as_ref().map(|route| text(route) + ":").unwrap_or_default();
                format!("{name}<{route}{}|{}>", text(local), text(domain))
            }
            AddressEntry::GroupStart(name) => text(name) + "{",
            AddressEntry::GroupEnd => "}".to_owned(),
        };
        addresses(raw.as_bytes()).iter().map(entry).collect()
    }

    #[test]
    fn examples_of_rfc_5322() {
        assert_eq!(shown("\"Joe Q. Public\" <john.q.public@example.com>"), ["Joe Q. Public <john.q.public|example.com>"]);
        assert_eq!(
            shown("Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>"),
            ["Mary Smith <mary|x.test>", "<jdoe|example.org>", "Who? <one|y.test>"]
        );
        assert_eq!(
            shown("<boss@nil.test>, \"Giant; \\\"Big\\\" Box\" <sysservices@example.net>"),
            ["<boss|nil.test>", "Giant; \"Big\" Box <sysservices|example.net>"]
        );
        assert_eq!(
            shown("A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;"),
            ["A Group{", "Ed Jones <c|a.test>", "<joe|where.test>", "John <jdoe|one.test>", "}"]
        );
        assert_eq!(shown("Undisclosed recipients:;"), ["Undisclosed recipients{", "}"]);
        // Appendix A.5 and A.6.1, A.6.3.
        assert_eq!(shown("Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>"), ["Pete <pete|silly.test>"]);
        assert_eq!(
            shown(
                "A Group(Some people)\r\n     :Chris Jones <c@(Chris's host.)public.example>,\r\n joe@example.org,\r\n John <jdoe@one.test> (my dear friend); (the end of the group)"
            ),
            ["A Group{", "Chris Jones <c|public.example>", "<joe|example.org>", "John <jdoe|one.test>", "}"]
        );
        assert_eq!(
            shown("Mary Smith <@node.test:mary@example.net>, , jdoe@test  . example"),
            ["Mary Smith <@node.test:mary|example.net>", "<jdoe|test.example>"]
        );
        assert_eq!(shown("<@a.test,@b.test:c@d.test>"), ["<@a.test,@b.test:c|d.test>"]);
        assert_eq!(shown("Joe Q. Public <john.q.public@example.com>"), ["Joe Q. Public <john.q.public|example.com>"]);
    }

    #[test]
    fn odd_lists_are_read_as_far_as_they_go() {
        assert_eq!(shown(""), Vec::<String>::new());
        assert_eq!(shown(" , ;,"), Vec::<String>::new());
        assert_eq!(shown("<>"), Vec::<String>::new());
        assert_eq!(shown("a@b.example (Léa)"), ["Léa <a|b.example>"]);
        assert_eq!(shown("\"a b\"@c.example"), ["<a b|c.example>"]);
        assert_eq!(shown("x@[192.0.2.1]"), ["<x|[192.0.2.1]>"]);
        assert_eq!(shown("no address at all"), ["<no address at all|>"]);
        assert_eq!(shown("open <a@b.example, next@c.example"), ["open <a|b.example>", "<next|c.example>"]);
        assert_eq!(shown("\"open a@b.example"), ["<open a@b.example|>"]);
        assert_eq!(shown("g: a@b.example"), ["g{", "<a|b.example>", "}"]);
        assert_eq!(shown("a@b@c.example"), ["<a@b|c.example>"]);
        assert_eq!(shown("=?utf-8?Q?L=C3=A9a?= =?utf-8?Q?_M?= <l@d.example>"), ["=?utf-8?Q?L=C3=A9a?= =?utf-8?Q?_M?= <l|d.example>"]);
    }

    #[test]
    fn entries_become_addresses_when_they_are() {
        let entries = addresses(b"Lea <Lea@Douane.EXAMPLE>, group: broken;");
        assert_eq!(entries[0].address().unwrap().to_string(), "Lea@douane.example");
        assert!(entries[1..].iter().all(|entry| entry.address().is_none()));
    }

    #[test]
    fn a_million_addresses_are_cut() {
        let list = "a@b.example,".repeat(1_000_000);
        assert_eq!(addresses(list.as_bytes()).len(), ADDRESSES_MAX);
        for open in ["(", "<", "\"", "g:", "[", "\\", "@", "<@"] {
            assert!(addresses(open.repeat(1_000_000).as_bytes()).len() <= ADDRESSES_MAX);
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(raw in "[a-c@<>,;:()\"\\\\ \\[\\]\r\n]{0,64}") {
            let entries = addresses(raw.as_bytes());
            let starts = entries.iter().filter(|e| matches!(e, AddressEntry::GroupStart(_))).count();
            let ends = entries.iter().filter(|e| matches!(e, AddressEntry::GroupEnd)).count();
            prop_assert_eq!(starts, ends);
        }
    }
}
