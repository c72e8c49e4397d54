//! METADATA: annotations of a mailbox and of the server (RFC 5464).
//!
//! Called by GETMETADATA and SETMETADATA. What always holds: private annotations are the account's whose session it is, and no other session
//! ever gets them; names are in lower case (they are compared without case); several are set together or not at all. Setting them moves no
//! counter of the mailbox: its messages are as they were.

use crate::granted::{Granted, Mailbox};
use crate::purpose::{Purpose, ReadMetadata, WriteMetadata, WriteSharedMetadata};
use crate::refusal::Refusal;
use crate::session::{Session, serves};
use octroi_engine::{ANNOTATION_BYTES_MAX, ANNOTATION_NAME_BYTES_MAX, ANNOTATIONS_MAX, Batch, Change};
use octroi_model::{Annotated, AnnotationEdit, Annotations, Rights, SpecialUse};
use octroi_policy::Area;
use std::sync::Arc;

/// Name of the limit on how much there is: of entries at one place, or of octets of one account.
pub const ANNOTATIONS: &str = "annotations";
/// Name of the limit on one value ([`octroi_engine::ANNOTATION_BYTES_MAX`]) or name.
pub const ANNOTATION_BYTES: &str = "octets of an annotation";

const PRIVATE: &str = "/private/";
const SHARED: &str = "/shared/";
/// RFC 6154 section 4: says the same as the mailbox's attribute in LIST.
const SPECIAL_USE: &str = "/private/specialuse";
/// RFC 5464 section 6.2.1.
const SERVER_COMMENT: &str = "/shared/comment";
const SERVER_ADMIN: &str = "/shared/admin";

/// An annotation with its value.
pub type Annotation = (String, Arc<[u8]>);

impl Granted<Mailbox, ReadMetadata> {
    /// The mailbox's shared annotations and one's own private ones, by name.
    pub fn annotations(&self) -> Result<Vec<Annotation>, Refusal> {
        self.renew()?;
        let collection = self.collection()?;
        let mut found = listed(&self.session, Some(collection.id));
        // What somebody else's mailbox is to them is not what it is to oneself.
        let own = collection.owner == self.session.account();
        let special_use = collection.special_use.filter(|_| own);
        if let Some((_, attribute)) = SpecialUse::ALL.into_iter().find(|(one, _)| Some(*one) == special_use) {
            found.push((SPECIAL_USE.to_owned(), Arc::from(attribute.as_bytes())));
        }
        found.sort_unstable();
        Ok(found)
    }
}

impl Granted<Mailbox, WriteMetadata> {
    /// Set private annotations or (`None`) take them away: all or none. Shared ones are for [`WriteSharedMetadata`].
    pub async fn annotate(&self, entries: Vec<(String, Option<Vec<u8>>)>) -> Result<(), Refusal> {
        let named = Named::of(entries)?;
        if !named.shared.is_empty() {
            return Err(Refusal::Forbidden(Rights::WRITE));
        }
        annotate(self, named).await
    }
}

impl Granted<Mailbox, WriteSharedMetadata> {
    /// Set shared and private annotations or (`None`) take them away: all or none.
    pub async fn annotate(&self, entries: Vec<(String, Option<Vec<u8>>)>) -> Result<(), Refusal> {
        annotate(self, Named::of(entries)?).await
    }
}

impl Session {
    /// The server's annotations, and one's own private ones at the server, by name.
    pub async fn server_annotations(&self) -> Result<Vec<Annotation>, Refusal> {
        self.may_annotate_server().await?;
        let organisation = self.gate().organisation();
        let mut found = listed(self, None);
        if !organisation.name.is_empty() {
            found.push((SERVER_COMMENT.to_owned(), Arc::from(organisation.name.as_bytes())));
        }
        if let Some(postmaster) = &organisation.postmaster {
            // RFC 5464 section 6.2.1.2: a URI.
            found.push((SERVER_ADMIN.to_owned(), Arc::from(format!("mailto:{postmaster}").as_bytes())));
        }
        found.sort_unstable();
        Ok(found)
    }

