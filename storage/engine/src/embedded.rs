//! The embedded engine: a journal on local disk, an index behind it, views in memory.
//!
//! Made by whoever composes the server, used through [`Engine`]. What holds: an answer to a commit means that it is on disk; what anyone
//! reads is on disk; one process at a time has the folder open.

use crate::backup::{self, BackupError, BackupReport, BackupRequest, Past, Progress, Target};
use crate::change::{Batch, Receipt};
use crate::check;
use crate::committer::{Answer, Closed, Message, Submitter, committer};
use crate::compact::{self, Pass};
use crate::disk::{Disk, RealDisk};
use crate::idle;
use crate::index::{Index, LAST_PASS};
use crate::interface::{CheckReport, CommitError, Compacted, Engine, Part, PastRequest, Promise, ReadError, Stage, StoreStat, Watcher};
use crate::news::News;
use crate::options::{OpenError, Options};
use crate::projector;
use crate::recovery::{Recovered, recover};
use crate::search::{Follower, Found, Search, SearchProgress, Sought};
use crate::shared::Shared;
use crate::stage::Staging;
use crate::trail::Trail;
use crate::view::View;
use octroi_model::{
    Account, AccountId, Alias, Annotated, Annotations, AppPassword, AppPasswordId, AuditFrom, AuditLine, AuditQuery, Collection,
    CollectionId, Confirmation, ContentRef, Factors, Group, GroupId, Lock, LockId, LockToken, ModSeq, Name, Narrowing, Quota, ScramKeys,
    Uid, UnixTime,
};
use std::collections::{BTreeMap, HashMap};
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{Mutex as AsyncMutex, Notify, watch};

/// File of the index.
pub(crate) const INDEX: &str = "index.sqlite";
/// File of the index that check makes.
const CHECK_INDEX: &str = "check.sqlite";
/// Parts that are read at once without another thread, if they are in memory.
const CACHED_PARTS_MAX: usize = 4;
/// File of the search index.
const SEARCH_INDEX: &str = "search.sqlite";
/// How long what nobody waits for may wait ([`Engine::commit_later`]).
const LATER: Duration = Duration::from_millis(100);

/// See the module.
#[derive(Debug)]
pub struct Embedded {
    me: Weak<Self>,
    shared: Arc<Shared>,
    index: Arc<Index>,
    dir: PathBuf,
    committer: Submitter,
    /// A flush of what nobody waits for is on its way.
    flush_due: AtomicBool,
    /// Loads under way, so that a view is loaded once.
    loading: Mutex<HashMap<CollectionId, Arc<AsyncMutex<()>>>>,
    running: Mutex<Running>,
    /// One check at a time: it uses a file of its own.
    checking: AsyncMutex<()>,
}

#[derive(Debug, Default)]
struct Running {
    committer: Option<JoinHandle<()>>,
    projector: Option<tokio::task::JoinHandle<()>>,
    follower: Option<tokio::task::JoinHandle<()>>,
    compactor: Option<tokio::task::JoinHandle<()>>,
}

impl Embedded {
    /// Open a data folder, made if it is not there, and bring it up to the end of its journal.
    pub async fn open(dir: &Path, options: Options) -> Result<Arc<Self>, OpenError> {
        std::fs::create_dir_all(dir)?;
        let lock = lock(dir)?;
        let disk = RealDisk::open(&dir.join("journal"))?;
        // A check that was interrupted leaves its index behind.
        Index::remove(&dir.join(CHECK_INDEX))?;
        backup::remove_scratch(dir)?;
        // The journal's folder must not vanish with what is acknowledged in it.
        File::open(dir)?.sync_all()?;
        Self::open_on(dir, Arc::new(disk), options, Some(lock)).await
    }

    /// Remove the index of a store that nobody has open: the next who opens it makes it anew from the journal.
    pub fn remove_index(dir: &Path) -> Result<(), OpenError> {
        let _lock = lock(dir)?;
        Ok(Index::remove(&dir.join(INDEX))?)
    }

