//! `address-data` (RFC 6352 section 10.4): what of each card is sent.
//!
//! Who names no properties gets the octets that were put. Who names some gets these lines as they stand in the card, in their order, with the
//! version, without which nobody could read it. Who names a version gets the card in it; without one it is the version in which the card was put,
//! not 3.0 as the element's default has it: programs that do not care get what is kept.

use crate::names::CARDDAV;
use crate::refusal::Fault;
use crate::xml::Element;
use http::StatusCode;
use octroi_ical::{CardVersion, Entry, Tree, convert, text_of};
use std::ops::Range;

/// Properties that one request names.
const PROPERTIES_MAX: usize = 200;

/// What of each card is sent.
#[derive(Debug, Clone, Default)]
pub(crate) struct AddressData {
    /// None: all of it.
    picked: Vec<Picked>,
    /// None: as it was put.
    version: Option<CardVersion>,
}

#[derive(Debug, Clone)]
struct Picked {
    group: Option<String>,
    name: String,
    no_value: bool,
}

impl AddressData {
    /// Read the element in the request's `prop`.
    pub(crate) fn read(element: &Element) -> Result<Self, Fault> {
        let unsupported = || Fault::Rule(StatusCode::FORBIDDEN, "CARD:supported-address-data");
        let media_type = element.attribute("content-type").unwrap_or("text/vcard");
        let essence = media_type.split(';').next().unwrap_or("").trim();
        if !essence.eq_ignore_ascii_case("text/vcard") && !essence.eq_ignore_ascii_case("text/x-vcard") {
            return Err(unsupported());
        }
        let version = match element.attribute("version") {
            None => None,
            Some("3.0") => Some(CardVersion::V3),
            Some("4.0") => Some(CardVersion::V4),
            Some(_) => return Err(unsupported()),
        };
        if element.child(CARDDAV, "allprop").is_some() {
            return Ok(Self { picked: Vec::new(), version });
        }
        let named = element.children.iter().filter(|child| child.is(CARDDAV, "prop"));
        let picked: Vec<Picked> = named.filter_map(Picked::read).take(PROPERTIES_MAX + 1).collect();
        if picked.len() > PROPERTIES_MAX {
            return Err(Fault::Status(StatusCode::PAYLOAD_TOO_LARGE, "The request names too many properties."));
        }
        Ok(Self { picked, version })
    }

    /// The text to be sent.
    pub(crate) fn of(&self, octets: &[u8]) -> String {
        // RFC 6352 section 10.4: in the version that is named.
        let converted = self.version.and_then(|version| Some(convert(&Tree::read(octets).ok()?, version)));
        let octets = converted.as_deref().unwrap_or(octets);
        match Tree::read(octets) {
            Ok(tree) if !self.picked.is_empty() => self.part(&tree),
            _ => text_of(octets).into_owned(),
        }
    }

    fn part(&self, tree: &Tree<'_>) -> String {
        let mut text = String::new();
        let run = |text: &mut String, range: &Range<usize>| text.push_str(&text_of(&tree.octets[range.clone()]));
        for card in &tree.components {
            run(&mut text, &card.begin);
            for entry in &card.properties {
                match self.picked.iter().find(|picked| picked.is(entry)) {
                    Some(picked) if picked.no_value => {
                        text.push_str(entry.text().strip_suffix(entry.value()).unwrap_or_default());
                        text.push_str("\r\n");
                    }
                    Some(_) => run(&mut text, &entry.range),
                    None if entry.is("VERSION") => run(&mut text, &entry.range),
                    None => {}
                }
            }
            run(&mut text, &card.end);
        }
        text
    }
}

impl Picked {
    fn read(element: &Element) -> Option<Self> {
        let name = element.attribute("name")?;
        let (group, name) = name.rsplit_once('.').map_or((None, name), |(group, name)| (Some(group.to_owned()), name));
        Some(Self { group, name: name.to_owned(), no_value: element.attribute("novalue") == Some("yes") })
    }

    fn is(&self, entry: &Entry<'_>) -> bool {
        let in_group = |group: &String| entry.line().group.is_some_and(|known| known.eq_ignore_ascii_case(group));
        entry.is(&self.name) && self.group.as_ref().is_none_or(in_group)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::xml::parse;

    const CARD: &[u8] =
        b"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:1\r\nFN:An\r\n a\r\nitem1.EMAIL:a@a.example\r\nEMAIL;TYPE=work:b@a.example\r\nEND:VCARD\r\n";

    fn data(attributes: &str, content: &str) -> Result<AddressData, Fault> {
        let text = format!(r#"<C:address-data xmlns:C="urn:ietf:params:xml:ns:carddav" {attributes}>{content}</C:address-data>"#);
        AddressData::read(&parse(text.as_bytes()).unwrap())
    }

    #[test]
    fn all_of_a_card_or_the_lines_that_are_named() {
        for all in ["", "<C:allprop/>"] {
            assert_eq!(data("", all).unwrap().of(CARD).as_bytes(), CARD);
        }
        let some = data("content-type='text/vcard' version='3.0'", "<C:prop name='fn'/><C:prop name='item1.EMAIL'/>").unwrap().of(CARD);
        assert_eq!(some, "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:An\r\n a\r\nitem1.EMAIL:a@a.example\r\nEND:VCARD\r\n");
        let bare = data("", "<C:prop name='EMAIL' novalue='yes'/>").unwrap().of(CARD);
        assert_eq!(bare, "BEGIN:VCARD\r\nVERSION:3.0\r\nitem1.EMAIL:\r\nEMAIL;TYPE=work:\r\nEND:VCARD\r\n");
    }

    #[test]
    fn a_card_in_the_other_version() {
        let newer = data("version='4.0'", "<C:prop name='UID'/><C:prop name='KIND'/>").unwrap().of(CARD);
        assert_eq!(newer, "BEGIN:VCARD\r\nVERSION:4.0\r\nUID:1\r\nEND:VCARD\r\n");
        assert_eq!(data("version='3.0'", "").unwrap().of(CARD).as_bytes(), CARD);
        let grouped = b"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:1\r\nFN:g\r\nX-ADDRESSBOOKSERVER-KIND:group\r\nEND:VCARD\r\n";
        assert!(data("version='4.0'", "").unwrap().of(grouped).contains("\r\nKIND:group\r\n"));
    }

    #[test]
    fn other_types_and_versions_are_refused() {
        for other in ["content-type='application/vcard+json'", "version='2.1'"] {
            let fault = data(other, "").map(|_| ()).unwrap_err();
            assert!(format!("{fault:?}").contains("CARD:supported-address-data"), "{other}");
        }
        assert!(data("", &"<C:prop name='X'/>".repeat(PROPERTIES_MAX + 1)).is_err());
    }
}
