//! Another main password. Every portal session of the account ends with it, this one too.

use super::{Audience, Place, refused, sign_in};
use crate::frame::{Notice, Page};
use crate::parts::Field;
use crate::texts::password::Password;
use crate::visitor::{Person, Posted};
use axum::response::Response;
use http::StatusCode;
use maud::html;
use octroi_gate::Refusal;
use std::borrow::Cow;

/// Where it stands.
pub(crate) const PLACE: Place =
    Place { path: "/portal/password", title: |language| Password::of(language).title, audience: Audience::SignedIn };

/// GET.
pub(crate) async fn show(person: Person) -> Response {
    page(&person, StatusCode::OK, Notice::None)
}

fn page(person: &Person, status: StatusCode, notice: Notice) -> Response {
    let texts = Password::of(person.language());
    let secret = |id, label, fill, hint| {
        let field = Field { id, label, kind: "password", fill, hint, ..Field::default() };
        field.show(person.language(), &notice)
    };
    let fields = html! {
        (secret("old", texts.old, "current-password", None))
        (secret("new", texts.new, "new-password", Some(texts.rules)))
        (secret("again", texts.again, "new-password", None))
    };
    let content = html! {
        p { (texts.why) }
        (person.form("/portal/password", texts.change, &fields))
    };
    person.page(&Page { status, notice, ..Page::of(&PLACE, person.language()) }, &content)
}

/// POST.
pub(crate) async fn change(posted: Posted<Person>) -> Response {
    let Posted { who: person, form } = posted;
    let texts = Password::of(person.language());
    let again = |fault: Cow<'static, str>, field| page(&person, StatusCode::FORBIDDEN, Notice::field(fault, field));
    if form.get("new") != form.get("again") {
        return again(texts.differ.into(), "again");
    }
    let Ok(permit) = person.visitor.portal.sign_ins.try_acquire() else { return person.visitor.busy() };
    let changed = person.session.change_password(form.get("old"), form.get("new")).await;
    drop(permit);
    match changed {
        Ok(()) => {
            person.visitor.portal.sessions.end(&person.visitor.id);
            sign_in::form(&person.visitor, StatusCode::OK, Notice::Done(texts.changed))
        }
        Err(Refusal::InvalidCode) => again(texts.old_wrong.into(), "old"),
        Err(refusal) => again(refused(refusal, person.language()), "new"),
    }
}
