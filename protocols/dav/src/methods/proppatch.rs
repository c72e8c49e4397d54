//! PROPPATCH (RFC 4918 section 9.2): no property can be changed yet, and each is told so, all or nothing.

use crate::call::{Call, Found, find};
use crate::multistatus::{names, propstat, whole};
use crate::names::DAV;
use crate::path::Target;
use crate::refusal::{Answer, Fault};
use crate::xml::{Xml, parse};
use http::StatusCode;

/// PROPPATCH.
pub(crate) async fn proppatch(mut call: Call) -> Answer {
    let href = call.href();
    let current = match &call.target {
        Target::Place(place) => match find(&call.session, place).await.map_err(Fault::about(&href))? {
            Found::File(file) => Some(file.item().etag()),
            Found::Folder(_) => None,
        },
        _ => None,
    };
    call.check_if(current.as_ref()).await?;
    let body = call.xml_body().await?;
    let request = parse(&body)?;
    if !request.is(DAV, "propertyupdate") {
        return Err(Fault::Status(StatusCode::BAD_REQUEST, "The body is a propertyupdate element."));
    }
    let acts = request.children.iter().filter(|act| act.is(DAV, "set") || act.is(DAV, "remove"));
    let mut refused = Xml::piece();
    for prop in acts.filter_map(|act| act.child(DAV, "prop")) {
        for name in names(prop)? {
            refused.named(&name);
        }
    }
    Ok(whole(|xml| {
        xml.open("D:response").text("D:href", &href);
        propstat(&refused, "HTTP/1.1 403 Forbidden", xml);
        xml.close("D:response");
    }))
}
