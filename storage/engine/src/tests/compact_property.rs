//! Random batches, copies from old views and passes in pieces, against the simple model: compaction never shows, but that a copy of what is
//! in nobody's mailbox any more may be refused.

use super::model::{Act, Ids, Model, batch};
use super::property::acts;
use super::world::uid_of;
use crate::compact::Pass;
use crate::{Batch, Change, CommitError, Embedded, Engine, Options, Part, View};
use octroi_model::{CollectionId, ContentRef, Head};
use proptest::prelude::*;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

#[derive(Debug, Clone)]
enum Move {
    Commit(Vec<Act>),
    /// Keep looking at a collection as it is now.
    Look(u64),
    /// Copy an item of an old view into the second collection.
    Copy {
        view: usize,
        item: usize,
    },
    /// Begin a pass, if none is under way.
    Begin {
        entries_max: usize,
    },
    /// So many steps of it.
    Steps(usize),
    GiveUp,
    /// All of a collection is expunged while somebody looks at it; a pass begins, and after some steps what was there is copied.
    Race {
        id: u64,
        steps: usize,
        item: usize,
    },
    /// Finish it, or do a whole one.
    Compact,
    Close,
    DeleteIndex,
    Compare,
    Check,
}

fn a_move() -> impl Strategy<Value = Move> {
    prop_oneof![
        20 => acts().prop_map(Move::Commit),
        5 => (1u64..3).prop_map(Move::Look),
        8 => (0usize..8, 0usize..8).prop_map(|(view, item)| Move::Copy { view, item }),
        4 => (1usize..6).prop_map(|entries_max| Move::Begin { entries_max }),
        8 => (1usize..12).prop_map(Move::Steps),
        1 => Just(Move::GiveUp),
        4 => (1u64..3, 0usize..30, 0usize..8).prop_map(|(id, steps, item)| Move::Race { id, steps, item }),
        3 => Just(Move::Compact),
        1 => Just(Move::Close),
        1 => Just(Move::DeleteIndex),
        3 => Just(Move::Compare),
        1 => Just(Move::Check),
    ]
}

async fn open(dir: &Path) -> Arc<Embedded> {
    let options = Options {
        segment_bytes_max: 1500,
        view_items_max: 6,
        backlog_changes_max: 20,
        compact_interval: Duration::ZERO,
        ..Options::default()
    };
    Embedded::open(dir, options).await.unwrap()
}

/// A store, what it should be, and what somebody still looks at.
struct World {
    engine: Arc<Embedded>,
    model: Model,
    ids: Ids,
    views: Vec<(Arc<View>, Vec<Vec<u8>>)>,
    pass: Option<Pass>,
}

impl World {
    async fn steps(&mut self, steps: usize) {
        for _ in 0..steps {
            let Some(pass) = &mut self.pass else { return };
            if !pass.step().await.unwrap() {
                assert_eq!(pass.report().skipped, Vec::<String>::new());
                self.pass = None;
            }
        }
    }

    async fn reopen(&mut self, dir: &Path, without_index: bool) {
        self.pass = None;
        self.views.clear();
        self.engine.close().await;
        if without_index {
            std::fs::remove_file(dir.join("index.sqlite")).unwrap();
        }
        self.engine = open(dir).await;
    }

    /// `false` if there is no such collection.
    async fn look(&mut self, id: u64) -> bool {
        let Ok(view) = self.engine.view(CollectionId(id)).await else { return false };
        let parts = view.items().map(|item| (item.content, Part::Whole)).collect();
        let octets = self.engine.read(parts).await.unwrap();
        self.views.push((view, octets));
        true
    }

    async fn copy(&mut self, view: usize, item: usize) -> Result<(), TestCaseError> {
        let Some((view, octets)) = self.views.get(view) else { return Ok(()) };
        let (Some(item), Some(octets)) = (view.at(item), octets.get(item)) else { return Ok(()) };
        let mut asked = Batch::new();
        asked.push(Change::Put { collection: CollectionId(2), item: item.clone(), head: Head::default() });
        let (flags, octets) = (item.flags.0, octets.clone());
        match self.engine.commit(asked).await {
            Ok(receipt) => {
                uid_of(&receipt);
                let act = Act::Put { id: 2, name: None, flags, octets };
                prop_assert_eq!(self.model.act(&[act]), Ok(()));
            }
            Err(error) => {
                prop_assert_eq!(error, CommitError::Gone);
                let content = item.content;
                prop_assert!(
                    !self.model.collections.contains_key(&2) || !self.is_there(content).await,
                    "a copy of what is there was refused"
                );
            }
        }
        Ok(())
    }

    /// Does any item refer to this content?
    async fn is_there(&self, content: ContentRef) -> bool {
        for id in self.model.collections.keys() {
            if self.engine.view(CollectionId(*id)).await.unwrap().items().any(|item| item.content == content) {
                return true;
            }
        }
        false
    }
}

async fn run(moves: Vec<Move>) -> Result<(), TestCaseError> {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path()).await;
    let mut world = World { engine, model: Model::default(), ids: Ids::new(1000), views: Vec::new(), pass: None };
    let first = [
        Act::Create { id: 1, parent: None, name: "Files".into(), mailbox: false },
        Act::Create { id: 2, parent: None, name: "Mail".into(), mailbox: true },
    ];
    world.model.act(&first).unwrap();
    world.engine.commit(batch(&world.engine, &first).await).await.unwrap();
    for one in moves.into_iter().chain([Move::Compact, Move::Compare, Move::Check, Move::DeleteIndex, Move::Compare, Move::Check]) {
        match one {
            Move::Commit(mut acts) => {
                world.ids.translate(&world.model, &mut acts);
                let asked = batch(&world.engine, &acts).await;
                let real = world.engine.commit(asked).await.map(|_| ());
                prop_assert_eq!(real, world.model.act(&acts), "{:?}", acts);
            }
            Move::Look(id) => drop(world.look(id).await),
            Move::Copy { view, item } => world.copy(view, item).await?,
            Move::Begin { entries_max } => {
                if world.pass.is_none() {
                    world.pass = Some(world.engine.pass(true).await.unwrap().with_entries_max(entries_max));
                }
            }
            Move::Steps(steps) => world.steps(steps).await,
            Move::GiveUp => world.pass = None,
            Move::Race { id, steps, item } => {
                world.pass = None;
                if !world.look(id).await {
                    continue;
                }
                let acts = [Act::Expunge { id, uids: (0..200).collect() }];
                let asked = batch(&world.engine, &acts).await;
                let real = world.engine.commit(asked).await.map(|_| ());
                prop_assert_eq!(real, world.model.act(&acts));
                world.pass = Some(world.engine.pass(true).await.unwrap());
                world.steps(steps).await;
                world.copy(world.views.len() - 1, item).await?;
            }
            Move::Compact => {
                if world.pass.is_none() {
                    world.pass = Some(world.engine.pass(true).await.unwrap());
                }
                world.steps(usize::MAX).await;
            }
            Move::Close => world.reopen(dir.path(), false).await,
            Move::DeleteIndex => world.reopen(dir.path(), true).await,
            Move::Compare => {
                let difference = world.model.compare(&world.engine).await;
                prop_assert_eq!(difference, Ok(()));
            }
            Move::Check => {
                let report = world.engine.check().await.unwrap();
                prop_assert_eq!(report.faults, Vec::<String>::new());
            }
        }
    }
    world.engine.close().await;
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, max_shrink_iters: 400, ..ProptestConfig::default() })]
    #[test]
    fn compaction_never_shows(moves in prop::collection::vec(a_move(), 1..80)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(run(moves))?;
    }
}
