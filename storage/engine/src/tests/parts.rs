//! The parts beside the commit itself: large contents, waking who waits, what may wait, memory, forgetting.

use super::world::{account, collection, commit, create, expunge, flag, item, name, open, put, uid_of, uids};
use crate::{Batch, Body, Change, CommitError, Embedded, Engine, Expect, Options, Part, Stage, TOMBSTONES_MAX};
use octroi_model::{
    AccountId, AuditEntry, AuditFrom, AuditLine, AuditQuery, AuditVia, CollectionId, CollectionKind, FlagEdit, Flags, ModSeq, Outcome,
    ScramKeys, Uid, UidSet, UnixTime,
};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const BOX: CollectionId = CollectionId(10);

async fn with_mailbox(dir: &Path, options: Options) -> Arc<Embedded> {
    let engine = Embedded::open(dir, options).await.unwrap();
    commit(&engine, create(collection(10, None, "INBOX", CollectionKind::Mailbox))).await.unwrap();
    engine
}

fn big_files(dir: &Path) -> usize {
    let names = std::fs::read_dir(dir.join("journal")).unwrap();
    names.filter(|entry| entry.as_ref().unwrap().path().extension().is_some_and(|ending| ending == "big")).count()
}

async fn staged(engine: &Embedded, octets: &[u8], header_bytes: usize) -> Body {
    let mut stage: Box<dyn Stage> = engine.stage().await.unwrap();
    for piece in octets.chunks(70_000) {
        stage.write(piece).await.unwrap();
    }
    stage.finish(Some(Box::new(move |octets| (octets[octets.len() - 20..].to_vec(), header_bytes)))).await.unwrap()
}

#[tokio::test]
async fn large_contents_have_a_file_of_their_own_for_as_long_as_they_are_needed() {
    let dir = tempfile::tempdir().unwrap();
    let engine = with_mailbox(dir.path(), Options::default()).await;
    let octets: Vec<u8> = (0..3_500_000u32).map(|n| (n / 7) as u8).collect();
    // One that is dropped, one whose batch is refused, one that is copied and then expunged.
    drop(staged(&engine, &octets, 0).await);
    let mut refused = Batch::new();
    let body = refused.body(staged(&engine, &octets, 0).await);
    refused.expect(Expect::Unchanged { collection: BOX, uid: Uid(77), modseq: ModSeq(0) }).put(BOX, item(Flags::NONE, None), body);
    assert_eq!(engine.commit(refused).await.unwrap_err(), CommitError::Expectation(0));
    let mut batch = Batch::new();
    let body = batch.body(staged(&engine, &octets, 1000).await);
    batch.put(BOX, item(Flags::NONE, None), body).put(BOX, item(Flags::SEEN, None), body);
    engine.commit(batch).await.unwrap();
    for _ in 0..2 {
        let view = engine.view(BOX).await.unwrap();
        let content = view.items().last().unwrap().content;
        let parts = [Part::Facts, Part::Header, Part::Range { offset: 2_000_000, bytes: 5000 }, Part::Whole];
        let read = engine.read(parts.into_iter().map(|part| (content, part)).collect()).await.unwrap();
        assert_eq!(read, [&octets[octets.len() - 20..], &octets[..1000], &octets[2_000_000..2_005_000], &octets[..]]);
        commit(&engine, expunge(10, uids(&[1]))).await.unwrap();
    }
    assert_eq!(engine.check().await.unwrap().faults, Vec::<String>::new());
    engine.close().await;
    let engine = open(dir.path()).await;
    assert_eq!(big_files(dir.path()), 1);
    commit(&engine, expunge(10, uids(&[2]))).await.unwrap();
    engine.close().await;
    open(dir.path()).await.close().await;
    assert_eq!(big_files(dir.path()), 0);
}

