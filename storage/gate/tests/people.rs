//! The organisation's directory through the gate: kept up with who there is, and seen by whom their profile shows it.

#![allow(clippy::unwrap_used)]

mod support;

use octroi_gate::{Area, Bind, Content, DIRECTORY, FolderAt, Identifier, List, Listed, MemberIs, NewAccount, Policy, Refusal, Session};
use octroi_model::{ModSeq, Rights, Service};
use support::{OWNER, SUBJECT, World, address, name, path};

fn card(listed: Listed<'_>) -> Vec<u8> {
    match listed {
        Listed::Person { uid, address, display_name } => format!("{uid} {address} {display_name}").into_bytes(),
        Listed::Group { uid, name, members } => format!("{uid} group {name} {}", members.len()).into_bytes(),
    }
}

/// The text of the profiles, with what each of the two sees.
fn rules(owner: &str, subject: &str) -> Policy {
    // Keys of a profile go before its tables, so each stands in a policy of its own.
    let text = support::policy_text(Rights::ALL, "office");
    let text = text.replace("[profile.owner]\n", &format!("[profile.owner]\n{owner}\n"));
    Policy::parse(&text.replace("[profile.subject]\n", &format!("[profile.subject]\n{subject}\n"))).unwrap()
}

fn at(it: &str) -> FolderAt {
    FolderAt { area: Area::Contacts, path: path(it) }
}

/// What the cards of the directory say, without their numbers; or why there are none.
async fn seen(session: &Session) -> Result<Vec<String>, Refusal> {
    let book = session.open(at(DIRECTORY), List).await?;
    let mut cards = Vec::new();
    for member in book.members().await? {
        let file = octroi_gate::FileAt { area: Area::Contacts, folder: path(DIRECTORY), name: member.name };
        let octets = session.open(file, octroi_gate::Read).await?.read(0, 1000).await?;
        cards.push(String::from_utf8(octets).unwrap().split_once(' ').unwrap().1.trim().to_owned());
    }
    cards.sort();
    Ok(cards)
}

async fn books(session: &Session) -> Vec<String> {
    let members = session.open(at(""), List).await.unwrap().members().await.unwrap();
    members.into_iter().filter(|member| matches!(member.is, MemberIs::Folder(_))).map(|member| member.name.to_string()).collect()
}

#[tokio::test]
async fn a_profile_sees_whom_it_is_shown_and_nobody_else() {
    let world = World::new().await;
    let (owner, subject) = (world.session(OWNER, Service::Carddav).await, world.session(SUBJECT, Service::Carddav).await);
    assert_eq!(world.admin.keep_directory(card).await.unwrap(), 0);
    assert_eq!(seen(&owner).await, Err(Refusal::Missing), "nobody sees anybody unless the profiles say so");
    world.admin.add_group("quai").await.unwrap();
    for who in [OWNER, SUBJECT] {
        world.admin.set_member("quai", &address(who), true).await.unwrap();
    }
    world.admin.replace_policy(rules("directory = [\"*\"]\ndirectory_groups = true", "directory = [\"owner\"]")).await;
    assert_eq!(world.admin.keep_directory(card).await.unwrap(), 4);
    assert_eq!(world.admin.keep_directory(card).await.unwrap(), 0, "what is as it was is not touched");
    assert_eq!(seen(&owner).await.unwrap(), ["group quai 2", OWNER, SUBJECT]);
    assert_eq!(seen(&subject).await.unwrap(), [OWNER]);
    assert!(books(&owner).await.contains(&DIRECTORY.to_owned()) && books(&subject).await.contains(&DIRECTORY.to_owned()));
    assert_eq!(owner.directory(), Some(path(DIRECTORY)));
    // It is for reading, and calendars' log-ins do not read it.
    assert_eq!(owner.open(at(DIRECTORY), Bind).await.map(|_| ()).unwrap_err(), Refusal::Forbidden(Rights::INSERT));
    assert_eq!(seen(&world.session(OWNER, Service::Caldav).await).await, Err(Refusal::Missing));
    // Nobody gets to another profile's.
    for other in ["subject", "directory", "~directory~owner@octroi.example"] {
        assert!(matches!(owner.open(at(other), List).await, Err(Refusal::Missing)), "{other}");
    }
    world.admin.replace_policy(rules("", "directory = [\"owner\"]")).await;
    assert_eq!(seen(&owner).await, Err(Refusal::Missing), "at once, whatever is kept");
    assert_eq!((books(&owner).await.contains(&DIRECTORY.to_owned()), owner.directory()), (false, None));
    assert_eq!(world.admin.keep_directory(card).await.unwrap(), 3);
    assert_eq!(seen(&subject).await.unwrap(), [OWNER]);
}

