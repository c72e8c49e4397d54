//! The follower: brings the search index up to the journal, and a new one through all mailboxes.
//!
//! One task. What is new comes from the journal; what was there before a file was made comes from the mailboxes themselves, as most of
//! what an old journal holds has gone since. Both are done in portions, each one transaction with how far it goes, so that whatever
//! interrupts it, it goes on from there. It looks at what is published only, and never makes a commit wait.

use super::block::{Builder, Encoded, Key, merge};
use super::file::{Listed, Reached, SearchFile, Writing};
use super::gather::{Ahead, Gathered, Portion, Wanted, gather};
use super::held::{Block, Blocks};
use super::text::{Kind, is_text};
use super::{Request, Search, lock};
use crate::embedded::Embedded;
use crate::interface::{Part, ReadError};
use crate::journal::Position;
use crate::log;
use crate::options::OpenError;
use crate::shared::Shared;
use crate::view::View;
use octroi_model::{AccountId, CollectionId, CollectionKind};
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use tokio::task::spawn_blocking;

/// How long news gather: a transaction for many messages costs little more than one for one.
const GATHER: Duration = Duration::from_millis(250);
/// How long it works before it looks whether others want the processor.
const SLICE: Duration = Duration::from_millis(10);
/// While commits go on, so many times as long as it has worked it then lets others work.
const YIELDED_SLICES: u32 = 1;
/// How often it looks whether it has to stop.
const LOOK: Duration = Duration::from_millis(25);
/// How long it waits for room on the disk.
const FULL_PAUSE: Duration = Duration::from_secs(2);
/// How long it waits after a failure, times their number, at most so many times.
const FAILURE_PAUSE: (Duration, u32) = (Duration::from_millis(500), 120);
/// A position that nothing else was written with is written after so many octets of journal: less is soon read again.
const UNSAVED_BYTES_MAX: u64 = 16 << 20;
/// So many blocks of about the same size become one.
const MERGED_BLOCKS: usize = 8;
/// Octets of the smallest blocks; each further size is [`MERGED_BLOCKS`] times as large.
const SMALLEST_BYTES: u64 = 16 << 10;
/// Octets that are merged at once: bounds the memory and the time that a merge takes, and the memory of a search.
const MERGED_BYTES_MAX: u64 = 16 << 20;
/// Between two lines of the log about a long way.
const REPORT: Duration = Duration::from_secs(10);

/// Why a turn was not finished.
#[derive(Debug)]
enum Fault {
    /// The file cannot be read or written.
    File(sqlx::Error),
    /// The journal or a mailbox cannot be read.
    Store(String),
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        Self::File(error)
    }
}

impl From<OpenError> for Fault {
    fn from(error: OpenError) -> Self {
        Self::Store(error.to_string())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(error) => error.fmt(f),
            Self::Store(why) => f.write_str(why),
        }
    }
}

impl Fault {
    fn is_full(&self) -> bool {
        match self {
            Self::File(error) => crate::projector::is_full(error),
            Self::Store(_) => false,
        }
    }
}

/// A mailbox or folder, whose, what lies in it, and how much of it was looked at.
type Filling = (CollectionId, AccountId, Kind, Arc<View>, usize);

/// See the module.
#[derive(Debug)]
pub(crate) struct Follower {
    search: Arc<Search>,
    shared: Arc<Shared>,
    engine: Weak<Embedded>,
    reached: Reached,
    /// As it was last written.
    saved: Reached,
    next_block: u64,
    ahead: Ahead,
    /// The mailbox or folder that is being looked through, and how much of it has been.
    filling: Option<Filling>,
    /// Messages looked at on the way through all mailboxes.
    looked_at: u64,
    reported: Instant,
}

impl Follower {
    pub(crate) fn new(search: Arc<Search>, shared: Arc<Shared>, engine: Weak<Embedded>) -> Self {
        Self {
            search,
            shared,
            engine,
            reached: Reached::default(),
            saved: Reached::default(),
            next_block: 1,
            ahead: Ahead::default(),
            filling: None,
            looked_at: 0,
            reported: Instant::now(),
        }
    }

