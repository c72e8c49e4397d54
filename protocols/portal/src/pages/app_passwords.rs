//! App passwords: the list, making one (with a fresh second factor), and ending one.

use super::app_password_form::{self, access_name, zone_names};
use super::{Audience, Place, help, refused, second_factor};
use crate::form::Form;
use crate::frame::{Notice, Page};
use crate::parts::{day, facts, moment, table};
use crate::standing::Said;
use crate::texts::app_passwords::{AppPasswords, service_name};
use crate::visitor::{Person, Posted};
use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};
use octroi_gate::{AppPasswordFacts, MintedAppPassword, Refusal, Scope};
use octroi_model::Service;

/// Where it stands.
pub(crate) const PLACE: Place =
    Place { path: "/portal/app-passwords", title: |language| AppPasswords::of(language).title, audience: Audience::SignedIn };

/// GET.
pub(crate) async fn show(person: Person) -> Response {
    page(&person, &Form::default(), StatusCode::OK, Notice::None)
}

/// The page. `form`: what was filled in before.
fn page(person: &Person, form: &Form, status: StatusCode, notice: Notice) -> Response {
    let texts = AppPasswords::of(person.language());
    let all = person.session.app_password_facts();
    let content = html! {
        p { (texts.why) }
        @if all.is_empty() {
            p { (texts.none) }
        } @else {
            (table(
                texts.list,
                &[texts.label, texts.access, texts.scope, texts.expires, texts.last_used, texts.confirmed, texts.action],
                &all.iter().map(|facts| row(person, facts)).collect::<Vec<_>>(),
            ))
        }
        section aria-labelledby="new" {
            h2 id="new" { (texts.new) }
            @if person.session.has_second_factor() {
                (app_password_form::show(person, form, &notice))
            } @else {
                p.missing { (texts.needs_factor) " " a href=(second_factor::PLACE.path) { ((second_factor::PLACE.title)(person.language())) } }
            }
        }
    };
    person.page(&Page { status, notice, ..Page::of(&PLACE, person.language()) }, &content)
}

fn row(person: &Person, facts: &AppPasswordFacts) -> Vec<Markup> {
    let language = person.language();
    let texts = AppPasswords::of(language);
    let AppPasswordFacts { record, narrowing, confirmations } = facts;
    let services = Service::ALL.into_iter().filter(|(service, _)| record.services.contains(*service));
    let services: Vec<&str> = services.map(|(service, _)| service_name(language, service)).collect();
    vec![
        html! {
            (record.label) " " small { (record.public_id) ", " (texts.made) " " (day(record.created)) }
            @if narrowing.certificate { small { (texts.certificate) } }
        },
        html! { (access_name(language, narrowing.preset.as_deref(), record.rights)) " " small { (services.join(", ")) } },
        html! {
            @if narrowing.folders.is_empty() { (texts.everywhere) } @else {
                @for (pattern, rights) in &narrowing.folders { div { code { (pattern) } " " small { (rights) } } }
            }
            small { (zone_names(language, &narrowing.zones)) }
        },
        html! { @match record.expires { None => { (texts.never) } Some(at) => { (day(at)) } } },
        html! {
            @match &record.last_used {
                None => { (texts.never) }
                Some(last) => {
                    (moment(last.at))
                    small { (service_name(language, last.service)) ", " (last.peer) }
                    @if let Some(client) = &narrowing.client { small { (client) } }
                }
            }
        },
        html! {
            @if confirmations.is_empty() { "–" }
            @for confirmation in confirmations { div { (confirmation.network) " " small { (day(confirmation.at)) } } }
        },
        html! {
            form method="post" action="/portal/app-passwords/revoke" {
                (person.visitor.token())
                input type="hidden" name="id" value=(record.public_id);
                // Several buttons that say the same are told apart by what they are about.
                button.grave type="submit" aria-label={ (texts.revoke) ": " (record.label) } { (texts.revoke) }
            }
        },
    ]
}

/// POST: a new one.
pub(crate) async fn mint(posted: Posted<Person>) -> Response {
    let Posted { who: mut person, form } = posted;
    // What is wrong with the form comes before the code, which counts once.
    let made = match app_password_form::scope(&form, person.session.services(), person.language()) {
        Ok(scope) => try_mint(&mut person, &form, scope).await,
        Err(notice) => Err(notice),
    };
    match made {
        Ok(minted) => shown_once(&person, &minted),
        Err(notice) => page(&person, &form, StatusCode::FORBIDDEN, notice),
    }
}

async fn try_mint(person: &mut Person, form: &Form, scope: Scope) -> Result<MintedAppPassword, Notice> {
    let language = person.language();
    let texts = AppPasswords::of(language);
    let label = form.get("label").trim();
    if label.is_empty() {
        return Err(Notice::field(texts.label_bad, "label"));
    }
    let proof = person.step_up(form).await.map_err(|refusal| Notice::field(refused(refusal, language), "code"))?;
    let narrowed = !scope.folders.is_empty();
    person.session.mint_app_password(proof, scope, label).await.map_err(|refusal| match refusal {
        Refusal::Limit(what) if what.contains("label") => Notice::field(texts.label_bad, "label"),
        Refusal::Limit(what) if what.contains("folders") => Notice::field(texts.folders_many, "folders"),
        // Services and preset were looked at before.
        Refusal::Unsupported if narrowed => Notice::field(texts.folders_bad, "folders"),
        refusal => Notice::fault(refused(refusal, language)),
    })
}

fn shown_once(person: &Person, minted: &MintedAppPassword) -> Response {
    let language = person.language();
    let texts = AppPasswords::of(language);
    let content = html! {
        p { strong { (texts.shown_once) } }
        (facts(&[
            (texts.user_name, html! { code { (person.session.address()) } }),
            (texts.password, html! { code.secret id="app-password" { (minted.secret.as_str()) } }),
        ]))
        p { a href=(help::PLACE.path) target="_blank" rel="noopener" { (texts.how) } }
        p { a.button href=(PLACE.path) { (texts.minted_done) } }
    };
    // Without the switch of the language, which would lead away from the secret.
    person.page(&Page { title: texts.minted_title, back: None, ..Page::of(&PLACE, language) }, &content)
}

/// POST: end one.
pub(crate) async fn revoke(posted: Posted<Person>) -> Response {
    let Posted { who: person, form } = posted;
    let ended = person.session.revoke_app_password(form.get("id")).await;
    person.go(&PLACE, ended.map_or_else(Said::Refused, |()| Said::Done(|language| AppPasswords::of(language).revoked)))
}
