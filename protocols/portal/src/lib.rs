//! The portal: where people sign in with their main password and a second factor, and mint app passwords for their programs.
//!
//! The program merges [`router`] into the HTTPS listener's routes, all below `/portal/` but where programs ask for their settings, or to be connected. What always holds: the main password opens
//! nothing but these pages, and documents and calendars in them only after a second factor and where the profile says so; pages need no script but for passkeys, and every value in them is escaped (`maud`, whose templates are
//! checked when we compile); a page that changes something is a form with a token that only the visitor's own cookie can explain
//! ([`request`]); a cookie's value is new after each sign-in and second factor, and only its hash is kept ([`sessions`]).
//!
//! | file | what |
//! |---|---|
//! | `pages/` | a file for each page, and the list that the navigation shows |
//! | `visitor` | who asks: what a page takes as its argument, and what it answers through |
//! | `request` | cookie, token and origin of a request |
//! | `sessions`, `standing` | who is signed in, within bounds of time and number |
//! | `frame`, `style.css` | what stands round every page |
//! | `parts`, `ways` | fields, tables and pictures; the ways to give a second factor |
//! | `multipart` | forms that send files, as they come |
//! | `simple` | the filter that people fill in instead of writing it |
//! | `passkey.js` | the one script |
//! | `autoconfig` | settings for mail programs that ask by themselves |
//! | `flows` | programs that wait to be connected |
//! | `mta_sts` | what other mail servers ask before they send |
//! | `language`, `texts/` | French and English, a file for each area |
//!
//! A new page is a file in `pages/` with a `Place` and its handlers, a line in the list there, a route here, and its texts.
//!
//! Known limits: sessions are in memory, so a restart signs everybody out.

mod autoconfig;
mod config;
mod flows;
mod form;
mod frame;
#[cfg(any(test, feature = "fuzzing"))]
mod fuzz_form;
mod language;
mod mta_sts;
mod multipart;
mod pages;
mod parts;
mod request;
mod sessions;
mod simple;
mod standing;
mod texts;
mod visitor;
mod ways;

pub use config::{PortalConfig, Served};
#[cfg(any(test, feature = "fuzzing"))]
pub use fuzz_form::fuzz_form;

use axum::Router;
use axum::routing::{any, get, post};
use octroi_gate::Gate;
use std::sync::Arc;

