//! The commands that look for messages: RFC 9051 section 6.4.4, RFC 5256 section 3.

use super::argument;
use super::returns::{Returns, returns};
use super::scan::{NOT_UNDERSTOOD, Read, Scanner, Set};
use imap_codec::imap_types::core::Atom;
use imap_codec::imap_types::datetime::NaiveDate;
use imap_codec::imap_types::extensions::sort::{SortCriterion, SortKey};
use imap_codec::imap_types::extensions::thread::ThreadingAlgorithm;
use imap_codec::imap_types::search::SearchKey;
use std::num::NonZeroU32;

/// How deep brackets, NOT and OR may nest.
pub(crate) const DEPTH_MAX: usize = 50;
/// Criteria of one SORT: there are nine keys.
const CRITERIA_MAX: usize = 16;

/// Such a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seeking {
    Search {
        returns: Option<Returns>,
        program: Program,
    },
    Sort {
        returns: Option<Returns>,
        criteria: Vec<SortCriterion>,
        program: Program,
    },
    Thread {
        algorithm: ThreadingAlgorithm<'static>,
        program: Program,
    },
    /// No more updates of the searches with these tags (RFC 5267).
    CancelUpdate {
        tags: Vec<String>,
    },
}

/// What messages have to be like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Program {
    /// Of the texts.
    pub(crate) charset: Option<String>,
    /// All of these.
    pub(crate) keys: Vec<Key>,
}

/// One thing that a message has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Key {
    /// One that stands alone.
    Leaf(SearchKey<'static>),
    /// All of these.
    All(Vec<Key>),
    /// One of the two.
    Or(Box<(Key, Key)>),
    /// Not that.
    Not(Box<Key>),
    /// At these numbers.
    Numbers(Set),
    /// Of these uids.
    Uids(Set),
    /// Of a higher uid (RFC 9738 section 3.2).
    UidAfter(u32),
    /// Of a lower uid.
    UidBefore(u32),
    /// Of this modseq at least (RFC 7162 section 3.1.5).
    Changed(u64),
    /// So many seconds old at least, by INTERNALDATE (RFC 5032).
    Older(NonZeroU32),
    /// So many seconds old at most.
    Younger(NonZeroU32),
    /// In this mailbox since before that day (RFC 8514).
    SavedBefore(NaiveDate),
    /// Since that day.
    SavedOn(NaiveDate),
    /// Since that day or later.
    SavedSince(NaiveDate),
    /// It is known since when.
    SaveDateSupported,
    /// Of this EMAILID (RFC 8474).
    Email(String),
    /// Of this THREADID.
    Thread(String),
    /// About so (RFC 6203).
    Fuzzy(Box<Key>),
}

impl Program {
    /// Is there a key about what was saved, which means something in the open mailbox only?
    pub(crate) fn names_saved(&self) -> bool {
        self.has(&|key| matches!(key, Key::Numbers(Set::Saved) | Key::Uids(Set::Saved)))
    }

    /// Is there a key about message numbers?
    pub(crate) fn names_numbers(&self) -> bool {
        self.has(&|key| matches!(key, Key::Numbers(Set::Listed(_))))
    }

    /// Is there a key about modseqs? The answer then tells one, and the client gets them from here on.
    pub(crate) fn names_modseq(&self) -> bool {
        self.has(&|key| matches!(key, Key::Changed(_)))
    }

    fn has(&self, is_such: &dyn Fn(&Key) -> bool) -> bool {
        self.keys.iter().any(|key| key.has(is_such))
    }
}

impl Key {
    fn has(&self, is_such: &dyn Fn(&Self) -> bool) -> bool {
        match self {
            Self::Not(key) | Self::Fuzzy(key) => key.has(is_such),
            Self::Or(both) => both.0.has(is_such) || both.1.has(is_such),
            Self::All(keys) => keys.iter().any(|key| key.has(is_such)),
            leaf => is_such(leaf),
        }
    }
}

impl Seeking {
    /// Does it ask for messages by their numbers?
    pub(crate) fn names_numbers(&self, uid: bool) -> bool {
        match self {
            Self::Search { program, .. } | Self::Sort { program, .. } | Self::Thread { program, .. } => !uid || program.names_numbers(),
            Self::CancelUpdate { .. } => false,
        }
    }
}

/// What follows the word of such a command; nothing of other commands.
pub(super) fn command(word: &str, rest: &mut Scanner<'_>) -> Option<Read<Seeking>> {
    let read: fn(&mut Scanner<'_>) -> Read<Seeking> = match word {
        "SEARCH" => |rest| Ok(Seeking::Search { returns: returns(rest)?, program: search(rest)? }),
        "SORT" => |rest| {
            let returns = returns(rest)?;
            Ok(Seeking::Sort { returns, criteria: criteria(rest)?, program: argument(rest, charset_and_keys)? })
        },
        "THREAD" => |rest| Ok(Seeking::Thread { algorithm: algorithm(rest)?, program: argument(rest, charset_and_keys)? }),
        "CANCELUPDATE" => |rest| tags(rest).map(|tags| Seeking::CancelUpdate { tags }),
        _ => return None,
    };
    Some(argument(rest, read))
}

