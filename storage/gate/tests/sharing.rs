//! Sharing by people: within their profile, within what they have themselves, and gone at once when it is withdrawn.

#![allow(clippy::unwrap_used)]

mod support;

use octroi_gate::{
    AclEdit, Area, FolderAt, Identifier, MailboxAt, NewAccount, Policy, Preset, Refusal, Select, Session, ShareFolder, ShareMailbox,
};
use octroi_model::{Address, Path, Rights, Service, Services};
use std::time::Duration;
use support::{OFFICE, OWNER, SUBJECT, World, address, draft, open, path};

/// The owner shares with accounts and one group; the subject reads what others share, and may send as them.
fn rules(share: &str) -> Policy {
    let services: String = Service::ALL.iter().map(|(_, name)| format!("{name} = [\"*\"]\n")).collect();
    let profile = |name: &str, rest: &str| {
        format!(
            "[profile.{name}]\nportal = true\nsend_to = \"anyone\"\n[profile.{name}.services]\n{services}[profile.{name}.second_factor]\n\"*\" = \"enrolment\"\n[[profile.{name}.rule]]\nowner = \"self\"\npath = \"**\"\nrights = \"lrswipkxtea\"\n{rest}"
        )
    };
    let owner = profile("owner", share);
    let subject = profile(
        "subject",
        "[[profile.subject.rule]]\nowner = \"others\"\npath = \"**\"\nrights = \"lrsi2\"\n[[profile.subject.action]]\naction = \"send-as\"\nas = [\"*@octroi.example\"]\n",
    );
    Policy::parse(&format!("[zone.office]\nnetworks = [\"10.0.0.0/8\"]\n{owner}{subject}")).unwrap()
}

const ACCOUNTS: &str = "[[profile.owner.action]]\naction = \"share\"\nwith = [\"accounts\", \"group:evaluation\"]\n";

async fn world(share: &str) -> World {
    let world = World::new().await;
    for area in [Area::Mail, Area::Calendars, Area::Contacts, Area::Files] {
        world.admin.share(&address(OWNER), area, &Path::top(), &[]).await.unwrap();
    }
    world.admin.replace_policy(rules(share)).await;
    world
}

fn who(text: &str) -> Identifier {
    Identifier::parse(text).unwrap()
}

fn reading() -> AclEdit {
    AclEdit::Set(Rights::LOOKUP | Rights::READ)
}

async fn share(session: &Session, with: &str, edit: AclEdit) -> Result<(), Refusal> {
    session.open(MailboxAt(path("INBOX")), ShareMailbox).await.unwrap().edit_acl(&who(with), edit).await
}

/// Each edit was made of the ACL as it stood when it was asked for, and put in its place as a whole: of two at one moment the second took back
/// what the first had given.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_edits_at_one_moment_none_is_lost() {
    const PEOPLE: usize = 12;
    let world = world(ACCOUNTS).await;
    let people: Vec<String> = (0..PEOPLE).map(|number| format!("sharee{number}@octroi.example")).collect();
    for person in &people {
        let person = address(person);
        let new = NewAccount { address: &person, display_name: "", profile: "subject", password: None, remote_access: false };
        world.admin.add_account(new).await.unwrap();
    }
    let owner = world.session(OWNER, Service::Imap).await;
    let at_once = |edit: AclEdit| {
        let edits = people.iter().cloned().map(|person| {
            let owner = owner.clone();
            tokio::spawn(async move { share(&owner, &person, edit).await })
        });
        edits.collect::<Vec<_>>()
    };
    let entries = async || owner.open(MailboxAt(path("INBOX")), ShareMailbox).await.unwrap().acl().unwrap().entries.len();
    for (edit, there) in [(reading(), PEOPLE), (AclEdit::Add(Rights::SEEN), PEOPLE), (AclEdit::Delete, 0)] {
        for edited in at_once(edit) {
            edited.await.unwrap().unwrap();
        }
        assert_eq!(entries().await, there, "{edit:?}");
    }
}

fn theirs() -> MailboxAt {
    MailboxAt(path(&format!("Shared/{OWNER}/INBOX")))
}

#[tokio::test]
async fn one_shares_with_whom_the_profile_says_and_no_more_than_one_has() {
    let world = world(ACCOUNTS).await;
    let owner = world.session(OWNER, Service::Imap).await;
    let subject = world.session(SUBJECT, Service::Imap).await;
    assert_eq!(subject.open(theirs(), Select).await.err(), Some(Refusal::Missing));
    share(&owner, SUBJECT, reading()).await.unwrap();
    subject.open(theirs(), Select).await.unwrap();
    assert!(subject.tree(Area::Mail).await.iter().any(|entry| entry.path == theirs().0), "it shows in the sharee's tree");
    for other in ["anyone", "profile:subject", "group:nobody"] {
        let refused = share(&owner, other, reading()).await;
        assert!(matches!(refused, Err(Refusal::ShareNotAllowed | Refusal::UnknownGrantee)), "{other}: {refused:?}");
    }
    let acl = owner.open(MailboxAt(path("INBOX")), ShareMailbox).await.unwrap().acl().unwrap();
    assert_eq!(acl.entries, [(who(SUBJECT), (Rights::LOOKUP | Rights::READ).implied())]);
    share(&owner, SUBJECT, AclEdit::Remove(Rights::LOOKUP | Rights::READ)).await.unwrap();
    assert_eq!(subject.open(theirs(), Select).await.err(), Some(Refusal::Missing));
    assert!(world.lines().await.iter().any(|line| line.entry.act == "share" && line.entry.subject.contains("mail/INBOX")));
}

