//! Another main password. Every portal session of the account ends with it, this one too.

use super::{Portal, refused, sign_in};
use crate::frame::{Notice, close_form, open_form, page};
use crate::html::Html;
use crate::sessions::VisitId;
use crate::visit::Visit;
use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use octroi_gate::Refusal;
use octroi_http::retry_later;
use std::sync::Arc;
use std::time::Duration;

/// When to try again while too many hashes are being made.
const BUSY_RETRY: Duration = Duration::from_secs(5);

/// GET.
pub(crate) async fn show(State(portal): State<Arc<Portal>>, request: Request) -> Response {
    let visit = Visit::of(&request);
    match portal.signed_in(&visit).await {
        Some((id, _)) => form_page(&portal, &visit, &id, StatusCode::OK, Notice::None),
        None => sign_in::form(&portal, &visit, StatusCode::OK, Notice::None),
    }
}

fn form_page(portal: &Portal, visit: &Visit, id: &VisitId, status: StatusCode, notice: Notice<'_>) -> Response {
    let texts = visit.texts();
    let mut html = Html::new();
    html.raw("<p>").text(texts.password_rules).raw("</p>\n");
    open_form(&mut html, "/portal/password", &portal.key, id);
    html.raw("<label for=\"old\">").text(texts.password_old).raw("</label>");
    html.raw("<input id=\"old\" name=\"old\" type=\"password\" autocomplete=\"current-password\" required>\n");
    html.raw("<label for=\"new\">").text(texts.password_new).raw("</label>");
    html.raw("<input id=\"new\" name=\"new\" type=\"password\" autocomplete=\"new-password\" required>\n");
    html.raw("<label for=\"again\">").text(texts.password_again).raw("</label>");
    html.raw("<input id=\"again\" name=\"again\" type=\"password\" autocomplete=\"new-password\" required>\n");
    close_form(&mut html, texts.password_change);
    html.raw("<p><a href=\"/portal/\">").text(texts.back).raw("</a></p>\n");
    page(status, visit, texts.password_change, notice, &html, None)
}

/// POST.
pub(crate) async fn change(State(portal): State<Arc<Portal>>, request: Request) -> Response {
    let (visit, id, session, form) = match portal.signed_in_form(request).await {
        Ok(posted) => posted,
        Err(response) => return response,
    };
    let texts = visit.texts();
    if form.get("new") != form.get("again") {
        return form_page(&portal, &visit, &id, StatusCode::FORBIDDEN, Notice::Fault(texts.password_differ));
    }
    let Ok(permit) = portal.sign_ins.try_acquire() else { return retry_later(texts.busy, BUSY_RETRY) };
    let changed = session.change_password(form.get("old"), form.get("new")).await;
    drop(permit);
    match changed {
        Ok(()) => {
            portal.sessions.end(&id);
            sign_in::form(&portal, &visit, StatusCode::OK, Notice::Done(texts.password_changed))
        }
        // Here the word "code" would mislead: it is the old password that was wrong.
        Err(Refusal::InvalidCode) => form_page(&portal, &visit, &id, StatusCode::FORBIDDEN, Notice::Fault(texts.refused)),
        Err(refusal) => form_page(&portal, &visit, &id, StatusCode::FORBIDDEN, Notice::Fault(refused(refusal)(texts))),
    }
}
