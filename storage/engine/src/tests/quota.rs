//! Quotas: counted exactly whatever happens, and refused in the step that would exceed them.

use super::model::{Act, Ids, Model, batch};
use super::property::{acts, orders};
use super::world::{account, collection, commit, create, expunge, item, name, open, put, uids};
use crate::{Batch, Body, Change, CommitError, Embedded, Engine, Options};
use octroi_model::{AccountId, COUNTED, CollectionId, CollectionKind, FlagEdit, Flags, Head, Item, QuotaLimit, QuotaRoot, QuotaUsage};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

const TOP: QuotaRoot = QuotaRoot::Collection(CollectionId(1));
/// Of whom nobody in particular is: whose all collections of these tests are.
const OWNER: QuotaRoot = QuotaRoot::Account(AccountId(0));

fn limit(bytes: u64) -> QuotaLimit {
    QuotaLimit { bytes, items: None }
}

async fn set(engine: &Embedded, root: QuotaRoot, limit: impl Into<Option<QuotaLimit>>) {
    commit(engine, Change::SetQuota { root, limit: limit.into() }).await.unwrap();
}

fn used(engine: &Embedded, root: QuotaRoot) -> (u64, u64) {
    let quota = engine.quotas().into_iter().find(|quota| quota.root == root).unwrap();
    (quota.used.bytes, quota.used.items)
}

fn over(root: QuotaRoot) -> CommitError {
    CommitError::OverQuota(vec![root])
}

fn rename(id: u64, parent: u64, to: &str) -> Change {
    let (collection, parent, name) = (CollectionId(id), CollectionId(parent), name(to));
    Change::RenameCollection { collection, parent, name, old_parent_head: Head::default(), new_parent_head: Head::default() }
}

/// A folder 1 with a folder 2 in it, and a folder 3 beside it.
async fn folders(dir: &Path) -> Arc<Embedded> {
    let engine = open(dir).await;
    commit(&engine, Change::CreateAccount(account(0, "nobody@douane.example"))).await.unwrap();
    for (id, parent, text) in [(1, None, "one"), (2, Some(1), "two"), (3, None, "three")] {
        commit(&engine, create(collection(id, parent, text, CollectionKind::Folder))).await.unwrap();
    }
    engine
}

#[tokio::test]
async fn a_put_over_the_limit_is_refused_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let engine = folders(dir.path()).await;
    put(&engine, 2, Some("a"), b"12345").await.unwrap();
    set(&engine, TOP, QuotaLimit { bytes: 10, items: Some(2) }).await;
    assert_eq!(used(&engine, TOP), (5, 1));
    let before = engine.collection(CollectionId(2)).unwrap();
    assert_eq!(put(&engine, 2, Some("b"), b"123456").await, Err(over(TOP)));
    assert_eq!(engine.collection(CollectionId(2)).unwrap(), before);
    put(&engine, 2, Some("b"), b"12345").await.unwrap();
    assert_eq!(put(&engine, 1, Some("c"), b"").await, Err(over(TOP)), "a third item");
    put(&engine, 3, Some("elsewhere"), &[0; 100]).await.unwrap();
    // As large as before, then smaller: a replacement counts what it takes away.
    put(&engine, 2, Some("b"), b"abcde").await.unwrap();
    put(&engine, 2, Some("b"), b"a").await.unwrap();
    assert_eq!(put(&engine, 2, Some("b"), b"123456").await, Err(over(TOP)));
    assert_eq!(used(&engine, TOP), (6, 2));
    assert_eq!(engine.quotas_above(CollectionId(2)).len(), 1);
    assert_eq!(engine.quotas_above(CollectionId(3)), []);
    engine.close().await;
    let engine = open(dir.path()).await;
    assert_eq!(used(&engine, TOP), (6, 2));
    assert_eq!(put(&engine, 1, Some("c"), b"").await, Err(over(TOP)));
}

