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
//! | `texts` | folded texts, and which of them have a needle |
//! | `keys` | texts by their order |
//! | `places` | from message numbers to rows |

mod fill;
mod keys;
mod places;
mod row;
mod texts;

pub(crate) use fill::{columns_for, columns_of, fill_later};
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
    sent: Vec<Option<i64>>,
    sent_days: Vec<SentDay>,
    subjects: Keys,
    are_replies: Vec<bool>,
    /// Of From, To and Cc.
    mailboxes: [Keys; 3],
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

/// Which address a message is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    From,
    To,
    Cc,
}

impl Columns {
    /// Rows, holes included.
    fn len(&self) -> usize {
        self.uids.len()
    }

    /// A row at the end; its uid is larger than all before.
    fn push(&mut self, row: Row) {
        self.uids.push(row.uid);
        for (column, text) in self.texts.iter_mut().zip(&row.texts) {
            column.push(text.as_deref());
        }
        self.sent.push(row.sent);
        self.sent_days.push(row.sent_day);
        self.subjects.push(&row.subject);
        self.are_replies.push(row.is_reply);
        for (column, mailbox) in self.mailboxes.iter_mut().zip(&row.mailboxes) {
            column.push(mailbox);
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
        let keys: usize = self.mailboxes.iter().map(Keys::bytes).sum::<usize>() + self.subjects.bytes();
        let rows = self.len() * (4 + 16 + 8 + 1 + 4 + 4);
        (texts + keys + rows + self.references.len() * 4 + self.numbers.len() * number_bytes) as u64
    }

    /// Do the order of everything that is sorted by now, so that the first SORT need not.
    fn warm(&self) {
        self.subjects.ranks();
        self.mailboxes.iter().for_each(|column| {
            column.ranks();
        });
    }

    /// Which messages have a field of [`LISTED_FIELDS`] with this folded text in it.
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
    pub(crate) fn subject_ranks(&self) -> &[u32] {
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
    pub(crate) fn mailbox_ranks(&self, who: Who) -> &[u32] {
        self.mailboxes[who as usize].ranks()
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
    use super::{Columns, Places, row::Row};
    use octroi_mime::Facts;
    use std::sync::Arc;

    /// Columns of messages with these headers; uids count from 1.
    pub(crate) fn columns(headers: &[&[u8]]) -> (Columns, Arc<Places>) {
        let mut columns = Columns::default();
        for (at, header) in headers.iter().enumerate() {
            let stored = octroi_mime::facts(header).encode();
            columns.push(Row::new(at as u32 + 1, Facts::decode(&stored).as_ref()));
        }
        let places = Places::new(&columns.uids, (1..=headers.len() as u32).collect::<Vec<_>>().into_iter());
        (columns, Arc::new(places))
    }
}
