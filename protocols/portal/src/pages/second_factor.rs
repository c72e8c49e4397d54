//! Setting up an authenticator: show its secret, then prove it with a first code. Replacing one takes a code of the old one.

use super::{Audience, Place, refused};
use crate::frame::{Notice, Page};
use crate::parts::{code_field, in_groups, qr_code};
use crate::standing::Said;
use crate::texts::factors::Factors;
use crate::texts::refusals::Refusals;
use crate::visitor::{Person, Posted};
use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};
use octroi_gate::TotpEnrolment;

/// Where it stands.
pub(crate) const PLACE: Place =
    Place { path: "/portal/second-factor", title: |language| Factors::of(language).title, audience: Audience::SignedIn };
/// Where its second step is.
const CONFIRM: &str = "/portal/second-factor/confirm";

/// GET: the beginning.
pub(crate) async fn show(person: Person) -> Response {
    page(&person, StatusCode::OK, Notice::None)
}

fn page(person: &Person, status: StatusCode, notice: Notice) -> Response {
    let texts = Factors::of(person.language());
    let enrolled = person.session.has_second_factor();
    let code = if enrolled && person.session.fresh().is_none() { code_field(person.language(), notice, false) } else { Markup::default() };
    let content = html! {
        p { (texts.why) }
        @if enrolled {
            p.well { (texts.enrolled) }
            h2 { (texts.replace) }
            p { (texts.replace_why) }
        } @else {
            p.missing { (texts.missing) }
        }
        (person.form(PLACE.path, if enrolled { texts.replace } else { texts.enrol }, &code))
    };
    person.page(&Page { status, notice, ..Page::of(&PLACE, person.language()) }, &content)
}

/// POST: make a secret.
pub(crate) async fn begin(posted: Posted<Person>) -> Response {
    let Posted { who: mut person, form } = posted;
    if person.session.has_second_factor()
        && person.session.fresh().is_none()
        && let Err(refusal) = person.step_up(&form).await
    {
        return page(&person, StatusCode::FORBIDDEN, Notice::Fault(refused(refusal)(person.language()), Some("code")));
    }
    match person.session.begin_totp().await {
        Ok(enrolment) => {
            person.with(|signed_in| signed_in.enrolment = Some(enrolment));
            person.go_to(CONFIRM)
        }
        Err(refusal) => page(&person, StatusCode::FORBIDDEN, Notice::fault(refused(refusal)(person.language()))),
    }
}

/// GET: the secret, and a field for the first code.
pub(crate) async fn show_confirm(person: Person) -> Response {
    match person.with(|signed_in| signed_in.enrolment.clone()).flatten() {
        Some(enrolment) => confirm_page(&person, &enrolment, StatusCode::OK, Notice::None),
        None => person.go_to(PLACE.path),
    }
}

fn confirm_page(person: &Person, enrolment: &TotpEnrolment, status: StatusCode, notice: Notice) -> Response {
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
        (person.form(CONFIRM, texts.confirm, &code_field(person.language(), notice, false)))
        p { a href=(PLACE.path) { (texts.cancel) } }
    };
    let page = Page { status, notice, title: texts.enrol, back: Some(CONFIRM), ..Page::of(&PLACE, person.language()) };
    person.page(&page, &content)
}

/// POST: the first code.
pub(crate) async fn confirm(posted: Posted<Person>) -> Response {
    let Posted { who: mut person, form } = posted;
    let Some(enrolment) = person.with(|signed_in| signed_in.enrolment.clone()).flatten() else {
        return person.go(&PLACE, Said::Fault(|language| Refusals::of(language).stale));
    };
    match person.session.confirm_totp(enrolment.clone(), &form.code()).await {
        Ok(()) => {
            person.with(|signed_in| signed_in.enrolment = None);
            person.renew();
            person.go(&super::overview::PLACE, Said::Done(|language| Factors::of(language).done))
        }
        // The same secret again: the person's app has it already.
        Err(refusal) => {
            let notice = Notice::Fault(refused(refusal)(person.language()), Some("code"));
            confirm_page(&person, &enrolment, StatusCode::FORBIDDEN, notice)
        }
    }
}
