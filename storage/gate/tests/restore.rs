//! Giving back what was lost: beside what is there or in its place, without doubling, writing over or handing to others anything.

#![allow(clippy::unwrap_used)]

mod support;

use octroi_gate::{
    Append, Area, BackupError, Bind, Content, FileAt, FolderAt, List, MailboxAt, MailboxView, MakeFolder, Part, Past, PastRequest,
    Progress, Read, RemoveFolder, RestoreOrder, Restored, Rewrite, Select, Session, Unlink, When,
};
use octroi_model::{CollectionKind, Flags, Service, UidSet};
use std::sync::Arc;
use support::{OWNER, World, address, draft, name, path};

fn folder(at: &str) -> FolderAt {
    FolderAt { area: Area::Files, path: path(at) }
}

fn file(at: &str, it: &str) -> FileAt {
    FileAt { area: Area::Files, folder: path(at), name: name(it) }
}

async fn backed_up(world: &World, backup: &tempfile::TempDir) {
    world.admin.backup(backup.path().join("b"), false, Vec::new(), Arc::default()).await.unwrap();
}

async fn past(world: &World, backup: &tempfile::TempDir) -> Past {
    let from = PastRequest { folder: backup.path().join("b"), snapshot: None, at: None };
    world.admin.past(from, Arc::default()).await.unwrap()
}

fn order(place: Option<(Area, &str)>, into: Option<&str>) -> RestoreOrder {
    RestoreOrder { account: address(OWNER), place: place.map(|(area, at)| (area, path(at))), into: into.map(name), create: false }
}

async fn restore(world: &World, past: &Past, place: Option<(Area, &str)>, into: Option<&str>) -> Restored {
    world.admin.restore(past, &order(place, into), &Progress::default()).await.unwrap()
}

async fn view(session: &Session, at: &str) -> MailboxView {
    session.open(MailboxAt(path(at)), Select).await.unwrap().view().await.unwrap()
}

async fn put(session: &Session, at: &str, it: &str, octets: &[u8]) {
    session.open(folder(at), Bind).await.unwrap().put(&name(it), Content::document(octets), Some("text/plain")).await.unwrap();
}

async fn read(session: &Session, at: &str, it: &str) -> Vec<u8> {
    session.open(file(at, it), Read).await.unwrap().read(0, 10_000_000).await.unwrap()
}

async fn append(session: &Session, at: &str, texts: &[&str]) {
    let drafts = texts.iter().map(|text| draft(text)).collect();
    session.open(MailboxAt(path(at)), Append).await.unwrap().append(drafts).await.unwrap();
}

#[tokio::test]
async fn messages_come_back_with_their_flags_and_only_once() {
    let (world, backup) = (World::new().await, tempfile::tempdir().unwrap());
    let owner = world.session(OWNER, Service::Imap).await;
    let mut first = draft("one");
    first.flags = Flags::SEEN | Flags::FLAGGED;
    first.keywords = vec!["Work".into(), "$Label1".into()];
    owner.open(MailboxAt(path("INBOX")), Append).await.unwrap().append(vec![first]).await.unwrap();
    // One of them twice, and more than are looked at together.
    append(&owner, "INBOX", &["two", "two"]).await;
    for round in 0..25 {
        let texts: Vec<String> = (0..20).map(|number| format!("many {round} {number}")).collect();
        append(&owner, "INBOX", &texts.iter().map(String::as_str).collect::<Vec<_>>()).await;
    }
    let before = view(&owner, "INBOX").await;
    backed_up(&world, &backup).await;

    // All but one of the two that are alike goes; something new comes.
    let inbox = owner.open(MailboxAt(path("INBOX")), octroi_gate::Expunge).await.unwrap();
    inbox.expunge(&UidSet::from_uids(before.items().map(|item| item.uid).filter(|uid| uid.0 != 2))).await.unwrap();
    append(&owner, "INBOX", &["new"]).await;
    let past = past(&world, &backup).await;
    let beside = restore(&world, &past, Some((Area::Mail, "inbox")), Some("Back")).await;
    assert_eq!((beside.items, beside.present, beside.collections), (503, 0, 2));
    let back = view(&owner, "Back/INBOX").await;
    for (was, is) in before.items().zip(back.items()) {
        assert_eq!(
            (was.hash, was.date, was.flags.without(Flags::all_keywords())),
            (is.hash, is.date, is.flags.without(Flags::all_keywords()))
        );
    }
    let keywords: Vec<_> = back.at(0).unwrap().flags.keyword_indexes().map(|index| back.keywords()[index].to_string()).collect();
    assert_eq!(keywords, ["Work", "$Label1"]);
    let parts = back.read(&[(0, Part::Header), (0, Part::Facts)]).await.unwrap();
    assert_eq!((parts[0].as_slice(), parts[1].as_slice()), (b"Subject: one\r\n\r\n".as_slice(), b"facts".as_slice()));

    // Asked for again, it does nothing; interrupted in the middle, it goes on.
    let again = restore(&world, &past, Some((Area::Mail, "INBOX")), Some("Back")).await;
    assert_eq!((again.items, again.present, again.collections), (0, 503, 0));
    let back = owner.open(MailboxAt(path("Back/INBOX")), octroi_gate::Expunge).await.unwrap();
    back.expunge(&UidSet::from_uids((300..400).map(octroi_model::Uid))).await.unwrap();
    assert_eq!(restore(&world, &past, Some((Area::Mail, "INBOX")), Some("Back")).await.items, 100);

    // In its place, what is there is counted in, each once.
    let place = restore(&world, &past, Some((Area::Mail, "INBOX")), None).await;
    assert_eq!((place.items, place.present, place.collections), (502, 1, 0));
    assert_eq!(view(&owner, "INBOX").await.len(), 504);
    past.close().await;
    assert_eq!(world.admin.check(std::sync::Arc::new(|_| ())).await.unwrap().faults, Vec::<String>::new());
}

