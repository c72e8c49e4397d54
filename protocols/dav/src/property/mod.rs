//! The live properties: which there are, and what each says about a resource.
//!
//! Called by PROPFIND and the reports for each resource of an answer. Each family is a file with a table of its own: a property's name and the
//! function that writes it. A property that does not apply writes nothing and is reported 404.

mod ability;
mod access;
mod calendar;
mod collection;
mod contact;
mod content;
mod kept;
mod locking;
mod owncloud;
mod people;
mod push;
mod scheduling;
mod sharing;
mod subject;
mod sync;
mod version;

pub(crate) use ability::ADD_MEMBER;
pub(crate) use calendar::{ALL_COMPONENTS, COMPONENTS, components};
pub(crate) use content::{is_veiled, media_type};
pub(crate) use kept::kept_text;
pub(crate) use subject::{History, Notice, Proxies, Subject, Viewer};
pub(crate) use sync::{SYNC_TOKEN_PREFIX, SyncState, parse_sync_token, sync_token};

use crate::keyword;
use crate::xml::{ElementName, Xml};

/// Writes the content of a property; `false` if it does not apply to the subject, and then what was written is cut off.
type Write = fn(&Subject<'_>, &Viewer, &mut Xml) -> bool;

/// What those who compare values and those who set them must know of a property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// It is told, and no more.
    Told,
    ContentLength,
    ContentType,
    LastModified,
    CreationDate,
    DisplayName,
    /// A number of octets.
    Octets,
    /// When somebody can be asked, which is said at their inbox.
    Availability,
    /// The components that a calendar takes, which are said when it is made.
    Components,
    /// What is there only if a client set it; before it was kept as XML it was a text under this name.
    Kept(&'static str),
}

/// A property, its name, and whether `allprop` asks for it: those of RFC 4918 and no other (RFC 4791 section 5.2, RFC 3744 section 5).
#[derive(Debug)]
pub(crate) struct Known {
    pub namespace: &'static str,
    /// With the prefix under which answers declare the namespace.
    pub tag: &'static str,
    pub in_allprop: bool,
    pub role: Role,
    write: Write,
}

/// A property that is told when it is asked for by name.
const fn told(namespace: &'static str, tag: &'static str, write: Write) -> Known {
    Known { namespace, tag, in_allprop: false, role: Role::Told, write }
}

impl Known {
    const fn role(self, role: Role) -> Self {
        Self { role, ..self }
    }

    /// It is told to who asks for all.
    const fn in_allprop(self) -> Self {
        Self { in_allprop: true, ..self }
    }

    /// The name without its prefix.
    pub(crate) fn local(&self) -> &'static str {
        self.tag.split_once(':').map_or(self.tag, |(_, local)| local)
    }
}

/// The tables of all families.
const FAMILIES: &[&[Known]] = &[
    collection::TABLE,
    content::TABLE,
    locking::TABLE,
    people::TABLE,
    access::TABLE,
    ability::TABLE,
    sync::TABLE,
    scheduling::TABLE,
    sharing::TABLE,
    calendar::TABLE,
    contact::TABLE,
    version::TABLE,
    owncloud::TABLE,
    push::TABLE,
    kept::TABLE,
];

/// Every live property.
pub(crate) fn all() -> impl Iterator<Item = &'static Known> {
    FAMILIES.iter().copied().flatten()
}

/// The property of that name.
pub(crate) fn find(name: &ElementName) -> Option<&'static Known> {
    all().find(|known| known.local() == name.local && known.namespace == name.namespace)
}

/// Write the property of that name, as a client set it or as it is; `false` if there is none.
pub(crate) fn write_named(name: &ElementName, subject: &Subject<'_>, viewer: &Viewer, xml: &mut Xml) -> bool {
    let key = name.key();
    if let Some((_, value)) = subject.kept().into_iter().find(|(known, _)| *known == key) {
        xml.element(value);
        return true;
    }
    if let Subject::File { marks, .. } = subject
        && keyword::is_set(name, marks)
    {
        xml.named_text(name, keyword::SET);
        return true;
    }
    find(name).is_some_and(|known| write(known, subject, viewer, xml))
}

/// Write the property; `false` if it does not apply to the subject.
pub(crate) fn write(known: &Known, subject: &Subject<'_>, viewer: &Viewer, xml: &mut Xml) -> bool {
    let before = xml.len();
    xml.open(known.tag);
    let applies = match known.role {
        Role::Kept(key) => kept::write(key, subject, xml),
        _ => (known.write)(subject, viewer, xml),
    };
    if applies {
        xml.close(known.tag);
    } else {
        xml.cut(before);
    }
    applies
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::prefix;

    #[test]
    fn every_tag_has_the_prefix_of_its_namespace() {
        for known in all() {
            assert_eq!(known.tag.split_once(':').map(|(p, _)| p), prefix(known.namespace), "{}", known.tag);
        }
    }

    #[test]
    fn no_property_stands_in_two_tables() {
        for (n, known) in all().enumerate() {
            assert!(all().take(n).all(|other| (other.namespace, other.local()) != (known.namespace, known.local())), "{}", known.tag);
        }
    }
}
