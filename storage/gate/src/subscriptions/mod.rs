//! Subscriptions: calendars of the web that the server fetches for somebody, and keeps in their home to be read.
//!
//! A calendar that is one has a mark among its properties, and its record (where from, what came of it) is a sealed private annotation of its owner's at
//! the collection: it is on disk, goes with either, and nobody else sees it, since the URL of a calendar is often all that keeps it secret.
//! What always holds: whether somebody may subscribe is the profile's word (`subscribe_calendars`); nobody writes what is in such a calendar but
//! [`crate::Admin::settle_subscription`], so a change that others would be told of cannot come from there; a fetch that fails takes nothing away.
//! The gate knows no network and no iCalendar: the program fetches, and says what is to be there.

mod record;
mod refresh;
mod subscribe;

pub use refresh::{DueSubscription, Fetched, FetchedObject, Refreshed, Settled};
pub use subscribe::{SUBSCRIPTIONS, SubscriptionFacts, SubscriptionWish};

pub(crate) use subscribe::{Subscribing, host_of};

use crate::granted::FoundItem;
use crate::tree::Node;
use octroi_model::{Collection, CollectionKind, Rights};
use serde::{Deserialize, Serialize};

/// The property of a calendar that is fetched from the web.
pub(crate) const SUBSCRIBED: &str = "subscribed";
/// The annotation that keeps the record of one.
const RECORD: &str = "/private/subscription";
/// What is left of the rights on what is in one.
const READ_ONLY: Rights = Rights::LOOKUP.or(Rights::READ).or(Rights::SEEN).or(Rights::FREE_BUSY);
/// What those rights are on its objects that nobody has who may not change them.
const CHANGES: Rights = Rights::WRITE.or(Rights::INSERT).or(Rights::DELETE_ITEMS).or(Rights::EXPUNGE).or(Rights::MOVE_AWAY);

/// Why the last fetch brought nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SubscriptionFault {
    /// The URL is none that is asked, or leads where nothing is asked.
    Source,
    /// Nobody answers there, or not who should.
    Unreachable,
    /// It took too long.
    Late,
    /// The server there said this instead of giving the calendar.
    Status(u16),
    /// It leads on too often, or nowhere.
    Redirects,
    /// It is larger than is taken.
    TooLarge,
    /// It has more objects than are taken.
    TooMany,
    /// What came is no calendar.
    NotCalendar,
    /// There is no room for it.
    OverQuota,
    /// The profile does not let one have any more.
    NotAllowed,
}

/// Is it fetched from the web?
pub(crate) fn is_subscribed(collection: &Collection) -> bool {
    collection.kind == CollectionKind::Calendar && collection.property(SUBSCRIBED).is_some()
}

/// The rights on the calendar itself: it can be called otherwise, shared and removed, and nothing can be put into it.
pub(crate) fn leaves(collection: &Collection, rights: Rights) -> Rights {
    if is_subscribed(collection) { rights.without(Rights::INSERT) } else { rights }
}

/// The rights on an object of one.
pub(crate) fn on_file(at: &FoundItem, rights: Rights) -> Rights {
    if is_of_subscription(&at.folder) { rights & READ_ONLY } else { rights }
}

/// What programs are told: those that show a calendar as one to be read go by the rights on what is in it.
pub(crate) fn told(node: &Node, rights: Rights) -> Rights {
    if is_of_subscription(node) { rights.without(CHANGES) } else { rights }
}

fn is_of_subscription(node: &Node) -> bool {
    node.real().is_ok_and(|collection| is_subscribed(collection))
}
