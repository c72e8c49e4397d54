//! A full disk: what does not fit is refused and leaves nothing behind, and commits go on once there is room again.

use super::simdisk::{Dice, SimDisk};
use super::world::{collection, commit, create, item};
use crate::{Batch, Body, CommitError, Embedded, Engine, Options};
use octroi_model::{CollectionId, CollectionKind, Flags, Hash};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

const BOX: CollectionId = CollectionId(1);

async fn open(dir: &Path, disk: &SimDisk) -> Arc<Embedded> {
    // Segments so small that the room ends in the middle of one, and at the making of another.
    let options = Options { segment_bytes_max: 6000, ..Options::default() };
    Embedded::open_on(dir, Arc::new(disk.clone()), options, None).await.unwrap()
}

/// Several sessions deliver at once, so that they share a group.
async fn deliver(engine: &Arc<Embedded>, dice: &mut Dice, sessions: usize) -> Vec<Result<Hash, CommitError>> {
    let mut tasks = Vec::new();
    for _ in 0..sessions {
        let body = Body::message(b"facts", &dice.octets(1500), 10);
        let hash = body.hash();
        let mut batch = Batch::new();
        let body = batch.body(body);
        batch.put(BOX, item(Flags::NONE, None), body);
        let engine = engine.clone();
        tasks.push(tokio::spawn(async move { engine.commit(batch).await.map(|_| hash) }));
    }
    let mut outcomes = Vec::new();
    for task in tasks {
        outcomes.push(task.await.unwrap());
    }
    outcomes
}

async fn hashes(engine: &Embedded) -> BTreeSet<[u8; 32]> {
    engine.view(BOX).await.unwrap().items().map(|item| item.hash.0).collect()
}

/// Fill the disk, perhaps make room and go on, lose the power; three times.
async fn fill_and_go_on(seed: u64, room: usize) {
    let dir = tempfile::tempdir().unwrap();
    let (mut disk, mut dice) = (SimDisk::default(), Dice(seed));
    let mut engine = open(dir.path(), &disk).await;
    commit(&engine, create(collection(1, None, "Box", CollectionKind::Mailbox))).await.unwrap();
    let mut acknowledged = BTreeSet::new();
    for _ in 0..3 {
        disk.set_room(Some(disk.bytes_used() + room));
        let mut refused = 0;
        while refused == 0 {
            for outcome in deliver(&engine, &mut dice, 6).await {
                match outcome {
                    Ok(hash) => drop(acknowledged.insert(hash.0)),
                    Err(error) => {
                        assert_eq!(error, CommitError::NoSpace);
                        refused += 1;
                    }
                }
            }
        }
        assert_eq!(hashes(&engine).await, acknowledged);
        disk.set_room(None);
        if dice.one_in(2) {
            let outcomes = deliver(&engine, &mut dice, 2).await;
            acknowledged.extend(outcomes.into_iter().map(|outcome| outcome.unwrap().0));
        }
        // Nothing that was refused comes back.
        engine.abandon().await;
        disk = disk.after_crash(&mut dice);
        engine = open(dir.path(), &disk).await;
        assert_eq!(hashes(&engine).await, acknowledged, "seed {seed}, room {room}");
    }
    assert_eq!(engine.check().await.unwrap().faults, Vec::<String>::new());
    engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_and_goes_on_when_there_is_room() {
    for seed in 0..6 {
        for room in [0, 700, 5000, 9000] {
            fill_and_go_on(seed, room).await;
        }
    }
}

#[tokio::test]
async fn a_large_content_that_does_not_fit_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let disk = SimDisk::default();
    let engine = open(dir.path(), &disk).await;
    commit(&engine, create(collection(1, None, "Box", CollectionKind::Mailbox))).await.unwrap();
    let before = disk.bytes_used();
    disk.set_room(Some(before + (2 << 20)));
    let mut stage = engine.stage().await.unwrap();
    let mut outcome = Ok(());
    for _ in 0..8 {
        outcome = outcome.and(stage.write(&vec![7; 1 << 20]).await);
    }
    assert_eq!(outcome, Err(CommitError::NoSpace));
    drop(stage);
    // Removing it is left to another task.
    for _ in 0..200 {
        if disk.bytes_used() == before {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(disk.bytes_used(), before);
    engine.close().await;
}
