//! From a URL path to what it names, and back.
//!
//! Called once per request, and for each `Destination`, `If` tag and multiget href. What always holds: a path is split before it is
//! decoded and decoded once, so `%2F` is no separator and `%252e` no dot; every segment is an [`octroi_model::Name`], so nothing climbs.

use octroi_gate::{Area, Identifier, ProxyKind};
use octroi_http::decode_segment;
pub(crate) use octroi_http::encode_segment as encode;
use octroi_model::{Address, Name, Path, Service};

/// Longest path that is looked at: [`octroi_model::PATH_DEPTH_MAX`] names of 255 bytes, each byte as `%XX`, would be 24 KiB; no client needs them.
const PATH_BYTES_MAX: usize = 8 * 1024;

/// The root of the DAV tree.
pub(crate) const DAV_ROOT: &str = "/dav/";
/// Where attachments of calendar objects are.
const ATTACHMENTS: &str = "/dav/attachments/";
/// Where principals live.
pub(crate) const PRINCIPALS: &str = "/dav/principals/";

/// The areas that DAV serves, with their segment below [`DAV_ROOT`].
pub(crate) const AREAS: [(Area, &str); 3] = [(Area::Files, "files"), (Area::Calendars, "calendars"), (Area::Contacts, "contacts")];

/// What a URL names, by its form alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// `/`
    Root,
    /// `/dav/`
    DavRoot,
    /// `/dav/principals/`
    Principals,
    /// `/dav/principals/<address>/`, `/dav/principals/group/<name>/`, `/dav/principals/profile/<name>/`
    Principal(Identifier),
    /// `/dav/principals/<address>/calendar-proxy-read/`, `…-write/`: who stands for somebody in their calendars.
    Proxy(Address, ProxyKind),
    /// `/dav/files/`, `/dav/calendars/`, `/dav/contacts/`
    Area(Area),
    /// Something in the tree of the person with that address.
    Place(Place),
    /// `/dav/uploads/<address>/`, and below it an upload and a part of it.
    Upload(UploadAt),
    /// `/dav/push/<address>/<registration>`
    Registration(RegistrationAt),
    /// `/dav/notifications/<address>/`, and what is in it.
    Notification(NotificationAt),
    /// `/dav/attachments/<number>`, `/dav/attachments/<number>/<name for people>`
    Attachment(AttachmentAt),
    /// `/.well-known/caldav` or `carddav` (RFC 6764 section 5), and `/remote.php/dav`.
    WellKnown,
    /// Anything else.
    Nothing,
}

/// A place in somebody's tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// Which tree.
    pub area: Area,
    /// Whose, as the URL has it.
    pub address: String,
    /// Where in it.
    pub path: Path,
    /// The URL ends with a slash: a collection is meant.
    pub slash: bool,
}

/// A place among somebody's uploads under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UploadAt {
    /// Whose, as the URL has it.
    pub address: String,
    pub upload: Option<Name>,
    pub part: Option<Name>,
}

/// A registration for push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RegistrationAt {
    /// Whose, as the URL has it.
    pub address: String,
    /// As the gate names it.
    pub id: Name,
}

/// What others have to say about shared calendars.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NotificationAt {
    /// To whom, as the URL has it.
    pub address: String,
    pub name: Option<Name>,
}

/// An attachment of calendar objects: its number says it all, and what stands behind that is for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AttachmentAt {
    pub id: Name,
}

/// The path cannot name anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BadPath;

