//! One thing at a time: each change does what its sentence says, and is still so after opening again.

use super::world::{account, collection, commit, create, expunge, flag, item, name, open, put, uid_of, uids};
use crate::{Batch, Body, Change, CommitError, Embedded, Engine, Expect, OpenError, Options, Part};
use octroi_model::{AccountId, CollectionId, CollectionKind, FlagEdit, Flags, Head, ModSeq, Uid};

const BOX: CollectionId = CollectionId(10);

#[tokio::test]
async fn a_delivery_is_there_after_opening_again() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path()).await;
    commit(&engine, create(collection(10, None, "INBOX", CollectionKind::Mailbox))).await.unwrap();
    let message = b"Subject: hello\r\n\r\nbody ".repeat(50);
    let mut batch = Batch::new();
    let body = batch.body(Body::message(b"facts", &message, 18));
    batch.put(BOX, item(Flags::NONE, None), body);
    assert_eq!(uid_of(&engine.commit(batch).await.unwrap()), Uid(1));
    for round in 0..2 {
        let engine = if round == 0 {
            engine.clone()
        } else {
            engine.close().await;
            open(dir.path()).await
        };
        let view = engine.view(BOX).await.unwrap();
        assert_eq!(view.head(), Head { uid_next: Uid(2), modseq: ModSeq(2), items: 1, unseen: 1, deleted: 0, bytes: message.len() as u64 });
        assert_eq!(view.head(), engine.collection(BOX).unwrap().head);
        let content = view.at(0).unwrap().content;
        let parts =
            [Part::Facts, Part::Header, Part::Whole, Part::Range { offset: 3, bytes: 9 }, Part::Range { offset: 18, bytes: 1 << 40 }];
        let read = engine.read(parts.into_iter().map(|part| (content, part)).collect()).await.unwrap();
        assert_eq!(read, [&b"facts"[..], &message[..18], &message, &message[3..12], &message[18..]]);
        assert_eq!(engine.check().await.unwrap().faults, Vec::<String>::new());
        assert_eq!(engine.check().await.unwrap().items, 1);
    }
}

#[tokio::test]
async fn a_folder_is_opened_once() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path()).await;
    assert_eq!(Embedded::open(dir.path(), Options::default()).await.unwrap_err(), OpenError::Locked);
    engine.close().await;
    assert!(matches!(commit(&engine, Change::RemoveAccount(AccountId(1))).await, Err(CommitError::Storage(_))));
    open(dir.path()).await;
}

#[tokio::test]
async fn flags_and_expunges_move_the_counters() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path()).await;
    commit(&engine, create(collection(10, None, "INBOX", CollectionKind::Mailbox))).await.unwrap();
    for _ in 0..5 {
        put(&engine, 10, None, b"12345678").await.unwrap();
    }
    let receipt = commit(&engine, flag(10, uids(&[2, 3, 9]), FlagEdit::add(Flags::SEEN | Flags::DELETED))).await.unwrap();
    let Change::Flag { uids: moved, head, .. } = &receipt.changes[0] else { panic!() };
    assert_eq!(*moved, uids(&[2, 3]));
    assert_eq!((head.unseen, head.deleted, head.modseq), (3, 2, ModSeq(7)));
    // The same again changes nothing, so nothing has a new modseq.
    commit(&engine, flag(10, uids(&[2, 3]), FlagEdit::add(Flags::SEEN))).await.unwrap();
    assert_eq!(engine.collection(BOX).unwrap().head.modseq, ModSeq(7));
    commit(&engine, expunge(10, uids(&[3, 4]))).await.unwrap();
    let view = engine.view(BOX).await.unwrap();
    assert_eq!(view.items().map(|i| i.uid.0).collect::<Vec<_>>(), [1, 2, 5]);
    assert_eq!(view.vanished_since(ModSeq(7)).unwrap().iter().map(|t| t.uid.0).collect::<Vec<_>>(), [3, 4]);
    assert_eq!(view.head(), Head { uid_next: Uid(6), modseq: ModSeq(8), items: 3, unseen: 2, deleted: 1, bytes: 24 });
}

#[tokio::test]
async fn names_are_unique_among_items_and_collections() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path()).await;
    commit(&engine, create(collection(1, None, "Files", CollectionKind::Folder))).await.unwrap();
    commit(&engine, create(collection(2, Some(1), "Actes", CollectionKind::Folder))).await.unwrap();
    assert_eq!(put(&engine, 1, Some("Actes"), b"x").await, Err(CommitError::Exists));
    let first = put(&engine, 1, Some("a.txt"), b"one").await.unwrap();
    assert_eq!(put(&engine, 1, Some("a.txt"), b"two!").await, Ok(first));
    assert_eq!(engine.collection(CollectionId(1)).unwrap().head.items, 1);
    assert_eq!(commit(&engine, create(collection(3, Some(1), "a.txt", CollectionKind::Folder))).await.unwrap_err(), CommitError::Exists);
    let mut batch = Batch::new();
    batch.expect(Expect::Present { collection: CollectionId(1), name: name("a.txt") });
    batch.expect(Expect::Absent { collection: CollectionId(1), name: name("a.txt") });
    assert_eq!(engine.commit(batch).await.unwrap_err(), CommitError::Expectation(1));
}

#[tokio::test]
async fn a_removed_child_leaves_a_tombstone() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path()).await;
    commit(&engine, create(collection(1, None, "Files", CollectionKind::Folder))).await.unwrap();
    commit(&engine, create(collection(2, Some(1), "Actes", CollectionKind::Folder))).await.unwrap();
    commit(&engine, create(collection(3, Some(2), "2026", CollectionKind::Folder))).await.unwrap();
    let remove = |id| Change::RemoveCollection { collection: CollectionId(id), parent_head: None };
    assert_eq!(commit(&engine, remove(2)).await.unwrap_err(), CommitError::NotEmpty);
    let under_itself = Change::RenameCollection {
        collection: CollectionId(2),
        parent: CollectionId(3),
        name: name("x"),
        old_parent_head: Head::default(),
        new_parent_head: Head::default(),
    };
    assert_eq!(commit(&engine, under_itself).await.unwrap_err(), CommitError::NotEmpty);
    commit(&engine, remove(3)).await.unwrap();
    let generation = engine.generation();
    commit(&engine, remove(2)).await.unwrap();
    assert_eq!(engine.generation(), generation + 1);
    let view = engine.view(CollectionId(1)).await.unwrap();
    assert_eq!(view.vanished_since(ModSeq(0)).unwrap()[0].name, Some(name("Actes")));
    assert!(engine.children(CollectionId(1)).is_empty());
}

#[tokio::test]
async fn a_stale_grant_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path()).await;
    commit(&engine, Change::CreateAccount(account(7, "lea@douane.example"))).await.unwrap();
    let mut batch = Batch::new();
    batch.expect(Expect::Generation(engine.generation()));
    batch.push(Change::SetPassword { account: AccountId(7), password_hash: Some("x".into()) });
    engine.move_generation();
    assert_eq!(engine.commit(batch.clone()).await.unwrap_err(), CommitError::Stale);
    assert_eq!(engine.account_by_key("lea@douane.example").unwrap().password_hash, None);
}
