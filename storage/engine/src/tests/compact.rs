//! Compaction: what was deleted is in no file any more, what is needed stays, whatever happens meanwhile.

use super::simdisk::{Dice, SimDisk};
use super::world::{collection, commit, create, expunge, item, put, uid_of, uids};
use crate::compact::Pass;
use crate::disk::Disk;
use crate::{Batch, Body, Change, CommitError, Embedded, Engine, Extractor, Options, Part, Piece, ReadError, View};
use octroi_model::{CollectionId, CollectionKind, Flags, Head, Uid};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const BOX: CollectionId = CollectionId(10);
const OTHER: CollectionId = CollectionId(11);

fn options() -> Options {
    Options { segment_bytes_max: 4000, compact_interval: Duration::ZERO, ..Options::default() }
}

async fn open(dir: &Path, disk: &SimDisk) -> Arc<Embedded> {
    Embedded::open_on(dir, Arc::new(disk.clone()), options(), None).await.unwrap()
}

/// Octets that can be found again in a file: they do not shrink.
fn octets(round: u64) -> Vec<u8> {
    Dice(round).octets(300)
}

/// Two mailboxes, one with so many messages.
async fn filled(dir: &Path, disk: &SimDisk, messages: u64) -> Arc<Embedded> {
    let engine = open(dir, disk).await;
    commit(&engine, create(collection(10, None, "INBOX", CollectionKind::Mailbox))).await.unwrap();
    commit(&engine, create(collection(11, None, "Other", CollectionKind::Mailbox))).await.unwrap();
    for round in 0..messages {
        put(&engine, 10, None, &octets(round)).await.unwrap();
    }
    engine
}

fn in_some_file(disk: &SimDisk, octets: &[u8]) -> bool {
    disk.list().unwrap().iter().any(|name| {
        let mut found = false;
        disk.look(name, |file| found = memchr::memmem::find(file, octets).is_some());
        found
    })
}

async fn compact(engine: &Embedded) -> crate::Compacted {
    engine.compact(true, Arc::new(|_| ())).await.unwrap()
}

async fn read(engine: &Embedded, id: CollectionId) -> Result<Vec<Vec<u8>>, ReadError> {
    let view = engine.view(id).await?;
    engine.read(view.items().map(|item| (item.content, Part::Whole)).collect()).await
}

/// Copy what an old view knows, as COPY does.
async fn copy(engine: &Embedded, from: &View, uid: u32) -> Result<Uid, CommitError> {
    let mut batch = Batch::new();
    let item = from.by_uid(Uid(uid)).unwrap().clone();
    batch.push(Change::Put { collection: OTHER, item, head: Head::default() });
    engine.commit(batch).await.map(|receipt| uid_of(&receipt))
}

async fn sound(engine: &Embedded) {
    assert_eq!(engine.check().await.unwrap().faults, Vec::<String>::new());
}

#[tokio::test]
async fn what_was_deleted_is_in_no_file_any_more() {
    let dir = tempfile::tempdir().unwrap();
    let disk = SimDisk::default();
    let mut engine = filled(dir.path(), &disk, 40).await;
    let old = engine.view(BOX).await.unwrap();
    copy(&engine, &old, 5).await.unwrap();
    let mut gone: BTreeSet<u64> = BTreeSet::new();
    // Again and again, the second time of what was compacted before, in the end with nothing left.
    for (round, step) in [3, 2, 1].into_iter().enumerate() {
        let doomed: Vec<u32> = (1..=40).filter(|uid| uid % step == 0).collect();
        gone.extend(doomed.iter().map(|uid| u64::from(*uid) - 1));
        commit(&engine, expunge(10, uids(&doomed))).await.unwrap();
        assert!(in_some_file(&disk, &octets(u64::from(doomed[0]) - 1)) || round > 0);
        let before = disk.bytes_used();
        let done = compact(&engine).await;
        assert!(done.segments > 0 && done.skipped.is_empty(), "{done:?}");
        assert_eq!(before - disk.bytes_used() >= 300 * 10, round < 2 || before - disk.bytes_used() >= 3000);
        for message in 0..40 {
            // One was copied: it stays for the other mailbox.
            let there = !gone.contains(&message) || message == 4;
            assert_eq!(in_some_file(&disk, &octets(message)), there, "message {message} in round {round}");
        }
        assert_eq!(read(&engine, OTHER).await.unwrap(), [octets(4)]);
        let meant: Vec<_> = (0..40).filter(|message| !gone.contains(message)).map(octets).collect();
        assert_eq!(read(&engine, BOX).await.unwrap(), meant);
        let erased = old.by_uid(Uid(doomed[0])).unwrap().content;
        assert_eq!(engine.read(vec![(erased, Part::Whole)]).await.unwrap_err(), ReadError::Gone);
        assert_eq!(copy(&engine, &old, doomed[0]).await.unwrap_err(), CommitError::Gone);
        sound(&engine).await;
        assert_eq!(compact(&engine).await.segments, 0, "nothing is left to do");
        engine.close().await;
        if round == 1 {
            crate::index::Index::remove(&dir.path().join("index.sqlite")).unwrap();
        }
        engine = open(dir.path(), &disk).await;
        sound(&engine).await;
        assert_eq!(read(&engine, BOX).await.unwrap(), meant);
    }
    engine.close().await;
}

