//! Meetings: what a change in one calendar brings about in others (RFC 6638).
//!
//! Called by DAV for what is put into a calendar, and by SMTP for what comes by mail. The gate cannot read calendar objects; it asks a codec
//! that the composition gives it ([`Gate::schedule_with`]). Without one nothing is scheduled. What always holds: what is put and what others
//! get of it are one commit, so nobody is invited twice and nothing is half done, whatever crashes; nothing is told when a version, the
//! trash or a whole collection goes, nor by COPY, MOVE, import or restore.
//!
//! | file | what |
//! |---|---|
//! | `codec` | what is asked about objects |
//! | `homes` | inbox, outbox, default calendar; an object by its UID |
//! | `groups` | who is in a group that is asked |
//! | `plan` | who is told, and what they get |
//! | `acts` | put, replace, remove |
//! | `mail` | what comes by mail |
//! | `busy` | when somebody is busy |

mod acts;
mod busy;
mod codec;
mod groups;
mod homes;
mod mail;
mod mailed;
mod plan;

pub use acts::{PutObject, is_meeting, schedule_tag};
pub use busy::SeenCalendars;
pub use codec::{
    Invitation, MailedAttachment, Manner, ObjectChange, Outgoing, Received, SchedulingCodec, SchedulingFault, Sender, Telling,
};
pub use groups::GroupMember;
pub use homes::{AVAILABILITY, DEFAULT_CALENDAR, SchedulingPlaces};
pub use plan::ATTENDEES;

pub(crate) use homes::TRANSPARENCY;

use crate::gate::Gate;
use acts::fresh_tag;
use std::sync::Arc;

impl Gate {
    /// Schedule meetings with this codec from now on. The first one counts.
    pub fn schedule_with(&self, codec: Arc<dyn SchedulingCodec>) {
        let _ = self.0.scheduling.set(codec);
    }

    /// Are meetings scheduled here?
    pub fn schedules(&self) -> bool {
        self.0.scheduling.get().is_some()
    }
}