    /// The same on any disk; the index is in `dir`.
    pub(crate) async fn open_on(dir: &Path, disk: Arc<dyn Disk>, options: Options, lock: Option<File>) -> Result<Arc<Self>, OpenError> {
        let path = dir.join(INDEX);
        let index = Arc::new(Index::open(&path).await?);
        let Recovered { state, journal, numbers, next_id } = recover(disk.clone(), &index, &options).await?;
        let search = options.extractor.clone().map(|extractor| Arc::new(Search::new(dir.join(SEARCH_INDEX), extractor)));
        let shared = Arc::new(Shared::new(options, disk, numbers, next_id, state, lock, search));
        let (committer, submitter) = committer(shared.clone(), journal);
        let thread = std::thread::Builder::new().name("committer".into()).spawn(move || committer.run())?;
        let projector = tokio::spawn(projector::run(shared.clone(), index.clone()));
        let compactor = tokio::spawn(compact::background(shared.clone(), index.clone(), submitter.turns()));
        tokio::spawn(idle::run(Arc::downgrade(&shared), shared.options.view_idle));
        let embedded = Arc::new_cyclic(|me| Self {
            me: me.clone(),
            shared,
            index,
            dir: dir.to_owned(),
            committer: submitter,
            flush_due: AtomicBool::new(false),
            loading: Mutex::default(),
            running: Mutex::new(Running {
                committer: Some(thread),
                projector: Some(projector),
                follower: None,
                compactor: Some(compactor),
            }),
            checking: AsyncMutex::new(()),
        });
        if let Some(search) = embedded.shared.search.clone() {
            let follower = Follower::new(search, embedded.shared.clone(), Arc::downgrade(&embedded));
            lock_of(&embedded.running).follower = Some(tokio::spawn(follower.run()));
        }
        Ok(embedded)
    }

    async fn submit(&self, mut batch: Batch) -> Result<Receipt, CommitError> {
        let mut pins = Vec::new();
        loop {
            match self.committer.commit(batch).await {
                Ok(Answer::Done(result)) => return result,
                Ok(Answer::NotLoaded(again, collection)) => {
                    batch = again;
                    pins.push(self.pin(collection).await?);
                }
                Err(Closed) => return Err(self.closed()),
            }
        }
    }

    fn closed(&self) -> CommitError {
        CommitError::Storage(self.shared.failure().map_or("the store is closed", String::as_str).to_owned())
    }

    /// Load a view and keep it in memory for as long as the pin lives.
    async fn pin(&self, collection: CollectionId) -> Result<Pin<'_>, CommitError> {
        loop {
            match self.load(collection).await {
                Ok(_) => {}
                Err(ReadError::Gone) => return Err(CommitError::Gone),
                Err(ReadError::Storage(why) | ReadError::Damaged(why)) => return Err(CommitError::Storage(why)),
            }
            if let Some(loaded) = self.shared.state().look(collection) {
                loaded.pins.fetch_add(1, Ordering::Relaxed);
                return Ok(Pin { shared: &self.shared, collection });
            }
        }
    }

    async fn load(&self, collection: CollectionId) -> Result<Arc<View>, ReadError> {
        if let Some(loaded) = self.shared.state().look(collection) {
            return Ok(loaded.view.clone());
        }
        let turn = lock_of(&self.loading).entry(collection).or_default().clone();
        let guard = turn.lock().await;
        let loaded = self.load_alone(collection).await;
        drop(guard);
        let mut loading = lock_of(&self.loading);
        // This one and the map's: nobody else waits.
        if Arc::strong_count(&turn) <= 2 {
            loading.remove(&collection);
        }
        loaded
    }

    async fn load_alone(&self, id: CollectionId) -> Result<Arc<View>, ReadError> {
        loop {
            let collection = {
                let state = self.shared.state();
                if let Some(loaded) = state.look(id) {
                    return Ok(loaded.view.clone());
                }
                state.collections.get(&id).cloned().ok_or(ReadError::Gone)?
            };
            let load = Load::begin(&self.shared);
            let (view, position) = self.index.load_view(&collection).await.map_err(|error| ReadError::Storage(error.to_string()))?;
            let mut state = self.shared.state_mut();
            if !state.collections.contains_key(&id) {
                drop(state);
                return Err(ReadError::Gone);
            }
            let adopted = state.adopt(view, position, self.shared.options.view_items_max).map(|loaded| loaded.view.clone());
            drop(state);
            drop(load);
            if let Some(view) = adopted {
                return Ok(view);
            }
            // The index was older than it said: read again.
        }
    }

    /// The items of a collection, as they are or as the index has them. For who goes through them all: nobody's view is dropped for this one.
    pub(crate) async fn glance(&self, id: CollectionId) -> Result<Arc<View>, ReadError> {
        let collection = {
            let state = self.shared.state();
            if let Some(loaded) = state.views.get(&id) {
                return Ok(loaded.view.clone());
            }
            state.collections.get(&id).cloned().ok_or(ReadError::Gone)?
        };
        let (view, _) = self.index.load_view(&collection).await.map_err(|error| ReadError::Storage(error.to_string()))?;
        Ok(Arc::new(view))
    }

    /// Needs no view and gives no answer: may wait for the next group.
    fn can_wait(batch: &Batch) -> bool {
        batch.expects.is_empty() && batch.changes.iter().all(|(change, _)| change.collection().is_none())
    }

    async fn stop(&self) {
        // Before anything that it stands on ends; who holds the turn at last knows that no file changes any more.
        self.shared.compacting.end();
        let compactor = lock_of(&self.running).compactor.take();
        if let Some(compactor) = compactor {
            let _ = compactor.await;
        }
        let _turn = self.shared.compacting.turn.lock().await;
        let _ = self.committer.send(Message::Stop).await;
        let (committer, projector, follower) = {
            let mut running = lock_of(&self.running);
            (running.committer.take(), running.projector.take(), running.follower.take())
        };
        if let Some(committer) = committer {
            let _ = tokio::task::spawn_blocking(move || committer.join()).await;
        }
        self.shared.stop();
        if let Some(follower) = follower {
            let _ = follower.await;
        }
        if let Some(projector) = projector {
            let _ = projector.await;
            self.index.close().await;
        }
        *lock_of(&self.shared.lock) = None;
    }
}

