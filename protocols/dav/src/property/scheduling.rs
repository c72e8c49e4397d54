//! Meetings: where their messages go, and who is meant (RFC 6638).

use super::kept::kept_under;
use super::{Known, Role, Subject, Viewer, told};
use crate::names::{CALDAV, CALENDARSERVER};
use crate::path::folder_href;
use crate::schedule;
use crate::xml::Xml;
use octroi_gate::{AVAILABILITY, Area, SchedulingPlaces};
use octroi_model::{CollectionKind, Path};

pub(super) const TABLE: &[Known] = &[
    // Sections 2.1.1, 2.2.1, 9.2 and 3.2.10.
    told(CALDAV, "C:schedule-outbox-URL", outbox),
    told(CALDAV, "C:schedule-inbox-URL", inbox),
    told(CALDAV, "C:schedule-default-calendar-URL", default_calendar),
    told(CALDAV, "C:schedule-tag", tag),
    // RFC 7953 section 7.2.4, and the name that Apple's programs had for it before.
    told(CALDAV, "C:calendar-availability", availability).role(Role::Availability),
    told(CALENDARSERVER, "CS:calendar-availability", availability).role(Role::Availability),
];

fn inbox(subject: &Subject<'_>, viewer: &Viewer, xml: &mut Xml) -> bool {
    at_principal(subject, viewer, xml, |places| &places.inbox)
}

fn outbox(subject: &Subject<'_>, viewer: &Viewer, xml: &mut Xml) -> bool {
    at_principal(subject, viewer, xml, |places| &places.outbox)
}

fn at_principal(subject: &Subject<'_>, viewer: &Viewer, xml: &mut Xml, place: fn(&SchedulingPlaces) -> &Path) -> bool {
    let (Subject::Principal, Some(places)) = (subject, &viewer.scheduling) else { return false };
    xml.text("D:href", &folder_href(Area::Calendars, &viewer.address, place(places)));
    true
}

fn default_calendar(subject: &Subject<'_>, viewer: &Viewer, xml: &mut Xml) -> bool {
    let path = viewer.scheduling.as_ref().and_then(|places| places.default_calendar.as_ref());
    let (Some(_), Some(path)) = (subject.folder_of(CollectionKind::Inbox), path) else { return false };
    xml.text("D:href", &folder_href(Area::Calendars, &viewer.address, path));
    true
}

/// What somebody said of when they can be asked: others see no more of it than when they cannot.
fn availability(subject: &Subject<'_>, viewer: &Viewer, xml: &mut Xml) -> bool {
    let inbox = subject.folder_of(CollectionKind::Inbox).filter(|facts| facts.owner == viewer.address);
    inbox.and_then(|facts| kept_under(facts, AVAILABILITY)).map(|text| xml.characters(text)).is_some()
}

fn tag(subject: &Subject<'_>, _: &Viewer, xml: &mut Xml) -> bool {
    let Subject::File { item, area, .. } = subject else { return false };
    schedule::tag_of(item, *area).map(|tag| xml.characters(&format!("\"{tag}\""))).is_some()
}
