//! Aliases, groups with an address, roles, what catches the rest of a domain, and what is forwarded: who is reached, once, and who may not.

#![allow(clippy::unwrap_used)]

mod support;

use octroi_gate::{Content, NewAccount, Refusal, ReturnPath, SrsFault};
use octroi_model::{Address, AliasName, QuotaLimit, Service, Uid};
use std::os::unix::fs::MetadataExt;
use support::{OFFICE, OWNER, SUBJECT, World, address};

fn content() -> Content {
    Content::message(b"facts", b"Subject: x\r\n\r\nx\r\n", 14)
}

fn alias(name: &str) -> AliasName {
    AliasName::parse(name).unwrap()
}

fn all(addresses: &[&str]) -> Vec<Address> {
    addresses.iter().map(|text| address(text)).collect()
}

async fn add(world: &World, name: &str, to: &[&str]) {
    world.admin.add_alias(&alias(name), &all(to), false).await.unwrap();
}

/// Messages that somebody has, by a quota.
async fn messages(world: &World, who: &str) -> u64 {
    if world.admin.quotas(Some(&address(who))).unwrap().is_empty() {
        world.admin.set_quota(&address(who), None, Some(QuotaLimit { bytes: 1 << 30, items: None })).await.unwrap();
    }
    world.admin.quotas(Some(&address(who))).unwrap()[0].quota.used.items
}

/// Deliver to one address from outside.
async fn deliver(world: &World, to: &str) -> Result<(), Refusal> {
    deliver_from(world, ReturnPath::Address(address("somebody@outside.example")), to).await
}

async fn deliver_from(world: &World, from: ReturnPath, to: &str) -> Result<(), Refusal> {
    let mut envelope = world.gate.inbound(from, OFFICE);
    envelope.add(&address(to)).await?;
    envelope.deliver(content()).await
}

/// Return path and recipients of each queued message.
async fn queued(world: &World) -> Vec<(Option<Address>, Vec<Address>)> {
    let due = world.queue.after(Uid(0), 100).await.unwrap().0;
    due.into_iter().map(|one| (one.entry.from, one.entry.recipients.into_iter().map(|to| to.address).collect())).collect()
}

#[tokio::test]
async fn an_alias_leads_to_each_once() {
    let world = World::new().await;
    add(&world, "sales@octroi.example", &[OWNER, "Subject+sales@octroi.example"]).await;
    add(&world, "all@octroi.example", &["sales@octroi.example", OWNER]).await;
    let mut envelope = world.gate.inbound(ReturnPath::Null, OFFICE);
    for to in ["ALL+x@Octroi.Example", "sales@octroi.example", OWNER] {
        envelope.add(&address(to)).await.unwrap();
    }
    let reached: Vec<String> = envelope.deliveries().iter().map(|one| one.to.to_string()).collect();
    assert_eq!(reached, [OWNER, "Subject+sales@octroi.example"]);
    assert!(!envelope.leaves());
    envelope.deliver(content()).await.unwrap();
    assert_eq!((messages(&world, OWNER).await, messages(&world, SUBJECT).await), (1, 1));
    // Over LMTP each address that was named has its own answer.
    let mut envelope = world.gate.inbound(ReturnPath::Null, OFFICE);
    envelope.add(&address("all@octroi.example")).await.unwrap();
    envelope.add(&address(OWNER)).await.unwrap();
    assert_eq!(envelope.deliver_each(content()).await, Ok(vec![Ok(()), Ok(())]));
    assert_eq!((messages(&world, OWNER).await, messages(&world, SUBJECT).await), (2, 2));
    // What is taken away leads nowhere.
    world.admin.remove_alias(&alias("sales@octroi.example"), &all(&[OWNER])).await.unwrap();
    deliver(&world, "sales@octroi.example").await.unwrap();
    assert_eq!((messages(&world, OWNER).await, messages(&world, SUBJECT).await), (2, 3));
    world.admin.remove_alias(&alias("sales@octroi.example"), &[]).await.unwrap();
    assert_eq!(deliver(&world, "sales@octroi.example").await, Err(Refusal::UnknownRecipient));
    let acts: Vec<String> = world.lines().await.into_iter().map(|line| line.entry.act).filter(|act| act.starts_with("alias")).collect();
    assert_eq!(acts, ["alias add", "alias add", "alias remove", "alias remove"]);
}