impl Target {
    /// Read the path of a URL, still percent-encoded.
    pub(crate) fn parse(path: &str) -> Result<Self, BadPath> {
        if path.len() > PATH_BYTES_MAX {
            return Err(BadPath);
        }
        let rest = path.strip_prefix('/').ok_or(BadPath)?;
        let (rest, slash) = rest.strip_suffix('/').map_or((rest, rest.is_empty()), |rest| (rest, true));
        if rest.is_empty() {
            return if path == "/" { Ok(Self::Root) } else { Err(BadPath) };
        }
        let names = rest.split('/').map(decode).collect::<Result<Vec<_>, _>>()?;
        let texts: Vec<&str> = names.iter().map(Name::as_str).collect();
        match texts.as_slice() {
            // Where Nextcloud has it: DAVx5 goes there once it was connected as to one (see the portal's `connect`).
            [".well-known", "caldav" | "carddav"] | ["remote.php", "dav"] => Ok(Self::WellKnown),
            ["dav"] => Ok(Self::DavRoot),
            ["dav", "principals"] => Ok(Self::Principals),
            ["dav", "principals", address] => {
                Ok(address.parse().map_or(Self::Nothing, |address| Self::Principal(Identifier::Account(address))))
            }
            ["dav", "principals", kind @ ("group" | "profile"), name] => {
                Ok(Identifier::parse(&format!("{kind}:{name}")).map_or(Self::Nothing, Self::Principal))
            }
            ["dav", "principals", address, segment] if proxy_of(segment).is_some() => {
                let proxy = address.parse().ok().zip(proxy_of(segment));
                Ok(proxy.map_or(Self::Nothing, |(address, kind)| Self::Proxy(address, kind)))
            }
            ["dav", "uploads", address, ..] if names.len() <= 5 => {
                let (upload, part) = (names.get(3).cloned(), names.get(4).cloned());
                Ok(Self::Upload(UploadAt { address: (*address).to_owned(), upload, part }))
            }
            ["dav", "notifications", address] | ["dav", "notifications", address, _] => {
                Ok(Self::Notification(NotificationAt { address: (*address).to_owned(), name: names.get(3).cloned() }))
            }
            ["dav", "push", address, _] => Ok(Self::Registration(RegistrationAt { address: (*address).to_owned(), id: names[3].clone() })),
            ["dav", "attachments", _] | ["dav", "attachments", _, _] => Ok(Self::Attachment(AttachmentAt { id: names[2].clone() })),
            ["dav", segment] => Ok(area_of(segment).map_or(Self::Nothing, Self::Area)),
            ["dav", segment, address, ..] => {
                let Some(area) = area_of(segment) else { return Ok(Self::Nothing) };
                let path = Path::from_names(names[3..].to_vec()).map_err(|_| BadPath)?;
                Ok(Self::Place(Place { area, address: (*address).to_owned(), path, slash }))
            }
            _ => Ok(Self::Nothing),
        }
    }

    /// Read a URL or an absolute path: `Destination`, an `If` tag, an href. A URL's host is given back for the caller to judge.
    pub(crate) fn parse_reference(reference: &str) -> Result<(Self, Option<String>), BadPath> {
        let (path, host) = if reference.starts_with('/') {
            (reference, None)
        } else {
            let (scheme, rest) = reference.split_once("://").ok_or(BadPath)?;
            if !scheme.eq_ignore_ascii_case("https") && !scheme.eq_ignore_ascii_case("http") {
                return Err(BadPath);
            }
            let (host, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
            (path, Some(host.to_ascii_lowercase()))
        };
        let path = path.split(['?', '#']).next().unwrap_or(path);
        Self::parse(path).map(|target| (target, host))
    }

    /// The services whose log-in opens it, in the order in which they are tried.
    pub(crate) fn services(&self) -> &'static [Service] {
        match self {
            Self::Area(area) | Self::Place(Place { area, .. }) => match area {
                Area::Calendars => &[Service::Caldav],
                Area::Contacts => &[Service::Carddav],
                _ => &[Service::Files],
            },
            Self::Upload(_) => &[Service::Files],
            Self::Notification(_) | Self::Attachment(_) => &[Service::Caldav],
            _ => &[Service::Caldav, Service::Carddav, Service::Files],
        }
    }
}

fn area_of(segment: &str) -> Option<Area> {
    AREAS.iter().find(|(_, known)| *known == segment).map(|(area, _)| *area)
}

/// An area's segment below [`DAV_ROOT`]; mail has none.
pub(crate) fn segment_of(area: Area) -> &'static str {
    AREAS.iter().find(|(known, _)| *known == area).map_or("", |(_, segment)| segment)
}

fn decode(segment: &str) -> Result<Name, BadPath> {
    decode_segment(segment).map_err(|_| BadPath)
}