#[tokio::test]
async fn a_profile_without_a_rule_shares_with_nobody() {
    let world = world("").await;
    let owner = world.session(OWNER, Service::Imap).await;
    assert_eq!(share(&owner, SUBJECT, reading()).await, Err(Refusal::ShareNotAllowed));
}

#[tokio::test]
async fn a_narrow_credential_grants_no_more_than_it_has() {
    let world = world(ACCOUNTS).await;
    let mut scope = Preset::Full.scope(Services::ALL, &[]);
    scope.rights = Rights::LOOKUP | Rights::READ | Rights::ADMIN;
    let secret = world.admin.mint_app_password(&address(OWNER), scope, "narrow").await.unwrap().secret;
    let narrow = open(world.login(OWNER, &secret, Service::Imap, OFFICE).await);
    assert!(matches!(share(&narrow, SUBJECT, AclEdit::Set(Rights::LOOKUP | Rights::WRITE)).await, Err(Refusal::Forbidden(_))));
    share(&narrow, SUBJECT, reading()).await.unwrap();
    let secret = world.admin.mint_app_password(&address(OWNER), Preset::Read.scope(Services::ALL, &[]), "reads").await.unwrap().secret;
    let reads = open(world.login(OWNER, &secret, Service::Imap, OFFICE).await);
    assert!(matches!(reads.open(MailboxAt(path("INBOX")), ShareMailbox).await.err(), Some(Refusal::Forbidden(_))));
}

#[tokio::test]
async fn groups_are_shared_with_and_left() {
    let world = world(ACCOUNTS).await;
    world.admin.add_group("evaluation").await.unwrap();
    assert_eq!(world.admin.add_group("evaluation").await, Err(Refusal::Exists));
    world.admin.set_member("evaluation", &address(SUBJECT), true).await.unwrap();
    let owner = world.session(OWNER, Service::Files).await;
    let subject = world.session(SUBJECT, Service::Files).await;
    let top = FolderAt { area: Area::Files, path: Path::top() };
    owner.open(top, ShareFolder).await.unwrap().edit_acl(&who("group:evaluation"), reading()).await.unwrap();
    let shared = || FolderAt { area: Area::Files, path: path(&format!("Shared/{OWNER}")) };
    subject.open(shared(), octroi_gate::List).await.unwrap();
    world.admin.set_member("evaluation", &address(SUBJECT), false).await.unwrap();
    assert_eq!(subject.open(shared(), octroi_gate::List).await.err(), Some(Refusal::Missing));
    world.admin.set_member("evaluation", &address(SUBJECT), true).await.unwrap();
    world.admin.remove_group("evaluation").await.unwrap();
    world.admin.add_group("evaluation").await.unwrap();
    world.admin.set_member("evaluation", &address(SUBJECT), true).await.unwrap();
    assert_eq!(subject.open(shared(), octroi_gate::List).await.err(), Some(Refusal::Missing), "a new group of the name is another one");
}

#[tokio::test]
async fn sending_as_somebody_needs_the_profile_and_their_word() {
    let world = world(ACCOUNTS).await;
    let subject = world.session(SUBJECT, Service::Submission).await;
    let as_owner: Address = address(OWNER);
    assert_eq!(subject.submit(&as_owner).await.err(), Some(Refusal::NotSender));
    let owner = world.session(OWNER, Service::Imap).await;
    share(&owner, SUBJECT, AclEdit::Set(Rights::SEND_AS)).await.unwrap();
    let envelope = subject.submit(&as_owner).await.unwrap();
    assert_eq!(envelope.may_send_header_from(&as_owner), Ok(()));
    share(&owner, SUBJECT, AclEdit::Delete).await.unwrap();
    assert_eq!(subject.submit(&as_owner).await.err(), Some(Refusal::NotSender));
    subject.submit(&address("customs@octroi.example")).await.unwrap();
    assert_eq!(subject.submit(&"x@elsewhere.example".parse().unwrap()).await.err(), Some(Refusal::NotSender));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawn_share_wakes_who_is_idle_on_it() {
    let world = world(ACCOUNTS).await;
    let owner = world.session(OWNER, Service::Imap).await;
    owner.open(MailboxAt(path("INBOX")), octroi_gate::Append).await.unwrap().append(vec![draft("one")]).await.unwrap();
    share(&owner, SUBJECT, reading()).await.unwrap();
    let subject = world.session(SUBJECT, Service::Imap).await;
    let view = subject.open(theirs(), Select).await.unwrap().view().await.unwrap();
    let mut moves = subject.watch_rights();
    moves.mark_unchanged();
    share(&owner, SUBJECT, AclEdit::Delete).await.unwrap();
    tokio::time::timeout(Duration::from_secs(1), moves.changed()).await.unwrap().unwrap();
    assert_eq!(view.read(&[(0, octroi_gate::Part::Whole)]).await.err(), Some(Refusal::Missing));
}
