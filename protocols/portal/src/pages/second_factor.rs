//! Setting up an authenticator: show its secret, then prove it with a first code. Replacing one takes a code of the old one.

use super::{Portal, Said, home, refused, sign_in};
use crate::frame::{Notice, close_form, code_field, open_form, page};
use crate::html::Html;
use crate::sessions::VisitId;
use crate::visit::Visit;
use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use octroi_gate::{PortalSession, TotpEnrolment};
use std::sync::Arc;

/// GET: the beginning.
pub(crate) async fn show(State(portal): State<Arc<Portal>>, request: Request) -> Response {
    let visit = Visit::of(&request);
    let Some((id, session)) = portal.signed_in(&visit).await else {
        return sign_in::form(&portal, &visit, StatusCode::OK, Notice::None);
    };
    start_page(&portal, &visit, &id, &session, StatusCode::OK, Notice::None)
}

fn start_page(portal: &Portal, visit: &Visit, id: &VisitId, session: &PortalSession, status: StatusCode, notice: Notice<'_>) -> Response {
    let texts = visit.texts();
    let enrolled = session.has_second_factor();
    let mut html = Html::new();
    html.raw("<p>").text(if enrolled { texts.factor_enrolled } else { texts.factor_missing }).raw("</p>\n");
    open_form(&mut html, "/portal/second-factor", &portal.key, id);
    if enrolled && session.fresh().is_none() {
        code_field(&mut html, visit);
    }
    close_form(&mut html, if enrolled { texts.factor_replace } else { texts.factor_enrol });
    html.raw("<p><a href=\"/portal/\">").text(texts.back).raw("</a></p>\n");
    page(status, visit, texts.second_factor, notice, &html, None)
}

/// POST: make a secret and show it.
pub(crate) async fn begin(State(portal): State<Arc<Portal>>, request: Request) -> Response {
    let (visit, id, session, form) = match portal.signed_in_form(request).await {
        Ok(posted) => posted,
        Err(response) => return response,
    };
    let mut current = id;
    let mut cookie = None;
    if session.has_second_factor() && session.fresh().is_none() {
        if let Err(refusal) = session.step_up(&form.code()).await {
            let notice = Notice::Fault(refused(refusal)(visit.texts()));
            return start_page(&portal, &visit, &current, &session, StatusCode::FORBIDDEN, notice);
        }
        // A new value at each step up.
        if let Some(new) = portal.sessions.rotate(&current) {
            current = new.clone();
            cookie = Some(new);
        }
    }
    match session.begin_totp().await {
        Ok(enrolment) => {
            portal.with_signed_in(&current, |signed_in| signed_in.enrolment = Some(enrolment.clone()));
            confirm_page(&portal, &visit, &current, &enrolment, StatusCode::OK, Notice::None, cookie.as_ref())
        }
        Err(refusal) => {
            start_page(&portal, &visit, &current, &session, StatusCode::FORBIDDEN, Notice::Fault(refused(refusal)(visit.texts())))
        }
    }
}

fn confirm_page(
    portal: &Portal,
    visit: &Visit,
    id: &VisitId,
    enrolment: &TotpEnrolment,
    status: StatusCode,
    notice: Notice<'_>,
    cookie: Option<&VisitId>,
) -> Response {
    let texts = visit.texts();
    let mut html = Html::new();
    html.raw("<p>").text(texts.factor_how).raw("</p>\n<dl><dt>").text(texts.factor_secret).raw("</dt><dd><code id=\"secret\">");
    html.text(&enrolment.secret_base32).raw("</code></dd>\n<dt>").text(texts.factor_link).raw("</dt><dd><a href=\"");
    // Our own URL with the scheme otpauth: nothing of it comes from elsewhere unescaped.
    html.text(&enrolment.url)
        .raw("\"><code>")
        .text(&enrolment.url)
        .raw("</code></a></dd></dl>\n<p>")
        .text(texts.factor_confirm)
        .raw("</p>\n");
    open_form(&mut html, "/portal/second-factor/confirm", &portal.key, id);
    code_field(&mut html, visit);
    close_form(&mut html, texts.go_on);
    html.raw("<p><a href=\"/portal/\">").text(texts.back).raw("</a></p>\n");
    page(status, visit, texts.second_factor, notice, &html, cookie)
}

/// POST: the first code.
pub(crate) async fn confirm(State(portal): State<Arc<Portal>>, request: Request) -> Response {
    let (visit, id, session, form) = match portal.signed_in_form(request).await {
        Ok(posted) => posted,
        Err(response) => return response,
    };
    let texts = visit.texts();
    let Some(enrolment) = portal.with_signed_in(&id, |signed_in| signed_in.enrolment.clone()).flatten() else {
        return home::page(&portal, &visit, &id, &session, StatusCode::OK, Notice::Fault(texts.expired), None);
    };
    match session.confirm_totp(enrolment.clone(), &form.code()).await {
        Ok(()) => {
            portal.with_signed_in(&id, |signed_in| signed_in.enrolment = None);
            let new = portal.sessions.rotate(&id);
            portal.home_saying(&id, Said::Done(|texts| texts.factor_done), new.as_ref())
        }
        // The same secret again: the person's app has it already.
        Err(refusal) => {
            let notice = Notice::Fault(refused(refusal)(texts));
            confirm_page(&portal, &visit, &id, &enrolment, StatusCode::FORBIDDEN, notice, None)
        }
    }
}
