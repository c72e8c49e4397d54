//! Repair: whatever is damaged, afterwards the store opens and is sound, what was not touched is there, and no counter has gone back.

use super::simdisk::{Dice, SimDisk};
use super::world::{account, collection, commit, create, expunge, flag, item, put, uids};
use crate::disk::Disk;
use crate::repair::repair_on;
use crate::{Batch, Change, Embedded, Engine, OpenError, Options, Part, Repair, RepairReport};
use octroi_model::{AccountId, CollectionId, CollectionKind, FlagEdit, Flags, Head};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const BOX: CollectionId = CollectionId(10);

fn options() -> Options {
    Options { segment_bytes_max: 4000, compact_interval: Duration::ZERO, ..Options::default() }
}

async fn open(dir: &Path, disk: &SimDisk) -> Result<Arc<Embedded>, OpenError> {
    Embedded::open_on(dir, Arc::new(disk.clone()), options(), None).await
}

async fn repair(dir: &Path, disk: &SimDisk, how: Repair) -> RepairReport {
    repair_on(dir, Arc::new(disk.clone()), &options(), how).await.unwrap()
}

/// A store with an account, two mailboxes and a folder, a large content, flags and expunges, and perhaps a compaction.
async fn filled(dir: &Path, compacted: bool) -> SimDisk {
    let disk = SimDisk::default();
    let engine = open(dir, &disk).await.unwrap();
    commit(&engine, Change::CreateAccount(account(7, "lea@douane.example"))).await.unwrap();
    for (id, name, kind) in
        [(10, "INBOX", CollectionKind::Mailbox), (11, "Other", CollectionKind::Mailbox), (12, "Files", CollectionKind::Folder)]
    {
        let mut made = collection(id, None, name, kind);
        made.owner = AccountId(7);
        commit(&engine, create(made)).await.unwrap();
    }
    for round in 0..40u64 {
        put(&engine, 10 + round % 2, None, &Dice(round).octets(300)).await.unwrap();
        put(&engine, 12, Some(&format!("f{}", round % 10)), &Dice(1000 + round).octets(100)).await.unwrap();
        commit(&engine, flag(10, uids(&[round as u32 / 2]), FlagEdit::add(Flags::SEEN))).await.unwrap();
    }
    let mut stage = engine.stage().await.unwrap();
    stage.write(&vec![9; 2 << 20]).await.unwrap();
    let mut batch = Batch::new();
    let body = batch.body(stage.finish(None).await.unwrap());
    batch.put(BOX, item(Flags::NONE, None), body);
    engine.commit(batch).await.unwrap();
    commit(&engine, expunge(10, uids(&[3, 4, 5]))).await.unwrap();
    if compacted {
        engine.compact(true, Arc::new(|_| ())).await.unwrap();
    }
    put(&engine, 10, None, b"the last one").await.unwrap();
    engine.close().await;
    disk
}

/// What is there: octets by collection and uid, and the counters.
type There = (BTreeMap<(u64, u32), Vec<u8>>, BTreeMap<u64, Head>);

async fn there(engine: &Embedded) -> There {
    let (mut items, mut heads) = (BTreeMap::new(), BTreeMap::new());
    for id in 10..13 {
        let Some(collection) = engine.collection(CollectionId(id)) else { continue };
        heads.insert(id, collection.head);
        let view = engine.view(CollectionId(id)).await.unwrap();
        let octets = engine.read(view.items().map(|item| (item.content, Part::Whole)).collect()).await.unwrap();
        items.extend(view.items().zip(octets).map(|(item, octets)| ((id, item.uid.0), octets)));
    }
    (items, heads)
}

fn snapshot(disk: &SimDisk) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for name in disk.list().unwrap() {
        disk.look(&name, |octets| drop(files.insert(name.clone(), octets.to_vec())));
    }
    files
}

/// Look, repair, look again; returns what was found and what is left.
async fn repaired(dir: &Path, disk: &SimDisk, before: &There, what: &str) -> (RepairReport, There) {
    let files = snapshot(disk);
    let dry = repair(dir, disk, Repair::DryRun).await;
    assert!(snapshot(disk) == files, "{what}: a dry run changed something");
    let report = repair(dir, disk, Repair::Do).await;
    assert_eq!(dry, report, "{what}");
    let engine = open(dir, disk).await.unwrap_or_else(|error| panic!("{what}: {error}; {report:?}"));
    assert_eq!(engine.check().await.unwrap().faults, Vec::<String>::new(), "{what}: {report:?}");
    let left = there(&engine).await;
    for (at, octets) in &left.0 {
        // A replaced document may be the one before again, where the change that replaced it is lost.
        assert!(before.0.get(at) == Some(octets) || at.0 == 12 || !before.0.contains_key(at), "{what}: {at:?}");
    }
    for (id, head) in &left.1 {
        let Some(was) = before.1.get(id) else { continue };
        assert!(head.uid_next >= was.uid_next && head.modseq >= was.modseq, "{what}: {head:?} after {was:?}; {report:?}");
    }
    // It can be used, and there is nothing left to repair.
    if engine.collection(BOX).is_some() {
        let uid = put(&engine, 10, None, b"after").await.unwrap();
        assert!(before.1.get(&10).is_none_or(|was| uid >= was.uid_next), "{what}: uid {uid}");
    }
    engine.close().await;
    let again = repair(dir, disk, Repair::DryRun).await;
    assert!(again.is_sound(), "{what}: {again:?}");
    (report, left)
}

