//! A question when people are free (RFC 6638 section 5, RFC 5546 section 3.3), and the answer for each of them.

use super::address::{Addresses, user_of};
use super::compose::public;
use crate::busy::{Busy, requested, write_free_busy};
use crate::occurrences::Window;
use crate::tree::Tree;
use jiff::Timestamp;

/// People that one question is about.
const PEOPLE_MAX: usize = 200;

/// A question when people are free.
#[derive(Debug, Clone)]
pub struct Question {
    /// Between which moments.
    pub window: Window,
    /// Who asks, as [`super::address_key`] makes it.
    pub organizer: String,
    /// Whom it is about: the address as it was written, and as [`super::address_key`] makes it.
    pub people: Vec<(String, String)>,
    /// What every answer says again: who asks, and which question it is.
    lines: Vec<String>,
    /// The line of each of them.
    attendees: Vec<String>,
}

impl Question {
    /// Read one; nothing if it is none, or about too many.
    pub fn read(octets: &[u8]) -> Option<Self> {
        let tree = Tree::read(octets).ok()?;
        let calendar = tree.only("VCALENDAR").ok()?;
        if !calendar.value("METHOD").is_some_and(|method| method.trim().eq_ignore_ascii_case("REQUEST")) {
            return None;
        }
        let node = calendar.named("VFREEBUSY").next()?;
        let window = requested(node)?;
        let organizer = node.property("ORGANIZER")?;
        let attendees: Vec<_> = node.all("ATTENDEE").collect();
        if attendees.is_empty() || attendees.len() > PEOPLE_MAX {
            return None;
        }
        let same = [node.property("UID"), Some(organizer)].into_iter().flatten();
        Some(Self {
            window,
            organizer: user_of(organizer),
            people: attendees.iter().map(|entry| (entry.value().trim().to_owned(), user_of(entry))).collect(),
            lines: same.map(public).collect(),
            attendees: attendees.iter().map(|entry| public(entry)).collect(),
        })
    }

    /// Does one of these ask?
    pub fn is_from(&self, me: &Addresses) -> bool {
        me.contains(&self.organizer)
    }

    /// The answer for the one at that place among [`Question::people`].
    pub fn answer(&self, at: usize, busy: &[Busy], now: Timestamp) -> Vec<u8> {
        let mut lines = self.lines.clone();
        lines.extend(self.attendees.get(at).cloned());
        write_free_busy(&self.window, busy, &lines, now, Some("REPLY"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_read_and_answered() {
        let octets = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\nBEGIN:VFREEBUSY\r\nUID:q\r\nDTSTAMP:20261130T000000Z\r\n\
            DTSTART:20261207T000000Z\r\nDTEND:20261208T000000Z\r\nORGANIZER:mailto:lea@douane.example\r\nATTENDEE:mailto:Paul@douane.example\r\n\
            END:VFREEBUSY\r\nEND:VCALENDAR\r\n";
        let question = Question::read(octets).unwrap();
        assert!(question.is_from(&Addresses::of(["lea@douane.example"])));
        assert_eq!(question.people, [("mailto:Paul@douane.example".to_owned(), "paul@douane.example".to_owned())]);
        let answer = String::from_utf8(question.answer(0, &[], Timestamp::UNIX_EPOCH)).unwrap();
        for line in ["METHOD:REPLY", "UID:q", "ATTENDEE:mailto:Paul@douane.example", "DTEND:20261208T000000Z"] {
            assert!(answer.contains(line), "{line} in {answer}");
        }
        let text = String::from_utf8_lossy(octets);
        for bad in [text.replace("REQUEST", "REPLY"), text.replace("DTEND:2026", "DTEND:2025"), text.replace("ATTENDEE", "X-A")] {
            assert!(Question::read(bad.as_bytes()).is_none(), "{bad}");
        }
    }
}
