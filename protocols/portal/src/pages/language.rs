//! The switch of the language: a form on every page, which brings one back to it.

use crate::frame::see_other;
use crate::language::Language;
use crate::pages::overview;
use crate::request::own_path;
use crate::visitor::{Posted, Visitor};
use axum::response::Response;
use http::header::SET_COOKIE;

/// POST.
pub(crate) async fn choose(posted: Posted<Visitor>) -> Response {
    let back = own_path(posted.form.get("back")).unwrap_or(overview::PLACE.path);
    let mut response = see_other(back, posted.who.cookie());
    if let Some(language) = Language::parse(posted.form.get("language")) {
        response.headers_mut().append(SET_COOKIE, language.set_cookie());
    }
    response
}
