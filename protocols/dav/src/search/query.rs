//! A `basicsearch` as it was asked (RFC 5323 sections 5.2 to 5.6 and 5.17).

use super::condition::Condition;
use crate::call::Depth;
use crate::multistatus::Wanted;
use crate::names::DAV;
use crate::path::{Place, Target};
use crate::refusal::Fault;
use crate::xml::{Element, ElementName};
use http::{HeaderMap, StatusCode};

/// Scopes of one query.
const SCOPES_MAX: usize = 8;
/// Properties that results are ordered by.
const ORDERS_MAX: usize = 8;

/// Where to look.
#[derive(Debug, Clone)]
pub(crate) struct Scope {
    pub place: Place,
    pub depth: Depth,
    /// Not the collection itself.
    pub members_only: bool,
}

/// By what, and in which direction.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub property: ElementName,
    pub descending: bool,
    pub caseless: bool,
}

/// A query.
pub(crate) struct Query {
    pub select: Wanted,
    pub scopes: Vec<Scope>,
    /// `None`: whatever there is.
    pub condition: Option<Condition>,
    pub orders: Vec<Order>,
    /// As few as these.
    pub limit: Option<usize>,
}

impl Query {
    /// Read the grammar's element. `base`: a relative scope starts there.
    pub(crate) fn read(basic: &Element, base: &Place, headers: &HeaderMap) -> Result<Self, Fault> {
        let bad = || Fault::Status(StatusCode::BAD_REQUEST, "The query cannot be read.");
        let select = basic.child(DAV, "select").ok_or_else(bad)?;
        let select = if select.child(DAV, "allprop").is_some() { Wanted::all(headers) } else { Wanted::of_prop(select, headers)? };
        let from = basic.child(DAV, "from").ok_or_else(bad)?;
        let scopes = from.children.iter().filter(|child| child.is(DAV, "scope"));
        let scopes = scopes.map(|scope| Scope::read(scope, base)).collect::<Result<Vec<_>, _>>()?;
        if scopes.is_empty() {
            return Err(bad());
        }
        if scopes.len() > SCOPES_MAX {
            return Err(Fault::Rule(StatusCode::UNPROCESSABLE_ENTITY, "D:search-multiple-scope-supported"));
        }
        let condition = basic.child(DAV, "where").map(Condition::read).transpose()?;
        let orders = basic.child(DAV, "orderby").into_iter().flat_map(|by| &by.children).filter(|child| child.is(DAV, "order"));
        let orders = orders.map(|order| Order::read(order).ok_or_else(bad)).collect::<Result<Vec<_>, _>>()?;
        if orders.len() > ORDERS_MAX {
            return Err(bad());
        }
        let limit = match basic.child(DAV, "limit") {
            None => None,
            Some(limit) => Some(limit.child(DAV, "nresults").and_then(|count| count.trimmed().parse().ok()).ok_or_else(bad)?),
        };
        Ok(Self { select, scopes, condition, orders, limit })
    }
}

impl Scope {
    fn read(scope: &Element, base: &Place) -> Result<Self, Fault> {
        let href = scope.child(DAV, "href").map_or("", Element::trimmed);
        // Section 2.3.1: what cannot be searched is named.
        let invalid = || Fault::Rule(StatusCode::CONFLICT, "D:search-scope-valid");
        let place = if href.is_empty() || href == "." || href == "./" {
            base.clone()
        } else {
            match Target::parse_reference(href) {
                Ok((Target::Place(place), _)) => place,
                _ => return Err(invalid()),
            }
        };
        let depth = match scope.child(DAV, "depth").map(Element::trimmed) {
            Some("0") => Depth::Zero,
            Some("1") => Depth::One,
            None => Depth::Infinity,
            Some(depth) if depth.eq_ignore_ascii_case("infinity") => Depth::Infinity,
            Some(_) => return Err(Fault::Status(StatusCode::BAD_REQUEST, "Depth is 0, 1 or infinity.")),
        };
        Ok(Self { place, depth, members_only: false })
    }
}

impl Order {
    fn read(order: &Element) -> Option<Self> {
        let [property] = order.child(DAV, "prop")?.children.as_slice() else { return None };
        let descending = order.child(DAV, "descending").is_some();
        Some(Self { property: property.name.clone(), descending, caseless: order.attribute("caseless") != Some("no") })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::xml::parse;

    fn read(inside: &str) -> Result<Query, Fault> {
        let Ok(Target::Place(base)) = Target::parse("/dav/files/a@b.example/x/") else { panic!() };
        let text = format!(r#"<D:basicsearch xmlns:D="DAV:"><D:select><D:prop><D:getetag/></D:prop></D:select>{inside}</D:basicsearch>"#);
        Query::read(&parse(text.as_bytes()).unwrap(), &base, &HeaderMap::new())
    }

    #[test]
    fn a_query_of_the_standard() {
        let query = read(
            "<D:from><D:scope><D:href>/dav/files/a@b.example/container1/</D:href><D:depth>infinity</D:depth></D:scope></D:from>
             <D:where><D:gt><D:prop><D:getcontentlength/></D:prop><D:literal>10000</D:literal></D:gt></D:where>
             <D:orderby><D:order><D:prop><D:getcontentlength/></D:prop><D:descending/></D:order></D:orderby>
             <D:limit><D:nresults>10</D:nresults></D:limit>",
        )
        .unwrap_or_else(|_| panic!());
        assert_eq!((query.scopes.len(), query.orders.len(), query.limit), (1, 1, Some(10)));
        assert!(query.scopes[0].depth == Depth::Infinity && query.orders[0].descending && query.condition.is_some());
        let here = read("<D:from><D:scope><D:href></D:href></D:scope></D:from>").unwrap_or_else(|_| panic!());
        assert_eq!(here.scopes[0].place.path.join("/"), "x");
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for bad in [
            "",
            "<D:from/>",
            "<D:from><D:scope><D:href>/dav/</D:href></D:scope></D:from>",
            "<D:from><D:scope><D:href/><D:depth>2</D:depth></D:scope></D:from>",
            "<D:from><D:scope><D:href/></D:scope></D:from><D:limit><D:nresults>x</D:nresults></D:limit>",
            "<D:from><D:scope><D:href/></D:scope></D:from><D:where/>",
            "<D:from><D:scope><D:href/></D:scope></D:from><D:orderby><D:order/></D:orderby>",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert!(read(&format!("<D:from>{}</D:from>", "<D:scope><D:href/></D:scope>".repeat(SCOPES_MAX + 1))).is_err());
    }
}
