//! Annotations through the gate: who sees which, who may set which, and what becomes of them.

#![allow(clippy::unwrap_used)]

mod support;

use octroi_gate::{
    ANNOTATION_BYTES, ANNOTATION_BYTES_MAX, ANNOTATIONS, ANNOTATIONS_MAX, CreateMailbox, DeleteMailbox, MailboxAt, NewMailboxAt,
    ReadMetadata, Refusal, RenameMailbox, Session, Status, WriteMetadata, WriteSharedMetadata,
};
use octroi_model::{Rights, Service, SpecialUse};
use support::{OWNER, SUBJECT, World, path, policy};

fn entries(of: &[(&str, Option<&str>)]) -> Vec<(String, Option<Vec<u8>>)> {
    of.iter().map(|(name, value)| ((*name).to_owned(), value.map(|value| value.as_bytes().to_vec()))).collect()
}

async fn annotate(session: &Session, at: &str, of: &[(&str, Option<&str>)]) -> Result<(), Refusal> {
    session.open(MailboxAt(path(at)), WriteSharedMetadata).await?.annotate(entries(of)).await
}

/// As `name=value`.
async fn annotations(session: &Session, at: &str) -> Result<Vec<String>, Refusal> {
    let found = session.open(MailboxAt(path(at)), ReadMetadata).await?.annotations()?;
    Ok(found.into_iter().map(|(name, value)| format!("{name}={}", String::from_utf8_lossy(&value))).collect())
}

async fn stage() -> (World, Session, Session, String) {
    let world = World::new().await;
    let owner = world.session(OWNER, Service::Imap).await;
    let subject = world.session(SUBJECT, Service::Imap).await;
    owner.open(NewMailboxAt(path("Box")), CreateMailbox).await.unwrap().create(None).await.unwrap();
    (world, owner, subject, format!("Shared/{OWNER}/Box"))
}

#[tokio::test]
async fn private_annotations_are_seen_by_nobody_else() {
    let (_world, owner, subject, theirs) = stage().await;
    annotate(&owner, "Box", &[("/Private/Comment", Some("mine")), ("/SHARED/Comment", Some("ours"))]).await.unwrap();
    annotate(&subject, &theirs, &[("/private/comment", Some("theirs")), ("/private/vendor/x/a", Some(""))]).await.unwrap();
    assert_eq!(annotations(&owner, "Box").await.unwrap(), ["/private/comment=mine", "/shared/comment=ours"]);
    let seen = ["/private/comment=theirs", "/private/vendor/x/a=", "/shared/comment=ours"];
    assert_eq!(annotations(&subject, &theirs).await.unwrap(), seen);
    annotate(&subject, &theirs, &[("/SHARED/comment", None), ("/private/COMMENT", None)]).await.unwrap();
    assert_eq!(annotations(&owner, "Box").await.unwrap(), ["/private/comment=mine"]);
    assert_eq!(annotations(&subject, &theirs).await.unwrap(), ["/private/vendor/x/a="]);
}

#[tokio::test]
async fn rights_decide_over_annotations() {
    let (world, owner, subject, theirs) = stage().await;
    annotate(&owner, "Box", &[("/shared/comment", Some("ours"))]).await.unwrap();
    world.admin.replace_policy(policy(Rights::parse("lr").unwrap())).await;
    assert_eq!(annotations(&subject, &theirs).await.unwrap(), ["/shared/comment=ours"]);
    let private = subject.open(MailboxAt(path(&theirs)), WriteMetadata).await.unwrap();
    private.annotate(entries(&[("/private/comment", Some("x"))])).await.unwrap();
    // A grant for private ones sets no shared one, nor anything beside it.
    let both = [("/private/comment", Some("y")), ("/shared/comment", Some("y"))];
    assert_eq!(private.annotate(entries(&both)).await, Err(Refusal::Forbidden(Rights::WRITE)));
    assert_eq!(annotate(&subject, &theirs, &both).await, Err(Refusal::Forbidden(Rights::WRITE)));
    assert_eq!(annotations(&subject, &theirs).await.unwrap(), ["/private/comment=x", "/shared/comment=ours"]);
    world.admin.replace_policy(policy(Rights::parse("lw").unwrap())).await;
    assert_eq!(annotations(&subject, &theirs).await, Err(Refusal::Forbidden(Rights::READ)));
    assert_eq!(private.annotate(entries(&[("/private/comment", None)])).await, Err(Refusal::Forbidden(Rights::READ)));
    // Hidden, as if it were not there.
    world.admin.replace_policy(policy(Rights::parse("rw").unwrap())).await;
    assert_eq!(annotations(&subject, &theirs).await, Err(Refusal::Missing));
    assert_eq!(annotate(&subject, &theirs, &both).await, Err(Refusal::Missing));
    assert_eq!(annotations(&owner, "Box").await.unwrap(), ["/shared/comment=ours"]);
}