    /// Set one's own private annotations at the server or (`None`) take them away: all or none. What all share there comes from the
    /// configuration, and nobody sets it over IMAP.
    pub async fn annotate_server(&self, entries: Vec<(String, Option<Vec<u8>>)>) -> Result<(), Refusal> {
        self.may_annotate_server().await?;
        let named = Named::of(entries)?;
        if !named.shared.is_empty() {
            return Err(Refusal::Forbidden(Rights::ADMIN));
        }
        let mut batch = Batch::new();
        batch.push(Change::Annotate { of: Annotated { collection: None, account: Some(self.account()) }, entries: named.private });
        self.gate().engine().commit(batch).await.map(|_| ()).map_err(|error| told(error.into()))
    }

    /// A credential for calendars opens nothing of the mail server.
    async fn may_annotate_server(&self) -> Result<(), Refusal> {
        self.check().await?;
        if serves(self.service()) == Some(Area::Mail) { Ok(()) } else { Err(Refusal::Missing) }
    }
}

/// Entries by whom they are for.
struct Named {
    private: Vec<AnnotationEdit>,
    shared: Vec<AnnotationEdit>,
}

impl Named {
    fn of(entries: Vec<(String, Option<Vec<u8>>)>) -> Result<Self, Refusal> {
        let mut named = Self { private: Vec::new(), shared: Vec::new() };
        if entries.len() > 2 * ANNOTATIONS_MAX {
            return Err(Refusal::Limit(ANNOTATIONS));
        }
        for (name, value) in entries {
            let name = name.to_ascii_lowercase();
            if name.len() > ANNOTATION_NAME_BYTES_MAX || value.as_ref().is_some_and(|value| value.len() > ANNOTATION_BYTES_MAX) {
                return Err(Refusal::Limit(ANNOTATION_BYTES));
            }
            // Where a mailbox's use is kept already it is not kept a second time.
            if !is_name(&name) || name == SPECIAL_USE {
                return Err(Refusal::Unsupported);
            }
            let into = if name.starts_with(PRIVATE) { &mut named.private } else { &mut named.shared };
            into.push((Arc::from(name), value.map(Arc::from)));
        }
        Ok(named)
    }
}

/// RFC 5464 section 3.2: segments that are not empty, of visible ASCII without the wildcards of LIST.
fn is_name(name: &str) -> bool {
    let inner = name.strip_prefix(PRIVATE).or_else(|| name.strip_prefix(SHARED));
    let is_segment = |segment: &str| !segment.is_empty() && segment.bytes().all(|b| b.is_ascii_graphic() && b != b'*' && b != b'%');
    inner.is_some_and(|inner| inner.split('/').all(is_segment))
}

async fn annotate<P: Purpose<Mailbox>>(granted: &Granted<Mailbox, P>, named: Named) -> Result<(), Refusal> {
    granted.renew()?;
    let collection = Some(granted.collection()?.id);
    let mut batch = Batch::new();
    for (account, entries) in [(Some(granted.session.account()), named.private), (None, named.shared)] {
        if !entries.is_empty() {
            batch.push(Change::Annotate { of: Annotated { collection, account }, entries });
        }
    }
    if batch.is_empty() {
        return Ok(());
    }
    granted.commit(batch).await.map(|_| ()).map_err(told)
}

/// Values and names were looked at before: a table that is full is one of annotations.
fn told(refusal: Refusal) -> Refusal {
    if refusal == octroi_engine::CommitError::Full.into() { Refusal::Limit(ANNOTATIONS) } else { refusal }
}

fn listed(session: &Session, collection: Option<octroi_model::CollectionId>) -> Vec<Annotation> {
    let at = |account| session.gate().engine().annotations(Annotated { collection, account });
    let of = |set: Arc<Annotations>| set.iter().map(|(name, value)| (name.to_string(), value.clone())).collect::<Vec<_>>();
    [of(at(Some(session.account()))), of(at(None))].concat()
}
