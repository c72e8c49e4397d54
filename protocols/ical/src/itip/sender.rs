//! Who acts for somebody: SENT-BY (RFC 5545 section 3.2.18).
//!
//! It is the server's to write, which knows who it is: beside whoever speaks in a message, the address of who has sent it for them, or nothing if they did
//! themselves. Where nothing is sent it stays as it was. So what a client writes there cannot make somebody seem to have acted who has not.

use super::address::user_of;
use super::object::{Object, Part, participation};
use super::{Addresses, Role, role_in};
use crate::edit::{Edits, with_param};
use crate::tree::{Entry, Tree};

const SENT_BY: &str = "SENT-BY";

/// Who sends what a change brings about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender<'s> {
    /// Nobody: nothing is sent.
    Nobody,
    /// Whose object it is.
    Themselves,
    /// For them, somebody with this address.
    Delegate(&'s str),
}

/// The object as it is to be with what SENT-BY is to say of whose object it is; `None` if it says so.
pub fn with_sender(old: Option<&[u8]>, new: &[u8], me: &Addresses, sender: Sender<'_>) -> Option<Vec<u8>> {
    let tree = Tree::read(new).ok()?;
    let object = Object::of(&tree)?;
    let old_tree = old.and_then(|old| Tree::read(old).ok());
    let old = old_tree.as_ref().and_then(Object::of);
    let role = role_in(&object, me);
    let mut edits = Edits::of(new);
    for part in &object.parts {
        let before = old.as_ref().and_then(|old| old.part_for(part.id.as_deref()));
        for entry in part.node.properties.iter().filter(|entry| (entry.is("ORGANIZER") || entry.is("ATTENDEE")) && me.are(entry)) {
            let was = before.and_then(|before| the_same(before, entry));
            let speaks = match role {
                Role::Organizer => entry.is("ORGANIZER"),
                // Whoever answers, where the answer is another.
                _ => entry.is("ATTENDEE") && was.is_none_or(|was| participation(was) != participation(entry)),
            };
            let told = match sender {
                Sender::Themselves if speaks => None,
                Sender::Delegate(address) if speaks => Some(format!("mailto:{address}")),
                _ => was.and_then(|was| was.param(SENT_BY)).map(str::to_owned),
            };
            if entry.param(SENT_BY) != told.as_deref() {
                edits.replace(entry.range.clone(), &with_param(entry.text(), SENT_BY, told.as_deref()));
            }
        }
    }
    (!edits.is_empty()).then(|| edits.apply())
}

fn the_same<'t>(part: &Part<'t>, entry: &Entry<'_>) -> Option<&'t Entry<'t>> {
    let name = entry.name();
    part.node.properties.iter().find(|other| other.is(name) && user_of(other) == user_of(entry))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEA: &str = "mailto:lea@douane.example";

    fn meeting(organizer: &str, answer: &str) -> String {
        format!(
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:a\r\nDTSTART:20260105T090000Z\r\nORGANIZER{organizer}\r\n\
            ATTENDEE{answer}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
        )
    }

    fn told(old: Option<&str>, new: &str, sender: Sender<'_>) -> String {
        let me = Addresses::of([LEA]);
        let made = with_sender(old.map(str::as_bytes), new.as_bytes(), &me, sender);
        made.map_or_else(|| "as it is".to_owned(), |octets| String::from_utf8(octets).unwrap().replace("\r\n ", ""))
    }

    #[test]
    fn it_says_who_sends_and_no_client_does() {
        let paul = ":mailto:paul@douane.example";
        let plain = meeting(&format!(":{LEA}"), paul);
        let by = |who: &str| meeting(&format!(";SENT-BY=\"mailto:{who}\":{LEA}"), paul);
        // A lie goes, whoever tells it, and a delegate is named.
        for sender in [Sender::Nobody, Sender::Themselves] {
            assert_eq!(told(None, &by("boss@douane.example"), sender), plain);
            assert_eq!(told(None, &plain, sender), "as it is");
        }
        for sent in [&plain, &by("boss@douane.example")] {
            assert_eq!(told(None, sent, Sender::Delegate("marc@douane.example")), by("marc@douane.example"));
        }
        assert_eq!(told(None, &by("marc@douane.example"), Sender::Delegate("marc@douane.example")), "as it is");
        // It stays as long as nothing is sent.
        let marc = by("marc@douane.example");
        assert_eq!(told(Some(&marc), &plain, Sender::Nobody), marc);
        assert_eq!(told(Some(&marc), &marc, Sender::Nobody), "as it is");
        assert_eq!(told(Some(&marc), &marc, Sender::Themselves), plain);
    }

    #[test]
    fn of_an_answer_it_says_who_gave_it() {
        let theirs = ":mailto:paul@douane.example";
        let asked = meeting(theirs, &format!(";PARTSTAT=NEEDS-ACTION:{LEA}"));
        let yes = meeting(theirs, &format!(";PARTSTAT=ACCEPTED:{LEA}"));
        let for_her = meeting(theirs, &format!(";PARTSTAT=ACCEPTED;SENT-BY=\"mailto:marc@douane.example\":{LEA}"));
        assert_eq!(told(Some(&asked), &yes, Sender::Delegate("marc@douane.example")), for_her);
        assert_eq!(told(Some(&asked), &for_her, Sender::Themselves), yes);
        assert_eq!(told(Some(&for_her), &yes, Sender::Nobody), for_her);
        // What others say of themselves is not hers to change, and not ours.
        let other = meeting(&format!(";SENT-BY=\"mailto:x@y.example\"{theirs}"), &format!(":{LEA}"));
        assert_eq!(told(None, &other, Sender::Themselves), "as it is");
    }
}
