//! Locks: held against every change, kept over restarts, gone with what they are on; and random ones against rules over paths.

use super::simdisk::SimDisk;
use super::world::{account, collection, commit, create, expunge, item, name, open, put, uid_of, uids};
use crate::{Batch, Body, Change, CommitError, Embedded, Engine, Expect, Options, Receipt};
use octroi_model::{
    AccountId, Collection, CollectionId, CollectionKind, FlagEdit, Flags, Head, Lock, LockId, LockRoot, LockScope, LockToken, LockedItem,
    ModSeq, Uid, UnixTime,
};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const HOME: u64 = 10;
const PLANS: u64 = 11;
const OLD: u64 = 12;

fn lock(id: u64, at: u64, of: Option<&str>) -> Lock {
    Lock {
        id: LockId(id),
        token: LockToken::new([u8::try_from(id % 256).unwrap(); 16]),
        root: LockRoot { collection: CollectionId(at), item: of.map(|of| LockedItem { name: name(of), uid: Uid(0) }) },
        scope: LockScope::Exclusive,
        deep: false,
        account: AccountId(7),
        credential: "k3f9".into(),
        owner: None,
        created: UnixTime::now(),
        expires: UnixTime(UnixTime::now().0 + 3600),
        made: false,
    }
}

fn rename(id: u64, parent: u64, to: &str) -> Change {
    Change::RenameCollection {
        collection: CollectionId(id),
        parent: CollectionId(parent),
        name: name(to),
        old_parent_head: Head::default(),
        new_parent_head: Head::default(),
    }
}

async fn held(engine: &Embedded, change: Change, held: &[u64]) -> Result<Receipt, CommitError> {
    let mut batch = Batch::new();
    batch.hold(&held.iter().map(|id| LockId(*id)).collect::<Vec<_>>()).push(change);
    engine.commit(batch).await
}

async fn put_held(engine: &Embedded, at: u64, text: &str, locks: &[u64]) -> Result<Uid, CommitError> {
    let mut batch = Batch::new();
    batch.hold(&locks.iter().map(|id| LockId(*id)).collect::<Vec<_>>());
    let body = batch.body(Body::document(b"x"));
    batch.put(CollectionId(at), item(Flags::NONE, Some(text)), body);
    Ok(uid_of(&engine.commit(batch).await?))
}

/// An account with `home`, `home/plans` and `home/plans/old`, and a document in each.
async fn stage(engine: &Embedded) {
    let mut batch = Batch::new();
    batch.push(Change::CreateAccount(account(7, "lea@douane.example")));
    for (id, parent, text) in [(HOME, None, "home"), (PLANS, Some(HOME), "plans"), (OLD, Some(PLANS), "old")] {
        batch.push(create(Collection { owner: AccountId(7), ..collection(id, parent, text, CollectionKind::Folder) }));
    }
    engine.commit(batch).await.unwrap();
    for id in [HOME, PLANS, OLD] {
        put(engine, id, Some("a.txt"), b"one").await.unwrap();
    }
}

#[tokio::test]
async fn who_has_no_token_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path()).await;
    stage(&engine).await;
    commit(&engine, Change::Lock(lock(100, PLANS, Some("a.txt")))).await.unwrap();
    let locked = Err(CommitError::Locked(LockId(100)));
    assert_eq!(put(&engine, PLANS, Some("a.txt"), b"two").await.map(|_| ()), locked);
    assert_eq!(commit(&engine, expunge(PLANS, uids(&[1]))).await.map(|_| ()), locked);
    assert_eq!(commit(&engine, rename(PLANS, HOME, "other")).await.map(|_| ()), locked);
    assert_eq!(put_held(&engine, PLANS, "a.txt", &[99]).await.map(|_| ()), Err(CommitError::Expectation(0)));
    // Beside it all is free, and with it it is.
    put(&engine, PLANS, Some("b.txt"), b"two").await.unwrap();
    put_held(&engine, PLANS, "a.txt", &[100]).await.unwrap();
    assert_eq!(engine.locks_over(CollectionId(PLANS), Some(Uid(1))).len(), 1, "a lock stays when the content is replaced");
    let mut over = Batch::new();
    over.over_locks().push(expunge(PLANS, uids(&[1])));
    engine.commit(over).await.unwrap();
    assert!(engine.locks().is_empty(), "it goes with what it is on");
    engine.close().await;
}