/// RFC 5267 section 5 (cancelupdate).
fn tags(rest: &mut Scanner<'_>) -> Read<Vec<String>> {
    let tag = |rest: &mut Scanner<'_>| String::from_utf8(rest.string()?.into_owned()).map_err(|_| NOT_UNDERSTOOD);
    let mut tags = vec![tag(rest)?];
    while rest.accept(b' ') {
        tags.push(tag(rest)?);
    }
    Ok(tags)
}

/// What SEARCH looks for, without what it is to tell.
pub(super) fn search(rest: &mut Scanner<'_>) -> Read<Program> {
    let mut charset = None;
    if rest.accept_text("CHARSET ") {
        charset = Some(rest.text()?);
        rest.space()?;
    }
    Ok(Program { charset, keys: keys(rest, 0)? })
}

/// RFC 5256 section 5 (search-criteria): the charset is always there.
fn charset_and_keys(rest: &mut Scanner<'_>) -> Read<Program> {
    let charset = Some(rest.text()?);
    Ok(Program { charset, keys: argument(rest, |rest| keys(rest, 0))? })
}

/// At least one key.
fn keys(rest: &mut Scanner<'_>, depth: usize) -> Read<Vec<Key>> {
    let mut keys = vec![key(rest, depth)?];
    while rest.accept(b' ') {
        keys.push(key(rest, depth)?);
    }
    Ok(keys)
}

/// RFC 9051 section 9 (search-key).
fn key(rest: &mut Scanner<'_>, depth: usize) -> Read<Key> {
    if depth >= DEPTH_MAX {
        return Err("The search keys are nested too deep");
    }
    if rest.accept(b'(') {
        let keys = keys(rest, depth + 1)?;
        return rest.expect(b')').map(|()| Key::All(keys));
    }
    if rest.rest().first().is_some_and(|octet| octet.is_ascii_digit() || matches!(octet, b'*' | b'$')) {
        return rest.set().map(Key::Numbers);
    }
    let word = rest.word()?;
    match word.as_str() {
        "NOT" => Ok(Key::Not(Box::new(argument(rest, |rest| key(rest, depth + 1))?))),
        "OR" => {
            let one = argument(rest, |rest| key(rest, depth + 1))?;
            let other = argument(rest, |rest| key(rest, depth + 1))?;
            Ok(Key::Or(Box::new((one, other))))
        }
        "UID" => argument(rest, Scanner::set).map(Key::Uids),
        // RFC 9738 section 3.2.
        "UIDAFTER" => argument(rest, Scanner::nz_number).map(|uid| Key::UidAfter(uid.get())),
        "UIDBEFORE" => argument(rest, Scanner::nz_number).map(|uid| Key::UidBefore(uid.get())),
        // RFC 6203 section 3.
        "FUZZY" => Ok(Key::Fuzzy(Box::new(argument(rest, |rest| key(rest, depth + 1))?))),
        "MODSEQ" => modseq(rest).map(Key::Changed),
        // RFC 5032 section 3.
        "OLDER" => argument(rest, Scanner::nz_number).map(Key::Older),
        "YOUNGER" => argument(rest, Scanner::nz_number).map(Key::Younger),
        // RFC 8514 section 4.3.
        "SAVEDBEFORE" => argument(rest, Scanner::date).map(Key::SavedBefore),
        "SAVEDON" => argument(rest, Scanner::date).map(Key::SavedOn),
        "SAVEDSINCE" => argument(rest, Scanner::date).map(Key::SavedSince),
        "SAVEDATESUPPORTED" => Ok(Key::SaveDateSupported),
        // RFC 8474 section 6.
        "EMAILID" => argument(rest, Scanner::text).map(Key::Email),
        "THREADID" => argument(rest, Scanner::text).map(Key::Thread),
        _ => leaf(&word, rest).map(Key::Leaf),
    }
}

/// RFC 7162 section 7 (search-modsequence): modseqs are kept for each message, so it does not matter which of its entries is named.
fn modseq(rest: &mut Scanner<'_>) -> Read<u64> {
    rest.space()?;
    if rest.peek(b'"') {
        if !rest.string()?.starts_with(b"/flags/") {
            return Err(NOT_UNDERSTOOD);
        }
        match argument(rest, Scanner::word)?.as_str() {
            "PRIV" | "SHARED" | "ALL" => rest.space()?,
            _ => return Err(NOT_UNDERSTOOD),
        }
    }
    rest.number64()
}

