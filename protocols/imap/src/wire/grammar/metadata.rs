//! GETMETADATA and SETMETADATA: RFC 5464 section 5.

use super::argument;
use super::scan::{NOT_UNDERSTOOD, Read, Scanner};
use crate::wire::mailbox::MailboxName;

/// Entries of one command.
const ENTRIES_MAX: usize = 100;

/// Such a command. An empty name is the server's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OnMetadata {
    Get(Get),
    Set { mailbox: MailboxName, entries: Vec<(String, Option<Vec<u8>>)> },
}

/// GETMETADATA.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Get {
    pub(crate) mailbox: MailboxName,
    pub(crate) entries: Vec<String>,
    /// Values of at most so many octets.
    pub(crate) bytes_max: Option<u64>,
    pub(crate) depth: Depth,
}

/// How far below an entry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Depth {
    /// The entry itself.
    #[default]
    Zero,
    /// And what is directly below it.
    One,
    /// And all below it.
    Infinity,
}

/// May an entry have this name, so far as its beginning goes?
// RFC 5464 section 3.2.
pub(crate) fn is_entry(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["/private", "/shared"].iter().any(|top| name.strip_prefix(top).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

/// What follows the word of such a command; nothing of other commands.
pub(super) fn command(word: &str, rest: &mut Scanner<'_>) -> Option<Read<OnMetadata>> {
    let read: fn(&mut Scanner<'_>) -> Read<OnMetadata> = match word {
        "GETMETADATA" => |rest| get(rest).map(OnMetadata::Get),
        "SETMETADATA" => set,
        _ => return None,
    };
    Some(argument(rest, read))
}

/// The options stand before the mailbox in the grammar of the RFC, and behind it in its examples.
fn get(rest: &mut Scanner<'_>) -> Read<Get> {
    let mut get = Get { mailbox: MailboxName::default(), entries: Vec::new(), bytes_max: None, depth: Depth::Zero };
    if rest.peek(b'(') {
        options(rest, &mut get)?;
        rest.space()?;
    }
    get.mailbox = rest.mailbox()?;
    rest.space()?;
    let mut ahead = *rest;
    if ahead.accept(b'(') && (ahead.accept_word("MAXSIZE") || ahead.accept_word("DEPTH")) {
        options(rest, &mut get)?;
        rest.space()?;
    }
    get.entries = if rest.peek(b'(') { rest.list(Scanner::text)? } else { vec![rest.text()?] };
    if get.entries.is_empty() || get.entries.len() > ENTRIES_MAX { Err(NOT_UNDERSTOOD) } else { Ok(get) }
}

fn options(rest: &mut Scanner<'_>, get: &mut Get) -> Read<()> {
    rest.list(|rest| {
        match rest.word()?.as_str() {
            "MAXSIZE" => get.bytes_max = Some(argument(rest, Scanner::number64)?),
            "DEPTH" => {
                get.depth = match argument(rest, Scanner::word)?.as_str() {
                    "0" => Depth::Zero,
                    "1" => Depth::One,
                    "INFINITY" => Depth::Infinity,
                    _ => return Err(NOT_UNDERSTOOD),
                }
            }
            _ => return Err(NOT_UNDERSTOOD),
        }
        Ok(())
    })
    .map(drop)
}

fn set(rest: &mut Scanner<'_>) -> Read<OnMetadata> {
    let mailbox = rest.mailbox()?;
    rest.space()?;
    let entry = |rest: &mut Scanner<'_>| {
        let name = rest.text()?;
        rest.space()?;
        Ok((name, rest.nstring()?.map(std::borrow::Cow::into_owned)))
    };
    let entries = rest.list(entry)?;
    if entries.is_empty() || entries.len() > ENTRIES_MAX { Err(NOT_UNDERSTOOD) } else { Ok(OnMetadata::Set { mailbox, entries }) }
}

#[cfg(test)]
mod tests {
    use super::super::{Request, command};
    use super::*;

    fn read(line: &str) -> Read<OnMetadata> {
        match command(format!("a {line}\r\n").as_bytes(), false) {
            Ok((_, Request::OnMetadata(command))) => Ok(command),
            Ok(other) => panic!("{other:?}"),
            Err(malformed) => Err(malformed.text),
        }
    }

    #[test]
    fn the_examples_of_the_rfc() {
        let name = |text: &str| MailboxName::read(text.as_bytes(), false);
        let get = |mailbox, entries: &[&str], bytes_max, depth| {
            Ok(OnMetadata::Get(Get {
                mailbox: name(mailbox),
                entries: entries.iter().map(ToString::to_string).collect(),
                bytes_max,
                depth,
            }))
        };
        assert_eq!(read("GETMETADATA \"\" /shared/comment"), get("", &["/shared/comment"], None, Depth::Zero));
        assert_eq!(
            read("GETMETADATA \"INBOX\" (/shared/comment /private/comment)"),
            get("INBOX", &["/shared/comment", "/private/comment"], None, Depth::Zero)
        );
        assert_eq!(read("GETMETADATA \"INBOX\" (DEPTH 1) (/private/filters)"), get("INBOX", &["/private/filters"], None, Depth::One));
        assert_eq!(
            read("GETMETADATA (MAXSIZE 1024 DEPTH infinity) INBOX /shared"),
            get("INBOX", &["/shared"], Some(1024), Depth::Infinity)
        );
        let set = |entries: &[(&str, Option<&[u8]>)]| {
            let entries = entries.iter().map(|(name, value)| ((*name).to_owned(), value.map(<[u8]>::to_vec))).collect();
            Ok(OnMetadata::Set { mailbox: name("INBOX"), entries })
        };
        assert_eq!(
            read("SETMETADATA INBOX (/private/comment {33}\r\nMy new comment across\r\ntwo lines.)"),
            set(&[("/private/comment", Some(b"My new comment across\r\ntwo lines."))])
        );
        assert_eq!(read("SETMETADATA INBOX (/private/comment NIL)"), set(&[("/private/comment", None)]));
        assert_eq!(read("SETMETADATA INBOX (/a \"x\" /b ~{1}\r\n\0)"), set(&[("/a", Some(b"x")), ("/b", Some(b"\0"))]));
        for line in [
            "GETMETADATA INBOX",
            "GETMETADATA INBOX ()",
            "GETMETADATA (DEPTH 2) INBOX /a",
            "SETMETADATA INBOX ()",
            "SETMETADATA INBOX (/a)",
        ] {
            assert!(read(line).is_err(), "{line}");
        }
    }
}
