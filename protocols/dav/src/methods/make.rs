//! What MKCOL and MKCALENDAR share: from the properties of the request to a new collection, all or nothing (RFC 5689 section 3).

use crate::call::Call;
use crate::instruction::{Act, Verdict, instructions, judge_folder};
use crate::multistatus::propstat;
use crate::names::{CALDAV, CALENDARSERVER, CARDDAV, DAV};
use crate::path::Place;
use crate::property::{ALL_COMPONENTS, COMPONENTS, Role, find};
use crate::refusal::{Answer, Fault, empty, xml_response};
use crate::xml::{Element, ElementName, Xml};
use http::StatusCode;
use octroi_gate::{Area, FileAt, MakeFolder, Read, Refusal, SubscriptionWish};
use octroi_model::CollectionKind;
use std::sync::Arc;
use zeroize::Zeroizing;

/// What a new collection is to be.
pub(crate) struct Wish {
    pub kind: Option<CollectionKind>,
    pub properties: Vec<(Arc<str>, Arc<str>)>,
    /// It is to be fetched from the web.
    is_subscribed: bool,
    /// From there.
    source: Option<Zeroizing<String>>,
}

impl Wish {
    /// Of that kind, and no more.
    pub(crate) fn of_kind(kind: Option<CollectionKind>) -> Self {
        Self { kind, properties: Vec::new(), is_subscribed: false, source: None }
    }

    /// Read the `set` elements of a request. `Err` is the answer that says which property is not taken, in `root`.
    ///
    /// `kept`: its properties as they are kept, of [`crate::xml::kept`].
    pub(crate) fn read(
        body: &Element,
        kept: Vec<String>,
        kind: Option<CollectionKind>,
        root: &'static str,
    ) -> Result<Self, Box<axum::response::Response>> {
        let mut wish = Self::of_kind(kind);
        let mut refused = Vec::new();
        let mut taken = Vec::new();
        for (act, property, kept) in instructions(body, kept) {
            if act == Act::Set {
                if wish.take(property, kept) { taken.push(&property.name) } else { refused.push(&property.name) }
            }
        }
        // Each is nothing without the other.
        if wish.is_subscribed != wish.source.is_some() {
            let (half, other) = taken.into_iter().partition(|name| is_of_subscription(name));
            (refused, taken) = ([refused, half].concat(), other);
        }
        if refused.is_empty() {
            return Ok(wish);
        }
        let mut failed = Xml::piece();
        for name in refused {
            failed.named(name);
        }
        let mut dependent = Xml::piece();
        for name in taken {
            dependent.named(name);
        }
        let mut xml = Xml::document(root);
        propstat(&failed, "HTTP/1.1 403 Forbidden", &mut xml);
        if !dependent.is_empty() {
            propstat(&dependent, "HTTP/1.1 424 Failed Dependency", &mut xml);
        }
        xml.close(root);
        Err(Box::new(xml_response(StatusCode::FORBIDDEN, xml)))
    }

    /// Take one property; `false` if we cannot keep it.
    fn take(&mut self, property: &Element, kept: String) -> bool {
        if property.is(DAV, "resourcetype") {
            return self.take_kind(property);
        }
        if property.is(CALENDARSERVER, "source") {
            let href = property.child(DAV, "href").unwrap_or(property).trimmed();
            self.source = Some(Zeroizing::new(href.to_owned()));
            return true;
        }
        let edits = if find(&property.name).is_some_and(|known| known.role == Role::Components) {
            let Some(components) = components(property) else { return false };
            vec![(COMPONENTS.to_owned(), Some(components))]
        } else {
            let Verdict::Change(edits) = judge_folder(Act::Set, property, kept) else { return false };
            edits
        };
        for (key, value) in edits {
            self.properties.retain(|(known, _)| **known != *key);
            self.properties.extend(value.map(|value| (Arc::from(key), Arc::from(value))));
        }
        true
    }

    fn take_kind(&mut self, resource_type: &Element) -> bool {
        let calendar = resource_type.child(CALDAV, "calendar").is_some();
        let addressbook = resource_type.child(CARDDAV, "addressbook").is_some();
        // Apple's, which does not say that it is a calendar.
        let subscribed = resource_type.child(CALENDARSERVER, "subscribed").is_some();
        let known = 1 + usize::from(calendar) + usize::from(addressbook) + usize::from(subscribed);
        if resource_type.child(DAV, "collection").is_none() || resource_type.children.len() != known {
            return false;
        }
        self.is_subscribed = subscribed;
        let kind = match (calendar || subscribed, addressbook) {
            (true, false) => Some(CollectionKind::Calendar),
            (false, true) => Some(CollectionKind::Addressbook),
            (false, false) => None,
            (true, true) => return false,
        };
        if self.kind.is_some() && self.kind != kind {
            return false;
        }
        self.kind = kind;
        true
    }
}

/// Is it one of the two that say that a calendar is fetched from the web?
fn is_of_subscription(name: &ElementName) -> bool {
    (name.namespace == CALENDARSERVER && name.local == "source") || (name.namespace == DAV && name.local == "resourcetype")
}

