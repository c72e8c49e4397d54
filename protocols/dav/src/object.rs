//! Calendar objects and cards on their way in: checked, never changed (RFC 4791 section 5.3.2.1, RFC 6352 section 6.3.2.1).
//!
//! Called by PUT, and by what reads whole objects. The octets that pass are the octets that are stored, so the strong entity tag holds for what the
//! client sent. What is wrong is told by the precondition that is broken, with a sentence for people that names the line.

use crate::caldav::{facts_of, strip};
use crate::config::DavConfig;
use crate::path::file_href;
use crate::property::components;
use crate::refusal::Fault;
use http::StatusCode;
use jiff::tz::TimeZone;
use octroi_gate::{Area, File, FolderAt, FolderFacts, Granted, List, ObjectFacts, Read, Refusal, Session};
use octroi_ical::{Moment, Node, Precondition, TooMany, Tree, Window, calendar_facts, card_facts, occurrences};

/// An object that was checked.
#[derive(Debug)]
pub(crate) struct Checked {
    /// Under which it is kept.
    pub media_type: String,
    /// What is noted of it.
    pub facts: Option<ObjectFacts>,
}

/// Check an object for a collection. `sent` is the request's `Content-Type`; `collection` is `None` when the session may add to it without
/// reading it: then it takes what any calendar takes.
pub(crate) fn check(
    area: Area,
    octets: &[u8],
    sent: Option<&str>,
    collection: Option<&FolderFacts>,
    config: &DavConfig,
) -> Result<Checked, Fault> {
    let essence = sent.map(|value| value.split(';').next().unwrap_or("").trim().to_ascii_lowercase());
    let expected = if area == Area::Calendars { "text/calendar" } else { "text/vcard" };
    let taken = match essence.as_deref() {
        None | Some("application/octet-stream") => true,
        // Apple's address book of old.
        Some("text/x-vcard") => area == Area::Contacts,
        Some(other) => other == expected,
    };
    if !taken {
        return Err(Fault::Rule(StatusCode::FORBIDDEN, element(area, Precondition::SupportedData)));
    }
    let invalid = |invalid: octroi_ical::Invalid| Fault::because(element(area, invalid.precondition()), invalid.to_string());
    let tree = Tree::read(octets).map_err(invalid)?;
    if area == Area::Contacts {
        card_facts(&tree).map_err(invalid)?;
        let media_type = "text/vcard; charset=utf-8".to_owned();
        return Ok(Checked { media_type, facts: facts_of(area, &tree, &config.expansion()) });
    }
    let component = calendar_facts(&tree).map_err(invalid)?.component.name();
    if !takes(collection, component) {
        return Err(Fault::because("C:supported-calendar-component", format!("This calendar takes no {component}.")));
    }
    let facts = facts_of(area, &tree, &config.expansion());
    within_limits(&tree, facts.as_ref(), config)?;
    // Clients list a calendar by this instead of reading every object.
    Ok(Checked { media_type: format!("text/calendar; charset=utf-8; component={}", component.to_ascii_lowercase()), facts })
}

/// What is noted of a calendar object, and under which media type it is kept, if a calendar would take it; for whoever puts one by another way.
pub fn described(octets: &[u8], config: &DavConfig) -> Option<(ObjectFacts, String)> {
    let checked = check(Area::Calendars, octets, None, None, config).ok()?;
    Some((checked.facts?, checked.media_type))
}

/// Does a calendar take objects of this component?
pub(crate) fn takes(collection: Option<&FolderFacts>, component: &str) -> bool {
    components(collection).any(|name| name.eq_ignore_ascii_case(component))
}

/// The limits that the properties of a calendar announce (RFC 4791 sections 5.2.6 to 5.2.9).
fn within_limits(tree: &Tree<'_>, facts: Option<&ObjectFacts>, config: &DavConfig) -> Result<(), Fault> {
    let components = || tree.components.iter().flat_map(|calendar| &calendar.components).filter(|node| node.name != "VTIMEZONE");
    for node in components() {
        let attendees = node.all("ATTENDEE").count();
        if attendees > config.attendees_max {
            let why = format!("{attendees} attendees are more than the {} that are taken.", config.attendees_max);
            return Err(Fault::because("C:max-attendees-per-instance", why));
        }
        within_years(node, config)?;
    }
    // What has no end has no number of instances either.
    let is_finite = facts.is_some_and(|facts| facts.last.is_some() && facts.traits.contains(octroi_gate::ObjectTraits::RECURS));
    if is_finite && occurrences(tree, &TimeZone::UTC, &Window::ALL, &config.expansion()) == Err(TooMany::Instances) {
        let why = format!("It has more than the {} instances that are taken.", config.instances_max);
        return Err(Fault::because("C:max-instances", why));
    }
    Ok(())
}

fn within_years(node: &Node<'_>, config: &DavConfig) -> Result<(), Fault> {
    for entry in ["DTSTART", "DTEND", "DUE", "RECURRENCE-ID"].into_iter().filter_map(|name| node.property(name)) {
        let Ok(moment) = Moment::read(entry) else { continue };
        let year = u64::try_from(moment.local().year()).unwrap_or(0);
        let why = |than: &str, year: u64| format!("{} on line {} is {than} than the year {year}.", entry.name(), entry.number);
        if year < config.year_min {
            return Err(Fault::because("C:min-date-time", why("earlier", config.year_min)));
        }
        if year > config.year_max {
            return Err(Fault::because("C:max-date-time", why("later", config.year_max)));
        }
    }
    Ok(())
}

/// The answer to who could not bring an object into a collection. Another object that has the UID is named to who may see it.
pub(crate) async fn refused(session: &Session, at: &FolderAt, refusal: Refusal, about: String) -> Fault {
    let Refusal::UidTaken(uid) = refusal else { return Fault::Gate(refusal, about) };
    let element = if at.area == Area::Contacts { "CARD:no-uid-conflict" } else { "C:no-uid-conflict" };
    let name = match session.open(at.clone(), List).await {
        Ok(folder) => folder.name_of(uid).await.ok().flatten(),
        Err(_) => None,
    };
    let href = name.map(|name| file_href(at.area, session.address(), &at.path, &name));
    Fault::Broken { element, href, why: Some("Another object here has this UID, or this one had another.".to_owned()) }
}

/// The answer for an object that is too large, before it was read.
pub(crate) fn too_large(area: Area) -> Fault {
    Fault::Rule(StatusCode::FORBIDDEN, element(area, Precondition::MaxResourceSize))
}

/// All of an object as the session sees it: it was checked against the limit on objects when it was put.
pub(crate) async fn read_all(file: &Granted<File, Read>) -> Result<Vec<u8>, Refusal> {
    if file.is_as_kept() { file.read_whole().await } else { file.read_made(strip).await }
}

fn element(area: Area, precondition: Precondition) -> &'static str {
    match (precondition, area == Area::Contacts) {
        (Precondition::MaxResourceSize, false) => "C:max-resource-size",
        (Precondition::MaxResourceSize, true) => "CARD:max-resource-size",
        (Precondition::SupportedData, false) => "C:supported-calendar-data",
        (Precondition::SupportedData, true) => "CARD:supported-address-data",
        (Precondition::ValidData, false) => "C:valid-calendar-data",
        (Precondition::ValidData | Precondition::ValidObject | Precondition::SupportedComponent, true) => "CARD:valid-address-data",
        (Precondition::ValidObject, false) => "C:valid-calendar-object-resource",
        (Precondition::SupportedComponent, false) => "C:supported-calendar-component",
    }
}
