//! Write locks of documents and collections (RFC 4918 sections 6 and 7): taken, kept up, given back, told.
//!
//! A lock gives no rights: it only keeps others from using theirs. Whoever may write something may lock it, and a lock is its account's,
//! whatever program of theirs took it. What a request says it has ([`Session::holding`]) goes with every batch of the session that it gets,
//! and the committer judges the batch by it.

use crate::acts::file::{arrived, dated, document, summed};
use crate::content::Content;
use crate::dropping::is_drop;
use crate::granted::{File, Folder, FolderAt, Granted, commit_under};
use crate::kept::is_kept_aside;
use crate::purpose::{Bind, BreakLocks, List, LockFile, LockFolder, Purpose};
use crate::refusal::Refusal;
use crate::reserved::Deed;
use crate::session::Session;
use crate::tree::{self, Node};
use octroi_engine::{Batch, Change, Expect};
use octroi_model::{
    CollectionId, CollectionKind, Etag, Item, Lock, LockId, LockRoot, LockScope, LockToken, LockedItem, Name, Outcome, Path, Rights, Uid,
    UnixTime,
};
use octroi_policy::Area;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// Collections below one that is locked deep: each is looked at for rights.
const TREE_PARTS_MAX: usize = 10_000;
/// A uid that no item has: stands for one that is to come.
const TO_COME: Uid = Uid(0);

/// The locks that a request says it has.
#[derive(Debug, Clone, Default)]
pub(crate) struct Held(Arc<[LockId]>);

/// What a lock is to be.
#[derive(Debug, Clone, Copy)]
pub struct LockWish<'a> {
    /// Who else may lock it.
    pub scope: LockScope,
    /// A collection with all in it.
    pub deep: bool,
    /// The `owner` element, as XML that is well-formed by itself.
    pub owner: Option<&'a str>,
    /// How long; `None`: whatever is usual here.
    pub time: Option<Duration>,
}

/// What there is to say about a lock.
#[derive(Debug, Clone)]
pub struct LockFacts {
    /// Its number.
    pub id: LockId,
    /// What it is known by.
    pub token: LockToken,
    /// Who else may have one.
    pub scope: LockScope,
    /// With all in the collection.
    pub deep: bool,
    /// The `owner` element.
    pub owner: Option<Arc<str>>,
    /// How long it binds from now on.
    pub left: Duration,
    /// What it is on, as the session names it: tree, collection, and the item if it is on one. `None`: the session may not know.
    pub root: Option<(Area, Path, Option<Name>)>,
    /// It is of the session's own account.
    pub own: bool,
}

/// The locks of a collection and of its members, found in one step for a listing.
pub struct MemberLocks {
    session: Session,
    /// Deep ones over all of it.
    above: Vec<Arc<Lock>>,
    items: HashMap<Uid, Vec<Arc<Lock>>>,
}

impl MemberLocks {
    /// Of one of the items.
    pub fn of_item(&self, item: &Item) -> Vec<LockFacts> {
        let own = self.items.get(&item.uid).into_iter().flatten();
        own.chain(&self.above).map(|lock| self.session.lock_facts(lock)).collect()
    }

    /// Of a folder in it, by its number ([`crate::FolderFacts::sync_id`]); what is not real has none.
    pub fn of_folder(&self, id: u64) -> Vec<LockFacts> {
        let over = if id == 0 { Vec::new() } else { self.session.gate().engine().locks_over(CollectionId(id), None) };
        over.iter().map(|lock| self.session.lock_facts(lock)).collect()
    }
}

impl Granted<Folder, List> {
    /// For a listing of its members.
    pub fn member_locks(&self) -> MemberLocks {
        let mut items: HashMap<Uid, Vec<Arc<Lock>>> = HashMap::new();
        let mut above = Vec::new();
        if let Ok(collection) = self.node().real() {
            above = self.engine().locks_over(collection.id, Some(TO_COME));
            for lock in self.engine().locks_at(collection.id) {
                if let Some(item) = &lock.root.item {
                    items.entry(item.uid).or_default().push(lock);
                }
            }
        }
        MemberLocks { session: self.session.clone(), above, items }
    }
}

