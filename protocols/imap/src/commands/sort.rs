//! SORT and UID SORT. RFC 5256, section 3 and the command `SORT` of it.
//!
//! What is sorted by is a number per message: a date, a size, or the place of a text among those of the mailbox. So the order is one sort
//! of numbers, and the answer one run of octets.

use crate::columns::{Columns, Places, Ranks, Shown, Use, Who, columns_for, columns_of};
use crate::commands::search::{Answer, admit_search, forget_if_refused, matching, prepare, save};
use crate::progress::Progress;
use crate::reply::{Done, Fault, Reply};
use crate::state::Selected;
use crate::wire::Wire;
use crate::wire::grammar::search::Program;
use imap_codec::imap_types::extensions::sort::{SortCriterion, SortKey};
use octroi_gate::{MailboxView, Refusal};
use std::cmp::Ordering;
use std::sync::Arc;
use tokio::task::spawn_blocking;

/// SORT, UID SORT.
pub(crate) async fn sort(
    wire: &mut Wire,
    selected: &mut Selected,
    criteria: &[SortCriterion],
    program: &Program,
    answer: Answer<'_>,
) -> Done {
    let criteria = decode(criteria);
    let done = find(wire, selected, criteria, program, &answer).await;
    forget_if_refused(selected, &answer, &done);
    done
}

async fn find(wire: &mut Wire, selected: &mut Selected, criteria: Vec<Criterion>, program: &Program, answer: &Answer<'_>) -> Done {
    prepare(wire, selected, program).await?;
    selected.admit_update(answer)?;
    admit_search(wire, selected, program)?;
    let found = matching(selected.ground(), program, &mut Progress::new(wire, answer.tag)).await?;
    let sorted = in_order(selected.sight.shown(), found, &criteria).await?;
    save(selected, answer, &sorted)?;
    let mut out = Vec::with_capacity(16 + sorted.len() * 8);
    answer.write(&mut out, "SORT", &selected.sight, &sorted);
    selected.keep_updated(&mut out, (program, Some(criteria)), answer, "", &sorted);
    wire.raw(&out).await?;
    Ok(Reply::ok("Done"))
}

/// These positions in the order of the criteria.
pub(crate) async fn in_order(shown: &MailboxView, positions: Vec<usize>, criteria: &[Criterion]) -> Result<Vec<usize>, Fault> {
    let keys: Vec<Key> = criteria.iter().map(|criterion| criterion.by).collect();
    let messages = messages(shown, positions, &keys).await?;
    let criteria = criteria.to_vec();
    // Sorting is work for the processor: other connections must not wait for it.
    Ok(spawn_blocking(move || order(&messages, &criteria)).await.map_err(|_| Refusal::Unavailable)?)
}

/// One thing to sort by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Criterion {
    by: Key,
    is_reverse: bool,
}

/// What to sort by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    Arrival,
    Date,
    Size,
    Subject,
    Mailbox(Who),
    /// RFC 5957.
    Display(Shown),
}

impl Key {
    fn needs_columns(self) -> bool {
        !matches!(self, Self::Arrival | Self::Size)
    }
}

fn decode(criteria: &[SortCriterion]) -> Vec<Criterion> {
    let one = |criterion: &SortCriterion| {
        let by = match criterion.key {
            SortKey::Arrival => Key::Arrival,
            SortKey::Date => Key::Date,
            SortKey::Size => Key::Size,
            SortKey::Subject => Key::Subject,
            SortKey::From => Key::Mailbox(Who::From),
            SortKey::To => Key::Mailbox(Who::To),
            SortKey::Cc => Key::Mailbox(Who::Cc),
            SortKey::DisplayFrom => Key::Display(Shown::From),
            SortKey::DisplayTo => Key::Display(Shown::To),
        };
        Criterion { by, is_reverse: criterion.reverse }
    };
    criteria.iter().map(one).collect()
}

/// What was found, with all that it may be ordered by.
pub(crate) struct Messages {
    /// Ascending.
    pub(crate) positions: Vec<usize>,
    /// Of each, in seconds since 1970, as far as it is needed.
    arrivals: Vec<i64>,
    /// Of each in octets, as far as they are needed.
    sizes: Vec<u64>,
    columns: Arc<Columns>,
    places: Arc<Places>,
}