#[cfg(test)]
impl Embedded {
    /// Collections whose view is in memory.
    pub(crate) fn loaded(&self) -> Vec<CollectionId> {
        self.shared.state().views.keys().copied().collect()
    }

    /// Make a snapshot on any disk.
    pub(crate) async fn back_up(&self, target: Target) -> Result<BackupReport, BackupError> {
        backup::create(&self.shared, &self.index, target, Vec::new(), String::new(), Arc::new(Progress::default())).await
    }

    /// Drop all views that are in memory.
    pub(crate) fn forget_views(&self) {
        self.shared.state_mut().forget_views();
    }

    /// Begin a pass that gives space back, to be driven step by step.
    pub(crate) async fn pass(&self, all: bool) -> Result<Pass, ReadError> {
        Pass::begin(&self.shared, &self.index, &self.committer.turns(), compact::How { all, share_percent: 100 }).await
    }

    /// End without bringing the index up to the journal, as a crash would.
    pub(crate) async fn abandon(&self) {
        self.shared.fail("abandoned".into());
        let projector = lock_of(&self.running).projector.take();
        if let Some(projector) = projector {
            projector.abort();
            let _ = projector.await;
        }
        self.stop().await;
        self.index.close().await;
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.shared.compacting.end();
        // The committer ends with its channel; what it still commits is projected by the next who opens.
        self.shared.stop();
    }
}

/// Keeps what a load may need in the backlog.
struct Load<'a> {
    shared: &'a Shared,
    load: u64,
}

impl<'a> Load<'a> {
    fn begin(shared: &'a Shared) -> Self {
        let load = shared.state_mut().begin_load();
        Self { shared, load }
    }
}

impl Drop for Load<'_> {
    fn drop(&mut self) {
        self.shared.state_mut().end_load(self.load);
    }
}

/// Keeps a view from being dropped while a commit needs it.
struct Pin<'a> {
    shared: &'a Shared,
    collection: CollectionId,
}

