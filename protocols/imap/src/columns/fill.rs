//! From the store to columns: facts are read in groups, and what comes of them is kept beside the mailbox, for all who have it open.
//!
//! SELECT starts it without waiting ([`fill_later`]), SEARCH, SORT and THREAD wait for what is missing ([`columns_of`]). What always
//! holds: a group is read under the grant of the session that asks for it; memory is bounded, and above the bound nothing is kept.

use super::row::Row;
use super::{Columns, Places, Use};
use crate::view::Snapshot;
use octroi_gate::{MailboxView, Part, Refusal};
use octroi_mime::Facts;
use octroi_model::{ModSeq, Uid};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// Messages that columns are made of; a larger mailbox is searched by reading. At some 350 bytes each this is about the bound in bytes.
const MESSAGES_MAX: usize = 500_000;
/// Bytes of one mailbox's columns.
const COLUMNS_BYTES_MAX: u64 = 192 * 1024 * 1024;
/// Messages up to which SELECT has columns made at once: most mailboxes are searched sooner or later, but not every archive.
const FILL_LATER_MESSAGES_MAX: usize = 50_000;
/// Messages from which on SELECT has all columns made: of fewer, those for SORT and THREAD are made within some hundredths of a second when
/// they are asked for.
const ORDER_LATER_MESSAGES_MIN: usize = 2_000;
/// Messages that are read at once.
const GROUP_MESSAGES: usize = 512;
/// Octets that are read at once; a single message may have more.
const GROUP_BYTES: u64 = 1024 * 1024;
/// Between two groups that nobody waits for: whoever reads the mailbox meanwhile comes first.
const PAUSE: Duration = Duration::from_millis(5);
/// Rows above which, when more than half of them are holes, columns are made anew.
const HOLES_MIN: usize = 4 * GROUP_MESSAGES;
/// Mailboxes that are filled at the same time without anybody waiting.
static LATER: Semaphore = Semaphore::const_new(2);

/// What is kept beside a mailbox.
#[derive(Default)]
struct Shelf {
    held: Mutex<Held>,
    /// Who has it may add rows.
    turn: tokio::sync::Mutex<()>,
    /// [`fill_later`] is under way.
    is_filling: AtomicBool,
}

#[derive(Default)]
struct Held {
    columns: Arc<Columns>,
    /// Every message up to this uid has its row, or was gone before it got one.
    covered: Uid,
    /// There was too much to keep.
    is_too_large: bool,
    /// The places of a snapshot of this modseq and uidnext, for so many rows.
    places: Option<(ModSeq, Uid, usize, Arc<Places>)>,
}

/// The columns of a mailbox that cover all messages of this snapshot, and the rows of its positions. Nothing when it is too large.
pub(crate) async fn columns_of(view: &MailboxView, what: Use) -> Result<Option<(Arc<Columns>, Arc<Places>)>, Refusal> {
    let companion = view.companion()?;
    let shelf = companion.get_or_insert(Shelf::default);
    if view.length() > MESSAGES_MAX {
        return Ok(None);
    }
    if !shelf.is_done(view, what) {
        let _turn = shelf.turn.lock().await;
        while !shelf.is_done(view, what) {
            shelf.step(view, what).await?;
        }
    }
    Ok(shelf.look(view))
}

/// All columns of these positions only, for a mailbox that is too large to keep all. Nothing when they are too many.
pub(crate) async fn columns_for(view: &MailboxView, positions: &[usize]) -> Result<Option<(Arc<Columns>, Arc<Places>)>, Refusal> {
    let mut columns = Columns::new(Use::Order);
    let mut left = positions;
    while !left.is_empty() {
        let (group, after) = left.split_at(group_length(view, left, Part::Facts));
        left = after;
        for row in rows(view, group).await? {
            columns.push(row);
        }
        if columns.len() > MESSAGES_MAX || columns.bytes() > COLUMNS_BYTES_MAX {
            return Ok(None);
        }
    }
    let places = Places::new(&columns.uids, uids_of(view));
    Ok(Some((Arc::new(columns), Arc::new(places))))
}

/// Make the columns of a mailbox that was opened, unless it is large, so that the first search finds them.
pub(crate) fn fill_later(view: &MailboxView) {
    let Ok(companion) = view.companion() else { return };
    if view.length() > FILL_LATER_MESSAGES_MAX {
        return;
    }
    let what = if view.length() < ORDER_LATER_MESSAGES_MIN { Use::Search } else { Use::Order };
    let shelf = companion.get_or_insert(Shelf::default);
    if shelf.is_done(view, what) || shelf.is_filling.swap(true, Ordering::AcqRel) {
        return;
    }
    let view = view.clone();
    tokio::spawn(async move {
        if let Ok(_permit) = LATER.acquire().await {
            // Whoever is refused here is told so when it asks itself.
            while !shelf.is_done(&view, what) {
                tokio::time::sleep(PAUSE).await;
                let turn = shelf.turn.lock().await;
                if !shelf.is_done(&view, what) && shelf.step(&view, what).await.is_err() {
                    break;
                }
                drop(turn);
            }
            let columns = shelf.held().columns.clone();
            let _ = spawn_blocking(move || columns.warm()).await;
        }
        shelf.is_filling.store(false, Ordering::Release);
    });
}

impl Shelf {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Is there nothing left to do for this snapshot?
    fn is_done(&self, view: &MailboxView, what: Use) -> bool {
        let held = self.held();
        let last = view.length().checked_sub(1).and_then(|last| view.uid_at(last));
        held.is_too_large || (held.columns.serve(what) && last.is_none_or(|last| last <= held.covered))
    }

