//! What address books take (RFC 6352 section 6.2), and where the organisation's directory is.

use super::{Known, Subject, Viewer, told};
use crate::names::CARDDAV;
use crate::path::folder_href;
use crate::text_match::write_collations;
use crate::xml::Xml;
use octroi_gate::Area;
use octroi_model::CollectionKind;

pub(super) const TABLE: &[Known] = &[
    told(CARDDAV, "CARD:supported-address-data", data_types),
    told(CARDDAV, "CARD:max-resource-size", size_max),
    told(CARDDAV, "CARD:supported-collation-set", collations),
    // draft-daboo-carddav-directory-gateway-02 section 3.1.
    told(CARDDAV, "CARD:directory-gateway", directory),
];

fn data_types(subject: &Subject<'_>, _: &Viewer, xml: &mut Xml) -> bool {
    is_addressbook(subject) && {
        for version in ["3.0", "4.0"] {
            xml.empty_with("CARD:address-data-type", &[("content-type", "text/vcard"), ("version", version)]);
        }
        true
    }
}

fn size_max(subject: &Subject<'_>, viewer: &Viewer, xml: &mut Xml) -> bool {
    is_addressbook(subject) && {
        xml.characters(&viewer.config.object_bytes_max.to_string());
        true
    }
}

fn collations(subject: &Subject<'_>, _: &Viewer, xml: &mut Xml) -> bool {
    is_addressbook(subject) && {
        write_collations("CARD:supported-collation", xml);
        true
    }
}

fn is_addressbook(subject: &Subject<'_>) -> bool {
    subject.folder_of(CollectionKind::Addressbook).is_some()
}

fn directory(subject: &Subject<'_>, viewer: &Viewer, xml: &mut Xml) -> bool {
    let (Subject::Principal, Some(path)) = (subject, &viewer.directory) else { return false };
    xml.text("D:href", &folder_href(Area::Contacts, &viewer.address, path));
    true
}
