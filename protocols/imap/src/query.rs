//! SEARCH keys: what a message has to be like, and how much of it must be read to know. Called by SEARCH.
//!
//! A key answers yes, no, or nothing yet. So flags, sizes and dates decide first and cost nothing, then headers, and bodies are read of
//! those messages only that nothing else decides. A key never says no to a message that matches.

use crate::columns::{Columns, Places, Verdicts, column_of};
use crate::object_id::{email_id, thread_id};
use crate::view::Snapshot;
use crate::wire::date::{day_of, internal_day};
use crate::wire::grammar::search::{Key, Program};
use crate::wire::numbers::{self, Positions};
use imap_codec::imap_types::core::AString;
use imap_codec::imap_types::datetime::NaiveDate;
use imap_codec::imap_types::search::SearchKey;
use memchr::memmem;
use octroi_gate::{Found, Sought, Within};
use octroi_mime::{
    PIECE_OVERLAP_BYTES, collation_key, decoded_header, decoded_text, header_line, headers_of, is_charset, sent_date, text_in, thread_root,
};
use octroi_model::{Flags, Item, ModSeq, UidSet, UnixTime};
use std::ops::Range;
use std::sync::Arc;

/// Octets of a text to look for, and of its collation key. In a body the same key may stand in up to four times as many octets, and all
/// of them must fit into the overlap of two pieces.
const NEEDLE_BYTES_MAX: usize = PIECE_OVERLAP_BYTES / 4 - 2;
const FIRST_DAY: i64 = i64::MIN;
const LAST_DAY: i64 = i64::MAX;

/// Why a search cannot be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum QueryError {
    /// The charset is not one of ours.
    Charset,
    /// A text is not in the charset that was named.
    Text,
    /// A text is longer than we look for.
    TooLong,
}

/// What a message has to be like.
#[derive(Debug)]
pub(crate) enum Query {
    /// It is, or it is not, whatever it is like.
    Constant(bool),
    /// It stands at one of these positions.
    At(Positions),
    /// It has all of these flags.
    Flags(Flags),
    /// It is recent in this session.
    Recent,
    /// Octets, within the range.
    Size(Range<u64>),
    /// Day of INTERNALDATE, within the range.
    Internal(Range<i64>),
    /// Second of INTERNALDATE, within the range.
    Instant(Range<i64>),
    /// Day of its coming into the mailbox, within the range.
    Saved(Range<i64>),
    /// Of this modseq at least.
    Changed(ModSeq),
    /// Of this EMAILID.
    Email(String),
    /// Of this THREADID.
    Thread(String),
    /// Day of the `Date:` field, within the range.
    Sent(Range<i64>),
    /// The text stands in a field of this name.
    Field(String, Needle),
    /// As columns say; of messages that they know nothing of, as the key says that they were asked for.
    Column(Verdicts, Box<Query>),
    /// The text stands in the body.
    Body(Needle),
    /// The text stands in the header.
    Header(Needle),
    /// Not that.
    Not(Box<Query>),
    /// All of these.
    All(Vec<Query>),
    /// One of these.
    Any(Vec<Query>),
}

/// A text to look for, as its collation key.
#[derive(Debug)]
pub(crate) struct Needle {
    text: String,
    /// Its place in [`Query::ask`].
    number: Option<usize>,
}

/// A message, as far as it has been read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidate<'a> {
    pub(crate) position: usize,
    pub(crate) item: &'a Item,
    pub(crate) is_recent: bool,
    /// What the search index knows.
    pub(crate) found: Option<&'a Found>,
    pub(crate) header: Option<&'a [u8]>,
    /// All of it.
    pub(crate) octets: Option<&'a [u8]>,
}

/// What of the mailbox the keys are about.
pub(crate) struct Place<'a, S> {
    pub(crate) view: &'a S,
    pub(crate) keywords: &'a [Arc<str>],
    /// What `$` stands for.
    pub(crate) saved: &'a UidSet,
    pub(crate) now: UnixTime,
}