/// `supported-calendar-component-set` as it is kept; `None` if it names what we do not know.
fn components(property: &Element) -> Option<String> {
    let mut names = Vec::new();
    for component in property.children.iter().filter(|child| child.is(CALDAV, "comp")) {
        let name = component.attribute("name")?.to_ascii_uppercase();
        if !ALL_COMPONENTS.split(',').any(|known| known == name) {
            return None;
        }
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if names.is_empty() { None } else { Some(names.join(",")) }
}

/// Make the collection at `place`.
pub(crate) async fn make(call: &Call, place: &Place, wish: Wish) -> Answer {
    let href = call.href();
    let (parent, folder, name) = crate::call::parent_of(place).map_err(|_| taken())?;
    let kind = wish.kind.unwrap_or(CollectionKind::Folder);
    let fits = match place.area {
        Area::Calendars => kind == CollectionKind::Calendar && place.path.names().len() == 1,
        Area::Contacts => kind == CollectionKind::Addressbook && place.path.names().len() == 1,
        _ => kind == CollectionKind::Folder,
    };
    if !fits {
        return Err(misplaced(kind));
    }
    // RFC 4918 section 9.3.1: 405 on what exists, 409 without a parent.
    let at = FileAt { area: place.area, folder, name: name.clone() };
    if !matches!(call.session.open(at, Read).await, Err(Refusal::Missing)) {
        return Err(taken());
    }
    call.check_if(None).await?;
    let parent = match call.session.open(parent, MakeFolder).await {
        Ok(parent) => parent,
        Err(Refusal::Missing) => return Err(Fault::no_parent()),
        Err(refusal) => return Err(Fault::Gate(refusal, href)),
    };
    let made = match wish.source {
        // Whether alarms ring is said in the portal; whoever writes calendars for others should not ring here.
        Some(url) => parent.subscribe(&name, &SubscriptionWish { url, alarms: false }, wish.properties).await,
        None => parent.make(&name, kind, wish.properties).await,
    };
    match made {
        Ok(()) => Ok(empty(StatusCode::CREATED)),
        Err(Refusal::Exists | Refusal::Precondition) => Err(taken()),
        Err(Refusal::Unsupported) => Err(misplaced(kind)),
        Err(refusal) => Err(Fault::Gate(refusal, href)),
    }
}

fn taken() -> Fault {
    Fault::NotAllowed(crate::rights::allow(crate::rights::Kind::Folder, octroi_model::Rights::READ))
}

fn misplaced(kind: CollectionKind) -> Fault {
    match kind {
        // RFC 4791 section 5.3.1.1
        CollectionKind::Calendar => Fault::Rule(StatusCode::FORBIDDEN, "C:calendar-collection-location-ok"),
        // RFC 6352 section 6.3.1.1
        CollectionKind::Addressbook => Fault::Rule(StatusCode::FORBIDDEN, "CARD:addressbook-collection-location-ok"),
        // RFC 5689 section 3.3
        _ => Fault::Rule(StatusCode::FORBIDDEN, "D:valid-resourcetype"),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::xml::parse;
    use octroi_gate::DISPLAY_NAME;

    fn read(properties: &str) -> Result<Wish, Box<axum::response::Response>> {
        let body = format!(
            r#"<D:mkcol xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:A="http://apple.com/ns/ical/"><D:set><D:prop>{properties}</D:prop></D:set></D:mkcol>"#
        );
        let kept = crate::xml::kept(body.as_bytes()).unwrap();
        Wish::read(&parse(body.as_bytes()).unwrap(), kept, None, "D:mkcol-response")
    }

    #[test]
    fn a_calendar_with_its_properties() {
        let wish = read(
            r#"<D:resourcetype><D:collection/><C:calendar/></D:resourcetype><D:displayname> Équipe </D:displayname><A:calendar-color>#FF0000</A:calendar-color>
            <C:supported-calendar-component-set><C:comp name="VEVENT"/><C:comp name="vtodo"/></C:supported-calendar-component-set>"#,
        )
        .unwrap();
        assert_eq!(wish.kind, Some(CollectionKind::Calendar));
        let get = |key: &str| wish.properties.iter().find(|(k, _)| &**k == key).map(|(_, v)| v.to_string());
        assert_eq!(get(DISPLAY_NAME).as_deref(), Some("Équipe"));
        let colour = r#"<A:calendar-color xmlns:A="http://apple.com/ns/ical/">#FF0000</A:calendar-color>"#;
        assert_eq!(get("{http://apple.com/ns/ical/}calendar-color").as_deref(), Some(colour));
        assert_eq!(get(COMPONENTS).as_deref(), Some("VEVENT,VTODO"));
    }

    #[test]
    fn a_calendar_of_the_web_says_where_from() {
        let source = "<S:source xmlns:S='http://calendarserver.org/ns/'><D:href> webcal://cal.example/a </D:href></S:source>";
        let kind = "<D:resourcetype><D:collection/><S:subscribed xmlns:S='http://calendarserver.org/ns/'/></D:resourcetype>";
        let wish = read(&format!("{kind}{source}")).unwrap();
        assert_eq!(
            (wish.kind, wish.source.as_ref().map(|url| url.as_str())),
            (Some(CollectionKind::Calendar), Some("webcal://cal.example/a"))
        );
        assert!(wish.properties.is_empty(), "nothing of it is kept where others see it");
        assert!(read(source).is_err() && read(kind).is_err(), "one without the other");
    }

    #[test]
    fn one_property_that_cannot_be_kept_refuses_all() {
        for bad in [
            "<D:getetag>x</D:getetag>",
            "<D:resourcetype><D:collection/><D:principal/></D:resourcetype>",
            "<C:supported-calendar-component-set><C:comp name='VBANANA'/></C:supported-calendar-component-set>",
        ] {
            let refused = read(&format!("<D:displayname>x</D:displayname>{bad}"));
            assert!(refused.is_err_and(|response| response.status() == StatusCode::FORBIDDEN), "{bad}");
        }
    }
}
