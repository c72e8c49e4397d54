//! Calendar objects and cards on their way in: checked, never changed (RFC 4791 section 5.3.2.1, RFC 6352 section 6.3.2.1).
//!
//! Called by PUT, and by what reads whole objects. The octets that pass are the octets that are stored, so the strong entity tag holds for what the client sent.

use crate::property::{ALL_COMPONENTS, COMPONENTS, kept};
use crate::refusal::Fault;
use http::StatusCode;
use octroi_gate::{Area, File, FolderFacts, Granted, READ_BYTES_MAX, Read, Refusal};
use octroi_ical::{Precondition, validate_calendar, validate_card};

/// Check an object for a collection and give the media type under which it is kept. `sent` is the request's `Content-Type`; `collection` is
/// `None` when the session may add to it without reading it: then it takes what any calendar takes.
pub(crate) fn check(area: Area, octets: &[u8], sent: Option<&str>, collection: Option<&FolderFacts>) -> Result<String, Fault> {
    let essence = sent.map(|value| value.split(';').next().unwrap_or("").trim().to_ascii_lowercase());
    let expected = if area == Area::Calendars { "text/calendar" } else { "text/vcard" };
    let taken = match essence.as_deref() {
        None | Some("application/octet-stream") => true,
        // Apple's address book of old.
        Some("text/x-vcard") => area == Area::Contacts,
        Some(other) => other == expected,
    };
    if !taken {
        return Err(rule(area, Precondition::SupportedData));
    }
    if area == Area::Contacts {
        validate_card(octets).map_err(|invalid| rule(area, invalid.precondition()))?;
        return Ok("text/vcard; charset=utf-8".to_owned());
    }
    let facts = validate_calendar(octets).map_err(|invalid| rule(area, invalid.precondition()))?;
    let component = facts.component.name();
    let supported = collection.and_then(|facts| kept(facts, COMPONENTS)).unwrap_or(ALL_COMPONENTS);
    if !supported.split(',').any(|name| name.eq_ignore_ascii_case(component)) {
        return Err(rule(area, Precondition::SupportedComponent));
    }
    // Clients list a calendar by this instead of reading every object.
    Ok(format!("text/calendar; charset=utf-8; component={}", component.to_ascii_lowercase()))
}

/// The answer for an object that is too large, before it was read.
pub(crate) fn too_large(area: Area) -> Fault {
    rule(area, Precondition::MaxResourceSize)
}

/// All of an object: it was checked against the limit on objects when it was put.
pub(crate) async fn read_all(file: &Granted<File, Read>) -> Result<Vec<u8>, Refusal> {
    let mut octets = Vec::new();
    while (octets.len() as u64) < file.item().bytes() {
        let piece = file.read(octets.len() as u64, READ_BYTES_MAX).await?;
        if piece.is_empty() {
            return Err(Refusal::Unavailable);
        }
        octets.extend_from_slice(&piece);
    }
    Ok(octets)
}

fn rule(area: Area, precondition: Precondition) -> Fault {
    let contacts = area == Area::Contacts;
    let element = match (precondition, contacts) {
        (Precondition::MaxResourceSize, false) => "C:max-resource-size",
        (Precondition::MaxResourceSize, true) => "CARD:max-resource-size",
        (Precondition::SupportedData, false) => "C:supported-calendar-data",
        (Precondition::SupportedData, true) => "CARD:supported-address-data",
        (Precondition::ValidData, false) => "C:valid-calendar-data",
        (Precondition::ValidData | Precondition::ValidObject | Precondition::SupportedComponent, true) => "CARD:valid-address-data",
        (Precondition::ValidObject, false) => "C:valid-calendar-object-resource",
        (Precondition::SupportedComponent, false) => "C:supported-calendar-component",
    };
    Fault::Rule(StatusCode::FORBIDDEN, element)
}