impl Drop for Pin<'_> {
    fn drop(&mut self) {
        // A collection that is gone took its view along; ids are not used again.
        if let Some(loaded) = self.shared.state().views.get(&self.collection) {
            loaded.pins.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Engine for Embedded {
    fn commit(&self, batch: Batch) -> Promise<'_, Result<Receipt, CommitError>> {
        Box::pin(self.submit(batch))
    }

    fn commit_later(&self, batch: Batch) -> Promise<'_, ()> {
        Box::pin(async move {
            if !Self::can_wait(&batch) {
                if let Err(error) = self.submit(batch).await {
                    tracing::warn!(%error, "a batch that nobody waits for was not committed");
                }
                return;
            }
            if self.committer.send(Message::Later(batch)).await.is_err() {
                tracing::warn!("a batch came after the store was closed");
            }
            if !self.flush_due.swap(true, Ordering::AcqRel) {
                let me = self.me.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(LATER).await;
                    let Some(me) = me.upgrade() else { return };
                    // What comes from here on starts the clock anew.
                    me.flush_due.store(false, Ordering::Release);
                    let _ = me.committer.send(Message::Flush).await;
                });
            }
        })
    }

    fn stage(&self) -> Promise<'_, Result<Box<dyn Stage>, CommitError>> {
        Box::pin(async move {
            if self.shared.failure().is_some() {
                return Err(self.closed());
            }
            Ok(Box::new(Staging::new(self.shared.disk.clone(), self.shared.numbers.clone(), self.shared.erasing.staged.clone()))
                as Box<dyn Stage>)
        })
    }

    fn new_id(&self) -> u64 {
        self.shared.next_id.fetch_add(1, Ordering::Relaxed)
    }

    fn generation(&self) -> u64 {
        *self.shared.generation.borrow()
    }

    fn move_generation(&self) {
        self.shared.generation.send_modify(|generation| *generation += 1);
        self.shared.ears.wake(&[News::Rules].into());
    }

    fn watch_generation(&self) -> watch::Receiver<u64> {
        self.shared.generation.subscribe()
    }

    fn watch(&self, collection: CollectionId) -> watch::Receiver<ModSeq> {
        self.shared.watch(collection)
    }

    fn listen(&self, to: &[News]) -> Arc<Notify> {
        self.shared.ears.listen(to)
    }

    fn account(&self, id: AccountId) -> Option<Arc<Account>> {
        self.shared.state().accounts.get(&id).cloned()
    }

    fn account_by_key(&self, key: &str) -> Option<Arc<Account>> {
        let state = self.shared.state();
        state.accounts.get(state.account_keys.get(key)?).cloned()
    }

    fn accounts(&self) -> Vec<Arc<Account>> {
        let state = self.shared.state();
        state.account_keys.values().filter_map(|id| state.accounts.get(id).cloned()).collect()
    }

    fn app_password(&self, public_id: &str) -> Option<Arc<AppPassword>> {
        let state = self.shared.state();
        state.app_passwords.get(state.public_ids.get(public_id)?).cloned()
    }

    fn app_passwords(&self, account: AccountId) -> Vec<Arc<AppPassword>> {
        let mut found: Vec<_> = self.shared.state().app_passwords.values().filter(|p| p.account == account).cloned().collect();
        found.sort_unstable_by_key(|app_password| (app_password.created, app_password.id));
        found
    }

    fn confirmation(&self, app_password: AppPasswordId, network: &str) -> Option<Confirmation> {
        self.shared.state().confirmations.get(&app_password)?.get(network).cloned()
    }

    fn confirmations(&self, app_password: AppPasswordId) -> Vec<Confirmation> {
        let mut found: Vec<_> =
            self.shared.state().confirmations.get(&app_password).map(|of| of.values().cloned().collect()).unwrap_or_default();
        found.sort_unstable_by_key(|confirmation| std::cmp::Reverse(confirmation.at));
        found
    }

    fn narrowing(&self, app_password: AppPasswordId) -> Arc<Narrowing> {
        self.shared.state().narrowings.get(&app_password).cloned().unwrap_or_default()
    }

    fn scram_keys(&self, account: AccountId) -> Arc<BTreeMap<String, Arc<ScramKeys>>> {
        self.shared.state().scram.get(&account).cloned().unwrap_or_default()
    }

    fn factors(&self, account: AccountId) -> Arc<Factors> {
        self.shared.state().factors.get(&account).cloned().unwrap_or_default()
    }

    fn aliases(&self) -> Vec<Arc<Alias>> {
        self.shared.state().aliases.values().cloned().collect()
    }

    fn alias(&self, key: &str) -> Option<Arc<Alias>> {
        let state = self.shared.state();
        state.aliases.get(state.alias_keys.get(key)?).cloned()
    }

    fn locks(&self) -> Vec<Arc<Lock>> {
        self.shared.state().locks.all().cloned().collect()
    }

    fn lock(&self, id: LockId) -> Option<Arc<Lock>> {
        self.shared.state().locks.get(id).cloned()
    }

    fn lock_by_token(&self, token: LockToken) -> Option<Arc<Lock>> {
        self.shared.state().locks.by_token(token).cloned()
    }

    fn locks_over(&self, collection: CollectionId, item: Option<Uid>) -> Vec<Arc<Lock>> {
        self.shared.state().locks_over(collection, item, UnixTime::now())
    }

    fn locks_at(&self, collection: CollectionId) -> Vec<Arc<Lock>> {
        let now = UnixTime::now();
        self.shared.state().locks.at(collection).filter(|lock| lock.stands(now)).cloned().collect()
    }

    fn groups(&self) -> Vec<Arc<Group>> {
        self.shared.state().groups.values().cloned().collect()
    }

    fn group(&self, id: GroupId) -> Option<Arc<Group>> {
        self.shared.state().groups.get(&id).cloned()
    }

    fn trail(&self) -> Trail {
        self.shared.state().trail
    }

    fn collection(&self, id: CollectionId) -> Option<Arc<Collection>> {
        self.shared.state().collections.get(&id).cloned()
    }

    fn homes(&self, owner: AccountId) -> Vec<Arc<Collection>> {
        let state = self.shared.state();
        let ids = state.homes.get(&owner).into_iter().flat_map(|names| names.values());
        ids.filter_map(|id| state.collections.get(id).cloned()).collect()
    }

    fn children(&self, parent: CollectionId) -> Vec<Arc<Collection>> {
        let state = self.shared.state();
        let ids = state.children.get(&parent).into_iter().flat_map(|names| names.values());
        ids.filter_map(|id| state.collections.get(id).cloned()).collect()
    }

    fn child(&self, parent: CollectionId, name: &Name) -> Option<Arc<Collection>> {
        let state = self.shared.state();
        state.collections.get(state.children.get(&parent)?.get(name)?).cloned()
    }

    fn quotas(&self) -> Vec<Quota> {
        self.shared.state().quotas.all()
    }

    fn quotas_above(&self, collection: CollectionId) -> Vec<Quota> {
        self.shared.state().quotas.above(collection)
    }

    fn shared(&self) -> Vec<Arc<Collection>> {
        let state = self.shared.state();
        state.with_acl.iter().filter_map(|id| state.collections.get(id).cloned()).collect()
    }

    fn annotations(&self, of: Annotated) -> Arc<Annotations> {
        self.shared.state().annotations.at(of)
    }

    fn annotated(&self, collection: Option<CollectionId>, beginning: &str) -> Vec<Annotated> {
        self.shared.state().annotations.named(collection, beginning)
    }

    fn view(&self, collection: CollectionId) -> Promise<'_, Result<Arc<View>, ReadError>> {
        Box::pin(self.load(collection))
    }

    fn read(&self, parts: Vec<(ContentRef, Part)>) -> Promise<'_, Result<Vec<Vec<u8>>, ReadError>> {
        Box::pin(async move {
            // A few small contents that are in memory need no other thread; handing over costs more than reading them.
            if parts.len() <= CACHED_PARTS_MAX {
                let cached: Result<Option<Vec<_>>, _> =
                    parts.iter().map(|(content, part)| self.shared.contents.read_cached(content, *part)).collect();
                if let Some(read) = cached? {
                    return Ok(read);
                }
            }
            let shared = self.shared.clone();
            let read = move || parts.iter().map(|(content, part)| shared.contents.read(content, *part)).collect();
            tokio::task::spawn_blocking(read).await.map_err(|error| ReadError::Storage(error.to_string()))?
        })
    }

    fn find(&self, view: Arc<View>, sought: Vec<Sought>) -> Promise<'_, Found> {
        Box::pin(async move {
            let found = self.shared.state().collections.get(&view.collection).map(|collection| (collection.owner, collection.kind));
            match (found, &self.shared.search) {
                (Some((owner, kind)), Some(search)) => search.find(owner, kind, view, sought).await,
                _ => Found::default(),
            }
        })
    }

    fn search_progress(&self) -> Option<SearchProgress> {
        self.shared.search.as_ref().map(|search| search.progress(&self.shared))
    }

    fn rebuild_search(&self) -> Promise<'_, Result<(), ReadError>> {
        Box::pin(async move {
            match &self.shared.search {
                Some(search) => search.rebuild().await,
                None => Ok(()),
            }
        })
    }

    fn sweep_search(&self) -> Promise<'_, Result<u64, ReadError>> {
        Box::pin(async move {
            match &self.shared.search {
                Some(search) => search.sweep().await,
                None => Ok(0),
            }
        })
    }

    fn audit(&self, wanted: AuditQuery) -> Promise<'_, Result<Vec<AuditLine>, ReadError>> {
        Box::pin(async move {
            loop {
                let (mut lines, position) = self.index.audit(&wanted).await.map_err(|error| ReadError::Storage(error.to_string()))?;
                let Some(mut newer) = self.shared.state().lines_after(position) else { continue };
                newer.retain(|line| wanted.account.is_none_or(|account| line.entry.account == Some(account)));
                let newer = newer.iter().map(|line| (**line).clone());
                match wanted.from {
                    AuditFrom::After(number) => lines.extend(newer.filter(|line| line.number > number)),
                    AuditFrom::Before(number) => drop(lines.splice(0..0, newer.rev().filter(|line| line.number < number))),
                    AuditFrom::Newest => drop(lines.splice(0..0, newer.rev())),
                }
                lines.truncate(wanted.lines_max);
                return Ok(lines);
            }
        })
    }

    fn check_watched(&self, watcher: Watcher) -> Promise<'_, Result<CheckReport, ReadError>> {
        Box::pin(async move {
            let _one = self.checking.lock().await;
            // What is there when it begins to look must be there when it looks at it.
            let _still = self.shared.compacting.still.lock().await;
            check::check(&self.shared, &self.index, &self.dir.join(CHECK_INDEX), &watcher).await
        })
    }

    fn check(&self) -> Promise<'_, Result<CheckReport, ReadError>> {
        self.check_watched(Arc::new(|_| ()))
    }

    fn compact(&self, all: bool, watcher: Watcher) -> Promise<'_, Result<Compacted, ReadError>> {
        Box::pin(async move { compact::now(&self.shared, &self.index, &self.committer.turns(), all, watcher).await })
    }

    fn stat(&self) -> Promise<'_, Result<StoreStat, ReadError>> {
        Box::pin(async move {
            let mut look = Pass::look(&self.shared, &self.index).await?;
            while look.step().await? {
                tokio::task::yield_now().await;
            }
            let rows = self.index.segments().await.map_err(|error| ReadError::Storage(error.to_string()))?;
            let [large, large_bytes, dead, dead_bytes] = look.large_stats();
            let state = self.shared.state();
            Ok(StoreStat {
                segments: look.segment_stats(),
                large: (large, large_bytes),
                large_dead: (dead, dead_bytes),
                index_bytes: self.index.bytes(),
                views: state.views.len() as u64,
                view_items: state.views.values().map(|loaded| loaded.view.len() as u64).sum(),
                view_items_max: self.shared.options.view_items_max,
                behind_changes: state.backlog_changes,
                compacted_at: rows.get(&LAST_PASS).map(|row| row.clean_at),
            })
        })
    }

    fn backup(&self, request: BackupRequest, progress: Arc<Progress>) -> Promise<'_, Result<BackupReport, BackupError>> {
        Box::pin(async move {
            let data = self.dir.clone();
            let BackupRequest { folder, beside, reminder } = request;
            let (target, beside) = tokio::task::spawn_blocking(move || {
                let data = data.canonicalize()?;
                if folder.ancestors().find_map(|above| above.canonicalize().ok()).is_some_and(|above| above.starts_with(&data)) {
                    return Err(BackupError::Failed("a backup in the data folder would be lost together with it".into()));
                }
                let target = Target::open(&folder)?;
                let read = |name: String| {
                    let octets = std::fs::read(data.join(&name));
                    octets.map(|octets| (name.clone(), octets)).map_err(|error| BackupError::Failed(format!("cannot read {name}: {error}")))
                };
                Ok((target, beside.into_iter().map(read).collect::<Result<Vec<_>, _>>()?))
            })
            .await??;
            backup::create(&self.shared, &self.index, target, beside, reminder, progress).await
        })
    }

    fn past(&self, from: PastRequest, progress: Arc<Progress>) -> Promise<'_, Result<Past, BackupError>> {
        Box::pin(async move { Past::open(&from.folder, from.snapshot.as_deref(), from.at, &self.dir, &progress).await })
    }

    fn close(&self) -> Promise<'_, ()> {
        Box::pin(self.stop())
    }
}

/// Take the folder for this process.
pub(crate) fn lock(dir: &Path) -> Result<File, OpenError> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(dir.join("lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

fn lock_of<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