/// What is kept beside an item counts if it says so itself: what was stored when it did not goes out of the sum as it came in.
#[tokio::test]
async fn properties_that_say_so_count() {
    let dir = tempfile::tempdir().unwrap();
    let engine = folders(dir.path()).await;
    set(&engine, TOP, limit(1000)).await;
    let with = |text: &str, first: u8, octets: usize| {
        let properties = [&[first][..], &vec![b'x'; octets - 1]].concat();
        (Item { properties: Some(properties.into()), ..item(Flags::NONE, Some(text)) }, Body::document(b"12345"))
    };
    let put_with = |(item, body): (Item, Body)| {
        let engine = engine.clone();
        async move {
            let mut batch = Batch::new();
            let body = batch.body(body);
            batch.put(CollectionId(2), item, body);
            engine.commit(batch).await.map(|_| ())
        }
    };
    put_with(with("old", 1, 500)).await.unwrap();
    assert_eq!(used(&engine, TOP), (5, 1));
    put_with(with("new", COUNTED, 500)).await.unwrap();
    assert_eq!(used(&engine, TOP), (510, 2));
    assert_eq!(put_with(with("large", COUNTED, 600)).await, Err(over(TOP)));
    // Written again, the old one counts in full.
    put_with(with("old", COUNTED, 400)).await.unwrap();
    assert_eq!(used(&engine, TOP), (910, 2));
    commit(&engine, expunge(2, uids(&[2]))).await.unwrap();
    assert_eq!(used(&engine, TOP), (405, 1));
    let flags = FlagEdit::add(Flags::SEEN);
    commit(&engine, super::world::flag(2, uids(&[1]), flags)).await.unwrap();
    assert_eq!(used(&engine, TOP), (405, 1));
    engine.close().await;
    let engine = open(dir.path()).await;
    assert_eq!(used(&engine, TOP), (405, 1));
    assert!(engine.check().await.unwrap().faults.is_empty());
    commit(&engine, expunge(2, uids(&[1]))).await.unwrap();
    assert_eq!(used(&engine, TOP), (0, 0));
}

#[tokio::test]
async fn a_move_within_a_root_needs_no_room_and_a_copy_does() {
    let dir = tempfile::tempdir().unwrap();
    let engine = folders(dir.path()).await;
    put(&engine, 2, Some("a"), b"1234567").await.unwrap();
    put(&engine, 3, Some("b"), b"1234567").await.unwrap();
    set(&engine, TOP, limit(10)).await;
    let arrival = |engine: &Arc<Embedded>, from: u64, to: u64, removed: bool| {
        let engine = engine.clone();
        async move {
            let item = engine.view(CollectionId(from)).await.unwrap().at(0).unwrap().clone();
            let uid = item.uid.0;
            let mut batch = Batch::new();
            batch.push(Change::Put { collection: CollectionId(to), item, head: Head::default() });
            if removed {
                batch.push(expunge(from, uids(&[uid])));
            }
            engine.commit(batch).await.map(|_| ())
        }
    };
    assert_eq!(arrival(&engine, 2, 1, false).await, Err(over(TOP)));
    assert_eq!(arrival(&engine, 3, 1, true).await, Err(over(TOP)));
    assert_eq!(arrival(&engine, 2, 1, true).await, Ok(()));
    assert_eq!(used(&engine, TOP), (7, 1));
    // Out of the tree, where nothing limits.
    assert_eq!(arrival(&engine, 1, 3, true).await, Ok(()));
    assert_eq!(used(&engine, TOP), (0, 0));
}

#[tokio::test]
async fn who_is_over_the_limit_may_make_room() {
    let dir = tempfile::tempdir().unwrap();
    let engine = folders(dir.path()).await;
    put(&engine, 2, Some("a"), b"1234567").await.unwrap();
    put(&engine, 2, Some("b"), b"1234567").await.unwrap();
    set(&engine, OWNER, limit(3)).await;
    assert_eq!(used(&engine, OWNER), (14, 2));
    put(&engine, 2, Some("a"), b"123456").await.unwrap();
    commit(&engine, rename(2, 3, "two")).await.unwrap();
    commit(&engine, expunge(2, uids(&[2]))).await.unwrap();
    assert_eq!(used(&engine, OWNER), (6, 1));
    assert_eq!(put(&engine, 1, Some("c"), b"1").await, Err(over(OWNER)));
    set(&engine, OWNER, None).await;
    put(&engine, 1, Some("c"), b"1").await.unwrap();
    assert_eq!(engine.quotas(), []);
}

