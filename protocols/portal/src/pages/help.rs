//! Help, for everybody: whom to ask, and how to set up programs with this server's own names and ports.

use super::{Audience, Place, apple};
use crate::config::Served;
use crate::frame::Page;
use crate::language::Language;
use crate::parts::table;
use crate::texts::help::Help;
use crate::visitor::Visitor;
use axum::response::Response;
use maud::{Markup, html};

/// Where it stands.
pub(crate) const PLACE: Place = Place { path: "/portal/help", title: |language| Help::of(language).title, audience: Audience::Everybody };

/// What stands in the column for security, as programs call it.
const TLS: &str = "SSL/TLS";
const STARTTLS: &str = "STARTTLS";

/// GET.
pub(crate) async fn show(visitor: Visitor) -> Response {
    match visitor.signed_in().await {
        Ok(person) => {
            let content = content(&person.visitor, Some(&person.session.address().to_string()));
            person.page(&Page::of(&PLACE, person.language()), &content)
        }
        Err(visitor) => {
            let content = content(&visitor, None);
            visitor.page(&Page::of(&PLACE, visitor.language), &content)
        }
    }
}

/// `own`: the address of who is signed in.
fn content(visitor: &Visitor, own: Option<&str>) -> Markup {
    let texts = Help::of(visitor.language);
    let address = own.unwrap_or(texts.your_address);
    let config = &visitor.portal.config;
    let served = &config.served;
    html! {
        @if let Some(support) = &config.support {
            section aria-labelledby="support" {
                h2 id="support" { (texts.support) }
                p.support { (support) }
            }
        }
        section aria-labelledby="settings" {
            h2 id="settings" { (texts.settings) }
            ul {
                li { (texts.user_name) " (" (address) ")" }
                li { (texts.password) }
            }
            (servers(visitor.language, &visitor.portal.gate.organisation().hostname, served, address))
        }
        @if mail_in(served).is_some() {
            (program("thunderbird", texts.thunderbird, &thunderbird(texts, served)))
            (program("apple", texts.apple, &apple_steps(texts, served)))
        }
        @if own.is_some() && (mail_in(served).is_some() || served.dav.is_some()) {
            p { (texts.apple_profile) " " a href=(apple::PATH) { (texts.apple_download) } }
        }
        @if let Some(dav) = &served.dav {
            (program("davx5", texts.davx5, &[html! { (texts.davx5_1) }, html! { (texts.davx5_2) }, html! { (texts.davx5_3) }]))
            (file_managers(texts, dav, address))
        }
    }
}

fn mail_in(served: &Served) -> Option<(u16, &'static str)> {
    served.imaps.map(|port| (port, TLS)).or(served.imap.map(|port| (port, STARTTLS)))
}

fn mail_out(served: &Served) -> Option<(u16, &'static str)> {
    served.submissions.map(|port| (port, TLS)).or(served.submission.map(|port| (port, STARTTLS)))
}

fn servers(language: Language, host: &str, served: &Served, address: &str) -> Markup {
    let texts = Help::of(language);
    let mail = [(texts.mail_in, mail_in(served)), (texts.mail_out, mail_out(served))];
    let mut rows: Vec<Vec<Markup>> = Vec::new();
    for (service, at) in mail {
        if let Some((port, security)) = at {
            rows.push(vec![html! { (service) }, html! { code { (host) } }, html! { (port) }, html! { (security) }]);
        }
    }
    if let Some(port) = served.managesieve {
        rows.push(vec![html! { (texts.filters) }, html! { code { (host) } }, html! { (port) }, html! { (STARTTLS) }]);
    }
    if let Some(dav) = &served.dav {
        let documents = documents(dav, address);
        for (service, url) in [(texts.calendars, format!("{dav}/")), (texts.documents, documents)] {
            rows.push(vec![html! { (service) }, html! { code { (url) } }, html! { "–" }, html! { (TLS) }]);
        }
    }
    table(texts.servers, &[texts.service, texts.server, texts.port, texts.security], &rows)
}

/// The root of somebody's documents.
fn documents(dav: &str, address: &str) -> String {
    format!("{dav}/dav/files/{address}/")
}

fn program(id: &str, title: &str, steps: &[Markup]) -> Markup {
    html! {
        section aria-labelledby=(id) {
            h2 id=(id) { (title) }
            ol { @for step in steps { li { (step) } } }
        }
    }
}

fn thunderbird(texts: &Help, served: &Served) -> Vec<Markup> {
    let calendars = served.dav.as_ref().map(|_| texts.thunderbird_4);
    let steps = [texts.thunderbird_1, texts.thunderbird_2, texts.thunderbird_3];
    steps.into_iter().chain(calendars).map(|step| html! { (step) }).collect()
}

fn apple_steps(texts: &Help, served: &Served) -> Vec<Markup> {
    let calendars = served.dav.as_ref().map(|_| texts.apple_4);
    let steps = [texts.apple_1, texts.apple_2, texts.apple_3];
    steps.into_iter().chain(calendars).map(|step| html! { (step) }).collect()
}

fn file_managers(texts: &Help, dav: &str, address: &str) -> Markup {
    let url = documents(dav, address);
    let davs = url.replacen("https://", "davs://", 1);
    html! {
        section aria-labelledby="file-managers" {
            h2 id="file-managers" { (texts.file_managers) }
            ul {
                li { (texts.windows) " " code { (url) } }
                li { (texts.mac) }
                li { (texts.linux) " " code { (davs) } }
            }
        }
    }
}
