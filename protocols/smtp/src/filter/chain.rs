//! Filters of those of ours to whom a filter sends on: they are run over the copy that they get, as if it had come to them.
//!
//! What always holds: nobody's filter is run twice on one way, a way has [`DEPTH_MAX`] filters, and a message has [`FILTERS_MAX`] in all; who
//! would be one too many gets the copy into the INBOX.

use super::{About, Passing, Ran};
use crate::wire::Reply;
use octroi_gate::{Filter, Judged, Refusal, Told};
use std::sync::Arc;

/// Filters on one way.
const DEPTH_MAX: usize = 5;
/// Filters that a message goes through beside those of its recipients.
const FILTERS_MAX: usize = 100;

/// What is left of it for one message.
pub(super) struct Chain {
    about: Arc<About>,
    left: usize,
}

impl Chain {
    pub(super) fn new(about: Arc<About>) -> Self {
        Self { about, left: FILTERS_MAX }
    }

    /// What came of a recipient's filter, with what comes of those to whom it sends on.
    pub(super) async fn through(&mut self, ran: Ran) -> Result<(Judged, Option<Reply>), Refusal> {
        let Ran { mut judged, refusal, passing } = ran;
        let way = vec![judged.filter.owner().key()];
        self.pass(&mut judged, passing, &way).await?;
        Ok((judged, refusal))
    }

    async fn pass(&mut self, judged: &mut Judged, passing: Vec<Passing>, way: &[String]) -> Result<(), Refusal> {
        for Passing { at, to, octets } in passing {
            if way.len() >= DEPTH_MAX {
                continue;
            }
            let mut filters = judged.filter.passed(&to).await?;
            filters.retain(|filter| !way.contains(&filter.owner().key()));
            filters.truncate(self.left);
            self.left -= filters.len();
            let mut after = Vec::with_capacity(filters.len());
            for Ran { judged: mut next, passing, .. } in self.run(filters, octets).await? {
                let way: Vec<String> = way.iter().cloned().chain([next.filter.owner().key()]).collect();
                Box::pin(self.pass(&mut next, passing, &way)).await?;
                after.push(next);
            }
            if let Some(Told::Forward(sending)) = judged.told.get_mut(at) {
                sending.judged = after;
            }
        }
        Ok(())
    }

    async fn run(&self, filters: Vec<Filter>, octets: Vec<u8>) -> Result<Vec<Ran>, Refusal> {
        let about = self.about.clone();
        let run = move || {
            let bytes = octets.len() as u64;
            // Nobody waits for a reply of theirs: what they refuse is reported.
            filters.into_iter().map(|filter| about.judge(filter, false, &octets, bytes)).collect()
        };
        tokio::task::spawn_blocking(run).await.map_err(|_| Refusal::Unavailable)
    }
}