#[tokio::test]
async fn a_head_that_is_given_last_stands_first() {
    let dir = tempfile::tempdir().unwrap();
    let engine = with_mailbox(dir.path(), Options::default()).await;
    let head = b"Received: by us\r\n".repeat(50);
    let mut contents = Vec::new();
    for length in [0, 1000, 1 << 20, (1 << 20) + 1, 3_500_000] {
        let octets: Vec<u8> = (0..length).map(|n: u32| (n / 7) as u8).collect();
        let mut stage = engine.stage().await.unwrap();
        stage.expect_head();
        for piece in octets.chunks(70_000) {
            stage.write(piece).await.unwrap();
        }
        stage.head(head.clone());
        let whole = [head.as_slice(), &octets].concat();
        let seen = whole.clone();
        let describe = move |octets: &[u8]| {
            assert_eq!(octets, seen);
            (b"facts".to_vec(), 900)
        };
        let body = stage.finish(Some(Box::new(describe))).await.unwrap();
        assert_eq!((body.bytes(), body.hash()), (whole.len() as u64, Body::document(&whole).hash()), "{length}");
        let mut batch = Batch::new();
        let body = batch.body(body);
        batch.put(BOX, item(Flags::NONE, None), body);
        engine.commit(batch).await.unwrap();
        contents.push(whole);
    }
    assert_eq!(big_files(dir.path()), 2);
    let view = engine.view(BOX).await.unwrap();
    for (item, whole) in view.items().zip(&contents) {
        let parts = [Part::Facts, Part::Header, Part::Range { offset: 800, bytes: 5 }, Part::Whole];
        let read = engine.read(parts.into_iter().map(|part| (item.content, part)).collect()).await.unwrap();
        let header = &whole[..whole.len().min(900)];
        assert_eq!(read, [b"facts".as_slice(), header, &whole[800..805], whole]);
    }
    assert_eq!(engine.check().await.unwrap().faults, Vec::<String>::new());
    let mut stage = engine.stage().await.unwrap();
    stage.expect_head();
    stage.head(vec![0; crate::HEAD_BYTES_MAX + 1]);
    assert!(stage.finish(None).await.is_err());
}

/// What lies beyond the first 8 MiB is written past the system's cache, but for the end that fills no page.
#[tokio::test]
async fn very_large_contents_come_back_as_they_were() {
    let dir = tempfile::tempdir().unwrap();
    let engine = with_mailbox(dir.path(), Options::default()).await;
    let octets: Vec<u8> = (0..(11_u32 << 20) + 4321).map(|n| (n / 11) as u8).collect();
    let mut batch = Batch::new();
    for head in [&b""[..], b"Received: by us\r\n"] {
        let mut stage = engine.stage().await.unwrap();
        if !head.is_empty() {
            stage.expect_head();
            stage.head(head.to_vec());
        }
        for piece in octets.chunks(777_777) {
            stage.write(piece).await.unwrap();
        }
        let body = stage.finish(None).await.unwrap();
        assert_eq!(body.hash(), Body::document(&[head, &octets].concat()).hash());
        let body = batch.body(body);
        batch.put(BOX, item(Flags::NONE, None), body);
    }
    engine.commit(batch).await.unwrap();
    let contents: Vec<_> = engine.view(BOX).await.unwrap().items().map(|item| (item.content, Part::Whole)).collect();
    let read = engine.read(contents).await.unwrap();
    assert!(read[0] == octets && read[1].strip_prefix(b"Received: by us\r\n") == Some(&octets));
    assert_eq!(engine.check().await.unwrap().faults, Vec::<String>::new());
}

#[tokio::test]
async fn small_staged_contents_go_through_the_journal() {
    let dir = tempfile::tempdir().unwrap();
    let engine = with_mailbox(dir.path(), Options::default()).await;
    let octets = b"Subject: x\r\n\r\n".repeat(3000);
    let body = staged(&engine, &octets, 14).await;
    assert_eq!((body.bytes(), body.hash()), (octets.len() as u64, Body::document(&octets).hash()));
    let mut batch = Batch::new();
    let body = batch.body(body);
    batch.put(BOX, item(Flags::NONE, None), body);
    engine.commit(batch).await.unwrap();
    assert_eq!(big_files(dir.path()), 0);
    let content = engine.view(BOX).await.unwrap().at(0).unwrap().content;
    assert!(content.body_stored < 5000);
    assert_eq!(engine.read(vec![(content, Part::Whole)]).await.unwrap(), [octets]);
}