/// An empty content stands nowhere, so also not in front of a gap.
#[tokio::test]
async fn an_empty_content_before_a_gap_is_whole() {
    let dir = tempfile::tempdir().unwrap();
    let disk = SimDisk::default();
    let engine = filled(dir.path(), &disk, 0).await;
    let mut batch = Batch::new();
    for octets in [Vec::new(), octets(1), octets(2)] {
        let body = batch.body(Body::document(&octets));
        batch.put(BOX, item(Flags::NONE, None), body);
    }
    engine.commit(batch).await.unwrap();
    commit(&engine, expunge(10, uids(&[2]))).await.unwrap();
    assert_eq!(compact(&engine).await.segments, 1);
    assert!(!in_some_file(&disk, &octets(1)));
    assert_eq!(read(&engine, BOX).await.unwrap(), [Vec::new(), octets(2)]);
    sound(&engine).await;
    engine.close().await;
    crate::index::Index::remove(&dir.path().join("index.sqlite")).unwrap();
    let engine = open(dir.path(), &disk).await;
    sound(&engine).await;
    engine.close().await;
}

/// A message that was copied from an old view after it was expunged: either the copy is refused or it can be read, at whichever step of a
/// pass it comes.
#[tokio::test]
async fn a_copy_of_what_is_gone_is_refused_or_whole() {
    let (mut copied, mut refused) = (0, 0);
    for at in 0.. {
        let dir = tempfile::tempdir().unwrap();
        let disk = SimDisk::default();
        let engine = filled(dir.path(), &disk, 30).await;
        let old = engine.view(BOX).await.unwrap();
        commit(&engine, expunge(10, uids(&(2..=30).collect::<Vec<_>>()))).await.unwrap();
        let mut pass = engine.pass(true).await.unwrap().with_entries_max(if at % 2 == 0 { 1000 } else { 2 });
        let mut steps = 0;
        let mut more = true;
        while more && steps < at {
            more = pass.step().await.unwrap();
            steps += 1;
        }
        let outcome = copy(&engine, &old, 7).await;
        while more {
            more = pass.step().await.unwrap();
        }
        drop(pass);
        match &outcome {
            Ok(_) => copied += 1,
            Err(error) => {
                assert_eq!(*error, CommitError::Gone);
                refused += 1;
            }
        }
        let meant = if outcome.is_ok() { vec![octets(6)] } else { vec![] };
        assert_eq!(read(&engine, OTHER).await.unwrap(), meant, "copied at step {at}");
        assert_eq!(read(&engine, BOX).await.unwrap(), [octets(0)]);
        sound(&engine).await;
        engine.close().await;
        if steps < at {
            break;
        }
    }
    assert!(copied > 3 && refused > 3, "{copied} copies and {refused} refusals");
}

async fn staged(engine: &Embedded, fill: u8) -> Body {
    let mut stage = engine.stage().await.unwrap();
    stage.write(&vec![fill; 2 << 20]).await.unwrap();
    stage.finish(None).await.unwrap()
}

