//! The reports on principals (RFC 3744 sections 9.2 to 9.5): who is in an ACL, who I am, who there is to share with.
//!
//! Whom the gate does not name to this session is not found, and whoever may share with nobody finds nobody but themselves.

use crate::call::{Call, Depth, folder_at, is_oneself};
use crate::methods::propfind::viewer;
use crate::methods::search;
use crate::multistatus::{Wanted, describe, too_many, whole};
use crate::names::{CALDAV, CALENDARSERVER, DAV};
use crate::path::{PRINCIPALS, Place, Target, principal_of};
use crate::property::Subject;
use crate::refusal::{Answer, Fault, xml_response};
use crate::search::condition::{self, Comparison};
use crate::search::{Query, Scope};
use crate::sharing;
use crate::xml::{Element, ElementName, Xml};
use axum::response::Response;
use http::StatusCode;
use octroi_gate::{Identifier, Principal, ShareFolder};

/// Principals of one answer: enough to choose from, too few to copy the directory.
const FOUND_MAX: usize = 50;
/// Conditions of one search.
const CONDITIONS_MAX: usize = 8;

/// What can be searched, with what it is called for people.
const SEARCHABLE: [(&str, &str, &str, &str); 3] = [
    (DAV, "displayname", "D:displayname", "Name"),
    (CALENDARSERVER, "email-address-set", "CS:email-address-set", "Address"),
    (CALDAV, "calendar-user-address-set", "C:calendar-user-address-set", "Calendar address"),
];

/// `principal-property-search` (RFC 3744 section 9.4): by name and address, each condition anywhere in the text and in any case.
pub(crate) fn property_search(call: &Call, request: &Element) -> Answer {
    let wanted = Wanted::of_optional_prop(request, &call.headers)?;
    let conditions: Vec<Condition> = request.children.iter().filter(|c| c.is(DAV, "property-search")).map(Condition::read).collect();
    if conditions.is_empty() || conditions.len() > CONDITIONS_MAX {
        return Err(Fault::Status(StatusCode::BAD_REQUEST, "A search has one to eight conditions."));
    }
    // Not of the standard, but widely sent: one condition is enough.
    let any = request.attribute("test") == Some("anyof");
    let fits = |principal: &Principal| {
        let mut met = conditions.iter().map(|condition| condition.fits(principal));
        if any { met.any(|met| met) } else { met.all(|met| met) }
    };
    let found = call.session.principals(FOUND_MAX + 1, fits).map_err(Fault::about(&call.href()))?;
    Ok(answer(call, &wanted, &found))
}

/// `calendarserver-principal-search` (caldav-schedule of Apple's calendar server): whom to invite, by words of their name or address, each of
/// which begins or is in one of them.
pub(crate) fn attendee_search(call: &Call, request: &Element) -> Answer {
    let wanted = Wanted::of_optional_prop(request, &call.headers)?;
    let tokens: Vec<String> = request
        .children
        .iter()
        .filter(|child| child.is(CALENDARSERVER, "search-token"))
        .map(|token| token.trimmed().to_lowercase())
        .collect();
    if tokens.is_empty() || tokens.len() > CONDITIONS_MAX || tokens.iter().any(String::is_empty) {
        return Err(Fault::Status(StatusCode::BAD_REQUEST, "A search has one to eight words."));
    }
    let limit = request.child(CALENDARSERVER, "limit").and_then(|limit| limit.child(CALENDARSERVER, "nresults")?.trimmed().parse().ok());
    let count_max = limit.unwrap_or(FOUND_MAX).clamp(1, FOUND_MAX);
    let users_only = request.attribute("context").is_some_and(|context| context == "user");
    // There are neither rooms nor resources.
    let nobody = matches!(request.attribute("context"), Some("location" | "resource"));
    let fits = |principal: &Principal| {
        let address = if let Identifier::Account(address) = &principal.who { address.to_string().to_lowercase() } else { String::new() };
        let name = principal.display_name.to_lowercase();
        !(nobody || users_only && address.is_empty()) && tokens.iter().all(|token| name.contains(token) || address.contains(token))
    };
    let mut found = call.session.principals(FOUND_MAX + 1, fits).map_err(Fault::about(&call.href()))?;
    // Who asks for fewer has got what they asked for.
    if limit.is_some() {
        found.truncate(count_max);
    }
    Ok(answer(call, &wanted, &found))
}

/// `principal-match` (RFC 3744 section 9.3): of the principals those that I am, alone or in a group; or, by a property that names a principal,
/// the members of the collection in which it names me.
pub(crate) async fn principal_match(call: &Call, request: &Element) -> Answer {
    let wanted = Wanted::of_optional_prop(request, &call.headers)?;
    let property = request.child(DAV, "principal-property").and_then(|property| property.children.first());
    match (request.child(DAV, "self"), property, &call.target) {
        (Some(_), None, _) => {}
        (None, Some(property), _) if property.is(DAV, "principal-URL") => {}
        (None, Some(property), Target::Place(place)) => return members_of_mine(call, place, &property.name, wanted).await,
        (None, Some(_), _) => return Ok(whole(|_| {})),
        _ => return Err(Fault::Status(StatusCode::BAD_REQUEST, "It is either by self or by a property.")),
    }
    let groups = call.session.memberships().into_iter();
    let groups = groups.map(|name| Principal { who: Identifier::Group(name.clone()), display_name: name });
    let oneself = Principal { who: Identifier::Account(call.session.address().clone()), display_name: String::new() };
    let found: Vec<Principal> = std::iter::once(oneself).chain(groups).collect();
    Ok(answer(call, &wanted, &found))
}