impl<P: Purpose<File>> Granted<File, P> {
    /// The locks that cover it.
    pub fn locks(&self) -> Result<Vec<LockFacts>, Refusal> {
        let over = self.engine().locks_over(self.folder_id()?, Some(self.item().uid));
        Ok(over.iter().map(|lock| self.session.lock_facts(lock)).collect())
    }
}

impl Granted<File, LockFile> {
    /// Lock it. [`Refusal::LockConflict`] if another lock does not let that be.
    pub async fn lock(&self, wish: LockWish<'_>) -> Result<LockFacts, Refusal> {
        let item = Some(LockedItem { name: self.name()?.clone(), uid: TO_COME });
        let lock = self.session.new_lock(LockRoot { collection: self.folder_id()?, item }, wish)?;
        let mut batch = Batch::new();
        batch.expect(self.expectation(crate::When::Anyhow)?);
        batch.push(Change::Lock(lock.clone()));
        self.commit(batch).await?;
        Ok(self.session.lock_facts(&lock))
    }
}

impl Granted<Folder, LockFolder> {
    /// Lock it; a deep lock takes that everything below may be written.
    pub async fn lock(&self, wish: LockWish<'_>) -> Result<LockFacts, Refusal> {
        if wish.deep {
            self.may_write_all()?;
        }
        let root = LockRoot { collection: self.node().real()?.id, item: None };
        let lock = self.session.new_lock(root, wish)?;
        let mut batch = Batch::new();
        batch.push(Change::Lock(lock.clone()));
        self.commit(batch).await?;
        Ok(self.session.lock_facts(&lock))
    }

    fn may_write_all(&self) -> Result<(), Refusal> {
        let mut waiting = vec![self.node().with(self.collection()?)];
        let mut seen = 0;
        while let Some(node) = waiting.pop() {
            let rights = self.session.rights_of(&node)?;
            if !rights.contains(Rights::WRITE) {
                return Err(Refusal::Forbidden(Rights::WRITE));
            }
            seen += 1;
            if seen > TREE_PARTS_MAX {
                return Err(Refusal::Limit("parts of one locked tree"));
            }
            // What was written over is kept there, and is nobody's to lock.
            let children = self.engine().children(node.real()?.id).into_iter().filter(|child| !is_kept_aside(child.kind));
            for child in children {
                waiting.push(self.session.child_node(&node, &child).ok_or(Refusal::Unsupported)?);
            }
        }
        Ok(())
    }
}

impl Granted<Folder, Bind> {
    /// Lock a name that nothing has: an empty document is made (RFC 4918 section 7.3). In a collection of documents only; an event or card
    /// cannot be empty.
    pub async fn lock_new(&self, name: &Name, wish: LockWish<'_>) -> Result<LockFacts, Refusal> {
        let id = self.holds_items(name)?;
        let collection = self.node().real()?;
        if collection.id != id || collection.kind != CollectionKind::Folder {
            return Err(Refusal::Unsupported);
        }
        let item = Some(LockedItem { name: name.clone(), uid: TO_COME });
        let lock = self.session.new_lock(LockRoot { collection: collection.id, item }, wish)?;
        let lock = Lock { made: true, ..lock };
        let content = Content::document(b"");
        let deed = Deed::adds(self.node(), [content.body.hash()]);
        let mut batch = Batch::new();
        batch.expect(Expect::Absent { collection: collection.id, name: name.clone() });
        let body = batch.body(content.body);
        // Who drops it finds it again.
        let document = document(name.clone(), None)?;
        let properties = arrived(&self.session, self.node().owner, &document);
        batch.put(collection.id, Item { properties, ..document }, body);
        batch.push(Change::Lock(lock.clone()));
        match self.session.commit_making_room(collection.id, (0, 1), batch, &[deed], || self.renew()).await {
            // What others dropped is not there to who drops, and cannot be locked.
            Err(Refusal::Precondition) if is_drop(self.node(), &self.session, self.rights()) => Err(Refusal::Exists),
            other => other.map(|_| self.session.lock_facts(&lock)),
        }
    }

