//! Signing in: address and password, then a second factor; and signing out.
//!
//! A wrong code can be tried again without the password: how often is limited where factors are checked, whatever is kept here.

use super::{Audience, Place, forgotten, overview, refused};
use crate::frame::{Notice, PASSKEY_URL, Page, see_other};
use crate::parts::Field;
use crate::request::{clear_cookie, own_path};
use crate::sessions::VisitId;
use crate::standing::{Awaiting, Said, SignedIn, Standing};
use crate::texts::factors::Factors;
use crate::texts::password::Password;
use crate::texts::refusals::Refusals;
use crate::texts::sign_in::SignIn as Texts;
use crate::visitor::{Person, Posted, Visitor};
use crate::ways::{Ways, passkey_refused};
use axum::response::Response;
use http::StatusCode;
use http::header::SET_COOKIE;
use maud::html;
use octroi_gate::{PendingSignIn, PortalSession, Refusal, SignIn};
use octroi_model::FactorId;

/// Where it stands.
pub(crate) const PLACE: Place =
    Place { path: "/portal/sign-in", title: |language| Texts::of(language).title, audience: Audience::SignedOut };
/// Where the second factor is given.
const CODE: &str = "/portal/code";
/// Longest address that is looked at.
pub(crate) const ADDRESS_BYTES_MAX: usize = 320;

/// GET: wherever the visitor stands in signing in.
pub(crate) async fn show(visitor: Visitor) -> Response {
    let awaits_code = visitor.portal.sessions.with(&visitor.id, |standing| matches!(standing, Standing::AwaitsCode(_)));
    match awaits_code {
        Some(true) => code_form(&visitor, StatusCode::OK, Notice::None),
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
        @if let Some(asked) = &visitor.asked { input type="hidden" name="to" value=(asked); }
        (address.show(visitor.language, &notice))
        (password.show(visitor.language, &notice))
    };
    let content = html! {
        (visitor.form(PLACE.path, texts.title, &fields))
        p { a href=(forgotten::PLACE.path) { (Password::of(visitor.language).forgotten) } }
    };
    visitor.page(&Page { status, notice, ..Page::of(&PLACE, visitor.language) }, &content)
}

/// POST: address and password.
pub(crate) async fn sign_in(posted: Posted<Visitor>) -> Response {
    let Posted { who: mut visitor, form: fields } = posted;
    visitor.asked = own_path(fields.get("to")).map(str::to_owned);
    // Whoever signs in anew gives up what they were.
    visitor.portal.sessions.end(&visitor.id);
    let portal = visitor.portal.clone();
    let Ok(permit) = portal.sign_ins.try_acquire() else { return visitor.busy() };
    let refused = Notice::field(Texts::of(visitor.language).refused, "password");
    let address = fields.get("address").trim();
    if address.len() > ADDRESS_BYTES_MAX {
        return form(&visitor, StatusCode::FORBIDDEN, refused);
    }
    let signed = portal.gate.sign_in(address, fields.get("password"), visitor.peer).await;
    drop(permit);
    match signed {
        SignIn::Refused => form_with(&visitor, address, StatusCode::FORBIDDEN, refused),
        SignIn::Open(session) => {
            let to = visitor.asked.clone();
            enter(&visitor, session, to.as_deref())
        }
        SignIn::NeedsCode(pending) => {
            let awaiting = Awaiting { pending, challenge: None, notice: None, to: visitor.asked.clone() };
            match portal.sessions.begin(Standing::AwaitsCode(Box::new(awaiting)), portal.config.code_wait) {
                Ok(id) => see_other(CODE, Some(&id)),
                Err(_) => visitor.busy(),
            }
        }
    }
}

/// The page for the second factor.
fn code_form(visitor: &Visitor, status: StatusCode, notice: Notice) -> Response {
    let Some(pending) = pending(visitor) else { return ended(visitor) };
    let factors = pending.factors();
    let challenge = if factors.passkeys.is_empty() { None } else { pending.begin_passkey().ok() };
    let options = challenge.as_ref().map(|challenge| challenge.options.clone());
    let said = with_awaiting(visitor, |awaiting| {
        awaiting.challenge = challenge;
        awaiting.notice.take()
    });
    let notice = match said.flatten() {
        Some(said) if notice == Notice::None => said.notice(visitor.language),
        _ => notice,
    };
    let ways = Ways { path: CODE, to: None, factors: &factors, challenge: options.as_deref() };
    let content = ways.show(visitor, &notice);
    let script = options.as_ref().map(|_| PASSKEY_URL.as_str());
    let title = Texts::of(visitor.language).code_title;
    visitor.page(&Page { status, title, notice, script, ..Page::of(&PLACE, visitor.language) }, &content)
}