#[tokio::test]
async fn who_waits_is_woken() {
    let dir = tempfile::tempdir().unwrap();
    let engine = with_mailbox(dir.path(), Options::default()).await;
    let mut inbox = engine.watch(BOX);
    let mut generation = engine.watch_generation();
    put(&engine, 10, None, b"x").await.unwrap();
    tokio::time::timeout(Duration::from_secs(5), inbox.changed()).await.unwrap().unwrap();
    assert_eq!(*inbox.borrow_and_update(), ModSeq(2));
    assert!(!generation.has_changed().unwrap());
    commit(&engine, Change::SetAcl { collection: BOX, acl: Some(vec![]) }).await.unwrap();
    assert!(generation.has_changed().unwrap());
    generation.borrow_and_update();
    assert_eq!(engine.shared().len(), 1);
    commit(&engine, Change::RemoveCollection { collection: BOX, parent_head: None }).await.unwrap();
    // Closed: what was watched is gone.
    assert!(inbox.changed().await.is_err());
    assert!(engine.watch(BOX).changed().await.is_err());
}

#[tokio::test]
async fn what_may_wait_comes_soon_and_newest_first() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path()).await;
    let line = |act: &str, account: Option<u64>| {
        Change::Log(AuditLine {
            number: 0,
            link: [0; 32],
            entry: AuditEntry {
                at: UnixTime(1),
                account: account.map(AccountId),
                act: act.into(),
                subject: String::new(),
                peer: String::new(),
                outcome: Outcome::Done,
                reason: String::new(),
            },
            via: AuditVia::default(),
        })
    };
    let wanted = |from, account: Option<u64>, lines_max| AuditQuery { account: account.map(AccountId), from, lines_max };
    let newest = |lines_max| wanted(AuditFrom::Newest, None, lines_max);
    for act in ["one", "two", "three"] {
        let mut batch = Batch::new();
        batch.push(line(act, None));
        engine.commit_later(batch).await;
    }
    let mut waited = 0;
    while engine.audit(newest(10)).await.unwrap().len() < 3 {
        waited += 1;
        assert!(waited < 200, "still not there after two seconds");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    commit(&engine, line("four", Some(7))).await.unwrap();
    for _ in 0..2 {
        let acts: Vec<String> = engine.audit(newest(3)).await.unwrap().into_iter().map(|line| line.entry.act).collect();
        assert_eq!(acts, ["four", "three", "two"]);
        let numbers = |lines: Vec<AuditLine>| lines.into_iter().map(|line| line.number).collect::<Vec<_>>();
        assert_eq!(numbers(engine.audit(wanted(AuditFrom::Before(4), None, 2)).await.unwrap()), [3, 2]);
        assert_eq!(numbers(engine.audit(wanted(AuditFrom::After(1), None, 2)).await.unwrap()), [2, 3]);
        assert_eq!(numbers(engine.audit(wanted(AuditFrom::Newest, Some(7), 9)).await.unwrap()), [4]);
        let all = engine.audit(wanted(AuditFrom::After(0), None, 9)).await.unwrap();
        assert_eq!(crate::verify_trail(crate::Trail::default(), &all), Ok(engine.trail()));
        assert!(engine.check().await.unwrap().faults.is_empty());
    }
    engine.close().await;
    let again = open(dir.path()).await;
    commit(&again, line("five", None)).await.unwrap();
    let all = again.audit(wanted(AuditFrom::After(0), None, 9)).await.unwrap();
    assert_eq!(crate::verify_trail(crate::Trail::default(), &all).unwrap().number, 5);
}

#[tokio::test]
async fn a_close_takes_along_what_may_wait() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path()).await;
    commit(&engine, Change::CreateAccount(account(engine.new_id(), "a@douane.example"))).await.unwrap();
    let id = engine.accounts()[0].id;
    let mut batch = Batch::new();
    batch.push(Change::Subscribe { account: id, mailbox: "Sent".into(), subscribed: true });
    engine.commit_later(batch).await;
    engine.close().await;
    let engine = open(dir.path()).await;
    assert_eq!(engine.account(id).unwrap().subscriptions, ["Sent"]);
    assert!(engine.new_id() > id.0);
}

