//! `calendar-data` (RFC 4791 section 9.6): what of each object is sent.
//!
//! Who names neither parts nor times gets the octets that were put.

use super::filter::TimeRange;
use super::matching::Floating;
use crate::names::CALDAV;
use crate::refusal::Fault;
use crate::xml::Element;
use http::StatusCode;
use octroi_ical::{Pick, PickProperty, TooMany, Tree, expand, limit_freebusy_set, limit_recurrence_set, pick, text_of};

/// Components and properties that one request names.
const NAMES_MAX: usize = 500;

/// What of each object is sent.
#[derive(Debug, Clone)]
pub(crate) struct CalendarData {
    pick: Option<Pick>,
    recurrences: Recurrences,
    busy: Option<TimeRange>,
}

#[derive(Debug, Clone, Copy)]
enum Recurrences {
    /// As they are.
    All,
    /// Each instance within by itself.
    Expanded(TimeRange),
    /// Without the overrides that do not matter within.
    Limited(TimeRange),
}

impl CalendarData {
    /// Read the element in the request's `prop`.
    pub(crate) fn read(element: &Element) -> Result<Self, Fault> {
        let unsupported = || Fault::Rule(StatusCode::FORBIDDEN, "C:supported-calendar-data");
        let media_type = element.attribute("content-type").unwrap_or("text/calendar");
        if !media_type.split(';').next().unwrap_or("").trim().eq_ignore_ascii_case("text/calendar") {
            return Err(unsupported());
        }
        if element.attribute("version").is_some_and(|version| version != "2.0") {
            return Err(unsupported());
        }
        let range = |name| element.child(CALDAV, name).map(TimeRange::read_whole).transpose();
        let recurrences = match (range("expand")?, range("limit-recurrence-set")?) {
            (None, None) => Recurrences::All,
            (Some(range), None) => Recurrences::Expanded(range),
            (None, Some(range)) => Recurrences::Limited(range),
            (Some(_), Some(_)) => return Err(Fault::Status(StatusCode::BAD_REQUEST, "It is either expanded or limited.")),
        };
        let mut left = NAMES_MAX;
        let pick = element.child(CALDAV, "comp").map(|comp| component(comp, &mut left)).transpose()?;
        Ok(Self { pick, recurrences, busy: range("limit-freebusy-set")? })
    }

    /// The text to be sent.
    pub(crate) fn of(&self, octets: &[u8], floating: &Floating) -> Result<String, TooMany> {
        let Ok(tree) = Tree::read(octets) else { return Ok(text_of(octets).into_owned()) };
        let mut shaped = match self.recurrences {
            Recurrences::All => None,
            Recurrences::Expanded(range) => Some(expand(&tree, &floating.zone, &range.into(), &floating.limits)?),
            Recurrences::Limited(range) => Some(limit_recurrence_set(&tree, &floating.zone, &range.into())),
        };
        if let Some(range) = self.busy {
            shaped = Some(again(shaped.as_deref(), &tree, |tree| limit_freebusy_set(tree, &range.into())));
        }
        if let Some(wanted) = &self.pick {
            shaped = Some(again(shaped.as_deref(), &tree, |tree| pick(tree, wanted)));
        }
        Ok(text_of(shaped.as_deref().unwrap_or(octets)).into_owned())
    }
}

/// Shape what has been shaped before, or the object as it is.
fn again(shaped: Option<&[u8]>, tree: &Tree<'_>, shape: impl FnOnce(&Tree<'_>) -> Vec<u8>) -> Vec<u8> {
    match shaped {
        None => shape(tree),
        Some(octets) => Tree::read(octets).map_or_else(|_| octets.to_vec(), |tree| shape(&tree)),
    }
}

