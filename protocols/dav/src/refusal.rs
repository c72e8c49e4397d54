//! The one place where what went wrong becomes an answer.
//!
//! Clients act on the status, so each is chosen for what they do with it: on 401 they ask for the password, on 403 with
//! `need-privileges` they take their change back, on a bare 403 some stop synchronising, on 404 they forget, on 503 they come again.

use crate::privilege::needed;
use crate::xml::{Xml, XmlFault};
use axum::body::Body;
use axum::response::Response;
use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use octroi_gate::{ATTENDEES, Lacks, Organisation, Refusal, SchedulingFault};
use octroi_http::{challenge, plain, retry_later};
use std::time::Duration;

/// When a client is to come again after a passing failure.
const RETRY_AFTER: Duration = Duration::from_secs(30);

/// What a handler gives.
pub(crate) type Answer = Result<Response, Fault>;

/// Why a request was not done.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The gate refused, about the resource with this href.
    Gate(Refusal, String),
    /// A precondition that a standard names: status and element.
    Rule(StatusCode, &'static str),
    /// The same, with the resource that it is about or a sentence for people.
    Broken { element: &'static str, href: Option<String>, why: Option<String> },
    /// A privilege lacks that no right of ours stands for alone, on the resource with this href.
    Needs(&'static str, String),
    /// A status that says it all, with a sentence for people.
    Status(StatusCode, &'static str),
    /// The body is not XML that we take.
    Xml(XmlFault),
    /// 405, with what is allowed.
    NotAllowed(HeaderValue),
}

impl From<XmlFault> for Fault {
    fn from(fault: XmlFault) -> Self {
        Self::Xml(fault)
    }
}

impl Fault {
    /// For `map_err`: the gate refused, about `href`.
    pub(crate) fn about(href: &str) -> impl FnOnce(Refusal) -> Self {
        let href = href.to_owned();
        move |refusal| Self::Gate(refusal, href)
    }

    /// 403 and a precondition that a standard names, with what is wrong.
    pub(crate) fn because(element: &'static str, why: String) -> Self {
        Self::Broken { element, href: None, why: Some(why) }
    }

    /// There is nothing here.
    pub(crate) fn missing() -> Self {
        Self::Status(StatusCode::NOT_FOUND, "There is nothing here.")
    }

    /// 412
    pub(crate) fn precondition() -> Self {
        Self::Status(StatusCode::PRECONDITION_FAILED, "It is not what you take it for.")
    }

    /// A target's parent is missing. RFC 4918 section 9.7.1.
    pub(crate) fn no_parent() -> Self {
        Self::Status(StatusCode::CONFLICT, "The collection to hold it does not exist.")
    }

    /// The answer.
    pub(crate) fn into_response(self, organisation: &Organisation) -> Response {
        match self {
            Self::Gate(refusal, href) => refused(refusal, &href, organisation),
            Self::Rule(status, element) => {
                let mut xml = Xml::document("D:error");
                xml.empty(element).close("D:error");
                xml_response(status, xml)
            }
            Self::Broken { element, href, why } => {
                let mut xml = Xml::document("D:error");
                match href {
                    Some(href) => xml.open(element).text("D:href", &href).close(element),
                    None => xml.empty(element),
                };
                if let Some(why) = why {
                    xml.text("D:responsedescription", &why);
                }
                xml.close("D:error");
                xml_response(StatusCode::FORBIDDEN, xml)
            }
            Self::Needs(privilege, href) => need_privileges(&href, std::iter::once(privilege)),
            Self::Status(status, text) => plain(status, text),
            Self::Xml(XmlFault::Malformed) => plain(StatusCode::BAD_REQUEST, "The body is not well-formed XML."),
            // RFC 4918 section 17.5.2 names this element for it.
            Self::Xml(XmlFault::Entity) => Self::Rule(StatusCode::FORBIDDEN, "D:no-external-entities").into_response(organisation),
            Self::Xml(XmlFault::Limit(_)) => {
                plain(StatusCode::PAYLOAD_TOO_LARGE, "The body has more elements, depth or attributes than are taken.")
            }
            Self::NotAllowed(allow) => {
                let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "This cannot be done here.");
                response.headers_mut().insert(ALLOW, allow);
                response
            }
        }
    }
}

fn refused(refusal: Refusal, href: &str, organisation: &Organisation) -> Response {
    match refusal {
        Refusal::Missing => Fault::missing().into_response(organisation),
        Refusal::Forbidden(lacking) => need_privileges(href, needed(lacking)),
        Refusal::Ended | Refusal::InvalidCode => challenge(&organisation.name),
        Refusal::Precondition | Refusal::Exists => Fault::precondition().into_response(organisation),
        // Who may not know what is locked is told this much.
        Refusal::Locked(_) | Refusal::LockConflict(_) => plain(StatusCode::LOCKED, "It is locked."),
        Refusal::NotEmpty => plain(StatusCode::CONFLICT, "It still holds something."),
        // RFC 4331 section 6.
        Refusal::OverQuota => Fault::Rule(StatusCode::INSUFFICIENT_STORAGE, "D:quota-not-exceeded").into_response(organisation),
        Refusal::Limit(ATTENDEES) => Fault::Rule(StatusCode::FORBIDDEN, "C:max-attendees-per-instance").into_response(organisation),
        Refusal::Scheduling(fault) => Fault::Rule(StatusCode::FORBIDDEN, scheduling(fault)).into_response(organisation),
        Refusal::Limit(what) => plain(StatusCode::INSUFFICIENT_STORAGE, &format!("A limit is reached: {what}.")),
        Refusal::Unavailable => retry_later("Try again in a moment.", RETRY_AFTER),
        Refusal::Damaged => plain(StatusCode::INTERNAL_SERVER_ERROR, "It is damaged in the store; tell the administrator."),
        Refusal::Reserved(lacks) => plain(StatusCode::FORBIDDEN, &reserved(lacks, &organisation.portal_url)),
        Refusal::ExportNotAllowed => plain(StatusCode::FORBIDDEN, "Your profile does not let you take out a whole collection."),
        Refusal::SubscribeNotAllowed => {
            plain(StatusCode::FORBIDDEN, "Your profile does not let you subscribe to calendars of the web from here.")
        }
        Refusal::PublishNotAllowed => plain(StatusCode::FORBIDDEN, "Your profile does not let you publish calendars from here."),
        Refusal::SourceNotAllowed => plain(StatusCode::FORBIDDEN, "No calendar is fetched from that URL."),
        Refusal::ShareNotAllowed => Fault::Rule(StatusCode::FORBIDDEN, "D:allowed-principal").into_response(organisation),
        // RFC 3744 section 8.1.1.
        Refusal::UnknownGrantee => Fault::Rule(StatusCode::FORBIDDEN, "D:recognized-principal").into_response(organisation),
        _ => plain(StatusCode::FORBIDDEN, "That is not possible with this resource."),
    }
}

/// RFC 6638 section 3.2.4.
fn scheduling(fault: SchedulingFault) -> &'static str {
    match fault {
        SchedulingFault::NotUnique => "C:unique-scheduling-object-resource",
        SchedulingFault::SeveralOrganizers => "C:same-organizer-in-all-components",
        SchedulingFault::Organizer => "C:allowed-organizer-scheduling-object-change",
        SchedulingFault::Attendee => "C:allowed-attendee-scheduling-object-change",
    }
}

/// What to do to be let.
pub(crate) fn reserved(lacks: Lacks, portal_url: &str) -> String {
    match lacks {
        Lacks::Profile => "This is a reserved action, which your profile may not do.".to_owned(),
        Lacks::Zone => "This is a reserved action, which cannot be done from here.".to_owned(),
        Lacks::SecondFactor(seconds) => {
            format!("This is a reserved action: confirm this device at {portal_url} first; that counts for {} minutes.", seconds / 60)
        }
    }
}

/// RFC 3744 section 7.1.1.
fn need_privileges(href: &str, lacking: impl Iterator<Item = &'static str>) -> Response {
    let mut xml = Xml::document("D:error");
    write_needed(href, lacking, &mut xml);
    xml.close("D:error");
    xml_response(StatusCode::FORBIDDEN, xml)
}

/// The content of the error that says which privileges lack on a resource.
pub(crate) fn write_needed(href: &str, lacking: impl Iterator<Item = &'static str>, xml: &mut Xml) {
    xml.open("D:need-privileges");
    for privilege in lacking {
        xml.open("D:resource").text("D:href", href);
        xml.open("D:privilege").empty(privilege).close("D:privilege").close("D:resource");
    }
    xml.close("D:need-privileges");
}

/// An answer with an XML body.
pub(crate) fn xml_response(status: StatusCode, xml: Xml) -> Response {
    let mut response = Response::new(Body::from(xml.into_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/xml; charset=utf-8"));
    response
}

/// An answer without a body.
pub(crate) fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
