//! Filters: scripts are kept and found, and what they want happens in one commit, as far as those who had a hand in them might do it.

#![allow(clippy::unwrap_used)]

mod support;

use octroi_gate::{
    Area, Content, Envelope, Errand, Fate, Finished, Internet, Judged, Limits, MailboxAt, NewAccount, Notice, Policy, Refusal, ReturnPath,
    Scope, Select, Sending, Session, Told,
};
use octroi_model::{Outcome, QuotaLimit, Rights, Service, Services, Uid};
use support::{OFFICE, OWNER, SUBJECT, World, address, path};

const SCRIPT: &[u8] = b"keep;";
/// As the owner, but somebody else.
const FRIEND: &str = "friend@octroi.example";

async fn hire_friend(world: &World) {
    let address = address(FRIEND);
    let new = NewAccount { address: &address, display_name: "", profile: "owner", password: None, remote_access: false };
    world.admin.add_account(new).await.unwrap();
}

fn content(text: &str) -> Content {
    let octets = format!("Subject: {text}\r\n\r\n{text}\r\n");
    Content::message(b"facts", octets.as_bytes(), octets.find("\r\n\r\n").unwrap() + 4)
}

fn finished(content: Content, judged: Vec<Judged>) -> Finished<'static> {
    Finished { content, judged, report: None }
}

fn file(mailbox: &str) -> Told {
    Told::File { mailbox: Some(mailbox.to_owned()), create: false, flags: Vec::new() }
}

fn made(mailbox: &str, flags: &[&str]) -> Told {
    Told::File { mailbox: Some(mailbox.to_owned()), create: true, flags: flags.iter().map(|flag| (*flag).to_owned()).collect() }
}

fn forward(to: &str) -> Told {
    Told::Forward(Sending::plain(address(to), content("forwarded")))
}

fn answer(to: &str, seconds: u64) -> Told {
    Told::Answer { sending: Sending::plain(address(to), content("away")), seconds, handle: "h".to_owned() }
}

async fn filtering(world: &World, who: &str) -> Session {
    let session = world.session(who, Service::Sieve).await;
    session.put_script("main", SCRIPT).await.unwrap();
    session.activate_script(Some("main")).await.unwrap();
    session
}

async fn inbound(world: &World, to: &[&str]) -> Envelope<Internet> {
    let mut envelope = world.gate.inbound(ReturnPath::Address(address("from@elsewhere.example")), OFFICE);
    for to in to {
        envelope.add(&address(to)).await.unwrap();
    }
    envelope
}

/// One message to one recipient whose filter wants that.
async fn deliver(world: &World, to: &str, told: Vec<Told>) {
    let envelope = inbound(world, &[to]).await;
    let filter = envelope.filters().await.unwrap().remove(0);
    envelope.deliver(finished(content("m"), vec![Judged { filter, told, failure: None }])).await.unwrap();
}

/// Messages in a mailbox with their flags, as their owner sees them.
async fn messages(world: &World, who: &str, mailbox: &str) -> Vec<String> {
    let session = world.session(who, Service::Imap).await;
    let Ok(granted) = session.open(MailboxAt(path(mailbox)), Select).await else { return vec!["no mailbox".to_owned()] };
    let view = granted.view().await.unwrap();
    let flags = |item: &octroi_model::Item| {
        let keywords = item.flags.keyword_indexes().filter_map(|at| view.keywords().get(at).map(ToString::to_string));
        let system =
            octroi_model::Flags::SYSTEM.into_iter().filter(|(flag, _)| item.flags.contains(*flag)).map(|(_, name)| name.to_owned());
        system.chain(keywords).collect::<Vec<_>>().join(" ")
    };
    view.items().map(flags).collect()
}

async fn queued(world: &World) -> Vec<String> {
    let entries = world.queue.after(Uid(0), 100).await.unwrap().0;
    let mut all: Vec<String> = entries
        .iter()
        .map(|queued| {
            let from = queued.entry.from.as_ref().map_or("<>".to_owned(), ToString::to_string);
            format!("{from} to {}", queued.entry.recipients[0].address)
        })
        .collect();
    all.sort();
    all
}

async fn is_sound(world: &World) -> bool {
    world.admin.check(std::sync::Arc::new(|_| {})).await.unwrap().faults.is_empty()
}