    /// Put the content into an empty document that a lock of the session's own has made: who may add and not rewrite makes one in two steps
    /// like this. [`Refusal::Forbidden`] for any other.
    pub async fn fill(&self, name: &Name, content: Content, media_type: Option<&str>) -> Result<Etag, Refusal> {
        let collection = self.node().real()?.id;
        let (item, lock) = self.made(name).await?.ok_or(Refusal::Forbidden(Rights::WRITE))?;
        let (etag, bytes) = (content.etag(), content.bytes());
        let deed = Deed::adds(self.node(), [content.body.hash()]);
        let mut batch = Batch::new();
        batch.expect(Expect::Unchanged { collection, uid: item.uid, modseq: item.modseq });
        batch.expect(Expect::Locked(lock));
        let properties = summed(item.properties.as_deref(), content.sums.as_deref(), &content.beside);
        let item = dated(document(name.clone(), media_type)?, content.modified);
        content.settle(&mut batch);
        let body = batch.body(content.body);
        batch.put(collection, Item { properties, ..item }, body);
        self.session.commit_making_room(collection, (bytes, 0), batch, &[deed], || self.renew()).await?;
        Ok(etag)
    }

    /// The empty document that a lock of the session's own has made, and that lock.
    pub async fn made(&self, name: &Name) -> Result<Option<(Item, LockId)>, Refusal> {
        self.renew()?;
        let collection = self.node().real()?.id;
        let view = self.engine().view(collection).await?;
        let Some(item) = view.by_name(name).filter(|item| item.bytes() == 0).cloned() else { return Ok(None) };
        let over = self.engine().locks_over(collection, Some(item.uid));
        let lock = over.iter().find(|lock| lock.made && lock.root.item.is_some() && lock.account == self.session.account());
        Ok(lock.map(|lock| (item, lock.id)))
    }
}

impl Session {
    /// The same session, for a request that says it has these locks. Tokens of others, of what is over or was never there are left out.
    #[must_use]
    pub fn holding(&self, tokens: &[LockToken]) -> Self {
        let engine = self.gate().engine();
        let now = UnixTime::now();
        let own = tokens.iter().filter_map(|token| engine.lock_by_token(*token));
        let mut held: Vec<LockId> = own.filter(|lock| lock.account == self.account() && lock.stands(now)).map(|lock| lock.id).collect();
        held.sort_unstable();
        held.dedup();
        Self(self.0.clone(), Held(held.into()), self.2.clone())
    }

    /// Say what is held to the committer.
    pub(crate) fn hold(&self, batch: &mut Batch) {
        if !self.1.0.is_empty() {
            batch.hold(&self.1.0);
        }
    }

    /// The locks that cover what is at a path, or would cover what came there: state tokens for the `If` header.
    pub async fn locks_over(&self, area: Area, path: &Path) -> Result<Vec<LockFacts>, Refusal> {
        let Some((collection, item)) = self.lockable(area, path).await? else { return Ok(Vec::new()) };
        Ok(self.gate().engine().locks_over(collection, item).iter().map(|lock| self.lock_facts(lock)).collect())
    }

