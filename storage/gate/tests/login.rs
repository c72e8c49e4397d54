//! Log-in, second factors, revocation, envelopes and the queue, against a real store.

#![allow(clippy::unwrap_used)]

mod support;

use octroi_gate::{
    Area, Content, Credentials, Login, MailboxAt, Queue, QueueEntry, Refusal, ReturnPath, Scope, Select, SignIn, Verdict, code_at,
};
use octroi_model::{Outcome, Service, Services, Uid, UnixTime};
use std::net::IpAddr;
use std::time::{Duration, Instant};
use support::{OFFICE, OWNER, SUBJECT, World, address, open, path};

const MAIN: &str = "Quay-Lantern-4821";
const OUTSIDE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));

fn message(text: &str) -> Content {
    Content::message(b"facts", format!("Subject: x\r\n\r\n{text}\r\n").as_bytes(), 14)
}

#[tokio::test]
async fn the_main_password_opens_no_protocol() {
    let world = World::new().await;
    for (service, _) in Service::ALL {
        assert!(matches!(world.login(OWNER, MAIN, service, OFFICE).await, Login::Refused));
    }
    assert!(matches!(world.gate.sign_in(OWNER, MAIN, OFFICE).await, SignIn::Open(_)));
    assert!(matches!(world.gate.sign_in(OWNER, "Quay-Lantern-4822", OFFICE).await, SignIn::Refused));
}

#[tokio::test]
async fn an_app_password_is_one_persons_and_no_main_password() {
    let world = World::new().await;
    let secret = world.mint(OWNER, Services::ALL).await;
    assert!(matches!(world.login(OWNER, &secret, Service::Imap, OFFICE).await, Login::Open(_)));
    assert!(matches!(world.login(SUBJECT, &secret, Service::Imap, OFFICE).await, Login::Refused));
    assert!(matches!(world.login("nobody@octroi.example", &secret, Service::Imap, OFFICE).await, Login::Refused));
    assert!(matches!(world.gate.sign_in(OWNER, &secret, OFFICE).await, SignIn::Refused));
    let mut wrong = secret.clone();
    wrong.pop();
    wrong.push(if secret.ends_with('a') { 'b' } else { 'a' });
    assert!(matches!(world.login(OWNER, &wrong, Service::Imap, OFFICE).await, Login::Refused));
}

#[tokio::test]
async fn services_and_expiry_narrow_an_app_password() {
    let world = World::new().await;
    let secret = world.mint(OWNER, Services::NONE.with(Service::Imap)).await;
    assert!(matches!(world.login(OWNER, &secret, Service::Imap, OFFICE).await, Login::Open(_)));
    assert!(matches!(world.login(OWNER, &secret, Service::Files, OFFICE).await, Login::Refused));
    let scope = Scope { expires: Some(UnixTime(UnixTime::now().0 - 1)), ..Scope::of(Services::ALL) };
    let expired = world.admin.mint_app_password(&address(OWNER), scope, "old").await.unwrap().secret.to_string();
    assert!(matches!(world.login(OWNER, &expired, Service::Imap, OFFICE).await, Login::Refused));
}

#[tokio::test]
async fn outside_the_office_a_code_is_wanted_and_remembered() {
    let world = World::new().await;
    let totp = world.admin.enrol_totp(&address(SUBJECT)).await.unwrap();
    let secret = world.mint(SUBJECT, Services::ALL).await;
    let Login::NeedsSecondFactor(pending) = world.login(SUBJECT, &secret, Service::Imap, OUTSIDE).await else {
        panic!("no second factor was asked for");
    };
    assert_eq!(pending.finish("000000").await.err(), Some(Refusal::InvalidCode));
    let code = code_at(&totp.secret_base32, UnixTime::now().0).unwrap();
    open(world.login(SUBJECT, &format!("{secret} {code}"), Service::Imap, OUTSIDE).await);
    // Confirmed for this app password and network, on every service.
    open(world.login(SUBJECT, &secret, Service::Files, OUTSIDE).await);
    let other: IpAddr = [192, 0, 2, 8].into();
    assert!(matches!(world.login(SUBJECT, &secret, Service::Imap, other).await, Login::NeedsSecondFactor(_)));
    // The code was used up.
    assert!(matches!(world.login(SUBJECT, &format!("{secret} {code}"), Service::Imap, other).await, Login::Refused));
}

