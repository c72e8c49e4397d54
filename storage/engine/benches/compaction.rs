//! How fast a pass of compaction is, what it takes in the background, and what deliveries notice of it.
//!
//! `cargo bench -p octroi-engine --bench compaction`. Half of the messages are text, half do not shrink; every other one is deleted.
#![allow(clippy::unwrap_used)]

use octroi_engine::{Batch, Body, Change, Embedded, Engine, Options};
use octroi_model::{
    AccountId, Collection, CollectionId, CollectionKind, ContentRef, Flags, Hash, Head, Item, ModSeq, Name, Uid, UidSet, UidValidity,
    UnixTime,
};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

const MESSAGES: u32 = 40_000;
const MESSAGE_BYTES: usize = 10 << 10;
const SEGMENT_BYTES: u64 = 64 << 20;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let dir = tempfile::tempdir().unwrap();
        let quiet = Options { segment_bytes_max: SEGMENT_BYTES, compact_interval: Duration::ZERO, ..Options::default() };
        let mut engine = Embedded::open(dir.path(), quiet.clone()).await.unwrap();
        make(&engine).await;
        fill(&engine, 0).await;
        expunge(&engine, (1..=MESSAGES).filter(|uid| uid % 2 == 0)).await;
        let before = bytes(dir.path());
        let (began, busy) = (Instant::now(), cpu());
        let done = engine.compact(true, Arc::new(|_| ())).await.unwrap();
        say("a pass at full speed", before, bytes(dir.path()), began.elapsed(), cpu().saturating_sub(busy), done.segments);
        println!("deliveries without a pass: {:.0}/s", deliveries(&engine, Duration::from_secs(5)).await);

        // Again, in the background: alone, then beside deliveries.
        for (what, doomed, busy_meanwhile) in [("alone", 1, false), ("beside deliveries", 3, true)] {
            expunge(&engine, (1..=MESSAGES).filter(|uid| uid % 8 == doomed)).await;
            engine.close().await;
            let options = Options { live_min_percent: 100, compact_interval: Duration::from_secs(1), ..quiet.clone() };
            let before = bytes(dir.path());
            engine = Embedded::open(dir.path(), options).await.unwrap();
            let (began, busy) = (Instant::now(), cpu());
            if busy_meanwhile {
                let rate = deliveries(&engine, Duration::from_secs(5)).await;
                println!("deliveries beside a pass in the background: {rate:.0}/s");
            } else {
                let (mut seen, mut changed) = (before, Instant::now());
                while changed.elapsed() < Duration::from_secs(5) {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    if seen != bytes(dir.path()) {
                        (seen, changed) = (bytes(dir.path()), Instant::now());
                    }
                }
                say(&format!("a pass in the background, {what}"), before, seen, changed - began, cpu().saturating_sub(busy), 0);
            }
        }
        engine.close().await;
    });
}

fn say(what: &str, before: u64, after: u64, took: Duration, busy: Duration, segments: u64) {
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    println!(
        "{what}: {segments} segments, {:.0} MB before, {:.0} MB after; {:.2} s, {:.0} MB/s of what was there; {:.2} s of processor",
        megabytes(before),
        megabytes(after),
        took.as_secs_f64(),
        megabytes(before) / took.as_secs_f64(),
        busy.as_secs_f64()
    );
}

async fn make(engine: &Embedded) {
    let collection = Collection {
        id: CollectionId(1),
        parent: None,
        name: Name::new("INBOX").unwrap(),
        kind: CollectionKind::Mailbox,
        owner: AccountId(0),
        uid_validity: UidValidity(0),
        created: UnixTime(0),
        special_use: None,
        acl: None,
        keywords: vec![],
        properties: vec![],
        bound: ModSeq(0),
        head: Head::default(),
    };
    let mut batch = Batch::new();
    batch.push(Change::CreateCollection { collection, parent_head: None });
    engine.commit(batch).await.unwrap();
}

fn message(number: u32) -> Vec<u8> {
    let mut octets = format!("Subject: {number}\r\n\r\n").into_bytes();
    let mut hasher = blake3::Hasher::new();
    hasher.update(&number.to_le_bytes());
    let mut noise = vec![0; MESSAGE_BYTES];
    hasher.finalize_xof().fill(&mut noise);
    if number.is_multiple_of(4) || number % 4 == 1 {
        // About as many different octets as text has.
        for octet in &mut noise {
            *octet = b"etaoin shrdlu cm"[usize::from(*octet % 16)];
        }
    }
    octets.extend(noise);
    octets
}

async fn deliver(engine: &Embedded, number: u32) {
    let mut batch = Batch::new();
    let body = batch.body(Body::message(b"facts", &message(number), 0));
    let item = Item {
        uid: Uid(0),
        modseq: ModSeq(0),
        flags: Flags::NONE,
        date: UnixTime(0),
        saved: UnixTime(0),
        name: None,
        media_type: None,
        properties: None,
        content: ContentRef::default(),
        hash: Hash::default(),
    };
    batch.put(CollectionId(1), item, body);
    engine.commit(batch).await.unwrap();
}

async fn fill(engine: &Arc<Embedded>, first: u32) {
    let mut tasks = Vec::new();
    for producer in 0..16 {
        let engine = engine.clone();
        tasks.push(tokio::spawn(async move {
            for number in (first + producer..first + MESSAGES).step_by(16) {
                deliver(&engine, number).await;
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
}

async fn expunge(engine: &Embedded, uids: impl Iterator<Item = u32>) {
    let uids = UidSet::from_uids(uids.map(Uid));
    let mut batch = Batch::new();
    batch.push(Change::Expunge { collection: CollectionId(1), uids, modseq: ModSeq(0), head: Head::default() });
    engine.commit(batch).await.unwrap();
}

/// Deliveries a second, one after the other.
async fn deliveries(engine: &Embedded, time: Duration) -> f64 {
    let began = Instant::now();
    let mut count = 0;
    while began.elapsed() < time {
        deliver(engine, 1_000_000 + count).await;
        count += 1;
    }
    f64::from(count) / began.elapsed().as_secs_f64()
}

fn bytes(dir: &Path) -> u64 {
    std::fs::read_dir(dir.join("journal")).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum()
}

/// Processor time of this process.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    // In hundredths of a second, as Linux has it everywhere.
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}