#[tokio::test]
async fn no_alias_is_somebody_else_or_leads_to_itself() {
    let world = World::new().await;
    let add = async |name: &str, to: &str| world.admin.add_alias(&alias(name), &all(&[to]), false).await;
    assert_eq!(add(OWNER, SUBJECT).await, Err(Refusal::Exists));
    assert_eq!(add("a@elsewhere.example", OWNER).await, Err(Refusal::NotRelay));
    assert_eq!(add("a@octroi.example", "nobody@octroi.example").await, Err(Refusal::UnknownRecipient));
    assert_eq!(add("a@octroi.example", "a@outside.example").await, Err(Refusal::RecipientNotAllowed));
    add("a@octroi.example", OWNER).await.unwrap();
    add("b@octroi.example", "a@octroi.example").await.unwrap();
    add("c@octroi.example", "b@octroi.example").await.unwrap();
    assert_eq!(add("a@octroi.example", "c@octroi.example").await, Err(Refusal::Loop));
    assert_eq!(add("A+x@octroi.example", "a@octroi.example").await, Err(Refusal::Loop));
    let address = address("A@octroi.example");
    let new = NewAccount { address: &address, display_name: "", profile: "owner", password: None, remote_access: false };
    assert_eq!(world.admin.add_account(new).await, Err(Refusal::Exists));
    // Whoever is gone is passed over.
    world.admin.remove_account(&support::address(OWNER)).await.unwrap();
    assert_eq!(deliver(&world, "c@octroi.example").await, Err(Refusal::UnknownRecipient));
}

#[tokio::test]
async fn aliases_outlive_a_restart_and_a_lost_index() {
    use octroi_engine::{Embedded, Engine, Options};
    let world = World::new().await;
    add(&world, "a@octroi.example", &[OWNER]).await;
    add(&world, "b@octroi.example", &[OWNER]).await;
    world.admin.add_group("team").await.unwrap();
    world.admin.set_group_address("team", Some(&address("team@octroi.example")), true).await.unwrap();
    world.admin.remove_alias(&alias("b@octroi.example"), &[]).await.unwrap();
    let report = world.admin.check(std::sync::Arc::new(octroi_gate::Progress::default()).watcher()).await.unwrap();
    assert!(report.faults.is_empty(), "{:?}", report.faults);
    world.admin.close().await;
    let World { folder, gate, admin, queue, .. } = world;
    drop((gate, admin, queue));
    for index in ["kept", "lost"] {
        let engine = Embedded::open(folder.path(), Options::default()).await.unwrap();
        let keys: Vec<String> = engine.aliases().iter().map(|alias| alias.name.key()).collect();
        assert_eq!(keys, ["a@octroi.example", "team@octroi.example"], "index {index}");
        assert!(engine.alias("a@octroi.example").is_some() && engine.alias("b@octroi.example").is_none());
        engine.close().await;
        drop(engine);
        for entry in std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.to_string_lossy().contains("index.sqlite") {
                std::fs::remove_file(entry).unwrap();
            }
        }
    }
}

#[tokio::test]
async fn a_group_takes_mail_for_its_members_and_of_them_only_if_so_wanted() {
    let world = World::new().await;
    world.admin.add_group("team").await.unwrap();
    world.admin.set_member("team", &address(OWNER), true).await.unwrap();
    let team = address("team@octroi.example");
    world.admin.set_group_address("team", Some(&team), false).await.unwrap();
    deliver(&world, "team@octroi.example").await.unwrap();
    assert_eq!(messages(&world, OWNER).await, 1);
    world.admin.set_group_address("team", Some(&team), true).await.unwrap();
    // Whatever somebody from outside calls themselves.
    let claimed = ReturnPath::Address(address(OWNER));
    assert_eq!(deliver_from(&world, claimed, "team@octroi.example").await, Err(Refusal::NotMember));
    let subject = world.session(SUBJECT, Service::Submission).await;
    let mut envelope = subject.submit(&address(SUBJECT)).await.unwrap();
    assert_eq!(envelope.add(&team).await, Err(Refusal::NotMember));
    world.admin.set_member("team", &address(SUBJECT), true).await.unwrap();
    envelope.add(&team).await.unwrap();
    envelope.send(content()).await.unwrap();
    assert_eq!((messages(&world, OWNER).await, messages(&world, SUBJECT).await), (2, 1));
    // An alias is no way round it.
    add(&world, "round@octroi.example", &["team@octroi.example"]).await;
    assert_eq!(deliver(&world, "round@octroi.example").await, Err(Refusal::NotMember));
    // The address goes with the group.
    world.admin.remove_group("team").await.unwrap();
    assert_eq!(deliver(&world, "team@octroi.example").await, Err(Refusal::UnknownRecipient));
    add(&world, "team@octroi.example", &[OWNER]).await;
}