fn large_files(disk: &SimDisk) -> usize {
    disk.list().unwrap().iter().filter(|name| is(name, ".big")).count()
}

#[tokio::test]
async fn large_contents_go_when_nothing_refers_to_them_and_not_before() {
    let dir = tempfile::tempdir().unwrap();
    let disk = SimDisk::default();
    let engine = filled(dir.path(), &disk, 1).await;
    for fill in [1, 2] {
        let mut batch = Batch::new();
        let body = batch.body(staged(&engine, fill).await);
        batch.put(BOX, item(Flags::NONE, None), body);
        engine.commit(batch).await.unwrap();
    }
    let old = engine.view(BOX).await.unwrap();
    commit(&engine, expunge(10, uids(&[2]))).await.unwrap();
    // One waits for its commit; one is still being written.
    let waiting = staged(&engine, 3).await;
    let mut stage = engine.stage().await.unwrap();
    stage.write(&vec![4; 2 << 20]).await.unwrap();
    assert_eq!(large_files(&disk), 4);
    assert_eq!(compact(&engine).await.large, 1);
    assert_eq!(large_files(&disk), 3);
    assert_eq!(copy(&engine, &old, 2).await.unwrap_err(), CommitError::Gone);
    assert_eq!(engine.read(vec![(old.by_uid(Uid(2)).unwrap().content, Part::Whole)]).await.unwrap_err(), ReadError::Gone);
    let mut batch = Batch::new();
    let (one, two) = (batch.body(waiting), batch.body(stage.finish(None).await.unwrap()));
    batch.put(BOX, item(Flags::NONE, None), one).put(BOX, item(Flags::NONE, None), two);
    engine.commit(batch).await.unwrap();
    // One that is copied before the pass has settled stays.
    commit(&engine, expunge(10, uids(&[3]))).await.unwrap();
    let pass = engine.pass(true).await.unwrap();
    copy(&engine, &old, 3).await.unwrap();
    finish(pass).await;
    assert_eq!(large_files(&disk), 3);
    sound(&engine).await;
    engine.close().await;
}

async fn finish(mut pass: Pass) {
    while pass.step().await.unwrap() {}
}

