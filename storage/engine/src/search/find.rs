//! Answering: which items of a view contain what is looked for.

use super::Search;
use super::file::SearchFile;
use super::held::Blocks;
use super::matching::{Plan, Sought, Verdict};
use super::text::Kind;
use crate::view::View;
use octroi_model::{AccountId, CollectionKind};
use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::task::{JoinError, JoinSet, spawn_blocking};

/// How often a search begins anew when what it reads is merged away under it.
const TRIES_MAX: u32 = 5;
/// Texts that are looked for at once, each with an answer for every item; those beyond are not known.
const SOUGHT_MAX: usize = 64;
/// Threads that look through the blocks of one search.
const THREADS_MAX: usize = 4;
/// How long until what replaced it can be seen.
const TRY_PAUSE: Duration = Duration::from_millis(20);

/// What is known of the items of a view.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// By what was looked for, then by position; those missing are not known.
    answers: Vec<Vec<Verdict>>,
}

impl Found {
    /// Does the item at a position from 0 have the text that was asked for at this place? `None`: look into it.
    pub fn answer(&self, sought: usize, position: usize) -> Option<bool> {
        self.answers.get(sought)?.get(position).copied().flatten()
    }
}

impl Search {
    /// Look for texts in the items of a view, whose collection is this account's. Never fails: what cannot be told is not known.
    pub(crate) async fn find(&self, account: AccountId, kind: CollectionKind, view: Arc<View>, sought: Vec<Sought>) -> Found {
        let Some(is) = Kind::within(kind) else { return Found::default() };
        let Some(file) = self.file() else { return Found::default() };
        let plans: Arc<Vec<Option<Plan>>> = Arc::new(sought.iter().take(SOUGHT_MAX).map(Plan::new).collect());
        let Ok(_turn) = self.turns.acquire().await else { return Found::default() };
        let mut before: Option<Vec<u64>> = None;
        for _ in 0..TRIES_MAX {
            let (error, read) = match self.blocks_of(account, &file).await {
                Ok(blocks) => match look_aside(&blocks, &file, (&view, is), &plans).await {
                    Ok(found) => {
                        self.settle();
                        return found;
                    }
                    Err(error) => (error, blocks.iter().map(|block| block.id).collect()),
                },
                Err(error) => (error, Vec::new()),
            };
            if matches!(error, sqlx::Error::PoolClosed) {
                break;
            }
            // What was merged has gone; but not if it is still listed.
            if before.as_ref() == Some(&read) {
                self.report_damage(&error);
                break;
            }
            before = Some(read);
            tokio::time::sleep(TRY_PAUSE).await;
        }
        Found::default()
    }
}

/// Sweeping over dictionaries and positions is work for the processor: other connections must not wait for it.
async fn look_aside(
    blocks: &Blocks,
    file: &Arc<SearchFile>,
    (view, is): (&Arc<View>, Kind),
    plans: &Arc<Vec<Option<Plan>>>,
) -> Result<Found, sqlx::Error> {
    let (found_in, view) = (blocks.clone(), view.clone());
    let places = aside(move || places(&found_in, &view, is)).await?;
    let look = Arc::new(Look::new(blocks, file, plans, &places));
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get).min(THREADS_MAX).min(look.todo.len());
    let mut running = JoinSet::new();
    for _ in 0..threads {
        let (look, handle) = (look.clone(), Handle::current());
        running.spawn_blocking(move || look.work(&handle));
    }
    let mut verdicts = vec![vec![Vec::new(); blocks.len()]; plans.len()];
    while let Some(done) = running.join_next().await {
        for ((plan, block), of_block) in done.map_err(gone)?? {
            verdicts[plan][block] = of_block;
        }
    }
    let plans = plans.clone();
    aside(move || {
        let answer = |place: &Place, verdicts: &[Vec<Verdict>]| {
            place.and_then(|(block, number)| verdicts[block].get(number as usize).copied().flatten())
        };
        let all = plans.iter().zip(&verdicts).map(|(plan, verdicts)| match plan {
            Some(_) => places.iter().map(|place| answer(place, verdicts)).collect(),
            None => Vec::new(),
        });
        Found { answers: all.collect() }
    })
    .await
}

/// Of an item: which block has its content, and as which document.
type Place = Option<(usize, u32)>;

fn places(blocks: &Blocks, view: &View, is: Kind) -> Vec<Place> {
    let place = |hash| {
        let key = is.key(hash);
        blocks.iter().enumerate().find_map(|(at, block)| Some((at, block.number(&key)?)))
    };
    view.items().map(|item| place(&item.hash)).collect()
}

/// Which plan to follow in which block.
type Task = (usize, usize);

/// What several threads look through together.
struct Look {
    blocks: Blocks,
    file: Arc<SearchFile>,
    plans: Arc<Vec<Option<Plan>>>,
    todo: Vec<Task>,
    next: AtomicUsize,
}

impl Look {
    fn new(blocks: &Blocks, file: &Arc<SearchFile>, plans: &Arc<Vec<Option<Plan>>>, places: &[Place]) -> Self {
        let mut is_used = vec![false; blocks.len()];
        for (block, _) in places.iter().flatten() {
            is_used[*block] = true;
        }
        let used = |plan: usize| (0..blocks.len()).filter(|block| is_used[*block]).map(move |block| (plan, block));
        let todo = (0..plans.len()).filter(|plan| plans[*plan].is_some()).flat_map(used).collect();
        Self { blocks: blocks.clone(), file: file.clone(), plans: plans.clone(), todo, next: AtomicUsize::new(0) }
    }

    /// Do what nobody else does, until nothing is left.
    fn work(&self, handle: &Handle) -> Result<Vec<(Task, Vec<Verdict>)>, sqlx::Error> {
        let mut done = Vec::new();
        while let Some((plan, block)) = self.todo.get(self.next.fetch_add(1, Ordering::Relaxed)).copied() {
            let (Some(of_plan), of_block) = (&self.plans[plan], &self.blocks[block]) else { continue };
            let terms = handle.block_on(of_block.terms(of_plan.section, &self.file))?;
            let mut fetch = |section, ranges: &[_]| handle.block_on(self.file.postings(of_block.id, section, ranges));
            done.push(((plan, block), of_plan.search(terms, of_block.keys.len(), &mut fetch)?));
        }
        Ok(done)
    }
}

async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, sqlx::Error> {
    spawn_blocking(work).await.map_err(gone)
}

// It is handed to `map_err`.
#[allow(clippy::needless_pass_by_value)]
fn gone(error: JoinError) -> sqlx::Error {
    sqlx::Error::Protocol(error.to_string())
}
