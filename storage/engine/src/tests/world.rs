//! What the tests share: sample values, and short ways to commit.

use crate::{Batch, Body, Change, CommitError, Embedded, Engine, Options, Receipt};
use octroi_model::{
    Account, AccountId, Collection, CollectionId, CollectionKind, ContentRef, FlagEdit, Flags, Hash, Head, Item, ModSeq, Name, Uid, UidSet,
    UidValidity, UnixTime,
};
use std::path::Path;
use std::sync::Arc;

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub(crate) fn account(id: u64, address: &str) -> Account {
    Account {
        id: AccountId(id),
        address: address.parse().unwrap(),
        display_name: "Léa Martin".into(),
        profile: "agent".into(),
        password_hash: None,
        totp: None,
        remote_access: false,
        created: UnixTime(1),
        subscriptions: vec![],
    }
}

/// A collection owned by nobody in particular.
pub(crate) fn collection(id: u64, parent: Option<u64>, text: &str, kind: CollectionKind) -> Collection {
    Collection {
        id: CollectionId(id),
        parent: parent.map(CollectionId),
        name: name(text),
        kind,
        owner: AccountId(0),
        uid_validity: UidValidity(0),
        created: UnixTime(5),
        special_use: None,
        acl: None,
        keywords: vec![],
        properties: vec![],
        bound: ModSeq(0),
        head: Head::default(),
    }
}

pub(crate) fn item(flags: Flags, text: Option<&str>) -> Item {
    Item {
        uid: Uid(0),
        modseq: ModSeq(0),
        flags,
        date: UnixTime(7),
        saved: UnixTime(0),
        name: text.map(name),
        media_type: text.map(|_| "text/plain".into()),
        properties: None,
        content: ContentRef::default(),
        hash: Hash::default(),
    }
}

pub(crate) fn create(collection: Collection) -> Change {
    Change::CreateCollection { collection, parent_head: None }
}

pub(crate) fn flag(collection: u64, uids: UidSet, edit: FlagEdit) -> Change {
    Change::Flag { collection: CollectionId(collection), uids, edit, modseq: ModSeq(0), head: Head::default() }
}

pub(crate) fn expunge(collection: u64, uids: UidSet) -> Change {
    Change::Expunge { collection: CollectionId(collection), uids, modseq: ModSeq(0), head: Head::default() }
}

pub(crate) fn uids(uids: &[u32]) -> UidSet {
    UidSet::from_uids(uids.iter().copied().map(Uid))
}

pub(crate) async fn commit(engine: &Embedded, change: Change) -> Result<Receipt, CommitError> {
    let mut batch = Batch::new();
    batch.push(change);
    engine.commit(batch).await
}

/// Put a document or a message; returns its uid.
pub(crate) async fn put(engine: &Embedded, id: u64, text: Option<&str>, octets: &[u8]) -> Result<Uid, CommitError> {
    let mut batch = Batch::new();
    let body = batch.body(Body::document(octets));
    batch.put(CollectionId(id), item(Flags::NONE, text), body);
    Ok(uid_of(&engine.commit(batch).await?))
}

/// The uid that the first change of a receipt put.
pub(crate) fn uid_of(receipt: &Receipt) -> Uid {
    match &receipt.changes[0] {
        Change::Put { item, .. } => item.uid,
        other => panic!("not a put: {other:?}"),
    }
}

pub(crate) async fn open(dir: &Path) -> Arc<Embedded> {
    Embedded::open(dir, Options::default()).await.unwrap()
}
