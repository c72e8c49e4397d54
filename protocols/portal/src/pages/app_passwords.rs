//! App passwords: the list, a new one (with a fresh code), and ending one.

use super::{Portal, Said, home, refused};
use crate::form::Form;
use crate::frame::{Notice, close_form, code_field, open_form, page};
use crate::html::Html;
use crate::sessions::VisitId;
use crate::visit::Visit;
use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use octroi_gate::{MintedAppPassword, PortalSession, Refusal, Scope, Stepped};
use octroi_model::{AppPassword, Rights, Service, Services, UnixTime};
use std::sync::Arc;

/// What "reading only" leaves: to see, to read, and to remember what was read.
const READING: Rights = Rights::LOOKUP.or(Rights::READ).or(Rights::SEEN);
/// Days after which an app password can end by itself.
const DAYS: [(&str, i64); 3] = [("30", 30), ("90", 90), ("365", 365)];
const SECONDS_PER_DAY: i64 = 86_400;

/// The part of the first page.
pub(crate) fn section(portal: &Portal, visit: &Visit, id: &VisitId, session: &PortalSession, html: &mut Html) {
    let texts = visit.texts();
    html.raw("<h2>").text(texts.app_passwords).raw("</h2>\n<p>").text(texts.app_password_why).raw("</p>\n");
    let all = session.app_passwords();
    if all.is_empty() {
        html.raw("<p>").text(texts.app_passwords_none).raw("</p>\n");
    } else {
        html.raw("<table><thead><tr>");
        for heading in [texts.label, texts.services, texts.made, texts.expires, texts.last_used, ""] {
            html.raw("<th scope=\"col\">").text(heading).raw("</th>");
        }
        html.raw("</tr></thead><tbody>\n");
        for app_password in &all {
            row(portal, visit, id, app_password, html);
        }
        html.raw("</tbody></table>\n");
    }
    html.raw("<h2>").text(texts.app_password_new).raw("</h2>\n");
    if session.has_second_factor() {
        new_form(portal, visit, id, session, html);
    } else {
        html.raw("<p>").text(texts.app_password_needs_factor).raw("</p>\n");
    }
}

fn row(portal: &Portal, visit: &Visit, id: &VisitId, app_password: &AppPassword, html: &mut Html) {
    let texts = visit.texts();
    html.raw("<tr><td>").text(&app_password.label).raw("<small>").text(&app_password.public_id).raw("</small></td><td>");
    html.text(&app_password.services.to_string()).raw("</td><td>").text(&day(app_password.created)).raw("</td><td>");
    html.text(&app_password.expires.map_or_else(|| texts.never.to_owned(), day)).raw("</td><td>");
    match &app_password.last_used {
        None => html.text(texts.never),
        Some(last) => html.text(&day(last.at)).raw("<small>").text(&last.peer).raw(", ").text(last.service.name()).raw("</small>"),
    };
    html.raw("</td><td>");
    open_form(html, "/portal/app-passwords/revoke", &portal.key, id);
    html.raw("<input type=\"hidden\" name=\"id\" value=\"").text(&app_password.public_id).raw("\">");
    close_form(html, texts.app_password_revoke);
    html.raw("</td></tr>\n");
}

fn new_form(portal: &Portal, visit: &Visit, id: &VisitId, session: &PortalSession, html: &mut Html) {
    let texts = visit.texts();
    open_form(html, "/portal/app-passwords", &portal.key, id);
    html.raw("<label for=\"label\">").text(texts.label).raw("</label><input id=\"label\" name=\"label\" maxlength=\"100\" required>");
    html.raw("<small>").text(texts.label_hint).raw("</small>\n<fieldset><legend>").text(texts.services).raw("</legend>\n");
    for ((_, name), shown) in Service::ALL.into_iter().zip(texts.service_names) {
        html.raw("<label><input type=\"checkbox\" name=\"service\" value=\"").text(name).raw("\"> ").text(shown).raw("</label>\n");
    }
    html.raw("</fieldset>\n<label for=\"access\">").text(texts.access).raw("</label><select id=\"access\" name=\"access\">");
    html.raw("<option value=\"full\">").text(texts.access_full).raw("</option><option value=\"read\">").text(texts.access_read);
    html.raw("</option></select>\n<label for=\"days\">")
        .text(texts.expires)
        .raw("</label><select id=\"days\" name=\"days\"><option value=\"\">");
    html.text(texts.never).raw("</option>");
    for (value, _) in DAYS {
        html.raw("<option value=\"").text(value).raw("\">").text(value).raw(" ").text(texts.days).raw("</option>");
    }
    html.raw("</select>\n");
    if session.fresh().is_none() {
        code_field(html, visit);
    }
    close_form(html, texts.app_password_make);
}

