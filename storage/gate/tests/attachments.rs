//! What hangs on calendar objects is read by who may read one of them, and stays as long as one carries it.

#![allow(clippy::unwrap_used)]

mod support;

use octroi_gate::{
    Area, Content, FileAt, Folder, FolderAt, Granted, GroupMember, InTheWay, Invitation, List, MakeFolder, Manner, NewAttachment,
    ObjectChange, ObjectFacts, ObjectKind, ObjectTraits, Outgoing, Read, Received, Refusal, Rewrite, SchedulingCodec, SchedulingFault,
    Sender, Session, Unlink, When,
};
use octroi_model::{CollectionKind, Name, Service, UnixTime};
use std::sync::Arc;
use support::{OWNER, SUBJECT, World, name, path};

/// Nobody meets anybody here.
struct Alone;

impl SchedulingCodec for Alone {
    fn uid(&self, _: &[u8]) -> Option<String> {
        None
    }
    fn message(&self, _: &[u8]) -> Option<(String, &'static str)> {
        None
    }
    fn describe(&self, _: &[u8]) -> Option<ObjectFacts> {
        None
    }
    fn newly_asked(&self, _: &ObjectChange<'_>) -> Vec<String> {
        Vec::new()
    }
    fn with_members(&self, _: &ObjectChange<'_>, _: &[(String, Vec<GroupMember>)]) -> Option<Vec<u8>> {
        None
    }
    fn with_sender(&self, _: &ObjectChange<'_>, _: Sender<'_>) -> Option<Vec<u8>> {
        None
    }
    fn attachments(&self, _: &[u8]) -> Vec<String> {
        Vec::new()
    }
    fn change(&self, change: &ObjectChange<'_>) -> Result<Outgoing, SchedulingFault> {
        Ok(Outgoing { stored: change.new.map(<[u8]>::to_vec), ..Outgoing::default() })
    }
    fn with_statuses(&self, octets: &[u8], _: &[(String, String)]) -> Vec<u8> {
        octets.to_vec()
    }
    fn receive(&self, _: Option<&[u8]>, _: &[u8], _: &[String], _: Option<&str>) -> Received {
        Received::Ignored("nobody is asked")
    }
    /// All of it behind the first word.
    fn carries(&self, octets: &[u8], id: &str) -> bool {
        octets.strip_prefix(b"event with ").is_some_and(|rest| rest == id.as_bytes())
    }
    fn booking_window(&self) -> (i64, i64) {
        (0, 0)
    }
    fn decide(&self, _: &[u8], _: &[String], _: &[Vec<u8>]) -> Option<(Vec<u8>, Vec<u8>)> {
        None
    }
    fn mail(&self, _: &Invitation<'_>) -> Option<Content> {
        None
    }
}

fn at(calendar: &str, it: &str) -> FileAt {
    FileAt { area: Area::Calendars, folder: path(calendar), name: name(it) }
}

fn described(octets: &[u8]) -> Content {
    let facts = ObjectFacts { kind: ObjectKind::Event, uid: "u".to_owned(), first: None, last: None, traits: ObjectTraits::NONE };
    Content::document(octets).described(facts)
}

async fn folder(session: &Session, calendar: &str) -> Granted<Folder, List> {
    session.open(FolderAt { area: Area::Calendars, path: path(calendar) }, List).await.unwrap()
}

/// An event with something on it: its number.
async fn attached(owner: &Session, text: &[u8]) -> Name {
    let bind = owner.open(FolderAt { area: Area::Calendars, path: path("calendar") }, octroi_gate::Bind).await.unwrap();
    bind.put_object(&name("a"), b"event", described(b"event"), None, Manner::default()).await.unwrap();
    let event = owner.open(at("calendar", "a"), Rewrite).await.unwrap();
    let (id, mut upload) = event.new_attachment(text.len() as u64).await.unwrap();
    upload.write(text).await.unwrap();
    let content = upload.finish_document().await.unwrap();
    let new = NewAttachment { id: id.clone(), content, media_type: "text/plain".to_owned(), file_name: "a.txt".to_owned(), copy: None };
    let octets = format!("event with {id}").into_bytes();
    event.replace_object(&octets, described(&octets).attaching(new), None, When::Unchanged, Manner::default()).await.unwrap();
    id
}

