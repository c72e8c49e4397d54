//! The grammar: from the octets of one command to a [`Request`].
//!
//! Called by `connection` with what the reader has gathered: all lines and literals of one command. imap-codec reads the commands that
//! are as RFC 3501 has them; what extensions have changed is read here, on imap-codec's types for the smaller parts. What always holds:
//! whatever the octets, nothing panics; a command is read whole or not at all; what is no command is [`Malformed`], with the tag if there
//! is one to answer to. Nothing recurses deeper than [`search::DEPTH_MAX`].
//!
//! | file | what |
//! |---|---|
//! | `scan` | the small words |
//! | `mailboxes` | commands that name mailboxes |
//! | `messages` | FETCH, STORE, COPY, MOVE, UID EXPUNGE |
//! | `search` | SEARCH, SORT, THREAD, CANCELUPDATE |
//! | `multisearch` | ESEARCH |
//! | `returns` | what a search is to tell |
//! | `append` | APPEND and REPLACE, up to the octets of their messages |
//! | `metadata` | GETMETADATA, SETMETADATA |
//! | `notify` | NOTIFY |
//! | `filter` | which mailboxes NOTIFY and ESEARCH are about |
//! | `opening` | the parameters of SELECT and EXAMINE |
//! | `batches` | UIDBATCHES |
//! | `acl` | the commands of RFC 4314 |

pub(crate) mod acl;
pub(crate) mod append;
pub(crate) mod batches;
pub(crate) mod filter;
pub(crate) mod mailboxes;
pub(crate) mod messages;
pub(crate) mod metadata;
pub(crate) mod multisearch;
pub(crate) mod notify;
pub(crate) mod opening;
pub(crate) mod returns;
pub(crate) mod scan;
pub(crate) mod search;

use imap_codec::CommandCodec;
use imap_codec::decode::Decoder;
use imap_codec::imap_types::command::{Command, CommandBody};
use imap_codec::imap_types::core::Tag;
use scan::{NOT_UNDERSTOOD, Read, Scanner};

/// Not a command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed {
    /// Whom the BAD is for.
    pub(crate) tag: Option<Tag<'static>>,
    /// For the client's log.
    pub(crate) text: &'static str,
}

/// A command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Request<'a> {
    /// One that imap-codec reads: see [`CODEC_WORDS`].
    Codec(CommandBody<'a>),
    /// It names mailboxes.
    OnMailbox(mailboxes::OnMailbox),
    /// It names messages of the selected mailbox, by their uids or not.
    OnMessages { command: messages::OnMessages, uid: bool },
    /// It looks for messages of the selected mailbox.
    Seeking { command: search::Seeking, uid: bool },
    /// It is about annotations.
    OnMetadata(metadata::OnMetadata),
    /// It ends the log-in and keeps the connection (RFC 8437).
    Unauthenticate,
    /// It is about what to tell unasked.
    Notify(notify::Notify),
    /// It asks which uids split the selected mailbox into batches.
    Batches(batches::Batches),
    /// It looks for messages of many mailboxes.
    Everywhere(multisearch::Esearch),
    /// It brings messages that are made of others.
    Upload(append::Upload),
    /// It is about who may do what.
    Sharing(acl::Sharing),
}

impl Request<'_> {
    /// Does it name messages by their numbers, or ask for an answer in numbers?
    // RFC 9586 section 3.2.
    pub(crate) fn names_numbers(&self) -> bool {
        match self {
            Self::OnMessages { uid, .. } => !uid,
            Self::Seeking { command, uid } => command.names_numbers(*uid),
            Self::Upload(upload) => upload.names_numbers(),
            Self::Everywhere(esearch) => esearch.program.names_numbers(),
            Self::Codec(_)
            | Self::OnMailbox(_)
            | Self::OnMetadata(_)
            | Self::Sharing(_)
            | Self::Notify(_)
            | Self::Batches(_)
            | Self::Unauthenticate => false,
        }
    }
}