async fn sound_state(dir: &Path, disk: &SimDisk) -> There {
    let engine = open(dir, disk).await.unwrap();
    let state = there(&engine).await;
    engine.close().await;
    state
}

/// The disk again, as it was.
fn restored(files: &BTreeMap<String, Vec<u8>>) -> SimDisk {
    let disk = SimDisk::default();
    for (name, octets) in files {
        let file = disk.create(name).unwrap();
        file.write_at(octets, 0).unwrap();
        file.sync().unwrap();
    }
    disk.sync_dir().unwrap();
    disk
}

#[tokio::test]
async fn what_is_sound_stays_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    for compacted in [false, true] {
        let disk = filled(dir.path(), compacted).await;
        let files = snapshot(&disk);
        assert!(repair(dir.path(), &disk, Repair::Do).await.is_sound());
        assert!(snapshot(&disk) == files);
        std::fs::remove_file(dir.path().join("index.sqlite")).unwrap();
    }
}

/// One rotten octet, anywhere: at most one content or one batch is lost, and the report names it.
#[tokio::test(flavor = "multi_thread")]
async fn a_rotten_octet_costs_one_record() {
    for compacted in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let disk = filled(dir.path(), compacted).await;
        let before = sound_state(dir.path(), &disk).await;
        let (files, index) = (snapshot(&disk), std::fs::read(dir.path().join("index.sqlite")).unwrap());
        let mut dice = Dice(u64::from(compacted));
        let mut contents = 0;
        for _ in 0..60 {
            let disk = restored(&files);
            crate::index::Index::remove(&dir.path().join("index.sqlite")).unwrap();
            std::fs::write(dir.path().join("index.sqlite"), &index).unwrap();
            let names: Vec<_> = files.keys().filter(|name| crate::journal::number_of(name, ".seg").is_some()).collect();
            let name = names[dice.below(names.len() as u64) as usize];
            let length = files[name].len() as u64;
            if length <= 81 {
                continue;
            }
            // The list at the end of a compacted one is a case of its own.
            let at = 80 + dice.below((length - 80).min(2500));
            disk.alter(name, |file| file[at as usize] ^= 0x20);
            let what = format!("octet {at} of {name}, compacted {compacted}");
            let (report, left) = repaired(dir.path(), &disk, &before, &what).await;
            assert!(!report.damaged.is_empty() || compacted, "{what}");
            let lost = before.0.keys().filter(|at| !left.0.contains_key(at)).count();
            // The making of a collection is the one batch that others hang on: what is in it is kept under another name.
            if left.1.len() == before.1.len()
                && !report.damaged.iter().any(|sentence| sentence.contains("list") || sentence.contains("nothing"))
            {
                assert!(lost <= 1, "{what}: {lost} items are lost; {report:?}");
                contents += lost;
            }
            let aside = std::fs::read_dir(dir.path().join("damaged")).unwrap().count();
            assert!(aside > 0 || report.damaged.is_empty());
        }
        assert!(contents > 5, "{contents}");
    }
}

/// All that can happen to a disk, several at once.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_damaged_the_store_opens_afterwards() {
    for seed in 0..60 {
        let dir = tempfile::tempdir().unwrap();
        let mut dice = Dice(seed);
        let disk = filled(dir.path(), dice.one_in(2)).await;
        let before = sound_state(dir.path(), &disk).await;
        let without_index = dice.one_in(2);
        if without_index {
            crate::index::Index::remove(&dir.path().join("index.sqlite")).unwrap();
        }
        let mut blind = false;
        let mut what = format!("seed {seed}");
        for _ in 0..=dice.below(3) {
            let names = disk.list().unwrap();
            let name = &names[dice.below(names.len() as u64) as usize];
            let way = dice.below(6);
            let _ = write!(what, ", way {way} on {name}");
            // Whether its end was ever acknowledged only the index can say.
            blind |= without_index && names.iter().rfind(|name| crate::journal::number_of(name, ".seg").is_some()) == Some(name);
            match way {
                0 => disk.remove(name).unwrap(),
                1 => disk.alter(name, |file| file.truncate(dice.below(file.len() as u64) as usize)),
                2 => disk.alter(name, |file| {
                    let at = dice.below(file.len() as u64) as usize;
                    let end = (at + 1 + dice.below(1000) as usize).min(file.len());
                    file[at..end].fill(0);
                }),
                // The header.
                3 => disk.alter(name, |file| {
                    if file.len() > 80 {
                        file[dice.below(80) as usize] ^= 1;
                    }
                }),
                4 => disk.alter(name, |file| {
                    let garbage = dice.octets(300);
                    file.extend(garbage);
                }),
                _ => disk.alter(name, |file| {
                    for _ in 0..5 {
                        let at = dice.below(file.len().max(1) as u64) as usize;
                        if let Some(octet) = file.get_mut(at) {
                            *octet ^= 4;
                        }
                    }
                }),
            }
        }
        let known = if blind { (before.0, BTreeMap::new()) } else { before };
        repaired(dir.path(), &disk, &known, &what).await;
    }
}