#[tokio::test]
async fn a_code_that_was_not_asked_for_makes_a_log_in_stronger_once() {
    let world = World::new().await;
    // The owner's own calendar is writable with a fresh second factor only.
    let services: String = Service::ALL.iter().map(|(_, name)| format!("{name} = [\"*\"]\n")).collect();
    let text = format!(
        "[profile.owner]\n[profile.owner.services]\n{services}[profile.owner.second_factor]\n\"*\" = \"enrolment\"\n\
         [[profile.owner.rule]]\npath = \"**\"\nrights = \"lr\"\n\
         [[profile.owner.rule]]\npath = \"**\"\nrights = \"i\"\nstrength_min = \"fresh-second-factor\"\n"
    );
    world.admin.replace_policy(octroi_gate::Policy::parse(&text).unwrap()).await;
    let totp = world.admin.enrol_totp(&address(OWNER)).await.unwrap();
    let secret = world.mint(OWNER, Services::ALL).await;
    let at = || octroi_gate::FolderAt { area: Area::Calendars, path: path("calendar") };
    let plain = open(world.login(OWNER, &secret, Service::Caldav, OFFICE).await);
    assert!(matches!(plain.open(at(), octroi_gate::Bind).await.err(), Some(Refusal::Forbidden(_))));
    let code = code_at(&totp.secret_base32, UnixTime::now().0).unwrap();
    let fresh = open(world.login(OWNER, &format!("{secret} {code}"), Service::Caldav, OFFICE).await);
    assert!(fresh.open(at(), octroi_gate::Bind).await.is_ok());
    // A stale code, from elsewhere, opens no more than the app password alone.
    let elsewhere: IpAddr = [10, 0, 0, 2].into();
    let stale = open(world.login(OWNER, &format!("{secret} {code}"), Service::Caldav, elsewhere).await);
    assert!(matches!(stale.open(at(), octroi_gate::Bind).await.err(), Some(Refusal::Forbidden(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_parallel_tries_with_one_code_one_passes() {
    let world = World::new().await;
    let totp = world.admin.enrol_totp(&address(SUBJECT)).await.unwrap();
    let secret = world.mint(SUBJECT, Services::ALL).await;
    let code = code_at(&totp.secret_base32, UnixTime::now().0).unwrap();
    let with_code = format!("{secret} {code}");
    let mut tries = tokio::task::JoinSet::new();
    for i in 0..64u8 {
        let (gate, with_code) = (world.gate.clone(), with_code.clone());
        let service = [Service::Imap, Service::Submission, Service::Files][usize::from(i) % 3];
        tries.spawn(async move {
            let via = octroi_gate::Channel::new(service, [192, 0, 2, i].into());
            matches!(gate.login(Credentials { user: SUBJECT, secret: &with_code }, via).await, Login::Open(_))
        });
    }
    let passed = tries.join_all().await.into_iter().filter(|passed| *passed).count();
    assert_eq!(passed, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn revoking_ends_a_session_at_once() {
    let world = World::new().await;
    let secret = world.mint(OWNER, Services::ALL).await;
    let session = open(world.login(OWNER, &secret, Service::Imap, OFFICE).await);
    let inbox = session.open(MailboxAt(path("INBOX")), Select).await.unwrap();
    let waiting = tokio::spawn({
        let session = session.clone();
        async move { session.ended().await }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!waiting.is_finished());
    let revoked = Instant::now();
    world.admin.revoke_app_password(secret.split('-').next().unwrap()).await.unwrap();
    waiting.await.unwrap();
    assert!(revoked.elapsed() < Duration::from_secs(1));
    assert_eq!(session.check().await, Err(Refusal::Ended));
    assert_eq!(inbox.view().await.err(), Some(Refusal::Ended));
}

/// A client that hangs up drops the future that waits. Its wait was counted for ever, so after eight of them nobody waited any more.
#[tokio::test]
async fn who_hangs_up_gives_the_wait_back() {
    let world = World::new().await;
    let secret = world.mint(SUBJECT, Services::ALL).await;
    for _ in 0..12 {
        let Login::NeedsSecondFactor(pending) = world.login(SUBJECT, &secret, Service::Files, [192, 0, 2, 1].into()).await else {
            panic!("no second factor was asked for");
        };
        let waited = tokio::time::timeout(Duration::from_millis(5), pending.approved()).await;
        assert!(waited.is_err(), "it did not wait: {:?}", waited.map(Result::err));
    }
}

#[tokio::test]
async fn a_removed_account_takes_its_credentials_along() {
    let world = World::new().await;
    let secret = world.mint(OWNER, Services::ALL).await;
    let session = open(world.login(OWNER, &secret, Service::Imap, OFFICE).await);
    world.admin.remove_account(&address(OWNER)).await.unwrap();
    assert_eq!(session.check().await, Err(Refusal::Ended));
    let new =
        octroi_gate::NewAccount { address: &address(OWNER), display_name: "", profile: "owner", password: None, remote_access: false };
    world.admin.add_account(new).await.unwrap();
    assert!(matches!(world.login(OWNER, &secret, Service::Imap, OFFICE).await, Login::Refused));
    assert_eq!(session.check().await, Err(Refusal::Ended));
}

#[tokio::test]
async fn the_internet_reaches_our_people_only() {
    let world = World::new().await;
    let mut envelope = world.gate.inbound(ReturnPath::Null, OUTSIDE);
    assert_eq!(envelope.add(&address("someone@elsewhere.example")).await, Err(Refusal::NotRelay));
    assert_eq!(envelope.add(&address("nobody@octroi.example")).await, Err(Refusal::UnknownRecipient));
    envelope.add(&address(OWNER)).await.unwrap();
    envelope.add(&address("Owner+tag@OCTROI.example")).await.unwrap();
    envelope.add(&address(SUBJECT)).await.unwrap();
    envelope.deliver(message("hello")).await.unwrap();
    // Twice the same person is one delivery.
    let session = world.session(OWNER, Service::Imap).await;
    let inbox = session.open(MailboxAt(path("inbox")), Select).await.unwrap();
    assert_eq!(inbox.view().await.unwrap().len(), 1);
}

#[tokio::test]
async fn postmaster_and_abuse_are_always_there() {
    let world = World::new().await;
    for role in ["postmaster@octroi.example", "Abuse@octroi.example"] {
        let mut envelope = world.gate.inbound(ReturnPath::Null, OUTSIDE);
        envelope.add(&address(role)).await.unwrap();
        envelope.deliver(message("hello")).await.unwrap();
    }
    let session = world.session(OWNER, Service::Imap).await;
    assert_eq!(session.open(MailboxAt(path("INBOX")), Select).await.unwrap().view().await.unwrap().len(), 2);
}

#[tokio::test]
async fn members_send_as_themselves_to_whom_the_profile_allows() {
    let world = World::new().await;
    let owner = world.session(OWNER, Service::Submission).await;
    assert_eq!(owner.submit(&address(SUBJECT)).await.err(), Some(Refusal::NotSender));
    let mut envelope = owner.submit(&address(OWNER)).await.unwrap();
    envelope.add(&address("broker@elsewhere.example")).await.unwrap();
    envelope.add(&address(SUBJECT)).await.unwrap();
    assert_eq!(envelope.may_send_header_from(&address(SUBJECT)), Err(Refusal::NotSender));
    envelope.send(message("out")).await.unwrap();
    let subject = world.session(SUBJECT, Service::Submission).await;
    let mut inside = subject.submit(&address(SUBJECT)).await.unwrap();
    assert_eq!(inside.add(&address("broker@elsewhere.example")).await, Err(Refusal::RecipientNotAllowed));
    queue_empties(&world.queue).await;
}

async fn queue_empties(queue: &Queue) {
    let (all, next) = queue.after(Uid(0), 10).await.unwrap();
    let [queued] = &all[..] else { panic!("{all:?}") };
    assert_eq!((queued.entry.recipients[0].address.clone(), next), (address("broker@elsewhere.example"), None));
    assert_eq!(queue.read(queued, 0, 100).await.unwrap(), b"Subject: x\r\n\r\nout\r\n");
    let later = UnixTime(UnixTime::now().0 + 600);
    // A change is asked again when somebody else was quicker, and the entry keeps its number.
    let id = queued.id;
    let attempts = |by: u32| {
        move |entry: &mut QueueEntry| {
            entry.recipients[0].attempts += by;
            entry.recipients[0].next_try = later;
            Verdict::Keep
        }
    };
    let (first, second) = tokio::join!(queue.change(id, attempts(1)), queue.change(id, attempts(10)));
    assert!(first.unwrap().is_some() && second.unwrap().is_some());
    let kept = queue.get(id).await.unwrap().unwrap();
    assert_eq!((kept.id, kept.entry.recipients[0].attempts, kept.entry.next_try()), (id, 11, Some(later)));
    assert_eq!(queue.read(&kept, 0, 100).await.unwrap().len(), queued.bytes as usize, "the message is what it was");
    assert_eq!(queue.touched(), [], "the runner knows of what it does itself");
    queue.hold(id, true).await.unwrap();
    assert!(queue.get(id).await.unwrap().unwrap().entry.held);
    queue.hold(id, false).await.unwrap();
    let released = queue.get(id).await.unwrap().unwrap();
    assert!(!released.entry.held && released.entry.next_try().unwrap() < later);
    assert_eq!(queue.touched(), [id, id]);
    assert!(queue.change(id, |_| Verdict::Remove).await.unwrap().is_none());
    assert!(queue.is_empty().await.unwrap());
    assert_eq!(queue.retry(id).await, Err(Refusal::Missing));
}

#[tokio::test]
async fn the_portal_mints_only_with_a_fresh_second_factor() {
    let world = World::new().await;
    let SignIn::Open(portal) = world.gate.sign_in(OWNER, MAIN, OFFICE).await else { panic!("not signed in") };
    assert!(portal.fresh().is_none());
    let enrolment = portal.begin_totp().await.unwrap();
    let code = code_at(&enrolment.secret_base32, UnixTime::now().0).unwrap();
    portal.confirm_totp(enrolment, &code).await.unwrap();
    let proof = portal.fresh().unwrap();
    let scope = Scope::of(Services::NONE.with(Service::Imap));
    let minted = portal.mint_app_password(proof, scope, "phone").await.unwrap();
    open(world.login(OWNER, &minted.secret, Service::Imap, OFFICE).await);
    assert_eq!(portal.step_up(&code).await.err(), Some(Refusal::UsedCode), "a code counts once");
    assert!(matches!(world.gate.sign_in(OWNER, MAIN, OFFICE).await, SignIn::NeedsCode(_)));
    portal.change_password(MAIN, "Harbour-Signal-93x").await.unwrap();
    assert_eq!(portal.check().await, Err(Refusal::Ended));
    assert!(matches!(world.gate.sign_in(OWNER, MAIN, OFFICE).await, SignIn::Refused));
}

#[tokio::test]
async fn the_audit_trail_tells_of_log_ins_and_refusals_without_secrets() {
    let world = World::new().await;
    let secret = world.mint(OWNER, Services::ALL).await;
    open(world.login(OWNER, &secret, Service::Imap, OFFICE).await);
    let _ = world.login(OWNER, "wrong-secretsecretsecret", Service::Imap, OFFICE).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let lines = world.lines().await;
    let log_in = |outcome| lines.iter().any(|l| l.entry.act == "log-in" && l.entry.outcome == outcome && l.via.zone == "office");
    assert!(log_in(Outcome::Done) && log_in(Outcome::Refused));
    assert!(lines.iter().any(|l| l.entry.act == "app-password mint"));
    assert!(world.admin.verify_audit().await.unwrap().is_ok_and(|end| end.number >= 3));
    let text = format!("{lines:?}");
    assert!(!text.contains(secret.split('-').nth(1).unwrap()) && !text.contains("secretsecret") && !text.contains(MAIN));
}

#[tokio::test]
async fn what_a_profile_does_not_list_is_not_there() {
    let world = World::new().await;
    let session = world.session(SUBJECT, Service::Imap).await;
    assert!(session.tree(Area::Mail).await.iter().all(|e| e.path.names()[0].as_str() == octroi_gate::SHARED));
    assert_eq!(session.open(MailboxAt(path("INBOX")), Select).await.err(), Some(Refusal::Missing));
}