/// The path of a principal.
pub(crate) fn principal_href(address: &Address) -> String {
    format!("{PRINCIPALS}{}/", encode(&address.to_string()))
}

/// What stands below a principal, by its segment.
fn proxy_of(segment: &str) -> Option<ProxyKind> {
    [ProxyKind::Read, ProxyKind::Write].into_iter().find(|kind| proxy_segment(*kind) == segment)
}

/// The last segment of the path of who stands for somebody.
pub(crate) fn proxy_segment(kind: ProxyKind) -> &'static str {
    match kind {
        ProxyKind::Read => "calendar-proxy-read",
        ProxyKind::Write => "calendar-proxy-write",
    }
}

/// The path of who stands for somebody in their calendars.
pub(crate) fn proxy_href(address: &Address, kind: ProxyKind) -> String {
    format!("{}{}/", principal_href(address), proxy_segment(kind))
}

/// The path of whoever can stand in an ACL; everybody together has none.
pub(crate) fn principal_of(who: &Identifier) -> Option<String> {
    match who {
        Identifier::Account(address) => Some(principal_href(address)),
        Identifier::Group(name) => Some(format!("{PRINCIPALS}group/{}/", encode(name))),
        Identifier::Profile(name) => Some(format!("{PRINCIPALS}profile/{}/", encode(name))),
        Identifier::Anyone => None,
    }
}

/// The path of a registration for push.
pub(crate) fn registration_href(address: &Address, id: &str) -> String {
    format!("{DAV_ROOT}push/{}/{}", encode(&address.to_string()), encode(id))
}

/// Where somebody finds invitations and answers.
pub(crate) fn notifications_href(address: &Address) -> String {
    format!("{DAV_ROOT}notifications/{}/", encode(&address.to_string()))
}

/// The path of an attachment of calendar objects.
pub(crate) fn attachment_href(id: &Name, file_name: &str) -> String {
    format!("{ATTACHMENTS}{}/{}", encode(id.as_str()), encode(file_name))
}

/// The path of an area's root.
pub(crate) fn area_href(area: Area) -> String {
    format!("{DAV_ROOT}{}/", segment_of(area))
}

/// The path of a collection in a person's tree; ends with a slash.
pub(crate) fn folder_href(area: Area, address: &Address, path: &Path) -> String {
    let mut href = format!("{}{}/", area_href(area), encode(&address.to_string()));
    for name in path.names() {
        href.push_str(&encode(name.as_str()));
        href.push('/');
    }
    href
}

