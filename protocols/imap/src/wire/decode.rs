//! Octets to commands, by imap-codec. Called with what the reader has gathered: all lines and literals of one command.
//!
//! Whatever the octets, nothing here panics; what is no command is [`Malformed`], with the tag if there is one to answer to.

use super::literal;
use imap_codec::CommandCodec;
use imap_codec::decode::Decoder;
use imap_codec::imap_types::command::{Command, CommandBody};
use imap_codec::imap_types::core::Tag;

/// Not a command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed {
    /// Whom the BAD is for.
    pub(crate) tag: Option<Tag<'static>>,
    /// For the client's log.
    pub(crate) text: &'static str,
}

/// Every command word that is taken, with the number of words that it may be the last of.
const WORDS: [&str; 39] = [
    "CAPABILITY",
    "NOOP",
    "LOGOUT",
    "ID",
    "STARTTLS",
    "AUTHENTICATE",
    "LOGIN",
    "ENABLE",
    "NAMESPACE",
    "SELECT",
    "EXAMINE",
    "CREATE",
    "DELETE",
    "RENAME",
    "SUBSCRIBE",
    "UNSUBSCRIBE",
    "LIST",
    "LSUB",
    "STATUS",
    "APPEND",
    "IDLE",
    "CHECK",
    "SORT",
    "THREAD",
    "CLOSE",
    "UNSELECT",
    "EXPUNGE",
    "SEARCH",
    "FETCH",
    "STORE",
    "COPY",
    "MOVE",
    "UID SEARCH",
    "UID SORT",
    "UID THREAD",
    "UID FETCH",
    "UID STORE",
    "UID COPY",
    "UID MOVE",
];

/// One whole command.
pub(crate) fn command(octets: &[u8]) -> Result<Command<'_>, Malformed> {
    match CommandCodec::new().decode(octets) {
        Ok((b"", command)) => Ok(command),
        _ => Err(Malformed { tag: tag(octets), text: fault(octets) }),
    }
}

/// The tag at the start of a line, if it is one.
pub(crate) fn tag(octets: &[u8]) -> Option<Tag<'static>> {
    let word = octets.split(|b| matches!(b, b' ' | b'\r' | b'\n')).next()?;
    Tag::try_from(word.to_vec()).ok()
}

/// If these octets, which end in a literal announcement and CRLF, are an APPEND up to its message: the same with an empty message,
/// which [`command`] reads. So mailbox, flags and date are known, and perhaps refused, before the first octet of the message is taken.
pub(crate) fn upload(octets: &[u8]) -> Option<Vec<u8>> {
    let word = octets.splitn(3, |b| *b == b' ').nth(1)?;
    let line = octets.strip_suffix(b"\r\n")?;
    // RFC 9051 section 9: a number has 32 bits; with more it is no APPEND.
    let is_literal = literal::announced(line).is_some_and(|literal| u32::try_from(literal.bytes).is_ok());
    if !word.eq_ignore_ascii_case(b"APPEND") || !is_literal {
        return None;
    }
    let before = &line[..line.iter().rposition(|b| *b == b'{')?];
    let whole = [before, b"{0}\r\n\r\n"].concat();
    let is_whole = matches!(command(&whole), Ok(Command { body: CommandBody::Append { .. }, .. }));
    is_whole.then_some(whole)
}

/// Which mailboxes LIST shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ListScope {
    /// All that the pattern covers.
    All,
    /// Of those, the ones with a special use.
    SpecialUse,
}

/// A LIST with the options of RFC 6154 section 2, which imap-codec does not read: the same without them, and what they mean. What
/// `RETURN` may ask for here is shown in any case.
pub(crate) fn without_list_options(octets: &[u8]) -> Option<(Vec<u8>, ListScope)> {
    let mut line = std::str::from_utf8(octets).ok()?.strip_suffix("\r\n")?;
    let mut words = line.splitn(3, ' ');
    let (tag, word, mut rest) = (words.next()?, words.next()?, words.next()?);
    // A literal may hold anything, also what looks like an option.
    if !word.eq_ignore_ascii_case("LIST") || line.contains('{') {
        return None;
    }
    let mut scope = ListScope::All;
    if let Some((options, after)) = rest.strip_prefix('(').and_then(|selection| selection.split_once(") ")) {
        if !options.eq_ignore_ascii_case("SPECIAL-USE") {
            return None;
        }
        (scope, rest) = (ListScope::SpecialUse, after);
    }
    let options = rest.rfind(" (").map(|at| (&rest[..at], &rest[at + 2..]));
    if let Some((before, options)) = options.and_then(|(before, options)| Some((before, options.strip_suffix(')')?))) {
        let at = before.len().checked_sub(" RETURN".len())?;
        let is_return = before.get(at..).is_some_and(|word| word.eq_ignore_ascii_case(" RETURN"));
        let is_shown = |option: &str| option.eq_ignore_ascii_case("SPECIAL-USE") || option.eq_ignore_ascii_case("CHILDREN");
        if !is_return || !options.split(' ').all(is_shown) {
            return None;
        }
        rest = &before[..at];
    }
    line = rest;
    Some((format!("{tag} LIST {line}\r\n").into_bytes(), scope))
}