    /// Work until told to stop.
    pub(crate) async fn run(mut self) {
        let mut failures = 0;
        while !self.is_stopping() {
            match self.turn().await {
                Ok(true) => failures = 0,
                Ok(false) => {
                    failures = 0;
                    log::news(&self.search.news, self.rest()).await;
                    self.pause(GATHER).await;
                }
                Err(fault) if fault.is_full() => {
                    tracing::error!("the disk is full: the search index waits");
                    self.pause(FULL_PAUSE).await;
                }
                Err(fault) => {
                    failures += 1;
                    tracing::error!(%fault, failures, "the search index was not brought up to date");
                    if matches!(fault, Fault::File(_)) {
                        self.renew().await;
                    }
                    self.pause(FAILURE_PAUSE.0 * failures.min(FAILURE_PAUSE.1)).await;
                }
            }
        }
        self.end().await;
    }

    /// Leave the file as small as it can be.
    /// Nothing is to be done.
    async fn rest(&self) -> Result<(), sqlx::Error> {
        let Some(file) = self.search.file() else { return Ok(()) };
        if file.has_long_log() {
            file.checkpoint().await?;
        }
        file.shrink().await
    }

    async fn end(&mut self) {
        // Whoever still asks is told that nobody answers.
        *lock(&self.search.requests) = None;
        let Some(file) = lock(&self.search.file).take() else { return };
        if self.reached != self.saved
            && let Err(error) = file.write(&Writing { reached: self.reached, ..Writing::default() }).await
        {
            tracing::warn!(%error, "how far the search index goes was not written");
        }
        file.close().await;
    }

    /// The messages of a mailbox, with all that the journal brought up to where this is.
    async fn mailbox(&self, id: CollectionId) -> Result<Arc<View>, ReadError> {
        while self.shared.state().projected < self.reached.position {
            if self.is_stopping() || self.shared.failure().is_some() {
                return Err(ReadError::Storage("the index follows no more".into()));
            }
            tokio::time::sleep(LOOK).await;
        }
        let engine = self.engine.upgrade().ok_or_else(|| ReadError::Storage("the store is closed".into()))?;
        engine.glance(id).await
    }

    fn is_stopping(&self) -> bool {
        self.shared.stopping.load(Ordering::Acquire)
    }

    async fn pause(&self, time: Duration) {
        let until = Instant::now() + time;
        // Whoever asks for something waits.
        while !self.is_stopping() && Instant::now() < until && lock(&self.search.requests).as_ref().is_some_and(Vec::is_empty) {
            tokio::time::sleep(LOOK.min(time)).await;
        }
    }

    /// One portion; `false` when there is nothing left to do.
    async fn turn(&mut self) -> Result<bool, Fault> {
        let file = match self.search.file() {
            Some(file) => file,
            None => self.open().await?,
        };
        if self.search.is_damaged.swap(false, Ordering::AcqRel) {
            self.renew().await;
            return Ok(true);
        }
        let requests = lock(&self.search.requests).replace(Vec::new());
        for request in requests.into_iter().flatten() {
            self.obey(request, &file).await?;
            if self.search.file().is_none() {
                return Ok(true);
            }
        }
        let end = self.shared.state().end();
        if self.reached.position < end {
            self.follow(&file, end).await?;
        } else if !self.reached.is_whole {
            self.fill(&file).await?;
        } else {
            return Ok(false);
        }
        self.search.set_status(self.reached, self.looked_at);
        Ok(true)
    }

    /// Open the file, or make it.
    async fn open(&mut self) -> Result<Arc<SearchFile>, Fault> {
        let file = Arc::new(SearchFile::open(&self.search.path).await?);
        self.reached = file.reached().await?;
        self.next_block = file.last_block().await? + 1;
        let end = self.shared.state().end();
        // One that is new, or has seen a journal that is no more: what is there is found in the mailboxes.
        if self.reached.position.segment == 0 || self.reached.position > end {
            self.reached = Reached { position: end, is_whole: false, mailbox: 0 };
        }
        self.saved = Reached::default();
        self.filling = None;
        self.ahead = Ahead::default();
        self.looked_at = self.messages(|mailbox| mailbox <= self.reached.mailbox);
        self.search.forget();
        *lock(&self.search.file) = Some(file.clone());
        self.search.set_status(self.reached, self.looked_at);
        if !self.reached.is_whole {
            self.reported = Instant::now();
            tracing::info!(messages = self.messages(|_| true), indexed = self.looked_at, "making the search index");
        }
        Ok(file)
    }

    /// Make the file anew.
    async fn renew(&mut self) {
        let Some(file) = lock(&self.search.file).take() else { return };
        file.close().await;
        if let Err(error) = file.remove() {
            tracing::error!(%error, "the search index cannot be removed");
        }
        self.reached = Reached::default();
        self.looked_at = 0;
        self.search.forget();
        self.search.set_status(self.reached, 0);
    }

