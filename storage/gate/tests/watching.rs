//! Waiting for changes of mailboxes: who is woken by what, and who is not.

#![allow(clippy::unwrap_used)]

mod support;

use octroi_gate::{
    Append, Area, CreateMailbox, DeleteMailbox, Expunge, FlagMode, FolderAt, Identifier, MailWatch, MailboxAt, MakeFolder, NewMailboxAt,
    RenameMailbox, Session, Store, WriteMetadata, WriteSharedMetadata,
};
use octroi_model::{CollectionKind, Flags, Rights, Service, Uid, UidSet};
use std::time::Duration;
use support::{OWNER, SUBJECT, World, address, draft, name, path, policy};

/// Is it woken by what was done just now?
async fn woken(watch: &mut MailWatch) -> bool {
    let woken = tokio::time::timeout(Duration::from_millis(300), watch.changed()).await.is_ok();
    // What one act does in several commits is heard several times.
    while tokio::time::timeout(Duration::from_millis(150), watch.changed()).await.is_ok() {}
    woken
}

struct Stage {
    world: World,
    owner: Session,
    subject: Session,
    by_owner: MailWatch,
    by_subject: MailWatch,
}

impl Stage {
    /// The owner has `Open`, which everybody may see, and `Own`, which nobody else may.
    async fn new() -> Self {
        let world = World::new().await;
        world.admin.share(&address(OWNER), Area::Mail, &path(""), &[]).await.unwrap();
        let owner = world.session(OWNER, Service::Imap).await;
        let subject = world.session(SUBJECT, Service::Imap).await;
        for made in ["Open", "Own"] {
            owner.open(NewMailboxAt(path(made)), CreateMailbox).await.unwrap().create(None).await.unwrap();
        }
        world.admin.share(&address(OWNER), Area::Mail, &path("Open"), &[(Identifier::Anyone, Rights::ALL)]).await.unwrap();
        let (by_owner, by_subject) = (owner.watch_mail(), subject.watch_mail());
        Self { world, owner, subject, by_owner, by_subject }
    }

    async fn wakes(&mut self, what: &str, owner: bool, subject: bool) {
        assert_eq!((woken(&mut self.by_owner).await, woken(&mut self.by_subject).await), (owner, subject), "{what}");
    }
}

async fn append(session: &Session, at: &str) {
    session.open(MailboxAt(path(at)), Append).await.unwrap().append(vec![draft("x")]).await.unwrap();
}

fn one() -> UidSet {
    UidSet::from_uids([Uid(1)])
}

#[tokio::test]
async fn messages_wake_who_may_see_them() {
    let mut stage = Stage::new().await;
    stage.wakes("nothing", false, false).await;
    append(&stage.owner, "Own").await;
    stage.wakes("a message of one's own", true, false).await;
    append(&stage.owner, "Open").await;
    stage.wakes("a message that is shared", true, true).await;
    append(&stage.subject, &format!("Shared/{OWNER}/Open")).await;
    stage.wakes("a message by somebody else", true, true).await;
    let store = stage.owner.open(MailboxAt(path("Open")), Store).await.unwrap();
    store.store(&one(), FlagMode::Add, Flags::SEEN, &[]).await.unwrap();
    stage.wakes("a flag", true, true).await;
    store.store(&one(), FlagMode::Add, Flags::SEEN, &[]).await.unwrap();
    stage.wakes("a flag that is there", false, false).await;
    stage.owner.open(MailboxAt(path("Open")), Expunge).await.unwrap().expunge(&one()).await.unwrap();
    stage.wakes("an expunge", true, true).await;
    let files = stage.world.session(OWNER, Service::Files).await;
    woken(&mut stage.by_owner).await;
    let top = files.open(FolderAt { area: Area::Files, path: path("") }, MakeFolder).await.unwrap();
    top.make(&name("folder"), CollectionKind::Folder, Vec::new()).await.unwrap();
    stage.wakes("a document", false, false).await;
    // Many are one.
    for _ in 0..20 {
        append(&stage.owner, "Open").await;
    }
    stage.by_subject.changed().await;
    assert!(woken(&mut stage.by_owner).await);
    assert!(!woken(&mut stage.by_subject).await);
}

