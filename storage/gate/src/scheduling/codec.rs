//! What scheduling needs to know of calendar objects, which nothing in `storage/` can read: given to the gate once, by the composition.

use super::groups::GroupMember;
use crate::content::Content;
use crate::kept::object::ObjectFacts;
use octroi_model::Address;
use std::fmt;
use std::sync::Arc;

/// A change of somebody's calendar object.
#[derive(Debug, Clone, Copy)]
pub struct ObjectChange<'a> {
    /// As it was; nothing if it is new.
    pub old: Option<&'a [u8]>,
    /// As it is to be; nothing if it goes.
    pub new: Option<&'a [u8]>,
    /// The addresses of whose it is.
    pub me: &'a [String],
    /// What the client says with it.
    pub manner: Manner,
}

/// What a client says with a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manner {
    /// It could not know who has answered meanwhile: their answers stay (RFC 6638 section 3.2.10).
    pub merges: bool,
    /// The organizer is told of an answer (RFC 6638 section 8.1).
    pub replies: bool,
}

impl Default for Manner {
    fn default() -> Self {
        Self { merges: false, replies: true }
    }
}

/// What a change means.
#[derive(Debug, Clone, Default)]
pub struct Outgoing {
    /// It is a meeting that its owner asks others to, or was asked to.
    pub scheduled: bool,
    /// What is to be stored; nothing if it goes.
    pub stored: Option<Vec<u8>>,
    /// Who is to be told.
    pub messages: Vec<Telling>,
}

/// Something that somebody is to be told.
#[derive(Debug, Clone)]
pub struct Telling {
    /// REQUEST, CANCEL or REPLY.
    pub method: &'static str,
    /// An address, most likely.
    pub to: String,
    /// The message (RFC 5546).
    pub octets: Vec<u8>,
    /// There is something in it that a person has to know.
    pub matters: bool,
}

/// What a message means to whom it reaches.
#[derive(Debug, Clone)]
pub enum Received {
    /// The object is to be this.
    Stored {
        /// All of it.
        octets: Vec<u8>,
        /// Only answers are different.
        keeps_tag: bool,
    },
    /// Nothing changes, and why.
    Ignored(&'static str),
}

/// A message that leaves by mail (RFC 6047).
#[derive(Debug)]
pub struct Invitation<'a> {
    /// Who sends it.
    pub from: &'a Address,
    /// Their name for people; may be empty.
    pub from_name: &'a str,
    /// Whom.
    pub to: &'a Address,
    /// What.
    pub telling: &'a Telling,
    /// What hangs on it here and goes along; what else does is not to be had for whom it reaches.
    pub attachments: &'a [Arc<MailedAttachment>],
}

/// An attachment of a meeting that goes along with mail about it.
#[derive(Debug)]
pub struct MailedAttachment {
    /// Its number.
    pub id: String,
    /// What people call it.
    pub file_name: String,
    /// A media type without parameters.
    pub media_type: String,
    /// All of it.
    pub octets: Vec<u8>,
}

/// Who sends what a change brings about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender<'a> {
    /// Nobody: nothing is sent.
    Nobody,
    /// Whose object it is.
    Themselves,
    /// For them, somebody with this address.
    Delegate(&'a Address),
}

/// Why a meeting may not be changed like that: preconditions of RFC 6638 section 3.2.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchedulingFault {
    /// The same meeting lies elsewhere in the owner's calendars.
    NotUnique,
    /// Its components name several organizers.
    SeveralOrganizers,
    /// An organizer cannot do this.
    Organizer,
    /// An attendee cannot do this.
    Attendee,
}

impl fmt::Display for SchedulingFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotUnique => "the meeting is in one of the calendars already",
            Self::SeveralOrganizers => "a meeting has one organizer",
            Self::Organizer => "the organizer of a meeting stays the same",
            Self::Attendee => "that is the organizer's to change",
        })
    }
}

/// Reads and writes calendar objects. Does no I/O.
pub trait SchedulingCodec: Send + Sync + 'static {
    /// The UID of an object or message.
    fn uid(&self, octets: &[u8]) -> Option<String>;
    /// The UID of a message, and its method: REQUEST, CANCEL or REPLY; nothing of all else.
    fn message(&self, octets: &[u8]) -> Option<(String, &'static str)>;
    /// What an object or message says of itself, as who puts one describes it; nothing of what cannot be read.
    fn describe(&self, octets: &[u8]) -> Option<ObjectFacts>;
    /// Whom an organizer asks with a change that were not asked before, as [`Telling::to`] has them.
    fn newly_asked(&self, change: &ObjectChange<'_>) -> Vec<String>;
    /// What a change puts, with everybody in these groups, which are among those who are asked; and without who came by one that is not
    /// asked any more.
    fn with_members(&self, change: &ObjectChange<'_>, groups: &[(String, Vec<GroupMember>)]) -> Option<Vec<u8>>;
    /// What a change puts, with who sends for its owner what it brings about, as the server knows it; `None` if it says that already.
    fn with_sender(&self, change: &ObjectChange<'_>, sender: Sender<'_>) -> Option<Vec<u8>>;
    /// What a change means.
    fn change(&self, change: &ObjectChange<'_>) -> Result<Outgoing, SchedulingFault>;
    /// An object with what became of the messages beside those whom they were for: a text as in RFC 6638 section 3.2.9.
    fn with_statuses(&self, octets: &[u8], statuses: &[(String, String)]) -> Vec<u8>;
    /// What a message does to the object of whom it reaches, if they have one. `from`: whom it is certainly from; nothing: the server.
    fn receive(&self, existing: Option<&[u8]>, message: &[u8], me: &[String], from: Option<&str>) -> Received;
    /// The numbers of the managed attachments that an object or message carries, each once (RFC 8607).
    fn attachments(&self, octets: &[u8]) -> Vec<String>;
    /// Does an object carry the managed attachment with that number (RFC 8607)?
    fn carries(&self, octets: &[u8], id: &str) -> bool;
    /// Between which seconds since 1970 a room can be booked.
    fn booking_window(&self) -> (i64, i64);
    /// What a room with these addresses answers to what its own `object` asks: that object with the answer in it, and the answer. `others`: what it
    /// is booked for besides.
    fn decide(&self, object: &[u8], me: &[String], others: &[Vec<u8>]) -> Option<(Vec<u8>, Vec<u8>)>;
    /// A message as mail, with what all mail that leaves has.
    fn mail(&self, invitation: &Invitation<'_>) -> Option<Content>;
}
