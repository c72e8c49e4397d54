//! What is not there, or not for whoever asks: the two look the same.

use super::overview;
use crate::frame::{Notice, Page};
use crate::texts::missing::Missing;
use crate::visitor::{Person, Visitor};
use axum::response::Response;
use http::StatusCode;
use maud::html;

/// Any method: an unknown path below the portal's.
pub(crate) async fn show(visitor: Visitor) -> Response {
    match visitor.signed_in().await {
        Ok(person) => page(&person),
        Err(visitor) => {
            let texts = Missing::of(visitor.language);
            let content = html! { p { (texts.why) } };
            let place = Page::of(&super::sign_in::PLACE, visitor.language);
            visitor.page(&Page { status: StatusCode::NOT_FOUND, notice: Notice::None, title: texts.title, ..place }, &content)
        }
    }
}

/// For somebody who is signed in.
pub(crate) fn page(person: &Person) -> Response {
    let texts = Missing::of(person.language());
    let content = html! { p { (texts.why) } };
    let place = Page::of(&overview::PLACE, person.language());
    person.page(&Page { status: StatusCode::NOT_FOUND, notice: Notice::None, title: texts.title, ..place }, &content)
}