/// The commands that imap-codec reads.
const CODEC_WORDS: [&str; 17] = [
    "CAPABILITY",
    "NOOP",
    "LOGOUT",
    "ID",
    "STARTTLS",
    "AUTHENTICATE",
    "LOGIN",
    "ENABLE",
    "NAMESPACE",
    "GETQUOTA",
    "SETQUOTA",
    "IDLE",
    "CHECK",
    "CLOSE",
    "UNSELECT",
    "COMPRESS",
    "EXPUNGE",
];

/// One whole command. `utf8`: names and quoted strings are in UTF-8.
pub(crate) fn command(octets: &[u8], utf8: bool) -> Result<(Tag<'static>, Request<'_>), Malformed> {
    let Some((tag, mut rest)) = opening(octets, utf8) else {
        return Err(Malformed { tag: tag(octets), text: "A command is a tag and a word" });
    };
    match request(octets, &mut rest) {
        Ok(request) => Ok((tag, request)),
        Err(text) => Err(Malformed { tag: Some(tag), text }),
    }
}

/// The tag, and what stands behind its space without the CRLF.
fn opening(octets: &[u8], utf8: bool) -> Option<(Tag<'static>, Scanner<'_>)> {
    let tag = tag(octets)?;
    let rest = octets.get(tag.as_ref().len()..)?.strip_suffix(b"\r\n")?.strip_prefix(b" ")?;
    Some((tag, Scanner::new(rest, utf8)))
}

/// The tag at the start of a line, if it is one.
pub(crate) fn tag(octets: &[u8]) -> Option<Tag<'static>> {
    let word = octets.split(|b| matches!(b, b' ' | b'\r' | b'\n')).next()?;
    Tag::try_from(word.to_vec()).ok()
}

fn request<'a>(octets: &'a [u8], rest: &mut Scanner<'_>) -> Read<Request<'a>> {
    const NOT_KNOWN: &str = "The command is not known";
    let mut word = rest.word().map_err(|_| "A command is a tag and a word")?;
    let uid = word == "UID";
    if uid {
        rest.space().map_err(|_| NOT_UNDERSTOOD)?;
        word = rest.word().map_err(|_| NOT_KNOWN)?;
    }
    let read = None
        .or_else(|| messages::command(&word, uid, rest).map(|read| read.map(|command| Request::OnMessages { command, uid })))
        .or_else(|| search::command(&word, rest).map(|read| read.map(|command| Request::Seeking { command, uid })));
    let read = read.or_else(|| append::command(&word, uid, rest).map(|read| read.map(Request::Upload)));
    let read = match read {
        Some(read) => Some(read),
        // RFC 7377 section 2: its examples say UID ESEARCH, its grammar does not; the answer is in uids anyway.
        None if uid => multisearch::command(&word, rest).map(|read| read.map(Request::Everywhere)),
        None => acl::command(&word, rest)
            .map(|read| read.map(Request::Sharing))
            .or_else(|| metadata::command(&word, rest).map(|read| read.map(Request::OnMetadata)))
            .or_else(|| (word == "UNAUTHENTICATE").then_some(Ok(Request::Unauthenticate)))
            .or_else(|| (word == "NOTIFY").then(|| argument(rest, notify::notify).map(Request::Notify)))
            .or_else(|| batches::command(&word, rest).map(|read| read.map(Request::Batches)))
            .or_else(|| multisearch::command(&word, rest).map(|read| read.map(Request::Everywhere)))
            .or_else(|| mailboxes::command(&word, rest).map(|read| read.map(Request::OnMailbox))),
    };
    match read {
        Some(request) => {
            let request = request?;
            rest.end().map(|()| request)
        }
        None if !uid && CODEC_WORDS.contains(&word.as_str()) => match CommandCodec::new().decode(octets) {
            Ok((b"", Command { body, .. })) => Ok(Request::Codec(body)),
            _ => Err(NOT_UNDERSTOOD),
        },
        None => Err(NOT_KNOWN),
    }
}

