//! Waiting for something to change in the mailboxes that a session may see: NOTIFY beyond the selected mailbox (RFC 5465).
//!
//! Held by a connection. It wakes, and says no more: who waits compares [`Session::tree`] with what they saw last, so what is told is
//! decided by the rights of then. Waking for nothing is possible, missing something is not. An idle session costs a few entries in the
//! engine's lists; a commit to a mailbox that is not shared wakes its owner's sessions only.

use crate::session::{Session, is_named};
use octroi_engine::News;
use octroi_model::{AccountId, CollectionKind};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// Changes within this time of one another are one: looking at a whole tree costs more than a commit.
const PAUSE: Duration = Duration::from_millis(100);

/// See the module.
pub struct MailWatch {
    session: Session,
    heard: Arc<Notify>,
    /// Of the rights when it was found out whose mailboxes can be seen.
    generation: u64,
    /// Something was heard and is not told yet.
    pending: bool,
    told: Option<Instant>,
}

impl Session {
    /// Wakes when mailboxes, their messages, subscriptions, annotations or rights may have changed that the session may see. What changes
    /// after this call wakes it, so look at the tree after it.
    pub fn watch_mail(&self) -> MailWatch {
        let generation = self.gate().engine().generation();
        let heard = self.listen();
        MailWatch { session: self.clone(), heard, generation, pending: false, told: None }
    }

    fn listen(&self) -> Arc<Notify> {
        let owners = self.sharing_with_us();
        let shared = owners.into_iter().map(News::SharedBy);
        let to: Vec<News> = [News::Of(self.account()), News::Rules].into_iter().chain(shared).collect();
        self.gate().engine().listen(&to)
    }

    /// Whose mailboxes an ACL opens to this account, whatever else it takes to see them.
    fn sharing_with_us(&self) -> BTreeSet<AccountId> {
        let engine = self.gate().engine();
        let Some(us) = engine.account(self.account()) else { return BTreeSet::new() };
        let mut owners = BTreeSet::new();
        for shared in engine.shared() {
            let is_mail = matches!(shared.kind, CollectionKind::Mailbox | CollectionKind::MailHome);
            if !is_mail || shared.owner == us.id || owners.contains(&shared.owner) {
                continue;
            }
            if shared.acl.iter().flatten().any(|(grantee, _)| is_named(self.gate(), grantee, us.id, &us.profile)) {
                owners.insert(shared.owner);
            }
        }
        owners
    }
}

impl MailWatch {
    /// Resolves when something may have changed since it last did. May be dropped while it waits, and asked again: nothing is lost.
    pub async fn changed(&mut self) {
        if !self.pending {
            self.heard.notified().await;
            self.pending = true;
        }
        if let Some(told) = self.told {
            tokio::time::sleep_until(told + PAUSE).await;
        }
        let generation = self.session.gate().engine().generation();
        if generation != self.generation {
            // Before the caller looks: what others share from now on is heard.
            self.heard = self.session.listen();
            self.generation = generation;
        }
        self.pending = false;
        self.told = Some(Instant::now());
    }
}
