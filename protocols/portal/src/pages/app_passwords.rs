//! App passwords: the list, a new one (with a fresh code), and ending one.

use super::{Audience, Place, help, refused, second_factor};
use crate::form::Form;
use crate::frame::{Notice, Page};
use crate::parts::{Field, boxes, choice, code_field, facts, table};
use crate::standing::Said;
use crate::texts::app_passwords::AppPasswords;
use crate::texts::refusals::Refusals;
use crate::visitor::{Person, Posted};
use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};
use octroi_gate::{MintedAppPassword, Refusal, Scope};
use octroi_model::{AppPassword, Rights, Service, Services, UnixTime};

/// Where it stands.
pub(crate) const PLACE: Place =
    Place { path: "/portal/app-passwords", title: |language| AppPasswords::of(language).title, audience: Audience::SignedIn };
/// What "reading only" leaves: to see, to read, and to remember what was read.
const READING: Rights = Rights::LOOKUP.or(Rights::READ).or(Rights::SEEN);
/// Days after which an app password can end by itself.
const DAYS: [(&str, i64); 3] = [("30", 30), ("90", 90), ("365", 365)];
const SECONDS_PER_DAY: i64 = 86_400;

/// GET.
pub(crate) async fn show(person: Person) -> Response {
    page(&person, &Form::default(), StatusCode::OK, Notice::None)
}

/// The page. `form`: what was filled in before.
fn page(person: &Person, form: &Form, status: StatusCode, notice: Notice) -> Response {
    let texts = AppPasswords::of(person.language());
    let all = person.session.app_passwords();
    let content = html! {
        p { (texts.why) }
        @if all.is_empty() {
            p { (texts.none) }
        } @else {
            (table(
                texts.list,
                &[texts.label, texts.services, texts.made, texts.expires, texts.last_used, texts.action],
                &all.iter().map(|app_password| row(person, app_password)).collect::<Vec<_>>(),
            ))
        }
        section aria-labelledby="new" {
            h2 id="new" { (texts.new) }
            @if person.session.has_second_factor() {
                (new_form(person, form, notice))
            } @else {
                p.missing { (texts.needs_factor) " " a href=(second_factor::PLACE.path) { ((second_factor::PLACE.title)(person.language())) } }
            }
        }
    };
    person.page(&Page { status, notice, ..Page::of(&PLACE, person.language()) }, &content)
}

fn service_name(texts: &AppPasswords, service: Service) -> &'static str {
    match service {
        Service::Imap => texts.imap,
        Service::Submission => texts.submission,
        Service::Caldav => texts.caldav,
        Service::Carddav => texts.carddav,
        Service::Files => texts.files,
    }
}

fn row(person: &Person, app_password: &AppPassword) -> Vec<Markup> {
    let texts = AppPasswords::of(person.language());
    let services = Service::ALL.into_iter().filter(|(service, _)| app_password.services.contains(*service));
    let services: Vec<&str> = services.map(|(service, _)| service_name(texts, service)).collect();
    vec![
        html! { (app_password.label) " " small { (app_password.public_id) } },
        html! { (services.join(", ")) },
        html! { (day(app_password.created)) },
        html! { @match app_password.expires { None => { (texts.never) } Some(at) => { (day(at)) } } },
        html! {
            @match &app_password.last_used {
                None => { (texts.never) }
                Some(last) => { (day(last.at)) " " small { (last.peer) ", " (service_name(texts, last.service)) } }
            }
        },
        html! {
            form method="post" action="/portal/app-passwords/revoke" {
                (person.visitor.token())
                input type="hidden" name="id" value=(app_password.public_id);
                // Several buttons that say the same are told apart by what they are about.
                button.grave type="submit" aria-label={ (texts.revoke) ": " (app_password.label) } { (texts.revoke) }
            }
        },
    ]
}