#[tokio::test]
async fn a_tree_takes_its_sum_along_and_a_removed_one_gives_it_back() {
    let dir = tempfile::tempdir().unwrap();
    let engine = folders(dir.path()).await;
    let three = QuotaRoot::Collection(CollectionId(3));
    let two = QuotaRoot::Collection(CollectionId(2));
    put(&engine, 2, Some("a"), b"1234567").await.unwrap();
    for (root, bytes) in [(TOP, 20), (three, 6), (two, 9)] {
        set(&engine, root, limit(bytes)).await;
    }
    assert_eq!(commit(&engine, rename(2, 3, "two")).await.unwrap_err(), over(three));
    set(&engine, three, limit(8)).await;
    commit(&engine, rename(2, 3, "two")).await.unwrap();
    assert_eq!((used(&engine, TOP), used(&engine, three), used(&engine, two)), ((0, 0), (7, 1), (7, 1)));
    assert_eq!(engine.quotas_above(CollectionId(2)).len(), 2);
    assert_eq!(put(&engine, 2, Some("b"), b"123").await, Err(CommitError::OverQuota(vec![two, three])));
    commit(&engine, Change::RemoveCollection { collection: CollectionId(2), parent_head: None }).await.unwrap();
    assert_eq!(used(&engine, three), (0, 0));
    assert_eq!(engine.quotas().len(), 2, "the quota of what is gone is gone");
    assert_eq!(engine.check().await.unwrap().faults, Vec::<String>::new());
}

#[tokio::test]
async fn a_batch_is_judged_as_a_whole_and_sees_the_limits_it_sets() {
    let dir = tempfile::tempdir().unwrap();
    let engine = folders(dir.path()).await;
    let mut new = Batch::new();
    new.push(Change::SetQuota { root: OWNER, limit: Some(limit(12)) });
    new.push(create(collection(4, Some(1), "four", CollectionKind::Folder)));
    let body = new.body(Body::document(b"1234567"));
    new.put(CollectionId(4), item(Flags::NONE, Some("a")), body);
    let mut too_much = new.clone();
    too_much.put(CollectionId(3), item(Flags::NONE, Some("b")), body);
    assert_eq!(engine.commit(too_much).await.unwrap_err(), over(OWNER));
    assert_eq!(engine.quotas(), [], "nothing of a refused batch stays");
    engine.commit(new).await.unwrap();
    assert_eq!(used(&engine, OWNER), (7, 1));
    let gone = commit(&engine, Change::SetQuota { root: QuotaRoot::Collection(CollectionId(99)), limit: Some(limit(1)) }).await;
    assert_eq!(gone.unwrap_err(), CommitError::Gone);
}

/// Many at once: however they fall into groups, just as many come in as there is room for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batches_of_one_group_see_one_another() {
    let dir = tempfile::tempdir().unwrap();
    let engine = folders(dir.path()).await;
    set(&engine, OWNER, limit(100)).await;
    let mut running = Vec::new();
    for at in 0..60u64 {
        let engine = engine.clone();
        running.push(tokio::spawn(async move { put(&engine, 1 + at % 3, Some(&format!("n{at}")), b"12345").await.is_ok() }));
    }
    let mut accepted = 0;
    for one in running {
        accepted += u64::from(one.await.unwrap());
    }
    assert_eq!((accepted, used(&engine, OWNER)), (20, (100, 20)));
}

#[derive(Debug, Clone)]
enum Step {
    Commit(Vec<Act>),
    Together(Vec<Vec<Act>>),
    /// On a collection, or (0) on the account.
    Set(u64, Option<QuotaLimit>),
    Close,
    Abandon,
    DeleteIndex,
    Check,
}

fn step() -> impl Strategy<Value = Step> {
    let limits = prop::option::weighted(0.8, (0u64..4000, prop::option::of(0u64..12)));
    let set = (0u64..7, limits).prop_map(|(id, limit)| Step::Set(id, limit.map(|(bytes, items)| QuotaLimit { bytes, items })));
    prop_oneof![
        20 => acts().prop_map(Step::Commit),
        4 => prop::collection::vec(acts(), 2..4).prop_map(|all| {
            Step::Together(all.into_iter().filter(|acts| !matches!(acts[0], Act::Move { .. })).collect())
        }),
        5 => set,
        1 => Just(Step::Close),
        2 => Just(Step::Abandon),
        1 => Just(Step::DeleteIndex),
        1 => Just(Step::Check),
    ]
}

/// The simple model with limits, which are compared with a full recount each time.
#[derive(Debug, Clone, Default)]
struct Limited {
    model: Model,
    limits: BTreeMap<QuotaRoot, QuotaLimit>,
}

impl Limited {
    fn usage(&self, root: QuotaRoot) -> QuotaUsage {
        match root {
            QuotaRoot::Account(_) => self.model.usage(None),
            QuotaRoot::Collection(id) => self.model.usage(Some(id.0)),
        }
    }

