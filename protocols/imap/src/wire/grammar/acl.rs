//! The words of RFC 4314, which imap-codec does not know: its five commands, and how their answers spell rights and identifiers.
//!
//! Called by the grammar, and by the five handlers for their answers.

use super::argument;
use super::scan::{NOT_UNDERSTOOD, Read, Scanner};
use crate::wire::mailbox::MailboxName;
use octroi_model::Rights;

/// Octets of an identifier; the longest address has 254 (RFC 5321 section 4.5.3.1).
const IDENTIFIER_BYTES_MAX: usize = 512;

/// `c` of RFC 2086 stands for these. Of the two ways of RFC 4314 section 2.1.1 this is the one in which DELETE belongs to `c`.
const CREATE: Rights = Rights::CREATE.or(Rights::DELETE_COLLECTION);
/// `d` of RFC 2086 stands for these.
const DELETE: Rights = Rights::DELETE_ITEMS.or(Rights::EXPUNGE);

/// A command of RFC 4314 section 3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sharing {
    SetAcl { mailbox: MailboxName, identifier: String, change: RightsChange },
    DeleteAcl { mailbox: MailboxName, identifier: String },
    GetAcl { mailbox: MailboxName },
    ListRights { mailbox: MailboxName, identifier: String },
    MyRights { mailbox: MailboxName },
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

/// What follows the word of one of the five commands; nothing of other commands.
pub(super) fn command(word: &str, rest: &mut Scanner<'_>) -> Option<Read<Sharing>> {
    let read: fn(&mut Scanner<'_>) -> Read<Sharing> = match word {
        "SETACL" => setacl,
        "DELETEACL" => |rest| Ok(Sharing::DeleteAcl { mailbox: rest.mailbox()?, identifier: next_identifier(rest)? }),
        "GETACL" => |rest| Ok(Sharing::GetAcl { mailbox: rest.mailbox()? }),
        "LISTRIGHTS" => |rest| Ok(Sharing::ListRights { mailbox: rest.mailbox()?, identifier: next_identifier(rest)? }),
        "MYRIGHTS" => |rest| Ok(Sharing::MyRights { mailbox: rest.mailbox()? }),
        _ => return None,
    };
    Some(argument(rest, read))
}

fn setacl(rest: &mut Scanner<'_>) -> Read<Sharing> {
    let (mailbox, identifier) = (rest.mailbox()?, next_identifier(rest)?);
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
fn rights(letters: &[u8]) -> Read<Rights> {
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

/// A space and an identifier.
fn next_identifier(rest: &mut Scanner<'_>) -> Read<String> {
    rest.space()?;
    let octets = rest.astring()?.into_owned();
    if octets.len() > IDENTIFIER_BYTES_MAX {
        return Err("The identifier is too long");
    }
    String::from_utf8(octets).map_err(|_| NOT_UNDERSTOOD)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::wire::grammar::Request;

    fn read(line: &str) -> Read<Sharing> {
        match crate::wire::grammar::command(format!("{line}\r\n").as_bytes(), false) {
            Ok((_, Request::Sharing(command))) => Ok(command),
            Ok(other) => panic!("{other:?}"),
            Err(malformed) => Err(malformed.text),
        }
    }

    fn name(text: &str) -> MailboxName {
        MailboxName::read(text.as_bytes(), false)
    }

    fn set(mailbox: &str, identifier: &str, change: RightsChange) -> Sharing {
        Sharing::SetAcl { mailbox: name(mailbox), identifier: identifier.to_owned(), change }
    }

    fn of(letters: &str) -> Rights {
        Rights::parse(letters).unwrap()
    }

    #[test]
    fn the_commands_of_the_rfc() {
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
        assert_eq!(read("B001 getacl INBOX"), Ok(Sharing::GetAcl { mailbox: name("INBOX") }));
        let drafts = || name("INBOX/Drafts");
        assert_eq!(read("B DELETEACL INBOX/Drafts smith"), Ok(Sharing::DeleteAcl { mailbox: drafts(), identifier: smith() }));
        assert_eq!(read("B LISTRIGHTS ~/Mail/saved smith"), Ok(Sharing::ListRights { mailbox: name("~/Mail/saved"), identifier: smith() }));
        assert_eq!(read("B MYRIGHTS INBOX"), Ok(Sharing::MyRights { mailbox: name("INBOX") }));
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
    }
}