/// RFC 4791 sections 9.6.1 to 9.6.4. One that names nothing is whole, as in the example of section 7.8.1.
fn component(element: &Element, left: &mut usize) -> Result<Pick, Fault> {
    *left = left.checked_sub(1 + element.children.len()).ok_or_else(too_many)?;
    let bad = || Fault::Status(StatusCode::BAD_REQUEST, "A component has a name.");
    let name = element.attribute("name").ok_or_else(bad)?.trim().to_ascii_uppercase();
    let has = |name| element.child(CALDAV, name).is_some();
    if element.children.is_empty() {
        return Ok(Pick { name, properties: None, components: None });
    }
    let named = element.children.iter().filter(|child| child.is(CALDAV, "prop"));
    let property = |child: &Element| {
        let novalue = child.attribute("novalue") == Some("yes");
        child.attribute("name").map(|name| PickProperty { name: name.trim().to_owned(), novalue })
    };
    let properties = (!has("allprop")).then(|| named.filter_map(property).collect());
    let inner = element.children.iter().filter(|child| child.is(CALDAV, "comp"));
    let components = if has("allcomp") { None } else { Some(inner.map(|child| component(child, left)).collect::<Result<_, _>>()?) };
    Ok(Pick { name, properties, components })
}

fn too_many() -> Fault {
    Fault::Status(StatusCode::PAYLOAD_TOO_LARGE, "The request names too many properties.")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::xml::parse;
    use jiff::tz::TimeZone;
    use octroi_ical::ExpansionLimits;

    const SERIES: &[u8] =
        b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:a\r\nDTSTART:20260105T090000Z\r\nRRULE:FREQ=DAILY;COUNT=9\r\n\
        SUMMARY:fol\r\n ded\r\nBEGIN:VALARM\r\nTRIGGER:-PT1M\r\nEND:VALARM\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

    fn data(attributes: &str, inside: &str) -> Result<CalendarData, Fault> {
        let text = format!(r#"<C:calendar-data xmlns:C="urn:ietf:params:xml:ns:caldav" {attributes}>{inside}</C:calendar-data>"#);
        CalendarData::read(&parse(text.as_bytes()).unwrap())
    }

    fn of(inside: &str) -> String {
        data("", inside).unwrap().of(SERIES, &Floating { zone: TimeZone::UTC, limits: ExpansionLimits::default() }).unwrap()
    }

    #[test]
    fn whole_in_parts_or_in_instances() {
        assert_eq!(of("").as_bytes(), SERIES);
        let part = of("<C:comp name='VCALENDAR'><C:prop name='VERSION'/><C:comp name='VEVENT'><C:prop name='summary'/>\
            <C:prop name='UID' novalue='yes'/></C:comp></C:comp>");
        let wanted = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:\r\nSUMMARY:fol\r\n ded\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
        assert_eq!(part, wanted);
        let alarm = of("<C:comp name='VCALENDAR'><C:allprop/><C:comp name='VEVENT'><C:allcomp/></C:comp></C:comp>");
        assert!(alarm.contains("PRODID") && alarm.contains("TRIGGER") && !alarm.contains("SUMMARY"), "{alarm}");
        assert!(of("<C:comp name='VCALENDAR'><C:comp name='VEVENT'/></C:comp>").contains("RRULE"));
        let two = of("<C:expand start='20260106T000000Z' end='20260108T000000Z'/>");
        assert_eq!((two.matches("BEGIN:VEVENT").count(), two.matches("RECURRENCE-ID").count(), two.matches("RRULE").count()), (2, 2, 0));
        let both = of("<C:expand start='20260106T000000Z' end='20260108T000000Z'/><C:comp name='VCALENDAR'><C:comp name='VEVENT'>\
            <C:prop name='DTSTART'/></C:comp></C:comp>");
        assert_eq!((both.matches("DTSTART").count(), both.matches("UID").count()), (2, 0), "{both}");
        assert!(of("<C:limit-recurrence-set start='20260106T000000Z' end='20260108T000000Z'/>").contains("RRULE"));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for (attributes, inside, refused) in [
            ("content-type='application/calendar+json'", "", "C:supported-calendar-data"),
            ("version='1.0'", "", "C:supported-calendar-data"),
            ("", "<C:expand start='20260106T000000Z'/>", "C:valid-filter"),
            ("", "<C:expand start='20260106T000000Z' end='20260105T000000Z'/>", "C:valid-filter"),
            ("", "<C:comp/>", "400"),
        ] {
            let fault = data(attributes, inside).map(|_| ()).unwrap_err();
            assert!(format!("{fault:?}").contains(refused), "{refused}: {fault:?}");
        }
        let deep = "<C:comp name='VCALENDAR'>".to_owned() + &"<C:prop name='X'/>".repeat(NAMES_MAX) + "</C:comp>";
        assert!(data("", &deep).is_err());
    }
}