/// The routes below `/portal/`, and those for mail programs.
pub fn router(gate: Gate, config: Arc<PortalConfig>) -> Router {
    Router::new()
        .route("/portal", get(pages::to_overview))
        .route("/portal/", get(pages::overview::show))
        .route("/portal/style.css", get(frame::style))
        .route("/portal/passkey.js", get(frame::passkey))
        .route("/portal/language", post(pages::language::choose))
        .route("/portal/sign-in", get(pages::sign_in::show).post(pages::sign_in::sign_in))
        .route("/portal/code", get(pages::sign_in::show).post(pages::sign_in::code))
        .route("/portal/code/send", get(pages::sign_in::show).post(pages::sign_in::send))
        .route("/portal/code/passkey", get(pages::sign_in::show).post(pages::sign_in::passkey))
        .route("/portal/forgotten", get(pages::forgotten::show).post(pages::forgotten::ask))
        .route("/portal/forgotten/reset", get(pages::forgotten::show_reset).post(pages::forgotten::reset))
        .route("/portal/step-up", get(pages::step_up::show).post(pages::step_up::code))
        .route("/portal/step-up/send", get(pages::step_up::show).post(pages::step_up::send))
        .route("/portal/step-up/passkey", get(pages::step_up::show).post(pages::step_up::passkey))
        .route("/portal/sign-out", get(pages::to_overview).post(pages::sign_in::sign_out))
        .route("/portal/devices", get(pages::devices::show))
        .route("/portal/devices/confirm", get(pages::devices::show).post(pages::devices::confirm))
        .route("/portal/devices/refuse", get(pages::devices::show).post(pages::devices::refuse))
        .route("/portal/devices/withdraw", get(pages::devices::show).post(pages::devices::withdraw))
        .route("/portal/second-factor", get(pages::second_factor::show).post(pages::authenticator::begin))
        .route("/portal/second-factor/confirm", get(pages::authenticator::show).post(pages::authenticator::confirm))
        .route("/portal/second-factor/passkey", get(pages::passkeys::show).post(pages::passkeys::begin))
        .route("/portal/second-factor/passkey/finish", get(pages::passkeys::show).post(pages::passkeys::finish))
        .route("/portal/second-factor/device", get(pages::second_factor::show).post(pages::reached::begin))
        .route("/portal/second-factor/device/confirm", get(pages::reached::show).post(pages::reached::confirm))
        .route("/portal/second-factor/recovery", get(pages::second_factor::show).post(pages::recovery::make))
        .route("/portal/second-factor/remove", get(pages::second_factor::show).post(pages::second_factor::remove_one))
        .route("/portal/app-passwords", get(pages::app_passwords::show).post(pages::app_passwords::mint))
        .route("/portal/app-passwords/revoke", get(pages::app_passwords::show).post(pages::app_passwords::revoke))
        .route("/portal/sessions", get(pages::sessions::show))
        .route("/portal/sessions/end", get(pages::sessions::show).post(pages::sessions::end))
        .route("/portal/shares", get(pages::shares::show).post(pages::shares::share))
        .route("/portal/shares/remove", get(pages::shares::show).post(pages::shares::remove))
        .route("/portal/files", get(pages::files::show).post(pages::files::post))
        .route("/portal/files/", get(pages::files::show).post(pages::files::post))
        .route("/portal/files/{*path}", get(pages::files::show).post(pages::files::post))
        .route("/portal/trash", get(pages::trash::show).post(pages::trash::act))
        .route("/portal/planning", get(pages::planning::show).post(pages::planning::book))
        .route("/portal/calendars", get(pages::calendars::show).post(pages::calendars::subscribe))
        .route("/portal/calendars/publish", get(pages::calendars::show).post(pages::calendars::publish))
        .route("/portal/calendars/withdraw", get(pages::calendars::show).post(pages::calendars::withdraw))
        .route("/portal/calendars/unsubscribe", get(pages::calendars::show).post(pages::calendars::unsubscribe))
        .route("/portal/filters", get(pages::filters::show))
        .route("/portal/filters/simple", get(pages::filters::show).post(pages::filters::save))
        .route("/portal/filters/activate", get(pages::filters::show).post(pages::filters::activate))
        .route("/portal/filters/delete", get(pages::filters::show).post(pages::filters::delete))
        .route("/portal/filters/script", get(pages::filter_script::show).post(pages::filter_script::put))
        .route("/portal/notices", get(pages::notices::show))
        .route("/portal/password", get(pages::password::show).post(pages::password::change))
        .route("/portal/accounts", get(pages::accounts::show))
        .route("/portal/accounts/change", get(pages::accounts::show_change).post(pages::accounts::change))
        .route("/portal/rules", get(pages::rules::show))
        .route("/portal/audit", get(pages::audit::show))
        .route("/portal/audit/verify", get(pages::audit::show).post(pages::audit::verify))
        .route("/portal/help", get(pages::help::show))
        .route("/portal/apple-profile", get(pages::apple::show))
        .route("/portal/connect/{id}", get(pages::connect::show).post(pages::connect::decide))
        .route("/index.php/login/v2", post(pages::connect::begin))
        .route("/index.php/login/v2/poll", post(pages::connect::poll))
        .route("/mail/config-v1.1.xml", get(autoconfig::show))
        .route("/.well-known/mta-sts.txt", get(mta_sts::show))
        .route("/.well-known/autoconfig/mail/config-v1.1.xml", get(autoconfig::show))
        .route("/portal/{*rest}", any(pages::missing::show))
        .with_state(Arc::new(pages::Portal::new(gate, config)))
}
