//! The pages, one file each, and what they share: the table of visitors and the way from a request to a session.

pub(crate) mod app_passwords;
pub(crate) mod home;
pub(crate) mod password;
pub(crate) mod second_factor;
pub(crate) mod sign_in;

use crate::config::PortalConfig;
use crate::form::Form;
use crate::frame::{Notice, STYLE, see_other};
use crate::sessions::{Sessions, VisitId};
use crate::texts::Texts;
use crate::visit::{TokenKey, Visit};
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use octroi_gate::{Gate, PendingSignIn, PortalSession, Refusal, TotpEnrolment};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// What every page shares.
pub(crate) struct Portal {
    pub gate: Gate,
    pub config: Arc<PortalConfig>,
    pub key: TokenKey,
    pub sessions: Sessions<Standing>,
    /// One permit for each sign-in that is being checked.
    pub sign_ins: Semaphore,
}

/// How far a visitor has come.
pub(crate) enum Standing {
    /// The password was right; one try for the code.
    AwaitsCode(Box<PendingSignIn>),
    /// Signed in.
    In(Box<SignedIn>),
}

/// Somebody who is signed in.
pub(crate) struct SignedIn {
    pub session: PortalSession,
    /// A second factor that is being set up.
    pub enrolment: Option<TotpEnrolment>,
    /// What the next page is to say, once.
    pub notice: Option<Said>,
}

/// What there is to say after a form.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Said {
    Done(fn(&Texts) -> &'static str),
    Fault(fn(&Texts) -> &'static str),
}

impl Said {
    pub(crate) fn notice(self, texts: &Texts) -> Notice<'static> {
        match self {
            Self::Done(text) => Notice::Done(text(texts)),
            Self::Fault(text) => Notice::Fault(text(texts)),
        }
    }
}

impl Portal {
    pub(crate) fn new(gate: Gate, config: Arc<PortalConfig>) -> Self {
        let sign_ins = Semaphore::new(config.sign_ins_max);
        Self { gate, key: TokenKey::new(), sessions: Sessions::new(config.clone()), sign_ins, config }
    }

    /// The session of a visitor who is signed in, checked just now.
    pub(crate) async fn signed_in(&self, visit: &Visit) -> Option<(VisitId, PortalSession)> {
        let id = visit.id.clone()?;
        let session = self.sessions.with(&id, |standing| match standing {
            Standing::In(signed_in) => Some(signed_in.session.clone()),
            Standing::AwaitsCode(_) => None,
        })??;
        if session.check().await.is_err() {
            self.sessions.end(&id);
            return None;
        }
        Some((id, session))
    }

    /// A form of somebody who is signed in; or the answer to give instead.
    pub(crate) async fn signed_in_form(&self, request: Request) -> Result<(Visit, VisitId, PortalSession, Form), Response> {
        let visit = Visit::of(&request);
        let Some((id, session)) = self.signed_in(&visit).await else {
            return Err(sign_in::form(self, &visit, StatusCode::OK, Notice::Fault(visit.texts().expired)));
        };
        match visit.form(&self.key, request).await {
            Ok(form) => Ok((visit, id, session, form)),
            Err(_) => Err(home::page(self, &visit, &id, &session, StatusCode::FORBIDDEN, Notice::Fault(visit.texts().form_stale), None)),
        }
    }

    /// Change what is kept of somebody who is signed in.
    pub(crate) fn with_signed_in<R>(&self, id: &VisitId, change: impl FnOnce(&mut SignedIn) -> R) -> Option<R> {
        self.sessions.with(id, |standing| match standing {
            Standing::In(signed_in) => Some(change(signed_in)),
            Standing::AwaitsCode(_) => None,
        })?
    }

    /// Say something on the next page and go there.
    pub(crate) fn home_saying(&self, id: &VisitId, said: Said, cookie: Option<&VisitId>) -> Response {
        self.with_signed_in(cookie.unwrap_or(id), |signed_in| signed_in.notice = Some(said));
        see_other("/portal/", cookie)
    }
}

/// What to say to a refusal of the gate.
pub(crate) fn refused(refusal: Refusal) -> fn(&Texts) -> &'static str {
    match refusal {
        Refusal::InvalidCode => |texts| texts.code_wrong,
        Refusal::Ended => |texts| texts.expired,
        Refusal::Limit(_) => |texts| texts.limit,
        Refusal::Unsupported | Refusal::Forbidden(_) => |texts| texts.scope_refused,
        Refusal::Password(_) => |texts| texts.password_rules,
        _ => |texts| texts.failed,
    }
}

/// To the first page.
pub(crate) async fn to_home() -> Response {
    see_other("/portal/", None)
}

/// The style sheet.
pub(crate) async fn style() -> Response {
    let mut response = Response::new(Body::from(STYLE));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/css; charset=utf-8"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"));
    response
}
