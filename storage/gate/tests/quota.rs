//! Quotas through the gate: who is refused what, and that nobody else is.

#![allow(clippy::unwrap_used)]

mod support;

use octroi_gate::{
    Append, Area, Bind, Content, Depart, FileAt, FolderAt, FolderQuota, InTheWay, Limits, List, MailboxAt, MakeFolder, Refusal,
    RemoveFolder, ReturnPath, Rewrite, Select, Unlink, When,
};
use octroi_model::{CollectionKind, QuotaLimit, Service, UidSet};
use support::{OFFICE, OWNER, SUBJECT, World, address, draft, name, path};

fn limit(bytes: u64) -> QuotaLimit {
    QuotaLimit { bytes, items: None }
}

fn folder(at: &str) -> FolderAt {
    FolderAt { area: Area::Files, path: path(at) }
}

fn message(bytes: usize) -> Content {
    let octets = format!("Subject: x\r\n\r\n{}", "x".repeat(bytes - 14));
    Content::message(b"facts", octets.as_bytes(), 14)
}

/// Items of everything that an account has, by its quota.
fn items(world: &World, who: &str) -> u64 {
    world.admin.quotas(Some(&address(who))).unwrap()[0].quota.used.items
}

#[tokio::test]
async fn a_full_mailbox_keeps_a_message_from_nobody_else() {
    let world = World::new().await;
    world.admin.set_quota(&address(OWNER), None, Some(limit(1 << 20))).await.unwrap();
    world.admin.set_quota(&address(SUBJECT), None, Some(limit(4000))).await.unwrap();
    let mut envelope = world.gate.inbound(ReturnPath::Null, OFFICE);
    for to in [OWNER, SUBJECT, "Owner+again@octroi.example"] {
        envelope.add(&address(to)).await.unwrap();
    }
    assert_eq!(envelope.deliver_each(message(5000)).await, Ok(vec![Ok(()), Err(Refusal::OverQuota), Ok(())]));
    assert_eq!((items(&world, OWNER), items(&world, SUBJECT)), (1, 0));
    // One reply for all cannot say that: then nobody gets it, and the peer tries again.
    let mut envelope = world.gate.inbound(ReturnPath::Null, OFFICE);
    envelope.add(&address(OWNER)).await.unwrap();
    envelope.add(&address(SUBJECT)).await.unwrap();
    assert_eq!(envelope.deliver(message(5000)).await, Err(Refusal::OverQuota));
    assert_eq!((items(&world, OWNER), items(&world, SUBJECT)), (1, 0));
    // Who announces the size is told before.
    let mut envelope = world.gate.inbound(ReturnPath::Null, OFFICE).announce(5000);
    envelope.add(&address(OWNER)).await.unwrap();
    assert_eq!(envelope.add(&address(SUBJECT)).await, Err(Refusal::OverQuota));
    envelope.deliver(message(5000)).await.unwrap();
    assert_eq!(items(&world, OWNER), 2);
    // What is too large for one is not too large for ever.
    let mut envelope = world.gate.inbound(ReturnPath::Null, OFFICE).announce(2000);
    envelope.add(&address(SUBJECT)).await.unwrap();
    assert_eq!(envelope.deliver_each(message(2000)).await, Ok(vec![Ok(())]));
}

#[tokio::test]
async fn mail_is_copied_in_full_and_moved_for_nothing() {
    let world = World::new().await;
    let owner = world.session(OWNER, Service::Imap).await;
    let inbox = owner.open(MailboxAt(path("INBOX")), Append).await.unwrap();
    inbox.append(vec![draft("one")]).await.unwrap();
    let octets = draft("one").content.bytes();
    world.admin.set_quota(&address(OWNER), None, Some(limit(octets + 5))).await.unwrap();
    assert_eq!(inbox.append(vec![draft("two")]).await.unwrap_err(), Refusal::OverQuota);
    let archive = owner.open(MailboxAt(path("Archive")), Append).await.unwrap();
    let source = owner.open(MailboxAt(path("INBOX")), Select).await.unwrap().view().await.unwrap();
    let all = UidSet::from_uids(source.items().map(|item| item.uid));
    assert_eq!(archive.copy_from(&source, &all).await.unwrap_err(), Refusal::OverQuota);
    let going = owner.open(MailboxAt(path("INBOX")), octroi_gate::MoveAway).await.unwrap();
    archive.move_from(&going, &all).await.unwrap();
    assert_eq!(inbox.room_for(octets), Err(Refusal::OverQuota));
    assert_eq!(inbox.room_for(5), Ok(()));
}

