//! Filters: all of one's own, and forms for those who only want to be away or have their mail sent on.
//!
//! The scripts are those that ManageSieve shows; what the forms make is one of them ([`crate::simple`]). As text they are edited on a page of
//! their own (`filter_script`).

use super::{Audience, Place, filter_script, refused, step_up};
use crate::form::Form;
use crate::frame::{Notice, Page};
use crate::language::Language;
use crate::parts::{Field, boxes, lines_field, table};
use crate::simple::{self, Away, Onward, SUBJECT_MAX, Simple, TEXT_MAX};
use crate::standing::Said;
use crate::texts::filters::Filters;
use crate::visitor::{Person, Posted};
use axum::response::Response;
use http::StatusCode;
use jiff::civil::Date;
use maud::{Markup, html};
use octroi_gate::{Refusal, ScriptFacts, Stepped};
use octroi_model::Address;
use octroi_sieve::compile;

/// Where it stands.
pub(crate) const PLACE: Place =
    Place { path: "/portal/filters", title: |language| Filters::of(language).title, audience: Audience::SignedIn };
const SIMPLE: &str = "/portal/filters/simple";
const ACTIVATE: &str = "/portal/filters/activate";
const DELETE: &str = "/portal/filters/delete";

/// What stands in the forms.
#[derive(Default)]
struct Filled {
    away: bool,
    from: String,
    until: String,
    subject: String,
    text: String,
    onward: bool,
    to: String,
    copy: bool,
}

/// GET.
pub(crate) async fn show(person: Person) -> Response {
    page(&person, None, StatusCode::OK, Notice::None).await
}

/// The page. `filled`: what was filled in before; else it is what the script says.
async fn page(person: &Person, filled: Option<Filled>, status: StatusCode, notice: Notice) -> Response {
    let texts = Filters::of(person.language());
    let scripts = match person.session.scripts().await {
        Ok(scripts) => scripts,
        Err(Refusal::Unsupported) => {
            let page = Page { status, ..Page::of(&PLACE, person.language()) };
            return person.page(&page, &html! { p.missing { (texts.not_here) } });
        }
        Err(refusal) => {
            let (status, notice) = (StatusCode::SERVICE_UNAVAILABLE, Notice::fault(refused(refusal, person.language())));
            return person.page(&Page { status, notice, ..Page::of(&PLACE, person.language()) }, &Markup::default());
        }
    };
    let fresh = person.session.fresh().is_some();
    let own = person.session.script(simple::NAME).await.ok();
    let known = own.as_deref().and_then(Simple::of);
    let altered = own.is_some() && known.is_none();
    let another = scripts.iter().any(|script| script.active && script.name != simple::NAME);
    let filled = filled.unwrap_or_else(|| Filled::of(known.unwrap_or_default()));
    let rows: Vec<Vec<Markup>> = scripts.iter().map(|script| row(person, script, fresh)).collect();
    let content = html! {
        p { (texts.why) }
        @if fresh {
            section aria-labelledby="simple" {
                h2 id="simple" { (texts.simple) }
                p { (texts.simple_why) }
                @if another { p.missing { (texts.another_active) } }
                @if altered { p.missing { (texts.altered) } }
                (person.form(SIMPLE, texts.save, &fields(person.language(), &filled, &notice)))
            }
        } @else { (step_up::section(person, &PLACE)) }
        section aria-labelledby="scripts" {
            h2 id="scripts" { (texts.scripts) }
            @if rows.is_empty() { p { (texts.none) } } @else {
                (table(texts.scripts, &[texts.name, texts.state, texts.size, texts.action], &rows))
            }
            @if fresh { p { a href=(filter_script::PATH) { (texts.write) } } }
        }
    };
    person.page(&Page { status, notice, ..Page::of(&PLACE, person.language()) }, &content)
}

