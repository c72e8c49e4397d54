//! What a sharee has of their own in an object of somebody else's calendar: their alarms, and whether it takes their time (caldav-sharing-03).
//!
//! Called by PUT. What always holds: it is noted beside the item under the sharee's number, in one text that the gate does not understand; nobody else is
//! shown it; the content and so everybody else's entity tag stay as they are. To read the calendar is enough, as for the name and colour of it that one
//! has of one's own. Who may speak for the owner (`2`) has the owner's instead. How it is shown: [`crate::sight`].

use crate::acts::file::{TRIES_MAX, When};
use crate::granted::{File, FileAt, Folder, Granted};
use crate::kept::beside;
use crate::purpose::{KeepOwn, Purpose};
use crate::refusal::Refusal;
use crate::session::Session;
use crate::sight;
use octroi_engine::{Batch, Change, Expect};
use octroi_model::{AccountId, Head, Item, Rights};

/// Name of the limit on what people have of their own in one object.
pub(crate) const OWN_PARTS: &str = "alarms of one's own";
/// Octets of all that is noted beside one item, with room for what else is.
const BESIDE_BYTES_MAX: usize = 56 * 1024;

/// The note of somebody's own.
pub(crate) fn note(account: AccountId) -> String {
    format!("{}{account}", beside::OWN)
}

impl<P: Purpose<Folder>> Granted<Folder, P> {
    /// Has the session things of its own in the objects of this calendar?
    pub fn keeps_own(&self) -> Result<bool, Refusal> {
        let rights = self.session.rights_of(self.node())?;
        Ok(rights.contains(Rights::READ) && sight::keeps_own(self.node(), &self.session, rights))
    }
}

impl Session {
    /// An object in which the session has things of its own. The rights are looked at first, as a refusal would be audited, and most have none.
    pub async fn open_own(&self, at: &FileAt) -> Option<Granted<File, KeepOwn>> {
        let node = self.resolve(at.area, &at.folder)?;
        let rights = self.rights_of(&node).ok()?;
        if !rights.contains(Rights::LOOKUP.or(Rights::READ)) || !sight::keeps_own(&node, self, rights) {
            return None;
        }
        self.open(at.clone(), KeepOwn).await.ok().filter(|own| !own.is_veiled())
    }
}

impl Granted<File, KeepOwn> {
    /// Has the session things of its own in it, beside what all have?
    fn keeps_own(&self) -> Result<bool, Refusal> {
        let rights = self.session.rights_of(self.node())?;
        Ok(!self.is_veiled() && sight::keeps_own(self.node(), &self.session, rights))
    }

    /// The object as its owner has it: for who takes a change apart, and never shown.
    pub async fn as_kept(&self) -> Result<Vec<u8>, Refusal> {
        self.renew()?;
        if self.is_veiled() {
            return Err(Refusal::Forbidden(Rights::READ));
        }
        let whole = octroi_engine::Part::Whole;
        let parts = self.engine().read(vec![(self.real().content, whole)]).await?;
        Ok(parts.into_iter().next().unwrap_or_default())
    }

    /// Keep this as one's own; nothing if it is empty. [`Refusal::Precondition`] if the object is another by now than the one that was taken apart.
    pub async fn keep(&self, own: &str) -> Result<(), Refusal> {
        if !self.keeps_own()? {
            return Err(Refusal::Unsupported);
        }
        let collection = self.folder_id()?;
        let name = note(self.session.account());
        for _ in 0..TRIES_MAX {
            self.renew()?;
            let view = self.engine().view(collection).await?;
            let now = view.by_name(self.name()?).ok_or(Refusal::Missing)?;
            if (now.uid, now.hash) != (self.real().uid, self.real().hash) {
                return Err(Refusal::Precondition);
            }
            let properties = beside::with(now.properties.as_deref(), &[(&name, Some(own).filter(|own| !own.is_empty()))]);
            if properties == now.properties {
                return Ok(());
            }
            if properties.as_ref().is_some_and(|all| all.len() > BESIDE_BYTES_MAX) {
                return Err(Refusal::Limit(OWN_PARTS));
            }
            let mut batch = Batch::new();
            batch.expect(Expect::Unchanged { collection, uid: now.uid, modseq: now.modseq });
            batch.push(Change::Put { collection, item: Item { properties, ..now.clone() }, head: Head::default() });
            match self.commit(batch).await {
                // Not if it is a lock that has ended.
                Err(Refusal::Precondition) if self.is_changed(now, When::Anyhow).await? => {}
                other => return other.map(|_| ()),
            }
        }
        Err(Refusal::Unavailable)
    }
}

/// What comes along when an object is copied, or goes to somebody else: nothing of what people have of their own in it.
pub(crate) fn without_own(properties: Option<&[u8]>) -> Option<std::sync::Arc<[u8]>> {
    let mut texts = beside::texts(properties);
    texts.retain(|name, _| !name.starts_with(beside::OWN));
    beside::encode(&texts)
}
