//! APPEND up to its message: RFC 9051 section 6.3.12.
//!
//! The reader stops at the message's announcement, so mailbox, flags and date are known, and perhaps refused, before its first octet is
//! taken.

use super::argument;
use super::scan::{Read, Scanner};
use crate::wire::literal::{self, Literal};
use crate::wire::mailbox::MailboxName;
use imap_codec::imap_types::core::Tag;
use imap_codec::imap_types::datetime::DateTime;
use imap_codec::imap_types::flag::Flag;

/// The commands that a message is part of.
pub(super) const WORDS: [&str; 1] = ["APPEND"];

/// What stands before the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) tag: Tag<'static>,
    pub(crate) mailbox: MailboxName,
    pub(crate) message: Announced,
}

/// A message that is announced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Announced {
    pub(crate) flags: Vec<Flag<'static>>,
    pub(crate) date: Option<DateTime>,
    /// It is a binary literal (RFC 3516 section 4.4).
    pub(crate) is_binary: bool,
    pub(crate) literal: Literal,
}

/// If these octets, which end in a literal announcement and CRLF, are an APPEND up to its message: what they say.
pub(crate) fn head(octets: &[u8], utf8: bool) -> Option<Head> {
    let (tag, mut rest) = super::opening(octets, utf8)?;
    if rest.word().ok()? != "APPEND" {
        return None;
    }
    let read = argument(&mut rest, |rest| Ok((rest.mailbox()?, argument(rest, announced)?)));
    read.ok().map(|(mailbox, message)| Head { tag, mailbox, message })
}

/// Flags and date, if they are there, and the announcement, at which the line ends.
fn announced(rest: &mut Scanner<'_>) -> Read<Announced> {
    let mut flags = Vec::new();
    if rest.peek(b'(') {
        flags = rest.list(Scanner::flag)?;
        rest.space()?;
    }
    let mut date = None;
    if rest.peek(b'"') {
        date = Some(rest.date_time()?);
        rest.space()?;
    }
    let is_binary = rest.accept(b'~');
    // RFC 9051 section 9: a number has 32 bits; with more it is no APPEND.
    let literal = rest.announcement().filter(|literal| u32::try_from(literal.bytes).is_ok());
    Ok(Announced { flags, date, is_binary, literal: literal.ok_or(super::scan::NOT_UNDERSTOOD)? })
}

impl Scanner<'_> {
    /// A literal announcement that is all that is left.
    fn announcement(&self) -> Option<Literal> {
        literal::announced(self.rest()).filter(|_| self.rest().iter().rposition(|octet| *octet == b'{') == Some(0))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_append_is_known_before_its_message() {
        let read = head(b"a append \"Envoy&AOk-s\" (\\Seen $MDNSent) \"01-Feb-2024 10:00:00 +0100\" {310+}\r\n", false).unwrap();
        assert_eq!(read.mailbox.text(), Some("Envoyés"));
        assert_eq!(read.message.flags.len(), 2);
        assert_eq!(crate::wire::date::instant_of(&read.message.date.unwrap()).0, 1_706_778_000);
        assert_eq!(read.message.literal, Literal { bytes: 310, waits: false });
        assert!(head(b"a APPEND {5}\r\nINBOX {310}\r\n", false).is_some(), "the second literal is the message");
        assert!(head(b"a APPEND INBOX ~{310}\r\n", false).unwrap().message.is_binary);
        for other in [
            &b"a APPEND {5}\r\n"[..],
            b"a LOGIN x {5}\r\n",
            b"APPEND {5}\r\n",
            b"a APPEND x y {5}\r\n",
            b"a APPEND x (\\Seen){5}\r\n",
            b"a APPEND x {4294967296}\r\n",
        ] {
            assert_eq!(head(other, false), None);
        }
    }
}
