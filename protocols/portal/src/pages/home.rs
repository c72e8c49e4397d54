//! The first page of somebody who is signed in: second factor, app passwords, password.

use super::{Portal, Said, app_passwords, sign_in};
use crate::frame::{self, Notice, close_form, open_form};
use crate::html::Html;
use crate::sessions::VisitId;
use crate::visit::Visit;
use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use octroi_gate::PortalSession;
use std::sync::Arc;

/// GET.
pub(crate) async fn show(State(portal): State<Arc<Portal>>, request: Request) -> Response {
    let visit = Visit::of(&request);
    let Some((id, session)) = portal.signed_in(&visit).await else {
        return sign_in::form(&portal, &visit, StatusCode::OK, Notice::None);
    };
    let said = portal.with_signed_in(&id, |signed_in| signed_in.notice.take()).flatten();
    let notice = said.map_or(Notice::None, |said: Said| said.notice(visit.texts()));
    page(&portal, &visit, &id, &session, StatusCode::OK, notice, None)
}

/// The page. `cookie`: another value from here on, which the forms must know.
pub(crate) fn page(
    portal: &Portal,
    visit: &Visit,
    id: &VisitId,
    session: &PortalSession,
    status: StatusCode,
    notice: Notice<'_>,
    cookie: Option<&VisitId>,
) -> Response {
    let texts = visit.texts();
    let id = cookie.unwrap_or(id);
    let mut html = Html::new();
    html.raw("<p>").text(texts.signed_in_as).raw(" <strong>").text(&session.address().to_string()).raw("</strong>");
    if !session.display_name().is_empty() {
        html.raw(" (").text(session.display_name()).raw(")");
    }
    html.raw("<br>").text(texts.profile).raw(": ").text(&session.profile()).raw("</p>\n");
    open_form(&mut html, "/portal/sign-out", &portal.key, id);
    close_form(&mut html, texts.sign_out);

    html.raw("<h2>").text(texts.second_factor).raw("</h2>\n<p>");
    let enrolled = session.has_second_factor();
    html.text(if enrolled { texts.factor_enrolled } else { texts.factor_missing });
    html.raw(" <a href=\"/portal/second-factor\">").text(if enrolled { texts.factor_replace } else { texts.factor_enrol });
    html.raw("</a></p>\n");

    app_passwords::section(portal, visit, id, session, &mut html);

    html.raw("<h2>").text(texts.password).raw("</h2>\n<p><a href=\"/portal/password\">").text(texts.password_change).raw("</a></p>\n");
    let title = format!("{} – {}", portal.gate.organisation().name, texts.portal);
    frame::page(status, visit, &title, notice, &html, cookie)
}
