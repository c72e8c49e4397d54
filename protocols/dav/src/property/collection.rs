//! What kind of resource it is, what it is called, and how much fits in.

use super::sharing::{Shared, shared};
use super::{Known, Role, Subject, Viewer, told};
use crate::names::{CALENDARSERVER, DAV};
use crate::path::proxy_segment;
use crate::xml::Xml;
use octroi_gate::ProxyKind;
use octroi_model::CollectionKind;

pub(super) const TABLE: &[Known] = &[
    told(DAV, "D:resourcetype", resource_type).in_allprop(),
    told(DAV, "D:displayname", display_name).role(Role::DisplayName).in_allprop(),
    // Apple's, of calendars of the web.
    told(CALENDARSERVER, "CS:source", source),
    // RFC 4331 section 2: only when asked for by name.
    told(DAV, "D:quota-available-bytes", |subject, _, xml| quota(subject, xml, true)).role(Role::Octets),
    told(DAV, "D:quota-used-bytes", |subject, _, xml| quota(subject, xml, false)).role(Role::Octets),
];

fn quota(subject: &Subject<'_>, xml: &mut Xml, available: bool) -> bool {
    let Subject::Folder { facts, .. } = subject else { return false };
    let Some(quota) = &facts.quota else { return false };
    xml.characters(&if available { quota.available } else { quota.used }.to_string());
    true
}

fn resource_type(subject: &Subject<'_>, viewer: &Viewer, xml: &mut Xml) -> bool {
    match subject {
        Subject::File { .. } | Subject::Notice(_) => {}
        Subject::Notices { .. } => {
            xml.empty("D:collection").empty("CS:notification");
        }
        Subject::Fixed(_) => {
            xml.empty("D:collection");
        }
        Subject::Principal => {
            xml.empty("D:collection").empty("D:principal");
        }
        Subject::Other(_) => {
            xml.empty("D:principal");
        }
        // Apple's caldav-proxy, section 5.1.
        Subject::Proxies(proxies) => {
            xml.empty("D:principal").empty(match proxies.kind {
                ProxyKind::Read => "CS:calendar-proxy-read",
                ProxyKind::Write => "CS:calendar-proxy-write",
            });
        }
        Subject::Folder { facts, .. } => {
            xml.empty("D:collection");
            match facts.kind {
                CollectionKind::Calendar => xml.empty("C:calendar"),
                CollectionKind::Addressbook => xml.empty("CARD:addressbook"),
                CollectionKind::Inbox => xml.empty("C:schedule-inbox"),
                CollectionKind::Outbox => xml.empty("C:schedule-outbox"),
                _ => xml,
            };
            if facts.subscription.is_some() {
                xml.empty("CS:subscribed");
            }
            if facts.kind == CollectionKind::Calendar {
                match shared(facts, viewer) {
                    Shared::Owner => drop(xml.empty("CS:shared-owner")),
                    Shared::Sharee => drop(xml.empty("CS:shared")),
                    Shared::No => {}
                }
            }
        }
    }
    true
}

/// From where a calendar is fetched: its owner's to know.
fn source(subject: &Subject<'_>, _: &Viewer, xml: &mut Xml) -> bool {
    let Subject::Folder { facts, .. } = subject else { return false };
    let Some(subscription) = &facts.subscription else { return false };
    xml.text("D:href", &subscription.url);
    true
}

fn display_name(subject: &Subject<'_>, viewer: &Viewer, xml: &mut Xml) -> bool {
    match subject {
        Subject::Fixed(name) => xml.characters(name),
        Subject::Notices { .. } => xml.characters("notifications"),
        Subject::Notice(notice) => xml.characters(&notice.name),
        Subject::Principal if viewer.display_name.is_empty() => xml.characters(&viewer.address.to_string()),
        Subject::Principal => xml.characters(&viewer.display_name),
        Subject::Other(other) if other.display_name.is_empty() => xml.characters(&other.who.to_string()),
        Subject::Other(other) => xml.characters(&other.display_name),
        Subject::Proxies(proxies) => xml.characters(proxy_segment(proxies.kind)),
        // Clients that get no name show an empty line.
        Subject::Folder { facts, name, .. } => match facts.display_name.as_deref().or(*name) {
            Some(name) => xml.characters(name),
            None => return false,
        },
        Subject::File { item, .. } => match &item.name {
            Some(name) => xml.characters(name.as_str()),
            None => return false,
        },
    };
    true
}
