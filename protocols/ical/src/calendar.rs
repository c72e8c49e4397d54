//! Calendar objects: RFC 4791 section 4.1 and the preconditions of section 5.3.2. Called by CalDAV PUT.

use crate::content::{ContentLine, OwnedParam};
use crate::invalid::Invalid;
use crate::limits::UID_BYTES_MAX;
use crate::walk::{Entry, Visit, walk};

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
}

impl ComponentKind {
    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Event => "VEVENT",
            Self::Todo => "VTODO",
            Self::Journal => "VJOURNAL",
            Self::FreeBusy => "VFREEBUSY",
        }
    }

    /// From the name in upper case.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Event, Self::Todo, Self::Journal, Self::FreeBusy].into_iter().find(|kind| kind.name() == name)
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
    let mut reader = Reader::default();
    walk(octets, &mut reader)?;
    if reader.calendars != 1 {
        return Err(Invalid::NotOne("VCALENDAR"));
    }
    if !reader.has_version {
        return Err(Invalid::Version);
    }
    let component = reader.kind.ok_or(Invalid::NoComponent)?;
    let chosen = reader.chosen.unwrap_or_default();
    Ok(CalendarFacts {
        component,
        uid: chosen.uid.unwrap_or_default(),
        dtstart: chosen.dtstart,
        dtend: chosen.dtend,
        summary: chosen.summary,
    })
}

#[derive(Default)]
struct Reader {
    calendars: usize,
    has_version: bool,
    kind: Option<ComponentKind>,
    /// The component that is open, if it is one with a UID.
    current: Option<Component>,
    /// The component that the facts come from, as far as has been read.
    chosen: Option<Component>,
}

#[derive(Default)]
struct Component {
    uid: Option<String>,
    is_override: bool,
    dtstart: Option<Property>,
    dtend: Option<Property>,
    summary: Option<Property>,
}

impl Visit for Reader {
    fn entry(&mut self, around: &[String], entry: Entry<'_>) -> Result<(), Invalid> {
        match (around.len(), entry) {
            (0, Entry::Begin(name)) => {
                self.calendars += 1;
                if name != "VCALENDAR" || self.calendars > 1 {
                    return Err(Invalid::NotOne("VCALENDAR"));
                }
            }
            (1, Entry::Begin(name)) => self.begin(name)?,
            (1, Entry::Property(line)) => self.calendar_property(line)?,
            (1, Entry::End) => self.end()?,
            (2, Entry::Property(line)) => {
                if let Some(component) = &mut self.current {
                    component.property(line)?;
                }
            }
            _ => {}
        }
        Ok(())
    }
}

impl Reader {
    fn calendar_property(&mut self, line: &ContentLine<'_>) -> Result<(), Invalid> {
        // RFC 4791 section 4.1: a calendar object resource MUST NOT specify the METHOD property.
        if line.is("METHOD") {
            return Err(Invalid::Method);
        }
        if line.is("VERSION") {
            if line.value.trim() != "2.0" {
                return Err(Invalid::Version);
            }
            self.has_version = true;
        }
        Ok(())
    }

    fn begin(&mut self, name: &str) -> Result<(), Invalid> {
        if name == "VTIMEZONE" {
            return Ok(());
        }
        let kind = ComponentKind::from_name(name).ok_or_else(|| Invalid::UnknownComponent(name.to_owned()))?;
        // RFC 4791 section 4.1: not more than one type of calendar component, except VTIMEZONE.
        if *self.kind.get_or_insert(kind) != kind {
            return Err(Invalid::SeveralKinds);
        }
        self.current = Some(Component::default());
        Ok(())
    }

    fn end(&mut self) -> Result<(), Invalid> {
        let Some(component) = self.current.take() else { return Ok(()) };
        let uid = component.uid.as_ref().ok_or(Invalid::Missing("UID"))?;
        match &self.chosen {
            // RFC 4791 section 4.1: all have the same UID.
            Some(chosen) if chosen.uid.as_ref() != Some(uid) => return Err(Invalid::SeveralUids),
            Some(chosen) if !chosen.is_override || component.is_override => {}
            _ => self.chosen = Some(component),
        }
        Ok(())
    }
}

impl Component {
    fn property(&mut self, line: &ContentLine<'_>) -> Result<(), Invalid> {
        if line.is("UID") {
            let uid = checked_uid(line)?;
            if self.uid.get_or_insert_with(|| uid.clone()) != &uid {
                return Err(Invalid::SeveralUids);
            }
            return Ok(());
        }
        if line.is("RECURRENCE-ID") {
            self.is_override = true;
            return Ok(());
        }
        let kept = [("DTSTART", &mut self.dtstart), ("DTEND", &mut self.dtend), ("SUMMARY", &mut self.summary)];
        for (name, property) in kept {
            if line.is(name) {
                property.get_or_insert_with(|| Property { params: line.owned_params(), value: line.value.to_owned() });
            }
        }
        Ok(())
    }
}

/// The value of a UID line.
pub(crate) fn checked_uid(line: &ContentLine<'_>) -> Result<String, Invalid> {
    let uid = line.value.trim();
    if uid.is_empty() {
        return Err(Invalid::Missing("UID"));
    }
    if uid.len() > UID_BYTES_MAX {
        return Err(Invalid::LongUid);
    }
    Ok(uid.to_owned())
}
