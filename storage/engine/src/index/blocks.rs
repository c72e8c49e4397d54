//! Items in blocks: each row of the index holds the items of a range of uids.
//!
//! A row per item cost two microseconds to read and more to write; a block is decoded in a few. Used by projection, which changes the blocks
//! that a run of batches touches, and by loading.

use crate::change::Change;
use crate::stage::IN_MEMORY_BYTES_MAX;
use futures_core::Stream;
use octroi_model::{CollectionId, Flags, Item, ModSeq, Name, Tombstone, Uid, UidSet};
use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};
use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;

/// Uids per block. One delivery rewrites one block, about a page of SQLite's; opening a large mailbox reads few rows. Few
/// in tests, so that small stores have several.
const BLOCK_UIDS: u32 = if cfg!(test) { 4 } else { 64 };
/// Blocks in memory while a run of batches is written: about 40 MiB.
const BLOCKS_MAX: usize = if cfg!(test) { 3 } else { 4096 };
/// Blocks asked for, or written, with one statement.
const BLOCKS_AT_ONCE: usize = 256;
/// Row counts of the statement that writes blocks: few different ones, so that each stays prepared.
const ROWS: [usize; 3] = [BLOCKS_AT_ONCE, 16, 1];

/// Which block of which collection.
pub(super) type Key = (CollectionId, u32);

/// The block that a uid is in.
pub(super) fn number(uid: Uid) -> u32 {
    uid.0 / BLOCK_UIDS
}

/// A block as it is stored.
pub(super) fn decode(record: &[u8]) -> Result<Vec<Item>, sqlx::Error> {
    postcard::from_bytes(record).map_err(|error| sqlx::Error::Decode(error.into()))
}

fn encode<T: Serialize>(record: &T) -> Result<Vec<u8>, sqlx::Error> {
    postcard::to_stdvec(record).map_err(|error| sqlx::Error::Encode(error.into()))
}

/// What an expunge left behind: uids and names of one modseq, in one row.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Graves(Vec<(Uid, Option<Name>)>);

impl Graves {
    /// Read a row.
    pub(super) fn decode(record: &[u8], modseq: ModSeq) -> Result<impl Iterator<Item = Tombstone> + use<>, sqlx::Error> {
        let Self(graves) = postcard::from_bytes(record).map_err(|error| sqlx::Error::Decode(error.into()))?;
        Ok(graves.into_iter().map(move |(uid, name)| Tombstone { uid, modseq, name }))
    }
}

/// One change, as far as one block is concerned.
#[derive(Debug, Clone, Copy)]
struct Step<'a> {
    key: Key,
    change: &'a Change,
}

/// The changes of a run of batches to items, block by block.
#[derive(Debug, Default)]
pub(super) struct Blocks<'a> {
    steps: Vec<Step<'a>>,
    /// What is left of expunged items; several rows of one modseq are one expunge.
    graves: Vec<(CollectionId, ModSeq, Graves)>,
    /// Large contents that items refer to now, or no more.
    large: BTreeMap<(u64, CollectionId, Uid), bool>,
}

impl<'a> Blocks<'a> {
    /// Take a change in; others than those of items are nothing here.
    pub(super) fn push(&mut self, change: &'a Change) {
        match change {
            Change::Put { collection, item, .. } => self.steps.push(Step { key: (*collection, number(item.uid)), change }),
            Change::Flag { collection, uids, .. } | Change::Expunge { collection, uids, .. } => {
                let mut last = None;
                for (low, high) in uids.ranges() {
                    for block in number(low)..=number(high) {
                        if last.replace(block) != Some(block) {
                            self.steps.push(Step { key: (*collection, block), change });
                        }
                    }
                }
            }
            _ => {}
        }
    }

    /// A tombstone of something that was no item.
    pub(super) fn bury(&mut self, collection: CollectionId, tombstone: &Tombstone) {
        self.graves.push((collection, tombstone.modseq, Graves(vec![(tombstone.uid, tombstone.name.clone())])));
    }