    /// The first lock that would keep this request from putting something there: to be told before the content is sent.
    pub async fn lock_in_the_way(&self, area: Area, path: &Path) -> Result<Option<LockId>, Refusal> {
        let Some((collection, item)) = self.lockable(area, path).await? else { return Ok(None) };
        // What is to come is a change of the collection's members.
        let of = item.filter(|uid| *uid != TO_COME);
        let over = self.gate().engine().locks_over(collection, of);
        let held = |lock: &Lock| self.1.0.contains(&lock.id);
        let shares = over.iter().any(|lock| lock.scope == LockScope::Shared && held(lock));
        Ok(over.iter().find(|lock| !(held(lock) || (shares && lock.scope == LockScope::Shared))).map(|lock| lock.id))
    }

    /// Collection and item of a path, as far as the session may know of it.
    async fn lockable(&self, area: Area, path: &Path) -> Result<Option<(CollectionId, Option<Uid>)>, Refusal> {
        let known = |path: &Path| -> Result<Option<CollectionId>, Refusal> {
            let Some(node) = self.resolve(area, path) else { return Ok(None) };
            let rights = self.rights_of(&node)?;
            Ok(node.real().ok().filter(|_| rights.contains(Rights::LOOKUP)).map(|collection| collection.id))
        };
        if let Some(collection) = known(path)? {
            return Ok(Some((collection, None)));
        }
        let Some((folder, name)) = path.split_last() else { return Ok(None) };
        let Some(collection) = known(&folder)? else { return Ok(None) };
        let view = self.gate().engine().view(collection).await?;
        Ok(Some((collection, Some(view.by_name(name).map_or(TO_COME, |item| item.uid)))))
    }

    /// Let a lock that covers a path bind from now on again. Its own account only, and while it may still write there.
    pub async fn refresh_lock(&self, token: LockToken, area: Area, path: &Path, time: Option<Duration>) -> Result<LockFacts, Refusal> {
        let lock = self.covering(token, area, path).await?;
        if lock.account != self.account() {
            return Err(Refusal::NoSuchLock);
        }
        let node = self.lock_node(&lock).ok_or(Refusal::NoSuchLock)?;
        let needs = if lock.made { Rights::INSERT } else { Rights::WRITE };
        if !self.rights_of(&node)?.contains(needs) {
            return Err(Refusal::Forbidden(needs));
        }
        let lock = Lock { expires: self.expiry(time), ..(*lock).clone() };
        let mut batch = Batch::new();
        batch.push(Change::RefreshLock { id: lock.id, expires: lock.expires });
        self.commit_standing(batch).await?;
        Ok(self.lock_facts(&lock))
    }

    /// Give a lock back; who may share the collection that it is on or in may take away another's, which is audited.
    pub async fn unlock(&self, token: LockToken, area: Area, path: &Path) -> Result<(), Refusal> {
        let lock = self.covering(token, area, path).await?;
        let mut batch = Batch::new();
        batch.push(Change::Unlock(lock.id));
        if lock.account == self.account() {
            return self.commit_standing(batch).await;
        }
        let node = self.lock_node(&lock).ok_or(Refusal::Forbidden(Rights::ADMIN))?;
        let at = FolderAt { area: node.area, path: node.path.clone() };
        let folder = self.open(at, BreakLocks).await?;
        let peer = self.peer().to_string();
        let whose = self.gate().engine().account(lock.account).map_or_else(String::new, |account| account.address.to_string());
        let subject = format!("{} of {whose}", lock_subject(&node, &lock));
        batch.push(self.line("lock break", &subject, &peer, Outcome::Done, "").into_change());
        folder.commit(batch).await?;
        Ok(())
    }

    /// A lock by its number, as far as the session may know what it is on: for a refusal that names it.
    pub fn lock_told(&self, id: LockId) -> Option<LockFacts> {
        self.gate().engine().lock(id).map(|lock| self.lock_facts(&lock))
    }

    /// The lock of a token, if it covers what is at a path.
    async fn covering(&self, token: LockToken, area: Area, path: &Path) -> Result<Arc<Lock>, Refusal> {
        let (collection, item) = self.lockable(area, path).await?.ok_or(Refusal::Missing)?;
        let over = self.gate().engine().locks_over(collection, item);
        over.into_iter().find(|lock| lock.token == token).ok_or(Refusal::NoSuchLock)
    }