    async fn obey(&mut self, request: Request, file: &SearchFile) -> Result<(), Fault> {
        match request {
            Request::Rebuild(answer) => {
                self.renew().await;
                let _ = answer.send(Ok(()));
            }
            Request::Sweep(answer) => match self.sweep(file).await {
                Ok(documents) => drop(answer.send(Ok(documents))),
                // Nothing is wrong with the file.
                Err(Fault::Store(why)) => drop(answer.send(Err(ReadError::Storage(why)))),
                Err(fault) => {
                    let _ = answer.send(Err(ReadError::Storage(fault.to_string())));
                    return Err(fault);
                }
            },
        }
        Ok(())
    }

    fn messages(&self, of: impl Fn(u64) -> bool) -> u64 {
        let state = self.shared.state();
        let mailboxes = state.collections.values().filter(|c| c.kind == CollectionKind::Mailbox && of(c.id.0));
        mailboxes.map(|mailbox| u64::from(mailbox.head.items)).sum()
    }

    /// Take in what the journal brought.
    async fn follow(&mut self, file: &SearchFile, end: Position) -> Result<(), Fault> {
        let (shared, mut ahead, from) = (self.shared.clone(), std::mem::take(&mut self.ahead), self.reached.position);
        let gathered = spawn_blocking(move || {
            let gathered = gather(&shared, &mut ahead, from, end);
            (gathered, ahead)
        });
        let (gathered, ahead) = gathered.await.map_err(|error| Fault::Store(error.to_string()))?;
        self.ahead = ahead;
        let Gathered { portion, position, has_gap } = gathered?;
        let mut reached = Reached { position, ..self.reached };
        if has_gap && reached.is_whole {
            reached = Reached { is_whole: false, mailbox: 0, ..reached };
            self.looked_at = 0;
        }
        self.take_in(file, portion, reached).await
    }

    /// Take in what is in the mailboxes.
    async fn fill(&mut self, file: &SearchFile) -> Result<(), Fault> {
        let mut portion = Portion::default();
        let mut reached = self.reached;
        while !portion.is_full() && !self.is_stopping() {
            let Some((id, owner, is, view, from)) = self.filling.take() else {
                self.filling = self.next_mailbox(reached.mailbox).await?;
                if self.filling.is_none() {
                    reached.is_whole = true;
                    break;
                }
                continue;
            };
            let mut at = from;
            while let Some(item) = view.at(at)
                && !portion.is_full()
            {
                portion.add(owner, id, is, item);
                at += 1;
            }
            if is == Kind::Message {
                self.looked_at += (at - from) as u64;
            }
            if at < view.len() {
                self.filling = Some((id, owner, is, view, at));
            } else {
                reached.mailbox = id.0;
            }
        }
        if self.is_stopping() {
            return Ok(());
        }
        self.take_in(file, portion, reached).await?;
        let messages = self.messages(|_| true);
        if self.reached.is_whole {
            tracing::info!(messages, "the search index is complete");
        } else if self.reported.elapsed() >= REPORT {
            self.reported = Instant::now();
            tracing::info!(messages, indexed = self.looked_at.min(messages), "making the search index");
        }
        Ok(())
    }

    /// The mailbox or folder with the next larger number.
    async fn next_mailbox(&self, after: u64) -> Result<Option<Filling>, Fault> {
        let mut after = after;
        loop {
            let next = {
                let state = self.shared.state();
                let later = state.collections.values().filter(|c| c.id.0 > after);
                later.filter_map(|c| Some((c.id, c.owner, Kind::within(c.kind)?))).min_by_key(|(id, ..)| *id)
            };
            let Some((id, owner, is)) = next else { return Ok(None) };
            match self.mailbox(id).await {
                Ok(view) => return Ok(Some((id, owner, is, view, 0))),
                Err(ReadError::Gone) => after = id.0,
                Err(ReadError::Storage(why) | ReadError::Damaged(why)) => return Err(Fault::Store(why)),
            }
        }
    }