impl Messages {
    /// The row of a message, by its place in `positions`.
    pub(crate) fn row(&self, at: usize) -> Option<usize> {
        self.places.row(self.positions[at])
    }

    /// The columns of the rows.
    pub(crate) fn columns(&self) -> &Columns {
        &self.columns
    }

    /// When it was sent.
    // RFC 5256 section 2.2: INTERNALDATE where there is no valid Date.
    pub(crate) fn sent(&self, at: usize) -> i64 {
        self.row(at).and_then(|row| self.columns.sent(row)).unwrap_or(self.arrivals[at])
    }
}

/// Gather what messages are ordered by. SORT and THREAD.
pub(crate) async fn messages(shown: &MailboxView, positions: Vec<usize>, by: &[Key]) -> Result<Messages, Fault> {
    let (columns, places) = if by.iter().any(|key| key.needs_columns()) && !positions.is_empty() {
        match columns_of(shown, Use::Order).await? {
            Some(columns) => columns,
            // The mailbox is too large to keep them: those of the messages that were found.
            None => columns_for(shown, &positions).await?.ok_or_else(|| Reply::no("LIMIT", "Too many messages to put in order"))?,
        }
    } else {
        (Arc::default(), Arc::new(Places::Same(0)))
    };
    let mut messages = Messages { arrivals: vec![0; positions.len()], sizes: vec![0; positions.len()], positions, columns, places };
    let (needs_arrivals, needs_sizes) = (by.contains(&Key::Arrival), by.contains(&Key::Size));
    let needs_dates = by.contains(&Key::Date);
    for at in 0..messages.positions.len() {
        let is_dated = || messages.row(at).is_some_and(|row| messages.columns.sent(row).is_some());
        if needs_arrivals || needs_sizes || (needs_dates && !is_dated()) {
            let Some(item) = shown.at(messages.positions[at]) else { continue };
            messages.arrivals[at] = item.date.0;
            messages.sizes[at] = item.bytes();
        }
    }
    Ok(messages)
}

/// The positions in their order.
fn order(messages: &Messages, criteria: &[Criterion]) -> Vec<usize> {
    let numbers: Vec<Vec<u64>> = criteria.iter().map(|criterion| numbers(messages, *criterion)).collect();
    // What is looked at first is at hand. RFC 5256 section 3: ties go by the message number, also in reverse.
    let first = |at: u32| numbers.first().map_or(0, |column| column[at as usize]);
    let mut order: Vec<(u64, u32)> = (0..messages.positions.len() as u32).map(|at| (first(at), at)).collect();
    order.sort_unstable_by(|(one_first, one), (other_first, other)| {
        let rest = numbers.iter().skip(1).map(|column| column[*one as usize].cmp(&column[*other as usize]));
        one_first.cmp(other_first).then_with(|| rest.fold(Ordering::Equal, Ordering::then)).then(one.cmp(other))
    });
    order.into_iter().map(|(_, at)| messages.positions[at as usize]).collect()
}

/// What a criterion sorts by, a number for each message.
fn numbers(messages: &Messages, criterion: Criterion) -> Vec<u64> {
    // Flipping the sign makes numbers without one that have the same order.
    let signed = |seconds: i64| seconds as u64 ^ 1 << 63;
    let ranked =
        |ranks: Ranks<'_>| (0..messages.positions.len()).map(|at| messages.row(at).map_or(0, |row| u64::from(ranks[row]))).collect();
    let mut numbers: Vec<u64> = match criterion.by {
        Key::Arrival => messages.arrivals.iter().map(|seconds| signed(*seconds)).collect(),
        Key::Date => (0..messages.positions.len()).map(|at| signed(messages.sent(at))).collect(),
        Key::Size => messages.sizes.clone(),
        Key::Subject => ranked(messages.columns.subject_ranks()),
        Key::Mailbox(who) => ranked(messages.columns.mailbox_ranks(who)),
        Key::Display(shown) => ranked(messages.columns.display_ranks(shown)),
    };
    if criterion.is_reverse {
        for number in &mut numbers {
            *number = !*number;
        }
    }
    numbers
}

#[cfg(test)]
pub(crate) mod testing {
    use super::Messages;
    use crate::columns::testing::columns;
    use std::sync::Arc;