#[tokio::test]
async fn views_that_nobody_holds_make_room() {
    let dir = tempfile::tempdir().unwrap();
    let engine = with_mailbox(dir.path(), Options { view_items_max: 10, ..Options::default() }).await;
    for id in 11..15 {
        commit(&engine, create(collection(id, None, &format!("b{id}"), CollectionKind::Mailbox))).await.unwrap();
        for _ in 0..4 {
            put(&engine, id, None, b"x").await.unwrap();
        }
    }
    let held = engine.view(CollectionId(11)).await.unwrap();
    for id in 12..15 {
        engine.view(CollectionId(id)).await.unwrap();
    }
    let loaded = engine.loaded();
    assert!(loaded.contains(&CollectionId(11)) && loaded.contains(&CollectionId(14)), "{loaded:?}");
    assert!(!loaded.contains(&CollectionId(12)), "{loaded:?}");
    // What was held did not change under its holder; who asks anew sees all.
    put(&engine, 11, None, b"new").await.unwrap();
    assert_eq!((held.len(), engine.view(CollectionId(11)).await.unwrap().len()), (4, 5));
}

#[tokio::test]
async fn views_that_nobody_looks_at_are_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let engine = with_mailbox(dir.path(), Options { view_idle: Duration::from_millis(20), ..Options::default() }).await;
    commit(&engine, create(collection(11, None, "b11", CollectionKind::Mailbox))).await.unwrap();
    for id in [10, 11] {
        put(&engine, id, None, b"x").await.unwrap();
    }
    let held = engine.view(BOX).await.unwrap();
    let kept = held.companion().get_or_insert(|| 1_u8);
    engine.view(CollectionId(11)).await.unwrap();
    // One that is held stays, but what is kept beside it and not used goes.
    while engine.loaded() != [BOX] || Arc::strong_count(&kept) > 1 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // They come back as they were.
    put(&engine, 11, None, b"y").await.unwrap();
    assert_eq!((held.len(), engine.view(CollectionId(11)).await.unwrap().len()), (1, 2));
    assert_eq!(*held.companion().get_or_insert(|| 2_u8), 2);
}

/// What is kept beside a view lives as long as the view, is the same for all its snapshots, and counts as memory.
#[tokio::test]
async fn what_is_kept_beside_a_view_goes_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let engine = with_mailbox(dir.path(), Options { view_items_max: 10, ..Options::default() }).await;
    commit(&engine, create(collection(11, None, "b11", CollectionKind::Mailbox))).await.unwrap();
    put(&engine, 10, None, b"x").await.unwrap();
    let old = engine.view(BOX).await.unwrap();
    let kept = old.companion().get_or_insert(|| 1_u8);
    put(&engine, 10, None, b"y").await.unwrap();
    let new = engine.view(BOX).await.unwrap();
    assert_eq!((old.len(), new.len()), (1, 2));
    assert!(std::sync::Arc::ptr_eq(&kept, &new.companion().get_or_insert(|| 2_u8)));
    // A view that is held stays; what is kept beside it goes when it is too much.
    new.companion().weigh(&kept, 1 << 20);
    put(&engine, 11, None, b"z").await.unwrap();
    assert_eq!(*engine.view(BOX).await.unwrap().companion().get_or_insert(|| 3_u8), 3);
    drop((old, new));
    engine.forget_views();
    assert_eq!(*engine.view(BOX).await.unwrap().companion().get_or_insert(|| 4_u8), 4);
}

#[tokio::test]
async fn too_many_tombstones_are_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let engine = with_mailbox(dir.path(), Options::default()).await;
    let count = TOMBSTONES_MAX as u32 + 500;
    for _ in 0..count.div_ceil(8000) {
        let mut batch = Batch::new();
        let body = batch.body(Body::document(b"x"));
        for _ in 0..8000 {
            batch.put(BOX, item(Flags::NONE, None), body);
        }
        engine.commit(batch).await.unwrap();
    }
    let step = count / 10;
    for round in 0..10 {
        let from = Uid(round * step + 1);
        commit(&engine, expunge(10, UidSet::from_ranges([(from, Uid(from.0 + step - 1))]))).await.unwrap();
    }
    commit(&engine, expunge(10, UidSet::from_ranges([(Uid(10 * step + 1), Uid(u32::MAX))]))).await.unwrap();
    let head = engine.collection(BOX).unwrap().head;
    assert_eq!(head.items, 0);
    for _ in 0..2 {
        let view = engine.view(BOX).await.unwrap();
        assert_eq!(view.vanished_since(ModSeq(1)), None);
        let last = view.vanished_since(ModSeq(head.modseq.0 - 3)).unwrap();
        assert!(last.len() >= 2 * step as usize && last.len() < TOMBSTONES_MAX);
        assert!(last.is_sorted_by_key(|tombstone| tombstone.modseq));
        assert_eq!(engine.check().await.unwrap().faults, Vec::<String>::new());
        engine.forget_views();
    }
}

