//! The search index: what it says is what scanning says, at any time and whatever happens to its file.

use super::simdisk::{Dice, SimDisk};
use super::world::{account, collection, commit, create, expunge, item, put, uids};
use crate::{Batch, Body, Change, CommitError, Embedded, Engine, Extractor, Found, Options, Part, Piece, Sought, View, Within};
use octroi_model::{AccountId, Collection, CollectionId, CollectionKind, Flags, Head};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

const BOX: CollectionId = CollectionId(10);
const OTHER: CollectionId = CollectionId(11);

/// Lines `name: value`, an empty line, pieces of text with `|` between them.
fn extract(octets: &[u8], header_bytes: usize, show: &mut dyn FnMut(Piece<'_>)) {
    let text = String::from_utf8_lossy(octets);
    let (header, body) = text.split_at(header_bytes);
    for line in header.lines() {
        if let Some((name, _)) = line.split_once(": ") {
            show(Piece::Field { name: Some(name), line, value_at: name.len() + 2 });
        }
    }
    body.split('|').for_each(|piece| show(Piece::Body(piece)));
}

fn scan(octets: &[u8], header_bytes: usize, sought: &Sought) -> bool {
    let mut found = false;
    extract(octets, header_bytes, &mut |piece| {
        found |= match (&sought.within, piece) {
            (Within::Header, Piece::Field { line, .. }) => line.contains(&sought.text),
            (Within::Field(field), Piece::Field { name, line, value_at }) => name == Some(field) && line[value_at..].contains(&sought.text),
            (Within::Body, Piece::Body(text)) => text.contains(&sought.text),
            _ => false,
        };
    });
    found
}

fn options() -> Options {
    Options {
        segment_bytes_max: 60_000,
        extractor: Some(Extractor::new(|octets, header, show| extract(octets, header.unwrap_or(0), show))),
        ..Options::default()
    }
}

async fn open(dir: &Path) -> Arc<Embedded> {
    Embedded::open(dir, options()).await.unwrap()
}

async fn new(dir: &Path) -> Arc<Embedded> {
    let engine = open(dir).await;
    for (id, name) in [(BOX, "INBOX"), (OTHER, "Archive")] {
        commit(&engine, create(collection(id.0, None, name, CollectionKind::Mailbox))).await.unwrap();
    }
    engine
}

async fn deliver(engine: &Embedded, into: CollectionId, header: &str, body: &str) {
    try_deliver(engine, into, header, body).await.unwrap();
}

async fn try_deliver(engine: &Embedded, into: CollectionId, header: &str, body: &str) -> Result<(), CommitError> {
    let mut batch = Batch::new();
    let body = batch.body(Body::message(b"", format!("{header}{body}").as_bytes(), header.len()));
    batch.put(into, item(Flags::NONE, None), body);
    engine.commit(batch).await.map(|_| ())
}

/// Wait until all that was committed has been taken in.
async fn settled(engine: &Embedded) {
    while !engine.search_progress().unwrap().is_complete {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn sought(within: Within, text: &str) -> Sought {
    Sought { within, text: text.into() }
}

async fn ask(engine: &Embedded, id: CollectionId, sought: Sought) -> Vec<Option<bool>> {
    let view = engine.view(id).await.unwrap();
    let found = engine.find(view.clone(), vec![sought]).await;
    (0..view.len()).map(|at| found.answer(0, at)).collect()
}

/// What is answered is true. Returns how many answers were left open.
async fn verify(engine: &Embedded, view: &View, all: &[Sought], found: &Found) -> usize {
    let octets = engine.read(view.items().map(|item| (item.content, Part::Whole)).collect()).await.unwrap();
    let mut open = 0;
    for (at, (item, octets)) in view.items().zip(&octets).enumerate() {
        for (which, sought) in all.iter().enumerate() {
            match found.answer(which, at) {
                Some(answer) => assert_eq!(answer, scan(octets, item.content.header_bytes as usize, sought), "{sought:?} at {at}"),
                None => open += 1,
            }
        }
    }
    open
}

/// Ask until nothing is left open: while the file is being merged a search may give up, and says then that it does not know.
async fn known(engine: &Embedded, view: &Arc<View>, all: &[Sought]) {
    let patience = Instant::now() + Duration::from_mins(1);
    loop {
        match verify(engine, view, all, &engine.find(view.clone(), all.to_vec()).await).await {
            0 => return,
            open => assert!(Instant::now() < patience, "{open} answers are open for good"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

const WORDS: [&str; 12] = ["quota", "embargo", "tariff", ", ", " ", "  ", "-", "x1", "\n", "|", "état", "<a@b>"];

fn text(dice: &mut Dice, length: u64) -> String {
    (0..dice.below(length))
        .map(|_| WORDS[dice.below(WORDS.len() as u64) as usize].to_owned() + if dice.one_in(3) { "" } else { " " })
        .collect()
}

fn questions(dice: &mut Dice) -> Vec<Sought> {
    let within = |dice: &mut Dice| match dice.below(3) {
        0 => Within::Header,
        1 => Within::Body,
        _ => Within::Field(["subject", "to"][dice.below(2) as usize].into()),
    };
    (0..6).map(|_| Sought { within: within(dice), text: format!("{}q", text(dice, 3)).trim_end_matches('q').replace('|', "o") }).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_is_found_wherever_it_lies() {
    let dir = tempfile::tempdir().unwrap();
    let engine = new(dir.path()).await;
    deliver(&engine, BOX, "subject: quota embargo\n\n", "the first").await;
    deliver(&engine, BOX, "subject: other\n\n", "a second one|apart").await;
    settled(&engine).await;
    assert_eq!(ask(&engine, BOX, sought(Within::Header, "quota emb")).await, [Some(true), Some(false)]);
    assert_eq!(ask(&engine, BOX, sought(Within::Body, "second")).await, [Some(false), Some(true)]);
    assert_eq!(ask(&engine, BOX, sought(Within::Body, "one apart")).await, [Some(false), Some(false)]);
    assert_eq!(ask(&engine, BOX, sought(Within::Field("subject".into()), "other")).await, [Some(false), Some(true)]);
    // A copy is the same content: it is known at once.
    let original = engine.view(BOX).await.unwrap().at(1).unwrap().clone();
    commit(&engine, Change::Put { collection: OTHER, item: original, head: Head::default() }).await.unwrap();
    assert_eq!(ask(&engine, OTHER, sought(Within::Body, "second")).await, [Some(true)]);
    // What is new is not known until it has been taken in, and after an expunge positions are those of the view.
    commit(&engine, expunge(BOX.0, uids(&[1]))).await.unwrap();
    assert_eq!(ask(&engine, BOX, sought(Within::Body, "second")).await, [Some(true)]);
    // A calendar's events have no text here.
    commit(&engine, create(collection(12, None, "Events", CollectionKind::Calendar))).await.unwrap();
    put(&engine, 12, Some("a.ics"), b"second").await.unwrap();
    settled(&engine).await;
    assert_eq!(ask(&engine, CollectionId(12), sought(Within::Body, "second")).await, [None]);
    assert_eq!(engine.sweep_search().await, Ok(1));
    assert_eq!(engine.sweep_search().await, Ok(0));
    assert_eq!(ask(&engine, OTHER, sought(Within::Body, "second")).await, [Some(true)]);
    engine.close().await;
}

/// Documents that are text are taken in as text, from the journal and from the folders; the same octets of a message are a message.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn documents_are_taken_in_as_documents() {
    let dir = tempfile::tempdir().unwrap();
    let engine = new(dir.path()).await;
    commit(&engine, create(collection(12, None, "Files", CollectionKind::Folder))).await.unwrap();
    let folder = CollectionId(12);
    let octets = b"subject: quota embargo\n\na second one";
    deliver(&engine, BOX, "subject: quota embargo\n\n", "a second one").await;
    put(&engine, 12, Some("a.txt"), octets).await.unwrap();
    let mut batch = Batch::new();
    let body = batch.body(Body::message(b"", b"second", 0));
    batch.put(folder, octroi_model::Item { media_type: Some("image/png".into()), ..item(Flags::NONE, Some("b.png")) }, body);
    engine.commit(batch).await.unwrap();
    for _ in 0..2 {
        settled(&engine).await;
        assert_eq!(ask(&engine, folder, sought(Within::Body, "quota emb")).await, [Some(true), None]);
        assert_eq!(ask(&engine, folder, sought(Within::Header, "quota emb")).await, [Some(false), None]);
        assert_eq!(ask(&engine, BOX, sought(Within::Body, "quota emb")).await, [Some(false)]);
        assert_eq!(ask(&engine, BOX, sought(Within::Header, "quota emb")).await, [Some(true)]);
        assert_eq!(engine.search_progress().unwrap().messages, 1, "documents are not counted as messages");
        // What is still there stays; then all of it is made anew from what lies in mailboxes and folders.
        assert_eq!(engine.sweep_search().await.unwrap(), 0);
        engine.rebuild_search().await.unwrap();
    }
    settled(&engine).await;
    commit(&engine, expunge(12, uids(&[1]))).await.unwrap();
    settled(&engine).await;
    assert_eq!(engine.sweep_search().await.unwrap(), 1);
    assert_eq!(ask(&engine, BOX, sought(Within::Header, "quota emb")).await, [Some(true)]);
    engine.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_goes_on_after_opening_and_can_be_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let engine = new(dir.path()).await;
    for number in 0..300 {
        deliver(&engine, BOX, &format!("subject: number {number}\n\n"), &format!("word{number} text")).await;
    }
    settled(&engine).await;
    engine.close().await;
    let engine = open(dir.path()).await;
    settled(&engine).await;
    for round in 0..4 {
        let answers = ask(&engine, BOX, sought(Within::Body, "d29 ")).await;
        assert_eq!(answers.len(), 300 + round);
        // A space at the end leaves the one open that has the word.
        assert_eq!(answers.iter().filter(|answer| **answer == Some(false)).count(), 299 + round);
        assert_eq!(ask(&engine, BOX, sought(Within::Body, "word29")).await.iter().filter(|answer| **answer == Some(true)).count(), 11);
        engine.rebuild_search().await.unwrap();
        deliver(&engine, BOX, "\n", "meanwhile").await;
        settled(&engine).await;
        let progress = engine.search_progress().unwrap();
        assert_eq!((progress.messages, progress.indexed), (301 + round as u64, 301 + round as u64));
    }
    engine.close().await;
}

/// Neither a question nor a document may take memory without end: what is too much is left to scanning.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_much_is_not_known() {
    let dir = tempfile::tempdir().unwrap();
    let engine = new(dir.path()).await;
    deliver(&engine, BOX, "\n", "few words").await;
    deliver(&engine, BOX, "\n", &"long word, ".repeat(900_000)).await;
    settled(&engine).await;
    assert_eq!(ask(&engine, BOX, sought(Within::Body, "word")).await, [Some(true), None]);
    let view = engine.view(BOX).await.unwrap();
    let found = engine.find(view, vec![sought(Within::Body, "few"); 100]).await;
    let known = (0..100).filter(|which| found.answer(*which, 0) == Some(true)).count();
    assert_eq!(known, 64);
    assert_eq!((found.answer(99, 0), found.answer(0, 9)), (None, None));
    engine.close().await;
}

/// Does any file of the index have these octets?
fn is_on_disk(dir: &Path, octets: &[u8]) -> bool {
    let holds = |ending: &str| {
        let file = std::fs::read(dir.join(format!("search.sqlite{ending}"))).unwrap_or_default();
        file.windows(octets.len()).any(|window| window == octets)
    };
    holds("") || holds("-wal")
}

/// What was deleted is gone from the disk, not only from the answers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sweeping_and_removing_an_account_delete() {
    let dir = tempfile::tempdir().unwrap();
    let engine = new(dir.path()).await;
    commit(&engine, Change::CreateAccount(account(7, "lea@douane.example"))).await.unwrap();
    let theirs = Collection { owner: AccountId(7), ..collection(20, None, "Theirs", CollectionKind::Mailbox) };
    commit(&engine, create(theirs)).await.unwrap();
    deliver(&engine, BOX, "subject: removable\n\n", "ephemeral words").await;
    deliver(&engine, BOX, "subject: lasting\n\n", "ephemeral words").await;
    deliver(&engine, CollectionId(20), "\n", "somebodyelses words").await;
    settled(&engine).await;
    // One account's documents are not another's.
    assert_eq!(ask(&engine, BOX, sought(Within::Body, "somebodyelses")).await, [Some(false); 2]);
    assert_eq!(ask(&engine, CollectionId(20), sought(Within::Body, "somebodyelses")).await, [Some(true)]);
    assert!(is_on_disk(dir.path(), b"removable") && is_on_disk(dir.path(), b"somebodyelses"));
    commit(&engine, expunge(BOX.0, uids(&[1]))).await.unwrap();
    commit(&engine, Change::RemoveCollection { collection: CollectionId(20), parent_head: None }).await.unwrap();
    commit(&engine, Change::RemoveAccount(AccountId(7))).await.unwrap();
    settled(&engine).await;
    assert_eq!(engine.sweep_search().await, Ok(1), "the account's went with it");
    assert!(!is_on_disk(dir.path(), b"removable") && !is_on_disk(dir.path(), b"somebodyelses"));
    assert!(is_on_disk(dir.path(), b"lasting"));
    assert_eq!(ask(&engine, BOX, sought(Within::Body, "ephemeral")).await, [Some(true)]);
    engine.close().await;
}

/// Without its file the store works and knows nothing; once it can be made, it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_cannot_be_made_stops_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("search.sqlite");
    std::fs::create_dir_all(place.join("in the way")).unwrap();
    let engine = new(dir.path()).await;
    deliver(&engine, BOX, "subject: one\n\n", "words").await;
    assert_eq!(ask(&engine, BOX, sought(Within::Body, "words")).await, [None]);
    engine.close().await;
    let engine = open(dir.path()).await;
    assert_eq!(ask(&engine, BOX, sought(Within::Body, "words")).await, [None]);
    std::fs::remove_dir_all(&place).unwrap();
    settled(&engine).await;
    assert_eq!(ask(&engine, BOX, sought(Within::Body, "words")).await, [Some(true)]);
    engine.close().await;
}

/// Deliveries, moves, restarts, lost and outdated files, rebuilds: whatever is answered at any time is true, and in the end all is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_answer_is_ever_wrong() {
    for seed in 0..3 {
        let mut dice = Dice(seed);
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("search.sqlite");
        let mut engine = new(dir.path()).await;
        let mut kept: Option<Vec<u8>> = None;
        for round in 0..40 {
            for _ in 0..dice.below(30) {
                let header = format!("subject: {}\nto: {}\n\n", text(&mut dice, 4).replace('\n', ""), text(&mut dice, 2).replace('\n', ""));
                deliver(&engine, [BOX, OTHER][dice.below(2) as usize], &header, &text(&mut dice, 30)).await;
            }
            match dice.below(8) {
                0 => drop(commit(&engine, expunge(BOX.0, uids(&[dice.below(50) as u32, dice.below(300) as u32]))).await),
                1 => engine.rebuild_search().await.unwrap(),
                2 => drop(engine.sweep_search().await.unwrap()),
                3 => settled(&engine).await,
                4 => {
                    if dice.one_in(2) {
                        engine.close().await;
                    } else {
                        engine.abandon().await;
                    }
                    drop(engine);
                    match (dice.below(4), &kept) {
                        (0, _) => crate::index::Index::remove(&file).unwrap(),
                        // An old one from a backup.
                        (1, Some(old)) => std::fs::write(&file, old).unwrap(),
                        (2, _) => std::fs::write(&file, b"this is no database at all, whatever it is").unwrap(),
                        _ => kept = std::fs::read(&file).ok(),
                    }
                    engine = open(dir.path()).await;
                }
                _ => {}
            }
            let view = engine.view([BOX, OTHER][round % 2]).await.unwrap();
            let all = questions(&mut dice);
            let found = engine.find(view.clone(), all.clone()).await;
            verify(&engine, &view, &all, &found).await;
        }
        settled(&engine).await;
        for id in [BOX, OTHER] {
            let all = vec![
                sought(Within::Body, "quota"),
                sought(Within::Header, "embargo"),
                sought(Within::Body, "quota embargo"),
                sought(Within::Header, "1"),
            ];
            let view = engine.view(id).await.unwrap();
            known(&engine, &view, &all).await;
        }
        engine.close().await;
    }
}

/// The power goes at any operation of the journal. The file has seen what was published, so it is never ahead of what is there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_leaves_no_wrong_answer() {
    for seed in 0..8 {
        let dir = tempfile::tempdir().unwrap();
        let mut dice = Dice(seed);
        let mut disk = SimDisk::default();
        let mut delivered = 0;
        for life in 0..4 {
            let engine = Embedded::open_on(dir.path(), Arc::new(disk.clone()), options(), None).await.unwrap();
            if life == 0 {
                commit(&engine, create(collection(BOX.0, None, "INBOX", CollectionKind::Mailbox))).await.unwrap();
            }
            let view = engine.view(BOX).await.unwrap();
            let all = vec![sought(Within::Body, "quota"), sought(Within::Header, "embargo"), sought(Within::Body, "number 1")];
            verify(&engine, &view, &all, &engine.find(view.clone(), all.clone()).await).await;
            settled(&engine).await;
            known(&engine, &view, &all).await;
            disk.die_after(10 + dice.below(200));
            while try_deliver(&engine, BOX, "subject: embargo\n", &format!("{} number {delivered}", text(&mut dice, 20))).await.is_ok() {
                delivered += 1;
                if dice.one_in(30) {
                    tokio::time::sleep(Duration::from_millis(300)).await;
                }
            }
            engine.abandon().await;
            drop(engine);
            disk = disk.after_crash(&mut dice);
            if dice.one_in(3) {
                crate::index::Index::remove(&dir.path().join("index.sqlite")).unwrap();
            }
        }
    }
}

/// The journal that the file has seen is longer than the one there is: one of them is from a backup.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_from_another_time_is_brought_right() {
    let (dir, later) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let engine = new(dir.path()).await;
    deliver(&engine, BOX, "\n", "the first").await;
    settled(&engine).await;
    engine.close().await;
    let engine = new(later.path()).await;
    for number in 0..50 {
        deliver(&engine, BOX, "\n", &format!("later {number}")).await;
    }
    settled(&engine).await;
    engine.close().await;
    std::fs::copy(later.path().join("search.sqlite"), dir.path().join("search.sqlite")).unwrap();
    let engine = open(dir.path()).await;
    settled(&engine).await;
    assert_eq!(ask(&engine, BOX, sought(Within::Body, "first")).await, [Some(true)]);
    assert_eq!(engine.sweep_search().await, Ok(50));
    engine.close().await;
}

/// A bit of a blob turns over: it is noticed, nothing is answered from it, and the file is made anew.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rot_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let engine = new(dir.path()).await;
    for number in 0..100 {
        deliver(&engine, BOX, "\n", &format!("unusual{number} words")).await;
    }
    settled(&engine).await;
    engine.close().await;
    let file = dir.path().join("search.sqlite");
    let mut connection = <sqlx::SqliteConnection as sqlx::Connection>::connect(&format!("sqlite://{}", file.display())).await.unwrap();
    let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as("SELECT place, octets FROM terms").fetch_all(&mut connection).await.unwrap();
    let mut turned = 0;
    for (place, mut octets) in rows {
        let middle = octets.len() / 2;
        let Some(octet) = octets.get_mut(middle) else { continue };
        *octet ^= 1;
        turned += 1;
        let sql = "UPDATE terms SET octets = $1 WHERE place = $2";
        sqlx::query(sql).bind(octets).bind(place).execute(&mut connection).await.unwrap();
    }
    assert!(turned > 0);
    sqlx::Connection::close(connection).await.unwrap();
    let engine = open(dir.path()).await;
    settled(&engine).await;
    let first = ask(&engine, BOX, sought(Within::Body, "unusual7")).await;
    assert!(first.iter().all(Option::is_none));
    loop {
        settled(&engine).await;
        let answers = ask(&engine, BOX, sought(Within::Body, "unusual7")).await;
        if answers.iter().all(Option::is_some) {
            assert_eq!(answers.iter().filter(|answer| **answer == Some(true)).count(), 11);
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    engine.close().await;
}
