//! News of mail: wakes whom a commit may concern, so that an idle session need not look at anything.
//!
//! Sessions say once what they hear ([`crate::Engine::listen`]); the committer finds out for each change who that is, by the owner of the
//! mailbox and by whether it is shared at all. What always holds: who hears is woken after the change can be seen, and many changes before
//! they get round to it are one. Hearing for nothing is possible, missing something is not.

use crate::change::Change;
use crate::state::State;
use octroi_model::{Account, AccountId, Acl, AppPasswordId, Collection, CollectionId, CollectionKind, Grantee};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use tokio::sync::Notify;

/// Kinds of news above which those that nobody hears any more are looked for.
const SWEEP: usize = 1024;
/// Longest chain of parents that is followed.
const ANCESTORS_MAX: usize = 128;

/// A kind of news.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum News {
    /// Of an account's own mailboxes, subscriptions, private annotations, rights.
    Of(AccountId),
    /// Of those mailboxes of an account that somebody else may see.
    SharedBy(AccountId),
    /// Of rules that can concern anybody: profiles, groups, shares with more than one account.
    Rules,
}

/// Who hears what.
#[derive(Debug, Default)]
pub(crate) struct Ears(Mutex<HashMap<News, Vec<Weak<Notify>>>>);

impl Ears {
    /// Wakes on these news for as long as it is held.
    pub(crate) fn listen(&self, to: &[News]) -> Arc<Notify> {
        let ear = Arc::new(Notify::new());
        let mut ears = self.lock();
        for news in to {
            if ears.len() >= SWEEP && ears.len().is_power_of_two() {
                ears.retain(|_, of| of.iter().any(|ear| ear.strong_count() > 0));
            }
            let of = ears.entry(*news).or_default();
            // Those that are gone are forgotten when there is news; where there is none, now and then.
            if of.len() >= 8 && of.len().is_power_of_two() {
                of.retain(|ear| ear.strong_count() > 0);
            }
            of.push(Arc::downgrade(&ear));
        }
        ear
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Wake who hears these.
    pub(crate) fn wake(&self, all: &BTreeSet<News>) {
        if all.is_empty() {
            return;
        }
        let mut ears = self.lock();
        for news in all {
            let Some(of) = ears.get_mut(news) else { continue };
            of.retain(|ear| {
                ear.upgrade().is_some_and(|ear| {
                    // Kept until it is waited for, so nothing is missed in between.
                    ear.notify_one();
                    true
                })
            });
            if of.is_empty() {
                ears.remove(news);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<News, Vec<Weak<Notify>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Which news a change is that is about to be applied.
    pub(crate) fn news(&self, change: &Change, into: &mut BTreeSet<News>) {
        match change {
            Change::CreateCollection { collection, .. } => self.mail_news(collection, into),
            Change::RenameCollection { collection, parent, .. } => {
                self.mail_news_at(*collection, into);
                self.mail_news_at(*parent, into);
            }
            Change::SetAcl { collection, acl } => {
                self.mail_news_at(*collection, into);
                let before = self.collections.get(collection).and_then(|collection| collection.acl.as_ref());
                [before, acl.as_ref()].into_iter().flatten().for_each(|acl| named(acl, into));
            }
            Change::RemoveCollection { collection, .. }
            | Change::SetProperty { collection, .. }
            | Change::SetSpecialUse { collection, .. }
            | Change::Put { collection, .. } => self.mail_news_at(*collection, into),
            Change::Flag { collection, uids, .. } | Change::Expunge { collection, uids, .. } if !uids.is_empty() => {
                self.mail_news_at(*collection, into);
            }
            Change::Annotate { of, .. } => match (of.account, of.collection) {
                (Some(account), _) => drop(into.insert(News::Of(account))),
                (None, Some(collection)) => self.mail_news_at(collection, into),
                (None, None) => {}
            },
            Change::Subscribe { account, .. } | Change::SetProfile { account, .. } => drop(into.insert(News::Of(*account))),
            Change::CreateAccount(Account { id, .. }) | Change::RemoveAccount(id) => drop(into.insert(News::Of(*id))),
            Change::SetGroup(_) | Change::RemoveGroup(_) => drop(into.insert(News::Rules)),
            Change::Confirm(confirmation) => self.rights_news(confirmation.app_password, into),
            Change::Unconfirm { app_password, .. } => self.rights_news(*app_password, into),
            Change::Revoke(id) | Change::Narrow { id, .. } => self.rights_news(*id, into),
            _ => {}
        }
    }

    /// A log-in with it may see more or less now.
    fn rights_news(&self, id: AppPasswordId, into: &mut BTreeSet<News>) {
        into.extend(self.app_passwords.get(&id).map(|app_password| News::Of(app_password.account)));
    }

    fn mail_news_at(&self, id: CollectionId, into: &mut BTreeSet<News>) {
        if let Some(collection) = self.collections.get(&id) {
            self.mail_news(collection, into);
        }
    }

    fn mail_news(&self, collection: &Collection, into: &mut BTreeSet<News>) {
        if !matches!(collection.kind, CollectionKind::Mailbox | CollectionKind::MailHome) {
            return;
        }
        into.insert(News::Of(collection.owner));
        if collection.acl.is_some() || self.is_below_acl(collection) {
            into.insert(News::SharedBy(collection.owner));
        }
    }

    fn is_below_acl(&self, collection: &Collection) -> bool {
        let parent = |at: &Collection| self.collections.get(&at.parent?);
        std::iter::successors(parent(collection), |at| parent(at)).take(ANCESTORS_MAX).any(|at| at.acl.is_some())
    }
}

/// Whom a share is for: they may not have heard anything of its owner before.
fn named(acl: &Acl, into: &mut BTreeSet<News>) {
    into.extend(acl.iter().map(|(grantee, _)| match grantee {
        Grantee::Account(id) => News::Of(*id),
        Grantee::Profile(_) | Grantee::Anyone | Grantee::Group(_) => News::Rules,
    }));
}
