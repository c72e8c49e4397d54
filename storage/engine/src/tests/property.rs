//! Random batches against the simple model, with the store closed, abandoned and its index deleted in between: always the same state.

use super::model::{Act, Ids, Model, batch};
use super::simdisk::SimDisk;
use crate::{Embedded, Engine, Options};
use octroi_model::{FlagEdit, Flags};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use std::path::Path;
use std::sync::Arc;

#[derive(Debug, Clone)]
enum Step {
    Commit(Vec<Act>),
    /// Several at once, from as many sessions.
    Together(Vec<Vec<Act>>),
    Close,
    /// Without bringing the index up to the journal.
    Abandon,
    DeleteIndex,
    Compare,
    Check,
}

/// Ids of the collections; the first two are there from the start, a folder and a mailbox.
const IDS: std::ops::Range<u64> = 1..7;

fn act() -> impl Strategy<Value = Act> {
    let text = || prop::sample::select(vec!["a", "b", "c", "d"]).prop_map(str::to_owned);
    let octets = prop_oneof![prop::collection::vec(any::<u8>(), 0..20), (1usize..600).prop_map(|n| b"text ".repeat(n))];
    let flags = prop_oneof![Just(0u64), Just(1), Just(9), Just(256), Just(2)];
    let edit = (0u8..3, prop_oneof![Just(1u64), Just(8), Just(9), Just(1 << 63)]).prop_map(|(way, flags)| match way {
        0 => FlagEdit::add(Flags(flags)),
        1 => FlagEdit::remove(Flags(flags)),
        _ => FlagEdit::replace(Flags(flags)),
    });
    prop_oneof![
        3 => (3..7u64, prop::option::weighted(0.9, IDS), text(), any::<bool>())
            .prop_map(|(id, parent, name, mailbox)| Act::Create { id, parent, name, mailbox }),
        1 => IDS.prop_map(|id| Act::Remove { id }),
        2 => (IDS, IDS, text()).prop_map(|(id, parent, name)| Act::Rename { id, parent, name }),
        8 => (IDS, prop::option::of(text()), flags, octets).prop_map(|(id, name, flags, octets)| Act::Put { id, name, flags, octets }),
        2 => (IDS, IDS, 0..12u32, 0..4u32).prop_filter_map("elsewhere", |(from, to, low, more)| {
            (from != to).then_some(Act::Move { from, to, low, high: low + more })
        }),
        4 => (IDS, 0..12u32, 0..8u32, edit).prop_map(|(id, low, more, edit)| Act::Flag { id, low, high: low + more, edit }),
        3 => (IDS, prop::collection::btree_set(0..14u32, 0..8)).prop_map(|(id, uids)| Act::Expunge { id, uids }),
        1 => (IDS, text()).prop_map(|(id, keyword)| Act::Keyword { id, keyword }),
        1 => (IDS, text(), prop::option::of(text())).prop_map(|(id, name, value)| Act::Property { id, name, value }),
    ]
}

/// A move looks at the store when the batch is made: in a batch it must be alone.
pub(crate) fn acts() -> impl Strategy<Value = Vec<Act>> {
    prop::collection::vec(act(), 1..5).prop_map(|acts| match acts.iter().position(|act| matches!(act, Act::Move { .. })) {
        Some(at) => vec![acts[at].clone()],
        None => acts,
    })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => acts().prop_map(Step::Commit),
        4 => prop::collection::vec(acts(), 2..5).prop_map(|all| {
            Step::Together(all.into_iter().filter(|acts| !matches!(acts[0], Act::Move { .. })).collect())
        }),
        1 => Just(Step::Close),
        2 => Just(Step::Abandon),
        1 => Just(Step::DeleteIndex),
        3 => Just(Step::Compare),
        1 => Just(Step::Check),
    ]
}

/// Limits so small that everything that happens rarely happens here.
pub(crate) fn options(alone: bool) -> Options {
    // Alone: by who asks whenever nobody else does; else always by the committer's thread.
    let alone_micros_max = if alone { u64::MAX } else { 0 };
    Options { segment_bytes_max: 2000, view_items_max: 6, backlog_changes_max: 20, alone_micros_max, ..Options::default() }
}

async fn run(steps: Vec<Step>, alone: bool) -> Result<(), TestCaseError> {
    let dir = tempfile::tempdir().unwrap();
    let open = |dir: &Path| {
        let dir = dir.to_owned();
        async move { Embedded::open(&dir, options(alone)).await.unwrap() }
    };
    let mut engine = open(dir.path()).await;
    let mut model = founded(&engine).await;
    let mut ids = Ids::new(1000);
    for step in steps.into_iter().chain([Step::Compare, Step::Check, Step::Abandon, Step::Compare]) {
        match step {
            Step::Commit(mut acts) => {
                ids.translate(&model, &mut acts);
                let asked = batch(&engine, &acts).await;
                let real = engine.commit(asked).await.map(|_| ());
                prop_assert_eq!(real, model.act(&acts), "{:?}", acts);
            }
            Step::Together(mut all) => {
                for acts in &mut all {
                    ids.translate(&model, acts);
                }
                model = together(&engine, &model, &all).await?;
            }
            Step::Close => {
                engine.close().await;
                engine = open(dir.path()).await;
            }
            Step::Abandon => {
                engine.abandon().await;
                engine = open(dir.path()).await;
            }
            Step::DeleteIndex => {
                engine.close().await;
                std::fs::remove_file(dir.path().join("index.sqlite")).unwrap();
                engine = open(dir.path()).await;
            }
            Step::Compare => {
                let difference = model.compare(&engine).await;
                prop_assert_eq!(difference, Ok(()));
            }
            Step::Check => {
                let report = engine.check().await.unwrap();
                prop_assert_eq!(report.faults, Vec::<String>::new());
            }
        }
    }
    engine.abandon().await;
    Ok(())
}