impl Query {
    /// From the keys of a command, all of which must hold.
    pub(crate) fn new<S: Snapshot>(program: &Program, place: &Place<'_, S>) -> Result<Self, QueryError> {
        // RFC 9051 section 6.4.4: US-ASCII and UTF-8 must be known; others are decoded as those of messages are.
        let charset = program.charset.as_deref().filter(|name| !["UTF-8", "US-ASCII"].iter().any(|known| name.eq_ignore_ascii_case(known)));
        if !charset.is_none_or(is_charset) {
            return Err(QueryError::Charset);
        }
        let reading = Reading { place, charset };
        Ok(Self::All(program.keys.iter().map(|key| reading.query(key)).collect::<Result<_, _>>()?))
    }

    /// Does the message match? Nothing when more of it must be read to know.
    pub(crate) fn decide(&self, message: &Candidate<'_>) -> Option<bool> {
        let item = message.item;
        match self {
            Self::Constant(answer) => Some(*answer),
            Self::At(positions) => Some(is_at(positions, message.position)),
            Self::Flags(flags) => Some(item.flags.contains(*flags)),
            Self::Recent => Some(message.is_recent),
            Self::Size(range) => Some(range.contains(&item.bytes())),
            Self::Internal(days) => Some(days.contains(&internal_day(item.date))),
            Self::Instant(seconds) => Some(seconds.contains(&item.date.0)),
            Self::Saved(days) => Some(days.contains(&internal_day(item.saved))),
            Self::Changed(modseq) => Some(item.modseq >= *modseq),
            Self::Email(id) => Some(email_id(&item.hash) == *id),
            Self::Thread(id) => message.header().map(|header| thread_id(thread_root(header)).is_some_and(|of| of == *id)),
            Self::Sent(days) => message.header().map(|header| {
                let field = headers_of(header).find(|field| field.name.eq_ignore_ascii_case(b"Date"));
                field.and_then(|field| sent_date(field.value)).is_some_and(|date| days.contains(&i64::from(date.day)))
            }),
            Self::Field(name, needle) => message.known(needle).or_else(|| {
                let mut named = headers_of(message.header()?).filter(|field| field.name.eq_ignore_ascii_case(name.as_bytes()));
                Some(named.any(|field| needle.is_in(&decoded_header(field.value))))
            }),
            Self::Column(verdicts, key) => verdicts.at(message.position).or_else(|| key.decide(message)),
            Self::Header(needle) => message.known(needle).or_else(|| Some(needle.is_in_header(message.header()?))),
            Self::Body(needle) => message.known(needle).or_else(|| Some(needle.is_in_body(message.octets?))),
            Self::Not(query) => query.decide(message).map(|answer| !answer),
            Self::All(queries) => settle(queries, false, |query| query.decide(message)),
            Self::Any(queries) => settle(queries, true, |query| query.decide(message)),
        }
    }

    /// The same, as far as it is known without looking at the message.
    pub(crate) fn decide_at(&self, position: usize) -> Option<bool> {
        match self {
            Self::Constant(answer) => Some(*answer),
            Self::At(positions) => Some(is_at(positions, position)),
            Self::Column(verdicts, _) => verdicts.at(position),
            Self::Not(query) => query.decide_at(position).map(|answer| !answer),
            Self::All(queries) => settle(queries, false, |query| query.decide_at(position)),
            Self::Any(queries) => settle(queries, true, |query| query.decide_at(position)),
            _ => None,
        }
    }

    /// Have columns say what they can.
    pub(crate) fn ask(&mut self, columns: &Columns, places: &Arc<Places>) {
        let verdicts = match self {
            Self::Field(name, needle) => column_of(name).map(|field| columns.with_text(field, &needle.text, places)),
            Self::Sent(days) => Some(columns.sent_within(days, places)),
            Self::Not(query) => return query.ask(columns, places),
            Self::All(queries) | Self::Any(queries) => return queries.iter_mut().for_each(|query| query.ask(columns, places)),
            _ => None,
        };
        if let Some(verdicts) = verdicts {
            let key = std::mem::replace(self, Self::Constant(false));
            *self = Self::Column(verdicts, Box::new(key));
        }
    }

