//! Devices: log-ins that wait for their owner's word, and the networks from which app passwords were confirmed.

use super::{Audience, Place, step_up};
use crate::frame::{Notice, Page};
use crate::parts::{moment, table};
use crate::standing::Said;
use crate::texts::app_passwords::service_name;
use crate::texts::devices::Devices;
use crate::visitor::{Person, Posted};
use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};
use octroi_gate::{ConfirmedDevice, WaitingLogIn};

/// Where it stands.
pub(crate) const PLACE: Place =
    Place { path: "/portal/devices", title: |language| Devices::of(language).title, audience: Audience::SignedIn };
const CONFIRM: &str = "/portal/devices/confirm";
const REFUSE: &str = "/portal/devices/refuse";
const WITHDRAW: &str = "/portal/devices/withdraw";

/// GET.
pub(crate) async fn show(person: Person) -> Response {
    let texts = Devices::of(person.language());
    let waiting = person.session.waiting();
    let confirmed = person.session.confirmed_devices();
    let fresh = person.session.fresh().is_some();
    let content = html! {
        p { (texts.why) }
        @if !(fresh || waiting.is_empty() && confirmed.is_empty()) { (step_up::section(&person, &PLACE)) }
        section aria-labelledby="waiting" {
            h2 id="waiting" { (texts.waiting) }
            @if waiting.is_empty() {
                p.well { (texts.none_waits) }
            } @else {
                p { (texts.waiting_why) }
                (table(
                    texts.waiting,
                    &[texts.label, texts.client, texts.service, texts.peer, texts.zone, texts.at, texts.action],
                    &waiting.iter().map(|log_in| waiting_row(&person, log_in, fresh)).collect::<Vec<_>>(),
                ))
            }
        }
        section aria-labelledby="confirmed" {
            h2 id="confirmed" { (texts.confirmed) }
            @if confirmed.is_empty() {
                p { (texts.none_confirmed) }
            } @else {
                p { (texts.again_why) }
                (table(
                    texts.confirmed,
                    &[texts.label, texts.client, texts.network, texts.confirmed_at, texts.action],
                    &confirmed.iter().map(|device| confirmed_row(&person, device, fresh)).collect::<Vec<_>>(),
                ))
            }
        }
    };
    person.page(&Page { status: StatusCode::OK, notice: Notice::None, ..Page::of(&PLACE, person.language()) }, &content)
}

fn waiting_row(person: &Person, log_in: &WaitingLogIn, fresh: bool) -> Vec<Markup> {
    let texts = Devices::of(person.language());
    let about = (log_in.public_id.as_str(), log_in.network.as_str(), log_in.label.as_str());
    vec![
        html! { (log_in.label) " " small { (log_in.public_id) } },
        client(texts, log_in.client.as_deref()),
        html! { (service_name(person.language(), log_in.service)) },
        html! { (log_in.peer) },
        html! { (log_in.zone) },
        moment(log_in.at),
        html! {
            @if fresh { (button(person, CONFIRM, texts.confirm, "", about)) }
            (button(person, REFUSE, texts.refuse, "grave", about))
        },
    ]
}

fn confirmed_row(person: &Person, device: &ConfirmedDevice, fresh: bool) -> Vec<Markup> {
    let texts = Devices::of(person.language());
    let about = (device.public_id.as_str(), device.network.as_str(), device.label.as_str());
    vec![
        html! { (device.label) " " small { (device.public_id) } },
        client(texts, device.client.as_deref()),
        html! { (device.network) },
        moment(device.at),
        html! {
            @if fresh { (button(person, CONFIRM, texts.again, "", about)) }
            (button(person, WITHDRAW, texts.withdraw, "grave", about))
        },
    ]
}

fn client(texts: &Devices, client: Option<&str>) -> Markup {
    html! { (client.unwrap_or(texts.unnamed)) }
}

fn button(person: &Person, action: &str, text: &str, class: &str, (id, network, label): (&str, &str, &str)) -> Markup {
    html! {
        form method="post" action=(action) {
            (person.visitor.token())
            input type="hidden" name="id" value=(id);
            input type="hidden" name="network" value=(network);
            button type="submit" class=[(!class.is_empty()).then_some(class)] aria-label={ (text) ": " (label) ", " (network) } { (text) }
        }
    }
}

/// POST: that was me, or I want to go on with a reserved action.
pub(crate) async fn confirm(posted: Posted<Person>) -> Response {
    let Posted { who: person, form } = posted;
    let proof = match step_up::proof(&person, &PLACE) {
        Ok(proof) => proof,
        Err(answer) => return *answer,
    };
    let done = person.session.confirm_device(proof, form.get("id"), form.get("network")).await;
    person.go(&PLACE, done.map_or_else(Said::Refused, |()| Said::Done(|language| Devices::of(language).done)))
}

/// POST: that was not me. Needs no factor: it only takes away, and there may be no time to lose.
pub(crate) async fn refuse(posted: Posted<Person>) -> Response {
    let Posted { who: person, form } = posted;
    let done = person.session.refuse_device(form.get("id")).await;
    person.go(&PLACE, done.map_or_else(Said::Refused, |()| Said::Done(|language| Devices::of(language).refused)))
}

/// POST: no longer from there without asking me.
pub(crate) async fn withdraw(posted: Posted<Person>) -> Response {
    let Posted { who: person, form } = posted;
    let done = person.session.unconfirm_device(form.get("id"), form.get("network")).await;
    person.go(&PLACE, done.map_or_else(Said::Refused, |()| Said::Done(|language| Devices::of(language).withdrawn)))
}