/// POST: a new one.
pub(crate) async fn mint(State(portal): State<Arc<Portal>>, request: Request) -> Response {
    let (visit, mut id, session, form) = match portal.signed_in_form(request).await {
        Ok(posted) => posted,
        Err(response) => return response,
    };
    let texts = visit.texts();
    let mut cookie = None;
    let made = match scope(&form) {
        // What is wrong with the form comes before the code, which counts once.
        Err(refusal) => Err(refusal),
        Ok(_) if form.get("label").trim().is_empty() => Err(Refusal::Limit("label")),
        Ok(scope) => match proof(&session, &form).await {
            Err(refusal) => Err(refusal),
            Ok((proof, stepped_up)) => {
                // A new value at each step up.
                if stepped_up && let Some(new) = portal.sessions.rotate(&id) {
                    id = new.clone();
                    cookie = Some(new);
                }
                session.mint_app_password(proof, scope, form.get("label").trim()).await
            }
        },
    };
    match made {
        Ok(minted) => shown_once(&visit, &minted, cookie.as_ref()),
        Err(refusal) => {
            let said = if matches!(refusal, Refusal::Limit(what) if what.contains("label")) {
                texts.label_needed
            } else {
                refused(refusal)(texts)
            };
            home::page(&portal, &visit, &id, &session, StatusCode::FORBIDDEN, Notice::Fault(said), cookie.as_ref())
        }
    }
}

/// A second factor of a few minutes ago, or the code in the form; and whether it was the code.
async fn proof(session: &PortalSession, form: &Form) -> Result<(Stepped, bool), Refusal> {
    match session.fresh() {
        Some(proof) => Ok((proof, false)),
        None if session.has_second_factor() => session.step_up(&form.code()).await.map(|proof| (proof, true)),
        None => Err(Refusal::InvalidCode),
    }
}

fn scope(form: &Form) -> Result<Scope, Refusal> {
    let mut services = Services::NONE;
    for name in form.all("service") {
        services = services.with(Service::parse(name).ok_or(Refusal::Unsupported)?);
    }
    if services == Services::NONE {
        return Err(Refusal::Unsupported);
    }
    let rights = match form.get("access") {
        "" | "full" => Rights::ALL,
        "read" => READING,
        _ => return Err(Refusal::Unsupported),
    };
    let expires = match form.get("days") {
        "" => None,
        chosen => {
            let (_, days) = DAYS.into_iter().find(|(value, _)| *value == chosen).ok_or(Refusal::Unsupported)?;
            Some(UnixTime(UnixTime::now().0 + days * SECONDS_PER_DAY))
        }
    };
    Ok(Scope { services, rights, expires })
}

fn shown_once(visit: &Visit, minted: &MintedAppPassword, cookie: Option<&VisitId>) -> Response {
    let texts = visit.texts();
    let mut html = Html::new();
    html.raw("<p>").text(texts.app_password_shown_once).raw("</p>\n<p><code id=\"app-password\">").text(&minted.secret);
    html.raw("</code></p>\n<p><a href=\"/portal/\">").text(texts.back).raw("</a></p>\n");
    page(StatusCode::OK, visit, texts.app_password_new, Notice::None, &html, cookie)
}

/// POST: end one.
pub(crate) async fn revoke(State(portal): State<Arc<Portal>>, request: Request) -> Response {
    let (_, id, session, form) = match portal.signed_in_form(request).await {
        Ok(posted) => posted,
        Err(response) => return response,
    };
    match session.revoke_app_password(form.get("id")).await {
        Ok(()) => portal.home_saying(&id, Said::Done(|texts| texts.app_password_revoked), None),
        Err(refusal) => portal.home_saying(&id, Said::Fault(refused(refusal)), None),
    }
}

fn day(at: UnixTime) -> String {
    jiff::Timestamp::from_second(at.0).unwrap_or_default().strftime("%Y-%m-%d").to_string()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_holds_what_was_ticked_and_nothing_else() {
        let read = |text: &str| scope(&Form::parse(text.as_bytes()).unwrap());
        let narrow = read("service=imap&service=files&access=read&days=30").unwrap();
        assert_eq!(narrow.services, Services::NONE.with(Service::Imap).with(Service::Files));
        assert_eq!(narrow.rights, READING);
        let in_days = narrow.expires.unwrap().0 - UnixTime::now().0;
        assert!((30 * SECONDS_PER_DAY - 5..=30 * SECONDS_PER_DAY).contains(&in_days));
        let wide = read("service=caldav").unwrap();
        assert_eq!((wide.rights, wide.expires), (Rights::ALL, None));
        for bad in ["", "service=root", "service=imap&access=admin", "service=imap&days=-1", "service=imap&days=99999"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
