//! The 207 answer (RFC 4918 section 13): a response per resource, sent while it is made.

use crate::keyword;
use crate::names::DAV;
use crate::property::{self, Known, Subject, Viewer};
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
    /// `Prefer: depth-noroot` (RFC 8144 section 3.2): leave out the collection itself.
    pub noroot: bool,
}

#[derive(Debug, Clone)]
enum Which {
    /// All of RFC 4918 and all that clients set, and these.
    All(Vec<Asked>),
    /// Names only.
    Names,
    /// These.
    These(Vec<Asked>),
}

/// A property that is asked for by name, looked up once for all resources of the answer.
#[derive(Debug, Clone)]
struct Asked {
    name: ElementName,
    /// As the store knows it.
    key: String,
    known: Option<&'static Known>,
    is_keyword: bool,
}

impl Asked {
    fn of(name: ElementName) -> Self {
        Self { key: name.key(), known: property::find(&name), is_keyword: keyword::keyword_of(&name).is_some(), name }
    }
}

impl Wanted {
    fn new(which: Which, headers: &HeaderMap) -> Self {
        Self { which, minimal: prefers_minimal(headers), noroot: prefers(headers, "depth-noroot") }
    }

    /// From a `propfind` element, or none for an empty body, which means `allprop` (RFC 4918 section 9.1).
    pub(crate) fn of_propfind(body: Option<&Element>, headers: &HeaderMap) -> Result<Self, Fault> {
        let Some(body) = body else { return Ok(Self::new(Which::All(Vec::new()), headers)) };
        if !body.is(DAV, "propfind") {
            return Err(bad());
        }
        if body.child(DAV, "propname").is_some() {
            return Ok(Self::new(Which::Names, headers));
        }
        if body.child(DAV, "allprop").is_some() {
            return Ok(Self::new(Which::All(body.child(DAV, "include").map(asked).transpose()?.unwrap_or_default()), headers));
        }
        Self::of_prop(body, headers)
    }

    /// From the `prop` element in `parent`.
    pub(crate) fn of_prop(parent: &Element, headers: &HeaderMap) -> Result<Self, Fault> {
        let prop = parent.child(DAV, "prop").ok_or_else(bad)?;
        Ok(Self::new(Which::These(asked(prop)?), headers))
    }

    /// From the `prop` element in `parent`, which may be left out: then nothing is asked but who there is (RFC 3744 section 9.3).
    pub(crate) fn of_optional_prop(parent: &Element, headers: &HeaderMap) -> Result<Self, Fault> {
        match parent.child(DAV, "prop") {
            Some(_) => Self::of_prop(parent, headers),
            None => Ok(Self::new(Which::These(Vec::new()), headers)),
        }
    }

    /// Of a query or multiget: as of PROPFIND, or nothing but which there are (RFC 4791 section 9.5).
    pub(crate) fn of_report(parent: &Element, headers: &HeaderMap) -> Result<Self, Fault> {
        if parent.child(DAV, "propname").is_some() {
            return Ok(Self::new(Which::Names, headers));
        }
        if parent.child(DAV, "allprop").is_some() { Ok(Self::all(headers)) } else { Self::of_optional_prop(parent, headers) }
    }

    /// All of RFC 4918 and all that clients set.
    pub(crate) fn all(headers: &HeaderMap) -> Self {
        Self::new(Which::All(Vec::new()), headers)
    }

    /// No property at all: who describes writes them.
    pub(crate) fn nothing() -> Self {
        Self { which: Which::These(Vec::new()), minimal: false, noroot: false }
    }

    /// Is a property of this name asked for?
    pub(crate) fn asks(&self, namespace: &str, local: &str) -> bool {
        let (Which::All(names) | Which::These(names)) = &self.which else { return false };
        names.iter().any(|asked| asked.name.namespace == namespace && asked.name.local == local)
    }

    /// May it be told? Also if the names of all are asked for.
    pub(crate) fn may_tell(&self, namespace: &str, local: &str) -> bool {
        matches!(self.which, Which::Names) || self.asks(namespace, local)
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

fn asked(parent: &Element) -> Result<Vec<Asked>, Fault> {
    Ok(names(parent)?.into_iter().map(Asked::of).collect())
}

/// `Prefer: return=minimal`, or `Brief: t`, which Microsoft's clients of old send for the same.
pub(crate) fn prefers_minimal(headers: &HeaderMap) -> bool {
    let is_brief = headers.get("brief").is_some_and(|value| value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"t"));
    is_brief || prefers(headers, "return=minimal")
}

/// RFC 8144 section 3: the client wants what was made of it.
pub(crate) fn prefers_representation(headers: &HeaderMap) -> bool {
    prefers(headers, "return=representation")
}

/// RFC 7240 section 2.
fn prefers(headers: &HeaderMap, what: &str) -> bool {
    let mut values = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split([',', ';']));
    values.any(|preference| preference.trim().eq_ignore_ascii_case(what))
}

