//! Answering: which items of a view contain what is looked for.

use super::Search;
use super::block::key_of;
use super::file::SearchFile;
use super::held::Blocks;
use super::matching::{Plan, Sought, Verdict};
use crate::view::View;
use octroi_model::AccountId;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

/// How often a search begins anew when what it reads is merged away under it.
const TRIES_MAX: u32 = 5;
/// Texts that are looked for at once, each with an answer for every item; those beyond are not known.
const SOUGHT_MAX: usize = 64;
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
    pub(crate) async fn find(&self, account: AccountId, view: Arc<View>, sought: Vec<Sought>) -> Found {
        let Some(file) = self.file() else { return Found::default() };
        let plans: Arc<Vec<Option<Plan>>> = Arc::new(sought.iter().take(SOUGHT_MAX).map(Plan::new).collect());
        let Ok(_turn) = self.turns.acquire().await else { return Found::default() };
        let mut before: Option<Vec<u64>> = None;
        for _ in 0..TRIES_MAX {
            let (error, read) = match self.blocks_of(account, &file).await {
                Ok(blocks) => match look_aside(&blocks, &file, &view, &plans).await {
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
    view: &Arc<View>,
    plans: &Arc<Vec<Option<Plan>>>,
) -> Result<Found, sqlx::Error> {
    let (blocks, file, view, plans, handle) = (blocks.clone(), file.clone(), view.clone(), plans.clone(), Handle::current());
    let found = spawn_blocking(move || look(&blocks, &file, &view, &plans, &handle)).await;
    found.map_err(|error| sqlx::Error::Protocol(error.to_string()))?
}

fn look(blocks: &Blocks, file: &SearchFile, view: &View, plans: &[Option<Plan>], handle: &Handle) -> Result<Found, sqlx::Error> {
    let mut is_used = vec![false; blocks.len()];
    let place = |hash| {
        let key = key_of(hash);
        blocks.iter().enumerate().find_map(|(at, block)| Some((at, block.number(&key)?)))
    };
    let places: Vec<Option<(usize, u32)>> = view.items().map(|item| place(&item.hash)).collect();
    for (at, _) in places.iter().flatten() {
        is_used[*at] = true;
    }
    let mut answers = Vec::with_capacity(plans.len());
    for plan in plans {
        let Some(plan) = plan else {
            answers.push(Vec::new());
            continue;
        };
        let mut verdicts = vec![Vec::new(); blocks.len()];
        for (block, verdicts) in blocks.iter().zip(&mut verdicts).zip(&is_used).filter_map(|(pair, used)| used.then_some(pair)) {
            let terms = handle.block_on(block.terms(plan.section, file))?;
            let mut fetch = |section, ranges: &[_]| handle.block_on(file.postings(block.id, section, ranges));
            *verdicts = plan.search(terms, block.keys.len(), &mut fetch)?;
        }
        let answer = |place: &Option<(usize, u32)>| place.and_then(|(at, number)| verdicts[at].get(number as usize).copied().flatten());
        answers.push(places.iter().map(answer).collect());
    }
    Ok(Found { answers })
}
