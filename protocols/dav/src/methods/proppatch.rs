//! PROPPATCH (RFC 4918 section 9.2): the keywords of a document, all or nothing. No other property can be changed, and each is told so.

use crate::call::{Call, Found, file_at, find};
use crate::keyword::{SET, keyword_of};
use crate::multistatus::{PROPERTIES_MAX, propstat, propstat_because, whole};
use crate::names::DAV;
use crate::path::{Place, Target};
use crate::refusal::{Answer, Fault, reserved};
use crate::xml::{Element, ElementName, Xml, parse};
use axum::response::Response;
use http::StatusCode;
use octroi_gate::{Area, Mark, Refusal};

const FORBIDDEN: &str = "HTTP/1.1 403 Forbidden";

/// PROPPATCH.
pub(crate) async fn proppatch(mut call: Call) -> Answer {
    let body = call.xml_body().await?;
    let update = Update::read(&parse(&body)?)?;
    if let (Target::Place(place), false) = (&call.target, update.sets.is_empty()) {
        let place = place.clone();
        if place.area == Area::Files && !place.slash && file_at(&place).is_some() {
            return mark(&call, &place, &update).await;
        }
    }
    check(&call).await?;
    Ok(update.refused(&call.href()))
}

/// Is it there, and as the client takes it to be?
async fn check(call: &Call) -> Result<(), Fault> {
    let current = match &call.target {
        Target::Place(place) => match find(&call.session, place).await.map_err(Fault::about(&call.href()))? {
            Found::File(file) => Some(file.item().etag()),
            Found::Folder(_) => None,
        },
        _ => None,
    };
    call.check_if(current.as_ref()).await
}

async fn mark(call: &Call, place: &Place, update: &Update) -> Answer {
    let href = call.href();
    let at = file_at(place).ok_or_else(Fault::missing)?;
    let file = match call.session.open(at, Mark).await {
        Ok(file) => file,
        // A folder can be named without its slash too.
        Err(Refusal::Missing) => {
            check(call).await?;
            return Ok(update.refused(&href));
        }
        Err(refusal) => return Err(Fault::Gate(refusal, href)),
    };
    call.check_if(Some(&file.item().etag())).await?;
    if update.is_bad() {
        return Ok(update.refused(&href));
    }
    let marks: Vec<(&str, bool)> = update.sets.iter().map(|(keyword, on)| (keyword.as_str(), *on)).collect();
    match file.mark(&marks).await {
        Ok(()) => Ok(update.all(&href, "HTTP/1.1 200 OK", None)),
        Err(Refusal::Reserved(lacks)) => Ok(update.all(&href, FORBIDDEN, Some(&reserved(lacks, &call.portal_url)))),
        Err(Refusal::Limit(_)) => Ok(update.all(&href, "HTTP/1.1 507 Insufficient Storage", None)),
        Err(refusal) => Err(Fault::Gate(refusal, href)),
    }
}

/// What a request wants, read whole before anything is done.
#[derive(Default)]
struct Update {
    /// Every property that it names, each once.
    names: Vec<ElementName>,
    /// Those that cannot be changed.
    fixed: Vec<ElementName>,
    /// Those of ours that are to become what they cannot be.
    odd: Vec<ElementName>,
    /// Keywords, with what becomes of them in the end: RFC 4918 section 9.2 has the instructions executed in order.
    sets: Vec<(String, bool)>,
}

impl Update {
    fn read(request: &Element) -> Result<Self, Fault> {
        if !request.is(DAV, "propertyupdate") {
            return Err(Fault::Status(StatusCode::BAD_REQUEST, "The body is a propertyupdate element."));
        }
        let mut update = Self::default();
        for act in &request.children {
            let set = act.is(DAV, "set");
            if set || act.is(DAV, "remove") {
                for property in act.child(DAV, "prop").iter().flat_map(|prop| &prop.children) {
                    update.take(property, set)?;
                }
            }
        }
        Ok(update)
    }

    fn take(&mut self, property: &Element, set: bool) -> Result<(), Fault> {
        let note = |names: &mut Vec<ElementName>| {
            if !names.contains(&property.name) {
                names.push(property.name.clone());
            }
        };
        note(&mut self.names);
        if self.names.len() > PROPERTIES_MAX {
            return Err(Fault::Status(StatusCode::PAYLOAD_TOO_LARGE, "The request names too many properties."));
        }
        match keyword_of(&property.name) {
            None => note(&mut self.fixed),
            Some(_) if set && (property.trimmed() != SET || !property.children.is_empty()) => note(&mut self.odd),
            Some(keyword) => {
                self.sets.retain(|(known, _)| !known.eq_ignore_ascii_case(&keyword));
                self.sets.push((keyword, set));
            }
        }
        Ok(())
    }

    fn is_bad(&self) -> bool {
        !self.fixed.is_empty() || !self.odd.is_empty()
    }

    /// The answer when something cannot be: what it is, and that the rest was left for that reason.
    fn refused(&self, href: &str) -> Response {
        let keywords_too = !self.is_bad();
        let fixed = |name: &&ElementName| self.fixed.contains(name) || (keywords_too && !self.odd.contains(name));
        let odd = |name: &&ElementName| !fixed(name) && self.odd.contains(name);
        let rest = |name: &&ElementName| !fixed(name) && !odd(name);
        let named = |which: &dyn Fn(&&ElementName) -> bool| {
            let mut piece = Xml::piece();
            self.names.iter().filter(which).for_each(|name| {
                piece.named(name);
            });
            piece
        };
        whole(|xml| {
            xml.open("D:response").text("D:href", href);
            // RFC 4918 section 9.2.1
            for (which, status) in [(named(&fixed), FORBIDDEN), (named(&odd), "HTTP/1.1 409 Conflict")] {
                if !which.is_empty() {
                    propstat(&which, status, xml);
                }
            }
            let rest = named(&rest);
            if !rest.is_empty() {
                propstat(&rest, "HTTP/1.1 424 Failed Dependency", xml);
            }
            xml.close("D:response");
        })
    }

    /// One status for all.
    fn all(&self, href: &str, status: &str, why: Option<&str>) -> Response {
        let mut properties = Xml::piece();
        for name in &self.names {
            properties.named(name);
        }
        whole(|xml| {
            xml.open("D:response").text("D:href", href);
            propstat_because(&properties, status, why, xml);
            xml.close("D:response");
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn read(body: &str) -> Update {
        let body = format!(r#"<D:propertyupdate xmlns:D="DAV:" xmlns:k="urn:octroi:keyword">{body}</D:propertyupdate>"#);
        Update::read(&parse(body.as_bytes()).unwrap()).unwrap_or_else(|_| panic!("{body}"))
    }

    #[test]
    fn instructions_are_followed_in_their_order() {
        let update = read(
            "<D:set><D:prop><k:Validated>1</k:Validated><k:Urgent> 1 </k:Urgent></D:prop></D:set>
             <D:remove><D:prop><k:VALIDATED/></D:prop></D:remove>",
        );
        assert_eq!(update.sets, [("$Urgent".to_owned(), true), ("$VALIDATED".to_owned(), false)]);
        assert!(!update.is_bad());
    }

    #[test]
    fn one_that_cannot_be_changed_leaves_all() {
        let update = read("<D:set><D:prop><k:Urgent>1</k:Urgent><k:Odd>maybe</k:Odd><D:getetag>x</D:getetag></D:prop></D:set>");
        assert!(update.is_bad());
        assert_eq!((update.fixed.len(), update.odd.len(), update.sets.len(), update.names.len()), (1, 1, 1, 3));
    }
}