#[tokio::test]
async fn one_full_mailbox_keeps_a_message_from_no_group() {
    let world = World::new().await;
    add(&world, "both@octroi.example", &[OWNER, SUBJECT]).await;
    world.admin.set_quota(&address(SUBJECT), None, Some(QuotaLimit { bytes: 100, items: None })).await.unwrap();
    deliver(&world, "both@octroi.example").await.unwrap();
    assert_eq!((messages(&world, OWNER).await, messages(&world, SUBJECT).await), (1, 0));
    assert!(world.lines().await.iter().any(|line| line.entry.act == "deliver" && line.entry.subject == SUBJECT));
    assert_eq!(deliver(&world, SUBJECT).await, Err(Refusal::OverQuota));
    // Likewise where the size was not told before it came; but nobody is left out who was named.
    let roomy = QuotaLimit { bytes: 2000, items: None };
    world.admin.set_quota(&address(SUBJECT), None, Some(roomy)).await.unwrap();
    let large = || Content::message(b"facts", format!("Subject: x\r\n\r\n{}", "x".repeat(3000)).as_bytes(), 14);
    for (also, expected) in [(None, Ok(())), (Some(SUBJECT), Err(Refusal::OverQuota))] {
        let mut envelope = world.gate.inbound(ReturnPath::Null, OFFICE);
        envelope.add(&address("both@octroi.example")).await.unwrap();
        if let Some(also) = also {
            envelope.add(&address(also)).await.unwrap();
        }
        assert_eq!(envelope.deliver(large()).await, expected);
    }
    assert_eq!((messages(&world, OWNER).await, messages(&world, SUBJECT).await), (2, 0));
}

#[tokio::test]
async fn roles_reach_somebody_and_the_rest_only_if_so_wanted() {
    let world = World::new().await;
    deliver(&world, "Abuse@octroi.example").await.unwrap();
    deliver(&world, "postmaster+x@octroi.example").await.unwrap();
    assert_eq!(messages(&world, OWNER).await, 2);
    assert_eq!(deliver(&world, "typo@octroi.example").await, Err(Refusal::UnknownRecipient));
    add(&world, "@octroi.example", &[SUBJECT]).await;
    deliver(&world, "typo@octroi.example").await.unwrap();
    assert_eq!(messages(&world, SUBJECT).await, 1);
    deliver(&world, "postmaster@octroi.example").await.unwrap();
    assert_eq!(messages(&world, OWNER).await, 3);
    // Forged return paths are not typing errors.
    assert_eq!(deliver(&world, "SRS0=AAAA=AA=x.example=y@octroi.example").await, Err(Refusal::UnknownRecipient));
    // Whoever was to have them is gone: somebody else of ours has them, without a change of the configuration.
    world.admin.remove_account(&address(OWNER)).await.unwrap();
    deliver(&world, "postmaster@octroi.example").await.unwrap();
    assert_eq!(messages(&world, SUBJECT).await, 2);
}

#[tokio::test]
async fn one_sends_as_an_alias_that_leads_to_oneself_alone() {
    let world = World::new().await;
    add(&world, "contact@octroi.example", &[SUBJECT]).await;
    add(&world, "both@octroi.example", &[OWNER, SUBJECT]).await;
    add(&world, "@octroi.example", &[SUBJECT]).await;
    let subject = world.session(SUBJECT, Service::Submission).await;
    for own in ["contact@octroi.example", "Contact+x@octroi.example", "subject+x@octroi.example"] {
        let envelope = subject.submit(&address(own)).await.unwrap();
        envelope.may_send_header_from(&address("contact@octroi.example")).unwrap();
    }
    for other in ["both@octroi.example", "typo@octroi.example", OWNER, "postmaster@octroi.example"] {
        assert_eq!(subject.submit(&address(other)).await.err(), Some(Refusal::NotSender), "{other}");
    }
    let owner = world.session(OWNER, Service::Submission).await;
    owner.submit(&address("postmaster@octroi.example")).await.unwrap();
}