/// Members of a collection, at any depth, in which a property names me or a group that I am in.
async fn members_of_mine(call: &Call, place: &Place, property: &ElementName, select: Wanted) -> Answer {
    let groups = call.session.memberships().into_iter().map(Identifier::Group);
    let whom = std::iter::once(Identifier::Account(call.session.address().clone())).chain(groups);
    let names =
        |literal: String| condition::Condition::Compare { is: Comparison::Eq, property: property.clone(), literal, caseless: false };
    let query = Query {
        select,
        scopes: vec![Scope { place: place.clone(), depth: Depth::Infinity, members_only: true }],
        condition: Some(condition::Condition::Or(whom.filter_map(|who| principal_of(&who)).map(names).collect())),
        orders: Vec::new(),
        limit: None,
    };
    search::run(call, place, &query).await
}

/// `acl-principal-prop-set` (RFC 3744 section 9.2): who stands in the ACL of a collection, as far as this session is told who they are.
pub(crate) async fn acl_principals(call: &Call, place: &Place, request: &Element) -> Answer {
    let wanted = Wanted::of_optional_prop(request, &call.headers)?;
    // Decided here, so that the refusal names what is lacking; told below.
    call.session.open(folder_at(place), ShareFolder).await.map_err(Fault::about(&call.href()))?;
    let told = sharing::told(&call.session, place.area, &place.path).await.ok_or_else(Fault::missing)?;
    let mut found = Vec::new();
    for who in sharing::principals(&told) {
        if is_oneself(&call.session, &who) {
            found.push(Principal { who, display_name: String::new() });
        } else {
            found.extend(call.session.principal(&who).map_err(Fault::about(&call.href()))?);
        }
    }
    Ok(answer(call, &wanted, &found))
}

/// `principal-search-property-set` (RFC 3744 section 9.5).
pub(crate) fn searchable() -> Response {
    let mut xml = Xml::document("D:principal-search-property-set");
    for (_, _, tag, says) in SEARCHABLE {
        xml.open("D:principal-search-property").open("D:prop").empty(tag).close("D:prop");
        xml.text_with("D:description", &[("xml:lang", "en")], says).close("D:principal-search-property");
    }
    xml.close("D:principal-search-property-set");
    xml_response(StatusCode::OK, xml)
}

/// One `property-search`: the text is to be in every one of the properties.
struct Condition {
    /// In lower case.
    text: String,
    /// `None`: one that cannot be searched, in which nothing is found.
    properties: Vec<Option<&'static str>>,
}

impl Condition {
    fn read(element: &Element) -> Self {
        let text = element.child(DAV, "match").map_or(String::new(), |text| text.trimmed().to_lowercase());
        let names = element.child(DAV, "prop").into_iter().flat_map(|prop| &prop.children);
        let known = |name: &Element| SEARCHABLE.iter().find(|(space, local, ..)| name.is(space, local)).map(|(_, local, ..)| *local);
        Self { text, properties: names.map(known).collect() }
    }

    fn fits(&self, principal: &Principal) -> bool {
        let address = match &principal.who {
            Identifier::Account(address) => Some(address.to_string().to_lowercase()),
            _ => None,
        };
        let name = principal.display_name.to_lowercase();
        let has = |property: Option<&str>| match property {
            Some("displayname") => name.contains(&self.text),
            Some("calendar-user-address-set") => address.as_ref().is_some_and(|address| format!("mailto:{address}").contains(&self.text)),
            Some(_) => address.as_ref().is_some_and(|address| address.contains(&self.text)),
            None => false,
        };
        !self.text.is_empty() && !self.properties.is_empty() && self.properties.iter().all(|property| has(*property))
    }
}

fn answer(call: &Call, wanted: &Wanted, found: &[Principal]) -> Response {
    let viewer = viewer(call);
    whole(|xml| {
        for principal in found.iter().take(FOUND_MAX) {
            let Some(href) = principal_of(&principal.who) else { continue };
            let oneself = is_oneself(&call.session, &principal.who);
            let subject = if oneself { Subject::Principal } else { Subject::Other(principal) };
            describe(&href, &subject, wanted, &viewer, None, xml);
        }
        if found.len() > FOUND_MAX {
            too_many(PRINCIPALS, xml);
        }
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::xml::parse;

    #[test]
    fn a_condition_is_met_by_all_its_properties_in_any_case() {
        let condition = |text: &str, properties: &str| {
            let text = format!(
                r#"<D:property-search xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop>{properties}</D:prop><D:match>{text}</D:match></D:property-search>"#
            );
            Condition::read(&parse(text.as_bytes()).unwrap())
        };
        let lea = Principal { who: Identifier::parse("lea.martin@a.example").unwrap(), display_name: "Léa Martin".to_owned() };
        assert!(condition("LÉA", "<D:displayname/>").fits(&lea));
        assert!(condition("martin", "<D:displayname/><C:calendar-user-address-set/>").fits(&lea));
        assert!(!condition("léa", "<D:displayname/><C:calendar-user-address-set/>").fits(&lea));
        assert!(!condition("", "<D:displayname/>").fits(&lea) && !condition("léa", "").fits(&lea));
        assert!(!condition("léa", "<D:owner/>").fits(&lea));
        let group = Principal { who: Identifier::Group("quai".to_owned()), display_name: "quai".to_owned() };
        assert!(condition("qua", "<D:displayname/>").fits(&group) && !condition("qua", "<C:calendar-user-address-set/>").fits(&group));
    }
}
