//! Reserved actions: whichever way something is brought in or marked, it takes the profile, the zone and a fresh second factor; and each use
//! is in the audit trail with the hash of what it is about.

#![allow(clippy::unwrap_used)]

mod support;

use octroi_gate::{
    Append, Area, Bind, Content, CreateMailbox, Depart, FileAt, FlagMode, FolderAt, InTheWay, Lacks, List, Login, MailboxAt, MakeFolder,
    Mark, MoveAway, NewMailboxAt, Policy, Read, Refusal, RemoveFolder, RenameMailbox, Rewrite, Select, Session, Store, code_at,
};
use octroi_model::{CollectionKind, Flags, Outcome, Service, Services, Uid, UidSet, UnixTime};
use std::net::IpAddr;
use support::{OFFICE, OWNER, SUBJECT, World, address, draft, name, path};

/// A secured post.
const SECURED: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 9, 0, 1));

fn rules() -> Policy {
    let services: String = Service::ALL.iter().map(|(_, name)| format!("{name} = [\"*\"]\n")).collect();
    let profile = |name: &str, actions: &str| {
        format!(
            "[profile.{name}]\nportal = true\nsend_to = \"inside\"\n{actions}\n[profile.{name}.services]\n{services}[profile.{name}.second_factor]\n\"*\" = \"enrolment\"\n[[profile.{name}.rule]]\nowner = \"self\"\npath = \"**\"\nrights = \"lrswipkxtea\"\n"
        )
    };
    Policy::parse(&format!(
        "[zone.office]\nnetworks = [\"10.0.0.0/8\"]\n[zone.secured]\nnetworks = [\"10.9.0.0/16\"]\n\
         [action.validate-act]\nadds_to = [\"files/Validated/**\", \"mail/Validated/**\"]\nsets = [\"$Validated\"]\nzones = [\"secured\"]\nsecond_factor_within = \"10m\"\n{}{}",
        profile("owner", "actions = [\"validate-act\"]"),
        profile("subject", "")
    ))
    .unwrap()
}

struct Stage {
    world: World,
    totp: String,
    step: i64,
}

impl Stage {
    /// Collections and contents are laid down before the rules are.
    async fn new() -> Self {
        let world = World::new().await;
        let mail = world.session(OWNER, Service::Imap).await;
        for mailbox in ["Validated", "Plain"] {
            mail.open(NewMailboxAt(path(mailbox)), CreateMailbox).await.unwrap().create(None).await.unwrap();
        }
        let plain = mail.open(MailboxAt(path("Plain")), Append).await.unwrap();
        for number in 0..4 {
            plain.append(vec![draft(&number.to_string())]).await.unwrap();
        }
        let files = world.session(OWNER, Service::Files).await;
        let top = files.open(folder(""), MakeFolder).await.unwrap();
        for made in ["Validated", "Plain", "Tree"] {
            top.make(&name(made), CollectionKind::Folder, Vec::new()).await.unwrap();
            let bind = files.open(folder(made), Bind).await.unwrap();
            bind.put(&name("act.txt"), Content::document(made.as_bytes()), None).await.unwrap();
        }
        let totp = world.admin.enrol_totp(&address(OWNER)).await.unwrap().secret_base32.to_string();
        world.admin.replace_policy(rules()).await;
        Self { world, totp, step: -1 }
    }

    async fn session(&mut self, who: &str, service: Service, from: IpAddr, fresh: bool) -> Session {
        let mut secret = self.world.mint(who, Services::ALL).await;
        if fresh {
            // A code counts once: each session takes another of the three that are good just now.
            secret = format!("{secret} {}", code_at(&self.totp, UnixTime::now().0 + 30 * self.step).unwrap());
            self.step += 1;
        }
        match self.world.login(who, &secret, service, from).await {
            Login::Open(session) => session,
            _ => panic!("not logged in"),
        }
    }
}

fn folder(at: &str) -> FolderAt {
    FolderAt { area: Area::Files, path: path(at) }
}

fn file(at: &str) -> FileAt {
    FileAt { area: Area::Files, folder: path(at), name: name("act.txt") }
}

fn uid(number: u32) -> UidSet {
    UidSet::from_uids([Uid(number)])
}

/// Every way in which a message gets there or is marked; `round` keeps the names of two rounds apart.
async fn by_mail(session: &Session, round: u32) -> Vec<(&'static str, Result<(), Refusal>)> {
    let append = session.open(MailboxAt(path("Validated")), Append).await.unwrap();
    let plain = session.open(MailboxAt(path("Plain")), Select).await.unwrap().view().await.unwrap();
    let store = session.open(MailboxAt(path("Plain")), Store).await.unwrap();
    let away = session.open(MailboxAt(path("Plain")), MoveAway).await.unwrap();
    let mut marked = draft("marked");
    marked.keywords = vec!["$validated".to_owned()];
    let elsewhere = session.open(MailboxAt(path("Plain")), Append).await.unwrap();
    let source = session.open(MailboxAt(path("Plain")), RenameMailbox).await.unwrap();
    let place = session.open(NewMailboxAt(path(&format!("Validated/{round}"))), CreateMailbox).await.unwrap();
    vec![
        ("APPEND", append.append(vec![draft("act")]).await.map(|_| ())),
        ("APPEND with the keyword", elsewhere.append(vec![marked]).await.map(|_| ())),
        ("COPY", append.copy_from(&plain, &uid(1)).await.map(|_| ())),
        ("MOVE", append.move_from(&away, &uid(2)).await.map(|_| ())),
        ("STORE +FLAGS", store.store(&uid(1), FlagMode::Add, Flags::NONE, &["$Validated"]).await),
        ("STORE FLAGS", store.store(&uid(3), FlagMode::Replace, Flags::SEEN, &["$VALIDATED"]).await),
        ("STORE -FLAGS", store.store(&uid(1), FlagMode::Remove, Flags::NONE, &["$Validated"]).await),
        ("RENAME", source.rename(&place).await),
    ]
}

