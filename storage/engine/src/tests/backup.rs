//! Backups: each snapshot is the store as it was, whatever came after it, and so is each moment; the power may go at any operation of
//! making one; damage is found; nothing that is written meanwhile is held up or half there.

use super::model::{Act, Ids, Model, batch};
use super::property::{acts, options};
use super::simdisk::{Dice, SimDisk};
use super::world::{collection, commit, create, expunge, item, put, uids};
use crate::backup::{BackupError, BackupRequest, Past, Progress, Target, VerifyReport, verify_on};
use crate::disk::{Disk, RealDisk};
use crate::journal::{FRAME_HEADER_BYTES, Frame, Kind, Runs, Segment, Step, Walk, committed_at, number_of, segment_name, survey};
use crate::{Batch, Embedded, Engine, Options, Part, ReadError};
use octroi_model::{CollectionId, CollectionKind, Flags, UnixTime};
use proptest::prelude::*;
use std::path::Path;
use std::sync::Arc;

/// A backup on a simulated disk; the two folders are one each.
#[derive(Debug, Clone, Default)]
struct Shelves {
    files: SimDisk,
    snapshots: SimDisk,
}

impl Shelves {
    fn target(&self) -> Target {
        Target::new(Arc::new(self.files.clone()), Arc::new(self.snapshots.clone()))
    }

    fn after_crash(&self, dice: &mut Dice) -> Self {
        Self { files: self.files.after_crash(dice), snapshots: self.snapshots.after_crash(dice) }
    }

    fn names(&self) -> Vec<String> {
        self.target().names().unwrap()
    }

    async fn verify(&self, snapshot: &str) -> VerifyReport {
        let scratch = tempfile::tempdir().unwrap();
        verify_on(self.target(), Some(snapshot), scratch.path(), &Arc::default()).await.unwrap()
    }

    /// A store in `dir`, restored from a snapshot.
    async fn restored(&self, snapshot: &str, dir: &Path, options: Options) -> Arc<Embedded> {
        let target = self.target();
        let manifest = target.manifest(snapshot).unwrap();
        let disk = RealDisk::open(&dir.join("journal")).unwrap();
        crate::backup::journal_into(&target, &manifest.journal, &disk, &Progress::default()).unwrap();
        Embedded::open(dir, options).await.unwrap()
    }

    /// Have a snapshot say that it was made at another time.
    fn set_time(&self, name: &str, time: i64) {
        let mut manifest = self.target().manifest(name).unwrap();
        manifest.time = UnixTime(time);
        self.snapshots.remove(&format!("{name}.json")).unwrap();
        self.target().publish(&manifest).unwrap();
    }

    async fn past(&self, at: Option<i64>) -> Result<Past, BackupError> {
        let scratch = tempfile::tempdir().unwrap();
        let past = Past::open_on(&self.target(), None, at.map(UnixTime), scratch.path(), &Arc::default()).await;
        // The scratch folder lies in this one, and is removed when the past is.
        let _ = scratch.keep();
        past
    }
}

const FIRST: [(u64, &str, bool); 2] = [(1, "Files", false), (2, "Mail", true)];

async fn begin(engine: &Embedded) -> (Model, Ids) {
    let first = FIRST.map(|(id, name, mailbox)| Act::Create { id, parent: None, name: name.into(), mailbox });
    let mut model = Model::default();
    model.act(&first).unwrap();
    engine.commit(batch(engine, &first).await).await.unwrap();
    (model, Ids::new(1000))
}

/// Whether it was done.
async fn act(engine: &Embedded, model: &mut Model, ids: &mut Ids, mut acts: Vec<Act>) -> bool {
    ids.translate(model, &mut acts);
    let asked = batch(engine, &acts).await;
    let real = engine.commit(asked).await.map(|_| ());
    assert_eq!(real, model.act(&acts), "{acts:?}");
    real.is_ok()
}