/// A folder and a mailbox.
async fn founded(engine: &Embedded) -> Model {
    let mut model = Model::default();
    let first = [
        Act::Create { id: 1, parent: None, name: "Files".into(), mailbox: false },
        Act::Create { id: 2, parent: None, name: "Mail".into(), mailbox: true },
    ];
    model.act(&first).unwrap();
    engine.commit(batch(engine, &first).await).await.unwrap();
    model
}

/// Commit all of them at once. Whatever order they came in, the answers and the state must be those of some order.
async fn together(engine: &Arc<Embedded>, model: &Model, all: &[Vec<Act>]) -> Result<Model, TestCaseError> {
    let mut running = Vec::new();
    for acts in all {
        let (engine, asked) = (engine.clone(), batch(engine, acts).await);
        running.push(tokio::spawn(async move { engine.commit(asked).await.map(|_| ()) }));
    }
    let mut real = Vec::new();
    for one in running {
        real.push(one.await.unwrap());
    }
    for order in orders(all.len()) {
        let mut trial = model.clone();
        if order.iter().all(|at| trial.act(&all[*at]) == real[*at]) && trial.compare(engine).await.is_ok() {
            return Ok(trial);
        }
    }
    Err(TestCaseError::fail(format!("no order gives {real:?} and what is there after {all:?}")))
}

pub(crate) fn orders(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![vec![]];
    }
    let shorter = orders(count - 1);
    shorter
        .iter()
        .flat_map(|order| {
            (0..count).map(|at| {
                let mut order = order.clone();
                order.insert(at, count - 1);
                order
            })
        })
        .collect()
}

fn lives(steps: Vec<Step>, alone: bool) -> Result<(), TestCaseError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(run(steps, alone))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, max_shrink_iters: 400, ..ProptestConfig::default() })]
    #[test]
    fn the_store_does_what_the_model_does(steps in prop::collection::vec(step(), 1..60), alone: bool) {
        lives(steps, alone)?;
    }
}

/// Thousands of short lives meet more beginnings than few long ones: each is made, used a little, dropped without its index having caught
/// up, and read again.
#[test]
fn thousands_of_short_lives_do_what_the_model_does() {
    short_lives(2_000);
}

#[test]
#[ignore = "takes minutes: ./test --full"]
fn tens_of_thousands_of_short_lives_do_what_the_model_does() {
    short_lives(40_000);
}

/// Lives that are led at the same time: one mostly waits for its own threads, so there are more than processors.
const AT_ONCE: u64 = 4;

/// The seeds are 0, 1, 2 …: a failure names its own.
fn short_lives(seeds: u64) {
    let one_after_the_other = |first: u64| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        for seed in (first..seeds).step_by(AT_ONCE as usize) {
            let mut bytes = [0; 32];
            bytes[..8].copy_from_slice(&seed.to_le_bytes());
            let mut runner = TestRunner::new_with_rng(ProptestConfig::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
            let all = prop::collection::vec(acts(), 1..12).new_tree(&mut runner).unwrap().current();
            runtime.block_on(short_life(seed, all)).unwrap_or_else(|failure| panic!("seed {seed}: {failure}"));
        }
    };
    std::thread::scope(|scope| (0..AT_ONCE).for_each(|first| _ = scope.spawn(move || one_after_the_other(first))));
}

async fn short_life(seed: u64, all: Vec<Vec<Act>>) -> Result<(), TestCaseError> {
    let dir = tempfile::tempdir().unwrap();
    let disk = SimDisk::default();
    let open = async || Embedded::open_on(dir.path(), Arc::new(disk.clone()), options(seed.is_multiple_of(2)), None).await.unwrap();
    let engine = open().await;
    let mut model = founded(&engine).await;
    let mut ids = Ids::new(1000);
    for mut acts in all {
        ids.translate(&model, &mut acts);
        let asked = batch(&engine, &acts).await;
        let real = engine.commit(asked).await.map(|_| ());
        prop_assert_eq!(real, model.act(&acts), "{:?}", acts);
    }
    prop_assert_eq!(model.compare(&engine).await, Ok(()));
    engine.abandon().await;
    let engine = open().await;
    prop_assert_eq!(model.compare(&engine).await, Ok(()));
    engine.abandon().await;
    Ok(())
}
