//! Setting up an authenticator: show its secret, then prove it with a first code. Replacing one takes a fresh factor.

use super::{refused, second_factor, step_up};
use crate::frame::{Notice, Page};
use crate::parts::{digits_field, in_groups, qr_code};
use crate::standing::Said;
use crate::texts::factors::Factors;
use crate::texts::refusals::Refusals;
use crate::visitor::{Person, Posted};
use axum::response::Response;
use http::StatusCode;
use maud::html;
use octroi_gate::TotpEnrolment;

/// Where its second step is.
const CONFIRM: &str = "/portal/second-factor/confirm";

/// POST: make a secret.
pub(crate) async fn begin(posted: Posted<Person>) -> Response {
    let person = posted.who;
    if person.session.has_second_factor()
        && let Err(answer) = step_up::proof(&person, &second_factor::PLACE)
    {
        return *answer;
    }
    match person.session.begin_totp().await {
        Ok(enrolment) => {
            person.with(|signed_in| signed_in.totp = Some(enrolment));
            person.go_to(CONFIRM)
        }
        Err(refusal) => person.go(&second_factor::PLACE, Said::Refused(refusal)),
    }
}

/// GET: the secret, and a field for the first code.
pub(crate) async fn show(person: Person) -> Response {
    match person.with(|signed_in| signed_in.totp.clone()).flatten() {
        Some(enrolment) => page(&person, &enrolment, StatusCode::OK, Notice::None),
        None => person.go_to(second_factor::PLACE.path),
    }
}

fn page(person: &Person, enrolment: &TotpEnrolment, status: StatusCode, notice: Notice) -> Response {
    let texts = Factors::of(person.language());
    let content = html! {
        h2 { "1. " (texts.step_scan) }
        div.enrolment {
            @if let Some(picture) = qr_code(&enrolment.url, texts.picture) { (picture) }
            div {
                p { (texts.how) }
                p { (texts.secret) }
                p { code.secret id="secret" { (in_groups(&enrolment.secret_base32)) } }
                // The gate makes this URL; its scheme is otpauth whatever the account is called.
                p { a href=(enrolment.url.as_str()) { (texts.link) } }
            }
        }
        h2 { "2. " (texts.step_confirm) }
        (person.form(CONFIRM, texts.confirm, &digits_field(person.language(), &notice, texts.digits_hint)))
        p { a href=(second_factor::PLACE.path) { (texts.cancel) } }
    };
    let page = Page { status, notice, title: texts.enrol, back: Some(CONFIRM), ..Page::of(&second_factor::PLACE, person.language()) };
    person.page(&page, &content)
}

/// POST: the first code.
pub(crate) async fn confirm(posted: Posted<Person>) -> Response {
    let Posted { who: mut person, form } = posted;
    let Some(enrolment) = person.with(|signed_in| signed_in.totp.clone()).flatten() else {
        return person.go(&second_factor::PLACE, Said::Fault(|language| Refusals::of(language).stale));
    };
    match person.session.confirm_totp(enrolment.clone(), &form.code()).await {
        Ok(()) => {
            person.with(|signed_in| signed_in.totp = None);
            person.renew();
            person.go(&super::overview::PLACE, Said::Done(|language| Factors::of(language).done))
        }
        // The same secret again: the person's app has it already.
        Err(refusal) => {
            let notice = Notice::field(refused(refusal, person.language()), "code");
            page(&person, &enrolment, StatusCode::FORBIDDEN, notice)
        }
    }
}