/// One `response` with the wanted properties. `extra` is written among those found: what only a report knows, such as the data itself;
/// its name is given, so that it is not reported missing.
pub(crate) fn describe(
    href: &str,
    subject: &Subject<'_>,
    wanted: &Wanted,
    viewer: &Viewer,
    extra: Option<(&ElementName, &Xml)>,
    xml: &mut Xml,
) {
    const OPENING: &str = "<D:propstat><D:prop>";
    xml.open("D:response").text("D:href", href);
    let before = xml.len();
    xml.element(OPENING);
    let mut missing = Xml::piece();
    Found { subject, viewer, kept: subject.kept() }.write(wanted, extra.map(|(name, _)| name), xml, &mut missing);
    if let Some((_, extra)) = extra {
        xml.append(extra);
    }
    if xml.len() > before + OPENING.len() || missing.is_empty() || wanted.minimal {
        xml.close("D:prop").text("D:status", "HTTP/1.1 200 OK").close("D:propstat");
    } else {
        xml.cut(before);
    }
    if !missing.is_empty() && !wanted.minimal {
        propstat(&missing, "HTTP/1.1 404 Not Found", xml);
    }
    xml.close("D:response");
}

/// A resource as it is described.
struct Found<'a> {
    subject: &'a Subject<'a>,
    viewer: &'a Viewer,
    /// What clients set, as XML by name.
    kept: Vec<(&'a str, &'a str)>,
}

impl Found<'_> {
    fn write(&self, wanted: &Wanted, extra: Option<&ElementName>, xml: &mut Xml, missing: &mut Xml) {
        let marks: &[String] = if let Subject::File { marks, .. } = self.subject { marks } else { &[] };
        match &wanted.which {
            Which::All(also) => {
                for known in property::all().filter(|known| known.in_allprop) {
                    self.live(known, xml);
                }
                // What is in allprop already must not come twice.
                for asked in also.iter().filter(|asked| !asked.known.is_some_and(|known| known.in_allprop)) {
                    self.one(asked, marks, xml, missing);
                }
                // What a client set is told with all (RFC 4918 section 9.1), unless it was included by name above or is told by name only.
                let told = |name: &ElementName| property::find(name).is_some() || also.iter().any(|asked| asked.name == *name);
                let left = marks.iter().filter_map(|mark| keyword::property_of(mark)).filter(|name| !told(name));
                left.for_each(|name| {
                    xml.named_text(&name, keyword::SET);
                });
                for (key, value) in &self.kept {
                    if ElementName::of_key(key).is_some_and(|name| !told(&name)) {
                        xml.element(value);
                    }
                }
            }
            Which::These(names) => {
                for asked in names.iter().filter(|asked| extra.is_none_or(|extra| *extra != asked.name)) {
                    self.one(asked, marks, xml, missing);
                }
            }
            Which::Names => {
                for known in property::all() {
                    let before = xml.len();
                    if self.live(known, xml) {
                        xml.cut(before);
                        xml.empty(known.tag);
                    }
                }
                let kept = self.kept.iter().filter_map(|(key, _)| ElementName::of_key(key)).filter(|name| property::find(name).is_none());
                for name in marks.iter().filter_map(|mark| keyword::property_of(mark)).chain(kept) {
                    xml.named(&name);
                }
            }
        }
    }

    fn one(&self, asked: &Asked, marks: &[String], xml: &mut Xml, missing: &mut Xml) {
        if asked.is_keyword && keyword::is_set(&asked.name, marks) {
            xml.named_text(&asked.name, keyword::SET);
            return;
        }
        if let Some((_, value)) = self.kept.iter().find(|(key, _)| *key == asked.key) {
            xml.element(value);
        } else if !asked.known.is_some_and(|known| property::write(known, self.subject, self.viewer, xml)) {
            missing.named(&asked.name);
        }
    }

    /// A property that we know, as a client set it or as it is.
    fn live(&self, known: &Known, xml: &mut Xml) -> bool {
        let is_it = |key: &str| {
            key.strip_prefix('{')
                .is_some_and(|key| key.strip_prefix(known.namespace).and_then(|key| key.strip_prefix('}')) == Some(known.local()))
        };
        if !self.kept.is_empty()
            && let Some((_, value)) = self.kept.iter().find(|(key, _)| is_it(key))
        {
            xml.element(value);
            return true;
        }
        property::write(known, self.subject, self.viewer, xml)
    }
}

/// One `propstat`.
pub(crate) fn propstat(properties: &Xml, status: &str, xml: &mut Xml) {
    propstat_because(properties, status, None, None, xml);
}

/// One `propstat` with the precondition that was broken, and a sentence for people.
pub(crate) fn propstat_because(properties: &Xml, status: &str, broken: Option<&'static str>, why: Option<&str>, xml: &mut Xml) {
    xml.open("D:propstat").open("D:prop").append(properties).close("D:prop").text("D:status", status);
    if let Some(broken) = broken {
        xml.open("D:error").empty(broken).close("D:error");
    }
    if let Some(why) = why {
        xml.text("D:responsedescription", why);
    }
    xml.close("D:propstat");
}

/// One `response` that is nothing but a status.
pub(crate) fn status_only(href: &str, status: &str, xml: &mut Xml) {
    xml.open("D:response").text("D:href", href).text("D:status", status).close("D:response");
}

/// The response that says that there is more than is told (RFC 6578 section 3.6, RFC 6352 section 8.6.2).
pub(crate) fn too_many(href: &str, xml: &mut Xml) {
    xml.open("D:response").text("D:href", href).text("D:status", "HTTP/1.1 507 Insufficient Storage");
    xml.open("D:error").empty("D:number-of-matches-within-limits").close("D:error").close("D:response");
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
            shares: false,
            config: std::sync::Arc::default(),
            scheduling: None,
            stands_for: Vec::new(),
            directory: None,
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
