//! What a mailbox's messages say in their headers, as columns in memory. Called by SEARCH, SORT and THREAD.
//!
//! One row per message, ascending by uid; rows are added as messages arrive, and the row of an expunged message stays as a hole until there
//! are too many of them. A column is one run of octets with offsets, so a search for a text is one pass over it. What always holds: what
//! a column says of a message is what reading its header would have said; where that is not sure, the column says nothing.
//!
//! | file | what |
//! |---|---|
//! | `fill` | from the store to columns, kept beside the mailbox for all sessions |
//! | `row` | one message, from its facts |
//! | `dictionary` | texts that repeat, each kept once |
//! | `texts` | texts as collation keys, and which of them have a needle |
//! | `keys` | texts by their order |
//! | `places` | from message numbers to rows |

mod dictionary;
mod fill;
mod keys;
mod places;
mod row;
mod texts;

pub(crate) use fill::{columns_for, columns_of, fill_later};
pub(crate) use keys::Ranks;
pub(crate) use places::{Places, Verdicts};

use keys::Keys;
use octroi_mime::{LISTED_FIELDS, MessageId};
use row::Row;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use texts::{Bits, Texts};

/// Instead of an id: there is none.
pub(crate) const NO_ID: u32 = u32::MAX;

/// The columns of a mailbox.
#[derive(Debug, Clone, Default)]
pub(crate) struct Columns {
    uids: Vec<u32>,
    /// By [`LISTED_FIELDS`].
    texts: [Texts; LISTED_FIELDS.len()],
    sent_days: Vec<SentDay>,
    /// Has what is below, which SORT and THREAD need: more than half of the memory, and most clients never ask for either.
    is_ordered: bool,
    sent: Vec<Option<i64>>,
    subjects: Keys,
    are_replies: Vec<bool>,
    /// Of From, To and Cc.
    mailboxes: [Keys; 3],
    /// Of From and To.
    displays: [Keys; 2],
    /// Every id that was ever named here has a number.
    numbers: HashMap<MessageId, u32>,
    ids: Vec<u32>,
    references: Vec<u32>,
    reference_ends: Vec<u32>,
}

/// The day written in `Date:`, in days since 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SentDay {
    Is(i32),
    None,
    /// The message could not be read when the row was made.
    Unknown,
}

/// What columns are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// SEARCH: only what is looked for in texts and days.
    Search,
    /// SORT and THREAD: all of them.
    Order,
}

/// Which address a message is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    From,
    To,
    Cc,
}

/// Whose name a message is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    From,
    To,
}

/// Make room for so many more, and an eighth: a vector that doubles keeps more empty than any of these will need, as most mailboxes hardly
/// grow while somebody has them open.
fn make_room<T>(vector: &mut Vec<T>, more: usize) {
    const MORE_MIN: usize = 16;
    if vector.capacity() - vector.len() < more {
        vector.reserve_exact(more.max(vector.len() / 8).max(MORE_MIN));
    }
}

impl Columns {
    /// No row yet.
    fn new(of: Use) -> Self {
        Self { is_ordered: of == Use::Order, ..Self::default() }
    }

    /// Can they be used for that?
    fn serve(&self, what: Use) -> bool {
        what == Use::Search || self.is_ordered
    }

    /// Rows, holes included.
    fn len(&self) -> usize {
        self.uids.len()
    }

    /// A row at the end; its uid is larger than all before.
    fn push(&mut self, row: Row) {
        make_room(&mut self.uids, 1);
        make_room(&mut self.sent_days, 1);
        self.uids.push(row.uid);
        for (column, text) in self.texts.iter_mut().zip(&row.texts) {
            column.push(text.as_deref());
        }
        self.sent_days.push(row.sent_day);
        if self.is_ordered {
            self.push_order(row);
        }
    }

