//! An object as scheduling sees it: a main component, overridden instances of it, and who takes part in each.

use super::address::{Addresses, user_of};
use super::moment;
use crate::tree::{Entry, Node, Tree};
use std::collections::BTreeSet;

/// Kinds of components that are scheduled (RFC 6638 section 3.1).
const KINDS: [&str; 2] = ["VEVENT", "VTODO"];

/// An object; all of it borrowed from its tree.
pub(super) struct Object<'t> {
    pub(super) octets: &'t [u8],
    pub(super) calendar: &'t Node<'t>,
    pub(super) parts: Vec<Part<'t>>,
}

/// One VEVENT or VTODO.
#[derive(Clone)]
pub(super) struct Part<'t> {
    pub(super) node: &'t Node<'t>,
    /// Which instance it overrides; `None`: the main one.
    pub(super) id: Option<String>,
}

/// `SCHEDULE-AGENT` (RFC 6638 section 7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Agent {
    Server,
    /// The client does it, or nobody.
    Other,
}

impl<'t> Object<'t> {
    /// Nothing if there is nothing in it that can be scheduled.
    pub(super) fn of(tree: &'t Tree<'t>) -> Option<Self> {
        let calendar = tree.components.iter().find(|node| node.name == "VCALENDAR")?;
        let part = |node: &'t Node<'t>| Part { node, id: node.property("RECURRENCE-ID").map(moment::key) };
        let parts: Vec<_> = calendar.components.iter().filter(|node| KINDS.contains(&&*node.name)).map(part).collect();
        (!parts.is_empty()).then_some(Self { octets: tree.octets, calendar, parts })
    }

    pub(super) fn method(&self) -> Option<String> {
        self.calendar.value("METHOD").map(|method| method.trim().to_ascii_uppercase())
    }

    pub(super) fn main(&self) -> Option<&Part<'t>> {
        self.parts.iter().find(|part| part.id.is_none())
    }

    pub(super) fn part(&self, id: Option<&str>) -> Option<&Part<'t>> {
        self.parts.iter().find(|part| part.id.as_deref() == id)
    }

    /// What an instance is made of: its own component, or the main one.
    pub(super) fn part_for(&self, id: Option<&str>) -> Option<&Part<'t>> {
        self.part(id).or_else(|| self.main())
    }

    pub(super) fn organizer(&self) -> Option<&'t Entry<'t>> {
        self.parts.iter().find_map(|part| part.node.property("ORGANIZER"))
    }

    pub(super) fn uid(&self) -> Option<&'t str> {
        self.parts.first()?.node.value("UID").map(str::trim)
    }

    /// Everybody who takes part in any of it.
    pub(super) fn users(&self) -> BTreeSet<String> {
        self.parts.iter().flat_map(|part| part.node.all("ATTENDEE")).map(user_of).collect()
    }
}

impl<'t> Part<'t> {
    pub(super) fn attendee(&self, user: &str) -> Option<&'t Entry<'t>> {
        self.node.properties.iter().find(|entry| entry.is("ATTENDEE") && user_of(entry) == user)
    }

    pub(super) fn of_mine(&self, me: &Addresses) -> Option<&'t Entry<'t>> {
        self.node.properties.iter().find(|entry| entry.is("ATTENDEE") && me.are(entry))
    }

    /// RFC 5545 section 3.8.7.4: 0 where there is none.
    pub(super) fn sequence(&self) -> u64 {
        self.node.value("SEQUENCE").and_then(|text| text.trim().parse().ok()).unwrap_or(0)
    }

    /// DTSTAMP; sorts as text, as it is in UTC.
    pub(super) fn stamp(&self) -> &'t str {
        self.node.value("DTSTAMP").map_or("", str::trim)
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.node.value("STATUS").is_some_and(|status| status.trim().eq_ignore_ascii_case("CANCELLED"))
    }

    /// Instances that are taken out, with the line that says so.
    pub(super) fn excluded(&self) -> Vec<(String, &'t Entry<'t>, &'t str)> {
        let lines = self.node.properties.iter().filter(|entry| entry.is("EXDATE"));
        lines.flat_map(|entry| entry.value().split(',').map(move |value| (moment::key_of(entry, value), entry, value.trim()))).collect()
    }

    pub(super) fn excludes(&self, id: &str) -> bool {
        self.excluded().iter().any(|(known, _, _)| known == id)
    }

    /// What an override says its instance is, and when it is now: the same.
    pub(super) fn is_in_its_place(&self) -> bool {
        self.id.is_none() || self.id == self.node.property("DTSTART").map(moment::key)
    }
}

/// An attendee's or organizer's participation; RFC 5545 section 3.2.12.
pub(super) fn participation(entry: &Entry<'_>) -> String {
    entry.param("PARTSTAT").map_or_else(|| "NEEDS-ACTION".to_owned(), str::to_ascii_uppercase)
}

pub(super) fn agent(entry: &Entry<'_>) -> Agent {
    match entry.param("SCHEDULE-AGENT") {
        Some(agent) if !agent.eq_ignore_ascii_case("SERVER") => Agent::Other,
        _ => Agent::Server,
    }
}

/// `SCHEDULE-FORCE-SEND` with this value.
pub(super) fn is_forced(entry: &Entry<'_>, method: &str) -> bool {
    entry.param("SCHEDULE-FORCE-SEND").is_some_and(|forced| forced.eq_ignore_ascii_case(method))
}
