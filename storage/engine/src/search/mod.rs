//! Full-text search: a projection of the journal, in a file of its own (`search.sqlite`). Deleting it is always safe.
//!
//! The follower (`follow.rs`) takes in what the journal brings, behind the commits and never in their way; [`Search::find`] answers for
//! the items of a view. What holds: an answer is the one that scanning would give; what is not known is said to be so, and scanned by
//! who asked. A document of it is a content of one account (a message, or a document that is text: `text.rs`), wherever it lies, so copying and
//! moving cost nothing; stale ones are removed by [`Search::sweep`]. Damage or want of room costs answers, never the store.

mod block;
mod file;
mod find;
mod follow;
mod gather;
mod held;
mod matching;
mod postings;
mod terms;
mod text;
mod tokens;

pub use block::Piece;
pub use find::Found;
pub(crate) use follow::Follower;
pub use matching::{Sought, Within};
pub use text::{DOCUMENT_BYTES_MAX, is_text};

use crate::interface::ReadError;
use crate::journal::Position;
use crate::shared::Shared;
use file::{Reached, SearchFile};
use held::Cache;
use octroi_model::CollectionKind;
use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, Semaphore, oneshot};

/// Searches that look into blocks at the same time; more wait. Each may take eight times a block in memory ([`follow`]).
const SEARCHES_MAX: usize = 4;

/// Shows the text of a content piece by piece: its octets, how many of them are a message's header (nothing: it is a document), and whom to show
/// it to. All text is made into keys as that of [`Sought`] is.
type Extract = dyn Fn(&[u8], Option<usize>, &mut dyn FnMut(Piece<'_>)) + Send + Sync;

/// Knows what text a content has: the store does not.
#[derive(Clone)]
pub struct Extractor(Arc<Extract>);

impl Extractor {
    /// From a function of the octets, the length of the header in front, and who takes the pieces.
    pub fn new(extract: impl Fn(&[u8], Option<usize>, &mut dyn FnMut(Piece<'_>)) + Send + Sync + 'static) -> Self {
        Self(Arc::new(extract))
    }
}

impl fmt::Debug for Extractor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Extractor")
    }
}

impl PartialEq for Extractor {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Extractor {}

/// How far the search index is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SearchProgress {
    /// Messages in the store.
    pub messages: u64,
    /// Of which so many are known to have been taken in.
    pub indexed: u64,
    /// All of them are, and what the journal brought until now.
    pub is_complete: bool,
}

/// What the follower is asked to do, and whom to tell when it is done.
#[derive(Debug)]
enum Request {
    /// Make the file anew. Answered as soon as that is certain to happen.
    Rebuild(oneshot::Sender<Result<(), ReadError>>),
    /// Remove the documents that no item refers to. Answers how many these were.
    Sweep(oneshot::Sender<Result<u64, ReadError>>),
}

/// How far the follower is, as others see it.
#[derive(Debug, Clone, Copy, Default)]
struct Status {
    position: Position,
    is_whole: bool,
    /// Messages looked at since the file was made, as long as it is not whole.
    looked_at: u64,
}

/// The search index.
#[derive(Debug)]
pub(crate) struct Search {
    path: PathBuf,
    extractor: Extractor,
    /// Nothing while it cannot be opened.
    file: Mutex<Option<Arc<SearchFile>>>,
    cache: Mutex<Cache>,
    status: Mutex<Status>,
    /// Nothing once the follower has ended.
    requests: Mutex<Option<Vec<Request>>>,
    turns: Semaphore,
    /// A reader has come upon something that cannot be.
    is_damaged: AtomicBool,
    /// Wakes the follower.
    pub(crate) news: Notify,
}

impl Search {
    /// Nothing is opened yet: that is the follower's first act.
    pub(crate) fn new(path: PathBuf, extractor: Extractor) -> Self {
        Self {
            path,
            extractor,
            file: Mutex::default(),
            cache: Mutex::default(),
            status: Mutex::default(),
            requests: Mutex::new(Some(Vec::new())),
            turns: Semaphore::new(SEARCHES_MAX),
            is_damaged: AtomicBool::new(false),
            news: Notify::new(),
        }
    }

    /// How far it is.
    pub(crate) fn progress(&self, shared: &Shared) -> SearchProgress {
        let status = *lock(&self.status);
        let state = shared.state();
        let mailboxes = state.collections.values().filter(|collection| collection.kind == CollectionKind::Mailbox);
        let messages = mailboxes.map(|mailbox| u64::from(mailbox.head.items)).sum();
        let is_complete = status.is_whole && status.position >= state.end();
        let indexed = if status.is_whole { messages } else { status.looked_at.min(messages) };
        SearchProgress { messages, indexed, is_complete }
    }

    /// Make it anew; returns when that has begun and can no longer be forgotten.
    pub(crate) async fn rebuild(&self) -> Result<(), ReadError> {
        let (sender, answer) = oneshot::channel();
        self.ask(Request::Rebuild(sender));
        answer.await.map_err(|_| stopped())?
    }

    /// Remove documents that no item refers to any more: for whoever gives the space of deleted items back. Returns how many.
    pub(crate) async fn sweep(&self) -> Result<u64, ReadError> {
        let (sender, answer) = oneshot::channel();
        self.ask(Request::Sweep(sender));
        answer.await.map_err(|_| stopped())?
    }

    fn ask(&self, request: Request) {
        // Dropping it says that nobody answers.
        if let Some(requests) = &mut *lock(&self.requests) {
            requests.push(request);
        }
        self.news.notify_one();
    }

    /// What a reader found cannot be: make it anew.
    fn report_damage(&self, error: &sqlx::Error) {
        tracing::error!(%error, "the search index is damaged: making it anew");
        self.is_damaged.store(true, Ordering::Release);
        self.news.notify_one();
    }

    fn file(&self) -> Option<Arc<SearchFile>> {
        lock(&self.file).clone()
    }

    fn set_status(&self, reached: Reached, looked_at: u64) {
        *lock(&self.status) = Status { position: reached.position, is_whole: reached.is_whole, looked_at };
    }
}

fn stopped() -> ReadError {
    ReadError::Storage("the search index does not run".into())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
