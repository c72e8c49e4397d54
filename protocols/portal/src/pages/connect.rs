//! A program asks to be connected: the two addresses that it speaks to, and the page where its owner says what it may have.
//!
//! Nextcloud's login flow, version 2 (its developer manual, "Login flow"): the program POSTs to `/index.php/login/v2`, sends a browser to the
//! `login` URL, and asks at `poll` until it is answered. What always holds: what the program gets is an app password that the person has made
//! here, with a second factor of just now, for what they ticked; somebody who was sent the URL by another sees whose program it is.

use super::{Audience, Place, app_passwords, missing, overview, refused, second_factor, step_up};
use crate::flows::{Asking, Granted, NoFlow};
use crate::form::Form;
use crate::frame::{Notice, Page};
use crate::pages::Portal;
use crate::parts::{Field, boxes, code_field, facts, moment};
use crate::standing::Said;
use crate::texts::app_passwords::{AppPasswords, service_name};
use crate::texts::connect::Connect;
use crate::visitor::{Person, Posted};
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, USER_AGENT};
use http::{HeaderValue, StatusCode};
use http_body_util::{BodyExt, Limited};
use maud::{Markup, html};
use octroi_gate::{Preset, Refusal, Scope};
use octroi_http::{Client, retry_later};
use octroi_model::{Service, Services};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

/// Where it stands. The navigation does not show it.
const PLACE: Place = Place { path: "/portal/connect", title: |language| Connect::of(language).title, audience: Audience::SignedIn };
/// What the program asks with is a token of 64 letters, as a form or in JSON.
const POLL_BYTES_MAX: usize = 1024;
/// When to try again while too many programs wait.
const BUSY_RETRY: Duration = Duration::from_mins(1);
/// What such a program can be connected to.
const OFFERED: [Service; 3] = [Service::Caldav, Service::Carddav, Service::Files];

/// POST `/index.php/login/v2`: a program begins.
pub(crate) async fn begin(State(portal): State<Arc<Portal>>, request: Request) -> Response {
    let Some(origin) = portal.config.served.dav.as_deref() else { return answer(StatusCode::NOT_FOUND, &json!([])) };
    let client = request.headers().get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let begun = match portal.flows.begin(client, Client::of(request.extensions()).addr) {
        Ok(begun) => begun,
        Err(NoFlow::Crowded) => return answer(StatusCode::TOO_MANY_REQUESTS, &json!([])),
        Err(NoFlow::Full) => return retry_later("Too many programs wait to be connected.", BUSY_RETRY),
    };
    let login = format!("{origin}{}/{}", PLACE.path, begun.id);
    let poll = json!({"token": begun.token, "endpoint": format!("{origin}/index.php/login/v2/poll")});
    answer(StatusCode::OK, &json!({"poll": poll, "login": login}))
}

/// POST `/index.php/login/v2/poll`: was it granted? 404 until then, and afterwards.
pub(crate) async fn poll(State(portal): State<Arc<Portal>>, request: Request) -> Response {
    let body = Limited::new(request.into_body(), POLL_BYTES_MAX).collect().await;
    let token = body.ok().and_then(|body| token(&body.to_bytes())).unwrap_or_default();
    match (portal.flows.take(&token), &portal.config.served.dav) {
        (Some(granted), Some(origin)) => {
            answer(StatusCode::OK, &json!({"server": origin, "loginName": granted.address, "appPassword": granted.secret.as_str()}))
        }
        _ => answer(StatusCode::NOT_FOUND, &json!([])),
    }
}

/// The token in a form, or in JSON.
fn token(body: &[u8]) -> Option<Zeroizing<String>> {
    if let Ok(Value::Object(fields)) = serde_json::from_slice::<Value>(body) {
        return Some(Zeroizing::new(fields.get("token")?.as_str()?.to_owned()));
    }
    Some(Zeroizing::new(Form::parse(body)?.get("token").to_owned()))
}

