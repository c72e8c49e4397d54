//! Narrow credentials: what each preset leaves, from where it opens, how a new device is confirmed, and how all of it ends.

#![allow(clippy::unwrap_used)]

mod support;

use octroi_gate::{
    Append, Area, Bind, Channel, ClientCertificate, Content, Depart, Expunge, FileAt, FlagMode, FolderAt, InTheWay, Login, MailboxAt,
    MoveAway, Preset, Read, Refusal, Rewrite, Scope, Select, Session, SignIn, Store, Unlink, code_at,
};
use octroi_model::{Flags, Rights, Service, Services, Uid, UidSet, UnixTime};
use std::time::Duration;
use support::{OFFICE, OWNER, SUBJECT, World, address, draft, name, open, path};

const MAIN: &str = "Quay-Lantern-4821";
const OUTSIDE: std::net::IpAddr = std::net::IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));

async fn minted(world: &World, who: &str, scope: Scope) -> String {
    world.admin.mint_app_password(&address(who), scope, "narrow").await.unwrap().secret.to_string()
}

async fn with(world: &World, scope: Scope, service: Service) -> Session {
    let secret = minted(world, OWNER, scope).await;
    open(world.login(OWNER, &secret, service, OFFICE).await)
}

fn mail() -> Services {
    Services::NONE.with(Service::Imap)
}

fn files() -> Services {
    Services::NONE.with(Service::Files)
}

fn one() -> UidSet {
    UidSet::from_uids([Uid(1)])
}

fn folder(at: &str) -> FolderAt {
    FolderAt { area: Area::Files, path: path(at) }
}

fn file(at: &str, of: &str) -> FileAt {
    FileAt { area: Area::Files, folder: path(at), name: name(of) }
}

/// A world in which the owner has a message and two folders with a document each.
async fn furnished() -> World {
    let world = World::new().await;
    let owner = world.session(OWNER, Service::Imap).await;
    owner.open(MailboxAt(path("INBOX")), Append).await.unwrap().append(vec![draft("one")]).await.unwrap();
    let owner = world.session(OWNER, Service::Files).await;
    for at in ["a", "b"] {
        let top = owner.open(folder(""), octroi_gate::MakeFolder).await.unwrap();
        top.make(&name(at), octroi_model::CollectionKind::Folder, Vec::new()).await.unwrap();
        let bind = owner.open(folder(at), Bind).await.unwrap();
        bind.put(&name("one.txt"), Content::document(b"one"), None).await.unwrap();
    }
    world
}

#[tokio::test]
async fn organise_files_and_flags_and_destroys_nothing() {
    let world = furnished().await;
    let session = with(&world, Preset::Organise.scope(mail(), &[]), Service::Imap).await;
    let inbox = session.open(MailboxAt(path("INBOX")), Store).await.unwrap();
    inbox.store(&one(), FlagMode::Add, Flags::FLAGGED | Flags::SEEN | Flags::DELETED, &["$Done"]).await.unwrap();
    let view = session.open(MailboxAt(path("INBOX")), Select).await.unwrap().view().await.unwrap();
    assert!(view.at(0).unwrap().flags.contains(Flags::FLAGGED) && !view.at(0).unwrap().flags.contains(Flags::DELETED));
    assert!(matches!(session.open(MailboxAt(path("INBOX")), Expunge).await.err(), Some(Refusal::Forbidden(_))));
    let source = session.open(MailboxAt(path("INBOX")), MoveAway).await.unwrap();
    let archive = session.open(MailboxAt(path("Archive")), Append).await.unwrap();
    assert_eq!(archive.move_from(&source, &one()).await.unwrap().to.len(), 1);

    let session = with(&world, Preset::Organise.scope(files(), &[]), Service::Files).await;
    assert!(matches!(session.open(file("a", "one.txt"), Rewrite).await.err(), Some(Refusal::Forbidden(_))));
    assert!(matches!(session.open(file("a", "one.txt"), Unlink).await.err(), Some(Refusal::Forbidden(_))));
    let source = session.open(file("a", "one.txt"), Depart).await.unwrap();
    let target = session.open(folder("b"), Bind).await.unwrap();
    assert_eq!(target.move_file(&source, &name("one.txt"), &InTheWay::Nothing).await, Err(Refusal::Precondition), "nothing is overwritten");
    target.move_file(&source, &name("two.txt"), &InTheWay::Nothing).await.unwrap();
}