    fn act(&mut self, acts: &[Act]) -> Result<(), CommitError> {
        let mut next = self.clone();
        next.model.act(acts)?;
        let there = |root: &QuotaRoot| match root {
            QuotaRoot::Account(_) => true,
            QuotaRoot::Collection(id) => next.model.collections.contains_key(&id.0),
        };
        next.limits.retain(|root, _| there(root));
        let over = |(root, limit): (&QuotaRoot, &QuotaLimit)| {
            let before = if there(root) { self.usage(*root) } else { QuotaUsage::default() };
            (!limit.allows(before, next.usage(*root))).then_some(*root)
        };
        let over: Vec<_> = next.limits.iter().filter_map(over).collect();
        if !over.is_empty() {
            return Err(CommitError::OverQuota(over));
        }
        *self = next;
        Ok(())
    }

    fn compare(&self, engine: &Embedded) -> Result<(), String> {
        let meant: Vec<_> = self.limits.iter().map(|(root, limit)| (*root, *limit, self.usage(*root))).collect();
        let real: Vec<_> = engine.quotas().iter().map(|quota| (quota.root, quota.limit, quota.used)).collect();
        if real == meant { Ok(()) } else { Err(format!("{real:?}, not {meant:?}")) }
    }
}

async fn run(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let dir = tempfile::tempdir().unwrap();
    let options = || Options { segment_bytes_max: 2000, view_items_max: 6, backlog_changes_max: 20, ..Options::default() };
    let reopen = || async { Embedded::open(dir.path(), options()).await.unwrap() };
    let mut engine = reopen().await;
    commit(&engine, Change::CreateAccount(account(0, "nobody@douane.example"))).await.unwrap();
    let mut limited = Limited::default();
    let first = [
        Act::Create { id: 1, parent: None, name: "Files".into(), mailbox: false },
        Act::Create { id: 2, parent: None, name: "Mail".into(), mailbox: true },
    ];
    limited.act(&first).unwrap();
    engine.commit(batch(&engine, &first).await).await.unwrap();
    let mut ids = Ids::new(1000);
    for step in steps.into_iter().chain([Step::Check, Step::Abandon]) {
        match step {
            Step::Commit(mut acts) => {
                ids.translate(&limited.model, &mut acts);
                let real = engine.commit(batch(&engine, &acts).await).await.map(|_| ());
                prop_assert_eq!(real, limited.act(&acts), "{:?}", acts);
            }
            Step::Together(mut all) => {
                for acts in &mut all {
                    ids.translate(&limited.model, acts);
                }
                limited = together(&engine, &limited, &all).await?;
            }
            Step::Set(id, limit) => {
                let mut named = [Act::Remove { id }];
                ids.translate(&limited.model, &mut named);
                let Act::Remove { id } = named[0] else { continue };
                let root = if id == 0 { OWNER } else { QuotaRoot::Collection(CollectionId(id)) };
                let real = commit(&engine, Change::SetQuota { root, limit }).await.map(|_| ());
                let there = id == 0 || limited.model.collections.contains_key(&id);
                prop_assert_eq!(real, if there { Ok(()) } else { Err(CommitError::Gone) });
                match limit.filter(|_| there) {
                    Some(limit) => drop(limited.limits.insert(root, limit)),
                    None => drop(limited.limits.remove(&root)),
                }
            }
            Step::Close => {
                engine.close().await;
                engine = reopen().await;
            }
            Step::Abandon => {
                engine.abandon().await;
                engine = reopen().await;
            }
            Step::DeleteIndex => {
                engine.close().await;
                std::fs::remove_file(dir.path().join("index.sqlite")).unwrap();
                engine = reopen().await;
            }
            Step::Check => {
                prop_assert_eq!(engine.check().await.unwrap().faults, Vec::<String>::new());
                continue;
            }
        }
        prop_assert_eq!(limited.compare(&engine), Ok(()));
    }
    engine.abandon().await;
    Ok(())
}

async fn together(engine: &Arc<Embedded>, limited: &Limited, all: &[Vec<Act>]) -> Result<Limited, TestCaseError> {
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
        let mut trial = limited.clone();
        let same = order.iter().all(|at| trial.act(&all[*at]) == real[*at]);
        if same && trial.compare(engine).is_ok() && trial.model.compare(engine).await.is_ok() {
            return Ok(trial);
        }
    }
    Err(TestCaseError::fail(format!("no order gives {real:?} and what is there after {all:?}")))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 400, ..ProptestConfig::default() })]
    #[test]
    fn usage_is_always_what_a_recount_says(steps in prop::collection::vec(step(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(run(steps))?;
    }
}
