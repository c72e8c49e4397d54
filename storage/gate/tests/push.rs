//! Registrations for push through the gate: who is told what, and who is not told any more.

#![allow(clippy::unwrap_used)]

mod support;

use octroi_gate::{
    Area, Bind, Content, DescribeFolder, FolderAt, Limits, List, Login, PUSH_REGISTRATIONS, Push, PushLook, PushRegistration, PushWish,
    Refusal, Seen, Session,
};
use octroi_model::{CollectionId, Rights, Service, Services, UnixTime};
use support::documents::{folder, make};
use support::{OFFICE, OWNER, SUBJECT, World, address, name, open, path, policy};
use zeroize::Zeroizing;

const DAY: i64 = 86_400;

fn wish(endpoint: &str) -> PushWish {
    PushWish {
        endpoint: endpoint.to_owned(),
        public_key: "key".to_owned(),
        auth_secret: Zeroizing::new("secret".to_owned()),
        contents: true,
        properties: true,
        expires: None,
    }
}

async fn register(session: &Session, at: FolderAt, endpoint: &str) -> Result<PushRegistration, Refusal> {
    session.open(at, List).await?.register_push(&wish(endpoint)).await
}

async fn put(session: &Session, at: &str, it: &str) {
    session.open(folder(at), Bind).await.unwrap().put(&name(it), Content::document(it.as_bytes()), None).await.unwrap();
}

/// As `endpoint contents properties`.
fn told(due: &[Push]) -> Vec<String> {
    let mut told: Vec<String> = due.iter().map(|p| format!("{} {} {}", p.endpoint, p.contents.is_some(), p.properties)).collect();
    told.sort();
    told
}

struct Stage {
    world: World,
    look: PushLook,
    owner: Session,
    subject: Session,
    id: CollectionId,
    seen: Seen,
}

impl Stage {
    /// The owner and the subject are registered at a folder of the owner's.
    async fn new() -> Self {
        Self::with(&Limits::default()).await
    }

    async fn with(limits: &Limits) -> Self {
        let world = World::with(limits).await;
        let owner = world.session(OWNER, Service::Files).await;
        make(&owner, "", "a").await;
        assert_eq!(register(&owner, folder("a"), "https://none.example/").await, Err(Refusal::Unsupported), "nobody sends");
        assert_eq!(owner.open(folder("a"), List).await.unwrap().facts().push, None);
        let mut pushes = world.pushes.lock().await;
        pushes.offer("public", |url| url.starts_with("https://"));
        let subject = world.session(SUBJECT, Service::Files).await;
        register(&owner, folder("a"), "https://owner.example/").await.unwrap();
        register(&subject, folder(&format!("Shared/{OWNER}/a")), "https://subject.example/").await.unwrap();
        let (id, seen) = pushes.begun().await.unwrap();
        assert_eq!(pushes.begun().await.unwrap(), (id, seen), "what was registered is heard of");
        let look = pushes.look();
        assert_eq!(look.all(), [(id, seen)]);
        drop(pushes);
        Self { world, look, owner, subject, id, seen }
    }

    async fn due(&mut self) -> Vec<Push> {
        self.look.due(self.id, &mut self.seen).await
    }
}

#[tokio::test]
async fn programs_are_told_what_changed_and_nothing_twice() {
    let mut stage = Stage::new().await;
    assert_eq!(told(&stage.due().await), Vec::<String>::new());
    put(&stage.owner, "a", "one").await;
    put(&stage.owner, "a", "two").await;
    let due = stage.due().await;
    assert_eq!(told(&due), ["https://owner.example/ true false", "https://subject.example/ true false"]);
    // The collection has one name for all; no two programs have a common one for what replaces what.
    assert_eq!(due[0].topic, due[1].topic);
    assert_ne!(due[0].replaces, due[1].replaces);
    assert_eq!(due[0].replaces.len(), 32);
    assert_eq!(stage.owner.open(folder("a"), List).await.unwrap().facts().push.unwrap().topic, due[0].topic);
    assert!(stage.due().await.is_empty());
    let described = stage.owner.open(folder("a"), DescribeFolder).await.unwrap();
    described.describe(&[("displayname".to_owned(), Some("A".to_owned()))], &[]).await.unwrap();
    assert_eq!(told(&stage.due().await), ["https://owner.example/ false true", "https://subject.example/ false true"]);
    described.describe(&[("displayname".to_owned(), None)], &[]).await.unwrap();
    put(&stage.owner, "a", "three").await;
    assert_eq!(told(&stage.due().await), ["https://owner.example/ true true", "https://subject.example/ true true"]);
}

#[tokio::test]
async fn ones_own_changes_wake_nobody_but_the_others() {
    let mut stage = Stage::new().await;
    let registration = register(&stage.owner, folder("a"), "https://owner.example/").await.unwrap();
    let quiet = stage.owner.quiet(&[&registration.id]);
    put(&quiet, "a", "one").await;
    assert_eq!(told(&stage.due().await), ["https://subject.example/ true false"]);
    put(&quiet, "a", "two").await;
    put(&stage.owner, "a", "three").await;
    assert_eq!(told(&stage.due().await).len(), 2, "somebody else's in between");
    // Nobody speaks for somebody else's.
    put(&stage.subject.quiet(&[&registration.id]), &format!("Shared/{OWNER}/a"), "four").await;
    assert_eq!(told(&stage.due().await).len(), 2);
    put(&stage.owner.quiet_for_all(), "a", "five").await;
    assert_eq!(told(&stage.due().await), ["https://subject.example/ true false"]);
}