async fn refused(world: &World) -> Vec<String> {
    let lines = world.lines().await;
    let of_filters = lines.iter().filter(|line| line.entry.act.starts_with("filter") && line.entry.outcome == Outcome::Refused);
    of_filters.map(|line| format!("{} {}", line.entry.act, line.entry.subject)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn scripts_are_kept_by_name() {
    let world = World::with(&Limits { scripts_max: 3, script_bytes_max: 100, ..Limits::default() }).await;
    let session = world.session(OWNER, Service::Sieve).await;
    assert_eq!(session.scripts().await.unwrap(), []);
    assert_eq!(session.activate_script(Some("main")).await, Err(Refusal::Missing));
    session.activate_script(None).await.unwrap();
    session.put_script("main", SCRIPT).await.unwrap();
    session.put_script("answered", b"stop;").await.unwrap();
    session.activate_script(Some("main")).await.unwrap();
    let listed = async || {
        let all = session.scripts().await.unwrap();
        all.iter().map(|script| format!("{} {} {}", script.name, script.bytes, script.active)).collect::<Vec<_>>()
    };
    assert_eq!(listed().await, ["answered 5 false", "main 5 true"]);
    // Replaced and renamed, it stays active.
    session.put_script("main", b"discard;").await.unwrap();
    assert_eq!(session.rename_script("main", "answered").await, Err(Refusal::Exists));
    session.rename_script("main", "été").await.unwrap();
    assert_eq!(listed().await, ["answered 5 false", "été 8 true"]);
    assert_eq!(session.script("été").await.unwrap(), b"discard;");
    assert_eq!(session.delete_script("été").await, Err(Refusal::Unsupported));
    session.activate_script(Some("answered")).await.unwrap();
    session.delete_script("été").await.unwrap();
    assert_eq!(session.delete_script("été").await, Err(Refusal::Missing));
    // Limits.
    assert_eq!(session.put_script("large", &[b' '; 101]).await, Err(Refusal::Limit(octroi_gate::SCRIPT_BYTES)));
    session.put_script("b", SCRIPT).await.unwrap();
    session.put_script("c", SCRIPT).await.unwrap();
    assert_eq!(session.put_script("d", SCRIPT).await, Err(Refusal::Limit(octroi_gate::SCRIPTS)));
    session.put_script("c", b"stop;").await.unwrap();
    assert!(world.lines().await.iter().any(|line| line.entry.act == "filter rename" && line.entry.subject.ends_with("main to été")));
    // No other service opens them, nor does a script show in anybody's tree.
    let imap = world.session(OWNER, Service::Imap).await;
    assert_eq!(imap.scripts().await, Err(Refusal::Unsupported));
    for area in [Area::Mail, Area::Files] {
        assert!(imap.tree(area).await.iter().all(|entry| entry.path.join("/") != "sieve"));
    }
    assert!(is_sound(&world).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_commit_does_all_that_a_filter_wants() {
    let world = World::new().await;
    hire_friend(&world).await;
    filtering(&world, OWNER).await;
    let told = vec![
        made("Lists/Rust", &["\\Seen", "$Mine", "other"]),
        file("lists/none"),
        made("Lists/Go", &[]),
        forward("friend@elsewhere.example"),
        forward(FRIEND),
        answer("from@elsewhere.example", 60),
    ];
    deliver(&world, OWNER, told).await;
    assert_eq!(messages(&world, OWNER, "Lists/Rust").await, ["\\Seen $Mine other"]);
    assert_eq!(messages(&world, OWNER, "Lists/Go").await, [""]);
    // What is not there leaves the message in the INBOX.
    assert_eq!(messages(&world, OWNER, "INBOX").await, [""]);
    assert_eq!(messages(&world, FRIEND, "INBOX").await, [""]);
    let [answered, forwarded] = &queued(&world).await[..] else { panic!("{:?}", queued(&world).await) };
    assert_eq!(answered, "<> to from@elsewhere.example");
    // Under a return path of ours (SRS).
    assert!(forwarded.starts_with("SRS0="), "{forwarded}");
    assert!(forwarded.ends_with("=elsewhere.example=from@octroi.example to friend@elsewhere.example"), "{forwarded}");
    assert_eq!(refused(&world).await, ["filter file lists/none"]);
    // Where what was sent on does not arrive, its author is told, wherever they are.
    world.queue.notify(&address("author@elsewhere.example"), content("bounce")).await.unwrap();
    assert_eq!(queued(&world).await[0], "<> to author@elsewhere.example");
    deliver(&world, OWNER, vec![made("Lists/Rust", &["\\Flagged", "OTHER"])]).await;
    assert_eq!(messages(&world, OWNER, "Lists/Rust").await, ["\\Seen $Mine other", "\\Flagged other"]);
    // Discarded.
    deliver(&world, OWNER, Vec::new()).await;
    assert_eq!(messages(&world, OWNER, "INBOX").await.len(), 1);
    assert!(is_sound(&world).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_answered_twice_within_the_time() {
    let world = World::new().await;
    filtering(&world, OWNER).await;
    for _ in 0..3 {
        deliver(&world, OWNER, vec![answer("From@elsewhere.example", 3600)]).await;
    }
    assert_eq!(queued(&world).await.len(), 1);
    deliver(&world, OWNER, vec![answer("other@elsewhere.example", 1)]).await;
    tokio::time::sleep(std::time::Duration::from_millis(2100)).await;
    deliver(&world, OWNER, vec![answer("other@elsewhere.example", 1)]).await;
    assert_eq!(queued(&world).await.len(), 3);
    // At the same time, too.
    let together = (0..8).map(|_| deliver(&world, OWNER, vec![answer("third@elsewhere.example", 3600)]));
    futures(together).await;
    assert_eq!(queued(&world).await.len(), 4);
}

async fn futures(all: impl Iterator<Item = impl Future<Output = ()>>) {
    let mut waiting: Vec<_> = all.map(Box::pin).collect();
    std::future::poll_fn(|cx| {
        waiting.retain_mut(|one| one.as_mut().poll(cx).is_pending());
        if waiting.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
}

/// What a filter does its owner must be able to do: the side door of filters.
#[tokio::test(flavor = "multi_thread")]
async fn a_filter_may_no_more_than_whoever_put_it() {
    let world = World::new().await;
    // The subject may send inside only, and has no mailbox rule for its own folders.
    filtering(&world, SUBJECT).await;
    deliver(&world, SUBJECT, vec![forward("friend@elsewhere.example")]).await;
    deliver(&world, SUBJECT, vec![forward(OWNER)]).await;
    deliver(&world, SUBJECT, vec![file("Junk")]).await;
    deliver(&world, SUBJECT, vec![made("New", &[])]).await;
    deliver(&world, SUBJECT, vec![answer("from@elsewhere.example", 60), made("New", &[])]).await;
    // Somebody else's mailbox is never one's own.
    deliver(&world, SUBJECT, vec![file(&format!("Shared/{OWNER}/INBOX"))]).await;
    assert_eq!(queued(&world).await, [""; 0]);
    assert_eq!(messages(&world, OWNER, "INBOX").await.len(), 1);
    let all = ["forward friend@elsewhere.example", "file Junk", "file New", "answer from@elsewhere.example", "file New"];
    let mut expected: Vec<String> = all.iter().map(|what| format!("filter {what}")).collect();
    expected.push(format!("filter file Shared/{OWNER}/INBOX"));
    assert_eq!(refused(&world).await, expected);
}

/// A credential without submission puts a filter that sends; one narrowed to a folder puts one that files elsewhere.
#[tokio::test(flavor = "multi_thread")]
async fn a_narrow_credential_makes_a_narrow_filter() {
    let world = World::new().await;
    let owner = address(OWNER);
    let folders = vec![("mail/Lists/**".to_owned(), Rights::ALL)];
    let scope = Scope { folders, ..Scope::of(Services::NONE.with(Service::Sieve)) };
    let secret = world.admin.mint_app_password(&owner, scope, "narrow").await.unwrap().secret.to_string();
    let narrow = support::open(world.login(OWNER, &secret, Service::Sieve, OFFICE).await);
    narrow.put_script("main", SCRIPT).await.unwrap();
    // That somebody who may more makes it active does not widen it.
    world.session(OWNER, Service::Sieve).await.activate_script(Some("main")).await.unwrap();
    deliver(&world, OWNER, vec![forward("friend@elsewhere.example")]).await;
    deliver(&world, OWNER, vec![file("Trash")]).await;
    deliver(&world, OWNER, vec![answer("from@elsewhere.example", 60), file("Trash")]).await;
    assert_eq!(queued(&world).await, [""; 0]);
    assert_eq!(messages(&world, OWNER, "Trash").await, [""; 0]);
    assert_eq!(messages(&world, OWNER, "INBOX").await.len(), 3);
    // Put again by who may, it may.
    world.session(OWNER, Service::Sieve).await.put_script("main", SCRIPT).await.unwrap();
    deliver(&world, OWNER, vec![file("Trash"), forward("friend@elsewhere.example")]).await;
    assert_eq!((messages(&world, OWNER, "Trash").await.len(), queued(&world).await.len()), (1, 1));
    // And what the rules take away later is gone for it, too.
    world.admin.replace_policy(Policy::parse(&limited()).unwrap()).await;
    deliver(&world, OWNER, vec![forward("friend@elsewhere.example")]).await;
    deliver(&world, OWNER, vec![forward("other@elsewhere.example")]).await;
    deliver(&world, OWNER, vec![file("Acts"), made("Acts/New", &[]), made("INBOX", &["$Validated"])]).await;
    // Two recipients an hour, and the first is used up already.
    assert_eq!(queued(&world).await.len(), 2);
    assert_eq!(messages(&world, OWNER, "INBOX").await, ["", "", "", "", ""]);
}

fn limited() -> String {
    "[zone.office]\nnetworks = [\"10.0.0.0/8\"]\n[action.act]\ndescription = \"\"\nadds_to = [\"mail/Acts/**\"]\nsets = [\"$Validated\"]\n\
     [profile.owner]\nportal = true\nsend_to = \"anyone\"\nrecipients_per_hour = 1\nactions = [\"act\"]\n[profile.owner.services]\nimap = [\"*\"]\n\
     submission = [\"*\"]\nsieve = [\"*\"]\ncaldav = [\"*\"]\ncarddav = [\"*\"]\nfiles = [\"*\"]\n[profile.owner.second_factor]\n\"*\" = \"enrolment\"\n[[profile.owner.rule]]\nowner = \"self\"\npath = \"**\"\n\
     rights = \"lrswipkxtea\"\n"
        .to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_is_told_once_that_a_filter_fails() {
    let world = World::new().await;
    let session = filtering(&world, OWNER).await;
    let told = async || {
        let mut errands = world.errands.lock().await;
        let mut found = Vec::new();
        while let Ok(Some(errand)) = tokio::time::timeout(std::time::Duration::from_millis(300), errands.next()).await {
            if let Errand::Notice { notice: Notice::FilterFailed { script, why }, .. } = errand {
                found.push(format!("{script}: {why}"));
            }
        }
        found
    };
    let fail = async || {
        let envelope = inbound(&world, &[OWNER]).await;
        let filter = envelope.filters().await.unwrap().remove(0);
        let failure = Some("line 1: no".to_owned());
        envelope.deliver(finished(content("m"), vec![Judged { filter, told: Vec::new(), failure }])).await.unwrap();
    };
    fail().await;
    fail().await;
    assert_eq!(told().await, ["main: line 1: no"]);
    // Nothing is lost.
    assert_eq!(messages(&world, OWNER, "INBOX").await.len(), 2);
    session.put_script("main", SCRIPT).await.unwrap();
    deliver(&world, OWNER, vec![file("nowhere")]).await;
    assert_eq!(told().await, ["main: nowhere: there is no mailbox \"nowhere\""]);
}

#[tokio::test(flavor = "multi_thread")]
async fn full_mailboxes_keep_the_message_from_nobody_else() {
    let world = World::new().await;
    hire_friend(&world).await;
    filtering(&world, OWNER).await;
    let owner = address(OWNER);
    world.admin.set_quota(&owner, None, Some(QuotaLimit { bytes: 4_000, items: None })).await.unwrap();
    let envelope = inbound(&world, &[OWNER, FRIEND]).await;
    let filter = envelope.filters().await.unwrap().remove(0);
    let large = "x".repeat(6_000);
    let judged = vec![Judged { filter, told: vec![made("A", &[]), forward("friend@elsewhere.example")], failure: None }];
    let filed = envelope.deliver_each(finished(content(&large), judged)).await.unwrap();
    assert_eq!(filed, [Err(Refusal::OverQuota), Ok(())]);
    assert_eq!(queued(&world).await, [""; 0]);
    assert_eq!(messages(&world, OWNER, "A").await, ["no mailbox"]);
    let envelope = inbound(&world, &[OWNER, FRIEND]).await;
    let filter = envelope.filters().await.unwrap().remove(0);
    let judged = vec![Judged { filter, told: vec![made("A", &[])], failure: None }];
    assert_eq!(envelope.deliver(finished(content(&large), judged)).await, Err(Refusal::OverQuota));
    assert_eq!(messages(&world, FRIEND, "INBOX").await.len(), 1);
}

#[tokio::test]
async fn who_has_no_filter_has_none() {
    let world = World::new().await;
    let envelope = inbound(&world, &[OWNER, SUBJECT]).await;
    assert!(envelope.filters().await.unwrap().is_empty());
    let session = world.session(OWNER, Service::Sieve).await;
    session.put_script("main", SCRIPT).await.unwrap();
    assert!(envelope.filters().await.unwrap().is_empty());
    session.activate_script(Some("main")).await.unwrap();
    let filters = envelope.filters().await.unwrap();
    assert_eq!((filters.len(), filters[0].script(), filters[0].name()), (1, SCRIPT, "main"));
    assert!(filters[0].mailbox_exists("inbox") && filters[0].mailbox_exists("Junk") && !filters[0].mailbox_exists("x"));
    assert!(!filters[0].mailbox_exists(&format!("Shared/{SUBJECT}/INBOX")));
}

/// It used to put the message off for everybody as soon as anybody had a filter, and to tell nobody who was left out otherwise.
#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_room_behind_a_group_is_left_out_and_the_sender_told() {
    let world = World::new().await;
    hire_friend(&world).await;
    filtering(&world, OWNER).await;
    world.admin.add_group("team").await.unwrap();
    for member in [OWNER, SUBJECT, FRIEND] {
        world.admin.set_member("team", &address(member), true).await.unwrap();
    }
    let team = address("team@octroi.example");
    world.admin.set_group_address("team", Some(&team), false).await.unwrap();
    world.admin.set_quota(&address(SUBJECT), None, Some(QuotaLimit { bytes: 4_000, items: None })).await.unwrap();
    let large = "x".repeat(6_000);
    let fates = std::sync::Mutex::new(Vec::new());
    let report = |arrivals: &[octroi_gate::Arrival<'_>]| {
        *fates.lock().unwrap() = arrivals.iter().map(|arrival| (arrival.to.to_string(), arrival.fate)).collect::<Vec<_>>();
        vec![Sending::plain(address("from@elsewhere.example"), content("report"))]
    };
    for (to, announced, expected) in [
        (vec!["team@octroi.example"], 0, Ok(vec![Fate::InPart])),
        (vec!["team@octroi.example"], 6_000, Ok(vec![Fate::InPart])),
        (vec!["team@octroi.example", FRIEND], 0, Ok(vec![Fate::InPart, Fate::Delivered])),
        (vec!["team@octroi.example", SUBJECT], 0, Err(Refusal::OverQuota)),
    ] {
        let from = ReturnPath::Address(address("from@elsewhere.example"));
        let mut envelope = world.gate.inbound(from, OFFICE).announce(announced);
        for to in &to {
            envelope.add(&address(to)).await.unwrap();
        }
        let filter = envelope.filters().await.unwrap().remove(0);
        let judged = vec![Judged { filter, told: vec![made("Team", &[])], failure: None }];
        let before = (messages(&world, FRIEND, "INBOX").await.len(), queued(&world).await.len());
        let done = envelope.deliver(Finished { content: content(&large), judged, report: Some(&report) }).await;
        let after = (messages(&world, FRIEND, "INBOX").await.len(), queued(&world).await.len());
        assert_eq!(done, expected.as_ref().map(|_| ()).map_err(|refused| *refused));
        let Ok(expected) = expected else {
            assert_eq!(before, after, "put off for all, since somebody was named");
            continue;
        };
        assert_eq!(after, (before.0 + 1, before.1 + 1));
        assert_eq!(fates.lock().unwrap().iter().map(|(_, fate)| *fate).collect::<Vec<_>>(), expected);
    }
    assert_eq!(fates.lock().unwrap()[0].0, "team@octroi.example", "the address that was named, and not the member's");
    assert_eq!(messages(&world, OWNER, "Team").await.len(), 3);
    assert_eq!(world.admin.quotas(Some(&address(SUBJECT))).unwrap()[0].quota.used.items, 0);
    assert_eq!(queued(&world).await, ["<> to from@elsewhere.example"; 3]);
    let lines = world.lines().await;
    assert_eq!(lines.iter().filter(|line| line.entry.act == "deliver" && line.entry.subject == SUBJECT).count(), 3);
    assert!(is_sound(&world).await);
}
