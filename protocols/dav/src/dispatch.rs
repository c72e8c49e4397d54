//! From a request to its method: what needs no credential first, then who it is, then one `match`.

use crate::attachments;
use crate::call::{Call, is_oneself, is_own};
use crate::config::DavConfig;
use crate::locks;
use crate::methods::{
    acl, copy, delete, get, lock, mkcalendar, mkcol, r#move, options, post, propfind, proppatch, put, report, search, unlock,
};
use crate::notifications;
use crate::path::{DAV_ROOT, Target};
use crate::push;
use crate::refusal::{Answer, Fault};
use crate::rights::{Kind, allow};
use crate::schedule;
use crate::uploads;
use axum::extract::{Request, State};
use axum::response::Response;
use http::header::LOCATION;
use http::{HeaderValue, Method, StatusCode};
use octroi_gate::Gate;
use octroi_http::{Authenticator, Client, plain, wants_browser_page};
use octroi_model::Rights;
use std::sync::Arc;

/// What every request shares.
pub(crate) struct Dav {
    pub gate: Gate,
    pub authenticator: Authenticator,
    pub config: Arc<DavConfig>,
}

/// Answer a request.
pub(crate) async fn handle(State(dav): State<Arc<Dav>>, request: Request) -> Response {
    let Ok(target) = Target::parse(request.uri().path()) else {
        return plain(StatusCode::BAD_REQUEST, "This path names nothing.");
    };
    if let Some(response) = without_credential(&dav, &target, &request) {
        return response;
    }
    let client = Client::of(request.extensions());
    let (parts, body) = request.into_parts();
    let session = match dav.authenticator.authenticate_any(&parts.headers, target.services(), &client).await {
        Ok(session) => session,
        Err(response) => return response,
    };
    let method = parts.method.clone();
    let call = match Call::new(&dav, session.clone(), target.clone(), parts, body) {
        Ok(call) => call,
        Err(fault) => return fault.into_response(dav.gate.organisation()),
    };
    let answer = run(&method, call).await.or_else(|fault| locks::refused(fault, &session, &target));
    answer.unwrap_or_else(|fault| fault.into_response(dav.gate.organisation()))
}

/// What is answered to anybody: redirects, OPTIONS above the trees, and that there is nothing.
fn without_credential(dav: &Dav, target: &Target, request: &Request) -> Option<Response> {
    match target {
        // RFC 6764 section 5, for every method: clients send PROPFIND here.
        Target::WellKnown => Some(redirect(StatusCode::MOVED_PERMANENTLY, DAV_ROOT)),
        Target::Nothing => Some(plain(StatusCode::NOT_FOUND, "There is nothing here.")),
        Target::Root if wants_browser_page(request.method(), request.headers()) => {
            dav.config.browser_home.as_deref().map(|home| redirect(StatusCode::SEE_OTHER, home))
        }
        Target::Root | Target::DavRoot | Target::Principals | Target::Area(_) if request.method() == Method::OPTIONS => {
            Some(options::answer(target, allow(Kind::Fixed, Rights::NONE), dav.gate.offers_push()))
        }
        _ => None,
    }
}

fn redirect(status: StatusCode, to: &str) -> Response {
    let mut response = plain(status, "It is elsewhere.");
    if let Ok(to) = HeaderValue::from_str(to) {
        response.headers_mut().insert(LOCATION, to);
    }
    response
}

async fn run(method: &Method, mut call: Call) -> Answer {
    let known = match &call.target {
        Target::Place(place) => is_own(&call.session, &place.address),
        Target::Upload(at) => is_own(&call.session, &at.address),
        Target::Registration(at) => is_own(&call.session, &at.address),
        Target::Notification(at) => is_own(&call.session, &at.address),
        Target::Principal(who) => {
            is_oneself(&call.session, who) || call.session.principal(who).map_err(Fault::about(&call.href()))?.is_some()
        }
        Target::Proxy(address, kind) => {
            let stands = || call.session.stands_for().map(|all| all.iter().any(|(of, as_what)| of == address && as_what == kind));
            is_own(&call.session, &address.to_string()) || stands().map_err(Fault::about(&call.href()))?
        }
        _ => true,
    };
    if !known {
        return Err(Fault::missing());
    }
    if let Target::Upload(at) = &call.target {
        let at = at.clone();
        return uploads::handle(method, call, &at).await;
    }
    if let Target::Registration(at) = &call.target {
        return push::handle(method, &call, at).await;
    }
    if let Target::Notification(at) = &call.target {
        let at = at.clone();
        return notifications::handle(method, call, &at).await;
    }
    if let Target::Attachment(at) = &call.target {
        let at = at.clone();
        return attachments::handle(method, call, &at).await;
    }
    if matches!(method.as_str(), "PROPFIND" | "REPORT") && schedule::are_places_told(&call.target) {
        call.scheduling = call.session.scheduling_places().await.map_err(Fault::about(&call.href()))?;
    }
    match method.as_str() {
        "OPTIONS" => options::options(call).await,
        "GET" => get::get(call).await,
        "HEAD" => get::head(call).await,
        "PUT" => put::put(call).await,
        "DELETE" => delete::delete(call).await,
        "MKCOL" => mkcol::mkcol(call).await,
        "MKCALENDAR" => mkcalendar::mkcalendar(call).await,
        "COPY" => copy::copy(call).await,
        "MOVE" => r#move::r#move(call).await,
        "PROPFIND" => propfind::propfind(call).await,
        "POST" => post::post(call).await,
        "PROPPATCH" => proppatch::proppatch(call).await,
        "LOCK" => lock::lock(call).await,
        "UNLOCK" => unlock::unlock(call).await,
        "ACL" => acl::acl(call).await,
        "SEARCH" => search::search(call).await,
        "REPORT" => report::report(call).await,
        _ => Err(Fault::NotAllowed(options::allowed(&call).await?)),
    }
}