    /// Write a portion, and how far it goes.
    async fn take_in(&mut self, file: &SearchFile, portion: Portion, reached: Reached) -> Result<(), Fault> {
        let Portion { wanted, accounts_gone, .. } = portion;
        let unknown = self.unknown(file, wanted).await?;
        let mut writing = Writing { reached, ..Writing::default() };
        if !unknown.is_empty() {
            let (search, shared) = (self.search.clone(), self.shared.clone());
            let read = spawn_blocking(move || read(&search, &shared, unknown));
            let Some(blocks) = read.await.map_err(|error| Fault::Store(error.to_string()))? else { return Ok(()) };
            for (account, encoded) in blocks {
                writing.added.push((self.take_number(), account, encoded));
            }
        }
        for account in accounts_gone {
            writing.removed.extend(self.search.blocks_of(account, file).await?.iter().map(|block| block.id));
        }
        let accounts: Vec<AccountId> = writing.added.iter().map(|(_, account, _)| *account).collect();
        self.write(file, writing).await?;
        for account in accounts {
            self.tidy(file, account).await?;
        }
        Ok(())
    }

    /// Those of the messages that no block has, in groups by account.
    async fn unknown(&self, file: &SearchFile, wanted: Vec<Wanted>) -> Result<HashMap<AccountId, Vec<Wanted>>, Fault> {
        let mut seen: HashSet<(AccountId, Key)> = HashSet::with_capacity(wanted.len());
        let mut unknown: HashMap<AccountId, Vec<Wanted>> = HashMap::new();
        let mut blocks: HashMap<AccountId, Blocks> = HashMap::new();
        for message in wanted {
            if let Entry::Vacant(vacant) = blocks.entry(message.account) {
                vacant.insert(self.search.blocks_of(message.account, file).await?);
            }
            let is_known = blocks[&message.account].iter().any(|block| block.number(&message.key).is_some());
            if !is_known && seen.insert((message.account, message.key)) {
                unknown.entry(message.account).or_default().push(message);
            }
        }
        Ok(unknown)
    }

    fn take_number(&mut self) -> u64 {
        let number = self.next_block;
        self.next_block += 1;
        number
    }

    async fn write(&mut self, file: &SearchFile, writing: Writing) -> Result<(), Fault> {
        let Reached { position, is_whole, mailbox } = writing.reached;
        let is_due = position.segment != self.saved.position.segment
            || position.offset.saturating_sub(self.saved.position.offset) >= UNSAVED_BYTES_MAX
            || (is_whole, mailbox) != (self.saved.is_whole, self.saved.mailbox);
        if writing.added.is_empty() && writing.removed.is_empty() && !is_due {
            self.reached = writing.reached;
            return Ok(());
        }
        file.write(&writing).await?;
        self.reached = writing.reached;
        self.saved = writing.reached;
        let block = |(block, account, encoded): (u64, AccountId, Encoded)| {
            (account, Block::new(Listed { block, bytes: encoded.bytes(), keys: encoded.keys }))
        };
        self.search.publish(writing.added.into_iter().map(block).collect(), &writing.removed);
        Ok(())
    }

    /// Merge blocks of an account if there are too many of about the same size.
    async fn tidy(&mut self, file: &SearchFile, account: AccountId) -> Result<(), Fault> {
        let blocks = self.search.blocks_of(account, file).await?;
        let chosen = to_merge(&blocks);
        if chosen.is_empty() { Ok(()) } else { self.replace(file, account, &chosen, |_| true).await }
    }

    /// Put one block, of the documents that are kept, in the place of some.
    async fn replace(
        &mut self,
        file: &SearchFile,
        account: AccountId,
        blocks: &[Arc<Block>],
        keep: impl Fn(&Key) -> bool + Send + 'static,
    ) -> Result<(), Fault> {
        let mut loaded = Vec::with_capacity(blocks.len());
        for block in blocks {
            loaded.push(file.load(block.id, block.keys.clone()).await?);
        }
        let merged = spawn_blocking(move || merge(loaded, &keep)).await.map_err(|error| Fault::Store(error.to_string()))?;
        let removed = blocks.iter().map(|block| block.id).collect();
        let added = if merged.keys.is_empty() { Vec::new() } else { vec![(self.take_number(), account, merged)] };
        self.write(file, Writing { added, removed, reached: self.reached }).await
    }

    /// Remove the documents that no item refers to. What is taken in was committed before, so the mailboxes as they are now have it.
    async fn sweep(&mut self, file: &SearchFile) -> Result<u64, Fault> {
        let mut removed = 0;
        for account in file.accounts().await? {
            self.is_wanted()?;
            let live = Arc::new(self.live(account).await?);
            let blocks = self.search.blocks_of(account, file).await?;
            for block in blocks.iter() {
                self.is_wanted()?;
                let stale = block.keys.iter().filter(|key| !live.contains(*key)).count();
                if stale > 0 {
                    let live = live.clone();
                    self.replace(file, account, std::slice::from_ref(block), move |key| live.contains(key)).await?;
                    removed += stale as u64;
                }
            }
        }
        file.checkpoint().await?;
        Ok(removed)
    }

