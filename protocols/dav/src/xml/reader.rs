//! From the octets of a request body to a small tree.
//!
//! Called by every method that takes a body. What always holds: no DOCTYPE, no entity but the five of XML 1.0 and character
//! references, so nothing expands and nothing external is read (CVE-2009-1955, CVE-2019-9670); depth, elements, attributes and names are
//! bounded before they are kept, so a tree takes little more memory than its body; every name in it can be written back as it is.

use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesDecl, BytesRef, BytesStart, Event};
use quick_xml::name::ResolveResult;
use quick_xml::reader::NsReader;

/// Elements within elements. The deepest request known (a calendar-query with nested filters) has eleven.
pub(crate) const DEPTH_MAX: usize = 32;
/// Elements of a request: a multiget of all that a client lists.
pub(crate) const ELEMENTS_MAX: usize = 20_000;
/// Attributes of one element, with its namespace declarations.
const ATTRIBUTES_MAX: usize = 32;
/// Bytes of a namespace or a local name: each element keeps its own, so one long declaration must not count ten thousand times.
const NAME_BYTES_MAX: usize = 256;
/// Bytes of a namespace as it stands in a body, where a character may be a reference: as we write it, one takes up to six.
const NAMESPACE_WRITTEN_BYTES_MAX: usize = 6 * NAME_BYTES_MAX;

/// Namespaces that no element of a request is in.
const RESERVED_NAMESPACES: [&str; 2] = ["http://www.w3.org/XML/1998/namespace", "http://www.w3.org/2000/xmlns/"];

/// A name with its namespace (empty for none).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct ElementName {
    /// Namespace.
    pub namespace: String,
    /// Local name: letters, digits, `_`, `-`, `.`.
    pub local: String,
}

impl ElementName {
    /// The name as one text: how the store knows it.
    pub(crate) fn key(&self) -> String {
        format!("{{{}}}{}", self.namespace, self.local)
    }

    /// Read [`ElementName::key`] back; `None` for what is none.
    pub(crate) fn of_key(key: &str) -> Option<Self> {
        let (namespace, local) = key.strip_prefix('{')?.rsplit_once('}')?;
        Some(Self { namespace: namespace.to_owned(), local: local.to_owned() })
    }
}

/// An element of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Element {
    /// Its name.
    pub name: ElementName,
    /// Its attributes that have no namespace.
    pub attributes: Vec<(String, String)>,
    /// Elements in it.
    pub children: Vec<Element>,
    /// Text directly in it, run together.
    pub text: String,
}

/// Why a body is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum XmlFault {
    /// Not well-formed, not UTF-8, or of several roots.
    Malformed,
    /// A DOCTYPE, or an entity that only one could define.
    Entity,
    /// More depth, elements, attributes or name than the limits let through.
    Limit(&'static str),
}

impl Element {
    /// Is it this element?
    pub(crate) fn is(&self, namespace: &str, local: &str) -> bool {
        self.name.local == local && self.name.namespace == namespace
    }

    /// The first child of that name.
    pub(crate) fn child(&self, namespace: &str, local: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.is(namespace, local))
    }

    /// Its text without the white space round it.
    pub(crate) fn trimmed(&self) -> &str {
        self.text.trim()
    }

    /// The value of an attribute.
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Parse a body.
pub(crate) fn parse(body: &[u8]) -> Result<Element, XmlFault> {
    let text = std::str::from_utf8(body).map_err(|_| XmlFault::Malformed)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = NsReader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut builder = Builder::default();
    loop {
        let (namespace, event) = reader.read_resolved_event().map_err(|_| XmlFault::Malformed)?;
        match event {
            Event::Start(start) => {
                let name = name(&namespace, &start)?;
                builder.open(name, attributes(&start)?)?;
            }
            Event::End(_) => builder.close()?,
            Event::Text(text) => builder.text(&text.xml10_content())?,
            Event::CData(data) => builder.text(&data.xml10_content())?,
            Event::GeneralRef(reference) => builder.character(resolve(&reference)?)?,
            Event::Decl(declaration) => check_declaration(&declaration)?,
            Event::DocType(_) => return Err(XmlFault::Entity),
            Event::Comment(_) | Event::PI(_) => {}
            Event::Empty(_) => return Err(XmlFault::Malformed),
            Event::Eof => return builder.finish(),
        }
    }
}

/// The tree as far as it has come.
#[derive(Default)]
struct Builder {
    open: Vec<Element>,
    root: Option<Element>,
    elements: usize,
}

impl Builder {
    fn open(&mut self, name: ElementName, attributes: Vec<(String, String)>) -> Result<(), XmlFault> {
        self.elements += 1;
        if self.elements > ELEMENTS_MAX {
            return Err(XmlFault::Limit("elements"));
        }
        if self.open.len() >= DEPTH_MAX {
            return Err(XmlFault::Limit("depth"));
        }
        if self.root.is_some() {
            return Err(XmlFault::Malformed);
        }
        self.open.push(Element { name, attributes, children: Vec::new(), text: String::new() });
        Ok(())
    }

