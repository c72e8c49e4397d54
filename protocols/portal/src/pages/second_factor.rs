//! Second factors: which there are, and the beginning of setting up or removing each.

use super::{Audience, Place, passkeys, reached, recovery, step_up};
use crate::frame::{Notice, Page};
use crate::parts::{Field, day, moment, table};
use crate::standing::Said;
use crate::texts::factors::Factors;
use crate::visitor::{Person, Posted};
use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};
use octroi_gate::{FactorFacts, Refusal};
use octroi_model::{FactorId, UnixTime};

/// Where it stands.
pub(crate) const PLACE: Place =
    Place { path: "/portal/second-factor", title: |language| Factors::of(language).title, audience: Audience::SignedIn };
const REMOVE: &str = "/portal/second-factor/remove";
/// What stands in the form in place of a factor's number for the authenticator, of which there is one at most.
const AUTHENTICATOR: &str = "authenticator";

/// GET.
pub(crate) async fn show(person: Person) -> Response {
    page(&person, StatusCode::OK, Notice::None)
}

/// The page, with something to say.
pub(crate) fn page(person: &Person, status: StatusCode, notice: Notice) -> Response {
    let texts = Factors::of(person.language());
    let Ok(factors) = person.session.factors() else { return person.go_to(super::overview::PLACE.path) };
    let may_change = !factors.any() || person.session.fresh().is_some();
    let content = html! {
        p { (texts.why) }
        @if !factors.any() { p.missing { (texts.missing) } }
        @if !may_change { (step_up::section(person, &PLACE)) }
        section aria-labelledby="authenticator" {
            h2 id="authenticator" { (texts.authenticator) }
            (authenticator(person, &factors, may_change))
        }
        section aria-labelledby="passkeys" {
            h2 id="passkeys" { (texts.passkeys) }
            p { (texts.passkeys_why) }
            (passkey_list(person, &factors, may_change))
            @if may_change {
                @let name = field("label", texts.passkey_name, texts.passkey_hint, person, &notice);
                (person.form(passkeys::BEGIN, texts.passkey_add, &name))
            }
        }
        section aria-labelledby="devices" {
            h2 id="devices" { (texts.devices) }
            p { (texts.devices_why) }
            (device_list(person, &factors, may_change))
            @if may_change {
                @let (label, hint) = if person.session.sends_to_numbers() {
                    (texts.device_reach, texts.device_hint)
                } else {
                    (texts.device_reach_mail, texts.device_hint_mail)
                };
                @let reach = field("reach", label, hint, person, &notice);
                (person.form(reached::BEGIN, texts.device_add, &reach))
            }
        }
        @if factors.any() {
            section aria-labelledby="recovery" {
                h2 id="recovery" { (texts.recovery) }
                p { (texts.recovery_why) }
                p.well[factors.recovery_left > 0].missing[factors.recovery_left == 0] {
                    @match factors.recovery_left {
                        0 => { (texts.recovery_none) }
                        left => { (texts.recovery_left) ": " strong { (left) } }
                    }
                }
                @if may_change { (person.form(recovery::MAKE, texts.recovery_make, &Markup::default())) }
            }
        }
    };
    person.page(&Page { status, notice, ..Page::of(&PLACE, person.language()) }, &content)
}

fn authenticator(person: &Person, factors: &FactorFacts, may_change: bool) -> Markup {
    let texts = Factors::of(person.language());
    html! {
        @if factors.totp {
            p.well { (texts.enrolled) }
            @if may_change {
                p { (texts.replace_why) }
                (person.form(PLACE.path, texts.replace, &Markup::default()))
                (remove(person, AUTHENTICATOR, texts.authenticator))
            }
        } @else {
            p { (texts.authenticator_why) }
            @if may_change { (person.form(PLACE.path, texts.enrol, &Markup::default())) }
        }
    }
}

fn field(id: &'static str, label: &'static str, hint: &'static str, person: &Person, notice: &Notice) -> Markup {
    let field = Field { id, label, fill: "off", hint: Some(hint), characters_max: Some(100), ..Field::default() };
    field.show(person.language(), notice)
}

fn passkey_list(person: &Person, factors: &FactorFacts, may_change: bool) -> Markup {
    let all = factors.passkeys.iter().map(|passkey| (passkey.label.clone(), passkey.id, passkey.created, passkey.last_used));
    list(person, Factors::of(person.language()).passkey_list, all, may_change)
}

fn device_list(person: &Person, factors: &FactorFacts, may_change: bool) -> Markup {
    let all = factors.devices.iter().map(|device| (device.reach.to_string(), device.id, device.created, device.last_used));
    list(person, Factors::of(person.language()).device_list, all, may_change)
}

fn list(
    person: &Person,
    caption: &str,
    all: impl Iterator<Item = (String, FactorId, UnixTime, Option<UnixTime>)>,
    may_change: bool,
) -> Markup {
    let texts = Factors::of(person.language());
    let row = |(name, id, made, last_used): (String, FactorId, UnixTime, Option<UnixTime>)| {
        let last_used = html! { @match last_used { None => { (texts.never) } Some(at) => { (moment(at)) } } };
        let mut row = vec![html! { (name) }, day(made), last_used];
        if may_change {
            row.push(remove(person, &id.0.to_string(), &name));
        }
        row
    };
    let rows: Vec<Vec<Markup>> = all.map(row).collect();
    let headings = [texts.name, texts.made, texts.last_used, texts.action];
    html! { @if !rows.is_empty() { (table(caption, &headings[..if may_change { 4 } else { 3 }], &rows)) } }
}

fn remove(person: &Person, id: &str, name: &str) -> Markup {
    let texts = Factors::of(person.language());
    html! {
        form method="post" action=(REMOVE) {
            (person.visitor.token())
            input type="hidden" name="id" value=(id);
            button.grave type="submit" aria-label={ (texts.remove) ": " (name) } { (texts.remove) }
        }
    }
}

/// POST: remove one.
pub(crate) async fn remove_one(posted: Posted<Person>) -> Response {
    let Posted { who: person, form } = posted;
    let proof = match step_up::proof(&person, &PLACE) {
        Ok(proof) => proof,
        Err(answer) => return *answer,
    };
    let done = match (form.get("id"), form.get("id").parse()) {
        (AUTHENTICATOR, _) => person.session.remove_totp(proof).await,
        (_, Ok(id)) => person.session.remove_factor(proof, FactorId(id)).await,
        (_, Err(_)) => Err(Refusal::Missing),
    };
    person.go(&PLACE, done.map_or_else(Said::Refused, |()| Said::Done(|language| Factors::of(language).removed)))
}

/// Nothing may be added without a fresh factor, but for the first one.
pub(crate) fn may_add(person: &Person) -> Result<(), Box<Response>> {
    if person.session.has_second_factor() { step_up::proof(person, &PLACE).map(drop) } else { Ok(()) }
}
