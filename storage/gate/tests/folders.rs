//! Documents and mailboxes as trees: copy, move, remove, synchronise, share; with the rights of every part.

#![allow(clippy::unwrap_used)]

mod support;

use octroi_gate::{
    Append, Area, Bind, Changes, Content, CreateMailbox, DeleteMailbox, FolderAt, InTheWay, List, MailboxAt, MakeFolder, NewMailboxAt,
    Read, Refusal, RemoveFolder, RenameMailbox, Select, Session, Unlink, When,
};
use octroi_model::{ModSeq, Rights, Service, UidSet};
use support::documents::{file, folder, make, read};
use support::{OWNER, SUBJECT, World, address, draft, name, path, policy};

async fn put(session: &Session, at: &str, it: &str, text: &str) {
    session.open(folder(at), Bind).await.unwrap().put(&name(it), Content::document(text.as_bytes()), None).await.unwrap();
}

async fn names(session: &Session, at: &str) -> Vec<String> {
    let members = session.open(folder(at), List).await.unwrap().members().await.unwrap();
    members.iter().map(|m| m.name.to_string()).collect()
}

async fn tree() -> (World, Session) {
    let world = World::new().await;
    let owner = world.session(OWNER, Service::Files).await;
    make(&owner, "", "a").await;
    make(&owner, "a", "b").await;
    put(&owner, "a", "one.txt", "one").await;
    put(&owner, "a/b", "two.txt", "two").await;
    (world, owner)
}

#[tokio::test]
async fn a_tree_is_copied_whole_and_shares_its_contents() {
    let (_world, owner) = tree().await;
    let source = owner.open(folder("a"), List).await.unwrap();
    let top = owner.open(folder(""), MakeFolder).await.unwrap();
    top.copy_folder(&source, &name("copy"), true, &InTheWay::Nothing).await.unwrap();
    assert_eq!(read(&owner, "copy/b", "two.txt").await.unwrap(), "two");
    assert_eq!(read(&owner, "copy", "one.txt").await.unwrap(), "one");
    assert_eq!(top.copy_folder(&source, &name("copy"), true, &InTheWay::Nothing).await, Err(Refusal::Precondition));
    top.copy_folder(&source, &name("shallow"), false, &InTheWay::Nothing).await.unwrap();
    assert!(names(&owner, "shallow").await.is_empty());
    let inside = owner.open(folder("a/b"), MakeFolder).await.unwrap();
    assert_eq!(inside.copy_folder(&source, &name("x"), true, &InTheWay::Nothing).await, Err(Refusal::Unsupported));
}

#[tokio::test]
async fn a_tree_is_moved_and_removed_whole() {
    let (_world, owner) = tree().await;
    make(&owner, "", "c").await;
    let source = owner.open(folder("a"), RemoveFolder).await.unwrap();
    let target = owner.open(folder("c"), MakeFolder).await.unwrap();
    target.move_folder(&source, &name("moved"), &InTheWay::Nothing).await.unwrap();
    assert_eq!(names(&owner, "").await, ["c"]);
    assert_eq!(read(&owner, "c/moved/b", "two.txt").await.unwrap(), "two");
    owner.open(folder("c"), RemoveFolder).await.unwrap().remove().await.unwrap();
    assert!(names(&owner, "").await.is_empty());
    assert_eq!(read(&owner, "c/moved/b", "two.txt").await, Err(Refusal::Missing));
}

#[tokio::test]
async fn files_move_and_copy_with_and_without_overwriting() {
    let (_world, owner) = tree().await;
    let source = owner.open(file("a", "one.txt"), Read).await.unwrap();
    let target = owner.open(folder("a/b"), Bind).await.unwrap();
    assert_eq!(target.copy_file(&source, &name("two.txt"), &InTheWay::Nothing).await, Err(Refusal::Precondition));
    let there = owner.open(file("a/b", "two.txt"), octroi_gate::Rewrite).await.unwrap();
    target.copy_file(&source, &name("two.txt"), &InTheWay::File(there)).await.unwrap();
    assert_eq!(read(&owner, "a/b", "two.txt").await.unwrap(), "one");
    let going = owner.open(file("a", "one.txt"), octroi_gate::Depart).await.unwrap();
    target.move_file(&going, &name("three.txt"), &InTheWay::Nothing).await.unwrap();
    assert_eq!(read(&owner, "a/b", "three.txt").await.unwrap(), "one");
    assert_eq!(read(&owner, "a", "one.txt").await, Err(Refusal::Missing));
}

#[tokio::test]
async fn a_write_insists_on_what_it_saw() {
    let (_world, owner) = tree().await;
    let first = owner.open(file("a", "one.txt"), octroi_gate::Rewrite).await.unwrap();
    first.replace(Content::document(b"mine"), None, When::Unchanged).await.unwrap();
    let stale = first.replace(Content::document(b"late"), None, When::Unchanged).await;
    assert_eq!(stale.err(), Some(Refusal::Precondition));
    let unlink = owner.open(file("a", "one.txt"), Unlink).await.unwrap();
    first.replace(Content::document(b"again"), None, When::Anyhow).await.unwrap();
    assert_eq!(unlink.remove(When::Unchanged).await, Err(Refusal::Precondition));
    assert_eq!(read(&owner, "a", "one.txt").await.unwrap(), "again");
}

