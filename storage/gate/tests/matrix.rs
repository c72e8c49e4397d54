//! The rights matrix, generated: every purpose × every right removed → refused, with no effect and no hint; against a simple oracle.
//!
//! A purpose that is added to the table without an act here fails the test.

#![allow(clippy::unwrap_used)]

mod support;

use std::fmt::Write;

use octroi_gate::purpose::{Row, TABLE};
use octroi_gate::{
    Append, Area, Bind, Content, CreateMailbox, DeleteMailbox, Depart, Describe, DescribeFolder, Description, Entry, Expunge, FileAt,
    FlagMode, FolderAt, InTheWay, KeepOwn, List, LockFile, LockFolder, LockWish, MailboxAt, MakeFolder, Mark, MemberIs, MoveAway,
    NewMailboxAt, Personalise, Read, ReadMetadata, Refusal, RemoveFolder, RenameMailbox, Rewrite, SeeBusy, Select, Session, ShareFolder,
    ShareMailbox, Status, Store, Unlink, When, WriteMetadata, WriteSharedMetadata,
};
use octroi_model::{CollectionKind, Flags, LockScope, Rights, Service, Uid, UidSet};
use support::{OWNER, SUBJECT, World, address, draft, name, path, policy, policy_from};

/// What the owner has, as text: compared before and after.
async fn state(mail: &Session, files: &Session) -> String {
    let entries: Vec<Entry> = mail.tree(Area::Mail).await;
    let mut text = entries.iter().map(|e| format!("{:?} {:?} {:?}\n", e.path, e.kind, e.head)).collect::<String>();
    for entry in &entries {
        let mailbox = mail.open(MailboxAt(entry.path.clone()), Select).await.unwrap();
        let annotations = mail.open(MailboxAt(entry.path.clone()), ReadMetadata).await.unwrap().annotations().unwrap();
        writeln!(text, "  {annotations:?}").unwrap();
        for item in mailbox.view().await.unwrap().items() {
            writeln!(text, "  {item:?}").unwrap();
        }
    }
    let mut waiting = vec![path("")];
    while let Some(at) = waiting.pop() {
        let folder = files.open(FolderAt { area: Area::Files, path: at.clone() }, List).await.unwrap();
        writeln!(text, "  {:?}", folder.facts().properties).unwrap();
        for member in folder.members().await.unwrap() {
            writeln!(text, "{at:?} {} {:?}", member.name, member.modseq).unwrap();
            match member.is {
                MemberIs::Item(item) => writeln!(text, "  {item:?}").unwrap(),
                MemberIs::Folder(_) => waiting.push(at.child(member.name).unwrap()),
            }
        }
    }
    text
}

struct Stage {
    world: World,
    owner_mail: Session,
    owner_files: Session,
    mail: Session,
    files: Session,
    cases: usize,
}

/// The subject's name for something of the owner's.
fn theirs(inner: &str) -> octroi_model::Path {
    path(&format!("Shared/{OWNER}/{inner}"))
}

impl Stage {
    async fn new() -> Self {
        let world = World::new().await;
        Self {
            owner_mail: world.session(OWNER, Service::Imap).await,
            owner_files: world.session(OWNER, Service::Files).await,
            mail: world.session(SUBJECT, Service::Imap).await,
            files: world.session(SUBJECT, Service::Files).await,
            world,
            cases: 0,
        }
    }

