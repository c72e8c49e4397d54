//! What is kept of a subscription.

use super::{RECORD, SubscriptionFault};
use crate::gate::Gate;
use crate::key::DataKey;
use crate::refusal::Refusal;
use octroi_engine::{Batch, Change};
use octroi_model::{AccountId, Annotated, CollectionId, UnixTime};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Sealed beside the calendar. Fields are only appended: it is read back by later versions.
#[derive(Clone, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub(super) struct Record {
    pub(super) url: String,
    /// Its events may ring.
    pub(super) alarms: bool,
    /// When somebody subscribed, when it was last asked for and when something came, and when it is to be asked for again: seconds since 1970.
    pub(super) since: i64,
    pub(super) tried: Option<i64>,
    pub(super) fetched: Option<i64>,
    pub(super) due: i64,
    #[zeroize(skip)]
    pub(super) fault: Option<SubscriptionFault>,
    /// Fetches in a row that brought nothing.
    pub(super) failures: u32,
    /// Objects that were left out, as nobody could understand them.
    pub(super) left_out: u32,
    /// By which the server there knows what it gave last.
    pub(super) etag: Option<String>,
    pub(super) modified: Option<String>,
}

impl Record {
    pub(super) fn new(url: &str, alarms: bool) -> Self {
        let now = UnixTime::now().0;
        Self {
            url: url.to_owned(),
            alarms,
            since: now,
            tried: None,
            fetched: None,
            due: now,
            fault: None,
            failures: 0,
            left_out: 0,
            etag: None,
            modified: None,
        }
    }

    fn sealed(&self, key: &DataKey) -> Result<Vec<u8>, Refusal> {
        let text = serde_json::to_vec(self).map(Zeroizing::new).map_err(|_| Refusal::Unavailable)?;
        key.seal(&text).map_err(|error| {
            tracing::error!(%error, "a subscription could not be sealed");
            Refusal::Unavailable
        })
    }

    /// Keep it, in that batch.
    pub(super) fn keep(&self, gate: &Gate, of: Annotated, batch: &mut Batch) -> Result<(), Refusal> {
        let sealed = self.sealed(&gate.0.key)?;
        batch.push(Change::Annotate { of, entries: vec![(Arc::from(RECORD), Some(Arc::from(sealed)))] });
        Ok(())
    }

    /// That of a calendar; `None`: there is none, or it was sealed under another key.
    pub(super) fn at(gate: &Gate, of: Annotated) -> Option<Self> {
        let set = gate.engine().annotations(of);
        serde_json::from_slice(&gate.0.key.unseal(set.get(RECORD)?)?).ok()
    }
}

/// Where the record of a calendar is.
pub(super) fn place(collection: CollectionId, owner: AccountId) -> Annotated {
    Annotated { collection: Some(collection), account: Some(owner) }
}
