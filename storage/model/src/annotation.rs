//! Annotations: named values that clients keep at a mailbox or at the server (RFC 5464).

use crate::{AccountId, CollectionId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is annotated, and for whom. Private annotations are one account's, and nobody else sees them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Annotated {
    /// The mailbox; `None` is the server.
    pub collection: Option<CollectionId>,
    /// Whose private annotations; `None` is those that all share who may see the mailbox.
    pub account: Option<AccountId>,
}

/// A name with the value that it gets; `None` takes it away.
pub type AnnotationEdit = (Arc<str>, Option<Arc<[u8]>>);

/// All annotations of one [`Annotated`]: values by name. Names are in lower case, with `/private/` or `/shared/` in front.
pub type Annotations = BTreeMap<Arc<str>, Arc<[u8]>>;
