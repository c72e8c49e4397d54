//! Damage that is planted: opening refuses what would lose acknowledged batches, cuts off only what never was; check finds the rest.

use super::simdisk::SimDisk;
use super::world::{collection, commit, create, put};
use crate::disk::Disk;
use crate::{Embedded, Engine, OpenError, Options};
use octroi_model::{CollectionId, CollectionKind};
use std::path::Path;
use std::sync::Arc;

const BOX: CollectionId = CollectionId(10);

async fn open(dir: &Path, disk: &SimDisk) -> Result<Arc<Embedded>, OpenError> {
    let options = Options { segment_bytes_max: 4000, ..Options::default() };
    Embedded::open_on(dir, Arc::new(disk.clone()), options, None).await
}

/// A store with a few segments, closed.
async fn filled(dir: &Path) -> SimDisk {
    let disk = SimDisk::default();
    let engine = open(dir, &disk).await.unwrap();
    commit(&engine, create(collection(10, None, "INBOX", CollectionKind::Mailbox))).await.unwrap();
    for round in 0..30u8 {
        put(&engine, 10, None, &[round; 300]).await.unwrap();
    }
    engine.close().await;
    disk
}

fn segments(disk: &SimDisk) -> Vec<String> {
    disk.list().unwrap()
}

async fn faults(dir: &Path, disk: &SimDisk) -> Vec<String> {
    let engine = open(dir, disk).await.unwrap();
    let report = engine.check().await.unwrap();
    engine.close().await;
    report.faults
}

#[tokio::test]
async fn what_is_whole_has_no_faults() {
    let dir = tempfile::tempdir().unwrap();
    let disk = filled(dir.path()).await;
    assert!(segments(&disk).len() >= 3);
    let engine = open(dir.path(), &disk).await.unwrap();
    let report = engine.check().await.unwrap();
    assert_eq!((report.faults.len(), report.items, report.frames), (0, 30, 61));
    assert_eq!(report.segments, segments(&disk).len() as u64);
    engine.close().await;
}

#[tokio::test]
async fn a_rotten_octet_anywhere_is_found_by_check() {
    let dir = tempfile::tempdir().unwrap();
    let disk = filled(dir.path()).await;
    let name = segments(&disk)[0].clone();
    let mut bytes = 0;
    disk.alter(&name, |file| bytes = file.len());
    for at in (80..bytes).step_by(97) {
        disk.alter(&name, |file| file[at] ^= 0x10);
        let found = faults(dir.path(), &disk).await;
        assert!(!found.is_empty() && found[0].contains(&name), "octet {at}: {found:?}");
        disk.alter(&name, |file| file[at] ^= 0x10);
    }
    assert_eq!(faults(dir.path(), &disk).await, Vec::<String>::new());
}

#[tokio::test]
async fn rot_in_the_journal_is_not_taken_for_a_tear() {
    let dir = tempfile::tempdir().unwrap();
    let disk = filled(dir.path()).await;
    crate::index::Index::remove(&dir.path().join("index.sqlite")).unwrap();
    let names = segments(&disk);
    // In a segment that others follow, and in the last one with later groups behind it.
    for name in [&names[0], names.last().unwrap()] {
        disk.alter(name, |file| file[130] ^= 1);
        let refused = open(dir.path(), &disk).await.unwrap_err();
        assert!(matches!(&refused, OpenError::Corrupt { file, offset, .. } if file == name && *offset <= 130), "{refused}");
        disk.alter(name, |file| file[130] ^= 1);
    }
    open(dir.path(), &disk).await.unwrap().close().await;
}

#[tokio::test]
async fn a_torn_tail_is_cut_off_and_not_written_behind() {
    let dir = tempfile::tempdir().unwrap();
    let disk = filled(dir.path()).await;
    let last = segments(&disk).last().unwrap().clone();
    let mut whole = 0;
    disk.alter(&last, |file| {
        whole = file.len();
        // The beginning of a frame that was being written.
        let beginning = file[80..140].to_vec();
        file.extend(beginning);
    });
    let engine = open(dir.path(), &disk).await.unwrap();
    assert_eq!(engine.view(BOX).await.unwrap().len(), 30);
    put(&engine, 10, None, b"after").await.unwrap();
    assert_eq!(engine.check().await.unwrap().faults, Vec::<String>::new());
    engine.close().await;
    disk.alter(&last, |file| assert_eq!(file.len(), whole));
    assert!(segments(&disk).last().unwrap() > &last);
}

