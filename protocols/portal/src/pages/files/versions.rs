//! What a document was before: each version to be had, and to be made the current one.

use super::{At, PLACE, asks, failed, href, said};
use crate::form::Form;
use crate::frame::{Notice, Page};
use crate::parts::{moment, table};
use crate::standing::Said;
use crate::texts::files::Files;
use crate::visitor::Person;
use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};
use octroi_gate::{Area, Bind, FileAt, FolderAt, InTheWay, List, MemberIs, Read, Refusal, Rewrite, Session, VERSIONS};
use octroi_model::{Item, Name, Path, Rights};

/// Versions that one page shows; folders keep fewer than a thousand of a document.
const SHOWN: usize = 1_000;

/// GET `?view=versions`.
pub(crate) async fn show(person: &Person, session: &Session, at: &At, notice: Notice) -> Response {
    page(person, session, at, notice, None).await
}

async fn page(person: &Person, session: &Session, at: &At, notice: Notice, refusal: Option<Refusal>) -> Response {
    let language = person.language();
    let texts = Files::of(language);
    let found = match of(session, at).await {
        Ok(found) => found,
        Err(refusal) => return failed(person, at, refusal),
    };
    let Found { items, folder, writes } = found;
    let rows: Vec<Vec<Markup>> = items.iter().filter_map(|item| row(person, at, &folder, item, writes)).collect();
    let status = if notice == Notice::None { StatusCode::OK } else { StatusCode::FORBIDDEN };
    let content = html! {
        p { code { (at.path.join("/")) } }
        @if let Some(refusal) = refusal { (asks(person, refusal, &at.parent().href())) }
        p { (texts.versions_why) }
        @if rows.is_empty() {
            p { (texts.versions_none) }
        } @else {
            (table(texts.versions_title, &[texts.version_until, texts.changed, texts.size, texts.action], &rows))
        }
        p { a href=(href(&at.parent().path, true)) { (texts.back) } }
    };
    person.page(&Page { status, notice, title: texts.versions_title, back: None, ..Page::of(&PLACE, language) }, &content)
}

fn row(person: &Person, at: &At, folder: &Path, item: &Item, writes: bool) -> Option<Vec<Markup>> {
    let texts = Files::of(person.language());
    let name = item.name.as_ref()?;
    let url = href(&folder.child(name.clone()).ok()?, false);
    Some(vec![
        moment(item.saved),
        moment(item.date),
        html! { (super::list::size(item.bytes(), texts)) },
        html! {
            p { a href=(url) aria-label={ (texts.version_get) ": " (name) } { (texts.version_get) } }
            @if writes {
                form method="post" action=(at.href()) {
                    (person.visitor.token())
                    input type="hidden" name="act" value="version";
                    input type="hidden" name="version" value=(name);
                    button type="submit" aria-label={ (texts.version_back) ": " (name) } { (texts.version_back) }
                }
            }
        },
    ])
}

/// The versions of a document.
struct Found {
    /// The newest first.
    items: Vec<Item>,
    /// Where they are.
    folder: Path,
    /// One of them can be made the current one.
    writes: bool,
}

async fn of(session: &Session, at: &At) -> Result<Found, Refusal> {
    let file = at.file().filter(|_| !at.slash).ok_or(Refusal::Missing)?;
    let rights = session.open(file, Read).await?.rights();
    let folder = versions_of(at)?;
    let mut items = Vec::new();
    match session.open(FolderAt { area: Area::Files, path: folder.clone() }, List).await {
        Ok(versions) => {
            let listing = versions.listing().await?;
            items.extend(listing.members().filter_map(|member| if let MemberIs::Item(item) = member.is { Some(item) } else { None }));
        }
        // Nothing was ever written over here.
        Err(Refusal::Missing) => {}
        Err(refusal) => return Err(refusal),
    }
    items.reverse();
    items.truncate(SHOWN);
    Ok(Found { items, folder, writes: rights.contains(Rights::WRITE | Rights::INSERT) })
}

/// Where a document's versions are.
fn versions_of(at: &At) -> Result<Path, Refusal> {
    let (above, name) = at.path.split_last().ok_or(Refusal::Missing)?;
    let versions = Name::new(VERSIONS).map_err(|_| Refusal::Missing)?;
    above.child(versions).and_then(|path| path.child(name.clone())).map_err(|_| Refusal::Missing)
}

/// POST: a version is the current one again; what it replaces becomes a version.
pub(crate) async fn restore(person: &Person, session: &Session, at: &At, form: &Form) -> Response {
    match try_restore(session, at, form.get("version")).await {
        Ok(()) => {
            person.with(|signed_in| signed_in.notice = Some(Said::Done(|language| Files::of(language).version_done)));
            person.go_to(&href(&at.parent().path, true))
        }
        Err(Refusal::Missing) => failed(person, at, Refusal::Missing),
        Err(refusal) => page(person, session, at, Notice::fault(said(refusal, person.language())), Some(refusal)).await,
    }
}

async fn try_restore(session: &Session, at: &At, version: &str) -> Result<(), Refusal> {
    let name = Name::new(version).map_err(|_| Refusal::Missing)?;
    let source = session.open(FileAt { area: Area::Files, folder: versions_of(at)?, name }, Read).await?;
    let file = at.file().ok_or(Refusal::Missing)?;
    let name = file.name.clone();
    let over = InTheWay::File(session.open(file, Rewrite).await?);
    session.open(at.parent().folder(), Bind).await?.copy_file(&source, &name, &over).await
}
