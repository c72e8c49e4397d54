//! What calendars take, and how much (RFC 4791 section 5.2).

use super::kept::kept_under;
use super::{Known, Role, Subject, Viewer, told};
use crate::config::DavConfig;
use crate::names::CALDAV;
use crate::text_match::write_collations;
use crate::xml::Xml;
use octroi_gate::FolderFacts;
use octroi_model::CollectionKind;

/// Name under which a calendar's component set is kept, as names joined by commas.
pub(crate) const COMPONENTS: &str = "supported-calendar-component-set";
/// Components of a calendar that was made without saying which.
pub(crate) const ALL_COMPONENTS: &str = "VEVENT,VTODO,VJOURNAL,VAVAILABILITY";

pub(super) const TABLE: &[Known] = &[
    told(CALDAV, "C:supported-calendar-component-set", of_calendar).role(Role::Components),
    told(CALDAV, "C:supported-calendar-component-sets", of_new_calendars),
    told(CALDAV, "C:supported-calendar-data", data_types),
    told(CALDAV, "C:max-resource-size", |subject, viewer, xml| limit(subject, viewer, xml, |config| config.object_bytes_max.to_string())),
    told(CALDAV, "C:max-instances", |subject, viewer, xml| limit(subject, viewer, xml, |config| config.instances_max.to_string())),
    told(CALDAV, "C:max-attendees-per-instance", |subject, viewer, xml| {
        limit(subject, viewer, xml, |config| config.attendees_max.to_string())
    }),
    // RFC 8607 sections 6.1 to 6.3.
    told(CALDAV, "C:managed-attachments-server-URL", attachments_server),
    told(CALDAV, "C:max-attachment-size", |subject, viewer, xml| {
        limit(subject, viewer, xml, |config| config.attachment_bytes_max.to_string())
    }),
    told(CALDAV, "C:max-attachments-per-resource", |subject, viewer, xml| {
        limit(subject, viewer, xml, |config| config.attachments_max.to_string())
    }),
    told(CALDAV, "C:min-date-time", |subject, viewer, xml| {
        limit(subject, viewer, xml, |config| format!("{:04}0101T000000Z", config.year_min))
    }),
    told(CALDAV, "C:max-date-time", |subject, viewer, xml| {
        limit(subject, viewer, xml, |config| format!("{:04}1231T235959Z", config.year_max))
    }),
    told(CALDAV, "C:supported-collation-set", collations),
];

fn of_calendar(subject: &Subject<'_>, _: &Viewer, xml: &mut Xml) -> bool {
    let calendar = subject.folder_of(CollectionKind::Calendar);
    calendar.map(|facts| write_components(components(Some(facts)), xml)).is_some()
}

/// What a new calendar may be made for: any of these sets, and any part of the first.
fn of_new_calendars(subject: &Subject<'_>, _: &Viewer, xml: &mut Xml) -> bool {
    if subject.folder_of(CollectionKind::CalendarHome).is_none() {
        return false;
    }
    for set in [ALL_COMPONENTS, "VEVENT", "VTODO", "VJOURNAL", "VAVAILABILITY"] {
        xml.open("C:supported-calendar-component-set");
        write_components(set.split(','), xml);
        xml.close("C:supported-calendar-component-set");
    }
    true
}

/// Empty: attachments are on the server of the calendars.
fn attachments_server(subject: &Subject<'_>, _: &Viewer, _: &mut Xml) -> bool {
    subject.folder_of(CollectionKind::CalendarHome).is_some()
}

fn write_components<'a>(components: impl Iterator<Item = &'a str>, xml: &mut Xml) {
    for component in components {
        xml.empty_with("C:comp", &[("name", component)]);
    }
}

fn data_types(subject: &Subject<'_>, _: &Viewer, xml: &mut Xml) -> bool {
    let calendar = subject.folder_of(CollectionKind::Calendar);
    calendar.map(|_| xml.empty_with("C:calendar-data", &[("content-type", "text/calendar"), ("version", "2.0")])).is_some()
}

fn collations(subject: &Subject<'_>, _: &Viewer, xml: &mut Xml) -> bool {
    subject.folder_of(CollectionKind::Calendar).map(|_| write_collations("C:supported-collation", xml)).is_some()
}

fn limit(subject: &Subject<'_>, viewer: &Viewer, xml: &mut Xml, of: fn(&DavConfig) -> String) -> bool {
    subject.folder_of(CollectionKind::Calendar).map(|_| xml.characters(&of(&viewer.config))).is_some()
}

/// The components that a calendar takes; all, if nothing is known of it.
pub(crate) fn components(facts: Option<&FolderFacts>) -> impl Iterator<Item = &str> {
    facts.and_then(|facts| kept_under(facts, COMPONENTS)).unwrap_or(ALL_COMPONENTS).split(',').filter(|name| !name.is_empty())
}