#[tokio::test]
async fn a_lock_on_a_collection_is_about_its_members() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path()).await;
    stage(&engine).await;
    commit(&engine, Change::Lock(lock(100, PLANS, None))).await.unwrap();
    let locked = Err(CommitError::Locked(LockId(100)));
    // RFC 4918 section 7.4: neither added nor removed, but what is there can be written.
    assert_eq!(put(&engine, PLANS, Some("new.txt"), b"").await.map(|_| ()), locked);
    assert_eq!(commit(&engine, expunge(PLANS, uids(&[1]))).await.map(|_| ()), locked);
    assert_eq!(commit(&engine, create(collection(13, Some(PLANS), "x", CollectionKind::Folder))).await.map(|_| ()), locked);
    assert_eq!(commit(&engine, rename(OLD, HOME, "old")).await.map(|_| ()), locked);
    put(&engine, PLANS, Some("a.txt"), b"two").await.unwrap();
    put(&engine, OLD, Some("new.txt"), b"two").await.unwrap();
    // A deep one covers all below; it is not to be had over another.
    let deep = |id| Lock { deep: true, ..lock(id, HOME, None) };
    assert_eq!(commit(&engine, Change::Lock(deep(101))).await.map(|_| ()), Err(CommitError::Conflict(LockId(100))));
    commit(&engine, Change::Unlock(LockId(100))).await.unwrap();
    commit(&engine, Change::Lock(deep(101))).await.unwrap();
    assert_eq!(put(&engine, OLD, Some("a.txt"), b"two").await.map(|_| ()), Err(CommitError::Locked(LockId(101))));
    assert_eq!(commit(&engine, Change::Lock(lock(102, OLD, Some("a.txt")))).await.map(|_| ()), Err(CommitError::Conflict(LockId(101))));
    let mut acl = Batch::new();
    acl.expect(Expect::Unlocked(CollectionId(OLD))).push(Change::SetAcl { collection: CollectionId(OLD), acl: None });
    assert_eq!(engine.commit(acl).await.map(|_| ()), Err(CommitError::Locked(LockId(101))));
    engine.close().await;
}

#[tokio::test]
async fn who_shares_the_lock_of_an_item_needs_none_of_those_above_it() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path()).await;
    stage(&engine).await;
    let shared = |id, of| Lock { scope: LockScope::Shared, deep: true, ..lock(id, PLANS, of) };
    commit(&engine, Change::Lock(shared(100, None))).await.unwrap();
    commit(&engine, Change::Lock(shared(101, Some("a.txt")))).await.unwrap();
    let see = || Change::Flag {
        collection: CollectionId(PLANS),
        uids: uids(&[1]),
        edit: FlagEdit::add(Flags::SEEN),
        modseq: ModSeq(0),
        head: Head::default(),
    };
    assert_eq!(commit(&engine, see()).await.map(|_| ()), Err(CommitError::Locked(LockId(100))));
    held(&engine, see(), &[101]).await.unwrap();
    engine.close().await;
}

#[tokio::test]
async fn locks_end_by_time_and_with_what_they_are_on_and_survive_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let mut engine = open(dir.path()).await;
    stage(&engine).await;
    let over = Lock { expires: UnixTime::now(), ..lock(100, HOME, Some("a.txt")) };
    commit(&engine, Change::Lock(over)).await.unwrap();
    put(&engine, HOME, Some("a.txt"), b"two").await.unwrap();
    let refresh = |id, expires| Change::RefreshLock { id: LockId(id), expires };
    assert_eq!(commit(&engine, refresh(100, UnixTime(i64::MAX))).await.map(|_| ()), Err(CommitError::Gone));
    // Another one may take its place.
    commit(&engine, Change::Lock(lock(101, HOME, Some("a.txt")))).await.unwrap();
    commit(&engine, Change::Lock(lock(102, OLD, Some("a.txt")))).await.unwrap();
    let later = UnixTime(UnixTime::now().0 + 9000);
    commit(&engine, refresh(101, later)).await.unwrap();
    for index_is_there in [false, true] {
        engine.close().await;
        drop(engine);
        if !index_is_there {
            crate::index::Index::remove(&dir.path().join("index.sqlite")).unwrap();
        }
        engine = open(dir.path()).await;
        assert_eq!(engine.lock(LockId(101)).unwrap().expires, later);
        assert_eq!(engine.lock_by_token(LockToken::new([102; 16])).unwrap().root.item.as_ref().unwrap().uid, Uid(1));
        assert_eq!(put(&engine, HOME, Some("a.txt"), b"3").await.map(|_| ()), Err(CommitError::Locked(LockId(101))));
        assert_eq!(engine.check().await.unwrap().faults, Vec::<String>::new());
    }
    // RFC 4918 section 7.6: it does not move with the tree.
    held(&engine, rename(PLANS, HOME, "elsewhere"), &[102]).await.unwrap();
    assert!(engine.lock(LockId(102)).is_none());
    engine.close().await;
}

