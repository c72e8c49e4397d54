//! Scheduling: what a change of an object means to others, and what a message means to whom it reaches (RFC 5546, RFC 6638).
//!
//! Pure: octets in, octets out, no clock and no store. Called by the composition, which gives it to the gate; the gate decides who may send
//! to whom and commits what changes together. Objects are edited by lines ([`crate::edit`]); who only answers changes one line.
//!
//! | file | what |
//! |---|---|
//! | `address` | who is who |
//! | `object` | an object as scheduling sees it |
//! | `moment` | which instance is meant |
//! | `compare` | what differs, by what that means to others |
//! | `compose` | messages |
//! | `organizer` | what an organizer's change means |
//! | `attendee` | what an attendee's change means |
//! | `group` | groups that are asked, as their people |
//! | `receive` | REQUEST and CANCEL at an attendee |
//! | `reply` | REPLY at the organizer |
//! | `planning` | when people are free |
//! | `sender` | who acts for somebody |
//! | `room` | what comes when it is free |
//!
//! Known limits: ADD, COUNTER and DECLINECOUNTER are left to people to read; who answers without having been asked is not added; whether an
//! instance that a reply names is one of the series is known by its form and EXDATE only.

mod address;
mod attendee;
mod compare;
mod compose;
mod group;
pub(crate) mod moment;
mod object;
mod organizer;
mod planning;
mod receive;
mod reply;
mod room;
mod sender;
#[cfg(test)]
mod tests;

pub use address::{Addresses, address_key};
pub use group::{Member, newly_asked, with_members};
pub use organizer::with_statuses;
pub use planning::Question;
pub use receive::receive;
pub use room::{Decision, decide, window as booking_window};
pub use sender::{Sender, with_sender};

use crate::tree::Tree;
use object::Object;
use std::collections::BTreeSet;

/// A change of somebody's object.
#[derive(Debug, Clone, Copy)]
pub struct Change<'a> {
    /// As it was; nothing if it is new.
    pub old: Option<&'a [u8]>,
    /// As it is to be; nothing if it goes.
    pub new: Option<&'a [u8]>,
    /// Whose object it is.
    pub me: &'a Addresses,
    /// The moment, as DTSTAMP has it.
    pub now: &'a str,
    /// What others have answered meanwhile goes before what is written here (RFC 6638 section 3.2.10).
    pub merges: bool,
    /// The organizer is told (RFC 6638 section 8.1: `Schedule-Reply`).
    pub replies: bool,
}

/// What somebody is in an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// They ask others.
    Organizer,
    /// They were asked.
    Attendee,
    /// Nothing: it is not scheduled, or by others with others.
    Neither,
}

/// What is in a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Somebody is asked, or told what is different.
    Request,
    /// It does not take place, or not with them.
    Cancel,
    /// An answer.
    Reply,
}

impl Method {
    /// On the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Request => "REQUEST",
            Self::Cancel => "CANCEL",
            Self::Reply => "REPLY",
        }
    }
}

/// A message for one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What is in it.
    pub method: Method,
    /// For whom: an address as [`address_key`] makes it.
    pub to: String,
    /// A VCALENDAR with this METHOD.
    pub octets: Vec<u8>,
    /// There is something in it that a person has to know; else it only keeps programs in step.
    pub matters: bool,
}

/// What a change comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// What its owner is in it.
    pub role: Role,
    /// What is to be stored; nothing if it goes.
    pub stored: Option<Vec<u8>>,
    /// Who is to be told.
    pub messages: Vec<Message>,
}

/// Why a change may not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Components name different organizers: `same-organizer-in-all-components`.
    SeveralOrganizers,
    /// `allowed-organizer-scheduling-object-change`.
    Organizer,
    /// `allowed-attendee-scheduling-object-change`.
    Attendee,
}

/// What becomes of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// The receiver's object is to be this.
    Stored {
        /// All of it.
        octets: Vec<u8>,
        /// Only answers are different, so the Schedule-Tag stays.
        keeps_tag: bool,
    },
    /// The sender wants to be told how it stands.
    Refresh,
    /// Nothing changes, and why.
    Ignored(&'static str),
}

/// What is somebody in an object?
pub fn role(octets: &[u8], me: &Addresses) -> Role {
    Tree::read(octets).ok().and_then(|tree| Object::of(&tree).map(|object| role_in(&object, me))).unwrap_or(Role::Neither)
}

fn role_in(object: &Object<'_>, me: &Addresses) -> Role {
    match object.organizer() {
        Some(organizer) if me.are(organizer) => Role::Organizer,
        Some(_) if object.parts.iter().any(|part| part.of_mine(me).is_some()) => Role::Attendee,
        _ => Role::Neither,
    }
}

