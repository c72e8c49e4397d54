//! The part of the page that is about calendars of the web: which one has, subscribing, and unsubscribing.

use super::{PLACE, called, page, session};
use crate::form::Form;
use crate::frame::Notice;
use crate::pages::files::said;
use crate::parts::{Field, boxes, moment, table};
use crate::standing::Said;
use crate::texts::calendars::Calendars;
use crate::visitor::{Person, Posted};
use axum::response::Response;
use data_encoding::HEXLOWER;
use http::StatusCode;
use maud::{Markup, html};
use octroi_gate::{
    Area, DISPLAY_NAME, FolderAt, FolderFacts, List, MakeFolder, Refusal, RemoveFolder, SUBSCRIPTIONS, Session, SubscriptionFacts,
    SubscriptionFault, SubscriptionWish,
};
use octroi_model::{Name, Path};
use std::sync::Arc;
use zeroize::Zeroizing;

const UNSUBSCRIBE: &str = "/portal/calendars/unsubscribe";
/// Characters of what somebody calls a calendar.
const NAME_MAX: usize = 100;

/// What is said of them, and the form for another.
pub(super) fn section(person: &Person, session: &Session, all: &[(Name, FolderFacts)], form: &Form, notice: &Notice) -> Markup {
    let texts = Calendars::of(person.language());
    let rows: Vec<Vec<Markup>> = all.iter().filter_map(|one| Some(row(person, one, one.1.subscription.as_ref()?))).collect();
    html! {
        section aria-labelledby="web" {
            h2 id="web" { (texts.web) }
            p { (texts.web_why) }
            @if rows.is_empty() {
                p { (texts.none) }
            } @else {
                (table(texts.list, &[texts.calendar, texts.from, texts.state, texts.action], &rows))
            }
            @if session.may_subscribe() { (new(person, form, notice)) } @else { p.missing { (texts.not_allowed) } }
        }
    }
}

fn row(person: &Person, one: &(Name, FolderFacts), subscription: &SubscriptionFacts) -> Vec<Markup> {
    let texts = Calendars::of(person.language());
    let name = called(one);
    vec![
        html! { (name) },
        html! { (host(&subscription.url)) },
        state(texts, subscription),
        html! {
            form method="post" action=(UNSUBSCRIBE) {
                (person.visitor.token())
                input type="hidden" name="calendar" value=(one.0);
                button.grave type="submit" aria-label={ (texts.unsubscribe) ": " (name) } { (texts.unsubscribe) }
            }
        },
    ]
}

fn state(texts: &Calendars, subscription: &SubscriptionFacts) -> Markup {
    html! {
        @if let Some(at) = subscription.fetched { (texts.fetched) ": " (moment(at)) } @else if subscription.fault.is_none() { (texts.waiting) }
        @if let Some(fault) = subscription.fault {
            p.field-fault {
                @if let Some(at) = subscription.tried { (texts.tried) ": " (moment(at)) ". " }
                (why(texts, fault))
                @if subscription.fetched.is_some() { " " (texts.stays) }
            }
        }
        @if subscription.left_out > 0 { " (" (subscription.left_out) " " (texts.left_out) ")" }
        @if subscription.alarms { " (" (texts.rings) ")" }
    }
}

fn why(texts: &Calendars, fault: SubscriptionFault) -> Markup {
    let sentence = match fault {
        SubscriptionFault::Status(status) => return html! { (texts.status) " " (status) "." },
        SubscriptionFault::Source => texts.source,
        SubscriptionFault::Unreachable => texts.unreachable,
        SubscriptionFault::Late => texts.late,
        SubscriptionFault::Redirects => texts.redirects,
        SubscriptionFault::TooLarge => texts.too_large,
        SubscriptionFault::TooMany => texts.too_many,
        SubscriptionFault::NotCalendar => texts.not_calendar,
        SubscriptionFault::OverQuota => texts.over_quota,
        SubscriptionFault::NotAllowed => texts.not_allowed,
    };
    html! { (sentence) }
}

