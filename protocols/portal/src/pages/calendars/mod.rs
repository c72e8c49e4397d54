//! Calendars: those of the web that one has subscribed to, and those that one has published.
//!
//! What always holds: everything goes through a session for calendars that the gate opened for this very person and connection
//! ([`octroi_gate::PortalSession::calendars`]). Of the URL of a calendar only the host is shown: the rest may be all that keeps it secret.

mod links;
mod subscriptions;

pub(crate) use links::{publish, withdraw};
pub(crate) use subscriptions::{subscribe, unsubscribe};

use super::files::closed;
use super::{Audience, Place};
use crate::form::Form;
use crate::frame::{Notice, Page};
use crate::texts::calendars::Calendars;
use crate::visitor::Person;
use axum::response::Response;
use http::StatusCode;
use maud::html;
use octroi_gate::{Area, FolderAt, FolderFacts, List, MemberIs, Refusal, Session};
use octroi_model::{Name, Path};

/// Where it stands.
pub(crate) const PLACE: Place =
    Place { path: "/portal/calendars", title: |language| Calendars::of(language).title, audience: Audience::Calendars };

/// The session for calendars, or the page that says why there is none.
async fn session(person: &Person) -> Result<Session, Box<Response>> {
    let texts = Calendars::of(person.language());
    let opened = person.session.calendars().await;
    opened.map_err(|refusal| Box::new(closed(person, refusal, (&PLACE, PLACE.path), (texts.needs_factor, texts.not_from_here))))
}

/// GET.
pub(crate) async fn show(person: Person) -> Response {
    match session(&person).await {
        Ok(session) => page(&person, &session, &Form::default(), (StatusCode::OK, Notice::None)).await,
        Err(response) => *response,
    }
}

/// The page; `form`: what was filled in before.
async fn page(person: &Person, session: &Session, form: &Form, (status, notice): (StatusCode, Notice)) -> Response {
    let Ok(calendars) = calendars(session).await else { return person.visitor.busy() };
    let Ok(links) = links::section(person, session, &calendars, form, &notice).await else { return person.visitor.busy() };
    let content = html! {
        (subscriptions::section(person, session, &calendars, form, &notice))
        (links)
    };
    person.page(&Page { status, notice, ..Page::of(&PLACE, person.language()) }, &content)
}

/// What the session sees, by name.
async fn calendars(session: &Session) -> Result<Vec<(Name, FolderFacts)>, Refusal> {
    let home = session.open(FolderAt { area: Area::Calendars, path: Path::top() }, List).await?;
    let members = home.members().await?.into_iter();
    let folder = |member: octroi_gate::Member| match member.is {
        MemberIs::Folder(facts) => Some((member.name, facts)),
        MemberIs::Item(_) => None,
    };
    Ok(members.filter_map(folder).collect())
}

/// What a calendar is called.
fn called((name, facts): &(Name, FolderFacts)) -> &str {
    facts.display_name.as_deref().filter(|name| !name.trim().is_empty()).unwrap_or(name.as_str())
}
