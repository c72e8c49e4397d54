//! Sessions: the programs that are logged in just now, and signing out everywhere.

use super::{Audience, Place, sign_in};
use crate::frame::{Notice, Page};
use crate::parts::{moment, table};
use crate::standing::Said;
use crate::texts::app_passwords::service_name;
use crate::texts::sessions::Sessions;
use crate::visitor::{Person, Posted};
use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};
use octroi_gate::LiveSession;

/// Where it stands.
pub(crate) const PLACE: Place =
    Place { path: "/portal/sessions", title: |language| Sessions::of(language).title, audience: Audience::SignedIn };
const EVERYWHERE: &str = "/portal/sessions/end";

/// GET.
pub(crate) async fn show(person: Person) -> Response {
    let texts = Sessions::of(person.language());
    let live = person.session.live_sessions();
    let content = html! {
        @if live.is_empty() {
            p { (texts.none) }
        } @else {
            p { (texts.why) }
            (table(
                texts.list,
                &[texts.program, texts.app_password, texts.service, texts.peer, texts.zone, texts.since],
                &live.iter().map(|session| row(&person, session)).collect::<Vec<_>>(),
            ))
        }
        section aria-labelledby="everywhere" {
            h2 id="everywhere" { (texts.everywhere) }
            p { (texts.everywhere_why) }
            form method="post" action=(EVERYWHERE) {
                (person.visitor.token())
                button.grave type="submit" { (texts.everywhere) }
            }
        }
    };
    person.page(&Page::of(&PLACE, person.language()), &content)
}

fn row(person: &Person, session: &LiveSession) -> Vec<Markup> {
    let texts = Sessions::of(person.language());
    vec![
        html! { (session.client.as_deref().unwrap_or(texts.unnamed)) },
        html! { (session.label) " " small { (session.public_id) } },
        html! { (service_name(person.language(), session.service)) },
        html! { (session.peer) },
        html! { (session.zone) },
        moment(session.since),
    ]
}

/// POST: sign out everywhere, here too.
pub(crate) async fn end(posted: Posted<Person>) -> Response {
    let person = posted.who;
    if let Err(refusal) = person.session.sign_out_everywhere().await {
        return person.go(&PLACE, Said::Refused(refusal));
    }
    person.visitor.portal.sessions.end(&person.visitor.id);
    sign_in::form(&person.visitor, StatusCode::OK, Notice::Done(Sessions::of(person.language()).done))
}