#[tokio::test]
async fn of_two_who_lock_at_once_one_gets_it() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path()).await;
    stage(&engine).await;
    for round in 0..20 {
        let tasks: Vec<_> = (0..8)
            .map(|n| {
                let engine = engine.clone();
                tokio::spawn(async move { commit(&engine, Change::Lock(lock(1000 + round * 8 + n, OLD, Some("a.txt")))).await.is_ok() })
            })
            .collect();
        let mut got = 0;
        for task in tasks {
            got += usize::from(task.await.unwrap());
        }
        assert_eq!(got, 1);
        let id = engine.locks()[0].id;
        commit(&engine, Change::Unlock(id)).await.unwrap();
    }
    engine.close().await;
}

/// What is asked in the property test. Places are folders of [`FOLDERS`] by number.
#[derive(Debug, Clone)]
enum Act {
    Lock { at: usize, of: Option<&'static str>, shared: bool, deep: bool, over: bool },
    Unlock { nth: usize },
    Put { at: usize, of: &'static str },
    Expunge { at: usize, of: &'static str },
    Create { parent: usize, of: &'static str },
    Remove { at: usize },
    Rename { at: usize, parent: usize, of: &'static str },
    Property { at: usize },
}

fn act() -> impl Strategy<Value = (Act, BTreeSet<usize>)> {
    let text = || prop::sample::select(vec!["a", "b", "c"]);
    let at = || 0..6usize;
    let act = prop_oneof![
        6 => (at(), prop::option::of(text()), any::<bool>(), any::<bool>(), prop::bool::weighted(0.15))
            .prop_map(|(at, of, shared, deep, over)| Act::Lock { at, of, shared, deep, over }),
        1 => (0..6usize).prop_map(|nth| Act::Unlock { nth }),
        6 => (at(), text()).prop_map(|(at, of)| Act::Put { at, of }),
        3 => (at(), text()).prop_map(|(at, of)| Act::Expunge { at, of }),
        5 => (at(), text()).prop_map(|(parent, of)| Act::Create { parent, of }),
        2 => at().prop_map(|at| Act::Remove { at }),
        3 => (at(), at(), text()).prop_map(|(at, parent, of)| Act::Rename { at, parent, of }),
        1 => at().prop_map(|at| Act::Property { at }),
    ];
    (act, prop::collection::btree_set(0..6usize, 0..3))
}

#[derive(Debug, Clone)]
struct Known {
    id: u64,
    path: String,
    shared: bool,
    deep: bool,
    over: bool,
}

/// Everything by its path, `/` in front; the top is the empty path.
#[derive(Debug, Default)]
struct Oracle {
    folders: BTreeMap<String, u64>,
    files: BTreeMap<String, u32>,
    locks: Vec<Known>,
}

fn below(path: &str, top: &str) -> bool {
    path.strip_prefix(top).is_some_and(|rest| rest.starts_with('/'))
}

fn parent(path: &str) -> String {
    path.rsplit_once('/').map(|(above, _)| above.to_owned()).unwrap_or_default()
}

impl Oracle {
    fn over<'a>(&'a self, path: &'a str) -> impl Iterator<Item = &'a Known> {
        let covers =
            move |lock: &&Known| lock.path == path || (lock.deep && self.folders.contains_key(&lock.path) && below(path, &lock.path));
        self.locks.iter().filter(|lock| !lock.over).filter(covers)
    }

    fn is_free(&self, path: &str, held: &[u64]) -> bool {
        let shares = self.over(path).any(|lock| lock.shared && held.contains(&lock.id));
        self.over(path).all(|lock| held.contains(&lock.id) || (lock.shared && shares))
    }

    /// A tree with all in it, and what could be in each folder of it.
    fn is_tree_free(&self, top: &str, held: &[u64]) -> bool {
        let inside = |path: &&String| *path == top || below(path, top);
        let folders = self.folders.keys().filter(inside).flat_map(|path| [path.clone(), format!("{path}/\u{1}")]);
        folders.chain(self.files.keys().filter(inside).cloned()).all(|path| self.is_free(&path, held))
    }

    fn may_lock(&self, path: &str, shared: bool, deep: bool) -> bool {
        let bad = |lock: &Known| !(lock.over || shared && lock.shared);
        let inside = self.locks.iter().filter(|lock| deep && self.folders.contains_key(path) && below(&lock.path, path));
        !self.over(path).any(bad) && !inside.into_iter().any(bad)
    }

    fn forget(&mut self, gone: impl Fn(&str) -> bool) {
        self.locks.retain(|lock| !gone(&lock.path));
    }
}

async fn play(acts: Vec<(Act, BTreeSet<usize>)>) -> Result<(), TestCaseError> {
    let dir = tempfile::tempdir().unwrap();
    let disk = SimDisk::default();
    let open = async || Embedded::open_on(dir.path(), Arc::new(disk.clone()), Options::default(), None).await.unwrap();
    let engine = open().await;
    let mut batch = Batch::new();
    batch.push(Change::CreateAccount(account(7, "lea@douane.example")));
    batch.push(create(Collection { owner: AccountId(7), ..collection(HOME, None, "home", CollectionKind::Folder) }));
    engine.commit(batch).await.unwrap();
    let mut oracle = Oracle { folders: BTreeMap::from([(String::new(), HOME)]), ..Oracle::default() };
    for (number, (act, held)) in acts.into_iter().enumerate() {
        let id = 1000 + number as u64;
        let held: Vec<u64> = held.iter().filter_map(|nth| oracle.locks.get(*nth)).filter(|lock| !lock.over).map(|lock| lock.id).collect();
        step(&engine, &mut oracle, &act, (id, &held)).await?;
    }
    let known = |engine: &Embedded| engine.locks().iter().map(|lock| lock.id.0).collect::<Vec<_>>();
    let wanted: Vec<u64> = oracle.locks.iter().map(|lock| lock.id).collect();
    prop_assert_eq!(known(&engine), wanted.clone());
    engine.abandon().await;
    let engine = open().await;
    prop_assert_eq!(known(&engine), wanted);
    engine.abandon().await;
    Ok(())
}

/// The folder of a number: its path and its id.
fn folder(oracle: &Oracle, nth: usize) -> (String, u64) {
    oracle.folders.iter().nth(nth % oracle.folders.len()).map(|(path, id)| (path.clone(), *id)).unwrap()
}

async fn step(engine: &Embedded, oracle: &mut Oracle, act: &Act, (id, held): (u64, &[u64])) -> Result<(), TestCaseError> {
    let mut batch = Batch::new();
    batch.hold(&held.iter().map(|id| LockId(*id)).collect::<Vec<_>>());
    let asked = match act {
        Act::Lock { .. } => ask_lock(oracle, act, id, &mut batch),
        Act::Unlock { nth } if *nth < oracle.locks.len() => {
            batch = Batch::new();
            batch.push(Change::Unlock(LockId(oracle.locks.remove(*nth).id)));
            Some(true)
        }
        Act::Unlock { .. } => None,
        Act::Put { at, of } => return put_step(engine, oracle, (*at, of), (batch, held)).await,
        Act::Expunge { at, of } => ask_expunge(oracle, (*at, of), held, &mut batch),
        Act::Rename { .. } => ask_rename(oracle, act, held, &mut batch),
        Act::Create { .. } | Act::Remove { .. } | Act::Property { .. } => ask_folder(oracle, act, (id, held), &mut batch),
    };
    let Some(allowed) = asked else { return Ok(()) };
    let locks = matches!(act, Act::Lock { .. });
    match engine.commit(batch).await.map(|_| ()) {
        Ok(()) => prop_assert!(allowed, "{:?} with {:?} in {:?}", act, held, oracle),
        Err(CommitError::Locked(_)) => prop_assert!(!allowed && !locks, "{:?} with {:?} in {:?}", act, held, oracle),
        Err(CommitError::Conflict(_)) => prop_assert!(!allowed && locks, "{:?} in {:?}", act, oracle),
        other => prop_assert!(false, "{:?} {:?} in {:?}", other, act, oracle),
    }
    Ok(())
}

fn ask_lock(oracle: &mut Oracle, act: &Act, id: u64, batch: &mut Batch) -> Option<bool> {
    let Act::Lock { at, of, shared, deep, over } = act else { return None };
    let (path, at) = folder(oracle, *at);
    let path = of.map_or(path.clone(), |of| format!("{path}/{of}"));
    if of.is_some() && !oracle.files.contains_key(&path) {
        return None;
    }
    let scope = if *shared { LockScope::Shared } else { LockScope::Exclusive };
    let now = UnixTime::now().0;
    let expires = UnixTime(if *over { now } else { now + 1000 });
    batch.push(Change::Lock(Lock { scope, deep: *deep, expires, ..lock(id, at, *of) }));
    let allowed = oracle.may_lock(&path, *shared, *deep);
    if allowed {
        oracle.locks.push(Known { id, path, shared: *shared, deep: *deep, over: *over });
    }
    Some(allowed)
}

async fn put_step(
    engine: &Embedded,
    oracle: &mut Oracle,
    (at, of): (usize, &str),
    (mut batch, held): (Batch, &[u64]),
) -> Result<(), TestCaseError> {
    let (above, at) = folder(oracle, at);
    let path = format!("{above}/{of}");
    if oracle.folders.contains_key(&path) {
        return Ok(());
    }
    let body = batch.body(Body::document(b"x"));
    batch.put(CollectionId(at), item(Flags::NONE, Some(of)), body);
    let allowed = oracle.is_free(if oracle.files.contains_key(&path) { &path } else { &above }, held);
    let receipt = engine.commit(batch).await;
    prop_assert_eq!(receipt.is_ok(), allowed, "put {} with {:?} in {:?}", path, held, oracle);
    if let Ok(receipt) = receipt {
        oracle.files.insert(path, uid_of(&receipt).0);
    }
    Ok(())
}

fn ask_expunge(oracle: &mut Oracle, (at, of): (usize, &str), held: &[u64], batch: &mut Batch) -> Option<bool> {
    let (above, at) = folder(oracle, at);
    let path = format!("{above}/{of}");
    batch.push(expunge(at, uids(&[*oracle.files.get(&path)?])));
    let allowed = oracle.is_free(&path, held) && oracle.is_free(&above, held);
    if allowed {
        oracle.files.remove(&path);
        oracle.forget(|at| at == path);
    }
    Some(allowed)
}

fn ask_folder(oracle: &mut Oracle, act: &Act, (id, held): (u64, &[u64]), batch: &mut Batch) -> Option<bool> {
    match act {
        Act::Create { parent, of } => {
            let (above, at) = folder(oracle, *parent);
            let path = format!("{above}/{of}");
            if oracle.folders.contains_key(&path) || oracle.files.contains_key(&path) {
                return None;
            }
            batch.push(create(Collection { owner: AccountId(7), ..collection(id, Some(at), of, CollectionKind::Folder) }));
            let allowed = oracle.is_free(&above, held);
            if allowed {
                oracle.folders.insert(path, id);
            }
            Some(allowed)
        }
        Act::Property { at } => {
            let (path, at) = folder(oracle, *at);
            let (name, value) = ("displayname".into(), Some("x".into()));
            batch.push(Change::SetProperty { collection: CollectionId(at), name, value, head: Head::default() });
            Some(oracle.is_free(&path, held))
        }
        Act::Remove { at } => {
            let (path, at) = folder(oracle, *at);
            if path.is_empty() || oracle.folders.keys().any(|other| below(other, &path)) {
                return None;
            }
            batch.push(Change::RemoveCollection { collection: CollectionId(at), parent_head: None });
            let allowed = oracle.is_tree_free(&path, held) && oracle.is_free(&parent(&path), held);
            if allowed {
                oracle.folders.remove(&path);
                oracle.files.retain(|file, _| !below(file, &path));
                oracle.forget(|at| at == path || below(at, &path));
            }
            Some(allowed)
        }
        _ => None,
    }
}

fn ask_rename(oracle: &mut Oracle, act: &Act, held: &[u64], batch: &mut Batch) -> Option<bool> {
    let Act::Rename { at, parent: into, of } = act else { return None };
    let ((path, at), (above, into)) = (folder(oracle, *at), folder(oracle, *into));
    let to = format!("{above}/{of}");
    let taken = oracle.folders.contains_key(&to) || oracle.files.contains_key(&to);
    if path.is_empty() || taken || above == path || below(&above, &path) {
        return None;
    }
    batch.push(rename(at, into, of));
    let allowed = oracle.is_tree_free(&path, held) && oracle.is_free(&parent(&path), held) && oracle.is_free(&above, held);
    if allowed {
        oracle.forget(|at| at == path || below(at, &path));
        let moved = |old: &String| if *old == path || below(old, &path) { format!("{to}{}", &old[path.len()..]) } else { old.clone() };
        oracle.folders = oracle.folders.iter().map(|(old, id)| (moved(old), *id)).collect();
        oracle.files = oracle.files.iter().map(|(old, uid)| (moved(old), *uid)).collect();
    }
    Some(allowed)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, max_shrink_iters: 2000, ..ProptestConfig::default() })]
    #[test]
    fn the_table_does_what_the_rules_say(acts in prop::collection::vec(act(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(play(acts))?;
    }
}
