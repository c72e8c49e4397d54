//! Mailbox names: between the words of the wire and the paths of the model.

use super::utf7;
use imap_codec::imap_types::mailbox::{ListMailbox, Mailbox};
use octroi_model::Path;

/// What separates the levels of a name.
pub(crate) const SEPARATOR: char = '/';
const INBOX: &str = "INBOX";

/// The name of a mailbox in UTF-8, with INBOX in capitals; nothing when it is no valid modified UTF-7.
pub(crate) fn name_of(mailbox: &Mailbox<'_>) -> Option<String> {
    let name = match mailbox {
        Mailbox::Inbox => return Some(INBOX.to_owned()),
        Mailbox::Other(other) => utf7::decode(other.as_ref())?,
    };
    // RFC 9051 section 5.1: the INBOX in `inbox/Projets` is the same one.
    Some(match name.split_once(SEPARATOR) {
        Some((first, rest)) if first.eq_ignore_ascii_case(INBOX) => format!("{INBOX}{SEPARATOR}{rest}"),
        _ => name,
    })
}

/// The path of a mailbox; nothing when it is no valid name.
pub(crate) fn path_of(mailbox: &Mailbox<'_>) -> Option<Path> {
    Path::parse(&name_of(mailbox)?, SEPARATOR).ok()
}

/// The path of a mailbox that is to be made.
// RFC 9051 section 6.3.4: a trailing separator says that there will be children; the name is without it.
pub(crate) fn new_path_of(mailbox: &Mailbox<'_>) -> Option<Path> {
    let name = name_of(mailbox)?;
    Path::parse(name.strip_suffix(SEPARATOR).unwrap_or(&name), SEPARATOR).ok()
}

/// A name in UTF-8 as it goes on the wire.
pub(crate) fn on_wire(name: &str) -> Mailbox<'static> {
    // Modified UTF-7 is printable ASCII, and only a NUL could be refused.
    Mailbox::try_from(utf7::encode(name)).unwrap_or(Mailbox::Inbox)
}

/// A LIST pattern in UTF-8; nothing when it is no valid modified UTF-7. Wildcards are never part of a shifted run.
pub(crate) fn pattern_of(pattern: &ListMailbox<'_>) -> Option<String> {
    match pattern {
        ListMailbox::Token(token) => utf7::decode(token.as_ref()),
        ListMailbox::String(string) => utf7::decode(string.as_ref()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_go_both_ways() {
        for name in ["INBOX", "Projets/2026", "INBOX/Éléments", "Shared/équipe@douane.example/Actes", "a \"b\" \\c"] {
            assert_eq!(name_of(&on_wire(name)).as_deref(), Some(name));
        }
        assert_eq!(name_of(&Mailbox::try_from("inBox/x").unwrap()).as_deref(), Some("INBOX/x"));
        assert_eq!(name_of(&Mailbox::try_from("iNBOX").unwrap()).as_deref(), Some("INBOX"));
        assert_eq!(path_of(&Mailbox::try_from("a/../b").unwrap()), None);
        assert_eq!(path_of(&Mailbox::try_from("a/").unwrap()), None);
        assert_eq!(new_path_of(&Mailbox::try_from("a/").unwrap()).unwrap().join("/"), "a");
        assert_eq!(path_of(&Mailbox::try_from("").unwrap()), None);
        assert_eq!(path_of(&Mailbox::try_from("&AGE-").unwrap()), None);
    }
}
