//! The rights in force as `Allow` tells them. It mirrors what the gate would decide, and decides nothing.

use http::HeaderValue;
use octroi_model::{CollectionKind, Rights};

/// What `Allow` is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A collection in a tree.
    Folder,
    /// A person's home of an area: it cannot be removed or moved.
    Home,
    /// Where one is told of meetings: nothing is put there.
    Inbox,
    /// Where one asks when others are free.
    Outbox,
    /// A document, event or card.
    File,
    /// Root, principal: made by us, read only.
    Fixed,
    /// Who stands for oneself in one's calendars.
    Proxies,
}

impl Kind {
    /// Of a collection in a tree, which is a home or below one.
    pub(crate) fn of_collection(kind: CollectionKind, is_home: bool) -> Self {
        match kind {
            CollectionKind::Inbox => Self::Inbox,
            CollectionKind::Outbox => Self::Outbox,
            _ if is_home => Self::Home,
            _ => Self::Folder,
        }
    }
}

/// The methods that would not be refused, for `Allow`.
pub(crate) fn allow(kind: Kind, rights: Rights) -> HeaderValue {
    HeaderValue::from_str(&methods(kind, rights).join(", ")).unwrap_or_else(|_| HeaderValue::from_static("OPTIONS"))
}

/// The same one by one.
pub(crate) fn methods(kind: Kind, rights: Rights) -> Vec<&'static str> {
    let mut methods = vec!["OPTIONS", "PROPFIND"];
    let mut add = |needs: Rights, more: &[&'static str]| {
        if rights.contains(needs) {
            methods.extend_from_slice(more);
        }
    };
    // One's own lock, or anybody's.
    let unlock = |add: &mut dyn FnMut(Rights, &[&'static str])| {
        add(if rights.contains(Rights::WRITE) { Rights::WRITE } else { Rights::ADMIN }, &["UNLOCK"]);
    };
    match kind {
        Kind::Fixed => methods.extend_from_slice(&["GET", "HEAD", "REPORT"]),
        Kind::Proxies => methods.extend_from_slice(&["REPORT", "PROPPATCH"]),
        Kind::File => {
            add(Rights::READ, &["GET", "HEAD", "COPY"]);
            add(Rights::WRITE, &["PUT", "LOCK"]);
            unlock(&mut add);
            if rights.intersects(Rights::WRITE | Rights::MOVE_AWAY) {
                add(Rights::READ, &["PROPPATCH"]);
            }
            add(Rights::EXPUNGE, &["DELETE"]);
            // The gate asks for one of the two: to move away is not to destroy.
            if rights.intersects(Rights::EXPUNGE | Rights::MOVE_AWAY) {
                add(Rights::READ, &["MOVE"]);
            }
        }
        Kind::Inbox | Kind::Outbox => {
            add(Rights::READ, &["GET", "HEAD", "REPORT", "SEARCH"]);
            add(Rights::WRITE, &["PROPPATCH"]);
            // RFC 6638 section 2.1: what is asked there.
            if kind == Kind::Outbox {
                add(Rights::READ, &["POST"]);
            }
        }
        Kind::Folder | Kind::Home => {
            add(Rights::READ, &["GET", "HEAD", "REPORT", "SEARCH", "COPY"]);
            // For what is in it: Evolution takes PUT here to mean that the calendar can be written.
            add(Rights::INSERT, &["PUT"]);
            add(Rights::CREATE, &["MKCOL", "MKCALENDAR"]);
            add(Rights::WRITE, &["PROPPATCH", "LOCK"]);
            unlock(&mut add);
            add(Rights::ADMIN, &["ACL"]);
            if kind == Kind::Folder {
                add(Rights::DELETE_COLLECTION, &["DELETE", "MOVE"]);
            }
        }
    }
    methods
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_granted_is_allowed() {
        let reader = Rights::LOOKUP | Rights::READ;
        assert_eq!(allow(Kind::File, reader), "OPTIONS, PROPFIND, GET, HEAD, COPY");
        assert_eq!(allow(Kind::Folder, reader), "OPTIONS, PROPFIND, GET, HEAD, REPORT, SEARCH, COPY");
        let organiser = reader | Rights::MOVE_AWAY;
        assert_eq!(allow(Kind::File, organiser), "OPTIONS, PROPFIND, GET, HEAD, COPY, PROPPATCH, MOVE");
        assert_eq!(allow(Kind::Folder, reader | Rights::ADMIN), "OPTIONS, PROPFIND, GET, HEAD, REPORT, SEARCH, COPY, UNLOCK, ACL");
        let outbox = allow(Kind::Outbox, Rights::ALL);
        assert_eq!(outbox, "OPTIONS, PROPFIND, GET, HEAD, REPORT, SEARCH, PROPPATCH, POST");
        assert!(!allow(Kind::Outbox, Rights::LOOKUP).to_str().is_ok_and(|methods| methods.contains("POST")));
        assert!(!allow(Kind::Inbox, Rights::ALL).to_str().is_ok_and(|methods| methods.contains("POST") || methods.contains("PUT")));
        let home = allow(Kind::Home, Rights::ALL);
        assert!(!home.to_str().is_ok_and(|methods| methods.contains("DELETE") || methods.contains("MOVE")));
    }
}
