//! Locks through the gate: whom they bind, whom their tokens serve, and what they do not give.

#![allow(clippy::unwrap_used)]

mod support;

use octroi_gate::{
    AclEdit, Area, Bind, Content, Depart, Describe, Description, FileAt, FolderAt, Identifier, InTheWay, Limits, List, LockFacts, LockFile,
    LockFolder, LockWish, MakeFolder, Mark, Read, Refusal, RemoveFolder, Rewrite, Session, ShareFolder, Unlink, When,
};
use octroi_model::{CollectionKind, LockScope, Rights, Service, UnixTime};
use std::time::Duration;
use support::{OWNER, SUBJECT, World, address, name, path, policy};

const EXCLUSIVE: LockWish<'_> = LockWish { scope: LockScope::Exclusive, deep: false, owner: None, time: None };

fn folder(at: &str) -> FolderAt {
    FolderAt { area: Area::Files, path: path(at) }
}

fn file(at: &str) -> FileAt {
    let (folder, name) = path(at).split_last().map(|(folder, name)| (folder, name.clone())).unwrap();
    FileAt { area: Area::Files, folder, name }
}

fn theirs(at: &str) -> String {
    format!("Shared/{OWNER}/{at}")
}

async fn make(session: &Session, at: &str) {
    let (above, name) = path(at).split_last().map(|(folder, name)| (folder, name.clone())).unwrap();
    let above = session.open(FolderAt { area: Area::Files, path: above }, MakeFolder).await.unwrap();
    above.make(&name, CollectionKind::Folder, Vec::new()).await.unwrap();
}

async fn put(session: &Session, at: &str) -> Result<(), Refusal> {
    match session.open(file(at), Rewrite).await {
        Ok(there) => there.replace(Content::document(b"two"), None, When::Unchanged).await.map(drop),
        Err(Refusal::Missing) => {
            let (above, name) = path(at).split_last().map(|(folder, name)| (folder, name.clone())).unwrap();
            let above = session.open(FolderAt { area: Area::Files, path: above }, Bind).await?;
            above.put(&name, Content::document(b"one"), None).await.map(drop)
        }
        Err(refusal) => Err(refusal),
    }
}

async fn lock(session: &Session, at: &str) -> Result<LockFacts, Refusal> {
    session.open(file(at), LockFile).await?.lock(EXCLUSIVE).await
}

struct Stage {
    world: World,
    owner: Session,
    subject: Session,
}

async fn stage() -> Stage {
    let world = World::new().await;
    let (owner, subject) = (world.session(OWNER, Service::Files).await, world.session(SUBJECT, Service::Files).await);
    make(&owner, "Plans").await;
    put(&owner, "Plans/a.txt").await.unwrap();
    Stage { world, owner, subject }
}

#[tokio::test]
async fn a_lock_binds_every_writer_and_its_token_serves_nobody_else() {
    let Stage { world: _world, owner, subject } = stage().await;
    let held = lock(&subject, &theirs("Plans/a.txt")).await.unwrap();
    let locked = Err(Refusal::Locked(held.id));
    // The owner of the tree too, and the holder without the token.
    for who in [&owner, &owner.holding(&[held.token])] {
        assert_eq!(put(who, "Plans/a.txt").await, locked);
        assert_eq!(who.open(file("Plans/a.txt"), Unlink).await.unwrap().remove(When::Anyhow).await, locked);
        assert_eq!(who.open(file("Plans/a.txt"), Mark).await.unwrap().mark(&[("$x", true)]).await, locked);
        assert_eq!(who.open(folder("Plans"), RemoveFolder).await.unwrap().remove().await, locked);
        let source = who.open(file("Plans/a.txt"), Depart).await.unwrap();
        let top = who.open(folder(""), Bind).await.unwrap();
        assert_eq!(top.move_file(&source, &name("b.txt"), &InTheWay::Nothing).await, locked);
        assert_eq!(who.lock_in_the_way(Area::Files, &path("Plans/a.txt")).await, Ok(Some(held.id)));
    }
    assert_eq!(put(&subject, &theirs("Plans/a.txt")).await, locked);
    // Reading and copying are free.
    let source = owner.open(file("Plans/a.txt"), Read).await.unwrap();
    owner.open(folder(""), Bind).await.unwrap().copy_file(&source, &name("copy.txt"), &InTheWay::Nothing).await.unwrap();
    assert_eq!(owner.locks_over(Area::Files, &path("copy.txt")).await.unwrap().len(), 0, "a copy is not locked");
    let holding = subject.holding(&[held.token]);
    put(&holding, &theirs("Plans/a.txt")).await.unwrap();
    assert_eq!(holding.lock_in_the_way(Area::Files, &path(&theirs("Plans/a.txt"))).await, Ok(None));
    // Told to who may read it, under the names of who asks.
    let told = owner.open(file("Plans/a.txt"), Read).await.unwrap().locks().unwrap();
    assert_eq!((told.len(), told[0].own), (1, false));
    assert_eq!(told[0].root, Some((Area::Files, path("Plans"), Some(name("a.txt")))));
    assert_eq!(held.root.unwrap().1, path(&theirs("Plans")));
}

