//! The filter of `calendar-query` (RFC 4791 section 9.7), read whole under limits before anything is looked at.
//!
//! What is not in the grammar is refused by the precondition that the section names for it: an element, name or collation that we do not know,
//! a time that cannot be.

use crate::names::CALDAV;
use crate::refusal::Fault;
use crate::text_match::{Collation, TextFault, TextMatch};
use crate::xml::Element;
use http::StatusCode;
use jiff::Timestamp;

/// Conditions of one filter.
const CONDITIONS_MAX: usize = 100;

/// What is asked of an object: its VCALENDAR.
#[derive(Debug, Clone)]
pub(crate) struct Filter(pub ComponentFilter);

/// `comp-filter`.
#[derive(Debug, Clone)]
pub(crate) struct ComponentFilter {
    /// In upper case.
    pub name: String,
    /// `None`: there is to be none.
    pub asked: Option<Asked>,
}

/// What is asked of a component that is to be there.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked {
    pub range: Option<TimeRange>,
    pub properties: Vec<PropertyFilter>,
    pub components: Vec<ComponentFilter>,
}

/// `prop-filter`.
#[derive(Debug, Clone)]
pub(crate) struct PropertyFilter {
    pub name: String,
    /// `None`: there is to be none.
    pub asked: Option<AskedProperty>,
}

/// What is asked of a property that is to be there.
#[derive(Debug, Clone, Default)]
pub(crate) struct AskedProperty {
    pub range: Option<TimeRange>,
    pub text: Option<TextMatch>,
    pub parameters: Vec<ParameterFilter>,
}

/// `param-filter`.
#[derive(Debug, Clone)]
pub(crate) struct ParameterFilter {
    pub name: String,
    pub asked: AskedParameter,
}

/// What is asked of a parameter.
#[derive(Debug, Clone)]
pub(crate) enum AskedParameter {
    Absent,
    Present,
    Text(TextMatch),
}

/// `time-range` (RFC 4791 section 9.9): from `start` on, before `end`; without an end on either side if that is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimeRange {
    pub start: Timestamp,
    pub end: Timestamp,
}

impl Filter {
    /// Read the `filter` element.
    pub(crate) fn read(element: &Element) -> Result<Self, Fault> {
        match element.children.as_slice() {
            [calendar] if calendar.is(CALDAV, "comp-filter") && calendar.attribute("name").is_some_and(is_calendar) => {
                let filter = ComponentFilter::read(calendar, &mut { CONDITIONS_MAX })?;
                // RFC 4791 section 9.9: there is no time to overlap with in the calendar itself.
                if filter.asked.as_ref().is_some_and(|asked| asked.range.is_some()) { Err(invalid()) } else { Ok(Self(filter)) }
            }
            [other] if !other.is(CALDAV, "comp-filter") => Err(unsupported()),
            _ => Err(invalid()),
        }
    }

    /// Of which kind an object has to be, if it has to be of one; that of the first.
    pub(crate) fn kind(&self) -> Option<&str> {
        self.0.asked.as_ref()?.components.iter().find(|component| component.asked.is_some()).map(|component| component.name.as_str())
    }

    /// When something has to be in an object; the first that is asked for.
    pub(crate) fn range(&self) -> Option<TimeRange> {
        let asked = self.0.asked.as_ref()?;
        asked.components.iter().filter_map(|component| component.asked.as_ref()).find_map(|asked| asked.range)
    }

    /// Is it asked for alarms that are there?
    pub(crate) fn rings(&self) -> bool {
        let first = self.0.asked.as_ref().and_then(|asked| asked.components.iter().find_map(|component| component.asked.as_ref()));
        first.is_some_and(|asked| asked.components.iter().any(|inner| inner.name == "VALARM" && inner.asked.is_some()))
    }

    /// Do kind and time alone decide?
    pub(crate) fn is_plain(&self) -> bool {
        let is_bare = |asked: &Asked| asked.properties.is_empty() && asked.components.is_empty();
        match &self.0.asked {
            Some(Asked { components, properties, .. }) if properties.is_empty() => match components.as_slice() {
                [] => true,
                [only] => only.asked.as_ref().is_some_and(is_bare),
                _ => false,
            },
            _ => false,
        }
    }
}

fn is_calendar(name: &str) -> bool {
    name.eq_ignore_ascii_case("VCALENDAR")
}