#[tokio::test]
async fn mailboxes_subscriptions_and_annotations_wake() {
    let mut stage = Stage::new().await;
    let create = |at: &'static str, owner: &Session| {
        let owner = owner.clone();
        async move { owner.open(NewMailboxAt(path(at)), CreateMailbox).await.unwrap().create(None).await.unwrap() }
    };
    create("Open/New", &stage.owner).await;
    stage.wakes("a mailbox below a shared one", true, true).await;
    create("Other", &stage.owner).await;
    stage.wakes("a mailbox", true, false).await;
    for (from, to, shared) in [("Other", "Open/Other", true), ("Open/Other", "Other", true), ("Other", "Another", false)] {
        let source = stage.owner.open(MailboxAt(path(from)), RenameMailbox).await.unwrap();
        let place = stage.owner.open(NewMailboxAt(path(to)), CreateMailbox).await.unwrap();
        source.rename(&place).await.unwrap();
        stage.wakes(to, true, shared).await;
    }
    stage.owner.open(MailboxAt(path("Open/New")), DeleteMailbox).await.unwrap().delete().await.unwrap();
    stage.wakes("a mailbox that goes", true, true).await;
    stage.subject.subscribe("x", true).await.unwrap();
    stage.wakes("a subscription", false, true).await;
    let theirs = path(&format!("Shared/{OWNER}/Open"));
    let value = |name: &str| vec![(name.to_owned(), Some(b"x".to_vec()))];
    let private = stage.subject.open(MailboxAt(theirs.clone()), WriteMetadata).await.unwrap();
    private.annotate(value("/private/a")).await.unwrap();
    stage.wakes("a private annotation", false, true).await;
    let shared = stage.subject.open(MailboxAt(theirs), WriteSharedMetadata).await.unwrap();
    shared.annotate(value("/shared/a")).await.unwrap();
    stage.wakes("a shared annotation", true, true).await;
}

#[tokio::test]
async fn what_is_shared_later_wakes_from_then_on() {
    let mut stage = Stage::new().await;
    stage.world.admin.share(&address(OWNER), Area::Mail, &path("Open"), &[]).await.unwrap();
    stage.wakes("a share that ends", true, true).await;
    append(&stage.owner, "Open").await;
    stage.wakes("a message that is shared no more", true, false).await;
    let with = [(Identifier::Account(address(SUBJECT)), Rights::LOOKUP | Rights::READ)];
    stage.world.admin.share(&address(OWNER), Area::Mail, &path("Own"), &with).await.unwrap();
    stage.wakes("a share with one", true, true).await;
    append(&stage.owner, "Own").await;
    stage.wakes("a message that is shared now", true, true).await;
    // Rules of profiles decide what of it is seen; who is named hears of what might be.
    stage.world.admin.replace_policy(policy(Rights::NONE)).await;
    stage.wakes("other profiles", true, true).await;
    assert!(stage.subject.tree(Area::Mail).await.iter().all(|entry| !entry.path.join("/").starts_with("Shared")));
}

/// What happens while nobody waits is told to who asks next, also when a wait was given up half-way.
#[tokio::test]
async fn nothing_is_missed_between_two_waits() {
    let mut stage = Stage::new().await;
    append(&stage.owner, "Own").await;
    stage.by_owner.changed().await;
    append(&stage.owner, "Own").await;
    // Given up in the pause after it was heard.
    assert!(tokio::time::timeout(Duration::from_millis(1), stage.by_owner.changed()).await.is_err());
    assert!(woken(&mut stage.by_owner).await);
    assert!(!woken(&mut stage.by_owner).await);
}
