//! Values of properties as they are kept: each an element that stands by itself, wherever it is told later (RFC 4918 section 4.3).
//!
//! Called by PROPPATCH, MKCOL and LOCK with a body that [`super::parse`] took, so its limits hold. What always holds: names with their namespaces and
//! prefixes, attributes, text and the language in force are what the client meant; comments and processing instructions are not kept, and
//! CDATA is text. A prefix that is used in text or in an attribute's value stays declared too.

use super::XmlFault;
use super::reader::{is_xml_char, resolve};
use super::writer::{escape, escape_value};
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

/// Elements round a property: `propertyupdate`, `set` or `remove`, `prop`.
const AROUND: usize = 3;
/// Namespace declarations in force at once; more are nobody's.
const IN_FORCE_MAX: usize = 200;
/// Bytes of all values of a body: each has its declarations to itself.
const BYTES_MAX: usize = 4 << 20;

/// The properties of a body in its order: one for each element that has three round it.
pub(crate) fn kept(body: &[u8]) -> Result<Vec<String>, XmlFault> {
    below(AROUND, body)
}

/// The elements in a body's own, in its order: what a client says of itself with a lock (RFC 4918 section 14.17) is one.
pub(crate) fn kept_children(body: &[u8]) -> Result<Vec<String>, XmlFault> {
    below(1, body)
}

fn below(around: usize, body: &[u8]) -> Result<Vec<String>, XmlFault> {
    let text = std::str::from_utf8(body).map_err(|_| XmlFault::Malformed)?;
    let mut reader = Reader::from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
    reader.config_mut().expand_empty_elements = true;
    let mut keeper = Keeper { around, ..Keeper::default() };
    loop {
        match reader.read_event().map_err(|_| XmlFault::Malformed)? {
            Event::Start(start) => keeper.open(&start)?,
            Event::End(_) => keeper.close()?,
            Event::Text(text) => keeper.text(&text.xml10_content())?,
            Event::CData(data) => keeper.text(&data.xml10_content())?,
            Event::GeneralRef(reference) => keeper.text(resolve(&reference)?.encode_utf8(&mut [0; 4]))?,
            Event::Eof => return Ok(keeper.values),
            _ => {}
        }
    }
}

/// An element that is open.
struct Open {
    /// With its prefix.
    name: String,
    /// How many declarations are in force outside it, in the body and in what is written.
    read: usize,
    written: usize,
    language: Option<String>,
}

#[derive(Default)]
struct Keeper {
    /// Elements round what is kept.
    around: usize,
    open: Vec<Open>,
    /// Prefixes (the default one is empty) with their namespaces, the innermost last.
    read: Vec<(String, String)>,
    written: Vec<(String, String)>,
    /// What the property's own tag is to declare of that which is in force round it.
    from_outside: Vec<(String, String)>,
    /// How many declarations are in force round it.
    outside: usize,
    /// Something in it has a name without a prefix and in no namespace.
    is_plain: bool,
    /// The value as far as it has come.
    value: String,
    /// The start tag that was written last lacks its end.
    in_tag: bool,
    /// Where in the value declarations can be added to the property's own tag.
    declare_at: usize,
    /// Of all values so far.
    bytes: usize,
    values: Vec<String>,
}

