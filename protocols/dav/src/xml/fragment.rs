//! An element of a request kept as XML text: what a client says of itself with a lock (RFC 4918 section 14.17), for others to show.
//!
//! Called by LOCK, with a body that [`super::parse`] has taken, so its limits hold. What comes out says the same as what was sent, element for
//! element, with attributes, their namespaces and mixed content; prefixes are ours, those that every answer declares. Comments and
//! processing instructions are left out.

use super::reader::{ATTRIBUTES_MAX, ElementName, NAME_BYTES_MAX, XmlFault, is_name, name, resolve, unescape};
use super::writer::Xml;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{PrefixDeclaration, ResolveResult};
use quick_xml::reader::NsReader;

/// The first child of the root that is called so, as it would be written into an answer; `None` if there is none.
pub(crate) fn fragment(body: &[u8], namespace: &str, local: &str) -> Result<Option<String>, XmlFault> {
    let text = std::str::from_utf8(body).map_err(|_| XmlFault::Malformed)?;
    let mut reader = NsReader::from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
    reader.config_mut().expand_empty_elements = true;
    let mut open: Vec<ElementName> = Vec::new();
    let mut depth = 0_usize;
    let mut xml = Xml::piece();
    loop {
        let (of, event) = reader.read_resolved_event().map_err(|_| XmlFault::Malformed)?;
        match event {
            Event::Start(start) => {
                depth += 1;
                let name = name(&of, &start)?;
                let wanted = depth == 2 && name.namespace == namespace && name.local == local;
                if wanted || !open.is_empty() {
                    xml.open_named(&name, &attributes(&reader, &start)?);
                    open.push(name);
                }
            }
            Event::End(_) => {
                depth = depth.saturating_sub(1);
                if let Some(name) = open.pop() {
                    xml.close_named(&name);
                    if open.is_empty() {
                        return Ok(Some(xml.into_string()));
                    }
                }
            }
            Event::Eof => return Ok(None),
            _ if open.is_empty() => {}
            Event::Text(text) => drop(xml.characters(&text.xml10_content())),
            Event::CData(data) => drop(xml.characters(&data.xml10_content())),
            Event::GeneralRef(reference) => drop(xml.characters(resolve(&reference)?.encode_utf8(&mut [0; 4]))),
            Event::DocType(_) => return Err(XmlFault::Entity),
            _ => {}
        }
    }
}

/// The attributes of an element but its namespace declarations, which are not needed any more.
fn attributes(reader: &NsReader<&[u8]>, start: &BytesStart<'_>) -> Result<Vec<(ElementName, String)>, XmlFault> {
    let mut kept: Vec<(ElementName, String)> = Vec::new();
    for (count, attribute) in start.attributes().with_checks(false).enumerate() {
        if count >= ATTRIBUTES_MAX {
            return Err(XmlFault::Limit("attributes"));
        }
        let attribute = attribute.map_err(|_| XmlFault::Malformed)?;
        if attribute
            .key
            .as_namespace_binding()
            .is_some_and(|binding| matches!(binding, PrefixDeclaration::Default | PrefixDeclaration::Named(_)))
        {
            continue;
        }
        let (namespace, local) = reader.resolver().resolve_attribute(attribute.key);
        let namespace = match namespace {
            ResolveResult::Bound(namespace) => unescape(namespace.0)?,
            ResolveResult::Unbound => String::new(),
            ResolveResult::Unknown(_) => return Err(XmlFault::Malformed),
        };
        let local = local.as_ref();
        if namespace.len() > NAME_BYTES_MAX || local.len() > NAME_BYTES_MAX {
            return Err(XmlFault::Limit("name"));
        }
        let name = ElementName { namespace, local: local.to_owned() };
        if !is_name(&name.local) || kept.iter().any(|(known, _)| *known == name) {
            return Err(XmlFault::Malformed);
        }
        kept.push((name, unescape(&attribute.value)?));
    }
    Ok(kept)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::names::DAV;
    use crate::xml::parse;
    use proptest::prelude::*;

    fn owner(body: &str) -> Option<String> {
        fragment(body.as_bytes(), DAV, "owner").unwrap()
    }

    #[test]
    fn what_clients_say_of_themselves_is_kept() {
        for (sent, kept) in [
            ("<x/>", None),
            (r#"<lockinfo xmlns="DAV:"><owner/></lockinfo>"#, Some("<D:owner></D:owner>")),
            (
                // RFC 4918 section 9.10.7
                r"<D:lockinfo xmlns:D='DAV:'><D:lockscope><D:exclusive/></D:lockscope><D:owner><D:href>http://example.org/~ejw/contact.html</D:href></D:owner></D:lockinfo>",
                Some("<D:owner><D:href>http://example.org/~ejw/contact.html</D:href></D:owner>"),
            ),
            (
                r#"<a:lockinfo xmlns:a="DAV:" xmlns:o="urn:o&amp;"><a:owner xml:lang="fr" o:n="1&lt;" n='2"'>Léa <![CDATA[<M>]]>&#65;<o:b/>!</a:owner></a:lockinfo>"#,
                Some(
                    r#"<D:owner xml:lang="fr" a1:n="1&lt;" xmlns:a1="urn:o&amp;" n="2&quot;">Léa &lt;M&gt;A<x:b xmlns:x="urn:o&amp;"></x:b>!</D:owner>"#,
                ),
            ),
            (
                r#"<x><owner xmlns="DAV:"><plain xmlns=""/></owner><owner xmlns="DAV:">2</owner></x>"#,
                Some("<D:owner><plain></plain></D:owner>"),
            ),
        ] {
            assert_eq!(owner(sent).as_deref(), kept, "{sent}");
        }
    }

    #[test]
    fn what_could_break_an_answer_is_refused() {
        for bad in [
            r#"<x><owner xmlns="DAV:" p:a="1"/></x>"#,
            r#"<x xmlns:p="urn:p" xmlns:q="urn:p"><owner xmlns="DAV:" p:a="1" q:a="2"/></x>"#,
            r#"<x><owner xmlns="DAV:">&y;</owner></x>"#,
        ] {
            assert!(fragment(bad.as_bytes(), DAV, "owner").is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_kept_can_be_read_again(inside in "(<a>|</a>|<p:b c='1'>|</p:b>|<b p:d='&lt;'/>|é|&amp;|<!--x-->|<\\?x\\?>|xmlns:p='y'| ){0,12}") {
            let body = format!(r#"<x xmlns:p="urn:p"><owner xmlns="DAV:">{inside}</owner></x>"#);
            if parse(body.as_bytes()).is_ok()
                && let Ok(kept) = fragment(body.as_bytes(), DAV, "owner")
            {
                let mut xml = Xml::document("D:prop");
                xml.kept(&kept.unwrap()).close("D:prop");
                let again = xml.into_string();
                let (was, is) = (parse(body.as_bytes()).unwrap(), parse(again.as_bytes()).unwrap());
                prop_assert_eq!(was.child(DAV, "owner"), is.child(DAV, "owner"));
                prop_assert_eq!(fragment(again.as_bytes(), DAV, "owner").unwrap(), fragment(body.as_bytes(), DAV, "owner").unwrap());
            }
        }
    }
}
