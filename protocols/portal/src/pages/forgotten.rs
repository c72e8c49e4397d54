//! A forgotten main password: a code to a registered device, another factor, and a new password.
//!
//! The answer is the same whatever account there is and whatever device it has.

use super::sign_in::{self, ADDRESS_BYTES_MAX};
use super::{Audience, Place, refused};
use crate::form::Form;
use crate::frame::{Notice, Page};
use crate::parts::Field;
use crate::texts::password::Password;
use crate::visitor::{Posted, Visitor};
use axum::response::Response;
use http::StatusCode;
use maud::html;
use octroi_gate::Refusal;

/// Where it stands.
pub(crate) const PLACE: Place =
    Place { path: "/portal/forgotten", title: |language| Password::of(language).forgotten, audience: Audience::SignedOut };
/// Where the codes and the new password go.
const RESET: &str = "/portal/forgotten/reset";

/// GET: whose password it is.
pub(crate) async fn show(visitor: Visitor) -> Response {
    let texts = Password::of(visitor.language);
    let address = Field { id: "address", label: texts.address, kind: "email", fill: "username", first: true, ..Field::default() };
    let content = html! {
        p { (texts.forgotten_why) }
        (visitor.form(PLACE.path, texts.send, &address.show(visitor.language, &Notice::None)))
    };
    visitor.page(&Page::of(&PLACE, visitor.language), &content)
}

/// POST: send a code, if there is somewhere to send it.
pub(crate) async fn ask(posted: Posted<Visitor>) -> Response {
    let Posted { who: visitor, form } = posted;
    let address = form.get("address").trim();
    if address.len() <= ADDRESS_BYTES_MAX {
        visitor.portal.gate.forgot_password(address, visitor.peer).await;
    }
    reset_form(&visitor, &form, StatusCode::OK, Notice::Done(Password::of(visitor.language).sent_if))
}

/// GET: for whoever has a code already.
pub(crate) async fn show_reset(visitor: Visitor) -> Response {
    reset_form(&visitor, &Form::default(), StatusCode::OK, Notice::None)
}

fn reset_form(visitor: &Visitor, form: &Form, status: StatusCode, notice: Notice) -> Response {
    let texts = Password::of(visitor.language);
    let show = |field: Field<'_>| field.show(visitor.language, &notice);
    let secret = |id, label, hint| show(Field { id, label, kind: "password", fill: "new-password", hint, ..Field::default() });
    let address = Field { id: "address", label: texts.address, kind: "email", fill: "username", ..Field::default() };
    let code = Field { id: "code", label: texts.sent_code, fill: "one-time-code", characters_max: Some(32), ..Field::default() };
    let other = Field {
        id: "other",
        label: texts.other_code,
        fill: "off",
        hint: Some(texts.other_hint),
        optional: true,
        characters_max: Some(32),
        ..Field::default()
    };
    let fields = html! {
        (show(Field { value: Some(form.get("address")), ..address }))
        (show(Field { digits: true, ..code }))
        (show(other))
        (secret("new", texts.new, Some(texts.rules)))
        (secret("again", texts.again, None))
    };
    let content = visitor.form(RESET, texts.set, &fields);
    let page = Page { status, notice, title: texts.reset_title, back: Some(RESET), ..Page::of(&PLACE, visitor.language) };
    visitor.page(&page, &content)
}

/// POST: the codes and the new password.
pub(crate) async fn reset(posted: Posted<Visitor>) -> Response {
    let Posted { who: visitor, form } = posted;
    let texts = Password::of(visitor.language);
    let again = |notice| reset_form(&visitor, &form, StatusCode::FORBIDDEN, notice);
    let (address, new) = (form.get("address").trim(), form.get("new"));
    if new != form.get("again") {
        return again(Notice::field(texts.differ, "again"));
    }
    if address.len() > ADDRESS_BYTES_MAX {
        return again(Notice::field(texts.reset_refused, "code"));
    }
    let Ok(permit) = visitor.portal.sign_ins.try_acquire() else { return visitor.busy() };
    let done = visitor.portal.gate.reset_password(address, &form.code(), form.get("other"), new, visitor.peer).await;
    drop(permit);
    match done {
        Ok(()) => sign_in::form(&visitor, StatusCode::OK, Notice::Done(texts.changed)),
        Err(refusal @ Refusal::Password(_)) => again(Notice::field(refused(refusal, visitor.language), "new")),
        Err(_) => again(Notice::field(texts.reset_refused, "code")),
    }
}