    /// Write it all; returns the collections that have new tombstones.
    pub(super) async fn write(&mut self, connection: &mut SqliteConnection) -> Result<BTreeSet<CollectionId>, sqlx::Error> {
        let steps = std::mem::take(&mut self.steps);
        let mut rest = steps.as_slice();
        while !rest.is_empty() {
            let mut blocks: BTreeMap<Key, Vec<Item>> = BTreeMap::new();
            let fits = |step: &Step<'_>| {
                let room = blocks.len() < BLOCKS_MAX || blocks.contains_key(&step.key);
                room && {
                    blocks.entry(step.key).or_default();
                    true
                }
            };
            let (now, later) = rest.split_at(rest.iter().map(fits).take_while(|fits| *fits).count());
            load(connection, &mut blocks).await?;
            for step in now {
                if let Some(items) = blocks.get_mut(&step.key) {
                    self.apply(*step, items);
                }
            }
            save(connection, blocks).await?;
            rest = later;
        }
        self.write_large(connection).await?;
        self.write_graves(connection).await?;
        Ok(std::mem::take(&mut self.graves).into_iter().map(|(collection, ..)| collection).collect())
    }

    fn apply(&mut self, Step { key: (collection, block), change }: Step<'_>, items: &mut Vec<Item>) {
        match change {
            Change::Put { item, .. } => {
                match items.binary_search_by_key(&item.uid, |item| item.uid) {
                    Ok(at) => {
                        self.note_large(collection, &items[at], false);
                        items[at] = item.clone();
                    }
                    Err(at) => items.insert(at, item.clone()),
                }
                self.note_large(collection, item, true);
            }
            Change::Flag { uids, edit, modseq, .. } => {
                for item in items.iter_mut().filter(|item| uids.contains(item.uid)) {
                    item.flags = edit.apply(item.flags);
                    item.modseq = *modseq;
                }
            }
            Change::Expunge { uids, modseq, .. } => {
                let mut graves = Vec::new();
                items.retain(|item| {
                    let goes = uids.contains(item.uid);
                    if goes {
                        graves.push((item.uid, item.name.clone()));
                        self.note_large(collection, item, false);
                    }
                    !goes
                });
                self.lay_graves(collection, *modseq, block == first_block(uids), graves);
            }
            _ => {}
        }
    }

    /// The blocks of one expunge come one after the other and share a row.
    fn lay_graves(&mut self, collection: CollectionId, modseq: ModSeq, begins: bool, graves: Vec<(Uid, Option<Name>)>) {
        match self.graves.last_mut() {
            Some((of, at, Graves(row))) if !begins && (*of, *at) == (collection, modseq) => row.extend(graves),
            _ => self.graves.push((collection, modseq, Graves(graves))),
        }
    }

    fn note_large(&mut self, collection: CollectionId, item: &Item, is_there: bool) {
        if u64::from(item.content.header_stored) + item.content.body_stored > IN_MEMORY_BYTES_MAX as u64 {
            self.large.insert((item.content.segment, collection, item.uid), is_there);
        }
    }

    async fn write_large(&mut self, connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        for ((segment, collection, uid), is_there) in std::mem::take(&mut self.large) {
            let sql = if is_there {
                "INSERT OR REPLACE INTO large (segment, collection, uid) VALUES ($1, $2, $3)"
            } else {
                "DELETE FROM large WHERE segment = $1 AND collection = $2 AND uid = $3"
            };
            let query = sqlx::query(sql).bind(segment as i64).bind(collection.0 as i64).bind(i64::from(uid.0));
            query.execute(&mut *connection).await?;
        }
        Ok(())
    }

    async fn write_graves(&self, connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        for (collection, modseq, graves) in &self.graves {
            if graves.0.is_empty() {
                continue;
            }
            sqlx::query("INSERT INTO tombstones (collection, modseq, count, record) VALUES ($1, $2, $3, $4)")
                .bind(collection.0 as i64)
                .bind(modseq.0 as i64)
                .bind(graves.0.len() as i64)
                .bind(encode(graves)?)
                .execute(&mut *connection)
                .await?;
        }
        Ok(())
    }
}