#[tokio::test]
async fn synchronising_tells_what_came_changed_and_went() {
    let (_world, owner) = tree().await;
    let list = owner.open(folder("a"), List).await.unwrap();
    let names_of = |c: &Changes| {
        let mut names: Vec<String> = c.changed.iter().map(|m| m.name.to_string()).collect();
        names.sort();
        names
    };
    let start = list.changes(None).await.unwrap();
    assert_eq!(names_of(&start), ["b", "one.txt"]);
    put(&owner, "a", "new.txt", "new").await;
    make(&owner, "a", "d").await;
    let unlink = owner.open(file("a", "one.txt"), Unlink).await.unwrap();
    unlink.remove(When::Anyhow).await.unwrap();
    owner.open(folder("a/b"), RemoveFolder).await.unwrap().remove().await.unwrap();
    let next = list.changes(Some(start.token)).await.unwrap();
    assert_eq!(names_of(&next), ["d", "new.txt"]);
    assert_eq!(next.removed, [name("b"), name("one.txt")]);
    assert!(list.changes(Some(next.token)).await.unwrap().changed.is_empty());
    assert_eq!(list.changes(Some(ModSeq(next.token.0 + 1))).await.err(), Some(Refusal::Precondition));
}

#[tokio::test]
async fn a_shared_folder_shows_with_the_way_to_it_and_nothing_else() {
    let (world, _owner) = tree().await;
    let owner = address(OWNER);
    world.admin.share(&owner, Area::Files, &path(""), &[]).await.unwrap();
    let subject = octroi_gate::Identifier::Profile("subject".to_owned());
    let rights = Rights::LOOKUP | Rights::READ;
    world.admin.share(&owner, Area::Files, &path("a/b"), &[(subject, rights)]).await.unwrap();
    world.admin.replace_policy(policy(Rights::ALL)).await;
    let session = world.session(SUBJECT, Service::Files).await;
    let theirs = format!("Shared/{OWNER}");
    // The subject has nothing of their own, yet a program can be pointed at the top.
    assert_eq!(names(&session, "").await, ["Shared"]);
    assert!(session.open(folder(""), Bind).await.is_err());
    assert_eq!(names(&session, "Shared").await, [OWNER]);
    assert_eq!(names(&session, &theirs).await, ["a"]);
    assert_eq!(names(&session, &format!("{theirs}/a")).await, ["b"], "one.txt stays hidden");
    assert_eq!(read(&session, &format!("{theirs}/a/b"), "two.txt").await.unwrap(), "two");
    assert_eq!(read(&session, &format!("{theirs}/a"), "one.txt").await, Err(Refusal::Missing));
    let passage = session.open(FolderAt { area: Area::Files, path: path(&format!("{theirs}/a")) }, Bind).await;
    assert!(passage.is_err());
}

#[tokio::test]
async fn mailboxes_are_renamed_with_what_is_below_and_inbox_gives_its_messages() {
    let world = World::new().await;
    let owner = world.session(OWNER, Service::Imap).await;
    owner.open(NewMailboxAt(path("p/q/r")), CreateMailbox).await.unwrap().create(None).await.unwrap();
    let p = owner.open(MailboxAt(path("p")), DeleteMailbox).await.unwrap();
    assert_eq!(p.delete().await, Err(Refusal::NotEmpty));
    let to = owner.open(NewMailboxAt(path("n/m")), CreateMailbox).await.unwrap();
    owner.open(MailboxAt(path("p/q")), RenameMailbox).await.unwrap().rename(&to).await.unwrap();
    assert!(owner.open(MailboxAt(path("n/m/r")), Select).await.is_ok());
    let inbox = owner.open(MailboxAt(path("INBOX")), Append).await.unwrap();
    let mut with_keyword = draft("x");
    with_keyword.keywords.push("$Validated".to_owned());
    inbox.append(vec![with_keyword, draft("y")]).await.unwrap();
    let to = owner.open(NewMailboxAt(path("old")), CreateMailbox).await.unwrap();
    owner.open(MailboxAt(path("INBOX")), RenameMailbox).await.unwrap().rename(&to).await.unwrap();
    let old = owner.open(MailboxAt(path("old")), Select).await.unwrap().view().await.unwrap();
    assert_eq!((old.len(), old.keywords().len()), (2, 1));
    assert_eq!(old.at(0).unwrap().flags.keyword_indexes().collect::<Vec<_>>(), [0]);
    assert!(owner.open(MailboxAt(path("inbox")), Select).await.unwrap().view().await.unwrap().is_empty());
    let taken = owner.open(NewMailboxAt(path("old")), CreateMailbox).await;
    assert_eq!(taken.err(), Some(Refusal::Exists));
}

#[tokio::test]
async fn copies_keep_their_keywords_and_moves_are_one_step() {
    let world = World::new().await;
    let owner = world.session(OWNER, Service::Imap).await;
    let inbox = owner.open(MailboxAt(path("INBOX")), Append).await.unwrap();
    let mut first = draft("x");
    first.keywords = vec!["One".to_owned(), "Two".to_owned()];
    inbox.append(vec![first, draft("y")]).await.unwrap();
    let view = owner.open(MailboxAt(path("INBOX")), Select).await.unwrap().view().await.unwrap();
    let archive = owner.open(MailboxAt(path("Archive")), Append).await.unwrap();
    archive.append(vec![draft("z")]).await.unwrap();
    let all = UidSet::from_uids(view.items().map(|i| i.uid));
    let copied = archive.copy_from(&view, &all).await.unwrap();
    assert_eq!(copied.to.iter().map(|u| u.0).collect::<Vec<_>>(), [2, 3]);
    let source = owner.open(MailboxAt(path("INBOX")), octroi_gate::MoveAway).await.unwrap();
    let moved = archive.move_from(&source, &all).await.unwrap();
    assert_eq!(moved.to.len(), 2);
    let there = owner.open(MailboxAt(path("Archive")), Select).await.unwrap().view().await.unwrap();
    assert_eq!(there.len(), 5);
    assert_eq!(there.at(1).unwrap().flags.keyword_indexes().count(), 2);
    assert!(owner.open(MailboxAt(path("INBOX")), Select).await.unwrap().view().await.unwrap().is_empty());
}
