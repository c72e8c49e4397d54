//! Documents in the portal: who comes to them from where, what ends that, and one's own trash.

#![allow(clippy::unwrap_used)]

mod support;

use octroi_gate::{
    Area, Bind, Content, FolderAt, List, MailboxAt, Policy, PortalSession, Refusal, RemoveFolder, Rewrite, Select, SignIn, Unlink, When,
    code_at,
};
use octroi_model::{Outcome, Path, Service, UnixTime};
use std::net::IpAddr;
use support::documents::{file, folder, make, read};
use support::{OFFICE, OWNER, World, address, name, path};

const MAIN: &str = "Quay-Lantern-4821";
const OUTSIDE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));

/// The owner's rules: documents in the portal from these zones; from outside only with remote access and a factor of the last hour. What is
/// added to `Validated` is reserved.
fn rules(documents: &str, deny: &str) -> Policy {
    let services: String = Service::ALL.iter().map(|(_, name)| format!("{name} = [\"*\"]\n")).collect();
    let text = format!(
        "[zone.office]\nnetworks = [\"10.0.0.0/8\"]\n\
         [action.validate]\nadds_to = [\"files/Validated/**\"]\nsecond_factor_within = \"10m\"\n\
         [profile.owner]\nportal = true\n{documents}\nremote_zones = [\"anywhere\"]\nactions = [\"validate\"]\n\
         [profile.owner.services]\n{services}[profile.owner.second_factor]\noffice = \"enrolment\"\nanywhere = \"1h\"\n\
         [[profile.owner.rule]]\nowner = \"self\"\npath = \"**\"\nrights = \"lrswipkxtea\"\n{deny}"
    );
    Policy::parse(&text).unwrap()
}

const EVERYWHERE: &str = "portal_documents = [\"*\"]";

async fn world(documents: &str) -> World {
    let world = World::new().await;
    world.admin.replace_policy(rules(documents, "")).await;
    world
}

async fn signed_in(world: &World) -> PortalSession {
    match world.gate.sign_in(OWNER, MAIN, OFFICE).await {
        SignIn::Open(portal) => portal,
        _ => panic!("not signed in"),
    }
}

/// With an authenticator that was set up just now, and its secret.
async fn enrolled(world: &World) -> (PortalSession, String) {
    let portal = signed_in(world).await;
    let enrolment = portal.begin_totp().await.unwrap();
    let secret = enrolment.secret_base32.to_string();
    portal.confirm_totp(enrolment, &code_at(&secret, UnixTime::now().0 - 30).unwrap()).await.unwrap();
    (portal, secret)
}

#[tokio::test]
async fn nothing_opens_without_the_profiles_word_nor_without_a_factor() {
    let closed = world("").await;
    let (portal, _) = enrolled(&closed).await;
    assert_eq!(portal.documents().await.err(), Some(Refusal::Unsupported), "no zone is named");
    assert!(!portal.has_documents());
    let lines = closed.lines().await;
    assert!(
        lines.iter().any(|l| l.entry.act == "log-in" && l.entry.subject.contains("portal") && l.entry.outcome == Outcome::Refused),
        "{lines:?}"
    );

    let open = world(EVERYWHERE).await;
    let portal = signed_in(&open).await;
    assert_eq!(portal.documents().await.err(), Some(Refusal::Unconfirmed), "the main password alone opens nothing");
    assert!(portal.has_documents());
    let (portal, _) = enrolled(&open).await;
    let session = portal.documents().await.unwrap();
    make(&session, "", "Actes").await;
    assert!(session.open(MailboxAt(path("INBOX")), Select).await.is_err(), "documents, and no mail");
    assert!(portal.live_sessions().iter().any(|live| live.public_id == "portal"));
    portal.documents().await.unwrap();
    assert_eq!(portal.live_sessions().len(), 1, "one session for all its requests");
}

/// Calendars have a key of their own, a session of their own, and open no documents.
#[tokio::test]
async fn calendars_open_by_their_own_key_and_nothing_beside_them() {
    let documents_only = world(EVERYWHERE).await;
    let (portal, _) = enrolled(&documents_only).await;
    assert_eq!(portal.calendars().await.err(), Some(Refusal::Unsupported));
    assert!(!portal.has_calendars() && portal.has_documents());

    let world = world("portal_calendars = [\"office\"]").await;
    assert_eq!(signed_in(&world).await.calendars().await.err(), Some(Refusal::Unconfirmed), "the main password alone opens nothing");
    let (portal, _) = enrolled(&world).await;
    let session = portal.calendars().await.unwrap();
    session.open(FolderAt { area: Area::Calendars, path: Path::top() }, List).await.unwrap();
    assert!(session.open(folder(""), List).await.is_err() && session.open(MailboxAt(path("INBOX")), Select).await.is_err());
    assert_eq!(portal.documents().await.err(), Some(Refusal::Unsupported));
    portal.calendars().await.unwrap();
    assert_eq!(portal.live_sessions().len(), 1, "one session for all its requests");
    assert_eq!(portal.clone().over(OUTSIDE, None).calendars().await.err(), Some(Refusal::Unsupported));
}

