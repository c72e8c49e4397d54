//! The pages, one file each, the list of them that the navigation shows, and what they share.
//!
//! A page's file has its [`Place`] and its handlers. A handler that reads takes a [`crate::visitor::Person`] (or a `Visitor`) and
//! answers with `page`; one that changes something takes a [`crate::visitor::Posted`] and answers with `go` when it was done, or
//! with the page again when it was not.

pub(crate) mod app_passwords;
pub(crate) mod help;
pub(crate) mod language;
pub(crate) mod overview;
pub(crate) mod password;
pub(crate) mod second_factor;
pub(crate) mod sign_in;

use crate::config::PortalConfig;
use crate::frame::see_other;
use crate::language::Language;
use crate::request::TokenKey;
use crate::sessions::{Sessions, VisitId};
use crate::standing::{SignedIn, Standing};
use crate::texts::password::Password;
use crate::texts::refusals::Refusals;
use axum::response::Response;
use octroi_gate::{Gate, Refusal};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// The pages of the navigation, in its order.
pub(crate) const PLACES: [&Place; 6] =
    [&sign_in::PLACE, &overview::PLACE, &app_passwords::PLACE, &second_factor::PLACE, &password::PLACE, &help::PLACE];

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
}

/// What every page shares.
pub(crate) struct Portal {
    pub gate: Gate,
    pub config: Arc<PortalConfig>,
    pub key: TokenKey,
    pub sessions: Sessions<Standing>,
    /// One permit for each sign-in that is being checked.
    pub sign_ins: Semaphore,
}

impl Portal {
    pub(crate) fn new(gate: Gate, config: Arc<PortalConfig>) -> Self {
        let sign_ins = Semaphore::new(config.sign_ins_max);
        Self { gate, key: TokenKey::new(), sessions: Sessions::new(config.clone()), sign_ins, config }
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
pub(crate) fn refused(refusal: Refusal) -> fn(Language) -> &'static str {
    match refusal {
        Refusal::InvalidCode => |language| Refusals::of(language).code_wrong,
        Refusal::Ended => |language| Refusals::of(language).ended,
        Refusal::Limit(_) => |language| Refusals::of(language).limit,
        Refusal::Unsupported | Refusal::Forbidden(_) => |language| Refusals::of(language).scope,
        Refusal::Password(_) => |language| Password::of(language).rules,
        _ => |language| Refusals::of(language).failed,
    }
}

/// To the first page.
pub(crate) async fn to_overview() -> Response {
    see_other(overview::PLACE.path, None)
}