#[tokio::test]
async fn a_segment_that_is_missing_or_shorter_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let disk = filled(dir.path()).await;
    let names = segments(&disk);
    let mut kept = Vec::new();
    disk.alter(&names[1], |file| kept.clone_from(file));
    disk.alter(&names[1], |file| file.truncate(file.len() - 40));
    assert!(matches!(open(dir.path(), &disk).await.unwrap_err(), OpenError::Corrupt { file, .. } if file == names[1]));
    disk.remove(&names[1]).unwrap();
    assert_eq!(open(dir.path(), &disk).await.unwrap_err(), OpenError::Missing(names[1].clone()));
    disk.create(&names[1]).unwrap().write_at(&kept, 0).unwrap();
    open(dir.path(), &disk).await.unwrap().close().await;
    // The last one: only the index knows of it.
    disk.remove(names.last().unwrap()).unwrap();
    assert_eq!(open(dir.path(), &disk).await.unwrap_err(), OpenError::Missing(names.last().unwrap().clone()));
}

#[tokio::test]
async fn an_index_that_differs_is_found_by_check() {
    let alterations = [
        ("UPDATE item_blocks SET record = CAST(substr(record, 1, 2) || x'01' || substr(record, 4) AS BLOB)", "item of collection 10"),
        ("INSERT INTO item_blocks SELECT collection, 999, record FROM item_blocks LIMIT 1", "item of collection 10"),
        ("UPDATE heads SET unseen = unseen - 1", "head of collection 10"),
        ("DELETE FROM item_blocks", "item of collection 10"),
        ("INSERT INTO tombstones (collection, modseq, count, record) VALUES (10, 3, 1, x'01')", "tombstone of collection 10"),
        ("INSERT INTO large VALUES (1, 10, 4)", "large content of collection 10"),
        ("UPDATE collections SET record = x'00'", ""),
    ];
    for (sql, what) in alterations {
        let dir = tempfile::tempdir().unwrap();
        let disk = filled(dir.path()).await;
        let path = dir.path().join("index.sqlite");
        let mut connection = <sqlx::SqliteConnection as sqlx::Connection>::connect(&format!("sqlite://{}", path.display())).await.unwrap();
        sqlx::query(sql).execute(&mut connection).await.unwrap();
        sqlx::Connection::close(connection).await.unwrap();
        match open(dir.path(), &disk).await {
            Ok(engine) => {
                let found = engine.check().await.unwrap().faults;
                assert!(found.iter().any(|fault| fault.contains(what)), "{sql}: {found:?}");
                engine.close().await;
            }
            // A record that cannot be read is noticed at once.
            Err(refused) => assert!(what.is_empty(), "{sql}: {refused}"),
        }
    }
}

#[tokio::test]
async fn an_index_that_cannot_be_used_is_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let disk = filled(dir.path()).await;
    let path = dir.path().join("index.sqlite");
    std::fs::write(&path, b"this is not a database, although it is long enough to be taken for one".repeat(100)).unwrap();
    assert_eq!(faults(dir.path(), &disk).await, Vec::<String>::new());
    let mut connection = <sqlx::SqliteConnection as sqlx::Connection>::connect(&format!("sqlite://{}", path.display())).await.unwrap();
    sqlx::query("UPDATE meta SET value = 0 WHERE key = 'version'").execute(&mut connection).await.unwrap();
    sqlx::query("DELETE FROM item_blocks").execute(&mut connection).await.unwrap();
    sqlx::Connection::close(connection).await.unwrap();
    assert_eq!(faults(dir.path(), &disk).await, Vec::<String>::new());
}