#[tokio::test]
async fn moving_away_stays_within_the_trees_of_one_owner() {
    let world = furnished().await;
    let policy = "[zone.office]\nnetworks = [\"10.0.0.0/8\"]\n\
        [profile.owner.services]\nfiles = [\"*\"]\n[profile.owner.second_factor]\n\"*\" = \"enrolment\"\n\
        [profile.subject.services]\nfiles = [\"*\"]\n[profile.subject.second_factor]\n\"*\" = \"enrolment\"\n\
        [[profile.subject.rule]]\nowner = \"self\"\npath = \"**\"\nrights = \"lrswikxte\"\n\
        [[profile.subject.rule]]\nowner = \"others\"\npath = \"**\"\nrights = \"lri0\"\n";
    world.admin.replace_policy(octroi_gate::Policy::parse(policy).unwrap()).await;
    let secret = minted(&world, SUBJECT, Scope::of(files())).await;
    let session = open(world.login(SUBJECT, &secret, Service::Files, OFFICE).await);
    let shared = |at: &str| format!("Shared/{OWNER}/{at}");
    let source = session.open(file(&shared("a"), "one.txt"), Depart).await.unwrap();
    let own = session.open(folder(""), Bind).await.unwrap();
    assert!(matches!(own.move_file(&source, &name("mine.txt"), &InTheWay::Nothing).await, Err(Refusal::Forbidden(_))));
    let theirs = session.open(folder(&shared("b")), Bind).await.unwrap();
    theirs.move_file(&source, &name("filed.txt"), &InTheWay::Nothing).await.unwrap();
}

#[tokio::test]
async fn drop_adds_and_sees_nothing_and_draft_writes_drafts_and_sends_nothing() {
    let world = furnished().await;
    let session = with(&world, Preset::Drop.scope(files(), &["files/a/**"]), Service::Files).await;
    session.open(folder("a"), Bind).await.unwrap().put(&name("new.txt"), Content::document(b"new"), None).await.unwrap();
    assert!(matches!(session.open(file("a", "one.txt"), Read).await.err(), Some(Refusal::Forbidden(_))));
    assert_eq!(session.open(folder("b"), Bind).await.err(), Some(Refusal::Missing), "elsewhere there is nothing");

    let session = with(&world, Preset::Draft.scope(mail(), &[]), Service::Imap).await;
    session.open(MailboxAt(path("Drafts")), Append).await.unwrap().append(vec![draft("idea")]).await.unwrap();
    session.open(MailboxAt(path("Drafts")), Expunge).await.unwrap().expunge(&one()).await.unwrap();
    session.open(MailboxAt(path("INBOX")), Select).await.unwrap();
    assert!(matches!(session.open(MailboxAt(path("INBOX")), Append).await.err(), Some(Refusal::Forbidden(_))));
    let sending = Preset::Draft.scope(mail().with(Service::Submission), &[]);
    assert_eq!(world.admin.mint_app_password(&address(OWNER), sending, "x").await.err(), Some(Refusal::Unsupported));
}

#[tokio::test]
async fn what_is_not_understood_is_not_minted() {
    let world = World::new().await;
    let fails = async |scope: Scope| world.admin.mint_app_password(&address(OWNER), scope, "x").await.is_err();
    let all = || Scope::of(Services::ALL);
    assert!(fails(Scope { folders: vec![("post/INBOX".into(), Rights::ALL)], ..all() }).await);
    assert!(fails(Scope { folders: vec![("mail//x".into(), Rights::ALL)], ..all() }).await);
    assert!(fails(Scope { folders: vec![("mail/**".into(), Rights::ALL); 33], ..all() }).await);
    assert!(fails(Scope { zones: vec!["moon".into()], ..all() }).await);
    assert!(fails(Scope { confirm: Some("sometimes".into()), ..all() }).await);
    assert!(!fails(all()).await);
}

#[tokio::test]
async fn zones_and_confirmation_narrow_beyond_the_profile() {
    let world = World::new().await;
    let office = minted(&world, OWNER, Scope { zones: vec!["office".into()], ..Scope::of(mail()) }).await;
    open(world.login(OWNER, &office, Service::Imap, OFFICE).await);
    assert!(matches!(world.login(OWNER, &office, Service::Imap, OUTSIDE).await, Login::Refused));
    // The owner's profile asks for an enrolment only.
    let strict = minted(&world, OWNER, Scope { confirm: Some("device".into()), ..Scope::of(mail()) }).await;
    assert!(matches!(world.login(OWNER, &strict, Service::Imap, OFFICE).await, Login::NeedsSecondFactor(_)));
}