    /// A mailbox with one message and a folder with one file, of the owner's; returns their common name.
    async fn set(&mut self) -> String {
        self.cases += 1;
        let it = format!("case{}", self.cases);
        self.owner_mail.open(NewMailboxAt(path(&it)), CreateMailbox).await.unwrap().create(None).await.unwrap();
        self.owner_mail.open(MailboxAt(path(&it)), Append).await.unwrap().append(vec![draft("one")]).await.unwrap();
        let shared = vec![("/shared/comment".to_owned(), Some(it.clone().into_bytes()))];
        self.owner_mail.open(MailboxAt(path(&it)), WriteSharedMetadata).await.unwrap().annotate(shared).await.unwrap();
        let top = FolderAt { area: Area::Files, path: path("") };
        let make = self.owner_files.open(top, MakeFolder).await.unwrap();
        make.make(&name(&it), CollectionKind::Folder, Vec::new()).await.unwrap();
        let bind = self.owner_files.open(FolderAt { area: Area::Files, path: path(&it) }, Bind).await.unwrap();
        bind.put(&name("file.txt"), Content::document(b"one"), Some("text/plain")).await.unwrap();
        let beside = format!("{it}-beside");
        self.owner_mail.open(NewMailboxAt(path(&beside)), CreateMailbox).await.unwrap().create(None).await.unwrap();
        make.make(&name(&beside), CollectionKind::Folder, Vec::new()).await.unwrap();
        it
    }

    /// Do what the purpose is for, as the subject.
    async fn act(&self, row: &Row, it: &str) -> Result<(), Refusal> {
        let one = UidSet::from_uids([Uid(1)]);
        let folder = || FolderAt { area: Area::Files, path: theirs(it) };
        let file = || FileAt { area: Area::Files, folder: theirs(it), name: name("file.txt") };
        let below = || NewMailboxAt(theirs(&format!("{it}/new")));
        match row.purpose {
            "Status" => self.mail.open(MailboxAt(theirs(it)), Status).await?.status().map(|_| ()),
            "Select" => {
                let view = self.mail.open(MailboxAt(theirs(it)), Select).await?.view().await?;
                view.read(&[(0, octroi_gate::Part::Whole)]).await.map(|_| ())
            }
            "Store" => {
                let flags = Flags::SEEN | Flags::DELETED | Flags::FLAGGED;
                self.mail.open(MailboxAt(theirs(it)), Store).await?.store(&one, FlagMode::Add, flags, &["$Label1"]).await
            }
            "Append" => self.mail.open(MailboxAt(theirs(it)), Append).await?.append(vec![draft("two")]).await.map(|_| ()),
            "MoveAway" => {
                let source = self.mail.open(MailboxAt(theirs(it)), MoveAway).await?;
                let target = self.mail.open(MailboxAt(theirs(&format!("{it}-beside"))), Append).await?;
                target.move_from(&source, &one).await.map(|_| ())
            }
            "ReadMetadata" | "WriteMetadata" | "WriteSharedMetadata" => self.annotate(row.purpose, it).await,
            "ShareMailbox" => self.mail.open(MailboxAt(theirs(it)), ShareMailbox).await?.acl().map(|_| ()),
            "ShareFolder" => self.files.open(folder(), ShareFolder).await?.acl().map(|_| ()),
            "Depart" => {
                let source = self.files.open(file(), Depart).await?;
                let at = FolderAt { area: Area::Files, path: theirs(&format!("{it}-beside")) };
                let bind = self.files.open(at, Bind).await?;
                bind.move_file(&source, &name("file.txt"), &InTheWay::Nothing).await
            }
            "Expunge" => self.mail.open(MailboxAt(theirs(it)), Expunge).await?.expunge(&one).await,
            "CreateMailbox" => self.mail.open(below(), CreateMailbox).await?.create(None).await.map(drop),
            "DeleteMailbox" => self.mail.open(MailboxAt(theirs(it)), DeleteMailbox).await?.delete().await,
            "RenameMailbox" => {
                // The right to create is granted apart from the one under test: the new place is found first.
                let source = self.mail.open(MailboxAt(theirs(it)), RenameMailbox).await?;
                let place = self.mail.open(NewMailboxAt(theirs(&format!("{it}-renamed"))), CreateMailbox).await?;
                source.rename(&place).await
            }
            "List" => self.files.open(folder(), List).await?.members().await.map(|_| ()),
            "Bind" => {
                let bind = self.files.open(folder(), Bind).await?;
                bind.put(&name("new.txt"), Content::document(b"new"), None).await.map(|_| ())
            }
            "MakeFolder" => self.files.open(folder(), MakeFolder).await?.make(&name("new"), CollectionKind::Folder, Vec::new()).await,
            "RemoveFolder" => self.remove_folder(it).await,
            "Read" => self.files.open(file(), Read).await?.read(0, 100).await.map(|octets| assert_eq!(octets, b"one")),
            "Rewrite" => {
                let rewrite = self.files.open(file(), Rewrite).await?;
                rewrite.replace(Content::document(b"two"), None, When::Anyhow).await.map(|_| ())
            }
            "Mark" | "Describe" | "DescribeFolder" | "Personalise" | "KeepOwn" | "SeeBusy" => self.describe(row.purpose, it).await,
            "Unlink" => self.files.open(file(), Unlink).await?.remove(When::Anyhow).await,
            other => self.lock(other, it).await,
        }
    }