/// A large view takes longer to read than the index takes to move on: it must be loaded all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_view_is_loaded_while_others_write() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { backlog_changes_max: 50, ..Options::default() };
    let engine = with_mailbox(dir.path(), options).await;
    let mut batch = Batch::new();
    let body = batch.body(Body::document(b"x"));
    for _ in 0..20_000 {
        batch.put(BOX, item(Flags::NONE, None), body);
    }
    engine.commit(batch).await.unwrap();
    let writer = engine.clone();
    let writing = tokio::spawn(async move {
        for _ in 0..300 {
            put(&writer, 10, None, b"y").await.unwrap();
        }
    });
    let mut loads = 0;
    while !writing.is_finished() {
        engine.forget_views();
        let view = tokio::time::timeout(Duration::from_secs(20), engine.view(BOX)).await.unwrap().unwrap();
        assert_eq!(view.items().count(), view.len());
        loads += 1;
    }
    writing.await.unwrap();
    assert!(loads > 1);
    assert_eq!(engine.view(BOX).await.unwrap().len(), 20_300);
}

/// Flags and deliveries from many sides at once: each is answered with what it did, and the counters stay right.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_sessions_share_one_mailbox() {
    let dir = tempfile::tempdir().unwrap();
    let engine = with_mailbox(dir.path(), Options::default()).await;
    let mut sessions = Vec::new();
    for session in 0..12u64 {
        let engine = engine.clone();
        sessions.push(tokio::spawn(async move {
            for round in 0..30u64 {
                let uid = put(&engine, 10, None, &[session as u8; 50]).await.unwrap();
                commit(&engine, flag(10, UidSet::from_uids([uid]), FlagEdit::add(Flags::SEEN))).await.unwrap();
                if round % 3 == 0 {
                    let receipt = commit(&engine, expunge(10, UidSet::from_uids([uid]))).await.unwrap();
                    let Change::Expunge { uids, .. } = &receipt.changes[0] else { panic!() };
                    assert_eq!(*uids, UidSet::from_uids([uid]));
                }
            }
        }));
    }
    for session in sessions {
        session.await.unwrap();
    }
    let head = engine.collection(BOX).unwrap().head;
    assert_eq!((head.items, head.unseen, head.uid_next), (240, 0, Uid(361)));
    assert_eq!(head.modseq, ModSeq(1 + 360 * 2 + 120));
    assert_eq!(engine.check().await.unwrap().faults, Vec::<String>::new());
}

#[tokio::test]
async fn an_account_goes_with_its_app_passwords() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path()).await;
    commit(&engine, Change::CreateAccount(account(7, "lea@douane.example"))).await.unwrap();
    let twin = commit(&engine, Change::CreateAccount(account(8, "Lea+x@douane.example"))).await;
    assert_eq!(twin.unwrap_err(), CommitError::Exists);
    let mut owned = collection(30, None, "mail", CollectionKind::MailHome);
    owned.owner = AccountId(7);
    commit(&engine, create(owned)).await.unwrap();
    commit(&engine, Change::Mint(super::golden::app_password())).await.unwrap();
    commit(&engine, Change::Confirm(super::golden::confirmation())).await.unwrap();
    assert_eq!(commit(&engine, Change::RemoveAccount(AccountId(7))).await.unwrap_err(), CommitError::NotEmpty);
    commit(&engine, Change::SetTotp { account: AccountId(7), sealed_secret: Some(vec![1]) }).await.unwrap();
    let step = |step| Change::UseTotpStep { account: AccountId(7), step };
    commit(&engine, step(5)).await.unwrap();
    assert_eq!(commit(&engine, step(5)).await.unwrap_err(), CommitError::Replayed);
    engine.close().await;
    let engine = open(dir.path()).await;
    assert_eq!(commit(&engine, step(4)).await.unwrap_err(), CommitError::Replayed);
    let app_password = super::golden::app_password();
    assert_eq!(*engine.app_password(&app_password.public_id).unwrap(), app_password);
    assert!(engine.confirmation(app_password.id, "192.0.2.0/24").is_some());
    let mut batch = Batch::new();
    batch.push(Change::RemoveCollection { collection: CollectionId(30), parent_head: None });
    batch.push(Change::RemoveAccount(AccountId(7)));
    engine.commit(batch).await.unwrap();
    for _ in 0..2 {
        assert!(engine.accounts().is_empty() && engine.app_password(&app_password.public_id).is_none());
        assert!(engine.confirmation(app_password.id, "192.0.2.0/24").is_none() && engine.homes(AccountId(7)).is_empty());
        assert_eq!(engine.check().await.unwrap().faults, Vec::<String>::new());
    }
}

