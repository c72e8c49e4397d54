//! Small changes: a new folder, another name, and deleting after a page that asks.

use super::{At, PLACE, asks, failed, href, list, said};
use crate::form::Form;
use crate::frame::{Notice, Page};
use crate::parts::Field;
use crate::standing::Said;
use crate::texts::files::Files;
use crate::visitor::Person;
use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};
use octroi_gate::{Bind, Depart, InTheWay, List, MakeFolder, Refusal, RemoveFolder, Session, Unlink, When};
use octroi_model::{CollectionKind, Name};

/// POST: a folder in this one.
pub(crate) async fn make_folder(person: &Person, session: &Session, at: &At, form: &Form) -> Response {
    let texts = Files::of(person.language());
    let wanted = form.get("folder").trim();
    let made = match Name::new(wanted) {
        Ok(name) => make(session, at, &name).await,
        Err(_) => return list_again(person, session, at, wanted, Notice::field(texts.name_bad, "folder")).await,
    };
    let notice = match made {
        Ok(()) => return went(person, at, |language| Files::of(language).made),
        Err(Refusal::Missing) => return failed(person, at, Refusal::Missing),
        // The commit found something of that name.
        Err(Refusal::Precondition | Refusal::Exists) => Notice::field(texts.name_taken, "folder"),
        Err(refusal) => Notice::field(said(refusal, person.language()), "folder"),
    };
    list_again(person, session, at, wanted, notice).await
}

/// The folder again, with what was filled in and what is wrong with it.
async fn list_again(person: &Person, session: &Session, at: &At, wanted: &str, notice: Notice) -> Response {
    match session.open(at.folder(), List).await {
        Ok(folder) => {
            let say = list::Say { folder: wanted.to_owned(), ..list::Say::fault(notice, None) };
            list::page(person, session, (at, &folder), &Form::default(), say).await
        }
        Err(refusal) => failed(person, at, refusal),
    }
}

async fn make(session: &Session, at: &At, name: &Name) -> Result<(), Refusal> {
    session.open(at.folder(), MakeFolder).await?.make(name, CollectionKind::Folder, Vec::new()).await
}

/// Back to a folder, which says what was done.
fn went(person: &Person, folder: &At, done: fn(crate::language::Language) -> &'static str) -> Response {
    person.with(|signed_in| signed_in.notice = Some(Said::Done(done)));
    person.go_to(&href(&folder.path, true))
}

/// What a form is about.
enum Thing {
    File,
    Folder,
}

/// Is there something to be looked at? The top is nobody's to rename or delete.
async fn thing(session: &Session, at: &At) -> Result<Thing, Refusal> {
    let file = at.file().ok_or(Refusal::Missing)?;
    if !at.slash {
        match session.open(file, octroi_gate::Read).await {
            Ok(_) => return Ok(Thing::File),
            Err(Refusal::Missing) => {}
            Err(refusal) => return Err(refusal),
        }
    }
    session.open(at.folder(), List).await.map(|_| Thing::Folder)
}

/// A page with one form about something, and the way back.
fn ask(person: &Person, at: &At, title: &str, (status, notice): (StatusCode, Notice), content: &Markup) -> Response {
    let texts = Files::of(person.language());
    let content = html! {
        (content)
        p { a href=(href(&at.parent().path, true)) { (texts.back) } }
    };
    // Without the switch of the language, which would lead away from the question.
    person.page(&Page { status, notice, title, back: None, ..Page::of(&PLACE, person.language()) }, &content)
}

/// GET `?view=rename`.
pub(crate) async fn show_rename(person: &Person, session: &Session, at: &At) -> Response {
    let name = at.path.names().last().map(ToString::to_string).unwrap_or_default();
    match thing(session, at).await {
        Ok(_) => rename_page(person, at, &name, (StatusCode::OK, Notice::None), None),
        Err(refusal) => failed(person, at, refusal),
    }
}