#[tokio::test]
async fn a_large_content_that_is_damaged_goes_aside() {
    let dir = tempfile::tempdir().unwrap();
    let disk = filled(dir.path(), false).await;
    let before = sound_state(dir.path(), &disk).await;
    let name = disk.list().unwrap().into_iter().find(|name| crate::journal::number_of(name, ".big").is_some()).unwrap();
    disk.alter(&name, |file| file[(1 << 20) + 5] ^= 1);
    let (report, left) = repaired(dir.path(), &disk, &before, "a large content").await;
    assert!(report.lost.len() == 1 && report.lost[0].contains("lea@douane.example INBOX, uid 21"), "{report:?}");
    assert_eq!(left.0.len(), before.0.len() - 1);
    assert!(dir.path().join("damaged").join(&name).exists() && !disk.list().unwrap().contains(&name));
}

/// The end of the journal is gone, between two frames: only the index knows that there was more.
#[tokio::test]
async fn an_end_that_is_missing_is_noticed_by_the_index() {
    let dir = tempfile::tempdir().unwrap();
    let disk = filled(dir.path(), false).await;
    let before = sound_state(dir.path(), &disk).await;
    let name = disk.list().unwrap().into_iter().rfind(|name| crate::journal::number_of(name, ".seg").is_some()).unwrap();
    let segment = crate::journal::Segment::open_whole(&disk, crate::journal::number_of(&name, ".seg").unwrap()).unwrap();
    let mut walk = crate::journal::Walk::new(&segment, 0);
    let mut ends = vec![];
    while let crate::journal::Step::Frame { kind, end, .. } = walk.step(&mut Vec::new()).unwrap() {
        ends.extend((kind == crate::journal::Kind::Batch).then_some(end));
    }
    disk.alter(&name, |file| file.truncate(ends[ends.len() - 2] as usize));
    assert!(open(dir.path(), &disk).await.is_err());
    let (report, _) = repaired(dir.path(), &disk, &before, "a missing end").await;
    assert_eq!(report.damaged.len(), 1, "{report:?}");
    disk.remove(&name).unwrap();
    let before = (before.0, BTreeMap::new());
    repaired(dir.path(), &disk, &before, "a missing last segment").await;
}

/// The power goes at any operation of a repair: the next one ends it.
#[tokio::test(flavor = "multi_thread")]
async fn a_repair_that_is_interrupted_is_begun_anew() {
    let dir = tempfile::tempdir().unwrap();
    let disk = filled(dir.path(), false).await;
    let before = sound_state(dir.path(), &disk).await;
    let files = snapshot(&disk);
    let segments: Vec<_> = files.keys().filter(|name| crate::journal::number_of(name, ".seg").is_some()).cloned().collect();
    let mut operations = 0;
    for operation in 0.. {
        crate::index::Index::remove(&dir.path().join("index.sqlite")).unwrap();
        let disk = restored(&files);
        for (at, name) in segments.iter().enumerate().skip(1).step_by(2) {
            disk.alter(name, |file| file[200 + at * 40] ^= 1);
        }
        disk.remove(&segments[2]).unwrap();
        disk.die_after(operation);
        let outcome = repair_on(dir.path(), Arc::new(disk.clone()), &options(), Repair::Do).await;
        let disk = disk.after_crash(&mut Dice(operation));
        if outcome.is_ok() {
            break;
        }
        operations += 1;
        let report = repair(dir.path(), &disk, Repair::Do).await;
        let engine = open(dir.path(), &disk).await.unwrap_or_else(|error| panic!("operation {operation}: {error}; {report:?}"));
        assert_eq!(engine.check().await.unwrap().faults, Vec::<String>::new(), "operation {operation}: {report:?}");
        let left = there(&engine).await;
        for (id, head) in &left.1 {
            assert!(head.uid_next >= before.1[id].uid_next && head.modseq >= before.1[id].modseq, "operation {operation}");
        }
        engine.close().await;
    }
    assert!(operations > 10, "{operations}");
}