    /// Empty, so that nothing but the collection goes.
    async fn remove_folder(&self, it: &str) -> Result<(), Refusal> {
        let owned = FileAt { area: Area::Files, folder: path(it), name: name("file.txt") };
        self.owner_files.open(owned, Unlink).await?.remove(When::Anyhow).await?;
        let before = state(&self.owner_mail, &self.owner_files).await;
        let folder = FolderAt { area: Area::Files, path: theirs(it) };
        let outcome = match self.files.open(folder, RemoveFolder).await {
            Ok(granted) => granted.remove().await,
            Err(refusal) => Err(refusal),
        };
        if outcome.is_err() {
            assert_eq!(before, state(&self.owner_mail, &self.owner_files).await);
        }
        outcome
    }

    /// Documents make nobody busy.
    async fn see_busy(&self, it: &str) -> Result<(), Refusal> {
        let at = FolderAt { area: Area::Files, path: theirs(it) };
        self.files.open(at, SeeBusy).await?.busy((0, 1), |_| panic!("it was read")).await
    }

    /// The purposes of locking; what a refusal leaves is looked at here.
    async fn lock(&self, purpose: &str, it: &str) -> Result<(), Refusal> {
        let wish = LockWish { scope: LockScope::Exclusive, deep: true, owner: None, time: None };
        let folder = FolderAt { area: Area::Files, path: theirs(it) };
        let file = |folder| FileAt { area: Area::Files, folder, name: name("file.txt") };
        let at = path(&format!("{it}/file.txt"));
        let owned = match purpose {
            "BreakLocks" => Some(self.owner_files.open(file(path(it)), LockFile).await.unwrap().lock(wish).await.unwrap()),
            _ => None,
        };
        let outcome = match (purpose, &owned) {
            ("LockFile", _) => match self.files.open(file(theirs(it)), LockFile).await {
                Ok(granted) => granted.lock(wish).await.map(drop),
                Err(refusal) => Err(refusal),
            },
            ("LockFolder", _) => match self.files.open(folder, LockFolder).await {
                Ok(granted) => granted.lock(wish).await.map(drop),
                Err(refusal) => Err(refusal),
            },
            (_, Some(lock)) => self.files.unlock(lock.token, Area::Files, &theirs(&format!("{it}/file.txt"))).await,
            (other, None) => panic!("the purpose {other} has no act in the matrix"),
        };
        let left = self.owner_files.locks_over(Area::Files, &at).await.unwrap().len();
        assert_eq!(left == 1, outcome.is_ok() != owned.is_some(), "{purpose}: {outcome:?}");
        outcome
    }

    /// The purposes of PROPPATCH, and the look at who is busy.
    async fn describe(&self, purpose: &str, it: &str) -> Result<(), Refusal> {
        let folder = FolderAt { area: Area::Files, path: theirs(it) };
        let edits = vec![("{urn:x}a".to_owned(), Some("<a xmlns=\"urn:x\"/>".to_owned()))];
        let file = FileAt { area: Area::Files, folder: theirs(it), name: name("file.txt") };
        match purpose {
            "SeeBusy" => self.see_busy(it).await,
            "Mark" => self.files.open(file, Mark).await?.mark(&[("$Label1", true)]).await,
            "Describe" => {
                let description = Description { properties: edits, ..Description::default() };
                self.files.open(file, Describe).await?.describe(&description).await
            }
            "DescribeFolder" => self.files.open(folder, DescribeFolder).await?.describe(&edits, &[]).await,
            "Personalise" => self.files.open(folder, Personalise).await?.personalise(&edits).await,
            // Documents do not ring.
            "KeepOwn" => {
                assert_eq!(self.files.open(file, KeepOwn).await?.keep("x").await, Err(Refusal::Unsupported));
                Ok(())
            }
            other => panic!("{other} is no purpose of PROPPATCH"),
        }
    }

