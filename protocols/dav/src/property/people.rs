//! Principals: where their homes are, and by which addresses they are known (RFC 3744 section 4, RFC 5397).

use super::{Known, Proxies, Subject, Viewer, told};
use crate::names::{CALDAV, CALENDARSERVER, CARDDAV, DAV};
use crate::path::{folder_href, principal_href, principal_of, proxy_href};
use crate::xml::Xml;
use octroi_gate::{Area, Identifier, ProxyKind};
use octroi_model::{Address, Path};

pub(super) const TABLE: &[Known] = &[
    told(DAV, "D:current-user-principal", current),
    told(DAV, "D:principal-URL", url),
    told(DAV, "D:alternate-URI-set", alternate_uris),
    told(DAV, "D:group-membership", membership),
    // RFC 3744 section 4.3: of those groups only that are their owner's to say.
    told(DAV, "D:group-member-set", members),
    // Apple's caldav-proxy, section 5.3.
    told(CALENDARSERVER, "CS:calendar-proxy-read-for", |subject, viewer, xml| stands_for(subject, viewer, xml, ProxyKind::Read)),
    told(CALENDARSERVER, "CS:calendar-proxy-write-for", |subject, viewer, xml| stands_for(subject, viewer, xml, ProxyKind::Write)),
    told(CALDAV, "C:calendar-home-set", |subject, viewer, xml| home(subject, viewer, xml, Area::Calendars)),
    told(CARDDAV, "CARD:addressbook-home-set", |subject, viewer, xml| home(subject, viewer, xml, Area::Contacts)),
    // RFC 6638 sections 2.4.1 and 2.4.2.
    told(CALDAV, "C:calendar-user-address-set", user_addresses),
    told(CALDAV, "C:calendar-user-type", user_type),
    told(CALENDARSERVER, "CS:email-address-set", email_addresses),
];

/// Told of every resource: who asks.
fn current(_: &Subject<'_>, viewer: &Viewer, xml: &mut Xml) -> bool {
    xml.text("D:href", &principal_href(&viewer.address));
    true
}

fn url(subject: &Subject<'_>, viewer: &Viewer, xml: &mut Xml) -> bool {
    let href = match subject {
        Subject::Principal => Some(principal_href(&viewer.address)),
        Subject::Other(other) => principal_of(&other.who),
        Subject::Proxies(proxies) => Some(proxy_href(&proxies.owner, proxies.kind)),
        _ => None,
    };
    href.map(|href| xml.text("D:href", &href)).is_some()
}

fn home(subject: &Subject<'_>, viewer: &Viewer, xml: &mut Xml, area: Area) -> bool {
    let Subject::Principal = subject else { return false };
    xml.text("D:href", &folder_href(area, &viewer.address, &Path::top()));
    true
}

/// Clients look for the `mailto:` form.
fn user_addresses(subject: &Subject<'_>, viewer: &Viewer, xml: &mut Xml) -> bool {
    let Some(address) = address(subject, viewer) else { return false };
    // The account's own first: clients invite as that.
    xml.text("D:href", &format!("mailto:{address}"));
    if let Subject::Principal = subject {
        for alias in viewer.scheduling.iter().flat_map(|places| places.addresses.iter().skip(1)) {
            xml.text("D:href", &format!("mailto:{alias}"));
        }
    }
    xml.text("D:href", &principal_href(address));
    true
}

fn user_type(subject: &Subject<'_>, _: &Viewer, xml: &mut Xml) -> bool {
    let told = match subject {
        Subject::Principal => "INDIVIDUAL",
        Subject::Other(other) if matches!(other.who, Identifier::Account(_)) => "INDIVIDUAL",
        Subject::Other(_) => "GROUP",
        _ => return false,
    };
    xml.characters(told);
    true
}

fn email_addresses(subject: &Subject<'_>, viewer: &Viewer, xml: &mut Xml) -> bool {
    address(subject, viewer).map(|address| xml.text("CS:email-address", &address.to_string())).is_some()
}

fn alternate_uris(subject: &Subject<'_>, viewer: &Viewer, xml: &mut Xml) -> bool {
    let address = address(subject, viewer);
    if let Some(address) = address {
        xml.text("D:href", &format!("mailto:{address}"));
    }
    // Other principals have none.
    address.is_some() || matches!(subject, Subject::Other(_) | Subject::Proxies(_))
}

fn membership(subject: &Subject<'_>, viewer: &Viewer, xml: &mut Xml) -> bool {
    let Subject::Principal = subject else { return false };
    for href in viewer.groups.iter().filter_map(|name| principal_of(&Identifier::Group(name.clone()))) {
        xml.text("D:href", &href);
    }
    for (owner, kind) in &viewer.stands_for {
        xml.text("D:href", &proxy_href(owner, *kind));
    }
    true
}

fn members(subject: &Subject<'_>, _: &Viewer, xml: &mut Xml) -> bool {
    let Subject::Proxies(Proxies { members: Some(members), .. }) = subject else { return false };
    for href in members.iter().filter_map(principal_of) {
        xml.text("D:href", &href);
    }
    true
}

fn stands_for(subject: &Subject<'_>, viewer: &Viewer, xml: &mut Xml, kind: ProxyKind) -> bool {
    let Subject::Principal = subject else { return false };
    for (owner, _) in viewer.stands_for.iter().filter(|(_, of)| *of == kind) {
        xml.text("D:href", &principal_href(owner));
    }
    true
}

/// Of an account; of others no more than one needs to share with them.
fn address<'a>(subject: &'a Subject<'_>, viewer: &'a Viewer) -> Option<&'a Address> {
    match subject {
        Subject::Principal => Some(&viewer.address),
        Subject::Other(other) => match &other.who {
            Identifier::Account(address) => Some(address),
            _ => None,
        },
        _ => None,
    }
}