    /// Add the next group of rows. The caller has the turn.
    async fn step(self: &Arc<Self>, view: &MailboxView, what: Use) -> Result<(), Refusal> {
        let from = {
            let mut held = self.held();
            // Who has put the mailbox in order once will do it again.
            let what = if held.columns.serve(Use::Order) { Use::Order } else { what };
            let has_holes = held.columns.len() > HOLES_MIN && held.columns.len() / 2 > view.length();
            if has_holes || !held.columns.serve(what) {
                *held = Held { columns: Arc::new(Columns::new(what)), ..Held::default() };
            }
            view.lower_bound(held.covered.next())
        };
        let positions: Vec<usize> = (from..view.length().min(from + GROUP_MESSAGES)).collect();
        let group = &positions[..group_length(view, &positions, Part::Facts)];
        let rows = rows(view, group).await?;
        let bytes = {
            let mut held = self.held();
            let Held { columns, covered, .. } = &mut *held;
            // A copy only while somebody searches in the old ones.
            let columns = Arc::make_mut(columns);
            for row in rows {
                *covered = Uid(row.uid);
                columns.push(row);
            }
            let bytes = columns.bytes();
            if bytes > COLUMNS_BYTES_MAX {
                *held = Held { is_too_large: true, ..Held::default() };
            }
            bytes
        };
        view.companion()?.weigh(self, if bytes > COLUMNS_BYTES_MAX { 0 } else { bytes });
        Ok(())
    }

    fn look(&self, view: &MailboxView) -> Option<(Arc<Columns>, Arc<Places>)> {
        let mut held = self.held();
        if held.is_too_large {
            return None;
        }
        let (head, rows) = (view.head(), held.columns.len());
        // The same messages as when the places were made: nothing came and nothing went.
        let is_known = |(modseq, next, of_rows, _): &&(ModSeq, Uid, usize, Arc<Places>)| {
            *next == head.uid_next
                && *of_rows == rows
                && *modseq <= head.modseq
                && view.vanished_since(*modseq).is_some_and(<[_]>::is_empty)
        };
        if let Some((_, _, _, places)) = held.places.as_ref().filter(is_known) {
            return Some((held.columns.clone(), places.clone()));
        }
        let places = Arc::new(Places::new(&held.columns.uids, uids_of(view)));
        held.places = Some((head.modseq, head.uid_next, rows, places.clone()));
        Some((held.columns.clone(), places))
    }
}

fn uids_of(view: &MailboxView) -> impl Iterator<Item = u32> {
    view.items().map(|item| item.uid.0)
}

/// How many of the positions to read at once; at least one, if there is one.
fn group_length(view: &MailboxView, positions: &[usize], part: Part) -> usize {
    let mut bytes = 0;
    let fits = |position: &&usize| {
        let content = view.at(**position).map(|item| item.content).unwrap_or_default();
        bytes += u64::from(if part == Part::Facts { content.facts_stored } else { content.header_bytes });
        bytes <= GROUP_BYTES
    };
    positions.iter().take(GROUP_MESSAGES).take_while(fits).count().max(1).min(positions.len())
}

/// The rows of a group.
async fn rows(view: &MailboxView, group: &[usize]) -> Result<Vec<Row>, Refusal> {
    let mut rows = rows_from(view, group, Part::Facts, |stored| stored).await?;
    // Facts of another version, or damaged: what the header says is the same, only slower.
    let unknown: Vec<usize> = (0..rows.len()).filter(|at| rows[*at].is_unknown()).collect();
    let mut left: &[usize] = &unknown.iter().map(|at| group[*at]).collect::<Vec<_>>();
    let mut made = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let (some, after) = left.split_at(group_length(view, left, Part::Header));
        left = after;
        made.extend(rows_from(view, some, Part::Header, |header| octroi_mime::facts(&header).encode()).await?);
    }
    for (at, row) in unknown.into_iter().zip(made) {
        rows[at] = row;
    }
    Ok(rows)
}

/// One row for each position, from that part of the message, of which `encoded` makes the facts.
async fn rows_from(view: &MailboxView, group: &[usize], part: Part, encoded: fn(Vec<u8>) -> Vec<u8>) -> Result<Vec<Row>, Refusal> {
    let contents = read(view, group, part).await?;
    let uids = group.iter().map(|position| view.uid_at(*position).map_or(0, |uid| uid.0));
    let messages: Vec<(u32, Option<Vec<u8>>)> = uids.zip(contents).collect();
    // Folding and collating is work for the processor: other connections must not wait for it.
    let made = spawn_blocking(move || {
        let row = |(uid, octets): (u32, Option<Vec<u8>>)| {
            let stored = octets.map(encoded);
            Row::new(uid, stored.as_deref().and_then(Facts::decode).as_ref())
        };
        messages.into_iter().map(row).collect()
    });
    made.await.map_err(|_| Refusal::Unavailable)
}

/// A part of each message; nothing of those that are gone for good, or damaged in the store.
async fn read(view: &MailboxView, group: &[usize], part: Part) -> Result<Vec<Option<Vec<u8>>>, Refusal> {
    let wanted: Vec<(usize, Part)> = group.iter().map(|position| (*position, part)).collect();
    match view.read(&wanted).await {
        Ok(contents) => Ok(contents.into_iter().map(Some).collect()),
        Err(Refusal::Missing | Refusal::Damaged) => {
            let mut contents = Vec::with_capacity(wanted.len());
            for one in &wanted {
                contents.push(match view.read(std::slice::from_ref(one)).await {
                    Ok(mut read) => read.pop(),
                    Err(Refusal::Missing | Refusal::Damaged) => None,
                    Err(refusal) => return Err(refusal),
                });
            }
            Ok(contents)
        }
        Err(refusal) => Err(refusal),
    }
}
