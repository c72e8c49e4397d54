//! The permission is the handle: a [`Granted`] can do just the one thing that was decided, to just the one object.
//!
//! Made by [`crate::Session::open`] only. Every act decides again if rights have moved since, and a write carries the generation at
//! which it was granted, so the committer refuses a stale one in the same step that would apply it.
//!
//! The short cuts do not compile. There is no store without a grant:
//!
//! ```compile_fail
//! fn peek(gate: &octroi_gate::Gate) { let _ = gate.engine(); }
//! ```
//!
//! A grant to look is no grant to write:
//!
//! ```compile_fail
//! use octroi_gate::{Granted, Mailbox, Select};
//! async fn f(g: Granted<Mailbox, Select>) { let _ = g.expunge(&octroi_model::UidSet::default()).await; }
//! ```
//!
//! A grant cannot be made up, nor can a purpose:
//!
//! ```compile_fail
//! use octroi_gate::{Granted, Mailbox, Expunge};
//! fn forge() -> Granted<Mailbox, Expunge> { Granted { rights: octroi_model::Rights::ALL } }
//! ```
//!
//! ```compile_fail
//! #[derive(Clone, Copy)]
//! struct Anything;
//! impl octroi_gate::Purpose<octroi_gate::Mailbox> for Anything {
//!     const NEEDS: octroi_model::Rights = octroi_model::Rights::NONE;
//!     const ANY: octroi_model::Rights = octroi_model::Rights::NONE;
//!     const NAME: &'static str = "Anything";
//! }
//! ```
//!
//! A log-in that waits for its second factor opens nothing:
//!
//! ```compile_fail
//! use octroi_gate::{MailboxAt, Pending, Select};
//! async fn f(p: Pending) { let _ = p.open(MailboxAt(octroi_model::Path::top()), Select).await; }
//! ```
//!
//! The one way does:
//!
//! ```
//! use octroi_gate::{MailboxAt, Refusal, Select, Session};
//! async fn count(session: &Session, path: octroi_model::Path) -> Result<usize, Refusal> {
//!     let mailbox = session.open(MailboxAt(path), Select).await?;
//!     Ok(mailbox.view().await?.len())
//! }
//! ```

use crate::kept::Shelf;
use crate::kept::versions::document_of;
use crate::purpose::Purpose;
use crate::refusal::Refusal;
use crate::session::Session;
use crate::sight::{self, Shown};
use crate::tree::{self, Node};
use octroi_engine::{Batch, CommitError, Engine, Expect, Receipt};
use octroi_model::{Collection, CollectionKind, Item, Name, Path, Rights};
use octroi_policy::{Area, Denied};
use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How often a write is decided anew when rights keep moving under it: anybody's do, and deciding costs little beside the commit.
pub(crate) const DECISIONS_MAX: usize = 64;

mod sealed {
    pub trait Sealed {}
}

/// What a purpose can be about. Sealed.
pub trait Object: sealed::Sealed + Send + Sync + 'static {
    /// A found object.
    #[doc(hidden)]
    type At: Clone + Send + Sync;
    #[doc(hidden)]
    #[allow(private_interfaces)]
    fn node(at: &Self::At) -> &Node;
    /// The rights on the object itself, of those on its collection. See [`crate::dropping`] and [`crate::sight`].
    #[doc(hidden)]
    fn rights(at: &Self::At, session: &Session, rights: Rights) -> Rights;
}