#[tokio::test]
async fn a_folder_has_a_quota_of_its_own() {
    let world = World::new().await;
    let owner = world.session(OWNER, Service::Files).await;
    let top = owner.open(folder(""), MakeFolder).await.unwrap();
    top.make(&name("a"), CollectionKind::Folder, Vec::new()).await.unwrap();
    world.admin.set_quota(&address(OWNER), Some((Area::Files, &path("a"))), Some(limit(10))).await.unwrap();
    let bind = owner.open(folder("a"), Bind).await.unwrap();
    bind.put(&name("x"), Content::document(b"12345678"), None).await.unwrap();
    assert_eq!(bind.put(&name("y"), Content::document(b"123"), None).await.unwrap_err(), Refusal::OverQuota);
    owner.open(folder(""), Bind).await.unwrap().put(&name("y"), Content::document(b"123"), None).await.unwrap();
    let at = || FileAt { area: Area::Files, folder: path("a"), name: name("x") };
    let file = owner.open(at(), Rewrite).await.unwrap();
    assert_eq!(file.replace(Content::document(b"12345678901"), None, When::Anyhow).await.unwrap_err(), Refusal::OverQuota);
    file.replace(Content::document(b"1234567890"), None, When::Anyhow).await.unwrap();
    let list = owner.open(folder("a"), List).await.unwrap();
    assert_eq!(list.facts().quota, Some(FolderQuota { used: 10, available: 0 }));
    assert_eq!(top.copy_folder(&list, &name("b"), true, &InTheWay::Nothing).await, Ok(()), "beside it is room");
    // Only the owner is told.
    let subject = world.session(SUBJECT, Service::Files).await;
    let shared = subject.open(folder(&format!("Shared/{OWNER}/a")), List).await.unwrap();
    assert_eq!(shared.facts().quota, None);
    let bind = subject.open(folder(&format!("Shared/{OWNER}/a")), Bind).await.unwrap();
    assert_eq!(bind.put(&name("z"), Content::document(b"1"), None).await.unwrap_err(), Refusal::OverQuota);
}

/// What was in the way used to go in a commit of its own, and was lost when there was no room for the new.
#[tokio::test]
async fn what_is_in_the_way_stays_when_there_is_no_room() {
    let world = World::with(&Limits { trash_days: 0, ..Limits::default() }).await;
    let owner = world.session(OWNER, Service::Files).await;
    let top = owner.open(folder(""), MakeFolder).await.unwrap();
    for (it, bytes) in [("small", 100), ("large", 5000)] {
        top.make(&name(it), CollectionKind::Folder, Vec::new()).await.unwrap();
        let octets = vec![b'x'; bytes];
        owner.open(folder(it), Bind).await.unwrap().put(&name("doc"), Content::document(&octets), None).await.unwrap();
    }
    world.admin.set_quota(&address(OWNER), None, Some(limit(6000))).await.unwrap();
    let held = async |at: &str| owner.open(folder(at), List).await.unwrap().facts().head.bytes;
    let over = || owner.open(folder("small"), RemoveFolder);
    let large = owner.open(folder("large"), List).await.unwrap();
    let in_the_way = InTheWay::Folder(over().await.unwrap());
    assert_eq!(top.copy_folder(&large, &name("small"), true, &in_the_way).await, Err(Refusal::OverQuota));
    let document = FileAt { area: Area::Files, folder: path("large"), name: name("doc") };
    let source = owner.open(document.clone(), octroi_gate::Read).await.unwrap();
    let bind = owner.open(folder(""), Bind).await.unwrap();
    let in_the_way = InTheWay::Folder(over().await.unwrap());
    assert_eq!(bind.copy_file(&source, &name("small"), &in_the_way).await, Err(Refusal::OverQuota));
    assert_eq!((held("small").await, held("large").await), (100, 5000));
    // What takes its place needs only the difference.
    let small = owner.open(folder("small"), List).await.unwrap();
    let in_the_way = InTheWay::Folder(owner.open(folder("large"), RemoveFolder).await.unwrap());
    top.copy_folder(&small, &name("large"), true, &in_the_way).await.unwrap();
    assert_eq!(held("large").await, 100);
    // A document in the place of a folder, and the other way round.
    let document = owner.open(document, Depart).await.unwrap();
    bind.move_file(&document, &name("small"), &InTheWay::Folder(over().await.unwrap())).await.unwrap();
    let document = FileAt { area: Area::Files, folder: path(""), name: name("small") };
    let in_the_way = InTheWay::File(owner.open(document, Unlink).await.unwrap());
    let large = owner.open(folder("large"), RemoveFolder).await.unwrap();
    top.move_folder(&large, &name("small"), &in_the_way).await.unwrap();
    assert_eq!(world.admin.quotas(None).unwrap()[0].quota.used.items, 0);
}

#[tokio::test]
async fn quotas_are_listed_by_owner_and_place() {
    let world = World::new().await;
    let (owner, subject) = (address(OWNER), address(SUBJECT));
    world.admin.set_quota(&subject, None, Some(limit(7))).await.unwrap();
    world.admin.set_quota(&owner, Some((Area::Files, &path(""))), Some(QuotaLimit { bytes: 5, items: Some(2) })).await.unwrap();
    world.admin.set_quota(&owner, Some((Area::Mail, &path("INBOX"))), Some(limit(6))).await.unwrap();
    let named = |only| {
        let lines = world.admin.quotas(only).unwrap();
        let place = |line: &octroi_gate::QuotaLine| line.at.as_ref().map(|(area, path)| format!("{}/{}", area.name(), path.join("/")));
        lines.iter().map(|line| (line.owner.to_string(), place(line), line.quota.limit.bytes)).collect::<Vec<_>>()
    };
    let expected = [
        (OWNER.to_owned(), Some("files/".to_owned()), 5),
        (OWNER.to_owned(), Some("mail/INBOX".to_owned()), 6),
        (SUBJECT.to_owned(), None, 7),
    ];
    assert_eq!(named(None), expected);
    assert_eq!(named(Some(&subject)), expected[2..]);
    assert_eq!(world.admin.set_quota(&owner, None, None).await, Err(Refusal::Missing));
    assert_eq!(world.admin.set_quota(&owner, Some((Area::Files, &path("no"))), Some(limit(1))).await, Err(Refusal::Missing));
    world.admin.set_quota(&subject, None, None).await.unwrap();
    world.admin.remove_account(&owner).await.unwrap();
    assert_eq!(named(None), [], "a removed account takes its quotas along");
}
