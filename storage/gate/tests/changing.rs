//! Changing messages on conditions: a STORE that leaves alone what has changed, and REPLACE, which is one step.

#![allow(clippy::unwrap_used)]

mod support;

use octroi_gate::{
    Append, Area, Conditional, CreateMailbox, Draft, Expunge, FlagMode, MailboxAt, NewMailboxAt, Part, Refusal, Select, Session, Status,
    Store,
};
use octroi_model::{Flags, ModSeq, QuotaLimit, Rights, Service, Uid, UidSet};
use support::{OWNER, SUBJECT, World, address, draft, path, policy};

fn uids(of: impl IntoIterator<Item = u32>) -> UidSet {
    UidSet::from_uids(of.into_iter().map(Uid))
}

async fn stage(messages: u32) -> (World, Session) {
    let world = World::new().await;
    let session = world.session(OWNER, Service::Imap).await;
    for made in ["Box", "Other"] {
        session.open(NewMailboxAt(path(made)), CreateMailbox).await.unwrap().create(None).await.unwrap();
    }
    let append = session.open(MailboxAt(path("Box")), Append).await.unwrap();
    for number in 0..messages {
        append.append(vec![draft(&format!("message {number}"))]).await.unwrap();
    }
    (world, session)
}

async fn modseq(session: &Session) -> ModSeq {
    session.open(MailboxAt(path("Box")), Status).await.unwrap().status().unwrap().head.modseq
}

/// Texts of a mailbox's messages with their uids and flags.
async fn messages(session: &Session, at: &str) -> Vec<(u32, String, Flags)> {
    let view = session.open(MailboxAt(path(at)), Select).await.unwrap().view().await.unwrap();
    let mut found = Vec::new();
    for (at, item) in view.items().enumerate() {
        let octets = view.read(&[(at, Part::Whole)]).await.unwrap().remove(0);
        let text = String::from_utf8(octets).unwrap();
        found.push((item.uid.0, text.split("\r\n\r\n").nth(1).unwrap().trim().to_owned(), item.flags));
    }
    found
}

#[tokio::test]
async fn a_conditional_store_leaves_alone_what_has_changed() {
    let (_world, session) = stage(4).await;
    let store = session.open(MailboxAt(path("Box")), Store).await.unwrap();
    let seen = modseq(&session).await;
    store.store(&uids([2]), FlagMode::Add, Flags::FLAGGED, &[]).await.unwrap();
    let done = store.store_unchanged_since(&uids([1, 2, 3, 9]), FlagMode::Add, Flags::SEEN, &["$Done"], seen).await.unwrap();
    let now = modseq(&session).await;
    assert_eq!(done, Conditional { modified: uids([2]), stored: uids([1, 3]), modseq: now });
    let flags: Vec<Flags> = messages(&session, "Box").await.into_iter().map(|(_, _, flags)| flags).collect();
    let done = Flags::SEEN | Flags::keyword(0).unwrap();
    assert_eq!(flags, [done, Flags::FLAGGED, done, Flags::NONE]);
    // With the modseq that the store has told it goes on.
    let again = store.store_unchanged_since(&uids([1, 2, 3]), FlagMode::Replace, Flags::NONE, &[], now).await.unwrap();
    assert_eq!((again.modified, again.stored), (UidSet::default(), uids([1, 2, 3])));
    // RFC 7162 section 3.1.3: with 0 it fails for every message.
    let none = store.store_unchanged_since(&uids([1, 2]), FlagMode::Add, Flags::SEEN, &[], ModSeq(0)).await.unwrap();
    assert_eq!((none.modified, none.stored), (uids([1, 2]), UidSet::default()));
}

