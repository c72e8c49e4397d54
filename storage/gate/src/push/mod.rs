//! Push: programs that want to be woken when a collection changes, told through a service of their own choice.
//!
//! DAV registers ([`Granted::register_push`]), the program sends what [`Pushes`] says is due. A registration is a private annotation of its account
//! at the collection, so it is on disk, goes with either, and nobody else sees it; its record is sealed, because whoever has the
//! service's URL can wake the program. What always holds: a registration is bound to the app password that made it, and somebody is told only
//! who could list the collection with it at that moment, by the rules of that moment.

mod due;
mod own;
mod record;
mod register;

pub use due::{Push, PushLook, Pushes, Seen};
pub use register::{PushFacts, PushRegistration, PushWish};

pub(crate) use own::{Own, Quiet};
pub(crate) use register::Registering;

/// Name of the limit on how many registrations there are.
pub const PUSH_REGISTRATIONS: &str = "push registrations";

/// Before a registration's own part of its name.
const PREFIX: &str = "/private/webdav-push/";
