//! The small words that commands are made of: spaces, atoms, strings, numbers, sets, dates, flags, names.
//!
//! Called by every family of the grammar. What always holds: nothing here panics whatever the octets; nothing is copied that is larger
//! than what was sent; a word is taken whole or the command is refused with a text for people.

use super::super::literal;
use super::super::mailbox::MailboxName;
use imap_codec::imap_types::core::{AString, Atom, AtomExt, IString, Literal, Quoted, Vec1};
use imap_codec::imap_types::datetime::{DateTime, NaiveDate};
use imap_codec::imap_types::flag::Flag;
use imap_codec::imap_types::sequence::{SeqOrUid, Sequence, SequenceSet};
use std::borrow::Cow;
use std::num::NonZeroU32;

/// What was read, or what to tell whoever sent it.
pub(crate) type Read<T> = Result<T, &'static str>;

/// Said of what fits no rule of the grammar.
pub(crate) const NOT_UNDERSTOOD: &str = "The command's arguments are not understood";

/// Which messages a command is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Set {
    /// Those that the client lists.
    Listed(SequenceSet),
    /// `$`: what the last search with `RETURN (SAVE)` found (RFC 5182).
    Saved,
}

/// What is left of a command.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scanner<'a> {
    rest: &'a [u8],
    /// Names and quoted strings are UTF-8 (RFC 9051 section 5.1, RFC 9755 section 3).
    utf8: bool,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(rest: &'a [u8], utf8: bool) -> Self {
        Self { rest, utf8 }
    }

    /// Is everything read?
    pub(crate) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// What has not been read yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Nothing may be left.
    pub(crate) fn end(&self) -> Read<()> {
        if self.is_at_end() { Ok(()) } else { Err(NOT_UNDERSTOOD) }
    }

    /// Take this octet if it is next.
    pub(crate) fn accept(&mut self, octet: u8) -> bool {
        let is_next = self.rest.first() == Some(&octet);
        if is_next {
            self.take(1);
        }
        is_next
    }

    /// This octet is next.
    pub(crate) fn expect(&mut self, octet: u8) -> Read<()> {
        if self.accept(octet) { Ok(()) } else { Err(NOT_UNDERSTOOD) }
    }

    /// One space.
    pub(crate) fn space(&mut self) -> Read<()> {
        self.expect(b' ')
    }

    /// Is this octet next?
    pub(crate) fn peek(&self, octet: u8) -> bool {
        self.rest.first() == Some(&octet)
    }

    /// Take this text if it is next, in any case of letters.
    pub(crate) fn accept_text(&mut self, text: &str) -> bool {
        let is_next = self.rest.get(..text.len()).is_some_and(|next| next.eq_ignore_ascii_case(text.as_bytes()));
        if is_next {
            self.take(text.len());
        }
        is_next
    }

    /// Take this word if it is next and ends there.
    pub(crate) fn accept_word(&mut self, word: &str) -> bool {
        let mut ahead = *self;
        let is_next = ahead.accept_text(word) && !ahead.rest.first().is_some_and(|octet| is_atom_char(*octet));
        if is_next {
            *self = ahead;
        }
        is_next
    }

    /// RFC 3501 section 9 (atom), in capitals.
    pub(crate) fn word(&mut self) -> Read<String> {
        Ok(self.atom()?.to_ascii_uppercase())
    }

    /// RFC 3501 section 9 (atom).
    pub(crate) fn atom(&mut self) -> Read<&'a str> {
        self.run(is_atom_char)
    }

    /// At least one octet of a kind, which are all ASCII.
    fn run(&mut self, is_part: fn(u8) -> bool) -> Read<&'a str> {
        let length = self.rest.iter().take_while(|octet| is_part(**octet)).count();
        let octets = self.take(length);
        std::str::from_utf8(octets).ok().filter(|text| !text.is_empty()).ok_or(NOT_UNDERSTOOD)
    }

    /// RFC 3501 section 9 (number), RFC 7162 section 7 (mod-sequence-valzer).
    pub(crate) fn number64(&mut self) -> Read<u64> {
        let digits = self.run(|octet| octet.is_ascii_digit())?;
        digits.parse().ok().filter(|number| i64::try_from(*number).is_ok()).ok_or(NOT_UNDERSTOOD)
    }

    /// RFC 3501 section 9 (number).
    pub(crate) fn number(&mut self) -> Read<u32> {
        u32::try_from(self.number64()?).map_err(|_| NOT_UNDERSTOOD)
    }

    /// RFC 3501 section 9 (nz-number).
    pub(crate) fn nz_number(&mut self) -> Read<NonZeroU32> {
        NonZeroU32::new(self.number()?).ok_or(NOT_UNDERSTOOD)
    }

    /// RFC 3501 section 9: an atom in which `]` may stand, a quoted string or a literal.
    pub(crate) fn astring(&mut self) -> Read<Cow<'a, [u8]>> {
        if self.rest.starts_with(b"\"") || self.rest.starts_with(b"{") || self.rest.starts_with(b"~{") {
            return self.string();
        }
        Ok(Cow::Borrowed(self.run(is_astring_char)?.as_bytes()))
    }

    /// The same, which remembers how it was written.
    pub(crate) fn astring_as_written(&mut self) -> Read<AString<'static>> {
        let is_quoted = self.peek(b'"');
        let is_atom = !is_quoted && !self.peek(b'{');
        let octets = self.astring()?.into_owned();
        let written = if is_atom {
            AtomExt::try_from(octets).map(AString::Atom)
        } else if is_quoted {
            Quoted::try_from(octets).map(|quoted| AString::String(IString::Quoted(quoted)))
        } else {
            return Literal::try_from(octets).map(|literal| AString::String(IString::Literal(literal))).map_err(|_| NOT_UNDERSTOOD);
        };
        written.map_err(|_| NOT_UNDERSTOOD)
    }

    /// An astring that is text.
    pub(crate) fn text(&mut self) -> Read<String> {
        String::from_utf8(self.astring()?.into_owned()).map_err(|_| "The text is not in UTF-8")
    }

    /// RFC 3501 section 9: a quoted string or a literal; a binary one (RFC 3516) too.
    pub(crate) fn string(&mut self) -> Read<Cow<'a, [u8]>> {
        match self.rest.first() {
            Some(b'"') => self.quoted().map(Cow::Owned),
            Some(b'{') => self.literal(false).map(Cow::Borrowed),
            Some(b'~') => {
                self.take(1);
                self.literal(true).map(Cow::Borrowed)
            }
            _ => Err(NOT_UNDERSTOOD),
        }
    }

    /// A string, or nothing for `NIL`.
    pub(crate) fn nstring(&mut self) -> Read<Option<Cow<'a, [u8]>>> {
        if self.accept_word("NIL") { Ok(None) } else { self.string().map(Some) }
    }

    fn quoted(&mut self) -> Read<Vec<u8>> {
        let mut text = Vec::new();
        let mut octets = self.rest.iter().enumerate().skip(1);
        while let Some((at, octet)) = octets.next() {
            match octet {
                b'"' => {
                    self.take(at + 1);
                    // RFC 9051 section 9 (quoted): what is no ASCII is whole characters.
                    return if std::str::from_utf8(&text).is_ok() { Ok(text) } else { Err(NOT_UNDERSTOOD) };
                }
                b'\\' => match octets.next() {
                    Some((_, escaped @ (b'"' | b'\\'))) => text.push(*escaped),
                    _ => break,
                },
                0 | b'\r' | b'\n' => break,
                0x80.. if !self.utf8 => return Err("A quoted string is in ASCII until UTF8=ACCEPT is enabled"),
                other => text.push(*other),
            }
        }
        Err(NOT_UNDERSTOOD)
    }

    /// The reader has put the octets behind their announcement.
    fn literal(&mut self, is_binary: bool) -> Read<&'a [u8]> {
        let end = self.rest.windows(2).position(|pair| pair == b"\r\n").ok_or(NOT_UNDERSTOOD)?;
        let announced = literal::announced(&self.rest[..end]).ok_or(NOT_UNDERSTOOD)?;
        // Nothing but the announcement stands before the line end.
        let alone = self.rest[..end].iter().rposition(|octet| *octet == b'{') == Some(0);
        let length = usize::try_from(announced.bytes).ok().filter(|length| alone && *length <= self.rest.len() - end - 2);
        let length = length.ok_or(NOT_UNDERSTOOD)?;
        self.take(end + 2);
        let octets = self.take(length);
        // RFC 3501 section 9 (CHAR8).
        if !is_binary && octets.contains(&0) { Err(NOT_UNDERSTOOD) } else { Ok(octets) }
    }

    /// RFC 3501 section 9 (mailbox).
    pub(crate) fn mailbox(&mut self) -> Read<MailboxName> {
        Ok(MailboxName::read(&self.astring()?, self.utf8))
    }

    /// RFC 3501 section 9 (list-mailbox): as an astring, but wildcards may stand in it bare.
    pub(crate) fn pattern(&mut self) -> Read<MailboxName> {
        match self.rest.first() {
            Some(b'"' | b'{') => self.mailbox(),
            _ => Ok(MailboxName::read(self.run(is_list_char)?.as_bytes(), self.utf8)),
        }
    }

    /// RFC 3501 section 9 (sequence-set), RFC 5182 section 2.1 (`$`).
    pub(crate) fn set(&mut self) -> Read<Set> {
        if self.accept(b'$') { Ok(Set::Saved) } else { self.listed().map(Set::Listed) }
    }

    /// RFC 3501 section 9 (sequence-set).
    pub(crate) fn listed(&mut self) -> Read<SequenceSet> {
        let mut sequences = Vec::new();
        loop {
            let from = self.number_or_star()?;
            sequences.push(if self.accept(b':') { Sequence::Range(from, self.number_or_star()?) } else { Sequence::Single(from) });
            if !self.accept(b',') {
                break;
            }
        }
        Vec1::try_from(sequences).map(SequenceSet).map_err(|_| NOT_UNDERSTOOD)
    }

    fn number_or_star(&mut self) -> Read<SeqOrUid> {
        if self.accept(b'*') { Ok(SeqOrUid::Asterisk) } else { self.nz_number().map(SeqOrUid::Value) }
    }

    /// RFC 3501 section 9 (date).
    pub(crate) fn date(&mut self) -> Read<NaiveDate> {
        let is_quoted = self.accept(b'"');
        let day = self.number()?;
        self.expect(b'-')?;
        let month = self.month()?;
        self.expect(b'-')?;
        let year = i32::try_from(self.number()?).map_err(|_| NOT_UNDERSTOOD)?;
        if is_quoted {
            self.expect(b'"')?;
        }
        let date = chrono::NaiveDate::from_ymd_opt(year, month, day).ok_or("There is no such day")?;
        NaiveDate::try_from(date).map_err(|_| NOT_UNDERSTOOD)
    }

    fn month(&mut self) -> Read<u32> {
        let name = self.run(|octet| octet.is_ascii_alphabetic())?;
        let at = super::super::date::MONTHS.iter().position(|month| month.eq_ignore_ascii_case(name));
        at.map(|at| at as u32 + 1).ok_or("There is no such month")
    }

    /// RFC 3501 section 9 (date-time).
    pub(crate) fn date_time(&mut self) -> Read<DateTime> {
        self.expect(b'"')?;
        self.accept(b' ');
        let day = self.number()?;
        self.expect(b'-')?;
        let month = self.month()?;
        self.expect(b'-')?;
        let year = i32::try_from(self.number()?).map_err(|_| NOT_UNDERSTOOD)?;
        self.space()?;
        let hour = self.number()?;
        self.expect(b':')?;
        let minute = self.number()?;
        self.expect(b':')?;
        let second = self.number()?;
        self.space()?;
        let is_west = match self.rest.first() {
            Some(b'+') => false,
            Some(b'-') => true,
            _ => return Err(NOT_UNDERSTOOD),
        };
        self.take(1);
        let zone = self.run(|octet| octet.is_ascii_digit())?;
        self.expect(b'"')?;
        // Four digits, so nothing below can overflow.
        let zone: i32 = zone.parse().ok().filter(|_| zone.len() == 4).ok_or("There is no such time zone")?;
        let seconds = (zone / 100 * 60 + zone % 100) * 60;
        let offset = chrono::FixedOffset::east_opt(if is_west { -seconds } else { seconds }).ok_or("There is no such time zone")?;
        let local = chrono::NaiveDate::from_ymd_opt(year, month, day).and_then(|date| date.and_hms_opt(hour, minute, second));
        let instant = local.and_then(|local| local.and_local_timezone(offset).single()).ok_or("There is no such instant")?;
        DateTime::try_from(instant).map_err(|_| "There is no such instant")
    }

    /// RFC 3501 section 9 (flag).
    pub(crate) fn flag(&mut self) -> Read<Flag<'static>> {
        let is_system = self.accept(b'\\');
        let atom = Atom::try_from(self.atom()?.to_owned()).map_err(|_| NOT_UNDERSTOOD)?;
        Ok(if is_system { Flag::system(atom) } else { Flag::keyword(atom) })
    }

    /// Things in brackets with spaces between them, perhaps none.
    pub(crate) fn list<T>(&mut self, mut one: impl FnMut(&mut Self) -> Read<T>) -> Read<Vec<T>> {
        self.expect(b'(')?;
        let mut all = Vec::new();
        if self.accept(b')') {
            return Ok(all);
        }
        loop {
            all.push(one(self)?);
            if self.accept(b')') {
                return Ok(all);
            }
            self.space()?;
        }
    }

    /// At most so many octets off the front.
    fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at(count.min(self.rest.len()));
        self.rest = rest;
        taken
    }
}

