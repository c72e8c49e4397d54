//! From values to XML text. All text goes through [`escape`]; tags are written by us or checked by the reader.

use super::ElementName;
use super::reader::is_xml_char;
use crate::names::{PREFIXES, prefix};

/// A document or a piece of one.
#[derive(Debug, Default)]
pub(crate) struct Xml(String);

impl Xml {
    /// A document's first line and its root element, which declares all prefixes of [`PREFIXES`].
    pub(crate) fn document(root: &'static str) -> Self {
        let mut xml = Self(String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<"));
        xml.0.push_str(root);
        for (prefix, namespace) in PREFIXES {
            xml.0.push_str(" xmlns:");
            xml.0.push_str(prefix);
            xml.0.push_str("=\"");
            escape(namespace, &mut xml.0);
            xml.0.push('"');
        }
        xml.0.push('>');
        xml
    }

    /// A piece.
    pub(crate) fn piece() -> Self {
        Self::default()
    }

    /// `<tag>`
    pub(crate) fn open(&mut self, tag: &'static str) -> &mut Self {
        self.0.push('<');
        self.0.push_str(tag);
        self.0.push('>');
        self
    }

    /// `</tag>`
    pub(crate) fn close(&mut self, tag: &'static str) -> &mut Self {
        self.0.push_str("</");
        self.0.push_str(tag);
        self.0.push('>');
        self
    }

    /// `<tag/>`
    pub(crate) fn empty(&mut self, tag: &'static str) -> &mut Self {
        self.0.push('<');
        self.0.push_str(tag);
        self.0.push_str("/>");
        self
    }

    /// `<tag name="value">`
    pub(crate) fn open_with(&mut self, tag: &'static str, attributes: &[(&'static str, &str)]) -> &mut Self {
        self.begin_with(tag, attributes);
        self.0.push('>');
        self
    }

    /// `<tag name="value"/>`
    pub(crate) fn empty_with(&mut self, tag: &'static str, attributes: &[(&'static str, &str)]) -> &mut Self {
        self.begin_with(tag, attributes);
        self.0.push_str("/>");
        self
    }

    fn begin_with(&mut self, tag: &'static str, attributes: &[(&'static str, &str)]) {
        self.0.push('<');
        self.0.push_str(tag);
        for (name, value) in attributes {
            self.0.push(' ');
            self.0.push_str(name);
            self.0.push_str("=\"");
            escape(value, &mut self.0);
            self.0.push('"');
        }
    }

    /// `<tag>text</tag>`
    pub(crate) fn text(&mut self, tag: &'static str, text: &str) -> &mut Self {
        self.open(tag);
        escape(text, &mut self.0);
        self.close(tag)
    }

    /// `<tag name="value">text</tag>`
    pub(crate) fn text_with(&mut self, tag: &'static str, attributes: &[(&'static str, &str)], text: &str) -> &mut Self {
        self.begin_with(tag, attributes);
        self.0.push('>');
        escape(text, &mut self.0);
        self.close(tag)
    }

    /// Text alone.
    pub(crate) fn characters(&mut self, text: &str) -> &mut Self {
        escape(text, &mut self.0);
        self
    }

    /// Take back what was written after so many bytes.
    pub(crate) fn cut(&mut self, bytes: usize) {
        self.0.truncate(bytes);
    }

    /// An empty element of any name, as a request named it.
    pub(crate) fn named(&mut self, name: &ElementName) -> &mut Self {
        self.begin(name);
        self.0.push_str("/>");
        self
    }

    /// `<tag>text</tag>`, of any name whose namespace every answer declares.
    pub(crate) fn named_text(&mut self, name: &ElementName, text: &str) -> &mut Self {
        self.begin_named(name);
        escape(text, &mut self.0);
        self.end_named(name)
    }

    /// `<name>`, of any name.
    pub(crate) fn begin_named(&mut self, name: &ElementName) -> &mut Self {
        self.begin(name);
        self.0.push('>');
        self
    }

    /// `</name>`
    pub(crate) fn end_named(&mut self, name: &ElementName) -> &mut Self {
        self.0.push_str("</");
        if !name.namespace.is_empty() {
            self.0.push_str(prefix(&name.namespace).unwrap_or("x"));
            self.0.push(':');
        }
        self.0.push_str(&name.local);
        self.0.push('>');
        self
    }

    /// All of a tag but its end.
    fn begin(&mut self, name: &ElementName) {
        self.0.push('<');
        match prefix(&name.namespace) {
            Some(prefix) => {
                self.0.push_str(prefix);
                self.0.push(':');
                self.0.push_str(&name.local);
            }
            // A name without a namespace must not fall under a default one: there is none.
            None if name.namespace.is_empty() => self.0.push_str(&name.local),
            None => {
                self.0.push_str("x:");
                self.0.push_str(&name.local);
                self.0.push_str(" xmlns:x=\"");
                escape(&name.namespace, &mut self.0);
                self.0.push('"');
            }
        }
    }

    /// Append a piece.
    pub(crate) fn append(&mut self, piece: &Xml) -> &mut Self {
        self.0.push_str(&piece.0);
        self
    }

    /// Append an element that was kept: it stands by itself.
    pub(crate) fn element(&mut self, kept: &str) -> &mut Self {
        self.0.push_str(kept);
        self
    }

    /// Bytes so far.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Nothing yet?
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text.
    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

