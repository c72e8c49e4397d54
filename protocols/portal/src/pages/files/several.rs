//! Several documents and folders of one folder at once: moved, copied, deleted, given out as one archive, put back from the trash.
//!
//! What always holds: rights are judged for each by itself, as if it were the only one; what could not be done is told by its name with the reason, and
//! what could be done is done.

use super::{At, archive, failed, href, list, said};
use crate::form::Form;
use crate::frame::{Notice, Page};
use crate::language::Language;
use crate::standing::Said;
use crate::texts::files::Files;
use crate::visitor::Person;
use axum::response::Response;
use maud::{Markup, html};
use octroi_gate::{Area, Bind, Depart, FolderAt, InTheWay, List, MakeFolder, Read, Refusal, RemoveFolder, Session};
use octroi_model::{Name, Path};

/// The form's `id`, by which the boxes in the rows belong to it.
pub(crate) const FORM: &str = "several";
/// Octets of such a form: a page of rows with long names in it.
pub(crate) const FORM_BYTES_MAX: usize = 384 * 1024;

/// What is to be done with each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Move,
    Copy,
    Remove,
}

/// A box for one row; `name`: what the form is told.
pub(crate) fn tick(name: &str, label: &str, choose: &str) -> Markup {
    html! {
        label.tick {
            input type="checkbox" name="member" value=(name) form=(FORM);
            span.heard { (choose) ": " (label) }
        }
    }
}

/// What there is to do with those that are ticked; `may`: move, copy, delete.
pub(crate) fn fields(texts: &Files, at: &At, may: (bool, bool, bool), notice: &Notice) -> Markup {
    let (moves, copies, removes) = may;
    let fault = notice.of_field("into");
    let button = |act: &str, label: &str, grave: bool| {
        html! { button.grave[grave] type="submit" name="act" value=(act) { (label) } " " }
    };
    html! {
        fieldset {
            legend { (texts.several) }
            p.hint { (texts.several_why) }
            p { (button("several-download", texts.several_download, false)) @if removes { (button("several-remove", texts.several_remove, true)) } }
            @if moves || copies {
                div.field {
                    label for="into" { (texts.several_into) }
                    p.hint id="into-hint" { (texts.several_into_hint) }
                    @if let Some(fault) = fault { p.field-fault id="into-fault" { (fault) } }
                    input id="into" name="into" type="text" autocomplete="off" value=(at.path.join("/"))
                        aria-describedby=(if fault.is_some() { "into-hint into-fault" } else { "into-hint" })
                        aria-invalid=[fault.map(|_| "true")];
                }
                p {
                    @if moves { (button("several-move", texts.several_move, false)) }
                    @if copies { (button("several-copy", texts.several_copy, false)) }
                }
            }
        }
    }
}

/// POST: whatever is asked for.
pub(crate) async fn post(person: &Person, session: &Session, at: &At, form: &Form) -> Response {
    let texts = Files::of(person.language());
    let Some(members) = members(at, form) else { return failed(person, at, Refusal::Missing) };
    if members.is_empty() {
        return again(person, session, at, Notice::fault(texts.several_none), Vec::new()).await;
    }
    let act = match form.get("act") {
        "several-download" => return download(person, session, at, members).await,
        "several-remove" => return ask(person, at, &members),
        "several-removed" => Act::Remove,
        "several-move" => Act::Move,
        _ => Act::Copy,
    };
    let into = match (act, Path::parse(form.get("into").trim().trim_matches('/'), '/')) {
        (Act::Remove, _) => Path::top(),
        _ if form.get("into").trim().trim_matches('/').is_empty() => Path::top(),
        (_, Ok(into)) => into,
        (_, Err(_)) => return again(person, session, at, Notice::field(texts.several_into_bad, "into"), Vec::new()).await,
    };
    let mut refused = Vec::new();
    for member in &members {
        if let Err(refusal) = one(session, act, member, &into).await {
            refused.push((named(member), refusal));
        }
    }
    if refused.is_empty() {
        let done: fn(Language) -> &'static str = match act {
            Act::Move => |language| Files::of(language).several_moved,
            Act::Copy => |language| Files::of(language).several_copied,
            Act::Remove => |language| Files::of(language).several_removed,
        };
        person.with(|signed_in| signed_in.notice = Some(Said::Done(done)));
        return person.go_to(&href(&at.path, true));
    }
    again(person, session, at, Notice::fault(texts.several_failed), refused).await
}

/// Those that were ticked; `None`: it names something that has no name.
fn members(at: &At, form: &Form) -> Option<Vec<At>> {
    let member = |name: &str| Some(At { path: at.path.child(Name::new(name).ok()?).ok()?, slash: false });
    form.all("member").map(member).collect()
}

fn named(at: &At) -> String {
    at.path.names().last().map(ToString::to_string).unwrap_or_default()
}

