//! A queue of a hundred thousand messages: what it takes to begin with it, and to hold it.

#![allow(clippy::unwrap_used)]

mod support;

use octroi_gate::{Content, Queue, QueueEntry, Verdict};
use octroi_model::{Uid, UnixTime};
use std::time::{Duration, Instant};
use support::{World, address};
use tokio::task::JoinSet;

/// Messages that are queued at the same time, so that they share their commits.
const TOGETHER: usize = 500;

async fn fill(queue: &Queue, count: usize) {
    for first in (0..count).step_by(TOGETHER) {
        let mut under_way = JoinSet::new();
        for number in first..(first + TOGETHER).min(count) {
            let queue = queue.clone();
            under_way.spawn(async move {
                let to = address(&format!("someone{number}@domain{}.example", number % 1000));
                queue.send(&to, Content::message(b"", b"Subject: x\r\n\r\nx\r\n", 14)).await.unwrap();
            });
        }
        while let Some(done) = under_way.join_next().await {
            done.unwrap();
        }
    }
}

/// It used to be passed over in silence, for ever.
#[tokio::test]
async fn what_another_version_left_is_told_of_and_can_be_given_up() {
    use octroi_engine::{Batch, Body, Embedded, Engine, Options};
    let world = World::new().await;
    fill(&world.queue, 2).await;
    world.admin.close().await;
    let World { folder, gate, admin, queue, .. } = world;
    drop((gate, admin, queue));
    let engine = Embedded::open(folder.path(), Options::default()).await.unwrap();
    let homes = engine.homes(octroi_model::AccountId(0));
    let queue = homes.iter().find(|home| home.kind == octroi_model::CollectionKind::Queue).unwrap().id;
    let mut batch = Batch::new();
    let body = batch.body(Body::document(b"x"));
    let mut item = engine.view(queue).await.unwrap().at(0).unwrap().clone();
    (item.uid, item.name) = (Uid(0), Some(support::name("old")));
    item.properties = Some(std::sync::Arc::from([1, 2, 3]));
    batch.put(queue, item, body);
    engine.commit(batch).await.unwrap();
    engine.close().await;
    drop(engine);
    let world = World::over(folder, &octroi_gate::Limits::default()).await;
    assert_eq!((walk(&world.queue).await, world.queue.unreadable(10).await.unwrap()), (2, vec![Uid(3)]));
    assert_eq!(world.queue.retry(Uid(3)).await, Err(octroi_gate::Refusal::Missing));
    world.queue.discard(Uid(3)).await.unwrap();
    assert_eq!((walk(&world.queue).await, world.queue.unreadable(10).await.unwrap()), (2, vec![]));
    assert!(world.lines().await.iter().any(|line| line.entry.act == "queue drop" && line.entry.subject == "3 of another version"));
}

/// Look at every entry, as the runner does when it starts.
async fn walk(queue: &Queue) -> usize {
    let (mut count, mut after) = (0, Some(Uid(0)));
    while let Some(id) = after {
        let (entries, next) = queue.after(id, 1000).await.unwrap();
        count += entries.len();
        after = next;
    }
    count
}

/// Resident bytes of this process.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap() * 1024
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn entries_keep_their_numbers_and_their_order() {
    let world = World::new().await;
    let queue = &world.queue;
    fill(queue, 1500).await;
    let (first, next) = queue.after(Uid(0), 1000).await.unwrap();
    let (second, end) = queue.after(next.unwrap(), 1000).await.unwrap();
    assert_eq!((first.len(), second.len(), end), (1000, 500, None));
    let ids: Vec<Uid> = first.iter().chain(&second).map(|queued| queued.id).collect();
    assert!(ids.is_sorted());
    let later = |entry: &mut QueueEntry| {
        entry.recipients[0].next_try = UnixTime(7);
        Verdict::Keep
    };
    queue.change(ids[700], later).await.unwrap().unwrap();
    queue.change(ids[3], |_| Verdict::Remove).await.unwrap();
    assert_eq!((queue.len().await.unwrap(), walk(queue).await), (1499, 1499));
    assert_eq!(queue.get(ids[700]).await.unwrap().unwrap().entry.next_try(), Some(UnixTime(7)));
    assert!(queue.get(ids[3]).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "slow: ./test --full"]
async fn a_hundred_thousand_messages_are_no_burden() {
    let world = World::new().await;
    let before = resident();
    fill(&world.queue, 100_000).await;
    let filled = resident().saturating_sub(before);
    let start = Instant::now();
    assert_eq!(walk(&world.queue).await, 100_000);
    let took = start.elapsed();
    println!("{} MiB more, looked through in {took:?}", filled >> 20);
    // In a debug build, on a machine that may be busy.
    assert!(took < Duration::from_secs(20), "{took:?}");
    assert!(filled < 200 << 20, "{} MiB", filled >> 20);
}
