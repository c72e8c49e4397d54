//! Setting up a passkey: its name, then the browser's own dialogue, whose answer the script sends.

use super::{refused, second_factor};
use crate::frame::{Notice, PASSKEY_URL, Page};
use crate::standing::Said;
use crate::texts::factors::Factors;
use crate::texts::refusals::Refusals;
use crate::visitor::{Person, Posted};
use crate::ways::{passkey_form, passkey_refused};
use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};

/// Where it begins.
pub(crate) const BEGIN: &str = "/portal/second-factor/passkey";
const FINISH: &str = "/portal/second-factor/passkey/finish";
/// Longest name, in bytes, as the gate cuts it.
const LABEL_BYTES_MAX: usize = 100;

/// POST: its name.
pub(crate) async fn begin(posted: Posted<Person>) -> Response {
    let Posted { who: person, form } = posted;
    if let Err(answer) = second_factor::may_add(&person) {
        return *answer;
    }
    let label = form.get("label").trim();
    if label.is_empty() || label.len() > LABEL_BYTES_MAX {
        let notice = Notice::field(Factors::of(person.language()).passkey_name_missing, "label");
        return second_factor::page(&person, StatusCode::FORBIDDEN, notice);
    }
    match person.session.begin_passkey_enrolment(label) {
        Ok(enrolment) => {
            person.with(|signed_in| signed_in.passkey = Some(enrolment));
            person.go_to(BEGIN)
        }
        Err(refusal) => {
            let notice = Notice::field(refused(refusal, person.language()), "label");
            second_factor::page(&person, StatusCode::FORBIDDEN, notice)
        }
    }
}

/// GET: the page with the script that asks the browser.
pub(crate) async fn show(person: Person) -> Response {
    let texts = Factors::of(person.language());
    let Some(options) = person.with(|signed_in| signed_in.passkey.as_ref().map(|begun| begun.options.clone())).flatten() else {
        return person.go_to(second_factor::PLACE.path);
    };
    let content = html! {
        p { (texts.passkey_next) }
        (passkey_form(&person.visitor, FINISH, "create", &options, texts.passkey_make, &Markup::default()))
        p { a href=(second_factor::PLACE.path) { (texts.cancel) } }
    };
    let place = Page::of(&second_factor::PLACE, person.language());
    person.page(&Page { title: texts.passkey_add, back: Some(BEGIN), script: Some(&PASSKEY_URL), ..place }, &content)
}

/// POST: the authenticator's answer.
pub(crate) async fn finish(posted: Posted<Person>) -> Response {
    let Posted { who: mut person, form } = posted;
    let Some(enrolment) = person.with(|signed_in| signed_in.passkey.take()).flatten() else {
        return person.go(&second_factor::PLACE, Said::Fault(|language| Refusals::of(language).stale));
    };
    match person.session.finish_passkey_enrolment(enrolment, form.get("answer")).await {
        Ok(()) => {
            person.renew();
            person.go(&second_factor::PLACE, Said::Done(|language| Factors::of(language).passkey_done))
        }
        Err(refusal) => second_factor::page(&person, StatusCode::FORBIDDEN, passkey_refused(refusal, person.language())),
    }
}