fn first_block(uids: &UidSet) -> u32 {
    uids.ranges().next().map_or(0, |(low, _)| number(low))
}

/// Fill in those of the blocks that there are.
async fn load(connection: &mut SqliteConnection, blocks: &mut BTreeMap<Key, Vec<Item>>) -> Result<(), sqlx::Error> {
    let keys: Vec<Key> = blocks.keys().copied().collect();
    for keys in keys.chunks(BLOCKS_AT_ONCE) {
        // A JSON list of pairs: one prepared statement for any number of them.
        let pairs: Vec<String> = keys.iter().map(|(collection, block)| format!("[{},{block}]", collection.0)).collect();
        let sql = "SELECT b.collection, b.number, b.record FROM json_each($1) k
            JOIN item_blocks b ON b.collection = k.value ->> 0 AND b.number = k.value ->> 1";
        for row in sqlx::query(sql).bind(format!("[{}]", pairs.join(","))).fetch_all(&mut *connection).await? {
            let key = (CollectionId(row.try_get::<i64, _>(0)? as u64), row.try_get::<i64, _>(1)? as u32);
            blocks.insert(key, decode(row.try_get(2)?)?);
        }
    }
    Ok(())
}

/// Write the blocks; those without items go.
async fn save(connection: &mut SqliteConnection, blocks: BTreeMap<Key, Vec<Item>>) -> Result<(), sqlx::Error> {
    let mut full = Vec::with_capacity(blocks.len());
    for ((collection, block), items) in blocks {
        if items.is_empty() {
            let sql = "DELETE FROM item_blocks WHERE collection = $1 AND number = $2";
            sqlx::query(sql).bind(collection.0 as i64).bind(i64::from(block)).execute(&mut *connection).await?;
        } else {
            full.push((collection.0 as i64, i64::from(block), encode(&items)?));
        }
    }
    let mut rest = full.as_mut_slice();
    for rows in ROWS {
        while rest.len() >= rows {
            let (now, later) = rest.split_at_mut(rows);
            rest = later;
            let mut query = QueryBuilder::<Sqlite>::new("INSERT OR REPLACE INTO item_blocks (collection, number, record) ");
            query.push_values(now, |mut row, (collection, block, record)| {
                row.push_bind(*collection).push_bind(*block).push_bind(std::mem::take(record));
            });
            query.build().execute(&mut *connection).await?;
        }
    }
    Ok(())
}

/// What the items of a collection add up to.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) items: u32,
    pub(super) unseen: u32,
    pub(super) deleted: u32,
    pub(super) bytes: u64,
    pub(super) uid: Uid,
    pub(super) modseq: ModSeq,
}

/// Add up the items of every collection of the main database.
pub(super) async fn tally(connection: &mut SqliteConnection) -> Result<BTreeMap<CollectionId, Tally>, sqlx::Error> {
    let mut sums: BTreeMap<CollectionId, Tally> = BTreeMap::new();
    let mut rows = sqlx::query("SELECT collection, record FROM main.item_blocks ORDER BY collection, number").fetch(connection);
    while let Some(row) = next(&mut rows).await? {
        let sum = sums.entry(CollectionId(row.try_get::<i64, _>(0)? as u64)).or_default();
        for item in decode(row.try_get(1)?)? {
            sum.items += 1;
            sum.unseen += u32::from(!item.flags.contains(Flags::SEEN));
            sum.deleted += u32::from(item.flags.contains(Flags::DELETED));
            sum.bytes += item.counted();
            sum.uid = sum.uid.max(item.uid);
            sum.modseq = sum.modseq.max(item.modseq);
        }
    }
    Ok(sums)
}

/// The next row of a stream that is polled where it stands.
pub(super) async fn next<S>(rows: &mut S) -> Result<Option<SqliteRow>, sqlx::Error>
where
    S: Stream<Item = Result<SqliteRow, sqlx::Error>> + Unpin,
{
    std::future::poll_fn(|context| Pin::new(&mut *rows).poll_next(context)).await.transpose()
}