fn rename_page(person: &Person, at: &At, name: &str, said: (StatusCode, Notice), refusal: Option<Refusal>) -> Response {
    let texts = Files::of(person.language());
    let field = Field {
        id: "name",
        label: texts.new_name,
        fill: "off",
        value: Some(name),
        characters_max: Some(255),
        first: true,
        ..Field::default()
    };
    let fields = html! {
        input type="hidden" name="act" value="rename";
        (field.show(person.language(), &said.1))
    };
    let content = html! {
        p { code { (at.path.join("/")) } }
        @if let Some(refusal) = refusal { (asks(person, refusal, &at.parent().href())) }
        (person.form(&at.href(), texts.rename, &fields))
    };
    ask(person, at, texts.rename_title, said, &content)
}

/// POST: another name in the same folder. Nothing is written over.
pub(crate) async fn rename(person: &Person, session: &Session, at: &At, form: &Form) -> Response {
    let texts = Files::of(person.language());
    let wanted = form.get("name").trim();
    let Ok(name) = Name::new(wanted) else {
        return rename_page(person, at, wanted, (StatusCode::FORBIDDEN, Notice::field(texts.name_bad, "name")), None);
    };
    match try_rename(session, at, &name).await {
        Ok(()) => went(person, &at.parent(), |language| Files::of(language).renamed),
        Err(Refusal::Missing) => failed(person, at, Refusal::Missing),
        Err(refusal) => {
            let text = if refusal == Refusal::Precondition { texts.name_taken.into() } else { said(refusal, person.language()) };
            rename_page(person, at, wanted, (StatusCode::FORBIDDEN, Notice::field(text, "name")), Some(refusal))
        }
    }
}

async fn try_rename(session: &Session, at: &At, name: &Name) -> Result<(), Refusal> {
    let file = at.file().ok_or(Refusal::Missing)?;
    if file.name == *name {
        return Ok(());
    }
    let parent = at.parent().folder();
    if !at.slash {
        match session.open(file, Depart).await {
            Ok(file) => return session.open(parent, Bind).await?.move_file(&file, name, &InTheWay::Nothing).await,
            Err(Refusal::Missing) => {}
            Err(refusal) => return Err(refusal),
        }
    }
    let folder = session.open(at.folder(), RemoveFolder).await?;
    session.open(parent, MakeFolder).await?.move_folder(&folder, name, &InTheWay::Nothing).await
}

/// GET `?view=remove`.
pub(crate) async fn show_remove(person: &Person, session: &Session, at: &At) -> Response {
    let texts = Files::of(person.language());
    let sentence = match thing(session, at).await {
        Ok(Thing::File) => texts.remove_file,
        Ok(Thing::Folder) => texts.remove_folder,
        Err(refusal) => return failed(person, at, refusal),
    };
    let content = html! {
        p { (sentence) " " strong { code { (at.path.join("/")) } } }
        p { (texts.remove_why) }
        form method="post" action=(at.href()) {
            (person.visitor.token())
            input type="hidden" name="act" value="remove";
            button.grave type="submit" { (texts.remove) }
        }
    };
    ask(person, at, texts.remove_title, (StatusCode::OK, Notice::None), &content)
}

/// POST: delete, into the trash.
pub(crate) async fn remove(person: &Person, session: &Session, at: &At) -> Response {
    match try_remove(session, at).await {
        Ok(()) => went(person, &at.parent(), |language| Files::of(language).removed),
        Err(refusal) => failed(person, at, refusal),
    }
}

pub(super) async fn try_remove(session: &Session, at: &At) -> Result<(), Refusal> {
    let file = at.file().ok_or(Refusal::Missing)?;
    if !at.slash {
        match session.open(file, Unlink).await {
            Ok(file) => return file.remove(When::Unchanged).await,
            Err(Refusal::Missing) => {}
            Err(refusal) => return Err(refusal),
        }
    }
    session.open(at.folder(), RemoveFolder).await?.remove().await
}