/// Text as character data or attribute value. A carriage return is written as a reference, as a reader would turn CR LF into LF
/// otherwise (XML 1.0 section 2.11) and a calendar object would not come back octet for octet.
pub(super) fn escape(text: &str, out: &mut String) {
    // Nearly all that a listing says is plain.
    if text.bytes().all(|b| matches!(b, b' '..=b'~') && !matches!(b, b'&' | b'<' | b'>' | b'"')) {
        out.push_str(text);
        return;
    }
    out.reserve(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\r' => out.push_str("&#13;"),
            _ if is_xml_char(character) => out.push(character),
            _ => out.push('\u{fffd}'),
        }
    }
}

/// Likewise for an attribute's value, in which a reader would turn line breaks and tabs into spaces (XML 1.0 section 3.3.3).
pub(super) fn escape_value(text: &str, out: &mut String) {
    for part in text.split_inclusive(['\n', '\t']) {
        match part.strip_suffix(['\n', '\t']) {
            None => escape(part, out),
            Some(before) => {
                escape(before, out);
                out.push_str(if part.ends_with('\n') { "&#10;" } else { "&#9;" });
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::xml::parse;
    use proptest::prelude::*;

    #[test]
    fn unknown_names_come_back_in_their_namespace() {
        let name = ElementName { namespace: "urn:\"<x>&".to_owned(), local: "colour".to_owned() };
        let mut xml = Xml::document("D:prop");
        xml.named(&name).close("D:prop");
        assert_eq!(parse(xml.into_string().as_bytes()).unwrap().children[0].name, name);
    }

    proptest! {
        #[test]
        fn text_comes_back_as_it_was(text in "[\\t\\n\\r -\\u{d7ff}\\u{e000}-\\u{fffd}]{0,60}") {
            let mut xml = Xml::document("D:prop");
            xml.text("D:displayname", &text).close("D:prop");
            let root = parse(xml.into_string().as_bytes()).unwrap();
            prop_assert_eq!(&root.children[0].text, &text);
        }

        #[test]
        fn any_text_leaves_the_document_well_formed(text in any::<String>()) {
            let mut xml = Xml::document("D:prop");
            xml.text("D:displayname", &text).empty_with("C:comp", &[("name", &text)]).close("D:prop");
            prop_assert!(parse(xml.into_string().as_bytes()).is_ok());
        }
    }
}