/// RFC 3501 section 9 (ATOM-CHAR).
fn is_atom_char(octet: u8) -> bool {
    is_astring_char(octet) && octet != b']'
}

/// RFC 3501 section 9 (ASTRING-CHAR).
fn is_astring_char(octet: u8) -> bool {
    octet.is_ascii_graphic() && !b"(){%*\"\\".contains(&octet)
}

/// RFC 3501 section 9 (list-char).
fn is_list_char(octet: u8) -> bool {
    is_astring_char(octet) || matches!(octet, b'%' | b'*')
}

/// A text as an astring: bare if it can be, else quoted, else a literal.
pub(crate) fn astring(text: &str) -> String {
    if !text.is_empty() && text.bytes().all(is_astring_char) && !text.eq_ignore_ascii_case("NIL") { text.to_owned() } else { string(text) }
}

/// A text as a string: quoted if it can be, else a literal.
pub(crate) fn string(text: &str) -> String {
    if text.bytes().all(|octet| (b' '..=b'~').contains(&octet)) { quoted(text) } else { format!("{{{}}}\r\n{text}", text.len()) }
}

/// Octets as a string of the kind that can hold them: quoted, a literal, or a binary one (RFC 3516 section 4.2).
pub(crate) fn write_octets(out: &mut Vec<u8>, octets: &[u8]) {
    match std::str::from_utf8(octets) {
        Ok(text) if text.bytes().all(|octet| (b' '..=b'~').contains(&octet)) => out.extend_from_slice(quoted(text).as_bytes()),
        _ => {
            let binary = if octets.contains(&0) { "~" } else { "" };
            out.extend_from_slice(format!("{binary}{{{}}}\r\n", octets.len()).as_bytes());
            out.extend_from_slice(octets);
        }
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn scan(text: &str) -> Scanner<'_> {
        Scanner::new(text.as_bytes(), false)
    }

    #[test]
    fn strings_of_each_kind() {
        for (text, read) in [("a]b", "a]b"), ("\"a \\\"b\\\\\"", "a \"b\\"), ("{3}\r\na\"b", "a\"b"), ("{3+}\r\na b", "a b"), ("\"\"", "")]
        {
            let mut scanner = scan(text);
            assert_eq!(*scanner.astring().unwrap(), *read.as_bytes(), "{text}");
            assert!(scanner.is_at_end());
        }
        for bad in ["", "(", "\"a", "\"a\\b\"", "\"\u{e9}\"", "{3}\r\nab", "{3}x", "x {3}\r\nabc"] {
            let mut scanner = scan(bad);
            assert!(scanner.astring().is_err() || !scanner.is_at_end(), "{bad}");
        }
        assert_eq!(*Scanner::new("\"\u{e9}\"".as_bytes(), true).string().unwrap(), *"\u{e9}".as_bytes());
        assert!(Scanner::new(b"\"\xff\"", true).string().is_err());
        assert!(Scanner::new(b"{1}\r\n\0", true).string().is_err());
        assert_eq!(*Scanner::new(b"~{1}\r\n\0", true).string().unwrap(), *b"\0");
    }

    #[test]
    fn dates_and_times() {
        assert_eq!(super::super::super::date::instant_of(&scan("\"17-Jul-1996 02:44:25 -0700\"").date_time().unwrap()).0, 837_596_665);
        assert!(scan("\" 1-jan-2020 02:44:25 +0000\"").date_time().is_ok());
        for bad in [
            "\"31-Feb-1996 02:44:25 -0700\"",
            "\"1-Jan-1996 24:00:00 +0000\"",
            "\"1-Jan-1996 02:44:25 +9900\"",
            "\"1-Jan-1996 02:44:25 +0092333807\"",
            "17-Jul-1996",
        ] {
            assert!(scan(bad).date_time().is_err(), "{bad}");
        }
        assert!(scan("1-Feb-1994").date().is_ok() && scan("\"1-feb-1994\"").date().is_ok());
        for bad in ["30-Feb-1994", "1-Fab-1994", "\"1-Feb-1994", "1-2-1994", "1-Feb-4294967295"] {
            assert!(scan(bad).date().is_err(), "{bad}");
        }
    }

    #[test]
    fn sets_are_read() {
        assert_eq!(scan("$").set().unwrap(), Set::Saved);
        assert_eq!(scan("2,4:7,9,12:*").listed().unwrap(), "2,4:7,9,12:*".parse().unwrap());
        for bad in ["", "0", "1:", ",1", "4294967296", "a"] {
            assert!(scan(bad).set().is_err(), "{bad}");
        }
    }

    #[test]
    fn words_end_where_they_end() {
        assert!(!scan("NILS").accept_word("NIL"));
        assert!(scan("nil)").accept_word("NIL"));
        assert!(scan("(a b) c").list(Scanner::word).unwrap() == ["A", "B"]);
        assert!(scan("(a  b)").list(Scanner::word).is_err() && scan("(a b").list(Scanner::word).is_err());
    }

    proptest! {
        #[test]
        fn texts_go_both_ways(text in "[ -~\u{e9}\r\n]{0,20}") {
            let written = astring(&text);
            let mut scanner = Scanner::new(written.as_bytes(), false);
            let read = scanner.astring().map(Cow::into_owned);
            prop_assert_eq!(read.as_deref(), Ok(text.as_bytes()));
            prop_assert!(scanner.is_at_end());
        }

        #[test]
        fn no_octets_panic(octets in proptest::collection::vec(any::<u8>(), 0..40), utf8: bool) {
            let scanner = Scanner::new(&octets, utf8);
            let _ = (scanner.clone().astring(), scanner.clone().set(), scanner.clone().date(), scanner.clone().date_time());
            let _ = (scanner.clone().flag(), scanner.clone().pattern(), scanner.clone().number64());
        }
    }
}
