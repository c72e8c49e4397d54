//! Annotations: kept over restarts, limited, and gone with what they are about.

use super::world::{account, collection, commit, create, name, open};
use crate::{ANNOTATION_BYTES_MAX, ANNOTATIONS_BYTES_MAX, ANNOTATIONS_MAX, Batch, Change, CommitError, Embedded, Engine, Expect, Receipt};
use octroi_model::{AccountId, Annotated, AnnotationEdit, CollectionId, CollectionKind, Head, ModSeq, Uid};

const BOX: CollectionId = CollectionId(12);

fn of(collection: Option<CollectionId>, account: Option<u64>) -> Annotated {
    Annotated { collection, account: account.map(AccountId) }
}

fn entry(name: &str, value: Option<&[u8]>) -> AnnotationEdit {
    (name.into(), value.map(Into::into))
}

async fn set(engine: &Embedded, of: Annotated, entries: &[(&str, Option<&[u8]>)]) -> Result<Receipt, CommitError> {
    commit(engine, Change::Annotate { of, entries: entries.iter().map(|(name, value)| entry(name, *value)).collect() }).await
}

fn names(engine: &Embedded, of: Annotated) -> Vec<String> {
    engine.annotations(of).keys().map(ToString::to_string).collect()
}

/// Two accounts; the first owns a mailbox.
async fn stage(engine: &Embedded) {
    let mut batch = Batch::new();
    batch.push(Change::CreateAccount(account(7, "lea@douane.example")));
    batch.push(Change::CreateAccount(account(8, "paul@douane.example")));
    for (id, parent, text, kind) in [(11, None, "mail", CollectionKind::MailHome), (12, Some(11), "Box", CollectionKind::Mailbox)] {
        batch.push(create(octroi_model::Collection { owner: AccountId(7), ..collection(id, parent, text, kind) }));
    }
    engine.commit(batch).await.unwrap();
}

#[tokio::test]
async fn annotations_are_kept_and_go_with_what_they_are_about() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path()).await;
    stage(&engine).await;
    let (shared, lea, paul, server) = (of(Some(BOX), None), of(Some(BOX), Some(7)), of(Some(BOX), Some(8)), of(None, Some(8)));
    let head = engine.collection(BOX).unwrap().head;
    for place in [shared, lea, paul, server] {
        set(&engine, place, &[("/a", Some(b"1\0\xff")), ("/b", Some(b""))]).await.unwrap();
    }
    set(&engine, shared, &[("/a", None), ("/c", Some(b"2")), ("/none", None)]).await.unwrap();
    assert_eq!(engine.collection(BOX).unwrap().head, head, "no client shall think that a message has changed");
    let rename = Change::RenameCollection {
        collection: BOX,
        parent: CollectionId(11),
        name: name("Other"),
        old_parent_head: Head::default(),
        new_parent_head: Head::default(),
    };
    commit(&engine, rename).await.unwrap();
    let mut engine = engine;
    // From the journal alone, and from the index.
    for index_is_there in [false, true] {
        engine.close().await;
        drop(engine);
        if !index_is_there {
            Embedded::remove_index(dir.path()).unwrap();
        }
        engine = open(dir.path()).await;
        assert_eq!(names(&engine, shared), ["/b", "/c"]);
        assert_eq!(engine.annotations(lea).get("/a").map(|value| value.to_vec()), Some(b"1\0\xff".to_vec()));
        assert_eq!(names(&engine, server), ["/a", "/b"]);
        assert_eq!(engine.check().await.unwrap().faults, Vec::<String>::new());
    }
    // Shared ones are nobody's to be found by.
    assert_eq!(engine.annotated(None, "/a"), [server, lea, paul]);
    assert_eq!(engine.annotated(Some(BOX), "/"), [lea, paul]);
    assert_eq!((engine.annotated(None, "/c"), engine.annotated(Some(CollectionId(11)), "/")), (vec![], vec![]));
    commit(&engine, Change::RemoveAccount(AccountId(8))).await.unwrap();
    assert!(names(&engine, paul).is_empty() && names(&engine, server).is_empty());
    assert_eq!(names(&engine, lea), ["/a", "/b"]);
    commit(&engine, Change::RemoveCollection { collection: BOX, parent_head: None }).await.unwrap();
    assert!(names(&engine, lea).is_empty() && names(&engine, shared).is_empty());
    engine.close().await;
    drop(engine);
    let engine = open(dir.path()).await;
    assert!(names(&engine, lea).is_empty() && names(&engine, paul).is_empty() && names(&engine, server).is_empty());
    assert_eq!(engine.check().await.unwrap().faults, Vec::<String>::new());
}

