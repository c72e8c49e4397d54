//! The filter of `addressbook-query` (RFC 6352 section 10.5): read whole under limits, then asked of each card.
//!
//! A condition on a property holds if one of the properties of that name has it; with `test="allof"` the same one has them all.

use crate::names::CARDDAV;
use crate::refusal::Fault;
use crate::text_match::{Collation, TextFault, TextMatch};
use crate::xml::Element;
use http::StatusCode;
use octroi_ical::{ContentLine, Tree, unescaped};

/// Conditions of one filter.
const CONDITIONS_MAX: usize = 100;

/// Any of several, or all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Test {
    Any,
    All,
}

/// A filter.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    test: Test,
    properties: Vec<PropertyFilter>,
}

#[derive(Debug, Clone)]
struct PropertyFilter {
    /// RFC 6352 section 10.5.1: `group.NAME` is about that group only.
    group: Option<String>,
    name: String,
    test: Test,
    /// `None`: it is not to be there.
    conditions: Option<Vec<Condition>>,
}

#[derive(Debug, Clone)]
enum Condition {
    Text(TextMatch),
    /// `None`: the parameter is there.
    Parameter(String, Option<TextMatch>),
    NoParameter(String),
}

impl Filter {
    /// Read the `filter` element.
    pub(crate) fn read(element: &Element) -> Result<Self, Fault> {
        let mut left = CONDITIONS_MAX;
        let test = test(element)?;
        let properties = element.children.iter().map(|child| PropertyFilter::read(child, &mut left)).collect::<Result<_, _>>()?;
        Ok(Self { test, properties })
    }

    /// Is it one of the cards that are asked for?
    pub(crate) fn fits(&self, tree: &Tree<'_>) -> bool {
        let Some(card) = tree.components.first() else { return false };
        let lines: Vec<ContentLine<'_>> = card.properties.iter().map(octroi_ical::Entry::line).collect();
        let mut judged = self.properties.iter().map(|property| property.fits(&lines));
        match self.test {
            _ if self.properties.is_empty() => true,
            Test::Any => judged.any(|fits| fits),
            Test::All => judged.all(|fits| fits),
        }
    }
}

impl PropertyFilter {
    fn read(element: &Element, left: &mut usize) -> Result<Self, Fault> {
        if !element.is(CARDDAV, "prop-filter") {
            return Err(unsupported());
        }
        count(left)?;
        let name = element.attribute("name").filter(|name| !name.is_empty()).ok_or_else(unsupported)?;
        let (group, name) = name.rsplit_once('.').map_or((None, name), |(group, name)| (Some(group.to_owned()), name));
        let conditions = match element.children.as_slice() {
            [only] if only.is(CARDDAV, "is-not-defined") => None,
            conditions => Some(conditions.iter().map(|child| Condition::read(child, left)).collect::<Result<_, _>>()?),
        };
        Ok(Self { group, name: name.to_owned(), test: test(element)?, conditions })
    }

    fn fits(&self, lines: &[ContentLine<'_>]) -> bool {
        let is_in_group = |line: &ContentLine<'_>| {
            self.group.as_ref().is_none_or(|group| line.group.is_some_and(|known| known.eq_ignore_ascii_case(group)))
        };
        let mut named = lines.iter().filter(|line| line.is(&self.name) && is_in_group(line));
        match &self.conditions {
            None => named.next().is_none(),
            Some(conditions) if conditions.is_empty() => named.next().is_some(),
            Some(conditions) => named.any(|line| {
                let mut judged = conditions.iter().map(|condition| condition.fits(line));
                if self.test == Test::Any { judged.any(|fits| fits) } else { judged.all(|fits| fits) }
            }),
        }
    }
}

impl Condition {
    fn read(element: &Element, left: &mut usize) -> Result<Self, Fault> {
        count(left)?;
        if element.is(CARDDAV, "text-match") {
            return Ok(Self::Text(text_match(element)?));
        }
        if !element.is(CARDDAV, "param-filter") {
            return Err(unsupported());
        }
        let name = element.attribute("name").filter(|name| !name.is_empty()).ok_or_else(unsupported)?.to_owned();
        match element.children.as_slice() {
            [] => Ok(Self::Parameter(name, None)),
            [only] if only.is(CARDDAV, "is-not-defined") => Ok(Self::NoParameter(name)),
            [only] if only.is(CARDDAV, "text-match") => Ok(Self::Parameter(name, Some(text_match(only)?))),
            _ => Err(unsupported()),
        }
    }

    fn fits(&self, line: &ContentLine<'_>) -> bool {
        let named = |name: &str| line.params.iter().filter(move |param| param.name.eq_ignore_ascii_case(name)).collect::<Vec<_>>();
        match self {
            Self::Text(text) => text.fits(&unescaped(line.value)),
            Self::NoParameter(name) => named(name).is_empty(),
            Self::Parameter(name, None) => !named(name).is_empty(),
            Self::Parameter(name, Some(text)) => named(name).iter().any(|param| param.values.iter().any(|value| text.fits(value))),
        }
    }
}

fn test(element: &Element) -> Result<Test, Fault> {
    match element.attribute("test") {
        None | Some("anyof") => Ok(Test::Any),
        Some("allof") => Ok(Test::All),
        Some(_) => Err(unsupported()),
    }
}

