//! `expand-property` (RFC 3253 section 3.8): properties, and in place of the hrefs in them the properties of what these lead to.
//!
//! What is not there, or may not be known of, stays an href. Depth and number of the resources followed are bounded, so that one that leads to
//! itself comes to an end.

use crate::call::{Call, Depth};
use crate::methods::propfind::viewer;
use crate::multistatus::{PROPERTIES_MAX, Wanted, propstat, whole};
use crate::names::DAV;
use crate::path::Target;
use crate::property::{self, Viewer};
use crate::refusal::{Answer, Fault};
use crate::resource::Resource;
use crate::xml::{Element, ElementName, Xml, parse};
use http::StatusCode;
use std::future::Future;
use std::pin::Pin;

/// Hrefs in hrefs that are followed.
const DEPTH_MAX: usize = 4;
/// Resources of one answer.
const RESOURCES_MAX: usize = 200;

/// A property with those that are asked of where it leads.
struct Asked {
    name: ElementName,
    of_targets: Vec<Asked>,
}

impl Asked {
    fn read(parent: &Element, left: &mut usize) -> Result<Vec<Self>, Fault> {
        let mut asked = Vec::new();
        for property in parent.children.iter().filter(|child| child.is(DAV, "property")) {
            *left = left.checked_sub(1).ok_or(Fault::Status(StatusCode::PAYLOAD_TOO_LARGE, "The request names too many properties."))?;
            let bad = || Fault::Status(StatusCode::BAD_REQUEST, "A property has a name.");
            let local = property.attribute("name").ok_or_else(bad)?.to_owned();
            if !crate::xml::is_name(&local) {
                return Err(bad());
            }
            let namespace = property.attribute("namespace").unwrap_or(DAV).to_owned();
            asked.push(Self { name: ElementName { namespace, local }, of_targets: Self::read(property, left)? });
        }
        Ok(asked)
    }
}

/// `expand-property`.
pub(crate) async fn expand_property(call: &Call, request: &Element) -> Answer {
    let asked = Asked::read(request, &mut { PROPERTIES_MAX })?;
    if call.depth()?.is_some_and(|depth| depth != Depth::Zero) {
        return Err(Fault::Status(StatusCode::FORBIDDEN, "It is answered for one resource at a time."));
    }
    let viewer = viewer(call);
    let wanted = Wanted::nothing();
    let resource = Resource::at(call, &call.target, &wanted, &viewer).await.map_err(Fault::about(&call.href()))?;
    let mut xml = Xml::piece();
    let mut expansion = Expansion { call, viewer: &viewer, left: RESOURCES_MAX };
    expansion.response(&resource, &asked, DEPTH_MAX, &mut xml).await;
    Ok(whole(|into| {
        into.append(&xml);
    }))
}

struct Expansion<'a> {
    call: &'a Call,
    viewer: &'a Viewer,
    /// Resources that may still be described.
    left: usize,
}

impl Expansion<'_> {
    fn response<'f>(
        &'f mut self,
        resource: &'f Resource,
        asked: &'f [Asked],
        depth: usize,
        xml: &'f mut Xml,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'f>> {
        Box::pin(async move {
            let (mut found, mut missing) = (Xml::piece(), Xml::piece());
            for property in asked {
                let mut value = Xml::piece();
                if !property::write_named(&property.name, &resource.subject(), self.viewer, &mut value) {
                    missing.named(&property.name);
                } else if property.of_targets.is_empty() || depth == 0 {
                    found.append(&value);
                } else {
                    self.expand(property, &value, depth, &mut found).await;
                }
            }
            xml.open("D:response").text("D:href", &resource.href);
            if !found.is_empty() || missing.is_empty() {
                propstat(&found, "HTTP/1.1 200 OK", xml);
            }
            if !missing.is_empty() {
                propstat(&missing, "HTTP/1.1 404 Not Found", xml);
            }
            xml.close("D:response");
        })
    }

    /// A property whose hrefs are followed; as it is, if there are none.
    async fn expand(&mut self, property: &Asked, value: &Xml, depth: usize, found: &mut Xml) {
        let mut document = Xml::document("D:prop");
        document.append(value).close("D:prop");
        let told = parse(document.into_string().as_bytes()).ok();
        let told = told.as_ref().and_then(|document| document.children.first());
        let Some(hrefs) =
            told.map(|told| told.children.iter().filter(|child| child.is(DAV, "href"))).filter(|hrefs| hrefs.clone().count() > 0)
        else {
            found.append(value);
            return;
        };
        found.begin_named(&property.name);
        for href in hrefs {
            let target = Target::parse_reference(href.trimmed()).ok().map(|(target, _)| target);
            let resource = match target {
                Some(target) if self.left > 0 => Resource::at(self.call, &target, &Wanted::nothing(), self.viewer).await.ok(),
                _ => None,
            };
            match resource {
                Some(resource) => {
                    self.left -= 1;
                    self.response(&resource, &property.of_targets, depth - 1, found).await;
                }
                None => drop(found.text("D:href", href.trimmed())),
            }
        }
        found.end_named(&property.name);
    }
}

/// What reads the body, for the fuzz target.
#[cfg(feature = "fuzzing")]
pub(crate) fn fuzzed(request: &Element) {
    let _ = Asked::read(request, &mut { PROPERTIES_MAX });
}
