//! What is kept of documents that were written over or removed: versions and the trash, with everybody's rights and within quotas.

#![allow(clippy::unwrap_used)]

mod support;

use octroi_gate::{
    Bind, Content, Depart, InTheWay, Limits, List, MakeFolder, MemberIs, Read, Refusal, RemoveFolder, Rewrite, Session, ShareFolder, TRASH,
    Unlink, VERSIONS, VersionPolicy, When,
};
use octroi_model::{CollectionKind, QuotaLimit, Rights, Service, UnixTime};
use std::time::Duration;
use support::documents::{file, folder, make, read};
use support::{OWNER, SUBJECT, World, address, name, path, policy};

/// Put something new, or over what is there.
async fn put(session: &Session, at: &str, it: &str, text: &str) {
    try_put(session, at, it, text).await.unwrap();
}

async fn try_put(session: &Session, at: &str, it: &str, text: &str) -> Result<(), Refusal> {
    let content = Content::document(text.as_bytes());
    match session.open(file(at, it), Rewrite).await {
        Ok(there) => there.replace(content, None, When::Anyhow).await.map(|_| ()),
        Err(Refusal::Missing) => session.open(folder(at), Bind).await?.put(&name(it), content, None).await.map(|_| ()),
        Err(refusal) => Err(refusal),
    }
}

async fn remove(session: &Session, at: &str, it: &str) -> Result<(), Refusal> {
    session.open(file(at, it), Unlink).await?.remove(When::Anyhow).await
}

async fn names(session: &Session, at: &str) -> Vec<String> {
    try_names(session, at).await.unwrap()
}

async fn try_names(session: &Session, at: &str) -> Result<Vec<String>, Refusal> {
    let members = session.open(folder(at), List).await?.members().await?;
    Ok(members.iter().map(|m| m.name.to_string()).collect())
}

/// The texts of a document's versions, the oldest first.
async fn versions(session: &Session, at: &str, it: &str) -> Vec<String> {
    let at = format!("{at}{}{VERSIONS}/{it}", if at.is_empty() { "" } else { "/" });
    let mut texts = Vec::new();
    for version in try_names(session, &at).await.unwrap_or_default() {
        texts.push(read(session, &at, &version).await.unwrap());
    }
    texts
}

#[tokio::test]
async fn what_is_written_over_is_a_version_until_there_are_too_many() {
    let world = World::with(&Limits { versions: VersionPolicy { versions: 3, days: 30 }, ..Limits::default() }).await;
    let owner = world.session(OWNER, Service::Files).await;
    make(&owner, "", "Actes").await;
    for text in ["one", "two", "two", "three", "four", "five"] {
        put(&owner, "Actes", "a.txt", text).await;
    }
    put(&owner, "Actes", "b-c.txt", "other").await;
    assert_eq!(versions(&owner, "Actes", "a.txt").await, ["two", "three", "four"], "the oldest went, and the same content is no version");
    assert_eq!(names(&owner, "Actes").await, ["a.txt", "b-c.txt"], "they are not among the documents");
    put(&owner, "Actes", "b-c.txt", "another").await;
    assert_eq!(names(&owner, &format!("Actes/{VERSIONS}")).await, ["a.txt", "b-c.txt"]);
    // A copy over something keeps it as well; a version is restored by copying it over what is there.
    let at = format!("Actes/{VERSIONS}/a.txt");
    let oldest = names(&owner, &at).await.remove(0);
    let source = owner.open(file(&at, &oldest), Read).await.unwrap();
    let there = owner.open(file("Actes", "a.txt"), Rewrite).await.unwrap();
    let bind = owner.open(folder("Actes"), Bind).await.unwrap();
    bind.copy_file(&source, &name("a.txt"), &InTheWay::File(there)).await.unwrap();
    assert_eq!(read(&owner, "Actes", "a.txt").await.unwrap(), "two");
    assert_eq!(versions(&owner, "Actes", "a.txt").await, ["three", "four", "five"]);
    // They come along with their folder, stay when the document goes, and are what a folder's removal takes with it.
    let top = owner.open(folder(""), MakeFolder).await.unwrap();
    let going = owner.open(folder("Actes"), RemoveFolder).await.unwrap();
    top.move_folder(&going, &name("Moved"), &InTheWay::Nothing).await.unwrap();
    remove(&owner, "Moved", "a.txt").await.unwrap();
    assert_eq!(versions(&owner, "Moved", "a.txt").await.len(), 3);
    owner.open(folder("Moved"), RemoveFolder).await.unwrap().remove().await.unwrap();
    assert!(names(&owner, "").await.is_empty());
}