#[tokio::test]
async fn a_pass_that_is_given_up_leaves_nothing_behind() {
    for at in 0.. {
        let dir = tempfile::tempdir().unwrap();
        let disk = SimDisk::default();
        let engine = filled(dir.path(), &disk, 20).await;
        commit(&engine, expunge(10, uids(&[1, 2, 3, 12]))).await.unwrap();
        let mut pass = engine.pass(true).await.unwrap();
        let mut more = true;
        for _ in 0..at {
            more = more && pass.step().await.unwrap();
        }
        drop(pass);
        assert!(disk.list().unwrap().iter().all(|name| !is(name, ".new")), "after step {at}");
        sound(&engine).await;
        // And the next one does it.
        compact(&engine).await;
        assert!(!in_some_file(&disk, &octets(1)));
        engine.close().await;
        if !more {
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_ends_a_pass() {
    let dir = tempfile::tempdir().unwrap();
    let disk = SimDisk::default();
    let engine = filled(dir.path(), &disk, 60).await;
    commit(&engine, expunge(10, uids(&(2..60).collect::<Vec<_>>()))).await.unwrap();
    let (running, began) = (engine.clone(), Arc::new(tokio::sync::Notify::new()));
    let notify = began.clone();
    let pass = tokio::spawn(async move { running.compact(true, Arc::new(move |_| notify.notify_one())).await });
    began.notified().await;
    engine.close().await;
    // It may just have come to its end.
    if let Err(error) = pass.await.unwrap() {
        assert_eq!(error, ReadError::Storage("the store is closing".into()));
    }
    assert!(matches!(engine.compact(true, Arc::new(|_| ())).await, Err(ReadError::Storage(_))));
    let engine = open(dir.path(), &disk).await;
    sound(&engine).await;
    assert_eq!(read(&engine, BOX).await.unwrap(), [octets(0), octets(59)]);
    engine.close().await;
}

/// The rules of the background: what is mostly dead is written anew, what is not waits until its time is over.
#[tokio::test]
async fn a_segment_is_left_until_it_is_mostly_dead_or_too_old() {
    let dir = tempfile::tempdir().unwrap();
    let disk = SimDisk::default();
    let engine = filled(dir.path(), &disk, 30).await;
    let routine = |engine: Arc<Embedded>| async move { engine.compact(false, Arc::new(|_| ())).await.unwrap().segments };
    commit(&engine, expunge(10, uids(&[2]))).await.unwrap();
    assert_eq!(routine(engine.clone()).await, 0);
    assert!(in_some_file(&disk, &octets(1)));
    let stat = engine.stat().await.unwrap();
    assert!(stat.compacted_at.is_some() && stat.segments.last().unwrap().is_open);
    assert_eq!(stat.segments.iter().filter(|segment| segment.dead_bytes > Some(0)).count(), 1, "{stat:?}");
    commit(&engine, expunge(10, uids(&(3..10).collect::<Vec<_>>()))).await.unwrap();
    assert!(routine(engine.clone()).await > 0);
    assert!(!in_some_file(&disk, &octets(1)));
    commit(&engine, expunge(10, uids(&[20]))).await.unwrap();
    assert_eq!(routine(engine.clone()).await, 0);
    engine.close().await;
    // With no time at all, it goes at once, and so does what lies in the segment that is open.
    let hasty = Options { erase_after: Duration::ZERO, ..options() };
    let engine = Embedded::open_on(dir.path(), Arc::new(disk.clone()), hasty, None).await.unwrap();
    put(&engine, 10, None, &octets(77)).await.unwrap();
    commit(&engine, expunge(10, uids(&[31]))).await.unwrap();
    assert!(routine(engine.clone()).await > 0);
    assert!(!in_some_file(&disk, &octets(19)) && !in_some_file(&disk, &octets(77)));
    sound(&engine).await;
    engine.close().await;
}

/// The words of what was deleted leave the search index in the pass that gives its space back.
#[tokio::test]
async fn the_search_index_forgets_what_is_given_back() {
    let dir = tempfile::tempdir().unwrap();
    let extractor = Extractor::new(|octets, _, show| show(Piece::Body(&String::from_utf8_lossy(octets))));
    let engine = Embedded::open(dir.path(), Options { extractor: Some(extractor), ..options() }).await.unwrap();
    commit(&engine, create(collection(10, None, "INBOX", CollectionKind::Mailbox))).await.unwrap();
    for word in ["embargo", "quota", "tariff"] {
        put(&engine, 10, None, word.as_bytes()).await.unwrap();
    }
    let known = async || engine.search_progress().unwrap().indexed;
    while known().await < 3 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    commit(&engine, expunge(10, uids(&[1, 2]))).await.unwrap();
    compact(&engine).await;
    assert_eq!(engine.sweep_search().await, Ok(0), "the pass has done it already");
    engine.close().await;
}

/// An empty document has no octets, but its place may be given back with what stood beside it.
#[tokio::test]
async fn an_empty_document_survives() {
    let dir = tempfile::tempdir().unwrap();
    let disk = SimDisk::default();
    let engine = filled(dir.path(), &disk, 3).await;
    put(&engine, 10, None, b"").await.unwrap();
    for round in 0..20 {
        put(&engine, 10, None, &octets(100 + round)).await.unwrap();
    }
    commit(&engine, expunge(10, uids(&(5..30).collect::<Vec<_>>()))).await.unwrap();
    compact(&engine).await;
    let old = engine.view(BOX).await.unwrap();
    assert_eq!(read(&engine, BOX).await.unwrap().last().unwrap(), b"");
    copy(&engine, &old, 4).await.unwrap();
    sound(&engine).await;
    engine.close().await;
}

/// A full disk in the middle of a pass: it ends, what it began is taken back, and deliveries go on as there is room.
#[tokio::test]
async fn a_full_disk_ends_a_pass_and_nothing_else() {
    for room in [0, 100, 900, 2500] {
        let dir = tempfile::tempdir().unwrap();
        let disk = SimDisk::default();
        let engine = filled(dir.path(), &disk, 40).await;
        commit(&engine, expunge(10, uids(&[2, 20]))).await.unwrap();
        let mut pass = engine.pass(true).await.unwrap();
        disk.set_room(Some(disk.bytes_used() + room));
        let failed = loop {
            match pass.step().await {
                Ok(true) => {}
                Ok(false) => break false,
                Err(_) => break true,
            }
        };
        drop(pass);
        assert!(failed, "room {room}");
        assert!(disk.list().unwrap().iter().all(|name| !is(name, ".new")));
        disk.set_room(None);
        put(&engine, 10, None, &octets(99)).await.unwrap();
        sound(&engine).await;
        compact(&engine).await;
        assert!(!in_some_file(&disk, &octets(1)) && !in_some_file(&disk, &octets(19)));
        engine.close().await;
    }
}

/// What an earlier pass gave back must not be copied while the next one looks: it took the reference for one more that keeps its content.
#[tokio::test]
async fn what_is_given_back_is_not_copied_while_the_next_pass_looks() {
    let dir = tempfile::tempdir().unwrap();
    let disk = SimDisk::default();
    let engine = filled(dir.path(), &disk, 20).await;
    let old = engine.view(BOX).await.unwrap();
    commit(&engine, expunge(10, uids(&[3]))).await.unwrap();
    compact(&engine).await;
    let pass = engine.pass(true).await.unwrap();
    assert_eq!(copy(&engine, &old, 3).await.unwrap_err(), CommitError::Gone);
    finish(pass).await;
    sound(&engine).await;
    engine.close().await;
}

/// Where everything is dead no room is needed: a disk that is full is made room on.
#[tokio::test]
async fn a_full_disk_gets_room_when_what_fills_it_is_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let disk = SimDisk::default();
    let engine = filled(dir.path(), &disk, 40).await;
    let mut batch = Batch::new();
    let body = batch.body(staged(&engine, 1).await);
    batch.put(BOX, item(Flags::NONE, None), body);
    engine.commit(batch).await.unwrap();
    commit(&engine, expunge(10, uids(&(1..=41).collect::<Vec<_>>()))).await.unwrap();
    disk.set_room(Some(disk.bytes_used() + 200));
    let before = disk.bytes_used();
    let done = engine.compact(false, Arc::new(|_| ())).await.unwrap();
    assert!(done.large == 1 && done.segments > 3, "{done:?}");
    assert!(disk.bytes_used() < before - (2 << 20) - 9000);
    sound(&engine).await;
    engine.close().await;
}

/// Sessions copy from an old view while passes begin and end beside them: what was copied stays whole.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn copies_beside_passes_stay_whole() {
    for round in 0..6u64 {
        let dir = tempfile::tempdir().unwrap();
        let disk = SimDisk::default();
        let engine = filled(dir.path(), &disk, 24).await;
        let old = engine.view(BOX).await.unwrap();
        commit(&engine, expunge(10, uids(&(1..=24).collect::<Vec<_>>()))).await.unwrap();
        disk.slow_down(Duration::from_millis(30));
        let mut sessions = Vec::new();
        for session in 0..3u64 {
            let (engine, old, mut dice) = (engine.clone(), old.clone(), Dice(round * 10 + session));
            sessions.push(tokio::spawn(async move {
                let mut copied = Vec::new();
                for _ in 0..4 {
                    let uid = 1 + dice.below(24);
                    if let Ok(new) = copy(&engine, &old, uid as u32).await {
                        copied.push((new, octets(uid - 1)));
                    }
                }
                copied
            }));
        }
        // It begins anywhere between them; one that nobody waits for any more is given up, wherever it is.
        let given_up = engine.clone();
        let pass = tokio::spawn(async move { compact(&given_up).await });
        tokio::time::sleep(Duration::from_millis(Dice(round).below(120))).await;
        pass.abort();
        compact(&engine).await;
        let mut copied = Vec::new();
        for session in sessions {
            copied.extend(session.await.unwrap());
        }
        disk.slow_down(Duration::ZERO);
        sound(&engine).await;
        copied.sort_unstable_by_key(|(uid, _)| *uid);
        let meant: Vec<_> = copied.into_iter().map(|(_, octets)| octets).collect();
        assert_eq!(read(&engine, OTHER).await.unwrap(), meant, "round {round}");
        engine.close().await;
    }
}

/// The power goes at every single operation of a pass, while messages are delivered and copied.
#[test]
fn the_power_may_go_at_every_operation_of_a_pass() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let total = runtime.block_on(short_life(None, 0));
    assert!(total > 40, "{total} operations");
    for operation in 0..total {
        for seed in 0..4 {
            runtime.block_on(short_life(Some(operation), seed));
        }
    }
}