#[derive(Debug, Clone)]
enum Do {
    Commit(Vec<Act>),
    Snapshot,
    /// Close, go back to this snapshot (of those there are), and go on from there with the same backup.
    GoBack(usize),
    /// Give back all space that can be.
    Compact,
    Reopen,
}

fn step() -> impl Strategy<Value = Do> {
    prop_oneof![
        12 => acts().prop_map(Do::Commit),
        3 => Just(Do::Snapshot),
        1 => (0usize..8).prop_map(Do::GoBack),
        1 => Just(Do::Reopen),
        2 => Just(Do::Compact),
    ]
}

async fn run(steps: Vec<Do>) -> Result<(), TestCaseError> {
    let mut dir = tempfile::tempdir().unwrap();
    let shelves = Shelves::default();
    let mut engine = Embedded::open(dir.path(), options(true)).await.unwrap();
    let (mut model, mut ids) = begin(&engine).await;
    let mut made: Vec<(String, Model, Ids)> = Vec::new();
    for step in steps.into_iter().chain([Do::Snapshot]) {
        match step {
            Do::Commit(acts) => drop(act(&engine, &mut model, &mut ids, acts).await),
            Do::Snapshot => {
                let report = engine.back_up(shelves.target()).await.unwrap();
                made.push((report.snapshot, model.clone(), ids.clone()));
            }
            Do::Compact => drop(engine.compact(true, Arc::new(|_| ())).await.unwrap()),
            Do::Reopen => {
                engine.abandon().await;
                engine = Embedded::open(dir.path(), options(true)).await.unwrap();
            }
            Do::GoBack(which) => {
                let Some((name, then, then_ids)) = made.get(which % made.len().max(1)).cloned() else { continue };
                engine.abandon().await;
                dir = tempfile::tempdir().unwrap();
                engine = shelves.restored(&name, dir.path(), options(true)).await;
                (model, ids) = (then, then_ids);
            }
        }
    }
    engine.abandon().await;
    for (name, model, _) in &made {
        let dir = tempfile::tempdir().unwrap();
        let restored = shelves.restored(name, dir.path(), options(true)).await;
        prop_assert_eq!(model.compare(&restored).await, Ok(()), "snapshot {}", name);
        prop_assert_eq!(restored.check().await.unwrap().faults, Vec::<String>::new());
        restored.abandon().await;
        prop_assert_eq!(shelves.verify(name).await.faults, Vec::<String>::new());
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]
    #[test]
    fn each_snapshot_is_the_store_as_it_was(steps in prop::collection::vec(step(), 1..50)) {
        runtime().block_on(run(steps))?;
    }

    #[test]
    fn each_moment_is_the_store_as_it_was(commits in prop::collection::vec(acts(), 1..30), snapshot_after in 0usize..30) {
        runtime().block_on(moments(commits, snapshot_after))?;
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// When the first batch was committed, in [`moments`]; the others follow ten seconds apart.
const EPOCH: i64 = 1_000_000_000;

/// Write into the journal other times than those at which its batches were really committed. They are as long as the real ones.
fn set_times(disk: &dyn Disk) -> i64 {
    let mut next = EPOCH;
    for known in survey(disk).unwrap().segments {
        let segment = Segment::open_whole(disk, known.header.number).unwrap();
        let mut walk = Walk::new(&segment, 0);
        let mut payload = Vec::new();
        while let Step::Frame { kind, start, .. } = walk.step(&mut payload).unwrap() {
            if kind == Kind::Body {
                continue;
            }
            let old = postcard::to_stdvec(&committed_at(&payload).unwrap()).unwrap();
            let new = postcard::to_stdvec(&UnixTime(next)).unwrap();
            assert_eq!(old.len(), new.len());
            payload[..new.len()].copy_from_slice(&new);
            let frame = Frame { kind, payload_bytes: payload.len() as u64, group_start: start, crc: crc32fast::hash(&payload) };
            segment.file.write_at(&frame.seal(&segment.header.key, start), start).unwrap();
            segment.file.write_at(&payload, start + FRAME_HEADER_BYTES as u64).unwrap();
            next += 10;
        }
    }
    next - 10
}

async fn moments(commits: Vec<Vec<Act>>, snapshot_after: usize) -> Result<(), TestCaseError> {
    let (dir, disk) = (tempfile::tempdir().unwrap(), SimDisk::default());
    let open = async || Embedded::open_on(dir.path(), Arc::new(disk.clone()), options(true), None).await.unwrap();
    let mut engine = open().await;
    let (mut model, mut ids) = begin(&engine).await;
    let shelves = Shelves::default();
    let mut models = vec![model.clone()];
    let count = commits.len();
    for (at, acts) in commits.into_iter().enumerate() {
        if act(&engine, &mut model, &mut ids, acts).await {
            models.push(model.clone());
        }
        if at == snapshot_after || at + 1 == count {
            engine.close().await;
            let last = set_times(&disk);
            prop_assert_eq!((last - EPOCH) / 10 + 1, models.len() as i64);
            engine = open().await;
            let name = engine.back_up(shelves.target()).await.unwrap().snapshot;
            shelves.set_time(&name, last + 5);
        }
    }
    engine.close().await;
    for (number, model) in (0..).zip(&models) {
        let past = shelves.past(Some(EPOCH + number * 10 + number % 5)).await.unwrap();
        prop_assert_eq!(model.compare_past(&past).await, Ok(()), "moment {}", number);
        past.close().await;
    }
    prop_assert!(matches!(shelves.past(Some(EPOCH - 1)).await, Err(BackupError::Moment(_))));
    prop_assert!(matches!(shelves.past(Some(i64::from(u32::MAX))).await, Err(BackupError::Moment(_))));
    Ok(())
}

/// A store with three segments, an expunged message and a large one, on any disk.
async fn filled(dir: &Path, disk: Arc<dyn Disk>) -> Arc<Embedded> {
    let options = Options { segment_bytes_max: 6000, ..Options::default() };
    let engine = Embedded::open_on(dir, disk, options, None).await.unwrap();
    commit(&engine, create(collection(1, None, "Mail", CollectionKind::Mailbox))).await.unwrap();
    let mut dice = Dice(7);
    for _ in 0..9 {
        put(&engine, 1, None, &dice.octets(1500)).await.unwrap();
    }
    commit(&engine, expunge(1, uids(&[2]))).await.unwrap();
    engine
}

async fn put_large(engine: &Embedded, id: u64, octet: u8) {
    let mut stage = engine.stage().await.unwrap();
    stage.write(&vec![octet; 1_200_000]).await.unwrap();
    let body = stage.finish(None).await.unwrap();
    let mut asked = Batch::new();
    let body = asked.body(body);
    asked.put(CollectionId(id), item(Flags::NONE, None), body);
    engine.commit(asked).await.unwrap();
}

/// The power goes at every operation of a backup in turn, in either folder: the snapshot before it is whole, and the next one is made.
#[test]
fn the_power_may_go_at_every_operation_of_a_backup() {
    runtime().block_on(async {
        let mut operation = 0;
        loop {
            let mut cut = false;
            for (in_files, seed) in [(true, 1), (true, 2), (false, 3), (false, 4)] {
                cut |= cut_short(operation, in_files, seed).await;
            }
            if !cut {
                break;
            }
            operation += 1;
        }
        assert!(operation > 10, "{operation} operations");
    });
}

/// Whether the power went before the backup was made.
async fn cut_short(operation: u64, in_files: bool, seed: u64) -> bool {
    let (dir, mut dice) = (tempfile::tempdir().unwrap(), Dice(seed));
    let engine = filled(dir.path(), Arc::new(SimDisk::default())).await;
    let mut shelves = Shelves::default();
    let first = engine.back_up(shelves.target()).await.unwrap().snapshot;
    put_large(&engine, 1, 1).await;
    for _ in 0..5 {
        put(&engine, 1, None, &dice.octets(1500)).await.unwrap();
    }
    let dying = if in_files { &shelves.files } else { &shelves.snapshots };
    dying.die_after(operation);
    let cut = engine.back_up(shelves.target()).await.is_err();
    shelves = shelves.after_crash(&mut dice);
    for name in shelves.names() {
        assert_eq!(shelves.verify(&name).await.faults, Vec::<String>::new(), "operation {operation}, snapshot {name}");
    }
    assert!(shelves.names().contains(&first));
    let next = engine.back_up(shelves.target()).await.unwrap().snapshot;
    let report = shelves.verify(&next).await;
    assert_eq!((report.faults, report.items), (Vec::new(), 14));
    engine.abandon().await;
    cut
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_new_is_copied() {
    let dir = tempfile::tempdir().unwrap();
    let disk = SimDisk::default();
    let engine = filled(dir.path(), Arc::new(disk.clone())).await;
    put_large(&engine, 1, 1).await;
    let shelves = Shelves::default();
    let first = engine.back_up(shelves.target()).await.unwrap();
    assert_eq!(first.copied_bytes, first.bytes);
    let again = engine.back_up(shelves.target()).await.unwrap();
    assert_eq!((again.copied_bytes, again.bytes), (0, first.bytes), "nothing has happened");
    put(&engine, 1, None, &Dice(1).octets(100)).await.unwrap();
    let next = engine.back_up(shelves.target()).await.unwrap();
    assert!((100..1000).contains(&next.copied_bytes), "{next:?}");
    // However often, a copy is of few pieces.
    for round in 0..40 {
        put(&engine, 1, None, &Dice(round).octets(10)).await.unwrap();
        engine.back_up(shelves.target()).await.unwrap();
    }
    let (_, manifest) = shelves.target().choose(None).unwrap();
    assert!(manifest.journal.iter().all(|stored| stored.pieces.len() <= 17), "{manifest:?}");
    // The clock is put back: by a little, the order stays; by much, somebody must look at it.
    let now = UnixTime::now().0;
    let newest = shelves.names().pop().unwrap();
    shelves.set_time(&newest, now + 1000);
    let later = engine.back_up(shelves.target()).await.unwrap().snapshot;
    assert_eq!(shelves.names().pop(), Some(later.clone()));
    shelves.set_time(&later, now + 1_000_000);
    assert!(matches!(engine.back_up(shelves.target()).await, Err(BackupError::Failed(_))));
    // What an interrupted backup has copied is not copied again: here, all but the manifests is there.
    let files_only = Shelves { files: shelves.files.clone(), snapshots: SimDisk::default() };
    assert_eq!(engine.back_up(files_only.target()).await.unwrap().copied_bytes, 0);
    engine.close().await;
}

/// Each single file of a backup is damaged in turn, cut, and removed: verify names it.
#[tokio::test(flavor = "multi_thread")]
async fn damage_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let engine = filled(dir.path(), Arc::new(SimDisk::default())).await;
    put_large(&engine, 1, 1).await;
    let shelves = Shelves::default();
    let name = engine.back_up(shelves.target()).await.unwrap().snapshot;
    engine.close().await;
    let mut dice = Dice(3);
    for file in shelves.files.list().unwrap() {
        for way in 0..3 {
            let mut was = Vec::new();
            shelves.files.alter(&file, |octets| {
                was.clone_from(octets);
                let at = dice.below(octets.len() as u64) as usize;
                match way {
                    0 => octets[at] ^= 1,
                    1 => octets.truncate(at),
                    _ => octets.push(0),
                }
            });
            let faults = shelves.verify(&name).await.faults;
            assert!(faults.iter().any(|fault| fault.contains(&file)), "{file}, way {way}: {faults:?}");
            shelves.files.alter(&file, |octets| *octets = was);
        }
    }
    assert_eq!(shelves.verify(&name).await.faults, Vec::<String>::new());
    let gone = shelves.files.list().unwrap().remove(0);
    shelves.files.remove(&gone).unwrap();
    assert!(shelves.verify(&name).await.faults.iter().any(|fault| fault.contains(&gone)));
    shelves.snapshots.alter(&format!("{name}.json"), |octets| octets[30] ^= 1);
    let scratch = tempfile::tempdir().unwrap();
    let all = verify_on(shelves.target(), None, scratch.path(), &Arc::default()).await.unwrap();
    assert!(all.faults[0].contains(&name), "{:?}", all.faults);
    assert!(shelves.target().prune(1).is_err(), "what the manifest names is not known");
}

/// From a backup in which a batch is damaged, all else can still be had, and the place is named.
#[tokio::test(flavor = "multi_thread")]
async fn damage_takes_along_only_what_it_hit() {
    let (dir, disk) = (tempfile::tempdir().unwrap(), SimDisk::default());
    let engine = filled(dir.path(), Arc::new(disk.clone())).await;
    let third = engine.view(CollectionId(1)).await.unwrap().at(1).unwrap().clone();
    assert_eq!(third.uid.0, 3);
    let shelves = Shelves::default();
    engine.back_up(shelves.target()).await.unwrap();
    engine.close().await;
    let first =
        shelves.files.list().unwrap().into_iter().find(|name| name.starts_with(&format!("{:016x}", third.content.segment))).unwrap();
    // Behind the content stands the batch that put it there.
    let batch = third.content.offset as usize + third.content.body_stored as usize + 4 + FRAME_HEADER_BYTES + 8;
    shelves.files.alter(&first, |octets| octets[batch] ^= 1);
    let past = shelves.past(None).await.unwrap();
    assert_eq!(past.faults().len(), 1, "{:?}", past.faults());
    let there: Vec<u32> = past.items(CollectionId(1), octroi_model::Uid(0), 100).await.unwrap().iter().map(|item| item.uid.0).collect();
    assert_eq!(there, [1, 4, 5, 6, 7, 8, 9]);
    past.close().await;
}

/// Everything that was acknowledged before a backup is begun is in it, and what comes meanwhile whole or not at all.
#[tokio::test(flavor = "multi_thread")]
async fn many_write_while_backups_are_made() {
    const SESSIONS: u64 = 6;
    let dir = tempfile::tempdir().unwrap();
    let options = Options { segment_bytes_max: 30_000, ..Options::default() };
    let engine = Embedded::open(dir.path(), options.clone()).await.unwrap();
    for session in 1..=SESSIONS {
        commit(&engine, create(collection(session, None, &format!("m{session}"), CollectionKind::Mailbox))).await.unwrap();
    }
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let mut writers = Vec::new();
    for session in 1..=SESSIONS {
        let (engine, stop) = (engine.clone(), stop.clone());
        writers.push(tokio::spawn(async move {
            let mut dice = Dice(session);
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                let bytes = dice.below(3000) as usize;
                put(&engine, session, None, &dice.octets(bytes)).await.unwrap();
                if session == 2 && dice.one_in(10) {
                    put_large(&engine, 2, dice.roll() as u8).await;
                }
            }
        }));
    }
    // Space is given back all the time: of what is copied, and of what is about to be.
    let (compacting, stop_too) = (engine.clone(), stop.clone());
    writers.push(tokio::spawn(async move {
        while !stop_too.load(std::sync::atomic::Ordering::Relaxed) {
            let highest = compacting.collection(CollectionId(2)).unwrap().head.uid_next.0;
            commit(&compacting, expunge(2, uids(&(1..highest.saturating_sub(5)).collect::<Vec<_>>()))).await.unwrap();
            compacting.compact(true, Arc::new(|_| ())).await.unwrap();
        }
    }));
    let shelves = Shelves::default();
    let mut before = Vec::new();
    for _ in 0..6 {
        let counts: Vec<u32> = (1..=SESSIONS).map(|id| engine.collection(CollectionId(id)).unwrap().head.items).collect();
        before.push((counts, engine.back_up(shelves.target()).await.unwrap().snapshot));
    }
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    for writer in writers {
        writer.await.unwrap();
    }
    engine.close().await;
    for (counts, name) in before {
        assert_eq!(shelves.verify(&name).await.faults, Vec::<String>::new());
        let dir = tempfile::tempdir().unwrap();
        let restored = shelves.restored(&name, dir.path(), options.clone()).await;
        for (id, count) in (1..).zip(counts).filter(|(id, _)| *id != 2) {
            assert!(restored.collection(CollectionId(id)).unwrap().head.items >= count);
        }
        assert_eq!(restored.check().await.unwrap().faults, Vec::<String>::new());
        restored.abandon().await;
    }
}

/// Put a file in place of a closed segment that lacks the contents of uid 2, as compaction does.
fn compact(disk: &SimDisk, number: u64, offset: u64) {
    let segment = Segment::open_whole(disk, number).unwrap();
    let mut header = segment.header.clone();
    header.generation = 1;
    let header = header.encode();
    let mut octets = header.clone();
    let mut runs = Runs::new(segment.bytes);
    let mut walk = Walk::new(&segment, 0);
    let mut payload = Vec::new();
    while let Step::Frame { start, end, .. } = walk.step(&mut payload).unwrap() {
        if start + FRAME_HEADER_BYTES as u64 != offset {
            runs.keep(start, end - start);
            let mut frame = vec![0; (end - start) as usize];
            segment.read_at(&mut frame, start).unwrap();
            octets.extend(frame);
        }
    }
    octets.extend(runs.encode(&header));
    let file = disk.create("compacted").unwrap();
    file.write_at(&octets, 0).unwrap();
    disk.rename("compacted", &segment_name(number)).unwrap();
    disk.sync_dir().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compacted_segment_is_copied_anew_and_the_older_copy_stays() {
    let (dir, disk) = (tempfile::tempdir().unwrap(), SimDisk::default());
    let open =
        async || Embedded::open_on(dir.path(), Arc::new(disk.clone()), Options { segment_bytes_max: 6000, ..Options::default() }, None);
    filled(dir.path(), Arc::new(disk.clone())).await.close().await;
    let before = set_times(&disk) - 10;
    let engine = open().await.await.unwrap();
    let shelves = Shelves::default();
    let first = engine.back_up(shelves.target()).await.unwrap();
    engine.close().await;
    let past = shelves.past(Some(before)).await.unwrap();
    let second = past.items(CollectionId(1), octroi_model::Uid(1), 1).await.unwrap().remove(0);
    let octets = past.read(second.content, Part::Whole).await.unwrap();
    past.close().await;
    compact(&disk, second.content.segment, second.content.offset);
    let engine = open().await.await.unwrap();
    let compacted = engine.back_up(shelves.target()).await.unwrap();
    assert!(compacted.copied_files == 1 && compacted.bytes < first.bytes, "{compacted:?} after {first:?}");
    assert_eq!(engine.back_up(shelves.target()).await.unwrap().copied_files, 0);
    engine.close().await;
    for name in shelves.names() {
        assert_eq!(shelves.verify(&name).await.faults, Vec::<String>::new(), "{name}");
    }
    // The moment at which the message was there is read from the snapshot that still has it; when that is gone, its octets are too.
    let past = shelves.past(Some(before)).await.unwrap();
    assert_eq!(past.snapshot(), first.snapshot);
    assert_eq!(past.read(second.content, Part::Whole).await.unwrap(), octets);
    past.close().await;
    let pruned = shelves.target().prune(1).unwrap();
    assert!(pruned.files == 1 && pruned.snapshots.len() == 2, "{pruned:?}");
    let left = shelves.names();
    assert_eq!(left.len(), 1);
    assert_eq!(shelves.verify(&left[0]).await.faults, Vec::<String>::new());
    let past = shelves.past(Some(before)).await.unwrap();
    assert!(past.items(CollectionId(1), octroi_model::Uid(1), 1).await.unwrap().contains(&second));
    assert_eq!(past.read(second.content, Part::Whole).await, Err(ReadError::Gone));
    past.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_is_backed_up_and_restored_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let (data, folder) = (dir.path().join("data"), dir.path().join("backup"));
    let engine = Embedded::open(&data, Options::default()).await.unwrap();
    std::fs::write(data.join("secret.key"), "of this store").unwrap();
    commit(&engine, create(collection(1, None, "Mail", CollectionKind::Mailbox))).await.unwrap();
    put(&engine, 1, None, b"octets").await.unwrap();
    put_large(&engine, 1, 3).await;
    let request = |folder: &Path| BackupRequest { folder: folder.into(), beside: vec!["secret.key".into()], reminder: "keep more".into() };
    engine.backup(request(&folder), Arc::default()).await.unwrap();
    assert!(engine.backup(request(&data.join("inside")), Arc::default()).await.is_err());
    assert!(!data.join("inside").exists());
    let foreign = dir.path().join("foreign");
    std::fs::create_dir(&foreign).unwrap();
    std::fs::write(foreign.join("letter"), "dear").unwrap();
    assert!(matches!(engine.backup(request(&foreign), Arc::default()).await, Err(BackupError::Failed(_))));
    assert!(matches!(engine.backup(request(&dir.path().join("no/such/disk")), Arc::default()).await, Err(BackupError::Failed(_))));
    let stopped = Arc::new(Progress::default());
    stopped.stop();
    assert_eq!(engine.backup(request(&folder), stopped).await, Err(BackupError::Stopped));
    let locked = Target::open(&folder).unwrap();
    assert_eq!(engine.backup(request(&folder), Arc::default()).await, Err(BackupError::Busy));
    drop(locked);
    engine.close().await;
    let mut todo = vec![folder.clone()];
    while let Some(at) = todo.pop() {
        let mode = std::fs::metadata(&at).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, if at.is_dir() { 0o700 } else { 0o600 }, "{}", at.display());
        if at.is_dir() {
            todo.extend(std::fs::read_dir(&at).unwrap().map(|entry| entry.unwrap().path()));
        }
    }
    let scratch = dir.path().join("scratch");
    std::fs::create_dir(&scratch).unwrap();
    let report = crate::verify_backup(&folder, None, &scratch, &Arc::default()).await.unwrap();
    assert_eq!((report.faults, report.items), (vec![], 2));
    assert_eq!(std::fs::read_dir(&scratch).unwrap().count(), 0, "nothing is left behind");
    let listed = crate::list_snapshots(&folder).unwrap();
    assert_eq!((listed.len(), &*listed[0].reminder, listed[0].beside.len()), (1, "keep more", 1));

    // Pruning takes nothing that is not a backup's.
    std::fs::write(folder.join("files/letter"), "dear").unwrap();
    assert_eq!(crate::prune_snapshots(&folder, 1).unwrap().files, 0);
    assert!(folder.join("files/letter").exists());

    let restored = dir.path().join("restored");
    // What an interrupted restore has left is no hindrance; anything else is.
    std::fs::create_dir_all(restored.join("journal.restoring/x")).unwrap();
    crate::restore_snapshot(&folder, None, &restored, &Progress::default()).unwrap();
    assert!(matches!(crate::restore_snapshot(&folder, None, &restored, &Progress::default()), Err(BackupError::NotEmpty(_))));
    assert_eq!(std::fs::read_to_string(restored.join("secret.key")).unwrap(), "of this store");
    let engine = Embedded::open(&restored, Options::default()).await.unwrap();
    assert_eq!(engine.check().await.unwrap().items, 2);
    engine.close().await;
    let large = std::fs::read_dir(restored.join("journal")).unwrap();
    assert_eq!(large.filter(|entry| number_of(&entry.as_ref().unwrap().file_name().to_string_lossy(), ".big").is_some()).count(), 1);
}