    /// The purposes of METADATA.
    async fn annotate(&self, purpose: &str, it: &str) -> Result<(), Refusal> {
        match purpose {
            "ReadMetadata" => {
                self.mail.open(MailboxAt(theirs(it)), ReadMetadata).await?.annotations().map(|found| assert_eq!(found.len(), 1))
            }
            "WriteMetadata" => {
                let entries = vec![("/private/comment".to_owned(), Some(b"x".to_vec()))];
                self.mail.open(MailboxAt(theirs(it)), WriteMetadata).await?.annotate(entries).await
            }
            "WriteSharedMetadata" => {
                let entries = vec![("/shared/comment".to_owned(), Some(b"x".to_vec()))];
                self.mail.open(MailboxAt(theirs(it)), WriteSharedMetadata).await?.annotate(entries).await
            }
            other => panic!("{other} is no purpose of METADATA"),
        }
    }

    /// Run one case and hold it against the oracle.
    async fn case(&mut self, row: &Row, rights: Rights) {
        let it = self.set().await;
        self.world.admin.replace_policy(policy(rights)).await;
        let before = state(&self.owner_mail, &self.owner_files).await;
        let outcome = self.act(row, &it).await;
        let rights = rights.implied();
        let held = rights.contains(row.needs) && (row.any == Rights::NONE || rights.intersects(row.any));
        // What the other end of the act needs beside it.
        let also = match row.purpose {
            "RenameMailbox" => Rights::CREATE,
            "MoveAway" | "Depart" => Rights::INSERT,
            _ => Rights::NONE,
        };
        let what = format!("{} with {rights}", row.purpose);
        if held && rights.contains(also) {
            assert_eq!(outcome, Ok(()), "{what}");
            return;
        }
        match outcome {
            Err(Refusal::Missing) => assert!(!rights.contains(Rights::LOOKUP), "{what}: says missing to who may know"),
            Err(Refusal::Forbidden(_)) => assert!(rights.contains(Rights::LOOKUP), "{what}: hints at what is hidden"),
            other => panic!("{what}: {other:?}"),
        }
        if row.purpose != "RemoveFolder" {
            assert_eq!(before, state(&self.owner_mail, &self.owner_files).await, "{what}: refused, yet it had an effect");
        }
    }
}

/// What RFC 4314 section 4 and RFC 3744 appendix B ask for, written down apart from the table under test.
const WANTED: &[(&str, &str, &str)] = &[
    ("Status", "lr", ""),
    ("Select", "lr", ""),
    ("Store", "lr", "swt"),
    ("Append", "li", ""),
    ("Expunge", "lrte", ""),
    ("MoveAway", "lr0", ""),
    ("ReadMetadata", "lr", ""),
    ("WriteMetadata", "lr", ""),
    ("WriteSharedMetadata", "lrw", ""),
    ("ShareMailbox", "la", ""),
    ("CreateMailbox", "lk", ""),
    ("DeleteMailbox", "lx", ""),
    ("RenameMailbox", "lx", ""),
    ("List", "lr", ""),
    ("SeeBusy", "1", ""),
    ("Bind", "li", ""),
    ("MakeFolder", "lk", ""),
    ("RemoveFolder", "lx", ""),
    ("LockFolder", "lw", ""),
    ("BreakLocks", "la", ""),
    ("ShareFolder", "la", ""),
    ("DescribeFolder", "lrw", ""),
    ("Personalise", "lr", ""),
    ("Read", "lr", ""),
    ("Rewrite", "lw", ""),
    ("LockFile", "lw", ""),
    ("KeepOwn", "lr", ""),
    ("Unlink", "le", ""),
    ("Depart", "lr", "0e"),
    ("Mark", "lr", "w0"),
    ("Describe", "lrw", ""),
];

