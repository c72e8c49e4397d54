//! The pages, one file each, the list of them that the navigation shows, and what they share.
//!
//! A page's file has its [`Place`] and its handlers. A handler that reads takes a [`crate::visitor::Person`] (or a `Visitor`) and
//! answers with `page`; one that changes something takes a [`crate::visitor::Posted`] and answers with `go` when it was done, or
//! with the page again when it was not.

pub(crate) mod accounts;
pub(crate) mod app_password_form;
pub(crate) mod app_passwords;
pub(crate) mod apple;
pub(crate) mod audit;
pub(crate) mod authenticator;
pub(crate) mod calendars;
pub(crate) mod connect;
pub(crate) mod devices;
pub(crate) mod files;
pub(crate) mod filter_script;
pub(crate) mod filters;
pub(crate) mod forgotten;
pub(crate) mod help;
pub(crate) mod language;
pub(crate) mod missing;
pub(crate) mod notices;
pub(crate) mod overview;
pub(crate) mod passkeys;
pub(crate) mod password;
pub(crate) mod planning;
pub(crate) mod reached;
pub(crate) mod recovery;
pub(crate) mod rules;
pub(crate) mod second_factor;
pub(crate) mod sessions;
pub(crate) mod shares;
pub(crate) mod sign_in;
pub(crate) mod step_up;
pub(crate) mod trash;

use crate::config::PortalConfig;
use crate::flows::Flows;
use crate::frame::see_other;
use crate::language::Language;
use crate::request::TokenKey;
use crate::sessions::{Sessions, VisitId};
use crate::standing::{SignedIn, Standing};
use crate::texts::password::Password;
use crate::texts::refusals::Refusals;
use axum::response::Response;
use octroi_gate::{Gate, PasswordFault, Refusal};
use std::borrow::Cow;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// The pages of the navigation, in its order.
pub(crate) const PLACES: [&Place; 18] = [
    &sign_in::PLACE,
    &forgotten::PLACE,
    &overview::PLACE,
    &files::PLACE,
    &planning::PLACE,
    &calendars::PLACE,
    &devices::PLACE,
    &app_passwords::PLACE,
    &second_factor::PLACE,
    &sessions::PLACE,
    &shares::PLACE,
    &filters::PLACE,
    &notices::PLACE,
    &password::PLACE,
    &accounts::PLACE,
    &rules::PLACE,
    &audit::PLACE,
    &help::PLACE,
];

/// A page's place in the navigation.
pub(crate) struct Place {
    pub path: &'static str,
    pub title: fn(Language) -> &'static str,
    pub audience: Audience,
}

/// Whom the navigation shows a page. What the page itself gives is decided by what its handlers take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    Everybody,
    SignedIn,
    SignedOut,
    /// Whose profile shows documents from where they are.
    Documents,
    /// Whose profile shows calendars from where they are.
    Calendars,
    /// Whose profile reads the audit trail.
    Auditors,
    /// Whose profile administers.
    Administrators,
}

/// What every page shares.
pub(crate) struct Portal {
    pub gate: Gate,
    pub config: Arc<PortalConfig>,
    pub key: TokenKey,
    pub sessions: Sessions<Standing>,
    /// One permit for each sign-in that is being checked.
    pub sign_ins: Semaphore,
    /// Programs that wait to be connected.
    pub flows: Flows,
}

impl Portal {
    pub(crate) fn new(gate: Gate, config: Arc<PortalConfig>) -> Self {
        let sign_ins = Semaphore::new(config.sign_ins_max);
        let flows = Flows::new(config.login_flow, config.login_flows_max);
        Self { gate, key: TokenKey::new(), sessions: Sessions::new(config.clone()), sign_ins, flows, config }
    }

    /// Look at or change what is kept of somebody who is signed in.
    pub(crate) fn with_signed_in<R>(&self, id: &VisitId, change: impl FnOnce(&mut SignedIn) -> R) -> Option<R> {
        self.sessions.with(id, |standing| match standing {
            Standing::In(signed_in) => Some(change(signed_in)),
            Standing::AwaitsCode(_) => None,
        })?
    }
}

/// What to say to a refusal of the gate.
pub(crate) fn refused(refusal: Refusal, language: Language) -> Cow<'static, str> {
    let texts = Refusals::of(language);
    Cow::Borrowed(match refusal {
        Refusal::InvalidCode => texts.code_wrong,
        Refusal::UsedCode => texts.code_used,
        Refusal::FactorLocked(seconds) => return Cow::Owned(format!("{} {}.", texts.locked, for_how_long(seconds, texts))),
        Refusal::Ended => texts.ended,
        Refusal::Limit(what) if what.starts_with("codes") => texts.codes_sent,
        Refusal::Limit(_) => texts.limit,
        Refusal::Unsupported | Refusal::Forbidden(_) => texts.not_possible,
        Refusal::Missing => texts.missing,
        Refusal::Exists => texts.exists,
        Refusal::ShareNotAllowed => texts.share_not_allowed,
        Refusal::UnknownGrantee => texts.grantee_unknown,
        Refusal::UnknownRecipient => texts.account_unknown,
        Refusal::Password(fault) => password_fault(fault, language),
        _ => texts.failed,
    })
}

fn password_fault(fault: PasswordFault, language: Language) -> &'static str {
    let texts = Password::of(language);
    match fault {
        PasswordFault::TooShort => texts.too_short,
        PasswordFault::TooLong => texts.too_long,
        PasswordFault::Monotone => texts.monotone,
        PasswordFault::OwnName => texts.own_name,
        PasswordFault::Weak => texts.weak,
    }
}

/// A time to wait, in words and rounded up.
fn for_how_long(seconds: i64, texts: &Refusals) -> String {
    match seconds {
        ..=90 => format!("{} {}", seconds.max(1), texts.seconds),
        91..=5400 => format!("{} {}", (seconds + 59) / 60, texts.minutes),
        _ => format!("{} {}", (seconds + 3599) / 3600, texts.hours),
    }
}

/// To the first page.
pub(crate) async fn to_overview() -> Response {
    see_other(overview::PLACE.path, None)
}