    fn close(&mut self) -> Result<(), XmlFault> {
        let done = self.open.pop().ok_or(XmlFault::Malformed)?;
        match self.open.last_mut() {
            Some(parent) => parent.children.push(done),
            None => self.root = Some(done),
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), XmlFault> {
        match self.open.last_mut() {
            Some(element) => element.text.push_str(text),
            None if text.trim().is_empty() => {}
            None => return Err(XmlFault::Malformed),
        }
        Ok(())
    }

    fn character(&mut self, character: char) -> Result<(), XmlFault> {
        self.text(character.encode_utf8(&mut [0; 4]))
    }

    fn finish(self) -> Result<Element, XmlFault> {
        if self.open.is_empty() { self.root.ok_or(XmlFault::Malformed) } else { Err(XmlFault::Malformed) }
    }
}

fn name(namespace: &ResolveResult<'_>, start: &BytesStart<'_>) -> Result<ElementName, XmlFault> {
    let namespace = match namespace {
        ResolveResult::Bound(namespace) => namespace.0,
        ResolveResult::Unbound => "",
        ResolveResult::Unknown(_) => return Err(XmlFault::Malformed),
    };
    let local = start.local_name();
    let local = local.as_ref();
    if namespace.len() > NAMESPACE_WRITTEN_BYTES_MAX || local.len() > NAME_BYTES_MAX {
        return Err(XmlFault::Limit("name"));
    }
    let namespace = unescape(namespace)?;
    if namespace.len() > NAME_BYTES_MAX {
        return Err(XmlFault::Limit("name"));
    }
    if !is_name(local) || !namespace.chars().all(is_xml_char) {
        return Err(XmlFault::Malformed);
    }
    // Namespaces in XML section 3: neither may be the default, nor have another prefix, by which alone an answer could name it.
    if RESERVED_NAMESPACES.contains(&namespace.as_str()) {
        return Err(XmlFault::Malformed);
    }
    Ok(ElementName { namespace, local: local.to_owned() })
}

/// The parser takes nearly anything for a name; ours must be fit to be written back.
pub(crate) fn is_name(local: &str) -> bool {
    local.starts_with(|c: char| c.is_alphabetic() || c == '_') && local.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

fn attributes(start: &BytesStart<'_>) -> Result<Vec<(String, String)>, XmlFault> {
    let mut kept: Vec<(String, String)> = Vec::new();
    // The parser's own check for duplicates is quadratic in the number of attributes; ours comes after the limit.
    for (count, attribute) in start.attributes().with_checks(false).enumerate() {
        if count >= ATTRIBUTES_MAX {
            return Err(XmlFault::Limit("attributes"));
        }
        let attribute = attribute.map_err(|_| XmlFault::Malformed)?;
        let name = attribute.key.0;
        // XML 1.0 section 3.1; the parser lets it pass.
        if attribute.value.contains('<') {
            return Err(XmlFault::Malformed);
        }
        if name.len() > NAME_BYTES_MAX {
            return Err(XmlFault::Limit("name"));
        }
        if name == "xmlns" || name.contains(':') {
            continue;
        }
        if !is_name(name) || kept.iter().any(|(known, _)| known == name) {
            return Err(XmlFault::Malformed);
        }
        kept.push((name.to_owned(), unescape(&attribute.value)?));
    }
    Ok(kept)
}

/// Replace references in an attribute value or a namespace, and white space by spaces (XML 1.0 section 3.3.3).
fn unescape(raw: &str) -> Result<String, XmlFault> {
    let raw = &raw.replace("\r\n", " ").replace(['\r', '\n', '\t'], " ");
    quick_xml::escape::unescape(raw).map(std::borrow::Cow::into_owned).map_err(|_| XmlFault::Entity)
}

pub(super) fn resolve(reference: &BytesRef<'_>) -> Result<char, XmlFault> {
    if let Some(character) = reference.resolve_char_ref().map_err(|_| XmlFault::Malformed)? {
        return if is_xml_char(character) { Ok(character) } else { Err(XmlFault::Malformed) };
    }
    // Each of the five is one character.
    resolve_xml_entity(reference).and_then(|text| text.chars().next()).ok_or(XmlFault::Entity)
}

/// XML 1.0 section 2.2.
pub(super) fn is_xml_char(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

fn check_declaration(declaration: &BytesDecl<'_>) -> Result<(), XmlFault> {
    match declaration.encoding() {
        None => Ok(()),
        Some(Ok(encoding)) if encoding.eq_ignore_ascii_case("utf-8") || encoding.eq_ignore_ascii_case("us-ascii") => Ok(()),
        Some(_) => Err(XmlFault::Malformed),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_propfind_is_read_whatever_its_prefixes() {
        let body = br#"<?xml version="1.0" encoding="UTF-8"?>
            <propfind xmlns="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><prop><getetag/><c:calendar-data c:x="1" n="a&amp;b"/></prop></propfind>"#;
        let root = parse(body).unwrap();
        assert!(root.is("DAV:", "propfind"));
        let prop = root.child("DAV:", "prop").unwrap();
        assert!(prop.child("DAV:", "getetag").is_some());
        let data = prop.child("urn:ietf:params:xml:ns:caldav", "calendar-data").unwrap();
        assert_eq!(data.attribute("n"), Some("a&b"));
        assert_eq!(data.attributes.len(), 1);
    }

    #[test]
    fn no_element_is_in_a_namespace_of_xml_itself() {
        for bad in [
            "<a xmlns=\"http://www.w3.org/XML/1998/namespace\"/>",
            "<a xmlns=\"http://www.w3.org/XML/1998/namespac&#101;\"/>",
            "<xml:a/>",
            "<a xmlns=\"http://www.w3.org/2000/xmlns/\"/>",
        ] {
            assert!(parse(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(parse(b"<a xml:lang=\"fr\"/>").is_ok());
    }

    #[test]
    fn white_space_in_attributes_and_namespaces_is_spaces() {
        let root = parse(b"<a xmlns='urn:\tx' b='1\r\n2&#9;3'/>").unwrap();
        assert_eq!((root.name.namespace.as_str(), root.attribute("b")), ("urn: x", Some("1 2\t3")));
    }

    #[test]
    fn text_is_whole_across_references_and_cdata() {
        let root = parse(b"<a>x &lt;&#233;&#x41;<![CDATA[<b>]]>&amp;</a>").unwrap();
        assert_eq!(root.text, "x <\u{e9}A<b>&");
    }

    #[test]
    fn a_billion_laughs_are_not_heard() {
        let bomb = br#"<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;">]><propfind>&lol2;</propfind>"#;
        assert_eq!(parse(bomb), Err(XmlFault::Entity));
        assert_eq!(parse(b"<a>&lol;</a>"), Err(XmlFault::Entity));
        assert_eq!(parse(b"<a b='&lol;'/>"), Err(XmlFault::Entity));
        assert_eq!(parse(br#"<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>"#), Err(XmlFault::Entity));
    }

    #[test]
    fn depth_elements_attributes_and_names_are_bounded() {
        let deep = |n: usize| format!("{}{}", "<a>".repeat(n), "</a>".repeat(n));
        assert!(parse(deep(DEPTH_MAX).as_bytes()).is_ok());
        assert_eq!(parse(deep(DEPTH_MAX + 1).as_bytes()), Err(XmlFault::Limit("depth")));
        assert_eq!(parse(deep(60_000).as_bytes()), Err(XmlFault::Limit("depth")));
        let wide = format!("<a>{}</a>", "<b/>".repeat(ELEMENTS_MAX));
        assert_eq!(parse(wide.as_bytes()), Err(XmlFault::Limit("elements")));
        let long = format!("<a xmlns='{}'/>", "n".repeat(NAME_BYTES_MAX + 1));
        assert_eq!(parse(long.as_bytes()), Err(XmlFault::Limit("name")));
        // However its characters are written, a namespace is as long as it is: what we answer with is taken, too.
        let written = |n: usize| format!("<a xmlns='{}'/>", "&quot;".repeat(n));
        assert!(parse(written(NAME_BYTES_MAX).as_bytes()).is_ok());
        assert_eq!(parse(written(NAME_BYTES_MAX + 1).as_bytes()), Err(XmlFault::Limit("name")));
    }

    #[test]
    fn eighty_thousand_attributes_are_refused_quickly() {
        let many = (0..80_000).map(|n| format!(" a{n}='x'")).collect::<Vec<_>>().concat();
        let namespaces = (0..80_000).map(|n| format!(" xmlns:a{n}='x'")).collect::<Vec<_>>().concat();
        let start = std::time::Instant::now();
        assert!(parse(format!("<a{many}/>").as_bytes()).is_err());
        assert!(parse(format!("<a{namespaces}/>").as_bytes()).is_err());
        assert!(start.elapsed() < std::time::Duration::from_secs(2), "{:?}", start.elapsed());
    }

    #[test]
    fn what_is_not_one_well_formed_document_is_refused() {
        for bad in [
            "",
            "  ",
            "<a>",
            "</a>",
            "<a></b>",
            "<a/><b/>",
            "x<a/>",
            "<a/>x",
            "<p:a/>",
            "<a b='1' b='2'/>",
            "<a b='<'/>",
            "<p:a xmlns:p=''/>",
            "<p:a xmlns:p='<'/>",
            "<p:a xmlns:p='&#1;'/>",
            "<a&b/>",
            "<1/>",
            "&#0;",
            "<a>&#0;</a>",
        ] {
            assert!(parse(bad.as_bytes()).is_err(), "{bad:?}");
        }
        assert!(parse(b"<?xml version='1.0' encoding='utf-16'?><a/>").is_err());
        assert!(parse(b"<a>\xff</a>").is_err());
    }

    proptest! {
        #[test]
        fn nothing_panics(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&body);
        }

        #[test]
        fn nothing_that_looks_like_xml_panics(body in "(<|>|/|a|b|:|=|'|\"|&|;|#|x|!|\\[|\\]|-|\\?| |xmlns|CDATA|DOCTYPE){0,60}") {
            let _ = parse(body.as_bytes());
        }
    }
}
