//! How quickly a store is backed up, verified and restored, and what a delivery waits meanwhile.
//!
//! `cargo bench -p octroi-engine --bench backups`; `OCTROI_BENCH_DIR` says on which disk, `OCTROI_BENCH_MEBIBYTES` how much is backed up.
#![allow(clippy::unwrap_used, missing_docs)]

use octroi_engine::{BackupRequest, Batch, Body, Change, Embedded, Engine, Options, Progress, restore_snapshot, verify_backup};
use octroi_model::{
    AccountId, Collection, CollectionId, CollectionKind, ContentRef, Flags, Hash, Head, Item, ModSeq, Name, Uid, UidValidity, UnixTime,
};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const MESSAGE_BYTES: usize = 10 * 1024;
/// Messages in one commit while the store is filled.
const TOGETHER: usize = 200;
/// Commits that are timed while nothing else goes on.
const TIMED: usize = 300;

fn main() {
    // `cargo test --benches` runs this too: it must not take minutes there.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let place = std::env::var("OCTROI_BENCH_DIR").map_or_else(|_| std::env::temp_dir(), PathBuf::from);
    let mebibytes = std::env::var("OCTROI_BENCH_MEBIBYTES").ok().and_then(|s| s.parse().ok()).unwrap_or(1024);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(measure(tempfile::tempdir_in(place).unwrap().path().to_owned(), mebibytes));
}

async fn measure(dir: PathBuf, mebibytes: usize) {
    let engine = Embedded::open(&dir.join("data"), Options::default()).await.unwrap();
    let mut batch = Batch::new();
    batch.push(Change::CreateCollection { collection: mailbox(), parent_head: None });
    engine.commit(batch).await.unwrap();
    let count = mebibytes * (1 << 20) / MESSAGE_BYTES;
    for round in 0..count / TOGETHER {
        engine.commit(deliveries(round as u64, TOGETHER)).await.unwrap();
    }
    println!("{count} messages of {MESSAGE_BYTES} bytes that do not compress");
    let mut quiet = Vec::new();
    for round in 0..TIMED {
        quiet.push(deliver(&engine, round as u64).await);
    }
    let folder = dir.join("backup");
    let request = BackupRequest { folder: folder.clone(), beside: Vec::new(), reminder: String::new() };
    let stop = Arc::new(AtomicBool::new(false));
    let beside = {
        let (engine, stop) = (engine.clone(), stop.clone());
        tokio::spawn(async move {
            let mut times = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                times.push(deliver(&engine, times.len() as u64).await);
            }
            times
        })
    };
    let begun = Instant::now();
    let report = engine.backup(request.clone(), Arc::default()).await.unwrap();
    rate("create", begun, report.copied_bytes);
    stop.store(true, Ordering::Relaxed);
    said("a delivery alone", quiet);
    said("a delivery while the backup is made", beside.await.unwrap());
    let begun = Instant::now();
    let report = engine.backup(request, Arc::default()).await.unwrap();
    println!("create again: {:.0} ms, {} bytes copied", begun.elapsed().as_secs_f64() * 1000.0, report.copied_bytes);
    engine.close().await;
    let begun = Instant::now();
    let verified = verify_backup(&folder, None, &dir, &Arc::default()).await.unwrap();
    assert!(verified.faults.is_empty(), "{:?}", verified.faults);
    rate("verify", begun, verified.bytes);
    let begun = Instant::now();
    let restored = restore_snapshot(&folder, None, &dir.join("restored"), &Progress::default()).unwrap();
    rate("restore", begun, restored.bytes);
    let begun = Instant::now();
    let engine = Embedded::open(&dir.join("restored"), Options::default()).await.unwrap();
    println!("first open of what was restored: {:.1} s", begun.elapsed().as_secs_f64());
    engine.close().await;
    std::fs::remove_dir_all(dir).unwrap();
}

fn rate(what: &str, begun: Instant, bytes: u64) {
    let seconds = begun.elapsed().as_secs_f64();
    println!("{what}: {:.0} MB/s ({:.0} MB in {seconds:.1} s)", bytes as f64 / 1e6 / seconds, bytes as f64 / 1e6);
}

fn said(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |part: f64| times.get(((times.len() as f64) * part) as usize).copied().unwrap_or_default().as_secs_f64() * 1000.0;
    println!("{what}: median {:.2} ms, 99 of 100 within {:.2} ms, of {}", at(0.5), at(0.99), times.len());
}

async fn deliver(engine: &Embedded, seed: u64) -> Duration {
    let batch = deliveries(seed ^ 1 << 40, 1);
    let begun = Instant::now();
    engine.commit(batch).await.unwrap();
    begun.elapsed()
}

fn deliveries(seed: u64, count: usize) -> Batch {
    let mut batch = Batch::new();
    for number in 0..count {
        let mut octets = vec![0; MESSAGE_BYTES];
        let key = *blake3::hash(&(seed * 1000 + number as u64).to_le_bytes()).as_bytes();
        blake3::Hasher::new_keyed(&key).finalize_xof().fill(&mut octets);
        let body = batch.body(Body::message(b"facts", &octets, 500));
        batch.put(CollectionId(1), item(), body);
    }
    batch
}

fn mailbox() -> Collection {
    Collection {
        id: CollectionId(1),
        parent: None,
        name: Name::new("INBOX").unwrap(),
        kind: CollectionKind::Mailbox,
        owner: AccountId(0),
        uid_validity: UidValidity(1),
        created: UnixTime(1),
        special_use: None,
        acl: None,
        keywords: Vec::new(),
        properties: Vec::new(),
        bound: ModSeq(0),
        head: Head::default(),
    }
}

fn item() -> Item {
    Item {
        uid: Uid(0),
        modseq: ModSeq(0),
        flags: Flags::NONE,
        date: UnixTime(1),
        saved: UnixTime(1),
        name: None,
        media_type: None,
        properties: None,
        content: ContentRef::default(),
        hash: Hash::default(),
    }
}
