//! Invitations to shared calendars (Apple's caldav-sharing): who was invited and what they said to it.
//!
//! Sharing is the ACL and nothing else: an invitation sets an entry of it, by the rules and with the audit line of any other edit, and from then on the
//! calendar is among those of whom it is shared with. An invitation adds what an ACL does not know: a notice to them, what they answered, and a
//! notice of that. Who declines does not see the calendar any more; the entry stays, and nobody else's view alters. What is kept are private
//! annotations at the top of each person's own calendars, so they go with the account, and a limit bounds what others can put there.

mod answer;
mod follow;
mod record;

pub use answer::{InviteNotice, ShareNotice};
pub use follow::{InviteWish, Sharee};
pub use record::InviteState;

pub(crate) use follow::follow;
pub(crate) use record::{declined, is_declined};

/// Before the names of what is kept.
const PREFIX: &str = "/private/sharing/";
