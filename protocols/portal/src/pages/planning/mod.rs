//! Planning: when the people of a group are busy in a week, times when they are all free, and booking one of them.
//!
//! What always holds: everything goes through a session for calendars that the gate opened for this very person and connection
//! ([`octroi_gate::PortalSession::calendars`]); of others nothing is shown but when they are busy, and who may not be looked at is shown like
//! who does not exist; what is booked is an event in one's own calendar, put as a program puts it, which invites by that.

mod week;

use super::files::{closed, said};
use super::{Audience, Place};
use crate::form::Form;
use crate::frame::{Notice, Page};
use crate::parts::{Field, address, choice, table};
use crate::standing::Said;
use crate::texts::planning::Planning;
use crate::visitor::{Person, Posted};
use axum::extract::RawQuery;
use axum::response::Response;
use data_encoding::HEXLOWER;
use http::StatusCode;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use maud::{Markup, html};
use octroi_gate::{Area, Bind, Content, FolderAt, ObjectFacts, ObjectKind, ObjectTraits, Refusal, SeenCalendars, Session};
use octroi_ical::{ExpansionLimits, Window, busy_of};
use octroi_model::{Address, Name};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::collections::HashSet;
use week::{Colleague, HOURS, Week, event, lasting};

/// Where it stands.
pub(crate) const PLACE: Place =
    Place { path: "/portal/planning", title: |language| Planning::of(language).title, audience: Audience::Calendars };

/// People of one meeting, oneself too: each costs a look at their calendars.
const PEOPLE_MAX: usize = 30;
/// Characters of a subject.
const SUBJECT_MAX: usize = 200;
/// How long meetings may be, in minutes.
const LENGTHS: [i64; 5] = [30, 60, 90, 120, 240];
const LENGTH: i64 = 60;
/// How often it is looked again because a calendar has moved in between.
const TRIES_MAX: usize = 20;
/// As CalDAV keeps it.
const MEDIA_TYPE: &str = "text/calendar; charset=utf-8; component=vevent";

/// What is asked for.
struct Asked {
    group: String,
    /// As it was typed.
    who: String,
    minutes: i64,
    week: Week,
    /// Oneself first, nobody twice.
    people: Vec<Address>,
}