/// The path of a document, event or card.
pub(crate) fn file_href(area: Area, address: &Address, folder: &Path, name: &Name) -> String {
    let mut href = folder_href(area, address, folder);
    href.push_str(&encode(name.as_str()));
    href
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn place(path: &str) -> Place {
        match Target::parse(path) {
            Ok(Target::Place(place)) => place,
            other => panic!("{path}: {other:?}"),
        }
    }

    #[test]
    fn each_form_is_told_from_the_others() {
        assert_eq!(Target::parse("/"), Ok(Target::Root));
        assert_eq!(Target::parse("/dav"), Ok(Target::DavRoot));
        assert_eq!(Target::parse("/dav/"), Ok(Target::DavRoot));
        assert_eq!(Target::parse("/dav/calendars/"), Ok(Target::Area(Area::Calendars)));
        assert_eq!(Target::parse("/dav/principals/lea%40a.example/"), Ok(Target::Principal(Identifier::parse("lea@a.example").unwrap())));
        for (who, path) in [("group:quai", "/dav/principals/group/quai/"), ("profile:agent", "/dav/principals/profile/agent/")] {
            let who = Identifier::parse(who).unwrap();
            assert_eq!(principal_of(&who).as_deref(), Some(path));
            assert_eq!(Target::parse(path), Ok(Target::Principal(who)));
        }
        let lea: Address = "lea@a.example".parse().unwrap();
        for kind in [ProxyKind::Read, ProxyKind::Write] {
            assert_eq!(Target::parse(&proxy_href(&lea, kind)), Ok(Target::Proxy(lea.clone(), kind)));
        }
        assert_eq!(Target::parse("/dav/principals/lea/calendar-proxy-read/"), Ok(Target::Nothing));
        assert_eq!(Target::parse("/.well-known/caldav"), Ok(Target::WellKnown));
        for nothing in [
            "/x",
            "/dav/uploads",
            "/dav/uploads/a@b/c/d/e",
            "/dav/push/a@b",
            "/dav/notifications",
            "/dav/notifications/a@b/c/d",
            "/dav/push/a@b/c/d",
            "/dav/mail/a@b/",
            "/dav/principals/a@b/c",
            "/dav/principals/group/",
            "/dav/principals/quai/",
            "/.well-known/acme",
            "/favicon.ico",
        ] {
            assert_eq!(Target::parse(nothing), Ok(Target::Nothing), "{nothing}");
        }
        let href = registration_href(&"lea@a.example".parse().unwrap(), "42-x");
        let id = Name::new("42-x").unwrap();
        assert_eq!(Target::parse(&href), Ok(Target::Registration(RegistrationAt { address: "lea@a.example".to_owned(), id })));
        let home = place("/dav/files/lea@a.example/");
        assert!(home.slash && home.path.names().is_empty());
        let file = place("/dav/files/lea@a.example/Actes/d%C3%A9cret%202026.pdf");
        assert_eq!((file.slash, file.path.join("|").as_str()), (false, "Actes|décret 2026.pdf"));
    }

    #[test]
    fn nothing_climbs_and_nothing_is_decoded_twice() {
        for bad in [
            "",
            "dav",
            "//",
            "/dav//files",
            "/dav/files/a@b//x",
            "/dav/files/a@b/../c",
            "/dav/files/a@b/%2e%2e/c",
            "/dav/files/a@b/.",
            "/dav/files/a@b/x%2Fy",
            "/dav/files/a@b/x%00",
            "/dav/files/a@b/%0d%0a",
            "/dav/files/a@b/%zz",
            "/dav/files/a@b/%",
            "/dav/files/a@b/%e9",
            "/dav/%2e%2e/files",
        ] {
            assert_eq!(Target::parse(bad), Err(BadPath), "{bad}");
        }
        assert_eq!(place("/dav/files/a@b/%252e%252e").path.join("/"), "%2e%2e");
        assert_eq!(Target::parse(&format!("/{}", "a/".repeat(5000))), Err(BadPath));
        assert_eq!(Target::parse(&format!("/dav/files/a@b/{}", "a/".repeat(40))), Err(BadPath));
    }

    #[test]
    fn references_may_be_whole_urls() {
        let (target, host) = Target::parse_reference("https://Mail.Example:8443/dav/files/a@b/x?q#f").unwrap();
        assert_eq!(host.as_deref(), Some("mail.example:8443"));
        assert!(matches!(target, Target::Place(place) if place.path.join("/") == "x"));
        assert!(Target::parse_reference("x/y").is_err());
        assert!(Target::parse_reference("ftp://h/dav/").is_err());
    }

    proptest! {
        #[test]
        fn what_is_encoded_comes_back(names in proptest::collection::vec("[^/\\p{Cc}]{1,20}", 0..6)) {
            let names: Result<Vec<Name>, _> = names.iter().map(|n| Name::new(n)).collect();
            prop_assume!(names.is_ok());
            let path = Path::from_names(names.unwrap()).unwrap();
            let address: Address = "léa.o'neil+x@douane.example".parse().unwrap();
            let href = folder_href(Area::Files, &address, &path);
            prop_assert!(href.is_ascii());
            let back = place(&href);
            prop_assert_eq!(back.path, path);
            prop_assert_eq!(back.address, address.to_string());
        }

        #[test]
        fn no_path_panics_or_climbs(path in "/dav/files/a@b/(%|2|e|E|f|\\.|/|0|[a-z]){0,20}") {
            if let Ok(Target::Place(place)) = Target::parse(&path) {
                prop_assert!(place.path.names().iter().all(|n| n.as_str() != ".." && !n.as_str().contains('/')));
            }
        }
    }
}
