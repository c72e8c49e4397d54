//! The rules in force, for administrators: profiles and zones, and why somebody may or may not do something. Opens nothing.

use super::{Audience, Place, missing, refused};
use crate::form::Form;
use crate::frame::{Notice, Page};
use crate::parts::{Field, choice, table};
use crate::texts::app_passwords::service_name;
use crate::texts::rules::Rules;
use crate::visitor::Person;
use axum::extract::RawQuery;
use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};
use octroi_gate::{Administrator, Question, Refusal, Strength};
use octroi_model::{Address, Path, Service};

/// Where it stands.
pub(crate) const PLACE: Place =
    Place { path: "/portal/rules", title: |language| Rules::of(language).title, audience: Audience::Administrators };

/// GET; with a question in the query also its answer.
pub(crate) async fn show(person: Person, RawQuery(query): RawQuery) -> Response {
    let Some(administrator) = person.session.administrator() else { return missing::page(&person) };
    let form = Form::parse(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    let answer = if form.get("who").is_empty() { None } else { Some(explained(&person, &administrator, &form).await) };
    let (status, notice) = match &answer {
        Some(Err(notice)) => (StatusCode::BAD_REQUEST, notice.clone()),
        _ => (StatusCode::OK, Notice::None),
    };
    let texts = Rules::of(person.language());
    let content = html! {
        section aria-labelledby="explain" {
            h2 id="explain" { (texts.explain) }
            p { (texts.explain_why) }
            @if let Some(Ok(text)) = &answer { pre id="answer" tabindex="0" { (text) } }
            (question(&person, &administrator, &form, &notice))
        }
        section aria-labelledby="profiles" {
            h2 id="profiles" { (texts.profiles) }
            (profiles(&person, &administrator))
        }
        section aria-labelledby="zones" {
            h2 id="zones" { (texts.zones) }
            ul { @for zone in administrator.zones() { li { (zone) } } }
            p { (texts.your_zone) " " strong { (administrator.zone_of(person.visitor.peer)) } " (" (person.visitor.peer) ")." }
        }
    };
    person.page(&Page { status, notice, ..Page::of(&PLACE, person.language()) }, &content)
}

fn profiles(person: &Person, administrator: &Administrator) -> Markup {
    let texts = Rules::of(person.language());
    let row = |profile: octroi_gate::ProfileFacts| {
        let services = Service::ALL.into_iter().filter(|(service, _)| profile.services.contains(*service));
        let services: Vec<&str> = services.map(|(service, _)| service_name(person.language(), service)).collect();
        let services = if services.is_empty() { "–".to_owned() } else { services.join(", ") };
        vec![html! { (profile.name) }, html! { (profile.description) }, html! { (services) }, html! { (profile.accounts) }]
    };
    let rows: Vec<Vec<Markup>> = administrator.profiles().into_iter().map(row).collect();
    table(texts.profiles, &[texts.profile, texts.description, texts.services, texts.accounts], &rows)
}

fn question(person: &Person, administrator: &Administrator, form: &Form, notice: &Notice) -> Markup {
    let texts = Rules::of(person.language());
    let text = |id, label, hint, optional| {
        let field = Field { id, label, fill: "off", hint, optional, value: Some(form.get(id)), ..Field::default() };
        field.show(person.language(), notice)
    };
    let services = Service::ALL.map(|(service, name)| (name, service_name(person.language(), service), form.get("service") == name));
    let zones = administrator.zones();
    let zones: Vec<_> = zones.iter().map(|zone| (zone.as_str(), zone.as_str(), form.get("zone") == zone)).collect();
    let strengths = [
        ("app-password", texts.app_password, false),
        ("confirmed", texts.confirmed, form.get("strength") == "confirmed"),
        ("fresh", texts.fresh, form.get("strength") == "fresh"),
    ];
    html! {
        form method="get" action=(PLACE.path) {
            (text("who", texts.who, None, false))
            (choice("service", texts.service, &services))
            (text("path", texts.path, Some(texts.path_hint), true))
            (choice("zone", texts.zone, &zones))
            (choice("strength", texts.strength, &strengths))
            button type="submit" { (texts.ask) }
        }
    }
}

async fn explained(person: &Person, administrator: &Administrator, form: &Form) -> Result<String, Notice> {
    let texts = Rules::of(person.language());
    let who: Address = form.get("who").trim().parse().map_err(|_| Notice::field(texts.who_unknown, "who"))?;
    let path = form.get("path").trim().trim_matches('/');
    let path = if path.is_empty() { Ok(Path::top()) } else { Path::parse(path, '/') };
    let path = path.map_err(|_| Notice::field(texts.path_unknown, "path"))?;
    let service = Service::parse(form.get("service")).unwrap_or(Service::Imap);
    let strength: Strength = form.get("strength").parse().unwrap_or(Strength::AppPassword);
    let question = Question { who: &who, service, path: &path, zone: form.get("zone"), strength, credential: None };
    administrator.explain(&question).await.map_err(|refusal| match refusal {
        Refusal::UnknownRecipient => Notice::field(texts.who_unknown, "who"),
        Refusal::Missing => Notice::field(texts.path_unknown, "path"),
        Refusal::Precondition => Notice::field(texts.zone_unknown, "zone"),
        refusal => Notice::fault(refused(refusal, person.language())),
    })
}