    /// Could columns decide anything?
    pub(crate) fn reads_columns(&self) -> bool {
        match self {
            Self::Field(name, _) => column_of(name).is_some(),
            Self::Sent(_) => true,
            Self::Not(query) => query.reads_columns(),
            Self::All(queries) | Self::Any(queries) => queries.iter().any(Self::reads_columns),
            _ => false,
        }
    }

    /// The texts to ask the search index for, which [`Candidate::found`] then answers: those that no column answers.
    pub(crate) fn seek(&mut self) -> Vec<Sought> {
        let mut sought = Vec::new();
        self.number(&mut sought);
        sought
    }

    fn number(&mut self, sought: &mut Vec<Sought>) {
        let (within, needle) = match self {
            Self::Field(name, needle) => (Within::Field(name.to_ascii_lowercase()), needle),
            Self::Header(needle) => (Within::Header, needle),
            Self::Body(needle) => (Within::Body, needle),
            Self::Not(query) => return query.number(sought),
            Self::All(queries) | Self::Any(queries) => return queries.iter_mut().for_each(|query| query.number(sought)),
            _ => return,
        };
        needle.number = Some(sought.len());
        sought.push(Sought { within, text: needle.text.clone() });
    }

    /// Can reading headers decide anything?
    pub(crate) fn reads_header(&self) -> bool {
        match self {
            Self::Sent(_) | Self::Thread(_) | Self::Field(..) | Self::Header(_) | Self::Column(..) => true,
            Self::Not(query) => query.reads_header(),
            Self::All(queries) | Self::Any(queries) => queries.iter().any(Self::reads_header),
            _ => false,
        }
    }
}

/// `decisive` if one query says so, undecided if one cannot say, the other answer if all say that.
fn settle(queries: &[Query], decisive: bool, decide: impl Fn(&Query) -> Option<bool>) -> Option<bool> {
    let mut is_open = false;
    for query in queries {
        match decide(query) {
            Some(answer) if answer == decisive => return Some(decisive),
            Some(_) => {}
            None => is_open = true,
        }
    }
    (!is_open).then_some(!decisive)
}

fn is_at(positions: &Positions, position: usize) -> bool {
    let after = positions.partition_point(|range| range.start <= position);
    after > 0 && positions[after - 1].contains(&position)
}

impl Candidate<'_> {
    fn known(&self, needle: &Needle) -> Option<bool> {
        self.found?.answer(needle.number?, self.position)
    }

    fn header(&self) -> Option<&[u8]> {
        self.header.or_else(|| {
            let octets = self.octets?;
            Some(&octets[..octets.len().min(self.item.content.header_bytes as usize)])
        })
    }
}

/// From keys to queries.
struct Reading<'a, S> {
    place: &'a Place<'a, S>,
    /// Of the texts; nothing stands for UTF-8.
    charset: Option<&'a str>,
}