    /// Messages with these headers; the first arrived at second 0, each other a second after the one before.
    pub(crate) fn messages(headers: &[&[u8]]) -> Messages {
        let (columns, places) = columns(headers);
        let positions: Vec<usize> = (0..headers.len()).collect();
        let arrivals = (0..headers.len() as i64).collect();
        let sizes = headers.iter().map(|header| header.len() as u64).collect();
        Messages { positions, arrivals, sizes, columns: Arc::new(columns), places }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::wire::grammar::search::Seeking;
    use crate::wire::grammar::search::tests::read;

    fn sorted(headers: &[&str], criteria: &str) -> Vec<usize> {
        let Ok(Seeking::Sort { criteria, .. }) = read(&format!("UID SORT ({criteria}) UTF-8 ALL")) else { panic!("no SORT") };
        let criteria = decode(&criteria);
        let headers: Vec<&[u8]> = headers.iter().map(|header| header.as_bytes()).collect();
        order(&testing::messages(&headers), &criteria).into_iter().map(|position| position + 1).collect()
    }

    #[test]
    fn subjects_are_sorted_by_what_they_are_about() {
        let headers =
            ["Subject: Zone", "Subject: Re: avis", "Subject: [x] AVIS", "Subject: =?utf-8?q?=C3=89t=C3=A9?=", "X: y", "Subject: eta"];
        assert_eq!(sorted(&headers, "SUBJECT"), [5, 2, 3, 6, 4, 1]);
        assert_eq!(sorted(&headers, "REVERSE SUBJECT"), [1, 4, 6, 2, 3, 5]);
    }

    #[test]
    fn dates_are_sorted_by_the_instant() {
        let headers = [
            "Date: Mon, 5 Feb 2024 10:00:00 +0200",
            "Date: Mon, 5 Feb 2024 08:30:00 +0000",
            "Date: Mon, 5 Feb 2024 03:00:00 -0500",
            "Date: yesterday",
            "Date: 1 Jan 1960 00:00:00 +0000",
        ];
        // The first and the third are the same instant, the fourth is sorted by its arrival in 1970.
        assert_eq!(sorted(&headers, "DATE"), [5, 4, 1, 3, 2]);
        assert_eq!(sorted(&headers, "REVERSE DATE"), [2, 1, 3, 4, 5]);
        assert_eq!(sorted(&headers, "REVERSE ARRIVAL"), [5, 4, 3, 2, 1]);
    }

    #[test]
    fn mailboxes_are_sorted_by_the_local_part_of_the_first_address() {
        let headers = [
            "From: Zoe <b@x.test>, a@x.test\r\nTo: x@x.test",
            "From: \"A\" <B@a.test>\r\nTo: g: y@x.test;",
            "From: c@x.test\r\nCc: z@x.test",
            "To: a@x.test",
        ];
        assert_eq!(sorted(&headers, "FROM"), [4, 1, 2, 3]);
        assert_eq!(sorted(&headers, "TO"), [3, 4, 2, 1]);
        assert_eq!(sorted(&headers, "REVERSE CC FROM"), [3, 4, 1, 2]);
        assert_eq!(sorted(&headers, "FROM REVERSE TO"), [4, 1, 2, 3]);
        assert_eq!(sorted(&headers, "REVERSE SIZE"), [1, 2, 3, 4]);
    }

    #[test]
    fn displayed_names_are_sorted_as_people_read_them() {
        // RFC 5957 section 3: the name without regard to case, the address where there is none, nothing first.
        let headers = [
            "From: zoe@a.test\r\nTo: Team: x@x.test;",
            "From: \"B, C\" <a@x.test>\r\nTo: =?utf-8?q?=C3=A9?= <y@x.test>",
            "From: =?utf-8?q?anna?= <z@x.test>\r\nTo: a@x.test",
            "Cc: a@x.test",
        ];
        assert_eq!(sorted(&headers, "DISPLAYFROM"), [4, 3, 2, 1]);
        assert_eq!(sorted(&headers, "DISPLAYTO"), [4, 3, 2, 1]);
        assert_eq!(sorted(&headers, "REVERSE DISPLAYFROM"), [1, 2, 3, 4]);
    }
}