#[test]
fn the_table_asks_for_what_the_standards_ask_for() {
    let wanted = WANTED.iter().map(|(name, needs, any)| (*name, Rights::parse(needs).unwrap(), Rights::parse(any).unwrap()));
    assert!(TABLE.iter().map(|row| (row.purpose, row.needs, row.any)).eq(wanted));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_purpose_with_every_right_removed() {
    let mut stage = Stage::new().await;
    for row in TABLE {
        stage.case(row, Rights::ALL).await;
        for removed in Rights::ALL.singles() {
            stage.case(row, Rights::ALL.without(removed)).await;
        }
        stage.case(row, Rights::ALL.without(row.any)).await;
        stage.case(row, row.needs | row.any).await;
        stage.case(row, Rights::NONE).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_of_another_zone_give_nothing() {
    let mut stage = Stage::new().await;
    for row in TABLE {
        let it = stage.set().await;
        stage.world.admin.replace_policy(policy_from(Rights::ALL, "anywhere")).await;
        assert_eq!(stage.act(row, &it).await, Err(Refusal::Missing), "{}", row.purpose);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn store_applies_the_permitted_subset() {
    let mut stage = Stage::new().await;
    let all = Flags::SEEN | Flags::DELETED | Flags::FLAGGED;
    for (right, flags) in [(Rights::SEEN, Flags::SEEN), (Rights::DELETE_ITEMS, Flags::DELETED), (Rights::WRITE, Flags::FLAGGED)] {
        let it = stage.set().await;
        stage.world.admin.replace_policy(policy(Rights::LOOKUP | Rights::READ | right)).await;
        let store = stage.mail.open(MailboxAt(theirs(&it)), Store).await.unwrap();
        store.store(&UidSet::from_uids([Uid(1)]), FlagMode::Replace, all, &[]).await.unwrap();
        let view = stage.owner_mail.open(MailboxAt(path(&it)), Select).await.unwrap().view().await.unwrap();
        assert_eq!(view.at(0).unwrap().flags, flags, "{right}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_grant_loses_a_right_at_once() {
    let mut stage = Stage::new().await;
    let it = stage.set().await;
    let select = stage.mail.open(MailboxAt(theirs(&it)), Select).await.unwrap();
    let append = stage.mail.open(MailboxAt(theirs(&it)), Append).await.unwrap();
    let view = select.view().await.unwrap();
    stage.world.admin.replace_policy(policy(Rights::LOOKUP)).await;
    assert!(matches!(select.view().await.err(), Some(Refusal::Forbidden(_))));
    assert!(matches!(view.read(&[(0, octroi_gate::Part::Whole)]).await, Err(Refusal::Forbidden(_))));
    // An index tells what is in it as well as the contents do.
    let sought = octroi_gate::Sought { within: octroi_gate::Within::Body, text: "x".into() };
    assert!(matches!(view.find(vec![sought]).await, Err(Refusal::Forbidden(_))));
    assert!(matches!(append.append(vec![draft("late")]).await, Err(Refusal::Forbidden(_))));
    stage.world.admin.share(&address(OWNER), Area::Mail, &path(""), &[]).await.unwrap();
    assert!(matches!(select.view().await.err(), Some(Refusal::Missing)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_for_one_service_opens_no_other_area() {
    let stage = Stage::new().await;
    let calendars = stage.world.session(OWNER, Service::Caldav).await;
    assert_eq!(calendars.open(MailboxAt(path("INBOX")), Select).await.err(), Some(Refusal::Missing));
    assert!(calendars.tree(Area::Mail).await.is_empty());
    assert!(calendars.open(FolderAt { area: Area::Calendars, path: path("calendar") }, List).await.is_ok());
}