/// Why it could not be asked.
enum Fault {
    Notice(Notice),
    Refused(Refusal),
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Asked {
    /// Without anybody but oneself.
    fn alone(session: &Session, form: &Form) -> Self {
        let minutes = form.get("minutes").parse().ok().filter(|minutes| LENGTHS.contains(minutes)).unwrap_or(LENGTH);
        let week = Week::of(form.get("week"), Timestamp::now(), TimeZone::system());
        let (group, who) = (form.get("group").to_owned(), form.get("who").trim().to_owned());
        Self { group, who, minutes, week, people: vec![session.address().clone()] }
    }

    /// Add the group's members and who was typed.
    fn gather(&mut self, session: &Session, texts: &'static Planning) -> Result<(), Fault> {
        let mut known = HashSet::from([session.address().key()]);
        let mut all = Vec::new();
        if !self.group.is_empty() {
            all = session.colleagues(&self.group, PEOPLE_MAX + 1).map_err(|refusal| match refusal {
                Refusal::Missing => Fault::Notice(Notice::field(texts.group_bad, "group")),
                other => other.into(),
            })?;
        }
        for typed in self.who.split([' ', ',', ';', '\t', '\r', '\n']).filter(|typed| !typed.is_empty()) {
            all.push(typed.parse().map_err(|_| Fault::Notice(Notice::field(texts.people_bad, "who")))?);
        }
        all.retain(|one: &Address| known.insert(one.key()));
        if all.len() >= PEOPLE_MAX {
            return Err(Fault::Notice(Notice::field(texts.people_many, "who")));
        }
        self.people.extend(all);
        Ok(())
    }

    /// When they are busy within a time; of whom that may not be known, or cannot be found out, nothing.
    async fn look(&self, session: &Session, window: Window, limits: &ExpansionLimits) -> Result<(Vec<Colleague>, SeenCalendars), Refusal> {
        let seconds = (window.start.as_second(), window.end.as_second());
        let (mut found, mut seen) = (Vec::with_capacity(self.people.len()), SeenCalendars::default());
        for address in &self.people {
            let busy = match session.busy_objects_seen(address, seconds, &mut seen).await {
                Ok(objects) => busy_of(&objects, &window, limits).ok(),
                Err(refusal @ (Refusal::Ended | Refusal::Unavailable)) => return Err(refusal),
                Err(_) => None,
            };
            found.push(Colleague { address: address.clone(), busy });
        }
        Ok((found, seen))
    }

    /// The URL of the same for another week.
    fn href(&self, week: &Week) -> String {
        let coded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let (group, who) = (coded(&self.group), coded(&self.who));
        format!("{}?group={group}&who={who}&minutes={}&week={}", PLACE.path, self.minutes, week.monday)
    }

    fn hidden(&self) -> Markup {
        html! {
            input type="hidden" name="group" value=(self.group);
            input type="hidden" name="who" value=(self.who);
            input type="hidden" name="minutes" value=(self.minutes);
            input type="hidden" name="week" value=(self.week.monday);
        }
    }
}

/// The session for calendars, or the page that says why there is none.
async fn session(person: &Person) -> Result<Session, Box<Response>> {
    let texts = Planning::of(person.language());
    let opened = person.session.calendars().await;
    opened.map_err(|refusal| Box::new(closed(person, refusal, (&PLACE, PLACE.path), (texts.needs_factor, texts.not_from_here))))
}

/// GET.
pub(crate) async fn show(person: Person, RawQuery(query): RawQuery) -> Response {
    let query = Form::parse(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    match session(&person).await {
        Ok(session) => page(&person, &session, &query, (StatusCode::OK, Notice::None)).await,
        Err(response) => *response,
    }
}

/// The page; `form` is what is asked for, and what was filled in before.
async fn page(person: &Person, session: &Session, form: &Form, (status, notice): (StatusCode, Notice)) -> Response {
    let texts = Planning::of(person.language());
    let mut asked = Asked::alone(session, form);
    let limits = &person.visitor.portal.config.expansion;
    let mut seen = asked.gather(session, texts);
    let mut colleagues = Vec::new();
    if let (Ok(()), Some(window)) = (&seen, asked.week.window()) {
        match asked.look(session, window, limits).await {
            Ok((found, _)) => colleagues = found,
            Err(refusal) => seen = Err(refusal.into()),
        }
    }
    let (status, notice) = match seen {
        Ok(()) => (status, notice),
        Err(Fault::Notice(notice)) => (StatusCode::FORBIDDEN, notice),
        Err(Fault::Refused(refusal)) => (StatusCode::FORBIDDEN, Notice::fault(said(refusal, person.language()))),
    };
    let content = html! {
        p { (texts.why) }
        (question(person, session, &asked, &notice))
        @if !colleagues.is_empty() {
            (people(texts, &colleagues))
            (hours(texts, &asked, &colleagues))
            (booking(person, &asked, &colleagues, form, &notice))
        }
    };
    person.page(&Page { status, notice, ..Page::of(&PLACE, person.language()) }, &content)
}

/// Who is to be looked at, and how long the meeting is to be.
fn question(person: &Person, session: &Session, asked: &Asked, notice: &Notice) -> Markup {
    let texts = Planning::of(person.language());
    let groups = session.memberships();
    let listed: Vec<(&str, &str, bool)> = std::iter::once(("", texts.group_none, asked.group.is_empty()))
        .chain(groups.iter().map(|group| (group.as_str(), group.as_str(), *group == asked.group)))
        .collect();
    let lengths = LENGTHS.map(|minutes| (minutes.to_string(), format!("{minutes} {}", texts.minutes), minutes == asked.minutes));
    let lengths: Vec<(&str, &str, bool)> = lengths.iter().map(|(value, label, chosen)| (value.as_str(), label.as_str(), *chosen)).collect();
    let who = Field {
        id: "who",
        label: texts.people,
        fill: "off",
        hint: Some(texts.people_hint),
        value: Some(&asked.who),
        characters_max: Some(2000),
        optional: true,
        ..Field::default()
    };
    html! {
        form method="get" action=(PLACE.path) {
            (choice("group", texts.group, &listed))
            (who.show(person.language(), notice))
            (choice("minutes", texts.length, &lengths))
            input type="hidden" name="week" value=(asked.week.monday);
            button type="submit" { (texts.show) }
        }
    }
}

fn people(texts: &Planning, colleagues: &[Colleague]) -> Markup {
    let row = |colleague: &Colleague| {
        let known = if colleague.busy.is_some() { texts.is_known } else { texts.is_not_known };
        vec![address(&colleague.address.to_string()), html! { (known) }]
    };
    table(texts.who, &[texts.people, texts.known], &colleagues.iter().map(row).collect::<Vec<_>>())
}

/// The week, with the ways to the weeks beside it.
fn hours(texts: &Planning, asked: &Asked, colleagues: &[Colleague]) -> Markup {
    let week = &asked.week;
    let beside = |after| Week { monday: week.day(after), zone: week.zone.clone() };
    let days: Vec<String> =
        (0..7).zip(texts.days.split(' ')).map(|(day, name)| format!("{name} {}", week.day(day).strftime("%d/%m"))).collect();
    let mut headings = vec![texts.hour];
    headings.extend(days.iter().map(String::as_str));
    let is_known = colleagues.iter().any(|colleague| colleague.busy.is_some());
    let cell = |day, hour| {
        let hour = week.hour(day, hour);
        let busy: Vec<String> = colleagues
            .iter()
            .filter(|colleague| hour.as_ref().is_some_and(|hour| colleague.is_busy(hour)))
            .map(|colleague| colleague.address.local().to_owned())
            .collect();
        html! {
            span.slot {
                @if !busy.is_empty() { strong { (texts.busy) } " " (busy.join(", ")) } @else if is_known { (texts.free) } @else { (texts.is_not_known) }
            }
        }
    };
    let rows: Vec<Vec<Markup>> =
        HOURS.map(|hour| std::iter::once(html! { (format!("{hour}:00")) }).chain((0..7).map(|day| cell(day, hour))).collect()).collect();
    html! {
        nav aria-label=(texts.weeks) {
            p {
                a href=(asked.href(&beside(-7))) { (texts.earlier) } " "
                a href=(asked.href(&beside(7))) { (texts.later) }
            }
        }
        (table(&format!("{} {}", texts.week_of, week.monday), &headings, &rows))
        p { (texts.zone) " " (week.zone_name()) ". " (texts.cell_why) }
    }
}

/// The form that books one of the times.
fn booking(person: &Person, asked: &Asked, colleagues: &[Colleague], form: &Form, notice: &Notice) -> Markup {
    let texts = Planning::of(person.language());
    let free = asked.week.free(colleagues, asked.minutes, Timestamp::now());
    let subject = Field {
        id: "subject",
        label: texts.subject,
        fill: "off",
        value: Some(form.get("subject")),
        characters_max: Some(SUBJECT_MAX as u16),
        ..Field::default()
    };
    let slots: Vec<(String, String, bool)> = free
        .iter()
        .map(|time| {
            let value = time.start.as_second().to_string();
            let chosen = form.get("slot") == value;
            (value, shown(texts, time, &asked.week.zone), chosen)
        })
        .collect();
    let slots: Vec<(&str, &str, bool)> = slots.iter().map(|(value, label, chosen)| (value.as_str(), label.as_str(), *chosen)).collect();
    let fields = html! {
        (asked.hidden())
        (choice("slot", texts.when, &slots))
        (subject.show(person.language(), notice))
    };
    html! {
        section aria-labelledby="book" {
            h2 id="book" { (texts.book) }
            @if slots.is_empty() { p { (texts.none_free) } } @else { (person.form(PLACE.path, texts.book_button, &fields)) }
        }
    }
}

/// A time, for people.
fn shown(texts: &Planning, time: &Window, zone: &TimeZone) -> String {
    let at = |instant: Timestamp| -> Zoned { instant.to_zoned(zone.clone()) };
    let (start, end) = (at(time.start), at(time.end));
    let day = texts.days.split(' ').nth(usize::try_from(start.weekday().to_monday_zero_offset()).unwrap_or(0)).unwrap_or_default();
    format!("{day} {}, {}–{}", start.strftime("%Y-%m-%d"), start.strftime("%H:%M"), end.strftime("%H:%M"))
}

/// POST: book.
pub(crate) async fn book(posted: Posted<Person>) -> Response {
    let Posted { who: person, form } = posted;
    let session = match session(&person).await {
        Ok(session) => session,
        Err(response) => return *response,
    };
    let texts = Planning::of(person.language());
    let mut asked = Asked::alone(&session, &form);
    let notice = match try_book(&person, &session, &mut asked, &form).await {
        Ok(()) => {
            person.with(|signed_in| signed_in.notice = Some(Said::Done(|language| Planning::of(language).booked)));
            return person.go_to(&asked.href(&asked.week));
        }
        Err(Fault::Notice(notice)) => notice,
        Err(Fault::Refused(Refusal::Missing)) => Notice::fault(texts.no_calendar),
        Err(Fault::Refused(refusal)) => Notice::fault(said(refusal, person.language())),
    };
    page(&person, &session, &form, (StatusCode::FORBIDDEN, notice)).await
}

async fn try_book(person: &Person, session: &Session, asked: &mut Asked, form: &Form) -> Result<(), Fault> {
    let texts = Planning::of(person.language());
    let subject = form.get("subject").trim();
    if subject.is_empty() || subject.chars().count() > SUBJECT_MAX || subject.chars().any(char::is_control) {
        return Err(Fault::Notice(Notice::field(texts.subject_bad, "subject")));
    }
    let start = form.get("slot").parse().ok().and_then(|second| Timestamp::from_second(second).ok());
    let time = start.and_then(|start| lasting(start, asked.minutes)).ok_or(Fault::Notice(Notice::field(texts.slot_bad, "slot")))?;
    asked.gather(session, texts)?;
    for _ in 0..TRIES_MAX {
        match book_if_free(person, session, asked, (&time, subject)).await {
            // Somebody's calendar has moved in between: they may be busy by now.
            Err(Fault::Refused(Refusal::Precondition)) => {}
            other => return other,
        }
    }
    Err(Refusal::Unavailable.into())
}

/// Looked at once more: somebody may have become busy since the page was made, and only what it proposes is booked.
/// [`Refusal::Precondition`]: what was looked at is not so any more.
async fn book_if_free(person: &Person, session: &Session, asked: &Asked, (time, subject): (&Window, &str)) -> Result<(), Fault> {
    let texts = Planning::of(person.language());
    let window = asked.week.window().ok_or(Refusal::Unavailable)?;
    let (colleagues, seen) = asked.look(session, window, &person.visitor.portal.config.expansion).await?;
    if !asked.week.free(&colleagues, asked.minutes, Timestamp::now()).iter().any(|free| free.start == time.start) {
        return Err(Fault::Notice(Notice::field(texts.slot_gone, "slot")));
    }
    let places = session.scheduling_places().await?.ok_or(Refusal::Missing)?;
    let path = places.default_calendar.ok_or(Refusal::Missing)?;
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|_| Refusal::Unavailable)?;
    let uid = HEXLOWER.encode(&random);
    let name = Name::new(&format!("{uid}.ics")).map_err(|_| Refusal::Unavailable)?;
    let others: Vec<&Address> = asked.people.iter().skip(1).collect();
    let octets = event(&uid, time, subject, session.address(), &others);
    let (first, last) = (Some(time.start.as_second()), Some(time.end.as_second()));
    let facts = ObjectFacts { kind: ObjectKind::Event, uid, first, last, traits: ObjectTraits::EXACT };
    let folder = session.open(FolderAt { area: Area::Calendars, path }, Bind).await?;
    folder.book_object(&name, &octets, Content::document(&octets).described(facts), Some(MEDIA_TYPE), &seen).await?;
    Ok(())
}
