//! What can be done with a resource: methods, reports, queries.

use super::{Known, Proxies, Subject, Viewer, told};
use crate::names::DAV;
use crate::rights::{Kind, methods};
use crate::xml::Xml;
use octroi_gate::Area;
use octroi_model::{CollectionKind, Rights};

/// The query of the URL to which members of a collection are posted.
pub(crate) const ADD_MEMBER: &str = "add-member";

pub(super) const TABLE: &[Known] = &[
    // RFC 3253 sections 3.1.3 to 3.1.5.
    told(DAV, "D:supported-method-set", supported_methods),
    told(DAV, "D:supported-live-property-set", supported_properties),
    told(DAV, "D:supported-report-set", reports),
    // RFC 5323 section 3.3.
    told(DAV, "D:supported-query-grammar-set", grammars),
    // RFC 5995 section 3.2.1.
    told(DAV, "D:add-member", add_member),
];

fn supported_properties(_: &Subject<'_>, _: &Viewer, xml: &mut Xml) -> bool {
    for known in super::all() {
        xml.open("D:supported-live-property").open("D:prop").empty(known.tag).close("D:prop").close("D:supported-live-property");
    }
    true
}

fn grammars(subject: &Subject<'_>, _: &Viewer, xml: &mut Xml) -> bool {
    if matches!(subject, Subject::Fixed(_) | Subject::Principal | Subject::Other(_) | Subject::Proxies(_)) {
        return false;
    }
    xml.open("D:supported-query-grammar").open("D:grammar").empty("D:basicsearch").close("D:grammar").close("D:supported-query-grammar");
    true
}

fn add_member(subject: &Subject<'_>, _: &Viewer, xml: &mut Xml) -> bool {
    match subject {
        Subject::Folder { facts, area: Area::Files, href, .. } if facts.real && facts.rights.contains(Rights::INSERT) => {
            xml.text("D:href", &format!("{href}?{ADD_MEMBER}"));
            true
        }
        _ => false,
    }
}

fn reports(subject: &Subject<'_>, _: &Viewer, xml: &mut Xml) -> bool {
    match subject {
        Subject::Folder { facts, area, .. } if facts.real => write_reports(*area, Some(facts.kind), xml),
        Subject::File { area, .. } => write_reports(*area, None, xml),
        Subject::Folder { .. } => return false,
        // Calendar of macOS looks up people by the newest of these that it finds here.
        _ => ANYWHERE.iter().for_each(|tag| report(tag, xml)),
    }
    true
}

/// Reports that are asked of any resource.
const ANYWHERE: [&str; 5] = [
    "D:expand-property",
    "D:principal-match",
    "D:principal-property-search",
    "D:principal-search-property-set",
    "CS:calendarserver-principal-search",
];

fn report(tag: &'static str, xml: &mut Xml) {
    xml.open("D:supported-report").open("D:report").empty(tag).close("D:report").close("D:supported-report");
}

fn supported_methods(subject: &Subject<'_>, _: &Viewer, xml: &mut Xml) -> bool {
    let (kind, rights) = match subject {
        Subject::Folder { facts, name, .. } => (Kind::of_collection(facts.kind, name.is_none()), facts.rights),
        Subject::File { rights, .. } => (Kind::File, *rights),
        Subject::Proxies(Proxies { members: Some(_), .. }) => (Kind::Proxies, Rights::NONE),
        _ => (Kind::Fixed, Rights::NONE),
    };
    for method in methods(kind, rights) {
        xml.empty_with("D:supported-method", &[("name", method)]);
    }
    true
}

/// Of a collection of that kind, or of what lies in one.
fn write_reports(area: Area, kind: Option<CollectionKind>, xml: &mut Xml) {
    let mut report = |tag| report(tag, xml);
    ANYWHERE.into_iter().for_each(&mut report);
    report("D:acl-principal-prop-set");
    match kind {
        Some(_) => report("D:sync-collection"),
        None if area == Area::Files => report("D:version-tree"),
        None => {}
    }
    match (area, kind) {
        (Area::Calendars, Some(CollectionKind::Calendar)) => {
            report("C:calendar-multiget");
            report("C:calendar-query");
            report("C:free-busy-query");
        }
        (Area::Contacts, Some(CollectionKind::Addressbook)) => {
            report("CARD:addressbook-multiget");
            report("CARD:addressbook-query");
        }
        _ => {}
    }
}