#[tokio::test]
async fn annotations_go_along_with_their_mailbox_and_leave_its_counters_alone() {
    let (_world, owner, _subject, _theirs) = stage().await;
    let head = owner.open(MailboxAt(path("Box")), Status).await.unwrap().status().unwrap().head;
    annotate(&owner, "Box", &[("/private/comment", Some("1"))]).await.unwrap();
    assert_eq!(owner.open(MailboxAt(path("Box")), Status).await.unwrap().status().unwrap().head, head);
    let source = owner.open(MailboxAt(path("Box")), RenameMailbox).await.unwrap();
    let place = owner.open(NewMailboxAt(path("Renamed")), CreateMailbox).await.unwrap();
    source.rename(&place).await.unwrap();
    assert_eq!(annotations(&owner, "Renamed").await.unwrap(), ["/private/comment=1"]);
    owner.open(MailboxAt(path("Renamed")), DeleteMailbox).await.unwrap().delete().await.unwrap();
    owner.open(NewMailboxAt(path("Renamed")), CreateMailbox).await.unwrap().create(None).await.unwrap();
    assert_eq!(annotations(&owner, "Renamed").await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn names_and_sizes_are_judged() {
    let (_world, owner, _subject, _theirs) = stage().await;
    for name in [
        "comment",
        "/comment",
        "/other/a",
        "/private",
        "/private/",
        "/private//a",
        "/private/a/",
        "/shared/*",
        "/shared/a%",
        "/shared/é",
        "/private/a b",
    ] {
        assert_eq!(annotate(&owner, "Box", &[("/private/fine", Some("")), (name, Some(""))]).await, Err(Refusal::Unsupported), "{name}");
    }
    let large = "x".repeat(ANNOTATION_BYTES_MAX);
    annotate(&owner, "Box", &[("/private/large", Some(&large))]).await.unwrap();
    let larger = format!("{large}x");
    assert_eq!(annotate(&owner, "Box", &[("/private/larger", Some(&larger))]).await, Err(Refusal::Limit(ANNOTATION_BYTES)));
    let many: Vec<String> = (0..ANNOTATIONS_MAX).map(|number| format!("/private/{number}")).collect();
    let many: Vec<(&str, Option<&str>)> = many.iter().map(|name| (&**name, Some(""))).collect();
    assert_eq!(annotate(&owner, "Box", &many).await, Err(Refusal::Limit(ANNOTATIONS)));
    assert_eq!(annotations(&owner, "Box").await.unwrap().len(), 1);
    annotate(&owner, "Box", &many[1..]).await.unwrap();
}

#[tokio::test]
async fn the_use_of_a_mailbox_is_told_to_its_owner() {
    let (_world, owner, subject, _theirs) = stage().await;
    assert_eq!(annotations(&owner, "Sent").await.unwrap(), ["/private/specialuse=\\Sent"]);
    assert_eq!(annotations(&subject, &format!("Shared/{OWNER}/Sent")).await.unwrap(), Vec::<String>::new());
    assert_eq!(annotate(&owner, "Box", &[("/private/specialuse", Some("\\Sent"))]).await, Err(Refusal::Unsupported));
    // Nor is it given by others, who may well make mailboxes there.
    let place = subject.open(NewMailboxAt(path(&format!("Shared/{OWNER}/Box/Sent"))), CreateMailbox).await.unwrap();
    assert_eq!(place.create(Some(SpecialUse::Sent)).await, Err(Refusal::Unsupported));
    assert!(place.create(None).await.is_ok());
}

#[tokio::test]
async fn the_server_has_annotations_of_its_own() {
    let (world, owner, subject, _theirs) = stage().await;
    let told = |session: Session| async move {
        let found = session.server_annotations().await.unwrap();
        found.into_iter().map(|(name, value)| format!("{name}={}", String::from_utf8_lossy(&value))).collect::<Vec<_>>()
    };
    owner.annotate_server(entries(&[("/private/Vendor/a", Some("1"))])).await.unwrap();
    assert_eq!(told(owner.clone()).await, ["/private/vendor/a=1", &format!("/shared/admin=mailto:{OWNER}"), "/shared/comment=Test"]);
    assert_eq!(told(subject.clone()).await, [&format!("/shared/admin=mailto:{OWNER}"), "/shared/comment=Test"]);
    for name in ["/shared/comment", "/shared/vendor/a"] {
        let both = entries(&[("/private/vendor/a", None), (name, Some("2"))]);
        assert_eq!(owner.annotate_server(both).await, Err(Refusal::Forbidden(Rights::ADMIN)));
    }
    assert_eq!(told(owner).await[0], "/private/vendor/a=1");
    let calendars = world.session(OWNER, Service::Caldav).await;
    assert_eq!(calendars.server_annotations().await, Err(Refusal::Missing));
    assert_eq!(calendars.annotate_server(Vec::new()).await, Err(Refusal::Missing));
}
