//! The rights in force as DAV tells them: `current-user-privilege-set` (RFC 3744 section 5.5) and `Allow`.
//!
//! Both mirror what the gate would decide; neither decides anything.

use crate::xml::Xml;
use http::HeaderValue;
use octroi_model::Rights;

/// What each right is called as a privilege of a collection. RFC 3744 appendix B.
const PRIVILEGES: [(Rights, &str); 4] =
    [(Rights::READ, "D:read"), (Rights::WRITE, "D:write-content"), (Rights::INSERT, "D:bind"), (Rights::EXPUNGE, "D:unbind")];

/// Privileges that stand for rights: for `need-privileges` (RFC 3744 section 7.1.1).
pub(crate) fn needed(rights: Rights) -> impl Iterator<Item = &'static str> {
    const OTHERS: [(Rights, &str); 4] = [
        (Rights::CREATE, "D:bind"),
        (Rights::DELETE_COLLECTION, "D:unbind"),
        (Rights::DELETE_ITEMS, "D:unbind"),
        (Rights::ADMIN, "D:write-acl"),
    ];
    PRIVILEGES.into_iter().chain(OTHERS).filter(move |(right, _)| rights.contains(*right)).map(|(_, privilege)| privilege)
}

/// The content of `current-user-privilege-set`.
pub(crate) fn write_privileges(rights: Rights, xml: &mut Xml) {
    for (right, privilege) in PRIVILEGES {
        if rights.contains(right) {
            xml.open("D:privilege").empty(privilege).close("D:privilege");
        }
    }
    if rights.contains(Rights::READ) {
        xml.open("D:privilege").empty("D:read-current-user-privilege-set").close("D:privilege");
    }
}

/// What `Allow` is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A collection in a tree.
    Folder,
    /// A person's home of an area: it cannot be removed or moved.
    Home,
    /// A document, event or card.
    File,
    /// Root, principal: made by us, read only.
    Fixed,
}

/// The methods that would not be refused, for `Allow`.
pub(crate) fn allow(kind: Kind, rights: Rights) -> HeaderValue {
    let mut methods = vec!["OPTIONS", "PROPFIND"];
    let mut add = |needs: Rights, more: &[&'static str]| {
        if rights.contains(needs) {
            methods.extend_from_slice(more);
        }
    };
    match kind {
        Kind::Fixed => {}
        Kind::File => {
            add(Rights::READ, &["GET", "HEAD", "COPY"]);
            add(Rights::WRITE, &["PUT", "PROPPATCH"]);
            add(Rights::EXPUNGE, &["DELETE"]);
            // The gate asks for one of the two: to move away is not to destroy.
            if rights.intersects(Rights::EXPUNGE | Rights::MOVE_AWAY) {
                add(Rights::READ, &["MOVE"]);
            }
        }
        Kind::Folder | Kind::Home => {
            add(Rights::READ, &["GET", "HEAD", "REPORT", "COPY"]);
            // For what is in it: Evolution takes PUT here to mean that the calendar can be written.
            add(Rights::INSERT, &["PUT"]);
            add(Rights::CREATE, &["MKCOL", "MKCALENDAR"]);
            add(Rights::WRITE, &["PROPPATCH"]);
            if kind == Kind::Folder {
                add(Rights::DELETE_COLLECTION, &["DELETE", "MOVE"]);
            }
        }
    }
    HeaderValue::from_str(&methods.join(", ")).unwrap_or_else(|_| HeaderValue::from_static("OPTIONS"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_granted_is_allowed() {
        let reader = Rights::LOOKUP | Rights::READ;
        assert_eq!(allow(Kind::File, reader), "OPTIONS, PROPFIND, GET, HEAD, COPY");
        assert_eq!(allow(Kind::Folder, reader), "OPTIONS, PROPFIND, GET, HEAD, REPORT, COPY");
        let home = allow(Kind::Home, Rights::ALL);
        assert!(!home.to_str().is_ok_and(|methods| methods.contains("DELETE") || methods.contains("MOVE")));
    }
}
