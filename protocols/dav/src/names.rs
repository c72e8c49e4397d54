//! The XML namespaces of DAV and its families, with the prefix under which every answer declares them.

/// RFC 4918.
pub(crate) const DAV: &str = "DAV:";
/// RFC 4791.
pub(crate) const CALDAV: &str = "urn:ietf:params:xml:ns:caldav";
/// RFC 6352.
pub(crate) const CARDDAV: &str = "urn:ietf:params:xml:ns:carddav";
/// Apple's calendar server: getctag and others.
pub(crate) const CALENDARSERVER: &str = "http://calendarserver.org/ns/";
/// Apple's iCal: colour and order of calendars.
pub(crate) const APPLE: &str = "http://apple.com/ns/ical/";

/// ownCloud and its kin: what their clients ask of documents.
pub(crate) const OWNCLOUD: &str = "http://owncloud.org/ns";

/// XML Schema: the data types of SEARCH.
pub(crate) const XML_SCHEMA: &str = "http://www.w3.org/2001/XMLSchema";

/// WebDAV-Push.
pub(crate) const PUSH: &str = "https://bitfire.at/webdav-push";

/// Keywords of documents as properties: ours.
pub(crate) const KEYWORD: &str = "urn:octroi:keyword";
/// Privileges finer than those of RFC 3744: ours.
pub(crate) const PRIVILEGE: &str = "urn:octroi:privilege";

/// Each namespace with its prefix.
pub(crate) const PREFIXES: [(&str, &str); 10] = [
    ("D", DAV),
    ("C", CALDAV),
    ("CARD", CARDDAV),
    ("CS", CALENDARSERVER),
    ("A", APPLE),
    ("OC", OWNCLOUD),
    ("XS", XML_SCHEMA),
    ("K", KEYWORD),
    ("P", PRIVILEGE),
    ("WP", PUSH),
];

/// The prefix of a namespace that every answer declares.
pub(crate) fn prefix(namespace: &str) -> Option<&'static str> {
    PREFIXES.iter().find(|(_, known)| *known == namespace).map(|(prefix, _)| *prefix)
}
