//! ESEARCH: a search in many mailboxes. RFC 7377.

use super::argument;
use super::filter::Filter;
use super::returns::{Returns, returns};
use super::scan::{NOT_UNDERSTOOD, Read, Scanner};
use super::search::{Program, search};

/// Names and kinds of mailboxes in one command.
const SOURCES_MAX: usize = 1_000;

/// Such a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Esearch {
    /// Any of these.
    pub(crate) sources: Vec<Source>,
    pub(crate) returns: Returns,
    pub(crate) program: Program,
}

/// Where to search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// In the mailbox that is open.
    Selected,
    /// In others, or in it too.
    Other(Filter),
}

/// What follows the word of such a command; nothing of other commands.
pub(super) fn command(word: &str, rest: &mut Scanner<'_>) -> Option<Read<Esearch>> {
    (word == "ESEARCH").then(|| argument(rest, esearch))
}

/// RFC 7377 section 4 (esearch): what is not said stands for the open mailbox, and for ALL.
fn esearch(rest: &mut Scanner<'_>) -> Read<Esearch> {
    let mut sources = vec![Source::Selected];
    if rest.accept_text("IN ") {
        sources = rest.list(source)?;
        rest.space()?;
    }
    let names = |source: &Source| match source {
        Source::Selected => 1,
        Source::Other(filter) => filter.names().max(1),
    };
    match sources.iter().map(names).sum::<usize>() {
        0 => return Err(NOT_UNDERSTOOD),
        1..=SOURCES_MAX => {}
        _ => return Err("Too many mailboxes are named"),
    }
    let returns = returns(rest)?.unwrap_or_else(Returns::all);
    Ok(Esearch { sources, returns, program: search(rest)? })
}

fn source(rest: &mut Scanner<'_>) -> Read<Source> {
    match rest.word()?.as_str() {
        "SELECTED" => Ok(Source::Selected),
        word => Filter::read(word, rest).map(Source::Other),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::{Request, command};
    use super::*;
    use crate::wire::mailbox::MailboxName;

    fn read(line: &str) -> Read<Esearch> {
        match command(format!("a {line}\r\n").as_bytes(), false) {
            Ok((_, Request::Everywhere(command))) => Ok(command),
            Ok(other) => panic!("{other:?}"),
            Err(malformed) => Err(malformed.text),
        }
    }

    #[test]
    fn the_commands_of_the_rfc() {
        let named = |names: &[&str]| names.iter().map(|name| MailboxName::read(name.as_bytes(), false)).collect::<Vec<_>>();
        // RFC 7377 section 2.2.
        let command = read("ESEARCH IN (mailboxes \"folder1\" subtree \"folder2\") unseen").unwrap();
        assert_eq!(
            command.sources,
            [Source::Other(Filter::Mailboxes(named(&["folder1"]))), Source::Other(Filter::Subtree(named(&["folder2"])))]
        );
        let command = read("ESEARCH IN (subtree-one (a \"b c\") selected) RETURN (COUNT) CHARSET UTF-8 SUBJECT \"chad\"").unwrap();
        assert_eq!(command.sources, [Source::Other(Filter::SubtreeOne(named(&["a", "b c"]))), Source::Selected]);
        assert_eq!(read("ESEARCH ALL").unwrap().sources, [Source::Selected]);
        assert_eq!(read("ESEARCH IN (personal subscribed inboxes) ALL").unwrap().sources.len(), 3);
        let many = format!("ESEARCH IN (mailboxes (a{})) ALL", " a".repeat(SOURCES_MAX));
        for line in ["ESEARCH", "ESEARCH IN () ALL", "ESEARCH IN (x) ALL", "ESEARCH IN (subtree ()) ALL", "ESEARCH IN (selected)", &many] {
            assert!(read(line).is_err(), "{line}");
        }
    }
}