/// Somebody at the portal with a fresh factor.
async fn portal(world: &World, who: &str) -> (octroi_gate::PortalSession, String) {
    let SignIn::Open(portal) = world.gate.sign_in(who, MAIN, OFFICE).await else { panic!("not signed in") };
    let enrolment = portal.begin_totp().await.unwrap();
    let secret = enrolment.secret_base32.to_string();
    portal.confirm_totp(enrolment, &code_at(&secret, UnixTime::now().0).unwrap()).await.unwrap();
    (portal, secret)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_in_waits_for_its_owner_and_a_refusal_ends_the_credential() {
    let world = World::new().await;
    let (portal, _) = portal(&world, SUBJECT).await;
    let secret = minted(&world, SUBJECT, Scope::of(mail())).await;
    let Login::NeedsSecondFactor(pending) = world.login(SUBJECT, &secret, Service::Imap, OUTSIDE).await else { panic!("it did not wait") };
    let waiting = tokio::spawn(pending.approved());
    tokio::time::sleep(Duration::from_millis(100)).await;
    let listed = portal.waiting();
    assert_eq!((listed.len(), listed[0].peer, listed[0].service), (1, OUTSIDE, Service::Imap));
    assert!(!waiting.is_finished());
    let elsewhere = "198.51.100.0/24";
    assert_eq!(portal.confirm_device(portal.fresh().unwrap(), &listed[0].public_id, elsewhere).await, Err(Refusal::Missing));
    portal.confirm_device(portal.fresh().unwrap(), &listed[0].public_id, &listed[0].network).await.unwrap();
    let session = tokio::time::timeout(Duration::from_secs(1), waiting).await.unwrap().unwrap().unwrap();
    assert!(portal.waiting().is_empty());
    open(world.login(SUBJECT, &secret, Service::Imap, OUTSIDE).await);
    let confirmed = portal.confirmed_devices();
    assert_eq!(confirmed.len(), 1);
    portal.unconfirm_device(&confirmed[0].public_id, &confirmed[0].network).await.unwrap();
    assert_eq!(session.check().await, Err(Refusal::Ended), "taken back, it ends what stood on it");

    let Login::NeedsSecondFactor(pending) = world.login(SUBJECT, &secret, Service::Imap, OUTSIDE).await else { panic!("it did not wait") };
    let waiting = tokio::spawn(pending.approved());
    tokio::time::sleep(Duration::from_millis(100)).await;
    portal.refuse_device(&portal.waiting()[0].public_id).await.unwrap();
    assert_eq!(waiting.await.unwrap().err(), Some(Refusal::Unconfirmed));
    assert!(matches!(world.login(SUBJECT, &secret, Service::Imap, OUTSIDE).await, Login::Refused));
}

#[tokio::test]
async fn signing_out_everywhere_ends_all_that_is_open() {
    let world = World::new().await;
    let (portal, _) = portal(&world, OWNER).await;
    let secret = minted(&world, OWNER, Scope::of(Services::ALL)).await;
    let session = open(world.login(OWNER, &secret, Service::Imap, OFFICE).await);
    assert_eq!(portal.live_sessions().len(), 1);
    assert_eq!(portal.live_sessions()[0].label, "narrow");
    portal.sign_out_everywhere().await.unwrap();
    assert_eq!(session.check().await, Err(Refusal::Ended));
    assert_eq!(portal.check().await, Err(Refusal::Ended));
    drop(session);
    open(world.login(OWNER, &secret, Service::Imap, OFFICE).await);
}

#[tokio::test]
async fn a_registered_certificate_is_a_narrow_credential() {
    let world = World::new().await;
    let shown = |der: &[u8]| Some(ClientCertificate::new(&["secured".into()], der));
    let scope = Preset::Read.scope(mail(), &[]);
    let id = world.admin.register_certificate(&address(OWNER), scope, "card", b"certificate").await.unwrap();
    let via = |service, der: &[u8]| Channel::new(service, OFFICE).certificate(shown(der));
    let session = open(world.gate.login_certificate("", via(Service::Imap, b"certificate")).await);
    assert!(matches!(session.open(MailboxAt(path("INBOX")), Append).await.err(), Some(Refusal::Forbidden(_))));
    open(world.gate.login_certificate(OWNER, via(Service::Imap, b"certificate")).await);
    assert!(matches!(world.gate.login_certificate(SUBJECT, via(Service::Imap, b"certificate")).await, Login::Refused), "nobody else");
    assert!(matches!(world.gate.login_certificate("", via(Service::Imap, b"another")).await, Login::Refused));
    assert!(matches!(world.gate.login_certificate("", via(Service::Files, b"certificate")).await, Login::Refused));
    assert!(matches!(world.login(OWNER, &format!("{id}-certificate"), Service::Imap, OFFICE).await, Login::Refused), "it is no password");
    world.admin.revoke_app_password(&id).await.unwrap();
    assert_eq!(session.check().await, Err(Refusal::Ended));
}
