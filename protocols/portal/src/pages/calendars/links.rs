//! The part of the page that is about calendars which one has published: which links there are, one more, and one less.

use super::{PLACE, called, page, session};
use crate::form::Form;
use crate::frame::{Notice, Page};
use crate::pages::files::said;
use crate::pages::step_up;
use crate::parts::{choice, day, facts, table, ways};
use crate::standing::Said;
use crate::texts::calendars::Calendars;
use crate::visitor::{Person, Posted};
use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};
use octroi_gate::{Area, FolderAt, FolderFacts, LINKS, Link, List, PublishWish, Refusal, Session, ShareFolder, Stepped};
use octroi_model::{CollectionKind, Name, Path, UnixTime};
use zeroize::Zeroizing;

const PUBLISH: &str = "/portal/calendars/publish";
const WITHDRAW: &str = "/portal/calendars/withdraw";
/// How long a link may last: days, as the form names them.
const DAYS: [(&str, i64); 3] = [("30", 30), ("90", 90), ("365", 365)];
const SECONDS_PER_DAY: i64 = 86_400;

/// What is said of them, and the form for another.
pub(super) async fn section(
    person: &Person,
    session: &Session,
    all: &[(Name, FolderFacts)],
    form: &Form,
    notice: &Notice,
) -> Result<Markup, Refusal> {
    let texts = Calendars::of(person.language());
    let own: Vec<&(Name, FolderFacts)> = all.iter().filter(|(_, facts)| is_own(session, facts)).collect();
    let mut rows = Vec::new();
    for one in &own {
        let links = session.open(at(one.0.as_str())?, List).await?.links();
        rows.extend(links.iter().map(|link| row(person, one, link)));
    }
    let fresh = person.session.fresh().is_some();
    Ok(html! {
        @if session.may_publish() || !rows.is_empty() {
            section aria-labelledby="published" {
                h2 id="published" { (texts.published) }
                p { (texts.published_why) }
                @if rows.is_empty() {
                    p { (texts.published_none) }
                } @else {
                    (table(texts.published_list, &[texts.calendar, texts.shows, texts.since, texts.until, texts.action], &rows))
                }
                @if !session.may_publish() {
                    p.missing { (texts.publish_not_allowed) }
                } @else if fresh {
                    section aria-labelledby="publish" {
                        h3 id="publish" { (texts.publish) }
                        (person.form(PUBLISH, texts.publish_button, &fields(texts, &own, form, notice)))
                    }
                } @else {
                    (step_up::section(person, &PLACE))
                }
            }
        }
    })
}

/// Only what is one's own is one's own to publish.
fn is_own(session: &Session, facts: &FolderFacts) -> bool {
    facts.kind == CollectionKind::Calendar && facts.owner == *session.address() && facts.subscription.is_none()
}

fn row(person: &Person, one: &(Name, FolderFacts), link: &Link) -> Vec<Markup> {
    let texts = Calendars::of(person.language());
    let name = called(one);
    vec![
        html! { (name) },
        html! { @if link.busy_only { (texts.shows_busy) } @else { (texts.shows_all) } },
        day(link.since),
        html! { @match link.expires { None => { (texts.never) } Some(at) => { (day(at)) } } },
        html! {
            form method="post" action=(WITHDRAW) {
                (person.visitor.token())
                input type="hidden" name="calendar" value=(one.0);
                input type="hidden" name="link" value=(link.id);
                button.grave type="submit" aria-label={ (texts.withdraw) ": " (name) } { (texts.withdraw) }
            }
        },
    ]
}

fn fields(texts: &Calendars, own: &[&(Name, FolderFacts)], form: &Form, notice: &Notice) -> Markup {
    let calendars: Vec<(&str, &str, bool)> =
        own.iter().map(|one| (one.0.as_str(), called(one), one.0.as_str() == form.get("calendar"))).collect();
    let shows = if form.get("shows").is_empty() { "busy" } else { form.get("shows") };
    let shows = [("busy", texts.shows_busy, texts.shows_busy_why), ("all", texts.shows_all, texts.shows_all_why)]
        .map(|(value, label, why)| (value, label, why, value == shows));
    let days = if form.get("days").is_empty() { "90" } else { form.get("days") };
    let ends = [("30", texts.in_30_days), ("90", texts.in_90_days), ("365", texts.in_365_days), ("never", texts.never)]
        .map(|(value, label)| (value, label, value == days));
    html! {
        (choice("calendar", texts.calendar, &calendars))
        (ways("shows", texts.shows, &shows, notice))
        (choice("days", texts.until, &ends))
    }
}

