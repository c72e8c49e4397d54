//! What the value of a property is compared as: a number, a moment, or text.

use crate::property::{self, Role, Subject, Viewer};
use crate::xml::{Element, ElementName, Xml, parse};
use std::cmp::Ordering;

/// A value to compare.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// A whole number.
    Number(i64),
    /// Seconds since 1970.
    Moment(i64),
    /// Anything else: its text, without the white space round it.
    Text(String),
}

impl Value {
    /// Of a resource; `None` if it has no such property.
    pub(crate) fn of(name: &ElementName, subject: &Subject<'_>, viewer: &Viewer) -> Option<Self> {
        let known = property::find(name).map(|known| known.role);
        if let (Subject::File { item, .. }, Some(role)) = (subject, known) {
            // Without going through XML, for what is asked most.
            match role {
                Role::ContentLength => return Some(Self::Number(i64::try_from(item.bytes()).unwrap_or(i64::MAX))),
                Role::LastModified => return Some(Self::Moment(item.date.0)),
                _ => {}
            }
        }
        let mut xml = Xml::document("D:prop");
        if !property::write_named(name, subject, viewer, &mut xml) {
            return None;
        }
        xml.close("D:prop");
        let told = parse(xml.into_string().as_bytes()).ok()?;
        let text = told.children.first().map(text_of)?;
        Some(match known {
            Some(Role::CreationDate | Role::LastModified) => moment(&text).map_or(Self::Text(text), Self::Moment),
            Some(Role::ContentLength | Role::Octets) => text.parse().map_or(Self::Text(text), Self::Number),
            _ => Self::Text(text),
        })
    }

    /// How it stands to a literal of a query; `None` if they cannot be compared.
    pub(crate) fn compare(&self, literal: &str, caseless: bool) -> Option<Ordering> {
        let literal = literal.trim();
        match self {
            Self::Number(number) => literal.parse::<i64>().ok().map(|literal| number.cmp(&literal)),
            Self::Moment(at) => moment(literal).map(|literal| at.cmp(&literal)),
            // Properties that clients set are texts to us, and numbers to those who compare them with one.
            Self::Text(text) => match (text.parse::<i64>(), literal.parse::<i64>()) {
                (Ok(text), Ok(literal)) => Some(text.cmp(&literal)),
                _ if caseless => Some(text.to_lowercase().cmp(&literal.to_lowercase())),
                _ => Some(text.as_str().cmp(literal)),
            },
        }
    }

    /// Its text, for `like`.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Number(number) | Self::Moment(number) => number.to_string(),
            Self::Text(text) => text.clone(),
        }
    }

    /// The order of two resources: numbers and moments by size, texts in any case of letters.
    pub(crate) fn order(&self, other: &Self, caseless: bool) -> Ordering {
        match (self, other) {
            (Self::Number(one) | Self::Moment(one), Self::Number(other) | Self::Moment(other)) => one.cmp(other),
            (Self::Text(one), Self::Text(other)) if caseless => one.to_lowercase().cmp(&other.to_lowercase()).then_with(|| one.cmp(other)),
            (Self::Text(one), Self::Text(other)) => one.cmp(other),
            (Self::Text(_), _) => Ordering::Greater,
            (_, Self::Text(_)) => Ordering::Less,
        }
    }
}

/// All text in an element, and hrefs as they are.
fn text_of(element: &Element) -> String {
    let mut text = element.trimmed().to_owned();
    for child in &element.children {
        let more = text_of(child);
        if !text.is_empty() && !more.is_empty() {
            text.push(' ');
        }
        text.push_str(&more);
    }
    text
}

/// A moment as RFC 3339 or HTTP writes it, or a day.
fn moment(text: &str) -> Option<i64> {
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Some(at.as_second());
    }
    if let Ok(at) = httpdate::parse_http_date(text) {
        return at.duration_since(std::time::UNIX_EPOCH).ok().and_then(|since| i64::try_from(since.as_secs()).ok());
    }
    let day = text.parse::<jiff::civil::Date>().ok()?;
    day.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|at| at.timestamp().as_second())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_alike_is_compared() {
        assert_eq!(Value::Number(10).compare(" 9 ", false), Some(Ordering::Greater));
        assert_eq!(Value::Number(10).compare("x", false), None);
        for same in ["2019-01-01T00:00:00Z", "Tue, 01 Jan 2019 00:00:00 GMT", "2019-01-01"] {
            assert_eq!(Value::Moment(1_546_300_800).compare(same, false), Some(Ordering::Equal), "{same}");
        }
        let text = |text: &str| Value::Text(text.to_owned());
        assert_eq!(text("Été").compare("été", true), Some(Ordering::Equal));
        assert_eq!(text("Été").compare("été", false), Some(Ordering::Less));
        assert_eq!(text("10").compare("9", false), Some(Ordering::Greater));
        assert_eq!(text("b").order(&text("A"), true), Ordering::Greater);
    }
}
