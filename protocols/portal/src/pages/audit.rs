//! The audit trail, for auditors: its lines, the newest first, and whether its chain is whole.

use super::notices::{outcome, peer};
use super::{Audience, Place, missing, refused};
use crate::form::Form;
use crate::frame::{Notice, Page};
use crate::parts::{Field, address, moment, table};
use crate::texts::audit::Audit;
use crate::texts::notices::act_name;
use crate::visitor::{Person, Posted};
use axum::extract::RawQuery;
use axum::response::Response;
use data_encoding::HEXLOWER;
use maud::{Markup, html};
use octroi_gate::{Auditor, Refusal, Trail};
use octroi_model::{Address, AuditFrom, AuditLine};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// Where it stands.
pub(crate) const PLACE: Place = Place { path: "/portal/audit", title: |language| Audit::of(language).title, audience: Audience::Auditors };
const VERIFY: &str = "/portal/audit/verify";
/// Lines on one page.
const LINES_MAX: usize = 100;

/// GET.
pub(crate) async fn show(person: Person, RawQuery(query): RawQuery) -> Response {
    let Some(auditor) = person.session.auditor() else { return missing::page(&person) };
    let query = Form::parse(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    page(&person, &auditor, &query, Notice::None, None).await
}

/// POST: walk the whole chain.
pub(crate) async fn verify(posted: Posted<Person>) -> Response {
    let person = posted.who;
    let Some(auditor) = person.session.auditor() else { return missing::page(&person) };
    match auditor.verify().await {
        Ok(found) => page(&person, &auditor, &Form::default(), Notice::None, Some(&found)).await,
        Err(refusal) => {
            let notice = Notice::fault(refused(refusal, person.language()));
            page(&person, &auditor, &Form::default(), notice, None).await
        }
    }
}

async fn page(person: &Person, auditor: &Auditor, query: &Form, notice: Notice, verified: Option<&Result<Trail, String>>) -> Response {
    let texts = Audit::of(person.language());
    let (lines, notice) = match lines(auditor, query).await {
        Ok(lines) => (lines, notice),
        Err(Refusal::UnknownRecipient) => (Vec::new(), Notice::field(texts.unknown, "account")),
        Err(refusal) => (Vec::new(), Notice::fault(refused(refusal, person.language()))),
    };
    let account = query.get("account").trim();
    let filter = Field { id: "account", label: texts.account, fill: "off", value: Some(account), optional: true, ..Field::default() };
    let content = html! {
        @if let Some(verified) = verified { (verdict(texts, verified)) }
        (person.form(VERIFY, texts.verify, &Markup::default()))
        form method="get" action=(PLACE.path) role="search" {
            (filter.show(person.language(), &notice))
            button type="submit" { (texts.show) }
        }
        @if lines.is_empty() { p { (texts.none) } } @else {
            (table(
                texts.lines,
                &[texts.number, texts.when, texts.who, texts.act, texts.peer, texts.with, texts.outcome],
                &lines.iter().map(|line| row(person, auditor, line)).collect::<Vec<_>>(),
            ))
            @if lines.len() == LINES_MAX && let Some(last) = lines.last() {
                p { a href=(older(account, last.number)) { (texts.older) } }
            }
        }
    };
    person.page(&Page { notice, ..Page::of(&PLACE, person.language()) }, &content)
}

async fn lines(auditor: &Auditor, query: &Form) -> Result<Vec<AuditLine>, Refusal> {
    let account = match query.get("account").trim() {
        "" => None,
        address => Some(address.parse::<Address>().map_err(|_| Refusal::UnknownRecipient)?),
    };
    let from = query.get("before").parse().map_or(AuditFrom::Newest, AuditFrom::Before);
    auditor.lines(from, account.as_ref(), LINES_MAX).await
}

fn older(account: &str, before: u64) -> String {
    format!("{}?account={}&before={before}", PLACE.path, utf8_percent_encode(account, NON_ALPHANUMERIC))
}

fn verdict(texts: &Audit, verified: &Result<Trail, String>) -> Markup {
    html! {
        @match verified {
            Ok(trail) => {
                div.well role="status" id="verdict" {
                    p { strong { (texts.whole) } " " (texts.whole_why) }
                    dl {
                        div { dt { (texts.last_number) } dd { (trail.number) } }
                        div { dt { (texts.last_link) } dd { code { (HEXLOWER.encode(&trail.link)) } } }
                    }
                }
            }
            Err(fault) => p.fault role="alert" id="verdict" { strong { (texts.broken) } " " (fault) },
        }
    }
}

fn row(person: &Person, auditor: &Auditor, line: &AuditLine) -> Vec<Markup> {
    let texts = Audit::of(person.language());
    let who = line.entry.account.map(|id| auditor.address_of(id).map_or(texts.gone.to_owned(), |address| address.to_string()));
    let dash = |text: &str| html! { (if text.is_empty() { "–" } else { text }) };
    vec![
        html! { (line.number) },
        moment(line.entry.at),
        who.as_deref().map_or_else(|| dash(""), address),
        html! {
            (act_name(person.language(), &line.entry.act))
            @if !line.entry.subject.is_empty() { " " small { (line.entry.subject) } }
        },
        peer(line),
        html! { (dash(&line.via.client)) @if !line.via.credential.is_empty() { " " small { (line.via.credential) } } },
        outcome(person.language(), line),
    ]
}
