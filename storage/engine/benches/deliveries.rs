//! Durable deliveries per second: the engine, the bare limit of the disk, and one file per message; in one run, taking turns.
//!
//! `cargo bench -p octroi-engine`; `OCTROI_BENCH_DIR` says on which disk, `OCTROI_BENCH_SECONDS` how long each measurement takes.
//! `OCTROI_BENCH_ONLY=engine` runs just that, with 64 producers, for a profiler.
//!
//! The bare limit is the engine's discipline with nothing but bytes: producers hand messages to one thread that appends all that wait with
//! one write and one fdatasync. One file per message is what a maildir does: write to `tmp`, fdatasync, rename, fsync the folder.
#![allow(clippy::unwrap_used, missing_docs)]

use octroi_engine::{Batch, Body, Change, Embedded, Engine, Options};
use octroi_model::{
    AccountId, Collection, CollectionId, CollectionKind, ContentRef, Flags, Hash, Head, Item, ModSeq, Name, Uid, UidValidity, UnixTime,
};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, oneshot};

const MESSAGE_BYTES: usize = 10 * 1024;
const PRODUCERS: [usize; 3] = [1, 16, 64];
const ROUNDS: usize = 3;
/// Different messages, so that nothing is measured that only one message has.
const MESSAGES: usize = 64;
/// As many as the engine takes into a group.
const GROUP_MAX: usize = 1024;

fn main() {
    // `cargo test --benches` runs this too: it must not take minutes there.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let only = std::env::var("OCTROI_BENCH_ONLY").unwrap_or_default();
    let place = std::env::var("OCTROI_BENCH_DIR").map_or_else(|_| std::env::temp_dir(), PathBuf::from);
    let seconds = std::env::var("OCTROI_BENCH_SECONDS").ok().and_then(|s| s.parse().ok()).unwrap_or(2.0);
    let time = Duration::from_secs_f64(seconds);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    if only == "engine" {
        for kind in [true, false] {
            println!("{:.0}/s", engine(&runtime, &place, &messages(kind), 64, time));
        }
        return;
    }
    println!("messages of {MESSAGE_BYTES} bytes, durable deliveries per second, median of {ROUNDS} rounds of {seconds} s");
    println!(
        "{:>15} {:>10} {:>9} {:>9} {:>9} {:>12} {:>13}",
        "content", "producers", "engine", "bare", "files", "engine/bare", "engine/files"
    );
    for (kind, messages) in [("text", messages(true)), ("incompressible", messages(false))] {
        for producers in PRODUCERS {
            let mut rates = [const { Vec::new() }; 3];
            for _ in 0..ROUNDS {
                rates[0].push(engine(&runtime, &place, &messages, producers, time));
                rates[1].push(bare(&runtime, &place, &messages, producers, time));
                rates[2].push(files(&runtime, &place, &messages, producers, time));
            }
            let [engine, bare, files] = rates.map(median);
            println!("{kind:>15} {producers:>10} {engine:>9.0} {bare:>9.0} {files:>9.0} {:>12.2} {:>13.1}", engine / bare, engine / files);
        }
    }
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

/// Messages with a header and a body: words in the one case, in the other octets that do not shrink.
fn messages(compressible: bool) -> Arc<Vec<Vec<u8>>> {
    const WORDS: [&str; 24] = [
        "tarif",
        "the",
        "consignment",
        "customs",
        "origin",
        "of",
        "declaration",
        "a",
        "was",
        "held",
        "at",
        "Le Havre",
        "please",
        "find",
        "attached",
        "invoice",
        "container",
        "vehicle",
        "for",
        "inspection",
        "on",
        "Tuesday",
        "and",
        "release",
    ];
    let mut seed = 1u64;
    let mut random = move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize
    };
    let mut all = Vec::new();
    for number in 0..MESSAGES {
        let mut message = format!(
            "Received: from mx.example (mx.example [192.0.2.{number}]) by mail.example with ESMTPS id {:x};\r\n\t\
             Tue, 3 Mar 2026 10:{number:02}:00 +0100\r\n\
             From: Agent {number} <agent{number}@douane.example>\r\nTo: Bureau <bureau@douane.example>\r\nSubject: Consignment {:x}\r\n\
             Date: Tue, 3 Mar 2026 10:{number:02}:00 +0100\r\nMessage-ID: <{:x}.{number}@douane.example>\r\nMIME-Version: 1.0\r\n\
             Content-Type: text/plain; charset=utf-8\r\n\r\n",
            random(),
            random(),
            random()
        )
        .into_bytes();
        while message.len() < MESSAGE_BYTES {
            if compressible {
                message.extend_from_slice(WORDS[random() % WORDS.len()].as_bytes());
                message.extend_from_slice(if random() % 12 == 0 { b".\r\n" } else { b" " });
            } else {
                // Eight bits of noise: what remains of an attachment once it is decoded.
                message.push(random() as u8);
            }
        }
        message.truncate(MESSAGE_BYTES);
        all.push(message);
    }
    Arc::new(all)
}

