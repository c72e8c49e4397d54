//! Calendar objects: RFC 4791 section 4.1 and the preconditions of section 5.3.2. Called by CalDAV PUT.

use crate::availability::{self, VAVAILABILITY};
use crate::content::OwnedParam;
use crate::invalid::{Invalid, Unreadable};
use crate::limits::UID_BYTES_MAX;
use crate::recur::Rule;
use crate::tree::{Entry, Node, Tree};
use crate::value::{Length, Moment, Period, ValueFault};

/// What a calendar object is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ComponentKind {
    /// VEVENT.
    Event,
    /// VTODO.
    Todo,
    /// VJOURNAL.
    Journal,
    /// VFREEBUSY.
    FreeBusy,
    /// VAVAILABILITY (RFC 7953).
    Availability,
}

impl ComponentKind {
    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Event => "VEVENT",
            Self::Todo => "VTODO",
            Self::Journal => "VJOURNAL",
            Self::FreeBusy => "VFREEBUSY",
            Self::Availability => VAVAILABILITY,
        }
    }

    /// Can there be overridden instances of it?
    fn recurs(self) -> bool {
        matches!(self, Self::Event | Self::Todo | Self::Journal)
    }

    /// From the name in upper case.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Event, Self::Todo, Self::Journal, Self::FreeBusy, Self::Availability].into_iter().find(|kind| kind.name() == name)
    }
}

/// A property's parameters and raw value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Property {
    /// In their order, such as `TZID` and `VALUE`.
    pub params: Vec<OwnedParam>,
    /// As it was sent, escapes included.
    pub value: String,
}

/// What a calendar object says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalendarFacts {
    /// The kind of all its components but the time zones.
    pub component: ComponentKind,
    /// Their common UID.
    pub uid: String,
    /// `DTSTART` of the component that has no RECURRENCE-ID; of the first when all have one. So are the two below.
    pub dtstart: Option<Property>,
    /// `DTEND`.
    pub dtend: Option<Property>,
    /// `SUMMARY`.
    pub summary: Option<Property>,
}

/// Checks that octets are one calendar object resource, and says what is in it.
pub fn validate_calendar(octets: &[u8]) -> Result<CalendarFacts, Invalid> {
    calendar_facts(&Tree::read(octets)?)
}

/// The same of an object that was read already.
pub fn calendar_facts(tree: &Tree<'_>) -> Result<CalendarFacts, Invalid> {
    let calendar = tree.only("VCALENDAR")?;
    // RFC 4791 section 4.1: a calendar object resource MUST NOT specify the METHOD property.
    if calendar.property("METHOD").is_some() {
        return Err(Invalid::Method);
    }
    let mut versions = calendar.all("VERSION").peekable();
    if versions.peek().is_none() || versions.any(|entry| entry.value().trim() != "2.0") {
        return Err(Invalid::Version);
    }
    let mut kind = None;
    // The one without RECURRENCE-ID; the first when all have one.
    let mut chosen: Option<(&Node<'_>, String)> = None;
    for node in calendar.components.iter().filter(|node| node.name != "VTIMEZONE") {
        let component = ComponentKind::from_name(&node.name).ok_or_else(|| Invalid::UnknownComponent(node.name.clone()))?;
        // RFC 4791 section 4.1: not more than one type of calendar component, except VTIMEZONE.
        if *kind.get_or_insert(component) != component {
            return Err(Invalid::SeveralKinds);
        }
        let uid = uid_of(node)?.ok_or(Invalid::Missing("UID"))?;
        match component {
            ComponentKind::FreeBusy => {}
            ComponentKind::Availability => availability::check(node, tree)?,
            _ => check_values(node)?,
        }
        match &chosen {
            // RFC 4791 section 4.1: all have the same UID.
            Some((_, common)) if *common != uid => return Err(Invalid::SeveralUids),
            // RFC 4791 section 4.1: the components of one UID are a recurrence and its overridden instances. Which of two is meant cannot be known.
            Some((first, _)) if component.recurs() && !is_override(first) && !is_override(node) => {
                return Err(Invalid::TwoMain { number: node.property("UID").map_or(0, |entry| entry.number) });
            }
            Some((first, _)) if !is_override(first) || is_override(node) => {}
            _ => chosen = Some((node, uid)),
        }
    }
    let (Some(component), Some((node, uid))) = (kind, chosen) else { return Err(Invalid::NoComponent) };
    let property = |name: &str| {
        let kept = |entry: &Entry<'_>| Property { params: entry.line().owned_params(), value: entry.value().to_owned() };
        node.property(name).map(kept)
    };
    Ok(CalendarFacts { component, uid, dtstart: property("DTSTART"), dtend: property("DTEND"), summary: property("SUMMARY") })
}

fn is_override(node: &Node<'_>) -> bool {
    node.property("RECURRENCE-ID").is_some()
}

/// What there must not be twice (RFC 5545 sections 3.6.1 to 3.6.3): each program would take another. The same twice is harmless.
const ONCE: [&str; 5] = ["DTSTART", "DTEND", "DUE", "DURATION", "RECURRENCE-ID"];

/// What decides when a component is must be understood, or it would be missing from every answer that asks for a time.
pub(crate) fn check_values(node: &Node<'_>) -> Result<(), Invalid> {
    for entry in &node.properties {
        let name = entry.name().to_ascii_uppercase();
        let checked = match name.as_str() {
            "DTSTART" | "DTEND" | "DUE" | "RECURRENCE-ID" => Moment::read(entry).map(drop).map_err(Unreadable::Value),
            "RDATE" | "EXDATE" => dates(entry).map_err(Unreadable::Value),
            "DURATION" => Length::of(entry.value()).map(drop).map_err(Unreadable::Value),
            // Without a value there is no rule.
            "RRULE" | "EXRULE" if !entry.value().trim().is_empty() => entry.value().parse::<Rule>().map(drop).map_err(Unreadable::Rule),
            _ => Ok(()),
        };
        if ONCE.contains(&name.as_str()) && node.property(&name).is_some_and(|first| first.text() != entry.text()) {
            return Err(Invalid::Twice { number: entry.number, name });
        }
        checked.map_err(|fault| Invalid::Value { number: entry.number, name, fault })?;
    }
    Ok(())
}

/// Exchange writes exceptions without a value: they are none.
fn dates(entry: &Entry<'_>) -> Result<(), ValueFault> {
    let (tzid, kind) = (entry.param("TZID"), entry.param("VALUE"));
    entry
        .value()
        .split(',')
        .filter(|value| !value.trim().is_empty())
        .try_for_each(|value| if value.contains('/') { Period::of(value, tzid).map(drop) } else { Moment::of(value, tzid, kind).map(drop) })
}

/// The value of UID, if there is one.
pub(crate) fn uid_of(node: &Node<'_>) -> Result<Option<String>, Invalid> {
    let mut found = None;
    for entry in node.all("UID") {
        let uid = entry.value().trim();
        if uid.is_empty() {
            return Err(Invalid::Missing("UID"));
        }
        if uid.len() > UID_BYTES_MAX {
            return Err(Invalid::LongUid);
        }
        if *found.get_or_insert(uid) != uid {
            return Err(Invalid::SeveralUids);
        }
    }
    Ok(found.map(str::to_owned))
}