/// The organizer of an object, as [`address_key`] makes it.
pub fn organizer_of(octets: &[u8]) -> Option<String> {
    let tree = Tree::read(octets).ok()?;
    Object::of(&tree)?.organizer().map(address::user_of)
}

/// The UID of an object, and its METHOD if it is a message.
pub fn uid_of(octets: &[u8]) -> Option<(String, Option<String>)> {
    let tree = Tree::read(octets).ok()?;
    let object = Object::of(&tree)?;
    Some((object.uid()?.to_owned(), object.method()))
}

/// What people are told of a message: what it is about, when and where.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Digest {
    /// SUMMARY.
    pub title: String,
    /// LOCATION.
    pub place: String,
    /// When it begins, as it is written, in its zone.
    pub start: String,
    /// How somebody answers, of a REPLY.
    pub answer: String,
}

/// What people are told of a message.
pub fn digest(octets: &[u8]) -> Option<Digest> {
    let tree = Tree::read(octets).ok()?;
    let object = Object::of(&tree)?;
    let part = object.parts.first()?;
    let text = |name| part.node.value(name).map_or_else(String::new, |value| crate::value::unescaped(value).into_owned());
    let answer = part.node.property("ATTENDEE").map(object::participation).unwrap_or_default();
    let start = part.node.property("DTSTART").map(moment::for_people).unwrap_or_default();
    Some(Digest { title: text("SUMMARY"), place: text("LOCATION"), start, answer })
}

/// What a change means.
pub fn change(change: &Change<'_>) -> Result<Outgoing, Fault> {
    let plain = |role| Outgoing { role, stored: change.new.map(<[u8]>::to_vec), messages: Vec::new() };
    let (old_tree, new_tree) = (change.old.and_then(|o| Tree::read(o).ok()), change.new.and_then(|o| Tree::read(o).ok()));
    let (old, new) = (old_tree.as_ref().and_then(Object::of), new_tree.as_ref().and_then(Object::of));
    if new.as_ref().is_some_and(has_several_organizers) {
        return Err(Fault::SeveralOrganizers);
    }
    let was = old.as_ref().map_or(Role::Neither, |old| role_in(old, change.me));
    let is = new.as_ref().map_or(Role::Neither, |new| role_in(new, change.me));
    if was == Role::Organizer || is == Role::Organizer && was == Role::Neither {
        organizer::check(change, old.as_ref(), new.as_ref())?;
        return Ok(organized(change, old.as_ref(), new.as_ref()));
    }
    match (old.as_ref(), new.as_ref()) {
        (Some(old), Some(new)) if was == Role::Attendee => {
            attendee::check(change, old, new)?;
            let messages = attendee::reply(change, Some(old), new).into_iter().collect();
            Ok(Outgoing { role: was, stored: Some(attendee::stored(new)), messages })
        }
        (Some(old), None) if was == Role::Attendee => {
            Ok(Outgoing { role: was, stored: None, messages: attendee::decline(change, old).into_iter().collect() })
        }
        (_, Some(new)) if is == Role::Attendee => {
            // Who puts in what is over has it from elsewhere, and is not answering.
            let is_over = new_tree.as_ref().is_some_and(|tree| moment::is_over(tree, change.now));
            let messages = attendee::reply(change, None, new).filter(|_| !is_over).into_iter().collect();
            Ok(Outgoing { role: is, stored: Some(attendee::stored(new)), messages })
        }
        _ => Ok(plain(is)),
    }
}

fn organized(change: &Change<'_>, old: Option<&Object<'_>>, new: Option<&Object<'_>>) -> Outgoing {
    let Some(new) = new else {
        let messages = organizer::messages(change, old, None, &BTreeSet::new());
        return Outgoing { role: Role::Organizer, stored: None, messages };
    };
    let forced = organizer::forced(new);
    let stored = organizer::stored(change, old, new);
    // What is sent is what is stored.
    let tree = Tree::read(&stored).ok();
    let settled = tree.as_ref().and_then(Object::of);
    let messages = organizer::messages(change, old, settled.as_ref(), &forced);
    Outgoing { role: Role::Organizer, stored: Some(stored), messages }
}

fn has_several_organizers(object: &Object<'_>) -> bool {
    let mut organizers = object.parts.iter().flat_map(|part| part.node.all("ORGANIZER")).map(address::user_of);
    let first = organizers.next();
    organizers.any(|other| Some(other) != first)
}