fn row(person: &Person, script: &ScriptFacts, fresh: bool) -> Vec<Markup> {
    let texts = Filters::of(person.language());
    let button = |action: &str, name: &str, label: &str, grave: bool| {
        html! {
            form method="post" action=(action) {
                (person.visitor.token())
                input type="hidden" name="name" value=(name);
                // Several buttons that say the same are told apart by what they are about.
                button.grave[grave] type="submit" aria-label={ (label) ": " (script.name) } { (label) }
            }
        }
    };
    vec![
        html! { a href=(filter_script::path_of(&script.name)) { (script.name) } },
        html! { @if script.active { strong { (texts.active) } } @else { (texts.inactive) } },
        html! { (script.bytes) " " (texts.octets) },
        html! {
            @if !fresh { "–" } @else if script.active { (button(ACTIVATE, "", texts.deactivate, false)) } @else {
                (button(ACTIVATE, &script.name, texts.activate, false))
                (button(DELETE, &script.name, texts.delete, true))
            }
        },
    ]
}

fn fields(language: Language, filled: &Filled, notice: &Notice) -> Markup {
    let texts = Filters::of(language);
    let plain = |id, label, value| Field { id, label, fill: "off", value: Some(value), optional: true, ..Field::default() };
    let day = |id, label, value| Field { kind: "date", ..plain(id, label, value) };
    let subject =
        Field { hint: Some(texts.subject_hint), characters_max: Some(200), ..plain("subject", texts.subject, filled.subject.as_str()) };
    let to = Field { kind: "email", characters_max: Some(320), ..plain("to", texts.to, filled.to.as_str()) };
    html! {
        (boxes("away", texts.away, None, &[("on", texts.away_on, filled.away)], notice))
        (day("from", texts.from, filled.from.as_str()).show(language, notice))
        (Field { hint: Some(texts.days_hint), ..day("until", texts.until, filled.until.as_str()) }.show(language, notice))
        (subject.show(language, notice))
        (lines_field("text", texts.text, &html! { (texts.text_hint) }, &filled.text, 6, notice))
        (boxes("onward", texts.onward, None, &[("on", texts.onward_on, filled.onward)], notice))
        (to.show(language, notice))
        (boxes("copy", texts.copy, None, &[("on", texts.copy_on, filled.copy)], notice))
    }
}

impl Filled {
    fn of(simple: Simple) -> Self {
        let (away, onward) = (simple.away.is_some(), simple.onward.is_some());
        let Away { from, until, subject, text } = simple.away.unwrap_or_default();
        let day = |day: Option<Date>| day.map(|day| day.to_string()).unwrap_or_default();
        let (to, copy) = simple.onward.map_or((String::new(), true), |onward| (onward.to.to_string(), onward.copy));
        Self { away, from: day(from), until: day(until), subject, text, onward, to, copy }
    }

    fn read(form: &Form) -> Self {
        let (text, on) = (|name| form.get(name).to_owned(), |name| form.get(name) == "on");
        Self {
            away: on("away"),
            from: text("from"),
            until: text("until"),
            subject: text("subject"),
            text: text("text"),
            onward: on("onward"),
            to: text("to"),
            copy: on("copy"),
        }
    }

    /// What is wanted, or what is wrong with it.
    fn simple(&self, person: &Person) -> Result<Simple, Notice> {
        let away = if self.away { Some(self.checked_away(person.language())?) } else { None };
        let onward = if self.onward { Some(self.checked_onward(person)?) } else { None };
        Ok(Simple { away, onward })
    }

    fn checked_away(&self, language: Language) -> Result<Away, Notice> {
        let texts = Filters::of(language);
        let day = |text: &str, id| match text.trim() {
            "" => Ok(None),
            text => text.parse::<Date>().map(Some).map_err(|_| Notice::field(texts.day_bad, id)),
        };
        let (from, until) = (day(&self.from, "from")?, day(&self.until, "until")?);
        if from.zip(until).is_some_and(|(from, until)| until < from) {
            return Err(Notice::field(texts.days_order, "until"));
        }
        // Line ends as they are in mail, whatever somebody pastes.
        let plain = |c: &char| !c.is_control() || matches!(c, '\n' | '\t');
        let text: String = self.text.replace("\r\n", "\n").replace('\r', "\n").chars().filter(plain).collect();
        let (subject, text) = (self.subject.trim(), text.trim());
        if subject.chars().count() > SUBJECT_MAX || subject.contains(char::is_control) {
            return Err(Notice::field(texts.too_long, "subject"));
        }
        match text.chars().count() {
            0 => Err(Notice::field(texts.text_missing, "text")),
            count if count > TEXT_MAX => Err(Notice::field(texts.too_long, "text")),
            _ => Ok(Away { from, until, subject: subject.to_owned(), text: text.to_owned() }),
        }
    }

