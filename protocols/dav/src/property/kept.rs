//! What is there only if a client set it.

use super::{Known, Role, Subject, Viewer, told};
use crate::names::{APPLE, CALDAV, CARDDAV, DAV};
use crate::xml::{ElementName, Xml};
use octroi_gate::FolderFacts;

pub(super) const TABLE: &[Known] = &[
    kept(DAV, "D:getcontentlanguage", "getcontentlanguage").in_allprop(),
    kept(CALDAV, "C:calendar-description", "calendar-description"),
    kept(CALDAV, "C:calendar-timezone", "calendar-timezone"),
    kept(CARDDAV, "CARD:addressbook-description", "addressbook-description"),
    kept(APPLE, "A:calendar-color", "calendar-color"),
    kept(APPLE, "A:calendar-order", "calendar-order"),
];

const fn kept(namespace: &'static str, tag: &'static str, key: &'static str) -> Known {
    const fn none(_: &Subject<'_>, _: &Viewer, _: &mut Xml) -> bool {
        false
    }
    told(namespace, tag, none).role(Role::Kept(key))
}

/// The text that was kept under that name before properties were kept as XML.
pub(super) fn write(key: &str, subject: &Subject<'_>, xml: &mut Xml) -> bool {
    let Subject::Folder { facts, .. } = subject else { return false };
    kept_under(facts, key).map(|text| xml.characters(text)).is_some()
}

/// A text that a client gave when it made the collection.
pub(super) fn kept_under<'a>(facts: &'a FolderFacts, key: &str) -> Option<&'a str> {
    facts.properties.iter().find(|(known, _)| &**known == key).map(|(_, value)| &**value)
}

/// The text of a property of that name that a client gave the collection, as XML or before it was kept as such.
pub(crate) fn kept_text(facts: &FolderFacts, namespace: &str, local: &str) -> Option<String> {
    let key = ElementName { namespace: namespace.to_owned(), local: local.to_owned() }.key();
    match kept_under(facts, &key) {
        Some(element) => crate::xml::parse(element.as_bytes()).ok().map(|element| element.text),
        None => kept_under(facts, local).map(str::to_owned),
    }
}