    fn push_order(&mut self, row: Row) {
        make_room(&mut self.sent, 1);
        make_room(&mut self.are_replies, 1);
        make_room(&mut self.ids, 1);
        make_room(&mut self.references, row.references.len());
        make_room(&mut self.reference_ends, 1);
        self.sent.push(row.sent);
        self.subjects.push(&row.subject);
        self.are_replies.push(row.is_reply);
        for (column, mailbox) in self.mailboxes.iter_mut().zip(&row.mailboxes) {
            column.push(mailbox);
        }
        for (column, name) in self.displays.iter_mut().zip(&row.displays) {
            column.push(name);
        }
        let id = if row.message_id == 0 { NO_ID } else { self.number(row.message_id) };
        self.ids.push(id);
        for reference in row.references {
            let number = self.number(reference);
            self.references.push(number);
        }
        self.reference_ends.push(self.references.len() as u32);
    }

    fn number(&mut self, id: MessageId) -> u32 {
        let next = self.numbers.len() as u32;
        *self.numbers.entry(id).or_insert(next)
    }

    /// About how many bytes of memory this takes.
    fn bytes(&self) -> u64 {
        // Two words of a hash table's entry, and what it keeps free.
        let number_bytes = 32;
        let texts: usize = self.texts.iter().map(Texts::bytes).sum();
        let keys: usize = self.mailboxes.iter().chain(&self.displays).map(Keys::bytes).sum::<usize>() + self.subjects.bytes();
        let rows = self.len() * (4 + 8) + self.ids.len() * (16 + 1 + 4 + 4);
        (texts + keys + rows + self.references.len() * 4 + self.numbers.len() * number_bytes) as u64
    }

    /// Do the order of everything that is sorted by now, so that the first SORT need not.
    fn warm(&self) {
        self.subjects.ranks();
        self.mailboxes.iter().for_each(|column| {
            column.ranks();
        });
    }

    /// Which messages have a field of [`LISTED_FIELDS`] with this text in it, both as collation keys.
    pub(crate) fn with_text(&self, field: usize, needle: &str, places: &Arc<Places>) -> Verdicts {
        let texts = &self.texts[field];
        Verdicts::new(places.clone(), texts.with(needle.as_bytes()), texts.unknown().to_vec())
    }

    /// Which messages say that they were sent on one of these days.
    pub(crate) fn sent_within(&self, days: &Range<i64>, places: &Arc<Places>) -> Verdicts {
        let mut yes = Bits::new(self.len());
        let mut unknown = Vec::new();
        for (row, day) in self.sent_days.iter().enumerate() {
            match day {
                SentDay::Is(day) if days.contains(&i64::from(*day)) => yes.set(row),
                SentDay::Is(_) | SentDay::None => {}
                SentDay::Unknown => unknown.push(row as u32),
            }
        }
        Verdicts::new(places.clone(), yes, unknown)
    }

    /// When the message of a row says that it was sent, in seconds since 1970.
    pub(crate) fn sent(&self, row: usize) -> Option<i64> {
        self.sent[row]
    }

    /// The place of each row's base subject in their order; equal ones have the same.
    pub(crate) fn subject_ranks(&self) -> Ranks<'_> {
        self.subjects.ranks()
    }

    /// Nothing is left of the row's subject.
    pub(crate) fn has_no_subject(&self, row: usize) -> bool {
        self.subjects.is_empty(row)
    }

    /// The row's subject has the mark of a reply or a forward.
    pub(crate) fn is_reply(&self, row: usize) -> bool {
        self.are_replies[row]
    }

    /// The place of each row's first mailbox in their order; equal ones have the same.
    pub(crate) fn mailbox_ranks(&self, who: Who) -> Ranks<'_> {
        self.mailboxes[who as usize].ranks()
    }

    /// The place of what each row shows of its first mailbox in their order; equal ones have the same.
    pub(crate) fn display_ranks(&self, shown: Shown) -> Ranks<'_> {
        self.displays[shown as usize].ranks()
    }

    /// How many ids are named in this mailbox: all numbers are below.
    pub(crate) fn id_count(&self) -> usize {
        self.numbers.len()
    }

    /// The number of the row's own id, or [`NO_ID`].
    pub(crate) fn id(&self, row: usize) -> u32 {
        self.ids[row]
    }

    /// The numbers of the ids of the row's ancestors, the farthest first.
    pub(crate) fn references(&self, row: usize) -> &[u32] {
        let start = row.checked_sub(1).map_or(0, |before| self.reference_ends[before]);
        &self.references[start as usize..self.reference_ends[row] as usize]
    }
}