    fn checked_onward(&self, person: &Person) -> Result<Onward, Notice> {
        let texts = Filters::of(person.language());
        let to: Address = self.to.trim().parse().map_err(|_| Notice::field(texts.to_bad, "to"))?;
        if person.session.is_own_address(&to) {
            return Err(Notice::field(texts.to_own, "to"));
        }
        match person.session.filter_may_send(&to) {
            Ok(true) => Ok(Onward { to, copy: self.copy }),
            Ok(false) => Err(Notice::field(texts.to_refused, "to")),
            Err(refusal) => Err(Notice::fault(refused(refusal, person.language()))),
        }
    }
}

/// POST: what the forms say.
pub(crate) async fn save(posted: Posted<Person>) -> Response {
    let Posted { who: person, form } = posted;
    let proof = match step_up::proof(&person, &PLACE) {
        Ok(proof) => proof,
        Err(answer) => return *answer,
    };
    let filled = Filled::read(&form);
    let simple = match filled.simple(&person) {
        Ok(simple) => simple,
        Err(notice) => return page(&person, Some(filled), StatusCode::FORBIDDEN, notice).await,
    };
    if let Err(fault) = compile(&simple.script(), &person.visitor.portal.config.scripts) {
        return page(&person, Some(filled), StatusCode::FORBIDDEN, Notice::fault(fault.to_string())).await;
    }
    match store(&person, &proof, &simple).await {
        Ok(said) => person.go(&PLACE, Said::Done(said)),
        Err(refusal) => {
            let notice = Notice::fault(said_of(refusal, person.language()));
            page(&person, Some(filled), StatusCode::FORBIDDEN, notice).await
        }
    }
}

async fn store(person: &Person, proof: &Stepped, simple: &Simple) -> Result<fn(Language) -> &'static str, Refusal> {
    let session = &person.session;
    if !simple.is_nothing() {
        session.put_script(proof, simple::NAME, simple.script().as_bytes()).await?;
        session.activate_script(proof, Some(simple::NAME)).await?;
        return Ok(|language| Filters::of(language).saved);
    }
    if session.scripts().await?.iter().any(|script| script.active && script.name == simple::NAME) {
        session.activate_script(proof, None).await?;
    }
    match session.delete_script(proof, simple::NAME).await {
        Ok(()) | Err(Refusal::Missing) => Ok(|language| Filters::of(language).removed),
        Err(refusal) => Err(refusal),
    }
}

/// POST: this one runs, or none.
pub(crate) async fn activate(posted: Posted<Person>) -> Response {
    let Posted { who: person, form } = posted;
    let proof = match step_up::proof(&person, &PLACE) {
        Ok(proof) => proof,
        Err(answer) => return *answer,
    };
    let name = Some(form.get("name")).filter(|name| !name.is_empty());
    let done = person.session.activate_script(&proof, name).await;
    let said = if name.is_some() {
        Said::Done(|language| Filters::of(language).activated)
    } else {
        Said::Done(|language| Filters::of(language).deactivated)
    };
    person.go(&PLACE, done.map_or_else(Said::Refused, |()| said))
}

/// POST: no longer there.
pub(crate) async fn delete(posted: Posted<Person>) -> Response {
    let Posted { who: person, form } = posted;
    let proof = match step_up::proof(&person, &PLACE) {
        Ok(proof) => proof,
        Err(answer) => return *answer,
    };
    let said = match person.session.delete_script(&proof, form.get("name")).await {
        Ok(()) => Said::Done(|language| Filters::of(language).removed),
        Err(Refusal::Unsupported) => Said::Fault(|language| Filters::of(language).active_stays),
        Err(refusal) => Said::Refused(refusal),
    };
    person.go(&PLACE, said)
}

/// A refusal to keep a script, in words.
pub(super) fn said_of(refusal: Refusal, language: Language) -> std::borrow::Cow<'static, str> {
    let texts = Filters::of(language);
    match refusal {
        Refusal::Limit(_) | Refusal::OverQuota => texts.full.into(),
        Refusal::Precondition => texts.name_bad.into(),
        refusal => refused(refusal, language),
    }
}