fn new(person: &Person, form: &Form, notice: &Notice) -> Markup {
    let (language, texts) = (person.language(), Calendars::of(person.language()));
    let url = Field {
        id: "url",
        label: texts.url,
        fill: "off",
        hint: Some(texts.url_hint),
        value: Some(form.get("url")),
        characters_max: Some(2000),
        ..Field::default()
    };
    let name = Field {
        id: "name",
        label: texts.name,
        fill: "off",
        value: Some(form.get("name")),
        characters_max: Some(NAME_MAX as u16),
        ..Field::default()
    };
    let fields = html! {
        (url.show(language, notice))
        (name.show(language, notice))
        (boxes("alarms", texts.alarms_legend, None, &[("yes", texts.alarms, form.get("alarms") == "yes")], notice))
    };
    html! {
        section aria-labelledby="subscribe" {
            h3 id="subscribe" { (texts.new) }
            (person.form(PLACE.path, texts.subscribe, &fields))
        }
    }
}

/// Of a URL what may be shown on a screen that others see.
fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or("")
}

/// POST: subscribe.
pub(crate) async fn subscribe(posted: Posted<Person>) -> Response {
    let Posted { who: person, form } = posted;
    let session = match session(&person).await {
        Ok(session) => session,
        Err(response) => return *response,
    };
    let texts = Calendars::of(person.language());
    let called = form.get("name").trim();
    let notice = if called.is_empty() || called.chars().count() > NAME_MAX || called.chars().any(char::is_control) {
        Notice::field(texts.name_bad, "name")
    } else {
        match try_subscribe(&session, &form, called).await {
            Ok(()) => return person.go(&PLACE, Said::Done(|language| Calendars::of(language).subscribed)),
            Err(Refusal::SourceNotAllowed) => Notice::field(texts.url_bad, "url"),
            Err(Refusal::SubscribeNotAllowed) => Notice::fault(texts.not_allowed),
            Err(Refusal::Limit(SUBSCRIPTIONS)) => Notice::fault(texts.many),
            Err(refusal) => Notice::fault(said(refusal, person.language())),
        }
    };
    page(&person, &session, &form, (StatusCode::FORBIDDEN, notice)).await
}

async fn try_subscribe(session: &Session, form: &Form, called: &str) -> Result<(), Refusal> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|_| Refusal::Unavailable)?;
    let name = Name::new(&format!("web-{}", HEXLOWER.encode(&random))).map_err(|_| Refusal::Unavailable)?;
    let wish = SubscriptionWish { url: Zeroizing::new(form.get("url").trim().to_owned()), alarms: form.get("alarms") == "yes" };
    let home = session.open(FolderAt { area: Area::Calendars, path: Path::top() }, MakeFolder).await?;
    home.subscribe(&name, &wish, vec![(Arc::from(DISPLAY_NAME), Arc::from(called))]).await
}

/// POST: unsubscribe.
pub(crate) async fn unsubscribe(posted: Posted<Person>) -> Response {
    let Posted { who: person, form } = posted;
    let session = match session(&person).await {
        Ok(session) => session,
        Err(response) => return *response,
    };
    match try_unsubscribe(&session, form.get("calendar")).await {
        Ok(()) => person.go(&PLACE, Said::Done(|language| Calendars::of(language).unsubscribed)),
        Err(refusal) => {
            let notice = Notice::fault(said(refusal, person.language()));
            page(&person, &session, &Form::default(), (StatusCode::FORBIDDEN, notice)).await
        }
    }
}

async fn try_unsubscribe(session: &Session, calendar: &str) -> Result<(), Refusal> {
    let name = Name::new(calendar).map_err(|_| Refusal::Missing)?;
    let at = FolderAt { area: Area::Calendars, path: Path::from_names(vec![name]).map_err(|_| Refusal::Missing)? };
    // No other calendar is removed here.
    session.open(at.clone(), List).await?.facts().subscription.ok_or(Refusal::Missing)?;
    session.open(at, RemoveFolder).await?.remove().await
}