/// The column of a header field, if it has one.
pub(crate) fn column_of(name: &str) -> Option<usize> {
    LISTED_FIELDS.iter().position(|field| field.eq_ignore_ascii_case(name))
}

#[cfg(test)]
pub(crate) mod testing {
    use super::{Columns, Places, Use, row::Row};
    use octroi_mime::Facts;
    use std::sync::Arc;

    /// Columns of messages with these headers; uids count from 1.
    pub(crate) fn columns(headers: &[&[u8]]) -> (Columns, Arc<Places>) {
        let mut columns = Columns::new(Use::Order);
        for (at, header) in headers.iter().enumerate() {
            let stored = octroi_mime::facts(header).encode();
            columns.push(Row::new(at as u32 + 1, Facts::decode(&stored).as_ref()));
        }
        let places = Places::new(&columns.uids, (1..=headers.len() as u32).collect::<Vec<_>>().into_iter());
        (columns, Arc::new(places))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::testing::columns;
    use super::*;
    use crate::query::{Candidate, Place, Query};
    use crate::view::testing::Sample;
    use crate::wire::grammar::search::tests::program;
    use octroi_mime::Facts;
    use octroi_model::{ContentRef, Flags, Hash, Item, ModSeq, Uid, UidSet, UnixTime};
    use proptest::prelude::*;

    fn query(keys: &str) -> Query {
        let program = program(&format!("SEARCH CHARSET UTF-8 {keys}"));
        Query::new(&program, &Place { view: &Sample::of(&[1, 2, 3]), keywords: &[], saved: &UidSet::default(), now: UnixTime(0) }).unwrap()
    }

    fn item(uid: usize) -> Item {
        Item {
            uid: Uid(uid as u32),
            modseq: ModSeq(1),
            flags: Flags::NONE,
            date: UnixTime(0),
            saved: UnixTime(0),
            name: None,
            media_type: None,
            properties: None,
            content: ContentRef::default(),
            hash: Hash::default(),
        }
    }

    /// What reading each header answers, and what the columns answer; they must be the same wherever the columns say something.
    fn answers(headers: &[Vec<u8>], keys: &str) -> (Vec<bool>, Vec<Option<bool>>) {
        let of = |at: usize| {
            let item = item(at + 1);
            let message = Candidate { position: at, item: &item, is_recent: false, found: None, header: Some(&headers[at]), octets: None };
            query(keys).decide(&message).unwrap()
        };
        let scanned = (0..headers.len()).map(of).collect();
        let (columns, places) = columns(&headers.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let mut query = query(keys);
        query.ask(&columns, &places);
        (scanned, (0..headers.len()).map(|at| query.decide_at(at)).collect())
    }

    const PIECES: &[&[u8]] = &[
        b"embargo",
        b"EMB",
        b"argo",
        b" ",
        b"\r\n ",
        b"\n\t",
        b"=?utf-8?q?=C3=89t=C3=A9?=",
        b"=?utf-8?b?w6k=?=",
        b"=?iso-8859-1?q?emb=E9?=",
        b"=?utf-8?q?a=0D=0Ab=00?=",
        b"=?x?q?open",
        b"\xe9",
        b"\xc3\xa9t\xc3\xa9",
        "Straße ΟΔΟΣ".as_bytes(),
        b"\"L, M\" <lea@x.test>",
        b"g: a@x.test, <b@y.test>;",
        b"(comment)",
        b",",
        b"\0",
        b"\r",
        b"\xff",
    ];
    const ENDS: &[&[u8]] = &[b"\r\n", b"", b"\r\nSubject: embargo\r\n"];

    fn values() -> impl Strategy<Value = Vec<u8>> {
        let piece = proptest::sample::select(PIECES);
        proptest::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
    }

    fn headers() -> impl Strategy<Value = Vec<u8>> {
        let names = proptest::sample::select(
            &["Subject", "SUBJECT ", "From", "from", "To", "Cc", "Bcc", "Date", "X-Other", "no field", "Resent-From"][..],
        );
        let date = proptest::sample::select(
            &["Mon, 5 Feb 2024 23:30:00 -0500", "6 Feb 24 00:00 GMT", "never", "5 Feb 2024", "5\r\n Feb 2024 (c) 1:2"][..],
        );
        let field = (names, values(), date).prop_map(|(name, value, date)| {
            let value = if name == "Date" { date.as_bytes().to_vec() } else { value };
            [name.as_bytes(), b":", &value, b"\r\n"].concat()
        });
        let end = proptest::sample::select(ENDS);
        (proptest::collection::vec(field, 0..7), end).prop_map(|(fields, end)| [&fields.concat(), end].concat())
    }

    proptest! {
        #[test]
        fn columns_answer_as_headers_do(
            headers in proptest::collection::vec(headers(), 1..12),
            field in proptest::sample::select(
                &["SUBJECT", "FROM", "TO", "CC", "BCC", "HEADER Subject", "HEADER bcc", "NOT SUBJECT", "OR TO {1+}\r\n, CC"][..],
            ),
            needle in proptest::sample::select(&["embargo", "", "é", "\u{c9}T", "go", "lea@", "ss", "οδος", "a  b", "ÿ", "é é", "x.test, <", " "][..]),
            days in proptest::sample::select(&["SENTON 5-Feb-2024", "SENTBEFORE 6-Feb-2024", "SENTSINCE 6-Feb-2024", "NOT SENTON 5-Feb-2024"][..]),
        ) {
            for keys in [format!("{field} {{{}+}}\r\n{needle}", needle.len()), days.to_owned()] {
                let (scanned, told) = answers(&headers, &keys);
                prop_assert_eq!(told, scanned.into_iter().map(Some).collect::<Vec<_>>(), "{}", keys);
            }
        }
    }

    proptest! {
        /// Messages that were stored before facts had a listing get their row from the header alone, whatever follows it.
        #[test]
        fn a_header_alone_makes_the_same_row(header in headers(), body in "[a-c: \r\n]{0,20}") {
            let header = [&header[..octroi_mime::header_length(&header)]].concat();
            let whole = if header.ends_with(b"\n\r\n") { [&header, body.as_bytes()].concat() } else { header.clone() };
            let [one, other] = [&header, &whole].map(|octets| octroi_mime::facts(octets).encode());
            prop_assert_eq!(Row::new(1, Facts::decode(&one).as_ref()), Row::new(1, Facts::decode(&other).as_ref()));
            prop_assert!(!Row::new(1, Facts::decode(&one).as_ref()).is_unknown());
            // The version before had no listing; what begins like it is not read.
            let mut old = one;
            old[0] = 1;
            prop_assert!(Row::new(1, Facts::decode(&old).as_ref()).is_unknown());
        }
    }

    #[test]
    fn of_what_is_cut_columns_say_nothing() {
        let long = format!("To: {}needle\r\nSubject: needle\r\n\r\n", "a@b.test, ".repeat(2_000)).into_bytes();
        let headers = [b"To: needle\r\n\r\n".to_vec(), long];
        assert_eq!(answers(&headers, "TO needle").1, [Some(true), None]);
        assert_eq!(answers(&headers, "SUBJECT needle").1, [Some(false), Some(true)]);
        assert_eq!(answers(&headers, "OR SUBJECT needle TO needle").1, [Some(true), Some(true)]);
        // A key that columns know nothing of is left open.
        assert_eq!(answers(&headers, "HEADER X-Other x").1, [None, None]);
        let mut columns = Columns::new(Use::Search);
        columns.push(Row::new(7, None));
        let places = Arc::new(Places::new(&columns.uids, [7].into_iter()));
        assert_eq!(columns.with_text(1, "x", &places).at(0), None);
        assert_eq!(columns.sent_within(&(0..9), &places).at(0), None);
    }
}
