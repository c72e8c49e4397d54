//! `text-match` of both families of reports (RFC 4791 section 9.7.5, RFC 6352 section 10.5.4): texts compared under a collation of RFC 4790.
//!
//! Called by the filters. What always holds: a text that is looked for is bounded, and made ready once for all that it is compared with.

use crate::xml::{Element, Xml};
use octroi_mime::collation_key;
use std::borrow::Cow;

/// Bytes of a text that is looked for.
const TEXT_BYTES_MAX: usize = 1024;

/// Which texts are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Collation {
    /// `i;octet`
    Octet,
    /// `i;ascii-casemap`
    AsciiCasemap,
    /// `i;unicode-casemap` (RFC 5051)
    UnicodeCasemap,
}

/// All of them, by their names.
const COLLATIONS: [(&str, Collation); 3] =
    [("i;ascii-casemap", Collation::AsciiCasemap), ("i;unicode-casemap", Collation::UnicodeCasemap), ("i;octet", Collation::Octet)];

impl Collation {
    fn named(name: &str) -> Option<Self> {
        COLLATIONS.iter().find(|(known, _)| *known == name).map(|(_, collation)| *collation)
    }

    /// What stands for a text: texts are the same if these are.
    fn key(self, text: &str) -> Cow<'_, str> {
        match self {
            Self::AsciiCasemap if text.bytes().any(|octet| octet.is_ascii_uppercase()) => Cow::Owned(text.to_ascii_lowercase()),
            Self::Octet | Self::AsciiCasemap => Cow::Borrowed(text),
            Self::UnicodeCasemap => collation_key(text),
        }
    }
}

/// The content of `supported-collation-set` (RFC 4791 section 7.5.1, RFC 6352 section 8.3.1).
pub(crate) fn write_collations(tag: &'static str, xml: &mut Xml) {
    for (name, _) in COLLATIONS {
        xml.text(tag, name);
    }
}

/// Why a `text-match` is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TextFault {
    /// A collation that we do not have.
    Collation,
    /// An attribute has another value than it may have, or the text is too long.
    Odd,
}

/// Where in a value the text is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Where {
    Equals,
    Contains,
    Starts,
    Ends,
}

/// A text that is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TextMatch {
    collation: Collation,
    place: Where,
    negate: bool,
    key: String,
}

impl TextMatch {
    /// Read the element. `usual`: the collation of who names none, or `default`.
    pub(crate) fn read(element: &Element, usual: Collation) -> Result<Self, TextFault> {
        let collation = match element.attribute("collation") {
            None | Some("default") => usual,
            Some(name) => Collation::named(name).ok_or(TextFault::Collation)?,
        };
        let place = match element.attribute("match-type") {
            None | Some("contains") => Where::Contains,
            Some("equals") => Where::Equals,
            Some("starts-with") => Where::Starts,
            Some("ends-with") => Where::Ends,
            Some(_) => return Err(TextFault::Odd),
        };
        let negate = match element.attribute("negate-condition") {
            None | Some("no") => false,
            Some("yes") => true,
            Some(_) => return Err(TextFault::Odd),
        };
        if element.text.len() > TEXT_BYTES_MAX || !element.children.is_empty() {
            return Err(TextFault::Odd);
        }
        Ok(Self { collation, place, negate, key: collation.key(&element.text).into_owned() })
    }

    /// Is it as asked?
    pub(crate) fn fits(&self, text: &str) -> bool {
        let text = self.collation.key(text);
        let found = match self.place {
            Where::Equals => *text == *self.key,
            Where::Contains => text.contains(&self.key),
            Where::Starts => text.starts_with(&self.key),
            Where::Ends => text.ends_with(&self.key),
        };
        found != self.negate
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::xml::parse;

    fn text_match(attributes: &str, text: &str) -> Result<TextMatch, TextFault> {
        TextMatch::read(&parse(format!("<t {attributes}>{text}</t>").as_bytes()).unwrap(), Collation::AsciiCasemap)
    }

    #[test]
    fn each_collation_and_place() {
        for (attributes, looked_for, value, fits) in [
            ("", "ann", "JoANNa", true),
            ("", "É", "été", false),
            ("collation='i;unicode-casemap'", "ÉTÉ", "l'été", true),
            ("collation='i;octet'", "ann", "JoANNa", false),
            ("collation='i;octet'", "ANN", "JoANNa", true),
            ("match-type='equals'", "ann", "ANN", true),
            ("match-type='equals'", "ann", "anna", false),
            ("match-type='starts-with'", "jo", "Joanna", true),
            ("match-type='starts-with'", "an", "Joanna", false),
            ("match-type='ends-with'", "NA", "Joanna", true),
            ("match-type='ends-with' negate-condition='yes'", "NA", "Joanna", false),
            ("negate-condition='yes'", "x", "Joanna", true),
            ("negate-condition='no'", "x", "Joanna", false),
        ] {
            assert_eq!(text_match(attributes, looked_for).unwrap().fits(value), fits, "{attributes} {looked_for} {value}");
        }
    }

    #[test]
    fn what_is_not_known_is_refused() {
        assert_eq!(text_match("collation='i;basic'", "x"), Err(TextFault::Collation));
        for odd in ["match-type='like'", "negate-condition='maybe'"] {
            assert_eq!(text_match(odd, "x"), Err(TextFault::Odd), "{odd}");
        }
        assert_eq!(text_match("", &"x".repeat(TEXT_BYTES_MAX + 1)), Err(TextFault::Odd));
    }
}
