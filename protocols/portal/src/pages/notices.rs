//! Notices: what happened on one's own account lately.

use super::{Audience, Place, refused};
use crate::frame::{Notice, Page};
use crate::language::Language;
use crate::parts::{moment, table};
use crate::texts::notices::{Notices, act_name};
use crate::visitor::Person;
use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};
use octroi_model::{AuditLine, Outcome};

/// Where it stands.
pub(crate) const PLACE: Place =
    Place { path: "/portal/notices", title: |language| Notices::of(language).title, audience: Audience::SignedIn };
/// Lines that are shown.
const LINES_MAX: usize = 100;

/// GET.
pub(crate) async fn show(person: Person) -> Response {
    let language = person.language();
    let texts = Notices::of(language);
    match person.session.notices(LINES_MAX).await {
        Ok(lines) => {
            let content = html! {
                p { (texts.why) }
                @if lines.is_empty() { p { (texts.none) } } @else {
                    (table(
                        texts.list,
                        &[texts.what, texts.when, texts.peer, texts.with, texts.outcome],
                        &lines.iter().map(|line| row(language, line)).collect::<Vec<_>>(),
                    ))
                }
            };
            person.page(&Page::of(&PLACE, language), &content)
        }
        Err(refusal) => {
            let (status, notice) = (StatusCode::SERVICE_UNAVAILABLE, Notice::fault(refused(refusal, language)));
            person.page(&Page { status, notice, ..Page::of(&PLACE, language) }, &Markup::default())
        }
    }
}

fn row(language: Language, line: &AuditLine) -> Vec<Markup> {
    vec![
        html! {
            (act_name(language, &line.entry.act))
            @if !line.entry.subject.is_empty() { " " small { (line.entry.subject) } }
        },
        moment(line.entry.at),
        peer(line),
        html! { (if line.via.client.is_empty() { "–" } else { line.via.client.as_str() }) },
        outcome(language, line),
    ]
}

/// From where, with its zone.
pub(crate) fn peer(line: &AuditLine) -> Markup {
    html! {
        (if line.entry.peer.is_empty() { "–" } else { line.entry.peer.as_str() })
        @if !line.via.zone.is_empty() { " " small { (line.via.zone) } }
    }
}

/// How it ended, and why.
pub(crate) fn outcome(language: Language, line: &AuditLine) -> Markup {
    let texts = Notices::of(language);
    html! {
        @match line.entry.outcome {
            Outcome::Done => { (texts.done) }
            Outcome::Refused => { strong.refused { (texts.refused) } }
        }
        @if !line.entry.reason.is_empty() { " " small { (line.entry.reason) } }
    }
}