/// Run `deliver` on so many tasks for a while; deliveries per second.
fn measure<F, P>(runtime: &Runtime, producers: usize, time: Duration, deliver: F) -> f64
where
    F: Fn(usize, usize) -> P,
    P: Future<Output = ()> + Send + 'static,
    F: Clone + Send + Sync + 'static,
{
    let done = Arc::new(AtomicU64::new(0));
    let started = Instant::now();
    runtime.block_on(async {
        let mut tasks = Vec::new();
        for producer in 0..producers {
            let (done, deliver) = (done.clone(), deliver.clone());
            tasks.push(tokio::spawn(async move {
                let mut number = 0;
                while started.elapsed() < time {
                    deliver(producer, number).await;
                    done.fetch_add(1, Ordering::Relaxed);
                    number += 1;
                }
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
    });
    done.load(Ordering::Relaxed) as f64 / started.elapsed().as_secs_f64()
}

fn folder(place: &Path) -> tempfile::TempDir {
    tempfile::Builder::new().prefix("octroi-bench-").tempdir_in(place).unwrap()
}

/// The engine: hashing, compression, journal, published state, and the index behind it.
fn engine(runtime: &Runtime, place: &Path, messages: &Arc<Vec<Vec<u8>>>, producers: usize, time: Duration) -> f64 {
    let dir = folder(place);
    let engine = runtime.block_on(async {
        let engine = Embedded::open(dir.path(), Options::default()).await.unwrap();
        let mut batch = Batch::new();
        for producer in 0..producers {
            batch.push(Change::CreateCollection { collection: mailbox(producer), parent_head: None });
        }
        engine.commit(batch).await.unwrap();
        engine
    });
    let (to, messages) = (engine.clone(), messages.clone());
    let rate = measure(runtime, producers, time, move |producer, number| {
        let (engine, messages) = (to.clone(), messages.clone());
        async move {
            let message = &messages[(producer + number) % MESSAGES];
            let header_bytes = message.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
            let mut batch = Batch::new();
            let body = batch.body(Body::message(&message[..300], message, header_bytes));
            batch.put(CollectionId(1 + producer as u64), item(), body);
            engine.commit(batch).await.unwrap();
        }
    });
    runtime.block_on(engine.close());
    rate
}

fn mailbox(producer: usize) -> Collection {
    Collection {
        id: CollectionId(1 + producer as u64),
        parent: None,
        name: Name::new(&format!("INBOX {producer}")).unwrap(),
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
    }
}

fn item() -> Item {
    Item {
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
    }
}

/// The same bytes appended to a file by one thread, one write and one fdatasync for all that wait.
fn bare(runtime: &Runtime, place: &Path, messages: &Arc<Vec<Vec<u8>>>, producers: usize, time: Duration) -> f64 {
    let dir = folder(place);
    let (sender, mut waiting) = mpsc::channel::<(usize, oneshot::Sender<()>)>(GROUP_MAX);
    let mut file = File::create(dir.path().join("journal")).unwrap();
    let source = messages.clone();
    let appender = std::thread::spawn(move || {
        let (mut buffer, mut answers) = (Vec::new(), Vec::new());
        while let Some(first) = waiting.blocking_recv() {
            let mut next = Some(first);
            while let Some((message, answer)) = next {
                buffer.extend_from_slice(&source[message]);
                answers.push(answer);
                next = if answers.len() < GROUP_MAX { waiting.try_recv().ok() } else { None };
            }
            file.write_all(&buffer).unwrap();
            file.sync_data().unwrap();
            buffer.clear();
            for answer in answers.drain(..) {
                answer.send(()).unwrap();
            }
        }
    });
    let rate = measure(runtime, producers, time, move |producer, number| {
        let sender = sender.clone();
        async move {
            let (answer, done) = oneshot::channel();
            sender.send(((producer + number) % MESSAGES, answer)).await.unwrap();
            done.await.unwrap();
        }
    });
    appender.join().unwrap();
    rate
}

/// One file for each message, as in a maildir.
fn files(runtime: &Runtime, place: &Path, messages: &Arc<Vec<Vec<u8>>>, producers: usize, time: Duration) -> f64 {
    let dir = folder(place);
    for producer in 0..producers {
        std::fs::create_dir_all(dir.path().join(producer.to_string()).join("tmp")).unwrap();
        std::fs::create_dir_all(dir.path().join(producer.to_string()).join("new")).unwrap();
    }
    let (root, messages) = (dir.path().to_owned(), messages.clone());
    measure(runtime, producers, time, move |producer, number| {
        let (root, messages) = (root.join(producer.to_string()), messages.clone());
        async move {
            let deliver = move || {
                let (tmp, new) = (root.join("tmp").join(number.to_string()), root.join("new"));
                let mut file = OpenOptions::new().write(true).create_new(true).open(&tmp).unwrap();
                file.write_all(&messages[(producer + number) % MESSAGES]).unwrap();
                file.sync_data().unwrap();
                std::fs::rename(&tmp, new.join(number.to_string())).unwrap();
                File::open(&new).unwrap().sync_all().unwrap();
            };
            tokio::task::spawn_blocking(deliver).await.unwrap();
        }
    })
}
