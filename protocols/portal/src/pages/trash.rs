//! The trash: what was removed from one's own documents, to be put back or to go for good.

use super::files::{self, list, said, several};
use super::{Place, missing};
use crate::form::Form;
use crate::frame::{Notice, Page};
use crate::parts::{address, moment, table};
use crate::standing::Said;
use crate::texts::files::Files;
use crate::visitor::{Person, Posted};
use axum::extract::RawQuery;
use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};
use octroi_gate::{Refusal, Session, TrashLine};
use octroi_model::Path;

/// Where it stands, below the documents in the navigation.
pub(crate) const PATH: &str = "/portal/trash";
const PLACE: &Place = &files::PLACE;
/// Things that the page shows, the newest.
const SHOWN: usize = 500;

/// GET: the list, or with `?gone=` the question before something goes for good.
pub(crate) async fn show(person: Person, RawQuery(query): RawQuery) -> Response {
    let session = match files::session_for(&person, PATH).await {
        Ok(session) => session,
        Err(response) => return *response,
    };
    let query = Form::parse(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    match query.get("gone") {
        "" => page(&person, &session, Notice::None, None).await,
        path => ask(&person, path),
    }
}

async fn page(person: &Person, session: &Session, notice: Notice, refusal: Option<Refusal>) -> Response {
    page_with(person, session, (notice, refusal), &[]).await
}

/// The page, with what of several could not be put back.
async fn page_with(
    person: &Person,
    session: &Session,
    (notice, refusal): (Notice, Option<Refusal>),
    refused: &[(String, Refusal)],
) -> Response {
    let language = person.language();
    let texts = Files::of(language);
    let Ok(lines) = session.trash().await else { return person.visitor.busy() };
    let rows: Vec<Vec<Markup>> = lines.iter().take(SHOWN).map(|line| row(person, line)).collect();
    let status = if notice == Notice::None { StatusCode::OK } else { StatusCode::FORBIDDEN };
    let content = html! {
        p { (texts.trash_why) }
        @if let Some(refusal) = refusal { (files::asks(person, refusal, PATH)) }
        (several::reasons(language, refused))
        @if rows.is_empty() {
            p { (texts.trash_none) }
        } @else {
            @if lines.len() > SHOWN { p.missing { (texts.trash_cut) } }
            (table(texts.trash, &[texts.name, texts.size, texts.trash_at, texts.trash_by, texts.action], &rows))
            form id=(several::FORM) method="post" action=(PATH) {
                (person.visitor.token())
                fieldset {
                    legend { (texts.several) }
                    p { button type="submit" name="act" value="several-back" { (texts.trash_back) } }
                }
            }
        }
        p { a href=(PLACE.path) { (texts.to_documents) } }
    };
    person.page(&Page { status, notice, title: texts.trash, back: Some(PATH), ..Page::of(PLACE, language) }, &content)
}

fn row(person: &Person, line: &TrashLine) -> Vec<Markup> {
    let texts = Files::of(person.language());
    let (from, path) = (line.from.join("/"), line.path.join("/"));
    vec![
        html! { (several::tick(&path, &from, texts.several_choose)) " " (from) @if line.folder { " " small { (texts.folder) } } },
        html! { (list::size(line.bytes, texts)) },
        html! { @if let Some(at) = line.at { (moment(at)) } @else { "–" } },
        html! { @if let Some(by) = &line.by { (address(&by.to_string())) } @else { "–" } },
        html! {
            form method="post" action=(PATH) {
                (person.visitor.token())
                input type="hidden" name="act" value="back";
                input type="hidden" name="path" value=(path);
                button type="submit" aria-label={ (texts.trash_back) ": " (from) } { (texts.trash_back) }
            }
            p {
                a href={ (PATH) "?gone=" (octroi_http::encode_segment(&path)) } aria-label={ (texts.trash_gone) ": " (from) } { (texts.trash_gone) }
            }
        },
    ]
}

fn ask(person: &Person, path: &str) -> Response {
    let texts = Files::of(person.language());
    let content = html! {
        p { (texts.for_good_why) " " strong { code { (path) } } }
        form method="post" action=(PATH) {
            (person.visitor.token())
            input type="hidden" name="act" value="gone";
            input type="hidden" name="path" value=(path);
            button.grave type="submit" { (texts.trash_gone) }
        }
        p { a href=(PATH) { (texts.trash) } }
    };
    person.page(&Page { title: texts.for_good_title, back: None, ..Page::of(PLACE, person.language()) }, &content)
}

/// POST.
pub(crate) async fn act(posted: Posted<Person>) -> Response {
    let Posted { who: person, form } = posted;
    let session = match files::session_for(&person, PATH).await {
        Ok(session) => session,
        Err(response) => return *response,
    };
    if form.get("act") == "several-back" {
        return back(&person, &session, &form).await;
    }
    let Ok(path) = Path::parse(form.get("path"), '/') else { return missing::page(&person) };
    let (done, text): (_, fn(_) -> _) = match form.get("act") {
        "back" => (session.put_back(&path).await.map(|_| ()), |language| Files::of(language).put_back),
        "gone" => (session.remove_for_good(&path).await, |language| Files::of(language).for_good),
        _ => return missing::page(&person),
    };
    match done {
        Ok(()) => {
            person.with(|signed_in| signed_in.notice = Some(Said::Done(text)));
            person.go_to(PATH)
        }
        Err(Refusal::Exists) => page(&person, &session, Notice::fault(Files::of(person.language()).trash_exists), None).await,
        Err(refusal) => page(&person, &session, Notice::fault(said(refusal, person.language())), Some(refusal)).await,
    }
}

/// Several at once.
async fn back(person: &Person, session: &Session, form: &Form) -> Response {
    let texts = Files::of(person.language());
    let refused = several::put_back(session, form).await;
    let notice = match (form.all("member").next(), refused.is_empty()) {
        (None, _) => Notice::fault(texts.several_none),
        (Some(_), false) => Notice::fault(texts.several_failed),
        (Some(_), true) => {
            person.with(|signed_in| signed_in.notice = Some(Said::Done(|language| Files::of(language).several_back)));
            return person.go_to(PATH);
        }
    };
    page_with(person, session, (notice, None), &refused).await
}