/// POST: a code.
pub(crate) async fn code(posted: Posted<Visitor>) -> Response {
    let Posted { who: visitor, form: fields } = posted;
    let Some(pending) = pending(&visitor) else { return ended(&visitor) };
    match pending.finish(&fields.code()).await {
        Ok(session) => pass(&visitor, session),
        Err(refusal) => {
            let notice = Notice::field(refused(refusal, visitor.language), "code");
            code_form(&visitor, StatusCode::FORBIDDEN, notice)
        }
    }
}

/// POST: have a code sent.
pub(crate) async fn send(posted: Posted<Visitor>) -> Response {
    let Posted { who: visitor, form: fields } = posted;
    let Some(pending) = pending(&visitor) else { return ended(&visitor) };
    let sent = fields.get("device").parse().map_err(|_| Refusal::Missing).and_then(|id| pending.send_code(FactorId(id)));
    let said = sent.map_or_else(Said::Refused, |()| Said::Done(|language| Factors::of(language).sent));
    with_awaiting(&visitor, |awaiting| awaiting.notice = Some(said));
    see_other(CODE, visitor.cookie())
}

/// POST: a passkey.
pub(crate) async fn passkey(posted: Posted<Visitor>) -> Response {
    let Posted { who: visitor, form: fields } = posted;
    let Some(pending) = pending(&visitor) else { return ended(&visitor) };
    // A challenge is answered once.
    let Some(challenge) = with_awaiting(&visitor, |awaiting| awaiting.challenge.take()).flatten() else {
        return code_form(&visitor, StatusCode::FORBIDDEN, Notice::fault(Refusals::of(visitor.language).stale));
    };
    match pending.finish_passkey(challenge, fields.get("answer")).await {
        Ok(session) => pass(&visitor, session),
        Err(refusal) => code_form(&visitor, StatusCode::FORBIDDEN, passkey_refused(refusal, visitor.language)),
    }
}

/// The second factor was right.
fn pass(visitor: &Visitor, session: PortalSession) -> Response {
    let to = match visitor.portal.sessions.end(&visitor.id) {
        Some(Standing::AwaitsCode(awaiting)) => awaiting.to,
        _ => None,
    };
    enter(visitor, session, to.as_deref())
}

/// Signed in: under a new value of the cookie, so that one planted before is worth nothing.
fn enter(visitor: &Visitor, session: PortalSession, to: Option<&str>) -> Response {
    let standing = Standing::In(Box::new(SignedIn::new(session)));
    let id: Result<VisitId, _> = visitor.portal.sessions.begin(standing, visitor.portal.config.lifetime);
    match id {
        Ok(id) => see_other(to.unwrap_or(overview::PLACE.path), Some(&id)),
        Err(_) => visitor.busy(),
    }
}

fn pending(visitor: &Visitor) -> Option<PendingSignIn> {
    with_awaiting(visitor, |awaiting| awaiting.pending.clone())
}

fn with_awaiting<R>(visitor: &Visitor, look: impl FnOnce(&mut Awaiting) -> R) -> Option<R> {
    visitor.portal.sessions.with(&visitor.id, |standing| match standing {
        Standing::AwaitsCode(awaiting) => Some(look(awaiting)),
        Standing::In(_) => None,
    })?
}

fn ended(visitor: &Visitor) -> Response {
    form(visitor, StatusCode::FORBIDDEN, Notice::fault(Refusals::of(visitor.language).ended))
}

/// POST: sign out.
pub(crate) async fn sign_out(posted: Posted<Person>) -> Response {
    let visitor = posted.who.visitor;
    visitor.portal.sessions.end(&visitor.id);
    let mut response = see_other(PLACE.path, None);
    response.headers_mut().insert(SET_COOKIE, clear_cookie());
    response
}