/// A space and what follows it.
fn argument<'a, T>(rest: &mut Scanner<'a>, read: impl FnOnce(&mut Scanner<'a>) -> Read<T>) -> Read<T> {
    rest.space()?;
    read(rest)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WORDS: [&str; 35] = [
        "CAPABILITY",
        "LOGIN x y",
        "AUTHENTICATE PLAIN",
        "SELECT x",
        "EXAMINE x",
        "CREATE x",
        "DELETE x",
        "RENAME x y",
        "SUBSCRIBE x",
        "LIST \"\" *",
        "LSUB \"\" %",
        "STATUS x (UNSEEN)",
        "APPEND x",
        "APPEND x CATENATE (URL",
        "APPEND x UTF8 (~",
        "UID REPLACE 1 x",
        "IDLE",
        "SORT (DATE) UTF-8 ALL",
        "THREAD REFERENCES UTF-8 ALL",
        "EXPUNGE",
        "SEARCH ALL",
        "FETCH 1 FLAGS",
        "STORE 1 FLAGS ()",
        "COPY 1 x",
        "MOVE 1 x",
        "UID SEARCH",
        "UID SORT",
        "UID THREAD",
        "UID FETCH 1",
        "UID STORE",
        "UID COPY",
        "UID MOVE",
        "UID EXPUNGE 1",
        "SETACL x y z",
        "GETQUOTAROOT x",
    ];

    fn bad(octets: &[u8]) -> (Option<String>, &'static str) {
        let malformed = command(octets, false).unwrap_err();
        (malformed.tag.map(|tag| tag.inner().to_owned()), malformed.text)
    }

    #[test]
    fn numbers_are_told_from_uids() {
        let numbers = |line: &str| command(format!("a {line}\r\n").as_bytes(), false).unwrap().1.names_numbers();
        for line in
            ["FETCH 1 FLAGS", "STORE 1 FLAGS ()", "SEARCH ALL", "UID SEARCH NOT (OR SEEN 1:3)", "UID SORT (DATE) UTF-8 2", "MOVE 1 x"]
        {
            assert!(numbers(line), "{line}");
        }
        for line in ["UID FETCH 1 FLAGS", "UID SEARCH UID 1 SEEN", "UID SEARCH $", "EXPUNGE", "UID EXPUNGE 1", "SELECT x"] {
            assert!(!numbers(line), "{line}");
        }
    }

    #[test]
    fn faults_are_told_apart() {
        assert_eq!(bad(b"a1 XYZZY\r\n"), (Some("a1".into()), "The command is not known"));
        assert_eq!(bad(b"a1 UID XYZZY\r\n"), (Some("a1".into()), "The command is not known"));
        assert_eq!(bad(b"a1 UID NOOP\r\n"), (Some("a1".into()), "The command is not known"));
        assert_eq!(bad(b"a1 select\r\n"), (Some("a1".into()), NOT_UNDERSTOOD));
        assert_eq!(bad(b"a1 append\r\n"), (Some("a1".into()), NOT_UNDERSTOOD));
        assert_eq!(bad(b"a1\r\n"), (Some("a1".into()), "A command is a tag and a word"));
        assert_eq!(bad(b"\r\n").0, None);
        assert_eq!(bad(b"+ NOOP\r\n").0, None);
        assert_eq!(bad(b"a NOOP\r\nb NOOP\r\n").0, Some("a".into()));
        assert!(command(b"a noop\r\n", false).is_ok());
    }

    proptest! {
        #[test]
        fn no_octets_panic(octets in proptest::collection::vec(any::<u8>(), 0..200), utf8: bool) {
            let _ = command(&octets, utf8);
            let _ = append::head(&octets, utf8);
        }

        #[test]
        fn no_half_command_panics(
            word in proptest::sample::select(&WORDS[..]),
            rest in "[ -~]{0,40}",
            tail in proptest::sample::select(&["\r\n", "{3}\r\nabc\r\n", "{3+}\r\n", "", "\n", "{0}\r\n\r\n"][..]),
        ) {
            let line = format!("a {word}{rest}{tail}");
            let _ = command(line.as_bytes(), false);
            let _ = append::head(line.as_bytes(), false);
            prop_assert!(tag(line.as_bytes()).is_some());
        }
    }
}