#[tokio::test]
async fn what_is_forwarded_finds_its_way_back() {
    let world = World::new().await;
    let name = alias("away@octroi.example");
    world.admin.add_alias(&name, &all(&[OWNER, "lea@private.example"]), true).await.unwrap();
    deliver(&world, "away@octroi.example").await.unwrap();
    assert_eq!(messages(&world, OWNER).await, 1);
    let queue = queued(&world).await;
    let [(Some(path), to)] = queue.as_slice() else { panic!("no return path: {queue:?}") };
    assert_eq!(*to, all(&["lea@private.example"]));
    assert!(path.domain() == "octroi.example" && path.local().starts_with("SRS0="), "{path}");
    assert_eq!(world.gate.forwarded_from(path), Some(Ok(address("somebody@outside.example"))));
    // A notification goes on to the first sender, from nobody; anything else does not.
    assert_eq!(deliver(&world, &path.to_string()).await, Err(Refusal::UnknownRecipient));
    deliver_from(&world, ReturnPath::Null, &path.to_string()).await.unwrap();
    assert!(queued(&world).await.contains(&(None, all(&["somebody@outside.example"]))));
    // Of our own people the path stays: it is of our domain already. What comes from nobody stays so.
    assert_eq!(world.gate.forwarding_path(&ReturnPath::Address(address(OWNER))), Some(address(OWNER)));
    assert_eq!(world.gate.forwarding_path(&ReturnPath::Null), None);
    let forged = Address::new(&path.local().replace("somebody", "somebodz"), "octroi.example").unwrap();
    assert_eq!(world.gate.forwarded_from(&forged), Some(Err(SrsFault::Forged)));
    // Without the alias nothing leaves.
    assert_eq!(deliver(&world, "lea@private.example").await, Err(Refusal::NotRelay));
}

/// What one message to so many costs, beside one to one: prints it, and holds that the body is there once.
async fn to_many(count: usize) {
    const BODY_BYTES: usize = 400_000;
    let world = World::new().await;
    let people: Vec<Address> = (0..count).map(|number| address(&format!("p{number}@octroi.example"))).collect();
    for person in &people {
        let new = NewAccount { address: person, display_name: "", profile: "owner", password: None, remote_access: false };
        world.admin.add_account(new).await.unwrap();
    }
    // Octets that no compression makes smaller.
    let mut state = 1_u64;
    let filling: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    })
    .take(BODY_BYTES)
    .collect();
    let octets = [b"Subject: x\r\n\r\n".as_slice(), &filling].concat();
    let journal = || -> u64 {
        let files = std::fs::read_dir(world.folder.path()).unwrap().flatten().flat_map(|entry| match std::fs::read_dir(entry.path()) {
            Ok(folder) => folder.flatten().collect(),
            Err(_) => vec![entry],
        });
        // What is written ahead takes room and is no content.
        files.filter(|file| !file.path().to_string_lossy().contains("sqlite")).map(|file| file.metadata().unwrap().blocks() * 512).sum()
    };
    let mut took = Vec::new();
    for recipients in [&people[..1], &people[..]] {
        let before = journal();
        let mut envelope = world.gate.inbound(ReturnPath::Null, OFFICE);
        let begun = std::time::Instant::now();
        for person in recipients {
            envelope.add(person).await.unwrap();
        }
        let added = begun.elapsed();
        let content = Content::message(b"facts", &octets, 14);
        let begun = std::time::Instant::now();
        envelope.deliver(content).await.unwrap();
        let delivered = begun.elapsed();
        let grown = journal().saturating_sub(before);
        assert!(grown < 16 * BODY_BYTES as u64, "{grown} octets more for {} recipients", recipients.len());
        took.push((recipients.len(), added, delivered, grown));
    }
    for (recipients, added, delivered, grown) in took {
        println!("{recipients} recipients: named in {added:?}, delivered in {delivered:?}, {grown} octets of disk");
    }
    assert_eq!(messages(&world, &people[count - 1].to_string()).await, 1);
}

#[tokio::test]
async fn a_body_is_stored_once_for_many() {
    to_many(100).await;
}

#[tokio::test]
#[ignore = "prints what a thousand recipients cost: cargo test --release -p octroi-gate --test addressing -- --ignored --nocapture"]
async fn a_thousand_recipients() {
    to_many(1000).await;
}
