//! Signing in: address and password, then the code; and signing out.

use super::{Portal, SignedIn, Standing};
use crate::frame::{Notice, close_form, code_field, open_form, page, see_other};
use crate::html::Html;
use crate::sessions::VisitId;
use crate::visit::{Visit, clear_cookie};
use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use http::header::SET_COOKIE;
use octroi_gate::{PortalSession, SignIn};
use octroi_http::retry_later;
use std::sync::Arc;
use std::time::Duration;

/// When to try again while too many sign in.
const BUSY_RETRY: Duration = Duration::from_secs(5);
/// Longest address that is looked at.
const ADDRESS_BYTES_MAX: usize = 320;

/// The form for address and password. A visitor without a cookie gets one.
pub(crate) fn form(portal: &Portal, visit: &Visit, status: StatusCode, notice: Notice<'_>) -> Response {
    let texts = visit.texts();
    let new = if visit.id.is_none() { VisitId::new() } else { None };
    let Some(id) = visit.id.as_ref().or(new.as_ref()) else { return retry_later(texts.busy, BUSY_RETRY) };
    let mut html = Html::new();
    open_form(&mut html, "/portal/sign-in", &portal.key, id);
    html.raw("<label for=\"address\">").text(texts.address).raw("</label>");
    html.raw("<input id=\"address\" name=\"address\" type=\"email\" autocomplete=\"username\" required autofocus>\n");
    html.raw("<label for=\"password\">").text(texts.password).raw("</label>");
    html.raw("<input id=\"password\" name=\"password\" type=\"password\" autocomplete=\"current-password\" required>\n");
    close_form(&mut html, texts.sign_in);
    let title = format!("{} – {}", portal.gate.organisation().name, texts.portal);
    page(status, visit, &title, notice, &html, new.as_ref())
}

/// POST: address and password.
pub(crate) async fn sign_in(State(portal): State<Arc<Portal>>, request: Request) -> Response {
    let visit = Visit::of(&request);
    let texts = visit.texts();
    let Ok(fields) = visit.form(&portal.key, request).await else {
        return form(&portal, &visit, StatusCode::FORBIDDEN, Notice::Fault(texts.form_stale));
    };
    // Whoever signs in anew gives up what they were.
    if let Some(id) = &visit.id {
        portal.sessions.end(id);
    }
    let Ok(permit) = portal.sign_ins.try_acquire() else { return retry_later(texts.busy, BUSY_RETRY) };
    let address = fields.get("address").trim();
    if address.len() > ADDRESS_BYTES_MAX {
        return form(&portal, &visit, StatusCode::FORBIDDEN, Notice::Fault(texts.refused));
    }
    let signed = portal.gate.sign_in(address, fields.get("password"), visit.peer).await;
    drop(permit);
    match signed {
        SignIn::Refused => form(&portal, &visit, StatusCode::FORBIDDEN, Notice::Fault(texts.refused)),
        SignIn::Open(session) => enter(&portal, &visit, session),
        SignIn::NeedsCode(pending) => match portal.sessions.begin(Standing::AwaitsCode(Box::new(pending)), portal.config.code_wait) {
            Ok(id) => code_form(&portal, &visit, &id),
            Err(_) => retry_later(texts.busy, BUSY_RETRY),
        },
    }
}

fn code_form(portal: &Portal, visit: &Visit, id: &VisitId) -> Response {
    let texts = visit.texts();
    let mut html = Html::new();
    open_form(&mut html, "/portal/code", &portal.key, id);
    code_field(&mut html, visit);
    close_form(&mut html, texts.go_on);
    page(StatusCode::OK, visit, texts.sign_in, Notice::None, &html, Some(id))
}

/// POST: the code.
pub(crate) async fn code(State(portal): State<Arc<Portal>>, request: Request) -> Response {
    let visit = Visit::of(&request);
    let texts = visit.texts();
    let Ok(fields) = visit.form(&portal.key, request).await else {
        return form(&portal, &visit, StatusCode::FORBIDDEN, Notice::Fault(texts.form_stale));
    };
    // One try: a wrong code means signing in again. Somebody who is signed in loses nothing by posting here.
    let awaits = visit.id.as_ref().filter(|id| portal.sessions.with(id, |s| matches!(s, Standing::AwaitsCode(_))) == Some(true));
    let Some(Standing::AwaitsCode(pending)) = awaits.and_then(|id| portal.sessions.end(id)) else {
        return form(&portal, &visit, StatusCode::OK, Notice::Fault(texts.expired));
    };
    match pending.finish(&fields.code()).await {
        Ok(session) => enter(&portal, &visit, session),
        Err(refusal) => form(&portal, &visit, StatusCode::FORBIDDEN, Notice::Fault(super::refused(refusal)(texts))),
    }
}

/// Signed in: under a new value of the cookie, so that one planted before is worth nothing.
fn enter(portal: &Portal, visit: &Visit, session: PortalSession) -> Response {
    let standing = Standing::In(Box::new(SignedIn { session, enrolment: None, notice: None }));
    match portal.sessions.begin(standing, portal.config.lifetime) {
        Ok(id) => see_other("/portal/", Some(&id)),
        Err(_) => retry_later(visit.texts().busy, BUSY_RETRY),
    }
}

/// POST: sign out.
pub(crate) async fn sign_out(State(portal): State<Arc<Portal>>, request: Request) -> Response {
    let (_, id, _, _) = match portal.signed_in_form(request).await {
        Ok(posted) => posted,
        Err(response) => return response,
    };
    portal.sessions.end(&id);
    let mut response = see_other("/portal/", None);
    response.headers_mut().insert(SET_COOKIE, clear_cookie());
    response
}