fn new_form(person: &Person, form: &Form, notice: Notice) -> Markup {
    let language = person.language();
    let texts = AppPasswords::of(language);
    let label = Field {
        id: "label",
        label: texts.label,
        fill: "off",
        hint: Some(texts.label_hint),
        value: Some(form.get("label")),
        characters_max: Some(100),
        ..Field::default()
    };
    let ticked = |name: &str| form.all("service").any(|ticked| ticked == name);
    let services = Service::ALL.map(|(service, name)| (name, service_name(texts, service), ticked(name)));
    let reading = form.get("access") == "read";
    let access = [("full", texts.access_full, !reading), ("read", texts.access_read, reading)];
    let in_days = [texts.in_30_days, texts.in_90_days, texts.in_365_days];
    let mut ends = vec![("", texts.never, form.get("days").is_empty())];
    ends.extend(DAYS.iter().zip(in_days).map(|((value, _), label)| (*value, label, form.get("days") == *value)));
    let fields = html! {
        (label.show(language, notice))
        (boxes("service", texts.services, &services, notice))
        (choice("access", texts.access, &access))
        (choice("days", texts.expires, &ends))
        @if person.session.fresh().is_none() { (code_field(language, notice, false)) }
    };
    person.form(PLACE.path, texts.make, &fields)
}

/// POST: a new one.
pub(crate) async fn mint(posted: Posted<Person>) -> Response {
    let Posted { who: mut person, form } = posted;
    match try_mint(&mut person, &form).await {
        Ok(minted) => shown_once(&person, &minted),
        Err(refusal) => {
            let notice = match refusal {
                Refusal::Limit(what) if what.contains("label") => Notice::Fault(Refusals::of(person.language()).label, Some("label")),
                Refusal::Unsupported => Notice::Fault(refused(refusal)(person.language()), Some("service")),
                Refusal::InvalidCode => Notice::Fault(refused(refusal)(person.language()), Some("code")),
                refusal => Notice::fault(refused(refusal)(person.language())),
            };
            page(&person, &form, StatusCode::FORBIDDEN, notice)
        }
    }
}

/// What is wrong with the form comes before the code, which counts once.
async fn try_mint(person: &mut Person, form: &Form) -> Result<MintedAppPassword, Refusal> {
    let scope = scope(form)?;
    let label = form.get("label").trim();
    if label.is_empty() {
        return Err(Refusal::Limit("length of the label"));
    }
    let proof = person.step_up(form).await?;
    person.session.mint_app_password(proof, scope, label).await
}

fn scope(form: &Form) -> Result<Scope, Refusal> {
    let mut services = Services::NONE;
    for name in form.all("service") {
        services = services.with(Service::parse(name).ok_or(Refusal::Unsupported)?);
    }
    if services == Services::NONE {
        return Err(Refusal::Unsupported);
    }
    let rights = match form.get("access") {
        "" | "full" => Rights::ALL,
        "read" => READING,
        _ => return Err(Refusal::Unsupported),
    };
    let expires = match form.get("days") {
        "" => None,
        chosen => {
            let (_, days) = DAYS.into_iter().find(|(value, _)| *value == chosen).ok_or(Refusal::Unsupported)?;
            Some(UnixTime(UnixTime::now().0 + days * SECONDS_PER_DAY))
        }
    };
    Ok(Scope { rights, expires, ..Scope::of(services) })
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
    match person.session.revoke_app_password(form.get("id")).await {
        Ok(()) => person.go(&PLACE, Said::Done(|language| AppPasswords::of(language).revoked)),
        Err(refusal) => person.go(&PLACE, Said::Fault(refused(refusal))),
    }
}

fn day(at: UnixTime) -> Markup {
    let day = jiff::Timestamp::from_second(at.0).unwrap_or_default().strftime("%Y-%m-%d").to_string();
    html! { time datetime=(day) { (day) } }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_holds_what_was_ticked_and_nothing_else() {
        let read = |text: &str| scope(&Form::parse(text.as_bytes()).unwrap());
        let narrow = read("service=imap&service=files&access=read&days=30").unwrap();
        assert_eq!(narrow.services, Services::NONE.with(Service::Imap).with(Service::Files));
        assert_eq!(narrow.rights, READING);
        let in_days = narrow.expires.unwrap().0 - UnixTime::now().0;
        assert!((30 * SECONDS_PER_DAY - 5..=30 * SECONDS_PER_DAY).contains(&in_days));
        let wide = read("service=caldav").unwrap();
        assert_eq!((wide.rights, wide.expires), (Rights::ALL, None));
        for bad in ["", "service=root", "service=imap&access=admin", "service=imap&days=-1", "service=imap&days=99999"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