#[tokio::test]
async fn a_folder_says_how_many_versions_it_keeps() {
    let world = World::new().await;
    let owner = world.session(OWNER, Service::Files).await;
    let who = address(OWNER);
    for (at, it) in [("", "a"), ("a", "none"), ("a", "b")] {
        make(&owner, at, it).await;
    }
    let policy = |versions| Some(VersionPolicy { versions, days: 30 });
    world.admin.set_version_policy(&who, &path("a"), policy(2)).await.unwrap();
    world.admin.set_version_policy(&who, &path("a/none"), policy(0)).await.unwrap();
    for at in ["a", "a/none", "a/b"] {
        for text in ["1", "2", "3", "4"] {
            put(&owner, at, "x", text).await;
        }
    }
    assert_eq!(versions(&owner, "a", "x").await, ["2", "3"]);
    assert!(versions(&owner, "a/none", "x").await.is_empty());
    assert_eq!(versions(&owner, "a/b", "x").await, ["2", "3"]);
    world.admin.set_version_policy(&who, &path("a/none"), None).await.unwrap();
    assert_eq!(world.admin.version_policy(&who, &path("a/none")).unwrap().versions, 2);
    assert_eq!(world.admin.version_policy(&who, &path("")).unwrap(), VersionPolicy::default());
}

#[tokio::test]
async fn what_is_removed_lies_in_the_trash_under_its_path() {
    let world = World::new().await;
    let owner = world.session(OWNER, Service::Files).await;
    make(&owner, "", "a").await;
    make(&owner, "a", "b").await;
    put(&owner, "a/b", "x.txt", "one").await;
    remove(&owner, "a/b", "x.txt").await.unwrap();
    put(&owner, "a/b", "x.txt", "two").await;
    remove(&owner, "a/b", "x.txt").await.unwrap();
    assert_eq!(names(&owner, "").await, ["a"], "it is not among the documents");
    let bin = format!("{TRASH}/a/b");
    let there = names(&owner, &bin).await;
    assert_eq!(there.len(), 2);
    let mut texts = vec![read(&owner, &bin, &there[0]).await.unwrap(), read(&owner, &bin, &there[1]).await.unwrap()];
    texts.sort();
    assert_eq!(texts, ["one", "two"]);
    // A whole folder, beside the bin for what was in it.
    put(&owner, "a/b", "y.txt", "three").await;
    owner.open(folder("a/b"), RemoveFolder).await.unwrap().remove().await.unwrap();
    let mut lines = world.admin.trash(&address(OWNER)).await.unwrap();
    // All of the same second.
    lines.sort_by_key(|line| line.folder);
    let told: Vec<(String, bool, u64)> = lines.iter().map(|line| (line.from.join("/"), line.folder, line.bytes)).collect();
    assert_eq!(told, [("a/b/x.txt".to_owned(), false, 3), ("a/b/x.txt".to_owned(), false, 3), ("a/b".to_owned(), true, 5)]);
    assert!(lines.iter().all(|line| line.by == Some(address(OWNER)) && line.at.is_some()));
    // Back by moving, as a program does it.
    let kept = lines[2].path.names().last().unwrap().as_str().to_owned();
    let going = owner.open(folder(&format!("{TRASH}/a/{kept}")), RemoveFolder).await.unwrap();
    owner.open(folder("a"), MakeFolder).await.unwrap().move_folder(&going, &name("b"), &InTheWay::Nothing).await.unwrap();
    assert_eq!(read(&owner, "a/b", "y.txt").await.unwrap(), "three");
    let going = owner.open(file(&bin, &there[0]), Depart).await.unwrap();
    owner.open(folder("a/b"), Bind).await.unwrap().move_file(&going, &name("x.txt"), &InTheWay::Nothing).await.unwrap();
    assert_eq!(names(&owner, "a/b").await, ["x.txt", "y.txt"]);
    // Or by the administration: not over something, but elsewhere.
    let left = world.admin.trash(&address(OWNER)).await.unwrap().remove(0).path;
    let who = address(OWNER);
    assert_eq!(world.admin.restore_from_trash(&who, &left, None).await, Err(Refusal::Exists));
    let to = world.admin.restore_from_trash(&who, &left, Some(&path("new/there/x.txt"))).await.unwrap();
    assert_eq!(to.join("/"), "new/there/x.txt");
    assert!(read(&owner, "new/there", "x.txt").await.is_ok());
    // What is removed there is gone.
    remove(&owner, "new/there", "x.txt").await.unwrap();
    remove(&owner, &format!("{TRASH}/new/there"), "x.txt").await.unwrap();
    assert!(world.admin.trash(&who).await.unwrap().is_empty());
}