/// What SCRAM proves an app password by is found by its account, from the journal and from the index alike, and goes with it.
#[tokio::test]
async fn scram_keys_go_with_their_app_password() {
    let dir = tempfile::tempdir().unwrap();
    let mut engine = open(dir.path()).await;
    let keys = |octet| ScramKeys { sealed: vec![octet; 8] };
    let app_password = super::golden::app_password();
    let keep = |octet| Change::KeepScram { id: app_password.id, keys: keys(octet) };
    assert_eq!(commit(&engine, keep(1)).await.unwrap_err(), CommitError::Gone);
    commit(&engine, Change::CreateAccount(account(7, "lea@douane.example"))).await.unwrap();
    let mut batch = Batch::new();
    batch.push(Change::Mint(app_password.clone()));
    batch.push(keep(1));
    engine.commit(batch).await.unwrap();
    commit(&engine, keep(2)).await.unwrap();
    for index_lost in [false, true] {
        assert!(engine.scram_keys(AccountId(8)).is_empty());
        assert_eq!(*engine.scram_keys(AccountId(7)), [(app_password.public_id.clone(), Arc::new(keys(2)))].into());
        assert_eq!(engine.check().await.unwrap().faults, Vec::<String>::new());
        engine.close().await;
        if index_lost {
            crate::index::Index::remove(&dir.path().join("index.sqlite")).unwrap();
        }
        engine = open(dir.path()).await;
    }
    assert_eq!(engine.scram_keys(AccountId(7)).len(), 1);
    commit(&engine, Change::Revoke(app_password.id)).await.unwrap();
    assert!(engine.scram_keys(AccountId(7)).is_empty());
    engine.close().await;
    assert!(open(dir.path()).await.scram_keys(AccountId(7)).is_empty());
}

/// Batches of one group see what the earlier ones of it do: of many who want to be the first, one is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_put_one_name_one_makes_it() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path()).await;
    commit(&engine, create(collection(1, None, "Files", CollectionKind::Folder))).await.unwrap();
    for round in 0..5u32 {
        let text = format!("f{round}");
        let mut sessions = Vec::new();
        for session in 0..24u8 {
            let (engine, text) = (engine.clone(), text.clone());
            sessions.push(tokio::spawn(async move {
                let mut batch = Batch::new();
                if session % 2 == 0 {
                    batch.expect(Expect::Absent { collection: CollectionId(1), name: name(&text) });
                }
                let body = batch.body(Body::document(&[session; 10]));
                batch.put(CollectionId(1), item(Flags::NONE, Some(&text)), body);
                (session % 2 == 0, engine.commit(batch).await)
            }));
        }
        let (mut firsts, mut uids) = (0, std::collections::BTreeSet::new());
        for session in sessions {
            match session.await.unwrap() {
                (first, Ok(receipt)) => {
                    firsts += u32::from(first);
                    uids.insert(uid_of(&receipt));
                }
                (_, Err(error)) => assert_eq!(error, CommitError::Expectation(0)),
            }
        }
        assert!(firsts <= 1 && uids.len() == 1, "{firsts} made it, uids {uids:?}");
        assert_eq!(engine.collection(CollectionId(1)).unwrap().head.items, round + 1);
    }
    assert_eq!(engine.check().await.unwrap().faults, Vec::<String>::new());
}