impl Keeper {
    fn open(&mut self, start: &BytesStart<'_>) -> Result<(), XmlFault> {
        let (read, written) = (self.read.len(), self.written.len());
        let mut language = self.open.last().and_then(|outer| outer.language.clone());
        let mut attributes = Vec::new();
        // Doubled ones were refused by the parser before.
        for attribute in start.attributes().with_checks(false) {
            let attribute = attribute.map_err(|_| XmlFault::Malformed)?;
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|_| XmlFault::Malformed)?.into_owned();
            if !value.chars().all(is_xml_char) {
                return Err(XmlFault::Malformed);
            }
            let name = attribute.key.0;
            if name == "xmlns" {
                self.read.push((String::new(), value));
            } else if let Some(prefix) = name.strip_prefix("xmlns:") {
                self.read.push((prefix.to_owned(), value));
            } else {
                if name == "xml:lang" {
                    language = Some(value.clone());
                }
                attributes.push((name.to_owned(), value));
            }
        }
        if self.read.len() > IN_FORCE_MAX {
            return Err(XmlFault::Limit("namespaces"));
        }
        let name = start.name().0.to_owned();
        if self.open.len() == self.around
            && let Some(language) = language.as_ref().filter(|language| !language.is_empty())
            && !attributes.iter().any(|(name, _)| name == "xml:lang")
        {
            attributes.push(("xml:lang".to_owned(), language.clone()));
        }
        let depth = self.open.len();
        self.open.push(Open { name: name.clone(), read, written, language });
        if depth >= self.around { self.start(&name, &attributes, depth == self.around, read) } else { Ok(()) }
    }

    /// Write a start tag but for its end. `from`: the declarations that it has itself.
    fn start(&mut self, name: &str, attributes: &[(String, String)], is_property: bool, from: usize) -> Result<(), XmlFault> {
        self.end_tag();
        self.value.push('<');
        self.value.push_str(name);
        if is_property {
            self.declare_at = self.value.len();
            self.outside = from;
            self.is_plain = false;
        }
        self.declare(prefix_of(name))?;
        for (name, _) in attributes.iter().filter(|(name, _)| name.contains(':') && !name.starts_with("xml:")) {
            self.declare(prefix_of(name))?;
        }
        for at in from..self.read.len() {
            let prefix = self.read[at].0.clone();
            self.declare(&prefix)?;
        }
        for (name, value) in attributes {
            self.value.push(' ');
            self.value.push_str(name);
            self.value.push_str("=\"");
            escape_value(value, &mut self.value);
            self.value.push('"');
        }
        self.in_tag = true;
        Ok(())
    }

    /// See to it that a prefix stands for the same in what is written.
    fn declare(&mut self, prefix: &str) -> Result<(), XmlFault> {
        let at = self.read.iter().rposition(|(known, _)| known == prefix);
        let namespace = at.map_or(String::new(), |at| self.read[at].1.clone());
        // Namespaces in XML 1.0 sections 5 and 6.1: only the default one can be none.
        if namespace.is_empty() && !prefix.is_empty() {
            return Err(XmlFault::Malformed);
        }
        let told = in_force(&self.written, prefix).or_else(|| in_force(&self.from_outside, prefix));
        if told.unwrap_or_default() == namespace {
            // Without a prefix and in no namespace: the property's tag must not declare a default one any more.
            self.is_plain |= told.is_none();
            return Ok(());
        }
        let is_free = told.is_none() && !(prefix.is_empty() && self.is_plain);
        if is_free && at.is_some_and(|at| at < self.outside) {
            self.from_outside.push((prefix.to_owned(), namespace));
        } else {
            declaration(prefix, &namespace, &mut self.value);
            self.written.push((prefix.to_owned(), namespace));
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), XmlFault> {
        let done = self.open.pop().ok_or(XmlFault::Malformed)?;
        let depth = self.open.len();
        if depth >= self.around {
            if std::mem::take(&mut self.in_tag) {
                self.value.push_str("/>");
            } else {
                self.value.push_str("</");
                self.value.push_str(&done.name);
                self.value.push('>');
            }
        }
        if depth == self.around {
            self.declare_outside();
            self.bytes += self.value.len();
            if self.bytes > BYTES_MAX {
                return Err(XmlFault::Limit("values"));
            }
            self.values.push(std::mem::take(&mut self.value));
        }
        self.read.truncate(done.read);
        self.written.truncate(done.written);
        Ok(())
    }

    /// Declare on the property's tag what is used in it, and prefixes that text in it may refer to, as `xsi:type` does.
    fn declare_outside(&mut self) {
        for (prefix, namespace) in self.read[..self.outside].iter().rev() {
            let is_known = self.from_outside.iter().chain(&self.written).any(|(known, _)| known == prefix);
            if !prefix.is_empty() && !is_known && is_mentioned(prefix, &self.value) {
                self.from_outside.push((prefix.clone(), namespace.clone()));
            }
        }
        let mut more = String::new();
        for (prefix, namespace) in self.from_outside.drain(..) {
            declaration(&prefix, &namespace, &mut more);
        }
        self.value.insert_str(self.declare_at, &more);
    }

    fn text(&mut self, text: &str) -> Result<(), XmlFault> {
        if !text.chars().all(is_xml_char) {
            return Err(XmlFault::Malformed);
        }
        if self.open.len() > self.around && !text.is_empty() {
            self.end_tag();
            escape(text, &mut self.value);
        }
        Ok(())
    }

    fn end_tag(&mut self) {
        if std::mem::take(&mut self.in_tag) {
            self.value.push('>');
        }
    }
}

/// Does a name with this prefix stand somewhere in it?
fn is_mentioned(prefix: &str, value: &str) -> bool {
    let starts = |at: usize| !value[..at].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
    value.match_indices(prefix).any(|(at, _)| value[at + prefix.len()..].starts_with(':') && starts(at))
}

fn prefix_of(name: &str) -> &str {
    name.split_once(':').map_or("", |(prefix, _)| prefix)
}

fn in_force<'a>(declared: &'a [(String, String)], prefix: &str) -> Option<&'a str> {
    declared.iter().rev().find(|(known, _)| known == prefix).map(|(_, namespace)| namespace.as_str())
}

