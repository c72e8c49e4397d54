//! The 207 answer (RFC 4918 section 13): a response per resource, sent while it is made.

use crate::keyword;
use crate::names::DAV;
use crate::property::{self, KNOWN, Known, Subject, Viewer};
use crate::refusal::{Fault, xml_response};
use crate::xml::{Element, ElementName, Xml};
use axum::response::Response;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};
use octroi_http::{Gone, Sink, produce};
use std::future::Future;

/// Properties of one request: each unknown one comes back for every resource.
pub(crate) const PROPERTIES_MAX: usize = 100;
/// Octets of an answer that are gathered before they are sent.
const PIECE_BYTES: usize = 32 * 1024;
/// The root element.
const ROOT: &str = "D:multistatus";

/// Which properties a request wants.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    which: Which,
    /// `Prefer: return=minimal` (RFC 8144 section 2.1): leave out what is missing.
    minimal: bool,
}

#[derive(Debug, Clone)]
enum Which {
    /// All of RFC 4918, and these.
    All(Vec<ElementName>),
    /// Names only.
    Names,
    /// These.
    These(Vec<ElementName>),
}

impl Wanted {
    /// From a `propfind` element, or none for an empty body, which means `allprop` (RFC 4918 section 9.1).
    pub(crate) fn of_propfind(body: Option<&Element>, headers: &HeaderMap) -> Result<Self, Fault> {
        let minimal = prefers_minimal(headers);
        let Some(body) = body else { return Ok(Self { which: Which::All(Vec::new()), minimal }) };
        if !body.is(DAV, "propfind") {
            return Err(bad());
        }
        if body.child(DAV, "propname").is_some() {
            return Ok(Self { which: Which::Names, minimal });
        }
        if body.child(DAV, "allprop").is_some() {
            return Ok(Self { which: Which::All(body.child(DAV, "include").map(names).transpose()?.unwrap_or_default()), minimal });
        }
        Self::of_prop(body, headers)
    }

    /// From the `prop` element in `parent`.
    pub(crate) fn of_prop(parent: &Element, headers: &HeaderMap) -> Result<Self, Fault> {
        let prop = parent.child(DAV, "prop").ok_or_else(bad)?;
        Ok(Self { which: Which::These(names(prop)?), minimal: prefers_minimal(headers) })
    }

    /// From the `prop` element in `parent`, which may be left out: then nothing is asked but who there is (RFC 3744 section 9.3).
    pub(crate) fn of_optional_prop(parent: &Element, headers: &HeaderMap) -> Result<Self, Fault> {
        match parent.child(DAV, "prop") {
            Some(_) => Self::of_prop(parent, headers),
            None => Ok(Self { which: Which::These(Vec::new()), minimal: prefers_minimal(headers) }),
        }
    }

    /// Is a property of this name asked for?
    pub(crate) fn asks(&self, namespace: &str, local: &str) -> bool {
        let (Which::All(names) | Which::These(names)) = &self.which else { return false };
        names.iter().any(|name| name.namespace == namespace && name.local == local)
    }
}

fn bad() -> Fault {
    Fault::Status(StatusCode::BAD_REQUEST, "The body is not what this method takes.")
}

/// The names in a `prop` or `include` element, each once.
pub(crate) fn names(parent: &Element) -> Result<Vec<ElementName>, Fault> {
    let mut names: Vec<ElementName> = Vec::new();
    for child in &parent.children {
        if !names.contains(&child.name) {
            names.push(child.name.clone());
        }
        if names.len() > PROPERTIES_MAX {
            return Err(Fault::Status(StatusCode::PAYLOAD_TOO_LARGE, "The request names too many properties."));
        }
    }
    Ok(names)
}

fn prefers_minimal(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    values.any(|preference| preference.trim().eq_ignore_ascii_case("return=minimal"))
}