/// What to say of a line that is no command.
fn fault(octets: &[u8]) -> &'static str {
    let line = octets.split(|b| *b == b'\r').next().unwrap_or_default();
    let Some(at) = line.iter().position(|b| *b == b' ') else { return "A command is a tag and a word" };
    let rest = line[at + 1..].to_ascii_uppercase();
    let known = WORDS
        .iter()
        .chain(&["UID EXPUNGE"])
        .any(|word| rest.strip_prefix(word.as_bytes()).is_some_and(|after| after.first().is_none_or(|b| !b.is_ascii_alphanumeric())));
    if known { "The command's arguments are not understood" } else { "The command is not known" }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bad(octets: &[u8]) -> (Option<String>, &'static str) {
        let malformed = command(octets).unwrap_err();
        (malformed.tag.map(|tag| tag.inner().to_owned()), malformed.text)
    }

    #[test]
    fn faults_are_told_apart() {
        assert_eq!(bad(b"a1 XYZZY\r\n"), (Some("a1".into()), "The command is not known"));
        assert_eq!(bad(b"a1 UID XYZZY\r\n"), (Some("a1".into()), "The command is not known"));
        assert_eq!(bad(b"a1 select\r\n"), (Some("a1".into()), "The command's arguments are not understood"));
        assert_eq!(bad(b"a1\r\n"), (Some("a1".into()), "A command is a tag and a word"));
        assert_eq!(bad(b"\r\n").0, None);
        assert_eq!(bad(b"+ NOOP\r\n").0, None);
        assert_eq!(bad(b"a NOOP\r\nb NOOP\r\n").0, Some("a".into()));
    }

    #[test]
    fn deep_searches_are_refused_not_followed() {
        for word in ["NOT ", "OR ALL ", "("] {
            assert!(command(format!("a SEARCH {}ALL\r\n", word.repeat(100_000)).as_bytes()).is_err());
        }
    }

    #[test]
    fn an_append_is_known_before_its_message() {
        let head = upload(b"a append \"Envoy&AOk-s\" (\\Seen $MDNSent) \"01-Feb-2024 10:00:00 +0100\" {310+}\r\n").unwrap();
        let Command { body: CommandBody::Append { mailbox, flags, date, .. }, .. } = command(&head).unwrap() else { panic!("no APPEND") };
        assert_eq!(super::super::mailbox::name_of(&mailbox).as_deref(), Some("Envoyés"));
        assert_eq!(flags.len(), 2);
        assert_eq!(super::super::date::instant_of(&date.unwrap()).0, 1_706_778_000);
        assert!(upload(b"a APPEND {5}\r\nINBOX {310}\r\n").is_some(), "the second literal is the message");
        assert!(upload(b"a APPEND INBOX ~{310}\r\n").is_some(), "binary: refused later, but taken for what it is");
        for other in [
            &b"a APPEND {5}\r\n"[..],
            b"a LOGIN x {5}\r\n",
            b"a APPEND {5}\r\n",
            b"APPEND {5}\r\n",
            b"a APPEND x y {5}\r\n",
            b"a APPEND x {4294967296}\r\n",
        ] {
            assert_eq!(upload(other), None);
        }
    }

    #[test]
    fn the_options_of_special_use_are_read() {
        let plain = |line: &str| without_list_options(line.as_bytes()).map(|(octets, scope)| (String::from_utf8(octets).unwrap(), scope));
        let (all, special) = (ListScope::All, ListScope::SpecialUse);
        for (line, same, scope) in [
            ("a LIST \"\" \"*\" RETURN (SPECIAL-USE)\r\n", "a LIST \"\" \"*\"\r\n", all),
            ("a list \"\" % return (children special-use)\r\n", "a LIST \"\" %\r\n", all),
            ("a LIST (SPECIAL-USE) \"\" *\r\n", "a LIST \"\" *\r\n", special),
            ("a LIST (special-use) \"\" * RETURN (SPECIAL-USE)\r\n", "a LIST \"\" *\r\n", special),
            ("a LIST \"\" \"x (y)\"\r\n", "a LIST \"\" \"x (y)\"\r\n", all),
        ] {
            assert_eq!(plain(line), Some((same.to_owned(), scope)), "{line}");
        }
        for line in [
            "a LIST (REMOTE) \"\" *\r\n",
            "a LIST \"\" * RETURN (STATUS (UNSEEN))\r\n",
            "a LSUB \"\" *\r\n",
            "a LIST \"\" {3}\r\n(x)\r\n",
            "a LIST (\r\n",
        ] {
            assert!(plain(line).is_none_or(|(octets, _)| octets.len() == line.len()), "{line}");
        }
    }

    proptest! {
        #[test]
        fn no_octets_panic(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = command(&octets);
            let _ = upload(&octets);
            let _ = without_list_options(&octets);
        }

        #[test]
        fn no_half_command_panics(
            word in proptest::sample::select(&WORDS[..]),
            rest in "[ -~]{0,40}",
            tail in proptest::sample::select(&["\r\n", "{3}\r\nabc\r\n", "{3+}\r\n", "", "\n", "{0}\r\n\r\n"][..]),
        ) {
            let line = format!("a {word}{rest}{tail}");
            let _ = command(line.as_bytes());
            let _ = upload(line.as_bytes());
            let _ = without_list_options(line.as_bytes());
            prop_assert!(tag(line.as_bytes()).is_some());
        }
    }
}
