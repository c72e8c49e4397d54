//! The first page of somebody who is signed in: what needs doing, and how the account stands.

use super::{Audience, Place, app_passwords, devices, second_factor};
use crate::frame::{Notice, Page};
use crate::parts::facts;
use crate::texts::overview::Overview;
use crate::visitor::Person;
use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};

/// Where it stands.
pub(crate) const PLACE: Place = Place { path: "/portal/", title: |language| Overview::of(language).title, audience: Audience::SignedIn };

/// GET.
pub(crate) async fn show(person: Person) -> Response {
    page(&person, StatusCode::OK, Notice::None)
}

/// The page, with something to say.
pub(crate) fn page(person: &Person, status: StatusCode, notice: Notice) -> Response {
    let texts = Overview::of(person.language());
    let session = &person.session;
    let enrolled = session.has_second_factor();
    let app_passwords = session.app_passwords().len();
    let factor = html! { a href=(second_factor::PLACE.path) { (if enrolled { texts.factor_set_up } else { texts.factor_missing }) } };
    let mut about = vec![
        (texts.address, html! { (session.address()) }),
        (texts.profile, html! { (session.profile()) }),
        (texts.factor, factor),
        (texts.app_passwords, html! { a href=(app_passwords::PLACE.path) { (app_passwords) } }),
    ];
    if !session.display_name().is_empty() {
        about.insert(0, (texts.name, html! { (session.display_name()) }));
    }
    let waiting = session.waiting().len();
    let content = html! {
        @if waiting > 0 {
            p.missing {
                strong { (texts.waiting) " " (waiting) } ". "
                a href=(devices::PLACE.path) { (texts.waiting_call) }
            }
        }
        section aria-labelledby="to-do" {
            h2 id="to-do" { (texts.to_do) }
            (to_do(texts, enrolled, app_passwords > 0))
        }
        section aria-labelledby="account" {
            h2 id="account" { (texts.account) }
            (facts(&about))
        }
    };
    person.page(&Page { status, notice, ..Page::of(&PLACE, person.language()) }, &content)
}

fn to_do(texts: &Overview, enrolled: bool, has_app_password: bool) -> Markup {
    html! {
        @if enrolled && has_app_password {
            p.well { (texts.nothing) }
        } @else {
            ul.to-do {
                @if !enrolled { li { a href=(second_factor::PLACE.path) { (texts.no_factor) } } }
                @if !has_app_password { li { a href=(app_passwords::PLACE.path) { (texts.no_app_password) } } }
            }
        }
    }
}