/// The same of documents.
async fn by_files(session: &Session) -> Vec<(&'static str, Result<(), Refusal>)> {
    let bind = session.open(folder("Validated"), Bind).await.unwrap();
    let make = session.open(folder("Validated"), MakeFolder).await.unwrap();
    let over = session.open(file("Validated"), Rewrite).await.unwrap();
    let plain = session.open(file("Plain"), Read).await.unwrap();
    let mark = session.open(file("Plain"), Mark).await.unwrap();
    let tree = session.open(folder("Tree"), List).await.unwrap();
    let whole = session.open(folder("Tree"), RemoveFolder).await.unwrap();
    let mut done = vec![
        ("PUT", bind.put(&name("new.txt"), Content::document(b"act"), None).await.map(|_| ())),
        ("PUT over", over.replace(Content::document(b"other"), None, octroi_gate::When::Anyhow).await.map(|_| ())),
        ("COPY", bind.copy_file(&plain, &name("copy.txt"), &InTheWay::Nothing).await),
        ("COPY of a folder", make.copy_folder(&tree, &name("copy"), true, &InTheWay::Nothing).await),
        ("PROPPATCH", mark.mark(&[("$Validated", true)]).await),
    ];
    let gone = session.open(file("Plain"), Depart).await.unwrap();
    done.push(("MOVE", bind.move_file(&gone, &name("moved.txt"), &InTheWay::Nothing).await));
    done.push(("MOVE of a folder", make.move_folder(&whole, &name("moved"), &InTheWay::Nothing).await));
    done
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reserved_action_takes_the_profile_the_zone_and_a_fresh_factor_whichever_way() {
    let mut stage = Stage::new().await;
    for (from, fresh, lacks) in [(OFFICE, true, Lacks::Zone), (OFFICE, false, Lacks::Zone), (SECURED, false, Lacks::SecondFactor(600))] {
        let mail = stage.session(OWNER, Service::Imap, from, fresh).await;
        for (way, outcome) in by_mail(&mail, 1).await {
            assert_eq!(outcome, Err(Refusal::Reserved(lacks)), "{way} from {from}");
        }
        let files = stage.session(OWNER, Service::Files, from, false).await;
        for (way, outcome) in by_files(&files).await {
            assert!(matches!(outcome, Err(Refusal::Reserved(_))), "{way} from {from}: {outcome:?}");
        }
    }
    let mail = stage.session(OWNER, Service::Imap, SECURED, true).await;
    for (way, outcome) in by_mail(&mail, 2).await {
        assert_eq!(outcome, Ok(()), "{way}");
    }
    let files = stage.session(OWNER, Service::Files, SECURED, true).await;
    for (way, outcome) in by_files(&files).await {
        assert_eq!(outcome, Ok(()), "{way}");
    }
    let lines = stage.world.lines().await;
    let of = |outcome| lines.iter().filter(move |line| line.entry.act == "validate-act" && line.entry.outcome == outcome);
    assert_eq!(of(Outcome::Done).count(), 15, "one line for each");
    assert_eq!(of(Outcome::Refused).count(), 45);
    let hash = blake3::hash(b"act").to_hex();
    assert!(of(Outcome::Done).any(|line| line.entry.subject == format!("files/Validated blake3:{hash}") && line.via.zone == "secured"));
}

#[tokio::test]
async fn whoever_may_not_do_it_at_all_is_told_so_and_plain_acts_go_on() {
    let mut stage = Stage::new().await;
    let mail = stage.session(SUBJECT, Service::Imap, SECURED, false).await;
    mail.open(NewMailboxAt(path("Validated")), CreateMailbox).await.unwrap().create(None).await.unwrap();
    let append = mail.open(MailboxAt(path("Validated")), Append).await.unwrap();
    assert_eq!(append.append(vec![draft("x")]).await.err(), Some(Refusal::Reserved(Lacks::Profile)));
    let inbox = mail.open(MailboxAt(path("INBOX")), Append).await.unwrap();
    inbox.append(vec![draft("x")]).await.unwrap();
    let store = mail.open(MailboxAt(path("INBOX")), Store).await.unwrap();
    store.store(&uid(1), FlagMode::Add, Flags::SEEN, &["$Done"]).await.unwrap();
}