async fn one(session: &Session, act: Act, from: &At, into: &Path) -> Result<(), Refusal> {
    let target = || FolderAt { area: Area::Files, path: into.clone() };
    let name = from.path.names().last().ok_or(Refusal::Missing)?;
    let file = from.file().ok_or(Refusal::Missing)?;
    match act {
        Act::Remove => super::acts::try_remove(session, from).await,
        Act::Move => match session.open(file, Depart).await {
            Ok(file) => session.open(target(), Bind).await?.move_file(&file, name, &InTheWay::Nothing).await,
            Err(Refusal::Missing) => {
                let folder = session.open(from.folder(), RemoveFolder).await?;
                session.open(target(), MakeFolder).await?.move_folder(&folder, name, &InTheWay::Nothing).await
            }
            Err(refusal) => Err(refusal),
        },
        Act::Copy => match session.open(file, Read).await {
            Ok(file) => session.open(target(), Bind).await?.copy_file(&file, name, &InTheWay::Nothing).await,
            Err(Refusal::Missing) => {
                let folder = session.open(from.folder(), List).await?;
                session.open(target(), MakeFolder).await?.copy_folder(&folder, name, true, &InTheWay::Nothing).await
            }
            Err(refusal) => Err(refusal),
        },
    }
}

/// The page again, with what could not be done and why.
async fn again(person: &Person, session: &Session, at: &At, notice: Notice, refused: Vec<(String, Refusal)>) -> Response {
    match session.open(at.folder(), List).await {
        Ok(folder) => {
            // A second factor that one reserved action asks for is asked for once.
            let refusal = refused.iter().map(|(_, refusal)| *refusal).find(|refusal| matches!(refusal, Refusal::Reserved(_)));
            let say = list::Say { several: reasons(person.language(), &refused), ..list::Say::fault(notice, refusal) };
            list::page(person, session, (at, &folder), &Form::default(), say).await
        }
        Err(refusal) => failed(person, at, refusal),
    }
}

/// Names with reasons.
pub(crate) fn reasons(language: Language, refused: &[(String, Refusal)]) -> Markup {
    let texts = Files::of(language);
    html! {
        @if !refused.is_empty() {
            ul.missing aria-label=(texts.several_failed) {
                @for (name, refusal) in refused {
                    li { strong { (name) } " " (why(*refusal, language)) }
                }
            }
        }
    }
}

fn why(refusal: Refusal, language: Language) -> std::borrow::Cow<'static, str> {
    match refusal {
        // Something of that name has come, or was there: nothing is written over here.
        Refusal::Precondition | Refusal::Exists => Files::of(language).name_taken.into(),
        Refusal::ExportNotAllowed => Files::of(language).several_no_export.into(),
        other => said(other, language),
    }
}

/// The question before several go.
fn ask(person: &Person, at: &At, members: &[At]) -> Response {
    let texts = Files::of(person.language());
    let content = html! {
        p { (texts.several_remove_ask) }
        ul { @for member in members { li { code { (named(member)) } } } }
        p { (texts.remove_why) }
        form method="post" action=(at.href()) {
            (person.visitor.token())
            input type="hidden" name="act" value="several-removed";
            @for member in members { input type="hidden" name="member" value=(named(member)); }
            button.grave type="submit" { (texts.remove) }
        }
        p { a href=(at.href()) { (texts.back) } }
    };
    person.page(&Page { title: texts.remove_title, back: None, ..Page::of(&super::PLACE, person.language()) }, &content)
}

/// All that were ticked as one archive, if each of them may be read; folders only if whole collections may be taken out.
async fn download(person: &Person, session: &Session, at: &At, members: Vec<At>) -> Response {
    let mut refused = Vec::new();
    for member in &members {
        if let Err(refusal) = readable(session, member).await {
            refused.push((named(member), refusal));
        }
    }
    if refused.is_empty() {
        let called = at.path.names().last().map_or_else(|| "documents".to_owned(), ToString::to_string);
        return archive::give(session.clone(), &called, members);
    }
    again(person, session, at, Notice::fault(Files::of(person.language()).several_failed), refused).await
}

async fn readable(session: &Session, at: &At) -> Result<(), Refusal> {
    match session.open(at.file().ok_or(Refusal::Missing)?, Read).await {
        Ok(_) => Ok(()),
        Err(Refusal::Missing) => session.open(at.folder(), List).await?.export().await,
        Err(refusal) => Err(refusal),
    }
}

/// POST on the page of the trash: put several back where they were.
pub(crate) async fn put_back(session: &Session, form: &Form) -> Vec<(String, Refusal)> {
    let mut refused = Vec::new();
    for text in form.all("member") {
        let done = match Path::parse(text, '/') {
            Ok(path) => session.put_back(&path).await.map(|_| ()),
            Err(_) => Err(Refusal::Missing),
        };
        refused.extend(done.err().map(|refusal| (text.to_owned(), refusal)));
    }
    refused
}
