//! Calendar objects are found by time and UID without being read, and no two of one calendar have the same UID, whoever brings them.

#![allow(clippy::unwrap_used)]

mod support;

use octroi_gate::{
    Area, Bind, Content, Depart, FileAt, Folder, FolderAt, Granted, InTheWay, List, ObjectFacts, ObjectKind, ObjectTraits, Read, Refusal,
    Rewrite, Session, SoughtObjects, Unlink, When,
};
use octroi_model::{Service, Uid};
use support::{OWNER, World, name, path};

const DAY: i64 = 86_400;

fn calendar(at: &str) -> FolderAt {
    FolderAt { area: Area::Calendars, path: path(at) }
}

fn object(at: &str, it: &str) -> FileAt {
    FileAt { area: Area::Calendars, folder: path(at), name: name(it) }
}

fn event(uid: &str, first: Option<i64>, last: Option<i64>) -> ObjectFacts {
    ObjectFacts { kind: ObjectKind::Event, uid: uid.to_owned(), first, last, traits: ObjectTraits::NONE }
}

async fn put(session: &Session, it: &str, facts: ObjectFacts) -> Result<(), Refusal> {
    let content = Content::document(format!("{facts:?}").as_bytes()).described(facts);
    match session.open(object("calendar", it), Rewrite).await {
        Ok(there) => there.replace(content, None, When::Anyhow).await.map(|_| ()),
        Err(_) => session.open(calendar("calendar"), Bind).await?.put(&name(it), content, None).await.map(|_| ()),
    }
}

async fn list(session: &Session) -> Granted<Folder, List> {
    session.open(calendar("calendar"), List).await.unwrap()
}

async fn found(session: &Session, sought: &SoughtObjects) -> Vec<String> {
    let candidates = list(session).await.candidates(sought).await.unwrap();
    candidates.iter().map(|one| one.item.name.as_ref().unwrap().to_string()).collect()
}

fn within(start: i64, end: i64) -> SoughtObjects {
    SoughtObjects { window: Some((start, end)), ..SoughtObjects::default() }
}

#[tokio::test]
async fn objects_are_found_by_time_as_they_come_change_and_go() {
    let world = World::new().await;
    let owner = world.session(OWNER, Service::Caldav).await;
    for number in 0..100 {
        put(&owner, &format!("{number}"), event(&format!("u{number}"), Some(number * DAY), Some(number * DAY + 3600))).await.unwrap();
    }
    put(&owner, "ever", event("ever", Some(5 * DAY), None)).await.unwrap();
    put(&owner, "long", event("long", Some(0), Some(90 * DAY))).await.unwrap();
    let todo = ObjectFacts { kind: ObjectKind::Todo, traits: ObjectTraits::ALARMS, ..event("todo", None, None) };
    put(&owner, "todo", todo).await.unwrap();
    assert_eq!(found(&owner, &within(2 * DAY + 4000, 3 * DAY + 1)).await, ["3", "long", "todo"]);
    assert_eq!(found(&owner, &within(95 * DAY, 97 * DAY + 1)).await, ["95", "96", "97", "ever", "todo"]);
    let todos = SoughtObjects { kind: Some(ObjectKind::Todo), ..SoughtObjects::default() };
    assert_eq!(found(&owner, &todos).await, ["todo"]);
    let ringing = SoughtObjects { traits: ObjectTraits::ALARMS, ..within(0, DAY) };
    assert_eq!(found(&owner, &ringing).await, ["todo"]);
    // Moved in time, removed, and named otherwise, each before it is asked again.
    put(&owner, "3", event("u3", Some(500 * DAY), Some(500 * DAY))).await.unwrap();
    owner.open(object("calendar", "4"), Unlink).await.unwrap().remove(When::Anyhow).await.unwrap();
    owner.open(object("calendar", "long"), Unlink).await.unwrap().remove(When::Anyhow).await.unwrap();
    assert_eq!(found(&owner, &within(3 * DAY, 5 * DAY - 1)).await, ["todo"]);
    // In the order in which they came first.
    assert_eq!(found(&owner, &within(500 * DAY, 500 * DAY)).await, ["3", "ever", "todo"]);
    assert_eq!(found(&owner, &SoughtObjects::default()).await.len(), 101);
}

#[tokio::test]
async fn a_uid_is_had_by_one_object_of_a_calendar() {
    let world = World::new().await;
    let owner = world.session(OWNER, Service::Caldav).await;
    put(&owner, "a", event("one", None, None)).await.unwrap();
    assert_eq!(put(&owner, "b", event("one", None, None)).await, Err(Refusal::UidTaken(Uid(1))));
    assert_eq!(put(&owner, "a", event("other", None, None)).await, Err(Refusal::UidTaken(Uid(1))));
    put(&owner, "a", event("one", Some(1), Some(2))).await.unwrap();
    // Copied beside itself it would be there twice; moved it is not.
    let bind = owner.open(calendar("calendar"), Bind).await.unwrap();
    let source = owner.open(object("calendar", "a"), Read).await.unwrap();
    assert_eq!(bind.copy_file(&source, &name("c"), &InTheWay::Nothing).await, Err(Refusal::UidTaken(Uid(1))));
    let source = owner.open(object("calendar", "a"), Depart).await.unwrap();
    bind.move_file(&source, &name("c"), &InTheWay::Nothing).await.unwrap();
    assert!(matches!(put(&owner, "d", event("one", None, None)).await, Err(Refusal::UidTaken(_))));
    // Of many at once one comes through.
    let mut puts = tokio::task::JoinSet::new();
    for number in 0..16 {
        let owner = owner.clone();
        puts.spawn(async move { put(&owner, &format!("race{number}"), event("race", None, None)).await });
    }
    let outcomes = puts.join_all().await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Ok(()) | Err(Refusal::UidTaken(_)))), "{outcomes:?}");
}

#[tokio::test]
async fn what_was_put_without_a_note_is_a_candidate_until_it_is_described() {
    let world = World::new().await;
    let owner = world.session(OWNER, Service::Caldav).await;
    let bind = owner.open(calendar("calendar"), Bind).await.unwrap();
    for it in ["old", "older"] {
        bind.put(&name(it), Content::document(it.as_bytes()), None).await.unwrap();
    }
    let folder = list(&owner).await;
    assert_eq!(found(&owner, &within(0, 1)).await, ["old", "older"]);
    let read = folder.read_items(&[Uid(1)], |_, _| None).await.unwrap();
    assert_eq!(read[0].1, Ok(b"old".to_vec()));
    assert!(folder.describe_unknown(1, |octets| (octets == b"old").then(|| event("u", Some(50), Some(60)))).await.unwrap());
    assert_eq!(found(&owner, &within(0, 1)).await, ["older"]);
    assert_eq!(found(&owner, &within(55, 56)).await, ["old", "older"]);
    assert!(matches!(put(&owner, "new", event("u", None, None)).await, Err(Refusal::UidTaken(_))));
    assert!(!folder.describe_unknown(10, |_| None).await.unwrap());
}
