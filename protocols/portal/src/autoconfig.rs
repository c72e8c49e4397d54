//! Where mail programs ask how they are set up: Thunderbird's `config-v1.1.xml`, which KMail, Evolution, `FairEmail` and K-9 read as well.
//!
//! The routes are among [`crate::router`]'s, and the only ones outside `/portal/`: `autoconfig.DOMAIN/mail/config-v1.1.xml`, and
//! `DOMAIN/.well-known/autoconfig/mail/config-v1.1.xml`. What always holds: the answer is the same for everybody (whoever asks has no
//! password yet, and learns nothing of who is here), and it names only what is served, never a connection without TLS.

use crate::config::Served;
use crate::pages::Portal;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use maud::{Markup, html};
use octroi_gate::Organisation;
use std::sync::Arc;

/// Programs put the address in that the person has typed.
const ADDRESS: &str = "%EMAILADDRESS%";

/// GET.
pub(crate) async fn show(State(portal): State<Arc<Portal>>) -> Response {
    let Some(config) = client_config(portal.gate.organisation(), &portal.config.served) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let mut response = config.into_string().into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/xml; charset=utf-8"));
    response
}

/// The document, if mail is served at all and the organisation has a domain.
fn client_config(organisation: &Organisation, served: &Served) -> Option<Markup> {
    let incoming = [(served.imaps, "SSL"), (served.imap, "STARTTLS")];
    let outgoing = [(served.submissions, "SSL"), (served.submission, "STARTTLS")];
    let first = organisation.domains.first()?;
    // Programs take no document in which one of the two is missing.
    incoming.iter().find_map(|(port, _)| *port)?;
    outgoing.iter().find_map(|(port, _)| *port)?;
    Some(html! {
        clientConfig version="1.1" {
            emailProvider id=(first) {
                @for domain in &organisation.domains { domain { (domain) } }
                displayName { (organisation.name) }
                displayShortName { (organisation.name) }
                @for (port, security) in incoming {
                    @if let Some(port) = port { incomingServer type="imap" { (server(&organisation.hostname, port, security)) } }
                }
                @for (port, security) in outgoing {
                    @if let Some(port) = port { outgoingServer type="smtp" { (server(&organisation.hostname, port, security)) } }
                }
                documentation url=(format!("{}help", organisation.portal_url)) { descr { (organisation.name) } }
            }
            @if let Some(dav) = &served.dav {
                addressBook type="carddav" { (collections(dav)) }
                calendar type="caldav" { (collections(dav)) }
            }
        }
    })
}

fn server(hostname: &str, port: u16, security: &str) -> Markup {
    html! {
        hostname { (hostname) }
        port { (port) }
        socketType { (security) }
        authentication { "password-cleartext" }
        username { (ADDRESS) }
    }
}

fn collections(dav: &str) -> Markup {
    html! {
        username { (ADDRESS) }
        authentication system="http" { "basic" }
        serverURL { (dav) "/dav/" }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn organisation() -> Organisation {
        Organisation {
            name: "Douanes & droits <indirects>".to_owned(),
            hostname: "mail.douanes.example".to_owned(),
            domains: vec!["douanes.example".to_owned(), "customs.example".to_owned()],
            postmaster: None,
            portal_url: "https://mail.douanes.example/portal/".to_owned(),
        }
    }

    #[test]
    fn names_what_is_served_best_first() {
        let dav = Some("https://mail.douanes.example".to_owned());
        let served = Served { imap: Some(143), imaps: Some(993), submission: Some(587), submissions: Some(465), managesieve: None, dav };
        let text = client_config(&organisation(), &served).unwrap().into_string();
        let places: Vec<usize> = ["<port>993<", "<port>143<", "<port>465<", "<port>587<"].iter().map(|p| text.find(p).unwrap()).collect();
        assert!(places.is_sorted(), "{text}");
        assert!(text.contains("<domain>douanes.example</domain><domain>customs.example</domain>"), "{text}");
        assert!(text.contains("<displayName>Douanes &amp; droits &lt;indirects&gt;</displayName>"), "{text}");
        assert!(text.contains("<serverURL>https://mail.douanes.example/dav/</serverURL>"), "{text}");
    }

    #[test]
    fn names_nothing_that_is_not_served() {
        let served = Served { imaps: Some(993), submissions: Some(465), ..Served::default() };
        let text = client_config(&organisation(), &served).unwrap().into_string();
        assert!(!text.contains("STARTTLS") && !text.contains("caldav"), "{text}");
        for none in [Served { imaps: None, ..served.clone() }, Served { submissions: None, ..served.clone() }] {
            assert!(client_config(&organisation(), &none).is_none());
        }
        assert!(client_config(&Organisation { domains: Vec::new(), ..organisation() }, &served).is_none());
    }
}
