//! Recovery codes: made anew and shown once, on a page that can be printed.

use super::{second_factor, step_up};
use crate::frame::Page;
use crate::standing::Said;
use crate::texts::factors::Factors;
use crate::visitor::{Person, Posted};
use axum::response::Response;
use maud::html;

/// Where they are made.
pub(crate) const MAKE: &str = "/portal/second-factor/recovery";

/// POST: new ones.
pub(crate) async fn make(posted: Posted<Person>) -> Response {
    let person = posted.who;
    let proof = match step_up::proof(&person, &second_factor::PLACE) {
        Ok(proof) => proof,
        Err(answer) => return *answer,
    };
    let codes = match person.session.make_recovery_codes(proof).await {
        Ok(codes) => codes,
        Err(refusal) => return person.go(&second_factor::PLACE, Said::Refused(refusal)),
    };
    let texts = Factors::of(person.language());
    let content = html! {
        p { strong { (texts.recovery_once) } }
        p { (person.session.address()) }
        ol.codes { @for code in &codes { li { code { (code.as_str()) } } } }
        p { a.button href=(second_factor::PLACE.path) { (texts.recovery_kept) } }
    };
    // Without the switch of the language, which would lead away from the codes.
    person.page(&Page { title: texts.recovery_title, back: None, ..Page::of(&second_factor::PLACE, person.language()) }, &content)
}