#[tokio::test]
async fn who_may_not_see_it_is_told_nothing() {
    let mut stage = Stage::new().await;
    let alone = ["https://owner.example/ true false"];
    for (rights, also) in [("lr", true), ("l", false), ("r", false), ("li", false), ("", false)] {
        stage.world.admin.replace_policy(policy(Rights::parse(rights).unwrap())).await;
        put(&stage.owner, "a", &format!("with {rights}")).await;
        let due = stage.due().await;
        assert_eq!(told(&due).len(), if also { 2 } else { 1 }, "{rights}: {:?}", told(&due));
    }
    // What was found out before is asked again when it is sent.
    stage.world.admin.replace_policy(policy(Rights::ALL)).await;
    put(&stage.owner, "a", "last").await;
    let due = stage.due().await;
    assert!(due.len() == 2 && due.iter().all(|push| stage.look.still(push)));
    stage.world.admin.share(&address(OWNER), Area::Files, &path(""), &[]).await.unwrap();
    let still: Vec<Push> = due.into_iter().filter(|push| stage.look.still(push)).collect();
    assert_eq!(told(&still), alone);
    // Nor is registered who may not see it.
    let theirs = folder(&format!("Shared/{OWNER}/a"));
    assert_eq!(register(&stage.subject, theirs, "https://subject.example/2").await, Err(Refusal::Missing));
}

#[tokio::test]
async fn a_registration_ends_with_its_app_password() {
    let stage = Stage::new().await;
    let secret = stage.world.mint(OWNER, Services::ALL).await;
    let other = open(stage.world.login(OWNER, &secret, Service::Files, OFFICE).await);
    register(&other, folder("a"), "https://other.example/").await.unwrap();
    let mut seen = stage.seen;
    put(&stage.owner, "a", "one").await;
    assert_eq!(told(&stage.look.due(stage.id, &mut seen).await).len(), 3);
    stage.world.admin.revoke_app_password(secret.split('-').next().unwrap()).await.unwrap();
    put(&stage.owner, "a", "two").await;
    assert_eq!(told(&stage.look.due(stage.id, &mut seen).await).len(), 2);
    assert_eq!((stage.look.sweep().await, stage.look.sweep().await), (1, 0));
    // A log-in that needs a confirmation now is none.
    assert!(matches!(stage.world.login(OWNER, &secret, Service::Files, OFFICE).await, Login::Refused));
}

#[tokio::test]
async fn a_registration_is_made_anew_and_ended_by_its_account_only() {
    let mut stage = Stage::new().await;
    let now = UnixTime::now().0;
    let at = stage.owner.open(folder("a"), List).await.unwrap();
    let mut registrations = Vec::new();
    for (asked, days) in [(None, 7), (Some(60), 3), (Some(5 * DAY), 5), (Some(i64::MAX - now), 30)] {
        let wish = PushWish { expires: asked.map(|seconds| UnixTime(now + seconds)), ..wish("https://owner.example/") };
        let made = at.register_push(&wish).await.unwrap();
        assert!((made.expires.0 - now - days * DAY).abs() <= 60, "{asked:?}");
        registrations.push(made.id);
    }
    registrations.dedup();
    assert_eq!(registrations.len(), 1, "one program, one registration");
    let id = &registrations[0];
    assert_eq!(stage.subject.end_push(id).await, Err(Refusal::Missing));
    assert_eq!(stage.owner.end_push("1-x").await, Err(Refusal::Missing));
    stage.owner.end_push(id).await.unwrap();
    assert_eq!(stage.owner.end_push(id).await, Err(Refusal::Missing));
    put(&stage.owner, "a", "one").await;
    let due = stage.due().await;
    assert_eq!(told(&due), ["https://subject.example/ true false"]);
    stage.look.end(&due[0]).await;
    assert!(!stage.look.still(&due[0]) && !stage.look.is_watched(stage.id));
    let acts: Vec<String> = stage.world.lines().await.into_iter().map(|line| format!("{} {}", line.entry.act, line.entry.reason)).collect();
    assert!(acts.contains(&"push register owner.example".to_owned()) && acts.iter().any(|act| act.starts_with("push end")), "{acts:?}");
}

#[tokio::test]
async fn registrations_are_limited() {
    let limits = Limits { push_per_collection_max: 2, push_per_account_max: 3, push_max: 5, ..Limits::default() };
    let stage = Stage::with(&limits).await;
    let full = Err(Refusal::Limit(PUSH_REGISTRATIONS));
    register(&stage.owner, folder("a"), "https://owner.example/2").await.unwrap();
    assert_eq!(register(&stage.owner, folder("a"), "https://owner.example/3").await, full, "of one collection");
    register(&stage.owner, folder("a"), "https://owner.example/2").await.unwrap();
    register(&stage.owner, folder(""), "https://owner.example/").await.unwrap();
    make(&stage.owner, "", "b").await;
    assert_eq!(register(&stage.owner, folder("b"), "https://owner.example/").await, full, "of one account");
    let theirs = |at: &str| folder(&format!("Shared/{OWNER}/{at}"));
    register(&stage.subject, theirs("b"), "https://subject.example/").await.unwrap();
    assert_eq!(register(&stage.subject, theirs("a"), "https://subject.example/2").await, full, "of all");
    let long = format!("https://{}/", "x".repeat(3000));
    for bad in ["http://owner.example/", &long] {
        assert_eq!(register(&stage.owner, folder("a"), bad).await, Err(Refusal::Unsupported), "{bad}");
    }
}