    /// Does anybody still want the sweep to go on?
    fn is_wanted(&self) -> Result<(), Fault> {
        let is_closing = self.is_stopping() || self.shared.compacting.is_ending();
        if is_closing { Err(Fault::Store("the store closes".into())) } else { Ok(()) }
    }

    async fn live(&self, account: AccountId) -> Result<HashSet<Key>, Fault> {
        let places: Vec<(CollectionId, Kind)> = {
            let state = self.shared.state();
            let own = state.collections.values().filter(|c| c.owner == account);
            own.filter_map(|c| Some((c.id, Kind::within(c.kind)?))).collect()
        };
        let mut live = HashSet::new();
        for (place, is) in places {
            match self.mailbox(place).await {
                Ok(view) => {
                    let taken = view.items().filter(|item| is == Kind::Message || is_text(item));
                    live.extend(taken.map(|item| is.key(&item.hash)));
                }
                Err(ReadError::Gone) => {}
                Err(ReadError::Storage(why) | ReadError::Damaged(why)) => return Err(Fault::Store(why)),
            }
        }
        Ok(live)
    }
}

/// Blocks of about the same size, if there are enough of them.
fn to_merge(blocks: &[Arc<Block>]) -> Vec<Arc<Block>> {
    let size = |block: &Block| (block.bytes / SMALLEST_BYTES).checked_ilog(MERGED_BLOCKS as u64).map_or(0, |size| size + 1);
    let mut by_size: HashMap<u32, Vec<&Arc<Block>>> = HashMap::new();
    for block in blocks.iter().filter(|block| block.bytes <= MERGED_BYTES_MAX / 2) {
        by_size.entry(size(block)).or_default().push(block);
    }
    let Some((_, mut group)) = by_size.into_iter().filter(|(_, group)| group.len() >= MERGED_BLOCKS).min_by_key(|(size, _)| *size) else {
        return Vec::new();
    };
    group.sort_unstable_by_key(|block| block.id);
    let mut bytes = 0;
    let fits = |block: &&Arc<Block>| {
        bytes += block.bytes;
        bytes <= MERGED_BYTES_MAX
    };
    group.into_iter().take_while(fits).cloned().collect()
}

/// Read messages and make blocks of them; nothing when told to stop.
fn read(search: &Search, shared: &Shared, messages: HashMap<AccountId, Vec<Wanted>>) -> Option<Vec<(AccountId, Encoded)>> {
    let mut blocks = Vec::with_capacity(messages.len());
    let mut breath = Breath { shared, since: Instant::now(), end: shared.state().end() };
    for (account, messages) in messages {
        let mut builder = Builder::default();
        for message in messages {
            breath.draw()?;
            let octets = match shared.contents.read(&message.content, Part::Whole) {
                Ok(octets) => octets,
                Err(error) => {
                    tracing::debug!(%account, %error, "a message was not taken into the search index");
                    continue;
                }
            };
            let mut adding = builder.begin();
            let header_bytes = octets.len().min(message.content.header_bytes as usize);
            let header_bytes = (message.is == Kind::Message).then_some(header_bytes);
            (search.extractor.0)(&octets, header_bytes, &mut |piece| adding.piece(piece));
            adding.finish(message.key);
        }
        let encoded = builder.encode();
        if !encoded.keys.is_empty() {
            blocks.push((account, encoded));
        }
    }
    Some(blocks)
}

/// Lets others work while they commit.
struct Breath<'a> {
    shared: &'a Shared,
    since: Instant,
    end: Position,
}

impl Breath<'_> {
    /// Nothing when it is time to stop.
    fn draw(&mut self) -> Option<()> {
        if self.shared.stopping.load(Ordering::Acquire) {
            return None;
        }
        let worked = self.since.elapsed();
        if worked >= SLICE {
            let end = self.shared.state().end();
            if end != self.end {
                self.end = end;
                // On a thread where waiting is allowed.
                std::thread::sleep(worked.min(2 * SLICE) * YIELDED_SLICES);
            }
            self.since = Instant::now();
        }
        Some(())
    }
}