#[tokio::test]
async fn a_token_is_needed_that_stands_until_the_commit() {
    let Stage { world, owner, subject } = stage().await;
    let held = lock(&subject, &theirs("Plans/a.txt")).await.unwrap();
    let holding = subject.holding(&[held.token]);
    // The owner may share, so the owner may break; that stands in the audit trail.
    owner.unlock(held.token, Area::Files, &path("Plans/a.txt")).await.unwrap();
    assert!(world.lines().await.iter().any(|line| line.entry.act == "lock break" && line.entry.subject.contains("Plans/a.txt")));
    assert_eq!(put(&holding, &theirs("Plans/a.txt")).await, Err(Refusal::Precondition));
    assert_eq!(owner.unlock(held.token, Area::Files, &path("Plans/a.txt")).await, Err(Refusal::NoSuchLock));
    // Another's resource is not covered by it.
    let held = lock(&subject, &theirs("Plans/a.txt")).await.unwrap();
    assert_eq!(subject.unlock(held.token, Area::Files, &path(&theirs("Plans"))).await, Err(Refusal::NoSuchLock));
    let held = subject.refresh_lock(held.token, Area::Files, &path(&theirs("Plans/a.txt")), Some(Duration::from_secs(5))).await.unwrap();
    assert!(held.left <= Duration::from_secs(5));
    assert_eq!(owner.refresh_lock(held.token, Area::Files, &path("Plans/a.txt"), None).await.unwrap_err(), Refusal::NoSuchLock);
    subject.unlock(held.token, Area::Files, &path(&theirs("Plans/a.txt"))).await.unwrap();
    put(&owner, "Plans/a.txt").await.unwrap();
}

/// PROPPATCH said that it was to be asked again, as if somebody else kept changing the document.
#[tokio::test]
async fn who_writes_under_a_lock_that_has_ended_is_told_so() {
    let Stage { world: _world, owner, subject } = stage().await;
    let held = lock(&subject, &theirs("Plans/a.txt")).await.unwrap();
    let holding = subject.holding(&[held.token]);
    owner.unlock(held.token, Area::Files, &path("Plans/a.txt")).await.unwrap();
    let there = holding.open(file(&theirs("Plans/a.txt")), Rewrite).await.unwrap();
    assert_eq!(there.replace(Content::document(b"two"), None, When::Anyhow).await, Err(Refusal::Precondition));
    let there = holding.open(file(&theirs("Plans/a.txt")), Unlink).await.unwrap();
    assert_eq!(there.remove(When::Anyhow).await, Err(Refusal::Precondition));
    let there = holding.open(file(&theirs("Plans/a.txt")), Describe).await.unwrap();
    let properties = vec![("{urn:x:}a".to_owned(), Some("<a xmlns=\"urn:x:\"/>".to_owned()))];
    assert_eq!(there.describe(&Description { properties, ..Description::default() }).await, Err(Refusal::Precondition));
}