#[tokio::test]
async fn nothing_is_put_into_what_is_kept_and_its_names_are_taken() {
    let world = World::new().await;
    let owner = world.session(OWNER, Service::Files).await;
    put(&owner, "", "x.txt", "one").await;
    put(&owner, "", "x.txt", "two").await;
    remove(&owner, "", "x.txt").await.unwrap();
    for at in [TRASH, VERSIONS, &format!("{VERSIONS}/x.txt")] {
        assert!(matches!(try_put(&owner, at, "new.txt", "new").await, Err(Refusal::Forbidden(_))), "{at}");
        assert!(matches!(owner.open(folder(at), MakeFolder).await.map(|_| ()), Err(Refusal::Forbidden(_))), "{at}");
        assert!(matches!(owner.open(folder(at), ShareFolder).await.map(|_| ()), Err(Refusal::Forbidden(_))), "{at}");
    }
    assert!(matches!(try_put(&owner, TRASH, "x.txt", "new").await, Err(Refusal::Forbidden(_))));
    make(&owner, "", "a").await;
    for (at, it) in [("", TRASH), ("", VERSIONS), ("a", VERSIONS)] {
        assert_eq!(try_put(&owner, at, it, "x").await, Err(Refusal::Unsupported), "{at} {it}");
        let made = owner.open(folder(at), MakeFolder).await.unwrap().make(&name(it), CollectionKind::Folder, Vec::new()).await;
        assert_eq!(made, Err(Refusal::Unsupported), "{at} {it}");
    }
    put(&owner, "a", TRASH, "further down it is a name like any other").await;
    // Whole, a collection of either cannot be removed or moved away.
    for at in [TRASH, VERSIONS, &format!("{VERSIONS}/x.txt")] {
        if let Ok(granted) = owner.open(folder(at), RemoveFolder).await {
            assert_eq!(at, TRASH);
            assert!(granted.remove().await.is_ok(), "the trash may be emptied by removing it");
        }
    }
}

#[tokio::test]
async fn nobody_else_sees_the_trash_and_versions_follow_the_rights_on_the_folder() {
    let world = World::new().await;
    let (owner, subject) = (world.session(OWNER, Service::Files).await, world.session(SUBJECT, Service::Files).await);
    make(&owner, "", "a").await;
    let theirs = format!("Shared/{OWNER}/a");
    put(&owner, "a", "x.txt", "one").await;
    put(&subject, &theirs, "x.txt", "two").await;
    put(&owner, "a", "y.txt", "mine").await;
    // Removed by somebody else, it lies in the owner's trash, and theirs stays empty.
    remove(&subject, &theirs, "y.txt").await.unwrap();
    assert_eq!(read(&owner, &format!("{TRASH}/a"), "y.txt").await.unwrap(), "mine");
    assert_eq!(world.admin.trash(&address(OWNER)).await.unwrap()[0].by, Some(address(SUBJECT)));
    assert!(world.admin.trash(&address(SUBJECT)).await.unwrap().is_empty());
    let hidden = format!("Shared/{OWNER}/{TRASH}");
    assert_eq!(try_names(&subject, &hidden).await, Err(Refusal::Missing));
    assert_eq!(read(&subject, &format!("{hidden}/a"), "y.txt").await, Err(Refusal::Missing));
    // Who reads the folder reads the versions; only whose it is removes one.
    let at = format!("{theirs}/{VERSIONS}/x.txt");
    assert_eq!(versions(&subject, &theirs, "x.txt").await, ["one"]);
    let version = names(&subject, &at).await.remove(0);
    world.admin.replace_policy(policy(Rights::ALL.without(Rights::ADMIN))).await;
    assert_eq!(remove(&subject, &at, &version).await, Err(Refusal::Forbidden(Rights::EXPUNGE)));
    world.admin.replace_policy(policy(Rights::LOOKUP | Rights::INSERT)).await;
    assert!(matches!(try_names(&subject, &at).await, Err(Refusal::Forbidden(_))));
    world.admin.replace_policy(policy(Rights::NONE)).await;
    assert_eq!(try_names(&subject, &at).await, Err(Refusal::Missing));
    remove(&owner, &format!("a/{VERSIONS}/x.txt"), &version).await.unwrap();
    assert!(versions(&owner, "a", "x.txt").await.is_empty());
}