impl ComponentFilter {
    fn read(element: &Element, left: &mut usize) -> Result<Self, Fault> {
        count(left)?;
        let name = name(element)?.to_ascii_uppercase();
        if is_not_defined(element)? {
            return Ok(Self { name, asked: None });
        }
        let mut asked = Asked::default();
        for child in &element.children {
            match child.name.local.as_str() {
                _ if child.name.namespace != CALDAV => return Err(unsupported()),
                "time-range" if asked.range.is_none() => asked.range = Some(TimeRange::read(child)?),
                "prop-filter" => asked.properties.push(PropertyFilter::read(child, left)?),
                "comp-filter" => asked.components.push(Self::read(child, left)?),
                "time-range" => return Err(invalid()),
                _ => return Err(unsupported()),
            }
        }
        Ok(Self { name, asked: Some(asked) })
    }
}

impl PropertyFilter {
    fn read(element: &Element, left: &mut usize) -> Result<Self, Fault> {
        count(left)?;
        let name = name(element)?.to_owned();
        if is_not_defined(element)? {
            return Ok(Self { name, asked: None });
        }
        let mut asked = AskedProperty::default();
        for child in &element.children {
            let is_free = asked.range.is_none() && asked.text.is_none();
            match child.name.local.as_str() {
                _ if child.name.namespace != CALDAV => return Err(unsupported()),
                "time-range" if is_free => asked.range = Some(TimeRange::read(child)?),
                "text-match" if is_free => asked.text = Some(text_match(child)?),
                "param-filter" => asked.parameters.push(ParameterFilter::read(child, left)?),
                "time-range" | "text-match" => return Err(invalid()),
                _ => return Err(unsupported()),
            }
        }
        Ok(Self { name, asked: Some(asked) })
    }
}

impl ParameterFilter {
    fn read(element: &Element, left: &mut usize) -> Result<Self, Fault> {
        count(left)?;
        let name = name(element)?.to_owned();
        let asked = match element.children.as_slice() {
            [] => AskedParameter::Present,
            [only] if only.is(CALDAV, "is-not-defined") => AskedParameter::Absent,
            [only] if only.is(CALDAV, "text-match") => AskedParameter::Text(text_match(only)?),
            [_] => return Err(unsupported()),
            _ => return Err(invalid()),
        };
        Ok(Self { name, asked })
    }
}

impl TimeRange {
    /// Read an element with `start` and `end`, of which this one may lack one.
    pub(crate) fn read(element: &Element) -> Result<Self, Fault> {
        let time = |name| element.attribute(name).map(instant).transpose();
        match (time("start")?, time("end")?) {
            (None, None) => Err(invalid()),
            (start, end) => Self::ordered(start.unwrap_or(Timestamp::MIN), end.unwrap_or(Timestamp::MAX)),
        }
    }

    /// Read an element that has both (`expand` and the like, RFC 4791 sections 9.6.5 to 9.6.7).
    pub(crate) fn read_whole(element: &Element) -> Result<Self, Fault> {
        match (element.attribute("start"), element.attribute("end")) {
            (Some(start), Some(end)) => Self::ordered(instant(start)?, instant(end)?),
            _ => Err(invalid()),
        }
    }

    fn ordered(start: Timestamp, end: Timestamp) -> Result<Self, Fault> {
        if start < end { Ok(Self { start, end }) } else { Err(invalid()) }
    }
}

/// RFC 4791 section 9.9: a date with UTC time.
fn instant(text: &str) -> Result<Timestamp, Fault> {
    match octroi_ical::Moment::of(text, None, None) {
        Ok(octroi_ical::Moment::Utc(at)) if text.len() == "20060104T000000Z".len() => Ok(at),
        _ => Err(invalid()),
    }
}

fn name(element: &Element) -> Result<&str, Fault> {
    element.attribute("name").map(str::trim).filter(|name| !name.is_empty()).ok_or_else(invalid)
}

/// Alone, or it contradicts what stands beside it.
fn is_not_defined(element: &Element) -> Result<bool, Fault> {
    match element.children.as_slice() {
        [only] => Ok(only.is(CALDAV, "is-not-defined")),
        several if several.iter().any(|child| child.is(CALDAV, "is-not-defined")) => Err(invalid()),
        _ => Ok(false),
    }
}

fn text_match(element: &Element) -> Result<TextMatch, Fault> {
    // RFC 4791 section 7.5
    TextMatch::read(element, Collation::AsciiCasemap).map_err(|fault| match fault {
        TextFault::Collation => Fault::Rule(StatusCode::FORBIDDEN, "C:supported-collation"),
        TextFault::Odd => invalid(),
    })
}

fn count(left: &mut usize) -> Result<(), Fault> {
    *left = left.checked_sub(1).ok_or_else(unsupported)?;
    Ok(())
}

