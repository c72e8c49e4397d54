//! The portal: where people sign in with their main password and a second factor, and mint app passwords for their programs.
//!
//! The program merges [`router`] into the HTTPS listener's routes, all below `/portal/`. What always holds: the main password opens
//! nothing but these pages; pages are made here without any script and every value in them is escaped ([`html`]); a page that changes
//! something is a form with a token that only the visitor's own cookie can explain ([`visit`]); a cookie's value is new after each
//! sign-in and second factor, and only its hash is kept ([`sessions`]).
//!
//! | file | what |
//! |---|---|
//! | `visit` | cookie, language, form, token: what comes with a request |
//! | `sessions` | who is signed in, within bounds of time and number |
//! | `pages/` | a file for each page: `sign_in`, `home`, `second_factor`, `app_passwords`, `password` |
//! | `html`, `frame` | markup that cannot forget to escape, and what stands round every page |
//! | `language`, `texts` | French and English |
//!
//! Known limits: sessions are in memory, so a restart signs everybody out; no passkeys yet.

mod config;
mod form;
mod frame;
mod html;
mod language;
mod pages;
mod sessions;
mod texts;
mod visit;

pub use config::PortalConfig;

use axum::Router;
use axum::routing::{get, post};
use octroi_gate::Gate;
use std::sync::Arc;

/// The routes below `/portal/`.
pub fn router(gate: Gate, config: Arc<PortalConfig>) -> Router {
    Router::new()
        .route("/portal", get(pages::to_home))
        .route("/portal/", get(pages::home::show))
        .route("/portal/style.css", get(pages::style))
        .route("/portal/sign-in", get(pages::to_home).post(pages::sign_in::sign_in))
        .route("/portal/code", get(pages::to_home).post(pages::sign_in::code))
        .route("/portal/sign-out", post(pages::sign_in::sign_out))
        .route("/portal/second-factor", get(pages::second_factor::show).post(pages::second_factor::begin))
        .route("/portal/second-factor/confirm", post(pages::second_factor::confirm))
        .route("/portal/app-passwords", get(pages::to_home).post(pages::app_passwords::mint))
        .route("/portal/app-passwords/revoke", post(pages::app_passwords::revoke))
        .route("/portal/password", get(pages::password::show).post(pages::password::change))
        .with_state(Arc::new(pages::Portal::new(gate, config)))
}