#[tokio::test]
async fn a_document_never_waits_for_what_is_kept() {
    let world = World::new().await;
    let owner = world.session(OWNER, Service::Files).await;
    let who = address(OWNER);
    let limit = |bytes| Some(QuotaLimit { bytes, items: None });
    world.admin.set_quota(&who, None, limit(20)).await.unwrap();
    put(&owner, "", "old.txt", "12345").await;
    remove(&owner, "", "old.txt").await.unwrap();
    put(&owner, "", "a.txt", "1234567890").await;
    put(&owner, "", "a.txt", "0987654321").await;
    assert!(world.admin.trash(&who).await.unwrap().is_empty(), "the oldest made room");
    assert_eq!(versions(&owner, "", "a.txt").await, ["1234567890"]);
    let bind = owner.open(folder(""), Bind).await.unwrap();
    assert_eq!((bind.room_for(10), bind.room_for(11)), (Ok(()), Err(Refusal::OverQuota)));
    put(&owner, "", "b.txt", "1234567890").await;
    assert!(versions(&owner, "", "a.txt").await.is_empty(), "the version made room");
    put(&owner, "", "a.txt", "0000000000").await;
    assert!(versions(&owner, "", "a.txt").await.is_empty(), "there was no room for one");
    assert_eq!(try_put(&owner, "", "a.txt", "00000000000").await, Err(Refusal::OverQuota));
    assert_eq!(read(&owner, "", "a.txt").await.unwrap(), "0000000000");
    // Removing needs no room.
    remove(&owner, "", "a.txt").await.unwrap();
    assert_eq!(world.admin.trash(&who).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_programs_need_for_a_moment_is_not_kept_nor_what_is_too_large_or_too_old() {
    let world = World::with(&Limits { trash_bytes_max: 10, ..Limits::default() }).await;
    let owner = world.session(OWNER, Service::Files).await;
    let who = address(OWNER);
    for passing in ["._x.txt", ".DS_Store", "~$x.docx", ".~lock.x.odt#", "x.tmp"] {
        put(&owner, "", passing, "one").await;
        put(&owner, "", passing, "two").await;
        remove(&owner, "", passing).await.unwrap();
    }
    put(&owner, "", "empty", "").await;
    remove(&owner, "", "empty").await.unwrap();
    put(&owner, "", "large.txt", "12345678901").await;
    remove(&owner, "", "large.txt").await.unwrap();
    assert!(world.admin.trash(&who).await.unwrap().is_empty());
    assert_eq!(try_names(&owner, VERSIONS).await, Err(Refusal::Missing));
    for number in 1..=4 {
        put(&owner, "", &format!("{number}.txt"), "1234").await;
        remove(&owner, "", &format!("{number}.txt")).await.unwrap();
    }
    let from: Vec<String> = world.admin.trash(&who).await.unwrap().iter().map(|line| line.from.join("/")).collect();
    assert_eq!(from, ["3.txt", "4.txt"]);
    assert_eq!(world.admin.sweep_documents(UnixTime::now()).await, 0, "it is not old");
    assert_eq!(world.admin.empty_trash(&who, UnixTime(UnixTime::now().0 + 5)).await, Ok(2));
    assert_eq!(world.admin.sweep_documents(UnixTime::now()).await, 0);
    assert!(names(&owner, TRASH).await.is_empty());
}

/// What is kept of somebody's documents goes when its days are over, and not before.
#[tokio::test]
async fn what_is_kept_goes_with_time() {
    const DAY: i64 = 24 * 60 * 60;
    let versions = VersionPolicy { versions: 10, days: 30 };
    let world = World::with(&Limits { versions, trash_days: 10, upload_idle: Duration::from_hours(5), ..Limits::default() }).await;
    let owner = world.session(OWNER, Service::Files).await;
    let after = |seconds| UnixTime(UnixTime::now().0 + seconds);
    make(&owner, "", "a").await;
    for text in ["one", "two", "three"] {
        put(&owner, "a", "x.txt", text).await;
    }
    put(&owner, "a", "removed.txt", "one").await;
    remove(&owner, "a", "removed.txt").await.unwrap();
    owner.begin_upload(&name("idle")).await.unwrap();
    let part = owner.receive_part(&name("idle"), &name("1"), 4).await.unwrap().finish_document().await.unwrap();
    owner.keep_part(&name("idle"), &name("1"), part).await.unwrap();

    assert_eq!(world.admin.sweep_documents(after(4 * 60 * 60)).await, 0);
    assert_eq!(owner.uploads().await.unwrap(), [name("idle")]);
    assert_eq!(world.admin.sweep_documents(after(6 * 60 * 60)).await, 1);
    assert!(owner.uploads().await.unwrap().is_empty());
    assert_eq!(world.admin.sweep_documents(after(9 * DAY)).await, 0);
    assert_eq!(world.admin.trash(&address(OWNER)).await.unwrap().len(), 1);
    assert_eq!(world.admin.sweep_documents(after(11 * DAY)).await, 1);
    assert!(world.admin.trash(&address(OWNER)).await.unwrap().is_empty());
    // A folder that says otherwise keeps its own for longer.
    assert_eq!(versions_of(&owner).await, ["one", "two"]);
    world.admin.set_version_policy(&address(OWNER), &path("a"), Some(VersionPolicy { versions: 10, days: 50 })).await.unwrap();
    assert_eq!(world.admin.sweep_documents(after(49 * DAY)).await, 0);
    world.admin.set_version_policy(&address(OWNER), &path("a"), None).await.unwrap();
    assert_eq!(world.admin.sweep_documents(after(29 * DAY)).await, 0);
    assert_eq!(versions_of(&owner).await, ["one", "two"]);
    assert_eq!(world.admin.sweep_documents(after(31 * DAY)).await, 2);
    assert_eq!(try_names(&owner, &format!("a/{VERSIONS}")).await, Err(Refusal::Missing), "nor is there an empty place left");
    assert_eq!(read(&owner, "a", "x.txt").await.unwrap(), "three");
}

async fn versions_of(session: &Session) -> Vec<String> {
    versions(session, "a", "x.txt").await
}

/// The names of two versions were the same where two documents have long names that begin alike and both are written over in one moment: one
/// of the versions was lost.
#[tokio::test]
async fn versions_of_names_that_begin_alike_are_kept_apart() {
    let world = World::new().await;
    let owner = world.session(OWNER, Service::Files).await;
    let long = |end: &str| format!("{}{end}", "é".repeat(122));
    for round in 0..5 {
        let (one, two) = (format!("one {round}"), format!("two {round}"));
        let (first, second) = (long("1"), long("2"));
        tokio::join!(put(&owner, "", &first, &one), put(&owner, "", &second, &two));
    }
    for (end, word) in [("1", "one"), ("2", "two")] {
        let kept = versions(&owner, "", &long(end)).await;
        assert_eq!(kept, (0..4).map(|round| format!("{word} {round}")).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn without_a_trash_what_is_removed_is_gone() {
    let world = World::with(&Limits { trash_days: 0, versions: VersionPolicy { versions: 0, days: 1 }, ..Limits::default() }).await;
    let owner = world.session(OWNER, Service::Files).await;
    make(&owner, "", "a").await;
    put(&owner, "a", "x", "one").await;
    put(&owner, "a", "x", "two").await;
    remove(&owner, "a", "x").await.unwrap();
    put(&owner, "a", "x", "three").await;
    owner.open(folder("a"), RemoveFolder).await.unwrap().remove().await.unwrap();
    assert!(world.admin.trash(&address(OWNER)).await.unwrap().is_empty());
    assert_eq!(try_names(&owner, TRASH).await, Err(Refusal::Missing));
}

/// A rule that hides a folder from afar would be worth little if what was removed from it could be read from afar.
#[tokio::test]
async fn the_rules_for_a_path_hold_for_what_was_removed_from_it() {
    let world = World::new().await;
    let owner = world.session(OWNER, Service::Files).await;
    for (at, it) in [("", "Secret"), ("Secret", "deep")] {
        make(&owner, at, it).await;
    }
    put(&owner, "Secret", "x", "one").await;
    put(&owner, "Secret", "x", "two").await;
    put(&owner, "Secret/deep", "y", "three").await;
    remove(&owner, "Secret", "x").await.unwrap();
    owner.open(folder("Secret/deep"), RemoveFolder).await.unwrap().remove().await.unwrap();
    let text = "[[profile.owner.rule]]\neffect = \"deny\"\npath = \"files/Secret/**\"\nrights = \"lr\"\n";
    world.admin.replace_policy(support::policy_with(text)).await;
    for at in ["Secret", &format!("Secret/{VERSIONS}/x"), &format!("{TRASH}/Secret"), &format!("{TRASH}/Secret/deep")] {
        assert_eq!(try_names(&owner, at).await, Err(Refusal::Missing), "{at}");
    }
    assert_eq!(read(&owner, &format!("{TRASH}/Secret"), "x").await, Err(Refusal::Missing));
    let listed = owner.open(folder(TRASH), List).await.unwrap().members().await.unwrap();
    assert!(!listed.iter().any(|member| matches!(member.is, MemberIs::Folder(_))), "{listed:?}");
}

#[tokio::test]
async fn who_drops_sees_what_they_dropped_and_nothing_else() {
    let world = World::new().await;
    let (owner, subject) = (world.session(OWNER, Service::Files).await, world.session(SUBJECT, Service::Files).await);
    make(&owner, "", "in").await;
    put(&owner, "in", "theirs.txt", "secret").await;
    world.admin.replace_policy(policy(Rights::LOOKUP | Rights::INSERT)).await;
    let at = format!("Shared/{OWNER}/in");
    let drop = async |it: &str, text: &str| {
        let bind = subject.open(folder(&at), Bind).await.unwrap();
        bind.put(&name(it), Content::document(text.as_bytes()), None).await.map(|_| ())
    };
    drop("mine.txt", "mine").await.unwrap();
    assert_eq!(drop("mine.txt", "again").await, Err(Refusal::Exists));
    assert_eq!(drop("theirs.txt", "over").await, Err(Refusal::Exists));
    assert_eq!(names(&subject, &at).await, ["mine.txt"]);
    assert_eq!(read(&subject, &at, "mine.txt").await.unwrap(), "mine");
    assert_eq!(read(&subject, &at, "theirs.txt").await, Err(Refusal::Missing));
    let list = subject.open(folder(&at), List).await.unwrap();
    assert_eq!((list.facts().head.items, list.changes(None).await.err()), (0, Some(Refusal::Unsupported)));
    for (it, refusal) in [("theirs.txt", Refusal::Missing), ("mine.txt", Refusal::Forbidden(Rights::EXPUNGE))] {
        assert_eq!(remove(&subject, &at, it).await, Err(refusal));
    }
    assert!(matches!(subject.open(file(&at, "mine.txt"), Rewrite).await.err(), Some(Refusal::Forbidden(_))));
    assert!(matches!(subject.open(file(&at, "mine.txt"), Depart).await.err(), Some(Refusal::Forbidden(_))));
    // What the owner writes over is not one's own any more.
    assert_eq!(names(&owner, "in").await, ["mine.txt", "theirs.txt"]);
    put(&owner, "in", "mine.txt", "corrected").await;
    assert_eq!(read(&subject, &at, "mine.txt").await, Err(Refusal::Missing));
    assert!(try_names(&subject, &format!("{at}/{VERSIONS}/mine.txt")).await.is_err());
    // Who may read all sees all again.
    world.admin.replace_policy(policy(Rights::LOOKUP | Rights::INSERT | Rights::READ)).await;
    assert_eq!(names(&subject, &at).await.len(), 2);
}

/// A client that makes a folder and removes it again and again was soon told that the account has too many folders.
#[tokio::test]
async fn folders_in_the_trash_are_not_in_the_way_of_new_ones() {
    let world = World::with(&Limits { collections_max: 8, ..Limits::default() }).await;
    let owner = world.session(OWNER, Service::Files).await;
    for number in 0..20 {
        make(&owner, "", "again").await;
        put(&owner, "again", "x", &number.to_string()).await;
        owner.open(folder("again"), RemoveFolder).await.unwrap().remove().await.unwrap();
    }
    assert_eq!(world.admin.trash(&address(OWNER)).await.unwrap().len(), 7, "as many as there may be with the trash itself");
    for number in 0..7 {
        make(&owner, "", &number.to_string()).await;
    }
    let made = owner.open(folder(""), MakeFolder).await.unwrap().make(&name("8"), CollectionKind::Folder, Vec::new()).await;
    assert!(matches!(made, Err(Refusal::Limit(_))));
}