/// Of many who saw the same each message is stored by one, and all others are told.
#[tokio::test(flavor = "multi_thread")]
async fn of_many_conditional_stores_one_wins_each_message() {
    let (_world, session) = stage(8).await;
    let seen = modseq(&session).await;
    let mut tasks = Vec::new();
    for task in 0..8_u32 {
        let session = session.clone();
        tasks.push(tokio::spawn(async move {
            let store = session.open(MailboxAt(path("Box")), Store).await.unwrap();
            let mut won = Vec::new();
            for at in 0..8 {
                let chosen = uids([(at + task) % 8 + 1, (at + task + 3) % 8 + 1]);
                let done = store.store_unchanged_since(&chosen, FlagMode::Add, Flags::FLAGGED, &[], seen).await.unwrap();
                assert_eq!(done.modified.len() + done.stored.len(), 2);
                won.extend(done.stored.ranges().flat_map(|(low, high)| low.0..=high.0));
            }
            won
        }));
    }
    let mut won = Vec::new();
    for task in tasks {
        won.extend(task.await.unwrap());
    }
    won.sort_unstable();
    assert_eq!(won, (1..=8).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_conditional_store_asks_for_the_rights_of_a_store() {
    let (world, session) = stage(1).await;
    let since = modseq(&session).await;
    let subject = world.session(SUBJECT, Service::Imap).await;
    let theirs = || MailboxAt(path(&format!("Shared/{OWNER}/Box")));
    let all = Flags::SEEN | Flags::FLAGGED;
    world.admin.replace_policy(policy(Rights::parse("lrs").unwrap())).await;
    let store = subject.open(theirs(), Store).await.unwrap();
    let refused = store.store_unchanged_since(&uids([1]), FlagMode::Add, Flags::FLAGGED, &[], since).await;
    assert!(matches!(refused, Err(Refusal::Forbidden(_))), "{refused:?}");
    store.store_unchanged_since(&uids([1]), FlagMode::Add, all, &["$Done"], since).await.unwrap();
    assert_eq!(messages(&session, "Box").await[0].2, Flags::SEEN);
    world.admin.replace_policy(policy(Rights::parse("r").unwrap())).await;
    assert_eq!(store.store_unchanged_since(&uids([1]), FlagMode::Add, all, &[], since).await, Err(Refusal::Missing));
}

fn flagged(text: &str) -> Draft {
    Draft { flags: Flags::DRAFT, keywords: vec!["$Done".to_owned()], ..draft(text) }
}

#[tokio::test]
async fn a_message_is_replaced_in_one_step() {
    let (_world, session) = stage(2).await;
    let append = session.open(MailboxAt(path("Box")), Append).await.unwrap();
    let expunge = session.open(MailboxAt(path("Box")), Expunge).await.unwrap();
    let done = append.replace(flagged("new"), &expunge, Uid(1)).await.unwrap();
    assert_eq!(done.uids, [Uid(3)]);
    let kept = Flags::DRAFT | Flags::keyword(0).unwrap();
    assert_eq!(messages(&session, "Box").await, [(2, "message 1".to_owned(), Flags::NONE), (3, "new".to_owned(), kept)]);
    // What is gone is not replaced, and nothing appears.
    assert_eq!(append.replace(draft("late"), &expunge, Uid(1)).await.err(), Some(Refusal::Missing));
    // Into another mailbox.
    let other = session.open(MailboxAt(path("Other")), Append).await.unwrap();
    other.replace(draft("there"), &expunge, Uid(3)).await.unwrap();
    assert_eq!(messages(&session, "Box").await.len(), 1);
    assert_eq!(messages(&session, "Other").await, [(1, "there".to_owned(), Flags::NONE)]);
}

/// The old one goes once, so of many that replace it one succeeds.
#[tokio::test(flavor = "multi_thread")]
async fn of_many_that_replace_one_message_one_succeeds() {
    let (_world, session) = stage(1).await;
    let tasks: Vec<_> = (0..8)
        .map(|number| {
            let session = session.clone();
            tokio::spawn(async move {
                let append = session.open(MailboxAt(path("Box")), Append).await.unwrap();
                let expunge = session.open(MailboxAt(path("Box")), Expunge).await.unwrap();
                append.replace(draft(&format!("new {number}")), &expunge, Uid(1)).await.map(|_| ())
            })
        })
        .collect();
    let mut succeeded = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(()) => succeeded += 1,
            Err(refusal) => assert!(matches!(refusal, Refusal::Missing | Refusal::Precondition), "{refusal}"),
        }
    }
    assert_eq!((succeeded, messages(&session, "Box").await.len()), (1, 1));
}

#[tokio::test]
async fn a_full_quota_lets_one_replace_by_what_is_not_larger() {
    let (world, session) = stage(1).await;
    world.admin.set_quota(&address(OWNER), None, Some(QuotaLimit { bytes: 60, items: Some(1) })).await.unwrap();
    let append = session.open(MailboxAt(path("Box")), Append).await.unwrap();
    let expunge = session.open(MailboxAt(path("Box")), Expunge).await.unwrap();
    assert_eq!(append.append(vec![draft("x")]).await.err(), Some(Refusal::OverQuota));
    let long = "x".repeat(100);
    assert_eq!(append.replace(draft(&long), &expunge, Uid(1)).await.err(), Some(Refusal::OverQuota));
    assert_eq!(messages(&session, "Box").await.len(), 1, "refused, yet the old one went");
    append.replace(draft("message 1"), &expunge, Uid(1)).await.unwrap();
    assert_eq!(messages(&session, "Box").await, [(2, "message 1".to_owned(), Flags::NONE)]);
}

#[tokio::test]
async fn who_loses_the_right_to_either_end_replaces_nothing() {
    let (world, session) = stage(1).await;
    let subject = world.session(SUBJECT, Service::Imap).await;
    let theirs = || MailboxAt(path(&format!("Shared/{OWNER}/Box")));
    let append = subject.open(theirs(), Append).await.unwrap();
    let expunge = subject.open(theirs(), Expunge).await.unwrap();
    for without in ["lrte", "lite", "lrie", "lrit"] {
        world.admin.replace_policy(policy(Rights::parse(without).unwrap())).await;
        let refused = append.replace(draft("new"), &expunge, Uid(1)).await.err();
        assert!(matches!(refused, Some(Refusal::Forbidden(_))), "{without}: {refused:?}");
    }
    world.admin.share(&address(OWNER), Area::Mail, &path(""), &[]).await.unwrap();
    assert_eq!(append.replace(draft("new"), &expunge, Uid(1)).await.err(), Some(Refusal::Missing));
    assert_eq!(messages(&session, "Box").await, [(1, "message 0".to_owned(), Flags::NONE)]);
}

#[tokio::test]
async fn a_mailbox_keeps_its_id_and_no_other_gets_it() {
    let (_world, session) = stage(0).await;
    let id = |at: &'static str| {
        let session = session.clone();
        async move {
            let id = session.open(MailboxAt(path(at)), Status).await.unwrap().status().unwrap().id;
            let tree = session.tree(Area::Mail).await;
            assert_eq!(tree.iter().find(|entry| entry.path == path(at)).unwrap().id, id);
            id
        }
    };
    let (first, other) = (id("Box").await, id("Other").await);
    assert_ne!(first, other);
    let source = session.open(MailboxAt(path("Box")), octroi_gate::RenameMailbox).await.unwrap();
    let place = session.open(NewMailboxAt(path("Renamed")), CreateMailbox).await.unwrap();
    source.rename(&place).await.unwrap();
    assert_eq!(id("Renamed").await, first);
    session.open(NewMailboxAt(path("Box")), CreateMailbox).await.unwrap().create(None).await.unwrap();
    assert!(![first, other].contains(&id("Box").await));
}