fn answer(status: StatusCode, value: &Value) -> Response {
    let mut response = Response::new(Body::from(value.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// GET `/portal/connect/<id>`: what is asked.
pub(crate) async fn show(person: Person, Path(id): Path<String>) -> Response {
    match person.visitor.portal.flows.asking(&id) {
        Some(asking) => page(&person, &id, &asking, None, StatusCode::OK, Notice::None),
        None => gone(&person),
    }
}

/// The program does not wait any more, or never has.
fn gone(person: &Person) -> Response {
    let texts = Connect::of(person.language());
    let content = html! { p { (texts.gone) } };
    let page = Page { status: StatusCode::NOT_FOUND, back: None, ..Page::of(&app_passwords::PLACE, person.language()) };
    person.page(&Page { title: texts.title, ..page }, &content)
}

fn page(person: &Person, id: &str, asking: &Asking, form: Option<&Form>, status: StatusCode, notice: Notice) -> Response {
    let language = person.language();
    let texts = Connect::of(language);
    let path = format!("{}/{id}", PLACE.path);
    let elsewhere = is_elsewhere(person, asking);
    let content = html! {
        p { strong { (texts.why) } }
        (facts(&[
            (texts.program, html! { @if asking.client.is_empty() { (texts.unnamed) } @else { (asking.client) } }),
            (texts.from, html! { (asking.peer) }),
            (texts.at, moment(asking.at)),
        ]))
        @if elsewhere { p.missing { (texts.elsewhere) } }
        @if person.session.has_second_factor() {
            (form_for(person, &path, asking, form, &notice))
            form method="post" action=(path) {
                (person.visitor.token())
                input type="hidden" name="act" value="refuse";
                button.grave type="submit" { (texts.refuse) }
            }
        } @else {
            p.missing { (texts.needs_factor) " " a href=(second_factor::PLACE.path) { ((second_factor::PLACE.title)(language)) } }
        }
    };
    person.page(&Page { status, notice, title: texts.title, back: Some(&path), ..Page::of(&app_passwords::PLACE, language) }, &content)
}

/// Does the program come from another place than its owner's browser? Then it may be somebody else's.
fn is_elsewhere(person: &Person, asking: &Asking) -> bool {
    asking.peer != person.session.peer()
}

/// What it is to have. `form`: what was filled in before.
fn form_for(person: &Person, path: &str, asking: &Asking, form: Option<&Form>, notice: &Notice) -> Markup {
    let language = person.language();
    let (texts, words) = (Connect::of(language), AppPasswords::of(language));
    let label = Field {
        id: "label",
        label: words.label,
        fill: "off",
        hint: Some(words.label_hint),
        value: Some(form.map_or(asking.client.as_str(), |form| form.get("label"))),
        characters_max: Some(100),
        ..Field::default()
    };
    let own = person.session.services();
    let ticked = |name: &str| form.is_none_or(|form| form.all("service").any(|ticked| ticked == name));
    let offered: Vec<_> = OFFERED
        .into_iter()
        .filter(|service| own.contains(*service))
        .map(|service| (service.name(), service_name(language, service), ticked(service.name())))
        .collect();
    let fields = html! {
        (label.show(language, notice))
        (boxes("service", words.services, None, &offered, notice))
        @if person.session.fresh().is_none() {
            (code_field(language, notice, false))
            (step_up::other_ways_to(person, path))
        }
    };
    person.form(path, texts.go, &fields)
}

/// POST: it is granted or refused.
pub(crate) async fn decide(Path(id): Path<String>, posted: Posted<Person>) -> Response {
    let Posted { who: mut person, form } = posted;
    let portal = person.visitor.portal.clone();
    let Some(asking) = portal.flows.asking(&id) else { return gone(&person) };
    if form.get("act") == "refuse" {
        portal.flows.refuse(&id);
        return person.go(&overview::PLACE, Said::Done(|language| Connect::of(language).refused));
    }
    match grant(&mut person, &id, &asking, &form).await {
        Ok(true) => {
            let texts = Connect::of(person.language());
            let content = html! { p { (texts.done_why) } p { a href=(app_passwords::PLACE.path) { ((app_passwords::PLACE.title)(person.language())) } } };
            person.page(&Page { title: texts.done, back: None, ..Page::of(&app_passwords::PLACE, person.language()) }, &content)
        }
        Ok(false) => missing::page(&person),
        Err(notice) => page(&person, &id, &asking, Some(&form), StatusCode::FORBIDDEN, notice),
    }
}

/// Make the app password and lay it ready. `false`: the program has gone meanwhile, and so has the app password.
async fn grant(person: &mut Person, id: &str, asking: &Asking, form: &Form) -> Result<bool, Notice> {
    let language = person.language();
    let words = AppPasswords::of(language);
    let own = person.session.services();
    let offered = OFFERED.into_iter().filter(|service| own.contains(*service) && form.all("service").any(|name| name == service.name()));
    let services = offered.fold(Services::NONE, Services::with);
    if services == Services::NONE {
        return Err(Notice::field(words.services_bad, "service"));
    }
    let label = form.get("label").trim().to_owned();
    if label.is_empty() {
        return Err(Notice::field(words.label_bad, "label"));
    }
    let proof = person.step_up(form).await.map_err(|refusal| Notice::field(refused(refusal, language), "code"))?;
    // Nothing opens from a place that its owner has not confirmed, if it was not they who began this.
    let confirm = is_elsewhere(person, asking).then(|| "device".to_owned());
    let scope = Scope { confirm, ..Preset::Full.scope(services, &[]) };
    let minted = person.session.mint_app_password(proof, scope, &label).await.map_err(|refusal| match refusal {
        Refusal::Limit(what) if what.contains("label") => Notice::field(words.label_bad, "label"),
        refusal => Notice::fault(refused(refusal, language)),
    })?;
    let granted = Granted { address: person.session.address().to_string(), secret: minted.secret };
    let portal = person.visitor.portal.clone();
    if portal.flows.grant(id, granted) {
        let (id, session) = (id.to_owned(), person.session.clone());
        tokio::spawn(async move {
            tokio::time::sleep(portal.flows.ready_for()).await;
            if portal.flows.take_back(&id) {
                let _ = session.revoke_app_password(&minted.public_id).await;
            }
        });
        return Ok(true);
    }
    // Nobody will ever have it.
    let _ = person.session.revoke_app_password(&minted.public_id).await;
    Ok(false)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_token_comes_in_a_form_or_in_json() {
        for (body, expected) in [("token=abc", "abc"), ("{\"token\":\"abc\"}", "abc"), ("x=1&token=a%62c", "abc"), ("x=1", "")] {
            assert_eq!(token(body.as_bytes()).unwrap().as_str(), expected, "{body}");
        }
        for none in ["{\"token\":1}", "{}", "\u{ff}=%ff"] {
            assert!(token(none.as_bytes()).is_none(), "{none}");
        }
    }
}
