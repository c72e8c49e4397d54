//! LOCK (RFC 4918 section 9.10): a document, a collection, a name that nothing has yet; or, without a body, a lock kept up.
//!
//! Known limits: an event or card cannot be locked before it is there, as an empty one would be none.

use crate::call::{Call, Depth, file_at, folder_at, may_be_file, may_be_folder, parent_of};
use crate::locks::{timeout, write_discovery};
use crate::names::DAV;
use crate::path::Place;
use crate::precondition::Current;
use crate::refusal::{Answer, Fault, xml_response};
use crate::xml::{Element, Xml, kept_children, parse};
use http::{HeaderName, HeaderValue, StatusCode};
use octroi_gate::{Area, Bind, LockFacts, LockFile, LockFolder, LockWish, Refusal};
use octroi_model::LockScope;
use std::time::Duration;

/// LOCK.
pub(crate) async fn lock(mut call: Call) -> Answer {
    let place = call.place()?;
    let time = timeout(&call.headers);
    let body = call.xml_body().await?;
    if body.is_empty() {
        return refresh(&call, &place, time).await;
    }
    // RFC 4918 section 9.10.3: no Depth means infinity. On a document both are the same.
    let deep = match call.depth()? {
        None | Some(Depth::Infinity) => true,
        Some(Depth::Zero) => false,
        Some(Depth::One) => return Err(Fault::Status(StatusCode::BAD_REQUEST, "Depth is 0 or infinity here.")),
    };
    let request = parse(&body)?;
    let scope = scope(&request)?;
    let owner = request.children.iter().position(|child| child.is(DAV, "owner"));
    let owner = owner.map(|at| kept_children(&body).map(|mut children| children.swap_remove(at))).transpose()?;
    let wish = LockWish { scope, deep, owner: owner.as_deref(), time };
    let (status, lock) = take(&call, &place, wish).await?;
    let mut response = discovered(&call, &place, status).await?;
    if let Ok(token) = HeaderValue::from_str(&format!("<{}>", lock.token)) {
        response.headers_mut().insert(HeaderName::from_static("lock-token"), token);
    }
    Ok(response)
}

/// What a `lockinfo` element asks for.
fn scope(request: &Element) -> Result<LockScope, Fault> {
    if !request.is(DAV, "lockinfo") {
        return Err(Fault::Status(StatusCode::BAD_REQUEST, "The body is a lockinfo element."));
    }
    let scope = request.child(DAV, "lockscope").ok_or(Fault::Status(StatusCode::BAD_REQUEST, "The lock's scope is missing."))?;
    let write = request.child(DAV, "locktype").is_some_and(|kind| kind.child(DAV, "write").is_some());
    match (write, scope.child(DAV, "exclusive").is_some(), scope.child(DAV, "shared").is_some()) {
        (true, true, false) => Ok(LockScope::Exclusive),
        (true, false, true) => Ok(LockScope::Shared),
        _ => Err(Fault::Status(StatusCode::UNPROCESSABLE_ENTITY, "Locks are write locks, exclusive or shared.")),
    }
}

async fn take(call: &Call, place: &Place, wish: LockWish<'_>) -> Result<(StatusCode, LockFacts), Fault> {
    let href = call.href();
    if may_be_file(place)
        && let Some(at) = file_at(place)
    {
        match call.session.open(at, LockFile).await {
            Ok(file) => {
                let etag = file.item().etag();
                call.check_write(Current::document(&etag, file.item().date)).await?;
                return Ok((StatusCode::OK, file.lock(wish).await.map_err(Fault::about(&href))?));
            }
            Err(Refusal::Missing) => {}
            Err(refusal) => return Err(Fault::Gate(refusal, href)),
        }
    }
    if may_be_folder(place) {
        match call.session.open(folder_at(place), LockFolder).await {
            Ok(folder) => {
                call.check_write(Current::collection()).await?;
                return Ok((StatusCode::OK, folder.lock(wish).await.map_err(Fault::about(&href))?));
            }
            Err(Refusal::Missing) => {}
            Err(refusal) => return Err(Fault::Gate(refusal, href)),
        }
    }
    make(call, place, wish).await
}

/// RFC 4918 section 9.10.4: an empty document, locked.
async fn make(call: &Call, place: &Place, wish: LockWish<'_>) -> Result<(StatusCode, LockFacts), Fault> {
    if place.slash || place.area != Area::Files {
        return Err(Fault::missing());
    }
    let href = call.href();
    let (parent, _, name) = parent_of(place)?;
    call.check_write(Current::nothing()).await?;
    let parent = match call.session.open(parent, Bind).await {
        Ok(parent) => parent,
        Err(Refusal::Missing) => return Err(Fault::no_parent()),
        Err(refusal) => return Err(Fault::Gate(refusal, href)),
    };
    match parent.lock_new(&name, wish).await {
        Ok(lock) => Ok((StatusCode::CREATED, lock)),
        // Somebody made it just now: asked again, that is locked.
        Err(Refusal::Precondition) => Err(Fault::Gate(Refusal::Unavailable, href)),
        Err(refusal) => Err(Fault::Gate(refusal, href)),
    }
}

/// RFC 4918 section 9.10.2: the lock that the `If` header names begins anew.
async fn refresh(call: &Call, place: &Place, time: Option<Duration>) -> Answer {
    let href = call.href();
    if !call.has_conditions() {
        return Err(Fault::Status(StatusCode::BAD_REQUEST, "A lock is asked for with a lockinfo element, or kept up with an If header."));
    }
    call.check_if(call.etag_at(place).await.as_ref()).await?;
    for token in call.tokens() {
        match call.session.refresh_lock(token, place.area, &place.path, time).await {
            Ok(_) => return discovered(call, place, StatusCode::OK).await,
            Err(Refusal::NoSuchLock) => {}
            Err(refusal) => return Err(Fault::Gate(refusal, href)),
        }
    }
    Err(Fault::Rule(StatusCode::PRECONDITION_FAILED, "D:lock-token-matches-request-uri"))
}

/// The answer: all locks that cover it now.
async fn discovered(call: &Call, place: &Place, status: StatusCode) -> Answer {
    let locks = call.session.locks_over(place.area, &place.path).await.map_err(Fault::about(&call.href()))?;
    let mut xml = Xml::document("D:prop");
    xml.open("D:lockdiscovery");
    write_discovery(&locks, call.session.address(), &mut xml);
    xml.close("D:lockdiscovery").close("D:prop");
    Ok(xml_response(status, xml))
}
