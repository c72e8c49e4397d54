//! An import adds what is asked for, in one commit, and on a second run just what is not there.

#![allow(clippy::unwrap_used)]

mod support;

use octroi_gate::{Draft, Imported, MailboxAt, Present, Refusal, Select, Session};
use octroi_model::{Flags, KEYWORDS_MAX, Service, SpecialUse};
use support::{OWNER, World, address, draft, path};

fn drafts(texts: &[&str]) -> Vec<Draft> {
    texts.iter().map(|text| draft(text)).collect()
}

async fn count(session: &Session, at: &str) -> usize {
    session.open(MailboxAt(path(at)), Select).await.unwrap().view().await.unwrap().len()
}

#[tokio::test]
async fn what_is_there_is_left_out_as_often_as_it_is_there() {
    let world = World::new().await;
    let (owner, into) = (address(OWNER), path("Old/2020"));
    let mut import = world.admin.import(&owner, &into, None, Present::LeaveOut).await.unwrap();
    assert_eq!(import.append(drafts(&["a", "a", "b"])).await.unwrap(), Imported { added: 3, ..Imported::default() });
    import.finish(&world.admin).await;
    // The source has `a` three times, and was read anew from its beginning.
    let mut import = world.admin.import(&owner, &into, None, Present::LeaveOut).await.unwrap();
    assert_eq!(import.append(drafts(&["a", "a"])).await.unwrap(), Imported { present: 2, ..Imported::default() });
    let rest = import.append(drafts(&["a", "b", "c"])).await.unwrap();
    assert_eq!(rest, Imported { added: 2, present: 1, ..Imported::default() });
    let mut import = world.admin.import(&owner, &into, None, Present::AddAgain).await.unwrap();
    assert_eq!(import.append(drafts(&["a"])).await.unwrap().added, 1);
    let session = world.session(OWNER, Service::Imap).await;
    assert_eq!(count(&session, "Old/2020").await, 6);
    let subscriptions = session.subscriptions();
    assert!(subscriptions.iter().any(|name| name == "Old") && subscriptions.iter().any(|name| name == "Old/2020"), "{subscriptions:?}");
}

#[tokio::test]
async fn a_special_mailbox_takes_the_place_of_one_that_is_not_there() {
    let world = World::new().await;
    let (owner, session) = (address(OWNER), world.session(OWNER, Service::Imap).await);
    for (into, special_use) in [("Sent Items", Some(SpecialUse::Sent)), ("Sent Items/2020", Some(SpecialUse::Sent)), ("inbox", None)] {
        let mut import = world.admin.import(&owner, &path(into), special_use, Present::AddAgain).await.unwrap();
        import.append(drafts(&["x"])).await.unwrap();
    }
    assert_eq!((count(&session, "Sent").await, count(&session, "Sent/2020").await, count(&session, "INBOX").await), (1, 1, 1));
    // One that has the name itself is meant.
    world.admin.import(&owner, &path("Spam"), None, Present::AddAgain).await.unwrap();
    let mut import = world.admin.import(&owner, &path("Spam"), Some(SpecialUse::Junk), Present::AddAgain).await.unwrap();
    import.append(drafts(&["x"])).await.unwrap();
    assert_eq!((count(&session, "Spam").await, count(&session, "Junk").await), (1, 0));
}

#[tokio::test]
async fn keywords_that_do_not_fit_are_left_out_and_counted() {
    let world = World::new().await;
    let mut import = world.admin.import(&address(OWNER), &path("Old"), None, Present::AddAgain).await.unwrap();
    let mut draft = draft("x");
    draft.flags = Flags::SEEN;
    draft.keywords = (0..KEYWORDS_MAX + 2).map(|n| format!("$k{n}")).chain(["not valid".to_owned()]).collect();
    assert_eq!(import.append(vec![draft]).await.unwrap(), Imported { added: 1, present: 0, keywords_lost: 3 });
    let session = world.session(OWNER, Service::Imap).await;
    let view = session.open(MailboxAt(path("Old")), Select).await.unwrap().view().await.unwrap();
    let flags = view.at(0).unwrap().flags;
    assert!(flags.contains(Flags::SEEN) && flags.keyword_indexes().count() == KEYWORDS_MAX);
}

#[tokio::test]
async fn there_must_be_an_account_and_a_mailbox() {
    let world = World::new().await;
    let refused = |outcome: Result<octroi_gate::Import, Refusal>| outcome.err();
    let nobody = world.admin.import(&address("nobody@octroi.example"), &path("INBOX"), None, Present::AddAgain).await;
    assert_eq!(refused(nobody), Some(Refusal::UnknownRecipient));
    let top = world.admin.import(&address(OWNER), &path(""), None, Present::AddAgain).await;
    assert_eq!(refused(top), Some(Refusal::Missing));
}