    async fn commit_standing(&self, batch: Batch) -> Result<(), Refusal> {
        let engine = self.gate().engine();
        let standing = || {
            let generation = engine.generation();
            self.check_now()?;
            Ok(generation)
        };
        match commit_under(engine, batch, standing).await {
            // It has ended meanwhile.
            Err(Refusal::Missing) => Err(Refusal::NoSuchLock),
            other => other.map(|_| ()),
        }
    }

    fn new_lock(&self, root: LockRoot, wish: LockWish<'_>) -> Result<Lock, Refusal> {
        let limits = &self.gate().0.limits;
        if wish.owner.is_some_and(|owner| owner.len() > limits.lock_owner_bytes_max) {
            return Err(Refusal::Limit("octets of a lock's owner"));
        }
        let engine = self.gate().engine();
        let mut all = engine.locks();
        let now = UnixTime::now();
        if all.iter().any(|lock| !lock.stands(now)) {
            self.gate().sweep_locks_later();
            all.retain(|lock| lock.stands(now));
        }
        if all.len() >= limits.locks_max {
            return Err(Refusal::Limit("locks"));
        }
        if all.iter().filter(|lock| lock.account == self.account()).count() >= limits.locks_per_account_max {
            return Err(Refusal::Limit("locks of one account"));
        }
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|_| Refusal::Unavailable)?;
        Ok(Lock {
            id: LockId(engine.new_id()),
            token: LockToken::new(random),
            root,
            scope: wish.scope,
            deep: wish.deep,
            account: self.account(),
            credential: self.0.public_id().to_owned(),
            owner: wish.owner.map(Arc::from),
            created: now,
            expires: self.expiry(wish.time),
            made: false,
        })
    }

    /// When a lock ends that is wished for so long.
    fn expiry(&self, time: Option<Duration>) -> UnixTime {
        let limits = &self.gate().0.limits;
        let time = time.unwrap_or(limits.lock_time).min(limits.lock_time_max).max(Duration::from_secs(1));
        UnixTime(UnixTime::now().0.saturating_add(i64::try_from(time.as_secs()).unwrap_or(i64::MAX)))
    }

    fn lock_facts(&self, lock: &Lock) -> LockFacts {
        let left = u64::try_from(lock.expires.0.saturating_sub(UnixTime::now().0)).unwrap_or(0);
        let item = || lock.root.item.as_ref().map(|item| item.name.clone());
        LockFacts {
            id: lock.id,
            token: lock.token,
            scope: lock.scope,
            deep: lock.deep,
            owner: lock.owner.clone(),
            left: Duration::from_secs(left),
            root: self.lock_node(lock).map(|node| (node.area, node.path, item())),
            own: lock.account == self.account(),
        }
    }

    /// The collection that a lock is on or in, if the session may know of it.
    fn lock_node(&self, lock: &Lock) -> Option<Node> {
        let node = self.seen_at(lock.root.collection)?;
        self.rights_of(&node).is_ok_and(|rights| rights.contains(Rights::LOOKUP)).then_some(node)
    }

    /// A collection under the name that the session knows it by, whatever the rights on it.
    fn seen_at(&self, id: CollectionId) -> Option<Node> {
        let engine = self.gate().engine();
        let collection = engine.collection(id)?;
        let (area, inner) = tree::place(engine, &collection)?;
        if collection.owner == self.account() {
            return self.resolve(area, &inner);
        }
        self.resolve(area, &tree::shared_path(engine, area, collection.owner, &inner)?)
    }
}

/// For the audit trail.
fn lock_subject(node: &Node, lock: &Lock) -> String {
    match &lock.root.item {
        Some(item) => format!("{}/{}", node.subject(), item.name),
        None => node.subject(),
    }
}
