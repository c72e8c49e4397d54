//! What has been kept for long enough goes. Asked for by the program now and then; what a write finds too old goes with that write.

use crate::admin::Admin;
use crate::kept::room::{self, Kept};
use crate::kept::versions::{DAY, policy};
use crate::refusal::Refusal;
use crate::tree;
use crate::uploads;
use octroi_engine::{Batch, Change, CommitError, Expect};
use octroi_model::{AccountId, CollectionKind, UnixTime};
use octroi_policy::Area;

/// Things that go in one commit: others wait no longer for it than for one large write.
const TOGETHER: usize = 200;

impl Admin {
    /// Remove what is kept of everybody's documents and has been by `now` for longer than it should. Returns how many things went.
    pub async fn sweep_documents(&self, now: UnixTime) -> usize {
        let mut gone = 0;
        for account in self.gate.engine().accounts() {
            match self.sweep_of(account.id, now).await {
                Ok(count) => gone += count,
                Err(refusal) => tracing::warn!(account = %account.address, %refusal, "versions and trash were not looked through"),
            }
        }
        gone
    }

    async fn sweep_of(&self, owner: AccountId, now: UnixTime) -> Result<usize, Refusal> {
        let (engine, limits) = (self.gate.engine(), &self.gate.0.limits);
        let is_over = |kept: &Kept| {
            let days = if kept.in_trash {
                limits.trash_days
            } else {
                let folder = engine.collection(kept.within).and_then(|versions| engine.collection(versions.parent?));
                folder.map_or(0, |folder| policy(engine, limits, &folder).days)
            };
            kept.at.is_some_and(|at| at.0 < now.0 - i64::from(days) * DAY)
        };
        let old: Vec<Kept> = room::entries(engine, owner).await?.into_iter().filter(is_over).collect();
        for together in old.chunks(TOGETHER) {
            let mut batch = Batch::new();
            for kept in together {
                kept.remove(&mut batch);
            }
            engine.commit(batch).await?;
        }
        self.sweep_bins(owner).await?;
        let mut batch = Batch::new();
        let since = UnixTime(now.0 - limits.upload_idle.as_secs() as i64);
        let given_up = uploads::sweep(engine, owner, since, &mut batch).await?;
        if given_up > 0 {
            engine.commit(batch).await?;
        }
        let hung = self.sweep_attachments(owner, now).await?;
        Ok(old.len() + given_up + hung)
    }

    /// Bins and collections of versions in which nothing is left go, but for the trash itself.
    async fn sweep_bins(&self, owner: AccountId) -> Result<(), Refusal> {
        let engine = self.gate.engine();
        let Some(home) = tree::home(engine, owner, Area::Files) else { return Ok(()) };
        for collection in tree::subtree(engine, &home).iter().rev() {
            let aside = super::is_kept_aside(collection.kind);
            let is_top = collection.kind == CollectionKind::Trash && collection.parent == Some(home.id);
            let is_empty =
                engine.collection(collection.id).is_some_and(|now| now.head.items == 0) && engine.children(collection.id).is_empty();
            if !aside || is_top || !is_empty {
                continue;
            }
            let mut batch = Batch::new();
            batch.expect(Expect::Empty { collection: collection.id });
            batch.push(Change::RemoveCollection { collection: collection.id, parent_head: None });
            match engine.commit(batch).await {
                // Something has come into it just now.
                Ok(_) | Err(CommitError::Expectation(_) | CommitError::Gone) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}
