//! Signing in: address and password, then the code; and signing out.

use super::{Audience, Place, overview, refused};
use crate::frame::{Notice, Page, see_other};
use crate::parts::{Field, code_field};
use crate::request::{clear_cookie, own_path};
use crate::sessions::VisitId;
use crate::standing::{SignedIn, Standing};
use crate::texts::refusals::Refusals;
use crate::texts::sign_in::SignIn as Texts;
use crate::visitor::{Person, Posted, Visitor};
use axum::response::Response;
use http::StatusCode;
use http::header::SET_COOKIE;
use maud::html;
use octroi_gate::{PortalSession, SignIn};

/// Where it stands.
pub(crate) const PLACE: Place =
    Place { path: "/portal/sign-in", title: |language| Texts::of(language).title, audience: Audience::SignedOut };
/// Longest address that is looked at.
const ADDRESS_BYTES_MAX: usize = 320;

/// GET: wherever the visitor stands in signing in.
pub(crate) async fn show(visitor: Visitor) -> Response {
    let awaits_code = visitor.portal.sessions.with(&visitor.id, |standing| matches!(standing, Standing::AwaitsCode(_)));
    match awaits_code {
        Some(true) => code_form(&visitor),
        Some(false) => see_other(overview::PLACE.path, visitor.cookie()),
        None => form(&visitor, StatusCode::OK, Notice::None),
    }
}

/// The form for address and password.
pub(crate) fn form(visitor: &Visitor, status: StatusCode, notice: Notice) -> Response {
    form_with(visitor, "", status, notice)
}

/// The form, with the address that was typed before.
fn form_with(visitor: &Visitor, address: &str, status: StatusCode, notice: Notice) -> Response {
    let texts = Texts::of(visitor.language);
    let address = Field {
        id: "address",
        label: texts.address,
        kind: "email",
        fill: "username",
        value: Some(address),
        first: address.is_empty(),
        ..Field::default()
    };
    let password = Field {
        id: "password",
        label: texts.password,
        kind: "password",
        fill: "current-password",
        hint: Some(texts.password_hint),
        first: !address.first,
        ..Field::default()
    };
    let fields = html! {
        (to(visitor))
        (address.show(visitor.language, notice))
        (password.show(visitor.language, notice))
    };
    let content = visitor.form(PLACE.path, texts.title, &fields);
    visitor.page(&Page { status, notice, ..Page::of(&PLACE, visitor.language) }, &content)
}

/// Where to go once signed in.
fn to(visitor: &Visitor) -> maud::Markup {
    html! { @if let Some(asked) = &visitor.asked { input type="hidden" name="to" value=(asked); } }
}

/// POST: address and password.
pub(crate) async fn sign_in(posted: Posted<Visitor>) -> Response {
    let Posted { who: mut visitor, form: fields } = posted;
    visitor.asked = own_path(fields.get("to")).map(str::to_owned);
    // Whoever signs in anew gives up what they were.
    visitor.portal.sessions.end(&visitor.id);
    let portal = visitor.portal.clone();
    let Ok(permit) = portal.sign_ins.try_acquire() else { return visitor.busy() };
    let refused = Notice::Fault(Texts::of(visitor.language).refused, Some("password"));
    let address = fields.get("address").trim();
    if address.len() > ADDRESS_BYTES_MAX {
        return form(&visitor, StatusCode::FORBIDDEN, refused);
    }
    let signed = portal.gate.sign_in(address, fields.get("password"), visitor.peer).await;
    drop(permit);
    match signed {
        SignIn::Refused => form_with(&visitor, address, StatusCode::FORBIDDEN, refused),
        SignIn::Open(session) => enter(&visitor, session),
        SignIn::NeedsCode(pending) => match portal.sessions.begin(Standing::AwaitsCode(Box::new(pending)), portal.config.code_wait) {
            Ok(id) => {
                visitor.becomes(id);
                code_form(&visitor)
            }
            Err(_) => visitor.busy(),
        },
    }
}

fn code_form(visitor: &Visitor) -> Response {
    let texts = Texts::of(visitor.language);
    let fields = html! { (to(visitor)) (code_field(visitor.language, Notice::None, true)) };
    let content = visitor.form("/portal/code", texts.go_on, &fields);
    visitor.page(&Page { title: texts.code_title, ..Page::of(&PLACE, visitor.language) }, &content)
}

/// POST: the code.
pub(crate) async fn code(posted: Posted<Visitor>) -> Response {
    let Posted { who: mut visitor, form: fields } = posted;
    visitor.asked = own_path(fields.get("to")).map(str::to_owned);
    let sessions = &visitor.portal.sessions;
    // One try: a wrong code means signing in again. Somebody who is signed in loses nothing by posting here.
    let awaits = sessions.with(&visitor.id, |standing| matches!(standing, Standing::AwaitsCode(_))) == Some(true);
    let Some(Standing::AwaitsCode(pending)) = awaits.then(|| sessions.end(&visitor.id)).flatten() else {
        return form(&visitor, StatusCode::OK, Notice::fault(Refusals::of(visitor.language).ended));
    };
    match pending.finish(&fields.code()).await {
        Ok(session) => enter(&visitor, session),
        Err(refusal) => form(&visitor, StatusCode::FORBIDDEN, Notice::fault(refused(refusal)(visitor.language))),
    }
}

/// Signed in: under a new value of the cookie, so that one planted before is worth nothing.
fn enter(visitor: &Visitor, session: PortalSession) -> Response {
    let standing = Standing::In(Box::new(SignedIn { session, enrolment: None, notice: None }));
    let id: Result<VisitId, _> = visitor.portal.sessions.begin(standing, visitor.portal.config.lifetime);
    match id {
        Ok(id) => see_other(visitor.asked.as_deref().unwrap_or(overview::PLACE.path), Some(&id)),
        Err(_) => visitor.busy(),
    }
}

/// POST: sign out.
pub(crate) async fn sign_out(posted: Posted<Person>) -> Response {
    let visitor = posted.who.visitor;
    visitor.portal.sessions.end(&visitor.id);
    let mut response = see_other(PLACE.path, None);
    response.headers_mut().insert(SET_COOKIE, clear_cookie());
    response
}