#[tokio::test]
async fn a_zone_that_is_not_named_and_another_network_open_nothing() {
    let office_only = world("portal_documents = [\"office\"]").await;
    let (portal, _) = enrolled(&office_only).await;
    portal.documents().await.unwrap();
    assert_eq!(portal.clone().over(OUTSIDE, None).documents().await.err(), Some(Refusal::Unsupported));

    let world = world(EVERYWHERE).await;
    let (portal, secret) = enrolled(&world).await;
    let before = portal.documents().await.unwrap();
    let away = portal.clone().over(OUTSIDE, None);
    assert_eq!(away.documents().await.err(), Some(Refusal::Unsupported), "no remote access");
    world.admin.set_profile(&address(OWNER), "owner", true).await.unwrap();
    assert_eq!(away.documents().await.err(), Some(Refusal::Unconfirmed), "a cookie that was carried away proves nothing there");
    away.step_up(&code_at(&secret, UnixTime::now().0).unwrap()).await.unwrap();
    let session = away.documents().await.unwrap();
    session.open(folder(""), List).await.unwrap();
    assert_eq!(portal.documents().await.err(), Some(Refusal::Unconfirmed), "and the factor of there proves nothing here");
    drop(before);
}

#[tokio::test]
async fn rules_and_strength_hold_as_for_a_program_and_change_at_once() {
    let world = world(EVERYWHERE).await;
    let (portal, _) = enrolled(&world).await;
    let session = portal.documents().await.unwrap();
    make(&session, "", "Actes").await;
    make(&session, "", "Validated").await;
    let bind = session.open(folder("Validated"), Bind).await.unwrap();
    bind.put(&name("a.txt"), Content::document(b"a"), None).await.unwrap();
    world
        .admin
        .replace_policy(rules(EVERYWHERE, "[[profile.owner.rule]]\neffect = \"deny\"\npath = \"files/Actes/**\"\nrights = \"lr\"\n"))
        .await;
    assert_eq!(session.open(folder("Actes"), List).await.err(), Some(Refusal::Missing));
    world.admin.replace_policy(rules("", "")).await;
    assert_eq!(session.check().await, Err(Refusal::Ended), "what the profile takes back ends at once");
    assert_eq!(portal.documents().await.err(), Some(Refusal::Unsupported));
}

#[tokio::test]
async fn what_ends_a_sign_in_ends_its_documents() {
    let world = world(EVERYWHERE).await;
    let (portal, _) = enrolled(&world).await;
    let session = portal.documents().await.unwrap();
    portal.sign_out_everywhere().await.unwrap();
    assert_eq!(session.check().await, Err(Refusal::Ended));
    assert_eq!(portal.documents().await.err(), Some(Refusal::Ended));
}

#[tokio::test]
async fn the_trash_is_seen_and_put_back_under_the_same_rights() {
    let world = world(EVERYWHERE).await;
    let (portal, _) = enrolled(&world).await;
    let session = portal.documents().await.unwrap();
    make(&session, "", "Actes").await;
    make(&session, "Actes", "2026").await;
    for (at, it, text) in [("Actes/2026", "a.txt", "one"), ("Actes", "b.txt", "two"), ("", "c.txt", "three")] {
        session.open(folder(at), Bind).await.unwrap().put(&name(it), Content::document(text.as_bytes()), None).await.unwrap();
    }
    session.open(file("Actes", "b.txt"), Unlink).await.unwrap().remove(When::Anyhow).await.unwrap();
    session.open(file("Actes/2026", "a.txt"), Unlink).await.unwrap().remove(When::Anyhow).await.unwrap();
    session.open(folder("Actes"), RemoveFolder).await.unwrap().remove().await.unwrap();
    session.open(file("", "c.txt"), Unlink).await.unwrap().remove(When::Anyhow).await.unwrap();
    let from = |lines: &[octroi_gate::TrashLine]| lines.iter().map(|line| line.from.join("/")).collect::<Vec<_>>();
    let lines = session.trash().await.unwrap();
    let mut sorted = from(&lines);
    sorted.sort();
    assert_eq!(sorted, ["Actes/2026/a.txt", "Actes/b.txt", "c.txt"], "an empty folder is not kept");
    assert_eq!(lines[0].by, Some(address(OWNER)));

    let at = |it: &str| lines.iter().find(|line| line.from.join("/") == it).unwrap().path.clone();
    assert_eq!(session.put_back(&at("Actes/2026/a.txt")).await.unwrap(), path("Actes/2026/a.txt"), "with the folders that are missing");
    assert_eq!(read(&session, "Actes/2026", "a.txt").await.unwrap(), "one");
    session.open(folder(""), Bind).await.unwrap().put(&name("c.txt"), Content::document(b"other"), None).await.unwrap();
    assert_eq!(session.put_back(&at("c.txt")).await, Err(Refusal::Exists));
    assert_eq!(read(&session, "", "c.txt").await.unwrap(), "other", "nothing is written over");
    session.remove_for_good(&at("c.txt")).await.unwrap();
    assert_eq!(session.put_back(&at("c.txt")).await, Err(Refusal::Missing));
    session.open(file("", "c.txt"), Rewrite).await.unwrap();

    // Where the folder is closed, so is what was removed from it.
    world
        .admin
        .replace_policy(rules(EVERYWHERE, "[[profile.owner.rule]]\neffect = \"deny\"\npath = \"files/Actes/**\"\nrights = \"lr\"\n"))
        .await;
    assert!(session.trash().await.unwrap().is_empty());
    assert_eq!(session.put_back(&at("Actes/b.txt")).await, Err(Refusal::Missing));
}