async fn read(session: &Session, id: &Name) -> Result<Vec<u8>, Refusal> {
    session.attachment(id).await?.read(0, 100).await
}

fn later(hours: i64) -> UnixTime {
    UnixTime(UnixTime::now().0 + hours * 3600)
}

async fn world() -> World {
    let world = World::new().await;
    world.gate.schedule_with(Arc::new(Alone));
    world
}

#[tokio::test]
async fn it_goes_when_no_object_carries_it_and_not_before() {
    let world = world().await;
    let owner = world.session(OWNER, Service::Caldav).await;
    let id = attached(&owner, b"Okapi").await;
    assert_eq!(read(&owner, &id).await.unwrap(), b"Okapi");
    assert_eq!(world.admin.sweep_documents(later(5)).await, 0, "an event carries it");
    // A copy in another calendar carries it as well.
    let home = owner.open(FolderAt { area: Area::Calendars, path: path("") }, MakeFolder).await.unwrap();
    home.make(&name("team"), CollectionKind::Calendar, Vec::new()).await.unwrap();
    let into = owner.open(FolderAt { area: Area::Calendars, path: path("team") }, octroi_gate::Bind).await.unwrap();
    let source = owner.open(at("calendar", "a"), Read).await.unwrap();
    into.copy_file(&source, &name("b"), &InTheWay::Nothing).await.unwrap();
    owner.open(at("calendar", "a"), Unlink).await.unwrap().remove_object(When::Anyhow, Manner::default()).await.unwrap();
    assert_eq!(world.admin.sweep_documents(later(5)).await, 0, "the copy carries it");
    assert_eq!(read(&owner, &id).await.unwrap(), b"Okapi");
    // It is written over by something without it.
    let copy = owner.open(at("team", "b"), Rewrite).await.unwrap();
    copy.replace_object(b"event", described(b"event"), None, When::Anyhow, Manner::default()).await.unwrap();
    assert_eq!(read(&owner, &id).await, Err(Refusal::Missing));
    assert_eq!(world.admin.sweep_documents(UnixTime::now()).await, 0, "it is young");
    assert_eq!(world.admin.sweep_documents(later(5)).await, 1);
    assert_eq!(world.admin.sweep_documents(later(5)).await, 0);
}

#[tokio::test]
async fn its_rights_are_those_of_the_object() {
    let world = world().await;
    let (owner, subject) = (world.session(OWNER, Service::Caldav).await, world.session(SUBJECT, Service::Caldav).await);
    let id = attached(&owner, b"Okapi").await;
    assert_eq!(read(&subject, &id).await.unwrap(), b"Okapi");
    let open = subject.attachment(&id).await.unwrap();
    world.admin.replace_policy(support::policy(octroi_model::Rights::parse("l1").unwrap())).await;
    assert!(open.read(0, 5).await.is_err(), "also of what is open");
    assert_eq!(read(&subject, &id).await, Err(Refusal::Missing));
    assert_eq!(read(&owner, &id).await.unwrap(), b"Okapi");
    for unknown in ["x", "1-00", "zz-00", id.as_str().split_once('-').unwrap().0] {
        assert_eq!(read(&owner, &name(unknown)).await, Err(Refusal::Missing), "{unknown}");
    }
    // There is no other way to it.
    assert!(owner.open(FolderAt { area: Area::Calendars, path: path(".attachments") }, List).await.is_err());
    let names: Vec<String> = folder(&owner, "").await.members().await.unwrap().iter().map(|member| member.name.to_string()).collect();
    assert!(!names.iter().any(|name| name.contains("attachments")), "{names:?}");
}