#[tokio::test]
async fn locks_that_have_ended_go_with_time() {
    let Stage { world, owner, subject: _subject } = stage().await;
    let held = lock(&owner, "Plans/a.txt").await.unwrap();
    let end = UnixTime(UnixTime::now().0 + held.left.as_secs() as i64);
    assert_eq!(world.admin.sweep_locks(UnixTime(end.0 - 60)).await, 0);
    assert_eq!(world.admin.locks().len(), 1);
    assert_eq!(world.admin.sweep_locks(UnixTime(end.0 + 60)).await, 1);
    for _ in 0..100 {
        if world.admin.locks().is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it is there still");
}

#[tokio::test]
async fn a_lock_gives_no_rights_and_stops_no_withdrawal() {
    let Stage { world, owner, subject } = stage().await;
    let held = lock(&subject, &theirs("Plans/a.txt")).await.unwrap();
    let holding = subject.holding(&[held.token]);
    world.admin.replace_policy(policy(Rights::LOOKUP | Rights::READ)).await;
    assert!(matches!(put(&holding, &theirs("Plans/a.txt")).await, Err(Refusal::Forbidden(_))));
    let again = subject.refresh_lock(held.token, Area::Files, &path(&theirs("Plans/a.txt")), None).await;
    assert!(matches!(again, Err(Refusal::Forbidden(_))));
    assert!(matches!(lock(&subject, &theirs("Plans/a.txt")).await, Err(Refusal::Forbidden(_))));
    // One's own can always be given back.
    subject.unlock(held.token, Area::Files, &path(&theirs("Plans/a.txt"))).await.unwrap();
    world.admin.replace_policy(policy(Rights::ALL)).await;
    let wish = LockWish { deep: true, ..EXCLUSIVE };
    let held = subject.open(folder(&theirs("Plans")), LockFolder).await.unwrap().lock(wish).await.unwrap();
    let acl = owner.open(folder("Plans"), ShareFolder).await.unwrap();
    let withdrawn = acl.edit_acl(&Identifier::Account(address(SUBJECT)), AclEdit::Set(Rights::NONE)).await;
    assert_eq!(withdrawn, Err(Refusal::Locked(held.id)));
    world.admin.share(&address(OWNER), Area::Files, &path("Plans"), &[]).await.unwrap();
    world.admin.remove_account(&address(SUBJECT)).await.unwrap();
    put(&owner, "Plans/a.txt").await.unwrap();
    assert!(world.admin.locks().is_empty());
}

#[tokio::test]
async fn a_deep_lock_takes_that_all_below_may_be_written() {
    let Stage { world, owner, subject } = stage().await;
    make(&owner, "Plans/closed").await;
    let readers = [(Identifier::Account(address(SUBJECT)), Rights::LOOKUP | Rights::READ)];
    world.admin.share(&address(OWNER), Area::Files, &path("Plans/closed"), &readers).await.unwrap();
    let plans = subject.open(folder(&theirs("Plans")), LockFolder).await.unwrap();
    assert_eq!(plans.lock(LockWish { deep: true, ..EXCLUSIVE }).await.unwrap_err(), Refusal::Forbidden(Rights::WRITE));
    let flat = plans.lock(EXCLUSIVE).await.unwrap();
    // Members are told apart in a listing: the flat lock is on the collection alone.
    let listing = owner.open(folder("Plans"), List).await.unwrap();
    assert_eq!(listing.member_locks().of_folder(listing.sync_id()).len(), 1);
    let item = owner.open(file("Plans/a.txt"), Read).await.unwrap().item().clone();
    assert_eq!(listing.member_locks().of_item(&item).len(), 0);
    assert_eq!(put(&owner, "Plans/new.txt").await, Err(Refusal::Locked(flat.id)));
    assert_eq!(owner.lock_in_the_way(Area::Files, &path("Plans/new.txt")).await, Ok(Some(flat.id)));
    put(&owner, "Plans/a.txt").await.unwrap();
}

#[tokio::test]
async fn who_may_only_add_locks_a_new_name_and_fills_it() {
    let Stage { world, owner, subject } = stage().await;
    world.admin.replace_policy(policy(Rights::LOOKUP | Rights::INSERT)).await;
    let drop_folder = subject.open(folder(&theirs("Plans")), Bind).await.unwrap();
    let held = drop_folder.lock_new(&name("new.txt"), EXCLUSIVE).await.unwrap();
    assert_eq!(drop_folder.lock_new(&name("a.txt"), EXCLUSIVE).await.unwrap_err(), Refusal::Exists);
    assert_eq!(owner.open(file("Plans/new.txt"), Read).await.unwrap().item().bytes(), 0);
    // Not without the token, not what another made, and not twice.
    assert_eq!(drop_folder.fill(&name("new.txt"), Content::document(b"x"), None).await.unwrap_err(), Refusal::Locked(held.id));
    let with = subject.holding(&[held.token]).open(folder(&theirs("Plans")), Bind).await.unwrap();
    assert!(matches!(with.fill(&name("a.txt"), Content::document(b"x"), None).await, Err(Refusal::Forbidden(_))));
    with.fill(&name("new.txt"), Content::document(b"x"), None).await.unwrap();
    assert!(matches!(with.fill(&name("new.txt"), Content::document(b"y"), None).await, Err(Refusal::Forbidden(_))));
    // Who dropped it sees it, as what they put there in one step.
    assert_eq!(subject.open(file(&theirs("Plans/new.txt")), Read).await.unwrap().read(0, 9).await.unwrap(), b"x");
    let lines = world.admin.locks();
    assert_eq!((lines.len(), lines[0].account.clone()), (1, Some(address(SUBJECT))));
    world.admin.break_lock(held.token).await.unwrap();
    assert!(world.lines().await.iter().any(|line| line.entry.act == "lock break"));
    put(&owner, "Plans/new.txt").await.unwrap();
}

#[tokio::test]
async fn what_is_kept_aside_is_no_member() {
    let Stage { world: _world, owner, subject } = stage().await;
    let flat = owner.open(folder("Plans"), LockFolder).await.unwrap().lock(EXCLUSIVE).await.unwrap();
    // The first version of anything there is kept in a collection of its own.
    put(&subject, &theirs("Plans/a.txt")).await.unwrap();
    assert!(owner.open(folder("Plans/.versions"), List).await.is_ok(), "the version was kept");
    assert_eq!(put(&owner, "Plans/new.txt").await, Err(Refusal::Locked(flat.id)));
    let with = owner.holding(&[flat.token]);
    with.open(file("Plans/a.txt"), Unlink).await.unwrap().remove(When::Anyhow).await.unwrap();
}

#[tokio::test]
async fn locks_end_and_are_limited() {
    let limits = Limits { locks_per_account_max: 2, lock_time_max: Duration::from_secs(2), lock_owner_bytes_max: 10, ..Limits::default() };
    let world = World::with(&limits).await;
    let owner = world.session(OWNER, Service::Files).await;
    for at in ["a", "b", "c"] {
        put(&owner, at).await.unwrap();
    }
    let long = LockWish { owner: Some("<owner>Léa Martin</owner>"), ..EXCLUSIVE };
    assert!(matches!(owner.open(file("a"), LockFile).await.unwrap().lock(long).await, Err(Refusal::Limit(_))));
    let first = lock(&owner, "a").await.unwrap();
    assert!(first.left <= Duration::from_secs(2));
    assert!(matches!(lock(&owner, "a").await, Err(Refusal::LockConflict(id)) if id == first.id));
    lock(&owner, "b").await.unwrap();
    assert!(matches!(lock(&owner, "c").await, Err(Refusal::Limit(_))));
    tokio::time::sleep(Duration::from_millis(2100)).await;
    put(&owner, "a").await.unwrap();
    assert!(owner.holding(&[first.token]).lock_in_the_way(Area::Files, &path("a")).await.unwrap().is_none());
    lock(&owner, "c").await.unwrap();
    // What is over is taken out of the store, beside what goes on.
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(world.admin.break_lock(first.token).await, Err(Refusal::Missing));
    assert_eq!(world.admin.locks().len(), 1);
}