#[tokio::test]
async fn it_synchronises_as_any_address_book_does() {
    let world = World::new().await;
    world.admin.replace_policy(rules("directory = [\"*\"]", "")).await;
    world.admin.keep_directory(card).await.unwrap();
    let owner = world.session(OWNER, Service::Carddav).await;
    let before = world.admin.people();
    let book = owner.open(at(DIRECTORY), List).await.unwrap();
    let all = book.changes(None).await.unwrap();
    assert_eq!(all.changed.len(), 2);
    let new = address("new@octroi.example");
    let account = NewAccount { address: &new, display_name: "Une Nouvelle", profile: "owner", password: None, remote_access: false };
    world.admin.add_account(account).await.unwrap();
    assert_ne!(world.admin.people(), before, "it is seen that somebody came");
    assert_eq!(world.admin.keep_directory(card).await.unwrap(), 1);
    let since = book.changes(Some(all.token)).await.unwrap();
    assert_eq!((since.changed.len(), since.removed.len()), (1, 0));
    assert_eq!(seen(&owner).await.unwrap().last().unwrap(), SUBJECT);
    assert!(seen(&owner).await.unwrap().contains(&"new@octroi.example Une Nouvelle".to_owned()));
    world.admin.remove_account(&new).await.unwrap();
    world.admin.keep_directory(card).await.unwrap();
    let gone = book.changes(Some(since.token)).await.unwrap();
    assert_eq!((gone.changed.len(), gone.removed.len()), (0, 1));
    assert!(gone.token > since.token && since.token > ModSeq(0));
    // The names of cards stay for whoever stays.
    let names: Vec<String> = book.members().await.unwrap().iter().map(|member| member.name.to_string()).collect();
    assert!(all.changed.iter().all(|member| names.contains(&member.name.to_string())));
    // An address book of one's own of that name goes before.
    let home = owner.open(at(""), octroi_gate::MakeFolder).await.unwrap();
    home.make(&name(DIRECTORY), octroi_model::CollectionKind::Addressbook, Vec::new()).await.unwrap();
    assert_eq!(books(&owner).await.iter().filter(|book| *book == DIRECTORY).count(), 1);
    owner.open(at(DIRECTORY), Bind).await.unwrap().put(&name("x.vcf"), Content::document(b"1 x"), None).await.unwrap();
    assert_eq!(seen(&owner).await.unwrap(), ["x"]);
}

#[tokio::test]
async fn attendees_are_found_by_the_same_rule() {
    let world = World::new().await;
    let owner = world.session(OWNER, Service::Caldav).await;
    let found = |session: &Session| session.principals(10, |_| true).unwrap().len();
    assert_eq!(found(&owner), 0, "who may share with nobody finds nobody");
    world.admin.add_group("quai").await.unwrap();
    world.admin.replace_policy(rules("directory = [\"subject\"]\ndirectory_groups = true", "")).await;
    let all = owner.principals(10, |_| true).unwrap();
    assert_eq!(all.iter().map(|one| one.who.to_string()).collect::<Vec<_>>(), [SUBJECT, "group:quai"]);
    let known = |who: &str| owner.principal(&Identifier::parse(who).unwrap()).unwrap().is_some();
    assert!(known(SUBJECT) && known("group:quai") && !known(OWNER) && !known("group:none") && !known("none@octroi.example"));
    assert_eq!(found(&world.session(SUBJECT, Service::Caldav).await), 0);
}