fn at(name: &str) -> Result<FolderAt, Refusal> {
    let name = Name::new(name).map_err(|_| Refusal::Missing)?;
    Ok(FolderAt { area: Area::Calendars, path: Path::from_names(vec![name]).map_err(|_| Refusal::Missing)? })
}

/// POST: publish.
pub(crate) async fn publish(posted: Posted<Person>) -> Response {
    let Posted { who: person, form } = posted;
    let session = match session(&person).await {
        Ok(session) => session,
        Err(response) => return *response,
    };
    let texts = Calendars::of(person.language());
    let notice = match wish(&form) {
        None => Notice::field(texts.choice_bad, "shows"),
        Some(wish) => {
            let proof = match step_up::proof(&person, &PLACE) {
                Ok(proof) => proof,
                Err(answer) => return *answer,
            };
            match try_publish(&session, &form, &proof, wish).await {
                Ok(link) => return shown_once(&person, &link, wish),
                Err(Refusal::PublishNotAllowed) => Notice::fault(texts.publish_not_allowed),
                Err(Refusal::Limit(LINKS)) => Notice::fault(texts.links_many),
                Err(refusal) => Notice::fault(said(refusal, person.language())),
            }
        }
    };
    page(&person, &session, &form, (StatusCode::FORBIDDEN, notice)).await
}

fn wish(form: &Form) -> Option<PublishWish> {
    let busy_only = match form.get("shows") {
        "busy" => true,
        "all" => false,
        _ => return None,
    };
    let expires = match form.get("days") {
        "never" => None,
        days => {
            let (_, days) = DAYS.iter().find(|(value, _)| *value == days)?;
            Some(UnixTime(UnixTime::now().0 + days * SECONDS_PER_DAY))
        }
    };
    Some(PublishWish { busy_only, expires })
}

async fn try_publish(session: &Session, form: &Form, proof: &Stepped, wish: PublishWish) -> Result<Zeroizing<String>, Refusal> {
    session.open(at(form.get("calendar"))?, ShareFolder).await?.publish(proof, wish).await
}

fn shown_once(person: &Person, link: &str, wish: PublishWish) -> Response {
    let texts = Calendars::of(person.language());
    // Without a name of one's own for it programs are told the path.
    let origin = person.visitor.portal.config.served.dav.as_deref().unwrap_or_default();
    let content = html! {
        p { strong { (texts.link_once) } }
        (facts(&[
            (texts.link, html! { code.secret id="link" { (origin) "/public/calendars/" (link) } }),
            (texts.shows, html! { @if wish.busy_only { (texts.shows_busy) } @else { (texts.shows_all) } }),
        ]))
        p { (texts.link_why) }
        p { a.button href=(PLACE.path) { (texts.link_done) } }
    };
    // Without the switch of the language, which would lead away from the secret.
    person.page(&Page { title: texts.link_title, back: None, ..Page::of(&PLACE, person.language()) }, &content)
}

/// POST: withdraw.
pub(crate) async fn withdraw(posted: Posted<Person>) -> Response {
    let Posted { who: person, form } = posted;
    let session = match session(&person).await {
        Ok(session) => session,
        Err(response) => return *response,
    };
    let withdrawn = async { session.open(at(form.get("calendar"))?, ShareFolder).await?.withdraw_link(form.get("link")).await };
    match withdrawn.await {
        Ok(()) => person.go(&PLACE, Said::Done(|language| Calendars::of(language).withdrawn)),
        Err(refusal) => {
            let notice = Notice::fault(said(refusal, person.language()));
            page(&person, &session, &Form::default(), (StatusCode::FORBIDDEN, notice)).await
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_chosen_from_the_form_is_no_wish() {
        let read = |text: &str| wish(&Form::parse(text.as_bytes()).unwrap());
        let never = read("shows=busy&days=never").unwrap();
        assert!(never.busy_only && never.expires.is_none());
        assert!(read("shows=all&days=30").unwrap().expires.is_some());
        for bad in ["", "shows=busy", "shows=both&days=30", "shows=all&days=-1", "shows=all&days=99999"] {
            assert!(read(bad).is_none(), "{bad}");
        }
    }
}