/// Fill, delete, compact with the power going after so many operations; everything acknowledged is there afterwards.
async fn short_life(die_after: Option<u64>, seed: u64) -> u64 {
    let dir = tempfile::tempdir().unwrap();
    let (disk, mut dice) = (SimDisk::default(), Dice(seed));
    let engine = filled(dir.path(), &disk, 24).await;
    let mut batch = Batch::new();
    let body = batch.body(staged(&engine, 1).await);
    batch.put(BOX, item(Flags::NONE, None), body);
    engine.commit(batch).await.unwrap();
    let old = engine.view(BOX).await.unwrap();
    commit(&engine, expunge(10, uids(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 14, 15, 16, 17, 20, 25]))).await.unwrap();
    let mut acknowledged: BTreeSet<Vec<u8>> = read(&engine, BOX).await.unwrap().into_iter().collect();
    let mut perhaps = BTreeSet::new();
    let began = disk.operations();
    if let Some(operations) = die_after {
        disk.die_after(operations);
    }
    if let Ok(mut pass) = engine.pass(true).await {
        for round in 0.. {
            let Ok(more) = pass.step().await else { break };
            if round % 3 == 0 {
                perhaps.insert(octets(1000 + round));
                if put(&engine, 10, None, &octets(1000 + round)).await.is_ok() {
                    acknowledged.insert(octets(1000 + round));
                }
                let uid = [9, 14, 20][round as usize / 3 % 3];
                perhaps.insert(octets(uid - 1));
                if copy(&engine, &old, uid as u32).await.is_ok() {
                    acknowledged.insert(octets(uid - 1));
                }
            }
            if !more {
                break;
            }
        }
    }
    engine.abandon().await;
    drop(engine);
    let operations = disk.operations() - began;
    let disk = disk.after_crash(&mut dice);
    if dice.one_in(2) {
        crate::index::Index::remove(&dir.path().join("index.sqlite")).unwrap();
    }
    let engine = open(dir.path(), &disk).await;
    assert!(disk.list().unwrap().iter().all(|name| !is(name, ".new")));
    for _ in 0..2 {
        let mut there: BTreeSet<Vec<u8>> = read(&engine, BOX).await.unwrap().into_iter().collect();
        there.extend(read(&engine, OTHER).await.unwrap());
        assert!(there.is_superset(&acknowledged), "operation {die_after:?}, seed {seed}");
        assert!(there.difference(&acknowledged).all(|octets| perhaps.contains(octets)));
        sound(&engine).await;
        compact(&engine).await;
    }
    for doomed in [0, 1, 11] {
        assert!(!in_some_file(&disk, &octets(doomed)), "operation {die_after:?}, seed {seed}");
    }
    assert_eq!(large_files(&disk), 0);
    engine.close().await;
    operations
}

fn is(name: &str, ending: &str) -> bool {
    name.strip_suffix(ending).is_some()
}

/// Who asks for a pass while one rests in the background does not wait for its rests; who only looks does not wait at all.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_for_the_background() {
    let dir = tempfile::tempdir().unwrap();
    let disk = SimDisk::default();
    // It works for a hundredth of the time: alone it would take minutes.
    let lazy = Options { compact_share_percent: 1, compact_interval: Duration::from_millis(1), ..options() };
    let engine = Embedded::open_on(dir.path(), Arc::new(disk.clone()), lazy, None).await.unwrap();
    commit(&engine, create(collection(10, None, "INBOX", CollectionKind::Mailbox))).await.unwrap();
    for round in 0..40 {
        put(&engine, 10, None, &octets(round)).await.unwrap();
    }
    commit(&engine, expunge(10, uids(&(2..40).collect::<Vec<_>>()))).await.unwrap();
    for _ in 0..20 {
        assert!(engine.stat().await.unwrap().segments.len() > 2);
        compact(&engine).await;
    }
    assert!(!in_some_file(&disk, &octets(5)));
    engine.close().await;
}