/// RFC 4791 section 7.8: what is in the filter is not known here.
fn unsupported() -> Fault {
    Fault::Rule(StatusCode::FORBIDDEN, "C:supported-filter")
}

/// RFC 4791 section 7.8: what is known does not make a filter.
pub(super) fn invalid() -> Fault {
    Fault::Rule(StatusCode::FORBIDDEN, "C:valid-filter")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::xml::parse;

    fn filter(inside: &str) -> Result<Filter, Fault> {
        let text = format!(r#"<C:filter xmlns:C="urn:ietf:params:xml:ns:caldav">{inside}</C:filter>"#);
        Filter::read(&parse(text.as_bytes()).unwrap())
    }

    fn calendar(inside: &str) -> Result<Filter, Fault> {
        filter(&format!("<C:comp-filter name='VCALENDAR'>{inside}</C:comp-filter>"))
    }

    #[test]
    fn what_an_index_can_know_is_told() {
        let all = calendar("").unwrap();
        assert!(all.kind().is_none() && all.range().is_none() && all.is_plain());
        let week = calendar("<C:comp-filter name='vevent'><C:time-range start='20260105T000000Z' end='20260112T000000Z'/></C:comp-filter>");
        let week = week.unwrap();
        let range = week.range().unwrap();
        assert_eq!((week.kind(), week.is_plain()), (Some("VEVENT"), true));
        assert_eq!(range.end.as_second() - range.start.as_second(), 7 * 86_400);
        let open = calendar("<C:comp-filter name='VTODO'><C:time-range start='20260105T000000Z'/></C:comp-filter>").unwrap();
        assert_eq!(open.range().unwrap().end, Timestamp::MAX);
        let more = calendar("<C:comp-filter name='VEVENT'><C:prop-filter name='UID'/></C:comp-filter>").unwrap();
        assert!(!more.is_plain() && more.kind() == Some("VEVENT"));
        let none = calendar("<C:comp-filter name='VTODO'><C:is-not-defined/></C:comp-filter>").unwrap();
        assert!(!none.is_plain() && none.kind().is_none());
    }

    #[test]
    fn what_is_not_in_the_grammar_is_refused_by_its_precondition() {
        let event = |inside: &str| calendar(&format!("<C:comp-filter name='VEVENT'>{inside}</C:comp-filter>"));
        let many = "<C:prop-filter name='UID'/>".repeat(CONDITIONS_MAX);
        for (read, rule) in [
            (filter(""), "C:valid-filter"),
            (filter("<C:comp-filter name='VEVENT'/>"), "C:valid-filter"),
            (filter("<C:prop-filter name='UID'/>"), "C:supported-filter"),
            (calendar("<C:time-range start='20260105T000000Z'/>"), "C:valid-filter"),
            (calendar("<C:comp-filter/>"), "C:valid-filter"),
            (event("<C:future-filter/>"), "C:supported-filter"),
            (event("<x xmlns='urn:x'/>"), "C:supported-filter"),
            (event("<C:time-range/>"), "C:valid-filter"),
            (event("<C:time-range start='20260105'/>"), "C:valid-filter"),
            (event("<C:time-range start='20260105T000000'/>"), "C:valid-filter"),
            (event("<C:time-range start='2026-01-05T00:00:00Z'/>"), "C:valid-filter"),
            (event("<C:time-range start='20260112T000000Z' end='20260105T000000Z'/>"), "C:valid-filter"),
            (event("<C:time-range start='20260112T000000Z'/><C:time-range start='20260112T000000Z'/>"), "C:valid-filter"),
            (event("<C:is-not-defined/><C:prop-filter name='UID'/>"), "C:valid-filter"),
            (event("<C:prop-filter name='UID'><C:text-match collation='i;x'>a</C:text-match></C:prop-filter>"), "C:supported-collation"),
            (event("<C:prop-filter name='UID'><C:text-match negate-condition='x'>a</C:text-match></C:prop-filter>"), "C:valid-filter"),
            (
                event("<C:prop-filter name='UID'><C:text-match>a</C:text-match><C:text-match>b</C:text-match></C:prop-filter>"),
                "C:valid-filter",
            ),
            (
                event("<C:prop-filter name='UID'><C:param-filter name='X'><C:time-range/></C:param-filter></C:prop-filter>"),
                "C:supported-filter",
            ),
            (event(&many), "C:supported-filter"),
        ] {
            let fault = read.map(|_| ()).unwrap_err();
            assert!(format!("{fault:?}").contains(&format!("\"{rule}\"")), "{rule}: {fault:?}");
        }
    }
}
