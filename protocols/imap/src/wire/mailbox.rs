//! Mailbox names: between the words of the wire and the paths of the model.
//!
//! Rules: `/` separates levels; `INBOX`, alone or as the first level, is the same in any case, all other names are told apart by case;
//! names are kept as they were written and not normalised, so that what a client made is what it finds.

use super::grammar::scan::astring;
use super::utf7;
use octroi_model::Path;

/// What separates the levels of a name.
pub(crate) const SEPARATOR: char = '/';
const INBOX: &str = "INBOX";

/// A name as a client wrote it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct MailboxName(Option<String>);

impl MailboxName {
    /// From the octets of a command: UTF-8 if the client has asked for it, else modified UTF-7. `&` is then an ampersand.
    // RFC 9051 section 5.1, RFC 9755 section 3, RFC 3501 section 5.1.3.
    pub(crate) fn read(octets: &[u8], utf8: bool) -> Self {
        let name = if utf8 { std::str::from_utf8(octets).ok().map(str::to_owned) } else { utf7::decode(octets) };
        // RFC 9051 section 5.1: the INBOX in `inbox/Projets` is the same one.
        Self(name.map(|name| match name.split_once(SEPARATOR) {
            Some((first, rest)) if first.eq_ignore_ascii_case(INBOX) => format!("{INBOX}{SEPARATOR}{rest}"),
            None if name.eq_ignore_ascii_case(INBOX) => INBOX.to_owned(),
            _ => name,
        }))
    }

    /// The name in UTF-8, with INBOX in capitals; nothing when it was not in its charset.
    pub(crate) fn text(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// The path; nothing when it is no valid name.
    pub(crate) fn path(&self) -> Option<Path> {
        Path::parse(self.text()?, SEPARATOR).ok()
    }

    /// The path of a mailbox that is to be made.
    // RFC 9051 section 6.3.4: a trailing separator says that there will be children; the name is without it.
    pub(crate) fn new_path(&self) -> Option<Path> {
        let name = self.text()?;
        Path::parse(name.strip_suffix(SEPARATOR).unwrap_or(name), SEPARATOR).ok()
    }
}

/// A name in UTF-8 as it goes on the wire.
pub(crate) fn on_wire(name: &str, utf8: bool) -> String {
    if !utf8 {
        return astring(&utf7::encode(name));
    }
    if name.is_ascii() || name.contains(char::is_control) {
        return astring(name);
    }
    // RFC 9755 section 3: what is no ASCII goes quoted.
    format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::grammar::scan::Scanner;
    use super::*;

    #[test]
    fn names_go_both_ways() {
        for utf8 in [false, true] {
            for name in ["INBOX", "Projets/2026", "INBOX/Éléments", "Shared/équipe@douane.example/Actes", "a \"b\" \\c", "R&D", "é\"ł"]
            {
                let written = on_wire(name, utf8);
                assert_eq!(Scanner::new(written.as_bytes(), utf8).mailbox().unwrap().text(), Some(name), "{written}");
            }
        }
        let read = |name: &str| MailboxName::read(name.as_bytes(), false);
        assert_eq!(read("inBox/x").text(), Some("INBOX/x"));
        assert_eq!(read("iNBOX").text(), Some("INBOX"));
        assert_eq!(read("a/../b").path(), None);
        assert_eq!(read("a/").path(), None);
        assert_eq!(read("a/").new_path().unwrap().join("/"), "a");
        assert_eq!(read("").path(), None);
        assert_eq!(read("&AGE-").path(), None);
        assert_eq!(MailboxName::read(b"R&D", true).text(), Some("R&D"));
        assert_eq!(MailboxName::read(b"\xff", true).text(), None);
    }
}