fn leaf(word: &str, rest: &mut Scanner<'_>) -> Read<SearchKey<'static>> {
    Ok(match word {
        "ALL" => SearchKey::All,
        "ANSWERED" => SearchKey::Answered,
        "DELETED" => SearchKey::Deleted,
        "DRAFT" => SearchKey::Draft,
        "FLAGGED" => SearchKey::Flagged,
        "SEEN" => SearchKey::Seen,
        "UNANSWERED" => SearchKey::Unanswered,
        "UNDELETED" => SearchKey::Undeleted,
        "UNDRAFT" => SearchKey::Undraft,
        "UNFLAGGED" => SearchKey::Unflagged,
        "UNSEEN" => SearchKey::Unseen,
        "NEW" => SearchKey::New,
        "OLD" => SearchKey::Old,
        "RECENT" => SearchKey::Recent,
        "KEYWORD" => SearchKey::Keyword(argument(rest, keyword)?),
        "UNKEYWORD" => SearchKey::Unkeyword(argument(rest, keyword)?),
        "BEFORE" => SearchKey::Before(argument(rest, Scanner::date)?),
        "ON" => SearchKey::On(argument(rest, Scanner::date)?),
        "SINCE" => SearchKey::Since(argument(rest, Scanner::date)?),
        "SENTBEFORE" => SearchKey::SentBefore(argument(rest, Scanner::date)?),
        "SENTON" => SearchKey::SentOn(argument(rest, Scanner::date)?),
        "SENTSINCE" => SearchKey::SentSince(argument(rest, Scanner::date)?),
        "LARGER" => SearchKey::Larger(argument(rest, Scanner::number)?),
        "SMALLER" => SearchKey::Smaller(argument(rest, Scanner::number)?),
        "BCC" => SearchKey::Bcc(argument(rest, Scanner::astring_as_written)?),
        "BODY" => SearchKey::Body(argument(rest, Scanner::astring_as_written)?),
        "CC" => SearchKey::Cc(argument(rest, Scanner::astring_as_written)?),
        "FROM" => SearchKey::From(argument(rest, Scanner::astring_as_written)?),
        "SUBJECT" => SearchKey::Subject(argument(rest, Scanner::astring_as_written)?),
        "TEXT" => SearchKey::Text(argument(rest, Scanner::astring_as_written)?),
        "TO" => SearchKey::To(argument(rest, Scanner::astring_as_written)?),
        "HEADER" => SearchKey::Header(argument(rest, Scanner::astring_as_written)?, argument(rest, Scanner::astring_as_written)?),
        _ => return Err(NOT_UNDERSTOOD),
    })
}

fn keyword(rest: &mut Scanner<'_>) -> Read<Atom<'static>> {
    Atom::try_from(rest.atom()?.to_owned()).map_err(|_| NOT_UNDERSTOOD)
}

/// RFC 5256 section 5 (sort-criteria).
fn criteria(rest: &mut Scanner<'_>) -> Read<Vec<SortCriterion>> {
    let criteria = rest.list(|rest| {
        let mut word = rest.word()?;
        let reverse = word == "REVERSE";
        if reverse {
            word = argument(rest, Scanner::word)?;
        }
        let key = match word.as_str() {
            "ARRIVAL" => SortKey::Arrival,
            "CC" => SortKey::Cc,
            "DATE" => SortKey::Date,
            "FROM" => SortKey::From,
            "SIZE" => SortKey::Size,
            "SUBJECT" => SortKey::Subject,
            "TO" => SortKey::To,
            // RFC 5957 section 3.
            "DISPLAYFROM" => SortKey::DisplayFrom,
            "DISPLAYTO" => SortKey::DisplayTo,
            _ => return Err(NOT_UNDERSTOOD),
        };
        Ok(SortCriterion { reverse, key })
    })?;
    match criteria.len() {
        0 => Err(NOT_UNDERSTOOD),
        1..=CRITERIA_MAX => Ok(criteria),
        _ => Err("Too many criteria"),
    }
}

fn algorithm(rest: &mut Scanner<'_>) -> Read<ThreadingAlgorithm<'static>> {
    match rest.word()?.as_str() {
        "ORDEREDSUBJECT" => Ok(ThreadingAlgorithm::OrderedSubject),
        "REFERENCES" => Ok(ThreadingAlgorithm::References),
        other => {
            let atom = Atom::try_from(other.to_owned()).map_err(|_| NOT_UNDERSTOOD)?;
            Ok(ThreadingAlgorithm::from(atom))
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(crate) mod tests {
    use super::super::{Request, command};
    use super::*;
    use imap_codec::CommandCodec;
    use imap_codec::decode::Decoder;
    use imap_codec::imap_types::command::CommandBody;

    pub(crate) fn read(line: &str) -> Read<Seeking> {
        match command(format!("a {line}\r\n").as_bytes(), false) {
            Ok((_, Request::Seeking { command, .. })) => Ok(command),
            Ok(other) => panic!("{other:?}"),
            Err(malformed) => Err(malformed.text),
        }
    }

    /// The keys of a SEARCH.
    pub(crate) fn program(line: &str) -> Program {
        match read(line) {
            Ok(Seeking::Search { program, .. }) => program,
            other => panic!("{other:?}"),
        }
    }

    /// imap-codec's keys as ours.
    fn ours(key: SearchKey<'static>) -> Key {
        match key {
            SearchKey::And(keys) => Key::All(keys.into_inner().into_iter().map(ours).collect()),
            SearchKey::Or(one, other) => Key::Or(Box::new((ours(*one), ours(*other)))),
            SearchKey::Not(key) => Key::Not(Box::new(ours(*key))),
            SearchKey::SequenceSet(set) => Key::Numbers(Set::Listed(set)),
            SearchKey::Uid(set) => Key::Uids(Set::Listed(set)),
            leaf => Key::Leaf(leaf),
        }
    }

    #[test]
    fn the_same_as_imap_codec() {
        for line in [
            "SEARCH FLAGGED SINCE 1-Feb-1994 NOT FROM \"Smith\"",
            "SEARCH CHARSET UTF-8 TEXT {6}\r\nXXXXXX",
            "SEARCH OR (SEEN LARGER 5) NOT (UID 1:*,7 HEADER X-y \"\") 2:4 KEYWORD $Junk UNKEYWORD x",
            "SEARCH ALL ANSWERED DELETED DRAFT FLAGGED UNANSWERED UNDELETED UNDRAFT UNFLAGGED UNSEEN NEW OLD RECENT",
            "SEARCH BEFORE 1-Feb-1994 ON 2-Mar-2000 SENTBEFORE \"1-Feb-1994\" SENTON 1-Feb-1994 SENTSINCE 1-Feb-1994 SMALLER 0",
            "SEARCH BCC a CC b BODY c SUBJECT d TO \"e f\"",
        ] {
            let whole = format!("a {line}\r\n");
            let CommandBody::Search { charset, criteria, .. } = CommandCodec::new().decode_static(whole.as_bytes()).unwrap().1.body else {
                panic!("{line}")
            };
            let charset = charset.map(|charset| charset.as_ref().to_owned());
            let keys = criteria.into_inner().into_iter().map(ours).collect();
            assert_eq!(read(line), Ok(Seeking::Search { returns: None, program: Program { charset, keys } }), "{line}");
        }
    }

    #[test]
    fn order_and_threads() {
        let criterion = |reverse, key| SortCriterion { reverse, key };
        let Ok(Seeking::Sort { criteria, program, .. }) = read("SORT (SUBJECT REVERSE DATE) US-ASCII TEXT \"not in mailbox\"") else {
            panic!()
        };
        assert_eq!(criteria, [criterion(false, SortKey::Subject), criterion(true, SortKey::Date)]);
        assert_eq!(program.charset.as_deref(), Some("US-ASCII"));
        let Ok(Seeking::Thread { algorithm, .. }) = read("UID THREAD references UTF-8 ALL") else { panic!() };
        assert_eq!(algorithm, ThreadingAlgorithm::References);
        for line in ["SORT () UTF-8 ALL", "SORT (REVERSE) UTF-8 ALL", "SORT (X) UTF-8 ALL", "SORT (DATE) UTF-8", "THREAD REFERENCES UTF-8"]
        {
            assert!(read(line).is_err(), "{line}");
        }
        assert!(read(&format!("SORT (SIZE{}) UTF-8 ALL", " SIZE".repeat(CRITERIA_MAX))).is_err());
    }

    #[test]
    fn deep_searches_are_refused_not_followed() {
        for word in ["NOT ", "OR ALL ", "("] {
            assert!(read(&format!("SEARCH {}ALL", word.repeat(100_000))).is_err());
            assert!(read(&format!("SEARCH {}ALL", word.repeat(DEPTH_MAX))).is_err());
        }
        assert!(read(&format!("SEARCH {}ALL", "NOT ".repeat(DEPTH_MAX - 1))).is_ok());
        for line in ["SEARCH", "SEARCH ()", "SEARCH (ALL", "SEARCH ALL ", "SEARCH OR ALL", "SEARCH NOT", "SEARCH X", "SEARCH CHARSET UTF-8"]
        {
            assert!(read(line).is_err(), "{line}");
        }
    }
}
