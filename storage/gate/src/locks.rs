//! Locks as the administration sees them: listed, broken; and those that are over, taken out of the store.

use crate::admin::Admin;
use crate::gate::Gate;
use crate::refusal::Refusal;
use crate::tree;
use octroi_engine::{Batch, Change};
use octroi_model::{Address, Lock, LockToken, Name, Path, UnixTime};
use octroi_policy::Area;

/// Locks that somebody's locking takes out on the way.
const SWEPT_AT_ONCE: usize = 100;

/// A lock as the administration names it.
#[derive(Debug, Clone)]
pub struct LockLine {
    /// What it is known by.
    pub token: LockToken,
    /// Whose tree it is in, and where, with the item's name if it is on one; `None`: nobody knows any more.
    pub at: Option<(Address, Area, Path, Option<Name>)>,
    /// Whose lock it is.
    pub account: Option<Address>,
    /// Visible id of the app password that took it.
    pub credential: String,
    /// Nobody else can have one there.
    pub exclusive: bool,
    /// With all in the collection.
    pub deep: bool,
    /// When it was taken.
    pub created: UnixTime,
    /// When it ends.
    pub expires: UnixTime,
}

impl Gate {
    /// Take out locks that are over by `now`, so many at most. They bind nobody; this only gives their room back.
    async fn sweep_locks(&self, now: UnixTime, max: usize) -> usize {
        let mut gone = 0;
        for lock in self.engine().locks().iter().filter(|lock| !lock.stands(now)).take(max) {
            let mut batch = Batch::new();
            batch.push(Change::Unlock(lock.id));
            // Gone already, or the disk is full: it is tried again.
            self.engine().commit_later(batch).await;
            gone += 1;
        }
        gone
    }

    /// The same beside what is being done.
    pub(crate) fn sweep_locks_later(&self) {
        let gate = self.clone();
        tokio::spawn(async move { gate.sweep_locks(UnixTime::now(), SWEPT_AT_ONCE).await });
    }

    fn lock_line(&self, lock: &Lock) -> LockLine {
        let engine = self.engine();
        let address = |id| engine.account(id).map(|account| account.address.clone());
        let at = engine.collection(lock.root.collection).and_then(|collection| {
            let (area, path) = tree::place(engine, &collection)?;
            Some((address(collection.owner)?, area, path, lock.root.item.as_ref().map(|item| item.name.clone())))
        });
        LockLine {
            token: lock.token,
            at,
            account: address(lock.account),
            credential: lock.credential.clone(),
            exclusive: lock.scope == octroi_model::LockScope::Exclusive,
            deep: lock.deep,
            created: lock.created,
            expires: lock.expires,
        }
    }
}

impl Admin {
    /// All locks that bind, by age.
    pub fn locks(&self) -> Vec<LockLine> {
        let now = UnixTime::now();
        self.engine().locks().iter().filter(|lock| lock.stands(now)).map(|lock| self.gate.lock_line(lock)).collect()
    }

    /// Take out all locks that are over by `now`. Returns how many.
    pub async fn sweep_locks(&self, now: UnixTime) -> usize {
        self.gate.sweep_locks(now, usize::MAX).await
    }

    /// Take a lock away from whoever has it.
    pub async fn break_lock(&self, token: LockToken) -> Result<(), Refusal> {
        let lock = self.engine().lock_by_token(token).ok_or(Refusal::Missing)?;
        let line = self.gate.lock_line(&lock);
        let mut batch = Batch::new();
        batch.push(Change::Unlock(lock.id));
        self.engine().commit(batch).await?;
        let whose = line.account.map_or_else(String::new, |address| address.to_string());
        self.note("lock break", &place(line.at.as_ref()), &format!("of {whose}")).await;
        Ok(())
    }
}

fn place(at: Option<&(Address, Area, Path, Option<Name>)>) -> String {
    let Some((owner, area, path, item)) = at else { return String::new() };
    let names = path.names().iter().chain(item).map(Name::as_str);
    let names: Vec<&str> = std::iter::once(area.name()).chain(names).collect();
    format!("{owner} {}", names.join("/"))
}