fn text_match(element: &Element) -> Result<TextMatch, Fault> {
    // RFC 6352 section 10.5.4
    TextMatch::read(element, Collation::UnicodeCasemap).map_err(|fault| match fault {
        TextFault::Collation => Fault::Rule(StatusCode::FORBIDDEN, "CARD:supported-collation"),
        TextFault::Odd => unsupported(),
    })
}

fn count(left: &mut usize) -> Result<(), Fault> {
    *left = left.checked_sub(1).ok_or_else(unsupported)?;
    Ok(())
}

/// RFC 6352 section 8.6: the precondition on filters.
fn unsupported() -> Fault {
    Fault::Rule(StatusCode::FORBIDDEN, "CARD:supported-filter")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::xml::parse;

    const CARD: &[u8] = b"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:1\r\nFN:Ana\xc3\xafs Petit\\, dite Nana\r\nNICKNAME:me\r\nEMAIL;TYPE=work,pref:ana@a.example\r\n\
        item1.EMAIL;TYPE=home:nana@b.example\r\nitem1.X-ABLabel:Chez moi\r\nEND:VCARD\r\n";

    fn filter(attributes: &str, conditions: &str) -> Result<Filter, Fault> {
        let text = format!(r#"<C:filter xmlns:C="urn:ietf:params:xml:ns:carddav" {attributes}>{conditions}</C:filter>"#);
        Filter::read(&parse(text.as_bytes()).unwrap())
    }

    #[test]
    fn each_condition_holds_of_the_card_or_not() {
        let tree = Tree::read(CARD).unwrap();
        for (attributes, conditions, fits) in [
            ("", "", true),
            ("", "<C:prop-filter name='EMAIL'/>", true),
            ("", "<C:prop-filter name='TEL'/>", false),
            ("", "<C:prop-filter name='TEL'><C:is-not-defined/></C:prop-filter>", true),
            ("", "<C:prop-filter name='email'><C:is-not-defined/></C:prop-filter>", false),
            ("", "<C:prop-filter name='FN'><C:text-match>PETIT, DITE</C:text-match></C:prop-filter>", true),
            ("", "<C:prop-filter name='FN'><C:text-match>ANAÏS</C:text-match></C:prop-filter>", true),
            ("", "<C:prop-filter name='FN'><C:text-match collation='i;ascii-casemap'>ANAÏS</C:text-match></C:prop-filter>", false),
            ("", "<C:prop-filter name='FN'><C:text-match match-type='ends-with'>nana</C:text-match></C:prop-filter>", true),
            ("", "<C:prop-filter name='item1.EMAIL'><C:text-match>nana@</C:text-match></C:prop-filter>", true),
            ("", "<C:prop-filter name='item1.EMAIL'><C:text-match>ana@a</C:text-match></C:prop-filter>", false),
            ("", "<C:prop-filter name='EMAIL'><C:param-filter name='type'/></C:prop-filter>", true),
            ("", "<C:prop-filter name='FN'><C:param-filter name='type'><C:is-not-defined/></C:param-filter></C:prop-filter>", true),
            (
                "",
                "<C:prop-filter name='EMAIL' test='allof'><C:text-match>b.example</C:text-match>\
                <C:param-filter name='TYPE'><C:text-match>WORK</C:text-match></C:param-filter></C:prop-filter>",
                false,
            ),
            (
                "",
                "<C:prop-filter name='EMAIL' test='allof'><C:text-match>a.example</C:text-match>\
                <C:param-filter name='TYPE'><C:text-match>pref</C:text-match></C:param-filter></C:prop-filter>",
                true,
            ),
            ("", "<C:prop-filter name='TEL'/><C:prop-filter name='FN'/>", true),
            ("test='allof'", "<C:prop-filter name='TEL'/><C:prop-filter name='FN'/>", false),
            (
                "test='allof'",
                "<C:prop-filter name='UID'><C:text-match match-type='equals'>1</C:text-match></C:prop-filter><C:prop-filter name='FN'/>",
                true,
            ),
        ] {
            assert_eq!(filter(attributes, conditions).unwrap().fits(&tree), fits, "{attributes} {conditions}");
        }
    }

    #[test]
    fn what_is_not_known_is_refused_by_its_precondition() {
        let many = "<C:prop-filter name='FN'/>".repeat(CONDITIONS_MAX + 1);
        for (conditions, rule) in [
            ("<C:comp-filter name='VCARD'/>", "CARD:supported-filter"),
            ("<C:prop-filter/>", "CARD:supported-filter"),
            ("<C:prop-filter name='FN' test='none'/>", "CARD:supported-filter"),
            ("<C:prop-filter name='FN'><C:time-range start='x'/></C:prop-filter>", "CARD:supported-filter"),
            ("<C:prop-filter name='FN'><C:is-not-defined/><C:text-match>x</C:text-match></C:prop-filter>", "CARD:supported-filter"),
            ("<C:prop-filter name='FN'><C:text-match match-type='near'>x</C:text-match></C:prop-filter>", "CARD:supported-filter"),
            ("<C:prop-filter name='FN'><C:text-match collation='i;x'>x</C:text-match></C:prop-filter>", "CARD:supported-collation"),
            (many.as_str(), "CARD:supported-filter"),
        ] {
            let fault = filter("", conditions).map(|_| ()).unwrap_err();
            assert!(format!("{fault:?}").contains(&format!("\"{rule}\"")), "{conditions}: {fault:?}");
        }
    }
}