fn declaration(prefix: &str, namespace: &str, out: &mut String) {
    out.push_str(if prefix.is_empty() { " xmlns" } else { " xmlns:" });
    out.push_str(prefix);
    out.push_str("=\"");
    escape_value(namespace, out);
    out.push('"');
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::xml::parse;
    use proptest::prelude::*;

    fn values(properties: &str) -> Vec<String> {
        let body = format!(
            r#"<?xml version="1.0"?><D:propertyupdate xmlns:D="DAV:" xmlns:Z="urn:z" xml:lang="en"><D:set><D:prop>{properties}</D:prop></D:set></D:propertyupdate>"#
        );
        parse(body.as_bytes()).unwrap();
        kept(body.as_bytes()).unwrap()
    }

    #[test]
    fn a_value_stands_by_itself() {
        for (sent, told) in [
            ("<Z:a>x</Z:a>", r#"<Z:a xmlns:Z="urn:z" xml:lang="en">x</Z:a>"#),
            (r#"<Z:a xml:lang="fr"/>"#, r#"<Z:a xmlns:Z="urn:z" xml:lang="fr"/>"#),
            // No default namespace is declared over what is in none.
            (
                r#"<Z:p xmlns="urn:o"><Z:e xmlns=""><e/></Z:e><e/></Z:p>"#,
                r#"<Z:p xmlns:Z="urn:z" xmlns="urn:o" xml:lang="en"><Z:e xmlns=""><e/></Z:e><e/></Z:p>"#,
            ),
            (r#"<a xmlns="urn:y"><b/><c xmlns=""/></a>"#, r#"<a xmlns="urn:y" xml:lang="en"><b/><c xmlns=""/></a>"#),
            ("<a>x</a>", r#"<a xml:lang="en">x</a>"#),
            (
                r#"<a xmlns="urn:y" Z:k="1" k="a&#10;b&quot;">m <Z:i>i</Z:i> <![CDATA[<x>]]> &amp; t<!-- c --></a>"#,
                r#"<a xmlns:Z="urn:z" xmlns="urn:y" Z:k="1" k="a&#10;b&quot;" xml:lang="en">m <Z:i>i</Z:i> &lt;x&gt; &amp; t</a>"#,
            ),
            // A prefix that only text refers to.
            (r#"<a xmlns="urn:y" t="Z:string"/>"#, r#"<a xmlns:Z="urn:z" xmlns="urn:y" t="Z:string" xml:lang="en"/>"#),
            // The same prefix for something else further in.
            (r#"<Z:a><Z:b xmlns:Z="urn:q"/><Z:c/></Z:a>"#, r#"<Z:a xmlns:Z="urn:z" xml:lang="en"><Z:b xmlns:Z="urn:q"/><Z:c/></Z:a>"#),
        ] {
            assert_eq!(values(sent), [told], "{sent}");
        }
    }

    #[test]
    fn there_is_one_for_each_property() {
        let body = br#"<u xmlns="DAV:"><set><prop><a/><b>x</b></prop></set><x/><remove><prop><c/></prop></remove></u>"#;
        assert_eq!(kept(body).unwrap(), [r#"<a xmlns="DAV:"/>"#, r#"<b xmlns="DAV:">x</b>"#, r#"<c xmlns="DAV:"/>"#]);
        for bad in [r#"<a q:b="1"/>"#, "<a>\u{1}</a>"] {
            let body = format!("<u><set><prop>{bad}</prop></set></u>");
            assert!(kept(body.as_bytes()).is_err(), "{bad}");
        }
        let many = (0..=IN_FORCE_MAX).map(|n| format!("<a xmlns:n{n}='urn:{n}'>")).collect::<String>();
        assert_eq!(kept(many.as_bytes()), Err(XmlFault::Limit("namespaces")));
    }

    fn piece() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            "[a-z &&[^&]]{0,6}",
            Just("&amp;&#13;&lt;".to_owned()),
            Just("<![CDATA[ <&> ]]>".to_owned()),
            Just("Z:x".to_owned()),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            let tag = prop_oneof![
                Just(("Z:e", "")),
                Just(("e", "")),
                Just(("e", r#" xmlns="urn:y""#)),
                Just(("e", r#" xmlns="""#)),
                Just(("Z:e", r#" xmlns:Z="urn:w" Z:k="1""#)),
                Just(("D:e", r#" xml:lang="de" q="&#9; &quot;""#)),
            ];
            (tag, proptest::collection::vec(inner, 0..4))
                .prop_map(|((name, more), inner)| format!("<{name}{more}>{}</{name}>", inner.concat()))
        })
    }

    proptest! {
        /// What is told is what was sent: names in their namespaces, attributes, text; whatever is round it.
        #[test]
        fn values_come_back_as_they_were(inside in piece(), inherits in any::<bool>()) {
            let default = if inherits { r#" xmlns="urn:outer""# } else { "" };
            let property = format!("<Z:p>{inside}</Z:p>");
            let body = format!(r#"<D:u xmlns:D="DAV:" xmlns:Z="urn:z"{default}><D:set><D:prop>{property}</D:prop></D:set></D:u>"#);
            let sent = parse(body.as_bytes()).unwrap();
            let values = kept(body.as_bytes()).unwrap();
            prop_assert_eq!(values.len(), 1);
            let told = parse(values[0].as_bytes()).unwrap();
            prop_assert_eq!(&sent.children[0].children[0].children[0], &told);
            // And once more, from where it is told.
            let again = format!(r#"<D:u xmlns:D="DAV:"><D:set><D:prop>{}</D:prop></D:set></D:u>"#, values[0]);
            prop_assert_eq!(&kept(again.as_bytes()).unwrap(), &values);
        }
    }
}