impl<S: Snapshot> Reading<'_, S> {
    fn query(&self, key: &Key) -> Result<Query, QueryError> {
        Ok(match key {
            Key::Leaf(key) => self.leaf(key)?,
            Key::All(keys) => Query::All(keys.iter().map(|key| self.query(key)).collect::<Result<_, _>>()?),
            Key::Or(both) => Query::Any(vec![self.query(&both.0)?, self.query(&both.1)?]),
            Key::Not(key) => not(self.query(key)?),
            Key::Numbers(_) | Key::Uids(_) | Key::UidAfter(_) | Key::UidBefore(_) => {
                Query::At(numbers::of_key(key, self.place.view, self.place.saved).unwrap_or_default())
            }
            Key::Changed(modseq) => Query::Changed(ModSeq(*modseq)),
            // RFC 5032 section 3: just so old is both.
            Key::Older(seconds) => Query::Instant(i64::MIN..self.place.now.0 - i64::from(seconds.get()) + 1),
            Key::Younger(seconds) => Query::Instant(self.place.now.0 - i64::from(seconds.get())..i64::MAX),
            Key::SavedBefore(date) => Query::Saved(before(date)),
            Key::SavedOn(date) => Query::Saved(on(date)),
            Key::SavedSince(date) => Query::Saved(since(date)),
            // RFC 8514 section 4.3: it is known of every message.
            Key::SaveDateSupported => Query::Constant(true),
            Key::Email(id) => Query::Email(id.clone()),
            Key::Thread(id) => Query::Thread(id.clone()),
            // RFC 6203 section 3: how far about so goes is the server's; here no farther than the key itself.
            Key::Fuzzy(key) => self.query(key)?,
        })
    }

    fn leaf(&self, key: &SearchKey<'_>) -> Result<Query, QueryError> {
        Ok(match key {
            SearchKey::All => Query::Constant(true),
            // The grammar makes keys of its own of these.
            SearchKey::And(_) | SearchKey::Or(..) | SearchKey::Not(_) | SearchKey::SequenceSet(_) | SearchKey::Uid(_) => {
                Query::Constant(false)
            }
            SearchKey::Answered => Query::Flags(Flags::ANSWERED),
            SearchKey::Deleted => Query::Flags(Flags::DELETED),
            SearchKey::Draft => Query::Flags(Flags::DRAFT),
            SearchKey::Flagged => Query::Flags(Flags::FLAGGED),
            SearchKey::Seen => Query::Flags(Flags::SEEN),
            SearchKey::Unanswered => not(Query::Flags(Flags::ANSWERED)),
            SearchKey::Undeleted => not(Query::Flags(Flags::DELETED)),
            SearchKey::Undraft => not(Query::Flags(Flags::DRAFT)),
            SearchKey::Unflagged => not(Query::Flags(Flags::FLAGGED)),
            SearchKey::Unseen => not(Query::Flags(Flags::SEEN)),
            SearchKey::Keyword(keyword) => self.keyword(keyword.as_ref()),
            SearchKey::Unkeyword(keyword) => not(self.keyword(keyword.as_ref())),
            SearchKey::Recent => Query::Recent,
            SearchKey::Old => not(Query::Recent),
            SearchKey::New => Query::All(vec![Query::Recent, not(Query::Flags(Flags::SEEN))]),
            SearchKey::Larger(bytes) => Query::Size(u64::from(*bytes) + 1..u64::MAX),
            SearchKey::Smaller(bytes) => Query::Size(0..u64::from(*bytes)),
            SearchKey::Before(date) => Query::Internal(before(date)),
            SearchKey::On(date) => Query::Internal(on(date)),
            SearchKey::Since(date) => Query::Internal(since(date)),
            SearchKey::SentBefore(date) => Query::Sent(before(date)),
            SearchKey::SentOn(date) => Query::Sent(on(date)),
            SearchKey::SentSince(date) => Query::Sent(since(date)),
            SearchKey::Bcc(text) => Query::Field("Bcc".to_owned(), self.needle(text)?),
            SearchKey::Cc(text) => Query::Field("Cc".to_owned(), self.needle(text)?),
            SearchKey::From(text) => Query::Field("From".to_owned(), self.needle(text)?),
            SearchKey::To(text) => Query::Field("To".to_owned(), self.needle(text)?),
            SearchKey::Subject(text) => Query::Field("Subject".to_owned(), self.needle(text)?),
            SearchKey::Header(name, text) => {
                let name = std::str::from_utf8(name.as_ref()).map_err(|_| QueryError::Text)?;
                Query::Field(name.to_owned(), self.needle(text)?)
            }
            SearchKey::Body(text) => Query::Body(self.needle(text)?),
            SearchKey::Text(text) => Query::Any(vec![Query::Header(self.needle(text)?), Query::Body(self.needle(text)?)]),
        })
    }

    fn needle(&self, text: &AString<'_>) -> Result<Needle, QueryError> {
        match self.charset {
            None => Needle::new(text.as_ref()),
            // Texts in UTF-8 are at most three times as long as in another charset.
            Some(_) if text.as_ref().len() > NEEDLE_BYTES_MAX => Err(QueryError::TooLong),
            Some(charset) => Needle::new(text_in(charset, text.as_ref()).ok_or(QueryError::Text)?.as_bytes()),
        }
    }

    fn keyword(&self, keyword: &str) -> Query {
        let index = self.place.keywords.iter().position(|known| known.eq_ignore_ascii_case(keyword));
        index.and_then(Flags::keyword).map_or(Query::Constant(false), Query::Flags)
    }
}