#[tokio::test]
async fn documents_come_back_and_nothing_is_written_over() {
    let (world, backup) = (World::new().await, tempfile::tempdir().unwrap());
    let owner = world.session(OWNER, Service::Files).await;
    let make = async |at: &str, it: &str| {
        owner.open(folder(at), MakeFolder).await.unwrap().make(&name(it), CollectionKind::Folder, Vec::new()).await.unwrap();
    };
    make("", "Actes").await;
    make("Actes", "2026").await;
    let large: Vec<u8> = (0..3_000_000u32).map(|number| (number % 251) as u8).collect();
    put(&owner, "", "top.txt", b"top").await;
    put(&owner, "Actes", "a.txt", b"old").await;
    put(&owner, "Actes/2026", "large.bin", &large).await;
    let before = owner.open(file("Actes/2026", "large.bin"), Read).await.unwrap().item().clone();
    backed_up(&world, &backup).await;
    owner.open(file("Actes", "a.txt"), Rewrite).await.unwrap().replace(Content::document(b"changed"), None, When::Anyhow).await.unwrap();
    owner.open(folder("Actes/2026"), RemoveFolder).await.unwrap().remove().await.unwrap();
    let past = past(&world, &backup).await;

    let place = restore(&world, &past, Some((Area::Files, "Actes")), None).await;
    assert_eq!((place.items, place.taken, place.collections), (1, 1, 1));
    assert_eq!(read(&owner, "Actes", "a.txt").await, b"changed");
    let after = owner.open(file("Actes/2026", "large.bin"), Read).await.unwrap().item().clone();
    assert_eq!((after.hash, after.bytes(), after.media_type), (before.hash, 3_000_000, before.media_type));
    assert!(large.starts_with(&read(&owner, "Actes/2026", "large.bin").await));
    let beside = restore(&world, &past, Some((Area::Files, "")), Some("Before")).await;
    assert_eq!((beside.items, beside.collections), (3, 3));
    assert_eq!(read(&owner, "Before/Actes", "a.txt").await, b"old");
    assert_eq!(read(&owner, "Before", "top.txt").await, b"top");
    assert_eq!(restore(&world, &past, Some((Area::Files, "")), Some("Before")).await.present, 3);
    // A name that a document has is not one for a folder.
    let refused = world.admin.restore(&past, &order(Some((Area::Files, "Actes")), Some("top.txt")), &Progress::default()).await;
    assert!(matches!(refused, Err(BackupError::Failed(_))), "{refused:?}");
    let missing = world.admin.restore(&past, &order(Some((Area::Files, "No/Such")), None), &Progress::default()).await;
    assert!(matches!(missing, Err(BackupError::Failed(_))), "{missing:?}");
    let stopped = Progress::default();
    stopped.stop();
    let stopped = world.admin.restore(&past, &order(Some((Area::Files, "")), Some("Never")), &stopped).await;
    assert_eq!(stopped, Err(BackupError::Stopped));
    past.close().await;
}