/// One `response` with the wanted properties. `extra` is written among those found: what only a report knows, such as the data itself;
/// `extra_name` is its name, so that it is not reported missing.
pub(crate) fn describe(
    href: &str,
    subject: &Subject<'_>,
    wanted: &Wanted,
    viewer: &Viewer,
    extra: Option<(&ElementName, &Xml)>,
    xml: &mut Xml,
) {
    let mut found = Xml::piece();
    let mut missing = Xml::piece();
    let marks: &[String] = if let Subject::File { marks, .. } = subject { marks } else { &[] };
    let mut one = |known: Option<&'static Known>, name: Option<&ElementName>| {
        if let Some(name) = name.filter(|name| keyword::is_set(name, marks)) {
            found.named_text(name, keyword::SET);
            return;
        }
        let written = known.is_some_and(|known| property::write(known, subject, viewer, &mut found));
        if let (false, Some(name)) = (written, name) {
            missing.named(name);
        }
    };
    match &wanted.which {
        Which::All(also) => {
            KNOWN.iter().filter(|known| known.in_allprop).for_each(|known| one(Some(known), None));
            // What is in allprop already must not come twice.
            let new = also.iter().filter(|name| !property::find(name).is_some_and(|known| known.in_allprop));
            new.for_each(|name| one(property::find(name), Some(name)));
            // What a client set is told with all (RFC 4918 section 9.1), unless it was included by name above.
            let left = marks.iter().filter_map(|mark| keyword::property_of(mark)).filter(|name| !also.contains(name));
            left.for_each(|name| one(None, Some(&name)));
        }
        Which::These(names) => {
            let ours = names.iter().filter(|name| extra.is_none_or(|(extra, _)| extra != *name));
            ours.for_each(|name| one(property::find(name), Some(name)));
        }
        Which::Names => {
            for known in KNOWN {
                if property::write(known, subject, viewer, &mut Xml::piece()) {
                    found.empty(known.tag);
                }
            }
            marks.iter().filter_map(|mark| keyword::property_of(mark)).for_each(|name| {
                found.named(&name);
            });
        }
    }
    if let Some((_, extra)) = extra {
        found.append(extra);
    }
    xml.open("D:response").text("D:href", href);
    if !found.is_empty() || missing.is_empty() || wanted.minimal {
        propstat(&found, "HTTP/1.1 200 OK", xml);
    }
    if !missing.is_empty() && !wanted.minimal {
        propstat(&missing, "HTTP/1.1 404 Not Found", xml);
    }
    xml.close("D:response");
}

/// One `propstat`.
pub(crate) fn propstat(properties: &Xml, status: &str, xml: &mut Xml) {
    propstat_because(properties, status, None, xml);
}

/// One `propstat` with a sentence for people.
pub(crate) fn propstat_because(properties: &Xml, status: &str, why: Option<&str>, xml: &mut Xml) {
    xml.open("D:propstat").open("D:prop").append(properties).close("D:prop").text("D:status", status);
    if let Some(why) = why {
        xml.text("D:responsedescription", why);
    }
    xml.close("D:propstat");
}

/// One `response` that is nothing but a status.
pub(crate) fn status_only(href: &str, status: &str, xml: &mut Xml) {
    xml.open("D:response").text("D:href", href).text("D:status", status).close("D:response");
}

/// A 207 that is whole already. `write` fills the root.
pub(crate) fn whole(write: impl FnOnce(&mut Xml)) -> Response {
    let mut xml = Xml::document(ROOT);
    write(&mut xml);
    xml.close(ROOT);
    xml_response(StatusCode::MULTI_STATUS, xml)
}

/// A 207 that is made while it is sent. When `writer` gives [`Stopped::Failed`], the answer breaks off visibly.
pub(crate) fn streamed<F>(writer: impl FnOnce(Stream) -> F) -> Response
where
    F: Future<Output = Result<Stream, Stopped>> + Send + 'static,
{
    let body = produce(None, |sink| {
        let sink = std::sync::Arc::new(sink);
        let writing = writer(Stream { sink: sink.clone(), xml: Xml::document(ROOT) });
        async move {
            match writing.await {
                Ok(mut stream) => {
                    stream.xml.close(ROOT);
                    let _ = stream.flush().await;
                }
                Err(Stopped::Failed) => sink.fail().await,
                Err(Stopped::Gone) => {}
            }
        }
    });
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::MULTI_STATUS;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/xml; charset=utf-8"));
    response
}

