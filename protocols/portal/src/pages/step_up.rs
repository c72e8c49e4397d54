//! A fresh second factor for what needs one: a part of other pages, and a page of its own with every way to give it.

use super::{Audience, Place, files, overview, refused};
use crate::form::Form;
use crate::frame::{Notice, PASSKEY_URL, Page};
use crate::parts::code_field;
use crate::request::own_path;
use crate::standing::Said;
use crate::texts::factors::Factors;
use crate::texts::refusals::Refusals;
use crate::visitor::{Person, Posted};
use crate::ways::{Ways, passkey_refused};
use axum::extract::RawQuery;
use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};
use octroi_gate::{Refusal, Stepped};
use octroi_model::FactorId;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// Where it stands. The navigation does not show it.
pub(crate) const PLACE: Place =
    Place { path: "/portal/step-up", title: |language| Factors::of(language).step_up, audience: Audience::SignedIn };

/// What a page shows where a fresh second factor is needed first; one comes back to it.
pub(crate) fn section(person: &Person, back: &Place) -> Markup {
    section_to(person, back.path)
}

/// The same with a path to come back to.
pub(crate) fn section_to(person: &Person, back: &str) -> Markup {
    let texts = Factors::of(person.language());
    let fields = html! {
        input type="hidden" name="to" value=(back);
        (code_field(person.language(), &Notice::None, false))
    };
    html! {
        section.call aria-labelledby="step-up" {
            h2 id="step-up" { (texts.step_up) }
            p { (texts.step_up_why) }
            (person.form(PLACE.path, texts.go_on, &fields))
            (other_ways_to(person, back))
        }
    }
}

/// A link to the other ways, for whoever has them.
pub(crate) fn other_ways(person: &Person, back: &Place) -> Markup {
    other_ways_to(person, back.path)
}

/// The same with a path to come back to.
pub(crate) fn other_ways_to(person: &Person, back: &str) -> Markup {
    let has_others = person.session.factors().is_ok_and(|factors| !factors.passkeys.is_empty() || !factors.devices.is_empty());
    html! {
        @if has_others {
            p { a href={ (PLACE.path) "?to=" (utf8_percent_encode(back, NON_ALPHANUMERIC)) } { (Factors::of(person.language()).step_up_other) } }
        }
    }
}

/// The proof that an act needs; without a fresh one, the answer that asks for it.
pub(crate) fn proof(person: &Person, back: &Place) -> Result<Stepped, Box<Response>> {
    person.session.fresh().ok_or_else(|| {
        person.with(|signed_in| signed_in.notice = Some(Said::Fault(|language| Refusals::of(language).confirm_first)));
        Box::new(person.go_to(&format!("{}?to={}", PLACE.path, back.path)))
    })
}

/// GET: every way.
pub(crate) async fn show(person: Person, RawQuery(query): RawQuery) -> Response {
    let query = Form::parse(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    page(&person, to(&query), StatusCode::OK, Notice::None)
}

fn to(form: &Form) -> &str {
    own_path(form.get("to")).unwrap_or(overview::PLACE.path)
}

fn page(person: &Person, to: &str, status: StatusCode, notice: Notice) -> Response {
    let Ok(factors) = person.session.factors() else { return person.go_to(overview::PLACE.path) };
    let challenge = if factors.passkeys.is_empty() { None } else { person.session.begin_passkey().ok() };
    let options = challenge.as_ref().map(|challenge| challenge.options.clone());
    person.with(|signed_in| signed_in.challenge = challenge);
    let ways = Ways { path: PLACE.path, to: Some(to), factors: &factors, challenge: options.as_deref() };
    let content = html! {
        p { (Factors::of(person.language()).step_up_why) }
        (ways.show(&person.visitor, &notice))
    };
    let script = options.as_ref().map(|_| PASSKEY_URL.as_str());
    // It belongs to the page that one came from, which the navigation shows.
    let is_it = |place: &&&Place| place.path == to || (place.path == files::PLACE.path && to.starts_with(place.path));
    let place = super::PLACES.iter().find(is_it).copied().unwrap_or(&overview::PLACE);
    let title = Factors::of(person.language()).step_up;
    person.page(&Page { status, notice, script, title, back: Some(PLACE.path), ..Page::of(place, person.language()) }, &content)
}

/// POST: a code.
pub(crate) async fn code(posted: Posted<Person>) -> Response {
    let Posted { who: mut person, form } = posted;
    match person.session.step_up(&form.code()).await {
        Ok(_) => {
            person.renew();
            person.go_to(to(&form))
        }
        Err(refusal) => {
            let notice = Notice::field(refused(refusal, person.language()), "code");
            page(&person, to(&form), StatusCode::FORBIDDEN, notice)
        }
    }
}

/// POST: have a code sent.
pub(crate) async fn send(posted: Posted<Person>) -> Response {
    let Posted { who: person, form } = posted;
    let sent = form.get("device").parse().map_err(|_| Refusal::Missing).and_then(|id| person.session.send_code(FactorId(id)));
    let said = sent.map_or_else(Said::Refused, |()| Said::Done(|language| Factors::of(language).sent));
    person.with(|signed_in| signed_in.notice = Some(said));
    person.go_to(&format!("{}?to={}", PLACE.path, utf8_percent_encode(to(&form), NON_ALPHANUMERIC)))
}

/// POST: a passkey.
pub(crate) async fn passkey(posted: Posted<Person>) -> Response {
    let Posted { who: mut person, form } = posted;
    let Some(challenge) = person.with(|signed_in| signed_in.challenge.take()).flatten() else {
        return page(&person, to(&form), StatusCode::FORBIDDEN, Notice::fault(Refusals::of(person.language()).stale));
    };
    match person.session.step_up_with_passkey(challenge, form.get("answer")).await {
        Ok(_) => {
            person.renew();
            person.go_to(to(&form))
        }
        Err(refusal) => page(&person, to(&form), StatusCode::FORBIDDEN, passkey_refused(refusal, person.language())),
    }
}
