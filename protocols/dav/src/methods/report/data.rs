//! The data of objects in answers: `calendar-data` and `address-data`, as far as a request asks for them.

use crate::caldav::{CalendarData, Floating};
use crate::carddav::AddressData;
use crate::names::{CALDAV, CARDDAV, DAV};
use crate::refusal::Fault;
use crate::xml::{Element, ElementName, Xml};
use octroi_gate::Area;
use octroi_ical::TooMany;

/// What of each object is sent, and under which name.
pub(crate) struct Data {
    name: ElementName,
    what: What,
}

enum What {
    Address(AddressData),
    Calendar(CalendarData),
}

impl Data {
    /// From the `prop` of a query or multiget; `None` if the data are not asked for.
    pub(crate) fn read(request: &Element, area: Area) -> Result<Option<Self>, Fault> {
        let (namespace, local) = if area == Area::Contacts { (CARDDAV, "address-data") } else { (CALDAV, "calendar-data") };
        let Some(element) = request.child(DAV, "prop").and_then(|prop| prop.child(namespace, local)) else { return Ok(None) };
        let what = match area {
            Area::Contacts => What::Address(AddressData::read(element)?),
            _ => What::Calendar(CalendarData::read(element)?),
        };
        Ok(Some(Self { name: ElementName { namespace: namespace.to_owned(), local: local.to_owned() }, what }))
    }

    /// Its name in an answer.
    pub(crate) fn name(&self) -> &ElementName {
        &self.name
    }

    /// The element for an object.
    pub(crate) fn of(&self, octets: &[u8], floating: &Floating) -> Result<Xml, TooMany> {
        let mut xml = Xml::piece();
        match &self.what {
            What::Address(data) => xml.text("CARD:address-data", &data.of(octets)),
            What::Calendar(data) => xml.text("C:calendar-data", &data.of(octets, floating)?),
        };
        Ok(xml)
    }
}