fn not(query: Query) -> Query {
    Query::Not(Box::new(query))
}

fn before(date: &NaiveDate) -> Range<i64> {
    FIRST_DAY..day_of(date)
}

fn on(date: &NaiveDate) -> Range<i64> {
    day_of(date)..day_of(date) + 1
}

fn since(date: &NaiveDate) -> Range<i64> {
    day_of(date)..LAST_DAY
}

impl Needle {
    fn new(octets: &[u8]) -> Result<Self, QueryError> {
        if octets.len() > NEEDLE_BYTES_MAX {
            return Err(QueryError::TooLong);
        }
        let text = std::str::from_utf8(octets).map_err(|_| QueryError::Text)?;
        let text = collation_key(text).into_owned();
        if text.len() > NEEDLE_BYTES_MAX {
            return Err(QueryError::TooLong);
        }
        Ok(Self { text, number: None })
    }

    fn is_in(&self, text: &str) -> bool {
        self.text.is_empty() || memmem::find(collation_key(text).as_bytes(), self.text.as_bytes()).is_some()
    }

    fn is_in_header(&self, header: &[u8]) -> bool {
        headers_of(header).any(|field| self.is_in(&header_line(&field)))
    }

    fn is_in_body(&self, octets: &[u8]) -> bool {
        let mut found = self.text.is_empty();
        if !found {
            decoded_text(octets, &mut |piece| {
                found = self.is_in(piece);
                !found
            });
        }
        found
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::view::testing::Sample;
    use crate::wire::grammar::search::Seeking;
    use crate::wire::grammar::search::tests::program;
    use crate::wire::grammar::{Request, command};
    use octroi_model::{ContentRef, Hash, Uid};
    use proptest::prelude::*;

    const MESSAGE: &[u8] = b"From: =?utf-8?q?Ren=C3=A9e?= <renee@douane.example>\r\nSubject: Note\r\n de service\r\n\
        Date: Mon, 5 Feb 2024 23:30:00 -0500\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
        Le tarif dou=\r\nanier de l'=C3=89TAT.\r\n";

    /// A minute after the message came.
    const NOW: UnixTime = UnixTime(1_707_264_060);

    fn query(keys: &str) -> Result<Query, QueryError> {
        let keywords = [Arc::from("$Forwarded")];
        let saved = UidSet::from_uids([Uid(20)]);
        let place = Place { view: &Sample::of(&[10, 20, 30]), keywords: &keywords, saved: &saved, now: NOW };
        Query::new(&program(&format!("SEARCH {keys}")), &place)
    }

    fn item() -> Item {
        let header_bytes = MESSAGE.windows(4).position(|w| w == b"\r\n\r\n").unwrap() as u32 + 4;
        let content = ContentRef { header_bytes, body_bytes: MESSAGE.len() as u64 - u64::from(header_bytes), ..ContentRef::default() };
        Item {
            uid: Uid(20),
            modseq: ModSeq(1),
            flags: Flags::SEEN | Flags::keyword(0).unwrap(),
            // 2024-02-07 00:00:00
            date: UnixTime(1_707_264_000),
            saved: UnixTime(0),
            name: None,
            media_type: None,
            properties: None,
            content,
            hash: Hash::default(),
        }
    }

    fn answers(keys: &str) -> [Option<bool>; 3] {
        let query = query(keys).unwrap();
        let item = item();
        let bare = Candidate { position: 1, item: &item, is_recent: false, found: None, header: None, octets: None };
        let header = Candidate { header: Some(&MESSAGE[..item.content.header_bytes as usize]), ..bare };
        let whole = Candidate { octets: Some(MESSAGE), ..bare };
        [query.decide(&bare), query.decide(&header), query.decide(&whole)]
    }

    #[test]
    fn each_key_means_what_the_rfc_says() {
        for matching in [
            "ALL",
            "SEEN",
            "UNANSWERED",
            "UNDELETED UNDRAFT UNFLAGGED",
            "KEYWORD $forwarded",
            "UNKEYWORD x",
            "OLD",
            "NOT NEW",
            "NOT RECENT",
            "2",
            "1:*",
            "2:4294967295",
            "UID 20",
            "UID 15:*",
            "UIDAFTER 19 UIDBEFORE 21",
            "NOT UIDAFTER 20",
            "NOT UIDBEFORE 20",
            "NOT UIDAFTER 4294967295",
            "LARGER 100",
            "SMALLER 4294967295",
            "ON 7-Feb-2024",
            "SINCE 7-Feb-2024",
            "BEFORE 8-Feb-2024",
            "NOT BEFORE 7-Feb-2024",
            "OR DELETED SEEN",
            "(SEEN (OLD))",
            "NOT (SEEN DELETED)",
            "$",
            "UID $",
        ] {
            assert_eq!(answers(matching), [Some(true); 3], "{matching}");
        }
        for other in ["DELETED", "UNSEEN", "KEYWORD x", "3", "UID 21:29", "UID 30:*", "ON 6-Feb-2024", "SMALLER 100", "NEW", "SEEN RECENT"]
        {
            assert_eq!(answers(other), [Some(false); 3], "{other}");
        }
        // The day that was written counts, not the day in UTC.
        for matching in [
            "SENTON 5-Feb-2024",
            "SENTSINCE 5-Feb-2024",
            "SENTBEFORE 6-Feb-2024",
            "FROM renee@",
            "SUBJECT \"note DE service\"",
            "HEADER Subject \"\"",
            "HEADER date \"-0500\"",
            "NOT HEADER X-Missing \"\"",
            "NOT CC \"\"",
            "NOT BCC x",
            "NOT TO x",
            // There is nothing that it could go back to.
            "NOT THREADID x",
        ] {
            assert_eq!(answers(matching), [None, Some(true), Some(true)], "{matching}");
        }
        for matching in ["BODY \"tarif douanier\"", "NOT BODY Renee", "SEEN BODY l'"] {
            assert_eq!(answers(matching), [None, None, Some(true)], "{matching}");
        }
        assert_eq!(answers("TEXT \"subject: note\""), [None, Some(true), Some(true)]);
        assert_eq!(answers("TEXT douanier"), [None, None, Some(true)]);
        assert_eq!(answers("DELETED BODY x"), [Some(false); 3]);
        assert_eq!(answers("OR SEEN BODY x"), [Some(true); 3]);
    }

    #[test]
    fn each_key_of_an_extension_means_what_its_rfc_says() {
        for matching in [
            "MODSEQ 1",
            "MODSEQ \"/flags/\\\\draft\" all 1",
            "OLDER 60 YOUNGER 60",
            "YOUNGER 4294967295",
            "NOT OLDER 61",
            "NOT YOUNGER 59",
            "SAVEDATESUPPORTED",
            "SAVEDON 1-Jan-1970 SAVEDBEFORE 2-Jan-1970 SAVEDSINCE 1-Jan-1970",
            "EMAILID M00000000000000000000000000000000",
            "FUZZY SEEN",
            "NOT FUZZY (DELETED FUZZY SEEN)",
        ] {
            assert_eq!(answers(matching), [Some(true); 3], "{matching}");
        }
        for other in ["MODSEQ 2", "OLDER 61", "YOUNGER 59", "SAVEDSINCE 2-Jan-1970", "EMAILID x"] {
            assert_eq!(answers(other), [Some(false); 3], "{other}");
        }
    }

    #[test]
    fn texts_to_look_for_come_in_many_charsets() {
        let of = |keys: &[u8]| {
            let line = [b"a SEARCH CHARSET ", keys, b"\r\n"].concat();
            let (_, request) = command(&line, false).unwrap();
            let Request::Seeking { command: Seeking::Search { program, .. }, .. } = request else { panic!() };
            let saved = UidSet::default();
            let query = Query::new(&program, &Place { view: &Sample::of(&[20]), keywords: &[], saved: &saved, now: NOW });
            let item = item();
            query.unwrap().decide(&Candidate {
                position: 0,
                item: &item,
                is_recent: false,
                found: None,
                header: None,
                octets: Some(MESSAGE),
            })
        };
        assert_eq!(of(b"ISO-8859-1 BODY {7+}\r\nl'\xe9tat."), Some(true));
        assert_eq!(of(b"iso-8859-15 FROM {5+}\r\nREN\xc9E"), Some(true));
        assert_eq!(of(b"windows-1252 FROM {5+}\r\nREN\xc8E"), Some(false));
    }

    // RFC 5255 section 4.2: the keys about texts compare by i;unicode-casemap.
    #[test]
    fn texts_are_compared_by_the_collation() {
        for keys in [
            "CHARSET UTF-8 BODY {8+}\r\nl'\u{e9}tat.",
            "CHARSET \"utf-8\" FROM {6+}\r\nREN\u{c9}E",
            "BODY {9+}\r\nL'E\u{301}TAT.",
            "BODY {10+}\r\nl'\u{ff25}\u{301}tat",
            "FROM {7+}\r\nrene\u{301}e",
            "FROM rene",
        ] {
            assert_eq!(answers(keys)[2], Some(true), "{keys}");
        }
        for keys in ["BODY etat", "FROM {7+}\r\nrenee\u{301}"] {
            assert_eq!(answers(keys)[2], Some(false), "{keys}");
        }
    }

    #[test]
    fn what_cannot_be_searched_is_refused() {
        for charset in ["X-NONE", "UTF-16", "UTF-7"] {
            assert_eq!(query(&format!("CHARSET {charset} ALL")).unwrap_err(), QueryError::Charset);
        }
        assert_eq!(query("CHARSET SHIFT_JIS BODY {2+}\r\n\u{81}").unwrap_err(), QueryError::Text);
        assert_eq!(query(&format!("BODY {}", "x".repeat(NEEDLE_BYTES_MAX + 1))).unwrap_err(), QueryError::TooLong);
        assert!(query("CHARSET us-ascii ALL").is_ok());
        assert!(query("OR SENTON 1-Jan-2024 SEEN").unwrap().reads_header());
        assert!(!query("BODY x SEEN").unwrap().reads_header());
    }

    fn keys() -> impl Strategy<Value = String> {
        let leaf = proptest::sample::select(
            &["SEEN", "DELETED", "BODY tarif", "BODY absent", "SUBJECT note", "FROM absent", "TEXT service", "RECENT", "2"][..],
        );
        leaf.prop_map(str::to_owned).prop_recursive(3, 12, 2, |inner| {
            prop_oneof![
                inner.clone().prop_map(|key| format!("NOT {key}")),
                (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("OR {a} {b}")),
                (inner.clone(), inner).prop_map(|(a, b)| format!("({a} {b})")),
            ]
        })
    }

    proptest! {
        /// What is decided early is what reading everything would have decided.
        #[test]
        fn early_answers_are_right(keys in keys()) {
            let [bare, header, whole] = answers(&keys);
            prop_assert!(whole.is_some());
            prop_assert!(bare.is_none() || bare == whole);
            prop_assert!(header.is_none() || header == whole);
        }
    }
}
