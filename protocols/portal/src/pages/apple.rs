//! A configuration profile for Apple's devices: mail, calendars and contacts in one file, without a password, which the device asks for.
//!
//! By Apple's "Configuration Profile Reference". What always holds: it names only what is served, never a connection without TLS; the same
//! person's has the same identifiers each time, so a newer one takes the place of the older. It is not signed: a device says so, and its owner
//! has just fetched it from here, over TLS.

use crate::config::Served;
use crate::visitor::Person;
use axum::body::Body;
use axum::response::Response;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use maud::html;
use octroi_gate::Organisation;
use octroi_model::Address;
use std::fmt::Write as _;

/// Where it is.
pub(crate) const PATH: &str = "/portal/apple-profile";

/// GET.
pub(crate) async fn show(person: Person) -> Response {
    let portal = &person.visitor.portal;
    let text = profile(portal.gate.organisation(), &portal.config.served, person.session.address(), person.session.display_name());
    let mut response = Response::new(Body::from(text));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-apple-aspen-config"));
    headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"octroi.mobileconfig\""));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// What a key says.
enum Is {
    Text(String),
    Number(u16),
    Bool(bool),
}

type Dict = Vec<(&'static str, Is)>;

fn text(text: impl Into<String>) -> Is {
    Is::Text(text.into())
}

fn profile(organisation: &Organisation, served: &Served, address: &Address, name: &str) -> String {
    let mut payloads = Vec::new();
    payloads.extend(mail(organisation, served, address, name));
    payloads.extend(served.dav.as_deref().into_iter().flat_map(|dav| collections(organisation, dav, address)));
    let mut out = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \
         \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n<plist version=\"1.0\">\n<dict>\n<key>PayloadContent</key>\n<array>\n",
    );
    for payload in &payloads {
        out.push_str("<dict>\n");
        entries(payload, &mut out);
        out.push_str("</dict>\n");
    }
    out.push_str("</array>\n");
    let about = format!("{} ({address})", organisation.name);
    let mut whole = head("Configuration", "profile", organisation, address);
    whole.extend([
        ("PayloadDisplayName", text(about)),
        ("PayloadOrganization", text(&*organisation.name)),
        ("PayloadRemovalDisallowed", Is::Bool(false)),
    ]);
    entries(&whole, &mut out);
    out.push_str("</dict>\n</plist>\n");
    out
}

fn entries(dict: &Dict, out: &mut String) {
    for (key, is) in dict {
        let value = match is {
            Is::Text(text) => html! { string { (text) } }.into_string(),
            Is::Number(number) => format!("<integer>{number}</integer>"),
            Is::Bool(true) => "<true/>".to_owned(),
            Is::Bool(false) => "<false/>".to_owned(),
        };
        // Into a string: this does not fail.
        let _ = writeln!(out, "<key>{key}</key>{value}");
    }
}

/// What every payload begins with.
fn head(kind: &str, part: &str, organisation: &Organisation, address: &Address) -> Dict {
    let host: Vec<&str> = organisation.hostname.rsplit('.').collect();
    let identifier = format!("{}.octroi.{}.{part}", host.join("."), &identity(&[&address.key()])[..8].to_lowercase());
    vec![
        ("PayloadType", text(kind)),
        ("PayloadVersion", Is::Number(1)),
        ("PayloadUUID", text(identity(&[&organisation.hostname, &address.key(), part]))),
        ("PayloadIdentifier", text(identifier)),
    ]
}

