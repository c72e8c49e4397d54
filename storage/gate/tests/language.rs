//! The language in which an account's mailboxes are named.

#![allow(clippy::unwrap_used)]

mod support;

use octroi_gate::{Append, Area, CreateMailbox, Limits, Login, MailboxAt, NewMailboxAt, Preset, Refusal, Session};
use octroi_model::{Language, Service, Services, SpecialUse};
use support::{OFFICE, OWNER, World, address, draft, path};

async fn special(session: &Session) -> Vec<(String, SpecialUse)> {
    let tree = session.tree(Area::Mail).await;
    tree.into_iter()
        .filter(|entry| entry.rights.contains(octroi_model::Rights::ADMIN))
        .filter_map(|entry| Some((entry.path.join("/"), entry.special_use?)))
        .collect()
}

#[tokio::test]
async fn mailboxes_are_named_in_the_language_of_the_organisation() {
    use SpecialUse::{Archive, Drafts, Junk, Sent, Trash};
    let world = World::with(&Limits { language: Language::French, ..Limits::default() }).await;
    let session = world.session(OWNER, Service::Imap).await;
    let named = |all: &[(&str, SpecialUse)]| all.iter().map(|(name, special_use)| ((*name).to_owned(), *special_use)).collect::<Vec<_>>();
    let french = [("Archives", Archive), ("Brouillons", Drafts), ("Corbeille", Trash), ("Envoyés", Sent), ("Indésirables", Junk)];
    assert_eq!(special(&session).await, named(&french));
    // RFC 6154 allows several of one use, and the names of another language are free.
    session.open(NewMailboxAt(path("Sent")), CreateMailbox).await.unwrap().create(Some(Sent)).await.unwrap();
    assert_eq!(special(&session).await.len(), 6);
    let session = World::new().await.session(OWNER, Service::Imap).await;
    let english = [("Archive", Archive), ("Drafts", Drafts), ("Junk", Junk), ("Sent", Sent), ("Trash", Trash)];
    assert_eq!(special(&session).await, named(&english));
}

/// The preset named the mailbox, and with it the language.
#[tokio::test]
async fn drafts_are_written_in_every_language() {
    for (language, drafts) in [(Language::English, "Drafts"), (Language::French, "Brouillons")] {
        let world = World::with(&Limits { language, ..Limits::default() }).await;
        let scope = Preset::Draft.scope(Services::NONE.with(Service::Imap), &[]);
        let secret = world.admin.mint_app_password(&address(OWNER), scope, "x").await.unwrap().secret;
        let Login::Open(session) = world.login(OWNER, &secret, Service::Imap, OFFICE).await else { panic!("not logged in") };
        session.open(MailboxAt(path(drafts)), Append).await.unwrap().append(vec![draft("idea")]).await.unwrap();
        assert!(matches!(session.open(MailboxAt(path("INBOX")), Append).await.err(), Some(Refusal::Forbidden(_))));
    }
}