macro_rules! objects {
    ($($(#[$doc:meta])* $name:ident is $at:ty, |$at_name:ident| $node:expr, $rights:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub enum $name {}
        impl sealed::Sealed for $name {}
        #[allow(private_interfaces)]
        impl Object for $name {
            type At = $at;
            fn node($at_name: &Self::At) -> &Node { $node }
            fn rights(at: &Self::At, session: &Session, rights: Rights) -> Rights { ($rights)(at, session, rights) }
        }
    )*};
}

objects! {
    /// A mailbox.
    Mailbox is FoundNode, |at| &at.0, |_, _, rights| rights;
    /// The place of a mailbox that is to be made; the rights are those on the deepest parent that exists.
    NewMailbox is FoundPlace, |at| &at.parent, |_, _, rights| rights;
    /// A collection of documents, events or cards.
    Folder is FoundNode, |at| &at.0, sight::on_folder;
    /// A document, event or card.
    File is FoundItem, |at| &at.folder, sight::on_file;
}

/// A collection that was found. Opaque.
#[derive(Clone)]
pub struct FoundNode(pub(crate) Node);

/// A free place in the mailbox tree. Opaque.
#[derive(Clone)]
pub struct FoundPlace {
    pub(crate) parent: Node,
    /// What is to be made below the parent, from the top down; not empty.
    pub(crate) names: Vec<Name>,
}

/// An item that was found. Opaque.
#[derive(Clone)]
pub struct FoundItem {
    pub(crate) folder: Node,
    pub(crate) item: Item,
    /// It as it is kept and how it is shown, if that is not the same; see [`crate::sight`].
    pub(crate) made: Option<Box<(Item, Shown)>>,
}

/// Finds an object in the tree that a session sees. What cannot be found is [`Refusal::Missing`].
pub trait Locates<O: Object>: Send {
    /// Find it.
    fn locate(self, session: &Session) -> impl Future<Output = Result<O::At, Refusal>> + Send;
}

/// A mailbox by its name; `INBOX` in any case.
#[derive(Debug, Clone)]
pub struct MailboxAt(pub Path);

/// The place of a mailbox that does not exist yet.
#[derive(Debug, Clone)]
pub struct NewMailboxAt(pub Path);

/// A folder, calendar or address book. The top is the person's home of that area.
#[derive(Debug, Clone)]
pub struct FolderAt {
    /// Which of the trees.
    pub area: Area,
    /// Where in it.
    pub path: Path,
}

/// A document, event or card.
#[derive(Debug, Clone)]
pub struct FileAt {
    /// Which of the trees.
    pub area: Area,
    /// In which collection.
    pub folder: Path,
    /// Its last URL segment.
    pub name: Name,
}

impl Locates<Mailbox> for MailboxAt {
    async fn locate(self, session: &Session) -> Result<FoundNode, Refusal> {
        let node = session.resolve(Area::Mail, &self.0).ok_or(Refusal::Missing)?;
        let mailbox = node.real().is_ok_and(|c| c.kind == CollectionKind::Mailbox);
        if mailbox { Ok(FoundNode(node)) } else { Err(Refusal::Missing) }
    }
}

impl<P> Locates<Mailbox> for &Granted<Mailbox, P>
where
    P: Send + Sync,
{
    async fn locate(self, session: &Session) -> Result<FoundNode, Refusal> {
        let id = self.at.0.real()?.id;
        let collection = session.gate().engine().collection(id).ok_or(Refusal::Missing)?;
        Ok(FoundNode(self.at.0.with(collection)))
    }
}

impl Locates<NewMailbox> for NewMailboxAt {
    async fn locate(self, session: &Session) -> Result<FoundPlace, Refusal> {
        let names = self.0.names();
        if names.is_empty() {
            return Err(Refusal::Missing);
        }
        if session.resolve(Area::Mail, &self.0).is_some_and(|n| session.rights_of(&n).is_ok_and(|r| r.contains(Rights::LOOKUP))) {
            return Err(Refusal::Exists);
        }
        for length in (0..names.len()).rev() {
            let above = Path::from_names(names[..length].to_vec()).map_err(|_| Refusal::Missing)?;
            if let Some(parent) = session.resolve(Area::Mail, &above)
                && parent.real().is_ok()
            {
                // `Shared` belongs to everybody else: no mailbox of one's own can take that name. What is below it and not there is answered
                // as what is there and hidden.
                if length == 0 && names[0].as_str() == tree::SHARED {
                    return Err(if names.len() == 1 { Refusal::Forbidden(Rights::CREATE) } else { Refusal::Missing });
                }
                return Ok(FoundPlace { parent, names: names[length..].to_vec() });
            }
        }
        Err(Refusal::Missing)
    }
}

impl Locates<Folder> for FolderAt {
    async fn locate(self, session: &Session) -> Result<FoundNode, Refusal> {
        session.resolve(self.area, &self.path).map(FoundNode).ok_or(Refusal::Missing)
    }
}

impl<P> Locates<Folder> for &Granted<Folder, P>
where
    P: Send + Sync,
{
    async fn locate(self, session: &Session) -> Result<FoundNode, Refusal> {
        session.resolve(self.at.0.area, &self.at.0.path).map(FoundNode).ok_or(Refusal::Missing)
    }
}

impl Locates<File> for FileAt {
    async fn locate(self, session: &Session) -> Result<FoundItem, Refusal> {
        let folder = session.resolve(self.area, &self.folder).ok_or(Refusal::Missing)?;
        let view = session.gate().engine().view(folder.real()?.id).await?;
        let found = sight::found(session, folder, &view, &self.name)?;
        let folder = &found.folder;
        if folder.shelf == Shelf::Versions && (folder.versions_of.is_none() || folder.versions_of != document_of(&found.item)) {
            return Err(Refusal::Missing);
        }
        Ok(found)
    }
}

/// A decided permission to do `P` to one `O`.
pub struct Granted<O: Object, P> {
    pub(crate) session: Session,
    pub(crate) at: O::At,
    rights: Rights,
    generation: AtomicU64,
    purpose: PhantomData<fn() -> P>,
}

impl<O: Object, P> Granted<O, P> {
    pub(crate) fn new(session: Session, at: O::At, rights: Rights, generation: u64) -> Self {
        Self { session, at, rights, generation: AtomicU64::new(generation), purpose: PhantomData }
    }

    /// The rights in force when it was decided: information, which opens nothing.
    pub fn rights(&self) -> Rights {
        self.rights
    }

    /// Where the object is, as the session names it.
    pub fn path(&self) -> &Path {
        &O::node(&self.at).path
    }

    pub(crate) fn engine(&self) -> &dyn Engine {
        self.session.gate().engine()
    }

    pub(crate) fn node(&self) -> &Node {
        O::node(&self.at)
    }

    /// The collection as it is now; missing once it has been removed.
    pub(crate) fn collection(&self) -> Result<Arc<Collection>, Refusal> {
        self.engine().collection(self.node().real()?.id).ok_or(Refusal::Missing)
    }
}

impl<O: Object, P: Purpose<O>> Granted<O, P> {
    /// Decide again if rights have moved. Returns the generation at which the grant stands.
    pub(crate) fn renew(&self) -> Result<u64, Refusal> {
        let generation = self.engine().generation();
        if self.generation.load(Ordering::Acquire) == generation {
            // Still asks whether the session stands.
            self.session.rights_of(self.node())?;
            return Ok(generation);
        }
        let node = self.node();
        let moved = if node.real().is_ok() { node.with(self.collection()?) } else { node.clone() };
        verdict::<O, P>(O::rights(&self.at, &self.session, self.session.rights_of(&moved)?))?;
        self.generation.store(generation, Ordering::Release);
        Ok(generation)
    }

    /// Commit under this grant: refused as stale when rights move before it is applied, then decided and asked again.
    pub(crate) async fn commit(&self, mut batch: Batch) -> Result<Receipt, Refusal> {
        self.session.hold(&mut batch);
        let receipt = commit_under(self.engine(), batch, || self.renew()).await?;
        self.session.note_own(&receipt);
        Ok(receipt)
    }

    /// Commit what was made of rights as they are at one generation ([`Granted::renew`]), such as an ACL of an ACL; `None`: they have moved since,
    /// and it is to be made anew.
    pub(crate) async fn commit_at(&self, generation: u64, mut batch: Batch) -> Result<Option<Receipt>, Refusal> {
        self.session.hold(&mut batch);
        batch.expect(Expect::Generation(generation));
        match self.engine().commit(batch).await {
            Err(CommitError::Stale) => Ok(None),
            other => {
                let receipt = other?;
                self.session.note_own(&receipt);
                Ok(Some(receipt))
            }
        }
    }
}

/// Commit with the generation that `renew` confirms, as often as rights move meanwhile.
pub(crate) async fn commit_under(engine: &dyn Engine, batch: Batch, renew: impl Fn() -> Result<u64, Refusal>) -> Result<Receipt, Refusal> {
    for _ in 0..DECISIONS_MAX {
        let generation = renew()?;
        let mut attempt = batch.clone();
        attempt.expect(Expect::Generation(generation));
        match engine.commit(attempt).await {
            Err(CommitError::Stale) => {}
            other => return Ok(other?),
        }
    }
    Err(Refusal::Unavailable)
}

/// Do these rights allow this purpose?
pub(crate) fn verdict<O: Object, P: Purpose<O>>(rights: Rights) -> Result<(), Refusal> {
    match octroi_policy::judge(rights, P::NEEDS) {
        Err(Denied::Missing) => Err(Refusal::Missing),
        Err(Denied::Forbidden) => Err(Refusal::Forbidden(P::NEEDS.without(rights))),
        Ok(()) if P::ANY != Rights::NONE && !rights.intersects(P::ANY) => Err(Refusal::Forbidden(P::ANY)),
        Ok(()) => Ok(()),
    }
}