/// A UUID that is the same each time (RFC 9562 section 5.8: version 8, of a hash).
fn identity(of: &[&str]) -> String {
    let hash = blake3::hash(of.join("\0").as_bytes());
    let mut octets = [0; 16];
    octets.copy_from_slice(&hash.as_bytes()[..16]);
    octets[6] = (octets[6] & 0x0f) | 0x80;
    octets[8] = (octets[8] & 0x3f) | 0x80;
    let hex = data_encoding::HEXUPPER.encode(&octets);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// IMAP and submission, if both are served: over TLS from the first octet, or else with STARTTLS, which the device does by itself.
fn mail(organisation: &Organisation, served: &Served, address: &Address, name: &str) -> Option<Dict> {
    let incoming = served.imaps.or(served.imap)?;
    let outgoing = served.submissions.or(served.submission)?;
    let name = if name.is_empty() { address.to_string() } else { name.to_owned() };
    let mut payload = head("com.apple.mail.managed", "mail", organisation, address);
    payload.extend([
        ("PayloadDisplayName", text(&*organisation.name)),
        ("EmailAccountDescription", text(&*organisation.name)),
        ("EmailAccountName", text(name)),
        ("EmailAccountType", text("EmailTypeIMAP")),
        ("EmailAddress", text(address.to_string())),
        ("IncomingMailServerAuthentication", text("EmailAuthPassword")),
        ("IncomingMailServerHostName", text(&*organisation.hostname)),
        ("IncomingMailServerPortNumber", Is::Number(incoming)),
        ("IncomingMailServerUseSSL", Is::Bool(true)),
        ("IncomingMailServerUsername", text(address.to_string())),
        ("OutgoingMailServerAuthentication", text("EmailAuthPassword")),
        ("OutgoingMailServerHostName", text(&*organisation.hostname)),
        ("OutgoingMailServerPortNumber", Is::Number(outgoing)),
        ("OutgoingMailServerUseSSL", Is::Bool(true)),
        ("OutgoingMailServerUsername", text(address.to_string())),
        ("OutgoingPasswordSameAsIncomingPassword", Is::Bool(true)),
    ]);
    Some(payload)
}

/// Calendars and contacts.
fn collections(organisation: &Organisation, dav: &str, address: &Address) -> Vec<Dict> {
    const HTTPS_PORT: u16 = 443;
    let authority = dav.strip_prefix("https://").unwrap_or(dav);
    let (host, port) =
        authority.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?))).unwrap_or((authority, HTTPS_PORT));
    let principal = format!("/dav/principals/{}/", octroi_http::encode_segment(&address.to_string()));
    let caldav = [
        ("CalDAVAccountDescription", text(&*organisation.name)),
        ("CalDAVHostName", text(host)),
        ("CalDAVPort", Is::Number(port)),
        ("CalDAVUseSSL", Is::Bool(true)),
        ("CalDAVPrincipalURL", text(&*principal)),
        ("CalDAVUsername", text(address.to_string())),
    ];
    let carddav = [
        ("CardDAVAccountDescription", text(&*organisation.name)),
        ("CardDAVHostName", text(host)),
        ("CardDAVPort", Is::Number(port)),
        ("CardDAVUseSSL", Is::Bool(true)),
        ("CardDAVPrincipalURL", text(principal)),
        ("CardDAVUsername", text(address.to_string())),
    ];
    let mut payloads = Vec::new();
    for (kind, part, keys) in [("com.apple.caldav.account", "caldav", caldav), ("com.apple.carddav.account", "carddav", carddav)] {
        let mut payload = head(kind, part, organisation, address);
        payload.push(("PayloadDisplayName", text(&*organisation.name)));
        payload.extend(keys);
        payloads.push(payload);
    }
    payloads
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn organisation() -> Organisation {
        Organisation {
            name: "Douanes & <droits>".to_owned(),
            hostname: "mail.douanes.example".to_owned(),
            domains: vec!["douanes.example".to_owned()],
            postmaster: None,
            portal_url: "https://mail.douanes.example/portal/".to_owned(),
        }
    }

    #[test]
    fn names_what_is_served_and_holds_no_markup_of_others() {
        let served = Served {
            imap: Some(143),
            imaps: Some(993),
            submission: Some(587),
            dav: Some("https://mail.douanes.example:8443".into()),
            ..Served::default()
        };
        let address: Address = "léa@douanes.example".parse().unwrap();
        let text = profile(&organisation(), &served, &address, "Léa \"<b>\"");
        for expected in [
            "<key>IncomingMailServerPortNumber</key><integer>993</integer>",
            "<key>OutgoingMailServerPortNumber</key><integer>587</integer>",
            "<key>CalDAVHostName</key><string>mail.douanes.example</string>",
            "<key>CardDAVPort</key><integer>8443</integer>",
            "<key>CalDAVPrincipalURL</key><string>/dav/principals/l%C3%A9a@douanes.example/</string>",
            "<string>Léa &quot;&lt;b&gt;&quot;</string>",
            "<string>Douanes &amp; &lt;droits&gt;</string>",
            "<key>IncomingMailServerUseSSL</key><true/>",
        ] {
            assert!(text.contains(expected), "{expected}: {text}");
        }
        assert!(!text.contains("Password</key><string>"), "no secret: {text}");
        assert_eq!(text, profile(&organisation(), &served, &address, "Léa \"<b>\""), "the same each time");
        assert_eq!(text.matches("<key>PayloadUUID</key>").count(), 4);
        let other: Address = "paul@douanes.example".parse().unwrap();
        let theirs = profile(&organisation(), &served, &other, "");
        let uuid = text.split("<key>PayloadUUID</key><string>").nth(1).unwrap().split('<').next().unwrap();
        assert!(uuid.len() == 36 && !theirs.contains(uuid), "{uuid}");
    }

    #[test]
    fn names_nothing_that_is_not_served() {
        let address: Address = "lea@douanes.example".parse().unwrap();
        let none = profile(&organisation(), &Served { imaps: Some(993), ..Served::default() }, &address, "");
        assert!(!none.contains("com.apple.mail") && !none.contains("caldav"), "{none}");
        let plain =
            profile(&organisation(), &Served { dav: Some("https://mail.douanes.example".into()), ..Served::default() }, &address, "");
        assert!(plain.contains("<key>CalDAVPort</key><integer>443</integer>"), "{plain}");
    }
}