/// What somebody gets back is theirs alone, though the tree that it was in is shared with everybody.
#[tokio::test]
async fn calendars_stand_beside_one_another() {
    let (world, backup) = (World::new().await, tempfile::tempdir().unwrap());
    let owner = world.session(OWNER, Service::Caldav).await;
    let calendars = |at: &str| FolderAt { area: Area::Calendars, path: path(at) };
    let event = b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n";
    let calendar = owner.open(calendars("calendar"), Bind).await.unwrap();
    calendar.put(&name("1.ics"), Content::document(event), Some("text/calendar")).await.unwrap();
    backed_up(&world, &backup).await;
    let gone = FileAt { area: Area::Calendars, folder: path("calendar"), name: name("1.ics") };
    owner.open(gone, Unlink).await.unwrap().remove(When::Anyhow).await.unwrap();
    let past = past(&world, &backup).await;
    assert_eq!(restore(&world, &past, Some((Area::Calendars, "calendar")), Some("Back")).await.items, 1);
    let members = owner.open(calendars("Back calendar"), List).await.unwrap().members().await.unwrap();
    assert_eq!(members.len(), 1);
    past.close().await;
}

#[tokio::test]
async fn an_account_that_is_gone_is_made_again_when_asked_for() {
    let (world, backup) = (World::new().await, tempfile::tempdir().unwrap());
    append(&world.session(OWNER, Service::Imap).await, "INBOX", &["one"]).await;
    backed_up(&world, &backup).await;
    world.admin.remove_account(&address(OWNER)).await.unwrap();
    let past = past(&world, &backup).await;
    let mut order = order(None, None);
    let refused = world.admin.restore(&past, &order, &Progress::default()).await;
    assert!(matches!(refused, Err(BackupError::Failed(_))), "{refused:?}");
    order.create = true;
    let restored = world.admin.restore(&past, &order, &Progress::default()).await.unwrap();
    assert!(restored.account_made && restored.items == 1 && restored.collections == 0, "{restored:?}");
    let accounts = world.admin.accounts();
    let account = accounts.iter().find(|account| account.address == address(OWNER)).unwrap();
    assert!(account.password_hash.is_none() && world.admin.app_passwords(&account.address).unwrap().is_empty());
    assert_eq!(view(&world.session(OWNER, Service::Imap).await, "INBOX").await.len(), 1);
    order.account = address("nobody@octroi.example");
    assert!(world.admin.restore(&past, &order, &Progress::default()).await.is_err());
    past.close().await;
}

#[tokio::test]
async fn filters_come_back_with_what_they_might_do() {
    let (world, backup) = (World::new().await, tempfile::tempdir().unwrap());
    let session = world.session(OWNER, Service::Sieve).await;
    for (name, script) in [("main", "keep;"), ("other", "stop;"), ("third", "discard;")] {
        session.put_script(name, script.as_bytes()).await.unwrap();
    }
    session.activate_script(Some("main")).await.unwrap();
    backed_up(&world, &backup).await;
    session.activate_script(None).await.unwrap();
    session.delete_script("main").await.unwrap();
    session.put_script("third", b"keep; # another").await.unwrap();
    let past = past(&world, &backup).await;
    let folder = restore(&world, &past, Some((Area::Mail, "INBOX")), None).await;
    assert_eq!(folder.items, 0, "a folder has none");
    let done = restore(&world, &past, None, None).await;
    assert_eq!((done.items, done.present, done.taken, done.lost.len()), (1, 1, 1, 0), "{done:?}");
    let listed = async || {
        let all = session.scripts().await.unwrap();
        all.iter().map(|script| format!("{} {}", script.name, script.active)).collect::<Vec<_>>()
    };
    assert_eq!(listed().await, ["main true", "other false", "third false"]);
    assert_eq!(session.script("main").await.unwrap(), b"keep;");
    // Beside it, and none of them runs.
    restore(&world, &past, None, Some("Back")).await;
    assert_eq!(listed().await, ["Back main false", "Back other false", "Back third false", "main true", "other false", "third false"]);
    assert_eq!(restore(&world, &past, None, Some("Back")).await.items, 0, "asked for again, it does nothing");
    // To an account that was made anew; what the script may do is not known to be less.
    world.admin.remove_account(&address(OWNER)).await.unwrap();
    let anew = RestoreOrder { create: true, ..order(None, None) };
    world.admin.restore(&past, &anew, &Progress::default()).await.unwrap();
    let listed = world.admin.scripts(&address(OWNER)).await.unwrap();
    assert_eq!(
        listed.iter().map(|script| (script.name.as_str(), script.active)).collect::<Vec<_>>(),
        [("main", true), ("other", false), ("third", false)]
    );
    past.close().await;
    assert_eq!(world.admin.check(std::sync::Arc::new(|_| ())).await.unwrap().faults, Vec::<String>::new());
}