/// Why a streamed answer ends before its end.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stopped {
    /// The client has gone.
    Gone,
    /// Something could not be read.
    Failed,
}

impl From<Gone> for Stopped {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}

/// A 207 on its way.
pub(crate) struct Stream {
    sink: std::sync::Arc<Sink>,
    /// What was written and not yet sent.
    pub xml: Xml,
}

impl Stream {
    /// Send what there is, if it is enough for a piece. To be called after each response.
    pub(crate) async fn breathe(&mut self) -> Result<(), Stopped> {
        if self.xml.len() >= PIECE_BYTES { self.flush().await } else { Ok(()) }
    }

    async fn flush(&mut self) -> Result<(), Stopped> {
        let piece = std::mem::replace(&mut self.xml, Xml::piece());
        Ok(self.sink.send(Bytes::from(piece.into_string())).await?)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::xml::parse;

    fn viewer() -> Viewer {
        Viewer {
            address: "lea@a.example".parse().unwrap(),
            display_name: "Léa <Martin>".into(),
            groups: Vec::new(),
            object_bytes_max: 1000,
        }
    }

    fn answer(body: &str, headers: &HeaderMap) -> Element {
        let wanted =
            Wanted::of_propfind((!body.is_empty()).then(|| parse(body.as_bytes()).unwrap()).as_ref(), headers).unwrap_or_else(|_| panic!());
        let mut xml = Xml::document(ROOT);
        describe("/dav/principals/lea@a.example/", &Subject::Principal, &wanted, &viewer(), None, &mut xml);
        xml.close(ROOT);
        parse(xml.into_string().as_bytes()).unwrap()
    }

    #[test]
    fn found_and_missing_are_told_apart() {
        let body = r#"<propfind xmlns="DAV:"><prop><displayname/><resourcetype/><quota-used-bytes/><x xmlns="urn:x"/></prop></propfind>"#;
        let root = answer(body, &HeaderMap::new());
        let response = &root.children[0];
        let stats: Vec<&Element> = response.children.iter().filter(|c| c.is(DAV, "propstat")).collect();
        assert_eq!(stats.len(), 2);
        let found = stats[0].child(DAV, "prop").unwrap();
        assert_eq!(found.child(DAV, "displayname").unwrap().text, "Léa <Martin>");
        assert!(found.child(DAV, "resourcetype").unwrap().child(DAV, "principal").is_some());
        let missing = stats[1].child(DAV, "prop").unwrap();
        assert!(missing.child(DAV, "quota-used-bytes").is_some() && missing.child("urn:x", "x").is_some());
        let headers: HeaderMap = [(http::HeaderName::from_static("prefer"), "return=minimal".parse().unwrap())].into_iter().collect();
        let minimal = answer(body, &headers);
        assert_eq!(minimal.children[0].children.iter().filter(|c| c.is(DAV, "propstat")).count(), 1);
    }

    #[test]
    fn an_empty_body_asks_for_all_and_propname_for_names() {
        let all = answer("", &HeaderMap::new());
        let prop = all.children[0].child(DAV, "propstat").unwrap().child(DAV, "prop").unwrap().clone();
        assert!(prop.child(DAV, "resourcetype").is_some() && prop.child(DAV, "current-user-principal").is_none());
        let names = answer(r#"<propfind xmlns="DAV:"><propname/></propfind>"#, &HeaderMap::new());
        let prop = names.children[0].child(DAV, "propstat").unwrap().child(DAV, "prop").unwrap().clone();
        assert!(prop.child(DAV, "current-user-principal").is_some_and(|p| p.children.is_empty()));
    }

    #[test]
    fn too_many_properties_are_refused() {
        let many = (0..=PROPERTIES_MAX).map(|n| format!("<x{n}/>")).collect::<Vec<_>>().concat();
        let body = parse(format!(r#"<propfind xmlns="DAV:"><prop>{many}</prop></propfind>"#).as_bytes()).unwrap();
        assert!(Wanted::of_propfind(Some(&body), &HeaderMap::new()).is_err());
    }
}
