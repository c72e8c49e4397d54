//! The words of RFC 4314, which imap-codec does not know: its five commands, and how their answers spell rights and identifiers.
//!
//! Called by `connection` with what the reader has gathered, before imap-codec sees it, and by the five handlers. Whatever the octets,
//! nothing here panics; what is no such command is left to imap-codec, and what is half of one is [`Malformed`].

use super::decode::{self, Malformed};
use imap_codec::imap_types::core::Tag;
use imap_codec::imap_types::mailbox::Mailbox;
use octroi_model::Rights;
use std::borrow::Cow;

/// Octets of an identifier; the longest address has 254 (RFC 5321 section 4.5.3.1).
const IDENTIFIER_BYTES_MAX: usize = 512;

/// `c` of RFC 2086 stands for these. Of the two ways of RFC 4314 section 2.1.1 this is the one in which DELETE belongs to `c`.
const CREATE: Rights = Rights::CREATE.or(Rights::DELETE_COLLECTION);
/// `d` of RFC 2086 stands for these.
const DELETE: Rights = Rights::DELETE_ITEMS.or(Rights::EXPUNGE);

/// A command of RFC 4314 section 3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sharing {
    SetAcl { mailbox: Mailbox<'static>, identifier: String, change: RightsChange },
    DeleteAcl { mailbox: Mailbox<'static>, identifier: String },
    GetAcl { mailbox: Mailbox<'static> },
    ListRights { mailbox: Mailbox<'static>, identifier: String },
    MyRights { mailbox: Mailbox<'static> },
}

/// What SETACL does with somebody's rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RightsChange {
    /// These and no others.
    Replace(Rights),
    /// `+`: these too.
    Add(Rights),
    /// `-`: not these any more.
    Remove(Rights),
}

/// One whole command, if its word is one of the five.
pub(crate) fn command(octets: &[u8]) -> Option<Result<(Tag<'static>, Sharing), Malformed>> {
    let line = octets.strip_suffix(b"\r\n").unwrap_or(octets);
    let mut words = line.splitn(3, |octet| *octet == b' ');
    let (_, word, rest) = (words.next()?, words.next()?, words.next());
    let read: fn(&mut Arguments<'_>) -> Result<Sharing, &'static str> = match word.to_ascii_uppercase().as_slice() {
        b"SETACL" => setacl,
        b"DELETEACL" => |rest| Ok(Sharing::DeleteAcl { mailbox: rest.mailbox()?, identifier: rest.next_identifier()? }),
        b"GETACL" => |rest| Ok(Sharing::GetAcl { mailbox: rest.mailbox()? }),
        b"LISTRIGHTS" => |rest| Ok(Sharing::ListRights { mailbox: rest.mailbox()?, identifier: rest.next_identifier()? }),
        b"MYRIGHTS" => |rest| Ok(Sharing::MyRights { mailbox: rest.mailbox()? }),
        _ => return None,
    };
    let tag = decode::tag(octets);
    let mut arguments = Arguments(rest.unwrap_or_default());
    let whole = read(&mut arguments).and_then(|command| if arguments.0.is_empty() { Ok(command) } else { Err(NOT_UNDERSTOOD) });
    Some(match (tag, whole) {
        (Some(tag), Ok(command)) => Ok((tag, command)),
        (None, Ok(_)) => Err(Malformed { tag: None, text: "A command is a tag and a word" }),
        (tag, Err(text)) => Err(Malformed { tag, text }),
    })
}

const NOT_UNDERSTOOD: &str = "The command's arguments are not understood";

fn setacl(rest: &mut Arguments<'_>) -> Result<Sharing, &'static str> {
    let (mailbox, identifier) = (rest.mailbox()?, rest.next_identifier()?);
    rest.space()?;
    let word = rest.astring()?;
    let change = match word.split_first() {
        Some((b'+', more)) => RightsChange::Add(rights(more)?),
        Some((b'-', less)) => RightsChange::Remove(rights(less)?),
        _ => RightsChange::Replace(rights(&word)?),
    };
    Ok(Sharing::SetAcl { mailbox, identifier, change })
}

/// The rights that a client spelt.
// RFC 4314 section 3.1: an unrecognised right makes the command BAD; it is never passed over.
fn rights(letters: &[u8]) -> Result<Rights, &'static str> {
    letters.iter().try_fold(Rights::NONE, |sum, letter| {
        // RFC 4314 section 2.1.1: both are read as all that they stand for.
        let these = match letter {
            b'c' => Some(CREATE),
            b'd' => Some(DELETE),
            _ => Rights::LETTERS.iter().find(|(_, c)| *c == char::from(*letter)).map(|(right, _)| *right),
        };
        these.map(|these| sum | these).ok_or("The rights are the letters lrswipkxtea, c and d, and the digits 0, 1 and 2")
    })
}

/// Rights as they go on the wire in ACL and MYRIGHTS responses.
pub(crate) fn letters(rights: Rights) -> String {
    // RFC 4314 section 2.1.1: `c` and `d` stand there when any of what they stand for does.
    format!("{rights}{}", legacy(rights))
}

fn legacy(rights: Rights) -> String {
    let of = |all, letter| rights.intersects(all).then_some(letter);
    of(CREATE, 'c').into_iter().chain(of(DELETE, 'd')).collect()
}

/// What can be granted one by one, as a LISTRIGHTS response ends: each in a string of its own, since none is tied to another.
// RFC 4314 section 3.7.
pub(crate) fn grantable(rights: Rights) -> String {
    letters(rights).chars().flat_map(|letter| [' ', letter]).collect()
}

/// A text as an astring: bare if it can be, else quoted, else a literal.
pub(crate) fn astring(text: &str) -> String {
    if !text.is_empty() && text.bytes().all(is_astring_char) {
        text.to_owned()
    } else if text.bytes().all(|octet| (b' '..=b'~').contains(&octet)) {
        format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
    } else {
        format!("{{{}}}\r\n{text}", text.len())
    }
}

/// RFC 3501 section 9 (ASTRING-CHAR).
fn is_astring_char(octet: u8) -> bool {
    octet.is_ascii_graphic() && !b"(){%*\"\\".contains(&octet)
}

/// What follows the command's word and a space.
struct Arguments<'a>(&'a [u8]);

impl<'a> Arguments<'a> {
    fn space(&mut self) -> Result<(), &'static str> {
        self.0 = self.0.strip_prefix(b" ").ok_or(NOT_UNDERSTOOD)?;
        Ok(())
    }

    fn mailbox(&mut self) -> Result<Mailbox<'static>, &'static str> {
        Mailbox::try_from(self.astring()?.into_owned()).map_err(|_| NOT_UNDERSTOOD)
    }

    /// A space and an identifier.
    fn next_identifier(&mut self) -> Result<String, &'static str> {
        self.space()?;
        let octets = self.astring()?.into_owned();
        if octets.len() > IDENTIFIER_BYTES_MAX {
            return Err("The identifier is too long");
        }
        String::from_utf8(octets).map_err(|_| NOT_UNDERSTOOD)
    }

    /// RFC 3501 section 9: an atom in which `]` may stand, a quoted string or a literal.
    fn astring(&mut self) -> Result<Cow<'a, [u8]>, &'static str> {
        match self.0.first() {
            Some(b'"') => self.quoted(),
            Some(b'{') => self.literal().map(Cow::Borrowed),
            _ => {
                let length = self.0.iter().take_while(|octet| is_astring_char(**octet)).count();
                if length == 0 { Err(NOT_UNDERSTOOD) } else { Ok(Cow::Borrowed(self.take(length))) }
            }
        }
    }

    fn quoted(&mut self) -> Result<Cow<'a, [u8]>, &'static str> {
        let mut text = Vec::new();
        let mut octets = self.0.iter().enumerate().skip(1);
        while let Some((at, octet)) = octets.next() {
            match octet {
                b'"' => {
                    self.take(at + 1);
                    return Ok(Cow::Owned(text));
                }
                b'\\' => match octets.next() {
                    Some((_, escaped @ (b'"' | b'\\'))) => text.push(*escaped),
                    _ => break,
                },
                0 | b'\r' | b'\n' | 0x80.. => break,
                other => text.push(*other),
            }
        }
        Err(NOT_UNDERSTOOD)
    }

    /// The reader has put the octets behind their announcement.
    fn literal(&mut self) -> Result<&'a [u8], &'static str> {
        let end = self.0.windows(2).position(|pair| pair == b"\r\n").ok_or(NOT_UNDERSTOOD)?;
        let announced = super::literal::announced(&self.0[..end]).ok_or(NOT_UNDERSTOOD)?;
        // Nothing but the announcement stands before the line end.
        let alone = self.0[..end].iter().rposition(|octet| *octet == b'{') == Some(0);
        self.take(end + 2);
        let length = usize::try_from(announced.bytes).ok().filter(|length| alone && *length <= self.0.len()).ok_or(NOT_UNDERSTOOD)?;
        let octets = self.take(length);
        if octets.contains(&0) { Err(NOT_UNDERSTOOD) } else { Ok(octets) }
    }

    /// At most so many octets off the front.
    fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(line: &str) -> Result<Sharing, &'static str> {
        command(format!("{line}\r\n").as_bytes()).unwrap().map(|(_, command)| command).map_err(|malformed| malformed.text)
    }

    fn set(mailbox: &str, identifier: &str, change: RightsChange) -> Sharing {
        Sharing::SetAcl { mailbox: Mailbox::try_from(mailbox.to_owned()).unwrap(), identifier: identifier.to_owned(), change }
    }

    fn of(letters: &str) -> Rights {
        Rights::parse(letters).unwrap()
    }

    #[test]
    fn the_commands_of_the_rfc() {
        let mailbox = |name: &str| Mailbox::try_from(name.to_owned()).unwrap();
        let smith = || "smith".to_owned();
        assert_eq!(read("A035 SETACL INBOX/Drafts John lrQswicda"), Err(read("a SETACL x y z").unwrap_err()));
        assert_eq!(
            read("A036 SETACL INBOX/Drafts John lrswicda"),
            Ok(set("INBOX/Drafts", "John", RightsChange::Replace(of("lrswikxtea"))))
        );
        assert_eq!(read("A sEtAcL INBOX anyone +lr"), Ok(set("INBOX", "anyone", RightsChange::Add(of("lr")))));
        assert_eq!(read("A SETACL INBOX anyone -d"), Ok(set("INBOX", "anyone", RightsChange::Remove(of("te")))));
        assert_eq!(read("A SETACL INBOX anyone \"\""), Ok(set("INBOX", "anyone", RightsChange::Replace(Rights::NONE))));
        assert_eq!(read("A SETACL INBOX anyone +"), Ok(set("INBOX", "anyone", RightsChange::Add(Rights::NONE))));
        assert_eq!(read("B001 getacl INBOX"), Ok(Sharing::GetAcl { mailbox: Mailbox::Inbox }));
        let drafts = || mailbox("INBOX/Drafts");
        assert_eq!(read("B DELETEACL INBOX/Drafts smith"), Ok(Sharing::DeleteAcl { mailbox: drafts(), identifier: smith() }));
        assert_eq!(
            read("B LISTRIGHTS ~/Mail/saved smith"),
            Ok(Sharing::ListRights { mailbox: mailbox("~/Mail/saved"), identifier: smith() })
        );
        assert_eq!(read("B MYRIGHTS INBOX"), Ok(Sharing::MyRights { mailbox: Mailbox::Inbox }));
    }

    #[test]
    fn every_kind_of_string_is_read() {
        let wanted = set("a \"b\\", "é@x]", RightsChange::Replace(of("lr")));
        for line in [
            "a SETACL \"a \\\"b\\\\\" {5}\r\né@x] lr",
            "a SETACL {5}\r\na \"b\\ {5+}\r\né@x] \"lr\"",
            "a SETACL {5+}\r\na \"b\\ {5}\r\né@x] {2}\r\nlr",
        ] {
            assert_eq!(read(line), Ok(wanted.clone()), "{line:?}");
        }
        for line in [
            "a GETACL",
            "a GETACL ",
            "a GETACL  INBOX",
            "a GETACL INBOX ",
            "a GETACL INBOX more",
            "a GETACL (INBOX)",
            "a GETACL \"INBOX",
            "a GETACL \"a\\b\"",
            "a GETACL \"é\"",
            "a GETACL {5}INBOX",
            "a GETACL {6}\r\nINBOX",
            "a GETACL {{5}\r\nINBOX",
            "a GETACL {4294967295}\r\nINBOX",
            "a GETACL {99999999999999999999}\r\nINBOX",
            "a GETACL {1}\r\n\0",
            "a GETACL INBOX\r\na NOOP",
            "a SETACL INBOX anyone",
            "a SETACL INBOX anyone +3",
            "a SETACL INBOX anyone L",
            "a SETACL INBOX anyone ++l",
            "a DELETEACL INBOX",
            "a LISTRIGHTS INBOX {1}\r\n\u{80}",
        ] {
            assert!(read(line).is_err(), "{line:?}");
        }
        assert!(read(&format!("a DELETEACL INBOX {}", "x".repeat(IDENTIFIER_BYTES_MAX + 1))).is_err());
        assert_eq!(command(b"+ GETACL INBOX\r\n").unwrap().unwrap_err().tag, None);
        for other in ["a NOOP", "a GETACLX y", "a", "", "GETACL x", "a UID GETACL x"] {
            assert_eq!(command(format!("{other}\r\n").as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn answers_are_spelt_for_old_programs_too() {
        for (rights, wire) in
            [("", ""), ("lr", "lr"), ("k", "kc"), ("lrx", "lrxc"), ("t", "td"), ("te0", "te0d"), ("lrswipkxtea012", "lrswipkxtea012cd")]
        {
            assert_eq!(letters(of(rights)), wire);
            assert!(super::rights(wire.as_bytes()).unwrap().contains(of(rights)));
        }
        assert_eq!(grantable(of("lrk")), " l r k c");
        assert_eq!(grantable(Rights::NONE), "");
        for (text, wire) in [
            ("", "\"\""),
            ("INBOX", "INBOX"),
            ("a b", "\"a b\""),
            ("a\"\\", "\"a\\\"\\\\\""),
            ("é", "{2}\r\né"),
            ("a\r\n* BYE", "{8}\r\na\r\n* BYE"),
            ("x@y.z", "x@y.z"),
            ("%", "\"%\""),
        ] {
            assert_eq!(astring(text), wire);
        }
    }

    proptest! {
        #[test]
        fn no_octets_panic(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = command(&octets);
        }

        #[test]
        fn no_half_command_panics(
            word in proptest::sample::select(&["SETACL", "DELETEACL", "GETACL", "LISTRIGHTS", "MYRIGHTS"][..]),
            rest in "[ -~é]{0,30}",
            more in proptest::sample::select(&["", "{3}\r\nabc", "{3+}\r\nab", "\"", "{0}\r\n", "{18446744073709551615}\r\n", "\\"][..]),
            tail in "[ -~\r\n]{0,8}",
        ) {
            let _ = command(format!("a {word} {rest}{more}{tail}\r\n").as_bytes());
            let _ = command(format!("a {word}{rest}{more}{tail}").as_bytes());
        }

        /// Whatever is written can be read, and is one argument.
        #[test]
        fn strings_come_back(text in "[^\0]{0,40}") {
            let line = format!("a DELETEACL INBOX {}\r\n", astring(&text));
            let read = command(line.as_bytes()).unwrap();
            if text.len() <= IDENTIFIER_BYTES_MAX {
                prop_assert_eq!(read.unwrap().1, Sharing::DeleteAcl { mailbox: Mailbox::Inbox, identifier: text });
            }
        }
    }
}
