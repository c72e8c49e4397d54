//! Setting up a device that codes are sent to: where it is reached, then the first code that came there.

use super::{refused, second_factor};
use crate::frame::{Notice, Page};
use crate::parts::digits_field;
use crate::standing::Said;
use crate::texts::factors::Factors;
use crate::texts::refusals::Refusals;
use crate::visitor::{Person, Posted};
use axum::response::Response;
use http::StatusCode;
use maud::html;
use octroi_gate::Refusal;
use octroi_model::Reach;

/// Where it begins.
pub(crate) const BEGIN: &str = "/portal/second-factor/device";

/// POST: where it is reached.
pub(crate) async fn begin(posted: Posted<Person>) -> Response {
    let Posted { who: person, form } = posted;
    if let Err(answer) = second_factor::may_add(&person) {
        return *answer;
    }
    let begun = reach(form.get("reach")).ok_or(Refusal::Unsupported).and_then(|reach| {
        let enrolment = person.session.begin_device(reach.clone())?;
        Ok((reach, enrolment))
    });
    match begun {
        Ok((reach, enrolment)) => {
            person.with(|signed_in| signed_in.device = Some((reach, enrolment.into())));
            person.go_to(CONFIRM)
        }
        Err(refusal) => {
            let texts = Factors::of(person.language());
            let text = if refusal == Refusal::Unsupported { texts.device_bad.into() } else { refused(refusal, person.language()) };
            second_factor::page(&person, StatusCode::FORBIDDEN, Notice::field(text, "reach"))
        }
    }
}

/// Where its second step is.
const CONFIRM: &str = "/portal/second-factor/device/confirm";

/// An address or a telephone number, as people type it.
fn reach(text: &str) -> Option<Reach> {
    let text = text.trim();
    if text.contains('@') {
        return text.parse().ok().map(Reach::Mail);
    }
    let number: String = text.chars().filter(|c| !matches!(c, '.' | '-' | '(' | ')' | '/' | '\u{a0}' | '\u{202f}')).collect();
    number.contains(|c: char| c.is_ascii_digit()).then_some(Reach::Message(number))
}

/// GET: a field for the code that was sent.
pub(crate) async fn show(person: Person) -> Response {
    page(&person, StatusCode::OK, Notice::None)
}

fn page(person: &Person, status: StatusCode, notice: Notice) -> Response {
    let texts = Factors::of(person.language());
    let Some(reach) = person.with(|signed_in| signed_in.device.as_ref().map(|(reach, _)| reach.clone())).flatten() else {
        return person.go_to(second_factor::PLACE.path);
    };
    let content = html! {
        p { (texts.device_sent) " " strong { (reach) } "." }
        (person.form(CONFIRM, texts.confirm, &digits_field(person.language(), &notice, texts.sent_hint)))
        p { a href=(second_factor::PLACE.path) { (texts.cancel) } }
    };
    let place = Page::of(&second_factor::PLACE, person.language());
    person.page(&Page { status, notice, title: texts.device_title, back: Some(CONFIRM), ..place }, &content)
}

/// POST: the code.
pub(crate) async fn confirm(posted: Posted<Person>) -> Response {
    let Posted { who: mut person, form } = posted;
    let Some(enrolment) = person.with(|signed_in| signed_in.device.as_ref().map(|(_, begun)| begun.clone())).flatten() else {
        return person.go(&second_factor::PLACE, Said::Fault(|language| Refusals::of(language).stale));
    };
    match person.session.confirm_device_enrolment(&enrolment, &form.code()).await {
        Ok(()) => {
            person.with(|signed_in| signed_in.device = None);
            person.renew();
            person.go(&second_factor::PLACE, Said::Done(|language| Factors::of(language).device_done))
        }
        Err(refusal) => page(&person, StatusCode::FORBIDDEN, Notice::field(refused(refusal, person.language()), "code")),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_numbers_are_told_apart() {
        assert_eq!(reach(" lea@example.org ").unwrap(), Reach::Mail("lea@example.org".parse().unwrap()));
        assert_eq!(reach("+33 (0)6-12.34 56 78").unwrap(), Reach::Message("+33 0612.34 56 78".replace('.', "")));
        for bad in ["", "lea", "@", "lea@"] {
            assert!(reach(bad).is_none(), "{bad}");
        }
    }
}
