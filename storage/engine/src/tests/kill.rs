//! A process that is killed while it commits: the next one finds all that was acknowledged, and nothing half.
//!
//! The child is this test's own binary, told by an environment variable to append and to print what was acknowledged.

use super::world::{collection, commit, create, item, open, uid_of};
use crate::{Batch, Body, Change, Engine};
use octroi_model::{CollectionId, CollectionKind, Flags, Uid};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const CHILD: &str = "OCTROI_ENGINE_KILL_TEST";
const BOXES: std::ops::Range<u64> = 10..14;

/// What the child does: several tasks put into two mailboxes at once, until it is killed.
#[test]
fn child_of_the_kill_test() {
    let Some(dir) = std::env::var_os(CHILD).map(PathBuf::from) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let engine = open(&dir).await;
        for id in BOXES.filter(|id| engine.collection(CollectionId(*id)).is_none()) {
            commit(&engine, create(collection(id, None, &format!("b{id}"), CollectionKind::Mailbox))).await.unwrap();
        }
        let tasks: Vec<_> = BOXES
            .map(|id| {
                let engine = engine.clone();
                tokio::spawn(async move {
                    loop {
                        let mut batch = Batch::new();
                        let body = batch.body(Body::document(&id.to_le_bytes().repeat(400)));
                        // Whole or not at all: both, or neither.
                        batch.put(CollectionId(id), item(Flags::NONE, None), body).put(CollectionId(id), item(Flags::SEEN, None), body);
                        let receipt = engine.commit(batch).await.unwrap();
                        let mut out = std::io::stdout().lock();
                        let _ = writeln!(out, "acknowledged {id} {}", uid_of(&receipt));
                        let _ = out.flush();
                    }
                })
            })
            .collect();
        for task in tasks {
            let _ = task.await;
        }
    });
}

/// Run the child for a while; the last uid acknowledged for each mailbox.
fn run_and_kill(dir: &Path, time: Duration, last: &mut [u32; 4]) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "tests::kill::child_of_the_kill_test", "--nocapture"])
        .env(CHILD, dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut started = None;
    let mut killed = false;
    while let Some(Ok(line)) = lines.next() {
        // The harness may print in front of it.
        let Some((_, rest)) = line.split_once("acknowledged ") else { continue };
        let (id, uid) = rest.split_once(' ').unwrap();
        // A last line that was cut off is shorter, so smaller: it claims less.
        if let (Ok(id), Ok(uid)) = (id.parse::<usize>(), uid.parse::<u32>()) {
            last[id - 10] = last[id - 10].max(uid);
        }
        let started = *started.get_or_insert_with(Instant::now);
        if !killed && started.elapsed() > time {
            child.kill().unwrap();
            killed = true;
        }
    }
    assert!(killed, "the child ended by itself");
    child.wait().unwrap();
}

#[test]
fn nothing_acknowledged_is_lost_by_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut last = [0; 4];
    for round in 0..4 {
        run_and_kill(dir.path(), Duration::from_millis(150 + 70 * round), &mut last);
        if round == 2 {
            crate::index::Index::remove(&dir.path().join("index.sqlite")).unwrap();
        }
        runtime.block_on(async {
            let engine = open(dir.path()).await;
            for (id, last) in BOXES.zip(&mut last) {
                let view = engine.view(CollectionId(id)).await.unwrap();
                assert!(view.by_uid(Uid(*last)).is_some() && view.by_uid(Uid(*last + 1)).is_some(), "uid {last} of {id} is gone");
                assert!(view.items().map(|item| item.uid.0).eq(1..=view.len() as u32), "there is a hole");
                assert_eq!((view.len() % 2, view.head().unseen as usize), (0, view.len() / 2), "half a batch");
                *last = view.len() as u32 - 1;
            }
            assert_eq!(engine.check().await.unwrap().faults, Vec::<String>::new());
            commit(&engine, Change::AddKeyword { collection: CollectionId(10), keyword: "k".into() }).await.unwrap();
            engine.close().await;
        });
    }
    assert!(last.iter().all(|uid| *uid > 1));
}