#[tokio::test]
async fn annotations_are_limited() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path()).await;
    stage(&engine).await;
    let shared = of(Some(BOX), None);
    let large = vec![b'x'; ANNOTATION_BYTES_MAX];
    set(&engine, shared, &[("/large", Some(&large))]).await.unwrap();
    let larger = [&large[..], b"x"].concat();
    assert_eq!(set(&engine, shared, &[("/fits", Some(b"")), ("/larger", Some(&larger))]).await.unwrap_err(), CommitError::Full);
    assert_eq!(set(&engine, shared, &[(&"/n".repeat(200), Some(b""))]).await.unwrap_err(), CommitError::Full);
    assert_eq!(names(&engine, shared), ["/large"]);
    for number in 1..ANNOTATIONS_MAX {
        set(&engine, shared, &[(&format!("/{number}"), Some(b""))]).await.unwrap();
    }
    assert_eq!(set(&engine, shared, &[("/more", Some(b""))]).await.unwrap_err(), CommitError::Full);
    set(&engine, shared, &[("/more", Some(b"")), ("/large", None)]).await.unwrap();
    // Over all places of one account; private ones count for whose they are.
    let entries: Vec<_> = (0..60).map(|number| (format!("/{number}"), Some(&large[..]))).collect();
    let entries: Vec<_> = entries.iter().map(|(name, value)| (&**name, *value)).collect();
    set(&engine, of(Some(BOX), Some(8)), &entries).await.unwrap();
    set(&engine, of(None, Some(8)), &entries).await.unwrap();
    let mut batch = Batch::new();
    for number in 60..70 {
        // Within one batch as well.
        batch.push(Change::Annotate { of: of(None, Some(8)), entries: vec![entry(&format!("/{number}"), Some(&large))] });
    }
    assert_eq!(engine.commit(batch).await.unwrap_err(), CommitError::Full);
    assert!(60 * 2 * ANNOTATION_BYTES_MAX < ANNOTATIONS_BYTES_MAX as usize && 130 * ANNOTATION_BYTES_MAX > ANNOTATIONS_BYTES_MAX as usize);
    set(&engine, of(Some(BOX), Some(7)), &entries).await.unwrap();
    set(&engine, of(Some(BOX), Some(8)), &[("/0", None), ("/1", None), ("/2", None)]).await.unwrap();
    set(&engine, of(None, Some(8)), &[("/60", Some(&large)), ("/61", Some(&large))]).await.unwrap();
}

#[tokio::test]
async fn what_is_not_there_is_not_annotated() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path()).await;
    stage(&engine).await;
    for place in
        [of(Some(CollectionId(99)), None), of(Some(CollectionId(99)), Some(7)), of(Some(BOX), Some(9)), of(None, Some(9)), of(None, None)]
    {
        assert_eq!(set(&engine, place, &[("/a", Some(b"1"))]).await.unwrap_err(), CommitError::Gone, "{place:?}");
    }
}

/// A set of messages is judged as one: who is gone has not changed, who has changed stops it.
#[tokio::test]
async fn unchanged_since_is_about_those_that_are_there() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path()).await;
    stage(&engine).await;
    for text in [b"one", b"two"] {
        super::world::put(&engine, 12, None, text).await.unwrap();
    }
    let first = engine.view(BOX).await.unwrap().by_uid(Uid(1)).unwrap().modseq;
    for (numbers, since, holds) in
        [(vec![1, 9], first, true), (vec![1, 2], first, false), (vec![2], ModSeq(u64::MAX), true), (vec![1], ModSeq(0), false)]
    {
        let mut batch = Batch::new();
        batch.expect(Expect::UnchangedSince { collection: BOX, uids: super::world::uids(&numbers), modseq: since });
        assert_eq!(engine.commit(batch).await.is_ok(), holds, "{numbers:?} {since}");
    }
}
