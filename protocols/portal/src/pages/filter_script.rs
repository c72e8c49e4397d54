//! One filter as text: shown, written, and refused with the line that is wrong.

use super::filters::{PLACE, said_of};
use super::step_up;
use crate::form::Form;
use crate::frame::{Notice, Page};
use crate::parts::{Field, boxes, lines_field};
use crate::standing::Said;
use crate::texts::filters::Filters;
use crate::visitor::{Person, Posted};
use axum::extract::RawQuery;
use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};
use octroi_gate::Refusal;
use octroi_sieve::{Fault, compile};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// Where it is, for a new one.
pub(crate) const PATH: &str = "/portal/filters/script";
/// Lines of the script that are seen at once.
const ROWS: u8 = 20;

/// What is being edited.
struct Draft {
    name: String,
    script: String,
    /// It is not there yet.
    is_new: bool,
    active: bool,
}

/// Where it is, for one that is there.
pub(crate) fn path_of(name: &str) -> String {
    format!("{PATH}?name={}", utf8_percent_encode(name, NON_ALPHANUMERIC))
}

/// GET.
pub(crate) async fn show(person: Person, RawQuery(query): RawQuery) -> Response {
    let query = Form::parse(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    let name = query.get("name").to_owned();
    if name.is_empty() {
        return page(&person, &Draft { name, script: String::new(), is_new: true, active: false }, StatusCode::OK, Notice::None, None);
    }
    match draft(&person, name).await {
        Ok(draft) => page(&person, &draft, StatusCode::OK, Notice::None, None),
        Err(refusal) => person.go(&PLACE, Said::Refused(refusal)),
    }
}

async fn draft(person: &Person, name: String) -> Result<Draft, Refusal> {
    let script = person.session.script(&name).await?;
    let active = person.session.scripts().await?.iter().any(|script| script.name == name && script.active);
    Ok(Draft { name, script: String::from_utf8_lossy(&script).into_owned(), is_new: false, active })
}

/// The page. `wrong`: the line that the fault is about.
fn page(person: &Person, draft: &Draft, status: StatusCode, notice: Notice, wrong: Option<Markup>) -> Response {
    let texts = Filters::of(person.language());
    let fresh = person.session.fresh().is_some();
    let content = html! {
        @if fresh {
            @if let Some(wrong) = wrong { (wrong) }
            (person.form(PATH, texts.save, &fields(person, draft, &notice)))
        } @else {
            (step_up::section(person, &PLACE))
            @if !draft.is_new { pre { (draft.script) } }
        }
        p { a href=(PLACE.path) { (texts.title) } }
    };
    let title = if draft.is_new { texts.write } else { draft.name.as_str() };
    // Without the switch of the language, which would lead away from what is written.
    person.page(&Page { status, notice, title, back: None, ..Page::of(&PLACE, person.language()) }, &content)
}

fn fields(person: &Person, draft: &Draft, notice: &Notice) -> Markup {
    let (texts, language) = (Filters::of(person.language()), person.language());
    let name =
        Field { id: "name", label: texts.name, fill: "off", value: Some(&draft.name), characters_max: Some(255), ..Field::default() };
    html! {
        @if draft.is_new {
            input type="hidden" name="new" value="on";
            (name.show(language, notice))
        } @else { input type="hidden" name="name" value=(draft.name); }
        (lines_field("script", texts.script, &html! { (texts.script_hint) }, &draft.script, ROWS, notice))
        @if !draft.active { (boxes("run", texts.run, None, &[("on", texts.run_on, false)], notice)) }
    }
}

/// POST.
pub(crate) async fn put(posted: Posted<Person>) -> Response {
    let Posted { who: person, form } = posted;
    let texts = Filters::of(person.language());
    let proof = match step_up::proof(&person, &PLACE) {
        Ok(proof) => proof,
        Err(answer) => return *answer,
    };
    let (name, script, is_new) = (form.get("name").trim(), form.get("script"), form.get("new") == "on");
    let scripts = match person.session.scripts().await {
        Ok(scripts) => scripts,
        Err(refusal) => return person.go(&PLACE, Said::Refused(refusal)),
    };
    let there = scripts.iter().find(|script| script.name == name);
    let draft = Draft { name: name.to_owned(), script: script.to_owned(), is_new, active: there.is_some_and(|script| script.active) };
    let again = |notice, wrong| page(&person, &draft, StatusCode::FORBIDDEN, notice, wrong);
    if is_new && there.is_some() {
        return again(Notice::field(texts.name_taken, "name"), None);
    }
    if script.trim().is_empty() {
        return again(Notice::field(texts.script_missing, "script"), None);
    }
    if let Err(fault) = compile(script, &person.visitor.portal.config.scripts) {
        let what = format!("{} {}: {}", texts.line, fault.line, fault.text);
        return again(Notice::field(what, "script"), Some(wrong_line(script, &fault)));
    }
    let done = async {
        person.session.put_script(&proof, name, script.as_bytes()).await?;
        if form.get("run") == "on" { person.session.activate_script(&proof, Some(name)).await } else { Ok(()) }
    };
    match done.await {
        Ok(()) => person.go(&PLACE, Said::Done(|language| Filters::of(language).saved)),
        Err(refusal) => again(Notice::fault(said_of(refusal, person.language())), None),
    }
}

/// The line with its number, as the person wrote it.
fn wrong_line(script: &str, fault: &Fault) -> Markup {
    let number = fault.line as usize;
    let line = script.lines().nth(number.saturating_sub(1)).unwrap_or_default();
    html! { pre { (number) ": " (line) } }
}
